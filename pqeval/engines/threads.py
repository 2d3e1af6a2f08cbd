"""Threads on this machine: frames in, results out in the same order, few of them in memory at a time."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeAlias, TypeVar

from pqeval.errors import UsageError

__all__ = ["collect", "drain", "run", "slices", "workers_or_default"]

Task = TypeVar("Task")
Done = TypeVar("Done")
Slice: TypeAlias = tuple[list[Done], BaseException | None]

AHEAD = 3  # slices per worker that may wait for their turn to be handed on
SLICE = 8  # tasks that a worker takes at once: handing over costs as much as reading a file


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
    with_threads = ThreadPoolExecutor(workers, thread_name_prefix="pqeval")
    yield from drain(
        with_threads, lambda some: collect(map(function, some)), slices(tasks, SLICE), AHEAD * workers
    )


def slices(tasks: Iterable[Task], size: int) -> Iterator[list[Task]]:
    """Cut tasks into lists of a size; the last one can be shorter."""
    remaining = iter(tasks)
    while some := list(islice(remaining, size)):
        yield some


def collect(results: Iterable[Done]) -> Slice[Done]:
    """Gather results; returns them, and the exception that ended them or ``None``."""
    done: list[Done] = []
    try:
        for result in results:
            done.append(result)
    except BaseException as error:
        return done, error
    return done, None


def drain(
    pool: Executor, do: Callable[[list[Task]], Slice[Done]], parts: Iterable[list[Task]], most: int
) -> Iterator[Done]:
    """Hand slices to a pool and yield their results in order.

    Parameters
    ----------
    pool : Executor
        Shut down at the end.
    do : callable
        Returns what :func:`collect` returns.
    parts : iterable of list
        The slices.
    most : int
        Slices that may be under way.

    Yields
    ------
    object
        The result of each task.
    """
    waiting: deque[Future[Slice[Done]]] = deque()
    left = iter(parts)
    try:
        while True:
            while len(waiting) < most and (some := next(left, None)) is not None:
                waiting.append(pool.submit(do, some))
            if not waiting:
                return
            done, error = waiting.popleft().result()
            yield from done
            if error is not None:
                raise error
    finally:
        # On Ctrl-C, on an error, or when the caller stops listening: nothing that has not begun is begun.
        pool.shutdown(wait=True, cancel_futures=True)
