"""HoVer-Net: what it predicts, what it trains on, and the datasets Kumar and CoNSeP.

Source: vqdang/hover_net, ``README.md`` and ``compute_stats.py`` at 67e2ce5; the files are read by
:mod:`pqeval.formats._hovernet`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pqeval.categories import Categories, Category
from pqeval.errors import PqevalError, SegmentError, UsageError
from pqeval.formats._arrays import glimpse
from pqeval.formats._glance import Glance
from pqeval.formats._hovernet import COLOURS, read_nuclei, tells_classes
from pqeval.formats._maps import FileSide, Found
from pqeval.formats._nuclei import (
    NO_CLASS,
    UNTYPED,
    counted_as,
    is_untyped,
    report_classless,
    side_of,
    voted,
)
from pqeval.formats._place import folder_of
from pqeval.labelmap import LabelMap
from pqeval.rows import Row
from pqeval.source import Request
from pqeval.storage import File, Folder, Place

__all__ = ["CONVENTION", "DESCRIPTION", "LAYOUT", "OPTIONS", "open_side", "recognise"]

DESCRIPTION = "HoVer-Net, Kumar, CoNSeP: .mat, .json or .npy files of nuclei"
CONVENTION = "hovernet"
OPTIONS = {
    "merge": "consep: count CoNSeP's types 3, 4 as 3 and 5, 6, 7 as 4, in files that have seven; none (default)",
    "size": "HxW, the size of the images, for .json whose ground truth does not tell it",
}

LAYOUT = """\
mat/NAME.mat                     inst_map (H, W); inst_type (K, 1), in the order of inst_uid or of
                                 the numbers; or type_map (H, W); or no class at all
json/NAME.json                   {"nuc": {"1": {"contour": [[x, y], ...], "type": 1}, ...}}
NAME.npy                         (H, W, 5) = RGB, nucleus, class; or (H, W, 4) without a class

Of these, .mat goes before .json, and .json before .npy. In inst_map 0 is background; all other
numbers are nuclei, with gaps or not. Classes are numbered from 1; files may have none.
"""

SUFFIXES = (".mat", ".json", ".npy")
SIZE = re.compile(r"([1-9]\d{0,5})x([1-9]\d{0,5})")
CONSEP = np.array([0, 1, 2, 3, 3, 4, 4, 4])
MERGED = ("other", "inflammatory", "epithelial", "spindle-shaped")


class NucleiSide(FileSide):
    """One opened side; see :class:`pqeval.formats._maps.FileSide`.

    Parameters
    ----------
    folder, found, categories
        See there.
    role : {"gt", "pred"}
        Named in messages.
    size : (int, int), optional
        Height and width of the images, where the user said it.
    merged : (T,) int64, optional
        What each class counts as.
    """

    def __init__(
        self,
        folder: Folder,
        found: Sequence[Found],
        *,
        categories: Categories,
        role: str,
        size: tuple[int, int] | None,
        merged: npt.NDArray[np.int64] | None,
    ) -> None:
        super().__init__(folder, found, categories=categories, looked_for="files such as mat/NAME.mat")
        self._role = role
        self._size = size
        self._merged = merged
        self._untyped = is_untyped(categories)

    def _segments(
        self, file: File, shape: tuple[int, ...] | None, problems: list[PqevalError]
    ) -> tuple[LabelMap, Sequence[Row]]:
        shape = self._size or shape
        size = (shape[0], shape[1]) if shape is not None and len(shape) == 2 else None
        nuclei = read_nuclei(file, size, self._role, problems)
        labels = LabelMap.from_array(nuclei.instance)
        if self._untyped:
            return side_of(labels)
        present = labels.present().astype(np.int64)
        types = nuclei.classes(present)
        if types is not None:
            types = counted_as(types, self._merged)
            report_classless(present[(present > 0) & (types == NO_CLASS)], problems)
            return side_of(labels, types)
        if nuclei.kinds is not None:
            return voted(nuclei.instance, nuclei.kinds, problems, merged=self._merged)
        raise SegmentError(
            code="nuclei-untyped",
            found="nothing says of which class the nuclei are",
            expected="inst_type or type_map in a .mat, type in a .json, five channels in a .npy",
            remedy=f"add the classes, or leave them out on both sides with --categories {UNTYPED}",
        )


def _files(folder: Folder) -> list[Found]:
    """List the files of the first kind that is there; the image id is the name without folder and suffix."""
    names = folder.names()
    for suffix in SUFFIXES:
        fitting = [name for name in names if name.lower().endswith(suffix)]
        inner = [name for name in fitting if re.search(rf"(?:^|/){suffix[1:]}/[^/]+$", name)]
        if fitting:
            return [Found(name.rpartition("/")[2][: -len(suffix)], name) for name in inner or fitting]
    return []


def recognise(glance: Glance) -> int:
    """See ``formats/__init__.py``; nobody else has .mat files."""
    place = glance.place
    if not isinstance(place, Folder):
        return 0
    if glance.matching(r"(?:.*/)?[^/]+\.mat"):
        return 2
    outlines = glance.matching(r"(?:.*/)?json/[^/]+\.json")
    if outlines:
        return 2 * Glance(File(place, outlines[0])).sees(rb'"nuc"')
    arrays = glance.matching(r"(?:.*/)?[^/]+\.npy")
    header = glimpse(File(place, arrays[0])) if arrays else None
    return 2 * (header is not None and len(header.shape) == 3 and header.shape[2] - COLOURS in (1, 2))


def _size(request: Request) -> tuple[int, int] | None:
    told = request.options.get("size")
    if told is None:
        return None
    parts = SIZE.fullmatch(told)
    if parts is None:
        raise UsageError(
            code="option-value",
            found=f"{request.role} option size is {told!r}",
            expected="HxW, height first",
            remedy="for example size=1000x1000",
        )
    return int(parts[1]), int(parts[2])


def _table(folder: Folder, found: list[Found], merge: str) -> Categories:
    """Choose the table of files whose user named none."""
    if merge == "consep":
        return Categories(Category(number, name, True) for number, name in enumerate(MERGED, start=1))
    told = (tells_classes(File(folder, entry.name)) for entry in found)
    typed = next((answer for answer in told if answer is not None), False)
    return Categories.builtin("pannuke" if typed else UNTYPED)


def open_side(place: Place, request: Request) -> NucleiSide:
    """Open one side; see ``formats/__init__.py``."""
    folder = folder_of(place)
    merge = request.choice("merge", ("none", "consep"))
    size = _size(request)
    found = _files(folder)
    return NucleiSide(
        folder,
        found,
        categories=request.categories or _table(folder, found, merge),
        role=request.role,
        size=size,
        merged=CONSEP if merge == "consep" else None,
    )
