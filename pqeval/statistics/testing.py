"""Whether a difference between two predictions is more than chance: bootstrap, swaps, Holm.

Sources: Davison, Hinkley, "Bootstrap Methods and their Application", 1997, section 4.2 (Monte Carlo p-values: the
data are one of the arrangements); Noreen, "Computer-Intensive Methods for Testing Hypotheses", 1989 (approximate
randomisation); Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
Statistics 6, 1979.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["bootstrap_p", "holm", "least_swap_p", "swap_p"]

Array: TypeAlias = npt.NDArray[np.float64]

TIE = 1e-10
"""Differences that are equal in exact arithmetic differ by less than this, and others do not matter."""


def bootstrap_p(differences: Array) -> float | None:
    """Return the two-sided p-value that the true difference is zero.

    Parameters
    ----------
    differences : (B,) float64
        Of resamples that were the same for both sides; NaN where one side has no score.

    Returns
    -------
    float or None
        ``min(1, 2 min((1 + #{d <= 0}) / (B + 1), (1 + #{d >= 0}) / (B + 1)))`` of those that are numbers.
    """
    kept = differences[~np.isnan(differences)]
    if not len(kept):
        return None
    fewer = min(np.count_nonzero(kept <= TIE), np.count_nonzero(kept >= -TIE))
    return float(min(1.0, 2 * (1 + fewer) / (len(kept) + 1)))


def swap_p(differences: Array, observed: float, exact: bool) -> float | None:
    """Return the p-value that the two sides are exchangeable.

    Parameters
    ----------
    differences : (R,) float64
        Between the two sides after exchanges.
    observed : float
        Without an exchange.
    exact : bool
        Whether all exchanges are among them: then the p-value is their share, else ``(1 + #) / (R + 1)``.

    Returns
    -------
    float or None
        Share of differences as large as the observed one; ``None`` where that does not exist.
    """
    if np.isnan(observed):
        return None
    kept = differences[~np.isnan(differences)]
    reached = np.count_nonzero(np.abs(kept) >= abs(observed) - TIE)
    return float(reached / len(kept)) if exact else float((1 + reached) / (len(kept) + 1))


def least_swap_p(units: int, resamples: int, exact: bool) -> float:
    """Return the smallest p-value that :func:`swap_p` can give: to exchange nothing and all is as far apart."""
    return 2 / 2**units if exact else 1 / (resamples + 1)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjust p-values for their number, by Holm's step-down method; ``None`` is not counted.

    Parameters
    ----------
    p_values : sequence of float or None
        One for each hypothesis.

    Returns
    -------
    list of float or None
        What may be compared with a level that is to hold for all of them together.
    """
    told = sorted((value, place) for place, value in enumerate(p_values) if value is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (value, place) in enumerate(told):
        largest = max(largest, min(1.0, (len(told) - rank) * value))
        adjusted[place] = largest
    return adjusted
