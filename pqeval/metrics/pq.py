"""Panoptic quality: PQ = SQ x RQ per class, averaged over the classes that occur.

Source: Kirillov, He, Girshick, Rother, Dollár, "Panoptic Segmentation", CVPR 2019, section 4.2; the averages as
in cocodataset/panopticapi, ``evaluation.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pqeval.averaging import POOLED, Averaging
from pqeval.categories import Categories
from pqeval.ledger import Column, FrameLedger, Outcome, Side, all_rows
from pqeval.metrics._images import binary_score, image_scores, memberships, ratios
from pqeval.result import ClassScore, GroupScore, Scores

__all__ = ["Counts", "average", "class_scores", "compute", "count_classes", "groups_of", "void_report"]

BLOCK = 256  # images whose rows are looked at together
BOTH_SIDES = (Outcome.SMALL, Outcome.UNKNOWN_EXCUSED)

DESCRIPTION = "panoptic quality (PQ, SQ, RQ) per class and over All, Things, Stuff"


def compute(
    frames: Sequence[FrameLedger],
    categories: Categories,
    own_groups: Mapping[str, Sequence[int]] | None = None,
    averaging: Averaging = POOLED,
) -> Scores:
    """Score the ledgers of all images.

    Parameters
    ----------
    frames : sequence of FrameLedger
        In the order in which IoUs are to be added.
    categories : Categories
        The table.
    own_groups : mapping of str to sequence of int, optional
        Category ids per group name, known to exist.
    averaging : Averaging
        How the convention averages.

    Returns
    -------
    Scores
    """
    blocks = (all_rows(frames[start : start + BLOCK]) for start in range(0, len(frames), BLOCK))
    counts = count_classes(blocks, len(categories))
    per_class = class_scores(counts, categories, averaging)
    void = void_report(frames, counts, categories, averaging)
    if averaging.over == "images":
        per_class, groups = image_scores(frames, per_class, own_groups, averaging)
    else:
        groups = groups_of(per_class, own_groups, averaging)
    if averaging.binary:
        groups["Binary"] = binary_score(frames, averaging)
    return Scores(groups, per_class, void)


@dataclass(frozen=True, eq=False)
class Counts:
    """Sums per class, in the order of the category table.

    Parameters
    ----------
    tp, fp, fn : (C,) int64
        Counted segments.
    iou : (C,) float64
        Sum of IoU over TPs, added one by one in the order of the rows.
    fn_unknown : (C,) int64
        Those FNs that predicted void covers by more than half.
    outcomes : dict
        How many predicted segments had each outcome; segments of both sides for those that both can have.
    """

    tp: npt.NDArray[np.int64]
    fp: npt.NDArray[np.int64]
    fn: npt.NDArray[np.int64]
    iou: npt.NDArray[np.float64]
    fn_unknown: npt.NDArray[np.int64]
    outcomes: dict[Outcome, int]


def count_classes(blocks: Iterable[npt.NDArray[np.int64]], classes: int) -> Counts:
    """Sum ledger rows per class.

    Parameters
    ----------
    blocks : iterable of (N, 10) int64
        Ledger rows, some images at a time, in the order in which IoUs are to be added.
    classes : int
        Number of classes.

    Returns
    -------
    Counts
    """
    fp, fn, fn_unknown = (np.zeros(classes, np.int64) for _ in range(3))
    outcomes = dict.fromkeys(Outcome, 0)
    matched = [np.zeros(0, np.int64)]
    ratios = [np.zeros(0)]
    for rows in blocks:
        gt = rows[rows[:, Column.SIDE] == Side.GT]
        pred = rows[rows[:, Column.SIDE] == Side.PRED]
        pairs = gt[gt[:, Column.OUTCOME] == Outcome.TP]
        matched.append(pairs[:, Column.CATEGORY].copy())  # not a view, which would keep all columns
        ratios.append(pairs[:, Column.INTER] / pairs[:, Column.UNION])
        fp += _tally(pred, Outcome.FP, classes)
        fn += _tally(gt, Outcome.FN, classes)
        fn_unknown += _tally(gt[2 * gt[:, Column.VOID] > gt[:, Column.AREA]], Outcome.FN, classes)
        for outcome in Outcome:
            side = rows if outcome in BOTH_SIDES else pred
            outcomes[outcome] += int(np.count_nonzero(side[:, Column.OUTCOME] == outcome))
    category = np.concatenate(matched)
    # bincount adds its weights one after the other, which is what makes the last bit reproducible.
    iou: npt.NDArray[np.float64] = np.bincount(category, np.concatenate(ratios), minlength=classes).astype(
        np.float64
    )
    return Counts(np.bincount(category, minlength=classes), fp, fn, iou, fn_unknown, outcomes)


def _tally(rows: npt.NDArray[np.int64], outcome: Outcome, classes: int) -> npt.NDArray[np.int64]:
    return np.bincount(rows[rows[:, Column.OUTCOME] == outcome, Column.CATEGORY], minlength=classes)


def class_scores(counts: Counts, categories: Categories, averaging: Averaging = POOLED) -> tuple[ClassScore, ...]:
    """Divide, once.

    Parameters
    ----------
    counts : Counts
        Sums per class.
    categories : Categories
        The table.
    averaging : Averaging
        What is added to the divisors, and what a class is that does not occur.

    Returns
    -------
    tuple of ClassScore
        PQ = iou_sum / (TP + FP/2 + FN/2), SQ = iou_sum / TP (0 without a TP), RQ = TP / (TP + FP/2 + FN/2);
        all three are ``None`` for a class with TP + FP + FN = 0, or 0 where the convention says so.
    """
    nothing = None if averaging.absent == "skip" else 0.0
    scores = []
    columns = (column.tolist() for column in (counts.tp, counts.fp, counts.fn, counts.iou))
    for category, tp, fp, fn, iou in zip(categories, *columns, strict=True):
        half = tp + 0.5 * fp + 0.5 * fn
        pq, sq, rq = ratios(tp, half, iou, averaging) if half else (nothing,) * 3
        scores.append(ClassScore(category.id, category.name, category.isthing, pq, sq, rq, iou, tp, fp, fn))
    return tuple(scores)


def average(scores: Iterable[ClassScore], nothing: float | None = None) -> GroupScore:
    """Average PQ, SQ and RQ over the classes that occur; note that mean PQ is not mean SQ x mean RQ."""
    pq = sq = rq = 0.0
    n = 0
    for score in scores:
        if score.pq is None or score.sq is None or score.rq is None:
            continue
        pq, sq, rq, n = pq + score.pq, sq + score.sq, rq + score.rq, n + 1
    return GroupScore(pq / n, sq / n, rq / n, n) if n else GroupScore(nothing, nothing, nothing, 0)


def groups_of(
    scores: Sequence[ClassScore],
    own: Mapping[str, Sequence[int]] | None = None,
    averaging: Averaging = POOLED,
) -> dict[str, GroupScore]:
    """Average over All, Things, Stuff and the user's groups.

    Parameters
    ----------
    scores : sequence of ClassScore
        One per class.
    own : mapping of str to sequence of int, optional
        Category ids per group name, known to exist.
    averaging : Averaging
        What the score of an empty group is.

    Returns
    -------
    dict of str to GroupScore
    """
    return {
        name: average((score for score, chosen in zip(scores, members, strict=True) if chosen), averaging.nothing)
        for name, members in memberships(scores, own).items()
    }


def void_report(
    frames: Sequence[FrameLedger], counts: Counts, categories: Categories, averaging: Averaging = POOLED
) -> dict[str, int | float | None]:
    """Say what void, unknown and crowd did to the score.

    Parameters
    ----------
    frames : sequence of FrameLedger
        The images.
    counts : Counts
        Their sums.
    categories : Categories
        The table.
    averaging : Averaging
        How scores are averaged.

    Returns
    -------
    dict
        ``pixels`` and ``unknown_pixels`` of the predictions, gt void included; ``unknown_segments``:
        predicted segments treated as unknown; ``fp_forgiven_by_void`` and ``fp_forgiven_by_crowd``: predicted
        segments that would be FPs; ``fn_unknown``: missed gt segments that unknown pixels cover by more than
        half; ``pq_if_unknown_were_wrong``: PQ (All) had each of those been covered by a segment of a wrong
        class instead, that is, with one FP more in their class, ``None`` where images are averaged;
        ``fn_forgiven_by_unknown``: those missed segments where the convention excuses them; ``small_segments``:
        unmatched ones of both sides that are too small to count.
    """
    otherwise = None
    if averaging.over == "dataset":
        wrong = replace(counts, fp=counts.fp + counts.fn_unknown)
        otherwise = average(class_scores(wrong, categories, averaging), averaging.nothing).pq
    return {
        "pixels": sum(frame.pixels for frame in frames),
        "unknown_pixels": sum(frame.unknown_pixels for frame in frames),
        "unknown_segments": counts.outcomes[Outcome.UNKNOWN],
        "fp_forgiven_by_void": counts.outcomes[Outcome.VOID_EXCUSED],
        "fp_forgiven_by_crowd": counts.outcomes[Outcome.CROWD_EXCUSED],
        "fn_unknown": int(counts.fn_unknown.sum()),
        "pq_if_unknown_were_wrong": otherwise,
        "fn_forgiven_by_unknown": counts.outcomes[Outcome.UNKNOWN_EXCUSED],
        "small_segments": counts.outcomes[Outcome.SMALL],
    }
