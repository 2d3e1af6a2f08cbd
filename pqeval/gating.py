"""Wiring: a leaderboard file, or one evaluation with its expectations, to a check."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from pqeval.errors import UsageError
from pqeval.gate.baselines import Limits, read_limit
from pqeval.gate.expectations import expected
from pqeval.gate.leaderboard import Leaderboard, choose, read_leaderboard
from pqeval.gate.nearness import near
from pqeval.gate.plans import OPTIONS, RUNNING, Plan, Progress, attempt, carry_out
from pqeval.gate.subjects import Saved
from pqeval.gate.verdicts import Check
from pqeval.inputs import said

__all__ = ["check", "check_leaderboard", "open_leaderboard", "plan_of"]


def check(
    leaderboard: str | os.PathLike[str] | None = None,
    *,
    only: str | Iterable[str] = (),
    result: Saved | None = None,
    expect: Mapping[str, Any] | Iterable[str] = (),
    tolerance: Any = None,
    baseline: Saved | None = None,
    max_drop: Any = None,
    max_class_drop: Any = None,
    progress: Progress | None = None,
    **options: Any,
) -> Check:
    """Check that scores are what they should be.

    Parameters
    ----------
    leaderboard : path, optional
        A leaderboard file; nothing but ``only``, ``workers``, ``processes`` and ``progress`` goes with it.
    only : str or iterable of str
        Check only these entries of it.
    result : path, Run or Result, optional
        What was saved, instead of predictions.
    expect : mapping of str to number, or iterable of str
        Scores by name, in points: ``{"PQ": "51.9", "Things.PQ": 57.7, "person.TP": 340}``. Texts keep their
        digits.
    tolerance : number, optional
        How far off they may be, inclusive. By default half a unit in the last digit as written, and nothing for
        counts.
    baseline : path, Run or Result, optional
        Another evaluation of the same ground truth.
    max_drop, max_class_drop : number, optional
        How many points PQ may drop below the baseline: that of each group, and that of each class.
    progress : callable, optional
        Called as ``progress(done, total)`` after every image.
    **options
        What to evaluate and how, as for :func:`pqeval.evaluate`: ``gt``, ``pred``, ``convention`` and so on.

    Returns
    -------
    Check
        With ``passed``, ``exit_code``, ``verdicts``, ``entries``, ``to_json`` and ``to_markdown``. An entry of a
        leaderboard file that cannot be evaluated has its ``error``, and hides no other.

    Raises
    ------
    UsageError
        For options and scores that do not exist, and where there is nothing to check.
    DataError
        If the data of a single check cannot be scored, or are not comparable with the baseline.

    Notes
    -----
    What is compared is the score as a result file has it, times 100, as a decimal number, without rounding. A
    number that was copied from a table, to any number of digits, holds.

    Examples
    --------
    >>> import numpy as np, pqeval
    >>> metric = pqeval.PanopticQuality([{"id": 1, "name": "cat", "isthing": 1}])
    >>> segments = [{"id": 1, "category_id": 1}]
    >>> metric.update(gt=(np.array([[1, 1, 1]]), segments), pred=(np.array([[1, 1, 0]]), segments), image_id=7)
    >>> found = pqeval.check(result=metric.compute(), expect={"PQ": "66.7", "cat.TP": 2})
    >>> found.passed, [(verdict.name, verdict.outcome) for verdict in found.verdicts]
    (False, [('PQ', 'holds'), ('cat.TP', 'moved-down')])
    """
    if leaderboard is not None:
        single = {
            "result": result,
            "expect": expect,
            "tolerance": tolerance,
            "baseline": baseline,
            "max_drop": max_drop,
            "max_class_drop": max_class_drop,
        }
        board = open_leaderboard(leaderboard, only, single | options)
        return check_leaderboard(board, progress, options)
    if only:
        raise UsageError(
            code="only-alone",
            found="only without a leaderboard file",
            expected="a leaderboard file with entries to choose from",
            remedy="name the leaderboard file, or leave it out",
        )
    plan = plan_of(
        result=result,
        expect=expect,
        tolerance=tolerance,
        baseline=baseline,
        max_drop=max_drop,
        max_class_drop=max_class_drop,
        **options,
    )
    return Check((carry_out(plan, progress),))


def plan_of(
    *,
    result: Saved | None = None,
    expect: Mapping[str, Any] | Iterable[str] = (),
    tolerance: Any = None,
    baseline: Saved | None = None,
    max_drop: Any = None,
    max_class_drop: Any = None,
    **options: Any,
) -> Plan:
    """Make the plan of a single check; parameters as for :func:`check`.

    Raises
    ------
    UsageError
        For options that do not exist, and numbers that are none.
    """
    for name in options:
        if name not in OPTIONS:
            raise UsageError(
                code="check-option",
                found=f"check has no option {name}",
                expected=near(name, OPTIONS, "an option of pqeval.evaluate"),
                remedy="check the spelling",
            )
    given = {name: options[name] for name in said(options)}
    return Plan(
        options=given,
        said=tuple(given),
        result=result,
        expectations=expected(expect, tolerance),
        baseline=baseline,
        limits=Limits(read_limit("max_drop", max_drop), read_limit("max_class_drop", max_class_drop)),
    )


def open_leaderboard(
    path: str | os.PathLike[str], only: str | Iterable[str], beside: Mapping[str, Any]
) -> Leaderboard:
    """Read a leaderboard file and choose its entries.

    Raises
    ------
    PqevalError
        If the file is wrong.
    UsageError
        If something was said beside it that belongs into it.
    """
    told = [name for name in said(beside) if name not in RUNNING]
    if told:
        raise UsageError(
            code="leaderboard-beside",
            found=f"{', '.join(told)} beside a leaderboard file",
            expected="options and expectations in the file",
            remedy="write them into it, for all entries or for one",
            file=os.fspath(path),
        )
    return choose(read_leaderboard(path), only)


def check_leaderboard(
    leaderboard: Leaderboard, progress: Progress | None = None, options: Mapping[str, Any] | None = None
) -> Check:
    """Check all entries; one that cannot be evaluated hides no other.

    Parameters
    ----------
    leaderboard : Leaderboard
        The file.
    progress : callable, optional
        Called as ``progress(done, total)`` after every image.
    options : mapping, optional
        ``workers`` and ``processes`` go before what the file says; others are not looked at.

    Returns
    -------
    Check
    """
    told = options or {}
    running = {name: told[name] for name in said(told) if name in RUNNING}
    plans = (replace(plan, options={**plan.options, **running}) for plan in leaderboard.plans)
    return Check(tuple(attempt(plan, progress) for plan in plans), leaderboard.dataset)
