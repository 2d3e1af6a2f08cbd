"""A verdict per expectation. Numbers are compared as decimal fractions, exactly; the tolerance is inclusive."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from pqeval.gate.expectations import COUNTS, EXACT, Expectation, decimals, half_unit, in_points
from pqeval.gate.naming import find
from pqeval.gate.verdicts import Verdict
from pqeval.result import Result

__all__ = ["judge", "judge_warnings", "written"]

FATAL = "categories-misaligned"


def written(number: Decimal) -> str:
    """Write a number in full, without an exponent and without zeros at the end."""
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def judge(expectation: Expectation, result: Result) -> Verdict:
    """Compare what was found with what was expected.

    Parameters
    ----------
    expectation : Expectation
        In points.
    result : Result
        What was found.

    Returns
    -------
    Verdict
        A score that is not available never holds.

    Raises
    ------
    UsageError
        If there is no such score.
    """
    name, value, tolerance = expectation.name, expectation.value, expectation.tolerance
    score, _, note = find(name, result)
    asked = (format(value, "f"), written(tolerance))
    if score is None:
        return Verdict(name, "expect", "not-available", *asked, note=note)
    found = Decimal(score) if name.endswith(COUNTS) else in_points(score)
    difference = EXACT.subtract(found, value)
    holds = abs(Fraction(found) - Fraction(value)) <= Fraction(tolerance) or (
        # What a table shows is rounded from 100 * score, which can be off by one in the sixteenth digit.
        tolerance >= half_unit(value) and f"{100 * score:.{decimals(value)}f}" == asked[0]
    )
    outcome = "holds" if holds else "moved-up" if difference > 0 else "moved-down"
    if not holds and 0 < value <= 1 <= found and abs(100 * value - found) <= 1:
        note = f"expectations are in points: write {written(100 * value)}, not {value}"
    return Verdict(name, "expect", outcome, *asked, written(found), written(difference), score, note)


def judge_warnings(result: Result) -> tuple[Verdict, ...]:
    """Return a verdict, and no good one, for each warning with which no score can be trusted."""
    return tuple(
        Verdict(FATAL, "warning", "warned", note=line) for line in result.warnings if line.startswith(f"[{FATAL}]")
    )
