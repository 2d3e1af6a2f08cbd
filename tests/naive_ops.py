"""Slow twins of the networks' operations, in plain Python, one number at a time. They import nothing of ours."""

from __future__ import annotations

import math

import numpy as np


def conv2d(image, weight, bias, *, stride=1, dilation=1, groups=1):
    """Convolve (C, H, W) by the definition, in double precision."""
    channels, height, width = image.shape
    wide, deep, size, _ = weight.shape
    out = np.zeros((wide, math.ceil(height / stride), math.ceil(width / stride)))
    for d, y, x in np.ndindex(out.shape):
        total = float(bias[d])
        for c in range(deep):
            source = image[c if groups == 1 else d * (channels // groups) // (wide // groups) + c]
            for i in range(size):
                for j in range(size):
                    row = y * stride + (i - size // 2) * dilation
                    column = x * stride + (j - size // 2) * dilation
                    if 0 <= row < height and 0 <= column < width:
                        total += float(weight[d, c, i, j]) * float(source[row, column])
        out[d, y, x] = total
    return out


def pixel(image, channel, row, column):
    """Return a pixel, or zero outside."""
    _, height, width = image.shape
    return float(image[channel, row, column]) if 0 <= row < height and 0 <= column < width else 0.0


def sample(image, rows, columns):
    """Read (C, H, W) at points: bilinear, zero outside."""
    out = np.zeros((image.shape[0], len(rows)))
    for c, (p, (y, x)) in (
        (c, point) for c in range(image.shape[0]) for point in enumerate(zip(rows, columns, strict=True))
    ):
        top, left = math.floor(y), math.floor(x)
        for row, share in ((top, top + 1 - y), (top + 1, y - top)):
            for column, part in ((left, left + 1 - x), (left + 1, x - left)):
                out[c, p] += share * part * pixel(image, c, row, column)
    return out


def resize(image, size):
    """Resize (C, H, W): bilinear between centres of pixels, the border repeated."""
    channels, height, width = image.shape
    out = np.zeros((channels, *size))
    for c, y, x in np.ndindex(out.shape):
        row = min(max((y + 0.5) * height / size[0] - 0.5, 0), height - 1)
        column = min(max((x + 0.5) * width / size[1] - 0.5, 0), width - 1)
        top, left = min(int(row), height - 1), min(int(column), width - 1)
        down, right = min(top + 1, height - 1), min(left + 1, width - 1)
        upper = image[c, top, left] * (left + 1 - column) + image[c, top, right] * (column - left)
        lower = image[c, down, left] * (left + 1 - column) + image[c, down, right] * (column - left)
        out[c, y, x] = upper * (top + 1 - row) + lower * (row - top)
    return out
