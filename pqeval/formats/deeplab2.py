"""What deeplab2 saves as raw panoptic predictions: RGB PNGs or arrays with class and instance.

Source: google-research/deeplab2 at 64bc1c1, ``trainer/vis.py`` and ``g3doc/setup/getting_started.md``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from pqeval.errors import FileError, ImageError, PqevalError
from pqeval.formats._arrays import counted, read_array
from pqeval.formats._class_instance import INSTANCE0, settle
from pqeval.formats._deeplab2_ids import NUMBERINGS, Classes, classes_of
from pqeval.formats._glance import Glance
from pqeval.formats._maps import RGB, Found, MapSide, PngLoader
from pqeval.formats._meaning import Meaning
from pqeval.formats._place import folder_of
from pqeval.labelmap import LabelMap
from pqeval.source import Request
from pqeval.storage import File, Folder, Place

__all__ = ["CONVENTION", "DESCRIPTION", "LAYOUT", "OPTIONS", "open_side", "recognise"]

DESCRIPTION = "deeplab2 raw_panoptic: RGB PNGs or .npy, with class and instance"
CONVENTION = "deeplab2"
OPTIONS = {
    "table": f"the numbers of the classes: {', '.join(NUMBERINGS)}, or same (those of the category table); "
    "auto (default): label ids for Cityscapes, id + 1 for ADE20K, else same",
    "encoding": "two_channel (instance = G), three_channel (256 G + B), or auto (default)",
    "void": "the class of void pixels: a number, or auto (default): what the numbering has",
    "instance0": "what a thing with instance 0 is: crowd (default for --gt), object (default for --pred), void",
}

LAYOUT = """\
vis/                             --pred: this folder, or raw_panoptic in it
├── raw_panoptic/
│   ├── NAME.png                 8-bit RGB; R = class, and instance = G or 256 G + B
│   ├── NAME.npy                 or (H, W, 3) integers: class, instance, 0
│   └── 0002/000000.png          of a video: a folder per sequence
└── 000000_panoptic_prediction.png   pictures for the eye; they hold no labels

Which classes the numbers mean, the option table says. Label maps of class * divisor + instance are not
of this format; they are read with the format numpy.
"""

BITS = 20
LARGEST_CLASS, LARGEST_INSTANCE = 2**12 - 2, 2**BITS - 1
RAW = re.compile(r"(?:.*/)?raw_panoptic/(?P<name>.+)\.(?:png|npy)")
LOOSE = re.compile(r"(?P<name>.+)\.(?:png|npy)")
PICTURE = re.compile(
    r"(?:.*/)?\d{6}_(?:image|(?:panoptic|semantic|instance|center)_(?:prediction|label)"
    r"|offset_(?:label|prediction_rgb)|semantic_error)\.png"
)


def _found(folder: Folder) -> list[Found]:
    names = folder.names()
    for pattern in (RAW, LOOSE):
        matches = [match for match in map(pattern.fullmatch, names) if match is not None]
        if matches:
            break
    pictures = [match[0] for match in matches if pattern is LOOSE and PICTURE.fullmatch(match[0])]
    if pictures:
        raise FileError(
            code="pictures",
            found=f"{pictures[0]} is a picture for the eye, with colours changed at random",
            expected="the folder raw_panoptic",
            remedy="save raw predictions too (save_raw_predictions of deeplab2's evaluator options)",
            file=str(folder),
        )
    known = {match["name"] for match in matches}
    # Of a pair of frames the second one is saved again, as NAME_next.
    first = [match for match in matches if match["name"].removesuffix("_next") not in known - {match["name"]}]
    return [Found(match["name"], match[0], match["name"].rpartition("/")[0] or None) for match in first]


@dataclass(frozen=True)
class _Loader:
    """Load a PNG or an array as class << 20 | instance; see :data:`pqeval.formats._maps.Loader`."""

    encoding: str

    def __call__(self, file: File, *, shape: tuple[int, ...] | None, problems: list[PqevalError]) -> LabelMap:
        if file.name.endswith(".npy"):
            return _of_array(file)
        remedy = "save it as two_channel_png; label maps of class * divisor + instance are of the format numpy"
        labels = PngLoader(((RGB, 8),), remedy=remedy)(file, shape=shape, problems=problems)
        present = labels.present()
        red, green, blue = present & 255, present >> 8 & 255, present >> 16
        if self.encoding == "two_channel" and blue.any():
            at = np.argmax(blue > 0)
            raise ImageError(
                code="third-channel",
                found=f"B is not 0 in some pixels: RGB ({red[at]}, {green[at]}, {blue[at]})",
                expected="R = class, G = instance, B = 0 (encoding=two_channel)",
                remedy="where 256 G + B is the instance, leave the option encoding out, or say three_channel",
            )
        # 256 G is a number for an instance as good as G, so both encodings are read alike.
        return labels.mapped(present, (red << BITS | green << 8 | blue).astype(np.uint32))


def _of_array(file: File) -> LabelMap:
    array = read_array(file)
    if array.ndim != 3 or array.shape[2] not in (2, 3) or array.size == 0:
        raise ImageError(
            code="array-shape",
            found=f"an array of shape {array.shape}",
            expected="(H, W, 3): class, instance, and 0",
            remedy="label maps of class * divisor + instance are read with the format numpy",
        )
    array = counted(array, "the map")
    tops = array.reshape(-1, array.shape[2]).max(axis=0).tolist()
    most = (LARGEST_CLASS, LARGEST_INSTANCE, 0)
    for top, limit, noun in zip(tops, most, ("class", "instance", "third number"), strict=False):
        if top > limit:
            raise ImageError(
                code="array-range",
                found=f"a pixel has the {noun} {top}",
                expected=f"class up to {most[0]}, instance up to {most[1]}, and 0",
                remedy="save class and instance, not colours; divide by the divisor first",
            )
    wide = array.astype(np.uint32)
    return LabelMap.from_array(wide[..., 0] << np.uint32(BITS) | wide[..., 1])


def decode(
    values: npt.NDArray[np.int64], problems: list[PqevalError], *, classes: Classes, instance0: str
) -> Meaning:
    """See :data:`pqeval.formats._meaning.Decoder`."""
    category, void = classes.of(values >> BITS, problems)
    meaning = Meaning.of(values, category, values & LARGEST_INSTANCE, offset=1)
    meaning.void = void
    return settle(meaning, problems, categories=classes.categories, instance0=instance0)


def recognise(glance: Glance) -> int:
    """See ``formats/__init__.py``; without their folder, raw predictions look like others."""
    raw = glance.matching(RAW.pattern)
    own = isinstance(glance.place, Folder) and re.search(r"(?:^|[/\\])raw_panoptic[/\\]?$", str(glance.place))
    names = raw or glance.matching(LOOSE.pattern)
    if not names or glance.json is not None:
        return 0
    if PICTURE.fullmatch(names[0]) and not raw:
        return 2  # to say what is wrong with them
    readable = names[0].endswith(".npy") and bool(raw or own)
    if readable or glance.png(names[0]) == (RGB, 8):
        return 2 if raw or own else 1
    return 0


def open_side(place: Place, request: Request) -> MapSide:
    """Open one side; see ``formats/__init__.py``."""
    folder = folder_of(place)
    classes = classes_of(request)
    return MapSide(
        folder,
        _found(folder),
        categories=classes.categories,
        load=_Loader(request.choice("encoding", ("auto", "two_channel", "three_channel"))),
        decode=partial(decode, classes=classes, instance0=request.choice("instance0", INSTANCE0[request.role])),
        looked_for="files such as raw_panoptic/NAME.png or NAME.npy",
    )
