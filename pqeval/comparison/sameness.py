"""Whether runs can be compared: the same segments of the same images, scored by the same rules."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pqeval.errors import DataError
from pqeval.image_ids import image_key, shown
from pqeval.ledger import Column, FrameLedger, Outcome, Side
from pqeval.run import Run
from pqeval.same_rules import other_rules

__all__ = ["aligned"]

TELLING = [int(column) for column in (Column.SEGMENT, Column.CATEGORY, Column.AREA, Column.OUTCOME)]


def aligned(runs: Sequence[Run], names: Sequence[str]) -> list[list[FrameLedger]]:
    """Return the images of every run, in the order of the first.

    Parameters
    ----------
    runs : sequence of Run
        The baseline first.
    names : sequence of str
        What they are called.

    Returns
    -------
    list of list of FrameLedger

    Raises
    ------
    DataError
        If the settings, the images or the ground truths differ.
    """
    first = runs[0].frames()
    lists = [first]
    for run, name in zip(runs[1:], names[1:], strict=True):
        _same_rules(runs[0], run, names[0], name)
        _same_images(runs[0], run, names[0], name)
        frames = [run.ledger.frames[image_key(frame.image_id)] for frame in first]
        _same_truth(first, frames, names[0], name)
        lists.append(frames)
    return lists


def _same_rules(one: Run, two: Run, name: str, other: str) -> None:
    differing = [
        f"{noun} {ours} for {name}, {theirs} for {other}"
        for noun, ours, theirs in other_rules(one.result, two.result)
    ]
    if differing:
        raise _different(f"scored by different rules: {'; '.join(differing)}", "the same rules for all")
    if one.categories != two.categories:
        raise _different(f"{name} and {other} have different category tables", "one category table for all")
    if dict(one.groups) != dict(two.groups):
        raise _different(f"{name} and {other} have different groups of their own", "the same groups for all")


def _same_images(one: Run, two: Run, name: str, other: str) -> None:
    here, there = one.ledger.frames, two.ledger.frames
    parts = [
        f"{owner} lacks image {shown([have[key].image_id for key in sorted(have.keys() - lack.keys())])}"
        for owner, lack, have in ((name, here, there), (other, there, here))
        if have.keys() - lack.keys()
    ]
    if parts:
        raise _different(", and ".join(parts), "the same images for all", "evaluate the same images of both")


def _same_truth(one: Sequence[FrameLedger], two: Sequence[FrameLedger], name: str, other: str) -> None:
    differing = [
        frame.image_id
        for frame, twin in zip(one, two, strict=True)
        if frame.pixels != twin.pixels
        or frame.stratum != twin.stratum
        or not np.array_equal(_truth(frame), _truth(twin))
    ]
    if differing:
        raise _different(
            f"{name} and {other} were scored on different segments of the ground truth in {len(differing)} of "
            f"{len(one)} images: image {shown(differing)}",
            "one ground truth for all",
            "evaluate both on the same ground truth",
        )


def _truth(frame: FrameLedger) -> npt.NDArray[np.int64]:
    """The segments of the ground truth: id, category, area, whether it is a crowd; each once."""
    gt = frame.rows[frame.rows[:, Column.SIDE] == Side.GT]
    told = gt[:, TELLING]
    told[:, -1] = gt[:, Column.OUTCOME] == Outcome.CROWD
    # A segment that matches several times, as stated areas allow, has a row for each match.
    again = np.zeros(len(told), bool)
    again[1:] = told[1:, 0] == told[:-1, 0]
    found: npt.NDArray[np.int64] = told[~again]
    return found


def _different(found: str, expected: str, remedy: str = "evaluate all of them with the same options") -> DataError:
    return DataError(code="not-comparable", found=found, expected=expected, remedy=remedy)
