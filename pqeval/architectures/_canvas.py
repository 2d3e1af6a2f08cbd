"""A canvas that paints colour and owner in one stroke, so that picture and truth cannot disagree."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from pqeval.architectures import _textures as textures
from pqeval.architectures._shapes import Floats, Mask, Placed, cover

Segment: TypeAlias = dict[str, int]

LEAST_PIXELS = 20
"""What occlusion leaves smaller than this nobody could name: it becomes void."""

RIM = 2
"""Width of the dark rim in pixels."""


class Canvas:
    """One scene in the making.

    Parameters
    ----------
    height, width : int
        Size in pixels.

    Attributes
    ----------
    colours : ndarray of float64, shape (height, width, 3)
        What was painted so far.
    ids : ndarray of uint32, shape (height, width)
        The segment that each pixel belongs to, 0 for none.
    """

    def __init__(self, height: int, width: int) -> None:
        self.height = height
        self.width = width
        self.colours: Floats = np.zeros((height, width, 3))
        self.ids = np.zeros((height, width), np.uint32)
        self._segments: list[Segment] = []

    def open(self, category_id: int, *, iscrowd: int = 0) -> int:
        """Begin a segment and return its id."""
        segment_id = len(self._segments) + 1
        self._segments.append({"id": segment_id, "category_id": category_id, "iscrowd": iscrowd})
        return segment_id

    def fill(self, segment_id: int, mask: Mask, colours: Floats) -> None:
        """Paint the pixels of a mask with those of a picture, both of the canvas' size."""
        self.colours[mask] = colours[mask]
        self.ids[mask] = segment_id

    def stamp(self, segment_id: int, placed: Placed, look: RandomState) -> Mask:
        """Paint a shape over what is there, and return its pixels."""
        found = cover(placed, self.height, self.width)
        part, mask = self.colours[found.window], found.mask
        colour = textures.paint(look, part[mask]) * textures.shading(look, found.u, found.v)
        part[mask] = colour[mask]
        self.ids[found.window][mask] = segment_id
        pixels = np.zeros((self.height, self.width), np.bool_)
        pixels[found.window] = mask
        return pixels

    def darken_rim(self) -> None:
        """Hide all four borders behind something dark and void."""
        rim = np.ones((self.height, self.width), np.bool_)
        rim[RIM:-RIM, RIM:-RIM] = False
        self.colours[rim] *= 0.15
        self.ids[rim] = 0

    def drop(self, things: tuple[int, ...]) -> None:
        """Make the fragments of things void, and forget every segment that has no pixels left."""
        areas = self.areas()
        kept: list[Segment] = []
        for segment in self._segments:
            least = LEAST_PIXELS if segment["category_id"] in things else 1
            if areas[segment["id"]] >= least:
                kept.append(segment)
            else:
                self.ids[self.ids == segment["id"]] = 0
        self._segments = kept

    def areas(self) -> NDArray[np.int64]:
        """Count the pixels of each id, void included."""
        most = max((segment["id"] for segment in self._segments), default=0)
        counts: NDArray[np.int64] = np.bincount(self.ids.ravel(), minlength=most + 1)
        return counts

    def finish(self) -> list[Segment]:
        """Number the segments from 1 on in their order, on the map as well, and return them."""
        table = np.zeros(self.areas().size, np.uint32)
        for number, segment in enumerate(self._segments, 1):
            table[segment["id"]] = number
            segment["id"] = number
        self.ids = table[self.ids]
        return self._segments
