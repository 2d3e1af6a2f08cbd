"""Scores of groups of images: by weather, by city, by whatever a table says of them."""

from __future__ import annotations

import os
from dataclasses import replace

import msgspec

from pqeval.image_labels import read_labels
from pqeval.metrics import room
from pqeval.result import Slice
from pqeval.run import Run

__all__ = ["UNTOLD", "with_slices"]

UNTOLD = "(none)"
"""The slice of images of which the table says nothing."""


def with_slices(run: Run, path: str | os.PathLike[str]) -> Run:
    """Score each group of images that a table makes, from the ledger.

    Parameters
    ----------
    run : Run
        The run.
    path : path or URL
        A CSV with a row per image; each column but the image's makes a slice of each of its values. See
        :func:`pqeval.image_labels.read_labels`.

    Returns
    -------
    Run
        The same, and its result has a :class:`~pqeval.result.Slice` for each value: columns in the order of the
        table, values sorted. Without an image there are none.

    Raises
    ------
    FileError
        If the table cannot be used.
    """
    frames = run.frames()
    if not frames:
        return run
    labels = read_labels(path, [frame.image_id for frame in frames])
    metric = room.get(run.result.metric)
    slices = []
    for column, values in labels.items():
        for value in sorted(set(values), key=lambda value: (value is None, value)):
            chosen = [frame for frame, own in zip(frames, values, strict=True) if own == value]
            scores = metric.compute(chosen, run.categories, run.groups, run.policy.averaging)
            slices.append(Slice(column, UNTOLD if value is None else value, len(chosen), scores.groups))
    inputs = run.result.inputs | {"slice_by": os.fspath(path)}
    return replace(run, result=msgspec.structs.replace(run.result, slices=tuple(slices), inputs=inputs))
