"""Writing COCO panoptic: a JSON and a folder of PNGs that every reader accepts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from pqeval.categories import Categories
from pqeval.errors import FileError, PqevalError, SegmentError, raise_all
from pqeval.formats._boxes import Extent, extents
from pqeval.formats._names import take_name
from pqeval.formats._png import MAX_RGB_ID, write_ids
from pqeval.frame import check_list
from pqeval.image_ids import ImageId, image_ids
from pqeval.labelmap import LabelMap
from pqeval.output import make_folder, write_text
from pqeval.rows import Row, Rows
from pqeval.segment_lists import read_rows
from pqeval.source import Written

__all__ = ["file_name", "save_coco_panoptic", "write_coco"]


def save_coco_panoptic(
    path: str | os.PathLike[str],
    frames: Iterable[tuple[ImageId, Any, Iterable[Mapping[str, Any]]]],
    categories: Categories | str | Iterable[Mapping[str, Any]],
    *,
    folder: str | os.PathLike[str] | None = None,
) -> None:
    """Save maps and segments as a COCO panoptic JSON with its folder of PNGs.

    The JSON is written last and each file whole or not at all, so an interrupted run leaves no JSON that
    promises more than there is.

    Parameters
    ----------
    path : path
        The JSON to write.
    frames : iterable of (image_id, id_map, segments)
        The map is (H, W), integers, 0 is void, ids up to 2**24 - 1; segments are mappings with ``id`` and
        ``category_id``, optionally ``iscrowd`` and ``score``. Every id of the map is listed, and every
        listed id is in it.
    categories : Categories, str or iterable of mapping
        The table.
    folder : path, optional
        Where the PNGs go; by default the path of the JSON without ``.json``.

    Raises
    ------
    DataError
        Naming the image whose map and list disagree or cannot be stored.

    Notes
    -----
    Layout: cocodataset.org, "Data format", panoptic segmentation.

    Examples
    --------
    >>> import numpy as np, pqeval, tempfile, pathlib
    >>> table = [{"id": 1, "name": "cat", "isthing": 1}]
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "truth.json"
    >>> pqeval.save_coco_panoptic(path, [(7, np.array([[0, 1], [1, 1]]), [{"id": 1, "category_id": 1}])], table)
    >>> sorted(file.name for file in path.parent.rglob("*.*"))
    ['000000000007.png', 'truth.json']
    >>> pqeval.evaluate(gt=path, pred=path).pq
    1.0
    """
    table = Categories.of(categories)
    write_coco(Path(path), _written(frames, table), table, folder=None if folder is None else Path(folder))


def _written(
    frames: Iterable[tuple[ImageId, Any, Iterable[Mapping[str, Any]]]], table: Categories
) -> Iterator[Written]:
    for given, id_map, segments in frames:
        (image_id,) = image_ids([given])
        try:
            labels, rows = _checked(id_map, segments, table)
        except PqevalError as error:
            raise error.located(image_id=image_id) from None
        yield Written(image_id, labels, Rows.of(rows))


def write_coco(
    path: Path, frames: Iterable[Written], categories: Categories, *, folder: Path | None = None
) -> None:
    """Write images whose maps and lists agree.

    Parameters
    ----------
    path : Path
        The JSON; it is written last.
    frames : iterable of Written
        The images.
    categories : Categories
        The table.
    folder : Path, optional
        Where the PNGs go; by default the path of the JSON without ``.json``.

    Raises
    ------
    DataError
        For what cannot be stored, and where a file cannot be written.
    """
    place = folder if folder is not None else path.with_suffix("")
    if place == path:
        raise FileError(
            code="json-suffix",
            found="the JSON and the folder of its PNGs would have one name",
            expected="a name that ends in .json",
            remedy="add .json, or name the folder",
            file=str(path),
        )
    make_folder(place)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    names: set[str] = set()
    for image in frames:
        name = file_name(image)
        take_name(name, names, image.image_id)
        _check_storable(image, categories)
        if "/" in name:
            make_folder((place / name).parent)
        write_ids(place / name, image.labels.to_array())
        height, width = image.labels.shape
        images.append({"id": image.image_id, "width": width, "height": height, "file_name": name})
        measured = extents(image.labels)
        infos = [_info(row, measured[row.id]) for row in image.rows]
        annotations.append({"image_id": image.image_id, "file_name": name, "segments_info": infos})
    content = {
        "images": images,
        "annotations": annotations,
        "categories": [category.as_dict() for category in categories],
    }
    write_text(path, msgspec.json.encode(content).decode() + "\n")


def file_name(image: Written) -> str:
    """Return the name of the PNG of an image."""
    if type(image.image_id) is int:
        return f"{image.image_id:012d}.png"
    # The id of a frame is sequence/frame; anything else stays in the folder.
    safe = "/" if image.sequence is not None and ".." not in str(image.image_id) else ""
    return f"{quote(str(image.image_id), safe=safe)}.png"


def _checked(
    id_map: Any, segments: Iterable[Mapping[str, Any]], table: Categories
) -> tuple[LabelMap, Sequence[Row]]:
    labels = LabelMap.from_array(id_map)
    found: list[PqevalError] = []
    rows = read_rows(segments, truth=True, problems=found)
    check_list(labels, rows, noun="the", problems=found)
    raise_all([problem for problem in found if problem.severity == "error"])
    return labels, rows


def _check_storable(image: Written, table: Categories) -> None:
    lacking = [row for row in image.rows if table.index_of(row.category_id) < 0]
    largest = int(image.labels.present().max())
    shape = image.labels.shape
    if len(shape) != 2 or largest > MAX_RGB_ID or lacking:
        what = (
            f"a map of shape {shape}"
            if len(shape) != 2
            else f"the id {largest}"
            if largest > MAX_RGB_ID
            else f"category_id {lacking[0].category_id}, which the table lacks,"
        )
        raise SegmentError(
            code="not-storable",
            found=f"{what} cannot be stored in this format",
            expected=f"an (H, W) map with ids up to {MAX_RGB_ID} and categories of the table",
            remedy="renumber the segments, or correct the list",
            image_id=image.image_id,
        )


def _info(row: Row, extent: Extent) -> dict[str, Any]:
    info = {
        "id": row.id,
        "category_id": row.category_id,
        "iscrowd": int(row.iscrowd),
        "area": extent.area,
        "bbox": extent.box,
    }
    return info if row.score is None else info | {"score": row.score}
