"""Live parity with panopticapi, the reference implementation, in this process and to the last bit.

The package is ``panopticapi-lite`` from PyPI: cocodataset/panopticapi as it is, but installable. Its single-core
function is what is compared, since its multi-core one adds sums in an order that depends on the machine.

Outside parity lies what the reference does not survive: a group without a class (it divides by zero; here the
group is not scored), areas that leave a union of zero pixels (its PQ is infinite; here an error), and rows that
lack ``area`` or ``iscrowd``.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import naive
import network_scenes
import numpy as np
import pytest
import strategies
from hypothesis import given, settings
from PIL import Image

import pqeval

reference = pytest.importorskip("panopticapi.evaluation", reason="panopticapi-lite is not installed")

GROUPS = {"All": None, "Things": True, "Stuff": False}
SAMPLE = Path(__file__).parents[2].parent / "shared" / "coco_sample"
COMPILED = os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")
SEEDS = [1, 2] if COMPILED else [1]  # these images are large for plain Python
EXPLAINED = {"gt-area", "segment-repeated", "crowds-of-one-class"}

files_per_test = settings(max_examples=40)


# Both programs, and their numbers in one form. Floats as float.hex, so that -0.0 and the last bit count.


def run_reference(gt: Path, pred: Path) -> tuple[dict[str, Any], bool]:
    """Return the numbers of panopticapi, and whether they are finite."""
    truth, guess = (json.loads(path.read_text(encoding="utf-8")) for path in (gt, pred))
    categories = {category["id"]: category for category in truth["categories"]}
    predictions = {annotation["image_id"]: annotation for annotation in guess["annotations"]}
    pairs = [(annotation, predictions[annotation["image_id"]]) for annotation in truth["annotations"]]
    with contextlib.redirect_stdout(io.StringIO()), np.errstate(divide="ignore"):
        stat = reference.pq_compute_single_core(
            0, pairs, str(gt.with_suffix("")), str(pred.with_suffix("")), categories
        )
    numbers: dict[str, Any] = {"per_class": {}, "groups": {}}
    for group, isthing in GROUPS.items():
        try:
            mean, classes = stat.pq_average(categories, isthing=isthing)
        except ZeroDivisionError:
            numbers["groups"][group] = {"n": 0, "pq": None, "sq": None, "rq": None}
            continue
        numbers["groups"][group] = {"n": mean["n"]} | {key: float(mean[key]).hex() for key in ("pq", "sq", "rq")}
        if group == "All":
            for number, scores in classes.items():
                numbers["per_class"][number] = {key: float(value).hex() for key, value in scores.items()}
    finite = True
    for number in categories:
        counted = stat[number]
        finite = finite and bool(np.isfinite(counted.iou))
        row = numbers["per_class"].setdefault(number, {})
        row |= {"tp": counted.tp, "fp": counted.fp, "fn": counted.fn, "iou_sum": float(counted.iou).hex()}
    return numbers, finite


def run_pqeval(gt: Path, pred: Path, convention: str) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the same numbers by pqeval, and how many images each kind of warning concerns."""
    result = pqeval.evaluate(gt=gt, pred=pred, convention=convention, workers=1)

    def scores(row: Any) -> dict[str, Any]:
        return {key: None if getattr(row, key) is None else getattr(row, key).hex() for key in ("pq", "sq", "rq")}

    numbers: dict[str, Any] = {"per_class": {}, "groups": {}}
    for group in GROUPS:
        numbers["groups"][group] = {"n": result.groups[group].n, **scores(result.groups[group])}
    for row in result.per_class:
        numbers["per_class"][row.id] = {"tp": row.tp, "fp": row.fp, "fn": row.fn, "iou_sum": row.iou_sum.hex()}
        if result.groups["All"].n:
            # A class that does not occur is 0 in the reference, and not averaged.
            shown = {key: value or (0.0).hex() for key, value in scores(row).items()}
            numbers["per_class"][row.id] |= shown
    found = (re.match(r"\[(\S+)\] (?:(\d+) image)?", warning) for warning in result.warnings)
    warnings = {match[1]: int(match[2] or 0) for match in found if match}
    warnings.pop("categories-misaligned", None)
    return numbers, warnings


def counts(numbers: dict[str, Any]) -> dict[int, tuple[int, int, int]]:
    return {number: (row["tp"], row["fp"], row["fn"]) for number, row in numbers["per_class"].items()}


# Data made by hypothesis.


