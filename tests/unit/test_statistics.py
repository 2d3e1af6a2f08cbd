"""Units, resamples, intervals and tests of differences against slow twins, scipy, and simulations."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path

import naive_statistics as naive
import numpy as np
import pytest
import scipy.stats
from datasets import says
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_runs import data, run_of
from triggers import Triggers, name_of

from pqeval.errors import UsageError
from pqeval.statistics import resampling as room
from pqeval.statistics.intervals import interval
from pqeval.statistics.resampling import Resampling, bootstrap, draws, jackknife, swaps
from pqeval.statistics.testing import bootstrap_p, holm, least_swap_p, swap_p
from pqeval.statistics.units import Units, aligned, units_of
from pqeval.void import CONVENTIONS

SCENES = Path(__file__).parents[1] / "data" / "scenes"
NETWORKS = ("upsnet", "panoptic_fpn", "panoptic_deeplab", "panoptic_fcn")
CLOSE = {"rtol": 0, "atol": 1e-12}


def scene_run(name, **options):
    from pqeval.evaluation import run
    from pqeval.inputs import Inputs

    return run(Inputs(gt=SCENES / "truth.json", pred=SCENES / f"{name}.json"), workers=1, **options)


def expected(run):
    """The scores of a result in the order of units, NaN where there is none."""
    groups, classes = run.result.groups, {str(row.id): row for row in run.result.per_class}
    values = []
    for kind, name, measure in units_of(run).names:
        value = getattr(groups[name] if kind == "group" else classes[name], measure)
        values.append(np.nan if value is None else value)
    return np.array(values)


def observed(units, **options):
    return units.scores(units.rows.sum(axis=0)[None], **options)[0]


# What is drawn, and its scores.


@pytest.mark.parametrize("rule", CONVENTIONS)
def test_all_units_together_have_the_scores_of_the_result(rule):
    for name in NETWORKS:
        run = scene_run(name, convention=rule, groups={"Round": [1], "Some": [2, 7]})
        units = units_of(run)
        np.testing.assert_allclose(observed(units), expected(run), **CLOSE)
        np.testing.assert_allclose(observed(units, fixed_classes=True), expected(run), **CLOSE)


@pytest.mark.parametrize("rule", CONVENTIONS)
@given(images=data(), cuts=st.lists(st.integers(0, 2), min_size=7, max_size=7))
@settings(max_examples=25)
def test_that_holds_for_lacking_classes_and_for_strata(rule, images, cuts):
    run = run_of(images, rule=rule, groups={"Own": (10, 20), "None": (30,)}, strata=[f"s{cut}" for cut in cuts])
    np.testing.assert_allclose(observed(units_of(run)), expected(run), **CLOSE)


@given(images=data())
@settings(max_examples=30)
def test_no_sum_of_units_is_rounded(images):
    rows = units_of(run_of(images, rule="conic")).rows
    places = np.random.default_rng(0).integers(0, len(rows), (20, len(rows)))
    for drawn in places:
        exact = [math.fsum(column) for column in rows[drawn].T.tolist()]
        assert rows[drawn].sum(axis=0).tolist() == exact
        assert (np.bincount(drawn, minlength=len(rows)).astype(float) @ rows).tolist() == exact


def test_differences_between_aligned_units_are_exact_too():
    ones, twos = (units_of(scene_run(name, convention="hovernet")) for name in NETWORKS[:2])
    one, two = aligned([ones, twos])
    change = two.rows - one.rows
    moved = one.rows.sum(axis=0) + (np.ones(len(one)) @ change)
    assert (moved == two.rows.sum(axis=0)).all()


@given(images=data(), seed=st.integers(0, 5), fixed=st.booleans())
@settings(max_examples=40)
def test_the_whole_bootstrap_is_that_of_the_twin(images, seed, fixed):
    units = units_of(run_of(images))
    drawn = np.random.Generator(np.random.PCG64(seed)).integers(0, len(images), size=(50, len(images)))
    (found,) = bootstrap([units], Resampling(resamples=100, seed=seed, fixed_classes=fixed), drawn=[drawn])
    kept = [
        name
        for name in range(3)
        if any(ious or fp or fn for image in images for key, (ious, fp, fn) in image.items() if key == name)
    ]
    score = (lambda some: naive.pq_fixed(some, kept)) if fixed else naive.pq
    for members, column in ((None, 0), ({0, 2}, 3), ({1}, 6)):
        if fixed and members is not None:
            continue
        twin = naive.bootstrap(
            images, drawn.tolist(), score if members is None else lambda some, m=members: naive.pq(some, m)
        )
        told = [np.nan if value is None else float(value) for value in twin]
        np.testing.assert_allclose(found[:, column], told, **CLOSE)


# Drawing.


@pytest.mark.parametrize("cells", [1, 30, 2**21])
def test_blocks_have_the_stream_of_one_call(monkeypatch, cells):
    monkeypatch.setattr(room, "CELLS", cells)
    drawn = np.concatenate(list(draws(7, 131, seed=3)))
    assert (drawn == np.random.Generator(np.random.PCG64(3)).integers(0, 7, size=(131, 7))).all()


def test_blocks_change_no_bit(monkeypatch):
    units = aligned([units_of(scene_run(name)) for name in NETWORKS[:2]])
    how = Resampling(resamples=300)
    whole = [*bootstrap(units, how), swaps(*units, how)[0], jackknife(units[0])]
    monkeypatch.setattr(room, "CELLS", 100)
    for before, after in zip(
        whole, [*bootstrap(units, how), swaps(*units, how)[0], jackknife(units[0])], strict=True
    ):
        np.testing.assert_array_equal(before, after)


def test_clusters_are_drawn_as_units_of_their_sums():
    units = units_of(scene_run("upsnet"))
    labels = [f"{place % 5}" for place in range(len(units))]
    joined = units.clustered("city", labels)
    assert (joined.unit, len(joined)) == ("city", 5)
    summed = np.stack([units.rows[place::5].sum(axis=0) for place in range(5)])
    np.testing.assert_array_equal(joined.rows, summed)
    how = Resampling(resamples=200)
    np.testing.assert_array_equal(bootstrap([joined], how)[0], bootstrap([replace(units, rows=summed)], how)[0])


def test_leaving_one_out_is_what_it_says():
    units = units_of(scene_run("upsnet"))
    left_out = jackknife(units)
    for place in range(len(units)):
        rest = np.delete(units.rows, place, axis=0).sum(axis=0)
        np.testing.assert_array_equal(left_out[place], units.scores(rest[None])[0])


# Intervals.


def of_scipy(units, column, how):
    """Have scipy make the bootstrap of one score, drawing places of units."""

    def statistic(places, axis=-1):
        places = np.moveaxis(np.asarray(places), axis, -1)
        flat = places.reshape(-1, places.shape[-1]).astype(int)
        sums = np.stack([units.rows[each].sum(axis=0) for each in flat])
        return units.scores(sums)[:, column].reshape(places.shape[:-1])

    options = {"n_resamples": how.resamples, "confidence_level": how.level, "vectorized": True}
    generator = np.random.Generator(np.random.PCG64(how.seed))
    name = "rng" if tuple(map(int, scipy.__version__.split(".")[:2])) >= (1, 15) else "random_state"
    method = {"bca": "BCa"}.get(how.method, how.method)
    return scipy.stats.bootstrap(
        (np.arange(len(units)),), statistic, method=method, **options, **{name: generator}
    )


@pytest.mark.parametrize("method", ["percentile", "basic", "bca"])
@pytest.mark.parametrize(("name", "level"), [("upsnet", 0.95), ("panoptic_fcn", 0.8)])
def test_intervals_are_those_of_scipy(method, name, level):
    units = units_of(scene_run(name))
    how = Resampling(method, level=level, resamples=999, seed=5)
    (replicates,) = bootstrap([units], how)
    for column in range(9):
        if replicates[:, column].min() == replicates[:, column].max():
            continue  # scipy divides by zero then
        theirs = of_scipy(units, column, how)
        np.testing.assert_array_equal(replicates[:, column], theirs.bootstrap_distribution)
        ours = interval(
            observed(units)[column],
            replicates[:, column],
            level=level,
            method=method,
            left_out=jackknife(units)[:, column],
        )
        ends = theirs.confidence_interval
        np.testing.assert_allclose([ours.low, ours.high], [ends.low, ends.high], rtol=0, atol=1e-9)
        assert ours.se == pytest.approx(theirs.standard_error, abs=1e-12)


@given(values=st.lists(st.floats(0, 1), min_size=2, max_size=40), level=st.sampled_from([0.5, 0.9, 0.95]))
def test_percentiles_are_linear_quantiles(values, level):
    tail = (1 - level) / 2
    ours = interval(values[0], np.array(values), level=level, method="percentile")
    assert ours.low == pytest.approx(naive.quantile(values, tail), abs=1e-12)
    assert ours.high == pytest.approx(naive.quantile(values, 1 - tail), abs=1e-12)


def test_replicates_without_the_score_are_dropped_and_counted():
    some = np.array([np.nan, 0.25, np.nan, 0.75, 0.5])
    told = interval(0.5, some, level=0.5, method="percentile")
    assert (told.low, told.high, told.se, told.dropped) == (0.375, 0.625, 0.25, 2)


@pytest.mark.parametrize("method", ["percentile", "basic", "bca"])
@pytest.mark.parametrize("value", [0.0, 0.1, 0.3, 1.0])
def test_equal_replicates_make_a_point(method, value):
    told = interval(value, np.full(100, value), method=method, left_out=np.full(7, value))
    assert told.low == pytest.approx(value, abs=1e-15)
    assert told.high == pytest.approx(value, abs=1e-15)
    assert (told.se, told.dropped) == (0.0, 0)


@pytest.mark.parametrize("method", ["percentile", "basic", "bca"])
@pytest.mark.parametrize(
    ("score", "replicates"), [(0.5, [np.nan] * 9), (0.5, [0.5, np.nan]), (np.nan, [0.5, 0.6])]
)
def test_where_nothing_is_known_there_is_no_interval(method, score, replicates):
    told = interval(score, np.array(replicates), method=method, left_out=np.array([np.nan]))
    assert (told.low, told.high, told.se) == (None, None, None)
    assert told.dropped == np.isnan(replicates).sum()


def test_a_score_outside_of_its_replicates_has_a_bca_interval_all_the_same():
    told = interval(0.9, np.linspace(0, 0.5, 100), method="bca", left_out=np.linspace(0.8, 0.9, 30))
    assert told.low is not None
    assert 0 <= told.low <= told.high <= 0.5


def test_bca_beyond_its_pole_ends_where_the_replicates_do():
    skewed = np.array([0.0] * 40 + [-1.0])
    told = interval(0.5, np.linspace(0, 1, 101), method="bca", level=0.9999999, left_out=skewed)
    assert 0 <= told.low <= told.high <= 1


@pytest.mark.parametrize("method", ["percentile", "basic", "bca"])
def test_intervals_cover_the_truth_as_often_as_they_say(method):
    """Images with a Poisson number of segments, two classes; the PQ of the population is known."""
    random = np.random.default_rng(11)
    images, datasets, rate, recall, quality = 100, 500, (4.0, 1.5), (0.8, 0.5), (0.9, 0.7)
    truth = np.mean([r * q for r, q in zip(recall, quality, strict=True)])

    def score(sums, kept):
        return (sums[:, :2] / sums[:, 2:]).mean(axis=1, keepdims=True)

    held = 0
    for number in range(datasets):
        segments = random.poisson(rate, (images, 2))
        found = random.binomial(segments, recall)
        iou = found * quality + random.normal(0, 0.05, (images, 2)) * np.sqrt(found)
        # As many FPs as FNs, so that TP + FP/2 + FN/2 is the number of segments.
        units = Units(np.concatenate([iou, segments], axis=1).astype(float), (), score, np.zeros(0, bool))
        (replicates,) = bootstrap([units], Resampling(resamples=400, seed=number))
        left_out = jackknife(units)[:, 0] if method == "bca" else None
        told = interval(observed(units)[0], replicates[:, 0], method=method, left_out=left_out)
        held += told.low <= truth <= told.high
    assert 0.92 <= held / datasets <= 0.98


# Tests of differences.


@given(pair=st.integers(2, 6).flatmap(lambda n: st.tuples(data(n, n), data(n, n))))
@settings(max_examples=40)
def test_all_exchanges_are_those_of_the_twin(pair):
    ones, twos = pair
    one, two = aligned([units_of(run_of(images)) for images in pair])
    found, exact = swaps(one, two, Resampling(resamples=100))
    assert exact
    assert len(found) == 2 ** len(ones)
    apart = observed(two)[0] - observed(one)[0]
    # A side that lost all it counts has no score; the twin knows no such thing.
    sides = itertools.chain.from_iterable(
        ([a if flip else b for a, b, flip in zip(ones, twos, flips, strict=True)],)
        for flips in itertools.product((0, 1), repeat=len(ones))
    )
    if all(naive.pq(side) is not None for side in sides):
        assert swap_p(found[:, 0], apart, exact) == naive.swap_p(ones, twos)


def test_exchanges_are_those_of_scipy():
    runs = [scene_run(name) for name in ("upsnet", "panoptic_deeplab")]
    one, two = aligned([units_of(run) for run in runs])
    one, two = (replace(units, rows=units.rows[:9]) for units in (one, two))
    both = np.concatenate([one.rows, two.rows])

    def statistic(first, second):
        sums = np.stack([both[first.astype(int)].sum(axis=0), both[second.astype(int)].sum(axis=0)])
        return abs(float(np.subtract(*one.scores(sums)[:, 0])))

    theirs = scipy.stats.permutation_test(
        (np.arange(9), np.arange(9) + 9),
        statistic,
        permutation_type="samples",
        alternative="greater",
        vectorized=False,
        n_resamples=np.inf,
    )
    found, exact = swaps(one, two, Resampling(resamples=512))
    assert exact
    assert swap_p(found[:, 0], observed(two)[0] - observed(one)[0], exact) == pytest.approx(
        theirs.pvalue, abs=1e-12
    )


def test_random_exchanges_come_near_all_of_them():
    one, two = aligned([units_of(scene_run(name)) for name in ("upsnet", "panoptic_fpn")])
    one, two = (replace(units, rows=units.rows[:12]) for units in (one, two))
    apart = observed(two)[0] - observed(one)[0]
    every, exact = swaps(one, two, Resampling(resamples=4096))
    some, partly = swaps(one, two, Resampling(resamples=4095))
    assert (exact, partly) == (True, False)
    assert swap_p(some[:, 0], apart, partly) == pytest.approx(swap_p(every[:, 0], apart, exact), abs=0.03)


def test_a_random_test_counts_the_data_among_the_exchanges():
    assert swap_p(np.array([0.1, -0.3, 0.2]), 0.2, exact=False) == 3 / 4
    assert swap_p(np.array([0.1, -0.3, 0.2, np.nan]), 0.2, exact=True) == 2 / 3
    assert swap_p(np.array([0.1]), math.nan, exact=False) is None


@pytest.mark.parametrize("count", [1, 2, 5, 8])
def test_the_smallest_p_is_that_of_two_that_differ_in_every_unit(count):
    one, two = (run_of([image] * count) for image in ({0: ([], 0, 1)}, {0: ([1.0], 0, 0)}))
    for resampling in (Resampling(), Resampling(resamples=100)):
        sides = aligned([units_of(one), units_of(two)])
        found, exact = swaps(*sides, resampling)
        assert exact == (2**count <= resampling.resamples)
        reached = swap_p(found[:, 0], 1.0, exact)
        least = least_swap_p(count, resampling.resamples, exact)
        assert reached == least if exact else least <= reached
    assert least_swap_p(40, 100, exact=False) == swap_p(np.zeros(100), 1.0, exact=False)


@given(st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=30))
def test_the_p_value_of_the_bootstrap_is_that_of_the_twin(differences):
    assert bootstrap_p(np.array([*differences, np.nan])) == pytest.approx(naive.bootstrap_p(differences))


def test_without_differences_there_is_no_p_value():
    assert bootstrap_p(np.array([np.nan])) is None


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([None, 0.9, 0.8, None]) == [None, 1.0, 1.0, None]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_is_that_of_the_twin(p_values):
    assert holm(p_values) == pytest.approx(naive.holm(p_values))


# What cannot be asked for.

trigger = Triggers()


def refused(text, **settings):
    with pytest.raises(UsageError) as caught:
        Resampling(**settings)
    assert caught.value.code == "resampling"
    says(caught.value, text)


@trigger
def method(folder):
    refused(
        """
        the method is 'normal'
          expected: one of: percentile, basic, bca
          do: leave it out for the default
        """,
        method="normal",
    )


@trigger
def level(folder):
    for wrong in (95, 0, 1.0, math.nan, "0.95"):
        refused(
            f"""
            the level is {wrong!r}
              expected: a number between 0 and 1, such as 0.95
              do: leave it out for the default
            """,
            level=wrong,
        )


@trigger
def resamples(folder):
    for wrong in (99, 1e4, True):
        refused(
            f"""
            the number of resamples is {wrong!r}
              expected: 100 or more
              do: leave it out for the default
            """,
            resamples=wrong,
        )


@trigger
def seed(folder):
    refused(
        """
        the seed is -1
          expected: a whole number, 0 or more
          do: leave it out for the default
        """,
        seed=-1,
    )


@pytest.mark.parametrize("refusal", trigger, ids=name_of)
def test_what_is_refused(refusal, tmp_path):
    refusal(tmp_path)
