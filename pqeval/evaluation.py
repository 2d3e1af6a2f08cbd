"""Wiring: format to frames to engine to metric to Result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from pqeval.confidence import how_asked, with_intervals
from pqeval.engines import processes as engine
from pqeval.engines import threads
from pqeval.errors import DataWarning, raise_all
from pqeval.image_ids import ImageId
from pqeval.inputs import Inputs
from pqeval.ledger import Ledger
from pqeval.metrics import room as metrics
from pqeval.opening import Opened, open_both, resolve_inputs, suggested
from pqeval.output import PathLike
from pqeval.reopening import run_of
from pqeval.reports import check_targets, write_reports
from pqeval.result import Result
from pqeval.run import Run
from pqeval.scoring import read_groups, score
from pqeval.slicing import with_slices
from pqeval.void import convention as look_up

__all__ = ["evaluate", "run"]

Progress: TypeAlias = Callable[[int, int], None]

MOST_ERRORS = 20


def run(
    inputs: Inputs,
    *,
    metric: str = "pq",
    convention: str | None = None,
    unknown: str = "error",
    unknown_categories: Iterable[int] = (),
    groups: Mapping[str, Sequence[int]] | None = None,
    workers: int | None = None,
    processes: int = 1,
    progress: Progress | None = None,
) -> Run:
    """Evaluate and keep all that the result was made of; parameters as in :func:`evaluate`."""
    metrics.get(metric)
    workers = threads.workers_or_default(workers)
    processes = engine.processes_or_refuse(processes)
    if convention is not None:
        look_up(convention)  # before files are looked at
    inputs = resolve_inputs(inputs)
    policy = look_up(convention or suggested(inputs), unknown=unknown, unknown_categories=unknown_categories)
    opened = open_both(inputs, policy)
    own_groups = read_groups(groups, opened.categories)
    absent = opened.pairing.missing
    errors = [problem for problem in opened.gt.problems + opened.pred.problems if problem.severity == "error"]
    missing = inputs.missing
    if absent and missing == "error":
        errors.append(opened.pairing.missing_error(opened.pred.file))
    raise_all(errors)
    tasks = [task for task in opened.pairing.pairs if missing != "skip" or task[1] is not None]

    ledger = Ledger()
    counted = engine.run(opened.count, tasks, workers=workers, processes=processes)
    for done, (frame, problems) in enumerate(counted, start=1):
        errors += [problem for problem in problems if problem.severity == "error"]
        if frame is not None:
            ledger.add(frame)
        if len(errors) >= MOST_ERRORS and done < len(tasks):
            raise_all(errors, stopped=True)
        if progress is not None:
            progress(done, len(tasks))
    raise_all(errors)

    result = score(
        ledger,
        opened.categories,
        policy,
        metric=metric,
        groups=own_groups,
        missing=len(absent),
        skipped=len(absent) if missing == "skip" else 0,
        warnings=[*_warnings(opened), *opened.pairing.warnings],
        inputs=inputs.told(),
        sides={"gt": opened.gt, "pred": opened.pred},
    )
    return Run(result, ledger, opened.categories, policy, own_groups)


def _warnings(opened: Opened) -> Iterator[DataWarning]:
    for problem in opened.gt.problems + opened.pred.problems:
        if isinstance(problem, DataWarning):
            yield problem


def evaluate(
    *,
    gt: PathLike | None = None,
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
    metric: str = "pq",
    convention: str | None = None,
    unknown: str = "error",
    unknown_categories: Iterable[int] = (),
    groups: Mapping[str, Sequence[int]] | None = None,
    workers: int | None = None,
    processes: int = 1,
    json: PathLike | None = None,
    csv: PathLike | None = None,
    markdown: PathLike | None = None,
    per_image: PathLike | None = None,
    per_segment: PathLike | None = None,
    save: PathLike | None = None,
    slice_by: PathLike | None = None,
    ci: bool | str = False,
    ci_method: str | None = None,
    level: float | None = None,
    resamples: int | None = None,
    seed: int | None = None,
    fixed_classes: bool = False,
    cluster_by: PathLike | None = None,
    progress: Progress | None = None,
) -> Result:
    """Score a folder of predictions.

    Parameters
    ----------
    gt, pred : path or URL
        Ground truth and predictions; what they are depends on the format, for ``coco`` the two JSON files. A
        folder may also be a zip or tar file. The predictions may be a saved run, which has its ground truth in it.
    format, gt_format, pred_format : str, optional
        Name of the format of both sides, or of one; by default the files say it. ``pqeval formats`` lists them.
    gt_folder, pred_folder : path, optional
        Where the maps are, if not in the usual place; for ``coco`` the path of the JSON without ``.json``.
    gt_options, pred_options : mapping of str to str, optional
        What a format wants to be told about a side; ``pqeval formats NAME`` lists its options.
    categories : path, str, or list of mapping, optional
        The category table: a JSON, the name of a built-in one, or rows with ``id`` and ``isthing``. By default
        that of the ground truth, or that of its dataset.
    images : path or iterable of image ids, optional
        Score only these images; a file has an image id per line.
    missing : {"error", "empty", "skip"}
        What an image without prediction is: an error, an image where everything was missed, or left out.
    resize : {"nearest"}, optional
        Bring predictions of another size to that of the ground truth, without new ids; by default they are errors.
    metric : str
        ``"pq"``.
    convention : str, optional
        How void and crowd are treated, and how classes are averaged; by default what the format of the ground
        truth suggests. ``docs/explanation/void.md`` lists all.
    unknown : {"error", "void", "fp"}
        What a predicted segment is whose category the table lacks.
    unknown_categories : iterable of int
        Category ids that mean "unknown" in predictions.
    groups : mapping of str to sequence of int, optional
        Further groups of category ids to average over.
    workers : int, optional
        How many images are worked on at once; by default one per core. On Linux many images are shared out to
        forked processes, if this process has no other threads; else to threads. The result does not depend on it.
    processes : int
        Processes that start afresh and share the workers as threads; see ``docs/explanation/performance.md``.
    json, csv, markdown, per_image, per_segment : path, optional
        Files to write: the result; a row per class; a table; a row per image; a row per segment.
    save : path, optional
        File to save the run in, ``run.pqe`` for example; see :meth:`Run.save`.
    slice_by : path, optional
        A CSV with a row per image, whose other columns say what the images have in common: the weather, the city.
        The result then has the scores of each value; see :class:`~pqeval.result.Slice`. Intervals are
        of the whole.
    ci : bool or str
        Whether to give confidence intervals, and by which method if not ``"percentile"``.
    ci_method, level, resamples, seed, fixed_classes
        How: see :class:`pqeval.statistics.resampling.Resampling`. Each of them asks for intervals, too.
    cluster_by : path or str, optional
        What images are drawn with: ``"folder"``, ``"prefix"``, or a CSV with a row per image; see
        :func:`pqeval.clusters.clusters_of`.
    progress : callable, optional
        Called as ``progress(done, total)`` after every image.

    Returns
    -------
    Result

    Raises
    ------
    UsageError
        For options that do not exist.
    DataError
        Naming file and image, what was found and expected, and what to do; several errors come together.

    Notes
    -----
    Kirillov et al., "Panoptic Segmentation", CVPR 2019; the reference is cocodataset/panopticapi,
    ``evaluation.py``, whose numbers ``convention="panopticapi"`` reproduces to the last bit.

    Examples
    --------
    >>> import pqeval, tempfile, pathlib, numpy as np
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> table = [{"id": 1, "name": "cat", "isthing": 1}]
    >>> segments = [{"id": 1, "category_id": 1}]
    >>> pqeval.save_coco_panoptic(folder / "gt.json", [(7, np.array([[1, 1, 0]]), segments)], table)
    >>> pqeval.save_coco_panoptic(folder / "pred.json", [(7, np.array([[1, 0, 0]]), segments)], table)
    >>> result = pqeval.evaluate(gt=folder / "gt.json", pred=folder / "pred.json")
    >>> result.pq, result.per_class[0].fn
    (0.0, 1)
    """
    targets = {
        "json": json,
        "csv": csv,
        "markdown": markdown,
        "per_image": per_image,
        "per_segment": per_segment,
    }
    check_targets(targets | {"save": save}, (gt, pred))
    resampling = how_asked(ci, ci_method, level, resamples, seed, fixed_classes, cluster_by)
    done = run_of(
        Inputs(
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
        ),
        metric=metric,
        convention=convention,
        unknown=unknown,
        unknown_categories=unknown_categories,
        groups=groups,
        workers=workers,
        processes=processes,
        progress=progress,
    )
    if resampling is not None:
        done = with_intervals(done, resampling, cluster_by)
    if slice_by is not None:
        done = with_slices(done, slice_by)
    write_reports(done.result, done.ledger, targets)
    if save is not None:
        done.save(save)
    return done.result
