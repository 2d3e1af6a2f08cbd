"""Who may import whom.

The graph is drawn from the source, so that imports inside functions are seen as well. Imports that only a type
checker sees are held apart from those that run.
"""

from __future__ import annotations

import ast
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parents[2] / "pqeval"

ALLOWED = {
    "__init__": "_version",
    "__main__": "cli",
    # What everything may lean on.
    "errors": "",
    "_version": "",
    "output": "errors",
    "registry": "errors",
    "engines": "",
    "engines.*": "errors",
    "engines.processes": "errors engines.forked engines.threads",
    "engines.forked": "engines.threads",
    "storage": "storage.folder storage.locating",
    "storage.folder": "errors",
    "storage.local": "errors storage.folder",
    "storage.archives": "errors storage.folder",
    "storage.remote": "errors storage.folder storage.archives",
    "storage.locating": "errors storage.folder storage.local",
    "tables": "",
    "tables.make": "",
    # The waist: data types, from pixels to numbers.
    "core": "",
    "core.compiled": "",
    "core.kernels": "core.compiled",
    "core.runs": "core.compiled",
    "core.renaming": "core.compiled",
    "core.scan": "core.compiled",
    "categories": "errors tables",
    "labelmap": "errors core.renaming core.scan",
    "pairs": "errors labelmap",
    "rows": "categories",
    "segment_lists": "errors categories labelmap rows",
    "segments": "categories rows core.runs",
    "image_ids": "errors",
    "image_labels": "errors image_ids storage",
    "frame": "errors categories image_ids labelmap rows segments",
    "overlap": "image_ids segments",
    "ledger": "errors image_ids",
    "result": "errors output _version",
    "run": "categories ledger result void",
    "same_rules": "result",
    "run_file": "_version errors categories image_ids ledger output result run storage void",
    "source": "errors categories image_ids labelmap rows storage",
    # Counting, and the ratios of the counts.
    "averaging": "",
    "void": "errors categories averaging",
    "core.count": "core.runs frame overlap",
    "core.match": "errors core.kernels overlap ledger rows void",
    "preparing": "errors categories labelmap rows void",
    "counting": "errors categories image_ids labelmap rows frame ledger void preparing core.count core.match",
    "metrics": "registry",
    "metrics.*": "errors categories averaging ledger result metrics._*",
    "alignment": "errors categories ledger",
    "provenance": "image_ids ledger storage void",
    "scoring": "errors categories ledger provenance result void metrics alignment",
    # Outer rooms: they see the waist, where files lie, and their own private siblings. COCO's layout has dialects.
    "formats": "registry",
    "formats.*": "errors output storage storage.* tables categories image_ids labelmap pairs rows segment_lists "
    "frame source formats._* formats.coco",
    "formats._deflate": "core.compiled",
    "formats._png_chunks": "core.compiled",
    "formats._png_rows": "core.compiled",
    "formats._png_decode": "labelmap core.compiled formats._deflate formats._png_*",
    "reports": "errors registry output ledger result reports._columns",
    "reports._columns": "errors output",
    "reports.*": "ledger result reports._*",
    # Rules that make one segmentation of a network's outputs: arrays in, arrays out.
    "fusion": "registry fusion._presets",
    "fusion._presets": "errors",
    "fusion.*": "errors fusion._*",
    # Wiring.
    "arrays": "errors categories labelmap pairs rows segment_lists counting",
    "at_once": "accumulate arrays categories result",
    "accumulate": "errors categories confidence image_ids ledger result run void counting arrays scoring",
    "pairing": "errors image_ids source",
    "sniffing": "errors run_file storage formats formats._glance",
    "userfiles": "errors storage tables categories image_ids formats._json",
    "inputs": "image_ids output storage",
    "opening": "errors inputs storage categories labelmap ledger void counting pairing formats source "
    "sniffing userfiles",
    "reopening": "errors inputs run run_file storage",
    "clusters": "errors image_ids image_labels",
    "statistics": "",
    "statistics.*": "errors averaging ledger metrics._images result run statistics.*",
    "comparison": "",
    "comparison.*": "_version categories errors image_ids ledger output result run same_rules comparison.*",
    "comparison.deltas": "clusters image_ids ledger result run statistics.* comparison.outcome",
    "comparison.between": "confidence errors ledger run scoring statistics.* comparison.*",
    "comparison.drawing": "comparison.outcome comparison.wording reports._cells reports.table",
    "comparing": "comparison.between comparison.outcome errors image_ids inputs output reopening run run_file "
    "statistics.resampling storage",
    "confidence": "clusters errors result run scoring statistics.*",
    "slicing": "image_labels metrics result run",
    "evaluation": "confidence errors output image_ids inputs ledger reopening result run void "
    "opening scoring slicing "
    "engines.* metrics reports",
    "validation": "errors inputs output image_ids void opening engines.*",
    "conversion": "errors output image_ids rows formats formats._png source storage sniffing opening pairing"
    " userfiles",
    "packing": "errors output categories image_ids source pairing userfiles conversion formats._coco_pack",
    "panopticapi": "evaluation output",
    # Where the lost PQ went: readings of a run, and pictures of them.
    "diagnosis": "",
    "diagnosis.*": "_version averaging categories diagnosis.* image_ids ledger metrics._images "
    "output result run void",
    "diagnosis.drawing": "diagnosis.* reports._cells reports.table",
    "diagnosis.rescoring": "diagnosis.* ledger metrics._images metrics.pq result run void",
    "diagnosing": "categories diagnosis.examining diagnosis.findings errors image_ids inputs output reopening run",
    "figures": "errors output",
    "figures.*": "diagnosis.kinds diagnosis.wording figures.style",
    # The gate: expectations, verdicts, and ways to tell them.
    "gate": "",
    "gate.nearness": "",
    "gate.expectations": "errors gate.nearness",
    "gate.naming": "errors result gate.expectations gate.nearness",
    "gate.verdicts": "_version errors output",
    "gate.subjects": "errors result run run_file storage",
    "gate.judging": "result gate.expectations gate.naming gate.verdicts",
    "gate.baselines": "errors result same_rules gate.expectations gate.subjects",
    "gate.drops": "result gate.baselines gate.expectations gate.judging gate.verdicts",
    "gate.changes": "image_ids ledger result run gate.verdicts",
    "gate.plans": "errors inputs reopening scoring gate.baselines gate.changes gate.drops gate.expectations "
    "gate.judging gate.subjects gate.verdicts result",
    "gate._leaderboard_values": "",
    "gate.leaderboard": "errors gate._leaderboard_values gate.baselines gate.expectations "
    "gate.nearness gate.plans",
    "gate.updating": "errors output gate.expectations gate.judging gate.leaderboard gate.subjects gate.verdicts",
    "gate.asserting": "errors result run gate.baselines gate.changes gate.drops gate.expectations "
    "gate.judging gate.naming "
    "gate.outputs.wording gate.subjects gate.verdicts",
    "gate.outputs": "",
    "gate.outputs.*": "gate.expectations gate.outputs.* gate.verdicts",
    "gate.outputs.targets": "errors output",
    "gating": "errors inputs gate.baselines gate.expectations gate.leaderboard gate.nearness gate.plans "
    "gate.subjects gate.verdicts",
    "pytest_plugin": "",
    "selftest": "",
    # Networks that make predictions. How they are trained needs torch, and nothing imports it.
    "architectures": "",
    "architectures.*": "fusion fusion.panoptic_fcn architectures._* architectures.detector architectures.ops "
    "architectures.panoptic_fpn architectures.parts architectures.scenes",
    "architectures._sampling": "core.compiled",
    "architectures.ops": "architectures._sampling",
    "architectures.parameters": "errors architectures.ops",
    "architectures.prediction": "errors architectures.parameters",
    "architectures.scenes": "errors architectures._*",
    "architectures.train": "",
    "architectures.train.*": "architectures.*",
    "architectures.train.scoring": "accumulate architectures.*",
    "demo": "demo.*",
    "demo.*": "architectures.scenes demo.* output",
    "cli": "_version errors cli.checking cli.comparing cli.diagnosing cli.files cli.gating "
    "cli.progress cli.scoring",
    "cli.options": "errors",
    "cli.progress": "",
    "cli.checking": "cli.progress",
    "cli.files": "cli.options cli.progress",
    "cli.scoring": "errors cli.options cli.progress",
    "cli.gating": "errors cli.options cli.progress",
    "cli.diagnosing": "errors cli.options cli.scoring",
    "cli.comparing": "cli.options cli.progress",
}

