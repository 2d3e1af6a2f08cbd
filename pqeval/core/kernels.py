"""The compiled loops over segments: from shared pixels to outcomes.

They trust their input: :mod:`pqeval.labelmap` and :mod:`pqeval.segments` are the gates. All arrays are
C-contiguous and writable, all arithmetic is on integers.
"""

from __future__ import annotations

import numpy as np

from pqeval.core.compiled import kernel

TAKES_NO_PART = -1
UNKNOWN_IS_WRONG = -2
UNKNOWN_CATEGORY = -1  # as in a segment table
NO_AREA = -(2**63)

TP, FN, FP, VOID_EXCUSED, CROWD_EXCUSED, CROWD, UNKNOWN, IGNORED, SMALL, UNKNOWN_EXCUSED = range(1, 11)

# What a convention does differently; see :class:`pqeval.void.VoidPolicy`.
KEEP_VOID, DROP_UNKNOWN, DELETE_VOID, EXCUSE_BY_NONE, EXCUSE_BY_VOID, ANY_CROWD = 1, 2, 4, 8, 16, 32
EXCUSE_MISSED, SKIP_PRED_CROWD = 64, 128


@kernel
def excusing_crowds(gt_category, gt_crowd, gt_position, classes, last_only):
    """Mark the crowd segments that can excuse a false positive of their class.

    Parameters
    ----------
    gt_category, gt_position : (G,) int64
        Class index (negative: takes no part) and place in the segment list, per gt row.
    gt_crowd : (G,) uint8
        1 for crowds.
    classes : int
        Number of classes.
    last_only : bool
        Only the last crowd of a class in list order counts (what panopticapi does).

    Returns
    -------
    (G,) uint8
    """
    marks = np.zeros(gt_category.shape[0], np.uint8)
    last = np.full(classes, -1, np.int64)
    for g in range(1, gt_category.shape[0]):
        c = gt_category[g]
        if gt_crowd[g] == 0 or c < 0:
            continue
        if not last_only:
            marks[g] = 1
        elif last[c] < 0 or gt_position[g] > gt_position[last[c]]:
            if last[c] >= 0:
                marks[last[c]] = 0
            last[c] = g
            marks[g] = 1
    return marks


@kernel
def crowd_pixels(pair_gt, pair_pred, inter, gt_category, pred_category, marks, any_class):
    """Sum, per pred row, the pixels on marked crowds of its own class, or of any class.

    Parameters
    ----------
    pair_gt, pair_pred, inter : (K,) int64
        The overlap table.
    gt_category, pred_category : (G,), (P,) int64
        Class index per row.
    marks : (G,) uint8
        Crowds that count, from :func:`excusing_crowds`.
    any_class : bool
        Whether crowds of other classes count too.

    Returns
    -------
    (P,) int64
    """
    pixels = np.zeros(pred_category.shape[0], np.int64)
    for k in range(inter.shape[0]):
        g = pair_gt[k]
        p = pair_pred[k]
        if marks[g] and p > 0 and (any_class or gt_category[g] == pred_category[p]):
            pixels[p] += inter[k]
    return pixels


@kernel
def charge_unknown(pair_gt, pair_pred, inter, gt_category, gt_crowd, pred_category):
    """Decide which class pays for a predicted segment whose category nobody knows.

    Under the policy ``fp`` such a segment is a false positive of the class whose ground truth it covers
    most: the non-crowd gt segment with the largest overlap, the lowest id among equals.

    Parameters
    ----------
    pair_gt, pair_pred, inter : (K,) int64
        The overlap table, sorted by gt row.
    gt_category, pred_category : (G,), (P,) int64
        Class index per row; ``UNKNOWN_IS_WRONG`` marks the segments to charge.
    gt_crowd : (G,) uint8
        1 for crowds.

    Returns
    -------
    (P,) int64
        ``pred_category``, with the paying class filled in; ``TAKES_NO_PART`` where there is none.
    """
    charged = pred_category.copy()
    most = np.zeros(pred_category.shape[0], np.int64)
    for k in range(inter.shape[0]):
        g = pair_gt[k]
        p = pair_pred[k]
        if pred_category[p] != UNKNOWN_IS_WRONG or gt_category[g] < 0 or gt_crowd[g]:
            continue
        if inter[k] > most[p]:
            most[p] = inter[k]
            charged[p] = gt_category[g]
    for p in range(charged.shape[0]):
        if charged[p] == UNKNOWN_IS_WRONG:
            charged[p] = TAKES_NO_PART
    return charged


