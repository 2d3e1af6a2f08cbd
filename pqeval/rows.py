"""The segment list of one map as written, and the gate for its rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from pqeval.categories import LARGEST, integral
from pqeval.errors import CategoryError, DataWarning, PqevalError, SegmentError
from pqeval.labelmap import MAX_ID

__all__ = ["LARGEST_AREA", "NO_AREA", "Row", "Rows", "read_rows"]

NO_AREA = -(2**63)
LARGEST_AREA = 2**53


class Row(NamedTuple):
    """One entry of a segment list, checked: ``area`` is ``None`` unless the list states an integer."""

    id: int
    category_id: int
    iscrowd: bool = False
    area: int | None = None


class Rows(Sequence[Row]):
    """A checked segment list as columns, in the order of the list.

    Parameters
    ----------
    ids, category_ids, areas : (S,) int64
        Distinct segment ids, category ids, and stated areas (``NO_AREA`` where none is stated).
    crowds : (S,) uint8
        1 for crowds.
    """

    __slots__ = ("areas", "category_ids", "crowds", "ids")

    def __init__(
        self,
        ids: npt.NDArray[np.int64],
        category_ids: npt.NDArray[np.int64],
        crowds: npt.NDArray[np.uint8],
        areas: npt.NDArray[np.int64],
    ) -> None:
        self.ids = ids
        self.category_ids = category_ids
        self.crowds = crowds
        self.areas = areas

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Rows:
        """Take over rows; no table and no image has the category ids and areas that are cut to size here."""
        if isinstance(rows, Rows):
            return rows
        most, largest = LARGEST, LARGEST_AREA
        return cls(
            np.array([row.id for row in rows], np.int64),
            np.array([max(-most, min(row.category_id, most)) for row in rows], np.int64),
            np.array([row.iscrowd for row in rows], np.uint8),
            np.array(
                [NO_AREA if row.area is None else max(-largest, min(row.area, largest)) for row in rows], np.int64
            ),
        )

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> Rows: ...
    def __getitem__(self, place: int | slice) -> Row | Rows:
        if isinstance(place, slice):
            return Rows(self.ids[place], self.category_ids[place], self.crowds[place], self.areas[place])
        area = int(self.areas[place])
        return Row(
            int(self.ids[place]),
            int(self.category_ids[place]),
            bool(self.crowds[place]),
            None if area == NO_AREA else area,
        )

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Row]:
        return (self[place] for place in range(len(self)))


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
        Each with ``id`` and ``category_id``; ``iscrowd`` and ``area`` are optional, all else is ignored.
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
    if again:
        shown = ", ".join(str(number) for number in sorted(again)[:5])
        kept = "they count as one segment" if repeated == "merge" else "the last entry of each counts"
        problems.append(
            DataWarning(
                code="segment-repeated",
                found=f"segment id {shown} is listed more than once; {kept}",
                expected="every segment id once",
                remedy="write one row per id",
            )
        )
    return list(rows.values())


def _plain_rows(entries: list[Mapping[str, Any]], truth: bool) -> Rows | None:
    """Read a list of nothing but ordinary entries, as nearly all are; ``None`` where each has to be looked at."""
    try:
        ids = [entry["id"] for entry in entries]
        categories = [entry["category_id"] for entry in entries]
        crowds = [entry.get("iscrowd", 0) for entry in entries] if truth else [0] * len(ids)
        areas = [entry.get("area") for entry in entries] if truth else [None] * len(ids)
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
    stated = [NO_AREA if area is None else area for area in areas]
    return Rows(
        np.array(ids, np.int64),
        np.array(categories, np.int64),
        np.array(crowds, np.uint8),
        np.array(stated, np.int64),
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
    return Row(number, category, bool(crowd), area)


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
    return before._replace(area=area)
