"""The careful road for a PNG: what is wrong with it is named, and Pillow decodes the rest.

Pillow forgives too much: it fills missing rows with zeros, drops the low bytes of 16-bit colours, and overlooks a
missing end. So chunks and data are checked first, and it sees a file of nothing but what was checked.

Source of the layout: PNG specification, third edition, sections 5 (chunks), 8 (interlacing), 11.2 (critical
chunks).
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pqeval.errors import ImageError, ShapeError
from pqeval.formats._png_decode import MOST_PER_BYTE

__all__ = ["SIGNATURE", "Png", "decode_carefully"]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
NAMES = {0: "grayscale", 2: "RGB", 3: "palette", 4: "grayscale with alpha", 6: "RGBA"}
ADAM7 = ((0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2))


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


def decode_carefully(
    raw: bytes, *, shape: tuple[int, ...] | None, ids: bool
) -> tuple[Png, npt.NDArray[np.integer[Any]]]:
    """Check and decode a PNG.

    Parameters
    ----------
    raw : bytes
        The file.
    shape : tuple of int, optional
        (H, W) that the header must state.
    ids : bool
        Whether the colours have to be ids.

    Returns
    -------
    png : Png
        Its header, palette and data.
    pixels : (H, W) or (H, W, C) array of int
        Levels, indices, or colours.

    Raises
    ------
    ImageError, ShapeError
        If the file is broken, of another mode, or of another size.
    """
    png = _walk(raw)
    _check_size(png, shape)
    _check_mode(png, ids)
    _check_data(png)
    return png, _decode(png)


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


def _check_mode(png: Png, ids: bool) -> None:
    if png.color == 3 or (png.color in (2, 6) and png.depth == 8):
        return
    if not ids and (png.color == 0 or png.depth == 8):
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


def _decode(png: Png) -> npt.NDArray[np.integer[Any]]:
    from PIL.PngImagePlugin import PngImageFile

    try:
        # Not Image.open, which warns or refuses by number of pixels; the header was compared with the data above.
        with PngImageFile(io.BytesIO(png.essence())) as image:
            pixels: npt.NDArray[np.integer[Any]] = np.asarray(image)
    except (OSError, SyntaxError, ValueError) as reason:
        raise _broken(f"cannot be decoded: {reason}") from reason
    if png.color == 3:
        if not png.palette or len(png.palette) % 3:
            raise _broken(f"the palette has {len(png.palette)} bytes")
        if int(pixels.max()) >= len(png.palette) // 3:
            raise _broken(f"a pixel uses colour {int(pixels.max())} of a palette with {len(png.palette) // 3}")
    if png.color == 4:
        return pixels[..., 0]
    if png.color == 0 and png.depth < 8:  # Pillow stretches the levels to 255, but one bit to True
        return pixels.astype(np.uint8) // (1 if png.depth == 1 else 255 // (2**png.depth - 1))
    return pixels
