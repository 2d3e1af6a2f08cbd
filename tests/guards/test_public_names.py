"""The public names are those that are documented, and each docstring says what a caller has to know."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import pqeval
from pqeval import fusion

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "api.md"
MOST_NAMES = 19

PUBLIC = [name for name in pqeval.__all__ if not name.startswith("__")]


def documented(page: str) -> set[str]:
    """Return the names that have a heading, such as ``### `pqeval.evaluate` `` or ``## Result``."""
    found = set()
    for heading in re.findall(r"^#{2,4} (.+)$", page, re.MULTILINE):
        for code in re.findall(r"`([^`]+)`", heading) or [heading]:
            name = code.removeprefix("class ").removeprefix("pqeval.").partition("(")[0].strip()
            if name.isidentifier() and (code != heading or name in PUBLIC):
                found.add(name)
    return found


def sections(text: str) -> dict[str, str]:
    """Split a docstring into its numpydoc sections."""
    parts = re.split(r"^(\w+)\n-{3,}$", inspect.cleandoc(text), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def described(section: str) -> list[str]:
    """List the names that a Parameters section describes."""
    lines = [line for line in section.splitlines() if line and not line.startswith(" ")]
    return [name.strip(" *") for line in lines for name in line.partition(" : ")[0].split(",")]


def parameters(function: Any) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name not in ("self", "cls")]


def faults(name: str, thing: Any) -> list[str]:
    """List what the docstring of a public function or class lacks."""
    found = []
    text = inspect.getdoc(thing) or ""
    if not text:
        return [f"{name} has no docstring"]
    has = sections(text)
    error = inspect.isclass(thing) and issubclass(thing, BaseException)
    takes = [] if error else parameters(thing)
    if not error and sorted(described(has.get("Parameters", ""))) != sorted(takes):
        found.append(f"{name} takes {takes} and describes {described(has.get('Parameters', ''))}")
    if not error and "Examples" not in has:
        found.append(f"{name} has no Examples")
    if not error and ">>> " not in has.get("Examples", ">>> "):
        found.append(f"{name} has Examples without an example")
    if inspect.isfunction(thing):
        if thing.__annotations__.get("return") not in (None, "None") and "Returns" not in has:
            found.append(f"{name} has no Returns")
        if "Raises" not in has:
            found.append(f"{name} has no Raises")
    if inspect.isclass(thing) and not error:
        for other, method in vars(thing).items():
            function = getattr(method, "__func__", method)
            if other.startswith("_") or not (inspect.isfunction(function) or isinstance(method, property)):
                continue
            if not inspect.getdoc(method):
                found.append(f"{name}.{other} has no docstring")
            elif inspect.isfunction(function) and parameters(function):
                told = described(sections(inspect.getdoc(method) or "").get("Parameters", ""))
                if told != parameters(function) and len(parameters(function)) > 1:
                    found.append(f"{name}.{other} takes {parameters(function)} and describes {told}")
    return found


def test_there_are_few_names_and_they_are_sorted():
    assert len(PUBLIC) <= MOST_NAMES
    assert pqeval.__all__ == sorted(pqeval.__all__)
    assert dir(pqeval) == pqeval.__all__


def test_the_reference_documents_the_public_names_and_no_others():
    assert documented(REFERENCE.read_text(encoding="utf-8")) == set(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_the_docstring_says_what_a_caller_has_to_know(name):
    assert faults(name, getattr(pqeval, name)) == []


@pytest.mark.parametrize("name", PUBLIC)
def test_the_name_is_the_one_that_its_home_defines(name):
    thing = getattr(pqeval, name)
    assert thing.__name__ == name
    assert thing.__module__.startswith("pqeval.")


FUSIONS = [
    (rule, name)
    for rule in [None, *fusion.available()]
    for name in (fusion if rule is None else fusion.get(rule)).__all__
    if name != "DESCRIPTION"
]


@pytest.mark.parametrize(("rule", "name"), FUSIONS)
def test_the_docstrings_of_fusion_rules_say_it_too(rule, name):
    assert faults(name, getattr(fusion if rule is None else fusion.get(rule), name)) == []


def test_the_reference_has_every_fusion_rule_and_its_parts():
    page = (REFERENCE.parent / "fusion.md").read_text(encoding="utf-8")
    for rule, name in FUSIONS:
        assert (f"`{name}" if rule is None else f"`{rule}.{name}") in page, (rule, name)


def test_planted_headings_are_read():
    page = "# The API\n## Arrays\n### `pqeval.evaluate`\n### `validate(gt, pred)`\n#### Result\n"
    page += "### `Result.to_json`\n"
    assert documented(page) == {"evaluate", "validate", "Result"}
    assert documented(page + "### `pqeval.nothing`\n") - set(PUBLIC) == {"nothing"}


def silent():
    pass


def brief(one, *, two) -> int:
    """Do it."""


def wrong(one, two):
    """Do it.

    Parameters
    ----------
    one : int
        The first.

    Raises
    ------
    DataError
        Always.

    Examples
    --------
    None yet.
    """


class Half:
    """A class.

    Examples
    --------
    >>> 1
    1
    """

    def method(self):
        pass

    def other(self, one, two):
        """Do it."""


def test_planted_docstrings_that_say_too_little_are_seen():
    things = SimpleNamespace(silent=silent, brief=brief, wrong=wrong, Half=Half)
    assert {name: faults(name, thing) for name, thing in vars(things).items()} == {
        "silent": ["silent has no docstring"],
        "brief": [
            "brief takes ['one', 'two'] and describes []",
            "brief has no Examples",
            "brief has no Returns",
            "brief has no Raises",
        ],
        "wrong": ["wrong takes ['one', 'two'] and describes ['one']", "wrong has Examples without an example"],
        "Half": ["Half.method has no docstring", "Half.other takes ['one', 'two'] and describes []"],
    }
