"""The forms in which arrays arrive: three ways to say the same, and everything that looks like an array."""

from __future__ import annotations

import numpy as np
import pytest
from datasets import TABLE
from hypothesis import assume, given
from hypothesis import strategies as st

import pqeval
from pqeval.arrays import read_options, read_side
from pqeval.categories import Categories
from pqeval.errors import DataError, ImageError, ShapeError
from pqeval.image_ids import image_ids
from pqeval.labelmap import LabelMap

CATEGORIES = Categories.of(TABLE)
CATEGORY = np.array([[1, 1, 255], [3, 3, 2]])
INSTANCE = np.array([[4, 5, 9], [0, 0, 0]])
BOTH = np.stack([CATEGORY, INSTANCE], axis=-1)
ID_MAP = np.array([[41, 51, 0], [3, 3, 20]])
SEGMENTS = [
    {"id": 41, "category_id": 1},
    {"id": 51, "category_id": 1},
    {"id": 3, "category_id": 3},
    {"id": 20, "category_id": 2},
]


def counts(result):
    return {row.id: (row.tp, row.fp, row.fn) for row in result.per_class if row.pq is not None}


def score(gt, pred, **options):
    return pqeval.panoptic_quality(gt=gt, pred=pred, categories=TABLE, **options)


def regions(value, **options):
    """Return what each pixel belongs to: (category, crowd, number), or ``None`` for void."""
    crowd, void = read_options(options.get("crowd", ()), options.get("void_category"))
    ((labels, rows),) = read_side(value, CATEGORIES, side="gt", crowd=crowd, void_category=void, problems=[])
    owner = {0: None} | {row.id: (row.category_id, row.iscrowd) for row in rows}
    return [[owner[int(number)] for number in line] for line in labels.to_array()]


class OnlyArray:
    """Something that numpy can read, and nothing more."""

    def __init__(self, array):
        self.array = np.asarray(array)

    def __array__(self, dtype=None, copy=None):
        return self.array.astype(dtype or self.array.dtype)


class OnlyDlpack:
    """Something that speaks DLPack, and nothing more."""

    def __init__(self, array):
        self.array = np.asarray(array)

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


class OnAnotherDevice:
    """What a tensor on a GPU does when numpy asks."""

    def __array__(self, dtype=None, copy=None):
        raise TypeError("can't convert cuda:0 device type tensor to numpy.\nUse Tensor.cpu() first.")


def as_list(array):
    return np.asarray(array).tolist()


def read_only(array):
    array = np.array(array)
    array.flags.writeable = False
    return array


def reversed_view(array):
    return np.asarray(array)[::-1, ::-1].copy()[::-1, ::-1]


def fortran(array):
    return np.asfortranarray(array)


KINDS = [np.asarray, OnlyArray, OnlyDlpack, as_list, read_only, reversed_view, fortran]
FORMS = {
    "id map": lambda wrap: (wrap(ID_MAP), SEGMENTS),
    "two maps": lambda wrap: (wrap(CATEGORY), wrap(INSTANCE)),
    "(H, W, 2)": lambda wrap: wrap(BOTH),
    "(1, H, W, 2)": lambda wrap: wrap(BOTH[np.newaxis]),
}


@pytest.mark.parametrize("pred", FORMS)
@pytest.mark.parametrize("gt", FORMS)
def test_all_forms_say_the_same(gt, pred):
    result = score(FORMS[gt](np.asarray), FORMS[pred](np.asarray))
    assert counts(result) == {1: (2, 0, 0), 2: (1, 0, 0), 3: (1, 0, 0)}
    assert result.void["unknown_pixels"] == 1


@pytest.mark.parametrize("form", ["id map", "two maps"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_whatever_is_an_array_is_read(kind, form):
    result = score(FORMS[form](kind), FORMS[form](np.asarray))
    assert counts(result) == {1: (2, 0, 0), 2: (1, 0, 0), 3: (1, 0, 0)}


@pytest.mark.parametrize("form", ["(H, W, 2)", "(1, H, W, 2)"])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not as_list], ids=lambda kind: kind.__name__)
def test_whatever_is_an_array_of_pairs_is_read(kind, form):
    metric = pqeval.PanopticQuality(TABLE)
    metric.update(gt=FORMS[form](kind), pred=FORMS[form](kind), image_id=[7])
    assert counts(metric.compute()) == {1: (2, 0, 0), 2: (1, 0, 0), 3: (1, 0, 0)}


