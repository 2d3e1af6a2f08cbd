"""The forms in which arrays arrive, made into maps and rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from pqeval.categories import Categories
from pqeval.counting import SideInput
from pqeval.errors import ImageError, PairingError, PqevalError, ShapeError, raise_all
from pqeval.frame import ImageId
from pqeval.labelmap import MAX_ID, LabelMap, as_integers
from pqeval.segments import Row, read_rows

__all__ = ["batch_size", "image_ids", "read_side"]

USUAL_VOID = (0, 255)


def read_side(
    value: Any,
    categories: Categories,
    *,
    side: str,
    crowd: Iterable[tuple[int, int]] = (),
    void_category: int | Iterable[int] | None = None,
    repeated: str = "merge",
    problems: list[PqevalError],
) -> list[SideInput]:
    """Read one side of one image or of a batch.

    Parameters
    ----------
    value : tuple or array_like
        ``(id_map, segments)``; or ``(category_map, instance_map)``; or an array (H, W, 2) or (B, H, W, 2) of
        (category, instance).
    categories : Categories
        The table; decides which of 0 and 255 can mean void in category maps.
    side : {"gt", "pred"}
        Named in messages.
    crowd : iterable of (int, int)
        For category maps: which (category, instance) are crowds, where they occur.
    void_category : int or iterable of int, optional
        For category maps: what means void. Default: 0 and 255, where the table does not have them.
    repeated : {"merge", "last"}
        See :func:`pqeval.segments.read_rows`.
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
    if isinstance(value, tuple | list) and len(value) == 2:
        if _is_segments(value[1]):
            labels = LabelMap.from_array(value[0])
            found: list[PqevalError] = []
            rows = read_rows(value[1], repeated=repeated, areas=side == "gt", problems=found)
            raise_all([problem for problem in found if problem.severity == "error"])
            problems += found
            return [(labels, rows)]
        category, instance = as_integers(value[0]), as_integers(value[1])
        if category.shape != instance.shape:
            raise ShapeError(
                code="category-instance-shape",
                found=f"{side}: a category map of shape {category.shape} and an instance map of {instance.shape}",
                expected="two maps of one shape",
                remedy="pass the category and the instance of every pixel",
            )
        return [_from_categories(category, instance, side, categories, crowd, void_category)]
    both = as_integers(value) if _is_array(value) else np.empty(0, np.uint8)
    if both.ndim not in (3, 4) or both.shape[-1] != 2:
        raise ShapeError(
            code="array-form",
            found=f"{side}: {_describe(value)}",
            expected="(id_map, segments), (category_map, instance_map), or an array (H, W, 2) or (B, H, W, 2)",
            remedy='pass the id map together with its list, [{"id": 1, "category_id": 17}, ...]',
        )
    options = (categories, crowd, void_category)
    if both.ndim == 3:
        return [_from_categories(both[..., 0], both[..., 1], side, *options)]
    return [
        _from_categories(image[..., 0], image[..., 1], f"{side}[{place}]", *options)
        for place, image in enumerate(both)
    ]


def image_ids(value: Any) -> list[ImageId]:
    """Read one image id, or the ids of a batch.

    Parameters
    ----------
    value : str, int, float, bool, None, or a sequence of them
        Also numpy and torch scalars and one-dimensional arrays.

    Returns
    -------
    list of image ids
        Plain Python values: a tensor would not be equal to itself the next time.

    Raises
    ------
    PairingError
        For anything else.
    """
    plain = value.tolist() if hasattr(value, "tolist") else value
    listed = list(plain) if isinstance(plain, list | tuple) else [plain]
    ids = [entry.tolist() if hasattr(entry, "tolist") else entry for entry in listed]
    for number in ids:
        if number is not None and not isinstance(number, str | int | float):
            raise PairingError(
                code="image-id",
                found=f"an image id of type {type(number).__name__}",
                expected="a string or a number, or a list of them for a batch",
                remedy="pass what names the image in the dataset",
            )
    return ids


def batch_size(value: Any) -> int:
    """Return how many images one side of a call holds: B for a (B, H, W, 2) array, 1 for all other forms."""
    shape = as_integers(value).shape if _is_array(value) else ()
    return int(shape[0]) if len(shape) == 4 else 1


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
    crowd: Iterable[tuple[int, int]],
    void_category: int | Iterable[int] | None,
) -> SideInput:
    if category.size == 0:
        raise ShapeError(
            code="empty-category-map",
            found=f"{side}: a category map of shape {category.shape}",
            expected="a map with at least one pixel",
            remedy="pass the whole map of the image",
        )
    void = _void_categories(void_category, categories)
    is_void = np.isin(category, sorted(void))
    for name, array in (("category", category[~is_void]), ("instance", instance[~is_void])):
        if array.size and (int(array.min()) < 0 or int(array.max()) > MAX_ID):
            wrong = int(array.min()) if int(array.min()) < 0 else int(array.max())
            raise ImageError(
                code="category-instance-range",
                found=f"{side}: a pixel with {name} {wrong}",
                expected=f"0 to {MAX_ID}, or a category that means void",
                remedy="name the category of void pixels with void_category",
            )
    keys = (category.astype(np.uint64) << np.uint64(32)) | instance.astype(np.uint64)
    distinct, ids = np.unique(keys[~is_void], return_inverse=True)
    dense = np.zeros(category.shape, np.uint32)
    dense[~is_void] = ids.reshape(-1) + 1
    crowds = {(int(a), int(b)) for a, b in crowd}
    rows = []
    for place, key in enumerate(distinct.tolist(), start=1):
        owner = (key >> 32, key & MAX_ID)
        rows.append(Row(place, owner[0], owner in crowds))
    return LabelMap.from_array(dense), rows


def _void_categories(void_category: int | Iterable[int] | None, categories: Categories) -> set[int]:
    if void_category is None:
        return {number for number in USUAL_VOID if categories.index_of(number) < 0}
    if isinstance(void_category, Iterable):
        return {int(number) for number in void_category}
    return {int(void_category)}
