"""Writing instanceIds files of Cityscapes, and what both of its writers refuse."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pqeval.categories import Categories
from pqeval.errors import CategoryError, PairingError, PqevalError, SegmentError
from pqeval.formats._cityscapes import PER_LABEL, evaluated, numbering_of, plain, rows_of
from pqeval.formats._cityscapes_files import NAMED, city_of, image_of
from pqeval.formats._names import take_name
from pqeval.formats._png import write_png
from pqeval.output import make_folder
from pqeval.rows import Row
from pqeval.source import Written

__all__ = ["labels_of", "named", "write"]


def write(path: Path, frames: Iterable[Written], categories: Categories) -> None:
    """Write instanceIds files.

    A segment keeps its id where that is label * 1000 + number already; other objects get the numbers that are
    free, by ascending id. Crowds of a class become one group, which changes no score.

    Parameters
    ----------
    path : Path
        The folder. Images named as those of Cityscapes go into a folder per city.
    frames : iterable of Written
        The images.
    categories : Categories
        The table: of Cityscapes, by label ids or train ids.

    Raises
    ------
    DataError
        For what the values cannot hold, and where a file cannot be written.
    """
    labels = labels_of(categories)
    make_folder(path)
    for image, image_id in named(frames, labels):
        try:
            values = _values(image, labels)
        except PqevalError as error:
            raise error.located(image_id=image.image_id) from None
        present = image.labels.present()
        new = np.array([values.get(number, 0) for number in present.tolist()], np.uint32)
        folder = path / (city_of(image_id) or "")
        make_folder(folder)
        dense = image.labels.mapped(present, new).to_array().astype(np.uint16)
        write_png(folder / f"{image_id}_gtFine_instanceIds.png", dense)


def labels_of(categories: Categories) -> dict[int, dict[str, Any]]:
    """Return the label of every category of a table.

    Raises
    ------
    CategoryError
        If the table is not that of Cityscapes, or has a category that Cityscapes has not.
    """
    rows = rows_of(categories)
    numbering = numbering_of(rows)
    known = evaluated(numbering.name)
    others = {row["name"] for row in known.values()}
    lacking = [
        (number, name)
        for number, name, thing in rows
        if number not in known
        or (plain(name) != known[number]["name"] and plain(name) in others)
        or thing not in (None, bool(known[number]["isthing"]))
    ]
    if lacking or not numbering.sure:
        number, name = lacking[0] if lacking else rows[0][:2]
        raise CategoryError(
            code="no-cityscapes-table",
            found=f"category_id {number} ({name}) is no class that Cityscapes scores",
            expected="the 19 classes of Cityscapes or some of them, by label ids or train ids",
            remedy="write another format, such as coco; or give the table with --categories (categories=)",
        )
    return {number: known[number] for number, _, _ in rows}


def named(frames: Iterable[Written], labels: Mapping[int, dict[str, Any]]) -> Iterator[tuple[Written, str]]:
    """Check what can be said before an image is looked at, and yield it with its id as a text for file names.

    Raises
    ------
    PairingError, SegmentError, CategoryError
        If no file can be named after it, or it is no image, or a segment has a category that the table lacks.
    """
    names: set[str] = set()
    for image in frames:
        name = str(image.image_id)
        parts = NAMED.fullmatch(f"{name}_gtFine_instanceIds.png")
        if re.fullmatch(r"[\w-][\w. -]*", name) is None or parts is None or image_of(parts[1]) != name:
            raise PairingError(
                code="image-id-name",
                found=f"a file cannot be named after the image id {name!r}",
                expected="image ids such as frankfurt_000000_000294",
                remedy="write another format, such as coco, or rename the images",
                image_id=image.image_id,
            )
        take_name(name, names, image.image_id)
        if len(image.labels.shape) != 2:
            raise SegmentError(
                code="not-storable",
                found=f"a map of shape {image.labels.shape} cannot be stored in this format",
                expected="an (H, W) map",
                remedy="write another format, such as numpy",
                image_id=image.image_id,
            )
        lacking = np.setdiff1d(image.rows.category_ids, list(labels)).tolist()
        if lacking:
            raise CategoryError(
                code="category-not-storable",
                found=f"a segment has category_id {lacking[0]}, which the category table lacks",
                expected="categories of the table",
                remedy="add the category to the table, or correct the segment",
                image_id=image.image_id,
            )
        yield image, name


def _values(image: Written, labels: dict[int, dict[str, Any]]) -> dict[int, int]:
    """Return the value of each segment."""
    values: dict[int, int] = {}
    stuff: set[int] = set()
    loose: list[tuple[Row, int]] = []
    for row in sorted(image.rows):
        label = labels[row.category_id]
        number = label["id"]
        if label["isthing"] and not row.iscrowd:
            if row.id // PER_LABEL == number:
                values[row.id] = row.id
            else:
                loose.append((row, number))
            continue
        if not label["isthing"] and (row.iscrowd or number in stuff):
            what = "a crowd" if row.iscrowd else "a second segment"
            raise SegmentError(
                code="stuff-not-storable",
                found=f"segment id {row.id} is {what} of {label['name']}, which is stuff",
                expected="one segment per class of stuff in an image, and no crowds of it",
                remedy="merge the segments of the class, or write another format, such as coco",
                segment_id=row.id,
            )
        stuff.add(number)
        values[row.id] = number
    taken = set(values.values())
    free = {number: (number * PER_LABEL + place for place in range(PER_LABEL)) for _, number in loose}
    for row, number in loose:
        value = next((value for value in free[number] if value not in taken), None)
        if value is None:
            raise SegmentError(
                code="too-many-objects",
                found=f"there are more than {PER_LABEL} objects of category_id {row.category_id}",
                expected=f"at most {PER_LABEL} objects of a class in an image",
                remedy="write another format, such as coco",
                segment_id=row.id,
            )
        values[row.id] = value
    return values
