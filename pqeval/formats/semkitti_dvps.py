"""SemKITTI-DVPS (ViP-DeepLab): class, instance and depth PNGs per frame.

Source: joe-siyuan-qiao/ViP-DeepLab at f1c0c43, ``semkitti-dvps/README.md`` and ``eval_dvpq.py``;
google-research/deeplab2 at 64bc1c1, ``data/build_dvps_data.py``.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt

from pqeval.categories import Categories
from pqeval.errors import PqevalError
from pqeval.formats._dvps import BITS, OPTIONS, DvpsSide, Named, open_dvps
from pqeval.formats._glance import Glance
from pqeval.formats._maps import GRAY, RGB, PngLoader
from pqeval.labelmap import LabelMap
from pqeval.pairs import pack
from pqeval.source import Request
from pqeval.storage import File, Place

__all__ = ["CONVENTION", "DESCRIPTION", "LAYOUT", "OPTIONS", "open_side", "recognise"]

DESCRIPTION = "SemKITTI-DVPS: class, instance and depth PNGs per frame"
CONVENTION = "tf-models"

LAYOUT = """\
video_sequence/val/              --gt
├── 000008_000000_gtFine_class.png      8-bit gray; class 0 to 18, 255 is void
├── 000008_000000_gtFine_instance.png   8- or 16-bit gray
├── 000008_000000_depth_718.8560.png    16-bit gray, metres * 256; the number is the focal length
└── ...
pan/                             --pred
├── 000008_000000_cat.png        class; 19 and 255 are void
├── 000008_000000_ins.png        instance
└── ...
depth/                           --pred-folder: the depth maps; by default depth/ in the folder of --pred
└── 000008_000000.png            16-bit gray, metres * 256; 0 is unknown

Names begin with sequence and frame. deeplab2 has class and instance in one file,
NAME_gtFine_instanceTrainIds.png: 8-bit RGB, R = class, 256 G + B = instance.
"""

PARTNERS = {"cat.png": "ins.png", "_gtFine_class.png": "_gtFine_instance.png"}
JOINED = "_gtFine_instanceTrainIds.png"
VOID = 255
PLAIN = PngLoader(((GRAY, 8), (GRAY, 16)), remedy="save class and instance as two grayscale PNGs")
BOTH = PngLoader(((RGB, 8),), remedy="save the class as R, and instance // 256 and % 256 as G and B")


def _maps(files: list[Named], role: str) -> list[Named]:
    for ending in (*PARTNERS, JOINED):
        found = [file for file in files if file.rest.endswith(ending)]
        if found and (role == "pred" or ending != "cat.png"):
            return found
    return []


def load(file: File, *, shape: tuple[int, ...] | None, problems: list[PqevalError]) -> LabelMap:
    """Load a map as class << 16 | instance; see :data:`pqeval.formats._maps.Loader`."""
    if file.name.endswith(JOINED):
        labels = BOTH(file, shape=shape, problems=problems)
        present = labels.present()
        packed = (present & 255) << BITS | (present >> 8 & 255) << 8 | present >> 16
        return labels.mapped(present, packed.astype(np.uint32))
    category = PLAIN(file, shape=shape, problems=problems)
    ending = next(ending for ending in PARTNERS if file.name.endswith(ending))
    other = File(file.folder, file.name.removesuffix(ending) + PARTNERS[ending])
    try:
        instance = PLAIN(other, shape=category.shape, problems=problems)
    except PqevalError as error:
        raise error.located(file=str(other)) from None
    return pack(category.to_array(), instance.to_array()).labels  # neither has more than 16 bits


def recognise(glance: Glance) -> int:
    """See ``formats/__init__.py``."""
    separate = glance.matching(r"(?:.*/)?\d+_\d+_gtFine_class\.png")
    joined = glance.matching(rf"(?:.*/)?\d+_\d+{JOINED}")
    if separate or (joined and glance.png(joined[0]) == (RGB, 8)):
        return 2
    names = glance.matching(r"(?:.*/)?\d+_\d+_(?:[^/]*_)?cat\.png")
    return 2 if names and f"{names[0][:-7]}ins.png" in glance.names else 0


def _change(categories: Categories) -> partial[npt.NDArray[np.int64]] | None:
    """Take classes to learning ids where the table is that of SemanticKITTI itself, which has 1 to 19."""
    return partial(np.add, 1) if categories.index_of(19) >= 0 > categories.index_of(0) else None


def open_side(place: Place, request: Request) -> DvpsSide:
    """Open one side; see ``formats/__init__.py``."""
    return open_dvps(
        place,
        request,
        table="semkitti_dvps",
        maps=_maps,
        load=load,
        change=_change,
        void=VOID,
        looked_for="files such as 000008_000000_gtFine_class.png, or 000008_000000_cat.png for predictions",
    )
