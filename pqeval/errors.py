"""What can go wrong, as a tree.

::

    PqevalError                 anything pqeval says about what it was given
    ├── UsageError              wrong options or arguments                     (exit code 2)
    ├── DataError               the data cannot be scored                      (exit code 3)
    │   ├── FileError           missing, not a regular file, path leaves its folder
    │   ├── JsonError           not JSON, or not the expected structure
    │   ├── ImageError          not a PNG, broken, or a mode that cannot carry ids
    │   ├── ShapeError          two maps that should cover the same pixels do not
    │   ├── SegmentError        ids in a map and rows in its segment list disagree
    │   ├── CategoryError       a category the table lacks, or a table that is no table
    │   ├── PairingError        images that have no partner, or more than one
    │   ├── MergeError          two different counts for one image
    │   ├── EmptyError          nothing was left to average
    │   └── SeveralErrors       more than one of the above, each kept in ``errors``
    └── DataWarning             the number stands, but somebody should know    (collected, never raised)

Every one of them says where it happened, what was found there, what was expected, and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = [
    "CategoryError",
    "DataError",
    "DataWarning",
    "EmptyError",
    "FileError",
    "ImageError",
    "JsonError",
    "MergeError",
    "PairingError",
    "PqevalError",
    "SegmentError",
    "SeveralErrors",
    "ShapeError",
    "UsageError",
]

SHOWN = 20


class PqevalError(Exception):
    """Base of everything pqeval raises or reports.

    Parameters
    ----------
    code : str
        Short stable name of the rule, for example ``"png-id-not-listed"``.
    found, expected, remedy : str
        What was met, what should have been there, what to do about it.
    file : str, optional
        The file concerned.
    image_id : object, optional
        The image concerned, as written in the data.
    segment_id : int, optional
        The segment concerned.
    """

    severity = "error"
    exit_code = 3

    def __init__(
        self,
        *,
        code: str,
        found: str,
        expected: str,
        remedy: str,
        file: str | None = None,
        image_id: Any = None,
        segment_id: int | None = None,
    ) -> None:
        super().__init__(code, found, expected, remedy, file, image_id, segment_id)
        self.code = code
        self.found = found
        self.expected = expected
        self.remedy = remedy
        self.file = file
        self.image_id = image_id
        self.segment_id = segment_id

    @property
    def where(self) -> str:
        """File and image, as far as they are known; an empty string where neither is."""
        image = None if self.image_id is None else f"image {self.image_id!r}"
        if self.file is None:
            return image or ""
        return self.file if image is None else f"{self.file} ({image})"

    def __str__(self) -> str:
        first = f"{self.where}: {self.found}" if self.where else self.found
        return f"{first}\n  expected: {self.expected}\n  do: {self.remedy}"

    def as_dict(self) -> dict[str, Any]:
        """Plain fields, for JSON."""
        return {
            "severity": self.severity,
            "code": self.code,
            "file": self.file,
            "image_id": self.image_id,
            "segment_id": self.segment_id,
            "found": self.found,
            "expected": self.expected,
            "remedy": self.remedy,
        }

    def located(self, *, file: str | None = None, image_id: Any = None) -> PqevalError:
        """The same report with file and image filled in where they were not known yet."""
        return self.worded(
            file=self.file if self.file is not None else file,
            image_id=self.image_id if self.image_id is not None else image_id,
        )

    def worded(self, **fields: Any) -> PqevalError:
        """The same report with other fields."""
        return type(self)(**(self._fields() | fields))

    def _fields(self) -> dict[str, Any]:
        fields = self.as_dict()
        del fields["severity"]
        return fields

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self._fields()))


def _rebuild(kind: type[PqevalError], fields: dict[str, Any]) -> PqevalError:
    return kind(**fields)


class UsageError(PqevalError):
    """Wrong options or arguments."""

    exit_code = 2


class DataError(PqevalError):
    """The data cannot be scored as it is."""


class FileError(DataError):
    """A file is missing, is not a regular file, or lies outside its folder."""


class JsonError(DataError):
    """A file is not JSON, or its structure is not the expected one."""


class ImageError(DataError):
    """A file is not a sound PNG, or its mode cannot carry segment ids."""


class ShapeError(DataError):
    """Two maps that should cover the same pixels do not, or an array has no usable shape."""


class SegmentError(DataError):
    """The ids in a map and the rows of its segment list disagree."""


class CategoryError(DataError):
    """A category that the table lacks, or a category table that cannot be used."""


class PairingError(DataError):
    """Images without a partner, or with more than one."""


class MergeError(DataError):
    """Two different counts for one image id."""


class EmptyError(DataError):
    """Nothing was left to average."""


class DataWarning(PqevalError, UserWarning):
    """The number stands, but somebody should know. Collected in results, never raised."""

    severity = "warning"


class SeveralErrors(DataError):
    """More than one thing is wrong; each is kept in ``errors``.

    Parameters
    ----------
    errors : iterable of PqevalError
        What was found, in the order of the data.
    stopped : bool, optional
        Whether reading stopped before the end, so that there may be more.
    """

    def __init__(self, errors: Iterable[PqevalError], stopped: bool = False) -> None:
        self.errors = tuple(errors)
        self.stopped = stopped
        first = self.errors[0]
        super().__init__(
            code="several",
            found=f"{'at least ' if stopped else ''}{len(self.errors)} errors",
            expected=first.expected,
            remedy=first.remedy,
        )

    def __str__(self) -> str:
        lines = [f"{self.found}:"]
        lines += [str(error) for error in self.errors[:SHOWN]]
        if self.stopped or len(self.errors) > SHOWN:
            lines.append("run `pqeval validate` on the same files to see all of them")
        return "\n".join(lines)

    def located(self, *, file: str | None = None, image_id: Any = None) -> SeveralErrors:
        """Each of the errors with file and image filled in."""
        return SeveralErrors([error.located(file=file, image_id=image_id) for error in self.errors], self.stopped)

    def __reduce__(self) -> tuple[Any, ...]:
        return (SeveralErrors, (self.errors, self.stopped))


def raise_all(errors: list[PqevalError], stopped: bool = False) -> None:
    """Raise nothing, the one error, or :class:`SeveralErrors`."""
    if len(errors) == 1 and not stopped:
        raise errors[0]
    if errors:
        raise SeveralErrors(errors, stopped)
