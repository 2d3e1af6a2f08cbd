"""What a diagnosis found, as named numbers."""

from __future__ import annotations

import os
from typing import Any

import msgspec

from pqeval._version import __version__
from pqeval.diagnosis.if_unknown import Unknown
from pqeval.image_ids import ImageId
from pqeval.output import as_json
from pqeval.result import GroupScore

__all__ = [
    "ClassLoss",
    "Confusion",
    "Diagnosis",
    "GroupLoss",
    "ImageLoss",
    "Loss",
    "Oracle",
    "SegmentLoss",
    "SizeSlice",
    "ThresholdScore",
]


class Loss(msgspec.Struct, frozen=True):
    """1 - PQ as a sum.

    Parameters
    ----------
    mask : float
        Matches whose IoU is below 1.
    fp_cls, fp_loc, fp_both, fp_bkg : float
        FPs: of another class than what they cover; badly placed; both; on nothing.
    fn_cls, fn_loc, fn_both, fn_miss : float
        FNs: found as another class; badly covered; both; missed.
    convention : float
        What no segment is to blame for: classes that do not occur and are averaged as 0, constants in divisors.
    """

    mask: float
    fp_cls: float
    fp_loc: float
    fp_both: float
    fp_bkg: float
    fn_cls: float
    fn_loc: float
    fn_both: float
    fn_miss: float
    convention: float

    @property
    def total(self) -> float:
        """The sum of all terms."""
        return float(sum(msgspec.structs.astuple(self)))


class GroupLoss(msgspec.Struct, frozen=True):
    """What a group of classes lost; ``pq`` and ``loss`` are ``None`` where nothing was averaged."""

    pq: float | None
    loss: Loss | None


class ClassLoss(msgspec.Struct, frozen=True):
    """What a class lost.

    Parameters
    ----------
    id, name, isthing
        The category.
    pq : float or None
        Its PQ.
    loss : Loss or None
        Shares of 1 - PQ of the class.
    of_all : Loss or None
        What it takes from PQ of the group All; these sum up to 1 - PQ over all classes.
    counts : dict of str to int
        ``tp``, and how many FPs and FNs there are of each kind.
    split, merge : int
        FPs of kind loc that are parts of one segment; FNs of kind loc that are parts of one prediction.
    """

    id: int
    name: str
    isthing: bool | None
    pq: float | None
    loss: Loss | None
    of_all: Loss | None
    counts: dict[str, int]
    split: int
    merge: int


class Oracle(msgspec.Struct, frozen=True):
    """PQ if all errors of a kind were repaired.

    Parameters
    ----------
    kind : str
        ``"mask"``, ``"cls"``, ``"loc"``, ``"both"``, ``"bkg"`` or ``"miss"``.
    segments : int
        How many segments have it, on both sides.
    pq, gain : float or None
        PQ of All after the repair, and how much more that is.
    groups : dict
        PQ of each group.
    """

    kind: str
    segments: int
    pq: float | None
    gain: float | None
    groups: dict[str, float | None]


class Confusion(msgspec.Struct, frozen=True):
    """How often segments of one class were found as another one.

    Parameters
    ----------
    gt, pred : int
        Category ids.
    gt_name, pred_name : str
        Their names.
    count : int
        FN with FP of IoU > 1/2: only the class is wrong.
    near : int
        FNs whose best partner is an FP of this class, with IoU of 1/10 to 1/2: class and place are wrong.
    """

    gt: int
    gt_name: str
    pred: int
    pred_name: str
    count: int
    near: int


class SizeSlice(msgspec.Struct, frozen=True):
    """Scores of segments of some size; FPs go by their own area, all others by that of the gt segment.

    Parameters
    ----------
    name : str
        Such as ``"small"``.
    least, below : int or None
        Areas from and below; ``None`` where there is no limit.
    tp, fp, fn : int
        Segments of this size.
    iou_sum : float
        Over the TPs.
    groups : dict of str to GroupScore
        Averaged over the classes that occur in this size.
    """

    name: str
    least: int | None
    below: int | None
    tp: int
    fp: int
    fn: int
    iou_sum: float
    groups: dict[str, GroupScore]


class ThresholdScore(msgspec.Struct, frozen=True):
    """Scores where a match needs more than this IoU; at 0.5 they are those of the result."""

    iou: float
    tp: int
    fp: int
    fn: int
    groups: dict[str, GroupScore]


class SegmentLoss(msgspec.Struct, frozen=True):
    """A segment that costs something.

    Parameters
    ----------
    side : str
        ``"gt"`` for matches and FNs, ``"pred"`` for FPs.
    segment_id, category_id : int
        Which one, and its category.
    category : str
        Name of the category.
    term : str
        The term of :class:`Loss` that it belongs to.
    flag : str or None
        ``"split"`` or ``"merge"``.
    loss : float
        What it takes from PQ of All.
    area : int
        Pixels.
    partner_id, partner_category_id : int or None
        The segment of the other side that the term speaks of.
    partner_category : str or None
        Name of its category.
    iou : float or None
        IoU with it.
    """

    side: str
    segment_id: int
    category_id: int
    category: str
    term: str
    flag: str | None
    loss: float
    area: int
    partner_id: int | None
    partner_category_id: int | None
    partner_category: str | None
    iou: float | None


class ImageLoss(msgspec.Struct, frozen=True):
    """What an image takes from PQ of All, and its costliest segments."""

    image_id: ImageId
    loss: float
    tp: int
    fp: int
    fn: int
    segments: tuple[SegmentLoss, ...]


class Diagnosis(msgspec.Struct, frozen=True, tag="pqeval.diagnosis/1", tag_field="schema"):
    """Where the lost PQ went. All scores are fractions, 0 to 1.

    Parameters
    ----------
    metric, convention : str
        As in the result.
    pq : float or None
        PQ of All.
    images : int
        Images evaluated.
    groups : dict of str to GroupLoss
        All, Things, Stuff, then the user's groups.
    per_class : tuple of ClassLoss
        In the order of the category table.
    oracles : tuple of Oracle
        PQ if one kind of error were repaired.
    confusions : tuple of Confusion
        All pairs of classes that were confused, the most frequent first.
    sizes : tuple of SizeSlice
        From small to large.
    thresholds : tuple of ThresholdScore
        At IoU 0.5, 0.55, ... 0.95.
    worst_images : tuple of ImageLoss
        Those that take most from PQ.
    unknown : Unknown or None
        What if segments had been left unknown; ``None`` where that cannot be told, which ``notes`` explain.
    notes : tuple of str
        What should be known about these numbers.
    version : str
        Version of pqeval.
    inputs, provenance : dict
        As in the result.
    """

    metric: str
    convention: str
    pq: float | None
    images: int
    groups: dict[str, GroupLoss]
    per_class: tuple[ClassLoss, ...]
    oracles: tuple[Oracle, ...]
    confusions: tuple[Confusion, ...]
    sizes: tuple[SizeSlice, ...]
    thresholds: tuple[ThresholdScore, ...]
    worst_images: tuple[ImageLoss, ...]
    unknown: Unknown | None
    notes: tuple[str, ...] = ()
    version: str = __version__
    inputs: dict[str, Any] = {}
    provenance: dict[str, Any] = {}

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the diagnosis as JSON text, and write it to ``path`` where one is given.

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
