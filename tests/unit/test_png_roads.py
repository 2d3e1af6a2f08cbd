"""The fast road and the careful road to the pixels of a PNG come to the same place, and so does the slow twin."""

from __future__ import annotations

import ast
import inspect
import io
import os
import struct
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import naive_png as twin
import numpy as np
import png_strategies as ps
import pytest
from datasets import GRAY, PALETTE, RGB, RGBA, SIGNATURE, chunk, chunks, colours, png
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from PIL import Image
from test_deflate import events_of

from pqeval.errors import FileError, PqevalError
from pqeval.formats import _deflate, _png, _png_chunks, _png_decode, _png_rows
from pqeval.formats._png import read_ids, read_map
from pqeval.formats._png_decode import KEPT, MOST_PER_BYTE, PAD, Room
from pqeval.formats._png_rows import AVERAGE, BROKEN, FULL, NONE, OK, PAETH, SUB, UP

COMPILED = os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")
U = np.uint64
COLUMNS = ("bottoms", "begin", "ends", "ids")
FILTERS = {"None": NONE, "Sub": SUB, "Up": UP, "Average": AVERAGE, "Paeth": PAETH}
READERS = {"map": read_map, "ids": read_ids}


def few(compiled: int, slow: int):
    return settings(
        max_examples=compiled if COMPILED else slow,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@pytest.fixture
def fresh_room():
    """Room that no larger file has made larger before."""
    room = Room()
    with mock.patch.object(_png_decode, "room", room):
        yield room


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("roads") / "1.png"


# The two roads


@contextmanager
def answering(answer):
    """Let the fast road answer this; a mock takes longer than the decoding."""
    before = _png._fast_road
    _png._fast_road = lambda *_: answer
    try:
        yield
    finally:
        _png._fast_road = before


def fast(path: Path, data: bytes, reader=read_map, shape=None):
    """What the fast road makes of a file; ``None`` where it declines."""
    path.write_bytes(data)
    return fast_again(path, reader, shape)


def fast_again(path: Path, reader=read_map, shape=None):
    """What the fast road makes of the file that is there."""
    taken = _png._fast_road(path.read_bytes(), shape, reader is read_ids, False)
    if taken is None:
        return None
    with answering(taken):
        problems: list = []
        answer = reader(path, shape=shape, problems=problems)
    assert problems == []
    return answer


def careful(path: Path, reader=read_map, shape=None):
    """What the careful road makes of the file that is there, with the codes of its warnings; or its refusal."""
    problems: list = []
    with answering(None):
        try:
            answer = reader(path, shape=shape, problems=problems)
        except PqevalError as error:
            return error
    return *answer, [problem.code for problem in problems]


def same(one, other) -> bool:
    """Whether two label maps are equal in every array and its dtype."""
    arrays = [(getattr(one, name), getattr(other, name)) for name in COLUMNS]
    return one.shape == other.shape and all(
        a.dtype == b.dtype == np.uint32 and np.array_equal(a, b) for a, b in arrays
    )


def agree(path: Path, data: bytes, reader=read_map, shape=None):
    """Assert that what the fast road accepts, the careful one accepts likewise; return (fast, careful)."""
    quick, slow = fast(path, data, reader, shape), careful(path, reader, shape)
    if quick is not None:
        assert not isinstance(slow, PqevalError), slow
        assert same(quick[0], slow[0])
        assert (quick[1], []) == slow[1:]
    return quick, slow


def expected(shown: ps.Picture, reader=read_map) -> list[list[int]]:
    """The ids of a picture."""
    flat = b"" if shown.palette is None else bytes(number for colour in shown.palette for number in colour)
    image = twin.Image(shown.color, shown.depth, flat, shown.rows)
    return twin.ids_of(image) if reader is read_ids else twin.map_of(image)


@few(60, 20)
@given(ps.files())
def test_the_twin_decodes_what_was_drawn_and_so_does_pillow(drawn):
    data, shown = drawn
    found = twin.decode(data)
    assert found.rows == shown.rows
    assert (found.color, found.depth) == (shown.color, shown.depth)
    with Image.open(io.BytesIO(data)) as image:
        pixels = np.asarray(image)
    if shown.depth == 8 and shown.color != PALETTE:
        assert pixels.reshape(np.shape(shown.rows)).tolist() == [
            [list(pixel) for pixel in row] for row in shown.rows
        ]
    elif shown.color == PALETTE or (shown.color, shown.depth) in ((GRAY, 1), (GRAY, 16)):
        assert pixels.astype(int).tolist() == [[level for (level,) in row] for row in shown.rows]


@few(150, 40)
@given(ps.files(ps.FAST_MODES, opaque=True))
def test_usual_files_take_the_fast_road_to_the_pixels_of_the_twin(path, drawn):
    data, shown = drawn
    quick, _ = agree(path, data)
    assert quick is not None
    labels, mode = quick
    assert labels.to_array().tolist() == expected(shown) == twin.map_of(twin.decode(data))
    assert mode[:2] == (shown.color, shown.depth)
    assert len(mode.palette) == 3 * len(shown.palette or mode.palette[::3])


@few(80, 30)
@given(ps.files([(RGB, 8), (RGBA, 8), (PALETTE, 8)], opaque=True))
def test_usual_files_of_ids_take_the_fast_road_to_the_ids_of_the_twin(path, drawn):
    data, shown = drawn
    quick, _ = agree(path, data, read_ids)
    assert quick is not None
    labels, palette = quick
    assert labels.to_array().tolist() == expected(shown, read_ids) == twin.ids_of(twin.decode(data))
    assert palette == (shown.color == PALETTE)


@few(150, 40)
@given(ps.files(ps.MAP_MODES))
def test_maps_of_all_modes_are_those_of_the_twin(path, drawn):
    data, shown = drawn
    quick, (labels, mode, told) = agree(path, data)
    assert labels.to_array().tolist() == expected(shown)
    assert mode[:2] == (shown.color, shown.depth)
    clear = shown.color == RGBA and any(pixel[3] < 255 for row in shown.rows for pixel in row)
    assert told == ["png-alpha"] * clear
    # Nobody loses speed silently, nor the warning.
    assert (quick is not None) == ((shown.color, shown.depth) in ps.FAST_MODES and not clear)


@few(100, 30)
@given(ps.files(ps.ID_MODES))
def test_ids_of_all_modes_are_those_of_the_twin(path, drawn):
    data, shown = drawn
    _, (labels, palette, _) = agree(path, data, read_ids)
    assert labels.to_array().tolist() == expected(shown, read_ids)
    assert palette == (shown.color == PALETTE)


@few(20, 2)
@given(ps.files([(RGB, 8), (GRAY, 8), (GRAY, 16), (PALETTE, 8), (RGBA, 8)], large=True, opaque=True))
def test_files_larger_than_the_window_of_deflate_take_the_fast_road(path, drawn):
    data, shown = drawn
    quick, _ = agree(path, data)
    assert quick[0].to_array().tolist() == expected(shown)


@pytest.mark.parametrize("filters", [(0,), (1,), (2,), (3,), (4,), (4, 2), (3, 1, 4, 0, 2)], ids=str)
@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 8, 9])
@pytest.mark.parametrize("mode", ps.FAST_MODES, ids=str)
def test_every_filter_at_every_edge(path, mode, width, filters):
    color, depth = mode
    dice = ps.Seeded(width)
    pool = [tuple(dice.pick((0, 1, 255, dice.below(256))) for _ in range(ps.CHANNELS[color])) for _ in range(4)]
    pool = [(*colour[:3], 255) if color == RGBA else colour for colour in pool]
    rows = [[dice.pick(pool) for _ in range(width)] for _ in range(6)]
    palette = [(k, k, 7) for k in range(256)] if color == PALETTE else None
    quick, _ = agree(path, png(rows, color=color, depth=depth, filters=filters, palette=palette))
    assert quick[0].to_array().tolist() == expected(ps.Picture(color, depth, rows, palette))


