"""What to read, as the user said it; nothing is looked at yet."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sized
from dataclasses import dataclass, field, fields
from typing import Any

from pqeval.image_ids import ImageId
from pqeval.output import PathLike
from pqeval.storage import Place

__all__ = ["INPUTS", "RULES", "Inputs", "said"]

USUAL = {"missing": "error", "unknown": "error", "metric": "pq", "processes": 1}
"""What options are where nobody says anything; all others are nothing then."""
RULES = ("metric", "convention", "unknown", "unknown_categories", "groups")
"""What says how to score, beside what says what to read."""


def said(options: Mapping[str, Any]) -> list[str]:
    """List the options that somebody gave, by name: those that are not as they are where nobody says anything."""
    return [
        name
        for name, value in options.items()
        if value is not None
        and not (isinstance(value, Sized) and len(value) == 0)
        and not (name in USUAL and value == USUAL[name])
    ]


@dataclass(frozen=True)
class Inputs:
    """What to read, as the user said it; parameters as in :func:`pqeval.evaluate`."""

    gt: PathLike | None = None
    pred: PathLike | None = None
    format: str | None = None
    gt_format: str | None = None
    pred_format: str | None = None
    gt_folder: PathLike | None = None
    pred_folder: PathLike | None = None
    gt_options: Mapping[str, str] | None = None
    pred_options: Mapping[str, str] | None = None
    categories: Any = None
    images: PathLike | Iterable[ImageId] | None = None
    missing: str = "error"
    resize: str | None = None
    places: Mapping[str, Place] = field(default_factory=dict, repr=False)
    """The two sides by role, located once: a place behind a URL or in an archive may have been fetched for it."""

    def given(self) -> list[str]:
        """List what was said of them, by name."""
        return said({name: getattr(self, name) for name in INPUTS})

    def told(self) -> dict[str, Any]:
        """Return them as a result keeps them: plain values, and only those that are not the default."""
        assert self.gt is not None
        assert self.pred is not None
        plain: dict[str, Any] = {
            "gt_format": self.gt_format,
            "gt": os.fspath(self.gt),
            "gt_folder": None if self.gt_folder is None else os.fspath(self.gt_folder),
            "pred_format": self.pred_format,
            "pred": os.fspath(self.pred),
            "pred_folder": None if self.pred_folder is None else os.fspath(self.pred_folder),
            "missing": self.missing,
        }
        for name in ("gt_options", "pred_options"):
            if getattr(self, name):
                plain[name] = dict(getattr(self, name))
        for name in ("categories", "images"):
            value = getattr(self, name)
            if value is not None:
                plain[name] = os.fspath(value) if isinstance(value, str | os.PathLike) else "given in Python"
        if self.resize is not None:
            plain["resize"] = self.resize
        return plain


INPUTS = tuple(part.name for part in fields(Inputs) if part.name != "places")
"""What says what to read, by name."""
