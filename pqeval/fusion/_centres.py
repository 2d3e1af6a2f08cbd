"""Votes for the centres of objects."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

from pqeval.errors import UsageError
from pqeval.fusion._checks import Gate, check_numbers

__all__ = ["find_centres", "group_pixels"]


def find_centres(
    *, heat: Any, centre_threshold: float = 0.1, nms_window: int = 41, top_k: int | None = 200
) -> NDArray[np.intp]:
    """Find the peaks of a heat map.

    A pixel is a peak if it is above the threshold and above 0 and none is larger in the window around it; so all
    pixels of a plateau are peaks. Of `top_k` peaks or more, those stay that are *larger than* the `top_k`-th: of
    200 different ones 199, of 199 all. That is how the authors' code and detectron2 do it.

    Parameters
    ----------
    heat : (H, W) float
        How much a pixel looks like a centre.
    centre_threshold : float
        Centres are larger than this.
    nms_window : int
        Side of the window, odd.
    top_k : int or None
        How many centres are too many; ``None``: never.

    Returns
    -------
    (N, 2) int
        Row and column of each peak, in the order of rows, then columns.

    Raises
    ------
    UsageError
        If a setting is no number, the window is even, or `top_k` is less than 1.
    DataError
        If `heat` is not (H, W).

    Examples
    --------
    >>> from pqeval.fusion import panoptic_deeplab
    >>> panoptic_deeplab.find_centres(heat=[[0.2, 0.9, 0.3, 0.3]], nms_window=3).tolist()
    [[0, 1], [0, 3]]
    """
    check_numbers(centre_threshold=centre_threshold, nms_window=nms_window, top_k=1 if top_k is None else top_k)
    if nms_window % 2 != 1 or nms_window < 1 or (top_k is not None and top_k < 1):
        raise UsageError(
            code="fusion-peaks",
            found=f"nms_window is {nms_window}, top_k is {top_k}",
            expected="an odd window, so that it has a middle, and a top_k from 1, or None",
            remedy="for example nms_window=7, top_k=200",
        )
    found = Gate().numbers("heat", heat, "HW")
    raised = np.where(found > centre_threshold, found, found.dtype.type(-1))
    peaks = (maximum_filter(raised, size=int(nms_window), mode="constant", cval=-1) == raised) & (raised > 0)
    if top_k is not None and np.count_nonzero(peaks) >= top_k:
        peaks &= raised > np.sort(raised[peaks])[-int(top_k)]
    return np.argwhere(peaks)


def group_pixels(*, offsets: Any, centres: Any, where: Any) -> NDArray[np.int32]:
    """Let pixels join the centre nearest to where their offset points, the first one on ties.

    Parameters
    ----------
    offsets : (2, H, W) float
        From each pixel to the centre of its object: rows, then columns.
    centres : (N, 2) int
        Row and column of each centre.
    where : (H, W) bool
        Which pixels join; those of things.

    Returns
    -------
    (H, W) int32
        The centre of each pixel, counted from 1; 0 for the others, and everywhere if there is no centre.

    Raises
    ------
    DataError
        If the arrays do not fit together.

    Examples
    --------
    >>> import numpy as np
    >>> from pqeval.fusion import panoptic_deeplab
    >>> offsets = np.zeros((2, 1, 5), np.float32)
    >>> panoptic_deeplab.group_pixels(offsets=offsets, centres=[[0, 0], [0, 4]], where=[[1, 1, 1, 1, 0]]).tolist()
    [[1, 1, 1, 2, 0]]
    """
    gate = Gate()
    joining = gate.numbers("where", where, "HW") != 0
    shift = gate.numbers("offsets", offsets, "2HW")
    places = gate.integers("centres", centres, "N2") if np.size(centres) else np.zeros((0, 2), np.int64)
    down, across = (axis.astype(shift.dtype) for axis in np.nonzero(joining))
    down += shift[0][joining]
    across += shift[1][joining]
    nearest = np.full(down.shape, np.inf, shift.dtype)
    owners = np.zeros(down.shape, np.int32)
    for at, (row, column) in enumerate(places.tolist(), start=1):
        distance = (down - row) ** 2 + (across - column) ** 2
        closer = distance < nearest
        nearest[closer] = distance[closer]
        owners[closer] = at
    found = np.zeros(joining.shape, np.int32)
    found[joining] = owners
    return found
