"""From an image to a panoptic segmentation, with one of the trained networks."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pqeval.architectures.parameters import Parameters
from pqeval.errors import DataError, UsageError

__all__ = ["NAMES", "load", "normalised", "predict"]

NAMES = ("panoptic_fpn", "upsnet", "panoptic_deeplab", "panoptic_fcn")
WEIGHTS = Path(__file__).parent / "weights"
MULTIPLE = 16
"""Height and width that every network takes: the stride of its coarsest features."""

Segmentation = tuple[NDArray[np.uint32], list[dict[str, Any]]]


def normalised(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Turn an (H, W, 3) uint8 image into a (3, H, W) float32 one around zero."""
    return np.ascontiguousarray(((image.astype(np.float32) - 128) / 64).transpose(2, 0, 1))


@cache
def load(name: str) -> Parameters:
    """Load the trained weights of a network.

    Parameters
    ----------
    name : str
        One of ``panoptic_fpn``, ``upsnet``, ``panoptic_deeplab`` and ``panoptic_fcn``.

    Returns
    -------
    layers : Parameters
        Loaded once for each network.

    Raises
    ------
    UsageError
        There is no such network.

    Examples
    --------
    >>> from pqeval.architectures import load
    >>> load("panoptic_fpn").arrays["stem.weight"].shape
    (16, 3, 3, 3)
    """
    _check_name(name)
    with np.load(WEIGHTS / f"{name}.npz") as arrays:
        return Parameters(arrays)


def _check_name(name: str) -> None:
    if name not in NAMES:
        raise UsageError(
            code="architecture-unknown",
            found=f"no network is called {name!r}",
            expected=f"one of {', '.join(NAMES)}",
            remedy="correct the name",
        )


def predict(name: str, image: NDArray[np.uint8], *, params: Any = None, **settings: Any) -> Segmentation:
    """Segment an image with one of the networks and its own fusion rule.

    Parameters
    ----------
    name : str
        One of ``panoptic_fpn``, ``upsnet``, ``panoptic_deeplab`` and ``panoptic_fcn``.
    image : ndarray of uint8, shape (H, W, 3)
        Red, green and blue; a scene such as :func:`pqeval.architectures.draw_scene` draws.
    params : Parameters, optional
        Weights other than those that were trained.
    **settings
        Thresholds of the network's ``segment``, and of its fusion rule in place of the preset ``small-scenes``.

    Returns
    -------
    id_map : ndarray of uint32, shape (H, W)
        Segment id of each pixel; 0 is unknown.
    segments : list of dict
        ``{"id", "category_id", "isthing"}`` of each segment, and ``"score"`` of things.

    Raises
    ------
    UsageError
        There is no such network.
    DataError
        The image is not (H, W, 3) uint8.

    Examples
    --------
    >>> from pqeval.architectures import draw_scene, predict
    >>> id_map, segments = predict("panoptic_deeplab", draw_scene(7).image)
    >>> id_map.dtype, id_map.shape == draw_scene(7).id_map.shape
    (dtype('uint32'), True)
    """
    _check_name(name)
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise DataError(
            code="image-not-rgb",
            found=f"an image of shape {image.shape} and type {image.dtype}",
            expected="shape (H, W, 3) and type uint8",
            remedy="convert it to 8-bit RGB",
        )
    params = load(name) if params is None else params
    height, width = image.shape[:2]
    # The border is repeated to the next size that the strides divide; the fusion rule sees none of what was added.
    padded = np.pad(image, ((0, -height % MULTIPLE), (0, -width % MULTIPLE), (0, 0)), mode="edge")
    network = import_module(f"pqeval.architectures.{name}")
    segmentation: Segmentation = network.segment(params, normalised(padded), size=(height, width), **settings)
    return segmentation
