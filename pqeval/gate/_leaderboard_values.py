"""Which key of a leaderboard file takes what."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

__all__ = ["SHAPES", "is_of", "wording"]

WORDINGS = {
    "text": "a text in quotes",
    "number": "a number, without quotes",
    "whole": "a whole number",
    "texts": 'a table of texts, such as { key = "value" }',
    "numbers": "a table of numbers, such as { PQ = 51.9 }",
    "ids": "a list of category ids, such as [255]",
    "groups": "a table of lists of category ids, such as { Vehicles = [3, 4, 6] }",
    "images": "a path, or a list of image ids",
    "tables": "written as [[entry]], once for each",
}

SHAPES = {
    **dict.fromkeys(("schema", "dataset", "name", "source", "pred", "result", "baseline", "gt"), "text"),
    **dict.fromkeys(("format", "gt_format", "pred_format", "gt_folder", "pred_folder", "categories"), "text"),
    **dict.fromkeys(("missing", "resize", "metric", "convention", "unknown"), "text"),
    **dict.fromkeys(("tolerance", "max_drop", "max_class_drop"), "number"),
    **dict.fromkeys(("workers", "processes"), "whole"),
    **dict.fromkeys(("gt_options", "pred_options"), "texts"),
    "expect": "numbers",
    "unknown_categories": "ids",
    "groups": "groups",
    "images": "images",
    "entry": "tables",
}


def wording(shape: str) -> str:
    """Say what a key takes."""
    return WORDINGS[shape]


def is_of(shape: str, value: Any) -> bool:
    """Whether a value is what a key takes."""
    match shape:
        case "text":
            return isinstance(value, str)
        case "number":
            return isinstance(value, int | Decimal) and not isinstance(value, bool)
        case "whole":
            return isinstance(value, int) and not isinstance(value, bool)
        case "texts":
            return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())
        case "numbers":
            return isinstance(value, dict) and all(
                is_of("numbers" if isinstance(each, dict) else "number", each) for each in value.values()
            )
        case "ids":
            return isinstance(value, list) and all(is_of("whole", each) for each in value)
        case "groups":
            return isinstance(value, dict) and all(is_of("ids", each) for each in value.values())
        case "images":
            return isinstance(value, str | list)
        case _:
            return isinstance(value, list) and all(isinstance(each, dict) for each in value)
