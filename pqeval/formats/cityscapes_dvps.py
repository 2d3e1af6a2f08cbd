"""Cityscapes-DVPS (ViP-DeepLab): a 16-bit PNG with class * 1000 + instance and a depth PNG per frame.

Source: joe-siyuan-qiao/ViP-DeepLab at f1c0c43, ``cityscapes-dvps/eval_dvpq.py`` and ``copy_gt.py``.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from pqeval.errors import PqevalError
from pqeval.formats._cityscapes import renumber
from pqeval.formats._dvps import BITS, OPTIONS, DvpsSide, Named, check_blue, open_dvps
from pqeval.formats._glance import Glance
from pqeval.formats._maps import GRAY, RGB, PngLoader
from pqeval.formats._meaning import report
from pqeval.labelmap import LabelMap
from pqeval.source import Request
from pqeval.storage import File, Place

__all__ = ["CONVENTION", "DESCRIPTION", "LAYOUT", "OPTIONS", "open_side", "recognise"]

DESCRIPTION = "Cityscapes-DVPS: 16-bit PNGs with class * 1000 + instance, and depth PNGs"
CONVENTION = "tf-models"

LAYOUT = """\
video_sequence/val/              --gt
├── 000000_000003_munster_000168_000019_gtFine_instanceTrainIds.png   16-bit gray
├── 000000_000003_munster_000168_000019_depth.png                     16-bit gray, metres * 256
└── ...
pan/                             --pred
├── 000000_000003_NAME.png       8-bit RGB; R = class, G = instance, B = 0
└── ...
depth/                           --pred-folder: the depth maps; by default depth/ in the folder of --pred
└── 000000_000003_NAME.png       16-bit gray, metres * 256; 0 is unknown

Names begin with sequence and frame. A value of the ground truth is class * 1000 + instance, for stuff
class * 1000; 32000 is void. Classes are train ids, 0 to 18. In predictions class 19, 32 or 255 is void.
"""

TRUTH = "_gtFine_instanceTrainIds.png"
IMAGE = "leftImg8bit"
PER_CLASS = 1000
VOID = 32
MAP = PngLoader(
    ((GRAY, 16), (RGB, 8)), remedy="save class * 1000 + instance in 16 bits, or class and instance as R and G"
)


def _maps(files: list[Named], role: str) -> list[Named]:
    labelled = [file for file in files if file.rest.endswith(TRUTH)]
    if labelled or role == "gt":
        return labelled
    return [file for file in files if not file.is_depth and IMAGE not in file.name]


def load(file: File, *, shape: tuple[int, ...] | None, problems: list[PqevalError]) -> LabelMap:
    """Load a map as class << 16 | instance; see :data:`pqeval.formats._maps.Loader`."""
    labels, mode = MAP.with_mode(file, shape=shape, problems=problems)
    present = labels.present()
    if mode.color == RGB:
        check_blue(present)
        return labels.mapped(present, ((present & 255) << BITS | present >> 8).astype(np.uint32))
    report(
        present.astype(np.int64)[(present > 0) & (present < PER_CLASS)],
        problems,
        code="bare-class",
        found="pixels have the value {values}: a class that is not multiplied",
        expected=f"class * {PER_CLASS} + instance, for stuff class * {PER_CLASS}, and {VOID * PER_CLASS} for void",
        remedy="instanceTrainIds of Cityscapes itself are read with the format cityscapes",
    )
    return labels.mapped(present, (present // PER_CLASS << BITS | present % PER_CLASS).astype(np.uint32))


def recognise(glance: Glance) -> int:
    """See ``formats/__init__.py``."""
    truth = glance.matching(rf"(?:.*/)?\d+_\d+_[^_/]+_\d+_\d+{TRUTH}")
    if truth and glance.png(truth[0]) == (GRAY, 16):
        return 2
    names = glance.matching(r"(?:.*/)?\d{6}_\d{6}[_.](?!.*depth)[^/]*png")
    return int(bool(names) and glance.json is None and glance.png(names[0]) == (RGB, 8))


def open_side(place: Place, request: Request) -> DvpsSide:
    """Open one side; see ``formats/__init__.py``."""
    return open_dvps(
        place,
        request,
        table="cityscapes_train",
        maps=_maps,
        load=load,
        change=partial(renumber, "train"),
        void=VOID,
        looked_for="files such as 000000_000003_munster_000168_000019_gtFine_instanceTrainIds.png, "
        "or 000000_000003.png for predictions",
    )
