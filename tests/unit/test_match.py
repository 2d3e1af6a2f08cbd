"""Outcomes of segments: vectors made by hand, and the whole evaluation beside its slow twin."""

from __future__ import annotations

import re

import naive
import numpy as np
import pytest
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st

import pqeval
from pqeval.ledger import Column, Outcome

CATEGORIES = [
    {"id": 1, "name": "cat", "isthing": 1},
    {"id": 2, "name": "dog", "isthing": 1},
    {"id": 30, "name": "sky", "isthing": 0},
]
BOTH = ["coco", "panopticapi"]


def side(drawing: str, **classes) -> tuple:
    """Read a drawing: a letter per pixel, a dot for void, spaces between rows.

    Capitals are crowds. A keyword gives the category of a letter, or its whole row.
    """
    pixels = [[0 if letter == "." else ord(letter) for letter in row] for row in drawing.split()]
    segments = []
    for letter, what in classes.items():
        row = {"id": ord(letter), "iscrowd": int(letter.isupper())}
        row["area"] = drawing.count(letter)
        segments.append({**row, **(what if isinstance(what, dict) else {"category_id": what})})
    return np.array(pixels), segments


def evaluate(gt: tuple, pred: tuple, **options) -> pqeval.Result:
    return pqeval.panoptic_quality(gt=gt, pred=pred, categories=CATEGORIES, **options)


def counts(result: pqeval.Result) -> dict[int, tuple]:
    """(tp, fp, fn, sum of IoU) of every category that occurs."""
    return {row.id: (row.tp, row.fp, row.fn, row.iou_sum) for row in result.per_class if row.tp + row.fp + row.fn}


def codes(result: pqeval.Result) -> dict[str, int]:
    """How many images each kind of warning concerns."""
    found = [re.match(r"\[(\S+)\] (\d+) image", warning) for warning in result.warnings]
    return {match[1]: int(match[2]) for match in found}


def outcomes(gt: tuple, pred: tuple, **options) -> list[tuple]:
    """(side, segment, outcome, partner) of every segment, with letters for ids."""
    metric = pqeval.PanopticQuality(CATEGORIES, **options)
    metric.update(gt=gt, pred=pred, image_id=1)
    (frame,) = metric.ledger.ordered()
    return [
        (
            "gt" if row[Column.SIDE] == 0 else "pred",
            chr(row[Column.SEGMENT]),
            Outcome(row[Column.OUTCOME]).name,
            chr(row[Column.PARTNER]) if row[Column.PARTNER] else None,
        )
        for row in frame.rows.tolist()
    ]


# IoU and its threshold.


@pytest.mark.parametrize("convention", BOTH)
@pytest.mark.parametrize(
    ("gt", "pred", "expected"),
    [
        ("aaaa", "xxxx", (1, 0, 0, 1.0)),
        ("aaaa", "xxx.", (1, 0, 0, 0.75)),
        ("aaa.", "xxxx", (1, 0, 0, 1.0)),  # pixels on void are not of the prediction
        ("aaaa", "xx..", (0, 1, 1, 0.0)),  # exactly one half
        ("aaaaa", "xxx..", (1, 0, 0, 0.6)),
        ("aa...", "x.xx.", (0, 0, 1, 0.0)),  # 1/2 after void is removed; 2 of 3 pixels on void excuse the rest
        ("aaa..", "xx.x.", (1, 0, 0, 2 / 3)),
        ("a...", "x...", (1, 0, 0, 1.0)),
    ],
)
def test_one_segment(gt: str, pred: str, expected: tuple, convention: str) -> None:
    assert counts(evaluate(side(gt, a=1), side(pred, x=1), convention=convention)) == {1: expected}


