"""The images that take most from PQ."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pqeval.categories import Categories
from pqeval.diagnosis.attribution import FIRST_FN, FIRST_FP, Items
from pqeval.diagnosis.findings import ImageLoss, SegmentLoss
from pqeval.diagnosis.kinds import TERMS, Kinds
from pqeval.diagnosis.tables import Tables

__all__ = ["worst_images"]

SEGMENTS = 20


def worst_images(
    tables: Tables,
    kinds: Kinds,
    items: Items,
    price: npt.NDArray[np.float64],
    categories: Categories,
    top: int,
) -> tuple[ImageLoss, ...]:
    """List the images that take most from PQ of All.

    Parameters
    ----------
    tables, kinds, items
        The run and its readings.
    price : (cells,) float64
        What an amount of 1 takes from PQ of All, by cell.
    categories : Categories
        The table.
    top : int
        How many images.

    Returns
    -------
    tuple of ImageLoss
        By descending loss, equal ones in the order of the images; each with its costliest segments, 20 at most.
    """
    loss = items.amount * price[items.cell]
    of_image = np.bincount(items.frame, loss, len(tables.frames))
    order = np.argsort(-of_image, kind="stable")[:top]
    found = []
    for place in order[of_image[order] > 0].tolist():
        own = np.flatnonzero(items.frame == place)
        term = items.term[own]
        costly = own[np.argsort(-loss[own], kind="stable")][:SEGMENTS]
        found.append(
            ImageLoss(
                tables.frames[place].image_id,
                float(of_image[place]),
                int(np.count_nonzero(term == 0)),
                int(np.count_nonzero((term >= FIRST_FP) & (term < FIRST_FN))),
                int(np.count_nonzero(term >= FIRST_FN)),
                tuple(
                    _segment(tables, kinds, categories, int(items.term[item]), int(items.place[item]), loss[item])
                    for item in costly.tolist()
                    if loss[item] > 0
                ),
            )
        )
    return tuple(found)


def _segment(
    tables: Tables, kinds: Kinds, categories: Categories, term: int, place: int, loss: float
) -> SegmentLoss:
    rows = list(categories)
    flag = None
    own, others = tables.gt, tables.pred
    if term == 0:
        other, place = int(tables.matches.pred[place]), int(tables.matches.gt[place])
    elif term < FIRST_FN:
        own, others = others, own
        other = int(kinds.fp_with[place])
        flag = "split" if kinds.split[place] else None
    else:
        other = int(kinds.fn_with[place])
        flag = "merge" if kinds.merge[place] else None
    category = rows[own.category[place]]
    partner = rows[others.category[other]] if other >= 0 else None
    gt, pred = (place, other) if own is tables.gt else (other, place)
    return SegmentLoss(
        "gt" if own is tables.gt else "pred",
        int(own.id[place]),
        category.id,
        category.name,
        TERMS[term],
        flag,
        float(loss),
        int(own.area[place]),
        int(others.id[other]) if partner else None,
        partner.id if partner else None,
        partner.name if partner else None,
        _iou(tables, gt, pred) if partner else None,
    )


def _iou(tables: Tables, gt: int, pred: int) -> float:
    pairs = tables.pairs
    begin, end = np.searchsorted(pairs.gt, (gt, gt + 1))
    at = int(begin) + int(np.searchsorted(pairs.pred[begin:end], pred))
    return float(pairs.inter[at] / pairs.union[at])
