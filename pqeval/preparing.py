"""What some conventions do to the segments of an image before anything is counted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pqeval.categories import Categories
from pqeval.errors import DataWarning, PqevalError
from pqeval.labelmap import LabelMap
from pqeval.rows import NO_AREA, Row, Rows
from pqeval.void import VoidPolicy

__all__ = ["prepare"]

Side = tuple[LabelMap, Sequence[Row]]


def prepare(
    side: Side, policy: VoidPolicy, categories: Categories, *, truth: bool, problems: list[PqevalError]
) -> Side:
    """Apply a convention's rules about whole segments to one side.

    Parameters
    ----------
    side : tuple of (LabelMap, sequence of Row)
        Map and checked list.
    policy : VoidPolicy
        The convention.
    categories : Categories
        The table.
    truth : bool
        Whether this is the ground truth.
    problems : list
        Receives warnings.

    Returns
    -------
    tuple of (LabelMap, sequence of Row)
        The same one where the convention has no such rule.
    """
    if truth and policy.crowd_is_void:
        side = _without_crowds(side, categories)
    if policy.merge_stuff:
        side = _with_stuff_merged(side, categories)
    if not truth and policy.most_segments is not None and len(side[1]) > policy.most_segments:
        side = _without_the_last(side, policy.most_segments, problems)
    return side


def _without_the_last(side: Side, most: int, problems: list[PqevalError]) -> Side:
    """Keep the segments with the lowest ids; mark the others as crowds, which the convention skips."""
    rows = Rows.of(side[1])
    last = int(np.partition(rows.ids, most - 1)[most - 1])
    problems.append(
        DataWarning(
            code="pred-too-many",
            found=f"{len(rows)} predicted segments; those with ids above {last} take no part",
            expected=f"at most {most} segments",
            remedy="give the segments that matter most the lowest ids, or predict fewer",
        )
    )
    crowds = np.where(rows.ids > last, np.uint8(1), rows.crowds)
    return side[0], rows.altered(crowds=crowds)


def _without_crowds(side: Side, categories: Categories) -> Side:
    labels, rows = side[0], Rows.of(side[1])
    kept = (rows.crowds == 0) & np.isin(rows.category_ids, [row.id for row in categories])
    if kept.all():
        return side
    present = labels.present()
    new = np.where(np.isin(present, rows.ids[~kept]), 0, present).astype(np.uint32)
    return labels.mapped(present, new), rows.taken(kept)


def _with_stuff_merged(side: Side, categories: Categories) -> Side:
    """Give all segments of a stuff class the lowest of their ids, and the sum of their areas.

    Listed segments without a pixel stay as they are: they are reported later.
    """
    labels, rows = side[0], Rows.of(side[1])
    present = labels.present()
    stuff = np.isin(rows.category_ids, list(categories.stuff))
    stuff &= np.isin(rows.ids, present)
    order = np.lexsort((rows.ids, rows.category_ids))
    order = order[stuff[order]]
    first = np.diff(rows.category_ids[order], prepend=rows.category_ids[order][:1] - 1) != 0
    if first.all():
        return side
    lowest = order[first][np.cumsum(first) - 1]
    joined = np.arange(len(rows))
    joined[order] = lowest
    areas = rows.areas.copy()
    scores = None if rows.scores is None else rows.scores.copy()
    for place in np.unique(lowest).tolist():
        parts = joined == place
        stated = rows.areas[parts]
        areas[place] = NO_AREA if (stated == NO_AREA).any() else stated.sum()
        if scores is not None and rows.scores is not None:
            scores[place] = np.fmax.reduce(rows.scores[parts])
    kept = joined == np.arange(len(rows))
    moved = np.searchsorted(present, rows.ids[~kept])
    new = present.copy()
    new[moved] = rows.ids[joined[~kept]]
    left = Rows(rows.ids, rows.category_ids, rows.crowds, areas, scores).taken(kept)
    return labels.mapped(present, new), left
