"""Slow twin of the PNG decoder: chunks, inflate, filters in plain Python, as close to the definitions as can be.

Nothing of pqeval is imported, nothing is fast, and neither zlib nor Pillow helps. Whatever is not sound raises
:class:`BrokenError`. Interlaced files are left out.

Sources: RFC 1950 (zlib), RFC 1951 (deflate); PNG specification, third edition, sections 5 (chunks), 7.2 (scan
lines), 9 (filtering), 11.2 (critical chunks) and annex D (CRC). Where RFC 1951 says nothing about what is broken,
zlib decides: a code is complete, or it is a single code of one bit; there may be no distance codes at all; a block
can end.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}

# RFC 1951, section 3.2.5: (extra bits, first length) and (extra bits, first distance) of each symbol.
LENGTHS = (
    *((0, length) for length in range(3, 11)),
    *((1, length) for length in (11, 13, 15, 17)),
    *((2, length) for length in (19, 23, 27, 31)),
    *((3, length) for length in (35, 43, 51, 59)),
    *((4, length) for length in (67, 83, 99, 115)),
    *((5, length) for length in (131, 163, 195, 227)),
    (0, 258),
)
DISTANCES = (
    *((0, distance) for distance in (1, 2, 3, 4)),
    *((1, distance) for distance in (5, 7)),
    *((2, distance) for distance in (9, 13)),
    *((3, distance) for distance in (17, 25)),
    *((4, distance) for distance in (33, 49)),
    *((5, distance) for distance in (65, 97)),
    *((6, distance) for distance in (129, 193)),
    *((7, distance) for distance in (257, 385)),
    *((8, distance) for distance in (513, 769)),
    *((9, distance) for distance in (1025, 1537)),
    *((10, distance) for distance in (2049, 3073)),
    *((11, distance) for distance in (4097, 6145)),
    *((12, distance) for distance in (8193, 12289)),
    *((13, distance) for distance in (16385, 24577)),
)
ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)
FIXED = [8] * 144 + [9] * 112 + [7] * 24 + [8] * 8
WINDOW = 32768


class BrokenError(ValueError):
    """The data are not sound."""


# Checksums


def crc32(data, start=0):
    """Annex D of the PNG specification, bit by bit; ``start`` is the checksum of what comes before."""
    crc = start ^ 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xEDB88320 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def adler32(data):
    """RFC 1950, section 2.2."""
    low, high = 1, 0
    for byte in data:
        low = (low + byte) % 65521
        high = (high + low) % 65521
    return high << 16 | low


# Deflate


class Bits:
    """A stream of bits, the lowest of each byte first."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def bit(self):
        if self.at >= 8 * len(self.data):
            raise BrokenError("the stream ends too early")
        value = self.data[self.at // 8] >> self.at % 8 & 1
        self.at += 1
        return value

    def number(self, count):
        return sum(self.bit() << place for place in range(count))

    def symbol(self, codes):
        """Read a code: its most significant bit comes first."""
        code = ""
        while code not in codes:
            code += "01"[self.bit()]
            if len(code) > 15:
                raise BrokenError("no such code")
        return codes[code]


def codes_of(lengths, kind):
    """Give each symbol its code (RFC 1951, section 3.2.2), as text of 0 and 1."""
    used = [length for length in lengths if length]
    space = sum(2 ** (15 - length) for length in used)
    if space > 2**15:
        raise BrokenError(f"too many {kind} codes")
    if space < 2**15 and not (used == [1] and kind != "length") and not (used == [] and kind == "distance"):
        raise BrokenError(f"the {kind} code is incomplete")
    codes, code, before = {}, 0, 0
    for length, symbol in sorted((length, symbol) for symbol, length in enumerate(lengths) if length):
        code <<= length - before
        codes[format(code, f"0{length}b")] = symbol
        code, before = code + 1, length
    return codes


def dynamic_codes(bits):
    """Read the head of a block (RFC 1951, section 3.2.7)."""
    literals, distances, count = bits.number(5) + 257, bits.number(5) + 1, bits.number(4) + 4
    if literals > 286 or distances > 30:
        raise BrokenError("too many symbols")
    small = [0] * 19
    for place in ORDER[:count]:
        small[place] = bits.number(3)
    codes = codes_of(small, "length")
    lengths = []
    while len(lengths) < literals + distances:
        symbol = bits.symbol(codes)
        if symbol < 16:
            lengths.append(symbol)
        elif symbol == 16:
            if not lengths:
                raise BrokenError("nothing to repeat")
            lengths += [lengths[-1]] * (3 + bits.number(2))
        else:
            lengths += [0] * (3 + bits.number(3) if symbol == 17 else 11 + bits.number(7))
    if len(lengths) > literals + distances:
        raise BrokenError("a repeat goes too far")
    if not lengths[256]:
        raise BrokenError("the block cannot end")
    return codes_of(lengths[:literals], "literal"), codes_of(lengths[literals:], "distance")


def copied(out, length, distance):
    """Append what stands this far back, byte by byte."""
    if distance > len(out) or distance > WINDOW:
        raise BrokenError("a match from before the beginning")
    for _ in range(length):
        out.append(out[-distance])


def inflate(stream):
    """Inflate a zlib stream that ends where its bytes do."""
    if len(stream) < 6 or stream[0] & 15 != 8 or stream[0] >> 4 > 7 or stream[1] & 32:
        raise BrokenError("no zlib stream, or one with a dictionary")
    if (256 * stream[0] + stream[1]) % 31:
        raise BrokenError("the header of the stream is wrong")
    bits, out, final = Bits(stream[2:-4]), bytearray(), 0
    while not final:
        final, kind = bits.bit(), bits.number(2)
        if kind == 3:
            raise BrokenError("no such kind of block")
        if kind == 0:
            bits.at = -(-bits.at // 8) * 8
            length, complement = bits.number(16), bits.number(16)
            if length ^ complement != 0xFFFF:
                raise BrokenError("the length of a stored block is wrong")
            out += bytes(bits.number(8) for _ in range(length))
            continue
        literal, distance = dynamic_codes(bits) if kind == 2 else (codes_of(FIXED, "literal"), None)
        if distance is None:
            distance = codes_of([5] * 32, "distance")
        while (symbol := bits.symbol(literal)) != 256:
            if symbol < 256:
                out.append(symbol)
                continue
            if symbol > 285:
                raise BrokenError("no such length")
            extra, base = LENGTHS[symbol - 257]
            length = base + bits.number(extra)
            place = bits.symbol(distance)
            if place > 29:
                raise BrokenError("no such distance")
            extra, base = DISTANCES[place]
            copied(out, length, base + bits.number(extra))
    if (bits.at + 7) // 8 != len(bits.data):
        raise BrokenError("bytes behind the last block")
    if adler32(out) != int.from_bytes(stream[-4:], "big"):
        raise BrokenError("the checksum of the stream is wrong")
    return bytes(out)


# Filters


def nearest(left, up, corner):
    """Paeth's choice; left goes before up, up before corner."""
    guess = left + up - corner
    to_left, to_up, to_corner = abs(guess - left), abs(guess - up), abs(guess - corner)
    if to_left <= to_up and to_left <= to_corner:
        return left
    return up if to_up <= to_corner else corner


def predicted(kind, left, up, corner):
    """What a filter expects of a byte."""
    if kind == 0:
        return 0
    if kind == 1:
        return left
    if kind == 2:
        return up
    return (left + up) // 2 if kind == 3 else nearest(left, up, corner)


def unfilter(raw, row_bytes, step):
    """Undo the filters; ``step`` is how many bytes further left the same byte of the pixel before stands."""
    rows, above = [], bytes(row_bytes)
    for start in range(0, len(raw), row_bytes + 1):
        kind, line = raw[start], bytearray(raw[start + 1 : start + 1 + row_bytes])
        if kind > 4:
            raise BrokenError("no such filter")
        for at in range(row_bytes):
            left, corner = (line[at - step], above[at - step]) if at >= step else (0, 0)
            line[at] = (line[at] + predicted(kind, left, above[at], corner)) & 255
        rows.append(bytes(line))
        above = line
    return rows


# Files


class Image(NamedTuple):
    """A decoded PNG: a tuple of samples for every pixel."""

    color: int
    depth: int
    palette: bytes
    rows: list


def chunks(data):
    """List (name, body) up to IEND."""
    if data[:8] != SIGNATURE:
        raise BrokenError("no PNG")
    found, at = [], 8
    while not found or found[-1][0] != b"IEND":
        if at + 12 > len(data):
            raise BrokenError("the file ends before IEND")
        length, name = struct.unpack_from(">I4s", data, at)
        if at + 12 + length > len(data):
            raise BrokenError("the file ends inside a chunk")
        body = data[at + 8 : at + 8 + length]
        if crc32(name + body) != int.from_bytes(data[at + 8 + length : at + 12 + length], "big"):
            raise BrokenError("the checksum of a chunk is wrong")
        found.append((name, body))
        at += 12 + length
    return found


def samples_of(line, depth, count):
    """Unpack the samples of a row, the first in the highest bits."""
    if depth == 8:
        return list(line)
    number = int.from_bytes(line, "big")
    bits = 8 * len(line)
    return [number >> bits - (place + 1) * depth & (1 << depth) - 1 for place in range(count)]


def decode(data):
    """Decode a file."""
    parts = chunks(data)
    names = [name for name, _ in parts]
    if names[0] != b"IHDR" or names.count(b"IHDR") > 1 or names.count(b"PLTE") > 1 or len(parts[0][1]) != 13:
        raise BrokenError("the header, or a second header or palette")
    places = [place for place, name in enumerate(names) if name == b"IDAT"]
    if not places or places != list(range(places[0], places[-1] + 1)):
        raise BrokenError("no image data, or scattered ones")
    width, height, depth, color, compression, filtering, interlace = struct.unpack(">IIBBBBB", parts[0][1])
    if not width or not height or compression or filtering or interlace:
        raise BrokenError("the header")
    channels = CHANNELS[color]
    row_bytes = -(-width * channels * depth // 8)
    raw = inflate(b"".join(body for name, body in parts if name == b"IDAT"))
    if len(raw) != height * (1 + row_bytes):
        raise BrokenError("rows are missing, or there are too many")
    rows = []
    for line in unfilter(raw, row_bytes, max(1, channels * depth // 8)):
        samples = samples_of(line, depth, width * channels)
        rows.append([tuple(samples[at : at + channels]) for at in range(0, len(samples), channels)])
    palette = dict(parts).get(b"PLTE", b"")
    if color == 3:
        used = max(max(pixel) for row in rows for pixel in row)
        if len(palette) % 3 or len(palette) > 768 or used >= len(palette) // 3:
            raise BrokenError("the palette")
    return Image(color, depth, palette, rows)


def number_of(colour):
    """R + 256 G + 65536 B."""
    return colour[0] + 256 * colour[1] + 65536 * colour[2]


def map_of(image):
    """The map of pixel values: ids of colours, levels, indices."""
    return [[number_of(pixel) if len(pixel) > 2 else pixel[0] for pixel in row] for row in image.rows]


def ids_of(image):
    """The map of ids: of the colours, or the colours of a palette."""
    if image.color != 3:
        return map_of(image)
    return [[number_of(image.palette[3 * place : 3 * place + 3]) for (place,) in row] for row in image.rows]
