"""From a name to the score that it means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pqeval.errors import UsageError
from pqeval.gate.expectations import COUNTS, SCORES
from pqeval.gate.nearness import near
from pqeval.result import ClassScore, Result

__all__ = ["Found", "find"]


class Found(NamedTuple):
    """A score that was asked for.

    Parameters
    ----------
    value : float, int or None
        A fraction, or a count; ``None`` where there is nothing.
    members : tuple of ClassScore
        The classes it is made of.
    note : str
        What else the name could have meant.
    """

    value: float | None
    members: tuple[ClassScore, ...]
    note: str


def find(name: str, result: Result) -> Found:
    """Look a score up: ``PQ`` of All, ``GROUP.PQ``, ``CLASS.PQ`` or ``CLASS.TP``, the class by name or id.

    Parameters
    ----------
    name : str
        Ends in PQ, SQ, RQ, TP, FP or FN.
    result : Result
        Where to look.

    Returns
    -------
    Found
        A group goes before a class of its name; the note says so.

    Raises
    ------
    UsageError
        If there is no such score, or more than one.
    """
    subject, _, measure = name.rpartition(".")
    subject = subject or "All"
    rows = [row for row in result.per_class if subject in (row.name, str(row.id))]
    if subject in result.groups and (measure in SCORES or not rows):
        if measure in COUNTS:
            raise UsageError(
                code="unknown-score",
                found=f"{name}: groups have no {measure}",
                expected="counts of classes",
                remedy="name the class, by its name or its id",
            )
        note = ""
        if rows and "." in name:
            note = f"{subject} is the group; the class of that name is {rows[0].id}.{measure}"
        return Found(getattr(result.groups[subject], measure.lower()), _members(subject, result), note)
    if len(rows) > 1:
        raise UsageError(
            code="ambiguous-score",
            found=f"{name} is ambiguous: {' and '.join(f'id {row.id} ({row.name})' for row in rows)}",
            expected="a name that one class has",
            remedy="write the id of the class, unless that is the name of another",
        )
    if not rows:
        raise UsageError(
            code="unknown-score",
            found=f"no group and no class is called {subject!r}",
            expected=near(subject, _subjects(result), "a group, or the name or id of a class"),
            remedy="see `pqeval evaluate --per-class` for the names",
        )
    return Found(getattr(rows[0], measure.lower()), (rows[0],), "")


def _subjects(result: Result) -> Iterator[str]:
    yield from result.groups
    yield from (row.name for row in result.per_class)


def _members(group: str, result: Result) -> tuple[ClassScore, ...]:
    kinds = {"Things": True, "Stuff": False}
    own = result.inputs.get("groups", {})
    if group in own:
        return tuple(row for row in result.per_class if row.id in own[group])
    return tuple(row for row in result.per_class if group not in kinds or row.isthing is kinds[group])
