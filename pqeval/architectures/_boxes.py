"""Boxes of detectors, plain numpy: anchors, how boxes are coded as regression targets, overlap, suppression.

A box is (left, top, right, bottom) in pixels of the image, along the borders between pixels: a mask that covers
the first pixel alone has the box (0, 0, 1, 1), and there is no "+ 1" in its width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["anchors", "box_of", "clip", "decode", "encode", "iou", "suppress"]

Boxes = NDArray[np.float32]

LARGEST_STRETCH = math.log(1000 / 16)
"""A box grows no more than this (logarithm) over its anchor, so that one wild number does not overflow."""


def anchors(
    size: tuple[int, int], strides: Sequence[int], sides: Sequence[float], ratios: Sequence[float]
) -> Boxes:
    """Lay boxes over an image: at every position of every level, one size and several shapes.

    Parameters
    ----------
    size : tuple of int
        Height and width of the image, multiples of all strides.
    strides : sequence of int
        Of the levels.
    sides : sequence of float
        For each level, the root of the area of its anchors in pixels.
    ratios : sequence of float
        Height over width.

    Returns
    -------
    (N, 4) float32
        Level by level; within one shape by shape, then row by row.
    """
    found = []
    for stride, side in zip(strides, sides, strict=True):
        height, width = size[0] // stride, size[1] // stride
        y, x = np.meshgrid((np.arange(height) + 0.5) * stride, (np.arange(width) + 0.5) * stride, indexing="ij")
        for ratio in ratios:
            half_height, half_width = side * math.sqrt(ratio) / 2, side / math.sqrt(ratio) / 2
            box = np.stack([x - half_width, y - half_height, x + half_width, y + half_height], -1)
            found.append(box.reshape(-1, 4))
    return np.concatenate(found).astype(np.float32)


def _centres(boxes: Boxes) -> tuple[Boxes, Boxes]:
    sides = boxes[..., 2:] - boxes[..., :2]
    return boxes[..., :2] + sides * np.float32(0.5), sides


def encode(boxes: Boxes, references: Boxes, weights: Sequence[float]) -> Boxes:
    """Say how to turn references into boxes, both (..., 4): the shift of the centre, the logarithm of the growth.

    The shift is in widths and heights of the reference. The four numbers are multiplied by `weights`, which brings
    them to a variance of about one.
    """
    centre, sides = _centres(boxes)
    old_centre, old_sides = _centres(references)
    coded = np.concatenate([(centre - old_centre) / old_sides, np.log(sides / old_sides)], -1)
    return np.asarray(coded * np.asarray(weights, np.float32), np.float32)


def decode(coded: Boxes, references: Boxes, weights: Sequence[float]) -> Boxes:
    """Turn references into boxes: the inverse of :func:`encode`."""
    centre, sides = _centres(references)
    plain: Boxes = np.asarray(coded / np.asarray(weights, np.float32), np.float32)
    centre = centre + plain[..., :2] * sides
    growth: Boxes = np.exp(np.minimum(plain[..., 2:], np.float32(LARGEST_STRETCH)))
    half = sides * growth * np.float32(0.5)
    return np.concatenate([centre - half, centre + half], -1)


def clip(boxes: Boxes, size: tuple[int, int]) -> Boxes:
    """Cut (..., 4) boxes off at the borders of an image of some height and width."""
    height, width = size
    return np.clip(boxes, np.float32(0), np.array([width, height, width, height], np.float32))


def iou(first: Boxes, second: Boxes) -> Boxes:
    """Return the intersection over union, (N, M), of boxes (N, 4) and (M, 4); 0 where both are empty."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.maximum(high - low, 0).prod(-1)
    areas = [np.maximum(boxes[:, 2:] - boxes[:, :2], 0).prod(-1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None, :] - shared
    return np.asarray(shared / np.maximum(union, np.float32(1e-9)), np.float32)


def suppress(
    boxes: Boxes, scores: NDArray[np.float32], threshold: float, classes: NDArray[np.intp] | None = None
) -> NDArray[np.intp]:
    """Choose the boxes that no better box overlaps (greedy non-maximum suppression).

    Parameters
    ----------
    boxes : (N, 4) float32
        Boxes.
    scores : (N,) float32
        Of equal ones the first is better.
    threshold : float
        Overlap of exactly this is allowed.
    classes : (N,) int, optional
        Boxes of different classes do not suppress each other.

    Returns
    -------
    (K,) int
        Chosen boxes, best first.
    """
    order = np.argsort(-scores, kind="stable")
    clash = iou(boxes[order], boxes[order]) > threshold
    if classes is not None:
        clash &= classes[order][:, None] == classes[order][None, :]
    alive = np.ones(len(order), np.bool_)
    for at in range(len(order)):
        if alive[at]:
            alive[at + 1 :] &= ~clash[at, at + 1 :]
    return order[alive]


def box_of(mask: NDArray[np.bool_]) -> Boxes:
    """Return the box (4,) around the true pixels of (H, W), of which there is at least one."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)
