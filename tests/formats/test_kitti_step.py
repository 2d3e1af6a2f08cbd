"""KITTI-STEP: R = category, 256 G + B = track."""

from __future__ import annotations

import numpy as np
import pytest
from datasets import image, save, says
from hypothesis import given, settings
from pair_maps import (
    codes,
    opened,
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
from pqeval.errors import DataWarning
from pqeval.formats._step import decode
from pqeval.formats.kitti_step import write
from pqeval.labelmap import LabelMap
from pqeval.rows import NO_AREA, Row, Rows
from pqeval.source import Written

FORMAT = "kitti_step"
ROAD, PERSON, CAR, VOID = 0, 11, 13, 255
TABLE = Categories.builtin(FORMAT)

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def by_name(result, name):
    return next(row for row in result.per_class if row.name == name)


# What values mean.


def test_the_vector_of_the_specification():
    value = 11 + 256 * 1 + 65536 * 4
    meaning = decode(np.array([value]), [], categories=TABLE, instance0="crowd")
    assert (meaning.category.tolist(), meaning.instance.tolist()) == ([PERSON], [260])
    assert not meaning.void[0]
    assert not meaning.crowd[0]


def test_instances_above_255_are_kept_apart(tmp_path):
    save_step(tmp_path / "0002" / "000000.png", [[CAR] * 4], [[1, 257, 513, 65535]])
    _, rows = segments(tmp_path, FORMAT)["0002/000000"]
    assert [row.category_id for row in rows.values()] == [CAR] * 4


def test_category_0_is_road_and_not_void(tmp_path):
    save_step(tmp_path / "0002" / "000000.png", [[ROAD, VOID]])
    assert partition(tmp_path, FORMAT) == {"0002/000000": ([[0, -1]], {0: (ROAD, False)})}


def test_void_is_255_whatever_its_instance(tmp_path):
    save_step(tmp_path / "0002" / "000000.png", [[ROAD, VOID, VOID]], [[0, 0, 7]])
    assert partition(tmp_path, FORMAT)["0002/000000"][0] == [[0, -1, -1]]


@pytest.mark.parametrize(
    ("role", "said", "meaning"),
    [
        ("gt", {}, (PERSON, True)),
        ("pred", {}, (PERSON, False)),
        ("gt", {"instance0": "object"}, (PERSON, False)),
        ("pred", {"instance0": "crowd"}, (PERSON, True)),
        ("gt", {"instance0": "void"}, None),
    ],
)
def test_a_thing_with_instance_0(tmp_path, role, said, meaning):
    save_step(tmp_path / "0002" / "000000.png", [[ROAD, PERSON]])
    expected = {0: (ROAD, False)} | ({1: meaning} if meaning else {})
    found = partition(tmp_path, FORMAT, role=role, options=said)["0002/000000"]
    assert found == ([[0, 1 if meaning else -1]], expected)


def test_an_object_keeps_its_segment_id_over_the_frames(tmp_path):
    for frame, columns in enumerate([[5, 260], [260, 5], [260, 7]]):
        save_step(tmp_path / "0002" / f"{frame:06d}.png", [[PERSON, PERSON]], [columns])
    frames = segments(tmp_path, FORMAT)
    first, second, third = (frames[f"0002/{frame:06d}"][0][0].tolist() for frame in range(3))
    assert first == second[::-1]
    assert third[0] == second[0]
    assert third[1] not in first


def test_one_instance_number_is_two_objects_in_two_classes(tmp_path):
    save_step(tmp_path / "0002" / "000000.png", [[PERSON, CAR]], [[3, 3]])
    _, rows = segments(tmp_path, FORMAT)["0002/000000"]
    assert sorted(row.category_id for row in rows.values()) == [PERSON, CAR]


def test_stuff_with_instances_stays_apart_with_a_warning(tmp_path):
    save_step(tmp_path / "0002" / "000000.png", [[ROAD, ROAD, 10, 10]], [[0, 1, 0, 0]])
    found = problems(gt=tmp_path, pred=tmp_path, format=FORMAT)
    assert codes(found) == ["stuff-instance", "stuff-instance"]
    assert all(isinstance(problem, DataWarning) for problem in found)
    assert partition(tmp_path, FORMAT)["0002/000000"][0] == [[0, 1, 2, 2]]


# Files.


def test_frames_are_in_the_order_of_their_numbers(tmp_path):
    for name in ("10/2.png", "10/10.png", "9/1.png"):
        save_step(tmp_path / name, [[ROAD]])
    assert list(sequences(tmp_path, FORMAT).items()) == [
        ("0009/000001", "0009"),
        ("0010/000002", "0010"),
        ("0010/000010", "0010"),
    ]


@pytest.mark.parametrize("name", ["000002_000004.png", "000002_000004_panoptic.png", "val/0002/000004.png"])
def test_other_places_of_a_frame(tmp_path, name):
    save_step(tmp_path / name, [[ROAD]])
    assert list(segments(tmp_path, FORMAT)) == ["0002/000004"]


def test_a_flat_copy_is_scored_against_folders(tmp_path):
    """As Video K-Net copies the dataset; its images lie beside the maps."""
    save_step(tmp_path / "gt" / "0002" / "000000.png", [[ROAD, CAR]], [[0, 1]])
    save_step(tmp_path / "pred" / "000002_000000_panoptic.png", [[ROAD, CAR]], [[0, 1]])
    save_rgb(tmp_path / "pred" / "000002_000000_leftImg8bit.png", [[9, 9]])
    assert pqeval.evaluate(gt=tmp_path / "gt", pred=tmp_path / "pred", format=FORMAT).pq == 1


def test_two_channel_predictions_are_read(tmp_path):
    """R = category, G = instance, B = 0: other numbers for the same objects."""
    save_step(tmp_path / "gt" / "0002" / "000000.png", [[CAR, CAR, ROAD]], [[1, 2, 0]])
    save_rgb(tmp_path / "pred" / "0002" / "000000.png", [[CAR, CAR, ROAD]], [[1, 2, 0]])
    assert pqeval.evaluate(gt=tmp_path / "gt", pred=tmp_path / "pred", format=FORMAT).pq == 1


@pytest.mark.parametrize("name", ["0002/000000.png", "val/0002/000000.png", "000002_000000_panoptic.png"])
def test_files_say_that_they_can_be_step_but_not_of_which_dataset(tmp_path, name):
    save_step(tmp_path / name, [[ROAD]])
    assert [sure(tmp_path, format) for format in ("kitti_step", "motchallenge_step")] == [1, 1]


def test_other_files_are_not_taken_for_step(tmp_path):
    save_png(tmp_path / "gray" / "0002" / "000000.png", [[1]])
    save_step(tmp_path / "named" / "a" / "b.png", [[ROAD]])
    assert [sure(tmp_path / name, FORMAT) for name in ("gray", "named")] == [0, 0]


# Scores.


def test_a_score_worked_out_by_hand(tmp_path):
    # Frame 0, 10 pixels: road 4, car 1 with 4, void 2. Predicted: road 5 (3 on road, 1 on car, 1 on void), car 9
    # with 5 (3 on car, 1 on road, 1 on void). Frame 1: road 4, person 2 with 4, crowd of persons 4 (instance 0).
    # Predicted: road 4, person 1 with 4 of the crowd (excused), person 5 with 4 on person.
    save_step(
        tmp_path / "gt" / "0002" / "000000.png", [[0] * 4 + [13] * 4 + [255] * 2], [[0] * 4 + [1] * 4 + [0] * 2]
    )
    save_step(tmp_path / "gt" / "0002" / "000001.png", [[0] * 4 + [11] * 8], [[0] * 4 + [2] * 4 + [0] * 4])
    save_step(
        tmp_path / "pred" / "0002" / "000000.png",
        [[0, 0, 0, 13, 13, 13, 13, 0, 13, 0]],
        [[0, 0, 0, 9, 9, 9, 9, 0, 9, 0]],
    )
    save_step(tmp_path / "pred" / "0002" / "000001.png", [[0] * 4 + [11] * 8], [[0] * 4 + [5] * 4 + [1] * 4])
    result = pqeval.evaluate(gt=tmp_path / "gt", pred=tmp_path / "pred", format=FORMAT)
    # road: 3 / (4 + 5 - 3 - 1 on void) = 3 / 5, and 1; PQ = (3 / 5 + 1) / 2. car: 3 / (4 + 5 - 3 - 1) = 3 / 5.
    assert by_name(result, "road").pq == (3 / 5 + 1) / 2
    assert by_name(result, "car").pq == 3 / 5
    person = by_name(result, "person")
    assert (person.pq, person.tp, person.fp, person.fn) == (1, 1, 0, 0)
    assert result.groups["All"].n == 3
    objects = pqeval.evaluate(
        gt=tmp_path / "gt", pred=tmp_path / "pred", format=FORMAT, gt_options={"instance0": "object"}
    )
    assert by_name(objects, "person").tp == 2


def test_against_coco_both_ways(tmp_path):
    # road 3 of 4 predicted as road, 1 as car: road 3 / 4; car 2 / 3.
    save_step(tmp_path / "step" / "0002" / "000000.png", [[0, 0, 0, 0, 13, 13]], [[0, 0, 0, 0, 300, 300]])
    coco = save(
        tmp_path / "coco.json",
        [image("0002/000000", [[1, 1, 1, 2, 2, 2]], {1: ROAD, 2: CAR}, file_name="a.png")],
        categories=[row.as_dict() for row in TABLE],
    )
    for gt, pred, formats in (
        (tmp_path / "step", coco, (FORMAT, "coco")),
        (coco, tmp_path / "step", ("coco", FORMAT)),
    ):
        result = pqeval.evaluate(gt=gt, pred=pred, gt_format=formats[0], pred_format=formats[1])
        assert (by_name(result, "road").pq, by_name(result, "car").pq) == (3 / 4, 2 / 3)


# Writing.

valid = pair_maps(
    things=[PERSON, CAR], stuff=[ROAD, 10], void=VOID, instances=[1, 2, 255, 256, 65535], crowd=0, frames=2
)


@settings(max_examples=25)
@given(valid)
def test_there_and_back(tmp_path_factory, frames):
    folder = tmp_path_factory.mktemp("step")
    for number, (category, instance) in enumerate(frames):
        save_step(folder / "gt" / "0002" / f"{number:06d}.png", category, instance)
    before = partition(folder / "gt", FORMAT)
    pqeval.convert(folder / "gt", folder / "coco.json", format=FORMAT)
    assert partition(folder / "coco.json", "coco") == before
    pqeval.convert(folder / "coco.json", folder / "again", format="coco", to=FORMAT)
    assert partition(folder / "again", FORMAT) == before
    pqeval.convert(folder / "gt", folder / "direct", format=FORMAT, to=FORMAT)
    assert partition(folder / "direct", FORMAT) == before
    for other in ("again", "direct"):  # objects are the same over the frames
        assert sorted(tracks(folder / other, FORMAT).values()) == sorted(tracks(folder / "gt", FORMAT).values())


def test_objects_are_numbered_from_1_in_each_class_and_sequence(tmp_path):
    save_step(tmp_path / "gt" / "0002" / "000000.png", [[CAR, PERSON, CAR]], [[70, 70, 80]])
    save_step(tmp_path / "gt" / "0002" / "000001.png", [[CAR, PERSON, CAR]], [[80, 60, 90]])
    save_step(tmp_path / "gt" / "0003" / "000000.png", [[CAR, CAR, VOID]], [[90, 0, 0]])
    assert pqeval.convert(tmp_path / "gt", tmp_path / "out", format=FORMAT, to=FORMAT) == 3
    written = {
        str(path.relative_to(tmp_path / "out")): np.asarray(opened(path))[0].tolist()
        for path in sorted((tmp_path / "out").rglob("*.png"))
    }
    assert written == {
        "0002/000000.png": [[13, 0, 1], [11, 0, 1], [13, 0, 2]],
        "0002/000001.png": [[13, 0, 2], [11, 0, 2], [13, 0, 3]],
        "0003/000000.png": [[13, 0, 1], [13, 0, 0], [255, 0, 0]],
    }


def written(folder, ids, segments, *, image_id="0002/000000", categories=None):
    """Write one COCO image as STEP and return the error."""
    table = [row.as_dict() for row in TABLE] if categories is None else categories
    source = save(folder / "coco.json", [image(image_id, ids, segments, file_name="a.png")], categories=table)
    return raised(pqeval.convert, source, folder / "out", format="coco", to=FORMAT)


def many_objects(count):
    """One image with so many cars, on its way to a writer."""
    ids = np.arange(1, count + 1)
    columns = np.full(count, CAR), np.zeros(count, np.uint8), np.full(count, NO_AREA)
    return Written("0002/000000", LabelMap.from_array(ids.reshape(1, -1)), Rows(ids, *columns), "0002")


def test_the_last_instance_number_can_be_written(tmp_path):
    write(tmp_path, [many_objects(65535)], TABLE)
    assert np.asarray(opened(tmp_path / "0002" / "000000.png"))[0, -1].tolist() == [CAR, 255, 255]


# What is said.


@trigger
def too_many_objects(folder):
    says(
        raised(write, folder, [many_objects(65536)], TABLE),
        """
        image '0002/000000': object 65536 of category 13 cannot be stored in this format
          expected: at most 65535 objects per category
          do: write another format
        """,
    )
    assert not list(folder.rglob("*.png"))


@trigger
def several_crowds(folder):
    crowds = [{"id": number, "category_id": CAR, "iscrowd": 1} for number in (1, 2)]
    says(
        written(folder, [[1, 2]], crowds),
        """
        image '0002/000000': several crowds of the category 13 cannot be stored in this format
          expected: at most one per image
          do: join them into one segment
        """,
    )


@trigger
def several_segments_of_stuff(folder):
    says(
        written(folder, [[1, 2]], {1: ROAD, 2: ROAD}),
        """
        image '0002/000000': several segments of the stuff category 0 cannot be stored in this format
          expected: at most one per image
          do: join them into one segment
        """,
    )


@trigger
def a_crowd_of_stuff(folder):
    says(
        written(folder, [[1]], [{"id": 1, "category_id": ROAD, "iscrowd": 1}]),
        """
        image '0002/000000': a crowd of the stuff category 0 cannot be stored in this format
          expected: crowds of things
          do: make it void
        """,
    )


@trigger
def a_category_that_is_void(folder):
    says(
        written(folder, [[1]], {1: 255}, categories=[{"id": 255, "name": "cat", "isthing": 1}]),
        """
        image '0002/000000': category_id 255 cannot be stored in this format
          expected: categories of the table, 0 to 254
          do: renumber the categories, or complete the table
        """,
    )


@trigger
def a_category_of_no_table(folder):
    says(
        written(folder, [[1]], {1: 77}),
        """
        image '0002/000000': category_id 77 cannot be stored in this format
          expected: categories of the table, 0 to 254
          do: renumber the categories, or complete the table
        """,
    )


@trigger
def void_without_a_number_for_it(folder):
    says(
        written(folder, [[0, 1]], {1: 1}, categories=[{"id": number, "isthing": 1} for number in (1, 255)]),
        """
        image '0002/000000': void pixels cannot be stored in this format
          expected: a table without category 255
          do: renumber the categories
        """,
    )


@trigger
def not_a_picture(folder):
    image = Written("0002/000000", LabelMap.from_array(np.ones((2, 2, 2), int)), Rows.of([Row(1, CAR)]), "0002")
    says(
        raised(write, folder / "out", [image], TABLE),
        """
        image '0002/000000': a map of shape (2, 2, 2) cannot be stored in this format
          expected: an (H, W) map
          do: save every slice as an image
        """,
    )


@trigger
def an_image_that_is_no_frame(folder):
    says(
        written(folder, [[1]], {1: CAR}, image_id="frankfurt"),
        """
        image 'frankfurt': the image id does not name a sequence and a frame
          expected: sequence/frame, both numbers, such as 0002/000000
          do: rename the images
        """,
    )


@trigger
def two_images_of_one_frame(folder):
    images = [
        image(name, [[1]], {1: CAR}, file_name=f"{place}.png") for place, name in enumerate(("2/0", "0002/000000"))
    ]
    source = save(folder / "coco.json", images, categories=[row.as_dict() for row in TABLE])
    says(
        raised(pqeval.convert, source, folder / "out", format="coco", to=FORMAT),
        """
        image '0002/000000': two images would be saved as 0002/000000.png
          expected: every image id once
          do: give every image its own id
        """,
    )


@trigger
def stuff_with_instances(folder):
    save_step(folder / "0002" / "000000.png", [[ROAD, ROAD]], [[0, 1]])
    says(
        problems(gt=folder, pred=folder, format=FORMAT)[:1],
        """
        DIR/0002/000000.png (image '0002/000000'): stuff category 0 has instance numbers; each makes a segment
              of its own
          expected: stuff with instance 0
          do: write 0 as the instance of stuff
        """,
        folder=folder,
    )


@trigger
def a_category_that_the_table_lacks(folder):
    save_step(folder / "gt" / "0002" / "000000.png", [[ROAD, 19]])
    save_step(folder / "pred" / "0002" / "000000.png", [[ROAD, 26]])
    says(
        problems(gt=folder / "gt", pred=folder / "pred", format=FORMAT),
        """
        DIR/gt/0002/000000.png (image '0002/000000'): the ground truth uses category_id 19, which its category
              table lacks
          expected: one of the 19 ids of the table, 0 to 18
          do: add the categories to the table, or correct the segments
        DIR/pred/0002/000000.png (image '0002/000000'): the prediction uses category_id 26, which the category
              table lacks
          expected: one of the 19 ids of the table, 0 to 18
          do: write the dataset's category ids, not the network's class numbers; or say what unknown segments are
              with `unknown` (on the command line --unknown void or --unknown fp)
        """,
        folder=folder,
    )


@trigger
def a_map_of_another_kind(folder):
    save_step(folder / "gt" / "0002" / "000000.png", [[ROAD]])
    save_png(folder / "pred" / "0002" / "000000.png", [[13001]], np.uint16)
    says(
        problems(gt=folder / "gt", pred=folder / "pred", format=FORMAT),
        """
        DIR/pred/0002/000000.png (image '0002/000000'): the PNG is 16-bit grayscale
          expected: 8-bit RGB
          do: write the category into R, and instance // 256 and % 256 into G and B
        """,
        folder=folder,
    )


@trigger
def a_folder_without_frames(folder):
    save_step(folder / "000000.png", [[ROAD]])
    says(
        raised(pqeval.evaluate, gt=folder, pred=folder, format=FORMAT).errors[0],
        """
        DIR: there are no files of this format
          expected: files such as 0002/000000.png
          do: check the folder, and the format with `pqeval formats`
        """,
        folder=folder,
    )


@trigger
def an_option_that_does_not_exist(folder):
    save_step(folder / "0002" / "000000.png", [[ROAD]])
    says(
        raised(pqeval.evaluate, gt=folder, pred=folder, format=FORMAT, gt_options={"instance0": "ignore"}),
        """
        gt option instance0 is 'ignore'
          expected: one of: crowd, object, void
          do: see `pqeval formats NAME`
        """,
    )
