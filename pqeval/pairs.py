"""Maps of (category, instance) pairs, as one map whose ids are numbered or packed pairs."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pqeval.errors import ImageError, ShapeError
from pqeval.labelmap import MAX_ID, LabelMap, as_integers

__all__ = ["Pairs", "pack"]

HALF = 16


class Pairs(NamedTuple):
    """A map of pairs.

    Parameters
    ----------
    labels : LabelMap
        Ids stand for pairs; 0 is a pair like any other.
    keys : (K,) uint32
        The ids that are present, ascending.
    category, instance : (K,) int64
        What each id stands for.
    packed : bool
        Whether an id is ``category << 16 | instance``, so that it means the same in every map.
    """

    labels: LabelMap
    keys: npt.NDArray[np.uint32]
    category: npt.NDArray[np.int64]
    instance: npt.NDArray[np.int64]
    packed: bool


def pack(category: Any, instance: Any, *, noun: str = "the map") -> Pairs:
    """Scan two maps at once.

    Parameters
    ----------
    category, instance : array_like of int
        Two maps of one shape, with numbers from 0 to 2**32 - 1.
    noun : str
        What messages call them.

    Returns
    -------
    Pairs

    Raises
    ------
    ShapeError
        If the shapes differ, or there is no pixel.
    ImageError
        If a number is out of range.
    """
    category, instance = as_integers(category), as_integers(instance)
    if category.shape != instance.shape:
        raise ShapeError(
            code="category-instance-shape",
            found=f"{noun}: a category map of shape {category.shape} and an instance map of {instance.shape}",
            expected="two maps of one shape",
            remedy="pass the category and the instance of every pixel",
        )
    if category.size == 0:
        raise ShapeError(
            code="empty-category-map",
            found=f"{noun}: a category map of shape {category.shape}",
            expected="a map with at least one pixel",
            remedy="pass the whole map of the image",
        )
    labels = _at_once(category, instance)
    if labels is not None:
        return _unpacked(labels)
    tops = []
    for name, array in (("category", category), ("instance", instance)):
        low, high = int(array.min()), int(array.max())
        if low < 0 or high > MAX_ID:
            raise ImageError(
                code="category-instance-range",
                found=f"{noun}: a pixel with {name} {low if low < 0 else high}",
                expected=f"0 to {MAX_ID}, or a category that means void",
                remedy="name the category of void pixels with void_category",
            )
        tops.append(high)
    if max(tops) >> HALF == 0:
        dense = category.astype(np.uint32) << np.uint32(HALF) | instance.astype(np.uint32)
        return _unpacked(LabelMap.from_array(dense))
    both = category.astype(np.uint64) << np.uint64(32) | instance.astype(np.uint64)
    distinct, places = np.unique(both, return_inverse=True)
    labels = LabelMap.from_array(places.reshape(category.shape).astype(np.uint32))
    return Pairs(
        labels,
        np.arange(len(distinct), dtype=np.uint32),
        (distinct >> np.uint64(32)).astype(np.int64),
        (distinct & np.uint64(MAX_ID)).astype(np.int64),
        False,
    )


def _unpacked(labels: LabelMap) -> Pairs:
    keys = labels.present()
    wide = keys.astype(np.int64)
    return Pairs(labels, keys, wide >> HALF, wide & (1 << HALF) - 1, True)


def _at_once(category: npt.NDArray[Any], instance: npt.NDArray[Any]) -> LabelMap | None:
    """Scan two maps that are the last axis of one array, and have numbers of 16 bits, as one map of 32 bits."""
    size = category.dtype.itemsize
    ahead = instance.ctypes.data - category.ctypes.data
    alike = category.dtype == instance.dtype and category.strides == instance.strides
    if not alike or abs(ahead) != size or category.strides[-1:] != (2 * size,) or sys.byteorder != "little":
        return None
    first = category if ahead > 0 else instance
    both = np.lib.stride_tricks.as_strided(first, (*first.shape, 2), (*first.strides, size))
    if not both.flags.c_contiguous or not both.dtype.isnative:
        return None
    fits = size < 2 or both.dtype == np.uint16 or int(both.max()) >> HALF == 0
    if not fits or (both.dtype.kind == "i" and int(both.min()) < 0):
        return None
    labels = LabelMap.from_array(both.astype(np.uint16, copy=False).view(np.uint32)[..., 0])
    if ahead < 0:
        return labels
    ids = labels.ids
    return labels.with_ids(ids << np.uint32(HALF) | ids >> np.uint32(HALF))
