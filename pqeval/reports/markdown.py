"""The scores as Markdown."""

from __future__ import annotations

from typing import TextIO

from pqeval.ledger import Ledger
from pqeval.reports._cells import (
    SLICE_HEAD,
    class_head,
    class_rows,
    escaped,
    footer,
    group_head,
    group_rows,
    marked,
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
    parts = [marked(group_head(result), group_rows(result))]
    if result.slices:
        parts.append(marked(SLICE_HEAD, slice_rows(result)))
    parts.append("".join(f"- {escaped(plain(line))}\n" for line in footer(result, per_class=per_class)))
    if result.warnings:
        parts.append("\n".join(f"- warning: {plain(line)}" for line in result.warnings) + "\n")
    if per_class:
        head = class_head(result)
        parts.append(marked(head, class_rows(result), left=head[:3]))
    return "\n".join(parts)
