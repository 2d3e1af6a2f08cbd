"""Scores of one image, or of one batch, in a single call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pqeval.accumulate import PanopticQuality
from pqeval.arrays import batch_size
from pqeval.categories import Categories
from pqeval.result import Result

__all__ = ["panoptic_quality"]


def panoptic_quality(
    *,
    gt: Any,
    pred: Any,
    categories: Categories | str | Iterable[Mapping[str, Any]],
    convention: str = "coco",
    unknown: str = "error",
    unknown_categories: Iterable[int] = (),
    groups: Mapping[str, Sequence[int]] | None = None,
    crowd: Iterable[tuple[int, int]] = (),
    void_category: int | Iterable[int] | None = None,
    stratum: Any = None,
) -> Result:
    """Score one image, or one batch, in a single call.

    Parameters
    ----------
    gt, pred, crowd, void_category, stratum
        See :meth:`PanopticQuality.update`. The images of a batch are numbered from 0.
    categories, convention, unknown, unknown_categories, groups
        See :class:`PanopticQuality`.

    Returns
    -------
    Result

    Raises
    ------
    UsageError, DataError
        As there.

    Notes
    -----
    Kirillov et al., "Panoptic Segmentation", CVPR 2019, section 4.2.

    Examples
    --------
    A prediction with a wrong class costs an FN and an FP; a pixel left unknown costs only the FN.

    >>> import numpy as np, pqeval
    >>> table = [{"id": 1, "isthing": 1}, {"id": 2, "isthing": 1}]
    >>> truth = np.array([[[1, 1], [1, 1], [1, 2], [2, 1]]])          # (category, instance) per pixel
    >>> wrong = np.array([[[1, 1], [1, 1], [2, 2], [2, 1]]])
    >>> unknown = np.array([[[1, 1], [1, 1], [0, 0], [2, 1]]])
    >>> round(pqeval.panoptic_quality(gt=truth, pred=wrong, categories=table).pq, 3)
    0.667
    >>> round(pqeval.panoptic_quality(gt=truth, pred=unknown, categories=table).pq, 3)
    0.833
    """
    metric = PanopticQuality(
        categories,
        convention=convention,
        unknown=unknown,
        unknown_categories=unknown_categories,
        groups=groups,
    )
    metric.update(
        gt=gt,
        pred=pred,
        image_id=list(range(batch_size(gt))),
        crowd=crowd,
        void_category=void_category,
        stratum=stratum,
    )
    return metric.compute()
