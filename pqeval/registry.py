"""A folder whose file names are the registration."""

from __future__ import annotations

import importlib
import pkgutil
from importlib.metadata import entry_points
from types import ModuleType

from pqeval.errors import UsageError

__all__ = ["Room"]


class Room:
    """The modules of a package folder, and those that other packages add to it by entry point.

    Parameters
    ----------
    package : str
        Name of the package, for example ``"pqeval.formats"``; also the entry-point group.
    kind : str
        What one of them is called in messages.
    """

    def __init__(self, package: str, kind: str) -> None:
        self.package = package
        self.kind = kind

    def available(self) -> list[str]:
        """Return the names, sorted; nothing is imported."""
        folder = importlib.import_module(self.package).__path__
        own = {entry.name for entry in pkgutil.iter_modules(folder) if not entry.name.startswith("_")}
        return sorted(own | {entry.name for entry in entry_points(group=self.package)})

    def get(self, name: str) -> ModuleType:
        """Import one of them.

        Raises
        ------
        UsageError
            If there is none of that name.
        """
        if name not in self.available():
            raise UsageError(
                code=f"unknown-{self.kind}",
                found=f"no {self.kind} is called {name!r}",
                expected=f"one of: {', '.join(self.available())}",
                remedy="check the spelling",
            )
        for entry in entry_points(group=self.package, name=name):
            loaded: ModuleType = entry.load()
            return loaded
        return importlib.import_module(f"{self.package}.{name}")
