"""Files on this machine."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from pqeval.errors import FileError
from pqeval.storage.folder import Folder, check_name

__all__ = ["LocalFolder", "read_path", "read_regular"]

FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0)


class LocalFolder(Folder):
    """A folder on this machine.

    Parameters
    ----------
    path : path
        The folder; ``name`` is the path as given.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(os.fspath(path))
        self._names: list[str] | None = None

    def path(self, name: str) -> str:
        """Return the path of a file in it."""
        return os.path.join(self.name, name) if self.name not in ("", ".") else name

    def read(self, name: str) -> bytes:
        """Read a regular file; links are followed, pipes and devices are refused before opening."""
        check_name(name, self.name)
        return read_path(self.path(name))

    def head(self, name: str, size: int) -> bytes:
        """Read the first bytes of a regular file."""
        check_name(name, self.name)
        return read_regular(self.path(name), size)

    def names(self) -> list[str]:
        """List all regular files below it, once; links are followed, but not back to a folder that they lie in."""
        if self._names is None:
            self._names = self._listed()
        return self._names

    def _listed(self) -> list[str]:
        found: list[str] = []
        top = self.name or "."
        above: dict[str, tuple[tuple[int, int], ...]] = {}
        for folder, below, files in os.walk(top, followlinks=True, onerror=_not_listed):
            told = os.stat(folder)
            place, parents = (told.st_dev, told.st_ino), above.get(os.path.dirname(folder), ())
            if place in parents:
                below.clear()
                continue
            above[folder] = (*parents, place)
            below[:] = self.within(below)
            inner = os.path.relpath(folder, top).replace(os.sep, "/")
            found += files if inner == "." else [f"{inner}/{file}" for file in files]
        return self.within(found)

    def has(self, name: str) -> bool:
        """Whether there is a file of that name."""
        return os.path.isfile(self.path(name))

    def folder(self, name: str) -> Folder | None:
        """Return the folder of that name in it, or else the archive."""
        if os.path.isdir(self.path(name)):
            return LocalFolder(self.path(name))
        from pqeval.storage.archives import open_archive  # most runs meet none

        return open_archive(self.path(name)) if self.has(name) else None


def read_path(path: Path | str) -> bytes:
    """Read a regular file; as :func:`read_regular`, and faster where nothing is unusual."""
    raw = _at_once(path)
    return read_regular(path) if raw is None else raw


def _at_once(path: Path | str) -> bytes | None:
    try:
        told = os.stat(path)
        if not stat.S_ISREG(told.st_mode):
            return None
        handle = os.open(path, FLAGS)
        try:
            raw = os.read(handle, told.st_size + 1)
        finally:
            os.close(handle)
    except (OSError, ValueError):
        return None
    return raw if len(raw) == told.st_size else None


def read_regular(path: Path | str, size: int = -1) -> bytes:
    """Read a regular file, or its first bytes; links are followed, pipes and devices are refused before opening.

    Raises
    ------
    FileError
        If there is no such file, or it is not a regular one, or it cannot be read.
    """
    path = Path(path)
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            raise FileError(
                code="not-a-regular-file",
                found=f"is a {_kind(mode)}",
                expected="a regular file",
                remedy="check the path",
                file=str(path),
            )
        with path.open("rb") as stream:
            return stream.read(size)
    except FileNotFoundError:
        raise FileError(
            code="file-missing",
            found="does not exist",
            expected="a file",
            remedy=_hint(path),
            file=str(path),
        ) from None
    except (OSError, ValueError) as reason:  # ValueError: a NUL, or a character that no file name can have
        raise FileError(
            code="file-unreadable",
            found=f"cannot be read: {getattr(reason, 'strerror', None) or reason}",
            expected="a readable file",
            remedy="check its name and its permissions",
            file=str(path),
        ) from reason


def _not_listed(reason: OSError) -> None:
    raise FileError(
        code="folder-unreadable",
        found=f"cannot be listed: {reason.strerror}",
        expected="a folder that may be read",
        remedy="check its permissions",
        file=str(reason.filename),
    ) from reason


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "folder", stat.S_IFIFO: "named pipe", stat.S_IFSOCK: "socket"}
    return kinds.get(stat.S_IFMT(mode), "device")


def _hint(path: Path) -> str:
    if not path.parent.is_dir():
        return f"the folder {path.parent} does not exist either; check the path"
    other = path.with_suffix(".png")
    if path.suffix != ".png" and other.is_file():
        return f"{other.name} exists: write that as file_name"
    return "check the file name"
