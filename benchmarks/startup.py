"""What it costs to begin: CPU seconds of whole processes, medians over interleaved runs.

Run ``python benchmarks/startup.py`` in an environment where pqeval is installed. Results go to
``benchmarks/results/startup.json``.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

RUNS = 9
RESULTS = Path(__file__).parent / "results" / "startup.json"
SMALL = """
import sys, numpy as np, pqeval
truth = np.array([[1, 1, 0], [2, 2, 2]])
rows = [{"id": 1, "category_id": 1}, {"id": 2, "category_id": 119}]
for name in ("gt", "pred"):
    pqeval.save_coco_panoptic(f"{sys.argv[1]}/{name}.json", [(1, truth, rows), (2, truth, rows)], "coco")
"""


def cpu_seconds(command: list[str], environment: dict[str, str]) -> float:
    """User and system time of one process and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure, print and save."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-c", SMALL, folder], check=True)
        evaluate = ["evaluate", "--gt", f"{folder}/gt.json", "--pred", f"{folder}/pred.json"]
        cases = {
            "python -c pass": ["-c", "pass"],
            "import pqeval": ["-c", "import pqeval"],
            "pqeval --help": ["-m", "pqeval", "--help"],
            "pqeval evaluate, two images, warm cache": ["-m", "pqeval", *evaluate],
        }
        environment = os.environ | {"NUMBA_CACHE_DIR": f"{folder}/warm"}
        cold = cpu_seconds([sys.executable, "-m", "pqeval", *evaluate], environment)
        seconds: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(RUNS):
            for name, arguments in cases.items():
                seconds[name].append(cpu_seconds([sys.executable, *arguments], environment))
    medians = {name: round(statistics.median(values), 3) for name, values in seconds.items()}
    medians["pqeval evaluate, two images, cold cache (one run)"] = round(cold, 3)
    record = {
        "unit": "CPU seconds per process, median",
        "runs": RUNS,
        "cpu_seconds": medians,
        "machine": {"cores": os.cpu_count(), "processor": platform.machine(), "system": platform.system()},
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("pqeval", "numpy", "numba", "click")},
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    for name, value in medians.items():
        print(f"{value:8.3f}  {name}")


if __name__ == "__main__":
    main()
