"""Panoptic FPN's rule (Kirillov et al., CVPR 2019, section 3), from "Panoptic Segmentation" by the same authors.

Instances come in the order of their scores, and each takes the pixels that are still free. One that is mostly
covered by better ones is dropped. Stuff fills what things leave; pixels of `other`, and stuff with few pixels,
stay void, which costs less than a wrong segment.
"""

from __future__ import annotations

from typing import Any

from pqeval.fusion._checks import Gate, check_numbers
from pqeval.fusion._painting import Canvas, Segmentation, by_score, keep_apart
from pqeval.fusion._semantics import read_semantics

__all__ = ["DESCRIPTION", "fuse"]

DESCRIPTION = "Panoptic FPN: instances by score, things over stuff"


def fuse(
    *,
    masks: Any,
    scores: Any,
    categories: Any,
    semantic: Any,
    things: Any,
    channels: Any = None,
    other: int = 0,
    score_threshold: float = 0.5,
    mask_threshold: float = 0.5,
    overlap_threshold: float = 0.5,
    stuff_area: float = 4096,
) -> Segmentation:
    """Fuse instances and semantics by the rule of Panoptic FPN.

    Parameters
    ----------
    masks : (K, H, W) float or bool
        Probabilities that a pixel belongs to the instance, or masks.
    scores : (K,) float
        Of the instances.
    categories : (K,) int
        The category id of each instance.
    semantic : (H, W) int, or (C, H, W) float
        The category id of each pixel, or logits with `channels`. Pixels of things are dropped like those of
        `other`.
    things : set or sequence of int
        The category ids that are things; all others are stuff.
    channels : (C,) int, optional
        The category id of each channel of `semantic`.
    other : int
        The id that stands for no category in `semantic` and `channels`.
    score_threshold : float
        Instances with a smaller score are dropped.
    mask_threshold : float
        A pixel belongs to an instance from this probability on.
    overlap_threshold : float
        An instance is dropped if more than this share of it is covered by instances with better scores.
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
        If the arrays do not fit together.

    Examples
    --------
    >>> import numpy as np
    >>> from pqeval.fusion import heuristic
    >>> masks = np.array([[[1, 1, 1, 0, 0, 0]], [[0, 0, 1, 1, 0, 0]]], bool)
    >>> id_map, segments = heuristic.fuse(
    ...     masks=masks,
    ...     scores=[0.6, 0.9],
    ...     categories=[1, 1],
    ...     semantic=np.full((1, 6), 5),
    ...     things={1},
    ...     stuff_area=2,
    ... )
    >>> id_map.tolist()
    [[2, 2, 1, 1, 3, 3]]
    >>> segments[0]
    {'id': 1, 'category_id': 1, 'isthing': True, 'score': 0.9}
    """
    check_numbers(
        score_threshold=score_threshold,
        mask_threshold=mask_threshold,
        overlap_threshold=overlap_threshold,
        stuff_area=stuff_area,
    )
    gate = Gate()
    semantics = read_semantics(gate, semantic, channels, things, other)
    inside = gate.probabilities("masks", masks, "KHW") >= mask_threshold
    score = gate.numbers("scores", scores, "K")
    category = gate.categories(categories, semantics.things)
    order = by_score(score)
    canvas = Canvas(semantics.size)
    for at in keep_apart(inside, order[(score >= score_threshold)[order]], overlap_threshold):
        canvas.add(inside[at], category[at], isthing=True, score=score[at])
    canvas.add_stuff(semantics, stuff_area)
    return canvas.finished()