@pytest.mark.parametrize("convention", BOTH)
def test_the_category_must_agree(convention: str) -> None:
    gt, pred = side("aaaab", a=1, b=30), side("xxxxy", x=2, y=30)
    assert counts(evaluate(gt, pred, convention=convention)) == {
        1: (0, 0, 1, 0.0),
        2: (0, 1, 0, 0.0),
        30: (1, 0, 0, 1.0),
    }
    assert outcomes(gt, pred, convention=convention) == [
        ("gt", "a", "FN", "x"),
        ("gt", "b", "TP", "y"),
        ("pred", "x", "FP", "a"),
        ("pred", "y", "TP", "b"),
    ]


def test_one_match_each() -> None:
    gt = side("aaaaaabbbb", a=1, b=1)
    assert outcomes(gt, side("xxxxyyyyyy", x=1, y=1)) == [
        ("gt", "a", "TP", "x"),
        ("gt", "b", "TP", "y"),
        ("pred", "x", "TP", "a"),
        ("pred", "y", "TP", "b"),
    ]
    assert counts(evaluate(gt, side("xxxxyyyyyy", x=1, y=1))) == {1: (2, 0, 0, 4 / 6 + 4 / 6)}


def test_two_stuff_segments_of_a_class_stay_two() -> None:
    gt = side("aabb", a=30, b=30)
    assert counts(evaluate(gt, side("xxxx", x=30))) == {30: (0, 1, 2, 0.0)}
    assert counts(evaluate(gt, gt)) == {30: (2, 0, 0, 2.0)}


# Void.


@pytest.mark.parametrize("convention", BOTH)
@pytest.mark.parametrize(
    ("gt", "outcome"),
    [("..bb", "FP"), ("...b", "VOID_EXCUSED"), ("....", "VOID_EXCUSED"), (".bbb", "FP"), ("..b", "VOID_EXCUSED")],
)
def test_a_false_positive_on_void(gt: str, outcome: str, convention: str) -> None:
    classes = {"b": 30} if "b" in gt else {}
    found = outcomes(side(gt, **classes), side("x" * len(gt), x=1), convention=convention)
    assert found[-1][:3] == ("pred", "x", outcome)


def test_void_is_not_shared_out() -> None:
    # Two predictions, each on a part of void of its own.
    result = evaluate(side("...b...b", b=30), side("xxxbyyyb", x=1, y=1, b=30))
    assert counts(result) == {30: (1, 0, 0, 1.0)}
    assert result.void["fp_forgiven_by_void"] == 2


@pytest.mark.parametrize("unknown", ["error", "void", "fp"])
@pytest.mark.parametrize("convention", BOTH)
def test_unknown_never_excuses_a_miss(unknown: str, convention: str) -> None:
    result = evaluate(side("aaaa", a=1), side("...."), unknown=unknown, convention=convention)
    assert counts(result) == {1: (0, 0, 1, 0.0)}
    assert result.void["fn_unknown"] == 1
    assert result.void["unknown_pixels"] == 4


def test_predicted_void_stays_in_the_union() -> None:
    assert counts(evaluate(side("aaaaaa", a=1), side("xxxx..", x=1))) == {1: (1, 0, 0, 4 / 6)}


def test_an_image_of_void_counts_nothing() -> None:
    result = evaluate(side("...."), side("...."))
    assert (result.pq, result.sq, result.rq, result.groups["All"].n) == (None, None, None, 0)
    assert result.images == {"evaluated": 1, "missing": 0, "skipped": 0}


# Crowds.


@pytest.mark.parametrize("convention", BOTH)
@pytest.mark.parametrize(
    ("gt", "crowd", "outcome"),
    [
        ("CCCCb", 1, "CROWD_EXCUSED"),
        ("CCCCb", 2, "FP"),  # of another class
        ("CCbb", 1, "FP"),  # exactly half
        ("CCCCC", 1, "CROWD_EXCUSED"),
        ("..CCb", 1, "CROWD_EXCUSED"),  # 40 % void and 40 % crowd
        ("..CCb", 2, "FP"),
        (".Cbb", 1, "FP"),  # half, taken together
        ("...CCb", 1, "CROWD_EXCUSED"),  # half is void: void alone does not excuse
        ("...Cb", 1, "VOID_EXCUSED"),
        ("...Cb", 2, "VOID_EXCUSED"),
    ],
)
def test_a_false_positive_on_a_crowd(gt: str, crowd: int, outcome: str, convention: str) -> None:
    classes = {"C": crowd, **({"b": 30} if "b" in gt else {})}
    found = outcomes(side(gt, **classes), side("x" * len(gt), x=1), convention=convention)
    assert [row[2] for row in found if row[0] == "pred"] == [outcome]