@pytest.mark.parametrize("kind", [np.asarray, OnlyArray, OnlyDlpack], ids=lambda kind: kind.__name__)
def test_one_call_reads_batches(kind):
    batch = np.stack([BOTH, BOTH, BOTH])
    result = score(kind(batch), kind(batch))
    assert (result.pq, result.images["evaluated"]) == (1.0, 3)


def test_the_image_of_a_batch_that_cannot_be_read_is_named():
    batch = np.stack([BOTH, BOTH, BOTH])
    batch[1, 0, 0] = (1, -1)
    with pytest.raises(DataError) as caught:
        score(BOTH[np.newaxis].repeat(3, axis=0), batch)
    assert caught.value.found == "pred[1]: a pixel with instance -1"


def test_tensors_of_torch_are_read():
    torch = pytest.importorskip("torch")
    for form in FORMS.values():
        result = score(form(torch.as_tensor), form(lambda array: torch.as_tensor(array).to(torch.int32)))
        assert counts(result) == {1: (2, 0, 0), 2: (1, 0, 0), 3: (1, 0, 0)}


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "uint32", "int32", "int64", "uint64", ">u2"])
def test_any_integer_dtype_is_read(dtype):
    for form in FORMS.values():
        result = score(form(lambda array: np.asarray(array, dtype)), form(np.asarray))
        assert counts(result) == {1: (2, 0, 0), 2: (1, 0, 0), 3: (1, 0, 0)}


@pytest.mark.parametrize("dtype", ["float32", "float64", "bool", "complex64", "S1"])
def test_what_holds_no_integers_is_refused(dtype):
    for name, form in FORMS.items():
        with pytest.raises(DataError) as caught:
            score(form(lambda array: np.asarray(array).astype(dtype)), FORMS["id map"](np.asarray))
        assert (caught.value.code, caught.value.found) == ("id-dtype", f"an array of {np.dtype(dtype)}"), name


def test_a_tensor_on_a_gpu_is_refused_with_a_hint():
    with pytest.raises(ImageError) as caught:
        score((OnAnotherDevice(), SEGMENTS), (ID_MAP, SEGMENTS))
    assert caught.value.found == (
        "a OnAnotherDevice that numpy cannot read: can't convert cuda:0 device type tensor to numpy."
    )
    assert caught.value.remedy == "make its rows equally long; for torch, move it over first with `.cpu().numpy()`"


def test_arrays_are_left_as_they_are():
    sides = [(ID_MAP.copy(), [dict(row) for row in SEGMENTS]), (CATEGORY.copy(), INSTANCE.copy())]
    score(*sides)
    assert (sides[0][0] == ID_MAP).all()
    assert sides[0][1] == SEGMENTS
    assert (sides[1][0] == CATEGORY).all()
    assert (sides[1][1] == INSTANCE).all()


# Void


@pytest.mark.parametrize(
    ("void_category", "void_pixels"),
    [(None, 1), (255, 1), ([255], 1), ({3, 255}, 3), (np.int64(3), None), ([], None)],
    ids=str,
)
def test_which_categories_are_void(void_category, void_pixels):
    if void_pixels is None:
        with pytest.raises(DataError) as caught:
            score(BOTH, BOTH, void_category=void_category)
        assert {error.code for error in getattr(caught.value, "errors", [caught.value])} == {
            "gt-category-unknown",
            "pred-category-unknown",
        }
        return
    assert (
        sum(owner is None for line in regions(BOTH, void_category=void_category) for owner in line) == void_pixels
    )


def test_0_and_255_are_categories_where_the_table_has_them():
    table = Categories.of([{"id": 0, "isthing": 1}, {"id": 255, "isthing": 0}])
    both = np.array([[[0, 1], [0, 2], [255, 0], [255, 0]]])
    ((labels, rows),) = read_side(both, table, side="gt", problems=[])
    assert labels.to_array().tolist() == [[1, 2, 3, 3]]
    assert [(row.id, row.category_id) for row in rows] == [(1, 0), (2, 0), (3, 255)]


def test_what_stands_on_void_is_not_looked_at():
    both = np.array([[[1, 1], [255, -7], [0, 2**40]]])
    assert regions(both) == [[(1, False), None, None]]


