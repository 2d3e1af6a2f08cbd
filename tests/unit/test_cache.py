"""Compiled kernels are kept where there is room, and nothing breaks where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import pytest

import pqeval
from pqeval.core import kernels

ASK = (
    "import numpy, pqeval.core.kernels as k;"
    "ends, ids = k.dense_runs(numpy.array([4, 4, 2], numpy.uint32));"
    "print(ends.tolist(), ids.tolist(), k.cache_folder())"
)


@pytest.fixture
def read_only_install(tmp_path: Path) -> dict[str, str]:
    """An installation that cannot hold a cache, for a user without a home.

    A file stands where the cache folder would be made, since root may write into read-only folders.
    """
    package = tmp_path / "site" / "pqeval"
    shutil.copytree(Path(pqeval.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "core" / "__pycache__").touch()
    nowhere = tmp_path / "file"
    nowhere.touch()
    places = {"HOME": str(nowhere / "home"), "XDG_CACHE_HOME": str(nowhere / "cache"), "TMPDIR": str(tmp_path)}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    return kept | places | {"PYTHONPATH": str(package.parent), "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.mark.skipif(os.name == "nt", reason="the user's cache folder is found in another way there")
def test_a_read_only_install_without_a_home_caches_in_the_temporary_folder(tmp_path, read_only_install):
    done = subprocess.run(
        [sys.executable, "-c", ASK], env=read_only_install, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stderr == ""
    assert done.stdout.startswith(f"[2, 3] [4, 2] {tmp_path}{os.sep}pqeval-numba-")


@pytest.mark.skipif(os.name == "nt", reason="folders have no owner of this kind there")
def test_a_temporary_folder_that_others_can_write_is_not_trusted(tmp_path, monkeypatch):
    monkeypatch.setattr(kernels.tempfile, "gettempdir", lambda: str(tmp_path))
    folder = kernels._private_cache()
    assert folder is not None
    assert Path(folder).stat().st_mode & 0o777 == 0o700
    Path(folder).chmod(0o777)
    assert kernels._private_cache() is None
    Path(folder).rmdir()
    Path(folder).symlink_to(tmp_path)
    assert kernels._private_cache() is None


def test_without_any_folder_kernels_are_compiled_in_memory(tmp_path, monkeypatch):
    made = []

    def njit(**options: bool):
        def decorate(function):
            if options.get("cache"):
                raise RuntimeError("cannot cache function: no locator available")
            made.append(options)
            return function

        return decorate

    monkeypatch.setattr(numba, "njit", njit)
    nowhere = tmp_path / "file"
    nowhere.touch()
    monkeypatch.setattr(kernels.tempfile, "gettempdir", lambda: str(nowhere))
    assert kernels.kernel(len) is len
    assert made == [{"nogil": True}]
