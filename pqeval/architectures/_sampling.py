"""The compiled loops under the networks: where numpy would copy too much or visit one point at a time.

All arrays are float32 and in row order, as :mod:`pqeval.architectures.ops` hands them over.
"""

from __future__ import annotations

import numpy as np

from pqeval.core.compiled import kernel

ZERO = np.float32(0)
ONE = np.float32(1)


@kernel
def fill_columns(image, size, stride, dilation, first, columns):
    """Lay the window under each output pixel of some rows out as a column, zeros outside the image.

    Parameters
    ----------
    image : (C, H, W) float32
        The map to convolve.
    size, stride, dilation : int
        Of the square window, which is centred.
    first : int
        The first output row.
    columns : (C * size * size, rows, width) float32
        Overwritten.
    """
    channels, height, width = image.shape
    rows, across = columns.shape[1], columns.shape[2]
    at = 0
    for channel in range(channels):
        for i in range(size):
            for j in range(size):
                shift = (j - size // 2) * dilation
                low = max(0, -(shift // stride))
                high = max(low, min(across, (width - 1 - shift) // stride + 1))
                for row in range(rows):
                    out = columns[at, row]
                    y = (first + row) * stride + (i - size // 2) * dilation
                    if y < 0 or y >= height:
                        out[:] = ZERO
                        continue
                    out[:low] = ZERO
                    out[high:] = ZERO
                    source = image[channel, y]
                    # Two loops, since a stride that is no constant is not vectorised; and loops, since the message
                    # for slices that do not fit takes three seconds to compile.
                    if stride == 1:
                        for x in range(low, high):
                            out[x] = source[x + shift]
                    else:
                        for x in range(low, high):
                            out[x] = source[x * stride + shift]
                at += 1


@kernel
def depthwise(padded, weight, out):
    """Convolve every channel with its own window, stride 1.

    Parameters
    ----------
    padded : (C, H + K - 1, W + K - 1) float32
        The map with zeros around it.
    weight : (C, K, K) float32
        One window for each channel.
    out : (C, H, W) float32
        Added to.
    """
    channels, height, width = out.shape
    size = weight.shape[1]
    for channel in range(channels):
        for row in range(height):
            line = out[channel, row]
            for i in range(size):
                source = padded[channel, row + i]
                for j in range(size):
                    line += weight[channel, i, j] * source[j : j + width]


@kernel
def sample_points(image, rows, columns, out):
    """Read a map between its pixels, weighing the four around each point; what lies outside counts as zero.

    Parameters
    ----------
    image : (H, W, C) float32
        Channels last: the four pixels are then four stretches of memory.
    rows, columns : (P,) float32
        Points; whole numbers are the centres of pixels.
    out : (P, C) float32
        Overwritten.
    """
    height, width, _ = image.shape
    for point in range(rows.shape[0]):
        target = out[point]
        target[:] = ZERO
        y, x = rows[point], columns[point]
        # A point this far out touches no pixel; NaN fails the test too.
        if not (y > -1 and y < height and x > -1 and x < width):
            continue
        top, left = int(np.floor(y)), int(np.floor(x))
        down, right = y - np.float32(top), x - np.float32(left)
        for i in range(2):
            for j in range(2):
                if 0 <= top + i < height and 0 <= left + j < width:
                    share = (down if i else ONE - down) * (right if j else ONE - right)
                    target += share * image[top + i, left + j]
