"""Segments on a canvas: who comes first, and what is left for whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pqeval.fusion._semantics import Semantics

__all__ = ["Canvas", "Segmentation", "by_score", "keep_apart"]

Segmentation = tuple[NDArray[np.uint32], list[dict[str, Any]]]


def by_score(scores: NDArray[np.floating[Any]]) -> NDArray[np.intp]:
    """Order by score, largest first; equal scores keep their order."""
    return np.argsort(-scores, kind="stable")


def keep_apart(
    inside: NDArray[np.bool_],
    order: Iterable[int],
    overlap_threshold: float,
    groups: Sequence[int] | None = None,
) -> list[int]:
    """Drop the masks that the ones before them have covered too much of.

    Parameters
    ----------
    inside : (K, H, W) bool
        The masks.
    order : iterable of int
        Which of them take part, first come first served.
    overlap_threshold : float
        A mask is dropped if more than this share of it is taken. An empty one is always dropped.
    groups : sequence of int, optional
        For each mask its group; masks take pixels from their own group only. Default: all are one group.

    Returns
    -------
    list of int
        Those that stay, in this order.
    """
    kept: list[int] = []
    taken: dict[int, NDArray[np.bool_]] = {}
    for at in map(int, order):
        area = int(np.count_nonzero(inside[at]))
        group = 0 if groups is None else int(groups[at])
        if not area:
            continue
        before = taken.setdefault(group, np.zeros(inside.shape[1:], bool))
        if int(np.count_nonzero(inside[at] & before)) / area <= overlap_threshold:
            before |= inside[at]
            kept.append(at)
    return kept


class Canvas:
    """An id map in the making. Segments get ids from 1 in the order in which they come, and only free pixels.

    Parameters
    ----------
    size : tuple of int
        Height and width.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.ids = np.zeros(size, np.uint32)
        self.free = np.ones(size, bool)
        self.segments: list[dict[str, Any]] = []

    def add(self, where: NDArray[np.bool_], category: int, *, isthing: bool, score: float | None = None) -> None:
        """Give the free pixels among these to a new segment; without any there is none."""
        pixels = where & self.free
        if not pixels.any():
            return
        segment: dict[str, Any] = {"id": len(self.segments) + 1, "category_id": int(category), "isthing": isthing}
        if score is not None:
            segment["score"] = float(score)
        self.segments.append(segment)
        self.enlarge(len(self.segments), pixels)

    def enlarge(self, segment: int, where: NDArray[np.bool_]) -> None:
        """Give the free pixels among these to a segment that is there already."""
        pixels = where & self.free
        self.ids[pixels] = segment
        self.free &= ~pixels

    def add_stuff(self, semantics: Semantics, stuff_area: float) -> None:
        """Give each stuff class its free pixels, in the order of category ids; fewer than the limit stay void."""
        found, areas = np.unique(semantics.classes[self.free], return_counts=True)
        for category, area in zip(found.tolist(), areas.tolist(), strict=True):
            if semantics.is_stuff(category) and area >= stuff_area:
                self.add(semantics.classes == category, category, isthing=False)

    def finished(self) -> Segmentation:
        """Return the id map and its segments."""
        return self.ids, self.segments
