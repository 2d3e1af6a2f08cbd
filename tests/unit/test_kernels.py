"""Every kernel gives exactly what its slow twin gives."""

from __future__ import annotations

import ast
import inspect
import os
from fractions import Fraction

import naive
import numpy as np
import pytest
import strategies
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from pqeval.core import kernels

KERNELS = {
    node.name: getattr(kernels, node.name)
    for node in ast.parse(inspect.getsource(kernels)).body
    if isinstance(node, ast.FunctionDef) and "kernel" in map(ast.unparse, node.decorator_list)
}
COMPILED = os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")

SMALL = ("gt_crowd", "marks")
TABLE = ("pair_gt", "pair_pred", "inter")
EXCUSE = ("gt_category", "gt_crowd", "gt_position", "classes", "last_only")
CROWD = (*TABLE, "gt_category", "charged", "marks")
CHARGE = (*TABLE, "gt_category", "gt_crowd", "pred_category")
MATCH = (
    *TABLE,
    "gt_ids",
    "gt_category",
    "gt_crowd",
    "gt_area",
    "pred_ids",
    "pred_category",
    "pred_area",
    "charged",
    "crowd",
)


def arguments(table: dict, names: tuple[str, ...]) -> list:
    """Give a kernel its arguments as arrays."""

    def ready(name: str):
        value = table[name]
        return np.array(value, np.uint8 if name in SMALL else np.int64) if isinstance(value, list) else value

    return [ready(name) for name in names]


def plain(result):
    """Turn arrays into lists."""
    if isinstance(result, tuple):
        return tuple(plain(part) for part in result)
    return result.tolist() if isinstance(result, np.ndarray) else int(result)


@st.composite
def full_tables(draw, **options) -> dict:
    """Overlap tables with all that the earlier kernels add, from the twins."""
    table = draw(strategies.tables(**options))
    table["last_only"] = draw(st.booleans())
    return completed(table)


def completed(table: dict) -> dict:
    """Add what the earlier kernels compute."""
    table["marks"] = naive.excusing_crowds(*(table[name] for name in EXCUSE))
    table["charged"] = naive.charge_unknown(*(table[name] for name in CHARGE))
    table["crowd"] = naive.crowd_pixels(*(table[name] for name in CROWD))
    return table


def test_every_kernel_has_a_twin() -> None:
    assert KERNELS
    assert [name for name in KERNELS if not hasattr(naive, name)] == []


def test_the_codes_of_twin_and_kernel_agree() -> None:
    names = ("TP", "FN", "FP", "VOID_EXCUSED", "CROWD_EXCUSED", "CROWD", "UNKNOWN", "IGNORED")
    for name in (*names, "TAKES_NO_PART", "UNKNOWN_IS_WRONG"):
        assert getattr(kernels, name) == getattr(naive, name)


# Runs.


@given(strategies.label_maps())
def test_dense_runs(label_map) -> None:
    flat = [number for row in label_map for number in row]
    ends, ids = kernels.dense_runs(np.array(flat, np.uint32))
    assert (ends.dtype, ids.dtype) == (np.int64, np.uint32)
    assert plain((ends, ids)) == naive.dense_runs(flat)


def test_dense_runs_of_nothing() -> None:
    assert plain(kernels.dense_runs(np.zeros(0, np.uint32))) == ([], [])


@st.composite
def two_run_lists(draw) -> tuple[list[int], list[int], list[int], list[int], int]:
    """Two run lists over the same pixels, with row numbers up to what the largest maps can have."""
    size = draw(st.integers(1, 24))
    gt_ends, gt_rows = draw(strategies.run_lists(size))
    pred_ends, pred_rows = draw(strategies.run_lists(size))
    pred_count = draw(st.sampled_from((4, 5, 2**16, 2**31 - 1)))
    offset = draw(st.sampled_from((0, pred_count - 4)))
    return gt_ends, [row + offset for row in gt_rows], pred_ends, [row + offset for row in pred_rows], pred_count