def test_colours_of_a_palette_that_are_equal_become_one_segment(path):
    palette = [(1, 2, 3), (1, 2, 3), (0, 0, 0), (1, 2, 3)]
    data = png([[(0,), (1,), (2,)], [(1,), (3,), (2,)], [(2,), (2,), (2,)]], color=PALETTE, palette=palette)
    (labels, _), _ = agree(path, data, read_ids)
    assert (labels.bottoms.tolist(), labels.ends.tolist()) == ([2, 3], [2, 3, 3])
    assert labels.ids.tolist() == [1 + 2 * 256 + 3 * 65536, 0, 0]


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (3, 4)], ids=str)
def test_a_stated_shape_is_compared(path, shape, reader):
    data = png(colours([[1, 2, 3, 4, 5]] * 3))
    quick, slow = agree(path, data, reader, shape)
    assert (quick is not None) == (not isinstance(slow, PqevalError)) == (shape == (3, 5))


@pytest.mark.parametrize("mode", [(GRAY, 1), (GRAY, 4), (ps.GRAY_ALPHA, 8), (RGB, 16), (PALETTE, 4)], ids=str)
def test_unusual_modes_are_left_to_the_careful_road(path, mode):
    shown = ps.picture(ps.Seeded(1), [mode])
    assert agree(path, ps.png_of(ps.Seeded(1), ps.Seeded(1), shown))[0] is None


