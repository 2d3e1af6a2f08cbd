"""PQ if segments with low scores had been left unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pqeval.figures.style import COLOURS, axes_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pqeval.diagnosis.findings import Diagnosis

__all__ = ["draw"]


def draw(found: Diagnosis) -> Figure | None:
    """Draw PQ against the threshold on scores; ``None`` where no segment has a score."""
    if found.unknown is None or found.unknown.by_score is None or found.pq is None:
        return None
    what = found.unknown.by_score
    known = [(point.threshold, 100 * point.pq) for point in what.points if point.pq is not None]
    figure, axes = axes_of()
    axes.plot(*zip(*known, strict=True), color=COLOURS["pq"], drawstyle="steps-pre")
    axes.axhline(
        100 * found.pq, color="#777777", linestyle="--", linewidth=1, label=f"as it is: {100 * found.pq:.2f}"
    )
    if what.best.pq is not None:
        label = (
            f"best: {100 * what.best.pq:.2f} at {what.best.threshold:.3g}, {what.best.segments} segments unknown"
        )
        axes.plot(
            [what.best.threshold], [100 * what.best.pq], "o", color=COLOURS["cls"], markersize=7, label=label
        )
    axes.grid()
    axes.set_xlabel("segments with a score below this are unknown")
    axes.set_ylabel("PQ, points")
    axes.set_title(
        f"If uncertain segments were left unknown ({what.scored} have a score, {what.unscored} have none)"
    )
    axes.legend(frameon=False, loc="lower left")
    return figure
