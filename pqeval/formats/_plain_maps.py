"""Arrays that say what each pixel (or point) is, in the ways that libraries keep them.

Sources: huggingface/transformers, ``post_process_panoptic_segmentation`` (ids with a list);
Lightning-AI/torchmetrics 1.9.0, ``PanopticQuality`` (pairs); google-research/deeplab2 64bc1c1, tensorflow/models
and facebookresearch/detectron2 02b5c4e2 (class * divisor + instance); open-mmlab/mmdetection, ``INSTANCE_OFFSET``
(instance * 1000 + label).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pqeval.categories import Categories
from pqeval.errors import DataWarning, ImageError, JsonError, PqevalError, SegmentError, ShapeError
from pqeval.formats._meaning import Meaning, is_thing, report, segments, shown
from pqeval.labelmap import MAX_ID, LabelMap, as_integers
from pqeval.pairs import pack
from pqeval.rows import Row, Rows
from pqeval.segment_lists import read_rows

__all__ = ["combined", "listed", "paired", "read_list"]

HALF = 16
FULL = 2**HALF - 1


def read_list(
    content: Any,
    *,
    truth: bool,
    repeated: str,
    categories: Categories | None,
    problems: list[PqevalError],
) -> Sequence[Row]:
    """Read a segment list, whose rows have a ``category_id``, or a ``label_id`` as transformers writes it.

    Parameters
    ----------
    content : object
        A list, or an object with the list ``segments_info``.
    truth, repeated, problems
        See :func:`pqeval.segment_lists.read_rows`.
    categories : Categories, optional
        The table.

    Raises
    ------
    JsonError
        If there is no list.
    """
    entries = content.get("segments_info") if isinstance(content, dict) else content
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise JsonError(
            code="segments-json",
            found="there is no list of segments",
            expected='{"segments_info": [{"id": 1, "category_id": 17}, ...]}',
            remedy="save the list that belongs to the map",
        )
    rows: list[Mapping[str, Any]] = []
    labels: dict[Any, Any] = {}
    for entry in entries:
        if "category_id" in entry or "label_id" not in entry:
            rows.append(entry)
            continue
        number, label = entry.get("id"), entry["label_id"]
        before = labels.setdefault(repr(number), label)
        if before != label:
            problems.append(_two_labels(number, before, label))
        elif not (entry.get("was_fused") and any(row.get("id") == number for row in rows)):
            rows.append(entry | {"category_id": label})
    found = read_rows(rows, repeated=repeated, truth=truth, problems=problems)
    if labels and categories is not None:
        _report_parts(Rows.of(found), categories, problems)
    return found


def _two_labels(number: Any, before: Any, label: Any) -> SegmentError:
    return SegmentError(
        code="segment-two-labels",
        found=f"segment id {number} has the label_id {before} and the label_id {label}",
        expected="one label per segment",
        remedy="give the parts different ids; if transformers wrote this, take a version without its bug 23461, "
        "or fuse no labels",
    )


def _report_parts(rows: Rows, categories: Categories, problems: list[PqevalError]) -> None:
    stuff = rows.category_ids[~is_thing(rows.category_ids, categories)]
    numbers, times = np.unique(stuff, return_counts=True)
    if (times > 1).any():
        problems.append(
            DataWarning(
                code="stuff-in-parts",
                found=f"stuff of category {shown(numbers[times > 1].tolist())} is in several segments, which "
                "match one by one",
                expected="one segment per stuff category and image",
                remedy="name the stuff classes in label_ids_to_fuse of post_process_panoptic_segmentation",
            )
        )


def listed(array: npt.NDArray[Any], rows: Sequence[Row]) -> tuple[LabelMap, Sequence[Row]]:
    """Take a map of segment ids with its list; 0 and -1 are void.

    Transformers fills a map without any segment with -1, as floats; nothing else may be floats.
    """
    if array.dtype.kind == "f" and not rows and array.size and (array == -1).all():
        array = np.zeros(array.shape, np.uint32)
    dense = as_integers(array)
    if dense.dtype.kind == "i" and dense.size and int(dense.min()) == -1:
        dense = np.where(dense == -1, 0, dense)
    return LabelMap.from_array(dense), rows


def paired(
    array: npt.NDArray[Any], *, category_first: bool, void: Sequence[int], in_sequence: bool
) -> tuple[LabelMap, Rows]:
    """Take an array whose last axis holds category and instance; category -1 is void as well.

    Raises
    ------
    ShapeError, ImageError
        If it is of another form.
    """
    if array.ndim < 2 or array.shape[-1] != 2:
        raise ShapeError(
            code="pairs-shape",
            found=f"the array has the shape {array.shape}",
            expected="a last axis of 2: category and instance",
            remedy="stack the two maps with `np.stack([category, instance], axis=-1)`",
        )
    dense = as_integers(array)
    category, instance = dense[..., 0], dense[..., 1]
    if not category_first:
        category, instance = instance, category
    low = int(dense.min()) if dense.dtype.kind == "i" and dense.size else 0
    high = int(dense.max()) if dense.dtype.itemsize == 8 and dense.size else 0
    shift = int(low < 0 or high > MAX_ID)
    if shift:
        gone = np.isin(category, [*void, -1])
        wrong = ~gone & ((category < 0) | (instance < 0) | (category > MAX_ID) | (instance > MAX_ID))
        if wrong.any():
            raise ImageError(
                code="pair-range",
                found=f"category {category[wrong][0]} has the instance {instance[wrong][0]}",
                expected=f"numbers from 0 to {MAX_ID}; the category -1 is void",
                remedy="number categories and instances from 0, or name the void category with the option void",
            )
        category = category.astype(np.int64) + 1
        category[gone] = 0
        instance = np.where(gone, 0, instance)
    pairs = pack(category, instance)
    numbers = pairs.category - shift
    meaning = Meaning.of(pairs.keys.astype(np.int64), numbers, pairs.instance)
    meaning.void = (numbers < 0) | np.isin(numbers, void)
    meaning.segment = (numbers << HALF | pairs.instance) + 1
    fits = (numbers <= FULL) & (pairs.instance <= FULL) & (meaning.segment <= MAX_ID)
    if not (fits | meaning.void).all():
        if in_sequence:
            raise ImageError(
                code="pair-wide",
                found=f"a category or an instance number above {FULL} in a folder of frames",
                expected=f"numbers up to {FULL}, by which objects are known again in other frames",
                remedy="number the objects of a sequence from 1; put images that are no frames into one folder",
            )
        meaning.segment = np.arange(1, len(numbers) + 1)
    return segments(pairs.labels, meaning)


def combined(
    array: npt.NDArray[Any], *, divisor: int, label_last: bool, void: Sequence[int], problems: list[PqevalError]
) -> tuple[LabelMap, Rows]:
    """Take a map of class * divisor + instance, or of instance * divisor + label; -1 is void as well."""
    dense = as_integers(array)
    shift = int(dense.dtype.kind == "i" and dense.size > 0 and int(dense.min()) == -1)
    labels = LabelMap.from_array(dense.astype(np.int64) + shift if shift else dense)
    values = labels.present().astype(np.int64) - shift
    high, low = values // divisor, values % divisor
    category, instance = (low, high) if label_last else (high, low)
    meaning = Meaning(
        values + shift,
        values + 1,
        category,
        instance,
        (values < 0) | np.isin(category, void),
        np.zeros(len(values), bool),
    )
    report(
        values[~meaning.void & (values == MAX_ID)],
        problems,
        code="value-range",
        found="the map has the value {values}",
        expected=f"values up to {MAX_ID - 1}",
        remedy="if it means void, write -1 as a signed integer, or name its label with the option void",
    )
    return segments(labels, meaning)
