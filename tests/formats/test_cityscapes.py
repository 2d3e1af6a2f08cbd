"""Cityscapes as it is distributed: instanceIds and its three kin."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from datasets import PALETTE, image, png, save, says
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pair_maps import codes, partition, problems, raised, save_png, segments, sure
from PIL import Image
from triggers import Triggers, name_of

import pqeval
from pqeval.categories import Categories
from pqeval.formats._cityscapes import decode, numbering_of, rows_of
from pqeval.formats.cityscapes import write
from pqeval.labelmap import LabelMap
from pqeval.rows import Row, Rows
from pqeval.source import Written

FORMAT = "cityscapes"
TABLE = Categories.builtin("cityscapes")
TRAIN = Categories.builtin("cityscapes_train")
ONE = "bonn_000000_000019"
TWO = "bonn_000000_000020"

TRUTH = [
    [7, 7, 7, 7, 26000, 26000, 26, 26],
    [7, 7, 7, 7, 26000, 26000, 26, 29000],
]
GUESS = [
    [7, 7, 7, 26000, 26000, 26000, 26001, 26001],
    [7, 7, 7, 7, 26000, 26000, 26001, 26002],
]
# Road: 8 pixels against 7, 7 shared, 7 / 8. Car: 4 against 5, 4 shared, 4 / 5; 26001 lies in the group of cars and
# 26002 in a caravan, which is void, so that neither is a false positive.
ROAD, CAR = 7 / 8, 4 / 5

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def save_map(folder, image_id, values, ending="_gtFine_instanceIds", dtype=np.uint16) -> Path:
    """Write a map where Cityscapes has it: in the folder of its city."""
    path = Path(folder) / image_id.split("_")[0] / f"{image_id}{ending}.png"
    save_png(path, values, dtype)
    return path


def as_train_ids(values) -> np.ndarray:
    """Write instanceIds as instanceTrainIds, pixel by pixel."""
    train = {row.id: TRAIN[place].id for place, row in enumerate(TABLE)}

    def one(value):
        label, number = (value, None) if value < 1000 else divmod(value, 1000)
        if label not in train:
            return 255
        return train[label] if number is None else train[label] * 1000 + number

    return np.vectorize(one, otypes=[int])(values)


def scores(result) -> dict[str, float]:
    return {row.name: row.pq for row in result.per_class if row.tp + row.fp + row.fn}


def meaning_of(values, *, kind="instanceIds", numbering="label", bare="crowd"):
    found: list = []
    meaning = decode(np.array(values), found, kind=kind, numbering=numbering, bare=bare, remedy="repair")
    return meaning, found


# What values mean.


def test_the_vector_of_the_specification():
    meaning, found = meaning_of([26003])
    assert (meaning.category.tolist(), meaning.instance.tolist(), found) == ([26], [3], [])


def test_a_thing_without_number_is_a_group_and_stuff_is_not():
    meaning, _ = meaning_of([7, 24, 26, 33, 26000])
    assert meaning.crowd.tolist() == [False, True, True, True, False]
    assert not meaning.void.any()


def test_labels_that_are_not_scored_are_void_with_and_without_objects():
    ignored = [0, 1, 2, 3, 4, 5, 6, 9, 10, 14, 15, 16, 18, 29, 30, 29000, 29007, 30999]
    meaning, found = meaning_of(ignored)
    assert (meaning.void.all(), meaning.crowd.any(), found) == (True, False, [])


def test_all_19_classes_and_no_other_are_kept():
    meaning, _ = meaning_of(list(range(34)))
    assert meaning.category[~meaning.void].tolist() == [row.id for row in TABLE]


def test_train_ids_are_told_from_objects_by_1000_and_not_by_division():
    """11 // 1000 is 0, which is road."""
    meaning, found = meaning_of([0, 11, 255, 11000, 18999], kind="instanceTrainIds")
    assert meaning.category.tolist() == [7, 24, 0, 24, 33]
    assert meaning.void.tolist() == [False, False, True, False, False]
    assert meaning.crowd.tolist() == [False, True, False, False, False]
    assert found == []


