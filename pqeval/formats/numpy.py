"""Plain arrays: a .npy or .npz per image, in the ways that libraries keep panoptic maps in memory.

What the arrays mean is read by :mod:`pqeval.formats._plain_maps`. The form that is written, and that ``auto``
prefers, is ours: there is no official one for arrays with a list.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pqeval.categories import Categories
from pqeval.errors import PqevalError, ShapeError, UsageError
from pqeval.formats._arrays import read_array
from pqeval.formats._glance import Glance
from pqeval.formats._json import read_json, read_table
from pqeval.formats._maps import FileSide, Found
from pqeval.formats._numpy_write import write
from pqeval.formats._place import folder_of
from pqeval.formats._plain_maps import combined, listed, paired, read_list
from pqeval.labelmap import LabelMap
from pqeval.rows import Row
from pqeval.source import Request
from pqeval.storage import File, Folder, Place

__all__ = ["CONVENTION", "DESCRIPTION", "LAYOUT", "OPTIONS", "open_side", "recognise", "write"]

DESCRIPTION = "Plain .npy or .npz maps: ids with a list, category/instance, class * divisor + instance"
CONVENTION = "coco"
OPTIONS = {
    "layout": "ids, pairs, divisor or mmdet; auto (default): ids where there is a NAME.json, pairs where the last "
    "axis is 2",
    "key": "which array of a .npz; needed where there are several",
    "channels": "of pairs: category-instance (default) or instance-category",
    "divisor": "of divisor and mmdet; 1000 by default",
    "void": "labels that are void, with commas between them; by default 0 and 255 (mmdet: 255 and the number of "
    "classes) where the table lacks them",
}

LAYOUT = """\
maps/                            --gt or --pred
├── NAME.npy                     or NAME.npz with one array; any shape, any integers; -1 is void
├── NAME.json                    only with ids: {"segments_info": [{"id": 1, "category_id": 17}]}
├── ...
└── categories.json              rows with id, name, isthing; or name a table with --categories

ids      a segment id per pixel, 0 is void; label_id may stand for category_id, as in transformers
pairs    a last axis of 2: category, instance
divisor  class * divisor + instance
mmdet    instance * 1000 + label

Images in folders are frames of sequences: SEQUENCE/NAME.npy.
"""

ARRAY = re.compile(r"(?P<stem>(?:(?P<sequence>.*)/)?[^/]+)\.np[yz]", re.IGNORECASE)
TABLE = "categories.json"
LAYOUTS = ("auto", "ids", "pairs", "divisor", "mmdet")
CHANNELS = ("category-instance", "instance-category")
USUAL_VOID = 0, 255


class ArraySide(FileSide):
    """One opened side; see :class:`pqeval.formats._maps.FileSide`."""

    def __init__(self, folder: Folder, request: Request, categories: Categories | None) -> None:
        names = folder.names()
        parts = [(name, ARRAY.fullmatch(name)) for name in names]
        found = [Found(part["stem"], name, part["sequence"]) for name, part in parts if part is not None]
        super().__init__(folder, found, categories=categories, looked_for="files such as NAME.npy or NAME.npz")
        self._truth = request.role == "gt"
        self._role = request.role
        self._repeated = request.repeated
        self._lists = {name.removesuffix(".json") for name in names if name.endswith(".json") and name != TABLE}
        self._key = request.options.get("key")
        self._layout = request.choice("layout", LAYOUTS)
        self._category_first = request.choice("channels", CHANNELS) == CHANNELS[0]
        self._divisor = _divisor(request)
        if self._layout == "auto" and "divisor" in request.options:
            self._layout = "divisor"
        self._void = _void(request, self._layout, categories)

    def _segments(
        self, file: File, shape: tuple[int, ...] | None, problems: list[PqevalError]
    ) -> tuple[LabelMap, Sequence[Row]]:
        array = read_array(file, key=self._key)
        layout = self._layout
        if layout == "auto":
            layout = "ids" if file.stem in self._lists else "pairs" if array.shape[-1:] == (2,) else "auto"
        if layout == "ids":
            rows = self._list(File(self.folder, f"{file.stem}.json"), problems)
            return listed(array, rows)
        if layout == "pairs":
            nested = "/" in file.name
            return paired(array, category_first=self._category_first, void=self._void, in_sequence=nested)
        if layout == "auto":
            raise ShapeError(
                code="layout-unclear",
                found=f"an array of shape {array.shape} without {file.stem}.json could mean several things",
                expected="a list of its segments, or a last axis of 2 for category and instance",
                remedy=f"say what the values are with --{self._role}-option layout=divisor (class * divisor + "
                "instance) or layout=mmdet (instance * 1000 + label)",
            )
        return combined(
            array, divisor=self._divisor, label_last=layout == "mmdet", void=self._void, problems=problems
        )

    def _list(self, file: File, problems: list[PqevalError]) -> Sequence[Row]:
        found: list[PqevalError] = []
        try:
            rows = read_list(
                read_json(file),
                truth=self._truth,
                repeated=self._repeated,
                categories=self.categories,
                problems=found,
            )
        except PqevalError as error:
            raise error.located(file=str(file)) from None
        problems += [problem.located(file=str(file)) for problem in found]
        return rows


def _divisor(request: Request) -> int:
    divisor = request.number("divisor", 1000)
    if not divisor:
        raise UsageError(
            code="option-value",
            found=f"{request.role} option divisor is 0",
            expected="the number that classes, or instances, were multiplied with",
            remedy="for example divisor=1000",
        )
    return divisor


def _void(request: Request, layout: str, categories: Categories | None) -> list[int]:
    told = request.options.get("void")
    if told is not None:
        texts = [text.strip() for text in told.split(",")]
        if not all(text.removeprefix("-").isdecimal() for text in texts):
            raise UsageError(
                code="option-value",
                found=f"{request.role} option void is {told!r}",
                expected="a label or several, with commas between them",
                remedy="for example void=255",
            )
        return [int(text) for text in texts]
    known = set() if categories is None else {row.id for row in categories}
    usual = (255, len(known)) if layout == "mmdet" else USUAL_VOID
    return [label for label in usual if label not in known]


def recognise(glance: Glance) -> int:
    """See ``formats/__init__.py``; other formats have arrays as well, but no lists beside them."""
    arrays = [part["stem"] for part in map(ARRAY.fullmatch, glance.names) if part is not None]
    own = TABLE in glance.names or (arrays and f"{arrays[0]}.json" in glance.names)
    return (2 if own else 1) if arrays else 0


def _own_table(folder: Folder) -> Categories | None:
    return read_table(File(folder, TABLE)) if folder.has(TABLE) else None


def open_side(place: Place, request: Request) -> ArraySide:
    """Open one side; see ``formats/__init__.py``."""
    folder = folder_of(place)
    return ArraySide(folder, request, request.categories or _own_table(folder))
