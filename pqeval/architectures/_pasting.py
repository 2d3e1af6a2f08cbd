"""The masks of a detector drawn onto the image: each was made for the inside of its box, in one size of square."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pqeval.architectures import ops
from pqeval.architectures._boxes import Boxes

__all__ = ["paste", "paste_points"]

Inside: TypeAlias = NDArray[np.bool_]
Floats: TypeAlias = NDArray[np.float32]


def paste(masks: Floats, boxes: Boxes, size: tuple[int, int]) -> tuple[Floats, Inside]:
    """Draw the logits of boxes onto an image.

    Parameters
    ----------
    masks : (N, M, M) float32
        Logits over each box.
    boxes : (N, 4) float32
        The boxes.
    size : tuple of int
        Height and width of the image.

    Returns
    -------
    logits : (N, H, W) float32
        Between the numbers of the mask as a resize has them, the border repeated; 0 outside the box.
    inside : (N, H, W) bool
        Whether the centre of a pixel lies in the box.
    """
    logits = np.zeros((len(boxes), *size), np.float32)
    down, across, rows, columns = paste_points(boxes, size, int(masks.shape[-1]))
    inside = rows[:, :, None] & columns[:, None, :]
    for at, mask in enumerate(masks):
        window = np.ix_(rows[at], columns[at])
        y, x = np.meshgrid(down[at][rows[at]], across[at][columns[at]], indexing="ij")
        logits[at][window] = ops.sample(mask[None], y, x)[0]
    return logits, inside


def paste_points(
    boxes: Boxes, size: tuple[int, int], bins: int, stride: int = 1
) -> tuple[Floats, Floats, Inside, Inside]:
    """Say where the rows and columns of a map of some stride lie in masks over boxes (..., 4).

    Returns
    -------
    down, across : (..., H / stride) and (..., W / stride) float32
        Coordinates in the mask, inside it.
    rows, columns : (..., H / stride) and (..., W / stride) bool
        Whether the centre of the row or column lies in the box.
    """
    found = []
    for axis in (1, 0):
        centres = (np.arange(size[1 - axis] // stride, dtype=np.float32) + np.float32(0.5)) * np.float32(stride)
        low, high = boxes[..., axis : axis + 1], boxes[..., axis + 2 : axis + 3]
        place = (centres - low) / np.maximum(high - low, np.float32(1e-3)) * bins - np.float32(0.5)
        found.append((np.clip(place, 0, bins - 1).astype(np.float32), (centres >= low) & (centres < high)))
    (down, rows), (across, columns) = found
    return down, across, rows, columns
