"""deeplab2: raw_panoptic dumps."""

from __future__ import annotations

import numpy as np
import pytest
from datasets import image, save, says
from hypothesis import given, settings
from pair_maps import (
    codes,
    pair_maps,
    partition,
    problems,
    raised,
    save_png,
    save_rgb,
    save_step,
    segments,
    sequences,
    sure,
)
from triggers import Triggers, name_of

import pqeval
from pqeval.categories import Categories

FORMAT = "deeplab2"
ROAD, SKY, PERSON, CAR = 7, 23, 24, 26
"""Label ids of Cityscapes; 0 is void."""

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def save_array(path, category, instance=0, third=0, dtype=np.int32):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.stack(np.broadcast_arrays(category, instance, third), axis=-1).astype(dtype))


def read(folder, category, instance=0, *, role="pred", categories=None, **options):
    """Return names and meanings of the segments of one two-channel PNG."""
    save_rgb(folder / "raw_panoptic" / "7.png", category, instance)
    return partition(folder, FORMAT, role=role, categories=categories, options=options)["7"]


def table(name):
    return [row.as_dict() for row in Categories.builtin(name)]


# What values mean.


def test_label_ids_are_the_default_for_cityscapes(tmp_path):
    names, meanings = read(tmp_path, [[ROAD, CAR, CAR, 0]], [[0, 1, 2, 0]])
    assert names == [[0, 1, 2, -1]]
    assert meanings == {0: (ROAD, False), 1: (CAR, False), 2: (CAR, False)}


@pytest.mark.parametrize(
    ("said", "numbers"),
    [
        ({}, [7, 26, 0]),
        ({"table": "cityscapes"}, [7, 26, 0]),
        ({"table": "cityscapes_train"}, [0, 13, 255]),
        ({"table": "same"}, [0, 13, 255]),
    ],
)
def test_classes_are_renumbered_for_a_table_of_train_ids(tmp_path, said, numbers):
    names, meanings = read(tmp_path, [numbers], [[0, 1, 0]], categories=table("cityscapes_train"), **said)
    assert (names, meanings) == ([[0, 1, -1]], {0: (0, False), 1: (13, False)})


def test_train_ids_are_renumbered_for_a_table_of_label_ids(tmp_path):
    found = read(tmp_path, [[0, 13, 255]], categories=table("cityscapes"), table="cityscapes_train")
    assert found == ([[0, 1, -1]], {0: (ROAD, False), 1: (CAR, False)})


@pytest.mark.parametrize("said", [{}, {"table": "ade20k"}])
def test_the_classes_of_ade20k_are_moved_by_one(tmp_path, said):
    """0 is void in the files, and 1 is category 0, wall."""
    found = read(tmp_path, [[0, 1, 150]], categories=table("ade20k"), **said)
    assert found == ([[-1, 1, 2]], {1: (0, False), 2: (149, False)})


def test_the_classes_of_coco_are_its_ids_and_0_is_void(tmp_path):
    for categories in (table("coco"), None):
        found = read(tmp_path, [[0, 1, 200]], categories=categories, table="coco")
        assert found == ([[-1, 1, 2]], {1: (1, False), 2: (200, False)})
    assert read(tmp_path, [[0, 1, 200]], categories=table("coco")) == found


def test_the_train_ids_of_coco_are_places_from_1(tmp_path):
    # Category 12 does not exist, so place 12 is category 13; the last of 133 is 200.
    found = read(tmp_path, [[0, 12, 133]], table="coco_train")
    assert found == ([[-1, 1, 2]], {1: (13, False), 2: (200, False)})


@pytest.mark.parametrize("name", ["kitti_step", "motchallenge_step", "semkitti_dvps"])
def test_other_datasets_have_void_255(tmp_path, name):
    for options in ({"table": name}, {"table": "same", "categories": table(name)}, {"categories": table(name)}):
        assert read(tmp_path, [[0, 255]], 1, **options)[0] == [[0, -1]]


def test_another_number_can_mean_void(tmp_path):
    assert read(tmp_path, [[ROAD, 200, 0]], void="200")[0] == [[0, -1, -1]]
    assert read(tmp_path, [[1, 0, 9]], categories=table("coco"), void="99")[0] == [[0, -1, 2]]


def test_void_is_void_whatever_its_instance(tmp_path):
    assert read(tmp_path, [[ROAD, 0, 0]], [[0, 0, 5]])[0] == [[0, -1, -1]]
    assert problems(gt=tmp_path, pred=tmp_path, format=FORMAT) == []


