"""Archives, read in place: zip, and tar with or without compression.

Members obey the rules of all file names: none leads out, each is a regular file, and none is larger than
:data:`~pqeval.storage.folder.LARGEST_MEMBER`.
"""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import os
import stat
import struct
import tarfile
import tempfile
import threading
import weakref
import zipfile
import zlib
from collections.abc import Callable
from typing import IO, Any

from pqeval.errors import FileError
from pqeval.storage.folder import LARGEST_MEMBER, Folder, check_name

__all__ = ["Archive", "open_archive"]

FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0)
LARGEST_UNPACKED = 2**36  # of a tar that has to be unpacked to be read
ZIP = b"PK"
TAR_MAGIC = (257, b"ustar")
PACKED: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}
BROKEN = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError),
    *(ValueError, LookupError, OverflowError, struct.error),  # what the readers stumble over in spoilt bytes
)


class Archive(Folder):
    """A zip or tar file, or a folder in one.

    Parameters
    ----------
    name : str
        Path of the archive, as messages call it.
    content : bytes, optional
        What it holds, where it lies in another archive or behind a URL.
    inner : str
        The folder in it, ending in ``/`` unless it is empty.
    """

    def __init__(self, name: str, content: bytes | None = None, inner: str = "") -> None:
        super().__init__(name if not inner else f"{name}/{inner[:-1]}")
        self._archive = name
        self._content = content
        self._inner = inner
        self._members: _Members | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_members": None}  # an open file cannot be sent to another process

    @property
    def _opened(self) -> _Members:
        if self._members is None:
            try:
                self._members = _members(self._archive, self._content)
            except BROKEN as reason:
                raise self._unreadable(reason) from reason
        return self._members

    def _unreadable(self, reason: BaseException) -> FileError:
        return FileError(
            code="archive-broken",
            found=f"cannot be read as an archive: {reason or type(reason).__name__}",
            expected="a sound zip or tar file without a password",
            remedy="pack it again, for example with `pqeval pack`",
            file=self._archive,
        )

    def read(self, name: str) -> bytes:
        """Read a member."""
        check_name(name, self.name)
        return self._read(name, LARGEST_MEMBER)

    def head(self, name: str, size: int) -> bytes:
        """Read the first bytes of a member."""
        check_name(name, self.name)
        return self._read(name, size, whole=False)

    def _read(self, name: str, most: int, whole: bool = True) -> bytes:
        name = name.removeprefix("./")
        size = self._opened.sizes.get(self._inner + name)
        if size is None:
            raise FileError(
                code="member-missing",
                found="is not in the archive",
                expected="a file of that name",
                remedy="check the file name, and that the archive is complete",
                file=self.path(name),
            )
        if whole and size > most:
            raise FileError(
                code="file-too-large",
                found=f"has {size} bytes",
                expected=f"at most {most}",
                remedy="check that this is the right file",
                file=self.path(name),
            )
        try:
            return self._opened.read(self._inner + name, min(size, most))
        except BROKEN as reason:
            raise FileError(
                code="member-broken",
                found=f"cannot be unpacked: {reason or type(reason).__name__}",
                expected="a sound member without a password",
                remedy="pack the archive again",
                file=self.path(name),
            ) from reason

    def names(self) -> list[str]:
        """List all members below it."""
        start = len(self._inner)
        return self.within([name[start:] for name in self._opened.sizes if name.startswith(self._inner)])

    def has(self, name: str) -> bool:
        """Whether there is a member of that name."""
        return self._inner + name in self._opened.sizes

    def folder(self, name: str) -> Folder | None:
        """Return the folder of that name in it, or else the archive."""
        inner = f"{self._inner}{name}/"
        if any(member.startswith(inner) for member in self._opened.sizes):
            below = Archive(self._archive, self._content, inner)
            below._members = self._members
            return below
        return open_archive(self.path(name), self.read(name)) if self.has(name) else None


class _Members:
    """Names and sizes of the regular members, and how to read one; positions are not shared with forks."""

    def __init__(self, sizes: dict[str, int], read: Callable[[str, int], bytes]) -> None:
        self.sizes = sizes
        self.read = read


