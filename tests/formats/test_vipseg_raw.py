"""VIPSeg, raw: single-channel PNGs with class, or class * 100 + instance."""

from __future__ import annotations

import numpy as np
import pytest
from datasets import PALETTE, image, png, save, says
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pair_maps import (
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
from pqeval.categories import Categories
from pqeval.formats.vipseg_raw import decode

FORMAT = "vipseg_raw"
TABLE = Categories.builtin("vipseg")
WALL, CEILING, DOOR, PERSON = 0, 1, 2, 60
"""Category ids; the class of each is one more."""

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def save_map(path, values, dtype=np.uint16):
    save_png(path, values, dtype)


def meaning_of(value):
    found = decode(np.array([value]), [], categories=TABLE, first=0)
    return found.category[0], found.instance[0]


# What values mean.


def test_the_vector_of_the_specification():
    """6101 is class 61, a person, object 1."""
    assert meaning_of(6101) == (PERSON, 1)
    assert TABLE[PERSON].name == "person"


def test_objects_are_numbered_from_0():
    assert meaning_of(6100) == (PERSON, 0)
    assert meaning_of(6199) == (PERSON, 99)


def test_a_hundredth_object_runs_into_the_next_class():
    assert meaning_of(6100 + 100) == (61, 0)


def test_below_125_a_value_is_a_bare_class_even_of_a_thing(tmp_path):
    assert meaning_of(61) == (PERSON, 0)
    assert meaning_of(124) == (123, 0)
    assert meaning_of(125) == (0, 25)
    save_map(tmp_path / "a" / "00000001.png", [[61, 6100, 3]], np.uint16)
    assert partition(tmp_path, FORMAT)["a/00000001"] == (
        [[0, 1, 2]],
        {0: (PERSON, False), 1: (PERSON, False), 2: (DOOR, False)},
    )


def test_void_is_0_and_class_1_is_category_0(tmp_path):
    save_map(tmp_path / "a" / "00000001.png", [[0, 1]], np.uint8)
    assert partition(tmp_path, FORMAT)["a/00000001"] == ([[-1, 1]], {1: (WALL, False)})


def test_8_bit_16_bit_and_palette_indices_are_one(tmp_path):
    save_map(tmp_path / "8" / "a" / "00000001.png", [[1, 61]], np.uint8)
    save_map(tmp_path / "16" / "a" / "00000001.png", [[1, 61]], np.uint16)
    (tmp_path / "p" / "a").mkdir(parents=True)
    colours = [(number, 0, 0) for number in range(62)]
    (tmp_path / "p" / "a" / "00000001.png").write_bytes(png([[(1,), (61,)]], color=PALETTE, palette=colours))
    expected = ([[0, 1]], {0: (WALL, False), 1: (PERSON, False)})
    assert [partition(tmp_path / kind, FORMAT)["a/00000001"] for kind in ("8", "16", "p")] == [expected] * 3


def test_a_table_of_class_numbers_is_taken_as_it_is(tmp_path):
    save_map(tmp_path / "a" / "00000001.png", [[1, 6100]])
    table = [{"id": number, "isthing": int(number == 61)} for number in range(1, 125)]
    found = partition(tmp_path, FORMAT, categories=table)["a/00000001"]
    assert found == ([[0, 1]], {0: (1, False), 1: (61, False)})


def test_an_object_keeps_its_segment_id_over_the_frames(tmp_path):
    save_map(tmp_path / "a" / "00000001.png", [[6101, 6100]])
    save_map(tmp_path / "a" / "00000002.png", [[6100, 6101]])
    first, second = (ids[0].tolist() for ids, _ in segments(tmp_path, FORMAT).values())
    assert first == second[::-1]


# Files.


def test_only_panomasks_is_read_of_a_whole_dataset(tmp_path):
    save_map(tmp_path / "panomasks" / "a" / "00000001.png", [[1]])
    save_rgb(tmp_path / "panomasksRGB" / "a" / "00000001.png", [[1]])
    save_rgb(tmp_path / "imgs" / "a" / "00000001.jpg", [[1]])
    assert sequences(tmp_path, FORMAT) == {"a/00000001": "a"}
    assert list(segments(tmp_path / "panomasks", FORMAT)) == ["a/00000001"]


def test_the_videos_of_a_split(tmp_path):
    for video in ("a", "b", "c"):
        save_map(tmp_path / "panomasks" / video / "00000001.png", [[1]])
    (tmp_path / "val.txt").write_text("c\r\na\n")
    assert list(segments(tmp_path, FORMAT, options={"split": "val"})) == ["a/00000001", "c/00000001"]
    assert len(segments(tmp_path, FORMAT)) == 3


def test_the_name_panomasks_says_that_files_are_raw_vipseg(tmp_path):
    save_map(tmp_path / "VIPSeg" / "panomasks" / "a" / "00000001.png", [[1]])
    save_map(tmp_path / "masks" / "a" / "00000001.png", [[1]])
    save_rgb(tmp_path / "rgb" / "panomasks" / "a" / "00000001.png", [[1]])
    found = {name: sure(tmp_path / name, FORMAT) for name in ("VIPSeg", "VIPSeg/panomasks", "masks", "rgb")}
    assert found == {"VIPSeg": 2, "VIPSeg/panomasks": 2, "masks": 0, "rgb": 0}


# Scores.


def test_a_score_worked_out_by_hand(tmp_path):
    # Wall: 4 pixels, 3 found and 1 of person 0: 3 / 5. Person 0: 4 pixels, 3 found, 1 of the wall: 3 / 5.
    # Person 1: 2 pixels, both found. Void: predicted as a person more, who is excused.
    save_map(tmp_path / "gt" / "a" / "00000001.png", [[1] * 4 + [6100] * 4 + [6101] * 2 + [0]])
    save_map(tmp_path / "pred" / "a" / "00000001.png", [[1, 1, 1, 6105, 1, 6105, 6105, 6105, 6100, 6100, 6101]])
    result = pqeval.evaluate(gt=tmp_path / "gt", pred=tmp_path / "pred", format=FORMAT)
    person = result.per_class[PERSON]
    assert result.per_class[WALL].pq == 3 / 5
    assert (person.pq, person.tp, person.fp, person.fn) == ((3 / 5 + 1) / 2, 2, 0, 0)


def test_against_coco(tmp_path):
    save_map(tmp_path / "raw" / "a" / "00000001.png", [[1, 1, 1, 6101]])
    coco = save(
        tmp_path / "coco.json",
        [image("a/00000001", [[1, 1, 2, 3]], {1: WALL, 2: CEILING, 3: PERSON}, file_name="a.png")],
        categories=[row.as_dict() for row in TABLE],
    )
    result = pqeval.evaluate(gt=tmp_path / "raw", pred=coco, gt_format=FORMAT, pred_format="coco")
    assert [result.per_class[number].pq for number in (WALL, CEILING, PERSON)] == [2 / 3, 0, 1]


@settings(max_examples=20)
@given(
    st.lists(
        arrays.arrays(np.uint16, (3, 4), elements=st.sampled_from([0, 1, 2, 61, 124, 300, 399, 6100, 6101])),
        min_size=1,
        max_size=3,
    )
)
def test_to_coco_and_back(tmp_path_factory, frames):
    folder = tmp_path_factory.mktemp("raw")
    for number, values in enumerate(frames):
        save_map(folder / "raw" / "a" / f"{number:08d}.png", values)
    pqeval.convert(folder / "raw", folder / "coco.json", format=FORMAT)
    assert partition(folder / "coco.json", "coco") == partition(folder / "raw", FORMAT)
    assert sorted(tracks(folder / "coco.json", "coco").values()) == sorted(tracks(folder / "raw", FORMAT).values())


# What is said.


@trigger
def a_class_above_124(folder):
    save_map(folder / "gt" / "a" / "00000001.png", [[1, 1]])
    save_map(folder / "pred" / "a" / "00000001.png", [[12500, 65535]])
    says(
        problems(gt=folder / "gt", pred=folder / "pred", format=FORMAT),
        """
        DIR/pred/a/00000001.png (image 'a/00000001'): pixels have the value 12500, 65535, whose class is above 124
          expected: 0 for void, a class from 1 to 124, or class * 100 + instance
          do: check that these are raw maps of VIPSeg
        """,
        folder=folder,
    )


@trigger
def a_void_of_255(folder):
    """It reads as object 55 of the ceiling."""
    save_map(folder / "gt" / "a" / "00000001.png", [[1, 255]], np.uint8)
    save_map(folder / "pred" / "a" / "00000001.png", [[1, 0]], np.uint8)
    says(
        problems(gt=folder / "gt", pred=folder / "pred", format=FORMAT),
        """
        DIR/gt/a/00000001.png (image 'a/00000001'): pixels have the value 255: objects of stuff; each makes a
              segment of its own
          expected: stuff as the class alone
          do: void is 0, not 255; a class has room for 100 objects, and more run into the next class
        """,
        folder=folder,
    )
    assert partition(folder / "gt", FORMAT)["a/00000001"] == ([[0, 1]], {0: (WALL, False), 1: (CEILING, False)})


@trigger
def maps_of_the_other_version(folder):
    save_map(folder / "gt" / "a" / "00000001.png", [[1]])
    save_rgb(folder / "pred" / "a" / "00000001.png", [[1]])
    says(
        problems(gt=folder / "gt", pred=folder / "pred", format=FORMAT),
        """
        DIR/pred/a/00000001.png (image 'a/00000001'): the PNG is 8-bit RGB
          expected: 16-bit grayscale or 8-bit grayscale or 8-bit palette
          do: the maps of the 720P version in RGB are read with the format vipseg
        """,
        folder=folder,
    )


@trigger
def no_video_folder(folder):
    save_map(folder / "00000001.png", [[1]])
    says(
        raised(pqeval.evaluate, gt=folder, pred=folder, format=FORMAT).errors[0],
        """
        DIR: there are no files of this format
          expected: files such as panomasks/0_wHRIZlF-mNs/00000001.png
          do: check the folder, and the format with `pqeval formats`
        """,
        folder=folder,
    )


@trigger
def a_split_without_list(folder):
    save_map(folder / "panomasks" / "a" / "00000001.png", [[1]])
    says(
        raised(pqeval.evaluate, gt=folder, pred=folder, format=FORMAT, gt_options={"split": "val"}),
        """
        there is no list of the videos of the split: DIR/val.txt
          expected: a text file with a video per line
          do: name the folder that has it, above panomasks
        """,
        folder=folder,
    )


@trigger
def a_list_that_is_no_text(folder):
    save_map(folder / "panomasks" / "a" / "00000001.png", [[1]])
    (folder / "val.txt").write_bytes(b"\xff\xfe\xfd")
    says(
        raised(pqeval.evaluate, gt=folder, pred=folder, format=FORMAT, gt_options={"split": "val"}),
        """
        DIR/val.txt: the list of videos is no UTF-8 text
          expected: a text file with a video per line
          do: write it again
        """,
        folder=folder,
    )
