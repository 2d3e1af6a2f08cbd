"""What DETR's panoptic evaluator dumps: COCO panoptic files whose segment ids begin with 0.

Source: facebookresearch/detr, ``datasets/panoptic_eval.py`` and issue 442.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pqeval.categories import integral
from pqeval.errors import SegmentError
from pqeval.formats._coco_place import find_json, folder_beside
from pqeval.formats._glance import Glance
from pqeval.formats.coco import CocoSide
from pqeval.source import Request
from pqeval.storage import File, Place

__all__ = ["CONVENTION", "DESCRIPTION", "LAYOUT", "OPTIONS", "DetrSide", "open_side", "recognise"]

DESCRIPTION = "DETR: predictions.json beside its PNGs; segment ids begin with 0"

CONVENTION = "coco"

LAYOUT = """\
panoptic_eval/                   --pred: this folder, or the JSON in it
├── predictions.json             annotations (image_id, file_name, segments_info)
├── 000000000139.png             8-bit RGB; id = R + 256 G + 65536 B
└── ...                          the PNGs may also be in panoptic/ or predictions/, or in --pred-folder

Segment ids are 0, 1, 2, ..., and 0 means void in COCO panoptic files: see the option zero.
"""

OPTIONS = {
    "zero": "what to do about segment id 0: refuse (default), or shift: add 1 to all ids of the image",
}


class DetrSide(CocoSide):
    """One opened side, in which 0 may be a segment.

    Parameters
    ----------
    file : File
        The JSON.
    request : Request
        How to open it.
    """

    def __init__(self, file: File, request: Request) -> None:
        self.zero = request.choice("zero", ("refuse", "shift"))
        super().__init__(file, request)

    def _moved(self, listed: list[Any]) -> tuple[list[Any], int]:
        numbers = [integral(entry.get("id")) for entry in listed]
        if 0 not in numbers:
            return listed, 0
        if self.zero == "refuse":
            raise SegmentError(
                code="segment-id-void",
                found=f"segments_info[{numbers.index(0)}].id is 0, which means void",
                expected="ids from 1",
                remedy="if ids begin with 0, as those of DETR do, add 1 to all of them with "
                f"--{self.role}-option zero=shift; then no pixel is void",
                segment_id=0,
            )
        moved = zip(listed, numbers, strict=True)
        return [entry if number is None else entry | {"id": number + 1} for entry, number in moved], 1


def recognise(glance: Glance) -> int:
    """See ``formats/__init__.py``; the files are those of ``coco``."""
    return 0


def open_side(place: Place, request: Request) -> DetrSide:
    """Open one side; see ``formats/__init__.py``."""
    file = find_json(place)
    folders = (folder_beside(file, name) for name in (file.stem.rpartition("/")[2], "panoptic", "."))
    folder = request.folder or next(found for found in folders if found is not None)
    return DetrSide(file, replace(request, folder=folder))
