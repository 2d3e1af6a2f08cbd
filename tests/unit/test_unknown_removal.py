"""The what-if of unknown segments: the same numbers as relabelling the predictions and scoring them anew."""

from __future__ import annotations

import copy
from itertools import pairwise

import network_scenes
import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from test_diagnosis import datasets, number, run_of

import pqeval
from pqeval.diagnosing import diagnosis_of
from pqeval.diagnosis import unknown as room
from pqeval.diagnosis.tables import tables_of
from pqeval.errors import SegmentError
from pqeval.ledger import Outcome
from pqeval.void import CONVENTIONS

EVERY = tuple(CONVENTIONS)
UNKNOWN = 31337


def parts_of(image: dict, run: pqeval.Run, segment: int) -> set[int]:
    """Return the listed ids that became one segment of the ledger."""
    rows = {row["id"]: row["category_id"] for row in image["pred"]["segments"]}
    things = run.categories.things
    if not run.policy.merge_stuff or rows[segment] in things or rows[segment] not in run.categories.stuff:
        return {segment}
    return {number for number, category in rows.items() if category == rows[segment]}


def rescored(dataset: dict, run: pqeval.Run, chosen: set[tuple], unknown: str) -> float | None:
    """Relabel the chosen (image id, segment id) as unknown and score again."""
    changed = copy.deepcopy(dataset)
    for image in changed["images"]:
        ids = {
            part for name, segment in chosen if name == image["image_id"] for part in parts_of(image, run, segment)
        }
        for row in image["pred"]["segments"]:
            if row["id"] in ids:
                row["category_id"] = UNKNOWN
    return run_of(changed, run.policy.name, unknown, unknown_categories=[UNKNOWN]).result.pq


def predicted(run: pqeval.Run) -> list[tuple]:
    """List what could be relabelled: image id, segment id, class index, score, outcome."""
    tables = tables_of(run)
    pred = tables.pred
    return [
        (
            tables.frames[pred.frame[place]].image_id,
            int(pred.id[place]),
            int(pred.category[place]),
            float(pred.score[place]),
            Outcome(pred.outcome[place]),
        )
        for place in np.flatnonzero(pred.counts)
    ]


def same_as_rescored(dataset: dict, run: pqeval.Run, unknown: str) -> None:
    found = diagnosis_of(run, top=10**6).unknown
    segments = predicted(run)
    scores = sorted({score for *_, score, _ in segments if not np.isnan(score)})
    if not scores:
        assert found.by_score is None
    else:
        points = found.by_score.points
        assert [point.threshold for point in points] == [*scores, np.nextafter(scores[-1], np.inf)]
        for point in points:
            below = {(name, segment) for name, segment, _, score, _ in segments if score < point.threshold}
            assert point.segments == len(below)
            assert point.pq == number(rescored(dataset, run, below, unknown))
        told = [-1.0 if point.pq is None else point.pq for point in points]
        assert found.by_score.best == points[next(i for i, pq in enumerate(told) if pq >= max(told) - 1e-12)]
        assert found.by_score.scored + found.by_score.unscored == len(segments)
        assert found.by_score.scored == points[-1].segments

    together: set[tuple] = set()
    best, best_classes = run.result.pq, ()
    assert {row.id for row in found.by_class} == {list(run.categories)[c].id for _, _, c, _, _ in segments}
    for place, row in enumerate(found.by_class):
        own = {(n, s) for n, s, c, _, _ in segments if list(run.categories)[c].id == row.id}
        assert row.segments == len(own)
        assert row.pq == number(rescored(dataset, run, own, unknown))
        assert row.gain == (None if row.pq is None else number(row.pq - run.result.pq))
        if row.gain is None or row.gain <= 1e-12:
            assert row.together is None
        else:
            together |= own
            assert row.together == number(rescored(dataset, run, together, unknown))
            if row.together is not None and row.together > best + 1e-12:
                best, best_classes = row.together, tuple(each.id for each in found.by_class[: place + 1])
    assert found.best_classes == best_classes

    gains = {}
    for name, segment, category, score, outcome in segments:
        pq = rescored(dataset, run, {(name, segment)}, unknown)
        if pq is not None and pq > run.result.pq + 1e-12:
            gains[name, segment] = (category, score, outcome, pq - run.result.pq)
    assert found.worthwhile == len(found.segments) == len(gains)
    for row in found.segments:
        category, score, outcome, gain = gains[row.image_id, row.segment_id]
        assert row.category_id == list(run.categories)[category].id
        assert row.score == (None if np.isnan(score) else score)
        assert row.outcome == outcome.name.lower().replace("_", "-")
        assert row.gain == number(gain)
    ordered = [row.gain for row in found.segments]
    assert all(one >= other - 1e-12 for one, other in pairwise(ordered))
    wrong = {(name, segment) for name, segment, _, _, outcome in segments if outcome == Outcome.FP}
    assert found.without_fp == number(rescored(dataset, run, wrong, unknown))


