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
    rows : (R,) uint64
        The runs as ``end << 32 | row``; the row is S where the table lacks the id.
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
    rows = np.empty(runs.shape[0], np.uint64)
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
def run_overlap(gt_bottoms, gt_begin, gt_rows, gt_count, pred_bottoms, pred_begin, pred_rows, pred_count):
    """Count pixels per pair of (gt row, pred row) by walking two maps at once.

    Where a line of the one stands beside a line of the other for several rows, it is walked once.

    Parameters
    ----------
    gt_bottoms, gt_begin, pred_bottoms, pred_begin : arrays of uint32
        The lines of two maps as :class:`pqeval.labelmap.LabelMap` has them, of equal height and width.
    gt_rows, pred_rows : (R,), (S,) uint64
        Their runs as ``end << 32 | row``; row 0 is void.
    gt_count, pred_count : int
        Number of rows of the tables, row 0 included.

    Returns
    -------
    gt_row, pred_row : (K,) int64
        Every pair that shares a pixel, ascending.
    pixels : (K,) int64
        Pixels shared.
    """
    # Every step of a walk ends a run of a line; a line is walked once for each line beside it.
    cells = gt_count * pred_count
    dense = cells <= 4096 + 2 * (gt_rows.shape[0] + pred_rows.shape[0])
    capacity = cells if dense else 1024
    keys = np.full(1 if dense else capacity, -1, np.int64)
    sums = np.zeros(capacity, np.int64)
    used = 0
    width = gt_rows[-1] >> U32
    g = 0
    p = 0
    top = 0
    while g < gt_bottoms.shape[0]:
        bottom = min(gt_bottoms[g], pred_bottoms[p])
        times = np.int64(bottom) - top
        most = used + np.int64(gt_begin[g + 1] - gt_begin[g]) + np.int64(pred_begin[p + 1] - pred_begin[p])
        if not dense and 2 * most > capacity:
            while 2 * most > capacity:
                capacity *= 2
            keys, sums = rehash(keys, sums, capacity)
        i = np.uint64(gt_begin[g])
        j = np.uint64(pred_begin[p])
        start = U0
        while True:
            gt_run = gt_rows[i]
            pred_run = pred_rows[j]
            gt_end = gt_run >> U32
            pred_end = pred_run >> U32
            end = min(gt_end, pred_end)
            key = np.int64(gt_run & LOW) * pred_count + np.int64(pred_run & LOW)
            slot = np.uint64(key)
            if not dense:
                slot = slot_of(keys, key)
                used += keys[slot] == -1
                keys[slot] = key
            sums[slot] += np.int64(end - start) * times
            if end == width:
                break
            start = end
            i += U1 if gt_end == end else U0
            j += U1 if pred_end == end else U0
        top = np.int64(bottom)
        g += gt_bottoms[g] == bottom
        p += pred_bottoms[p] == bottom
    if dense:
        for key in range(cells):
            used += sums[key] > 0
    pairs = np.empty(used, np.int64)
    pixels = np.empty(used, np.int64)
    at = 0
    for place in range(capacity):
        if sums[place] > 0:
            pairs[at] = place if dense else keys[place]
            pixels[at] = sums[place]
            at += 1
    if not dense:
        order = sort_order(pairs)
        pairs = pairs[order]
        pixels = pixels[order]
    return pairs // pred_count, pairs % pred_count, pixels
