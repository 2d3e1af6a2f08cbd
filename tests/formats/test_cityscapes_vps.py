"""Cityscapes-VPS as VPSNet writes it."""

from __future__ import annotations

import json
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from datasets import image, save, says
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pair_maps import codes, partition, problems, raised, save_png, segments, sure, tracks
from triggers import Triggers, name_of

import pqeval
from pqeval.categories import Categories
from pqeval.conversion import open_source
from pqeval.formats._cityscapes_vps import frame_id

FORMAT = "cityscapes_vps"
ORIGINAL = [7, 8, 11, 12, 13, 17, 19, 21, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]  # traffic sign is 20
TABLE = [
    row.as_dict() | {"ori_id": original, "trainid": row.id} | ({"name": "vegitation"} if row.id == 8 else {})
    for row, original in zip(Categories.builtin("cityscapes_train"), ORIGINAL, strict=True)
]
FIRST = "0005_0025_bonn_000000_000019"
SECOND = "0005_0026_bonn_000000_000024"
OTHER = "0010_0055_ulm_000000_000021"

TRUTH = {
    FIRST: ([[1, 1, 1, 1, 9, 9, 8, 0]], {1: (0, 0), 9: (13, 0), 8: (13, 1)}),
    SECOND: ([[9, 9, 9, 1, 1, 1, 1, 0]], {1: (0, 0), 9: (13, 0)}),
    OTHER: ([[9, 9, 9, 9, 9, 9, 9, 9]], {9: (7, 0)}),
}
GUESS = {
    FIRST: ([[1, 1, 1, 5, 5, 5, 6, 6]], {1: 0, 5: 13, 6: 13}),
    SECOND: ([[5, 5, 5, 1, 1, 1, 1, 1]], {1: 0, 5: 13}),
    OTHER: ([[7, 7, 7, 7, 7, 7, 7, 7]], {7: 7}),
}
# Road: 3 of 4, and 4 of 4 since void is taken off: (3 / 4 + 1) / 2. Car: 2 of 3 and 3 of 3: (2 / 3 + 1) / 2, and 6
# lies in crowd and void. Traffic sign: 1.
SCORES = {"road": (3 / 4 + 1) / 2, "traffic sign": 1.0, "car": (2 / 3 + 1) / 2}

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def save_truth(root, name="panoptic_gt_val_city_vps.json", folder="val/panoptic_video", **other) -> Path:
    """Write the JSON at the root, and the PNGs where the converter has them."""
    frames, listed = [], []
    for key, (ids, rows) in TRUTH.items():
        infos = [
            {
                "id": number,
                "category_id": category,
                "iscrowd": crowd,
                "area": sum(np.array(ids[0]) == number).item(),
            }
            for number, (category, crowd) in rows.items()
        ]
        frames.append(image(key, ids, infos, file_name=f"{key}_final_mask.png"))
        listed.append({"id": key, "width": 8, "height": 1, "file_name": f"{key}_newImg8bit.png"})
    return save(
        Path(root) / name, frames, folder=Path(root) / folder, **({"categories": TABLE, "images": listed} | other)
    )


def save_guess(root, *, without=(), folder="pan_pred", name="pred.json") -> Path:
    """Write pred.json, and PNGs called after the image ids."""
    frames = [image(key, ids, rows) for key, (ids, rows) in GUESS.items()]
    path = save(Path(root) / name, frames, folder=Path(root) / folder, categories=None)
    content = json.loads(path.read_text())
    for entry in content["annotations"]:
        for key in without:
            del entry[key]
    path.write_text(json.dumps(content))
    return path


def scores(result) -> dict[str, float]:
    return {row.name: row.pq for row in result.per_class if row.tp + row.fp + row.fn}


def evaluated(gt, pred, **options):
    return pqeval.evaluate(gt=gt, pred=pred, gt_format=FORMAT, pred_format=FORMAT, **options)


# Scores and names.


def test_scores_worked_out_by_hand(tmp_path):
    result = evaluated(save_truth(tmp_path), save_guess(tmp_path / "out"))
    assert scores(result) == SCORES
    assert result.pq == sum(SCORES.values()) / 3
    assert result.convention == "coco"
    assert next(row for row in result.per_class if row.name == "car").fp == 0
    assert [warning for warning in result.warnings if "[" in warning] == []


def test_the_names_of_the_json_win(tmp_path):
    result = evaluated(save_truth(tmp_path), save_guess(tmp_path / "out"))
    assert [row.name for row in result.per_class][6:9] == ["traffic light", "traffic sign", "vegitation"]


