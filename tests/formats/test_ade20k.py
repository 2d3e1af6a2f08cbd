"""ADE20K as it is shipped: classes in one map, instances in another."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
from datasets import image, save, says
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pair_maps import codes, partition, problems, raised, save_png, save_rgb, segments
from PIL import Image
from triggers import Triggers, name_of

import pqeval
from pqeval import tables
from pqeval.categories import Categories
from pqeval.formats._glance import Glance
from pqeval.formats.ade20k import recognise
from pqeval.storage import locate

FORMAT = "ade20k"
NAME = "ADE_val_00000001"
WALL, SKY, BED, PERSON = 1, 3, 8, 13  # values of annotations/; category ids are one less
BED_INSTANCE, PERSON_INSTANCE = 1, 4
TABLE = Categories.builtin(FORMAT)

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def save_image(folder, classes, kind=0, number=0, *, unused=0, name=f"validation/{NAME}"):
    """Write both maps of an image."""
    save_png(folder / "annotations" / f"{name}.png", classes)
    shape = np.shape(classes)
    save_rgb(
        folder / "annotations_instance" / f"{name}.png",
        *(np.broadcast_to(channel, shape) for channel in (kind, number, unused)),
    )
    return folder


def row_of(result, category):
    return next(row for row in result.per_class if row.id == category)


# What values mean.


def test_instances_lie_over_stuff_and_a_thing_without_one_is_void(tmp_path):
    save_image(
        tmp_path,
        [[WALL, WALL, SKY, PERSON, PERSON, 0, 0]],
        [[0, PERSON_INSTANCE, 0, PERSON_INSTANCE, 0, 0, BED_INSTANCE]],
        [[0, 5, 0, 6, 0, 0, 7]],
    )
    meanings = {0: (0, False), 1: (12, False), 2: (2, False), 3: (12, False), 6: (7, False)}
    assert partition(tmp_path, FORMAT) == {NAME: ([[0, 1, 2, 3, -1, -1, 6]], meanings)}


def test_the_class_of_an_instance_goes_before_what_is_written_below_it(tmp_path):
    save_image(tmp_path, [[PERSON, BED, SKY]], BED_INSTANCE, 9)
    assert partition(tmp_path, FORMAT) == {NAME: ([[0, 0, 0]], {0: (7, False)})}


def test_every_instance_class_has_its_category(tmp_path):
    kinds = np.arange(1, 101)[None]
    save_image(tmp_path, np.zeros_like(kinds), kinds, kinds)
    ((ids, rows),) = segments(tmp_path, FORMAT).values()
    found = [rows[number].category_id for number in ids[0].tolist()]
    assert found == [row.id for row in TABLE if row.isthing]
    assert found == [tables.read(FORMAT)["instance_to_id"][str(kind)] for kind in range(1, 101)]


def test_category_0_is_wall_and_not_void(tmp_path):
    save_image(tmp_path / "gt", [[WALL, 0]])
    save_image(tmp_path / "pred", [[WALL, SKY]])
    result = pqeval.evaluate(gt=tmp_path / "gt", pred=tmp_path / "pred", format=FORMAT)
    # Sky is on void only: excused.
    assert (row_of(result, 0).pq, result.groups["All"].n) == (1, 1)


def test_what_has_a_class_and_no_number_is_no_instance(tmp_path):
    save_image(tmp_path, [[SKY, BED]], BED_INSTANCE, 0, unused=77)
    assert partition(tmp_path, FORMAT) == {NAME: ([[0, -1]], {0: (2, False)})}


def test_the_largest_numbers(tmp_path):
    save_image(tmp_path, [[150, 150, 142]], [[0, 100, 0]], [[0, 255, 0]])
    assert partition(tmp_path, FORMAT) == {NAME: ([[-1, 1, 2]], {1: (149, False), 2: (141, False)})}


def test_a_palette_is_read_by_its_index(tmp_path):
    save_image(tmp_path, [[SKY, WALL]])
    picture = Image.fromarray(np.array([[SKY, WALL]], np.uint8))
    picture.putpalette([0] * 768)
    picture.save(tmp_path / "annotations" / "validation" / f"{NAME}.png")
    assert partition(tmp_path, FORMAT)[NAME][1] == {0: (2, False), 1: (0, False)}


def test_a_table_may_have_the_values_of_the_annotations(tmp_path):
    table = [row.as_dict() | {"id": row.id + 1} for row in TABLE]
    save_image(tmp_path, [[WALL, 0]], [[0, BED_INSTANCE]], [[0, 1]])
    assert partition(tmp_path, FORMAT, categories=table)[NAME][1] == {0: (WALL, False), 1: (BED, False)}


# Places.


def test_one_of_two_splits_is_named_by_an_option(tmp_path):
    save_image(tmp_path, [[WALL]], name="training/ADE_train_00000001")
    save_image(tmp_path, [[SKY]])
    assert list(segments(tmp_path, FORMAT, options={"split": "validation"})) == [NAME]
    assert list(segments(tmp_path, FORMAT, options={"split": "training"})) == ["ADE_train_00000001"]


@pytest.mark.parametrize("name", [NAME, f"val/{NAME}"])
def test_splits_of_other_names_and_none(tmp_path, name):
    save_image(tmp_path, [[WALL]], name=name)
    assert list(segments(tmp_path, FORMAT)) == [NAME]
    if "/" not in name:
        assert list(segments(tmp_path, FORMAT, options={"split": "validation"})) == [NAME]


def test_the_archive_as_it_is_downloaded(tmp_path):
    save_image(tmp_path / "ADEChallengeData2016", [[WALL, 0]], [[0, BED_INSTANCE]], [[0, 1]])
    with zipfile.ZipFile(tmp_path / "ade.zip", "w") as archive:
        for path in sorted(tmp_path.rglob("*.png")):
            archive.write(path, str(path.relative_to(tmp_path)))
    assert partition(tmp_path / "ade.zip", FORMAT)[NAME][1] == {0: (0, False), 1: (7, False)}


def test_what_is_recognised(tmp_path):
    save_image(tmp_path / "both", [[WALL]])
    save_png(tmp_path / "half" / "annotations" / "validation" / f"{NAME}.png", [[WALL]])
    save_png(tmp_path / "other" / "annotations" / "validation" / "1.png", [[WALL]])
    strengths = {"both": 2, "half": 1, "other": 0}
    assert {name: recognise(Glance(locate(tmp_path / name))) for name in strengths} == strengths
    result = pqeval.evaluate(gt=tmp_path / "both", pred=tmp_path / "both")
    assert (result.inputs["gt_format"], result.convention, result.pq) == (FORMAT, "coco", 1)


# Scores.


def both_sides(folder):
    """Write ground truth and prediction of 10 pixels.

    Wall: 3 of 4, and 1 on void: 3 / (4 + 4 - 3 - 1) = 3 / 4. Person 1: 3 of 3, and 1 on wall: 3 / 4. Person 2: 1
    of 2 pixels, which is no match: a FN, and its prediction a FP. The person without an instance is void.
    """
    classes = [WALL] * 4 + [PERSON] * 5 + [PERSON]
    gt = classes, [0] * 4 + [PERSON_INSTANCE] * 5 + [0], [0] * 4 + [1] * 3 + [2] * 2 + [0]
    guess = [WALL] * 3 + [PERSON] * 6 + [WALL]
    pred = guess, [0] * 3 + [PERSON_INSTANCE] * 5 + [0] * 2, [0] * 3 + [8] * 4 + [9] + [0] * 2
    return (save_image(folder / name, *([row] for row in rows)) for name, rows in (("gt", gt), ("pred", pred)))


def check(result):
    wall, person = row_of(result, 0), row_of(result, 12)
    assert wall.pq == 3 / 4
    assert (person.tp, person.fp, person.fn) == (1, 1, 1)
    assert person.pq == (3 / 4) / (1 + 1 / 2 + 1 / 2)
    assert result.pq == (3 / 4 + 3 / 8) / 2


def test_a_score_worked_out_by_hand(tmp_path):
    gt, pred = both_sides(tmp_path)
    check(pqeval.evaluate(gt=gt, pred=pred))


def test_against_coco_both_ways(tmp_path):
    gt, pred = both_sides(tmp_path)
    table = [row.as_dict() for row in TABLE]
    truth = [[300] * 4 + [1] * 3 + [2] * 2 + [0]], {300: 0, 1: 12, 2: 12}
    guess = [[4] * 3 + [5] * 4 + [6] + [0] + [4]], {4: 0, 5: 12, 6: 12}
    coco_gt = save(tmp_path / "truth.json", [image(NAME, *truth)], categories=table)
    coco_pred = save(tmp_path / "guess.json", [image(NAME, *guess)], categories=None)
    check(pqeval.evaluate(gt=gt, pred=coco_pred))
    check(pqeval.evaluate(gt=coco_gt, pred=pred))


def prepared(classes, kind, number):
    """Put both maps together as the prepare script does: every stuff class, and every instance over it."""
    segment, meanings = np.full(classes.shape, -1), {}
    things = {row.id for row in TABLE if row.isthing}
    for value in np.unique(classes).tolist():
        if value and value - 1 not in things:
            segment[classes == value] = 1000 + value
            meanings[1000 + value] = value - 1
    for instance in np.unique(number).tolist():
        if instance:
            segment[number == instance] = instance
            (only,) = np.unique(kind[number == instance]).tolist()
            meanings[instance] = tables.read(FORMAT)["instance_to_id"][str(only)]
    return segment, meanings


@settings(max_examples=25)
@given(data=st.data(), shape=st.tuples(st.integers(1, 4), st.integers(1, 6)))
def test_it_is_put_together_as_by_the_prepare_script_and_back(tmp_path_factory, data, shape):
    folder = tmp_path_factory.mktemp("ade20k")
    draw = lambda values: data.draw(arrays.arrays(np.int64, shape, elements=st.sampled_from(values)))  # noqa: E731
    classes = draw([0, WALL, SKY, BED, PERSON, 150])
    number = draw([0, 0, 1, 2, 254, 255])
    kind = np.select([number == 1, number == 2, number >= 254], [BED_INSTANCE, PERSON_INSTANCE, 100], 0)
    found = partition(save_image(folder / "gt", classes, kind, number), FORMAT)
    segment, meanings = prepared(classes, kind, number)
    names, listed = found[NAME]
    for index in np.ndindex(*shape):
        name, expected = names[index[0]][index[1]], segment[index]
        assert (name == -1) == (expected == -1)
        if name >= 0:
            assert listed[name] == (meanings[expected], False)
            assert ((np.asarray(names) == name) == (segment == expected)).all()
    pqeval.convert(folder / "gt", folder / "coco.json", format=FORMAT)
    assert partition(folder / "coco.json", "coco") == found


# What is said.


def about(folder, **damaged):
    """Return what is found when the prediction differs from a sound ground truth."""
    save_image(folder / "gt", [[SKY, WALL]])
    sound = {"classes": [[SKY, WALL]], "kind": 0, "number": 0}
    save_image(folder / "pred", **(sound | damaged))
    return problems(gt=folder / "gt", pred=folder / "pred", format=FORMAT)


@trigger
def a_class_beyond_150(folder):
    says(
        about(folder, classes=[[255, 151]]),
        """
        DIR/pred/annotations/validation/ADE_val_00000001.png (image 'ADE_val_00000001'): annotations has the value
              151, 255
          expected: 0 for void, and classes 1 to 150
          do: take the files of annotations/; in annotations_detectron2/ classes count from 0
        """,
        folder=folder,
    )


@trigger
def an_instance_class_beyond_100(folder):
    says(
        about(folder, kind=[[101, 0]], number=[[1, 2]]),
        """
        DIR/pred/annotations/validation/ADE_val_00000001.png (image 'ADE_val_00000001'): annotations_instance has
              instances of class 0, 101 (R)
          expected: instance classes 1 to 100
          do: take the files of ADEChallengeData2016/annotations_instance, without conversion
        """,
        folder=folder,
    )


@trigger
def one_number_for_two_classes(folder):
    says(
        about(folder, kind=[[4, 1]], number=3),
        """
        DIR/pred/annotations/validation/ADE_val_00000001.png (image 'ADE_val_00000001'): instance 3 (G) has the
              classes 1, 4 (R)
          expected: one class per instance: G numbers the instances of all classes of an image
          do: give every instance a number of its own
        """,
        folder=folder,
    )


@trigger
def several_splits(folder):
    for split in ("validation", "training"):
        save_image(folder, [[WALL]], name=f"{split}/1")
    says(
        raised(pqeval.convert, folder, folder / "out.json", format=FORMAT),
        """
        DIR: there are several splits: training, validation
          expected: one of them
          do: name it with --gt-option split=validation (gt_options=), and the same for --pred
        """,
        folder=folder,
    )


@trigger
def no_instances(folder):
    save_png(folder / "annotations" / "validation" / f"{NAME}.png", [[WALL]])
    says(
        raised(pqeval.convert, folder, folder / "out.json", format=FORMAT),
        """
        DIR: there is no folder annotations_instance beside annotations
          expected: both; things are known from their instances only
          do: unpack annotations_instance.tar, a download of its own, beside annotations
        """,
        folder=folder,
    )


@trigger
def an_image_without_instances(folder):
    save_image(folder, [[WALL]])
    save_png(folder / "annotations" / "validation" / "other.png", [[WALL]])
    says(
        raised(pqeval.convert, folder, folder / "out.json", format=FORMAT),
        """
        DIR/annotations_instance/validation/other.png (image 'other'): does not exist
          expected: a file
          do: check the file name
        """,
        folder=folder,
    )


@trigger
def maps_of_two_sizes(folder):
    save_image(folder, [[WALL, WALL]])
    save_rgb(folder / "annotations_instance" / "validation" / f"{NAME}.png", [[0]])
    says(
        raised(pqeval.convert, folder, folder / "out.json", format=FORMAT),
        """
        DIR/annotations_instance/validation/ADE_val_00000001.png (image 'ADE_val_00000001'): the instances are 1 x
              1 (width x height), the classes are 2 x 1
          expected: two maps of one size
          do: take both maps from the same download, and resize neither
        """,
        folder=folder,
    )


@trigger
def instances_as_gray(folder):
    save_image(folder, [[WALL]])
    save_png(folder / "annotations_instance" / "validation" / f"{NAME}.png", [[1]])
    says(
        raised(pqeval.convert, folder, folder / "out.json", format=FORMAT),
        """
        DIR/annotations_instance/validation/ADE_val_00000001.png (image 'ADE_val_00000001'): the PNG is 8-bit
              grayscale
          expected: 8-bit RGB
          do: take the files of annotations_instance/
        """,
        folder=folder,
    )


@trigger
def classes_as_colours(folder):
    save_image(folder, [[WALL]])
    save_rgb(folder / "annotations" / "validation" / f"{NAME}.png", [[120]])
    says(
        raised(pqeval.convert, folder, folder / "out.json", format=FORMAT),
        """
        DIR/annotations/validation/ADE_val_00000001.png (image 'ADE_val_00000001'): the PNG is 8-bit RGB
          expected: 8-bit grayscale or 8-bit palette
          do: take the files of annotations/, whose values are classes, not colours
        """,
        folder=folder,
    )


@trigger
def another_size_than_the_ground_truth(folder):
    save_image(folder / "gt", [[WALL, WALL]])
    save_image(folder / "pred", [[WALL]])
    assert codes(problems(gt=folder / "gt", pred=folder / "pred", format=FORMAT)) == ["shape"]
    same = pqeval.evaluate(gt=folder / "gt", pred=folder / "pred", format=FORMAT, resize="nearest")
    assert same.pq == 1