def test_interlaced_files_are_left_to_the_careful_road(path):
    quick, slow = agree(path, png(colours([[1, 2, 3]] * 9), interlaced=True))
    assert quick is None
    assert slow[0].to_array().tolist() == [[1, 2, 3]] * 9


def test_levels_of_gray_are_no_ids_on_either_road(path):
    quick, slow = agree(path, png([[(1,)]], color=GRAY), read_ids)
    assert quick is None
    assert slow.code == "png-mode"


# Noise, and the room of a thread


def noise(height: int, width: int, channels: int = 3, seed: int = 1) -> list[list[tuple[int, ...]]]:
    dice = ps.Seeded(seed)
    return [[tuple(dice.below(256) for _ in range(channels)) for _ in range(width)] for _ in range(height)]


@pytest.mark.parametrize("filters", [(0,), (1,), (2,), (3,), (4,), (0, 1, 2, 3, 4)], ids=str)
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.usefixtures("fresh_room")
def test_noise_finds_no_room_and_is_decoded_densely(path, channels, filters):
    rows = noise(64, 80, channels)
    rows = [[(*pixel[:3], 255) if channels == 4 else pixel for pixel in row] for row in rows]
    color = {1: GRAY, 3: RGB, 4: RGBA}[channels]
    with mock.patch.object(_png_decode, "unfilter", side_effect=_png_decode.unfilter) as dense:
        quick = fast(path, png(rows, color=color, filters=filters))
        assert dense.called
    assert quick[0].to_array().tolist() == expected(ps.Picture(color, 8, rows))
    assert same(quick[0], careful(path)[0])


@pytest.mark.parametrize("broken", ["adler", "filter", "short", "long", "cut", "tail"])
@pytest.mark.usefixtures("fresh_room")
def test_broken_noise_is_refused(path, broken):
    size = (64, 80)
    stated = (80, 64 + {"short": 1, "long": -1}.get(broken, 0))
    raw = b"".join(bytes([0]) + bytes(number & 127 for pixel in row for number in pixel) for row in noise(*size))
    if broken == "filter":
        raw = raw[: 50 * 241] + b"\x05" + raw[50 * 241 + 1 :]
    writer = zlib.compressobj(strategy=zlib.Z_HUFFMAN_ONLY)  # no stored block, whose size alone would tell
    stream = writer.compress(raw) + writer.flush()
    if broken == "adler":
        stream = stream[:-1] + bytes([stream[-1] ^ 1])
    if broken == "cut":
        stream = stream[:-4]
    if broken == "tail":
        stream += b"\0"
    header = struct.pack(">IIBBBBB", *stated, 8, RGB, 0, 0, 0)
    data = SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", stream) + chunk(b"IEND", b"")
    with mock.patch.object(_png_decode.zlib, "decompressobj", side_effect=zlib.decompressobj) as dense:
        quick = fast(path, data)
        assert dense.called
    assert quick is None
    assert careful(path).code == "png-broken"


def held(room: Room) -> int:
    return room.words.nbytes + sum(array.nbytes for array in room.work)


def test_the_room_of_a_thread_is_used_again_and_given_back():
    room = Room()
    small = room.for_file(1000), room.for_image(480, 640, 3)
    assert room.for_file(60_000) is small[0]
    assert room.for_image(470, 600, 3) is small[1]
    assert held(room) < 3 * 480 * 640 * 3
    room.for_file(2 * KEPT)
    room.for_image(20_000, 20_000, 1)
    assert held(room) > 2 * KEPT
    room.for_file(1000)
    room.for_image(10, 10, 3)
    assert held(room) < 2**18


@given(st.lists(st.tuples(st.integers(1, 3000), st.integers(1, 3000), st.integers(1, 4)), max_size=6))
def test_there_is_room_for_what_the_kernels_need(images):
    room = Room()
    for height, width, bytes_per_pixel in images:
        size = height * width
        assert len(room.for_file(size)) >= size + PAD
        assert room.data.base is room.words
        total = height * (1 + width * bytes_per_pixel)
        events, first, runs, entries = room.for_image(height, width, bytes_per_pixel)
        assert len(events) > 260
        assert len(first) >= total // 32 + 11
        assert len(runs) > width + 1
        assert len(entries) >= width + 2
        assert held(room) < 2 * KEPT + 8 * total + size


def test_a_bomb_gets_no_room(path):
    # A header of 2**29 pixels over 1000 bytes; and one of as much as deflate could make of the file.
    data = png(colours([[1]]), size=(2**15, 2**14), color=RGB) + bytes(1000)
    with mock.patch.object(Room, "for_image", side_effect=AssertionError("room was made")):
        assert fast(path, data) is None
    assert careful(path).code == "png-broken"
    height = (MOST_PER_BYTE * len(data)) // 301 - 1
    data = png(colours([[1]]), size=(100, height)) + bytes(1000)
    assert fast(path, data) is None
    assert held(_png_decode.room) < 2 * KEPT


