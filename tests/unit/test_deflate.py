"""The inflate that leaves zeros out: it says what zlib says, and refuses what zlib refuses."""

from __future__ import annotations

import os
import zlib
from itertools import pairwise

import naive_png as twin
import numpy as np
import png_strategies as ps
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from pqeval.formats import _deflate, _png_chunks
from pqeval.formats._deflate import BROKEN, FULL, NEVER, OK

COMPILED = os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")
SLOW = settings(max_examples=100 if COMPILED else 40)
U = np.uint64


def buffer_of(stream: bytes, start: int) -> tuple[np.ndarray, np.ndarray]:
    """The stream in the middle of other bytes, as bytes and as words."""
    words = np.full((start + len(stream) + 64 + 7) // 8, 0xA5C3_99E1_5A3C_F00F, U)
    data = words.view(np.uint8)
    data[start : start + len(stream)] = np.frombuffer(stream, np.uint8)
    return data, words


def inflate(stream: bytes, total: int, *, start: int = 41, room: int | None = None) -> tuple[int, bytes | None]:
    """Inflate to events, and these to bytes."""
    data, words = buffer_of(stream, start)
    # What is read before it is written finds an event behind everything.
    events = np.full(total + 300 if room is None else room, 2**63, U)
    first = np.full(total // 32 + 16, len(events) - 1, np.uint32)
    status, count = _deflate.inflate(data, words, start, start + len(stream), total, events, first)
    return int(status), written_out(events, int(count), total) if status == OK else None


def written_out(events: np.ndarray, count: int, total: int) -> bytes:
    """The bytes that events stand for: in order, none of them twice, none behind the end."""
    out = bytearray(total + 4)
    before = -1
    for event in events[:count].tolist():
        position, value = event >> 32, event & 0xFFFFFFFF
        assert before < position <= total
        before = position
        for k, byte in enumerate(value.to_bytes(4, "little")):
            assert not (byte and out[position + k])
            out[position + k] |= byte
    assert events[count] == NEVER
    assert not any(out[total:])
    return bytes(out[:total])


def by_zlib(stream: bytes, total: int) -> bytes | None:
    """What zlib makes of it, if it is that long and nothing is left."""
    reader = zlib.decompressobj()
    try:
        out = reader.decompress(stream, total + 1)
    except zlib.error:
        return None
    return out if len(out) == total and reader.eof and not reader.unused_data else None


def by_twin(stream: bytes, total: int) -> bytes | None:
    """What the twin makes of it, if it is that long."""
    try:
        out = twin.inflate(stream)
    except twin.BrokenError:
        return None
    return out if len(out) == total else None


def agree(stream: bytes, total: int, *, slow: bool = True) -> bool:
    """Assert that all three say the same; return whether they accept."""
    expected = by_zlib(stream, total)
    assert inflate(stream, total) == (BROKEN if expected is None else OK, expected)
    if slow:
        assert by_twin(stream, total) == expected
    return expected is not None


# Checksums


@given(st.binary(max_size=100), st.integers(0, 9))
def test_crc32_is_that_of_zlib_and_of_the_twin(body, start):
    data = np.frombuffer(bytes(start) + body + b"\xff" * 8, np.uint8).copy()
    found = _png_chunks.crc32(data, start, start + len(body))
    assert found == zlib.crc32(body) == twin.crc32(body)
    half = len(body) // 2
    assert twin.crc32(body[half:], twin.crc32(body[:half])) == found


def events_of(raw: bytes, dice) -> list[int]:
    """Events of all sizes that stand for these bytes: they may begin and end with zeros."""
    out, at = [], 0
    while at < len(raw):
        if raw[at] == 0 and dice.below(8):
            at += 1
            continue
        size = 1 + dice.below(4)
        out.append(at << 32 | int.from_bytes(raw[at : at + size], "little"))
        at += size
    return out


@pytest.mark.parametrize("size", [1, 2, 3, 5, 64, 5552, 20_000])
@pytest.mark.parametrize("fill", [0, 1, 255])
def test_adler32_is_that_of_zlib_and_of_the_twin(size, fill):
    if size == 20_000 and not COMPILED:
        size = 9000  # still more than one stretch between two divisions
    dice = ps.Seeded(size)
    for raw in (bytes([fill]) * size, bytes(dice.pick((fill, dice.below(256))) for _ in range(size))):
        listed = events_of(raw, dice)
        events = np.array([*listed, int(NEVER)], U)
        found = _deflate.adler32(events, U(len(listed)), U(size))
        assert found == zlib.adler32(raw) == twin.adler32(raw)


def test_adler32_of_the_longest_data_does_not_overflow():
    size = 2**29
    listed = [k << 32 | 0xFFFFFFFF for k in range(0, 4 * 5000, 4)]
    found = _deflate.adler32(np.array([*listed, int(NEVER)], U), U(len(listed)), U(size))
    low = 1 + 255 * 20_000
    high = size + 255 * sum(range(size - 20_000 + 1, size + 1))
    assert found == (high % 65521) << 16 | low % 65521


# Bits, events, tables


@given(st.lists(st.integers(0, 2**64 - 1), min_size=3, max_size=3), st.integers(0, 127))
def test_peek_sees_64_bits_from_anywhere(words, bit):
    whole = sum(word << 64 * place for place, word in enumerate(words))
    assert _deflate.peek(np.array(words, U), U(bit)) == whole >> bit & 2**64 - 1


@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from((0, 0, 1, 255))), max_size=12))
def test_append_merges_neighbours(steps):
    events = np.zeros(20, U)
    count, last, position, expected = U(1), U(0), -1, {}
    for gap, value in steps:
        position += 1 + gap
        expected |= {position: value} if value else {}
        count, last = _deflate.append(events, U(count), U(last), U(position), U(value))  # boxed as int
        assert last == events[int(count) - 1]
    found = [(event >> 32, event & 0xFFFFFFFF) for event in events[: int(count)].tolist()]
    bytes_of = {p + k: value >> 8 * k & 255 for p, value in found for k in range(4) if value >> 8 * k & 255}
    assert bytes_of == expected
    assert all(after[0] - before[0] >= 4 for before, after in pairwise(found))


