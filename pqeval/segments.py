"""The segments of one map as columns, sorted and with void in front."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pqeval.categories import LARGEST, Categories
from pqeval.core.runs import CALLED_UNKNOWN, UNKNOWN_CATEGORY, UNLISTED, arrange, rows_of
from pqeval.rows import NO_AREA, Row, Rows

__all__ = ["CALLED_UNKNOWN", "UNKNOWN_CATEGORY", "UNLISTED", "Segments"]

NO_IDS = np.empty(0, np.int64)


@dataclass(frozen=True, eq=False)
class Segments:
    """The segments of one map, by ascending id; row 0 is void.

    Parameters
    ----------
    ids : (S,) int64
        Segment ids; ``ids[0]`` is 0.
    category : (S,) int64
        Dense class index; ``UNKNOWN_CATEGORY`` for ids the table lacks, ``CALLED_UNKNOWN`` for categories that
        the user declared to mean "unknown", ``UNLISTED`` for void and for ids that own pixels but have no row.
    crowd : (S,) uint8
        1 for crowds.
    position : (S,) int64
        Place in the list as written, -1 for rows that no list has.
    stated : (S,) int64
        Area as the list states it, ``NO_AREA`` where it states none.
    lacking : int
        How many segments have a category that the table lacks and nobody called unknown.
    """

    ids: npt.NDArray[np.int64]
    category: npt.NDArray[np.int64]
    crowd: npt.NDArray[np.uint8]
    position: npt.NDArray[np.int64]
    stated: npt.NDArray[np.int64]

    lacking: int = 0

    @classmethod
    def from_rows(
        cls,
        rows: Sequence[Row],
        categories: Categories,
        *,
        unlisted: Iterable[int] = (),
        unknown: frozenset[int] = frozenset(),
    ) -> Segments:
        """Sort checked rows with distinct ids into columns, with void in front."""
        listed = Rows.of(rows)
        called = NO_IDS
        if unknown:
            called = np.array(sorted({max(-LARGEST, min(number, LARGEST)) for number in unknown}), np.int64)
        columns = (listed.ids, listed.category_ids, listed.crowds, listed.areas)
        made = cls(*arrange(*columns, *categories.lookup, called))
        more = sorted(unlisted)
        return made._with_unlisted(np.array(more, np.int64)) if more else made

    def _with_unlisted(self, ids: npt.NDArray[np.int64]) -> Segments:
        more = len(ids)
        order = np.argsort(np.concatenate([self.ids, ids]))
        return Segments(
            np.concatenate([self.ids, ids])[order],
            np.append(self.category, [UNLISTED] * more)[order],
            np.append(self.crowd, np.zeros(more, np.uint8))[order],
            np.append(self.position, [-1] * more)[order],
            np.append(self.stated, [NO_AREA] * more)[order],
            self.lacking,
        )

    def __len__(self) -> int:
        return len(self.ids)

    def rows_of(self, ids: npt.NDArray[np.uint32]) -> tuple[npt.NDArray[np.uint32], int, int]:
        """Look up the rows of runs.

        Parameters
        ----------
        ids : (R,) uint32
            Id of each run.

        Returns
        -------
        rows : (R,) uint32
            The row of each run.
        without_row, without_pixel : int
            Number of runs whose id has no row, and of rows that no run has.
        """
        rows, without_row, without_pixel = rows_of(ids, self.ids)
        return rows, without_row, without_pixel
