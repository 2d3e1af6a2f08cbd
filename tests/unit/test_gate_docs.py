"""The page about CI: what its workflows call exists, its tables are complete, its test passes."""

from __future__ import annotations

import importlib.util
import inspect
import re
import shlex
from pathlib import Path

import pytest

import pqeval
from pqeval.cli import cli
from pqeval.gate.asserting import Scored
from pqeval.gate.leaderboard import OWN, TOP, read_leaderboard
from pqeval.gate.plans import OPTIONS
from pqeval.pytest_plugin import panoptic_quality

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "how-to" / "ci.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[list[str]]:
    """List the command lines of a workflow, GitHub's ``- run: ...`` and GitLab's ``- ...``, that call pqeval."""
    lines = (re.sub(r"^\s*- (run: )?", "", line) for line in text.splitlines())
    return [shlex.split(line)[1:] for line in lines if line.startswith("pqeval ")]


@pytest.mark.parametrize("workflow", blocks("yaml"))
def test_the_command_lines_of_workflows_are_accepted(workflow):
    found = commands(workflow)
    assert {"evaluate", "check"} == {name for name, *_ in found}
    for name, *arguments in found:
        command = cli.commands[name]
        # Arguments are parsed, and nothing is run.
        assert command.make_context(name, arguments).params


def test_a_planted_option_is_refused():
    ((name, *arguments),) = commands(
        "    - run: pqeval check board.toml --junitt x\n    - run: pip install pqeval\n"
    )
    with pytest.raises(Exception, match="junitt"):
        cli.commands[name].make_context(name, arguments)


@pytest.mark.skipif(importlib.util.find_spec("yaml") is None, reason="no YAML library here")
@pytest.mark.parametrize("workflow", blocks("yaml"))
def test_workflows_are_yaml(workflow):
    import yaml

    assert yaml.safe_load(workflow)


def test_the_tables_have_every_key_and_every_option():
    keys, _, rest = PAGE.partition("In an entry:")
    assert [key for key in TOP if key != "entry" and f"`{key}`" not in keys] == []
    assert [key for key in OWN if f"`{key}`" not in rest] == []
    reference = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
    section = reference.partition("## pqeval check")[2].partition("## pqeval convert")[0]
    section += reference.partition("## pqeval evaluate")[2].partition("### Output")[0]
    section += reference.partition("### Speed")[2].partition("### Reports")[0]
    options = [name for option in cli.commands["check"].params for name in option.opts if name.startswith("--")]
    assert [name for name in options if f"`{name}" not in section] == []


def test_every_option_is_one_of_evaluate():
    known = inspect.signature(pqeval.evaluate).parameters
    assert [name for name in OPTIONS if name not in known] == []


def test_the_examples_in_python_hold(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    made, board, test, _ = blocks("python")
    for block in (made, board, test):
        exec(block, names)
    pqeval.evaluate(gt="gt.json", pred="a.json", save="base.pqe")
    scored = inspect.unwrap(panoptic_quality)()
    assert isinstance(scored("base.pqe"), Scored)
    names["test_network_b"](scored)
    assert [plan.name for plan in read_leaderboard("leaderboard.toml").plans] == ["Network A", "Network B"]
    with pytest.raises(AssertionError, match="dog"):
        scored(gt="gt.json", pred="b.json").no_worse_than("base.pqe", by=16)
