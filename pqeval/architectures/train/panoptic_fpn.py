"""How Panoptic FPN learns: the losses of Mask R-CNN, and the cross-entropy of stuff and *other* at every pixel.

The two tasks compete for the features they share: the weight of the semantic loss decides who wins.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.random import RandomState
from numpy.typing import NDArray
from torch import Tensor

from pqeval.architectures import panoptic_fpn
from pqeval.architectures.scenes import STUFF
from pqeval.architectures.train import _detection, ops
from pqeval.architectures.train.examples import VOID, Example
from pqeval.architectures.train.losses import semantic_loss

__all__ = ["BATCH", "RATE", "STEPS", "losses", "targets"]

STEPS, BATCH, RATE = 1600, 16, 3e-3

INSTANCE_WEIGHT, SEMANTIC_WEIGHT = 1.0, 1.0
"""1 and 0.5 on COCO, 1 and 1 on Cityscapes in the paper."""


class Target(NamedTuple):
    """What the outputs should be, for one scene: its objects, and the semantic channel (H, W) of each pixel."""

    objects: _detection.Objects
    semantic: NDArray[np.uint8]


def targets(example: Example) -> Target:
    """Work out the targets of one scene; crowds are *other*, like all things."""
    semantic = example.semantic()
    semantic[(semantic >= len(STUFF)) & (semantic != VOID)] = len(STUFF)
    return Target(_detection.objects_of(example), semantic)


def losses(params: Any, images: Tensor, batch: list[Target]) -> dict[str, Tensor]:
    """Return the weighted losses of a batch of images (B, 3, H, W)."""
    random = RandomState(int(torch.randint(2**31, ())))
    levels = panoptic_fpn.features(ops, params, images)
    height, width = images.shape[-2:]
    parts, _ = _detection.learn(params, levels, [target.objects for target in batch], random)
    weighted = {name: INSTANCE_WEIGHT * loss for name, loss in parts.items()}
    logits = panoptic_fpn.semantic(ops, params, levels, (height, width))
    semantic = torch.from_numpy(np.stack([target.semantic for target in batch]))
    weighted["semantic"] = SEMANTIC_WEIGHT * semantic_loss(logits, semantic)
    return weighted
