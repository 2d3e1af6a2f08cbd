"""Thresholds in as few digits as tell what lies below them."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Context, Decimal

__all__ = ["between"]

DIGITS = 17
"""As many tell any two floats apart."""


def between(below: float, up_to: float) -> str:
    """Write the decimal number with the fewest digits that is above one float and not above another.

    Parameters
    ----------
    below, up_to : float
        The first is less than the second, and may be minus infinity.

    Returns
    -------
    str
        Where several have as few digits, the largest. Read as a float it lies in the interval, too.
    """
    # What ``repr`` writes stands for the float: 0.3 is below its own name, and rounding down would give 0.2.
    exact = Decimal(repr(up_to))
    for digits in range(1, DIGITS):
        # A number is rounded to its neighbour float by its name alone, so it is the float that is asked.
        number = float(Context(prec=digits, rounding=ROUND_FLOOR).plus(exact))
        if number > below:
            return _plain(number)
    return _plain(up_to)


def _plain(number: float) -> str:
    return repr(number + 0.0).removesuffix(".0")  # minus zero is zero