def test_a_void_category_may_be_negative():
    both = np.array([[[1, 1], [-1, 0]]])
    assert regions(both, void_category=-1) == [[(1, False), None]]


NUMBERS = st.sampled_from((0, 1, 2, 7, 255, 256, 65535, 65536, 2**32 - 1))
ANYTHING = st.sampled_from((-(2**63), -1, 0, 1, 2**32, 2**63 - 1))


@given(
    st.lists(st.one_of(st.tuples(NUMBERS, NUMBERS), st.tuples(st.just(None), ANYTHING)), min_size=1, max_size=12),
    st.sampled_from(((0,), (255, 7), (-1,), (-(2**63), 2), (2**40, 65536), ())),
)
def test_pairs_are_numbered_in_their_order(pairs, void):
    """Each pixel is void or (category, instance); what stands on void may be any number."""
    pixels = [(void[i % len(void)], i) if c is None else (c, i) for c, i in pairs if void or c is not None]
    assume(pixels)
    real = sorted({pixel for pixel in pixels if pixel[0] not in void})
    value = np.array([pixels], np.int64)
    ((labels, rows),) = read_side(
        value, CATEGORIES, side="gt", crowd=frozenset(real[:1]), void_category=frozenset(void), problems=[]
    )
    assert labels.to_array().tolist() == [[real.index(pixel) + 1 if pixel in real else 0 for pixel in pixels]]
    assert [tuple(row) for row in rows] == [
        (place, category, place == 1, None, None) for place, (category, _) in enumerate(real, start=1)
    ]
    assert (labels.runs == LabelMap.from_array(labels.to_array()).runs).all()


def test_an_instance_out_of_range_is_found_where_every_category_is_taken():
    categories, instance = np.arange(256).astype(np.uint8)[np.newaxis], np.full((1, 256), -1)
    with pytest.raises(ImageError) as caught:
        score((categories, instance), (categories, instance), void_category=[])
    assert caught.value.found == "gt: a pixel with instance -1"


@pytest.mark.parametrize(
    ("pixel", "told"),
    [
        ((-3, 1), "category -3"),
        ((2**32, 1), "category 4294967296"),
        ((1, -3), "instance -3"),
        ((1, 2**32), "instance 4294967296"),
    ],
)
def test_numbers_out_of_range_are_refused(pixel, told):
    for others in ([(1, 1)], [(-1, 2**40), (1, 1)]):
        with pytest.raises(ImageError) as caught:
            regions(np.array([[*others, pixel]]), void_category=[-1])
        assert caught.value.found == f"gt: a pixel with {told}"


# Crowds


def test_crowds_of_category_maps():
    both = np.array([[[1, 1], [1, 2], [1, 255], [1, 255]]])
    assert regions(both, crowd=[(1, 255)]) == [[(1, False), (1, False), (1, True), (1, True)]]
    pred = np.array([[[1, 1], [1, 2], [1, 3], [1, 3]]])
    result = score(both, pred, crowd=[(1, 255)])
    assert counts(result) == {1: (2, 0, 0)}
    assert result.void["fp_forgiven_by_crowd"] == 1


def test_crowds_that_are_not_in_this_image_are_no_mistake():
    both = np.array([[[1, 1], [1, 2]]])
    assert regions(both, crowd=[(1, 255), (2, 1)]) == [[(1, False), (1, False)]]


def test_crowds_matter_in_the_truth_only():
    both = np.array([[[1, 1], [1, 1]]])
    result = score(both, both, crowd=[(1, 1)])
    assert counts(result) == {}
    assert result.void["fp_forgiven_by_crowd"] == 1


# Shapes


@pytest.mark.parametrize("shape", [(4,), (2, 3), (2, 3, 4), (1, 2, 3, 2, 2), (2, 3, 1), ()])
def test_arrays_of_other_shapes_are_refused(shape):
    with pytest.raises(ShapeError) as caught:
        score(np.ones(shape, int), BOTH)
    assert (caught.value.code, caught.value.found) == ("array-form", f"gt: an array of shape {shape}")