@pytest.mark.parametrize("convention", BOTH)
def test_a_crowd_is_neither_found_nor_missed(convention: str) -> None:
    gt = side("CCCCbb", C=1, b=30)
    for pred in (side("....yy", y=30), side("xxxxyy", x=1, y=30)):
        result = evaluate(gt, pred, convention=convention)
        assert counts(result) == {30: (1, 0, 0, 1.0)}
        assert result.pq == 1.0


@pytest.mark.parametrize("convention", BOTH)
def test_crowd_pixels_stay_in_the_union(convention: str) -> None:
    gt = side("aaCC", a=1, C=1)
    assert counts(evaluate(gt, side("xxxx", x=1), convention=convention)) == {1: (0, 1, 1, 0.0)}
    assert counts(evaluate(gt, side("xxx.", x=1), convention=convention)) == {1: (1, 0, 0, 2 / 3)}


@pytest.mark.parametrize(("convention", "fp"), [("coco", 0), ("panopticapi", 1)])
def test_two_crowds_with_a_prediction_on_each(convention: str, fp: int) -> None:
    gt, pred = side("CCDDbb", C=1, D=1, b=30), side("xxyyzz", x=1, y=1, z=30)
    result = evaluate(gt, pred, convention=convention)
    assert counts(result).get(1) == ((0, 1, 0, 0.0) if fp else None)
    assert result.pq == 1 / (1 + fp)
    assert codes(result) == {"crowds-of-one-class": 1}


def test_of_two_crowds_the_one_listed_last_excuses() -> None:
    gt_map, segments = side("CCDDbb", C=1, D=1, b=30)
    pred = side("xxyyzz", x=1, y=1, z=30)
    for listed, excused in ((segments, "y"), (segments[::-1], "x")):
        found = outcomes((gt_map, listed), pred, convention="panopticapi")
        assert [letter for _, letter, outcome, _ in found if outcome == "CROWD_EXCUSED"] == [excused]


@pytest.mark.parametrize(("convention", "expected"), [("coco", {}), ("panopticapi", {1: (0, 1, 0, 0.0)})])
def test_two_crowds_with_40_percent_on_each(convention: str, expected: dict) -> None:
    result = evaluate(side("CCDDb", C=1, D=1, b=30), side("xxxxx", x=1), convention=convention)
    assert counts(result) == {**expected, 30: (0, 0, 1, 0.0)}
    assert codes(result) == {"crowds-of-one-class": 1}


def test_two_crowds_that_decide_nothing_need_no_warning() -> None:
    result = evaluate(side("CCDDbb", C=1, D=1, b=30), side("....zz", z=30))
    assert result.warnings == ()


def test_iscrowd_of_a_prediction_means_nothing() -> None:
    gt = side("aabb", a=1, b=30)
    assert counts(evaluate(gt, side("AABB", A=1, B=30))) == {1: (1, 0, 0, 1.0), 30: (1, 0, 0, 1.0)}


# Unknown categories.


def test_an_unknown_category_is_an_error() -> None:
    with pytest.raises(pqeval.DataError) as caught:
        evaluate(side("aaaa", a=1), side("uuuu", u=999))
    assert caught.value.code == "pred-category-unknown"


