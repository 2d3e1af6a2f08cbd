"""Arrays in files: ``.npy`` and ``.npz``. Nothing that a file brings along is run.

Source: numpy, ``numpy.lib.format`` (NEP 1).
"""

from __future__ import annotations

import io
import math
import zipfile
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from pqeval.errors import ImageError, PqevalError
from pqeval.labelmap import MAX_ID
from pqeval.storage import File
from pqeval.storage.folder import LARGEST_MEMBER
from pqeval.storage.local import LocalFolder

__all__ = ["Header", "counted", "glimpse", "map_array", "read_array"]

MAGIC = b"\x93NUMPY"
ZIP = b"PK"
HEAD = 2**14  # numpy reads no header that is longer


class Header(NamedTuple):
    """What a .npy says about itself."""

    shape: tuple[int, ...]
    order: Literal["C", "F"]
    dtype: np.dtype[Any]
    start: int


def glimpse(file: File) -> Header | None:
    """Return the header of a .npy, or ``None`` where there is none: for a first look, which raises nothing."""
    try:
        return _header(file.head(HEAD), str(file))
    except PqevalError:
        return None


def read_array(file: File, *, key: str | None = None) -> npt.NDArray[Any]:
    """Read the array of a .npy or .npz; which of them it is, the content says.

    Parameters
    ----------
    file : File
        The file.
    key : str, optional
        Which array of a .npz; without it there has to be only one.

    Raises
    ------
    FileError, ImageError
        If it cannot be read, or there is no such array.
    """
    raw = file.read()
    if raw.startswith(ZIP):
        raw = _member(raw, key, str(file))
    return _array(raw, str(file))


def map_array(file: File) -> npt.NDArray[Any]:
    """Open the array of a .npy; on this machine it stays where it is, and is read piece by piece.

    Raises
    ------
    FileError, ImageError
        If it cannot be read.
    """
    if not isinstance(file.folder, LocalFolder):
        return _array(file.read(), str(file))
    header = _header(file.head(HEAD), str(file))
    if 0 in header.shape:
        return np.empty(header.shape, header.dtype)
    try:
        return np.memmap(
            file.folder.path(file.name),
            header.dtype,
            "r",
            header.start,
            header.shape,
            header.order,
        )
    except (ValueError, OSError, OverflowError) as reason:
        raise _broken(str(file), _short(header)) from reason


def _header(raw: bytes, name: str) -> Header:
    if not raw.startswith(MAGIC):
        raise _broken(name, "it does not begin as a .npy or .npz file does")
    parser: Any = np.lib.format
    stream = io.BytesIO(raw)
    try:
        first = parser.read_magic(stream) == (1, 0)
        shape, fortran, dtype = (parser.read_array_header_1_0 if first else parser.read_array_header_2_0)(stream)
        if min(shape, default=0) < 0:
            raise ValueError(shape)
    except Exception as reason:  # what stands there is parsed as Python, and damage has many faces
        raise _broken(name, "its header is damaged") from reason
    if dtype.hasobject:
        raise ImageError(
            code="array-pickled",
            found="the array holds pickled Python objects, which can run anything when they are read",
            expected="an array of numbers",
            remedy="save it as numbers, for example `np.save(path, array.astype('int32'))`",
            file=name,
        )
    orders: tuple[Literal["C"], Literal["F"]] = ("C", "F")
    return Header(shape, orders[bool(fortran)], dtype, stream.tell())


def _short(header: Header) -> str:
    return f"it ends too early for an array of shape {header.shape}"


def _array(raw: bytes, name: str) -> npt.NDArray[Any]:
    header = _header(raw, name)
    count = math.prod(header.shape)
    if count * header.dtype.itemsize > len(raw) - header.start:
        raise _broken(name, _short(header))
    if count * header.dtype.itemsize == 0:
        return np.empty(header.shape, header.dtype)
    flat: npt.NDArray[Any] = np.frombuffer(raw, header.dtype, count, header.start)
    return flat.reshape(header.shape, order=header.order)


def _member(raw: bytes, key: str | None, name: str) -> bytes:
    """Take one array out of a .npz."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(raw))
        keys = [info.filename.removesuffix(".npy") for info in archive.infolist()]
        wanted = key if key is not None else keys[0] if len(keys) == 1 else None
        if wanted in keys:
            info = archive.infolist()[keys.index(wanted)]
            if info.file_size > LARGEST_MEMBER:
                raise _broken(name, f"the array has {info.file_size} bytes, at most {LARGEST_MEMBER} are read")
            return archive.read(info)
    except PqevalError:
        raise
    except Exception as reason:  # a damaged archive raises what each of its parts raises
        raise _broken(name, "the archive is damaged") from reason
    listed = ", ".join(keys[:5]) or "nothing"
    raise ImageError(
        code="npz-key",
        found=f"there is no array {key!r} in it; there is {listed}" if key is not None else f"there is {listed}",
        expected="one array" if key is None else f"an array called {key!r}",
        remedy=f"save it as `np.savez_compressed(path, {key or 'data'}=array)`",
        file=name,
    )


def _broken(name: str, reason: str) -> ImageError:
    return ImageError(
        code="array-broken",
        found=f"no array can be read from it: {reason}",
        expected="a whole .npy or .npz file with numbers",
        remedy="write the file again",
        file=name,
    )


def counted(array: npt.NDArray[Any], noun: str) -> npt.NDArray[np.integer[Any]]:
    """Check that an array has nothing but whole numbers from 0, and return it as integers.

    Parameters
    ----------
    array : ndarray
        Integers, or floats without a fraction, which MATLAB and many tools write.
    noun : str
        What messages call it.

    Raises
    ------
    ImageError
        For any other dtype or value.
    """
    if array.dtype.kind not in "iuf":
        raise ImageError(
            code="array-dtype",
            found=f"{noun} is an array of {array.dtype}",
            expected="integers, or floats that are whole numbers",
            remedy="number the objects from 1 and write 0 for background",
        )
    whole: npt.NDArray[np.integer[Any]] = array
    wrong: npt.NDArray[Any] = array[:0]
    if array.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            whole = array.astype(np.int64)
        wrong = array[whole != array]
    if not wrong.size and whole.size:
        wrong = np.array([end for end in (whole.min(), whole.max()) if not 0 <= end <= MAX_ID])
    if not wrong.size:
        return whole
    raise ImageError(
        code="array-value",
        found=f"{noun} has the value {wrong.flat[0]}",
        expected=f"whole numbers from 0 to {MAX_ID}",
        remedy="number the objects from 1 and write 0 for background",
    )
