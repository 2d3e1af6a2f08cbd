"""Panoptic nuScenes: labels of points in compressed arrays."""

from __future__ import annotations

import io
import shutil
import zipfile

import numpy as np
import pytest
from datasets import image, save, says
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pair_maps import codes, partition, problems, segments, sure
from triggers import Triggers, name_of

import pqeval
from pqeval import tables
from pqeval.categories import Categories

FORMAT = "nuscenes"
GENERAL = {int(number): scored for number, scored in tables.read(FORMAT)["general_to_id"].items()}
ADULT, CHILD, CAR, ROAD, TREES = 2, 3, 17, 24, 30  # general classes
TOKEN = "0a1b2c"

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def points(*runs):
    """Return labels; a run is (number of points, class, instance)."""
    return np.concatenate(
        [np.full(count, number * 1000 + instance, np.uint16) for count, number, instance in runs]
    )


def save_scan(folder, labels, *, token=TOKEN, version="v1.0-mini", **more):
    path = folder / "panoptic" / version / f"{token}_panoptic.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    labels = labels if isinstance(labels, np.ndarray) else np.array(labels, np.uint16)
    np.savez_compressed(path, **({"data": labels} | more))
    return folder


def both(folder, gt, pred, **options):
    save_scan(folder / "gt", gt)
    save_scan(folder / "pred", pred, version="val")
    return {"gt": folder / "gt", "pred": folder / "pred", "format": FORMAT} | options


def meaning(folder, labels, **options):
    return partition(save_scan(folder, labels), FORMAT, **options)[TOKEN]


# What values mean.


def test_every_general_class_has_its_challenge_class(tmp_path):
    ids, rows = segments(save_scan(tmp_path, points(*((1, number, 1) for number in GENERAL))), FORMAT)[TOKEN]
    found = [rows[number].category_id if number else 0 for number in ids.tolist()]
    assert found == list(GENERAL.values())


def test_predictions_have_challenge_classes(tmp_path):
    labels = points(*((1, number, 1) for number in range(17)))
    ids, rows = segments(save_scan(tmp_path, labels), FORMAT, role="pred")[TOKEN]
    assert [rows[number].category_id if number else 0 for number in ids.tolist()] == list(range(17))


@pytest.mark.parametrize(("role", "classes"), [("gt", "challenge"), ("pred", "general")])
def test_the_user_says_which_numbering_a_side_has(tmp_path, role, classes):
    labels = points((1, CAR if classes == "general" else 4, 1))
    assert meaning(tmp_path, labels, role=role, options={"classes": classes}) == ([0], {0: (4, False)})


def test_a_value_is_widened_before_it_is_taken_apart(tmp_path):
    ids, rows = segments(save_scan(tmp_path, [31999, 30999, 17001]), FORMAT)[TOKEN]
    assert ids.tolist() == [0, 30999, 17001]  # 31 is not scored
    assert rows[17001].category_id == 4


def test_classes_that_are_scored_as_one_stay_apart(tmp_path):
    names, meanings = meaning(tmp_path, points((1, ADULT, 1), (1, CHILD, 1)))
    assert (names, meanings) == ([0, 1], {0: (7, False), 1: (7, False)})


def test_a_table_of_general_classes_is_used_as_it_is(tmp_path):
    table = [{"id": ADULT, "isthing": 1}, {"id": ROAD, "isthing": 0}]
    labels = points((1, ADULT, 1), (1, CHILD, 1), (1, ROAD, 0), (1, 31, 0))
    names, meanings = meaning(tmp_path, labels, categories=table)
    assert names == [0, 1, 2, -1]
    assert {name: category for name, (category, _) in meanings.items()} == {0: ADULT, 1: ADULT, 2: ROAD}


# Files.


def test_the_token_is_the_image_id_wherever_the_file_lies(tmp_path):
    save_scan(tmp_path, points((1, CAR, 1)))
    for place in ("", "panoptic", "panoptic/v1.0-mini"):
        assert list(segments(tmp_path / place, FORMAT)) == [TOKEN]


def test_an_archive_is_read_like_a_folder(tmp_path):
    save_scan(tmp_path / "results", points((1, 4, 1)), version="test")
    shutil.make_archive(str(tmp_path / "results"), "zip", tmp_path / "results")
    assert partition(tmp_path / "results.zip", FORMAT, role="pred") == {TOKEN: ([0], {0: (4, False)})}


