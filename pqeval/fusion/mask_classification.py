"""The rules of MaskFormer (Cheng et al., NeurIPS 2021), Mask2Former (Cheng et al., CVPR 2022), and Hugging Face's
``post_process_panoptic_segmentation``.

The network answers a fixed number of queries, each with a class (or that there is no object) and a mask. Each
pixel goes to the query whose class score times mask probability is largest. A query that keeps too little of its
own mask is dropped and leaves void; the queries of one stuff class are one segment.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import ge, gt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from pqeval.errors import ShapeError, UsageError
from pqeval.fusion._checks import Gate, check_numbers, ids_of
from pqeval.fusion._painting import Canvas, Segmentation
from pqeval.fusion._semantics import read_things

__all__ = ["DESCRIPTION", "fuse"]

DESCRIPTION = "MaskFormer, Mask2Former, Hugging Face: each pixel to the query that is surest of it"

# What score a query has to exceed, unless the caller says it.
SCORE_THRESHOLDS = {"maskformer": 0.8, "mask2former": 0.8, "huggingface": 0.5}


def fuse(
    *,
    masks: Any,
    class_logits: Any,
    channels: Any,
    things: Any,
    variant: str = "mask2former",
    score_threshold: float | None = None,
    mask_threshold: float = 0.5,
    kept_share: float = 0.8,
    merged: Any = None,
) -> Segmentation:
    """Fuse the answers to queries by the rule of mask classification.

    Parameters
    ----------
    masks : (Q, H, W) float
        Mask logits.
    class_logits : (Q, C + 1) float
        Class logits; the last one says that there is no object.
    channels : (C,) int
        The category id of each class.
    things : set or sequence of int
        The category ids that are things; all others are stuff.
    variant : str
        ``"mask2former"``; ``"maskformer"``, which does not ask that pixels be probable themselves; or
        ``"huggingface"``, which measures masks after they were multiplied by the score.
    score_threshold : float, optional
        Queries take part if their class probability is larger. Default: 0.8, and 0.5 for Hugging Face.
    mask_threshold : float
        A pixel belongs to the mask of a query from this probability on.
    kept_share : float
        A query is dropped if it wins fewer pixels than this share of its mask; for Hugging Face, if not more.
    merged : set or sequence of int, optional
        The categories whose queries are one segment. Default: all stuff, and none for Hugging Face.

    Returns
    -------
    id_map : (H, W) uint32
        The segment of every pixel; 0 is void. Hugging Face's code gives some ids twice when it merges; these do
        not.
    segments : list of dict
        ``{"id", "category_id", "isthing"}`` of every segment that has pixels, and ``"score"`` for things.

    Raises
    ------
    UsageError
        If a setting cannot be used.
    DataError
        If the arrays do not fit together.

    Examples
    --------
    >>> from pqeval.fusion import mask_classification
    >>> id_map, segments = mask_classification.fuse(
    ...     masks=[[[4.0, 4.0, -4.0]], [[-4.0, -4.0, 4.0]], [[9.0, 9.0, 9.0]]],
    ...     class_logits=[[5.0, 0.0, 0.0], [0.0, 5.0, 0.0], [0.0, 0.0, 5.0]],
    ...     channels=[1, 7],
    ...     things={1},
    ... )
    >>> id_map.tolist(), [segment["category_id"] for segment in segments]
    ([[1, 1, 2]], [1, 7])
    """
    name = variant.lower() if isinstance(variant, str) else variant
    if name not in SCORE_THRESHOLDS:
        raise UsageError(
            code="unknown-variant",
            found=f"no variant is called {variant!r}",
            expected=f"one of: {', '.join(SCORE_THRESHOLDS)}",
            remedy="check the spelling",
        )
    if score_threshold is None:
        score_threshold = SCORE_THRESHOLDS[name]
    check_numbers(score_threshold=score_threshold, mask_threshold=mask_threshold, kept_share=kept_share)
    gate = Gate()
    mask = gate.numbers("masks", masks, "QHW")
    logits = gate.numbers("class_logits", class_logits, "QD")
    named, thing = ids_of("channels", channels), read_things(things)
    if len(named) + 1 != logits.shape[1]:
        raise ShapeError(
            code="fusion-channels",
            found=f"class_logits has {logits.shape[1]} columns, and channels names {len(named)}",
            expected="one column more than channels, the last for no object",
            remedy="name the category of each class",
        )
    shares = softmax(logits, axis=1)
    winners, scores = shares.argmax(1), shares.max(1)
    queries = np.flatnonzero((winners < len(named)) & (scores > score_threshold))
    one = set(ids_of("merged", merged)) if merged is not None else _usual(name, named, thing)
    canvas = Canvas((mask.shape[1], mask.shape[2]))
    places: dict[int, int] = {}
    if not len(queries):
        return canvas.finished()
    for at, where in _shown(expit(mask[queries]), scores[queries], name, mask_threshold, kept_share):
        query = int(queries[at])
        category = named[winners[query]]
        if category in one and category in places:
            canvas.enlarge(places[category], where)
            continue
        isthing = category in thing
        canvas.add(where, category, isthing=isthing, score=scores[query] if isthing else None)
        places[category] = len(canvas.segments)
    return canvas.finished()


def _usual(variant: str, named: tuple[int, ...], things: frozenset[int]) -> set[int]:
    return set() if variant == "huggingface" else set(named) - things


def _shown(
    probabilities: NDArray[np.floating[Any]],
    scores: NDArray[np.floating[Any]],
    variant: str,
    mask_threshold: float,
    kept_share: float,
) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """Yield the queries that keep enough of their mask, with the pixels they keep."""
    enough = gt if variant == "huggingface" else ge
    products = probabilities * scores[:, None, None]
    owner = products.argmax(0)
    for at, (probability, product) in enumerate(zip(probabilities, products, strict=True)):
        won = owner == at
        inside = (product if variant == "huggingface" else probability) >= mask_threshold
        area, whole = int(np.count_nonzero(won)), int(np.count_nonzero(inside))
        if not whole or not enough(area / whole, kept_share):
            continue
        if variant == "mask2former":
            won &= inside
        if won.any():
            yield at, won
