"""Area and bounding box of every segment, from runs: what the JSONs of COCO and Cityscapes state."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pqeval.labelmap import LabelMap

__all__ = ["Extent", "extents"]


class Extent(NamedTuple):
    """Where a segment is: its pixels, and the box around them as left, top, width, height."""

    area: int
    box: list[int]


def extents(labels: LabelMap) -> dict[int, Extent]:
    """Return the extent of every id of an (H, W) map, void included."""
    runs = labels.begin.astype(np.int64)
    counts = runs[1:] - runs[:-1]
    bottoms = np.repeat(labels.bottoms.astype(np.int64), counts)
    tops = np.repeat(np.append(0, labels.bottoms[:-1]).astype(np.int64), counts)
    ends = labels.ends.astype(np.int64)
    starts = np.append(0, ends[:-1])
    starts[labels.begin[:-1]] = 0
    ids, order = labels.ids, np.argsort(labels.ids, kind="stable")
    present, first = np.unique(ids[order], return_index=True)
    areas = np.add.reduceat(((ends - starts) * (bottoms - tops))[order], first)
    lefts, upper = (np.minimum.reduceat(column[order], first) for column in (starts, tops))
    rights, lower = (np.maximum.reduceat(column[order], first) for column in (ends, bottoms))
    boxes = np.stack([lefts, upper, rights - lefts, lower - upper], axis=1)
    columns = zip(areas.tolist(), boxes.tolist(), strict=True)
    return dict(zip(present.tolist(), (Extent(*column) for column in columns), strict=True))
