"""How Panoptic FCN learns: where objects and stuff are, and kernels whose masks cover them.

Two things are not in the paper. Besides the heat of centres, every position inside an object learns the class
of the object. And the features that masks are made from learn, through a layer that is thrown away, the class
of each pixel. The paper's net starts from one that knows many classes already. Here the centres alone, a
handful of positions for each object, teach shapes too slowly.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from pqeval.architectures import panoptic_fcn
from pqeval.architectures.scenes import STUFF
from pqeval.architectures.train import ops
from pqeval.architectures.train.examples import VOID, Example
from pqeval.architectures.train.losses import dice, focal, semantic_loss

__all__ = ["BATCH", "RATE", "STEPS", "losses", "targets"]

STEPS, BATCH, RATE = 2200, 16, 3e-3

STRIDES = (4, 8, 16)
RANGES = ((1, 17), (13, 34), (26, 1000))
"""An object belongs to the levels whose range holds the root of its box's area, in pixels."""
SPREAD = 0.2
"""Width of the heat around a centre, in parts of the root of the object's area, and at least half a position."""
POSITIONS = 3
"""Kernels that learn the mask of an object, at the positions most sure of it."""
ALPHA = {"things": 0.5, "stuff": 0.25}
THING_WEIGHT, STUFF_WEIGHT, CLASS_WEIGHT, MASK_WEIGHT = 1.0, 1.0, 1.0, 3.0
AUXILIARY_WEIGHT, HARDEST = 0.5, 0.2


class Target(NamedTuple):
    """What the outputs should be, for one scene.

    Attributes
    ----------
    heat : list of (4, h, w) float32
        Centres of each class of thing at each level.
    counts : list of (h, w) float32
        0 where a position is mostly crowd or void, so that nothing is learnt there.
    regions : list of (4, h, w) float32
        1 where a position is mostly of things, or of a class of stuff.
    semantic : (H, W) uint8
        Class of each pixel, for an auxiliary loss; 255 is void.
    masks : (N, H / 2, W / 2) float32
        Share of each feature position that belongs to each object, then to each class of stuff.
    classes : (N,) int
        0 to 3 for things, 4 to 6 for stuff.
    places : list of (N, h, w) float32
        The masks at each level; all zero where the object does not belong to the level.
    """

    heat: list[NDArray[np.float32]]
    counts: list[NDArray[np.float32]]
    regions: list[NDArray[np.float32]]
    semantic: NDArray[np.uint8]
    masks: NDArray[np.float32]
    classes: NDArray[np.int64]
    places: list[NDArray[np.float32]]


