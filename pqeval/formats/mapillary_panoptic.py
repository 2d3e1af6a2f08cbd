"""Mapillary Vistas in its panoptic form: ``panoptic_2018.json`` or ``panoptic_2020.json`` beside RGB PNGs.

Source: the layout that the dataset ships; facebookresearch/Mask2Former,
``mask2former/data/datasets/register_mapillary_vistas_panoptic.py`` at 9b0651c. Whether the ids of v2.0 are the
places in its config + 1 is not settled; so the ``categories`` of the JSON say what they are.
"""

from __future__ import annotations

from dataclasses import replace

from pqeval import tables
from pqeval.errors import FileError
from pqeval.formats._coco_place import find_json, find_maps
from pqeval.formats._glance import Glance
from pqeval.formats._mapillary import TABLES
from pqeval.formats.coco import CocoSide
from pqeval.source import Request
from pqeval.storage import File, Folder, Place

__all__ = ["CONVENTION", "DESCRIPTION", "LAYOUT", "open_side", "recognise"]

DESCRIPTION = "Mapillary Vistas, panoptic: panoptic_2018.json or panoptic_2020.json, RGB PNGs"
CONVENTION = "coco"

LAYOUT = """\
validation/v2.0/panoptic/        --gt or --pred: the JSON, its folder, or one above it
├── panoptic_2020.json           v1.2: panoptic_2018.json; as in the format coco, image_id = KEY
├── KEY.png                      8-bit RGB; id = R + 256 G + 65536 B; 0 is void
└── ...

The PNGs may also lie in a folder named as the JSON without .json, or in that of --gt-folder.
"""

JSON = r"(?:.*/)?panoptic_20(?:18|20)\.json"
ENOUGH = 60
"""Names of categories that have to be those of Vistas; no other dataset comes near."""


def recognise(glance: Glance) -> int:
    """See ``formats/__init__.py``."""
    named = glance.matching(JSON)
    if len(named) == 1 and isinstance(glance.place, Folder):
        glance = Glance(File(glance.place, named[0]))
    if "segments_info" not in glance.keys:
        return 0
    known = {row["name"] for table in TABLES.values() for row in tables.read(table)["categories"]}
    return 2 if len(known & {str(row.get("name")) for row in glance.categories}) >= ENOUGH else 0


def open_side(place: Place, request: Request) -> CocoSide:
    """Open one side; see ``formats/__init__.py``."""
    named = Glance(place).matching(JSON)
    file = File(place, named[0]) if len(named) == 1 and isinstance(place, Folder) else find_json(place)
    try:
        find_maps(file, request)
    except FileError:  # the dataset keeps the PNGs beside the JSON
        above = file.name.rpartition("/")[0]
        request = replace(request, folder=file.folder.folder(above) if above else file.folder)
    return CocoSide(file, request)
