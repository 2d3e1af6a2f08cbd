"""Cityscapes as its scripts convert it: a COCO panoptic JSON by label ids or train ids, and its PNGs.

Source: mcordts/cityscapesScripts at 0bcc4a7, ``preparation/createPanopticImgs.py`` and
``evaluation/evalPanopticSemanticLabeling.py``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pqeval.categories import Categories, integral
from pqeval.errors import CategoryError
from pqeval.formats._cityscapes import TABLES, evaluated, numbering_of, renumber, rows_of
from pqeval.formats._cityscapes_json import write
from pqeval.formats._coco_place import find_json
from pqeval.formats._glance import Glance
from pqeval.formats._json import read_object
from pqeval.formats.coco import CocoSide
from pqeval.source import Request
from pqeval.storage import File, Place

__all__ = ["CONVENTION", "DESCRIPTION", "LAYOUT", "OPTIONS", "open_side", "recognise", "write"]

DESCRIPTION = "Cityscapes panoptic: JSON and RGB PNGs, as cityscapesScripts makes them"

CONVENTION = "cityscapes"

OPTIONS = {"ids": "what category_id is: auto (default: what the categories say, else label), label, or train"}

LAYOUT = """\
gtFine/cityscapes_panoptic_val.json       --gt: images, annotations, categories
gtFine/cityscapes_panoptic_val/           the PNGs; another folder with --gt-folder
├── frankfurt_000000_000294_gtFine_panoptic.png
└── ...                                   8-bit RGB; id = R + 256 G + 65536 B; 0 is void
predictions.json                          --pred: annotations (image_id, file_name, segments_info)
predictions/                              the PNGs; another folder with --pred-folder

image_id is a text such as frankfurt_000000_000294. category_id is the label id (7 road ... 33
bicycle), or in files made with --use-train-id the train id (0 road ... 18 bicycle). The categories
of the JSON tell which, never its name. Predictions are brought to the ids of the ground truth.
"""

IMAGE_ID = rb'"image_id"\s*:\s*"[^\W\d_][^"_]*_\d{6}_\d{6}(?:_\w+)?"'
LARGEST_TRAIN_ID = 18


def recognise(glance: Glance) -> int:
    """See ``formats/__init__.py``."""
    if "segments_info" not in glance.keys or {"videos", "video_id"} & glance.keys or glance.is_list:
        return 0
    if glance.categories:
        others = glance.sees(rb'"ori_id"|_(?:final_mask|newImg8bit)')  # Cityscapes-VPS has its classes, too
        return 0 if others or not numbering_of(rows_of(glance.categories)).sure else 2
    return 2 if glance.sees(IMAGE_ID) else 0


def open_side(place: Place, request: Request) -> CocoSide:
    """Open one side; see ``formats/__init__.py``."""
    file = find_json(place)
    ids = request.choice("ids", ("auto", "label", "train"))
    content = read_object(file)
    table = [row for row in _listed(content, "categories") if isinstance(row, dict)]
    if ids == "auto":
        ids = numbering_of(rows_of(table)).name
        if request.role == "pred" and not table:
            _check_numbering(content, file)
    if request.role == "gt" and request.categories is None and "categories" not in content:
        request = replace(request, categories=Categories.builtin(TABLES[ids]))
    return CocoSide(file, request, renumber=renumber(ids, request.categories))


def _listed(content: Any, key: str) -> list[Any]:
    value = content.get(key) if isinstance(content, dict) else None
    return value if isinstance(value, list) else []


def _check_numbering(content: dict[str, Any], file: File) -> None:
    """Refuse what can only be train ids, since as label ids they would be other classes."""
    rows = [row for entry in _listed(content, "annotations") for row in _listed(entry, "segments_info")]
    listed = [integral(row.get("category_id")) for row in rows if isinstance(row, dict)]
    used = {number for number in listed if number is not None}
    foreign = sorted(used - evaluated("label").keys())
    if foreign and all(0 <= number <= LARGEST_TRAIN_ID for number in used):
        raise CategoryError(
            code="train-ids",
            found=f"category_id {foreign[0]} is no class by label ids, and all category ids are train ids",
            expected="label ids (7 road ... 33 bicycle), or categories in the JSON, or the option ids",
            remedy="say --pred-option ids=train (pred_options=), or ids=label if they are label ids",
            file=str(file),
        )
