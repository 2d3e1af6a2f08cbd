"""Reading ids from PNG files: what is accepted, what is refused, and what is never even opened."""

from __future__ import annotations

import itertools
import os
import struct
import zlib
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from datasets import (
    CHANNELS,
    GRAY,
    GRAY_ALPHA,
    PALETTE,
    RGB,
    RGBA,
    SIGNATURE,
    chunk,
    chunks,
    colours,
    png,
    within,
)
from PIL import Image, PngImagePlugin

from pqeval.errors import FileError, ImageError, ShapeError
from pqeval.formats import _png, _png_careful, _png_decode
from pqeval.formats._png import MAX_RGB_ID, read_ids, write_ids
from pqeval.storage.folder import check_name
from pqeval.storage.local import LocalFolder, read_path, read_regular

# Width and height are odd, larger than a block of Adam7, and different.
HEIGHT, WIDTH = 11, 13
IDS = [[(3 * x * x + 1000 * y * (x // 4) + 70000 * (y // 3)) % 2**24 for x in range(WIDTH)] for y in range(HEIGHT)]
NAMES = {GRAY: "gray", RGB: "RGB", PALETTE: "palette", GRAY_ALPHA: "gray+alpha", RGBA: "RGBA"}
DEPTHS = {GRAY: (1, 2, 4, 8, 16), RGB: (8, 16), PALETTE: (1, 2, 4, 8), GRAY_ALPHA: (8, 16), RGBA: (8, 16)}
MODES = [(color, depth) for color, depths in DEPTHS.items() for depth in depths]
FILTERS = [(0,), (1,), (2,), (3,), (4,), (0, 1, 2, 3, 4)]


def samples_of(color, depth):
    """Return samples that use the whole range of a mode, and the ids that they stand for, if they do."""
    most = 2**depth
    if color == PALETTE:
        small = [[number % most for number in row] for row in IDS]
        return [[(number,) for number in row] for row in small], [[palette_id(n) for n in row] for row in small]
    if depth == 8 and color in (RGB, RGBA):
        more = (255,) if color == RGBA else ()
        return [[colour + more for colour in row] for row in colours(IDS)], IDS
    channels = CHANNELS[color]
    return [[tuple((n + c) % most for c in range(channels)) for n in row] for row in IDS], None


def palette_id(index):
    return (index * 7919 + 1) % 2**24


def palette_of(color, depth):
    return [colours([[palette_id(index)]])[0][0] for index in range(2**depth)] if color == PALETTE else None


def read(path, data, **options):
    path.write_bytes(data)
    problems = []
    labels, palette = read_ids(path, problems=problems, **options)
    return labels.to_array(), palette, problems


def refusal(path, data=None, **options):
    if data is not None:
        path.write_bytes(data)
    with pytest.raises((FileError, ImageError, ShapeError)) as caught:
        read_ids(path, problems=[], **options)
    assert caught.value.file == str(path)
    return caught.value


@pytest.fixture
def path(tmp_path):
    return tmp_path / "1.png"


# The writer of these tests is checked by another decoder.


@pytest.mark.parametrize("interlaced", [False, True], ids=["plain", "Adam7"])
@pytest.mark.parametrize(("color", "depth"), MODES, ids=lambda value: str(value))
def test_the_writer_of_these_tests_writes_sound_files(path, color, depth, interlaced):
    samples, _ = samples_of(color, depth)
    for filters in FILTERS:
        data = png(
            samples,
            color=color,
            depth=depth,
            interlaced=interlaced,
            filters=filters,
            idat=3,
            palette=palette_of(color, depth),
        )
        path.write_bytes(data)
        with Image.open(path) as image:
            found = np.asarray(image).reshape(HEIGHT, WIDTH, -1)
        if depth < 8 and color == GRAY:
            found = found.astype(int) * (2**depth - 1) // (1 if depth == 1 else 255)
        if depth == 16 and color != GRAY:
            assert (found[..., 0] == np.array(samples)[..., 0] >> 8).all()
        else:
            assert (found == np.array(samples)).all()


# What is read, and what is refused for its mode


@pytest.mark.parametrize("interlaced", [False, True], ids=["plain", "Adam7"])
@pytest.mark.parametrize("filters", FILTERS, ids=str)
@pytest.mark.parametrize(
    ("color", "depth"), [(RGB, 8), (RGBA, 8), *((PALETTE, depth) for depth in DEPTHS[PALETTE])]
)
def test_modes_that_carry_ids(path, color, depth, filters, interlaced):
    samples, ids = samples_of(color, depth)
    data = png(
        samples, color=color, depth=depth, filters=filters, interlaced=interlaced, palette=palette_of(color, depth)
    )
    found, palette, problems = read(path, data, shape=(HEIGHT, WIDTH))
    assert found.dtype == np.uint32
    assert found.tolist() == ids
    assert palette == (color == PALETTE)
    assert problems == []


@pytest.mark.parametrize("interlaced", [False, True], ids=["plain", "Adam7"])
@pytest.mark.parametrize(
    ("color", "depth"),
    [mode for mode in MODES if mode not in ((RGB, 8), (RGBA, 8)) and mode[0] != PALETTE],
)
def test_modes_that_carry_none(path, color, depth, interlaced):
    samples, _ = samples_of(color, depth)
    error = refusal(path, png(samples, color=color, depth=depth, interlaced=interlaced))
    names = {GRAY: "grayscale", GRAY_ALPHA: "grayscale with alpha", RGB: "RGB", RGBA: "RGBA"}
    assert (error.code, error.found) == ("png-mode", f"the PNG is {depth}-bit {names[color]}")


@pytest.mark.parametrize("width", range(1, 10))
@pytest.mark.parametrize("height", range(1, 10))
def test_interlaced_files_smaller_than_a_block(path, width, height):
    ids = [[1 + x + 300 * y for x in range(width)] for y in range(height)]
    assert read(path, png(colours(ids), interlaced=True))[0].tolist() == ids


@pytest.mark.parametrize("color", [RGB, PALETTE])
def test_a_transparent_colour_changes_nothing(path, color):
    samples, ids = samples_of(color, 8)
    transparency = struct.pack(">3H", *samples[0][0]) if color == RGB else bytes(range(256))
    data = png(samples, color=color, palette=palette_of(color, 8), transparency=transparency)
    assert read(path, data)[0].tolist() == ids


@pytest.mark.parametrize("pieces", [1, 2, 7, 10**6])
def test_image_data_in_several_chunks(path, pieces):
    data = png(colours(IDS), idat=pieces)
    assert sum(name == b"IDAT" for name, _, _ in chunks(data)) >= min(pieces, 7)
    assert read(path, data)[0].tolist() == IDS


def test_an_empty_idat_chunk_changes_nothing(path):
    data = png(colours(IDS))
    ((_, begin, _),) = [each for each in chunks(data) if each[0] == b"IDAT"]
    assert read(path, data[:begin] + chunk(b"IDAT", b"") + data[begin:])[0].tolist() == IDS


def test_chunks_that_nobody_knows_and_bytes_behind_the_end_change_nothing(path):
    data = png(colours(IDS))
    text = chunk(b"tEXt", b"Title\0a map")
    assert read(path, data[:33] + text + data[33:] + b"appended")[0].tolist() == IDS


@pytest.mark.parametrize(("alpha", "told"), [(255, 0), (254, 1), (0, 1)])
def test_alpha_is_ignored(path, alpha, told):
    samples = [[(*colour, 255) for colour in row] for row in colours(IDS)]
    samples[HEIGHT - 1][WIDTH - 1] = (*samples[HEIGHT - 1][WIDTH - 1][:3], alpha)
    ids, _, problems = read(path, png(samples, color=RGBA))
    assert ids.tolist() == IDS
    assert [problem.code for problem in problems] == ["png-alpha"] * told


def test_gamma_and_profiles_do_not_change_colours(path):
    data = png(colours(IDS))
    extra = chunk(b"gAMA", struct.pack(">I", 45455)) + chunk(b"sRGB", b"\0")
    assert read(path, data[:33] + extra + data[33:])[0].tolist() == IDS


# Truncation


def cuts(data):
    """Every chunk boundary, and a place inside each part of each chunk."""
    places = {0, 1, len(SIGNATURE) - 1, len(SIGNATURE)}
    for _, begin, end in chunks(data):
        places |= {begin, begin + 3, begin + 4, begin + 7, begin + 8, (begin + end) // 2, end - 4, end - 1, end}
    return sorted(place for place in places if place < len(data))


@pytest.mark.parametrize("interlaced", [False, True], ids=["plain", "Adam7"])
def test_a_file_that_is_cut_anywhere_is_refused(path, interlaced):
    data = png(colours(IDS), idat=3, interlaced=interlaced, transparency=b"\0" * 6)
    assert len(cuts(data)) > 40
    for place in cuts(data):
        error = refusal(path, data[:place])
        assert error.code == ("png-signature" if 0 < place < len(SIGNATURE) else "png-broken"), place


@pytest.mark.parametrize("name", [b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"])
def test_a_wrong_checksum_is_refused_in_any_chunk(path, name):
    samples, _ = samples_of(PALETTE, 8)
    sound = {"color": PALETTE, "palette": palette_of(PALETTE, 8), "transparency": b"\xff"}
    assert read(path, png(samples, **sound))[1]
    error = refusal(path, png(samples, **sound, spoilt=name))
    assert error.found == f"the checksum of the {name.decode()} chunk is wrong"


@pytest.mark.parametrize("name", [b"IHDR", b"IDAT", b"IEND", b"PLTE"])
def test_a_missing_chunk_is_refused(path, name):
    samples, _ = samples_of(PALETTE, 8)
    data = png(samples, color=PALETTE, palette=palette_of(PALETTE, 8), without=(name,))
    error = refusal(path, data)
    assert error.code == "png-broken"


@pytest.mark.parametrize("interlaced", [False, True], ids=["plain", "Adam7"])
def test_missing_rows_and_surplus_bytes_are_refused(path, interlaced):
    short = refusal(path, png(colours(IDS), missing_rows=1, interlaced=interlaced))
    assert short.found == "the image data end too early: rows are missing"
    surplus = refusal(path, png(colours(IDS), surplus=b"\0", interlaced=interlaced))
    assert surplus.found == "there are more image data than the header asks for"
    damaged = refusal(path, png(colours(IDS), damaged=True, interlaced=interlaced))
    assert damaged.found.startswith("the image data are damaged (Error -3 while decompressing data")


def test_bytes_behind_the_compressed_stream_are_refused(path):
    data = png(colours(IDS))
    ((_, begin, end),) = [each for each in chunks(data) if each[0] == b"IDAT"]
    longer = chunk(b"IDAT", data[begin + 8 : end - 4] + b"\0")
    assert refusal(path, data[:begin] + longer + data[end:]).found == (
        "there are more image data than the header asks for"
    )


@pytest.mark.parametrize("lost", [1, 2, 4])
def test_a_compressed_stream_without_its_end_is_refused(path, lost):
    # All rows are there; only the last bytes of the stream, its own checksum, are not.
    data = png(colours(IDS))
    ((_, begin, end),) = [each for each in chunks(data) if each[0] == b"IDAT"]
    shorter = chunk(b"IDAT", data[begin + 8 : end - 4 - lost])
    assert refusal(path, data[:begin] + shorter + data[end:]).code == "png-broken"


@pytest.mark.parametrize(
    ("place", "value"),
    [(8, 1), (9, 1), (10, 1), (11, 1), (12, 2)],
    ids=["depth", "colour type", "compression", "filter", "interlace"],
)
def test_header_fields_that_do_not_exist_are_refused(path, place, value):
    data = png(colours(IDS))
    header = bytearray(data[16:29])
    header[place] = value
    error = refusal(path, SIGNATURE + chunk(b"IHDR", bytes(header)) + data[33:])
    assert error.found.startswith(f"the header states {WIDTH} x {HEIGHT} pixels, depth ")


# Things that are no PNG files


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "the file is empty"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "the file is a JPEG"),
        (b"II*\0", "the file is not a PNG"),
        (b"\x89PNG\n\x1a\n", "the file is not a PNG"),
        (b"<html>", "the file is not a PNG"),
    ],
    ids=["empty", "JPEG", "TIFF", "PNG through a text mode", "HTML"],
)
def test_other_files_are_refused(path, data, found):
    assert refusal(path, data).found == found


def test_a_missing_file_is_refused(path):
    assert refusal(path).code == "file-missing"


def test_a_folder_is_refused(path):
    path.mkdir()
    assert refusal(path).found == "is a folder"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_named_pipe_is_refused_without_waiting(path):
    os.mkfifo(path)
    with within(60):
        assert refusal(path).found == "is a named pipe"


def test_a_link_is_followed_and_a_dangling_one_is_a_missing_file(tmp_path, path):
    (tmp_path / "elsewhere.png").write_bytes(png(colours(IDS)))
    path.symlink_to(tmp_path / "elsewhere.png")
    assert read_ids(path, problems=[])[0].to_array().tolist() == IDS
    (tmp_path / "elsewhere.png").unlink()
    assert refusal(path).code == "file-missing"


def test_a_link_in_a_circle_is_refused(path):
    path.symlink_to(path)
    error = refusal(path)
    assert (error.code, error.found) == ("file-unreadable", "cannot be read: Too many levels of symbolic links")


# Before anything is decoded


@pytest.fixture
def undecoded():
    """Make decompressing and decoding fail, so that a refusal must have come before."""
    never = AssertionError("something was decoded")
    with (
        mock.patch.object(_png_decode, "decode_file", side_effect=never),
        mock.patch.object(_png_careful.zlib, "decompressobj", side_effect=never),
        mock.patch.object(Image, "open", side_effect=never),
        mock.patch.object(PngImagePlugin, "PngImageFile", side_effect=never),
    ):
        yield


@pytest.mark.usefixtures("undecoded")
def test_another_size_is_refused_before_decoding(path):
    error = refusal(path, png(colours(IDS)), shape=(WIDTH, HEIGHT))
    assert (error.code, error.found) == (
        "shape",
        "the prediction is 13 x 11 (width x height), the ground truth is 11 x 13",
    )


@pytest.mark.usefixtures("undecoded")
def test_a_header_of_900_megapixels_is_refused_before_decoding(path):
    data = png(colours([[1]]), size=(30_000, 30_000))
    assert refusal(path, data, shape=(4, 5)).code == "shape"
    assert refusal(path, data).found == "the image data end too early: rows are missing"


@pytest.mark.usefixtures("undecoded")
def test_another_mode_is_refused_before_decoding(path):
    assert refusal(path, png([[(1, 1)]], color=GRAY_ALPHA)).code == "png-mode"


def test_the_trap_for_decoding_is_set(path, undecoded):
    path.write_bytes(png(colours(IDS)))
    with pytest.raises(AssertionError, match="something was decoded"):
        read_ids(path, problems=[])


def test_a_bomb_is_not_inflated_beyond_what_the_header_asks_for(path):
    # 64 MB of zeros in 64 kB, under a header of 13 x 11 pixels.
    data = png(colours(IDS), surplus=bytes(2**26))
    assert len(data) < 2**17
    sizes = []

    class Watched:
        def __init__(self):
            self.stream = zlib_decompressobj()

        def decompress(self, data, most=0):
            out = self.stream.decompress(data, most)
            sizes.append(len(out))
            return out

        def __getattr__(self, name):
            return getattr(self.stream, name)

    zlib_decompressobj = zlib.decompressobj
    with mock.patch.object(_png_careful.zlib, "decompressobj", Watched):
        error = refusal(path, data)
    assert error.found == "there are more image data than the header asks for"
    assert max(sizes) <= HEIGHT * (1 + 3 * WIDTH) + 1


def test_the_size_alone_is_no_reason_to_refuse(path, monkeypatch):
    """Pillow warns and then refuses by number of pixels; here the header has been compared with the data."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2)
    path.write_bytes(png([[(1, 0, 0)] * 5] * 4))
    labels, _ = _png.read_ids(path, problems=[])
    assert labels.to_array().tolist() == [[1] * 5] * 4


# Names that come out of data


@pytest.mark.parametrize(
    "name",
    [
        "../1.png",
        "a/../../1.png",
        "a/..",
        "..",
        "/1.png",
        "//server/share/1.png",
        "C:1.png",
        "C:\\1.png",
        "c:/1.png",
        "\\1.png",
        "\\\\server\\share\\1.png",
        "..\\1.png",
        "a\\..\\..\\1.png",
        "1.png\0.jpg",
        "",
    ],
)
def test_names_that_leave_the_folder_are_refused(tmp_path, name):
    with pytest.raises(FileError) as caught:
        check_name(name, str(tmp_path))
    assert caught.value.code == "path-leaves-folder"
    assert caught.value.found == f"file_name is {name!r}"
    for read in (LocalFolder(tmp_path).read, lambda name: LocalFolder(tmp_path).head(name, 1)):
        with pytest.raises(FileError) as again:
            read(name)
        assert str(again.value) == str(caught.value)


@pytest.mark.parametrize("name", ["1.png", "a/b/1.png", "./1.png", "a..b.png", "...png", "ü €.png", "a/./1.png"])
def test_names_inside_the_folder_are_joined_to_it(tmp_path, name):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(b"inside")
    folder = LocalFolder(tmp_path)
    found = Path(folder.path(name))
    assert found.is_relative_to(tmp_path)
    assert found == tmp_path / name
    assert (folder.read(name), folder.head(name, 2), folder.has(name)) == (b"inside", b"in", True)


def test_a_jpg_where_there_is_a_png_is_hinted_at(tmp_path, path):
    path.write_bytes(png(colours(IDS)))
    for name in ("1.jpg", "1.jpeg", "1"):
        assert refusal(tmp_path / name).remedy == "1.png exists: write that as file_name"
    assert refusal(tmp_path / "2.jpg").remedy == "check the file name"


def test_an_empty_file_is_read_as_such(path):
    path.write_bytes(b"")
    assert read_regular(path) == read_path(path) == b""


# Writing


def test_what_is_written_is_read(path):
    ids = np.array([[0, 1, 255, 256], [65535, 65536, MAX_RGB_ID, 2**23]], np.uint32)
    write_ids(path, ids)
    found, palette, problems = read(path, path.read_bytes(), shape=(2, 4))
    assert found.tolist() == ids.tolist()
    assert (palette, problems) == (False, [])
    assert [file.name for file in path.parent.iterdir()] == ["1.png"]


def test_every_byte_of_an_id_has_its_channel(path):
    for place, value in itertools.product(range(3), (1, 17, 255)):
        colour = [0, 0, 0]
        colour[place] = value
        assert read(path, png([[tuple(colour)]]))[0].tolist() == [[value << 8 * place]]


# What Pillow would make of the rest of the file


def test_an_animation_does_not_change_what_is_decoded(path):
    still = png(colours([[1, 2], [3, 4]]))
    control = chunk(b"acTL", struct.pack(">II", 1, 0))
    frame = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 1, 1, 0, 0, 1, 1, 0, 0))
    path.write_bytes(still[:33] + control + frame + still[33:])
    labels, _ = _png.read_ids(path, problems=[])
    assert labels.to_array().tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("name", ["IHDR", "PLTE", "IDAT"])
def test_chunks_that_may_stand_once_stand_once(path, name):
    palette = [(1, 0, 0), (2, 0, 0)]
    still = png([[(0,), (1,)]], color=PALETTE, palette=palette)
    at = still.index(b"IEND") - 4
    extra = {
        "IHDR": still[8:33],
        "PLTE": chunk(b"PLTE", bytes(6)),
        "IDAT": chunk(b"tEXt", b"a\0b") + chunk(b"IDAT", b""),
    }[name]
    error = refusal(path, still[:at] + extra + still[at:])
    assert error.found == f"a second {name} chunk stands where none may be"
