"""What every format yields for one side, ground truth or prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pqeval.categories import Categories
from pqeval.errors import PqevalError
from pqeval.image_ids import ImageId, Key
from pqeval.labelmap import LabelMap
from pqeval.rows import Row

__all__ = ["Image", "Source"]


@dataclass(frozen=True, slots=True)
class Image:
    """Where one image of a side is found.

    Parameters
    ----------
    image_id : str, int, float, bool or None
        As written in the data.
    rank : int
        Its place in the file.
    file : str
        The file with the map, for messages.
    entry : object
        What the format needs to read it.
    """

    image_id: ImageId
    rank: int
    file: str
    entry: Any = field(repr=False)


class Source(Protocol):
    """One opened side.

    Attributes
    ----------
    file : str
        What was opened, for messages.
    images : dict
        The images by :func:`~pqeval.image_ids.image_key`, in file order.
    categories : Categories or None
        The category table, where this side has one.
    problems : list of PqevalError
        What was wrong with the files as a whole; an image with an error is not in ``images``.
    """

    file: str
    images: dict[Key, Image]
    categories: Categories | None
    problems: list[PqevalError]

    def read(
        self, image: Image, *, shape: tuple[int, ...] | None, problems: list[PqevalError]
    ) -> tuple[LabelMap, Sequence[Row]] | None:
        """Read map and segment list of an image; ``None`` where an error was added to ``problems``.

        Where ``shape`` is given, a map of another size is refused before it is decoded.
        """
