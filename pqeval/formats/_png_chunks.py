"""The chunks of a PNG, compiled: checked, and their image data joined.

Source: PNG specification, third edition, sections 5.3 (chunk layout), 5.5 (CRC) and 5.6 (ordering).
"""

from __future__ import annotations

import numpy as np

from pqeval.core.compiled import kernel

# Literal integers are signed; with unsigned 64-bit numbers they would make signed shifts.
U0, U1, U2, U3, U4, U5, U6, U7, U8, U16, U24 = (
    np.uint64(number) for number in (0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 24)
)
BYTE, LOW = np.uint64(0xFF), np.uint64(0xFFFFFFFF)
IHDR, PLTE, IDAT, IEND = (int.from_bytes(name, "big") for name in (b"IHDR", b"PLTE", b"IDAT", b"IEND"))


def _crc_tables() -> np.ndarray:
    tables = np.zeros((8, 256), np.uint32)
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (0xEDB88320 if value & 1 else 0)
        tables[0, byte] = value
    for k in range(1, 8):
        tables[k] = tables[k - 1] >> 8 ^ tables[0, tables[k - 1] & 255]
    return tables.astype(np.uint64)


CRC = _crc_tables()


@kernel
def crc32(data, start, stop):
    """Checksum of ``data[start:stop]``, eight bytes at a time."""
    crc = LOW
    at = np.uint64(start)
    end = np.uint64(stop)
    while at + U8 <= end:
        crc ^= (
            np.uint64(data[at])
            | np.uint64(data[at + U1]) << U8
            | np.uint64(data[at + U2]) << U16
            | np.uint64(data[at + U3]) << U24
        )
        crc = (
            CRC[7, crc & BYTE]
            ^ CRC[6, crc >> U8 & BYTE]
            ^ CRC[5, crc >> U16 & BYTE]
            ^ CRC[4, crc >> U24]
            ^ CRC[3, data[at + U4]]
            ^ CRC[2, data[at + U5]]
            ^ CRC[1, data[at + U6]]
            ^ CRC[0, data[at + U7]]
        )
        at += U8
    while at < end:
        crc = crc >> U8 ^ CRC[0, (crc ^ np.uint64(data[at])) & BYTE]
        at += U1
    return crc ^ LOW


@kernel
def join_data(data, size):
    """Check the chunks of a PNG and move its image data together, in place.

    Parameters
    ----------
    data : (N,) uint8
        The file, writable; the data of the first IDAT stay where they are, the others are moved behind them.
    size : int
        Bytes of the file.

    Returns
    -------
    start, stop : int
        Where the image data lie; ``start`` is 0 where the file is not sound.
    palette, palette_stop : int
        Where the palette lies; both are 0 where there is none.
    """
    at = 8
    start = 0
    stop = 0
    chunk = 0
    palette = 0
    palette_stop = 0
    ended = False
    while True:
        if at + 12 > size:
            return 0, 0, 0, 0
        length = 0
        name = 0
        for k in range(4):
            length = length << 8 | np.int64(data[at + k])
            name = name << 8 | np.int64(data[at + 4 + k])
        if at + 12 + length > size:
            return 0, 0, 0, 0
        crc = crc32(data, at + 4, at + 8 + length)
        for k in range(4):
            if np.uint64(data[at + 8 + length + k]) != crc >> np.uint64(24 - 8 * k) & BYTE:
                return 0, 0, 0, 0
        if (name == IHDR) != (chunk == 0):
            return 0, 0, 0, 0
        if name == PLTE:
            if palette:
                return 0, 0, 0, 0
            palette = at + 8
            palette_stop = palette + length
        if name == IDAT:
            if ended:
                return 0, 0, 0, 0
            if start == 0:
                start = at + 8
                stop = start
            if at + 8 == stop:
                stop += length
            else:
                for k in range(at + 8, at + 8 + length):
                    data[stop] = data[k]
                    stop += 1
        elif start:
            ended = True
        if name == IEND:
            return start, stop, palette, palette_stop
        at += 12 + length
        chunk += 1
