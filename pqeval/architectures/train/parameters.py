"""Layers that learn: made when a definition first asks for them, with batch normalisation where it says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pqeval.architectures.train import ops

__all__ = ["AUXILIARY", "TrainableParameters"]

AUXILIARY = "auxiliary"
"""How layers begin that only help to learn."""


class _Layer(nn.Module):
    def __init__(self, shape: tuple[int, ...], *, norm: bool, start: float, spread: float | None):
        super().__init__()
        weight = torch.empty(shape)
        # Halves the time of a step on a CPU.
        self.weight = nn.Parameter(
            weight.contiguous(memory_format=torch.channels_last) if len(shape) == 4 else weight
        )
        if spread is None:
            nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        else:
            nn.init.normal_(self.weight, std=spread)
        self.bias = nn.Parameter(torch.full((shape[0],), float(start)))
        self.norm = nn.BatchNorm2d(shape[0]) if norm else None

    def folded(self) -> tuple[Tensor, Tensor]:
        """Weight and bias that do in one what the layer and its normalisation do in evaluation mode."""
        norm = self.norm
        if norm is None:
            return self.weight, self.bias
        mean, variance = norm.running_mean, norm.running_var
        assert mean is not None
        assert variance is not None
        scale = norm.weight / torch.sqrt(variance + norm.eps)
        bias = norm.bias + (self.bias - mean) * scale
        return self.weight * scale.reshape(-1, *[1] * (self.weight.ndim - 1)), bias


def _normalised(norm: nn.BatchNorm2d, images: list[Tensor]) -> list[Tensor]:
    """Normalise maps of several sizes by statistics of all of them."""
    stacks = [image.reshape(-1, *image.shape[-3:]) for image in images]
    if len(images) == 1:
        return [norm(stacks[0]).reshape(images[0].shape)]
    flat = norm(torch.cat([stack.flatten(2) for stack in stacks], 2)[..., None])[..., 0]
    parts = flat.split([stack[0, 0].numel() for stack in stacks], 2)
    return [part.reshape(image.shape) for part, image in zip(parts, images, strict=True)]


class TrainableParameters(nn.Module):
    """The torch twin of :class:`pqeval.architectures.parameters.Parameters`.

    Layers come into being in the first forward pass, so widths are stated in the definition of the network alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleDict()

    def _layer(self, name: str, shape: tuple[int, ...], **options: bool | float | None) -> _Layer:
        # A module's name may hold no dots.
        key = name.replace(".", "/")
        if key not in self.layers:
            self.layers[key] = _Layer(shape, **options).train(self.training)  # type: ignore[arg-type]
        layer = self.layers[key]
        assert isinstance(layer, _Layer)
        assert tuple(layer.weight.shape) == shape, f"layer {name}: {tuple(layer.weight.shape)}, used with {shape}"
        return layer

    def conv(self, name: str, image: Tensor, width: int, size: int = 3, **options: Any) -> Tensor:
        return self.shared(name, [image], width, size=size, **options)[0]

    def shared(
        self,
        name: str,
        images: Sequence[Tensor],
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
    ) -> list[Tensor]:
        shape = (width, images[0].shape[-3] // groups, size, size)
        # A layer without either is a predictor: it starts close to its bias.
        spread = 0.0 if zero else None if norm or relu else 0.01
        layer = self._layer(name, shape, norm=norm, start=start, spread=spread)
        how = {"stride": stride, "dilation": dilation, "groups": groups}
        # What follows normalisation needs no bias before it.
        out = [ops.conv2d(image, layer.weight, None if norm else layer.bias, **how) for image in images]
        if layer.norm is not None:
            out = _normalised(layer.norm, out)
        return [ops.relu(image) for image in out] if relu else out

    def linear(self, name: str, rows: Tensor, width: int, *, relu: bool = True) -> Tensor:
        layer = self._layer(name, (width, rows.shape[-1]), norm=False, start=0.0, spread=None if relu else 0.01)
        out = ops.linear(rows, layer.weight, layer.bias)
        return ops.relu(out) if relu else out

    @torch.no_grad()
    def export(self) -> dict[str, NDArray[np.float16]]:
        """Return all arrays as they are shipped: folded, float16; without layers called ``auxiliary``."""
        found = {}
        for key, layer in self.layers.items():
            if key.startswith(AUXILIARY):
                continue
            assert isinstance(layer, _Layer)
            for part, tensor in zip(("weight", "bias"), layer.folded(), strict=True):
                found[f"{key.replace('/', '.')}.{part}"] = tensor.numpy().astype(np.float16)
        return found
