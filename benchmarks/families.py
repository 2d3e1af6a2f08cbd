"""The same label maps in the encodings of other datasets: does every family of formats take the fast road?

Run ``python benchmarks/families.py`` in an environment where pqeval is installed. The maps are the first pairs of
``coco-500``, written as 16-bit gray (Cityscapes), RGB without a JSON (KITTI-STEP), RGBA (BDD100K), points
(SemanticKITTI, where a scan is a map without its rows) and numpy arrays of pairs. All are read, checked, counted
and matched in one process on one thread, warm, in turns. Per pixel none should take more than twice as long as
COCO. Results go to ``benchmarks/results/families.json``.
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
import numpy as np
import workloads
from PIL import Image

RESULTS = Path(__file__).resolve().parent / "results" / "families.json"
SOURCE = "coco-500"
PAIRS = 100
ROUNDS = 9
MOST = 2.0

Dense = np.ndarray[Any, Any]


def classes(things: list[int], stuff: list[int]) -> Callable[[int, bool], int]:
    """Spread the categories of COCO over those of another dataset."""
    return lambda category, isthing: (things if isthing else stuff)[category % len(things if isthing else stuff)]


def parts(ids: Dense, rows: Any, isthing: dict[int, bool], to: Callable[[int, bool], int]) -> tuple[Dense, Dense]:
    """Return category and instance of every pixel; instances count from 1 per category, stuff has 0."""
    highest = int(ids.max())
    category, instance = np.zeros(highest + 1, np.int64), np.zeros(highest + 1, np.int64)
    count: dict[int, int] = {}
    for row in rows:
        label = to(row.category_id, isthing[row.category_id])
        category[row.id] = label
        if isthing[row.category_id]:
            instance[row.id] = count[label] = count.get(label, 0) + 1
    return category[ids], instance[ids]


def save_png(path: Path, pixels: Dense) -> None:
    """Write with default settings, as the converters of the datasets do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def gray(folder: Path, number: int, category: Dense, instance: Dense) -> None:
    """Write 16-bit gray: category * 1000 + instance."""
    values = np.where(instance > 0, category * 1000 + instance, category)
    save_png(folder / f"town_000000_{number:06d}_gtFine_instanceIds.png", values.astype(np.uint16))


def rgb(folder: Path, number: int, category: Dense, instance: Dense) -> None:
    """Write RGB: category, and two bytes of instance."""
    channels = [np.where(category == 0, 255, category), instance // 256, instance % 256]
    save_png(folder / "0000" / f"{number:06d}.png", np.stack(channels, -1).astype(np.uint8))


def rgba(folder: Path, number: int, category: Dense, instance: Dense) -> None:
    """Write RGBA: category, flags, and two bytes of annotation id."""
    annotation = np.where(instance > 0, 100 * category + instance, category)
    channels = [category, np.zeros_like(category), annotation // 256, annotation % 256]
    save_png(folder / f"{number:06d}.png", np.stack(channels, -1).astype(np.uint8))


def points(folder: Path, number: int, category: Dense, instance: Dense) -> None:
    """Write one 32-bit label per point."""
    place = folder / "sequences" / "08" / ("labels" if folder.name == "gt" else "predictions")
    place.mkdir(parents=True, exist_ok=True)
    (category | instance << 16).astype("<u4").ravel().tofile(place / f"{number:06d}.label")


def arrays(folder: Path, number: int, category: Dense, instance: Dense) -> None:
    """Write (H, W, 2) arrays."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / f"{number:06d}.npy", np.stack([category, instance], -1).astype(np.uint16))


CITYSCAPES = classes(list(workloads.CITYSCAPES_THINGS), list(workloads.CITYSCAPES_STUFF))
FAMILIES: dict[str, tuple[str, Callable[..., None], Callable[[int, bool], int], dict[str, Any]]] = {
    "gray-16": ("cityscapes", gray, CITYSCAPES, {}),
    "RGB values": ("kitti_step", rgb, classes([11, 13], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), {}),
    "RGBA": ("bdd100k", rgba, classes(list(range(31, 41)), list(range(1, 31))), {}),
    "point labels": (
        "semantickitti",
        points,
        classes([10, 11, 15, 18, 20, 30, 31, 32], [40, 44, 48, 49, 50, 51, 70, 71, 72, 80, 81]),
        {},
    ),
    "numpy pairs": ("numpy", arrays, CITYSCAPES, {"categories": "cityscapes"}),
}
"""Format, writer, categories, and further options of each family."""


def opened(folder: Path, **options: Any) -> Any:
    """Open and pair two sides."""
    from pqeval.opening import Inputs, open_both, suggested
    from pqeval.void import convention

    inputs = Inputs(gt=folder / "gt", pred=folder / "pred", **options)
    if "format" not in options:
        inputs = Inputs(gt=folder / "gt.json", pred=folder / "pred.json", format="coco")
    inputs = inputs.resolved()
    return open_both(inputs, convention(suggested(inputs)))


def write_all(source: Path, target: Path) -> None:
    """Write the pairs in every encoding, unless they are there."""
    if (target / "complete").exists():
        return
    both = opened(source)
    isthing = {row.id: bool(row.isthing) for row in both.categories}
    for number, (image, guess) in enumerate(both.pairing.pairs[:PAIRS]):
        for side, one, name in ((both.gt, image, "gt"), (both.pred, guess, "pred")):
            labels, rows = side.read(one, shape=None, problems=[])
            ids = labels.to_array()
            for family, (_, write, to, _) in FAMILIES.items():
                write(target / family / name, number, *parts(ids, rows, isthing, to))
    (target / "complete").touch()


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(description="Compare the families of formats.")
    parser.add_argument("--folder", type=Path, default=workloads.DATA, help="folder of all workloads")
    folder = parser.parse_args().folder
    os.sched_setaffinity(0, measure.budget(1))
    target = folder / f"families-{PAIRS}"
    write_all(folder / SOURCE, target)
    sides = {"COCO": opened(folder / SOURCE)}
    for family, (name, _, _, options) in FAMILIES.items():
        sides[family] = opened(target / family, format=name, **options)
    times: dict[str, list[float]] = {family: [] for family in sides}
    pixels: dict[str, int] = {}
    for family, both in sides.items():
        frames = [both.count(task) for task in both.pairing.pairs[:PAIRS]]
        wrong = [str(problem) for frame, problems in frames for problem in problems if frame is None]
        if wrong:
            raise SystemExit(f"{family}: {wrong[0]}")
        pixels[family] = sum(frame.pixels for frame, _ in frames)
    for _ in range(ROUNDS):
        for family, both in sides.items():
            start = time.perf_counter()
            for task in both.pairing.pairs[:PAIRS]:
                both.count(task)
            times[family].append(time.perf_counter() - start)
    medians = {family: statistics.median(found) for family, found in times.items()}
    per_pixel = {family: 1e9 * seconds / pixels[family] for family, seconds in medians.items()}
    content = {
        "unit": "medians, one thread, warm, interleaved",
        "pairs": PAIRS,
        "rounds": ROUNDS,
        "most": MOST,
        "ms_per_pair": {family: round(1000 * seconds / PAIRS, 4) for family, seconds in medians.items()},
        "ns_per_pixel": {family: round(value, 4) for family, value in per_pixel.items()},
        "to_coco": {family: round(value / per_pixel["COCO"], 3) for family, value in per_pixel.items()},
        **measure.context(("pqeval", "numpy", "numba", "pillow")),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(content, indent=2))


if __name__ == "__main__":
    main()
