r"""Overlap and VoidPolicy to ledger rows: segment matching by the uniqueness theorem.

**Theorem** (Kirillov et al., "Panoptic Segmentation", CVPR 2019, section 4.1). Let gt segments be disjoint
and predicted segments be disjoint. Then each gt segment has at most one predicted segment with IoU > 1/2, and
each predicted segment at most one such gt segment, whatever their categories.

**Proof.** Let g be a gt segment, p a predicted one, I = \|g ∩ p\|, and let the pixels of p on gt void be
removed from p; since void and g are disjoint, this leaves I as it is and turns the union into
U = \|g\| + \|p\| - I - \|p ∩ void\|. If I / U > 1/2 then 2 I > U >= \|g\|, because U counts every pixel of g. So
p holds more than half of g. A second segment p' with the same property would hold more than half of g too;
p and p' being disjoint, together they would hold more than \|g\| pixels of g, which is impossible. The same
argument with U >= \|p \\ void\| shows that p has at most one g. ∎

Hence matching needs no assignment problem: every pair above 1/2 is a match, in any order. The test is done in
integers, ``2 I > U``, so that IoU = 1/2 exactly is never a match and no rounding takes part.

The proof needs \|g\| to be the number of pixels of g. The convention ``panopticapi`` takes it from the JSON;
where that is wrong, a segment can match several times, and pqeval then counts what panopticapi counts.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pqeval.core import kernels
from pqeval.errors import DataWarning, SegmentError
from pqeval.ledger import Column, FrameLedger, Outcome, Side
from pqeval.overlap import Overlap
from pqeval.segments import NO_AREA
from pqeval.void import VoidPolicy, gt_classes, pred_classes

__all__ = ["match"]


def match(overlap: Overlap, policy: VoidPolicy, classes: int) -> FrameLedger:
    """Give every segment of an image its outcome.

    Parameters
    ----------
    overlap : Overlap
        The counted image.
    policy : VoidPolicy
        What void, unknown and crowd do.
    classes : int
        Number of classes of the category table.

    Returns
    -------
    FrameLedger

    Raises
    ------
    SegmentError
        Where the policy takes areas from the segment list and they make a union of zero pixels.
    """
    gt, pred = overlap.gt, overlap.pred
    gt_category, pred_category = gt_classes(overlap), pred_classes(overlap, policy)
    counted = overlap.gt_areas()
    pred_area = overlap.pred_areas()
    warnings: list[DataWarning] = []
    gt_area = _gt_areas(overlap, counted, policy, warnings)
    table = (overlap.gt_row, overlap.pred_row, overlap.inter)
    charged = kernels.charge_unknown(*table, gt_category, gt.crowd, pred_category)

    crowd = _crowd_pixels(overlap, gt_category, charged, classes, policy.last_crowd_only)
    rows, undefined = kernels.match_segments(
        *table, gt.ids, gt_category, gt.crowd, gt_area, pred.ids, pred_category, pred_area, charged, crowd
    )
    if undefined:
        raise SegmentError(
            code="area-undefined",
            found="the areas stated in the ground truth leave a union of zero pixels, so IoU has no value",
            expected="areas that equal the number of pixels",
            remedy="correct the areas, or use the convention coco, which counts pixels",
            image_id=overlap.image_id,
        )
    if _several_crowds(gt_category, gt.crowd):
        other = _crowd_pixels(overlap, gt_category, charged, classes, not policy.last_crowd_only)
        changed = _undecided(rows, pred_area, crowd, other)
        if changed:
            warnings.append(_crowds_matter(overlap, policy, changed))

    unknown = int(
        overlap.inter[np.isin(overlap.pred_row, np.flatnonzero(pred_category == kernels.TAKES_NO_PART))].sum()
    )
    return FrameLedger(overlap.image_id, overlap.rank, int(overlap.inter.sum()), unknown, rows, tuple(warnings))


def _gt_areas(
    overlap: Overlap, counted: npt.NDArray[np.int64], policy: VoidPolicy, warnings: list[DataWarning]
) -> npt.NDArray[np.int64]:
    gt = overlap.gt
    stated = gt.stated != NO_AREA
    differ = stated & (gt.stated != counted) & (counted > 0)
    if differ.any():
        first = int(np.argmax(differ))
        used = "stated areas are used, as panopticapi does" if policy.stated_areas else "pixels are counted"
        warnings.append(
            DataWarning(
                code="gt-area",
                found=f"ground-truth segment id {gt.ids[first]} states area {gt.stated[first]} but has "
                f"{counted[first]} pixels; {used}",
                expected="area equal to the number of pixels",
                remedy="correct the area fields of the ground truth",
                image_id=overlap.image_id,
                segment_id=int(gt.ids[first]),
            )
        )
    return np.where(stated, gt.stated, counted) if policy.stated_areas else counted


def _crowd_pixels(
    overlap: Overlap,
    gt_category: npt.NDArray[np.int64],
    charged: npt.NDArray[np.int64],
    classes: int,
    last_only: bool,
) -> npt.NDArray[np.int64]:
    gt = overlap.gt
    marks = kernels.excusing_crowds(gt_category, gt.crowd, gt.position, classes, last_only)
    pixels: npt.NDArray[np.int64] = kernels.crowd_pixels(
        overlap.gt_row, overlap.pred_row, overlap.inter, gt_category, charged, marks
    )
    return pixels


def _several_crowds(gt_category: npt.NDArray[np.int64], crowd: npt.NDArray[np.uint8]) -> bool:
    owners = gt_category[(crowd == 1) & (gt_category >= 0)]
    return len(owners) != len(np.unique(owners))


def _undecided(
    rows: npt.NDArray[np.int64],
    pred_area: npt.NDArray[np.int64],
    crowd: npt.NDArray[np.int64],
    other: npt.NDArray[np.int64],
) -> int:
    """How many predicted segments the other crowd rule would decide differently."""
    pred_rows = rows[rows[:, Column.SIDE] == Side.PRED]
    open_to_crowd = np.isin(pred_rows[:, Column.OUTCOME], (Outcome.FP, Outcome.CROWD_EXCUSED))
    excused = 2 * (pred_rows[:, Column.VOID] + crowd[1:]) > pred_area[1:]
    otherwise = 2 * (pred_rows[:, Column.VOID] + other[1:]) > pred_area[1:]
    return int(np.count_nonzero(open_to_crowd & (excused != otherwise)))


def _crowds_matter(overlap: Overlap, policy: VoidPolicy, changed: int) -> DataWarning:
    used = "only the last one listed excuses" if policy.last_crowd_only else "all of them excuse"
    return DataWarning(
        code="crowds-of-one-class",
        found=f"several crowds of one category decide about {changed} predicted segment(s); {used}",
        expected="at most one crowd per category and image",
        remedy="join the crowds of a category into one segment; the conventions coco and panopticapi differ here",
        image_id=overlap.image_id,
    )
