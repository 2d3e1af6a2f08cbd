"""File names that come out of data: they stay in their folder and name regular files."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path, PurePosixPath, PureWindowsPath

from pqeval.errors import FileError

__all__ = ["inside", "read_regular"]


PLAIN = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)*", re.ASCII)


def inside(folder: Path, name: str) -> Path | str:
    """Join a file name from a data file to its folder.

    Raises
    ------
    FileError
        If the name is absolute or leaves the folder.
    """
    if PLAIN.fullmatch(name):  # what nearly all are; paths take long to make
        return f"{folder}{os.sep}{name}"
    windows, posix = PureWindowsPath(name), PurePosixPath(name)
    leaves = posix.is_absolute() or windows.drive or windows.root or ".." in windows.parts or "\0" in name
    if leaves or not name:
        raise FileError(
            code="path-leaves-folder",
            found=f"file_name is {name!r}",
            expected=f"a relative path that stays inside {folder}",
            remedy="write file names relative to the folder, without ..",
        )
    return folder / posix


def read_regular(path: Path | str) -> bytes:
    """Read a whole regular file; links are followed, pipes and devices are refused before opening.

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
        return path.read_bytes()
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
