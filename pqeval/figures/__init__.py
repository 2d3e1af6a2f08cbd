"""Figures of a diagnosis, one module for each. They want matplotlib, which is loaded only for them."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from pqeval.errors import UsageError
from pqeval.output import fresh_file, make_folder, remove_file

if TYPE_CHECKING:
    from pqeval.diagnosis.findings import Diagnosis

__all__ = ["FIGURES", "need_matplotlib", "write_figures"]

FIGURES = ("waterfall", "classes", "unknown", "thresholds", "confusion")
"""Names of the modules, which are those of the files."""


def need_matplotlib() -> None:
    """Raise where matplotlib is not installed.

    Raises
    ------
    UsageError
        Saying what to install.
    """
    try:
        importlib.import_module("matplotlib")
    except ImportError as reason:
        raise UsageError(
            code="plot-not-installed",
            found=f"figures cannot be drawn: {reason}",
            expected="matplotlib",
            remedy="pip install 'pqeval[plot]'",
        ) from reason


def write_figures(found: Diagnosis, folder: Path) -> list[Path]:
    """Write the figures of a diagnosis that have something to show, and remove those of an earlier one.

    Parameters
    ----------
    found : Diagnosis
        What was found.
    folder : path
        Where the PNGs go; it is made where it does not exist. Of what lies there only files called as the figures
        are touched.

    Returns
    -------
    list of path
        The files: the same bytes for the same diagnosis and the same matplotlib.

    Raises
    ------
    UsageError
        Where matplotlib is not installed.
    FileError
        Where a file cannot be written or removed.
    """
    need_matplotlib()
    from pqeval.figures.style import styled

    make_folder(folder)
    written = []
    for name in FIGURES:
        module = importlib.import_module(f"pqeval.figures.{name}")
        with styled():
            figure = module.draw(found)
            if figure is None:
                continue
            path = folder / f"{name}.png"
            with fresh_file(path) as place:
                # matplotlib notes its version in a PNG unless it is told not to.
                figure.savefig(place, format="png", metadata={"Software": None})
        written.append(path)
    for path in (folder / f"{name}.png" for name in FIGURES):
        if path not in written:
            remove_file(path)
    return written
