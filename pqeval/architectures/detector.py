"""The parts of Mask R-CNN (He et al., ICCV 2017) that Panoptic FPN and UPSNet share.

A region proposal network looks at every position of the pyramid and says, for three boxes of different shape
there, whether one of them holds some object, and how to correct it. The best boxes are the *proposals*. From each,
RoIAlign cuts a square of features out of the pyramid. The box head reads the class from the square and corrects
the box once more. The mask head draws, for each class, the mask of the object inside the box.

==================  =====================================  =======================================
step                shape for a 96 by 128 image            in the paper
==================  =====================================  =======================================
objectness, deltas  3 and 12 at 24 x 32, 12 x 16, 6 x 8    the same at strides 4 to 64
proposals           40 boxes                               1000
box head            N x 28 x 7 x 7, two layers of 64       N x 256 x 7 x 7, two layers of 1024
its outputs         5 classes (none is last), 4 x 4        81 classes, 80 x 4
mask head           N x 24 x 14 x 14, then 4 x 28 x 28     N x 256 x 14 x 14, then 80 x 28 x 28
==================  =====================================  =======================================

The selections (best proposals, suppression, thresholds) are made on plain numpy arrays, in training too: nothing
is learnt through them. Boxes are numpy arrays everywhere, (N, 4), or (B, N, 4) in training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pqeval.architectures import _boxes
from pqeval.architectures._boxes import Boxes
from pqeval.architectures.parts import size_of

__all__ = ["align", "anchors_of", "box_head", "detect", "instances", "mask_head", "propose", "rpn"]

CATEGORIES = (1, 2, 3, 4)
"""Of the things, in the order of the channels."""
THINGS = len(CATEGORIES)
STRIDES = (2, 4, 8, 16)
# Of the pyramid, for anchors. The finest level would have three quarters of all anchors and no object for them.
RPN_LEVELS = (1, 2, 3)
SIDES = (11.0, 19.0, 33.0)
"""Roots of the areas of anchors. Objects measure about 10 to 45 pixels; so few are farther than 1.4 times."""
RATIOS = (0.5, 1.0, 2.0)

REGION_LEVELS = (0, 1, 2)
FINE = 28.0
"""Boxes up to this wide (root of the area) take their features from stride 2, then each doubling one level up. A
rule like the paper's, one level coarser: a box has 7 to 14 positions across its features there."""

RPN_WIDTH, BOX_WIDTH, HIDDEN, MASK_WIDTH, FINE_MASK_WIDTH = 28, 24, 64, 24, 12
BOX_BINS, MASK_BINS = 7, 14

RPN_WEIGHTS = (1.0, 1.0, 1.0, 1.0)
BOX_WEIGHTS = (10.0, 10.0, 5.0, 5.0)
"""What coded boxes are multiplied with, see :func:`pqeval.architectures._boxes.encode`."""

PLAIN = {"norm": False, "relu": False}
THRESHOLDS = ("detection_score", "box_overlap", "agnostic", "detections")
"""What :func:`detect` can be told; other settings are those of a fusion rule."""


def anchors_of(size: tuple[int, int]) -> Boxes:
    """Return the anchors (A, 4) of an image of some height and width, in the order of :func:`rpn`."""
    return _boxes.anchors(size, [STRIDES[at] for at in RPN_LEVELS], SIDES, RATIOS)


def rpn(ops: Any, params: Any, levels: Sequence[Any]) -> tuple[Any, Any]:
    """Score and correct all anchors, with one small network for all levels.

    Parameters
    ----------
    ops, params
        Operations and layers.
    levels : sequence of (..., C, h, w)
        The pyramid at strides 2, 4, 8 and 16.

    Returns
    -------
    objectness : (..., A)
        Logits.
    deltas : (..., 4, A)
        Coded corrections.
    """
    shapes = len(RATIOS)
    objectness, deltas = [], []
    # Of all levels at once: what they share is normalised together.
    for hidden in params.shared("rpn", [levels[at] for at in RPN_LEVELS], RPN_WIDTH):
        stack = tuple(hidden.shape[:-3])
        objectness.append(params.conv("rpn.objectness", hidden, shapes, 1, **PLAIN).reshape(*stack, -1))
        deltas.append(params.conv("rpn.deltas", hidden, 4 * shapes, 1, **PLAIN).reshape(*stack, 4, -1))
    return ops.concat(objectness, -1), ops.concat(deltas, -1)


