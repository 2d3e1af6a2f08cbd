"""SemKITTI-DVPS: class and instance maps, and depth maps."""

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
    tracks,
)
from triggers import Triggers, name_of

import pqeval
from pqeval.categories import Categories
from pqeval.conversion import open_source

FORMAT = "semkitti_dvps"
CAR, PERSON, ROAD, VOID = 0, 5, 8, 255
TABLE = [row.as_dict() for row in Categories.builtin(FORMAT)]
FRAME = "000008/000000"

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def save_truth(folder, category, instance=0, frame=0, dtype=np.uint16):
    category = np.asarray(category)
    save_png(folder / f"000008_{frame:06d}_gtFine_class.png", category)
    save_png(folder / f"000008_{frame:06d}_gtFine_instance.png", np.broadcast_to(instance, category.shape), dtype)


def save_pred(folder, category, instance=0, frame=0, dtype=np.uint16):
    category = np.asarray(category)
    save_png(folder / f"000008_{frame:06d}_cat.png", category)
    save_png(folder / f"000008_{frame:06d}_ins.png", np.broadcast_to(instance, category.shape), dtype)


def depth_of(place, *, role="gt", **options):
    side, images = open_source(place, format=FORMAT, role=role, **options)
    found: list = []
    return side.read_depth(images[0], problems=found), found


# What values mean.


def test_class_and_instance_lie_in_two_files(tmp_path):
    save_truth(tmp_path, [[CAR, CAR, CAR, ROAD, VOID]], [[1, 65535, 0, 0, 0]])
    assert partition(tmp_path, FORMAT)[FRAME] == (
        [[0, 1, 2, 3, -1]],
        {0: (CAR, False), 1: (CAR, False), 2: (CAR, False), 3: (ROAD, False)},
    )


def test_class_0_is_car_and_not_void(tmp_path):
    save_truth(tmp_path, [[CAR]], 0)
    assert partition(tmp_path, FORMAT)[FRAME] == ([[0]], {0: (CAR, False)})


@pytest.mark.parametrize(
    ("said", "expected"),
    [("crowd", ([[0]], {0: (CAR, True)})), ("void", ([[-1]], {})), ("object", ([[0]], {0: (CAR, False)}))],
)
def test_a_thing_with_instance_0(tmp_path, said, expected):
    save_truth(tmp_path, [[CAR]], 0)
    assert partition(tmp_path, FORMAT, options={"instance0": said})[FRAME] == expected


def test_predictions_are_cat_and_ins(tmp_path):
    save_pred(tmp_path, [[CAR, ROAD, 19, VOID]], [[7, 0, 0, 0]])
    found = partition(tmp_path, FORMAT, role="pred")[FRAME]
    assert found == ([[0, 1, -1, -1]], {0: (CAR, False), 1: (ROAD, False)})


def test_8_bit_instances(tmp_path):
    save_truth(tmp_path, [[CAR, CAR]], [[1, 255]], dtype=np.uint8)
    assert partition(tmp_path, FORMAT)[FRAME][0] == [[0, 1]]


def test_the_files_of_deeplab2_say_the_same(tmp_path):
    category, instance = np.array([[CAR, PERSON, ROAD, VOID]]), np.array([[260, 1, 0, 0]])
    save_truth(tmp_path / "two", category, instance)
    save_step(tmp_path / "one" / "000008_000000_gtFine_instanceTrainIds.png", category, instance)
    assert partition(tmp_path / "one", FORMAT) == partition(tmp_path / "two", FORMAT)
    for folder in (tmp_path / "one", tmp_path / "two"):
        assert pqeval.evaluate(gt=tmp_path / "one", pred=folder, format=FORMAT).pq == 1


def test_a_table_of_learning_ids_gets_learning_ids(tmp_path):
    """In SemanticKITTI itself car is 1, and 0 is void."""
    save_truth(tmp_path, [[CAR, 18, VOID]], [[1, 0, 0]])
    found = partition(tmp_path, FORMAT, categories=[row.as_dict() for row in Categories.builtin("semantickitti")])
    assert found[FRAME] == ([[0, 1, -1]], {0: (1, False), 1: (19, False)})


