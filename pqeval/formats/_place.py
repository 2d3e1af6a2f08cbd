"""Places that have to be of one kind."""

from __future__ import annotations

from pqeval.errors import FileError
from pqeval.storage import File, Folder, Place

__all__ = ["folder_of"]


def folder_of(place: Place) -> Folder:
    """Return the folder, where a format reads folders.

    Raises
    ------
    FileError
        If it is a file, or does not exist.
    """
    if isinstance(place, Folder):
        return place
    exists = place.folder.has(place.name)
    raise FileError(
        code="folder-expected",
        found="is a file" if exists else "does not exist",
        expected="a folder, or a zip or tar file",
        remedy="name the folder that the files are in",
        file=str(place),
    )


def file_of(place: Place) -> File:
    """Return the file, where a format reads one.

    Raises
    ------
    FileError
        If it is a folder.
    """
    if isinstance(place, File):
        return place
    raise FileError(
        code="file-expected",
        found="is a folder",
        expected="a file",
        remedy="name the file itself; in an archive, as submission.zip/name",
        file=str(place),
    )
