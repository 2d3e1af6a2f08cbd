"""ADE20K as it is shipped: a map of classes and a map of instances per image, put together as for its benchmark.

The rule is that of facebookresearch/Mask2Former, ``datasets/prepare_ade20k_pan_seg.py`` at 9b0651c: stuff comes
from ``annotations``, and instances lie over it, whatever class is written below them. A thing class without an
instance is nobody's: void. The ids of instance classes: ``datasets/ade20k_instance_catid_mapping.txt`` there.
"""

from __future__ import annotations

import re
from functools import partial

import numpy as np
import numpy.typing as npt

from pqeval import tables
from pqeval.categories import Categories
from pqeval.errors import FileError, PqevalError, SegmentError, ShapeError, UsageError
from pqeval.formats._glance import Glance
from pqeval.formats._maps import GRAY, PALETTE, RGB, Found, MapSide, PngLoader
from pqeval.formats._meaning import Meaning, report
from pqeval.formats._place import folder_of
from pqeval.labelmap import LabelMap
from pqeval.pairs import pack
from pqeval.source import Request
from pqeval.storage import File, Folder, Place

__all__ = ["CONVENTION", "DESCRIPTION", "LAYOUT", "OPTIONS", "open_side", "recognise"]

DESCRIPTION = "ADE20K, raw: annotations and annotations_instance of ADEChallengeData2016"
CONVENTION = "coco"
OPTIONS = {"split": "training or validation, where both are there; auto (default) takes the only one"}

LAYOUT = """\
ADEChallengeData2016/            --gt or --pred: this folder
├── annotations/validation/      8-bit gray; 0 is void, 1 to 150 the classes
│   └── ADE_val_00000001.png
└── annotations_instance/validation/
    └── ADE_val_00000001.png     8-bit RGB; R = instance class, 1 to 100; G = number, 1 to 255

Stuff comes from annotations, and instances lie over it. A thing without an instance number is void.
Category ids are the classes - 1: 0 is wall.
"""

NAME = re.compile(r"(?:.*/)?annotations/(?:(?P<split>[^/]+)/)?(?P<stem>[^/]+)\.png")
CLASSES = 150
INSTANCES = 256
"""Segment ids below it are instance numbers; those of stuff follow."""

CLASS_MAP = PngLoader(
    ((GRAY, 8), (PALETTE, 8)), remedy="take the files of annotations/, whose values are classes, not colours"
)
INSTANCE_MAP = PngLoader(((RGB, 8),), remedy="take the files of annotations_instance/")


def load(file: File, *, shape: tuple[int, ...] | None, problems: list[PqevalError]) -> LabelMap:
    """Load the two maps of an image as class << 16 | instance number << 8 | instance class."""
    classes = CLASS_MAP(file, shape=shape, problems=problems)
    above, _, name = file.name.rpartition("annotations/")
    beside = File(file.folder, f"{above}annotations_instance/{name}")
    try:
        instances = INSTANCE_MAP(beside, shape=None, problems=problems)
    except PqevalError as error:
        raise error.located(file=str(beside)) from None
    if instances.shape != classes.shape:
        (height, width), (down, across) = classes.shape, instances.shape
        raise ShapeError(
            code="ade20k-shape",
            found=f"the instances are {across} x {down} (width x height), the classes are {width} x {height}",
            expected="two maps of one size",
            remedy="take both maps from the same download, and resize neither",
            file=str(beside),
        )
    return pack(classes.to_array(), instances.to_array() & 0xFFFF).labels  # B is not used


def decode(
    values: npt.NDArray[np.int64],
    problems: list[PqevalError],
    *,
    instance_ids: npt.NDArray[np.int64],
    first: int,
) -> Meaning:
    """See :data:`pqeval.formats._meaning.Decoder`; ``first`` is the category id of class 1."""
    classes, number, kind = values >> 16, values >> 8 & 255, values & 255
    known = np.unique(classes)
    report(
        known[known > CLASSES],
        problems,
        code="ade20k-class",
        found="annotations has the value {values}",
        expected=f"0 for void, and classes 1 to {CLASSES}",
        remedy="take the files of annotations/; in annotations_detectron2/ classes count from 0",
    )
    kinds = np.unique(kind[number > 0])
    report(
        kinds[(kinds < 1) | (kinds >= len(instance_ids))],
        problems,
        code="ade20k-instance-class",
        found="annotations_instance has instances of class {values} (R)",
        expected=f"instance classes 1 to {len(instance_ids) - 1}",
        remedy="take the files of ADEChallengeData2016/annotations_instance, without conversion",
    )
    pairs = np.unique(number[number > 0] << 8 | kind[number > 0])
    twice = pairs[:-1][np.diff(pairs >> 8) == 0]
    for pair in twice[:1].tolist():
        found = (pairs[pairs >> 8 == pair >> 8] & 255).tolist()
        problems.append(
            SegmentError(
                code="ade20k-instance-conflict",
                found=f"instance {pair >> 8} (G) has the classes {', '.join(map(str, found))} (R)",
                expected="one class per instance: G numbers the instances of all classes of an image",
                remedy="give every instance a number of its own",
                segment_id=pair >> 8,
            )
        )
    stuff = np.where(np.isin(classes - 1, instance_ids), 0, classes)
    category = np.where(number > 0, instance_ids[np.minimum(kind, len(instance_ids) - 1)], stuff - 1) + first
    meaning = Meaning.of(values, category, number)
    meaning.segment = np.where(number > 0, number, INSTANCES + stuff)
    meaning.void = (number == 0) & (stuff == 0)
    return meaning


def recognise(glance: Glance) -> int:
    """See ``formats/__init__.py``."""
    named = glance.matching(r"(?:.*/)?annotations/(?:[^/]+/)?ADE_[^/]+\.png")
    return 1 + bool(glance.matching(r"(?:.*/)?annotations_instance/.+\.png")) if named else 0


def open_side(place: Place, request: Request) -> MapSide:
    """Open one side; see ``formats/__init__.py``."""
    folder = folder_of(place)
    found = _found(folder, request.choice("split", ("auto", "training", "validation")))
    mapped = tables.read("ade20k")["instance_to_id"]
    instance_ids = [-1, *(mapped[str(kind)] for kind in range(1, len(mapped) + 1))]
    categories = request.categories or Categories.builtin("ade20k")
    known = {row.id for row in categories}
    return MapSide(
        folder,
        found,
        categories=categories,
        load=load,
        decode=partial(
            decode,
            instance_ids=np.array(instance_ids),
            # A table made for the values of annotations/ has 1 to 150.
            first=int(0 not in known and CLASSES in known),
        ),
        looked_for="files such as annotations/validation/ADE_val_00000001.png",
    )


def _found(folder: Folder, split: str) -> list[Found]:
    names = folder.names()
    matches = [match for match in map(NAME.fullmatch, names) if match is not None]
    splits = sorted({match["split"] for match in matches if match["split"] is not None})
    if split == "auto" and len(splits) > 1:
        raise UsageError(
            code="ade20k-split",
            found=f"there are several splits: {', '.join(splits)}",
            expected="one of them",
            remedy="name it with --gt-option split=validation (gt_options=), and the same for --pred",
            file=str(folder),
        )
    if matches and not any("annotations_instance/" in name for name in names):
        raise FileError(
            code="ade20k-no-instances",
            found="there is no folder annotations_instance beside annotations",
            expected="both; things are known from their instances only",
            remedy="unpack annotations_instance.tar, a download of its own, beside annotations",
            file=str(folder),
        )
    return [
        Found(match["stem"], match[0]) for match in matches if match["split"] in (split, None) or split == "auto"
    ]
