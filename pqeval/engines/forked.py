"""Forked processes: they begin with everything loaded, and never wait for each other's lock.

Threads hand the lock of the interpreter on thousands of times per second. Where a sleeping core is slow to wake,
as in many virtual machines, that costs more than the second core brings.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from pqeval.engines import threads

__all__ = ["FEW", "can_fork", "run"]

Task = TypeVar("Task")
Done = TypeVar("Done")

FEW = 128  # tasks for which threads are as good
SLICE = 32  # tasks that a process takes at once
AHEAD = 3  # slices per process that may be under way
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux

_job: tuple[Callable[[Any], Any], Sequence[Any]] | None = None


def can_fork() -> bool:
    """Whether a fork is safe: on Linux, with one thread, since locks that others hold would stay locked."""
    return sys.platform == "linux" and threading.active_count() == 1


def run(function: Callable[[Task], Done], tasks: Sequence[Task], workers: int) -> Iterator[Done]:
    """Apply a function to tasks in forked processes and yield the results in the order of the tasks.

    Parameters
    ----------
    function : callable
        Must not share state between calls. Only what it returns is pickled.
    tasks : sequence
        The first is done in this process, so that what it loads or compiles is there for all.
    workers : int
        Number of processes.

    Yields
    ------
    object
        What the function returned. An exception that it raised is raised here, in its turn.

    Raises
    ------
    concurrent.futures.process.BrokenProcessPool
        If a process died.
    """
    global _job
    yield from map(function, tasks[:1])
    _job = function, tasks
    try:
        pool = _launched(workers)
        if pool is None:
            yield from threads.run(function, tasks[1:], workers)
        else:
            yield from threads.drain(pool, _work, threads.slices(range(1, len(tasks)), SLICE), AHEAD * workers)
    finally:
        _job = None


def _launched(workers: int) -> Any:
    """Fork all processes; ``None`` where the system does not have what a pool needs."""
    pool = None
    try:
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        pool = ProcessPoolExecutor(workers, get_context("fork"), initializer=_begin, initargs=(os.getpid(),))
        with warnings.catch_warnings():
            # Python counts the idle threads of numerical libraries, too.
            warnings.simplefilter("ignore", DeprecationWarning)
            pool.submit(os.getpid).result()
    except (ImportError, NotImplementedError, OSError):
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)
        return None
    return pool


def _begin(parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the first process decides
    ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)  # a pool of a killed process would wait for ever
    if os.getppid() != parent:
        os._exit(1)
    gc.freeze()  # a collection would copy the pages that are still shared


def _work(places: list[int]) -> tuple[list[Any], BaseException | None]:
    assert _job is not None
    function, tasks = _job
    return threads.collect(function(tasks[place]) for place in places)
