"""Another evaluation to hold scores against: how far they may drop, and whether the two can be compared at all."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from pqeval.errors import DataError, UsageError
from pqeval.gate.expectations import decimal
from pqeval.gate.subjects import Subject
from pqeval.result import Result
from pqeval.same_rules import other_rules

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
            expected="the same ground truth, images and rules",
            remedy="compare with another baseline, or renew it on purpose with --update",
            file=file,
        )


def _differences(now: Subject, base: Subject) -> Iterator[str]:
    ours, theirs = now.result, base.result
    for what, before, after in other_rules(theirs, ours):
        yield f"{what} {before} there, {after} here"
    counts = [result.images.get("evaluated") for result in (theirs, ours)]
    if counts[0] != counts[1]:
        yield f"images evaluated {counts[0]} there, {counts[1]} here"
    if _table(ours) != _table(theirs):
        yield "the category tables differ"
    # A file that somebody wrote by hand can lack a group that all results have.
    if (
        ours.inputs.get("groups", {}) != theirs.inputs.get("groups", {})
        or ours.groups.keys() != theirs.groups.keys()
    ):
        yield "the groups differ"
    old, new = _hash("gt", theirs), _hash("gt", ours)
    if old is not None and new is not None and old != new:
        yield "the ground truths differ"
    elif counts[0] == counts[1] and _other_images(now, base):
        yield "the images differ"


def _other_images(now: Subject, base: Subject) -> bool:
    """Whether other images were scored, as far as the two know theirs."""
    if now.run is not None and base.run is not None:
        return now.run.ledger.frames.keys() != base.run.ledger.frames.keys()
    hashes = [_hash("images", side.result) for side in (now, base)]
    return None not in hashes and hashes[0] != hashes[1]


def _table(result: Result) -> list[tuple[int, str, bool | None]]:
    return [(row.id, row.name, row.isthing) for row in result.per_class]


def _hash(name: str, result: Result) -> Any:
    hashes = result.provenance.get("hashes")
    return hashes.get(name) if isinstance(hashes, dict) else None
