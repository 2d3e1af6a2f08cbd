"""The compiled loops over runs: from ids to rows of segment tables, and from two maps to shared pixels.

A map is kept as *lines*: each line is a row of pixels as runs, and counts for all rows from the end of the line
before it to its own ``bottom``. They trust their input: :mod:`pqeval.labelmap` and :mod:`pqeval.segments` are
the gates. Ends and row numbers are unsigned, since a signed index carries a wrap-around check.
"""

from __future__ import annotations

import numpy as np

from pqeval.core.compiled import kernel

UNLISTED = -2
CALLED_UNKNOWN = -3
UNKNOWN_CATEGORY = -1

# Literal integers are signed; with unsigned 64-bit numbers they would make floats or signed shifts.
U0, U1, U7, U17, U32 = (np.uint64(number) for number in (0, 1, 7, 17, 32))
LOW = np.uint64(0xFFFFFFFF)
KNUTH = np.uint64(2654435769)
FREE = np.uint64(2**64 - 1)


@kernel
def sort_order(keys):
    """Find the order that sorts keys: a merge sort, since numpy's in compiled code brings scipy along.

    Parameters
    ----------
    keys : (N,) int64
        What to sort by.

    Returns
    -------
    (N,) int64
        Places of the keys in ascending order; equal keys stay in theirs.
    """
    size = keys.shape[0]
    order = np.arange(size)
    merged = np.empty(size, np.int64)
    width = 1
    while width < size:
        for low in range(0, size, 2 * width):
            middle = min(low + width, size)
            high = min(low + 2 * width, size)
            left = low
            right = middle
            for at in range(low, high):
                if right == high or (left < middle and keys[order[left]] <= keys[order[right]]):
                    merged[at] = order[left]
                    left += 1
                else:
                    merged[at] = order[right]
                    right += 1
        order, merged = merged, order
        width *= 2
    return order


