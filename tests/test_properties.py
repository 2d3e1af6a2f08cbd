"""What must hold for any data, through the public interface."""

from __future__ import annotations

import copy
import json
import tempfile
from pathlib import Path
from typing import Any

import network_scenes
import numpy as np
import pytest
import strategies
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import pqeval
from pqeval.void import CONVENTIONS


def forall(*strategy: Any, examples: int = 30) -> Any:
    """Like ``given``, with fewer examples: there are many properties."""
    return lambda test: settings(max_examples=examples)(given(*strategy)(test))


def add(metric: pqeval.PanopticQuality, image: dict[str, Any]) -> None:
    sides = {side: (np.array(image[side]["map"]), image[side]["segments"]) for side in ("gt", "pred")}
    metric.update(**sides, image_id=image["image_id"])


def score(dataset: dict[str, Any], **options: Any) -> pqeval.Result:
    metric = pqeval.PanopticQuality(dataset["categories"], **options)
    for image in dataset["images"]:
        add(metric, image)
    return metric.compute()


def numbers(result: pqeval.Result) -> tuple:
    return result.groups, result.per_class


def counts(result: pqeval.Result) -> list[tuple[int, int, int, int]]:
    return [(row.id, row.tp, row.fp, row.fn) for row in result.per_class]


def total(result: pqeval.Result, outcome: str) -> int:
    return sum(getattr(row, outcome) for row in result.per_class)


def close(result: pqeval.Result, other: pqeval.Result) -> None:
    """Scores agree to 1e-12."""
    for name, group in result.groups.items():
        assert group.n == other.groups[name].n or name == "Binary"
        for key in ("pq", "sq", "rq"):
            assert getattr(group, key) == pytest.approx(getattr(other.groups[name], key), abs=1e-12)


def changed(dataset: dict[str, Any], function: Any) -> dict[str, Any]:
    """Apply a function to the dense maps of every image; it gets the image with arrays and changes it."""
    result = copy.deepcopy(dataset)
    for image in result["images"]:
        for side in ("gt", "pred"):
            image[side]["map"] = np.array(image[side]["map"])
        function(image)
    return result


def on_both(transform: Any) -> Any:
    def function(image: dict[str, Any]) -> None:
        for side in ("gt", "pred"):
            image[side]["map"] = transform(image[side]["map"])

    return function


anything = st.one_of(strategies.datasets(foreign=True), strategies.datasets(well_formed=False, foreign=True))
conventions = st.sampled_from([name for name in CONVENTIONS if name != "panopticapi"])
"""Those that refuse no area."""


# Scores.


@forall(anything, st.sampled_from(["void", "fp"]))
def test_range(dataset: dict, unknown: str) -> None:
    result = score(dataset, unknown=unknown)
    for row in [*result.groups.values(), *result.per_class]:
        assert row.pq is None or (0 <= row.pq <= 1 and 0 <= row.sq <= 1 and 0 <= row.rq <= 1)
    for row in result.per_class:
        if row.pq is None:
            assert (row.sq, row.rq, row.tp, row.fp, row.fn, row.iou_sum) == (None, None, 0, 0, 0, 0.0)
        else:
            assert row.pq == pytest.approx(row.sq * row.rq, abs=1e-12)
            assert row.sq == 0 if row.tp == 0 else row.sq > 0.5
    assert result.groups["All"].n == result.groups["Things"].n + result.groups["Stuff"].n


@forall(anything, conventions, st.sampled_from(["void", "fp"]))
def test_range_under_every_convention(dataset: dict, convention: str, unknown: str) -> None:
    result = score(dataset, convention=convention, unknown=unknown)
    for row in [*result.groups.values(), *result.per_class]:
        assert (row.pq is None) == (row.sq is None) == (row.rq is None)
        assert row.pq is None or (0 <= row.pq <= 1 and 0 <= row.sq <= 1 and 0 <= row.rq <= 1)
    assert result.groups["All"].n == result.groups["Things"].n + result.groups["Stuff"].n


def without_crowds(dataset: dict) -> dict:
    """Turn crowds into void."""

    def change(image: dict[str, Any]) -> None:
        crowds = [row["id"] for row in image["gt"]["segments"] if row["iscrowd"]]
        image["gt"]["map"][np.isin(image["gt"]["map"], crowds)] = 0
        image["gt"]["segments"] = [row for row in image["gt"]["segments"] if not row["iscrowd"]]

    return changed(dataset, change)


