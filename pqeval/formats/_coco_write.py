"""Writing COCO panoptic: a JSON and a folder of PNGs that every reader accepts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import numpy as np

from pqeval.categories import Categories
from pqeval.errors import FileError, PairingError, PqevalError, SegmentError, raise_all
from pqeval.formats._png import MAX_RGB_ID, write_ids
from pqeval.frame import check_list
from pqeval.image_ids import ImageId, image_ids
from pqeval.labelmap import LabelMap
from pqeval.output import write_text
from pqeval.rows import Row, read_rows

__all__ = ["save_coco_panoptic"]


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
        ``category_id``, optionally ``iscrowd``. Every id of the map is listed, and every listed id is in it.
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
    path = Path(path)
    place = Path(folder) if folder is not None else path.with_suffix("")
    table = Categories.of(categories)
    if place == path:
        raise FileError(
            code="json-suffix",
            found="the JSON and the folder of its PNGs would have one name",
            expected="a name that ends in .json",
            remedy="add .json, or name the folder",
            file=str(path),
        )
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as reason:
        raise FileError(
            code="folder-not-made",
            found=f"cannot make the folder: {reason.strerror}",
            expected="a place that may be written",
            remedy="choose another place",
            file=str(place),
        ) from reason
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    names: set[str] = set()
    for given, id_map, segments in frames:
        (image_id,) = image_ids([given])
        name = f"{image_id:012d}.png" if type(image_id) is int else f"{quote(str(image_id), safe='')}.png"
        if name in names:
            raise PairingError(
                code="image-twice-saved",
                found=f"two images would be saved as {name}",
                expected="every image id once",
                remedy="give every image its own id",
                image_id=image_id,
            )
        names.add(name)
        try:
            labels, rows = _checked(id_map, segments, table)
        except PqevalError as error:
            raise error.located(image_id=image_id) from None
        dense = labels.to_array()
        write_ids(place / name, dense)
        height, width = dense.shape
        images.append({"id": image_id, "width": width, "height": height, "file_name": name})
        infos = [_info(row, box) for row, box in zip(rows, _boxes(dense, rows), strict=True)]
        annotations.append({"image_id": image_id, "file_name": name, "segments_info": infos})
    content = {
        "images": images,
        "annotations": annotations,
        "categories": [category.as_dict() for category in table],
    }
    write_text(path, msgspec.json.encode(content).decode() + "\n")


def _checked(
    id_map: Any, segments: Iterable[Mapping[str, Any]], table: Categories
) -> tuple[LabelMap, Sequence[Row]]:
    labels = LabelMap.from_array(id_map)
    found: list[PqevalError] = []
    rows = read_rows(segments, truth=True, problems=found)
    check_list(labels, rows, noun="the", problems=found)
    lacking = [row for row in rows if table.index_of(row.category_id) < 0]
    largest = int(labels.present().max())
    if len(labels.shape) != 2 or largest > MAX_RGB_ID or lacking:
        what = (
            f"a map of shape {labels.shape}"
            if len(labels.shape) != 2
            else f"the id {largest}"
            if largest > MAX_RGB_ID
            else f"category_id {lacking[0].category_id}, which the table lacks,"
        )
        found.append(
            SegmentError(
                code="not-storable",
                found=f"{what} cannot be stored in this format",
                expected=f"an (H, W) map with ids up to {MAX_RGB_ID} and categories of the table",
                remedy="renumber the segments, or correct the list",
            )
        )
    raise_all([problem for problem in found if problem.severity == "error"])
    return labels, rows


def _boxes(dense: Any, rows: Sequence[Row]) -> list[tuple[int, list[int]]]:
    """Area and box [x, y, width, height] per row."""
    from scipy import ndimage  # loading it takes longer than reading a small dataset

    ids = np.array(sorted(row.id for row in rows), dtype=np.int64)
    compact = np.searchsorted(ids, dense) + 1
    compact[dense == 0] = 0
    areas = np.bincount(compact.reshape(-1), minlength=len(ids) + 1)
    boxes = ndimage.find_objects(compact, max_label=len(ids))
    measured = {}
    for place, (number, (down, across)) in enumerate(zip(ids.tolist(), boxes, strict=True), start=1):
        box = [across.start, down.start, across.stop - across.start, down.stop - down.start]
        measured[number] = (int(areas[place]), box)
    return [measured[row.id] for row in rows]


def _info(row: Row, measured: tuple[int, list[int]]) -> dict[str, Any]:
    area, box = measured
    return {
        "id": row.id,
        "category_id": row.category_id,
        "iscrowd": int(row.iscrowd),
        "area": area,
        "bbox": box,
    }