@files_per_test
@given(strategies.datasets(ascending=True))
def test_both_conventions_on_well_formed_data(dataset: dict) -> None:
    with strategies.written(dataset) as paths:
        expected, finite = run_reference(**paths)
        assert finite
        assert run_pqeval(**paths, convention="panopticapi") == (expected, {})
        assert run_pqeval(**paths, convention="coco") == (expected, {})


@files_per_test
@given(strategies.datasets())
def test_images_in_any_order(dataset: dict) -> None:
    """The reference adds in file order; so does its convention, while ``coco`` adds by image id."""
    with strategies.written(dataset) as paths:
        expected, _ = run_reference(**paths)
        assert run_pqeval(**paths, convention="panopticapi") == (expected, {})
        ours, _ = run_pqeval(**paths, convention="coco")
    assert counts(ours) == counts(expected)
    for number, row in ours["per_class"].items():
        assert float.fromhex(row["iou_sum"]) == pytest.approx(
            float.fromhex(expected["per_class"][number]["iou_sum"]), abs=1e-12
        )


def test_the_order_of_the_sum_decides_about_the_last_bit(tmp_path: Path) -> None:
    """Sixty images with other IoUs, ids descending in the file."""
    images = []
    for place in range(60):
        length = 7 + 5 * place
        gt, pred = [[1] * length], [[1] * (length - place % 4) + [0] * (place % 4)]
        sides = {
            "gt": {"map": gt, "segments": [row(1, 1, length)]},
            "pred": {"map": pred, "segments": [row(1, 1, 0)]},
        }
        images.append({"image_id": 100 - place, **sides})
    ious = [(7 + 5 * place - place % 4) / (7 + 5 * place) for place in range(60)]
    in_file_order, by_id = 0.0, 0.0
    for iou in ious:
        in_file_order += iou
    for iou in reversed(ious):
        by_id += iou
    assert in_file_order != by_id  # else this test would show nothing
    paths = strategies.write({"categories": [THING, STUFF], "images": images}, tmp_path)
    expected, _ = run_reference(**paths)
    assert expected["per_class"][1]["iou_sum"] == in_file_order.hex()
    assert run_pqeval(**paths, convention="panopticapi")[0] == expected
    assert run_pqeval(**paths, convention="coco")[0]["per_class"][1]["iou_sum"] == by_id.hex()


@settings(max_examples=80)
@given(strategies.datasets(well_formed=False, conflicts=True))
def test_ill_formed_data_bug_for_bug(dataset: dict) -> None:
    for image in dataset["images"]:
        for segment in image["gt"]["segments"]:
            segment.setdefault("area", 1)
    with strategies.written(dataset) as paths:
        expected, finite = run_reference(**paths)
        if finite:
            numbers, _ = run_pqeval(**paths, convention="panopticapi")
            assert numbers == expected
        else:
            with pytest.raises(pqeval.DataError) as caught:
                run_pqeval(**paths, convention="panopticapi")
            codes = {error.code for error in getattr(caught.value, "errors", [caught.value])}
            assert codes == {"area-undefined"}


@files_per_test
@given(strategies.datasets(well_formed=False, ascending=True))
def test_coco_differs_only_where_it_says_so(dataset: dict) -> None:
    twin = naive.panoptic_quality(dataset, "coco")
    with strategies.written(dataset) as paths:
        ours, warnings = run_pqeval(**paths, convention="coco")
        expected, finite = run_reference(**paths)
    assert warnings == {reason: len(images) for reason, images in twin["notes"].items()}
    for row in twin["per_class"]:
        assert {key: ours["per_class"][row["id"]][key] for key in ("tp", "fp", "fn")} == {
            key: row[key] for key in ("tp", "fp", "fn")
        }
        assert ours["per_class"][row["id"]]["iou_sum"] == row["iou_sum"].hex()
    if not EXPLAINED & set(warnings):
        assert (ours, finite) == (expected, True)
        return
    # Without the images that the warnings count, there is no difference.
    blamed = set().union(*(twin["notes"].get(reason, set()) for reason in EXPLAINED))
    rest = [image for image in dataset["images"] if image["image_id"] not in blamed]
    if rest:
        with strategies.written({**dataset, "images": rest}) as paths:
            ours, warnings = run_pqeval(**paths, convention="coco")
            assert (ours, True) == run_reference(**paths)
        assert not EXPLAINED & set(warnings)


# What the reference makes of its three best known quirks, and what coco makes of them.


STUFF = {"id": 30, "name": "sky", "isthing": 0}
THING = {"id": 1, "name": "cat", "isthing": 1}
FULL = [[5] * 20] * 20


