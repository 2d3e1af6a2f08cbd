"""From any format that can be read to one that can be written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pqeval.errors import CategoryError, PqevalError, SegmentError, UsageError, raise_all
from pqeval.formats import room as formats
from pqeval.formats._png import MAX_RGB_ID
from pqeval.image_ids import ImageId
from pqeval.opening import open_one, plain_options
from pqeval.output import PathLike
from pqeval.pairing import chosen_images
from pqeval.rows import Rows
from pqeval.sniffing import resolve_one
from pqeval.source import Image, Request, Source, Written
from pqeval.storage import as_folder, locate
from pqeval.userfiles import read_categories, read_images

__all__ = ["convert", "frames_of", "writers"]

MOST_ERRORS = 20


def convert(
    source: PathLike,
    output: PathLike,
    *,
    format: str | None = None,
    to: str = "coco",
    overlap: str | None = None,
    role: str = "gt",
    folder: PathLike | None = None,
    options: Mapping[str, str] | None = None,
    categories: Any = None,
    images: PathLike | Iterable[ImageId] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Write one side of a dataset in another format.

    Segment ids are those of the source where they fit into 24 bits. Where they do not, the segments of an image
    are numbered from 1 by ascending id; those of a video in the order in which they appear, so that an object
    keeps its id. The same input gives the same files.

    Parameters
    ----------
    source : path or URL
        What to read: as ``gt`` or ``pred`` of :func:`pqeval.evaluate`.
    output : path
        What to write: for ``coco`` the JSON, whose maps come into a folder of its name; else a folder.
    format : str, optional
        Format of the source; by default the files say it.
    to : str
        Format to write. ``pqeval formats`` tells which can be written.
    overlap : {"error", "first", "last", "smaller-on-top"}, optional
        Where masks of the source can overlap: which one a shared pixel belongs to. By default what the format
        says.
    role : {"gt", "pred"}
        Whether the source is ground truth or prediction; some formats differ.
    folder, options, categories, images
        As ``gt_folder``, ``gt_options``, ``categories`` and ``images`` of :func:`pqeval.evaluate`.
    progress : callable, optional
        Called as ``progress(done, total)`` after every image.

    Returns
    -------
    int
        Images written.

    Raises
    ------
    UsageError
        For options that do not exist, and formats that are only read.
    DataError
        Naming file and image. What promises the others, for ``coco`` the JSON, is written last, so then it lacks.

    Examples
    --------
    >>> import pathlib, tempfile, numpy as np, pqeval
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> pqeval.save_coco_panoptic(folder / "gt.json", [(7, np.array([[3, 0]]), [{"id": 3, "category_id": 1}])],
    ...                           [{"id": 1, "name": "cat", "isthing": 1}])
    >>> pqeval.convert(folder / "gt.json", folder / "arrays", to="numpy")
    1
    >>> pqeval.evaluate(gt=folder / "gt.json", pred=folder / "arrays", pred_format="numpy").pq
    1.0
    """
    writer = _writer(to)
    side, listed = open_source(
        source,
        format=format,
        role=role,
        folder=folder,
        options=_with_overlap(options, overlap),
        categories=categories,
        images=images,
    )
    if side.categories is None:
        raise CategoryError(
            code="categories-missing",
            found="the source has no category table",
            expected="a table with id and isthing",
            remedy="give one with --categories FILE (categories=)",
            file=side.file,
        )
    writer(Path(output), frames_of(side, listed, progress=progress), side.categories)
    return len(listed)


def writers() -> list[str]:
    """Return the formats that can be written."""
    return [name for name in formats.available() if hasattr(formats.get(name), "write")]


def _writer(name: str) -> Callable[..., None]:
    write: Callable[..., None] | None = getattr(formats.get(name), "write", None)
    if write is None:
        raise UsageError(
            code="not-writable-format",
            found=f"the format {name} is only read",
            expected=f"one of: {', '.join(writers())}",
            remedy="choose one of these",
        )
    return write


