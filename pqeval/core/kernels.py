"""Every compiled loop of pqeval, in one file.

They live together because numba's disk cache does not notice when a callee in *another* file changes. They
trust their input: :mod:`pqeval.labelmap` and :mod:`pqeval.segments` are the gates. All arrays are
C-contiguous and writable, all arithmetic is on integers.
"""

from __future__ import annotations

import os
import stat
import tempfile

import numba
import numpy as np

TAKES_NO_PART = -1
UNKNOWN_IS_WRONG = -2

TP, FN, FP, VOID_EXCUSED, CROWD_EXCUSED, CROWD, UNKNOWN, IGNORED = range(1, 9)


def _private_cache():
    """A cache folder of this user alone, or ``None``: what numba reads from it, it unpickles."""
    user = getattr(os, "getuid", lambda: "user")()
    folder = os.path.join(tempfile.gettempdir(), f"pqeval-numba-{user}")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        seen = os.lstat(folder)
    except OSError:
        return None
    ours = stat.S_ISDIR(seen.st_mode) and (user == "user" or (seen.st_uid == user and not seen.st_mode & 0o022))
    return folder if ours and os.access(folder, os.W_OK) else None


def kernel(function):
    """Compile lazily, without the GIL, cached on disk where some folder can be written."""
    try:
        return numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # numba's "cannot cache function: no locator available": read-only install, no home
        folder = _private_cache()
    if folder is None:
        return numba.njit(nogil=True)(function)
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = folder
    try:
        return numba.njit(cache=True, nogil=True)(function)
    finally:
        numba.config.CACHE_DIR = before


def cache_folder() -> str | None:
    """Where compiled kernels are kept, or ``None``."""
    return getattr(getattr(match_segments, "stats", None), "cache_path", None)


@kernel
def dense_runs(pixels):
    """Find the runs of equal neighbours in a flat map.

    Parameters
    ----------
    pixels : (N,) uint32
        Ids in row-major order.

    Returns
    -------
    ends : (R,) int64
        Where each run ends (exclusive); strictly increasing, the last is N.
    ids : (R,) uint32
        The id of each run.
    """
    size = pixels.shape[0]
    runs = 1 if size else 0
    for i in range(1, size):
        runs += pixels[i] != pixels[i - 1]
    ends = np.empty(runs, np.int64)
    ids = np.empty(runs, np.uint32)
    run = 0
    for i in range(1, size):
        if pixels[i] != pixels[i - 1]:
            ends[run] = i
            ids[run] = pixels[i - 1]
            run += 1
    if size:
        ends[run] = size
        ids[run] = pixels[size - 1]
    return ends, ids


@kernel
def run_overlap(gt_ends, gt_rows, pred_ends, pred_rows, pred_count):
    """Count pixels per pair of (gt row, pred row) by walking two run lists at once.

    Parameters
    ----------
    gt_ends, pred_ends : (R,), (S,) int64
        Run ends of the two maps; the last entries are equal.
    gt_rows, pred_rows : (R,), (S,) int64
        Table row of each run; row 0 is void.
    pred_count : int
        Number of pred rows, row 0 included.

    Returns
    -------
    pairs : (K,) int64
        ``gt_row * pred_count + pred_row`` of every pair that shares a pixel, ascending.
    pixels : (K,) int64
        Pixels shared.
    """
    # Every step of the walk ends a run, so there are fewer than R + S steps and the table stays half empty.
    capacity = 16
    while capacity < 2 * (gt_ends.shape[0] + pred_ends.shape[0]):
        capacity *= 2
    mask = capacity - 1
    keys = np.full(capacity, -1, np.int64)
    sums = np.zeros(capacity, np.int64)
    used = 0
    i = 0
    j = 0
    start = 0
    while i < gt_ends.shape[0] and j < pred_ends.shape[0]:
        end = min(gt_ends[i], pred_ends[j])
        key = gt_rows[i] * pred_count + pred_rows[j]
        # Mixing by shifts and xor: a multiplication would overflow, which Python does not wrap silently.
        slot = (key ^ (key >> 7) ^ (key >> 17)) & mask
        while keys[slot] != key and keys[slot] != -1:
            slot = (slot + 1) & mask
        if keys[slot] == -1:
            keys[slot] = key
            used += 1
        sums[slot] += end - start
        start = end
        if gt_ends[i] == end:
            i += 1
        if pred_ends[j] == end:
            j += 1
    pairs = np.empty(used, np.int64)
    pixels = np.empty(used, np.int64)
    at = 0
    for slot in range(capacity):
        if keys[slot] != -1:
            pairs[at] = keys[slot]
            pixels[at] = sums[slot]
            at += 1
    order = np.argsort(pairs)
    return pairs[order], pixels[order]


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
def crowd_pixels(pair_gt, pair_pred, inter, gt_category, pred_category, marks):
    """Sum, per pred row, the pixels on marked crowds of its own class.

    Parameters
    ----------
    pair_gt, pair_pred, inter : (K,) int64
        The overlap table.
    gt_category, pred_category : (G,), (P,) int64
        Class index per row.
    marks : (G,) uint8
        Crowds that count, from :func:`excusing_crowds`.

    Returns
    -------
    (P,) int64
    """
    pixels = np.zeros(pred_category.shape[0], np.int64)
    for k in range(inter.shape[0]):
        g = pair_gt[k]
        p = pair_pred[k]
        if marks[g] and p > 0 and gt_category[g] == pred_category[p]:
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
    charged,
    crowd,
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
    crowd : (P,) int64
        Pixels on the crowds that excuse the segment.

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
        union = pred_area[p] + gt_area[g] - inter[k] - pred_void[p]
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
                rows[at, 6] = pred_area[p] + gt_area[g] - inter[best] - pred_void[p]
            rows[at, 7] = gt_area[g]
            rows[at, 8] = gt_void[g]
            at += 1
    for p in range(1, pred_count):
        if pred_category[p] == TAKES_NO_PART or charged[p] == TAKES_NO_PART:
            outcome = UNKNOWN
        elif pred_matched[p]:
            outcome = TP
        elif 2 * pred_void[p] > pred_area[p]:
            outcome = VOID_EXCUSED
        elif 2 * (pred_void[p] + crowd[p]) > pred_area[p]:
            outcome = CROWD_EXCUSED
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
            rows[at, 6] = pred_area[p] + gt_area[g] - inter[pred_best[p]] - pred_void[p]
        rows[at, 7] = pred_area[p]
        rows[at, 8] = pred_void[p]
        rows[at, 9] = crowd[p]
        at += 1
    return rows, undefined