def test_segment_ids_are_those_of_instance_ids_whatever_the_kind():
    assert meaning_of([7, 26, 26003])[0].segment.tolist() == [7, 26, 26003]
    assert meaning_of([0, 13, 13003], kind="instanceTrainIds")[0].segment.tolist() == [7, 26, 26003]


@pytest.mark.parametrize(("numbering", "expected"), [("label", [7, 26]), ("train", [0, 13])])
def test_categories_are_called_as_the_table_calls_them(numbering, expected):
    assert meaning_of([7, 26003], numbering=numbering)[0].category.tolist() == expected
    assert meaning_of([0, 13003], kind="instanceTrainIds", numbering=numbering)[0].category.tolist() == expected


@pytest.mark.parametrize("bare", ["crowd", "segment", "void"])
def test_what_a_thing_without_number_is(bare):
    meaning, found = meaning_of([26], bare=bare)
    assert (meaning.crowd[0], meaning.void[0]) == (bare == "crowd", bare == "void")
    assert codes(found) == (["thing-without-instance"] if bare == "segment" else [])


@pytest.mark.parametrize(
    ("rows", "name", "certain"),
    [
        (rows_of(TABLE), "label", True),
        (rows_of(TRAIN), "train", True),
        (rows_of(TABLE)[11:], "label", True),
        ([(0, "ROAD", 0), (6, "traffic_light", 0), (1, "Gehweg", 0)], "train", True),
        ([(7, "7", 0), (26, "26", 1)], "label", True),
        ([(0, "0", 0), (13, "13", 1)], "train", True),
        ([(0, "0", False), (99, "99", False)], "train", False),
        ([(11, "11", 1), (12, "12", 1)], "train", True),
        ([(11, "11", None), (12, "12", None)], "label", True),
        ([(11, "11", 0), (12, "12", 1)], "label", False),
        (rows_of(Categories.builtin("coco")), "label", False),
        (rows_of(Categories.builtin("kitti_step")), "train", False),
        ([(True, "road", 0), ("7", "road", 0)], "label", False),
        ([], "label", False),
    ],
)
def test_the_numbering_of_a_table(rows, name, certain):
    assert numbering_of(rows) == (name, certain)


# Scores.


def test_scores_worked_out_by_hand(tmp_path):
    save_map(tmp_path / "gt", ONE, TRUTH)
    save_map(tmp_path / "pred", ONE, GUESS)
    result = pqeval.evaluate(gt=tmp_path / "gt", pred=tmp_path / "pred", format=FORMAT)
    assert scores(result) == {"road": ROAD, "car": CAR}
    assert result.pq == (ROAD + CAR) / 2
    assert result.convention == "cityscapes"
    assert [warning for warning in result.warnings if "[" in warning] == []
    assert result.per_class[13].fp == 0


@pytest.mark.parametrize("gt_kind", ["instanceIds", "instanceTrainIds"])
@pytest.mark.parametrize("pred_kind", ["instanceIds", "instanceTrainIds"])
@pytest.mark.parametrize("table", [None, "cityscapes", "cityscapes_train"])
def test_either_side_may_have_train_ids(tmp_path, gt_kind, pred_kind, table):
    for side, kind, values in (("gt", gt_kind, TRUTH), ("pred", pred_kind, GUESS)):
        values = as_train_ids(values) if "Train" in kind else values
        save_map(tmp_path / side, ONE, values, f"_{kind}")
    result = pqeval.evaluate(
        gt=tmp_path / "gt",
        pred=tmp_path / "pred",
        format=FORMAT,
        categories=None if table is None else list_of(table),
    )
    # In train ids a caravan is 255: void in the ground truth, and in a prediction no segment at all.
    assert scores(result) == {"road": ROAD, "car": CAR}


def list_of(table):
    return [row.as_dict() for row in Categories.builtin(table)]


