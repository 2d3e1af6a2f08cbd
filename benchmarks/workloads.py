"""Make the inputs of the benchmarks: folders in COCO panoptic format, made once, with the same pixels everywhere.

Run ``python benchmarks/workloads.py coco-500 coco-5000``. A workload is a folder with ``gt.json``, ``gt/``,
``pred.json`` and ``pred/``. One that exists is left alone; delete it to have it made again.

====================  =========================================================================================
coco-500, coco-5000   640x480, like COCO; every image is another, and the first 500 are the same in both
coco-20000            the files of coco-5000, four times over: copies under other names and ids
cityscapes-500        2048x1024 in the classes of Cityscapes
adversarial-50        640x480, every pixel differs from its neighbours
scaled-1, -2, -4      100 maps of coco-500, sides 1, 2 and 4 times as long: pixels 1:4:16, PNGs about 1:1.5:2.7
no-void-20            640x480 without void and crowd, where programs that treat these differently agree
====================  =========================================================================================
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scenes
from PIL import Image
from scipy import ndimage

SEED = 20240817
HERE = Path(__file__).resolve().parent
DATA = HERE / "data"
SAMPLE = HERE.parents[1] / "shared" / "coco_sample"
CITYSCAPES_STUFF = {
    7: "road",
    8: "sidewalk",
    11: "building",
    12: "wall",
    13: "fence",
    17: "pole",
    19: "traffic light",
    20: "traffic sign",
    21: "vegetation",
    22: "terrain",
    23: "sky",
}
CITYSCAPES_THINGS = {
    24: "person",
    25: "rider",
    26: "car",
    27: "truck",
    28: "bus",
    31: "train",
    32: "motorcycle",
    33: "bicycle",
}


class Workload(NamedTuple):
    """How many pairs, who draws them, and how many times they are enlarged."""

    pairs: int
    draw: Callable[..., tuple[scenes.Scene, scenes.Scene]]
    scale: int = 1


WORKLOADS = {
    "coco-500": Workload(500, scenes.coco),
    "coco-5000": Workload(5000, scenes.coco),
    "cityscapes-500": Workload(500, scenes.cityscapes),
    "adversarial-50": Workload(50, scenes.adversarial),
    "scaled-1": Workload(100, scenes.coco, 1),
    "scaled-2": Workload(100, scenes.coco, 2),
    "scaled-4": Workload(100, scenes.coco, 4),
    "no-void-20": Workload(20, scenes.without_void),
}
REPEATED = {"coco-20000": ("coco-5000", 4)}


def categories(workload: Workload, sample: Path) -> list[dict[str, Any]]:
    """The category table of a workload, as it stands in its ``gt.json``."""
    if workload.draw is not scenes.cityscapes:
        return scenes.load_sample(sample)[1]
    names = CITYSCAPES_STUFF | CITYSCAPES_THINGS
    return [{"id": key, "name": name, "isthing": int(key in CITYSCAPES_THINGS)} for key, name in names.items()]


def write_pair(workload: Workload, sample: Path, folder: Path, number: int) -> tuple[dict[str, Any], ...]:
    """Draw and write one pair; return its image entry and its two annotations."""
    rng = np.random.default_rng([SEED, number])
    rows = categories(workload, sample)
    table = scenes.Table(*([row["id"] for row in rows if row["isthing"] == kind] for kind in (1, 0)))
    gt, pred = workload.draw(scenes.load_sample(sample)[0], table, rng)
    gt_ids = scenes.segment_ids(gt, rng, random=True)
    pred_ids = scenes.segment_ids(pred, rng, random=bool(number % 2))
    name = f"{number:012}.png"
    _write_png(folder / "gt" / name, gt, gt_ids, workload.scale)
    _write_png(folder / "pred" / name, pred, pred_ids, workload.scale)
    height, width = (length * workload.scale for length in gt.labels.shape)
    image = scenes.load_sample(sample)[2] | {"file_name": f"{number:012}.jpg", "height": height, "width": width}
    head = {"file_name": name, "image_id": number}
    areas = np.bincount(gt.labels.ravel(), minlength=len(gt.rows) + 1)[1:] * workload.scale**2
    gt_rows = []
    for key, row, area, box in zip(gt_ids, gt.rows, areas.tolist(), ndimage.find_objects(gt.labels), strict=True):
        (top, bottom), (left, right) = ((part.start, part.stop) for part in box)
        bbox = [length * workload.scale for length in (left, top, right - left, bottom - top)]
        gt_rows.append({"area": area, **row, "id": key, "bbox": bbox})
    pred_rows = [
        {"id": key, "category_id": row["category_id"]} for key, row in zip(pred_ids, pred.rows, strict=True)
    ]
    return image | {"id": number}, {"segments_info": gt_rows, **head}, {"segments_info": pred_rows, **head}


def _write_png(path: Path, scene: scenes.Scene, ids: list[int], scale: int) -> None:
    colours = np.array([0, *ids], "<u4").view(np.uint8).reshape(-1, 4)[:, :3]
    pixels = colours[scene.labels].repeat(scale, axis=0).repeat(scale, axis=1)
    Image.fromarray(pixels).save(path)  # default settings, as panopticapi's converters have them


def _drawn(name: str, sample: Path, folder: Path) -> None:
    workload = WORKLOADS[name]
    one = partial(write_pair, workload, sample, folder)
    entries = []
    with multiprocessing.Pool() as pool:
        for entry in pool.imap(one, range(1, workload.pairs + 1), chunksize=4):
            entries.append(entry)
            if len(entries) % max(1, workload.pairs // 20) == 0:
                print(f"{name}: {len(entries)} of {workload.pairs}", file=sys.stderr)
    images, gt, pred = (list(column) for column in zip(*entries, strict=True))
    _write_json(folder, {"images": images, "annotations": gt, "categories": categories(workload, sample)}, pred)


def _copied(source: Path, times: int, folder: Path) -> None:
    truth, guess = (json.loads((source / f"{side}.json").read_bytes()) for side in ("gt", "pred"))
    images: list[dict[str, Any]] = []
    annotations: dict[str, list[dict[str, Any]]] = {"gt": [], "pred": []}
    for repeat in range(times):
        offset = repeat * len(truth["images"])
        for image in truth["images"]:
            number = image["id"] + offset
            images.append(image | {"id": number, "file_name": f"{number:012}.jpg"})
        for side, rows in (("gt", truth["annotations"]), ("pred", guess["annotations"])):
            for row in rows:
                number = row["image_id"] + offset
                annotations[side].append(row | {"image_id": number, "file_name": f"{number:012}.png"})
                shutil.copyfile(source / side / row["file_name"], folder / side / f"{number:012}.png")
    gt = {"images": images, "annotations": annotations["gt"], "categories": truth["categories"]}
    _write_json(folder, gt, annotations["pred"])


def _write_json(folder: Path, gt: dict[str, Any], pred: list[dict[str, Any]]) -> None:
    (folder / "gt.json").write_text(json.dumps(gt), encoding="utf-8")
    (folder / "pred.json").write_text(json.dumps({"annotations": pred}), encoding="utf-8")


def make(name: str, data: Path = DATA, sample: Path = SAMPLE) -> Path:
    """Make a workload unless it is there.

    Parameters
    ----------
    name
        One of the names above.
    data
        Folder of all workloads.
    sample
        Folder with ``gt.json`` and ``gt/``, real COCO panoptic annotations.

    Returns
    -------
    Path
        The folder of this workload.
    """
    folder = data / name
    if folder.is_dir():
        return folder
    unfinished = data / f"{name}.unfinished"  # renamed at the end, so that what exists is whole
    shutil.rmtree(unfinished, ignore_errors=True)
    for side in ("gt", "pred"):
        (unfinished / side).mkdir(parents=True)
    if name in REPEATED:
        source, times = REPEATED[name]
        _copied(make(source, data, sample), times, unfinished)
    else:
        _drawn(name, sample, unfinished)
    return unfinished.rename(folder)


def main() -> None:
    """Make the workloads that are named."""
    parser = argparse.ArgumentParser(description="Make the inputs of the benchmarks.")
    parser.add_argument("names", nargs="+", choices=[*WORKLOADS, *REPEATED], metavar="NAME")
    parser.add_argument("--folder", type=Path, default=DATA, help="folder of all workloads")
    parser.add_argument("--sample", type=Path, default=SAMPLE, help="folder with gt.json and gt/ of COCO")
    options = parser.parse_args()
    for name in options.names:
        print(make(name, options.folder, options.sample))


if __name__ == "__main__":
    main()
