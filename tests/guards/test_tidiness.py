"""Files stay small, say what they are, print nothing, and know no machine."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

LONGEST = 300
# Compiled loops that call each other live in one file, for numba's cache.
LONGER = dict.fromkeys(("core/kernels.py", "core/runs.py", "formats/_deflate.py", "formats/_png_rows.py"), 400)
SAYING_NOTHING = {"utils", "util", "common", "helpers", "misc"}
MAY_PRINT = ("cli/", "demo/")
TEXTS = (".py", ".md", ".cfg", ".toml", ".json", ".yml", ".yaml", ".txt", ".sh", "")

# Written in pieces, so that this file does not accuse itself.
MACHINES = [
    rf"(?<![\w.~])/{top}/[\w.-]+" for top in ("work", "home", "root", "Users", "mnt", "tmp/venv", "opt/venv")
] + [r"[A-Z]:\\Users"]
HOSTS = [
    rf"{host}\.{end}"
    for host, end in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "(org|com)"),
        ("debian", "org"),
        ("anaconda", "(org|com)"),
    )
] + ["extra-" + "index-url", "--" + "index-url"]


def tracked(root: Path) -> list[Path]:
    """List the files that git knows or would add; where there is no git, all files that are no leftovers."""
    listing = ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        names = subprocess.run(listing, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        names = [str(path.relative_to(root)) for path in root.rglob("*") if ".git" not in path.parts]
    return [root / name for name in sorted(names) if (root / name).is_file() and "__pycache__" not in name]


def too_long(package: Path) -> list[str]:
    found = []
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > LONGER.get(name, LONGEST):
            found.append(f"{name} has {lines} lines")
    return found


def say_nothing(package: Path) -> list[str]:
    return [
        f"{path.relative_to(package).as_posix()} does not say what it is for"
        for path in sorted(package.rglob("*"))
        if path.stem.strip("_") in SAYING_NOTHING and (path.suffix == ".py" or path.is_dir())
    ]


def printing(package: Path) -> list[str]:
    found = []
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            prints = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
            if prints and not name.startswith(MAY_PRINT):
                found.append(f"{name}:{node.lineno} prints")
    return found


def traces_of_machines(root: Path) -> list[str]:
    found = []
    for path in tracked(root):
        if path.suffix not in TEXTS:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
            for pattern in MACHINES + HOSTS:
                hit = re.search(pattern, line)
                if hit is not None:
                    found.append(f"{path.relative_to(root).as_posix()}:{number} names {hit[0]}")
    return found


def test_no_module_is_too_long():
    assert too_long(ROOT / "pqeval") == []


def test_every_file_name_says_something():
    assert say_nothing(ROOT / "pqeval") == []


def test_only_the_command_and_the_demo_print():
    assert printing(ROOT / "pqeval") == []


def test_no_machine_and_no_registry_is_named():
    assert traces_of_machines(ROOT) == []


def test_planted_long_modules_are_seen(tmp_path):
    (tmp_path / "core").mkdir()
    (tmp_path / "short.py").write_text("x = 1\n" * 300)
    (tmp_path / "long.py").write_text("x = 1\n" * 301)
    (tmp_path / "core" / "kernels.py").write_text("x = 1\n" * 401)
    (tmp_path / "core" / "runs.py").write_text("x = 1\n" * 400)
    assert too_long(tmp_path) == ["core/kernels.py has 401 lines", "long.py has 301 lines"]


def test_planted_empty_names_are_seen(tmp_path):
    (tmp_path / "common").mkdir()
    for name in ("common/table.py", "_utils.py", "table.py"):
        (tmp_path / name).write_text("")
    assert say_nothing(tmp_path) == ["_utils.py does not say what it is for", "common does not say what it is for"]


def test_planted_prints_are_seen(tmp_path):
    for name in ("cli/progress.py", "demo/run.py", "table.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text('"""print("in a text")"""\n\nprint("here")\n')
    assert printing(tmp_path) == ["table.py:3 prints"]


@pytest.mark.parametrize(
    "line",
    [
        "see /" + "home/somebody/data",
        'path = "/' + 'work/main"',
        r"C:\Use" + r"rs\me",
        "pip install --" + "index-url x",
        "https://files.python" + "hosted.org/x",
        "https://pypi" + ".org/simple",
    ],
)
def test_planted_machines_are_seen(tmp_path, line):
    (tmp_path / "page.md").write_text(f"fine\n{line}\n")
    found = traces_of_machines(tmp_path)
    assert len(found) == 1
    assert found[0].startswith("page.md:2 names ")


def test_ordinary_paths_are_no_machines(tmp_path):
    (tmp_path / "page.md").write_text("docs/work/x and ~/home/x and /dev/null and https://cocodataset.org/#home\n")
    assert traces_of_machines(tmp_path) == []
