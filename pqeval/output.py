"""Files appear whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pqeval.errors import FileError

__all__ = ["check_target", "fresh_file", "write_text"]


def check_target(path: str | os.PathLike[str]) -> None:
    """Raise :class:`FileError` if a file cannot be written, before the work that would fill it."""
    folder = Path(path).parent
    if Path(path).is_dir():
        raise _not_writable(path, "is a folder")
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise _not_writable(path, f"cannot write into {folder}")


@contextmanager
def fresh_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary name beside ``path`` and rename it on success; on any failure it is removed.

    Raises
    ------
    FileError
        If the folder is missing or cannot be written, or the name is that of a folder.
    """
    target = Path(path)
    name = target.with_name(f".{target.stem}.{secrets.token_hex(8)}{target.suffix}")
    try:
        # Not tempfile: its files can be read by their owner only, and keep that mode after the renaming.
        os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    except OSError as reason:
        raise _not_writable(target, f"cannot write: {reason.strerror}") from reason
    try:
        yield name
        try:
            os.replace(name, target)
        except OSError as reason:  # the target is a folder, for example
            raise _not_writable(target, f"cannot write: {reason.strerror}") from reason
    except BaseException:
        name.unlink(missing_ok=True)
        raise


def _not_writable(path: str | os.PathLike[str], found: str) -> FileError:
    return FileError(
        code="not-writable",
        found=found,
        expected="a file name in an existing folder that may be written",
        remedy="create the folder, or choose another place",
        file=os.fspath(path),
    )


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a UTF-8 file with Unix line ends, whole or not at all."""
    with fresh_file(path) as name:
        name.write_text(text, encoding="utf-8", newline="\n")
