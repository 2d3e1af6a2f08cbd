"""Writing maps in which every pixel names a category and an instance: what they cannot hold is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pqeval.categories import Categories
from pqeval.errors import SegmentError
from pqeval.formats._names import take_name
from pqeval.formats._png import write_ids
from pqeval.output import make_folder
from pqeval.source import Written

__all__ = ["PairWriter"]

Pack: TypeAlias = Callable[[npt.NDArray[np.int64], npt.NDArray[np.int64]], npt.NDArray[np.int64]]
"""Categories and instances to pixels, R + 256 G + 65536 B."""


class PairWriter:
    """A folder of RGB PNGs that is being filled.

    Parameters
    ----------
    folder : Path
        The folder; it is made.
    categories : Categories
        The table.
    voids : sequence of int
        What may stand for the category of void pixels; the first one that is no category does.
    largest : int
        The largest category id that a pixel can hold.
    first, last : int
        The instance numbers of objects; stuff has 0.
    crowd : int
        The instance number of crowds.
    """

    def __init__(
        self,
        folder: Path,
        categories: Categories,
        *,
        voids: Sequence[int],
        largest: int,
        first: int,
        last: int,
        crowd: int,
    ) -> None:
        self.folder = folder
        self.voids = voids
        self.void = next((number for number in voids if categories.index_of(number) < 0), None)
        self.largest, self.first, self.last, self.crowd = largest, first, last, crowd
        self._things = {row.id: row.isthing for row in categories}
        self._names: set[str] = set()
        self._tracks: dict[str | None, dict[int, dict[int, int]]] = {}
        make_folder(folder)

    def write(self, name: str, image: Written, *, sequence: str | None, pack: Pack) -> None:
        """Write one image, or refuse it.

        Parameters
        ----------
        name : str
            The PNG, relative to the folder.
        image : Written
            The image.
        sequence : str, optional
            The video; in it, a segment id of a category keeps its instance number.
        pack : callable
            Categories and instances to pixels.

        Raises
        ------
        DataError
            For what the encoding cannot hold, and where a file cannot be written.
        """
        take_name(name, self._names, image.image_id)
        present = image.labels.present()
        self._check(image, bool(len(present)) and int(present[0]) == 0)
        numbers = self._numbers(image, {} if sequence is None else self._tracks.setdefault(sequence, {}))
        values = pack(image.rows.category_ids, numbers)
        order = np.argsort(image.rows.ids)
        void = -1 if self.void is None else self.void
        new = np.full(len(present), pack(np.array([void]), np.array([0]))[0])
        new[present > 0] = values[order]
        make_folder((self.folder / name).parent)
        write_ids(self.folder / name, image.labels.mapped(present, new.astype(np.uint32)).to_array())

    def _check(self, image: Written, void: bool) -> None:
        if len(image.labels.shape) != 2:
            raise _refused(
                image, f"a map of shape {image.labels.shape}", "an (H, W) map", "save every slice as an image"
            )
        if void and self.void is None:
            taken = " or ".join(map(str, self.voids))
            raise _refused(image, "void pixels", f"a table without category {taken}", "renumber the categories")
        rows = image.rows
        known = [number for number in self._things if 0 <= number <= self.largest]
        wrong = rows.category_ids[~np.isin(rows.category_ids, known)]
        if len(wrong):
            raise _refused(
                image,
                f"category_id {wrong[0]}",
                f"categories of the table, 0 to {self.largest}",
                "renumber the categories, or complete the table",
            )
        crowd = rows.crowds != 0
        stuff = np.isin(
            rows.category_ids, [number for number, isthing in self._things.items() if isthing is False]
        )
        both = rows.category_ids[crowd & stuff]
        if len(both):
            raise _refused(image, f"a crowd of the stuff category {both[0]}", "crowds of things", "make it void")
        for kind, of, which in (("crowds", "", crowd), ("segments", "stuff ", stuff)):
            listed, times = np.unique(rows.category_ids[which], return_counts=True)
            if len(listed) and times.max() > 1:
                raise _refused(
                    image,
                    f"several {kind} of the {of}category {listed[times > 1][0]}",
                    "at most one per image",
                    "join them into one segment",
                )

    def _numbers(self, image: Written, tracks: dict[int, dict[int, int]]) -> npt.NDArray[np.int64]:
        """Return the instance number of every row."""
        rows = image.rows
        numbers = np.where(rows.crowds != 0, self.crowd, 0)
        for category, isthing in self._things.items():
            objects = (rows.category_ids == category) & (rows.crowds == 0)
            if isthing is False or not objects.any():
                continue
            known = tracks.setdefault(category, {})
            ids = rows.ids[objects].tolist()
            total, room = len(known.keys() | set(ids)), self.last - self.first + 1
            if total > room:
                raise _refused(
                    image,
                    f"object {total} of category {category}",
                    f"at most {room} objects per category",
                    "write another format",
                )
            for number in sorted(ids):
                known.setdefault(number, self.first + len(known))
            numbers[objects] = [known[number] for number in ids]
        return numbers


def _refused(image: Written, what: str, expected: str, remedy: str) -> SegmentError:
    return SegmentError(
        code="not-storable",
        found=f"{what} cannot be stored in this format",
        expected=expected,
        remedy=remedy,
        image_id=image.image_id,
    )
