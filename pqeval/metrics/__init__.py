"""The room of ratios: one file per metric, and its file name is its name.

A metric module has ``DESCRIPTION`` (one line) and ``compute(frames, categories, own_groups, averaging)``, which
returns :class:`~pqeval.result.Scores`.
"""

from __future__ import annotations

from pqeval.registry import Room

room = Room(__name__, kind="metric")
