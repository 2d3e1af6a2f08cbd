"""Columns to files: CSV, and Parquet where pyarrow is installed."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from typing import Any, TextIO

from pqeval.errors import UsageError
from pqeval.output import PathLike, fresh_file

__all__ = ["check_parquet", "is_parquet", "write_csv", "write_parquet"]


def write_csv(columns: Mapping[str, list[Any]], stream: TextIO) -> None:
    """Write a header and a row per entry; what is not available stays empty."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))


def is_parquet(path: PathLike) -> bool:
    """Whether a file is to be Parquet, by its name."""
    return os.fspath(path).lower().endswith(".parquet")


def check_parquet() -> Any:
    """Load what writes Parquet.

    Raises
    ------
    UsageError
        If it is not installed.
    """
    try:
        import pyarrow.parquet
    except ImportError as reason:
        raise UsageError(
            code="parquet-not-installed",
            found="pyarrow is not installed",
            expected="the package that writes Parquet",
            remedy="pip install 'pqeval[parquet]', or name a .csv file",
        ) from reason
    return pyarrow


def write_parquet(columns: Mapping[str, list[Any]], path: PathLike) -> None:
    """Write columns; image ids of several types become text.

    Raises
    ------
    UsageError, FileError
        If pyarrow is not installed, or the file cannot be written.
    """
    pyarrow = check_parquet()
    told = dict(columns)
    if len({type(value) for value in told["image_id"]}) > 1:
        told["image_id"] = [str(value) for value in told["image_id"]]
    with fresh_file(path) as name:
        pyarrow.parquet.write_table(pyarrow.table(told), name)
