"""The gate of segment lists: what a row may say, what is refused, and lists as columns."""

from __future__ import annotations

import numpy as np
import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st

from pqeval.categories import LARGEST
from pqeval.rows import LARGEST_AREA, NO_AREA, Row, Rows
from pqeval.segment_lists import read_rows


def read(*entries, truth: bool = True, **options):
    """Read rows, of ground truth unless told otherwise; return them with the codes of what was wrong."""
    problems: list = []
    rows = read_rows(entries, truth=truth, problems=problems, **options)
    return rows, [problem.code for problem in problems]


def one_problem(entry):
    problems: list = []
    rows = read_rows([entry], truth=True, problems=problems)
    (problem,) = problems
    return rows, problem


def test_rows_keep_their_order() -> None:
    rows, codes = read(
        {"id": 9, "category_id": 44, "iscrowd": 1, "area": 5, "bbox": [1, 2, 3, 4]},
        {"id": 2, "category_id": 7},
    )
    assert rows == [Row(9, 44, True, 5), Row(2, 7, False, None)]
    assert codes == []


@pytest.mark.parametrize("number", [1, 1.0, np.int64(1), np.uint8(1), np.float64(1.0)])
def test_integers_in_other_clothes(number) -> None:
    rows, codes = read({"id": number, "category_id": number, "area": number, "iscrowd": number})
    assert rows == [Row(1, 1, True, 1)]
    assert [type(field) for field in rows[0]] == [int, int, bool, int, type(None)]
    assert codes == []


@pytest.mark.parametrize(
    ("entry", "code", "found"),
    [
        ({"category_id": 1}, "segment-id", "segments_info[0].id is None"),
        ({"id": "3", "category_id": 1}, "segment-id", "segments_info[0].id is '3'"),
        ({"id": 1.5, "category_id": 1}, "segment-id", "segments_info[0].id is 1.5"),
        ({"id": float("nan"), "category_id": 1}, "segment-id", "segments_info[0].id is nan"),
        ({"id": True, "category_id": 1}, "segment-id", "segments_info[0].id is True"),
        ({"id": [1], "category_id": 1}, "segment-id", "segments_info[0].id is [1]"),
        ({"id": 0, "category_id": 1}, "segment-id-void", "segments_info[0].id is 0, which means void"),
        ({"id": -1, "category_id": 1}, "segment-id-range", "segments_info[0].id is -1"),
        ({"id": 2**32, "category_id": 1}, "segment-id-range", "segments_info[0].id is 4294967296"),
        ({"id": 3}, "segment-category", "segments_info[0] (segment id 3): category_id is None"),
        ({"id": 3, "category_id": "1"}, "segment-category", "segments_info[0] (segment id 3): category_id is '1'"),
        (
            {"id": 3, "category_id": True},
            "segment-category",
            "segments_info[0] (segment id 3): category_id is True",
        ),
        (
            {"id": 3, "category_id": 1, "iscrowd": 2},
            "segment-crowd",
            "segments_info[0] (segment id 3): iscrowd is 2",
        ),
        (
            {"id": 3, "category_id": 1, "iscrowd": None},
            "segment-crowd",
            "segments_info[0] (segment id 3): iscrowd is None",
        ),
        (
            {"id": 3, "category_id": 1, "iscrowd": "1"},
            "segment-crowd",
            "segments_info[0] (segment id 3): iscrowd is '1'",
        ),
    ],
)
def test_rows_that_cannot_be_used(entry, code: str, found: str) -> None:
    rows, problem = one_problem(entry)
    assert rows == []
    assert (problem.code, problem.found, problem.severity) == (code, found, "error")
    assert problem.expected
    assert problem.remedy


def test_every_wrong_row_is_named() -> None:
    rows, codes = read({"id": 0, "category_id": 1}, {"id": 5, "category_id": 1}, {"id": "x", "category_id": 1})
    assert rows == [Row(5, 1)]
    assert codes == ["segment-id-void", "segment-id"]


def test_the_largest_id() -> None:
    rows, codes = read({"id": 2**32 - 1, "category_id": 1})
    assert rows == [Row(2**32 - 1, 1)]
    assert codes == []


@pytest.mark.parametrize("area", [4.5, "12", True, [3], float("inf")])
def test_an_area_that_is_no_integer(area) -> None:
    rows, problem = one_problem({"id": 3, "category_id": 1, "area": area})
    assert rows == [Row(3, 1, False, None)]
    assert (problem.code, problem.severity) == ("area-not-integer", "warning")
    assert problem.found == f"segments_info[0] (segment id 3): area is {area!r}; it is ignored"


