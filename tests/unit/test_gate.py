"""The gate: expectations are compared exactly, and nothing that is not there ever holds."""

from __future__ import annotations

import math
from decimal import Decimal

import gate_data
import msgspec
import naive_gate
import numpy as np
import pytest
from gate_data import made_up
from hypothesis import example, given
from hypothesis import strategies as st

import pqeval
from pqeval.gate.asserting import Scored
from pqeval.gate.baselines import Limits
from pqeval.gate.changes import class_changes, image_changes
from pqeval.gate.drops import judge_drops
from pqeval.gate.expectations import expect, expected, half_unit
from pqeval.gate.judging import judge, written
from pqeval.gate.naming import find
from pqeval.gate.nearness import near
from pqeval.gate.subjects import Subject
from pqeval.gate.verdicts import Check, Entry, Trouble, Verdict

SCORES = st.one_of(
    st.floats(0, 1, allow_nan=False),
    st.integers(0, 100_000).map(lambda number: number / 100_000),  # such as 0.51850: half a unit away
)


def outcome(score, text, tolerance=None) -> Verdict:
    return judge(expect("cat.PQ", text, tolerance), made_up((score, None, None)))


@pytest.mark.parametrize(
    ("text", "half"),
    [("51.9", "0.05"), ("51.90", "0.005"), ("52", "0.5"), ("52.", "0.5"), ("0.5", "0.05"), (".25", "0.005")],
)
def test_the_tolerance_is_half_a_unit_in_the_last_digit_as_written(text, half):
    assert expect("PQ", text).tolerance == Decimal(half)
    assert half_unit(Decimal("5e1")) == Decimal("0.5")


@given(SCORES, st.integers(0, 99_999), st.integers(0, 4), st.none() | st.sampled_from(["0", "0.05", "0.25", "3"]))
@example(0.5185, 519, 1, None)
@example(0.5185, 518, 1, None)
@example(5e-324, 0, 0, "0")
def test_verdicts_equal_those_of_the_slow_twin(score, number, digits, tolerance):
    text = f"{number / 10**digits:.{digits}f}"
    verdict = outcome(score, text, tolerance)
    assert verdict.passed == naive_gate.holds(score, text, tolerance)
    assert naive_gate.number(verdict.found) == 100 * naive_gate.number(repr(score))
    assert naive_gate.number(verdict.difference) == naive_gate.number(verdict.found) - naive_gate.number(text)
    if not verdict.passed:
        assert verdict.outcome == ("moved-up" if naive_gate.number(verdict.difference) > 0 else "moved-down")


@given(SCORES | SCORES.map(lambda score: math.nextafter(score, 1.0)), st.integers(0, 6))
@example(0.11499999999999999, 0)  # 100 times this is 11.5, which is shown as 12
@example(0.20500000000000002, 0)  # and this is shown as 20
def test_what_was_copied_from_a_table_holds(score, digits):
    assert outcome(score, f"{100 * score:.{digits}f}").passed


@given(SCORES, SCORES, st.sampled_from(["0", "0.3", "0.05", "2", "50"]))
@example(0.5, 0.503, "0.3")
def test_drops_equal_those_of_the_slow_twin(score, before, limit):
    now, base = made_up((score, None, None)), made_up((before, None, None))
    (verdict,) = judge_drops(now, base, Limits(classes=Decimal(limit)))
    assert verdict.passed == naive_gate.drop_holds(score, before, limit)
    assert (verdict.outcome == "improved") == (score > before)


def test_the_tolerance_is_inclusive():
    assert [outcome(0.5185, text).passed for text in ("51.8", "51.9", "51.7")] == [True, True, False]
    assert [outcome(0.503, "50.0", text).passed for text in ("0.3", "0.29999")] == [True, False]


def test_a_score_that_is_not_available_never_holds():
    assert outcome(None, "0").outcome == "not-available"
    verdict = judge(expect("cat.PQ", 50, 1000), made_up((None, 0.5, 0.5)))
    assert (verdict.passed, verdict.found, verdict.score) == (False, None, None)


def test_counts_are_exact_unless_a_tolerance_is_given():
    result = made_up()
    assert judge(expect("cat.TP", 4), result).passed
    assert judge(expect("cat.TP", "5"), result).outcome == "moved-down"
    assert judge(expect("cat.FP", 2), result).outcome == "moved-up"
    assert judge(expect("1.FN", 3, 1), result).passed
    assert judge(expect("cat.TP", 4), result).score == 4


