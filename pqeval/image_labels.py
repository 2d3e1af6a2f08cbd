"""What users say about images in a table: the weather, the city, the drive."""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Sequence

from pqeval.errors import FileError
from pqeval.image_ids import ImageId, plain_id, plain_name
from pqeval.storage import File, locate

__all__ = ["read_labels"]

ID_COLUMNS = ("image_id", "image", "id", "file_name")
DELIMITERS = (",", ";", "\t")


def read_labels(path: str | os.PathLike[str], images: Sequence[ImageId]) -> dict[str, list[str | None]]:
    """Read a CSV with a row per image.

    The first row names the columns. The image stands in the column called image_id, image, id or file_name, or
    else in the first one. Ids may be written as file names are, ``000139.png`` for 139. Rows for other images are
    ignored.

    Parameters
    ----------
    path : path or URL
        The file, UTF-8, with commas, semicolons or tabs.
    images : sequence of image ids
        The images in question.

    Returns
    -------
    dict of str to list
        By column, in the order of the file, what it says of each of ``images``; ``None`` where it says nothing.

    Raises
    ------
    FileError
        If it cannot be read, has no second column or two of one name, says two things of an image, or names none
        of them.
    """
    place = locate(path)
    if not isinstance(place, File):
        raise _unusable(str(place), "a folder or an archive", "a CSV file")
    head, *rows = _rows(place)
    names = [name.strip() for name in head]
    at = next((names.index(name) for name in ID_COLUMNS if name in names), 0)
    columns = {name: number for number, name in enumerate(names) if number != at}
    if not columns or len(columns) < len(names) - 1:
        raise _unusable(
            str(place), f"the columns {', '.join(map(repr, names))}", "an image column and others, each name once"
        )
    if names[at] in map(str, images):
        raise _unusable(str(place), f"the image {names[at]!r} in the first row", "the names of the columns there")
    found = _partners(images, _by_image(place, rows, at, len(names)))
    if rows and not any(found):
        raise FileError(
            code="labels-of-others",
            found=f"none of its {len(rows)} rows is about an image that was scored; the first: {rows[0][at]!r}",
            expected=f"image ids such as {images[0]!r}" if images else "image ids",
            remedy="write the image ids as the ground truth does",
            file=str(place),
        )
    return {
        name: [(row[number].strip() or None) if row else None for row in found] for name, number in columns.items()
    }


def _rows(place: File) -> list[list[str]]:
    """Read the rows that are not empty."""
    text = place.read().decode("utf-8-sig", "replace")
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(row)]
    except csv.Error as reason:
        raise _unusable(str(place), f"what is no CSV: {reason}", "a CSV file") from reason
    if not rows:
        raise _unusable(str(place), "nothing", "a first row with the names of the columns")
    return rows


def _by_image(place: File, rows: list[list[str]], at: int, width: int) -> dict[str, list[str]]:
    """Index rows by image as written, each of which has to say one thing only."""
    of_image: dict[str, list[str]] = {}
    for number, row in enumerate(rows, start=2):
        if len(row) != width:
            raise _unusable(str(place), f"{len(row)} cells in row {number}", f"{width}, as in the first row")
        before = of_image.setdefault(row[at].strip(), row)
        if before != row:
            raise _unusable(str(place), f"two different rows for image {row[at]!r}", "one row per image")
    return of_image


def _partners(images: Sequence[ImageId], of_image: dict[str, list[str]]) -> list[list[str] | None]:
    """Find the row of each image: by its id as text, or by what remains of both that is said once on each side."""
    found = [of_image.get(str(image_id)) for image_id in images]
    for plain in (plain_id, plain_name):
        times = Counter(plain(image_id) for image_id in images)
        rows: dict[str, list[list[str]]] = {}
        for written, row in of_image.items():
            rows.setdefault(plain(written), []).append(row)
        for place, image_id in enumerate(images):
            form = plain(image_id)
            if found[place] is None and times[form] == len(rows.get(form, ())) == 1:
                found[place] = rows[form][0]
    return found


def _unusable(file: str, found: str, expected: str) -> FileError:
    return FileError(
        code="labels",
        found=f"cannot be used: {found}",
        expected=expected,
        remedy="write a row per image, such as image_id,weather and then 139,rain",
        file=file,
    )
