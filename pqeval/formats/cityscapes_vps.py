"""Cityscapes-VPS as VPSNet writes it: a COCO panoptic JSON over the frames of all videos, and its PNGs.

Source: mcahny/vps at 138503e, ``prepare_data/create_panoptic_video_labels.py``, ``prepare_data/city_default.py``
and ``tools/eval_vpq.py``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pqeval.categories import Categories
from pqeval.errors import DataWarning, PairingError, PqevalError
from pqeval.formats._cityscapes import TABLES, renumber
from pqeval.formats._cityscapes_vps import FRAME, frame_id, video_of
from pqeval.formats._coco_place import find_json
from pqeval.formats._coco_place import find_maps as find_coco_maps
from pqeval.formats._glance import Glance
from pqeval.formats._json import Amended, read_object
from pqeval.formats.coco import CocoSide
from pqeval.source import Request
from pqeval.storage import File, Folder, Place

__all__ = ["CONVENTION", "DESCRIPTION", "LAYOUT", "open_side", "recognise"]

DESCRIPTION = "Cityscapes-VPS (VPSNet): a JSON over the frames of all videos, and RGB PNGs"

CONVENTION = "coco"

LAYOUT = """\
cityscapes_vps/panoptic_gt_val_city_vps.json     --gt: images, annotations, categories
cityscapes_vps/val/panoptic_video/               the PNGs; another folder with --gt-folder
├── 0005_0025_frankfurt_000000_001736_final_mask.png
└── ...                                          8-bit RGB; id = R + 256 G + 65536 B; 0 is void
pred.json                             --pred: annotations (image_id, file_name, segments_info)
pan_pred/                             the PNGs; another folder with --pred-folder
├── 0005_0025_frankfurt_000000_001736.png
└── ...

The first four characters of a name are the video. A segment id is the same object in all of its
frames. category_id is the train id (0 road ... 18 bicycle). Annotations without image_id and
file_name are taken for the PNGs of the folder in the order of their names, if there are as many.
"""

SPLIT = re.compile(r"(?:^|_)(train|val|test)(?:_|$)")
PREDICTED = ("pan_pred", "pan")


def recognise(glance: Glance) -> int:
    """See ``formats/__init__.py``."""
    if "segments_info" not in glance.keys or {"videos", "video_id"} & glance.keys or glance.is_list:
        return 0
    if glance.sees(rf'"{FRAME}'.encode()):
        return 2
    file = glance.json
    nameless = not glance.sees(rb'"(?:image_id|file_name)"')
    return 2 if nameless and file is not None and _beside(file, "pred") is not None else 0


def open_side(place: Place, request: Request) -> CocoSide:
    """Open one side; see ``formats/__init__.py``."""
    file = find_json(place)
    folder = request.folder or _beside(file, request.role) or find_coco_maps(file, request)
    content = read_object(file)
    problems: list[PqevalError] = []
    entries = [entry for entry in _listed(content, "annotations") if isinstance(entry, dict)]
    _name(entries, file, folder, problems)
    for image in _listed(content, "images"):
        if isinstance(image, dict) and isinstance(image.get("id"), str):
            image["id"] = frame_id(image["id"])
    _check_categories(entries, file, problems)
    if request.role == "gt" and request.categories is None and "categories" not in content:
        request = replace(request, categories=Categories.builtin(TABLES["train"]))
    amended = Amended(file.folder, file.name, json.dumps(content).encode())
    side = CocoSide(amended, replace(request, folder=folder), renumber=renumber("train", request.categories))
    side.problems += problems
    side.images = {
        key: replace(image, sequence=video_of(str(image.image_id))) for key, image in side.images.items()
    }
    return side


def _listed(content: dict[str, Any], key: str) -> list[Any]:
    value = content.get(key)
    return value if isinstance(value, list) else []


def _beside(file: File, role: str) -> Folder | None:
    """Find the PNGs of a JSON where VPSNet puts them."""
    above, slash, name = file.name.rpartition("/")
    guesses = [f"{split}/panoptic_video" for split in SPLIT.findall(name.removesuffix(".json"))]
    if role == "pred":
        guesses = [*PREDICTED, *guesses]
    for guess in (file.stem, *(above + slash + guess for guess in guesses)):
        folder = file.folder.folder(guess)
        if folder is not None:
            return folder
    return None


def _name(entries: list[dict[str, Any]], file: File, folder: Folder, problems: list[PqevalError]) -> None:
    """Give every annotation an image id of the form video/frame, and a file name."""
    if entries and not any("image_id" in entry or "file_name" in entry for entry in entries):
        names = [name for name in folder.names() if name.endswith(".png")]
        if len(names) != len(entries):
            what = f"{len(entries)} annotations have no image_id and no file_name"
            raise PairingError(
                code="position-count",
                found=f"{what}, and there are {len(names)} PNGs in {folder}",
                expected="as many of both, since nothing but their order says which belong together",
                remedy="write image_id and file_name into every annotation, or name the folder of these PNGs",
                file=str(file),
            )
        for entry, name in zip(entries, names, strict=True):
            entry["file_name"] = name
        problems.append(
            DataWarning(
                code="paired-by-position",
                found="annotations have no image_id and no file_name; they are taken for the PNGs in the order of "
                f"their names, the first one for {names[0]}",
                expected="image_id and file_name in every annotation",
                remedy="check that the order is right, or write image_id and file_name",
                file=str(file),
            )
        )
    for entry in entries:
        known = entry.get("image_id")
        if not isinstance(known, str) and isinstance(entry.get("file_name"), str):
            known = entry["file_name"]
        if isinstance(known, str):
            entry.setdefault("file_name", f"{known}.png")
            entry["image_id"] = frame_id(known)


def _check_categories(entries: list[dict[str, Any]], file: File, problems: list[PqevalError]) -> None:
    """Warn of a segment id with two categories in a video: an old converter gave one id to two objects."""
    first: dict[tuple[str, Any], Any] = {}
    for video, number, category in _segments(entries):
        before = first.setdefault((video, number), category)
        if before != category:
            problems.append(
                DataWarning(
                    code="id-two-categories",
                    found=f"segment id {number} of video {video} has category_id {before} and, in another frame, "
                    f"{category}",
                    expected="one object per segment id in a video",
                    remedy="convert the video again with a repaired converter (mcahny/vps, pull request 10)",
                    file=str(file),
                    segment_id=number,
                )
            )
            return


def _segments(entries: list[dict[str, Any]]) -> Iterator[tuple[str, int, int]]:
    for entry in entries:
        rows = entry.get("segments_info")
        for row in rows if isinstance(rows, list) else []:
            number, category = (row.get("id"), row.get("category_id")) if isinstance(row, dict) else (None, None)
            if isinstance(number, int) and isinstance(category, int):
                yield video_of(str(entry.get("image_id"))), number, category
