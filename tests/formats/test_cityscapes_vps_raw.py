"""Cityscapes-VPS before its conversion."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from datasets import image, save, says
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pair_maps import partition, problems, raised, save_png, save_rgb, segments, sure, tracks
from triggers import Triggers, name_of

import pqeval
from pqeval.categories import Categories

FORMAT = "cityscapes_vps_raw"
FIRST = "0005_0025_bonn_000000_000019"
SECOND = "0005_0026_bonn_000000_000024"

TRUTH = [[0, 0, 0, 0, 13000, 13000, 255, 13]]
GUESS = [[0, 0, 0, 13005, 13005, 13005, 13004, 13004]]
# Road: 3 of 4. Car: 2 of 3; the other car lies where all is void: 255, and a car without number.
SCORES = {"road": 3 / 4, "car": 2 / 3}

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def save_map(folder, key, values, ending="_final_mask", dtype=np.uint16) -> Path:
    path = Path(folder) / f"{key}{ending}.png"
    save_png(path, values, dtype)
    return path


def scores(result) -> dict[str, float]:
    return {row.name: row.pq for row in result.per_class if row.tp + row.fp + row.fn}


def test_scores_worked_out_by_hand(tmp_path):
    save_map(tmp_path / "gt", FIRST, TRUTH)
    save_map(tmp_path / "pred", FIRST, GUESS, "")
    result = pqeval.evaluate(gt=tmp_path / "gt", pred=tmp_path / "pred", format=FORMAT)
    assert scores(result) == SCORES
    assert result.pq == (3 / 4 + 2 / 3) / 2
    assert result.convention == "coco"
    assert [warning for warning in result.warnings if "[" in warning] == []


@pytest.mark.parametrize("table", ["cityscapes", "cityscapes_train"])
def test_categories_are_called_as_the_table_calls_them(tmp_path, table):
    save_map(tmp_path / "gt", FIRST, TRUTH)
    save_map(tmp_path / "pred", FIRST, GUESS)
    rows = [row.as_dict() for row in Categories.builtin(table)]
    result = pqeval.evaluate(gt=tmp_path / "gt", pred=tmp_path / "pred", format=FORMAT, categories=rows)
    assert scores(result) == SCORES


def test_255_is_void_though_it_is_below_1000_and_0_is_road(tmp_path):
    save_map(tmp_path, FIRST, [[255, 0, 10, 18000, 18999, 11]])
    found = partition(tmp_path, FORMAT)[f"0005/{FIRST}"]
    things = {1: (0, False), 2: (10, False), 3: (18, False), 4: (18, False)}
    assert found == ([[-1, 1, 2, 3, 4, -1]], things)


def test_an_object_keeps_its_id_in_a_video(tmp_path):
    save_map(tmp_path, FIRST, [[13000, 13001]])
    save_map(tmp_path, SECOND, [[13001, 0]])
    found = tracks(tmp_path, FORMAT)
    assert sorted(map(len, found.values())) == [1, 1, 2]


def test_against_coco_both_ways(tmp_path):
    save_map(tmp_path / "raw", FIRST, TRUTH)
    table = [row.as_dict() for row in Categories.builtin("cityscapes_train")]
    coco = save(tmp_path / "c.json", [image(FIRST, [[1, 1, 1, 1, 2, 2, 0, 0]], {1: 0, 2: 13})], categories=table)
    for sides in ((tmp_path / "raw", coco, FORMAT, "coco"), (coco, tmp_path / "raw", "coco", FORMAT)):
        gt, pred, gt_format, pred_format = sides
        assert pqeval.evaluate(gt=gt, pred=pred, gt_format=gt_format, pred_format=pred_format).pq == 1.0


def test_of_a_whole_dataset_only_these_maps_are_read(tmp_path):
    """All folders of the dataset have the same file names."""
    save_map(tmp_path / "val" / "panoptic_inst", FIRST, [[0]])
    save_map(tmp_path / "val" / "cls", FIRST, [[0]], dtype=np.uint8)
    save_rgb(tmp_path / "val" / "panoptic_video" / f"{FIRST}_final_mask.png", [[1]])
    for place in (tmp_path, tmp_path / "val", tmp_path / "val" / "panoptic_inst"):
        assert list(segments(place, FORMAT)) == [f"0005/{FIRST}"]
        assert sure(place, FORMAT) == 2
    assert [sure(tmp_path / "val" / name, FORMAT) for name in ("cls", "panoptic_video")] == [0, 0]


def test_with_the_json_of_the_dataset_beside_it_files_are_not_clear(tmp_path):
    save_map(tmp_path / "val" / "panoptic_inst", FIRST, [[0]])
    save(tmp_path / "panoptic_gt_val_city_vps.json", [image(FIRST, [[1]], {1: 0})])
    assert sure(tmp_path, FORMAT) == 1


@settings(max_examples=25)
@given(
    st.lists(
        arrays.arrays(
            np.uint16, (3, 4), elements=st.sampled_from([0, 10, 11, 13, 255, 11000, 13000, 13999, 18001])
        ),
        min_size=1,
        max_size=3,
    )
)
def test_to_coco_an_object_stays_an_object(frames):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for place, values in enumerate(frames):
            save_map(folder / "raw", f"0005_{place:04d}_bonn_000000_{place:06d}", values)
        pqeval.convert(folder / "raw", folder / "coco.json", format=FORMAT)
        assert partition(folder / "coco.json", "coco") == partition(folder / "raw", FORMAT)
        before, after = tracks(folder / "raw", FORMAT), tracks(folder / "coco.json", "coco")
        assert sorted(map(str, before.values())) == sorted(map(str, after.values()))


@trigger
def colours_instead_of_values(folder):
    save_rgb(folder / f"{FIRST}_final_mask.png", [[1]])
    says(
        raised(segments_of, folder),
        f"""
        DIR/{FIRST}_final_mask.png (image '0005/{FIRST}'): the PNG is 8-bit RGB
          expected: 16-bit grayscale
          do: name panoptic_inst, or save a uint16 array: numbers above 255 are lost in 8 bits
        """,
        folder=folder,
    )


def segments_of(folder):
    return pqeval.convert(folder, folder / "out.json", format=FORMAT)


@trigger
def label_ids_instead_of_train_ids(folder):
    save_map(folder, FIRST, [[23, 26000]])
    says(
        raised(segments_of, folder),
        f"""
        DIR/{FIRST}_final_mask.png (image '0005/{FIRST}'): pixels have the value 23, 26000, which is no train id
          expected: train ids 0 to 18, or 255; for an object 1000 times that, plus its number
          do: write train ids as VPSNet does; RGB PNGs with a JSON are the format cityscapes_vps
        """,
        folder=folder,
    )


@trigger
def objects_of_stuff(folder):
    save_map(folder, FIRST, [[10001]])
    says(
        problems(gt=folder, pred=folder, format=FORMAT)[0],
        f"""
        DIR/{FIRST}_final_mask.png (image '0005/{FIRST}'): pixels have the value 10001: an object of a class that
              has no objects
          expected: objects of things only: train ids 11 to 18
          do: write train ids as VPSNet does; RGB PNGs with a JSON are the format cityscapes_vps
        """,
        folder=folder,
    )


@trigger
def no_maps(folder):
    save_png(folder / "0001.png", [[7]])
    says(
        raised(segments_of, folder),
        """
        DIR: there are no files of this format
          expected: files such as 0005_0025_frankfurt_000000_001736_final_mask.png
          do: check the folder, and the format with `pqeval formats`
        """,
        folder=folder,
    )
