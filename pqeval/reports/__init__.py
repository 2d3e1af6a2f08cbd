"""One file per kind of output; each has ``render(result, ledger, stream)`` and writes the same bytes each time."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable, Mapping

from pqeval.errors import UsageError
from pqeval.ledger import Ledger
from pqeval.output import PathLike, check_target, write_text
from pqeval.registry import Room
from pqeval.reports._columns import check_parquet, is_parquet, write_parquet
from pqeval.result import Result

__all__ = ["check_targets", "room", "write_reports"]

room = Room(__name__, kind="report")


def check_targets(targets: Mapping[str, PathLike | None], inputs: Iterable[PathLike | None] = ()) -> None:
    """Refuse, before anything is counted, targets of :func:`write_reports` that cannot be written.

    ``save`` is the file of a run, which is no report.

    Raises
    ------
    UsageError, FileError
        If there is no such report, if two of them or one and an input are the same file, or if no file can be
        made there.
    """
    taken = {_place(path): "is an input" for path in inputs if path is not None}
    for name, target in targets.items():
        if target is None:
            continue
        if name != "save":
            report = room.get(name)
            if is_parquet(target):
                if not hasattr(report, "columns"):
                    raise UsageError(
                        code="not-a-table",
                        found=f"{os.fspath(target)} cannot take the report {name}",
                        expected="Parquet for --per-image and --per-segment only",
                        remedy="choose another suffix",
                    )
                check_parquet()
        place = _place(target)
        if place in taken:
            raise UsageError(
                code="target-taken",
                found=f"{os.fspath(target)} cannot take {_noun(name)}: it {taken[place]}",
                expected="a file of its own for every report",
                remedy="choose another name",
            )
        taken[place] = f"takes {_noun(name)}"
        if place != "-":
            check_target(target)


def _noun(name: str) -> str:
    return "the run" if name == "save" else f"the report {name}"


def _place(path: PathLike) -> str:
    """Name the file behind a path; ``-`` and what can be no path stay as they are."""
    place = os.fspath(path)
    # What holds a NUL is no path; whoever opens it will say so.
    return place if place == "-" or "\0" in place else os.path.realpath(place)


def write_reports(result: Result, ledger: Ledger, targets: Mapping[str, PathLike | None]) -> None:
    """Render reports to files; ``-`` is standard output, and ``None`` means not asked for.

    Everything is rendered before anything is written. What has rows becomes a Parquet file where its name says so.

    Raises
    ------
    UsageError, FileError
        If there is no such report, or a file cannot be written.
    """
    texts = []
    tables = []
    for name, target in targets.items():
        if target is not None and is_parquet(target):
            tables.append((target, room.get(name).columns(result, ledger)))
        elif target is not None:
            stream = io.StringIO()
            room.get(name).render(result, ledger, stream)
            texts.append((target, stream.getvalue()))
    for target, text in texts:
        if os.fspath(target) == "-":
            sys.stdout.write(text)
        else:
            write_text(target, text)
    for target, columns in tables:
        write_parquet(columns, target)
