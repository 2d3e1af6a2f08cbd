"""The segment list of one map as checked columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite, nan
from typing import Any, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from pqeval.categories import LARGEST

__all__ = ["LARGEST_AREA", "NO_AREA", "Row", "Rows", "score_column"]

NO_AREA = -(2**63)
LARGEST_AREA = 2**53


class Row(NamedTuple):
    """One entry of a segment list, checked.

    ``area`` is ``None`` unless the list states an integer, ``score`` unless it states a finite number.
    """

    id: int
    category_id: int
    iscrowd: bool = False
    area: int | None = None
    score: float | None = None


class Rows(Sequence[Row]):
    """A checked segment list as columns, in the order of the list.

    Parameters
    ----------
    ids, category_ids, areas : (S,) int64
        Distinct segment ids, category ids, and stated areas (``NO_AREA`` where none is stated).
    crowds : (S,) uint8
        1 for crowds.
    scores : (S,) float64, optional
        How sure the network was, NaN where nothing is said; ``None`` where nothing is said of any segment.
    """

    __slots__ = ("areas", "category_ids", "crowds", "ids", "scores")

    def __init__(
        self,
        ids: npt.NDArray[np.int64],
        category_ids: npt.NDArray[np.int64],
        crowds: npt.NDArray[np.uint8],
        areas: npt.NDArray[np.int64],
        scores: npt.NDArray[np.float64] | None = None,
    ) -> None:
        self.ids = ids
        self.category_ids = category_ids
        self.crowds = crowds
        self.areas = areas
        self.scores = scores

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Rows:
        """Take over rows; no table and no image has the category ids and areas that are cut to size here."""
        if isinstance(rows, Rows):
            return rows
        most, largest = LARGEST, LARGEST_AREA
        return cls(
            np.array([row.id for row in rows], np.int64),
            np.array([max(-most, min(row.category_id, most)) for row in rows], np.int64),
            np.array([row.iscrowd for row in rows], np.uint8),
            np.array(
                [NO_AREA if row.area is None else max(-largest, min(row.area, largest)) for row in rows], np.int64
            ),
            score_column([row.score for row in rows]),
        )

    def taken(self, places: slice | npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> Rows:
        """Return some of the rows, as numpy indexes arrays."""
        scores = None if self.scores is None else self.scores[places]
        return Rows(self.ids[places], self.category_ids[places], self.crowds[places], self.areas[places], scores)

    def altered(self, **columns: npt.NDArray[Any]) -> Rows:
        """Return the rows with other columns."""
        return Rows(**{name: columns.get(name, getattr(self, name)) for name in self.__slots__})

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> Rows: ...
    def __getitem__(self, place: int | slice) -> Row | Rows:
        if isinstance(place, slice):
            return self.taken(place)
        area = int(self.areas[place])
        score = nan if self.scores is None else float(self.scores[place])
        return Row(
            int(self.ids[place]),
            int(self.category_ids[place]),
            bool(self.crowds[place]),
            None if area == NO_AREA else area,
            score if isfinite(score) else None,
        )

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Row]:
        return (self[place] for place in range(len(self)))


def score_column(scores: Sequence[float | None]) -> npt.NDArray[np.float64] | None:
    """Return scores as a column, NaN where there is none; ``None`` where there is none at all."""
    if scores.count(None) == len(scores):
        return None
    return np.array([nan if score is None else score for score in scores], np.float64)
