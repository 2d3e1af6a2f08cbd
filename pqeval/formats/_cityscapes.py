"""What the formats of Cityscapes share: its labels, their two numberings, and what the values of a map mean.

Source: mcordts/cityscapesScripts at 0bcc4a7, ``helpers/labels.py`` and ``preparation/json2instanceImg.py``.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pqeval import tables
from pqeval.categories import Categories
from pqeval.errors import PqevalError
from pqeval.formats._meaning import Meaning, report

__all__ = [
    "KINDS",
    "PER_LABEL",
    "TABLES",
    "Numbering",
    "decode",
    "evaluated",
    "numbering_of",
    "plain",
    "renumber",
    "rows_of",
]

KINDS = ("instanceIds", "instanceTrainIds", "labelIds", "labelTrainIds")
"""What the files of a kind hold; the first one that there is, is read."""

TABLES = {"label": "cityscapes", "train": "cityscapes_train"}
"""The built-in table of each numbering."""

PER_LABEL = 1000
TRAIN_VOID = 255
UNLABELLED = 0
KEYS = {"label": "id", "train": "train_id"}
OTHER = {"label": ("train_id", TRAIN_VOID), "train": ("id", UNLABELLED)}
"""For each numbering, where a label has the other one, and what that calls void."""

Integers = npt.NDArray[np.int64]


class Numbering(NamedTuple):
    """By which ids a table calls the classes.

    Parameters
    ----------
    name : {"label", "train"}
        The one that agrees with more of the rows, label ids if none does.
    sure : bool
        Whether the table is that of Cityscapes, as far as it tells.
    """

    name: str
    sure: bool


class Labels(NamedTuple):
    """The 34 labels that files can have, as columns by label id; and the label of each train id."""

    train: Integers
    thing: npt.NDArray[np.bool_]
    ignored: npt.NDArray[np.bool_]
    of_train: Integers


@cache
def evaluated(numbering: str) -> dict[int, dict[str, Any]]:
    """Return the 19 classes that are scored, by their id in a numbering, in the order of the labels."""
    return {row[KEYS[numbering]]: row for row in tables.read("cityscapes")["labels"] if not row["ignored"]}


@cache
def _labels() -> Labels:
    rows = [row for row in tables.read("cityscapes")["labels"] if row["id"] >= 0]  # license plates are not drawn
    of_train = np.full(PER_LABEL, -1)
    of_train[TRAIN_VOID] = UNLABELLED
    for number, row in evaluated("train").items():
        of_train[number] = row["id"]
    return Labels(
        np.array([row["train_id"] for row in rows]),
        np.array([row["isthing"] for row in rows], bool),
        np.array([row["ignored"] for row in rows], bool),
        of_train,
    )


def rows_of(categories: Categories | Iterable[dict[str, Any]]) -> list[tuple[Any, Any, Any]]:
    """Return id, name and isthing of every row, of a table or of the ``categories`` of a JSON."""
    if isinstance(categories, Categories):
        return [(row.id, row.name, row.isthing) for row in categories]
    return [(row.get("id"), row.get("name", row.get("id")), row.get("isthing")) for row in categories]


def numbering_of(rows: list[tuple[Any, Any, Any]]) -> Numbering:
    """Find the numbering of a table.

    Names decide, since the ids of both numberings overlap. A table without names is judged by its things.

    Parameters
    ----------
    rows : list of (id, name, isthing)
        See :func:`rows_of`.
    """
    named = any(str(name) != str(number) for number, name, _ in rows)
    best = Numbering("label", False), (0, 0)
    for numbering in TABLES:
        known = evaluated(numbering)
        alike = [row for row in rows if _is_number(row[0]) and row[0] in known]
        if named:
            alike = [row for row in alike if plain(row[1]) == known[row[0]]["name"]]
        fitting = [row for row in alike if row[2] is None or bool(row[2]) == bool(known[row[0]]["isthing"])]
        # Other datasets have the names and train ids of Cityscapes and other things (KITTI-STEP).
        enough = 2 * len(alike) > len(rows) if named else len(alike) == len(rows) > 0
        score = len(alike), len(fitting)
        if score > best[1]:
            best = Numbering(numbering, enough and len(fitting) == len(alike)), score
    return best[0]


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def plain(name: Any) -> str:
    """Return a name as the labels write it, whatever stands between its words."""
    return str(name).lower().replace("_", " ").replace("-", " ")


def renumber(source: str, categories: Categories | None) -> partial[Integers] | None:
    """Return what takes category ids from a numbering to that of a table; nothing where they are the same."""
    if categories is None:
        return None
    target = numbering_of(rows_of(categories))
    return partial(_renumbered, source=source) if target.sure and target.name != source else None


def _renumbered(numbers: Integers, *, source: str) -> Integers:
    """What no class has becomes what the other numbering calls void, so that it is nobody's by chance."""
    other, void = OTHER[source]
    known = evaluated(source)
    distinct, places = np.unique(numbers, return_inverse=True)
    new = [known[number][other] if number in known else void for number in distinct.tolist()]
    renumbered: Integers = np.array(new, np.int64)[places.reshape(-1)]
    return renumbered


def decode(
    values: Integers, problems: list[PqevalError], *, kind: str, numbering: str, bare: str, remedy: str
) -> Meaning:
    """See :data:`pqeval.formats._meaning.Decoder`; segment ids are the values that instanceIds files have.

    Parameters
    ----------
    values : (K,) int64
        The distinct values.
    problems : list
        Receives what is wrong with them.
    kind : str
        One of ``KINDS``.
    numbering : {"label", "train"}
        What categories are to be called.
    bare : {"crowd", "segment", "void"}
        What a thing without instance is.
    remedy : str
        What to do about values that have no meaning.
    """
    train, labels = "Train" in kind, _labels()
    alone = values < PER_LABEL
    instance = np.where(alone, 0, values % PER_LABEL)
    number = np.where(alone, values, values // PER_LABEL)
    known = number < len(labels.train)
    label = labels.of_train[number] if train else np.where(known, number, -1)
    report(
        values[label < 0],
        problems,
        code="label-unknown",
        found=f"pixels have the value {{values}}, which is no {'train id' if train else 'label id'}",
        expected=("train ids 0 to 18, or 255" if train else "label ids 0 to 33")
        + ("; for an object 1000 times that, plus its number" if kind.startswith("instance") else ""),
        remedy=remedy,
    )
    label = np.maximum(label, 0)
    thing, ignored = labels.thing[label], labels.ignored[label]
    report(
        values[~alone & ~thing & (label > 0)],
        problems,
        code="stuff-instance",
        found="pixels have the value {values}: an object of a class that has no objects",
        expected=f"objects of things only: {'train ids 11 to 18' if train else 'label ids 24 to 33'}",
        remedy=remedy,
    )
    category = labels.train[label] if numbering == "train" else label
    meaning = Meaning.of(values, category, instance)
    meaning.segment = np.where(alone, label, label * PER_LABEL + instance)
    meaning.void = ignored
    groups = alone & thing & ~ignored
    if bare == "crowd":
        meaning.crowd = groups
    elif bare == "void":
        meaning.void = ignored | groups
    elif kind.startswith("instance"):
        report(
            values[groups],
            problems,
            code="thing-without-instance",
            found="pixels have the value {values}: things without a number; those of a class are one segment",
            expected="1000 times the class, plus the number of the object",
            remedy="number the objects of each class from 0",
            warn=True,
        )
    return meaning
