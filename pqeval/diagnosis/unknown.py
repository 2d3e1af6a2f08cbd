"""Which predicted segments should have been left unknown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pqeval.diagnosis.curves import pq_after
from pqeval.diagnosis.if_unknown import ClassRemoval, ScorePoint, ScoreRemoval, SegmentRemoval, Unknown
from pqeval.diagnosis.ladder import Ladder, Stats
from pqeval.diagnosis.removal import STAYS, changes_of
from pqeval.diagnosis.tables import Tables
from pqeval.ledger import Outcome
from pqeval.run import Run

__all__ = ["MOST_POINTS", "what_if_unknown"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
MOST_POINTS = 1000


@dataclass(frozen=True, eq=False)
class _Asked:
    """A run that can be asked what PQ would be."""

    run: Run
    tables: Tables
    ladder: Ladder
    stats: Stats

    def pq(self, key: Ints, count: int, *, in_turn: bool) -> Floats:
        """Return PQ of All after each key; see :func:`pqeval.diagnosis.removal.changes_of`."""
        changes = changes_of(self.tables, self.run.policy, key, in_turn=in_turn)
        steps = self.ladder.group([True] * self.ladder.classes)
        return pq_after(changes, self.ladder, self.stats, steps, count, in_turn=in_turn)


def what_if_unknown(run: Run, tables: Tables, ladder: Ladder, stats: Stats, top: int) -> Unknown:
    """Ask what PQ would be if predicted segments had been left unknown.

    Parameters
    ----------
    run : Run
        What was evaluated, with a PQ.
    tables, ladder, stats
        Its readings.
    top : int
        How many single segments are listed.

    Returns
    -------
    Unknown
    """
    asked = _Asked(run, tables, ladder, stats)
    wrong = np.where(tables.pred.outcome == Outcome.FP, 0, STAYS)
    by_class, best = _by_class(asked)
    gains = asked.pq(np.arange(len(tables.pred)), len(tables.pred), in_turn=False) - (run.result.pq or 0.0)
    gains = np.where(np.isnan(gains), -np.inf, gains)
    return Unknown(
        _by_score(asked),
        by_class,
        best,
        int(np.count_nonzero(gains > ROUNDING)),
        _segments(asked, gains, top),
        _number(asked.pq(wrong, 1, in_turn=True)[0]),
    )


ROUNDING = 1e-12
"""Below this a gain is no gain: two roads to one number differ by as much."""


def _number(pq: float) -> float | None:
    return None if np.isnan(pq) else float(pq)


def _by_score(asked: _Asked) -> ScoreRemoval | None:
    pred = asked.tables.pred
    scored = pred.counts & np.isfinite(pred.score)
    if not scored.any():
        return None
    scores, rank = np.unique(pred.score[scored], return_inverse=True)
    key = np.full(len(pred), STAYS)
    key[scored] = rank.ravel()
    pq = np.append(asked.run.result.pq or 0.0, asked.pq(key, len(scores), in_turn=True))
    thresholds = np.append(scores, np.nextafter(scores[-1], np.inf))
    removed = np.append(0, np.cumsum(np.bincount(key[scored])))
    best = _first_best(pq)
    for place in {best, len(scores)} - {0}:
        # All at once: the sum that has taken many small steps has their rounding in it.
        at_once = np.where(scored & (key < place), 0, STAYS)
        pq[place] = asked.pq(at_once, 1, in_turn=True)[0]
    places = np.round(np.linspace(0, len(scores), min(MOST_POINTS - 1, len(pq)))).astype(np.int64)
    points = {
        place: ScorePoint(
            float(thresholds[place]),
            _number(pq[place]),
            int(removed[place]),
            float(scores[place - 1]) if place else None,
        )
        for place in np.union1d(places, best).tolist()
    }
    return ScoreRemoval(
        int(scored.sum()), int(np.count_nonzero(pred.counts & ~scored)), points[best], tuple(points.values())
    )


def _first_best(pq: Floats) -> int:
    """Return the first place of the highest PQ; what differs by rounding only is equal."""
    known = np.where(np.isnan(pq), -np.inf, pq)
    return int(np.argmax(known >= known.max() - ROUNDING))


def _by_class(asked: _Asked) -> tuple[tuple[ClassRemoval, ...], tuple[int, ...]]:
    pred, rows = asked.tables.pred, list(asked.run.categories)
    base = asked.run.result.pq or 0.0
    sizes = np.bincount(pred.category[pred.counts], minlength=len(rows))
    alone = asked.pq(pred.category, len(rows), in_turn=False)
    order = sorted(
        np.flatnonzero(sizes).tolist(), key=lambda place: (-np.nan_to_num(alone[place], nan=-1.0), place)
    )
    gaining = [place for place in order if alone[place] > base + ROUNDING]
    turn = np.full(len(rows) + 1, STAYS)
    turn[gaining] = np.arange(len(gaining))
    together = asked.pq(turn[pred.category], len(gaining), in_turn=True)
    best = _first_best(np.append(base, together))
    found = []
    for place in order:
        pq = _number(alone[place])
        at = int(turn[place])
        found.append(
            ClassRemoval(
                rows[place].id,
                rows[place].name,
                int(sizes[place]),
                pq,
                None if pq is None else pq - base,
                _number(together[at]) if at >= 0 else None,
            )
        )
    return tuple(found), tuple(rows[place].id for place in gaining[:best])


def _segments(asked: _Asked, gains: Floats, top: int) -> tuple[SegmentRemoval, ...]:
    pred, rows = asked.tables.pred, list(asked.run.categories)
    found = []
    # Gains that differ by rounding only are equal, and then the order of the data decides.
    rounded = np.round(gains, 12)
    for place in np.argsort(-rounded, kind="stable")[:top].tolist():
        if gains[place] <= ROUNDING:
            break
        category, score = rows[pred.category[place]], float(pred.score[place])
        found.append(
            SegmentRemoval(
                asked.tables.frames[pred.frame[place]].image_id,
                int(pred.id[place]),
                category.id,
                category.name,
                Outcome(pred.outcome[place]).name.lower().replace("_", "-"),
                score if np.isfinite(score) else None,
                int(pred.area[place]),
                float(gains[place]),
            )
        )
    return tuple(found)
