"""Folders packed as archives, member by member, so that a test can put whatever it likes into them."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

KINDS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


def files_of(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder by their relative names, sorted."""
    found = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items()}


def zip_of(files: dict[str, bytes], *, how: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", how) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def tar_of(files: dict[str, bytes], *, mode: str = "w", members: list[tarfile.TarInfo] | None = None) -> bytes:
    """Return a tar; ``members`` without content of their own are put behind the files."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info in members or []:
            archive.addfile(info)
    return stream.getvalue()


def packed(files: dict[str, bytes], kind: str) -> bytes:
    """Return an archive of a kind, named by its suffix."""
    if kind == ".zip":
        return zip_of(files)
    return tar_of(files, mode={".tar": "w", ".tar.bz2": "w:bz2", ".tar.xz": "w:xz"}.get(kind, "w:gz"))