@pytest.mark.parametrize("convention", BOTH)
def test_unknown_as_void(convention: str) -> None:
    gt, pred = side("aaaab", a=1, b=30), side("uuuub", u=999, b=30)
    result = evaluate(gt, pred, unknown="void", convention=convention)
    assert counts(result) == {1: (0, 0, 1, 0.0), 30: (1, 0, 0, 1.0)}
    assert result.void["unknown_pixels"] == 4
    assert result.void["unknown_segments"] == 1
    assert result.void["fn_unknown"] == 1
    assert outcomes(gt, pred, unknown="void")[2] == ("pred", "b", "TP", "b")
    assert outcomes(gt, pred, unknown="void")[3] == ("pred", "u", "UNKNOWN", None)


@pytest.mark.parametrize("convention", BOTH)
@pytest.mark.parametrize(
    ("gt", "classes", "pays"),
    [
        ("aaab", {"a": 1, "b": 2}, 1),
        ("abbb", {"a": 1, "b": 2}, 2),
        ("aabb", {"a": 2, "b": 1}, 2),  # equal shares: the lowest id
        ("abbc", {"a": 1, "b": 30, "c": 1}, 30),  # a single segment counts, not the class
        ("CCCb", {"C": 2, "b": 1}, 1),  # crowds do not pay
        ("CCCb", {"C": 1, "b": 1}, None),  # but excuse
        ("...b", {"b": 1}, None),  # as void does
        ("..bb", {"b": 1}, 1),
        ("....", {}, None),
        ("CCCC", {"C": 1}, None),
    ],
)
def test_unknown_as_false_positive(gt: str, classes: dict, pays: int | None, convention: str) -> None:
    result = evaluate(side(gt, **classes), side("uuuu", u=999), unknown="fp", convention=convention)
    assert {row.id: row.fp for row in result.per_class if row.fp} == ({} if pays is None else {pays: 1})
    assert {row.id: row.fn for row in result.per_class if row.fn} == {
        category: list(classes.values()).count(category)
        - sum(letter.isupper() for letter, other in classes.items() if other == category)
        for letter, category in classes.items()
        if letter.islower()
    }


def test_unknown_as_false_positive_shows_whom_it_covers() -> None:
    assert outcomes(side("aaaa", a=1), side("uuuu", u=999), unknown="fp") == [
        ("gt", "a", "FN", "u"),
        ("pred", "u", "FP", "a"),
    ]


@pytest.mark.parametrize("unknown", ["error", "void", "fp"])
def test_categories_that_mean_unknown(unknown: str) -> None:
    gt, pred = side("aaab", a=1, b=30), side("uuub", u=255, b=30)
    result = evaluate(gt, pred, unknown=unknown, unknown_categories=[255])
    assert counts(result) == {1: (0, 0, 1, 0.0), 30: (1, 0, 0, 1.0)}
    assert result.void["unknown_pixels"] == 3


@pytest.mark.parametrize("convention", BOTH)
def test_a_prediction_partly_on_void_with_unknown_beside_it(convention: str) -> None:
    gt, pred = side("aaaa..", a=1), side("xxxuxu", x=1, u=999)
    assert counts(evaluate(gt, pred, unknown="void", convention=convention)) == {1: (1, 0, 0, 0.75)}


# Ground truth that disagrees with itself.


@pytest.mark.parametrize("convention", BOTH)
def test_a_listed_segment_without_pixels_is_missed(convention: str) -> None:
    result = evaluate(side("aaaa", a=1, g=1), side("xxxx", x=1), convention=convention)
    assert counts(result) == {1: (1, 0, 1, 1.0)}
    assert codes(result) == {"gt-id-without-pixels": 1}


@pytest.mark.parametrize("convention", BOTH)
def test_an_unlisted_id_is_neither_void_nor_segment(convention: str) -> None:
    gt = side("aauuuu", a=1)
    result = evaluate(gt, side("xx.yyy", x=1, y=1), convention=convention)
    assert counts(result) == {1: (1, 1, 0, 1.0)}
    assert codes(result) == {"gt-id-not-listed": 1}
    assert counts(evaluate(gt, side("xxx...", x=1), convention=convention)) == {1: (1, 0, 0, 2 / 3)}
    assert counts(evaluate(gt, side("xxxx..", x=1), convention=convention)) == {1: (0, 1, 1, 0.0)}


