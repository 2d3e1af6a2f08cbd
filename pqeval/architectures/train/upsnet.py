"""How UPSNet learns: the losses of Mask R-CNN, the semantic cross-entropy, and that of the panoptic logits.

The panoptic logits are made from the true boxes and classes. Of the objects, 30 % are left out at random: their
pixels are to become *unknown*, which teaches the network to say so where the detector found nothing.
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

from pqeval.architectures import detector, upsnet
from pqeval.architectures._pasting import paste_points
from pqeval.architectures.scenes import STUFF
from pqeval.architectures.train import _detection, ops
from pqeval.architectures.train.examples import VOID, Example
from pqeval.architectures.train.losses import semantic_loss

__all__ = ["BATCH", "RATE", "STEPS", "losses", "targets"]

STEPS, BATCH, RATE = 1500, 16, 3e-3

DETECTOR_WEIGHT, SEMANTIC_WEIGHT, PANOPTIC_WEIGHT = 1.0, 1.0, 0.5
"""As on Cityscapes in the paper."""
KEPT = 0.7
STRIDE = 2
"""Of the panoptic logits in training; 4 in the paper, whose images are ten times as wide."""
NEVER = -1e4
"""Logit of a channel that an image does not have."""


class Target(NamedTuple):
    """What the outputs should be, for one scene: its objects, and the semantic channel (H, W) of each pixel."""

    objects: _detection.Objects
    semantic: NDArray[np.uint8]


class Kept(NamedTuple):
    """The objects that the panoptic logits are made from, filled up to the same number for all images.

    Attributes
    ----------
    boxes : (B, K, 4) float32
        True boxes.
    kinds : (B, K) int
        Classes, 0 to 3.
    real : (B, K) bool
        False where filled up.
    target : (B, H, W) int64
        Channel of each pixel: stuff, then the kept objects, then unknown; 255 has none.
    """

    boxes: NDArray[np.float32]
    kinds: NDArray[np.int64]
    real: NDArray[np.bool_]
    target: NDArray[np.int64]


def targets(example: Example) -> Target:
    """Work out the targets of one scene."""
    return Target(_detection.objects_of(example), example.semantic())


def keep(batch: Sequence[Target], random: RandomState) -> Kept:
    """Leave objects out at random, but not all of an image."""
    chosen = []
    for target in batch:
        count = len(target.objects.kinds)
        chosen.append(random.permutation(count)[: max(1, round(KEPT * count))])
    most = max(1, max(len(rows) for rows in chosen))
    boxes = np.zeros((len(batch), most, 4), np.float32)
    boxes[..., 2:] = detector.FINE
    kinds = np.zeros((len(batch), most), np.int64)
    real = np.zeros((len(batch), most), np.bool_)
    goal = np.stack([target.semantic for target in batch]).astype(np.int64)
    for at, (rows, target) in enumerate(zip(chosen, batch, strict=True)):
        objects = target.objects
        count = len(rows)
        boxes[at, :count], kinds[at, :count], real[at, :count] = objects.boxes[rows], objects.kinds[rows], True
        # Without any instance there is no unknown channel either.
        goal[at][(goal[at] >= len(STUFF)) & (goal[at] != VOID)] = len(STUFF) + most if count else VOID
        for channel, row in enumerate(rows, start=len(STUFF)):
            goal[at][objects.masks[row]] = channel
    return Kept(boxes, kinds, real, goal)


def panoptic_logits(semantic: Tensor, masks: Tensor, kept: Kept, size: tuple[int, int]) -> Tensor:
    """Return the panoptic logits (B, 3 + K + 1, H / 2, W / 2): stuff, kept objects, unknown.

    Parameters
    ----------
    semantic : (B, 7, H / 2, W / 2)
        Semantic logits.
    masks : (B, K, 28, 28)
        Mask logits of the kept objects over their boxes.
    kept : Kept
        The objects.
    size : tuple of int
        Height and width of the image.
    """
    down, across, rows, columns = paste_points(kept.boxes, size, masks.shape[-1], STRIDE)
    batch, most, height = down.shape
    width = across.shape[-1]
    y, x = np.broadcast_arrays(down[..., :, None], across[..., None, :])
    points = [torch.from_numpy(at.reshape(batch * most, height, width)) for at in (y, x)]
    drawn = ops.sample(masks.reshape(batch * most, 1, *masks.shape[-2:]), *points).reshape(
        batch, most, height, width
    )
    inside = torch.from_numpy((rows[..., :, None] & columns[..., None, :]).astype(np.float32))
    real = torch.from_numpy(kept.real)[..., None, None]
    stuff = len(STUFF)
    of_class = semantic[torch.arange(batch)[:, None], torch.from_numpy(kept.kinds) + stuff] * inside
    instances = (of_class + drawn * inside).masked_fill(~real, NEVER)
    explained = of_class.masked_fill(~real, NEVER).amax(1, keepdim=True)
    unknown = semantic[:, stuff:].amax(1, keepdim=True) - explained
    unknown = unknown.masked_fill(~real.any(1, keepdim=True), NEVER)
    return torch.cat([semantic[:, :stuff], instances, unknown], 1)


def losses(params: Any, images: Tensor, batch: list[Target]) -> dict[str, Tensor]:
    """Return the weighted losses of a batch of images (B, 3, H, W)."""
    random = RandomState(int(torch.randint(2**31, ())))
    height, width = images.shape[-2:]
    levels = upsnet.features(ops, params, images)
    kept = keep(batch, random)
    parts, masks = _detection.learn(params, levels, [target.objects for target in batch], random, kept.boxes)
    assert masks is not None
    weighted = {name: DETECTOR_WEIGHT * loss for name, loss in parts.items()}
    logits = upsnet.semantic(ops, params, levels)
    semantic = torch.from_numpy(np.stack([target.semantic for target in batch]))
    weighted["semantic"] = SEMANTIC_WEIGHT * semantic_loss(ops.resize(logits, (height, width)), semantic)
    own = masks[
        torch.arange(len(batch))[:, None], torch.arange(masks.shape[1])[None], torch.from_numpy(kept.kinds)
    ]
    panoptic = panoptic_logits(logits, own, kept, (height, width))
    # Any of the four pixels of a position: always the same one would shift the borders.
    row, column = random.randint(STRIDE, size=2)
    goal = torch.from_numpy(np.ascontiguousarray(kept.target[:, row::STRIDE, column::STRIDE]))
    loss = F.cross_entropy(panoptic, goal, ignore_index=VOID, reduction="sum") / goal.numel()
    weighted["panoptic"] = PANOPTIC_WEIGHT * loss
    return weighted
