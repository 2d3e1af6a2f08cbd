"""Both sides opened and paired, ready to be counted image by image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pqeval.categories import Categories
from pqeval.counting import SideInput, count_pair
from pqeval.errors import CategoryError, PqevalError, UsageError, raise_all
from pqeval.formats import room as formats
from pqeval.inputs import Inputs
from pqeval.labelmap import LabelMap
from pqeval.ledger import FrameLedger
from pqeval.pairing import Pairing, pair_images
from pqeval.sniffing import resolve
from pqeval.source import Image, Request, Source
from pqeval.storage import Place, as_folder, locate
from pqeval.userfiles import read_categories, read_images
from pqeval.void import VoidPolicy

__all__ = ["MISSING_POLICIES", "Opened", "open_both", "open_one", "plain_options", "resolve_inputs", "suggested"]

MISSING_POLICIES = ("error", "empty", "skip")
RESIZES = (None, "nearest")


@dataclass(frozen=True)
class Opened:
    """Two opened sides, their pairing, and what else is needed to count an image."""

    gt: Source
    pred: Source
    categories: Categories
    pairing: Pairing
    policy: VoidPolicy
    resize: bool = False

    def count(self, task: tuple[Image, Image | None]) -> tuple[FrameLedger | None, list[PqevalError]]:
        """Read, check, count and match one image; everything that is wrong is returned, nothing is raised."""
        image, guess = task
        problems: list[PqevalError] = []
        truth = self.gt.read(image, shape=None, problems=problems)
        shape = None if truth is None else truth[0].shape
        pred: SideInput | None
        if guess is not None:
            flat = shape is not None and len(shape) == 2  # points and volumes are compared when they are read
            pred = self.pred.read(guess, shape=shape if flat and not self.resize else None, problems=problems)
            # A cloud of points cannot be resized: its labels have no places.
            if self.resize and pred is not None and shape is not None and len(shape) == len(pred[0].shape) > 1:
                pred = pred[0].resized(shape), pred[1]
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
            stratum=image.stratum,
            gt_file=image.file,
            pred_file=self.pred.file if guess is None else guess.file,
            problems=problems,
        )
        return frame, problems


def resolve_inputs(inputs: Inputs) -> Inputs:
    """Check the options, and find the formats where they were not named.

    Raises
    ------
    UsageError
        For options that do not exist, and for files that do not say which format they are in.
    """
    if inputs.missing not in MISSING_POLICIES:
        raise UsageError(
            code="missing-policy",
            found=f"no missing policy is called {inputs.missing!r}",
            expected=f"one of: {', '.join(MISSING_POLICIES)}",
            remedy="use error to be told about images without prediction",
        )
    if inputs.resize not in RESIZES:
        raise UsageError(
            code="resize",
            found=f"no way to resize is called {inputs.resize!r}",
            expected="nearest, or nothing",
            remedy="leave it out to be told about predictions of another size",
        )
    if inputs.gt is None or inputs.pred is None:
        role, option = ("ground truth", "gt") if inputs.gt is None else ("predictions", "pred")
        raise UsageError(
            code="side-missing",
            found=f"no {role}",
            expected="ground truth and predictions, or a saved run as --pred, which has its ground truth in it",
            remedy=f"name them with --{option} ({option}=)",
        )
    places = {"gt": locate(inputs.gt), "pred": locate(inputs.pred)}
    gt_format, pred_format = resolve(
        places["gt"],
        places["pred"],
        gt_format=inputs.gt_format or inputs.format,
        pred_format=inputs.pred_format or inputs.format,
    )
    return replace(inputs, format=None, gt_format=gt_format, pred_format=pred_format, places=places)


def open_both(inputs: Inputs, policy: VoidPolicy) -> Opened:
    """Open both sides and pair their images.

    Parameters
    ----------
    inputs : Inputs
        Resolved ones.
    policy : VoidPolicy
        The convention.

    Raises
    ------
    UsageError, DataError
        Where there is nothing to go on with.
    """
    categories = read_categories(inputs.categories)
    only = read_images(inputs.images)
    errors: list[PqevalError] = []
    sides: list[Source] = []
    for role in ("gt", "pred"):
        try:
            side = _open_side(inputs, role, categories, policy.repeated)
            sides.append(side)
            categories = categories or side.categories
        except PqevalError as error:
            errors += getattr(error, "errors", [error])
    raise_all(errors)
    truth, guess = sides
    categories = truth.categories
    if categories is None:
        raise CategoryError(
            code="categories-missing",
            found="the ground truth has no category table",
            expected="a table with id and isthing",
            remedy="give one with --categories FILE (categories=)",
            file=truth.file,
        )
    pairing = pair_images(truth, guess, only)
    return Opened(truth, guess, categories, pairing, policy, inputs.resize is not None)


def _open_side(inputs: Inputs, role: str, categories: Categories | None, repeated: str) -> Source:
    """Open one side of resolved inputs."""
    own = {name: getattr(inputs, f"{role}_{name}") for name in ("format", "folder", "options")}
    folder = None if own["folder"] is None else as_folder(own["folder"], option=f"--{role}-folder")
    request = Request(role, folder, repeated, categories, plain_options(own["options"]))
    return open_one(inputs.places[role], own["format"], request)


def suggested(inputs: Inputs) -> str:
    """Return the convention that the format of the ground truth suggests."""
    assert inputs.gt_format is not None
    return str(getattr(formats.get(inputs.gt_format), "CONVENTION", "coco"))


def open_one(place: Place, format: str, request: Request) -> Source:
    """Open one side.

    Raises
    ------
    UsageError, DataError
        For an option that the format lacks, and where the files as a whole cannot be used.
    """
    module = formats.get(format)
    known = getattr(module, "OPTIONS", {})
    lacking = sorted(set(request.options) - set(known))
    if lacking:
        raise UsageError(
            code="unknown-option",
            found=f"the format {format} has no option {lacking[0]!r}",
            expected=f"one of: {', '.join(known)}" if known else "no options for this format",
            remedy=f"see `pqeval formats {format}`",
        )
    side: Source = module.open_side(place, request)
    return side


def plain_options(options: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the options of a format as texts, as the command has them."""
    return {key: str(value) for key, value in (options or {}).items()}


def _nothing(shape: tuple[int, ...]) -> LabelMap:
    """A map that is void everywhere."""
    return LabelMap.from_array(np.zeros(shape, np.uint32))
