"""No message without a test: every error that pqeval can construct or raise is met by a test of its text.

These are the triggers of ``unit/test_errors.py``, and of every test module that has some. Here they run under a
tracer that notes which instructions of the package are executed, and the notes are compared with the source:
every ``raise``, every construction of an error, and, in the modules that make errors, both branches of every
choice between two wordings and every text returned.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple

import pytest

from pqeval import errors

PACKAGE = Path(errors.__file__).parent  # as it is imported: of an installed copy, the source here is not what runs
TESTS = Path(__file__).parents[1]

NOT_MET = {
    "report.py: raise click.ClickException(f\"below their gates: {', '.join(missed)}\")": "wants torch",
    "_coco_write.py: '/'": "what stays as it is in a file name, no text",
}
"""Places that no trigger reaches, ``"file.py: source of the place"``, each with the reason."""

ERRORS = set(errors.__all__)

Span = tuple[int | None, int | None, int | None, int | None]


class Place(NamedTuple):
    """Something in the source that a test has to execute."""

    file: str
    span: Span
    text: str

    def __str__(self) -> str:
        return f"{Path(self.file).name}: {self.text}"


def span_of(node: ast.AST) -> Span:
    return node.lineno, node.end_lineno, node.col_offset, node.end_col_offset  # type: ignore[attr-defined]


def is_construction(node: ast.AST) -> bool:
    """Whether this makes an error: by the name of its class, or by the fields that only errors have."""
    if not isinstance(node, ast.Call):
        return False
    names = {keyword.arg for keyword in node.keywords}
    called = node.func.id if isinstance(node.func, ast.Name) else None
    return called in ERRORS or {"code", "found", "remedy"} <= names


def wordings(function: ast.AST) -> Iterator[ast.AST]:
    """Yield what may become part of a message: texts that are returned, and those that are chosen between."""
    for node in ast.walk(function):
        if isinstance(node, ast.IfExp):
            branches = (node.body, node.orelse)
            if any(_is_text(branch) for branch in branches):
                yield from branches
        if isinstance(node, ast.Return) and node.value is not None and _is_text(node.value):
            yield node


def _is_text(node: ast.expr) -> bool:
    if isinstance(node, ast.Tuple):
        return any(_is_text(each) for each in node.elts)
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def places(file: Path) -> list[Place]:
    """List what has to be executed in a file."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    nodes: list[ast.AST] = [
        node for node in ast.walk(tree) if isinstance(node, ast.Raise) or is_construction(node)
    ]
    if any(is_construction(node) for node in nodes):
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef) and function.name != "__repr__":
                nodes += wordings(function)
    found = {Place(str(file), span_of(node), ast.unparse(node).partition("\n")[0][:80]) for node in nodes}
    return sorted(found)


