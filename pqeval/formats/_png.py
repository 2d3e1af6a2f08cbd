"""PNG files as maps of ids: the only image decoding in pqeval.

There are two roads. The fast one (:mod:`pqeval.formats._png_decode`) takes sound files of the usual modes. Where
it declines, the careful one looks again: it names what is wrong, or has Pillow decode
(:mod:`pqeval.formats._png_careful`).
"""

from __future__ import annotations

import io
import struct
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pqeval.errors import DataWarning, PqevalError
from pqeval.formats._png_careful import SIGNATURE, decode_carefully
from pqeval.formats._png_decode import decode
from pqeval.labelmap import LabelMap
from pqeval.output import fresh_file
from pqeval.storage import File
from pqeval.storage.local import read_path

__all__ = ["MAX_RGB_ID", "Mode", "png_of_ids", "read_ids", "read_map", "write_ids", "write_png"]

MAX_RGB_ID = 2**24 - 1

BYTES = {(0, 8): 1, (0, 16): 2, (2, 8): 3, (3, 8): 1, (6, 8): 4}  # per pixel, in modes that the fast road takes
HEADER = struct.Struct(">8sI4sIIBBBBB")


class Mode(NamedTuple):
    """Colour type and bit depth of a PNG, and its palette."""

    color: int
    depth: int
    palette: bytes


def read_map(
    source: File | Path | str,
    *,
    shape: tuple[int, ...] | None = None,
    alpha: bool = False,
    problems: list[PqevalError],
) -> tuple[LabelMap, Mode]:
    """Read a PNG as a map of pixel values.

    Parameters
    ----------
    source : File or path
        A PNG of any mode and any bit depth.
    shape : tuple of int, optional
        (H, W) that the header must state; checked before anything is decoded.
    alpha : bool
        Whether alpha is data.
    problems : list
        Receives warnings.

    Returns
    -------
    labels : LabelMap
        R + 256 G + 65536 B for RGB and RGBA, whose alpha is ignored or makes the highest byte; the level for
        grayscale, the same with alpha; the index for palettes.
    mode : Mode
        What the header says, with the palette.

    Raises
    ------
    FileError, ImageError, ShapeError
        If the file is missing, broken, or of another size; for 16-bit RGB, which has no room in an id.
    """
    return _read(source, shape, problems, ids=False, alpha=alpha)


def read_ids(
    source: File | Path | str, *, shape: tuple[int, ...] | None = None, problems: list[PqevalError]
) -> tuple[LabelMap, bool]:
    """Read a PNG whose colours are ids: id = R + 256 G + 65536 B.

    Parameters
    ----------
    source : File or path
        An 8-bit RGB or RGBA file (alpha is ignored), or a palette file, whose colours are looked up.
    shape : tuple of int, optional
        (H, W) that the header must state; checked before anything is decoded.
    problems : list
        Receives warnings.

    Returns
    -------
    labels : LabelMap
        The map.
    palette : bool
        Whether it came from a palette, whose *indices* may have been meant as ids.

    Raises
    ------
    FileError, ImageError, ShapeError
        If the file is missing, broken, of another mode, or of another size.
    """
    labels, mode = _read(source, shape, problems, ids=True)
    if mode.color != 3:
        return labels, False
    colours = np.frombuffer(mode.palette, np.uint8).reshape(-1, 3).astype(np.uint32)
    return labels.relabelled(colours @ np.array([1, 256, 65536], np.uint32)), True


def _read(
    source: File | Path | str,
    shape: tuple[int, ...] | None,
    problems: list[PqevalError],
    *,
    ids: bool,
    alpha: bool = False,
) -> tuple[LabelMap, Mode]:
    raw = source.read() if isinstance(source, File) else read_path(source)
    done = _fast_road(raw, shape, ids, alpha)
    if done is not None:
        return done
    try:
        png, pixels = decode_carefully(raw, shape=shape, ids=ids)
    except PqevalError as error:
        raise error.located(file=str(source)) from None
    if png.color == 6 and not alpha and pixels[..., 3].min() < 255:
        problems.append(
            DataWarning(
                code="png-alpha",
                found="some pixels are transparent; alpha is ignored",
                expected="an RGB PNG",
                remedy="save the ids without an alpha channel",
                file=str(source),
            )
        )
    if png.color in (2, 6):
        wide = pixels.astype(np.uint32)
        pixels = wide[..., 0] | wide[..., 1] << np.uint32(8) | wide[..., 2] << np.uint32(16)
        if png.color == 6 and alpha:
            pixels |= wide[..., 3] << np.uint32(24)
    return LabelMap.from_array(pixels), Mode(png.color, png.depth, png.palette)


def _fast_road(raw: bytes, shape: tuple[int, ...] | None, ids: bool, alpha: bool) -> tuple[LabelMap, Mode] | None:
    """Decode a sound file of a usual mode; ``None`` where the careful road has to look."""
    size = len(raw)
    if size < HEADER.size:
        return None
    signature, length, _, width, height, depth, color, *_ = HEADER.unpack_from(raw)
    bytes_per_pixel = BYTES.get((color, depth)) if sys.byteorder == "little" else None
    if signature != SIGNATURE or length != 13 or bytes_per_pixel is None or any(raw[26:29]):
        return None
    if not width or not height or shape not in (None, (height, width)) or (ids and color == 0):
        return None
    decoded = decode(raw, height, width, bytes_per_pixel)
    if decoded is None:
        return None
    labels, palette = decoded
    if color == 3:
        if len(palette) % 3 or len(palette) > 768 or int(labels.ids.max()) >= len(palette) // 3:
            return None
    elif color == 6 and not alpha:
        if int(labels.ids.min()) >> 24 < 255:
            return None
        labels = labels.with_ids(labels.ids & np.uint32(MAX_RGB_ID))
    elif depth == 16:
        labels = labels.with_ids(labels.ids.astype(np.uint16).byteswap().astype(np.uint32))
    return labels, Mode(color, depth, palette)


def write_ids(path: Path, ids: npt.NDArray[np.uint32]) -> None:
    """Write a map of ids up to 2**24 - 1 as an RGB PNG, whole or not at all."""
    write_png(path, np.stack([ids & 255, ids >> 8 & 255, ids >> 16 & 255], axis=-1).astype(np.uint8))


def png_of_ids(ids: npt.NDArray[np.uint32]) -> bytes:
    """Return the RGB PNG of a map of ids up to 2**24 - 1."""
    from PIL import Image

    stream = io.BytesIO()
    colours = np.stack([ids & 255, ids >> 8 & 255, ids >> 16 & 255], axis=-1).astype(np.uint8)
    Image.fromarray(colours).save(stream, format="PNG", optimize=False)
    return stream.getvalue()


def write_png(path: Path, pixels: npt.NDArray[np.integer[Any]]) -> None:
    """Write an array as a PNG, whole or not at all.

    Parameters
    ----------
    path : Path
        The file.
    pixels : (H, W) uint8 or uint16, or (H, W, 3) or (H, W, 4) uint8
        Grayscale, RGB or RGBA.
    """
    from PIL import Image

    with fresh_file(path) as name:
        Image.fromarray(pixels).save(name, format="PNG", optimize=False)
