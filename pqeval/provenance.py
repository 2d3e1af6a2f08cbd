"""What a result depends on: rules, what was read and counted, and where the reference would have differed."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from pqeval.image_ids import image_key
from pqeval.ledger import Ledger
from pqeval.storage import File, locate
from pqeval.void import VoidPolicy

if TYPE_CHECKING:
    from pqeval.source import Source  # which loads the kernels of maps; saved runs are compared without

__all__ = ["describe"]

APART = ("name", "unknown", "unknown_categories", "reference")
"""Fields of a policy that a result tells elsewhere."""


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
        and of the ledger. ``reference``: the program that the convention follows but for the rules listed, each
        with the segments and images that it would have treated otherwise here.
    """
    hashes: dict[str, Any] = {role: _of_side(side) for role, side in (sides or {}).items()}
    hashes["ledger"] = _of_ledger(ledger)
    rules = {name: value for name, value in asdict(policy).items() if name not in APART}
    return {"rules": rules, "hashes": hashes, "reference": _differences(ledger, policy)}


def _of_side(side: Source) -> dict[str, Any]:
    place = locate(side.file)
    content = hashlib.sha256(place.read()).hexdigest() if isinstance(place, File) else None
    names = [f"{image.image_id!r}\t{PurePosixPath(image.file).name}" for image in side.images.values()]
    return {"json": content, "files": _digest(name.encode("utf-8", "replace") for name in sorted(names))}


def _of_ledger(ledger: Ledger) -> str:
    return _digest(
        part
        for frame in ledger.ordered()
        for part in (
            repr((image_key(frame.image_id), frame.pixels, frame.unknown_pixels, frame.stratum)).encode(
                "utf-8", "replace"
            ),
            frame.rows.astype("<i8").tobytes(),
        )
    )


def _digest(parts: Iterable[bytes]) -> str:
    total = hashlib.sha256()
    for part in parts:
        total.update(b"%d:" % len(part) + part)
    return total.hexdigest()


def _differences(ledger: Ledger, policy: VoidPolicy) -> dict[str, Any] | None:
    """Sum what the frames know of segments that the reference program treats otherwise."""
    if not policy.reference:
        return None
    segments: Counter[str] = Counter()
    images: Counter[str] = Counter()
    for frame in ledger.frames.values():
        segments.update(frame.deviations)
        images.update(frame.deviations.keys())
    return {
        "program": policy.reference,
        "differs": {rule: {"segments": segments[rule], "images": images[rule]} for rule in sorted(segments)},
    }
