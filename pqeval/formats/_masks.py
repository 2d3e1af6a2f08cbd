"""Masks of one image, which may overlap, made a map in which every pixel has one owner.

Any format whose segments are masks, contours or channels comes through here: it gives the pixels of each, and a
rule says who owns what two of them share. The rule ``score`` is what cocodataset/panopticapi at 7bb4655,
``combine_semantic_and_instance_predictions.py``, does with its default thresholds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from pqeval.errors import DataWarning, PqevalError, SegmentError
from pqeval.labelmap import LabelMap
from pqeval.rows import NO_AREA, Rows, score_column

__all__ = ["RULES", "Limits", "Mask", "paste"]

RULES = ("error", "first", "last", "smaller-on-top", "score")
SHOWN = 5


@dataclass(frozen=True, eq=False)
class Mask:
    """One mask.

    Parameters
    ----------
    pixels : (K,) int64
        Its pixels as places in the flattened map (row * width + column), each once, in any order.
    category_id : int
        Its category.
    name : str
        What messages call it, for example ``"annotation 12"``.
    isthing : bool
        Whether its category is a thing. Stuff masks of one category are joined to one segment.
    iscrowd : bool
        Whether it is a region of many objects.
    score : float, optional
        How sure the prediction is.
    behind : bool
        Whether it only takes what all masks that are not behind leave free, whatever the rule, ``error`` excepted.
    """

    pixels: npt.NDArray[np.int64]
    category_id: int
    name: str
    isthing: bool = True
    iscrowd: bool = False
    score: float | None = None
    behind: bool = False


@dataclass(frozen=True)
class Limits:
    """What the rule ``score`` drops; other rules drop nothing that has a pixel left.

    Parameters
    ----------
    min_score : float
        A thing with a lower score.
    max_covered : Fraction
        A thing of which a larger part is covered already.
    min_stuff : int
        A stuff class with fewer free pixels.
    """

    min_score: float = 0.5
    max_covered: Fraction = Fraction(1, 2)
    min_stuff: int = 4096


def paste(
    shape: tuple[int, ...],
    masks: Sequence[Mask],
    rule: str,
    *,
    limits: Limits | None = None,
    remedy: str = "say which mask is on top with overlap=smaller-on-top, or first, or last",
    problems: list[PqevalError],
) -> tuple[LabelMap, Rows]:
    """Paste masks into one map.

    Parameters
    ----------
    shape : tuple of int
        (H, W) of the map.
    masks : sequence of Mask
        The masks, in the order of the data.
    rule : {"error", "first", "last", "smaller-on-top", "score"}
        Who owns a pixel that several masks have: nobody, it is an error; the first or the last of the list; the
        one with the fewest pixels; or the thing with the highest score, before all stuff. Ties go to the first.
    limits : Limits, optional
        What the rule ``score`` drops.
    remedy : str
        What to do about an overlap that is an error.
    problems : list
        Receives a warning about masks of which nothing can be seen; the rule ``score`` drops these silently.

    Returns
    -------
    labels : LabelMap
        The segment id of a mask is its place in ``masks``, from 1; pixels without mask are 0.
    rows : Rows
        The segments that own a pixel, by ascending id.

    Raises
    ------
    SegmentError
        For an overlap under the rule ``error``, and for a thing without score under the rule ``score``.

    Examples
    --------
    >>> import numpy as np
    >>> left = Mask(np.array([0, 1, 2]), category_id=7, name="annotation 1")
    >>> right = Mask(np.array([2, 3]), category_id=8, name="annotation 2")
    >>> labels, rows = paste((1, 5), [left, right], "smaller-on-top", problems=[])
    >>> labels.to_array().tolist(), rows.category_ids.tolist()
    ([[1, 1, 2, 2, 0]], [7, 8])
    """
    listed = _joined(masks)
    canvas = np.zeros(math.prod(shape), np.uint32)
    limits = limits or Limits()
    kept: list[int] = []
    clashes: list[int] = []
    for number in _order(listed, rule):
        mask = listed[number]
        free = mask.pixels[canvas[mask.pixels] == 0]
        if len(free) < len(mask.pixels):
            clashes.append(number)
        if rule == "score" and _dropped(mask, len(free), limits):
            continue
        if len(free):
            canvas[free] = number
            kept.append(number)
    if clashes and rule == "error":
        raise _overlap(listed, canvas, clashes, remedy)
    if rule != "score":
        _report_unseen([mask for number, mask in listed.items() if number not in set(kept)], problems)
    kept.sort()
    rows = Rows(
        np.array(kept, np.int64),
        np.array([listed[number].category_id for number in kept], np.int64),
        np.array([listed[number].iscrowd for number in kept], np.uint8),
        np.full(len(kept), NO_AREA, np.int64),
        score_column([listed[number].score for number in kept]),
    )
    return LabelMap.from_array(canvas.reshape(shape)), rows


def _joined(masks: Sequence[Mask]) -> dict[int, Mask]:
    """Masks by segment id; stuff masks of one category under the id of the first of them."""
    listed: dict[int, Mask] = {}
    stuff: dict[tuple[int, bool], int] = {}
    for number, mask in enumerate(masks, start=1):
        first = number if mask.isthing else stuff.setdefault((mask.category_id, mask.iscrowd), number)
        before = listed.get(first)
        if before is None:
            listed[first] = mask
        else:
            pixels = np.union1d(before.pixels, mask.pixels)
            score = max((score for score in (before.score, mask.score) if score is not None), default=None)
            listed[first] = replace(before, pixels=pixels, score=score)
    return listed


def _order(listed: dict[int, Mask], rule: str) -> Iterator[int]:
    """Segment ids, those on top first."""
    numbers = list(listed)
    if rule == "last":
        numbers.reverse()
    elif rule == "smaller-on-top":
        numbers.sort(key=lambda number: len(listed[number].pixels))
    elif rule == "score":
        for mask in listed.values():
            if mask.score is None and mask.isthing:
                raise SegmentError(
                    code="mask-score",
                    found=f"{mask.name} has no score",
                    expected="a score for every thing, by which masks that overlap are ordered",
                    remedy="write the scores, or order the masks in another way, for example with overlap=first",
                )
        numbers.sort(key=lambda number: -(listed[number].score or 0.0))
    behind = {number: mask.behind or (rule == "score" and not mask.isthing) for number, mask in listed.items()}
    if rule != "error":
        numbers.sort(key=behind.__getitem__)
    return iter(numbers)


def _dropped(mask: Mask, free: int, limits: Limits) -> bool:
    if not mask.isthing:
        return free < limits.min_stuff
    covered = len(mask.pixels) - free
    return (mask.score or 0.0) < limits.min_score or covered > limits.max_covered * len(mask.pixels)


def _overlap(
    listed: dict[int, Mask], canvas: npt.NDArray[np.uint32], clashes: list[int], remedy: str
) -> SegmentError:
    """The error about the first mask that shares pixels with one before it."""
    second = listed[clashes[0]]
    owners = canvas[second.pixels]
    first = listed[int(owners[owners != clashes[0]].min())]
    shared = len(np.intersect1d(first.pixels, second.pixels))
    more = len(clashes) - 1
    return SegmentError(
        code="masks-overlap",
        found=f"{first.name} and {second.name} share {shared} pixel{'s' * (shared > 1)}"
        + (f"; {more} more of this image overlap{'s' * (more == 1)} others" if more else ""),
        expected="masks that do not overlap",
        remedy=remedy,
    )


def _report_unseen(masks: list[Mask], problems: list[PqevalError]) -> None:
    for code, empty, found, remedy in (
        ("mask-empty", True, "no pixel", "remove masks that cover no pixel"),
        ("mask-hidden", False, "no pixel left under the others", "check these masks, or choose another rule"),
    ):
        names = [mask.name for mask in masks if (len(mask.pixels) == 0) == empty]
        if names:
            shown = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
            problems.append(
                DataWarning(
                    code=code,
                    found=f"{shown}: {found}; left out",
                    expected="masks of which something can be seen",
                    remedy=remedy,
                )
            )