def test_a_prediction_of_labels_alone(tmp_path):
    save_map(tmp_path / "gt", ONE, TRUTH)
    labels = [[7, 7, 7, 26, 26, 26, 26, 26], [7, 7, 7, 7, 26, 26, 26, 26]]
    save_map(tmp_path / "pred", ONE, labels, "_pred_labelIds", np.uint8)
    result = pqeval.evaluate(gt=tmp_path / "gt", pred=tmp_path / "pred", format=FORMAT)
    # All cars are one segment of 9 pixels: 4 in the object, 3 in the group, 1 in void. Union 9 + 4 - 4 - 1 = 8;
    # 4 / 8 is no match. Void and group are 4 of 9, not more than half: a false positive, and a missed car.
    assert scores(result) == {"road": ROAD, "car": 0}
    assert [warning[:14] for warning in result.warnings] == ["[no-instances]"]


@pytest.mark.parametrize("kind", ["labelIds", "labelTrainIds"])
def test_labels_alone_as_ground_truth_score_stuff(tmp_path, kind):
    values = np.array([[7, 7, 26, 26]])
    save_map(tmp_path, ONE, as_train_ids(values) if "Train" in kind else values, f"_gtFine_{kind}", np.uint8)
    result = pqeval.evaluate(gt=tmp_path, pred=tmp_path, format=FORMAT)
    assert scores(result) == {"road": 1.0}


def test_a_palette_of_labels_is_read_by_its_indices(tmp_path):
    path = tmp_path / f"{ONE}_labelIds.png"
    colours = [(0, 0, 0)] * 24
    path.write_bytes(png([[(7,), (23,)]], color=PALETTE, palette=colours))
    assert partition(tmp_path, FORMAT, role="pred") == {ONE: ([[0, 1]], {0: (7, False), 1: (23, False)})}


def test_against_coco_both_ways(tmp_path):
    save_map(tmp_path / "raw", ONE, TRUTH)
    rows = [
        {"id": 1, "category_id": 7},
        {"id": 2, "category_id": 26},
        {"id": 3, "category_id": 26, "iscrowd": 1},
    ]
    coco = save(
        tmp_path / "coco.json",
        [image(ONE, [[1, 1, 1, 1, 2, 2, 3, 3], [1, 1, 1, 1, 2, 2, 3, 0]], rows)],
        categories=list_of("cityscapes"),
    )
    one = pqeval.evaluate(gt=tmp_path / "raw", pred=coco, gt_format=FORMAT, pred_format="coco")
    other = pqeval.evaluate(gt=coco, pred=tmp_path / "raw", gt_format="coco", pred_format=FORMAT)
    assert (one.pq, other.pq) == (1.0, 1.0)


def test_a_raw_prediction_takes_the_numbering_of_a_coco_ground_truth(tmp_path):
    save_map(tmp_path / "raw", ONE, [[7, 26000]])
    rows = {1: 0, 2: 13}
    coco = save(tmp_path / "coco.json", [image(ONE, [[1, 2]], rows)], categories=list_of("cityscapes_train"))
    assert pqeval.evaluate(gt=coco, pred=tmp_path / "raw", gt_format="coco", pred_format=FORMAT).pq == 1.0


# Files.


def test_of_several_kinds_beside_each_other_instance_ids_are_read(tmp_path):
    save_map(tmp_path, ONE, [[7, 26000]])
    save_map(tmp_path, ONE, [[0, 13001]], "_gtFine_instanceTrainIds")
    save_map(tmp_path, ONE, [[7, 26]], "_gtFine_labelIds", np.uint8)
    save_map(tmp_path, ONE, [[0, 13]], "_gtFine_labelTrainIds", np.uint8)
    save_map(tmp_path, ONE, [[[128, 64, 128], [0, 0, 142]]], "_gtFine_color", np.uint8)
    save_map(tmp_path, ONE, [[[1, 2, 3], [4, 5, 6]]], "_leftImg8bit", np.uint8)
    (tmp_path / "bonn" / f"{ONE}_gtFine_polygons.json").write_text("{}")
    expected = {"instanceIds": 26000, "instanceTrainIds": 26001, "labelIds": 26, "labelTrainIds": 26}
    assert list(segments(tmp_path, FORMAT)[ONE][1]) == [7, 26000]
    for kind, number in expected.items():
        assert list(segments(tmp_path, FORMAT, options={"kind": kind})[ONE][1]) == [7, number]


