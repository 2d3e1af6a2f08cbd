"""``pqeval demo`` and ``pqeval selftest``: pqeval on data that it makes itself."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pqeval.cli.progress import say, tell_compiling

__all__ = ["demo", "selftest"]


@click.command()
@click.option(
    "--output",
    default="pqeval-demo",
    show_default=True,
    type=click.Path(file_okay=False),
    help="Where to write.",
)
def demo(output: str) -> None:
    """Draw scenes, let four small networks segment them, and score each."""
    from pqeval.demo import run_demo

    if sys.stderr.isatty():
        tell_compiling(say)
    run_demo(Path(output), stream=sys.stdout, log=say)


@click.command()
def selftest() -> None:
    """Check this installation against counts worked out by hand."""
    from pqeval import selftest as room

    for line in room.environment():
        click.echo(line)
    failed = list(room.failures())
    for line in failed:
        click.echo(f"failed: {line}")
    click.echo(
        f"{len(room.cases())} cases, two conventions: {'all as expected' if not failed else 'NOT as expected'}"
    )
    if failed:
        sys.exit(1)
