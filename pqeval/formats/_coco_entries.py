"""The annotations of a COCO detection JSON, or of a list of results, by image; and their category table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from pqeval.categories import Categories, integral
from pqeval.errors import CategoryError, JsonError, PqevalError
from pqeval.formats._coco_place import find_json
from pqeval.formats._glance import Glance
from pqeval.formats._json import read_json, read_object
from pqeval.image_ids import ImageId, Key, image_key, is_image_id
from pqeval.labelmap import MAX_PIXELS
from pqeval.source import Request
from pqeval.storage import File, Folder, Place

__all__ = ["OTHER", "Entries", "Listed", "find_jsons", "read_entries", "table_of"]

OTHER = 183
"""The category of COCO-Stuff for what is no stuff: all things together."""


class Listed(NamedTuple):
    """An image as ``images`` has it; where it is not there, only its id is known."""

    image_id: ImageId
    size: tuple[int, int] | None = None
    stem: str | None = None


@dataclass
class Entries:
    """One JSON.

    Parameters
    ----------
    file : str
        For messages.
    images : dict of Key to Listed
        The images, in their order.
    of_image : dict of Key to list of (str, dict)
        The annotations of each image with what messages call them, in their order.
    categories : list
        As written.
    problems : list of PqevalError
        What is wrong with it.
    """

    file: str
    images: dict[Key, Listed] = field(default_factory=dict)
    of_image: dict[Key, list[tuple[str, dict[str, Any]]]] = field(default_factory=dict)
    categories: list[Any] = field(default_factory=list)
    problems: list[PqevalError] = field(default_factory=list)

    def unsound(self, what: str, expected: str, image_id: ImageId = None) -> None:
        """Add a problem."""
        self.problems.append(
            JsonError(
                code="annotation",
                found=what,
                expected=expected,
                remedy="correct this entry",
                file=self.file,
                image_id=image_id,
            )
        )


def find_jsons(place: Place, request: Request) -> list[File]:
    """Find the JSON, and behind it the one that has the stuff, if there is one.

    Raises
    ------
    FileError
        If there is none, or more than one.
    """
    named = Glance(place).matching(r"(?:[^/]+/)?instances_[^/]*\.json") if isinstance(place, Folder) else []
    main = File(place, named[0]) if isinstance(place, Folder) and len(named) == 1 else None
    main = main or find_json(place, key="segmentation")
    path = PurePosixPath(main.name)
    if "stuff_json" in request.options:
        return [main, File(main.folder, str(path.parent / request.options["stuff_json"]))]
    beside = str(path.with_name(path.name.replace("instances_", "stuff_", 1)))
    found = main.name in named and main.folder.has(beside) and request.folder is None
    return [main, File(main.folder, beside)] if found else [main]


def read_entries(file: File, *, truth: bool) -> Entries:
    """Read a JSON.

    Parameters
    ----------
    file : File
        The file.
    truth : bool
        Whether it is ground truth, which has to say which images there are. Predictions may be a bare list.

    Raises
    ------
    FileError, JsonError
        If it cannot be read, or is of another structure.
    """
    content = read_object(file) if truth else read_json(file)
    done = Entries(str(file))
    noun = "results" if isinstance(content, list) else "annotations"
    if isinstance(content, list):
        content = {"annotations": content}
    elif not isinstance(content, dict):
        content = {}
    for key in ("images", "annotations") if truth else ("annotations",):
        if not isinstance(content.get(key), list):
            raise JsonError(
                code="json-key",
                found=f"there is no list {key!r}",
                expected="images, annotations and categories" if truth else "a list of results, or annotations",
                remedy="check that this is a COCO detection file" + (" for ground truth" if truth else ""),
                file=str(file),
            )
    _add_images(done, content.get("images"))
    for rank, entry in enumerate(content["annotations"]):
        _add_entry(done, entry, f"{noun}[{rank}]", truth)
    listed = content.get("categories")
    done.categories = listed if isinstance(listed, list) else []
    return done


def _add_images(done: Entries, images: Any) -> None:
    for rank, entry in enumerate(images if isinstance(images, list) else []):
        image_id: Any = entry.get("id", []) if isinstance(entry, dict) else []
        if not is_image_id(image_id) or image_key(image_id) in done.images:
            told = "an image that was listed before" if is_image_id(image_id) else "no image with an id"
            done.unsound(f"images[{rank}] is {told}", 'an object such as {"id": 139, "width": 640, "height": 426}')
            continue
        size = integral(entry.get("height")), integral(entry.get("width"))
        sound = None not in size and min(size) > 0 and size[0] * size[1] <= MAX_PIXELS  # type: ignore[type-var,operator]
        name = entry.get("file_name")
        stem = PurePosixPath(name).stem if isinstance(name, str) else None
        done.images[image_key(image_id)] = Listed(image_id, size if sound else None, stem)  # type: ignore[arg-type]


def _add_entry(done: Entries, entry: Any, name: str, truth: bool) -> None:
    image_id: Any = entry.get("image_id", []) if isinstance(entry, dict) else []
    if not is_image_id(image_id):
        done.unsound(f"{name} has no image_id", "an object with image_id, category_id and segmentation")
        return
    key = image_key(image_id)
    if truth and key not in done.images:
        done.unsound(f"{name} is of an image that images[] does not have", "images of the list", image_id)
        return
    done.images.setdefault(key, Listed(image_id))
    if isinstance(entry.get("id"), int | str) and name.startswith("annotations"):
        name = f"annotation {entry['id']}"
    done.of_image.setdefault(key, []).append((name, entry))


def table_of(files: Iterable[Entries], stuff: Iterable[dict[str, Any]]) -> Categories:
    """Make the table of ground truth out of its files.

    Parameters
    ----------
    files : iterable of Entries
        The JSONs. Where one has no ``isthing``, but categories of COCO, they are known.
    stuff : iterable of dict
        Rows for the stuff of maps.

    Raises
    ------
    CategoryError
        If nobody says which are things.
    """
    rows: dict[Any, Any] = {}
    for file in files:
        for rank, row in enumerate(_told(file)):
            number = row.get("id") if isinstance(row, dict) else None
            known = isinstance(number, int | float)
            rows.setdefault(number if known else (file.file, rank), row)
    for row in stuff:
        rows.setdefault(row["id"], row)
    try:
        return Categories.from_coco(rows.values())
    except PqevalError as error:
        raise error.located(file=next(iter(files)).file) from None


def _told(file: Entries) -> list[Any]:
    """The categories of a file, with ``isthing``, and without the stuff category "other"."""
    listed = file.categories
    rows = [
        row for row in listed if not isinstance(row, dict) or (row.get("id"), row.get("name")) != (OTHER, "other")
    ]
    if not rows or any(not isinstance(row, dict) or "isthing" in row for row in rows):
        return rows
    for name in ("coco", "coco_stuff"):
        table = Categories.builtin(name)
        known = [table.index_of(row["id"]) if isinstance(row.get("id"), int) else -1 for row in rows]
        if all(
            place >= 0 and table[place].name == row.get("name") for place, row in zip(known, rows, strict=True)
        ):
            return [
                row | {"isthing": int(bool(table[place].isthing))} for place, row in zip(known, rows, strict=True)
            ]
    first = rows[0]
    raise CategoryError(
        code="categories-untold",
        found="no category has isthing, and they are not those of COCO",
        expected="isthing in every row: 1 for things, 0 for stuff",
        remedy=f'add it, such as {{"id": {first.get("id")!r}, "name": "{first.get("name")}", "isthing": 1}}, '
        "or give a table with --categories FILE (categories=)",
        file=file.file,
    )