@kernel
def match_segments(
    pair_gt,
    pair_pred,
    inter,
    gt_ids,
    gt_category,
    gt_crowd,
    gt_area,
    pred_ids,
    pred_category,
    pred_area,
    pred_crowd,
    charged,
    crowd,
    rules,
    smallest,
):
    """Match segments with IoU > 1/2 and give every segment its outcome.

    Parameters
    ----------
    pair_gt, pair_pred, inter : (K,) int64
        The overlap table, sorted by (gt row, pred row); row 0 is void on both sides.
    gt_ids, gt_category, gt_area : (G,) int64
        Segment id, class index (negative: takes no part) and area per gt row.
    gt_crowd : (G,) uint8
        1 for crowds.
    pred_ids, pred_category, pred_area : (P,) int64
        The same for predictions.
    charged : (P,) int64
        The class that pays if the segment is a false positive.
    pred_crowd : (P,) uint8
        1 for predicted crowds, which some conventions skip.
    crowd : (P,) int64
        Pixels on the crowds that excuse the segment.
    rules : int
        What the convention does differently, constants of this file added up.
    smallest : int
        Unmatched segments with fewer pixels are not counted.

    Returns
    -------
    rows : (N, 10) int64
        One row per gt segment, then one per predicted segment, both by ascending id, with the columns of
        :class:`pqeval.ledger.Column`. Where gt areas are wrong on purpose (convention ``panopticapi``) a gt
        segment can match more than once and then has a row per match.
    undefined : int
        Number of same-class pairs whose union is exactly zero, possible only with such areas.
    """
    gt_count = gt_ids.shape[0]
    pred_count = pred_ids.shape[0]
    gt_void = np.zeros(gt_count, np.int64)
    pred_void = np.zeros(pred_count, np.int64)
    for k in range(inter.shape[0]):
        if pair_gt[k] == 0:
            pred_void[pair_pred[k]] += inter[k]
        if pair_pred[k] == 0 or pred_category[pair_pred[k]] == TAKES_NO_PART:
            gt_void[pair_gt[k]] += inter[k]
    gt_off = gt_void if rules & DROP_UNKNOWN else np.zeros(gt_count, np.int64)
    pred_off = np.zeros(pred_count, np.int64) if rules & (KEEP_VOID | DELETE_VOID) else pred_void
    if rules & DELETE_VOID:
        pred_area = pred_area - pred_void

    undefined = 0
    matches = np.zeros(gt_count, np.int64)
    pred_matched = np.zeros(pred_count, np.uint8)
    gt_best = np.full(gt_count, -1, np.int64)
    pred_best = np.full(pred_count, -1, np.int64)
    unions = np.zeros(inter.shape[0], np.int64)
    extra = 0
    for k in range(inter.shape[0]):
        g = pair_gt[k]
        p = pair_pred[k]
        if g == 0 or p == 0 or gt_crowd[g] or gt_category[g] < 0 or pred_category[p] == TAKES_NO_PART:
            continue
        union = pred_area[p] + gt_area[g] - inter[k] - pred_off[p] - gt_off[g]
        same = gt_category[g] == pred_category[p]
        if union == 0 and same:
            undefined += 1
        if union <= 0 or 2 * inter[k] <= union:
            continue
        if same:
            unions[k] = union
            extra += matches[g] > 0
            matches[g] += 1
            pred_matched[p] = 1
            gt_best[g] = k
            pred_best[p] = k
        else:
            if matches[g] == 0:
                gt_best[g] = k
            if pred_matched[p] == 0:
                pred_best[p] = k

    rows = np.zeros((gt_count + pred_count - 2 + extra, 10), np.int64)
    at = 0
    k = 0
    for g in range(1, gt_count):
        while k < inter.shape[0] and pair_gt[k] < g:
            k += 1
        if gt_category[g] < 0:
            outcome = IGNORED
        elif gt_crowd[g]:
            outcome = CROWD
        elif matches[g]:
            outcome = TP
        elif max(gt_area[g], 0) < smallest:  # stated areas can be negative
            outcome = SMALL
        elif rules & EXCUSE_MISSED and 2 * gt_void[g] > gt_area[g]:
            outcome = UNKNOWN_EXCUSED
        else:
            outcome = FN
        for _ in range(max(matches[g], 1)):
            best = gt_best[g]
            if outcome == TP:
                while unions[k] == 0:
                    k += 1
                best = k
                k += 1
            rows[at, 1] = gt_ids[g]
            rows[at, 2] = gt_category[g]
            rows[at, 3] = outcome
            if best >= 0:
                p = pair_pred[best]
                rows[at, 4] = pred_ids[p]
                rows[at, 5] = inter[best]
                rows[at, 6] = pred_area[p] + gt_area[g] - inter[best] - pred_off[p] - gt_off[g]
            rows[at, 7] = gt_area[g]
            rows[at, 8] = gt_void[g]
            at += 1
    for p in range(1, pred_count):
        if rules & SKIP_PRED_CROWD and pred_crowd[p]:
            outcome = IGNORED
        elif pred_category[p] == TAKES_NO_PART or charged[p] == TAKES_NO_PART:
            outcome = UNKNOWN
        elif pred_matched[p]:
            outcome = TP
        elif pred_area[p] == 0 or (rules & EXCUSE_BY_NONE == 0 and 2 * pred_void[p] > pred_area[p]):
            outcome = VOID_EXCUSED
        elif rules & (EXCUSE_BY_NONE | EXCUSE_BY_VOID) == 0 and 2 * (pred_void[p] + crowd[p]) > pred_area[p]:
            outcome = CROWD_EXCUSED
        elif pred_area[p] < smallest:
            outcome = SMALL
        else:
            outcome = FP
        rows[at, 0] = 1
        rows[at, 1] = pred_ids[p]
        rows[at, 2] = charged[p]
        rows[at, 3] = outcome
        if pred_best[p] >= 0:
            g = pair_gt[pred_best[p]]
            rows[at, 4] = gt_ids[g]
            rows[at, 5] = inter[pred_best[p]]
            rows[at, 6] = pred_area[p] + gt_area[g] - inter[pred_best[p]] - pred_off[p] - gt_off[g]
        rows[at, 7] = pred_area[p]
        rows[at, 8] = pred_void[p]
        rows[at, 9] = crowd[p]
        at += 1
    return rows, undefined


