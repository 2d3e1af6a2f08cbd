"""ADE20K, panoptic: what the prepare script makes, with areas that are wrong and ids that were once shared."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from datasets import image, save, says
from hypothesis import given, settings
from pair_maps import codes, pair_maps, partition, problems, raised
from triggers import Triggers, name_of

import pqeval
from pqeval.categories import Categories

FORMAT = "ade20k_panoptic"
NAME = "ADE_val_00000001"
WALL, SKY, ROAD, BED, SKYSCRAPER = 0, 2, 6, 7, 48
TABLE = [row.as_dict() for row in Categories.builtin("ade20k")]

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def row_of(result, category):
    return next(row for row in result.per_class if row.id == category)


def row(number, category, area):
    return {"id": number, "category_id": category, "area": area, "bbox": [0, 0, 1, 1], "iscrowd": 0}


def save_gt(path, images, *, categories=TABLE) -> Path:
    return save(path, images, categories=categories)


def covered(folder, *, name="ade20k_panoptic_val.json"):
    """Write 2 images in which a bed was drawn over the wall, and over all of the sky.

    The prediction has all as the pixels have it; the sky cannot be found.
    """
    listed = [row(10, WALL, 4), row(20, SKY, 2), row(30, BED, 4)]
    images = [image(f"ADE_val_0000000{number}", [[10, 10, 30, 30, 30, 30, 0]], listed) for number in (1, 2)]
    gt = save_gt(folder / name, images)
    guess = [image(f"ADE_val_0000000{number}", [[1, 1, 2, 2, 2, 2, 2]], {1: WALL, 2: BED}) for number in (1, 2)]
    return gt, save(folder / "pred.json", guess, categories=None)


def test_areas_before_the_overlap_do_no_harm(tmp_path):
    gt, pred = covered(tmp_path)
    result = pqeval.evaluate(gt=gt, pred=pred)
    assert (result.inputs["gt_format"], result.convention) == (FORMAT, "coco")
    # Wall: 2 of 2 pixels. Bed: 4 / (4 + 5 - 4 - 1 on void) = 1. The sky has no pixel and is missed: twice a FN.
    assert (row_of(result, WALL).pq, row_of(result, BED).pq) == (1, 1)
    sky = row_of(result, SKY)
    assert (sky.pq, sky.tp, sky.fp, sky.fn) == (0, 0, 0, 2)
    assert result.pq == 2 / 3


def test_what_is_wrong_with_the_areas_is_said_once(tmp_path):
    gt, pred = covered(tmp_path)
    said = [line.partition("]")[0] + "]" for line in pqeval.evaluate(gt=gt, pred=pred).warnings]
    assert sorted(said) == ["[gt-area]", "[gt-id-without-pixels]"]


def test_the_convention_panopticapi_takes_the_areas_of_the_json(tmp_path):
    gt, pred = covered(tmp_path)
    result = pqeval.evaluate(gt=gt, pred=pred, convention="panopticapi")
    # Wall: 2 / (4 as stated + 2 - 2) = 1 / 2, which is no match. Bed as before; its area was noted last.
    wall = row_of(result, WALL)
    assert (wall.pq, wall.tp, wall.fp, wall.fn) == (0, 0, 2, 2)
    assert row_of(result, BED).pq == 1
    assert result.pq == 1 / 3


def test_ids_are_random_and_scores_are_not(tmp_path):
    maps = np.array([[1, 1, 2, 2, 3, 0]])
    meanings = {1: WALL, 2: BED, 3: SKY}
    pred = save(
        tmp_path / "pred.json", [image(NAME, [[1, 1, 1, 2, 2, 3]], {1: WALL, 2: BED, 3: SKY})], categories=None
    )
    results = []
    for number, ids in enumerate([(0, 1, 2, 3), (0, 16777215, 256, 70000), (0, 3, 1, 2)]):
        listed = {ids[old]: category for old, category in meanings.items()}
        gt = save_gt(tmp_path / f"{number}.json", [image(NAME, np.array(ids)[maps].tolist(), listed)])
        result = pqeval.evaluate(gt=gt, pred=pred)
        results.append((result.groups, result.per_class))
    assert results[0] == results[1] == results[2]
    # Wall 2 / 3. Bed 1 of 2, with 1 too much: 1 / 3 is no match. Sky is predicted on void only, and missed.
    assert results[0][0]["All"].pq == (2 / 3) / 3


def test_category_0_is_wall(tmp_path):
    gt = save_gt(tmp_path / "gt.json", [image(NAME, [[5, 5]], {5: WALL})])
    result = pqeval.evaluate(gt=gt, pred=gt)
    assert (row_of(result, WALL).name, row_of(result, WALL).tp) == ("wall", 1)


def old_file(folder):
    """Road and skyscraper share the colour [140, 140, 140] and so the id, as before 2021-09-15."""
    shared = 140 * (1 + 256 + 65536)
    listed = [row(shared, ROAD, 2), row(shared, SKYSCRAPER, 2), row(7, SKY, 1)]
    return save_gt(folder / "gt.json", [image(NAME, [[shared] * 4 + [7]], listed)])


def test_the_last_entry_of_a_shared_id_counts_under_panopticapi(tmp_path):
    gt = old_file(tmp_path)
    pred = save(tmp_path / "pred.json", [image(NAME, [[1, 1, 1, 1, 2]], {1: SKYSCRAPER, 2: SKY})], categories=None)
    result = pqeval.evaluate(gt=gt, pred=pred, convention="panopticapi")
    # Stated are 2 of the 4 pixels: 4 / (2 + 4 - 4) = 2.
    assert (row_of(result, SKYSCRAPER).iou_sum, row_of(result, ROAD).fn) == (2, 0)
    assert any(line.startswith("[segment-repeated]") for line in result.warnings)


def test_two_entries_of_one_category_are_one_segment(tmp_path):
    gt = save_gt(tmp_path / "gt.json", [image(NAME, [[5, 5]], [row(5, ROAD, 1), row(5, ROAD, 1)])])
    result = pqeval.evaluate(gt=gt, pred=gt)
    assert result.pq == 1
    assert [line.partition("]")[0] for line in result.warnings] == ["[segment-repeated"]


def test_files_are_recognised_by_their_categories(tmp_path):
    """By ids and which are things: names are spelt with and without synonyms."""
    tables = {
        FORMAT: [entry | {"name": entry["name"].partition(",")[0]} for entry in TABLE],
        "coco": TABLE[:149],
    }
    tables["none"] = [entry | {"isthing": 1} for entry in TABLE]
    found = {}
    for name, table in tables.items():
        both = save_gt(tmp_path / f"{name}.json", [image(NAME, [[5]], {5: BED})], categories=table)
        found[name] = pqeval.evaluate(gt=both, pred=both).inputs["gt_format"]
    assert found == {FORMAT: FORMAT, "coco": "coco", "none": "coco"}


def test_other_categories_than_those_of_ade20k_are_read_as_well(tmp_path):
    both = save(tmp_path / "gt.json", [image(1, [[5]], {5: 1})])
    assert pqeval.evaluate(gt=both, pred=both, format=FORMAT).pq == 1


def test_the_raw_files_give_the_same(tmp_path):
    """As the prepare script puts them together; see test_ade20k."""
    from test_ade20k import BED_INSTANCE, save_image

    raw = save_image(
        tmp_path / "raw", [[WALL + 1, WALL + 1, SKY + 1, 0]], [[0, 1, 0, 0]], [[0, BED_INSTANCE, 0, 0]]
    )
    gt = save_gt(tmp_path / "gt.json", [image(NAME, [[900, 7, 5, 0]], {900: WALL, 7: BED, 5: SKY})])
    assert partition(raw, "ade20k") == partition(gt, FORMAT)
    assert pqeval.evaluate(gt=gt, pred=raw).pq == 1
    assert pqeval.evaluate(gt=raw, pred=gt).pq == 1


@settings(max_examples=15)
@given(pair_maps(things=[BED], stuff=[ROAD, SKY], void=255, instances=[1, 2, 65534]))
def test_there_and_back(tmp_path_factory, frames):
    folder = tmp_path_factory.mktemp("ade20k")
    ((category, instance),) = frames
    ids = np.where(np.asarray(category) == 255, 0, np.asarray(category) * 65536 + instance + 1)
    listed = {number: number >> 16 for number in np.unique(ids).tolist() if number}
    gt = save_gt(folder / "gt.json", [image(NAME, ids.tolist(), listed)])
    before = partition(gt, FORMAT)
    pqeval.convert(gt, folder / "coco.json", format=FORMAT)
    assert partition(folder / "coco.json", "coco") == before


# What is said.


@trigger
def one_id_for_road_and_skyscraper(folder):
    gt = old_file(folder)
    pred = save(folder / "pred.json", [image(NAME, [[1] * 5], {1: ROAD})], categories=None)
    says(
        problems(gt=gt, pred=pred),
        """
        DIR/gt.json (image 'ADE_val_00000001'): segment id 9211020 is listed with category_id 6 (iscrowd 0) and
              with category_id 48 (iscrowd 0)
          expected: one category per segment
          do: make the file again: before 2021-09-15 the prepare script gave road and skyscraper one id; or use the
              convention panopticapi, by which the last entry counts
        """,
        folder=folder,
    )


@trigger
def a_map_that_is_missing(folder):
    gt = save_gt(folder / "gt.json", [image(NAME, None, {1: WALL})])
    error = raised(pqeval.convert, gt, folder / "out.json", format=FORMAT)
    assert error.code == "file-missing"


def test_damaged_files_are_told_as_for_coco(tmp_path):
    gt, pred = covered(tmp_path)
    content = json.loads(gt.read_text())
    del content["annotations"][0]["segments_info"]
    gt.write_text(json.dumps(content))
    found = problems(gt=gt, pred=pred, gt_format=FORMAT)
    assert codes(found)[0] == "annotation"
