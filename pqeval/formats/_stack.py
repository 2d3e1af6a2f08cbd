"""A side whose images lie one behind the other in large arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pqeval.categories import Categories
from pqeval.errors import PairingError, PqevalError, ShapeError
from pqeval.formats._arrays import map_array
from pqeval.formats._reading import gather
from pqeval.image_ids import Key, image_key
from pqeval.labelmap import LabelMap
from pqeval.rows import Row
from pqeval.source import Image
from pqeval.storage import File

__all__ = ["Stack", "StackSide"]

Decode: TypeAlias = Callable[[npt.NDArray[Any], list[PqevalError]], tuple[LabelMap, Sequence[Row]]]


@dataclass(frozen=True)
class Stack:
    """An array of images.

    Parameters
    ----------
    file : File
        The .npy.
    name : str or None
        What stands before the place of an image in its id; ``None`` where the place is all.
    strata : sequence of str, optional
        What each image is averaged with first.
    """

    file: File
    name: str | None = None
    strata: Sequence[str] | None = None


class StackSide:
    """One opened side; see :class:`pqeval.source.Source`.

    Parameters
    ----------
    file : str
        What was opened.
    stacks : sequence of Stack
        The arrays, each (N, H, W, channels).
    categories : Categories
        The table.
    channels : int
        Length of the last axis.
    decode : callable
        ``decode(image, problems)``: an (H, W, channels) array to its map and list.

    Raises
    ------
    FileError, ImageError, ShapeError
        If an array cannot be read, or is of another form.
    """

    def __init__(
        self, file: str, stacks: Sequence[Stack], *, categories: Categories, channels: int, decode: Decode
    ) -> None:
        self.file = file
        self.categories: Categories | None = categories
        self.problems: list[PqevalError] = []
        self.images: dict[Key, Image] = {}
        self._stacks = stacks
        self._channels = channels
        self._decode = decode
        self._arrays = [self._opened(stack) for stack in stacks]
        for number, (stack, array) in enumerate(zip(stacks, self._arrays, strict=True)):
            self._add(number, stack, len(array))

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_arrays": []}  # another process opens them itself

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._arrays = [self._opened(stack) for stack in self._stacks]

    def _opened(self, stack: Stack) -> npt.NDArray[Any]:
        array = map_array(stack.file)
        if array.ndim != 4 or array.shape[-1] != self._channels or 0 in array.shape:
            raise ShapeError(
                code="stack-shape",
                found=f"the array has the shape {array.shape}",
                expected=f"(N, H, W, {self._channels}): all images in one array",
                remedy="stack the images, for example with `np.stack(images)`",
                file=str(stack.file),
            )
        return array

    def _add(self, number: int, stack: Stack, length: int) -> None:
        if stack.strata is not None and len(stack.strata) != length:
            raise ShapeError(
                code="stack-strata",
                found=f"the numbers of images and of tissues differ: {length} and {len(stack.strata)}",
                expected="a tissue for every image",
                remedy="take both files from the same fold",
                file=str(stack.file),
            )
        for place in range(length):
            image_id = place if stack.name is None else f"{stack.name}/{place:06d}"
            stratum = None if stack.strata is None else stack.strata[place]
            image = Image(image_id, len(self.images), str(stack.file), (number, place), stratum=stratum)
            if self.images.setdefault(image_key(image_id), image) is not image:
                self.problems.append(
                    PairingError(
                        code="stack-twice",
                        found=f"two arrays have images called {stack.name}",
                        expected="one array per fold",
                        remedy="give the folders different numbers, or name one of them",
                        file=str(stack.file),
                    )
                )
                return

    def read(
        self, image: Image, *, shape: tuple[int, ...] | None = None, problems: list[PqevalError]
    ) -> tuple[LabelMap, Sequence[Row]] | None:
        """Read map and segment list of an image."""
        number, place = image.entry
        array = self._arrays[number][place]
        return gather(
            lambda found: self._decode(np.asarray(array), found), image, file=image.file, problems=problems
        )
