"""``pqeval.diagnose``: predictions, or a run of them, to a diagnosis."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pqeval.categories import integral
from pqeval.diagnosis.examining import examine
from pqeval.diagnosis.findings import Diagnosis
from pqeval.errors import UsageError
from pqeval.image_ids import ImageId
from pqeval.inputs import Inputs
from pqeval.output import PathLike
from pqeval.reopening import run_of
from pqeval.run import Run

__all__ = ["AREAS", "diagnose", "diagnosis_of"]

AREAS = (32**2, 96**2)
"""Where COCO's small ends and its large begins."""


def diagnose(
    run: Run | PathLike | None = None,
    *,
    gt: PathLike | None = None,
    pred: PathLike | None = None,
    format: str | None = None,
    gt_format: str | None = None,
    pred_format: str | None = None,
    gt_folder: PathLike | None = None,
    pred_folder: PathLike | None = None,
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
    top: int = 20,
    areas: Sequence[int] = AREAS,
    progress: Callable[[int, int], None] | None = None,
) -> Diagnosis:
    """Say where the lost PQ went.

    Parameters
    ----------
    run : Run or path, optional
        A run, or the file of a saved one. It stands for all that is to be evaluated.
    gt, pred, format, gt_format, pred_format, gt_folder, pred_folder, gt_options, pred_options
        What to evaluate where there is no run; see :func:`pqeval.evaluate`.
    categories, images, missing, resize, metric, convention, unknown, unknown_categories, groups
        See there.
    workers, processes, progress
        See there.
    top : int
        How many images and segments are listed.
    areas : sequence of int
        Ascending areas in pixels where one size of segments ends and the next begins.

    Returns
    -------
    Diagnosis
        With the terms that sum up to 1 - PQ, what repairs would gain, confused classes, scores by size and by
        threshold, the worst images, and what would be if segments had been left unknown.

    Raises
    ------
    UsageError
        For options that do not exist or do not go together.
    DataError
        For data that cannot be scored.

    Notes
    -----
    Kinds of errors as in Bolya et al., "TIDE: A General Toolbox for Identifying Object Detection Errors", ECCV
    2020, section 2, without scores, and with the terms of Kirillov et al., "Panoptic Segmentation", CVPR 2019,
    section 4.2. The page "Where lost PQ goes" has the definitions.

    Examples
    --------
    A cat is found with 3 of its 4 pixels; a dog is called a cat.

    >>> import numpy as np, pqeval
    >>> table = [{"id": 1, "name": "cat", "isthing": 1}, {"id": 2, "name": "dog", "isthing": 1}]
    >>> metric = pqeval.PanopticQuality(table)
    >>> truth = (np.array([[1, 1, 1, 1, 2]]), [{"id": 1, "category_id": 1}, {"id": 2, "category_id": 2}])
    >>> guess = (np.array([[1, 1, 1, 0, 2]]), [{"id": 1, "category_id": 1}, {"id": 2, "category_id": 1}])
    >>> metric.update(gt=truth, pred=guess, image_id=7)
    >>> found = pqeval.diagnose(metric.run())
    >>> found.pq, round(found.groups["All"].loss.total, 12)
    (0.25, 0.75)
    >>> [(row.gt_name, row.pred_name, row.count) for row in found.confusions]
    [('dog', 'cat', 1)]
    """
    limits = _limits(areas)
    inputs = Inputs(
        gt=gt,
        pred=pred,
        format=format,
        gt_format=gt_format,
        pred_format=pred_format,
        gt_folder=gt_folder,
        pred_folder=pred_folder,
        gt_options=gt_options,
        pred_options=pred_options,
        categories=categories,
        images=images,
        missing=missing,
        resize=resize,
    )
    rules: dict[str, Any] = {
        "metric": metric,
        "convention": convention,
        "unknown": unknown,
        "unknown_categories": unknown_categories,
        "groups": groups,
    }
    if run is None:
        run = run_of(inputs, workers=workers, processes=processes, progress=progress, **rules)
    elif not isinstance(run, Run):
        if inputs.pred is not None:
            raise _two_of_them()
        run = run_of(Inputs(**{**vars(inputs), "pred": _path(run)}), **rules)
    elif inputs.given():
        raise _two_of_them()
    return diagnosis_of(run, top=top, areas=limits)


def diagnosis_of(run: Run, *, top: int = 20, areas: Sequence[int] = AREAS) -> Diagnosis:
    """Diagnose a run; parameters as in :func:`diagnose`."""
    return examine(run, top=max(top, 0), areas=_limits(areas))


def _path(run: Any) -> PathLike:
    if isinstance(run, str | os.PathLike):
        return run
    raise UsageError(
        code="not-a-run",
        found=f"run is a {type(run).__name__}",
        expected="a pqeval.Run, or the path of a saved one",
        remedy="for example pqeval.diagnose(metric.run()), or gt= and pred= to evaluate files",
    )


def _two_of_them() -> UsageError:
    return UsageError(
        code="run-and-files",
        found="a run, and files to evaluate beside it",
        expected="one of them",
        remedy="leave the files out, or the run",
    )


def _limits(areas: Any) -> tuple[int, ...]:
    listed = list(areas) if isinstance(areas, Iterable) else [areas]
    numbers = tuple(number for number in map(integral, listed) if number is not None)
    if len(numbers) < len(listed) or any(low >= high for low, high in zip((0, *numbers), numbers, strict=False)):
        raise UsageError(
            code="area-limits",
            found=f"areas is {areas!r:.60}",
            expected="ascending numbers of pixels above 0",
            remedy="for example --areas 1024,9216 or areas=[1024, 9216]",
        )
    return numbers
