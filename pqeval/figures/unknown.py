"""PQ if segments with low scores had been left unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pqeval.diagnosis.wording import threshold_of
from pqeval.figures.style import COLOURS, axes_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pqeval.diagnosis.findings import Diagnosis
    from pqeval.diagnosis.if_unknown import ScoreRemoval

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
        label = f"best: {100 * what.best.pq:.2f} {_where(what)}"
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


def _where(what: ScoreRemoval) -> str:
    number = what.best.segments
    if number == what.scored:
        return "with the only segment unknown" if number == 1 else f"with all {number} segments unknown"
    return f"below {threshold_of(what.best)}, {number} segment{'' if number == 1 else 's'} unknown"
