"""A canvas that paints colour and segment ids in one stroke, so that picture and truth cannot disagree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]
Segment: TypeAlias = dict[str, int]
Colour: TypeAlias = tuple[int, int, int]
Shape: TypeAlias = Callable[[Floats, Floats, Floats], tuple[Mask, Floats]]
"""``shape(u, v, colour)``: the object fills the square -1..1, v pointing down; gives its mask and colours."""

Box: TypeAlias = tuple[float, float, float, float]
"""Centre x, centre y, half width, half height."""

SAMPLES = 2
"""Samples per pixel and axis: colours are averaged over them (smooth edges), ids are never mixed."""

LEAST_PIXELS = 20
"""What occlusion leaves smaller than this nobody could name: it becomes void."""


class Canvas:
    """One scene in the making.

    Parameters
    ----------
    height, width : int
        Size in pixels.
    rng : numpy.random.Generator
        Source of segment ids and of surface grain.
    """

    def __init__(self, height: int, width: int, rng: np.random.Generator) -> None:
        self.height = height
        self.width = width
        self.y: Floats = ((np.arange(height * SAMPLES) + 0.5) / SAMPLES)[:, None]
        self.x: Floats = ((np.arange(width * SAMPLES) + 0.5) / SAMPLES)[None, :]
        self._rgb: Floats = np.zeros((height * SAMPLES, width * SAMPLES, 3))
        self._ids = np.zeros((height * SAMPLES, width * SAMPLES), np.uint32)
        self._segments: list[Segment] = []
        self._rng = rng

    def segment(self, category_id: int, *, iscrowd: int = 0) -> int:
        """Open a segment and return its id: any 24-bit number from 1000 on, as in a real data set."""
        taken = {segment["id"] for segment in self._segments}
        segment_id = int(self._rng.integers(1000, 1 << 24))
        while segment_id in taken:
            segment_id = int(self._rng.integers(1000, 1 << 24))
        self._segments.append({"id": segment_id, "category_id": category_id, "iscrowd": iscrowd})
        return segment_id

    def region(self, segment_id: int, mask: Mask, near: Colour, far: Colour, *, grain: float = 0.0) -> None:
        """Fill `mask` with a vertical gradient from `far` (top) to `near` (bottom)."""
        rows = np.flatnonzero(mask.any(axis=1))
        if rows.size == 0:
            return
        depth = np.clip((np.arange(mask.shape[0]) - rows[0]) / max(int(np.ptp(rows)), 1), 0, 1)[:, None, None]
        colours = np.asarray(far) * (1 - depth) + np.asarray(near) * depth
        colours = colours + self._rng.normal(0, grain, mask.shape)[..., None] if grain else colours
        self._rgb[mask] = np.broadcast_to(colours, self._rgb.shape)[mask]
        self._ids[mask] = segment_id

    def tint(self, strength: NDArray[np.floating[Any]] | Mask, colour: Colour) -> None:
        """Mix `colour` into the picture only; ids stay (sun, clouds, lane marks, shadows)."""
        alpha = np.broadcast_to(np.asarray(strength, np.float64), self._ids.shape)
        hit = alpha > 0
        self._rgb[hit] += (np.asarray(colour) - self._rgb[hit]) * alpha[hit][:, None]

    def stamp(self, segment_id: int, shape: Shape, box: Box, colour: Colour) -> None:
        """Paint `shape` into `box`, over what is there."""
        cx, cy, rx, ry = box
        top, bottom = (int(np.clip((cy + s * ry) * SAMPLES + s, 0, self._ids.shape[0])) for s in (-1, 1))
        left, right = (int(np.clip((cx + s * rx) * SAMPLES + s, 0, self._ids.shape[1])) for s in (-1, 1))
        v, u = np.broadcast_arrays((self.y[top:bottom] - cy) / ry, (self.x[:, left:right] - cx) / rx)
        mask, colours = shape(u, v, np.asarray(colour, np.float64))
        self._rgb[top:bottom, left:right][mask] = colours[mask]
        self._ids[top:bottom, left:right][mask] = segment_id

    def void(self, mask: Mask) -> None:
        """Declare pixels unlabelled."""
        self._ids[mask] = 0

    def finish(self) -> tuple[NDArray[np.uint8], NDArray[np.uint32], list[Segment]]:
        """Return colours, ids and the segments that can still be seen."""
        blocks = self._rgb.reshape(self.height, SAMPLES, self.width, SAMPLES, 3).mean(axis=(1, 3))
        ids = self._ids[SAMPLES // 2 :: SAMPLES, SAMPLES // 2 :: SAMPLES].copy()
        seen = []
        for segment in self._segments:
            mask = ids == segment["id"]
            if np.count_nonzero(mask) >= LEAST_PIXELS:
                seen.append(segment)
            else:
                ids[mask] = 0
        return np.clip(np.rint(blocks), 0, 255).astype(np.uint8), ids, seen


def ball(u: Floats, v: Floats, colour: Floats) -> tuple[Mask, Floats]:
    """A ball with a highlight at the upper left."""
    light = 1.12 - 0.42 * ((u + 0.35) ** 2 + (v + 0.4) ** 2)
    gleam = np.clip(1 - 9 * ((u + 0.38) ** 2 + (v + 0.42) ** 2), 0, 1)
    return u**2 + v**2 <= 1, colour * light[..., None] + 150 * gleam[..., None]


def crate(u: Floats, v: Floats, colour: Floats) -> tuple[Mask, Floats]:
    """A wooden crate: three planks in a darker frame, with one diagonal brace."""
    frame = np.maximum(np.abs(u), np.abs(v)) > 0.76
    seam = np.minimum(np.abs(v - 0.27), np.abs(v + 0.27)) < 0.05
    brace = np.abs(u + v) < 0.2
    light = np.where(frame | brace, 0.78, np.where(seam, 0.6, 1.08)) - 0.06 * v
    return np.maximum(np.abs(u), np.abs(v)) <= 1, colour * light[..., None]


def tent(u: Floats, v: Floats, colour: Floats) -> tuple[Mask, Floats]:
    """A triangular tent with a lit left side and a dark door."""
    light = np.where(u < 0, 1.1, 0.82) - 0.12 * v
    light = np.where(np.abs(u) * 3.2 < v - 0.05, 0.3, light)
    return (np.abs(u) <= (v + 1) / 2) & (v <= 1), colour * light[..., None]


def tyre(u: Floats, v: Floats, colour: Floats) -> tuple[Mask, Floats]:
    """A tyre seen from the side; what is behind shows through the hole."""
    radius = np.sqrt(u**2 + v**2)
    light = np.where(np.abs(radius - 0.66) < 0.09, 1.75, 1.0) - 0.18 * (u + v)
    return (radius <= 1) & (radius >= 0.46), colour * light[..., None]
