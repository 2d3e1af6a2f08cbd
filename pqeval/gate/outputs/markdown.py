"""A check as Markdown: for a file, a comment, or the summary of a GitHub job."""

from __future__ import annotations

from pqeval.gate.outputs.wording import HEAD, cells, clean, explained, listed, notes, settings, summary
from pqeval.gate.verdicts import Check, Entry

__all__ = ["markdown"]

FAILED = "**"


def markdown(check: Check) -> str:
    """Return a check as Markdown; see :meth:`Check.to_markdown`."""
    state = "all expectations hold" if check.passed else "**not all expectations hold**"
    parts = [f"# {_plain(check.title or 'pqeval check')}\n", f"{state}: {summary(check)}\n"]
    parts += [_entry(entry) for entry in check.entries]
    return "\n".join(parts)


def _entry(entry: Entry) -> str:
    parts = []
    if entry.name:
        source = f" ({_plain(entry.source)})" if entry.source else ""
        parts.append(f"## {_plain(entry.name)}{source}\n")
    if entry.error is not None:
        parts.append(f"Could not be checked:\n\n```text\n{_fenced(entry.error.text)}\n```\n")
        return "\n".join(parts)
    shown, rest = listed(entry)
    if shown:
        rows: list[tuple[str, ...]] = [HEAD, (":--", "--:", "--:", "--:", "--:", ":--")]
        for verdict in shown:
            *numbers, word = map(_plain, cells(verdict))
            rows.append((*numbers, word if verdict.passed else f"{FAILED}{word}{FAILED}"))
        parts.append("".join(f"| {' | '.join(row)} |\n" for row in rows))
    lines = [*([rest] if rest else []), *notes(entry), settings(entry)]
    parts.append("".join(f"- {_plain(line)}\n" for line in lines))
    lines = explained(entry)
    if lines:
        parts.append("```text\n" + _fenced("\n".join(lines)) + "\n```\n")
    return "\n".join(parts)


def _plain(text: str) -> str:
    """Make a text fit for a cell: what Markdown or HTML would take for its own is spelled out."""
    marks = {mark: f"\\{mark}" for mark in "|*_`[]"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;", "\n": " "}
    return "".join(marks.get(mark, mark) for mark in clean(text).replace("\\", "\\\\"))


def _fenced(text: str) -> str:
    return clean(text).replace("```", "'''")
