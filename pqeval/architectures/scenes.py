"""Synthetic scenes for the small reference networks: simple shapes in a landscape, and the truth about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from pqeval.architectures import _textures as textures
from pqeval.architectures._canvas import Canvas, Segment
from pqeval.architectures._shapes import Mask
from pqeval.architectures._things import paint_untrained, place_things
from pqeval.errors import UsageError

CATEGORIES: list[dict[str, Any]] = [
    {"id": 1, "name": "disc", "isthing": 1, "color": [220, 60, 60]},
    {"id": 2, "name": "box", "isthing": 1, "color": [60, 90, 220]},
    {"id": 3, "name": "triangle", "isthing": 1, "color": [240, 160, 40]},
    {"id": 4, "name": "star", "isthing": 1, "color": [200, 70, 200]},
    {"id": 5, "name": "sky", "isthing": 0, "color": [170, 210, 245]},
    {"id": 6, "name": "ground", "isthing": 0, "color": [120, 150, 80]},
    {"id": 7, "name": "water", "isthing": 0, "color": [50, 130, 170]},
]
THINGS, STUFF = (1, 2, 3, 4), (5, 6, 7)
CHANNELS = STUFF + THINGS
"""The category of each channel of semantic logits."""
_NUMBERS = {str(category["name"]): int(category["id"]) for category in CATEGORIES}

SIZES = ((96, 128), (128, 96), (112, 112))

WATER, PATCH, RIMMED, UNTRAINED = 0.75, 0.5, 0.2, 0.15
"""Shares of the scenes that have each."""


@dataclass(frozen=True)
class Scene:
    """One scene and its truth.

    Attributes
    ----------
    seed : int
        What it was drawn from.
    image : ndarray of uint8, shape (H, W, 3)
        The picture, red first.
    id_map : ndarray of uint32, shape (H, W)
        Segment id of each pixel, 0 where the truth is void.
    segments : list of dict
        ``{"id", "category_id", "iscrowd"}`` of each segment that has pixels: sky, ground and water, then the
        things from back to front. Ids count from 1 in this order.
    untrained : ndarray of bool, shape (H, W)
        The pixels of shapes that belong to no category; they are void.
    """

    seed: int
    image: NDArray[np.uint8]
    id_map: NDArray[np.uint32]
    segments: list[Segment]
    untrained: Mask


def draw_scene(seed: int, *, size: tuple[int, int] | None = None, untrained: bool | None = None) -> Scene:
    """Draw the scene of a seed.

    Parameters
    ----------
    seed : int
        From 0 to 2**32 - 1. A scene depends on nothing else, in any version of numpy, except that libraries
        may round a colour to the next byte.
    size : tuple of int, optional
        Height and width, multiples of 16 from 32. By default one of `SIZES`, half of the time the first.
    untrained : bool, optional
        Whether to add one or two shapes of no category, rings or crosses, in front of everything. One
        is never hidden. By default 15 % of the scenes have them. The rest of the scene does not depend on it.

    Returns
    -------
    Scene

    Raises
    ------
    UsageError
        For a seed or a size out of range.

    Examples
    --------
    >>> scene = draw_scene(7)
    >>> scene.image.shape[:2] in SIZES, scene.id_map.dtype
    (True, dtype('uint32'))
    """
    layout, look, noise, extra = _streams(seed)
    drawn = SIZES[int(layout.choice(3, p=(0.5, 0.25, 0.25)))]
    height, width = drawn if size is None else _checked(size)
    canvas = Canvas(height, width)
    _paint_stuff(canvas, layout, look)
    if layout.uniform() < PATCH:
        _paint_patch(canvas, layout, look)
    for name, shapes in place_things(layout, height, width):
        segment_id = canvas.open(_NUMBERS[name], iscrowd=int(len(shapes) > 1))
        for shape in shapes:
            canvas.stamp(segment_id, shape, look)
    if layout.uniform() < RIMMED:
        canvas.darken_rim()
    canvas.drop(THINGS)
    segments = canvas.finish()
    hidden = np.zeros((height, width), np.bool_)
    # Drawn in any case, so that the shapes that `True` asks for are those that come by chance.
    by_chance = bool(extra.uniform() < UNTRAINED)
    if by_chance if untrained is None else untrained:
        hidden = paint_untrained(canvas, extra)
        canvas.drop(THINGS)
        segments = canvas.finish()
    return Scene(seed, textures.photograph(noise, canvas.colours), canvas.ids, segments, hidden)


def _streams(seed: int) -> list[RandomState]:
    """One stream each for the truth, for colours, for the camera and for the untrained shapes."""
    if not isinstance(seed, int | np.integer) or not 0 <= seed < 2**32:
        raise UsageError(
            code="scene-seed",
            found=f"scene seed {seed!r}",
            expected="a whole number from 0 to 2**32 - 1",
            remedy="choose another seed",
        )
    return [RandomState([seed, stream]) for stream in range(4)]


def _checked(size: tuple[int, int]) -> tuple[int, int]:
    sound = (
        isinstance(size, tuple | list)
        and len(size) == 2
        and all(isinstance(side, int | np.integer) for side in size)
    )
    if not sound or min(size) < 32 or any(side % 16 for side in size):
        raise UsageError(
            code="scene-size",
            found=f"scene size {size!r}",
            expected="height and width that are multiples of 16 from 32",
            remedy="choose another size",
        )
    return size


def _paint_stuff(canvas: Canvas, layout: RandomState, look: RandomState) -> None:
    height, width = canvas.height, canvas.width
    x = np.arange(width) / width
    horizon = height * layout.uniform(0.25, 0.5) + np.zeros(width)
    for waves, swing in ((0.7, 0.05), (1.7, 0.03), (4.0, 0.012)):
        turns = waves * layout.uniform(0.7, 1.4)
        horizon += height * layout.uniform(0, swing) * np.sin(2 * np.pi * (turns * x + layout.uniform()))
    land = np.arange(height)[:, None] > horizon[None, :]
    noise = textures.smooth_noise(layout, height, width, (6.0, 11.0))
    wet = land & (noise > np.quantile(noise[land], layout.uniform(0.5, 0.75)))
    wet &= bool(layout.uniform() < WATER)
    areas = (~land, land & ~wet, wet)
    paints = (textures.sky, textures.ground, textures.water)
    for category_id, mask, paint in zip(STUFF, areas, paints, strict=True):
        canvas.fill(canvas.open(category_id), mask, paint(look, height, width))


def _paint_patch(canvas: Canvas, layout: RandomState, look: RandomState) -> None:
    """A checker board on the landscape that is nothing the categories know."""
    rows, columns = (int(side) for side in layout.randint(9, 19, 2))
    top, left = int(layout.randint(canvas.height - rows + 1)), int(layout.randint(canvas.width - columns + 1))
    window = slice(top, top + rows), slice(left, left + columns)
    canvas.colours[window] = textures.checker(look, rows, columns)
    canvas.ids[window] = 0
