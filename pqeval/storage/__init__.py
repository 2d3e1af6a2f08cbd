"""Where files lie: a folder on this machine, an archive, or a place behind a URL.

Whatever it is, it is a :class:`Folder`: it lists names and reads the files behind them. :func:`locate` finds out
which kind a path means, so that formats need not know.
"""

from __future__ import annotations

from pqeval.storage.folder import File, Folder, Place
from pqeval.storage.locating import as_folder, locate

__all__ = ["File", "Folder", "Place", "as_folder", "locate"]
