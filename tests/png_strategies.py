"""Strategies that write PNGs and deflate streams, also such as no compressor and no painter writes.

Everything is made from dice: :class:`strategies.Dice` where hypothesis shall shrink, :class:`Seeded` where there
are too many choices for that.
"""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from datasets import CHANNELS, GRAY, GRAY_ALPHA, PALETTE, RGB, RGBA, SIGNATURE, chunk
from hypothesis import strategies as st
from naive_png import DISTANCES, FIXED, LENGTHS, ORDER, WINDOW, predicted
from strategies import Dice

DEPTHS = {GRAY: (1, 2, 4, 8, 16), RGB: (8, 16), PALETTE: (1, 2, 4, 8), GRAY_ALPHA: (8, 16), RGBA: (8, 16)}
MODES = [(color, depth) for color, depths in DEPTHS.items() for depth in depths]
FAST_MODES = [(GRAY, 8), (GRAY, 16), (RGB, 8), (PALETTE, 8), (RGBA, 8)]
ID_MODES = [(RGB, 8), (RGBA, 8), *((PALETTE, depth) for depth in DEPTHS[PALETTE])]
MAP_MODES = [mode for mode in MODES if mode not in ((RGB, 16), (RGBA, 16), (GRAY_ALPHA, 16))]
LEVELS = (0, 1, 6, 9, 5, 2, 3, 4, 7, 8)
MANNERS = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED)
FLUSHES = (zlib.Z_NO_FLUSH, zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH, zlib.Z_PARTIAL_FLUSH, zlib.Z_BLOCK)
STORED, FIXED_CODES, DYNAMIC_CODES = range(3)


