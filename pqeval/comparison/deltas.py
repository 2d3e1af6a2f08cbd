"""The differences between runs, with intervals and tests: the same resamples for all of them."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from pqeval.clusters import clusters_of
from pqeval.comparison.outcome import ClassDelta, Delta
from pqeval.image_ids import image_key
from pqeval.ledger import FrameLedger
from pqeval.result import ClassScore, GroupScore
from pqeval.run import Run
from pqeval.statistics.intervals import interval
from pqeval.statistics.resampling import Resampling, bootstrap, jackknife, swaps
from pqeval.statistics.testing import bootstrap_p, holm, swap_p
from pqeval.statistics.units import Units, aligned, units_of

__all__ = ["Deltas", "class_deltas", "deltas", "effects", "same_units"]


class Deltas(NamedTuple):
    """The differences between a run and the baseline.

    ``groups`` by name and measure, ``classes`` likewise by category id as text; ``exact`` as in
    :class:`~pqeval.comparison.outcome.Sample`.
    """

    groups: dict[str, dict[str, Delta]]
    classes: dict[str, dict[str, Delta]]
    exact: bool


def same_units(
    runs: Sequence[Run], frames: Sequence[FrameLedger], cluster_by: str | os.PathLike[str] | None
) -> tuple[list[Units], list[Units]]:
    """Make units of several runs in one order.

    Parameters
    ----------
    runs : sequence of Run
        On the same images.
    frames : sequence of FrameLedger
        The images in the order that is wanted.
    cluster_by : path or str, optional
        What images are drawn with.

    Returns
    -------
    images, drawn : list of Units
        By image, and by cluster; the same where there are no clusters.
    """
    images = []
    for run in runs:
        units = units_of(run)
        place = {image_key(frame.image_id): at for at, frame in enumerate(run.frames())}
        order = [place[image_key(frame.image_id)] for frame in frames]
        images.append(replace(units, rows=units.rows[order]))
    images = aligned(images)
    if cluster_by is None:
        return images, images
    unit, labels = clusters_of(cluster_by, [frame.image_id for frame in frames])
    return images, aligned([units.clustered(unit, labels) for units in images])


def deltas(runs: Sequence[Run], several: Sequence[Units], resampling: Resampling) -> list[Deltas]:
    """Compare all others with the first.

    Parameters
    ----------
    runs : sequence of Run
        The baseline first.
    several : sequence of Units
        Their units, of :func:`same_units`.
    resampling : Resampling
        How.

    Returns
    -------
    list of Deltas
        One fewer than runs.
    """
    fixed = resampling.fixed_classes
    observed = [units.observed(fixed_classes=fixed) for units in several]
    replicates = bootstrap(several, resampling)
    bca = resampling.method == "bca"
    left_out = [jackknife(units, fixed_classes=fixed) for units in several] if bca else []
    found = []
    for place in range(1, len(runs)):
        gap = replicates[place] - replicates[0]
        # An exchange needs one rule for both sides. A class that one of them lacks has no false positive there.
        swapped, exact = swaps(several[0], several[place], replace(resampling, fixed_classes=False))
        apart = several[place].observed() - several[0].observed()
        told: dict[str, dict[str, dict[str, Delta]]] = {"group": {}, "class": {}}
        for column, (kind, name, measure) in enumerate(several[0].names):
            scores = [_score(run, kind, name, measure) for run in (runs[0], runs[place])]
            ends = interval(
                float(observed[place][column] - observed[0][column]) if len(several[0]) > 1 else math.nan,
                gap[:, column],
                level=resampling.level,
                method=resampling.method,
                left_out=left_out[place][:, column] - left_out[0][:, column] if bca else None,
            )
            told[kind].setdefault(name, {})[measure] = Delta(
                scores[0],
                scores[1],
                None if scores[0] is None or scores[1] is None else scores[1] - scores[0],
                ends.low,
                ends.high,
                ends.se,
                ends.dropped,
                None if math.isnan(apart[column]) else bootstrap_p(gap[:, column]),
                swap_p(swapped[:, column], float(apart[column]), exact),
            )
        found.append(Deltas(told["group"], told["class"], exact))
    return found


def _score(run: Run, kind: str, name: str, measure: str) -> float | None:
    owner: GroupScore | ClassScore
    if kind == "group":
        owner = run.result.groups[name]
    else:
        owner = next(row for row in run.result.per_class if str(row.id) == name)
    score: float | None = getattr(owner, measure)
    return score


def class_deltas(run: Run, found: Deltas, images: Sequence[int]) -> tuple[ClassDelta, ...]:
    """Return the classes that a side has a score for, with p-values adjusted for how many they are.

    ``images`` says in how many each class of the table occurs.
    """
    kept = [
        (row, found.classes[str(row.id)], number)
        for row, number in zip(run.result.per_class, images, strict=True)
        if any(getattr(found.classes[str(row.id)]["pq"], side) is not None for side in ("baseline", "other"))
    ]
    adjusted = holm([scores["pq"].p_swap for _, scores, _ in kept])
    return tuple(
        ClassDelta(row.id, row.name, row.isthing, scores["pq"], scores["sq"], scores["rq"], p, number)
        for (row, scores, number), p in zip(kept, adjusted, strict=True)
    )


def effects(baseline: Units, other: Units) -> list[float | None]:
    """Say, for each image, by how much PQ (All) of the baseline changes if it is exchanged for the other's."""
    before = baseline.observed()[0]
    changes = jackknife(baseline, instead=other)[:, 0] - before
    return [None if math.isnan(change) else float(change) for change in changes]
