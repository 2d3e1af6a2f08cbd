"""A check for GitHub Actions: annotations, which are lines of a certain form on standard output.

Source: GitHub docs, "Workflow commands for GitHub Actions"; what has to be escaped is what the toolkit of GitHub
escapes (actions/toolkit, packages/core/src/command.ts).
"""

from __future__ import annotations

from pqeval.gate.outputs.wording import clean, explained, sentence, title_of
from pqeval.gate.verdicts import Check

__all__ = ["error_lines"]

IN_TEXT = {"%": "%25", "\r": "%0D", "\n": "%0A"}
IN_PROPERTY = {**IN_TEXT, ":": "%3A", ",": "%2C"}


def error_lines(check: Check) -> str:
    """Return a line per expectation that does not hold, and per entry that could not be checked.

    Parameters
    ----------
    check : Check
        What was found.

    Returns
    -------
    str
        Empty where all holds.
    """
    lines = []
    for entry in check.entries:
        prefix = f"{entry.name}: " if entry.name else ""
        if entry.error is not None:
            lines.append(_error(f"{prefix}could not be checked", entry.error.text))
        why = explained(entry)
        for verdict in entry.verdicts:
            if not verdict.passed:
                title = f"{prefix}{title_of(verdict)} does not hold"
                lines.append(_error(title, "\n".join([sentence(verdict), *why])))
                why = []  # once for an entry
    return "".join(f"{line}\n" for line in lines)


def _error(title: str, text: str) -> str:
    return f"::error title={_escaped(clean(title), IN_PROPERTY)}::{_escaped(clean(text), IN_TEXT)}"


def _escaped(text: str, marks: dict[str, str]) -> str:
    return "".join(marks.get(mark, mark) for mark in text)
