"""The gate of label maps: what comes in, what is refused, and that nothing changes on the way."""

from __future__ import annotations

import naive
import numpy as np
import pytest
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st

from pqeval import DataError, LabelMap
from pqeval.labelmap import MAX_ID, _unsigned, as_integers

SMALL = [[0, 0, 7], [7, 7, 127]]
INTEGERS = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"]


class OnlyArray:
    """Like a torch tensor on the CPU seen through numpy's protocol."""

    def __init__(self, values) -> None:
        self.values = np.asarray(values)

    def __array__(self, dtype=None, copy=None):
        return self.values if dtype is None else self.values.astype(dtype)


class OnlyDlpack:
    """Like a tensor of a library without numpy."""

    def __init__(self, values) -> None:
        self.values = np.asarray(values)

    def __dlpack__(self, **options):
        return self.values.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.values.__dlpack_device__()


class OnGpu:
    """Like a torch tensor on a graphics card."""

    def __array__(self, dtype=None, copy=None):
        raise TypeError("can't convert cuda:0 device type tensor to numpy.\nSee the documentation.")


def check(array, expected=SMALL) -> None:
    """The map of an array is the one canonical map of what is expected, in the form that kernels take."""
    labels = LabelMap.from_array(array)
    assert labels.shape == np.shape(expected)
    width = labels.shape[-1]
    flat = np.ravel(np.array(expected, object)).tolist()
    columns = labels.bottoms, labels.begin, labels.runs
    twin = naive.scan_lines(flat, len(flat) // width, width, MAX_ID)
    assert (*(column.tolist() for column in columns), True) == twin
    assert [column.dtype for column in columns] == [np.uint32, np.uint32, np.uint64]
    assert labels.runs.tolist() == [
        end * 2**32 + number for end, number in zip(labels.ends.tolist(), labels.ids.tolist(), strict=True)
    ]
    assert labels.ends.dtype == labels.ids.dtype == np.uint32
    assert all(column.flags.c_contiguous and column.flags.writeable for column in columns)
    assert labels.to_array().dtype == np.uint32
    assert labels.to_array().tolist() == expected


@given(strategies.label_maps(), st.sampled_from(["uint32", "int64", "uint64"]))
def test_a_map_survives(label_map, dtype: str) -> None:
    check(np.array(label_map, dtype), label_map)


LAYOUTS = {
    "as it is": lambda array: array,
    "read-only": lambda array: np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape),
    "columns first": np.asfortranarray,
    "turned": lambda array: np.ascontiguousarray(array.T).T,
    "every second": lambda array: np.repeat(np.repeat(array, 2, axis=0), 3, axis=1)[::2, ::3],
    "backwards": lambda array: np.ascontiguousarray(array[::-1, ::-1])[::-1, ::-1],
    "a channel": lambda array: np.repeat(array[..., None], 2, axis=-1)[..., 0],
    "not aligned": lambda array: np.frombuffer(b"?" + array.tobytes(), array.dtype, offset=1).reshape(array.shape),
    "one row": lambda array: array.reshape(-1),
    "one column": lambda array: array.reshape(-1, 1),
    "planes": lambda array: array[:, None, :],
    "points": lambda array: array[..., None],
    "one plane": lambda array: array[None],
    "planes turned": lambda array: np.repeat(array[..., None], 2, axis=-1),
    "broadcast": lambda array: np.broadcast_to(array, (3, *array.shape)),
}


@given(st.data(), st.sampled_from(sorted(LAYOUTS)), st.sampled_from(INTEGERS), st.sampled_from("<>"))
@settings(max_examples=400)
def test_every_layout_of_every_dtype(data, layout: str, dtype: str, order: str) -> None:
    kind = np.dtype(dtype).newbyteorder(order)
    label_map = data.draw(strategies.wide_maps(min(MAX_ID, np.iinfo(kind).max)))
    array = np.array(label_map, kind)
    laid = LAYOUTS[layout](array)
    kept, flags = laid.tobytes(), str(laid.flags)
    check(laid, laid.tolist())
    assert laid.dtype == kind
    assert (laid.tobytes(), str(laid.flags)) == (kept, flags)


