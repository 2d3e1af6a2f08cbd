"""A zip with a COCO panoptic JSON and its PNGs: what evaluation servers take."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path

import msgspec

from pqeval.formats._coco_write import file_name
from pqeval.formats._png import png_of_ids
from pqeval.output import fresh_file
from pqeval.source import Written

__all__ = ["write_zip"]

NO_TIME = (1980, 1, 1, 0, 0, 0)


def write_zip(path: Path, images: Iterable[Written], *, stem: str) -> None:
    """Write predictions as ``stem.json`` and ``stem/*.png`` into a zip, whole or not at all.

    The same images give the same bytes: no clock, and PNGs are stored as they are.

    Parameters
    ----------
    path : Path
        The zip.
    images : iterable of Written
        Checked predictions.
    stem : str
        Name of JSON and folder.
    """
    annotations = []
    with fresh_file(path) as name, zipfile.ZipFile(name, "w") as archive:
        for image in images:
            png = file_name(image)
            _add(archive, f"{stem}/{png}", png_of_ids(image.labels.to_array()), zipfile.ZIP_STORED)
            rows = [{"id": row.id, "category_id": row.category_id} for row in image.rows]
            annotations.append({"image_id": image.image_id, "file_name": png, "segments_info": rows})
        text = msgspec.json.encode({"annotations": annotations}) + b"\n"
        _add(archive, f"{stem}.json", text, zipfile.ZIP_DEFLATED)


def _add(archive: zipfile.ZipFile, name: str, content: bytes, packed: int) -> None:
    info = zipfile.ZipInfo(name, NO_TIME)
    info.external_attr = 0o644 << 16
    archive.writestr(info, content, packed)
