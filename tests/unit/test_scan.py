"""What a few instructions of the processor do is what Python does where nothing is compiled."""

from __future__ import annotations

import importlib.util
import os
from types import ModuleType
from unittest import mock

import naive
import numba
import numpy as np
import pytest
import strategies
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pqeval.core import scan

COMPILED = os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")
DTYPES = ("uint8", "uint16", "uint32", "uint64")


def in_python() -> ModuleType:
    """Load the module as it is where numba is told not to compile."""
    spec = importlib.util.spec_from_file_location("scan_in_python", scan.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with mock.patch.object(numba.config, "DISABLE_JIT", 1):
        spec.loader.exec_module(module)
    return module


PYTHON = in_python()
trailing_zeros, changes = scan.trailing_zeros, scan.changes


@numba.njit
def compiled_zeros(number):
    return trailing_zeros(number)


@numba.njit
def compiled_changes(pixels, start):
    return changes(pixels, start)


def test_both_kinds_are_there() -> None:
    assert type(PYTHON.changes) is type(PYTHON.trailing_zeros) is type(in_python)
    if COMPILED:
        assert type(scan.changes) is not type(in_python)
        assert type(scan.trailing_zeros) is not type(in_python)


@given(st.one_of(st.integers(1, 2**64 - 1), st.integers(0, 63).map(lambda bit: 2**64 - 2**bit)))
@example(1)
@example(2**63)
@example(2**64 - 1)
def test_trailing_zeros(number: int) -> None:
    zeros = [function(np.uint64(number)) for function in (PYTHON.trailing_zeros, compiled_zeros)]
    assert zeros == [naive.trailing_zeros(number)] * 2


def test_trailing_zeros_of_every_power() -> None:
    for bit in range(64):
        assert PYTHON.trailing_zeros(np.uint64(2**bit)) == compiled_zeros(np.uint64(2**bit)) == bit


@st.composite
def blocks(draw) -> tuple[list[int], int, str]:
    """Pixels, the first of 64 among them, and a dtype."""
    dtype = draw(st.sampled_from(DTYPES))
    most = np.iinfo(dtype).max
    dice = strategies.Dice(draw)
    size = dice.pick((65, 66, 127, 128, 129, 200))
    # Numbers that differ in their lowest or in their highest bit alone.
    numbers = [0, 1, most, most - 1, most // 2 + 1, draw(st.integers(0, most))][dice.below(5) :]
    pixels = strategies.line_of(dice, size, numbers)
    return pixels, dice.pick((1, size - 64, 1 + dice.below(size - 64))), dtype


@settings(max_examples=400)
@given(blocks())
def test_changes(block) -> None:
    numbers, start, dtype = block
    pixels = np.array(numbers, dtype)
    pixels.flags.writeable = False
    found = [function(pixels, np.uint64(start)) for function in (PYTHON.changes, compiled_changes)]
    assert found == [naive.changes(numbers, start)] * 2


@pytest.mark.parametrize("dtype", DTYPES)
def test_changes_at_every_place(dtype: str) -> None:
    for place in range(130):
        numbers = [5] * place + [6] * (130 - place)
        pixels = np.array(numbers, dtype)
        for start in (1, 2, 63, 64, 66):
            found = [function(pixels, np.uint64(start)) for function in (PYTHON.changes, compiled_changes)]
            assert found == [2 ** (place - start) if start <= place < start + 64 else 0] * 2


@given(strategies.wide_maps(), st.sampled_from((strategies.MAX_ID, 255)))
def test_a_scan_in_python(label_map, highest: int) -> None:
    pixels = np.array(label_map, np.uint32).reshape(-1)
    pixels.flags.writeable = False
    size = len(label_map), len(label_map[0])
    results = [module.scan_lines(pixels, *size, highest) for module in (PYTHON, scan)]
    twin = naive.scan_lines(pixels.tolist(), *size, highest)
    for *columns, sound in results:
        assert bool(sound) == twin[-1]
        assert not sound or [column.tolist() for column in columns] == list(twin[:-1])
        assert [column.dtype for column in columns] == [np.uint32, np.uint32, np.uint64]


def test_the_results_are_unsigned() -> None:
    """Signed numbers would make floats of what kernels compute with them."""
    pixels = np.zeros(65, np.uint32)
    assert type(PYTHON.trailing_zeros(np.uint64(8))) is np.uint64
    assert type(PYTHON.changes(pixels, np.uint64(1))) is np.uint64
    if COMPILED:
        compiled_zeros(np.uint64(8))
        compiled_changes(pixels, np.uint64(1))
        for function in (compiled_zeros, compiled_changes):
            returned = {overload.signature.return_type for overload in function.overloads.values()}
            assert returned == {numba.types.uint64}
