"""Reading an image so that all that is wrong with it is told, and nothing is raised."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from pqeval.errors import PqevalError
from pqeval.labelmap import LabelMap
from pqeval.rows import Row
from pqeval.source import Image

__all__ = ["Side", "gather"]

Side: TypeAlias = tuple[LabelMap, Sequence[Row]]


def gather(
    read: Callable[[list[PqevalError]], Side | None], image: Image, *, file: str, problems: list[PqevalError]
) -> Side | None:
    """Call what reads an image.

    Parameters
    ----------
    read : callable
        Takes a list for problems, and may raise one.
    image : Image
        Named in the problems, where they do not name another.
    file : str
        Likewise.
    problems : list
        Receives what was raised or added.

    Returns
    -------
    (LabelMap, sequence of Row) or None
        ``None`` where there was an error.
    """
    found: list[PqevalError] = []
    side = None
    try:
        side = read(found)
    except PqevalError as error:
        found.append(error)
    problems += [problem.located(file=file, image_id=image.image_id) for problem in found]
    return None if any(problem.severity == "error" for problem in found) else side
