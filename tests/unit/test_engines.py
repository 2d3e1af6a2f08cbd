"""Where frames are counted decides nothing about the result."""

from __future__ import annotations

import os
import signal
import threading

import datasets
import numpy as np
import pytest

import pqeval
from pqeval.engines import processes, threads

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
