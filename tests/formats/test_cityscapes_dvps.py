"""Cityscapes-DVPS: 16-bit maps and depth maps."""

from __future__ import annotations

import pickle

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
    segments,
    sequences,
    sure,
    tracks,
)
from triggers import Triggers, name_of

import pqeval
from pqeval.categories import Categories
from pqeval.conversion import open_source

FORMAT = "cityscapes_dvps"
ROAD, SKY, PERSON, CAR = 0, 10, 11, 13
TABLE = [row.as_dict() for row in Categories.builtin("cityscapes_train")]
CITY = "munster_000168_000019"
TRUTH = f"000000_000003_{CITY}_gtFine_instanceTrainIds.png"
DEPTH = f"000000_000003_{CITY}_depth.png"
FRAME = "000000/000003"

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def save_truth(folder, values, frame=3, sequence=0):
    save_png(folder / f"{sequence:06d}_{frame:06d}_{CITY}_gtFine_instanceTrainIds.png", values, np.uint16)


def depth_of(place, *, role="gt", **options):
    """Return the depth of the first frame of a side, and what is wrong with it."""
    side, images = open_source(place, format=FORMAT, role=role, **options)
    found: list = []
    return side.read_depth(images[0], problems=found), found


# What values mean.


def test_a_value_is_class_times_1000_plus_instance(tmp_path):
    save_truth(tmp_path, [[0, 10000, 11001, 13999, 32000]])
    assert partition(tmp_path, FORMAT)[FRAME] == (
        [[0, 1, 2, 3, -1]],
        {0: (ROAD, False), 1: (SKY, False), 2: (PERSON, False), 3: (CAR, False)},
    )


def test_instance_0_of_a_thing_is_an_object(tmp_path):
    """In Cityscapes-VPS, whence these maps are, objects are numbered from 0."""
    save_truth(tmp_path, [[11000]])
    for said, expected in (
        ({}, ([[0]], {0: (PERSON, False)})),
        ({"instance0": "crowd"}, ([[0]], {0: (PERSON, True)})),
        ({"instance0": "void"}, ([[-1]], {})),
    ):
        assert partition(tmp_path, FORMAT, options=said)[FRAME] == expected


def test_predictions_have_class_and_instance_in_two_channels(tmp_path):
    save_rgb(tmp_path / "000000_000003.png", [[ROAD, CAR, CAR, 19, 32, 255]], [[0, 1, 255, 0, 0, 0]])
    names, meanings = partition(tmp_path, FORMAT, role="pred")[FRAME]
    assert names == [[0, 1, 2, -1, -1, -1]]
    assert meanings == {0: (ROAD, False), 1: (CAR, False), 2: (CAR, False)}


def test_the_ground_truth_is_read_as_a_prediction_too(tmp_path):
    save_truth(tmp_path, [[0, 13001, 32000]])
    save_png(tmp_path / DEPTH, [[1, 2, 3]], np.uint16)
    save_rgb(tmp_path / f"000000_000003_{CITY}_leftImg8bit.png", [[9, 9, 9]])
    assert partition(tmp_path, FORMAT, role="pred") == partition(tmp_path, FORMAT)
    assert pqeval.evaluate(gt=tmp_path, pred=tmp_path).pq == 1


def test_a_table_of_label_ids_gets_label_ids(tmp_path):
    save_truth(tmp_path, [[0, 13001, 32000]])
    found = partition(tmp_path, FORMAT, categories=[row.as_dict() for row in Categories.builtin("cityscapes")])
    assert found[FRAME] == ([[0, 1, -1]], {0: (7, False), 1: (26, False)})


def test_an_object_keeps_its_segment_id_over_the_frames(tmp_path):
    save_truth(tmp_path, [[13001, 13002]], frame=3)
    save_truth(tmp_path, [[13002, 13001]], frame=8)
    first, second = (ids[0].tolist() for ids, _ in segments(tmp_path, FORMAT).values())
    assert first == second[::-1]


# Files.


