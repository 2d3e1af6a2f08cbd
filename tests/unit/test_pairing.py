"""Which prediction belongs to which ground truth."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from datasets import image, save
from hypothesis import given
from hypothesis import strategies as st

import pqeval
from pqeval.errors import PairingError
from pqeval.image_ids import image_key
from pqeval.pairing import pair_images
from pqeval.source import Image


def source(name, image_ids):
    images = {image_key(number): Image(number, rank, f"{rank}.png", None) for rank, number in enumerate(image_ids)}
    return SimpleNamespace(file=name, images=images, categories=None, problems=[])


def paired(gt, pred, only=None):
    """Return the pairs of ids, in order, and the codes of the warnings."""
    found = pair_images(source("gt.json", gt), source("pred.json", pred), only)
    pairs = [(one.image_id, None if other is None else other.image_id) for one, other in found.pairs]
    return pairs, [warning.code for warning in found.warnings]


@pytest.mark.parametrize(
    "ids",
    [[1, 2, 3], ["a", "b"], [0, "0", "00"], [None, True, False, 1.5, -3], [2**70, 2**70 + 1], []],
    ids=str,
)
def test_equal_ids_belong_together(ids):
    pairs, warnings = paired(ids, ids[::-1])
    assert pairs == [(number, number) for number in ids]
    assert warnings == []


def test_the_order_is_that_of_the_truth():
    assert paired([3, 1, 2], [1, 2, 3])[0] == [(3, 3), (1, 1), (2, 2)]


def test_1_and_1_0_are_one_id():
    assert paired([1], [1.0]) == ([(1, 1.0)], [])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (12, "12"),
        (12, "0012"),
        (12, "000000000012.png"),
        ("000000000012", "000000000012.jpg"),
        ("0", 0),
        ("town/0012.png", 12),
        ("town\\0012.PNG", 12),
        ("frankfurt_000000", "frankfurt_000000.png"),
        ("a.jpeg", "a.png"),
        ("a.tif", "a"),
        (2**70, str(2**70)),
        # What datasets append to say what a file is.
        ("frankfurt_000000_000294_gtFine_instanceIds.png", "frankfurt_000000_000294_leftImg8bit.png"),
        ("frankfurt_000000_000294_gtFine_labelTrainIds", "frankfurt_000000_000294"),
        ("aachen_000000_000019_gtCoarse_color.png", "aachen_000000_000019_gtFine_panoptic.png"),
        ("0005_0025_frankfurt_000000_000999_newImg8bit.png", "0005_0025_frankfurt_000000_000999_final_mask.png"),
        ("000000000139_panoptic.png", 139),
        ("a_labelIds.png", "a_instanceIds.png"),
        # Other suffixes of maps and clouds.
        ("0000/000012.label", "0000/000012.bin"),
        ("a.npy", "a.npz"),
        ("a.mat", "a.json"),
        # Folders that only one side has, zeros inside them, and paths that say nothing more.
        ("val/0012/000003.png", "12/3"),
        ("./0012/000003.png", "0012//000003.png"),
        ("gtFine/val/ulm/ulm_000001_gtFine_instanceIds.png", "ulm_000001"),
    ],
)
def test_ids_that_are_written_differently_belong_together_with_a_warning(one, other):
    assert paired([one], [other]) == ([(one, other)], ["image-id-form"])
    assert paired([other], [one]) == ([(other, one)], ["image-id-form"])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (0, False),
        (None, "None"),
        (True, "True"),
        (1, "1.5"),
        (-1, 1),
        ("a", "A"),
        ("a_1", "a_01"),
        (1.5, 1),
        ("a.gif", "a"),
        ("a_mask", "a"),
        ("a_gtFineX", "a"),
        ("a_panoptic_2", "a"),
        ("0001/000003", "0002/000003x"),
        ("a/", "b/"),
        ("ä1", "a1"),
    ],
)
def test_ids_that_are_different_do_not(one, other):
    pairs, warnings = paired([one], [other])
    assert pairs == [(one, None)]
    assert warnings == ["prediction-extra"]


@pytest.mark.parametrize(
    ("gt", "pred"),
    [
        ([12, "0012"], ["12"]),
        ([12], ["12", "0012"]),
        (["a/12", "b/12"], [12]),
        (["0001/000003", "0002/000003"], ["3"]),
        (["a_panoptic", "a_labelIds"], ["a"]),
        ([12], ["a/12.png", "b/12.png"]),
    ],
)
def test_what_is_ambiguous_is_not_guessed(gt, pred):
    pairs, _ = paired(gt, pred)
    assert [other for _, other in pairs] == [None] * len(gt)


def test_an_equal_id_is_preferred_to_one_that_reads_the_same():
    assert paired([12, 13], [12, "12", "13"])[0] == [(12, 12), (13, "13")]
    assert paired(["12", 12], [12, 13])[0] == [("12", None), (12, 12)]


def test_folders_count_before_they_do_not():
    """Frames of two videos have equal names; only the folder tells them apart."""
    gt = ["0000/000001", "0000/000002", "0001/000001"]
    pairs, warnings = paired(gt, ["1/000001.png", "0/000001.png", "0/000002.png"])
    assert pairs == [
        ("0000/000001", "0/000001.png"),
        ("0000/000002", "0/000002.png"),
        ("0001/000001", "1/000001.png"),
    ]
    assert warnings == ["image-id-form"]
    # One that is left over finds its partner by its name alone, unless that partner is taken.
    assert paired(["a/1", "b/2"], ["a/1", "2"])[0] == [("a/1", "a/1"), ("b/2", "2")]
    assert paired(["a/1", "b/1"], ["a/1", "c/1"])[0] == [("a/1", "a/1"), ("b/1", None)]


def test_only_the_images_asked_for_are_paired_in_the_order_of_the_data():
    gt, pred = [3, 1, 2, "x/0004"], [1, 2, "x/4.png", 9]
    assert paired(gt, pred, [2, 3]) == ([(3, None), (2, 2)], [])
    assert paired(gt, pred, ["0001.png", "4"]) == ([(1, 1), ("x/0004", "x/4.png")], ["image-id-form"])
    assert paired(gt, pred, []) == ([], [])
    assert pair_images(source("gt.json", gt), source("pred.json", pred), [1]).extra == []


@pytest.mark.parametrize("only", [[7], [1, 7], ["a"], [True], ["4/x"], ["5"]])
def test_images_that_are_not_there_are_refused(only):
    with pytest.raises(PairingError) as caught:
        paired([1, 2, "x/4", "y/5", "z/5"], [1, 2], only)
    assert caught.value.code == "images-lacking"
    lacking = [number for number in only if number != 1 or number is True]
    assert caught.value.found.endswith(f"image {', '.join(map(repr, lacking))}")


def test_predictions_that_nobody_asked_for_are_kept_apart():
    found = pair_images(source("gt.json", ["a"]), source("pred.json", ["b", "a.png", "c"]))
    assert [image.image_id for image in found.extra] == ["b", "c"]


def test_a_prediction_belongs_to_one_image_only():
    pairs, _ = paired([1, "1", "01"], [1, "1"])
    assert pairs == [(1, 1), ("1", "1"), ("01", None)]


def test_predictions_of_other_images_are_told_with_five_examples():
    found = pair_images(source("gt.json", [1]), source("pred.json", [1, *range(10, 18)]))
    assert [warning.found for warning in found.warnings] == [
        "predictions without ground truth are not scored (8): image 10, 11, 12, 13, 14 and 3 more"
    ]


def test_missing_predictions_are_told_with_five_examples():
    found = pair_images(source("gt.json", list("abcdefgh")), source("pred.json", ["c"]))
    assert [missing.image_id for missing in found.missing] == list("abdefgh")
    error = found.missing_error("pred.json")
    assert error.found == "no prediction for 7 of 8 images: image 'a', 'b', 'd', 'e', 'f' and 2 more"
    assert error.file == "pred.json"


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 20),
    st.sampled_from(["0", "1", "01", "001.png", "a/1", "a", "a.jpg", "", ".png", "1.0"]),
    st.floats(-2, 2).filter(lambda value: value == value),
)


@given(st.lists(scalars, max_size=6, unique_by=image_key), st.lists(scalars, max_size=6, unique_by=image_key))
def test_no_prediction_is_used_twice_and_none_is_lost(gt, pred):
    found = pair_images(source("gt.json", gt), source("pred.json", pred))
    assert [image_key(one.image_id) for one, _ in found.pairs] == [image_key(number) for number in gt]
    used = [image_key(other.image_id) for _, other in found.pairs if other is not None]
    assert len(used) == len(set(used))
    assert {image_key(number) for number in gt} & {image_key(number) for number in pred} <= set(used)
    extra = len(pred) - len(used)
    told = [warning.found for warning in found.warnings if warning.code == "prediction-extra"]
    said = [text.partition(":")[0] for text in told]
    assert said == ([f"predictions without ground truth are not scored ({extra})"] if extra else [])


@given(st.lists(scalars, max_size=6, unique_by=image_key), st.lists(scalars, max_size=6, unique_by=image_key))
def test_the_order_in_the_files_does_not_matter(gt, pred):
    forward = {image_key(a): b if b is None else image_key(b) for a, b in paired(gt, pred)[0]}
    backward = {image_key(a): b if b is None else image_key(b) for a, b in paired(gt[::-1], pred[::-1])[0]}
    assert forward == backward


@pytest.mark.parametrize(
    ("missing", "counts"),
    [
        ("empty", {"evaluated": 3, "missing": 2, "skipped": 0}),
        ("skip", {"evaluated": 1, "missing": 2, "skipped": 2}),
    ],
)
def test_missing_predictions_end_to_end(tmp_path, missing, counts):
    gt = save(tmp_path / "gt.json", [image(number, [[1, 1]], {1: 1}) for number in (3, 1, 2)])
    pred = save(tmp_path / "pred.json", [image("000001.png", [[1, 1]], {1: 1}, file_name="1.png")])
    with pytest.raises(PairingError) as caught:
        pqeval.evaluate(gt=gt, pred=pred)
    assert caught.value.found == "no prediction for 2 of 3 images: image 3, 2"
    result = pqeval.evaluate(gt=gt, pred=pred, missing=missing)
    assert result.images == counts
    assert [problem.image_id for problem in pqeval.validate(gt=gt, pred=pred).errors] == [3, 2]
    assert pqeval.validate(gt=gt, pred=pred, missing=missing).errors == ()
