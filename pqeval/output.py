"""Files appear whole or not at all."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from pqeval.errors import FileError

__all__ = [
    "PathLike",
    "as_json",
    "check_target",
    "claims",
    "fresh_file",
    "make_folder",
    "remove_file",
    "write_text",
    "write_texts",
]

PathLike: TypeAlias = str | os.PathLike[str]


def check_target(path: PathLike) -> None:
    """Raise :class:`FileError` if a file cannot be written, before the work that would fill it."""
    folder = Path(path).parent
    if Path(path).is_dir():
        raise _not_writable(path, "is a folder")
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise _not_writable(path, f"cannot write into {folder}")


def claims(
    targets: Mapping[str, PathLike | None], inputs: Iterable[PathLike | None] = ()
) -> Iterator[tuple[str, PathLike, str]]:
    """Yield the targets that are asked for, each with who has its place already; ``-`` is standard output.

    Parameters
    ----------
    targets : mapping of str to path or None
        Where outputs go, by name.
    inputs : iterable of path or None
        Files that are read.

    Yields
    ------
    name : str
    target : path
    owner : str
        The name of another target, ``"input"``, or nothing; then a file can be made there.

    Raises
    ------
    FileError
        If no file can be made in a place that is free.
    """
    taken = {_place(path): "input" for path in inputs if path is not None}
    for name, target in targets.items():
        if target is None:
            continue
        place = _place(target)
        yield name, target, taken.get(place, "")
        taken[place] = name
        if place != "-":
            check_target(target)


def _place(path: PathLike) -> str:
    """Name the file behind a path; ``-`` and what can be no path stay as they are."""
    place = os.fspath(path)
    # What holds a NUL is no path; whoever opens it will say so.
    return place if place == "-" or "\0" in place else os.path.realpath(place)


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they do not exist.

    Raises
    ------
    FileError
        If that cannot be done.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as reason:
        raise FileError(
            code="folder-not-made",
            found=f"cannot make the folder: {reason.strerror}",
            expected="a place that may be written",
            remedy="choose another place",
            file=str(path),
        ) from reason


@contextmanager
def fresh_file(path: PathLike) -> Iterator[Path]:
    """Yield a temporary name beside ``path`` and rename it on success; on any failure it is removed.

    A link is written through. Where something stands that is no regular file (a device, a pipe), there is
    nothing to rename onto, and its own name is yielded.

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    target = Path(os.path.realpath(path))
    whole = target.is_file() or not target.exists()
    name = target.with_name(f".{target.stem}.{secrets.token_hex(8)}{target.suffix}") if whole else target
    try:
        if whole:
            # Not tempfile: its files can be read by their owner only, and keep that mode after the renaming.
            os.close(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        yield name
        if whole:
            os.replace(name, target)
    except BaseException as reason:
        if whole:
            name.unlink(missing_ok=True)
        if isinstance(reason, OSError):
            raise _not_writable(path, f"cannot write: {reason.strerror or reason}") from reason
        raise


def _not_writable(path: PathLike, found: str) -> FileError:
    return FileError(
        code="not-writable",
        found=found,
        expected="a file name in an existing folder that may be written",
        remedy="create the folder, or choose another place",
        file=os.fspath(path),
    )


def remove_file(path: PathLike) -> None:
    """Remove a file, if there is one; a folder of that name stays.

    Raises
    ------
    FileError
        If it cannot be removed.
    """
    place = Path(path)
    try:
        if place.is_file() or place.is_symlink():
            place.unlink(missing_ok=True)
    except OSError as reason:
        raise _not_writable(path, f"cannot remove: {reason.strerror or reason}") from reason


def write_text(path: PathLike, text: str) -> None:
    """Write a UTF-8 file with Unix line ends, whole or not at all."""
    with fresh_file(path) as name:
        name.write_text(text, encoding="utf-8", newline="\n")


def write_texts(targets: Mapping[str, PathLike | None], ways: Mapping[str, Callable[[], str]]) -> bool:
    """Render what is asked for, and then write all of it; ``-`` is standard output.

    Parameters
    ----------
    targets : mapping of str to path or None
        Where each goes, by name.
    ways : mapping of str to callable
        How each is rendered.

    Returns
    -------
    bool
        Whether standard output was taken.
    """
    texts = [(os.fspath(target), ways[name]()) for name, target in targets.items() if target is not None]
    for target, text in texts:
        if target == "-":
            sys.stdout.write(text)
        else:
            write_text(target, text)
    return any(target == "-" for target, _ in texts)


def as_json(content: Any, path: PathLike | None = None) -> str:
    """Return JSON for people, the same bytes for the same content, and write it to ``path`` where one is given."""
    text = msgspec.json.format(msgspec.json.encode(content), indent=2).decode() + "\n"
    if path is not None:
        write_text(path, text)
    return text
