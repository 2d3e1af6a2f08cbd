"""What stands in a synthetic scene and where: things, crowds, and shapes of no category."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.random import RandomState

from pqeval.architectures._canvas import LEAST_PIXELS, RIM, Canvas
from pqeval.architectures._shapes import STRETCH, Mask, Placed, cover

FREQUENCIES = {"disc": 4, "box": 4, "triangle": 4, "star": 1}
"""How often each shape is drawn, relative to the others: the star is rare."""

RADII = (6.0, 20.0)
NO_THINGS, CROWD = 0.08, 0.13
"""Share of the scenes without things, and share of the others that have a crowd."""

TRIES = 40
"""Places tried for a shape that must not bury a thing."""


def place_things(layout: RandomState, height: int, width: int) -> list[tuple[str, list[Placed]]]:
    """Choose the things of a scene.

    Parameters
    ----------
    layout : RandomState
        Source of every choice.
    height, width : int
        Size of the scene.

    Returns
    -------
    list of tuple
        Name and shapes of each thing from back to front; only a crowd has several shapes.

    Examples
    --------
    >>> [name for name, shapes in place_things(RandomState(3), 96, 128)]
    ['triangle', 'disc', 'box']
    """
    if layout.uniform() < NO_THINGS:
        return []
    names, weights = list(FREQUENCIES), np.array(list(FREQUENCIES.values()))
    things: list[tuple[str, list[Placed]]] = []
    for _ in range(layout.randint(2, 9)):
        name = names[int(layout.choice(len(names), p=weights / weights.sum()))]
        x, y = layout.uniform(5, width - 5), layout.uniform(5, height - 5)
        things.append((name, [replace(_turn(layout, name, RADII), x=x, y=y)]))
    if layout.uniform() < CROWD:
        depth = int(layout.randint(len(things) // 2, len(things) + 1))
        things.insert(depth, ("disc", _heap(layout, height, width)))
    return things


def _turn(rng: RandomState, name: str, radii: tuple[float, float]) -> Placed:
    """A shape of random size, direction and aspect that has no place yet."""
    radius = float(np.exp(rng.uniform(*np.log(radii))))
    return Placed(name, 0.0, 0.0, radius, rng.uniform(0, 2 * np.pi), rng.uniform(*STRETCH[name]))


def _heap(layout: RandomState, height: int, width: int) -> list[Placed]:
    """Small discs, too many to outline one by one, the lower ones in front."""
    x, y = layout.uniform(16, width - 16), layout.uniform(12, height - 12)
    count = int(layout.randint(8, 21))
    spread = 1.9 * count**0.5
    places = sorted(
        (y + spread * layout.uniform(-1, 1), x + 1.6 * spread * layout.uniform(-1, 1)) for _ in range(count)
    )
    return [Placed("disc", across, down, layout.uniform(3.4, 4.4), 0.0, 1.0) for down, across in places]


def paint_untrained(canvas: Canvas, rng: RandomState, names: Sequence[str] = ("ring", "cross")) -> Mask:
    """Paint one or two shapes of no category where they bury no thing.

    Parameters
    ----------
    canvas : Canvas
        The scene, complete but for them.
    rng : RandomState
        Source of every choice.
    names : sequence of str
        The shapes to choose from.

    Returns
    -------
    ndarray of bool, shape (height, width)
        Their pixels. The last one painted is large and lies within the image, so at least one is plain to see.
    """
    pixels = np.zeros((canvas.height, canvas.width), np.bool_)
    for radii in (RADII, (9.0, RADII[1]))[int(rng.randint(2)) :]:
        name = names[int(rng.randint(len(names)))]
        shape = _free_place(canvas, rng, _turn(rng, name, radii))
        pixels |= canvas.stamp(0, shape, rng)
    return pixels


def _free_place(canvas: Canvas, rng: RandomState, shape: Placed) -> Placed:
    """The first of `TRIES` places within the image where every segment stays large enough to keep."""
    before = canvas.areas()
    margin = [min(shape.reach + RIM, side / 2) for side in (canvas.width, canvas.height)]
    for _ in range(TRIES):
        x = rng.uniform(margin[0], canvas.width - margin[0])
        y = rng.uniform(margin[1], canvas.height - margin[1])
        shape = replace(shape, x=x, y=y)
        found = cover(shape, canvas.height, canvas.width)
        taken = np.bincount(canvas.ids[found.window][found.mask], minlength=before.size)
        if not ((taken > 0) & (before - taken < LEAST_PIXELS))[1:].any():
            break
    return shape
