"""Which classes and which images made a score move, or keep it low."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from pqeval.gate.verdicts import Change, ImageChange
from pqeval.image_ids import ImageId, image_key
from pqeval.ledger import Column, Tally, tally
from pqeval.result import ClassScore, Result
from pqeval.run import Run

__all__ = ["class_changes", "image_changes", "worst_classes", "worst_images"]

SHOWN = 5


def class_changes(now: Result, base: Result) -> tuple[Change, ...]:
    """Return the classes whose PQ moved most since the baseline; a class without a score counts as 0."""
    changes = [
        Change(row.id, row.name, (old.pq, row.pq), (old.tp, row.tp), (old.fp, row.fp), (old.fn, row.fn))
        for row, old in zip(now.per_class, base.per_class, strict=True)
        if (old.pq, old.tp, old.fp, old.fn, old.iou_sum) != (row.pq, row.tp, row.fp, row.fn, row.iou_sum)
    ]
    changes.sort(key=lambda change: -abs((change.pq[1] or 0.0) - (change.pq[0] or 0.0)))
    return tuple(changes[:SHOWN])


def image_changes(now: Run, base: Run) -> tuple[ImageChange, ...]:
    """Return the images whose counts differ from the baseline, those that gained or lost most first.

    Images that one side lacks are left out.
    """
    before = {image_key(frame.image_id): tally(frame.rows) for frame in base.frames()}
    changes = []
    for frame in now.frames():
        new, old = tally(frame.rows), before.get(image_key(frame.image_id))
        if old is not None and new != old:
            pairs = zip(old, new, strict=True)
            changes.append((-abs(new.lost - old.lost), ImageChange(frame.image_id, *pairs)))  # type: ignore[arg-type]
    changes.sort(key=lambda change: change[0])
    return tuple(change for _, change in changes[:SHOWN])


def worst_classes(members: Iterable[ClassScore]) -> list[ClassScore]:
    """Return the classes that keep an average low, the lowest PQ first."""
    return sorted((row for row in members if row.pq is not None), key=lambda row: row.pq or 0.0)[:SHOWN]


def worst_images(run: Run, members: Iterable[ClassScore]) -> list[tuple[ImageId, Tally]]:
    """Return the images in which these classes lose most, with what happened to these classes there."""
    places = [run.categories.index_of(row.id) for row in members]
    counts = [
        (frame.image_id, tally(frame.rows[np.isin(frame.rows[:, Column.CATEGORY], places)]))
        for frame in run.frames()
    ]
    counts.sort(key=lambda image: -image[1].lost)
    return [image for image in counts[:SHOWN] if image[1].lost > 0]