def test_names():
    result = made_up(inputs={"groups": {"Pets": [1]}})
    result = msgspec.structs.replace(result, groups=result.groups | {"Pets": result.groups["Things"]})
    assert find("PQ", result).value == find("All.PQ", result).value == result.pq
    assert find("SQ", result).value == result.sq
    assert find("Things.RQ", result).value == result.groups["Things"].rq
    assert find("cat.PQ", result).value == find("1.PQ", result).value == 0.5
    assert [row.id for row in find("Things.PQ", result).members] == [1, 2]
    assert [row.id for row in find("Pets.PQ", result).members] == [1]
    assert [row.id for row in find("PQ", result).members] == [1, 2, 7]
    assert find("7.TP", result).value == 4


def test_a_class_may_have_dots_and_equals_signs_in_its_name():
    result = made_up(classes=((1, "traffic.light=red", True), (2, "dog", True), (7, "sky", False)))
    (made,) = expected(["traffic.light=red.PQ=50.0"])
    assert (made.name, judge(made, result).passed) == ("traffic.light=red.PQ", True)


def test_a_group_goes_before_a_class_of_its_name_and_the_verdict_says_so():
    result = made_up(classes=((1, "Things", True), (2, "dog", True), (7, "All", False)))
    verdict = judge(expect("Things.PQ", "37.5"), result)
    assert (verdict.passed, verdict.note) == (True, "Things is the group; the class of that name is 1.PQ")
    assert judge(expect("Things.TP", 4), result).passed  # only a class has counts
    assert judge(expect("PQ", "50.0"), result).note == ""
    assert judge(expect("1.PQ", "50.0"), result).passed


def test_a_fraction_in_the_place_of_points_is_pointed_out():
    assert outcome(0.519, "0.519").note == "expectations are in points: write 51.9, not 0.519"
    assert outcome(0.519, "0.719").note == ""
    assert outcome(0.00519, "0.519").note == ""


@pytest.mark.parametrize(
    ("value", "digits"),
    [(np.int64(37), "37"), (np.uint8(7), "7"), (np.float32(86.8), "86.8"), (np.float64(0.1), "0.1")],
)
def test_numpy_numbers_keep_the_digits_that_numpy_writes(value, digits):
    assert str(expect("PQ", value).value) == digits


def test_python_numbers_keep_the_digits_that_python_writes():
    made = expected({"PQ": 51.9, "SQ": "51.90", "RQ": 52, "Things.PQ": Decimal("1.000"), "cat.TP": np.float64(3)})
    assert [each.tolerance for each in made] == [Decimal(t) for t in ("0.05", "0.005", "0.5", "0.0005", "0")]


@pytest.mark.parametrize(("text", "plain"), [("1.500", "1.5"), ("-0.0", "0"), ("100", "100"), ("0E-9", "0")])
def test_numbers_are_written_in_full(text, plain):
    assert written(Decimal(text)) == plain


def test_near_names():
    assert near("Persn", ["person", "cat"]) == "perhaps person"
    assert near("xyz", ["person", "cat"]) == "one of: person, cat"
    assert near("xyz", [f"class {number}" for number in range(99)], "a class") == "a class"


def test_drops_of_groups_and_classes():
    now, base = made_up((0.5, None, 0.75)), made_up((0.5, 0.25, None))
    verdicts = judge_drops(now, base, Limits(Decimal(1), Decimal(1)))
    assert [(verdict.name, verdict.kind, verdict.outcome) for verdict in verdicts] == [
        ("PQ", "baseline", "improved"),
        ("Things.PQ", "baseline", "improved"),
        ("Stuff.PQ", "baseline", "improved"),
        ("cat.PQ", "class", "holds"),
        ("dog.PQ", "class", "not-available"),  # it vanished
        ("sky.PQ", "class", "improved"),
    ]
    assert verdicts[4].note == "it had a score in the baseline"
    assert verdicts[5].note == "it had none in the baseline"
    # Without ground truth a class can only be made up: nothing is not better than nothing at all.
    made_one_up = judge_drops(made_up((0.5, 0.0, None)), made_up((0.5, None, None)), Limits(classes=Decimal(99)))
    assert [(verdict.name, verdict.outcome, verdict.found) for verdict in made_one_up] == [
        ("cat.PQ", "holds", "50"),
        ("dog.PQ", "moved-down", "0"),
    ]
    assert judge_drops(now, base, Limits()) == ()
    assert judge_drops(made_up((None,) * 3), made_up((None,) * 3), Limits(Decimal(0), Decimal(0))) == ()


