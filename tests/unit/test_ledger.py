"""The ledger: keyed by image, indifferent to order and repetition, whole or not at all."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st

import pqeval
from pqeval.core import kernels
from pqeval.errors import MergeError
from pqeval.image_ids import image_key
from pqeval.ledger import Column, FrameLedger, Ledger, Outcome, Side, all_rows

GT_OUTCOMES = {Outcome.TP, Outcome.FN, Outcome.CROWD, Outcome.IGNORED}
PRED_OUTCOMES = {Outcome.TP, Outcome.FP, Outcome.VOID_EXCUSED, Outcome.CROWD_EXCUSED, Outcome.UNKNOWN}


def frame(image_id, fill: int = 0, rank: int = 0, pixels: int = 6) -> FrameLedger:
    return FrameLedger(image_id, rank, pixels, 0, np.full((2, 10), fill, np.int64))


def metric_of(dataset: dict, **options) -> pqeval.PanopticQuality:
    metric = pqeval.PanopticQuality(dataset["categories"], **options)
    for image in dataset["images"]:
        sides = {side: (np.array(image[side]["map"]), image[side]["segments"]) for side in ("gt", "pred")}
        metric.update(**sides, image_id=image["image_id"])
    return metric


def ids(ledger: Ledger, **options) -> list:
    return [frame.image_id for frame in ledger.ordered(**options)]


def test_the_same_image_counts_once() -> None:
    ledger = Ledger()
    ledger.add(frame(7, 1))
    ledger.add(frame(7, 1))
    assert len(ledger) == 1


@pytest.mark.parametrize("other", [frame(7, 2), frame(7, 1, pixels=7)])
def test_two_counts_for_one_image_are_an_error(other: FrameLedger) -> None:
    ledger = Ledger()
    ledger.add(frame(7, 1))
    with pytest.raises(MergeError) as caught:
        ledger.add(other)
    assert caught.value.code == "merge-conflict"
    assert caught.value.image_id == 7
    (kept,) = ledger.ordered()
    assert kept.rows[0, 0] == 1


def test_a_merge_is_whole_or_not_at_all() -> None:
    ledger, other = Ledger(), Ledger()
    for image in (frame(1, 1), frame(5, 1)):
        ledger.add(image)
    for image in (frame(0, 1), frame(5, 2), frame(9, 1)):
        other.add(image)
    with pytest.raises(MergeError):
        ledger.merge(other)
    assert ids(ledger) == [1, 5]
    assert ids(other) == [0, 5, 9]


def test_a_merge_leaves_the_other_alone() -> None:
    ledger, other = Ledger(), Ledger()
    ledger.add(frame(1))
    other.add(frame(2))
    ledger.merge(other)
    ledger.merge(other)
    ledger.merge(ledger)
    assert ids(ledger) == [1, 2]
    assert ids(other) == [2]


def test_order_by_id_and_by_file() -> None:
    ledger = Ledger()
    names = ["b", 10, 9, "a", None, True, 2.5, False, -1, 2**70]
    for rank, name in enumerate(names):
        ledger.add(frame(name, rank=rank))
    assert ids(ledger, by_file=True) == names
    assert ids(ledger) == [None, False, True, -1, 2.5, 9, 10, 2**70, "a", "b"]


def test_which_ids_are_one() -> None:
    assert image_key(1) == image_key(1.0)
    assert hash(image_key(1)) == hash(image_key(1.0))
    keys = [image_key(value) for value in (1, "1", True, None, 0, False, "", 1.5)]
    assert len(set(keys)) == len(keys)
    assert sorted(keys) == sorted(dict.fromkeys(keys))


IDS = st.one_of(st.integers(), st.text(max_size=2), st.booleans(), st.none(), st.floats(allow_nan=False))


@settings(max_examples=50)
@given(st.lists(IDS, unique_by=image_key, max_size=8), st.randoms())
def test_order_does_not_depend_on_arrival(names: list, random) -> None:
    forward, shuffled = Ledger(), Ledger()
    for name in names:
        forward.add(frame(name))
    random.shuffle(names)
    for name in names:
        shuffled.add(frame(name))
    assert ids(forward) == ids(shuffled)


def test_rows_of_nothing() -> None:
    rows = all_rows([])
    assert rows.shape == (0, len(Column))
    assert rows.dtype == np.int64


def test_rows_follow_the_frames() -> None:
    assert all_rows([frame(1, 4), frame(2, 5)])[:, 0].tolist() == [4, 4, 5, 5]


@given(strategies.datasets(foreign=True), st.sampled_from(["void", "fp"]))
def test_what_rows_say(dataset: dict, unknown: str) -> None:
    """Each row is about one segment; its numbers agree with each other and with its partner's."""
    metric = metric_of(dataset, unknown=unknown)
    images = {image["image_id"]: image for image in dataset["images"]}
    for part in metric.ledger.ordered():
        image = images[part.image_id]
        assert part.rows.dtype == np.int64
        assert part.pixels == sum(map(len, image["gt"]["map"]))
        rows = {Side.GT: {}, Side.PRED: {}}
        for row in part.rows.tolist():
            row = dict(zip(Column, row, strict=True))
            rows[row[Column.SIDE]][row[Column.SEGMENT]] = row
        for side, name in ((Side.GT, "gt"), (Side.PRED, "pred")):
            flat = [number for line in image[name]["map"] for number in line]
            assert list(rows[side]) == sorted(segment["id"] for segment in image[name]["segments"])
            assert {number: row[Column.AREA] for number, row in rows[side].items()} == {
                number: flat.count(number) for number in rows[side]
            }
        known = sum(row[Column.AREA] for row in rows[Side.PRED].values() if row[Column.OUTCOME] != Outcome.UNKNOWN)
        if unknown == "void":
            assert part.unknown_pixels == part.pixels - known
        for side, allowed in ((Side.GT, GT_OUTCOMES), (Side.PRED, PRED_OUTCOMES)):
            for number, row in rows[side].items():
                assert row[Column.OUTCOME] in allowed
                assert 0 <= row[Column.VOID] <= row[Column.AREA]
                assert 0 <= row[Column.CROWD] <= row[Column.AREA] - (row[Column.VOID] if side == Side.PRED else 0)
                if row[Column.PARTNER]:
                    partner = rows[1 - side][row[Column.PARTNER]]
                    assert partner[Column.PARTNER] == number
                    assert (partner[Column.INTER], partner[Column.UNION]) == (row[Column.INTER], row[Column.UNION])
                    assert 0 < row[Column.INTER] <= row[Column.UNION] < 2 * row[Column.INTER]
                    same = partner[Column.CATEGORY] == row[Column.CATEGORY]
                    if unknown == "void":
                        assert (row[Column.OUTCOME] == Outcome.TP) == same
                else:
                    assert (row[Column.INTER], row[Column.UNION]) == (0, 0)
                    assert row[Column.OUTCOME] != Outcome.TP