def overlap_of(gt_ends, gt_rows, pred_ends, pred_rows, pred_count):
    columns = (np.array(column, np.int64) for column in (gt_ends, gt_rows, pred_ends, pred_rows))
    return kernels.run_overlap(*columns, pred_count)


@given(two_run_lists())
def test_run_overlap(runs) -> None:
    pairs, pixels = overlap_of(*runs)
    assert (pairs.dtype, pixels.dtype) == (np.int64, np.int64)
    assert plain((pairs, pixels)) == naive.run_overlap(*runs)


@pytest.mark.parametrize("step", [1, 2, 64, 128, 2**17, 2**24])
def test_run_overlap_where_every_pixel_is_a_pair_of_its_own(step: int) -> None:
    # As many pairs as there can be, with keys that agree in their low bits.
    ends = list(range(1, 401))
    gt_rows = [(37 * i) % 20 * step for i in range(400)]
    pred_rows = [(37 * i) % 400 // 20 * step for i in range(400)]
    runs = (ends, gt_rows, ends, pred_rows, 20 * step)
    pairs, pixels = naive.run_overlap(*runs)
    assert len(pairs) == 400
    assert plain(overlap_of(*runs)) == (pairs, pixels)


def test_run_overlap_of_one_run_against_many() -> None:
    assert plain(overlap_of([6], [1], [1, 2, 6], [0, 2, 0], 3)) == ([3, 5], [5, 1])


# Segments.


@given(full_tables())
def test_excusing_crowds(table) -> None:
    assert plain(kernels.excusing_crowds(*arguments(table, EXCUSE))) == table["marks"]


@given(full_tables())
def test_crowd_pixels(table) -> None:
    assert plain(kernels.crowd_pixels(*arguments(table, CROWD))) == table["crowd"]


@given(full_tables())
def test_charge_unknown(table) -> None:
    assert plain(kernels.charge_unknown(*arguments(table, CHARGE))) == table["charged"]


@settings(max_examples=300)
@given(full_tables())
def test_match_segments(table) -> None:
    expected = naive.match_segments(*(table[name] for name in MATCH))
    rows, undefined = kernels.match_segments(*arguments(table, MATCH))
    assert rows.dtype == np.int64
    assert rows.shape == (len(expected[0]), 10)
    assert (rows.tolist(), undefined) == expected


@settings(max_examples=200)
@given(full_tables(true_areas=True))
def test_uniqueness_theorem(table) -> None:
    """With counted areas no segment has two partners, whatever the categories."""
    rows, undefined = kernels.match_segments(*arguments(table, MATCH))
    gt, pred = rows[rows[:, 0] == naive.GT], rows[rows[:, 0] == naive.PRED]
    assert undefined == 0
    assert len(gt) == len(table["gt_ids"]) - 1
    partners = {tuple(row) for row in gt[gt[:, 4] > 0][:, [1, 4]].tolist()}
    assert partners == {tuple(row) for row in pred[pred[:, 4] > 0][:, [4, 1]].tolist()}
    assert len({g for g, _ in partners}) == len({p for _, p in partners}) == len(partners)
    matched = {tuple(row) for row in gt[gt[:, 3] == naive.TP][:, [1, 4, 2]].tolist()}
    assert matched == {tuple(row) for row in pred[pred[:, 3] == naive.TP][:, [4, 1, 2]].tolist()}


@pytest.mark.parametrize(("inter", "outcome"), [(2**60, naive.FN), (2**60 + 1, naive.TP)])
def test_no_float_decides(inter: int, outcome: int) -> None:
    """Just above one half, by less than any float can tell."""
    table = {
        "pair_gt": [1, 1],
        "pair_pred": [0, 1],
        "inter": [2**61 + 1 - inter, inter],
        "gt_ids": [0, 5],
        "gt_category": [-1, 0],
        "gt_crowd": [0, 0],
        "gt_area": [0, 2**61 + 1],
        "pred_ids": [0, 7],
        "pred_category": [-1, 0],
        "pred_area": [2**61 + 1 - inter, inter],
        "charged": [-1, 0],
        "crowd": [0, 0],
    }
    assert inter / (2**61 + 1) == 0.5
    rows, _ = kernels.match_segments(*arguments(table, MATCH))
    assert rows[0, 3] == outcome


# The comparisons above are worth what their data are worth: each of these faults must show.


def first_crowd_counts(*arguments):
    category, crowd, position, classes, last_only = arguments
    return naive.excusing_crowds(category, crowd, [-place for place in position], classes, last_only)


def crowds_of_any_class_excuse(pair_gt, pair_pred, inter, gt_category, pred_category, marks):
    one_class = [[min(category, 0) for category in side] for side in (gt_category, pred_category)]
    return naive.crowd_pixels(pair_gt, pair_pred, inter, *one_class, marks)


def highest_id_pays(pair_gt, pair_pred, inter, gt_category, gt_crowd, pred_category):
    turned = [len(gt_category) - 1 - g for g in pair_gt]
    return naive.charge_unknown(turned, pair_pred, inter, gt_category[::-1], gt_crowd[::-1], pred_category)


def crowds_pay(*arguments):
    return naive.charge_unknown(*arguments[:4], [0] * len(arguments[4]), arguments[5])


def half_is_enough(*arguments):
    try:
        naive.HALF = Fraction(2**60 - 1, 2**61)
        return naive.match_segments(*arguments)
    finally:
        naive.HALF = Fraction(1, 2)


def unknown_keeps_its_pixels(*arguments):
    rows, undefined = naive.match_segments(*arguments)
    table = dict(zip(zip(*arguments[:2], strict=True), arguments[2], strict=True))
    ids = arguments[3]
    for row in rows:
        if row[0] == naive.GT:
            row[8] = table.get((ids.index(row[1]), 0), 0)
    return rows, undefined


def one_match_per_gt(*arguments):
    rows, undefined = naive.match_segments(*arguments)
    seen = set()
    return [row for row in rows if (row[0], row[1]) not in seen and not seen.add((row[0], row[1]))], undefined


@pytest.mark.parametrize(
    ("kernel", "names", "faulty"),
    [
        ("excusing_crowds", EXCUSE, first_crowd_counts),
        ("crowd_pixels", CROWD, crowds_of_any_class_excuse),
        ("charge_unknown", CHARGE, highest_id_pays),
        ("charge_unknown", CHARGE, crowds_pay),
        ("match_segments", MATCH, half_is_enough),
        ("match_segments", MATCH, unknown_keeps_its_pixels),
        ("match_segments", MATCH, one_match_per_gt),
    ],
)
def test_planted_faults_show(kernel: str, names: tuple[str, ...], faulty) -> None:
    def differs(table: dict) -> bool:
        result = getattr(kernels, kernel)(*arguments(table, names))
        return plain(result) != faulty(*(table[name] for name in names))

    quick = settings(max_examples=1000, phases=[Phase.generate], derandomize=True, database=None)
    assert find(full_tables(), differs, settings=quick)


@pytest.mark.run_last
@pytest.mark.skipif(not COMPILED, reason="NUMBA_DISABLE_JIT is set")
def test_every_kernel_was_compiled_once() -> None:
    """One signature each after the whole suite: a second one means a dtype or layout that slipped by the gates."""
    import pqeval

    truth = np.array([[1, 1, 2, 2], [3, 3, 0, 2]])
    segments = [{"id": number, "category_id": 7, "iscrowd": number == 3} for number in (1, 2, 3)]
    pqeval.panoptic_quality(
        gt=(truth, segments), pred=(truth, segments), categories=[{"id": 7, "name": "cat", "isthing": 1}]
    )
    assert {name: len(value.signatures) for name, value in KERNELS.items()} == dict.fromkeys(KERNELS, 1)
