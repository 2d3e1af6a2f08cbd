"""Runs against a baseline: numbers, words, and the images behind them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from pqeval.comparison.changes import alike, changes, occurrences
from pqeval.comparison.deltas import Deltas, class_deltas, deltas, effects, same_units
from pqeval.comparison.outcome import Comparison, Pair, Sample, Scored
from pqeval.comparison.sameness import aligned
from pqeval.comparison.wording import sentence, verdict_of
from pqeval.confidence import FEW, few_units
from pqeval.errors import EmptyError
from pqeval.ledger import FrameLedger
from pqeval.run import Run
from pqeval.scoring import digest
from pqeval.statistics.resampling import Resampling
from pqeval.statistics.testing import least_swap_p
from pqeval.statistics.units import Units

__all__ = ["compare_runs"]


def compare_runs(
    runs: Sequence[Run],
    names: Sequence[str],
    resampling: Resampling,
    *,
    cluster_by: str | os.PathLike[str] | None = None,
    top: int | None = None,
) -> Comparison:
    """Compare runs with the first of them.

    Parameters
    ----------
    runs : sequence of Run
        The baseline first.
    names : sequence of str
        What to call them.
    resampling : Resampling
        How to resample.
    cluster_by : path or str, optional
        What images are drawn with.
    top : int, optional
        How many of the images to list that changed most.

    Returns
    -------
    Comparison

    Raises
    ------
    DataError
        If they were not scored on the same ground truth by the same rules, or there is no image.
    """
    frames = aligned(runs, names)
    if not frames[0]:
        raise EmptyError(
            code="nothing-compared",
            found="there is no image to compare",
            expected="at least one image with a segment",
            remedy="check that the ground truth is the right file",
            file=runs[0].result.inputs.get("gt"),
        )
    images, drawn = same_units(runs, frames[0], cluster_by)
    found = deltas(runs, drawn, resampling)
    pairs = [
        _pair(runs, place, names, frames, found[place - 1], images, drawn[0], resampling, top)
        for place in range(1, len(runs))
    ]
    sample = Sample(
        resampling.method,
        resampling.level,
        resampling.resamples,
        resampling.seed,
        drawn[0].unit,
        len(drawn[0]),
        resampling.fixed_classes,
        found[0].exact,
    )
    return Comparison(
        runs[0].result.metric,
        runs[0].policy.name,
        len(frames[0]),
        sample,
        tuple(
            Scored(name, run.result.groups, run.result.inputs, run.result.provenance)
            for name, run in zip(names, runs, strict=True)
        ),
        tuple(pairs),
        (*_of_the_data(runs, names), *digest(few_units(drawn[0]))),
    )


def _of_the_data(runs: Sequence[Run], names: Sequence[str]) -> Iterator[str]:
    """Yield the warnings of the runs, each once; what does not hold for all of them with the names of its runs."""
    lines = {line: None for run in runs for line in run.result.warnings}
    for line in lines:
        if not line.startswith("[few-units]"):  # of intervals that the run has of its own
            owners = [name for run, name in zip(runs, names, strict=True) if line in run.result.warnings]
            yield line if len(owners) == len(runs) else f"{', '.join(owners)}: {line}"


def _pair(
    runs: Sequence[Run],
    place: int,
    names: Sequence[str],
    frames: Sequence[Sequence[FrameLedger]],
    found: Deltas,
    images: Sequence[Units],
    drawn: Units,
    resampling: Resampling,
    top: int | None,
) -> Pair:
    changed = [
        at for at, (one, two) in enumerate(zip(frames[0], frames[place], strict=True)) if not alike(one, two)
    ]
    effect = effects(images[0], images[place])
    changed.sort(key=lambda at: -abs(effect[at] or 0.0))  # ties stay in the order of the images
    delta = found.groups["All"]["pq"]
    least = least_swap_p(len(drawn), resampling.resamples, found.exact)
    verdict = verdict_of(delta, resampling.level, len(drawn), len(changed), least)
    noun = "image" if drawn.unit == "image" else "cluster"
    units = f"{len(drawn)} {noun}{'' if len(drawn) == 1 else 's'}"
    told = sentence(
        (names[0], names[place]),
        delta,
        verdict,
        level=resampling.level,
        units=units,
        few=len(drawn) < FEW,
        limit=(units if found.exact else f"{resampling.resamples} exchanges", least),
    )
    return Pair(
        names[0],
        names[place],
        verdict,
        told,
        found.groups,
        class_deltas(runs[0], found, occurrences(frames[0], frames[place], len(runs[0].categories)).tolist()),
        len(changed),
        tuple(changes(frames[0][at], frames[place][at], runs[0].categories, effect[at]) for at in changed[:top]),
    )