@pytest.mark.parametrize("name", EVERY)
@settings(max_examples=10)
@given(dataset=datasets(foreign=True), unknown=st.sampled_from(["void", "fp"]))
def test_it_is_as_if_the_predictions_were_relabelled(name: str, dataset: dict, unknown: str) -> None:
    run = run_of(dataset, name, unknown)
    if run.result.pq is None:
        assert diagnosis_of(run).unknown is None
    elif name == "torchmetrics" and unknown == "fp":
        found = diagnosis_of(run)
        assert found.unknown is None
        assert found.notes[0].startswith("what if segments had been left unknown: not told, because")
    else:
        same_as_rescored(dataset, run, unknown)


@settings(max_examples=20)
@given(dataset=datasets(stated=True))
def test_stated_areas_change_nothing_of_that(dataset: dict) -> None:
    try:
        run = run_of(dataset, "panopticapi")
        if run.result.pq is not None:
            same_as_rescored(dataset, run, "void")
    except SegmentError:
        reject()


def made(convention: str, *images: tuple, **options) -> pqeval.Run:
    """A run of images of one line: each is (gt line, gt rows, predicted line, predicted rows)."""
    table = [{"id": number, "name": f"c{number}", "isthing": 1} for number in (1, 2, 3)]
    metric = pqeval.PanopticQuality(table, convention=convention, **options)
    for place, (gt, gt_rows, pred, pred_rows) in enumerate(images):
        sides = []
        for line, rows in ((gt, gt_rows), (pred, pred_rows)):
            listed = [dict(zip(("id", "category_id", "score"), row, strict=False)) for row in rows]
            sides.append((np.array([line]), listed))
        metric.update(gt=sides[0], pred=sides[1], image_id=place)
    return metric.run()


def test_a_match_can_appear_where_unknown_leaves_the_union() -> None:
    """Under torchmetrics half a cat is not enough, until the other half is unknown. At last all is excused."""
    image = ([1] * 10, [(1, 1)], [5] * 5 + [6] * 5, [(5, 1, 0.9), (6, 2, 0.4)])
    found = diagnosis_of(made("torchmetrics", image)).unknown
    assert [(point.pq, point.segments) for point in found.by_score.points] == [(0.0, 0), (1.0, 1), (None, 2)]
    assert found.by_score.best == (0.9, 1.0, 1, 0.4)
    assert [(row.segment_id, row.gain) for row in found.segments] == [(6, 1.0)]
    assert [(row.id, row.pq, row.together) for row in found.by_class] == [(2, 1.0, 1.0), (1, 0.0, None)]
    assert found.best_classes == (2,)
    coco = diagnosis_of(made("coco", image)).unknown
    assert [point.pq for point in coco.by_score.points] == [0.0, 0.0, 0.0]
    assert coco.by_score.best.segments == 0


