"""JSON files, read leniently where nothing is lost and with a position where something is wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import msgspec

from pqeval.categories import Categories
from pqeval.errors import JsonError, PqevalError
from pqeval.storage import File

__all__ = ["Amended", "decode_as", "read_json", "read_object", "read_table"]

BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Amended(File):
    """A JSON with another content than what is stored, but its name and its place."""

    content: bytes = b""

    def read(self) -> bytes:
        """Return that content."""
        return self.content


def read_json(file: File) -> Any:
    """Read a JSON file.

    A byte-order mark is skipped, and ``NaN`` and ``Infinity`` are accepted (detectors write such scores).

    Raises
    ------
    FileError, JsonError
        If the file cannot be read, or is no JSON.
    """
    data = file.read().removeprefix(BOM)
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _lenient(data, file)


def read_table(file: File) -> Categories:
    """Read a category table: a list of rows, or an object with ``categories``.

    Raises
    ------
    FileError, JsonError, CategoryError
        If it cannot be used.
    """
    content = read_json(file)
    rows = content.get("categories") if isinstance(content, dict) else content
    try:
        return Categories.from_coco(rows if isinstance(rows, list) else [])
    except PqevalError as error:
        raise error.located(file=str(file)) from None


def read_object(file: File) -> dict[str, Any]:
    """Read a JSON file whose top level is an object.

    Raises
    ------
    FileError, JsonError
        If the file cannot be read, is no JSON, or holds something else than an object.
    """
    content = read_json(file)
    if not isinstance(content, dict):
        bare = isinstance(content, list)
        raise JsonError(
            code="json-top-level",
            found=f"the top level is {'a list' if bare else f'{content!r:.40}'}",
            expected='an object with the key "annotations"',
            remedy='wrap the list: {"annotations": [...]}' if bare else "check that this is the right file",
            file=str(file),
        )
    return content


def decode_as(file: File, type: Any) -> Any:
    """Read a JSON file as a msgspec type, and nothing of it but what the type names.

    Raises
    ------
    FileError
        If the file cannot be read.

    Returns
    -------
    object or None
        ``None`` where the file is no such thing.
    """
    try:
        return msgspec.json.decode(file.read().removeprefix(BOM), type=type)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # a wrong type is a kind of DecodeError
        return None


def _lenient(data: bytes, file: File) -> Any:
    try:
        content = json.loads(data)
        json.dumps(content, ensure_ascii=False).encode()  # halves of surrogate pairs cannot be written again
        return content
    except json.JSONDecodeError as reason:
        found = f"not JSON: {reason.msg} at line {reason.lineno}, column {reason.colno}"
        cut = reason.pos >= len(data.rstrip()) - 1
        remedy = "the file ends too early; write it again" if cut else "repair the file at that place"
    except (ValueError, RecursionError) as reason:  # not Unicode, or an integer of thousands of digits
        found = f"not JSON: {type(reason).__name__}: {reason}"
        remedy = "write it again as UTF-8 JSON"
    raise JsonError(code="json-syntax", found=found, expected="a JSON file", remedy=remedy, file=str(file))
