"""Panoptic nuScenes: a .npz per lidar scan, class * 1000 + instance per point.

Source: nutonomy/nuscenes-devkit, ``python-sdk/nuscenes/eval/panoptic`` (README, ``evaluate.py``) at d9de17a.
"""

from __future__ import annotations

import re
from functools import partial

import numpy as np
import numpy.typing as npt

from pqeval import tables
from pqeval.categories import Categories
from pqeval.errors import ImageError, PqevalError
from pqeval.formats._arrays import read_array
from pqeval.formats._glance import Glance
from pqeval.formats._lidar import LACKING, VOID, look_up, report_bare, table_ids
from pqeval.formats._maps import Found, MapSide
from pqeval.formats._meaning import Meaning, divided, report
from pqeval.formats._place import folder_of
from pqeval.labelmap import LabelMap
from pqeval.source import Request
from pqeval.storage import File, Folder, Place

__all__ = ["CONVENTION", "DESCRIPTION", "LAYOUT", "OPTIONS", "open_side", "recognise"]

DESCRIPTION = "Panoptic nuScenes: .npz files, a uint16 per point = class * 1000 + instance"
CONVENTION = "nuscenes"
OPTIONS = {"classes": "general (32 classes; default of ground truth) or challenge (16; default of predictions)"}

LAYOUT = """\
panoptic/                        --gt or --pred: the folder above, this one, or one below
└── v1.0-mini/                   predictions: val/ or test/
    ├── TOKEN_panoptic.npz       TOKEN of the sample data; array data, uint16, a value per point
    └── ...

A value is class * 1000 + instance, with instances from 1, and 0 for stuff. Ground truth has the 32
general classes, predictions have the 16 challenge classes. What is in none of these is void.
"""

NAME = re.compile(r"(?:.*/)?([^/]+)_panoptic\.npz")
DIVISOR = 1000
GENERAL, CHALLENGE = "general", "challenge"


def frames(folder: Folder) -> list[Found]:
    """List the scans of a folder; the image id is the token."""
    named = ((NAME.fullmatch(name), name) for name in folder.names())
    return [Found(parts[1], name) for parts, name in named if parts is not None]


def load(file: File, *, shape: tuple[int, ...] | None, problems: list[PqevalError]) -> LabelMap:
    """See :data:`pqeval.formats._maps.Loader`; the numbers of points are compared later."""
    array = read_array(file, key="data")
    if array.dtype != np.uint16 or array.ndim != 1:
        raise ImageError(
            code="nuscenes-array",
            found=f"the array is {array.dtype} of shape {array.shape}",
            expected="uint16, and one value per point",
            remedy="save it as `np.savez_compressed(path, data=labels.astype('uint16'))`",
        )
    return LabelMap.from_array(array)


def decode(
    values: npt.NDArray[np.int64],
    problems: list[PqevalError],
    *,
    ids: npt.NDArray[np.int64],
    classes: str,
    categories: Categories,
    role: str,
) -> Meaning:
    """See :data:`pqeval.formats._meaning.Decoder`.

    General classes that are scored as one keep their own segments, as in the official evaluation.
    """
    meaning = divided(values, DIVISOR)
    numbers, meaning.category = meaning.category, look_up(ids, meaning.category)
    lacking = np.unique(numbers[meaning.category == LACKING])
    report(
        lacking,
        problems,
        code="nuscenes-class-unknown",
        found=f"class {{values}} is no {classes} class",
        expected=f"class * 1000 + instance, with classes from 0 to {len(ids) - 1}",
        remedy=f"if the files have the other numbering, say so with --{role}-option classes="
        + (CHALLENGE if classes == GENERAL else GENERAL),
    )
    meaning.void = meaning.category == VOID
    if role == "pred":
        report_bare(meaning.category, meaning.instance, categories, problems)
    return meaning


def recognise(glance: Glance) -> int:
    """See ``formats/__init__.py``."""
    return 2 * bool(glance.matching(NAME.pattern))


def open_side(place: Place, request: Request) -> MapSide:
    """Open one side; see ``formats/__init__.py``."""
    folder = folder_of(place)
    categories = request.categories or Categories.builtin("nuscenes")
    classes = request.choice("classes", (GENERAL, CHALLENGE) if request.role == "gt" else (CHALLENGE, GENERAL))
    table = tables.read("nuscenes")
    challenge = {"0": 0} | {str(row["id"]): row["id"] for row in table["categories"]}
    ids = table_ids(table["general_to_id"] if classes == GENERAL else challenge, request.categories)
    return MapSide(
        folder,
        frames(folder),
        categories=categories,
        load=load,
        decode=partial(decode, ids=ids, classes=classes, categories=categories, role=request.role),
        looked_for="files such as panoptic/v1.0-mini/TOKEN_panoptic.npz",
    )
