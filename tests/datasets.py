"""Data sets on disk, well-formed or wrong in a chosen place: COCO panoptic folders and PNG files.

PNGs are written here byte by byte (PNG specification, third edition), so that a test can ask for whatever no
ordinary writer would write: Adam7, a filter per row, several IDAT chunks, a wrong checksum, missing rows.
"""

from __future__ import annotations

import inspect
import json
import re
import signal
import struct
import zlib
from contextlib import contextmanager
from pathlib import Path

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GRAY, RGB, PALETTE, GRAY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GRAY: 1, RGB: 3, PALETTE: 1, GRAY_ALPHA: 2, RGBA: 4}
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""First column, first row, step across and step down of each pass."""

TABLE = [
    {"id": 1, "name": "cat", "isthing": 1},
    {"id": 2, "name": "dog", "isthing": 1},
    {"id": 3, "name": "sky", "isthing": 0},
]


def colours(id_map):
    """Return the RGB sample triples of a map of ids."""
    return [[(number & 255, number >> 8 & 255, number >> 16) for number in row] for row in id_map]


def chunk(name: bytes, body: bytes, *, spoilt: bool = False) -> bytes:
    """Return a chunk with length and checksum; a spoilt one has a wrong checksum."""
    checksum = zlib.crc32(body, zlib.crc32(name)) ^ int(spoilt)
    return struct.pack(">I4s", len(body), name) + body + struct.pack(">I", checksum)


def chunks(data: bytes) -> list[tuple[bytes, int, int]]:
    """List the chunks of a PNG as (name, first byte, byte after the last)."""
    found, at = [], len(SIGNATURE)
    while at < len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        found.append((name, at, at + 12 + length))
        at += 12 + length
    return found


def png(
    samples,
    *,
    color: int = RGB,
    depth: int = 8,
    interlaced: bool = False,
    filters: tuple[int, ...] = (0,),
    idat: int = 1,
    palette=None,
    transparency: bytes | None = None,
    spoilt: bytes | None = None,
    without: tuple[bytes, ...] = (),
    missing_rows: int = 0,
    surplus: bytes = b"",
    damaged: bool = False,
    size: tuple[int, int] | None = None,
) -> bytes:
    """Encode rows of sample tuples.

    Parameters
    ----------
    samples : list of list of tuple of int
        One tuple per pixel, one number per channel; for palettes the indices.
    color, depth, interlaced
        As in the header.
    filters : tuple of int
        Filter types 0 to 4, used in turn, row by row.
    idat : int
        Into how many IDAT chunks the data are cut.
    palette : list of tuple of int, optional
        Colours of the PLTE chunk.
    transparency : bytes, optional
        Body of a tRNS chunk.
    spoilt : bytes, optional
        Name of the chunk whose checksum is wrong.
    without : tuple of bytes
        Names of chunks to leave out.
    missing_rows : int
        Rows that the header promises and the data lack.
    surplus : bytes
        Further bytes behind the last row, compressed with the rest.
    damaged : bool
        Whether the last byte of the compressed data is wrong; the checksum of the chunk is right.
    size : tuple of int, optional
        Width and height to state instead of the true ones.
    """
    height, width = len(samples), len(samples[0])
    passes = ADAM7 if interlaced else ((0, 0, 1, 1),)
    lines, used = bytearray(), 0
    for left, top, across, down in passes:
        before = b""
        for row in samples[top : height - missing_rows : down]:
            pixels = row[left::across]
            if not pixels:
                continue
            packed = _packed([number for pixel in pixels for number in pixel], depth)
            lines += _filtered(packed, before, filters[used % len(filters)], max(1, CHANNELS[color] * depth // 8))
            before, used = packed, used + 1
    data = zlib.compress(bytes(lines) + surplus, 9)
    if damaged:
        data = data[:-1] + bytes([data[-1] ^ 255])
    stated = size or (width, height)
    parts = [(b"IHDR", struct.pack(">IIBBBBB", *stated, depth, color, 0, 0, int(interlaced)))]
    if palette is not None:
        parts.append((b"PLTE", bytes(number for colour in palette for number in colour)))
    if transparency is not None:
        parts.append((b"tRNS", transparency))
    step = -(-len(data) // idat)
    parts += [(b"IDAT", data[at : at + step]) for at in range(0, len(data), step)]
    parts.append((b"IEND", b""))
    kept = [(name, body) for name, body in parts if name not in without]
    return SIGNATURE + b"".join(chunk(name, body, spoilt=name == spoilt) for name, body in kept)


def _packed(numbers: list[int], depth: int) -> bytes:
    if depth == 16:
        return struct.pack(f">{len(numbers)}H", *numbers)
    each = 8 // depth
    numbers = numbers + [0] * (-len(numbers) % each)
    return bytes(
        sum(number << depth * (each - 1 - place) for place, number in enumerate(numbers[at : at + each]))
        for at in range(0, len(numbers), each)
    )


def _filtered(line: bytes, above: bytes, kind: int, step: int) -> bytes:
    above = above or bytes(len(line))
    out = bytearray([kind])
    for at, value in enumerate(line):
        left, up = line[at - step] if at >= step else 0, above[at]
        corner = above[at - step] if at >= step else 0
        out.append(value - (0, left, up, (left + up) // 2, _paeth(left, up, corner))[kind] & 255)
    return bytes(out)


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda value: abs(guess - value))


def image(image_id, id_map, segments, **other) -> dict:
    """Return one image as :func:`save` takes it; ``other`` is added to its annotation.

    ``id_map`` is rows of ids, the bytes of a file, or ``None`` for no file; ``segments`` is a list of rows, or a
    mapping from segment id to category id.
    """
    if isinstance(segments, dict):
        segments = [{"id": number, "category_id": category} for number, category in segments.items()]
    return {"image_id": image_id, "map": id_map, "segments_info": segments} | other


def save(path, images, /, *, categories=TABLE, folder=None, **other) -> Path:
    """Write a COCO panoptic JSON with its folder, and return the path of the JSON.

    Parameters
    ----------
    path : path
        The JSON; its folder has the same name without ``.json``.
    images : list of dict
        Made by :func:`image`. ``file_name`` is made up where it is not given.
    categories : list of dict, optional
        ``None`` leaves the key out.
    folder : path, optional
        Where the PNGs go.
    other
        Further keys of the JSON, or other values for ``annotations`` and ``categories``.
    """
    path = Path(path)
    place = Path(folder) if folder else path.with_suffix("")
    place.mkdir(parents=True, exist_ok=True)
    annotations = []
    for entry in images:
        row = {"file_name": f"{entry['image_id']}.png"} | entry
        content = row.pop("map")
        if content is not None:
            data = content if isinstance(content, bytes) else png(colours(content))
            (place / row["file_name"]).write_bytes(data)
        annotations.append(row)
    content = {"annotations": annotations}
    if categories is not None:
        content["categories"] = categories
    path.write_text(json.dumps(content | other), encoding="utf-8")
    return path


@contextmanager
def within(seconds: float):
    """Raise instead of waiting forever, where a mistake would mean to wait; in the main thread only."""

    def stop(signum, frame):
        raise AssertionError(f"still waiting after {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# What pqeval says about them.


def unfolded(text: str) -> str:
    """Return an indented text as it was before it was folded: six more blanks continue a line."""
    return re.sub(r"\n {6,}", " ", inspect.cleandoc(text))


def says(problem, text: str, *, folder=None) -> None:
    """Assert the whole text of an error or warning, or of several, with ``DIR`` for the folder of the test."""
    problems = problem if isinstance(problem, list | tuple) else [problem]
    said = "\n".join(str(each) for each in problems)
    if folder is not None:
        said = said.replace(str(folder), "DIR")
    assert said == unfolded(text), f"it says:\n{said}\nand not:\n{unfolded(text)}"
