"""The rows of a PNG from events, compiled.

Zero residuals have a closed form on runs: under Up the row repeats the one above; under Sub the pixel repeats
its left neighbour; under Paeth it does so too, except where the row above changes. So a row is decoded from event
to event, and a row without events that repeats the row above costs nothing.

A run is ``end << 32 | pixel``, a pixel its bytes, the first in the lowest place. In the loops over runs both are
one load, for the sake of speed: where a load hangs on a condition, the compiler makes a branch that nobody can
predict, whereas a choice between numbers costs nothing.

Source: PNG specification, third edition, section 9 (filtering).
"""

from __future__ import annotations

import numpy as np

from pqeval.core.compiled import kernel

OK, BROKEN, FULL = range(3)
NONE, SUB, UP, AVERAGE, PAETH = (np.uint64(number) for number in range(5))

# Literal integers are signed; with unsigned 64-bit numbers they would make signed shifts.
U0, U1, U2, U3, U4, U8, U32, U33 = (np.uint64(number) for number in (0, 1, 2, 3, 4, 8, 32, 33))
BYTE, LOW = np.uint64(0xFF), np.uint64(0xFFFFFFFF)
SEVENS, TOPS = np.uint64(0x7F7F7F7F), np.uint64(0x80808080)
NOTHING = np.uint64(2**64 - 1)  # no pixel
WIDE = np.array([0, 0xFF, 0xFFFF, 0xFFFFFF, 0xFFFFFFFF], np.uint64)  # a pixel of so many bytes
PART = np.array([0, 1 << 33, 1 << 32, 0xAAAAAAAB, 1 << 31], np.uint64)  # x // bytes is x * part >> 33


@kernel
def add_bytes(a, b):
    """Add four bytes each, modulo 256."""
    return (a & SEVENS) + (b & SEVENS) ^ (a ^ b) & TOPS


@kernel
def mean_bytes(a, b):
    """Floor of the mean of four bytes each."""
    return (a & b) + ((a ^ b) >> U1 & SEVENS)


@kernel
def paeth_bytes(left, up, corner):
    """Whichever of three is nearest to left + up - corner, for four bytes each."""
    chosen = U0
    for k in range(4):
        shift = np.uint64(8 * k)
        a, b, c = (
            np.int64(left >> shift & BYTE),
            np.int64(up >> shift & BYTE),
            np.int64(corner >> shift & BYTE),
        )
        to_left, to_up, to_corner = abs(b - c), abs(a - c), abs(a + b - 2 * c)
        nearest = a if to_left <= to_up and to_left <= to_corner else (b if to_up <= to_corner else c)
        chosen |= np.uint64(nearest) << shift
    return chosen


