"""UPSNet's rule (Xiong et al., CVPR 2019, section 3).

Logits are made for the answer itself: a channel for each stuff class, one for each instance, and one for
*unknown*, how much a pixel looks like some thing beyond what the instances there explain. The largest channel says
class and instance of a pixel at once. Where unknown wins the pixel is void, which under PQ costs less than a wrong
segment.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pqeval.fusion._checks import Gate, check_numbers
from pqeval.fusion._majority import majority
from pqeval.fusion._painting import Canvas, Segmentation, by_score, keep_apart
from pqeval.fusion._panoptic_logits import panoptic_logits
from pqeval.fusion._semantics import Semantics, read_logits

__all__ = ["DESCRIPTION", "fuse", "panoptic_logits", "prune"]

DESCRIPTION = "UPSNet: one choice at each pixel among stuff, instances and unknown"


def prune(
    *,
    masks: Any,
    scores: Any,
    categories: Any,
    score_threshold: float = 0.6,
    overlap_threshold: float = 0.3,
) -> NDArray[np.intp]:
    """Choose the instances that take part.

    Parameters
    ----------
    masks : (K, H, W) float
        Mask logits; a pixel belongs to the instance where they are above 0.
    scores : (K,) float
        Of the instances.
    categories : (K,) int
        The category id of each instance.
    score_threshold : float
        Instances take part if their score is larger.
    overlap_threshold : float
        An instance is dropped if more than this share of its mask is covered by better ones *of its class*; so is
        one with an empty mask.

    Returns
    -------
    (N,) int
        Indices of those that stay, best score first.

    Raises
    ------
    UsageError
        If a setting is no number.
    DataError
        If the arrays do not fit together.

    Examples
    --------
    >>> from pqeval.fusion import upsnet
    >>> masks = [[[1.0, 1.0, -1.0]], [[-1.0, 1.0, 1.0]], [[-1.0, 1.0, 1.0]]]
    >>> upsnet.prune(masks=masks, scores=[0.7, 0.9, 0.8], categories=[1, 1, 2]).tolist()
    [1, 2]
    """
    check_numbers(score_threshold=score_threshold, overlap_threshold=overlap_threshold)
    gate = Gate()
    inside = gate.numbers("masks", masks, "KHW") > 0
    score = gate.numbers("scores", scores, "K")
    category = gate.integers("categories", categories, "K")
    order = by_score(score)
    kept = keep_apart(inside, order[(score > score_threshold)[order]], overlap_threshold, category.tolist())
    return np.array(kept, np.intp)


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
    unknown: bool = True,
    score_threshold: float = 0.6,
    overlap_threshold: float = 0.3,
    stuff_area: float = 4096,
) -> Segmentation:
    """Fuse instances and semantics by the rule of UPSNet.

    Parameters
    ----------
    masks, boxes, categories, semantic, channels, things, other, unknown
        See :func:`panoptic_logits`.
    scores : (K,) float
        Of the instances.
    score_threshold, overlap_threshold
        See :func:`prune`.
    stuff_area : float
        Stuff with fewer pixels than this becomes void.

    Returns
    -------
    id_map : (H, W) uint32
        The segment of every pixel; 0 is void.
    segments : list of dict
        ``{"id", "category_id", "isthing"}`` of every segment that has pixels, and ``"score"`` for things.

    Raises
    ------
    UsageError
        If a setting cannot be used.
    DataError
        If the arrays do not fit together, or the class of an instance has no channel.

    Examples
    --------
    >>> from pqeval.fusion import upsnet
    >>> inputs = dict(
    ...     masks=[[[2.0, 0.0, 0.0]]],
    ...     boxes=[[0, 0, 1, 1]],
    ...     scores=[0.9],
    ...     categories=[1],
    ...     semantic=[[[3.0, 3.0, 3.0]], [[4.0, 5.0, 0.0]]],
    ...     channels=[7, 1],
    ...     things={1},
    ...     stuff_area=1,
    ... )
    >>> upsnet.fuse(**inputs)[0].tolist()
    [[1, 0, 2]]
    >>> upsnet.fuse(**inputs, unknown=False)[0].tolist()
    [[1, 2, 2]]
    """
    check_numbers(stuff_area=stuff_area)
    gate = Gate()
    semantics = read_logits(gate, semantic, channels, things, other)
    mask = gate.numbers("masks", masks, "KHW")
    box = gate.numbers("boxes", boxes, "K4")
    score = gate.numbers("scores", scores, "K")
    category = gate.categories(categories, semantics.things)
    semantics.channels_of(category)  # those that will be pruned, too
    kept = prune(
        masks=mask,
        scores=score,
        categories=category,
        score_threshold=score_threshold,
        overlap_threshold=overlap_threshold,
    )
    logits, stuff = panoptic_logits(
        masks=mask[kept],
        boxes=box[kept],
        categories=category[kept],
        semantic=semantics.logits,
        channels=semantics.channels,
        things=semantics.things,
        other=other,
        unknown=unknown,
    )
    winner = logits.argmax(0) if len(logits) else np.zeros(semantics.size, np.intp)
    # Instances from 0, stuff below, and unknown above them.
    owner = winner - len(stuff)
    classes = np.append(np.array(stuff, np.int64), other)[np.minimum(winner, len(stuff))]
    _settle(owner, classes, category[kept], semantics)
    canvas = Canvas(semantics.size)
    for at, index in enumerate(kept.tolist()):
        canvas.add(owner == at, category[index], isthing=True, score=score[index])
    canvas.add_stuff(semantics._replace(classes=classes), stuff_area)
    return canvas.finished()


def _settle(
    owner: NDArray[np.intp], classes: NDArray[np.int64], categories: NDArray[np.int64], semantics: Semantics
) -> None:
    """Turn instances that are mostly stuff to the semantic output into that stuff, in place."""
    mine = (owner >= 0) & (owner < len(categories))
    winners, votes, areas = majority(owner[mine], semantics.classes[mine], len(categories))
    for at in np.flatnonzero(areas).tolist():
        if semantics.is_stuff(int(winners[at])) and int(votes[at]) * 2 >= int(areas[at]):
            region = owner == at
            classes[region] = winners[at]
            owner[region] = -1
