"""The sparse table of pixels that gt and predicted segments share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pqeval.image_ids import ImageId
from pqeval.segments import Segments

__all__ = ["Overlap"]


@dataclass(frozen=True, eq=False)
class Overlap:
    """How many pixels each gt segment shares with each predicted segment.

    Row 0 is void on both sides; only pairs that share a pixel are stored, by ascending (gt row, pred row),
    which is ascending (gt id, pred id). Nothing else is kept of the pixels.

    Parameters
    ----------
    image_id : str, int, float, bool or None
        The image.
    rank : int
        Its place in the ground-truth file.
    gt, pred : Segments
        The segments behind the rows.
    gt_row, pred_row : (K,) int64
        The pairs.
    inter : (K,) int64
        Pixels shared, all positive.
    """

    image_id: ImageId
    rank: int
    gt: Segments
    pred: Segments
    gt_row: npt.NDArray[np.int64]
    pred_row: npt.NDArray[np.int64]
    inter: npt.NDArray[np.int64]
