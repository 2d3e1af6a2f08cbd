"""Cityscapes as its scripts convert it; the scripts themselves are run in tests/parity."""

from __future__ import annotations

import json
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from datasets import GRAY, image, png, save, says
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pair_maps import codes, partition, problems, raised, segments, sure
from triggers import Triggers, name_of

import pqeval
from pqeval.categories import Categories
from pqeval.formats.cityscapes_panoptic import write
from pqeval.labelmap import LabelMap
from pqeval.rows import Row, Rows
from pqeval.source import Written

FORMAT = "cityscapes_panoptic"
LABEL = [row.as_dict() for row in Categories.builtin("cityscapes")]
TRAIN = [row.as_dict() for row in Categories.builtin("cityscapes_train")]
ONE = "bonn_000000_000019"

TRUTH = [[7, 7, 7, 7, 26000, 26000, 26, 0], [7, 7, 7, 7, 26000, 26000, 26, 0]]
GUESS = [[9, 9, 9, 3, 3, 3, 5, 5], [9, 9, 9, 3, 3, 3, 5, 5]]
# Road: 8 pixels against 6, 6 shared, 6 / 8. Car: 4 against 6, 4 shared, 4 / 6; the other lies in void and group.
ROAD, CAR = 6 / 8, 4 / 6

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def rows_by(numbering, rows):
    """Number the categories of rows given by label ids."""
    of = {label["id"]: train["id"] for label, train in zip(LABEL, TRAIN, strict=True)}
    return [row | {"category_id": of[row["category_id"]]} if numbering == "train" else row for row in rows]


def save_truth(path, numbering="label", **other) -> Path:
    rows = [
        {"id": 7, "category_id": 7, "iscrowd": 0},
        {"id": 26, "category_id": 26, "iscrowd": 1},
        {"id": 26000, "category_id": 26, "iscrowd": 0},
    ]
    frame = image(ONE, TRUTH, rows_by(numbering, rows), file_name=f"{ONE}_gtFine_panoptic.png")
    listed = [{"id": ONE, "width": 8, "height": 2, "file_name": f"{ONE}_gtFine_leftImg8bit.png"}]
    table = {"label": LABEL, "train": TRAIN}[numbering]
    return save(path, [frame], **({"categories": table, "images": listed} | other))


def save_guess(path, numbering="label", *, image_id=ONE, categories=None) -> Path:
    rows = [{"id": 9, "category_id": 7}, {"id": 3, "category_id": 26}, {"id": 5, "category_id": 26}]
    return save(path, [image(image_id, GUESS, rows_by(numbering, rows))], categories=categories)


def scores(result) -> dict[str, float]:
    return {row.name: row.pq for row in result.per_class if row.tp + row.fp + row.fn}


# Scores.


def test_scores_worked_out_by_hand(tmp_path):
    result = pqeval.evaluate(
        gt=save_truth(tmp_path / "gt.json"), pred=save_guess(tmp_path / "pred.json"), format=FORMAT
    )
    assert scores(result) == {"road": ROAD, "car": CAR}
    assert result.pq == (ROAD + CAR) / 2
    assert result.convention == "cityscapes"
    assert result.per_class[13].fp == 0
    assert [warning for warning in result.warnings if "[" in warning] == []


@pytest.mark.parametrize("truth", ["label", "train"])
@pytest.mark.parametrize("guess", ["label", "train"])
@pytest.mark.parametrize("table", [None, LABEL, TRAIN])
@pytest.mark.parametrize("told", [True, False])
def test_each_side_may_have_its_own_numbering(tmp_path, truth, guess, table, told):
    """Told by the categories of the JSON, or else by the option."""
    gt = save_truth(tmp_path / "gt.json", truth)
    listed = {"label": LABEL, "train": TRAIN}[guess] if told else None
    pred = save_guess(tmp_path / "pred.json", guess, categories=listed)
    options = None if told else {"ids": guess}
    result = pqeval.evaluate(gt=gt, pred=pred, format=FORMAT, categories=table, pred_options=options)
    assert scores(result) == {"road": ROAD, "car": CAR}
    assert result.per_class[0].id == (table or {"label": LABEL, "train": TRAIN}[truth])[0]["id"]


