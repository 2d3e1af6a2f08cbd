"""The score of weights on scenes that nothing was learnt from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pqeval.accumulate import PanopticQuality
from pqeval.architectures.parameters import Parameters
from pqeval.architectures.prediction import predict
from pqeval.architectures.scenes import CATEGORIES, draw_scene

__all__ = ["HELD_OUT", "TUNING", "evaluate", "score"]

HELD_OUT = range(200)
"""Seeds of the scenes that the gates are measured on: never looked at before."""
TUNING = range(10_000, 10_200)
"""Seeds of the scenes that thresholds are chosen on."""


def evaluate(
    name: str, arrays: Any, seeds: Iterable[int], *, untrained: bool | None = None, **settings: Any
) -> Any:
    """Return the :class:`pqeval.Result` of weights on scenes of some seeds."""
    params = Parameters(arrays)
    metric = PanopticQuality(CATEGORIES)
    for seed in seeds:
        scene = draw_scene(seed, untrained=untrained)
        found = predict(name, scene.image, params=params, **settings)
        metric.update(gt=(scene.id_map, scene.segments), pred=found, image_id=seed)
    return metric.compute()


def score(name: str, arrays: Any, seeds: Iterable[int], **settings: Any) -> dict[str, float]:
    """Return PQ, SQ and RQ, and PQ of things and stuff."""
    result = evaluate(name, arrays, seeds, **settings)
    groups = {kind.lower(): result.groups[kind].pq or 0.0 for kind in ("Things", "Stuff")}
    return {"pq": result.pq or 0.0, "sq": result.sq or 0.0, "rq": result.rq or 0.0, **groups}
