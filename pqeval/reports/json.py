"""The result as JSON, schema ``pqeval.result/1``."""

from __future__ import annotations

from typing import TextIO

from pqeval.ledger import Ledger
from pqeval.result import Result

__all__ = ["render"]


def render(result: Result, ledger: Ledger, stream: TextIO) -> None:
    """Write :meth:`Result.to_json`."""
    stream.write(result.to_json())