class Seeded:
    """Dice without hypothesis, see :class:`strategies.Dice`."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def below(self, count: int) -> int:
        return int(self.random.random() * count)  # several times as fast as randrange

    def pick(self, options: Sequence[Any]) -> Any:
        return options[self.below(len(options))]

    def shuffled(self, entries: Sequence[Any]) -> list[Any]:
        return self.random.sample(entries, len(entries))


# Pictures


class Picture(NamedTuple):
    """What a PNG shows: for every pixel a tuple of samples."""

    color: int
    depth: int
    rows: list[list[tuple[int, ...]]]
    palette: list[tuple[int, int, int]] | None = None

    def __repr__(self) -> str:
        return f"<{len(self.rows[0])} x {len(self.rows)} pixels, colour type {self.color}, depth {self.depth}>"


class Written(bytes):
    """Bytes that a report of a failure need not print: hypothesis takes a long one for a fault of its own."""

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>" if len(self) > 500 else f"Written({super().__repr__()})"


def grid_of(dice: Any, height: int, width: int, count: int) -> list[list[int]]:
    """Paint with numbers below ``count`` as annotators, renderers and nobody would."""
    kind = dice.pick(("blocks", "border", "stripes", "bars", "repeats", "speckle", "flat", "texture", "noise"))
    if kind == "flat":
        return [[dice.below(count)] * width for _ in range(1)] * height
    if kind == "stripes":
        period = 1 + dice.below(9)
        return [[(x // period + y * (period == 2)) % count for x in range(width)] for y in range(height)]
    if kind == "bars":
        period = 1 + dice.below(5)
        return [[y // period % count] * width for y in range(height)]
    if kind == "texture":
        slope, period = dice.below(4), 1 + dice.below(40)
        return [[(x + slope * y) % period % count for x in range(width)] for y in range(height)]
    if kind == "repeats":
        few = [[dice.below(count) for _ in range(width)] for _ in range(1 + dice.below(3))]
        return [few[dice.below(len(few))] for _ in range(height)]
    if kind == "noise":
        return [[dice.below(count) for _ in range(width)] for _ in range(height)]
    grid = [[0] * width for _ in range(height)]
    for _ in range(1 + dice.below(6)):
        top, left = dice.below(height), dice.below(width)
        bottom, right = top + 1 + dice.below(height - top), left + 1 + dice.below(width - left)
        number = dice.below(count)
        for y in range(top, bottom):
            grid[y][left:right] = [number] * (right - left)
        if kind == "border" and right - left > 2 and bottom - top > 2:
            for y in range(top, bottom):
                grid[y][left] = grid[y][right - 1] = 0
            grid[top][left:right] = grid[bottom - 1][left:right] = [0] * (right - left)
    if kind == "speckle":
        for _ in range(1 + dice.below(12)):
            grid[dice.below(height)][dice.below(width)] = dice.below(count)
    return grid


def picture(
    dice: Any, modes: Sequence[tuple[int, int]] = MODES, *, large: bool = False, opaque: bool = False
) -> Picture:
    """Paint a picture; a large one has more than 32 kB of samples."""
    color, depth = dice.pick(modes)
    channels, most = CHANNELS[color], 2**depth
    width = dice.pick((1 + dice.below(70), 1 + dice.below(9), 1 + dice.below(70), 300 + dice.below(60)))
    height = 1 + dice.below(24 if width < 100 else 6)
    if large:
        width = 80 + dice.below(250)
        height = (WINDOW + dice.below(9000)) * 8 // (width * channels * depth) + 2
    count = dice.pick((2, 3, 2, 6, 40, 256))
    if color == PALETTE:
        count = min(count, most)
    grid = grid_of(dice, height, width, count)
    if color == PALETTE:
        entries = count + dice.below(most - count + 1)
        few = [tuple(dice.pick((0, 1, 255, dice.below(256))) for _ in range(3)) for _ in range(1 + dice.below(9))]
        # Some colours twice: then indices fall together.
        palette = [dice.pick(few) if dice.below(3) == 0 else (place, dice.below(4), 7) for place in range(entries)]
        return Picture(color, depth, [[(number,) for number in row] for row in grid], palette)
    base = tuple(dice.below(most) for _ in range(channels))
    pool = [(0,) * channels]
    for number in range(1, count):
        # Many differ in one channel only.
        own = list(base)
        own[dice.below(channels)] = dice.pick((number, most - 1, 0, dice.below(most))) % most
        pool.append(tuple(own))
    if color == RGBA and (opaque or dice.below(4)):
        pool = [(*colour[:3], most - 1) for colour in pool]
    return Picture(color, depth, [[pool[number] for number in row] for row in grid])


def packed(numbers: Sequence[int], depth: int) -> bytes:
    """Pack the samples of a row, the first in the highest bits; the last byte is filled up with zeros."""
    size = -(-len(numbers) * depth // 8)
    if depth == 8:
        return bytes(numbers)
    value = 0
    for number in numbers:
        value = value << depth | number
    return (value << 8 * size - depth * len(numbers)).to_bytes(size, "big")


def filtered(lines: Sequence[bytes], kinds: Sequence[int], step: int) -> bytes:
    """Filter rows, each by its own filter."""
    out, above = bytearray(), bytes(len(lines[0]))
    for line, kind in zip(lines, kinds, strict=True):
        out.append(kind)
        behind, corner = bytes(step) + line, bytes(step) + above
        out += bytes(
            value - predicted(kind, left, up, upper) & 255
            for value, left, up, upper in zip(line, behind, above, corner, strict=False)
        )
        above = line
    return bytes(out)


def filters_of(dice: Any, height: int) -> list[int]:
    """Choose a filter for every row."""
    kind = dice.pick(("mixed", "one", "map", "mixed"))
    if kind == "one":
        return [dice.below(5)] * height
    return [dice.pick((0, 1, 2, 3, 4) if kind == "mixed" else (2, 4, 2, 4, 4, 1)) for _ in range(height)]


def raw_of(dice: Any, shown: Picture) -> bytes:
    """The filtered rows of a picture."""
    lines = [packed([number for pixel in row for number in pixel], shown.depth) for row in shown.rows]
    return filtered(lines, filters_of(dice, len(lines)), max(1, CHANNELS[shown.color] * shown.depth // 8))


# Deflate


class BitWriter:
    """A stream of bits, the lowest of each byte first."""

    def __init__(self) -> None:
        self.out, self.rest, self.count = bytearray(), 0, 0

    def number(self, value: int, bits: int) -> None:
        self.rest |= value << self.count
        self.count += bits
        while self.count >= 8:
            self.out.append(self.rest & 255)
            self.rest >>= 8
            self.count -= 8

    def code(self, text: str) -> None:
        for digit in text:
            self.number(int(digit), 1)

    def fill(self) -> None:
        self.number(0, -self.count % 8)


def wrapped(body: bytes, raw: bytes, *, header: bytes = b"\x78\x9c") -> bytes:
    """A zlib stream of deflated bytes."""
    return header + body + struct.pack(">I", zlib.adler32(raw))


def canonical(lengths: Sequence[int]) -> dict[int, str]:
    """The code of every symbol; the lengths need not make a code."""
    codes, code, before = {}, 0, 0
    for length, symbol in sorted((length, symbol) for symbol, length in enumerate(lengths) if length):
        code <<= length - before
        codes[symbol] = format(code, f"0{length}b")[-length:]
        code, before = code + 1, length
    return codes


def tree(dice: Any, symbols: Sequence[int], size: int, most: int) -> list[int]:
    """Lengths of a complete code for at least two of ``size`` symbols, with codes of up to ``most`` bits."""
    leaves = [1, 1]
    skew = dice.below(3)
    while len(leaves) < len(symbols):
        open_ones = [place for place, depth in enumerate(leaves) if depth < most]
        deepest = max(open_ones, key=lambda place: leaves[place])
        place = deepest if skew and dice.below(8 if skew == 1 else 60) else dice.pick(open_ones)
        leaves[place] += 1
        leaves.append(leaves[place])
    lengths = [0] * size
    for symbol, depth in zip(symbols, dice.shuffled(leaves), strict=True):
        lengths[symbol] = depth
    return lengths


def free_tokens(dice: Any, size: int) -> tuple[list[Any], bytes]:
    """Literals, and matches as (length, distance), at random; and what they mean."""
    tokens: list[Any] = []
    out = bytearray()
    zeros = 1 + dice.below(6)
    matches = 1 + dice.below(9)
    while len(out) < size:
        if out and dice.below(10) < matches:
            nearest = min(len(out), WINDOW)
            distance = dice.pick((1, min(nearest, 1 + dice.below(8)), nearest, 1 + dice.below(nearest)))
            length = min(size - len(out), dice.pick((3, 3 + dice.below(8), 3 + dice.below(256), 258)))
            if length >= 3:
                tokens.append((length, distance))
                for _ in range(length):
                    out.append(out[-distance])
                continue
        value = 0 if dice.below(8) < zeros else dice.pick((1, 255, dice.below(256)))
        tokens.append(value)
        out.append(value)
    return tokens, bytes(out)


def tokens_of(dice: Any, raw: bytes) -> list[Any]:
    """Cut bytes into literals and matches, not always the longest."""
    tokens: list[Any] = []
    at, seen, eager = 0, {}, 1 + dice.below(10)
    last = 1
    while at < len(raw):
        length = 0
        if dice.below(10) < eager:
            for distance in (at - seen.get(raw[at : at + 3], at), last, 1, 1 + dice.below(min(at, WINDOW) or 1)):
                if not 0 < distance <= min(at, WINDOW):
                    continue
                while at + length < len(raw) and length < 258 and raw[at + length] == raw[at + length - distance]:
                    length += 1
                if length >= 3:
                    last = distance
                    break
                length = 0
        seen[raw[at : at + 3]] = at
        if length < 3:
            tokens.append(raw[at])
            at += 1
            continue
        length = length if dice.below(4) else 3 + dice.below(length - 2)
        tokens.append((length, last))
        at += length
    return tokens


def length_ways(length: int) -> list[tuple[int, int, int]]:
    """Symbol, extra bits and their number; 258 can be said in two ways."""
    place = max(place for place, (_, base) in enumerate(LENGTHS) if base <= length)
    bits, base = LENGTHS[place]
    return [(257 + place, length - base, bits)] + [(284, 31, 5)] * (length == 258)


def distance_parts(distance: int) -> tuple[int, int, int]:
    """Symbol, extra bits and their number."""
    place = max(place for place, (_, base) in enumerate(DISTANCES) if base <= distance)
    bits, base = DISTANCES[place]
    return place, distance - base, bits


def write_head(
    writer: BitWriter,
    literals: Sequence[int],
    distances: Sequence[int],
    *,
    dice: Any = None,
    small: Sequence[int] | None = None,
) -> None:
    """Write the code lengths of a dynamic block; with dice they are packed in one of many ways."""
    lengths = [*literals, *distances]
    said: list[tuple[int, int, int]] = []
    at = 0
    while at < len(lengths):
        value = lengths[at]
        same = 1
        while at + same < len(lengths) and lengths[at + same] == value and same < 138:
            same += 1
        before = at > 0 and lengths[at - 1] == value
        if dice is not None and value == 0 and same >= 11 and dice.below(8):
            said.append((18, dice.pick((same, 11 + dice.below(same - 10))) - 11, 7))
        elif dice is not None and value == 0 and same >= 3 and dice.below(8):
            said.append((17, min(10, same) - 3, 3))
        elif dice is not None and before and same >= 3 and dice.below(8):
            said.append((16, min(6, same) - 3, 2))
        else:
            said.append((value, 0, 0))
        at += _times(said[-1])
    if small is None:
        used = sorted({symbol for symbol, _, _ in said})
        if dice is None:
            small = [4] * 16 + [0] * 3
        else:
            used += [symbol for symbol in range(19) if symbol not in used][
                : 1 if len(used) == 1 else dice.below(2)
            ]
            small = tree(dice, used, 19, 7)
    count = max([place + 1 for place, symbol in enumerate(ORDER) if small[symbol]] + [4])
    if dice is not None:
        count += dice.below(20 - count)
    writer.number(len(literals) - 257, 5)
    writer.number(len(distances) - 1, 5)
    writer.number(count - 4, 4)
    for symbol in ORDER[:count]:
        writer.number(small[symbol], 3)
    codes = canonical(small)
    for symbol, extra, bits in said:
        writer.code(codes[symbol])
        writer.number(extra, bits)


def _times(entry: tuple[int, int, int]) -> int:
    symbol, extra, _ = entry
    return {16: 3 + extra, 17: 3 + extra, 18: 11 + extra}.get(symbol, 1)


def codes_for(dice: Any, tokens: Sequence[Any]) -> tuple[list[int], list[int]]:
    """Choose code lengths with which a block can be written: complete codes, codes of one bit, or none."""
    literals, distances = {256}, set()
    for token in tokens:
        if isinstance(token, tuple):
            literals.add(dice.pick(length_ways(token[0]))[0])
            distances.add(distance_parts(token[1])[0])
        else:
            literals.add(token)
    literals |= {dice.below(286) for _ in range(dice.pick((0, 0, 3, 40)))}
    distances |= {dice.below(30) for _ in range(dice.pick((0, 0, 1, 2, 20)))}
    lengths = []
    for symbols, least, most in ((literals, 257, 286), (distances, 1, 30)):
        top = max(least, *(symbol + 1 for symbol in symbols)) if symbols else least
        size = top + dice.pick((0, 0, dice.below(most - top + 1)))
        if len(symbols) < 2:
            lengths.append([int(symbol in symbols) for symbol in range(size)])
        else:
            lengths.append(tree(dice, sorted(symbols), size, 15))
    return lengths[0], lengths[1]


def write_tokens(writer: BitWriter, dice: Any, tokens: Sequence[Any], literals: Any, distances: Any) -> None:
    """Write literals and matches with codes; the end of the block too."""
    for token in tokens:
        if not isinstance(token, tuple):
            writer.code(literals[token])
            continue
        symbol, extra, bits = dice.pick([way for way in length_ways(token[0]) if way[0] in literals])
        writer.code(literals[symbol])
        writer.number(extra, bits)
        symbol, extra, bits = distance_parts(token[1])
        writer.code(distances[symbol])
        writer.number(extra, bits)
    writer.code(literals[256])


def size_of(tokens: Sequence[Any]) -> int:
    """Bytes that tokens mean."""
    return sum(token[0] if isinstance(token, tuple) else 1 for token in tokens)


def deflated(dice: Any, tokens: Sequence[Any], raw: bytes) -> bytes:
    """Write tokens in blocks of all kinds."""
    writer = BitWriter()
    left, at = list(tokens), 0
    share = dice.pick((1, 2, 6))
    while True:
        count = len(left) if dice.below(share) == 0 else dice.below(len(left) + 1)
        block, left = left[:count], left[count:]
        kind = dice.pick((STORED, FIXED_CODES, DYNAMIC_CODES, DYNAMIC_CODES, DYNAMIC_CODES))
        size = size_of(block)
        if kind == STORED and size > 65535:
            kind = DYNAMIC_CODES
        last = not left and dice.below(8) > 0
        writer.number(int(last), 1)
        writer.number(kind, 2)
        if kind == STORED:
            writer.number(
                dice.below(1 << -writer.count % 8), -writer.count % 8
            )  # what stands there does not count
            writer.number(size | (size ^ 0xFFFF) << 16, 32)
            writer.fill()
            writer.out += raw[at : at + size]
        elif kind == FIXED_CODES:
            write_tokens(writer, dice, block, canonical(FIXED), canonical([5] * 32))
        else:
            lengths = codes_for(dice, block)
            write_head(writer, *lengths, dice=dice)
            write_tokens(writer, dice, block, *map(canonical, lengths))
        at += size
        if last:
            writer.fill()
            return bytes(writer.out)


def hand_made(dice: Any, raw: bytes) -> bytes:
    """A zlib stream that no compressor writes."""
    return wrapped(deflated(dice, tokens_of(dice, raw), raw), raw)


def compressed(dice: Any, raw: bytes) -> bytes:
    """A zlib stream from a compressor, perhaps of many blocks."""
    level, manner = dice.pick(LEVELS), dice.pick(MANNERS)
    # Windows of 256 bytes are what zlib writes wrongly, so it writes 512.
    writer = zlib.compressobj(
        level, zlib.DEFLATED, 15 - dice.pick((0, 0, dice.below(7))), 1 + dice.below(9), manner
    )
    out, at = b"", 0
    for _ in range(dice.pick((0, 0, 1, 5))):
        cut = at + dice.below(len(raw) - at + 1)
        out += writer.compress(raw[at:cut]) + writer.flush(dice.pick(FLUSHES))
        at = cut
    return out + writer.compress(raw[at:]) + writer.flush()


# Files


def pieces_of(dice: Any, stream: bytes) -> list[bytes]:
    """Cut a stream for IDAT chunks: one, several, one for each byte, empty ones."""
    kind = dice.pick(("one", "several", "one", "bytes", "halves"))
    if kind == "one":
        return [stream]
    if kind == "bytes" and len(stream) < 400:
        return [stream[at : at + 1] for at in range(len(stream))]
    if kind == "halves":
        return [b"", stream[: len(stream) // 2], b"", stream[len(stream) // 2 :], b""]
    cuts = sorted([0, *(dice.below(len(stream) + 1) for _ in range(1 + dice.below(6))), len(stream)])
    return [stream[begin:end] for begin, end in pairwise(cuts)]


OTHERS = ((b"tEXt", b"Title\0a map"), (b"gAMA", struct.pack(">I", 45455)), (b"prVt", b""), (b"tIME", bytes(7)))


def assembled(shown: Picture, pieces: Sequence[bytes], dice: Any = None) -> bytes:
    """Write the chunks of a file; with dice there are ancillary ones in between, and bytes behind the end."""
    dice = dice or Seeded(7)
    height, width = len(shown.rows), len(shown.rows[0])
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, shown.depth, shown.color, 0, 0, 0))]
    extra = dice.below(3) == 2
    parts += [dice.pick(OTHERS)] if extra else []
    if shown.palette is not None:
        parts.append((b"PLTE", bytes(number for colour in shown.palette for number in colour)))
    elif shown.color in (RGB, RGBA) and dice.below(8) == 7:
        parts.append((b"PLTE", bytes(range(9))))
    if extra and dice.below(2) and shown.color in (GRAY, RGB, PALETTE):
        parts.append((b"tRNS", bytes({GRAY: 2, RGB: 6, PALETTE: 1}[shown.color])))
    parts += [(b"IDAT", piece) for piece in pieces]
    parts += [dice.pick(OTHERS)] * (extra and dice.below(3))
    parts.append((b"IEND", b""))
    return SIGNATURE + b"".join(chunk(*part) for part in parts) + b"appended" * (extra and dice.below(2))


def png_of(dice: Any, many: Any, shown: Picture) -> bytes:
    """Write a picture in one of many ways; ``many`` are dice for the many choices of a hand-made stream."""
    raw = raw_of(dice, shown)
    stream = hand_made(many, raw) if dice.below(3) == 2 else compressed(dice, raw)
    return assembled(shown, pieces_of(dice, stream), dice)


SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def pictures(draw, modes: Sequence[tuple[int, int]] = MODES, *, large: bool = False, opaque: bool = False):
    """Draw a picture."""
    dice = Seeded(draw(SEEDS)) if large or draw(st.booleans()) else Dice(draw)
    return picture(dice, modes, large=large, opaque=opaque)


@st.composite
def files(draw, modes: Sequence[tuple[int, int]] = MODES, *, large: bool = False, opaque: bool = False):
    """Draw (bytes of a PNG, the picture)."""
    shown = draw(pictures(modes, large=large, opaque=opaque))
    return Written(png_of(Dice(draw), Seeded(draw(SEEDS)), shown)), shown


@st.composite
def streams(draw, largest: int = 3000):
    """Draw (zlib stream, what it inflates to)."""
    dice = Seeded(draw(SEEDS))
    size = draw(st.one_of(st.integers(0, 40), st.integers(0, largest)))
    tokens, raw = free_tokens(dice, size)
    if draw(st.booleans()):
        return Written(wrapped(deflated(dice, tokens, raw), raw)), Written(raw)
    return Written((hand_made if dice.below(3) == 0 else compressed)(dice, raw)), Written(raw)
