"""One row per segment, as CSV or Parquet."""

from __future__ import annotations

from math import isnan
from typing import Any, TextIO

from pqeval.ledger import Column, FrameLedger, Ledger, Outcome, Side
from pqeval.reports._columns import write_csv
from pqeval.result import Result

__all__ = ["columns", "render"]

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
    "score",
)


def columns(result: Result, ledger: Ledger) -> dict[str, list[Any]]:
    """Return a row per segment as columns, by image id, ground truth first.

    ``partner_id`` and ``iou`` name the segment of the other side with IoU > 0.5, also where its category is
    another one and the segment therefore is an FN or FP. ``void_pixels`` are void on the other side. ``score`` is
    that of the prediction, where it states one.
    """
    rows = [row for frame in ledger.ordered() for row in _rows(result, frame)]
    return {name: [row[place] for row in rows] for place, name in enumerate(COLUMNS)}


def render(result: Result, ledger: Ledger, stream: TextIO) -> None:
    """Write a header and a row per segment; see :func:`columns`."""
    write_csv(columns(result, ledger), stream)


def _rows(result: Result, frame: FrameLedger) -> list[tuple[Any, ...]]:
    rows = []
    scores = iter(() if frame.scores is None else frame.scores.tolist())
    for row in frame.rows.tolist():
        index, partner = row[Column.CATEGORY], row[Column.PARTNER]
        category = result.per_class[index] if index >= 0 else None
        predicted = row[Column.SIDE] == Side.PRED
        score = next(scores, None) if predicted else None
        rows.append(
            (
                frame.image_id,
                "pred" if predicted else "gt",
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
                None if score is None or isnan(score) else score,
            )
        )
    return rows
