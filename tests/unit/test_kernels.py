"""Every kernel gives exactly what its slow twin gives."""

from __future__ import annotations

import ast
import inspect
import operator
import os
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from functools import partial
from itertools import groupby
from types import ModuleType
from typing import Any

import naive
import numba
import numpy as np
import pytest
import strategies
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from pqeval import segments as of_segments
from pqeval.core import kernels, renaming, runs, scan
from pqeval.formats import _deflate, _png_chunks, _png_decode, _png_rows
from pqeval.ledger import Outcome
from pqeval.rows import NO_AREA


def kernels_of(module: ModuleType) -> dict[str, Any]:
    return {
        node.name: getattr(module, node.name)
        for node in ast.parse(inspect.getsource(module)).body
        if isinstance(node, ast.FunctionDef) and "kernel" in map(ast.unparse, node.decorator_list)
    }


KERNELS = kernels_of(kernels) | kernels_of(runs) | kernels_of(scan) | kernels_of(renaming)
COMPILED = os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")

SMALL = ("gt_crowd", "pred_crowd", "marks")
TABLE = ("pair_gt", "pair_pred", "inter")
EXCUSE = ("gt_category", "gt_crowd", "gt_position", "classes", "last_only")
CROWD = (*TABLE, "gt_category", "charged", "marks", "any_class")
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
    "pred_crowd",
    "charged",
    "crowd",
    "rules",
    "smallest",
)
SUM = ("pair_gt", "inter", "gt_count")
RULES = (
    *("KEEP_VOID", "DROP_UNKNOWN", "DELETE_VOID", "EXCUSE_BY_NONE", "EXCUSE_BY_VOID", "ANY_CROWD"),
    *("EXCUSE_MISSED", "SKIP_PRED_CROWD"),
)
SETTLE = (
    *TABLE,
    *("gt_ids", "gt_listed", "gt_crowd", "gt_position", "gt_stated"),
    *("pred_ids", "pred_listed", "pred_crowd", "classes", "unknown_class", "stated_areas", "last_only"),
    *("rules", "smallest"),
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
    table["gt_count"] = len(table["gt_ids"])
    dice = strategies.Dice(draw)
    table["unknown_class"] = dice.pick((kernels.TAKES_NO_PART, kernels.UNKNOWN_IS_WRONG))
    table["stated_areas"] = bool(dice.below(2))
    table["gt_stated"] = [
        naive.NO_AREA,
        *(dice.pick((area, area, naive.NO_AREA)) for area in table["gt_area"][1:]),
    ]
    outside = (naive.UNKNOWN_CATEGORY, naive.CALLED_UNKNOWN, naive.UNLISTED)
    for side in ("gt", "pred"):
        listed = [category if category >= 0 else dice.pick(outside) for category in table[f"{side}_category"]]
        table[f"{side}_listed"] = [naive.UNLISTED, *listed[1:]]
    return completed(table)


def completed(table: dict) -> dict:
    """Add what the earlier kernels compute."""
    table["any_class"] = table["rules"] // naive.ANY_CROWD % 2 == 1
    if table["rules"] // naive.SKIP_PRED_CROWD % 2:
        crowds = zip(table["pred_crowd"], table["pred_category"], strict=True)
        table["pred_category"] = [naive.TAKES_NO_PART if crowd else category for crowd, category in crowds]
    table["marks"] = naive.excusing_crowds(*(table[name] for name in EXCUSE))
    table["charged"] = naive.charge_unknown(*(table[name] for name in CHARGE))
    table["crowd"] = naive.crowd_pixels(*(table[name] for name in CROWD))
    return table


def test_every_kernel_has_a_twin() -> None:
    assert kernels_of(kernels)
    assert kernels_of(runs)
    assert kernels_of(scan)
    assert kernels_of(renaming)
    assert [name for name in KERNELS if not hasattr(naive, name)] == []


def test_the_codes_of_twin_and_kernel_agree() -> None:
    outcomes = {outcome.name: int(outcome) for outcome in Outcome}
    assert outcomes == {name: getattr(naive, name) for name in outcomes}
    for name in (*outcomes, *RULES, "TAKES_NO_PART", "UNKNOWN_IS_WRONG"):
        assert getattr(kernels, name) == getattr(naive, name)
    assert sorted(getattr(naive, name) for name in RULES) == [2**bit for bit in range(8)]
    for name in ("UNKNOWN_CATEGORY", "UNLISTED", "CALLED_UNKNOWN"):
        assert getattr(runs, name) == getattr(of_segments, name) == getattr(naive, name)
    assert kernels.UNKNOWN_CATEGORY == naive.UNKNOWN_CATEGORY
    assert kernels.NO_AREA == NO_AREA == naive.NO_AREA


# From pixels to lines.

UNSIGNED = {"uint8": 8, "uint16": 16, "uint32": 32, "uint64": 64}


@st.composite
def scans(draw) -> tuple[list[int], int, int, int, str]:
    """The arguments of ``scan_lines`` and a dtype; sometimes a pixel is too high, anywhere."""
    dtype = draw(st.sampled_from(sorted(UNSIGNED)))
    most = 2 ** UNSIGNED[dtype] - 1
    label_map = draw(strategies.wide_maps(min(most, strategies.MAX_ID)))
    flat = [number for row in label_map for number in row]
    highest = min(most, strategies.MAX_ID)
    dice = strategies.Dice(draw)
    if dice.below(4) == 3:
        highest = dice.pick((highest // 2, 12, max(flat), max(max(flat) - 1, 0), 0))
    if dice.below(4) == 3:
        row = dice.below(len(label_map))
        place = row * len(label_map[0]) + strategies.edge_place(dice, len(label_map[0]))
        flat[place] = dice.pick((most, most // 2 + 1, min(highest + 1, most), highest))
    return flat, len(label_map), len(label_map[0]), highest, dtype


def scanned(flat, height, width, highest, dtype):
    pixels = np.array(flat, dtype)
    pixels.flags.writeable = False
    return scan.scan_lines(pixels, height, width, highest)


def lines(result):
    """What a scan found, as lists; where it is not sound, nothing else means anything."""
    *columns, sound = plain(result)
    return columns if sound else None


@settings(max_examples=400)
@given(scans())
def test_scan_lines(arguments) -> None:
    *columns, sound = scanned(*arguments)
    assert [column.dtype for column in columns] == [np.uint32, np.uint32, np.uint64]
    assert all(column.ndim == 1 and column.flags.writeable for column in columns)
    *expected, expected_sound = naive.scan_lines(*arguments[:4])
    assert bool(sound) == expected_sound
    assert not sound or [column.tolist() for column in columns] == expected


@pytest.mark.parametrize("dtype", UNSIGNED)
@pytest.mark.parametrize("width", [1, 63, 64, 65, 66, 128, 129, 130, 200])
def test_scan_lines_sees_a_change_at_every_place(width: int, dtype: str) -> None:
    for place in range(1, width):
        flat = [3] * width + [3] * place + [4] * (width - place)
        bottoms, begin, packed = lines(scanned(flat, 2, width, 4, dtype))
        assert (bottoms, begin) == ([1, 2], [0, 1, 3])
        assert packed == naive.packed([width, place, width], [3, 3, 4])
    for place in range(2 * width):
        flat = [3] * place + [4] + [3] * (2 * width - place - 1)
        assert plain(scanned(flat, 2, width, 4, dtype)) == naive.scan_lines(flat, 2, width, 4)
        assert lines(scanned(flat, 2, width, 3, dtype)) is None


@pytest.mark.parametrize("dtype", UNSIGNED)
@pytest.mark.parametrize(("height", "width"), [(120, 131), (3, 6000), (9000, 2)])
def test_scan_lines_makes_room_where_every_pixel_is_a_run(height: int, width: int, dtype: str) -> None:
    flat = [(x + y) % 3 for y in range(height) for x in range(width)]
    assert plain(scanned(flat, height, width, 2, dtype)) == naive.scan_lines(flat, height, width, 2)


# From lists to columns.

LIMITS = st.sampled_from((-(2**63), -1, 0, 1, 2**32 - 1, 2**62, 2**63 - 1))
KEYS = st.one_of(st.integers(-3, 12), LIMITS, st.integers(-(2**63), 2**63 - 1))


@given(st.one_of(st.lists(KEYS, max_size=40), st.lists(st.integers(0, 3), max_size=70)))
def test_sort_order(keys) -> None:
    order = runs.sort_order(np.array(keys, np.int64))
    assert order.dtype == np.int64
    assert order.tolist() == naive.sort_order(keys)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33, 1000])
def test_sort_order_of_every_size(size: int) -> None:
    dice = random.Random(size)
    for keys in (list(range(size)), list(range(size))[::-1], [dice.randrange(20) for _ in range(size)]):
        assert runs.sort_order(np.array(keys, np.int64)).tolist() == naive.sort_order(keys)


@given(st.lists(KEYS, unique=True, max_size=12).map(sorted), st.data())
def test_find(table, data) -> None:
    near = [number for key in table for number in (key, key - 1, key + 1) if -(2**63) <= number < 2**63]
    key = data.draw(st.sampled_from(near) | KEYS if near else KEYS)
    assert runs.find(np.array(table, np.int64), key) == naive.find(table, key)


CATEGORIES = (7, 0, 44, 119, 200, -1, -3, 2**62, -(2**62), 2**62 - 1)


@st.composite
def listings(draw) -> tuple[list[int], ...]:
    """The arguments of ``arrange``."""
    dice = strategies.Dice(draw)
    ids = draw(strategies.unique_ids(dice.below(8), strategies.MAX_ID))
    known = sorted(dice.shuffled(CATEGORIES)[: dice.pick((3, 4, 1, 0))])
    unknown = sorted(dice.shuffled(CATEGORIES)[: dice.pick((0, 0, 1, 2))])
    usual = (*known, *known, *unknown, *CATEGORIES)
    categories = [dice.pick(usual) for _ in ids]
    area = [dice.pick((naive.NO_AREA, 5, 0, -5, 2**53, -(2**53))) for _ in ids]
    return ids, categories, [dice.below(2) for _ in ids], area, known, dice.shuffled(range(len(known))), unknown


def arranged(*listing):
    dtypes = (np.int64, np.int64, np.uint8, np.int64, np.int64, np.int64, np.int64)
    return runs.arrange(*(np.array(column, dtype) for column, dtype in zip(listing, dtypes, strict=True)))


@settings(max_examples=300)
@given(listings())
def test_arrange(listing) -> None:
    *columns, lacking = arranged(*listing)
    assert [column.dtype for column in columns] == [np.int64, np.int64, np.uint8, np.int64, np.int64]
    assert (*plain(tuple(columns)), lacking) == naive.arrange(*listing)


@settings(max_examples=300)
@given(listings(), st.data())
def test_tabulate(listing, data) -> None:
    ids = data.draw(st.lists(st.sampled_from([0, 1, *listing[0]]), max_size=8))
    packed = naive.packed(range(1, len(ids) + 1), ids)
    dtypes = (np.int64, np.int64, np.uint8, np.int64, np.int64, np.int64, np.int64, np.uint64)
    columns = [np.array(column, dtype) for column, dtype in zip((*listing, packed), dtypes, strict=True)]
    assert plain(runs.tabulate(*columns)) == naive.tabulate(*listing, packed)


@st.composite
def lookups(draw) -> tuple[list[int], list[int]]:
    """The arguments of ``rows_of``: mostly ids of the table, often all of them, and near ones, as runs."""
    dice = strategies.Dice(draw)
    table = [0, *sorted(draw(strategies.unique_ids(dice.pick((3, 4, 6, 1, 0)), strategies.MAX_ID)))]
    ids = dice.shuffled(table) if dice.below(2) else []
    for _ in range(dice.below(6)):
        number = dice.pick(table)
        ids.append(
            dice.pick((number, number, (number + 1) % 2**32, number ^ 2**31, draw(strategies.segment_ids())))
        )
    return naive.packed([dice.pick((place + 1, 2**31 - 1)) for place in range(len(ids))], ids), table


def looked_up(ids, table):
    return runs.rows_of(np.array(ids, np.uint64), np.array(table, np.int64))


@settings(max_examples=300)
@given(lookups())
def test_rows_of(lookup) -> None:
    rows, lacking, ghosts = looked_up(*lookup)
    assert rows.dtype == np.uint64
    assert (rows.tolist(), lacking, ghosts) == naive.rows_of(*lookup)


@pytest.mark.parametrize("size", [1, 3, 4, 5, 8, 9, 300, 3000])
@pytest.mark.parametrize("step", [1, 2**8, 2**16, 2**20, 12345])
def test_rows_of_large_tables(size: int, step: int) -> None:
    table = [number for number in range(0, size * step, step) if number < 2**32]
    ids = [*table[::-1], *(number + 1 for number in table), 2**32 - 1]
    among = set(table)
    rows, lacking, ghosts = looked_up(naive.packed(range(len(ids)), ids), table)
    assert ghosts == 0
    assert lacking == sum(number not in among for number in ids)
    place = {number: row for row, number in enumerate(table)}
    assert rows.tolist()[:-1] == naive.packed(range(len(ids)), [place.get(number, len(table)) for number in ids])


# The hash table of a walk.


@st.composite
def key_lists(draw) -> tuple[int, list[int]]:
    """Slots of a table and fewer keys, many of which want the same slot."""
    dice = strategies.Dice(draw)
    capacity = dice.pick((8, 16, 4, 2, 64))
    step = dice.pick((1, capacity, 2**7, 2**17, 2**31, 2**40))
    keys = [dice.pick((0, 1, 2, 3, 2**62 // step - 5)) * step + dice.below(3) for _ in range(capacity - 1)]
    return capacity, list(dict.fromkeys(keys))


@given(key_lists())
def test_slot_of(key_list) -> None:
    capacity, wanted = key_list
    keys = np.full(capacity, -1, np.int64)
    taken = {}
    for key in wanted:
        slot = int(runs.slot_of(keys, key))
        assert slot in naive.slot_of(keys.tolist(), key)
        keys[slot] = key
        taken[key] = slot
    for key in wanted:
        assert [int(runs.slot_of(keys, key))] == naive.slot_of(keys.tolist(), key) == [taken[key]]


@given(key_lists(), st.sampled_from((1, 2, 8)))
def test_rehash(key_list, factor: int) -> None:
    capacity, wanted = key_list
    keys, sums = np.full(capacity, -1, np.int64), np.zeros(capacity, np.int64)
    for place, key in enumerate(wanted):
        slot = runs.slot_of(keys, key)
        keys[slot], sums[slot] = key, 10**15 + place
    before = keys.tolist(), sums.tolist()
    new_keys, new_sums = runs.rehash(keys, sums, capacity * factor)
    assert (new_keys.dtype, new_sums.dtype) == (np.int64, np.int64)
    held, rest = naive.rehash(*before, capacity * factor)
    assert sorted(zip(*plain((new_keys, new_sums)), strict=True)) == sorted([*held.items(), *rest])
    assert [int(new_sums[runs.slot_of(new_keys, key)]) for key in held] == list(held.values())


# From lines to shared pixels.

COUNTS = ((4, 5), (4, 2000), (2000, 4), (65, 64), (2**16, 2**16), (2**31 - 1, 2**31 - 1), (5, 2**31 - 1))


@st.composite
def walks(draw) -> tuple:
    """The arguments of ``run_overlap``, with row numbers up to what the largest maps can have."""
    dice = strategies.Dice(draw)
    height, width = dice.pick((3, 1, 2, 4, 9)), dice.pick((6, 1, 2, 24))
    sides = []
    for count in dice.pick(COUNTS):
        bottoms, begin, ends, rows = draw(strategies.line_maps(height, width, 4))
        offset = dice.pick((0, count - 4))
        sides += [bottoms, begin, naive.packed(ends, [row + offset for row in rows]), count]
    return tuple(sides)


def walked(*walk):
    return runs.run_overlap(*arrays_of(walk))


def arrays_of(walk) -> list:
    """The arguments as kernels take them, with an entry behind the runs."""
    kinds = ((np.uint32, []), (np.uint32, []), (np.uint64, [2**64 - 1]), None) * 2
    return [
        part if kind is None else np.array([*part, *kind[1]], kind[0])
        for part, kind in zip(walk, kinds, strict=True)
    ]


@given(walks())
def test_the_two_ways_to_sum(walk) -> None:
    *others, pred_count = arrays_of(walk)
    keys, sums, used = runs.hashed_sums(*others[:3], *others[4:], pred_count)
    held = {key: total for key, total in zip(keys.tolist(), sums.tolist(), strict=True) if key >= 0}
    assert held == naive.hashed_sums(*walk[:3], *walk[4:])
    assert used == len(held)
    if walk[3] * walk[7] < 10_000:
        assert runs.dense_sums(*others, pred_count).tolist() == naive.dense_sums(*walk)


@settings(max_examples=400)
@given(walks())
def test_run_overlap(walk) -> None:
    columns = walked(*walk)
    assert [column.dtype for column in columns] == [np.int64] * 3
    assert plain(columns) == naive.run_overlap(*walk)


@pytest.mark.parametrize("step", [1, 2, 64, 128, 2**17, 2**24])
def test_run_overlap_where_every_pixel_is_a_pair_of_its_own(step: int) -> None:
    # As many pairs as there can be, with keys that agree in their low bits.
    ends = list(range(1, 401))
    gt_rows = naive.packed(ends, [(37 * i) % 20 * step for i in range(400)])
    pred_rows = naive.packed(ends, [(37 * i) % 400 // 20 * step for i in range(400)])
    count = 20 * step
    walk = ([1], [0, 400], gt_rows, count, [1], [0, 400], pred_rows, count)
    twin = naive.run_overlap(*walk)
    assert len(twin[0]) == 400
    assert plain(walked(*walk)) == twin


@pytest.mark.parametrize("count", [40, 200, 2**10, 2**17, 2**31 - 1])
@pytest.mark.parametrize("seed", range(4))
def test_run_overlap_with_more_pairs_than_a_table_holds_at_first(seed: int, count: int) -> None:
    """No line needs a larger table than there is at first; all together do, so a filled table has to move."""
    dice = random.Random(seed)
    height, width = 60, 50

    def side() -> tuple:
        bottoms = sorted({*dice.sample(range(1, height), 45), height})
        begin, ends, rows = [0], [], []
        for _ in bottoms:
            ends += sorted({*dice.sample(range(1, width), dice.randint(1, width - 1)), width})
            begin.append(len(ends))
        rows += [dice.randrange(min(count, 40)) * (count // 40) for _ in ends]
        return bottoms, begin, naive.packed(ends, rows), count

    walk = (*side(), *side())
    twin = naive.run_overlap(*walk)
    assert len(twin[0]) > 512
    assert (count * count > 4096 + 2 * (len(walk[2]) + len(walk[6]) + 2)) == (count > 40)
    assert plain(walked(*walk)) == twin


@pytest.mark.parametrize("counts", [(4, 4), (2**31 - 1, 2**31 - 1)])
def test_run_overlap_of_the_largest_maps(counts) -> None:
    most = 2**31 - 1
    one, two = naive.packed([1], [3]), naive.packed([1, 1], [0, 1])
    tall = [most], [0, 1], one, counts[0], [7, most], [0, 1, 2], two, counts[1]
    assert plain(walked(*tall)) == ([3, 3], [0, 1], [7, most - 7])
    one, two = naive.packed([most], [3]), naive.packed([7, most], [0, 1])
    wide = [1], [0, 1], one, counts[0], [1], [0, 2], two, counts[1]
    assert plain(walked(*wide)) == ([3, 3], [0, 1], [7, most - 7])


def test_run_overlap_of_one_run_against_many() -> None:
    one, many = naive.packed([6], [1]), naive.packed([1, 2, 6], [0, 2, 0])
    assert plain(walked([1], [0, 1], one, 2, [1], [0, 3], many, 3)) == ([1, 1], [0, 2], [5, 1])


def test_run_overlap_of_one_line_against_many() -> None:
    one, many = naive.packed([2], [1]), naive.packed([2, 2, 2], [0, 2, 0])
    assert plain(walked([6], [0, 1], one, 2, [1, 2, 6], [0, 1, 2, 3], many, 3)) == ([1, 1], [0, 2], [10, 2])


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


@given(full_tables())
def test_sum_areas(table) -> None:
    areas = kernels.sum_areas(*arguments(table, SUM))
    assert areas.dtype == np.int64
    assert areas.tolist() == naive.sum_areas(*(table[name] for name in SUM))


@settings(max_examples=300)
@given(full_tables())
def test_settle(table) -> None:
    result = kernels.settle(*arguments(table, SETTLE))
    rows, _, charged, counted, *_ = result
    assert (rows.dtype, rows.shape[1], charged.dtype, counted.dtype) == (np.int64, 10, np.int64, np.int64)
    assert plain(result) == naive.settle(*(table[name] for name in SETTLE))


@settings(max_examples=10)
@given(full_tables())
def test_every_combination_of_rules(table) -> None:
    for rules in range(256):
        table["rules"] = rules
        assert plain(kernels.settle(*arguments(table, SETTLE))) == naive.settle(*(table[name] for name in SETTLE))


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
        "pred_crowd": [0, 0],
        "charged": [-1, 0],
        "crowd": [0, 0],
        "rules": 0,
        "smallest": 0,
    }
    assert inter / (2**61 + 1) == 0.5
    rows, _ = kernels.match_segments(*arguments(table, MATCH))
    assert rows[0, 3] == outcome


# The comparisons above are worth what their data are worth: each of these faults must show.


def first_crowd_counts(*arguments):
    category, crowd, position, classes, last_only = arguments
    return naive.excusing_crowds(category, crowd, [-place for place in position], classes, last_only)


def crowds_of_any_class_excuse(*arguments):
    return naive.crowd_pixels(*arguments[:-1], True)


def crowds_of_one_class_excuse(*arguments):
    return naive.crowd_pixels(*arguments[:-1], False)


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


def void_is_no_unknown(*arguments):
    *results, unknown = naive.settle(*arguments)
    return *results, unknown - sum(n for p, n in zip(*arguments[1:3], strict=True) if p == 0)


def crowds_of_two_classes_are_several(*arguments):
    *results, _, unknown = naive.settle(*arguments)
    crowds = [c for c, crowd in zip(arguments[4], arguments[5], strict=True) if crowd and c >= 0]
    return *results, len(crowds) > 1, unknown


def settle_with(place, change):
    def settle(*arguments):
        arguments = list(arguments)
        arguments[place] = change(arguments[place])
        return naive.settle(*arguments)

    return settle


def called_unknown_is_unknown(categories):
    return [naive.UNKNOWN_CATEGORY if c == naive.CALLED_UNKNOWN else c for c in categories]


def ghosts_differ(*arguments):
    *results, counted, _, several, unknown = naive.settle(*arguments)
    stated = arguments[7]
    first = [g for g in range(1, len(stated)) if stated[g] not in (naive.NO_AREA, counted[g])]
    return *results, counted, first[0] if first else -1, several, unknown


def sums_the_other_side(rows, inter, count):
    return naive.sum_areas([min(row + 1, count - 1) for row in rows], inter, count)


@pytest.mark.parametrize(
    ("kernel", "names", "faulty"),
    [
        ("excusing_crowds", EXCUSE, first_crowd_counts),
        ("crowd_pixels", CROWD, crowds_of_any_class_excuse),
        ("crowd_pixels", CROWD, crowds_of_one_class_excuse),
        ("charge_unknown", CHARGE, highest_id_pays),
        ("charge_unknown", CHARGE, crowds_pay),
        ("match_segments", MATCH, half_is_enough),
        ("match_segments", MATCH, unknown_keeps_its_pixels),
        ("match_segments", MATCH, one_match_per_gt),
        ("sum_areas", SUM, sums_the_other_side),
        ("settle", SETTLE, void_is_no_unknown),
        ("settle", SETTLE, crowds_of_two_classes_are_several),
        ("settle", SETTLE, ghosts_differ),
        ("settle", SETTLE, settle_with(9, called_unknown_is_unknown)),
        ("settle", SETTLE, settle_with(12, lambda _: naive.TAKES_NO_PART)),
        ("settle", SETTLE, settle_with(12, lambda _: naive.UNKNOWN_IS_WRONG)),
        ("settle", SETTLE, settle_with(13, lambda stated_areas: not stated_areas)),
        ("settle", SETTLE, settle_with(14, lambda last_only: not last_only)),
        *(("settle", SETTLE, settle_with(15, partial(operator.or_, 2**bit))) for bit in range(8)),
        *(("settle", SETTLE, settle_with(15, partial(operator.and_, 255 - 2**bit))) for bit in range(8)),
        ("settle", SETTLE, settle_with(16, lambda smallest: smallest + 1)),
        ("settle", SETTLE, settle_with(16, lambda smallest: max(smallest - 1, 0))),
    ],
)
def test_planted_faults_show(kernel: str, names: tuple[str, ...], faulty) -> None:
    def differs(table: dict) -> bool:
        result = getattr(kernels, kernel)(*arguments(table, names))
        return plain(result) != faulty(*(table[name] for name in names))

    assert found(full_tables(), differs)


def found(data: st.SearchStrategy, differs: Callable[[Any], bool]) -> Any:
    quick = settings(max_examples=5000, phases=[Phase.generate], derandomize=True, database=None)
    return find(data, differs, settings=quick)


def rewritten(flat, height, width, ending) -> list:
    """Make lines of rows that agree in what ``ending`` says of them."""
    bottoms, begin, packed, top = [], [0], [], 0
    for _, rows in groupby([flat[y * width : (y + 1) * width] for y in range(height)], ending):
        rows = list(rows)
        top += len(rows)
        bottoms.append(top)
        packed += naive.packed(*naive.dense_runs(rows[0]))
        begin.append(len(packed))
    return [bottoms, begin, packed]


def lines_without_ids(flat, height, width, highest):
    return rewritten(flat, height, width, lambda row: naive.dense_runs(row)[0])


def lines_without_ends(flat, height, width, highest):
    return rewritten(flat, height, width, lambda row: naive.dense_runs(row)[1])


def lines_of_as_many_runs(flat, height, width, highest):
    return rewritten(flat, height, width, lambda row: len(naive.dense_runs(row)[0]))


def a_line_per_row(flat, height, width, highest):
    rows = iter(range(height))
    return rewritten(flat, height, width, lambda row: next(rows))


def lines_without_the_last_pixel(flat, height, width, highest):
    return rewritten(flat, height, width, lambda row: row[:-1])


def lines_without_the_first_block(flat, height, width, highest):
    return rewritten(flat, height, width, lambda row: row[64:])


def no_change_between(places):
    """Runs that end at the multiples of 64, or one before or after them, go unseen."""

    def faulty(flat, height, width, highest):
        *columns, _ = naive.scan_lines(flat, height, width, highest)
        return None if any(run >> 32 != width and (run >> 32) % 64 in places for run in columns[2]) else columns

    return faulty


def unsound_only_in(chosen):
    def faulty(flat, height, width, highest):
        *columns, _ = naive.scan_lines(flat, height, width, highest)
        return (
            columns if all(flat[i] <= highest for i in range(len(flat)) if chosen(i, width, len(flat))) else None
        )

    return faulty


@pytest.mark.parametrize(
    "faulty",
    [
        lines_without_ids,
        lines_without_ends,
        lines_of_as_many_runs,
        a_line_per_row,
        lines_without_the_last_pixel,
        lines_without_the_first_block,
        no_change_between({63}),
        no_change_between({0}),
        no_change_between({1}),
        unsound_only_in(lambda i, width, size: i % width < width - 1),
        unsound_only_in(lambda i, width, size: i % width > 0),
        unsound_only_in(lambda i, width, size: i % width % 64 != 0),
        unsound_only_in(lambda i, width, size: i % width // 64 == 0),
        unsound_only_in(lambda i, width, size: i < size - 1),
    ],
)
def test_planted_faults_of_a_scan_show(faulty) -> None:
    def differs(arguments) -> bool:
        there, wrong = lines(scanned(*arguments)), faulty(*arguments[:4])
        # A fault of the lines shows only where there are some, and one of the range where there are none.
        return there != wrong and (there is not None or "unsound" in faulty.__qualname__)

    assert found(scans(), differs)


def lines_count_once(*walk):
    gt_bottoms, pred_bottoms = walk[0], walk[4]
    seams = sorted({*gt_bottoms, *pred_bottoms})
    flat = [[seams.index(bottom) + 1 for bottom in bottoms] for bottoms in (gt_bottoms, pred_bottoms)]
    return naive.run_overlap(flat[0], *walk[1:4], flat[1], *walk[5:])


def narrow_keys(*walk):
    gt, pred, pixels = naive.run_overlap(*walk)
    pairs = [(g * walk[7] + p) % 2**32 for g, p in zip(gt, pred, strict=True)]
    return [pair // walk[7] for pair in pairs], [pair % walk[7] for pair in pairs], pixels


def order_of_first_meeting(*walk):
    twin = list(zip(*naive.run_overlap(*walk), strict=True))
    gt = naive.dense_lines(*walk[:2], *naive.unpacked(walk[2]))
    pred = naive.dense_lines(*walk[4:6], *naive.unpacked(walk[6]))
    met = list(dict.fromkeys(zip(gt, pred, strict=True)))
    twin.sort(key=lambda row: met.index(row[:2]))
    return tuple(map(list, zip(*twin, strict=True)))


def void_pairs_are_left_out(*walk):
    kept = [row for row in zip(*naive.run_overlap(*walk), strict=True) if row[:2] != (0, 0)]
    return tuple(map(list, zip(*kept, strict=True))) or ([], [], [])


def position_after_sorting(*listing):
    ids, classes, crowd, _, *rest = naive.arrange(*listing)
    return ids, classes, crowd, [place - 1 for place in range(len(ids))], *rest


def known_beats_unknown(*listing):
    *columns, known, index, unknown = listing
    return naive.arrange(*columns, known, index, [number for number in unknown if number not in known])


def index_is_the_place(*listing):
    *columns, known, index, unknown = listing
    return naive.arrange(*columns, known, sorted(index), unknown)


def unknown_is_lacking(*listing):
    *columns, lacking = naive.arrange(*listing)
    return *columns, lacking + columns[1].count(naive.CALLED_UNKNOWN)


def every_id_lacks_once(runs, table):
    rows, _, ghosts = naive.rows_of(runs, table)
    return rows, len({run % 2**32 for run in runs} - set(table)), ghosts


def void_can_be_a_ghost(runs, table):
    rows, lacking, ghosts = naive.rows_of(runs, table)
    return rows, lacking, ghosts + all(run % 2**32 for run in runs)


def the_nearest_row(runs, table):
    _, lacking, ghosts = naive.rows_of(runs, table)
    ends, ids = naive.unpacked(runs)
    rows = naive.packed(ends, [sum(number > other for other in table) for number in ids])
    return [*rows, 0], lacking, ghosts


def ends_are_lost(runs, table):
    rows, lacking, ghosts = naive.rows_of(runs, table)
    return [row % 2**32 for row in rows], lacking, ghosts


@pytest.mark.parametrize(
    ("data", "compiled", "faulty"),
    [
        (walks, walked, lines_count_once),
        (walks, walked, narrow_keys),
        (walks, walked, order_of_first_meeting),
        (walks, walked, void_pairs_are_left_out),
        (listings, arranged, position_after_sorting),
        (listings, arranged, known_beats_unknown),
        (listings, arranged, index_is_the_place),
        (listings, arranged, unknown_is_lacking),
        (lookups, looked_up, every_id_lacks_once),
        (lookups, looked_up, void_can_be_a_ghost),
        (lookups, looked_up, the_nearest_row),
        (lookups, looked_up, ends_are_lost),
    ],
)
def test_planted_faults_of_tables_and_walks_show(data, compiled, faulty) -> None:
    assert found(data(), lambda drawn: plain(compiled(*drawn)) != faulty(*drawn))


# One version of each.


def versions(kernel: Any) -> set[str]:
    """The signatures of a kernel; where kernels call each other with literals, numba makes a version for each."""
    return {str(tuple(map(numba.types.unliteral, signature))) for signature in kernel.signatures}


ID_LISTS = st.lists(st.one_of(st.integers(0, 5), st.integers(0, 2**32 - 1), st.integers(0, 300)), min_size=1)


@given(ID_LISTS, st.integers(6, 9))
def test_slot_of_id(ids, bits) -> None:
    slots = np.full(2**bits, 2**64 - 1, np.uint64)
    for number in ids[: 2**bits - 1]:
        expected = naive.slot_of_id(slots.tolist(), number)
        at = renaming.slot_of_id(slots, np.uint64(number))
        assert at == expected
        slots[at] = number


@given(ID_LISTS, st.integers(1, 2**32 - 1))
def test_distinct_ids(ids, end) -> None:
    listed = [end * 2**32 + number for number in ids]
    assert sorted(renaming.distinct_ids(np.array(listed, np.uint64)).tolist()) == naive.distinct_ids(listed)


def test_many_distinct_ids() -> None:
    listed = [2**40 + 65536 * number for number in range(3000)]
    assert sorted(renaming.distinct_ids(np.array(listed, np.uint64)).tolist()) == naive.distinct_ids(listed)


@given(ID_LISTS, st.data())
def test_rename_runs(ids, data) -> None:
    listed = [(place + 1) * 2**32 + number for place, number in enumerate(ids)]
    old = data.draw(st.permutations(sorted(set(ids))))[data.draw(st.integers(0, 1)) * (len(set(ids)) > 1) :]
    new = data.draw(st.lists(st.integers(0, 2**32 - 1), min_size=len(old), max_size=len(old)))
    renamed, sound = renaming.rename_runs(
        np.array(listed, np.uint64), np.array(old, np.uint32), np.array(new, np.uint32)
    )
    assert (renamed.tolist(), sound) == naive.rename_runs(listed, old, new)


@pytest.mark.run_last
@pytest.mark.skipif(not COMPILED, reason="NUMBA_DISABLE_JIT is set")
def test_every_kernel_was_compiled_once(tmp_path) -> None:
    """One signature each after the whole suite: a second one means a dtype or layout that slipped by the gates."""
    import pqeval

    truth = np.array([[1, 1, 2, 2], [3, 3, 0, 2]])
    segments = [{"id": number, "category_id": 7, "iscrowd": number == 3} for number in (1, 2, 3)]
    categories = [{"id": 7, "name": "cat", "isthing": 1}]
    pqeval.panoptic_quality(gt=(truth, segments), pred=(truth, segments), categories=categories)
    several = dict(KERNELS)
    scanning = versions(several.pop("scan_lines"))
    assert {name: len(versions(value)) for name, value in several.items()} == dict.fromkeys(several, 1)
    pixels = [numba.types.Array(getattr(numba.types, dtype), 1, "C", readonly=True) for dtype in UNSIGNED]
    assert scanning <= {str((flat, *[numba.types.int64] * 3)) for flat in pixels}


@pytest.mark.run_last
@pytest.mark.skipif(not COMPILED, reason="NUMBA_DISABLE_JIT is set")
def test_every_kernel_of_pngs_was_compiled_once(tmp_path) -> None:
    from pqeval.formats._png import read_ids, write_ids

    sparse = np.zeros((100, 100), np.uint32)
    noise = np.random.default_rng(0).integers(0, 2**24, (100, 100), np.uint32)
    for pixels in (sparse, noise):
        write_ids(tmp_path / "map.png", pixels)
        # In a thread of its own: room that another test has left there may hold the noise as it is.
        with ThreadPoolExecutor(1) as pool:
            labels, _ = pool.submit(read_ids, tmp_path / "map.png", problems=[]).result()
        assert (labels.to_array() == pixels).all()
    called = {"decode_file": _png_decode.decode_file, "unfilter": _png_rows.unfilter}
    assert {name: len(versions(value)) for name, value in called.items()} == dict.fromkeys(called, 1)
    inner = kernels_of(_deflate) | kernels_of(_png_chunks) | kernels_of(_png_rows)
    assert {name: versions(value) for name, value in inner.items() if len(versions(value)) > 1} == {}
