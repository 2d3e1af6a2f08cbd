"""Where outputs go is looked at before the work."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from pqeval.errors import UsageError
from pqeval.output import PathLike, claims

__all__ = ["check_targets"]


def check_targets(targets: Mapping[str, PathLike | None], inputs: Iterable[PathLike | None]) -> None:
    """Check that every output has a place of its own that can be written; ``-`` is standard output.

    Raises
    ------
    UsageError, FileError
        If two outputs, or one and an input, are the same file, or if no file can be made there.
    """
    for name, target, owner in claims(targets, inputs):
        if owner:
            by = "is an input" if owner == "input" else f"takes --{owner}"
            raise UsageError(
                code="target-taken",
                found=f"--{name} {os.fspath(target)}, which {by}",
                expected="a file of its own for every output",
                remedy="choose another name",
            )