@settings(max_examples=25)
@given(strategies.datasets(foreign=True))
def test_pickles(dataset: dict) -> None:
    metric = metric_of(dataset, unknown="fp")
    again = pickle.loads(pickle.dumps(metric))
    assert again.compute().to_json() == metric.compute().to_json()
    again.merge(metric)
    assert again.compute().to_json() == metric.compute().to_json()


def test_metrics_with_other_settings_do_not_merge() -> None:
    table = [{"id": 1, "isthing": 1}]
    first = pqeval.PanopticQuality(table)
    for other in (
        pqeval.PanopticQuality(table, convention="panopticapi"),
        pqeval.PanopticQuality(table, unknown="fp"),
        pqeval.PanopticQuality(table, unknown_categories=[9]),
        pqeval.PanopticQuality([{"id": 1, "isthing": 0}]),
    ):
        with pytest.raises(MergeError) as caught:
            first.merge(other)
        assert caught.value.code == "merge-settings"


def test_an_update_that_fails_changes_nothing() -> None:
    table = [{"id": 1, "isthing": 1}]
    metric = pqeval.PanopticQuality(table)
    good = (np.array([[1, 1]]), [{"id": 1, "category_id": 1}])
    metric.update(gt=good, pred=good, image_id=1)
    before = metric.compute().to_json()
    for bad in (
        (np.array([[1, 2]]), [{"id": 1, "category_id": 1}]),
        (np.array([[1, 1]]), [{"id": 1, "category_id": 9}]),
        (np.array([[1, 1, 1]]), [{"id": 1, "category_id": 1}]),
        (np.array([[1, -1]]), [{"id": 1, "category_id": 1}]),
    ):
        with pytest.raises(pqeval.DataError) as caught:
            metric.update(gt=good, pred=bad, image_id=2)
        assert caught.value.image_id == 2
        assert metric.compute().to_json() == before
    other = (np.array([[0, 1]]), [{"id": 1, "category_id": 1}])
    with pytest.raises(MergeError):
        metric.update(gt=good, pred=other, image_id=1)
    assert metric.compute().to_json() == before
    metric.reset()
    assert metric.compute().images["evaluated"] == 0


