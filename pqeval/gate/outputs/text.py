"""What a person reads: a table per entry, plain, wherever it is printed."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from pqeval.gate.outputs.wording import HEAD, cells, clean, explained, listed, notes, settings, summary
from pqeval.gate.verdicts import Check, Entry

__all__ = ["text"]

LEFT = ("score", "verdict")


def text(check: Check) -> str:
    """Return a check as text.

    Parameters
    ----------
    check : Check
        What was found.

    Returns
    -------
    str
        Ends with how many expectations hold.
    """
    parts = [f"{_line(check.title)}\n"] if check.title else []
    parts += [_entry(entry) for entry in check.entries]
    return "\n".join([*parts, f"{summary(check)}\n"])


def _entry(entry: Entry) -> str:
    lines = []
    if entry.name:
        state = "CANNOT BE CHECKED" if entry.error is not None else "holds" if entry.passed else "MOVED"
        lines.append(f"{_line(entry.name)}: {state}" + (f" ({_line(entry.source)})" if entry.source else ""))
    if entry.error is not None:
        lines += [f"  {line}" for line in clean(entry.error.text).splitlines()]
        return "\n".join(lines) + "\n"
    shown, rest = listed(entry)
    if shown:
        lines += _table([HEAD, *(tuple(map(_cell, cells(verdict))) for verdict in shown)])
    lines += [rest] if rest else []
    lines += [clean(line) for line in notes(entry)]
    lines += explained(entry)
    lines.append(settings(entry))
    return "\n".join(lines) + "\n"


def _line(content: str) -> str:
    return clean(content).replace("\n", "\\n")


def _cell(content: str) -> str:
    return _line(content).replace("|", "\\|")


def _table(rows: Iterable[tuple[str, ...]]) -> list[str]:
    columns = list(zip(*rows, strict=True))
    padded = []
    for column in columns:
        width = max(map(_width, column))
        blanks = [" " * (width - _width(content)) for content in column]
        left = column[0] in LEFT
        full = [f"{c}{b}" if left else f"{b}{c}" for c, b in zip(column, blanks, strict=True)]
        padded.append([full[0], "-" * width, *full[1:]])
    rule = 1
    return [
        f"|-{'-|-'.join(row)}-|" if place == rule else f"| {' | '.join(row)} |"
        for place, row in enumerate(zip(*padded, strict=True))
    ]


def _width(content: str) -> int:
    return sum(2 if unicodedata.east_asian_width(mark) in "WF" else 1 for mark in content)