def test_a_ground_truth_category_that_the_table_lacks() -> None:
    gt, pred = side("aaaabb", a=999, b=30), side("xxxxbb", x=1, b=30)
    with pytest.raises(pqeval.DataError) as caught:
        evaluate(gt, pred)
    assert caught.value.code == "gt-category-unknown"
    result = evaluate(gt, pred, convention="panopticapi")
    assert counts(result) == {1: (0, 1, 0, 0.0), 30: (1, 0, 0, 1.0)}
    assert codes(result) == {"gt-category-unknown": 1}


SQUARE = np.full((20, 20), 5)
AS_IT_IS = (SQUARE, [{"id": 5, "category_id": 30}])


@pytest.mark.parametrize(
    ("area", "panopticapi"),
    [
        (400, (1, 0, 0, 1.0)),
        (40, (1, 0, 0, 10.0)),
        (4000, (0, 1, 1, 0.0)),
        (800, (0, 1, 1, 0.0)),
        (799, (1, 0, 0, 400 / 799)),
        (-4, (0, 1, 1, 0.0)),
        (2**70, (0, 1, 1, 0.0)),
        (-(2**70), (0, 1, 1, 0.0)),
    ],
)
def test_stated_areas(area: int, panopticapi: tuple) -> None:
    gt = (SQUARE, [{"id": 5, "category_id": 30, "area": area}])
    result = evaluate(gt, AS_IT_IS)
    assert counts(result) == {30: (1, 0, 0, 1.0)}
    assert codes(result) == ({} if area == 400 else {"gt-area": 1})
    result = evaluate(gt, AS_IT_IS, convention="panopticapi")
    assert counts(result) == {30: panopticapi}
    assert codes(result) == ({} if area == 400 else {"gt-area": 1})


def test_an_area_that_makes_the_union_vanish() -> None:
    gt = (SQUARE, [{"id": 5, "category_id": 30, "area": 0}])
    assert evaluate(gt, AS_IT_IS).pq == 1.0
    with pytest.raises(pqeval.DataError) as caught:
        evaluate(gt, AS_IT_IS, convention="panopticapi")
    assert caught.value.code == "area-undefined"
    other = (SQUARE, [{"id": 5, "category_id": 1}])  # of another class: nobody divides
    assert counts(evaluate(gt, other, convention="panopticapi")) == {30: (0, 0, 1, 0.0), 1: (0, 1, 0, 0.0)}


@pytest.mark.parametrize(("row", "warned"), [({}, {}), ({"area": 4.5}, {"area-not-integer": 1})])
@pytest.mark.parametrize("convention", BOTH)
def test_an_area_that_is_lacking(row: dict, warned: dict, convention: str) -> None:
    result = evaluate((SQUARE, [{"id": 5, "category_id": 30, **row}]), AS_IT_IS, convention=convention)
    assert counts(result) == {30: (1, 0, 0, 1.0)}
    assert codes(result) == warned


def test_a_gt_segment_that_matches_three_times() -> None:
    gt = side("aaaaaabb", a={"category_id": 1, "area": 1}, b=1)
    pred = side("xxyyzzwb", x=1, y=1, z=1, w=1, b=1)
    assert counts(evaluate(gt, pred)) == {1: (0, 5, 2, 0.0)}
    assert counts(evaluate(gt, pred, convention="panopticapi")) == {1: (3, 2, 1, 6.0)}
    found = outcomes(gt, pred, convention="panopticapi")
    assert [row for row in found if row[0] == "gt"] == [
        ("gt", "a", "TP", "x"),
        ("gt", "a", "TP", "y"),
        ("gt", "a", "TP", "z"),
        ("gt", "b", "FN", None),
    ]