@pytest.mark.parametrize("ending", ["", "_pred", "_leftImg8bit_pred", "_gtFine"])
def test_names_that_tell_no_kind_are_instance_ids(tmp_path, ending):
    save_map(tmp_path, ONE, [[7, 26000]], ending)
    assert list(segments(tmp_path, FORMAT)) == [ONE]
    assert sure(tmp_path, FORMAT) == 1


def test_names_that_tell_no_kind_are_what_the_option_says(tmp_path):
    save_map(tmp_path, ONE, [[0, 13]], "", np.uint8)
    said = {"kind": "labelTrainIds"}
    assert partition(tmp_path, FORMAT, options=said) == {ONE: ([[0, 1]], {0: (7, False), 1: (26, True)})}


def test_pictures_do_not_count_as_another_kind(tmp_path):
    save_map(tmp_path, ONE, [[7]], "_pred")
    for picture in ("_leftImg8bit", "_gtFine_color", "_pred_color", "_gtFine_panoptic", "_disparity"):
        save_map(tmp_path, ONE, [[7]], picture)
    assert list(segments(tmp_path, FORMAT)) == [ONE]


@pytest.mark.parametrize(
    ("ending", "image_id"),
    [
        ("_gtFine_instanceIds", ONE),
        ("_gtCoarse_instanceIds", ONE),
        ("_instanceIds", ONE),
        ("_leftImg8bit_instanceIds", ONE),
    ],
)
def test_the_image_id_ends_at_the_third_underscore(tmp_path, ending, image_id):
    save_map(tmp_path, ONE, [[7]], ending)
    assert list(segments(tmp_path, FORMAT)) == [image_id]


def test_datasets_in_the_style_of_cityscapes_keep_their_names(tmp_path):
    save_png(tmp_path / "scene-12_gtFine_instanceIds.png", [[7]], np.uint16)
    save_png(tmp_path / "13_instanceIds.png", [[7]], np.uint16)
    assert list(segments(tmp_path, FORMAT)) == ["13", "scene-12"]


def test_a_folder_above_with_hyphens_and_a_zip_are_read(tmp_path):
    image_id = "bad-honnef_000000_000000"
    save_map(tmp_path / "gtCoarse" / "train_extra", image_id, [[7]], "_gtCoarse_instanceIds")
    assert list(segments(tmp_path / "gtCoarse", FORMAT)) == [image_id]
    name = next((tmp_path / "gtCoarse").rglob("*.png"))
    with zipfile.ZipFile(tmp_path / "gt.zip", "w") as archive:
        archive.write(name, name.relative_to(tmp_path))
    assert list(segments(tmp_path / "gt.zip", FORMAT)) == [image_id]


def test_files_say_that_they_are_cityscapes(tmp_path):
    save_map(tmp_path / "one", ONE, [[7]])
    save_map(tmp_path / "two", ONE, [[7]], "_labelTrainIds", np.uint8)
    save_map(tmp_path / "three", ONE, [[7]], "", np.uint8)
    save_png(tmp_path / "four" / "000000_000000_bonn_000000_000019_gtFine_instanceTrainIds.png", [[7]], np.uint16)
    save_png(tmp_path / "five" / "0002" / "000000.png", [[7]], np.uint16)
    answers = [sure(tmp_path / name, FORMAT) for name in ("one", "two", "three", "four", "five")]
    assert answers == [2, 2, 0, 0, 0]


# Writing.


def written(image_id, ids, rows, **other) -> Written:
    listed = [Row(number, category, crowd) for number, (category, crowd) in rows.items()]
    return Written(image_id, LabelMap.from_array(np.array(ids)), Rows.of(listed), **other)


def values_in(path) -> list:
    return np.asarray(Image.open(path)).tolist()


