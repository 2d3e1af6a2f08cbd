"""Two-channel PNGs: R = category, G = instance, B unused, and nothing else.

Source: cocodataset/panopticapi, ``converters/2channels2panoptic_coco_format.py`` and its sample data at 7bb4655;
UPSNet and VPSNet write their results this way, with void as 255.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pqeval.categories import Categories
from pqeval.errors import PairingError, PqevalError, SegmentError
from pqeval.formats._class_instance import settle, void_categories
from pqeval.formats._class_instance_write import PairWriter
from pqeval.formats._glance import Glance
from pqeval.formats._maps import RGB, Found, MapSide, PngLoader
from pqeval.formats._meaning import Meaning, is_thing
from pqeval.formats._place import folder_of
from pqeval.image_ids import ImageId
from pqeval.source import Request, Written
from pqeval.storage import Folder, Place

__all__ = ["CONVENTION", "DESCRIPTION", "LAYOUT", "OPTIONS", "open_side", "recognise", "write"]

DESCRIPTION = "Two-channel PNGs: RGB, R = category, G = instance, B = 0"
CONVENTION = "coco"
OPTIONS = {
    "void": "number of void pixels in R; auto (default): 0 and 255 where they are no categories",
    "instance0": "what a thing with instance 0 is: object (default), crowd, or void",
    "instance255": "what a thing with instance 255 is: crowd (default for --gt) or object (default for --pred)",
}

LAYOUT = """\
gt_2ch/                          --gt or --pred
├── 000000139180.png             8-bit RGB; R = category id, G = instance, B = 0
└── ...

Void has category 0 or 255. Stuff has instance 0; in the ground truth, a thing with instance 255 is a crowd.
The categories are those of COCO unless the other side or --categories has a table.
"""

CROWD = 255
PNG = re.compile(r"(.+)\.png")
NAME = re.compile(r"(?!\.)[^/\\<>:\"|?*\x00-\x1f]+(?:/(?!\.)[^/\\<>:\"|?*\x00-\x1f]+)*")


def _found(folder: Folder) -> list[Found]:
    """List the images; those in a folder of their own are frames of a video."""
    names = [name for name in folder.names() if PNG.fullmatch(name)]
    return [Found(name[:-4], name, name.rpartition("/")[0] or None) for name in names]


def decode(
    values: npt.NDArray[np.int64],
    problems: list[PqevalError],
    *,
    categories: Categories,
    void: npt.NDArray[np.int64],
    instance0: str,
    instance255: str,
) -> Meaning:
    """See :data:`pqeval.formats._meaning.Decoder`."""
    meaning = Meaning.of(values, values & 255, values >> 8 & 255, offset=1)
    blue = values[values > 0xFFFF].tolist()
    if blue:
        problems.append(
            SegmentError(
                code="third-channel",
                found=f"B is not 0 in some pixels: RGB ({blue[0] & 255}, {blue[0] >> 8 & 255}, {blue[0] >> 16})",
                expected="R = category, G = instance, B = 0",
                remedy="where 256 G + B is the instance, name the format kitti_step, motchallenge_step or "
                "deeplab2; where R + 256 G + 65536 B is an id, name the JSON that lists the ids (format coco)",
            )
        )
        return meaning
    meaning.void = np.isin(meaning.category, void)
    if instance255 == "crowd":
        meaning.crowd = is_thing(meaning.category, categories) & (meaning.instance == CROWD)
    return settle(meaning, problems, categories=categories, instance0=instance0)


def recognise(glance: Glance) -> int:
    """See ``formats/__init__.py``; a folder of RGB PNGs can be of several formats."""
    if glance.json is not None:
        return 0
    names = glance.matching(PNG.pattern)
    return int(bool(names) and glance.png(names[0]) == (RGB, 8))


def open_side(place: Place, request: Request) -> MapSide:
    """Open one side; see ``formats/__init__.py``."""
    folder = folder_of(place)
    categories = request.categories or Categories.builtin("coco")
    return MapSide(
        folder,
        _found(folder),
        categories=categories,
        load=PngLoader(((RGB, 8),), remedy="write the category into R and the instance into G"),
        decode=partial(
            decode,
            categories=categories,
            void=void_categories(request, categories),
            instance0=request.choice("instance0", ("object", "crowd", "void")),
            instance255=request.choice(
                "instance255", ("crowd", "object") if request.role == "gt" else ("object", "crowd")
            ),
        ),
        looked_for="PNGs such as 000000139180.png",
    )


def write(folder: Path, frames: Iterable[Written], categories: Categories) -> None:
    """Write a PNG per image.

    Objects of a category are numbered from 0, in a video over all frames; stuff has 0 and crowds 255.

    Parameters
    ----------
    folder : Path
        The folder to fill.
    frames : iterable of Written
        The images.
    categories : Categories
        The table.

    Raises
    ------
    DataError
        For an image id that can be no file name, and for what the encoding cannot hold: category ids above 255,
        more than 255 objects of a category, several crowds of one category in an image, several segments of one
        stuff category, crowds of stuff, void where both 0 and 255 are categories.
    """
    writer = PairWriter(folder, categories, voids=(0, 255), largest=255, first=0, last=254, crowd=CROWD)
    for image in frames:
        writer.write(_file_name(image.image_id), image, sequence=image.sequence, pack=_packed)


def _file_name(image_id: ImageId) -> str:
    if type(image_id) is int and image_id >= 0:
        return f"{image_id:012d}.png"
    name = str(image_id).removesuffix(".png")
    if not NAME.fullmatch(name):
        raise PairingError(
            code="image-id-file-name",
            found="the image id cannot be a file name",
            expected="an id such as 000000139180 or sequence/frame",
            remedy="rename the images",
            image_id=image_id,
        )
    return f"{name}.png"


def _packed(category: npt.NDArray[np.int64], instance: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return category | instance << 8
