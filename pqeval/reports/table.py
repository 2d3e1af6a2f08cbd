"""The table that a person reads: drawn on a terminal, plain in a pipe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO, TypeAlias

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pqeval.ledger import Ledger
from pqeval.reports._cells import (
    SLICE_HEAD,
    TEXT_COLUMNS,
    class_head,
    class_rows,
    footer,
    group_head,
    group_rows,
    plain,
    slice_rows,
)
from pqeval.result import Result

__all__ = ["Drawn", "console_for", "draw", "draw_tables", "render"]

Drawn: TypeAlias = tuple[Sequence[str], Sequence[tuple[str, ...]]]

PIPE_WIDTH = 100_000
FOLDED = 12  # a name is folded to this width before the table outgrows the terminal


def render(result: Result, ledger: Ledger, stream: TextIO) -> None:
    """Write the groups, and a row per class that occurs."""
    draw(result, stream, per_class=True)


def draw(result: Result, stream: TextIO, *, per_class: bool = False) -> None:
    """Write the scores and what stands under them.

    Parameters
    ----------
    result : Result
        The scores.
    stream : text stream
        Standard output, as a rule.
    per_class : bool
        Add a row per class that occurs.
    """
    tables: list[Drawn] = [(group_head(result), list(group_rows(result)))]
    if per_class:
        tables.insert(0, (class_head(result), list(class_rows(result))))
    if result.slices:
        tables.append((SLICE_HEAD, list(slice_rows(result))))
    draw_tables(tables, stream)
    stream.write("\n")
    for line in footer(result, per_class=per_class):
        stream.write(f"{plain(line)}\n")


def draw_tables(tables: Sequence[Drawn], stream: TextIO) -> None:
    """Write tables one below the other.

    Parameters
    ----------
    tables : sequence of (head, rows)
        Names of the columns, and a cell of text for each of them in every row.
    stream : text stream
        Standard output, as a rule.
    """
    console = console_for(stream)
    room = console.width
    with console.capture() as captured:
        for head, rows in tables:
            console.width = max(room, _least_width(head, rows))
            console.print(_table(console, head, rows))
    # The box of plain tables has an empty line of blanks above and below.
    lines = [line.rstrip() for line in captured.get().splitlines()]
    stream.write("\n".join(lines).strip("\n").replace("\n\n\n", "\n\n") + "\n")


def console_for(stream: TextIO) -> Console:
    """Return a console that draws on a terminal and writes plain text, as wide as need be, elsewhere."""
    console = Console(file=stream, highlight=False)
    if not console.is_terminal:
        console = Console(file=stream, highlight=False, width=PIPE_WIDTH, color_system=None)
    return console


def _table(console: Console, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=box.ROUNDED if console.is_terminal else box.MARKDOWN, header_style="bold")
    for name in head:
        if name in TEXT_COLUMNS:
            table.add_column(name, justify="left", overflow="fold")
        else:
            table.add_column(name, justify="right", no_wrap=True)
    for cells in rows:
        table.add_row(*map(_cell, cells), style="bold" if cells[0] == "All" else None)
    return table


def _least_width(head: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """The width below which rich would cut numbers; names can be folded."""
    width = 1
    for name, *cells in zip(head, *rows, strict=True):
        longest = max(map(len, (name, *cells)))
        width += 3 + (min(longest, FOLDED) if name in TEXT_COLUMNS else longest)
    return width


def _cell(text: str) -> Text:
    """A cell that is shown as it is: names may hold what rich would take for markup, or control characters."""
    return Text(plain(text))
