"""The fixture scenes, and what each of the four networks says about them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

FOLDER = Path(__file__).parent / "data" / "scenes"
TRUTH = FOLDER / "truth.json"
NETWORKS = ("panoptic_fpn", "upsnet", "panoptic_deeplab", "panoptic_fcn")


def side(path: Path) -> dict[int, tuple[np.ndarray, list[dict[str, Any]]]]:
    """Read a COCO panoptic JSON and its PNGs with nothing of ours: id map and segments of each image."""
    found = {}
    for annotation in json.loads(path.read_text(encoding="utf-8"))["annotations"]:
        with Image.open(path.with_suffix("") / annotation["file_name"]) as image:
            colours = np.asarray(image.convert("RGB")).astype(np.uint32)
        found[annotation["image_id"]] = (colours @ np.uint32([1, 256, 65536]), annotation["segments_info"])
    return found


def dataset(name: str, *, images: int | None = None) -> dict[str, Any]:
    """Return truth and prediction as the slow twin and the strategies have them."""
    gt, pred = side(TRUTH), side(FOLDER / f"{name}.json")
    rows = [
        {
            "image_id": number,
            "gt": {"map": gt[number][0].tolist(), "segments": gt[number][1]},
            "pred": {"map": pred[number][0].tolist(), "segments": pred[number][1]},
        }
        for number in list(gt)[:images]
    ]
    return {"categories": json.loads(TRUTH.read_text(encoding="utf-8"))["categories"], "images": rows}


def picture(number: int) -> np.ndarray:
    with Image.open(FOLDER / "images" / f"{number}.png") as image:
        return np.asarray(image)
