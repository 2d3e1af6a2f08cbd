"""BDD100K: RGBA bitmasks in which alpha is data, and the COCO panoptic JSON of its own tool."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest
from datasets import image, save, says
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pair_maps import codes, partition, problems, raised, save_png, segments
from PIL import Image
from triggers import Triggers, name_of

import pqeval
from pqeval.categories import Categories
from pqeval.formats._glance import Glance
from pqeval.formats.bdd100k import decode, recognise
from pqeval.labelmap import LabelMap
from pqeval.rows import Row, Rows
from pqeval.source import Written
from pqeval.storage import locate

FORMAT = "bdd100k"
NAME = "7d2f7975-e0c1c5a7"
ROAD, SKY, PERSON, CAR = 7, 30, 31, 35
IGNORE, CROWD, OCCLUDED, TRUNCATED = 1, 2, 4, 8
TABLE = Categories.builtin(FORMAT)
VOID = (0, 0, 0)

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def save_mask(folder, pixels, *, name=f"{NAME}.png"):
    """Write pixels of (category, flags, annotation)."""
    category, flags, annotation = np.moveaxis(np.asarray(pixels), -1, 0)
    save_png(folder / name, np.stack([category, flags, annotation >> 8, annotation & 255], axis=-1))
    return folder


def channels(path):
    with Image.open(path) as picture:
        assert picture.mode == "RGBA"
        return np.asarray(picture).tolist()


def row_of(result, category):
    return next(row for row in result.per_class if row.id == category)


# What values mean.


def test_the_vector_of_the_specification(tmp_path):
    """RGBA (35, 2, 0, 33) is a crowd of cars with annotation id 33."""
    save_png(tmp_path / f"{NAME}.png", [[(35, 2, 0, 33)]])
    ((_, rows),) = segments(tmp_path, FORMAT).values()
    assert rows == {33: Row(33, CAR, True)}
    assert TABLE[TABLE.index_of(CAR)].name == "car"
    meaning = decode(np.array([35 | 2 << 8 | 33 << 24]), [])
    assert (meaning.category.tolist(), meaning.instance.tolist(), meaning.crowd.tolist()) == ([CAR], [33], [True])


def test_the_annotation_id_is_the_segment_id_and_has_two_bytes(tmp_path):
    numbers = [31, 255, 256, 257, 65535]
    save_mask(tmp_path, [[(ROAD, 0, ROAD), *((CAR, 0, number) for number in numbers)]])
    ((ids, rows),) = segments(tmp_path, FORMAT).values()
    assert ids.tolist() == [[ROAD, *numbers]]
    assert [row.category_id for row in rows.values()] == [ROAD] + [CAR] * 5


@pytest.mark.parametrize("flags", range(16))
@pytest.mark.parametrize("role", ["gt", "pred"])
def test_crowd_and_ignore_are_crowds_on_both_sides(tmp_path, role, flags):
    save_mask(tmp_path, [[(CAR, flags, 40)]])
    assert partition(tmp_path, FORMAT, role=role) == {NAME: ([[0]], {0: (CAR, bool(flags & (CROWD | IGNORE)))})}


def test_category_0_is_void_whatever_else_is_set(tmp_path):
    save_mask(tmp_path, [[(0, 0, 0), (0, CROWD, 40), (0, 200, 9), (CAR, 0, 40)]])
    assert partition(tmp_path, FORMAT) == {NAME: ([[-1, -1, -1, 3]], {3: (CAR, False)})}


def test_transparent_pixels_are_data(tmp_path):
    """Annotation 256 has alpha 0; a library that multiplies colours by alpha would make it void."""
    save_mask(tmp_path, [[(CAR, 0, 256), (CAR, 0, 257)]])
    assert partition(tmp_path, FORMAT)[NAME][0] == [[0, 1]]
    assert problems(gt=tmp_path, pred=tmp_path, format=FORMAT) == []


def test_flags_other_than_crowd_do_not_split_an_annotation(tmp_path):
    save_mask(tmp_path, [[(CAR, 0, 40), (CAR, OCCLUDED, 40), (CAR, TRUNCATED, 40)]])
    assert partition(tmp_path, FORMAT) == {NAME: ([[0, 0, 0]], {0: (CAR, False)})}


def test_of_an_annotation_only_the_pixels_with_the_flag_are_crowd(tmp_path):
    """All labels of a stuff category have one annotation id, each with flags of its own."""
    save_mask(tmp_path, [[(ROAD, 0, ROAD), (ROAD, IGNORE, ROAD), (ROAD, 0, ROAD), (ROAD, CROWD, ROAD)]])
    meanings = {0: (ROAD, False), 1: (ROAD, True)}
    assert partition(tmp_path, FORMAT) == {NAME: ([[0, 1, 0, 1]], meanings)}


# Files.


def test_bitmasks_are_read_and_colormaps_beside_them_are_not(tmp_path):
    save_mask(tmp_path, [[(CAR, 0, 31)]], name=f"pan_seg/bitmasks/val/{NAME}.png")
    save_png(tmp_path / "pan_seg" / "colormaps" / "val" / f"{NAME}.png", [[(0, 0, 142, 255)]])
    for named in ("", "pan_seg", "pan_seg/bitmasks", "pan_seg/bitmasks/val"):
        assert list(segments(tmp_path / named, FORMAT)) == [NAME]


def test_an_archive(tmp_path):
    save_mask(tmp_path, [[(CAR, 0, 31)]])
    with zipfile.ZipFile(tmp_path / "bdd.zip", "w") as archive:
        archive.write(tmp_path / f"{NAME}.png", f"bdd100k/labels/pan_seg/bitmasks/val/{NAME}.png")
    assert partition(tmp_path / "bdd.zip", FORMAT) == partition(tmp_path, FORMAT)


def test_what_is_recognised(tmp_path):
    save_mask(tmp_path / "flat", [[(CAR, 0, 31)]])
    save_mask(tmp_path / "told", [[(CAR, 0, 31)]], name="labels/pan_seg/bitmasks/val/a.png")
    save_mask(tmp_path / "other", [[(CAR, 0, 31)]], name="labels/ins_seg/bitmasks/val/a.png")
    save_png(tmp_path / "rgb" / "a.png", [[(1, 2, 3)]])
    strengths = {"flat": 1, "told": 2, "other": 1, "rgb": 0}
    assert {name: recognise(Glance(locate(tmp_path / name))) for name in strengths} == strengths


# Scores.


def both_sides(folder):
    """Write ground truth and prediction of 12 pixels.

    Road: 3 of 4 pixels: 3 / 4. Car: 4 of 4, and 1 on road: 4 / 5. The second predicted car is on the crowd and on
    void, the sky on void: both are excused. The predicted crowd takes no part by the convention bdd100k.
    """
    gt = [(ROAD, 0, ROAD)] * 4 + [(CAR, 0, 31)] * 4 + [(CAR, CROWD, 32)] * 2 + [VOID] * 2
    pred = [(ROAD, 0, ROAD)] * 3 + [(CAR, 0, 99)] * 5 + [(CAR, 0, 98)] * 3 + [(SKY, 0, SKY)]
    return save_mask(folder / "gt", [gt]), save_mask(folder / "pred", [pred])


def check(result):
    road, car, sky = (row_of(result, number) for number in (ROAD, CAR, SKY))
    assert (road.pq, car.pq, sky.pq) == (3 / 4, 4 / 5, None)
    assert (car.tp, car.fp, car.fn) == (1, 0, 0)
    assert result.pq == (3 / 4 + 4 / 5) / 2


def test_a_score_worked_out_by_hand(tmp_path):
    gt, pred = both_sides(tmp_path)
    result = pqeval.evaluate(gt=gt, pred=pred, format=FORMAT)
    assert result.convention == "bdd100k"
    check(result)


def test_predicted_crowds_and_the_union_with_void_by_the_convention(tmp_path):
    gt = [(CAR, 0, 31)] * 4 + [(PERSON, 0, 32)] * 2 + [VOID] * 4
    pred = [(CAR, 0, 31)] * 5 + [(PERSON, IGNORE, 33)] + [(CAR, 0, 31)] * 2 + [VOID] * 2
    save_mask(tmp_path / "gt", [gt])
    save_mask(tmp_path / "pred", [pred])
    result = pqeval.evaluate(gt=tmp_path / "gt", pred=tmp_path / "pred", format=FORMAT)
    # Car: 4 of 4, 1 on the person and 2 on void, which stay in the union: 4 / 7. The person is missed, and its
    # prediction is one that is to be ignored.
    car, person = row_of(result, CAR), row_of(result, PERSON)
    assert (car.pq, person.fp, person.fn) == (4 / 7, 0, 1)
    # By the convention coco void leaves the union, 4 / 5, and flags of predictions mean nothing.
    result = pqeval.evaluate(gt=tmp_path / "gt", pred=tmp_path / "pred", format=FORMAT, convention="coco")
    car, person = row_of(result, CAR), row_of(result, PERSON)
    assert (car.pq, person.fp, person.fn) == (4 / 5, 1, 1)


def test_a_missing_prediction_is_an_empty_one_where_that_is_wanted(tmp_path):
    gt, pred = both_sides(tmp_path)
    save_mask(gt, [[(ROAD, 0, ROAD)]], name="second.png")
    result = pqeval.evaluate(gt=gt, pred=pred, format=FORMAT, missing="empty")
    # Road: 3 / 4 and a FN.
    assert row_of(result, ROAD).pq == (3 / 4) / (1 + 1 / 2)


# The COCO panoptic JSON of the official tool.

OFFICIAL = [{"id": 0, "name": "unlabeled", "isthing": False, "supercategory": "void"}] + [
    row.as_dict() | {"isthing": bool(row.isthing), "supercategory": ""} for row in TABLE
]


def save_official(folder, ids, listed, *, name="pan_seg_val"):
    """Write what the tool makes of bitmasks: ids are annotation ids, and flags are booleans."""
    rows = [
        {
            "id": number,
            "category_id": category,
            "iscrowd": crowd,
            "isthing": category > 30,
            "area": 0,
            "bbox": [0] * 4,
        }
        for number, (category, crowd) in listed.items()
    ]
    for row in rows:
        row["area"] = int((np.asarray(ids) == row["id"]).sum())
    return save(folder / f"{name}.json", [image(NAME, ids, rows)], categories=OFFICIAL)


def test_the_json_of_the_official_tool_is_coco(tmp_path):
    gt, pred = both_sides(tmp_path)
    truth = save_official(
        tmp_path,
        [[ROAD] * 4 + [31] * 4 + [32] * 2 + [0] * 2],
        {ROAD: (ROAD, False), 31: (CAR, False), 32: (CAR, True)},
    )
    guess = save_official(
        tmp_path,
        [[ROAD] * 3 + [99] * 5 + [98] * 3 + [SKY]],
        {ROAD: (ROAD, False), 99: (CAR, False), 98: (CAR, False), SKY: (SKY, False)},
        name="guess",
    )
    assert partition(truth, "coco") == partition(gt, FORMAT)
    result = pqeval.evaluate(gt=truth, pred=guess)
    assert result.inputs["gt_format"] == "coco"
    assert result.per_class[0].name == "unlabeled"
    assert result.warnings == ()
    check(result)
    check(pqeval.evaluate(gt=truth, pred=pred, pred_format=FORMAT))
    check(pqeval.evaluate(gt=gt, pred=guess, gt_format=FORMAT))


# Writing.

PALETTE = np.array(
    [
        VOID,
        (ROAD, 0, ROAD),
        (ROAD, CROWD, ROAD),
        (SKY, OCCLUDED, SKY),
        *((category, flags, number) for number, category, flags in ((31, CAR, 0), (256, CAR, CROWD))),
        (PERSON, TRUNCATED, 300),
        (PERSON, IGNORE, 65535),
    ]
)


@settings(max_examples=15)
@given(
    st.tuples(st.integers(1, 4), st.integers(1, 6)).flatmap(
        lambda shape: arrays.arrays(np.int64, shape, elements=st.integers(0, len(PALETTE) - 1))
    )
)
def test_there_and_back(tmp_path_factory, picks):
    folder = tmp_path_factory.mktemp("bdd100k")
    before = partition(save_mask(folder / "gt", PALETTE[picks]), FORMAT)
    assert ((np.asarray(before[NAME][0]) == -1) == (picks == 0)).all()
    pqeval.convert(folder / "gt", folder / "coco.json", format=FORMAT)
    assert partition(folder / "coco.json", "coco") == before
    pqeval.convert(folder / "coco.json", folder / "again", format="coco", to=FORMAT)
    assert partition(folder / "again", FORMAT) == before


def written(folder, ids, listed, *, image_id=NAME, categories=OFFICIAL):
    """Write one COCO image as bitmasks."""
    source = save(folder / "coco.json", [image(image_id, ids, listed, file_name="a.png")], categories=categories)
    pqeval.convert(source, folder / "out", format="coco", to=FORMAT)
    return folder / "out"


def test_stuff_gets_its_category_as_annotation_id_and_things_count_from_31(tmp_path):
    listed = [
        {"id": 900, "category_id": ROAD},
        {"id": 800, "category_id": PERSON},
        {"id": 700, "category_id": CAR, "iscrowd": 1},
    ]
    out = written(tmp_path, [[900, 700, 800, 0]], listed)
    assert channels(out / f"{NAME}.png") == [[[7, 0, 0, 7], [35, 2, 0, 31], [31, 0, 0, 32], [0, 0, 0, 0]]]


def test_segments_of_one_stuff_category_stay_apart(tmp_path):
    out = written(tmp_path, [[1, 2, 3]], {1: ROAD, 2: ROAD, 3: CAR})
    assert channels(out / f"{NAME}.png") == [[[7, 0, 0, 7], [7, 0, 0, 31], [35, 0, 0, 32]]]


def test_annotation_ids_of_other_tables_are_different_as_well(tmp_path):
    table = [{"id": 1, "name": "cat", "isthing": 1}, {"id": 32, "name": "sky", "isthing": 0}]
    out = written(tmp_path, [[1, 2, 3, 4]], {1: 1, 2: 1, 3: 32, 4: 1}, categories=table)
    assert [pixel[3] for pixel in channels(out / f"{NAME}.png")[0]] == [31, 33, 32, 34]


@pytest.mark.parametrize(
    ("image_id", "name"), [(7, "7.png"), ("0002/000000", "0002-000000.png"), ("../a b", "..-a%20b.png")]
)
def test_files_are_named_by_image_ids_and_stay_in_the_folder(tmp_path, image_id, name):
    out = written(tmp_path, [[1]], {1: CAR}, image_id=image_id)
    assert [path.name for path in out.iterdir()] == [name]


# What is said.


def about(folder, pixels, *, mode="RGBA"):
    """Return what is found when the prediction has these pixels."""
    save_mask(folder / "gt", [[(CAR, 0, 31)] * len(pixels)])
    save_png(folder / "pred" / f"{NAME}.png", [pixels])
    return problems(gt=folder / "gt", pred=folder / "pred", format=FORMAT)


@trigger
def alpha_that_was_dropped(folder):
    says(
        about(folder, [(35, 0, 0)]),
        """
        DIR/pred/7d2f7975-e0c1c5a7.png (image '7d2f7975-e0c1c5a7'): the PNG is 8-bit RGB
          expected: 8-bit RGBA
          do: take the original file: alpha is data here, and viewers, converters to RGB and libraries that
              multiply colours by alpha destroy it
        """,
        folder=folder,
    )


@trigger
def alpha_that_was_filled(folder):
    says(
        about(folder, [(35, 0, 0, 255), (31, 0, 0, 255), (7, 0, 0, 255)]),
        """
        DIR/pred/7d2f7975-e0c1c5a7.png (image '7d2f7975-e0c1c5a7'): annotation id 255 is used for the categories
              7, 31, 35
          expected: one category per annotation id (256 B + A)
          do: give every annotation of an image an id of its own; where all have one id, alpha was lost
        """,
        folder=folder,
    )


@trigger
def annotation_0(folder):
    says(
        about(folder, [(35, 0, 0, 0), (7, 0, 0, 0), (31, 0, 0, 31)])[:1],
        """
        DIR/pred/7d2f7975-e0c1c5a7.png (image '7d2f7975-e0c1c5a7'): pixels of category 7, 35 have the annotation id
              0
          expected: an id of 1 or more in 256 B + A
          do: write the category id as annotation id of stuff, and 31 or more for things
        """,
        folder=folder,
    )


@trigger
def flags_that_do_not_exist(folder):
    says(
        about(folder, [(1, 142, 0, 31), (2, 16, 0, 32)]),
        """
        DIR/pred/7d2f7975-e0c1c5a7.png (image '7d2f7975-e0c1c5a7'): the flags (G) are 16, 142
          expected: flags up to 15: 8 truncated + 4 occluded + 2 crowd + 1 ignore
          do: take the files of bitmasks/, not those of colormaps/
        """,
        folder=folder,
    )


@trigger
def a_category_that_the_table_lacks(folder):
    assert codes(about(folder, [(41, 0, 0, 50)])) == ["pred-category-unknown"]


@trigger
def no_files(folder):
    (folder / "a.json").write_text(json.dumps([]))
    says(
        raised(pqeval.convert, folder, folder / "out.json", format=FORMAT),
        """
        DIR: there are no files of this format
          expected: files such as bitmasks/val/7d2f7975-e0c1c5a7.png
          do: check the folder, and the format with `pqeval formats`
        """,
        folder=folder,
    )


@trigger
def category_0_cannot_be_written(folder):
    says(
        raised(written, folder, [[1, 2]], {1: CAR, 2: 0}),
        """
        image '7d2f7975-e0c1c5a7': category_id 0 cannot be stored in this format
          expected: an (H, W) map with category ids 1 to 255 and up to 65250 segments
          do: write another format, such as coco
        """,
    )
    assert list((folder / "out").iterdir()) == []


def refused(folder, labels, rows):
    from pqeval.formats.bdd100k import write

    image = Written(NAME, LabelMap.from_array(labels), Rows.of(rows))
    return raised(write, folder / "out", [image], TABLE)


@trigger
def too_many_segments(folder):
    ids = np.arange(1, 65252).reshape(1, -1)
    says(
        refused(folder, ids, [Row(int(number), CAR) for number in ids[0]]),
        """
        image '7d2f7975-e0c1c5a7': an image of 65251 segments cannot be stored in this format
          expected: an (H, W) map with category ids 1 to 255 and up to 65250 segments
          do: write another format, such as coco
        """,
    )


@trigger
def points(folder):
    says(
        refused(folder, np.ones((2, 2, 2), int), [Row(1, CAR)]),
        """
        image '7d2f7975-e0c1c5a7': a map of shape (2, 2, 2) cannot be stored in this format
          expected: an (H, W) map with category ids 1 to 255 and up to 65250 segments
          do: write another format, such as coco
        """,
    )


@trigger
def two_images_of_one_name(folder):
    images = [image(name, [[1]], {1: CAR}, file_name=f"{place}.png") for place, name in enumerate(("a/b", "a-b"))]
    source = save(folder / "coco.json", images, categories=OFFICIAL)
    says(
        raised(pqeval.convert, source, folder / "out", format="coco", to=FORMAT),
        """
        image 'a-b': two images would be saved as a-b.png
          expected: every image id once
          do: give every image its own id
        """,
    )


def test_the_largest_number_of_segments_is_written(tmp_path):
    from pqeval.formats.bdd100k import write

    ids = np.arange(1, 65251).reshape(225, 290)
    cars = np.full(65250, CAR)
    rows = Rows(ids.ravel(), cars, np.zeros(65250, np.uint8), cars)
    write(tmp_path / "out", [Written(NAME, LabelMap.from_array(ids), rows)], TABLE)
    found = np.asarray(channels(tmp_path / "out" / f"{NAME}.png"))
    assert (256 * found[..., 2] + found[..., 3] == ids + 30).all()
