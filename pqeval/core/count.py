"""Frame to Overlap: the only place where pixels (as runs) are counted."""

from __future__ import annotations

from pqeval.core.runs import run_overlap
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
    gt, pred = frame.gt, frame.pred
    gt_row, pred_row, inter = run_overlap(
        gt.bottoms,
        gt.begin,
        frame.gt_rows,
        len(frame.gt_segments),
        pred.bottoms,
        pred.begin,
        frame.pred_rows,
        len(frame.pred_segments),
    )
    return Overlap(
        image_id=frame.image_id,
        rank=frame.rank,
        gt=frame.gt_segments,
        pred=frame.pred_segments,
        gt_row=gt_row,
        pred_row=pred_row,
        inter=inter,
    )
