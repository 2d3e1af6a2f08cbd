"""One row per class."""

from __future__ import annotations

import csv
from typing import TextIO

from pqeval.ledger import Ledger
from pqeval.result import Result

__all__ = ["render"]

COLUMNS = ("id", "name", "isthing", "pq", "sq", "rq", "iou_sum", "tp", "fp", "fn")


def render(result: Result, ledger: Ledger, stream: TextIO) -> None:
    """Write a header and a row per class, scores as fractions; what is not available stays empty."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for score in result.per_class:
        isthing = None if score.isthing is None else int(score.isthing)
        writer.writerow([isthing if name == "isthing" else getattr(score, name) for name in COLUMNS])
