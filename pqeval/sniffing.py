"""Which format files are in, where the user did not say."""

from __future__ import annotations

from collections.abc import Callable

from pqeval.errors import UsageError
from pqeval.formats import room
from pqeval.formats._glance import Glance
from pqeval.run_file import is_run
from pqeval.storage import File, Place

__all__ = ["resolve", "resolve_one"]


def resolve(
    gt: Place, pred: Place, *, gt_format: str | None = None, pred_format: str | None = None
) -> tuple[str, str]:
    """Find the formats of two sides.

    Parameters
    ----------
    gt, pred : File or Folder
        The two sides.
    gt_format, pred_format : str, optional
        What the user said.

    Returns
    -------
    gt_format, pred_format : str
        Where files of the predictions could be in several formats and one is that of the ground truth, it is that.

    Raises
    ------
    UsageError
        If the files do not say, naming the candidates, and for a saved run.
    """
    first = resolve_one(gt, gt_format, role="gt")
    if pred_format is not None:
        return first, room.spelled(pred_format)
    strengths = _strengths(pred)
    return first, first if first in strengths else _only(pred, strengths, "pred")


def resolve_one(place: Place, format: str | None, *, role: str | None = None) -> str:
    """Find the format of one side; ``role`` is how messages call it, where there are two."""
    return _only(place, _strengths(place), role) if format is None else room.spelled(format)


def _strengths(place: Place) -> dict[str, int]:
    """Return the formats that recognise a place, and how sure each is."""
    if isinstance(place, File) and not place.folder.has(place.name):
        return {"coco": 1}  # it will say that the file does not exist
    glance = Glance(place)
    known = {name: strength for name in room.available() if (strength := _strength(name, glance))}
    if not known and is_run(place):
        raise UsageError(
            code="run-not-maps",
            found="is a saved run, which has no maps",
            expected="maps of segments; a saved run takes the place of predictions that are scored",
            remedy="name the files that it was made of",
            file=str(place),
        )
    if not known and isinstance(place, File) and glance.json is not None:
        return {"coco": 1}  # it will say what the JSON lacks
    return known


def _strength(name: str, glance: Glance) -> int:
    recognise: Callable[[Glance], int] | None = getattr(room.get(name), "recognise", None)
    return 0 if recognise is None else recognise(glance)  # a format of another package may have to be named


def _only(place: Place, strengths: dict[str, int], role: str | None) -> str:
    candidates = [name for name, strength in strengths.items() if strength == max(strengths.values())]
    if len(candidates) == 1:
        return candidates[0]
    listed = ", ".join(candidates) or "no format that pqeval knows"
    option = f"{role}-format" if role else "format"
    raise UsageError(
        code="format-unclear",
        found=f"the files {f'of --{role} ' if role else ''}do not say which format they are in"
        + (" alone" if candidates else ""),
        expected=f"files of one format; these could be: {listed}",
        remedy=f"name it with --{option} ({option.replace('-', '_')}=); `pqeval formats` lists all",
        file=str(place),
    )
