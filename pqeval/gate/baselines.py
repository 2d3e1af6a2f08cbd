"""Another evaluation to hold scores against: how far they may drop, and whether the two can be compared at all."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from pqeval.errors import DataError, UsageError
from pqeval.gate.expectations import decimal
from pqeval.gate.subjects import Subject
from pqeval.image_ids import image_key
from pqeval.result import Result

__all__ = ["Limits", "read_limit", "refuse_incomparable"]


class Limits(NamedTuple):
    """How far PQ may drop, in points: that of groups, and that of each class; ``None`` does not limit."""

    groups: Decimal | None = None
    classes: Decimal | None = None


def read_limit(name: str, value: Any) -> Decimal | None:
    """Read a limit, where one is given.

    Raises
    ------
    UsageError
        For what is no number.
    """
    number = decimal(value)
    if value is not None and number is None:
        raise UsageError(
            code="drop-number",
            found=f"{name} is {value!s:.60}",
            expected="a number of points, such as 0.3",
            remedy="write 0 where nothing may drop",
        )
    return number


def refuse_incomparable(now: Subject, base: Subject, file: str | None = None) -> None:
    """Raise where two evaluations did not look at the same data by the same rules.

    Raises
    ------
    DataError
        Naming all that differs.
    """
    differences = list(_differences(now, base))
    if differences:
        raise DataError(
            code="not-comparable",
            found=f"not comparable with the baseline: {'; '.join(differences)}",
            expected="the same ground truth, metric and convention",
            remedy="compare with another baseline, or renew it on purpose with --update",
            file=file,
        )


def _differences(now: Subject, base: Subject) -> Iterator[str]:
    ours, theirs = now.result, base.result
    for what, old, new in (
        ("metric", theirs.metric, ours.metric),
        ("convention", theirs.convention, ours.convention),
        ("images evaluated", theirs.images.get("evaluated"), ours.images.get("evaluated")),
    ):
        if old != new:
            yield f"{what} {old} there, {new} here"
    if _table(ours) != _table(theirs):
        yield "the category tables differ"
    if ours.inputs.get("groups", {}) != theirs.inputs.get("groups", {}):
        yield "the groups differ"
    old, new = _ground_truth(theirs), _ground_truth(ours)
    if old is not None and new is not None and old != new:
        yield "the ground truths differ"
    elif now.run is not None and base.run is not None:
        keys = [{image_key(frame.image_id) for frame in run.frames()} for run in (now.run, base.run)]
        if keys[0] != keys[1]:
            yield "the images differ"


def _table(result: Result) -> list[tuple[int, str, bool | None]]:
    return [(row.id, row.name, row.isthing) for row in result.per_class]


def _ground_truth(result: Result) -> Any:
    hashes = result.provenance.get("hashes")
    return hashes.get("gt") if isinstance(hashes, dict) else None