def test_what_is_written(tmp_path):
    """By ascending id: 5 and 9 are cars, 26004 is one already, and 2 and 3 are groups."""
    rows = {
        1: (7, False),
        2: (24, True),
        3: (24, True),
        5: (26, False),
        9: (26, False),
        24000: (26, False),
        26000: (26, False),
    }
    write(tmp_path, [written(ONE, [[1, 2, 3, 5, 9, 24000, 26000, 0]], rows)], TABLE)
    path = tmp_path / "bonn" / f"{ONE}_gtFine_instanceIds.png"
    assert values_in(path) == [[7, 24, 24, 26001, 26002, 26003, 26000, 0]]
    with Image.open(path) as stored:
        assert stored.mode == "I;16"


def test_train_ids_and_other_image_ids_are_written(tmp_path):
    write(tmp_path, [written("a b", [[1, 0]], {1: (13, False)}), written(7, [[2]], {2: (0, False)})], TRAIN)
    assert values_in(tmp_path / "a b_gtFine_instanceIds.png") == [[26000, 0]]
    assert values_in(tmp_path / "7_gtFine_instanceIds.png") == [[7]]
    assert list(segments(tmp_path, FORMAT)) == ["7", "a b"]


def test_a_thousand_objects_are_written(tmp_path):
    ids = np.arange(1, 1001)
    write(tmp_path, [written(ONE, [ids], dict.fromkeys(ids.tolist(), (26, False)))], TABLE)
    assert values_in(tmp_path / "bonn" / f"{ONE}_gtFine_instanceIds.png") == [list(range(26000, 27000))]


def test_a_name_as_a_table_has_it_by_mistake_is_no_other_class(tmp_path):
    rows = [row | ({"name": "vegitation"} if row["id"] == 8 else {}) for row in list_of("cityscapes_train")]
    write(tmp_path, [written(ONE, [[1]], {1: (8, False)})], Categories.of(rows))
    assert values_in(tmp_path / "bonn" / f"{ONE}_gtFine_instanceIds.png") == [[21]]


VALUES = [0, 4, 7, 8, 23, 24, 26, 29, 29000, 24000, 24001, 26000, 26999, 33005]


@settings(max_examples=25)
@given(arrays.arrays(np.uint16, st.tuples(st.integers(1, 4), st.integers(1, 6)), elements=st.sampled_from(VALUES)))
def test_there_and_back(values):
    """To COCO and back the values are the same, but for those that are void."""
    kept = np.where(np.isin(values, [4, 29, 29000]), 0, values)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_map(folder / "one", ONE, values)
        pqeval.convert(folder / "one", folder / "coco.json", format=FORMAT)
        assert partition(folder / "coco.json", "coco") == partition(folder / "one", FORMAT)
        pqeval.convert(folder / "coco.json", folder / "two", format="coco", to=FORMAT)
        assert values_in(folder / "two" / "bonn" / f"{ONE}_gtFine_instanceIds.png") == kept.tolist()
        save_map(folder / "train", ONE, as_train_ids(values), "_instanceTrainIds")
        assert partition(folder / "train", FORMAT) == partition(folder / "one", FORMAT)


# What is wrong.


@trigger
def eight_bits(folder):
    save_map(folder, ONE, [[7]], dtype=np.uint8)
    save_map(folder / "pred", ONE, [[7]])
    says(
        raised(pqeval.evaluate, gt=folder / "bonn", pred=folder / "pred", format=FORMAT),
        f"""
        DIR/bonn/{ONE}_gtFine_instanceIds.png (image '{ONE}'): the PNG is 8-bit grayscale
          expected: 16-bit grayscale
          do: save a uint16 array, since numbers above 255 are lost in 8 bits; maps of labels alone are read with
              the option kind=labelIds
        """,
        folder=folder,
    )


@trigger
def objects_in_a_map_of_labels(folder):
    save_map(folder, ONE, [[26000]], "_labelIds")
    says(
        problems(gt=folder, pred=folder, format=FORMAT)[2],
        f"""
        DIR/bonn/{ONE}_labelIds.png (image '{ONE}'): the PNG is 16-bit grayscale
          expected: 8-bit grayscale or 8-bit palette
          do: save a uint8 array of labels; if there are objects in it, say kind=instanceIds
        """,
        folder=folder,
    )


