"""The demonstration from end to end: draw, segment, save, evaluate, show."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from pqeval.result import Result

TIMED = 4
"""How many scenes say how long a network takes."""
PICTURED = 6
"""How many scenes the picture shows."""
FIRST_SEED = 20_000
"""Scenes that no network has learnt from."""
UNTRAINED_EVERY = 3
"""Every third scene holds a shape that no network has a class for."""


def run_demo(
    output: Path,
    *,
    seed: int = 0,
    count: int = 12,
    workers: int | None = None,
    stream: TextIO,
    log: Callable[[str], None] | None = None,
) -> dict[str, Result]:
    """Draw scenes, have four small networks segment them, evaluate each network and show what it did.

    Parameters
    ----------
    output : Path
        Folder for the picture ``demo.png`` and, in COCO panoptic format, the truth and one prediction per
        network. It is made if need be; other files in it are left alone.
    seed : int
        From 0 to 900; the same seed gives the same scenes.
    count : int
        How many scenes.
    workers : int, optional
        Passed to `pqeval.evaluate`.
    stream : text file
        Receives the leaderboard: pretty on a terminal, plain text elsewhere.
    log : callable, optional
        Called with one line at every step.

    Returns
    -------
    dict of str to Result
        The result of every network, best first.

    Raises
    ------
    UsageError
        If `count` is less than 1.
    """
    # Imported here so that `import pqeval.demo`, which the command line needs for its help, costs nothing.
    from pqeval import UsageError, evaluate, panoptic_quality, save_coco_panoptic
    from pqeval.architectures.prediction import NAMES, predict
    from pqeval.architectures.scenes import CATEGORIES, draw_scene
    from pqeval.core.compiled import tell_compiling
    from pqeval.demo.picture import Row, save_picture
    from pqeval.demo.table import (
        TITLES,
        prediction_path,
        print_leaderboard,
        short_counts,
        short_scores,
        short_segments,
    )

    if count < 1:
        raise UsageError(
            code="demo-count",
            found=f"a demonstration with {count} scenes",
            expected="at least 1 scene",
            remedy="give a count of 1 or more, or leave it out",
        )
    tell = log or (lambda line: None)
    tell(f"drawing {count} scenes")
    seeds = range(FIRST_SEED + seed * 1000, FIRST_SEED + seed * 1000 + count)
    scenes = [draw_scene(number, untrained=number % UNTRAINED_EVERY == 0) for number in seeds]
    truth = output / "truth.json"
    compiling: list[bool] = []
    tell_compiling(lambda: compiling.append(True))
    save_coco_panoptic(truth, [(scene.seed, scene.id_map, scene.segments) for scene in scenes], CATEGORIES)
    # What reads PNGs takes longest to compile. On a new machine another process does it, while this segments.
    helper = _check_aside(truth) if compiling else None
    predictions = {}
    rows = []
    try:
        for name in NAMES:
            tell(f"{TITLES[name]}: segmenting")
            predictions[name] = [predict(name, scene.image) for scene in scenes]
            frames = [(scene.seed, *found) for scene, found in zip(scenes, predictions[name], strict=True)]
            save_coco_panoptic(prediction_path(output, name), frames, CATEGORIES)
        tell("evaluating")
        for place, scene in enumerate(scenes[:PICTURED]):
            answer = (scene.id_map, scene.segments)
            found = {name: predictions[name][place] for name in NAMES}
            notes = {"scene": f"image {scene.seed}", "truth": short_segments(scene.segments)}
            for name in NAMES:
                notes[name] = short_counts(panoptic_quality(gt=answer, pred=found[name], categories=CATEGORIES))
            rows.append(Row(scene, found, notes))
    finally:
        if helper is not None:
            helper.wait()
    results = {name: evaluate(gt=truth, pred=prediction_path(output, name), workers=workers) for name in NAMES}
    # Timed when nothing else runs, and nothing is compiled or loaded any more.
    milliseconds = {
        name: 1000 * median(_seconds(predict, name, scene.image) for scene in scenes[:TIMED]) for name in NAMES
    }
    tell("drawing the picture")
    captions = {"scene": "what the networks see", "truth": "what they should find"}
    save_picture(rows, captions | {name: short_scores(results[name]) for name in NAMES}, output / "demo.png")
    ranked = sorted(results, key=lambda name: -(results[name].pq or 0.0))
    results = {name: results[name] for name in ranked}
    print_leaderboard(results, milliseconds, output, stream)
    return results


def _seconds(predict: Callable[..., Any], name: str, image: Any) -> float:
    began = time.perf_counter()
    predict(name, image)
    return time.perf_counter() - began


def _check_aside(truth: Path) -> subprocess.Popen[bytes]:
    """Have another process read the truth; what it compiles is kept where this one finds it."""
    command = [sys.executable, "-m", "pqeval", "validate", "--gt", str(truth), "--pred", str(truth), "--quiet"]
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
