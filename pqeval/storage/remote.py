"""Places behind a URL: ``s3://``, ``gs://``, ``http(s)://`` and all else that fsspec knows (extra ``remote``)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pqeval.errors import FileError, PqevalError, UsageError
from pqeval.storage.archives import open_archive
from pqeval.storage.folder import LARGEST_MEMBER, SUFFIXES, Folder, check_name

__all__ = ["RemoteFolder", "fetching", "file_system"]


@contextmanager
def fetching(file: str) -> Iterator[None]:
    """Turn what file systems raise into errors that name the file.

    Raises
    ------
    FileError
        For whatever goes wrong.
    """
    try:
        yield
    except PqevalError:
        raise
    except FileNotFoundError:
        raise FileError(
            code="file-missing",
            found="does not exist",
            expected="a file",
            remedy="check the URL",
            file=file,
        ) from None
    except Exception as reason:  # each of the many file systems has exceptions of its own
        raise FileError(
            code="file-unreadable",
            found=f"cannot be fetched: {str(reason) or type(reason).__name__}",
            expected="a file that may be read",
            remedy="check the URL, the network and the permissions",
            file=file,
        ) from reason


def file_system(url: str) -> tuple[Any, str]:
    """Return the file system behind a URL, and the path in it.

    Raises
    ------
    UsageError
        If fsspec, or what it needs for this kind of URL, is not installed.
    FileError
        If it cannot be reached.
    """
    with fetching(url):
        try:
            from fsspec.core import url_to_fs

            system, path = url_to_fs(url)
        except (ImportError, ValueError) as reason:
            raise UsageError(
                code="remote-not-installed",
                found=f"{url} cannot be opened: {reason}",
                expected="fsspec, and the package that it asks for",
                remedy="pip install 'pqeval[remote]', and for s3:// or gs:// also s3fs or gcsfs",
            ) from reason
    return system, path


class RemoteFolder(Folder):
    """A folder behind a URL.

    Parameters
    ----------
    url : str
        The folder; ``name`` is the URL as given.
    """

    def __init__(self, url: str) -> None:
        url = url.rstrip("/")
        super().__init__(f"{url}//" if url.endswith(":") else url)
        self._system, self._root = file_system(self.name)
        self._root = self._root.rstrip("/")
        self._names: list[str] | None = None

    def path(self, name: str) -> str:
        """Return the URL of a file in it."""
        return f"{self.name}{name}" if self.name.endswith("/") else f"{self.name}/{name}"

    def read(self, name: str) -> bytes:
        """Fetch a file."""
        return self._fetch(name, None)

    def head(self, name: str, size: int) -> bytes:
        """Fetch the first bytes of a file."""
        return self._fetch(name, size)

    def _fetch(self, name: str, size: int | None) -> bytes:
        check_name(name, self.name)
        path = f"{self._root}/{name}"
        with fetching(self.path(name)):
            known = self._system.info(path).get("size") if size is None else None
            if known is not None and known > LARGEST_MEMBER:
                raise FileError(
                    code="file-too-large",
                    found=f"has {known} bytes",
                    expected=f"at most {LARGEST_MEMBER}",
                    remedy="check that this is the right file",
                    file=self.path(name),
                )
            raw: bytes = self._system.cat_file(path, end=size)
        return raw[:size]  # some servers send all

    def names(self) -> list[str]:
        """List all files below it; asked for once."""
        if self._names is None:
            try:
                found = self._system.find(self._root)
            except Exception as reason:
                raise FileError(
                    code="folder-unreadable",
                    found=f"cannot be listed: {str(reason) or type(reason).__name__}",
                    expected="a place whose files can be listed",
                    remedy="check the URL; many web servers list nothing, name a JSON or an archive there",
                    file=self.name,
                ) from reason
            start = len(self._root) + 1
            self._names = self.within([path[start:] for path in found])
        return self._names

    def has(self, name: str) -> bool:
        """Whether there is a file of that name."""
        with fetching(self.path(name)):
            return bool(self._system.isfile(f"{self._root}/{name}"))

    def folder(self, name: str) -> Folder | None:
        """Return the folder of that name in it, or else the archive."""
        if name.lower().endswith(SUFFIXES) and self.has(name):
            return open_archive(self.path(name), self.read(name))
        with fetching(self.path(name)):
            return RemoteFolder(self.path(name)) if self._system.isdir(f"{self._root}/{name}") else None