@pytest.mark.parametrize(
    ("role", "said", "meaning"),
    [
        ("gt", {}, (PERSON, True)),
        ("pred", {}, (PERSON, False)),
        ("gt", {"instance0": "object"}, (PERSON, False)),
        ("gt", {"instance0": "void"}, None),
    ],
)
def test_a_thing_with_instance_0(tmp_path, role, said, meaning):
    found = read(tmp_path, [[ROAD, PERSON]], role=role, **said)
    assert found == ([[0, 1 if meaning else -1]], {0: (ROAD, False)} | ({1: meaning} if meaning else {}))


# Encodings.


def test_all_three_encodings_say_the_same(tmp_path):
    category, instance = np.array([[ROAD, CAR, CAR, CAR]]), np.array([[0, 1, 2, 255]])
    save_rgb(tmp_path / "two" / "7.png", category, instance)
    save_step(tmp_path / "three" / "7.png", category, instance)
    save_array(tmp_path / "array" / "7.npy", category, instance)
    save_array(tmp_path / "int64" / "7.npy", category, instance, dtype=np.int64)
    found = [partition(tmp_path / name, FORMAT, role="pred") for name in ("two", "three", "array", "int64")]
    assert found == [found[0]] * 4
    assert found[0]["7"][0] == [[0, 1, 2, 3]]
    said = {"encoding": "three_channel"}
    assert partition(tmp_path / "three", FORMAT, role="pred", options=said) == found[0]


def test_instances_above_255(tmp_path):
    save_step(tmp_path / "7.png", [[CAR] * 3], [[1, 257, 65535]])
    assert partition(tmp_path, FORMAT, role="pred")["7"][0] == [[0, 1, 2]]


def test_an_array_holds_what_a_png_cannot(tmp_path):
    """The divisor of Waymo is 100 000."""
    save_array(tmp_path / "7.npy", [[CAR] * 3], [[99999, 65536, 2**20 - 1]])
    assert partition(tmp_path, FORMAT, role="pred")["7"][0] == [[0, 1, 2]]


def test_an_object_keeps_its_segment_id_over_the_frames(tmp_path):
    """Also where B is 0 in one frame only, as it is for instance 256."""
    save_step(tmp_path / "0002" / "000000.png", [[CAR, CAR]], [[256, 512]])
    save_step(tmp_path / "0002" / "000001.png", [[CAR, CAR]], [[256, 3]])
    first, second = (ids[0].tolist() for ids, _ in segments(tmp_path, FORMAT, role="pred").values())
    assert first[0] == second[0]
    assert len({*first, *second}) == 3


# Files.


def test_only_raw_panoptic_is_read_of_the_whole_output(tmp_path):
    save_rgb(tmp_path / "vis" / "raw_panoptic" / "a.png", [[ROAD]])
    save_png(tmp_path / "vis" / "raw_semantic" / "a.png", [[ROAD]])
    save_rgb(tmp_path / "vis" / "000000_panoptic_prediction.png", [[128]], 64, 128)
    for folder in (tmp_path, tmp_path / "vis", tmp_path / "vis" / "raw_panoptic"):
        assert list(segments(folder, FORMAT, role="pred")) == ["a"]
        assert sure(folder, FORMAT) == 2


def test_folders_in_it_are_sequences(tmp_path):
    for frame in ("0002/000000", "0002/000001", "0006/000000"):
        save_rgb(tmp_path / "raw_panoptic" / f"{frame}.png", [[ROAD]])
    found = segments(tmp_path, FORMAT, role="pred")
    assert list(found) == ["0002/000000", "0002/000001", "0006/000000"]
    assert list(sequences(tmp_path, FORMAT).values()) == ["0002", "0002", "0006"]
    save_rgb(tmp_path / "flat" / "raw_panoptic" / "a.png", [[ROAD]])
    assert sequences(tmp_path / "flat", FORMAT) == {"a": None}


def test_the_second_frame_of_a_pair_is_left_out(tmp_path):
    for name in ("a", "a_next", "b_next"):
        save_rgb(tmp_path / "raw_panoptic" / f"{name}.png", [[ROAD]])
    assert list(segments(tmp_path, FORMAT, role="pred")) == ["a", "b_next"]


def test_without_their_folder_files_can_be_of_other_formats(tmp_path):
    save_rgb(tmp_path / "rgb" / "a.png", [[ROAD]])
    save_png(tmp_path / "gray" / "a.png", [[ROAD]])
    save_array(tmp_path / "array" / "a.npy", [[ROAD]])
    save_array(tmp_path / "raw_panoptic" / "a.npy", [[ROAD]])
    save_rgb(tmp_path / "vis" / "000000_panoptic_prediction.png", [[128]], 64, 128)
    found = {name: sure(tmp_path / name, FORMAT) for name in ("rgb", "gray", "array", "raw_panoptic", "vis")}
    assert found == {"rgb": 1, "gray": 0, "array": 0, "raw_panoptic": 2, "vis": 2}


