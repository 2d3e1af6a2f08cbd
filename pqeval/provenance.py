"""What a result depends on: rules, what was read and counted, and where the reference would have differed."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from pqeval.image_ids import image_key
from pqeval.ledger import Ledger, all_rows
from pqeval.storage import File, locate
from pqeval.void import VoidPolicy

if TYPE_CHECKING:
    from pqeval.source import Source  # which loads the kernels of maps; saved runs are compared without

__all__ = ["describe"]

TOLD = {part.name for part in fields(VoidPolicy)} - {"name", "unknown", "unknown_categories", "reference"}
"""Fields of a policy but for those that a result tells elsewhere."""


def describe(ledger: Ledger, policy: VoidPolicy, sides: Mapping[str, Source] | None = None) -> dict[str, Any]:
    """Describe where the numbers of a result come from.

    Parameters
    ----------
    ledger : Ledger
        What was counted.
    policy : VoidPolicy
        The convention.
    sides : mapping of str to Source, optional
        What was read, by role; nothing for arrays.

    Returns
    -------
    dict
        ``rules``: those of the convention. ``hashes``: SHA-256 of the JSON and of the list of files of each side,
        of the ids of the images that were scored, and of the ledger. ``reference``: the program that the
        convention follows but for the rules listed, each with the segments and images that it would have treated
        otherwise here.
    """
    hashes: dict[str, Any] = {role: _of_side(side) for role, side in (sides or {}).items()}
    hashes["images"] = _digest(sorted(repr(key).encode("utf-8", "replace") for key in ledger.frames))
    hashes["ledger"] = _of_ledger(ledger)
    return {"rules": _rules(policy), "hashes": hashes, "reference": _differences(ledger, policy)}


def _rules(policy: VoidPolicy) -> dict[str, Any]:
    rules = {name: value for name, value in vars(policy).items() if name in TOLD}
    return rules | {"averaging": dict(vars(policy.averaging))}


def _of_side(side: Source) -> dict[str, Any]:
    place = locate(side.file)
    content = hashlib.sha256(place.read()).hexdigest() if isinstance(place, File) else None
    names = [f"{image.image_id!r}\t{PurePosixPath(image.file).name}" for image in side.images.values()]
    return {"json": content, "files": _digest(name.encode("utf-8", "replace") for name in sorted(names))}


def _of_ledger(ledger: Ledger) -> str:
    frames = list(ledger.ordered())
    images = [
        (image_key(frame.image_id), frame.pixels, frame.unknown_pixels, frame.stratum, len(frame.rows))
        for frame in frames
    ]
    rows = all_rows(frames).astype("<i8", copy=False)
    return _digest((repr(images).encode("utf-8", "replace"), rows.data.cast("B") if rows.size else b""))


def _digest(parts: Iterable[bytes | memoryview]) -> str:
    total = hashlib.sha256()
    for part in parts:
        total.update(b"%d:" % len(part))
        total.update(part)
    return total.hexdigest()


def _differences(ledger: Ledger, policy: VoidPolicy) -> dict[str, Any] | None:
    """Sum what the frames know of segments that the reference program treats otherwise."""
    if not policy.reference:
        return None
    segments: Counter[str] = Counter()
    images: Counter[str] = Counter()
    for frame in ledger.frames.values():
        if frame.deviations:
            segments.update(frame.deviations)
            images.update(frame.deviations.keys())
    return {
        "program": policy.reference,
        "differs": {rule: {"segments": segments[rule], "images": images[rule]} for rule in sorted(segments)},
    }
