"""What a format is asked for, and what it yields, for one side: ground truth or prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from pqeval.categories import Categories
from pqeval.errors import PqevalError, UsageError
from pqeval.image_ids import ImageId, Key
from pqeval.labelmap import LabelMap
from pqeval.rows import Row, Rows
from pqeval.storage import Folder

__all__ = ["Image", "Request", "Source", "Written"]


@dataclass(frozen=True, slots=True)
class Image:
    """Where one image of a side is found.

    Parameters
    ----------
    image_id : str, int, float, bool or None
        As written in the data; for files without metadata, what the file name says.
    rank : int
        Its place in the data.
    file : str
        The file with the map, for messages.
    entry : object
        What the format needs to read it.
    sequence : str, optional
        The video it is a frame of. Within a sequence a segment id names the same object in all frames.
    stratum : str, optional
        What it is averaged with before all is averaged, where a convention does so: the tissue of a patch, say.
    """

    image_id: ImageId
    rank: int
    file: str
    entry: Any = field(repr=False)
    sequence: str | None = None
    stratum: str | None = None


@dataclass(frozen=True)
class Request:
    """How a side is to be opened.

    Parameters
    ----------
    role : {"gt", "pred"}
        Ground truth or prediction.
    folder : Folder, optional
        Where the maps are, if the user said so.
    repeated : {"merge", "last"}
        See :func:`pqeval.segment_lists.read_rows`.
    categories : Categories, optional
        The user's table; for predictions, the table that the ground truth has. A format that knows several
        numberings of its categories takes the one that this table has.
    options : mapping of str to str
        What the user said about this format; see ``OPTIONS`` of its module.
    """

    role: str = "gt"
    folder: Folder | None = None
    repeated: str = "merge"
    categories: Categories | None = None
    options: Mapping[str, str] = field(default_factory=dict)

    def choice(self, name: str, values: Sequence[str]) -> str:
        """Return an option that takes one of some words; the first one is the default.

        Raises
        ------
        UsageError
            For another word.
        """
        value = self.options.get(name, values[0])
        if value not in values:
            raise UsageError(
                code="option-value",
                found=f"{self.role} option {name} is {value!r}",
                expected=f"one of: {', '.join(values)}",
                remedy="see `pqeval formats NAME`",
            )
        return value

    def number(self, name: str, default: int) -> int:
        """Return an option that takes a number that is not negative.

        Raises
        ------
        UsageError
            For anything else.
        """
        value = self.options.get(name, str(default))
        if not value.isdecimal():
            raise UsageError(
                code="option-number",
                found=f"{self.role} option {name} is {value!r}",
                expected="a number, 0 or more",
                remedy="see `pqeval formats NAME`",
            )
        return int(value)


class Written(NamedTuple):
    """An image on its way to another format.

    Parameters
    ----------
    image_id : str, int, float, bool or None
        As the format that was read has it.
    labels : LabelMap
        The map; 0 is void.
    rows : Rows
        Every segment of the map, and no other.
    sequence : str or None
        The video it is a frame of.
    """

    image_id: ImageId
    labels: LabelMap
    rows: Rows
    sequence: str | None = None


class Source(Protocol):
    """One opened side.

    Attributes
    ----------
    file : str
        What was opened, for messages.
    images : dict
        The images by :func:`~pqeval.image_ids.image_key`, in the order of the data.
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
