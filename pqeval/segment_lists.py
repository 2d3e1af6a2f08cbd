"""The gate for the segment list of a map: entries as written become checked rows."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pqeval.categories import LARGEST, integral
from pqeval.errors import CategoryError, DataWarning, PqevalError, SegmentError
from pqeval.labelmap import MAX_ID
from pqeval.rows import LARGEST_AREA, NO_AREA, Row, Rows, score_column

__all__ = ["read_rows"]

LARGEST_SCORE = sys.float_info.max
"""What is no float, as NaN, infinity and integers of hundreds of digits, is no score."""


def read_rows(
    entries: Iterable[Mapping[str, Any]],
    *,
    repeated: str = "merge",
    truth: bool = False,
    problems: list[PqevalError],
) -> Sequence[Row]:
    """Check the entries of a segment list.

    Parameters
    ----------
    entries : iterable of mapping
        Each with ``id`` and ``category_id``; ``iscrowd``, ``area`` and ``score`` are optional, all else is
        ignored.
    repeated : {"merge", "last"}
        What two entries of one id mean: one segment if their category agrees, or, as panopticapi has it,
        whatever the last one says.
    truth : bool
        Whether to read ``area`` and ``iscrowd``; in predictions they have no meaning.
    problems : list
        Receives what is wrong, errors and warnings; a row with an error is left out.

    Returns
    -------
    sequence of Row
        With distinct ids, in the order of their first appearance.
    """
    entries = list(entries)
    plain = _plain_rows(entries, truth)
    if plain is not None:
        return plain
    rows: dict[int, Row] = {}
    again: set[int] = set()
    for place, entry in enumerate(entries):
        row = _read_row(entry, place, truth, problems)
        if row is None:
            continue
        before = rows.get(row.id)
        if before is not None:
            if repeated == "last" or (before.category_id, before.iscrowd) == (row.category_id, row.iscrowd):
                again.add(row.id)
            if repeated == "merge":
                row = _merged(before, row, problems)
        rows[row.id] = row
    kept = "its entries count as one segment" if repeated == "merge" else "the last entry counts"
    problems += [
        DataWarning(
            code="segment-repeated",
            found=f"segment id {number} is listed more than once; {kept}",
            expected="every segment id once",
            remedy="write one row per id",
            segment_id=number,
        )
        for number in sorted(again)
    ]
    return list(rows.values())


def _plain_rows(entries: list[Mapping[str, Any]], truth: bool) -> Rows | None:
    """Read a list of nothing but ordinary entries, as nearly all are; ``None`` where each has to be looked at."""
    try:
        ids = [entry["id"] for entry in entries]
        categories = [entry["category_id"] for entry in entries]
        crowds = [entry.get("iscrowd", 0) for entry in entries] if truth else [0] * len(ids)
        areas = [entry.get("area") for entry in entries] if truth else [None] * len(ids)
        scores = [entry.get("score") for entry in entries]
    except (LookupError, TypeError, AttributeError):
        return None
    if not ids or set(map(type, ids)) | set(map(type, categories)) != {int} or len(set(ids)) < len(ids):
        return None
    if min(ids) < 1 or max(ids) > MAX_ID or max(categories) >= LARGEST or min(categories) <= -LARGEST:
        return None
    if not set(map(type, crowds)) <= {int, bool} or not set(crowds) <= {0, 1}:
        return None
    told = [area for area in areas if area is not None]
    if not set(map(type, told)) <= {int} or (told and max(map(abs, told)) > LARGEST_AREA):
        return None
    known = [score for score in scores if score is not None]
    if not set(map(type, known)) <= {int, float} or not all(
        -LARGEST_SCORE <= score <= LARGEST_SCORE for score in known
    ):
        return None
    stated = [NO_AREA if area is None else area for area in areas]
    return Rows(
        np.array(ids, np.int64),
        np.array(categories, np.int64),
        np.array(crowds, np.uint8),
        np.array(stated, np.int64),
        score_column(scores),
    )


def _read_row(entry: Mapping[str, Any], place: int, truth: bool, problems: list[PqevalError]) -> Row | None:
    number = integral(entry.get("id"))
    category = integral(entry.get("category_id"))
    crowd = entry.get("iscrowd", 0) if truth else 0
    at = f"segments_info[{place}]"
    if number is None:
        problems.append(
            SegmentError(
                code="segment-id",
                found=f"{at}.id is {entry.get('id')!r}",
                expected="an integer",
                remedy="write the id as a number without quotes",
            )
        )
        return None
    if number == 0:
        problems.append(
            SegmentError(
                code="segment-id-void",
                found=f"{at}.id is 0, which means void",
                expected="ids from 1",
                remedy="add 1 to the ids of this map and of its list, and keep 0 for void",
                segment_id=0,
            )
        )
        return None
    if not 0 < number <= MAX_ID:
        problems.append(
            SegmentError(
                code="segment-id-range",
                found=f"{at}.id is {number}",
                expected=f"ids from 1 to {MAX_ID} (to 16777215 in an RGB PNG)",
                remedy="renumber the segments of this image",
                segment_id=number,
            )
        )
        return None
    if category is None:
        problems.append(
            CategoryError(
                code="segment-category",
                found=f"{at} (segment id {number}): category_id is {entry.get('category_id')!r}",
                expected="an integer",
                remedy="write the category id as a number",
                segment_id=number,
            )
        )
        return None
    if not isinstance(crowd, bool) and integral(crowd) not in (0, 1):
        problems.append(
            SegmentError(
                code="segment-crowd",
                found=f"{at} (segment id {number}): iscrowd is {crowd!r}",
                expected="0 or 1",
                remedy="write 1 for a region of many objects, 0 otherwise",
                segment_id=number,
            )
        )
        return None
    area = integral(entry.get("area")) if truth else None
    if truth and area is None and entry.get("area") is not None:
        problems.append(
            DataWarning(
                code="area-not-integer",
                found=f"{at} (segment id {number}): area is {entry['area']!r}; it is ignored",
                expected="the number of pixels",
                remedy="write the area as an integer",
                segment_id=number,
            )
        )
    return Row(number, category, bool(crowd), area, _read_score(entry, at, number, problems))


def _read_score(entry: Mapping[str, Any], at: str, number: int, problems: list[PqevalError]) -> float | None:
    score: Any = entry.get("score")
    plain = score.item() if hasattr(score, "item") and getattr(score, "size", 1) == 1 else score
    if isinstance(plain, int | float) and not isinstance(plain, bool) and abs(plain) <= LARGEST_SCORE:
        return float(plain)
    if score is not None:
        problems.append(
            DataWarning(
                code="score-not-number",
                found=f"{at} (segment id {number}): score is {score!r:.40}; it is ignored",
                expected="a finite number",
                remedy="write the score as a number, or leave it out",
                segment_id=number,
            )
        )
    return None


def _merged(before: Row, row: Row, problems: list[PqevalError]) -> Row:
    if before.category_id != row.category_id or before.iscrowd != row.iscrowd:
        problems.append(
            SegmentError(
                code="segment-conflict",
                found=f"segment id {row.id} is listed with category_id {before.category_id} (iscrowd "
                f"{int(before.iscrowd)}) and with category_id {row.category_id} (iscrowd {int(row.iscrowd)})",
                expected="one category per segment",
                remedy="give the two segments different ids, in the map and in the list",
                segment_id=row.id,
            )
        )
    area = None if before.area is None or row.area is None else before.area + row.area
    told = [score for score in (before.score, row.score) if score is not None]
    return before._replace(area=area, score=max(told, default=None))
