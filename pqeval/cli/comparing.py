"""``pqeval compare``."""

from __future__ import annotations

import sys
from typing import Any

import click

from pqeval.cli.options import (
    OUTPUT,
    parse_texts,
    reading_several,
    resampling,
    rules,
    running,
    take_resampling,
)
from pqeval.cli.progress import progress_bar, say

__all__ = ["compare"]


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="BASELINE OTHER...", type=click.Path())
@reading_several
@running
@rules
@resampling
@click.option("--name", "names", multiple=True, metavar="NAME", help="What to call each of them; once for each.")
@click.option(
    "--top",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="Classes and images shown; the JSON has all.",
)
@click.option("--json", type=OUTPUT, help="Write the comparison as JSON; - is standard output.")
@click.option("--markdown", type=OUTPUT, help="Write it as Markdown.")
def compare(runs: tuple[str, ...], quiet: bool, top: int, names: tuple[str, ...], **options: Any) -> None:
    """Compare predictions or saved runs with a baseline: by how much, and can it be noise?"""
    from pqeval.comparing import compare as compare_all
    from pqeval.comparison.drawing import draw, markdown
    from pqeval.output import write_texts
    from pqeval.reports import check_targets

    targets = {name: options.pop(name) for name in ("json", "markdown")}
    check_targets(targets, (options["gt"], *runs))
    parse_texts(options)
    settings = {name: value for name, value in take_resampling(options).items() if value is not None}
    with progress_bar(quiet) as progress:
        # Where nobody reads all images, they need not be listed.
        listed = top if targets["json"] is None else None
        found = compare_all(*runs, names=names or None, top=listed, progress=progress, **options, **settings)
    for line in found.warnings:
        say(f"warning: {line}", quiet)
    if not write_texts(targets, {"json": found.to_json, "markdown": lambda: markdown(found, top=top)}):
        draw(found, sys.stdout, top=top)
