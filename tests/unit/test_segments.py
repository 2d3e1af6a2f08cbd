"""The gate of segment lists: what a row may say, what it becomes, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st

from pqeval import Categories
from pqeval.segments import (
    CALLED_UNKNOWN,
    NO_AREA,
    UNKNOWN_CATEGORY,
    UNLISTED,
    Row,
    Segments,
    read_rows,
)

TABLE = Categories.from_coco([{"id": 44, "isthing": 1}, {"id": 7, "isthing": 0}, {"id": 119, "isthing": 0}])


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
    assert [type(field) for field in rows[0]] == [int, int, bool, int]
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


def test_columns() -> None:
    rows = [Row(9, 119, False, 5), Row(2, 44, True), Row(2**32 - 1, 999), Row(300, 998)]
    segments = Segments.from_rows(rows, TABLE, unlisted=[4, 77], unknown=frozenset({998}))
    assert segments.ids.tolist() == [0, 2, 4, 9, 77, 300, 2**32 - 1]
    assert segments.category.tolist() == [UNLISTED, 0, UNLISTED, 2, UNLISTED, CALLED_UNKNOWN, UNKNOWN_CATEGORY]
    assert segments.crowd.tolist() == [0, 1, 0, 0, 0, 0, 0]
    assert segments.position.tolist() == [-1, 1, -1, 0, -1, 3, 2]
    assert segments.stated.tolist() == [NO_AREA, NO_AREA, NO_AREA, 5, NO_AREA, NO_AREA, NO_AREA]
    assert len(segments) == 7
    assert segments.rows_of(np.array([2**32 - 1, 0, 9, 9], np.uint32)).tolist() == [6, 0, 3, 3]


def test_columns_of_nothing() -> None:
    segments = Segments.from_rows([], TABLE)
    assert (segments.ids.tolist(), segments.category.tolist()) == ([0], [UNLISTED])


@pytest.mark.parametrize("area", [2**70, -(2**70), 2**63, -(2**63), 2**53 + 1])
def test_areas_that_no_image_has_fit_in(area: int) -> None:
    segments = Segments.from_rows([Row(1, 44, False, area)], TABLE)
    assert abs(int(segments.stated[1])) == 2**53
    assert (segments.stated[1] > 0) == (area > 0)


@given(strategies.unique_ids(6, strategies.MAX_ID), st.data())
def test_columns_are_what_kernels_take(ids, data) -> None:
    listed = data.draw(st.integers(0, 6))
    rows = [
        Row(number, data.draw(st.sampled_from((44, 7, 119, 999))), number % 3 == 0, number % 50)
        for number in ids[:listed]
    ]
    segments = Segments.from_rows(rows, TABLE, unlisted=ids[listed:])
    assert segments.ids.tolist() == [0, *sorted(ids)]
    for column in (segments.ids, segments.category, segments.crowd, segments.position, segments.stated):
        assert column.flags.c_contiguous
        assert column.flags.writeable
        assert column.dtype == (np.uint8 if column is segments.crowd else np.int64)
    for place, row in enumerate(rows):
        at = segments.ids.tolist().index(row.id)
        assert segments.position[at] == place
        assert segments.crowd[at] == row.iscrowd
        assert segments.stated[at] == row.area
        assert segments.category[at] == TABLE.index_of(row.category_id)
