"""Cityscapes-VPS before its conversion: a 16-bit PNG per frame, value = train id, or train id * 1000 + object.

Source: mcahny/vps at 138503e, ``prepare_data/create_panoptic_video_labels.py``.
"""

from __future__ import annotations

import re
from functools import partial

from pqeval.categories import Categories
from pqeval.formats._cityscapes import TABLES, decode, numbering_of, rows_of
from pqeval.formats._cityscapes_vps import FRAME, frame_id, video_of
from pqeval.formats._glance import Glance
from pqeval.formats._maps import GRAY, Found, MapSide, PngLoader
from pqeval.formats._place import folder_of
from pqeval.source import Request
from pqeval.storage import Place

__all__ = ["CONVENTION", "DESCRIPTION", "LAYOUT", "open_side", "recognise"]

DESCRIPTION = "Cityscapes-VPS panoptic_inst: 16-bit PNGs per frame, value = train id * 1000 + object"

CONVENTION = "coco"

LAYOUT = """\
cityscapes_vps/val/panoptic_inst/     --gt or --pred: this folder, or any above it
├── 0005_0025_frankfurt_000000_001736_final_mask.png
└── ...

16-bit grayscale. Objects are train id * 1000 + number, from 0; stuff is the train id (0 road ... 10
sky). 255 is void, and so is a thing without number. The first four characters of a name are the
video; an object keeps its value in all of its frames.
"""

PNG = re.compile(rf"(?:.*/)?{FRAME}(?:_[^/]*)?\.png")
FOLDER = "panoptic_inst"


def recognise(glance: Glance) -> int:
    """See ``formats/__init__.py``."""
    names = _maps(glance.names)
    if not names or glance.png(names[0]) != (GRAY, 16):
        return 0
    return 1 if "segments_info" in glance.keys else 2  # the whole dataset: the JSON, and folders of each split


def open_side(place: Place, request: Request) -> MapSide:
    """Open one side; see ``formats/__init__.py``."""
    folder = folder_of(place)
    categories = request.categories or Categories.builtin(TABLES["train"])
    found = [Found(frame_id(name), name, video_of(frame_id(name))) for name in _maps(folder.names())]
    return MapSide(
        folder,
        found,
        categories=categories,
        load=PngLoader(
            ((GRAY, 16),),
            remedy="name panoptic_inst, or save a uint16 array: numbers above 255 are lost in 8 bits",
        ),
        decode=partial(
            decode,
            kind="instanceTrainIds",
            numbering=numbering_of(rows_of(categories)).name,
            bare="void",
            remedy="write train ids as VPSNet does; RGB PNGs with a JSON are the format cityscapes_vps",
        ),
        looked_for="files such as 0005_0025_frankfurt_000000_001736_final_mask.png",
    )


def _maps(names: list[str]) -> list[str]:
    """Choose the maps: in a dataset, those of ``panoptic_inst``, since all its folders use one name."""
    fitting = [name for name in names if PNG.fullmatch(name) is not None]
    return [name for name in fitting if FOLDER in name.split("/")[:-1]] or fitting
