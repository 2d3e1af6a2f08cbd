"""EfficientPS's rule (Mohan and Valada, IJCV 2021, section 3).

For each instance there are two opinions, its mask logit and the semantic logit of its class inside its box. Where
both are high their fusion is higher than either; where one or both are low it comes near 0 or below. The
fused instances compete with the stuff logits at each pixel; what they do not win is filled from the semantics.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit

from pqeval.fusion._boxes import logits_in_boxes
from pqeval.fusion._checks import Gate, check_numbers
from pqeval.fusion._painting import Canvas, Segmentation, by_score, keep_apart
from pqeval.fusion._semantics import read_logits

__all__ = ["DESCRIPTION", "fuse"]

DESCRIPTION = "EfficientPS: mask logits and semantic logits confirm or weaken each other"


def fuse(
    *,
    masks: Any,
    boxes: Any,
    scores: Any,
    categories: Any,
    semantic: Any,
    channels: Any,
    things: Any,
    other: int = 0,
    score_threshold: float = 0.5,
    mask_threshold: float = 0.5,
    overlap_threshold: float = 0.5,
    stuff_area: float = 4096,
) -> Segmentation:
    """Fuse instances and semantics by the rule of EfficientPS.

    Parameters
    ----------
    masks : (K, H, W) float
        Mask logits, zero outside the box.
    boxes : (K, 4) float
        Left, top, right and bottom; a pixel is inside if its centre is.
    scores : (K,) float
        Of the instances.
    categories : (K,) int
        The category id of each instance.
    semantic : (C, H, W) float
        Logits of stuff and of things.
    channels : (C,) int
        The category id of each channel of `semantic`.
    things : set or sequence of int
        The category ids that are things; all others are stuff.
    other : int
        The id of channels that are no category; where they are largest, what no instance wins is void.
    score_threshold : float
        Instances take part if their score is larger.
    mask_threshold : float
        A pixel belongs to the mask of an instance above this probability.
    overlap_threshold : float
        An instance is dropped if more than this share of its mask is covered by better ones; so is one with an
        empty mask.
    stuff_area : float
        Stuff with fewer pixels than this, after the things, becomes void.

    Returns
    -------
    id_map : (H, W) uint32
        The segment of every pixel; 0 is void.
    segments : list of dict
        ``{"id", "category_id", "isthing"}`` of every segment that has pixels, and ``"score"`` for things.

    Raises
    ------
    UsageError
        If a setting is no number.
    DataError
        If the arrays do not fit together, or the class of an instance has no channel.

    Examples
    --------
    >>> from pqeval.fusion import efficientps
    >>> id_map, segments = efficientps.fuse(
    ...     masks=[[[2.0, 0.0, 0.0]]],
    ...     boxes=[[0, 0, 1, 1]],
    ...     scores=[0.9],
    ...     categories=[1],
    ...     semantic=[[[3.0, 3.0, -1.0]], [[4.0, 5.0, -3.0]]],
    ...     channels=[7, 1],
    ...     things={1},
    ...     stuff_area=1,
    ... )
    >>> id_map.tolist()
    [[1, 0, 1]]
    """
    check_numbers(
        score_threshold=score_threshold,
        mask_threshold=mask_threshold,
        overlap_threshold=overlap_threshold,
        stuff_area=stuff_area,
    )
    gate = Gate()
    semantics = read_logits(gate, semantic, channels, things, other)
    mask = gate.numbers("masks", masks, "KHW")
    box = gate.numbers("boxes", boxes, "K4")
    score = gate.numbers("scores", scores, "K")
    category = gate.categories(categories, semantics.things)
    channel = semantics.channels_of(category)
    order = by_score(score)
    order = order[(score > score_threshold)[order]]
    kept = keep_apart(expit(mask) > mask_threshold, order, overlap_threshold)
    # In one type, or else two logits that are equal would give two probabilities.
    wide = np.result_type(mask, semantics.logits)
    by_mask = mask[kept].astype(wide)
    by_class = logits_in_boxes(semantics, box[kept], channel[kept]).astype(wide)
    fused = (expit(by_mask) + expit(by_class)) * (by_mask + by_class)
    canvas = Canvas(semantics.size)
    stuff = semantics.logits[semantics.stuff_channels]
    if kept:
        # Of equal logits the first counts, so stuff before instances, and better instances before others.
        owner = np.concatenate([stuff, fused]).argmax(0) - len(stuff)
        for at, index in enumerate(kept):
            canvas.add(owner == at, category[index], isthing=True, score=score[index])
    canvas.add_stuff(semantics, stuff_area)
    return canvas.finished()
