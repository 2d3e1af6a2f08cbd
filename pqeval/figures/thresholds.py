"""PQ, SQ and RQ as a match needs more IoU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pqeval.figures.style import GROUPS, axes_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pqeval.diagnosis.findings import Diagnosis

__all__ = ["draw"]


def draw(found: Diagnosis) -> Figure | None:
    """Draw PQ of All, Things and Stuff, and RQ of All; ``None`` where there is no PQ."""
    if found.pq is None:
        return None
    figure, axes = axes_of()
    for name, colour, line in GROUPS:
        curve = [(point.iou, point.groups[name].pq) for point in found.thresholds]
        known = [(iou, 100 * pq) for iou, pq in curve if pq is not None]
        if known:
            axes.plot(*zip(*known, strict=True), color=colour, linestyle=line, marker="o", label=f"PQ {name}")
    matched = [(point.iou, point.groups["All"].rq) for point in found.thresholds]
    known = [(iou, 100 * rq) for iou, rq in matched if rq is not None]
    if known:
        axes.plot(*zip(*known, strict=True), color="#777777", linestyle="-.", linewidth=1, label="RQ All")
    axes.set_xlim(0.48, 0.97)
    axes.set_ylim(0, 102)
    axes.grid()
    axes.set_xlabel("a match needs more IoU than")
    axes.set_ylabel("points")
    axes.set_title("What is left where a match needs more IoU")
    axes.legend(frameon=False)
    return figure
