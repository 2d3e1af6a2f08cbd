"""What a path means: a file, a folder, an archive, something in an archive, or any of these behind a URL."""

from __future__ import annotations

import os

from pqeval.errors import FileError
from pqeval.storage.folder import SUFFIXES, File, Folder, Place
from pqeval.storage.local import LocalFolder, read_path, read_regular

__all__ = ["as_folder", "locate"]


class _Parent(LocalFolder):
    """The folder of a file that the user named; the rules for names in data are not for that name."""

    def __init__(self, path: str, given: str) -> None:
        super().__init__(path)
        self._given = given

    def read(self, name: str) -> bytes:
        return read_path(self.path(name)) if name == self._given else super().read(name)

    def head(self, name: str, size: int) -> bytes:
        return read_regular(self.path(name), size) if name == self._given else super().head(name, size)


def locate(path: str | os.PathLike[str]) -> Place:
    """Find out what a path means.

    Parameters
    ----------
    path : path or URL
        A file; a folder; an archive, which is a folder; or a file or folder in an archive,
        ``submission.zip/pred.json``.

    Returns
    -------
    File or Folder
        A file need not exist: whoever reads it is told.
    """
    text = os.fspath(path)
    if "://" in text:
        return _behind_url(text)
    if os.path.isdir(text):
        return LocalFolder(text)
    text = text.rstrip("/" + os.sep) or text
    parent, name = os.path.split(text)
    if not name.lower().endswith(SUFFIXES) and (os.path.exists(text) or not _packed_parent(parent)):
        return File(_Parent(parent, name), name)
    archive = LocalFolder(parent).folder(name) if os.path.isfile(text) else None
    return archive or _in_archive(text) or File(_Parent(parent, name), name)


def _packed_parent(path: str) -> bool:
    return any(part.lower().endswith(SUFFIXES) for part in path.replace(os.sep, "/").split("/"))


def _in_archive(text: str) -> Place | None:
    """Look for an archive among the parents of a path that does not exist."""
    inner: list[str] = []
    while text and not os.path.exists(text):
        text, name = os.path.split(text)
        inner.insert(0, name)
        if not name:
            return None
    if not os.path.isfile(text) or not inner:
        return None
    parent, name = os.path.split(text)
    archive = LocalFolder(parent).folder(name)
    return None if archive is None else _below(archive, "/".join(inner))


def _below(folder: Folder, name: str) -> Place:
    whole = folder.folder(name) if name else folder
    if whole is not None:
        return whole
    parts = name.split("/")
    for end in range(1, len(parts)):
        if parts[end - 1].lower().endswith(SUFFIXES):
            inner = folder.folder("/".join(parts[:end]))
            if inner is not None:
                return _below(inner, "/".join(parts[end:]))
    return File(folder, name)


def _behind_url(url: str) -> Place:
    from pqeval.storage.remote import RemoteFolder, fetching, file_system

    parts = url.rstrip("/").split("/")
    for end in range(len(parts), 2, -1):
        name = parts[end - 1]
        if name.lower().endswith(SUFFIXES):
            archive = RemoteFolder("/".join(parts[: end - 1])).folder(name)
            if archive is not None:
                return _below(archive, "/".join(parts[end:]))
    system, path = file_system(url)
    parent = "/".join(parts[:-1])
    # Web servers call everything a file, and look for links in what is asked for as a folder.
    if "." in parts[-1] and RemoteFolder(parent).has(parts[-1]):
        return File(RemoteFolder(parent), parts[-1])
    with fetching(url):
        return RemoteFolder(url) if system.isdir(path) else File(RemoteFolder(parent), parts[-1])


def as_folder(path: str | os.PathLike[str], *, option: str) -> Folder:
    """Find the folder, or the archive, behind a path.

    Raises
    ------
    FileError
        If there is none.
    """
    place = locate(path)
    if isinstance(place, File):
        raise FileError(
            code="not-a-folder",
            found=f"{option} is no folder and no archive",
            expected="a folder, a zip or tar file, or a URL of one",
            remedy=f"check {option}",
            file=str(place),
        )
    return place
