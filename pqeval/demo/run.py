"""The demonstration from end to end: draw, spoil, save, evaluate, show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from pqeval.result import Result

PICTURED = 4
"""How many scenes the picture shows; enough to see every kind of scene once."""


def run_demo(
    output: Path,
    *,
    seed: int = 0,
    count: int = 8,
    workers: int | None = None,
    stream: TextIO,
    log: Callable[[str], None] | None = None,
) -> dict[str, Result]:
    """Make scenes and imperfect predictions of them, evaluate each, and show what every mistake costs.

    Parameters
    ----------
    output : Path
        Folder for the picture ``demo.png`` and, in COCO panoptic format, the truth and one prediction per
        kind of mistake. It is made if need be; other files in it are left alone.
    seed : int
        The same seed gives the same files, byte for byte.
    count : int
        How many scenes.
    workers : int, optional
        Passed to `pqeval.evaluate`.
    stream : text file
        Receives the table: pretty on a terminal, plain text elsewhere.
    log : callable, optional
        Called with one line at every step.

    Returns
    -------
    dict of str to Result
        The result of every kind of prediction, in the order of the table.

    Raises
    ------
    UsageError
        If `count` is less than 1.
    """
    # Imported here so that `import pqeval.demo`, which the command line needs for its help, costs nothing.
    import numpy as np

    from pqeval import UsageError, evaluate, save_coco_panoptic
    from pqeval.demo.mistakes import MISTAKES
    from pqeval.demo.picture import Row, save_picture
    from pqeval.demo.scenes import draw_scenes
    from pqeval.demo.table import prediction_path, print_table, short_scores
    from pqeval.demo.world import CATEGORIES

    if count < 1:
        raise UsageError(
            code="demo-count",
            found=f"a demonstration with {count} scenes",
            expected="at least 1 scene",
            remedy="give a count of 1 or more, or leave it out",
        )
    tell = log or (lambda line: None)
    tell(f"drawing {count} scenes")
    scenes = draw_scenes(seed, count)
    truth = output / "truth.json"
    frames = [(scene.image_id, scene.id_map, scene.segments) for scene in scenes]
    save_coco_panoptic(truth, frames, CATEGORIES)
    results, predictions = {}, {}
    for kind, (spoil, _) in MISTAKES.items():
        tell(f"evaluating the prediction: {kind}")
        # Every kind starts from the same random numbers, hence spoils the same objects.
        predictions[kind] = [
            (image_id, *spoil(id_map, segments, np.random.Generator(np.random.PCG64([seed, image_id]))))
            for image_id, id_map, segments in frames
        ]
        save_coco_panoptic(prediction_path(output, kind), predictions[kind], CATEGORIES)
        results[kind] = evaluate(gt=truth, pred=prediction_path(output, kind), workers=workers)
    tell("drawing the picture")
    # The perfect prediction looks like the truth.
    spoilt = [kind for kind in MISTAKES if kind != "perfect"]
    rows = [
        Row(scene, {kind: predictions[kind][place][1:] for kind in spoilt})
        for place, scene in enumerate(scenes[:PICTURED])
    ]
    save_picture(rows, {kind: short_scores(results[kind]) for kind in spoilt}, output / "demo.png")
    print_table(results, {kind: what for kind, (_, what) in MISTAKES.items()}, output, stream)
    return results
