"""Panoptic FPN (Kirillov et al., CVPR 2019): Mask R-CNN and a semantic branch on the same feature pyramid.

The idea: one backbone with a feature pyramid serves two branches. The instance branch is Mask R-CNN: boxes,
classes and masks of things, see :mod:`pqeval.architectures.detector`. The semantic branch sums the pyramid up and
says for each pixel what stuff it is; all things are one class there, *other*, because the instance branch knows
better. The branches do not look at each other's answers, so these may contradict: a fusion rule decides
afterwards. In doubt things win over stuff, better instances over worse ones, and small bits of stuff are dropped.
Both branches teach the backbone they share, each with a weight: more of one task means less of the other.

====================  ===================================  ====================================
step                  shape for a 96 by 128 image          in the paper
====================  ===================================  ====================================
encoder               16 x 48 x 64, 32 x 24 x 32,          ResNet, 256 to 2048 channels,
                      48 x 12 x 16, 64 x 6 x 8             strides 4 to 32
pyramid               28 channels at these four sizes      256
detector              boxes and 28 x 28 masks              the same, wider
semantic branch       20 x 48 x 64, the sum of levels      128, at stride 4
semantic logits       4 x 96 x 128: sky, ground, water     stuff classes and other
                      and other
====================  ===================================  ====================================

Smaller than the paper's: widths, strides (objects are 10 to 45 pixels wide here), 40 proposals instead of 1000,
two convolutions in the mask head instead of four, one convolution in front of the box head's two layers so that
these may be narrow, batch normalisation where the paper normalises groups.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pqeval import fusion
from pqeval.architectures import detector
from pqeval.architectures import ops as numpy_ops
from pqeval.architectures._pasting import paste
from pqeval.architectures.parts import encoder, pyramid, semantic_branch, size_of
from pqeval.architectures.scenes import STUFF, THINGS

__all__ = ["features", "forward", "segment", "semantic"]

WIDTHS = (16, 32, 48, 64)
PYRAMID_WIDTH, SEMANTIC_WIDTH = 28, 20
OTHER = 0
REGIONS = (*STUFF, OTHER)
"""Category of each semantic channel; the last one stands for all things."""


def features(ops: Any, params: Any, image: Any) -> list[Any]:
    """Return the pyramid of an image (..., 3, H, W), at strides 2, 4, 8 and 16."""
    return pyramid(ops, params, encoder(ops, params, image, WIDTHS), PYRAMID_WIDTH)


def semantic(ops: Any, params: Any, levels: list[Any], size: tuple[int, int]) -> Any:
    """Return the logits (..., 4, H, W) of sky, ground, water and other."""
    summed = semantic_branch(ops, params, levels, SEMANTIC_WIDTH)
    logits = params.conv("semantic.logits", summed, len(REGIONS), 1, norm=False, relu=False)
    return ops.resize(logits, size)


def forward(ops: Any, params: Any, image: NDArray[np.float32], **thresholds: Any) -> dict[str, NDArray[Any]]:
    """Run the network on one image.

    Training does not call this, because it needs the heads on boxes of its own choice; it calls the same parts.

    Parameters
    ----------
    ops, params
        Operations and layers of numpy.
    image : (3, H, W) float32
        Normalised image; height and width divide by 16.
    **thresholds
        Of :func:`pqeval.architectures.detector.detect`.

    Returns
    -------
    dict
        ``boxes`` (K, 4), ``scores`` (K,), ``categories`` (K,) and ``masks`` (K, 28, 28), logits, of the
        detections, best first; ``semantic`` (4, H, W), logits.
    """
    size = size_of(image)
    levels = features(ops, params, image)
    found = detector.instances(ops, params, levels, size, **thresholds)
    return {**found, "semantic": semantic(ops, params, levels, size)}


def segment(
    params: Any, image: NDArray[np.float32], *, size: tuple[int, int] | None = None, **settings: Any
) -> Any:
    """Segment a normalised image (3, H, W): the network, masks drawn onto the image, then its fusion rule.

    Parameters
    ----------
    params : Parameters
        The weights.
    image : (3, H, W) float32
        Height and width divide by 16.
    size : tuple of int, optional
        Height and width of the part that is more than padding, at the top left.
    **settings
        Of :func:`pqeval.architectures.detector.detect`, and of the fusion rule in place of the preset's. The rule
        cuts scores off a second time.

    Returns
    -------
    id_map, segments
        As :func:`pqeval.architectures.predict` returns them.
    """
    size = size or size_of(image)
    thresholds, settings = detector.part_settings(settings)
    found = forward(numpy_ops, params, image, **thresholds)
    logits, inside = paste(found["masks"], found["boxes"], size)
    return fusion.fuse(
        "heuristic",
        preset="small-scenes",
        masks=numpy_ops.sigmoid(logits) * inside,
        scores=found["scores"],
        categories=found["categories"],
        semantic=found["semantic"][:, : size[0], : size[1]],
        channels=REGIONS,
        other=OTHER,
        things=THINGS,
        **settings,
    )