def one_image(gt_map: Any, gt: list, pred_map: Any, pred: list) -> dict[str, Any]:
    image = {"image_id": 1, "gt": {"map": gt_map, "segments": gt}, "pred": {"map": pred_map, "segments": pred}}
    return {"categories": [THING, STUFF], "images": [image]}


def row(number: int, category: int, area: int, crowd: int = 0) -> dict[str, int]:
    return {"id": number, "category_id": category, "area": area, "iscrowd": crowd}


@pytest.mark.parametrize(
    ("dataset", "theirs", "right", "warnings"),
    [
        (one_image(FULL, [row(5, 30, 40)], FULL, [row(5, 30, 0)]), 10.0, 1.0, {"gt-area": 1}),
        (one_image(FULL, [row(5, 30, 4000)], FULL, [row(5, 30, 0)]), 0.0, 1.0, {"gt-area": 1}),
        (
            one_image(FULL, [row(5, 30, 380), row(5, 30, 20)], FULL, [row(5, 30, 0)]),
            20.0,
            1.0,
            {"segment-repeated": 1},
        ),
        (
            one_image(
                [[1, 1, 2, 2, 3]],
                [row(1, 1, 2, 1), row(2, 1, 2, 1), row(3, 30, 1)],
                [[11, 11, 12, 12, 13]],
                [row(11, 1, 0), row(12, 1, 0), row(13, 30, 0)],
            ),
            0.5,
            1.0,
            {"crowds-of-one-class": 1},
        ),
        (
            one_image(
                [[1, 1, 1, 1, 1, 1]],
                [row(1, 1, 1)],
                [[11, 11, 12, 12, 13, 13]],
                [row(11, 1, 0), row(12, 1, 0), row(13, 1, 0)],
            ),
            2.0,
            0.0,
            {"gt-area": 1},
        ),
    ],
    ids=["area too small", "area too large", "repeated id", "two crowds", "three matches"],
)
def test_known_quirks(dataset: dict, theirs: float, right: float, warnings: dict, tmp_path: Path) -> None:
    paths = strategies.write(dataset, tmp_path)
    expected, _ = run_reference(**paths)
    assert float.fromhex(expected["groups"]["All"]["pq"]) == theirs
    assert run_pqeval(**paths, convention="panopticapi")[0] == expected
    ours, found = run_pqeval(**paths, convention="coco")
    assert float.fromhex(ours["groups"]["All"]["pq"]) == right
    assert found == warnings


def test_an_area_of_zero(tmp_path: Path) -> None:
    paths = strategies.write(one_image(FULL, [row(5, 30, 0)], FULL, [row(5, 30, 0)]), tmp_path)
    assert run_reference(**paths)[1] is False
    with pytest.raises(pqeval.DataError):
        run_pqeval(**paths, convention="panopticapi")
    assert run_pqeval(**paths, convention="coco")[0]["groups"]["All"]["pq"] == (1.0).hex()


# Real ground truth, with predictions made from it.


def as_it_is(ids: np.ndarray, segments: list, dice: random.Random, categories: list) -> np.ndarray:
    return ids


def shifted(ids: np.ndarray, segments: list, dice: random.Random, categories: list) -> np.ndarray:
    return np.roll(ids, (dice.randrange(1, 40), dice.randrange(-40, 40)), axis=(0, 1))