@pytest.mark.parametrize("value", ["truth.png", 7, None, {"map": 1}, (ID_MAP,), (ID_MAP, SEGMENTS, 1)])
def test_what_is_no_array_is_refused(value):
    with pytest.raises(ShapeError) as caught:
        score(BOTH, value)
    assert (caught.value.code, caught.value.found) == ("array-form", f"pred: a {type(value).__name__}")


def test_volumes_and_point_clouds_are_maps_too():
    volume = np.arange(24).reshape(2, 3, 4) // 6
    rows = [{"id": number, "category_id": number} for number in (1, 2, 3)]
    assert counts(score((volume, rows), (volume, rows))) == {1: (1, 0, 0), 2: (1, 0, 0), 3: (1, 0, 0)}
    points = volume.reshape(-1)
    assert counts(score((points, rows), (points, rows))) == {1: (1, 0, 0), 2: (1, 0, 0), 3: (1, 0, 0)}


# Image ids


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        (7, [7]),
        ("a", ["a"]),
        (None, [None]),
        (True, [True]),
        (0.5, [0.5]),
        ([7, "a"], [7, "a"]),
        ((7,), [7]),
        (np.int64(7), [7]),
        (np.array([7, 8]), [7, 8]),
        (np.str_("a"), ["a"]),
        ([np.int32(7), np.array(8)], [7, 8]),
    ],
    ids=repr,
)
def test_image_ids_are_plain_values(value, ids):
    found = image_ids(value)
    assert found == ids
    assert [type(number) for number in found] == [type(number) for number in ids]


@pytest.mark.parametrize("value", [{"id": 7}, [[7]], [object()], b"a"])
def test_what_names_no_image_is_refused(value):
    with pytest.raises(DataError) as caught:
        image_ids(value)
    assert caught.value.code == "image-id"


# Forms that are easily mistaken for one another


def test_two_maps_of_a_batch_are_images_of_their_own():
    category = np.array([[[1, 1, 1, 2]], [[1, 2, 2, 2]]])
    instance = np.ones_like(category)
    guess = np.array([[[1, 1, 2, 2]], [[1, 1, 2, 2]]])
    apart = pqeval.PanopticQuality(CATEGORIES)
    for number in range(2):
        apart.update(
            gt=(category[number], instance[number]), pred=(guess[number], instance[number]), image_id=number
        )
    metric = pqeval.PanopticQuality(CATEGORIES)
    metric.update(gt=(category, instance), pred=(guess, instance), image_id=[0, 1])
    stacked = [np.stack([maps, instance], axis=-1) for maps in (category, guess)]
    assert metric.compute() == apart.compute()
    assert pqeval.panoptic_quality(gt=stacked[0], pred=stacked[1], categories=CATEGORIES) == apart.compute()
    one_call = pqeval.panoptic_quality(gt=(category, instance), pred=(guess, instance), categories=CATEGORIES)
    assert one_call == apart.compute()


def test_a_list_of_two_images_is_no_pair_of_maps():
    image = np.array([[[1, 1], [2, 1]]])
    with pytest.raises(DataError) as caught:
        pqeval.panoptic_quality(gt=[image, image], pred=[image, image], categories=CATEGORIES)
    assert caught.value.code == "array-form"


def test_options_that_can_be_read_once_serve_all_images():
    batch = np.array([[[[1, 5], [2, 1]]], [[[1, 5], [2, 1]]]])
    result = pqeval.panoptic_quality(
        gt=batch,
        pred=batch,
        categories=CATEGORIES,
        crowd=(pair for pair in [(1, 5)]),
        void_category=(number for number in [0]),
    )
    assert counts(result) == {2: (2, 0, 0)}


def test_iscrowd_of_a_prediction_has_no_meaning():
    for value in (1, None, "x", 2):
        guess = [row | {"iscrowd": value} for row in SEGMENTS]
        result = score((ID_MAP, SEGMENTS), (ID_MAP, guess))
        assert counts(result) == {1: (2, 0, 0), 2: (1, 0, 0), 3: (1, 0, 0)}


def test_numpy_settings_end_up_as_json():
    result = pqeval.panoptic_quality(
        gt=BOTH,
        pred=BOTH,
        categories=CATEGORIES,
        groups={"A": np.array([1, 2])},
        unknown_categories=np.array([77]),
    )
    assert result.inputs == {"unknown": "error", "unknown_categories": [77], "groups": {"A": [1, 2]}}
    assert pqeval.Result.from_json(result.to_json()) == result
