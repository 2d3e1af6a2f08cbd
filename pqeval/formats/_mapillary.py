"""The labels of Mapillary Vistas: their order, which are scored, and which ids they have in a table.

A value of ``labels/`` or ``instances/`` names a label by its place in ``labels`` of the config that lies at the
root of the dataset. The tables of pqeval have that order; a config at hand goes before them.

Sources: the layout and the configs that the dataset ships; facebookresearch/Mask2Former,
``mask2former/data/datasets/register_mapillary_vistas_panoptic.py`` at 9b0651c (names and ids of v1.2).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pqeval import tables
from pqeval.categories import Categories
from pqeval.errors import CategoryError, JsonError
from pqeval.formats._json import read_json
from pqeval.storage import File, Folder

__all__ = ["TABLES", "VOID", "Config", "Label", "builtin_labels", "configs", "ids_in", "own_table"]

TABLES = {"v1.2": "mapillary_v12", "v2.0": "mapillary_v20"}
VOID = -1

CONFIG = re.compile(r"config[^/]*\.json")
LABEL_COUNTS = {66: "v1.2", 124: "v2.0"}


@dataclass(frozen=True)
class Label:
    """A label; its place in the list is its value.

    Parameters
    ----------
    id : int
        Its category id in the panoptic JSON: place + 1.
    name, readable : str
        As ``object--vehicle--car`` and as ``Car``.
    isthing, ignored : bool
        ``instances`` and not ``evaluate`` of the config.
    color : sequence of int, optional
        Red, green, blue.
    """

    id: int
    name: str
    readable: str
    isthing: bool
    ignored: bool
    color: Sequence[int] | None = None


@dataclass(frozen=True)
class Config:
    """A config of the dataset; ``version`` is ``None`` where it does not tell."""

    version: str | None
    labels: list[Label]


def builtin_labels(version: str) -> list[Label]:
    """Return the labels of v1.2 or v2.0 by the tables of pqeval."""
    table = tables.read(TABLES[version])
    scored = {row["id"]: row for row in table["categories"]}
    labels = []
    for row in table["labels"]:
        known = scored.get(row["id"], {"name": row["name"], "isthing": 0})
        labels.append(
            Label(
                row["id"],
                row["name"],
                known["name"],
                bool(known["isthing"]),
                bool(row["ignored"]),
                known.get("color"),
            )
        )
    if version == "v1.2":  # its table has the categories of the panoptic JSON, which lack the last label
        labels.append(Label(len(labels) + 1, "void--unlabeled", "Unlabeled", False, True))
    return labels


def configs(folder: Folder) -> list[Config]:
    """Read the configs at the root of a folder; other files of such a name have no ``labels``.

    Raises
    ------
    FileError, JsonError
        If one cannot be read.
    """
    files = [File(folder, name) for name in folder.names() if CONFIG.fullmatch(name)]
    found = [(file, read_json(file)) for file in files]
    return [_config(file, content) for file, content in found if isinstance(content, dict) and "labels" in content]


def _config(file: File, content: dict[str, Any]) -> Config:
    rows = content["labels"]
    if not isinstance(rows, list) or not rows:
        raise _no_config(file, f"labels is {rows!r:.60}")
    labels = [_label(file, row, place) for place, row in enumerate(rows)]
    stated = str(content.get("version", "")).lstrip("v")[:1]
    version = {"1": "v1.2", "2": "v2.0"}.get(stated) or LABEL_COUNTS.get(len(labels))
    return Config(version, labels)


def _label(file: File, row: Any, place: int) -> Label:
    given = row if isinstance(row, dict) else {}
    name, isthing, scored = (given.get(key) for key in ("name", "instances", "evaluate"))
    if not isinstance(name, str) or not isinstance(isthing, bool) or not isinstance(scored, bool):
        raise _no_config(file, f"labels[{place}] is {row!r:.60}")
    return Label(place + 1, name, str(given.get("readable", name)), isthing, not scored, given.get("color"))


def _no_config(file: File, found: str) -> JsonError:
    return JsonError(
        code="vistas-config",
        found=f"cannot be used as a config of Mapillary Vistas: {found}",
        expected="labels, each with name, instances (true or false) and evaluate (true or false)",
        remedy="take the config that the dataset ships, or remove the file: pqeval knows v1.2 and v2.0 without it",
        file=str(file),
    )


def own_table(labels: Sequence[Label]) -> Categories:
    """Return the categories that are scored by default."""
    rows: list[dict[str, Any]] = [
        {"id": label.id, "name": label.readable, "isthing": label.isthing, "color": label.color}
        for label in labels
        if not label.ignored
    ]
    return Categories.from_coco(rows)


def ids_in(table: Categories, labels: Sequence[Label], file: str) -> npt.NDArray[np.int64]:
    """Find out which category of a table each label is.

    By name, since tables of the same labels in another order are in use; a table without these names has to use
    the ids of the panoptic JSON.

    Returns
    -------
    (L,) int64
        ``VOID`` for labels that are not scored; an id that is not in the table for those that it lacks.

    Raises
    ------
    CategoryError
        If the table has neither names nor ids of these labels.
    """
    known = {row.id: row.name for row in table}
    named = {row.name: row.id for row in table}
    ids = [
        label.id
        if known.get(label.id) in (label.readable, label.name)  # names need not be unique
        else named.get(label.readable, named.get(label.name))
        for label in labels
    ]
    if all(found is None for found in ids):
        if not known.keys() <= {label.id for label in labels}:
            raise CategoryError(
                code="vistas-table",
                found="the category table has neither the names nor the ids of these labels",
                expected="names such as Car or object--vehicle--car, or ids that are the place in the config + 1",
                remedy="name the categories as the dataset does",
                file=file,
            )
        ids = [label.id if label.id in known else None for label in labels]
    others = [VOID if label.ignored else label.id + (label.id in known) * (max(known) + 1) for label in labels]
    return np.array([other if found is None else found for found, other in zip(ids, others, strict=True)])
