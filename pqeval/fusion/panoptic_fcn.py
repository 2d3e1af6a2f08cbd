"""Panoptic FCN's rules (Li et al., CVPR 2021, section 3).

The network makes a kernel, a vector of numbers, for every object and every stuff class it sees, often several for
one object. *Kernel fusion* averages those that say the same thing. The kernels times the features are masks, whose
scores are corrected by how sure their pixels are; then they are pasted as in Panoptic FPN, and stuff is where its
masks are largest.

The authors divide the mean of kernels over a stuff region by the whole map; here every mean is over the kernels
that are averaged, so that its length does not depend on the size of the region.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pqeval.fusion._checks import Gate, check_counts, check_numbers
from pqeval.fusion._kernels import average_stuff_kernels, fuse_kernels, masks_from_kernels
from pqeval.fusion._painting import Canvas, Segmentation, by_score, keep_apart
from pqeval.fusion._semantics import read_semantics

__all__ = ["DESCRIPTION", "average_stuff_kernels", "fuse", "fuse_kernels", "masks_from_kernels"]

DESCRIPTION = "Panoptic FCN: kernels become masks, masks are rescored and pasted"

Floats = NDArray[np.floating[Any]]


def fuse(
    *,
    masks: Any,
    scores: Any,
    categories: Any,
    semantic: Any,
    things: Any,
    channels: Any = None,
    other: int = 0,
    mask_threshold: float = 0.4,
    rescore_threshold: float = 0.05,
    most: int = 100,
    score_threshold: float = 0.2,
    overlap_threshold: float = 0.5,
    stuff_area: float = 4096,
) -> Segmentation:
    """Fuse the masks of things and of stuff by the rule of Panoptic FCN.

    Parameters
    ----------
    masks : (K, H, W) float or bool
        Probabilities that a pixel belongs to the instance.
    scores : (K,) float
        Of the instances, from :func:`fuse_kernels`.
    categories : (K,) int
        The category id of each instance.
    semantic : (H, W) int, or (C, H, W) float
        The category id of each pixel, or the masks of stuff, logits or probabilities, with `channels`.
    things : set or sequence of int
        The category ids that are things; all others are stuff.
    channels : (C,) int, optional
        The category id of each channel of `semantic`; `other` for the one that stands for all things.
    other : int
        The id that stands for no category in `semantic` and `channels`.
    mask_threshold : float
        A pixel belongs to an instance above this probability.
    rescore_threshold, most : float, int
        The new score of an instance is its score times the mean probability in its mask. Those below this are
        dropped, and of the others the best `most` stay.
    score_threshold : float
        Instances whose new score is smaller are dropped.
    overlap_threshold : float
        An instance is dropped if more than this share of it is covered by better ones.
    stuff_area : float
        Stuff with fewer pixels than this, after the things, becomes void.

    Returns
    -------
    id_map : (H, W) uint32
        The segment of every pixel; 0 is void.
    segments : list of dict
        ``{"id", "category_id", "isthing"}`` of every segment that has pixels, and the new ``"score"`` for things.

    Raises
    ------
    UsageError
        If a setting is no number.
    DataError
        If the arrays do not fit together.

    Examples
    --------
    >>> import numpy as np
    >>> from pqeval.fusion import panoptic_fcn
    >>> id_map, segments = panoptic_fcn.fuse(
    ...     masks=np.array([[[0.75, 0.5, 0.25, 0.0]]]),
    ...     scores=[0.8],
    ...     categories=[1],
    ...     semantic=np.array([[[9.0, 9.0, 1.0, 1.0]], [[1.0, 1.0, 9.0, 9.0]]]),
    ...     channels=[0, 5],
    ...     things={1},
    ...     stuff_area=2,
    ... )
    >>> id_map.tolist()
    [[1, 1, 2, 2]]
    >>> segments[0]
    {'id': 1, 'category_id': 1, 'isthing': True, 'score': 0.5}
    """
    check_numbers(
        mask_threshold=mask_threshold,
        rescore_threshold=rescore_threshold,
        score_threshold=score_threshold,
        overlap_threshold=overlap_threshold,
        stuff_area=stuff_area,
    )
    check_counts(most=most)
    gate = Gate()
    semantics = read_semantics(gate, semantic, channels, things, other)
    probability = gate.probabilities("masks", masks, "KHW")
    score = gate.numbers("scores", scores, "K")
    category = gate.categories(categories, semantics.things)
    inside = probability > mask_threshold
    score = _rescored(score, probability, inside)
    order = by_score(score)
    order = order[(score >= rescore_threshold)[order]][:most]
    canvas = Canvas(semantics.size)
    for at in keep_apart(inside, order[(score >= score_threshold)[order]], overlap_threshold):
        canvas.add(inside[at], category[at], isthing=True, score=score[at])
    canvas.add_stuff(semantics, stuff_area)
    return canvas.finished()


def _rescored(scores: Floats, probabilities: Floats, inside: NDArray[np.bool_]) -> Floats:
    means = [
        float(probability[mask].mean(dtype=np.float64)) if mask.any() else 0.0
        for probability, mask in zip(probabilities, inside, strict=True)
    ]
    rescored: Floats = (scores.astype(np.float64) * np.array(means, np.float64)).astype(scores.dtype)
    return rescored
