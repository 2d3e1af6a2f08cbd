"""One row per image, as CSV."""

from __future__ import annotations

import csv
from typing import TextIO

import numpy as np

from pqeval.ledger import Column, Ledger, Outcome, Side
from pqeval.result import Result

__all__ = ["render"]

COLUMNS = (
    "image_id",
    "tp",
    "fp",
    "fn",
    "iou_sum",
    "pq",
    "forgiven_by_void",
    "forgiven_by_crowd",
    "pixels",
    "unknown_pixels",
)


def render(result: Result, ledger: Ledger, stream: TextIO) -> None:
    """Write a header and a row per image, by image id.

    ``pq`` is that of the image with its classes pooled: iou_sum / (tp + fp/2 + fn/2), empty where that is 0/0.
    It ranks images; the mean of this column is not PQ, which pools images and then averages classes.
    """
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for frame in ledger.ordered():
        side, outcome = frame.rows[:, Column.SIDE], frame.rows[:, Column.OUTCOME]
        matched = frame.rows[(side == Side.GT) & (outcome == Outcome.TP)]
        tp, fp, fn = len(matched), _number(outcome, Outcome.FP), _number(outcome, Outcome.FN)
        iou = float(sum((matched[:, Column.INTER] / matched[:, Column.UNION]).tolist()))
        half = tp + 0.5 * fp + 0.5 * fn
        excused = _number(outcome, Outcome.VOID_EXCUSED), _number(outcome, Outcome.CROWD_EXCUSED)
        pq = iou / half if half else None
        writer.writerow([frame.image_id, tp, fp, fn, iou, pq, *excused, frame.pixels, frame.unknown_pixels])


def _number(outcomes: np.ndarray[tuple[int], np.dtype[np.int64]], outcome: Outcome) -> int:
    return int(np.count_nonzero(outcomes == outcome))
