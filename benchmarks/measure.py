"""Run one command and say what it cost: wall time, CPU time, peak memory. Linux only.

Time is that of the whole process, from before it starts until it is gone. CPU time comes from ``wait4``, which
adds up the times of all descendants. The peak of its resident set is told by the command itself. What several
processes hold together is sampled, in a run that is not timed: the proportional set sizes (PSS) of the command and
its descendants, in which a page shared by two processes counts half for each.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

THREAD_VARIABLES = (
    "RAYON_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "VERNIER_NUM_THREADS",
)
SAMPLING_SECONDS = 0.02
MEGABYTE = 1e6


class Cost(NamedTuple):
    """What one run cost, and the JSON line that it printed last."""

    wall_s: float
    cpu_s: float
    memory_mb: float
    answer: dict[str, Any]


def environment(cores: int) -> dict[str, str]:
    """The environment of a child that may use so many cores."""
    return os.environ | {name: str(cores) for name in THREAD_VARIABLES}


def budget(cores: int) -> set[int]:
    """The first cores that this process may run on."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < cores:
        raise SystemExit(f"a budget of {cores} cores was asked for, and there are {len(allowed)}")
    return set(allowed[:cores])


def run(command: Sequence[str], cores: int, *, sample: bool = False) -> Cost:
    """Run a command on a budget of cores.

    Parameters
    ----------
    command
        Program and arguments. Its last line of output must be a JSON object, with its peak memory as ``peak_kb``.
    cores
        Number of cores it is bound to; thread counts in its environment say the same.
    sample
        Whether to watch the memory of all its processes, which disturbs the time.

    Returns
    -------
    Cost
        ``memory_mb`` is the peak of the process itself, or with `sample` of all together if that is more.
    """
    places = budget(cores)
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        # A session of its own makes all descendants recognisable.
        child = subprocess.Popen(
            command,
            stdout=output,
            env=environment(cores),
            start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, places),
        )
        watch = _Watch(child.pid) if sample else None
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        together = watch.stop() if watch else 0.0
        output.seek(0)
        lines = output.read().decode().splitlines()
    if child.returncode:
        raise SystemExit(f"{' '.join(command)}\nended with {child.returncode}")
    answer = json.loads(lines[-1])
    peak = max(answer.pop("peak_kb") * 1024 / MEGABYTE, together)
    return Cost(wall, usage.ru_utime + usage.ru_stime, peak, answer)


class _Watch:
    """Samples the PSS of all processes of one session until stopped."""

    def __init__(self, session: int) -> None:
        self.session = session
        self.peak = 0
        self.done = threading.Event()
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()

    def _watch(self) -> None:
        while not self.done.wait(SAMPLING_SECONDS):
            self.peak = max(self.peak, sum(_pss(int(entry)) for entry in self._members()))

    def _members(self) -> list[str]:
        members = []
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                # The name, in brackets, may hold spaces; the session is the fourth field after it.
                fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
            except OSError:  # gone meanwhile
                continue
            if int(fields[3]) == self.session:
                members.append(entry)
        return members

    def stop(self) -> float:
        self.done.set()
        self.thread.join()
        return self.peak / MEGABYTE


def _pss(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def summary(costs: Sequence[Cost], memory_mb: float | None = None) -> dict[str, Any]:
    """Raw samples and medians of some runs; `memory_mb` replaces the peaks where all processes were watched."""
    walls, cpus = [round(cost.wall_s, 4) for cost in costs], [round(cost.cpu_s, 4) for cost in costs]
    peaks = [round(cost.memory_mb, 1) for cost in costs]
    return {
        "repetitions": len(costs),
        "wall_s": statistics.median(walls),
        "cpu_s": statistics.median(cpus),
        "memory_mb": round(max(memory_mb or 0.0, statistics.median(peaks)), 1),
        "samples": {"wall_s": walls, "cpu_s": cpus, "peak_of_main_process_mb": peaks},
    }


def context(packages: Sequence[str]) -> dict[str, Any]:
    """The machine, Python and the versions of packages; a package that is absent is ``None``."""
    versions: dict[str, str | None] = {"python": platform.python_version()}
    for name in packages:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:  # it may be a checkout on the path
            try:
                versions[name] = import_module(name).__version__
            except (ImportError, AttributeError):
                versions[name] = None
    processors = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    return {
        "machine": {
            "cores": os.cpu_count(),
            "processor": processors[0] if processors else platform.machine(),
            "system": platform.system(),
        },
        "versions": versions,
    }


def save(record: dict[str, Any], path: Path) -> None:
    """Write a record as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(f"wrote {path}")
