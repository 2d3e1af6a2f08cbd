"""Maps of stuff that stand beside instance masks: COCO-Stuff's own, and those that networks are trained with.

Source: nightrome/cocostuff, README (stuffthingmaps); facebookresearch/detectron2 02b5c4e2,
``datasets/prepare_panoptic_fpn.py`` (panoptic_stuff); facebookresearch/Mask2Former 9b0651c,
``datasets/prepare_coco_semantic_annos_from_panoptic_annos.py`` (panoptic_semseg).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

import numpy as np

from pqeval.categories import Categories
from pqeval.errors import FileError, PqevalError, SegmentError
from pqeval.formats._maps import GRAY, PALETTE, PngLoader
from pqeval.formats._masks import Mask
from pqeval.formats._meaning import shown
from pqeval.image_ids import ImageId
from pqeval.labelmap import LabelMap
from pqeval.storage import File, Folder

__all__ = ["KINDS", "StuffMaps", "plain_stem"]

KINDS = ("stuffthingmaps", "panoptic_stuff", "panoptic_semseg")
UNLABELED = 255
LAST_THING = 90  # of stuffthingmaps, as pixel
LAST_STUFF = 181


def plain_stem(stem: str) -> str:
    """Return a stem without leading zeros, if it is a number."""
    return stem.lstrip("0") or "0" if stem.isdecimal() else stem


class StuffMaps:
    """A folder of stuff maps.

    Parameters
    ----------
    folder : Folder
        Where they are.
    kind : {"stuffthingmaps", "panoptic_stuff", "panoptic_semseg"}
        What their values mean.
    table : Categories
        The table whose order the values of the last two kinds follow.
    """

    def __init__(self, folder: Folder, kind: str, table: Categories) -> None:
        self.folder = folder
        self.kind = kind
        self.names: dict[str, list[str]] = {}
        for name in folder.names():
            if name.lower().endswith(".png"):
                self.names.setdefault(plain_stem(PurePosixPath(name).stem), []).append(name)
        stuff = [row.id for row in table if row.isthing is False]
        if kind == "stuffthingmaps":
            self.meaning = {value: value + 1 for value in range(LAST_THING + 1, LAST_STUFF + 1)}
            self.void = {*range(LAST_THING + 1), UNLABELED}
        elif kind == "panoptic_stuff":
            self.meaning = dict(enumerate(stuff, start=1))
            self.void = {0, UNLABELED}
        else:
            self.meaning = {place: row.id for place, row in enumerate(table) if row.isthing is False}
            self.void = {*range(len(table))} - set(self.meaning) | {UNLABELED}

    def read(
        self, image_id: ImageId, stem: str | None, *, shape: tuple[int, ...] | None, problems: list[PqevalError]
    ) -> LabelMap:
        """Read the map of an image; its name is that of the image, or its id.

        Raises
        ------
        FileError, ImageError, ShapeError
            If there is none, or it cannot be read.
        """
        wanted = plain_stem(str(image_id) if stem is None else stem)
        names = self.names.get(wanted) or self.names.get(plain_stem(str(image_id)), [])
        if len(names) != 1:
            raise FileError(
                code="stuff-map",
                found=f"{len(names) or 'no'} stuff maps are of this image",
                expected=f"one PNG named {wanted}.png, with leading zeros or without",
                remedy="check the folder, and the split that it is of",
                file=str(self.folder),
            )
        file = File(self.folder, names[0])
        load = PngLoader(((GRAY, 8), (PALETTE, 8)), remedy="write one class per pixel into one channel")
        try:
            return load(file, shape=shape, problems=problems)
        except PqevalError as error:
            raise error.located(file=str(file)) from None

    def masks(self, labels: LabelMap) -> Iterator[Mask]:
        """Yield the stuff of a map, by ascending value.

        Raises
        ------
        SegmentError
            For values that mean nothing.
        """
        present = labels.present().tolist()
        wrong = [value for value in present if value not in self.meaning and value not in self.void]
        if wrong:
            raise SegmentError(
                code="stuff-value",
                found=f"the stuff map has the values {shown(wrong)}",
                expected=f"values of {self.kind}: up to {max(self.meaning, default=0)}, or {UNLABELED}",
                remedy="say what the map is with the option stuff, and check the category table",
            )
        dense = labels.to_array().reshape(-1)
        for value in present:
            category = self.meaning.get(value)
            if category is not None:
                pixels = np.flatnonzero(dense == value)
                name = f"stuff {category} of the map"
                yield Mask(pixels, category, name, isthing=False, behind=True)
