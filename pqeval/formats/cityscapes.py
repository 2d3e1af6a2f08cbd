"""Cityscapes as it is distributed: a 16-bit PNG per image, value = label, or label * 1000 + object.

Source: mcordts/cityscapesScripts at 0bcc4a7, README, ``helpers/labels.py``, ``preparation/json2instanceImg.py``.
"""

from __future__ import annotations

from functools import partial

from pqeval.categories import Categories
from pqeval.errors import DataWarning, PqevalError
from pqeval.formats._cityscapes import KINDS, TABLES, decode, numbering_of, rows_of
from pqeval.formats._cityscapes_files import find_maps, is_named, untold
from pqeval.formats._cityscapes_raw import write
from pqeval.formats._glance import Glance
from pqeval.formats._maps import GRAY, PALETTE, MapSide, PngLoader
from pqeval.formats._place import folder_of
from pqeval.source import Request
from pqeval.storage import Place

__all__ = ["CONVENTION", "DESCRIPTION", "LAYOUT", "OPTIONS", "open_side", "recognise", "write"]

DESCRIPTION = "Cityscapes gtFine or gtCoarse: 16-bit PNGs, value = label * 1000 + object"

CONVENTION = "cityscapes"

OPTIONS = {"kind": f"what the maps hold: auto (default: as their names say), {', '.join(KINDS)}"}

LAYOUT = """\
gtFine/val/                      --gt or --pred: this folder, or any above or below it
├── frankfurt/
│   ├── frankfurt_000000_000294_gtFine_instanceIds.png
│   └── ...                      other files are passed over
└── ...

instanceIds: 16-bit grayscale. Objects are label * 1000 + number, all else is the label; labels as
in cityscapesScripts (7 road ... 33 bicycle). A thing without number is a group of things, a crowd.
Labels that are not scored, caravan and trailer among them, are void.
Where there are none, the first of these is read: instanceTrainIds, labelIds, labelTrainIds (the
latter two have no objects); then files of other names that begin with the image id, such as
frankfurt_000000_000294.png, as instanceIds. An image id is the name up to the third underscore.
"""

HINT = "write the values of Cityscapes; if these are of another kind, say so with the option kind, as in kind={}"


def recognise(glance: Glance) -> int:
    """See ``formats/__init__.py``."""
    if any(map(is_named, glance.names)):
        return 2
    first = next(filter(untold, glance.names), None)
    return int(first is not None and glance.png(first) == (GRAY, 16))


def open_side(place: Place, request: Request) -> MapSide:
    """Open one side; see ``formats/__init__.py``."""
    folder = folder_of(place)
    problems: list[PqevalError] = []
    kind, found = find_maps(folder, request.choice("kind", ("auto", *KINDS)), problems)
    categories = request.categories or Categories.builtin(TABLES["label"])
    counted = kind.startswith("instance") or kind == "auto"
    truth = request.role == "gt"
    side = MapSide(
        folder,
        found,
        categories=categories,
        load=_loader(counted),
        decode=partial(
            decode,
            kind=kind,
            numbering=numbering_of(rows_of(categories)).name,
            bare="crowd" if truth else "segment",
            remedy=HINT.format(kind.replace("Train", "") if "Train" in kind else kind.replace("Ids", "TrainIds")),
        ),
        looked_for=f"files such as frankfurt_000000_000294_gtFine_{KINDS[0] if kind == 'auto' else kind}.png",
    )
    side.problems += problems
    if not counted:
        side.problems.append(
            DataWarning(
                code="no-instances",
                found=f"{kind} have no objects: all things of a class "
                + ("are a crowd, and are not scored" if truth else "in an image are one segment"),
                expected="instanceIds",
                remedy="name the folder that has instanceIds, if there is one",
                file=str(folder),
            )
        )
    return side


def _loader(counted: bool) -> PngLoader:
    if counted:
        remedy = (
            "save a uint16 array, since numbers above 255 are lost in 8 bits; "
            "maps of labels alone are read with the option kind=labelIds"
        )
        return PngLoader(((GRAY, 16),), remedy=remedy)
    remedy = "save a uint8 array of labels; if there are objects in it, say kind=instanceIds"
    return PngLoader(((GRAY, 8), (PALETTE, 8)), remedy=remedy)
