"""Saved runs: a zip of a JSON header and of columns, with a checksum over all of it.

The members carry no time and no name of a machine, so that equal runs are equal files. Columns are stored in the
smallest integer type that holds them.
"""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
import zlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import numpy.typing as npt

from pqeval._version import __version__
from pqeval.categories import Categories, Category
from pqeval.errors import DataWarning, FileError, PqevalError
from pqeval.image_ids import ImageId
from pqeval.ledger import Column, FrameLedger, Ledger, Outcome
from pqeval.output import fresh_file
from pqeval.result import Result
from pqeval.run import Run
from pqeval.storage import File, Place, locate
from pqeval.void import convention

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["is_run", "read_run", "write_run"]

HEADER = "pqeval-run.json"
SCHEMA = "pqeval.run/1"
CHECKSUM = "sha256"
SUFFIX = ".pqe"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can state
PAIRS = ("gt_place", "pred_place", "inter")
MAGIC = b"PK\x03\x04"
INTEGERS = (np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.int64)
NAME_AT = 30  # where a zip has the name of its first member


class _Image(msgspec.Struct, array_like=True):
    image_id: ImageId
    rank: int
    pixels: int
    unknown_pixels: int
    rows: int
    pairs: int
    scores: int
    stratum: str | None
    deviations: dict[str, int]
    warnings: list[dict[str, Any]]


class _Category(msgspec.Struct, array_like=True):
    id: int
    name: str
    isthing: bool | None
    color: tuple[int, int, int] | None


class _Header(msgspec.Struct, tag=SCHEMA, tag_field="schema"):
    version: str
    convention: str
    unknown: str
    unknown_categories: list[int]
    categories: list[_Category]
    groups: dict[str, list[int]]
    result: Result
    images: list[_Image]


def is_run(place: Place) -> bool:
    """Whether a place is the file of a saved run, by its first bytes.

    One whose name ends in .pqe is, too, unless it begins as JSON does: then reading it says what is wrong with it.
    """
    if not isinstance(place, File):
        return False
    named = str(place).lower().endswith(SUFFIX)
    try:
        head = place.head(NAME_AT + len(HEADER))
    except PqevalError:
        return named
    if head.startswith(MAGIC) and head[NAME_AT:] == HEADER.encode():
        return True
    return named and not head.lstrip().startswith(b"{")


def write_run(run: Run, path: str | os.PathLike[str]) -> None:
    """Write a run; see :meth:`Run.save`."""
    frames = list(run.ledger.ordered())
    header = _Header(
        __version__,
        run.policy.name,
        run.policy.unknown,
        sorted(run.policy.unknown_categories),
        [_Category(row.id, row.name, row.isthing, row.color) for row in run.categories],
        {name: list(ids) for name, ids in run.groups.items()},
        run.result,
        [_described(frame) for frame in frames],
    )
    rows = _joined([frame.rows for frame in frames], len(Column))
    pairs = _joined([frame.pairs for frame in frames], len(PAIRS))
    scores = np.concatenate([np.zeros(0), *(frame.scores for frame in frames if frame.scores is not None)])
    members = {HEADER: msgspec.json.encode(header)}
    members |= {f"rows/{column.name.lower()}.npy": _packed(rows[:, column]) for column in Column}
    members |= {f"pairs/{name}.npy": _packed(pairs[:, place]) for place, name in enumerate(PAIRS)}
    members["scores.npy"] = _packed(scores)
    members[CHECKSUM] = _digest(members).encode()
    with fresh_file(path) as name, zipfile.ZipFile(name, "w") as archive:
        for member, data in members.items():
            info = zipfile.ZipInfo(member, EPOCH)
            info.compress_type = zipfile.ZIP_STORED if member == HEADER else zipfile.ZIP_DEFLATED
            info.create_system = 3  # zipfile notes the system it runs on
            info.external_attr = 0o644 << 16
            archive.writestr(info, data, compresslevel=6)


def read_run(path: str | os.PathLike[str]) -> Run:
    """Read a run; see :meth:`Run.load`."""
    place = locate(path)
    if not isinstance(place, File):
        raise _unusable(str(place), "is a folder or an archive")
    data = place.read()
    try:
        members = _unpacked(data)
        header = msgspec.json.decode(members[HEADER], type=_Header)
        return _rebuilt(header, members)
    except PqevalError as error:
        raise error.located(file=str(place)) from None
    except (msgspec.ValidationError, msgspec.DecodeError, ValueError, LookupError, TypeError) as reason:
        newer = _newer(data)
        if newer is not None:
            raise FileError(
                code="run-newer",
                found=f"a saved run of pqeval {newer[1]}, with the schema {newer[0]}",
                expected=f"the schema {SCHEMA}, which pqeval {__version__} reads",
                remedy=f"install pqeval {newer[1]} or newer, or evaluate again with --save",
                file=str(place),
            ) from reason
        raise _unusable(str(place), f"cannot be read ({reason})") from reason


