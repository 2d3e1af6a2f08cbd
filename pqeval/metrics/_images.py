"""PQ image by image, averaged: what evaluators of nuclei report instead of one PQ over all images.

Sources: vqdang/hover_net 67e2ce5, ``get_fast_pq``; TissueImageAnalytics/PanNuke-metrics c00014d, ``run.py``;
TissueImageAnalytics/CoNIC c1c4964, ``compute_stats.py``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from pqeval.averaging import Averaging
from pqeval.ledger import Column, FrameLedger, Outcome, Side
from pqeval.result import ClassScore, GroupScore

__all__ = [
    "Scored",
    "binary_image",
    "binary_score",
    "image_by_class",
    "image_scores",
    "mean_scored",
    "memberships",
    "ratios",
]

Triple = tuple[float, float, float]


def ratios(tp: int, half: float, iou: float, averaging: Averaging) -> Triple:
    """Return PQ, SQ and RQ of counts; ``half`` is TP + FP/2 + FN/2, and not 0 unless something is added to it.

    Where a convention adds to the divisors, its PQ is SQ x RQ; else it is IoU / half, with one division.
    """
    if averaging.half_plus == averaging.tp_plus == 0:
        return iou / half, iou / tp if tp else 0.0, tp / half
    sq, rq = iou / (tp + averaging.tp_plus), tp / (half + averaging.half_plus)
    return sq * rq, sq, rq


def memberships(scores: Sequence[ClassScore], own: Mapping[str, Sequence[int]] | None) -> dict[str, list[bool]]:
    """Return which classes are in All, Things, Stuff and the user's groups."""
    groups = {
        "All": [True] * len(scores),
        "Things": [score.isthing is True for score in scores],
        "Stuff": [score.isthing is False for score in scores],
    }
    return groups | {name: [score.id in ids for score in scores] for name, ids in (own or {}).items()}


def image_scores(
    frames: Sequence[FrameLedger],
    per_class: Sequence[ClassScore],
    own: Mapping[str, Sequence[int]] | None,
    averaging: Averaging,
) -> tuple[tuple[ClassScore, ...], dict[str, GroupScore]]:
    """Score every class in every image, and average.

    Parameters
    ----------
    frames : sequence of FrameLedger
        The images.
    per_class : sequence of ClassScore
        Counts of each class over all images.
    own : mapping of str to sequence of int, optional
        Category ids per group name.
    averaging : Averaging
        Which images count for a class, and whether images or classes are averaged first.

    Returns
    -------
    per_class : tuple of ClassScore
        With the mean over the images that say something about the class.
    groups : dict of str to GroupScore
        ``n`` is the number of classes that some image says something about.
    """
    images = [image_by_class(frame, len(per_class), averaging) for frame in frames]
    scored = []
    for place, row in enumerate(per_class):
        pq, sq, rq = mean_scored([image[place] for image in images])
        scored.append(msgspec.structs.replace(row, pq=pq, sq=sq, rq=rq))
    groups = {}
    for name, members in memberships(per_class, own).items():
        places = [place for place, chosen in enumerate(members) if chosen]
        if averaging.strata:
            each = [mean_scored([image[place] for place in places]) for image in images]
            means = _by_stratum(frames, each)
        else:
            means = mean_scored([(scored[place].pq, scored[place].sq, scored[place].rq) for place in places])
        groups[name] = GroupScore(*means, sum(scored[place].pq is not None for place in places))
    return tuple(scored), groups


def binary_score(frames: Sequence[FrameLedger], averaging: Averaging) -> GroupScore:
    """Take all classes for one, score every image, and average; ``n`` is the number of images averaged."""
    each = [binary_image(frame, averaging) for frame in frames]
    means = _by_stratum(frames, each) if averaging.strata else mean_scored(each)
    return GroupScore(*means, sum(score[0] is not None for score in each))


def binary_image(frame: FrameLedger, averaging: Averaging) -> Scored:
    """Score one image with all classes taken for one."""
    gt, pred = _sides(frame)
    pairs = gt[gt[:, Column.PARTNER] > 0]
    iou = math.fsum((pairs[:, Column.INTER] / pairs[:, Column.UNION]).tolist())
    unmatched = int(np.count_nonzero(pred[:, Column.PARTNER] == 0))
    return _score(len(pairs), unmatched, len(gt) - len(pairs), iou, averaging)


Scored = tuple[float | None, float | None, float | None]
NOTHING: Scored = (None, None, None)


def _sides(frame: FrameLedger) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The rows of both sides that count."""
    rows = frame.rows[np.isin(frame.rows[:, Column.OUTCOME], (Outcome.TP, Outcome.FN, Outcome.FP))]
    return rows[rows[:, Column.SIDE] == Side.GT], rows[rows[:, Column.SIDE] == Side.PRED]


def image_by_class(frame: FrameLedger, classes: int, averaging: Averaging) -> list[Scored]:
    """Score every class in one image; nothing where the image says nothing about it."""
    gt, pred = _sides(frame)
    hits = gt[gt[:, Column.OUTCOME] == Outcome.TP]
    category = hits[:, Column.CATEGORY]
    iou = np.bincount(category, hits[:, Column.INTER] / hits[:, Column.UNION], classes)
    tp = np.bincount(category, minlength=classes)
    fn = np.bincount(gt[:, Column.CATEGORY], minlength=classes) - tp
    fp = np.bincount(pred[pred[:, Column.OUTCOME] == Outcome.FP, Column.CATEGORY], minlength=classes)
    return [
        _score(int(tp[place]), int(fp[place]), int(fn[place]), float(iou[place]), averaging)
        for place in range(classes)
    ]


def _score(tp: int, fp: int, fn: int, iou: float, averaging: Averaging) -> Scored:
    """PQ, SQ, RQ of an image, or of a class in it, where it says something."""
    half = tp + 0.5 * fp + 0.5 * fn
    silent = {"both": half == 0, "gt": tp + fn == 0, "never": False}[averaging.undefined]
    return NOTHING if silent else ratios(tp, half, iou, averaging)


def mean_scored(scores: Iterable[Scored]) -> Scored:
    """Average those that say something; sums are rounded once, so that their order has no say."""
    told = [score for score in scores if score[0] is not None]
    if not told:
        return NOTHING
    pq, sq, rq = (math.fsum(column) / len(told) for column in zip(*told, strict=True))
    return pq, sq, rq


def _by_stratum(frames: Sequence[FrameLedger], scores: Sequence[Scored]) -> Scored:
    strata: dict[str | None, list[Scored]] = {}
    for frame, score in zip(frames, scores, strict=True):
        strata.setdefault(frame.stratum, []).append(score)
    return mean_scored([mean_scored(members) for members in strata.values()])
