"""Contours as pixels: what an outline encloses, with the outline itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from pqeval.errors import DataWarning, PqevalError, SegmentError
from pqeval.formats._meaning import shown

__all__ = ["Contour", "draw"]

Box: TypeAlias = tuple[int, int, int, int]
"""First and last column and row: left, top, right, bottom."""


class Contour(NamedTuple):
    """An outline.

    Parameters
    ----------
    number : int
        What it encloses gets this value.
    points : (N, 2) float64
        Pixels (x, y) on the outline, in order.
    kind : int or None
        The class of what it encloses, where that is told.
    """

    number: int
    points: npt.NDArray[np.float64]
    kind: int | None


def draw(
    contours: Sequence[Contour], size: tuple[int, int], problems: list[PqevalError]
) -> npt.NDArray[np.uint32]:
    """Draw what contours enclose, later ones over earlier ones.

    OpenCV's contours run through the outermost pixels of an object, and Pillow's polygons include their outline,
    so that an object without holes becomes what it was. Polygons of pycocotools would lose half a pixel on all
    sides.

    Parameters
    ----------
    contours : sequence of Contour
        With distinct numbers from 1.
    size : (int, int)
        Height and width.
    problems : list
        Receives warnings.

    Raises
    ------
    SegmentError
        For contours that leave the image, and those that others cover completely.
    """
    from PIL import Image, ImageDraw

    boxes = [_box(contour) for contour in contours]
    _check_inside(contours, boxes, size)
    drawn = np.zeros(size, np.uint32)
    covered = 0
    for contour, (left, top, right, bottom) in zip(contours, boxes, strict=True):
        mask = Image.new("L", (right - left + 1, bottom - top + 1))
        corners = [(x - left, y - top) for x, y in contour.points.tolist()]
        if len(corners) < 3:
            ImageDraw.Draw(mask).line([*corners, corners[0]], fill=1)
        else:
            ImageDraw.Draw(mask).polygon(corners, fill=1, outline=1)
        inside = np.asarray(mask, bool)
        place = drawn[top : bottom + 1, left : right + 1]
        covered += int(np.count_nonzero(place[inside]))
        place[inside] = contour.number
    if covered:
        _report_overlap(contours, drawn, covered, problems)
    return drawn


def _box(contour: Contour) -> Box:
    low, high = np.floor(contour.points.min(0)), np.ceil(contour.points.max(0))
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _check_inside(contours: Sequence[Contour], boxes: list[Box], size: tuple[int, int]) -> None:
    height, width = size
    beyond = [
        (contour.number, box)
        for contour, box in zip(contours, boxes, strict=True)
        if min(box) < 0 or box[2] >= width or box[3] >= height
    ]
    if beyond:
        left, top, right, bottom = beyond[0][1]
        raise SegmentError(
            code="contour-outside",
            found=f"nucleus {shown([number for number, _ in beyond])} leaves the image of {width} x {height} "
            f"(width x height); the first has x from {left} to {right} and y from {top} to {bottom}",
            expected="contours inside the image, whose first pixel is (0, 0)",
            remedy="check the size; contours of a whole slide have to be cut into images first",
            segment_id=beyond[0][0],
        )


def _report_overlap(
    contours: Sequence[Contour], drawn: npt.NDArray[np.uint32], covered: int, problems: list[PqevalError]
) -> None:
    problems.append(
        DataWarning(
            code="contours-overlap",
            found=f"contours overlap on {covered} pixels; the later one of the file has them",
            expected="contours that do not overlap",
            remedy="compare with the instance map that they were made of",
        )
    )
    left = set(np.unique(drawn).tolist())
    gone = [contour.number for contour in contours if contour.number not in left]
    if gone:
        raise SegmentError(
            code="contour-covered",
            found=f"nucleus {shown(gone)} has no pixel that later ones leave",
            expected="a pixel for every nucleus",
            remedy="leave out nuclei that are listed twice",
            segment_id=gone[0],
        )
