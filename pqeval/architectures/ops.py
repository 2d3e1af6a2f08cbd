"""The operations that the networks are made of, for numpy arrays.

A network is a function of these operations; :mod:`pqeval.architectures.train.ops` has the same ones for torch. So
there is one definition of each network, which runs without torch and can be trained with it.

The channel axis is the third from the end, whatever stands before it: a map is (C, H, W) here and (B, C, H, W) in
training, a stack of regions (N, C, H, W) here and (B, N, C, H, W) there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

__all__ = [
    "concat",
    "constant",
    "conv2d",
    "coordinates",
    "depth_to_space",
    "linear",
    "mean_pool",
    "relu",
    "resize",
    "sample",
    "sigmoid",
]

Array = NDArray[np.float32]

# Columns of this many numbers, 1.6 MB, stay in the cache of a core between being filled and being multiplied.
BAND = 400_000


def conv2d(
    image: Array,
    weight: Array,
    bias: Array,
    *,
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
) -> Array:
    """Convolve with an odd window and zeros around the image, so that stride 1 keeps the size.

    Parameters
    ----------
    image : (..., C, H, W) float32
        The maps.
    weight : (D, C // groups, K, K) float32
        One window for each of D output channels.
    bias : (D,) float32
        Added to each output channel.
    stride, dilation : int
        Steps between windows, and between the pixels of a window.
    groups : int
        1, or C where every channel has a window of its own (then D is C and stride and dilation are 1).

    Returns
    -------
    (..., D, ceil(H / stride), ceil(W / stride)) float32
    """
    from pqeval.architectures import _sampling

    if image.ndim > 3:
        flat = image.reshape(-1, *image.shape[-3:])
        items = [conv2d(i, weight, bias, stride=stride, dilation=dilation, groups=groups) for i in flat]
        shape = items[0].shape if items else (weight.shape[0], *(-(-s // stride) for s in image.shape[-2:]))
        return np.array(items, np.float32).reshape(*image.shape[:-3], *shape)
    image = np.ascontiguousarray(image)
    channels, height, width = image.shape
    size = weight.shape[-1]
    if groups > 1:
        out = np.repeat(bias, height * width).reshape(-1, height, width)
        edge = size // 2
        padded = np.pad(image, ((0, 0), (edge, edge), (edge, edge)))
        _sampling.depthwise(padded, np.ascontiguousarray(weight[:, 0]), out)
        return out
    flat_weight = weight.reshape(len(weight), -1)
    if size == 1:
        image = np.ascontiguousarray(image[:, ::stride, ::stride])
        return (flat_weight @ image.reshape(channels, -1) + bias[:, None]).reshape(-1, *image.shape[1:])
    rows, across = -(-height // stride), -(-width // stride)
    out = np.empty((len(weight), rows, across), np.float32)
    deep = channels * size * size
    band = max(1, BAND // (deep * across))
    for first in range(0, rows, band):
        columns = np.empty((deep, min(band, rows - first), across), np.float32)
        _sampling.fill_columns(image, size, stride, dilation, first, columns)
        product = flat_weight @ columns.reshape(deep, -1)
        out[:, first : first + band] = product.reshape(len(weight), -1, across)
    out += bias[:, None, None]
    return out


def linear(rows: Array, weight: Array, bias: Array) -> Array:
    """Multiply the last axis, (..., C), by a matrix (D, C) and add (D,)."""
    return np.asarray(rows @ weight.T + bias, np.float32)


def relu(image: Array) -> Array:
    """Clip below at zero."""
    return np.maximum(image, np.float32(0))


def sigmoid(image: Array) -> Array:
    """Squash to between 0 and 1, silently even where the exponential would overflow."""
    return np.asarray(expit(image), np.float32)


def sample(image: Array, rows: Array, columns: Array) -> Array:
    """Read maps between pixels: bilinear, zero outside.

    Deformable convolution, RoIAlign and the pasting of masks are all this one operation.

    Parameters
    ----------
    image : (C, H, W) float32
        The map.
    rows, columns : (...) float32
        Points; whole numbers are centres of pixels.

    Returns
    -------
    (C, ...) float32
    """
    from pqeval.architectures import _sampling

    points = [
        np.ascontiguousarray(np.broadcast_to(p, rows.shape).reshape(-1), np.float32) for p in (rows, columns)
    ]
    last = np.ascontiguousarray(image.transpose(1, 2, 0))
    out = np.empty((points[0].size, image.shape[0]), np.float32)
    _sampling.sample_points(last, *points, out)
    return np.ascontiguousarray(out.T).reshape(image.shape[0], *rows.shape)


def resize(image: Array, size: Sequence[int]) -> Array:
    """Resize maps (..., H, W) to (height, width): bilinear between centres of pixels, the border repeated."""
    for axis, (old, new) in zip((-2, -1), zip(image.shape[-2:], size, strict=True), strict=True):
        if old == new:
            continue
        place = np.clip((np.arange(new) + 0.5) * (old / new) - 0.5, 0, old - 1)
        low = place.astype(np.intp)
        high = np.minimum(low + 1, old - 1)
        share = (place - low).astype(np.float32)
        share = share[:, None] if axis == -2 else share
        image = image.take(low, axis) * (1 - share) + image.take(high, axis) * share
    return image


def concat(images: Sequence[Array], axis: int = -3) -> Array:
    """Join arrays along an axis, by default that of the channels."""
    return np.concatenate(images, axis)


def mean_pool(image: Array) -> Array:
    """Average maps (..., C, H, W) over all pixels, to (..., C, 1, 1)."""
    return np.asarray(image.mean((-2, -1), keepdims=True))


def coordinates(image: Array) -> Array:
    """Return two maps that go from -1 to 1, down and across, of the size and stack of `image`: (..., 2, H, W)."""
    height, width = image.shape[-2:]
    down, across = np.linspace(-1, 1, height, dtype=np.float32), np.linspace(-1, 1, width, dtype=np.float32)
    grid = np.stack(np.meshgrid(down, across, indexing="ij"))
    return np.broadcast_to(grid, (*image.shape[:-3], 2, height, width))


def depth_to_space(image: Array) -> Array:
    """Turn four channels into the four pixels of a square, (..., 4 C, H, W) to (..., C, 2 H, 2 W).

    A 2 by 2 deconvolution of stride 2 is a 1 by 1 convolution to four times the channels and then this.
    """
    *stack, deep, height, width = image.shape
    split = image.reshape(-1, deep // 4, 2, 2, height, width)
    return split.transpose(0, 1, 4, 2, 5, 3).reshape(*stack, deep // 4, 2 * height, 2 * width)


def constant(values: Array) -> Array:
    """Make numbers what the other operations take."""
    return np.asarray(values, np.float32)
