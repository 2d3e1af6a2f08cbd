"""UPSNet (Xiong et al., CVPR 2019): one choice at each pixel among stuff, instances and *unknown*.

The idea: Panoptic FPN leaves the quarrel between its two branches to a rule. UPSNet makes logits for the answer
itself, with no weights of their own, so that both branches are trained on it. Each class of stuff is a channel,
its semantic logit. Each detected instance is a channel: its mask logit, plus the semantic logit of its class
inside its box. One more channel is *unknown*: how much the pixel looks like some thing beyond what the instances
there explain. The largest channel wins. Saying "unknown" is worth it under PQ: a wrong class costs a false
negative in one class and a false positive in another, void costs the false negative alone.

The semantic head sees things as classes of their own. It is one network for all levels, of *deformable*
convolutions: each of the nine taps reads not from its place in a square but from a place that the image decides,
so that the window bends along shapes. The shifts come from a plain convolution that starts at zero.

====================  ===================================  =====================================
step                  shape for a 96 by 128 image          in the paper
====================  ===================================  =====================================
encoder, pyramid      as in Panoptic FPN                   the same, 256 channels
detector              as in Panoptic FPN                   Mask R-CNN
deformable head       24 channels at strides 4, 8, 16      128 channels at strides 4 to 32
plain convolution     16 x 48 x 64, stride 2               none
semantic logits       7 x 96 x 128: stuff, then things     the same at a quarter of the size
panoptic logits       (3 + K + 1) x 96 x 128               (stuff + K + 1) x H x W
====================  ===================================  =====================================

Smaller than the paper's: widths, strides, two deformable layers instead of three, no loss of its own for regions
and no global pooling. The finest level goes through a plain convolution: a deformable one costs ten times as much.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pqeval import fusion
from pqeval.architectures import detector
from pqeval.architectures import ops as numpy_ops
from pqeval.architectures._pasting import paste
from pqeval.architectures.panoptic_fpn import features
from pqeval.architectures.parts import size_of
from pqeval.architectures.scenes import CHANNELS, THINGS

__all__ = ["deformable", "features", "forward", "segment", "semantic"]

SEMANTIC_WIDTHS = (28, 24)
FINE_WIDTH = 16
TAPS = 9


def deformable(ops: Any, params: Any, name: str, images: list[Any], width: int) -> list[Any]:
    """Convolve maps with a 3 by 3 window whose taps move: each (..., C, h, w) to (..., width, h, w).

    A plain convolution says for each position how far each tap moves, down and across. What the taps read between
    pixels, zero outside the map, is nine times as many channels at the position, which a 1 by 1 convolution mixes.
    What all maps share is normalised together.
    """
    moves = params.shared(f"{name}.moves", images, 2 * TAPS, zero=True, norm=False, relu=False)
    read = [_read_taps(ops, image, move) for image, move in zip(images, moves, strict=True)]
    mixed: list[Any] = params.shared(f"{name}.mix", read, width, size=1)
    return mixed


def _read_taps(ops: Any, image: Any, moves: Any) -> Any:
    height, width = size_of(image)
    tap, row, column = np.meshgrid(np.arange(TAPS), np.arange(height), np.arange(width), indexing="ij")
    rows = moves[..., :TAPS, :, :] + ops.constant((row + tap // 3 - 1).astype(np.float32))
    columns = moves[..., TAPS:, :, :] + ops.constant((column + tap % 3 - 1).astype(np.float32))
    taken = ops.sample(image, rows, columns)
    return taken.reshape(*image.shape[:-3], int(image.shape[-3]) * TAPS, height, width)


def semantic(ops: Any, params: Any, levels: list[Any]) -> Any:
    """Return the logits (..., 7, H / 2, W / 2) of sky, ground, water, disc, box, triangle and star."""
    size = size_of(levels[0])
    deeper = list(levels[1:])
    for step, width in enumerate(SEMANTIC_WIDTHS):
        deeper = deformable(ops, params, f"pixels.deformable{step}", deeper, width)
    joined = [params.conv("pixels.fine", levels[0], FINE_WIDTH), *(ops.resize(level, size) for level in deeper)]
    return params.conv("pixels.logits", ops.concat(joined), len(CHANNELS), 1, norm=False, relu=False)


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
        Of :func:`pqeval.architectures.detector.detect`; objects of different classes suppress each other here.

    Returns
    -------
    dict
        ``boxes`` (K, 4), ``scores`` (K,), ``categories`` (K,) and ``masks`` (K, 28, 28), logits, of the
        detections, best first; ``semantic`` (7, H, W), logits.
    """
    size = size_of(image)
    levels = features(ops, params, image)
    found = detector.instances(ops, params, levels, size, **{"agnostic": True, **thresholds})
    return {**found, "semantic": ops.resize(semantic(ops, params, levels), size)}


def segment(
    params: Any, image: NDArray[np.float32], *, size: tuple[int, int] | None = None, **settings: Any
) -> Any:
    """Segment a normalised image (3, H, W): the network, mask logits drawn onto the image, then its fusion rule.

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
    logits, _ = paste(found["masks"], found["boxes"], size)
    return fusion.fuse(
        "upsnet",
        preset="small-scenes",
        masks=logits,
        boxes=found["boxes"],
        scores=found["scores"],
        categories=found["categories"],
        semantic=found["semantic"][:, : size[0], : size[1]],
        channels=CHANNELS,
        things=THINGS,
        **settings,
    )