@trigger
def no_label(folder):
    save_map(folder, ONE, [[7, 34, 255, 65535]])
    says(
        problems(gt=folder, pred=folder, format=FORMAT)[0],
        f"""
        DIR/bonn/{ONE}_gtFine_instanceIds.png (image '{ONE}'): pixels have the value 34, 255, 65535, which is no
              label id
          expected: label ids 0 to 33; for an object 1000 times that, plus its number
          do: write the values of Cityscapes; if these are of another kind, say so with the option kind, as in
              kind=instanceTrainIds
        """,
        folder=folder,
    )


@trigger
def no_train_id(folder):
    save_map(folder, ONE, [[19, 26000]], "_instanceTrainIds")
    says(
        problems(gt=folder, pred=folder, format=FORMAT)[0],
        f"""
        DIR/bonn/{ONE}_instanceTrainIds.png (image '{ONE}'): pixels have the value 19, 26000, which is no train id
          expected: train ids 0 to 18, or 255; for an object 1000 times that, plus its number
          do: write the values of Cityscapes; if these are of another kind, say so with the option kind, as in
              kind=instanceIds
        """,
        folder=folder,
    )


@trigger
def no_label_alone(folder):
    save_map(folder, ONE, [[255]], "_labelIds", np.uint8)
    says(
        problems(gt=folder, pred=folder, format=FORMAT)[-1],
        f"""
        DIR/bonn/{ONE}_labelIds.png (image '{ONE}'): pixels have the value 255, which is no label id
          expected: label ids 0 to 33
          do: write the values of Cityscapes; if these are of another kind, say so with the option kind, as in
              kind=labelTrainIds
        """,
        folder=folder,
    )


@trigger
def no_train_id_alone(folder):
    save_map(folder, ONE, [[33]], "_labelTrainIds", np.uint8)
    says(
        problems(gt=folder, pred=folder, format=FORMAT)[-1],
        f"""
        DIR/bonn/{ONE}_labelTrainIds.png (image '{ONE}'): pixels have the value 33, which is no train id
          expected: train ids 0 to 18, or 255
          do: write the values of Cityscapes; if these are of another kind, say so with the option kind, as in
              kind=labelIds
        """,
        folder=folder,
    )


@trigger
def objects_of_stuff(folder):
    save_map(folder, ONE, [[7000, 4000, 26000]])
    says(
        problems(gt=folder, pred=folder, format=FORMAT)[0],
        f"""
        DIR/bonn/{ONE}_gtFine_instanceIds.png (image '{ONE}'): pixels have the value 4000, 7000: an object of a
              class that has no objects
          expected: objects of things only: label ids 24 to 33
          do: write the values of Cityscapes; if these are of another kind, say so with the option kind, as in
              kind=instanceTrainIds
        """,
        folder=folder,
    )


@trigger
def objects_of_stuff_in_train_ids(folder):
    save_map(folder, ONE, [[1000]], "_instanceTrainIds")
    says(
        problems(gt=folder, pred=folder, format=FORMAT)[0],
        f"""
        DIR/bonn/{ONE}_instanceTrainIds.png (image '{ONE}'): pixels have the value 1000: an object of a class that
              has no objects
          expected: objects of things only: train ids 11 to 18
          do: write the values of Cityscapes; if these are of another kind, say so with the option kind, as in
              kind=instanceIds
        """,
        folder=folder,
    )


@trigger
def predicted_things_without_number(folder):
    save_map(folder, ONE, [[26, 24, 7]])
    says(
        problems(gt=folder, pred=folder, format=FORMAT),
        f"""
        DIR/bonn/{ONE}_gtFine_instanceIds.png (image '{ONE}'): pixels have the value 24, 26: things without a
              number; those of a class are one segment
          expected: 1000 times the class, plus the number of the object
          do: number the objects of each class from 0
        """,
        folder=folder,
    )


