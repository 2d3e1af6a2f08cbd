"""Remake every measurement: inputs, start-up, stages, peers, arrays, scale, and the tables of the page.

Run ``python benchmarks/run.py --page docs/explanation/performance.md`` in an environment with pqeval and the
peers, on a machine that does nothing else. Most of the time, an hour or two, is that of the programs in Python.
``--quick`` runs the comparisons once on little data, to see that they work, and prints the tables; real results
stay as they are.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import workloads

HERE = Path(__file__).resolve().parent


def all_steps(data: list[str], sample: list[str], page: str) -> list[list[str]]:
    """Every script with its arguments, in order."""
    return [
        ["workloads.py", *data, *sample, *workloads.WORKLOADS, *workloads.REPEATED],
        ["startup.py"],
        ["stages.py", *data],
        ["families.py", *data],
        ["peers.py", *data],
        ["arrays.py", *data],
        ["resampling.py"],
        ["scale.py", *data],
        ["table.py", page],
    ]


def quick_steps(data: list[str], sample: list[str], results: Path) -> list[list[str]]:
    """What can be tried in a few minutes."""
    once = ["--rounds", "1", "--slow-rounds", "1"]
    return [
        ["workloads.py", *data, *sample, "coco-500", "no-void-20"],
        [
            "peers.py",
            *data,
            *once,
            "--workloads",
            "coco-500",
            "--cores",
            "1",
            "--output",
            str(results / "peers.json"),
        ],
        ["arrays.py", *data, *once, "--slow-pairs", "1", "--output", str(results / "arrays.json")],
        ["table.py", "-", "--results", str(results)],
    ]


def main() -> None:
    """Run all steps; stop at the first that fails."""
    parser = argparse.ArgumentParser(description="Remake every measurement.")
    parser.add_argument("--page", default="-", help="the page whose tables are replaced, or - to print them")
    parser.add_argument("--folder", type=Path, default=workloads.DATA, help="folder of all workloads")
    parser.add_argument("--sample", type=Path, default=workloads.SAMPLE, help="COCO panoptic images to draw from")
    parser.add_argument("--quick", action="store_true", help="once, on little data, and only print")
    options = parser.parse_args()
    data = ["--folder", str(options.folder)]
    sample = ["--sample", str(options.sample)]
    if options.quick:
        steps = quick_steps(data, sample, options.folder / "quick-results")
    else:
        steps = all_steps(data, sample, options.page)
    for script, *arguments in steps:
        if not (HERE / script).is_file():
            print(f"# {script} is absent, left out", flush=True)
            continue
        print(f"# {script} {' '.join(arguments)}", flush=True)
        if subprocess.run([sys.executable, str(HERE / script), *arguments]).returncode:
            raise SystemExit(f"{script} failed")


if __name__ == "__main__":
    main()
