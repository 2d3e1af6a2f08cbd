"""Resamples of images: the bootstrap, leaving one out, and exchanging two models image by image.

Sources: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 6, 11 and 15; for the exchange,
Yeh, "More accurate tests for the statistical significance of result differences", COLING 2000.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pqeval.errors import UsageError
from pqeval.statistics.units import Units

__all__ = ["METHODS", "Resampling", "bootstrap", "draws", "jackknife", "swaps"]

Array: TypeAlias = npt.NDArray[np.float64]
Draws: TypeAlias = Iterable[npt.NDArray[np.int64]]

METHODS = ("percentile", "basic", "bca")
LEAST = 100
BLOCK, CELLS = 512, 2**21  # resamples at a time, and numbers in a block of them, which bounds the memory


@dataclass(frozen=True)
class Resampling:
    """How to resample, and what to make of it.

    Parameters
    ----------
    method : {"percentile", "basic", "bca"}
        Which interval.
    level : float
        Confidence level, between 0 and 1.
    resamples : int
        How many, 100 or more.
    seed : int
        What the random numbers begin with, 0 or more.
    fixed_classes : bool
        Average the classes of all images in every resample, as 0 where it lacks one; by default a resample
        averages the classes that it has.

    Raises
    ------
    UsageError
        For anything else.
    """

    method: str = "percentile"
    level: float = 0.95
    resamples: int = 10_000
    seed: int = 0
    fixed_classes: bool = False

    def __post_init__(self) -> None:
        number = isinstance(self.level, int | float) and isfinite(self.level)
        faults = (
            (self.method not in METHODS, "the method is", self.method, f"one of: {', '.join(METHODS)}"),
            (
                not number or not 0 < self.level < 1,
                "the level is",
                self.level,
                "a number between 0 and 1, such as 0.95",
            ),
            (not _whole(self.resamples, LEAST), "the number of resamples is", self.resamples, f"{LEAST} or more"),
            (not _whole(self.seed, 0), "the seed is", self.seed, "a whole number, 0 or more"),
        )
        for wrong, what, value, expected in faults:
            if wrong:
                raise UsageError(
                    code="resampling",
                    found=f"{what} {value!r}",
                    expected=expected,
                    remedy="leave it out for the default",
                )


def _whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _blocks(total: int, width: int) -> Iterator[tuple[int, int]]:
    """Cut a number of resamples, or of anything else, into parts (start, size)."""
    block = max(1, min(BLOCK, CELLS // max(width, 1)))
    for start in range(0, total, block):
        yield start, min(block, total - start)


def draws(units: int, resamples: int, seed: int) -> Iterator[npt.NDArray[np.int64]]:
    """Yield which units each resample draws, (b, N) int64, some resamples at a time.

    Taken together they are ``Generator(PCG64(seed)).integers(0, N, size=(resamples, N))``.
    """
    random = np.random.Generator(np.random.PCG64(seed))
    # Blocks of 64-bit integers continue one stream; those of 8 or 16 bits would not, and CELLS would decide.
    for _, size in _blocks(resamples, units):
        yield random.integers(0, units, size=(size, units))


def bootstrap(several: Sequence[Units], resampling: Resampling, drawn: Draws | None = None) -> list[Array]:
    """Score resamples, the same ones for all.

    Parameters
    ----------
    several : sequence of Units
        Of one or more runs on the same images.
    resampling : Resampling
        How many, and from which seed.
    drawn : iterable of (b, N) int64, optional
        Which units to draw instead.

    Returns
    -------
    list of (B, M) float64
        Scores of each of ``several``; NaN where a resample has none.
    """
    count = len(several[0])
    found: list[list[Array]] = [[] for _ in several]
    for block in draws(count, resampling.resamples, resampling.seed) if drawn is None else drawn:
        places = block + np.arange(len(block))[:, None] * count
        times = np.bincount(places.ravel(), minlength=block.size).reshape(block.shape).astype(np.float64)
        for units, scores in zip(several, found, strict=True):
            scores.append(units.scores(times @ units.rows, fixed_classes=resampling.fixed_classes))
    return [np.concatenate(scores) for scores in found]


def jackknife(units: Units, *, fixed_classes: bool = False, instead: Units | None = None) -> Array:
    """Score all units but one, for each of them, or with that of ``instead`` in its place; (N, M) float64."""
    total = units.rows.sum(axis=0)
    change = -units.rows if instead is None else instead.rows - units.rows
    blocks = [
        units.scores(total + change[start : start + size], fixed_classes=fixed_classes)
        for start, size in _blocks(len(units), units.rows.shape[1])
    ]
    return np.concatenate(blocks)


def swaps(one: Units, two: Units, resampling: Resampling) -> tuple[Array, bool]:
    """Exchange two runs in some of the images, and take the difference.

    Where there are no more ways to exchange than resamples, each is taken once.

    Parameters
    ----------
    one, two : Units
        Of two runs on the same images, aligned.
    resampling : Resampling
        How many, and from which seed.

    Returns
    -------
    differences : (R, M) float64
        Score of the second less that of the first.
    exact : bool
        Whether these are all ways.
    """
    count = len(one)
    exact = count < 60 and 2**count <= resampling.resamples
    change, first, second = two.rows - one.rows, one.rows.sum(axis=0), two.rows.sum(axis=0)
    found = []
    for block in _all_swaps(count) if exact else _random_swaps(count, resampling):
        moved = block @ change
        scores = (
            units.scores(sums, fixed_classes=resampling.fixed_classes)
            for units, sums in ((one, first + moved), (two, second - moved))
        )
        before, after = scores
        found.append(after - before)
    return np.concatenate(found), exact


def _all_swaps(count: int) -> Iterator[Array]:
    for start, size in _blocks(2**count, count):
        ways = np.arange(start, start + size)
        yield ((ways[:, None] >> np.arange(count)) & 1).astype(np.float64)


def _random_swaps(count: int, resampling: Resampling) -> Iterator[Array]:
    random = np.random.Generator(np.random.PCG64(resampling.seed))
    for _, size in _blocks(resampling.resamples, count):
        yield random.integers(0, 2, size=(size, count)).astype(np.float64)
