"""A score as a function of summed statistics of images, which is what resampling needs.

A resample draws some images several times and others not at all. Whatever a convention averages, its scores are a
function of sums over images: of TP, FP, FN and IoU per class where counts are pooled, of the scores of images and
of how many have one where images are averaged. So every image is a row of numbers, a resample is a weighted sum of
rows, and the scores of thousands of resamples are one matrix product and some divisions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pqeval.averaging import Averaging
from pqeval.ledger import Column, FrameLedger, Outcome, Side
from pqeval.metrics._images import NOTHING, Scored, binary_image, image_by_class, mean_scored, memberships
from pqeval.run import Run

__all__ = ["MEASURES", "Units", "aligned", "units_of"]

Array: TypeAlias = npt.NDArray[np.float64]

MEASURES = ("pq", "sq", "rq")
BINARY = ("Binary",)


@dataclass(frozen=True, eq=False)
class Units:
    """What is drawn, and how sums of it become scores.

    Parameters
    ----------
    rows : (N, K) float64
        Statistics of each unit. Each is a multiple of a power of two so large that no sum of N rows is rounded:
        then neither the order of additions nor the number of threads can change a bit of a score.
    names : tuple of (str, str, str)
        Of each score ``("group", "All", "pq")`` or ``("class", "17", "pq")``: what, whose, which.
    score : callable
        Sums, (B, K), and whether a class has to be averaged though it lacks, (C,) bool, to scores, (B, M) float64;
        NaN where there is none.
    present : (C,) bool
        The classes that all units together have.
    unit : str
        What a unit is: ``"image"``, or what clusters are called.
    """

    rows: Array
    names: tuple[tuple[str, str, str], ...]
    score: Callable[[Array, npt.NDArray[np.bool_]], Array]
    present: npt.NDArray[np.bool_]
    unit: str = "image"

    def __len__(self) -> int:
        return len(self.rows)

    def clustered(self, unit: str, labels: Sequence[str]) -> Units:
        """Join the units of each label to one, in the order of the labels."""
        names, place = np.unique(np.array(labels, dtype=object).astype(str), return_inverse=True)
        rows = np.zeros((len(names), self.rows.shape[1]))
        np.add.at(rows, place, self.rows)
        return replace(self, rows=_quantised(rows), unit=unit)

    def observed(self, *, fixed_classes: bool = False) -> Array:
        """Return the scores of all units together, (M,)."""
        scores: Array = self.scores(self.rows.sum(axis=0)[None], fixed_classes=fixed_classes)[0]
        return scores

    def scores(self, sums: Array, *, fixed_classes: bool = False) -> Array:
        """Return the scores of sums, (B, K) to (B, M).

        Parameters
        ----------
        sums : (B, K) float64
            Sums of rows.
        fixed_classes : bool
            Average a class that all units together have also where a sum lacks it, as 0.
        """
        kept = self.present if fixed_classes else np.zeros_like(self.present)
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.score(sums, kept)


def units_of(run: Run) -> Units:
    """Make every image of a run a unit.

    Parameters
    ----------
    run : Run
        The run.

    Returns
    -------
    Units
        Its ``scores`` of the sum of all rows are those of the result.
    """
    members = memberships(run.result.per_class, run.groups)
    over = _averaged if run.policy.averaging.over == "images" else _pooled
    return over(
        run.frames(),
        run.policy.averaging,
        {name: np.array(chosen, bool) for name, chosen in members.items()},
        [str(row.id) for row in run.categories],
    )


def aligned(several: Sequence[Units]) -> list[Units]:
    """Round all to multiples of one power of two, so that sums of differences between them are exact, too."""
    most = max(float(np.abs(units.rows).max(initial=0.0)) for units in several)
    return [replace(units, rows=_quantised(units.rows, most)) for units in several]


def _quantised(rows: Array, most: float | None = None) -> Array:
    """Round to multiples of a power of two, so that no sum of as many rows as there are is rounded."""
    largest = (float(np.abs(rows).max(initial=0.0)) if most is None else most) * max(len(rows), 1)
    step = 2.0 ** (math.ceil(math.log2(largest)) - 51) if largest > 0 else 1.0
    whole = rows / step
    np.round(whole, out=whole)
    whole *= step
    return whole


def _names(groups: Sequence[str], classes: Sequence[str]) -> tuple[tuple[str, str, str], ...]:
    whose = [("group", name) for name in groups] + [("class", name) for name in classes]
    return tuple((kind, name, measure) for kind, name in whose for measure in MEASURES)


def _mean(values: Array, defined: npt.NDArray[np.bool_], nothing: float | None) -> Array:
    """Average the defined ones of the last axis but one; values are (B, C, 3)."""
    total = np.where(defined[..., None], values, 0.0).sum(axis=1)
    n = defined.sum(axis=1)[:, None]
    return np.where(n > 0, total / n, np.nan if nothing is None else nothing)


def _ratios(tp: Array, half: Array, iou: Array, averaging: Averaging) -> Array:
    """PQ, SQ and RQ of counts of any shape, on a new last axis; NaN for 0/0."""
    if averaging.half_plus == averaging.tp_plus == 0:
        sq = np.where(tp > 0, iou / np.where(tp > 0, tp, 1.0), np.where(half > 0, 0.0, np.nan))
        return np.stack([iou / half, sq, tp / half], axis=-1)
    sq, rq = iou / (tp + averaging.tp_plus), tp / (half + averaging.half_plus)
    return np.stack([sq * rq, sq, rq], axis=-1)


def _pooled(
    frames: Sequence[FrameLedger],
    averaging: Averaging,
    members: dict[str, npt.NDArray[np.bool_]],
    classes: list[str],
) -> Units:
    count = len(classes)
    columns = np.concatenate([np.zeros((0, 4 * count)), *(_counts(frame, count)[None] for frame in frames)])
    scored = (
        [[binary_image(frame, averaging)] for frame in frames] if averaging.binary else [[NOTHING] for _ in frames]
    )
    binary = _Means.of(frames, scored, averaging)
    rows = _quantised(np.concatenate([columns, binary.rows], axis=1) if averaging.binary else columns)
    present = columns[:, : 3 * count].reshape(-1, 3, count).sum(axis=(0, 1)) > 0

    def score(sums: Array, kept: npt.NDArray[np.bool_]) -> Array:
        tp, fp, fn, iou = np.moveaxis(sums[:, : 4 * count].reshape(len(sums), 4, count), 1, 0)
        half = tp + 0.5 * fp + 0.5 * fn
        each = _ratios(tp, half, iou, averaging)
        lacking = half == 0
        each[lacking] = 0.0 if averaging.absent == "zero" else np.nan
        own = each.copy()
        each[lacking & kept] = 0.0
        defined = ~np.isnan(each[..., 0])
        groups = [_mean(each, defined & chosen, averaging.nothing) for chosen in members.values()]
        if averaging.binary:
            groups.append(binary.mean(sums[:, 4 * count :])[:, 0])
        return np.concatenate([*groups, own.reshape(len(sums), -1)], axis=1)

    return Units(rows, _names([*members, *BINARY[: averaging.binary]], classes), score, present)


def _counts(frame: FrameLedger, count: int) -> Array:
    """TP, FP, FN and IoU of an image per class, one after the other."""
    rows = frame.rows
    category, outcome = rows[:, Column.CATEGORY], rows[:, Column.OUTCOME]
    gt = rows[:, Column.SIDE] == Side.GT
    hit = gt & (outcome == Outcome.TP)
    iou = rows[hit, Column.INTER] / rows[hit, Column.UNION]
    parts = [
        np.bincount(category[hit], minlength=count),
        np.bincount(category[~gt & (outcome == Outcome.FP)], minlength=count),
        np.bincount(category[gt & (outcome == Outcome.FN)], minlength=count),
        np.bincount(category[hit], iou, minlength=count),
    ]
    return np.concatenate(parts).astype(np.float64)


@dataclass(frozen=True, eq=False)
class _Means:
    """Means of scores of images, some of which images lack; within each stratum first, where there are some.

    Parameters
    ----------
    rows : (N, strata * things * 4) float64
        Of each image, in its stratum, for each of some things: PQ, SQ, RQ and 1, or four zeros.
    shape : tuple of int
        Strata, things, 4.
    """

    rows: Array
    shape: tuple[int, int, int]

    @classmethod
    def of(cls, frames: Sequence[FrameLedger], scored: Sequence[Sequence[Scored]], averaging: Averaging) -> _Means:
        """Take the scores of some things, as many in every image."""
        names = [repr(frame.stratum) if averaging.strata else "" for frame in frames]
        strata = {name: place for place, name in enumerate(sorted(set(names)))}
        things = len(scored[0]) if scored else 1
        rows = np.zeros((len(frames), max(len(strata), 1), things, 4))
        for place, (name, each) in enumerate(zip(names, scored, strict=True)):
            for thing, score in enumerate(each):
                if score[0] is not None:
                    rows[place, strata[name], thing] = (*score, 1.0)
        return cls(rows.reshape(len(rows), -1), (max(len(strata), 1), things, 4))

    def mean(self, sums: Array) -> Array:
        """Return the means, (B, things, 3); NaN where no image says anything."""
        strata, things, _ = self.shape
        parts = sums.reshape(len(sums), strata, things, 4)
        told = parts[..., 3] > 0
        means = np.where(told[..., None], parts[..., :3] / parts[..., 3:], 0.0).sum(axis=1)
        n = told.sum(axis=1)[..., None]
        return np.where(n > 0, means / n, np.nan)


def _averaged(
    frames: Sequence[FrameLedger],
    averaging: Averaging,
    members: dict[str, npt.NDArray[np.bool_]],
    classes: list[str],
) -> Units:
    images = [image_by_class(frame, len(classes), averaging) for frame in frames]
    own = _Means.of(frames, images, replace(averaging, strata=False))
    blocks = [own]
    if averaging.strata:
        places = {name: np.flatnonzero(chosen).tolist() for name, chosen in members.items()}
        grouped = [
            [mean_scored([image[place] for place in chosen]) for chosen in places.values()] for image in images
        ]
        blocks.append(_Means.of(frames, grouped, averaging))
    if averaging.binary:
        blocks.append(_Means.of(frames, [[binary_image(frame, averaging)] for frame in frames], averaging))
    ends = np.cumsum([block.rows.shape[1] for block in blocks])
    present = own.rows.reshape(len(frames), len(classes), 4)[..., 3].sum(axis=0) > 0

    def score(sums: Array, kept: npt.NDArray[np.bool_]) -> Array:
        parts = [block.mean(part) for block, part in zip(blocks, np.split(sums, ends[:-1], axis=1), strict=True)]
        each = parts[0]
        lacking = np.isnan(each[..., 0])
        filled = np.where((lacking & kept)[..., None], 0.0, each)
        defined = ~lacking | kept
        if averaging.strata:
            groups = list(np.moveaxis(parts[1], 1, 0))
        else:
            groups = [_mean(filled, defined & chosen, None) for chosen in members.values()]
        if averaging.binary:
            groups.append(parts[-1][:, 0])
        return np.concatenate([*groups, each.reshape(len(sums), -1)], axis=1)

    rows = _quantised(np.concatenate([block.rows for block in blocks], axis=1))
    return Units(rows, _names([*members, *BINARY[: averaging.binary]], classes), score, present)
