"""Which files of a folder are maps of Cityscapes, of which kind they are, and of which images."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pqeval.errors import DataWarning, PairingError, PqevalError
from pqeval.formats._cityscapes import KINDS
from pqeval.formats._maps import Found
from pqeval.storage import Folder

__all__ = ["NAMED", "city_of", "find_maps", "image_of", "is_named", "untold"]

CITY = r"[^\W\d_][^_/]*_\d+_\d+"
NAMED = re.compile(rf"(?:.*/)?([^/]+?)(?:_gt(?:Fine|Coarse))?_({'|'.join(KINDS)})\.png")
PLAIN = re.compile(rf"(?:.*/)?({CITY})(_[^/]*)?\.png")
OTHERS = re.compile(r".*_(?:color|leftImg8bit|rightImg8bit|disparity|panoptic)")
"""What else lies beside maps: pictures, and the maps of ``cityscapes_panoptic``."""


def image_of(stem: str) -> str:
    """Return the image id of a file name without its kind: up to the third underscore, in names of Cityscapes."""
    parts = re.fullmatch(rf"({CITY})(?:_.*)?", stem)
    return stem if parts is None else parts[1]


def city_of(image_id: str) -> str | None:
    """Return the city of an image id that is one of Cityscapes."""
    return image_id.partition("_")[0] if re.fullmatch(CITY, image_id) else None


def is_named(name: str) -> bool:
    """Whether a path is named in full as those of Cityscapes are."""
    return NAMED.fullmatch(name) is not None and PLAIN.fullmatch(name) is not None


def untold(name: str) -> re.Match[str] | None:
    """Return image id and ending of a name that begins with an image id of Cityscapes and tells no kind."""
    parts = PLAIN.fullmatch(name)
    return None if parts is None or OTHERS.fullmatch(parts[2] or "") or NAMED.fullmatch(name) else parts


def find_maps(folder: Folder, kind: str, problems: list[PqevalError]) -> tuple[str, list[Found]]:
    """Find the maps of one kind.

    Parameters
    ----------
    folder : Folder
        A folder of maps, or any above it.
    kind : str
        One of ``KINDS``, or ``"auto"``: the first of them that there is. Files whose names tell no kind are taken
        where none tells the kind asked for; in case of ``"auto"``, as instanceIds.
    problems : list
        Receives a warning where images have a map of another kind only.

    Returns
    -------
    kind : str
        What the maps are.
    found : list of Found
        The maps, in the order of their names.

    Raises
    ------
    PairingError
        If files of several kinds have names that tell none.
    """
    named: dict[str, list[Found]] = {}
    others: dict[str, list[Found]] = {}
    for name in folder.names():
        parts = NAMED.fullmatch(name)
        if parts is not None:
            named.setdefault(parts[2], []).append(Found(image_of(parts[1]), name))
        elif (parts := untold(name)) is not None:
            others.setdefault(parts[2] or "", []).append(Found(parts[1], name))
    if kind == "auto":
        kind = next((each for each in KINDS if each in named), "instanceIds" if others else kind)
    if kind in named:
        _compare(kind, named, folder, problems)
        return kind, named[kind]
    if len(others) > 1:
        first, second, *_ = (files[0].name for files in others.values())
        raise PairingError(
            code="kinds-mixed",
            found=f"there are files of several kinds: {first} and {second}",
            expected="files such as frankfurt_000000_000294_gtFine_instanceIds.png, or of one kind only",
            remedy="name the folder that has the maps and nothing else, or end their names as Cityscapes does",
            file=str(folder),
        )
    return kind, next(iter(others.values()), [])


def _compare(kind: str, named: Mapping[str, list[Found]], folder: Folder, problems: list[PqevalError]) -> None:
    there = {file.image_id for file in named[kind]}
    for other, files in named.items():
        lacking = [str(file.image_id) for file in files if file.image_id not in there]
        if lacking:
            problems.append(
                DataWarning(
                    code="map-lacking",
                    found=f"images with {other} and no {kind} are left out ({len(lacking)}): {lacking[0]}"
                    + (" and others" if len(lacking) > 1 else ""),
                    expected=f"{kind} of every image",
                    remedy=f"make them with cityscapesScripts, or read the others with the option kind={other}",
                    file=str(folder),
                )
            )
