"""The room of fusion rules: from instances and semantics to one panoptic segmentation.

A network says what it sees more than once: masks of instances that overlap, and a class for every pixel. A
panoptic segmentation gives each pixel one segment, or none. There is one file per rule, and its file name is its
name. Each has ``DESCRIPTION`` (one line) and ``fuse(...)``, which takes arrays and returns ``(id_map, segments)``,
as :meth:`pqeval.PanopticQuality.update` takes them.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from pqeval.fusion._presets import RULES, settings
from pqeval.registry import Room

if TYPE_CHECKING:
    from pqeval.fusion._painting import Segmentation

__all__ = ["available", "fuse", "get", "settings"]

room = Room(__name__, kind="rule")


def available() -> list[str]:
    """Return the names of the rules, sorted; nothing is imported.

    Returns
    -------
    list of str
        The rules of this package, and those that other packages add by the entry point ``pqeval.fusion``.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> import pqeval.fusion
    >>> "heuristic" in pqeval.fusion.available()
    True
    """
    return room.available()


def get(name: str) -> ModuleType:
    """Import the module of a rule.

    Parameters
    ----------
    name : str
        One of :func:`available`.

    Returns
    -------
    module
        Its ``fuse`` is the rule.

    Raises
    ------
    UsageError
        If there is no such rule.

    Examples
    --------
    >>> import pqeval.fusion
    >>> pqeval.fusion.get("heuristic").DESCRIPTION
    'Panoptic FPN: instances by score, things over stuff'
    """
    return room.get(name)


def fuse(rule: str, /, *, preset: str = "coco", **inputs: Any) -> Segmentation:
    """Fuse the outputs of a network by one of the rules.

    Parameters
    ----------
    rule : str
        One of :func:`available`.
    preset : str
        Whose settings hold: one of those of :func:`settings`. A rule of another package has its own defaults.
    **inputs
        What the ``fuse`` of the rule takes, its inputs and those settings that shall differ from the preset.

    Returns
    -------
    id_map : (H, W) uint32
        The segment of every pixel; 0 is void.
    segments : list of dict
        ``{"id", "category_id", "isthing"}`` of every segment that has pixels, and ``"score"`` for things.

    Raises
    ------
    UsageError
        If there is no such rule or preset, or if a setting cannot be used.
    DataError
        If the arrays do not fit together.
    TypeError
        If an input is missing, or the rule has none of this name.

    Examples
    --------
    >>> import numpy as np
    >>> import pqeval.fusion
    >>> masks = np.array([[[1, 1, 0, 0]]], bool)
    >>> semantic = np.array([[7, 7, 7, 7]])
    >>> id_map, segments = pqeval.fusion.fuse(
    ...     "heuristic", masks=masks, scores=[0.9], categories=[3], semantic=semantic, things={3}, stuff_area=1
    ... )
    >>> id_map.tolist()
    [[1, 1, 2, 2]]
    >>> [segment["category_id"] for segment in segments]
    [3, 7]
    """
    name = room.spelled(rule)
    chosen = settings(name, preset) if name in RULES else {}
    segmentation: Segmentation = room.get(name).fuse(**(chosen | inputs))
    return segmentation


def __getattr__(name: str) -> ModuleType:
    if name.startswith("_") or name not in available():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return get(name)
