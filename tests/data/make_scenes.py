"""Make the fixture scenes anew: ``python tests/data/make_scenes.py``, from the root of the repository.

Writes ``tests/data/scenes/``: images, truth, and what each of the four networks says, as COCO panoptic folders.
The files are frozen. They are made again only when the weights change, and then every number that tests have of
them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from pqeval import save_coco_panoptic
from pqeval.architectures.prediction import NAMES, predict
from pqeval.architectures.scenes import CATEGORIES, draw_scene

FOLDER = Path(__file__).parent / "scenes"
SEEDS = range(300, 324)
"""Of scenes that nothing was learnt from, tuned on or scored on. The last eight hold an untrained shape."""
UNTRAINED = range(316, 324)


def main() -> None:
    scenes = [draw_scene(seed, untrained=True if seed in UNTRAINED else None) for seed in SEEDS]
    (FOLDER / "images").mkdir(parents=True, exist_ok=True)
    for scene in scenes:
        Image.fromarray(scene.image).save(FOLDER / "images" / f"{scene.seed}.png", optimize=True)
    truth = [(scene.seed, scene.id_map, scene.segments) for scene in scenes]
    save_coco_panoptic(FOLDER / "truth.json", truth, CATEGORIES)
    for name in NAMES:
        found = [(scene.seed, *predict(name, np.asarray(scene.image))) for scene in scenes]
        save_coco_panoptic(FOLDER / f"{name}.json", found, CATEGORIES)


if __name__ == "__main__":
    main()