LATE = {
    # Heavy imports wait until a command needs them.
    "cli.progress": "core.compiled",
    "cli.checking": "demo selftest",
    "cli.files": "conversion formats packing",
    "cli.gating": "gate.* gating output",
    "cli.diagnosing": "diagnosing diagnosis.drawing figures output reports scoring",
    "figures": "figures.style",
    "cli.comparing": "comparing comparison.drawing output reports",
    "gate.verdicts": "gate.outputs.markdown",  # Check.to_markdown, a shorthand
    "pytest_plugin": "errors gate.* gating",
    "cli.scoring": "confidence inputs output reopening reports reports.table scoring slicing validation",
    "reopening": "evaluation",
    "void": "core.kernels",  # which loads numba; a saved run is read without
    # Most runs meet no archive and no URL.
    "storage.local": "storage.archives",
    "storage.locating": "storage.remote",
    "selftest": "at_once core.kernels evaluation formats.coco",  # of the kernels only where their cache is
    "demo.*": "__init__ architectures.prediction core.compiled",
    "run": "run_file reports.per_image reports.per_segment",  # what is read of it and written
    "result": "reports.markdown",  # Result.to_markdown, a shorthand
}

TYPING = {
    "selftest": "result",
    "fusion": "fusion._painting",
    "__init__": "accumulate at_once categories comparing conversion diagnosing errors evaluation "
    "formats.coco gating labelmap packing "
    "panopticapi result run validation",
    "cli.scoring": "inputs run",
    # Whose maps load the kernels; saved runs are compared without.
    "scoring": "source",
    "provenance": "source",
    "cli.gating": "gate.verdicts",
    "figures": "diagnosis.findings",
    "figures.*": "diagnosis.findings diagnosis.if_unknown",
    "pytest_plugin": "gate.*",
    "demo.*": "result",
    "architectures": "architectures.prediction architectures.scenes",
}

