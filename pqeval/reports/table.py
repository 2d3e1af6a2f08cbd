"""The table that a person reads: drawn on a terminal, plain in a pipe."""

from __future__ import annotations

from typing import TextIO

from rich import box
from rich.console import Console
from rich.table import Table

from pqeval.ledger import Ledger
from pqeval.reports._cells import CLASS_HEAD, GROUP_HEAD, class_rows, footer, group_rows
from pqeval.result import Result

__all__ = ["draw", "render"]

TEXT_COLUMNS = ("", "class", "kind")
PIPE_WIDTH = 200


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
    console = console_for(stream)
    with console.capture() as captured:
        if per_class:
            classes = table_for(console, CLASS_HEAD)
            for cells in class_rows(result):
                classes.add_row(*cells)
            console.print(classes)
        groups = table_for(console, GROUP_HEAD)
        for place, cells in enumerate(group_rows(result)):
            groups.add_row(*cells, style="bold" if place == 0 else None)
        console.print(groups)
    # The box of plain tables has an empty line of blanks above and below.
    lines = [line.rstrip() for line in captured.get().splitlines()]
    stream.write("\n".join(lines).strip("\n").replace("\n\n\n", "\n\n") + "\n\n")
    for line in footer(result):
        stream.write(f"{line}\n")


def console_for(stream: TextIO) -> Console:
    """Return a console that draws on a terminal and writes plain text elsewhere."""
    console = Console(file=stream, highlight=False)
    if not console.is_terminal:
        console = Console(file=stream, highlight=False, width=PIPE_WIDTH, color_system=None)
    return console


def table_for(console: Console, head: tuple[str, ...]) -> Table:
    """Return an empty table in the style of the console; names are left-, numbers right-aligned."""
    table = Table(box=box.ROUNDED if console.is_terminal else box.MARKDOWN, header_style="bold")
    for name in head:
        table.add_column(name, justify="left" if name in TEXT_COLUMNS else "right", no_wrap=True)
    return table