def test_it_works_by_hand() -> None:
    """A cat found (IoU 1), a dog found as a cat, a cat invented over nothing; scores 0.9, 0.3, 0.2."""
    image = (
        [1, 1, 2, 2, 0, 3, 3],
        [(1, 1), (2, 2), (3, 3)],
        [1, 1, 2, 2, 0, 4, 4],
        [(1, 1, 0.9), (2, 1, 0.3), (4, 1, 0.2)],
    )
    run = made("coco", image)
    found = diagnosis_of(run)
    # Cats: 1 TP, 2 FP: 1/2. Dogs and the third class: missed, 0.
    assert found.pq == 1 / 2 / 3
    points = [(point.threshold, point.pq, point.segments) for point in found.unknown.by_score.points]
    assert points == [
        (0.2, number(1 / 2 / 3), 0),
        (0.3, number(1 / 1.5 / 3), 1),
        (0.9, number(1 / 3), 2),
        (np.nextafter(0.9, 1), 0.0, 3),
    ]
    assert found.unknown.by_score.best.threshold == 0.9
    assert found.unknown.without_fp == number(1 / 3)
    assert [(row.segment_id, row.outcome) for row in found.unknown.segments] == [(2, "fp"), (4, "fp")]


def test_a_class_of_nothing_but_fps_vanishes_from_the_mean() -> None:
    run = made("coco", ([1, 1, 2, 2], [(1, 1), (2, 2)], [1, 1, 5, 5], [(1, 1), (5, 3)]))
    found = diagnosis_of(run).unknown
    assert found.by_score is None
    assert [(row.id, row.pq) for row in found.by_class] == [(3, 0.5), (1, 0.0)]
    assert run.result.pq == number(1 / 3)
    assert found.best_classes == (3,)


def test_where_nothing_is_left_there_is_no_score() -> None:
    found = diagnosis_of(made("coco", ([0, 0, 3], [(3, 1)], [0, 5, 5], [(5, 2, 0.5)])), top=3)
    assert [point.pq for point in found.unknown.by_score.points] == [0.0, 0.0]
    only_fp = made("hovernet", ([0, 0], [], [0, 5], [(5, 2, 0.5)]))
    found = diagnosis_of(only_fp)
    assert only_fp.result.pq == 0.0
    assert [point.pq for point in found.unknown.by_score.points] == [0.0, None]
    assert found.unknown.by_score.best.segments == 0
    assert (found.unknown.by_class[0].pq, found.unknown.by_class[0].gain) == (None, None)
    assert found.unknown.without_fp is None
    assert "null" in found.to_json()


def test_many_thresholds_are_thinned_and_keep_the_ends_and_the_best() -> None:
    # 1500 FPs with scores up to 0.5, then a TP of each class with more.
    images = [([1], [(1, 1)], [1], [(1, 1, 0.9)])]
    images += [([0, 1], [(1, 1)], [5, 1], [(5, 2, place / 3000), (1, 1, 0.75)]) for place in range(1500)]
    run = made("hovernet", *images)
    points = diagnosis_of(run).unknown.by_score.points
    assert len(points) <= room.MOST_POINTS
    assert (points[0].segments, points[-1].segments) == (0, 3001)
    best = diagnosis_of(run).unknown.by_score.best
    assert (best.threshold, best.segments) == (0.75, 1500)
    assert best in points
    assert best.pq == number(
        made("hovernet", *((g, r, [0, 1][-len(p) :], q[-1:]) for g, r, p, q in images)).result.pq
    )


def test_the_fixtures_have_the_curve_of_scoring_anew() -> None:
    dataset = network_scenes.dataset("panoptic_fcn", images=8)
    for image in dataset["images"]:
        image["tissue"] = None
    run = run_of(dataset, "coco")
    points = diagnosis_of(run).unknown.by_score.points
    segments = predicted(run)
    for point in points[:: len(points) // 6]:
        below = {(name, segment) for name, segment, _, score, _ in segments if score < point.threshold}
        assert (point.segments, point.pq) == (len(below), number(rescored(dataset, run, below, "error")))
