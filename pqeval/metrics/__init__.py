"""The room of ratios: one file per metric, and its file name is its name."""

from __future__ import annotations

from pqeval.registry import Room

room = Room(__name__, kind="metric")
