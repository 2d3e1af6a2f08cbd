"""Draw one pair of label maps, ground truth and prediction, out of real panoptic annotations.

The sample has few images, so each pair begins as a random crop of one of them, flipped, bent a little and given
other classes. Crops stay near the whole image and resizing near 1, so that borders, and with them the sizes of the
PNGs, stay those of real annotations.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

LARGEST_ID = 2**24 - 1


class Scene(NamedTuple):
    """A dense label map: 0 is void, and label k is the segment ``rows[k - 1]``."""

    labels: np.ndarray
    rows: list[dict[str, Any]]


class Table(NamedTuple):
    """The category ids of a dataset."""

    things: list[int]
    stuff: list[int]


@cache
def load_sample(folder: Path) -> tuple[list[Scene], list[dict[str, Any]], dict[str, Any]]:
    """Read a folder with ``gt.json`` and ``gt/``; return its scenes, its categories and its first image entry."""
    truth = json.loads((folder / "gt.json").read_text(encoding="utf-8"))
    scenes = []
    for annotation in truth["annotations"]:
        with Image.open(folder / "gt" / annotation["file_name"]) as png:
            ids = np.asarray(png.convert("RGB"), np.int64) @ (1, 256, 65536)
        labels = np.zeros(ids.shape, np.uint16)
        for label, row in enumerate(annotation["segments_info"], start=1):
            labels[ids == row["id"]] = label
        rows = [{key: row[key] for key in ("category_id", "iscrowd")} for row in annotation["segments_info"]]
        scenes.append(Scene(labels, rows))
    return scenes, truth["categories"], truth["images"][0]


def coco(samples: list[Scene], table: Table, rng: np.random.Generator) -> tuple[Scene, Scene]:
    """A pair of 640x480 with void and crowds."""
    gt = recoloured(cropped(samples, rng, (480, 640), keep=(0.85, 1.0)), table, rng, share=0.5)
    return gt, predicted(gt, table, rng, reach=3.0)


def without_void(samples: list[Scene], table: Table, rng: np.random.Generator) -> tuple[Scene, Scene]:
    """A pair of 640x480 where every pixel of both sides belongs to a segment, and none is crowd."""
    labels, rows = cropped(samples, rng, (480, 640), keep=(0.85, 1.0))
    largest = np.bincount(labels[labels > 0]).argmax()
    plain = Scene(np.where(labels == 0, largest, labels), [row | {"iscrowd": 0} for row in rows])
    gt = recoloured(plain, table, rng, share=0.5)
    return gt, predicted(gt, table, rng, reach=3.0, void=False)


def cityscapes(samples: list[Scene], table: Table, rng: np.random.Generator) -> tuple[Scene, Scene]:
    """A pair of 2048x1024: two crops side by side, in the classes of Cityscapes."""
    left, right = (cropped(samples, rng, (1024, 1024), keep=(0.7, 0.9)) for _ in range(2))
    shifted = np.where(right.labels == 0, 0, right.labels + np.uint16(len(left.rows)))
    labels, rows = np.hstack([left.labels, shifted]), left.rows + right.rows
    for label in range(1, len(rows) + 1):
        # Two images of COCO have more segments than a street.
        if rng.random() < 0.25:
            labels[labels == label] = _neighbour(labels, label)
    gt = recoloured(Scene(labels, rows), table, rng, share=1.0)
    return gt, predicted(gt, table, rng, reach=6.0)


def adversarial(samples: list[Scene], table: Table, rng: np.random.Generator) -> tuple[Scene, Scene]:
    """A pair of 640x480 where every pixel differs from its four neighbours: runs of length 1."""
    parity = np.indices((480, 640)).sum(axis=0) & 1

    def noise() -> np.ndarray:
        return (2 * rng.integers(0, 150, parity.shape) + parity + 1).astype(np.uint16)

    gt = noise()
    # Half of the pairs are noise against noise, where nothing matches; in the others most segments do.
    spoiled = rng.random(gt.shape) < (1.0 if rng.random() < 0.5 else 0.2)
    rows = [{"category_id": int(rng.choice(table.things)), "iscrowd": 0} for _ in range(300)]
    return Scene(gt, rows), Scene(np.where(spoiled, noise(), gt), [dict(row) for row in rows])


def cropped(
    samples: list[Scene], rng: np.random.Generator, shape: tuple[int, int], keep: tuple[float, float]
) -> Scene:
    """A random part of a random sample, perhaps flipped, resized to `shape` and bent."""
    labels, rows = samples[rng.integers(len(samples))]
    axes = []
    for length, target in zip(labels.shape, shape, strict=True):
        part = int(length * rng.uniform(*keep))
        axes.append(rng.integers(length - part + 1) + np.arange(target) * part // target)
    part = labels[np.ix_(*axes)]
    if rng.random() < 0.5:
        part = part[:, ::-1]
    return Scene(bent(part, rng, reach=3.0), [dict(row) for row in rows])


def bent(labels: np.ndarray, rng: np.random.Generator, reach: float) -> np.ndarray:
    """The map seen through a smooth random displacement of about `reach` pixels."""
    places = []
    for length, grid in zip(labels.shape, np.indices(labels.shape), strict=True):
        coarse = rng.normal(0.0, reach, (labels.shape[0] // 32, labels.shape[1] // 32)).astype(np.float32)
        smooth = np.asarray(Image.fromarray(coarse).resize(labels.shape[::-1], Image.Resampling.BICUBIC))
        places.append(np.clip(grid + np.rint(smooth).astype(np.int64), 0, length - 1))
    return labels[tuple(places)]


def recoloured(scene: Scene, table: Table, rng: np.random.Generator, share: float) -> Scene:
    """Give a share of the segments another class of their kind."""
    for row in scene.rows:
        if rng.random() < share:
            # Not looked up in the table, which may be another one: in the sample, things are 1 to 90.
            row["category_id"] = int(rng.choice(table.things if row["category_id"] <= 90 else table.stuff))
    return tidied(scene, table)


def predicted(gt: Scene, table: Table, rng: np.random.Generator, reach: float, void: bool = True) -> Scene:
    """What a model might say: borders moved, some segments lost to void or to a neighbour, some classes wrong."""
    labels = bent(gt.labels, rng, reach)
    for label in range(1, len(gt.rows) + 1):
        if rng.random() < 0.12:
            heir = 0 if void and rng.random() < 0.5 else _neighbour(labels, label)
            labels[labels == label] = heir
    rows = [{"category_id": row["category_id"], "iscrowd": 0} for row in gt.rows]
    for row in rows:
        if rng.random() < 0.1:
            row["category_id"] = int(
                rng.choice(table.things if row["category_id"] in table.things else table.stuff)
            )
    return tidied(Scene(labels, rows), table)


def _neighbour(labels: np.ndarray, label: int) -> int:
    """The segment with the longest common border to the right, or the label itself where there is none."""
    beside = labels[:, 1:][(labels[:, :-1] == label) & (labels[:, 1:] != label)]
    beside = beside[beside > 0]
    return int(np.bincount(beside).argmax()) if beside.size else label


def tidied(scene: Scene, table: Table) -> Scene:
    """Forget segments without pixels; keep one segment per stuff class, and one crowd per class, as COCO does.

    Programs disagree about two crowds of one class, and a comparison of speed needs equal answers.
    """
    present = np.bincount(scene.labels.ravel(), minlength=len(scene.rows) + 1) > 0
    renamed = np.zeros(len(scene.rows) + 1, scene.labels.dtype)
    kept: list[dict[str, Any]] = []
    merged: dict[tuple[int, int], int] = {}
    for label, row in enumerate(scene.rows, start=1):
        key = row["category_id"], row["iscrowd"]
        if not present[label]:
            continue
        if key in merged:
            renamed[label] = merged[key]
            continue
        kept.append(row)
        renamed[label] = len(kept)
        if row["iscrowd"] or row["category_id"] in table.stuff:
            merged[key] = len(kept)
    return Scene(renamed[scene.labels], kept)


def segment_ids(scene: Scene, rng: np.random.Generator, random: bool) -> list[int]:
    """Segment ids: random 24-bit colours, or 1, 2, 3, ..."""
    count = len(scene.rows)
    return (rng.choice(LARGEST_ID, count, replace=False) + 1).tolist() if random else list(range(1, count + 1))
