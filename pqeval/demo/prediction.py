"""The prediction without a mistake, as loose objects that can be spoilt and then drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pqeval.demo.canvas import Mask, Segment
from pqeval.demo.world import IS_THING

IdMap: TypeAlias = NDArray[np.uint32]
Labelling: TypeAlias = tuple[IdMap, list[Segment]]

UNKNOWN = 0
"""Instead of a category id: the pixels of this object get no label."""


@dataclass(frozen=True)
class Piece:
    """One segment of the prediction before it has an id; `in_crowd` if the truth has it inside a crowd."""

    category_id: int
    mask: Mask
    in_crowd: bool = False


def take_apart(id_map: IdMap, segments: Sequence[Segment]) -> tuple[list[Piece], list[Piece]]:
    """Return stuff, grown over everything that is not stuff, and the single things."""
    stuff = [segment for segment in segments if not IS_THING[segment["category_id"]]]
    is_stuff = np.isin(id_map, [segment["id"] for segment in stuff])
    nearest = ndimage.distance_transform_edt(~is_stuff, return_distances=False, return_indices=True)
    filled = id_map[tuple(nearest)] if stuff else np.zeros_like(id_map)
    background = [Piece(segment["category_id"], filled == segment["id"]) for segment in stuff]
    objects = []
    for segment in segments:
        mask = id_map == segment["id"]
        if not IS_THING[segment["category_id"]]:
            continue
        if not segment.get("iscrowd"):
            objects.append(Piece(segment["category_id"], mask))
            continue
        labels, parts = ndimage.label(mask)
        objects += [Piece(segment["category_id"], labels == part + 1, True) for part in range(parts)]
    return background, objects


def draw(background: Sequence[Piece], objects: Sequence[Piece]) -> Labelling:
    """Paint stuff, then things from large to small; number what can still be seen 1, 2, 3, ..."""
    layers = [*background, *sorted(objects, key=lambda item: -np.count_nonzero(item.mask))]
    top = np.zeros(layers[0].mask.shape, np.int64)
    for number, item in enumerate(layers, 1):
        top[item.mask] = number
    id_map = np.zeros(top.shape, np.uint32)
    segments: list[Segment] = []
    for number, item in enumerate(layers, 1):
        seen = top == number
        if item.category_id != UNKNOWN and seen.any():
            segments.append({"id": len(segments) + 1, "category_id": item.category_id})
            id_map[seen] = len(segments)
    return id_map, segments
