"""``pqeval diagnose``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from pqeval.cli.options import OUTPUT, reading, rules, running
from pqeval.cli.scoring import scored
from pqeval.errors import UsageError

__all__ = ["diagnose"]


@click.command()
@reading
@running
@rules
@click.option("--top", type=click.IntRange(min=0), default=10, show_default=True, help="Rows of long tables.")
@click.option(
    "--areas",
    default="1024,9216",
    show_default=True,
    metavar="N,N",
    help="Areas in pixels where one size of segments ends and the next begins.",
)
@click.option("--json", type=OUTPUT, help="Write the diagnosis as JSON; - is standard output.")
@click.option("--markdown", type=OUTPUT, help="Write it as Markdown.")
@click.option(
    "--figures", type=click.Path(file_okay=False), metavar="DIR", help="Write figures as PNGs; wants matplotlib."
)
def diagnose(
    quiet: bool, top: int, areas: str, json: str | None, markdown: str | None, figures: str | None, **options: Any
) -> None:
    """Say where the lost PQ went: which errors, classes, images; and what repairing them would gain."""
    from pqeval.diagnosing import diagnosis_of
    from pqeval.diagnosis.drawing import draw
    from pqeval.diagnosis.drawing import markdown as as_markdown
    from pqeval.figures import need_matplotlib, write_figures
    from pqeval.output import write_texts
    from pqeval.reports import check_targets
    from pqeval.scoring import refuse_nothing

    targets = {"json": json, "markdown": markdown}
    check_targets(targets, (options["gt"], options["pred"]))
    limits = _numbers(areas)
    if figures is not None:
        need_matplotlib()
    run = scored(options, quiet)
    refuse_nothing(run.result)
    found = diagnosis_of(run, top=max(top, 20), areas=limits)
    taken = write_texts(targets, {"json": found.to_json, "markdown": lambda: as_markdown(found, top=top)})
    if figures is not None:
        write_figures(found, Path(figures))
    if not taken:
        draw(found, sys.stdout, top=top)


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(number) for number in text.split(","))
    except ValueError:
        raise UsageError(
            code="area-limits",
            found=f"--areas {text}",
            expected="ascending numbers of pixels above 0",
            remedy="for example --areas 1024,9216",
        ) from None
