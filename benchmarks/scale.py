"""How pqeval alone grows: with pairs, with pixels, with threads; and how much of its memory is the JSON files.

Run ``python benchmarks/scale.py`` in an environment where pqeval is installed. Whole processes, medians,
interleaved. Results go to ``benchmarks/results/scale.json``. ``parsed`` is a process that only decodes the two
JSON files, with the library that pqeval uses, and ``idle`` one that does nothing.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import measure
import peers
import workloads

RESULTS = Path(__file__).resolve().parent / "results" / "scale.json"
PAIRS = ("coco-500", "coco-5000", "coco-20000")
PIXELS = ("scaled-1", "scaled-2", "scaled-4")
PACKAGES = ("pqeval", "numpy", "numba", "msgspec")


def plan(cores: int) -> list[tuple[str, str, int]]:
    """What runs: program, workload, cores."""
    cases = [("idle", PAIRS[0], 1)]
    for workload in PAIRS:
        cases += [("parsed", workload, 1), ("pqeval", workload, 1), ("pqeval", workload, cores)]
    return cases + [("pqeval", workload, 1) for workload in PIXELS]


def megabytes(folder: Path) -> float:
    """Compressed size of all PNGs of a workload."""
    files = [entry for side in ("gt", "pred") for entry in (folder / side).iterdir()]
    return round(sum(entry.stat().st_size for entry in files) / measure.MEGABYTE, 2)


def findings(rows: list[dict[str, Any]], cores: int) -> dict[str, Any]:
    """What the measurements say about growth."""
    by_case = {(row["program"], row["workload"], row["cores"]): row for row in rows}
    first, middle, last = (by_case["pqeval", workload, 1] for workload in PAIRS)
    beyond = {
        workload: round(
            by_case["pqeval", workload, 1]["memory_mb"] - by_case["parsed", workload, 1]["memory_mb"], 1
        )
        for workload in PAIRS
    }
    small, large = beyond[PAIRS[1]], beyond[PAIRS[2]]
    # The slope between two sizes has no start-up in it; what is left of the smaller one is start-up.
    slope = (last["wall_s"] - first["wall_s"]) / (last["pairs"] - first["pairs"])
    startup = first["wall_s"] - slope * first["pairs"]
    pixels = {workload: by_case["pqeval", workload, 1]["wall_s"] - startup for workload in PIXELS}
    return {
        "startup_s": round(startup, 3),
        "ms_per_pair": {
            row["workload"]: round(1000 * row["wall_s"] / row["pairs"], 4) for row in (first, middle, last)
        },
        "ms_per_further_pair": round(1000 * slope, 4),
        "time_per_pair_20000_to_5000": round(
            last["wall_s"] / last["pairs"] * middle["pairs"] / middle["wall_s"], 3
        ),
        "time_to_smallest_pixels": {name: round(value / pixels[PIXELS[0]], 3) for name, value in pixels.items()},
        "speed_up": {
            workload: round(
                by_case["pqeval", workload, 1]["wall_s"] / by_case["pqeval", workload, cores]["wall_s"], 3
            )
            for workload in PAIRS
        },
        "memory_beyond_json_mb": beyond,
        # None if pqeval holds less than the files as Python objects.
        "memory_growth_beyond_json": round(large / small - 1, 3) if small > 0 else None,
    }


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(description="Measure how pqeval grows with the work.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cores", type=int, default=2, help="threads compared with one")
    parser.add_argument("--folder", type=Path, default=workloads.DATA, help="folder of all workloads")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    folders = {name: workloads.make(name, options.folder) for name in (*PAIRS, *PIXELS)}
    cases = plan(options.cores)
    measure.run(peers.command("pqeval", folders[PAIRS[0]], 1), 1)  # compiles, on a machine that never ran it
    costs: dict[tuple[str, str, int], list[measure.Cost]] = {case: [] for case in cases}
    for _ in range(options.rounds):
        for case in cases:
            program, workload, cores = case
            costs[case].append(measure.run(peers.command(program, folders[workload], cores), cores))
    rows = []
    for (program, workload, cores), runs in costs.items():
        head = {"program": program, "workload": workload, "pairs": runs[0].answer["images"], "cores": cores}
        rows.append(head | measure.summary(runs))
        print(
            f"{program:8} {workload:12} {cores} cores {rows[-1]['wall_s']:8.2f} s {rows[-1]['memory_mb']:7.0f} MB"
        )
    record = {
        "unit": "whole processes: seconds of wall and CPU time, peak MB; medians",
        **measure.context(PACKAGES),
        "png_mb": {workload: megabytes(folder) for workload, folder in folders.items()},
        "findings": findings(rows, options.cores),
        "runs": rows,
    }
    measure.save(record, options.output)


if __name__ == "__main__":
    main()
