"""Files in which users say something: a category table, a list of images."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from pqeval import tables
from pqeval.categories import Categories, integral
from pqeval.errors import FileError, JsonError, PqevalError
from pqeval.formats._json import read_json, read_table
from pqeval.image_ids import ImageId, image_ids
from pqeval.storage import File, locate

__all__ = ["read_categories", "read_image_list", "read_images"]


def read_categories(value: Any) -> Categories | None:
    """Read a table: a file, the name of a built-in one, a list of rows, or nothing.

    A file is a JSON: a list of rows, or an object with ``categories``. ``id`` and ``isthing`` suffice.

    Raises
    ------
    UsageError, DataError
        If it cannot be used.
    """
    if value is None:
        return None
    if not isinstance(value, str | os.PathLike) or os.fspath(value) in tables.names():
        return Categories.of(value)
    if os.fspath(value).isidentifier() and not os.path.exists(value):
        return Categories.builtin(os.fspath(value))  # which lists those that there are
    file = _file(value, "categories", "a JSON, or the name of a built-in table")
    return read_table(file)


def read_images(value: Any) -> list[ImageId] | None:
    """Read which images to score: a text file with an image id per line, several ids, or nothing.

    Raises
    ------
    FileError, PairingError
        If it cannot be used.
    """
    if value is None:
        return None
    if not isinstance(value, str | os.PathLike):
        return image_ids(list(value) if isinstance(value, Iterable) else value)
    return [image_id for image_id, _ in read_image_list(value)]


def read_image_list(path: str | os.PathLike[str]) -> list[tuple[ImageId, tuple[int, int] | None]]:
    """Read image ids with their (H, W), where the file has it.

    A text file has an image id per line; a JSON has ``images``, a list of objects with ``id`` and perhaps
    ``height`` and ``width``, as COCO writes it.

    Raises
    ------
    FileError, JsonError
        If it cannot be used.
    """
    file = _file(path, "images", "a text file with an image id per line, or a JSON with images")
    if not file.name.lower().endswith(".json"):
        lines = file.read().decode("utf-8-sig", "replace").splitlines()
        return [(line.strip(), None) for line in lines if line.strip()]
    content = read_json(file)
    entries = content.get("images") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) and "id" in entry for entry in entries):
        raise JsonError(
            code="images-list",
            found="the JSON has no list of images",
            expected='"images": [{"id": 139, "height": 426, "width": 640}, ...]',
            remedy="name the JSON that lists the images, or a text file with an image id per line",
            file=str(file),
        )
    listed = []
    for entry in entries:
        height, width = integral(entry.get("height")), integral(entry.get("width"))
        size = None if height is None or width is None else (height, width)
        try:
            listed.append((image_ids([entry["id"]])[0], size))
        except PqevalError as error:
            raise error.located(file=str(file)) from None
    return listed


def _file(path: Any, option: str, expected: str) -> File:
    place = locate(path)
    if isinstance(place, File):
        return place
    raise FileError(
        code="not-a-file",
        found=f"--{option} is a folder",
        expected=expected,
        remedy=f"check --{option}",
        file=str(place),
    )
