"""Two sides of an image to its ledger: check, count, match."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pqeval.categories import Categories
from pqeval.core.count import count
from pqeval.core.match import match
from pqeval.errors import DataWarning, PqevalError
from pqeval.frame import pair
from pqeval.image_ids import ImageId
from pqeval.labelmap import LabelMap
from pqeval.ledger import Column, FrameLedger, Side
from pqeval.preparing import prepare
from pqeval.rows import Row, Rows
from pqeval.void import VoidPolicy

__all__ = ["SideInput", "count_pair"]

SideInput: TypeAlias = tuple[LabelMap, Sequence[Row]]


def count_pair(
    image_id: ImageId,
    gt: SideInput,
    pred: SideInput,
    categories: Categories,
    policy: VoidPolicy,
    *,
    rank: int = 0,
    stratum: str | None = None,
    gt_file: str | None = None,
    pred_file: str | None = None,
    problems: list[PqevalError],
) -> FrameLedger | None:
    """Check, count and match one image.

    Parameters
    ----------
    image_id, gt, pred, categories, rank, gt_file, pred_file, problems
        See :func:`pqeval.frame.pair`; ``problems`` may hold warnings about this image already.
    stratum : str, optional
        What the image is averaged with first, where the convention does so.
    policy : VoidPolicy
        The convention.

    Returns
    -------
    FrameLedger or None
        ``None`` where an error was added to ``problems``.
    """
    noticed: list[PqevalError] = []
    sides = (
        prepare(gt, policy, categories, truth=True, problems=noticed),
        prepare(pred, policy, categories, truth=False, problems=noticed),
    )
    problems += [problem.located(file=pred_file, image_id=image_id) for problem in noticed]
    frame = pair(
        image_id,
        *sides,
        categories,
        accept_gt=policy.drop_unknown_gt,
        accept_pred=policy.unknown != "error",
        unknown=policy.unknown_categories,
        rank=rank,
        gt_file=gt_file,
        pred_file=pred_file,
        problems=problems,
    )
    if frame is None:
        return None
    try:
        ledger = match(count(frame), policy, len(categories))
    except PqevalError as error:
        problems.append(error.located(file=gt_file, image_id=image_id))
        return None
    scores = _scores(ledger, sides[1][1])
    if stratum is not None or scores is not None:
        ledger = replace(ledger, stratum=stratum, scores=scores)
    if not problems and not ledger.warnings:
        return ledger
    found = [warning.located(file=gt_file, image_id=image_id) for warning in ledger.warnings]
    problems += found
    warnings = tuple(problem for problem in problems if isinstance(problem, DataWarning))
    repeated = sum(warning.code == "segment-repeated" for warning in warnings)
    deviations = dict(ledger.deviations)
    if repeated and policy.reference:
        deviations["repeated-id"] = repeated
    return replace(ledger, warnings=warnings, deviations=deviations)


def _scores(ledger: FrameLedger, rows: Sequence[Row]) -> npt.NDArray[np.float64] | None:
    """Order the scores of a predicted list as the ledger orders its segments."""
    if not isinstance(rows, Rows) or rows.scores is None:
        return None
    segments = ledger.rows[ledger.rows[:, Column.SIDE] == Side.PRED, Column.SEGMENT]
    order = np.argsort(rows.ids)
    found = order[np.minimum(np.searchsorted(rows.ids, segments, sorter=order), len(order) - 1)]
    return np.where(rows.ids[found] == segments, rows.scores[found], np.nan)
