"""A verdict per group and per class: whether PQ dropped too far below the baseline."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from pqeval.gate.baselines import Limits
from pqeval.gate.expectations import EXACT, in_points
from pqeval.gate.judging import written
from pqeval.gate.verdicts import Verdict
from pqeval.result import Result

__all__ = ["judge_drops"]


def judge_drops(now: Result, base: Result, limits: Limits) -> tuple[Verdict, ...]:
    """Compare PQ of groups and classes with the baseline.

    Parameters
    ----------
    now, base : Result
        Comparable ones.
    limits : Limits
        How far PQ may drop.

    Returns
    -------
    tuple of Verdict
        None for what has a score on neither side. What had a score and has none now never holds, nor what had none
        and is 0 now.
    """
    found = []
    if limits.groups is not None:
        for name, group in now.groups.items():
            label = "PQ" if name == "All" else f"{name}.PQ"
            found.append(_judge_drop(label, group.pq, base.groups[name].pq, limits.groups, "baseline"))
    if limits.classes is not None:
        names = [row.name for row in now.per_class]
        for row, before in zip(now.per_class, base.per_class, strict=True):
            label = str(row.id) if names.count(row.name) > 1 or row.name in now.groups else row.name
            found.append(_judge_drop(f"{label}.PQ", row.pq, before.pq, limits.classes, "class"))
    return tuple(verdict for verdict in found if verdict is not None)


def _judge_drop(name: str, score: float | None, before: float | None, limit: Decimal, kind: str) -> Verdict | None:
    if before is None:
        if score is None:
            return None
        # Without ground truth of its own a class can only have FPs: from n/a to 0 is where it was made up.
        outcome = "improved" if score > 0 else "moved-down"
        points = written(in_points(score))
        return Verdict(
            name, kind, outcome, None, written(limit), points, None, score, "it had none in the baseline"
        )
    old = in_points(before)
    asked = (written(old), written(limit))
    if score is None:
        return Verdict(name, kind, "not-available", *asked, note="it had a score in the baseline")
    found = in_points(score)
    difference = EXACT.subtract(found, old)
    holds = Fraction(old) - Fraction(found) <= Fraction(limit)
    outcome = ("improved" if difference > 0 else "holds") if holds else "moved-down"
    return Verdict(name, kind, outcome, *asked, written(found), written(difference), score)