def shares(masks: NDArray[Any], stride: int) -> NDArray[np.float32]:
    """Return the share of true pixels in each square of (..., H, W) masks."""
    *stack, height, width = masks.shape
    squares = masks.reshape(*stack, height // stride, stride, width // stride, stride)
    return np.asarray(squares.mean((-3, -1), dtype=np.float32))


def _heat(mask: NDArray[np.bool_], stride: int, size: tuple[int, ...]) -> NDArray[np.float32]:
    """Draw one centre; the position it lies in has heat 1."""
    y, x = (int(at.mean() / stride) for at in np.nonzero(mask))
    spread = max(0.5, SPREAD * float(np.sqrt(mask.sum())) / stride)
    distance = (np.arange(size[0])[:, None] - y) ** 2 + (np.arange(size[1])[None, :] - x) ** 2
    return np.exp(distance / (-2 * spread**2)).astype(np.float32)


def targets(example: Example) -> Target:
    """Work out the targets of one scene."""
    semantic = example.semantic()
    things = example.things()
    crowd = np.zeros(semantic.shape, np.bool_)
    for _, mask in example.things(crowds=True):
        crowd |= mask
    stuff = np.stack([semantic == at for at in range(len(STUFF))])
    thing = (semantic != VOID) & ~stuff.any(0)
    masks = np.stack([mask for _, mask in things] + list(stuff))
    classes = np.array([category - 1 for category, _ in things] + [4, 5, 6], np.int64)
    kept = masks.any((1, 2))
    sides = [np.nonzero(mask) for _, mask in things]
    extent = [float(np.sqrt((np.ptp(y) + 1.0) * (np.ptp(x) + 1.0))) for y, x in sides]
    heat, counts, regions, places = [], [], [], []
    for stride, (least, most) in zip(STRIDES, RANGES, strict=True):
        belongs = np.array([least <= size <= most for size in extent] + [True] * len(STUFF))
        at_level = shares(masks, stride)
        size = at_level.shape[1:]
        hot = np.zeros((4, *size), np.float32)
        for at, (category, mask) in enumerate(things):
            if belongs[at]:
                hot[category - 1] = np.maximum(hot[category - 1], _heat(mask, stride, size))
        heat.append(hot)
        counts.append((shares(crowd | (semantic == VOID), stride) < 0.5).astype(np.float32))
        regions.append((shares(np.concatenate([thing[None], stuff]), stride) >= 0.5).astype(np.float32))
        places.append((at_level * belongs[:, None, None])[kept])
    return Target(heat, counts, regions, semantic, shares(masks, 2)[kept], classes[kept], places)


def losses(params: Any, images: Tensor, batch: list[Target]) -> dict[str, Tensor]:
    """Return the weighted losses of a batch of images (B, 3, H, W)."""
    found = panoptic_fcn.forward(ops, params, images)
    things, stuff, classes = [], [], []
    objects = sum(int((target.classes < 4).sum()) for target in batch)
    for level in range(len(STRIDES)):
        heat, counts, regions = (
            torch.from_numpy(np.stack([getattr(target, part)[level] for target in batch]))
            for part in ("heat", "counts", "regions")
        )
        centres = found["centres"][level]
        things.append((focal(centres, heat, ALPHA["things"]) * counts[:, None]).sum())
        stuff.append(
            (focal(found["regions"][level], regions, ALPHA["stuff"]) * counts[:, None]).mean((0, 2, 3)).sum()
        )
        classes.append(_class_loss(centres, [(target.places[level], target.classes) for target in batch]))
    thing_mask, stuff_mask = _mask_losses(found, batch)
    auxiliary = params.conv("auxiliary", found["total"], 7, 1, norm=False, relu=False)
    semantic = torch.from_numpy(np.stack([target.semantic for target in batch]))
    return {
        "auxiliary": AUXILIARY_WEIGHT
        * semantic_loss(ops.resize(auxiliary, images.shape[-2:]), semantic, None, HARDEST),
        "thing position": THING_WEIGHT * torch.stack(things).sum() / max(objects, 1),
        "stuff position": STUFF_WEIGHT * torch.stack(stuff).sum(),
        "class": CLASS_WEIGHT * torch.stack(classes).mean(),
        "thing mask": MASK_WEIGHT * thing_mask,
        "stuff mask": MASK_WEIGHT * stuff_mask,
    }


def _class_loss(centres: Tensor, owners: list[tuple[NDArray[np.float32], NDArray[np.int64]]]) -> Tensor:
    """Tell the classes of things apart at every position that is mostly of one object of the level."""
    target = np.full((len(owners), *centres.shape[-2:]), VOID, np.int64)
    for owned, (places, classes) in zip(target, owners, strict=True):
        for place, category in zip(places, classes, strict=True):
            if category < 4:
                owned[place >= 0.5] = category
    labelled = torch.from_numpy(target)
    total = F.cross_entropy(centres, labelled, ignore_index=VOID, reduction="sum")
    return total / max(1, int((target != VOID).sum()))


def _mask_losses(found: dict[str, Any], batch: list[Target]) -> tuple[Tensor, Tensor]:
    """Dice of the masks that kernels of objects, and mean kernels of stuff, make of the shared features."""
    sums = {kind: [found["features"].sum() * 0] for kind in ("thing", "stuff")}
    counts = dict.fromkeys(sums, 0)
    for image, target in enumerate(batch):
        features = found["features"][image].flatten(1)
        masks = torch.from_numpy(target.masks).flatten(1)
        is_thing = target.classes < 4
        for level, places in enumerate(target.places):
            area = torch.from_numpy(places)
            scores = torch.sigmoid(found["centres"][level][image].detach())
            for kind, chosen in (("thing", is_thing), ("stuff", ~is_thing)):
                # An object of another level, or one too small for a position of its own here, teaches nothing.
                rows = np.nonzero(chosen & (places > (0.1 if kind == "thing" else 0.5)).any((1, 2)))[0]
                if not rows.size:
                    continue
                counts[kind] += rows.size
                kernels = found[f"{kind}_kernels"][level][image].flatten(1).T
                inside = area[rows].flatten(1)
                if kind == "stuff":
                    weights = (inside > 0.5).float()
                    means = weights @ kernels / weights.sum(1, keepdim=True)
                    masked = torch.sigmoid(means @ features)
                    sums[kind].append(dice(masked, masks[rows]).sum())
                    continue
                own = scores[target.classes[rows]].flatten(1) * (inside > 0.1)
                best = own.topk(min(POSITIONS, own.shape[1]), dim=1)
                weights = best.values / best.values.sum(1, keepdim=True)
                masked = torch.sigmoid(kernels[best.indices] @ features)
                sums[kind].append((dice(masked, masks[rows][:, None]) * weights).sum())
    thing, stuff = (torch.stack(sums[kind]).sum() / max(1, counts[kind]) for kind in ("thing", "stuff"))
    return thing, stuff