def _with_overlap(options: Mapping[str, str] | None, overlap: str | None) -> dict[str, str]:
    return dict(options or {}) | ({} if overlap is None else {"overlap": overlap})


def open_source(
    source: PathLike,
    *,
    format: str | None = None,
    role: str = "gt",
    folder: PathLike | None = None,
    options: Mapping[str, str] | None = None,
    categories: Any = None,
    images: PathLike | Iterable[ImageId] | None = None,
) -> tuple[Source, list[Image]]:
    """Open one side alone, and choose its images."""
    if role not in ("gt", "pred"):
        raise UsageError(
            code="role",
            found=f"the role is {role!r}",
            expected="gt or pred",
            remedy="say whether the source is ground truth or prediction",
        )
    place = locate(source)
    name = resolve_one(place, format)
    table = read_categories(categories)
    maps = None if folder is None else as_folder(folder, option="--folder")
    side = open_one(place, name, Request(role, maps, categories=table, options=plain_options(options)))
    if side.categories is None:
        side.categories = table
    raise_all([problem for problem in side.problems if problem.severity == "error"])
    only = read_images(images)
    return side, list(chosen_images(side, only).values())


def frames_of(
    side: Source, images: Iterable[Image], *, progress: Callable[[int, int], None] | None = None
) -> Iterator[Written]:
    """Read images one by one; all errors together are raised behind the last one.

    Parameters
    ----------
    side : Source
        An opened side.
    images : iterable of Image
        Those of its images that are wanted.
    progress : callable, optional
        Called as ``progress(done, total)`` after every image.
    """
    listed = list(images)
    numbers: dict[str | None, dict[int, int]] = {}
    errors: list[PqevalError] = []
    for done, image in enumerate(listed, start=1):
        problems: list[PqevalError] = []
        read = side.read(image, shape=None, problems=problems)
        errors += [problem for problem in problems if problem.severity == "error"]
        if len(errors) >= MOST_ERRORS and done < len(listed):
            raise_all(errors, stopped=True)
        if read is not None and not errors:
            labels, rows = read
            unlisted = np.setdiff1d(labels.present(), np.append(Rows.of(rows).ids, 0)).tolist()
            if unlisted:
                errors.append(_unlisted(image, unlisted[0]))
                continue
            if len(labels.shape) == 1:  # points, as an image with one row
                labels = replace(labels, shape=(1, *labels.shape))
            written = Written(image.image_id, labels, Rows.of(rows), image.sequence)
            yield _renumbered(written, numbers)
        if progress is not None:
            progress(done, len(listed))
    raise_all(errors)


def _unlisted(image: Image, number: int) -> SegmentError:
    return SegmentError(
        code="id-not-listed",
        found=f"the id {number} has pixels but no row in the segment list",
        expected="every id of the map in its list; 0 is void",
        remedy="list the segments, or set these pixels to 0",
        file=image.file,
        image_id=image.image_id,
        segment_id=number,
    )


def _renumbered(image: Written, numbers: dict[str | None, dict[int, int]]) -> Written:
    """Give segments without pixels up, and ids that fit into 24 bits."""
    present = image.labels.present()
    rows = image.rows
    kept = np.isin(rows.ids, present)
    rows = rows.taken(kept)
    if image.sequence is None and (not len(present) or int(present[-1]) <= MAX_RGB_ID):
        return image._replace(rows=rows)
    known = numbers.setdefault(image.sequence, {}) if image.sequence is not None else {}
    for number in present.tolist():
        if number:
            known.setdefault(number, len(known) + 1)
    new = np.array([known.get(number, 0) for number in present.tolist()], np.uint32)
    ids = np.array([known[number] for number in rows.ids.tolist()], np.int64)
    return image._replace(labels=image.labels.mapped(present, new), rows=rows.altered(ids=ids))