def test_classes_of_one_name_are_told_apart_by_id():
    result = made_up(classes=((1, "cat", True), (2, "cat", True), (7, "Stuff", False)))
    names = [verdict.name for verdict in judge_drops(result, result, Limits(classes=Decimal(0)))]
    assert names == ["1.PQ", "2.PQ", "7.PQ"]


def test_the_classes_that_changed_most_come_first():
    changes = class_changes(made_up((0.5, None, 0.76)), made_up((0.5, 0.25, 0.75)))
    assert [(change.name, change.pq) for change in changes] == [("dog", (0.25, None)), ("sky", (0.75, 0.76))]
    assert class_changes(made_up(), made_up()) == ()


TABLE = [{"id": 1, "name": "cat", "isthing": 1}]
CAT = [{"id": 1, "category_id": 1}]


def run_of_cats(*predictions) -> pqeval.Run:
    """One image per prediction, with a cat of three pixels."""
    metric = pqeval.PanopticQuality(TABLE)
    for number, row in enumerate(predictions):
        cat = CAT if 1 in row else []
        metric.update(gt=(np.array([[1, 1, 1, 0]]), CAT), pred=(np.array([row]), cat), image_id=number)
    return metric.run()


WHOLE, PART, NONE = [1, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0]


def test_the_images_that_changed_most_come_first():
    now, base = run_of_cats(WHOLE, PART, NONE, WHOLE), run_of_cats(WHOLE, WHOLE, WHOLE, NONE)
    found = image_changes(now, base)
    assert [(change.image_id, change.tp, change.fn) for change in found] == [
        (2, (1, 0), (0, 1)),
        (3, (0, 1), (1, 0)),
        (1, (1, 1), (0, 0)),
    ]
    assert found[2].iou_sum == (1.0, 2 / 3)
    assert image_changes(now, now) == ()


def test_images_that_one_side_lacks_are_left_out():
    assert image_changes(run_of_cats(WHOLE, NONE), run_of_cats(WHOLE)) == ()


def test_check_in_python_is_green_and_red():
    run = run_of_cats(WHOLE, PART)
    green = pqeval.check(result=run, expect={"PQ": "83.3", "cat.TP": 2})
    assert (green.passed, green.exit_code) == (True, 0)
    red = pqeval.check(result=run.result, expect=["PQ=83.2"])
    assert (red.passed, red.exit_code, red.verdicts[0].outcome) == (False, 1, "moved-up")
    assert pqeval.check(result=run, baseline=run, max_drop=0, max_class_drop=0).passed
    worse = pqeval.check(result=run, baseline=run_of_cats(WHOLE, WHOLE), max_drop="16.6")
    assert [verdict.outcome for verdict in worse.verdicts] == ["moved-down", "moved-down"]
    assert worse.entries[0].classes[0].pq == (1.0, (1 + 2 / 3) / 2)
    assert worse.entries[0].changed_images[0].image_id == 1
    assert pqeval.check(result=run, baseline=run_of_cats(WHOLE, WHOLE), max_drop="16.7").passed


def test_a_baseline_beside_expectations_only_explains():
    found = pqeval.check(result=run_of_cats(PART), expect={"PQ": 99}, baseline=run_of_cats(WHOLE))
    assert [verdict.kind for verdict in found.verdicts] == ["expect"]
    assert found.entries[0].changed_images[0].image_id == 0


def test_files_are_read_by_what_is_in_them(tmp_path):
    run = run_of_cats(WHOLE)
    run.save(tmp_path / "a.json")
    run.result.to_json(tmp_path / "b.pqe")
    for name in ("a.json", "b.pqe"):
        assert pqeval.check(
            result=tmp_path / name, expect={"PQ": 100}, baseline=tmp_path / name, max_drop=0
        ).passed