@trigger
def labels_alone(folder):
    save_map(folder, ONE, [[7]], "_labelIds", np.uint8)
    says(
        problems(gt=folder, pred=folder, format=FORMAT),
        """
        DIR: labelIds have no objects: all things of a class are a crowd, and are not scored
          expected: instanceIds
          do: name the folder that has instanceIds, if there is one
        DIR: labelIds have no objects: all things of a class in an image are one segment
          expected: instanceIds
          do: name the folder that has instanceIds, if there is one
        """,
        folder=folder,
    )


@trigger
def nothing_there(folder):
    save_png(folder / "0001.png", [[7]])
    says(
        raised(pqeval.convert, folder, folder / "out.json", format=FORMAT),
        """
        DIR: there are no files of this format
          expected: files such as frankfurt_000000_000294_gtFine_instanceIds.png
          do: check the folder, and the format with `pqeval formats`
        """,
        folder=folder,
    )


def test_the_kind_that_is_not_there_is_named(tmp_path):
    save_map(tmp_path, ONE, [[7]])
    error = raised(pqeval.convert, tmp_path, tmp_path / "o.json", format=FORMAT, options={"kind": "labelTrainIds"})
    assert error.expected == "files such as frankfurt_000000_000294_gtFine_labelTrainIds.png"


@trigger
def names_of_two_endings(folder):
    save_map(folder, ONE, [[7]], "_a")
    save_map(folder, ONE, [[7]], "_b")
    says(
        raised(pqeval.convert, folder, folder / "out.json", format=FORMAT),
        f"""
        DIR: there are files of several kinds: bonn/{ONE}_a.png and bonn/{ONE}_b.png
          expected: files such as frankfurt_000000_000294_gtFine_instanceIds.png, or of one kind only
          do: name the folder that has the maps and nothing else, or end their names as Cityscapes does
        """,
        folder=folder,
    )


@trigger
def one_image_without_instances(folder):
    save_map(folder, ONE, [[7]])
    save_map(folder, TWO, [[7]], "_gtFine_labelIds", np.uint8)
    save_map(folder / "pred", ONE, [[7]])
    says(
        problems(gt=folder / "bonn", pred=folder / "pred", format=FORMAT),
        f"""
        DIR/bonn: images with labelIds and no instanceIds are left out (1): {TWO}
          expected: instanceIds of every image
          do: make them with cityscapesScripts, or read the others with the option kind=labelIds
        """,
        folder=folder,
    )


@trigger
def two_images_without_instances(folder):
    save_map(folder, ONE, [[7]])
    for image_id in (TWO, "bonn_000000_000021"):
        save_map(folder, image_id, [[0]], "_gtFine_labelTrainIds", np.uint8)
    found = problems(gt=folder, pred=folder, format=FORMAT)[0]
    assert found.found == f"images with labelTrainIds and no instanceIds are left out (2): {TWO} and others"


@trigger
def one_image_in_two_splits(folder):
    save_map(folder / "gtFine", ONE, [[7]])
    save_map(folder / "gtCoarse", ONE, [[7]], "_gtCoarse_instanceIds")
    says(
        raised(pqeval.convert, folder, folder / "out.json", format=FORMAT),
        f"""
        DIR (image '{ONE}'): two files are of one image: DIR/gtCoarse/bonn/{ONE}_gtCoarse_instanceIds.png and
              DIR/gtFine/bonn/{ONE}_gtFine_instanceIds.png
          expected: one file per image
          do: name the folder of one split or one kind of file, or remove the other file
        """,
        folder=folder,
    )


@trigger
def an_unknown_kind(folder):
    save_map(folder, ONE, [[7]])
    says(
        raised(pqeval.convert, folder, folder / "out.json", format=FORMAT, options={"kind": "color"}),
        """
        gt option kind is 'color'
          expected: one of: auto, instanceIds, instanceTrainIds, labelIds, labelTrainIds
          do: see `pqeval formats NAME`
        """,
    )


