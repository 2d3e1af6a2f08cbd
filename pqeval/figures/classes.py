"""PQ of the classes that cost most, and what they lost to what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pqeval.diagnosis.wording import KINDS
from pqeval.figures.style import COLOURS, KIND_NAMES, WIDTH, axes_of, short

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pqeval.diagnosis.findings import Diagnosis

__all__ = ["MOST", "draw"]

MOST = 25


def draw(found: Diagnosis) -> Figure | None:
    """Draw a bar per class, the costliest at the top; ``None`` where no class has a score."""
    scored = [row for row in found.per_class if row.pq is not None and row.loss is not None]
    rows = sorted(scored, key=lambda row: -(row.of_all.total if row.of_all else 0.0))[:MOST]
    if not rows:
        return None
    figure, axes = axes_of(WIDTH, 1.5 + 0.21 * len(rows))
    places = range(len(rows))
    left = [100 * (row.pq or 0.0) for row in rows]
    axes.barh(places, left, color=COLOURS["pq"], label="PQ", height=0.75)
    for kind, terms in KINDS.items():
        parts = [100 * sum(getattr(row.loss, term) for term in terms) for row in rows]
        if any(parts):
            axes.barh(places, parts, left=left, color=COLOURS[kind], label=KIND_NAMES[kind], height=0.75)
            left = [start + part for start, part in zip(left, parts, strict=True)]
    axes.set_yticks(places, [short(row.name) for row in rows])
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlabel("points")
    some = f" (the {MOST} of {len(scored)} that cost most)" if len(scored) > MOST else ""
    axes.set_title(f"PQ of each class, and what was lost to what{some}")
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    return figure
