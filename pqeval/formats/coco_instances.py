"""COCO instance masks, with stuff or without, made panoptic.

Source: cocodataset.org, "Data format" 1 (object detection) and 3 (stuff), and "Results format"; for predictions
cocodataset/panopticapi 7bb4655, ``combine_semantic_and_instance_predictions.py``.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from pqeval.categories import Categories
from pqeval.errors import UsageError
from pqeval.formats._coco_entries import find_jsons, read_entries, table_of
from pqeval.formats._glance import Glance
from pqeval.formats._instances import InstancesSide, Pasting
from pqeval.formats._masks import RULES, Limits
from pqeval.formats._stuff_maps import KINDS, StuffMaps
from pqeval.source import Request
from pqeval.storage import Place

__all__ = ["CONVENTION", "DESCRIPTION", "LAYOUT", "OPTIONS", "open_side", "recognise"]

DESCRIPTION = "COCO detection: a JSON of masks (polygons or RLE), with stuff masks or stuff maps"

CONVENTION = "coco"

LAYOUT = """\
instances_val2017.json           --gt: images, annotations, categories
stuff_val2017.json               its stuff, if the folder of both is named, or with the option stuff_json
stuffthingmaps/val2017/          or its stuff as maps, --gt-folder; see the option stuff
├── 000000000139.png             8-bit; value = category id - 1; 255 is unlabeled
└── ...
results.json                     --pred: a list of {image_id, category_id, segmentation, score}

A segmentation is polygons [[x1, y1, x2, y2, x3, y3, ...], ...] or run lengths down the columns:
{"size": [4, 5], "counts": [5, 2, 2, 2, 2, 2, 5]} or {"size": [4, 5], "counts": "5220003"}.
Pixels without a mask are void. Segment ids are 1, 2, ... in the order of the masks of an image.
Masks that overlap are an error in ground truth; predictions are pasted by falling score.
"""

OPTIONS = {
    "overlap": f"who owns pixels of two masks: {', '.join(RULES)}",
    "min_score": "rule score: things with a lower score are left out (default 0.5)",
    "max_covered": "rule score: so are things of which a larger part is covered (default 0.5)",
    "min_stuff": "rule score: so is stuff with fewer free pixels (default 4096)",
    "stuff": f"what the maps in the folder are: {', '.join(KINDS)}",
    "stuff_json": "a JSON with stuff masks, as its path seen from the folder of the other JSON",
}


def recognise(glance: Glance) -> int:
    """See ``formats/__init__.py``."""
    if "segmentation" in glance.keys:
        return 2 * int(not {"segments_info", "videos", "video_id", "poly2d"} & glance.keys)
    others = glance.matching(r"(?:[^/]+/)?panoptic_[^/]*\.json")
    return int(bool(glance.matching(r"(?:[^/]+/)?instances_[^/]*\.json")) and not others)


def open_side(place: Place, request: Request) -> InstancesSide:
    """Open one side; see ``formats/__init__.py``."""
    truth = request.role == "gt"
    rule = request.choice("overlap", RULES if truth else (RULES[-1], *RULES[:-1]))
    least, most = _decimal(request, "min_score"), _decimal(request, "max_covered")
    limits = Limits(float(least), most, request.number("min_stuff", Limits.min_stuff))
    kind = request.choice("stuff", KINDS)
    _check_stuff(request)
    files = [read_entries(file, truth=truth) for file in find_jsons(place, request)]
    maps, rows = _stuff_maps(request, kind)
    categories = request.categories
    if categories is None and (truth or files[0].categories):
        categories = table_of(files, rows)
    return InstancesSide(request.role, files, categories=categories, maps=maps, pasting=Pasting(rule, limits))


def _stuff_maps(request: Request, kind: str) -> tuple[StuffMaps | None, list[dict[str, Any]]]:
    """The maps, and the categories that they add to a table."""
    if request.folder is None:
        return None, []
    known = Categories.builtin("coco_stuff" if kind == "stuffthingmaps" else "coco")
    maps = StuffMaps(request.folder, kind, request.categories or known)
    return maps, [row.as_dict() for row in known if row.isthing is False]


def _check_stuff(request: Request) -> None:
    folder = request.folder is not None
    name = "stuff_json" if folder else "stuff"
    if name in request.options:
        raise UsageError(
            code="stuff-options",
            found=f"{request.role} option {name} "
            + ("beside a folder of stuff maps" if folder else "without a folder of stuff maps"),
            expected=f"--{request.role}-folder, with the option stuff to say what is in it; or stuff_json",
            remedy="name the stuff in one of these ways",
        )


def _decimal(request: Request, name: str) -> Fraction:
    value = request.options.get(name, "0.5")
    if re.fullmatch(r"-?(\d+\.?\d*|\.\d+)", value, re.ASCII) is None:
        raise UsageError(
            code="option-decimal",
            found=f"{request.role} option {name} is {value!r}",
            expected="a decimal number such as 0.5",
            remedy="see `pqeval formats NAME`",
        )
    return Fraction(value)