def test_frames_are_paired_by_sequence_and_frame(tmp_path):
    """Not by the order of names, and whatever follows in them."""
    for sequence, frame, value in ((0, 3, 13001), (0, 8, 11001), (10, 3, 0)):
        save_truth(tmp_path / "gt", [[value]], frame, sequence)
        save_rgb(tmp_path / "pred" / f"{sequence}_{frame}_any.name.png", [[value // 1000]], [[value % 1000]])
    assert sequences(tmp_path / "gt", FORMAT) == {
        "000000/000003": "000000",
        "000000/000008": "000000",
        "000010/000003": "000010",
    }
    assert pqeval.evaluate(gt=tmp_path / "gt", pred=tmp_path / "pred", format=FORMAT).pq == 1


def test_files_that_are_surely_or_possibly_of_this_format(tmp_path):
    save_truth(tmp_path / "gt", [[0]])
    save_png(tmp_path / "gt" / DEPTH, [[0]], np.uint16)
    save_rgb(tmp_path / "pred" / "000000_000003.png", [[0]])
    save_png(tmp_path / "cityscapes" / f"{CITY}_gtFine_instanceTrainIds.png", [[0]], np.uint16)
    assert [sure(tmp_path / name, FORMAT) for name in ("gt", "pred", "cityscapes")] == [2, 1, 0]


# Depth.


def test_depth_is_metres_as_float64(tmp_path):
    save_truth(tmp_path, [[0, 0, 0, 0]])
    save_png(tmp_path / DEPTH, [[0, 1, 257, 65535]], np.uint16)
    depth, found = depth_of(tmp_path)
    assert found == []
    assert depth.dtype == np.float64
    assert depth.tolist() == [[0, 1 / 256, 257 / 256, 65535 / 256]]


def test_differences_of_depths_do_not_wrap(tmp_path):
    """Of 16-bit integers 1 - 2 would be 65535."""
    save_truth(tmp_path / "gt", [[0]])
    save_png(tmp_path / "gt" / DEPTH, [[512]], np.uint16)
    save_rgb(tmp_path / "pred" / "000000_000003.png", [[0]])
    save_png(tmp_path / "depth" / "000000_000003.png", [[256]], np.uint16)
    gt, _ = depth_of(tmp_path / "gt")
    pred, _ = depth_of(tmp_path / "pred", role="pred", folder=tmp_path / "depth")
    assert (pred - gt).tolist() == [[-1]]
    assert (abs(pred - gt) / gt).tolist() == [[0.5]]


@pytest.mark.parametrize(
    "name", ["000000_000003_depth.png", "depth/000000_000003.png", "a_depth/000000_000003_x.png"]
)
def test_depth_beside_the_maps_is_called_depth(tmp_path, name):
    save_rgb(tmp_path / "000000_000003.png", [[0]])
    save_png(tmp_path / name, [[256]], np.uint16)
    assert list(segments(tmp_path, FORMAT, role="pred")) == [FRAME]
    assert depth_of(tmp_path, role="pred")[0].tolist() == [[1]]


def test_where_there_is_no_depth_there_is_none(tmp_path):
    save_truth(tmp_path, [[0]])
    assert depth_of(tmp_path) == (None, [])


def test_a_side_can_be_sent_to_another_process(tmp_path):
    save_truth(tmp_path, [[13001]])
    save_png(tmp_path / DEPTH, [[256]], np.uint16)
    side, (frame,) = open_source(tmp_path, format=FORMAT)
    other = pickle.loads(pickle.dumps(side))
    assert other.read(frame, problems=[])[0].to_array().tolist() == [[13 << 16 | 2]]
    assert other.read_depth(frame, problems=[]).tolist() == [[1]]


# Scores.


def test_a_score_worked_out_by_hand(tmp_path):
    # Road: 4 pixels, 3 found, 1 called car: 3 / 4. Car 1: 4 pixels, 3 found, 1 void in the prediction, and 1 road
    # taken for it: 3 / 5. Sky lies on void and is excused.
    save_truth(tmp_path / "gt", [[0] * 4 + [13001] * 4 + [32000] * 2])
    save_rgb(
        tmp_path / "pred" / "000000_000003.png",
        [[ROAD, ROAD, ROAD, CAR, CAR, CAR, CAR, 19, SKY, SKY]],
        [[0, 0, 0, 7, 7, 7, 7, 0, 0, 0]],
    )
    result = pqeval.evaluate(gt=tmp_path / "gt", pred=tmp_path / "pred", format=FORMAT)
    assert result.convention == "tf-models"
    scores = {row.id: row for row in result.per_class}
    assert (scores[ROAD].pq, scores[CAR].pq, scores[SKY].fp) == (3 / 4, 3 / 5, 0)


def test_against_coco_both_ways(tmp_path):
    save_truth(tmp_path / "dvps", [[0, 0, 0, 13001]])
    coco = save(
        tmp_path / "coco.json",
        [image(FRAME, [[1, 1, 2, 2]], {1: ROAD, 2: CAR}, file_name="a.png")],
        categories=TABLE,
    )
    for gt, pred, formats in (
        (tmp_path / "dvps", coco, (FORMAT, "coco")),
        (coco, tmp_path / "dvps", ("coco", FORMAT)),
    ):
        result = pqeval.evaluate(gt=gt, pred=pred, gt_format=formats[0], pred_format=formats[1])
        assert [row.pq for row in result.per_class if row.id in (ROAD, CAR)] == [2 / 3, 0]


@settings(max_examples=15)
@given(pair_maps(things=[PERSON, CAR], stuff=[ROAD, SKY], void=32, instances=[0, 1, 999], frames=2))
def test_to_coco_and_back(tmp_path_factory, frames):
    folder = tmp_path_factory.mktemp("dvps")
    for number, (category, instance) in enumerate(frames):
        save_truth(folder / "gt", category * 1000 + instance, frame=number)
    before = partition(folder / "gt", FORMAT)
    pqeval.convert(folder / "gt", folder / "coco.json", format=FORMAT)
    assert partition(folder / "coco.json", "coco") == before
    assert sorted(tracks(folder / "coco.json", "coco").values()) == sorted(tracks(folder / "gt", FORMAT).values())


# What is said.


@trigger
def values_of_cityscapes_itself(folder):
    """There stuff is the bare train id, and void 255."""
    save_truth(folder, [[0, 10, 255, 13001]])
    says(
        problems(gt=folder, pred=folder, format=FORMAT)[:1],
        f"""
        DIR/{TRUTH} (image '000000/000003'): pixels have the value 10, 255: a class that is not multiplied
          expected: class * 1000 + instance, for stuff class * 1000, and 32000 for void
          do: instanceTrainIds of Cityscapes itself are read with the format cityscapes
        """,
        folder=folder,
    )


@trigger
def a_class_beyond_the_table(folder):
    """19 is void in predictions only."""
    save_truth(folder / "gt", [[19000]])
    save_rgb(folder / "pred" / "000000_000003.png", [[20]])
    found = problems(gt=folder / "gt", pred=folder / "pred", format=FORMAT)
    assert codes(found) == ["gt-category-unknown", "pred-category-unknown"]


@trigger
def stuff_with_instances(folder):
    save_truth(folder, [[10001]])
    assert set(codes(problems(gt=folder, pred=folder, format=FORMAT))) == {"stuff-instance"}


@trigger
def a_picture(folder):
    save_truth(folder / "gt", [[0]])
    save_rgb(folder / "pred" / "000000_000003.png", [[128]], 64, 128)
    says(
        problems(gt=folder / "gt", pred=folder / "pred", format=FORMAT),
        """
        DIR/pred/000000_000003.png (image '000000/000003'): B is not 0 in some pixels: RGB (128, 64, 128)
          expected: R = class, G = instance, B = 0
          do: save the raw prediction, not a picture of it
        """,
        folder=folder,
    )


@trigger
def an_8_bit_map(folder):
    save_truth(folder / "gt", [[0]])
    save_png(folder / "pred" / "000000_000003.png", [[13]])
    says(
        problems(gt=folder / "gt", pred=folder / "pred", format=FORMAT),
        """
        DIR/pred/000000_000003.png (image '000000/000003'): the PNG is 8-bit grayscale
          expected: 16-bit grayscale or 8-bit RGB
          do: save class * 1000 + instance in 16 bits, or class and instance as R and G
        """,
        folder=folder,
    )


@trigger
def no_map(folder):
    save_png(folder / DEPTH, [[0]], np.uint16)
    says(
        raised(pqeval.evaluate, gt=folder, pred=folder, format=FORMAT).errors[0],
        """
        DIR: there are no files of this format
          expected: files such as 000000_000003_munster_000168_000019_gtFine_instanceTrainIds.png, or
              000000_000003.png for predictions
          do: check the folder, and the format with `pqeval formats`
        """,
        folder=folder,
    )


@trigger
def an_8_bit_depth(folder):
    save_truth(folder, [[0]])
    save_png(folder / DEPTH, [[7]])
    depth, found = depth_of(folder)
    assert depth is None
    says(
        found,
        f"""
        DIR/{DEPTH} (image '000000/000003'): the PNG is 8-bit grayscale
          expected: 16-bit grayscale
          do: save metres times 256 as 16-bit grayscale, unknown as 0
        """,
        folder=folder,
    )


@trigger
def two_depths_of_a_frame(folder):
    save_truth(folder, [[0]])
    save_png(folder / DEPTH, [[7]], np.uint16)
    save_png(folder / "depth" / "000000_000003.png", [[7]], np.uint16)
    depth, found = depth_of(folder)
    assert depth is None
    says(
        found,
        f"""
        DIR/{DEPTH} (image '000000/000003'): two files are the depth of one frame: DIR/{DEPTH} and
              DIR/depth/000000_000003.png
          expected: one depth map per frame
          do: remove the other file
        """,
        folder=folder,
    )


@trigger
def a_depth_of_another_size(folder):
    save_truth(folder, [[0]])
    save_png(folder / DEPTH, [[7, 7]], np.uint16)
    side, images = open_source(folder, format=FORMAT)
    found: list = []
    assert side.read_depth(images[0], shape=(1, 1), problems=found) is None
    assert codes(found) == ["shape"]
