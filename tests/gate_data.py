"""Results for the tests of the gate: made up ones, and those of the fixture scenes, saved."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import network_scenes

from pqeval.inputs import Inputs
from pqeval.reopening import run_of
from pqeval.result import ClassScore, GroupScore, Result

CLASSES = ((1, "cat", True), (2, "dog", True), (7, "sky", False))


def made_up(scores: Any = (0.5, 0.25, 0.75), *, classes: Any = CLASSES, **fields: Any) -> Result:
    """Make a result of PQ per class; SQ is 1, and RQ equals PQ. A class without PQ does not occur."""
    rows = tuple(
        ClassScore(
            number, name, thing, pq, None if pq is None else 1.0, pq, 4.0, *([0] * 3 if pq is None else [4, 3, 2])
        )
        for (number, name, thing), pq in zip(classes, scores, strict=True)
    )
    result = Result(
        metric="pq",
        convention="coco",
        groups={
            "All": _mean(rows),
            "Things": _mean([row for row in rows if row.isthing]),
            "Stuff": _mean([row for row in rows if row.isthing is False]),
        },
        per_class=rows,
        images={"evaluated": 3, "missing": 0, "skipped": 0},
        void={},
        warnings=(),
        inputs={"groups": {}},
        version="0",
    )
    return msgspec.structs.replace(result, **fields)


def _mean(rows: Any) -> GroupScore:
    known = [row.pq for row in rows if row.pq is not None]
    pq = sum(known) / len(known) if known else None
    return GroupScore(pq, None if pq is None else 1.0, pq, len(known))


def save_scenes(folder: Path) -> Path:
    """Save what two networks say of the scenes, as runs and as results."""
    for name in ("upsnet", "panoptic_fpn"):
        run = run_of(Inputs(gt=network_scenes.TRUTH, pred=network_scenes.FOLDER / f"{name}.json"), workers=1)
        run.save(folder / f"{name}.pqe")
        run.result.to_json(folder / f"{name}.json")
    return folder


def environment(**variables: str) -> dict[str, str]:
    """The environment without what GitHub Actions sets."""
    plain = {key: value for key, value in os.environ.items() if not key.startswith("GITHUB_")}
    return plain | variables
