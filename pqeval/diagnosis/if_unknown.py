"""What would be if predicted segments had been left unknown, as named numbers."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from pqeval.image_ids import ImageId

__all__ = ["ClassRemoval", "ScorePoint", "ScoreRemoval", "SegmentRemoval", "Unknown"]


class ScorePoint(NamedTuple):
    """PQ of All if all segments with a score below ``threshold`` were unknown.

    Parameters
    ----------
    threshold : float
        The lowest score of a segment that stays, or just above all scores.
    pq : float or None
        PQ of All.
    segments : int
        How many segments are unknown.
    highest : float or None
        The highest score of them. Every threshold above it, up to ``threshold``, does the same.
    """

    threshold: float
    pq: float | None
    segments: int
    highest: float | None


class ScoreRemoval(msgspec.Struct, frozen=True):
    """What a threshold on scores would do; segments without a score stay.

    Parameters
    ----------
    scored, unscored : int
        Predicted segments with and without a score.
    best : ScorePoint
        The highest PQ, at the lowest threshold that has it.
    points : tuple of ScorePoint
        By ascending threshold: at first nothing is unknown, at last every segment with a score. At most 1000,
        among them the first, the last and the best.
    """

    scored: int
    unscored: int
    best: ScorePoint
    points: tuple[ScorePoint, ...]


class ClassRemoval(msgspec.Struct, frozen=True):
    """PQ of All if all predicted segments of a class were unknown.

    Parameters
    ----------
    id, name
        The category.
    segments : int
        How many there are.
    pq, gain : float or None
        With this class alone unknown.
    together : float or None
        With all classes up to this one unknown, in the order of the list; ``None`` for classes that gain nothing,
        and where nothing would be left to average.
    """

    id: int
    name: str
    segments: int
    pq: float | None
    gain: float | None
    together: float | None


class SegmentRemoval(msgspec.Struct, frozen=True):
    """What PQ of All would gain if one predicted segment were unknown."""

    image_id: ImageId
    segment_id: int
    category_id: int
    category: str
    outcome: str
    score: float | None
    area: int
    gain: float


class Unknown(msgspec.Struct, frozen=True):
    """What if segments had been left unknown.

    Parameters
    ----------
    by_score : ScoreRemoval or None
        By threshold; ``None`` where no segment has a score.
    by_class : tuple of ClassRemoval
        By descending gain. Those that gain come first.
    best_classes : tuple of int
        The category ids that, unknown together, give the highest PQ along the list.
    worthwhile : int
        How many segments raise PQ if they alone are unknown.
    segments : tuple of SegmentRemoval
        Those that gain most.
    without_fp : float or None
        PQ of All if every FP were unknown: what nobody can do who does not know the truth.
    """

    by_score: ScoreRemoval | None
    by_class: tuple[ClassRemoval, ...]
    best_classes: tuple[int, ...]
    worthwhile: int
    segments: tuple[SegmentRemoval, ...]
    without_fp: float | None
