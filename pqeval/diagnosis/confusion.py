"""Which classes are taken for which."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pqeval.categories import Categories
from pqeval.diagnosis.findings import Confusion
from pqeval.diagnosis.kinds import Kind, Kinds
from pqeval.diagnosis.tables import Tables

__all__ = ["confusions_of"]


def confusions_of(tables: Tables, kinds: Kinds, categories: Categories) -> tuple[Confusion, ...]:
    """Count pairs of an FN and an FP of different classes.

    Parameters
    ----------
    tables : Tables
        The run.
    kinds : Kinds
        The kinds of its FPs and FNs.
    categories : Categories
        The table.

    Returns
    -------
    tuple of Confusion
        The most frequent first, then those that are near most often, then in the order of the table.
    """
    count, near = (_matrix(tables, kinds, kind, len(categories)) for kind in (Kind.CLS, Kind.BOTH))
    rows = list(categories)
    pairs = np.argwhere(count + near).tolist()
    pairs.sort(key=lambda pair: (-count[pair[0], pair[1]], -near[pair[0], pair[1]], pair))
    return tuple(
        Confusion(
            rows[gt].id, rows[gt].name, rows[pred].id, rows[pred].name, int(count[gt, pred]), int(near[gt, pred])
        )
        for gt, pred in pairs
    )


def _matrix(tables: Tables, kinds: Kinds, kind: Kind, classes: int) -> npt.NDArray[np.int64]:
    gt = np.flatnonzero(kinds.fn == kind)
    pred = kinds.fn_with[gt]
    wrong = kinds.fp[pred] >= 0
    rows, columns = tables.gt.category[gt[wrong]], tables.pred.category[pred[wrong]]
    # A segment of a category that nobody knows is charged to a class, which can be that of the gt segment.
    places = (rows * classes + columns)[rows != columns]
    return np.bincount(places, minlength=classes**2).reshape(classes, classes)