def test_ids_of_the_original_labels_are_not_looked_at(tmp_path):
    """Two classes have the original id 21."""
    assert TABLE[7]["ori_id"] == TABLE[8]["ori_id"]
    assert [row.id for row in open_source(save_truth(tmp_path), format=FORMAT)[0].categories] == list(range(19))


@pytest.mark.parametrize("table", ["cityscapes", "cityscapes_train"])
def test_categories_are_called_as_the_table_of_the_user_calls_them(tmp_path, table):
    rows = [row.as_dict() for row in Categories.builtin(table)]
    result = evaluated(save_truth(tmp_path), save_guess(tmp_path / "out"), categories=rows)
    assert scores(result) == SCORES


def test_a_ground_truth_without_categories_takes_the_table_of_the_dataset(tmp_path):
    result = evaluated(save_truth(tmp_path, categories=None), save_guess(tmp_path / "out"))
    assert result.per_class[8].name == "vegetation"


def test_against_coco_both_ways(tmp_path):
    gt, pred = save_truth(tmp_path), save_guess(tmp_path / "out")
    options = {"gt_folder": tmp_path / "val" / "panoptic_video", "pred_folder": tmp_path / "out" / "pan_pred"}
    for formats in ((FORMAT, "coco"), ("coco", FORMAT)):
        result = pqeval.evaluate(gt=gt, pred=pred, gt_format=formats[0], pred_format=formats[1], **options)
        assert scores(result) == SCORES


def test_against_the_raw_maps(tmp_path):
    """The same frames as 16-bit PNGs: the crowd is void there, and bare things are too."""
    for key, values in {
        FIRST: [0, 0, 0, 0, 13000, 13000, 255, 255],
        SECOND: [13000] * 3 + [0] * 4 + [255],
    }.items():
        save_png(tmp_path / "panoptic_inst" / f"{key}_final_mask.png", [values], np.uint16)
    save_png(tmp_path / "panoptic_inst" / f"{OTHER}_final_mask.png", [[7] * 8], np.uint16)
    raw = tmp_path / "panoptic_inst"
    result = pqeval.evaluate(
        gt=raw, pred=save_guess(tmp_path / "out"), gt_format="cityscapes_vps_raw", pred_format=FORMAT
    )
    assert scores(result) == SCORES


# Videos.


def test_frames_have_a_video_and_an_object_keeps_its_id(tmp_path):
    images = open_source(save_truth(tmp_path), format=FORMAT)[1]
    assert [image.sequence for image in images] == ["0005", "0005", "0010"]
    assert [image.image_id for image in images] == [f"0005/{FIRST}", f"0005/{SECOND}", f"0010/{OTHER}"]
    assert tracks(save_truth(tmp_path), FORMAT)[13, 9] == [f"0005/{FIRST}", f"0005/{SECOND}"]


@pytest.mark.parametrize(
    "name",
    [
        FIRST,
        f"{FIRST}.png",
        f"{FIRST}_final_mask.png",
        f"{FIRST}_newImg8bit.png",
        f"{FIRST}_leftImg8bit.png",
        f"{FIRST}_gtFine_color.png",
        f"val/panoptic_inst/{FIRST}_final_mask.png",
        f"{FIRST}_mine.png",
    ],
)
def test_the_names_of_a_frame(name):
    assert frame_id(name) == f"0005/{FIRST}"


def test_frames_of_other_datasets_in_this_format():
    assert frame_id("001_00017_final_mask.png") == "001_/001_00017"
    assert frame_id("0017.png") == "0017/0017"


def test_image_ids_that_are_numbers_are_read_from_the_file_names(tmp_path):
    gt = save_truth(tmp_path)
    content = json.loads(gt.read_text())
    for place, entry in enumerate(content["annotations"]):
        entry["image_id"] = place
    gt.write_text(json.dumps(content))
    assert list(segments(gt, FORMAT)) == [f"0005/{FIRST}", f"0005/{SECOND}", f"0010/{OTHER}"]


def test_an_image_id_counts_more_than_a_file_name(tmp_path):
    pred = save_guess(tmp_path / "out")
    content = json.loads(pred.read_text())
    for place, entry in enumerate(content["annotations"]):
        (tmp_path / "out" / "pan_pred" / entry["file_name"]).rename(tmp_path / "out" / "pan_pred" / f"{place}.png")
        entry["file_name"] = f"{place}.png"
    pred.write_text(json.dumps(content))
    assert scores(evaluated(save_truth(tmp_path), pred)) == SCORES