@forall(strategies.datasets(), conventions)
def test_ground_truth_as_prediction_under_every_convention(dataset: dict, convention: str) -> None:
    dataset = without_crowds(dataset)
    for image in dataset["images"]:
        image["pred"] = image["gt"]
    result = score(dataset, convention=convention)
    assert (total(result, "fp"), total(result, "fn")) == (0, 0)
    for row in result.per_class:
        assert row.pq == pytest.approx(1, abs=3e-6) if row.tp else row.pq in (0.0, None)


@forall(strategies.datasets(), st.sampled_from(["coco", "panopticapi"]))
def test_ground_truth_as_prediction(dataset: dict, convention: str) -> None:
    for image in dataset["images"]:
        image["pred"] = image["gt"]
    result = score(dataset, convention=convention)
    real = {
        row["category_id"] for image in dataset["images"] for row in image["gt"]["segments"] if not row["iscrowd"]
    }
    for row in result.per_class:
        assert (row.pq, row.sq, row.rq) == ((1.0, 1.0, 1.0) if row.id in real else (None, None, None))
    assert result.groups["All"].n == len(real)
    assert result.pq == (1.0 if real else None)


# Pixels and ids.


@forall(anything, st.sampled_from(["void", "fp"]), conventions)
def test_transposing_changes_no_byte(dataset: dict, unknown: str, convention: str) -> None:
    turned, options = changed(dataset, on_both(np.transpose)), {"unknown": unknown, "convention": convention}
    assert score(turned, **options).to_json() == score(dataset, **options).to_json()


@forall(anything, st.integers(0, 2), st.integers(1, 2), conventions)
def test_a_frame_of_void_changes_no_score(dataset: dict, before: int, after: int, convention: str) -> None:
    padded = changed(dataset, on_both(lambda ids: np.pad(ids, (before, after))))
    options = {"unknown": "fp", "convention": convention}
    result, other = score(dataset, **options), score(padded, **options)
    assert numbers(result) == numbers(other)
    assert result.void | {"pixels": 0, "unknown_pixels": 0} == other.void | {"pixels": 0, "unknown_pixels": 0}


@forall(strategies.datasets(foreign=True), st.integers(2, 3))
def test_larger_pixels_change_no_score(dataset: dict, size: int) -> None:
    larger = changed(dataset, on_both(lambda ids: np.kron(ids, np.ones((size, size), ids.dtype))))
    assert numbers(score(dataset, unknown="fp")) == numbers(score(larger, unknown="fp"))


@forall(strategies.datasets(foreign=True), st.data())
def test_other_ids_change_the_last_bits_at_most(dataset: dict, data: Any) -> None:
    def renumber(image: dict[str, Any]) -> None:
        for side in ("gt", "pred"):
            present = sorted({row["id"] for row in image[side]["segments"]})
            new = dict(
                zip(present, data.draw(strategies.unique_ids(len(present), strategies.MAX_ID)), strict=True)
            )
            image[side]["map"] = np.vectorize({0: 0, **new}.get, otypes=[np.int64])(image[side]["map"])
            for row in image[side]["segments"]:
                row["id"] = new[row["id"]]

    result, other = score(dataset, unknown="void"), score(changed(dataset, renumber), unknown="void")
    assert counts(result) == counts(other)
    assert result.void | {"pq_if_unknown_were_wrong": 0} == other.void | {"pq_if_unknown_were_wrong": 0}
    close(result, other)


def reordered(dataset: dict, random: Any) -> dict:
    result = copy.deepcopy(dataset)
    for image in result["images"]:
        for side in ("gt", "pred"):
            random.shuffle(image[side]["segments"])
    return result


@forall(strategies.datasets(foreign=True), st.randoms(use_true_random=False), conventions)
def test_order_of_the_lists_changes_no_byte(dataset: dict, random: Any, convention: str) -> None:
    options = {"unknown": "fp", "convention": convention}
    before = score(dataset, **options).to_json()
    assert score(reordered(dataset, random), **options).to_json() == before


@forall(strategies.datasets(well_formed=False, foreign=True), st.randoms(use_true_random=False))
def test_order_of_ill_formed_lists_changes_no_number(dataset: dict, random: Any) -> None:
    # The warning about several crowds says what panopticapi would make of them, which depends on their order.
    result, other = score(dataset, unknown="fp"), score(reordered(dataset, random), unknown="fp")
    assert (numbers(result), result.void) == (numbers(other), other.void)


# Images.


@forall(anything, st.randoms(use_true_random=False))
def test_order_of_the_images_changes_no_byte(dataset: dict, random: Any) -> None:
    before = score(dataset, unknown="void").to_json()
    random.shuffle(dataset["images"])
    assert score(dataset, unknown="void").to_json() == before


