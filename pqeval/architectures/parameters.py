"""The layers of a network by name: where a definition gets its weights from.

A definition says ``params.conv("stem", image, 16, stride=2)`` and nothing else; what shape the weights have
follows from the input and the width asked for. :class:`Parameters` holds trained arrays,
:class:`RandomParameters` makes them up as they are asked for, and :mod:`pqeval.architectures.train.parameters`
has them learnt. Batch normalisation exists while training only: it is folded into weight and bias on export.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pqeval.architectures import ops
from pqeval.errors import DataError

__all__ = ["Parameters", "RandomParameters"]

Array = NDArray[np.float32]


class Parameters:
    """Weights of a network, by layer.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        ``NAME.weight`` and ``NAME.bias`` for every layer, of any float type; used as float32.
    """

    def __init__(self, arrays: Mapping[str, NDArray[np.floating]]):
        self.arrays: dict[str, Array] = {name: np.asarray(array, np.float32) for name, array in arrays.items()}

    def _take(self, name: str, shape: tuple[int, ...]) -> tuple[Array, Array]:
        found = tuple(self.arrays.get(f"{name}.{part}") for part in ("weight", "bias"))
        weight, bias = found
        if weight is None or bias is None or weight.shape != shape or bias.shape != shape[:1]:
            shapes = [None if part is None else part.shape for part in found]
            raise DataError(
                code="weights-misfit",
                found=f"layer {name!r} has weight and bias of shapes {shapes[0]} and {shapes[1]}",
                expected=f"shapes {shape} and {shape[:1]}",
                remedy="use the weights that belong to this network",
            )
        return weight, bias

    def conv(
        self,
        name: str,
        image: Array,
        width: int,
        size: int = 3,
        *,
        stride: int = 1,
        dilation: int = 1,
        groups: int = 1,
        norm: bool = True,
        relu: bool = True,
        start: float = 0.0,
        zero: bool = False,
    ) -> Array:
        """Convolve (..., C, H, W) to `width` channels with the layer called `name`.

        `norm`, `start` (the first bias) and `zero` (first weights of zero) matter in training only.
        """
        weight, bias = self._take(name, (width, image.shape[-3] // groups, size, size))
        out = ops.conv2d(image, weight, bias, stride=stride, dilation=dilation, groups=groups)
        return ops.relu(out) if relu else out

    def shared(self, name: str, images: Sequence[Array], width: int, **options: Any) -> list[Array]:
        """Convolve several maps, such as the levels of a pyramid, with one layer; options as of `conv`.

        In training they are normalised together: running means of a layer that saw one level at a time would fit
        none of them.
        """
        return [self.conv(name, image, width, **options) for image in images]

    def linear(self, name: str, rows: Array, width: int, *, relu: bool = True) -> Array:
        """Multiply the last axis of (..., C) to `width` with the layer called `name`."""
        weight, bias = self._take(name, (width, rows.shape[-1]))
        out = ops.linear(rows, weight, bias)
        return ops.relu(out) if relu else out


class RandomParameters(Parameters):
    """Weights drawn when a layer is first used: for the names and shapes of a definition, and for its tests.

    Parameters
    ----------
    seed : int
        The same seed and the same order of layers give the same weights.
    """

    def __init__(self, seed: int = 0):
        super().__init__({})
        self.random = np.random.RandomState(seed)

    def _take(self, name: str, shape: tuple[int, ...]) -> tuple[Array, Array]:
        if f"{name}.weight" not in self.arrays:
            spread = math.sqrt(2 / math.prod(shape[1:]))
            self.arrays[f"{name}.weight"] = (self.random.standard_normal(shape) * spread).astype(np.float32)
            self.arrays[f"{name}.bias"] = (self.random.standard_normal(shape[0]) * 0.1).astype(np.float32)
        return super()._take(name, shape)
