"""Changes of counts to changes of PQ: up the ladder of means, touching only what changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from pqeval.diagnosis.ladder import Ladder, Stats, Steps
from pqeval.diagnosis.removal import Changes, runs_of

__all__ = ["pq_after"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def pq_after(changes: Changes, ladder: Ladder, stats: Stats, steps: Steps, count: int, *, in_turn: bool) -> Floats:
    """Return PQ after each key.

    Parameters
    ----------
    changes : Changes
        What changes in the counts, and when.
    ladder, stats, steps
        The counts before, and how they become PQ.
    count : int
        Number of keys.
    in_turn : bool
        Whether each key comes on top of the ones before it, or is a scenario of its own.

    Returns
    -------
    (count,) float64
        NaN where there is nothing to average.
    """
    cell = ladder.cell(changes.frame, changes.category)
    place, key, sums = _added(cell, changes.key, [changes.iou, changes.tp, changes.fp, changes.fn], in_turn)
    value, says = ladder.values(stats)
    iou, tp, fp, fn = sums[0], *(column.astype(np.int64) for column in sums[1:])
    new = stats.taken(place).plus(iou, tp, fp, fn)
    # Without a match no rounding may be left of what was taken off.
    new = replace(new, iou=np.where(new.tp > 0, new.iou, 0.0))
    new_value, new_says = ladder.values(new)
    for step in steps:
        total, told = step.total(value, says), step.tally(says)
        old_value, old_says = value[place], says[place]
        if in_turn:
            follows = np.flatnonzero(place[1:] == place[:-1]) + 1
            old_value[follows], old_says[follows] = new_value[follows - 1], new_says[follows - 1]
        part = step.parents[place] >= 0
        more = np.where(new_says, new_value, 0.0) - np.where(old_says, old_value, 0.0)
        some = new_says.astype(np.int64) - old_says
        place, key, (more, change) = _added(
            step.parents[place[part]], key[part], [more[part], some[part]], in_turn
        )
        number = told[place] + change.astype(np.int64)
        new_value, new_says = np.maximum(total[place] + more, 0.0) / np.maximum(number, 1), number > 0
        value, says = total / np.maximum(told, 1), told > 0
    nothing = np.nan if ladder.averaging.nothing is None else ladder.averaging.nothing
    start = value[0] if says[0] else nothing
    after = np.where(new_says, new_value, nothing)
    if not in_turn:
        pq = np.full(count, start)
        pq[key] = after
        return pq
    at = np.searchsorted(key, np.arange(count), side="right")
    return np.append(start, after)[at]


def _added(
    place: Ints, key: Ints, columns: list[npt.NDArray[np.generic]], in_turn: bool
) -> tuple[Ints, Ints, list[Floats]]:
    """Sort by place and key, and add up what has both; in turn, add what came before at the same place, too."""
    order = np.lexsort((key, place))
    place, key = place[order], key[order]
    starts = runs_of(place, key)
    if not len(starts):
        return place, key, [column[:0].astype(np.float64) for column in columns]
    sums = [np.add.reduceat(column[order].astype(np.float64), starts) for column in columns]
    place, key = place[starts], key[starts]
    if in_turn:
        first = runs_of(place)
        for begin, end in zip(first.tolist(), np.append(first[1:], len(place)).tolist(), strict=True):
            for column in sums:
                # One place at a time: a sum over all of them would carry the rounding of the others.
                np.cumsum(column[begin:end], out=column[begin:end])
    return place, key, sums
