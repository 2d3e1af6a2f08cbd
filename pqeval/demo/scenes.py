"""Synthetic panoptic scenes: a little landscape with objects on it, and the truth about every pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pqeval.demo.canvas import Canvas, Floats, Segment, Shape, ball, crate, tent, tyre
from pqeval.demo.world import BALL, CRATE, GRASS, PAINTS, ROAD, SKY, TENT, TYRE, WATER

SIZES = ((180, 240), (160, 240), (180, 216))
CROWD_BALL, CROWD_STEP = 4.0, 11.0


@dataclass(frozen=True)
class Scene:
    """One scene and its truth.

    Attributes
    ----------
    image_id : int
        Number of the image, from 1.
    rgb : ndarray of uint8, shape (H, W, 3)
        What a camera would see.
    id_map : ndarray of uint32, shape (H, W)
        Segment id of each pixel, 0 where the truth is void.
    segments : list of dict
        ``{"id", "category_id", "iscrowd"}`` of every segment that has pixels.
    """

    image_id: int
    rgb: NDArray[np.uint8]
    id_map: NDArray[np.uint32]
    segments: list[Segment]


@dataclass(frozen=True)
class _Placed:
    """An object to be painted; those whose foot is nearer to the viewer are painted later."""

    category_id: int
    shape: Shape
    x: float
    foot: float
    rx: float
    ry: float


def draw_scenes(seed: int, count: int) -> list[Scene]:
    """Draw `count` scenes.

    Scenes differ in size and ground (meadow with a pond, road, shore). Objects touch and hide each other;
    every third scene, from the first, has a crowd, a heap of small balls. Void is the dark rim of a lens or
    a puff of smoke.

    Parameters
    ----------
    seed : int
        The same seed gives the same scenes, and scene *k* does not depend on `count`.
    count : int
        How many scenes.

    Returns
    -------
    list of Scene
    """
    return [_draw_scene(seed, index) for index in range(count)]


def _draw_scene(seed: int, index: int) -> Scene:
    rng = np.random.Generator(np.random.PCG64([seed, index]))
    height, width = SIZES[index % len(SIZES)]
    canvas = Canvas(height, width, rng)
    horizon = height * rng.uniform(0.3, 0.38)
    _paint_ground(canvas, rng, horizon, kind=index % 3)
    items = _place_objects(rng, height, width, horizon)
    if index % 3 == 0:
        items = _paint_crowd(canvas, rng, items)
    for item in sorted(items, key=lambda item: item.foot):
        shadow = ((canvas.x - item.x - 0.2 * item.rx) / (1.15 * item.rx)) ** 2
        shadow = shadow + ((canvas.y - item.foot) / (0.22 * item.ry)) ** 2
        canvas.tint(np.clip(0.5 * (1.2 - shadow), 0, 0.35), (16, 28, 20))
        paints = PAINTS[item.category_id]
        colour = paints[int(rng.integers(len(paints)))]
        box = (item.x, item.foot - item.ry, item.rx, item.ry)
        canvas.stamp(canvas.segment(item.category_id), item.shape, box, colour)
    if index % 2 == 0:
        _puff_smoke(canvas, rng, horizon)
    else:
        _darken_rim(canvas)
    rgb, id_map, segments = canvas.finish()
    return Scene(index + 1, rgb, id_map, segments)


def _paint_ground(canvas: Canvas, rng: np.random.Generator, horizon: float, *, kind: int) -> None:
    x, y, height, width = canvas.x, canvas.y, canvas.height, canvas.width
    everywhere = np.ones((y.size, x.size), np.bool_)
    canvas.region(canvas.segment(SKY), everywhere, (206, 228, 244), (96, 160, 226))
    sun = (x - width * rng.uniform(0.15, 0.85)) ** 2 + (y - horizon * 0.42) ** 2
    canvas.tint(np.clip(1.6 - sun / 60, 0, 0.9), (255, 240, 190))
    for _ in range(3):
        cx, cy = rng.uniform(0, width), rng.uniform(0.15, 0.7) * horizon
        canvas.tint(np.clip(0.75 - ((x - cx) / 26) ** 2 - ((y - cy) / 5) ** 2, 0, 0.7), (255, 255, 255))
    hills = horizon + 4 * np.sin(x / rng.uniform(14, 22) + rng.uniform(0, 6)) + 3 * np.sin(x / 41)
    if kind == 2:
        waves = canvas.segment(WATER)
        canvas.region(waves, everywhere & (y > horizon), (58, 128, 176), (122, 178, 214))
        canvas.tint(((y > horizon) & (np.sin(y * 1.6 + 2 * np.sin(x / 9)) > 0.9)) * 0.3, (235, 245, 255))
        hills = horizon + 0.28 * (height - horizon) + 5 * np.sin(x / 27 + rng.uniform(0, 6))
    canvas.region(canvas.segment(GRASS), y > hills, (92, 156, 66), (150, 192, 96), grain=7)
    if kind == 0:
        cx, cy = width * rng.uniform(0.3, 0.7), horizon + 0.24 * (height - horizon)
        pond = ((x - cx) / (0.3 * width)) ** 2 + ((y - cy) / (0.09 * height)) ** 2
        canvas.region(canvas.segment(WATER), pond < 1, (70, 138, 188), (126, 184, 216))
        canvas.tint(((pond < 0.8) & (np.sin(y * 1.7 + np.sin(x / 7)) > 0.88)) * 0.35, (235, 245, 255))
    if kind == 1:
        depth = (y - horizon) / (height - horizon)
        middle = width * (0.5 + rng.uniform(-0.16, 0.16) * (1 - depth))
        on_road = (y > hills) & (np.abs(x - middle) < 6 + 0.34 * width * depth)
        canvas.region(canvas.segment(ROAD), on_road, (92, 92, 98), (138, 138, 142), grain=4)
        dash = (np.abs(x - middle) < 0.6 + 2.4 * depth) & (np.sin(9 / (depth + 0.12)) > 0) & (y > hills)
        canvas.tint(dash * 0.85, (246, 240, 220))


def _place_objects(rng: np.random.Generator, height: int, width: int, horizon: float) -> list[_Placed]:
    """One group per class, each in its own quarter of the width, and some small objects far away."""
    near, unit = height - horizon, height / 180
    items: list[_Placed] = []
    for slot, category_id in enumerate(rng.permutation([BALL, CRATE, TENT, TYRE]).tolist()):
        x = width * (slot + rng.uniform(0.4, 0.6)) / 4
        foot = horizon + near * rng.uniform(0.6, 0.93)
        size = unit * rng.uniform(0.9, 1.15) * (0.55 + 0.55 * (foot - horizon) / near)
        if category_id == BALL:  # three balls, each hiding a part of the one behind
            for step, part in ((-13, 11), (1, 14), (17, 9)):
                radius = part * size
                items.append(_Placed(BALL, ball, x + step * size, foot + step % 5, radius, radius))
        elif category_id == CRATE:  # two side by side and one on top: they touch exactly
            half = 12.5 * size
            for dx, up in ((-half, 0.0), (half, 0.0), (0.3 * half, 2 * half)):
                lift = 0.9 * half if up else half
                items.append(_Placed(CRATE, crate, x + dx, foot - up + 1e-3, lift, lift))
        elif category_id == TENT:  # a large tent behind a smaller one
            items.append(_Placed(TENT, tent, x - 5 * size, foot - 7 * size, 27 * size, 25 * size))
            items.append(_Placed(TENT, tent, x + 14 * size, foot, 18 * size, 15 * size))
        else:  # one tyre leaning on another
            items.append(_Placed(TYRE, tyre, x - 9 * size, foot - 2, 16 * size, 16 * size))
            items.append(_Placed(TYRE, tyre, x + 12 * size, foot, 13 * size, 13 * size))
    for shape, category_id, radius in ((ball, BALL, 4.0), (tyre, TYRE, 5.5), (crate, CRATE, 4.0)):
        x, foot = width * rng.uniform(0.06, 0.94), horizon + near * rng.uniform(0.3, 0.42)
        items.append(_Placed(category_id, shape, x, foot, radius * unit, radius * unit))
    return items


def _paint_crowd(canvas: Canvas, rng: np.random.Generator, items: list[_Placed]) -> list[_Placed]:
    """Put a heap of small balls, too many to outline one by one, where the three balls would have been.

    Together they are one segment with ``iscrowd`` 1. Returns the objects that stay.
    """
    large = [item for item in items if item.category_id == BALL and item.rx > CROWD_BALL * 1.5]
    crowd = canvas.segment(BALL, iscrowd=1)
    left = min(max(large[1].x - 2.5 * CROWD_STEP, 10.0), canvas.width - 10 - 5.5 * CROWD_STEP)
    foot = max(item.foot for item in large)
    for row in range(5):
        for column in range(6):
            # One step is wider than a ball plus its jitter, so a prediction can tell the balls apart.
            x = left + CROWD_STEP * (column + 0.5 * (row % 2)) + rng.uniform(-0.8, 0.8)
            y = foot + CROWD_STEP * 0.88 * (row - 3.5) + rng.uniform(-0.5, 0.5)
            colour = PAINTS[BALL][int(rng.integers(len(PAINTS[BALL])))]
            canvas.stamp(crowd, ball, (x, y, CROWD_BALL, CROWD_BALL), colour)
    return [item for item in items if item not in large]


def _puff_smoke(canvas: Canvas, rng: np.random.Generator, horizon: float) -> None:
    """Smoke that hides what is behind: nobody can say what it is, so it is void."""
    cx, cy = canvas.width * rng.uniform(0.2, 0.8), horizon * rng.uniform(0.75, 1.05)
    density: Floats = np.zeros((canvas.y.size, canvas.x.size))
    for dx, dy, radius in ((-12, 3, 9), (0, -3, 13), (13, 1, 10)):
        distance = (canvas.x - cx - dx) ** 2 + (canvas.y - cy - dy) ** 2
        density = np.maximum(density, 1.6 * (1 - distance / radius**2))
    canvas.tint(np.clip(density, 0, 0.92), (120, 118, 122))
    canvas.void(density > 0.3)


def _darken_rim(canvas: Canvas) -> None:
    """The rounded dark rim of a lens: void on all four sides and in the corners."""
    u = np.abs(canvas.x / canvas.width - 0.5) * 2
    v = np.abs(canvas.y / canvas.height - 0.5) * 2
    outside = u**10 + v**10
    canvas.tint(np.clip((outside - 0.62) * 9, 0, 0.95), (14, 14, 18))
    canvas.void(outside > 0.66)
