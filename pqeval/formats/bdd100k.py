"""BDD100K panoptic bitmasks: RGBA PNGs in which alpha is half of the annotation id.

Source: bdd100k/bdd100k, ``bdd100k/label/to_mask.py``, ``bdd100k/common/bitmask.py`` and
``bdd100k/eval/pan_seg.py`` at 9ac17c6.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from pathlib import Path
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from pqeval.categories import Categories
from pqeval.errors import PqevalError, SegmentError
from pqeval.formats._glance import Glance
from pqeval.formats._maps import RGBA, Found, MapSide, PngLoader
from pqeval.formats._meaning import Meaning, report, shown
from pqeval.formats._names import take_name
from pqeval.formats._place import folder_of
from pqeval.formats._png import write_png
from pqeval.output import make_folder
from pqeval.source import Request, Written
from pqeval.storage import Place

__all__ = ["CONVENTION", "DESCRIPTION", "LAYOUT", "open_side", "recognise", "write"]

DESCRIPTION = "BDD100K bitmasks: RGBA PNGs, R = category, G = flags, 256 B + A = annotation"
CONVENTION = "bdd100k"

LAYOUT = """\
labels/pan_seg/bitmasks/val/     --gt or --pred: this folder, or any above it that has one split
├── 7d2f7975-e0c1c5a7.png        8-bit RGBA; R = category id, 0 is void; 256 B + A = annotation id
└── ...                          G = 8 truncated + 4 occluded + 2 crowd + 1 ignore

The annotation id of stuff is its category id, 1 to 30; things have 31 and more, each its own.
"""

STUFF = 30
CROWD, IGNORE, ALL_FLAGS = 2, 1, 15
DROPPED = CROWD | IGNORE
"""What has one of these flags is not scored."""
AGAIN = 1 << 16
"""Added to the id of those pixels of an annotation that are crowd, where others are not."""

LOAD = PngLoader(
    ((RGBA, 8),),
    remedy="take the original file: alpha is data here, and viewers, converters to RGB and libraries that "
    "multiply colours by alpha destroy it",
    alpha=True,
)


def decode(values: npt.NDArray[np.int64], problems: list[PqevalError]) -> Meaning:
    """See :data:`pqeval.formats._meaning.Decoder`."""
    category, flags = values & 255, values >> 8 & 255
    annotation = (values >> 16 & 255) << 8 | values >> 24
    meaning = Meaning.of(values, category, annotation)
    meaning.void = void = category == 0
    meaning.crowd = crowd = (flags & DROPPED > 0) & ~void
    wrong = np.unique(flags[~void & (flags > ALL_FLAGS)])
    report(
        wrong,
        problems,
        code="bdd100k-flags",
        found="the flags (G) are {values}",
        expected=f"flags up to {ALL_FLAGS}: 8 truncated + 4 occluded + 2 crowd + 1 ignore",
        remedy="take the files of bitmasks/, not those of colormaps/",
    )
    lacking = np.unique(category[~void & (annotation == 0)])
    report(
        lacking,
        problems,
        code="bdd100k-no-annotation",
        found="pixels of category {values} have the annotation id 0",
        expected="an id of 1 or more in 256 B + A",
        remedy=f"write the category id as annotation id of stuff, and {STUFF + 1} or more for things",
    )
    pairs = np.unique(annotation[~void] << 8 | category[~void])
    shared = np.unique(pairs[1:][np.diff(pairs >> 8) == 0] >> 8)
    for number in shared[:1].tolist():
        problems.append(
            SegmentError(
                code="bdd100k-annotation-shared",
                found=f"annotation id {number} is used for the categories "
                f"{shown((pairs[pairs >> 8 == number] & 255).tolist())}",
                expected="one category per annotation id (256 B + A)",
                remedy="give every annotation of an image an id of its own; where all have one id, alpha was lost",
                segment_id=number,
            )
        )
    # The flags are those of a label; several labels of a stuff category share one annotation id.
    partly = np.intersect1d(annotation[crowd], annotation[~crowd & ~void])
    meaning.segment = annotation + AGAIN * (crowd & np.isin(annotation, partly))
    return meaning


def recognise(glance: Glance) -> int:
    """See ``formats/__init__.py``."""
    names = glance.matching(r"(?:.*/)?bitmasks/.*\.png") or glance.matching(r"(?:.*/)?[^/]+\.png")
    if not names or glance.png(names[0]) != (RGBA, 8):
        return 0
    return 2 if "pan_seg/bitmasks/" in names[0] else 1


def open_side(place: Place, request: Request) -> MapSide:
    """Open one side; see ``formats/__init__.py``."""
    folder = folder_of(place)
    names = [name for name in folder.names() if name.endswith(".png")]
    names = [name for name in names if "bitmasks/" in name] or names  # else there are colormaps beside them
    return MapSide(
        folder,
        [Found(name.rpartition("/")[2].removesuffix(".png"), name) for name in names],
        categories=request.categories or Categories.builtin("bdd100k"),
        load=LOAD,
        decode=decode,
        looked_for="files such as bitmasks/val/7d2f7975-e0c1c5a7.png",
    )


def write(path: Path, frames: Iterable[Written], categories: Categories) -> None:
    """Write bitmasks into a folder; see ``formats/__init__.py``.

    Stuff gets its category id as annotation id, things 31, 32, ... by ascending segment id.

    Raises
    ------
    SegmentError, PairingError, FileError
        For what the encoding cannot hold, and where a file cannot be written.
    """
    stuff = categories.stuff
    make_folder(path)
    written: set[str] = set()
    for image in frames:
        name = quote(str(image.image_id).replace("/", "-")) + ".png"
        take_name(name, written, image.image_id)
        colours = _colours(image, stuff)
        ids = np.append(0, image.rows.ids)
        order = np.argsort(ids)
        write_png(path / name, colours[order][np.searchsorted(ids[order], image.labels.to_array())])


def _colours(image: Written, stuff: frozenset[int]) -> npt.NDArray[np.uint8]:
    """The four channels of void and of each segment."""
    rows = image.rows
    unfit = (rows.category_ids < 1) | (rows.category_ids > 255)
    most = 2**16 - 1 - STUFF - 255
    if unfit.any() or len(rows) > most or len(image.labels.shape) != 2:
        what = (
            f"category_id {shown(rows.category_ids[unfit].tolist())}"
            if unfit.any()
            else f"an image of {len(rows)} segments"
            if len(rows) > most
            else f"a map of shape {image.labels.shape}"
        )
        raise SegmentError(
            code="not-storable",
            found=f"{what} cannot be stored in this format",
            expected=f"an (H, W) map with category ids 1 to 255 and up to {most} segments",
            remedy="write another format, such as coco",
            image_id=image.image_id,
        )
    taken = stuff & set(rows.category_ids.tolist())
    free = (number for number in count(STUFF + 1) if number not in taken)
    used: set[tuple[int, bool]] = set()
    colours = np.zeros((len(rows) + 1, 4), np.uint8)
    for place in (np.argsort(rows.ids) + 1).tolist():
        row = rows[place - 1]
        number = row.category_id
        if number not in taken or (number, row.iscrowd) in used:
            number = next(free)
        used.add((number, row.iscrowd))
        colours[place] = row.category_id, CROWD * row.iscrowd, number >> 8, number & 255
    return colours