def test_predictions_that_tell_nothing_have_label_ids(tmp_path):
    gt = save_truth(tmp_path / "gt.json", "train")
    assert scores(pqeval.evaluate(gt=gt, pred=save_guess(tmp_path / "pred.json"), format=FORMAT))["car"] == CAR


def test_the_option_overrides_the_categories(tmp_path):
    """A JSON made by putting train ids into that of the ground truth."""
    gt = save_truth(tmp_path / "gt.json")
    pred = save_guess(tmp_path / "pred.json", "train", categories=LABEL)
    result = pqeval.evaluate(gt=gt, pred=pred, format=FORMAT, pred_options={"ids": "train"})
    assert scores(result) == {"road": ROAD, "car": CAR}


def test_what_the_categories_tell_counts_in_files_that_are_not_ordinary(tmp_path):
    """Ids as decimals, and a score that is no JSON."""
    gt, pred = save_truth(tmp_path / "gt.json"), save_guess(tmp_path / "pred.json", "train", categories=TRAIN)
    pred.write_text(pred.read_text().replace('"category_id": 13', '"category_id": 13.0, "score": NaN'))
    assert scores(pqeval.evaluate(gt=gt, pred=pred, format=FORMAT)) == {"road": ROAD, "car": CAR}


def test_the_name_of_a_file_says_nothing_about_its_numbering(tmp_path):
    gt = save_truth(tmp_path / "cityscapes_panoptic_val_trainId.json")
    assert [row.category_id for row in segments(gt, FORMAT)[ONE][1].values()] == [7, 26, 26]
    gt = save_truth(tmp_path / "cityscapes_panoptic_val.json", "train")
    assert [row.category_id for row in segments(gt, FORMAT)[ONE][1].values()] == [0, 13, 13]


def test_a_ground_truth_without_categories_takes_the_table_of_the_dataset(tmp_path):
    for numbering, first in (("label", 7), ("train", 0)):
        gt = save_truth(tmp_path / f"{numbering}.json", numbering, categories=None)
        options = {"ids": numbering}
        result = pqeval.evaluate(gt=gt, pred=gt, format=FORMAT, gt_options=options, pred_options=options)
        assert (result.pq, result.per_class[0].id) == (1.0, first)


def test_a_table_that_is_not_that_of_cityscapes_is_taken_as_it_is(tmp_path):
    table = [{"id": 7, "name": "Strasse", "isthing": 0}, {"id": 26, "name": "Auto", "isthing": 1}]
    gt, pred = save_truth(tmp_path / "gt.json"), save_guess(tmp_path / "pred.json", categories=LABEL)
    result = pqeval.evaluate(gt=gt, pred=pred, format=FORMAT, categories=table)
    assert scores(result) == {"Strasse": ROAD, "Auto": CAR}


def test_a_label_that_is_not_scored_is_no_train_id_by_chance(tmp_path):
    """Label id 9 is parking; 9 as a train id is terrain."""
    gt = save_truth(tmp_path / "gt.json", "train")
    pred = save(tmp_path / "pred.json", [image(ONE, GUESS, {9: 9, 3: 26, 5: 26})], categories=LABEL)
    found = problems(gt=gt, pred=pred, format=FORMAT)
    assert codes(found) == ["pred-category-unknown"]
    assert "category_id 255" in found[0].found
    gt = save_truth(tmp_path / "other.json")
    pred = save(tmp_path / "others.json", [image(ONE, GUESS, {9: 19, 3: 13, 5: 13})], categories=TRAIN)
    found = problems(gt=gt, pred=pred, format=FORMAT)
    assert "category_id 0" in found[0].found


def test_against_the_raw_files_both_ways(tmp_path):
    gt = save_truth(tmp_path / "gt.json", "train")
    pqeval.convert(gt, tmp_path / "raw", format=FORMAT, to="cityscapes")
    for one, other in (
        ((gt, FORMAT), (tmp_path / "raw", "cityscapes")),
        ((tmp_path / "raw", "cityscapes"), (gt, FORMAT)),
    ):
        result = pqeval.evaluate(gt=one[0], gt_format=one[1], pred=other[0], pred_format=other[1])
        assert result.pq == 1.0


