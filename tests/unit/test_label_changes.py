"""Label maps with other ids, other sizes, and made of pairs: what is done on runs is what dense maps say."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest
import strategies
from datasets import says
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from triggers import Triggers, name_of

from pqeval.errors import PqevalError
from pqeval.labelmap import MAX_ID, LabelMap
from pqeval.pairs import pack

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def assert_canonical(labels: LabelMap, dense) -> None:
    """Every field is what scanning the dense map gives."""
    twin = LabelMap.from_array(np.asarray(dense, np.uint32))
    assert labels.shape == twin.shape
    for name in ("bottoms", "begin", "runs"):
        one, other = getattr(labels, name), getattr(twin, name)
        assert one.dtype == other.dtype, name
        assert one.tolist() == other.tolist(), name
    assert labels.to_array().tolist() == np.asarray(dense).tolist()


maps = st.one_of(strategies.label_maps(), strategies.wide_maps()).map(lambda rows: np.array(rows, np.uint32))
volumes = arrays.arrays(
    np.uint32, arrays.array_shapes(min_dims=1, max_dims=4, max_side=5), elements=st.integers(0, 3)
)
all_maps = st.one_of(maps, volumes)


@given(all_maps, st.data())
def test_other_ids_are_those_of_the_dense_map(dense, data):
    present = sorted(set(dense.ravel().tolist()))
    few = st.one_of(st.sampled_from([0, 1, MAX_ID]), st.sampled_from(present))
    new = {number: data.draw(few) for number in present}
    labels = LabelMap.from_array(dense)
    old = np.array(present, np.uint32)
    mapped = labels.mapped(old, np.array([new[number] for number in present], np.uint32))
    expected = np.array([new[number] for number in dense.ravel().tolist()], np.uint32).reshape(dense.shape)
    assert_canonical(mapped, expected)
    assert labels.to_array().tolist() == dense.tolist()  # the map itself stays as it was


@given(all_maps, st.lists(st.integers(0, MAX_ID), max_size=4, unique=True))
def test_ids_that_are_not_there_change_nothing(dense, more):
    labels = LabelMap.from_array(dense)
    old = np.union1d(labels.present(), np.array(more, np.uint32))
    assert_canonical(labels.mapped(old, np.minimum(old, 1)), np.minimum(dense, 1))


def test_the_same_ids_give_the_same_map():
    labels = LabelMap.from_array(np.array([[1, 2], [2, 2]]))
    assert labels.mapped(labels.present(), labels.present()) is labels


@pytest.mark.parametrize(
    ("dense", "new"),
    [
        ([[1, 2, 3]], {1: 7, 2: 7, 3: 7}),
        ([[1, 2, 3], [2, 2, 3]], {1: 2, 2: 2, 3: 3}),
        ([[1, 1], [2, 2], [1, 2]], {1: 5, 2: 5}),
        ([[1, 2], [1, 2], [2, 1]], {1: 2, 2: 1}),
        ([[1, 2, 1, 2]] * 3, {1: 0, 2: 0}),
        # Equally many runs of equal ends, and yet other ids; and one line a beginning of the next.
        ([[1, 2, 4], [3, 2, 4]], {1: 1, 2: 2, 3: 3, 4: 2}),
        ([[1, 1, 2], [1, 1, 3], [1, 4, 4]], {1: 1, 2: 2, 3: 2, 4: 2}),
    ],
)
def test_runs_and_lines_fall_together_where_ids_do(dense, new):
    old = np.array(sorted(new), np.uint32)
    mapped = LabelMap.from_array(np.array(dense)).mapped(
        old, np.array([new[number] for number in sorted(new)], np.uint32)
    )
    assert_canonical(mapped, [[new[number] for number in row] for row in dense])


@given(all_maps)
def test_joining_what_is_joined_changes_nothing(dense):
    assert_canonical(LabelMap.from_array(dense)._joined(), dense)


@given(all_maps)
def test_everything_may_become_void(dense):
    labels = LabelMap.from_array(dense)
    nothing = labels.mapped(labels.present(), np.zeros(len(labels.present()), np.uint32))
    assert_canonical(nothing, np.zeros_like(dense))
    assert (len(nothing.bottoms), len(nothing.runs)) == (1, 1)


@given(maps.filter(lambda dense: dense.max() < 1000), st.data())
def test_a_table_of_ids_is_looked_up(dense, data):
    table = data.draw(arrays.arrays(np.uint32, int(dense.max()) + 1, elements=st.integers(0, 2)))
    assert_canonical(LabelMap.from_array(dense).relabelled(table), table[dense])


# Other sizes


def taken_at_centres(dense: list[list[int]], height: int, width: int) -> list[list[int]]:
    """The pixel of the old map in which the centre of each new one lies; on an edge, the one behind it."""

    def place(at: int, size: int, before: int) -> int:
        return floor((at + Fraction(1, 2)) / size * before)

    return [
        [dense[place(y, height, len(dense))][place(x, width, len(dense[0]))] for x in range(width)]
        for y in range(height)
    ]


@given(strategies.label_maps(), st.integers(1, 20), st.integers(1, 20))
def test_every_pixel_takes_the_id_at_its_centre(rows, height, width):
    resized = LabelMap.from_array(np.array(rows, np.uint32)).resized((height, width))
    assert_canonical(resized, taken_at_centres(rows, height, width))


@given(maps, st.integers(1, 4), st.integers(1, 4))
def test_whole_multiples_repeat_pixels_and_come_back(dense, down, across):
    labels = LabelMap.from_array(dense)
    larger = labels.resized((dense.shape[0] * down, dense.shape[1] * across))
    assert_canonical(larger, dense.repeat(down, 0).repeat(across, 1))
    if down % 2 and across % 2:
        assert_canonical(larger.resized(dense.shape), dense)


def test_halves_take_the_pixel_behind_the_middle():
    dense = np.array([[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12], [13, 14, 15, 16]])
    assert LabelMap.from_array(dense).resized((2, 2)).to_array().tolist() == [[6, 8], [14, 16]]
    assert LabelMap.from_array(dense).resized((1, 1)).to_array().tolist() == [[11]]
    assert LabelMap.from_array(dense).resized((1, 3)).to_array().tolist() == [[9, 11, 12]]


def test_the_same_size_is_the_same_map_and_volumes_have_sizes_too():
    labels = LabelMap.from_array(np.arange(1, 9).reshape(2, 2, 2))
    assert labels.resized((2, 2, 2)) is labels
    assert labels.resized((1, 2, 4)).to_array().tolist() == [[[5, 5, 6, 6], [7, 7, 8, 8]]]


# Pairs


def pairs_of(found) -> tuple[list, list]:
    """Both dense maps, looked up by id."""
    places = np.searchsorted(found.keys, found.labels.to_array())
    return found.category[places].tolist(), found.instance[places].tolist()


numbers = st.one_of(st.integers(0, 4), st.sampled_from([255, 256, 2**16 - 1, 2**16, 2**31, MAX_ID]))
narrow = st.one_of(st.integers(0, 4), st.sampled_from([255, 256, 2**16 - 1]))
shapes = arrays.array_shapes(min_dims=1, max_dims=3, max_side=6)
dtypes = st.sampled_from(["uint32", "int64", "uint64"])


@given(shapes, st.data())
def test_pairs_stand_for_both_maps(shape, data):
    values = data.draw(st.sampled_from([numbers, narrow]))
    category = data.draw(arrays.arrays(data.draw(dtypes), shape, elements=values))
    instance = data.draw(arrays.arrays(data.draw(dtypes), shape, elements=values))
    found = pack(category, instance)
    assert pairs_of(found) == (category.tolist(), instance.tolist())
    assert found.keys.dtype == np.uint32
    assert (found.category.dtype, found.instance.dtype) == (np.int64, np.int64)
    assert found.keys.tolist() == found.labels.present().tolist()
    both = set(zip(category.ravel().tolist(), instance.ravel().tolist(), strict=True))
    assert set(zip(found.category.tolist(), found.instance.tolist(), strict=True)) == both
    assert len(both) == len(found.keys)
    assert found.packed == (int(max(category.max(), instance.max())) < 2**16)
    if found.packed:
        assert_canonical(found.labels, category.astype(np.int64) << 16 | instance.astype(np.int64))
    else:
        order = sorted(both)
        numbered = [
            order.index(pair) for pair in zip(category.ravel().tolist(), instance.ravel().tolist(), strict=True)
        ]
        assert_canonical(found.labels, np.array(numbered).reshape(shape))


@pytest.mark.parametrize("pair", [(65535, 65535), (65536, 0), (0, 65536), (1, 131_071), (MAX_ID, MAX_ID)])
def test_pairs_are_packed_where_both_halves_have_room(pair):
    found = pack(np.array([[pair[0], 0]]), np.array([[pair[1], 0]]))
    assert found.packed == (max(pair) < 65536)
    assert pairs_of(found) == ([[pair[0], 0]], [[pair[1], 0]])


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "int32"])
def test_narrow_dtypes_do_not_overflow(dtype):
    top = min(int(np.iinfo(dtype).max), 2**16 - 1)
    found = pack(np.array([[top, 0]], dtype), np.array([[top, 1]], dtype))
    assert found.labels.to_array().tolist() == [[top << 16 | top, 1]]
    assert found.packed


def raised(function, *arguments, **options):
    with pytest.raises(PqevalError) as caught:
        function(*arguments, **options)
    return caught.value


@given(
    st.sampled_from(["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", ">u2", ">i4"]),
    arrays.array_shapes(min_dims=1, max_dims=3, max_side=5),
    st.booleans(),
    st.data(),
)
def test_two_maps_in_one_array_are_packed_as_two_arrays_are(kind, shape, category_first, data):
    top = min(np.iinfo(kind).max, 2**32 - 1)
    numbers = st.one_of(st.integers(0, min(3, top)), st.integers(0, min(2**16, top)), st.just(top))
    stacked = data.draw(arrays.arrays(kind, (*shape, 2), elements=numbers))
    one, other = (stacked[..., 0], stacked[..., 1]) if category_first else (stacked[..., 1], stacked[..., 0])
    found, expected = pack(one, other), pack(one.copy(), other.copy())
    assert_canonical(found.labels, expected.labels.to_array())
    for name in ("keys", "category", "instance"):
        assert getattr(found, name).tolist() == getattr(expected, name).tolist()
    assert found.packed == expected.packed


@pytest.mark.parametrize("kind", ["i1", "i4"])
def test_negative_numbers_of_two_maps_in_one_array_are_refused(kind):
    stacked = np.array([[[1, -1]]], kind)
    with pytest.raises(PqevalError) as caught:
        pack(stacked[..., 0], stacked[..., 1])
    assert caught.value.found == "the map: a pixel with instance -1"


@trigger
def not_all_ids(folder):
    with pytest.raises(PqevalError) as caught:
        LabelMap.from_array([[1, 2]]).mapped(np.array([1], np.uint32), np.array([5], np.uint32))
    says(
        caught.value,
        """
        the map has ids that are to become nothing in particular
          expected: all ids that are present
          do: take them from `present()`
        """,
    )


@trigger
def pairs_of_two_shapes(folder):
    says(
        raised(pack, np.zeros((2, 3), int), np.zeros((3, 2), int), noun="the file"),
        """
        the file: a category map of shape (2, 3) and an instance map of (3, 2)
          expected: two maps of one shape
          do: pass the category and the instance of every pixel
        """,
    )


@trigger
def pairs_without_pixels(folder):
    says(
        raised(pack, np.zeros((0, 2), int), np.zeros((0, 2), int)),
        """
        the map: a category map of shape (0, 2)
          expected: a map with at least one pixel
          do: pass the whole map of the image
        """,
    )


@trigger
def pairs_out_of_range(folder):
    one = np.ones((1, 2), int)
    says(
        [raised(pack, one, -one), raised(pack, one * 2**32, one), raised(pack, -one * 5, one * 2**40)],
        """
        the map: a pixel with instance -1
          expected: 0 to 4294967295, or a category that means void
          do: name the category of void pixels with void_category
        the map: a pixel with category 4294967296
          expected: 0 to 4294967295, or a category that means void
          do: name the category of void pixels with void_category
        the map: a pixel with category -5
          expected: 0 to 4294967295, or a category that means void
          do: name the category of void pixels with void_category
        """,
    )
