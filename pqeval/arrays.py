"""The forms in which arrays arrive, made into maps and rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt

from pqeval.categories import Categories, integral
from pqeval.counting import SideInput
from pqeval.errors import ImageError, PqevalError, ShapeError, UsageError, raise_all
from pqeval.labelmap import LabelMap, as_integers
from pqeval.pairs import pack
from pqeval.rows import Row
from pqeval.segment_lists import read_rows

__all__ = ["batch_size", "read_options", "read_side"]

USUAL_VOID = (0, 255)


def read_side(
    value: Any,
    categories: Categories,
    *,
    side: str,
    crowd: frozenset[tuple[int, int]] = frozenset(),
    void_category: frozenset[int] | None = None,
    repeated: str = "merge",
    problems: list[PqevalError],
) -> list[SideInput]:
    """Read one side of one image or of a batch.

    Parameters
    ----------
    value : tuple or array_like
        ``(id_map, segments)``; or ``(category_map, instance_map)``, (H, W) each or (B, H, W) each; or an array
        (H, W, 2) or (B, H, W, 2) of (category, instance).
    categories : Categories
        The table; decides which of 0 and 255 can mean void in category maps.
    side : {"gt", "pred"}
        Named in messages.
    crowd : frozenset of (int, int)
        For category maps: which (category, instance) are crowds, where they occur.
    void_category : frozenset of int, optional
        For category maps: what means void. Default: 0 and 255, where the table does not have them.
    repeated : {"merge", "last"}
        See :func:`pqeval.segment_lists.read_rows`.
    problems : list
        Receives warnings.

    Returns
    -------
    list of (LabelMap, list of Row)
        One per image.

    Raises
    ------
    DataError
        Where the arrays or the segments cannot be used.
    """
    if isinstance(value, tuple | list) and len(value) == 2 and _is_segments(value[1]):
        if crowd or void_category is not None:
            raise UsageError(
                code="category-map-options",
                found=f"{side}: crowd or void_category with a segment list",
                expected="these options with category maps only",
                remedy='write "iscrowd": 1 into the segment list, and 0 into the map where it is void',
            )
        labels = LabelMap.from_array(value[0])
        found: list[PqevalError] = []
        rows = read_rows(value[1], repeated=repeated, truth=side == "gt", problems=found)
        raise_all([problem for problem in found if problem.severity == "error"])
        problems += found
        return [(labels, rows)]
    read = partial(_from_categories, categories=categories, crowd=crowd, void_category=void_category)
    if (
        isinstance(value, tuple)
        and len(value) == 2
        and (isinstance(value[1], list | tuple) or _is_array(value[1]))
    ):
        category, instance = as_integers(value[0]), as_integers(value[1])
        if category.shape != instance.shape:
            raise ShapeError(
                code="category-instance-shape",
                found=f"{side}: a category map of shape {category.shape} and an instance map of {instance.shape}",
                expected="two maps of one shape",
                remedy="pass the category and the instance of every pixel",
            )
        if category.ndim < 3:
            return [read(category, instance, side)]
        return [read(*maps, f"{side}[{place}]") for place, maps in enumerate(zip(category, instance, strict=True))]
    both = as_integers(value) if _is_array(value) else np.empty(0, np.uint8)
    if both.ndim not in (3, 4) or both.shape[-1] != 2:
        raise ShapeError(
            code="array-form",
            found=f"{side}: {_describe(value)}",
            expected="(id_map, segments), (category_map, instance_map), or an array (H, W, 2) or (B, H, W, 2)",
            remedy='pass the id map together with its list, [{"id": 1, "category_id": 17}, ...]',
        )
    if both.ndim == 3:
        return [read(both[..., 0], both[..., 1], side)]
    return [read(image[..., 0], image[..., 1], f"{side}[{place}]") for place, image in enumerate(both)]


def batch_size(value: Any) -> int:
    """Return how many images one side of a call holds: B for the forms of a batch, 1 for all others."""
    if isinstance(value, tuple) and len(value) == 2 and _is_array(value[0]) and _is_array(value[1]):
        shape = (*as_integers(value[0]).shape, 2)
    else:
        shape = as_integers(value).shape if _is_array(value) else ()
    return int(shape[0]) if len(shape) == 4 else 1


def read_options(crowd: Any, void_category: Any) -> tuple[frozenset[tuple[int, int]], frozenset[int] | None]:
    """Read the options for category maps, once: they may be iterators.

    Raises
    ------
    UsageError
        Where they hold something else than integers.
    """
    pairs = [tuple(map(integral, pair)) if isinstance(pair, Sequence) else () for pair in _listed(crowd)]
    void = None if void_category is None else [integral(number) for number in _listed(void_category)]
    if any(len(pair) != 2 or None in pair for pair in pairs) or (void is not None and None in void):
        raise UsageError(
            code="category-map-options",
            found=f"crowd is {crowd!r:.60}, void_category is {void_category!r:.60}",
            expected="crowd: pairs (category, instance); void_category: a category or several; all integers",
            remedy="for example crowd=[(1, 255)], void_category=255",
        )
    return frozenset(pairs), None if void is None else frozenset(void)  # type: ignore[arg-type]


def _listed(value: Any) -> list[Any]:
    plain = value.tolist() if hasattr(value, "tolist") else value
    return list(plain) if isinstance(plain, Iterable) and not isinstance(plain, str | bytes) else [plain]


def _is_array(value: Any) -> bool:
    return any(hasattr(value, name) for name in ("shape", "__array__", "__dlpack__"))


def _is_segments(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(entry, Mapping) for entry in value)


def _describe(value: Any) -> str:
    shape = getattr(value, "shape", None)
    return f"an array of shape {tuple(shape)}" if shape is not None else f"a {type(value).__name__}"


def _from_categories(
    category: npt.NDArray[Any],
    instance: npt.NDArray[Any],
    side: str,
    categories: Categories,
    crowd: frozenset[tuple[int, int]],
    void_category: frozenset[int] | None,
) -> SideInput:
    if void_category is None:
        void_category = frozenset(number for number in USUAL_VOID if categories.index_of(number) < 0)
    try:
        pairs = pack(category, instance, noun=side)
    except ImageError:
        # What stands on void may be any number.
        category, instance, unused = _blanked(category, instance, void_category)
        void_category |= {unused}
        pairs = pack(category, instance, noun=side)
    real = np.array([number not in void_category for number in pairs.category.tolist()], bool)
    ids = np.where(real, np.cumsum(real), 0).astype(np.uint32)
    owners = zip(pairs.category[real].tolist(), pairs.instance[real].tolist(), strict=True)
    rows = [Row(place, owner[0], owner in crowd) for place, owner in enumerate(owners, start=1)]
    return pairs.labels.mapped(pairs.keys, ids), rows


def _blanked(
    category: npt.NDArray[Any], instance: npt.NDArray[Any], void_category: frozenset[int]
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], int]:
    """Give void pixels instance 0 and the lowest category that no other pixel has; also return that category."""
    is_void = np.isin(category, sorted(void_category))
    used = set(np.unique(category[~is_void]).tolist())
    unused = next(number for number in count() if number not in used)
    wide = category if category.dtype.itemsize == 8 else category.astype(np.int64)
    return (
        np.where(is_void, wide.dtype.type(unused), wide),
        np.where(is_void, instance.dtype.type(0), instance),
        unused,
    )
