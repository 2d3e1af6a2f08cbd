"""A first look at files: enough for formats to recognise their own, and cheap."""

from __future__ import annotations

import json
import re
import struct
from functools import cached_property
from typing import Any

from pqeval.errors import PqevalError
from pqeval.storage import File, Folder, Place

__all__ = ["Glance"]

HEAD = 2**20
DECISIVE = {"segments_info", "segmentation"}
KEYS = ("segments_info", "segmentation", "videos", "video_id", "categories", "annotations", "poly2d")
PNG = struct.Struct(">8s8xII2B")


class Glance:
    """What can be seen of a file or a folder without reading it all.

    Parameters
    ----------
    place : File or Folder
        What to look at.
    """

    def __init__(self, place: Place) -> None:
        self.place = place

    @cached_property
    def names(self) -> list[str]:
        """The files of a folder; of a file, nothing."""
        return self.place.names() if isinstance(self.place, Folder) else []

    def matching(self, pattern: str) -> list[str]:
        """Return the files of a folder whose whole relative path matches a regular expression."""
        return [name for name in self.names if re.fullmatch(pattern, name)]

    @cached_property
    def json(self) -> File | None:
        """The file itself if it is a JSON by its name, or the only JSON at the top of a folder."""
        if isinstance(self.place, File):
            return self.place if self.place.name.lower().endswith(".json") else None
        found = self.matching(r"(?i)[^/]+\.json") or self.matching(r"(?i)[^/]+/[^/]+\.json")
        return File(self.place, found[0]) if len(found) == 1 else None

    @cached_property
    def keys(self) -> frozenset[str]:
        """Which of some telling keys the JSON has; of a long one only the part up to the first segment is read."""
        found = self._keys(self._head)
        size = len(self._head)
        while size >= HEAD and not DECISIVE & found:
            size = min(4 * size, len(self._content))
            found = self._keys(self._content[:size])
            if size == len(self._content):
                break
        return found

    @property
    def is_list(self) -> bool:
        """Whether the top level of the JSON is a list."""
        return self._head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")

    @cached_property
    def categories(self) -> list[dict[str, Any]]:
        """The ``categories`` of the JSON, where they can be read; else nothing."""
        content = self._content
        at = content.rfind(b'"categories"')
        start = content.find(b"[", at)
        if at < 0 or start < 0:
            return []
        for stop in (start + HEAD // 4, len(content)):  # a table is short, and the file may be long
            try:
                rows, _ = json.JSONDecoder().raw_decode(content[start:stop].decode("utf-8", "replace"))
                break
            except (ValueError, RecursionError):
                rows = []
        return [row for row in rows if isinstance(row, dict)]

    @property
    def category_ids(self) -> set[Any]:
        """The ids of these categories."""
        return {row["id"] for row in self.categories if isinstance(row.get("id"), int | str)}

    def sees(self, pattern: bytes) -> bool:
        """Whether a regular expression is found near the beginning of the JSON."""
        return re.search(pattern, self._head) is not None

    def png(self, name: str) -> tuple[int, int] | None:
        """Return colour type and bit depth of a PNG in the folder; ``None`` for anything else."""
        head = self._read(File(self.place, name), PNG.size) if isinstance(self.place, Folder) else b""
        if len(head) < PNG.size or not head.startswith(b"\x89PNG\r\n\x1a\n"):
            return None
        *_, depth, color = PNG.unpack(head)
        return color, depth

    @cached_property
    def _head(self) -> bytes:
        return b"" if self.json is None else self._read(self.json, HEAD)

    @cached_property
    def _content(self) -> bytes:
        return b"" if self.json is None else self._read(self.json, None)

    def _read(self, file: File, size: int | None) -> bytes:
        try:
            return file.read() if size is None else file.head(size)
        except PqevalError:
            return b""  # whoever opens it says what is wrong

    def _keys(self, content: bytes) -> frozenset[str]:
        return frozenset(key for key in KEYS if b'"%s"' % key.encode() in content)