def test_a_repeated_stuff_id() -> None:
    rows = [{"id": 5, "category_id": 30, "area": 380}, {"id": 5, "category_id": 30, "area": 20}]
    result = evaluate((SQUARE, rows), AS_IT_IS)
    assert counts(result) == {30: (1, 0, 0, 1.0)}
    assert codes(result) == {"segment-repeated": 1}
    result = evaluate((SQUARE, rows), AS_IT_IS, convention="panopticapi")
    assert counts(result) == {30: (1, 0, 0, 20.0)}
    assert codes(result) == {"segment-repeated": 1, "gt-area": 1}


def test_a_repeated_id_of_two_categories() -> None:
    rows = [{"id": 5, "category_id": 1, "area": 400}, {"id": 5, "category_id": 30, "area": 400}]
    with pytest.raises(pqeval.DataError) as caught:
        evaluate((SQUARE, rows), AS_IT_IS)
    assert "segment-conflict" in str([error.code for error in getattr(caught.value, "errors", [caught.value])])
    assert counts(evaluate((SQUARE, rows), AS_IT_IS, convention="panopticapi")) == {30: (1, 0, 0, 1.0)}


def test_nothing_of_a_kind() -> None:
    result = evaluate(side("aaaa", a=1), side("aaaa", a=1))
    assert (result.groups["Things"].pq, result.groups["Things"].n) == (1.0, 1)
    assert (result.groups["Stuff"].pq, result.groups["Stuff"].sq, result.groups["Stuff"].n) == (None, None, 0)
    assert (result.per_class[2].pq, result.per_class[2].iou_sum) == (None, 0.0)


# The whole evaluation, beside its slow twin.


def score(dataset: dict, **options) -> pqeval.Result:
    metric = pqeval.PanopticQuality(dataset["categories"], **options)
    for image in dataset["images"]:
        sides = {side: (np.array(image[side]["map"]), image[side]["segments"]) for side in ("gt", "pred")}
        metric.update(**sides, image_id=image["image_id"])
    return metric.compute()


def same_as_twin(dataset: dict, **options) -> None:
    """Compare with the twin: what is refused, counts, sums to the last bit, scores, warnings, forgiveness."""
    try:
        expected = naive.panoptic_quality(dataset, **options)
    except naive.Refused:
        with pytest.raises(pqeval.DataError):
            score(dataset, **options)
        return
    result = score(dataset, **options)
    for row, twin in zip(result.per_class, expected["per_class"], strict=True):
        assert {key: getattr(row, key) for key in twin} == twin
    for name, twin in expected["groups"].items():
        assert {key: getattr(result.groups[name], key) for key in twin} == twin
    # Misaligned categories are a matter of another test.
    found = [warning for warning in result.warnings if not warning.startswith("[categories-misaligned]")]
    found = dict(re.match(r"\[(\S+)\] (\d+) image", warning).groups() for warning in found)
    assert found == {reason: str(len(images)) for reason, images in expected["notes"].items()}
    assert result.void["fp_forgiven_by_void"] == expected["excused"]["void"]
    assert result.void["fp_forgiven_by_crowd"] == expected["excused"]["crowd"]


@given(strategies.datasets(largest=strategies.MAX_ID, foreign=True), st.sampled_from(["error", "void", "fp"]))
def test_well_formed_data(dataset: dict, unknown: str) -> None:
    same_as_twin(dataset, unknown=unknown)


@given(strategies.datasets(well_formed=False, foreign=True), st.sampled_from(["void", "fp"]))
def test_ill_formed_data(dataset: dict, unknown: str) -> None:
    same_as_twin(dataset, unknown=unknown)


@given(strategies.datasets(well_formed=False, conflicts=True))
def test_data_with_conflicts(dataset: dict) -> None:
    same_as_twin(dataset)


@settings(max_examples=150)
@given(
    strategies.datasets(well_formed=False, conflicts=True, foreign=True, most_images=1),
    st.sampled_from(["void", "fp"]),
)
def test_ill_formed_data_under_panopticapi(dataset: dict, unknown: str) -> None:
    # One image: arrays have no place in a file, and so no file order.
    same_as_twin(dataset, convention="panopticapi", unknown=unknown)
