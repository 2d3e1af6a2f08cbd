"""SemanticKITTI: a number per point, raw class and instance in its two halves.

Source: PRBonn/semantic-kitti-api, ``README.md``, ``config/semantic-kitti.yaml`` and ``evaluate_panoptic.py`` at
a9c749e.
"""

from __future__ import annotations

import re
from functools import partial

import numpy as np
import numpy.typing as npt

from pqeval import tables
from pqeval.categories import Categories
from pqeval.errors import ImageError, PairingError, PqevalError, UsageError
from pqeval.formats._glance import Glance
from pqeval.formats._lidar import LACKING, VOID, look_up, report_bare, table_ids
from pqeval.formats._maps import Found, MapSide
from pqeval.formats._meaning import Meaning, report
from pqeval.formats._place import folder_of
from pqeval.labelmap import LabelMap
from pqeval.source import Request
from pqeval.storage import File, Folder, Place

__all__ = ["CONVENTION", "DESCRIPTION", "LAYOUT", "OPTIONS", "open_side", "recognise"]

DESCRIPTION = "SemanticKITTI: .label files, a uint32 per point = instance << 16 | raw class"
CONVENTION = "lidar"
OPTIONS = {"sequences": "which sequences to take, for example 08 (the validation split) or 08,10; all by default"}

LAYOUT = """\
sequences/                       --gt or --pred: the folder above, this one, or one of a sequence
├── 08/                          a folder per sequence
│   ├── labels/000000.label      ground truth
│   └── predictions/000000.label predictions
└── ...

A file has a little-endian uint32 per point of velodyne/000000.bin, on both sides: the raw class of
semantic-kitti.yaml in the low 16 bits, the instance in the high 16. Raw 0, 1, 52 and 99 are void.
"""

NAME = re.compile(r"(?:.*?/)?(?:(?P<sequence>\d+)/)?(?:(?P<kind>labels|predictions)/)?(?P<frame>\d+)\.label")
KINDS = {"gt": "labels", "pred": "predictions"}
BITS = 16


def frames(folder: Folder, role: str) -> list[Found]:
    """List the scans of a side.

    Files of the other side are left out, since a dataset may hold both; in a folder without ``labels`` and
    ``predictions`` all files count. The path of the folder itself may name sequence and kind.
    """
    above = str(folder).replace("\\", "/").rstrip("/")
    found = []
    for name in folder.names():
        parts = NAME.fullmatch(f"{above}/{name}")
        if parts is None or (parts["kind"] not in (None, KINDS[role]) and "/" in name):
            continue
        frame = f"{int(parts['frame']):06d}"
        if parts["sequence"] is None:
            found.append(Found(frame, name, above.rpartition("/")[2] or None))
        else:
            sequence = f"{int(parts['sequence']):02d}"
            found.append(Found(f"{sequence}/{frame}", name, sequence))
    return found


def chosen(found: list[Found], request: Request, file: str) -> list[Found]:
    """Take the sequences that the user named."""
    told = request.options.get("sequences")
    if told is None:
        return found
    wanted = [text.strip() for text in told.split(",")]
    if not all(text.isdecimal() for text in wanted):
        raise UsageError(
            code="option-value",
            found=f"{request.role} option sequences is {told!r}",
            expected="a sequence or several, with commas between them",
            remedy=f"for example --{request.role}-option sequences=08",
        )
    names = [f"{int(text):02d}" for text in wanted]
    there = sorted({entry.sequence for entry in found if entry.sequence is not None})
    lacking = [name for name in names if name not in there]
    if lacking:
        raise PairingError(
            code="sequence-missing",
            found=f"there is no scan of sequence {', '.join(lacking)}",
            expected=f"sequences that are there: {', '.join(there) or 'none'}",
            remedy="check the folder, and the option sequences",
            file=file,
        )
    return [entry for entry in found if entry.sequence in names]


def load(file: File, *, shape: tuple[int, ...] | None, problems: list[PqevalError]) -> LabelMap:
    """See :data:`pqeval.formats._maps.Loader`; the numbers of points are compared later."""
    raw = file.read()
    if not raw or len(raw) % 4:
        raise ImageError(
            code="label-size",
            found=f"the file has {len(raw)} bytes",
            expected="4 bytes per point, and at least one point",
            remedy="write the labels as little-endian uint32, for example `labels.astype('<u4').tofile(path)`",
        )
    return LabelMap.from_array(np.frombuffer(raw, "<u4"))


def decode(
    values: npt.NDArray[np.int64],
    problems: list[PqevalError],
    *,
    ids: npt.NDArray[np.int64],
    categories: Categories,
    role: str,
) -> Meaning:
    """See :data:`pqeval.formats._meaning.Decoder`.

    Raw classes that are scored as one keep their own segments, as in the official evaluation: the whole value is
    the segment.
    """
    raw, instance = values & (1 << BITS) - 1, values >> BITS
    meaning = Meaning.of(values, look_up(ids, raw), instance)
    numbers = np.unique(raw[meaning.category == LACKING])
    report(
        numbers,
        problems,
        code="raw-class-unknown",
        found="raw class {values} is none of SemanticKITTI",
        expected="classes of semantic-kitti.yaml in the low 16 bits",
        remedy="write raw classes, in predictions too: map learning ids back with learning_map_inv",
    )
    meaning.void = meaning.category == VOID
    if role == "pred":
        report_bare(meaning.category, instance, categories, problems)
    return meaning


def recognise(glance: Glance) -> int:
    """See ``formats/__init__.py``."""
    nested = glance.matching(r"(?:.*/)?(?:labels|predictions)/\d+\.label")
    return 2 if nested else int(bool(glance.matching(r"(?:.*/)?\d{6}\.label")))


def open_side(place: Place, request: Request) -> MapSide:
    """Open one side; see ``formats/__init__.py``."""
    folder = folder_of(place)
    categories = request.categories or Categories.builtin("semantickitti")
    ids = table_ids(tables.read("semantickitti")["raw_to_id"], request.categories)
    return MapSide(
        folder,
        chosen(frames(folder, request.role), request, str(folder)),
        categories=categories,
        load=load,
        decode=partial(decode, ids=ids, categories=categories, role=request.role),
        looked_for=f"files such as sequences/08/{KINDS[request.role]}/000000.label",
    )
