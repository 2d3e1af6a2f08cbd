"""Compiled kernels are kept where there is room, and nothing breaks where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from types import ModuleType

import numba
import pytest

import pqeval
from pqeval.core import compiled

ASK = (
    "import numpy, pqeval.core.kernels as k;"
    "areas = k.sum_areas(numpy.array([1, 1, 2]), numpy.array([4, 4, 2]), 3);"
    "print(areas.tolist(), k.cache_folder())"
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
    assert done.stdout.startswith(f"[0, 8, 2] {tmp_path}{os.sep}pqeval-numba-")


@pytest.mark.skipif(os.name == "nt", reason="folders have no owner of this kind there")
def test_a_temporary_folder_that_others_can_write_is_not_trusted(tmp_path, monkeypatch):
    monkeypatch.setattr(compiled.tempfile, "gettempdir", lambda: str(tmp_path))
    folder = compiled._private_cache()
    assert folder is not None
    assert Path(folder).stat().st_mode & 0o777 == 0o700
    Path(folder).chmod(0o777)
    assert compiled._private_cache() is None
    Path(folder).rmdir()
    Path(folder).symlink_to(tmp_path)
    assert compiled._private_cache() is None


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
    monkeypatch.setattr(compiled.tempfile, "gettempdir", lambda: str(nowhere))
    assert compiled.kernel(len) is len
    assert made == [{"nogil": True}]


def test_a_fingerprint_changes_with_the_source(tmp_path):
    one, two = ModuleType("one"), ModuleType("two")
    for module in (one, two):
        module.__file__ = str(tmp_path / f"{module.__name__}.py")
        Path(module.__file__).write_text("x = 1\n")
    seen = {compiled.fingerprint(one, two)}
    Path(one.__file__).write_text("x = 2\n")
    seen.add(compiled.fingerprint(one, two))
    Path(two.__file__).write_text("x = 2\n")
    seen.add(compiled.fingerprint(one, two))
    assert len(seen) == 3
    assert all(number > 0 for number in seen)
    assert compiled.fingerprint(one, two) in seen


def test_without_source_a_fingerprint_is_0(tmp_path):
    module = ModuleType("one")
    module.__file__ = str(tmp_path / "one.py")
    assert compiled.fingerprint(module) == 0
    module.__file__ = None
    assert compiled.fingerprint(module) == 0


OUTER = """
import inner
from pqeval.core.compiled import fingerprint, kernel


def _made(seal):
    @kernel
    def outer(x):
        return inner.number(x) if seal >= 0 else 0

    return outer


outer = _made(fingerprint(inner))
print(outer(1), sum(outer.stats.cache_hits.values()))
"""
INNER = "from pqeval.core.compiled import kernel\n\n\n@kernel\ndef number(x):\n    return x + {}\n"


@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"), reason="NUMBA_DISABLE_JIT is set")
def test_a_kernel_that_closes_over_a_fingerprint_notices_a_change_in_another_file(tmp_path):
    """What the wiring of the PNG kernels rests on; the counts tell that the cache is used where it may be."""
    (tmp_path / "outer.py").write_text(OUTER)
    places = {"NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    places["PYTHONPATH"] = os.pathsep.join([str(tmp_path), str(Path(pqeval.__file__).parents[1])])
    said = []
    for number in (10, 10, 20):
        (tmp_path / "inner.py").write_text(INNER.format(number))
        done = subprocess.run(
            [sys.executable, "outer.py"], env=os.environ | places, cwd=tmp_path, capture_output=True, text=True
        )
        assert done.stderr == ""
        said.append(done.stdout)
    assert said == ["11 0\n", "11 1\n", "21 0\n"]


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="NUMBA_DISABLE_JIT is set")
def test_the_first_compilation_is_told_once(monkeypatch):
    said = []
    monkeypatch.setattr(compiled.event, "_registered", defaultdict(list))
    compiled.tell_compiling(lambda: said.append("compiling"))
    once = numba.njit(lambda number: number + 1)
    assert said == []
    assert once(1) == 2
    assert said == ["compiling"]
    assert once(1.5) == 2.5
    assert said == ["compiling"]