class Notes:
    """Which spans of source were executed, by file; of functions without a wanted place nothing is noted."""

    def __init__(self, wanted: list[Place]) -> None:
        self.wanted: dict[str, list[Span]] = {}
        for place in wanted:
            self.wanted.setdefault(place.file, []).append(place.span)
        self.seen: dict[str, set[Span]] = {}
        self.spans: dict[CodeType, list[Span]] = {}
        self.told: dict[CodeType, bool] = {}

    def trace(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any] | None:
        code = frame.f_code
        if code not in self.told:
            self.told[code] = self.tells(code)
        if not self.told[code]:
            return None
        frame.f_trace_opcodes = True
        return self.note

    def tells(self, code: CodeType) -> bool:
        """Whether a wanted place lies in this code."""
        spans = self.wanted.get(code.co_filename)
        if spans is None:
            return False
        own = list(code.co_positions())
        return any(_within(span, place) for place in spans for span in own)

    def note(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any]:
        if event == "opcode":
            code = frame.f_code
            if code not in self.spans:
                self.spans[code] = list(code.co_positions())
            span = self.spans[code][frame.f_lasti // 2]
            self.seen.setdefault(code.co_filename, set()).add(span)
        return self.note

    def met(self, place: Place) -> bool:
        """Whether an instruction that stands for this place, or for a part of a wording, was executed."""
        seen = self.seen.get(place.file, set())
        return place.span in seen or any(_within(span, place.span) for span in seen)


def _within(span: Span, other: Span) -> bool:
    if None in span or None in other:
        return False
    return (other[0], other[2]) <= (span[0], span[2]) and (span[1], span[3]) <= (other[1], other[3])  # type: ignore[operator]


@contextmanager
def noting(wanted: list[Place]) -> Iterator[Notes]:
    """Note which places are executed, in all threads that begin meanwhile."""
    notes = Notes(wanted)
    before = sys.gettrace()
    threading.settrace(notes.trace)
    sys.settrace(notes.trace)
    try:
        yield notes
    finally:
        sys.settrace(before)
        threading.settrace(before)  # type: ignore[arg-type]


def unmet(package: Path, run: Callable[[], None]) -> list[str]:
    """Run tests and list the places in a package that they did not reach."""
    wanted = [place for file in sorted(package.rglob("*.py")) for place in places(file)]
    with noting(wanted) as notes:
        run()
    return [str(place) for place in wanted if not notes.met(place)]


def load(path: Path, name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def with_triggers(tests: Path) -> list[Path]:
    """List the test modules that have triggers."""
    return [
        path
        for path in sorted([*(tests / "unit").glob("test_*.py"), *(tests / "formats").glob("test_*.py")])
        if "\ntrigger = Triggers()\n" in path.read_text(encoding="utf-8")
    ]


@pytest.mark.skipif(
    os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"), reason="kernels in Python, traced, take too long"
)
def test_every_error_is_met_by_a_test_of_its_text(tmp_path, monkeypatch):
    modules = with_triggers(TESTS)
    assert TESTS / "unit" / "test_errors.py" in modules
    failed = []

    def run() -> None:
        for path in modules:
            monkeypatch.syspath_prepend(str(path.parent))
            for trigger in importlib.import_module(path.stem).trigger:
                folder = tmp_path / path.stem / trigger.__name__
                folder.mkdir(parents=True)
                try:
                    trigger(folder)
                except pytest.skip.Exception:
                    continue
                except Exception as error:  # the others can still be looked at
                    failed.append(f"{path.name}: {trigger.__name__}: {type(error).__name__}")

    found = unmet(PACKAGE, run)
    assert failed == []
    assert [place for place in found if place not in NOT_MET] == []
    assert [place for place in NOT_MET if place not in found] == []


PLANTED = """
from pqeval.errors import DataWarning, FileError


def size(value):
    if value == 50:
        return f"half of {2 * value}"
    return "none"


def check(value, strict):
    if value < 0:
        raise ValueError("negative")
    problems = []
    if value > 9:
        problems.append(
            DataWarning(
                code="large",
                found="large" if value > 99 else f"rather {value}",
                expected="less",
                remedy="divide",
            )
        )
    kind = FileError if strict else DataWarning
    size(value)
    if value == 5:
        problems.append(kind(code="five", found="five", expected="four", remedy="subtract"))
    try:
        1 / value
    except ZeroDivisionError:
        raise
    return problems
"""


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        (
            [],
            [
                "raise ValueError('negative')",
                "DataWarning(code='large', found='large' if value > 99 else f'rather {value}', ex",
                "'large'",
                "f'rather {value}'",
                "kind(code='five', found='five', expected='four', remedy='subtract')",
                "raise",
                "return f'half of {2 * value}'",
                "return 'none'",
            ],
        ),
        ([-1, 0, 5, 50], ["'large'"]),
        ([-1, 0, 5, 500], ["f'rather {value}'", "return f'half of {2 * value}'"]),
        ([0, 5, 50, 500], ["raise ValueError('negative')"]),
        ([-1, 5, 50, 500], ["raise"]),
        ([-1, 0, 50, 500], ["kind(code='five', found='five', expected='four', remedy='subtract')"]),
        ([-1, 0, 5, 50, 500], []),
    ],
)
def test_a_planted_error_that_no_test_meets_is_seen(tmp_path, calls, expected):
    (tmp_path / "planted.py").write_text(PLANTED)
    module = load(tmp_path / "planted.py", "planted")

    def run() -> None:
        for value in calls:
            with suppress(ValueError, ZeroDivisionError):
                module.check(value, strict=True)

    assert sorted(unmet(tmp_path, run)) == sorted(f"planted.py: {text}" for text in expected)


def test_what_runs_in_a_thread_is_seen_too(tmp_path):
    (tmp_path / "planted.py").write_text(PLANTED)
    module = load(tmp_path / "planted.py", "planted")

    def run() -> None:
        thread = threading.Thread(target=module.check, args=(5, True))
        thread.start()
        thread.join()

    assert not any("five" in text for text in unmet(tmp_path, run))
