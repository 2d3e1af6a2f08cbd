"""What kind of error each FP and FN is.

The kinds are those of TIDE (Bolya, Foley, Hays, Hoffman, "TIDE: A General Toolbox for Identifying Object Detection
Errors", ECCV 2020), for segments that do not overlap: one ground truth cannot be found twice, but it can be split.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from pqeval.diagnosis.tables import Pairs, Tables
from pqeval.ledger import Outcome

__all__ = ["TERMS", "Kind", "Kinds", "kinds_of"]

Ints = npt.NDArray[np.int64]


class Kind(IntEnum):
    """Kinds of FPs and FNs; ``ALONE`` is called bkg for an FP and miss for an FN."""

    CLS = 0
    LOC = 1
    BOTH = 2
    ALONE = 3


TERMS = ("mask", "fp_cls", "fp_loc", "fp_both", "fp_bkg", "fn_cls", "fn_loc", "fn_both", "fn_miss")
NONE = -1


@dataclass(frozen=True, eq=False)
class Kinds:
    """The kind of each segment.

    Parameters
    ----------
    fp, fn : (P,), (G,) int64
        The kind of each predicted and each gt segment; -1 where it is no FP or no FN.
    fp_with, fn_with : (P,), (G,) int64
        The segment of the other side that the kind speaks of: the one with IoU > 1/2 for ``CLS``, the one of the
        same class with the largest IoU for ``LOC``, that of another class for ``BOTH``; -1 where there is none.
    split : (P,) bool
        FPs of kind ``LOC`` that lie by more than half in the segment they overlap most: parts of it.
    merge : (G,) bool
        FNs of kind ``LOC`` that lie by more than half in the prediction they overlap most: it covers more.
    """

    fp: Ints
    fn: Ints
    fp_with: Ints
    fn_with: Ints
    split: npt.NDArray[np.bool_]
    merge: npt.NDArray[np.bool_]


def kinds_of(tables: Tables) -> Kinds:
    """Tell the kinds of all FPs and FNs.

    IoU > 1/2 and IoU >= 1/10 are decided in integers. Pairs are ranked by IoU, then by gt id, then by predicted
    id.

    Parameters
    ----------
    tables : Tables
        The run.

    Returns
    -------
    Kinds
    """
    gt, pred, pairs = tables.gt, tables.pred, tables.pairs
    near = pairs.taken((pairs.union > 0) & (10 * pairs.inter >= pairs.union))
    same = gt.category[near.gt] == pred.category[near.pred]
    fp = _side(pred.outcome == Outcome.FP, near, near.pred, near.gt, same)
    fn = _side(gt.outcome == Outcome.FN, near, near.gt, near.pred, same)
    split = (fp.kind == Kind.LOC) & (2 * fp.inter > pred.net)
    merge = (fn.kind == Kind.LOC) & (2 * fn.inter > gt.net)
    return Kinds(fp.kind, fn.kind, fp.other, fn.other, split, merge)


@dataclass(frozen=True, eq=False)
class _Judged:
    kind: Ints
    other: Ints
    inter: Ints


def _side(
    wrong: npt.NDArray[np.bool_], near: Pairs, own: Ints, other: Ints, same: npt.NDArray[np.bool_]
) -> _Judged:
    kind = np.where(wrong, np.int64(Kind.ALONE), NONE)
    found = np.full(len(wrong), NONE, np.int64)
    inter = np.zeros(len(wrong), np.int64)
    # A pair above 1/2 is no match, so the class is another one, or one that nobody knows and that was charged to a
    # class. It is the only one but under stated areas.
    confused = 2 * near.inter > near.union
    for chosen, name in ((~same, Kind.BOTH), (same, Kind.LOC), (confused, Kind.CLS)):  # later ones have precedence
        best = _best(near, own, chosen)
        best = best[wrong[own[best]]]
        kind[own[best]], found[own[best]], inter[own[best]] = name, other[best], near.inter[best]
    return _Judged(kind, found, inter)


def _best(near: Pairs, own: Ints, chosen: npt.NDArray[np.bool_]) -> Ints:
    """Return the place of the best chosen pair of each segment that has one."""
    places = np.flatnonzero(chosen)
    # Pairs are sorted by gt and predicted id already, and lexsort leaves equal ones in their order.
    order = places[np.lexsort((-near.iou()[places], own[places]))]
    best: Ints = order[np.diff(own[order], prepend=-1) != 0]
    return best
