"""A demonstration on data it makes itself: four networks segment scenes, and pqeval scores them."""

from __future__ import annotations

from pqeval.demo.run import run_demo

__all__ = ["run_demo"]