def test_what_was_said_of_an_image_does_not_depend_on_who_merges() -> None:
    table = [{"id": 1, "isthing": 1}]
    ids = np.array([[1, 1]])

    def part(area: int) -> pqeval.PanopticQuality:
        metric = pqeval.PanopticQuality(table)
        gt = (ids, [{"id": 1, "category_id": 1, "area": area}])
        metric.update(gt=gt, pred=(ids, [{"id": 1, "category_id": 1}]), image_id=1)
        return metric

    results = []
    for first, second in ((2, 9), (9, 2), (5, 9), (9, 5)):
        merged = part(first)
        merged.merge(part(second))
        merged.merge(part(first))
        results.append(merged.compute())
    assert [result.images["evaluated"] for result in results] == [1, 1, 1, 1]
    assert results[0].to_json() == results[1].to_json()
    assert results[2].to_json() == results[3].to_json()
    assert all("[gt-area] 1 image" in warning for result in results for warning in result.warnings)
    assert [len(result.warnings) for result in results] == [1, 1, 1, 1]


def test_an_id_that_is_not_equal_to_itself() -> None:
    table = [{"id": 1, "isthing": 1}]
    side = (np.array([[1, 1]]), [{"id": 1, "category_id": 1}])
    metric = pqeval.PanopticQuality(table)
    for name in (float("nan"), float("inf"), object(), {"id": 1}):
        with pytest.raises(pqeval.DataError) as caught:
            metric.update(gt=side, pred=side, image_id=name)
        assert caught.value.code == "image-id"
    for name in (3, 3.0, np.int64(3), np.float32(3), np.array(3)):
        metric.update(gt=side, pred=side, image_id=name)
    assert metric.compute().images["evaluated"] == 1


def test_merging_in_any_order_reports_the_same_about_an_image_that_both_have():
    table = [{"id": 1, "isthing": 1}]

    def metric(**extra):
        made = pqeval.PanopticQuality(table)
        rows = [{"id": 1, "category_id": 1}]
        made.update(gt=(np.array([[1, 1]]), [rows[0] | extra]), pred=(np.array([[1, 1]]), rows), image_id=1)
        return made

    texts = set()
    for first, second in (({"area": 99}, {}), ({}, {"area": 99})):
        merged = metric(**first)
        merged.merge(metric(**second))
        texts.add(merged.compute().to_json())
    (text,) = texts
    assert "states area 99 but has 2 pixels" in text


def test_merging_in_any_order_keeps_the_same_scores():
    def metric(*scores):
        made = pqeval.PanopticQuality([{"id": 1, "isthing": 1}])
        rows = [{"id": number, "category_id": 1, "score": score} for number, score in enumerate(scores, start=1)]
        made.update(gt=([[1, 2]], [rows[0], rows[1]]), pred=([[1, 2]], rows), image_id=1)
        return made

    for sides, expected in (
        (((0.5, 0.25), (0.25, 0.5)), [0.5, 0.5]),
        (((0.5, None), (None, 0.25)), [0.5, 0.25]),
        (((None, None), (None, 0.25)), [None, 0.25]),
    ):
        for first, second in (sides, sides[::-1]):
            merged = metric(*first)
            merged.merge(metric(*second))
            assert merged.run().segments()["score"][2:] == expected


def test_the_same_outcomes_of_other_pixels_are_another_count():
    """Each of two small predictions lies on the one segment or on the other, and matches neither."""
    rows = [{"id": 1, "category_id": 1}, {"id": 2, "category_id": 1}]

    def metric(guess):
        made = pqeval.PanopticQuality([{"id": 1, "isthing": 1}])
        made.update(gt=([[1, 1, 1, 2, 2, 2]], rows), pred=([guess], rows), image_id=1)
        return made

    one, other = metric([1, 0, 0, 2, 0, 0]), metric([2, 0, 0, 1, 0, 0])
    assert one.run().segments() == other.run().segments()
    with pytest.raises(MergeError):
        one.merge(other)
    one.merge(metric([0, 1, 0, 0, 2, 0]))


def test_how_an_id_is_written_first_does_not_decide():
    def rows(*numbers):
        metric = pqeval.PanopticQuality([{"id": 1, "isthing": 1}])
        side = np.array([[1, 1]]), [{"id": 1, "category_id": 1}]
        for number in numbers:
            metric.update(gt=side, pred=side, image_id=number)
        return [(type(frame.image_id), frame.image_id) for frame in metric.ledger.ordered()]

    assert rows(1, 1.0) == rows(1.0, 1) == [(int, 1)]


def test_outcomes_have_one_numbering():
    assert [Outcome[name] for name in ("TP", "FN", "FP", "VOID_EXCUSED", "CROWD_EXCUSED")] == [
        kernels.TP,
        kernels.FN,
        kernels.FP,
        kernels.VOID_EXCUSED,
        kernels.CROWD_EXCUSED,
    ]
    assert [Outcome.CROWD, Outcome.UNKNOWN, Outcome.IGNORED] == [kernels.CROWD, kernels.UNKNOWN, kernels.IGNORED]
