"""The table of categories: which ids there are, which are things, in which order classes are reported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from pqeval import tables
from pqeval.errors import CategoryError, PqevalError, UsageError, raise_all

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Categories", "Category", "integral"]


LARGEST = 2**62  # larger ones have no room in a column; no table has them


def integral(value: object) -> int | None:
    """Read an integer that may have been written as ``1.0``; ``None`` where it is anything else.

    Booleans are no integers here: ``true`` as an id is a mistake, not a 1.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    try:
        return value.__index__()  # type: ignore[attr-defined,no-any-return]
    except (AttributeError, TypeError):
        return None


@dataclass(frozen=True)
class Category:
    """One row of a category table.

    Parameters
    ----------
    id : int
        The id that segments carry.
    name : str
        Shown in reports.
    isthing : bool or None
        Thing (countable) or stuff; ``None`` where the table does not tell.
    color : tuple of int, optional
        Red, green, blue, each 0 to 255.
    """

    id: int
    name: str
    isthing: bool | None
    color: tuple[int, int, int] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the row as COCO writes it."""
        row: dict[str, Any] = {"id": self.id, "name": self.name}
        if self.isthing is not None:
            row["isthing"] = int(self.isthing)
        if self.color is not None:
            row["color"] = list(self.color)
        return row


class Categories(Sequence[Category]):
    """A category table: COCO ids on the outside, dense indices 0, 1, 2, ... on the inside.

    The order is the order given; classes are reported in it and averages are summed in it.

    Parameters
    ----------
    rows : iterable of Category
        The rows, with distinct ids.

    Raises
    ------
    CategoryError
        For an empty table and for an id that appears twice.

    Examples
    --------
    >>> from pqeval import Categories
    >>> table = Categories.from_coco([{"id": 1, "name": "person", "isthing": 1},
    ...                               {"id": 119, "name": "grass", "isthing": 0}])
    >>> table.index_of(119), [row.name for row in table]
    (1, ['person', 'grass'])
    >>> len(Categories.builtin("coco"))
    133
    """

    def __init__(self, rows: Iterable[Category]) -> None:
        self._rows = tuple(rows)
        self._index = {row.id: place for place, row in enumerate(self._rows)}
        if not self._rows:
            raise CategoryError(
                code="categories-empty",
                found="the category table is empty",
                expected="at least one category with an id and isthing",
                remedy='add rows such as {"id": 1, "name": "person", "isthing": 1}',
            )
        if len(self._index) != len(self._rows):
            seen: set[int] = set()
            twice = sorted({row.id for row in self._rows if row.id in seen or seen.add(row.id)})  # type: ignore[func-returns-value]
            raise CategoryError(
                code="category-twice",
                found=f"category id {', '.join(map(str, twice))} appears more than once",
                expected="every category id once",
                remedy="remove or renumber the repeated rows",
            )

    @classmethod
    def from_coco(cls, rows: Iterable[Mapping[str, Any]]) -> Categories:
        """Read the ``categories`` list of a COCO panoptic JSON.

        Parameters
        ----------
        rows : iterable of mapping
            Each with ``id`` and ``isthing`` (0 or 1); ``name`` and ``color`` are optional. Where *no* row
            has ``isthing``, the table is accepted and only the group All can be averaged.

        Returns
        -------
        Categories

        Raises
        ------
        CategoryError
            Naming every row that cannot be used.

        Notes
        -----
        Field names: panopticapi, ``panoptic_coco_categories.json``.
        """
        listed = list(rows)
        untold = not any(isinstance(row, Mapping) and "isthing" in row for row in listed)
        errors: list[PqevalError] = []
        table = []
        for place, row in enumerate(listed):
            try:
                table.append(_category(row, place, untold))
            except CategoryError as error:
                errors.append(error)
        raise_all(errors)
        return cls(table)

    @classmethod
    def builtin(cls, name: str) -> Categories:
        """Load a table that comes with pqeval.

        Parameters
        ----------
        name : str
            The name of a dataset, for example ``"coco"``: the 133 categories of COCO panoptic 2017 (80 things,
            53 stuff); ``"cityscapes"`` has label ids, and ``"cityscapes_train"`` train ids. A name that does not
            exist is answered with the list of those that do.

        Returns
        -------
        Categories

        Raises
        ------
        UsageError
            If there is no such table.
        """
        names = tables.names()
        if name not in names:
            raise UsageError(
                code="unknown-table",
                found=f"no built-in category table is called {name!r}",
                expected=f"one of: {', '.join(names)}",
                remedy="choose one of these, or give the categories as a list",
            )
        return cls.from_coco(tables.read(name)["categories"])

    @classmethod
    def of(cls, value: Categories | str | Iterable[Mapping[str, Any]]) -> Categories:
        """Accept a table, the name of a built-in one, or a list of COCO rows.

        Raises
        ------
        UsageError, CategoryError
            For anything else, and for rows that cannot be used.
        """
        if isinstance(value, Categories):
            return value
        if isinstance(value, str):
            return cls.builtin(value)
        if not isinstance(value, Iterable):
            raise UsageError(
                code="categories-type",
                found=f"categories of type {type(value).__name__}",
                expected="a list of rows with id and isthing, or the name of a built-in table",
                remedy='for example [{"id": 1, "name": "person", "isthing": 1}], or "coco"',
            )
        return cls.from_coco(value)

    @overload
    def __getitem__(self, place: int) -> Category: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Category]: ...
    def __getitem__(self, place: int | slice) -> Category | Sequence[Category]:
        return self._rows[place]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Category]:
        return iter(self._rows)

    def __contains__(self, category: object) -> bool:
        return category in self._index or category in self._rows

    def __eq__(self, other: object) -> bool:
        return self._rows == other._rows if isinstance(other, Categories) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._rows)

    def __repr__(self) -> str:
        things = sum(row.isthing is True for row in self)
        stuff = sum(row.isthing is False for row in self)
        return f"<Categories: {len(self)} ({things} things, {stuff} stuff)>"

    def index_of(self, category_id: int) -> int:
        """Return the dense index of a category id, or -1 where the table lacks it."""
        return self._index.get(category_id, -1)

    @cached_property
    def lookup(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Category ids in ascending order, and the dense index of each; (C,) int64 both."""
        import numpy as np  # not needed to read a table

        pairs = sorted(self._index.items())
        return np.array([number for number, _ in pairs], np.int64), np.array(
            [place for _, place in pairs], np.int64
        )

    @cached_property
    def things(self) -> frozenset[int]:
        """The ids of the categories that are things."""
        return frozenset(row.id for row in self._rows if row.isthing)

    @cached_property
    def stuff(self) -> frozenset[int]:
        """The ids of the categories that are stuff."""
        return frozenset(row.id for row in self._rows if row.isthing is False)

    @property
    def tells_things(self) -> bool:
        """Whether the table says which categories are things."""
        return all(row.isthing is not None for row in self)


