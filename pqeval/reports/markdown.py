"""The scores as Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from pqeval.ledger import Ledger
from pqeval.reports._cells import (
    CLASS_HEAD,
    SLICE_HEAD,
    class_rows,
    footer,
    group_head,
    group_rows,
    plain,
    slice_rows,
)
from pqeval.result import Result

__all__ = ["markdown", "render"]


def render(result: Result, ledger: Ledger, stream: TextIO) -> None:
    """Write the groups, what stands under them, and a row per class."""
    stream.write(markdown(result, per_class=True))


def markdown(result: Result, *, per_class: bool = False) -> str:
    """Return the scores as Markdown; see :meth:`Result.to_markdown`."""
    parts = [_table(group_head(result), group_rows(result), left=1)]
    if result.slices:
        parts.append(_table(SLICE_HEAD, slice_rows(result), left=1))
    parts.append("\n".join(f"- {plain(line)}" for line in footer(result)) + "\n")
    if result.warnings:
        parts.append("\n".join(f"- warning: {plain(line)}" for line in result.warnings) + "\n")
    if per_class:
        parts.append(_table(CLASS_HEAD, class_rows(result), left=3))
    return "\n".join(parts)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]], left: int) -> str:
    names = list(head)
    lines = [names, [":--" if place < left else "--:" for place in range(len(names))], *rows]
    return "".join(f"| {' | '.join(map(plain, cells))} |\n" for cells in lines)
