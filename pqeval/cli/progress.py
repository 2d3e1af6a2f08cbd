"""What somebody in front of a terminal sees while waiting."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

__all__ = ["progress_bar", "say", "tell_compiling"]


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """Yield something to call after each image: a bar on a terminal, nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("images"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    drawn = 0.0

    def draw(done: int, total: int) -> None:
        nonlocal drawn
        bar.update(task, completed=done, total=total)
        if monotonic() - drawn > 0.1 or done == total:
            bar.refresh()
            drawn = monotonic()

    # A bar that draws itself has a thread, and a process with threads is not forked.
    with Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as bar:
        tell_compiling(lambda line: bar.console.print(line, highlight=False))
        task = bar.add_task("images", total=None)
        yield draw


def tell_compiling(say: Callable[[str], None]) -> None:
    """Have somebody who waits in front of a terminal told why, the first time."""
    from pqeval.core.compiled import tell_compiling

    tell_compiling(lambda: say("compiling; once for this installation, it can take a minute"))


def say(line: str, quiet: bool = False) -> None:
    """Write a line to standard error, unless it is to be quiet."""
    if not quiet:
        print(line, file=sys.stderr, flush=True)
