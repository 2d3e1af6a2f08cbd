"""Writing plain arrays: a .npz with segment ids and a JSON with their list, per image."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from pqeval.categories import Categories
from pqeval.errors import PairingError, SegmentError
from pqeval.image_ids import ImageId
from pqeval.output import fresh_file, make_folder, write_text
from pqeval.source import Written

__all__ = ["write"]

NOT_IN_NAMES = re.compile(r'[\\:*?"<>|%\x00-\x1f]|^\.')
"""What some file systems do not allow, a leading dot, which hides a file, and the sign that replaces these."""


def write(path: Path, frames: Iterable[Written], categories: Categories) -> None:
    """Write a folder with NAME.npz and NAME.json per image, and categories.json, which comes last.

    Parameters
    ----------
    path : Path
        The folder.
    frames : iterable of Written
        The images; the map of each may have any shape.
    categories : Categories
        The table.

    Raises
    ------
    DataError
        For what cannot be stored, and where a file cannot be written.
    """
    make_folder(path)
    taken: set[str] = {"categories"}
    for image in frames:
        name = _name(image.image_id)
        if name in taken:
            raise PairingError(
                code="image-name-taken",
                found=f"another file has the name {name}.json",
                expected="image ids that make different names",
                remedy="give the image another id",
                image_id=image.image_id,
            )
        taken.add(name)
        lacking = [row for row in image.rows if categories.index_of(row.category_id) < 0]
        if lacking:
            raise SegmentError(
                code="category-not-storable",
                found=f"category_id {lacking[0].category_id} is not in the table",
                expected="categories of the table",
                remedy="add them to the table, or leave their segments out",
                image_id=image.image_id,
                segment_id=lacking[0].id,
            )
        if "/" in name:
            make_folder((path / name).parent)
        with fresh_file(path / f"{name}.npz") as target:
            np.savez_compressed(target, data=image.labels.to_array())
        _write_json(path / f"{name}.json", {"image_id": image.image_id, "segments_info": _infos(image)})
    _write_json(path / "categories.json", [category.as_dict() for category in categories])


def _name(image_id: ImageId) -> str:
    parts = [part for part in str(image_id).split("/") if part]
    return "/".join(NOT_IN_NAMES.sub(lambda hit: f"%{ord(hit[0]):02X}", part) for part in parts) or "%2F"


def _infos(image: Written) -> list[dict[str, Any]]:
    return [{"id": row.id, "category_id": row.category_id, "iscrowd": int(row.iscrowd)} for row in image.rows]


def _write_json(path: Path, content: Any) -> None:
    write_text(path, msgspec.json.encode(content).decode() + "\n")
