"""The rule of de Geus et al.'s single network (Panoptic Segmentation with a Joint Semantic and Instance
Segmentation Network, 2018).

A pixel belongs to the instance whose mask is surest of it, whatever the scores of the boxes. Stuff classes with
few pixels are removed *before* the choice is made again, so that their pixels go to the next class and not to
void. Things are pasted onto stuff.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from pqeval.fusion._checks import Gate, check_numbers
from pqeval.fusion._painting import Canvas, Segmentation
from pqeval.fusion._semantics import read_logits

__all__ = ["DESCRIPTION", "fuse"]

DESCRIPTION = "de Geus et al.: each pixel to the surest mask, small stuff to the next class"


def fuse(
    *,
    masks: Any,
    categories: Any,
    semantic: Any,
    channels: Any,
    things: Any,
    other: int = 0,
    scores: Any = None,
    mask_threshold: float = 0.5,
    pixel_threshold: float = 0.25,
    stuff_share: float = 1 / 2048,
) -> Segmentation:
    """Fuse instances and semantics by the rule of de Geus et al.

    Parameters
    ----------
    masks : (K, H, W) float or bool
        Probabilities that a pixel belongs to the instance.
    categories : (K,) int
        The category id of each instance.
    semantic : (C, H, W) float
        Logits.
    channels : (C,) int
        The category id of each channel of `semantic`.
    things : set or sequence of int
        The category ids that are things; all others are stuff.
    other : int
        The id of channels that are no category; like those of things they only take probability away from stuff.
    scores : (K,) float, optional
        Of the instances; they are written into the segments and decide nothing.
    mask_threshold : float
        A pixel belongs to an instance from this probability on.
    pixel_threshold : float
        A pixel belongs to stuff above this probability.
    stuff_share : float
        A stuff class stays if it has more than this share of all pixels, before the things are pasted.

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
    >>> from pqeval.fusion import degeus
    >>> id_map, segments = degeus.fuse(
    ...     masks=[[[0.75, 0.25, 0.0, 0.0]]],
    ...     categories=[1],
    ...     semantic=[[[3.0, 3.0, 3.0, 0.0]], [[0.0, 0.0, 0.0, 1.0]]],
    ...     channels=[7, 8],
    ...     things={1},
    ...     stuff_share=0.25,
    ... )
    >>> id_map.tolist()
    [[1, 2, 2, 2]]
    """
    check_numbers(mask_threshold=mask_threshold, pixel_threshold=pixel_threshold, stuff_share=stuff_share)
    gate = Gate()
    semantics = read_logits(gate, semantic, channels, things, other)
    probability = gate.probabilities("masks", masks, "KHW")
    category = gate.categories(categories, semantics.things)
    score = None if scores is None else gate.numbers("scores", scores, "K")
    canvas = Canvas(semantics.size)
    if len(probability):
        owner = probability.argmax(0)
        sure = probability.max(0) >= mask_threshold
        for at in range(len(probability)):
            canvas.add(
                (owner == at) & sure, category[at], isthing=True, score=None if score is None else score[at]
            )
    stuff = _large(semantics.logits, semantics.stuff_channels, stuff_share)
    if stuff:
        winner = np.array(stuff)[semantics.logits[stuff].argmax(0)]
        share = np.take_along_axis(softmax(semantics.logits, axis=0), winner[None], 0)[0]
        classes = np.where(share > pixel_threshold, np.array(semantics.channels)[winner], other)
        canvas.add_stuff(semantics._replace(classes=classes), 0)
    return canvas.finished()


def _large(logits: NDArray[np.floating[Any]], stuff: list[int], stuff_share: float) -> list[int]:
    """Return the stuff channels that are largest among stuff at enough pixels."""
    if not stuff:
        return []
    winner = logits[stuff].argmax(0)
    areas = np.bincount(winner.ravel(), minlength=len(stuff))
    return [at for at, area in zip(stuff, areas.tolist(), strict=True) if area / winner.size > stuff_share]
