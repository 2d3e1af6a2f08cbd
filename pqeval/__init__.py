"""Panoptic quality, exact and fast.

The public names are listed in ``__all__`` and loaded when first used, so that ``import pqeval`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from pqeval._version import __version__

if TYPE_CHECKING:
    from pqeval.accumulate import PanopticQuality
    from pqeval.at_once import panoptic_quality
    from pqeval.categories import Categories
    from pqeval.comparing import compare
    from pqeval.conversion import convert
    from pqeval.diagnosing import diagnose
    from pqeval.errors import DataError, DataWarning, PqevalError, UsageError
    from pqeval.evaluation import evaluate
    from pqeval.formats.coco import save_coco_panoptic
    from pqeval.gating import check
    from pqeval.labelmap import LabelMap
    from pqeval.packing import pack
    from pqeval.panopticapi import pq_compute
    from pqeval.result import Result
    from pqeval.run import Run
    from pqeval.validation import validate

_HOMES = {
    "Categories": "categories",
    "DataError": "errors",
    "DataWarning": "errors",
    "LabelMap": "labelmap",
    "PanopticQuality": "accumulate",
    "PqevalError": "errors",
    "Result": "result",
    "Run": "run",
    "UsageError": "errors",
    "check": "gating",
    "compare": "comparing",
    "convert": "conversion",
    "diagnose": "diagnosing",
    "evaluate": "evaluation",
    "pack": "packing",
    "panoptic_quality": "at_once",
    "pq_compute": "panopticapi",
    "save_coco_panoptic": "formats.coco",
    "validate": "validation",
}

__all__ = [
    "Categories",
    "DataError",
    "DataWarning",
    "LabelMap",
    "PanopticQuality",
    "PqevalError",
    "Result",
    "Run",
    "UsageError",
    "__version__",
    "check",
    "compare",
    "convert",
    "diagnose",
    "evaluate",
    "pack",
    "panoptic_quality",
    "pq_compute",
    "save_coco_panoptic",
    "validate",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'pqeval' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"pqeval.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
