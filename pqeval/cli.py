"""The command: parse, evaluate, report, exit code. Heavy imports wait until a command needs them."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

import click

from pqeval._version import __version__
from pqeval.errors import EmptyError, PqevalError, UsageError

__all__ = ["main"]

INTERRUPTED = 130
Command = TypeVar("Command", bound=Callable[..., Any])
OUTPUT = click.Path(dir_okay=False, allow_dash=True)


class _Group(click.Group):
    """Commands whose reader (`| head`) may leave early; click would end with 1, which means a failed check."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except BrokenPipeError:
            # What is still buffered must not be flushed into the closed pipe when Python ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(0)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="pqeval")
def cli() -> None:
    """Panoptic quality, exact and fast.

    Scores go to standard output, progress and warnings to standard error. Exit codes: 0 done, 1 a check failed,
    2 wrong usage, 3 unusable data, 130 interrupted.
    """


def _inputs(command: Command) -> Command:
    """Add the options that say what to read."""
    options = [
        click.option("--gt", required=True, type=click.Path(), help="Ground truth (COCO: the JSON)."),
        click.option("--pred", required=True, type=click.Path(), help="Predictions (COCO: the JSON)."),
        click.option("--format", default="coco", show_default=True, help="See `pqeval formats`."),
        click.option(
            "--gt-folder", type=click.Path(), help="PNGs of the ground truth. [default: JSON without .json]"
        ),
        click.option("--pred-folder", type=click.Path(), help="PNGs of the predictions. [default: likewise]"),
        click.option(
            "--unknown",
            default="error",
            show_default=True,
            metavar="error|void|fp",
            help="What predicted segments are whose category the table lacks.",
        ),
        click.option(
            "--unknown-category",
            "unknown_categories",
            type=int,
            multiple=True,
            metavar="ID",
            help='A category id that means "unknown"; can be repeated.',
        ),
        click.option(
            "--missing",
            default="error",
            show_default=True,
            metavar="error|empty|skip",
            help="What images without prediction are.",
        ),
        click.option("--workers", type=int, help="Images worked on at once. [default: one per core]"),
        click.option(
            "--processes",
            type=int,
            default=1,
            help="Processes started afresh that share the workers. [default: 1]",
        ),
        click.option("--quiet", is_flag=True, help="No progress and no warnings."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@cli.command()
@_inputs
@click.option("--metric", default="pq", show_default=True, help="What to compute.")
@click.option("--convention", default="coco", show_default=True, metavar="coco|panopticapi", help="Whose rules.")
@click.option(
    "--group",
    "groups",
    multiple=True,
    metavar="NAME=ID,ID",
    help="A further group of categories; repeatable.",
)
@click.option("--per-class", is_flag=True, help="Print a row per class.")
@click.option("--json", type=OUTPUT, help="Write the result as JSON; - is standard output.")
@click.option("--csv", type=OUTPUT, help="Write a row per class.")
@click.option("--markdown", type=OUTPUT, help="Write the tables as Markdown.")
@click.option("--per-image", type=OUTPUT, help="Write a row per image as CSV.")
@click.option("--per-segment", type=OUTPUT, help="Write a row per segment as CSV.")
def evaluate(quiet: bool, per_class: bool, groups: tuple[str, ...], **options: Any) -> None:
    """Score predictions: PQ, SQ, RQ over All, Things, Stuff."""
    from pqeval.evaluation import run
    from pqeval.reports import check_targets, write_reports

    targets = {name: options.pop(name) for name in ("json", "csv", "markdown", "per_image", "per_segment")}
    check_targets(targets, (options["gt"], options["pred"]))
    with _progress(quiet) as progress:
        done = run(groups=_groups(groups), progress=progress, **options)
    if not quiet:
        for line in done.result.warnings:
            _say(f"warning: {line}")
    write_reports(done.result, done.ledger, targets)
    if "-" not in targets.values():
        from pqeval.reports.table import draw

        draw(done.result, sys.stdout, per_class=per_class)
    if done.result.pq is None:
        raise EmptyError(
            code="nothing-scored",
            found="there was nothing to average: no class occurs in the ground truth or in the predictions",
            expected="at least one image with a segment",
            remedy="check that the ground truth is the right file, and that its segments are not all crowd",
            file=options["gt"],
        )
    if any(line.startswith("[categories-misaligned]") for line in done.result.warnings):
        sys.exit(1)


@cli.command()
@_inputs
@click.option("--json", "target", type=OUTPUT, help="Write the findings as JSON; - is standard output.")
def validate(quiet: bool, target: str | None, **options: Any) -> None:
    """List everything that is wrong with ground truth and predictions."""
    from pqeval.output import check_target
    from pqeval.validation import validate as check

    if target not in (None, "-"):
        check_target(target)
    with _progress(quiet) as progress:
        found = check(progress=progress, **options)
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


@cli.command()
@click.option(
    "--output",
    default="pqeval-demo",
    show_default=True,
    type=click.Path(file_okay=False),
    help="Where to write.",
)
def demo(output: str) -> None:
    """Draw scenes, spoil predictions in several ways, and score each."""
    from pqeval.demo import run_demo

    if sys.stderr.isatty():
        _tell_compiling(_say)
    run_demo(Path(output), stream=sys.stdout, log=_say)


@cli.command()
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


@cli.command()
@click.argument("name", required=False)
def formats(name: str | None) -> None:
    """List the formats that can be read, or show the files that one expects."""
    from pqeval.formats import room

    if name is not None:
        click.echo(f"{room.get(name).DESCRIPTION}\n\n{room.get(name).LAYOUT}", nl=False)
        return
    for known in room.available():
        click.echo(f"{known:<12}{room.get(known).DESCRIPTION}")


def _groups(texts: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    groups: dict[str, tuple[int, ...]] = {}
    for text in texts:
        name, _, ids = text.partition("=")
        try:
            numbers = tuple(int(number) for number in ids.split(","))
        except ValueError:
            numbers = ()
        if not name or not numbers or name in groups:
            raise UsageError(
                code="group-form",
                found=f"--group {text}" + (", a second group of that name" if name in groups else ""),
                expected="NAME=ID,ID,..., every name once",
                remedy="for example --group Vehicles=3,4,6",
            )
        groups[name] = numbers
    return groups


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
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
        _tell_compiling(lambda line: bar.console.print(line, highlight=False))
        task = bar.add_task("images", total=None)
        yield draw


def _tell_compiling(say: Callable[[str], None]) -> None:
    """Have somebody who waits in front of a terminal told why, the first time."""
    from pqeval.core.compiled import tell_compiling

    tell_compiling(lambda: say("compiling; once for this installation, it can take a minute"))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Run the command and turn what it raises into an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name that the terminal's encoding lacks is no reason to stop.
            stream.reconfigure(errors="backslashreplace")
    try:
        cli.main(standalone_mode=False, prog_name="pqeval")
    except PqevalError as error:
        _say(f"error: {error}")
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(UsageError.exit_code)
    except OSError as error:
        _say(f"error: standard output: cannot write: {error.strerror or error}")
        sys.exit(PqevalError.exit_code)
    except (KeyboardInterrupt, click.Abort):
        _say("interrupted; no file was left half-written")
        sys.exit(INTERRUPTED)
