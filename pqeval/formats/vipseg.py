"""VIPSeg at 720 lines: a JSON with a list of annotations per video, and a folder of RGB PNGs per video.

Source: VIPSeg-Dataset/VIPSeg-Dataset at 92e1459, ``create_panoptic_video_labels.py``, ``change2_720p.py`` and
``ClipPanoFCN/eval_vpq_vspw.py``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from pqeval.categories import Categories
from pqeval.errors import FileError, JsonError, PqevalError
from pqeval.formats._coco_place import find_json, folder_beside
from pqeval.formats._coco_untyped import fault_of
from pqeval.formats._glance import Glance
from pqeval.formats._json import Amended, read_object
from pqeval.formats.coco import CocoSide
from pqeval.image_ids import is_image_id
from pqeval.source import Request
from pqeval.storage import File, Folder, Place

__all__ = ["CONVENTION", "DESCRIPTION", "LAYOUT", "open_side", "recognise"]

DESCRIPTION = "VIPSeg (720P): a JSON with annotations per video, and RGB PNGs"

CONVENTION = "coco"

LAYOUT = """\
VIPSeg_720P/panoptic_gt_VIPSeg_val.json   --gt: videos, annotations, categories
VIPSeg_720P/panomasksRGB/                 the PNGs; another folder with --gt-folder
├── 0_wHRIZlF-mNs/                        a folder per video
│   ├── 00000001.png                      8-bit RGB; id = R + 256 G + 65536 B; 0 is void
│   └── ...
└── ...
pred.json                                 --pred: annotations
pan_pred/                                 the PNGs, by video; another folder with --pred-folder

An entry of the list annotations:
{"video_id": "0_wHRIZlF-mNs", "annotations": [
  {"image_id": "00000001", "file_name": "00000001.png",
   "segments_info": [{"id": 7, "category_id": 60}, ...]}, ...]}
A segment id is the same object in all frames of a video. category_id is 0 to 123.
"""

MAPS = {"gt": "panomasksRGB", "pred": "pan_pred"}


def recognise(glance: Glance) -> int:
    """See ``formats/__init__.py``."""
    keys = glance.keys
    return 2 * int("segments_info" in keys and bool({"videos", "video_id"} & keys) and not glance.is_list)


def open_side(place: Place, request: Request) -> CocoSide:
    """Open one side; the image id of a frame is video/image."""
    file = find_json(place)
    content = read_object(file)
    problems: list[PqevalError] = []
    if isinstance(content.get("annotations"), list):
        content["annotations"] = list(_flat(content["annotations"], str(file), problems))
    content["images"] = list(_sizes(content.get("videos")))
    if request.role == "gt" and request.categories is None and "categories" not in content:
        request = replace(request, categories=Categories.builtin("vipseg"))
    flat = Amended(file.folder, file.name, json.dumps(content).encode())
    side = CocoSide(flat, replace(request, folder=_maps(file, request)))
    side.problems += problems
    side.images = {
        key: replace(image, sequence=str(image.image_id).rpartition("/")[0]) for key, image in side.images.items()
    }
    return side


def _maps(file: File, request: Request) -> Folder:
    if request.folder is not None:
        return request.folder
    usual = MAPS[request.role]
    for name in (usual, MAPS["gt"], PurePosixPath(file.stem).name):
        folder = folder_beside(file, name)
        if folder is not None:
            return folder
    raise FileError(
        code="folder-missing",
        found=f"there is no folder {usual} beside it",
        expected="the folder of its PNGs, with a folder per video",
        remedy=f"name it with --{request.role}-folder ({request.role}_folder=)",
        file=str(file),
    )


def _flat(videos: list[Any], file: str, problems: list[PqevalError]) -> Iterator[dict[str, Any]]:
    """Yield the annotations of all videos, with the video before image id and file name; report unsound ones."""
    for place, video in enumerate(videos):
        name = f"annotations[{place}]"
        frames = video.get("annotations") if isinstance(video, dict) else None
        if not isinstance(frames, list) or not is_image_id(video.get("video_id", [])):
            problems.append(
                JsonError(
                    code="video",
                    found=f"{name} is no video: it needs video_id and a list annotations",
                    expected='an object such as {"video_id": "0_wHRIZlF-mNs", "annotations": [...]}',
                    remedy="nest the annotations by video; a flat list is read with the format coco",
                    file=file,
                )
            )
            continue
        for rank, entry in enumerate(frames):
            _name_map(entry)
            fault = fault_of(entry)
            if fault is None:
                above = f"{video['video_id']}/"
                file_name = entry["file_name"].removeprefix(above)
                yield entry | {"image_id": f"{above}{entry['image_id']}", "file_name": above + file_name}
                continue
            problems.append(
                JsonError(
                    code="annotation",
                    found=f"{name}.annotations[{rank}]{fault[0]}",
                    expected=fault[1],
                    remedy="correct this annotation",
                    file=file,
                    image_id=video["video_id"],
                )
            )


def _name_map(entry: Any) -> None:
    """Name the PNG by the image where the entry does not: the official script takes its name from the image."""
    if isinstance(entry, dict) and isinstance(entry.get("image_id"), str):
        name = entry.setdefault("file_name", f"{entry['image_id']}.png")
        if isinstance(name, str):
            entry["file_name"] = f"{name.removesuffix('.jpg')}.png" if name.endswith(".jpg") else name


def _sizes(videos: Any) -> Iterator[dict[str, Any]]:
    """Yield the images of all videos as COCO lists them."""
    for video in videos if isinstance(videos, list) else []:
        frames = video.get("images") if isinstance(video, dict) else None
        for entry in frames if isinstance(frames, list) else []:
            if isinstance(entry, dict):
                yield entry | {"id": f"{video.get('video_id')}/{entry.get('id')}"}
