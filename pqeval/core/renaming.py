"""The compiled loops over the ids of runs: which there are, and other ids for them."""

from __future__ import annotations

import numpy as np

from pqeval.core.compiled import kernel

# Literal integers are signed; with unsigned 64-bit numbers they would make floats or signed shifts.
U1, U15, U16, U32 = (np.uint64(number) for number in (1, 15, 16, 32))
LOW = np.uint64(0xFFFFFFFF)
EMPTY = np.uint64(2**64 - 1)
SPREAD = np.uint64(2654435769)  # times 2**32 it still fits


@kernel
def slot_of_id(slots, number):
    """Find the slot of an id in a table of a power of two slots, or the empty one where it belongs."""
    mask = np.uint64(slots.shape[0] - 1)
    # Low bits of a product spread numbers that follow each other; folded, also those that differ in high bits.
    at = ((number ^ number >> U16) * SPREAD >> U15) & mask
    while slots[at] != EMPTY and slots[at] != number:
        at = (at + U1) & mask
    return at


@kernel
def distinct_ids(runs):
    """Collect the ids that runs have, in no order.

    Parameters
    ----------
    runs : (R,) uint64
        Each as ``end << 32 | id``.

    Returns
    -------
    (K,) uint32
    """
    slots = np.full(64, EMPTY, np.uint64)
    count = 0
    last = EMPTY
    for run in runs:
        number = run & LOW
        if number == last:
            continue
        last = number
        at = slot_of_id(slots, number)
        if slots[at] == number:
            continue
        slots[at] = number
        count += 1
        if 2 * count > slots.shape[0]:
            grown = np.full(4 * slots.shape[0], EMPTY, np.uint64)
            for known in slots:
                if known != EMPTY:
                    grown[slot_of_id(grown, known)] = known
            slots = grown
    found = np.empty(count, np.uint32)
    count = 0
    for known in slots:
        if known != EMPTY:
            found[count] = known
            count += 1
    return found


@kernel
def rename_runs(runs, old, new):
    """Give runs other ids.

    Parameters
    ----------
    runs : (R,) uint64
        Each as ``end << 32 | id``.
    old, new : (K,) uint32
        All ids that the runs have, and what each becomes.

    Returns
    -------
    renamed : (R,) uint64
        The runs.
    sound : bool
        Whether ``old`` has all ids.
    """
    size = 64
    while size < 4 * old.shape[0]:
        size *= 2
    slots = np.full(size, EMPTY, np.uint64)
    names = np.zeros(size, np.uint64)
    for k in range(old.shape[0]):
        at = slot_of_id(slots, np.uint64(old[k]))
        slots[at] = old[k]
        names[at] = new[k]
    renamed = np.empty(runs.shape[0], np.uint64)
    sound = True
    for k in range(runs.shape[0]):
        at = slot_of_id(slots, runs[k] & LOW)
        sound &= slots[at] != EMPTY
        renamed[k] = runs[k] >> U32 << U32 | names[at]
    return renamed, sound