def test_against_coco_both_ways(tmp_path):
    gt, pred = save_truth(tmp_path / "gt.json"), save_guess(tmp_path / "pred.json")
    for formats in ((FORMAT, "coco"), ("coco", FORMAT)):
        result = pqeval.evaluate(gt=gt, pred=pred, gt_format=formats[0], pred_format=formats[1])
        assert scores(result) == {"road": ROAD, "car": CAR}


# Files.


def test_the_picture_that_a_json_names_need_not_exist(tmp_path):
    gt = save_truth(tmp_path / "gt.json")
    assert f"{ONE}_gtFine_leftImg8bit.png" in gt.read_text()
    assert list(tmp_path.rglob("*leftImg8bit*")) == []
    assert list(segments(gt, FORMAT)) == [ONE]


def test_the_areas_of_a_json_are_kept(tmp_path):
    rows = [{"id": 7, "category_id": 7, "area": 5, "iscrowd": 0}]
    gt = save(tmp_path / "gt.json", [image(ONE, [[7, 7]], rows)], categories=LABEL)
    assert segments(gt, FORMAT)[ONE][1][7].area == 5
    assert codes(problems(gt=gt, pred=gt, format=FORMAT)) == ["gt-area"]


def test_what_the_converter_of_panopticapi_writes_is_read(tmp_path):
    """Its ids are colours at random, and its PNGs are called as those that they were made of."""
    ids = {7: 8405120, 26: 9306112, 26000: 142}
    values = np.vectorize(lambda value: ids.get(value, 0), otypes=[int])(TRUTH)
    rows = [{"id": ids[n], "category_id": c, "iscrowd": int(n == 26)} for n, c in ((7, 7), (26, 26), (26000, 26))]
    frame = image(ONE, values.tolist(), rows, file_name=f"{ONE}_gtFine_instanceIds.png")
    one = save(tmp_path / "one.json", [frame], categories=LABEL)
    assert partition(one, FORMAT) == partition(save_truth(tmp_path / "other.json"), FORMAT)


@pytest.mark.parametrize("image_id", [ONE, f"{ONE}_leftImg8bit", f"{ONE}_gtFine_leftImg8bit", f"{ONE}.png"])
def test_image_ids_as_others_write_them(tmp_path, image_id):
    gt, pred = save_truth(tmp_path / "gt.json"), save_guess(tmp_path / "pred.json", image_id=image_id)
    assert scores(pqeval.evaluate(gt=gt, pred=pred, format=FORMAT)) == {"road": ROAD, "car": CAR}


def test_a_folder_or_a_zip_with_one_json_is_read(tmp_path):
    (tmp_path / "gtFine").mkdir()
    gt = save_truth(tmp_path / "gtFine" / "cityscapes_panoptic_val.json")
    with zipfile.ZipFile(tmp_path / "gt.zip", "w") as archive:
        for path in sorted(gt.parent.rglob("*.*")):
            archive.write(path, path.relative_to(tmp_path / "gtFine"))
    for place in (gt.parent, tmp_path / "gt.zip"):
        assert partition(place, FORMAT) == partition(gt, FORMAT)


def test_files_say_that_they_are_cityscapes(tmp_path):
    vps = [row | {"name": "vegitation"} if row["id"] == 8 else row for row in TRAIN]
    files = {
        "label": save_truth(tmp_path / "label.json"),
        "train": save_truth(tmp_path / "train.json", "train"),
        "untold": save_guess(tmp_path / "untold.json"),
        "other ids": save_guess(tmp_path / "ids.json", image_id=7),
        "other table": save_truth(tmp_path / "table.json", categories=[{"id": 1, "name": "road", "isthing": 0}]),
        "other things": save_truth(
            tmp_path / "step.json", categories=[row.as_dict() for row in Categories.builtin("kitti_step")]
        ),
        "vps": save(
            tmp_path / "vps.json",
            [
                image(
                    "0005_0025_bonn_000000_000019",
                    [[1]],
                    {1: 0},
                    file_name="0005_0025_bonn_000000_000019_final_mask.png",
                )
            ],
            categories=vps,
        ),
        "a list": tmp_path / "list.json",
    }
    files["a list"].write_text(json.dumps([{"image_id": ONE, "segments_info": []}]))
    answers = {name: sure(path, FORMAT) for name, path in files.items()}
    assert answers == {name: 2 if name in ("label", "train", "untold") else 0 for name in files}
    assert pqeval.evaluate(gt=files["train"], pred=files["untold"]).convention == "cityscapes"


