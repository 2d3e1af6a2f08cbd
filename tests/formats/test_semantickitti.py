"""SemanticKITTI: labels of points."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from datasets import image, save, says
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pair_maps import codes, partition, problems, raised, segments, sure, tracks
from triggers import Triggers, name_of

import pqeval
from pqeval import tables
from pqeval.categories import Categories

FORMAT = "semantickitti"
RAW = {int(raw): scored for raw, scored in tables.read(FORMAT)["raw_to_id"].items()}
CAR, MOVING_CAR, PERSON, BICYCLIST, ROAD, MARKING, BUILDING, TERRAIN = (
    10,
    252,
    30,
    31,
    40,
    60,
    50,
    72,
)  # raw classes
UNLABELLED, OUTLIER, OTHER = 0, 1, 99
NAME = "08/000123"

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def points(*runs):
    """Return labels; a run is (number of points, raw class, instance)."""
    return np.concatenate([np.full(run[0], run[1] | run[2] << 16, np.uint32) for run in runs])


def save_scan(folder, labels, *, kind="labels", name=NAME, above="sequences"):
    sequence, _, frame = name.rpartition("/")
    path = folder / above / sequence / kind / f"{frame}.label"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.asarray(labels).astype("<u4").tofile(path)
    return folder


def both(folder, gt, pred, **options):
    """Save both sides into one dataset, as their server wants it, and return their options."""
    save_scan(folder, gt)
    save_scan(folder, pred, kind="predictions")
    return {"gt": folder, "pred": folder, "format": FORMAT} | options


def meaning(folder, labels, **options):
    """Return names and meanings of the segments of a scan."""
    return partition(save_scan(folder, labels), FORMAT, **options)[NAME]


# What values mean.


def test_the_vector_of_the_specification(tmp_path):
    save_scan(tmp_path, [0x0005000A])
    ids, rows = segments(tmp_path, FORMAT)[NAME]
    assert ids.tolist() == [0x0005000A]
    assert rows[0x0005000A].category_id == 1  # car


def test_every_raw_class_has_its_learning_id(tmp_path):
    ids, rows = segments(save_scan(tmp_path, list(RAW)), FORMAT)[NAME]
    found = {raw: rows[number].category_id if number else 0 for raw, number in zip(RAW, ids.tolist(), strict=True)}
    assert found == RAW
    assert (found[MOVING_CAR], found[MARKING]) == (1, 9)  # as car and as road


def test_learning_id_0_is_void(tmp_path):
    names, meanings = meaning(tmp_path, points((1, UNLABELLED, 0), (1, OUTLIER, 7), (1, OTHER, 0), (1, 52, 3)))
    assert (names, meanings) == ([-1, -1, -1, -1], {})


def test_the_whole_value_is_the_segment_so_that_raw_classes_stay_apart(tmp_path):
    names, meanings = meaning(tmp_path, points((1, ROAD, 0), (1, MARKING, 0), (1, CAR, 4), (1, MOVING_CAR, 4)))
    assert names == [0, 1, 2, 3]
    assert meanings == {0: (9, False), 1: (9, False), 2: (1, False), 3: (1, False)}


def test_instances_above_32767_do_not_overflow(tmp_path):
    names, meanings = meaning(tmp_path, points((1, CAR, 32768), (1, CAR, 65535), (1, MOVING_CAR, 65535)))
    assert (names, set(meanings.values())) == ([0, 1, 2], {(1, False)})


def test_an_object_keeps_its_id_over_the_scans_of_a_sequence(tmp_path):
    save_scan(tmp_path, points((1, CAR, 4), (1, CAR, 5)), name="08/000000")
    save_scan(tmp_path, points((2, TERRAIN, 0), (3, CAR, 4)), name="08/000001")
    assert sorted(tracks(tmp_path, FORMAT).values()) == [
        ["08/000000"],
        ["08/000000", "08/000001"],
        ["08/000001"],
    ]


def test_a_table_of_raw_classes_is_used_as_it_is(tmp_path):
    table = [{"id": CAR, "isthing": 1}, {"id": 20, "isthing": 1}, {"id": MARKING, "isthing": 0}]
    labels = points((1, MOVING_CAR, 1), (1, 13, 1), (1, MARKING, 0), (1, ROAD, 0), (1, OUTLIER, 0))
    # The table has no moving car: it is a car. A bus (13) is learnt as other-vehicle, which is 20 there.
    names, meanings = meaning(tmp_path, labels, categories=table)
    assert names == [0, 1, 2, 3, -1]
    assert {name: category for name, (category, _) in meanings.items()} == {0: CAR, 1: 20, 2: MARKING, 3: MARKING}


def test_raw_classes_that_are_scored_as_one_stay_apart_where_the_table_has_both(tmp_path):
    table = [{"id": number, "isthing": 1} for number in (CAR, MOVING_CAR)]
    _, meanings = meaning(tmp_path, points((1, CAR, 1), (1, MOVING_CAR, 1)), categories=table)
    assert meanings == {0: (CAR, False), 1: (MOVING_CAR, False)}


def test_a_raw_class_that_the_table_cannot_mean_is_an_unknown_category(tmp_path):
    options = both(tmp_path, points((60, CAR, 1)), points((60, BUILDING, 0)))
    table = [{"id": CAR, "isthing": 1}, {"id": 252, "isthing": 1}]
    assert codes(problems(**options, categories=table)) == ["pred-category-unknown"]


# Files.


@pytest.mark.parametrize(
    ("place", "image_id"),
    [
        ("", NAME),
        ("sequences", NAME),
        ("sequences/08", NAME),
        ("sequences/08/labels", NAME),
        ("sequences/08/predictions", NAME),
    ],
)
@pytest.mark.parametrize("role", ["gt", "pred"])
def test_a_side_takes_its_own_files_unless_the_folder_of_a_kind_is_named(tmp_path, place, image_id, role):
    save_scan(tmp_path, points((1, CAR, 1)))
    save_scan(tmp_path, points((1, PERSON, 1)), kind="predictions")
    kind = place.rpartition("/")[2] if place.count("/") == 2 else {"gt": "labels", "pred": "predictions"}[role]
    found = partition(tmp_path / place, FORMAT, role=role)
    assert found == {image_id: ([0], {0: (1 if kind == "labels" else 6, False)})}


def test_a_folder_without_a_sequence_pairs_with_one_that_has_one(tmp_path):
    labels = points((60, CAR, 1))
    save_scan(tmp_path / "gt", labels)
    save_scan(tmp_path / "mine", labels, kind=".", name="/000123", above=".")
    result = pqeval.evaluate(gt=tmp_path / "gt", pred=tmp_path / "mine", format=FORMAT)
    assert result.per_class[0].tp == 1
    assert [line.partition("]")[0] for line in result.warnings] == ["[image-id-form"]
    assert list(partition(tmp_path / "mine", FORMAT, role="pred")) == ["000123"]


def test_only_the_sequences_that_are_named_are_read(tmp_path):
    for name in ("00/000001", "08/000001", "10/000001"):
        save_scan(tmp_path, points((1, CAR, 1)), name=name)
    assert list(segments(tmp_path, FORMAT)) == ["00/000001", "08/000001", "10/000001"]
    assert list(segments(tmp_path, FORMAT, options={"sequences": "8"})) == ["08/000001"]
    assert list(segments(tmp_path, FORMAT, options={"sequences": "10, 00"})) == ["00/000001", "10/000001"]


def test_an_archive_is_read_like_a_folder(tmp_path):
    save_scan(tmp_path / "data", points((1, CAR, 1)), kind="predictions")
    shutil.make_archive(str(tmp_path / "submission"), "zip", tmp_path / "data")
    assert list(segments(tmp_path / "submission.zip", FORMAT, role="pred")) == [NAME]


def test_label_files_are_recognised(tmp_path):
    save_scan(tmp_path / "nested", points((1, CAR, 1)))
    save_scan(tmp_path / "flat", points((1, CAR, 1)), kind=".", name="/000001", above=".")
    save(tmp_path / "coco.json", [image(1, [[1]], {1: 1})])
    assert [sure(tmp_path / name, FORMAT) for name in ("nested", "flat", "coco.json")] == [2, 1, 0]


# Scores.


def test_the_vector_of_the_original_suite(tmp_path):
    """Persons of 150, 50 and 100 points, found as 200 and 100; a dog as a person; 10 points of grass and sky."""
    grass, sky, person, dog = TERRAIN, BUILDING, PERSON, BICYCLIST
    gt = points(
        (50, UNLABELLED, 0),
        (50, grass, 0),
        (50, sky, 0),
        (150, person, 1),
        (50, person, 2),
        (100, person, 3),
        (50, dog, 1),
    )
    pred = points(
        (50, person, 9),  # on void: these points are deleted before anything is counted
        (40, grass, 0),
        (10, sky, 0),
        (40, sky, 0),
        (10, grass, 0),
        (200, person, 8),
        (100, person, 9),
        (50, person, 7),
    )
    table = [row.as_dict() for row in Categories.builtin(FORMAT) if row.id in (6, 7, 13, 17)]
    result = pqeval.evaluate(**both(tmp_path, gt, pred), categories=table)
    assert result.convention == "lidar"
    by_id = {row.id: row for row in result.per_class}
    # Persons: IoU 150/200 and 100/100, one missed, the dog is one too many.
    assert by_id[6].pq == pytest.approx((150 / 200 + 1) / (2 + 1 / 2 + 1 / 2), abs=1e-12)
    assert (by_id[6].tp, by_id[6].fp, by_id[6].fn) == (2, 1, 1)
    assert by_id[17].pq == by_id[13].pq == pytest.approx(40 / 60, abs=1e-12)
    assert (by_id[7].pq, by_id[7].fn) == (0, 1)
    assert (result.pq, result.sq, result.rq) == pytest.approx((0.479167, 0.552083, 2 / 3), abs=1e-6)


def test_small_segments_are_not_counted_and_absent_classes_are_0(tmp_path):
    # Car 1 is found with 90 of 100 points. Car 2 has 49 points, and nobody finds it; road has 60, all found.
    gt = points((100, CAR, 1), (49, CAR, 2), (60, ROAD, 0))
    pred = points((90, CAR, 5), (10, TERRAIN, 0), (49, BUILDING, 0), (60, ROAD, 0))
    result = pqeval.evaluate(**both(tmp_path, gt, pred))
    car, road = result.per_class[0], result.per_class[8]
    assert (car.pq, car.fn, road.pq) == (90 / 100, 0, 1)
    assert result.pq == pytest.approx((90 / 100 + 1) / 19, abs=1e-12)


def test_road_and_lane_marking_are_two_segments_of_one_class(tmp_path):
    # 100 points of road and 60 of marking, all predicted as road: 100 / 160 matches, the marking is missed.
    gt = points((100, ROAD, 0), (60, MARKING, 0))
    result = pqeval.evaluate(**both(tmp_path, gt, points((160, ROAD, 0))))
    road = result.per_class[8]
    assert (road.tp, road.fn) == (1, 1)
    assert road.pq == pytest.approx((100 / 160) / (1 + 1 / 2), abs=1e-12)


def test_against_coco_both_ways(tmp_path):
    labels = points((3, CAR, 1), (1, CAR, 2), (1, UNLABELLED, 0))
    save_scan(tmp_path, labels)
    table = [row.as_dict() for row in Categories.builtin(FORMAT)]
    coco = tmp_path / "coco.json"
    segments_info = [{"id": 5, "category_id": 1}, {"id": 6, "category_id": 1}]
    pqeval.save_coco_panoptic(coco, [(NAME, [[5, 5, 6, 6, 0]], segments_info)], table)
    for gt, pred, formats in (
        (tmp_path / "sequences", coco, (FORMAT, "coco")),
        (coco, tmp_path / "sequences/08/labels", ("coco", FORMAT)),
    ):
        result = pqeval.evaluate(
            gt=gt, pred=pred, gt_format=formats[0], pred_format=formats[1], categories=table, convention="coco"
        )
        # One car: 2 of 3 points. The other: 1 of 2 points, which is not more than half.
        assert result.per_class[0].pq == (2 / 3) / (1 + 1 / 2 + 1 / 2)


@settings(max_examples=25)
@given(
    arrays.arrays(
        np.uint32,
        st.integers(1, 12),
        elements=st.builds(
            lambda raw, instance: raw | instance << 16,
            st.sampled_from(sorted(RAW)),
            st.sampled_from([0, 1, 2, 32768, 65535]),
        ),
    )
)
def test_there_and_back(tmp_path_factory, labels):
    folder = save_scan(tmp_path_factory.mktemp("scan"), labels)
    (before,) = partition(folder, FORMAT).values()
    pqeval.convert(folder, folder / "coco.json", format=FORMAT)
    (after,) = partition(folder / "coco.json", "coco").values()
    assert after == ([before[0]], before[1])


def test_points_that_were_converted_can_be_scored_against_those_that_were_not(tmp_path):
    folder = save_scan(tmp_path, points((60, CAR, 1), (60, ROAD, 0)))
    for to, output in (("coco", "out.json"), ("numpy", "arrays")):
        pqeval.convert(folder, tmp_path / output, format=FORMAT, to=to)
        result = pqeval.evaluate(gt=tmp_path / output, pred=folder / "sequences/08/labels", pred_format=FORMAT)
        assert result.per_class[0].pq == result.per_class[8].pq == 1


# What is wrong.


@trigger
def a_file_that_was_cut_off(folder):
    options = both(folder, points((60, CAR, 1)), points((60, CAR, 1)))
    path = folder / "sequences/08/predictions/000123.label"
    path.write_bytes(path.read_bytes()[:-1])
    says(
        problems(**options),
        """
        DIR/sequences/08/predictions/000123.label (image '08/000123'): the file has 239 bytes
          expected: 4 bytes per point, and at least one point
          do: write the labels as little-endian uint32, for example `labels.astype('<u4').tofile(path)`
        """,
        folder=folder,
    )
    for length in (238, 237, 2, 0):
        path.write_bytes(bytes(length))
        assert codes(problems(**options)) == ["label-size"]


@trigger
def another_number_of_points(folder):
    options = both(folder, points((60, CAR, 1)), points((61, CAR, 1)))
    says(
        problems(**options),
        """
        DIR/sequences/08/predictions/000123.label (image '08/000123'): the prediction is a cloud of 61 points, the
              ground truth is a cloud of 60 points
          expected: two maps of one size
          do: write a label for every point, in the order of the points
        """,
        folder=folder,
    )
    assert codes(problems(**options, resize="nearest")) == ["shape"]  # points have no places


@trigger
def learning_ids_in_a_prediction(folder):
    labels = [raw | 1 << 16 for raw in (1, 2, 3, 9, 19, 10)]
    options = both(folder, points((6, CAR, 1)), labels)
    says(
        problems(**options),
        """
        DIR/sequences/08/predictions/000123.label (image '08/000123'): raw class 2, 3, 9, 19 is none of
              SemanticKITTI
          expected: classes of semantic-kitti.yaml in the low 16 bits
          do: write raw classes, in predictions too: map learning ids back with learning_map_inv
        """,
        folder=folder,
    )


@trigger
def things_without_instances(folder):
    options = both(
        folder, points((60, CAR, 0), (60, ROAD, 0)), points((30, CAR, 0), (30, MOVING_CAR, 0), (60, ROAD, 0))
    )
    says(
        problems(**options),
        """
        DIR/sequences/08/predictions/000123.label (image '08/000123'): points of a thing have instance 0 (category
              1); all of a class are one object
          expected: an instance number from 1 for every object
          do: number the objects of each class
        """,
        folder=folder,
    )


@trigger
def a_sequence_that_is_not_there(folder):
    save_scan(folder, points((1, CAR, 1)), name="00/000000")
    save_scan(folder, points((1, CAR, 1)), name="10/000000")
    says(
        raised(segments, folder, FORMAT, options={"sequences": "08,10"}),
        """
        DIR: there is no scan of sequence 08
          expected: sequences that are there: 00, 10
          do: check the folder, and the option sequences
        """,
        folder=folder,
    )


@trigger
def sequences_that_are_no_numbers(folder):
    save_scan(folder, points((1, CAR, 1)))
    says(
        raised(segments, folder, FORMAT, options={"sequences": "val"}),
        """
        gt option sequences is 'val'
          expected: a sequence or several, with commas between them
          do: for example --gt-option sequences=08
        """,
    )


@trigger
def a_dataset_without_predictions(folder):
    save_scan(folder, points((1, CAR, 1)))
    says(
        problems(gt=folder, pred=folder, format=FORMAT),
        """
        DIR: there are no files of this format
          expected: files such as sequences/08/predictions/000000.label
          do: check the folder, and the format with `pqeval formats`
        """,
        folder=folder,
    )
