"""What somebody may have meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["near"]

FEW = 12


def near(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """Say which known names are near to one that is not known.

    Parameters
    ----------
    name : str
        What was written.
    known : iterable of str
        What could have been written.
    otherwise : str
        What is said where nothing is near and the names are too many to list.

    Returns
    -------
    str
        The nearest first.
    """
    spelled = {each.lower(): each for each in known}
    found = [spelled[each] for each in get_close_matches(name.lower(), spelled, n=3, cutoff=0.6)]
    if found:
        return f"perhaps {' or '.join(found)}"
    return otherwise if otherwise and len(spelled) > FEW else f"one of: {', '.join(spelled.values())}"