@kernel
def gather(events, k, begin, stride, width, bytes_per_pixel, entries):
    """Collect the filter and the residuals of one row.

    Parameters
    ----------
    events : (N,) uint64
        As :func:`pqeval.formats._deflate.inflate` leaves them. An event that reaches into the next row is cut.
    k : uint64
        The first event of the row.
    begin, stride, width : uint64
        Where the row begins, its bytes with the filter byte, and its pixels.
    bytes_per_pixel : int
        1 to 4.
    entries : (width + 8,) uint64
        From place 1 on it receives ``column << 32 | residual`` of the pixels that have one; the entry behind
        them has the column ``width``.

    Returns
    -------
    k : uint64
        The first event of the next row.
    kind : uint64
        The filter.
    stop : uint64
        The place behind the last residual.
    """
    part, mask, shift = PART[bytes_per_pixel], WIDE[bytes_per_pixel], np.uint64(8 * bytes_per_pixel)
    bytes_each = np.uint64(bytes_per_pixel)
    pixels = begin + U1
    end = begin + stride
    limit = end << U32
    kind = U0
    at = U1
    latest = width + U1
    kept = U0
    event = events[k]
    if event < pixels << U32:
        kind = event & BYTE
        rest = (event & LOW) >> U8
        events[k] = pixels << U32 | rest
        k += U1 if rest == U0 else U0
        event = events[k]
    while event < limit:
        value = event & LOW
        place = (event >> U32) - pixels
        room = stride - U1 - place
        rest = U0
        if room < U4:
            rest = value >> (room << U3)
            value &= (U1 << (room << U3)) - U1
        x = place * part >> U33
        value <<= (place - x * bytes_each) << U3
        same = x == latest
        at -= U1 if same else U0
        kept = (kept if same else U0) | value & mask
        entries[at] = x << U32 | kept
        latest = x
        at += U1
        value = value >> U32 if bytes_per_pixel == 4 else value >> shift
        if bytes_per_pixel > 2:
            # At most one pixel is left; an entry for none is written over.
            more = value != U0
            latest += U1 if more else U0
            kept = value if more else kept
            entries[at] = latest << U32 | value
            at += U1 if more else U0
        else:
            while value != U0:
                latest += U1
                kept = value & mask
                entries[at] = latest << U32 | kept
                at += U1
                value >>= shift
        if rest != U0:
            events[k] = end << U32 | rest
        else:
            k += U1
        event = events[k]
    entries[at] = width << U32
    return k, kind, at


@kernel
def decode_up(runs, above, here, entries, width):
    """Write a row under Up: the runs above, with the residuals put over them."""
    at = here - U1
    j = above
    i = U1
    x = U0
    last = NOTHING
    while x < width:
        run = runs[j]
        entry = entries[i]
        end = run >> U32
        column = entry >> U32
        hit = column == x
        value = add_bytes(run & LOW, entry & LOW if hit else U0)
        i += U1 if hit else U0
        x = min(end, x + U1 if hit else column)
        at += U1 if value != last else U0
        runs[at] = x << U32 | value
        last = value
        j += U1 if end == x else U0
    return at


@kernel
def decode_paeth(runs, above, here, entries, width):
    """Write a row under Paeth: only where the row above changes, or a residual is, can the pixel change."""
    at = here - U1
    j = above
    i = U1
    x = U0
    left = U0
    up = U0
    last = NOTHING
    while x < width:
        end = runs[j] >> U32
        corner = up
        up = runs[j] & LOW
        value = up if left == corner else left
        # At the border of a segment two of the three are equal, and the nearest is known without a look at bytes.
        if (left != corner) & (up != corner) & (left != up):
            value = paeth_bytes(left, up, corner)
        entry = entries[i]
        hit = entry >> U32 == x
        value = add_bytes(value, entry & LOW if hit else U0)
        i += U1 if hit else U0
        x = min(end, entries[i] >> U32)
        at += U1 if value != last else U0
        runs[at] = x << U32 | value
        last = left = value
        j += U1 if end == x else U0
    return at


@kernel
def decode_average(runs, above, here, entries, width):
    """Write a row under Average: pixel by pixel, until the pixel repeats its left neighbour."""
    at = here - U1
    j = above
    i = U1
    x = U0
    left = U0
    last = NOTHING
    while x < width:
        end = runs[j] >> U32
        value = mean_bytes(left, runs[j] & LOW)
        entry = entries[i]
        hit = entry >> U32 == x
        value = add_bytes(value, entry & LOW if hit else U0)
        i += U1 if hit else U0
        x = min(end, entries[i] >> U32) if value == left and not hit else x + U1
        at += U1 if value != last else U0
        runs[at] = x << U32 | value
        last = left = value
        j += U1 if end == x else U0
    return at


@kernel
def decode_flat(runs, here, entries, width, sub):
    """Write a row under None or Sub: pixels without a residual are 0, or repeat their left neighbour."""
    at = here - U1
    i = U1
    x = U0
    last = NOTHING
    while x < width:
        entry = entries[i]
        column = entry >> U32
        hit = column == x
        value = add_bytes(last if sub and x > U0 else U0, entry & LOW if hit else U0)
        i += U1 if hit else U0
        x = x + U1 if hit else column
        at += U1 if value != last else U0
        runs[at] = x << U32 | value
        last = value
    return at


