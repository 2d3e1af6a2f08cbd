"""A kernel that leans on another file says so to numba's cache.

The cache keeps compiled code as long as the file of the kernel is the same; of what the kernel takes from other
files, functions or numbers, it knows nothing. So such a kernel has to be made by a function that is called with
the fingerprint of those files, and has to use what it was called with: what a kernel closes over is part of the
key.
"""

from __future__ import annotations

import ast
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parents[2] / "pqeval"

MAKERS = "core.compiled"
"""The module of the decorator: what is wrong there is wrong everywhere, and its names are no callees."""


class Kernel(NamedTuple):
    name: str
    takes: dict[str, str]
    """Names that it uses and that come from other files of the package, with the module of each."""
    sealed: set[str]
    """Modules whose fingerprint it closes over."""


def modules(package: Path) -> dict[str, Path]:
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)] = path
    return found


def origins(tree: ast.Module, importer: str, package: Path) -> dict[str, str]:
    """Which module of the package each imported name comes from."""
    known = modules(package)
    found = {}
    for node in ast.walk(tree):
        pairs = []
        if isinstance(node, ast.Import):
            pairs = [(alias.asname or alias.name.split(".")[0], alias.name) for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = f"{package.name}.{importer}".split(".")
                above = above if known[importer].name == "__init__.py" else above[:-1]
                base = ".".join([*above[: len(above) + 1 - node.level], *([base] if base else [])])
            pairs = [(alias.asname or alias.name, f"{base}.{alias.name}") for alias in node.names]
        for name, target in pairs:
            first, _, rest = target.partition(".")
            while rest and rest not in known:
                rest = rest.rpartition(".")[0]
            if first == package.name:
                found[name] = rest
    return found


def names_in(nodes: list[ast.stmt]) -> set[str]:
    return {node.id for part in nodes for node in ast.walk(part) if isinstance(node, ast.Name)}


def is_kernel(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and any(
        "kernel" in ast.unparse(decorator).split("(")[0].split(".") for decorator in node.decorator_list
    )


def seals(tree: ast.Module, maker: ast.FunctionDef, come_from: dict[str, str]) -> dict[str, set[str]]:
    """For each parameter of a maker that is called with a fingerprint: the modules of the fingerprint."""
    found: dict[str, set[str]] = {}
    parameters = [argument.arg for argument in maker.args.args]
    for call in ast.walk(tree):
        if not (isinstance(call, ast.Call) and ast.unparse(call.func) == maker.name):
            continue
        given = [
            *zip(parameters, call.args, strict=False),
            *((word.arg or "", word.value) for word in call.keywords),
        ]
        for parameter, value in given:
            if isinstance(value, ast.Call) and ast.unparse(value.func).split(".")[-1] == "fingerprint":
                found[parameter] = {come_from.get(ast.unparse(module), "") for module in value.args}
    return found


def kernels(name: str, path: Path, package: Path) -> list[Kernel]:
    """List the kernels of a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    come_from = origins(tree, name, package)
    found = []

    def visit(node: ast.AST, makers: list[ast.FunctionDef]) -> None:
        for child in ast.iter_child_nodes(node):
            if is_kernel(child):
                used = names_in(child.body)  # type: ignore[attr-defined]
                takes = {key: value for key, value in come_from.items() if key in used and value != MAKERS}
                sealed: set[str] = set()
                for maker in makers:
                    for parameter, sources in seals(tree, maker, come_from).items():
                        sealed |= sources if parameter in used else set()
                found.append(Kernel(child.name, takes, sealed))  # type: ignore[attr-defined]
            visit(child, [*makers, child] if isinstance(child, ast.FunctionDef) else makers)

    visit(tree, [])
    return found


def unsealed(package: Path) -> list[str]:
    """List what kernels take from files whose fingerprint they do not close over."""
    all_kernels = {name: kernels(name, path, package) for name, path in modules(package).items()}

    def behind(module: str, seen: set[str]) -> set[str]:
        """A module and all that its kernels lean on."""
        if module not in seen:
            seen.add(module)
            for kernel in all_kernels.get(module, []):
                for other in kernel.takes.values():
                    behind(other, seen)
        return seen

    return [
        f"{name}: {kernel.name} takes {taken} from another file, and its cache does not notice changes of {source}"
        for name, found in all_kernels.items()
        for kernel in found
        for taken, module in kernel.takes.items()
        for source in sorted(behind(module, {name}) - {name} - kernel.sealed)
    ]


def test_every_kernel_closes_over_the_fingerprint_of_what_it_calls():
    assert unsealed(PACKAGE) == []


def test_the_kernels_are_found():
    found = {name: kernels(name, path, PACKAGE) for name, path in modules(PACKAGE).items()}
    files = {name for name, there in found.items() if there}
    png = {"formats._deflate", "formats._png_chunks", "formats._png_rows", "formats._png_decode"}
    assert files == {"architectures._sampling", "core.kernels", "core.renaming", "core.runs", "core.scan", *png}
    (decode_file,) = found["formats._png_decode"]
    assert set(decode_file.takes.values()) == decode_file.sealed == png - {"formats._png_decode"}


@pytest.mark.parametrize("module", ["_deflate", "_png_chunks", "_png_rows"])
def test_a_module_that_is_taken_out_of_the_fingerprint_is_missed(tmp_path, module):
    package = tmp_path / "pqeval"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__", "*.json"))
    path = package / "formats" / "_png_decode.py"
    text = path.read_text(encoding="utf-8")
    before, call, after = text.partition("_whole_road(fingerprint(")
    named, end, rest = after.partition("))")
    assert module in named.split(", ")
    path.write_text(before + call + ", ".join(set(named.split(", ")) - {module}) + end + rest, encoding="utf-8")
    assert unsealed(package)
    assert all(message.startswith("formats._png_decode: decode_file takes ") for message in unsealed(package))


FREE = "from pqeval.core.compiled import fingerprint, kernel\n"
INNER = FREE + "TEN = 10\n\n\n@kernel\ndef inner(x):\n    return x + TEN\n"
MIDDLE = """
from pqeval import inner
from pqeval.core.compiled import fingerprint, kernel


def make(seal):
    @kernel
    def middle(x):
        return inner.inner(x) if seal >= 0 else 0

    return middle


middle = make(fingerprint(inner))
"""
OUTER = """
from pqeval import inner, middle as other
from pqeval.core.compiled import fingerprint, kernel


def make(seal):
    @kernel
    def outer(x):
        return other.middle(x) if seal >= 0 else 0

    return outer


outer = make(fingerprint(other, inner))
"""
SOUND = {"inner": INNER, "middle": MIDDLE, "outer": OUTER}


def planted(folder: Path, files: dict[str, str]) -> Path:
    (folder / "pqeval" / "core").mkdir(parents=True)
    for name, text in ({"__init__": "", "core/__init__": "", "core/compiled": ""} | files).items():
        (folder / "pqeval" / f"{name}.py").write_text(text)
    return folder / "pqeval"


def test_planted_kernels_that_say_so_are_clean(tmp_path):
    assert unsealed(planted(tmp_path, SOUND)) == []


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"new": FREE + "from pqeval.inner import inner\n\n\n@kernel\ndef f(x):\n    return inner(x)\n"},
            "new: f takes inner from another file, and its cache does not notice changes of inner",
        ),
        (
            {"new": FREE + "from .inner import TEN as ten\n\n\n@kernel\ndef f(x):\n    return x + ten\n"},
            "new: f takes ten from another file, and its cache does not notice changes of inner",
        ),
        (
            {"new": FREE + "import pqeval.inner as i\n\n\n@kernel\ndef f(x):\n    return i.inner(x)\n"},
            "new: f takes i from another file, and its cache does not notice changes of inner",
        ),
        (
            {"middle": MIDDLE.replace("fingerprint(inner)", "fingerprint()")},
            "middle: middle takes inner from another file, and its cache does not notice changes of inner",
        ),
        (
            {"middle": MIDDLE.replace("fingerprint(inner)", "7")},
            "middle: middle takes inner from another file, and its cache does not notice changes of inner",
        ),
        (
            {"middle": MIDDLE.replace(" if seal >= 0 else 0", "")},
            "middle: middle takes inner from another file, and its cache does not notice changes of inner",
        ),
        (
            {"outer": OUTER.replace("fingerprint(other, inner)", "fingerprint(other)")},
            "outer: outer takes other from another file, and its cache does not notice changes of inner",
        ),
    ],
)
def test_a_planted_kernel_that_does_not_say_so_is_seen(tmp_path, files, message):
    assert unsealed(planted(tmp_path, SOUND | files)) == [message]
