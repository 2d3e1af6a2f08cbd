"""Where frames are counted decides nothing about the result."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import datasets
import numpy as np
import pytest

import pqeval
from pqeval import UsageError
from pqeval.engines import forked, processes, threads

ROWS = [{"id": 1, "category_id": 1}, {"id": 2, "category_id": 2}]


@pytest.fixture
def folder(tmp_path):
    maps = [np.repeat([[1, 2, 0, 1]], 1 + number % 3, axis=0) for number in range(12)]
    datasets.save(tmp_path / "gt.json", [datasets.image(n, ids, ROWS) for n, ids in enumerate(maps)])
    datasets.save(tmp_path / "pred.json", [datasets.image(n, np.sort(ids), ROWS) for n, ids in enumerate(maps)])
    return tmp_path


def twice(number):
    if number == 100:
        raise ValueError("the hundredth")
    return 2 * number, os.getpid(), threading.get_ident()


def test_processes_hand_on_results_in_the_order_of_the_tasks():
    done = list(processes.run(twice, range(100), workers=4, processes=2))
    assert [number for number, *_ in done] == [2 * number for number in range(100)]
    assert os.getpid() not in {process for _, process, _ in done}


def test_one_process_is_this_one():
    assert {process for _, process, _ in processes.run(twice, range(20), workers=2, processes=1)} == {os.getpid()}


def test_what_a_task_raises_in_another_process_is_raised_here_in_its_turn():
    done = []
    with pytest.raises(ValueError, match="the hundredth"):
        done.extend(processes.run(twice, range(200), workers=2, processes=2))
    assert [number for number, *_ in done] == [2 * number for number in range(100)]


@pytest.mark.parametrize("size", [1, 8, 13])
def test_slices_lose_nothing(size):
    parts = list(threads.slices(iter(range(13)), size))
    assert [number for part in parts for number in part] == list(range(13))
    assert {len(part) for part in parts[:-1]} <= {size}


def test_the_number_of_processes_changes_no_byte(folder):
    files = {"gt": folder / "gt.json", "pred": folder / "pred.json"}
    alone = pqeval.evaluate(**files, workers=1).to_json()
    assert pqeval.evaluate(**files, workers=2, processes=2).to_json() == alone


def test_errors_come_back_from_other_processes_whole(folder):
    (folder / "pred" / "3.png").unlink(missing_ok=True)
    next(iter((folder / "pred").iterdir())).write_bytes(b"no PNG")
    files = {"gt": folder / "gt.json", "pred": folder / "pred.json"}
    alone = pqeval.validate(**files, workers=1)
    assert alone.errors
    assert pqeval.validate(**files, workers=2, processes=2).to_json() == alone.to_json()


def asked_for_the_signal(_):
    return signal.getsignal(signal.SIGINT) == signal.SIG_IGN


def test_ctrl_c_is_left_to_the_first_process():
    # It reaches all processes of a terminal; workers that died of it would print a traceback each.
    assert list(processes.run(asked_for_the_signal, range(2), workers=2, processes=2)) == [True, True]


forks = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are forked on Linux only")


@pytest.fixture
def alone(monkeypatch):
    """No other thread, whatever earlier tests left."""
    monkeypatch.setattr(threading, "active_count", lambda: 1)


def pids(done) -> list[int]:
    return [process for _, process, _ in done]


@forks
def test_forked_processes_hand_on_results_in_the_order_of_the_tasks(alone):
    tasks = [*range(100), *range(101, 300)]
    done = list(processes.run(twice, tasks, workers=2, processes=1))
    assert [number for number, *_ in done] == [2 * number for number in tasks]
    assert pids(done)[0] == os.getpid()
    assert os.getpid() not in pids(done)[1:]
    assert len(set(pids(done))) > 1
    assert forked._job is None


@forks
def test_what_a_task_raises_in_a_forked_process_is_raised_here_in_its_turn(alone):
    done = []
    with pytest.raises(ValueError, match="the hundredth"):
        done.extend(processes.run(twice, range(200), workers=2, processes=1))
    assert [number for number, *_ in done] == [2 * number for number in range(100)]
    assert forked._job is None


@forks
def test_a_function_of_forked_processes_need_not_be_pickled(alone):
    assert list(processes.run(lambda number: -number, range(200), workers=2, processes=1))[-1] == -199


def test_few_tasks_are_not_worth_a_fork(alone):
    done = processes.run(twice, range(forked.FEW - 50), workers=2, processes=1)
    assert set(pids(done)) == {os.getpid()}


def test_one_worker_needs_no_fork(alone):
    done = processes.run(twice, range(101, 400), workers=1, processes=1)
    assert set(pids(done)) == {os.getpid()}


def test_a_process_with_other_threads_is_not_forked(monkeypatch):
    wait = threading.Event()
    other = threading.Thread(target=wait.wait)
    other.start()
    try:
        assert not forked.can_fork()
        done = list(processes.run(twice, range(101, 400), workers=2, processes=1))
    finally:
        wait.set()
        other.join()
    assert set(pids(done)) == {os.getpid()}
    assert threading.get_ident() not in {thread for *_, thread in done}


def test_forks_are_for_linux(alone, monkeypatch):
    monkeypatch.setattr(forked.sys, "platform", "darwin")
    assert not forked.can_fork()


@forks
@pytest.mark.parametrize("reason", [ImportError, NotImplementedError, OSError])
def test_threads_do_the_work_where_there_can_be_no_pool(alone, monkeypatch, reason):
    def refused(method):
        raise reason("no semaphores")

    monkeypatch.setattr("multiprocessing.get_context", refused)
    done = list(processes.run(twice, range(101, 400), workers=2, processes=1))
    assert [number for number, *_ in done] == [2 * number for number in range(101, 400)]
    assert set(pids(done)) == {os.getpid()}


def die_at_150(number):
    if number == 150:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@forks
def test_a_forked_process_that_dies_is_an_error(alone):
    with pytest.raises(UsageError) as caught:
        list(processes.run(die_at_150, range(200), workers=2, processes=1))
    assert caught.value.code == "process-died"


@forks
def test_ctrl_c_is_left_to_the_process_that_forked(alone):
    here = asked_for_the_signal(0)  # shells ignore it in what runs behind
    asked = list(processes.run(asked_for_the_signal, range(200), workers=2, processes=1))
    assert asked == [here] + [True] * 199


@forks
def test_forked_processes_change_no_byte(folder, alone, monkeypatch):
    files = {"gt": folder / "gt.json", "pred": folder / "pred.json"}
    by_one = pqeval.evaluate(**files, workers=1).to_json()
    monkeypatch.setattr(forked, "FEW", 2)
    ran = []
    monkeypatch.setattr(forked, "run", lambda *args, run=forked.run: ran.append(1) or run(*args))
    assert pqeval.evaluate(**files, workers=3).to_json() == by_one
    (folder / "pred" / "3.png").unlink(missing_ok=True)
    next(iter((folder / "pred").iterdir())).write_bytes(b"no PNG")
    faults = pqeval.validate(**files, workers=1)
    assert faults.errors
    assert pqeval.validate(**files, workers=2).to_json() == faults.to_json()
    assert ran == [1, 1]


ORPHANS = """
import os, time
from pqeval.engines import forked

def wait(number):
    if number:
        os.write(1, b"%d\\n" % os.getpid())  # one call: print writes the number and the line end apart
        time.sleep(60)

list(forked.run(wait, range(10 * forked.SLICE), 2))
"""


@forks
def test_forked_processes_do_not_outlive_the_first():
    command = [sys.executable, "-c", ORPHANS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        children = {int(first.stdout.readline()) for _ in range(2)}
        first.kill()
    assert len(children) == 2
    deadline = time.monotonic() + 20
    while any(_lives(child) for child in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_lives(child) for child in children)


def _lives(process: int) -> bool:
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8") as told:
            return told.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
