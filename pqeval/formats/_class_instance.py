"""Maps in which every pixel names a category and an instance, and no list says more."""

from __future__ import annotations

from collections.abc import Container, Sequence

import numpy as np
import numpy.typing as npt

from pqeval.categories import Categories
from pqeval.errors import PqevalError, UsageError
from pqeval.formats._meaning import Meaning, is_stuff, is_thing, report
from pqeval.source import Request

__all__ = ["INSTANCE0", "settle", "void_categories"]

INSTANCE0 = {"gt": ("crowd", "object", "void"), "pred": ("object", "crowd", "void")}
"""What a thing with instance 0 can be, the default first, where the number says that nobody counted objects."""


def settle(
    meaning: Meaning,
    problems: list[PqevalError],
    *,
    categories: Categories,
    instance0: str,
) -> Meaning:
    """Say what instance 0 of a thing is, and warn of stuff that has instances.

    Categories that the table lacks are left to whoever compares with the table, since it is the user who says
    what unknown segments are.

    Parameters
    ----------
    meaning : Meaning
        With its void marked.
    problems : list
        Receives the warning.
    categories : Categories
        Says which are things.
    instance0 : {"crowd", "object", "void"}
        What a thing with instance 0 is.
    """
    bare = is_thing(meaning.category, categories) & (meaning.instance == 0)
    if instance0 == "crowd":
        meaning.crowd = meaning.crowd | bare
    elif instance0 == "void":
        meaning.void = meaning.void | bare
    stuff = is_stuff(meaning.category, categories)
    numbered = np.unique(meaning.category[stuff & (meaning.instance != 0) & ~meaning.void])
    report(
        numbered,
        problems,
        code="stuff-instance",
        found="stuff category {values} has instance numbers; each makes a segment of its own",
        expected="stuff with instance 0",
        remedy="write 0 as the instance of stuff",
        warn=True,
    )
    return meaning


def void_categories(
    request: Request, taken: Container[object], usual: Sequence[int] = (0, 255)
) -> npt.NDArray[np.int64]:
    """Return what stands for void: what the user says, and of the usual numbers those that are no categories.

    Parameters
    ----------
    request : Request
        Its option ``void`` is ``auto`` or a number.
    taken : container of int
        The categories, as the files number them.
    usual : sequence of int
        The usual numbers.

    Raises
    ------
    UsageError
        If the option is neither, or is a category.
    """
    stated = request.options.get("void", "auto")
    found = [number for number in usual if number not in taken]
    if stated == "auto":
        return np.array(found, np.int64)
    if not stated.isdecimal() or int(stated) in taken:
        raise UsageError(
            code="option-void",
            found=f"{request.role} option void is {stated!r}"
            + (", which is a category" if stated.isdecimal() else ""),
            expected="auto, or the number of void pixels",
            remedy="see `pqeval formats NAME`",
        )
    return np.array(sorted({*found, int(stated)}), np.int64)
