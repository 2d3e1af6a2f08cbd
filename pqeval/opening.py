"""Both sides opened and paired, ready to be counted image by image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pqeval.categories import Categories
from pqeval.counting import count_pair
from pqeval.errors import CategoryError, PqevalError, UsageError, raise_all
from pqeval.formats import room as formats
from pqeval.labelmap import LabelMap
from pqeval.ledger import FrameLedger
from pqeval.output import PathLike
from pqeval.pairing import Pairing, pair_images
from pqeval.source import Image, Source
from pqeval.void import VoidPolicy

__all__ = ["MISSING_POLICIES", "Opened", "check_missing", "open_both"]

MISSING_POLICIES = ("error", "empty", "skip")


@dataclass(frozen=True)
class Opened:
    """Two opened sides, their pairing, and what else is needed to count an image."""

    gt: Source
    pred: Source
    categories: Categories
    pairing: Pairing
    policy: VoidPolicy

    def count(self, task: tuple[Image, Image | None]) -> tuple[FrameLedger | None, list[PqevalError]]:
        """Read, check, count and match one image; everything that is wrong is returned, nothing is raised."""
        image, guess = task
        problems: list[PqevalError] = []
        truth = self.gt.read(image, shape=None, problems=problems)
        shape = None if truth is None else truth[0].shape
        if guess is not None:
            pred = self.pred.read(guess, shape=shape, problems=problems)
        else:
            pred = None if shape is None else (_nothing(shape), [])
        if truth is None or pred is None:
            return None, problems
        frame = count_pair(
            image.image_id,
            truth,
            pred,
            self.categories,
            self.policy,
            rank=image.rank,
            gt_file=image.file,
            pred_file=self.pred.file if guess is None else guess.file,
            problems=problems,
        )
        return frame, problems


def check_missing(missing: str) -> None:
    """Refuse a policy for missing predictions that does not exist.

    Raises
    ------
    UsageError
        Naming those that do.
    """
    if missing not in MISSING_POLICIES:
        raise UsageError(
            code="missing-policy",
            found=f"no missing policy is called {missing!r}",
            expected=f"one of: {', '.join(MISSING_POLICIES)}",
            remedy="use error to be told about images without prediction",
        )


def open_both(
    gt: PathLike,
    pred: PathLike,
    *,
    format: str = "coco",
    gt_folder: PathLike | None = None,
    pred_folder: PathLike | None = None,
    policy: VoidPolicy,
) -> Opened:
    """Open both sides and pair their images.

    Raises
    ------
    UsageError, DataError
        Where there is nothing to go on with.
    """
    reader = formats.get(format)
    errors: list[PqevalError] = []
    sides: list[Source] = []
    for path, role, folder in ((gt, "gt", gt_folder), (pred, "pred", pred_folder)):
        try:
            sides.append(reader.open_side(path, role=role, folder=folder, repeated=policy.repeated))
        except PqevalError as error:
            errors += getattr(error, "errors", [error])
    raise_all(errors)
    truth, guess = sides
    if truth.categories is None:
        raise CategoryError(
            code="categories-missing",
            found="the ground truth has no category table",
            expected="a table with id and isthing",
            remedy="use a ground truth that lists its categories",
            file=truth.file,
        )
    return Opened(truth, guess, truth.categories, pair_images(truth, guess), policy)


def _nothing(shape: tuple[int, ...]) -> LabelMap:
    """A map that is void everywhere."""
    return LabelMap.from_array(np.zeros(shape, np.uint32))