def test_predictions_are_evaluated_with_the_options_of_evaluate(tmp_path):
    for name, row in (("gt", WHOLE), ("pred", PART)):
        pqeval.save_coco_panoptic(tmp_path / f"{name}.json", [(1, np.array([row]), CAT)], TABLE)
    sides = {"gt": tmp_path / "gt.json", "pred": tmp_path / "pred.json"}
    seen = []
    found = pqeval.check(
        **sides, expect={"Pets.PQ": "66.7"}, groups={"Pets": [1]}, convention="panopticapi", workers=1,
        progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    assert (found.passed, found.entries[0].convention, seen) == (True, "panopticapi", [(1, 1)])
    assert pqeval.check(**sides, expect={"PQ": "66.7"}, unknown="void", missing="empty").passed


def test_misaligned_categories_fail_whatever_was_expected():
    line = "[categories-misaligned] 9 of 9 segments"
    result = made_up((0.0, 0.0, 0.0), warnings=("[area] other", line))
    found = pqeval.check(result=result, expect={"PQ": 0})
    assert [(verdict.kind, verdict.passed) for verdict in found.verdicts] == [("expect", True), ("warning", False)]
    assert (found.passed, found.exit_code, found.verdicts[1].note) == (False, 1, line)


def test_assertions_return_what_they_are_about():
    scored = Scored(Subject(made_up()))
    assert scored.at_least(PQ=50).at_least(**{"PQ": 49.9, "cat.TP": 3}).equals(PQ="50.0", tolerance=0) is scored
    assert scored.no_worse_than(scored).no_worse_than(made_up((0.5, 0.26, 0.75)), by=1, classes_by=1) is scored
    with pytest.raises(AssertionError):
        scored.at_least(PQ="50.000001")
    with pytest.raises(
        AssertionError, match=r"^PQ moved up: found 50.00, expected 49.9 within 0.05, difference \+0.10$"
    ):
        scored.equals(PQ=49.9)
    with pytest.raises(AssertionError, match=r"^dog.PQ is n/a, expected at least 2$"):
        Scored(Subject(made_up((0.5, None, 0.75)))).at_least(**{"dog.PQ": 2})
    with pytest.raises(AssertionError, match=r"^the scores cannot be trusted: \[categories-misaligned\] x$"):
        Scored(Subject(made_up(warnings=("[categories-misaligned] x",)))).at_least(PQ=50)


def test_nothing_checked_is_nothing_passed():
    assert not Check(()).passed
    assert not Entry("").passed
    assert Check(()).exit_code == 1


@pytest.mark.parametrize(
    ("codes", "code"), [((), 1), ((2,), 2), ((3,), 3), ((2, 3), 3)]
)  # fmt: skip
def test_unusable_data_go_before_wrong_usage_and_that_before_a_moved_number(codes, code):
    entries = [Entry("", error=Trouble("x", "x", each)) for each in codes]
    moved = Entry("", verdicts=(Verdict("PQ", "expect", "moved-up"),))
    assert Check((moved, *entries)).exit_code == code


def test_the_json_is_the_same_each_time_and_complete(tmp_path):
    found = pqeval.check(result=run_of_cats(PART), expect={"PQ": 99, "cat.FP": 0})
    text = found.to_json(tmp_path / "c.json")
    assert text == found.to_json() == (tmp_path / "c.json").read_text()
    content = msgspec.json.decode(text)
    assert content["schema"] == "pqeval.check/1"
    assert (content["passed"], content["exit_code"], content["entries"][0]["passed"]) == (False, 1, False)
    assert content["entries"][0]["verdicts"][0] == {
        "name": "PQ",
        "kind": "expect",
        "outcome": "moved-down",
        "expected": "99",
        "tolerance": "0.5",
        "found": "66.66666666666666",
        "difference": content["entries"][0]["verdicts"][0]["difference"],
        "score": 2 / 3,
        "note": "",
    }
    assert content["entries"][0]["verdicts"][1]["score"] == 0


def test_a_hash_of_the_ground_truth_that_only_one_side_has_says_nothing():
    with_hash = made_up(provenance={"hashes": {"gt": "a"}})
    assert pqeval.check(result=with_hash, baseline=made_up(), max_drop=0).passed
    assert pqeval.check(result=with_hash, baseline=with_hash, max_drop=0).passed


def test_the_fixture_scenes(tmp_path):
    saved = gate_data.save_scenes(tmp_path)
    found = pqeval.check(
        result=saved / "panoptic_fpn.pqe", baseline=saved / "upsnet.pqe", max_drop="0.3", max_class_drop=2
    )
    moved = [verdict.name for verdict in found.verdicts if not verdict.passed]
    assert moved == ["Things.PQ", "disc.PQ", "box.PQ"]
    (entry,) = found.entries
    assert [change.name for change in entry.classes] == ["star", "box", "disc", "triangle", "ground"]
    assert entry.changed_images[0].image_id == 317
