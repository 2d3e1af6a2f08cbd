"""Where a COCO-like JSON is, and where its maps are."""

from __future__ import annotations

from pathlib import PurePosixPath

from pqeval.errors import FileError
from pqeval.formats._glance import Glance
from pqeval.source import Request
from pqeval.storage import File, Folder, Place

__all__ = ["find_json", "find_maps", "folder_beside"]


def find_json(place: Place, *, key: str = "segments_info") -> File:
    """Find the JSON: the file itself, or the only one in a folder or archive that has a key.

    Raises
    ------
    FileError
        If there is none, or more than one.
    """
    if isinstance(place, File):
        return place
    glance = Glance(place)
    named = glance.matching(r"(?i)(?:[^/]+/)?[^/]+\.json")
    files = [File(place, name) for name in named]
    fitting = [file for file in files if key in Glance(file).keys]
    if len(fitting) != 1:
        raise FileError(
            code="json-not-found",
            found=f"{len(fitting) or 'no'} JSON files in it have {key}"
            + (": " + ", ".join(file.name for file in fitting[:5]) if fitting else ""),
            expected="one of them",
            remedy="name the JSON itself; in an archive, as submission.zip/predictions.json",
            file=str(place),
        )
    return fitting[0]


def find_maps(file: File, request: Request) -> Folder:
    """Find the folder of the maps: the one that the user named, or that of the JSON.

    Raises
    ------
    FileError
        If there is none.
    """
    if request.folder is not None:
        return request.folder
    folder = file.folder.folder(file.stem)
    if folder is not None:
        return folder
    packed = file.folder.folder(f"{file.stem}.zip")
    if packed is not None:
        return packed.folder(file.stem.rpartition("/")[2]) or packed  # COCO packs the folder, others its files
    raise FileError(
        code="folder-missing",
        found=f"the folder of its PNGs, {file.folder.path(file.stem)}, does not exist",
        expected="a folder named as the JSON without .json",
        remedy=f"name it with --{request.role}-folder ({request.role}_folder=)",
        file=str(file),
    )


def folder_beside(file: File, name: str) -> Folder | None:
    """Return the folder of that name beside a file, or ``None``; ``.`` is the one that the file is in."""
    path = str(PurePosixPath(file.name).parent / name)
    return file.folder if path == "." else file.folder.folder(path)
