"""Everything that is wrong with two sides, in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pqeval.engines import processes as engine
from pqeval.engines import threads
from pqeval.errors import DataWarning, PairingError, PqevalError, SeveralErrors, UsageError
from pqeval.image_ids import ImageId
from pqeval.inputs import Inputs
from pqeval.opening import Opened, open_both, resolve_inputs
from pqeval.output import PathLike, as_json
from pqeval.void import convention

__all__ = ["Validation", "check", "validate"]


@dataclass(frozen=True)
class Validation:
    """What a validation found.

    Parameters
    ----------
    images : int
        Images of the ground truth that were checked.
    problems : tuple of PqevalError
        Errors and warnings, in the order of the data.
    """

    images: int
    problems: tuple[PqevalError, ...]

    @property
    def errors(self) -> tuple[PqevalError, ...]:
        """What has to be repaired before the data can be scored."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def warnings(self) -> tuple[PqevalError, ...]:
        """What can be scored, but should be known."""
        return tuple(problem for problem in self.problems if problem.severity == "warning")

    def to_json(self, path: PathLike | None = None) -> str:
        """Return the findings as JSON, and write them to ``path`` where one is given."""
        content = {
            "schema": "pqeval.validation/1",
            "images": self.images,
            "errors": [problem.as_dict() for problem in self.errors],
            "warnings": [problem.as_dict() for problem in self.warnings],
        }
        return as_json(content, path)


def validate(
    *,
    gt: PathLike,
    pred: PathLike,
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
    unknown: str = "error",
    unknown_categories: Iterable[int] = (),
    workers: int | None = None,
    processes: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Validation:
    """Check ground truth and predictions, all images, and list every problem.

    Parameters
    ----------
    gt, pred, format, gt_format, pred_format, gt_folder, pred_folder, gt_options, pred_options
        What to read; see :func:`pqeval.evaluate`.
    categories, images, missing, resize, unknown, unknown_categories, workers, processes, progress
        See :func:`pqeval.evaluate` as well.

    Returns
    -------
    Validation
        Data without errors can be evaluated.

    Raises
    ------
    UsageError
        For options that do not exist.

    Notes
    -----
    The rules for predictions are those that panopticapi's ``evaluation.py`` enforces, and those that it
    silently depends on.

    Examples
    --------
    >>> import pqeval
    >>> found = pqeval.validate(gt="no_such_file.json", pred="neither.json")
    >>> [(problem.code, problem.file) for problem in found.errors]
    [('file-missing', 'no_such_file.json'), ('file-missing', 'neither.json')]
    """
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
    return check(
        inputs,
        unknown=unknown,
        unknown_categories=unknown_categories,
        workers=workers,
        processes=processes,
        progress=progress,
    )


def check(
    inputs: Inputs,
    *,
    unknown: str = "error",
    unknown_categories: Iterable[int] = (),
    workers: int | None = None,
    processes: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Validation:
    """Do :func:`validate` for inputs that are put together already."""
    policy = convention("coco", unknown=unknown, unknown_categories=unknown_categories)
    workers = threads.workers_or_default(workers)
    processes = engine.processes_or_refuse(processes)
    try:
        opened = open_both(resolve_inputs(inputs), policy)
    except UsageError:
        raise
    except PqevalError as error:
        return Validation(0, error.errors if isinstance(error, SeveralErrors) else (error,))
    problems = [*opened.gt.problems, *opened.pred.problems]
    problems += [warning for warning in opened.pairing.warnings if warning.code != "prediction-extra"]
    problems += _extra(opened)
    if inputs.missing == "error":
        problems += _missing(opened)
    pairs = opened.pairing.pairs
    counted = engine.run(opened.count, pairs, workers=workers, processes=processes)
    for done, (_, found) in enumerate(counted, start=1):
        problems += found
        if progress is not None:
            progress(done, len(pairs))
    return Validation(len(pairs), tuple(problems))


def _missing(opened: Opened) -> list[PqevalError]:
    return [
        PairingError(
            code="prediction-missing",
            found="there is no prediction for this image",
            expected="a prediction for every image of the ground truth",
            remedy="add the prediction, or score it as empty or leave it out with --missing empty or skip",
            file=opened.pred.file,
            image_id=image.image_id,
        )
        for image in opened.pairing.missing
    ]


def _extra(opened: Opened) -> list[PqevalError]:
    return [
        DataWarning(
            code="prediction-extra",
            found="there is no ground truth for this image; it is not scored",
            expected="predictions for the images of the ground truth",
            remedy="check that the ground truth is the right split",
            file=image.file,
            image_id=image.image_id,
        )
        for image in opened.pairing.extra
    ]
