"""Threads on this machine: frames in, results out in the same order, few of them in memory at a time."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from pqeval.errors import UsageError

__all__ = ["run", "workers_or_default"]

Task = TypeVar("Task")
Done = TypeVar("Done")

AHEAD = 4  # tasks per worker that may wait for their turn to be handed on


def workers_or_default(workers: int | None) -> int:
    """Return the number of threads to use: as asked, or the cores this process may run on.

    Raises
    ------
    UsageError
        For less than one.
    """
    if workers is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if workers < 1:
        raise UsageError(
            code="workers",
            found=f"workers is {workers}",
            expected="1 or more",
            remedy="leave it out to use all cores",
        )
    return workers


def run(function: Callable[[Task], Done], tasks: Iterable[Task], workers: int) -> Iterator[Done]:
    """Apply a function to tasks in threads and yield the results in the order of the tasks.

    Parameters
    ----------
    function : callable
        Must not share state between calls.
    tasks : iterable
        Consumed as the work proceeds.
    workers : int
        Number of threads; with one, everything runs in the caller's thread.

    Yields
    ------
    object
        What the function returned. An exception that it raised is raised here, in its turn.
    """
    if workers == 1:
        yield from map(function, tasks)
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix="pqeval")
    waiting: deque[Future[Done]] = deque()
    try:
        for task in tasks:
            waiting.append(pool.submit(function, task))
            if len(waiting) >= AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        # On Ctrl-C, on an error, or when the caller stops listening: nothing that has not begun is begun.
        pool.shutdown(wait=True, cancel_futures=True)
