"""The outlines of the synthetic scenes: which pixels a turned and stretched shape covers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

STRETCH = {
    "disc": (1.0, 1.2),
    "box": (1.2, 2.2),
    "triangle": (1.0, 1.3),
    "star": (1.0, 1.2),
    "ring": (1.0, 1.2),
    "cross": (1.0, 1.2),
}
"""Least and most aspect of each shape; the area does not depend on the aspect."""


@dataclass(frozen=True)
class Placed:
    """A shape at a place.

    Attributes
    ----------
    shape : str
        A key of `STRETCH`.
    x, y : float
        Centre in pixels; the centre of the first pixel is (0, 0).
    radius : float
        Size in pixels. All shapes of one radius have about the same area, so that size does not give the
        class away.
    angle : float
        Rotation in radians.
    aspect : float
        Length over width.
    """

    shape: str
    x: float
    y: float
    radius: float
    angle: float
    aspect: float

    @property
    def reach(self) -> float:
        """No pixel of the shape is farther from its centre than this, in pixels."""
        return float(1.27 * self.radius * self.aspect**0.5)


@dataclass(frozen=True)
class Cover:
    """The part of an image that a shape may touch.

    Attributes
    ----------
    window : tuple of slice
        Rows and columns of the image.
    mask : ndarray of bool, shape (h, w)
        The pixels inside the shape, within the window.
    u, v : ndarray of float64, shape (h, w)
        Place of each pixel along and across the shape, about -1 to 1 inside.
    """

    window: tuple[slice, slice]
    mask: Mask
    u: Floats
    v: Floats


def cover(placed: Placed, height: int, width: int) -> Cover:
    """Find the pixels of a shape in an image.

    Parameters
    ----------
    placed : Placed
        The shape; parts outside the image are cut off.
    height, width : int
        Size of the image.

    Returns
    -------
    Cover
        Its window is empty for a shape that is outside the image.

    Examples
    --------
    >>> found = cover(Placed("disc", 20.0, 10.0, 10.0, 0.0, 1.0), 96, 128)
    >>> int(found.mask.sum())
    253
    """
    reach = placed.reach + 1
    top, bottom = (min(max(int(edge), 0), height) for edge in (placed.y - reach, placed.y + reach + 1))
    left, right = (min(max(int(edge), 0), width) for edge in (placed.x - reach, placed.x + reach + 1))
    y = (np.arange(top, bottom)[:, None] - placed.y) / placed.radius
    x = (np.arange(left, right)[None, :] - placed.x) / placed.radius
    cos, sin = np.cos(placed.angle), np.sin(placed.angle)
    u = (cos * x + sin * y) / placed.aspect**0.5
    v = (cos * y - sin * x) * placed.aspect**0.5
    return Cover((slice(top, bottom), slice(left, right)), _inside(placed.shape, u, v), u, v)


def _inside(shape: str, u: Floats, v: Floats) -> Mask:
    inside: Mask
    if shape == "disc":
        inside = u**2 + v**2 <= 0.9**2
    elif shape == "box":
        inside = np.maximum(np.abs(u), np.abs(v)) <= 0.8
    elif shape == "triangle":
        inside = np.maximum(u, 0.75**0.5 * np.abs(v) - 0.5 * u) <= 0.625
    elif shape == "star":
        inside = _in_star(u, v, tip=1.25, notch=0.54)
    elif shape == "ring":
        inside = np.abs(np.hypot(u, v) - 0.74) <= 0.26
    else:
        arm, side = np.maximum(np.abs(u), np.abs(v)), np.minimum(np.abs(u), np.abs(v))
        inside = (arm <= 1.1) & (side <= 0.31)
    return inside


def _in_star(u: Floats, v: Floats, *, tip: float, notch: float) -> Mask:
    """Five points: folded into a tenth of the turn, the outline is one line from a tip to a notch."""
    tenth = np.pi / 5
    turn = np.abs((np.arctan2(v, u) + tenth) % (2 * tenth) - tenth)
    distance = np.hypot(u, v)
    along, across = distance * np.cos(turn), distance * np.sin(turn)
    low, high = notch * np.cos(tenth), notch * np.sin(tenth)
    inside: Mask = (along - tip) * high + across * (tip - low) <= 0
    return inside
