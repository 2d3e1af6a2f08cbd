"""The class that most pixels of a region have."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["majority"]


def majority(
    regions: NDArray[np.integer[Any]], classes: NDArray[np.int64], count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Let the pixels of each region vote; of classes with equal votes the smallest id wins.

    Parameters
    ----------
    regions : (P,) integer
        The region of each pixel, from 0.
    classes : (P,) int64
        The category id of each pixel.
    count : int
        How many regions there are.

    Returns
    -------
    categories : (count,) int64
        What won; anything for a region without pixels.
    votes, areas : (count,) int64
        The pixels that voted for it, and all pixels.
    """
    found, place = np.unique(classes, return_inverse=True)
    kinds = max(len(found), 1)
    votes = np.bincount(regions.astype(np.int64) * kinds + place, minlength=count * kinds).reshape(count, kinds)
    winner = votes.argmax(1)
    categories = found[winner] if len(found) else np.zeros(count, np.int64)
    return categories, votes.max(1, initial=0), votes.sum(1)
