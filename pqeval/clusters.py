"""Which images belong together: frames of a video, streets of a city. They are drawn together or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from pqeval.errors import PairingError, UsageError
from pqeval.image_ids import ImageId, shown
from pqeval.image_labels import read_labels

__all__ = ["clusters_of"]

PARTS: dict[str, Callable[[str], str]] = {
    "folder": lambda name: name.rpartition("/")[0],
    "prefix": lambda name: name.rpartition("/")[2].partition("_")[0] if "_" in name else "",
}


def clusters_of(spec: str | os.PathLike[str], images: Sequence[ImageId]) -> tuple[str, list[str]]:
    """Find the cluster of each image.

    Parameters
    ----------
    spec : path or str
        ``folder``: what stands before the last ``/`` of the image id. ``prefix``: what stands before the first
        ``_``, the city of a Cityscapes image. Else a CSV with a row per image, and behind a colon which of its
        columns, where it has more than one: ``drives.csv:drive``.
    images : sequence of image ids
        The images.

    Returns
    -------
    unit : str
        What a cluster is called: ``folder``, ``prefix`` or the name of the column.
    labels : list of str
        The cluster of each image.

    Raises
    ------
    UsageError
        If the table has no such column, or several and none is named.
    FileError, PairingError
        If the table cannot be used, or some images have no cluster.
    """
    text = os.fspath(spec)
    labels: list[str | None]
    if text in PARTS:
        unit, labels = text, [PARTS[text](str(image_id)) or None for image_id in images]
    else:
        unit, labels = _of_table(text, images)
    lacking = [image_id for image_id, label in zip(images, labels, strict=True) if label is None]
    if lacking:
        raise PairingError(
            code="cluster-missing",
            found=f"no {unit} for image {shown(lacking)}",
            expected="a cluster for every image that is scored",
            remedy="name one for each in the table, or score other images",
            file=None if text in PARTS else text,
        )
    return unit, [str(label) for label in labels]


def _of_table(text: str, images: Sequence[ImageId]) -> tuple[str, list[str | None]]:
    path, colon, column = text.rpartition(":")
    if not colon or os.path.exists(text) or not path.lower().endswith(".csv"):
        path, column = text, ""
    columns = read_labels(path, images)
    if not column and len(columns) == 1:
        return next(iter(columns.items()))
    if column not in columns:
        raise UsageError(
            code="cluster-column",
            found=f"{path} has no column {column!r}"
            if column
            else f"{path} has {len(columns)} columns to cluster by",
            expected=f"one of: {', '.join(columns)}",
            remedy=f"name it: {path}:{next(iter(columns))}",
        )
    return column, columns[column]