def meaning(entry: int, kind: int):
    """A table entry in words."""
    bits, extra, value = entry & 63, entry >> 8 & 15, entry >> 16
    flags = {0: "value", 64: "literal", 128: "end"}[entry & 192]
    return bits, flags, extra, value


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_entries_mean_what_the_standard_says(kind):
    for symbol in range((288, 32, 19)[kind]):
        entry = int(_deflate.entry_of(kind, symbol))
        if kind == 2:
            expected = (0, "value", 0, symbol)
        elif kind == 1:
            expected = (0, "value", *twin.DISTANCES[symbol]) if symbol < 30 else (0, "end", 0, 0)
        elif symbol < 256:
            expected = (0, "literal", 0, symbol)
        elif symbol == 256:
            expected = (0, "end", 0, 0)
        else:
            expected = (0, "value", *twin.LENGTHS[symbol - 257]) if symbol < 286 else (0, "end", 0, 1)
        assert meaning(entry, kind) == expected


TABLES = ((_deflate.LITERAL_BITS, "literal", 286, 15), (_deflate.DISTANCE_BITS, "distance", 30, 15))
TABLES += ((_deflate.LENGTH_BITS, "length", 19, 7),)


def table_of(lengths: list[int], kind: int):
    """Build a table; ``None`` where the kernel refuses the code."""
    bits = TABLES[kind][0]
    table = np.full(1 << bits, 2**64 - 1, U)
    codes = np.full(352, -1, np.int64)
    sound = _deflate.build_table(np.array(lengths, np.uint8), len(lengths), bits, kind, table, codes)
    return (table, codes) if sound else None


def looked_up(window: int, table: np.ndarray, codes: np.ndarray, kind: int):
    """Decode one code as the kernel does."""
    entry = table[window & len(table) - 1]
    return meaning(int(entry or _deflate.long_code(U(window), codes, kind)), kind)


