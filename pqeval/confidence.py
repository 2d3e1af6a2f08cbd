"""Confidence intervals for a result, from the ledger."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np

from pqeval.clusters import clusters_of
from pqeval.errors import DataWarning
from pqeval.result import Interval, Intervals
from pqeval.run import Run
from pqeval.scoring import digest
from pqeval.statistics.intervals import interval
from pqeval.statistics.resampling import Resampling, bootstrap, jackknife
from pqeval.statistics.units import Units, units_of

__all__ = ["FEW", "few_units", "how_asked", "intervals", "resampled", "with_intervals"]

FEW = 20
"""Units below which an interval of the bootstrap is rough."""


def resampled(run: Run, cluster_by: str | os.PathLike[str] | None = None) -> Units:
    """Return what is to be drawn: the images of a run, or clusters of them."""
    units = units_of(run)
    if cluster_by is None:
        return units
    return units.clustered(*clusters_of(cluster_by, [frame.image_id for frame in run.frames()]))


def how_asked(
    ci: bool | str = False,
    ci_method: str | None = None,
    level: float | None = None,
    resamples: int | None = None,
    seed: int | None = None,
    fixed_classes: bool = False,
    cluster_by: str | os.PathLike[str] | None = None,
) -> Resampling | None:
    """Return how to resample as the keywords of :func:`pqeval.evaluate` say; nothing where none of them is given.

    Raises
    ------
    UsageError
        For values that they do not take.
    """
    said = {
        "method": ci_method or (ci if isinstance(ci, str) else None),
        "level": level,
        "resamples": resamples,
        "seed": seed,
        "fixed_classes": fixed_classes or None,
    }
    given = {name: value for name, value in said.items() if value is not None}
    return Resampling(**given) if ci or given or cluster_by is not None else None  # type: ignore[arg-type]


def intervals(units: Units, resampling: Resampling) -> Intervals:
    """Bootstrap all scores.

    Parameters
    ----------
    units : Units
        What is drawn, one or more.
    resampling : Resampling
        How.

    Returns
    -------
    Intervals
    """
    fixed = resampling.fixed_classes
    observed = units.observed(fixed_classes=fixed)
    if len(units) < 2:
        observed[:] = np.nan  # resamples of one unit all agree, which looks like certainty
    (replicates,) = bootstrap([units], resampling)
    left_out = jackknife(units, fixed_classes=fixed) if resampling.method == "bca" else None
    found: Mapping[str, dict[str, dict[str, Interval]]] = {"group": {}, "class": {}}
    for place, (kind, name, measure) in enumerate(units.names):
        found[kind].setdefault(name, {})[measure] = interval(
            observed[place],
            replicates[:, place],
            level=resampling.level,
            method=resampling.method,
            left_out=None if left_out is None else left_out[:, place],
        )
    return Intervals(
        resampling.method,
        resampling.level,
        resampling.resamples,
        resampling.seed,
        units.unit,
        len(units),
        fixed,
        found["group"],
        found["class"],
    )


def with_intervals(
    run: Run, resampling: Resampling | None = None, cluster_by: str | os.PathLike[str] | None = None
) -> Run:
    """Give the result of a run its confidence intervals.

    Parameters
    ----------
    run : Run
        The run.
    resampling : Resampling, optional
        How to resample; by default 10 000 times, and 95 % of the replicates.
    cluster_by : path or str, optional
        What images are drawn with; see :func:`pqeval.clusters.clusters_of`.

    Returns
    -------
    Run
        Unchanged where there is no image.

    Raises
    ------
    UsageError, DataError
        If the clusters cannot be used.

    Notes
    -----
    The bootstrap over images: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993.
    """
    if not len(run.ledger):
        return run
    units = resampled(run, cluster_by)
    before = tuple(line for line in run.result.warnings if not line.startswith("[few-units]"))
    warnings = before + digest(few_units(units))
    inputs: dict[str, Any] = run.result.inputs
    if cluster_by is not None:
        inputs = inputs | {"cluster_by": os.fspath(cluster_by)}
    result = msgspec.structs.replace(
        run.result, intervals=intervals(units, resampling or Resampling()), warnings=warnings, inputs=inputs
    )
    return replace(run, result=result)


def few_units(units: Units) -> list[DataWarning]:
    """Warn where there is too little to draw from."""
    if len(units) >= FEW:
        return []
    noun = "images" if units.unit == "image" else f"clusters ({units.unit})"
    return [
        DataWarning(
            code="few-units",
            found=f"intervals and tests rest on few {noun}: {len(units)}",
            expected=f"{FEW} or more",
            remedy="take them for rough",
        )
    ]
