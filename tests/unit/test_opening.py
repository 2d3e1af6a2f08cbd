"""What the user says about inputs: options, sizes, and what a result remembers of it."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from click.testing import CliRunner
from datasets import image, save, says
from pair_maps import save_step
from triggers import Triggers, name_of

import pqeval
from pqeval import cli, opening
from pqeval.cli.options import parse_options
from pqeval.errors import DataError, PqevalError, ShapeError
from pqeval.inputs import Inputs
from pqeval.source import Request

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def raised(function, *arguments, **options):
    with pytest.raises(PqevalError) as caught:
        function(*arguments, **options)
    return caught.value


def two(folder, truth, guess):
    """Write a dataset of one image and return both paths; 1 is a cat, 2 the sky."""
    ids = {1: 1, 2: 3}
    sides = {}
    for role, rows in (("gt", truth), ("pred", guess)):
        present = {number for row in rows for number in row}
        listed = {number: ids[number] for number in ids if number in present}
        sides[role] = save(folder / f"{role}.json", [image(1, rows, listed)])
    return sides


# Another size

TRUTH = [[1, 1, 1, 2], [1, 1, 1, 2], [1, 1, 1, 2], [2, 2, 2, 2]]
HALF = [[1, 2], [1, 2]]
# Enlarged to 4 x 4: of cats 8 pixels, 6 right, union 9 + 8 - 6; of sky 8, 5 right, union 7 + 8 - 5: one half.


def scored(result):
    """The rows of the classes that occur."""
    return [row for row in result.per_class if row.tp + row.fp + row.fn]


def test_predictions_of_another_size_are_refused(tmp_path):
    with pytest.raises(ShapeError, match="2 x 2"):
        pqeval.evaluate(**two(tmp_path, TRUTH, HALF))


def test_predictions_take_the_size_of_the_truth_where_the_user_says_so(tmp_path):
    sides = two(tmp_path, TRUTH, HALF)
    result = pqeval.evaluate(**sides, resize="nearest")
    assert [(row.name, row.pq) for row in scored(result)] == [("cat", 6 / 11), ("sky", 0.0)]
    assert result.inputs["resize"] == "nearest"
    assert pqeval.validate(**sides, resize="nearest").problems == ()
    assert [problem.code for problem in pqeval.validate(**sides).errors] == ["shape"]


def test_larger_predictions_take_the_pixels_at_the_centres(tmp_path):
    # Of each block of 3 x 3 the middle counts; all around it is wrong.
    small = [[1, 2], [2, 1]]
    large = [[3 - small[y // 3][x // 3] for x in range(6)] for y in range(6)]
    for y in range(2):
        for x in range(2):
            large[3 * y + 1][3 * x + 1] = small[y][x]
    result = pqeval.evaluate(**two(tmp_path, small, large), resize="nearest")
    assert result.pq == 1.0


def test_the_ground_truth_is_never_resized(tmp_path):
    sides = two(tmp_path, HALF, TRUTH)
    cat, sky = scored(pqeval.evaluate(**sides, resize="nearest"))
    # At the centres stand (1, 2) and (2, 2): cat, 1 pixel of 2, one half; sky, 3 pixels, 2 of them right.
    assert (cat.tp, cat.fp, cat.fn) == (0, 1, 1)
    assert (sky.tp, sky.fp, sky.fn, sky.sq) == (1, 0, 0, 2 / 3)


def test_segments_that_vanish_are_told_as_such(tmp_path):
    large = [[2, 2, 2], [2, 2, 2], [1, 2, 2]]
    with pytest.raises(DataError) as caught:
        pqeval.evaluate(**two(tmp_path, [[2]], large), resize="nearest")
    assert caught.value.code == "pred-id-without-pixels"


def test_clouds_of_points_cannot_be_resized(tmp_path):
    """Their labels have no places: which point of the truth one belongs to cannot be known."""
    for role, kind, points in (("gt", "labels", 60), ("pred", "predictions", 120)):
        folder = tmp_path / role / "sequences" / "08" / kind
        folder.mkdir(parents=True)
        np.full(points, 1 << 16 | 10, "<u4").tofile(folder / "000000.label")
    found = pqeval.validate(gt=tmp_path / "gt", pred=tmp_path / "pred", format="semantickitti", resize="nearest")
    assert [(problem.code, problem.found) for problem in found.errors] == [
        ("shape", "the prediction is a cloud of 120 points, the ground truth is a cloud of 60 points")
    ]


def test_equal_sizes_score_as_without(tmp_path):
    sides = two(tmp_path, TRUTH, TRUTH)
    assert pqeval.evaluate(**sides, resize="nearest").per_class == pqeval.evaluate(**sides).per_class


def test_the_command_resizes_too(tmp_path):
    sides = two(tmp_path, TRUTH, HALF)
    options = ["evaluate", "--gt", str(sides["gt"]), "--pred", str(sides["pred"]), "--json", "-", "--quiet"]
    done = CliRunner().invoke(cli.cli, [*options, "--resize", "nearest"])
    assert json.loads(done.stdout)["inputs"]["resize"] == "nearest"
    assert json.loads(done.stdout)["per_class"][0]["pq"] == 6 / 11


@trigger
def way_to_resize_that_does_not_exist(folder):
    says(
        raised(pqeval.evaluate, gt="a.json", pred="b.json", resize="bilinear"),
        """
        no way to resize is called 'bilinear'
          expected: nearest, or nothing
          do: leave it out to be told about predictions of another size
        """,
    )


# Options of formats


@pytest.fixture
def maps(tmp_path):
    """STEP maps in which a thing has no instance: pedestrians, instance 0."""
    save_step(tmp_path / "maps" / "0000" / "000000.png", np.array([[11, 0]]))
    return tmp_path / "maps"


def test_options_are_of_one_side(maps):
    sides = {"gt": maps, "pred": maps, "format": "kitti_step"}
    plain = pqeval.evaluate(**sides)
    assert [row.name for row in scored(plain)] == ["road"]  # the crowd excuses what it is matched with
    told = pqeval.evaluate(**sides, gt_options={"instance0": "object"}, pred_options={"instance0": "object"})
    assert [row.name for row in scored(told)] == ["road", "person"]
    assert (told.inputs["gt_options"], told.inputs["pred_options"]) == ({"instance0": "object"},) * 2
    assert not {"gt_options", "pred_options"} & set(plain.inputs)


def test_the_command_takes_options(maps):
    options = [
        "evaluate",
        "--gt",
        str(maps),
        "--pred",
        str(maps),
        "--format",
        "kitti_step",
        "--quiet",
        "--json",
        "-",
    ]
    for role in ("gt", "pred"):
        options += [f"--{role}-option", "instance0=object"]
    done = CliRunner().invoke(cli.cli, options)
    assert json.loads(done.stdout)["inputs"]["gt_options"] == {"instance0": "object"}


@trigger
def option_that_the_format_does_not_have(folder):
    save_step(folder / "maps" / "0000" / "000000.png", np.array([[11, 0]]))
    coco = save(folder / "gt.json", [image(1, [[1, 1]], {1: 1})])
    says(
        [
            raised(pqeval.evaluate, gt=coco, pred=coco, pred_options={"scale": "2", "colour": "red"}),
            raised(
                pqeval.evaluate,
                gt=folder / "maps",
                pred=folder / "maps",
                format="kitti_step",
                gt_options={"instances": "crowd"},
            ),
        ],
        """
        the format coco has no option 'colour'
          expected: no options for this format
          do: see `pqeval formats coco`
        the format kitti_step has no option 'instances'
          expected: one of: instance0
          do: see `pqeval formats kitti_step`
        """,
        folder=folder,
    )


@trigger
def option_with_a_word_that_it_does_not_know(folder):
    request = Request("gt", options={"instance0": "Crowd"})
    assert Request("gt").choice("instance0", ("crowd", "void")) == "crowd"
    says(
        raised(request.choice, "instance0", ("crowd", "void")),
        """
        gt option instance0 is 'Crowd'
          expected: one of: crowd, void
          do: see `pqeval formats NAME`
        """,
    )


@trigger
def option_that_is_no_number(folder):
    assert Request("pred", options={"divisor": "256"}).number("divisor", 1000) == 256
    assert Request("pred").number("divisor", 1000) == 1000
    found = [
        raised(Request("pred", options={"divisor": text}).number, "divisor", 1000) for text in ("-1", "ten", "")
    ]
    says(
        found,
        """
        pred option divisor is '-1'
          expected: a number, 0 or more
          do: see `pqeval formats NAME`
        pred option divisor is 'ten'
          expected: a number, 0 or more
          do: see `pqeval formats NAME`
        pred option divisor is ''
          expected: a number, 0 or more
          do: see `pqeval formats NAME`
        """,
    )


@trigger
def option_without_a_value(folder):
    assert parse_options(["a=1", "b=", "c=x=y"], "gt-option") == {"a": "1", "b": "", "c": "x=y"}
    says(
        [raised(parse_options, texts, "gt-option") for texts in (["a"], ["=1"], ["a=1", "a=2"])],
        """
        --gt-option a
          expected: NAME=VALUE, every name once
          do: see `pqeval formats NAME`
        --gt-option =1
          expected: NAME=VALUE, every name once
          do: see `pqeval formats NAME`
        --gt-option a=2, which was given before
          expected: NAME=VALUE, every name once
          do: see `pqeval formats NAME`
        """,
    )


# What a result remembers


def test_a_result_remembers_what_was_said_and_nothing_else(tmp_path):
    path = save(tmp_path / "gt.json", [image(1, [[1, 1]], {1: 1})])
    result = pqeval.evaluate(gt=path, pred=str(path))
    assert result.inputs == {
        "gt_format": "coco",
        "gt": str(path),
        "gt_folder": None,
        "pred_format": "coco",
        "pred": str(path),
        "pred_folder": None,
        "missing": "error",
        "unknown": "error",
        "unknown_categories": [],
        "groups": {},
    }
    (tmp_path / "list.txt").write_text("1")
    more = pqeval.evaluate(
        gt=path,
        pred=path,
        pred_folder=tmp_path / "gt",
        images=tmp_path / "list.txt",
        categories="coco",
        missing="skip",
        resize="nearest",
    )
    assert more.inputs == result.inputs | {
        "pred_folder": str(tmp_path / "gt"),
        "images": str(tmp_path / "list.txt"),
        "categories": "coco",
        "missing": "skip",
        "resize": "nearest",
    }
    assert json.loads(more.to_json())["inputs"] == more.inputs


@trigger
def inputs_as_plain_values(folder):
    listed = Inputs(folder / "gt", "pred", images=[1], categories=({"id": 1} for _ in range(1)))
    assert listed.told()["gt"] == str(folder / "gt")
    assert listed.told()["images"] == listed.told()["categories"] == "given in Python"
    named = Inputs("gt", "pred", images=folder / "list.txt", categories="coco")
    assert (named.told()["images"], named.told()["categories"]) == (str(folder / "list.txt"), "coco")


def test_the_convention_is_that_of_the_format_of_the_truth(tmp_path):
    path = save(tmp_path / "gt.json", [image(1, [[1, 1]], {1: 1})])
    assert pqeval.evaluate(gt=path, pred=path).convention == "coco"
    assert pqeval.evaluate(gt=path, pred=path, convention="panopticapi").convention == "panopticapi"


def test_every_side_is_located_and_listed_once(tmp_path, monkeypatch):
    """What lies behind a URL or in an archive would be fetched or unpacked again each time."""
    save_step(tmp_path / "maps" / "0000" / "000000.png", np.zeros((1, 1), int))
    located, walked = [], []
    locate, walk = opening.locate, os.walk
    monkeypatch.setattr(opening, "locate", lambda path: located.append(path) or locate(path))
    monkeypatch.setattr(os, "walk", lambda top, **options: walked.append(top) or walk(top, **options))
    both = {"gt": tmp_path / "maps", "pred": tmp_path / "maps"}
    assert pqeval.evaluate(**both, gt_format="kitti_step").pq == 1.0  # predictions are looked at, then read
    assert (len(located), len(walked)) == (2, 2)
    assert pqeval.convert(tmp_path / "maps", tmp_path / "gt.json", format="kitti_step") == 1
    assert len(walked) == 3
