"""Whether a number is as near to what was written down as it should be: the slow twin, on texts and fractions."""

from __future__ import annotations

from fractions import Fraction


def number(text: str) -> Fraction:
    """Read a decimal number digit by digit."""
    mantissa, _, exponent = text.lower().partition("e")
    sign = -1 if mantissa.startswith("-") else 1
    whole, _, part = mantissa.lstrip("+-").partition(".")
    total = Fraction(0)
    for digit in whole:
        total = total * 10 + int(digit)
    unit = Fraction(1)
    for digit in part:
        unit /= 10
        total += int(digit) * unit
    return sign * total * Fraction(10) ** int(exponent or 0)


def half_unit(text: str) -> Fraction:
    """Return half a unit in the last digit of a number as it is written."""
    return Fraction(1, 2 * 10 ** len(text.partition(".")[2]))


def holds(score: float, expected: str, tolerance: str | None = None) -> bool:
    """Whether 100 times a score, as Python writes that, is near enough, or rounded to what is expected."""
    allowed = half_unit(expected) if tolerance is None else number(tolerance)
    shown = f"{100 * score:.{len(expected.partition('.')[2])}f}"
    near = abs(100 * number(repr(score)) - number(expected)) <= allowed
    return near or (allowed >= half_unit(expected) and shown == expected)


def drop_holds(score: float, before: float, limit: str) -> bool:
    """Whether a score has not dropped too far."""
    return 100 * (number(repr(before)) - number(repr(score))) <= number(limit)
