"""The annotations of a COCO panoptic JSON, straight into columns.

Only what is well-formed and ordinary comes through here: ``None`` from :func:`read_columns` sends the caller to
the untyped road, which names what is wrong, and an image that is not ordinary (a repeated id, say) keeps its
entries as they were written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from pqeval.categories import LARGEST
from pqeval.formats._json import decode_as
from pqeval.rows import LARGEST_AREA, NO_AREA, Rows, score_column
from pqeval.storage import File

__all__ = ["Columns", "read_columns"]


class _Segment(msgspec.Struct, gc=False):
    id: int
    category_id: int
    score: float | None = None


class _TrueSegment(msgspec.Struct, gc=False):
    id: int
    category_id: int
    iscrowd: int | bool = 0
    area: int | float | None = None


class _Annotation(msgspec.Struct, gc=False):
    image_id: str | int | float | bool | None
    file_name: str
    segments_info: list[_Segment]


class _TrueAnnotation(msgspec.Struct, gc=False):
    image_id: str | int | float | bool | None
    file_name: str
    segments_info: list[_TrueSegment]


class _Size(msgspec.Struct, gc=False):
    id: Any = None
    height: Any = None
    width: Any = None


class _Predictions(msgspec.Struct):
    annotations: list[_Annotation]


class _Truth(msgspec.Struct):
    annotations: list[_TrueAnnotation]
    categories: list[Any]
    images: list[_Size] = []


@dataclass(frozen=True, eq=False)
class Columns:
    """All segments of a file, image after image, and what else the file says.

    Parameters
    ----------
    image_ids, names : list
        Image id and file name of every annotation, in the order of the file.
    bounds : (N + 1,) int64
        Where the segments of each annotation begin.
    rows : Rows
        All segments.
    odd : dict
        The entries, as written, of the annotations that are not ordinary, by place.
    categories : list
        As written.
    sizes : list of (image id, height, width)
        As written.
    """

    image_ids: list[Any]
    names: list[str]
    bounds: npt.NDArray[np.int64]
    rows: Rows
    odd: dict[int, list[dict[str, Any]]]
    categories: list[Any]
    sizes: list[tuple[Any, Any, Any]]


def read_columns(file: File, *, truth: bool, largest: int) -> Columns | None:
    """Read a COCO panoptic JSON.

    Parameters
    ----------
    file : File
        The file.
    truth : bool
        Whether it is ground truth, of which crowds, areas, categories and sizes are read; of
        predictions scores are.
    largest : int
        The largest segment id that the maps can hold.

    Returns
    -------
    Columns or None
        ``None`` where the file has to be read with care.

    Raises
    ------
    FileError
        If the file cannot be read.
    """
    content: Any = decode_as(file, _Truth if truth else _Predictions)
    if content is None:
        return None
    annotations = content.annotations
    counts = np.fromiter((len(entry.segments_info) for entry in annotations), np.int64, len(annotations))
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    total = int(bounds[-1])

    try:
        ids = np.array([row.id for entry in annotations for row in entry.segments_info], np.int64)
        categories = np.array([row.category_id for entry in annotations for row in entry.segments_info], np.int64)
        crowds = np.zeros(total, np.int64)
        areas = np.full(total, np.nan)
        if truth:
            crowds[:] = [row.iscrowd for entry in annotations for row in entry.segments_info]
            areas[:] = [
                np.nan if row.area is None else row.area for entry in annotations for row in entry.segments_info
            ]
            scores = None
        else:
            scores = score_column([row.score for entry in annotations for row in entry.segments_info])
    except OverflowError:
        return None
    owner = np.repeat(np.arange(len(annotations)), counts)
    stated = ~np.isnan(areas)
    whole = np.where(stated, np.clip(areas, -LARGEST_AREA, LARGEST_AREA), 0)  # larger ones are odd, and no int64
    odd = (ids < 1) | (ids > largest) | (np.abs(categories) > LARGEST) | (crowds < 0) | (crowds > 1)
    odd |= (np.abs(whole) >= LARGEST_AREA) | (whole != np.floor(whole))
    order = np.lexsort((ids, owner))
    again = (np.diff(ids[order]) == 0) & (np.diff(owner[order]) == 0)
    odd[order[1:][again]] = True
    places = np.unique(owner[odd]).tolist()
    return Columns(
        [entry.image_id for entry in annotations],
        [entry.file_name for entry in annotations],
        bounds,
        Rows(ids, categories, crowds.astype(np.uint8), np.where(stated, whole.astype(np.int64), NO_AREA), scores),
        {place: msgspec.to_builtins(annotations[place].segments_info) for place in places},
        content.categories if truth else [],
        [(size.id, size.height, size.width) for size in content.images] if truth else [],
    )
