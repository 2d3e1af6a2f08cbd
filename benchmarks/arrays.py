"""pqeval against other programs on arrays in memory: one process, one core, warm, 640x480.

Run ``python benchmarks/arrays.py`` in an environment with pqeval, vernier and torchmetrics. Decoding, and putting
arrays and segment tables into the form that a program takes, happens before and is not timed. Each round scores
the same pairs with every program, in turns. Results go to ``benchmarks/results/arrays.json``.

What is timed, per pair:

========================  ====================================================================================
pqeval                    ``update`` per pair, ``compute`` once at the end
pqeval, compute each      ``reset``, ``update`` and ``compute`` per pair
vernier, building         both datasets from arrays, then ``evaluate``, all pairs at once
vernier, building each    the same pair by pair
vernier, matching         ``evaluate`` of all pairs on datasets already built
torchmetrics              ``update`` per pair, ``compute`` once at the end; on the first few pairs only
========================  ====================================================================================
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import measure

# Before anything reads them: one core, and no more threads than that.
os.sched_setaffinity(0, measure.budget(1))
os.environ.update(measure.environment(1))

import numpy as np  # noqa: E402
import torch  # noqa: E402
import workloads  # noqa: E402
from PIL import Image  # noqa: E402
from runners import category_instance  # noqa: E402
from torchmetrics.detection import PanopticQuality as TorchPanopticQuality  # noqa: E402
from vernier import panoptic as vernier  # noqa: E402

import pqeval  # noqa: E402

WORKLOAD = "no-void-20"  # torchmetrics forgives void where others do not
RESULTS = Path(__file__).resolve().parent / "results" / "arrays.json"
PACKAGES = ("pqeval", "numpy", "numba", "vernier", "torchmetrics", "torch")
# Which of the two ways to use pqeval is the counterpart of what the others do.
AGAINST = {
    "vernier, building": "pqeval",
    "vernier, building each": "pqeval, compute each",
    "vernier, matching": "pqeval",
    "torchmetrics": "pqeval",
}
TOLERANCE = {"torchmetrics": 1e-6}  # it divides areas as 32-bit floats


class Pair(NamedTuple):
    """One image: maps of segment ids and lists of segments."""

    image_id: int
    gt: tuple[np.ndarray, list[dict[str, int]]]
    pred: tuple[np.ndarray, list[dict[str, int]]]


class Contest(NamedTuple):
    """What is timed, and on how many pairs; it returns its result, or None if it has one per pair."""

    run: Callable[[], Any]
    pairs: int


Counts = dict[int, tuple[int, ...]]


def load(folder: Path) -> tuple[list[dict[str, Any]], list[Pair]]:
    """Read a workload into arrays; return its categories and its pairs."""
    truth, guess = (json.loads((folder / name).read_bytes()) for name in ("gt.json", "pred.json"))
    pairs = []
    for both in zip(truth["annotations"], guess["annotations"], strict=True):
        sides = []
        for side, annotation in zip(("gt", "pred"), both, strict=True):
            with Image.open(folder / side / annotation["file_name"]) as png:
                ids = np.asarray(png, np.uint32) @ np.array([1, 256, 65536], np.uint32)
            sides.append((ids, annotation["segments_info"]))
        pairs.append(Pair(both[0]["image_id"], *sides))
    return truth["categories"], pairs


def ours(categories: list[dict[str, Any]], pairs: list[Pair]) -> dict[str, Contest]:
    """pqeval, with one result for all pairs, and with one for each."""
    metric = pqeval.PanopticQuality(categories)

    def together() -> pqeval.Result:
        metric.reset()
        for pair in pairs:
            metric.update(gt=pair.gt, pred=pair.pred, image_id=pair.image_id)
        return metric.compute()

    def each() -> None:
        for pair in pairs:
            metric.reset()
            metric.update(gt=pair.gt, pred=pair.pred, image_id=pair.image_id)
            metric.compute()

    return {"pqeval": Contest(together, len(pairs)), "pqeval, compute each": Contest(each, len(pairs))}


def vernier_contests(categories: list[dict[str, Any]], pairs: list[Pair]) -> dict[str, Contest]:
    """The vernier peer: building its datasets, all pairs at once or pair by pair, and matching alone."""
    table = json.dumps(categories).encode()
    evaluator = vernier.Evaluator()

    def prepared(some: list[Pair]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        forms = []
        for side in ("gt", "pred"):
            maps = {pair.image_id: getattr(pair, side)[0] for pair in some}
            rows = {str(pair.image_id): getattr(pair, side)[1] for pair in some}
            forms.append((maps, json.dumps(rows).encode()))
        return (*forms[0], table), forms[1]

    def built(gt: tuple[Any, ...], pred: tuple[Any, ...]) -> Any:
        return vernier.Dataset.from_arrays(*gt), vernier.Predictions.from_arrays(*pred)

    everything, one_by_one = prepared(pairs), [prepared([pair]) for pair in pairs]
    ready = built(*everything)

    def each() -> None:
        for inputs in one_by_one:
            evaluator.evaluate(*built(*inputs), num_threads=1)

    return {
        "vernier, building": Contest(lambda: evaluator.evaluate(*built(*everything), num_threads=1), len(pairs)),
        "vernier, building each": Contest(each, len(pairs)),
        "vernier, matching": Contest(lambda: evaluator.evaluate(*ready, num_threads=1), len(pairs)),
    }


def torch_contest(categories: list[dict[str, Any]], pairs: list[Pair]) -> dict[str, Contest]:
    """Torchmetrics on the CPU, on tensors made before."""
    things, stuff = (sorted(row["id"] for row in categories if row["isthing"] == kind) for kind in (1, 0))
    metric = TorchPanopticQuality(things, stuff)
    tensors = [
        tuple(torch.from_numpy(category_instance(*side)[None]) for side in (pair.pred, pair.gt)) for pair in pairs
    ]

    def run() -> TorchPanopticQuality:
        metric.reset()
        for pred, gt in tensors:
            metric.update(pred, gt)
        metric.compute()
        return metric

    return {"torchmetrics": Contest(run, len(pairs))}


def reading(outcome: Any, categories: list[dict[str, Any]]) -> tuple[float, Counts]:
    """PQ, and TP, FP and FN of each class that occurs, out of the result of any of the programs."""
    if isinstance(outcome, pqeval.Result):
        counts = {row.id: (row.tp, row.fp, row.fn) for row in outcome.per_class}
        pq = outcome.pq
    elif isinstance(outcome, TorchPanopticQuality):
        order = sorted((not row["isthing"], row["id"]) for row in categories)
        columns = (outcome.true_positives, outcome.false_positives, outcome.false_negatives)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        counts = {number: row for (_, number), row in zip(order, rows, strict=True)}
        pq = outcome.compute().item()
    else:
        counts = {number: (row.n_tp, row.n_fp, row.n_fn) for number, row in outcome.per_class().items()}
        pq = outcome.pq
    return pq, {number: row for number, row in counts.items() if any(row)}


def check(contests: dict[str, Contest], expected: dict[int, Any], categories: list[dict[str, Any]]) -> None:
    """Stop unless every program that gives one result for its pairs gives pqeval's."""
    for name, contest in contests.items():
        outcome = contest.run()
        if outcome is None:
            continue
        (pq, counts), (our_pq, our_counts) = reading(outcome, categories), expected[contest.pairs]
        if counts != our_counts or not abs(pq - our_pq) <= TOLERANCE.get(name, 1e-9):
            raise SystemExit(f"{name} gives PQ {pq!r}, pqeval {our_pq!r}; counts equal: {counts == our_counts}")
        print(f"{name}: agrees, PQ {pq:.9f} on {contest.pairs} pairs")


