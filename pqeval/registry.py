"""A folder whose file names are the registration."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cached_property
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
        return sorted(self._own | {entry.name for entry in entry_points(group=self.package)})

    @cached_property
    def _own(self) -> set[str]:
        folder = importlib.import_module(self.package).__path__
        return {entry.name for entry in pkgutil.iter_modules(folder) if not entry.name.startswith("_")}

    def spelled(self, name: str) -> str:
        """Return a name as its file has it; users may write dashes.

        Raises
        ------
        UsageError
            If there is none of that name.
        """
        self.get(name)
        return _as_file(name)

    def get(self, name: str) -> ModuleType:
        """Import one of them.

        Raises
        ------
        UsageError
            If there is none of that name.
        """
        name = _as_file(name)
        if name in self._own:  # first, since all installed packages are asked for entry points
            return importlib.import_module(f"{self.package}.{name}")
        for entry in entry_points(group=self.package, name=name):
            loaded: ModuleType = entry.load()
            return loaded
        raise UsageError(
            code=f"unknown-{self.kind}",
            found=f"no {self.kind} is called {name!r}",
            expected=f"one of: {', '.join(self.available())}",
            remedy="check the spelling",
        )


def _as_file(name: str) -> str:
    return str(name).replace("-", "_")
