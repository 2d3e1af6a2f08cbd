"""Where outputs go is looked at before the work."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from pqeval.errors import UsageError
from pqeval.output import PathLike, check_target

__all__ = ["check_targets"]


def check_targets(targets: Mapping[str, PathLike | None], inputs: Iterable[PathLike | None]) -> None:
    """Check that every output has a place of its own that can be written; ``-`` is standard output.

    Raises
    ------
    UsageError, FileError
        If two outputs, or one and an input, are the same file, or if no file can be made there.
    """
    taken = {
        os.path.realpath(path): "is an input" for path in inputs if path is not None and "\0" not in str(path)
    }
    for name, target in targets.items():
        if target is None:
            continue
        place = "-" if target == "-" else os.path.realpath(target)
        if place in taken:
            raise UsageError(
                code="target-taken",
                found=f"--{name} {os.fspath(target)}, which {taken[place]}",
                expected="a file of its own for every output",
                remedy="choose another name",
            )
        taken[place] = f"takes --{name}"
        if place != "-":
            check_target(target)