def test_other_arrays_of_the_file_do_not_matter(tmp_path):
    save_scan(tmp_path, points((1, CAR, 1)), more=np.array([1.5]))
    assert partition(tmp_path, FORMAT) == {TOKEN: ([0], {0: (4, False)})}


def test_files_are_recognised_by_their_names(tmp_path):
    save_scan(tmp_path / "sure", points((1, CAR, 1)))
    np.savez(tmp_path / "other.npz", data=np.zeros(3, np.uint16))
    save(tmp_path / "coco.json", [image(1, [[1]], {1: 1})])
    assert sure(tmp_path / "sure", FORMAT) == 2
    assert sure(tmp_path / "coco.json", FORMAT) == 0


# Scores.


def test_a_score_worked_out_by_hand(tmp_path):
    # Void: 30 points. Car 1 has 40 points, of which 30 are found as car 9, which also has the 30 void points: they
    # are deleted first, so the IoU is 30 / 40. Car 2 has 14 points, too few to be missed. Of 20 points of road, 15
    # are found; the prediction calls 10 points of car 1 road: 15 / 30 does not match, so one is missed and one is
    # wrong. 5 points of road are trees: too few to be wrong.
    gt = points((30, 0, 0), (40, CAR, 1), (14, CAR, 2), (20, ROAD, 0))
    pred = points((30, 4, 9), (30, 4, 9), (10, 11, 0), (14, 0, 0), (15, 11, 0), (5, 16, 0))
    result = pqeval.evaluate(**both(tmp_path, gt, pred))
    assert result.convention == "nuscenes"
    by_id = {row.id: row for row in result.per_class}
    assert (by_id[4].pq, by_id[4].fp, by_id[4].fn) == (30 / 40, 0, 0)
    assert (by_id[11].pq, by_id[11].fp, by_id[11].fn) == (0, 1, 1)
    assert (by_id[16].fp, by_id[16].fn) == (0, 0)
    assert result.pq == pytest.approx((30 / 40) / 16, abs=1e-12)  # absent classes are 0


def test_against_coco_both_ways(tmp_path):
    save_scan(tmp_path, points((3, CAR, 1), (2, ROAD, 0), (1, 0, 0)))
    table = Categories.builtin(FORMAT)
    rows = [{"id": 5, "category_id": 4}, {"id": 6, "category_id": 11}]
    coco = tmp_path / "coco.json"
    pqeval.save_coco_panoptic(coco, [(TOKEN, [[5, 5, 6, 6, 6, 0]], rows)], [row.as_dict() for row in table])
    for gt, pred, formats, options in (
        (tmp_path, coco, (FORMAT, "coco"), {}),
        (coco, tmp_path, ("coco", FORMAT), {"pred_options": {"classes": "general"}}),
    ):
        result = pqeval.evaluate(
            gt=gt, pred=pred, gt_format=formats[0], pred_format=formats[1], convention="coco", **options
        )
        # The car: 2 of 3 points. The road: 2 of 3.
        assert (result.groups["Things"].pq, result.groups["Stuff"].pq) == (2 / 3, 2 / 3)


@settings(max_examples=25)
@given(
    arrays.arrays(
        np.uint16,
        st.integers(1, 12),
        elements=st.builds(
            lambda number, instance: number * 1000 + instance, st.integers(0, 31), st.sampled_from([0, 1, 999])
        ),
    )
)
def test_there_and_back(tmp_path_factory, labels):
    folder = save_scan(tmp_path_factory.mktemp("scan"), labels)
    (before,) = partition(folder, FORMAT).values()
    pqeval.convert(folder, folder / "coco.json", format=FORMAT)
    (after,) = partition(folder / "coco.json", "coco").values()
    assert after == ([before[0]], before[1])


# What is wrong.


@trigger
def general_classes_in_a_prediction(folder):
    options = both(folder, points((2, CAR, 1)), points((1, CAR, 1), (1, ROAD, 0)))
    says(
        problems(**options),
        """
        DIR/pred/panoptic/val/0a1b2c_panoptic.npz (image '0a1b2c'): class 17, 24 is no challenge class
          expected: class * 1000 + instance, with classes from 0 to 16
          do: if the files have the other numbering, say so with --pred-option classes=general
        """,
        folder=folder,
    )


