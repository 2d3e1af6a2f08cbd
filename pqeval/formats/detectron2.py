"""What the panoptic evaluator of detectron2 dumps; Mask2Former and MaskFormer use the same evaluator.

Source: facebookresearch/detectron2, ``evaluation/panoptic_evaluation.py`` at 02b5c4e2.
"""

from __future__ import annotations

from pqeval.errors import FileError
from pqeval.formats._coco_place import find_json
from pqeval.formats._glance import Glance
from pqeval.formats.coco import CocoSide
from pqeval.source import Request
from pqeval.storage import Place

__all__ = ["CONVENTION", "DESCRIPTION", "LAYOUT", "open_side", "recognise"]

DESCRIPTION = "detectron2, Mask2Former: the evaluator's predictions.json, with PNGs that were kept"

CONVENTION = "coco"

LAYOUT = """\
inference/
├── predictions.json             --pred: the ground-truth JSON with other annotations
└── predictions/                 the PNGs, or the folder named with --pred-folder
    ├── 000000000139.png         named as the image; 8-bit RGB; id = R + 256 G + 65536 B; 0 is void
    └── ...

detectron2 writes the PNGs into a temporary folder and deletes it, so usually only the JSON is there.
Keep them: they cannot be made again from the JSON.
"""


def recognise(glance: Glance) -> int:
    """See ``formats/__init__.py``; the files are those of ``coco``."""
    return 0


def open_side(place: Place, request: Request) -> CocoSide:
    """Open one side; see ``formats/__init__.py``.

    Raises
    ------
    FileError
        If the PNGs were not kept.
    """
    file = find_json(place)
    try:
        return CocoSide(file, request)
    except FileError as error:
        if error.code != "folder-missing":
            raise
        raise FileError(
            code="pngs-deleted",
            found=f"{error.found}; detectron2 deletes the PNGs when its evaluator ends",
            expected="the PNGs in a folder named as the JSON without .json",
            remedy="evaluate again with COCOPanopticEvaluator.evaluate changed to write into a folder that stays, "
            f"and name that folder with --{request.role}-folder",
            file=str(file),
        ) from None
