"""Category ids that do not line up: the most frequent reason for a PQ near zero.

When segments are found but named wrongly, the ledger knows: an FN row whose partner has IoU > 1/2 is a segment
that would have matched had its category been right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from pqeval.categories import Categories
from pqeval.errors import DataWarning
from pqeval.ledger import Column, FrameLedger, Outcome, Side

__all__ = ["misaligned"]

LITTLE = 0.01
MANY = 0.3
SHOWN = 5


def misaligned(frames: Sequence[FrameLedger], categories: Categories, pq: float | None) -> list[DataWarning]:
    """Say which category ids seem shifted or permuted.

    Parameters
    ----------
    frames : sequence of FrameLedger
        All images.
    categories : Categories
        The table.
    pq : float or None
        PQ of the group All.

    Returns
    -------
    list of DataWarning
        Empty unless PQ is below 1 % while at least 30 % of the gt segments (and at least 3) have a predicted
        segment of another category with IoU > 1/2.
    """
    if pq is None or pq >= LITTLE:
        return []
    total = 0
    votes: Counter[tuple[int, int]] = Counter()
    for frame in frames:
        rows = frame.rows
        gt = rows[rows[:, Column.SIDE] == Side.GT]
        pred = rows[rows[:, Column.SIDE] == Side.PRED]
        missed = gt[gt[:, Column.OUTCOME] == Outcome.FN]
        total += len(missed) + int(np.count_nonzero(gt[:, Column.OUTCOME] == Outcome.TP))
        found = missed[missed[:, Column.PARTNER] > 0]
        partner = pred[np.searchsorted(pred[:, Column.SEGMENT], found[:, Column.PARTNER]), Column.CATEGORY]
        pairs = zip(partner.tolist(), found[:, Column.CATEGORY].tolist(), strict=True)
        votes.update((p, g) for p, g in pairs if p >= 0 and p != g)
    found_wrong = sum(votes.values())
    if found_wrong < max(3, MANY * total):
        return []
    return [
        DataWarning(
            code="categories-misaligned",
            found=f"{found_wrong} of {total} ground-truth segments are found with IoU > 0.5 under another "
            f"category id: {_pattern(votes, categories)}",
            expected="predictions that use the category ids of the ground truth",
            remedy="map the class numbers of the network to the dataset's category ids before saving",
        )
    ]


def _pattern(votes: Counter[tuple[int, int]], categories: Categories) -> str:
    by_pred: dict[int, Counter[int]] = {}
    for (pred, gt), times in votes.items():
        by_pred.setdefault(categories[pred].id, Counter())[categories[gt].id] += times
    best = {
        pred: max(counter.items(), key=lambda item: (item[1], -item[0]))
        for pred, counter in sorted(by_pred.items())
    }
    offsets = {gt - pred for pred, (gt, _) in best.items()}
    lines = sorted(best.items(), key=lambda item: (-item[1][1], item[0]))
    pairs = ", ".join(
        f"predicted {pred} overlaps ground truth {gt} in {round(100 * times / total)} % of {total}"
        for pred, (gt, times) in lines[:SHOWN]
        if (total := by_pred[pred].total())
    )
    more = f" and {len(lines) - SHOWN} more" if len(lines) > SHOWN else ""
    for start in (0, 1):
        if len(best) > 1 and all(categories.index_of(gt) + start == pred for pred, (gt, _) in best.items()):
            return f"the ids seem to be places in the category table, counted from {start} ({pairs}{more})"
    if len(offsets) == 1 and len(best) > 1:
        return f"the ids seem shifted by {-offsets.pop():+d} ({pairs}{more})"
    return f"the ids seem permuted ({pairs}{more})"
