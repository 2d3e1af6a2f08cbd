"""What confidence costs: 10 000 resamples of many images with the classes of COCO, and a comparison of two models.

Run ``python benchmarks/resampling.py`` in an environment where pqeval is installed. Each case is a process of its
own on the given number of cores. The clock starts when the data are made up; the peak of memory is that of the
whole process. Results go to ``benchmarks/results/resampling.json``.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import measure

RESULTS = Path(__file__).resolve().parent / "results" / "resampling.json"
PACKAGES = ("pqeval", "numpy", "scipy")
CLASSES, SEGMENTS, CORES, ROUNDS = 133, 11, 2, 3
CASES = (
    ("intervals", 5000, "percentile"),
    ("intervals", 5000, "bca"),
    ("compare", 5000, "percentile"),
    ("intervals", 50_000, "percentile"),
)


def made_up(images: int, seed: int) -> Any:
    """A run on made-up matches: so many images with some eleven segments each, as in COCO."""
    import numpy as np

    import pqeval
    from pqeval.ledger import Column, FrameLedger, Ledger, Outcome, Side
    from pqeval.scoring import score
    from pqeval.void import convention

    table = pqeval.Categories.builtin("coco")
    ledger = Ledger()
    # The ground truth has a generator of its own, so that two runs share it.
    truths, guesses = np.random.default_rng(0), np.random.default_rng(seed)
    for number in range(images):
        count = int(truths.poisson(SEGMENTS)) + 1
        classes = truths.zipf(1.3, count) % CLASSES
        found = guesses.random(count) < 0.6
        rows = np.zeros((2 * count, len(Column)), np.int64)
        gt, pred = rows[:count], rows[count:]
        gt[:, Column.SEGMENT] = pred[:, Column.SEGMENT] = np.arange(1, count + 1)
        gt[:, Column.CATEGORY] = pred[:, Column.CATEGORY] = classes
        pred[:, Column.SIDE] = Side.PRED
        gt[:, Column.OUTCOME] = np.where(found, Outcome.TP, Outcome.FN)
        pred[:, Column.OUTCOME] = np.where(found, Outcome.TP, Outcome.FP)
        gt[:, Column.AREA] = 1000
        gt[found, Column.PARTNER] = gt[found, Column.SEGMENT]
        gt[:, Column.UNION] = 1000
        gt[:, Column.INTER] = guesses.integers(501, 1001, count)
        ledger.add(FrameLedger(number, number, 640 * 480, 0, rows))
    policy = convention("coco")
    return pqeval.Run(score(ledger, table, policy), ledger, table, policy)


def child(kind: str, images: int, method: str) -> None:
    """Do one case and print what it took."""
    from pqeval.comparison.between import compare_runs
    from pqeval.confidence import with_intervals
    from pqeval.statistics.resampling import Resampling

    runs = [made_up(images, seed) for seed in ((1,) if kind == "intervals" else (1, 2))]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    if kind == "intervals":
        told = with_intervals(runs[0], Resampling(method)).result.intervals.groups["All"]["pq"]
    else:
        told = compare_runs(runs, ["a", "b"], Resampling(method)).pairs[0].groups["All"]["pq"]
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": seconds, "before_kb": before, "peak_kb": peak, "ends": [told.low, told.high]}))


def main() -> None:
    """Measure every case, print and save."""
    parser = argparse.ArgumentParser(description="Measure resampling.")
    parser.add_argument("--child", nargs=3, metavar=("KIND", "IMAGES", "METHOD"), help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often")
    parser.add_argument("--cores", type=int, default=CORES, help="how many")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the results go")
    options = parser.parse_args()
    if options.child:
        kind, images, method = options.child
        child(kind, int(images), method)
        return
    cases = []
    for kind, images, method in CASES:
        command = [sys.executable, __file__, "--child", kind, str(images), method]
        costs = [measure.run(command, options.cores) for _ in range(options.rounds)]
        seconds = sorted(round(cost.answer["seconds"], 2) for cost in costs)
        if len({tuple(cost.answer["ends"]) for cost in costs}) != 1:
            raise SystemExit(f"{kind}, {images} images: the same seed gave different intervals")
        record = {
            "kind": kind,
            "images": images,
            "classes": CLASSES,
            "method": method,
            "resamples": 10_000,
            "seconds": seconds,
            "peak_mb": round(max(cost.memory_mb for cost in costs), 1),
        }
        cases.append(record)
        print(
            f"{seconds[len(seconds) // 2]:8.2f} s {record['peak_mb']:8.1f} MB  {kind}, {images} images, {method}"
        )
    measure.save({"cores": options.cores, **measure.context(PACKAGES), "cases": cases}, options.output)


if __name__ == "__main__":
    main()