@trigger
def a_class_that_does_not_exist(folder):
    options = both(folder, [32001, 65535], points((1, 4, 1), (1, 4, 2)))
    says(
        problems(**options),
        """
        DIR/gt/panoptic/v1.0-mini/0a1b2c_panoptic.npz (image '0a1b2c'): class 32, 65 is no general class
          expected: class * 1000 + instance, with classes from 0 to 31
          do: if the files have the other numbering, say so with --gt-option classes=challenge
        """,
        folder=folder,
    )


@trigger
def another_dtype(folder):
    options = both(folder, points((1, CAR, 1)), np.array([4001], np.int64))
    says(
        problems(**options),
        """
        DIR/pred/panoptic/val/0a1b2c_panoptic.npz (image '0a1b2c'): the array is int64 of shape (1,)
          expected: uint16, and one value per point
          do: save it as `np.savez_compressed(path, data=labels.astype('uint16'))`
        """,
        folder=folder,
    )
    save_scan(folder / "pred", points((1, 4, 1))[None], version="val")
    assert codes(problems(**options)) == ["nuscenes-array"]


@trigger
def another_key(folder):
    options = both(folder, points((1, CAR, 1)), points((1, 4, 1)))
    np.savez(folder / "pred" / "panoptic" / "val" / f"{TOKEN}_panoptic.npz", points((1, 4, 1)))
    says(
        problems(**options),
        """
        DIR/pred/panoptic/val/0a1b2c_panoptic.npz (image '0a1b2c'): there is no array 'data' in it; there is arr_0
          expected: an array called 'data'
          do: save it as `np.savez_compressed(path, data=array)`
        """,
        folder=folder,
    )


@trigger
def a_broken_archive(folder):
    options = both(folder, points((200, CAR, 1)), points((200, 4, 1)))
    path = folder / "pred" / "panoptic" / "val" / f"{TOKEN}_panoptic.npz"
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    says(
        problems(**options),
        """
        DIR/pred/panoptic/val/0a1b2c_panoptic.npz (image '0a1b2c'): no array can be read from it: the archive is
              damaged
          expected: a whole .npy or .npz file with numbers
          do: write the file again
        """,
        folder=folder,
    )
    for place in range(0, len(whole), 7):  # whatever is damaged, it is said, or does not matter
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
        assert codes(problems(**options)) in ([], ["array-broken"], ["npz-key"], ["nuscenes-array"])


@trigger
def pickled_objects(folder):
    options = both(folder, points((1, CAR, 1)), points((1, 4, 1)))
    packed = io.BytesIO()
    np.save(packed, np.array([{}], object), allow_pickle=True)
    path = folder / "pred" / "panoptic" / "val" / f"{TOKEN}_panoptic.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.npy", packed.getvalue())
    says(
        problems(**options),
        """
        DIR/pred/panoptic/val/0a1b2c_panoptic.npz (image '0a1b2c'): the array holds pickled Python objects, which
              can run anything when they are read
          expected: an array of numbers
          do: save it as numbers, for example `np.save(path, array.astype('int32'))`
        """,
        folder=folder,
    )


@trigger
def things_without_instances(folder):
    options = both(folder, points((2, CAR, 0)), points((2, 4, 0)))
    says(
        problems(**options),
        """
        DIR/pred/panoptic/val/0a1b2c_panoptic.npz (image '0a1b2c'): points of a thing have instance 0 (category 4);
              all of a class are one object
          expected: an instance number from 1 for every object
          do: number the objects of each class
        """,
        folder=folder,
    )


@trigger
def another_number_of_points(folder):
    assert codes(problems(**both(folder, points((3, CAR, 1)), points((2, 4, 1))))) == ["shape"]


@trigger
def a_token_twice(folder):
    save_scan(folder, points((1, CAR, 1)))
    save_scan(folder, points((1, CAR, 1)), version="v1.0-trainval")
    assert "file-twice" in codes(
        problems(gt=folder, pred=folder, format=FORMAT, pred_options={"classes": "general"})
    )
