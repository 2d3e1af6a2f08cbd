"""``pqeval evaluate`` and ``pqeval validate``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from pqeval.cli.options import (
    OUTPUT,
    parse_texts,
    reading,
    resampling,
    rules,
    running,
    take_resampling,
)
from pqeval.cli.progress import progress_bar, say
from pqeval.errors import PqevalError

if TYPE_CHECKING:
    from pqeval.inputs import Inputs
    from pqeval.run import Run

__all__ = ["evaluate", "scored", "take_inputs", "validate"]


def take_inputs(options: dict[str, Any]) -> Inputs:
    """Take what :class:`pqeval.inputs.Inputs` has out of the options of a command."""
    from pqeval.inputs import INPUTS, Inputs

    parse_texts(options)
    return Inputs(**{name: options.pop(name) for name in INPUTS})


def scored(options: dict[str, Any], quiet: bool) -> Run:
    """Evaluate, or load a saved run, by the options of a command, which are taken out; say what is to be known."""
    from pqeval.inputs import RULES
    from pqeval.reopening import run_of

    inputs = take_inputs(options)
    rules = {name: options.pop(name) for name in RULES}
    with progress_bar(quiet) as progress:
        done = run_of(
            inputs, workers=options.pop("workers"), processes=options.pop("processes"), progress=progress, **rules
        )
    for line in done.result.warnings:
        say(f"warning: {line}", quiet)
    return done


@click.command()
@reading
@running
@rules
@click.option("--ci", is_flag=True, help="Give confidence intervals.")
@resampling
@click.option("--per-class", is_flag=True, help="Print a row per class.")
@click.option("--json", type=OUTPUT, help="Write the result as JSON; - is standard output.")
@click.option("--csv", type=OUTPUT, help="Write a row per class.")
@click.option("--markdown", type=OUTPUT, help="Write the tables as Markdown.")
@click.option("--per-image", type=OUTPUT, help="Write a row per image as CSV.")
@click.option("--per-segment", type=OUTPUT, help="Write a row per segment as CSV.")
@click.option(
    "--slice-by",
    type=click.Path(),
    metavar="FILE.csv",
    help="Score groups of images, too; confidence intervals are of the whole.",
)
@click.option("--save", type=click.Path(dir_okay=False), metavar="RUN.pqe", help="Save the run, to ask it again.")
def evaluate(quiet: bool, per_class: bool, save: str | None, slice_by: str | None, **options: Any) -> None:
    """Score predictions: PQ, SQ, RQ over All, Things, Stuff."""
    from pqeval.confidence import how_asked, with_intervals
    from pqeval.reports import check_targets, write_reports
    from pqeval.scoring import refuse_nothing

    targets = {name: options.pop(name) for name in ("json", "csv", "markdown", "per_image", "per_segment")}
    check_targets(targets | {"save": save}, (options["gt"], options["pred"]))
    asked = take_resampling(options)
    resampling = how_asked(options.pop("ci"), **asked)
    done = scored(options, quiet)
    if resampling is not None:
        known = len(done.result.warnings)
        done = with_intervals(done, resampling, asked["cluster_by"])
        for line in done.result.warnings[known:]:
            say(f"warning: {line}", quiet)
    if slice_by is not None:
        from pqeval.slicing import with_slices

        done = with_slices(done, slice_by)
    if save is not None:
        done.save(save)
    write_reports(done.result, done.ledger, targets)
    if "-" not in targets.values():
        from pqeval.reports.table import draw

        draw(done.result, sys.stdout, per_class=per_class)
    refuse_nothing(done.result)
    if any(line.startswith("[categories-misaligned]") for line in done.result.warnings):
        sys.exit(1)


@click.command()
@reading
@running
@click.option("--json", "target", type=OUTPUT, help="Write the findings as JSON; - is standard output.")
def validate(quiet: bool, target: str | None, **options: Any) -> None:
    """List everything that is wrong with ground truth and predictions."""
    from pqeval.output import check_target
    from pqeval.validation import check

    if target not in (None, "-"):
        check_target(target)
    inputs = take_inputs(options)
    with progress_bar(quiet) as progress:
        found = check(inputs, progress=progress, **options)
    if target == "-":
        sys.stdout.write(found.to_json())
    else:
        for problem in (*found.errors, *(() if quiet else found.warnings)):
            click.echo(f"{problem.severity} [{problem.code}] {problem}")
        click.echo(f"{found.images} images checked: {len(found.errors)} errors, {len(found.warnings)} warnings")
        if target is not None:
            found.to_json(target)
    if found.errors:
        sys.exit(PqevalError.exit_code)
