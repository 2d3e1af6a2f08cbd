"""PNGs as maps of values: levels, indices, and alpha that is data, on both roads and from anywhere."""

from __future__ import annotations

import naive_png as twin
import numpy as np
import png_strategies as ps
import pytest
from datasets import GRAY, GRAY_ALPHA, PALETTE, RGB, RGBA, png
from hypothesis import given
from hypothesis import strategies as st
from packed import zip_of
from PIL import Image

from pqeval.errors import FileError, ImageError
from pqeval.formats import _png
from pqeval.formats._png import read_ids, read_map, write_png
from pqeval.labelmap import LabelMap
from pqeval.storage import File, locate


def both_roads(path, monkeypatch, **options):
    """Read on the fast road, where it takes the file, and on the careful one; return all answers."""
    taken = _png._fast_road(path.read_bytes(), None, False, options.get("alpha", False))
    answers = [] if taken is None else [(*taken, [])]
    with monkeypatch.context() as patch:
        patch.setattr(_png, "_fast_road", lambda *_: None)
        problems: list = []
        answers.append((*read_map(path, problems=problems, **options), [problem.code for problem in problems]))
    return answers


def assert_values(path, monkeypatch, expected, roads=2, warnings=(), **options):
    answers = both_roads(path, monkeypatch, **options)
    assert len(answers) == roads
    canonical = LabelMap.from_array(np.array(expected, np.uint32))
    for labels, _, codes in answers:
        assert labels.to_array().tolist() == expected
        assert labels.runs.tolist() == canonical.runs.tolist()
        assert codes == list(warnings)
    assert answers[0][1] == answers[-1][1]


COLOURS = [[(1, 2, 3, 4), (1, 2, 3, 5)], [(255, 255, 255, 255), (0, 0, 0, 0)]]
PACKED = [[r | g << 8 | b << 16 | a << 24 for r, g, b, a in row] for row in COLOURS]


@pytest.mark.parametrize("filters", [(0,), (1,), (2,), (3,), (4,)])
def test_alpha_is_the_highest_byte_where_it_is_data(tmp_path, monkeypatch, filters):
    (tmp_path / "a.png").write_bytes(png(COLOURS, color=RGBA, filters=filters))
    assert_values(tmp_path / "a.png", monkeypatch, PACKED, alpha=True)
    flat = [[value & 0xFFFFFF for value in row] for row in PACKED]
    assert_values(tmp_path / "a.png", monkeypatch, flat, roads=1, warnings=["png-alpha"])


