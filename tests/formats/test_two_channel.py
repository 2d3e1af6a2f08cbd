"""Two-channel PNGs: R = category, G = instance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from datasets import TABLE, image, png, save, says
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
    segments,
    sequences,
    sure,
    tracks,
)
from triggers import Triggers, name_of

import pqeval
from pqeval.formats.two_channel import write
from pqeval.labelmap import LabelMap
from pqeval.rows import NO_AREA, Rows
from pqeval.source import Written

FORMAT = "two_channel"
CAT, DOG, SKY = 1, 2, 3  # the table of datasets.py
SAMPLE = Path(__file__).parents[2].parent / "shared" / "coco_sample"

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def read(folder, category, instance=0, *, role="gt", categories=TABLE, **options):
    """Return names and meanings of the segments of one image."""
    save_rgb(folder / "7.png", category, instance)
    return partition(folder, FORMAT, role=role, categories=categories, options=options)["7"]


# The sample of panopticapi.


@pytest.mark.skipif(not (SAMPLE / "gt_2ch").is_dir(), reason="no coco_sample beside the repository")
def test_the_sample_is_what_its_json_says():
    """Partition, categories and crowds; by default the table is that of COCO."""
    pairs = partition(SAMPLE / "gt_2ch", FORMAT)
    ids = partition(SAMPLE / "gt.json", "coco")
    assert {int(name): found for name, found in pairs.items()} == ids
    crowds = [meaning for _, meanings in ids.values() for meaning in meanings.values() if meaning[1]]
    assert sorted(crowds) == [(1, True), (1, True), (19, True)]  # two crowds of people and one of horses


@pytest.mark.skipif(not (SAMPLE / "gt_2ch").is_dir(), reason="no coco_sample beside the repository")
def test_the_sample_scores_1_against_its_json_both_ways(tmp_path):
    for gt, pred, formats in (
        (SAMPLE / "gt.json", SAMPLE / "gt_2ch", ("coco", FORMAT)),
        (SAMPLE / "gt_2ch", SAMPLE / "gt.json", (FORMAT, "coco")),
    ):
        result = pqeval.evaluate(gt=gt, pred=pred, gt_format=formats[0], pred_format=formats[1])
        assert (result.pq, result.groups["All"].n) == (1, 8)
    pqeval.convert(SAMPLE / "gt.json", tmp_path / "out", to=FORMAT)
    assert partition(tmp_path / "out", FORMAT) == {
        f"{number:012d}": found for number, found in partition(SAMPLE / "gt.json", "coco").items()
    }


# What values mean.


def test_a_pair_is_a_segment(tmp_path):
    names, meanings = read(tmp_path, [[CAT, CAT, DOG, SKY]], [[0, 254, 0, 0]])
    assert names == [[0, 1, 2, 3]]
    assert meanings == {0: (CAT, False), 1: (CAT, False), 2: (DOG, False), 3: (SKY, False)}


@pytest.mark.parametrize("category", [0, 255])
def test_void_is_0_and_255_where_they_are_no_categories(tmp_path, category):
    assert read(tmp_path, [[category, CAT]])[0] == [[-1, 1]]


def test_category_0_and_255_are_themselves_where_the_table_has_them(tmp_path):
    table = [{"id": number, "isthing": 0} for number in (0, 255)]
    assert read(tmp_path, [[0, 255]], categories=table) == ([[0, 1]], {0: (0, False), 1: (255, False)})


def test_the_void_that_the_user_says_comes_beside_0(tmp_path):
    assert read(tmp_path, [[0, 19, CAT]], void="19")[0] == [[-1, -1, 2]]


@pytest.mark.parametrize(
    ("role", "said", "meaning"),
    [
        ("gt", {}, (CAT, False)),
        ("pred", {}, (CAT, False)),
        ("gt", {"instance0": "crowd"}, (CAT, True)),
        ("gt", {"instance0": "void"}, None),
    ],
)
def test_a_thing_with_instance_0(tmp_path, role, said, meaning):
    found = read(tmp_path, [[CAT, SKY]], role=role, **said)
    expected = {1: (SKY, False)} | ({0: meaning} if meaning else {})
    assert found == ([[0 if meaning else -1, 1]], expected)


@pytest.mark.parametrize(
    ("role", "said", "crowd"),
    [
        ("gt", {}, True),
        ("pred", {}, False),
        ("gt", {"instance255": "object"}, False),
        ("pred", {"instance255": "crowd"}, True),
    ],
)
def test_a_thing_with_instance_255(tmp_path, role, said, crowd):
    assert read(tmp_path, [[CAT]], 255, role=role, **said)[1] == {0: (CAT, crowd)}


def test_stuff_with_instances_stays_apart_with_a_warning(tmp_path):
    names, meanings = read(tmp_path, [[SKY, SKY]], [[0, 255]])
    assert (names, meanings) == ([[0, 1]], {0: (SKY, False), 1: (SKY, False)})
    found = problems(gt=tmp_path, pred=tmp_path, format=FORMAT, categories=TABLE)
    assert codes(found) == ["stuff-instance"] * 2


# Files.


def test_image_ids_are_the_names_without_png(tmp_path):
    for name in ("b.c.png", "a.png", "notes.txt"):
        save_rgb(tmp_path / name.replace(".txt", ".jpg"), [[CAT]])
    assert list(segments(tmp_path, FORMAT, categories=TABLE)) == ["a", "b.c"]


def test_files_in_folders_are_frames_of_a_video(tmp_path):
    for frame in (1, 2):
        save_rgb(tmp_path / "clip" / f"{frame}.png", [[CAT, DOG]], [[frame, 5]])
    save_rgb(tmp_path / "7.png", [[CAT]])
    assert sequences(tmp_path, FORMAT) == {"7": None, "clip/1": "clip", "clip/2": "clip"}
    (tmp_path / "7.png").unlink()
    pqeval.convert(tmp_path, tmp_path / "out.json", format=FORMAT, categories=TABLE)
    assert sorted(tracks(tmp_path / "out.json", "coco").values()) == [["clip/1"], ["clip/1", "clip/2"], ["clip/2"]]


def test_a_folder_of_rgb_pngs_can_be_two_channel(tmp_path):
    save_rgb(tmp_path / "rgb" / "1.png", [[CAT]])
    save_png(tmp_path / "gray" / "1.png", [[CAT]])
    save(tmp_path / "json" / "gt.json", [image(1, [[1]], {1: 1})])
    assert [sure(tmp_path / name, FORMAT) for name in ("rgb", "gray", "json")] == [1, 0, 0]


# Scores.


def test_a_score_worked_out_by_hand(tmp_path):
    # Cat 0 has 4 pixels, 3 of them predicted as cat 9, 1 as sky; cat 255 is a crowd of 3, predicted as cats 1
    # and 2, who are excused; sky has 3, all found, and 1 of the cat. One pixel is void on both sides.
    save_rgb(
        tmp_path / "gt" / "1.png",
        [[CAT, CAT, CAT, CAT, CAT, CAT, CAT, SKY, SKY, SKY, 0]],
        [[0, 0, 0, 0, 255, 255, 255, 0, 0, 0, 0]],
    )
    save_rgb(
        tmp_path / "pred" / "1.png",
        [[CAT, CAT, CAT, SKY, CAT, CAT, CAT, SKY, SKY, SKY, 255]],
        [[9, 9, 9, 0, 1, 1, 2, 0, 0, 0, 0]],
    )
    result = pqeval.evaluate(gt=tmp_path / "gt", pred=tmp_path / "pred", format=FORMAT, categories=TABLE)
    cat, dog, sky = result.per_class
    assert (cat.pq, cat.tp, cat.fp, cat.fn) == (3 / 4, 1, 0, 0)
    assert dog.pq is None
    assert sky.pq == 3 / 4
    objects = pqeval.evaluate(
        gt=tmp_path / "gt",
        pred=tmp_path / "pred",
        format=FORMAT,
        categories=TABLE,
        gt_options={"instance255": "object"},
    )
    # Now the crowd is a cat: cat 1 has 2 of its 3 pixels and is right, cat 2 is wrong.
    assert objects.per_class[0].pq == (3 / 4 + 2 / 3) / (2 + 1 / 2)


def test_against_coco_both_ways(tmp_path):
    save_rgb(tmp_path / "2ch" / "000000000005.png", [[CAT, CAT, CAT, DOG]], [[3, 3, 3, 3]])
    coco = save(tmp_path / "coco.json", [image(5, [[1, 1, 2, 2]], {1: CAT, 2: DOG})])
    for gt, pred, formats in (
        (tmp_path / "2ch", coco, (FORMAT, "coco")),
        (coco, tmp_path / "2ch", ("coco", FORMAT)),
    ):
        result = pqeval.evaluate(gt=gt, pred=pred, gt_format=formats[0], pred_format=formats[1], categories=TABLE)
        # The cat: 2 / 3. The dog: 1 / 2, which is not more than half.
        assert [row.pq for row in result.per_class] == [2 / 3, 0, None]


# Writing.


@settings(max_examples=25)
@given(pair_maps(things=[CAT, DOG], stuff=[SKY], void=0, instances=[0, 1, 128, 254], crowd=255))
def test_there_and_back(tmp_path_factory, frames):
    folder = tmp_path_factory.mktemp("pairs")
    for number, (category, instance) in enumerate(frames):
        save_rgb(folder / "gt" / f"{number:012d}.png", category, instance)
    before = partition(folder / "gt", FORMAT, categories=TABLE)
    pqeval.convert(folder / "gt", folder / "coco.json", format=FORMAT, categories=TABLE)
    assert partition(folder / "coco.json", "coco") == before
    pqeval.convert(folder / "coco.json", folder / "again", to=FORMAT)
    assert partition(folder / "again", FORMAT, categories=TABLE) == before


def test_what_is_written(tmp_path):
    rows = [
        {"id": 900, "category_id": CAT},
        {"id": 70, "category_id": CAT},
        {"id": 5, "category_id": CAT, "iscrowd": 1},
        {"id": 6, "category_id": SKY},
    ]
    save(tmp_path / "gt.json", [image(12, [[900, 70, 5, 6, 0]], rows)])
    pqeval.convert(tmp_path / "gt.json", tmp_path / "out", to=FORMAT)
    pixels = np.asarray(opened(tmp_path / "out" / "000000000012.png"))
    # By ascending id the cats are 0 and 1.
    assert pixels.tolist() == [[[CAT, 1, 0], [CAT, 0, 0], [CAT, 255, 0], [SKY, 0, 0], [0, 0, 0]]]


def test_void_is_255_where_0_is_a_category(tmp_path):
    table = [{"id": 0, "name": "wall", "isthing": 0}]
    save(tmp_path / "gt.json", [image("a", [[1, 0]], {1: 0})], categories=table)
    pqeval.convert(tmp_path / "gt.json", tmp_path / "out", to=FORMAT)
    assert np.asarray(opened(tmp_path / "out" / "a.png")).tolist() == [[[0, 0, 0], [255, 0, 0]]]
    assert partition(tmp_path / "out", FORMAT, categories=table) == {"a": ([[0, -1]], {0: (0, False)})}


def objects(count):
    """One image with so many cats, on its way to a writer."""
    ids = np.arange(1, count + 1)
    columns = np.full(count, CAT), np.zeros(count, np.uint8), np.full(count, NO_AREA)
    return Written("7.png", LabelMap.from_array(ids.reshape(1, -1)), Rows(ids, *columns))


def test_255_objects_can_be_written(tmp_path):
    write(tmp_path, [objects(255)], pqeval.Categories.from_coco(TABLE))
    pixels = np.asarray(opened(tmp_path / "7.png"))
    assert pixels[0, :, 1].tolist() == list(range(255))


# What is said.


@trigger
def more_objects_than_instances(folder):
    says(
        raised(write, folder, [objects(256)], pqeval.Categories.from_coco(TABLE)),
        """
        image '7.png': object 256 of category 1 cannot be stored in this format
          expected: at most 255 objects per category
          do: write another format
        """,
    )
    assert not list(folder.iterdir())


@trigger
def a_category_above_255(folder):
    table = [{"id": 256, "name": "cat", "isthing": 1}]
    source = save(folder / "gt.json", [image(1, [[1]], {1: 256})], categories=table)
    says(
        raised(pqeval.convert, source, folder / "out", to=FORMAT),
        """
        image 1: category_id 256 cannot be stored in this format
          expected: categories of the table, 0 to 255
          do: renumber the categories, or complete the table
        """,
    )


@trigger
def void_without_a_number_for_it(folder):
    table = [{"id": number, "isthing": 1} for number in (0, 255)]
    source = save(folder / "gt.json", [image(1, [[1, 0]], {1: 255})], categories=table)
    says(
        raised(pqeval.convert, source, folder / "out", to=FORMAT),
        """
        image 1: void pixels cannot be stored in this format
          expected: a table without category 0 or 255
          do: renumber the categories
        """,
    )


@trigger
def an_image_id_that_is_no_file_name(folder):
    source = save(folder / "gt.json", [image("../a", [[1]], {1: CAT}, file_name="a.png")])
    says(
        raised(pqeval.convert, source, folder / "out", to=FORMAT),
        """
        image '../a': the image id cannot be a file name
          expected: an id such as 000000139180 or sequence/frame
          do: rename the images
        """,
    )


@trigger
def a_third_channel(folder):
    save_rgb(folder / "gt" / "1.png", [[CAT]])
    save_rgb(folder / "pred" / "1.png", [[CAT, CAT]], [[1, 1]], [[0, 4]])
    save_rgb(folder / "gt" / "1.png", [[CAT, CAT]])
    says(
        problems(gt=folder / "gt", pred=folder / "pred", format=FORMAT, categories=TABLE),
        """
        DIR/pred/1.png (image '1'): B is not 0 in some pixels: RGB (1, 1, 4)
          expected: R = category, G = instance, B = 0
          do: where 256 G + B is the instance, name the format kitti_step, motchallenge_step or deeplab2; where
              R + 256 G + 65536 B is an id, name the JSON that lists the ids (format coco)
        """,
        folder=folder,
    )


@trigger
def a_palette_whose_index_is_the_category(folder):
    save_rgb(folder / "gt" / "1.png", [[CAT]])
    (folder / "pred").mkdir()
    data = png([[(1,)]], color=3, palette=[(0, 0, 0), (9, 9, 9)])
    (folder / "pred" / "1.png").write_bytes(data)
    says(
        problems(gt=folder / "gt", pred=folder / "pred", format=FORMAT, categories=TABLE),
        """
        DIR/pred/1.png (image '1'): the PNG is 8-bit palette
          expected: 8-bit RGB
          do: write the category into R and the instance into G
        """,
        folder=folder,
    )


@trigger
def a_file_cut_short(folder):
    save_rgb(folder / "gt" / "1.png", [[CAT, DOG]])
    (folder / "pred").mkdir()
    (folder / "pred" / "1.png").write_bytes((folder / "gt" / "1.png").read_bytes()[:-20])
    (found,) = problems(gt=folder / "gt", pred=folder / "pred", format=FORMAT, categories=TABLE)
    assert found.code == "png-broken"


@trigger
def a_void_that_is_no_number(folder):
    save_rgb(folder / "1.png", [[CAT]])
    for value, found in (("none", "'none'"), ("2", "'2', which is a category")):
        error = raised(
            pqeval.evaluate,
            gt=folder,
            pred=folder,
            format=FORMAT,
            categories=TABLE,
            gt_options={"void": value},
        )
        says(
            error,
            f"""
            gt option void is {found}
              expected: auto, or the number of void pixels
              do: see `pqeval formats NAME`
            """,
        )


@trigger
def no_png(folder):
    (folder / "1.txt").write_text("1")
    says(
        raised(pqeval.evaluate, gt=folder, pred=folder, format=FORMAT).errors[0],
        """
        DIR: there are no files of this format
          expected: PNGs such as 000000139180.png
          do: check the folder, and the format with `pqeval formats`
        """,
        folder=folder,
    )


@trigger
def a_category_of_another_table(folder):
    save_rgb(folder / "gt" / "1.png", [[CAT]])
    save_rgb(folder / "pred" / "1.png", [[200]])
    says(
        problems(gt=folder / "gt", pred=folder / "pred", format=FORMAT, categories=TABLE),
        """
        DIR/pred/1.png (image '1'): the prediction uses category_id 200, which the category table lacks
          expected: one of the 3 ids of the table, 1 to 3
          do: write the dataset's category ids, not the network's class numbers; or say what unknown segments are
              with `unknown` (on the command line --unknown void or --unknown fp)
        """,
        folder=folder,
    )
