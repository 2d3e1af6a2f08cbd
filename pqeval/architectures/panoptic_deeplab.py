"""Panoptic-DeepLab (Cheng et al., CVPR 2020): every pixel of a thing points to the centre of its object.

The idea is Hough voting. One decoder says what each pixel is (stuff and things alike). A second one says where
centres of objects are (a heat map) and, for each pixel, how far away its own centre is (an offset). Pixels that
point to the same centre are one instance. There are no boxes, no regions and no masks to be sorted by score.

===================  ============================  =========================================
step                 shape for a 96 by 128 image   in the paper
===================  ============================  =========================================
encoder              64 x 12 x 16, stride 8        ResNet or Xception, 2048 channels, stride 16
atrous pooling       32 x 12 x 16, one a decoder   256 channels, dilations 6, 12, 18
decoders, stride 4   32 and 24, x 24 x 32          256 (semantic), 128 (instance)
decoders, stride 2   32 and 24, x 48 x 64          end at stride 4
semantic logits      7 x 96 x 128                  stuff and things
centre heat          1 x 96 x 128                  linear, no sigmoid
offset to centre     2 x 96 x 128                  down and across, in pixels
===================  ============================  =========================================

Smaller than the paper's: widths, strides (objects here are 12 to 40 pixels wide), dilations 2, 4 and 6. Kept: two
decoders with atrous spatial pyramid pooling each, separable 5 by 5 convolutions, low-level features at each step,
the three outputs, the losses and the grouping.
"""

from __future__ import annotations

from typing import Any

from pqeval import fusion
from pqeval.architectures import ops as numpy_ops
from pqeval.architectures.parts import residual, separable, size_of
from pqeval.architectures.scenes import CHANNELS, THINGS

__all__ = ["forward", "segment"]

CLASSES = len(CHANNELS)
DILATIONS = (2, 4, 6)
ASPP_WIDTH = 24
# Of the features brought in from the encoder at strides 4 and 2, for the semantic and the instance decoder.
LOW_WIDTHS = {"semantic": (16, 12), "instance": (12, 8)}
DECODER_WIDTHS = {"semantic": 32, "instance": 24}
STRIDE = 2


def forward(ops: Any, params: Any, image: Any) -> dict[str, Any]:
    """Run the network.

    Parameters
    ----------
    ops, params
        Operations and layers, of numpy or of torch.
    image : (..., 3, H, W)
        Normalised image; height and width divide by 8.

    Returns
    -------
    dict
        ``semantic`` (..., 7, H, W) logits, ``centre`` (..., 1, H, W) heat, ``offset`` (..., 2, H, W) pixels down
        and across to the centre of the own instance.
    """
    features = _encoder(ops, params, image)
    semantic = _decoder(ops, params, "semantic", features)
    instance = _decoder(ops, params, "instance", features)
    logits = params.conv("semantic.logits", separable(params, "semantic.head", semantic, 32), CLASSES, 1,
                         norm=False, relu=False)  # fmt: skip
    centre = params.conv(
        "centre.heat", separable(params, "centre.head", instance, 16), 1, 1, norm=False, relu=False
    )
    offset = params.conv("offset.pixels", separable(params, "offset.head", instance, 16), 2, 1,
                         norm=False, relu=False)  # fmt: skip
    size = size_of(image)
    return {
        "semantic": ops.resize(logits, size),
        "centre": ops.resize(centre, size),
        # The layer speaks in pixels of its own map; the answer is in pixels of the image.
        "offset": ops.resize(offset, size) * STRIDE,
    }


def segment(params: Any, image: Any, *, size: tuple[int, int] | None = None, **settings: Any) -> Any:
    """Segment a normalised image (3, H, W): the network, then its fusion rule.

    Parameters
    ----------
    params : Parameters
        The weights.
    image : (3, H, W) float32
        Height and width divide by 16.
    size : tuple of int, optional
        Height and width of the part that is more than padding, at the top left.
    **settings
        Of the fusion rule, in place of the preset's.
    """
    height, width = size or size_of(image)
    found = {name: maps[:, :height, :width] for name, maps in forward(numpy_ops, params, image).items()}
    return fusion.fuse(
        "panoptic_deeplab",
        preset="small-scenes",
        semantic=found["semantic"],
        channels=CHANNELS,
        centres=found["centre"][0],
        offsets=found["offset"],
        things=THINGS,
        **settings,
    )


def _encoder(ops: Any, params: Any, image: Any) -> list[Any]:
    """Features at strides 2, 4 and 8; the last blocks dilate where others would shrink further."""
    half = residual(ops, params, "stage0", params.conv("stem", image, 16, stride=2), 16)
    quarter = residual(ops, params, "stage1", half, 32, stride=2)
    quarter = residual(ops, params, "stage2", quarter, 32)
    eighth = residual(ops, params, "stage3", quarter, 64, stride=2)
    return [half, quarter, residual(ops, params, "stage4", eighth, 64, dilation=2)]


def _decoder(ops: Any, params: Any, name: str, features: list[Any]) -> Any:
    half, quarter, eighth = features
    image = _aspp(ops, params, f"{name}.aspp", eighth)
    for feature, low in zip((quarter, half), LOW_WIDTHS[name], strict=True):
        stride = "quarter" if feature is quarter else "half"
        skip = params.conv(f"{name}.{stride}.low", feature, low, 1)
        joined = ops.concat([ops.resize(image, size_of(feature)), skip])
        image = separable(params, f"{name}.{stride}", joined, DECODER_WIDTHS[name])
    return image


def _aspp(ops: Any, params: Any, name: str, image: Any) -> Any:
    """Atrous spatial pyramid pooling: windows of several reaches, and the mean of the whole map."""
    branches = [params.conv(f"{name}.point", image, ASPP_WIDTH, 1)]
    for dilation in DILATIONS:
        branches.append(params.conv(f"{name}.reach{dilation}", image, ASPP_WIDTH, dilation=dilation))
    pooled = params.conv(f"{name}.pool", ops.mean_pool(image), ASPP_WIDTH, 1)
    branches.append(ops.resize(pooled, size_of(image)))
    return params.conv(f"{name}.join", ops.concat(branches), 32, 1)