@given(
    st.data(),
    st.sampled_from(sorted(LAYOUTS)),
    st.sampled_from(sorted({*INTEGERS} - {"uint8", "uint16", "uint32"})),
)
@settings(max_examples=200)
def test_an_id_out_of_range_is_seen_at_every_place(data, layout: str, dtype: str) -> None:
    most = np.iinfo(dtype).max
    array = np.array(data.draw(strategies.wide_maps(min(MAX_ID, most))), dtype)
    wrong = [MAX_ID + 1, 2**33 + 5, most] if most > MAX_ID else []
    wrong += [-1, np.iinfo(dtype).min, -7] if np.iinfo(dtype).min else []
    number = data.draw(st.sampled_from(wrong))
    dice = strategies.Dice(data.draw)
    array[dice.below(len(array)), strategies.edge_place(dice, array.shape[1])] = number
    with pytest.raises(DataError) as caught:
        LabelMap.from_array(LAYOUTS[layout](array))
    low, high = int(LAYOUTS[layout](array).min()), int(LAYOUTS[layout](array).max())
    assert (caught.value.code, caught.value.found) == (
        "id-range",
        f"an id map with the id {low if low < 0 else high}",
    )


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("writeable", [True, False])
def test_contiguous_maps_are_not_copied(dtype: str, writeable: bool) -> None:
    array = np.array(SMALL, dtype)
    array.flags.writeable = writeable
    flat = _unsigned(array)
    assert np.shares_memory(flat, array)
    assert not flat.flags.writeable
    assert array.flags.writeable == writeable
    assert flat.dtype == np.dtype(dtype.removeprefix("u").replace("int", "uint"))


@given(strategies.label_maps())
def test_counts(label_map) -> None:
    labels = LabelMap.from_array(np.array(label_map))
    flat = [number for row in label_map for number in row]
    assert labels.pixels == len(flat)
    assert labels.present().tolist() == sorted(set(flat))


@given(st.data(), strategies.wide_maps(200))
def test_relabelled(data, label_map) -> None:
    """Whether ids stay apart or fall together, the result is the canonical map of the new ids."""
    table = data.draw(
        st.one_of(
            st.lists(st.integers(0, 3), min_size=201, max_size=201),
            st.permutations(range(201)),
            st.just([MAX_ID - number for number in range(201)]),
        )
    )
    labels = LabelMap.from_array(np.array(label_map, np.uint8))
    expected = [[table[number] for number in row] for row in label_map]
    changed = labels.relabelled(np.array(table, np.uint32))
    same = LabelMap.from_array(np.array(expected))
    assert changed.shape == same.shape
    for name in ("bottoms", "begin", "ends", "ids"):
        assert getattr(changed, name).tolist() == getattr(same, name).tolist()
        assert getattr(changed, name).dtype == np.uint32
    assert labels.to_array().tolist() == label_map


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integer_dtypes(dtype: str) -> None:
    check(np.array(SMALL, dtype))


@pytest.mark.parametrize("dtype", [">u4", "<u4", ">i8", ">u2"])
def test_byte_orders(dtype: str) -> None:
    check(np.array(SMALL, dtype))


@pytest.mark.parametrize("dtype", ["uint8", "uint32", "int64"])
def test_memory_layouts(dtype: str) -> None:
    array = np.array(SMALL, dtype)
    check(np.asfortranarray(array))
    check(np.ascontiguousarray(array.T).T)
    check(np.repeat(np.repeat(array, 2, axis=0), 3, axis=1)[::2, ::3])
    check(array[::-1, ::-1][::-1, ::-1])
    check(np.ascontiguousarray(array[:, ::-1])[:, ::-1])