def propose(
    objectness: NDArray[np.float32],
    deltas: NDArray[np.float32],
    size: tuple[int, int],
    *,
    before: int = 80,
    after: int = 40,
    overlap: float = 0.7,
) -> Boxes:
    """Choose the boxes most likely to hold objects, of one image.

    Parameters
    ----------
    objectness, deltas : (A,) and (4, A) float32
        From :func:`rpn`.
    size : tuple of int
        Height and width of the image.
    before, after : int
        How many boxes of each level take part in the suppression, and how many proposals are made at most.
    overlap : float
        Of the suppression.

    Returns
    -------
    (N, 4) float32
        Proposals, best first, inside the image and at least one pixel wide and high.
    """
    chosen, first = [], 0
    for at in RPN_LEVELS:
        count = len(RATIOS) * (size[0] // STRIDES[at]) * (size[1] // STRIDES[at])
        order = np.argsort(-objectness[first : first + count], kind="stable")[:before]
        chosen.append(first + order)
        first += count
    best = np.concatenate(chosen)
    boxes = _boxes.clip(_boxes.decode(deltas[:, best].T, anchors_of(size)[best], RPN_WEIGHTS), size)
    large = ((boxes[:, 2:] - boxes[:, :2]) >= 1).all(1)
    boxes, scores = boxes[large], objectness[best][large]
    return boxes[_boxes.suppress(boxes, scores, overlap)[:after]]


def align(ops: Any, levels: Sequence[Any], boxes: Boxes, bins: int, samples: int) -> Any:
    """Cut the features of boxes (..., N, 4) out of the pyramid: RoIAlign, to (..., N, C, bins, bins).

    Every box is divided into `bins` by `bins`, each the mean of `samples` by `samples` points that lie evenly in
    it. A point is read between pixels, exactly where it is: its coordinate in the map is that in the image divided
    by the stride, minus one half, because the centre of the first pixel is at (0.5, 0.5) of the image and (0, 0)
    of the map. Older detectors left the half out.
    """
    used = [levels[at] for at in REGION_LEVELS]
    sides = np.maximum(boxes[..., 2:] - boxes[..., :2], np.float32(1e-3))
    level = np.clip(np.floor(np.log2(np.sqrt(sides.prod(-1)) / FINE)).astype(np.intp) + 1, 0, len(used) - 1)
    stride = np.array([STRIDES[at] for at in REGION_LEVELS], np.float32)[level][..., None]
    steps = (np.arange(bins * samples, dtype=np.float32) + np.float32(0.5)) / np.float32(bins * samples)
    heights, widths = np.array([size_of(at) for at in used], np.float32).T
    x = (boxes[..., 0:1] + steps * sides[..., 0:1]) / stride - np.float32(0.5)
    y = (boxes[..., 1:2] + steps * sides[..., 1:2]) / stride - np.float32(0.5)
    # All levels lie under one another in one map, a row of zeros between them, and are read at once.
    x = np.clip(x, -1, widths[level][..., None])
    y = np.clip(y, -1, heights[level][..., None])
    y += np.concatenate([[0], np.cumsum(heights + 1)[:-1]]).astype(np.float32)[level][..., None]
    points = [
        np.broadcast_to(at, (*boxes.shape[:-1], steps.size, steps.size)) for at in (y[..., None], x[..., None, :])
    ]
    found = ops.sample(_stacked(ops, used), *(ops.constant(np.ascontiguousarray(at)) for at in points))
    stack, (deep, count) = tuple(used[0].shape[:-3]), (int(used[0].shape[-3]), int(boxes.shape[-2]))
    squares = found.reshape(*stack, deep, count, bins, samples, bins, samples).mean(-1).mean(-2)
    return squares.swapaxes(-4, -3)


def _stacked(ops: Any, levels: Sequence[Any]) -> Any:
    width = max(int(level.shape[-1]) for level in levels)
    rows = []
    for level in levels:
        stack, high = tuple(level.shape[:-2]), int(level.shape[-2])
        missing = width - int(level.shape[-1])
        if missing:
            level = ops.concat([level, ops.constant(np.zeros((*stack, high, missing), np.float32))], -1)
        rows += [level, ops.constant(np.zeros((*stack, 1, width), np.float32))]
    return ops.concat(rows, -2)


def box_head(ops: Any, params: Any, levels: Sequence[Any], boxes: Boxes) -> tuple[Any, Any]:
    """Classify and correct boxes (..., N, 4).

    Returns
    -------
    classes : (..., N, 5)
        Logits; the last is that of no object.
    deltas : (..., N, 4, 4)
        Coded corrections for each class.
    """
    squares = params.conv("box.conv", align(ops, levels, boxes, BOX_BINS, 2), BOX_WIDTH)
    rows = squares.reshape(*squares.shape[:-3], BOX_WIDTH * BOX_BINS * BOX_BINS)
    rows = params.linear("box.hidden1", params.linear("box.hidden0", rows, HIDDEN), HIDDEN)
    classes = params.linear("box.classes", rows, THINGS + 1, relu=False)
    deltas = params.linear("box.deltas", rows, 4 * THINGS, relu=False)
    return classes, deltas.reshape(*deltas.shape[:-1], THINGS, 4)


def mask_head(ops: Any, params: Any, levels: Sequence[Any], boxes: Boxes) -> Any:
    """Draw the objects in boxes (..., N, 4), one mask for each class: logits (..., N, 4, 28, 28)."""
    squares = align(ops, levels, boxes, MASK_BINS, 1)
    for step in range(2):
        squares = params.conv(f"mask.conv{step}", squares, MASK_WIDTH)
    larger = ops.depth_to_space(params.conv("mask.up", squares, 4 * FINE_MASK_WIDTH, 1, norm=False))
    return params.conv("mask.logits", larger, THINGS, 1, **PLAIN)


def detect(
    classes: NDArray[np.float32],
    deltas: NDArray[np.float32],
    proposals: Boxes,
    size: tuple[int, int],
    *,
    detection_score: float = 0.05,
    box_overlap: float = 0.5,
    agnostic: bool = False,
    detections: int = 20,
) -> tuple[Boxes, NDArray[np.float32], NDArray[np.intp]]:
    """Turn the outputs of the box head into detections, of one image.

    Parameters
    ----------
    classes, deltas : (N, 5) and (N, 4, 4) float32
        From :func:`box_head`.
    proposals : (N, 4) float32
        The boxes it was asked about.
    size : tuple of int
        Height and width of the image.
    detection_score : float
        Detections are better than this.
    box_overlap : float
        Of the suppression.
    agnostic : bool
        Whether objects of different classes suppress each other.
    detections : int
        How many at most.

    Returns
    -------
    boxes, scores, kinds : (K, 4) float32, (K,) float32, (K,) int
        Best first. Kinds count from 0.
    """
    likely = np.exp(classes - classes.max(-1, keepdims=True))
    likely /= likely.sum(-1, keepdims=True)
    at, kinds = np.nonzero(likely[:, :THINGS] > detection_score)
    boxes = _boxes.clip(_boxes.decode(deltas[at, kinds], proposals[at], BOX_WEIGHTS), size)
    scores = likely[at, kinds]
    large = ((boxes[:, 2:] - boxes[:, :2]) >= 1).all(1)
    boxes, scores, kinds = boxes[large], scores[large], kinds[large]
    kept = _boxes.suppress(boxes, scores, box_overlap, None if agnostic else kinds)[:detections]
    return boxes[kept], scores[kept], kinds[kept]


def instances(
    ops: Any, params: Any, levels: Sequence[Any], size: tuple[int, int], **thresholds: Any
) -> dict[str, NDArray[Any]]:
    """Run the whole detector on the pyramid of one image.

    Parameters
    ----------
    ops, params
        Operations and layers of numpy.
    levels : sequence of (C, h, w)
        The pyramid.
    size : tuple of int
        Height and width of the image.
    **thresholds
        Of :func:`detect`.

    Returns
    -------
    dict
        ``boxes`` (K, 4), ``scores`` (K,), ``categories`` (K,) and ``masks`` (K, 28, 28), logits.
    """
    proposals = propose(*rpn(ops, params, levels), size)
    boxes, scores, kinds = detect(*box_head(ops, params, levels, proposals), proposals, size, **thresholds)
    masks = mask_head(ops, params, levels, boxes)[np.arange(len(kinds)), kinds]
    return {"boxes": boxes, "scores": scores, "categories": np.array(CATEGORIES, np.intp)[kinds], "masks": masks}


def part_settings(settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part settings into those of :func:`detect` and those of a fusion rule."""
    mine = {name: value for name, value in settings.items() if name in THRESHOLDS}
    return mine, {name: value for name, value in settings.items() if name not in THRESHOLDS}
