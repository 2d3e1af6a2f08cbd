"""What conventions do to whole segments before anything is counted, and the strata of images."""

from __future__ import annotations

import numpy as np
import pytest
from datasets import TABLE, says
from triggers import Triggers, name_of

import pqeval
from pqeval.categories import Categories
from pqeval.errors import PqevalError
from pqeval.labelmap import LabelMap
from pqeval.preparing import prepare
from pqeval.rows import Row
from pqeval.void import convention

trigger = Triggers()

CLASSES = TABLE  # 1 and 2 are things, 3 is stuff
FOUND = (1, 0, 0)


def drawn(drawing: str, **classes: int) -> tuple:
    """A map with a letter per segment and a dot for void, fifty times as wide; capitals are crowds."""
    pixels = np.array([[0 if letter == "." else ord(letter) for letter in drawing]]).repeat(50, axis=1)
    segments = [
        {"id": ord(letter), "category_id": category, "iscrowd": int(letter.isupper())}
        for letter, category in classes.items()
    ]
    return pixels, segments


def score(gt: tuple, pred: tuple, name: str) -> pqeval.Result:
    return pqeval.panoptic_quality(gt=gt, pred=pred, categories=CLASSES, convention=name)


def counts(result: pqeval.Result, place: int = 0) -> tuple[int, int, int]:
    row = result.per_class[place]
    return row.tp, row.fp, row.fn


# A hundred predictions.


def crowded_image(reverse: bool = False) -> tuple[tuple, tuple]:
    """A gt segment per pixel, 102 in all, found pixel by pixel; ids ascend from the left, or from the right."""
    gt = np.arange(1, 103)[np.newaxis]
    segments = [{"id": number, "category_id": 1} for number in range(1, 103)]
    ids = gt[:, ::-1] if reverse else gt
    return (gt, segments), (ids * 7, [{"id": 7 * number, "category_id": 1} for number in range(102, 0, -1)])


@pytest.mark.parametrize("reverse", [False, True])
def test_bdd100k_looks_at_a_hundred_predictions(reverse: bool) -> None:
    gt, pred = crowded_image(reverse)
    result = score(gt, pred, "bdd100k")
    assert counts(result) == (100, 0, 2)
    assert [warning.partition(";")[0] for warning in result.warnings] == [
        "[pred-too-many] 1 image, first image 0: 102 predicted segments"
    ]
    assert counts(score(gt, pred, "coco")) == (102, 0, 0)
    metric = pqeval.PanopticQuality(CLASSES, convention="bdd100k")
    metric.update(gt=gt, pred=pred, image_id=1)
    (frame,) = metric.ledger.ordered()
    lost = {1, 2} if reverse else {101, 102}
    assert {row[1] for row in frame.rows.tolist() if row[0] == 0 and row[3] == 2} == lost


def test_bdd100k_is_content_with_a_hundred_predictions() -> None:
    gt, (pred, segments) = crowded_image()
    result = score((gt[0][:, :100], gt[1][:100]), (pred[:, :100], segments[2:]), "bdd100k")
    assert (counts(result), result.warnings) == ((100, 0, 0), ())


@trigger
def too_many_predictions(folder) -> None:
    (ids, segments) = crowded_image()[1]
    rows = [Row(row["id"], row["category_id"]) for row in segments]
    problems: list[PqevalError] = []
    side = LabelMap.from_array(ids), rows
    prepare(side, convention("bdd100k"), Categories.of(TABLE), truth=False, problems=problems)
    says(
        problems,
        """
        102 predicted segments; those with ids above 700 take no part
          expected: at most 100 segments
          do: give the segments that matter most the lowest ids, or predict fewer
        """,
    )


# Crowds as void, and stuff as one segment.


def test_torchmetrics_merges_stuff_on_both_sides() -> None:
    result = score(drawn("aabb", a=3, b=3), drawn("xyyx", x=3, y=3), "torchmetrics")
    assert (counts(result, 2), result.per_class[2].pq) == (FOUND, 1.0)


