"""Predictions, or a run of them that was saved: either becomes a run. Counting is loaded only for the former."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from pqeval.errors import UsageError
from pqeval.inputs import Inputs, said
from pqeval.run import Run
from pqeval.run_file import is_run
from pqeval.storage import locate

__all__ = ["run_of"]


def run_of(
    inputs: Inputs,
    *,
    workers: int | None = None,
    processes: int = 1,
    progress: Callable[[int, int], None] | None = None,
    **rules: Any,
) -> Run:
    """Evaluate, or load the run where the predictions are a saved one; parameters as in :func:`evaluate`.

    Raises
    ------
    UsageError
        Where something is said that a saved run has settled already.
    """
    if inputs.pred is None or not is_run(locate(inputs.pred)):
        from pqeval.evaluation import run

        return run(inputs, workers=workers, processes=processes, progress=progress, **rules)
    told = [name for name in inputs.given() if name != "pred"] + said(rules)
    if told:
        raise UsageError(
            code="run-settled",
            found=f"{os.fspath(inputs.pred)} is a saved run, and {', '.join(told)} given with it",
            expected="nothing that a saved run has settled already",
            remedy="leave it out, or evaluate the predictions anew",
        )
    return Run.load(inputs.pred)
