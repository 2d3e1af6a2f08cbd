"""Losses that more than one network learns by."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from pqeval.architectures.train.examples import VOID

__all__ = ["dice", "focal", "semantic_loss"]


def semantic_loss(logits: Tensor, target: Tensor, weight: Tensor | None = None, hardest: float = 1.0) -> Tensor:
    """Cross-entropy over labelled pixels, or over the hardest share of them.

    Parameters
    ----------
    logits : (B, C, H, W)
        Scores of the classes.
    target : (B, H, W) uint8
        Class of each pixel; 255 has none.
    weight : (B, H, W), optional
        What a pixel counts.
    hardest : float
        Share of pixels with the largest loss that count (Panoptic-DeepLab, section 3.2).
    """
    loss = F.cross_entropy(logits, target.long(), ignore_index=VOID, reduction="none")
    loss = loss if weight is None else loss * weight
    labelled = loss[target != VOID]
    if hardest < 1:
        labelled = labelled.topk(max(1, int(hardest * labelled.numel()))).values
    return labelled.mean()


def focal(logits: Tensor, target: Tensor, alpha: float, gamma: float = 2.0) -> Tensor:
    """Focal loss (Lin et al., ICCV 2017) with targets between 0 and 1, unsummed."""
    score = torch.sigmoid(logits)
    agreement = score * target + (1 - score) * (1 - target)
    balance = alpha * target + (1 - alpha) * (1 - target)
    return (
        balance * (1 - agreement) ** gamma * F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    )


def dice(score: Tensor, target: Tensor) -> Tensor:
    """One minus the Dice coefficient over the last axis (Milletari et al., 3DV 2016, squares below)."""
    shared = 2 * (score * target).sum(-1)
    return 1 - shared / ((score**2).sum(-1) + (target**2).sum(-1) + 1e-4)