# Scores.


def test_a_score_worked_out_by_hand(tmp_path):
    # Road: 4 pixels, 3 found: 3 / 4. Car 1: 3 pixels, all found, and 1 of the road: 3 / 4. Car 2 of the prediction
    # lies on a crowd (instance 0): this convention does not excuse it. Sky on void is excused.
    save_step(tmp_path / "gt" / "a.png", [[ROAD] * 4 + [CAR] * 3 + [CAR] * 2 + [0]], [[0] * 4 + [1] * 3 + [0] * 3])
    save_rgb(
        tmp_path / "pred" / "a.png",
        [[ROAD, ROAD, ROAD, CAR, CAR, CAR, CAR, CAR, CAR, SKY]],
        [[0, 0, 0, 9, 9, 9, 9, 2, 2, 0]],
    )
    result = pqeval.evaluate(gt=tmp_path / "gt", pred=tmp_path / "pred", format=FORMAT)
    scores = {row.id: row for row in result.per_class}
    assert result.convention == "deeplab2"
    assert scores[ROAD].pq == 3 / 4
    assert (scores[CAR].pq, scores[CAR].fp) == (3 / 4 / (1 + 1 / 2), 1)
    assert scores[SKY].fp == 0
    lenient = pqeval.evaluate(gt=tmp_path / "gt", pred=tmp_path / "pred", format=FORMAT, convention="coco")
    assert {row.id: row.pq for row in lenient.per_class}[CAR] == 3 / 4


def test_against_coco_both_ways(tmp_path):
    save_array(tmp_path / "raw_panoptic" / "a.npy", [[ROAD, ROAD, ROAD, CAR]], [[0, 0, 0, 1]])
    coco = save(
        tmp_path / "coco.json",
        [image("a", [[1, 1, 2, 2]], {1: 0, 2: 13})],
        categories=table("cityscapes_train"),
    )
    for gt, pred, formats in (
        (coco, tmp_path / "raw_panoptic", ("coco", FORMAT)),
        (tmp_path / "raw_panoptic", coco, (FORMAT, "coco")),
    ):
        result = pqeval.evaluate(
            gt=gt,
            pred=pred,
            gt_format=formats[0],
            pred_format=formats[1],
            categories=table("cityscapes_train"),
        )
        assert [row.pq for row in result.per_class if row.id in (0, 13)] == [2 / 3, 0]


@settings(max_examples=20)
@given(pair_maps(things=[PERSON, CAR], stuff=[ROAD, SKY], void=0, instances=[1, 2, 255, 256, 65535], crowd=0))
def test_to_coco_and_back(tmp_path_factory, frames):
    folder = tmp_path_factory.mktemp("deeplab2")
    ((category, instance),) = frames
    save_step(folder / "raw_panoptic" / "a.png", category, instance)
    before = partition(folder, FORMAT)
    save_array(folder / "array" / "a.npy", category, instance)
    assert partition(folder / "array", FORMAT) == before
    pqeval.convert(folder, folder / "coco.json", format=FORMAT)
    assert partition(folder / "coco.json", "coco") == before


# What is said.


def found_in(folder, save_it, *, gt=ROAD, **options):
    """Return what ``validate`` finds where one prediction was saved by a function of its folder."""
    save_rgb(folder / "gt" / "a.png", [[gt]])
    save_it(folder / "pred")
    return problems(gt=folder / "gt", pred=folder / "pred", format=FORMAT, **options)


@trigger
def train_ids_where_label_ids_were_expected(folder):
    says(
        found_in(folder, lambda pred: save_rgb(pred / "a.png", [[5]])),
        """
        DIR/pred/a.png (image 'a'): class 5 is none of the numbering cityscapes
          expected: 19 classes, 7 to 33, and 0 for void
          do: say which numbers the files have with --pred-option table=NAME (cityscapes, cityscapes_train, coco,
              coco_train, ade20k, kitti_step, motchallenge_step, semkitti_dvps, or same where they are the ids
              of the category table)
        """,
        folder=folder,
    )


@trigger
def label_ids_where_train_ids_were_expected(folder):
    found = found_in(
        folder, lambda pred: save_rgb(pred / "a.png", [[26]]), pred_options={"table": "cityscapes_train"}
    )
    assert codes(found) == ["class-number"]
    assert found[0].expected == "19 classes, 0 to 18, and 255 for void"


@trigger
def three_channels_where_two_were_said(folder):
    says(
        found_in(
            folder,
            lambda pred: save_step(pred / "a.png", [[CAR]], 260),
            pred_options={"encoding": "two_channel"},
        ),
        """
        DIR/pred/a.png (image 'a'): B is not 0 in some pixels: RGB (26, 1, 4)
          expected: R = class, G = instance, B = 0 (encoding=two_channel)
          do: where 256 G + B is the instance, leave the option encoding out, or say three_channel
        """,
        folder=folder,
    )


