"""Writing what ``createPanopticImgs`` of cityscapesScripts writes, byte for byte.

Source: mcordts/cityscapesScripts at 0bcc4a7, ``preparation/createPanopticImgs.py``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pqeval.categories import Categories
from pqeval.errors import SegmentError
from pqeval.formats._boxes import extents
from pqeval.formats._cityscapes_raw import labels_of, named
from pqeval.formats._png import MAX_RGB_ID, write_ids
from pqeval.output import make_folder, write_text
from pqeval.source import Written

__all__ = ["write"]


def write(path: Path, frames: Iterable[Written], categories: Categories) -> None:
    """Write a JSON and its PNGs.

    Segments keep their ids; those read from instanceIds files are the ids of the scripts.

    Parameters
    ----------
    path : Path
        The JSON, beside which the folder of its PNGs is made; or a folder for both, in which the JSON is called
        ``cityscapes_panoptic.json``. It is written last.
    frames : iterable of Written
        The images.
    categories : Categories
        The table: of Cityscapes, by label ids or train ids.

    Raises
    ------
    DataError
        For what cannot be stored, and where a file cannot be written.
    """
    labels = labels_of(categories)
    target = path if path.suffix == ".json" else path / "cityscapes_panoptic.json"
    folder = target.with_suffix("")
    make_folder(folder)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image, image_id in named(frames, labels):
        largest = int(image.labels.present()[-1])
        if largest > MAX_RGB_ID:
            raise SegmentError(
                code="segment-id-rgb",
                found=f"segment id {largest} cannot be stored in an RGB PNG",
                expected=f"ids up to {MAX_RGB_ID}",
                remedy="renumber the segments of this image",
                image_id=image.image_id,
                segment_id=largest,
            )
        name = f"{image_id}_gtFine_panoptic.png"
        write_ids(folder / name, image.labels.to_array())
        height, width = image.labels.shape
        # No such picture exists: the scripts leave _gtFine in its name, and so do we.
        picture = f"{image_id}_gtFine_leftImg8bit.png"
        images.append({"id": image_id, "width": width, "height": height, "file_name": picture})
        annotations.append({"image_id": image_id, "file_name": name, "segments_info": _segments(image)})
    table = [
        {
            "id": row.id,
            "name": row.name,
            "color": list(row.color or labels[row.id]["color"]),
            "supercategory": labels[row.id]["supercategory"],
            "isthing": labels[row.id]["isthing"],
        }
        for row in categories
    ]
    content = {"images": images, "annotations": annotations, "categories": table}
    write_text(target, json.dumps(content, sort_keys=True, indent=4))


def _segments(image: Written) -> list[dict[str, Any]]:
    measured = extents(image.labels)
    return [
        {
            "id": row.id,
            "category_id": row.category_id,
            "area": measured[row.id].area,
            "bbox": measured[row.id].box,
            "iscrowd": int(row.iscrowd),
        }
        for row in sorted(image.rows)
    ]
