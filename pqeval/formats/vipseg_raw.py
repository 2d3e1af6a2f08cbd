"""VIPSeg as it is downloaded: a single-channel PNG per frame, with the class or class * 100 + instance.

Source: VIPSeg-Dataset/VIPSeg-Dataset at 92e1459, README and ``create_panoptic_video_labels.py``.
"""

from __future__ import annotations

import re
from functools import partial

import numpy as np
import numpy.typing as npt

from pqeval.categories import Categories
from pqeval.errors import PqevalError, UsageError
from pqeval.formats._glance import Glance
from pqeval.formats._maps import GRAY, PALETTE, Found, MapSide, PngLoader
from pqeval.formats._meaning import Meaning, is_stuff, report
from pqeval.formats._place import folder_of
from pqeval.source import Request
from pqeval.storage import File, Folder, Place

__all__ = ["CONVENTION", "DESCRIPTION", "LAYOUT", "OPTIONS", "open_side", "recognise"]

DESCRIPTION = "VIPSeg, raw: single-channel PNGs with class, or class * 100 + instance"
CONVENTION = "coco"
OPTIONS = {"split": "train, val or test: the videos that train.txt, val.txt or test.txt lists; all (default)"}

LAYOUT = """\
VIPSeg/                          --gt or --pred: this folder, or panomasks in it
├── panomasks/
│   ├── 0_wHRIZlF-mNs/           a folder per video
│   │   ├── 00000001.png         8- or 16-bit gray; 0 is void, 1 to 124 a class, else class * 100 + instance
│   │   └── ...
│   └── ...
└── val.txt                      the videos of a split, one per line; needed for the option split

An instance number is the same object in all frames of a video. category_id is the class - 1.
"""

FIRST_WITH_INSTANCE = 125
PER_CLASS = 100
CLASSES = 124
FRAME = re.compile(r"(?P<above>.*/)?(?P<video>[^/]+)/(?P<image>[^/]+)\.png")
KINDS = ((GRAY, 16), (GRAY, 8), (PALETTE, 8))


def _frames(folder: Folder, split: str) -> list[Found]:
    matches = [match for match in map(FRAME.fullmatch, folder.names()) if match is not None]
    masks = [match for match in matches if re.search(r"(?:^|/)panomasks/$", match["above"] or "")]
    wanted = None if split == "all" else _videos(File(folder, f"{split}.txt"))
    return [
        Found(f"{match['video']}/{match['image']}", match[0], match["video"])
        for match in masks or matches
        if wanted is None or match["video"] in wanted
    ]


def _videos(file: File) -> set[str]:
    try:
        listed = file.read().decode()
    except PqevalError as error:
        raise UsageError(
            code="split-unlisted",
            found=f"there is no list of the videos of the split: {file}",
            expected="a text file with a video per line",
            remedy="name the folder that has it, above panomasks",
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(
            code="split-unreadable",
            found="the list of videos is no UTF-8 text",
            expected="a text file with a video per line",
            remedy="write it again",
            file=str(file),
        ) from error
    return set(listed.split())


def decode(
    values: npt.NDArray[np.int64], problems: list[PqevalError], *, categories: Categories, first: int
) -> Meaning:
    """See :data:`pqeval.formats._meaning.Decoder`; ``first`` is the category id of class 1."""
    numbered = values >= FIRST_WITH_INSTANCE
    number = np.where(numbered, values // PER_CLASS, values)
    meaning = Meaning.of(values, number - 1 + first, np.where(numbered, values % PER_CLASS, 0))
    meaning.void = values == 0
    report(
        values[number > CLASSES],
        problems,
        code="class-unknown",
        found=f"pixels have the value {{values}}, whose class is above {CLASSES}",
        expected=f"0 for void, a class from 1 to {CLASSES}, or class * {PER_CLASS} + instance",
        remedy="check that these are raw maps of VIPSeg",
    )
    report(
        values[numbered & is_stuff(meaning.category, categories)],
        problems,
        code="stuff-instance",
        found="pixels have the value {values}: objects of stuff; each makes a segment of its own",
        expected="stuff as the class alone",
        remedy=f"void is 0, not 255; a class has room for {PER_CLASS} objects, and more run into the next class",
        warn=True,
    )
    return meaning


def recognise(glance: Glance) -> int:
    """See ``formats/__init__.py``; gray PNGs could be masks of any dataset, so the name has to say it."""
    names = glance.matching(r"(?:.*/)?panomasks/[^/]+/[^/]+\.png")
    if not names and re.search(r"(?:^|[/\\])panomasks[/\\]?$", str(glance.place)):
        names = glance.matching(r"[^/]+/[^/]+\.png")
    return 2 * int(bool(names) and glance.png(names[0]) in KINDS)


def open_side(place: Place, request: Request) -> MapSide:
    """Open one side; see ``formats/__init__.py``."""
    folder = folder_of(place)
    categories = request.categories or Categories.builtin("vipseg")
    split = request.choice("split", ("all", "train", "val", "test"))
    ids = {row.id for row in categories}
    return MapSide(
        folder,
        _frames(folder, split),
        categories=categories,
        load=PngLoader(KINDS, remedy="the maps of the 720P version in RGB are read with the format vipseg"),
        # A table of the class numbers themselves ends with 124 and has no 0.
        decode=partial(decode, categories=categories, first=int(CLASSES in ids and 0 not in ids)),
        looked_for="files such as panomasks/0_wHRIZlF-mNs/00000001.png",
    )
