"""STEP: a PNG per frame with R = category and 256 G + B = instance, and nothing else.

Source: google-research/deeplab2, ``g3doc/setup/kitti_step.md`` and ``motchallenge_step.md`` at 64bc1c1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pqeval.categories import Categories
from pqeval.errors import PairingError, PqevalError
from pqeval.formats._class_instance import INSTANCE0, settle
from pqeval.formats._class_instance_write import PairWriter
from pqeval.formats._glance import Glance
from pqeval.formats._maps import RGB, Found, MapSide, PngLoader
from pqeval.formats._meaning import Meaning
from pqeval.formats._place import folder_of
from pqeval.source import Request, Written
from pqeval.storage import Folder, Place

__all__ = ["LAYOUT", "OPTIONS", "decode", "frames", "open_step", "recognise", "write_step"]

VOID = 255

OPTIONS = {
    "instance0": "what a thing with instance 0 is: crowd (default for --gt), object (default for --pred), or void",
}

LAYOUT = """\
panoptic_maps/val/               --gt or --pred: this folder, or any above it that has one split
├── 0002/                        a folder per sequence
│   ├── 000000.png               8-bit RGB; R = category id, 256 G + B = instance; R = 255 is void
│   └── ...
└── ...

An instance number is the same object in all frames of a sequence. A thing with instance 0 is a crowd
in the ground truth, and an object like any other in predictions.
A flat folder of names like 000002_000000.png or 000002_000000_panoptic.png is read as well.
"""

NESTED = re.compile(r"(?:.*/)?(\d+)/(\d+)\.png")
FLAT = re.compile(r"(?:.*/)?(\d+)_(\d+)(?:_panoptic)?\.png")
FRAME = re.compile(r"(?:.*/)?(\d+)/(\d+)(?:\.png)?")


def frames(folder: Folder) -> list[Found]:
    """List the frames of a folder by number; the image id is sequence/frame, with 4 and 6 digits."""
    found = []
    for name in folder.names():
        parts = NESTED.fullmatch(name) or FLAT.fullmatch(name)
        if parts is not None:
            found.append((int(parts[1]), int(parts[2]), name))
    return [
        Found(f"{sequence:04d}/{frame:06d}", name, f"{sequence:04d}") for sequence, frame, name in sorted(found)
    ]


def decode(
    values: npt.NDArray[np.int64], problems: list[PqevalError], *, categories: Categories, instance0: str
) -> Meaning:
    """See :data:`pqeval.formats._meaning.Decoder`."""
    meaning = Meaning.of(values, values & 255, (values >> 8 & 255) << 8 | values >> 16, offset=1)
    meaning.void = meaning.category == VOID
    return settle(meaning, problems, categories=categories, instance0=instance0)


def recognise(glance: Glance) -> int:
    """See ``formats/__init__.py``; the layout does not tell the two STEP datasets apart."""
    names = glance.matching(r"(?:.*/)?(?:\d{4}/\d{6}|\d{6}_\d{6}(?:_panoptic)?)\.png")
    return int(bool(names) and glance.png(names[0]) == (RGB, 8))


def open_step(place: Place, request: Request, table: str) -> MapSide:
    """Open one side; see ``formats/__init__.py``."""
    folder = folder_of(place)
    categories = request.categories or Categories.builtin(table)
    instance0 = request.choice("instance0", INSTANCE0[request.role])
    return MapSide(
        folder,
        frames(folder),
        categories=categories,
        load=PngLoader(
            ((RGB, 8),), remedy="write the category into R, and instance // 256 and % 256 into G and B"
        ),
        decode=partial(decode, categories=categories, instance0=instance0),
        looked_for="files such as 0002/000000.png",
    )


def write_step(folder: Path, images: Iterable[Written], categories: Categories) -> None:
    """Write a PNG per frame into a folder per sequence.

    Within a sequence, objects of one category and segment id get one instance number, from 1.

    Parameters
    ----------
    folder : Path
        The folder to fill, as ``panoptic_maps/val``.
    images : iterable of Written
        With image ids such as ``0002/000000``.
    categories : Categories
        The table.

    Raises
    ------
    DataError
        For an image that does not say its sequence and frame in numbers, and for what the encoding cannot hold:
        category ids above 254, more than 65535 objects of a category in a sequence, several crowds of one
        category in an image, several segments of one stuff category, crowds of stuff.
    """
    writer = PairWriter(folder, categories, voids=(VOID,), largest=VOID - 1, first=1, last=65535, crowd=0)
    for image in images:
        parts = FRAME.fullmatch(str(image.image_id))
        if parts is None:
            raise PairingError(
                code="frame-name",
                found="the image id does not name a sequence and a frame",
                expected="sequence/frame, both numbers, such as 0002/000000",
                remedy="rename the images",
                image_id=image.image_id,
            )
        sequence, frame = map(int, parts.groups())
        writer.write(f"{sequence:04d}/{frame:06d}.png", image, sequence=f"{sequence:04d}", pack=_packed)


def _packed(category: npt.NDArray[np.int64], instance: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return category | instance >> 8 << 8 | (instance & 255) << 16
