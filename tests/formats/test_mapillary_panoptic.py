"""Mapillary Vistas, panoptic: a COCO panoptic JSON that lies beside its PNGs."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
from datasets import image, png, save, says
from hypothesis import given, settings
from pair_maps import codes, pair_maps, partition, problems, raised, save_png
from PIL import Image
from triggers import Triggers, name_of

import pqeval
from pqeval.categories import Categories

FORMAT = "mapillary_panoptic"
KEY = "_1Gn_xkw7sa_i9GU4mkxxQ"
CAR, SKY, ROAD = 56, 28, 14
V12, V20 = ([row.as_dict() for row in Categories.builtin(name)] for name in ("mapillary_v12", "mapillary_v20"))

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def row_of(result, category):
    return next(row for row in result.per_class if row.id == category)


def save_beside(folder, images, *, year=2018, categories=V12, split="validation", level=""):
    """Write the JSON into the folder of its PNGs, as the dataset has it."""
    place = folder / split / level / "panoptic"
    return save(place / f"panoptic_{year}.json", images, categories=categories, folder=place)


GT = image(KEY, [[1, 1, 2, 2], [300, 300, 0, 0]], {1: CAR, 2: CAR, 300: SKY})
# Car 1: 2 of 2 pixels and 1 on void; IoU 2 / (2 + 3 - 2 - 1) = 1. Car 2: half of it, which is no match. Sky: 2 of
# 2 pixels, 1 on car 2, 1 on void; IoU 2 / (2 + 4 - 2 - 1) = 2 / 3.
PRED = image(KEY, [[8, 8, 9, 7], [7, 7, 8, 7]], {8: CAR, 9: CAR, 7: SKY})


def check(result):
    car, sky = row_of(result, CAR), row_of(result, SKY)
    assert (car.tp, car.fp, car.fn, car.pq) == (1, 1, 1, 1 / 2)
    assert sky.pq == 2 / 3
    assert result.pq == (1 / 2 + 2 / 3) / 2


@pytest.mark.parametrize(
    "named", ["validation/panoptic/panoptic_2018.json", "validation/panoptic", "validation", ""]
)
def test_a_score_worked_out_by_hand_however_the_place_is_named(tmp_path, named):
    save_beside(tmp_path / "vistas", [GT])
    pred = save(tmp_path / "pred.json", [PRED], categories=None)
    result = pqeval.evaluate(gt=tmp_path / "vistas" / named, pred=pred)
    assert (result.inputs["gt_format"], result.convention) == (FORMAT, "coco")
    check(result)


def test_v20_lies_one_level_deeper(tmp_path):
    save_beside(tmp_path, [GT], year=2020, categories=V20, level="v2.0")
    for number in range(3):  # there are as many of these as images
        place = tmp_path / "validation" / "v2.0" / "polygons"
        place.mkdir(exist_ok=True)
        (place / f"{number}.json").write_text('{"segments_info": []}')
    result = pqeval.evaluate(gt=tmp_path, pred=tmp_path)
    assert result.pq == 1
    assert result.inputs["pred_format"] == FORMAT


def test_a_folder_named_as_the_json_and_a_named_one_go_before(tmp_path):
    other = image(KEY, [[1, 1, 2, 2], [300, 300, 300, 300]], {1: CAR, 2: CAR, 300: SKY})
    beside = save_beside(tmp_path, [GT])
    save(beside, [other], categories=V12)
    assert partition(beside, FORMAT)[KEY][0] == [[0, 0, 2, 2], [4, 4, 4, 4]]
    assert partition(beside, FORMAT, folder=beside.parent)[KEY][0] == [[0, 0, 2, 2], [4, 4, -1, -1]]


def test_a_dataset_in_an_archive(tmp_path):
    folder = save_beside(tmp_path, [GT]).parent
    with zipfile.ZipFile(tmp_path / "vistas.zip", "w") as archive:
        for path in folder.iterdir():
            archive.write(path, f"validation/panoptic/{path.name}")
    assert partition(tmp_path / "vistas.zip", FORMAT) == partition(folder, FORMAT)


def test_the_categories_of_the_json_win(tmp_path):
    """That ids of v2.0 are the places in the config + 1 is presumed only."""
    shuffled = [row | {"id": 1000 - row["id"]} for row in V20]
    gt = save_beside(tmp_path, [image(KEY, [[1, 2]], {1: 999, 2: 998})], year=2020, categories=shuffled)
    result = pqeval.evaluate(gt=gt, pred=gt)
    assert result.inputs["gt_format"] == FORMAT
    assert [(row.id, row.name) for row in result.per_class][:2] == [(999, "Bird"), (998, "Ground Animal")]
    # A prediction as raw files finds the version, and the same categories, by their names.
    save_png(tmp_path / "raw" / "instances" / f"{KEY}.png", [[0, 256 + 7]], np.uint16)
    assert pqeval.evaluate(gt=gt, pred=tmp_path / "raw").pq == 1


def test_files_are_recognised_by_their_categories(tmp_path):
    for name, table in (("a", V12[:40]), ("b", [{"id": 1, "name": "Car", "isthing": 1}])):
        both = save(tmp_path / f"{name}.json", [image(1, [[1]], {1: 1})], categories=table)
        assert pqeval.evaluate(gt=both, pred=both).inputs["gt_format"] == "coco"
    both = save(tmp_path / "c.json", [image(1, [[1]], {1: 1})], categories=V12)
    assert pqeval.evaluate(gt=both, pred=both).inputs["gt_format"] == FORMAT


def test_predictions_of_a_reduced_resolution_are_resized_where_that_is_wanted(tmp_path):
    # Each pixel of the prediction stands for 2 x 2 of the ground truth.
    truth = np.kron([[1, 2, 3]], np.ones((2, 2), int))
    gt = save_beside(tmp_path, [image(KEY, truth.tolist(), {1: CAR, 2: ROAD, 3: SKY})])
    pred = save(tmp_path / "pred.json", [image(KEY, [[5, 5, 6]], {5: CAR, 6: SKY})], categories=None)
    result = pqeval.evaluate(gt=gt, pred=pred, resize="nearest")
    # Car 4 / 8 is no match; road is missed; sky 1.
    assert (row_of(result, CAR).pq, row_of(result, ROAD).pq, row_of(result, SKY).pq) == (0, 0, 1)
    assert result.pq == 1 / 3


@trigger
def a_prediction_of_a_reduced_resolution(folder):
    gt = save_beside(folder, [image(KEY, [[1, 1], [1, 1]], {1: CAR})])
    pred = save(folder / "pred.json", [image(KEY, [[1]], {1: CAR})], categories=None)
    says(
        problems(gt=gt, pred=pred),
        """
        DIR/pred/_1Gn_xkw7sa_i9GU4mkxxQ.png (image '_1Gn_xkw7sa_i9GU4mkxxQ'): the prediction is 1 x 1 (width x
              height), the ground truth is 2 x 2
          expected: two maps of one size
          do: resize the prediction with nearest-neighbour interpolation, never the ground truth
        """,
        folder=folder,
    )


@trigger
def a_missing_map(folder):
    gt = save_beside(folder, [GT, image("other", None, {1: CAR})])
    says(
        raised(pqeval.evaluate, gt=gt, pred=gt, format=FORMAT).errors[0],
        """
        DIR/validation/panoptic/other.png (image 'other'): does not exist
          expected: a file
          do: check the file name
        """,
        folder=folder,
    )


@trigger
def several_splits(folder):
    for split in ("training", "validation"):
        save_beside(folder, [GT], split=split)
    assert raised(pqeval.evaluate, gt=folder, pred=folder, format=FORMAT).errors[0].code == "json-not-found"


@trigger
def a_map_with_a_palette(folder):
    place = folder / "validation" / "panoptic"
    gt = save_beside(folder, [image(KEY, [[1]], {1: CAR})])
    picture = Image.fromarray(np.array([[56]], np.uint8))
    picture.putpalette([7] * 768)
    picture.save(place / f"{KEY}.png")
    assert codes(problems(gt=gt, pred=gt, format=FORMAT)) == ["png-palette"] * 2


def test_every_id_of_the_map_is_in_the_list_and_vice_versa(tmp_path):
    gt = save_beside(tmp_path, [image(KEY, [[1, 2]], {1: CAR, 3: SKY})])
    pred = save(tmp_path / "pred.json", [image(KEY, png([[(1, 0, 0)] * 2]), {1: CAR})], categories=None)
    assert codes(problems(gt=gt, pred=pred, format=FORMAT)) == ["gt-id-not-listed", "gt-id-without-pixels"]


@settings(max_examples=15)
@given(pair_maps(things=[CAR], stuff=[ROAD, SKY], void=0, instances=[1, 2, 65535], crowd=0))
def test_there_and_back(tmp_path_factory, frames):
    folder = tmp_path_factory.mktemp("vistas")
    ((category, instance),) = frames
    ids = np.asarray(category) * 65536 + instance
    rows = [
        {"id": number, "category_id": number >> 16, "iscrowd": int(number == CAR << 16)}
        for number in np.unique(ids).tolist()
        if number
    ]
    gt = save_beside(folder, [image(KEY, ids.tolist(), rows)])
    before = partition(gt, FORMAT)
    assert ((np.asarray(before[KEY][0]) == -1) == (ids == 0)).all()
    pqeval.convert(gt, folder / "coco.json", format=FORMAT)
    assert partition(folder / "coco.json", "coco") == before