@kernel
def sum_areas(rows, inter, count):
    """Sum the pixels of each row of a table.

    Parameters
    ----------
    rows, inter : (K,) int64
        Row and pixels of every pair.
    count : int
        Number of rows.

    Returns
    -------
    (count,) int64
    """
    areas = np.zeros(count, np.int64)
    for k in range(inter.shape[0]):
        areas[rows[k]] += inter[k]
    return areas


@kernel
def settle(
    pair_gt,
    pair_pred,
    inter,
    gt_ids,
    gt_category,
    gt_crowd,
    gt_position,
    gt_stated,
    pred_ids,
    pred_category,
    pred_crowd,
    classes,
    unknown_class,
    stated_areas,
    last_only,
    rules,
    smallest,
):
    """Do all of the above for one image.

    Parameters
    ----------
    pair_gt, pair_pred, inter, gt_ids, gt_crowd, pred_ids, pred_crowd, rules, smallest
        See :func:`match_segments`.
    gt_category, pred_category : (G,), (P,) int64
        Categories as :class:`pqeval.segments.Segments` has them.
    gt_stated : (G,) int64
        Areas as listed, ``NO_AREA`` where none is.
    gt_position, classes, last_only
        See :func:`excusing_crowds`.
    unknown_class : int
        What a predicted category is that the table lacks: ``TAKES_NO_PART`` or ``UNKNOWN_IS_WRONG``.
    stated_areas : bool
        Whether listed areas are used instead of counted ones.

    Returns
    -------
    rows, undefined
        See :func:`match_segments`.
    charged : (P,) int64
        See :func:`charge_unknown`.
    counted : (G,) int64
        Pixels of each gt row.
    differing : int
        The first gt row with pixels whose listed area is another one; -1 where there is none.
    several : bool
        Whether some class has more than one crowd.
    unknown : int
        Predicted pixels that take no part.
    """
    gt_class = np.empty(gt_ids.shape[0], np.int64)
    for g in range(gt_ids.shape[0]):
        gt_class[g] = max(gt_category[g], TAKES_NO_PART)
    pred_class = np.empty(pred_ids.shape[0], np.int64)
    for p in range(pred_ids.shape[0]):
        unlisted = pred_category[p] == UNKNOWN_CATEGORY
        pred_class[p] = unknown_class if unlisted else max(pred_category[p], TAKES_NO_PART)
        if rules & SKIP_PRED_CROWD and pred_crowd[p]:
            pred_class[p] = TAKES_NO_PART
    counted = sum_areas(pair_gt, inter, gt_ids.shape[0])
    pred_area = sum_areas(pair_pred, inter, pred_ids.shape[0])
    gt_area = counted.copy()
    differing = -1
    several = False
    crowds = np.zeros(classes, np.int64)
    for g in range(1, gt_ids.shape[0]):
        if gt_stated[g] != NO_AREA:
            if differing < 0 and counted[g] > 0 and gt_stated[g] != counted[g]:
                differing = g
            if stated_areas:
                gt_area[g] = gt_stated[g]
        if gt_crowd[g] and gt_class[g] >= 0:
            crowds[gt_class[g]] += 1
            if crowds[gt_class[g]] > 1:
                several = True
    unknown = 0
    for k in range(inter.shape[0]):
        if pred_class[pair_pred[k]] == TAKES_NO_PART:
            unknown += inter[k]
    charged = charge_unknown(pair_gt, pair_pred, inter, gt_class, gt_crowd, pred_class)
    marks = excusing_crowds(gt_class, gt_crowd, gt_position, classes, last_only)
    crowd = crowd_pixels(pair_gt, pair_pred, inter, gt_class, charged, marks, rules & ANY_CROWD != 0)
    truth = (gt_ids, gt_class, gt_crowd, gt_area)
    guess = (pred_ids, pred_class, pred_area, pred_crowd, charged, crowd)
    rows, undefined = match_segments(pair_gt, pair_pred, inter, *truth, *guess, rules, smallest)
    return rows, undefined, charged, counted, differing, several, unknown


def cache_folder() -> str | None:
    """Where compiled kernels are kept, or ``None``."""
    return getattr(getattr(match_segments, "stats", None), "cache_path", None)