FOREIGN = {
    "numba": "core.compiled core.scan",
    "llvmlite": "core.scan",
    "PIL": "formats._contours formats._png formats._png_careful demo.*",
    "scipy": "statistics.intervals architectures._textures architectures.ops architectures.panoptic_fcn fusion.*",
    "torch": "architectures.train.*",
    "matplotlib": "architectures.train.report figures.*",
    "threadpoolctl": "architectures.train.report",
    "pycocotools": "formats._rle",
    "fsspec": "storage.remote",
    "tomlkit": "gate.updating",
    "pytest": "pytest_plugin",
    "pyarrow": "reports._columns",
    "click": "cli cli.* architectures.train.__main__ architectures.train.report",
    "rich": "cli.progress reports.table demo.*",
}

# What the design says in words; each holds whatever the tables above allow.
WORDS = [
    (
        "core imports no outer room",
        "core.*",
        "storage storage.* tables formats formats.* reports reports.* metrics metrics.* engines.* cli cli.*",
    ),
    ("storage knows names and bytes only", "storage.*", "tables categories image_ids labelmap source formats.*"),
    (
        "formats know neither counting nor metrics",
        "formats.*",
        "core core.* void counting metrics metrics.* scoring",
    ),
    (
        "reports know neither counting nor metrics",
        "reports.*",
        "core core.* void counting metrics metrics.* scoring",
    ),
    ("a diagnosis sees no pixels", "diagnosis.*", "core core.* labelmap frame formats formats.* counting"),
    ("metrics see no pixels", "metrics.*", "core core.* labelmap frame formats formats.* void"),
    (
        "fusion knows arrays only",
        "fusion.*",
        "core core.* categories labelmap frame formats formats.* metrics metrics.* architectures architectures.*",
    ),
    ("engines know nothing of what they run", "engines.*", "core.* frame ledger opening formats formats.*"),
]
PNG_KERNELS = "formats._deflate formats._png_chunks formats._png_rows formats._png_decode"
KERNEL_CALLERS = {
    "core.kernels": "core.match void selftest",
    "core.runs": "core.count segments",
    "core.renaming": "labelmap",
    "core.scan": "labelmap",
    # The last one only asks to be told.
    "core.compiled": f"core.kernels core.renaming core.runs core.scan {PNG_KERNELS} cli.progress "
    "architectures._sampling demo.run",
}


def is_decoding(importer: str, imported: str) -> bool:
    """Whether a format turns its bytes into lines by kernels of its own; that is no counting."""
    return matches(importer, PNG_KERNELS) and imported in ("core.compiled", "core.scan")


class Edge(NamedTuple):
    importer: str
    imported: str
    kind: str
    """``top`` for what runs on import, ``late`` for imports in functions, ``typing`` for a type checker's."""


