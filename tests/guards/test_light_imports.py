"""What is cheap stays cheap: the package and the help of the command load nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("numba", "numpy", "scipy", "PIL", "torch", "rich", "pycocotools", "fsspec", "matplotlib")


def loaded(code: str) -> list[str]:
    """Run code in a fresh interpreter and list the heavy packages that are loaded afterwards."""
    report = f"\nimport sys\nprint('loaded:', *(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code + report], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].split()[1:]


def command(*arguments: str) -> str:
    return f"from pqeval.cli import cli\ncli.main({list(arguments)!r}, standalone_mode=False)"


@pytest.mark.parametrize(
    "code",
    [
        "import pqeval",
        "import pqeval\ndir(pqeval), pqeval.__version__, pqeval.DataError, pqeval.Categories.builtin('coco')",
        "import pqeval.demo",
        "import pqeval.fusion\npqeval.fusion.available(), pqeval.fusion.settings('upsnet')",
        command("--help"),
        command("--version"),
        command("evaluate", "--help"),
        command("validate", "--help"),
        command("compare", "--help"),
        command("diagnose", "--help"),
        command("convert", "--help"),
        command("pack", "--help"),
        command("check", "--help"),
        "import pqeval.pytest_plugin",
        command("formats", "--help"),
        command("demo", "--help"),
    ],
)
def test_nothing_heavy_is_loaded(code):
    assert loaded(code) == []


@pytest.mark.parametrize("name", ["numpy", "numba", "PIL"])
def test_a_planted_import_is_seen(name):
    assert name in loaded(f"import pqeval\nimport {name}")


def test_what_is_used_is_loaded():
    assert {"numba", "numpy"} <= set(loaded("import pqeval\npqeval.LabelMap"))
