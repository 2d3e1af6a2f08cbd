"""PanNuke: one array of instance maps, a channel per class of nuclei, for all images of a fold.

Source: TissueImageAnalytics/PanNuke-metrics, ``README.md``, ``run.py`` and ``utils.py`` at c00014d.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from pqeval.categories import Categories
from pqeval.errors import DataWarning, PairingError, PqevalError, SegmentError, ShapeError
from pqeval.formats._arrays import counted, glimpse, read_array
from pqeval.formats._glance import Glance
from pqeval.formats._nuclei import is_untyped, side_of_pairs
from pqeval.formats._place import folder_of
from pqeval.formats._stack import Stack, StackSide
from pqeval.labelmap import LabelMap
from pqeval.rows import Rows
from pqeval.source import Request
from pqeval.storage import File, Folder, Place

__all__ = ["CONVENTION", "DESCRIPTION", "LAYOUT", "OPTIONS", "open_side", "recognise"]

DESCRIPTION = "PanNuke: masks.npy, (N, 256, 256, 6), an instance map per class of nuclei"
CONVENTION = "pannuke"
OPTIONS = {"overlap": "nuclei of two channels on one pixel: last channel wins (default), first wins, or error"}

LAYOUT = """\
Fold 3/                          --gt: this folder, or one above; --pred: a folder with masks.npy
├── masks/fold3/masks.npy        (N, 256, 256, 6), whole numbers, also as floats
└── images/fold3/types.npy       ground truth: (N,) names of tissues; may also lie beside masks.npy

Channel c = 0 to 4 holds the nuclei of category c + 1, numbered from 1; 0 is none. Channel 5 is
background and is not read. Both sides have the images in one order. An image is named by its place,
and by its fold where there are several.
"""

MASKS = re.compile(r"(?:.*/)?masks\.npy")
TYPES = re.compile(r"(?:.*/)?types\.npy")
FOLD = re.compile(r"fold[ _-]?(\d+)", re.IGNORECASE)
CLASSES = 5


def decode(
    image: npt.NDArray[Any], problems: list[PqevalError], *, overlap: str, untyped: bool
) -> tuple[LabelMap, Rows]:
    """Make one map of the channels of an image; most of them are 0 nearly everywhere."""
    pixels = image.reshape(-1, image.shape[-1])[:, :CLASSES]
    places, channels = np.divmod(np.flatnonzero(pixels != 0), CLASSES)
    nuclei = counted(pixels[places, channels], "masks.npy")
    again = places[1:] == places[:-1]
    if again.any():
        kind = SegmentError if overlap == "error" else DataWarning
        problems.append(
            kind(
                code="channels-overlap",
                found=f"{len(np.unique(places[1:][again]))} pixels are nuclei in more than one channel"
                + ("" if overlap == "error" else f"; the {overlap} channel has them"),
                expected="channels that do not overlap",
                remedy="cut the nuclei so that each pixel belongs to one, or choose with the option overlap",
            )
        )
    kept = np.ones(len(places), bool)
    if overlap == "first":
        kept[1:] = ~again
    else:
        kept[:-1] = ~again
    category, instance = np.zeros(len(pixels), np.int64), np.zeros(len(pixels), nuclei.dtype)
    category[places[kept]] = channels[kept] + 1
    instance[places[kept]] = nuclei[kept]
    shape = image.shape[:-1]
    return side_of_pairs(category.reshape(shape), instance.reshape(shape), untyped=untyped)


def recognise(glance: Glance) -> int:
    """See ``formats/__init__.py``."""
    names = glance.matching(MASKS.pattern)
    header = glimpse(File(glance.place, names[0])) if names and isinstance(glance.place, Folder) else None
    return 2 * (header is not None and len(header.shape) == 4 and header.shape[-1] == CLASSES + 1)


def open_side(place: Place, request: Request) -> StackSide:
    """Open one side; see ``formats/__init__.py``."""
    folder = folder_of(place)
    overlap = request.choice("overlap", ("last", "first", "error"))
    names = folder.names()
    masks = [name for name in names if MASKS.fullmatch(name)]
    if not masks:
        raise PairingError(
            code="no-files",
            found="there is no masks.npy",
            expected="masks.npy with all images, for predictions too",
            remedy="check the folder, and the format with `pqeval formats`",
            file=str(folder),
        )
    tissues = {name: _tissues(folder, name, masks) if request.role == "gt" else None for name in masks}
    side = StackSide(
        str(folder),
        [Stack(File(folder, name), _fold(name) if len(masks) > 1 else None, tissues[name]) for name in masks],
        categories=request.categories or Categories.builtin("pannuke"),
        channels=CLASSES + 1,
        decode=partial(decode, overlap=overlap, untyped=is_untyped(request.categories)),
    )
    if request.role == "gt" and None in tissues.values():
        side.problems.append(
            DataWarning(
                code="tissues-missing",
                found="there is no types.npy, so all images count as one tissue",
                expected="types.npy with the name of a tissue per image",
                remedy="copy it beside masks.npy: PanNuke's scores are means over tissues",
                file=str(folder),
            )
        )
    return side


def _fold(name: str) -> str:
    """Name a fold as its folder does: fold3 for ``Fold 3``; where there is no number, by the folder."""
    numbers = FOLD.findall(name)
    if numbers:
        return f"fold{numbers[-1]}"
    return name.rpartition("/")[0]


def _tissues(folder: Folder, masks: str, others: list[str]) -> list[str] | None:
    """Read the tissues of the images of an array: beside it, or else those of its fold."""
    types = [name for name in folder.names() if TYPES.fullmatch(name)]
    beside = [name for name in types if name.rpartition("/")[0] == masks.rpartition("/")[0]]
    found = (
        beside or [name for name in types if _fold(name) == _fold(masks)] or (types if len(others) == 1 else [])
    )
    if not found:
        return None
    array = read_array(File(folder, found[0]))
    if array.ndim != 1 or array.dtype.kind not in "US":
        raise ShapeError(
            code="tissues-array",
            found=f"the array is {array.dtype} of shape {array.shape}",
            expected="a list of names, one per image",
            remedy="save it as `np.save('types.npy', np.array(names))`",
            file=folder.path(found[0]),
        )
    return [name.decode("utf-8", "replace") if isinstance(name, bytes) else name for name in array.tolist()]