@pytest.mark.parametrize("dtype", ["uint8", "uint32", "int64"])
def test_read_only_maps_stay_as_they_are(dtype: str) -> None:
    array = np.array(SMALL, dtype)
    array.flags.writeable = False
    check(array)
    assert not array.flags.writeable
    assert array.tolist() == SMALL
    check(np.broadcast_to(np.array(7, dtype), (2, 3)), [[7] * 3] * 2)


@pytest.mark.parametrize("dtype", ["uint8", "uint32", "int64"])
@pytest.mark.parametrize("wrap", [OnlyArray, OnlyDlpack, np.ndarray.tolist, memoryview])
def test_whatever_numpy_can_read(wrap, dtype: str) -> None:
    check(wrap(np.array(SMALL, dtype)))


@pytest.mark.parametrize("shape", [(6,), (6, 1), (1, 6), (1, 1, 6), (3, 1, 2)])
def test_any_number_of_dimensions(shape: tuple[int, ...]) -> None:
    array = np.arange(6).reshape(shape)
    check(array, array.tolist())


@pytest.mark.parametrize("dtype", ["uint32", "uint64", "int64"])
def test_the_largest_id(dtype: str) -> None:
    assert MAX_ID == 2**32 - 1
    check(np.array([[0, MAX_ID]], dtype), [[0, MAX_ID]])


@pytest.mark.parametrize(
    ("array", "code", "named"),
    [
        (np.array([[0, -1]]), "id-range", "-1"),
        (np.array([[0, -128]], np.int8), "id-range", "-128"),
        (np.array([[0, 2**32]]), "id-range", "4294967296"),
        (np.array([[0, 2**64 - 1]], np.uint64), "id-range", "18446744073709551615"),
        (np.array([[0, -(2**63)]]), "id-range", "-9223372036854775808"),
        (np.array([[0.0, 1.0]]), "id-dtype", "float64"),
        (np.array([[0.0, 1.0]], np.float32), "id-dtype", "float32"),
        (np.array([[True, False]]), "id-dtype", "bool"),
        (np.array([["1", "2"]]), "id-dtype", "<U1"),
        (np.array([[1, None]]), "id-dtype", "object"),
        (np.array([[1 + 0j]]), "id-dtype", "complex128"),
        ([[0, 2**64]], "id-dtype", "object"),
        (None, "id-dtype", "object"),
        ([[1, 2], [3]], "not-an-array", "list"),
        (OnGpu(), "not-an-array", "can't convert cuda:0"),
        (np.ma.masked_array([[1, 2]], mask=[[0, 1]]), "masked-array", "masked"),
        (np.zeros((0, 3), np.uint8), "empty-map", "(0, 3)"),
        (np.zeros((3, 0), np.uint32), "empty-map", "(3, 0)"),
        (np.array(7), "empty-map", "()"),
        (np.broadcast_to(np.uint32(1), (2**16, 2**15)), "map-too-large", "2147483648"),
        (np.broadcast_to(np.uint8(1), (2**16, 2**15)), "map-too-large", "2147483648"),
    ],
)
def test_what_is_refused(array, code: str, named: str) -> None:
    with pytest.raises(DataError) as caught:
        LabelMap.from_array(array)
    assert caught.value.code == code
    assert named in caught.value.found
    assert caught.value.expected
    assert caught.value.remedy


def test_a_message_has_one_line_of_the_cause() -> None:
    with pytest.raises(DataError) as caught:
        LabelMap.from_array(OnGpu())
    assert str(caught.value) == (
        "a OnGpu that numpy cannot read: can't convert cuda:0 device type tensor to numpy.\n"
        "  expected: an array of integers in the memory of this machine\n"
        "  do: make its rows equally long; for torch, move it over first with `.cpu().numpy()`"
    )


def test_as_integers_leaves_the_values_alone() -> None:
    array = np.array([[-5, 2**40]])
    assert as_integers(array) is array
