"""The semantic output of a network, in either of its two forms."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pqeval.errors import CategoryError, ShapeError, UsageError
from pqeval.fusion._checks import Gate, ids_of

__all__ = ["Semantics", "read_logits", "read_semantics", "read_things"]


class Semantics(NamedTuple):
    """What class each pixel has; without channels where only the classes were given."""

    classes: NDArray[np.int64]
    """(H, W) category ids."""
    logits: NDArray[np.floating[Any]]
    """(C, H, W)"""
    channels: tuple[int, ...]
    """The category id of each channel."""
    things: frozenset[int]
    other: int

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        height, width = self.classes.shape
        return height, width

    def is_stuff(self, category: int) -> bool:
        """Whether a category is stuff: neither a thing nor what stands for no category."""
        return category not in self.things and category != self.other

    @property
    def stuff_channels(self) -> list[int]:
        """The channels of stuff, in their order."""
        return [at for at, category in enumerate(self.channels) if self.is_stuff(category)]

    def channels_of(self, categories: NDArray[np.int64]) -> NDArray[np.intp]:
        """Return the channel of the category of each instance.

        Raises
        ------
        CategoryError
            If one has none.
        """
        lacking = sorted(set(categories.tolist()) - set(self.channels))
        if lacking:
            raise CategoryError(
                code="fusion-channel-missing",
                found=f"the semantic output has no channel for category {lacking[0]} of an instance",
                expected="a channel for each thing: this rule adds it to the mask",
                remedy="pass the logits of stuff and of things, and name the category of each channel in channels",
            )
        return np.array([self.channels.index(category) for category in categories.tolist()], np.intp)


def read_things(things: Any, other: int | None = None) -> frozenset[int]:
    """Read which categories are things.

    Raises
    ------
    CategoryError
        If they are no category ids.
    UsageError
        If the id that stands for no category is among them.
    """
    found = frozenset(ids_of("things", things))
    if other is not None and ids_of("other", [other])[0] in found:
        raise UsageError(
            code="fusion-other",
            found=f"things holds {other}, which stands for no category",
            expected="an id of its own for pixels without category",
            remedy="for tables with category 0 choose another number, for example other=255",
        )
    return found


def read_semantics(gate: Gate, semantic: Any, channels: Any, things: Any, other: int) -> Semantics:
    """Read a map of category ids, or logits together with the category of each channel.

    The class of a pixel is that of the largest logit, the first one on ties.

    Raises
    ------
    DataError, UsageError
        If they are of neither form.
    """
    if channels is not None:
        return read_logits(gate, semantic, channels, things, other)
    if getattr(semantic, "ndim", 2) == 3:
        raise ShapeError(
            code="fusion-channels",
            found="semantic has three axes, and channels is not given",
            expected="a map (H, W) of category ids, or logits (C, H, W) and the category of each channel",
            remedy="pass channels, for example channels=[0, 21, 22] for other, road and sky",
        )
    classes = gate.integers("semantic", semantic, "HW")
    none = np.zeros((0, *classes.shape), np.float32)
    return Semantics(classes, none, (), read_things(things, other), other)


def read_logits(gate: Gate, semantic: Any, channels: Any, things: Any, other: int) -> Semantics:
    """Read logits together with the category of each channel.

    Raises
    ------
    DataError, UsageError
        If they are none, or if two channels are of one category.
    """
    named = ids_of("channels", channels)
    logits = gate.numbers("semantic", semantic, "CHW")
    if len(named) != len(logits):
        raise ShapeError(
            code="fusion-channels",
            found=f"semantic has {len(logits)} channels, and channels names {len(named)}",
            expected="the category of each channel",
            remedy=f"name a category twice only if it is {other}, for channels that are no category",
        )
    twice = sorted(category for category in set(named) - {other} if named.count(category) > 1)
    if twice:
        raise CategoryError(
            code="fusion-channel-twice",
            found=f"two channels are of category {twice[0]}",
            expected="one channel for each category",
            remedy="add them up, or take the larger one at each pixel, before the fusion",
        )
    classes = np.full(logits.shape[1:], other, np.int64)
    if named:
        classes = np.array(named, np.int64)[logits.argmax(0)]
    return Semantics(classes, logits, named, read_things(things, other), other)
