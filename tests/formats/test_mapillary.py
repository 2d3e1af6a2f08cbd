"""Mapillary Vistas as it is shipped: label * 256 + instance, and two versions that order labels differently."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest
from datasets import image, save, says
from hypothesis import given, settings
from pair_maps import codes, pair_maps, partition, problems, raised, save_png, segments
from PIL import Image
from triggers import Triggers, name_of

import pqeval
from pqeval import tables
from pqeval.categories import Categories
from pqeval.formats._glance import Glance
from pqeval.formats._mapillary import builtin_labels
from pqeval.formats.mapillary import recognise
from pqeval.storage import locate

FORMAT = "mapillary"
BIRD, ROAD, SKY, CAR, UNLABELED = 0, 13, 27, 55, 65  # labels of v1.2; category ids are one more
V12, V20 = (Categories.builtin(name) for name in ("mapillary_v12", "mapillary_v20"))
KEY = "_1Gn_xkw7sa_i9GU4mkxxQ"

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def save_instances(folder, label, instance=0, *, name=f"v1.2/instances/{KEY}.png"):
    save_png(folder / name, np.asarray(label) * 256 + instance, np.uint16)
    return folder


def save_labels(folder, label, *, name=f"v1.2/labels/{KEY}.png", palette=None):
    """Write a palette file; all its colours are black unless others are given."""
    pixels = Image.fromarray(np.asarray(label, np.uint8))
    pixels.putpalette(palette or [0] * 768)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    pixels.save(folder / name)
    return folder


def save_config(folder, labels, *, name="config.json", **other):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps({"labels": labels, "mapping": "public"} | other))
    return folder


def config_rows(version):
    return [
        {"name": label.name, "readable": label.readable, "instances": label.isthing, "evaluate": not label.ignored}
        for label in builtin_labels(version)
    ]


def categories_of(folder, **options):
    """Category of every segment of the only image, in the order of the image; None for void."""
    ((ids, rows),) = segments(folder, FORMAT, **options).values()
    return [rows[number].category_id if number else None for number in ids[0].tolist()]


def row_of(result, category):
    return next(row for row in result.per_class if row.id == category)


# What values mean.


def test_an_id_is_the_place_in_the_config_plus_one(tmp_path):
    save_instances(tmp_path, [[CAR, SKY]], [[3, 0]])
    assert partition(tmp_path, FORMAT) == {KEY: ([[0, 1]], {0: (56, False), 1: (28, False)})}
    assert V12[V12.index_of(56)].name == "Car"


def test_values_are_divided_by_256_and_not_by_255(tmp_path):
    # Label 37 with instance 220 is 37 * 256 + 220 = 9692 = 38 * 255 + 2.
    save_instances(tmp_path, [[37, 37]], [[220, 219]])
    assert 9692 // 255 == 38
    assert partition(tmp_path, FORMAT) == {KEY: ([[0, 1]], {0: (38, False), 1: (38, False)})}


def test_the_first_object_of_a_class_may_have_the_number_0(tmp_path):
    """The value 0 is a bird, neither void nor a crowd."""
    save_instances(tmp_path, [[BIRD, BIRD, CAR, CAR]], [[0, 1, 0, 255]])
    meanings = {0: (1, False), 1: (1, False), 2: (56, False), 3: (56, False)}
    assert partition(tmp_path, FORMAT) == {KEY: ([[0, 1, 2, 3]], meanings)}


def test_the_last_label_of_v12_is_void(tmp_path):
    save_instances(tmp_path, [[UNLABELED, 64]])
    assert categories_of(tmp_path) == [None, 65]


def test_labels_of_v20_that_are_not_evaluated_are_void_and_no_crowds(tmp_path):
    """Three of them have group in their names; they are no crowd regions of the class of the same objects."""
    ignored = [2, 31, 38, 79, 86, 96, 115, 123]
    save_instances(tmp_path, [[*ignored, 30]], [[0, 1, 0, 0, 2, 0, 1, 0, 1]], name=f"v2.0/instances/{KEY}.png")
    names = [row["name"] for row in tables.read("mapillary_v20")["labels"] if row["index"] in (31, 86, 115)]
    assert all("group" in name for name in names)
    assert partition(tmp_path, FORMAT) == {KEY: ([[-1] * 8 + [8]], {8: (31, False)})}


def test_traffic_lights_of_v20_are_in_the_order_of_the_config(tmp_path):
    """Datumaro has them by alphabet: 90 cyclists, 91 general horizontal, ..."""
    save_instances(tmp_path, [[90, 91, 92, 93, 94, 95]], name=f"v2.0/instances/{KEY}.png")
    names = [V20[V20.index_of(number)].name.removeprefix("Traffic Light - ") for number in categories_of(tmp_path)]
    general = "General (Single)", "Pedestrians", "General (Upright)", "General (Horizontal)"
    assert names == [*general, "Cyclists", "Other"]


def test_stuff_with_instances_stays_apart_with_a_warning(tmp_path):
    save_instances(tmp_path, [[SKY, SKY]], [[0, 1]])
    assert codes(problems(gt=tmp_path, pred=tmp_path, format=FORMAT)) == ["stuff-instance"] * 2
    assert partition(tmp_path, FORMAT)[KEY][0] == [[0, 1]]


# Labels without instances.


def test_the_index_of_a_palette_is_the_label_whatever_its_colour(tmp_path):
    save_labels(tmp_path, [[SKY, CAR, UNLABELED, ROAD]])
    meanings = {0: (28, False), 1: (56, True), 3: (14, False)}
    assert partition(tmp_path, FORMAT) == {KEY: ([[0, 1, -1, 3]], meanings)}
    assert partition(tmp_path, FORMAT, role="pred")[KEY][1] == meanings | {1: (56, False)}


def test_instances_go_before_labels(tmp_path):
    save_labels(tmp_path, [[SKY, SKY]])
    save_instances(tmp_path, [[CAR, SKY]])
    assert categories_of(tmp_path) == [56, 28]


def test_labels_score_stuff_only(tmp_path):
    # Sky: 2 of 3 pixels, nothing too much: 2 / 3. Cars: all a crowd, which excuses the predicted one.
    save_labels(tmp_path / "gt", [[SKY, SKY, SKY, CAR, CAR, CAR]])
    save_instances(tmp_path / "pred", [[SKY, SKY, UNLABELED, CAR, CAR, CAR]], [[0, 0, 0, 1, 1, 2]])
    result = pqeval.evaluate(gt=tmp_path / "gt", pred=tmp_path / "pred", format=FORMAT)
    assert row_of(result, 28).pq == 2 / 3
    assert result.groups["Things"].n == 0
    assert result.groups["All"].n == 1


# Which version.


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("validation/v1.2/instances/a.png", {}, 56),
        ("validation/v2.0/instances/a.png", {}, 57),
        ("validation/instances/a.png", {"version": "v1.2"}, 56),
        ("a.png", {"version": "v2.0"}, 57),
        ("instances/a.png", {"version": "v2.0"}, 57),
    ],
)
def test_the_version_is_that_of_the_folder_or_of_the_option(tmp_path, name, options, expected):
    save_instances(tmp_path, [[expected - 1, SKY]], name=name)
    assert categories_of(tmp_path, options=options)[0] == expected
    # A label that the other version reads otherwise: 115 does not exist in v1.2, and is void in v2.0.
    save_instances(tmp_path, [[115, SKY]], name=name)
    both = problems(gt=tmp_path, pred=tmp_path, format=FORMAT, gt_options=options, pred_options=options)
    assert codes(both) == (["vistas-label"] * 2 if expected == 56 else [])


@pytest.mark.parametrize("named", ["v2.0", "v2.0/instances"])
def test_the_folder_that_was_named_tells_the_version_too(tmp_path, named):
    save_instances(tmp_path, [[115, 0]], name="v2.0/instances/a.png")
    assert categories_of(tmp_path / named) == [None, 1]


@pytest.mark.parametrize(
    ("config", "size"),
    [({"version": 1.2}, 60), ({"version": "v1.2"}, 60), ({"version": "1.1"}, 60), ({}, 66)],
    ids=["number", "text", "before 1.2", "by the number of labels"],
)
def test_a_config_tells_the_version(tmp_path, config, size):
    labels = config_rows("v1.2")[:size]
    labels[SKY]["evaluate"] = False  # not as in the table of pqeval
    save_config(tmp_path, labels, name="config_vistas.json", **config)
    save_instances(tmp_path, [[CAR, SKY]], name="validation/instances/a.png")
    assert categories_of(tmp_path) == [56, None]
    # Among others it is that of its version.
    save_config(tmp_path, labels[:1], name="config_0.json")
    save_config(tmp_path, labels[:1], name="config_v2.0.json", version=2.0)
    assert categories_of(tmp_path, options={"version": "v1.2"}) == [56, None]


def test_of_two_configs_that_of_the_version_is_taken(tmp_path):
    for version in ("v1.2", "v2.0"):
        save_config(tmp_path, config_rows(version), name=f"config_{version}.json", version=version[1:])
    save_instances(tmp_path, [[CAR, UNLABELED]], name="validation/v1.2/instances/a.png")
    assert categories_of(tmp_path) == [56, None]
    save_instances(tmp_path, [[115, 0]], name="validation/v2.0/instances/a.png")
    assert categories_of(tmp_path, options={"version": "v2.0"}) == [None, 1]


def test_a_folder_of_v20_beside_older_files_is_found_by_the_option(tmp_path):
    save_instances(tmp_path, [[CAR, UNLABELED]], name="validation/instances/a.png")
    save_instances(tmp_path, [[115, 0]], name="validation/v2.0/instances/a.png")
    assert categories_of(tmp_path, options={"version": "v1.2"}) == [56, None]
    assert categories_of(tmp_path, options={"version": "v2.0"}) == [None, 1]


@pytest.mark.parametrize(("table", "category"), [(V12, 56), (V20, 56)])
def test_predictions_follow_the_table_of_the_ground_truth(tmp_path, table, category):
    save_instances(tmp_path, [[CAR, SKY]], name="a.png")
    found = categories_of(tmp_path, role="pred", categories=[row.as_dict() for row in table])
    assert found[0] == category
    unnamed = [{"id": row.id, "isthing": row.isthing} for row in table]
    assert categories_of(tmp_path, role="pred", categories=unnamed) == found


# The config is the truth.


def test_a_config_decides_about_order_things_and_void(tmp_path):
    """It may say what it likes; a label called group is as good as any other if it is evaluated."""
    labels = [
        {"name": "a--sky", "readable": "Sky", "instances": False, "evaluate": True, "color": [1, 2, 3]},
        {"name": "b--group", "readable": "Group of cars", "instances": True, "evaluate": True},
        {"name": "c--car", "readable": "Car", "instances": True, "evaluate": False},
    ]
    save_config(tmp_path, labels, version="1.9")
    save_instances(tmp_path, [[0, 1, 1, 2]], [[0, 1, 2, 1]], name="validation/instances/a.png")
    meanings = {0: (1, False), 1: (2, False), 2: (2, False)}
    assert partition(tmp_path, FORMAT) == {"a": ([[0, 1, 2, -1]], meanings)}
    result = pqeval.evaluate(gt=tmp_path, pred=tmp_path, format=FORMAT)
    rows = [(row.id, row.name, row.isthing) for row in result.per_class]
    assert rows == [(1, "Sky", False), (2, "Group of cars", True)]


def test_names_need_not_be_unique(tmp_path):
    labels = [
        {"name": f"object--{number}", "readable": "Object", "instances": True, "evaluate": True}
        for number in (1, 2)
    ]
    save_config(tmp_path, labels, version="1.9")
    save_instances(tmp_path, [[0, 1]], name="v1.2/instances/a.png")
    assert categories_of(tmp_path) == [1, 2]
    assert pqeval.evaluate(gt=tmp_path, pred=tmp_path, format=FORMAT).pq == 1


def test_a_config_without_a_version_is_used_where_the_folder_tells_it(tmp_path):
    labels = [{"name": "sky", "instances": False, "evaluate": True}]
    save_config(tmp_path, labels)
    save_instances(tmp_path, [[0]], name="v2.0/instances/a.png")
    assert categories_of(tmp_path) == [1]
    assert [row.name for row in pqeval.evaluate(gt=tmp_path, pred=tmp_path, format=FORMAT).per_class] == ["sky"]


def test_other_files_called_config_do_not_matter(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "mask2former"}')
    (tmp_path / "config_2.json").write_text("[]")
    assert categories_of(save_instances(tmp_path, [[CAR]])) == [56]


# Other tables.


def test_labels_find_their_categories_by_name(tmp_path):
    """In the order of Datumaro, say, or with other ids; by either of their two names."""
    table = [
        {"id": 7, "name": "object--vehicle--car", "isthing": 1},
        {"id": 56, "name": "Sky", "isthing": 0},
    ]
    save_instances(tmp_path, [[CAR, SKY, UNLABELED]])
    assert categories_of(tmp_path, categories=table) == [7, 56, None]


def test_a_label_that_the_table_lacks_is_no_other_category(tmp_path):
    table = [{"id": 7, "name": "Car", "isthing": 1}, {"id": 14, "name": "Sky", "isthing": 0}]
    save_instances(tmp_path, [[CAR, ROAD]])  # road would be 14
    assert categories_of(tmp_path, categories=table) == [7, 14 + 15]
    assert codes(problems(gt=tmp_path, pred=tmp_path, format=FORMAT, categories=table)) == [
        "gt-category-unknown",
        "pred-category-unknown",
    ]


def test_a_group_that_the_table_lists_is_scored(tmp_path):
    table = [row.as_dict() for row in V20] + [{"id": 32, "name": "human--person--person-group", "isthing": 1}]
    save_instances(tmp_path, [[31, 86]], [[1, 1]], name="v2.0/instances/a.png")
    assert categories_of(tmp_path, categories=table) == [32, None]


# Places.


def test_an_archive_and_the_whole_dataset(tmp_path):
    with zipfile.ZipFile(tmp_path / "vistas.zip", "w") as archive:
        for split in ("training", "validation"):
            save_instances(tmp_path, [[CAR]], name=f"{split}.png")
            archive.write(tmp_path / f"{split}.png", f"{split}/v1.2/instances/{split}_key.png")
            archive.writestr(f"{split}/images/{split}_key.png", b"an image")
    assert sorted(segments(tmp_path / "vistas.zip", FORMAT)) == ["training_key", "validation_key"]
    assert list(segments(tmp_path / "vistas.zip" / "validation", FORMAT)) == ["validation_key"]


def test_what_is_recognised(tmp_path):
    def strength(name):
        return recognise(Glance(locate(tmp_path / name)))

    save_instances(tmp_path / "told", [[CAR]])
    save_instances(tmp_path / "flat", [[CAR]], name=f"{KEY}.png")
    save_instances(tmp_path / "unsaid", [[CAR]], name=f"instances/{KEY}.png")
    save_labels(tmp_path / "labels", [[CAR]])
    save_labels(tmp_path / "palette", [[CAR]], name="labels/a.png")
    save_png(tmp_path / "gray" / "instances" / "a.png", [[CAR]])
    save_config(save_instances(tmp_path / "config", [[CAR]], name="val/instances/a.png"), config_rows("v1.2"))
    save_instances(tmp_path / "both", [[CAR]])
    (tmp_path / "both" / "panoptic_2018.json").write_text("{}")
    strengths = {"told": 2, "flat": 1, "unsaid": 1, "labels": 2, "palette": 0, "gray": 0, "config": 2, "both": 1}
    assert {name: strength(name) for name in strengths} == strengths
    assert pqeval.evaluate(gt=tmp_path / "told", pred=tmp_path / "flat").pq == 1


# Scores.


def both_sides(folder):
    """Write ground truth and prediction of 2 x 4 pixels.

    Car 0: 2 of 2 pixels, and 1 on void; IoU 2 / (2 + 3 - 2 - 1) = 1. Car 1: 1 of 2 pixels, IoU 1 / 2, which is no
    match: a FP and a FN. Sky: 2 of 2 pixels, and 1 on car 1 and 1 on void; IoU 2 / (2 + 4 - 2 - 1) = 2 / 3.
    """
    gt = [[CAR, CAR, CAR, CAR], [SKY, SKY, UNLABELED, UNLABELED]], [[0, 0, 1, 1], [0] * 4]
    pred = [[CAR, CAR, CAR, SKY], [SKY, SKY, CAR, SKY]], [[5, 5, 7, 0], [0, 0, 5, 0]]
    return save_instances(folder / "gt", *gt), save_instances(folder / "pred", *pred)


def check(result):
    car, sky = row_of(result, 56), row_of(result, 28)
    assert (car.tp, car.fp, car.fn, car.pq) == (1, 1, 1, 1 / 2)
    assert (sky.tp, sky.fp, sky.fn, sky.pq) == (1, 0, 0, 2 / 3)
    assert result.groups["All"].n == 2
    assert result.pq == (1 / 2 + 2 / 3) / 2


def test_a_score_worked_out_by_hand(tmp_path):
    gt, pred = both_sides(tmp_path)
    result = pqeval.evaluate(gt=gt, pred=pred)
    assert result.convention == "coco"
    assert result.inputs["gt_format"] == FORMAT
    check(result)


def test_against_coco_both_ways(tmp_path):
    gt, pred = both_sides(tmp_path)
    table = [row.as_dict() for row in V12]
    truth = [[1, 1, 2, 2], [3, 3, 0, 0]], {1: 56, 2: 56, 3: 28}
    guess = [[8, 8, 9, 7], [7, 7, 8, 7]], {8: 56, 9: 56, 7: 28}
    coco_gt = save(tmp_path / "gt.json", [image(KEY, *truth)], categories=table)
    coco_pred = save(tmp_path / "pred.json", [image(KEY, *guess)], categories=None)
    check(pqeval.evaluate(gt=gt, pred=coco_pred, gt_format=FORMAT, pred_format="coco"))
    check(pqeval.evaluate(gt=coco_gt, pred=pred, gt_format="coco", pred_format=FORMAT))


@settings(max_examples=25)
@given(pair_maps(things=[BIRD, CAR], stuff=[ROAD, SKY], void=UNLABELED, instances=[0, 1, 255]))
def test_there_and_back(tmp_path_factory, frames):
    folder = tmp_path_factory.mktemp("vistas")
    ((label, instance),) = frames
    before = partition(save_instances(folder / "gt", label, instance), FORMAT)
    pqeval.convert(folder / "gt", folder / "coco.json", format=FORMAT)
    assert partition(folder / "coco.json", "coco") == before
    void = np.asarray(label) == UNLABELED
    assert ((np.asarray(before[KEY][0]) == -1) == void).all()


# What is said.


@trigger
def labels_beyond_the_table(folder):
    save_instances(folder / "gt", [[66, 115, SKY]], [[1, 0, 0]])
    save_labels(folder / "pred", [[66, SKY, SKY]])
    says(
        problems(gt=folder / "gt", pred=folder / "pred", format=FORMAT),
        """
        DIR/pred: the files have labels without instances; all that is one thing class in an image counts as one
              object
          expected: the files of instances/
          do: name the folder instances/, or look only at the scores of stuff
        DIR/gt/v1.2/instances/_1Gn_xkw7sa_i9GU4mkxxQ.png (image '_1Gn_xkw7sa_i9GU4mkxxQ'): value 16897, 29440 has
              a label that the dataset lacks
          expected: labels up to 65, in values of label * 256 + instance
          do: check the version, and the divisor: it is 256
        DIR/pred/v1.2/labels/_1Gn_xkw7sa_i9GU4mkxxQ.png (image '_1Gn_xkw7sa_i9GU4mkxxQ'): value 66 has a label
              that the dataset lacks
          expected: labels up to 65
          do: check the version, and the divisor: it is 256
        """,
        folder=folder,
    )


@trigger
def ground_truth_without_instances(folder):
    save_labels(folder, [[SKY, CAR]])
    says(
        problems(gt=folder, pred=folder, format=FORMAT)[:1],
        """
        DIR: the files have labels without instances; all that is one thing class in an image is a crowd and not
              scored
          expected: the files of instances/
          do: name the folder instances/, or look only at the scores of stuff
        """,
        folder=folder,
    )


@trigger
def instances_in_8_bits(folder):
    save_instances(folder / "gt", [[CAR]])
    save_png(folder / "pred" / "v1.2" / "instances" / f"{KEY}.png", [[CAR]])
    says(
        problems(gt=folder / "gt", pred=folder / "pred", format=FORMAT),
        """
        DIR/pred/v1.2/instances/_1Gn_xkw7sa_i9GU4mkxxQ.png (image '_1Gn_xkw7sa_i9GU4mkxxQ'): the PNG is 8-bit
              grayscale
          expected: 16-bit grayscale
          do: take the files of instances/; 8 bits have no room for instances
        """,
        folder=folder,
    )


@trigger
def labels_as_colours(folder):
    save_instances(folder / "gt", [[CAR]])
    save_png(folder / "pred" / "v1.2" / "labels" / f"{KEY}.png", [[(0, 0, 142)]])
    found = problems(gt=folder / "gt", pred=folder / "pred", format=FORMAT)
    says(
        found[1:],
        """
        DIR/pred/v1.2/labels/_1Gn_xkw7sa_i9GU4mkxxQ.png (image '_1Gn_xkw7sa_i9GU4mkxxQ'): the PNG is 8-bit RGB
          expected: 8-bit palette or 8-bit grayscale
          do: write the label as the palette index, not as a colour
        """,
        folder=folder,
    )


def unclear(folder, found):
    says(
        raised(pqeval.convert, folder, folder / "out.json", format=FORMAT),
        f"""
        DIR: {found}
          expected: v1.2 or v2.0, whose labels have different places
          do: say it with --gt-option or --pred-option version=v1.2 or version=v2.0, or name the folder v1.2 or
              v2.0 or one that has its config
        """,
        folder=folder,
    )


@trigger
def no_version(folder):
    unclear(save_instances(folder, [[CAR]], name="instances/a.png"), "nothing says which version the files are of")


@trigger
def two_versions(folder):
    save_instances(folder, [[CAR]], name="v1.2/instances/a.png")
    save_instances(folder, [[CAR]], name="v2.0/instances/a.png")
    unclear(folder, "there are files of more than one version")


@trigger
def two_configs(folder):
    save_instances(folder, [[CAR]], name="instances/a.png")
    for version in ("v1.2", "v2.0"):
        save_config(folder, config_rows(version), name=f"config_{version}.json")
    unclear(folder, "there are configs of more than one version")


@trigger
def a_config_without_flags(folder):
    save_config(save_instances(folder, [[CAR]]), [{"name": "sky", "instances": False}])
    says(
        raised(pqeval.convert, folder, folder / "out.json", format=FORMAT),
        """
        DIR/config.json: cannot be used as a config of Mapillary Vistas: labels[0] is {'name': 'sky', 'instances':
              False}
          expected: labels, each with name, instances (true or false) and evaluate (true or false)
          do: take the config that the dataset ships, or remove the file: pqeval knows v1.2 and v2.0 without it
        """,
        folder=folder,
    )


@trigger
def a_config_without_labels(folder):
    save_config(save_instances(folder, [[CAR]]), {"0": "sky"})
    says(
        raised(pqeval.convert, folder, folder / "out.json", format=FORMAT),
        """
        DIR/config.json: cannot be used as a config of Mapillary Vistas: labels is {'0': 'sky'}
          expected: labels, each with name, instances (true or false) and evaluate (true or false)
          do: take the config that the dataset ships, or remove the file: pqeval knows v1.2 and v2.0 without it
        """,
        folder=folder,
    )


@trigger
def a_broken_config(folder):
    save_instances(folder, [[CAR]])
    (folder / "config.json").write_text('{"labels": [')
    assert raised(pqeval.convert, folder, folder / "out.json", format=FORMAT).code == "json-syntax"


@trigger
def a_table_of_another_dataset(folder):
    says(
        raised(
            pqeval.convert,
            save_instances(folder, [[CAR]]),
            folder / "out.json",
            format=FORMAT,
            categories=[{"id": 0, "name": "wall", "isthing": 0}],
        ),
        """
        DIR: the category table has neither the names nor the ids of these labels
          expected: names such as Car or object--vehicle--car, or ids that are the place in the config + 1
          do: name the categories as the dataset does
        """,
        folder=folder,
    )


@trigger
def no_files(folder):
    (folder / "images").mkdir()
    (folder / "images" / "a.png").write_bytes(b"")
    says(
        raised(pqeval.convert, folder, folder / "out.json", format=FORMAT),
        """
        DIR: there are no files of this format
          expected: files such as validation/v2.0/instances/KEY.png
          do: check the folder, and the format with `pqeval formats`
        """,
        folder=folder,
    )
