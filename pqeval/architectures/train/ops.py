"""The operations of :mod:`pqeval.architectures.ops` for torch: a batch axis in front, and gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

__all__ = [
    "concat",
    "constant",
    "conv2d",
    "coordinates",
    "depth_to_space",
    "linear",
    "mean_pool",
    "relu",
    "resize",
    "sample",
    "sigmoid",
]


def conv2d(
    image: Tensor, weight: Tensor, bias: Tensor | None, *, stride: int = 1, dilation: int = 1, groups: int = 1
) -> Tensor:
    stack = image.shape[:-3]
    padding = dilation * (weight.shape[-1] // 2)
    flat = image.reshape(-1, *image.shape[-3:])
    if groups == 1:
        # Twice as fast where the processor multiplies bfloat16; sums stay float32 inside.
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=torch.is_grad_enabled()):
            out = F.conv2d(flat, weight, bias, stride, padding, dilation)
    else:
        out = F.conv2d(flat, weight, bias, stride, padding, dilation, groups)
    return out.float().reshape(*stack, *out.shape[1:])


def linear(rows: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return F.linear(rows, weight, bias)


def relu(image: Tensor) -> Tensor:
    return torch.relu(image)


def sigmoid(image: Tensor) -> Tensor:
    return torch.sigmoid(image)


def sample(image: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Read (B, C, H, W) at (B, ...) points, zero outside: (B, C, ...)."""
    batch, _, height, width = image.shape
    flat = [points.reshape(batch, 1, -1) for points in (columns, rows)]
    # Without align_corners the grid runs from edge to edge of the map: no division by zero for one pixel.
    grid = torch.stack([(2 * at + 1) / n - 1 for at, n in zip(flat, (width, height), strict=True)], -1)
    out = F.grid_sample(image, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return out.reshape(*image.shape[:2], *rows.shape[1:])


def resize(image: Tensor, size: Sequence[int]) -> Tensor:
    flat = image.reshape(-1, *image.shape[-3:]) if image.ndim > 3 else image[None]
    out = F.interpolate(flat, tuple(size), mode="bilinear", align_corners=False)
    return out.reshape(*image.shape[:-2], *size)


def concat(images: Sequence[Tensor], axis: int = -3) -> Tensor:
    return torch.cat(tuple(images), axis)


def mean_pool(image: Tensor) -> Tensor:
    return image.mean((-2, -1), keepdim=True)


def coordinates(image: Tensor) -> Tensor:
    height, width = image.shape[-2:]
    grid = torch.stack(torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij"))
    return grid.expand(*image.shape[:-3], 2, height, width)


def depth_to_space(image: Tensor) -> Tensor:
    return F.pixel_shuffle(image, 2)


def constant(values: Any) -> Tensor:
    return torch.as_tensor(values, dtype=torch.float32)
