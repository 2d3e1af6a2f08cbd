"""pqeval against other programs on whole folders: equal answers first, then whole processes, interleaved.

Run ``python benchmarks/peers.py`` in an environment with pqeval and the peers, on a machine that does nothing
else. Every program gets the same cores. Before anything is timed each must give pqeval's PQ, SQ, RQ, and its TP,
FP and FN of every class; that run also warms caches and measures memory. Nothing is extrapolated: a slow program
takes part in fewer rounds or on another workload, and the record says so. Results go to
``benchmarks/results/peers.json``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import measure
import workloads

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
OURS = "pqeval"
# Which programs run on which workload, and which of them are slow.
PLAN = {
    "coco-500": ("hotcoco", "vernier", "panopticapi", "cityscapesscripts", "floor"),
    "coco-5000": ("hotcoco", "vernier", "panopticapi", "cityscapesscripts", "floor"),
    "cityscapes-500": ("hotcoco", "vernier", "panopticapi", "cityscapesscripts", "floor"),
    "adversarial-50": ("hotcoco", "vernier", "panopticapi", "cityscapesscripts", "floor"),
    "no-void-20": ("hotcoco", "vernier", "panopticapi", "cityscapesscripts", "torchmetrics", "floor"),
}
SLOW = {"panopticapi", "cityscapesscripts", "torchmetrics"}
# torchmetrics divides areas as 32-bit floats.
TOLERANCE = {"torchmetrics": 1e-6}
SILENT = {"floor"}
PACKAGES = (
    *("pqeval", "numpy", "numba", "msgspec", "pillow", "hotcoco", "vernier", "panopticapi-lite"),
    *("cityscapesScripts", "torchmetrics", "torch", "deflate"),
)


def command(name: str, folder: Path, cores: int) -> list[str]:
    """The command that runs one program on one workload."""
    return [sys.executable, str(HERE / "runners.py"), name, str(folder), "--cores", str(cores)]


def differences(name: str, theirs: dict[str, Any], ours: dict[str, Any]) -> list[str]:
    """Where an answer differs from pqeval's, in words; empty if they agree."""
    keys = ("images",) if name in SILENT else ("images", "n", "per_class")
    found = [f"{key}: {theirs[key]!r:.200} and not {ours[key]!r:.200}" for key in keys if theirs[key] != ours[key]]
    if name not in SILENT:
        for key in ("pq", "sq", "rq"):
            if not abs(theirs[key] - ours[key]) <= TOLERANCE.get(name, 1e-9):
                found.append(f"{key}: {theirs[key]!r} and not {ours[key]!r}")
    return found


def compare(
    workload: str, folder: Path, peers: Sequence[str], cores: int, rounds: int, slow_rounds: int
) -> dict[str, Any]:
    """Check that programs agree on a workload, then time them.

    Parameters
    ----------
    workload, folder
        Its name and its place.
    peers
        Who is compared with pqeval.
    cores
        The budget of each program.
    rounds, slow_rounds
        In each round every program runs once; the slow ones only in the first few.

    Returns
    -------
    dict
        Answers, raw samples, medians, and ratios: how many times as much as pqeval a program takes.
    """
    names = (OURS, *peers)
    answers, memory = {}, {}
    measure.run(command(OURS, folder, cores), cores)  # compiles, on a machine that never ran it
    for name in names:
        checked = measure.run(command(name, folder, cores), cores, sample=True)
        answers[name], memory[name] = checked.answer, checked.memory_mb
        print(f"  {workload}, {cores} cores, {name}: agrees?", end=" ", file=sys.stderr, flush=True)
        if found := differences(name, checked.answer, answers[OURS]):
            raise SystemExit(f"no\n{name} and pqeval differ on {workload}:\n  " + "\n  ".join(found))
        print("yes", file=sys.stderr)
    costs: dict[str, list[measure.Cost]] = {name: [] for name in names}
    for turn in range(rounds):
        for name in names:
            if turn < (slow_rounds if name in SLOW else rounds):
                costs[name].append(measure.run(command(name, folder, cores), cores))
                if differences(name, costs[name][-1].answer, answers[OURS]):
                    raise SystemExit(f"{name} changed its answer on {workload}")
    runs = {name: measure.summary(costs[name], memory[name]) for name in names}
    ratios = {
        name: {key: round(runs[name][key] / runs[OURS][key], 3) for key in ("wall_s", "cpu_s", "memory_mb")}
        for name in peers
    }
    for answer in answers.values():
        answer.pop("per_class", None)
    pairs = answers[OURS]["images"]
    return {
        **{"workload": workload, "pairs": pairs, "cores": cores},
        **{"answers": answers, "runs": runs, "ratio_to_pqeval": ratios},
    }


def main() -> None:
    """Compare, print and save."""
    parser = argparse.ArgumentParser(description="Compare pqeval with other programs on whole folders.")
    parser.add_argument("--workloads", nargs="+", choices=PLAN, default=list(PLAN), metavar="NAME")
    parser.add_argument("--cores", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slow-rounds", type=int, default=2, help="rounds of the programs in Python")
    parser.add_argument("--only", nargs="+", metavar="PEER", help="leave out all other programs")
    parser.add_argument("--folder", type=Path, default=workloads.DATA, help="folder of all workloads")
    parser.add_argument("--output", type=Path, default=RESULTS / "peers.json")
    options = parser.parse_args()
    record: dict[str, Any] = {
        "unit": "whole processes: seconds of wall and CPU time, peak MB of all processes together; medians",
        **measure.context(PACKAGES),
        "comparisons": [],
    }
    for workload in options.workloads:
        folder = workloads.make(workload, options.folder)
        peers = [name for name in PLAN[workload] if not options.only or name in options.only]
        for cores in options.cores:
            done = compare(workload, folder, peers, cores, options.rounds, options.slow_rounds)
            record["comparisons"].append(done)
            for name, row in done["runs"].items():
                ratio = done["ratio_to_pqeval"].get(name, {}).get("wall_s", 1.0)
                print(
                    f"{workload:16} {cores} cores  {name:18} {row['wall_s']:8.2f} s  {row['cpu_s']:8.2f} s CPU "
                    f"{row['memory_mb']:7.0f} MB  {ratio:7.2f} x"
                )
            measure.save(record, options.output)  # after each, for a long run may be interrupted


if __name__ == "__main__":
    main()