def dropped(ids: np.ndarray, segments: list, dice: random.Random, categories: list) -> np.ndarray:
    lost = dice.sample([segment["id"] for segment in segments], len(segments) // 3)
    return np.where(np.isin(ids, lost), 0, ids)


def merged(ids: np.ndarray, segments: list, dice: random.Random, categories: list) -> np.ndarray:
    ids = ids.copy()
    for _ in range(len(segments) // 3):
        one, other = dice.sample([segment["id"] for segment in segments], 2)
        ids[ids == one] = other
    return ids


def halved(ids: np.ndarray, segments: list, dice: random.Random, categories: list) -> np.ndarray:
    """Of every segment keep half of the pixels, or a pixel more, as void or as something new."""
    flat = ids.reshape(-1).copy()
    for segment in list(segments):
        own = np.flatnonzero(flat == segment["id"])
        new = dice.choice((0, 2**24 - 1 - len(segments)))
        flat[own[len(own) // 2 + dice.randrange(2) :]] = new
        if new:
            segments.append({"id": new, "category_id": segment["category_id"]})
    return flat.reshape(ids.shape)


def recoloured(ids: np.ndarray, segments: list, dice: random.Random, categories: list) -> np.ndarray:
    for segment in segments:
        if dice.randrange(3) == 0:
            segment["category_id"] = dice.choice(categories)
    return ids


def tiled(ids: np.ndarray, segments: list, dice: random.Random, categories: list) -> np.ndarray:
    """Squares with nothing to do with the image."""
    size = dice.randrange(24, 90)
    y, x = np.indices(ids.shape) // size
    tiles = (y * 50 + x + 1) * 4099
    segments[:] = [{"id": int(tile), "category_id": dice.choice(categories)} for tile in np.unique(tiles)]
    return tiles


def sample_dataset(mistakes: list[Callable], seed: int) -> dict[str, Any]:
    dice = random.Random(seed)
    truth = json.loads((SAMPLE / "gt.json").read_text(encoding="utf-8"))
    used = sorted({row["category_id"] for image in truth["annotations"] for row in image["segments_info"]})
    images = []
    for annotation in sorted(truth["annotations"], key=lambda annotation: annotation["image_id"]):
        with Image.open(SAMPLE / "gt" / annotation["file_name"]) as png:
            red, green, blue = np.moveaxis(np.asarray(png.convert("RGB"), np.int64), -1, 0)
        gt = red + 256 * green + 65536 * blue
        pred = gt
        segments = [{"id": row["id"], "category_id": row["category_id"]} for row in annotation["segments_info"]]
        for mistake in mistakes:
            pred = mistake(pred, segments, dice, used)
        present = set(np.unique(pred).tolist())
        images.append(
            {
                "image_id": annotation["image_id"],
                "gt": {"map": gt, "segments": annotation["segments_info"]},
                "pred": {"map": pred, "segments": [row for row in segments if row["id"] in present]},
            }
        )
    return {"categories": truth["categories"], "images": images}


@pytest.mark.skipif(not (SAMPLE / "gt.json").is_file(), reason="no coco_sample beside the repository")
@pytest.mark.parametrize(
    "mistakes",
    [
        [as_it_is],
        [shifted],
        [dropped],
        [merged],
        [halved],
        [recoloured],
        [tiled],
        [dropped, shifted, recoloured],
        [merged, halved],
        [shifted, dropped, halved, recoloured],
    ],
    ids=lambda mistakes: "-".join(mistake.__name__ for mistake in mistakes),
)
@pytest.mark.parametrize("seed", SEEDS)
def test_real_ground_truth(mistakes: list[Callable], seed: int, tmp_path: Path) -> None:
    dataset = sample_dataset(mistakes, seed)
    paths = strategies.write(dataset, tmp_path)
    expected, finite = run_reference(**paths)
    assert finite
    assert run_pqeval(**paths, convention="panopticapi") == (expected, {})
    assert run_pqeval(**paths, convention="coco") == (expected, {})
    if mistakes == [as_it_is]:
        assert expected["groups"]["All"]["pq"] == (1.0).hex()


@pytest.mark.skipif(not (SAMPLE / "gt.json").is_file(), reason="no coco_sample beside the repository")
def test_the_function_with_their_name(tmp_path: Path) -> None:
    """``pqeval.pq_compute`` returns what ``panopticapi.evaluation.pq_compute`` returns."""
    paths = strategies.write(sample_dataset([shifted, recoloured], 5), tmp_path)
    expected, _ = run_reference(**paths)
    found = pqeval.pq_compute(str(paths["gt"]), str(paths["pred"]))
    assert {group: found[group]["n"] for group in GROUPS} == {
        group: expected["groups"][group]["n"] for group in GROUPS
    }
    for key in ("pq", "sq", "rq"):
        for group in GROUPS:
            assert float(found[group][key]).hex() == expected["groups"][group][key]
        for number, scores in found["per_class"].items():
            assert float(scores[key]).hex() == expected["per_class"][number][key]
    assert list(found["per_class"]) == [
        category["id"] for category in json.loads(paths["gt"].read_text())["categories"]
    ]


# Predictions of networks.


@pytest.mark.parametrize("convention", ["panopticapi", "coco"])
@pytest.mark.parametrize("name", network_scenes.NETWORKS)
def test_predictions_of_networks(name: str, convention: str) -> None:
    paths = {"gt": network_scenes.TRUTH, "pred": network_scenes.FOLDER / f"{name}.json"}
    expected, finite = run_reference(**paths)
    assert finite
    assert run_pqeval(**paths, convention=convention) == (expected, {})
