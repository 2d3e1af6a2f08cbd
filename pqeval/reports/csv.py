"""One row per class."""

from __future__ import annotations

import csv
from typing import TextIO

from pqeval.ledger import Ledger
from pqeval.result import Result

__all__ = ["render"]

INTERVAL = ("low", "high", "se")
COLUMNS = ("id", "name", "isthing", "pq", "sq", "rq", "iou_sum", "tp", "fp", "fn")


def render(result: Result, ledger: Ledger, stream: TextIO) -> None:
    """Write a header and a row per class, scores as fractions; what is not available stays empty.

    Where there are confidence intervals, three columns tell that of PQ.
    """
    writer = csv.writer(stream, lineterminator="\n")
    known = result.intervals
    writer.writerow(COLUMNS if known is None else (*COLUMNS, *(f"pq_{name}" for name in INTERVAL)))
    for score in result.per_class:
        isthing = None if score.isthing is None else int(score.isthing)
        pq = () if known is None else (getattr(known.per_class[str(score.id)]["pq"], name) for name in INTERVAL)
        writer.writerow([*(isthing if name == "isthing" else getattr(score, name) for name in COLUMNS), *pq])