# Writing.


def written(image_id, ids, rows) -> Written:
    listed = [Row(number, category, crowd) for number, (category, crowd) in rows.items()]
    return Written(image_id, LabelMap.from_array(np.array(ids)), Rows.of(listed))


def test_what_is_written(tmp_path):
    rows = {26001: (26, False), 7: (7, False), 26: (26, True)}
    write(
        tmp_path / "out.json",
        [written(ONE, [[0, 7, 7], [26001, 7, 26]], rows)],
        Categories.of(LABEL[:1] + LABEL[13:14]),
    )
    content = json.loads((tmp_path / "out.json").read_text())
    assert content == {
        "images": [{"id": ONE, "width": 3, "height": 2, "file_name": f"{ONE}_gtFine_leftImg8bit.png"}],
        "annotations": [
            {
                "image_id": ONE,
                "file_name": f"{ONE}_gtFine_panoptic.png",
                "segments_info": [
                    {"id": 7, "category_id": 7, "area": 3, "bbox": [1, 0, 2, 2], "iscrowd": 0},
                    {"id": 26, "category_id": 26, "area": 1, "bbox": [2, 1, 1, 1], "iscrowd": 1},
                    {"id": 26001, "category_id": 26, "area": 1, "bbox": [0, 1, 1, 1], "iscrowd": 0},
                ],
            }
        ],
        "categories": [
            {"id": 7, "name": "road", "color": [128, 64, 128], "supercategory": "flat", "isthing": 0},
            {"id": 26, "name": "car", "color": [0, 0, 142], "supercategory": "vehicle", "isthing": 1},
        ],
    }
    assert [path.name for path in (tmp_path / "out").iterdir()] == [f"{ONE}_gtFine_panoptic.png"]


def test_into_a_folder_the_json_has_the_name_of_the_scripts(tmp_path):
    write(tmp_path / "out", [written(ONE, [[0]], {})], Categories.of(TRAIN))
    assert json.loads((tmp_path / "out" / "cityscapes_panoptic.json").read_text())["annotations"] == [
        {"image_id": ONE, "file_name": f"{ONE}_gtFine_panoptic.png", "segments_info": []}
    ]
    assert list(segments(tmp_path / "out", FORMAT)) == [ONE]


