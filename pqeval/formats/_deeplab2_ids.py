"""Which numbers deeplab2 writes for the classes of a dataset.

Source: google-research/deeplab2 at 64bc1c1, ``trainer/vis.py`` (``convert_raw_to_eval_ids``), ``data/dataset.py``
and ``data/coco_constants.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pqeval.categories import Categories
from pqeval.errors import PqevalError
from pqeval.formats._cityscapes import numbering_of, renumber, rows_of
from pqeval.formats._class_instance import void_categories
from pqeval.formats._meaning import report
from pqeval.source import Request

__all__ = ["NUMBERINGS", "Classes", "classes_of"]

Renumber = Callable[[npt.NDArray[np.int64]], npt.NDArray[np.int64]]

NUMBERINGS = {
    "cityscapes": ("cityscapes", 0),
    "cityscapes_train": ("cityscapes_train", 255),
    "coco": ("coco", 0),
    "coco_train": ("coco", 0),
    "ade20k": ("ade20k", 0),
    "kitti_step": ("kitti_step", 255),
    "motchallenge_step": ("motchallenge_step", 255),
    "semkitti_dvps": ("semkitti_dvps", 255),
}
"""Built-in table and void of every numbering."""


class Classes(NamedTuple):
    """The numbers in the files of a side.

    Parameters
    ----------
    categories : Categories
        The table of the side.
    numbering : str
        What messages call the numbers; empty where they are the ids of the table.
    numbers : (K,) int64
        The numbers of the classes, ascending; nothing where they are the ids of the table.
    ids : (K,) int64
        The category id of each.
    void : (V,) int64
        The numbers of void.
    renumber : callable, optional
        What takes these ids to those of the table, where it is another one.
    role : str
        Whose options messages name.
    """

    categories: Categories
    numbering: str
    numbers: npt.NDArray[np.int64]
    ids: npt.NDArray[np.int64]
    void: npt.NDArray[np.int64]
    renumber: Renumber | None
    role: str

    def of(
        self, numbers: npt.NDArray[np.int64], problems: list[PqevalError]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Return the category of every number, and which are void; report those that are neither.

        Parameters
        ----------
        numbers : (N,) int64
            Numbers as files have them, in any order.
        problems : list
            Receives the error.
        """
        void = np.isin(numbers, self.void)
        if not self.numbering:
            return numbers, void
        unknown = np.unique(numbers[~void & ~np.isin(numbers, self.numbers)])
        report(
            unknown,
            problems,
            code="class-number",
            found=f"class {{values}} is none of the numbering {self.numbering}",
            expected=f"{len(self.numbers)} classes, {self.numbers[0]} to {self.numbers[-1]}, and "
            f"{' or '.join(map(str, self.void.tolist()))} for void",
            remedy=f"say which numbers the files have with --{self.role}-option table=NAME "
            f"({', '.join(NUMBERINGS)}, or same where they are the ids of the category table)",
        )
        places = np.searchsorted(self.numbers, numbers).clip(max=len(self.numbers) - 1)
        categories = self.ids[places]
        return categories if self.renumber is None else self.renumber(categories), void


def classes_of(request: Request) -> Classes:
    """Find out which numbers the files have, by the option ``table`` and by the table of the other side.

    Raises
    ------
    UsageError
        For options that do not exist.
    """
    stated = request.choice("table", ("auto", "same", *NUMBERINGS))
    name = _usual(request.categories) if stated == "auto" else stated
    if name == "same":
        categories = request.categories or Categories.builtin("cityscapes")
        nothing = np.empty(0, np.int64)
        return Classes(categories, "", nothing, nothing, void_categories(request, categories), None, request.role)
    table, void = NUMBERINGS[name]
    ids = sorted(row.id for row in Categories.builtin(table))
    numbers = list(range(1, len(ids) + 1)) if name in ("coco_train", "ade20k") else ids
    source = {"cityscapes": "label", "cityscapes_train": "train"}.get(name)
    return Classes(
        request.categories or Categories.builtin(table),
        name,
        np.array(numbers, np.int64),
        np.array(ids, np.int64),
        void_categories(request, numbers, (void,)),
        None if source is None else renumber(source, request.categories),
        request.role,
    )


def _usual(categories: Categories | None) -> str:
    """What deeplab2 writes by default for the dataset of a table: ids as its evaluation server has them."""
    if categories is None or numbering_of(rows_of(categories)).sure:
        return "cityscapes"
    scenes = Categories.builtin("ade20k")
    alike = {(row.id, row.name) for row in categories} & {(row.id, row.name) for row in scenes}
    return "ade20k" if 2 * len(alike) > len(scenes) else "same"
