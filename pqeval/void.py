"""Void, unknown and crowd: every decision about them, as data.

A convention is one :class:`VoidPolicy`. ``coco`` is the leaderboard's rule set on well-formed input and the
right answer where panopticapi goes wrong; ``panopticapi`` is that program bug for bug. The others are what the
evaluators of other datasets and libraries do differently.

Sources: Kirillov et al., "Panoptic Segmentation", CVPR 2019, section 4.1 (void and group regions);
cocodataset/panopticapi, ``panopticapi/evaluation.py`` at 7bb4655; mcordts/cityscapesScripts 0bcc4a7;
bdd100k/bdd100k, ``eval/pan_seg.py`` at 9ac17c6; google-research/deeplab2 64bc1c1, ``panoptic_quality.py``;
tensorflow/models, ``research/deeplab/evaluation/panoptic_quality.py``; Lightning-AI/torchmetrics 1.9.0;
PRBonn/semantic-kitti-api a9c749e and nutonomy/nuscenes-devkit d9de17a, ``PanopticEval``; vqdang/hover_net
67e2ce5, ``get_fast_pq``; TissueImageAnalytics/PanNuke-metrics c00014d; TissueImageAnalytics/CoNIC c1c4964.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from pqeval.averaging import POOLED, Averaging
from pqeval.categories import integral
from pqeval.errors import UsageError

__all__ = ["CONVENTIONS", "UNKNOWN_POLICIES", "VoidPolicy", "convention"]


@dataclass(frozen=True)
class VoidPolicy:
    """How void, unknown and crowd are treated, and how classes are averaged.

    Parameters
    ----------
    name : str
        Name of the convention.
    stated_areas : bool
        Take the area of a gt segment from its list, where that states one, instead of counting pixels.
    last_crowd_only : bool
        Of several crowds of a class in an image, only the last listed one excuses false positives.
    repeated : {"merge", "last"}
        Two list entries of one segment id: one segment, or whatever the last entry says.
    drop_unknown_gt : bool
        Drop gt segments whose category the table lacks (with a warning) instead of raising.
    file_order : bool
        Sum IoUs in the order of the ground-truth file instead of by image id.
    void_in_union : bool
        Predicted pixels on gt void stay in the union.
    unknown_in_union : bool
        Gt pixels that were predicted as unknown stay in the union.
    void_deleted : bool
        Gt void is taken away from predictions, from their areas too.
    excuse : {"own crowd", "any crowd", "void", "none"}
        What excuses an unmatched prediction that it covers by more than half: void and crowds of its class; void
        and crowds of all classes; void; nothing.
    excuse_missed : bool
        Unknown excuses an unmatched gt segment that it covers by more than half.
    smallest : int
        Unmatched segments with fewer pixels (or points) are not counted.
    crowd_is_void : bool
        Gt crowds, and gt segments whose category the table lacks, are void.
    merge_stuff : bool
        All segments of a stuff class in an image are one, on both sides.
    skip_pred_crowd : bool
        Predicted segments marked as crowd take no part.
    most_segments : int or None
        Of the predicted segments of an image only so many take part, by ascending id.
    averaging : Averaging
        How scores are averaged.
    reference : str
        The program that goes by stated areas, by the last crowd of a class and by the last entry of a repeated id,
        and otherwise by the same rules; empty where there is none.
    unknown : {"error", "void", "fp"}
        Predicted segments whose category the table lacks: refuse them, treat them as void, or count each as
        a false positive of the class whose ground truth it covers most (where it covers none, it costs nothing).
    unknown_categories : frozenset of int
        Category ids that mean "unknown" in predictions; their segments are void.
    """

    name: str
    stated_areas: bool = False
    last_crowd_only: bool = False
    repeated: str = "merge"
    drop_unknown_gt: bool = False
    file_order: bool = False
    void_in_union: bool = False
    unknown_in_union: bool = True
    void_deleted: bool = False
    excuse: str = "own crowd"
    excuse_missed: bool = False
    smallest: int = 0
    crowd_is_void: bool = False
    merge_stuff: bool = False
    skip_pred_crowd: bool = False
    most_segments: int | None = None
    averaging: Averaging = POOLED
    reference: str = ""
    unknown: str = "error"
    unknown_categories: frozenset[int] = frozenset()

    @property
    def unknown_class(self) -> int:
        """What a predicted category is, to the kernels, that the table lacks."""
        from pqeval.core import kernels

        return kernels.UNKNOWN_IS_WRONG if self.unknown == "fp" else kernels.TAKES_NO_PART

    @cached_property
    def rules(self) -> int:
        """What the kernels have to do differently."""
        from pqeval.core import kernels

        excuses = {
            "own crowd": 0,
            "any crowd": kernels.ANY_CROWD,
            "void": kernels.EXCUSE_BY_VOID,
            "none": kernels.EXCUSE_BY_NONE,
        }
        return (
            excuses[self.excuse]
            | kernels.KEEP_VOID * self.void_in_union
            | kernels.DROP_UNKNOWN * (not self.unknown_in_union)
            | kernels.DELETE_VOID * self.void_deleted
            | kernels.EXCUSE_MISSED * self.excuse_missed
            | kernels.SKIP_PRED_CROWD * self.skip_pred_crowd
        )


LIDAR = {"void_deleted": True, "excuse": "none", "averaging": Averaging(absent="zero", nothing=0.0)}
NUCLEI = {"void_in_union": True, "excuse": "none"}

CONVENTIONS = {
    policy.name: policy
    for policy in (
        VoidPolicy("coco", reference="panopticapi"),
        VoidPolicy(
            "panopticapi",
            stated_areas=True,
            last_crowd_only=True,
            repeated="last",
            drop_unknown_gt=True,
            file_order=True,
        ),
        VoidPolicy("cityscapes", reference="cityscapesscripts"),
        VoidPolicy(
            "bdd100k",
            void_in_union=True,
            excuse="any crowd",
            skip_pred_crowd=True,
            most_segments=100,
            averaging=Averaging(nothing=0.0),
        ),
        VoidPolicy("deeplab2", excuse="void"),
        VoidPolicy("tf-models", excuse="any crowd", averaging=Averaging(nothing=0.0)),
        VoidPolicy(
            "torchmetrics",
            unknown_in_union=False,
            excuse="void",
            excuse_missed=True,
            crowd_is_void=True,
            merge_stuff=True,
        ),
        VoidPolicy("lidar", smallest=50, **LIDAR),  # type: ignore[arg-type]
        VoidPolicy("nuscenes", smallest=15, **LIDAR),  # type: ignore[arg-type]
        VoidPolicy(
            "hovernet",
            averaging=Averaging(over="images", binary=True, tp_plus=1e-6),
            **NUCLEI,  # type: ignore[arg-type]
        ),
        VoidPolicy(
            "pannuke",
            averaging=Averaging(over="images", undefined="gt", binary=True, strata=True, tp_plus=1e-6),
            **NUCLEI,  # type: ignore[arg-type]
        ),
        VoidPolicy(
            "conic",
            averaging=Averaging(absent="zero", undefined="never", binary=True, half_plus=1e-6, tp_plus=1e-6),
            **NUCLEI,  # type: ignore[arg-type]
        ),
    )
}

UNKNOWN_POLICIES = ("error", "void", "fp")


def convention(name: str, *, unknown: str = "error", unknown_categories: Iterable[int] = ()) -> VoidPolicy:
    """Look a convention up and complete it with the user's unknown policy.

    Raises
    ------
    UsageError
        For a name or a policy that does not exist.
    """
    if not isinstance(name, str) or name not in CONVENTIONS:
        raise UsageError(
            code="unknown-convention",
            found=f"no convention is called {name!r}",
            expected=f"one of: {', '.join(CONVENTIONS)}",
            remedy="use coco unless you need panopticapi's numbers with its quirks",
        )
    if unknown not in UNKNOWN_POLICIES:
        raise UsageError(
            code="unknown-policy",
            found=f"no unknown policy is called {unknown!r}",
            expected=f"one of: {', '.join(UNKNOWN_POLICIES)}",
            remedy="use error to be told about categories that the table lacks",
        )
    listed = list(unknown_categories) if isinstance(unknown_categories, Iterable) else [unknown_categories]
    numbers = [integral(number) for number in listed]
    if None in numbers:
        raise UsageError(
            code="unknown-categories",
            found=f"unknown_categories is {unknown_categories!r:.60}",
            expected="category ids",
            remedy="for example unknown_categories=[255]",
        )
    return replace(CONVENTIONS[name], unknown=unknown, unknown_categories=frozenset(numbers))  # type: ignore[arg-type]
