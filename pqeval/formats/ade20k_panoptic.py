"""ADE20K in the panoptic form that Mask2Former and MaskFormer prepare: a COCO panoptic JSON with RGB PNGs.

Source: facebookresearch/Mask2Former, ``datasets/prepare_ade20k_pan_seg.py`` at 9b0651c. It notes the area of stuff
before it draws instances over it, so that areas differ from the pixels and a segment may have none left.
"""

from __future__ import annotations

from collections.abc import Sequence

from pqeval import tables
from pqeval.errors import PqevalError
from pqeval.formats._coco_place import find_json
from pqeval.formats._glance import Glance
from pqeval.formats.coco import CocoSide
from pqeval.labelmap import LabelMap
from pqeval.rows import Row
from pqeval.source import Image, Request
from pqeval.storage import Place

__all__ = ["CONVENTION", "DESCRIPTION", "LAYOUT", "Ade20kSide", "open_side", "recognise"]

DESCRIPTION = "ADE20K, panoptic: the JSON and PNGs of the prepare script of Mask2Former"
CONVENTION = "coco"

LAYOUT = """\
ade20k_panoptic_val.json         --gt or --pred; as in the format coco, image_id = ADE_val_00000001
ade20k_panoptic_val/             the PNGs; another folder with --gt-folder
├── ADE_val_00000001.png         8-bit RGB; id = R + 256 G + 65536 B; 0 is void
└── ...

category_id is 0 to 149; 0 is wall.
Areas of the JSON are those before instances were drawn over stuff.
"""


class Ade20kSide(CocoSide):
    """A :class:`~pqeval.formats.coco.CocoSide` that knows where shared segment ids come from."""

    def read(
        self, image: Image, *, shape: tuple[int, ...] | None = None, problems: list[PqevalError]
    ) -> tuple[LabelMap, Sequence[Row]] | None:
        """Read map and segment list of an image."""
        found: list[PqevalError] = []
        side = super().read(image, shape=shape, problems=found)
        problems += [_explained(problem) if problem.code == "segment-conflict" else problem for problem in found]
        return side


def _explained(problem: PqevalError) -> PqevalError:
    return problem.worded(
        remedy="make the file again: before 2021-09-15 the prepare script gave road and skyscraper one id; "
        "or use the convention panopticapi, by which the last entry counts"
    )


def recognise(glance: Glance) -> int:
    """See ``formats/__init__.py``; names vary, which ids are things does not."""
    if "segments_info" not in glance.keys:
        return 0
    known = {row["id"]: bool(row["isthing"]) for row in tables.read("ade20k")["categories"]}
    rows = [row for row in glance.categories if isinstance(row.get("id"), int)]
    return 2 if {row["id"]: bool(row.get("isthing")) for row in rows} == known else 0


def open_side(place: Place, request: Request) -> Ade20kSide:
    """Open one side; see ``formats/__init__.py``."""
    return Ade20kSide(find_json(place), request)
