"""Where lost PQ went: beside slow twins, and what must hold whatever the data."""

from __future__ import annotations

import msgspec
import naive_diagnosis as naive
import network_scenes
import numpy as np
import pytest
import strategies
from hypothesis import Phase, given, reject, settings
from hypothesis import strategies as st

import pqeval
from pqeval.diagnosing import diagnosis_of
from pqeval.diagnosis.kinds import TERMS
from pqeval.diagnosis.rescoring import unmatched_gt, unmatched_pred
from pqeval.diagnosis.tables import tables_of
from pqeval.errors import SegmentError
from pqeval.ledger import Outcome
from pqeval.void import CONVENTIONS

EVERY = tuple(CONVENTIONS)
CLOSE = {"abs": 1e-12, "rel": 0}


SCORES = (0.1, 0.25, 0.5, 0.5, 0.625, 0.9, -1.5, 3)


@st.composite
def crowded(draw, foreign: bool = False) -> dict:
    """Data sets of one line per image: few classes, and segments cut into pieces, most of them with a score."""
    dice = strategies.Dice(draw)
    known = [7, 3][: 1 + dice.below(2)]
    images = []
    for place in range(1 + dice.below(2)):
        size = 12 + dice.below(10)
        sides = {}
        for side, most in (("gt", 4), ("pred", 7)):
            ends = sorted({dice.below(size) for _ in range(1 + dice.below(most))})
            line = [sum(x >= end for end in ends) for x in range(size)]
            void = dice.pick((None, None, 0, 1))
            line = [0 if number == void else number + 1 for number in line]
            foreigners = [999] if foreign and side == "pred" else []
            sides[side] = {
                "map": [line],
                "segments": [
                    {"id": number, "category_id": dice.pick([known[0], *known, *foreigners])}
                    for number in sorted(set(line) - {0})
                ],
            }
        images.append({"image_id": 5 - place, **sides})
    table = [{"id": number, "name": f"c{number}", "isthing": int(dice.below(3) > 0)} for number in known]
    return {"categories": table, "images": images}


