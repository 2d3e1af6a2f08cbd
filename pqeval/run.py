"""A run: a result together with all it was made of, so that it can be asked again without reading a pixel."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pqeval.categories import Categories
from pqeval.ledger import FrameLedger, Ledger
from pqeval.result import Result
from pqeval.void import VoidPolicy

__all__ = ["Run"]


@dataclass(frozen=True, eq=False)
class Run:
    """An evaluation with its ledger.

    Parameters
    ----------
    result : Result
        The scores.
    ledger : Ledger
        One row per segment, and the pixels that segments share.
    categories : Categories
        The table.
    policy : VoidPolicy
        The convention.
    groups : mapping of str to tuple of int
        The user's groups of category ids.

    Examples
    --------
    >>> import numpy as np, pqeval
    >>> metric = pqeval.PanopticQuality([{"id": 1, "name": "cat", "isthing": 1}])
    >>> segments = [{"id": 1, "category_id": 1}]
    >>> metric.update(gt=(np.array([[1, 1, 0]]), segments), pred=(np.array([[1, 1, 1]]), segments), image_id=7)
    >>> metric.run().save("epoch3.pqe")
    >>> pqeval.Run.load("epoch3.pqe").result.pq
    1.0
    """

    result: Result
    ledger: Ledger
    categories: Categories
    policy: VoidPolicy
    groups: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def frames(self) -> list[FrameLedger]:
        """Return the ledgers of the images, in the order in which the convention adds them up."""
        return list(self.ledger.ordered(by_file=self.policy.file_order))

    def images(self) -> dict[str, list[Any]]:
        """Return a row per image as columns, as ``pandas.DataFrame`` takes them; those of ``--per-image``."""
        from pqeval.reports import per_image

        return per_image.columns(self.result, self.ledger)

    def segments(self) -> dict[str, list[Any]]:
        """Return a row per segment as columns; those of ``--per-segment``."""
        from pqeval.reports import per_segment

        return per_segment.columns(self.result, self.ledger)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the run to a file: ``.pqe`` by custom, compact, with a checksum, the same bytes for the same run.

        Parameters
        ----------
        path : path
            File to write, whole or not at all.

        Raises
        ------
        FileError
            If it cannot be written.
        """
        from pqeval.run_file import write_run

        write_run(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Run:
        """Read a run that :meth:`save` wrote.

        Parameters
        ----------
        path : path or URL
            The file.

        Returns
        -------
        Run

        Raises
        ------
        FileError
            If there is no such file, or it is no saved run, or damaged, or of a newer version of pqeval.
        """
        from pqeval.run_file import read_run

        return read_run(path)