def test_a_bomb_is_not_inflated_beyond_what_the_header_asks_for(path):
    data = png(colours([[1, 2, 3]]), surplus=bytes(2**22))
    quick, slow = agree(path, data)
    assert quick is None
    assert slow.found == "there are more image data than the header asks for"


def test_other_files_before_do_not_change_what_is_decoded(path):
    dice = ps.Seeded(3)
    shown = [ps.picture(dice, ps.FAST_MODES, opaque=True) for _ in range(30)]
    shown.insert(10, ps.Picture(RGB, 8, noise(60, 60)))
    files = [ps.assembled(each, [ps.compressed(dice, ps.raw_of(dice, each))]) for each in shown]
    for order in (range(31), reversed(range(31))):
        for place in order:
            assert fast(path, files[place])[0].to_array().tolist() == expected(shown[place])


def test_threads_do_not_share_their_room(tmp_path):
    dice = ps.Seeded(4)
    shown = [ps.picture(dice, ps.FAST_MODES, opaque=True) for _ in range(24 if COMPILED else 8)]
    shown.insert(3, ps.Picture(RGB, 8, noise(40, 60)))
    paths = [tmp_path / f"{place}.png" for place in range(len(shown))]
    for path, each in zip(paths, shown, strict=True):
        path.write_bytes(ps.png_of(dice, dice, each))
    rooms = {}
    barrier = threading.Barrier(6)

    def work(first: int) -> bool:
        barrier.wait(60)
        right = True
        for step in range(len(paths) * (8 if COMPILED else 1)):
            place = (first + step) % len(paths)
            taken = _png._fast_road(paths[place].read_bytes(), None, False, False)
            right &= taken is not None and taken[0].to_array().tolist() == expected(shown[place])
        rooms[threading.get_ident()] = id(_png_decode.room.data)
        barrier.wait(60)
        return right

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(work, range(0, 24, 4)))
    assert len(set(rooms.values())) == len(rooms) == 6


# Broken files


def small_files() -> dict[str, bytes]:
    rows = [[1, 1, 1, 2, 2], [1, 1, 1, 2, 2], [0, 0, 70000, 2, 2], [0, 0, 70000, 2, 2]]
    indices = [[(number % 3,) for number in row] for row in rows]
    palette = [(1, 2, 3), (4, 5, 6), (7, 8, 9)]
    return {
        "RGB": png(colours(rows), filters=(0, 2, 4)),
        "RGBA": png([[(*colour, 255) for colour in row] for row in colours(rows)], color=RGBA, idat=3),
        "palette": png(indices, color=PALETTE, palette=palette, transparency=b"\xff", filters=(4,)),
        "16-bit": png([[(1000 * number[0],) for number in row] for row in indices], color=GRAY, depth=16, idat=7),
    }


SMALL = small_files()


def step_for(name: str) -> int:
    """Every bit of one file, and every third or fifth of the others."""
    return (1 if name == "RGB" else 3) if COMPILED else 5


@pytest.mark.parametrize("name", SMALL)
def test_files_that_are_cut_anywhere_are_refused(path, name):
    data = SMALL[name]
    assert agree(path, data)[0] is not None
    for size in range(len(data)):
        quick, slow = agree(path, data[:size])
        assert quick is None
        assert slow.code == ("png-signature" if 0 < size < len(SIGNATURE) else "png-broken")


