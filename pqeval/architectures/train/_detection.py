"""How the detector of Panoptic FPN and UPSNet learns: which anchors and boxes mean which object, and the losses.

Boxes are compared and drawn by lot in numpy, without gradients; the losses run on all images of a batch at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.random import RandomState
from numpy.typing import NDArray
from torch import Tensor

from pqeval.architectures import _boxes, detector
from pqeval.architectures._boxes import Boxes
from pqeval.architectures.train import ops
from pqeval.architectures.train.examples import VOID, Example

__all__ = ["Objects", "Regions", "choose_regions", "draw_lots", "learn", "match", "objects_of"]

NOTHING = detector.THINGS
"""Class of a box without an object."""
IGNORED = -1
POSITIVE, NEGATIVE = 0.6, 0.3
"""Overlap from which an anchor means an object, and below which it means none; 0.7 and 0.3 in the paper."""
ANCHORS = 64
"""Anchors of an image that count, at most half of them with an object; 256 in the paper."""
REGIONS, POSITIVES = 32, 16
"""Boxes of an image that count, and how many of them at most have an object; 512 and 128 in the paper."""
MASKS = 12
"""Of the boxes with an object, those that learn a mask; all in the paper."""
PROPOSALS = {"before": 60, "after": 50}


class Objects(NamedTuple):
    """The objects of one scene.

    Attributes
    ----------
    boxes : (G, 4) float32
        Around their visible pixels.
    kinds : (G,) int
        Class, 0 to 3.
    masks : (G, H, W) bool
        Visible pixels.
    unclear : (H, W) bool
        Crowds and void: nothing is learnt there.
    anchors : (A,) int8
        1 means an object, 0 none, -1 does not count.
    owners : (A,) int
        The object of each anchor.
    """

    boxes: Boxes
    kinds: NDArray[np.int64]
    masks: NDArray[np.bool_]
    unclear: NDArray[np.bool_]
    anchors: NDArray[np.int8]
    owners: NDArray[np.int64]


class Regions(NamedTuple):
    """Boxes that the heads learn on; those with an object stand first.

    Attributes
    ----------
    boxes : (B, N, 4) float32
        Boxes; filled up with doubles that do not count.
    kinds : (B, N) int
        Class, 4 for no object, -1 where the box does not count.
    owners : (B, N) int
        The object in the box.
    """

    boxes: Boxes
    kinds: NDArray[np.int64]
    owners: NDArray[np.int64]


def objects_of(example: Example) -> Objects:
    """Collect the objects of a scene, and what its anchors mean."""
    things = example.things()
    unclear = example.semantic() == VOID
    for _, mask in example.things(crowds=True):
        unclear |= mask
    masks = np.array([mask for _, mask in things], np.bool_).reshape(-1, *unclear.shape)
    boxes = np.array([_boxes.box_of(mask) for mask in masks], np.float32).reshape(-1, 4)
    kinds = np.array([detector.CATEGORIES.index(category) for category, _ in things], np.int64)
    height, width = unclear.shape
    return Objects(boxes, kinds, masks, unclear, *match(detector.anchors_of((height, width)), boxes, unclear))


def share_inside(boxes: Boxes, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the share of each box's pixels (N, 4) that a mask covers; of the part inside the image."""
    height, width = mask.shape
    sums = np.zeros((height + 1, width + 1), np.int64)
    sums[1:, 1:] = mask.cumsum(0).cumsum(1)
    left, top, right, bottom = np.rint(_boxes.clip(boxes, (height, width))).astype(np.intp).T
    covered = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    return np.asarray(covered / np.maximum((right - left) * (bottom - top), 1))


def match(anchors: Boxes, boxes: Boxes, unclear: NDArray[np.bool_]) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """Say what anchors (A, 4) mean: 1 an object, 0 none, -1 neither; and the object of each.

    The best anchors of every object mean it, however small the overlap. An anchor without an object does not count
    where more than half of it is unclear.
    """
    if not len(boxes):
        labels, owners = np.zeros(len(anchors), np.int8), np.zeros(len(anchors), np.int64)
    else:
        overlap = _boxes.iou(anchors, boxes)
        owners = overlap.argmax(1)
        best = overlap.max(1)
        labels = np.where(best >= POSITIVE, 1, np.where(best < NEGATIVE, 0, IGNORED)).astype(np.int8)
        rows, columns = np.nonzero((overlap == overlap.max(0)) & (overlap > 0))
        labels[rows], owners[rows] = 1, columns
    labels[(labels == 0) & (share_inside(anchors, unclear) > 0.5)] = IGNORED
    return labels, owners


