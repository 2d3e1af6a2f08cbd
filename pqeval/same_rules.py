"""Whether two results were made by the same rules; where they were not, their difference says nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pqeval.result import Result

__all__ = ["other_rules"]


def other_rules(one: Result, two: Result) -> Iterator[tuple[str, str, str]]:
    """Yield what differs between the rules of two results.

    Parameters
    ----------
    one, two : Result
        Of any version of pqeval.

    Yields
    ------
    tuple of str
        What it is, and how it is with either.

    Notes
    -----
    Where unknown is an error there was none, so any other rule for it would have given the same score.
    """
    if one.metric != two.metric:
        yield "metric", one.metric, two.metric
    if one.convention != two.convention:
        yield "convention", one.convention, two.convention
        return  # whose rules differ, of course
    unknown = [str(result.inputs.get("unknown", "error")) for result in (one, two)]
    if "error" not in unknown and unknown[0] != unknown[1]:
        yield "unknown", unknown[0], unknown[1]
    ids = [result.inputs.get("unknown_categories") or [] for result in (one, two)]
    if ids[0] != ids[1]:
        yield "unknown categories", _listed(ids[0]), _listed(ids[1])
    # One version of pqeval can know a rule that the other does not; that is no difference.
    rules = [result.provenance.get("rules") or {} for result in (one, two)]
    for name in sorted(rules[0].keys() & rules[1].keys()):
        if rules[0][name] != rules[1][name]:
            yield f"rule {name} of {one.convention}", f"{rules[0][name]}", f"{rules[1][name]}"


def _listed(ids: Any) -> str:
    return ", ".join(map(str, ids)) or "none"
