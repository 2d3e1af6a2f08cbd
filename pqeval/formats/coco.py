"""COCO panoptic: one JSON, and a folder of PNGs whose colours are segment ids.

Source: cocodataset.org "Data format", section 4 (panoptic segmentation); cocodataset/panopticapi, README and
``evaluation.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pqeval.categories import Categories
from pqeval.errors import (
    DataWarning,
    JsonError,
    PairingError,
    PqevalError,
    SegmentError,
)
from pqeval.formats._coco_columns import read_columns
from pqeval.formats._coco_place import find_json, find_maps
from pqeval.formats._coco_untyped import fault_of, stated_sizes
from pqeval.formats._coco_write import save_coco_panoptic
from pqeval.formats._coco_write import write_coco as write
from pqeval.formats._glance import Glance
from pqeval.formats._json import read_object
from pqeval.formats._png import MAX_RGB_ID, read_ids
from pqeval.image_ids import ImageId, Key, image_key, is_image_id
from pqeval.labelmap import LabelMap
from pqeval.rows import Row, Rows
from pqeval.segment_lists import read_rows
from pqeval.source import Image, Request
from pqeval.storage import File, Place

__all__ = ["CocoSide", "open_side", "recognise", "save_coco_panoptic", "write"]

Renumber = Callable[[npt.NDArray[np.int64]], npt.NDArray[np.int64]]

DESCRIPTION = "COCO panoptic: a JSON and a folder of RGB PNGs, id = R + 256 G + 65536 B"

CONVENTION = "coco"

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
    """One opened JSON; see :class:`pqeval.source.Source`.

    Parameters
    ----------
    file : File
        The JSON.
    request : Request
        How to open it.
    renumber : callable, optional
        Category ids as written, (N,) int64, to those of the table, where files have another numbering.
    """

    def __init__(self, file: File, request: Request, *, renumber: Renumber | None = None) -> None:
        self.file = str(file)
        self.role = role = request.role
        self.repeated = request.repeated
        self.renumber = renumber
        self.categories: Categories | None = None
        self.problems: list[PqevalError] = []
        self.images: dict[Key, Image] = {}
        self._listed: dict[int, list[Any]] = {}
        columns = read_columns(file, truth=role == "gt", largest=MAX_RGB_ID)
        content = read_object(file) if columns is None else {}
        self.folder = find_maps(file, request)
        if columns is None:
            annotations = self._list(content, "annotations")
            self._sizes = stated_sizes(content.get("images"))
            own = role == "gt" and request.categories is None
            categories = self._list(content, "categories") if own else []
        else:
            self._sizes = {image_key(number): size for number, *size in columns.sizes if is_image_id(number)}
            categories = columns.categories
        if role == "gt":
            self.categories = request.categories
            if self.categories is None:
                try:
                    self.categories = Categories.from_coco(categories)
                except PqevalError as error:
                    raise error.located(file=self.file) from None
        if columns is None:
            self._bounds, self._rows = [], Rows.of([])
            self._add_images(self._checked(annotations))
        else:
            self._bounds, self._rows = columns.bounds.tolist(), self._renumbered(columns.rows)
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
            fault = fault_of(entry)
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
        start = self.folder.path("")
        for rank, image_id, name in annotations:
            key = image_key(image_id)
            if key in self.images:
                twice.append(image_id)
            else:
                self.images[key] = Image(image_id, rank, start + name, name)
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
        moved = 0
        labels = None
        try:
            if listed is None:
                rows = self._rows[self._bounds[image.rank] : self._bounds[image.rank + 1]]
            else:
                listed, moved = self._moved(listed)
                rows = read_rows(listed, repeated=self.repeated, truth=self.role == "gt", problems=found)
                found = [problem.located(file=self.file, image_id=image.image_id) for problem in found]
                rows = self._renumbered(Rows.of(rows))
                self._check_range(rows, found)
            labels, palette = read_ids(File(self.folder, image.entry), shape=shape, problems=found)
            if moved:
                labels = labels.with_ids(labels.ids + np.uint32(moved))
            self._check_colours(labels, rows, palette, image, found)
        except PqevalError as error:
            found.append(error.located(file=self.file))  # the PNG is named already, unless its name is at fault
        problems += [problem.located(image_id=image.image_id) for problem in found]
        if labels is None or any(problem.severity == "error" for problem in found):
            return None
        return labels, rows

    def category_ids(self) -> npt.NDArray[np.int64]:
        """Return the category ids of all ordinary lists, as many times as they occur."""
        return self._rows.category_ids

    def _moved(self, listed: list[Any]) -> tuple[list[Any], int]:
        """What to read instead of a list that is not ordinary, and by how much the ids of its map move."""
        return listed, 0

    def _renumbered(self, rows: Rows) -> Rows:
        if self.renumber is None:
            return rows
        return rows.altered(category_ids=self.renumber(rows.category_ids))

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


def recognise(glance: Glance) -> int:
    """See ``formats/__init__.py``."""
    keys = glance.keys
    return int("segments_info" in keys and not {"videos", "video_id"} & keys and not glance.is_list)


def open_side(place: Place, request: Request) -> CocoSide:
    """Open one side.

    Parameters
    ----------
    place : File or Folder
        The JSON, or a folder or archive that has one.
    request : Request
        Ground truth has categories, crowds and areas; of predictions only ids, category ids and scores are read.

    Returns
    -------
    CocoSide

    Raises
    ------
    FileError, JsonError, CategoryError
        Where the files as a whole cannot be used.
    """
    return CocoSide(find_json(place), request)
