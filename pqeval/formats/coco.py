"""COCO panoptic: one JSON, and a folder of PNGs whose colours are segment ids.

Source: cocodataset.org "Data format", section 4 (panoptic segmentation); cocodataset/panopticapi, README and
``evaluation.py``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pqeval.categories import Categories
from pqeval.errors import (
    DataWarning,
    FileError,
    JsonError,
    PairingError,
    PqevalError,
    SegmentError,
)
from pqeval.formats._coco_columns import read_columns
from pqeval.formats._coco_write import save_coco_panoptic
from pqeval.formats._json import read_object
from pqeval.formats._paths import inside
from pqeval.formats._png import MAX_RGB_ID, read_ids
from pqeval.image_ids import ImageId, Key, image_key, is_image_id
from pqeval.labelmap import LabelMap
from pqeval.rows import Row, Rows, read_rows
from pqeval.source import Image

__all__ = ["CocoSide", "open_side", "save_coco_panoptic"]

DESCRIPTION = "COCO panoptic: a JSON and a folder of RGB PNGs, id = R + 256 G + 65536 B"

LAYOUT = """\
panoptic_val2017.json            --gt: images, annotations, categories
panoptic_val2017/                the PNGs; another folder with --gt-folder
├── 000000000139.png             8-bit RGB; id = R + 256 G + 65536 B; 0 is void
└── ...
predictions.json                 --pred: annotations (image_id, file_name, segments_info)
predictions/                     the PNGs; another folder with --pred-folder
└── ...

An annotation of the JSON:
{"image_id": 139, "file_name": "000000000139.png",
 "segments_info": [{"id": 3226956, "category_id": 1, "iscrowd": 0, "area": 2840}, ...]}