def draw_lots(labels: NDArray[np.int8], most: int, positives: int, random: RandomState) -> NDArray[np.bool_]:
    """Choose `most` of the labels (A,) at random, at most `positives` of those that are 1, the rest of 0."""
    chosen = np.zeros(len(labels), np.bool_)
    for label, count in ((1, positives), (0, most)):
        found = np.flatnonzero(labels == label)
        count = min(len(found), count, most - int(chosen.sum()))
        chosen[random.permutation(found)[:count]] = True
    return chosen


def choose_regions(
    objectness: NDArray[np.float32], deltas: NDArray[np.float32], batch: Sequence[Objects], random: RandomState
) -> Regions:
    """Make proposals from the outputs (B, A) and (B, 4, A) for a batch, and draw those that count.

    The objects' own boxes are among the proposals, so that there is something to learn from the first step on.
    """
    chosen_boxes, chosen_kinds, chosen_owners = [], [], []
    for scores, coded, objects in zip(objectness, deltas, batch, strict=True):
        height, width = objects.unclear.shape
        proposals = detector.propose(scores, coded, (height, width), **PROPOSALS)
        boxes = np.concatenate([objects.boxes, proposals])
        labels, owners = np.zeros(len(boxes), np.int8), np.zeros(len(boxes), np.int64)
        if len(objects.boxes):
            overlap = _boxes.iou(boxes, objects.boxes)
            owners = overlap.argmax(1)
            labels = (overlap.max(1) >= 0.5).astype(np.int8)
        labels[(labels == 0) & (share_inside(boxes, objects.unclear) > 0.5)] = IGNORED
        rows = np.flatnonzero(draw_lots(labels, REGIONS, POSITIVES, random))
        rows = random.permutation(rows) if rows.size else np.zeros(1, np.intp)
        rows = rows[np.argsort(-labels[rows], kind="stable")]
        kinds = np.where(labels > 0, objects.kinds[owners] if len(objects.kinds) else NOTHING, NOTHING)
        kinds[labels == IGNORED] = IGNORED
        filled = np.resize(rows, REGIONS)
        chosen_boxes.append(boxes[filled])
        chosen_kinds.append(np.where(np.arange(REGIONS) < len(rows), kinds[filled], IGNORED))
        chosen_owners.append(owners[filled])
    return Regions(np.stack(chosen_boxes), np.stack(chosen_kinds), np.stack(chosen_owners))


