"""The ledgers of all images as flat columns: segments of both sides, matches, and pairs that share pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pqeval.ledger import Column, FrameLedger, Outcome, Side, all_rows
from pqeval.run import Run
from pqeval.void import VoidPolicy

__all__ = ["Pairs", "Segments", "Tables", "tables_of"]

Ints = npt.NDArray[np.int64]
ID_BITS = 32
NO_PART = {
    Side.GT: (Outcome.CROWD, Outcome.IGNORED),
    Side.PRED: (Outcome.UNKNOWN, Outcome.IGNORED),
}


@dataclass(frozen=True, eq=False)
class Segments:
    """The segments of one side, image by image, by ascending id.

    Parameters
    ----------
    frame, id, category, outcome, area, void, crowd : (S,) int64
        Place of the image, and the columns of the ledger.
    net : (S,) int64
        What the segment adds to a union before the shared pixels are taken off.
    counts : (S,) bool
        Whether it takes part: all but crowds and ignored ones of the ground truth, unknown ones of predictions.
    score : (S,) float64
        How sure the network was; NaN where nobody says.
    """

    frame: Ints
    id: Ints
    category: Ints
    outcome: Ints
    area: Ints
    void: Ints
    crowd: Ints
    net: Ints
    counts: npt.NDArray[np.bool_]
    score: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.id)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of segments, by image, then by gt and predicted id.

    Parameters
    ----------
    gt, pred : (K,) int64
        Places in the tables of segments.
    inter, union : (K,) int64
        Shared pixels, and the union as the convention has it. Under stated areas it can be 0 or less.
    """

    gt: Ints
    pred: Ints
    inter: Ints
    union: Ints

    def taken(self, places: Ints | npt.NDArray[np.bool_]) -> Pairs:
        """Return some of the pairs."""
        return Pairs(self.gt[places], self.pred[places], self.inter[places], self.union[places])

    def iou(self) -> npt.NDArray[np.float64]:
        """Divide; pairs without a union have IoU 0."""
        sound = self.union > 0
        return np.where(sound, self.inter / np.where(sound, self.union, 1), 0.0)

    def __len__(self) -> int:
        return len(self.gt)


@dataclass(frozen=True, eq=False)
class Tables:
    """A run, flat.

    Parameters
    ----------
    frames : sequence of FrameLedger
        The images.
    gt, pred : Segments
        Both sides.
    matches : Pairs
        The pairs that are TPs. Under stated areas a segment can have several.
    pairs : Pairs
        All pairs that share a pixel and take part.
    """

    frames: Sequence[FrameLedger]
    gt: Segments
    pred: Segments
    matches: Pairs
    pairs: Pairs


def tables_of(run: Run) -> Tables:
    """Lay out the ledgers of a run.

    Parameters
    ----------
    run : Run
        What was evaluated.

    Returns
    -------
    Tables
    """
    frames, policy = run.frames(), run.policy
    rows = all_rows(frames)
    frame = np.repeat(np.arange(len(frames)), [len(each.rows) for each in frames]).astype(np.int64)
    sides = [rows[:, Column.SIDE] == side for side in Side]
    gt_rows, gt_frame = rows[sides[Side.GT]], frame[sides[Side.GT]]
    pred_rows, pred_frame = rows[sides[Side.PRED]], frame[sides[Side.PRED]]
    gt_key, pred_key = _key(gt_frame, gt_rows[:, Column.SEGMENT]), _key(pred_frame, pred_rows[:, Column.SEGMENT])
    first = np.diff(gt_key, prepend=-1) != 0  # a gt segment that matches more than once has a row per match
    place = np.cumsum(first) - 1
    gt = _segments(gt_frame[first], gt_rows[first], Side.GT, policy, None)
    scores = np.concatenate([np.zeros(0), *(_scores(each) for each in frames)])
    pred = _segments(pred_frame, pred_rows, Side.PRED, policy, scores)
    hit = gt_rows[:, Column.OUTCOME] == Outcome.TP
    found = np.searchsorted(pred_key, _key(gt_frame[hit], gt_rows[hit, Column.PARTNER]))
    matches = Pairs(place[hit], found, gt_rows[hit, Column.INTER], gt_rows[hit, Column.UNION])
    return Tables(frames, gt, pred, matches, _pairs(frames, gt, pred))


def _key(frame: Ints, segment: Ints) -> Ints:
    return (frame << ID_BITS) | segment


def _scores(frame: FrameLedger) -> npt.NDArray[np.float64]:
    if frame.scores is not None:
        return frame.scores
    return np.full(np.count_nonzero(frame.rows[:, Column.SIDE] == Side.PRED), np.nan)


def _segments(
    frame: Ints,
    rows: Ints,
    side: Side,
    policy: VoidPolicy,
    scores: npt.NDArray[np.float64] | None,
) -> Segments:
    column = {each: rows[:, each].copy() for each in Column}
    # Where void is deleted, areas are without it already.
    pred_off = not (policy.void_in_union or policy.void_deleted)
    off = pred_off if side is Side.PRED else not policy.unknown_in_union
    area, void = column[Column.AREA], column[Column.VOID]
    return Segments(
        frame=frame,
        id=column[Column.SEGMENT],
        category=column[Column.CATEGORY],
        outcome=column[Column.OUTCOME],
        area=area,
        void=void,
        crowd=column[Column.CROWD],
        net=area - void if off else area,
        counts=~np.isin(column[Column.OUTCOME], NO_PART[side]),
        score=np.full(len(rows), np.nan) if scores is None else scores,
    )


def _pairs(frames: Sequence[FrameLedger], gt: Segments, pred: Segments) -> Pairs:
    table = np.concatenate([np.zeros((0, 3), np.int64), *(each.pairs for each in frames)])
    frame = np.repeat(np.arange(len(frames)), [len(each.pairs) for each in frames])
    real = (table[:, 0] > 0) & (table[:, 1] > 0)
    table, frame = table[real], frame[real]
    begins = [np.searchsorted(side.frame, np.arange(len(frames))) for side in (gt, pred)]
    place_gt = begins[0][frame] + table[:, 0] - 1
    place_pred = begins[1][frame] + table[:, 1] - 1
    part = gt.counts[place_gt] & pred.counts[place_pred]
    place_gt, place_pred, inter = place_gt[part], place_pred[part], table[part, 2]
    return Pairs(place_gt, place_pred, inter, gt.net[place_gt] + pred.net[place_pred] - inter)
