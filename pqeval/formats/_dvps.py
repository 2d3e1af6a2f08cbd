"""What the datasets of ViP-DeepLab share: files named by sequence and frame, a depth PNG beside each map.

Source: joe-siyuan-qiao/ViP-DeepLab at f1c0c43, ``cityscapes-dvps`` and ``semkitti-dvps``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from pqeval.categories import Categories
from pqeval.errors import ImageError, PairingError, PqevalError
from pqeval.formats._class_instance import settle
from pqeval.formats._maps import GRAY, Found, Loader, MapSide, PngLoader
from pqeval.formats._meaning import Decoder, Meaning
from pqeval.formats._place import folder_of
from pqeval.image_ids import ImageId
from pqeval.source import Image, Request
from pqeval.storage import File, Folder, Place

__all__ = ["BITS", "OPTIONS", "DvpsSide", "Named", "check_blue", "open_dvps"]

OPTIONS = {"instance0": "what a thing with instance 0 is: object (default), crowd, or void"}

BITS = 16
"""Maps are loaded as class << 16 | instance."""

Renumber: TypeAlias = Callable[[npt.NDArray[np.int64]], npt.NDArray[np.int64]]

PER_METRE = 256
PREDICTED_VOID, VPSNET_VOID = 19, 255
FRAME = re.compile(r"(?:.*/)?(?P<sequence>\d+)_(?P<frame>\d+)(?P<rest>[_.][^/]*)")


class Named(NamedTuple):
    """A file whose name begins with sequence and frame."""

    sequence: int
    frame: int
    name: str
    rest: str

    @property
    def image_id(self) -> str:
        """The image id of the frame."""
        return f"{self.sequence:06d}/{self.frame:06d}"

    @property
    def is_depth(self) -> bool:
        """Whether its path calls it depth."""
        return "depth" in self.name

    def found(self) -> Found:
        """Take it for the map of the frame."""
        return Found(self.image_id, self.name, f"{self.sequence:06d}")


def named(folder: Folder) -> list[Named]:
    """List the PNGs of frames, in the order of their numbers."""
    matches = [FRAME.fullmatch(name) for name in folder.names() if name.endswith(".png")]
    return sorted(
        Named(int(match["sequence"]), int(match["frame"]), match[0], match["rest"])
        for match in matches
        if match is not None
    )


class DvpsSide(MapSide):
    """One opened side, with depth.

    Parameters
    ----------
    folder : Folder
        Where the maps are.
    maps : iterable of Named
        The maps.
    request : Request
        Its folder, where there is one, has the depth maps.
    files : iterable of Named
        All files of the folder.
    categories, load, decode, looked_for
        See :class:`pqeval.formats._maps.MapSide`.
    """

    def __init__(
        self,
        folder: Folder,
        maps: Iterable[Named],
        *,
        request: Request,
        files: Iterable[Named],
        categories: Categories,
        load: Loader,
        decode: Decoder,
        looked_for: str,
    ) -> None:
        super().__init__(
            folder,
            [file.found() for file in maps],
            categories=categories,
            load=load,
            decode=decode,
            looked_for=looked_for,
        )
        self._depths = _depths(folder, files, request)

    def read_depth(
        self, image: Image, *, shape: tuple[int, ...] | None = None, problems: list[PqevalError]
    ) -> npt.NDArray[np.float64] | None:
        """Read the depth of a frame.

        Parameters
        ----------
        image : Image
            One of ``images``.
        shape : tuple of int, optional
            (H, W) that the PNG must have.
        problems : list
            Receives errors.

        Returns
        -------
        (H, W) float64 or None
            Metres; 0 where the depth is not known. ``None`` where there is no depth, or an error was added.
        """
        files = self._depths.get(image.image_id, ())
        if not files:
            return None
        file = files[0]
        load = PngLoader(((GRAY, 16),), remedy=f"save metres times {PER_METRE} as 16-bit grayscale, unknown as 0")
        found: list[PqevalError] = []
        depth = None
        try:
            if len(files) > 1:
                raise PairingError(
                    code="depth-twice",
                    found=f"two files are the depth of one frame: {file} and {files[1]}",
                    expected="one depth map per frame",
                    remedy="remove the other file",
                )
            # Differences of 16-bit integers wrap around, so nobody gets integers from here.
            depth = load(file, shape=shape, problems=found).to_array().astype(np.float64) / PER_METRE
        except PqevalError as error:
            found.append(error)
        problems += [problem.located(file=str(file), image_id=image.image_id) for problem in found]
        return depth


def _depths(folder: Folder, files: Iterable[Named], request: Request) -> Mapping[ImageId, tuple[File, ...]]:
    """The depth maps by frame: those in the folder that was named for them, or those that are called depth."""
    place, listed = folder, [file for file in files if file.is_depth]
    if request.folder is not None:
        place = request.folder
        listed = named(place)
        listed = [file for file in listed if file.is_depth] or listed
    found: dict[ImageId, tuple[File, ...]] = {}
    for file in listed:
        found[file.image_id] = (*found.get(file.image_id, ()), File(place, file.name))
    return found


def decode(
    values: npt.NDArray[np.int64],
    problems: list[PqevalError],
    *,
    categories: Categories,
    change: Renumber | None,
    void: Sequence[int],
    instance0: str,
) -> Meaning:
    """See :data:`pqeval.formats._meaning.Decoder`; ``change`` takes classes to category ids of the table."""
    number = values >> BITS
    meaning = Meaning.of(values, number if change is None else change(number), values % (1 << BITS), offset=1)
    meaning.void = np.isin(number, void)
    return settle(meaning, problems, categories=categories, instance0=instance0)


def open_dvps(
    place: Place,
    request: Request,
    *,
    table: str,
    maps: Callable[[list[Named], str], list[Named]],
    load: Loader,
    change: Callable[[Categories], Renumber | None],
    void: int,
    looked_for: str,
) -> DvpsSide:
    """Open one side; see ``formats/__init__.py``.

    Parameters
    ----------
    place, request
        What to open.
    table : str
        The table of the dataset.
    maps : callable
        Which of the files are maps of a role.
    load : callable
        A file to its map of class << 16 | instance.
    change : callable
        What takes the classes of the files to category ids of a table.
    void : int
        The class of void in ground truth; in predictions it is one of those that official scripts drop.
    looked_for : str
        What the maps are called.
    """
    folder = folder_of(place)
    categories = request.categories or Categories.builtin(table)
    files = named(folder)
    return DvpsSide(
        folder,
        maps(files, request.role),
        request=request,
        files=files,
        categories=categories,
        load=load,
        decode=partial(
            decode,
            categories=categories,
            change=change(categories),
            void=(void,) if request.role == "gt" else (PREDICTED_VOID, VPSNET_VOID, void),
            instance0=request.choice("instance0", ("object", "crowd", "void")),
        ),
        looked_for=looked_for,
    )


def check_blue(present: npt.NDArray[np.uint32]) -> None:
    """Raise :class:`ImageError` where the third channel of a two-channel PNG is used."""
    blue = present[present > 0xFFFF].tolist()
    if blue:
        raise ImageError(
            code="third-channel",
            found=f"B is not 0 in some pixels: RGB ({blue[0] & 255}, {blue[0] >> 8 & 255}, {blue[0] >> 16})",
            expected="R = class, G = instance, B = 0",
            remedy="save the raw prediction, not a picture of it",
        )
