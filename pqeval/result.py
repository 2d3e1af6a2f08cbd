"""Named numbers with their settings and provenance: the one return type."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from pqeval._version import __version__
from pqeval.errors import FileError, JsonError
from pqeval.output import as_json

__all__ = ["ClassScore", "GroupScore", "Interval", "Intervals", "Result", "Scores", "Slice"]


class GroupScore(msgspec.Struct, frozen=True):
    """Scores averaged over a group of classes.

    Parameters
    ----------
    pq, sq, rq : float or None
        Means over the ``n`` classes that occur; ``None`` where none does.
    n : int
        Number of classes averaged: those with TP + FP + FN > 0.
    """

    pq: float | None
    sq: float | None
    rq: float | None
    n: int


class ClassScore(msgspec.Struct, frozen=True):
    """Scores of one class.

    Parameters
    ----------
    id, name, isthing
        The category; ``isthing`` is ``None`` where the table does not tell.
    pq, sq, rq : float or None
        ``None`` for a class that occurs neither in the ground truth nor in the predictions.
    iou_sum : float
        Sum of IoU over the TPs.
    tp, fp, fn : int
        Counted segments.
    """

    id: int
    name: str
    isthing: bool | None
    pq: float | None
    sq: float | None
    rq: float | None
    iou_sum: float
    tp: int
    fp: int
    fn: int


class Interval(msgspec.Struct, frozen=True):
    """How far a score can be trusted.

    Parameters
    ----------
    low, high : float or None
        The confidence interval; ``None`` where no resample had the score, or where there is but one unit.
    se : float or None
        Standard error: the standard deviation over resamples.
    dropped : int
        Resamples that did not have the score, because they lack the class.
    """

    low: float | None
    high: float | None
    se: float | None
    dropped: int


class Intervals(msgspec.Struct, frozen=True):
    """Confidence intervals of a result, by the bootstrap.

    Parameters
    ----------
    method : str
        ``"percentile"``, ``"basic"`` or ``"bca"``.
    level : float
        Confidence level, such as 0.95.
    resamples, seed : int
        Number of resamples, and what the random numbers begin with.
    unit : str
        What was drawn: ``"image"``, or the name of the clusters.
    units : int
        How many there are.
    fixed_classes : bool
        Whether a class that a resample lacks is averaged as 0 instead of being left out.
    groups : dict
        ``{"All": {"pq": Interval, "sq": Interval, "rq": Interval}, ...}``.
    per_class : dict
        The same by category id, as text.
    """

    method: str
    level: float
    resamples: int
    seed: int
    unit: str
    units: int
    fixed_classes: bool
    groups: dict[str, dict[str, Interval]]
    per_class: dict[str, dict[str, Interval]]


class Slice(msgspec.Struct, frozen=True):
    """Scores of some of the images.

    Parameters
    ----------
    column, value : str
        What these images have in common, such as ``"weather"`` and ``"rain"``.
    images : int
        How many they are.
    groups : dict of str to GroupScore
        As in a result.
    """

    column: str
    value: str
    images: int
    groups: dict[str, GroupScore]


class Scores(NamedTuple):
    """What a metric computes; a :class:`Result` adds settings and provenance."""

    groups: dict[str, GroupScore]
    per_class: tuple[ClassScore, ...]
    void: dict[str, int | float | None]


class Result(msgspec.Struct, frozen=True, tag="pqeval.result/1", tag_field="schema"):
    """What an evaluation found. Scores are fractions, 0 to 1; ``None`` means there was nothing to average.

    Parameters
    ----------
    metric : str
        Name of the metric, ``"pq"``.
    convention : str
        Name of the convention.
    groups : dict of str to GroupScore
        All, Things, Stuff, then the user's groups.
    per_class : tuple of ClassScore
        In the order of the category table.
    images : dict of str to int
        ``evaluated``, ``missing`` (no prediction), ``skipped`` (left out of the score).
    void : dict
        What void, unknown and crowd did; see the page on void.
    warnings : tuple of str
        What should be known about the data.
    inputs : dict
        What was evaluated, and with which options.
    version : str
        Version of pqeval.
    provenance : dict
        What the numbers depend on: the rules of the convention, hashes of what was read and counted, and on how
        many segments the reference program would have decided otherwise. See the page on provenance.
    intervals : Intervals, optional
        Confidence intervals, where they were asked for.
    slices : tuple of Slice
        Scores of groups of images, where they were asked for.

    Examples
    --------
    >>> import pqeval
    >>> result = pqeval.panoptic_quality(
    ...     gt=([[1, 1, 2, 2]], [{"id": 1, "category_id": 1}, {"id": 2, "category_id": 2}]),
    ...     pred=([[7, 7, 7, 9]], [{"id": 7, "category_id": 1}, {"id": 9, "category_id": 2}]),
    ...     categories=[{"id": 1, "name": "cat", "isthing": 1}, {"id": 2, "name": "sky", "isthing": 0}])
    >>> round(result.pq, 4), result.groups["Stuff"].pq, result.per_class[0].tp
    (0.3333, 0.0, 1)
    >>> pqeval.Result.from_json(result.to_json()) == result
    True
    """

    metric: str
    convention: str
    groups: dict[str, GroupScore]
    per_class: tuple[ClassScore, ...]
    images: dict[str, int]
    void: dict[str, int | float | None]
    warnings: tuple[str, ...]
    inputs: dict[str, Any]
    version: str = __version__
    provenance: dict[str, Any] = {}
    intervals: Intervals | None = None
    slices: tuple[Slice, ...] = ()

    @property
    def pq(self) -> float | None:
        """PQ of the group All."""
        return self.groups["All"].pq

    @property
    def sq(self) -> float | None:
        """SQ of the group All."""
        return self.groups["All"].sq

    @property
    def rq(self) -> float | None:
        """RQ of the group All."""
        return self.groups["All"].rq

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the result as JSON text, and write it to ``path`` where one is given.

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

    @classmethod
    def from_json(cls, source: str | os.PathLike[str]) -> Result:
        """Read a result that :meth:`to_json` wrote.

        Parameters
        ----------
        source : path or str
            A file, or the JSON text itself (it begins with a brace).

        Returns
        -------
        Result

        Raises
        ------
        FileError, JsonError
            If the file cannot be read or is no pqeval result.
        """
        file = None
        if isinstance(source, str) and source.lstrip().startswith("{"):
            data = source.encode()
        else:
            file = os.fspath(source)
            try:
                data = Path(source).read_bytes()
            except (OSError, ValueError) as reason:
                raise FileError(
                    code="not-readable",
                    found=f"cannot read: {getattr(reason, 'strerror', None) or reason}",
                    expected="a result that pqeval saved",
                    remedy="check the path",
                    file=file,
                ) from reason
        try:
            result = msgspec.json.decode(data, type=cls)
            if "All" not in result.groups:
                raise ValueError("there is no group All")
            return result
        except (msgspec.DecodeError, ValueError, RecursionError) as reason:
            raise JsonError(
                code="not-a-result",
                found=f"not a pqeval result: {reason}",
                expected='JSON with "schema": "pqeval.result/1"',
                remedy="save one with `pqeval evaluate --json FILE` or `Result.to_json`",
                file=file,
            ) from reason

    def to_markdown(self, *, per_class: bool = False) -> str:
        """Return the scores as a Markdown table, ×100 with one decimal.

        Parameters
        ----------
        per_class : bool
            Add a table with one row per class that occurs.

        Returns
        -------
        str
        """
        from pqeval.reports.markdown import markdown

        return markdown(self, per_class=per_class)
