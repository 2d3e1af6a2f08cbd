"""One row per image, as CSV or Parquet."""

from __future__ import annotations

from typing import Any, TextIO

import numpy as np

from pqeval.ledger import Column, Ledger, Outcome, Side
from pqeval.reports._columns import write_csv
from pqeval.result import Result

__all__ = ["columns", "render"]

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


def columns(result: Result, ledger: Ledger) -> dict[str, list[Any]]:
    """Return a row per image as columns, by image id.

    ``pq`` is that of the image with its classes pooled: iou_sum / (tp + fp/2 + fn/2), ``None`` where that is 0/0.
    It ranks images; the mean of this column is not PQ, which pools images and then averages classes.
    """
    rows = []
    for frame in ledger.ordered():
        side, outcome = frame.rows[:, Column.SIDE], frame.rows[:, Column.OUTCOME]
        matched = frame.rows[(side == Side.GT) & (outcome == Outcome.TP)]
        tp, fp, fn = len(matched), _number(outcome, Outcome.FP), _number(outcome, Outcome.FN)
        iou = float(sum((matched[:, Column.INTER] / matched[:, Column.UNION]).tolist()))
        half = tp + 0.5 * fp + 0.5 * fn
        excused = _number(outcome, Outcome.VOID_EXCUSED), _number(outcome, Outcome.CROWD_EXCUSED)
        pq = iou / half if half else None
        rows.append((frame.image_id, tp, fp, fn, iou, pq, *excused, frame.pixels, frame.unknown_pixels))
    return {name: [row[place] for row in rows] for place, name in enumerate(COLUMNS)}


def render(result: Result, ledger: Ledger, stream: TextIO) -> None:
    """Write a header and a row per image; see :func:`columns`."""
    write_csv(columns(result, ledger), stream)


def _number(outcomes: np.ndarray[tuple[int], np.dtype[np.int64]], outcome: Outcome) -> int:
    return int(np.count_nonzero(outcomes == outcome))
