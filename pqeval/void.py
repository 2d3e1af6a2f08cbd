"""Void, unknown and crowd: every decision about them, as data.

A convention is one :class:`VoidPolicy`. ``coco`` is the leaderboard's rule set on well-formed input and the
right answer where panopticapi goes wrong; ``panopticapi`` is that program bug for bug.

Sources: Kirillov et al., "Panoptic Segmentation", CVPR 2019, section 4.1 (void and group regions);
cocodataset/panopticapi, ``panopticapi/evaluation.py`` at 7bb4655.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pqeval.categories import integral
from pqeval.core import kernels
from pqeval.errors import UsageError

__all__ = ["CONVENTIONS", "UNKNOWN_POLICIES", "VoidPolicy", "convention"]


@dataclass(frozen=True)
class VoidPolicy:
    """How void, unknown and crowd are treated.

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
    unknown: str = "error"
    unknown_categories: frozenset[int] = frozenset()

    @property
    def unknown_class(self) -> int:
        """What a predicted category is, to the kernels, that the table lacks."""
        return kernels.UNKNOWN_IS_WRONG if self.unknown == "fp" else kernels.TAKES_NO_PART


CONVENTIONS = {
    "coco": VoidPolicy("coco"),
    "panopticapi": VoidPolicy(
        "panopticapi",
        stated_areas=True,
        last_crowd_only=True,
        repeated="last",
        drop_unknown_gt=True,
        file_order=True,
    ),
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