def _described(frame: FrameLedger) -> _Image:
    return _Image(
        frame.image_id,
        frame.rank,
        frame.pixels,
        frame.unknown_pixels,
        len(frame.rows),
        len(frame.pairs),
        -1 if frame.scores is None else len(frame.scores),
        frame.stratum,
        dict(sorted(frame.deviations.items())),
        [warning.as_dict() for warning in frame.warnings],
    )


def _joined(tables: Iterable[npt.NDArray[np.int64]], width: int) -> npt.NDArray[np.int64]:
    return np.concatenate([np.zeros((0, width), np.int64), *tables])


def _packed(column: npt.NDArray[Any]) -> bytes:
    """Store a column as numpy does, integers in the smallest type, little end first."""
    if column.dtype.kind == "i" and len(column):
        low, high = int(column.min()), int(column.max())
        fitting = (kind for kind in INTEGERS if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max)
        column = column.astype(next(fitting))
    stream = io.BytesIO()
    np.lib.format.write_array(stream, column.astype(column.dtype.newbyteorder("<")), (1, 0), allow_pickle=False)
    return stream.getvalue()


def _digest(members: Mapping[str, bytes]) -> str:
    total = hashlib.sha256()
    for name, data in members.items():
        if name != CHECKSUM:
            total.update(f"{name}\0{len(data)}\0".encode() + data)
    return total.hexdigest()


def _unpacked(data: bytes) -> dict[str, bytes]:
    """Read all members, whose checksum has to be right."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {info.filename: archive.read(info) for info in archive.infolist()}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as reason:
        raise ValueError(str(reason)) from reason
    if _digest(members) != members.get(CHECKSUM, b"").decode("ascii", "replace"):
        raise ValueError("its checksum is wrong")
    return members


def _newer(data: bytes) -> tuple[str, str] | None:
    """Return schema and version of a sound file that has another schema of ours than this one."""
    try:
        content = msgspec.json.decode(_unpacked(data)[HEADER])
        schema, version = content["schema"], content["version"]
    except (ValueError, LookupError, TypeError):
        return None
    ours = isinstance(schema, str) and schema.startswith(SCHEMA.partition("/")[0] + "/")
    return (schema, str(version)) if ours and schema != SCHEMA else None


def _unusable(file: str, found: str) -> FileError:
    return FileError(
        code="run-damaged",
        found=f"not a sound saved run: it {found}",
        expected="a file that --save wrote, whole",
        remedy="copy it again, or evaluate again with --save",
        file=file,
    )


def _rebuilt(header: _Header, members: Mapping[str, bytes]) -> Run:
    rows = np.stack([_column(members, f"rows/{column.name.lower()}.npy") for column in Column], axis=1)
    pairs = np.stack([_column(members, f"pairs/{name}.npy") for name in PAIRS], axis=1)
    scores = _column(members, "scores.npy", np.float64)
    categories = Categories(Category(*msgspec.structs.astuple(row)) for row in header.categories)
    if (
        not np.isin(rows[:, Column.OUTCOME], list(Outcome)).all()
        or (rows[:, Column.CATEGORY] >= len(categories)).any()
    ):
        raise ValueError("a row has an outcome or a category that does not exist")
    if "All" not in header.result.groups:
        raise ValueError("its result has no group All")
    ledger = Ledger()
    at = at_pair = at_score = 0
    for image in header.images:
        own = scores[at_score : at_score + image.scores] if image.scores >= 0 else None
        ledger.add(
            FrameLedger(
                image.image_id,
                image.rank,
                image.pixels,
                image.unknown_pixels,
                rows[at : at + image.rows],
                tuple(_warning(fields) for fields in image.warnings),
                image.stratum,
                pairs[at_pair : at_pair + image.pairs],
                own,
                image.deviations,
            )
        )
        at, at_pair, at_score = at + image.rows, at_pair + image.pairs, at_score + max(image.scores, 0)
    if (at, at_pair, at_score) != (len(rows), len(pairs), len(scores)):
        raise ValueError("its columns and its images do not fit together")
    policy = convention(header.convention, unknown=header.unknown, unknown_categories=header.unknown_categories)
    groups = {name: tuple(ids) for name, ids in header.groups.items()}
    return Run(header.result, ledger, categories, policy, groups)


def _column(members: Mapping[str, bytes], name: str, dtype: type = np.int64) -> npt.NDArray[Any]:
    column = np.lib.format.read_array(io.BytesIO(members[name]), allow_pickle=False)
    if column.ndim != 1:
        raise ValueError(f"{name} is no column")
    return column.astype(dtype)


def _warning(fields: dict[str, Any]) -> DataWarning:
    return DataWarning(**{name: value for name, value in fields.items() if name != "severity"})