def test_sizes_that_the_json_states_are_compared(tmp_path):
    gt = save_truth(
        tmp_path, images=[{"id": FIRST, "width": 9, "height": 1, "file_name": f"{FIRST}_newImg8bit.png"}]
    )
    assert codes(problems(gt=gt, pred=save_guess(tmp_path / "out"), format=FORMAT)) == ["image-size"]


# Predictions that lack names.


@pytest.mark.parametrize("without", [["file_name"], ["image_id"]])
def test_one_name_is_enough(tmp_path, without):
    result = evaluated(save_truth(tmp_path), save_guess(tmp_path / "out", without=without))
    assert scores(result) == SCORES
    assert [warning for warning in result.warnings if "[" in warning] == []


@pytest.mark.parametrize("folder", ["pan_pred", "pan"])
def test_without_names_the_order_counts(tmp_path, folder):
    pred = save_guess(tmp_path / "out", without=["image_id", "file_name"], folder=folder)
    result = evaluated(save_truth(tmp_path), pred)
    assert scores(result) == SCORES
    assert [warning[:20] for warning in result.warnings if "[" in warning] == ["[paired-by-position]"]


def test_the_order_is_that_of_the_annotations_and_of_the_file_names(tmp_path):
    pred = save_guess(tmp_path / "out", without=["image_id", "file_name"])
    content = json.loads(pred.read_text())
    content["annotations"].reverse()
    pred.write_text(json.dumps(content))
    found = codes(problems(gt=save_truth(tmp_path), pred=pred, format=FORMAT))
    assert found == ["paired-by-position", *["pred-id-not-listed", "pred-id-without-pixels"] * 2]


def test_the_ground_truth_of_a_split_is_where_its_name_says(tmp_path):
    save_truth(tmp_path, "panoptic_gt_train_city_vps.json", "train/panoptic_video")
    gt = save_truth(tmp_path)
    (tmp_path / "val" / "panoptic_video" / f"{FIRST}_final_mask.png").write_bytes(b"")
    assert list(segments(tmp_path / "panoptic_gt_train_city_vps.json", FORMAT)) != []
    assert raised(segments, gt, FORMAT) is not None


def test_a_folder_of_its_own_and_a_folder_that_is_named_come_first(tmp_path):
    gt = save_truth(tmp_path, folder="panoptic_gt_val_city_vps")
    assert len(segments(gt, FORMAT)) == 3
    gt = save_truth(tmp_path / "other", folder="somewhere")
    assert len(segments(gt, FORMAT, folder=tmp_path / "other" / "somewhere")) == 3


def test_the_predictions_of_somebody_are_no_ground_truth(tmp_path):
    gt = save_truth(tmp_path, folder="elsewhere")
    save_guess(tmp_path)
    assert raised(segments, gt, FORMAT).code == "folder-missing"


def test_a_submission_in_a_zip_is_read(tmp_path):
    pred = save_guess(tmp_path / "out", without=["image_id", "file_name"])
    with zipfile.ZipFile(tmp_path / "out.zip", "w") as archive:
        for path in sorted(pred.parent.rglob("*.*")):
            archive.write(path, path.relative_to(tmp_path))
    assert scores(evaluated(save_truth(tmp_path), tmp_path / "out.zip")) == SCORES


def test_files_say_that_they_are_of_this_format(tmp_path):
    nested = tmp_path / "vipseg.json"
    nested.write_text('{"videos": [], "annotations": [{"video_id": 1, "annotations": [{"segments_info": []}]}]}')
    plain = save(tmp_path / "coco.json", [image(7, [[1]], {1: 1})])
    (tmp_path / "nameless").mkdir()
    nameless = tmp_path / "nameless" / "pred.json"
    nameless.write_text('{"annotations": [{"segments_info": []}]}')
    files = {
        "truth": save_truth(tmp_path),
        "guess": save_guess(tmp_path / "one"),
        "by position": save_guess(tmp_path / "two", without=["image_id", "file_name"]),
        "nested": nested,
        "plain": plain,
        "nameless": nameless,
    }
    answers = {name: sure(path, FORMAT) for name, path in files.items()}
    assert answers == {"truth": 2, "guess": 2, "by position": 2, "nested": 0, "plain": 0, "nameless": 0}
    assert scores(pqeval.evaluate(gt=files["truth"], pred=files["by position"])) == SCORES


# There and back.


