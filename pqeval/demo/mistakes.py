"""Imperfect predictions: one function per kind of mistake, and the table of them.

Every function takes the truth of one scene and a random generator, and returns the prediction. All of them
start from the same prediction without mistakes, in which void is filled with the nearest stuff (a network
answers everywhere) and a crowd is drawn as its single objects (a network knows no crowds). Those that
concern only some objects choose them first, so with equal generators they choose the same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from scipy import ndimage

from pqeval.demo.canvas import Mask, Segment
from pqeval.demo.prediction import UNKNOWN, IdMap, Labelling, Piece, draw, take_apart
from pqeval.demo.world import IS_THING

Mistake: TypeAlias = Callable[[IdMap, list[Segment], np.random.Generator], Labelling]

SHARE = 0.4
"""Part of the objects of a scene that split, missed, wrong class and unknown spoil."""

REACH = 16
"""Neighbours farther apart than this many pixels are not merged."""


def perfect(id_map: IdMap, segments: list[Segment], rng: np.random.Generator) -> Labelling:
    """Predict every segment exactly."""
    return draw(*take_apart(id_map, segments))


def shifted(id_map: IdMap, segments: list[Segment], rng: np.random.Generator) -> Labelling:
    """Move every object by 2 or 3 pixels along each axis; what it uncovers becomes stuff."""
    background, objects = take_apart(id_map, segments)
    moved = []
    for item in objects:
        dy, dx = (rng.integers(2, 4, 2) * rng.choice([-1, 1], 2)).tolist()
        moved.append(item if item.in_crowd else replace(item, mask=_move(item.mask, dy, dx)))
    return draw(background, moved)


def merged(id_map: IdMap, segments: list[Segment], rng: np.random.Generator) -> Labelling:
    """Make one segment of every two neighbours of a class, nearest pairs first, and one of a whole crowd."""
    background, objects = take_apart(id_map, segments)
    single = [item for item in objects if not item.in_crowd]
    crowded = [item for item in objects if item.in_crowd]
    pairs = []
    for first, item in enumerate(single):
        distance = ndimage.distance_transform_edt(~item.mask)
        for second in range(first + 1, len(single)):
            if single[second].category_id == item.category_id:
                pairs.append((float(distance[single[second].mask].min()), first, second))
    free = set(range(len(single)))
    groups = []
    for gap, first, second in sorted(pairs):
        if gap <= REACH and {first, second} <= free:
            free -= {first, second}
            groups.append([single[first], single[second]])
    groups += [[single[index]] for index in sorted(free)]
    groups += [[item for item in crowded if item.category_id == name] for name in _categories(crowded)]
    return draw(background, [_join(group) for group in groups])


def split(id_map: IdMap, segments: list[Segment], rng: np.random.Generator) -> Labelling:
    """Cut the chosen objects in two across their longer side, 30 to 50 % on one side."""
    background, objects = take_apart(id_map, segments)
    chosen = _choose(objects, rng)
    pieces = []
    for index, item in enumerate(objects):
        if index not in chosen:
            pieces.append(item)
            continue
        places = np.nonzero(item.mask)
        along = max(places, key=np.ptp)
        first = along <= np.quantile(along, rng.uniform(0.3, 0.5))
        for part in (first, ~first):
            mask = np.zeros_like(item.mask)
            mask[places[0][part], places[1][part]] = True
            pieces.append(replace(item, mask=mask))
    return draw(background, pieces)


def missed(id_map: IdMap, segments: list[Segment], rng: np.random.Generator) -> Labelling:
    """Leave the chosen objects out; their pixels become the stuff around them."""
    background, objects = take_apart(id_map, segments)
    chosen = _choose(objects, rng)
    return draw(background, [item for index, item in enumerate(objects) if index not in chosen])


def wrong_class(id_map: IdMap, segments: list[Segment], rng: np.random.Generator) -> Labelling:
    """Give the chosen objects the class of another thing."""
    background, objects = take_apart(id_map, segments)
    chosen = _choose(objects, rng)
    things = [category_id for category_id, isthing in IS_THING.items() if isthing]
    for index in chosen:
        others = [category_id for category_id in things if category_id != objects[index].category_id]
        objects[index] = replace(objects[index], category_id=others[int(rng.integers(len(others)))])
    return draw(background, objects)


def unknown(id_map: IdMap, segments: list[Segment], rng: np.random.Generator) -> Labelling:
    """Leave the pixels of the chosen objects without a label: id 0."""
    background, objects = take_apart(id_map, segments)
    for index in _choose(objects, rng):
        objects[index] = replace(objects[index], category_id=UNKNOWN)
    return draw(background, objects)


MISTAKES: dict[str, tuple[Mistake, str]] = {
    "perfect": (perfect, "nothing"),
    "shifted": (shifted, "every object 2 or 3 pixels off in x and y"),
    "merged": (merged, "neighbours of one class drawn as one"),
    "split": (split, "2 objects in 5 cut in two"),
    "missed": (missed, "the same objects left out"),
    "wrong class": (wrong_class, "the same objects called something else"),
    "unknown": (unknown, "the same objects left unlabelled (id 0)"),
}
"""Kind of prediction: its function and what the mistake is, in the order of the table."""


def _choose(objects: Sequence[Piece], rng: np.random.Generator) -> list[int]:
    """Choose the objects to spoil, at least one if there is any, none from a crowd (that costs nothing)."""
    single = [index for index, item in enumerate(objects) if not item.in_crowd]
    number = max(1, round(SHARE * len(single)))
    return sorted(rng.permutation(single)[:number].tolist())


def _join(group: Sequence[Piece]) -> Piece:
    return replace(group[0], mask=np.logical_or.reduce([item.mask for item in group]))


def _categories(objects: Sequence[Piece]) -> list[int]:
    return sorted({item.category_id for item in objects})


def _move(mask: Mask, dy: int, dx: int) -> Mask:
    """Shift without wrapping round: what leaves the picture is gone."""
    padded = np.pad(mask, 3)
    height, width = mask.shape
    return padded[3 - dy : 3 - dy + height, 3 - dx : 3 - dx + width]
