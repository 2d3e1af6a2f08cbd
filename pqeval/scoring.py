"""Ledger to Result: the metric's numbers, the data's warnings, the settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pqeval.alignment import misaligned
from pqeval.categories import Categories, integral
from pqeval.errors import DataWarning, EmptyError, UsageError
from pqeval.ledger import Ledger
from pqeval.metrics import room
from pqeval.provenance import describe
from pqeval.result import Result
from pqeval.void import VoidPolicy

if TYPE_CHECKING:
    from pqeval.source import Source

__all__ = ["digest", "read_groups", "refuse_nothing", "score"]

TAKEN = ("All", "Things", "Stuff", "Binary")


def score(
    ledger: Ledger,
    categories: Categories,
    policy: VoidPolicy,
    *,
    metric: str = "pq",
    groups: Mapping[str, Sequence[int]] | None = None,
    missing: int = 0,
    skipped: int = 0,
    warnings: Iterable[DataWarning] = (),
    inputs: Mapping[str, Any] | None = None,
    sides: Mapping[str, Source] | None = None,
) -> Result:
    """Make a Result of a ledger.

    Parameters
    ----------
    ledger : Ledger
        All images.
    categories : Categories
        The table.
    policy : VoidPolicy
        The convention under which the ledger was made.
    metric : str
        Name of the metric.
    groups : mapping of str to sequence of int, optional
        The user's groups of category ids.
    missing, skipped : int
        Images without prediction, and those left out.
    warnings : iterable of DataWarning
        About the dataset as a whole; those about images come from the ledger.
    inputs : mapping, optional
        What was evaluated.
    sides : mapping of str to Source, optional
        What was read, by role.

    Returns
    -------
    Result
    """
    frames = list(ledger.ordered(by_file=policy.file_order))
    scores = room.get(metric).compute(frames, categories, groups, policy.averaging)
    collected = [*warnings, *(warning for frame in frames for warning in frame.warnings)]
    if not categories.tells_things:
        collected.append(
            DataWarning(
                code="isthing-untold",
                found="no category says whether it is a thing; Things and Stuff are not scored",
                expected='"isthing": 1 or 0 in every category',
                remedy='add it, for example {"id": 1, "name": "person", "isthing": 1}',
            )
        )
    collected += misaligned(frames, categories, scores.groups["All"].pq)
    settings: dict[str, Any] = dict(inputs or {})
    settings["unknown"] = policy.unknown
    settings["unknown_categories"] = sorted(policy.unknown_categories)
    settings["groups"] = {name: list(ids) for name, ids in (groups or {}).items()}
    return Result(
        metric=metric,
        convention=policy.name,
        groups=scores.groups,
        per_class=scores.per_class,
        images={"evaluated": len(frames), "missing": missing, "skipped": skipped},
        void=scores.void,
        warnings=digest(collected),
        inputs=settings,
        provenance=describe(ledger, policy, sides),
    )


def refuse_nothing(result: Result) -> None:
    """Raise where nothing was averaged: that is no score, and must not look like one.

    Raises
    ------
    EmptyError
        Naming the ground truth.
    """
    scored = result.pq is not None and any(row.tp + row.fp + row.fn for row in result.per_class)
    if not scored or not result.images.get("evaluated"):
        raise EmptyError(
            code="nothing-scored",
            found="there was nothing to average: no class occurs in the ground truth or in the predictions",
            expected="at least one image with a segment",
            remedy="check that the ground truth is the right file, and that its segments are not all crowd",
            file=result.inputs.get("gt"),
        )


def digest(warnings: Iterable[DataWarning]) -> tuple[str, ...]:
    """Say each kind of warning once, with the number of images concerned and the first of them."""
    kinds: dict[str, list[DataWarning]] = {}
    for warning in warnings:
        kinds.setdefault(warning.code, []).append(warning)
    lines = []
    for code, found in kinds.items():
        images = len({repr(warning.image_id) for warning in found if warning.image_id is not None})
        first = found[0]
        where = f"{first.where}: " if first.where else ""
        many = f"{images} image{'s' if images > 1 else ''}, first " if images else ""
        lines.append(f"[{code}] {many}{where}{first.found}; do: {first.remedy}")
    return tuple(lines)


def read_groups(groups: Any, categories: Categories) -> dict[str, tuple[int, ...]]:
    """Read the user's groups; refuse those that are empty, take a taken name, or lack a category in the table.

    Raises
    ------
    UsageError
        Naming the group.
    """
    read: dict[str, tuple[int, ...]] = {}
    for name, ids in groups.items() if isinstance(groups, Mapping) else [(groups, ())] if groups else []:
        listed = [integral(number) for number in ids] if isinstance(ids, Iterable) else []
        numbers = tuple(number for number in listed if number is not None)
        lacking = [number for number in numbers if categories.index_of(number) < 0]
        if name in TAKEN or not isinstance(name, str) or not listed or lacking or len(numbers) < len(listed):
            reason = (
                f"names {', '.join(map(str, lacking))}, which the category table lacks"
                if lacking
                else "has a taken name"
                if name in TAKEN
                else "does not list category ids"
            )
            raise UsageError(
                code="group",
                found=f"the group {name!r} {reason}",
                expected="a new name with category ids of the table",
                remedy="for example --group Vehicles=3,4,6 or groups={'Vehicles': [3, 4, 6]}",
            )
        read[name] = numbers
    return read
