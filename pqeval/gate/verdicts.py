"""What a check found, as data: a verdict per expectation, an entry per evaluation, and all of it."""

from __future__ import annotations

import os
from typing import Any

import msgspec

from pqeval._version import __version__
from pqeval.errors import PqevalError, UsageError
from pqeval.output import as_json

__all__ = ["Change", "Check", "Entry", "ImageChange", "Trouble", "Verdict"]

PASSED = ("holds", "improved")
Pair = tuple[float | None, float | None]
Counts = tuple[int, int]


class Verdict(msgspec.Struct, frozen=True):
    """Whether one expectation holds.

    Parameters
    ----------
    name : str
        The score: ``PQ``, ``Things.PQ``, ``person.TP``. Of a warning, its code.
    kind : str
        ``"expect"``: a number that was written down. ``"baseline"`` and ``"class"``: PQ of a group or of a class
        that may not drop too far. ``"warning"``: a warning with which no score can be trusted.
    outcome : str
        ``"holds"``, ``"improved"``, ``"moved-up"``, ``"moved-down"``, ``"not-available"``,
        ``"no-such-score"``, ``"warned"``.
    expected, tolerance, found, difference : str or None
        In points, exact, as decimal numbers; counts as they are. ``None`` where there is no number.
    score : float, int or None
        What was found, as the result has it: scores are fractions.
    note : str
        What else is to be said.
    """

    name: str
    kind: str
    outcome: str
    expected: str | None = None
    tolerance: str | None = None
    found: str | None = None
    difference: str | None = None
    score: int | float | None = None
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether it holds."""
        return self.outcome in PASSED

    @property
    def is_drop(self) -> bool:
        """Whether it is about a baseline."""
        return self.kind in ("baseline", "class")


class Change(msgspec.Struct, frozen=True):
    """What became of a class since the baseline; each pair is (baseline, now), scores as fractions."""

    id: int
    name: str
    pq: Pair
    tp: Counts
    fp: Counts
    fn: Counts


class ImageChange(msgspec.Struct, frozen=True):
    """What became of an image since the baseline; each pair is (baseline, now)."""

    image_id: str | int | float | bool | None
    tp: Counts
    fp: Counts
    fn: Counts
    iou_sum: tuple[float, float]


class Trouble(msgspec.Struct, frozen=True):
    """Why there is no verdict."""

    code: str
    text: str
    exit_code: int

    @classmethod
    def of(cls, error: PqevalError) -> Trouble:
        """Return what an error says."""
        return cls(error.code, str(error), error.exit_code)


class Entry(msgspec.Struct, frozen=True):
    """One evaluation, and what was expected of it.

    Parameters
    ----------
    name, source : str
        As the leaderboard file has them.
    verdicts : tuple of Verdict
        In the order of the expectations; those against the baseline follow.
    convention : str
        Whose rules were applied.
    images : dict
        ``evaluated``, ``missing``, ``skipped``.
    warnings : tuple of str
        Those of the result.
    classes : tuple of Change
        Where there is a baseline: the classes that changed most, first.
    changed_images : tuple of ImageChange
        Where both sides are saved runs or evaluated here: the images that changed most, first.
    error : Trouble or None
        Why nothing could be checked.
    inputs, provenance : dict
        As in the result.
    """

    name: str
    source: str = ""
    verdicts: tuple[Verdict, ...] = ()
    convention: str = ""
    images: dict[str, int] = {}
    warnings: tuple[str, ...] = ()
    classes: tuple[Change, ...] = ()
    changed_images: tuple[ImageChange, ...] = ()
    error: Trouble | None = None
    inputs: dict[str, Any] = {}
    provenance: dict[str, Any] = {}

    @property
    def passed(self) -> bool:
        """Whether all of it holds; nothing checked is nothing passed."""
        return self.error is None and bool(self.verdicts) and all(verdict.passed for verdict in self.verdicts)


class Check(msgspec.Struct, frozen=True, tag="pqeval.check/1", tag_field="schema"):
    """What :func:`pqeval.check` found.

    Parameters
    ----------
    entries : tuple of Entry
        One per entry of a leaderboard file; else one.
    title : str
        The dataset, where the leaderboard file names it.
    version : str
        Version of pqeval.
    """

    entries: tuple[Entry, ...]
    title: str = ""
    version: str = __version__

    @property
    def passed(self) -> bool:
        """Whether all of it holds; nothing checked is nothing passed."""
        return bool(self.entries) and all(entry.passed for entry in self.entries)

    @property
    def exit_code(self) -> int:
        """0: all holds, 1: a number moved, 2: there is no such score, 2 or 3: an entry could not be checked."""
        troubles = [entry.error.exit_code for entry in self.entries if entry.error is not None]
        troubles += [UsageError.exit_code for verdict in self.verdicts if verdict.outcome == "no-such-score"]
        return max(troubles, default=0 if self.passed else 1)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The verdicts of all entries."""
        return tuple(verdict for entry in self.entries for verdict in entry.verdicts)

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the check as JSON text, and write it to ``path`` where one is given.

        Parameters
        ----------
        path : path, optional
            File to write, whole or not at all.

        Returns
        -------
        str
            The same bytes for the same check.
        """
        plain: dict[str, Any] = msgspec.to_builtins(self)
        for entry, own in zip(plain["entries"], self.entries, strict=True):
            entry["passed"] = own.passed
        plain |= {"passed": self.passed, "exit_code": self.exit_code}
        return as_json(plain, path)

    def to_markdown(self) -> str:
        """Return the check as Markdown, a table per entry.

        Returns
        -------
        str
        """
        from pqeval.gate.outputs.markdown import markdown

        return markdown(self)
