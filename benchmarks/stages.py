"""Where the time of an evaluation goes, stage by stage, and how much of it holds the interpreter's lock.

Run ``python benchmarks/stages.py`` in an environment where pqeval is installed. Everything happens in one process
on one thread, image by image, with compiled kernels that are warm; ``startup.py`` tells what it costs to begin.
Results go to ``benchmarks/results/stages.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import measure
import workloads

RESULTS = Path(__file__).resolve().parent / "results" / "stages.json"
WORKLOADS = ("coco-500", "cityscapes-500", "adversarial-50")
ROUNDS = 7


def seconds(work: Callable[[], Any]) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def kernels_of_a_frame() -> list[tuple[Any, str]]:
    """Where the compiled calls of one image are looked up."""
    from pqeval import segments
    from pqeval.core import count, kernels
    from pqeval.formats import _png_decode

    return [
        (_png_decode, "decode_file"),
        (segments, "tabulate"),
        (count, "run_overlap"),
        (kernels, "settle"),
    ]


def stages(folder: Path) -> dict[str, float]:
    """Median milliseconds per pair of each stage, each timed by itself on all pairs."""
    from pqeval.core.count import count
    from pqeval.core.match import match
    from pqeval.formats import _deflate, _png_chunks, _png_decode
    from pqeval.frame import pair
    from pqeval.opening import Inputs, open_both
    from pqeval.void import convention

    policy = convention("coco")
    inputs = Inputs(gt=folder / "gt.json", pred=folder / "pred.json", format="coco").resolved()
    opened = open_both(inputs, policy)
    tasks = opened.pairing.pairs
    files = [image.file for task in tasks for image in task if image is not None]
    raws = [Path(file).read_bytes() for file in files]
    room = _png_decode.room

    def read() -> None:
        for file in files:
            handle = os.open(file, os.O_RDONLY)
            os.read(handle, os.fstat(handle).st_size + 1)
            os.close(handle)

    def inflate(decode: bool) -> None:
        for raw in raws:
            width, height = (int.from_bytes(raw[at : at + 4], "big") for at in (16, 20))
            if decode:
                _png_decode.decode(raw, height, width, 3)
                continue
            data = room.for_file(len(raw))
            data[: len(raw)] = memoryview(raw)
            start, stop, *_ = _png_chunks.join_data(data, len(raw))
            events, first, *_ = room.for_image(height, width, 3)
            _deflate.inflate(data, room.words, start, stop, height * (1 + 3 * width), events, first)

    sides = [
        (
            image.image_id,
            opened.gt.read(image, shape=None, problems=[]),
            opened.pred.read(guess, shape=None, problems=[]),
        )
        for image, guess in tasks
    ]
    frames = [pair(number, gt, pred, opened.categories, problems=[]) for number, gt, pred in sides]
    overlaps = [count(frame) for frame in frames]
    timed: dict[str, Callable[[], Any]] = {
        "read the files": read,
        "and inflate": lambda: inflate(decode=False),
        "and decode to runs": lambda: inflate(decode=True),
        "check and pair": lambda: [pair(*side, opened.categories, problems=[]) for side in sides],
        "count": lambda: [count(frame) for frame in frames],
        "match": lambda: [match(overlap, policy, len(opened.categories)) for overlap in overlaps],
        "everything": lambda: [opened.count(task) for task in tasks],
    }
    samples = {name: [seconds(work) for _ in range(ROUNDS)] for name, work in timed.items()}
    medians = {name: 1000 * statistics.median(times) / len(tasks) for name, times in samples.items()}
    medians["inflate"] = medians.pop("and inflate")
    medians["decode to runs"] = medians.pop("and decode to runs") - medians["inflate"]
    return {name: round(value, 4) for name, value in medians.items()}


def lock_held(folder: Path) -> dict[str, float]:
    """How long one image holds the interpreter's lock, in milliseconds per pair: an upper bound.

    All compiled calls are answered from a record, so what remains is Python, and reading files, which lets go of
    the lock. What it costs to call compiled code is measured by calls that do nothing.
    """
    import numba
    import numpy as np

    from pqeval.opening import Inputs, open_both
    from pqeval.void import convention

    inputs = Inputs(gt=folder / "gt.json", pred=folder / "pred.json", format="coco").resolved()
    opened = open_both(inputs, convention("coco"))
    tasks = opened.pairing.pairs
    whole = statistics.median(seconds(lambda: [opened.count(task) for task in tasks]) for _ in range(ROUNDS))
    record: dict[str, list[Any]] = {}
    originals = [(place, name, getattr(place, name)) for place, name in kernels_of_a_frame()]

    def recording(name: str, original: Any) -> Any:
        def call(*arguments: Any) -> Any:
            result = original(*arguments)
            record.setdefault(name, []).append(result)
            return result

        return call

    def replayed() -> None:
        for place, name, _ in originals:
            answers = iter(record[name])
            setattr(place, name, lambda *arguments, answers=answers: next(answers))
        for task in tasks:
            opened.count(task)

    try:
        for place, name, original in originals:
            setattr(place, name, recording(name, original))
        for task in tasks:
            opened.count(task)
        python = statistics.median(seconds(replayed) for _ in range(ROUNDS))
    finally:
        for place, name, original in originals:
            setattr(place, name, original)

    @numba.njit
    def nothing(a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any) -> Any:
        return a, b, c, d

    array = np.zeros(1, np.uint32)
    nothing(*[array] * 8)
    calls = sum(len(answers) for answers in record.values())
    calling = statistics.median(
        seconds(lambda: [nothing(*[array] * 8) for _ in range(calls)]) for _ in range(ROUNDS)
    )
    share = (python + calling) / whole
    return {
        "everything_ms": round(1000 * whole / len(tasks), 4),
        "lock_held_ms": round(1000 * (python + calling) / len(tasks), 4),
        "lock_held_share": round(share, 4),
        "limit_of_speed_up": {str(cores): round(1 / (share + (1 - share) / cores), 2) for cores in (2, 8, 16, 64)},
    }


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(description="Measure the stages of an evaluation.")
    parser.add_argument("--folder", type=Path, default=workloads.DATA, help="folder of all workloads")
    folder = parser.parse_args().folder
    os.sched_setaffinity(0, measure.budget(1))
    content = {
        "unit": "milliseconds per pair, medians, one thread, warm",
        "rounds": ROUNDS,
        "stages": {name: stages(folder / name) for name in WORKLOADS},
        "lock": lock_held(folder / WORKLOADS[0]),
        **measure.context(("pqeval", "numpy", "numba", "msgspec", "pillow")),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(content, indent=2))


if __name__ == "__main__":
    main()
