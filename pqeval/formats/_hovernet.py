"""Files of HoVer-Net: .mat, .json and .npy, each to an instance map and what it says about classes.

Source: vqdang/hover_net, ``README.md``, ``infer/tile.py``, ``dataset.py`` and ``extract_patches.py`` at 67e2ce5.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pqeval.categories import integral
from pqeval.errors import ImageError, JsonError, PqevalError, SegmentError, ShapeError
from pqeval.formats._arrays import counted, glimpse, read_array
from pqeval.formats._contours import Contour, draw
from pqeval.formats._json import read_json
from pqeval.formats._mat import read_mat
from pqeval.formats._meaning import shown
from pqeval.formats._nuclei import NO_CLASS
from pqeval.labelmap import MAX_ID
from pqeval.storage import File

__all__ = ["Nuclei", "read_nuclei", "tells_classes"]

COLOURS = 3
MAP, KINDS, TYPES, NUMBERS = "inst_map", "type_map", "inst_type", "inst_uid"


class Nuclei(NamedTuple):
    """What a file says.

    Parameters
    ----------
    instance : (H, W) int
        The nuclei; 0 is background.
    kinds : (H, W) int, optional
        The class of each pixel.
    types : (K,) int64, optional
        A list of classes.
    numbers : (K,) int64, optional
        The nucleus of each entry of the list; left out, they are those of ``instance`` by ascending number.
    """

    instance: npt.NDArray[Any]
    kinds: npt.NDArray[Any] | None = None
    types: npt.NDArray[np.int64] | None = None
    numbers: npt.NDArray[np.int64] | None = None

    def classes(self, present: npt.NDArray[np.int64]) -> npt.NDArray[np.int64] | None:
        """Return the classes by the list; ``None`` where there is none, or only the class map can be right.

        Parameters
        ----------
        present : (P,) int64
            The values of ``instance``, ascending, 0 included.

        Raises
        ------
        SegmentError
            If the list does not fit, and there is no class map.
        """
        if not present.any():
            return np.full(len(present), NO_CLASS)
        if self.types is None:
            return None
        numbers = present[present > 0] if self.numbers is None else self.numbers
        if len(numbers) != len(self.types):
            if self.kinds is not None:
                return None
            raise SegmentError(
                code="inst-type-count",
                found=f"{TYPES} has {len(self.types)} entries for {len(numbers)} nuclei",
                expected=f"an entry per nucleus, by ascending number, or in the order of {NUMBERS}",
                remedy=f"save {NUMBERS} too, the number of the nucleus of each entry",
            )
        lacking = np.setdiff1d(numbers, present)
        if len(lacking):
            raise SegmentError(
                code="inst-uid-unknown",
                found=f"{NUMBERS} lists nucleus {shown(lacking.tolist())}, which {MAP} lacks",
                expected="numbers of nuclei that have pixels",
                remedy="save both from the same result",
            )
        told = dict(zip(numbers.tolist(), self.types.tolist(), strict=True))
        return np.array([told.get(number, NO_CLASS) for number in present.tolist()], np.int64)


def tells_classes(file: File) -> bool | None:
    """Whether a file says of which class its nuclei are; ``None`` where there are none, or it cannot be read."""
    try:
        if file.name.endswith(".mat"):
            content = read_mat(file, (KINDS, TYPES, MAP))
            nuclei = content.get(MAP)
            told = _numbers(content, TYPES) is not None or KINDS in content
            return told or (None if nuclei is None or not nuclei.any() else False)
        if file.name.endswith(".json"):
            kinds = [contour.kind for contour in _contours(file)]
            return any(kind is not None for kind in kinds) if kinds else None
        header = glimpse(file)
        return None if header is None or len(header.shape) != 3 else header.shape[2] > COLOURS + 1
    except PqevalError:
        return None


def read_nuclei(file: File, size: tuple[int, int] | None, role: str, problems: list[PqevalError]) -> Nuclei:
    """Read one file.

    Parameters
    ----------
    file : File
        A .mat, .json or .npy.
    size : (int, int), optional
        Height and width of the image; contours do not say it.
    role : {"gt", "pred"}
        Named in messages.
    problems : list
        Receives warnings.

    Raises
    ------
    FileError, JsonError, ImageError, ShapeError, SegmentError
        If it cannot be used.
    """
    if file.name.endswith(".mat"):
        return _mat(file)
    if file.name.endswith(".npy"):
        return _patch(file)
    listed = _contours(file)
    if size is None:
        raise ShapeError(
            code="contour-size",
            found="contours do not say how large the image is",
            expected="its height and width",
            remedy=f"say it with --{role}-option size=HxW, for example size=1000x1000",
        )
    typed = [contour for contour in listed if contour.kind is not None]
    return Nuclei(
        draw(listed, size, problems),
        types=np.array([contour.kind for contour in typed], np.int64) if typed else None,
        numbers=np.array([contour.number for contour in typed], np.int64),
    )


def _mat(file: File) -> Nuclei:
    content = read_mat(file, (MAP, KINDS, TYPES, NUMBERS))
    if MAP not in content:
        raise ImageError(
            code="mat-inst-map",
            found=f"there is no variable {MAP}",
            expected=f"{MAP} with the number of the nucleus of each pixel",
            remedy=f"save it as scipy.io.savemat(path, {{'{MAP}': array}})",
        )
    return Nuclei(
        counted(content[MAP], MAP), content.get(KINDS), _numbers(content, TYPES), _numbers(content, NUMBERS)
    )


def _numbers(content: dict[str, npt.NDArray[Any]], name: str) -> npt.NDArray[np.int64] | None:
    """Return a list of numbers, where there is one; an empty list says nothing."""
    array = content.get(name)
    if array is None or not array.size:
        return None
    return counted(array, name).reshape(-1).astype(np.int64)


def _patch(file: File) -> Nuclei:
    array = read_array(file)
    if array.ndim != 3 or array.shape[2] - COLOURS not in (1, 2):
        raise ShapeError(
            code="patch-shape",
            found=f"the array has the shape {array.shape}",
            expected="(H, W, 5) = red, green, blue, nucleus, class; or (H, W, 4) without a class",
            remedy="save patches as HoVer-Net's extract_patches.py does",
        )
    instance = counted(array[..., COLOURS], "channel 3")
    return Nuclei(instance, array[..., COLOURS + 1] if array.shape[2] == COLOURS + 2 else None)


def _contours(file: File) -> list[Contour]:
    content = read_json(file)
    nuclei = content.get("nuc") if isinstance(content, dict) else None
    if not isinstance(nuclei, dict):
        raise _not_nuclei(file, "there is no object 'nuc'")
    listed = []
    for name, nucleus in nuclei.items():
        number = int(name) if name.isdecimal() and len(name) < 11 else 0
        if not 0 < number <= MAX_ID:
            raise _not_nuclei(file, f"nuc has the key {name!r}")
        told = nucleus if isinstance(nucleus, dict) else {}
        try:
            points = np.array(told.get("contour"), np.float64)
        except (TypeError, ValueError, OverflowError):
            points = np.empty(0)
        if points.ndim != 2 or points.shape[1] != 2 or not points.size or not np.isfinite(points).all():
            raise _not_nuclei(file, f"nucleus {number} has no contour of points (x, y)")
        kind = integral(told.get("type"))
        if (kind is None and told.get("type") is not None) or not 0 <= (kind or 0) <= MAX_ID:
            raise _not_nuclei(file, f"nucleus {number} has the type {told['type']!r}")
        listed.append(Contour(number, points, kind))
    return listed


def _not_nuclei(file: File, found: str) -> JsonError:
    return JsonError(
        code="nuclei-json",
        found=found,
        expected='{"nuc": {"1": {"contour": [[x, y], ...], "type": 1}, ...}}, numbers from 1',
        remedy="check that this is a JSON of HoVer-Net",
        file=str(file),
    )