iscrowd and area matter in the ground truth only. A category: {"id": 1, "name": "person", "isthing": 1}.
"""


class CocoSide:
    """One opened JSON; see :class:`pqeval.source.Source`."""

    def __init__(self, path: Path, *, role: str, folder: Path | None, repeated: str) -> None:
        self.file = str(path)
        self.role = role
        self.repeated = repeated
        self.categories: Categories | None = None
        self.problems: list[PqevalError] = []
        self.images: dict[Key, Image] = {}
        self._listed: dict[int, list[Any]] = {}
        columns = read_columns(path, truth=role == "gt", largest=MAX_RGB_ID)
        content = read_object(path) if columns is None else {}
        self.folder = folder if folder is not None else path.with_suffix("")
        if not self.folder.is_dir():
            own = folder is None
            raise FileError(
                code="folder-missing",
                found=f"the folder of its PNGs, {self.folder}, does not exist",
                expected="a folder named as the JSON without .json" if own else "a folder",
                remedy=f"name it with --{role}-folder ({role}_folder=)" if own else "check its name",
                file=self.file,
            )
        if columns is None:
            annotations = self._list(content, "annotations")
            self._sizes = _untyped_sizes(content.get("images"))
            categories = self._list(content, "categories") if role == "gt" else []
        else:
            self._sizes = {image_key(number): size for number, *size in columns.sizes if is_image_id(number)}
            categories = columns.categories
        if role == "gt":
            try:
                self.categories = Categories.from_coco(categories)
            except PqevalError as error:
                raise error.located(file=self.file) from None
        if columns is None:
            self._bounds, self._rows = [], Rows.of([])
            self._add_images(self._checked(annotations))
        else:
            self._bounds, self._rows = columns.bounds.tolist(), columns.rows
            self._listed = dict(columns.odd)
            self._add_images(zip(range(len(columns.names)), columns.image_ids, columns.names, strict=True))

    def _list(self, content: dict[str, Any], key: str) -> list[Any]:
        value = content.get(key)
        if not isinstance(value, list):
            has = ", ".join(map(repr, sorted(content))) or "no key at all"
            raise JsonError(
                code="json-key",
                found=f"{key} is {type(value).__name__}" if key in content else f"no key {key!r}; there is {has}",
                expected=f"a list called {key!r}",
                remedy="check that this is a COCO panoptic file"
                + (" for ground truth" if key == "categories" else ""),
                file=self.file,
            )
        return value

    def _checked(self, annotations: list[Any]) -> Iterator[tuple[int, ImageId, str]]:
        """Place, image id and file name of the sound ones of untyped annotations."""
        for rank, entry in enumerate(annotations):
            fault = _fault(entry)
            if fault is None:
                self._listed[rank] = entry["segments_info"]
                yield rank, entry["image_id"], entry["file_name"]
                continue
            found, expected = fault
            self.problems.append(
                JsonError(
                    code="annotation",
                    found=f"annotations[{rank}]{found}",
                    expected=expected,
                    remedy="correct this annotation",
                    file=self.file,
                    image_id=entry.get("image_id") if isinstance(entry, dict) else None,
                )
            )

    def _add_images(self, annotations: Iterable[tuple[int, ImageId, str]]) -> None:
        twice: list[ImageId] = []
        folder = f"{self.folder}{os.sep}"
        for rank, image_id, name in annotations:
            key = image_key(image_id)
            if key in self.images:
                twice.append(image_id)
            else:
                self.images[key] = Image(image_id, rank, folder + name, name)
        for image_id in twice:
            self.problems.append(
                PairingError(
                    code="image-twice",
                    found="the image has more than one annotation",
                    expected="one annotation per image",
                    remedy="remove the repeated annotation",
                    file=self.file,
                    image_id=image_id,
                )
            )

    def read(
        self, image: Image, *, shape: tuple[int, ...] | None = None, problems: list[PqevalError]
    ) -> tuple[LabelMap, Sequence[Row]] | None:
        """Read map and segment list of an image.

        Parameters
        ----------
        image : Image
            One of ``images``.
        shape : tuple of int, optional
            (H, W) that the PNG must have.
        problems : list
            Receives errors and warnings.

        Returns
        -------
        (LabelMap, sequence of Row) or None
            ``None`` where an error was found.
        """
        found: list[PqevalError] = []
        listed = self._listed.get(image.rank)
        rows: Sequence[Row]
        if listed is None:
            rows = self._rows[self._bounds[image.rank] : self._bounds[image.rank + 1]]
        else:
            rows = read_rows(listed, repeated=self.repeated, truth=self.role == "gt", problems=found)
            found = [problem.located(file=self.file, image_id=image.image_id) for problem in found]
            self._check_range(rows, found)
        labels = None
        try:
            path = inside(self.folder, image.entry)
            labels, palette = read_ids(path, shape=shape, problems=found)
            self._check_colours(labels, rows, palette, image, found)
        except PqevalError as error:
            found.append(error.located(file=self.file))  # the PNG is named already, unless its name is at fault
        problems += [problem.located(image_id=image.image_id) for problem in found]
        if labels is None or any(problem.severity == "error" for problem in found):
            return None
        return labels, rows

    def _check_range(self, rows: Sequence[Row], found: list[PqevalError]) -> None:
        too_large = [row.id for row in rows if row.id > MAX_RGB_ID]
        if too_large:
            found.append(
                SegmentError(
                    code="segment-id-rgb",
                    found=f"segment id {too_large[0]} cannot be stored in an RGB PNG",
                    expected=f"ids up to {MAX_RGB_ID}",
                    remedy="renumber the segments of this image",
                    file=self.file,
                    segment_id=too_large[0],
                )
            )

    def _check_colours(
        self, labels: LabelMap, rows: Sequence[Row], palette: bool, image: Image, found: list[PqevalError]
    ) -> None:
        if palette and not set(labels.present().tolist()) <= {0} | {row.id for row in rows}:
            found.append(
                SegmentError(
                    code="png-palette",
                    found="the PNG has a palette whose colours are not the listed ids (were its indices meant?)",
                    expected="8-bit RGB with id = R + 256 G + 65536 B",
                    remedy="write the ids as RGB",
                    file=image.file,
                )
            )
        stated = self._sizes.get(image_key(image.image_id))
        if stated is not None and None not in stated and tuple(stated) != labels.shape:
            found.append(
                DataWarning(
                    code="image-size",
                    found=f"images[] states {stated[1]} x {stated[0]} (width x height), "
                    f"the PNG is {labels.shape[1]} x {labels.shape[0]}",
                    expected="equal sizes",
                    remedy="correct width and height of the image, or check that this is its PNG",
                    file=self.file,
                )
            )


def _untyped_sizes(images: Any) -> dict[Key, Any]:
    entries = images if isinstance(images, list) else []
    return {
        image_key(entry["id"]): (entry.get("height"), entry.get("width"))
        for entry in entries
        if isinstance(entry, dict) and is_image_id(entry.get("id", []))
    }


def _fault(entry: Any) -> tuple[str, str] | None:
    """What is wrong with an annotation: (found, expected), or nothing."""
    if not isinstance(entry, dict):
        return f" is {entry!r:.40}", "an object with image_id, file_name and segments_info"
    if "image_id" not in entry or not is_image_id(entry["image_id"]):
        found = f".image_id is {entry['image_id']!r:.40}" if "image_id" in entry else " has no image_id"
        return found, "a string or a number"
    if not isinstance(entry.get("file_name"), str):
        return f".file_name is {entry.get('file_name')!r:.40}", "the name of a PNG"
    rows = entry.get("segments_info")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        found = "has no segments_info" if rows is None else "segments_info is not a list of objects"
        return f": {found}", 'a list such as [{"id": 1, "category_id": 17}]'
    return None


def open_side(
    path: str | os.PathLike[str],
    *,
    role: str,
    folder: str | os.PathLike[str] | None = None,
    repeated: str = "merge",
) -> CocoSide:
    """Open one side.

    Parameters
    ----------
    path : path
        The JSON.
    role : {"gt", "pred"}
        Ground truth has categories, crowds and areas; of predictions only ids and category ids are read.
    folder : path, optional
        The PNGs; by default the path of the JSON without ``.json``.
    repeated : {"merge", "last"}
        See :func:`pqeval.rows.read_rows`.

    Returns
    -------
    CocoSide

    Raises
    ------
    FileError, JsonError, CategoryError
        Where the files as a whole cannot be used.
    """
    return CocoSide(Path(path), role=role, folder=None if folder is None else Path(folder), repeated=repeated)