@forall(anything, st.sampled_from(sorted(CONVENTIONS)), st.randoms(use_true_random=False), examples=60)
def test_any_split_and_any_merge_change_no_byte(dataset: dict, convention: str, random: Any) -> None:
    options = {"convention": convention, "unknown": "fp"}
    try:
        before = score(dataset, **options).to_json()
    except pqeval.DataError:  # the union of an area that the data state may vanish
        assume(convention != "panopticapi")
        raise
    shards = [pqeval.PanopticQuality(dataset["categories"], **options) for _ in range(random.randint(1, 4))]
    for image in dataset["images"]:
        # Padded samplers hand an image to more than one process.
        for shard in random.sample(shards, random.randint(1, len(shards))):
            add(shard, image)
    while len(shards) > 1:
        random.shuffle(shards)
        shards[0].merge(shards.pop())
    assert shards[0].compute().to_json() == before


@pytest.mark.parametrize("convention", ["coco", "panopticapi"])
def test_arrival_does_not_decide_about_the_last_bit(convention: str) -> None:
    """Sixty images with other IoUs, whose sum depends on the order of addition."""
    segments = [{"id": 1, "category_id": 1}]
    images, ious = [], []
    for place in range(60):
        length, lost = 7 + 5 * place, place % 4
        gt, pred = [[1] * length], [[1] * (length - lost) + [0] * lost]
        sides = {"gt": {"map": gt, "segments": segments}, "pred": {"map": pred, "segments": segments}}
        images.append({"image_id": place, **sides})
        ious.append((length - lost) / length)
    by_id, backwards = 0.0, 0.0
    for forth, back in zip(ious, reversed(ious), strict=True):
        by_id, backwards = by_id + forth, backwards + back
    assert by_id != backwards  # else this test would show nothing
    table = [{"id": 1, "isthing": 1}]
    results = [
        score({"categories": table, "images": order}, convention=convention) for order in (images, images[::-1])
    ]
    assert [result.per_class[0].iou_sum for result in results] == [by_id, by_id]
    assert results[0].to_json() == results[1].to_json()


@forall(strategies.datasets(foreign=True), conventions)
def test_every_image_twice(dataset: dict, convention: str) -> None:
    again = copy.deepcopy(dataset["images"])
    for image in again:
        image["image_id"] = f"again {image['image_id']}"
    options = {"unknown": "fp", "convention": convention}
    result, other = score(dataset, **options), score({**dataset, "images": dataset["images"] + again}, **options)
    assert counts(other) == [(number, 2 * tp, 2 * fp, 2 * fn) for number, tp, fp, fn in counts(result)]
    if "Binary" in result.groups:
        assert other.groups["Binary"].n == 2 * result.groups["Binary"].n
    if convention == "conic":  # adds to the divisors of the pooled counts
        assert other.pq == pytest.approx(result.pq, abs=1e-6)
    else:
        close(result, other)


@forall(strategies.datasets(foreign=True))
def test_an_image_of_void_is_counted_and_scores_nothing(dataset: dict) -> None:
    nothing = {"map": [[0, 0, 0]], "segments": []}
    more = {**dataset, "images": [*dataset["images"], {"image_id": -5, "gt": nothing, "pred": nothing}]}
    result, other = score(dataset, unknown="fp"), score(more, unknown="fp")
    assert numbers(result) == numbers(other)
    assert other.images["evaluated"] == result.images["evaluated"] + 1


@forall(strategies.datasets(foreign=True))
def test_a_category_that_does_not_occur_changes_no_score(dataset: dict) -> None:
    more = [{"id": 5000, "name": "unicorn", "isthing": 1}, *dataset["categories"]]
    result, other = score(dataset, unknown="fp"), score({**dataset, "categories": more}, unknown="fp")
    assert result.groups == other.groups
    assert result.per_class == other.per_class[1:]
    assert other.per_class[0].pq is None


# Void and unknown in predictions.


def erased(dataset: dict, image_of: Any) -> dict:
    """Turn some predicted pixels of every image into void; segments that vanish leave the list."""

    def erase(image: dict[str, Any]) -> None:
        image["pred"]["map"][image_of(image)] = 0
        present = set(np.unique(image["pred"]["map"]).tolist())
        image["pred"]["segments"] = [row for row in image["pred"]["segments"] if row["id"] in present]

    return changed(dataset, erase)


