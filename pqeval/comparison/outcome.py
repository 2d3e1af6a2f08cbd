"""What a comparison finds, as data."""

from __future__ import annotations

import os
from typing import Any

import msgspec

from pqeval._version import __version__
from pqeval.image_ids import ImageId
from pqeval.output import as_json
from pqeval.result import GroupScore

__all__ = ["Change", "Changed", "ClassDelta", "Comparison", "Delta", "Pair", "Sample", "Scored"]


class Delta(msgspec.Struct, frozen=True):
    """A score of two predictions.

    Parameters
    ----------
    baseline, other : float or None
        The two scores.
    difference : float or None
        ``other - baseline``; ``None`` where one of them is.
    low, high : float or None
        Confidence interval of the difference.
    se : float or None
        Its standard error.
    dropped : int
        Resamples in which one side does not have the score.
    p_bootstrap, p_swap : float or None
        How likely so large a difference is where there is none: by the bootstrap, and by exchanging the two
        predictions in some of the units.
    """

    baseline: float | None
    other: float | None
    difference: float | None
    low: float | None
    high: float | None
    se: float | None
    dropped: int
    p_bootstrap: float | None
    p_swap: float | None


class ClassDelta(msgspec.Struct, frozen=True):
    """The scores of a class.

    Parameters
    ----------
    id, name, isthing
        The category.
    pq, sq, rq : Delta
        Its scores.
    p_holm : float or None
        ``pq.p_swap`` adjusted for the number of classes, by Holm's method.
    images : int
        Images in which one of the two predictions, or the ground truth, has the class.
    """

    id: int
    name: str
    isthing: bool | None
    pq: Delta
    sq: Delta
    rq: Delta
    p_holm: float | None
    images: int


class Change(msgspec.Struct, frozen=True):
    """A segment of which two predictions make different things.

    Parameters
    ----------
    segment_id, category_id
        The segment: of the ground truth where it was gained or lost, else of a prediction.
    category : str
        Name of its category.
    area : int
        Its pixels.
    """

    segment_id: int
    category_id: int
    category: str
    area: int


class Changed(msgspec.Struct, frozen=True):
    """An image of which two predictions make different things.

    Parameters
    ----------
    image_id : str, int, float, bool or None
        The image.
    effect : float or None
        By how much the baseline's PQ (All) would change if this image alone were exchanged for the other's.
    gained, lost : tuple of Change
        Segments of the ground truth that only the other finds, and those that only the baseline does.
    fp_gone, fp_new : tuple of Change
        FPs of the baseline and of the other, without those that both have alike: of one category, with as many
        pixels on the same segments of the ground truth.
    iou : float
        Change of the sum of IoU over TPs.
    """

    image_id: ImageId
    effect: float | None
    gained: tuple[Change, ...]
    lost: tuple[Change, ...]
    fp_gone: tuple[Change, ...]
    fp_new: tuple[Change, ...]
    iou: float


class Pair(msgspec.Struct, frozen=True):
    """One prediction against the baseline.

    Parameters
    ----------
    baseline, other : str
        Their names.
    verdict : str
        ``"equal"`` (in every image), ``"noise"`` (it can be), ``"difference"`` (it can hardly be noise),
        ``"unclear"`` (interval and test disagree), ``"undecided"`` (the interval excludes 0, and the test cannot
        reach the level with so few units or exchanges), or ``"untold"`` (there is no score, or but one unit).
    sentence : str
        The same in words, with the numbers.
    groups : dict of str to dict of str to Delta
        ``{"All": {"pq": Delta, "sq": Delta, "rq": Delta}, ...}``.
    per_class : tuple of ClassDelta
        The classes that one of the two has a score for, in the order of the table.
    changed : int
        Images that the two do not score alike.
    images : tuple of Changed
        These images, those that change PQ most first; fewer where only some were asked for.
    """

    baseline: str
    other: str
    verdict: str
    sentence: str
    groups: dict[str, dict[str, Delta]]
    per_class: tuple[ClassDelta, ...]
    changed: int
    images: tuple[Changed, ...]


class Sample(msgspec.Struct, frozen=True):
    """What was drawn, and how.

    Parameters
    ----------
    method, level, resamples, seed, unit, units, fixed_classes
        As in :class:`pqeval.result.Intervals`.
    exact : bool
        Whether the swap test takes every way to exchange the predictions, instead of ``resamples`` random ones.
    """

    method: str
    level: float
    resamples: int
    seed: int
    unit: str
    units: int
    fixed_classes: bool
    exact: bool


class Scored(msgspec.Struct, frozen=True):
    """One of the predictions compared.

    Parameters
    ----------
    name : str
        What it is called here.
    groups : dict of str to GroupScore
        Its scores.
    inputs, provenance : dict
        As in its result.
    """

    name: str
    groups: dict[str, GroupScore]
    inputs: dict[str, Any] = {}
    provenance: dict[str, Any] = {}


class Comparison(msgspec.Struct, frozen=True, tag="pqeval.comparison/1", tag_field="schema"):
    """Predictions against a baseline, on the same images.

    Parameters
    ----------
    metric, convention : str
        As in the results.
    images : int
        How many.
    sample : Sample
        What was resampled.
    runs : tuple of Scored
        The predictions, the baseline first.
    pairs : tuple of Pair
        Each of the others against the baseline.
    warnings : tuple of str
        What should be known about the data of the runs, and about the numbers. What does not hold for all runs
        begins with their names.
    version : str
        Version of pqeval.
    """

    metric: str
    convention: str
    images: int
    sample: Sample
    runs: tuple[Scored, ...]
    pairs: tuple[Pair, ...]
    warnings: tuple[str, ...]
    version: str = __version__

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the comparison as JSON text, and write it to ``path`` where one is given.

        Parameters
        ----------
        path : path, optional
            File to write, whole or not at all.

        Returns
        -------
        str
            The same bytes for the same input.
        """
        return as_json(self, path)

    def to_markdown(self) -> str:
        """Return the comparison as Markdown, differences in points with one decimal."""
        from pqeval.comparison.drawing import markdown

        return markdown(self)