@pytest.mark.parametrize("anything", [4.5, "12", True, -4, 7, None, [1]])
def test_predictions_may_write_anything_as_area_and_crowd(anything) -> None:
    entry = {"id": 3, "category_id": 1, "area": anything, "iscrowd": anything}
    rows, codes = read(entry, {**entry, "iscrowd": 1}, truth=False)
    assert rows == [Row(3, 1, False, None)]
    assert codes == ["segment-repeated"]


def test_repeated_ids_merge() -> None:
    entries = (
        {"id": 5, "category_id": 1, "area": 380},
        {"id": 8, "category_id": 1},
        {"id": 5, "category_id": 1, "area": 20},
    )
    rows, codes = read(*entries)
    assert rows == [Row(5, 1, False, 400), Row(8, 1)]
    assert codes == ["segment-repeated"]


def test_merged_areas_need_all_parts() -> None:
    rows, _ = read({"id": 5, "category_id": 1, "area": 380}, {"id": 5, "category_id": 1})
    assert rows == [Row(5, 1, False, None)]


def test_the_last_of_repeated_ids_keeps_the_first_place() -> None:
    entries = (
        {"id": 5, "category_id": 1, "area": 380},
        {"id": 8, "category_id": 1},
        {"id": 5, "category_id": 2, "iscrowd": 1, "area": 20},
    )
    rows, codes = read(*entries, repeated="last")
    assert rows == [Row(5, 2, True, 20), Row(8, 1)]
    assert codes == ["segment-repeated"]


@pytest.mark.parametrize("other", [{"category_id": 2}, {"category_id": 1, "iscrowd": 1}])
def test_repeated_ids_must_agree(other) -> None:
    _, codes = read({"id": 5, "category_id": 1}, {"id": 5, **other})
    assert "segment-conflict" in codes
    _, codes = read({"id": 5, "category_id": 1}, {"id": 5, **other}, repeated="last")
    assert codes == ["segment-repeated"]


# Lists as columns.


@st.composite
def row_lists(draw) -> list[Row]:
    ids = draw(st.lists(strategies.segment_ids(strategies.MAX_ID), max_size=8, unique=True))
    areas = st.one_of(st.none(), st.integers(-LARGEST_AREA, LARGEST_AREA))
    classes = st.integers(-LARGEST, LARGEST)
    scores = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False))
    return [Row(number, draw(classes), draw(st.booleans()), draw(areas), draw(scores)) for number in ids]


@given(row_lists())
def test_columns_are_a_list_of_rows(rows) -> None:
    columns = Rows.of(rows)
    assert len(columns) == len(rows)
    assert list(columns) == rows
    assert [columns[place] for place in range(len(rows))] == rows
    assert [columns[place] for place in range(-len(rows), 0)] == rows
    assert list(reversed(columns)) == rows[::-1]
    assert [tuple(map(type, row)) for row in columns] == [tuple(map(type, row)) for row in rows]
    assert list(columns.taken(slice(1, None))) == rows[1:]
    assert list(columns.taken(columns.ids > 3)) == [row for row in rows if row.id > 3]
    assert Rows.of(columns) is columns
    dtypes = (columns.ids.dtype, columns.category_ids.dtype, columns.crowds.dtype, columns.areas.dtype)
    assert dtypes == (np.int64, np.int64, np.uint8, np.int64)


@given(row_lists(), st.slices(8))
def test_a_slice_of_columns_is_that_of_the_list(rows, part) -> None:
    sliced = Rows.of(rows)[part]
    assert isinstance(sliced, Rows)
    assert list(sliced) == rows[part]


def test_columns_end_where_the_list_does() -> None:
    with pytest.raises(IndexError):
        Rows.of([Row(1, 7)])[1]
    assert Row(1, 7) in Rows.of([Row(1, 7)])
    assert Row(1, 8) not in Rows.of([Row(1, 7)])


@pytest.mark.parametrize("number", [2**70, -(2**70), 2**62 + 1, 2**63, -(2**63)])
def test_numbers_that_nothing_has_fit_in(number: int) -> None:
    (row,) = Rows.of([Row(1, number, False, number)])
    assert (abs(row.category_id), abs(row.area)) == (LARGEST, LARGEST_AREA)
    assert (row.category_id > 0) == (row.area > 0) == (number > 0)


def test_no_area_is_no_number() -> None:
    assert Rows.of([Row(1, 7, False, None), Row(2, 7, False, 0)]).areas.tolist() == [NO_AREA, 0]
    assert NO_AREA < -LARGEST_AREA
