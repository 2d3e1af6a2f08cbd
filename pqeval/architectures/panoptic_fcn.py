"""Panoptic FCN (Li et al., CVPR 2021): the image makes the filters that then find its segments.

One head says where objects (by their centre) and stuff (by its region) are, for each class. A second head holds a
*kernel* at every position: a vector of numbers. The kernel at the centre of an object, multiplied with every pixel
of one shared feature map, gives the mask of that object. Kernels that say the same thing are merged: those of one
object by cosine similarity, those of one stuff class all together. Things and stuff take the same road, without
boxes and without regions cut out.

===================  ===================================  ===================================
step                 shape for a 96 by 128 image          in the paper
===================  ===================================  ===================================
pyramid              28 x 48 x 64 ... 28 x 6 x 8          256 channels, strides 4 to 128
position, things     4 x 24 x 32, 12 x 16, 6 x 8          classes, strides 8 to 128
position, stuff      4 (thing, 3 stuff) x the same        stuff classes and one for things
kernels              24 x the same                        256
shared features      24 x 48 x 64, stride 2               64 or 256, stride 4
masks                one number per kernel and pixel      sigmoid above 0.4
===================  ===================================  ===================================

Smaller than the paper's: widths, three levels of heads instead of five, plain convolutions in the position head
where the authors' code has deformable ones, batch normalisation where they normalise groups. Their mean of kernels
over a stuff region divides by the whole map; here it divides by the region, so that its length says nothing about
the region's size.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter, uniform_filter

from pqeval import fusion
from pqeval.architectures import ops as numpy_ops
from pqeval.architectures.parts import encoder, pyramid, semantic_branch, size_of
from pqeval.architectures.scenes import STUFF, THINGS
from pqeval.fusion.panoptic_fcn import average_stuff_kernels, fuse_kernels, masks_from_kernels

__all__ = ["forward", "segment"]

OTHER = 0
REGIONS = (OTHER, *STUFF)
"""Category of each region map; one stands for all things."""
WIDTHS = (16, 32, 56, 64)
PYRAMID_WIDTH, FEATURE_WIDTH = 28, 24
LEVELS = (1, 2, 3)  # of the pyramid, at strides 4, 8 and 16
# Of a score of 0.1: a map that is almost all background starts close to the truth.
START = -2.19


def forward(ops: Any, params: Any, image: Any) -> dict[str, Any]:
    """Run the network.

    Parameters
    ----------
    ops, params
        Operations and layers, of numpy or of torch.
    image : (..., 3, H, W)
        Normalised image; height and width divide by 16.

    Returns
    -------
    dict
        ``centres`` (..., 4, h, w), ``regions`` (..., 4, h, w): logits, and ``thing_kernels``, ``stuff_kernels``
        (..., 24, h, w), each a list over levels at strides 4, 8 and 16; ``features`` (..., 24, H / 2, W / 2),
        and ``total`` (..., 28, H / 2, W / 2), the sum of the pyramid that they are made from.
    """
    levels = pyramid(ops, params, encoder(ops, params, image, WIDTHS), PYRAMID_WIDTH)
    coarse = [levels[at] for at in LEVELS]
    position = coarse
    kernel = [ops.concat([level, ops.coordinates(level)]) for level in coarse]
    for step in range(3):
        position = params.shared(f"position{step}", position, PYRAMID_WIDTH)
        kernel = params.shared(f"kernel{step}", kernel, PYRAMID_WIDTH)
    plain = {"norm": False, "relu": False}
    total = semantic_branch(ops, params, levels, PYRAMID_WIDTH)
    features = ops.concat([total, ops.coordinates(total)])
    for step in range(2):
        features = params.conv(f"features{step}", features, FEATURE_WIDTH)
    return {
        "centres": params.shared("centres", position, len(THINGS), start=START, **plain),
        "regions": params.shared("regions", position, len(REGIONS), start=START, **plain),
        "thing_kernels": params.shared(
            "thing.filter",
            params.shared("thing.embed", kernel, FEATURE_WIDTH, size=1),
            FEATURE_WIDTH,
            size=1,
            **plain,
        ),
        "stuff_kernels": params.shared(
            "stuff.filter",
            params.shared("stuff.embed", kernel, FEATURE_WIDTH, size=1),
            FEATURE_WIDTH,
            size=1,
            **plain,
        ),
        "features": params.conv("features.last", features, FEATURE_WIDTH, relu=False),
        "total": total,
    }


def segment(
    params: Any,
    image: Any,
    *,
    size: tuple[int, int] | None = None,
    centre_score: float = 0.05,
    region_score: float = 0.05,
    peaks: int = 50,
    similarity_threshold: float | None = None,
    **settings: Any,
) -> Any:
    """Segment a normalised image (3, H, W): the network, kernel fusion, then its fusion rule.

    Parameters
    ----------
    params : Parameters
        The weights.
    image : (3, H, W) float32
        Height and width divide by 16.
    size : tuple of int, optional
        Height and width of the part that is more than padding, at the top left.
    centre_score, region_score : float
        Kernels are taken at peaks and of regions with a better score.
    peaks : int
        How many of a level, at most.
    similarity_threshold : float, optional
        Of kernel fusion, in place of the preset's.
    **settings
        Of the fusion rule, in place of the preset's.
    """
    found = forward(numpy_ops, params, image)
    chosen = fusion.settings("panoptic_fcn.fuse_kernels", "small-scenes")
    if similarity_threshold is not None:
        chosen["similarity_threshold"] = similarity_threshold
    tops = [
        _peaks(*level, centre_score, peaks) for level in zip(found["centres"], found["thing_kernels"], strict=True)
    ]
    kernels, scores, categories = fuse_kernels(**_joined(tops), **chosen)
    regions = [
        _regions(*level, region_score) for level in zip(found["regions"], found["stuff_kernels"], strict=True)
    ]
    stuff_kernels, _, channels = average_stuff_kernels(**_joined(regions))
    height, width = size or size_of(image)
    masks = [
        numpy_ops.resize(masks_from_kernels(kernels=some, features=found["features"]), size_of(image))
        for some in (kernels, stuff_kernels)
    ]
    masks = [some[:, :height, :width] for some in masks]
    return fusion.fuse(
        "panoptic_fcn",
        preset="small-scenes",
        masks=numpy_ops.sigmoid(masks[0]),
        scores=scores,
        categories=categories,
        semantic=masks[1],
        channels=channels,
        other=OTHER,
        things=THINGS,
        **settings,
    )


Floats = NDArray[np.float32]
Chosen = tuple[Floats, Floats, NDArray[np.intp]]


def _peaks(centres: Floats, kernels: Floats, least: float, most: int) -> Chosen:
    """Return kernels, scores and categories at the best peaks of one level."""
    scores = numpy_ops.sigmoid(centres)
    # The mean of the surroundings steadies the score against single positions.
    scores = (scores + uniform_filter(scores, (1, 3, 3), mode="constant")) / 2
    tops = (maximum_filter(scores, (1, 3, 3)) == scores) & (scores > least)
    at = np.argwhere(tops)
    order = np.argsort(-scores[tops], kind="stable")[:most]
    kind, row, column = at[order].T
    return kernels[:, row, column].T, scores[tops][order], np.array(THINGS, np.intp)[kind]


def _regions(regions: Floats, kernels: Floats, least: float) -> Chosen:
    """Return mean kernels, mean scores and categories of the classes that cover a part of one level."""
    scores = numpy_ops.sigmoid(regions)
    best = scores.argmax(0)
    covers = [best == channel for channel in range(len(REGIONS))]
    sure = np.array(
        [scores[at][where].mean() if where.any() else 0 for at, where in enumerate(covers)], np.float32
    )
    kept = np.flatnonzero(sure > least)
    means = np.array([kernels[:, covers[at]].mean(1) for at in kept], np.float32).reshape(-1, len(kernels))
    return means, sure[kept], np.array(REGIONS, np.intp)[kept]


def _joined(levels: list[Chosen]) -> dict[str, Any]:
    parts = [np.concatenate(part) for part in zip(*levels, strict=True)]
    return dict(zip(("kernels", "scores", "categories"), parts, strict=True))
