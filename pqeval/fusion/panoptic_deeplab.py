"""Panoptic-DeepLab's rule (Cheng et al., CVPR 2020, section 3).

Every pixel of a thing votes for the centre of its object, as in the Hough transform: its own place plus a
predicted offset. The peaks of a heat map are the centres, and a pixel joins the centre nearest to its vote. The
class of an instance is the one that most of its pixels have; nothing is suppressed or pasted, because no two masks
overlap.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from pqeval.fusion._centres import find_centres, group_pixels
from pqeval.fusion._checks import Gate, check_numbers
from pqeval.fusion._majority import majority
from pqeval.fusion._painting import Canvas, Segmentation
from pqeval.fusion._semantics import Semantics, read_semantics

__all__ = ["DESCRIPTION", "find_centres", "fuse", "group_pixels"]

DESCRIPTION = "Panoptic-DeepLab: pixels vote for the centres of their objects"


def fuse(
    *,
    semantic: Any,
    centres: Any,
    offsets: Any,
    things: Any,
    channels: Any = None,
    other: int = 0,
    centre_threshold: float = 0.1,
    nms_window: int = 41,
    top_k: int | None = 200,
    stuff_area: float = 4096,
) -> Segmentation:
    """Fuse centres, offsets and semantics by the rule of Panoptic-DeepLab.

    Parameters
    ----------
    semantic : (H, W) int, or (C, H, W) float
        The category id of each pixel, or logits with `channels`.
    centres : (H, W) float
        Heat map of the centres of objects.
    offsets : (2, H, W) float
        From each pixel to the centre of its object, in pixels of this map: rows, then columns.
    things : set or sequence of int
        The category ids that are things; all others are stuff.
    channels : (C,) int, optional
        The category id of each channel of `semantic`.
    other : int
        The id that stands for no category in `semantic` and `channels`.
    centre_threshold, nms_window, top_k
        See :func:`find_centres`.
    stuff_area : float
        Stuff with fewer pixels than this becomes void.

    Returns
    -------
    id_map : (H, W) uint32
        The segment of every pixel; 0 is void.
    segments : list of dict
        ``{"id", "category_id", "isthing"}`` of every segment that has pixels, and ``"score"`` for things: the heat
        at their mean position, times the mean probability of their class if `semantic` are logits.

    Raises
    ------
    UsageError
        If a setting cannot be used.
    DataError
        If the arrays do not fit together.

    Examples
    --------
    >>> import numpy as np
    >>> from pqeval.fusion import panoptic_deeplab
    >>> id_map, segments = panoptic_deeplab.fuse(
    ...     semantic=np.array([[1, 1, 1, 5, 5]]),
    ...     centres=np.array([[0.9, 0.0, 0.8, 0.0, 0.0]]),
    ...     offsets=np.zeros((2, 1, 5)),
    ...     things={1},
    ...     nms_window=3,
    ...     stuff_area=2,
    ... )
    >>> id_map.tolist()
    [[1, 1, 2, 3, 3]]
    >>> segments[1]
    {'id': 2, 'category_id': 1, 'isthing': True, 'score': 0.8}
    """
    check_numbers(stuff_area=stuff_area)
    gate = Gate()
    semantics = read_semantics(gate, semantic, channels, things, other)
    heat = gate.numbers("centres", centres, "HW")
    shift = gate.numbers("offsets", offsets, "2HW")
    peaks = find_centres(heat=heat, centre_threshold=centre_threshold, nms_window=nms_window, top_k=top_k)
    joining = np.isin(semantics.classes, sorted(semantics.things))
    owners = group_pixels(offsets=shift, centres=peaks, where=joining)
    grouped = owners > 0
    categories, _, areas = majority(owners[grouped] - 1, semantics.classes[grouped], len(peaks))
    canvas = Canvas(semantics.size)
    for at in np.flatnonzero(areas).tolist():
        inside = owners == at + 1
        score = _score(inside, int(categories[at]), heat, semantics)
        canvas.add(inside, categories[at], isthing=True, score=score)
    canvas.add_stuff(semantics, stuff_area)
    return canvas.finished()


def _score(
    inside: NDArray[np.bool_], category: int, heat: NDArray[np.floating[Any]], semantics: Semantics
) -> float:
    rows, columns = np.nonzero(inside)
    centre = float(heat[int(rows.mean()), int(columns.mean())])
    if not semantics.channels:
        return centre
    logits = semantics.logits[:, inside]
    share = np.exp(logits[semantics.channels.index(category)] - logsumexp(logits, axis=0))
    return centre * float(share.mean(dtype=np.float64))
