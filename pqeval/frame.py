"""A frame: one image with its two maps and two segment lists, checked against each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pqeval.categories import Categories
from pqeval.errors import CategoryError, DataWarning, PqevalError, SegmentError, ShapeError
from pqeval.image_ids import ImageId
from pqeval.labelmap import LabelMap
from pqeval.rows import Row
from pqeval.segments import Segments

__all__ = ["Frame", "check_list", "pair"]


@dataclass(frozen=True, eq=False)
class Frame:
    """What is needed to count one image; build it with :func:`pair`.

    Parameters
    ----------
    image_id : str, int, float, bool or None
        Any JSON scalar.
    gt, pred : LabelMap
        Maps of equal shape.
    gt_segments, pred_segments : Segments
        Every id with pixels has a row.
    gt_rows, pred_rows : (R + 1,), (S + 1,) uint64
        Each run as ``end << 32 | row``, with its row in the segments.
    rank : int
        Place of the image in the ground-truth file; 0 where there is none.
    """

    image_id: ImageId
    gt: LabelMap
    pred: LabelMap
    gt_segments: Segments
    pred_segments: Segments
    gt_rows: npt.NDArray[np.uint64]
    pred_rows: npt.NDArray[np.uint64]
    rank: int = 0


def pair(
    image_id: ImageId,
    gt: tuple[LabelMap, Sequence[Row]],
    pred: tuple[LabelMap, Sequence[Row]],
    categories: Categories,
    *,
    accept_gt: bool = False,
    accept_pred: bool = False,
    unknown: frozenset[int] = frozenset(),
    rank: int = 0,
    gt_file: str | None = None,
    pred_file: str | None = None,
    problems: list[PqevalError],
) -> Frame | None:
    """Check the two sides of an image and put them together.

    Parameters
    ----------
    image_id : str, int, float, bool or None
        The image.
    gt, pred : tuple of (LabelMap, sequence of Row)
        Map and checked segment list of each side.
    categories : Categories
        The table.
    accept_gt, accept_pred : bool
        Whether a category that the table lacks is left to the void layer instead of being an error.
    unknown : frozenset of int
        Category ids that mean "unknown" in predictions.
    rank : int
        Place in the ground-truth file.
    gt_file, pred_file : str, optional
        Named in messages.
    problems : list
        Receives errors and warnings.

    Returns
    -------
    Frame or None
        ``None`` where an error was found.
    """
    found: list[PqevalError] = []
    if _grid(gt[0].shape) != _grid(pred[0].shape):
        found.append(
            ShapeError(
                code="shape",
                found=f"the prediction is {_size(pred[0].shape)}, the ground truth is {_size(gt[0].shape)}",
                expected="two maps of one size",
                remedy="write a label for every point, in the order of the points"
                if len(gt[0].shape) == 1
                else "resize the prediction with nearest-neighbour interpolation, never the ground truth",
                file=pred_file,
            )
        )
    gt_segments, gt_rows, without_row, without_pixel = Segments.of_map(gt[0].runs, gt[1], categories)
    if without_row or without_pixel:
        gt_segments = Segments.from_rows(gt[1], categories, unlisted=_check_gt(*gt, gt_file, found))
        gt_rows, _, _ = gt_segments.rows_of(gt[0].runs)
    pred_segments, pred_rows, without_row, without_pixel = Segments.of_map(
        pred[0].runs, pred[1], categories, unknown=unknown
    )
    if without_row or without_pixel:
        check_list(*pred, file=pred_file, problems=found)
    if gt_segments.lacking:
        _check_gt_categories(gt[1], categories, accept_gt, gt_file, found)
    if pred_segments.lacking and not accept_pred:
        _check_pred_categories(pred[1], categories, unknown, pred_file, found)
    problems += [problem.located(image_id=image_id) for problem in found]
    if any(problem.severity == "error" for problem in found):
        return None
    return Frame(image_id, gt[0], pred[0], gt_segments, pred_segments, gt_rows, pred_rows, rank)


def _differences(labels: LabelMap, rows: Sequence[Row]) -> tuple[list[int], list[int]]:
    """Ids of the map that the list lacks, and listed ids without a pixel; both ascending."""
    present = set(labels.present().tolist()) - {0}
    listed = {row.id for row in rows}
    return sorted(present - listed), sorted(listed - present)


def _check_gt(labels: LabelMap, rows: Sequence[Row], file: str | None, found: list[PqevalError]) -> list[int]:
    unlisted, ghosts = _differences(labels, rows)
    if unlisted:
        found.append(
            DataWarning(
                code="gt-id-not-listed",
                found=f"ground-truth id {_ids(unlisted)} has pixels but no row in segments_info; "
                "it is neither void nor a segment",
                expected="every id of the map in its list",
                remedy="add the missing rows, or set these pixels to 0 (void)",
                file=file,
                segment_id=unlisted[0],
            )
        )
    if ghosts:
        found.append(
            DataWarning(
                code="gt-id-without-pixels",
                found=f"ground-truth segment id {_ids(ghosts)} is listed but has no pixel; it counts as missed",
                expected="every listed segment in the map",
                remedy="remove the rows, or write the segments into the map",
                file=file,
                segment_id=ghosts[0],
            )
        )
    return unlisted


def check_list(
    labels: LabelMap,
    rows: Sequence[Row],
    *,
    noun: str = "predicted",
    file: str | None = None,
    problems: list[PqevalError],
) -> None:
    """Report ids of a map that its list lacks, and listed ids without a pixel, as errors."""
    unlisted, ghosts = _differences(labels, rows)
    if unlisted:
        listed = (row.id for row in rows)
        nearest = min(listed, key=lambda number: (abs(number - unlisted[0]), number), default=None)
        hint = "" if nearest is None else f" (the nearest listed id is {nearest})"
        problems.append(
            SegmentError(
                code="pred-id-not-listed",
                found=f"{noun} id {_ids(unlisted)} has pixels but no row in segments_info{hint}",
                expected="every id of the map in its list; 0 is void",
                remedy="list the segments, or set these pixels to 0; if many ids are off, check that the map "
                "is stored without loss and as R + 256 G + 65536 B",
                file=file,
                segment_id=unlisted[0],
            )
        )
    if ghosts:
        problems.append(
            SegmentError(
                code="pred-id-without-pixels",
                found=f"{noun} segment id {_ids(ghosts)} is listed but has no pixel",
                expected="every listed segment in the map",
                remedy="leave out segments that other segments cover completely",
                file=file,
                segment_id=ghosts[0],
            )
        )


def _check_gt_categories(
    rows: Sequence[Row], categories: Categories, accept: bool, file: str | None, found: list[PqevalError]
) -> None:
    lacking = _lacking(rows, categories)
    kind = DataWarning if accept else CategoryError
    found.append(
        kind(
            code="gt-category-unknown",
            found=f"the ground truth uses category_id {_ids(sorted(lacking))}, which its category table lacks"
            + ("; these segments are dropped" if accept else ""),
            expected=_range(categories),
            remedy="add the categories to the table, or correct the segments",
            file=file,
            segment_id=lacking[min(lacking)],
        )
    )


def _check_pred_categories(
    rows: Sequence[Row],
    categories: Categories,
    unknown: frozenset[int],
    file: str | None,
    found: list[PqevalError],
) -> None:
    lacking = _lacking(rows, categories, unknown)
    found.append(
        CategoryError(
            code="pred-category-unknown",
            found=f"the prediction uses category_id {_ids(sorted(lacking))}, which the category table lacks",
            expected=_range(categories),
            remedy="write the dataset's category ids, not the network's class numbers; or say what unknown "
            "segments are with `unknown` (on the command line --unknown void or --unknown fp)",
            file=file,
            segment_id=lacking[min(lacking)],
        )
    )


def _lacking(rows: Sequence[Row], categories: Categories, unknown: frozenset[int] = frozenset()) -> dict[int, int]:
    """Category ids that are neither in the table nor called unknown, with a segment of each."""
    return {
        row.category_id: row.id
        for row in rows
        if categories.index_of(row.category_id) < 0 and row.category_id not in unknown
    }


def _range(categories: Categories) -> str:
    known = [row.id for row in categories]
    return f"one of the {len(known)} ids of the table, {min(known)} to {max(known)}"


def _ids(numbers: Sequence[int], most: int = 5) -> str:
    shown = ", ".join(map(str, numbers[:most]))
    return shown if len(numbers) <= most else f"{shown} and {len(numbers) - most} more"


def _grid(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A cloud of points is an image with one row, as it is where it was converted to one."""
    return (1, *shape) if len(shape) == 1 else shape


def _size(shape: tuple[int, ...]) -> str:
    if len(shape) == 2:
        return f"{shape[1]} x {shape[0]} (width x height)"
    if len(shape) == 1:
        return f"a cloud of {shape[0]} points"
    return f"of shape {shape}"
