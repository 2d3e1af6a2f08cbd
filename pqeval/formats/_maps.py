"""A side in which every image is one file with one map: what most formats without metadata are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pqeval.categories import Categories
from pqeval.errors import ImageError, PairingError, PqevalError
from pqeval.formats._meaning import Decoder, segments
from pqeval.formats._png import Mode, read_map
from pqeval.formats._reading import gather
from pqeval.image_ids import ImageId, Key, image_key
from pqeval.labelmap import LabelMap
from pqeval.rows import Row
from pqeval.source import Image
from pqeval.storage import File, Folder

__all__ = ["GRAY", "GRAY_ALPHA", "PALETTE", "RGB", "RGBA", "FileSide", "Found", "Loader", "MapSide", "PngLoader"]

GRAY, RGB, PALETTE, GRAY_ALPHA, RGBA = 0, 2, 3, 4, 6
KINDS = {0: "grayscale", 2: "RGB", 3: "palette", 4: "grayscale with alpha", 6: "RGBA"}

Loader = Callable[..., LabelMap]
"""``load(file, shape=..., problems=...)``: a file to its map of values."""


class Found(NamedTuple):
    """A file that a format recognised."""

    image_id: ImageId
    name: str
    sequence: str | None = None
    stratum: str | None = None


class FileSide(ABC):
    """One opened side in which every image is one file; see :class:`pqeval.source.Source`.

    Parameters
    ----------
    folder : Folder
        Where the files are.
    found : iterable of Found
        The files of the format in it, in the order of the data.
    categories : Categories or None
        The table.
    looked_for : str
        What the files are called, for the message that there are none.
    """

    def __init__(
        self, folder: Folder, found: Iterable[Found], *, categories: Categories | None, looked_for: str
    ) -> None:
        self.file = str(folder)
        self.folder = folder
        self.categories = categories
        self.problems: list[PqevalError] = []
        self.images: dict[Key, Image] = {}
        for rank, file in enumerate(found):
            self._add(Image(file.image_id, rank, folder.path(file.name), file.name, file.sequence, file.stratum))
        if not self.images:
            raise PairingError(
                code="no-files",
                found="there are no files of this format",
                expected=looked_for,
                remedy="check the folder, and the format with `pqeval formats`",
                file=self.file,
            )

    def _add(self, image: Image) -> None:
        key = image_key(image.image_id)
        before = self.images.setdefault(key, image)
        if before is not image:
            self.problems.append(
                PairingError(
                    code="file-twice",
                    found=f"two files are of one image: {before.file} and {image.file}",
                    expected="one file per image",
                    remedy="name the folder of one split or one kind of file, or remove the other file",
                    file=self.file,
                    image_id=image.image_id,
                )
            )

    def read(
        self, image: Image, *, shape: tuple[int, ...] | None = None, problems: list[PqevalError]
    ) -> tuple[LabelMap, Sequence[Row]] | None:
        """Read map and segment list of an image."""
        file = File(self.folder, image.entry)
        return gather(lambda found: self._segments(file, shape, found), image, file=image.file, problems=problems)

    @abstractmethod
    def _segments(
        self, file: File, shape: tuple[int, ...] | None, problems: list[PqevalError]
    ) -> tuple[LabelMap, Sequence[Row]]:
        """Read one file; what is wrong is raised or added to ``problems``, and neither file nor image is named."""


class MapSide(FileSide):
    """One opened side in which every image is one file with one map of values.

    Parameters
    ----------
    folder, found, categories, looked_for
        See :class:`FileSide`.
    load : callable
        A file to its map of values: ``load(file, shape=..., problems=...)``.
    decode : Decoder
        Values to what they mean.
    """

    def __init__(
        self,
        folder: Folder,
        found: Iterable[Found],
        *,
        categories: Categories,
        load: Loader,
        decode: Decoder,
        looked_for: str,
    ) -> None:
        super().__init__(folder, found, categories=categories, looked_for=looked_for)
        self._load = load
        self._decode = decode

    def _segments(
        self, file: File, shape: tuple[int, ...] | None, problems: list[PqevalError]
    ) -> tuple[LabelMap, Sequence[Row]]:
        labels = self._load(file, shape=shape, problems=problems)
        return segments(labels, self._decode(labels.present().astype(np.int64), problems))


@dataclass(frozen=True)
class PngLoader:
    """Load PNGs of some kinds as maps of values.

    Parameters
    ----------
    kinds : tuple of (int, int)
        Colour type and bit depth of the PNGs that carry values.
    remedy : str
        What to do about a PNG of another kind.
    alpha : bool
        Whether alpha is data.
    """

    kinds: tuple[tuple[int, int], ...]
    remedy: str
    alpha: bool = False

    def __call__(self, file: File, *, shape: tuple[int, ...] | None, problems: list[PqevalError]) -> LabelMap:
        """Load one; see :data:`Loader`."""
        return self.with_mode(file, shape=shape, problems=problems)[0]

    def with_mode(
        self, file: File, *, shape: tuple[int, ...] | None, problems: list[PqevalError]
    ) -> tuple[LabelMap, Mode]:
        """Load one, and say of which kind it is."""
        try:
            labels, mode = read_map(file, shape=shape, alpha=self.alpha, problems=problems)
        except ImageError as error:
            raise self._other_kind(error.found) if error.code == "png-mode" else error from None
        if (mode.color, mode.depth) not in self.kinds:
            raise self._other_kind(f"the PNG is {mode.depth}-bit {KINDS[mode.color]}")
        return labels, mode

    def _other_kind(self, found: str) -> ImageError:
        return ImageError(
            code="png-kind",
            found=found,
            expected=" or ".join(f"{depth}-bit {KINDS[color]}" for color, depth in self.kinds),
            remedy=self.remedy,
        )
