"""Category tables of datasets, with what else their files need; made by :mod:`pqeval.tables.make`."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

__all__ = ["names", "read"]


def names() -> list[str]:
    """Return the names of the tables, sorted."""
    folder = resources.files(__name__)
    return sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".json"))


@cache
def read(name: str) -> dict[str, Any]:
    """Return a table as it is stored: ``source``, ``categories``, and the maps of its dataset."""
    text = (resources.files(__name__) / f"{name}.json").read_text(encoding="utf-8")
    content: dict[str, Any] = json.loads(text)
    return content
