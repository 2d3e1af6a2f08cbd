"""Make the tables of this folder from collected facts: ``python -m pqeval.tables.make FACTS``.

FACTS is a folder with a JSON per dataset: ``source``, ``licence``, ``categories``, and what else its files need.
What is made here depends on nothing else, so that running it again changes no byte.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["make", "write"]

Facts = dict[str, Any]


def _rows(rows: list[Facts], key: str = "id") -> list[Facts]:
    """Take of each category what scoring and drawing need; ``key`` holds its id."""
    return [
        {"id": row[key], "name": row["name"], "isthing": int(row["isthing"])}
        | ({"color": row["color"]} if "color" in row else {})
        for row in rows
    ]


def _plain(facts: Facts) -> Facts:
    return {"categories": _rows(facts["categories"])}


def _cityscapes(facts: Facts) -> Facts:
    labels = [
        {"id": row["id"], "train_id": row["trainId"], "name": row["name"], "isthing": int(row["isthing"])}
        | {"supercategory": row["supercategory"], "ignored": int(row["ignoreInEval"]), "color": row["color"]}
        for row in facts["all_labels"]
    ]
    return _plain(facts) | {"labels": labels}


def _mapillary(facts: Facts) -> Facts:
    rows = facts["categories"]
    evaluated = [row for row in rows if row.get("evaluate", True)]
    labels = [
        {"index": row["label_index"], "id": row["id"], "name": row["internal_name"]}
        | {"ignored": int(not row.get("evaluate", True))}
        for row in rows
    ]
    return {"categories": _rows(evaluated), "labels": labels}


def _semkitti_dvps(facts: Facts) -> Facts:
    return {"categories": _rows([row | {"id": row["id"] - 1} for row in facts["categories"]])}


RECIPES: dict[str, tuple[str, Callable[[Facts], Facts]]] = {
    "ade20k": ("ade20k_panoptic", lambda facts: _plain(facts) | {"instance_to_id": facts["instance100_to_id"]}),
    "bdd100k": ("bdd100k", _plain),
    "cityscapes": ("cityscapes", _cityscapes),
    "cityscapes_train": ("cityscapes", lambda facts: {"categories": _rows(facts["categories"], "trainId")}),
    "coco": ("coco_panoptic", _plain),
    "coco_stuff": ("coco_stuff", _plain),
    "conic": ("conic", _plain),
    "kitti_step": ("kitti_step", _plain),
    "mapillary_v12": ("mapillary_vistas_v1.2", _mapillary),
    "mapillary_v20": ("mapillary_vistas_v2", _mapillary),
    "motchallenge_step": ("motchallenge_step", _plain),
    "nuclei": ("pannuke", lambda facts: {"categories": [{"id": 1, "name": "nucleus", "isthing": 1}]}),
    "nuscenes": (
        "nuscenes",
        lambda facts: (
            _plain(facts)
            | {"general_to_id": {str(row["general_id"]): row["challenge_id"] for row in facts["general_classes"]}}
        ),
    ),
    "pannuke": ("pannuke", _plain),
    "semantickitti": (
        "semantickitti",
        lambda facts: (
            _plain(facts) | {"raw_to_id": {str(row["raw_id"]): row["learning_id"] for row in facts["raw_labels"]}}
        ),
    ),
    "semkitti_dvps": ("semantickitti", _semkitti_dvps),
    "vipseg": ("vipseg", _plain),
}
"""Each table: the facts it is made of, and how."""


def make(facts: Path) -> dict[str, str]:
    """Return the text of every table by name."""
    texts = {}
    for name, (source, recipe) in RECIPES.items():
        known = json.loads((facts / f"{source}.json").read_text(encoding="utf-8"))
        table = {"dataset": known["dataset"], "source": known["source"], "licence": known["licence"]}
        texts[name] = _text(table | recipe(known))
    return texts


def _text(table: Facts) -> str:
    """Write a list of rows with a row per line, all else on one line each."""
    lines = []
    for key, value in table.items():
        if isinstance(value, list):
            rows = ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in value)
            lines.append(f" {json.dumps(key)}: [\n{rows}\n ]")
        else:
            lines.append(f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def write(facts: Path, folder: Path) -> None:
    """Write all tables into a folder."""
    for name, text in make(facts).items():
        (folder / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(__file__).parent)
