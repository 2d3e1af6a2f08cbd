"""``pqeval.compare``: predictions, or runs of them, to a comparison."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from pqeval.comparison.between import compare_runs
from pqeval.comparison.outcome import Comparison
from pqeval.errors import UsageError
from pqeval.image_ids import ImageId
from pqeval.inputs import Inputs, said
from pqeval.output import PathLike
from pqeval.reopening import run_of
from pqeval.run import Run
from pqeval.run_file import is_run
from pqeval.statistics.resampling import Resampling
from pqeval.storage import locate

__all__ = ["compare", "load_runs", "names_of"]


def compare(
    *runs: Run | PathLike,
    names: Sequence[str] | None = None,
    gt: PathLike | None = None,
    format: str | None = None,
    gt_format: str | None = None,
    pred_format: str | None = None,
    gt_folder: PathLike | None = None,
    gt_options: Mapping[str, str] | None = None,
    pred_options: Mapping[str, str] | None = None,
    categories: Any = None,
    images: PathLike | Iterable[ImageId] | None = None,
    missing: str = "error",
    resize: str | None = None,
    metric: str = "pq",
    convention: str | None = None,
    unknown: str = "error",
    unknown_categories: Iterable[int] = (),
    groups: Mapping[str, Sequence[int]] | None = None,
    workers: int | None = None,
    processes: int = 1,
    ci_method: str = "percentile",
    level: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
    fixed_classes: bool = False,
    cluster_by: str | os.PathLike[str] | None = None,
    top: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Compare predictions on the same images, and say whether their difference can be noise.

    Parameters
    ----------
    runs : Run or path
        Two or more: runs, files of saved runs, or predictions. The first is the baseline, with which every other
        one is compared.
    names : sequence of str, optional
        What to call them; by default by their files.
    gt, format, gt_format, pred_format, gt_folder, gt_options, pred_options, categories, images, missing, resize
        For those that are predictions; see :func:`pqeval.evaluate`.
    metric, convention, unknown, unknown_categories, groups, workers, processes, progress
        Likewise.
    ci_method, level, resamples, seed, fixed_classes
        How to resample: see :class:`pqeval.statistics.resampling.Resampling`.
    cluster_by : path or str, optional
        What images are drawn with: ``"folder"``, ``"prefix"``, or a CSV with a row per image.
    top : int, optional
        How many of the images to list that changed most; by default all that changed.

    Returns
    -------
    Comparison

    Raises
    ------
    UsageError
        For fewer than two of them, for names that are not their own, and for options that do not exist.
    DataError
        If they cannot be scored, or were not scored on the same ground truth by the same rules.

    Notes
    -----
    Both sides see the same resamples: images that are hard for one are hard for the other, so the difference is
    known better than either score. Sources are named in :mod:`pqeval.statistics.testing`.

    Examples
    --------
    >>> import numpy as np, pqeval
    >>> segments, runs = [{"id": 1, "category_id": 1}], []
    >>> for guess in ([[1, 1, 0]], [[1, 1, 1]]):
    ...     metric = pqeval.PanopticQuality([{"id": 1, "name": "cat", "isthing": 1}])
    ...     for number in range(30):
    ...         metric.update(
    ...             gt=(np.array([[1, 1, 1]]), segments), pred=(np.array(guess), segments), image_id=number)
    ...     runs.append(metric.run())
    >>> pair = pqeval.compare(*runs, names=["old", "new"]).pairs[0]
    >>> pair.verdict, pair.groups["All"]["pq"].other
    ('difference', 1.0)
    """
    resampling = Resampling(ci_method, level, resamples, seed, fixed_classes)
    if len(runs) < 2 or (names is not None and len(names) != len(runs)):
        raise UsageError(
            code="compare-runs",
            found=f"{len(runs)} to compare" + ("" if names is None else f", and {len(names)} names"),
            expected="two or more, and as many names where there are any",
            remedy="name the baseline first, then what is to be compared with it",
        )
    for name, times in Counter(names or ()).items():
        if times > 1:
            raise UsageError(
                code="compare-names",
                found=f"{'two' if times == 2 else times} of them are called {name!r}",
                expected="a name of its own for each",
                remedy="choose other names, or leave them out",
            )
    inputs = Inputs(
        gt=gt,
        format=format,
        gt_format=gt_format,
        pred_format=pred_format,
        gt_folder=gt_folder,
        gt_options=gt_options,
        pred_options=pred_options,
        categories=categories,
        images=images,
        missing=missing,
        resize=resize,
    )
    rules = {
        "metric": metric,
        "convention": convention,
        "unknown": unknown,
        "unknown_categories": unknown_categories,
        "groups": groups,
    }
    loaded = load_runs(runs, inputs, workers=workers, processes=processes, progress=progress, **rules)
    return compare_runs(loaded, list(names or names_of(runs)), resampling, cluster_by=cluster_by, top=top)


def load_runs(
    runs: Sequence[Run | PathLike],
    inputs: Inputs,
    *,
    workers: int | None = None,
    processes: int = 1,
    progress: Callable[[int, int], None] | None = None,
    **rules: Any,
) -> list[Run]:
    """Evaluate those that are predictions, and load those that are saved.

    Raises
    ------
    UsageError
        Where something is said about predictions, and there are none.
    """
    predictions = [run for run in runs if not isinstance(run, Run) and not is_run(locate(run))]
    told = inputs.given() + said(rules)
    if told and not predictions:
        raise UsageError(
            code="run-settled",
            found=f"all of them are runs, and {', '.join(told)} given with them",
            expected="nothing that a run has settled already",
            remedy="leave it out, or evaluate the predictions anew",
        )
    loaded = []
    for run in runs:
        if isinstance(run, Run):
            loaded.append(run)
        elif run not in predictions:
            loaded.append(Run.load(run))
        else:
            sides = replace(inputs, pred=run)
            loaded.append(run_of(sides, workers=workers, processes=processes, progress=progress, **rules))
    return loaded


def names_of(runs: Sequence[Run | PathLike]) -> list[str]:
    """Name runs by their files, without folder and suffix where that tells them apart; others by numbers."""
    full = [f"run {place + 1}" if isinstance(run, Run) else os.fspath(run) for place, run in enumerate(runs)]
    short = [name if isinstance(run, Run) else PurePath(name).stem for name, run in zip(full, runs, strict=True)]
    times = Counter(short)
    names = [name if times[name] == 1 else longer for name, longer in zip(short, full, strict=True)]
    return [name if names.index(name) == place else f"{name} ({place + 1})" for place, name in enumerate(names)]