def _category(row: Mapping[str, Any], place: int, untold: bool) -> Category:
    if not isinstance(row, Mapping):
        raise CategoryError(
            code="category-row",
            found=f"categories[{place}] is {row!r}",
            expected='an object such as {"id": 1, "name": "person", "isthing": 1}',
            remedy="write every category as an object",
        )
    number = integral(row.get("id"))
    if number is None or abs(number) >= LARGEST:
        raise CategoryError(
            code="category-id",
            found=f"categories[{place}].id is {row.get('id')!r}",
            expected="an integer" if number is None else f"an integer below {LARGEST}",
            remedy="give every category an integer id",
        )
    isthing = row.get("isthing")
    if not untold and not isinstance(isthing, bool) and integral(isthing) not in (0, 1):
        told = repr(isthing) if "isthing" in row else "missing"
        raise CategoryError(
            code="category-isthing",
            found=f"categories[{place}] (id {number}): isthing is {told}",
            expected="1 for things, 0 for stuff",
            remedy='add "isthing": 1 or "isthing": 0 to the row',
        )
    color = row.get("color")
    parts = [integral(part) for part in color] if isinstance(color, list | tuple) else []
    return Category(
        id=number,
        name=str(row.get("name", number)),
        isthing=None if untold else bool(isthing),
        color=(parts[0], parts[1], parts[2]) if len(parts) == 3 and None not in parts else None,  # type: ignore[arg-type]
    )
