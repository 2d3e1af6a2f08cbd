"""Every code of an error or a warning is in the reference: those of a format on its page, all others on api.md."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FORMATS = "formats"


def codes(package: Path) -> dict[str, set[str]]:
    """Return each code that is written out in the source, with the files that have it."""
    found: dict[str, set[str]] = {}
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            for keyword in node.keywords:
                value = keyword.value
                if keyword.arg == "code" and isinstance(value, ast.Constant) and isinstance(value.value, str):
                    found.setdefault(value.value, set()).add(path.relative_to(package).as_posix())
    return found


def undocumented(package: Path, reference: Path) -> list[str]:
    """List the codes that no page names; those of formats may stand on a page of formats."""
    general = (reference / "api.md").read_text(encoding="utf-8")
    pages = "".join(page.read_text(encoding="utf-8") for page in sorted(reference.rglob("*.md")))
    lacking = []
    for code, files in codes(package).items():
        text = pages if all(file.startswith(f"{FORMATS}/") for file in files) else general
        if f"`{code}`" not in text:
            lacking.append(f"{code} ({', '.join(sorted(files))})")
    return lacking


def invented(package: Path, reference: Path) -> list[str]:
    """List what the table of codes in api.md has and the source does not."""
    page = (reference / "api.md").read_text(encoding="utf-8").partition("### Codes")[2]
    known = set(codes(package)) | {f"unknown-{kind}" for kind in ("format", "metric", "report", "rule")}
    rows = [line.split("|")[2] for line in page.splitlines() if line.startswith("| `")]
    return sorted({code for row in rows for code in re.findall(r"`([a-z0-9-]+)`", row)} - known)


def test_every_code_is_in_the_reference():
    assert undocumented(ROOT / "pqeval", ROOT / "docs" / "reference") == []


def test_the_reference_invents_no_code():
    assert invented(ROOT / "pqeval", ROOT / "docs" / "reference") == []


def test_planted_codes_are_seen(tmp_path):
    package, reference = tmp_path / "package", tmp_path / "reference"
    (package / "formats").mkdir(parents=True)
    (reference / "formats").mkdir(parents=True)
    (package / "core.py").write_text('raise E(code="told")\nraise E(code="on-a-page-of-formats")\n')
    (package / "formats" / "x.py").write_text('report(code="of-a-format")\nreport(code="untold")\n')
    (reference / "formats" / "x.md").write_text("| `of-a-format`, `on-a-page-of-formats` |")
    (reference / "api.md").write_text("### Codes\n\n| `E` | `told`, `made-up`, `unknown-format` |\n")
    assert undocumented(package, reference) == ["on-a-page-of-formats (core.py)", "untold (formats/x.py)"]
    assert invented(package, reference) == ["made-up"]
