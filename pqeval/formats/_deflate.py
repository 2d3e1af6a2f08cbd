"""Deflate without the zeros, compiled.

What filters leave of a label map is nearly all zero, so this decoder never writes zeros: they just advance the
position. Its output are *events*, ``position << 32 | bytes``: up to four neighbouring bytes, the first in the
lowest place. A match copies the events of its source, which an index by blocks of 32 bytes finds.

Sources: RFC 1950 (zlib), RFC 1951 (deflate); what counts as broken is what zlib refuses.
"""

from __future__ import annotations

import numpy as np

from pqeval.core.compiled import kernel

OK, BROKEN, FULL = range(3)

# Literal integers are signed; with unsigned 64-bit numbers they would make signed shifts.
U0, U1, U2, U3, U4, U5, U6, U7, U8 = (np.uint64(number) for number in range(9))
U10, U14, U15, U16, U31, U32, U37, U63 = (np.uint64(number) for number in (10, 14, 15, 16, 31, 32, 37, 63))
LOW, HIGH = np.uint64(0xFFFFFFFF), np.uint64(0xFFFFFFFF << 32)
NEVER, THREE = np.uint64(1 << 62), np.uint64(3 << 32)  # the event behind the last one, and three bytes further

# Bits that one look into a table of codes decodes, and kinds of codes; numba would compile once for each literal.
LITERAL_BITS, DISTANCE_BITS, LENGTH_BITS = np.int64(11), np.int64(9), np.int64(7)
OF_LITERALS, OF_DISTANCES, OF_LENGTHS = np.int64(0), np.int64(1), np.int64(2)
LITERAL_MASK, DISTANCE_MASK, LENGTH_MASK = (np.uint64((1 << bits) - 1) for bits in (11, 9, 7))
LITERAL, END = np.uint64(64), np.uint64(128)  # flags of a table entry: bits | flags | extra << 8 | value << 16
LENGTH_EXTRA = np.array([0] * 8 + [extra for extra in range(1, 6) for _ in range(4)] + [0], np.uint64)
LENGTHS = np.cumsum(np.concatenate([[np.uint64(3)], U1 << LENGTH_EXTRA[:-1]]), dtype=np.uint64)
LENGTHS[28] = 258
DISTANCE_EXTRA = np.array([0, 0] + [number // 2 for number in range(28)], np.uint64)
DISTANCES = np.array([1, 2] + [(2 + number % 2) * 2 ** (number // 2) + 1 for number in range(28)], np.uint64)
REPEAT_EXTRA = np.array([2, 3, 7], np.uint64)
ORDER = np.array([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15], np.int64)
REACH = 9  # a match spans at most that many further blocks of 32 bytes
ADLER = np.uint64(65521)
STRETCH, LANES, LANE = (np.uint64(number) for number in (4096, 0x00FF00FF, 0xFFFF))


@kernel
def entry_of(kind, symbol):
    """The table entry of a symbol of one of the three kinds of codes, without its bits."""
    if kind == OF_LITERALS:
        if symbol < 256:
            return LITERAL | np.uint64(symbol) << U16
        if symbol == 256:
            return END
        if symbol < 286:
            return LENGTH_EXTRA[symbol - 257] << U8 | LENGTHS[symbol - 257] << U16
        return END | U1 << U16
    if kind == OF_DISTANCES:
        if symbol < 30:
            return DISTANCE_EXTRA[symbol] << U8 | DISTANCES[symbol] << U16
        return END
    return np.uint64(symbol) << U16


@kernel
def build_table(lengths, count, bits, kind, table, codes):
    """Build the table of a prefix code.

    Parameters
    ----------
    lengths : uint8 array
        Code lengths of ``count`` symbols, 0 where a symbol does not occur.
    count, bits, kind : int
        Number of symbols, bits that one look decodes, kind of code.
    table : uint64 array
        Receives an entry for every pattern of ``bits`` bits; 0 where it begins no code of so few bits.
    codes : (352,) int64
        Receives what :func:`long_code` needs: per length the first code, the number of codes, and where their
        symbols begin, then the symbols.

    Returns
    -------
    bool
        Whether zlib accepts the code: complete, or a single code of one bit.
    """
    for k in range(48):
        codes[k] = 0
    for symbol in range(count):
        codes[16 + np.int64(lengths[symbol])] += 1
    codes[16] = 0
    left = 1
    used = 0
    code = 0
    for length in range(1, 16):
        left = 2 * left - codes[16 + length]
        if left < 0:
            return False
        codes[length] = code
        codes[32 + length] = 48 + used
        used += codes[16 + length]
        code = (code + codes[16 + length]) << 1
    if left > 0 and (kind == OF_LENGTHS or used > 1 or used != codes[17]):
        return False
    for k in range(1 << bits):
        table[k] = U0
    taken = np.zeros(16, np.int64)
    for symbol in range(count):
        length = np.int64(lengths[symbol])
        if length == 0:
            continue
        code = codes[length] + taken[length]
        codes[codes[32 + length] + taken[length]] = symbol
        taken[length] += 1
        if length > bits:
            continue
        mirrored = 0
        for _ in range(length):
            mirrored = mirrored << 1 | code & 1
            code >>= 1
        entry = entry_of(kind, symbol) | np.uint64(length)
        while mirrored < 1 << bits:
            table[mirrored] = entry
            mirrored += 1 << length
    return True


@kernel
def long_code(window, codes, kind):
    """Decode a code that the table does not have, bit by bit; 0 where there is none."""
    code = 0
    for length in range(1, 16):
        code = code << 1 | np.int64(window & U1)
        window >>= U1
        place = code - codes[length]
        if 0 <= place < codes[16 + length]:
            return entry_of(kind, codes[codes[32 + length] + place]) | np.uint64(length)
    return U0


@kernel
def peek(words, bit):
    """The 64 bits from a position in the stream on."""
    word = bit >> U6
    offset = bit & U63
    return words[word] >> offset | words[word + U1] << U1 << (U63 - offset)


@kernel
def read_codes(words, bit, stop, fixed, literals, literal_codes, distances, distance_codes):
    """Read the head of a compressed block.

    Parameters
    ----------
    words, bit, stop : (N,) uint64, uint64, uint64
        The stream, the first bit of the head, and the end of the stream.
    fixed : bool
        Whether the block uses the fixed codes and has no head.
    literals, literal_codes, distances, distance_codes
        Filled by :func:`build_table`.

    Returns
    -------
    uint64
        The bit behind the head; 0 where it is broken.
    """
    lengths = np.zeros(320 + 138, np.uint8)
    if fixed:
        lengths[:144] = 8
        lengths[144:256] = 9
        lengths[256:280] = 7
        lengths[280:288] = 8
        build_table(lengths, np.int64(288), LITERAL_BITS, OF_LITERALS, literals, literal_codes)
        lengths[:32] = 5
        build_table(lengths, np.int64(32), DISTANCE_BITS, OF_DISTANCES, distances, distance_codes)
        return bit
    window = peek(words, bit)
    literal_count = np.int64(window & U31) + 257
    distance_count = np.int64(window >> U5 & U31) + 1
    length_count = np.int64(window >> U10 & U15) + 4
    bit += U14
    if literal_count > 286 or distance_count > 30:
        return U0
    for k in range(length_count):
        lengths[ORDER[k]] = peek(words, bit) & U7
        bit += U3
    if not build_table(lengths, np.int64(19), LENGTH_BITS, OF_LENGTHS, distances, distance_codes):
        return U0
    k = 0
    while k < literal_count + distance_count:
        window = peek(words, bit)
        entry = distances[window & LENGTH_MASK]
        size = entry & U63
        window >>= size
        bit += size
        if size == U0 or bit > stop:
            return U0
        symbol = np.int64(entry >> U16)
        if symbol < 16:
            lengths[k] = symbol
            k += 1
            continue
        # 16 repeats the length before, 17 and 18 a zero.
        extra = REPEAT_EXTRA[symbol - 16]
        bit += extra
        times = (11 if symbol == 18 else 3) + np.int64(window & ((U1 << extra) - U1))
        if k + times > literal_count + distance_count or (symbol == 16 and k == 0):
            return U0
        lengths[k : k + times] = lengths[k - 1] if symbol == 16 else 0
        k += times
    if not build_table(lengths, literal_count, LITERAL_BITS, OF_LITERALS, literals, literal_codes):
        return U0
    rest = lengths[literal_count:]
    sound = build_table(rest, distance_count, DISTANCE_BITS, OF_DISTANCES, distances, distance_codes)
    return bit if sound and lengths[256] > 0 else U0


@kernel
def append(events, count, last, position, value):
    """Add one byte to the events; returns their number and the last of them."""
    distance = position - (last >> U32)
    if distance < U4:
        last |= value << (distance << U3)
    elif value != U0:
        last = position << U32 | value
        count += U1
    events[count - U1] = last
    return count, last


@kernel
def inflate(data, words, start, stop, total, events, first):
    """Inflate a zlib stream to events.

    Parameters
    ----------
    data : (8 * N,) uint8
        A buffer with at least 32 bytes after the stream.
    words : (N,) uint64
        The same buffer.
    start, stop : int
        Where the stream lies.
    total : int
        Bytes that it must inflate to, below 2**29.
    events : (C,) uint64
        Receives the events, the last one followed by ``NEVER``.
    first : (total // 32 + 16,) uint32
        Room for the index of blocks: an event at or before the first one that reaches into the block.

    Returns
    -------
    status : int
        ``OK``; ``BROKEN``; or ``FULL`` where the events find no room.
    count : int
        Number of events. The first one can be of zeros.
    """
    if stop - start < 6 or data[start] & 15 != 8 or data[start] >> 4 > 7 or data[start + 1] & 32:
        return BROKEN, 0
    if (np.int64(data[start]) * 256 + np.int64(data[start + 1])) % 31:
        return BROKEN, 0
    literals = np.empty(1 << LITERAL_BITS, np.uint64)
    distances = np.empty(1 << DISTANCE_BITS, np.uint64)
    literal_codes = np.empty(352, np.int64)
    distance_codes = np.empty(352, np.int64)
    bit = np.uint64(start + 2) << U3
    end_bit = np.uint64(stop - 4) << U3
    size = np.uint64(total)
    room = np.uint64(events.shape[0] - 260)  # more than one match can add
    events[0] = first[0] = 0
    count = U1
    last = U0
    position = U0
    final = False
    while not final:
        window = peek(words, bit)
        final = window & U1 != U0
        kind = window >> U1 & U3
        bit += U3
        if bit > end_bit or kind == U3:
            return BROKEN, 0
        if kind == U0:
            at = (bit + U7) >> U3
            if (at + U4) << U3 > end_bit:
                return BROKEN, 0
            length = np.uint64(data[at]) | np.uint64(data[at + U1]) << U8
            if length ^ LOW & np.uint64(0xFFFF) != np.uint64(data[at + U2]) | np.uint64(data[at + U3]) << U8:
                return BROKEN, 0
            at += U4
            bit = (at + length) << U3
            if bit > end_bit or position + length > size:
                return BROKEN, 0
            for k in range(length):
                if count >= room:
                    return FULL, 0
                count, last = append(events, count, last, position, np.uint64(data[at + np.uint64(k)]))
                first[(position >> U5) + U1] = count - U1
                position += U1
            continue
        bit = read_codes(words, bit, end_bit, kind == U1, literals, literal_codes, distances, distance_codes)
        if bit == U0:
            return BROKEN, 0
        entry = literals[peek(words, bit) & LITERAL_MASK]
        while True:
            # The next entry is looked up before the window is refilled: the two do not wait for each other.
            if bit > end_bit:
                return BROKEN, 0
            if count >= room:
                return FULL, 0
            window = peek(words, bit)
            if entry == U0:
                entry = long_code(window, literal_codes, OF_LITERALS)
                if entry == U0:
                    return BROKEN, 0
            used = entry & U63
            window >>= used
            bit += used
            if entry & LITERAL:
                if position >= size:
                    return BROKEN, 0
                value = entry >> U16
                entry = literals[window & LITERAL_MASK]
                count, last = append(events, count, last, position, value)
                first[(position >> U5) + U1] = count - U1
                position += U1
                continue
            if entry & END:
                if entry >> U16:
                    return BROKEN, 0
                break
            extra = entry >> U8 & U15
            length = (entry >> U16) + (window & ((U1 << extra) - U1))
            window >>= extra
            bit += extra
            entry = distances[window & DISTANCE_MASK]
            if entry == U0:
                entry = long_code(window, distance_codes, OF_DISTANCES)
            if entry == U0 or entry & END:
                return BROKEN, 0
            used = entry & U63
            window >>= used
            extra = entry >> U8 & U15
            distance = (entry >> U16) + (window & ((U1 << extra) - U1))
            window >>= extra
            bit += used + extra
            entry = literals[window & LITERAL_MASK]
            end = position + length
            if distance > position or end > size:
                return BROKEN, 0
            block = position >> U5
            for k in range(1, REACH + 1):
                first[block + np.uint64(k)] = count - U1
            source = position - distance
            if (last >> U32) + U4 > source:
                events[count] = NEVER
                step = distance << U32
                begin = position << U32
                limit = end << U32
                k = np.uint64(first[source >> U5])
                event = events[k] + step
                # Pass what lies before the source: a few without a branch, then the rest, or cut what reaches in.
                for _ in range(3):
                    k += U1 if event + THREE < begin else U0
                    event = events[k] + step
                while event < begin:
                    value = (event & LOW) >> (min(position - (event >> U32), U4) << U3)
                    if value != U0:
                        event = begin | value
                        break
                    k += U1
                    event = events[k] + step
                while event < limit:
                    events[count] = last = event
                    first[(event >> U37) + U1] = count
                    count += U1
                    events[count] = NEVER
                    k += U1
                    event = events[k] + step
                kept = min(end - (last >> U32), U4)
                last &= HIGH | LOW >> ((U4 - kept) << U3)
                events[count - U1] = last
            position = end
    events[count] = NEVER
    if position != size or (bit + U7) >> U3 != np.uint64(stop - 4):
        return BROKEN, 0
    stored = np.uint64(0)
    for k in range(stop - 4, stop):
        stored = stored << U8 | np.uint64(data[k])
    return (OK if adler32(events, count, size) == stored else BROKEN), np.int64(count)


@kernel
def adler32(events, count, size):
    """Checksum of the inflated bytes: in closed form, as zeros add nothing to the sums."""
    low, high, start = U1, size, U0
    while start < count:
        behind = U0
        for k in range(min(STRETCH, count - start)):
            event = events[start + np.uint64(k)]
            even, odd = event & LANES, event >> U8 & LANES
            both = (even + odd & LANE) + (even + odd >> U16)
            low += both
            high += (size - (event >> U32)) * both
            behind += (odd & LANE) + (even >> U16 << U1) + U3 * (odd >> U16)
        low, high = low % ADLER, (high - behind) % ADLER
        start += STRETCH
    return (high << U16 | low) & LOW
