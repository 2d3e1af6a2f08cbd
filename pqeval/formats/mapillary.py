"""Mapillary Vistas as it is shipped: 16-bit PNGs with label * 256 + instance, or 8-bit ones with the label alone.

Sources: the layout, the configs and the demo script that the dataset ships; see also
:mod:`pqeval.formats._mapillary`.
"""

from __future__ import annotations

import re
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pqeval.categories import Categories
from pqeval.errors import DataWarning, PqevalError, UsageError
from pqeval.formats._class_instance import settle
from pqeval.formats._glance import Glance
from pqeval.formats._mapillary import (
    TABLES,
    VOID,
    builtin_labels,
    configs,
    ids_in,
    own_table,
)
from pqeval.formats._maps import GRAY, PALETTE, Found, MapSide, PngLoader
from pqeval.formats._meaning import Meaning, divided, report
from pqeval.formats._place import folder_of
from pqeval.source import Request
from pqeval.storage import Folder, Place

__all__ = ["CONVENTION", "DESCRIPTION", "LAYOUT", "OPTIONS", "open_side", "recognise"]

DESCRIPTION = "Mapillary Vistas, raw: 16-bit PNGs with label * 256 + instance"
CONVENTION = "coco"
OPTIONS = {"version": "v1.2 or v2.0, which order their labels differently; auto (default) asks the files"}

LAYOUT = """\
validation/                      --gt or --pred: this folder, or any below or above it
├── v2.0/                        v1.2 or v2.0; older downloads of v1.2 lack this level
│   ├── instances/KEY.png        16-bit gray; label * 256 + instance
│   └── labels/KEY.png           8-bit palette, index = label; if no instances
└── ...
config_v2.0.json                 if it lies in the folder named: order and flags of the labels

A label is a place in the config. Labels with "evaluate": false are void.
From labels/ only stuff can be scored.
"""

INSTANCES = PngLoader(((GRAY, 16),), remedy="take the files of instances/; 8 bits have no room for instances")
LABELS = PngLoader(((PALETTE, 8), (GRAY, 8)), remedy="write the label as the palette index, not as a colour")

WORDS = ("auto", "v1.2", "v2.0")
NESTED = re.compile(r"(?P<above>.*/)?(?P<kind>instances|labels)/(?P<stem>[^/]+)\.png")
FLAT = re.compile(r"(?P<stem>[^/]+)\.png")


class Listed(NamedTuple):
    """A PNG with what its path says about it."""

    found: Found
    version: str | None
    kind: str | None


def _listed(folder: Folder) -> list[Listed]:
    names = folder.names()
    nested = [match for match in map(NESTED.fullmatch, names) if match is not None]
    if not nested:
        flat = [match for match in map(FLAT.fullmatch, names) if match is not None]
        return [Listed(Found(match["stem"], match[0]), None, None) for match in flat]
    return [
        Listed(
            Found(match["stem"], match[0]),
            next((part for part in (match["above"] or "").split("/") if part in TABLES), None),
            match["kind"],
        )
        for match in nested
    ]


def _version(folder: Folder, listed: list[Listed], stated: list[str | None], request: Request) -> str | None:
    """Find out which version the files are of; ``None`` is that of the only config, which does not tell."""
    version = request.choice("version", WORDS)
    if version != "auto" or not listed:
        return None if version == "auto" else version
    inside = {entry.version for entry in listed}
    if len(inside) > 1:
        raise _unclear(folder, "there are files of more than one version")
    if inside != {None}:
        return inside.pop()
    if stated:
        if len(set(stated)) > 1:
            raise _unclear(folder, "there are configs of more than one version")
        return stated[0]
    for version, name in TABLES.items():
        table = Categories.builtin(name)
        for alike in ("name", "id"):
            if {getattr(row, alike) for row in request.categories or []} == {getattr(row, alike) for row in table}:
                return version
    for part in str(folder).replace("\\", "/").split("/")[-2:]:
        if part in TABLES:
            return part
    raise _unclear(folder, "nothing says which version the files are of")