def main() -> None:
    """Compare, print and save."""
    parser = argparse.ArgumentParser(description="Compare pqeval with other programs on arrays.")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--slow-rounds", type=int, default=3, help="rounds in which torchmetrics takes part")
    parser.add_argument("--slow-pairs", type=int, default=3, help="pairs that torchmetrics gets")
    parser.add_argument("--folder", type=Path, default=workloads.DATA, help="folder of all workloads")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    categories, pairs = load(workloads.make(WORKLOAD, options.folder))
    few = pairs[: options.slow_pairs]
    contests = ours(categories, pairs) | vernier_contests(categories, pairs) | torch_contest(categories, few)
    expected = {len(some): reading(ours(categories, some)["pqeval"].run(), categories) for some in (few, pairs)}
    check(contests, expected, categories)
    samples: dict[str, list[float]] = {name: [] for name in contests}
    for turn in range(options.rounds):
        for name, contest in contests.items():
            if name != "torchmetrics" or turn < options.slow_rounds:
                began = time.perf_counter()
                contest.run()
                samples[name].append(round(1000 * (time.perf_counter() - began) / contest.pairs, 4))
    medians = {name: round(statistics.median(values), 4) for name, values in samples.items()}
    record = {
        "unit": "milliseconds per pair of 640x480, one core, warm; medians over rounds",
        **measure.context(PACKAGES),
        "workload": WORKLOAD,
        "pairs": {name: contest.pairs for name, contest in contests.items()},
        "repetitions": {name: len(values) for name, values in samples.items()},
        "ms_per_pair": medians,
        "against": AGAINST,
        "ratio": {name: round(medians[name] / medians[own], 3) for name, own in AGAINST.items()},
        "samples": samples,
    }
    for name, value in medians.items():
        print(f"{value:10.3f} ms  {name:24} {record['ratio'].get(name, 1.0):9.2f} x {AGAINST.get(name, '')}")
    measure.save(record, options.output)


if __name__ == "__main__":
    main()