def open_archive(name: str, content: bytes | None = None) -> Archive | None:
    """Open an archive, or return ``None`` where the file is none."""
    if content is None:
        try:
            with open(name, "rb") as stream:
                start = stream.read(512)
        except (OSError, ValueError):
            return None
    else:
        start = content[:512]
    place, magic = TAR_MAGIC
    known = start.startswith(ZIP) or start[place : place + len(magic)] == magic
    if known or (any(map(start.startswith, PACKED)) and ".t" in os.path.basename(name)):
        return Archive(name, content)
    return None


class _Positional(io.RawIOBase):
    """A file that keeps its position itself: processes that were forked share that of the system."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._at = 0
        self._size = os.fstat(handle).st_size
        self._lock = threading.Lock()
        weakref.finalize(self, os.close, handle)

    def at(self, place: int, size: int) -> bytes:
        """Read from a place, whoever else reads."""
        if hasattr(os, "pread"):
            return os.pread(self._handle, size, place)
        with self._lock:
            os.lseek(self._handle, place, os.SEEK_SET)
            return os.read(self._handle, size)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, place: int, whence: int = os.SEEK_SET) -> int:
        at = place + (0, self._at, self._size)[whence]
        if at < 0:  # as files do; who looks for an end record in a short file expects it
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        self._at = at
        return at

    def read(self, size: int | None = -1) -> bytes:
        left = max(self._size - self._at, 0)
        found = self.at(self._at, left if size is None or size < 0 else min(size, left))
        self._at += len(found)
        return found


def _members(name: str, content: bytes | None) -> _Members:
    stream: Any = _Positional(os.open(name, FLAGS)) if content is None else io.BytesIO(content)
    start = stream.read(8)
    stream.seek(0)
    if start.startswith(ZIP):
        return _zip_members(zipfile.ZipFile(stream))
    for magic, unpack in PACKED.items():
        if start.startswith(magic):
            # A packed tar has no directory, and there is no way to begin in the middle.
            with tempfile.TemporaryFile() as unpacked, unpack(stream, "rb") as packed:
                _unpack(packed, unpacked)
                stream = _Positional(os.dup(unpacked.fileno()))
    return _tar_members(stream)


def _unpack(packed: IO[bytes], unpacked: IO[bytes]) -> None:
    size = 0
    while part := packed.read(2**20):
        size += len(part)
        if size > LARGEST_UNPACKED:
            raise tarfile.ReadError(f"it unpacks to more than {LARGEST_UNPACKED} bytes")
        unpacked.write(part)
    unpacked.flush()


def _zip_members(archive: zipfile.ZipFile) -> _Members:
    def read(name: str, size: int) -> bytes:
        with archive.open(name) as member:
            return member.read(size)

    return _Members({info.filename: info.file_size for info in archive.infolist() if _is_regular(info)}, read)


def _is_regular(info: zipfile.ZipInfo) -> bool:
    kind = stat.S_IFMT(info.external_attr >> 16)  # nothing, where the system that packed it has no modes
    return not info.is_dir() and kind in (0, stat.S_IFREG)


def _tar_members(stream: Any) -> _Members:
    found: dict[str, tuple[int, int]] = {}
    with tarfile.open(fileobj=stream, mode="r:") as archive:
        for info in archive:
            name = info.name.removeprefix("./")
            if info.isreg() and not info.issparse():
                found[name] = info.offset_data, info.size
            elif info.islnk() and info.linkname.removeprefix("./") in found:
                found[name] = found[info.linkname.removeprefix("./")]
        # Where a header is damaged, or nothing follows, tarfile stops as if this were the end.
        stream.seek(archive.offset)
        if stream.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError("it has no proper end")

    def read(name: str, size: int) -> bytes:
        place, _ = found[name]
        if isinstance(stream, io.BytesIO):
            return stream.getbuffer()[place : place + size].tobytes()
        raw: bytes = stream.at(place, size)
        if len(raw) < size:
            raise EOFError("the archive ends too early")
        return raw

    return _Members({name: size for name, (_, size) in found.items()}, read)