@forall(strategies.datasets(), st.data())
def test_leaving_a_segment_unknown_forgives_no_miss(dataset: dict, data: Any) -> None:
    """Whole segments become void: what was missed stays missed, what was found is missed then."""

    def some(image: dict[str, Any]) -> np.ndarray:
        ids = [row["id"] for row in image["pred"]["segments"]]
        return np.isin(image["pred"]["map"], data.draw(st.lists(st.sampled_from(ids), unique=True)) if ids else [])

    before, after = score(dataset), score(erased(dataset, some))
    for row, other in zip(before.per_class, after.per_class, strict=True):
        assert other.fn >= row.fn
        assert other.tp <= row.tp
        assert other.fp <= row.fp
        assert other.tp + other.fn == row.tp + row.fn
    # Void in place of what is found never pays.
    if total(before, "fp") == total(after, "fp") and before.pq is not None:
        assert after.pq <= before.pq + 1e-12


@forall(strategies.datasets(), st.integers(0, 2**32 - 1))
def test_void_inside_what_is_found_forgives_no_miss(dataset: dict, seed: int) -> None:
    """Pixels of true positives become void: misses do not become fewer, nor IoUs larger."""
    dice = np.random.default_rng(seed)
    one_by_one = {"categories": dataset["categories"]}
    for image in dataset["images"]:
        before = score({**one_by_one, "images": [image]})
        metric = pqeval.PanopticQuality(dataset["categories"])
        add(metric, image)
        (part,) = metric.ledger.ordered()
        pairs = [(row[1], row[4]) for row in part.rows.tolist() if row[0] == 0 and row[3] == 1]

        def inside(image: dict[str, Any], pairs: list = pairs) -> np.ndarray:
            found = np.zeros(image["gt"]["map"].shape, bool)
            for g, p in pairs:
                found |= (image["gt"]["map"] == g) & (image["pred"]["map"] == p)
            return found & (dice.random(found.shape) < dice.random())

        after = score(erased({**one_by_one, "images": [image]}, inside))
        for row, other in zip(before.per_class, after.per_class, strict=True):
            assert other.fn >= row.fn
            assert other.tp <= row.tp


@forall(strategies.datasets())
def test_all_void_misses_everything(dataset: dict) -> None:
    real = sum(not row["iscrowd"] for image in dataset["images"] for row in image["gt"]["segments"])
    result = score(erased(dataset, lambda image: image["pred"]["map"] >= 0))
    assert (total(result, "tp"), total(result, "fp"), total(result, "fn")) == (0, 0, real)
    assert result.pq == (0.0 if real else None)
    assert result.void["fn_unknown"] == real
    assert result.void["unknown_pixels"] == result.void["pixels"]


@forall(strategies.datasets(foreign=True))
def test_unknown_segments_are_void(dataset: dict) -> None:
    """A segment called unknown scores as the same pixels left void."""

    def foreign(image: dict[str, Any]) -> np.ndarray:
        ids = [row["id"] for row in image["pred"]["segments"] if row["category_id"] == strategies.FOREIGN_CATEGORY]
        return np.isin(image["pred"]["map"], ids)

    void = score(erased(dataset, foreign))
    for options in ({"unknown": "void"}, {"unknown_categories": [strategies.FOREIGN_CATEGORY]}):
        result = score(dataset, **options)
        assert numbers(result) == numbers(void)
        assert result.void | {"unknown_segments": 0} == void.void


@forall(strategies.datasets(foreign=True))
def test_unknown_as_false_positive_only_adds_false_positives(dataset: dict) -> None:
    void, fp = score(dataset, unknown="void"), score(dataset, unknown="fp")
    for row, other in zip(void.per_class, fp.per_class, strict=True):
        assert (other.tp, other.fn, other.iou_sum) == (row.tp, row.fn, row.iou_sum)
        assert other.fp >= row.fp
    if void.pq is not None:
        assert fp.pq <= void.pq + 1e-12


@forall(anything)
def test_the_what_if_is_not_above_the_score(dataset: dict) -> None:
    result = score(dataset, unknown="void")
    if result.pq is None:
        assert result.void["pq_if_unknown_were_wrong"] is None
    else:
        assert 0 <= result.void["pq_if_unknown_were_wrong"] <= result.pq
        assert (result.void["fn_unknown"] > 0) >= (result.void["pq_if_unknown_were_wrong"] < result.pq)


# Files.


@forall(strategies.datasets(foreign=True), st.sampled_from(["void", "fp"]), examples=15)
def test_files_score_as_arrays(dataset: dict, unknown: str) -> None:
    with strategies.written(dataset) as paths:
        from_files = pqeval.evaluate(**paths, unknown=unknown)
    from_arrays = score(dataset, unknown=unknown)
    assert numbers(from_files) == numbers(from_arrays)
    assert from_files.void == from_arrays.void
    assert from_files.images == from_arrays.images