def test_opaque_alpha_is_the_highest_byte_too(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(png([[(1, 0, 0, 255), (2, 0, 0, 255)]], color=RGBA))
    assert_values(tmp_path / "a.png", monkeypatch, [[0xFF000001, 0xFF000002]], alpha=True)
    assert_values(tmp_path / "a.png", monkeypatch, [[1, 2]])


def test_interlaced_alpha_takes_the_careful_road(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(png(COLOURS, color=RGBA, interlaced=True))
    assert_values(tmp_path / "a.png", monkeypatch, PACKED, roads=1, alpha=True)


@pytest.mark.parametrize("alpha", [False, True])
def test_files_without_alpha_are_the_same_either_way(tmp_path, monkeypatch, alpha):
    (tmp_path / "rgb.png").write_bytes(png([[(1, 2, 3), (4, 5, 6)]], color=RGB))
    assert_values(tmp_path / "rgb.png", monkeypatch, [[0x030201, 0x060504]], alpha=alpha)
    (tmp_path / "gray.png").write_bytes(png([[(1,), (255,)]], color=GRAY))
    assert_values(tmp_path / "gray.png", monkeypatch, [[1, 255]], alpha=alpha)


def test_gray_with_alpha_is_the_level(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(png([[(7, 0), (8, 255)]], color=GRAY_ALPHA))
    assert_values(tmp_path / "a.png", monkeypatch, [[7, 8]], roads=1)


LEVELS = [0, 1, 255, 256, 257, 32767, 32768, 65534, 65535]


def test_levels_of_16_bits_keep_both_bytes(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(png([[(level,) for level in LEVELS]] * 2, color=GRAY, depth=16))
    assert_values(tmp_path / "a.png", monkeypatch, [LEVELS] * 2)
    (tmp_path / "b.png").write_bytes(png([[(level,) for level in LEVELS]], color=GRAY, depth=16, interlaced=True))
    assert_values(tmp_path / "b.png", monkeypatch, [LEVELS], roads=1)


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
@pytest.mark.parametrize("width", [1, 7, 8, 9])
def test_levels_of_few_bits_are_not_stretched(tmp_path, monkeypatch, depth, width):
    rows = [[(3 * x + y) % 2**depth for x in range(width)] for y in range(3)]
    (tmp_path / "a.png").write_bytes(png([[(level,) for level in row] for row in rows], color=GRAY, depth=depth))
    assert_values(tmp_path / "a.png", monkeypatch, rows, roads=1 + (depth == 8))


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
@pytest.mark.parametrize("width", [1, 7, 8, 9])
def test_indices_are_values_whatever_the_colours_are(tmp_path, monkeypatch, depth, width):
    rows = [[(3 * x + y) % 2**depth for x in range(width)] for y in range(3)]
    samples = [[(index,) for index in row] for row in rows]
    colours = [(9, 9, 9)] * 2**depth  # all alike: only the indices tell
    data = png(samples, color=PALETTE, depth=depth, palette=colours, transparency=bytes(2**depth))
    (tmp_path / "a.png").write_bytes(data)
    assert_values(tmp_path / "a.png", monkeypatch, rows, roads=1 + (depth == 8))
    assert both_roads(tmp_path / "a.png", monkeypatch)[0][1] == (PALETTE, depth, bytes([9] * 3 * 2**depth))


@pytest.mark.parametrize(
    ("color", "depth"), [(GRAY, 1), (GRAY, 8), (GRAY, 16), (GRAY_ALPHA, 8), (RGB, 8), (RGBA, 8), (PALETTE, 4)]
)
def test_the_mode_is_that_of_the_header(tmp_path, monkeypatch, color, depth):
    channels = {GRAY: 1, PALETTE: 1, GRAY_ALPHA: 2, RGB: 3, RGBA: 4}[color]
    palette = [(1, 2, 3)] if color == PALETTE else None
    (tmp_path / "a.png").write_bytes(png([[(0,) * channels]], color=color, depth=depth, palette=palette))
    for _, mode, _ in both_roads(tmp_path / "a.png", monkeypatch, alpha=True):
        assert (mode.color, mode.depth) == (color, depth)


@pytest.mark.parametrize("pixel", [(1, 2, 3), (1, 2, 3, 4), (1, 2)], ids=["RGB", "RGBA", "gray with alpha"])
def test_16_bits_in_several_channels_have_no_room(tmp_path, pixel):
    color = {2: GRAY_ALPHA, 3: RGB, 4: RGBA}[len(pixel)]
    (tmp_path / "a.png").write_bytes(png([[pixel]], color=color, depth=16))
    for alpha in (False, True):
        with pytest.raises(ImageError) as caught:
            read_map(tmp_path / "a.png", alpha=alpha, problems=[])
        assert caught.value.code == "png-mode"


@given(ps.files([(RGBA, 8)]), st.booleans())
def test_alpha_of_any_file_is_that_of_the_twin(drawn, alpha):
    data, shown = drawn
    image = twin.decode(data)
    expected = [[r | g << 8 | b << 16 | (a << 24 if alpha else 0) for r, g, b, a in row] for row in image.rows]
    taken = _png._fast_road(data, None, False, alpha)
    if taken is not None:
        assert taken[0].to_array().tolist() == expected
    assert shown.color == RGBA


# From anywhere


def test_a_png_is_read_from_any_place(tmp_path):
    data = png(COLOURS, color=RGBA)
    (tmp_path / "a.png").write_bytes(data)
    (tmp_path / "x.zip").write_bytes(zip_of({"maps/a.png": data}))
    sources = (
        tmp_path / "a.png",
        str(tmp_path / "a.png"),
        File(locate(tmp_path), "a.png"),
        File(locate(tmp_path / "x.zip"), "maps/a.png"),
    )
    for source in sources:
        assert read_map(source, alpha=True, problems=[])[0].to_array().tolist() == PACKED
    for source in sources:
        problems: list = []
        read_ids(source, problems=problems)
        assert [problem.file for problem in problems] == [str(source)]


def test_a_broken_png_is_named_as_its_place_calls_it(tmp_path):
    (tmp_path / "x.zip").write_bytes(zip_of({"maps/a.png": png(COLOURS, color=RGBA)[:-20]}))
    place = locate(tmp_path / "x.zip")
    for name, code in (("maps/a.png", "png-broken"), ("maps/none.png", "member-missing")):
        with pytest.raises((ImageError, FileError)) as caught:
            read_map(File(place, name), problems=[])
        assert (caught.value.code, caught.value.file) == (code, f"{tmp_path}/x.zip/{name}")


# Writing


@pytest.mark.parametrize(
    ("pixels", "mode"),
    [
        (np.array([[0, 255], [7, 8]], np.uint8), (GRAY, 8)),
        (np.array([[0, 65535], [255, 256]], np.uint16), (GRAY, 16)),
        (np.arange(24, dtype=np.uint8).reshape(2, 4, 3), (RGB, 8)),
        (np.arange(0, 256, 8, dtype=np.uint8).reshape(2, 4, 4), (RGBA, 8)),
    ],
)
def test_what_is_written_is_read(tmp_path, pixels, mode):
    write_png(tmp_path / "a.png", pixels)
    labels, found = read_map(tmp_path / "a.png", alpha=True, problems=[])
    assert (found.color, found.depth) == mode
    wide = pixels.astype(np.uint32).reshape(*pixels.shape[:2], -1)
    expected = sum(wide[..., channel] << np.uint32(8 * channel) for channel in range(wide.shape[2]))
    assert labels.to_array().tolist() == expected.tolist()
    with Image.open(tmp_path / "a.png") as image:
        assert np.array_equal(np.asarray(image), pixels)
