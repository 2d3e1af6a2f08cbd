"""What is to be evaluated and what is expected of it, before anything is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pqeval.errors import PqevalError, UsageError
from pqeval.gate.baselines import Limits, refuse_incomparable
from pqeval.gate.changes import class_changes, image_changes
from pqeval.gate.drops import judge_drops
from pqeval.gate.expectations import Expectation
from pqeval.gate.judging import judge, judge_warnings
from pqeval.gate.subjects import (
    Saved,
    Subject,
    is_saved_run,
    load,
    refuse_other_rules,
    refuse_settled,
)
from pqeval.gate.verdicts import Change, Entry, ImageChange, Trouble, Verdict
from pqeval.inputs import INPUTS, RULES, Inputs
from pqeval.reopening import run_of
from pqeval.result import Result
from pqeval.scoring import refuse_nothing

__all__ = ["OPTIONS", "Plan", "Progress", "attempt", "carry_out", "subject_of"]

Progress = Callable[[int, int], None]

RUNNING = ("workers", "processes")
OPTIONS = (*INPUTS, *RULES, *RUNNING)
"""What :func:`pqeval.evaluate` can be told about an evaluation, by name."""


NONE = Limits()


@dataclass(frozen=True)
class Plan:
    """One evaluation, and what is expected of it.

    Parameters
    ----------
    options : mapping of str to object
        Those of :data:`OPTIONS` that were given.
    said : tuple of str
        Which of them were given for this evaluation, and not for all of a leaderboard file.
    result : path, Run or Result, optional
        What was saved, instead of predictions.
    expectations : tuple of Expectation
        Numbers that were written down.
    baseline : path, Run or Result, optional
        Another evaluation of the same ground truth.
    limits : Limits
        How far PQ may drop below it.
    name, source : str
        As the leaderboard file has them.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    said: tuple[str, ...] = ()
    result: Saved | None = None
    expectations: tuple[Expectation, ...] = ()
    baseline: Saved | None = None
    limits: Limits = NONE
    name: str = ""
    source: str = ""

    def refuse_idle(self) -> None:
        """Raise where nothing would be checked, or where limits have nothing to hold on to.

        Raises
        ------
        UsageError
            Saying what lacks.
        """
        limited = self.limits != NONE
        if limited and self.baseline is None:
            raise UsageError(
                code="no-baseline",
                found="a limit for drops, and no baseline",
                expected="a baseline that scores may drop from",
                remedy="give --baseline FILE: a saved run, or a result that --json wrote",
            )
        if not self.expectations and not limited:
            raise UsageError(
                code="nothing-to-check",
                found="there is nothing to check" + (": a baseline without a limit" if self.baseline else ""),
                expected="expectations, or a baseline with a limit",
                remedy="give --expect PQ=51.9, or --baseline FILE --max-drop 0.3, or a leaderboard file",
            )


def subject_of(plan: Plan, progress: Progress | None = None) -> Subject:
    """Evaluate, or read what was saved.

    Raises
    ------
    PqevalError
        If that cannot be done, or if nothing was evaluated.
    """
    pred = plan.options.get("pred")
    saved = pred if plan.result is None and is_saved_run(pred) else plan.result
    if saved is None:
        rules = {name: plan.options[name] for name in RULES + RUNNING if name in plan.options}
        inputs = Inputs(**{name: plan.options[name] for name in INPUTS if name in plan.options})
        run = run_of(inputs, progress=progress, **rules)
        subject = Subject(run.result, run)
    else:
        told = (name for name in plan.said if name not in RUNNING)
        refuse_settled(saved, tuple(name for name in told if name != "pred" or plan.result is not None))
        subject = load(saved)
        refuse_other_rules(saved, subject.result, plan.options.get("metric"), plan.options.get("convention"))
    refuse_nothing(subject.result)
    return subject


def carry_out(plan: Plan, progress: Progress | None = None) -> Entry:
    """Evaluate and judge.

    Raises
    ------
    PqevalError
        If that cannot be done.
    """
    plan.refuse_idle()
    base = None if plan.baseline is None else load(plan.baseline)
    now = subject_of(plan, progress)
    result = now.result
    verdicts = tuple(_judged(expectation, result) for expectation in plan.expectations)
    classes: tuple[Change, ...] = ()
    images: tuple[ImageChange, ...] = ()
    if base is not None:
        refuse_incomparable(now, base, plan.baseline if isinstance(plan.baseline, str) else None)
        verdicts += judge_drops(result, base.result, plan.limits)
        classes = class_changes(result, base.result)
        if now.run is not None and base.run is not None:
            images = image_changes(now.run, base.run)
    return Entry(
        name=plan.name,
        source=plan.source,
        verdicts=verdicts + judge_warnings(result),
        convention=result.convention,
        images=dict(result.images),
        warnings=result.warnings,
        classes=classes,
        changed_images=images,
        inputs=result.inputs,
        provenance=result.provenance,
    )


def _judged(expectation: Expectation, result: Result) -> Verdict:
    """Judge; a name that no score of these data has hides no other expectation."""
    try:
        return judge(expectation, result)
    except UsageError as error:
        said = f"{error.found}; {error.expected}; {error.remedy}"
        return Verdict(expectation.name, "expect", "no-such-score", format(expectation.value, "f"), note=said)


def attempt(plan: Plan, progress: Progress | None = None) -> Entry:
    """Evaluate and judge; where that cannot be done, the entry says why."""
    try:
        return carry_out(plan, progress)
    except PqevalError as error:
        return Entry(plan.name, plan.source, error=Trouble.of(error))
