"""Every example that a reader sees is run: doctests of the package, and the pages of the documentation.

The blocks of a page run from top to bottom, in one folder that is empty at first. Python blocks share one
namespace; those with ``>>>`` are compared with what they show. In console blocks each line that begins with ``$ ``
is run, and what stands below it is compared with what was printed; ``...`` stands for anything. Blocks in other
languages (``text``, ``sh``, ``json``) are not run.
"""

from __future__ import annotations

import contextlib
import doctest
import importlib
import io
import os
import pkgutil
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import pytest

import pqeval
from pqeval.cli import main

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
NOT_RUN = ("text", "sh", "json", "yaml", "csv", "toml", "diff", "")
SHELL = set("|<>&;$*`")


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    line: int
    text: str


def blocks(page: str) -> list[Block]:
    found, language, begun, lines = [], None, 0, []
    for number, line in enumerate(page.splitlines(), start=1):
        fence = re.match(r"\s*```(\w*)", line)
        if fence is None:
            lines.append(line)
        elif language is None:
            language, begun, lines = fence[1], number + 1, []
        else:
            found.append(Block(language, begun, "\n".join(lines) + "\n"))
            language = None
    return found


def run_python(block: Block, names: dict[str, Any], page: str) -> list[str]:
    if re.search(r"^>>> ", block.text, re.MULTILINE):
        said: list[str] = []
        runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
        test = doctest.DocTestParser().get_doctest(block.text, names, page, page, block.line - 1)
        runner.run(test, out=said.append, clear_globs=False)
        names.update(test.globs)
        return said
    try:
        # As many empty lines before it as there are in the page, so that tracebacks name the line of the page.
        exec(compile("\n" * (block.line - 1) + block.text, page, "exec"), names)
    except Exception as error:
        return [f"{page}, block at line {block.line}: {type(error).__name__}: {error}"]
    return []


def run_console(block: Block, page: str) -> list[str]:
    found = []
    parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    status = 0
    for part in parts[1:]:
        command, _, expected = part.partition("\n")
        while command.endswith("\\"):
            more, _, expected = expected.partition("\n")
            command = f"{command[:-1].rstrip()} {more.lstrip('> ')}"
        if command == "echo $?":
            printed = f"{status}\n"
        else:
            printed, status = run_command(command)
        if not alike(expected, printed):
            found.append(
                f"{page}, block at line {block.line}: $ {command}\nexpected:\n{expected}\nprinted:\n{printed}"
            )
    return found


def run_command(command: str) -> tuple[str, int]:
    """Run a line of a console; ``pqeval`` without shell syntax runs in this process, which saves its start."""
    if not command.startswith("pqeval ") or SHELL & set(command):
        there = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        done = subprocess.run(
            ["bash", "-c", command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"PATH": there},
        )
        return done.stdout, done.returncode
    printed = io.StringIO()
    with (
        mock.patch.object(sys, "argv", shlex.split(command)),
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
    ):
        try:
            main()
        except SystemExit as end:
            return printed.getvalue(), int(end.code or 0)
    return printed.getvalue(), 0


def alike(expected: str, printed: str) -> bool:
    """Compare as a doctest does, without regard to empty lines at the end and blanks at line ends."""

    def plain(text: str) -> str:
        return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n") + "\n"

    if expected.strip() == "...":
        return True
    return doctest.OutputChecker().check_output(plain(expected), plain(printed), doctest.ELLIPSIS)


def run_page(page: Path) -> list[str]:
    """Run a page in the current folder and list what did not come out as shown."""
    names: dict[str, Any] = {"__name__": "page"}
    found = []
    for block in blocks(page.read_text(encoding="utf-8")):
        if block.language in ("python", "pycon"):
            found += run_python(block, names, page.name)
        elif block.language in ("console", "bash"):
            found += run_console(block, page.name)
        elif block.language not in NOT_RUN:
            found.append(f"{page.name}, line {block.line}: nobody knows how to run {block.language!r}")
    return found


def run_doctests(module: Any) -> list[str]:
    said: list[str] = []
    runner = doctest.DocTestRunner(verbose=False)
    for test in doctest.DocTestFinder(exclude_empty=True).find(module):
        runner.run(test, out=said.append)
    return said


MODULES = [
    name for _, name, _ in pkgutil.walk_packages(pqeval.__path__, prefix="pqeval.") if name != "pqeval.__main__"
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_examples_of_the_page_are_true(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_page(page) == []


@pytest.mark.parametrize("name", ["pqeval", *MODULES])
def test_the_doctests_of_the_module_are_true(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if name.startswith("pqeval.architectures.train."):
        for needed in ("torch", "threadpoolctl"):
            pytest.importorskip(needed, reason=f"{needed} is not installed")
    assert run_doctests(importlib.import_module(name)) == []


@pytest.mark.parametrize(
    "text",
    [
        "```python\nassert 1 + 1 == 3\n```",
        "```python\nx = 1\n```\n```python\n>>> x\n2\n```",
        "```python\n>>> raise ValueError('a')\nTraceback (most recent call last):\n    ...\nValueError: b\n```",
        "```console\n$ pqeval --version\npqeval, version 99\n```",
        "```console\n$ pqeval selftest\n...\n9 cases, ...\n```",
        "```bash\n$ pqeval validate --gt none.json --pred none.json\n...\n$ echo $?\n0\n```",
        "```console\n$ echo one | cat\ntwo\n```",
        "```ruby\nputs 1\n```",
    ],
)
def test_a_planted_example_that_is_false_is_seen(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "page.md").write_text(f"# A page\n\n{text}\n")
    assert len(run_page(tmp_path / "page.md")) == 1


def test_planted_examples_that_are_true_pass(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = """
        ```python
        x = 1
        ```
        ```python
        >>> x
        1
        >>> y = 2
        ```
        ```python
        assert x + y == 3
        ```
        ```console
        $ pqeval --version
        pqeval, version ...
        $ echo one | cat
        one
        $ pqeval validate --gt none.json \\
        >     --pred none.json
        error [file-missing] none.json: does not exist
        ...
        0 images checked: 2 errors, 0 warnings
        $ echo $?
        3
        ```
        ```text
        $ this is not run
        ```
    """
    (tmp_path / "page.md").write_text("\n".join(line[8:] for line in text.splitlines()))
    assert run_page(tmp_path / "page.md") == []


def test_a_planted_doctest_that_is_false_is_seen(tmp_path):
    (tmp_path / "planted_examples.py").write_text('def f():\n    """\n    >>> 1 + 1\n    3\n    """\n')
    with mock.patch.object(sys, "path", [str(tmp_path), *sys.path]):
        module = importlib.import_module("planted_examples")
    assert len(run_doctests(module)) == 1