@settings(max_examples=25)
@given(
    st.lists(
        arrays.arrays(np.int64, (3, 4), elements=st.integers(0, 4)),
        min_size=1,
        max_size=3,
    )
)
def test_to_coco_an_object_stays_an_object(frames):
    rows = {1: (0, 0), 2: (13, 0), 3: (13, 0), 4: (11, 1)}
    images = []
    for place, ids in enumerate(frames):
        infos = [
            {"id": number, "category_id": category, "iscrowd": crowd}
            for number, (category, crowd) in rows.items()
            if number in ids
        ]
        key = f"0005_{place:04d}_bonn_000000_{place:06d}"
        images.append(image(key, ids.tolist(), infos, file_name=f"{key}_final_mask.png"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        gt = save(folder / "gt.json", images, categories=TABLE)
        pqeval.convert(gt, folder / "coco.json", format=FORMAT)
        assert partition(folder / "coco.json", "coco") == partition(gt, FORMAT)
        before, after = tracks(gt, FORMAT), tracks(folder / "coco.json", "coco")
        assert sorted(map(str, before.values())) == sorted(map(str, after.values()))


# What is wrong.


@trigger
def fewer_pngs_than_annotations(folder):
    pred = save_guess(folder, without=["image_id", "file_name"])
    (folder / "pan_pred" / f"{OTHER}.png").unlink()
    says(
        raised(segments, pred, FORMAT, role="pred"),
        """
        DIR/pred.json: 3 annotations have no image_id and no file_name, and there are 2 PNGs in DIR/pan_pred
          expected: as many of both, since nothing but their order says which belong together
          do: write image_id and file_name into every annotation, or name the folder of these PNGs
        """,
        folder=folder,
    )


@trigger
def annotations_without_names(folder):
    gt = save_truth(folder)
    pred = save_guess(folder / "out", without=["image_id", "file_name"])
    says(
        problems(gt=gt, pred=pred, format=FORMAT),
        f"""
        DIR/out/pred.json: annotations have no image_id and no file_name; they are taken for the PNGs in the order
              of their names, the first one for {FIRST}.png
          expected: image_id and file_name in every annotation
          do: check that the order is right, or write image_id and file_name
        """,
        folder=folder,
    )


def test_some_annotations_without_names_are_errors(tmp_path):
    gt, pred = save_truth(tmp_path), save_guess(tmp_path / "out")
    content = json.loads(pred.read_text())
    del content["annotations"][1]["image_id"], content["annotations"][1]["file_name"]
    pred.write_text(json.dumps(content))
    assert codes(problems(gt=gt, pred=pred, format=FORMAT)) == ["annotation", "prediction-missing"]


@trigger
def one_id_for_two_classes(folder):
    """Ids repeat between videos without harm: 9 is a car in one and a traffic sign in the other."""
    gt = save_truth(folder)
    assert problems(gt=gt, pred=gt, format=FORMAT) == []
    content = json.loads(gt.read_text())
    content["annotations"][1]["segments_info"][1]["category_id"] = 14
    gt.write_text(json.dumps(content))
    pred = save_guess(folder / "out")
    says(
        problems(gt=gt, pred=pred, format=FORMAT),
        """
        DIR/panoptic_gt_val_city_vps.json: segment id 9 of video 0005 has category_id 13 and, in another frame, 14
          expected: one object per segment id in a video
          do: convert the video again with a repaired converter (mcahny/vps, pull request 10)
        """,
        folder=folder,
    )


@trigger
def no_folder_of_pngs(folder):
    gt = save_truth(folder, folder="elsewhere")
    says(
        raised(segments, gt, FORMAT),
        """
        DIR/panoptic_gt_val_city_vps.json: the folder of its PNGs, DIR/panoptic_gt_val_city_vps, does not exist
          expected: a folder named as the JSON without .json
          do: name it with --gt-folder (gt_folder=)
        """,
        folder=folder,
    )


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("{", "json-syntax"),
        ("[]", "json-top-level"),
        ('{"annotations": 3, "categories": []}', "json-key"),
        ('{"annotations": [3, {"segments_info": 3}, {"segments_info": [3], "image_id": "a"}], "images": 3}', None),
        ('{"annotations": [{"image_id": "a", "segments_info": [{"id": "x", "category_id": null}]}]}', None),
    ],
)
def test_a_json_of_another_structure_is_named(tmp_path, content, code):
    (tmp_path / "pan_pred").mkdir()
    (tmp_path / "pred.json").write_text(content)
    error = raised(segments, tmp_path / "pred.json", FORMAT, role="pred")
    assert isinstance(error, pqeval.DataError if code else Exception)
    assert code is None or error.code == code
