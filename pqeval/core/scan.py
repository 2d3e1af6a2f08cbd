"""From a dense map to lines of runs: one compiled pass over the pixels, 64 at a time.

Two things that processors do in a few instructions have no name in numba, so they are written in the terms of its
code generator. Where numba is told not to compile (``NUMBA_DISABLE_JIT``) the same is done in Python. They stand
in this file because numba's disk cache would not notice if they changed in another.
"""

from __future__ import annotations

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np import arrayobj

from pqeval.core.compiled import kernel

# Literal integers are signed; with unsigned 64-bit numbers they would make floats or signed shifts.
U0, U1, U32, U64 = (np.uint64(number) for number in (0, 1, 32, 64))
LOW = np.uint64(0xFFFFFFFF)
LANES = 64


def trailing_zeros(number):
    """Count the zero bits below the lowest one bit of a uint64 that is not zero."""
    return np.uint64((int(number) & -int(number)).bit_length() - 1)


def changes(pixels, start):
    """Compare 64 pixels with their left neighbours.

    Parameters
    ----------
    pixels : (N,) array of an unsigned dtype
        C-contiguous.
    start : uint64
        The first of them, from 1 to N - 64.

    Returns
    -------
    uint64
        Bit j tells whether pixel ``start + j`` differs from the one before it.
    """
    first = int(start)
    here, before = pixels[first : first + LANES], pixels[first - 1 : first - 1 + LANES]
    return np.packbits(here != before, bitorder="little").view(np.uint64)[0]


def _trailing_zeros(typingctx, number):
    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), generate


def _changes(typingctx, pixels, start):
    def generate(context, builder, signature, arguments):
        array = arrayobj.make_array(signature.args[0])(context, builder, arguments[0])
        lane = context.get_value_type(signature.args[0].dtype)
        lanes = ir.VectorType(lane, LANES)

        def load(index):
            place = builder.bitcast(builder.gep(array.data, [index]), lanes.as_pointer())
            return builder.load(place, align=lane.width // 8)

        before = builder.sub(arguments[1], ir.Constant(arguments[1].type, 1))
        differ = builder.icmp_unsigned("!=", load(arguments[1]), load(before))
        return builder.bitcast(differ, ir.IntType(LANES))

    return types.uint64(pixels, types.uint64), generate


if not numba.config.DISABLE_JIT:
    trailing_zeros = intrinsic(_trailing_zeros)
    changes = intrinsic(_changes)


@kernel
def scan_lines(pixels, height, width, highest):
    """Find the lines of a dense map.

    Parameters
    ----------
    pixels : (height * width,) uint8, uint16, uint32 or uint64
        The ids in row-major order, read-only.
    height, width : int
        Rows and pixels per row.
    highest : int
        The largest number that is an id.

    Returns
    -------
    bottoms : (L,) uint32
        The row after the last one of each line; strictly increasing, the last is ``height``.
    begin : (L + 1,) uint32
        Where the runs of each line begin.
    runs : (R,) uint64
        Each run as ``end << 32 | id``; the end in its line, exclusive.
    sound : bool
        Whether no pixel is above ``highest``; the other results are void otherwise.
    """
    runs = np.empty(4096 + height * width // 32, np.uint64)
    bottoms = np.empty(height, np.uint32)
    begin = np.empty(height + 1, np.uint32)
    stop = np.uint64(width)
    largest = U0
    lines = 0
    before = 0
    at = 0
    for row in range(height):
        if at + width > runs.shape[0]:
            grown = np.empty(2 * at + width, np.uint64)
            # Not as slices: the message for slices that do not fit takes three seconds to compile.
            for place in range(at):
                grown[place] = runs[place]
            runs = grown
        start = np.uint64(row * width)
        here = at
        x = U1
        while x + U64 <= stop:
            found = changes(pixels, start + x)
            while found != U0:
                end = x + trailing_zeros(found)
                value = np.uint64(pixels[start + end - U1])
                largest = max(largest, value)
                runs[at] = end << U32 | value & LOW
                at += 1
                found &= found - U1
            x += U64
        while x < stop:
            value = np.uint64(pixels[start + x - U1])
            largest = max(largest, value)
            runs[at] = x << U32 | value & LOW
            at += pixels[start + x] != pixels[start + x - U1]
            x += U1
        value = np.uint64(pixels[start + stop - U1])
        largest = max(largest, value)
        runs[at] = stop << U32 | value & LOW
        at += 1
        same = lines > 0 and at - here == here - before
        for j in range(at - here):
            if not same:
                break
            same = runs[before + j] == runs[here + j]
        if same:
            at = here
        else:
            begin[lines] = here
            lines += 1
            before = here
        bottoms[lines - 1] = row + 1
    begin[lines] = at
    sound = largest <= np.uint64(highest)
    return bottoms[:lines].copy(), begin[: lines + 1].copy(), runs[:at].copy(), sound
