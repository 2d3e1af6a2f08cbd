"""The semantic logits that instances have inside their boxes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pqeval.fusion._semantics import Semantics

__all__ = ["logits_in_boxes"]


def logits_in_boxes(
    semantics: Semantics, boxes: NDArray[np.floating[Any]], channels: NDArray[np.intp]
) -> NDArray[np.floating[Any]]:
    """Cut out, for each instance, the logits of its class inside its box.

    Parameters
    ----------
    semantics : Semantics
        With channels.
    boxes : (K, 4) float
        Left, top, right and bottom. A pixel is inside if its centre is: the first one has it at (0.5, 0.5), and
        the right and the bottom edge are outside.
    channels : (K,) int
        The channel of the class of each instance.

    Returns
    -------
    (K, H, W) float
        Zero outside the box.
    """
    height, width = semantics.size
    found = np.zeros((len(boxes), height, width), semantics.logits.dtype)
    rows, columns = np.arange(height) + 0.5, np.arange(width) + 0.5
    for at, (left, top, right, bottom) in enumerate(boxes.tolist()):
        inside = ((rows >= top) & (rows < bottom))[:, None] & ((columns >= left) & (columns < right))
        found[at][inside] = semantics.logits[channels[at]][inside]
    return found
