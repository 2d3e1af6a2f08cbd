"""CoNIC and Lizard: one array of all images, with an instance map and a class map.

Source: TissueImageAnalytics/CoNIC, ``README.md``, ``compute_stats.py`` and ``metrics/stats_utils.py`` at c1c4964.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy.typing as npt

from pqeval.categories import Categories
from pqeval.errors import PairingError, PqevalError
from pqeval.formats._arrays import counted, glimpse
from pqeval.formats._glance import Glance
from pqeval.formats._nuclei import is_untyped, side_of, voted
from pqeval.formats._stack import Stack, StackSide
from pqeval.labelmap import LabelMap
from pqeval.rows import Rows
from pqeval.source import Request
from pqeval.storage import File, Place

__all__ = ["CONVENTION", "DESCRIPTION", "LAYOUT", "open_side", "recognise"]

DESCRIPTION = "CoNIC: labels.npy, (N, 256, 256, 2) = instance map and class map"
CONVENTION = "conic"

LAYOUT = """\
labels.npy                       --gt: the file, or its folder
pred.npy                         --pred: the file, or the folder of a single .npy; in the same order

(N, 256, 256, 2): first the number of the nucleus, 0 for background; then its class, 1 to 6.
A nucleus is of the class that most of its pixels have. An image is named by its place.
"""

USUAL = "labels.npy"
CHANNELS = 2


def decode(image: npt.NDArray[Any], problems: list[PqevalError], *, untyped: bool) -> tuple[LabelMap, Rows]:
    """Make one map of the two maps of an image."""
    instance, kinds = image[..., 0], image[..., 1]
    if untyped:
        return side_of(LabelMap.from_array(counted(instance, "the instance map")))
    return voted(instance, kinds, problems)


def _arrays(place: Place) -> list[File]:
    """List the arrays that a place may mean: only the usual one, if it is there."""
    if isinstance(place, File):
        return [place]
    names = [name for name in place.names() if name.endswith(".npy")]
    usual = [name for name in names if name.rpartition("/")[2] == USUAL]
    return [File(place, name) for name in usual or names]


def recognise(glance: Glance) -> int:
    """See ``formats/__init__.py``."""
    files = [file for file in _arrays(glance.place) if file.name.endswith(".npy")]
    header = glimpse(files[0]) if len(files) == 1 else None
    return 2 * (header is not None and len(header.shape) == 4 and header.shape[-1] == CHANNELS)


def open_side(place: Place, request: Request) -> StackSide:
    """Open one side; see ``formats/__init__.py``."""
    files = _arrays(place)
    if len(files) != 1:
        listed = ", ".join(file.name for file in files[:5])
        raise PairingError(
            code="conic-array",
            found=f"there are {len(files)} arrays: {listed}" if files else "there is no .npy",
            expected=f"{USUAL}, or one .npy",
            remedy="name the file itself",
            file=str(place),
        )
    return StackSide(
        str(place),
        [Stack(files[0])],
        categories=request.categories or Categories.builtin("conic"),
        channels=CHANNELS,
        decode=partial(decode, untyped=is_untyped(request.categories)),
    )