def _unclear(folder: Folder, found: str) -> UsageError:
    return UsageError(
        code="vistas-version",
        found=found,
        expected="v1.2 or v2.0, whose labels have different places",
        remedy="say it with --gt-option or --pred-option version=v1.2 or version=v2.0, or name the folder v1.2 or "
        "v2.0 or one that has its config",
        file=str(folder),
    )


def decode(
    values: npt.NDArray[np.int64],
    problems: list[PqevalError],
    *,
    ids: npt.NDArray[np.int64],
    categories: Categories,
    divisor: int,
    instance0: str,
) -> Meaning:
    """See :data:`pqeval.formats._meaning.Decoder`; with the divisor 1 a value is a label."""
    meaning = divided(values, divisor, offset=1)  # label 0 is a bird, and its first object has the value 0
    beyond = meaning.category >= len(ids)
    report(
        values[beyond],
        problems,
        code="vistas-label",
        found="value {values} has a label that the dataset lacks",
        expected=f"labels up to {len(ids) - 1}"
        + ("" if divisor == 1 else ", in values of label * 256 + instance"),
        remedy="check the version, and the divisor: it is 256",
    )
    meaning.category = ids[np.where(beyond, 0, meaning.category)]
    meaning.void = meaning.category == VOID
    return settle(meaning, problems, categories=categories, instance0=instance0)


def recognise(glance: Glance) -> int:
    """See ``formats/__init__.py``; 16-bit PNGs could be many things, so names or a config have to say it."""
    names = glance.matching(r"(?:.*/)?instances/[^/]+\.png") or glance.matching(r"[\w-]{22}\.png")
    fits = bool(names) and glance.png(names[0]) == (GRAY, 16)
    if not fits:
        labels = glance.matching(r"(?:.*/)?labels/[^/]+\.png")
        if not labels or glance.png(labels[0]) != (PALETTE, 8):
            return 0
        names = labels
    told = glance.matching(r"config[^/]*\.json") or re.search(r"(?:^|/)v(?:1\.2|2\.0)/", names[0])
    ready_made = glance.matching(r"(?:.*/)?panoptic_20(?:18|20)\.json")  # the dataset's own panoptic form
    return 2 if told and not ready_made else int(fits)


def open_side(place: Place, request: Request) -> MapSide:
    """Open one side; see ``formats/__init__.py``."""
    folder = folder_of(place)
    listed = _listed(folder)
    known = configs(folder)
    version = _version(folder, listed, [config.version for config in known], request)
    chosen = [entry for entry in listed if entry.version == version] or [
        entry for entry in listed if entry.version is None
    ]
    if any(entry.kind == "instances" for entry in chosen):
        chosen = [entry for entry in chosen if entry.kind == "instances"]
    fitting = [config.labels for level in (version, None) for config in known if config.version == level]
    labels = fitting[0] if fitting else builtin_labels(version or "v1.2")
    semantic = bool(chosen) and _has_no_instances(folder, chosen[0])
    categories = request.categories or own_table(labels)
    side = MapSide(
        folder,
        [entry.found for entry in chosen],
        categories=categories,
        load=LABELS if semantic else INSTANCES,
        decode=partial(
            decode,
            ids=ids_in(categories, labels, str(folder)),
            categories=categories,
            divisor=1 if semantic else 256,
            instance0="crowd" if semantic and request.role == "gt" else "object",
        ),
        looked_for="files such as validation/v2.0/instances/KEY.png",
    )
    if semantic:
        side.problems.append(_no_instances(str(folder), request.role))
    return side


def _has_no_instances(folder: Folder, entry: Listed) -> bool:
    if entry.kind is None:
        return Glance(folder).png(entry.found.name) in LABELS.kinds
    return entry.kind == "labels"


def _no_instances(file: str, role: str) -> DataWarning:
    meant = "is a crowd and not scored" if role == "gt" else "counts as one object"
    return DataWarning(
        code="vistas-no-instances",
        found=f"the files have labels without instances; all that is one thing class in an image {meant}",
        expected="the files of instances/",
        remedy="name the folder instances/, or look only at the scores of stuff",
        file=file,
    )
