"""A demonstration on data it makes itself: how each kind of mistake moves PQ, SQ and RQ."""

from __future__ import annotations

from pqeval.demo.run import run_demo

__all__ = ["run_demo"]
