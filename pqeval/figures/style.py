"""How all figures look: colours that colour-blind people can tell apart, and no state that outlives a figure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from matplotlib import style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["COLOURS", "GROUPS", "HEIGHT", "KIND_NAMES", "WIDTH", "axes_of", "short", "styled"]

# Okabe and Ito, "Color Universal Design", 2008.
COLOURS = {
    "pq": "#0072B2",
    "mask": "#56B4E9",
    "cls": "#D55E00",
    "loc": "#E69F00",
    "both": "#CC79A7",
    "bkg": "#009E73",
    "miss": "#777777",
    "convention": "#BBBBBB",
}
KIND_NAMES = {
    "mask": "masks not exact",
    "cls": "wrong class",
    "loc": "badly covered",
    "both": "class and place",
    "bkg": "predicted on nothing",
    "miss": "missed",
    "convention": "convention",
}
GROUPS = (("All", "#000000", "-"), ("Things", "#D55E00", "--"), ("Stuff", "#0072B2", ":"))
WIDTH, HEIGHT = 7.0, 4.0
LONGEST = 22

SETTINGS = {
    "figure.dpi": 100,
    "savefig.dpi": 100,
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.6,
    "figure.constrained_layout.use": True,
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw by these settings whatever the user's are, and give the user's back."""
    with style.context(["default", SETTINGS]):
        yield


def axes_of(width: float = WIDTH, height: float = HEIGHT) -> tuple[Figure, Axes]:
    """Return a figure with one pair of axes; nobody else knows of it."""
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def short(name: str) -> str:
    """Cut a name to what a label has room for; a dollar sign is no formula."""
    shown = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
    return "".join(mark if mark.isprintable() else "?" for mark in shown).replace("$", r"\$")
