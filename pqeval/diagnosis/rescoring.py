"""Scores of changed ledger rows: other thresholds of IoU, and segments of one size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pqeval.diagnosis.findings import SizeSlice, ThresholdScore
from pqeval.diagnosis.ladder import Ladder, Stats
from pqeval.ledger import Column, Outcome, Side, all_rows
from pqeval.metrics._images import memberships
from pqeval.metrics.pq import Counts, class_scores, count_classes, groups_of
from pqeval.result import GroupScore
from pqeval.run import Run
from pqeval.void import VoidPolicy

__all__ = ["STEPS", "scores_at", "sizes_of", "unmatched_gt", "unmatched_pred"]

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
STEPS = range(10, 20)
"""Thresholds in twentieths, so that they are exact."""


@dataclass(frozen=True, eq=False)
class _Rows:
    """All rows of a run, and where each image ends."""

    run: Run
    ladder: Ladder
    rows: Ints
    frame: Ints

    @classmethod
    def of(cls, run: Run, ladder: Ladder) -> _Rows:
        frames = run.frames()
        frame = np.repeat(np.arange(len(frames)), [len(each.rows) for each in frames])
        return cls(run, ladder, all_rows(frames), frame)

    def counted(self, outcome: Ints) -> Counts:
        """Count the rows with other outcomes."""
        rows = self.rows.copy()
        rows[:, Column.OUTCOME] = outcome
        return count_classes([rows], len(self.run.categories))

    def groups(self, counts: Counts, outcome: Ints) -> dict[str, GroupScore]:
        """Average what was counted, as the ladder does."""
        averaging = self.ladder.averaging
        per_class = class_scores(counts, self.run.categories, averaging)
        if not self.ladder.images:
            return groups_of(per_class, self.run.groups, averaging)
        stats = self.by_cell(outcome)
        says = self.ladder.says(stats)
        scored = np.bincount(self.ladder.each_class()[says], minlength=self.ladder.classes) > 0
        found = {}
        for name, chosen in memberships(per_class, self.run.groups).items():
            means, known = self.ladder.climb(self.ladder.ratios(stats), says, self.ladder.group(chosen))
            pq, sq, rq = means if known else [averaging.nothing] * 3
            found[name] = GroupScore(pq, sq, rq, int(np.count_nonzero(scored & np.array(chosen))))
        return found

    def by_cell(self, outcome: Ints) -> Stats:
        """Count the rows by cell."""
        rows, cells = self.rows, self.ladder.cells
        cell = self.ladder.cell(self.frame, rows[:, Column.CATEGORY])
        hit = (outcome == Outcome.TP) & (rows[:, Column.SIDE] == Side.GT)
        iou = rows[hit, Column.INTER] / rows[hit, Column.UNION]
        return Stats(
            np.bincount(cell[hit], iou, cells).astype(np.float64),
            np.bincount(cell[hit], minlength=cells),
            np.bincount(cell[outcome == Outcome.FP], minlength=cells),
            np.bincount(cell[outcome == Outcome.FN], minlength=cells),
        )


def unmatched_gt(area: Ints, void: Ints, policy: VoidPolicy) -> Ints:
    """Return what gt segments are that match nothing, by area and unknown pixels."""
    excused = (2 * void > area) & policy.excuse_missed
    outcome = np.where(excused, np.int64(Outcome.UNKNOWN_EXCUSED), np.int64(Outcome.FN))
    # Stated areas can be negative.
    return np.where(np.maximum(area, 0) < policy.smallest, np.int64(Outcome.SMALL), outcome)


def unmatched_pred(area: Ints, void: Ints, crowd: Ints, policy: VoidPolicy) -> Ints:
    """Return what predicted segments are that match nothing, by area, and pixels on void and on crowds."""
    by_void = (area == 0) | ((2 * void > area) & (policy.excuse != "none"))
    by_crowd = (2 * (void + crowd) > area) & (policy.excuse in ("own crowd", "any crowd"))
    outcome = np.where(area < policy.smallest, np.int64(Outcome.SMALL), np.int64(Outcome.FP))
    outcome = np.where(by_crowd, np.int64(Outcome.CROWD_EXCUSED), outcome)
    return np.where(by_void, np.int64(Outcome.VOID_EXCUSED), outcome)


def scores_at(run: Run, ladder: Ladder, steps: Sequence[int] = STEPS) -> tuple[ThresholdScore, ...]:
    """Score with stricter thresholds of IoU.

    Above 1/2 every threshold leaves some of the matches; what matches no longer becomes what the convention makes
    of segments without a match.

    Parameters
    ----------
    run : Run
        What was evaluated.
    ladder : Ladder
        How it was averaged.
    steps : sequence of int
        Thresholds in twentieths, from 10.

    Returns
    -------
    tuple of ThresholdScore
    """
    table = _Rows.of(run, ladder)
    rows, policy = table.rows, run.policy
    before = rows[:, Column.OUTCOME]
    hit = before == Outcome.TP
    gt, pred = hit & (rows[:, Column.SIDE] == Side.GT), hit & (rows[:, Column.SIDE] == Side.PRED)
    own = (table.frame << 32) | rows[:, Column.SEGMENT]
    partner = (table.frame << 32) | rows[:, Column.PARTNER]
    area, void, crowd = (rows[:, column] for column in (Column.AREA, Column.VOID, Column.CROWD))
    missed, wrong = unmatched_gt(area, void, policy), unmatched_pred(area, void, crowd, policy)
    own_groups = {name: score for name, score in run.result.groups.items() if name != "Binary"}
    found = []
    for step in steps:
        kept = gt & (20 * rows[:, Column.INTER] > step * rows[:, Column.UNION])
        # A gt segment with several rows, which stated areas make possible, is missed once.
        lost = gt & ~np.isin(own, own[kept])
        lost[lost] = np.diff(own[lost], prepend=-1) != 0
        outcome = np.where(gt & ~kept, np.int64(Outcome.IGNORED), before)
        outcome = np.where(lost, missed, outcome)
        outcome = np.where(pred & ~np.isin(own, partner[kept]), wrong, outcome)
        counts = table.counted(outcome)
        # Where no match is lost these are the scores of the run, to the last bit.
        groups = own_groups if np.array_equal(outcome, before) else table.groups(counts, outcome)
        found.append(
            ThresholdScore(step / 20, int(counts.tp.sum()), int(counts.fp.sum()), int(counts.fn.sum()), groups)
        )
    return tuple(found)


def sizes_of(run: Run, ladder: Ladder, limits: Sequence[int]) -> tuple[SizeSlice, ...]:
    """Score the segments of each size by themselves.

    Parameters
    ----------
    run : Run
        What was evaluated.
    ladder : Ladder
        How it was averaged. Here a class that no segment of the size has is left out, also where it would be 0.
    limits : sequence of int
        Ascending areas where one size ends and the next begins.

    Returns
    -------
    tuple of SizeSlice
    """
    averaging = replace(ladder.averaging, absent="skip", nothing=None)
    table = _Rows.of(run, replace(ladder, averaging=averaging))
    bins = np.searchsorted(np.array(limits, np.int64), table.rows[:, Column.AREA], side="right")
    names = (
        ("small", "medium", "large") if len(limits) == 2 else [f"size {place}" for place in range(len(limits) + 1)]
    )
    slices = []
    for place, name in enumerate(names):
        outcome = np.where(bins == place, table.rows[:, Column.OUTCOME], np.int64(Outcome.IGNORED))
        counts = table.counted(outcome)
        slices.append(
            SizeSlice(
                name,
                limits[place - 1] if place else None,
                limits[place] if place < len(limits) else None,
                int(counts.tp.sum()),
                int(counts.fp.sum()),
                int(counts.fn.sum()),
                float(counts.iou.sum()),
                table.groups(counts, outcome),
            )
        )
    return tuple(slices)
