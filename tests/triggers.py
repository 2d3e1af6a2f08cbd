"""Tests of whole error texts, collected so that a guard can find the errors that none of them meets."""

from __future__ import annotations

from collections.abc import Callable


class Triggers(list[Callable[..., None]]):
    """A decorator that remembers the functions it was put on.

    Each takes a folder of its own, makes one thing go wrong there, and asserts what is said then. A test module
    has ``trigger = Triggers()`` and one test over ``trigger``, parametrised with ``names(trigger)`` as ids.
    """

    def __call__(self, function: Callable[..., None]) -> Callable[..., None]:
        self.append(function)
        return function


def name_of(function: Callable[..., None]) -> str:
    return function.__name__
