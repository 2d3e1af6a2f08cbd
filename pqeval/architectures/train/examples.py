"""What a network learns from: scenes as arrays, mirrored and recoloured at random, in batches of one size."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pqeval.architectures.prediction import normalised
from pqeval.architectures.scenes import CHANNELS, THINGS, draw_scene

__all__ = ["VOID", "Example", "Pool"]

VOID = 255
"""Of the semantic target: no class, no loss."""

FIRST_SEED = 1_000_000
"""Scenes to learn from; those that thresholds are tuned on and those that are scored lie below."""


@dataclass(frozen=True)
class Example:
    """One scene to learn from.

    Attributes
    ----------
    image : (3, H, W) float32
        Normalised.
    id_map : (H, W) uint32
        Segments; 0 is void.
    segments : list of dict
        ``{"id", "category_id", "iscrowd"}``.
    """

    image: NDArray[np.float32]
    id_map: NDArray[np.uint32]
    segments: list[dict[str, Any]]

    def semantic(self) -> NDArray[np.uint8]:
        """Return the class of each pixel as the number of its channel, stuff first, then things; 255 is void."""
        table = np.full(int(self.id_map.max()) + 1, VOID, np.uint8)
        for row in self.segments:
            table[row["id"]] = CHANNELS.index(row["category_id"])
        return table[self.id_map]

    def things(self, *, crowds: bool = False) -> list[tuple[int, NDArray[np.bool_]]]:
        """List category and (H, W) mask of every object, or else of every crowd."""
        rows = [row for row in self.segments if row["category_id"] in THINGS and bool(row["iscrowd"]) == crowds]
        return [(row["category_id"], self.id_map == row["id"]) for row in rows]

    def varied(self, random: np.random.RandomState) -> Example:
        """Return the scene mirrored half of the time, with light and contrast a little different."""
        image, id_map = self.image, self.id_map
        if random.randint(2):
            image, id_map = image[..., ::-1], id_map[:, ::-1]
        image = image * np.float32(random.uniform(0.8, 1.25)) + np.float32(random.uniform(-0.2, 0.2))
        return Example(np.ascontiguousarray(image), np.ascontiguousarray(id_map), self.segments)


class Pool:
    """Scenes drawn as they are needed, up to a number, and then used again.

    Parameters
    ----------
    size : int
        How many scenes at most.
    seed : int
        Of the order, the mirroring and the colours.
    """

    def __init__(self, size: int, seed: int):
        self.size = size
        self.random = np.random.RandomState(seed)
        self.drawn = 0
        self.by_size: dict[tuple[int, ...], list[Example]] = defaultdict(list)

    def batch(self, count: int) -> list[Example]:
        """Return `count` examples of one size; sizes come as often as scenes of them do."""
        if self.drawn < self.size:
            self._draw(count)
        while True:
            shelves = list(self.by_size.values())
            shares = np.array([len(shelf) for shelf in shelves]) / self.drawn
            shelf = shelves[self.random.choice(len(shelves), p=shares)]
            if len(shelf) >= count:
                break
            self._draw(count)
        chosen = self.random.choice(len(shelf), count, replace=False)
        return [shelf[at].varied(self.random) for at in chosen]

    def _draw(self, count: int) -> None:
        for _ in range(count):
            scene = draw_scene(FIRST_SEED + self.drawn)
            self.drawn += 1
            self.by_size[scene.id_map.shape].append(Example(normalised(scene.image), scene.id_map, scene.segments))
