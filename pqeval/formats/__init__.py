"""One file per dataset format, reading and (where sensible) writing; the file name is the format's name.

A format module has ``DESCRIPTION`` (one line), ``LAYOUT`` (the files it expects, as a tree) and
``open_side(path, role=..., folder=..., repeated=...)``, which returns a :class:`~pqeval.source.Source`.
"""

from __future__ import annotations

from pqeval.registry import Room

room = Room(__name__, kind="format")
