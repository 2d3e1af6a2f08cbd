"""What several of the networks share: residual blocks, an encoder, a feature pyramid, its semantic branch.

``ops`` and ``params`` are the operations and the layers, of numpy or of torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["encoder", "pyramid", "residual", "semantic_branch", "separable", "size_of"]


def size_of(image: Any, divided_by: int = 1) -> tuple[int, int]:
    """Return height and width of (..., H, W), divided."""
    return int(image.shape[-2]) // divided_by, int(image.shape[-1]) // divided_by


def residual(
    ops: Any, params: Any, name: str, image: Any, width: int, *, stride: int = 1, dilation: int = 1
) -> Any:
    """Two convolutions around a shortcut (He et al., CVPR 2016): to `width` channels, 1 / `stride` the size."""
    inner = params.conv(f"{name}.first", image, width, stride=stride)
    inner = params.conv(f"{name}.second", inner, width, dilation=dilation, relu=False)
    if stride > 1 or image.shape[-3] != width:
        image = params.conv(f"{name}.shortcut", image, width, 1, stride=stride, relu=False)
    return ops.relu(inner + image)


def separable(params: Any, name: str, image: Any, width: int) -> Any:
    """A 5 by 5 window for each channel, then a mixture of channels (Panoptic-DeepLab's decoders and heads)."""
    image = params.conv(f"{name}.depth", image, image.shape[-3], 5, groups=image.shape[-3])
    return params.conv(f"{name}.mix", image, width, 1)


def encoder(ops: Any, params: Any, image: Any, widths: Sequence[int]) -> list[Any]:
    """Return features at strides 2, 4, 8 and so on, one per width, from an image (..., 3, H, W)."""
    features = [residual(ops, params, "stage0", params.conv("stem", image, widths[0], stride=2), widths[0])]
    for level, width in enumerate(widths[1:], start=1):
        features.append(residual(ops, params, f"stage{level}", features[-1], width, stride=2))
    return features


def pyramid(ops: Any, params: Any, features: Sequence[Any], width: int) -> list[Any]:
    """A feature pyramid (Lin et al., CVPR 2017), finest level first, every level of one width.

    A level is its own features, brought to the common width, plus the coarser level enlarged to its size.
    """
    levels: list[Any] = []
    for at, feature in reversed(list(enumerate(features))):
        level = params.conv(f"lateral{at}", feature, width, 1, relu=False)
        if levels:
            # Between pixels instead of nearest, so that one resize serves all networks.
            level = level + ops.resize(levels[0], size_of(level))
        levels.insert(0, level)
    return [params.conv(f"level{at}", level, width, relu=False) for at, level in enumerate(levels)]


def semantic_branch(ops: Any, params: Any, levels: Sequence[Any], width: int) -> Any:
    """Sum a pyramid up at the size of its finest level (Panoptic FPN, section 4): (..., width, H, W).

    Each level is convolved and doubled in size until it is as large as the finest one.
    """
    total = None
    for at, level in enumerate(levels):
        for step in range(max(at, 1)):
            level = params.conv(f"semantic{at}.{step}", level, width)
            if at:
                level = ops.resize(level, size_of(levels[at - step - 1]))
        total = level if total is None else total + level
    return total
