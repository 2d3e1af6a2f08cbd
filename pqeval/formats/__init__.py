"""One file per dataset format, reading and (where sensible) writing; the file name is the format's name.

A format module has

- ``DESCRIPTION``: one line.
- ``LAYOUT``: the files it expects, as a tree, and what their values mean.
- ``CONVENTION``: the name of the convention that its dataset is scored by.
- ``OPTIONS`` (optional): what the user may say about a side, as a dict of name to meaning.
- ``recognise(glance)``: 0 where a :class:`~pqeval.formats._glance.Glance` shows that the files are not of this
  format, 1 where they can be, 2 where they are of nothing else.
- ``open_side(place, request)``: returns a :class:`~pqeval.source.Source`. ``place`` is a
  :class:`~pqeval.storage.File` or a :class:`~pqeval.storage.Folder`, ``request`` says how.
- ``write(folder, frames, categories)`` (optional): what ``pqeval convert`` calls to write this format.
"""

from __future__ import annotations

from pqeval.registry import Room

room = Room(__name__, kind="format")