@kernel
def find(table, key):
    """Find a key in an ascending table; returns its place, or -1."""
    low = 0
    high = table.shape[0]
    while low < high:
        middle = (low + high) // 2
        if table[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low if low < table.shape[0] and table[low] == key else -1


@kernel
def arrange(ids, categories, crowd, area, known, index, unknown):
    """Sort a segment list by id, put void in front, and look its categories up.

    Parameters
    ----------
    ids, categories, area : (S,) int64
        Segment ids (distinct, from 1), category ids and stated areas, as listed.
    crowd : (S,) uint8
        1 for crowds.
    known, index : (C,) int64
        The category ids of the table, ascending, and their class indices.
    unknown : (U,) int64
        Category ids that the user declared to mean "unknown".

    Returns
    -------
    (S + 1,) arrays
        Ids, class indices, crowds, places in the list, and stated areas, as in
        :class:`pqeval.segments.Segments`.
    lacking : int
        How many segments have a category that neither the table nor ``unknown`` has.
    """
    count = ids.shape[0]
    order = sort_order(ids)
    new_ids = np.zeros(count + 1, np.int64)
    classes = np.full(count + 1, UNLISTED, np.int64)
    new_crowd = np.zeros(count + 1, np.uint8)
    position = np.full(count + 1, -1, np.int64)
    stated = np.full(count + 1, -(2**63), np.int64)
    lacking = 0
    for row in range(1, count + 1):
        place = order[row - 1]
        category = categories[place]
        new_ids[row] = ids[place]
        new_crowd[row] = crowd[place]
        position[row] = place
        stated[row] = area[place]
        at = find(known, category)
        classes[row] = index[at] if at >= 0 else UNKNOWN_CATEGORY
        for number in unknown:
            if number == category:
                classes[row] = CALLED_UNKNOWN
        lacking += classes[row] == UNKNOWN_CATEGORY
    return new_ids, classes, new_crowd, position, stated, lacking


@kernel
def rows_of(runs, table):
    """Look up the table row of each run.

    Parameters
    ----------
    runs : (R,) uint64
        Runs as ``end << 32 | id``.
    table : (S,) int64
        The ids of the segment table, ascending from 0, below 2**32.

    Returns
    -------
    rows : (R + 1,) uint64
        The runs as ``end << 32 | row``; the row is S where the table lacks the id. The entry behind the last run
        may be read and means nothing.
    lacking : int
        Number of runs whose id the table lacks.
    ghosts : int
        Number of rows above 0 that no run has.
    """
    size = table.shape[0]
    bits = 4
    while 1 << bits < 4 * size:
        bits += 1
    down = np.uint64(32 - min(bits, 32))
    mask = np.uint64((1 << bits) - 1)
    slots = np.full(1 << bits, FREE, np.uint64)
    for row in range(size):
        number = np.uint64(table[row])
        slot = (number * KNUTH & LOW) >> down & mask
        while slots[slot] != FREE:
            slot = (slot + U1) & mask
        slots[slot] = number << U32 | np.uint64(row)
    rows = np.zeros(runs.shape[0] + 1, np.uint64)
    seen = np.zeros(size + 1, np.uint8)
    lacking = 0
    for i in range(runs.shape[0]):
        number = runs[i] & LOW
        slot = (number * KNUTH & LOW) >> down & mask
        found = slots[slot]
        while found >> U32 != number and found != FREE:
            slot = (slot + U1) & mask
            found = slots[slot]
        # No row is so large that it could be taken for a free slot.
        if found == FREE:
            found = np.uint64(size)
            lacking += 1
        row = found & LOW
        rows[i] = runs[i] - number | row
        seen[row] = 1
    ghosts = 0
    for row in range(1, size):
        ghosts += seen[row] == 0
    return rows, lacking, ghosts


@kernel
def tabulate(ids, categories, crowd, area, known, index, unknown, runs):
    """Do :func:`arrange`, and :func:`rows_of` with its ids: one call for each side of an image."""
    new_ids, classes, new_crowd, position, stated, lacking = arrange(
        ids, categories, crowd, area, known, index, unknown
    )
    rows, without_row, without_run = rows_of(runs, new_ids)
    return new_ids, classes, new_crowd, position, stated, lacking, rows, without_row, without_run


@kernel
def slot_of(keys, key):
    """Find a key, or the free slot where it belongs.

    Parameters
    ----------
    keys : (C,) int64
        A hash table with a power of two of slots, -1 where free, never full.
    key : int
        What to look for, from 0.

    Returns
    -------
    uint64
    """
    mask = np.uint64(keys.shape[0] - 1)
    slot = np.uint64(key)
    # Mixing by shifts and xor: a multiplication would overflow, which Python does not wrap silently.
    slot = (slot ^ slot >> U7 ^ slot >> U17) & mask
    while keys[slot] != key and keys[slot] != -1:
        slot = (slot + U1) & mask
    return slot


@kernel
def rehash(keys, sums, capacity):
    """Move a hash table into a larger one.

    Parameters
    ----------
    keys, sums : (C,) int64
        The table, see :func:`slot_of`, and the sum of each key.
    capacity : int
        A power of two.

    Returns
    -------
    keys, sums : (capacity,) int64
    """
    new_keys = np.full(capacity, -1, np.int64)
    new_sums = np.zeros(capacity, np.int64)
    for slot in range(keys.shape[0]):
        if keys[slot] != -1:
            place = slot_of(new_keys, keys[slot])
            new_keys[place] = keys[slot]
            new_sums[place] = sums[slot]
    return new_keys, new_sums


@kernel
def dense_sums(gt_bottoms, gt_begin, gt_rows, gt_count, pred_bottoms, pred_begin, pred_rows, pred_count):
    """Do the work of :func:`run_overlap` with a cell for every pair; returns (gt_count * pred_count,) int64."""
    sums = np.zeros(gt_count * pred_count, np.int64)
    across = np.uint64(pred_count)
    width = gt_rows[-2] >> U32
    g = 0
    p = 0
    top = U0
    while g < gt_bottoms.shape[0]:
        bottom = np.uint64(min(gt_bottoms[g], pred_bottoms[p]))
        times = bottom - top
        i = np.uint64(gt_begin[g])
        j = np.uint64(pred_begin[p])
        gt_run = gt_rows[i]
        pred_run = pred_rows[j]
        start = U0
        while True:
            # The next runs are loaded before it is known which of them is due.
            gt_next = gt_rows[i + U1]
            pred_next = pred_rows[j + U1]
            gt_end = gt_run >> U32
            pred_end = pred_run >> U32
            end = min(gt_end, pred_end)
            sums[(gt_run & LOW) * across + (pred_run & LOW)] += np.int64((end - start) * times)
            if end == width:
                break
            start = end
            gt_due = gt_end <= pred_end
            pred_due = pred_end <= gt_end
            i += U1 if gt_due else U0
            j += U1 if pred_due else U0
            gt_run = gt_next if gt_due else gt_run
            pred_run = pred_next if pred_due else pred_run
        top = bottom
        g += gt_bottoms[g] == bottom
        p += pred_bottoms[p] == bottom
    return sums


@kernel
def hashed_sums(gt_bottoms, gt_begin, gt_rows, pred_bottoms, pred_begin, pred_rows, pred_count):
    """Do the same with a hash table, see :func:`slot_of`; returns keys ``gt_row * pred_count + pred_row``, sums,
    and how many slots are taken.
    """
    keys = np.full(1024, -1, np.int64)
    sums = np.zeros(1024, np.int64)
    capacity = 1024
    used = 0
    width = gt_rows[-2] >> U32
    g = 0
    p = 0
    top = U0
    while g < gt_bottoms.shape[0]:
        bottom = np.uint64(min(gt_bottoms[g], pred_bottoms[p]))
        # Every step of a walk ends a run; a line is walked once for each line beside it.
        most = used + np.int64(gt_begin[g + 1] - gt_begin[g]) + np.int64(pred_begin[p + 1] - pred_begin[p])
        if 2 * most > capacity:
            while 2 * most > capacity:
                capacity *= 2
            keys, sums = rehash(keys, sums, capacity)
        i = np.uint64(gt_begin[g])
        j = np.uint64(pred_begin[p])
        start = U0
        while True:
            gt_end = gt_rows[i] >> U32
            pred_end = pred_rows[j] >> U32
            end = min(gt_end, pred_end)
            key = np.int64(gt_rows[i] & LOW) * pred_count + np.int64(pred_rows[j] & LOW)
            slot = slot_of(keys, key)
            used += keys[slot] == -1
            keys[slot] = key
            sums[slot] += np.int64((end - start) * (bottom - top))
            if end == width:
                break
            start = end
            i += U1 if gt_end == end else U0
            j += U1 if pred_end == end else U0
        top = bottom
        g += gt_bottoms[g] == bottom
        p += pred_bottoms[p] == bottom
    return keys, sums, used


@kernel
def run_overlap(gt_bottoms, gt_begin, gt_rows, gt_count, pred_bottoms, pred_begin, pred_rows, pred_count):
    """Count pixels per pair of (gt row, pred row) by walking two maps at once.

    Where a line of the one stands beside a line of the other for several rows, it is walked once.

    Parameters
    ----------
    gt_bottoms, gt_begin, pred_bottoms, pred_begin : arrays of uint32
        The lines of two maps as :class:`pqeval.labelmap.LabelMap` has them, of equal height and width.
    gt_rows, pred_rows : (R + 1,), (S + 1,) uint64
        Their runs as ``end << 32 | row``, from :func:`rows_of`; row 0 is void.
    gt_count, pred_count : int
        Number of rows of the tables, row 0 included.

    Returns
    -------
    gt_row, pred_row : (K,) int64
        Every pair that shares a pixel, ascending.
    pixels : (K,) int64
        Pixels shared.
    """
    cells = gt_count * pred_count
    used = 0
    if cells <= 4096 + 2 * (gt_rows.shape[0] + pred_rows.shape[0]):
        dense = dense_sums(
            gt_bottoms, gt_begin, gt_rows, gt_count, pred_bottoms, pred_begin, pred_rows, pred_count
        )
        for cell in range(cells):
            used += dense[cell] > 0
        gt_row = np.empty(used, np.int64)
        pred_row = np.empty(used, np.int64)
        pixels = np.empty(used, np.int64)
        at = 0
        for g in range(gt_count):
            for p in range(pred_count):
                shared = dense[g * pred_count + p]
                if shared > 0:
                    gt_row[at] = g
                    pred_row[at] = p
                    pixels[at] = shared
                    at += 1
        return gt_row, pred_row, pixels
    keys, sums, used = hashed_sums(gt_bottoms, gt_begin, gt_rows, pred_bottoms, pred_begin, pred_rows, pred_count)
    taken = np.empty(used, np.int64)
    at = 0
    for slot in range(keys.shape[0]):
        if keys[slot] >= 0:
            taken[at] = slot
            at += 1
    pairs = keys[taken]
    order = sort_order(pairs)
    pairs = pairs[order]
    return pairs // pred_count, pairs % pred_count, sums[taken[order]]
