"""One file per kind of output; each has ``render(result, ledger, stream)`` and writes the same bytes each time."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Mapping
from functools import partial

from pqeval.errors import UsageError
from pqeval.ledger import Ledger
from pqeval.output import PathLike, claims, write_texts
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
    for name, target, owner in claims(targets, inputs):
        if name == "save":
            if target == "-":
                raise UsageError(
                    code="save-to-file",
                    found="a run cannot be written to standard output: it is no text",
                    expected="the name of a file",
                    remedy="name one, which usually ends in .pqe",
                )
        else:
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
        if owner:
            by = "is an input" if owner == "input" else f"takes {_noun(owner)}"
            raise UsageError(
                code="target-taken",
                found=f"{os.fspath(target)} cannot take {_noun(name)}: it {by}",
                expected="a file of its own for every report",
                remedy="choose another name",
            )


def _noun(name: str) -> str:
    return "the run" if name == "save" else f"the report {name}"


def write_reports(result: Result, ledger: Ledger, targets: Mapping[str, PathLike | None]) -> None:
    """Render reports to files; ``-`` is standard output, and ``None`` means not asked for.

    Everything is rendered before anything is written. What has rows becomes a Parquet file where its name says so.

    Raises
    ------
    UsageError, FileError
        If there is no such report, or a file cannot be written.
    """
    asked = {name: target for name, target in targets.items() if target is not None}
    tables = {
        target: room.get(name).columns(result, ledger) for name, target in asked.items() if is_parquet(target)
    }
    texts = {name: target for name, target in asked.items() if not is_parquet(target)}
    write_texts(texts, {name: partial(_rendered, name, result, ledger) for name in texts})
    for target, columns in tables.items():
        write_parquet(columns, target)


def _rendered(name: str, result: Result, ledger: Ledger) -> str:
    stream = io.StringIO()
    room.get(name).render(result, ledger, stream)
    return stream.getvalue()
