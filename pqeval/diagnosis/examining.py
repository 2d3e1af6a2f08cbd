"""A run to its diagnosis: all readings, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from pqeval.diagnosis.attribution import items_of, shares_of, terms_of, terms_of_classes
from pqeval.diagnosis.confusion import confusions_of
from pqeval.diagnosis.findings import ClassLoss, Diagnosis, GroupLoss, Loss, Oracle
from pqeval.diagnosis.images import worst_images
from pqeval.diagnosis.kinds import TERMS, Kinds, kinds_of
from pqeval.diagnosis.ladder import Ladder, Stats, Steps, count_cells
from pqeval.diagnosis.oracles import ORACLES, repaired
from pqeval.diagnosis.rescoring import scores_at, sizes_of
from pqeval.diagnosis.tables import Tables, tables_of
from pqeval.diagnosis.unknown import what_if_unknown
from pqeval.metrics._images import memberships
from pqeval.run import Run

__all__ = ["examine"]

Floats = npt.NDArray[np.float64]

CHARGED = (
    "what if segments had been left unknown: not told, because under unknown=fp segments of unknown categories "
    "cannot be told from others here, and this convention takes unknown pixels out of unions"
)
MERGED = (
    "{} merges the stuff of a class in an image before it counts, so a segment of stuff, and a step of the curve, "
    "stands for the merged one with the highest of its scores"
)
BINARY = "the group Binary, which takes all classes for one, is not diagnosed"


def examine(run: Run, *, top: int, areas: Sequence[int]) -> Diagnosis:
    """Diagnose a run.

    Parameters
    ----------
    run : Run
        What was evaluated.
    top : int
        How many images and segments are listed.
    areas : sequence of int
        Ascending areas where one size ends and the next begins.

    Returns
    -------
    Diagnosis
    """
    result = run.result
    tables = tables_of(run)
    kinds = kinds_of(tables)
    ladder = Ladder(run.policy.averaging, [frame.stratum for frame in tables.frames], len(run.categories))
    stats = count_cells(tables, ladder)
    items = items_of(tables, kinds, ladder)
    shares = shares_of(items, ladder, stats)
    groups = {name: ladder.group(chosen) for name, chosen in memberships(result.per_class, run.groups).items()}
    weights = ladder.weights(ladder.says(stats), groups["All"])
    half = stats.half
    price = weights / np.where(half > 0, half, 1.0)
    # Under unknown=fp the ledger does not say which segments had a category that nobody knows.
    untold = run.policy.unknown == "fp" and not run.policy.unknown_in_union
    unknown = None if untold or result.pq is None else what_if_unknown(run, tables, ladder, stats, top)
    merged = unknown is not None and run.policy.merge_stuff and bool(run.categories.stuff)
    return Diagnosis(
        metric=result.metric,
        convention=result.convention,
        pq=result.pq,
        images=len(tables.frames),
        groups={
            name: GroupLoss(result.groups[name].pq, _loss(terms_of(shares, ladder, stats, steps)))
            for name, steps in groups.items()
        },
        per_class=tuple(_classes(run, tables, kinds, ladder, stats, shares, weights)),
        oracles=tuple(_oracles(run, tables, kinds, ladder, stats, groups)),
        confusions=confusions_of(tables, kinds, run.categories),
        sizes=sizes_of(run, ladder, areas),
        thresholds=scores_at(run, ladder),
        worst_images=worst_images(tables, kinds, items, price, run.categories, top),
        unknown=unknown,
        notes=(
            *((CHARGED,) if untold else ()),
            *((MERGED.format(run.policy.name),) if merged else ()),
            *((BINARY,) if run.policy.averaging.binary else ()),
        ),
        inputs=result.inputs,
        provenance=result.provenance,
    )


def _loss(terms: Floats | None) -> Loss | None:
    return None if terms is None else Loss(*terms.tolist())


def _classes(
    run: Run,
    tables: Tables,
    kinds: Kinds,
    ladder: Ladder,
    stats: Stats,
    shares: Floats,
    weights: Floats,
) -> Iterator[ClassLoss]:
    classes = len(run.categories)
    gt, pred = tables.gt, tables.pred
    columns = {"tp": np.bincount(gt.category[tables.matches.gt], minlength=classes)}
    for names, side, kind in ((TERMS[1:5], pred, kinds.fp), (TERMS[5:], gt, kinds.fn)):
        for place, name in enumerate(names):
            columns[name] = np.bincount(side.category[kind == place], minlength=classes)
    split = np.bincount(pred.category[kinds.split], minlength=classes)
    merge = np.bincount(gt.category[kinds.merge], minlength=classes)
    own = terms_of_classes(shares, ladder, stats)
    of_all = (shares * weights[:, None]).reshape(-1, classes, shares.shape[1]).sum(axis=0)
    for place, row in enumerate(run.result.per_class):
        yield ClassLoss(
            row.id,
            row.name,
            row.isthing,
            row.pq,
            None if row.pq is None else _loss(own[place]),
            None if run.result.pq is None else _loss(of_all[place]),
            {name: int(column[place]) for name, column in columns.items()},
            int(split[place]),
            int(merge[place]),
        )


def _oracles(
    run: Run, tables: Tables, kinds: Kinds, ladder: Ladder, stats: Stats, groups: dict[str, Steps]
) -> Iterator[Oracle]:
    before = run.result.pq
    for name in ORACLES:
        after, concerned = repaired(name, tables, kinds, ladder, stats)
        scores = {group: ladder.mean(after, steps) for group, steps in groups.items()}
        pq = scores["All"]
        yield Oracle(name, concerned, pq, None if pq is None or before is None else pq - before, scores)