def test_an_object_keeps_its_segment_id_over_the_frames(tmp_path):
    save_truth(tmp_path, [[CAR, CAR]], [[3, 300]], frame=0)
    save_truth(tmp_path, [[CAR, CAR]], [[300, 3]], frame=1)
    first, second = (ids[0].tolist() for ids, _ in segments(tmp_path, FORMAT).values())
    assert first == second[::-1]


# Files.


def test_frames_are_paired_by_sequence_and_frame(tmp_path):
    for frame, category in ((2, CAR), (10, ROAD)):
        save_truth(tmp_path / "gt", [[category]], frame=frame)
        save_pred(tmp_path / "pred", [[category]], frame=frame)
    assert sequences(tmp_path / "gt", FORMAT) == {"000008/000002": "000008", "000008/000010": "000008"}
    assert pqeval.evaluate(gt=tmp_path / "gt", pred=tmp_path / "pred").pq == 1


def test_files_that_are_of_this_format(tmp_path):
    save_truth(tmp_path / "gt", [[0]])
    save_pred(tmp_path / "pred", [[0]])
    save_step(tmp_path / "one" / "000008_000000_gtFine_instanceTrainIds.png", [[0]])
    save_png(tmp_path / "city" / "000008_000000_gtFine_instanceTrainIds.png", [[0]], np.uint16)
    save_png(tmp_path / "cat" / "000008_000000_cat.png", [[0]])
    assert [sure(tmp_path / name, FORMAT) for name in ("gt", "pred", "one", "city", "cat")] == [2, 2, 2, 0, 0]


# Depth.


def test_depth_is_metres_as_float64_and_its_name_has_the_focal_length(tmp_path):
    save_truth(tmp_path, [[0, 0, 0]])
    save_png(tmp_path / "000008_000000_depth_718.8560180664062.png", [[0, 1, 65535]], np.uint16)
    depth, found = depth_of(tmp_path)
    assert (depth.dtype, found) == (np.float64, [])
    assert depth.tolist() == [[0, 1 / 256, 65535 / 256]]


def test_predicted_depth_lies_in_a_folder_of_its_own(tmp_path):
    save_pred(tmp_path / "pan", [[0]])
    save_png(tmp_path / "depth" / "000008_000000.png", [[384]], np.uint16)
    assert depth_of(tmp_path / "pan", role="pred") == (None, [])
    depth, _ = depth_of(tmp_path / "pan", role="pred", folder=tmp_path / "depth")
    assert depth.tolist() == [[1.5]]
    assert (depth - 2).tolist() == [[-0.5]]


# Scores.


def test_a_score_worked_out_by_hand(tmp_path):
    # Car 1: 4 pixels, 3 found: 3 / 4. Road: 2 pixels, both found, and 1 of the car: 2 / 3. The person lies on
    # points that have no label, and is excused.
    save_truth(tmp_path / "gt", [[CAR] * 4 + [ROAD] * 2 + [VOID] * 2], [[1] * 4 + [0] * 4])
    save_pred(tmp_path / "pred", [[CAR] * 3 + [ROAD] * 3 + [PERSON] * 2], [[9] * 3 + [0] * 3 + [2] * 2])
    result = pqeval.evaluate(gt=tmp_path / "gt", pred=tmp_path / "pred")
    assert result.convention == "tf-models"
    scores = {row.id: row for row in result.per_class}
    assert (scores[CAR].pq, scores[ROAD].pq, scores[PERSON].fp) == (3 / 4, 2 / 3, 0)


def test_against_coco_both_ways(tmp_path):
    save_truth(tmp_path / "dvps", [[ROAD, ROAD, ROAD, CAR]], [[0, 0, 0, 1]])
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
        assert [row.pq for row in result.per_class if row.id in (CAR, ROAD)] == [0, 2 / 3]


