"""Which classes and which images made a score move, or keep it low."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from pqeval.gate.verdicts import Change, ImageChange
from pqeval.image_ids import ImageId, image_key
from pqeval.ledger import Column, FrameLedger, Outcome, Side
from pqeval.result import ClassScore, Result
from pqeval.run import Run

__all__ = ["ImageCounts", "class_changes", "image_changes", "worst_classes", "worst_images"]

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


class ImageCounts(NamedTuple):
    """What happened in an image, all classes or some of them taken together."""

    image_id: ImageId
    tp: int
    fp: int
    fn: int
    iou_sum: float

    @property
    def lost(self) -> float:
        """How much of TP + FP/2 + FN/2 is no IoU."""
        return self.tp + 0.5 * self.fp + 0.5 * self.fn - self.iou_sum


def _counts(frame: FrameLedger, classes: Iterable[int] | None = None) -> ImageCounts:
    rows = frame.rows
    if classes is not None:
        rows = rows[np.isin(rows[:, Column.CATEGORY], list(classes))]
    side, outcome = rows[:, Column.SIDE], rows[:, Column.OUTCOME]
    pairs = rows[(side == Side.GT) & (outcome == Outcome.TP)]
    iou = float(sum((pairs[:, Column.INTER] / pairs[:, Column.UNION]).tolist()))
    fp, fn = (int(np.count_nonzero(outcome == wanted)) for wanted in (Outcome.FP, Outcome.FN))
    return ImageCounts(frame.image_id, len(pairs), fp, fn, iou)


def image_changes(now: Run, base: Run) -> tuple[ImageChange, ...]:
    """Return the images whose counts differ from the baseline, those that gained or lost most first.

    Images that one side lacks are left out.
    """
    before = {image_key(frame.image_id): _counts(frame) for frame in base.frames()}
    changes = []
    for frame in now.frames():
        new, old = _counts(frame), before.get(image_key(frame.image_id))
        if old is not None and new[1:] != old[1:]:
            pairs = [(was, became) for was, became in zip(old[1:], new[1:], strict=True)]
            changes.append((-abs(new.lost - old.lost), ImageChange(frame.image_id, *pairs)))  # type: ignore[arg-type]
    changes.sort(key=lambda change: change[0])
    return tuple(change for _, change in changes[:SHOWN])


def worst_classes(members: Iterable[ClassScore]) -> list[ClassScore]:
    """Return the classes that keep an average low, the lowest PQ first."""
    return sorted((row for row in members if row.pq is not None), key=lambda row: row.pq or 0.0)[:SHOWN]


def worst_images(run: Run, members: Iterable[ClassScore]) -> list[ImageCounts]:
    """Return the images in which these classes lose most."""
    places = [run.categories.index_of(row.id) for row in members]
    counts = sorted((_counts(frame, places) for frame in run.frames()), key=lambda image: -image.lost)
    return [image for image in counts[:SHOWN] if image.lost > 0]