def modules(package: Path) -> dict[str, Path]:
    """List the modules of a package by their name without that of the package."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)] = path
    return found


def graph(package: Path) -> tuple[list[Edge], list[Edge]]:
    """Draw the edges inside a package, and those to other packages."""
    own: list[Edge] = []
    foreign: list[Edge] = []
    known = modules(package)

    def add(importer: str, target: str, kind: str) -> None:
        first, _, rest = target.partition(".")
        if first != package.name:
            foreign.append(Edge(importer, first, kind))
            return
        while rest and rest not in known:
            rest = rest.rpartition(".")[0]
        own.append(Edge(importer, rest or "__init__", kind))

    def visit(node: ast.AST, importer: str, kind: str) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for child in node.body:
                visit(child, importer, "typing")
            for child in node.orelse:
                visit(child, importer, kind)
            return
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            kind = "late"
        if isinstance(node, ast.Import):
            for alias in node.names:
                add(importer, alias.name, kind)
        if isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = f"{package.name}.{importer}".split(".")
                above = above if known[importer].name == "__init__.py" else above[:-1]
                base = ".".join([*above[: len(above) + 1 - node.level], *([base] if base else [])])
            for alias in node.names:
                add(importer, f"{base}.{alias.name}", kind)
        for child in ast.iter_child_nodes(node):
            visit(child, importer, kind)

    for name, path in known.items():
        visit(ast.parse(path.read_text(encoding="utf-8")), name, "top")
    return own, foreign


def matches(name: str, patterns: str) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns.split())


def row_for(name: str, table: dict[str, str]) -> str:
    """Return the row of a module: its own, or that of its room."""
    if name in table:
        return table[name]
    while "." in name:
        name = name.rpartition(".")[0]
        if f"{name}.*" in table:
            return table[f"{name}.*"]
    return table.get(name, "")


def complaints(package: Path) -> list[str]:
    """List what is imported against the rules."""
    own, foreign = graph(package)
    found = []
    tables = {"top": [ALLOWED], "late": [ALLOWED, LATE], "typing": [ALLOWED, TYPING]}
    for edge in own:
        if not any(matches(edge.imported, row_for(edge.importer, table)) for table in tables[edge.kind]):
            found.append(f"{edge.importer} imports {edge.imported} ({edge.kind})")
    for words, importer, imported in WORDS:
        found += [
            f"{words}: {edge.importer} imports {edge.imported}"
            for edge in own
            if edge.kind != "typing"
            and matches(edge.importer, importer)
            and matches(edge.imported, imported)
            and not is_decoding(edge.importer, edge.imported)
        ]
    found += [
        f"only the room of integers and its gates call kernels: {edge.importer} imports {edge.imported}"
        for edge in own
        if edge.imported in KERNEL_CALLERS and not matches(edge.importer, KERNEL_CALLERS[edge.imported])
    ]
    found += [
        f"{edge.importer} imports {edge.imported}"
        for edge in foreign
        if edge.kind != "typing"
        and edge.imported in FOREIGN
        and not matches(edge.importer, FOREIGN[edge.imported])
    ]
    return found + cycles([edge for edge in own if edge.kind == "top"])


def cycles(edges: list[Edge]) -> list[str]:
    """List the modules that cannot be put in an order."""
    left = {name for edge in edges for name in (edge.importer, edge.imported)}
    while True:
        free = left - {edge.importer for edge in edges if edge.importer in left and edge.imported in left}
        if not free:
            return [f"these import each other in a circle: {', '.join(sorted(left))}"] if left else []
        left -= free


def stale(package: Path) -> list[str]:
    """List rows for modules that do not exist, and allowed edges that nobody uses."""
    own, _ = graph(package)
    known = modules(package)
    found = [
        f"there is no {row}"
        for table in (ALLOWED, LATE, TYPING)
        for row in table
        if not any(fnmatch(name, row) for name in known)
    ]
    for row, patterns in ALLOWED.items():
        if row.endswith("*"):
            continue  # a room's row is for files that do not exist yet, too
        used = {edge.imported for edge in own if edge.importer == row}
        found += [
            f"{row} does not import {pattern}"
            for pattern in patterns.split()
            if not any(fnmatch(name, pattern) for name in used)
        ]
    return found


def test_imports_follow_the_table():
    assert complaints(PACKAGE) == []


def test_the_table_is_no_wider_than_the_code():
    assert stale(PACKAGE) == []


def test_every_module_has_a_row():
    for name in modules(PACKAGE):
        assert name in ALLOWED or f"{name.rpartition('.')[0]}.*" in ALLOWED, name


ROOMS = (
    *(
        "architectures",
        "cli",
        "core",
        "demo",
        "diagnosis",
        "engines",
        "figures",
        "formats",
        "gate",
        "statistics",
        "comparison",
    ),
    *("fusion", "metrics", "reports", "storage", "tables"),
)


def planted(folder: Path, files: dict[str, str]) -> Path:
    """Make a package called pqeval of these files, and of empty ones for all the other modules of the table."""
    names = [name for name in ALLOWED if not name.endswith("*")]
    empty = {f"{name}/__init__" if name in ROOMS else name.replace(".", "/"): "" for name in names}
    for name, text in (empty | files).items():
        path = (folder / "pqeval" / name).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "pqeval"


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({"ledger": "from pqeval.scoring import score"}, "ledger imports scoring (top)"),
        ({"ledger": "def f():\n    import pqeval.scoring"}, "ledger imports scoring (late)"),
        (
            {"core/match": "from pqeval.formats import room"},
            "core imports no outer room: core.match imports formats",
        ),
        (
            {"core/match": "def f():\n    from pqeval.formats.coco import open_side", "formats/coco": ""},
            "core imports no outer room: core.match imports formats.coco",
        ),
        (
            {"formats/new": "from pqeval.core.kernels import settle"},
            "formats know neither counting nor metrics: formats.new imports core.kernels",
        ),
        (
            {"formats/new": "def f():\n    from pqeval.core.scan import scan_lines"},
            "formats know neither counting nor metrics: formats.new imports core.scan",
        ),
        (
            {"formats/_png": "from pqeval.core.compiled import kernel"},
            "formats know neither counting nor metrics: formats._png imports core.compiled",
        ),
        (
            {"formats/_png_decode": "from pqeval.core.runs import run_overlap"},
            "formats know neither counting nor metrics: formats._png_decode imports core.runs",
        ),
        (
            {"formats/_png_rows": "from pqeval.core.scan import scan_lines"},
            "formats._png_rows imports core.scan (top)",
        ),
        (
            {"storage/tape": "def f():\n    from pqeval.formats.coco import open_side", "formats/coco": ""},
            "storage knows names and bytes only: storage.tape imports formats.coco",
        ),
        ({"storage/tape": "import pqeval.storage.local"}, "storage.tape imports storage.local (top)"),
        ({"storage/local": "import fsspec"}, "storage.local imports fsspec"),
        ({"formats/new": "def f():\n    import pycocotools.mask"}, "formats.new imports pycocotools"),
        ({"formats/new": "from ..void import convention"}, "formats.new imports void (top)"),
        ({"formats/new": "from .other import x", "formats/other": ""}, "formats.new imports formats.other (top)"),
        ({"fusion/new": "from .other import x", "fusion/other": ""}, "fusion.new imports fusion.other (top)"),
        (
            {"fusion/new": "def f():\n    from pqeval.labelmap import LabelMap"},
            "fusion knows arrays only: fusion.new imports labelmap",
        ),
        ({"metrics/new": "from pqeval.labelmap import LabelMap"}, "metrics.new imports labelmap (top)"),
        ({"engines/cluster": "from pqeval import frame"}, "engines.cluster imports frame (top)"),
        (
            {"ledger": "from pqeval.core import kernels"},
            "only the room of integers and its gates call kernels: ledger imports core.kernels",
        ),
        (
            {"frame": "def f():\n    from pqeval.core.runs import rows_of"},
            "only the room of integers and its gates call kernels: frame imports core.runs",
        ),
        (
            {"void": "from pqeval.core import compiled"},
            "only the room of integers and its gates call kernels: void imports core.compiled",
        ),
        ({"ledger": "import numba.core"}, "ledger imports numba"),
        ({"core/runs": "import numba"}, "core.runs imports numba"),
        ({"core/compiled": "from llvmlite import ir"}, "core.compiled imports llvmlite"),
        ({"formats/_png_decode": "from PIL import Image"}, "formats._png_decode imports PIL"),
        ({"labelmap": "def f():\n    from PIL import Image"}, "labelmap imports PIL"),
        (
            {"errors": "import pqeval.output", "output": "import pqeval.errors"},
            "these import each other in a circle: errors, output",
        ),
        (
            {"ledger": "if TYPE_CHECKING:\n    from pqeval.result import Result"},
            "ledger imports result (typing)",
        ),
    ],
)
def test_a_planted_import_is_seen(tmp_path, files, complaint):
    assert complaint in complaints(planted(tmp_path, files))


def test_planted_rows_without_use_are_seen(tmp_path):
    found = stale(planted(tmp_path, {}))
    assert "ledger does not import image_ids" in found
    assert "there is no metrics.*" in found


def test_a_plain_planted_package_is_clean(tmp_path):
    files = {
        "ledger": "from pqeval.image_ids import ImageId",
        "core/scan": "import numba\nfrom pqeval.core.compiled import kernel",
        "formats/_png_decode": "from pqeval.core.compiled import kernel",
    }
    assert complaints(planted(tmp_path, files)) == []
