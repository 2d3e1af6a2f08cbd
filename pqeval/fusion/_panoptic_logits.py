"""Logits for stuff and for single instances side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pqeval.fusion._boxes import logits_in_boxes
from pqeval.fusion._checks import Gate
from pqeval.fusion._semantics import read_logits

__all__ = ["panoptic_logits"]


def panoptic_logits(
    *,
    masks: Any,
    boxes: Any,
    categories: Any,
    semantic: Any,
    channels: Any,
    things: Any,
    other: int = 0,
    unknown: bool = True,
) -> tuple[NDArray[np.floating[Any]], tuple[int, ...]]:
    """Make the panoptic logits: stuff, then instances, then unknown.

    A stuff channel is its semantic logit. An instance has its mask logit, plus the semantic logit of its class
    inside its box. Unknown is the largest semantic logit of a thing, minus the largest of those inside boxes.
    Without any instance there is no channel for unknown.

    Parameters
    ----------
    masks : (K, H, W) float
        Mask logits, zero outside the box.
    boxes : (K, 4) float
        Left, top, right and bottom; a pixel is inside if its centre is.
    categories : (K,) int
        The category id of each instance.
    semantic : (C, H, W) float
        Logits of stuff and of things.
    channels : (C,) int
        The category id of each channel of `semantic`.
    things : set or sequence of int
        The category ids that are things; all others are stuff.
    other : int
        The id of channels that are no category; they take no part.
    unknown : bool
        Whether there is a channel for unknown.

    Returns
    -------
    logits : (S + K + 1, H, W) float
        Without the last channel where there is no unknown.
    stuff : tuple of int
        The category id of each of the first S channels.

    Raises
    ------
    UsageError
        If `other` is among `things`.
    DataError
        If the arrays do not fit together, or the class of an instance has no channel.

    Examples
    --------
    >>> from pqeval.fusion import upsnet
    >>> logits, stuff = upsnet.panoptic_logits(
    ...     masks=[[[2.0, 0.0]]],
    ...     boxes=[[0, 0, 1, 1]],
    ...     categories=[1],
    ...     semantic=[[[3.0, 3.0]], [[4.0, 5.0]]],
    ...     channels=[7, 1],
    ...     things={1},
    ... )
    >>> logits.tolist(), stuff
    ([[[3.0, 3.0]], [[6.0, 0.0]], [[0.0, 5.0]]], (7,))
    """
    gate = Gate()
    semantics = read_logits(gate, semantic, channels, things, other)
    mask = gate.numbers("masks", masks, "KHW")
    box = gate.numbers("boxes", boxes, "K4")
    category = gate.categories(categories, semantics.things)
    explained = logits_in_boxes(semantics, box, semantics.channels_of(category))
    parts = [semantics.logits[semantics.stuff_channels], explained + mask]
    if unknown and len(mask):
        thing = [at for at, named in enumerate(semantics.channels) if named in semantics.things]
        parts.append((semantics.logits[thing].max(0) - explained.max(0))[None])
    return np.concatenate(parts), tuple(semantics.channels[at] for at in semantics.stuff_channels)