@forall(strategies.datasets(well_formed=False, foreign=True), st.randoms(use_true_random=False), examples=15)
def test_workers_change_no_byte(dataset: dict, random: Any) -> None:
    with strategies.written(dataset) as paths:
        results = {
            pqeval.evaluate(**paths, unknown="fp", workers=workers).to_json() for workers in (1, 2, 3, 4, None)
        }
        assert len(results) == 1


@forall(anything, st.randoms(use_true_random=False), examples=15)
def test_order_of_the_file_changes_no_byte(dataset: dict, random: Any) -> None:
    with tempfile.TemporaryDirectory() as name:
        paths = strategies.write(dataset, Path(name))
        before = without_json_hashes(pqeval.evaluate(**paths, unknown="fp"))
        for path in paths.values():
            content = json.loads(path.read_text(encoding="utf-8"))
            random.shuffle(content["images"])
            random.shuffle(content["annotations"])
            path.write_text(json.dumps(content), encoding="utf-8")
        assert without_json_hashes(pqeval.evaluate(**paths, unknown="fp")) == before


def without_json_hashes(result: pqeval.Result) -> str:
    """All of a result but the hashes of the two JSON files, whose bytes are others."""
    hashes = [result.provenance["hashes"].pop(role).pop("json") for role in ("gt", "pred")]
    assert len(set(map(len, hashes))) == 1
    return result.to_json()


@forall(strategies.datasets(foreign=True), examples=15)
def test_a_result_survives_its_file(dataset: dict) -> None:
    result = score(dataset, unknown="void")
    again = pqeval.Result.from_json(result.to_json())
    assert again == result
    assert again.to_json() == result.to_json()


# Predictions of networks.


@pytest.fixture(scope="module", params=network_scenes.NETWORKS)
def networked(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Eight scenes and what a network says about them."""
    return network_scenes.dataset(request.param, images=8)


@pytest.mark.parametrize("convention", ["coco", "panopticapi"])
def test_of_networks_turning_and_enlarging_change_no_byte(networked: dict, convention: str) -> None:
    before = score(changed(networked, on_both(np.array)), convention=convention)
    turned = score(changed(networked, on_both(lambda id_map: id_map.T[::-1])), convention=convention)
    larger = score(changed(networked, on_both(lambda id_map: id_map.repeat(2, 0).repeat(2, 1))))
    assert turned.to_json() == before.to_json()
    assert (larger.groups, larger.per_class) == (score(networked).groups, score(networked).per_class)


def test_of_networks_shards_in_any_order_change_no_byte(networked: dict) -> None:
    before = score(networked).to_json()
    shards = [pqeval.PanopticQuality(networked["categories"]) for _ in range(3)]
    for place, image in enumerate(reversed(networked["images"])):
        add(shards[place % 3], image)
        add(shards[place % 2], image)
    for shard in shards[:2]:
        shards[2].merge(shard)
    assert shards[2].compute().to_json() == before


def test_of_networks_truth_against_itself_is_perfect(networked: dict) -> None:
    perfect = copy.deepcopy(networked)
    for image in perfect["images"]:
        image["pred"] = copy.deepcopy(image["gt"])
    assert score(perfect).pq == 1.0


def test_of_networks_unknown_is_never_worse_than_wrong(networked: dict) -> None:
    """Blank every false positive: what it cost is saved, and nothing else changes."""
    before = score(networked)
    for image in (blanked := copy.deepcopy(networked))["images"]:
        gt, pred = np.array(image["gt"]["map"]), np.array(image["pred"]["map"])
        for row in image["pred"]["segments"]:
            guess = pred == row["id"]
            partners = [
                mask
                for other in image["gt"]["segments"]
                if other["category_id"] == row["category_id"]
                for mask in [gt == other["id"]]
                if 2 * (mask & guess).sum() > (mask | (guess & (gt != 0))).sum()
            ]
            if not partners:
                pred[guess] = 0
        image["pred"]["map"] = pred.tolist()
        image["pred"]["segments"] = [row for row in image["pred"]["segments"] if (pred == row["id"]).any()]
    after = score(blanked)
    assert total(after, "fp") == 0 < total(before, "fp")
    assert (total(after, "tp"), total(after, "fn")) == (total(before, "tp"), total(before, "fn"))
    assert after.pq > before.pq
