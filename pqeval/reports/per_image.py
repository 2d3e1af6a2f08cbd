"""One row per image, as CSV or Parquet."""

from __future__ import annotations

from typing import Any, TextIO

import numpy as np

from pqeval.ledger import Column, Ledger, Outcome, tally
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
        counts = tally(frame.rows)
        pq = counts.iou_sum / counts.half if counts.half else None
        outcome = frame.rows[:, Column.OUTCOME]
        excused = (int(np.count_nonzero(outcome == by)) for by in (Outcome.VOID_EXCUSED, Outcome.CROWD_EXCUSED))
        rows.append((frame.image_id, *counts, pq, *excused, frame.pixels, frame.unknown_pixels))
    return {name: [row[place] for row in rows] for place, name in enumerate(COLUMNS)}


def render(result: Result, ledger: Ledger, stream: TextIO) -> None:
    """Write a header and a row per image; see :func:`columns`."""
    write_csv(columns(result, ledger), stream)
