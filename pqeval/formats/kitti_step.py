"""KITTI-STEP: video panoptic maps of KITTI; see :mod:`pqeval.formats._step`."""

from __future__ import annotations

from pqeval.formats._maps import MapSide
from pqeval.formats._step import LAYOUT, OPTIONS, open_step, recognise
from pqeval.formats._step import write_step as write
from pqeval.source import Request
from pqeval.storage import Place

__all__ = ["CONVENTION", "DESCRIPTION", "LAYOUT", "OPTIONS", "open_side", "recognise", "write"]

DESCRIPTION = "KITTI-STEP: RGB PNGs per frame, R = category, 256 G + B = track"
CONVENTION = "coco"


def open_side(place: Place, request: Request) -> MapSide:
    """Open one side; see ``formats/__init__.py``."""
    return open_step(place, request, "kitti_step")
