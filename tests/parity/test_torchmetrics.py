"""Live parity of the convention ``torchmetrics`` with ``torchmetrics.detection.PanopticQuality``.

Counts are equal. IoUs are float32 there, so scores agree to 1e-6.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import strategies
from hypothesis import given, settings

import pqeval

torch = pytest.importorskip("torch", reason="torch is not installed")
detection = pytest.importorskip("torchmetrics.detection", reason="torchmetrics is not installed")

FOREIGN = 77  # no category of any table here
CLOSE = 1e-6


def pixels(side: dict[str, Any]) -> np.ndarray:
    """(category, instance) per pixel; void and crowds have a category of no table, stuff has instances."""
    owner = {0: (FOREIGN, 0)}
    for row in side["segments"]:
        crowd = row.get("iscrowd")
        owner[row["id"]] = (FOREIGN if crowd else row["category_id"], row["id"])
    return np.array([[owner[number] for number in line] for line in side["map"]], np.int64)


def by_torchmetrics(images: list[tuple[np.ndarray, np.ndarray]], table: list[dict[str, Any]], allow: bool) -> Any:
    """Return counts and sums of IoU by category, and PQ, SQ, RQ averaged."""
    things = {row["id"] for row in table if row["isthing"]}
    stuffs = {row["id"] for row in table if not row["isthing"]}
    metric = detection.PanopticQuality(
        things=things, stuffs=stuffs, allow_unknown_preds_category=allow, return_sq_and_rq=True
    )
    for truth, guess in images:
        metric.update(torch.as_tensor(guess)[None], torch.as_tensor(truth)[None])
    states = (metric.true_positives, metric.false_positives, metric.false_negatives, metric.iou_sum)
    order = [*sorted(things), *sorted(stuffs)]
    columns = zip(order, *(state.tolist() for state in states), strict=True)
    return {number: tuple(rest) for number, *rest in columns}, metric.compute().tolist()


def by_pqeval(images: list[tuple[np.ndarray, np.ndarray]], table: list[dict[str, Any]], **options: Any) -> Any:
    metric = pqeval.PanopticQuality(table, convention="torchmetrics", **options)
    for place, (truth, guess) in enumerate(images):
        metric.update(gt=truth, pred=guess, image_id=place)
    result = metric.compute()
    classes = {row.id: (row.tp, row.fp, row.fn, row.iou_sum) for row in result.per_class}
    return classes, [result.pq, result.sq, result.rq]


def same(images: list[tuple[np.ndarray, np.ndarray]], table: list[dict[str, Any]], allow: bool = True) -> None:
    expected, averages = by_torchmetrics(images, table, allow)
    classes, scores = by_pqeval(images, table, **({"unknown": "void"} if allow else {}))
    assert {number: row[:3] for number, row in classes.items()} == {
        number: row[:3] for number, row in expected.items()
    }
    for number, row in expected.items():
        assert classes[number][3] == pytest.approx(row[3], abs=CLOSE * (1 + row[0]))
    if any(sum(row[:3]) for row in expected.values()):
        assert scores == pytest.approx(averages, abs=CLOSE)
    else:
        assert (scores, np.isnan(averages).all()) == ([None] * 3, True)


@settings(max_examples=60)
@given(strategies.datasets(foreign=True))
def test_data_with_much_void(dataset: dict) -> None:
    images = [(pixels(image["gt"]), pixels(image["pred"])) for image in dataset["images"]]
    same(images, dataset["categories"])


@pytest.mark.parametrize("seed", range(3))
def test_random_arrays(seed: int) -> None:
    """Blocks of random categories, known or not; in the prediction some have another category or instance."""
    dice = np.random.default_rng(seed)
    table = [{"id": number, "isthing": int(number < 4)} for number in (1, 2, 3, 4, 6, 9)]
    images = []
    for _ in range(4):
        truth = np.stack([dice.integers(0, 10, (6, 8)), dice.integers(0, 3, (6, 8))], axis=-1)
        guess = np.where(dice.random((6, 8, 1)) < 0.7, truth, dice.integers(0, 4, (6, 8, 2)))
        images.append((truth.repeat(5, 0).repeat(5, 1), np.roll(guess.repeat(5, 0).repeat(5, 1), 1, axis=0)))
    same(images, table)


def test_predictions_without_foreign_categories() -> None:
    """What torchmetrics does unless told otherwise: a foreign category in a prediction is an error."""
    table = [{"id": 1, "isthing": 1}, {"id": 2, "isthing": 0}]
    truth = np.array([[[1, 1], [1, 2], [FOREIGN, 3], [2, 5]]])
    guess = np.array([[[1, 1], [1, 1], [1, 7], [2, 0]]])
    same([(truth, guess)], table, allow=False)
    for refused in (by_torchmetrics, by_pqeval):
        options = {"allow": False} if refused is by_torchmetrics else {}
        with pytest.raises((ValueError, pqeval.DataError)):
            refused([(guess, truth)], table, **options)


def test_all_void() -> None:
    table = [{"id": 1, "isthing": 1}, {"id": 2, "isthing": 0}]
    void = np.full((3, 4, 2), FOREIGN)
    same([(void, void)], table)
    same([(void, np.ones((3, 4, 2), int))], table)
    same([(np.ones((3, 4, 2), int), void)], table)


def test_example_of_its_documentation() -> None:
    table = [{"id": number, "isthing": int(number < 6)} for number in (0, 1, 6, 7)]
    guess = np.array([[[6, 0], [0, 0], [6, 0], [6, 0]], [[0, 0], [0, 0], [6, 0], [0, 1]]])
    truth = np.array([[[6, 0], [0, 1], [6, 0], [0, 1]], [[0, 1], [0, 1], [6, 0], [0, 1]]])
    same([(truth, guess)], table, allow=False)