@trigger
def a_file_instead_of_a_folder(folder):
    path = save_map(folder, ONE, [[7]])
    says(
        raised(pqeval.convert, path, folder / "out.json", format=FORMAT),
        f"""
        DIR/bonn/{ONE}_gtFine_instanceIds.png: is a file
          expected: a folder, or a zip or tar file
          do: name the folder that the files are in
        """,
        folder=folder,
    )


# What cannot be written.


@trigger
def another_table(folder):
    says(
        raised(write, folder, [], Categories.builtin("coco")),
        """
        category_id 1 (person) is no class that Cityscapes scores
          expected: the 19 classes of Cityscapes or some of them, by label ids or train ids
          do: write another format, such as coco; or give the table with --categories (categories=)
        """,
    )


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([{"id": 7, "name": "Strasse", "isthing": 0}], "7 (Strasse)"),
        ([*list_of("cityscapes"), {"id": 29, "name": "caravan", "isthing": 1}], "29 (caravan)"),
        (list_of("kitti_step"), "12 (rider)"),
        ([*list_of("cityscapes")[1:], {"id": 7, "name": "sky", "isthing": 0}], "7 (sky)"),
    ],
)
def test_tables_that_are_not_quite_that_of_cityscapes_are_refused(tmp_path, rows, found):
    error = raised(write, tmp_path, [], Categories.of(rows))
    assert error.found == f"category_id {found} is no class that Cityscapes scores"


@trigger
def an_image_id_that_is_no_name(folder):
    says(
        raised(write, folder, [written("a/b", [[0]], {})], TABLE),
        """
        image 'a/b': a file cannot be named after the image id 'a/b'
          expected: image ids such as frankfurt_000000_000294
          do: write another format, such as coco, or rename the images
        """,
    )


@pytest.mark.parametrize("image_id", ["", "..", ".a", "bonn_000000_000019_x", "\0"])
def test_names_that_would_be_read_as_others_are_refused(tmp_path, image_id):
    error = raised(write, tmp_path, [written(image_id, [[0]], {})], TABLE)
    assert error.code == "image-id-name"


@trigger
def an_image_twice(folder):
    frames = [written(7, [[1]], {1: (7, False)}), written("7", [[1]], {1: (7, False)})]
    says(
        raised(write, folder, frames, TABLE),
        """
        image '7': two images would be saved as 7
          expected: every image id once
          do: give every image its own id
        """,
    )


@trigger
def a_volume(folder):
    says(
        raised(write, folder, [written(ONE, [[[1]]], {1: (7, False)})], TABLE),
        f"""
        image '{ONE}': a map of shape (1, 1, 1) cannot be stored in this format
          expected: an (H, W) map
          do: write another format, such as numpy
        """,
    )


@trigger
def a_category_that_the_table_lacks(folder):
    says(
        raised(write, folder, [written(ONE, [[1]], {1: (29, False)})], TABLE),
        f"""
        image '{ONE}': a segment has category_id 29, which the category table lacks
          expected: categories of the table
          do: add the category to the table, or correct the segment
        """,
    )


@trigger
def two_roads(folder):
    says(
        raised(write, folder, [written(ONE, [[1, 2]], {1: (7, False), 2: (7, False)})], TABLE),
        f"""
        image '{ONE}': segment id 2 is a second segment of road, which is stuff
          expected: one segment per class of stuff in an image, and no crowds of it
          do: merge the segments of the class, or write another format, such as coco
        """,
    )
    assert list(folder.iterdir()) == []


@trigger
def a_crowd_of_sky(folder):
    error = raised(write, folder, [written(ONE, [[1]], {1: (23, True)})], TABLE)
    assert error.found == "segment id 1 is a crowd of sky, which is stuff"


@trigger
def too_many_cars(folder):
    ids = np.arange(1, 1002)
    says(
        raised(write, folder, [written(ONE, [ids], dict.fromkeys(ids.tolist(), (26, False)))], TABLE),
        f"""
        image '{ONE}': there are more than 1000 objects of category_id 26
          expected: at most 1000 objects of a class in an image
          do: write another format, such as coco
        """,
    )
