"""VIPSeg (720P): annotations nested by video, RGB PNGs by video."""

from __future__ import annotations

import json

import numpy as np
import pytest
from datasets import TABLE, image, save, says
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pair_maps import (
    codes,
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

FORMAT = "vipseg"
CAT, DOG, SKY = 1, 2, 3  # the table of datasets.py

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def save_videos(path, videos, *, maps=None, categories=TABLE, **other):
    """Write a JSON and its PNGs.

    Parameters
    ----------
    path : Path
        The JSON.
    videos : dict
        Frames by video, each frame as ``(map, {segment id: category id})``; the first one is 00000001.
    maps : str, optional
        The folder of the PNGs beside it; by default that of its kind.
    """
    truth = categories is not None
    maps = path.parent / (maps or ("panomasksRGB" if truth else "pan_pred"))
    listed, annotations = [], []
    for video, frames in videos.items():
        images, entries = [], []
        for number, (ids, categories_of) in enumerate(frames, start=1):
            name = f"{number:08d}"
            ids = np.asarray(ids)
            save_rgb(maps / video / f"{name}.png", ids & 255, ids >> 8 & 255, ids >> 16)
            images.append({"id": name, "width": ids.shape[1], "height": ids.shape[0], "file_name": f"{name}.png"})
            rows = [
                {"id": number, "category_id": category, "iscrowd": 0, "area": int((ids == number).sum())}
                for number, category in categories_of.items()
            ]
            entries.append({"image_id": name, "file_name": f"{name}.png", "segments_info": rows})
        listed.append({"video_id": video, "images": images})
        annotations.append({"video_id": video, "annotations": entries})
    content = {"videos": listed, "annotations": annotations, "categories": categories} if truth else {}
    content = content or {"annotations": annotations}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content | other))
    return path


