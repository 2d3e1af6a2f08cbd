"""Shares of the lost PQ: 1 - PQ as a sum of terms, one per kind of error.

Of one class, with D = TP + FP/2 + FN/2 and S the sum of IoU over TPs::

    1 - PQ = (TP - S) / D  +  FP / (2 D)  +  FN / (2 D)

FPs and FNs are told apart by kind, and what is averaged to PQ is averaged here in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pqeval.diagnosis.kinds import TERMS, Kinds
from pqeval.diagnosis.ladder import Ladder, Stats, Steps
from pqeval.diagnosis.tables import Tables

__all__ = ["Items", "items_of", "shares_of", "terms_of", "terms_of_classes"]

Floats = npt.NDArray[np.float64]
FIRST_FP, FIRST_FN = TERMS.index("fp_cls"), TERMS.index("fn_cls")


@dataclass(frozen=True, eq=False)
class Items:
    """Everything that costs something: TPs by their mask, FPs and FNs.

    Parameters
    ----------
    term : (N,) int64
        Which of :data:`TERMS` it belongs to.
    place : (N,) int64
        The match, the predicted segment or the gt segment, in the table that its term speaks of.
    frame, cell : (N,) int64
        The image, and the cell that pays.
    amount : (N,) float64
        1 - IoU, or 1/2: what it takes from the sum of IoU, or adds to the divisor.
    """

    term: npt.NDArray[np.int64]
    place: npt.NDArray[np.int64]
    frame: npt.NDArray[np.int64]
    cell: npt.NDArray[np.int64]
    amount: Floats


def items_of(tables: Tables, kinds: Kinds, ladder: Ladder) -> Items:
    """List what costs something.

    Parameters
    ----------
    tables : Tables
        The run.
    kinds : Kinds
        The kinds of its FPs and FNs.
    ladder : Ladder
        Who pays.

    Returns
    -------
    Items
    """
    gt, pred, matches = tables.gt, tables.pred, tables.matches
    fp, fn = np.flatnonzero(kinds.fp >= 0), np.flatnonzero(kinds.fn >= 0)
    hit = np.arange(len(matches))
    frame = np.concatenate([gt.frame[matches.gt], pred.frame[fp], gt.frame[fn]])
    category = np.concatenate([gt.category[matches.gt], pred.category[fp], gt.category[fn]])
    return Items(
        np.concatenate([np.zeros(len(hit), np.int64), FIRST_FP + kinds.fp[fp], FIRST_FN + kinds.fn[fn]]),
        np.concatenate([hit, fp, fn]),
        frame,
        ladder.cell(frame, category),
        np.concatenate([1.0 - matches.iou(), np.full(len(fp) + len(fn), 0.5)]),
    )


def shares_of(items: Items, ladder: Ladder, stats: Stats) -> Floats:
    """Return what each cell lost to each term, and at last to the convention; (cells, 10).

    The last column is what no segment is to blame for: constants that the convention adds to divisors, and classes
    that do not occur and are averaged as 0.
    """
    value, says = ladder.values(stats)
    half = stats.half
    safe = np.where(half > 0, half, 1.0)
    table = np.bincount(items.cell * len(TERMS) + items.term, items.amount, ladder.cells * len(TERMS))
    shares = table.reshape(ladder.cells, len(TERMS)) / safe[:, None]
    own = np.where(half > 0, stats.iou / safe - value, 1.0)
    return np.column_stack([shares, np.where(says, own, 0.0)])


def terms_of_classes(shares: Floats, ladder: Ladder, stats: Stats) -> Floats:
    """Average the shares of each class over its cells; (classes, 10)."""
    says = ladder.says(stats).reshape(-1, ladder.classes)
    table = shares.reshape(-1, ladder.classes, shares.shape[1])
    means: Floats = np.where(says[..., None], table, 0.0).sum(axis=0) / np.maximum(says.sum(axis=0), 1)[:, None]
    return means


def terms_of(shares: Floats, ladder: Ladder, stats: Stats, steps: Steps) -> Floats | None:
    """Average shares as PQ is averaged; ``None`` where there is no PQ."""
    weights = ladder.weights(ladder.says(stats), steps)
    if weights.any():
        sums: Floats = (shares * weights[:, None]).sum(axis=0)
        return sums
    if ladder.averaging.nothing is None:
        return None
    return np.append(np.zeros(len(TERMS)), 1.0 - ladder.averaging.nothing)