@kernel
def decode_rows(events, height, width, bytes_per_pixel, bottoms, begin, runs, entries):
    """Undo the filters.

    Parameters
    ----------
    events : (N,) uint64
        The inflated data; they are used up.
    height, width, bytes_per_pixel : int
        The image.
    bottoms, begin : (height,), (height + 1,) uint32
        Receive the lines, see :class:`pqeval.labelmap.LabelMap`; the runs of the first line begin at 1.
    runs : (R,) uint64
        Receives the runs; more than ``width``.
    entries : (width + 8,) uint64
        Room to work.

    Returns
    -------
    status : int
        ``OK``, ``BROKEN`` for a filter that does not exist, ``FULL`` where the runs find no room.
    lines : int
        Number of lines.
    """
    pixels = np.uint64(width)
    stride = pixels * np.uint64(bytes_per_pixel) + U1
    room = np.uint64(runs.shape[0])
    start = U0
    k = U0
    lines = 0
    runs[0] = pixels << U32  # above the first row all is zero
    above = U0
    here = U1
    for row in range(height):
        k, kind, stop = gather(events, k, start, stride, pixels, bytes_per_pixel, entries)
        start += stride
        if kind > PAETH:
            return BROKEN, 0
        if stop == U1 and lines > 0 and kind in (UP, PAETH):
            bottoms[lines - 1] = row + 1
            continue
        if here + pixels >= room:
            return FULL, 0
        if kind == UP:
            at = decode_up(runs, above, here, entries, pixels)
        elif kind == PAETH:
            at = decode_paeth(runs, above, here, entries, pixels)
        elif kind == AVERAGE:
            at = decode_average(runs, above, here, entries, pixels)
        else:
            at = decode_flat(runs, here, entries, pixels, kind == SUB)
        size = at + U1 - here
        same = lines > 0 and size == here - above
        for j in range(size):
            if not same:
                break
            same = runs[above + np.uint64(j)] == runs[here + np.uint64(j)]
        if not same:
            begin[lines] = here
            lines += 1
            above = here
            here = at + U1
        bottoms[lines - 1] = row + 1
    begin[lines] = here
    return OK, lines


@kernel
def unfilter(raw, height, width, bytes_per_pixel):
    """Undo the filters of a dense image, pixel by pixel.

    Parameters
    ----------
    raw : (height * (1 + width * bytes_per_pixel),) uint8
        The inflated data, read-only.
    height, width, bytes_per_pixel : int
        The image.

    Returns
    -------
    sound : bool
        Whether all filters exist.
    pixels : (height * width,) uint32
        The pixels, each its bytes, the first in the lowest place.
    """
    pixels = np.zeros(height * width, np.uint32)
    place = U0
    to = U0
    wide = np.uint64(width)
    for row in range(height):
        kind = np.uint64(raw[place])
        place += U1
        if kind > PAETH:
            return False, pixels
        left = U0
        corner = U0
        for _ in range(width):
            value = U0
            for k in range(bytes_per_pixel):
                value |= np.uint64(raw[place]) << np.uint64(8 * k)
                place += U1
            up = np.uint64(pixels[to - wide]) if row else U0
            if kind == SUB:
                value = add_bytes(value, left)
            elif kind == UP:
                value = add_bytes(value, up)
            elif kind == AVERAGE:
                value = add_bytes(value, mean_bytes(left, up))
            elif kind == PAETH:
                value = add_bytes(
                    value, up if left == corner else left if up == corner else paeth_bytes(left, up, corner)
                )
            pixels[to] = value
            to += U1
            left = value
            corner = up
    return True, pixels
