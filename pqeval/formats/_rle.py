"""Run lengths and polygons of COCO, made the pixels of a mask.

Source: cocodataset/cocoapi, ``common/maskApi.c``: runs go down the columns, the first one counts zeros. In the
compressed form a count is a signed number in groups of five bits, the lowest first, with 32 added to all groups
but the last and 48 to every character; from the fourth count on it is the difference to that two places before.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pqeval.categories import integral
from pqeval.errors import SegmentError
from pqeval.labelmap import MAX_PIXELS

__all__ = ["mask_size", "pixels_of", "unpacked"]

LONGEST = 12  # groups of a number that is sure to fit into int64
FAR = 10


def unpacked(text: str | bytes) -> npt.NDArray[np.int64]:
    """Decode compressed run lengths.

    Parameters
    ----------
    text : str or bytes
        The compressed form.

    Returns
    -------
    (R,) int64
        The runs: zeros, ones, zeros, ...

    Raises
    ------
    SegmentError
        If it is no such text.

    Examples
    --------
    >>> unpacked("5220003").tolist()
    [5, 2, 2, 2, 2, 2, 5]
    """
    data = text.encode("utf-8", "replace") if isinstance(text, str) else text
    groups = np.frombuffer(data, np.uint8).astype(np.int64) - 48
    if not len(groups):
        return np.zeros(0, np.int64)
    last = np.flatnonzero(groups < 32)
    starts = np.append(0, last[:-1] + 1)
    lengths = np.diff(np.append(starts, len(groups)))
    sound = groups.min() >= 0 and groups.max() < 64 and len(last) and last[-1] == len(groups) - 1
    if not sound or lengths.max() > LONGEST:
        raise SegmentError(
            code="rle-text",
            found=f"the compressed run lengths {text!r:.30} are cut off, or have characters of another kind",
            expected="run lengths as pycocotools writes them",
            remedy="write the mask again with pycocotools.mask.encode(...)['counts'].decode()",
        )
    within = np.arange(len(groups)) - np.repeat(starts, lengths)
    counts = np.add.reduceat((groups & 31) << 5 * within, starts)
    negative = groups[last] & 16 > 0
    counts -= np.where(negative, np.int64(1) << 5 * lengths, 0)
    for parity in (1, 2):
        counts[parity::2] = np.cumsum(counts[parity::2])
    return counts


def pixels_of(segmentation: Any, size: tuple[int, int]) -> npt.NDArray[np.int64]:
    """Return the pixels of a mask.

    Parameters
    ----------
    segmentation : list or dict
        Polygons, or run lengths in either form, as COCO has them.
    size : (int, int)
        Height and width of the image.

    Returns
    -------
    (K,) int64
        Places in the flattened map, each once.

    Raises
    ------
    SegmentError
        If it is no such thing, or does not fit the size.
    """
    runs = _drawn(segmentation, size) if isinstance(segmentation, list) else _counts(segmentation)
    height, width = size
    negative = len(runs) and runs.min() < 0
    if negative or (len(runs) and runs.max() > MAX_PIXELS) or int(runs.sum()) != height * width:
        raise SegmentError(
            code="rle-sum",
            found=f"a run length is {runs.min()}"
            if negative
            else f"the run lengths add up to {sum(runs.tolist())}",
            expected=f"run lengths that add up to {height * width}, for {width} x {height} (width x height)",
            remedy="write the mask again, and its size as [height, width]",
        )
    ends = np.cumsum(runs)
    ones = runs[1::2]
    places = np.repeat(ends[1::2] - np.cumsum(ones), ones) + np.arange(int(ones.sum()))
    down: npt.NDArray[np.int64] = places % height * width + places // height
    return down


def _sum(runs: npt.NDArray[np.int64]) -> int:
    return sum(runs.tolist())  # it may be more than int64 holds


def _counts(segmentation: Any) -> npt.NDArray[np.int64]:
    counts = segmentation.get("counts") if isinstance(segmentation, dict) else None
    if isinstance(counts, str | bytes):
        return unpacked(counts)
    whole = [integral(count) for count in counts] if isinstance(counts, list) else [None]
    if any(count is None or not -MAX_PIXELS <= count <= MAX_PIXELS for count in whole):
        raise SegmentError(
            code="segmentation",
            found=f"segmentation is {segmentation!r:.60}",
            expected='a list of polygons, or {"size": [height, width], "counts": ...} with a text or integers',
            remedy="write the mask as pycocotools does",
        )
    return np.array(whole, np.int64)


def _drawn(polygons: list[Any], size: tuple[int, int]) -> npt.NDArray[np.int64]:
    """The run lengths of polygons."""
    height, width = size
    if not polygons:
        return np.array([height * width], np.int64)
    most = FAR * max(size)
    for polygon in polygons:
        # Four numbers would be a box to pycocotools, and far points make it fill the memory.
        numbers = polygon if isinstance(polygon, list) else []
        plain = all(isinstance(number, int | float) and not isinstance(number, bool) for number in numbers)
        if len(numbers) < 6 or len(numbers) % 2 or not plain or not all(abs(number) <= most for number in numbers):
            raise SegmentError(
                code="polygon",
                found=f"a polygon is {polygon!r:.60}",
                expected=f"x and y of three points or more, in pixels, none farther away than {most}",
                remedy="write it as [x1, y1, x2, y2, x3, y3, ...], or the mask as run lengths",
            )
    from pycocotools import mask  # most predictions have no polygons

    return unpacked(mask.merge(mask.frPyObjects(polygons, height, width))["counts"])


def mask_size(segmentation: Any) -> tuple[int, int] | None:
    """Return the height and width that run lengths state; ``None`` for polygons.

    Raises
    ------
    SegmentError
        If they state none.
    """
    if not isinstance(segmentation, dict):
        return None
    stated = segmentation.get("size")
    size = tuple(integral(number) for number in stated) if isinstance(stated, list) else ()
    if len(size) != 2 or None in size or min(size) < 1 or size[0] * size[1] > MAX_PIXELS:  # type: ignore[type-var,operator]
        raise SegmentError(
            code="rle-size",
            found=f"the size of a mask is {stated!r:.60}",
            expected=f"[height, width], at most {MAX_PIXELS} pixels",
            remedy="write the size that pycocotools gives",
        )
    return size  # type: ignore[return-value]
