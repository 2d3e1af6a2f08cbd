"""What every place that holds files can do; names in it come out of data and must not lead out of it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import TypeAlias

from pqeval.errors import FileError

__all__ = ["LARGEST_MEMBER", "SUFFIXES", "File", "Folder", "Place", "check_name"]

LARGEST_MEMBER = 2**31
"""Bytes that one file of an archive, or behind a URL, may have."""

SUFFIXES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")
"""What paths of archives end in."""

PLAIN = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)*", re.ASCII)


def check_name(name: str, folder: str) -> None:
    """Refuse a file name that is absolute or leads out of its folder.

    Raises
    ------
    FileError
        Naming it.
    """
    if PLAIN.fullmatch(name):  # what nearly all are; paths take long to make
        return
    windows, posix = PureWindowsPath(name), PurePosixPath(name)
    leaves = posix.is_absolute() or windows.drive or windows.root or ".." in windows.parts or "\0" in name
    if leaves or not name:
        raise FileError(
            code="path-leaves-folder",
            found=f"file_name is {name!r}",
            expected=f"a relative path that stays inside {folder}",
            remedy="write file names relative to the folder, without ..",
        )


class Folder(ABC):
    """A folder, an archive, or a place behind a URL.

    Parameters
    ----------
    name : str
        As messages call it.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        return self.name

    def path(self, name: str) -> str:
        """Return what messages call a file in it."""
        return f"{self.name}/{name}"

    @abstractmethod
    def read(self, name: str) -> bytes:
        """Read a whole file.

        Raises
        ------
        FileError
            If the name leads out of the folder, or there is no such regular file, or it cannot be read.
        """

    @abstractmethod
    def head(self, name: str, size: int) -> bytes:
        """Read the first bytes of a file, at most ``size``; the errors are those of :meth:`read`."""

    @abstractmethod
    def names(self) -> list[str]:
        """List all regular files below it, as relative paths with ``/``, sorted; hidden ones are left out."""

    @abstractmethod
    def has(self, name: str) -> bool:
        """Whether there is a file of that name."""

    @abstractmethod
    def folder(self, name: str) -> Folder | None:
        """Return the folder of that name in it, or else the archive; ``None`` where there is neither."""

    def within(self, names: list[str]) -> list[str]:
        """Sort out hidden files and what archivers of some systems add."""
        return sorted(
            name
            for name in names
            if not any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))
        )


@dataclass(frozen=True)
class File:
    """A file in a folder."""

    folder: Folder
    name: str

    def __str__(self) -> str:
        return self.folder.path(self.name)

    @property
    def stem(self) -> str:
        """Its path in the folder without the last suffix."""
        return str(PurePosixPath(self.name).with_suffix(""))

    def read(self) -> bytes:
        """Read it; see :meth:`Folder.read`."""
        return self.folder.read(self.name)

    def head(self, size: int) -> bytes:
        """Read its first bytes; see :meth:`Folder.head`."""
        return self.folder.head(self.name, size)


Place: TypeAlias = File | Folder
