"""``pqeval check``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from pqeval.cli.options import OUTPUT, parse_texts, reading, rules, running
from pqeval.cli.progress import progress_bar, say
from pqeval.errors import FileError, PqevalError, UsageError

if TYPE_CHECKING:
    from pqeval.gate.verdicts import Check

__all__ = ["check"]

SUMMARY = "GITHUB_STEP_SUMMARY"


@click.command()
@click.argument("leaderboard", required=False, type=click.Path(dir_okay=False))
@click.option("--only", multiple=True, metavar="NAME", help="Only this entry of the leaderboard file; repeatable.")
@click.option("--result", type=click.Path(dir_okay=False), help="A saved run or result, instead of --gt, --pred.")
@click.option("--expect", multiple=True, metavar="NAME=POINTS", help="PQ=51.9, Things.PQ=57.7; repeatable.")
@click.option("--tolerance", metavar="POINTS", help="How far off. [default: half a unit in the last digit]")
@click.option("--baseline", type=click.Path(dir_okay=False), help="A saved run or result to compare with.")
@click.option("--max-drop", metavar="POINTS", help="How far PQ of a group may drop below the baseline.")
@click.option("--max-class-drop", metavar="POINTS", help="How far PQ of a class may drop below it.")
@click.option("--update", is_flag=True, help="Rewrite the leaderboard file or the baseline; show the diff.")
@reading
@running
@rules
@click.option("--json", type=OUTPUT, help="Write the verdicts as JSON; - is standard output.")
@click.option("--markdown", type=OUTPUT, help="Write them as Markdown.")
@click.option("--junit", type=OUTPUT, help="Write them as JUnit XML.")
@click.option(
    "--github/--no-github",
    default=None,
    help="Annotations and a summary for GitHub Actions. [default: where GITHUB_ACTIONS is true]",
)
def check(
    leaderboard: str | None,
    only: tuple[str, ...],
    update: bool,
    quiet: bool,
    github: bool | None,
    **options: Any,
) -> None:
    """Check that scores are what they should be: exit 1 where a number moved."""
    from pqeval.gate.outputs.targets import check_targets
    from pqeval.gate.outputs.text import text

    targets = {name: options.pop(name) for name in ("json", "markdown", "junit")}
    inputs = (leaderboard, *(options[name] for name in ("gt", "pred", "result", "baseline")))
    check_targets(targets, inputs)
    if update and any(targets.values()):
        raise UsageError(
            code="update-outputs",
            found="--update together with an output of verdicts",
            expected="one or the other",
            remedy="run the check again after the update",
        )
    if github is None:
        github = os.environ.get("GITHUB_ACTIONS") == "true"
    try:
        parse_texts(options)
        if leaderboard is None:
            done = _single(only, update, quiet, options)
        else:
            done = _leaderboard(leaderboard, only, update, quiet, options)
    except PqevalError as error:
        # A report that is not written looks to a CI system as if nothing had been checked.
        _write(_trouble(error), targets, github)
        raise
    if done is None:
        return
    if not quiet:
        for entry in done.entries:
            for line in entry.warnings:
                say(f"warning: {f'{entry.name}: ' if entry.name else ''}{line}")
    if "-" not in targets.values():
        sys.stdout.write(text(done))
    _write(done, targets, github)
    sys.exit(done.exit_code)


def _leaderboard(
    path: str, only: tuple[str, ...], update: bool, quiet: bool, options: dict[str, Any]
) -> Check | None:
    from pqeval.gating import check_leaderboard, open_leaderboard

    board = open_leaderboard(path, only, options)
    with progress_bar(quiet) as progress:
        done = check_leaderboard(board, progress, options)
    if not update:
        return done
    from pqeval.gate.updating import update_leaderboard

    _show(update_leaderboard(board, done.entries), path, quiet)
    left = [verdict for verdict in done.verdicts if verdict.is_drop and not verdict.passed]
    if left:
        say(
            f"{path}: verdicts against a baseline that still fail: {len(left)}; "
            "a baseline is renewed with `pqeval check --baseline FILE --update`"
        )
        sys.exit(1)
    return None


def _single(only: tuple[str, ...], update: bool, quiet: bool, options: dict[str, Any]) -> Check | None:
    from pqeval.gate.plans import carry_out, subject_of
    from pqeval.gate.verdicts import Check
    from pqeval.gating import plan_of

    if only:
        raise UsageError(
            code="only-alone",
            found="--only without a leaderboard file",
            expected="a leaderboard file with entries to choose from",
            remedy="name the leaderboard file, or leave it out",
        )
    plan = plan_of(**options)
    if not update:
        with progress_bar(quiet) as progress:
            return Check((carry_out(plan, progress),))
    if plan.expectations or plan.baseline is None:
        raise UsageError(
            code="update-nothing",
            found="--update with nothing that could be rewritten" + (": --expect" if plan.expectations else ""),
            expected="a leaderboard file, or --baseline FILE without --expect",
            remedy="write expectations into a leaderboard file",
        )
    from pqeval.gate.updating import update_baseline

    with progress_bar(quiet) as progress:
        subject = subject_of(plan, progress)
    _show(update_baseline(options["baseline"], subject), options["baseline"], quiet)
    return None


def _trouble(error: PqevalError) -> Check:
    from pqeval.gate.verdicts import Check, Entry, Trouble

    return Check((Entry("", error=Trouble.of(error)),))


def _show(diff: str, path: str, quiet: bool) -> None:
    sys.stdout.write(diff)
    if not diff and not quiet:
        say(f"{path}: nothing moved, nothing was rewritten")


def _write(done: Check, targets: dict[str, str | None], github: bool) -> None:
    """Write all outputs; where one of them is standard output, annotations go beside it."""
    from pqeval.gate.outputs.github import error_lines
    from pqeval.gate.outputs.junit import junit
    from pqeval.output import write_texts

    ways = {"json": done.to_json, "markdown": done.to_markdown, "junit": lambda: junit(done)}
    taken = write_texts(targets, ways)
    if github:
        (sys.stderr if taken else sys.stdout).write(error_lines(done))
        summary = os.environ.get(SUMMARY)
        if summary:
            _append(summary, done.to_markdown())


def _append(path: str, text: str) -> None:
    try:
        with open(path, "a", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except OSError as reason:
        raise FileError(
            code="not-writable",
            found=f"cannot write: {reason.strerror}",
            expected=f"a file that may be written, in the environment variable {SUMMARY}",
            remedy="unset the variable, or give --no-github",
            file=path,
        ) from reason