@SLOW
@given(st.sampled_from((0, 1, 2)), st.integers(0, 2**32))
def test_every_code_is_found_in_the_table_or_behind_it(kind, seed):
    dice = ps.Seeded(seed)
    _, name, size, most = TABLES[kind]
    symbols = sorted(dice.shuffled(range(size))[: 2 + dice.below(dice.pick((4, size - 1)))])
    lengths = ps.tree(dice, symbols, size, most)
    table, codes = table_of(lengths, kind)
    for code, symbol in twin.codes_of(lengths, name).items():
        window = int(code[::-1], 2) | dice.below(2**30) << len(code)
        bits, *rest = looked_up(window, table, codes, kind)
        assert bits == len(code)
        assert rest == list(meaning(int(_deflate.entry_of(kind, symbol)), kind)[1:])


@SLOW
@given(st.sampled_from((0, 1, 2)), st.integers(0, 2**32))
def test_codes_are_refused_where_the_twin_refuses_them(kind, seed):
    dice = ps.Seeded(seed)
    _, name, size, most = TABLES[kind]
    symbols = sorted(dice.shuffled(range(size))[: 2 + dice.below(size - 1)])
    lengths = ps.tree(dice, symbols, size, most) if dice.below(3) else [0] * size
    for _ in range(dice.below(3)):
        lengths[dice.below(size)] = dice.pick((0, 1, 2, 7, dice.below(most + 1)))
    try:
        twin.codes_of(lengths, name)
        sound = True
    except twin.BrokenError:
        sound = not any(lengths) and kind == 0  # read_codes never asks for that: a block has to end
    assert (table_of(lengths, kind) is not None) == sound


def test_a_pattern_without_a_code_has_no_entry():
    table, codes = table_of([1], 1)
    assert looked_up(0, table, codes, 1)[0] == 1
    assert looked_up(1, table, codes, 1)[0] == 0
    table, codes = table_of([0] * 30, 1)
    assert not table.any()
    assert _deflate.long_code(U(0), codes, 1) == 0


def test_read_codes_returns_the_bit_behind_the_head():
    literals, distances = [8] * 255 + [9, 9] + [0] * 20, [1, 1]
    writer = ps.BitWriter()
    writer.number(0b101, 3)
    ps.write_head(writer, literals, distances)
    expected = 8 * len(writer.out) + writer.count
    writer.number(2**30 - 1, 30)
    _, words = buffer_of(bytes(writer.out), 0)
    tables = [np.zeros(1 << _deflate.LITERAL_BITS, U), np.zeros(352, np.int64)]
    tables += [np.zeros(1 << _deflate.DISTANCE_BITS, U), np.zeros(352, np.int64)]
    assert _deflate.read_codes(words, U(3), U(8 * len(writer.out)), False, *tables) == expected
    assert meaning(int(tables[0][0]), 0) == (8, "literal", 0, 0)
    # The head goes further than the stream does.
    assert _deflate.read_codes(words, U(3), U(expected - 60), False, *tables) == 0
    # The fixed codes have no head.
    assert _deflate.read_codes(words, U(3), U(3), True, *tables) == 3


# Sound streams


@settings(max_examples=200 if COMPILED else 40)
@given(ps.streams(3000 if COMPILED else 1500), st.integers(2, 50))
def test_inflate_says_what_zlib_and_the_twin_say(drawn, start):
    stream, raw = drawn
    assert by_zlib(stream, len(raw)) == twin.inflate(stream) == raw
    assert inflate(stream, len(raw), start=start) == (OK, raw)


@pytest.mark.parametrize("distance", [32768, 32767, 24577, 24576, 4097, 2000])
def test_matches_reach_over_the_whole_window(distance):
    dice = ps.Seeded(distance)
    head = bytes(dice.pick((0, 0, 0, dice.below(256))) for _ in range(1500 if COMPILED else 300))
    raw = head + bytes(distance - len(head)) + head
    tokens, left = [*head, 0], distance - len(head) - 1
    while left:
        size = left if left <= 258 else min(258, left - 3)
        tokens.append((size, 1))
        left -= size
    while left < len(head):
        size = len(head) - left if len(head) - left <= 258 else 3 + dice.below(250)
        size = min(size, max(len(head) - left - 3, 3))
        tokens.append((size, distance))
        left += size
    assert ps.size_of(tokens) == len(raw)
    stream = ps.wrapped(ps.deflated(dice, tokens, raw), raw)
    assert by_zlib(stream, len(raw)) == twin.inflate(stream) == raw
    assert inflate(stream, len(raw)) == (OK, raw)


