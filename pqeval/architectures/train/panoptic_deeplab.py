"""How Panoptic-DeepLab learns: hard pixels of the semantic map, the heat of centres, offsets to centres."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pqeval.architectures import panoptic_deeplab
from pqeval.architectures.train import ops
from pqeval.architectures.train.examples import VOID, Example
from pqeval.architectures.train.losses import semantic_loss

__all__ = ["BATCH", "RATE", "STEPS", "losses", "targets"]

STEPS, BATCH, RATE = 2600, 16, 3e-3
"""The weights that come with pqeval are those written at step 2000 of these."""

SIGMA = 3.0
"""Width of the heat around a centre in pixels; 8 in the paper, whose images are ten times as wide."""
SMALL, SMALL_WEIGHT = 150, 3.0
"""Things of fewer pixels count three times; 4096 pixels in the paper."""
HARDEST = 0.2
CENTRE_WEIGHT = 200.0
OFFSET_WEIGHT = 0.05
"""0.01 in the paper, where offsets are five to ten times as long."""


class Target(NamedTuple):
    """What the outputs should be, for one scene; all (H, W) but the offsets, (2, H, W)."""

    semantic: NDArray[np.uint8]
    weight: NDArray[np.float32]
    heat: NDArray[np.float32]
    heat_counts: NDArray[np.float32]
    offset: NDArray[np.float32]
    offset_counts: NDArray[np.float32]


def targets(example: Example) -> Target:
    """Work out the targets of one scene.

    The heat is ignored on void and crowds, and offsets count on things that are no crowd alone.
    """
    semantic = example.semantic()
    height, width = semantic.shape
    rows, columns = np.arange(height)[:, None], np.arange(width)[None, :]
    weight = np.ones((height, width), np.float32)
    heat = np.zeros((height, width), np.float32)
    offset = np.zeros((2, height, width), np.float32)
    owned = np.zeros((height, width), np.bool_)
    for _, mask in example.things():
        inside = np.nonzero(mask)
        y, x = (float(at.mean()) for at in inside)
        # Drawn at whole pixels, like the paper's; the offsets point to the true centre.
        distance = (rows - int(y)) ** 2 + (columns - int(x)) ** 2
        heat = np.maximum(heat, np.exp(distance / (-2 * SIGMA**2)).astype(np.float32))
        offset[0][mask] = (y - rows + 0 * columns)[mask]
        offset[1][mask] = (x - columns + 0 * rows)[mask]
        owned |= mask
        if inside[0].size < SMALL:
            weight[mask] = SMALL_WEIGHT
    counts = semantic != VOID
    for _, mask in example.things(crowds=True):
        counts = counts & ~mask
    return Target(semantic, weight, heat, counts.astype(np.float32), offset, owned.astype(np.float32))


def losses(params: Any, images: Tensor, batch: list[Target]) -> dict[str, Tensor]:
    """Return the weighted losses of a batch of images (B, 3, H, W)."""
    found = panoptic_deeplab.forward(ops, params, images)
    semantic, weight, heat, heat_counts, offset, offset_counts = (
        torch.from_numpy(np.stack(part)) for part in zip(*batch, strict=True)
    )
    centre = (found["centre"][:, 0] - heat) ** 2 * heat_counts
    far = (found["offset"] - offset).abs().sum(1) * offset_counts
    return {
        "semantic": semantic_loss(found["semantic"], semantic, weight, HARDEST),
        "centre": CENTRE_WEIGHT * centre.sum() / heat_counts.sum().clamp(min=1),
        "offset": OFFSET_WEIGHT * far.sum() / offset_counts.sum().clamp(min=1),
    }
