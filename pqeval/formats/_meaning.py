"""From pixel values to segments: every format that packs category and instance into its values comes through here.

Nothing looks at pixels: a map has few distinct values, and only those are decoded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pqeval.categories import Categories
from pqeval.errors import DataWarning, PqevalError, SegmentError
from pqeval.labelmap import LabelMap
from pqeval.rows import NO_AREA, Rows

__all__ = ["Decoder", "Meaning", "divided", "is_stuff", "is_thing", "report", "segments", "shown"]


@dataclass
class Meaning:
    """What the distinct values of a map stand for; all arrays are (K,).

    Parameters
    ----------
    values : (K,) int64
        The values, ascending.
    segment : (K,) int64
        Segment ids. Values with one id make one segment. In a video they depend on the value alone, so that an
        object keeps its id.
    category, instance : (K,) int64
        The parts of each value. Where there is no instance, 0.
    void, crowd : (K,) bool
        Which values are void, and which are crowds.
    """

    values: npt.NDArray[np.int64]
    segment: npt.NDArray[np.int64]
    category: npt.NDArray[np.int64]
    instance: npt.NDArray[np.int64]
    void: npt.NDArray[np.bool_]
    crowd: npt.NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        values: npt.NDArray[np.int64],
        category: npt.NDArray[np.int64],
        instance: npt.NDArray[np.int64],
        *,
        offset: int = 0,
    ) -> Meaning:
        """Begin with nothing void and no crowds; segment ids are the values plus an offset.

        A format in which the value 0 can be a segment takes the offset 1, since segment id 0 is void.
        """
        no = np.zeros(len(values), bool)
        return cls(values, values + offset, category, instance, no, no.copy())


Decoder: TypeAlias = Callable[[npt.NDArray[np.int64], list[PqevalError]], Meaning]
"""What a format gives: the distinct values of a map, ascending, to what they mean; problems are added."""


def divided(values: npt.NDArray[np.int64], divisor: int, *, offset: int = 0) -> Meaning:
    """Take values apart as category * divisor + instance."""
    return Meaning.of(values, values // divisor, values % divisor, offset=offset)


def is_thing(category: npt.NDArray[np.int64], categories: Categories) -> npt.NDArray[np.bool_]:
    """Return which category ids are things."""
    return _among(category, categories.things)


def is_stuff(category: npt.NDArray[np.int64], categories: Categories) -> npt.NDArray[np.bool_]:
    """Return which category ids are stuff."""
    return _among(category, categories.stuff)


def _among(numbers: npt.NDArray[np.int64], chosen: frozenset[int]) -> npt.NDArray[np.bool_]:
    # Of the few values of a map, each is looked up faster than all are sorted.
    return np.array([number in chosen for number in numbers.tolist()], bool)


def report(
    wrong: npt.NDArray[np.int64],
    problems: list[PqevalError],
    *,
    code: str,
    found: str,
    expected: str,
    remedy: str,
    warn: bool = False,
) -> None:
    """Report wrong values, where there are any; ``{values}`` in ``found`` names the first of them."""
    if len(wrong):
        kind = DataWarning if warn else SegmentError
        found = found.replace("{values}", shown(wrong.tolist()))
        problems.append(kind(code=code, found=found, expected=expected, remedy=remedy))


def segments(labels: LabelMap, meaning: Meaning) -> tuple[LabelMap, Rows]:
    """Make a map of values a map of segment ids, with its list.

    Parameters
    ----------
    labels : LabelMap
        The values; those of ``meaning`` are all that are present.
    meaning : Meaning
        What they stand for.

    Returns
    -------
    labels : LabelMap
        The segment ids.
    rows : Rows
        The segments, by ascending id.
    """
    ids = np.where(meaning.void, 0, meaning.segment)
    listed, first = np.unique(ids, return_index=True)
    first = first[listed != 0]
    rows = Rows(
        ids[first],
        meaning.category[first],
        meaning.crowd[first].astype(np.uint8),
        np.full(len(first), NO_AREA, np.int64),
    )
    return labels.mapped(meaning.values.astype(np.uint32), ids.astype(np.uint32)), rows


def shown(numbers: list[int], most: int = 5) -> str:
    """Write the first of some numbers."""
    text = ", ".join(map(str, numbers[:most]))
    return text if len(numbers) <= most else f"{text} and {len(numbers) - most} more"
