"""Does this installation count rightly? Small images whose TP, FP and FN were worked out by hand."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pqeval.result import Result

__all__ = ["Case", "cases", "environment", "failures"]

TABLE = [
    {"id": 1, "name": "cat", "isthing": 1},
    {"id": 2, "name": "dog", "isthing": 1},
    {"id": 3, "name": "sky", "isthing": 0},
]

# One cat (6 pixels), one dog (4), sky (8), two pixels of void.
TRUTH = [[1, 1, 1, 2, 2], [1, 1, 1, 2, 2], [3, 3, 3, 3, 0], [3, 3, 3, 3, 0]]
SEGMENTS = [{"id": 1, "category_id": 1}, {"id": 2, "category_id": 2}, {"id": 3, "category_id": 3}]


@dataclass(frozen=True)
class Case:
    """A prediction with its counts.

    Parameters
    ----------
    name : str
        What the prediction does.
    pred : tuple of (nested list, list of dict)
        Id map and segments.
    counts : tuple of int
        TP, FP, FN over all classes.
    pq : float
        PQ (All).
    truth : tuple of (nested list, list of dict)
        Id map and segments of the ground truth.
    """

    name: str
    pred: tuple[Any, Any]
    counts: tuple[int, int, int]
    pq: float
    truth: tuple[Any, Any] = (TRUTH, SEGMENTS)


def _with(changes: dict[int, list[list[int]]]) -> Any:
    """The truth with the pixels [row, column] of each new id overwritten."""
    rows = [list(row) for row in TRUTH]
    for number, pixels in changes.items():
        for y, x in pixels:
            rows[y][x] = number
    return rows


def cases() -> list[Case]:
    """Return the cases; three classes, so each class weighs a third."""
    cat = [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]
    crowd = [{"id": 1, "category_id": 1, "iscrowd": 1}, *SEGMENTS[1:]]
    other = [{"id": 4, "category_id": 1}, *SEGMENTS[1:]]
    return [
        Case("the truth itself", (TRUTH, SEGMENTS), (3, 0, 0), 1.0),
        Case("nothing at all", ([[0] * 5] * 4, []), (0, 0, 3), 0.0),
        Case("one segment dropped", (_with({0: cat}), SEGMENTS[1:]), (2, 0, 1), 2 / 3),
        # Halves of 3 pixels have IoU 3/6, which is not above 1/2: two FPs and one FN.
        Case(
            "one segment split in halves",
            (_with({4: cat[:3]}), [*SEGMENTS, {"id": 4, "category_id": 1}]),
            (2, 2, 1),
            2 / 3,
        ),
        # 4 of 6 pixels: IoU 2/3; the rest is an FP. PQ of the class is (2/3) / 1.5 = 4/9.
        Case(
            "one segment split 4 to 2",
            (_with({4: cat[:2]}), [*SEGMENTS, {"id": 4, "category_id": 1}]),
            (3, 1, 0),
            (4 / 9 + 2) / 3,
        ),
        # The cat called dog: FN of cat, FP of dog; dog is 1 / 1.5.
        Case(
            "one segment with the wrong class",
            (TRUTH, [{"id": 1, "category_id": 2}, *SEGMENTS[1:]]),
            (2, 1, 1),
            (0 + 2 / 3 + 1) / 3,
        ),
        # On void it may call what it likes, and void leaves the union.
        Case("a segment that spills into void", (_with({3: [[2, 4], [3, 4]]}), SEGMENTS), (3, 0, 0), 1.0),
        Case("a segment on a crowd of its class", (_with({4: cat}), other), (2, 0, 0), 1.0, (TRUTH, crowd)),
    ]


def failures() -> Iterator[str]:
    """Run the cases on arrays and on files, and yield a line for each that does not come out as it should."""
    from pqeval.at_once import panoptic_quality
    from pqeval.evaluation import evaluate
    from pqeval.formats.coco import save_coco_panoptic

    def from_files(case: Case, convention: str) -> Result:
        with tempfile.TemporaryDirectory() as folder:
            sides = {name: Path(folder) / f"{name}.json" for name in ("gt", "pred")}
            for path, side in zip(sides.values(), (case.truth, case.pred), strict=True):
                save_coco_panoptic(path, [(1, *side)], TABLE)
            return evaluate(gt=sides["gt"], pred=sides["pred"], convention=convention, workers=1)

    def from_arrays(case: Case, convention: str) -> Result:
        return panoptic_quality(gt=case.truth, pred=case.pred, categories=TABLE, convention=convention)

    for case in cases():
        for convention, score in product(("coco", "panopticapi"), (from_arrays, from_files)):
            result = score(case, convention)
            counts = tuple(sum(getattr(row, name) for row in result.per_class) for name in ("tp", "fp", "fn"))
            if counts != case.counts or result.pq is None or abs(result.pq - case.pq) > 1e-12:
                yield (
                    f"{case.name} ({convention}): TP, FP, FN are {counts}, PQ is {result.pq}; "
                    f"expected {case.counts} and {case.pq}"
                )


def environment() -> list[str]:
    """Say what runs here, for a bug report."""
    from pqeval.core import kernels

    lines = [
        f"pqeval {version('pqeval')}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    ]
    lines.append(", ".join(f"{name} {version(name)}" for name in ("numpy", "numba", "scipy", "pillow", "msgspec")))
    lines.append(f"compiled kernels are kept in {kernels.cache_folder() or 'memory only'}")
    return lines
