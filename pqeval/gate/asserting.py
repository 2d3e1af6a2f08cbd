"""Assertions about one evaluation, for tests: they say which classes and which images are to blame."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from pqeval.errors import PqevalError, UsageError
from pqeval.gate.baselines import Limits, read_limit, refuse_incomparable
from pqeval.gate.changes import class_changes, image_changes, worst_classes, worst_images
from pqeval.gate.drops import judge_drops
from pqeval.gate.expectations import SCORES, Expectation, expect
from pqeval.gate.judging import judge, judge_warnings, written
from pqeval.gate.naming import find
from pqeval.gate.outputs.wording import cells, explained, sentence
from pqeval.gate.subjects import Saved, Subject, load
from pqeval.gate.verdicts import Entry, Verdict
from pqeval.result import Result
from pqeval.run import Run

__all__ = ["Moved", "Scored", "briefly", "require"]

Asked = ParamSpec("Asked")
Given = TypeVar("Given")


class Moved(AssertionError):
    """An expectation of a leaderboard file that does not hold."""


def briefly(function: Callable[Asked, Given]) -> Callable[Asked, Given]:
    """Let errors begin at the line of the test: nobody wants to read pages of pqeval's own lines."""

    @functools.wraps(function)
    def brief(*args: Asked.args, **kwargs: Asked.kwargs) -> Given:
        __tracebackhide__ = True
        try:
            return function(*args, **kwargs)
        except (AssertionError, PqevalError) as error:
            raise error.with_traceback(None) from None

    return brief


def require(entry: Entry, name: str | None) -> None:
    """Raise where an expectation of an entry does not hold, or one against its baseline.

    Warnings with which no score can be trusted belong to all of them.

    Parameters
    ----------
    entry : Entry
        What was found.
    name : str or None
        The score; ``None`` for all that was compared with the baseline.

    Raises
    ------
    Moved
        Saying which classes and which images moved.
    """
    if entry.error is not None:
        raise Moved(f"could not be checked: {entry.error.text}")
    own = [verdict for verdict in entry.verdicts if (None if verdict.is_drop else verdict.name) == name]
    own += [verdict for verdict in entry.verdicts if verdict.kind == "warning"]
    said = [sentence(verdict) for verdict in own if not verdict.passed]
    if said:
        source = [f"source: {entry.source}"] if entry.source else []
        raise Moved("\n".join([*said, *explained(entry), *source]))


class Scored:
    """An evaluation that can be asserted about.

    Parameters
    ----------
    subject : Subject
        A result, with its run where there is one.

    Raises
    ------
    AssertionError
        By every method, where something does not hold; the methods return the object itself otherwise.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    @property
    def result(self) -> Result:
        """The scores."""
        return self._subject.result

    @property
    def run(self) -> Run | None:
        """The run, where there is one."""
        return self._subject.run

    @briefly
    def at_least(self, **scores: Any) -> Scored:
        """Assert that scores are so high: ``at_least(PQ=51.5, **{"Things.PQ": 57})``, in points, inclusive."""
        made = [expect(name, value, 0) for name, value in scores.items()]
        for expectation in made:
            if expectation.name.endswith(SCORES) and 0 < expectation.value <= 1:
                raise UsageError(
                    code="points",
                    found=f"{expectation.name} at least {expectation.value}",
                    expected="points, which go from 0 to 100",
                    remedy=f"write {written(100 * expectation.value)}",
                )
        return self._held(made, lambda verdict: verdict.passed or verdict.outcome == "moved-up", "at least")

    @briefly
    def equals(self, tolerance: Any = None, **scores: Any) -> Scored:
        """Assert what scores are: ``equals(PQ=51.9)``; the tolerance is half a unit in the last digit."""
        made = [expect(name, value, tolerance) for name, value in scores.items()]
        return self._held(made, lambda verdict: verdict.passed, "")

    @briefly
    def no_worse_than(self, baseline: Saved | Scored, by: Any = 0, classes_by: Any = None) -> Scored:
        """Assert that PQ of no group drops by more than ``by`` points, and of no class by ``classes_by``.

        Raises
        ------
        DataError
            If the two are not comparable.
        """
        base = baseline._subject if isinstance(baseline, Scored) else load(baseline)
        now = self._subject
        refuse_incomparable(now, base)
        limits = Limits(read_limit("by", by), read_limit("classes_by", classes_by))
        if limits == Limits():
            raise _nothing("a limit for groups or for classes", "for example by=0.3")
        verdicts = judge_drops(now.result, base.result, limits) + judge_warnings(now.result)
        if all(verdict.passed for verdict in verdicts):
            return self
        both = now.run is not None and base.run is not None
        images = image_changes(now.run, base.run) if both else ()  # type: ignore[arg-type]
        entry = Entry("", verdicts=verdicts, classes=class_changes(now.result, base.result), changed_images=images)
        said = [sentence(verdict) for verdict in verdicts if not verdict.passed]
        raise AssertionError("\n".join([*said, *explained(entry)]))

    def _held(self, made: list[Expectation], holds: Any, relation: str) -> Scored:
        if not made:
            raise _nothing("scores by name", "for example PQ=51.9")
        verdicts = [judge(expectation, self.result) for expectation in made]
        failed = [verdict for verdict in verdicts if not holds(verdict)]
        said = [_line(verdict, relation) for verdict in failed]
        said += [sentence(verdict) for verdict in judge_warnings(self.result)]
        if said:
            low = [verdict for verdict in failed if verdict.outcome != "moved-up"]
            blame = self._blame(low[0]) if low else []
            raise AssertionError("\n".join([*said, *blame]))
        return self

    def _blame(self, verdict: Verdict) -> list[str]:
        """Say which classes and images keep a score low."""
        members = find(verdict.name, self.result).members
        lines = []
        if len(members) > 1:
            lines.append("lowest classes:")
            lines += [
                f"  {row.name} (id {row.id}): PQ {100 * (row.pq or 0):.1f}; TP {row.tp}, FP {row.fp}, FN {row.fn}"
                for row in worst_classes(members)
            ]
        if self.run is not None:
            images = worst_images(self.run, members)
            lines += ["images that lose most:"] if images else []
            lines += [
                f"  {image_id!r}: TP {counts.tp}, FP {counts.fp}, FN {counts.fn}, sum of IoU {counts.iou_sum:.2f}"
                for image_id, counts in images
            ]
        return lines


def _nothing(expected: str, remedy: str) -> UsageError:
    return UsageError(code="nothing-to-check", found="there is nothing to check", expected=expected, remedy=remedy)


def _line(verdict: Verdict, relation: str) -> str:
    if not relation:
        return sentence(verdict)
    return f"{verdict.name} is {cells(verdict)[2]}, expected {relation} {verdict.expected}"
