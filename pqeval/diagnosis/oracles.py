"""What PQ would be if all errors of one kind were repaired.

Oracles do not add up: one repair can undo or create what another one speaks of, and the divisor changes each time.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pqeval.diagnosis.kinds import Kind, Kinds
from pqeval.diagnosis.ladder import Ladder, Stats
from pqeval.diagnosis.tables import Tables
from pqeval.ledger import Outcome

__all__ = ["ORACLES", "repaired"]

Ints = npt.NDArray[np.int64]
ORACLES = ("mask", "cls", "loc", "both", "bkg", "miss")


def repaired(name: str, tables: Tables, kinds: Kinds, ladder: Ladder, stats: Stats) -> tuple[Stats, int]:
    """Return the counts after a repair, and how many segments it concerned.

    Parameters
    ----------
    name : str
        One of :data:`ORACLES`. ``mask``: every match has IoU 1. ``cls``: pairs with IoU > 1/2 and different
        classes become matches of the gt class. ``loc``: FPs and FNs of this kind that overlap become matches
        with IoU 1, the best pairs first, and FPs that are left over vanish. ``both``, ``bkg``: these FPs vanish.
        ``miss``: these FNs vanish.
    tables, kinds, ladder, stats
        The run and its readings.

    Returns
    -------
    stats : Stats
    concerned : int
    """
    gt, pred = tables.gt, tables.pred
    none = np.zeros(ladder.cells, np.int64)
    if name == "mask":
        return Stats(stats.tp.astype(np.float64), stats.tp, stats.fp, stats.fn), len(tables.matches)

    def counted(side: str, places: Ints | npt.NDArray[np.bool_]) -> Ints:
        table = pred if side == "pred" else gt
        return np.bincount(
            ladder.cell(table.frame[places], table.category[places]), minlength=ladder.cells
        ).astype(np.int64)

    if name == "miss":
        gone = kinds.fn == Kind.ALONE
        return stats.plus(none.astype(np.float64), none, none, -counted("gt", gone)), int(gone.sum())
    if name in ("both", "bkg"):
        gone = kinds.fp == (Kind.BOTH if name == "both" else Kind.ALONE)
        return stats.plus(none.astype(np.float64), none, -counted("pred", gone), none), int(gone.sum())
    wrong = kinds.fp == (Kind.CLS if name == "cls" else Kind.LOC)
    if name == "cls":
        found, other = _confused(tables, kinds)
        inter, union = _shared(tables, found, other)
        iou = inter / union
        lost = int((kinds.fn == Kind.CLS).sum())
    else:
        found = _best_pairs(tables, kinds)
        iou = np.ones(len(found))
        lost = int((kinds.fn == Kind.LOC).sum())
    missed = found[gt.outcome[found] == Outcome.FN]
    cells = ladder.cell(gt.frame[found], gt.category[found])
    gain = np.bincount(cells, iou, ladder.cells).astype(np.float64)
    new = stats.plus(gain, counted("gt", found), -counted("pred", wrong), -counted("gt", missed))
    return new, int(wrong.sum()) + lost


def _confused(tables: Tables, kinds: Kinds) -> tuple[Ints, Ints]:
    """Return the pairs that would match had the class been right: gt segments that did not match, and whose.

    The gt segment need not be an FN: it can be small, or excused as unknown.
    """
    gt = tables.gt
    missed = np.flatnonzero(kinds.fn == Kind.CLS)
    wrong = np.flatnonzero(kinds.fp == Kind.CLS)
    free = wrong[~np.isin(gt.outcome[kinds.fp_with[wrong]], (Outcome.FN, Outcome.TP))]
    return np.append(missed, kinds.fp_with[free]), np.append(kinds.fn_with[missed], free)


def _shared(tables: Tables, gt: Ints, pred: Ints) -> tuple[Ints, Ints]:
    """Look up the shared pixels and the union of pairs."""
    pairs, width = tables.pairs, max(len(tables.pred), 1)
    at = np.searchsorted(pairs.gt * width + pairs.pred, gt * width + pred)
    return pairs.inter[at], pairs.union[at]


def _best_pairs(tables: Tables, kinds: Kinds) -> Ints:
    """Pair FPs and FNs of kind loc of one class, by descending IoU; return the gt segments."""
    gt, pred, pairs = tables.gt, tables.pred, tables.pairs
    open_ = (kinds.fn[pairs.gt] == Kind.LOC) & (kinds.fp[pairs.pred] == Kind.LOC)
    open_ &= (gt.category[pairs.gt] == pred.category[pairs.pred]) & (pairs.union > 0)
    pairs = pairs.taken(open_ & (10 * pairs.inter >= pairs.union))
    taken_gt, taken_pred, found = set(), set(), []
    for place in np.argsort(-pairs.iou(), kind="stable").tolist():
        g, p = int(pairs.gt[place]), int(pairs.pred[place])
        if g not in taken_gt and p not in taken_pred:
            taken_gt.add(g)
            taken_pred.add(p)
            found.append(g)
    return np.array(sorted(found), np.int64)
