"""Leaderboard files: which predictions were published with which numbers, in TOML."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from pqeval.errors import FileError, UsageError
from pqeval.gate._leaderboard_values import SHAPES, is_of, wording
from pqeval.gate.baselines import Limits, read_limit
from pqeval.gate.expectations import expected
from pqeval.gate.nearness import near
from pqeval.gate.plans import OPTIONS, Plan

__all__ = ["SCHEMA", "Leaderboard", "choose", "read_leaderboard"]

SCHEMA = "pqeval.leaderboard/1"
TOP = ("schema", "dataset", "tolerance", "entry")
OWN = ("name", "source", "result", "tolerance", "expect", "baseline", "max_drop", "max_class_drop")
SHARED = tuple(name for name in OPTIONS if name != "pred")
PATHS = ("gt", "pred", "gt_folder", "pred_folder", "result", "baseline", "categories", "images")


@dataclass(frozen=True)
class Leaderboard:
    """A leaderboard file.

    Parameters
    ----------
    file : str
        Where it lies.
    text : str
        All of it.
    dataset : str
        What it is about.
    plans : tuple of Plan
        Its entries.
    places : tuple of dict
        For each entry, where its expectations stand: keys by name.
    numbers : tuple of int
        For each entry, which one of the file it is.
    """

    file: str
    text: str
    dataset: str
    plans: tuple[Plan, ...]
    places: tuple[Mapping[str, tuple[str, ...]], ...]
    numbers: tuple[int, ...]


def read_leaderboard(path: str | os.PathLike[str]) -> Leaderboard:
    """Read a leaderboard file; paths in it are relative to it, numbers keep their digits.

    Raises
    ------
    FileError
        If it cannot be read.
    UsageError
        Naming file, entry and key.
    """
    file = os.fspath(path)
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")  # Windows editors write a mark first
        content = tomllib.loads(text, parse_float=Decimal)
    except OSError as reason:
        raise FileError(
            code="not-readable",
            found=f"cannot read: {reason.strerror}",
            expected="a leaderboard file",
            remedy="check the path",
            file=file,
        ) from reason
    except ValueError as reason:
        raise UsageError(
            code="leaderboard-syntax",
            found=f"not TOML: {reason}",
            expected=f'a leaderboard file, which begins with schema = "{SCHEMA}"',
            remedy="see docs/how-to/ci.md for an example",
            file=file,
        ) from reason
    try:
        return _read(file, text, content)
    except UsageError as error:
        raise error.located(file=file) from None


def _read(file: str, text: str, content: dict[str, Any]) -> Leaderboard:
    if content.get("schema") != SCHEMA:
        raise UsageError(
            code="leaderboard-schema",
            found=f"its schema is {content.get('schema', 'missing')}",
            expected=f'schema = "{SCHEMA}"',
            remedy="write it in the first line",
        )
    _check_keys("the file", content, TOP + SHARED)
    entries = content.get("entry", [])
    names = [entry.get("name") for entry in entries]
    if not entries or any(names.count(name) > 1 for name in names):
        twice = [name for name in names if names.count(name) > 1]
        raise UsageError(
            code="leaderboard-entries",
            found=f"two entries are called {twice[0]!r}" if twice else "there is no [[entry]]",
            expected="an [[entry]] for each prediction, with a name of its own",
            remedy="rename one of them" if twice else "add one with name, pred and [entry.expect]",
        )
    folder = os.path.dirname(file)
    common = _options(folder, content, SHARED)
    plans, places = [], []
    for number, entry in enumerate(entries, start=1):
        label = f"entry {entry['name']!r}" if isinstance(entry.get("name"), str) else f"entry {number}"
        try:
            _check_keys(label, entry, OWN + OPTIONS)
            plan, where = _plan(folder, entry, common, content.get("tolerance"))
        except UsageError as error:
            found = error.found if error.found.startswith(label) else f"{label}: {error.found}"
            raise error.worded(found=found) from None
        plans.append(plan)
        places.append(where)
    dataset = content.get("dataset", "")
    return Leaderboard(file, text, dataset, tuple(plans), tuple(places), tuple(range(len(plans))))


def _check_keys(label: str, table: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key, value in table.items():
        if key not in known:
            raise UsageError(
                code="leaderboard-key",
                found=f"{label} has the key {key}",
                expected=near(key, known, "a key of the list in docs/how-to/ci.md"),
                remedy="check the spelling, and in which table the line stands",
            )
        if not is_of(SHAPES[key], value):
            raise UsageError(
                code="leaderboard-value",
                found=f"{label}: {key} is {value!s:.60}",
                expected=wording(SHAPES[key]),
                remedy="see docs/how-to/ci.md for an example",
            )


def _plan(
    folder: str, entry: dict[str, Any], common: dict[str, Any], tolerance: Any
) -> tuple[Plan, dict[str, tuple[str, ...]]]:
    if "name" not in entry or ("pred" in entry) == ("result" in entry):
        raise UsageError(
            code="leaderboard-lacks",
            found=f"has {', '.join(key for key in ('name', 'pred', 'result') if key in entry) or 'no name'}",
            expected="a name, and either pred or result",
            remedy="name the predictions with pred, or a saved result with result",
        )
    options = _options(folder, entry, OPTIONS)
    numbers = list(_numbers(entry.get("expect", {})))
    values = [(".".join(keys), value) for keys, value in numbers]
    places = {".".join(keys): keys for keys, _ in numbers}
    plan = Plan(
        options=common | options,
        said=tuple(options),
        result=_placed(folder, entry.get("result")),
        expectations=expected(values, entry.get("tolerance", tolerance)),
        baseline=_placed(folder, entry.get("baseline")),
        limits=Limits(*(read_limit(key, entry.get(key)) for key in ("max_drop", "max_class_drop"))),
        name=entry["name"],
        source=entry.get("source", ""),
    )
    plan.refuse_idle()
    return plan, places


def _numbers(table: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the numbers of a table with their keys; ``Things.PQ = 57.7`` is a table in a table to TOML."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _numbers(value, (*above, key))
        else:
            yield (*above, key), value


def _options(folder: str, table: Mapping[str, Any], known: Iterable[str]) -> dict[str, Any]:
    return {key: _placed(folder, table[key], key) if key in PATHS else table[key] for key in known if key in table}


def _placed(folder: str, value: Any, key: str = "") -> Any:
    """Return a path as seen from here; lists of images, URLs and names of built-in tables stay as they are."""
    if not isinstance(value, str) or "://" in value:
        return value
    placed = os.path.join(folder, value)
    return value if key == "categories" and not os.path.exists(placed) else placed


def choose(leaderboard: Leaderboard, only: Iterable[str]) -> Leaderboard:
    """Return a leaderboard with some of its entries, or all where none is named.

    Raises
    ------
    UsageError
        For a name that no entry has.
    """
    wanted = [only] if isinstance(only, str) else list(only)
    names = [plan.name for plan in leaderboard.plans]
    for name in wanted:
        if name not in names:
            raise UsageError(
                code="unknown-entry",
                found=f"no entry is called {name!r}",
                expected=near(name, names, f"one of its {len(names)} entries"),
                remedy="write the name as the file has it",
                file=leaderboard.file,
            )
    if not wanted:
        return leaderboard
    kept = [place for place, name in enumerate(names) if name in wanted]
    return replace(
        leaderboard,
        plans=tuple(leaderboard.plans[place] for place in kept),
        places=tuple(leaderboard.places[place] for place in kept),
        numbers=tuple(leaderboard.numbers[place] for place in kept),
    )
