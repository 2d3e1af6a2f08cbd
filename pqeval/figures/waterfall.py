"""From 100 points down to PQ, by the terms of the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pqeval.diagnosis.kinds import TERMS
from pqeval.figures.style import COLOURS, axes_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pqeval.diagnosis.findings import Diagnosis

__all__ = ["draw"]


def draw(found: Diagnosis) -> Figure | None:
    """Draw the waterfall of the group All; ``None`` where there is no PQ."""
    loss = found.groups["All"].loss
    if loss is None or found.pq is None:
        return None
    terms = [*TERMS, *(["convention"] if loss.convention else [])]
    figure, axes = axes_of()
    level = 100.0
    for place, term in enumerate(terms):
        height = 100 * getattr(loss, term)
        axes.bar(place, height, bottom=level - height, color=COLOURS[term.rpartition("_")[2]], width=0.75)
        axes.plot([place + 0.375, place + 0.625], [level - height] * 2, color="#555555", linewidth=0.8)
        axes.text(place, level + 0.6, f"{height:.1f}", ha="center", va="bottom")
        level -= height
    axes.bar(len(terms), 100 * found.pq, color=COLOURS["pq"], width=0.75)
    axes.text(len(terms), 100 * found.pq + 0.6, f"{100 * found.pq:.1f}", ha="center", va="bottom", weight="bold")
    axes.set_xticks(range(len(terms) + 1), [*(term.replace("_", "\n") for term in terms), "PQ"])
    axes.grid(axis="y")
    low = max(0.0, 10 * ((100 * found.pq) // 10) - 10)
    axes.set_ylim(low, 104)
    axes.set_ylabel("points" if low == 0 else f"points (the axis begins at {low:.0f})")
    axes.set_title(f"Where the lost PQ went: {100 * (1 - found.pq):.1f} points")
    return figure
