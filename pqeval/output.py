"""Files appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pqeval.errors import FileError

__all__ = ["fresh_file", "write_text"]


@contextmanager
def fresh_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary name beside ``path`` and rename it on success; on any failure it is removed.

    Raises
    ------
    FileError
        If the folder is missing or cannot be written, or the name is that of a folder.
    """
    target = Path(path)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=target.suffix, dir=target.parent)
    except OSError as reason:
        raise _not_writable(target, reason) from reason
    os.close(handle)
    try:
        yield Path(name)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)  # mkstemp makes files that only their owner can read
        try:
            os.replace(name, target)
        except OSError as reason:  # the target is a folder, for example
            raise _not_writable(target, reason) from reason
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _not_writable(target: Path, reason: OSError) -> FileError:
    return FileError(
        code="not-writable",
        found=f"cannot write: {reason.strerror or reason}",
        expected="an existing folder that may be written",
        remedy="create the folder, or choose another place",
        file=str(target),
    )


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a UTF-8 file with Unix line ends, whole or not at all."""
    with fresh_file(path) as name:
        name.write_text(text, encoding="utf-8", newline="\n")