@settings(max_examples=25)
@given(
    arrays.arrays(np.int64, st.tuples(st.integers(1, 5), st.integers(1, 6)), elements=st.integers(0, 5)),
    st.sampled_from([LABEL, TRAIN]),
    st.lists(st.integers(1, 2**24 - 1), min_size=5, max_size=5, unique=True),
)
def test_there_and_back(picks, table, numbers):
    ids = np.array([0, *numbers])[picks]
    rows = [
        {"id": number, "category_id": table[place]["id"], "iscrowd": int(place == 14)}
        for number, place in zip(numbers, (0, 10, 13, 13, 14), strict=True)
        if number in ids
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first = save(folder / "one.json", [image(ONE, ids.tolist(), rows)], categories=table)
        pqeval.convert(first, folder / "two", format="coco", to=FORMAT)
        assert partition(folder / "two", FORMAT) == partition(first, "coco") == partition(first, FORMAT)
        pqeval.convert(folder / "two", folder / "three.json", format=FORMAT)
        assert partition(folder / "three.json", "coco") == partition(first, "coco")
        content = json.loads((folder / "two" / "cityscapes_panoptic.json").read_text())
        for row in content["annotations"][0]["segments_info"]:
            down, across = np.nonzero(ids == row["id"])
            box = [across.min(), down.min(), np.ptp(across) + 1, np.ptp(down) + 1]
            assert (row["area"], row["bbox"]) == (len(down), box)


# What is wrong.


@trigger
def train_ids_in_a_prediction_that_does_not_tell(folder):
    gt, pred = save_truth(folder / "gt.json"), save_guess(folder / "pred.json", "train")
    says(
        problems(gt=gt, pred=pred, format=FORMAT),
        """
        DIR/pred.json: category_id 0 is no class by label ids, and all category ids are train ids
          expected: label ids (7 road ... 33 bicycle), or categories in the JSON, or the option ids
          do: say --pred-option ids=train (pred_options=), or ids=label if they are label ids
        """,
        folder=folder,
    )


def test_label_ids_that_are_not_scored_are_named_if_others_cannot_be_train_ids(tmp_path):
    gt = save_truth(tmp_path / "gt.json")
    pred = save(tmp_path / "pred.json", [image(ONE, GUESS, {9: 9, 3: 26, 5: 26})], categories=None)
    found = problems(gt=gt, pred=pred, format=FORMAT)
    assert codes(found) == ["pred-category-unknown"]
    assert "category_id 9," in found[0].found


def test_the_option_says_that_small_ids_are_label_ids(tmp_path):
    gt = save_truth(tmp_path / "gt.json")
    pred = save(tmp_path / "pred.json", [image(ONE, GUESS, {9: 7, 3: 8, 5: 9})], categories=None)
    found = problems(gt=gt, pred=pred, format=FORMAT, pred_options={"ids": "label"})
    assert codes(found) == ["pred-category-unknown"]


@trigger
def both_numberings_in_one_folder(folder):
    """As in a root where detectron2 and deeplab2 are both at home."""
    save_truth(folder / "cityscapes_panoptic_val.json")
    save_truth(folder / "cityscapes_panoptic_val_trainId.json", "train")
    says(
        raised(pqeval.convert, folder, folder / "out.json", format=FORMAT),
        """
        DIR: 2 JSON files in it have segments_info: cityscapes_panoptic_val.json,
              cityscapes_panoptic_val_trainId.json
          expected: one of them
          do: name the JSON itself; in an archive, as submission.zip/predictions.json
        """,
        folder=folder,
    )


@trigger
def a_numbering_that_does_not_exist(folder):
    gt = save_truth(folder / "gt.json")
    says(
        raised(pqeval.convert, gt, folder / "out.json", format=FORMAT, options={"ids": "trainId"}),
        """
        gt option ids is 'trainId'
          expected: one of: auto, label, train
          do: see `pqeval formats NAME`
        """,
    )


@trigger
def a_png_of_another_kind(folder):
    gt = save_truth(folder / "gt.json")
    (folder / "gt" / f"{ONE}_gtFine_panoptic.png").write_bytes(png([[(7,)]], color=GRAY, depth=16))
    says(
        raised(pqeval.convert, gt, folder / "out.json", format=FORMAT),
        f"""
        DIR/gt/{ONE}_gtFine_panoptic.png (image '{ONE}'): the PNG is 16-bit grayscale
          expected: 8-bit RGB or RGBA, or a palette of such colours
          do: write id % 256, id // 256 % 256 and id // 65536 into the three channels of an RGB PNG
        """,
        folder=folder,
    )


def test_a_file_that_is_no_panoptic_json_is_named(tmp_path):
    (tmp_path / "gt.json").write_text("[]")
    assert (
        raised(pqeval.convert, tmp_path / "gt.json", tmp_path / "o.json", format=FORMAT).code == "json-top-level"
    )
    (tmp_path / "gt.json").write_text('{"annotations": [{"image_id": 1}], "categories": 3}')
    assert (
        raised(pqeval.convert, tmp_path / "gt.json", tmp_path / "o.json", format=FORMAT).code == "folder-missing"
    )


@trigger
def an_id_too_large_for_rgb(folder):
    says(
        raised(write, folder, [written(ONE, [[2**24]], {2**24: (7, False)})], Categories.of(LABEL)),
        f"""
        image '{ONE}': segment id 16777216 cannot be stored in an RGB PNG
          expected: ids up to 16777215
          do: renumber the segments of this image
        """,
    )
    assert not (folder / "cityscapes_panoptic.json").exists()


def test_tables_and_images_are_refused_as_those_of_the_raw_files(tmp_path):
    assert raised(write, tmp_path, [], Categories.builtin("ade20k")).code == "no-cityscapes-table"
    assert raised(write, tmp_path, [written("a/b", [[0]], {})], Categories.of(LABEL)).code == "image-id-name"
