"""What MMDetection's panoptic metric dumps, in versions 2 and 3.

Source: open-mmlab/mmdetection, ``mmdet/evaluation/metrics/coco_panoptic_metric.py`` (3.x) and
``mmdet/datasets/coco_panoptic.py`` (2.x).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pqeval.categories import Categories
from pqeval.errors import CategoryError, UsageError
from pqeval.formats._coco_place import find_json, folder_beside
from pqeval.formats._glance import Glance
from pqeval.formats.coco import CocoSide
from pqeval.source import Request
from pqeval.storage import Place

__all__ = ["CONVENTION", "DESCRIPTION", "LAYOUT", "OPTIONS", "Contiguous", "open_side", "recognise"]

DESCRIPTION = "MMDetection: P.panoptic.json and P.panoptic/ (2.x: panoptic/), dataset or contiguous ids"

CONVENTION = "coco"

LAYOUT = """\
work_dirs/
├── results.panoptic.json        --pred: annotations (image_id, file_name, segments_info)
├── results.panoptic/            3.x: the PNGs, or the folder named with --pred-folder
│   ├── 000000000139.png         8-bit RGB; id = R + 256 G + 65536 B; 0 is void
│   └── ...
└── panoptic/                    2.x: the PNGs

Category ids are those of the dataset; those of a metric without ann_file are contiguous, from 0: see ids.
"""

OPTIONS = {
    "ids": "category ids: dataset (default), or contiguous: the place in the category table, from 0",
}


@dataclass(frozen=True)
class Contiguous:
    """Contiguous category ids to those of a table."""

    categories: Categories
    file: str

    def __call__(self, category_ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Look them up."""
        wrong = (category_ids < 0) | (category_ids >= len(self.categories))
        if wrong.any():
            raise CategoryError(
                code="category-place",
                found=f"the contiguous category id {category_ids[wrong][0]}",
                expected=f"ids from 0 to {len(self.categories) - 1}, the places in the category table",
                remedy="check the table; if these are ids of the dataset, leave out ids=contiguous",
                file=self.file,
            )
        table = np.array([row.id for row in self.categories], np.int64)
        return table[category_ids]


def recognise(glance: Glance) -> int:
    """See ``formats/__init__.py``; but for the name, the files are those of ``coco``."""
    named = glance.json is not None and glance.json.name.endswith(".panoptic.json")
    return 2 * int(named and "segments_info" in glance.keys and "videos" not in glance.keys)


def open_side(place: Place, request: Request) -> CocoSide:
    """Open one side; see ``formats/__init__.py``.

    Raises
    ------
    UsageError, CategoryError
        Where category ids cannot be told.
    """
    file = find_json(place)
    ids = request.choice("ids", ("dataset", "contiguous"))
    if ids == "contiguous" and request.categories is None:
        raise UsageError(
            code="contiguous-table",
            found=f"{request.role} option ids=contiguous, and no category table whose places they are",
            expected="a table in the order of the classes that the network was trained with",
            remedy="give one with --categories FILE (categories=), for example coco",
        )
    if request.folder is None:
        folders = (folder_beside(file, name) for name in (file.stem.rpartition("/")[2], "panoptic"))
        request = replace(request, folder=next((found for found in folders if found is not None), None))
    if ids == "contiguous":
        assert request.categories is not None
        return CocoSide(file, request, renumber=Contiguous(request.categories, str(file)))
    side = CocoSide(file, request)
    _check_ids(side, request)
    return side


def _check_ids(side: CocoSide, request: Request) -> None:
    """Add an error where ids fit places of the table, and some of them are no ids of it."""
    table = side.categories or request.categories or ()
    used = set(side.category_ids().tolist())
    unknown = sorted(used - {row.id for row in table})
    if table and unknown and used <= set(range(len(table))):
        side.problems.append(
            CategoryError(
                code="contiguous-ids",
                found=f"the category ids are 0 to {len(table) - 1}, and {unknown[0]} is not in the category table",
                expected="ids of the category table",
                remedy=f"if they are contiguous, say --{request.role}-option ids=contiguous",
                file=side.file,
            )
        )