def test_torchmetrics_adds_the_areas_of_what_it_merges() -> None:
    for areas, warned in (((100, 100), []), ((100, 99), ["[gt-area"]), ((100, None), [])):
        gt = drawn("aabb", a=3, b=3)
        for row, area in zip(gt[1], areas, strict=True):
            row |= {} if area is None else {"area": area}
        result = score(gt, drawn("xxxx", x=3), "torchmetrics")
        assert [warning.partition("]")[0] for warning in result.warnings] == warned


def test_what_has_no_pixel_is_not_merged() -> None:
    gt, pred = drawn("aabb", a=3, b=3), drawn("xxxx", x=3)
    pred[1].append({"id": 5, "category_id": 3})
    with pytest.raises(pqeval.DataError) as caught:
        score(gt, pred, "torchmetrics")
    assert (caught.value.code, caught.value.segment_id) == ("pred-id-without-pixels", 5)
    gt[1].append({"id": 5, "category_id": 3})
    result = score(gt, drawn("xxxx", x=3), "torchmetrics")
    assert counts(result, 2) == (1, 0, 1)
    assert [warning.partition("]")[0] for warning in result.warnings] == ["[gt-id-without-pixels"]


def test_torchmetrics_takes_foreign_ground_truth_for_void() -> None:
    gt, pred = drawn("aaub", a=1, u=999, b=2), drawn("xxxb", x=1, b=2)
    result = score(gt, pred, "torchmetrics")
    assert (counts(result), counts(result, 1), result.pq) == (FOUND, FOUND, 1.0)
    with pytest.raises(pqeval.DataError) as caught:
        score(gt, pred, "coco")
    assert caught.value.code == "gt-category-unknown"


# Strata.


@pytest.mark.parametrize(
    ("stratum", "expected"),
    [
        (None, [None, None]),
        ("lung", ["lung", "lung"]),
        (["lung", "skin"], ["lung", "skin"]),
        (("lung", "skin"), ["lung", "skin"]),
        (np.array(["lung", "skin"]), ["lung", "skin"]),
        (np.str_("lung"), ["lung", "lung"]),
        (7, ["7", "7"]),
    ],
    ids=repr,
)
def test_strata_of_a_batch(stratum, expected) -> None:
    batch = np.ones((2, 1, 4, 2), int)
    metric = pqeval.PanopticQuality(CLASSES, convention="pannuke")
    metric.update(gt=batch, pred=batch, image_id=[1, 2], stratum=stratum)
    assert [frame.stratum for frame in metric.ledger.ordered()] == expected
    result = pqeval.panoptic_quality(
        gt=batch, pred=batch, categories=CLASSES, convention="pannuke", stratum=stratum
    )
    assert result.groups == metric.compute().groups


def test_an_image_is_in_one_stratum() -> None:
    batch = np.ones((1, 4, 2), int)
    metric = pqeval.PanopticQuality(CLASSES, convention="pannuke")
    metric.update(gt=batch, pred=batch, image_id=1, stratum="lung")
    metric.update(gt=batch, pred=batch, image_id=1, stratum="lung")
    with pytest.raises(pqeval.DataError) as caught:
        metric.update(gt=batch, pred=batch, image_id=1, stratum="skin")
    assert caught.value.code == "merge-conflict"


@trigger
def too_few_strata(folder) -> None:
    for images, strata, told in ((2, ["lung"], "1 strata for 2 images"), (1, ["a", "b"], "2 strata for 1 image")):
        batch = np.ones((images, 1, 4, 2), int)
        with pytest.raises(pqeval.DataError) as caught:
            pqeval.panoptic_quality(gt=batch, pred=batch, categories=CLASSES, stratum=strata)
        says(
            caught.value,
            f"""
            {told}
              expected: one for each image, or one for all
              do: pass stratum as a list with one name per image of the batch
            """,
        )


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path) -> None:
    function(tmp_path)
