"""From counts to PQ, whatever a convention averages first: a ladder of means.

A *cell* is what has counts and one PQ: a class, or a class in an image. Means lead up from cells to one number:
classes to All, or images to classes to All, or classes to images to strata to All.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pqeval.averaging import Averaging
from pqeval.diagnosis.tables import Tables
from pqeval.ledger import Outcome

__all__ = ["Ladder", "Stats", "Step", "Steps", "count_cells"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Step:
    """A step of a ladder: which mean each entry is part of, -1 for none, and how many means there are."""

    parents: Ints
    size: int

    def tally(self, says: Flags) -> Ints:
        """Count the entries that say something, by mean."""
        kept = says & (self.parents >= 0)
        return np.bincount(self.parents[kept], minlength=self.size).astype(np.int64)

    def total(self, value: Floats, says: Flags) -> Floats:
        """Sum what they say, by mean."""
        kept = says & (self.parents >= 0)
        sums: Floats = np.bincount(self.parents[kept], value[kept], minlength=self.size).astype(np.float64)
        return sums


Steps = list[Step]


@dataclass(frozen=True, eq=False)
class Stats:
    """Counts of cells.

    Parameters
    ----------
    iou : (N,) float64
        Sum of IoU over TPs.
    tp, fp, fn : (N,) int64
        Counted segments.
    """

    iou: Floats
    tp: Ints
    fp: Ints
    fn: Ints

    @property
    def half(self) -> Floats:
        """TP + FP/2 + FN/2."""
        half: Floats = self.tp + 0.5 * self.fp + 0.5 * self.fn
        return half

    def plus(self, iou: Floats, tp: Ints, fp: Ints, fn: Ints) -> Stats:
        """Return the counts with something added."""
        return Stats(self.iou + iou, self.tp + tp, self.fp + fp, self.fn + fn)

    def taken(self, places: Ints) -> Stats:
        """Return the counts of some cells."""
        return Stats(self.iou[places], self.tp[places], self.fp[places], self.fn[places])


@dataclass(frozen=True, eq=False)
class Ladder:
    """How a convention gets from counts to PQ.

    Parameters
    ----------
    averaging : Averaging
        The convention's way.
    strata : sequence of str or None
        What each image is averaged with first, where the convention does so.
    classes : int
        Number of classes.
    """

    averaging: Averaging
    strata: Sequence[str | None]
    classes: int
    images: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "images", self.averaging.over == "images")

    @property
    def cells(self) -> int:
        """Number of cells."""
        return self.classes * (len(self.strata) if self.images else 1)

    def cell(self, frame: Ints, category: Ints) -> Ints:
        """Return the cell of a class in an image."""
        return frame * self.classes + category if self.images else category

    def ratios(self, stats: Stats) -> tuple[Floats, Floats, Floats]:
        """Return PQ, SQ and RQ of each cell; 0 where there is nothing to divide by."""
        half, tp = stats.half, stats.tp + self.averaging.tp_plus
        safe = np.where(half > 0, half, 1.0)
        sq = stats.iou / np.where(tp > 0, tp, 1.0)
        rq = np.where(half > 0, stats.tp / (safe + self.averaging.half_plus), 0.0)
        if self.averaging.tp_plus == self.averaging.half_plus == 0:
            return stats.iou / safe, sq, rq
        return sq * rq, sq, rq

    def says(self, stats: Stats) -> Flags:
        """Return whether each cell has a PQ."""
        seen = stats.half > 0
        if not self.images:
            return seen if self.averaging.absent == "skip" else np.ones_like(seen)
        silent = {"both": ~seen, "gt": stats.tp + stats.fn == 0, "never": np.zeros_like(seen)}
        told: Flags = ~silent[self.averaging.undefined]
        return told

    def values(self, stats: Stats) -> tuple[Floats, Flags]:
        """Return the PQ of each cell, and whether it has one."""
        return self.ratios(stats)[0], self.says(stats)

    def group(self, members: Sequence[bool]) -> Steps:
        """Return the steps from cells to the mean of a group of classes."""
        chosen = np.asarray(members, np.bool_)
        if not self.images:
            return [Step(np.where(chosen, 0, -1), 1)]
        kind = self.each_class()
        if not self.averaging.strata:
            return [
                Step(np.where(chosen[kind], kind, -1), self.classes),
                Step(np.zeros(self.classes, np.int64), 1),
            ]
        image = np.repeat(np.arange(len(self.strata)), self.classes)
        names = sorted(set(self.strata), key=lambda name: (name is not None, name or ""))
        stratum = np.array([names.index(name) for name in self.strata], np.int64)
        return [
            Step(np.where(chosen[kind], image, -1), len(self.strata)),
            Step(stratum, len(names)),
            Step(np.zeros(len(names), np.int64), 1),
        ]

    def each_class(self) -> Ints:
        """Return the class of each cell."""
        return np.tile(np.arange(self.classes), len(self.strata) if self.images else 1)

    def mean(self, stats: Stats, steps: Steps) -> float | None:
        """Climb to the top; what a group without any class scores is the convention's."""
        (pq,), known = self.climb([self.ratios(stats)[0]], self.says(stats), steps)
        return pq if known else self.averaging.nothing

    def climb(self, columns: Sequence[Floats], says: Flags, steps: Steps) -> tuple[list[float], bool]:
        """Average columns of the cells to the top; return them, and whether there was anything to average."""
        for step in steps:
            count = step.tally(says)
            columns = [step.total(column, says) / np.maximum(count, 1) for column in columns]
            says = count > 0
        return [float(column[0]) for column in columns], bool(says[0])

    def weights(self, says: Flags, steps: Steps) -> Floats:
        """Return the weight that each cell has in the mean at the top; 0 where it has none."""
        told, counts = [says], []
        for step in steps:
            counts.append(step.tally(told[-1]))
            told.append(counts[-1] > 0)
        weight = np.ones(1)
        for step, count, each in zip(reversed(steps), reversed(counts), reversed(told[:-1]), strict=True):
            share = weight / np.maximum(count, 1)
            weight = np.where((step.parents >= 0) & each, share[step.parents], 0.0)
        return weight


def count_cells(tables: Tables, ladder: Ladder) -> Stats:
    """Count the TPs, FPs and FNs of each cell, and sum their IoUs.

    Parameters
    ----------
    tables : Tables
        The run.
    ladder : Ladder
        What has cells.

    Returns
    -------
    Stats
    """
    gt, pred, matches = tables.gt, tables.pred, tables.matches
    hit = ladder.cell(gt.frame[matches.gt], gt.category[matches.gt])
    fp, fn = pred.outcome == Outcome.FP, gt.outcome == Outcome.FN
    return Stats(
        np.bincount(hit, matches.iou(), ladder.cells).astype(np.float64),
        np.bincount(hit, minlength=ladder.cells),
        np.bincount(ladder.cell(pred.frame[fp], pred.category[fp]), minlength=ladder.cells),
        np.bincount(ladder.cell(gt.frame[fn], gt.category[fn]), minlength=ladder.cells),
    )
