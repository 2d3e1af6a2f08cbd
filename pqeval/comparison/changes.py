"""Image by image: which segments one prediction finds and the other does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pqeval.categories import Categories
from pqeval.comparison.outcome import Change, Changed
from pqeval.ledger import Column, FrameLedger, Outcome, Side, all_rows

__all__ = ["alike", "changes", "occurrences"]

Rows: TypeAlias = npt.NDArray[np.int64]
DECISIVE = [int(column) for column in (Column.SEGMENT, Column.OUTCOME, Column.INTER, Column.UNION)]


def alike(one: FrameLedger, two: FrameLedger) -> bool:
    """Whether two predictions of an image score the same: the same matches and IoUs, FPs of the same classes."""
    return all(np.array_equal(_scoring(one.rows, side), _scoring(two.rows, side)) for side in Side)


def _scoring(rows: Rows, side: Side) -> Rows:
    """What of the rows decides the scores: of the ground truth each outcome, of predictions the classes of FPs."""
    own, outcome = rows[:, Column.SIDE] == side, rows[:, Column.OUTCOME]
    if side == Side.PRED:
        classes: Rows = np.sort(rows[own & (outcome == Outcome.FP)][:, Column.CATEGORY])
        return classes
    # Misses have a partner where another class covers them, which scores that take all classes for one look at.
    found: Rows = rows[own & ((outcome == Outcome.TP) | (outcome == Outcome.FN))][:, DECISIVE]
    return found


def occurrences(one: Sequence[FrameLedger], two: Sequence[FrameLedger], classes: int) -> npt.NDArray[np.int64]:
    """Count the images in which each class has something that counts, in one of two predictions at least."""
    seen = np.zeros((len(one), classes), np.bool_)
    for frames in (one, two):
        rows = all_rows(frames)
        image = np.repeat(np.arange(len(frames)), [len(frame.rows) for frame in frames])
        counted = np.isin(rows[:, Column.OUTCOME], (Outcome.TP, Outcome.FP, Outcome.FN))
        seen[image[counted], rows[counted, Column.CATEGORY]] = True
    times: npt.NDArray[np.int64] = seen.sum(axis=0, dtype=np.int64)
    return times


def changes(one: FrameLedger, two: FrameLedger, categories: Categories, effect: float | None) -> Changed:
    """List what became of the segments of an image.

    Parameters
    ----------
    one, two : FrameLedger
        The image as the baseline and as the other has it; the segments of the ground truth are the same.
    categories : Categories
        The table.
    effect : float or None
        What it does to the score.

    Returns
    -------
    Changed
    """
    found = [_rows(frame, Side.GT, Outcome.TP) for frame in (one, two)]
    hits = [{int(row[Column.SEGMENT]) for row in rows} for rows in found]
    gained = [row for row in found[1] if int(row[Column.SEGMENT]) not in hits[0]]
    lost = [row for row in found[0] if int(row[Column.SEGMENT]) not in hits[1]]
    wrong = [_false(frame) for frame in (one, two)]
    gone, new = (_without(own, others) for own, others in (wrong, wrong[::-1]))
    sums = [float((rows[:, Column.INTER] / rows[:, Column.UNION]).sum()) for rows in found]
    segments = [tuple(_told(rows, categories)) for rows in (gained, lost, gone, new)]
    return Changed(one.image_id, effect, segments[0], segments[1], segments[2], segments[3], sums[1] - sums[0])


def _rows(frame: FrameLedger, side: Side, outcome: Outcome) -> Rows:
    found: Rows = frame.rows[(frame.rows[:, Column.SIDE] == side) & (frame.rows[:, Column.OUTCOME] == outcome)]
    return found


def _false(frame: FrameLedger) -> list[tuple[Hashable, Rows]]:
    """The FPs, each with what it looks like from the ground truth; ids of predictions mean nothing elsewhere."""
    ids = np.unique(frame.rows[frame.rows[:, Column.SIDE] == Side.PRED, Column.SEGMENT])
    listed: list[tuple[Hashable, Rows]] = []
    for row in _rows(frame, Side.PRED, Outcome.FP):
        place = int(np.searchsorted(ids, row[Column.SEGMENT])) + 1
        shared = frame.pairs[frame.pairs[:, 1] == place][:, [0, 2]]
        listed.append(((int(row[Column.CATEGORY]), int(row[Column.AREA]), shared.tobytes()), row))
    return listed


def _without(own: list[tuple[Hashable, Rows]], others: list[tuple[Hashable, Rows]]) -> list[Rows]:
    """Those that the other side does not have, as often as it does not."""
    left = Counter(look for look, _ in others)
    kept = []
    for look, row in own:
        if left[look]:
            left[look] -= 1
        else:
            kept.append(row)
    return kept


def _told(rows: list[Rows], categories: Categories) -> Iterator[Change]:
    listed = list(categories)
    for segment in {int(row[Column.SEGMENT]): row for row in rows}.values():
        category = listed[int(segment[Column.CATEGORY])]
        yield Change(int(segment[Column.SEGMENT]), category.id, category.name, int(segment[Column.AREA]))