@pytest.mark.parametrize("name", SMALL)
def test_files_with_a_wrong_bit_are_refused(path, name):
    data = SMALL[name]
    for place in range(0, 8 * len(data), step_for(name)):
        spoilt = bytearray(data)
        spoilt[place // 8] ^= 1 << place % 8
        quick, slow = agree(path, bytes(spoilt))
        assert quick is None
        assert slow.code == ("png-signature" if place < 8 * len(SIGNATURE) else "png-broken")


def reassembled(parts) -> bytes:
    return SIGNATURE + b"".join(chunk(*part) for part in parts)


def parts_of(data: bytes) -> list[tuple[bytes, bytes]]:
    return [(name, data[begin + 8 : end - 4]) for name, begin, end in chunks(data)]


@pytest.mark.parametrize("name", SMALL)
def test_wrong_bits_under_right_checksums_are_taken_alike_on_both_roads(path, name):
    parts = parts_of(SMALL[name])
    refused = 0
    for k, (kind, body) in enumerate(parts):
        for place in range(0, 8 * len(body), step_for(name)):
            spoilt = bytearray(body)
            spoilt[place // 8] ^= 1 << place % 8
            _, slow = agree(path, reassembled([*parts[:k], (kind, bytes(spoilt)), *parts[k + 1 :]]))
            refused += isinstance(slow, PqevalError)
    assert refused


@pytest.mark.parametrize("name", SMALL)
def test_wrong_filters_and_residuals_are_taken_alike_on_both_roads(path, name):
    parts = parts_of(SMALL[name])
    raw = zlib.decompress(b"".join(body for kind, body in parts if kind == b"IDAT"))
    others = [part for part in parts if part[0] != b"IDAT"]
    for place in range(0, 8 * len(raw), step_for(name)):
        spoilt = bytearray(raw)
        spoilt[place // 8] ^= 1 << place % 8
        data = reassembled([*others[:-1], (b"IDAT", zlib.compress(bytes(spoilt))), others[-1]])
        quick, slow = agree(path, data)
        # The fast road leaves nothing that is sound but transparent pixels.
        assert (quick is None) == (isinstance(slow, PqevalError) or slow[2] == ["png-alpha"])


@few(150, 60)
@given(ps.files(ps.FAST_MODES), st.integers(0, 2**32 - 1))
def test_spoilt_chunks_are_taken_alike_on_both_roads(path, drawn, seed):
    dice = ps.Seeded(seed)
    parts = parts_of(drawn[0].removesuffix(b"appended"))
    for _ in range(1 + dice.below(2)):
        k = dice.below(len(parts))
        name, body = parts[k]
        kind = dice.pick(("cut", "longer", "twice", "lacking", "moved", "renamed", "byte"))
        if kind == "cut":
            parts[k] = name, body[: dice.below(len(body) + 1)]
        elif kind == "longer":
            parts[k] = name, body + bytes(1 + dice.below(4))
        elif kind == "twice":
            parts.insert(dice.below(len(parts) + 1), (name, body))
        elif kind == "lacking" and len(parts) > 1:
            del parts[k]
        elif kind == "moved":
            parts.insert(dice.below(len(parts)), parts.pop(k))
        elif kind == "renamed":
            parts[k] = dice.pick((b"IDAT", b"PLTE", b"IEND", b"IHDR", b"JDAT", b"tEXt", b"\0\1\2\3")), body
        elif body:
            at = dice.below(len(body))
            parts[k] = name, body[:at] + bytes([dice.below(256)]) + body[at + 1 :]
    data = reassembled(parts)
    assert (fast(path, data) is None) or twin.decode(data)
    for reader in READERS.values():
        agree(path, data, reader)


def header(**changes: int) -> bytes:
    """The body of an IHDR chunk for 5 x 4 pixels of 8-bit RGB, but for these fields."""
    fields = {"width": 5, "height": 4, "depth": 8, "color": 2, "compression": 0, "filtering": 0, "interlace": 0}
    return struct.pack(">IIBBBBB", *(fields | changes).values())


@pytest.mark.parametrize(
    "body",
    [
        *(
            header(**{name: value})
            for name in ("width", "height")
            for value in (0, 1, 3, 6, 2**31 - 1, 2**31, 2**32 - 1)
        ),
        *(header(depth=depth) for depth in (0, 1, 2, 3, 4, 7, 9, 16, 255)),
        *(header(color=color) for color in (0, 1, 3, 4, 5, 6, 7, 255)),
        *(header(**{name: value}) for name in ("compression", "filtering") for value in (1, 255)),
        *(header(interlace=value) for value in (1, 2, 255)),
        *(header(color=0, depth=depth) for depth in (1, 2, 4, 16)),
        header(width=4, height=5),
        header(width=2**16, height=2**16),
        header(width=2**31 - 1, height=2**31 - 1),
        header() + b"\0",
        header() + bytes(8),
        header()[:-1],
        header()[:12] + b"\0\0",
        b"",
    ],
    ids=lambda body: body.hex(),
)
def test_headers_that_lie_are_refused_on_both_roads(path, body):
    data = reassembled([(b"IHDR", body), *parts_of(SMALL["RGB"])[1:]])
    quick, slow = agree(path, data)
    assert quick is None
    assert slow.code == ("png-mode" if body == header(depth=16) else "png-broken")


@pytest.mark.parametrize("tail", [b"", b"\0", b"\0\0\0\0\0"], ids=len)
def test_a_header_of_another_length_is_refused_whatever_stands_behind_it(path, tail):
    data = reassembled([(b"IHDR", header() + tail), *parts_of(SMALL["RGB"])[1:]])
    assert (agree(path, data)[0] is None) == bool(tail)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 255, 256, 257, 300])
@pytest.mark.parametrize("rest", [0, 1, 2])
@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_palettes_of_every_size_are_taken_alike_on_both_roads(path, count, rest, reader):
    parts = [
        (kind, bytes(k % 251 for k in range(3 * count + rest)) if kind == b"PLTE" else body)
        for kind, body in parts_of(SMALL["palette"])
    ]
    quick, slow = agree(path, reassembled(parts), reader)
    assert (quick is None) == isinstance(slow, PqevalError) == (not 3 <= count <= 256 or rest > 0)


@pytest.mark.parametrize("size", [0, 3, 4, 5, 768, 771])
def test_a_palette_of_a_coloured_file_is_only_a_suggestion(path, size):
    parts = parts_of(SMALL["RGB"])
    parts.insert(1, (b"PLTE", bytes(size)))
    quick, _ = agree(path, reassembled(parts))
    assert quick[1].palette == bytes(size)


def test_a_stream_may_be_cut_anywhere(path):
    shown = ps.picture(ps.Seeded(11), [(RGB, 8)])
    stream = zlib.compress(ps.raw_of(ps.Seeded(1), shown), 9)
    for cut in range(len(stream) + 1) if COMPILED else (0, 1, 2, 3, len(stream) - 3, len(stream)):
        for pieces in (
            [stream[:cut], stream[cut:]],
            [stream[:cut], b"", stream[cut : cut + 1], stream[cut + 1 :]],
        ):
            found = fast(path, ps.assembled(shown, pieces))
            assert found[0].to_array().tolist() == expected(shown)


@pytest.mark.parametrize(
    ("names", "sound"),
    [
        ("IHDR IDAT IEND", True),
        ("IHDR IDAT IDAT IEND", False),  # the same data twice: too many
        ("IHDR tEXt IDAT tEXt IEND", True),
        ("IHDR PLTE IDAT IEND", True),
        ("IHDR IDAT PLTE IEND", True),
        ("IHDR PLTE PLTE IDAT IEND", False),
        ("IHDR PLTE IDAT PLTE IEND", False),
        ("IHDR IHDR IDAT IEND", False),
        ("IHDR IDAT IHDR IEND", False),
        ("IDAT IHDR IEND", False),
        ("tEXt IHDR IDAT IEND", False),
        ("IHDR half tEXt rest IEND", False),
        ("IHDR half rest IEND", True),
        ("IHDR half none rest none IEND", True),
        ("IHDR none IDAT IEND", True),
        ("IHDR IDAT tEXt none IEND", False),
        ("IHDR IEND IDAT", False),
        ("IHDR IDAT", False),
        ("IHDR IEND", False),
        ("IHDR none IEND", False),
        ("IEND", False),
        ("IHDR IDAT IEND IEND", True),  # nobody looks behind the end
        ("IHDR IDAT IEND IDAT", True),
    ],
)
def test_the_order_of_chunks_is_judged_alike_on_both_roads(path, names, sound):
    (_, head), (_, data), _ = parts_of(SMALL["RGB"])
    known = {
        "IHDR": (b"IHDR", head),
        "IDAT": (b"IDAT", data),
        "half": (b"IDAT", data[:9]),
        "rest": (b"IDAT", data[9:]),
        "none": (b"IDAT", b""),
        "PLTE": (b"PLTE", bytes(6)),
        "tEXt": (b"tEXt", b"a\0b"),
        "IEND": (b"IEND", b""),
    }
    quick, slow = agree(path, reassembled(known[name] for name in names.split()))
    assert (quick is not None) == (not isinstance(slow, PqevalError)) == sound


@pytest.mark.parametrize("length", [2**31 - 1, 2**31, 2**32 - 1, 2**32 - 13, 5])
def test_lengths_of_chunks_that_lie_are_refused(path, length):
    data = SMALL["RGB"]
    for _, begin, _ in chunks(data):
        spoilt = data[:begin] + struct.pack(">I", length) + data[begin + 4 :]
        quick, slow = agree(path, spoilt)
        assert quick is None
        assert slow.code == "png-broken"


def test_what_is_no_png_is_left_to_the_careful_road(path):
    for data in (b"", b"\x89", SIGNATURE, SIGNATURE + bytes(21), SIGNATURE + bytes(100), b"GIF89a" + bytes(100)):
        assert agree(path, data)[0] is None


@pytest.mark.parametrize(
    ("name", "code"),
    [
        (".", "not-a-regular-file"),
        ("none.png", "file-missing"),
        ("a\0b.png", "file-unreadable"),
        ("/dev/null", "not-a-regular-file"),
    ],
)
def test_what_is_no_regular_file_reaches_no_road(tmp_path, monkeypatch, name, code):
    for road in ("_fast_road", "decode_carefully"):
        monkeypatch.setattr(_png, road, None)
    with pytest.raises(FileError) as caught:
        read_map(f"{tmp_path}/{name}" if not name.startswith("/") else name, problems=[])
    assert caught.value.code == code


# The kernels


KERNELS = {
    node.name: module
    for module in (_png_chunks, _deflate, _png_rows)
    for node in ast.parse(inspect.getsource(module)).body
    if isinstance(node, ast.FunctionDef) and "kernel" in map(ast.unparse, node.decorator_list)
}
THROUGH = {"gather", "decode_up", "decode_paeth", "decode_average", "decode_flat"}  # what decode_rows consists of


def test_every_kernel_is_tested_directly() -> None:
    files = [Path(__file__), Path(__file__).with_name("test_deflate.py")]
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    assert KERNELS
    direct = {name for name, module in KERNELS.items() if f"{module.__name__.rpartition('.')[2]}.{name}(" in text}
    assert set(KERNELS) == direct | THROUGH


def test_join_data_says_where_things_lie():
    shown = ps.picture(ps.Seeded(2), [(PALETTE, 8)])
    stream = bytes(range(200))
    for pieces in ([stream], [b"", stream[:7], b"", stream[7:100], stream[100:], b""]):
        file = ps.assembled(shown, pieces, ps.Seeded(5))
        data = np.frombuffer(file + bytes(PAD), np.uint8).copy()
        start, stop, palette, palette_stop = map(int, _png_chunks.join_data(data, len(file)))
        assert bytes(data[start:stop]) == stream
        assert bytes(data[palette:palette_stop]) == dict(twin.chunks(file))[b"PLTE"]
    assert [int(place) for place in _png_chunks.join_data(data, len(file) // 2)] == [0, 0, 0, 0]


EDGES = (0, 1, 2, 3, 63, 64, 126, 127, 128, 129, 130, 200, 253, 254, 255)


def lanes(numbers) -> tuple[np.uint64, ...]:
    """Tuples of bytes, four at a time, as words: the first, the second ... of each."""
    return tuple(U(int.from_bytes(bytes(column), "little")) for column in zip(*numbers, strict=True))


def test_bytes_are_added_and_halved_each_for_itself():
    pairs = [(a, b) for a in range(256) for b in (range(256) if COMPILED else EDGES)]
    dice = ps.Seeded(1)
    pairs = dice.shuffled(pairs)
    for at in range(0, len(pairs), 4):
        four = pairs[at : at + 4]
        one, other = lanes(four)
        assert int(_png_rows.add_bytes(one, other)).to_bytes(4, "little")[: len(four)] == bytes(
            a + b & 255 for a, b in four
        )
        assert int(_png_rows.mean_bytes(one, other)).to_bytes(4, "little")[: len(four)] == bytes(
            (a + b) // 2 for a, b in four
        )


def test_paeth_chooses_for_each_byte_for_itself():
    triples = [(a, b, c) for a in EDGES for b in EDGES for c in EDGES]
    triples += [tuple(a + d for d in more) for a in (5, 120) for more in np.ndindex(4, 4, 4)]
    triples = ps.Seeded(2).shuffled(triples)
    for at in range(0, len(triples) - 3, 4):
        four = triples[at : at + 4]
        found = int(_png_rows.paeth_bytes(*lanes(four))).to_bytes(4, "little")
        assert found == bytes(twin.nearest(*triple) for triple in four)


def rows_of(raw: bytes, height: int, width: int, step: int, dice, *, room: int | None = None):
    """What ``decode_rows`` makes of filtered rows: (status, label map)."""
    listed = events_of(raw, dice)
    events = np.array([*listed, int(_deflate.NEVER)] + [0] * 8, U)
    bottoms, begin = np.zeros(height, np.uint32), np.zeros(height + 1, np.uint32)
    runs = np.full(height * width + width + 3 if room is None else room, 2**64 - 1, U)
    entries = np.full(width + 8, 2**64 - 1, U)
    status, lines = _png_rows.decode_rows(events, height, width, step, bottoms, begin, runs, entries)
    if status != OK:
        return status, None
    labels = _png_decode.LabelMap(
        (height, width),
        bottoms[:lines],
        begin[: lines + 1] - np.uint32(1),
        runs[1 : begin[lines]],
    )
    return status, labels


@st.composite
def filtered_rows(draw, kinds=(0, 1, 2, 3, 4)):
    """Draw (filtered bytes, height, width, bytes per pixel); also residuals that no painter's picture has."""
    dice = ps.Seeded(draw(ps.SEEDS))
    mode, step = dice.pick((((GRAY, 8), 1), ((GRAY, 16), 2), ((RGB, 8), 3), ((RGBA, 8), 4)))
    shown = ps.picture(dice, [mode])
    height, width = len(shown.rows), len(shown.rows[0])
    used = [dice.pick(kinds) for _ in range(height)]
    if dice.below(3):
        lines = [ps.packed([number for pixel in row for number in pixel], shown.depth) for row in shown.rows]
        return ps.Written(ps.filtered(lines, used, step)), height, width, step
    rare = dice.pick((1, 3, 20, 200))
    residuals = (bytes(0 if dice.below(rare) else dice.below(256) for _ in range(width * step)) for _ in used)
    raw = b"".join(bytes([kind]) + line for kind, line in zip(used, residuals, strict=True))
    return ps.Written(raw), height, width, step


def pixels_of(raw: bytes, width: int, step: int) -> list[list[int]]:
    """The pixels by the twin, the first byte in the lowest place."""
    return [
        [int.from_bytes(line[at : at + step], "little") for at in range(0, width * step, step)]
        for line in twin.unfilter(raw, width * step, step)
    ]


@pytest.mark.parametrize("kinds", [(0,), (1,), (2,), (3,), (4,), (0, 1, 2, 3, 4)], ids=str)
@few(80, 25)
@given(data=st.data())
def test_rows_from_events_are_those_of_the_twin(kinds, data):
    raw, height, width, step = data.draw(filtered_rows(kinds))
    status, labels = rows_of(raw, height, width, step, ps.Seeded(data.draw(ps.SEEDS)))
    assert status == OK
    pixels = pixels_of(raw, width, step)
    assert labels.to_array().tolist() == pixels
    assert same(labels, _png_decode.LabelMap.from_array(np.array(pixels, np.uint32)))


@few(150, 40)
@given(filtered_rows())
def test_dense_rows_are_those_of_the_twin(drawn):
    raw, height, width, step = drawn
    dense = np.frombuffer(raw, np.uint8)
    assert not dense.flags.writeable
    sound, pixels = _png_rows.unfilter(dense, height, width, step)
    assert sound
    assert pixels.dtype == np.uint32
    assert pixels.reshape(height, width).tolist() == pixels_of(raw, width, step)


@pytest.mark.parametrize("kind", [5, 6, 128, 255])
@pytest.mark.parametrize("row", [0, 2, 3])
def test_filters_that_do_not_exist_are_refused(kind, row):
    raw = bytearray(b"".join(bytes([1, k, 0, 0]) for k in range(4)))
    raw[4 * row] = kind
    with pytest.raises(twin.BrokenError):
        twin.unfilter(bytes(raw), 3, 3)
    assert rows_of(bytes(raw), 4, 1, 3, ps.Seeded(1))[0] == BROKEN
    assert not _png_rows.unfilter(np.frombuffer(bytes(raw), np.uint8), 4, 1, 3)[0]


@pytest.mark.parametrize("kind", range(5))
def test_rows_that_find_no_room_say_so(kind):
    raw = b"".join(bytes([kind, *(k * x % 251 for x in range(1, 21))]) for k in range(1, 9))
    exact = rows_of(raw, 8, 20, 1, ps.Seeded(1))
    assert exact[0] == OK
    for room in range(22, 8 * 20 + 23):  # there is always room for a row
        status, labels = rows_of(raw, 8, 20, 1, ps.Seeded(1), room=room)
        assert status == FULL if room < 100 else status in (OK, FULL)
        if status == OK:
            assert same(labels, exact[1])


# The comparisons above are worth what their data are worth: each of these faults must show.


def corner_first(left, up, corner):
    guess = left + up - corner
    return min((corner, left, up), key=lambda value: abs(guess - value))


def rounded_up(kind, left, up, corner):
    return (left + up + 1) // 2 if kind == 3 else twin_predicted(kind, left, up, corner)


def without_left(kind, left, up, corner):
    return twin_predicted(kind, left if kind != 3 else 0, up, corner)


twin_predicted = twin.predicted


FAULTS = {
    # Up before left could not show: where both are equally near, they are equal, or the corner is nearer.
    "Paeth takes the corner first": ("nearest", corner_first),
    "Average rounds up": ("predicted", rounded_up),
    "Average forgets its left": ("predicted", without_left),
}


@pytest.mark.parametrize("name", FAULTS)
def test_planted_faults_show(name, monkeypatch):
    def differs(drawn) -> bool:
        raw, height, width, step = drawn
        return rows_of(raw, height, width, step, ps.Seeded(0))[1].to_array().tolist() != pixels_of(
            raw, width, step
        )

    quick = settings(max_examples=500, phases=[Phase.generate], derandomize=True, database=None)
    monkeypatch.setattr(twin, *FAULTS[name])
    assert find(filtered_rows(), differs, settings=quick)


def test_a_road_that_confuses_channels_shows(path):
    data, shown = png(colours([[1, 2, 256]])), [[1, 2, 256]]
    assert fast(path, data)[0].to_array().tolist() == shown
    with mock.patch.dict(_png.BYTES, {(RGB, 8): 1}):
        assert fast(path, data) is None
