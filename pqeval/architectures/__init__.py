"""Four published architectures in small, trained on synthetic scenes: predictions that fail as real networks fail.

:func:`draw_scene` draws a scene and the truth about it, :func:`predict` has one of the networks segment an image.
They are not the networks of the papers, and their scores say nothing about those: they keep the parts, the losses
and the fusion rules, with a hundredth of the weights. Neither needs torch; ``python -m
pqeval.architectures.train NAME``, which makes the weights, does.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pqeval.architectures.prediction import NAMES, load, predict
    from pqeval.architectures.scenes import CATEGORIES, Scene, draw_scene

__all__ = ["CATEGORIES", "NAMES", "Scene", "draw_scene", "load", "predict"]

_HOMES = {"CATEGORIES": "scenes", "Scene": "scenes", "draw_scene": "scenes"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'pqeval.architectures' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"pqeval.architectures.{_HOMES.get(name, 'prediction')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
