"""Frame to Overlap: the only place where pixels (as runs) are counted."""

from __future__ import annotations

from pqeval.core import kernels
from pqeval.frame import Frame
from pqeval.overlap import Overlap

__all__ = ["count"]


def count(frame: Frame) -> Overlap:
    """Count the pixels that each gt segment shares with each predicted segment.

    Parameters
    ----------
    frame : Frame
        A checked frame.

    Returns
    -------
    Overlap
    """
    pairs, inter = kernels.run_overlap(
        frame.gt.ends,
        frame.gt_segments.rows_of(frame.gt.ids),
        frame.pred.ends,
        frame.pred_segments.rows_of(frame.pred.ids),
        len(frame.pred_segments),
    )
    return Overlap(
        image_id=frame.image_id,
        rank=frame.rank,
        gt=frame.gt_segments,
        pred=frame.pred_segments,
        gt_row=pairs // len(frame.pred_segments),
        pred_row=pairs % len(frame.pred_segments),
        inter=inter,
    )
