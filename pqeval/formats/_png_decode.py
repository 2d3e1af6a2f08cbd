"""A PNG from its bytes to lines of runs in one compiled call, with room to work that each thread keeps.

What this road cannot take, broken files above all, it leaves to the careful one in :mod:`pqeval.formats._png`.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from pqeval.core.compiled import fingerprint, kernel
from pqeval.formats import _deflate, _png_chunks, _png_rows
from pqeval.formats._deflate import BROKEN, OK, inflate
from pqeval.formats._png_chunks import join_data
from pqeval.formats._png_rows import decode_rows, unfilter
from pqeval.labelmap import LabelMap

__all__ = ["PAD", "Room", "decode", "room"]

PAD = 64  # bytes behind a file that may be read
MOST_PER_BYTE = 1032  # a deflate stream cannot expand further
LARGEST = 2**29  # inflated bytes; positions are kept in 30 bits
KEPT = 2**26  # a thread gives larger arrays back


def _whole_road(seal: int) -> Callable[..., Any]:
    @kernel
    def decode_file(  # type: ignore[no-untyped-def]  # compiled
        data, words, size, height, width, bytes_per_pixel, events, first, runs, entries
    ):
        """Decode a PNG.

        Parameters
        ----------
        data, words : (8 * N,) uint8, (N,) uint64
            The file and ``PAD`` bytes, the same memory twice. The image data are joined in place.
        size : int
            Bytes of the file.
        height, width, bytes_per_pixel : int
            What the header says.
        events, first, runs, entries
            Room to work; see the kernels.

        Returns
        -------
        status : int
            ``OK``; ``BROKEN``; ``FULL`` where the image is not sparse.
        place : tuple of int
            Where the joined image data and the palette lie, see :func:`join_data`.
        bottoms, begin, found_runs
            The lines, see :class:`pqeval.labelmap.LabelMap`; empty unless the status is ``OK``.
        """
        bottoms = np.empty(height, np.uint32)
        begin = np.empty(height + 1, np.uint32)
        lines = 0
        status = BROKEN
        start, stop, palette, palette_stop = join_data(data, size)
        place = (start, stop, palette, palette_stop)
        total = height * (1 + width * bytes_per_pixel)
        if start > 0 and seal >= 0:
            status, _ = inflate(data, words, start, stop, total, events, first)
        if status == OK:
            status, lines = decode_rows(events, height, width, bytes_per_pixel, bottoms, begin, runs, entries)
        if status != OK:
            return status, place, bottoms[:0], begin[:0], runs[:0]
        stop = np.int64(begin[lines])
        return status, place, bottoms[:lines].copy(), begin[: lines + 1] - np.uint32(1), runs[1:stop].copy()

    return cast(Callable[..., Any], decode_file)


# numba's disk cache does not notice when a callee in another file changes; it does notice another seal.
decode_file = _whole_road(fingerprint(_deflate, _png_chunks, _png_rows))


@dataclass
class Room(threading.local):
    """Arrays that grow as needed and are used again for the next file."""

    words: npt.NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    data: npt.NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))
    work: tuple[npt.NDArray[np.generic], ...] = ()
    needs: tuple[int, ...] = (0, 0, 0, 0)
    image: tuple[int, ...] = ()

    def for_file(self, size: int) -> npt.NDArray[np.uint8]:
        """Return a buffer with room for a file and ``PAD`` bytes."""
        if size + PAD > len(self.data) or len(self.data) > KEPT + size:
            self.words = np.empty((max(size, 2**16) + PAD + 7) // 8, np.uint64)
            self.data = self.words.view(np.uint8)
        return self.data

    def for_image(self, height: int, width: int, bytes_per_pixel: int) -> tuple[npt.NDArray[np.generic], ...]:
        """Return the working arrays for an image."""
        image = height, width, bytes_per_pixel
        if image == self.image:
            return self.work
        total = height * (1 + width * bytes_per_pixel)
        needs: tuple[int, ...] = (
            total // 16 + 2048,
            total // 32 + 16,
            height * width // 8 + 4 * width + 64,
            width + 8,
        )
        kept = sum(self.needs) * 8 <= KEPT
        if not kept or any(need > had for need, had in zip(needs, self.needs, strict=True)):
            if kept:
                needs = tuple(map(max, needs, self.needs))
            events, first, runs, entries = needs
            self.work = (
                np.empty(events, np.uint64),
                np.empty(first, np.uint32),
                np.empty(runs, np.uint64),
                np.empty(entries, np.uint64),
            )
            self.needs = needs
        self.image = image  # last: memory may have run out, and the kernels trust the sizes
        return self.work


room = Room()


def decode(raw: bytes, height: int, width: int, bytes_per_pixel: int) -> tuple[LabelMap, bytes] | None:
    """Decode a file.

    Parameters
    ----------
    raw : bytes
        The file.
    height, width, bytes_per_pixel : int
        What its header says.

    Returns
    -------
    labels : LabelMap
        Of whole pixels: their bytes, the first in the lowest place.
    palette : bytes
        The PLTE chunk.

    ``None`` instead of both where the careful road has to look.
    """
    total = height * (1 + width * bytes_per_pixel)
    size = len(raw)
    if total > min(MOST_PER_BYTE * size, LARGEST) or (total > KEPT and total > MOST_PER_BYTE * _data_size(raw)):
        return None
    data = room.for_file(size)
    data[:size] = np.frombuffer(raw, np.uint8)
    data[size : size + PAD] = 0
    status, (start, stop, *palette), *columns = decode_file(
        data,
        room.words,
        size,
        height,
        width,
        bytes_per_pixel,
        *room.for_image(height, width, bytes_per_pixel),
    )
    colours = bytes(data[slice(*palette)])
    if status == OK:
        return LabelMap((height, width), *columns), colours
    if status == BROKEN:
        return None
    stream = zlib.decompressobj()
    try:
        dense = stream.decompress(data[start:stop].data, total + 1)
    except zlib.error:
        return None
    if len(dense) != total or not stream.eof or stream.unused_data:
        return None
    sound, pixels = unfilter(np.frombuffer(dense, np.uint8), height, width, bytes_per_pixel)
    return (LabelMap.from_array(pixels.reshape(height, width)), colours) if sound else None


def _data_size(raw: bytes) -> int:
    """Bytes of all IDAT chunks: what a large image may ask memory for, whatever else the file is padded with."""
    size = 0
    at = 8
    while at + 8 <= len(raw):
        length = int.from_bytes(raw[at : at + 4], "big")
        size += length if raw[at + 4 : at + 8] == b"IDAT" else 0
        at += 12 + length
    return size
