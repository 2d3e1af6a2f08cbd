"""Where tasks run: in this process, in threads, in forked processes, or in processes that start afresh."""

from __future__ import annotations

import os
import pickle
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from pqeval.engines import forked, threads
from pqeval.errors import UsageError

__all__ = ["processes_or_refuse", "run"]

Task = TypeVar("Task")
Done = TypeVar("Done")

SLICE = 64  # tasks that a process takes at once
AHEAD = 2  # slices per process that may be under way

_set_up: tuple[Callable[[Any], Any], int] | None = None


def processes_or_refuse(processes: int) -> int:
    """Return the number of processes.

    Raises
    ------
    UsageError
        For less than one.
    """
    if processes < 1:
        raise UsageError(
            code="processes",
            found=f"processes is {processes}",
            expected="1 or more",
            remedy="leave it out: one process with several threads is enough for most machines",
        )
    return processes


def run(
    function: Callable[[Task], Done], tasks: Sequence[Task], *, workers: int, processes: int
) -> Iterator[Done]:
    """Apply a function to tasks and yield the results in the order of the tasks.

    Parameters
    ----------
    function : callable
        Must not share state between calls; with several processes it is pickled once for each.
    tasks : sequence
        Taken one after the other as the work proceeds.
    workers : int
        How many tasks are worked on at once, over all processes. With one process asked for, these are forked
        processes where that is safe and there are enough tasks, and threads elsewhere.
    processes : int
        Others than one are started afresh (``spawn``) and have threads, so a script that asks for them has to
        guard its main part with ``if __name__ == "__main__"``.

    Yields
    ------
    object
        What the function returned. An exception that it raised is raised here, in its turn.

    Raises
    ------
    UsageError
        If a process died.
    """
    if processes > 1:
        yield from _told(_spawned(function, tasks, workers, processes))
    elif workers > 1 and len(tasks) >= forked.FEW and forked.can_fork():
        yield from _told(forked.run(function, tasks, workers))
    else:
        yield from threads.run(function, tasks, workers)


def _told(results: Iterator[Done]) -> Iterator[Done]:
    """Say what it means that a pool is broken."""
    from concurrent.futures.process import BrokenProcessPool

    try:
        yield from results
    except BrokenProcessPool as reason:
        raise UsageError(
            code="process-died",
            found="a process ended before its work was done",
            expected="processes that live as long as this one",
            remedy="check the memory of the machine; in a script that asks for processes, guard the call with "
            '`if __name__ == "__main__":`; or use one worker',
        ) from reason


def _spawned(
    function: Callable[[Task], Done], tasks: Sequence[Task], workers: int, processes: int
) -> Iterator[Done]:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    # By file: a child that dies while it starts leaves a parent waiting that sends more than a pipe holds.
    handle, name = tempfile.mkstemp(prefix="pqeval-")
    try:
        with open(handle, "wb") as file:
            pickle.dump(function, file)
        pool = ProcessPoolExecutor(
            processes,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(name, max(1, workers // processes)),
        )
        yield from threads.drain(pool, _work, threads.slices(tasks, SLICE), AHEAD * processes)
    finally:
        os.unlink(name)


def _begin(file: str, workers: int) -> None:
    global _set_up
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the first process decides
    with open(file, "rb") as pickled:
        _set_up = pickle.load(pickled), workers


def _work(tasks: list[Any]) -> tuple[list[Any], BaseException | None]:
    assert _set_up is not None
    function, workers = _set_up
    return threads.collect(threads.run(function, tasks, workers))
