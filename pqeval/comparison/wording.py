"""Is it noise? The answer as one sentence, with the numbers that it rests on."""

from __future__ import annotations

from pqeval.comparison.outcome import Delta

__all__ = ["chance", "percent", "sentence", "signed", "verdict_of"]

ENDS = {
    "noise": "this can be noise",
    "difference": "this is hardly noise",
    "undecided": "with {} the test cannot get below {}, so it cannot decide",
    "unclear": "interval and test disagree, so do not count on it",
}


def verdict_of(delta: Delta, level: float, units: int, changed: int, least_p: float = 0.0) -> str:
    """Judge a difference; the words are those of :class:`~pqeval.comparison.outcome.Pair`.

    ``least_p`` is the smallest p-value that the test can give.
    """
    if delta.difference is None:
        return "untold"
    if changed == 0:
        return "equal"
    if units < 2 or delta.low is None or delta.high is None or delta.p_swap is None:
        return "untold"
    outside = not delta.low <= 0 <= delta.high
    unlikely = delta.p_swap < 1 - level
    if outside and least_p >= 1 - level:
        return "undecided"
    return {(True, True): "difference", (False, False): "noise"}.get((outside, unlikely), "unclear")


def sentence(
    names: tuple[str, str],
    delta: Delta,
    verdict: str,
    *,
    level: float,
    units: str,
    few: bool,
    limit: tuple[str, float] = ("", 0.0),
) -> str:
    """Say how far apart two predictions are, and whether that can be noise.

    Parameters
    ----------
    names : tuple of str
        The baseline and the other.
    delta : Delta
        Of PQ (All).
    verdict : str
        What it was judged to be.
    level : float
        Confidence level of the interval.
    units : str
        What was drawn, with its number: ``"24 images"``.
    few : bool
        Whether these are too few for a good interval.
    limit : (str, float)
        What keeps the p-value of the test from being smaller, and the smallest that it can be.

    Returns
    -------
    str
    """
    baseline, other = names
    if delta.difference is None:
        lacking = baseline if delta.baseline is None else other
        return f"{other} cannot be compared with {baseline}: {lacking} has no PQ."
    if verdict == "equal":
        return f"{other} and {baseline} score the same, image by image: PQ {100 * (delta.other or 0):.1f}."
    apart = f"{other} {_amount(delta.difference)} {baseline}"
    if verdict == "untold":
        return f"{apart}; {units} cannot tell whether this is noise."
    low, high = signed(delta.low, plus=False), signed(delta.high, plus=False)
    interval = f"{percent(level)} interval of the difference {low} to {high}"
    what, least = limit
    end = ENDS[verdict].format(what, chance(least).removeprefix("= "))
    text = f"{apart}; {interval}, swap test p {chance(delta.p_swap)}: {end}."
    return f"{text} With {units} the interval is rough." if few else text


def _amount(difference: float) -> str:
    if not difference:
        return "has the PQ of"
    where = "above" if difference > 0 else "below"
    for digits in (1, 2, 3):
        amount = f"{abs(100 * difference):.{digits}f}"
        if float(amount):
            return f"is {amount} PQ {where}"
    return f"is less than 0.001 PQ {where}"


def signed(difference: float | None, digits: int = 1, *, plus: bool = True) -> str:
    """Write a difference in points, with its sign; zero has none."""
    if difference is None:
        return "n/a"
    text = f"{100 * difference:+.{digits}f}" if plus else f"{100 * difference:.{digits}f}"
    return text if float(text) else f"{0:.{digits}f}"


def percent(level: float) -> str:
    """Write a confidence level: 95 %."""
    return f"{100 * level:.6g} %"


def chance(p: float | None) -> str:
    """Write a p-value, with its sign of relation: ``= 0.12``, ``< 0.001``."""
    if p is None:
        return "n/a"
    if p < 0.001:
        return "< 0.001"
    return f"= {p:.2f}" if p >= 0.1 else f"= {p:.3f}"
