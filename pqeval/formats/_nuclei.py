"""Nuclei: instance maps whose objects get their class from a class map, or from a list.

Background is 0. It is no segment, and the conventions of these datasets do not excuse anything for lying on it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pqeval.categories import Categories
from pqeval.errors import DataWarning, PqevalError
from pqeval.formats._arrays import counted
from pqeval.formats._meaning import Meaning, segments, shown
from pqeval.labelmap import LabelMap
from pqeval.pairs import pack
from pqeval.rows import Rows

__all__ = [
    "NO_CLASS",
    "UNTYPED",
    "counted_as",
    "is_untyped",
    "report_classless",
    "side_of",
    "side_of_pairs",
    "voted",
]

UNTYPED = "nuclei"
"""The table with one class, in which nuclei are only found and not classified."""

NUCLEUS = 1
NO_CLASS = 0


def is_untyped(categories: Categories | None) -> bool:
    """Whether classes are left out of the evaluation."""
    return categories is not None and categories == Categories.builtin(UNTYPED)


def side_of(labels: LabelMap, category: npt.NDArray[np.int64] | None = None) -> tuple[LabelMap, Rows]:
    """Make a map and a list of an instance map.

    Parameters
    ----------
    labels : LabelMap
        The nuclei; their numbers become segment ids.
    category : (K,) int64, optional
        Category id of each number that is present, 0 included, ascending; left out, all are of one class.
    """
    values = labels.present().astype(np.int64)
    meaning = Meaning.of(values, np.full_like(values, NUCLEUS) if category is None else category, values)
    return segments(labels, meaning)


def side_of_pairs(
    category: npt.NDArray[Any], instance: npt.NDArray[Any], *, untyped: bool
) -> tuple[LabelMap, Rows]:
    """Make a map and a list of nuclei that are numbered anew in each class; category 0 is background."""
    pairs = pack(category, instance)
    keys = pairs.keys.astype(np.int64)
    meaning = Meaning.of(keys, pairs.category, pairs.instance, offset=0 if pairs.packed else 1)
    meaning.void = pairs.category == NO_CLASS
    if untyped:
        meaning.category = np.full_like(keys, NUCLEUS)
    return segments(pairs.labels, meaning)


def voted(
    instance: npt.NDArray[Any],
    kinds: npt.NDArray[Any],
    problems: list[PqevalError],
    *,
    merged: npt.NDArray[np.int64] | None = None,
) -> tuple[LabelMap, Rows]:
    """Make a map and a list of an instance map and a class map.

    A nucleus is of the class that most of its pixels have, and of the smaller one of two. Pixels without a class
    have no vote, as in HoVer-Net's post-processing.

    Parameters
    ----------
    instance, kinds : (H, W) int
        Two maps of one shape.
    problems : list
        Receives warnings.
    merged : (T,) int64, optional
        What each class counts as; those beyond its end count as they are.
    """
    pairs = pack(counted(kinds, "the class map"), counted(instance, "the instance map"))
    kind = counted_as(pairs.category, merged)
    ballots, place = np.unique(np.stack([pairs.instance, kind]), axis=1, return_inverse=True)
    nucleus, candidate = ballots
    votes = np.bincount(place.reshape(-1), _pixels(pairs.labels, pairs.keys), len(nucleus)).astype(np.int64)
    inside = nucleus > 0
    _report_disagreement(nucleus[inside], int(votes[~inside & (candidate > 0)].sum()), problems)
    # First by nucleus, then those with a class, then by votes, then by class.
    order = np.lexsort((candidate, -votes, candidate == NO_CLASS, nucleus))
    owners, first = np.unique(nucleus[order], return_index=True)
    elected = candidate[order][first]
    category = elected[np.searchsorted(owners, pairs.instance)]
    report_classless(owners[(owners > 0) & (elected == NO_CLASS)], problems)
    meaning = Meaning.of(pairs.keys.astype(np.int64), category, pairs.instance)
    meaning.segment = pairs.instance
    return segments(pairs.labels, meaning)


def counted_as(kinds: npt.NDArray[np.int64], merged: npt.NDArray[np.int64] | None) -> npt.NDArray[np.int64]:
    """Replace classes by what they count as; see :func:`voted`."""
    if merged is None:
        return kinds
    return np.where(kinds < len(merged), merged[np.minimum(kinds, len(merged) - 1)], kinds)


def _pixels(labels: LabelMap, values: npt.NDArray[np.uint32]) -> npt.NDArray[Any]:
    """Count the pixels of each value that is present, as floats; there are fewer than 2**53."""
    heights = np.diff(labels.bottoms.astype(np.int64), prepend=0)
    begin, ends = labels.begin.astype(np.int64), labels.ends.astype(np.int64)
    widths = np.diff(ends, prepend=0)
    widths[begin[:-1]] = ends[begin[:-1]]
    pixels = widths * np.repeat(heights, np.diff(begin))
    return np.bincount(np.searchsorted(values, labels.ids), pixels, len(values))


def _report_disagreement(owners: npt.NDArray[np.int64], stray: int, problems: list[PqevalError]) -> None:
    """Warn where the two maps do not say the same; an owner stands once for each of its classes."""
    _, classes = np.unique(owners, return_counts=True)
    several = int(np.count_nonzero(classes > 1))
    if several or stray:
        problems.append(
            DataWarning(
                code="class-map-disagrees",
                found=f"{several} nuclei have pixels of more than one class, and {stray} pixels have a class and "
                "no nucleus; a nucleus is of the class that most of its pixels have",
                expected="one class in all pixels of a nucleus, and 0 elsewhere",
                remedy="write both maps from the same objects",
            )
        )


def report_classless(numbers: npt.NDArray[np.int64], problems: list[PqevalError]) -> None:
    """Warn of nuclei that have no class; what becomes of them is the user's policy for unknown categories."""
    if len(numbers):
        problems.append(
            DataWarning(
                code="nucleus-without-class",
                found=f"nucleus {shown(numbers.tolist())} has no class; its category is {NO_CLASS}",
                expected="a class from 1 for every nucleus",
                remedy="of predictions, say what they are with --unknown void or fp; or leave classes out with "
                f"--categories {UNTYPED}",
            )
        )
