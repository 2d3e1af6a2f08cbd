"""Segment lists as columns, sorted and with void in front."""

from __future__ import annotations

import numpy as np
import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st

from pqeval import Categories, DataError
from pqeval.rows import NO_AREA, Row, Rows
from pqeval.segments import CALLED_UNKNOWN, UNKNOWN_CATEGORY, UNLISTED, Segments

TABLE = Categories.from_coco([{"id": 44, "isthing": 1}, {"id": 7, "isthing": 0}, {"id": 119, "isthing": 0}])


def packed(numbers: list[int]) -> np.ndarray:
    """Runs that end one after the other."""
    return np.array([(place + 1) * 2**32 + number for place, number in enumerate(numbers)], np.uint64)


def test_columns() -> None:
    rows = [Row(9, 119, False, 5), Row(2, 44, True), Row(2**32 - 1, 999), Row(300, 998)]
    segments = Segments.from_rows(rows, TABLE, unlisted=[4, 77], unknown=frozenset({998}))
    assert segments.ids.tolist() == [0, 2, 4, 9, 77, 300, 2**32 - 1]
    assert segments.category.tolist() == [UNLISTED, 0, UNLISTED, 2, UNLISTED, CALLED_UNKNOWN, UNKNOWN_CATEGORY]
    assert segments.crowd.tolist() == [0, 1, 0, 0, 0, 0, 0]
    assert segments.position.tolist() == [-1, 1, -1, 0, -1, 3, 2]
    assert segments.stated.tolist() == [NO_AREA, NO_AREA, NO_AREA, 5, NO_AREA, NO_AREA, NO_AREA]
    assert len(segments) == 7
    found, without_row, without_pixel = segments.rows_of(packed([2**32 - 1, 0, 9, 9]))
    assert (found.tolist(), found.dtype) == ([*packed([6, 0, 3, 3]).tolist(), 0], np.uint64)
    assert (without_row, without_pixel) == (0, 4)
    assert segments.lacking == 1


def test_ids_without_a_row() -> None:
    segments = Segments.from_rows([Row(9, 119), Row(2, 44)], TABLE)
    rows, without_row, without_pixel = segments.rows_of(packed([3, 9, 3, 0, 10]))
    assert rows.tolist() == [*packed([3, 2, 3, 0, 3]).tolist(), 0]
    assert (without_row, without_pixel) == (3, 1)


def test_columns_and_rows_at_once() -> None:
    rows = [Row(9, 119, False, 5), Row(2, 44, True), Row(3, 999)]
    runs = packed([3, 9, 5, 0])
    segments, *found = Segments.of_map(runs, rows, TABLE, unknown=frozenset({999}))
    alone = Segments.from_rows(rows, TABLE, unknown=frozenset({999}))
    assert all(
        np.array_equal(mine, its) for mine, its in zip(vars(segments).values(), vars(alone).values(), strict=True)
    )
    assert found[0].tolist() == [*packed([2, 3, 4, 0]).tolist(), 0]
    assert found[1:] == [1, 1]


@pytest.mark.parametrize("category", [44, 999])
def test_called_unknown_comes_before_the_table(category: int) -> None:
    segments = Segments.from_rows([Row(1, category)], TABLE, unknown=frozenset({category, 5}))
    assert (segments.category.tolist(), segments.lacking) == ([UNLISTED, CALLED_UNKNOWN], 0)


@pytest.mark.parametrize("number", [2**62 - 1, 1 - 2**62, 2**53 + 1])
def test_large_categories(number: int) -> None:
    table = Categories.from_coco([{"id": 7, "isthing": 0}, {"id": number, "isthing": 1}])
    segments = Segments.from_rows([Row(3, number), Row(4, 7), Row(5, number - 1)], table)
    assert segments.category.tolist() == [UNLISTED, 1, 0, UNKNOWN_CATEGORY]
    assert segments.lacking == 1


@pytest.mark.parametrize("number", [2**62, -(2**62), 2**62 + 1, 2**63, 2**70, -(2**70)])
def test_categories_that_no_table_has(number: int) -> None:
    with pytest.raises(DataError) as caught:
        Categories.from_coco([{"id": number, "isthing": 1}])
    assert caught.value.code == "category-id"
    segments = Segments.from_rows([Row(3, number), Row(4, 7)], TABLE)
    assert (segments.category.tolist(), segments.lacking) == ([UNLISTED, UNKNOWN_CATEGORY, 1], 1)
    called = Segments.from_rows([Row(3, number)], TABLE, unknown=frozenset({number}))
    assert (called.category.tolist(), called.lacking) == ([UNLISTED, CALLED_UNKNOWN], 0)


def test_columns_of_nothing() -> None:
    segments = Segments.from_rows([], TABLE)
    assert (segments.ids.tolist(), segments.category.tolist()) == ([0], [UNLISTED])
    assert segments.lacking == 0


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
    if data.draw(st.booleans()):
        segments = Segments.from_rows(Rows.of(rows), TABLE, unlisted=ids[listed:])
    else:
        segments = Segments.from_rows(rows, TABLE, unlisted=ids[listed:])
    assert segments.lacking == sum(row.category_id == 999 for row in rows)
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
    for number in ids[listed:]:
        at = segments.ids.tolist().index(number)
        found = (segments.category[at], segments.crowd[at], segments.position[at], segments.stated[at])
        assert found == (UNLISTED, 0, -1, NO_AREA)