@pytest.mark.parametrize("distance", [1, 2, 3, 4, 5, 7, 8, 31, 32, 33, 64, 255, 256, 257, 258, 259])
def test_overlapping_matches_of_every_length(distance):
    for seed, length in enumerate(
        (*range(3, 40), 63, 64, 65, 128, 129, 255, 256, 257, 258) if COMPILED else (3, 4, 31, 32, 33, 258)
    ):
        dice = ps.Seeded(seed)
        head = bytes(dice.pick((0, 0, 1 + dice.below(255))) for _ in range(distance + dice.below(5)))
        tail = bytes(dice.pick((0, 9)) for _ in range(dice.below(4)))
        out = bytearray(head)
        twin.copied(out, length, distance)
        raw = bytes(out) + tail
        writer = ps.BitWriter()
        writer.number(0b011, 3)
        codes = ps.canonical(twin.FIXED), ps.canonical([5] * 32)
        ps.write_tokens(writer, dice, [*head, (length, distance), *tail], *codes)
        writer.fill()
        assert inflate(ps.wrapped(bytes(writer.out), raw), len(raw)) == (OK, raw)


@pytest.mark.parametrize("gap", [3, 31, 32, 33, 226, 227, 255, 256, 257, 258, 258 * 2, 258 * 3])
@pytest.mark.parametrize("offset", [1, 2, 30, 31, 32, 33])
def test_what_stands_behind_zeros_is_found(offset, gap):
    # A match of zeros jumps over whole blocks of the index; then matches begin in all of them.
    zeros = [(min(gap - at, 258), 1) for at in range(0, gap, 258)]
    tokens = [7] * (offset - 1) + [0, *zeros, 5, 6, 0, 8]
    raw = bytearray(b"\7" * (offset - 1) + bytes(1 + gap) + b"\5\6\0\x08")
    for _ in range(8):
        distance = 4 + ps.Seeded(offset * gap + len(raw)).below(34)
        distance = min(distance, len(raw))
        tokens.append((6, distance))
        twin.copied(raw, 6, distance)
    writer = ps.BitWriter()
    writer.number(0b011, 3)
    ps.write_tokens(writer, ps.Seeded(0), tokens, ps.canonical(twin.FIXED), ps.canonical([5] * 32))
    writer.fill()
    assert inflate(ps.wrapped(bytes(writer.out), bytes(raw)), len(raw)) == (OK, bytes(raw))


@pytest.mark.parametrize("size", [0, 1, 5, 31, 32, 33, 1000])
def test_stored_blocks_of_every_kind_of_byte(size):
    for raw in (bytes(size), bytes(range(1, 256)) * 4, b"\xff" * size):
        assert agree(zlib.compress(raw[:size], 0), len(raw[:size]))


def test_codes_of_15_bits():
    # A chain: symbols 0 to 13 have 1 to 14 bits, then two have 15.
    lengths = dict(enumerate([*range(1, 15), 15])) | {256: 15}
    raw = bytes(range(15)) + bytes(reversed(range(15)))
    assert agree(dynamic(lengths, {}, *raw, 256, raw=raw), len(raw))


@pytest.mark.parametrize("size", [0, 1, 6, 100, 1000, 40_000])
def test_runs_of_zeros_need_no_room(size):
    raw = bytes(size)
    assert inflate(zlib.compress(raw, 9), size, room=262) == (OK, raw)


