"""One row per segment, as CSV."""

from __future__ import annotations

import csv
from typing import TextIO

from pqeval.ledger import Column, Ledger, Outcome, Side
from pqeval.result import Result

__all__ = ["render"]

COLUMNS = (
    "image_id",
    "side",
    "segment_id",
    "category_id",
    "category",
    "outcome",
    "partner_id",
    "iou",
    "inter",
    "union",
    "area",
    "void_pixels",
    "crowd_pixels",
)


def render(result: Result, ledger: Ledger, stream: TextIO) -> None:
    """Write a header and a row per segment, by image id, ground truth first.

    ``partner_id`` and ``iou`` name the segment of the other side with IoU > 0.5, also where its category is
    another one and the segment therefore is an FN or FP. ``void_pixels`` are void on the other side.
    """
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for frame in ledger.ordered():
        for row in frame.rows.tolist():
            index, partner = row[Column.CATEGORY], row[Column.PARTNER]
            category = result.per_class[index] if index >= 0 else None
            writer.writerow(
                [
                    frame.image_id,
                    "gt" if row[Column.SIDE] == Side.GT else "pred",
                    row[Column.SEGMENT],
                    category.id if category else None,
                    category.name if category else None,
                    Outcome(row[Column.OUTCOME]).name.lower().replace("_", "-"),
                    partner or None,
                    row[Column.INTER] / row[Column.UNION] if partner else None,
                    row[Column.INTER] if partner else None,
                    row[Column.UNION] if partner else None,
                    row[Column.AREA],
                    row[Column.VOID],
                    row[Column.CROWD],
                ]
            )
