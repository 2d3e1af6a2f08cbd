"""How kernels are compiled and where the compiled code is kept.

A file of kernels is complete in itself: numba's disk cache does not notice when a callee in *another* file
changes. A kernel that calls such a one has to close over the other file's :func:`fingerprint`, which is part of
the key in the cache.
"""

from __future__ import annotations

import os
import stat
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numba
from numba.core import event
from numba.core.caching import FunctionCache
from numba.core.runtime.nrt import rtsys

__all__ = ["fingerprint", "kernel", "tell_compiling"]

TRIED = ("0.68.",)


def _private_cache() -> str | None:
    """A cache folder of this user alone, or ``None``: what numba reads from it, it unpickles."""
    user = getattr(os, "getuid", lambda: "user")()
    folder = os.path.join(tempfile.gettempdir(), f"pqeval-numba-{user}")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        seen = os.lstat(folder)
    except OSError:
        return None
    ours = stat.S_ISDIR(seen.st_mode) and (user == "user" or (seen.st_uid == user and not seen.st_mode & 0o022))
    return folder if ours and os.access(folder, os.W_OK) else None


class _HastyCache(FunctionCache):
    """A cache that is looked into before numba gets ready to compile, which takes as long as all else to start.

    Compiled code needs numba's run-time library and nothing else of what :meth:`refresh` sets up.
    """

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            found: Any = self._load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        if found is None:
            return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        return found


def _hasty(dispatcher: Any) -> Any:
    # What numba does inside is its own business; other versions than those that were tried take their own way.
    if numba.__version__.startswith(TRIED) and isinstance(getattr(dispatcher, "_cache", None), FunctionCache):
        dispatcher._cache = _HastyCache(dispatcher.py_func)  # type: ignore[no-untyped-call]
    return dispatcher


def kernel(function: Callable[..., Any]) -> Any:
    """Compile lazily, without the GIL, cached on disk where some folder can be written."""
    try:
        return _hasty(numba.njit(cache=True, nogil=True)(function))
    except RuntimeError:  # numba's "cannot cache function: no locator available": read-only install, no home
        folder = _private_cache()
    if folder is None:
        return numba.njit(nogil=True)(function)
    config: Any = numba.config
    before = config.CACHE_DIR
    config.CACHE_DIR = folder
    try:
        return _hasty(numba.njit(cache=True, nogil=True)(function))
    finally:
        config.CACHE_DIR = before


def fingerprint(*modules: ModuleType) -> int:
    """A number that changes with the source of modules; 0 where there is no source."""
    try:
        sources = [Path(str(module.__file__)).read_bytes() for module in modules]
    except OSError:
        return 0
    return zlib.crc32(b"\0".join(sources))


class _Once(event.Listener):
    """Calls something when the first kernel is compiled; loading compiled code is no such event."""

    def __init__(self, tell: Callable[[], None]) -> None:
        self.tell: Callable[[], None] | None = tell

    def on_start(self, event: Any) -> None:
        tell, self.tell = self.tell, None
        if tell is not None:
            tell()

    def on_end(self, event: Any) -> None:
        """Nothing: only the begin is told."""


def tell_compiling(tell: Callable[[], None]) -> None:
    """Call something once, when kernels have to be compiled because the disk does not have them yet."""
    event.register("numba:compile", _Once(tell))  # type: ignore[no-untyped-call]