@st.composite
def datasets(draw, foreign: bool = False, stated: bool = False) -> dict:
    """Data sets full of void, crowds and wrong classes, with segments around the smallest sizes, in tissues."""
    dataset = draw(st.one_of(crowded(foreign=foreign), strategies.datasets(foreign=foreign, most_images=3)))
    known = [row["id"] for row in dataset["categories"]]
    dice = strategies.Dice(draw)
    times, crowds, erased = dice.pick((1, 5, 7, 10)), dice.pick((0, 3, 4)), dice.pick((0, 4, 2))
    for image in dataset["images"]:
        image["tissue"] = dice.pick(("lung", "skin"))
        for side in ("gt", "pred"):
            pixels = np.array(image[side]["map"]).repeat(times, axis=1)
            kept = []
            for row in image[side]["segments"]:
                if side == "gt" and erased and dice.below(erased) == 1:
                    pixels[pixels == row["id"]] = 0
                    continue
                kept.append(row)
                if side == "gt":
                    row["iscrowd"] = int(crowds > 0 and dice.below(crowds) == 1)
                    row["area"] = int((pixels == row["id"]).sum())
                    if stated and dice.below(2):
                        row["area"] = dice.pick((1, row["area"] // 2, row["area"] // 3, 2 * row["area"], 0, -4))
                else:
                    if row["category_id"] in known and dice.below(3) == 2:
                        row["category_id"] = dice.pick(known)
                    if dice.below(5):
                        row["score"] = dice.pick(SCORES)
            image[side] = {"map": pixels.tolist(), "segments": kept}
    return dataset


def run_of(dataset: dict, convention: str, unknown: str = "void", **options) -> pqeval.Run:
    metric = pqeval.PanopticQuality(dataset["categories"], convention=convention, unknown=unknown, **options)
    for image in dataset["images"]:
        sides = {side: (np.array(image[side]["map"]), image[side]["segments"]) for side in ("gt", "pred")}
        metric.update(**sides, image_id=image["image_id"], stratum=image["tissue"])
    return metric.run()


def in_order(dataset: dict, run: pqeval.Run) -> dict:
    """Put the images of a data set into the order in which the convention adds."""
    by_id = {image["image_id"]: image for image in dataset["images"]}
    return {**dataset, "images": [by_id[frame.image_id] for frame in run.frames()]}


def members(dataset: dict, name: str) -> list[int]:
    kinds = {"All": (0, 1), "Things": (1,), "Stuff": (0,)}[name]
    return [row["id"] for row in dataset["categories"] if row["isthing"] in kinds]


def number(value) -> float | None:
    return None if value is None else pytest.approx(float(value), **CLOSE)


policies = st.sampled_from(["void", "fp"])


@pytest.mark.parametrize("name", EVERY)
@settings(max_examples=12)
@given(dataset=datasets(foreign=True), unknown=policies)
def test_the_terms_are_those_of_the_twin_and_add_up(name: str, dataset: dict, unknown: str) -> None:
    run = run_of(dataset, name, unknown)
    found, dataset = diagnosis_of(run), in_order(dataset, run)
    for group in ("All", "Things", "Stuff"):
        twin = naive.attribution(dataset, name, unknown, members(dataset, group))
        loss = found.groups[group].loss
        assert found.groups[group].pq == run.result.groups[group].pq
        if twin is None:
            assert loss is None
            continue
        assert msgspec.structs.asdict(loss) == {term: number(value) for term, value in twin.items()}
        assert sum(msgspec.structs.astuple(loss)) == number(1 - run.result.groups[group].pq)
    if found.pq is not None and found.groups["All"].loss.convention < 1:
        assert sum(row.of_all.total for row in found.per_class) == number(1 - found.pq)
    for row, category in zip(found.per_class, dataset["categories"], strict=True):
        if row.pq is not None:
            assert row.loss.total == number(1 - row.pq)
            if run.policy.averaging.over == "dataset":
                twin = naive.attribution(dataset, name, unknown, [category["id"]])
                assert msgspec.structs.asdict(row.loss) == {term: number(value) for term, value in twin.items()}


@settings(max_examples=30)
@given(dataset=datasets(stated=True))
def test_stated_areas_change_nothing_of_that(dataset: dict) -> None:
    try:
        run = run_of(dataset, "panopticapi")
    except SegmentError:
        reject()
    found, dataset = diagnosis_of(run), in_order(dataset, run)
    twin = naive.attribution(dataset, "panopticapi", "void", members(dataset, "All"))
    loss = found.groups["All"].loss
    assert (loss is None) == (twin is None)
    if loss is not None:
        assert msgspec.structs.asdict(loss) == {term: number(value) for term, value in twin.items()}
        assert loss.total == number(1 - run.result.pq)
    same_at_every_threshold(found, dataset, "panopticapi", "void")
    same_oracles(found, dataset, "panopticapi", "void")


def same_oracles(found: pqeval.diagnosis.findings.Diagnosis, dataset: dict, name: str, unknown: str) -> None:
    for oracle in found.oracles:
        twin = naive.oracle(dataset, name, unknown, oracle.kind)
        assert oracle.pq == number(twin), oracle.kind
        assert oracle.groups["All"] == oracle.pq
        if twin is not None and found.pq is not None:
            assert oracle.gain == number(float(twin) - found.pq)


@pytest.mark.parametrize("name", EVERY)
@settings(max_examples=10)
@given(dataset=datasets(foreign=True), unknown=policies)
def test_the_oracles_are_those_of_the_twin(name: str, dataset: dict, unknown: str) -> None:
    run = run_of(dataset, name, unknown)
    same_oracles(diagnosis_of(run), in_order(dataset, run), name, unknown)


def same_at_every_threshold(found, dataset: dict, name: str, unknown: str) -> None:
    for point in found.thresholds:
        book, _ = naive.counted(dataset, name, unknown, threshold=naive.Fraction(round(100 * point.iou), 100))
        totals = [sum(cell[place] for cell in book.cells.values()) for place in (1, 2, 3)]
        assert [point.tp, point.fp, point.fn] == totals
        for group, score in point.groups.items():
            assert score.pq == number(book.pq(members(dataset, group)))


@pytest.mark.parametrize("name", EVERY)
@settings(max_examples=10)
@given(dataset=datasets(foreign=True), unknown=policies)
def test_other_thresholds_score_as_in_the_twin(name: str, dataset: dict, unknown: str) -> None:
    run = run_of(dataset, name, unknown)
    found = diagnosis_of(run)
    assert [point.iou for point in found.thresholds] == [place / 20 for place in range(10, 20)]
    first = found.thresholds[0].groups
    assert first == {group: score for group, score in run.result.groups.items() if group != "Binary"}
    same_at_every_threshold(found, in_order(dataset, run), name, unknown)


@pytest.mark.parametrize("name", EVERY)
@settings(max_examples=10)
@given(dataset=datasets(foreign=True), limits=st.sampled_from([(2, 9), (1024, 9216), (5,), (), (1, 4, 16, 64)]))
def test_sizes_score_as_in_the_twin_and_add_up(name: str, dataset: dict, limits: tuple) -> None:
    run = run_of(dataset, name)
    found, dataset = diagnosis_of(run, areas=limits), in_order(dataset, run)
    total = found.thresholds[0]
    for column in ("tp", "fp", "fn"):
        assert sum(getattr(each, column) for each in found.sizes) == getattr(total, column)
    assert sum(each.iou_sum for each in found.sizes) == number(sum(row.iou_sum for row in run.result.per_class))
    edges = [-(10**18), *limits, 10**18]
    for each, least, below in zip(found.sizes, edges, edges[1:], strict=False):
        book = naive.by_size(dataset, name, "void", least, below)
        assert [each.tp, each.fp, each.fn] == [sum(cell[k] for cell in book.cells.values()) for k in (1, 2, 3)]
        assert (each.least, each.below) == (least if least > 0 else None, below if below < 10**18 else None)
        for group, score in each.groups.items():
            assert score.pq == number(book.pq(members(dataset, group)))
    assert len(found.sizes) == len(limits) + 1


@pytest.mark.parametrize("name", ["coco", "torchmetrics", "lidar"])
@settings(max_examples=25)
@given(dataset=datasets(foreign=True), unknown=policies)
def test_confusions_are_those_of_the_twin(name: str, dataset: dict, unknown: str) -> None:
    found = diagnosis_of(run_of(dataset, name, unknown))
    strong, near = naive.confusions(dataset, name, unknown)
    assert {(row.gt, row.pred): row.count for row in found.confusions if row.count} == strong
    assert {(row.gt, row.pred): row.near for row in found.confusions if row.near} == near
    order = [(-row.count, -row.near) for row in found.confusions]
    assert order == sorted(order)


@pytest.mark.parametrize("name", EVERY)
@settings(max_examples=10)
@given(dataset=datasets(foreign=True), unknown=policies)
def test_images_lose_what_the_twin_says(name: str, dataset: dict, unknown: str) -> None:
    run = run_of(dataset, name, unknown)
    found, dataset = diagnosis_of(run), in_order(dataset, run)
    if found.pq is None:
        assert found.worst_images == ()
        return
    twin = naive.items(dataset, name, unknown)
    by_id = {image["image_id"]: each for image, each in zip(dataset["images"], twin, strict=True)}
    losing = {name for name, each in by_id.items() if sum(loss for *_, loss in each)}
    assert {image.image_id for image in found.worst_images} == losing
    assert [image.loss for image in found.worst_images] == sorted(
        (image.loss for image in found.worst_images), reverse=True
    )
    for image in found.worst_images:
        each = by_id[image.image_id]
        assert image.loss == number(sum(loss for *_, loss in each))
        told = {(segment.side, segment.segment_id): (segment.term, segment.loss) for segment in image.segments}
        expected = {(side, number_): (term, number(loss)) for side, number_, term, loss in each if loss}
        assert told == expected
        assert (image.tp, image.fp, image.fn) == (
            sum(term == "mask" for _, _, term, _ in each),
            sum(term.startswith("fp") for _, _, term, _ in each),
            sum(term.startswith("fn") for _, _, term, _ in each),
        )


@settings(max_examples=30)
@given(dataset=datasets(foreign=True), unknown=policies)
def test_segments_are_told_with_partner_and_flag(dataset: dict, unknown: str) -> None:
    run = run_of(dataset, "coco", unknown)
    found, dataset = diagnosis_of(run), in_order(dataset, run)
    _, scenes = naive.counted(dataset, "coco", unknown)
    by_id = {image["image_id"]: scene for image, scene in zip(dataset["images"], scenes, strict=True)}
    flags = {"split": 0, "merge": 0}
    for image in found.worst_images:
        gts, preds, matches = by_id[image.image_id]
        for segment in image.segments:
            own = {each.id: each for each in (gts if segment.side == "gt" else preds)}[segment.segment_id]
            other = own.other
            if segment.term == "mask":
                other = next(p for g, p, _ in matches if g is own)
            assert segment.category_id == own.cls
            assert segment.area == own.size
            assert (segment.partner_id, segment.partner_category_id) == (
                (other.id, other.cls) if other else (None, None)
            )
            pair = (own, other) if segment.side == "gt" else (other, own)
            assert segment.iou == (float(naive.iou(*pair)) if other else None)
            flag = None
            if segment.term != "mask" and own.flag:
                flag = "split" if segment.side == "pred" else "merge"
                flags[flag] += 1
            assert segment.flag == flag
    for name in flags:
        assert sum(getattr(row, name) for row in found.per_class) >= flags[name]


@pytest.mark.parametrize("name", EVERY)
@settings(max_examples=10)
@given(dataset=datasets(foreign=True), unknown=policies)
def test_what_matches_nothing_is_what_the_ledger_says(name: str, dataset: dict, unknown: str) -> None:
    run = run_of(dataset, name, unknown)
    tables = tables_of(run)
    for side, outcome in (
        (tables.gt, unmatched_gt(tables.gt.area, tables.gt.void, run.policy)),
        (tables.pred, unmatched_pred(tables.pred.area, tables.pred.void, tables.pred.crowd, run.policy)),
    ):
        open_ = side.counts & (side.outcome != Outcome.TP)
        assert (outcome[open_] == side.outcome[open_]).all()


def test_the_fixtures_lose_what_they_lack() -> None:
    for name in network_scenes.NETWORKS:
        data = {"gt": network_scenes.TRUTH, "pred": network_scenes.FOLDER / f"{name}.json"}
        found, result = pqeval.diagnose(**data, top=3), pqeval.evaluate(**data)
        assert found.groups["All"].loss.total == number(1 - result.pq)
        assert found.groups["Things"].loss.total == number(1 - result.groups["Things"].pq)
        assert sum(sum(row.counts[term] for term in TERMS[1:5]) for row in found.per_class) == sum(
            row.fp for row in result.per_class
        )
        assert sum(sum(row.counts[term] for term in TERMS[5:]) for row in found.per_class) == sum(
            row.fn for row in result.per_class
        )
        assert len(found.worst_images) == 3


def test_a_segment_that_was_excused_can_be_found_by_a_right_class() -> None:
    """Under torchmetrics a gt segment that is unknown by more than half is excused; what is on the rest, an FP."""
    table = [{"id": 1, "name": "cat", "isthing": 1}, {"id": 2, "name": "dog", "isthing": 1}]
    metric = pqeval.PanopticQuality(table, convention="torchmetrics")
    gt = (np.array([[1, 1, 1, 1, 1]]), [{"id": 1, "category_id": 1}])
    metric.update(gt=gt, pred=(np.array([[0, 0, 0, 7, 7]]), [{"id": 7, "category_id": 2}]), image_id=1)
    found = diagnosis_of(metric.run())
    assert found.pq == 0.0
    assert found.groups["All"].loss.fp_cls == 1.0
    oracle = next(each for each in found.oracles if each.kind == "cls")
    assert (oracle.pq, oracle.gain, oracle.segments) == (1.0, 1.0, 1)


def test_the_data_have_every_kind_of_error() -> None:
    """Comparisons with the twin can fail for each of the terms and flags; under conic void excuses nothing."""
    seen: dict[str, int] = {}

    @settings(max_examples=80, phases=[Phase.generate], derandomize=True, database=None)
    @given(datasets())
    def look(dataset: dict) -> None:
        for row in diagnosis_of(run_of(dataset, "conic")).per_class:
            for name, count in {**row.counts, "split": row.split, "merge": row.merge}.items():
                seen[name] = seen.get(name, 0) + count

    look()
    assert set(seen) == {"tp", *TERMS[1:], "split", "merge"}
    assert min(seen.values()) > 2, seen


def test_a_worked_example() -> None:
    """Of five, one is found, one has the wrong class, one is missed, one is in two halves, one hardly touched."""
    table = [{"id": 1, "name": "cat", "isthing": 1}, {"id": 2, "name": "dog", "isthing": 1}]
    truth = np.array([[1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 4, 4, 9, 9, 9, 9, 9, 9]])
    guess = np.array([[1, 1, 1, 0, 5, 5, 0, 0, 6, 6, 7, 7, 0, 0, 0, 0, 0, 8]])
    metric = pqeval.PanopticQuality(table)
    gt = [
        {"id": 1, "category_id": 1},
        {"id": 2, "category_id": 2},
        {"id": 3, "category_id": 2},
        {"id": 4, "category_id": 2},
        {"id": 9, "category_id": 2},
    ]
    pred = [
        {"id": 1, "category_id": 1},
        {"id": 5, "category_id": 1},
        {"id": 6, "category_id": 2},
        {"id": 7, "category_id": 2},
        {"id": 8, "category_id": 1},
    ]
    metric.update(gt=(truth, gt), pred=(guess, pred), image_id="a")
    found = diagnosis_of(metric.run())
    cat, dog = found.per_class
    assert cat.counts == dict.fromkeys(TERMS[1:], 0) | {"tp": 1, "fp_cls": 1, "fp_both": 1}
    assert dog.counts == {
        **dict.fromkeys(TERMS[1:], 0),
        "tp": 0,
        "fp_loc": 2,
        "fn_cls": 1,
        "fn_loc": 1,
        "fn_miss": 1,
        "fn_both": 1,
    }
    assert (dog.split, dog.merge, cat.split) == (2, 0, 0)
    # Cats: IoU 3/4, 1 TP, 2 FP: 3/8. 1 - PQ = (1/4 + 1/2 + 1/2) / 2.
    assert (cat.pq, cat.loss.mask, cat.loss.fp_cls, cat.loss.fp_both) == (3 / 8, 1 / 8, 1 / 4, 1 / 4)
    assert cat.of_all.total + dog.of_all.total == 1 - found.pq
    assert [(row.gt_name, row.pred_name, row.count, row.near) for row in found.confusions] == [
        ("dog", "cat", 1, 1)
    ]
    repaired = {oracle.kind: oracle.pq for oracle in found.oracles}
    assert repaired["mask"] == number((1 / 2 + 0) / 2)
    assert repaired["cls"] == number((0.75 / 1.5 + 1 / (1 + 2 / 2 + 3 / 2)) / 2)
    assert repaired["loc"] == number((3 / 8 + 1 / (1 + 3 / 2)) / 2)
