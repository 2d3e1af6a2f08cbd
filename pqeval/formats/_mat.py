"""MATLAB files of version 5 to 7, and of these the numeric arrays.

SciPy reads them, too, but damaged files can end the whole process there (seen with SciPy 1.17), and predictions
may come from somebody else.

Source: MathWorks, "MAT-File Format", level 5.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from pqeval.errors import ImageError
from pqeval.storage import File
from pqeval.storage.folder import LARGEST_MEMBER

__all__ = ["read_mat"]

START = 128
ORDERS = {b"IM": "<", b"MI": ">"}
STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
MEANT = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
MATRIX, COMPRESSED = 14, 15
COMPLEX = 0x800
HEAD = 512  # flags, sizes and name of a variable are shorter

Element = tuple[int, memoryview]


def read_mat(file: File, names: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
    """Read variables of a .mat, and of these the arrays of real numbers; all else is left out.

    Raises
    ------
    FileError, ImageError
        If it cannot be read.
    """
    raw = file.read()
    order = ORDERS.get(raw[126:START])
    if order is not None and struct.unpack_from(f"{order}H", raw, 124) == (0x200,):
        raise ImageError(
            code="mat-version",
            found="the .mat file is of version 7.3, which is HDF5",
            expected="version 5 to 7",
            remedy="save it in MATLAB with the option '-v7', or in Python with scipy.io.savemat",
            file=str(file),
        )
    try:
        if order is None:
            raise ValueError("no mark of the byte order")
        return _variables(memoryview(raw)[START:], order, names)
    except (ValueError, KeyError, OverflowError, struct.error, zlib.error) as reason:
        raise ImageError(
            code="mat-broken",
            found="it is no .mat file of version 5 to 7, or it is damaged",
            expected="a whole .mat file",
            remedy="save it again, in MATLAB with the option '-v7', or in Python with scipy.io.savemat",
            file=str(file),
        ) from reason


def _variables(raw: memoryview, order: str, names: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
    found = {}
    for kind, data in _elements(raw, order):
        body = data
        unpack = zlib.decompressobj() if kind == COMPRESSED else None
        if unpack is not None:
            body = memoryview(unpack.decompress(data, HEAD))[8:]  # behind the tag of the matrix
        elif kind != MATRIX:
            continue
        meant = _class(body, order)
        if meant not in MEANT:
            continue
        _, (_, sizes), (_, name) = _first(body, order, 3)
        if bytes(name).decode("latin-1") not in names:
            continue
        if unpack is not None:
            body = memoryview(bytes(body) + unpack.decompress(unpack.unconsumed_tail, LARGEST_MEMBER))
        shape = struct.unpack(f"{order}{len(sizes) // 4}i", sizes)
        found[bytes(name).decode("latin-1")] = _array(body, order, meant, shape)
    return found


def _elements(raw: memoryview, order: str) -> Iterator[Element]:
    """Yield type and content of one element after the other."""
    at = 0
    while at + 8 <= len(raw):
        kind, size = struct.unpack_from(f"{order}II", raw, at)
        start = at + 8
        if kind >> 16:  # a small one, whose content stands in its tag
            kind, size, start = kind & 0xFFFF, kind >> 16, at + 4
        at = start + size
        if at > len(raw):
            raise ValueError("the file ends too early")
        yield kind, raw[start:at]
        if kind != COMPRESSED:
            at += -at % 8


def _first(body: memoryview, order: str, count: int) -> list[Element]:
    first = list(islice(_elements(body, order), count))
    if len(first) < count:
        raise ValueError("the variable ends too early")
    return first


def _class(body: memoryview, order: str) -> int:
    """Return the class of a matrix; 0 for complex numbers."""
    ((_, flags),) = _first(body, order, 1)
    (word,) = struct.unpack_from(f"{order}I", flags)
    return 0 if word & COMPLEX else int(word & 0xFF)


def _array(body: memoryview, order: str, meant: int, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    kind, data = _first(body, order, 4)[3]
    stored = np.dtype(f"{order}{STORED[kind]}")
    if min(shape, default=0) < 0 or math.prod(shape) * stored.itemsize != len(data):
        raise ValueError("sizes and content differ")
    # MATLAB stores numbers in the smallest type that holds them.
    numbers: npt.NDArray[Any] = np.frombuffer(bytes(data), stored) if len(data) else np.empty(0)
    return numbers.astype(MEANT[meant]).reshape(shape, order="F")
