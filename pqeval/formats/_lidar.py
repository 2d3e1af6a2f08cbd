"""Classes of point clouds: files number them more finely than scores do."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from pqeval.categories import Categories
from pqeval.errors import PqevalError
from pqeval.formats._meaning import is_thing, report

__all__ = ["LACKING", "VOID", "look_up", "report_bare", "table_ids"]

VOID, LACKING = 0, -1


def table_ids(scored: Mapping[str, int], categories: Categories | None) -> npt.NDArray[np.int64]:
    """Return the category id of each class number that files use.

    Parameters
    ----------
    scored : mapping of str to int
        Class numbers of files to ids of scoring, 0 for what is not scored.
    categories : Categories, optional
        The table of the evaluation. Where it uses class numbers of files instead of ids of scoring, so does what
        is returned; a class that it lacks goes to one that is scored as the same.

    Returns
    -------
    (C,) int64
        By class number; ``VOID`` for classes that are not scored, ``LACKING`` for numbers that mean nothing.
    """
    known = {int(number): meaning for number, meaning in scored.items()}
    ids = np.full(max(known) + 1, LACKING, np.int64)
    ids[list(known)] = list(known.values())
    used = [] if categories is None else [row.id for row in categories]
    if set(used) <= set(known.values()) or not set(used) <= set(known):
        return ids
    for number, meaning in known.items():
        if meaning != VOID and number in used:
            ids[number] = number
        elif meaning != VOID:
            ids[number] = next((other for other in used if known[other] == meaning), number)
    return ids


def look_up(ids: npt.NDArray[np.int64], numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the category ids of class numbers."""
    return np.where(numbers < len(ids), ids[np.minimum(numbers, len(ids) - 1)], LACKING)


def report_bare(
    category: npt.NDArray[np.int64],
    instance: npt.NDArray[np.int64],
    categories: Categories,
    problems: list[PqevalError],
) -> None:
    """Warn of things that were predicted without an instance number."""
    bare = np.unique(category[is_thing(category, categories) & (instance == 0)])
    report(
        bare,
        problems,
        code="points-without-instance",
        found="points of a thing have instance 0 (category {values}); all of a class are one object",
        expected="an instance number from 1 for every object",
        remedy="number the objects of each class",
        warn=True,
    )
