"""A side whose images are lists of masks: the annotations of COCO detection, or a list of results."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pqeval.categories import Categories, integral
from pqeval.errors import DataWarning, PqevalError, SegmentError, ShapeError
from pqeval.formats._coco_entries import OTHER, Entries, Listed
from pqeval.formats._masks import Limits, Mask, paste
from pqeval.formats._reading import gather
from pqeval.formats._rle import mask_size, pixels_of
from pqeval.formats._stuff_maps import StuffMaps, plain_stem
from pqeval.image_ids import Key, image_key
from pqeval.labelmap import LabelMap
from pqeval.rows import Row
from pqeval.source import Image

__all__ = ["InstancesSide", "Pasting"]


@dataclass(frozen=True)
class Pasting:
    """How masks become one map; see :func:`pqeval.formats._masks.paste`."""

    rule: str
    limits: Limits = field(default_factory=Limits)


class InstancesSide:
    """One opened side; see :class:`pqeval.source.Source`.

    Parameters
    ----------
    role : {"gt", "pred"}
        Ground truth or prediction.
    files : list of Entries
        The JSON; behind it, if there is one, that of the stuff.
    categories : Categories or None
        The table.
    maps : StuffMaps or None
        Maps of stuff.
    pasting : Pasting
        How masks become one map.
    """

    def __init__(
        self,
        role: str,
        files: list[Entries],
        *,
        categories: Categories | None,
        maps: StuffMaps | None,
        pasting: Pasting,
    ) -> None:
        self.role = role
        self.file = files[0].file
        self.files = files
        self.maps = maps
        self.pasting = pasting
        self.categories = categories
        self.known = {row.id for row in categories or ()}
        self.things = {row.id for row in categories or () if row.isthing is not False}
        self.problems: list[PqevalError] = [problem for file in files for problem in file.problems]
        if role == "gt" and maps is None and not self._has_stuff():
            self.problems.append(_no_stuff(self.file))
        self.images: dict[Key, Image] = {}
        for key, image in [*(pair for file in files for pair in file.images.items()), *self._mapped()]:
            if key not in self.images:
                self.images[key] = Image(image.image_id, len(self.images), self.file, image)

    def _has_stuff(self) -> bool:
        """Whether any mask is of a stuff category, where the table tells stuff from things."""
        stuff = self.known - self.things
        entries = (entry for file in self.files for named in file.of_image.values() for _, entry in named)
        told = self.categories is None or self.categories.tells_things
        return not told or any(integral(entry.get("category_id")) in stuff for entry in entries)

    def _mapped(self) -> Iterator[tuple[Key, Listed]]:
        """Images of which a prediction has only a stuff map."""
        if self.maps is None or self.role == "gt":
            return
        images = self.files[0].images.values()
        listed = {plain_stem(str(image.image_id)) for image in images}
        listed |= {plain_stem(image.stem) for image in images if image.stem is not None}
        for stem in self.maps.names:
            if stem not in listed:
                image_id = int(stem) if stem.isdecimal() else stem
                yield image_key(image_id), Listed(image_id)

    def read(
        self, image: Image, *, shape: tuple[int, ...] | None = None, problems: list[PqevalError]
    ) -> tuple[LabelMap, Sequence[Row]] | None:
        """Read the masks of an image and paste them into one map."""
        return gather(
            lambda found: self._pasted(image.entry, shape, found), image, file=self.file, problems=problems
        )

    def _pasted(
        self, image: Listed, shape: tuple[int, ...] | None, found: list[PqevalError]
    ) -> tuple[LabelMap, Sequence[Row]] | None:
        key = image_key(image.image_id)
        labels = None
        if self.maps is not None:
            labels = self.maps.read(image.image_id, image.stem, shape=shape, problems=found)
        entries = [(*named, file) for file in self.files for named in file.of_image.get(key, [])]
        size = _size(image, shape, labels, entries)
        masks = []
        for name, entry, file in entries:
            try:
                mask = self._mask(name, entry, size, stuff=file is not self.files[0])
            except PqevalError as error:
                found.append(error.worded(found=f"{name}: {error.found}").located(file=file.file))
            else:
                masks += [] if mask is None else [mask]
        if self.maps is not None and labels is not None:
            masks += self.maps.masks(labels)
        if any(problem.severity == "error" for problem in found):
            return None
        return paste(
            size,
            masks,
            self.pasting.rule,
            limits=self.pasting.limits,
            remedy=f"say which is on top with --{self.role}-option overlap=smaller-on-top, or first, or last",
            problems=found,
        )

    def _mask(self, name: str, entry: dict[str, Any], size: tuple[int, int], *, stuff: bool) -> Mask | None:
        """One mask; ``None`` for what is neither a thing nor stuff here."""
        category = integral(entry.get("category_id"))
        crowd = entry.get("iscrowd", 0) if self.role == "gt" else 0
        score = entry.get("score") if self.role == "pred" else None
        plain = isinstance(score, int | float) and not isinstance(score, bool) and math.isfinite(score)
        for key, sound, expected in (
            ("category_id", category is not None, "an integer"),
            ("iscrowd", crowd in (0, 1), "0 or 1"),
            ("score", score is None or plain, "a finite number"),
        ):
            if not sound:
                raise SegmentError(
                    code="annotation-field",
                    found=f"{key} is {entry.get(key)!r:.40}",
                    expected=expected,
                    remedy=f"correct {key} of this entry",
                )
        assert category is not None
        if (category == OTHER and OTHER not in self.known) or (stuff and category in self.things):
            return None
        pixels = pixels_of(entry.get("segmentation"), size)
        isthing = category in self.things or category not in self.known
        return Mask(pixels, category, name, isthing, bool(crowd), None if score is None else float(score))


def _size(
    image: Listed,
    shape: tuple[int, ...] | None,
    labels: LabelMap | None,
    entries: list[tuple[str, dict[str, Any], Entries]],
) -> tuple[int, int]:
    """Height and width of an image, on which all that tells them has to agree."""
    told: list[tuple[str, tuple[int, ...]]] = []
    if image.size is not None:
        told.append(("images[]", image.size))
    if labels is not None:
        told.append(("the stuff map", labels.shape))
    for name, entry, _ in entries:
        try:
            stated = mask_size(entry.get("segmentation"))
        except PqevalError as error:
            raise error.worded(found=f"{name}: {error.found}") from None
        if stated is not None:
            told.append((name, stated))
    if not told and shape is not None and len(shape) == 2:
        told.append(("the ground truth", shape))
    if not told:
        raise ShapeError(
            code="size-unknown",
            found="nothing tells the size of the image, neither images[] nor run lengths",
            expected="images[] with height and width, or masks as run lengths",
            remedy="add the image to images[], or write the masks as run lengths",
        )
    first, (height, width) = told[0]
    for other, size in told:
        if size != (height, width):
            raise ShapeError(
                code="mask-shape",
                found=f"{first} is {width} x {height} (width x height), {other} is {size[1]} x {size[0]}",
                expected="one size",
                remedy="write the masks in the size of the image, as [height, width]",
            )
    if shape is not None and shape != (height, width):
        raise ShapeError(
            code="shape",
            found=f"the masks are {width} x {height} (width x height), the ground truth has the shape {shape}",
            expected="two maps of one size",
            remedy="make the masks in the size of the image; with polygons, scale their points",
        )
    return height, width


def _no_stuff(file: str) -> DataWarning:
    return DataWarning(
        code="no-stuff",
        found="the ground truth has no stuff: pixels without a mask are void, and predicted segments that lie "
        "mostly there are not counted as false positives",
        expected="stuff, as masks or as a map",
        remedy="name the stuff with the option stuff_json or with --gt-folder, or keep this in mind",
        file=file,
    )