@settings(max_examples=15)
@given(pair_maps(things=[CAR, PERSON], stuff=[ROAD, 18], void=VOID, instances=[0, 1, 256, 65535], frames=2))
def test_to_coco_and_back(tmp_path_factory, frames):
    folder = tmp_path_factory.mktemp("dvps")
    for number, (category, instance) in enumerate(frames):
        save_truth(folder / "gt", category, instance, frame=number)
    before = partition(folder / "gt", FORMAT)
    pqeval.convert(folder / "gt", folder / "coco.json", format=FORMAT)
    assert partition(folder / "coco.json", "coco") == before
    assert sorted(tracks(folder / "coco.json", "coco").values()) == sorted(tracks(folder / "gt", FORMAT).values())


# What is said.


@trigger
def an_instance_map_that_is_missing(folder):
    save_truth(folder / "gt", [[0]])
    save_pred(folder / "pred", [[0]])
    (folder / "pred" / "000008_000000_ins.png").unlink()
    says(
        problems(gt=folder / "gt", pred=folder / "pred", format=FORMAT),
        """
        DIR/pred/000008_000000_ins.png (image '000008/000000'): does not exist
          expected: a file
          do: check the file name
        """,
        folder=folder,
    )


@trigger
def an_instance_map_in_colours(folder):
    save_truth(folder / "gt", [[0]])
    save_pred(folder / "pred", [[0]])
    save_rgb(folder / "pred" / "000008_000000_ins.png", [[0]])
    says(
        problems(gt=folder / "gt", pred=folder / "pred", format=FORMAT),
        """
        DIR/pred/000008_000000_ins.png (image '000008/000000'): the PNG is 8-bit RGB
          expected: 8-bit grayscale or 16-bit grayscale
          do: save class and instance as two grayscale PNGs
        """,
        folder=folder,
    )


@trigger
def an_instance_map_of_another_size(folder):
    save_truth(folder / "gt", [[0]])
    save_pred(folder / "pred", [[0]])
    save_png(folder / "pred" / "000008_000000_ins.png", [[0, 0]])
    (found,) = problems(gt=folder / "gt", pred=folder / "pred", format=FORMAT)
    assert (found.code, found.file) == ("shape", str(folder / "pred" / "000008_000000_ins.png"))


@trigger
def a_joined_map_in_gray(folder):
    name = "000008_000000_gtFine_instanceTrainIds.png"
    save_truth(folder / "gt", [[0]])
    save_png(folder / "pred" / name, [[0]], np.uint16)
    says(
        problems(gt=folder / "gt", pred=folder / "pred", format=FORMAT),
        f"""
        DIR/pred/{name} (image '000008/000000'): the PNG is 16-bit grayscale
          expected: 8-bit RGB
          do: save the class as R, and instance // 256 and % 256 as G and B
        """,
        folder=folder,
    )


@trigger
def a_class_beyond_the_table(folder):
    """19 is void in predictions only."""
    save_truth(folder / "gt", [[19]])
    save_pred(folder / "pred", [[20]])
    found = problems(gt=folder / "gt", pred=folder / "pred", format=FORMAT)
    assert codes(found) == ["gt-category-unknown", "pred-category-unknown"]


@trigger
def stuff_with_instances(folder):
    save_truth(folder, [[ROAD]], 1)
    assert set(codes(problems(gt=folder, pred=folder, format=FORMAT))) == {"stuff-instance"}


@trigger
def predictions_as_ground_truth(folder):
    save_pred(folder, [[0]])
    says(
        raised(pqeval.evaluate, gt=folder, pred=folder, format=FORMAT),
        """
        DIR: there are no files of this format
          expected: files such as 000008_000000_gtFine_class.png, or 000008_000000_cat.png for predictions
          do: check the folder, and the format with `pqeval formats`
        """,
        folder=folder,
    )
