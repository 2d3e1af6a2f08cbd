"""Confidence intervals from the scores of resamples: percentile, basic, BCa.

Sources: Efron, Tibshirani, "An Introduction to the Bootstrap", 1993, sections 13.3 and 14.3; Davison, Hinkley,
"Bootstrap Methods and their Application", 1997, section 5.2.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pqeval.result import Interval

__all__ = ["interval"]

Array: TypeAlias = npt.NDArray[np.float64]


def interval(
    observed: float,
    replicates: Array,
    *,
    level: float = 0.95,
    method: str = "percentile",
    left_out: Array | None = None,
) -> Interval:
    """Make the interval of one score.

    With no score, or hardly a replicate that has it, there is none. Where all replicates agree it is a point.

    Parameters
    ----------
    observed : float
        Score of the data.
    replicates : (B,) float64
        Scores of the resamples; those that are NaN are dropped, and counted.
    level, method
        See :class:`~pqeval.statistics.resampling.Resampling`.
    left_out : (N,) float64, optional
        Scores with one unit left out, which BCa wants.

    Returns
    -------
    Interval
    """
    kept = replicates[~np.isnan(replicates)]
    dropped = len(replicates) - len(kept)
    if len(kept) < 2 or np.isnan(observed):
        return Interval(None, None, None, dropped)
    tails = np.array([(1 - level) / 2, 1 - (1 - level) / 2])
    if method == "bca":
        assert left_out is not None
        tails = _corrected(tails, kept, observed, left_out)
    low, high = (float(end) for end in np.quantile(kept, tails))
    if method == "basic":
        low, high = float(2 * observed - high), float(2 * observed - low)
    # The mean of equal numbers is rounded, and their spread would not be zero.
    spread = 0.0 if kept.min() == kept.max() else float(np.std(kept, ddof=1))
    return Interval(low, high, spread, dropped)


def _corrected(tails: Array, samples: Array, observed: float, left_out: Array) -> Array:
    """Return where BCa reads the distribution, given where the percentile interval does."""
    from scipy.special import ndtr, ndtri

    count = len(samples)
    below = np.count_nonzero(samples < observed) + np.count_nonzero(samples == observed) / 2
    # A score outside of all its resamples would be corrected infinitely.
    bias = ndtri(np.clip(below / count, 0.5 / count, 1 - 0.5 / count))
    kept = left_out[~np.isnan(left_out)]
    deviation = kept.mean() - kept if len(kept) else np.zeros(1)
    # What is left of equal numbers after their mean is rounding, whose skew means nothing.
    deviation = np.where(np.abs(deviation) > 1e-14 * max(abs(observed), 1e-300), deviation, 0.0)
    squares = float((deviation**2).sum())
    acceleration = float((deviation**3).sum()) / (6 * squares**1.5) if squares > 0 else 0.0
    shifted = bias + ndtri(tails)
    shrink = 1 - acceleration * shifted
    # Where the formula has its pole and beyond, the limit is the end of the distribution.
    moved = np.divide(shifted, shrink, out=np.copysign(np.inf, shifted), where=shrink > 0)
    corrected: Array = ndtr(bias + moved)
    return corrected