@trigger
def a_label_map(folder):
    says(
        found_in(folder, lambda pred: save_png(pred / "a.png", [[26001]], np.uint16)),
        """
        DIR/pred/a.png (image 'a'): the PNG is 16-bit grayscale
          expected: 8-bit RGB
          do: save it as two_channel_png; label maps of class * divisor + instance are of the format numpy
        """,
        folder=folder,
    )


@trigger
def a_label_map_as_array(folder):
    def save_it(pred):
        pred.mkdir()
        np.save(pred / "a.npy", np.full((2, 3), 26001))

    says(
        found_in(folder, save_it),
        """
        DIR/pred/a.npy (image 'a'): an array of shape (2, 3)
          expected: (H, W, 3): class, instance, and 0
          do: label maps of class * divisor + instance are read with the format numpy
        """,
        folder=folder,
    )


@trigger
def a_class_that_is_no_class(folder):
    says(
        found_in(folder, lambda pred: save_array(pred / "a.npy", [[26001]])),
        """
        DIR/pred/a.npy (image 'a'): a pixel has the class 26001
          expected: class up to 4094, instance up to 1048575, and 0
          do: save class and instance, not colours; divide by the divisor first
        """,
        folder=folder,
    )


@trigger
def a_third_number(folder):
    found = found_in(folder, lambda pred: save_array(pred / "a.npy", [[7]], 0, 9))
    assert found[0].found == "a pixel has the third number 9"


@trigger
def a_negative_instance(folder):
    found = found_in(folder, lambda pred: save_array(pred / "a.npy", [[7]], -1))
    assert codes(found) == ["array-value"]


@trigger
def an_array_cut_short(folder):
    def save_it(pred):
        save_array(pred / "a.npy", [[7]])
        (pred / "a.npy").write_bytes((pred / "a.npy").read_bytes()[:-2])

    assert codes(found_in(folder, save_it)) == ["array-broken"]


@trigger
def pictures_for_the_eye(folder):
    save_rgb(folder / "gt" / "a.png", [[ROAD]])
    save_rgb(folder / "vis" / "000000_panoptic_prediction.png", [[128]], 64, 128)
    says(
        raised(pqeval.evaluate, gt=folder / "gt", pred=folder / "vis", format=FORMAT),
        """
        DIR/vis: 000000_panoptic_prediction.png is a picture for the eye, with colours changed at random
          expected: the folder raw_panoptic
          do: save raw predictions too (save_raw_predictions of deeplab2's evaluator options)
        """,
        folder=folder,
    )


@trigger
def no_file(folder):
    (folder / "a.txt").write_text("")
    says(
        raised(pqeval.evaluate, gt=folder, pred=folder, format=FORMAT).errors[0],
        """
        DIR: there are no files of this format
          expected: files such as raw_panoptic/NAME.png or NAME.npy
          do: check the folder, and the format with `pqeval formats`
        """,
        folder=folder,
    )


@trigger
def options_that_do_not_exist(folder):
    save_rgb(folder / "a.png", [[ROAD]])
    for option, value, code in (
        ("table", "labels", "option-value"),
        ("encoding", "rgb", "option-value"),
        ("instance0", "none", "option-value"),
        ("void", "-1", "option-void"),
        ("void", str(ROAD), "option-void"),
    ):
        error = raised(pqeval.evaluate, gt=folder, pred=folder, format=FORMAT, gt_options={option: value})
        assert error.code == code


@trigger
def png_and_array_of_one_image(folder):
    def save_it(pred):
        save_rgb(pred / "a.png", [[7]])
        save_array(pred / "a.npy", [[7]])

    assert codes(found_in(folder, save_it)) == ["file-twice"]


@trigger
def another_size(folder):
    assert codes(found_in(folder, lambda pred: save_array(pred / "a.npy", [[7, 7]]))) == ["shape"]


@trigger
def a_class_above_those_of_ade20k(folder):
    found = found_in(folder, lambda pred: save_rgb(pred / "a.png", [[151]]), categories=table("ade20k"))
    assert [(problem.found, problem.expected) for problem in found] == [
        ("class 151 is none of the numbering ade20k", "150 classes, 1 to 150, and 0 for void")
    ]


@trigger
def a_class_that_another_table_lacks(folder):
    """Without a numbering of its own, the table decides, and the user says what unknown segments are."""
    found = found_in(folder, lambda pred: save_rgb(pred / "a.png", [[99]]), gt=1, categories=table("coco"))
    assert codes(found) == ["pred-category-unknown"]
