"""One file per kind of output; each has ``render(result, ledger, stream)`` and writes the same bytes each time."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Mapping

from pqeval.ledger import Ledger
from pqeval.output import check_target, write_text
from pqeval.registry import Room
from pqeval.result import Result

__all__ = ["check_targets", "room", "write_reports"]

room = Room(__name__, kind="report")


def check_targets(targets: Mapping[str, str | os.PathLike[str] | None]) -> None:
    """Refuse, before anything is counted, targets of :func:`write_reports` that cannot be written.

    Raises
    ------
    UsageError, FileError
        If there is no such report, or no file can be made there.
    """
    for name, target in targets.items():
        if target is not None:
            room.get(name)
            if os.fspath(target) != "-":
                check_target(target)


def write_reports(result: Result, ledger: Ledger, targets: Mapping[str, str | os.PathLike[str] | None]) -> None:
    """Render reports to files; ``-`` is standard output, and ``None`` means not asked for.

    Everything is rendered before anything is written.

    Raises
    ------
    UsageError, FileError
        If there is no such report, or a file cannot be written.
    """
    texts = []
    for name, target in targets.items():
        if target is not None:
            stream = io.StringIO()
            room.get(name).render(result, ledger, stream)
            texts.append((target, stream.getvalue()))
    for target, text in texts:
        if os.fspath(target) == "-":
            sys.stdout.write(text)
        else:
            write_text(target, text)