def _rpn_loss(
    objectness: Tensor, deltas: Tensor, batch: Sequence[Objects], size: tuple[int, int], random: RandomState
) -> tuple[Tensor, Tensor]:
    anchors = detector.anchors_of(size)
    labels = np.stack([objects.anchors for objects in batch])
    chosen = np.stack([draw_lots(row, ANCHORS, ANCHORS // 2, random) for row in labels])
    target = torch.from_numpy((labels > 0)[chosen].astype(np.float32))
    objects_loss = F.binary_cross_entropy_with_logits(objectness[torch.from_numpy(chosen)], target)
    positive = chosen & (labels > 0)
    coded = [
        _boxes.encode(objects.boxes[objects.owners[row]], anchors[row], detector.RPN_WEIGHTS)
        for objects, row in zip(batch, positive, strict=True)
        if row.any()
    ]
    if not coded:
        return objects_loss, deltas.sum() * 0
    far = (deltas.movedim(1, -1)[torch.from_numpy(positive)] - torch.from_numpy(np.concatenate(coded))).abs()
    # By the anchors with an object, not by all that count as in the paper: objects are few and small here.
    return objects_loss, far.sum() / int(positive.sum())


def _box_loss(
    classes: Tensor, deltas: Tensor, regions: Regions, batch: Sequence[Objects]
) -> tuple[Tensor, Tensor]:
    kinds = torch.from_numpy(regions.kinds)
    count = max(1, int((kinds >= 0).sum()))
    class_loss = (
        F.cross_entropy(classes.flatten(0, 1), kinds.flatten(), ignore_index=IGNORED, reduction="sum") / count
    )
    image, region = np.nonzero((regions.kinds >= 0) & (regions.kinds < NOTHING))
    if not image.size:
        return class_loss, deltas.sum() * 0
    true = np.stack([batch[int(i)].boxes[j] for i, j in zip(image, regions.owners[image, region], strict=True)])
    coded = _boxes.encode(true, regions.boxes[image, region], detector.BOX_WEIGHTS)
    far = (deltas[image, region, regions.kinds[image, region]] - torch.from_numpy(coded)).abs()
    return class_loss, far.sum() / count


def _mask_loss(masks: Tensor, regions: Regions, batch: Sequence[Objects]) -> Tensor:
    """Cross-entropy of the mask of the true class, over the clear pixels of the boxes with an object."""
    bins = masks.shape[-1]
    image, region = np.nonzero((regions.kinds >= 0) & (regions.kinds < NOTHING))
    if not image.size:
        return masks.sum() * 0
    steps = (np.arange(bins) + 0.5) / bins
    boxes, owners = regions.boxes[image, region], regions.owners[image, region]
    height, width = batch[0].unclear.shape
    # A box ends at the border at most, and its outermost points lie within.
    x = np.minimum(boxes[:, 0:1] + steps * (boxes[:, 2:3] - boxes[:, 0:1]), width - 1).astype(np.intp)
    y = np.minimum(boxes[:, 1:2] + steps * (boxes[:, 3:4] - boxes[:, 1:2]), height - 1).astype(np.intp)
    target, clear = [], []
    for at, owner, rows, columns in zip(image, owners, y, x, strict=True):
        window = np.ix_(rows, columns)
        target.append(batch[int(at)].masks[owner][window])
        clear.append(~batch[int(at)].unclear[window])
    loss = F.binary_cross_entropy_with_logits(
        masks[image, region, regions.kinds[image, region]],
        torch.from_numpy(np.stack(target).astype(np.float32)),
        reduction="none",
    )
    counts = torch.from_numpy(np.stack(clear).astype(np.float32))
    return (loss * counts).sum() / counts.sum().clamp(min=1)


def _to_draw(regions: Regions) -> Regions:
    """Take the boxes that learn a mask: those with an object, again and again where they are few.

    Doubles do not count. But the statistics of a batch should be those of boxes with objects, since no others are
    drawn afterwards.
    """
    wanted = np.arange(MASKS)
    counts = ((regions.kinds >= 0) & (regions.kinds < NOTHING)).sum(1)
    at = wanted % np.clip(counts, 1, MASKS)[:, None]
    boxes = np.take_along_axis(regions.boxes, at[:, :, None], 1)
    kinds, owners = (np.take_along_axis(part, at, 1) for part in (regions.kinds, regions.owners))
    return Regions(boxes, np.where(wanted < counts[:, None], kinds, IGNORED), owners)


def learn(
    params: Any,
    levels: Sequence[Tensor],
    batch: Sequence[Objects],
    random: RandomState,
    also: Boxes | None = None,
) -> tuple[dict[str, Tensor], Tensor | None]:
    """Return the five losses of the detector, unweighted.

    Parameters
    ----------
    params : TrainableParameters
        Layers.
    levels : sequence of (B, C, h, w)
        The pyramid.
    batch : sequence of Objects
        The truth of each image.
    random : RandomState
        Of the lots.
    also : (B, K, 4) float32, optional
        Further boxes to draw masks for.

    Returns
    -------
    losses : dict of str to Tensor
        ``objectness``, ``proposals``, ``class``, ``box`` and ``mask``.
    masks : (B, K, 4, 28, 28)
        Logits over the further boxes.
    """
    height, width = batch[0].unclear.shape
    objectness, deltas = detector.rpn(ops, params, levels)
    regions = choose_regions(objectness.detach().numpy(), deltas.detach().numpy(), batch, random)
    classes, corrections = detector.box_head(ops, params, levels, regions.boxes)
    drawn = _to_draw(regions)
    boxes = drawn.boxes if also is None else np.concatenate([drawn.boxes, also], 1)
    masks = detector.mask_head(ops, params, levels, boxes)
    parts = (
        *_rpn_loss(objectness, deltas, batch, (height, width), random),
        *_box_loss(classes, corrections, regions, batch),
        _mask_loss(masks[:, :MASKS], drawn, batch),
    )
    losses = dict(zip(("objectness", "proposals", "class", "box", "mask"), parts, strict=True))
    return losses, None if also is None else masks[:, MASKS:]
