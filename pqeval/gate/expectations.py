"""Expectations: a score by name, a number as somebody wrote it, and how far off it may be. In points: PQ 51.9."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from numbers import Integral, Rational, Real
from typing import Any

from pqeval.errors import UsageError
from pqeval.gate.nearness import near

__all__ = [
    "COUNTS",
    "EXACT",
    "SCORES",
    "Expectation",
    "decimal",
    "decimals",
    "expect",
    "expected",
    "half_unit",
    "in_points",
    "parse",
]

SCORES = ("PQ", "SQ", "RQ")
COUNTS = ("TP", "FP", "FN")
EXACT = Context(prec=1200)
"""More digits than the difference of any two scores has."""
MOST_DIGITS = 400  # on either side of the point; no score has more
PLAIN = re.compile(r"[0-9]+(\.[0-9]*)?|\.[0-9]+")


@dataclass(frozen=True)
class Expectation:
    """What one score should be.

    Parameters
    ----------
    name : str
        ``PQ``, ``Things.PQ``, ``person.TP``.
    value : Decimal
        In points, with the digits it was written with.
    tolerance : Decimal
        How far off it may be, inclusive.
    """

    name: str
    value: Decimal
    tolerance: Decimal


def in_points(score: float) -> Decimal:
    """Return a score times 100, as a decimal number.

    A score that reads 0.5185 in a file is 51.85, and not the binary fraction next to it.
    """
    return Decimal(repr(float(score))).scaleb(2)


def half_unit(value: Decimal) -> Decimal:
    """Return half a unit in the last digit as written: 0.05 for 51.9, 0.005 for 51.90, 0.5 for 52."""
    return Decimal(5).scaleb(-decimals(value) - 1)


def decimals(value: Decimal) -> int:
    """Return how many digits a number has behind the point."""
    return max(0, -int(value.as_tuple().exponent))


def decimal(value: Any) -> Decimal | None:
    """Read a plain text, or a number of Python or NumPy, with its digits; ``None`` for anything else."""
    match value:
        case bool():
            return None
        case str():
            number = Decimal(value) if PLAIN.fullmatch(value) else None
        case Decimal():
            number = value
        case Integral():
            number = Decimal(int(value))
        case float():
            number = Decimal(repr(float(value)))
        case Real() if not isinstance(value, Rational):
            number = Decimal(str(value))  # the digits of a float32, and not those of the double next to it
        case _:
            number = None
    return number if number is not None and number.is_finite() and number >= 0 and _is_short(number) else None


def _is_short(number: Decimal) -> bool:
    """Whether a number can be written and subtracted in full; a text can have any number of digits."""
    return number.as_tuple().exponent >= -MOST_DIGITS and number.adjusted() <= MOST_DIGITS  # type: ignore[operator]


def expect(name: str, value: Any, tolerance: Any = None) -> Expectation:
    """Make an expectation.

    Parameters
    ----------
    name : str
        The score.
    value : str, int, float or Decimal
        What it should be, in points.
    tolerance : str, int, float or Decimal, optional
        By default half a unit in the last digit of ``value``; counts have to be exact.

    Raises
    ------
    UsageError
        For what is no number, and for a name that no score has.
    """
    measure = name.rpartition(".")[2]
    if measure not in SCORES + COUNTS:
        raise UsageError(
            code="unknown-score",
            found=f"no score is called {name!r}",
            expected=near(measure, SCORES + COUNTS, "PQ, SQ, RQ, TP, FP or FN at the end"),
            remedy="write PQ, Things.PQ, person.PQ or person.TP, for example",
        )
    number, allowed = decimal(value), None if tolerance is None else decimal(tolerance)
    if number is None or (measure in COUNTS and number != number.to_integral_value()):
        raise UsageError(
            code="expected-number",
            found=f"{name} should be {value!s:.60}",
            expected="a whole number" if measure in COUNTS else "a number of points, such as 51.9",
            remedy="write it as it was published",
        )
    if tolerance is not None and allowed is None:
        raise UsageError(
            code="tolerance",
            found=f"the tolerance is {tolerance!s:.60}",
            expected="a number of points, such as 0.05",
            remedy="leave it out, and it is half a unit in the last digit of what is expected",
        )
    if allowed is None:
        allowed = Decimal(0) if measure in COUNTS else half_unit(number)
    return Expectation(name, number, allowed)


def expected(
    values: Mapping[str, Any] | Iterable[str | tuple[str, Any]], tolerance: Any = None
) -> tuple[Expectation, ...]:
    """Make expectations of names with points, or of texts NAME=POINTS.

    Raises
    ------
    UsageError
        As :func:`expect`, and for a text of another form, or a name that comes twice.
    """
    listed = values.items() if isinstance(values, Mapping) else values
    pairs = [each if isinstance(each, tuple) else parse(each) for each in listed]
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(
                code="expected-twice",
                found=f"{name} is expected twice",
                expected="every score once",
                remedy="leave one of them out",
            )
    return tuple(expect(name, value, tolerance) for name, value in pairs)


def parse(text: str) -> tuple[str, str]:
    """Read NAME=POINTS; the name of a class may have an equals sign in it.

    Raises
    ------
    UsageError
        For another form.
    """
    name, equals, value = str(text).rpartition("=")
    if not name or not equals:
        raise UsageError(
            code="expected-form",
            found=f"--expect {text}",
            expected="NAME=POINTS",
            remedy="for example --expect PQ=51.9 or --expect Things.PQ=57.7",
        )
    return name.strip(), value.strip()
