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

Conventions that keep void in the union only make U larger. Those that take the unknown pixels of g away have
U >= \|g \\ unknown\|, and p holds more than half of that. Both inequalities are all that the proof uses.

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
from pqeval.rows import NO_AREA
from pqeval.void import VoidPolicy

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
    rows, undefined, charged, counted, differing, several, unknown = kernels.settle(
        overlap.gt_row,
        overlap.pred_row,
        overlap.inter,
        gt.ids,
        gt.category,
        gt.crowd,
        gt.position,
        gt.stated,
        pred.ids,
        pred.category,
        pred.crowd,
        classes,
        policy.unknown_class,
        policy.stated_areas,
        policy.last_crowd_only,
        policy.rules,
        policy.smallest,
    )
    warnings: list[DataWarning] = []
    if differing >= 0:
        warnings.append(_area_differs(overlap, differing, int(counted[differing]), policy))
    if undefined:
        raise SegmentError(
            code="area-undefined",
            found="the areas stated in the ground truth leave a union of zero pixels, so IoU has no value",
            expected="areas that equal the number of pixels",
            remedy="correct the areas, or use the convention coco, which counts pixels",
            image_id=overlap.image_id,
        )
    deviations: dict[str, int] = {}
    if differing >= 0 and policy.reference:
        wrong = (gt.stated != NO_AREA) & (counted > 0) & (gt.stated != counted)
        deviations["stated-area"] = int(np.count_nonzero(wrong))
    if several and policy.excuse == "own crowd":
        changed = _undecided(overlap, rows, charged, classes)
        if changed:
            warnings.append(_crowds_matter(overlap, policy, changed))
            if policy.reference:
                deviations["last-crowd"] = changed
    pairs = np.empty((len(overlap.inter), 3), np.int64)
    pairs[:, 0], pairs[:, 1], pairs[:, 2] = overlap.gt_row, overlap.pred_row, overlap.inter
    return FrameLedger(
        overlap.image_id,
        overlap.rank,
        int(counted.sum()),
        int(unknown),
        rows,
        tuple(warnings),
        pairs=pairs,
        deviations=deviations,
    )


def _area_differs(overlap: Overlap, row: int, counted: int, policy: VoidPolicy) -> DataWarning:
    gt = overlap.gt
    used = "stated areas are used, as panopticapi does" if policy.stated_areas else "pixels are counted"
    return DataWarning(
        code="gt-area",
        found=f"ground-truth segment id {gt.ids[row]} states area {gt.stated[row]} but has "
        f"{counted} pixels; {used}",
        expected="area equal to the number of pixels",
        remedy="correct the area fields of the ground truth",
        image_id=overlap.image_id,
        segment_id=int(gt.ids[row]),
    )


def _undecided(overlap: Overlap, rows: npt.NDArray[np.int64], charged: npt.NDArray[np.int64], classes: int) -> int:
    """How many predicted segments are decided by whether all crowds of a class excuse or only the last."""
    gt = overlap.gt
    pred_rows = rows[rows[:, Column.SIDE] == Side.PRED]
    open_to_crowd = np.isin(pred_rows[:, Column.OUTCOME], (Outcome.FP, Outcome.CROWD_EXCUSED))
    gt_class = np.maximum(gt.category, kernels.TAKES_NO_PART)
    excused = []
    for last_only in (False, True):
        marks = kernels.excusing_crowds(gt_class, gt.crowd, gt.position, classes, last_only)
        table = overlap.gt_row, overlap.pred_row, overlap.inter
        crowd = kernels.crowd_pixels(*table, gt_class, charged, marks, False)
        excused.append(2 * (pred_rows[:, Column.VOID] + crowd[1:]) > pred_rows[:, Column.AREA])
    return int(np.count_nonzero(open_to_crowd & (excused[0] != excused[1])))


def _crowds_matter(overlap: Overlap, policy: VoidPolicy, changed: int) -> DataWarning:
    used = "only the last one listed excuses" if policy.last_crowd_only else "all of them excuse"
    return DataWarning(
        code="crowds-of-one-class",
        found=f"several crowds of one category decide about {changed} predicted segment(s); {used}",
        expected="at most one crowd per category and image",
        remedy="join the crowds of a category into one segment; the conventions coco and panopticapi differ here",
        image_id=overlap.image_id,
    )