def amended(path, change):
    """Change a JSON in place."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return path


ONE = {"a": [([[5]], {5: CAT})]}


# Files.


def test_image_ids_repeat_between_videos(tmp_path):
    gt = save_videos(tmp_path / "gt.json", {"a": [([[5]], {5: CAT})] * 2, "b": [([[5]], {5: DOG})]})
    assert sequences(gt, FORMAT) == {"a/00000001": "a", "a/00000002": "a", "b/00000001": "b"}
    assert partition(gt, FORMAT)["b/00000001"] == ([[0]], {0: (DOG, False)})


def test_an_object_keeps_its_segment_id_over_the_frames(tmp_path):
    frames = [([[7, 70000]], {7: CAT, 70000: CAT}), ([[70000, 7]], {7: CAT, 70000: CAT})]
    gt = save_videos(tmp_path / "gt.json", {"a": frames})
    assert [ids[0].tolist() for ids, _ in segments(gt, FORMAT).values()] == [[7, 70000], [70000, 7]]
    assert tracks(gt, FORMAT) == {
        (CAT, 7): ["a/00000001", "a/00000002"],
        (CAT, 70000): ["a/00000001", "a/00000002"],
    }


def test_the_maps_lie_where_the_dataset_puts_them(tmp_path):
    gt = save_videos(tmp_path / "gt" / "panoptic_gt_VIPSeg_val.json", ONE)
    pred = save_videos(tmp_path / "out" / "pred.json", ONE, categories=None)
    assert pqeval.evaluate(gt=gt, pred=pred).pq == 1


@pytest.mark.parametrize("maps", ["gt", "panomasksRGB"])
def test_other_places_of_the_maps(tmp_path, maps):
    gt = save_videos(tmp_path / "gt.json", ONE, maps=maps)
    assert len(segments(gt, FORMAT)) == 1
    assert len(segments(gt, FORMAT, folder=tmp_path / maps)) == 1


def test_a_folder_with_one_json(tmp_path):
    save_videos(tmp_path / "gt" / "panoptic_gt_VIPSeg_val.json", ONE)
    save_videos(tmp_path / "out" / "pred.json", ONE, categories=None)
    assert pqeval.evaluate(gt=tmp_path / "gt", pred=tmp_path / "out").pq == 1


def test_files_say_that_they_are_vipseg(tmp_path):
    gt = save_videos(tmp_path / "gt.json", ONE)
    pred = save_videos(tmp_path / "pred.json", ONE, categories=None)
    coco = save(tmp_path / "coco.json", [image(1, [[1]], {1: 1})])
    assert [sure(path, FORMAT) for path in (gt, pred, coco)] == [2, 2, 0]


def test_the_png_is_named_by_the_image_where_the_entry_does_not(tmp_path):
    """As the official script has it, which never looks at the names in predictions."""

    def nameless(content):
        first, second, third = content["annotations"][0]["annotations"]
        del first["file_name"]
        second["file_name"] = "00000002.jpg"
        third["file_name"] = "a/00000003.png"

    gt = save_videos(tmp_path / "gt.json", {"a": ONE["a"] * 3})
    pred = amended(save_videos(tmp_path / "pred.json", {"a": ONE["a"] * 3}, categories=None), nameless)
    assert pqeval.evaluate(gt=gt, pred=pred, format=FORMAT).pq == 1


def test_ids_as_numbers(tmp_path):
    def numbers(content):
        video = content["annotations"][0]
        video["video_id"] = 12
        video["annotations"][0]["image_id"] = 1

    gt = save_videos(tmp_path / "gt.json", {"12": ONE["a"]})
    pred = amended(save_videos(tmp_path / "pred.json", {"12": ONE["a"]}, categories=None), numbers)
    assert pqeval.evaluate(gt=gt, pred=pred, format=FORMAT).pq == 1


def test_frames_are_paired_by_name_and_not_by_place(tmp_path):
    frames = {"a": [([[5]], {5: CAT}), ([[6]], {6: DOG})], "b": ONE["a"]}
    gt = save_videos(tmp_path / "gt.json", frames)

    def shuffled(content):
        content["annotations"].reverse()
        content["annotations"][1]["annotations"].reverse()

    pred = amended(save_videos(tmp_path / "pred.json", frames, categories=None), shuffled)
    assert pqeval.evaluate(gt=gt, pred=pred, format=FORMAT).pq == 1


def test_without_categories_the_table_is_built_in(tmp_path):
    gt = save_videos(tmp_path / "gt.json", {"a": [([[5]], {5: 60})]})
    amended(gt, lambda content: content.pop("categories"))
    side = pqeval.evaluate(gt=gt, pred=gt, format=FORMAT)
    assert (side.pq, side.per_class[60].name) == (1, "person")


# Scores.


def test_a_score_worked_out_by_hand(tmp_path):
    # Frame 1: cat 5 has 4 pixels, 3 of them found and 1 of the void: 3 / (4 + 4 - 3 - 1) = 3 / 4. Sky: 2 of 2.
    # Frame 2: cat 5 has 2 pixels and is missed; a dog is invented.
    gt = save_videos(
        tmp_path / "gt.json",
        {"a": [([[5, 5, 5, 5, 0, 9, 9]], {5: CAT, 9: SKY}), ([[5, 5, 9]], {5: CAT, 9: SKY})]},
    )
    pred = save_videos(
        tmp_path / "pred.json",
        {"a": [([[1, 1, 1, 0, 1, 3, 3]], {1: CAT, 3: SKY}), ([[2, 2, 3]], {2: DOG, 3: SKY})]},
        categories=None,
    )
    result = pqeval.evaluate(gt=gt, pred=pred, format=FORMAT)
    cat, dog, sky = result.per_class
    assert (cat.pq, cat.tp, cat.fn) == (3 / 4 / (1 + 1 / 2), 1, 1)
    assert (dog.pq, dog.fp) == (0, 1)
    assert (sky.pq, sky.tp) == (1, 2)


def test_against_coco_and_raw_maps(tmp_path):
    table = [row.as_dict() for row in pqeval.Categories.builtin(FORMAT)]
    gt = save_videos(tmp_path / "gt.json", {"a": [([[5, 5, 5, 0]], {5: 60})]}, categories=table)
    coco = save(tmp_path / "coco.json", [image("a/00000001", [[1, 1, 0, 0]], {1: 60}, file_name="x.png")])
    save_png(tmp_path / "raw" / "a" / "00000001.png", [[6100, 6100, 6100, 6101]], np.uint16)
    assert pqeval.evaluate(gt=gt, pred=coco, gt_format=FORMAT, pred_format="coco").per_class[60].pq == 2 / 3
    # Of two persons in the raw map, one is found and the other lies on void.
    assert pqeval.evaluate(gt=gt, pred=tmp_path / "raw", pred_format="vipseg_raw").per_class[60].pq == 1


@settings(max_examples=20)
@given(
    st.lists(
        arrays.arrays(np.int64, (3, 4), elements=st.sampled_from([0, 5, 6, 7, 2**24 - 1])), min_size=1, max_size=3
    )
)
def test_to_coco_and_back(tmp_path_factory, frames):
    folder = tmp_path_factory.mktemp("videos")
    meaning = {5: CAT, 6: CAT, 7: SKY, 2**24 - 1: DOG}
    listed = [(ids, {number: meaning[number] for number in np.unique(ids).tolist() if number}) for ids in frames]
    gt = save_videos(folder / "gt.json", {"a": listed, "b": listed})
    pqeval.convert(gt, folder / "coco.json", format=FORMAT)
    assert partition(folder / "coco.json", "coco") == partition(gt, FORMAT)
    # In COCO form the videos are apart, and each has its objects.
    assert sorted(tracks(folder / "coco.json", "coco").values()) == sorted(tracks(gt, FORMAT).values())


# What is said.


@trigger
def a_flat_list(folder):
    gt = save_videos(folder / "gt.json", ONE)
    pred = save(folder / "pred.json", [image("a/00000001", [[1]], {1: CAT}, file_name="x.png")], categories=None)
    found = problems(gt=gt, pred=pred, format=FORMAT)
    says(
        found,
        """
        DIR/pred.json: annotations[0] is no video: it needs video_id and a list annotations
          expected: an object such as {"video_id": "0_wHRIZlF-mNs", "annotations": [...]}
          do: nest the annotations by video; a flat list is read with the format coco
        DIR/pred.json (image 'a/00000001'): there is no prediction for this image
          expected: a prediction for every image of the ground truth
          do: add the prediction, or score it as empty or leave it out with --missing empty or skip
        """,
        folder=folder,
    )


@trigger
def a_frame_without_list(folder):
    def spoil(content):
        del content["annotations"][0]["annotations"][0]["segments_info"]

    gt = save_videos(folder / "gt.json", ONE)
    pred = amended(save_videos(folder / "pred.json", ONE, categories=None), spoil)
    says(
        problems(gt=gt, pred=pred, format=FORMAT)[0],
        """
        DIR/pred.json (image 'a'): annotations[0].annotations[0]: has no segments_info
          expected: a list such as [{"id": 1, "category_id": 17}]
          do: correct this annotation
        """,
        folder=folder,
    )


@trigger
def no_folder_of_maps(folder):
    gt = save_videos(folder / "gt.json", ONE)
    pred = save_videos(folder / "out" / "pred.json", ONE, maps="maps", categories=None)
    says(
        raised(pqeval.evaluate, gt=gt, pred=pred, format=FORMAT),
        """
        DIR/out/pred.json: there is no folder pan_pred beside it
          expected: the folder of its PNGs, with a folder per video
          do: name it with --pred-folder (pred_folder=)
        """,
        folder=folder,
    )


@trigger
def a_map_that_is_missing(folder):
    gt = save_videos(folder / "gt.json", ONE)
    pred = save_videos(folder / "pred.json", ONE, categories=None)
    (folder / "pan_pred" / "a" / "00000001.png").unlink()
    says(
        problems(gt=gt, pred=pred, format=FORMAT),
        """
        DIR/pan_pred/a/00000001.png (image 'a/00000001'): does not exist
          expected: a file
          do: check the file name
        """,
        folder=folder,
    )


@trigger
def a_map_under_the_name_of_the_picture(folder):
    def rename(content):
        content["annotations"][0]["annotations"][0]["file_name"] = "00000009.jpg"

    gt = save_videos(folder / "gt.json", ONE)
    pred = amended(save_videos(folder / "pred.json", ONE, categories=None), rename)
    (found,) = problems(gt=gt, pred=pred, format=FORMAT)
    assert (found.code, found.file) == ("file-missing", str(folder / "pan_pred" / "a" / "00000009.png"))


@trigger
def an_image_listed_twice(folder):
    gt = save_videos(folder / "gt.json", ONE)
    pred = save_videos(folder / "pred.json", ONE, categories=None)
    amended(pred, lambda content: content["annotations"].append(content["annotations"][0]))
    says(
        problems(gt=gt, pred=pred, format=FORMAT),
        """
        DIR/pred.json (image 'a/00000001'): the image has more than one annotation
          expected: one annotation per image
          do: remove the repeated annotation
        """,
        folder=folder,
    )


@trigger
def another_size_than_stated(folder):
    gt = save_videos(folder / "gt.json", ONE)
    amended(gt, lambda content: content["videos"][0]["images"][0].update(width=9))
    assert codes(problems(gt=gt, pred=gt, format=FORMAT)) == ["image-size"]


def test_damaged_jsons_are_named(tmp_path):
    gt = save_videos(tmp_path / "gt.json", ONE)
    for change in (
        lambda content: content.update(annotations={}),
        lambda content: content.update(annotations=[3]),
        lambda content: content.update(annotations=[{"video_id": ["a"], "annotations": []}]),
        lambda content: content["annotations"][0].update(annotations=[7]),
        lambda content: content["annotations"][0].update(annotations=[{"image_id": 1.5, "file_name": 3}]),
        lambda content: content.update(annotations=[{"video_id": "a", "annotations": [{"image_id": "1"}]}]),
    ):
        pred = amended(save_videos(tmp_path / "pred.json", ONE, categories=None), change)
        found = problems(gt=gt, pred=pred, format=FORMAT)
        assert found
        assert set(codes(found)) <= {"json-key", "video", "annotation", "prediction-missing"}


@pytest.mark.parametrize("videos", [None, 3, [3], [{"images": [4]}], [{"video_id": "a", "images": [{}]}]])
def test_damaged_videos_do_no_harm(tmp_path, videos):
    gt = amended(save_videos(tmp_path / "gt.json", ONE), lambda content: content.update(videos=videos))
    assert pqeval.evaluate(gt=gt, pred=gt, format=FORMAT).pq == 1
