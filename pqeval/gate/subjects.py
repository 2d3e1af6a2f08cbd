"""What is checked: a result, with the run that it is of where there is one."""

from __future__ import annotations

import os
from typing import NamedTuple, TypeAlias

from pqeval.errors import DataError, UsageError
from pqeval.result import Result
from pqeval.run import Run
from pqeval.run_file import is_run
from pqeval.storage import locate

__all__ = ["Saved", "Subject", "is_saved_run", "load", "refuse_other_rules", "refuse_settled"]

Saved: TypeAlias = "str | os.PathLike[str] | Run | Result"


class Subject(NamedTuple):
    """A result, and its run where the images are still known."""

    result: Result
    run: Run | None = None


def is_saved_run(saved: Saved | None) -> bool:
    """Whether this is the file of a saved run."""
    return isinstance(saved, str | os.PathLike) and is_run(locate(saved))


def load(saved: Saved) -> Subject:
    """Take a run or a result, or read the file of either.

    Raises
    ------
    DataError
        If the file is neither.
    """
    if isinstance(saved, Run):
        return Subject(saved.result, saved)
    if isinstance(saved, Result):
        return Subject(saved)
    if is_saved_run(saved):
        run = Run.load(saved)
        return Subject(run.result, run)
    return Subject(Result.from_json(os.fspath(saved)))


def refuse_settled(file: Saved, said: tuple[str, ...]) -> None:
    """Raise where options are given that a saved result has settled already.

    Raises
    ------
    UsageError
        Naming them.
    """
    if said:
        raise UsageError(
            code="run-settled",
            found=f"{_name(file)} is a saved result or run, and {', '.join(said)} given with it",
            expected="nothing that it has settled already",
            remedy="leave it out, or evaluate the predictions anew",
        )


def refuse_other_rules(file: Saved, result: Result, metric: str | None, convention: str | None) -> None:
    """Raise where a saved result was made by other rules than a leaderboard file has for all its entries.

    Raises
    ------
    DataError
        Naming both.
    """
    for kind, wanted, made in (("metric", metric, result.metric), ("convention", convention, result.convention)):
        if wanted is not None and wanted != made:
            raise DataError(
                code="result-rules",
                found=f"made with the {kind} {made}, and the leaderboard file has {wanted}",
                expected=f"a result of the {kind} {wanted}",
                remedy="evaluate the predictions anew",
                file=_name(file),
            )


def _name(saved: Saved) -> str:
    return os.fspath(saved) if isinstance(saved, str | os.PathLike) else "what was given"