@pytest.mark.parametrize("level", [0, 1, 9])
def test_too_many_events_find_no_room_and_none_is_written_behind_it(level):
    raw = bytes(value for k in range(300) for value in (1 + k % 251, 0, 0, 0))
    stream = zlib.compress(raw, level)
    assert inflate(stream, len(raw), room=300 + 262) == (OK, raw)
    for room in (261, 262, 300, 400, 559, 560):
        data, words = buffer_of(stream, 48)
        events = np.full(room + 50, 7, U)
        first = np.zeros(len(raw) // 32 + 16, np.uint32)
        arguments = (48, 48 + len(stream), len(raw), events[:room], first)
        assert _deflate.inflate(data, words, *arguments)[0] == FULL
        assert (events[room:] == 7).all()


# Streams of special codes


def listed(lengths: dict[int, int], least: int) -> list[int]:
    """Code lengths in the order of symbols."""
    return [lengths.get(symbol, 0) for symbol in range(max(least, *(symbol + 1 for symbol in lengths), 0))]


def bits(*fields, raw: bytes = b"") -> bytes:
    """A stream of (value, number of bits), and of codes as text."""
    writer = ps.BitWriter()
    for field in fields:
        if isinstance(field, str):
            writer.code(field)
        else:
            writer.number(*field)
    writer.fill()
    return ps.wrapped(bytes(writer.out), raw)


def dynamic(literals: dict[int, int], distances: dict[int, int], *symbols: int | str, raw: bytes = b"") -> bytes:
    """A stream of one block with these code lengths, then these literal and length symbols, and bits as text."""
    writer = ps.BitWriter()
    writer.number(0b101, 3)
    ps.write_head(writer, listed(literals, 257), listed(distances, 1))
    codes = ps.canonical(listed(literals, 257))
    for symbol in symbols:
        writer.code(symbol if isinstance(symbol, str) else codes[symbol])
    writer.fill()
    return ps.wrapped(bytes(writer.out), raw)


LITERAL, DISTANCE = ps.canonical(twin.FIXED), ps.canonical([5] * 32)
FIXED_HEAD, END, A = (0b011, 3), LITERAL[256], LITERAL[97]
DYNAMIC_HEAD = (0b101, 3)
FEW = {97: 1, 256: 2, 257: 2}
SOUND = {
    "stored": (zlib.compress(b"abcabc", 0), 6),
    "an empty stored block": (bits((0b001, 8), (0xFFFF0000, 32)), 0),
    "fixed codes": (bits(FIXED_HEAD, A, LITERAL[257], DISTANCE[0], END, raw=b"aaaa"), 4),
    "an empty fixed block": (bits(FIXED_HEAD, END), 0),
    "258 bytes as 227 and 31": (bits(FIXED_HEAD, A, LITERAL[284], (31, 5), DISTANCE[0], END, raw=b"a" * 259), 259),
    "no distance code": (dynamic({97: 1, 256: 1}, {}, 97, 256, raw=b"a"), 1),
    "one distance code": (dynamic(FEW, {0: 1}, 97, 257, "0", 256, raw=b"aaaa"), 4),
    "one distance code, not the first": (
        dynamic({97: 2, 98: 2, 256: 2, 257: 2}, {1: 1}, 97, 98, 257, "0", 256, raw=b"ababa"),
        5,
    ),
    "one distance code that is not used": (dynamic(FEW, {29: 1}, 97, 256, raw=b"a"), 1),
    "a single literal code": (dynamic({256: 1}, {}, 256), 0),
    "a window of 256 bytes": (ps.wrapped(zlib.compress(b"aaaa")[2:-4], b"aaaa", header=b"\x08\x1d"), 4),
    "a window that a match leaves": (
        ps.wrapped(zlib.compress(bytes(range(256)) * 4, 9)[2:-4], bytes(range(256)) * 4, header=b"\x08\x1d"),
        1024,
    ),
}


@pytest.mark.parametrize("name", SOUND)
def test_unusual_streams_are_accepted(name):
    assert agree(*SOUND[name])


# Broken streams

ZEROS = (0, 400)
HEADS = "the header of the stream is wrong"
BROKEN_STREAMS = {
    "a reserved kind of block": (bits((0b111, 3)), "no such kind of block"),
    "a wrong complement": (bits((0b001, 8), (0xFFFE0000, 32)), "the length of a stored block is wrong"),
    "a stored block that is too long": (bits((0b001, 8), (0x0000FFFF, 32)), "the stream ends too early"),
    "a stored block that lacks a byte": (bits((0b001, 8), (0xFFFE0001, 32)), "the stream ends too early"),
    "a stored block without a length": (bits((0b001, 8), (0, 16)), "the stream ends too early"),
    "length 286": (bits(FIXED_HEAD, A, LITERAL[286], DISTANCE[0], END, raw=b"aaaa"), "no such length"),
    "length 287": (bits(FIXED_HEAD, A, LITERAL[287], DISTANCE[0], END, raw=b"aaaa"), "no such length"),
    "length 286 at the end": (bits(FIXED_HEAD, A, LITERAL[286], raw=b"a"), "no such length"),
    "length 287 at the end": (bits(FIXED_HEAD, A, LITERAL[287], raw=b"a"), "no such length"),
    "distance 30": (bits(FIXED_HEAD, A, LITERAL[257], DISTANCE[30], END, raw=b"aaaa"), "no such distance"),
    "distance 31": (bits(FIXED_HEAD, A, LITERAL[257], DISTANCE[31], END, raw=b"aaaa"), "no such distance"),
    "a match at the beginning": (
        bits(FIXED_HEAD, LITERAL[257], DISTANCE[0], A, END, raw=b"\0\0\0a"),
        "a match from before the beginning",
    ),
    "a match from too far back": (
        bits(FIXED_HEAD, A, LITERAL[257], DISTANCE[1], END, raw=b"a\0aa"),
        "a match from before the beginning",
    ),
    "no end of the block": (bits(FIXED_HEAD, A, A, A, A, raw=b"aaaa"), "the stream ends too early"),
    "no last block": (bits((0b010, 3), A, A, A, A, END, raw=b"aaaa"), "the stream ends too early"),
    "287 literal codes": (bits(DYNAMIC_HEAD, (30, 5), (0, 5), (15, 4), ZEROS), "too many symbols"),
    "288 literal codes": (bits(DYNAMIC_HEAD, (31, 5), (0, 5), (15, 4), ZEROS), "too many symbols"),
    "31 distance codes": (bits(DYNAMIC_HEAD, (0, 5), (30, 5), (15, 4), ZEROS), "too many symbols"),
    "32 distance codes": (bits(DYNAMIC_HEAD, (0, 5), (31, 5), (15, 4), ZEROS), "too many symbols"),
    "no length code": (bits(DYNAMIC_HEAD, (0, 14), (0, 12), ZEROS), "the length code is incomplete"),
    # The order is 16, 17, 18, 0.
    "a single length code": (bits(DYNAMIC_HEAD, (0, 14), (0, 9), (1, 3), ZEROS), "the length code is incomplete"),
    "an incomplete length code": (
        bits(DYNAMIC_HEAD, (0, 14), (0, 6), (2, 3), (1, 3), ZEROS),
        "the length code is incomplete",
    ),
    "too many length codes": (bits(DYNAMIC_HEAD, (0, 14), *[(1, 3)] * 4, ZEROS), "too many length codes"),
    "a repeat at the beginning": (
        bits(DYNAMIC_HEAD, (0, 14), (1, 3), (0, 6), (1, 3), (1, 1), ZEROS),
        "nothing to repeat",
    ),
    "a repeat behind the end": (
        bits(DYNAMIC_HEAD, (0, 14), (0, 6), (1, 3), (1, 3), (2**32 - 1, 32), ZEROS),
        "a repeat goes too far",
    ),
    "a head that ends too early": (
        bits(DYNAMIC_HEAD, (0, 14), (0, 6), (1, 3), (1, 3)),
        "the stream ends too early",
    ),
    "a block that cannot end": (dynamic({97: 1, 98: 1}, {}, 97, raw=b"a"), "the block cannot end"),
    "too many literal codes": (dynamic({97: 1, 98: 1, 256: 1}, {}, "0"), "too many literal codes"),
    "an incomplete literal code": (dynamic({97: 2, 98: 2, 256: 2}, {}, 256), "the literal code is incomplete"),
    "a single literal code of two bits": (dynamic({256: 2}, {}, 256), "the literal code is incomplete"),
    "the other pattern of a single literal code": (dynamic({256: 1}, {}, "1"), "the stream ends too early"),
    "too many distance codes": (
        dynamic({97: 1, 256: 1}, dict.fromkeys(range(3), 1), 97, 256, raw=b"a"),
        "too many distance codes",
    ),
    "an incomplete distance code": (
        dynamic({97: 1, 256: 1}, {0: 2, 1: 2}, 97, 256, raw=b"a"),
        "the distance code is incomplete",
    ),
    "a single distance code of two bits": (
        dynamic({97: 1, 256: 1}, {0: 2}, 97, 256, raw=b"a"),
        "the distance code is incomplete",
    ),
    "a distance where there is no code": (
        dynamic(FEW, {}, 97, 257, "0" * 8, 256, "0" * 16, raw=b"aaaa"),
        "no such code",
    ),
    "the other pattern of a single distance code": (
        dynamic(FEW, {0: 1}, 97, 257, "1", 256, "0" * 16, raw=b"aaaa"),
        "no such code",
    ),
    "nothing": (b"", "no zlib stream"),
    "only a header": (b"\x78\x9c", "no zlib stream"),
    "a header and a checksum": (b"\x78\x9c\0\0\0\1", "the stream ends too early"),
    "a dictionary": (
        b"\x78\xbb" + bytes(4) + zlib.compress(b"aaaa")[2:],
        "no zlib stream, or one with a dictionary",
    ),
    "another method": (b"\x77\x85" + zlib.compress(b"aaaa")[2:], "no zlib stream"),
    "too large a window": (b"\x88\x1c" + zlib.compress(b"aaaa")[2:], "no zlib stream"),
    "a wrong check of the header": (b"\x78\x9d" + zlib.compress(b"aaaa")[2:], HEADS),
    "gzip": (b"\x1f\x8b\x08" + bytes(7) + zlib.compress(b"aaaa")[2:], "no zlib stream"),
    "a byte behind": (zlib.compress(b"aaaa") + b"\0", "bytes behind the last block"),
    "a second stream": (zlib.compress(b"aaaa") * 2, "bytes behind the last block"),
    "a wrong checksum": (zlib.compress(b"aaaa")[:-1] + b"\0", "the checksum of the stream is wrong"),
}


@pytest.mark.parametrize("name", BROKEN_STREAMS)
def test_broken_streams_are_refused(name):
    stream, reason = BROKEN_STREAMS[name]
    with pytest.raises(twin.BrokenError, match=reason):
        twin.inflate(stream)
    for total in (0, 1, 4, 8, 1000):
        assert not agree(stream, total)


def test_a_match_may_not_reach_further_than_the_window_can():
    # No pair of symbols says more than 32768.
    assert max(base + 2**extra - 1 for extra, base in twin.DISTANCES) == 32768


SMALL_STREAMS = {
    "stored": (zlib.compress(b"abcabcabc", 0), 9),
    "fixed": (zlib.compress(bytes(20) + b"abcab\1" * 5, 6), 50),
    "dynamic": (zlib.compress(bytes(k * k % 97 for k in range(300)), 9), 300),
    "several": (ps.compressed(ps.Seeded(5), bytes(300) + b"abc" * 30), 390),
    "by hand": (ps.hand_made(ps.Seeded(4), b"ab\0\0" * 6 + bytes(70)), 94),
    "one distance code": SOUND["one distance code"],
}


@pytest.mark.parametrize("name", SMALL_STREAMS)
def test_streams_of_another_size_are_refused(name):
    stream, total = SMALL_STREAMS[name]
    for size in (0, 1, total - 1, total, total + 1, 2 * total, 40 * total):
        assert agree(stream, size, slow=False) == (size == total)


@pytest.mark.parametrize("name", SMALL_STREAMS)
def test_streams_that_are_cut_or_longer_are_refused(name):
    stream, total = SMALL_STREAMS[name]
    for size in range(1, len(stream)):
        assert not agree(stream[:size], total, slow=COMPILED)
        assert not agree(stream[size:], total, slow=False)
    for tail in (b"\0", b"\0\0\0\0", stream[-4:], stream):
        assert not agree(stream + tail, total)


@pytest.mark.parametrize("name", SMALL_STREAMS)
def test_streams_with_a_wrong_bit_are_taken_as_zlib_takes_them(name):
    stream, total = SMALL_STREAMS[name]
    accepted = 0
    for place in range(0, 8 * len(stream), 1 if COMPILED else 5):
        spoilt = bytearray(stream)
        spoilt[place // 8] ^= 1 << place % 8
        accepted += agree(bytes(spoilt), total, slow=False)
    # A few bits do not count: those that fill up the byte before a stored block, and the size of the window.
    assert accepted < len(stream)


@pytest.mark.parametrize("name", SMALL_STREAMS)
def test_streams_with_a_wrong_bit_and_the_right_checksum_are_taken_as_zlib_takes_them(name):
    stream, _ = SMALL_STREAMS[name]
    accepted = 0
    for place in range(16, 8 * len(stream) - 32, 1 if COMPILED else 5):
        spoilt = bytearray(stream)
        spoilt[place // 8] ^= 1 << place % 8
        reader = zlib.decompressobj(-15)
        try:
            raw = reader.decompress(bytes(spoilt[2:]), 2**16)
        except zlib.error:
            assert not agree(bytes(spoilt), 40, slow=False)
            continue
        body = spoilt[2 : len(spoilt) - len(reader.unused_data)] if reader.eof else spoilt[2:-4]
        accepted += agree(ps.wrapped(bytes(body), raw), len(raw), slow=False)
    assert accepted or not COMPILED  # then not every bit was tried


def test_every_header_is_taken_as_zlib_takes_it():
    body = zlib.compress(b"")[2:]
    accepted = 0
    for method in range(256):
        for flags in range(256) if method & 15 == 8 else range(0, 256, 37):
            accepted += agree(bytes([method, flags]) + body, 0, slow=False)
    assert accepted == 8 * 4  # sizes of windows, and levels of compression


@settings(max_examples=300 if COMPILED else 60)
@given(st.binary(max_size=60), st.sampled_from((0, 1, 30)), st.sampled_from((1, 3, 5)))
def test_random_bits_are_taken_as_zlib_takes_them(body, total, kind):
    body = bytes([body[0] & 0xF8 | kind, *body[1:]]) if body else b""
    agree(b"\x78\x9c" + body, total)
    reader = zlib.decompressobj(-15)
    try:
        raw = reader.decompress(body, 2**16)
    except zlib.error:
        return
    if reader.eof:
        agree(ps.wrapped(body[: len(body) - len(reader.unused_data)], raw), len(raw))


# The comparisons above are worth what their data are worth: each of these faults must show.


def not_overlapping(out, length, distance):
    source = bytes(out[-distance:]) if distance <= len(out) else b""
    out += (source + bytes(length))[:length]


def without_zeros(out, length, distance):
    out += bytes(byte or 1 for byte in (bytes(out[-distance:]) * length)[:length])


FAULTS = {
    "matches do not overlap": ("copied", not_overlapping),
    "zeros are copied wrongly": ("copied", without_zeros),
    "the longest match is shorter": ("LENGTHS", (*twin.LENGTHS[:-1], (0, 257))),
    "a long match is longer": ("LENGTHS", (*twin.LENGTHS[:-2], (5, 228), (0, 258))),
    "a distance is larger": ("DISTANCES", (*twin.DISTANCES[:10], (4, 34), *twin.DISTANCES[11:])),
    "the order of lengths": ("ORDER", (*twin.ORDER[:-2], 15, 1)),
    "the sum of the checksum": ("adler32", lambda out: (sum(out) + 1) % 65521),
}


@pytest.mark.parametrize("name", FAULTS)
def test_planted_faults_show(name, monkeypatch):
    def differs(drawn) -> bool:
        return inflate(drawn[0], len(drawn[1]))[1] != by_twin(drawn[0], len(drawn[1]))

    quick = settings(max_examples=1000, phases=[Phase.generate], derandomize=True, database=None)
    monkeypatch.setattr(twin, *FAULTS[name])
    assert find(ps.streams(1500), differs, settings=quick)
