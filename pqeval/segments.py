"""The segments of one map as columns, sorted and with void in front."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pqeval.categories import LARGEST, Categories
from pqeval.core.runs import CALLED_UNKNOWN, UNKNOWN_CATEGORY, UNLISTED, arrange, rows_of, tabulate
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
        made = cls(*arrange(*_columns(rows, categories, unknown)))
        more = sorted(unlisted)
        return made._with_unlisted(np.array(more, np.int64)) if more else made

    @classmethod
    def of_map(
        cls,
        runs: npt.NDArray[np.uint64],
        rows: Sequence[Row],
        categories: Categories,
        *,
        unknown: frozenset[int] = frozenset(),
    ) -> tuple[Segments, npt.NDArray[np.uint64], int, int]:
        """Do :meth:`from_rows`, and :meth:`rows_of` with the runs of the map, at once."""
        *columns, found, without_row, without_pixel = tabulate(*_columns(rows, categories, unknown), runs)
        return cls(*columns), found, without_row, without_pixel

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

    def rows_of(self, runs: npt.NDArray[np.uint64]) -> tuple[npt.NDArray[np.uint64], int, int]:
        """Look up the rows of runs.

        Parameters
        ----------
        runs : (R,) uint64
            Each as ``end << 32 | id``.

        Returns
        -------
        rows : (R + 1,) uint64
            Each as ``end << 32 | row``, and one that means nothing.
        without_row, without_pixel : int
            Number of runs whose id has no row, and of rows that no run has.
        """
        rows, without_row, without_pixel = rows_of(runs, self.ids)
        return rows, without_row, without_pixel


def _columns(
    rows: Sequence[Row], categories: Categories, unknown: frozenset[int]
) -> tuple[npt.NDArray[np.generic], ...]:
    """The first seven arguments of :func:`pqeval.core.runs.arrange`."""
    listed = Rows.of(rows)
    called = NO_IDS
    if unknown:
        called = np.array(sorted({max(-LARGEST, min(number, LARGEST)) for number in unknown}), np.int64)
    return listed.ids, listed.category_ids, listed.crowds, listed.areas, *categories.lookup, called
