"""The surfaces of the synthetic scenes: colours, noise, waves, and what a camera does to them."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray
from scipy import ndimage

from pqeval.architectures._shapes import Floats

Colours: TypeAlias = NDArray[np.float64]
"""Red, green and blue from 0 to 255 on the last axis."""

SKY, GROUND, WATER = (150.0, 188.0, 222.0), (128.0, 122.0, 82.0), (64.0, 112.0, 150.0)
BLUR = 0.6
LEAST_CONTRAST = 70.0


def smooth_noise(rng: RandomState, height: int, width: int, sigma: tuple[float, float]) -> Floats:
    """Draw noise without small details.

    Parameters
    ----------
    rng : RandomState
        Source of the noise.
    height, width : int
        Size in pixels.
    sigma : tuple of float
        Size of the details down and across, in pixels.

    Returns
    -------
    ndarray of float64, shape (height, width)
        Mean 0 and standard deviation 1.

    Examples
    --------
    >>> noise = smooth_noise(RandomState(0), 32, 48, (4, 4))
    >>> noise.shape, round(float(noise.std()), 6)
    ((32, 48), 1.0)
    """
    noise: Floats = ndimage.gaussian_filter(rng.random_sample((height, width)), sigma, truncate=3.0)
    noise -= noise.mean()
    noise /= noise.std()
    return noise


def sky(rng: RandomState, height: int, width: int) -> Colours:
    """A vertical gradient with clouds: shape (height, width, 3)."""
    gradient = np.linspace(rng.uniform(-35, -5), rng.uniform(5, 30), height)[:, None]
    light = gradient + rng.uniform(4, 14) * smooth_noise(rng, height, width, (4.0, 9.0))
    return _tint(rng, SKY, light)


def ground(rng: RandomState, height: int, width: int) -> Colours:
    """Rough all over: shape (height, width, 3)."""
    light = rng.uniform(16, 32) * (2 * rng.random_sample((height, width)) - 1)
    return _tint(rng, GROUND, light)


def water(rng: RandomState, height: int, width: int) -> Colours:
    """Waves, bent by smooth noise: shape (height, width, 3)."""
    y = np.arange(height)[:, None]
    bent = y + rng.uniform(1, 2.5) * smooth_noise(rng, height, width, (5.0, 5.0))
    light = rng.uniform(12, 22) * np.sin(2 * np.pi * bent / rng.uniform(4.5, 7.5))
    return _tint(rng, WATER, light)


def _tint(rng: RandomState, colour: tuple[float, float, float], light: Floats) -> Colours:
    """Something near a colour, lighter and darker from pixel to pixel."""
    base = np.asarray(colour) + rng.uniform(-14, 14) + rng.uniform(-16, 16, 3)
    tinted: Colours = base + light[..., None]
    return tinted


def paint(rng: RandomState, behind: Colours) -> Colours:
    """Choose the colour of an object: any, but one that can be told from what is behind it.

    Parameters
    ----------
    rng : RandomState
        Source of the colour; a fixed amount is drawn, whatever is behind.
    behind : ndarray of float64, shape (n, 3)
        The pixels that the object hides.

    Returns
    -------
    ndarray of float64, shape (3,)
    """
    hue, saturation, value = rng.uniform([[0.0], [0.25], [80.0]], [[1.0], [0.95], [250.0]], (3, 8))
    wheel = np.abs((hue[:, None] * 6 + np.array([0.0, 4.0, 2.0])) % 6 - 3) - 1
    colours = value[:, None] * (1 - saturation[:, None] * (1 - np.clip(wheel, 0, 1)))
    contrast = np.sqrt(((colours - behind.mean(axis=0)) ** 2).sum(axis=1)) if behind.size else np.zeros(8)
    chosen: Colours = colours[int(np.argmax(contrast >= LEAST_CONTRAST))]
    return chosen


def shading(rng: RandomState, u: Floats, v: Floats) -> Colours:
    """How light falls on an object: factors of shape (h, w, 1), lighter at one side and a little uneven."""
    direction, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0.05, 0.28)
    factors = 1 + strength * (np.cos(direction) * u + np.sin(direction) * v)
    uneven: Colours = (factors + rng.uniform(0, 0.05) * rng.standard_normal(u.shape))[..., None]
    return uneven


def checker(rng: RandomState, height: int, width: int) -> Colours:
    """A checker board of any two colours: shape (height, width, 3)."""
    step = int(rng.randint(2, 5))
    rows, columns = np.arange(height)[:, None] // step, np.arange(width)[None, :] // step
    pair = rng.uniform((10.0, 150.0), (100.0, 250.0), (3, 2)).T
    board: Colours = pair[(rows + columns) % 2]
    return board


def photograph(rng: RandomState, colours: Colours) -> NDArray[np.uint8]:
    """Blur a picture a little, add sensor noise, round to bytes.

    Parameters
    ----------
    rng : RandomState
        Source of the noise.
    colours : ndarray of float64, shape (H, W, 3)
        The picture.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
    """
    blurred = ndimage.gaussian_filter(colours, (BLUR, BLUR, 0))
    noisy = blurred + rng.uniform(2, 6) * rng.standard_normal(colours.shape)
    image: NDArray[np.uint8] = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    return image
