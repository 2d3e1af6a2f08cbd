"""PNG files as maps of ids: the only image decoding in pqeval.

Pillow decodes, but forgives too much: it fills missing rows with zeros, drops the low bytes of 16-bit colours,
and overlooks a missing end. So the chunks are walked first, and what cannot carry ids is refused by name.

Source of the layout: PNG specification, third edition, sections 5 (chunks), 8 (interlacing), 11.2 (critical
chunks).
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pqeval.errors import DataWarning, ImageError, PqevalError, ShapeError
from pqeval.formats._paths import read_regular
from pqeval.output import fresh_file

__all__ = ["MAX_RGB_ID", "Png", "read_ids", "write_ids"]

MAX_RGB_ID = 2**24 - 1

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
NAMES = {0: "grayscale", 2: "RGB", 3: "palette", 4: "grayscale with alpha", 6: "RGBA"}
ADAM7 = ((0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2))
MOST_PER_BYTE = 1032  # a deflate stream cannot expand further


@dataclass(frozen=True)
class Png:
    """The header of a PNG, and its compressed data.

    Parameters
    ----------
    width, height, depth, color, interlaced
        Fields of the IHDR chunk.
    palette : bytes
        The PLTE chunk.
    data : bytes
        All IDAT chunks, joined.
    """

    width: int
    height: int
    depth: int
    color: int
    interlaced: bool
    palette: bytes = b""
    data: bytes = b""

    def essence(self) -> bytes:
        """A PNG of nothing but what was checked: no animation, transparency or text can change what is decoded."""
        header = struct.pack(
            ">IIBBBBB", self.width, self.height, self.depth, self.color, 0, 0, int(self.interlaced)
        )
        chunks = [(b"IHDR", header), (b"PLTE", self.palette), (b"IDAT", self.data), (b"IEND", b"")]
        return SIGNATURE + b"".join(
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(name)))
            for name, body in chunks
            if body or name == b"IEND"
        )

    @property
    def mode(self) -> str:
        """Name of the colour type with its bit depth."""
        return f"{self.depth}-bit {NAMES[self.color]}"

    @property
    def raw_size(self) -> int:
        """Bytes of the inflated data: every row has a filter byte."""
        bits = CHANNELS[self.color] * self.depth
        passes = ADAM7 if self.interlaced else ((0, 1, 0, 1),)
        size = 0
        for left, across, top, down in passes:
            columns = (self.width - left + across - 1) // across
            rows = (self.height - top + down - 1) // down
            if columns > 0 and rows > 0:
                size += rows * (1 + (columns * bits + 7) // 8)
        return size


def read_ids(
    path: Path, *, shape: tuple[int, ...] | None = None, problems: list[PqevalError]
) -> tuple[npt.NDArray[np.uint32], bool]:
    """Read a PNG whose colours are ids: id = R + 256 G + 65536 B.

    Parameters
    ----------
    path : Path
        An 8-bit RGB or RGBA file (alpha is ignored), or a palette file, whose colours are looked up.
    shape : tuple of int, optional
        (H, W) that the header must state; checked before anything is decoded.
    problems : list
        Receives warnings.

    Returns
    -------
    ids : (H, W) uint32
        The map.
    palette : bool
        Whether it came from a palette, whose *indices* may have been meant as ids.

    Raises
    ------
    FileError, ImageError, ShapeError
        If the file is missing, broken, of another mode, or of another size.
    """
    raw = read_regular(path)
    try:
        png = _walk(raw)
        _check_size(png, shape)
        _check_mode(png)
        _check_data(png)
        pixels = _decode(png)
    except PqevalError as error:
        raise error.located(file=str(path)) from None
    if png.color == 6 and pixels[..., 3].min() < 255:
        problems.append(
            DataWarning(
                code="png-alpha",
                found="some pixels are transparent; alpha is ignored",
                expected="an RGB PNG",
                remedy="save the ids without an alpha channel",
                file=str(path),
            )
        )
    wide = pixels.astype(np.uint32)
    return wide[..., 0] | wide[..., 1] << np.uint32(8) | wide[..., 2] << np.uint32(16), png.color == 3


def write_ids(path: Path, ids: npt.NDArray[np.uint32]) -> None:
    """Write a map of ids up to 2**24 - 1 as an RGB PNG, whole or not at all."""
    from PIL import Image

    colours = np.stack([ids & 255, ids >> 8 & 255, ids >> 16 & 255], axis=-1).astype(np.uint8)
    with fresh_file(path) as name:
        Image.fromarray(colours).save(name, format="PNG", optimize=False)


def _broken(found: str, remedy: str = "write the file again") -> ImageError:
    return ImageError(code="png-broken", found=found, expected="a sound PNG", remedy=remedy)


def _walk(raw: bytes) -> Png:
    if not raw:
        raise _broken("the file is empty")
    if raw[: len(SIGNATURE)] != SIGNATURE:
        jpeg = raw[:3] == b"\xff\xd8\xff"
        raise ImageError(
            code="png-signature",
            found="the file is a JPEG" if jpeg else "the file is not a PNG",
            expected="a PNG, which stores ids without loss",
            remedy="save the ids as PNG; JPEG changes them" if jpeg else "save the ids as PNG",
        )
    header: Png | None = None
    palette = b""
    data: list[bytes] = []
    names: list[bytes] = []
    at = len(SIGNATURE)
    while True:
        if at + 12 > len(raw):
            raise _broken("the file ends before its IEND chunk")
        length, name = struct.unpack_from(">I4s", raw, at)
        body = raw[at + 8 : at + 8 + length]
        if at + 12 + length > len(raw):
            raise _broken(f"the file ends inside its {_printable(name)} chunk")
        if zlib.crc32(body, zlib.crc32(name)) != int.from_bytes(raw[at + 8 + length : at + 12 + length], "big"):
            raise _broken(f"the checksum of the {_printable(name)} chunk is wrong", "copy or write the file again")
        at += 12 + length
        if name != b"IDAT" or names[-1:] != [b"IDAT"]:
            if name in names and name in (b"IHDR", b"PLTE", b"IDAT"):
                raise _broken(f"a second {_printable(name)} chunk stands where none may be")
            names.append(name)
        if header is None:
            header = _header(name, body)
        elif name == b"PLTE":
            palette = body
        elif name == b"IDAT":
            data.append(body)
        elif name == b"IEND":
            return replace(header, palette=palette, data=b"".join(data))


def _printable(name: bytes) -> str:
    return name.decode("latin-1") if name.isalpha() else repr(name)


def _header(name: bytes, body: bytes) -> Png:
    if name != b"IHDR" or len(body) != 13:
        raise _broken("the file does not begin with an IHDR chunk of 13 bytes")
    width, height, depth, color, compression, filtering, interlace = struct.unpack(">IIBBBBB", body)
    sound = 0 < width < 2**31 and 0 < height < 2**31 and depth in DEPTHS.get(color, ())
    if not sound or compression or filtering or interlace > 1:
        raise _broken(f"the header states {width} x {height} pixels, depth {depth}, colour type {color}")
    return Png(width, height, depth, color, bool(interlace))


def _check_size(png: Png, shape: tuple[int, ...] | None) -> None:
    if shape is not None and shape != (png.height, png.width):
        raise ShapeError(
            code="shape",
            found=f"the prediction is {png.width} x {png.height} (width x height), "
            f"the ground truth is {shape[1]} x {shape[0]}",
            expected="two maps of one size",
            remedy="resize the prediction with nearest-neighbour interpolation, never the ground truth",
        )


def _check_mode(png: Png) -> None:
    if png.color == 3 or (png.color in (2, 6) and png.depth == 8):
        return
    if png.color in (0, 4):
        remedy = "write id % 256, id // 256 % 256 and id // 65536 into the three channels of an RGB PNG"
    else:
        remedy = "save with 8 bits per channel; Pillow would drop the low bytes"
    raise ImageError(
        code="png-mode",
        found=f"the PNG is {png.mode}",
        expected="8-bit RGB or RGBA, or a palette of such colours",
        remedy=remedy,
    )


def _check_data(png: Png) -> None:
    short = "the image data end too early: rows are missing"
    if png.raw_size > MOST_PER_BYTE * len(png.data):
        raise _broken(short)
    stream = zlib.decompressobj()
    try:
        size = len(stream.decompress(png.data, png.raw_size + 1))  # one byte more than is due would show a surplus
    except zlib.error as reason:
        raise _broken(f"the image data are damaged ({reason})") from reason
    if size > png.raw_size or stream.unused_data:
        raise _broken("there are more image data than the header asks for")
    if size < png.raw_size or not stream.eof:
        raise _broken(short)


def _decode(png: Png) -> npt.NDArray[np.uint8]:
    from PIL.PngImagePlugin import PngImageFile

    try:
        # Not Image.open, which warns or refuses by number of pixels; the header was compared with the data above.
        with PngImageFile(io.BytesIO(png.essence())) as image:
            pixels = np.asarray(image)
            palette = image.getpalette("RGB") if png.color == 3 else None
    except (OSError, SyntaxError, ValueError) as reason:
        raise _broken(f"cannot be decoded: {reason}") from reason
    if palette is None:
        return pixels
    table = np.zeros((256, 3), np.uint8)
    colours = np.array(palette, np.uint8).reshape(-1, 3)
    table[: len(colours)] = colours
    if int(pixels.max()) >= len(colours):
        raise _broken(f"a pixel uses colour {int(pixels.max())} of a palette with {len(colours)}")
    expanded: npt.NDArray[np.uint8] = table[pixels]
    return expanded
