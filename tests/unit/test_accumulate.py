"""The metric of a training loop: no image is lost, none counts twice, and an error changes nothing."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import random
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from datasets import TABLE

import pqeval
from pqeval.errors import DataError, MergeError, SeveralErrors, UsageError

ROWS = [{"id": 1, "category_id": 1}, {"id": 2, "category_id": 2}, {"id": 3, "category_id": 3}]


def side(number, shift=0):
    """Return one side of an image that is different for every number; shifted it is a prediction."""
    ids = np.zeros((8, 12), np.uint32)
    ids[:, :] = 3
    ids[1:4, 1 + shift : 5 + shift + number % 3] = 1
    ids[5:7, shift : 2 + number % 5 + shift] = 2
    return ids, ROWS


def filled(numbers, *, metric=None, **options):
    """Return a metric that has seen these images."""
    metric = pqeval.PanopticQuality(TABLE, **options) if metric is None else metric
    for number in numbers:
        metric.update(gt=side(number), pred=side(number, number % 2), image_id=number)
    return metric


def state(metric):
    """Return everything that a score depends on, as plain values."""
    frames = {
        key: (frame.image_id, frame.rank, frame.pixels, frame.unknown_pixels, frame.rows.tolist(), frame.warnings)
        for key, frame in metric.ledger.frames.items()
    }
    return metric.categories, metric.policy, metric.groups, frames


def counts(result):
    return {row.id: (row.tp, row.fp, row.fn) for row in result.per_class if row.pq is not None}


# Life cycle


def test_nothing_seen_is_nothing_scored():
    result = pqeval.PanopticQuality(TABLE).compute()
    assert (result.pq, result.images["evaluated"]) == (None, 0)


def test_compute_changes_nothing_and_reset_forgets():
    metric = filled(range(3))
    before = state(metric)
    first = metric.compute()
    assert (state(metric), metric.compute()) == (before, first)
    assert first.images == {"evaluated": 3, "missing": 0, "skipped": 0}
    metric.reset()
    assert state(metric) == state(pqeval.PanopticQuality(TABLE))
    assert filled(range(3), metric=metric).compute() == first


def test_its_representation_says_what_it_holds():
    assert (
        repr(filled(range(2), convention="panopticapi")) == "<PanopticQuality: 2 images, convention panopticapi>"
    )


def test_the_order_of_updates_does_not_matter():
    numbers = list(range(10))
    expected = filled(numbers).compute().to_json()
    random.Random(0).shuffle(numbers)
    assert filled(numbers).compute().to_json() == expected


def test_image_ids_of_any_type_in_one_metric():
    metric = pqeval.PanopticQuality(TABLE)
    for image_id in (7, "7", None, True, 0.5, "a", 2**70):
        metric.update(gt=side(0), pred=side(0), image_id=image_id)
    assert metric.compute().images["evaluated"] == 7
    metric.update(gt=side(0), pred=side(0), image_id=7.0)
    assert metric.compute().images["evaluated"] == 7


def test_options_are_checked_at_once():
    for options in ({"convention": "x"}, {"unknown": "x"}, {"groups": {"All": [1]}}, {"groups": {"mine": [99]}}):
        with pytest.raises(UsageError):
            pqeval.PanopticQuality(TABLE, **options)


def test_groups_and_unknown_categories_are_kept():
    metric = pqeval.PanopticQuality(TABLE, groups={"animals": [1, 2]}, unknown_categories=[77], unknown="void")
    gt = np.array([[1, 1, 2, 2]])
    metric.update(gt=(gt, ROWS[:2]), pred=(gt, [ROWS[0], {"id": 2, "category_id": 77}]), image_id=0)
    result = pickle.loads(pickle.dumps(metric)).compute()
    assert (result.groups["animals"].pq, result.groups["animals"].n) == (0.5, 2)
    assert counts(result) == {1: (1, 0, 0), 2: (0, 0, 1)}
    assert result.inputs == {"unknown": "void", "unknown_categories": [77], "groups": {"animals": [1, 2]}}


# Batches


def test_a_batch_is_its_images():
    category = np.array([[[1, 1, 3], [3, 3, 3]], [[1, 2, 2], [3, 3, 255]], [[3, 3, 3], [3, 3, 3]]])
    batch = np.stack([category, np.zeros_like(category)], axis=-1)
    guess = batch[:, ::-1].copy()
    together, apart = pqeval.PanopticQuality(TABLE), pqeval.PanopticQuality(TABLE)
    together.update(gt=batch, pred=guess, image_id=["a", "b", "c"])
    for place, image_id in enumerate("abc"):
        apart.update(gt=batch[place], pred=guess[place], image_id=image_id)
    assert state(together) == state(apart)
    assert together.compute() == apart.compute()


@pytest.mark.parametrize("image_id", [7, [7], [7, 8, 9], []])
def test_a_batch_needs_as_many_names_as_images(image_id):
    batch = np.ones((2, 4, 4, 2), int)
    metric = pqeval.PanopticQuality(TABLE)
    with pytest.raises(DataError) as caught:
        metric.update(gt=batch, pred=batch, image_id=image_id)
    assert caught.value.code == "batch-size"
    assert metric.compute().images["evaluated"] == 0


def test_an_image_twice_in_a_batch_counts_once_or_conflicts():
    batch = np.ones((2, 2, 2, 2), int)
    metric = pqeval.PanopticQuality(TABLE)
    metric.update(gt=batch, pred=batch, image_id=[7, 7])
    assert counts(metric.compute()) == {1: (1, 0, 0)}
    other = batch.copy()
    other[1, 0, 0] = 0
    before = state(metric)
    with pytest.raises(MergeError):
        metric.update(gt=batch, pred=other, image_id=[8, 8])
    assert state(metric) == before


# Repetition and conflict


def test_the_same_image_again_counts_once():
    metric = filled([1, 2, 3])
    before = state(metric)
    filled([2, 1], metric=metric)
    assert state(metric) == before


def test_another_count_for_the_same_image_is_refused_and_changes_nothing():
    metric = filled([1, 2, 3])
    before = state(metric)
    with pytest.raises(MergeError) as caught:
        metric.update(gt=side(2), pred=side(2, 1), image_id=2)
    assert (caught.value.code, caught.value.image_id) == ("merge-conflict", 2)
    assert state(metric) == before


# An error leaves the state as it was

WRONG_SIDES = {
    "an id without a row": lambda ids, rows: (ids + 1, rows),
    "a row without a pixel": lambda ids, rows: (ids, [*rows, {"id": 9, "category_id": 1}]),
    "a row without an id": lambda ids, rows: (ids, [*rows, {"category_id": 1}]),
    "a row with id 0": lambda ids, rows: (ids, [*rows, {"id": 0, "category_id": 1}]),
    "two categories for an id": lambda ids, rows: (ids, [*rows, rows[0] | {"category_id": 2}]),
    "an unknown category": lambda ids, rows: (ids, [rows[0] | {"category_id": 77}, *rows[1:]]),
    "another size": lambda ids, rows: (ids[:, :-1], rows),
    "another number of dimensions": lambda ids, rows: (ids.reshape(-1), rows),
    "no pixels": lambda ids, rows: (ids[:0], rows),
    "floats": lambda ids, rows: (ids.astype(float), rows),
    "negative ids": lambda ids, rows: (ids.astype(int) - 7, rows),
    "no list": lambda ids, rows: ids,
    "nothing": lambda ids, rows: None,
}


@pytest.mark.parametrize("place", [0, 2, 4], ids=["first", "middle", "last"])
@pytest.mark.parametrize("kind", WRONG_SIDES)
def test_a_wrong_prediction_in_a_loop_is_raised_and_changes_nothing(kind, place):
    metric = filled(range(place))
    before = state(metric)
    with pytest.raises(DataError) as caught:
        metric.update(gt=side(place), pred=WRONG_SIDES[kind](*side(place)), image_id=place)
    problems = getattr(caught.value, "errors", [caught.value])
    assert {problem.image_id for problem in problems} == {place}
    assert state(metric) == before
    filled(range(place, 5), metric=metric)
    assert state(metric) == state(filled(range(5)))


@pytest.mark.parametrize(
    "kind", [kind for kind in WRONG_SIDES if kind not in ("an id without a row", "a row without a pixel")]
)
def test_a_wrong_truth_is_raised_and_changes_nothing(kind):
    metric = filled(range(3))
    before = state(metric)
    with pytest.raises(DataError):
        metric.update(gt=WRONG_SIDES[kind](*side(3)), pred=side(3), image_id=3)
    assert state(metric) == before


def batch_of(count):
    ids = np.stack([side(number)[0] for number in range(count)]).astype(np.int64)
    return np.stack([ids, np.zeros_like(ids)], axis=-1)


WRONG_IMAGES = {
    "a category that the table lacks": (77, 0),
    "a negative category": (-3, 0),
    "a negative instance": (1, -1),
    "an instance that is too large": (1, 2**32),
}


@pytest.mark.parametrize("which", ["gt", "pred"])
@pytest.mark.parametrize("place", [0, 1, 2], ids=["first", "middle", "last"])
@pytest.mark.parametrize("kind", WRONG_IMAGES)
def test_a_wrong_image_in_a_batch_is_raised_and_changes_nothing(kind, place, which):
    metric = filled([90, 91])
    before = state(metric)
    sides = {"gt": batch_of(3), "pred": batch_of(3)}
    sides[which][place, 0, 0] = WRONG_IMAGES[kind]
    with pytest.raises(DataError) as caught:
        metric.update(**sides, image_id=["a", "b", "c"])
    if kind == "a category that the table lacks":
        assert caught.value.image_id == "abc"[place]
    assert state(metric) == before


@pytest.mark.parametrize("place", [0, 1, 2], ids=["first", "middle", "last"])
def test_a_conflict_in_a_batch_changes_nothing(place):
    metric = pqeval.PanopticQuality(TABLE)
    batch = batch_of(3)
    metric.update(gt=batch[place], pred=np.zeros_like(batch[place]), image_id="abc"[place])
    before = state(metric)
    with pytest.raises(MergeError) as caught:
        metric.update(gt=batch, pred=batch, image_id=["a", "b", "c"])
    assert caught.value.image_id == "abc"[place]
    assert state(metric) == before


def test_several_errors_of_an_image_come_together_and_name_it():
    ids, rows = side(0)
    metric = pqeval.PanopticQuality(TABLE)
    with pytest.raises(SeveralErrors) as caught:
        metric.update(gt=side(0), pred=(ids, [{"id": "1"}, {"id": 0, "category_id": 1}, *rows]), image_id="x")
    assert [error.code for error in caught.value.errors] == ["segment-id", "segment-id-void"]
    assert {error.image_id for error in caught.value.errors} == {"x"}


# Merging


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_any_split_and_any_order_of_merging_gives_the_same_bytes(parts):
    expected = filled(range(12)).compute().to_json()
    split = [filled(range(start, 12, parts)) for start in range(parts)]
    random.Random(parts).shuffle(split)
    total = pqeval.PanopticQuality(TABLE)
    for part in split:
        total.merge(part)
    assert total.compute().to_json() == expected


def test_a_merge_leaves_the_other_as_it_is():
    one, other = filled([1, 2]), filled([2, 3])
    before = state(other)
    one.merge(other)
    filled([4], metric=one)
    assert state(other) == before
    assert one.compute().images["evaluated"] == 4


def test_a_metric_merged_with_itself_is_itself():
    metric = filled([1, 2])
    before = state(metric)
    metric.merge(metric)
    assert state(metric) == before


@pytest.mark.parametrize("conflict", [0, 5, 9])
def test_a_merge_with_a_conflict_merges_nothing(conflict):
    one, other = pqeval.PanopticQuality(TABLE), filled(range(10))
    one.update(gt=side(conflict), pred=(np.zeros((8, 12), int), []), image_id=conflict)
    before = state(one), state(other)
    with pytest.raises(MergeError) as caught:
        one.merge(other)
    assert caught.value.image_id == conflict
    assert (state(one), state(other)) == before


@pytest.mark.parametrize(
    "other",
    [
        lambda: pqeval.PanopticQuality(TABLE, convention="panopticapi"),
        lambda: pqeval.PanopticQuality(TABLE, unknown="void"),
        lambda: pqeval.PanopticQuality(TABLE, unknown_categories=[3]),
        lambda: pqeval.PanopticQuality(TABLE, groups={"animals": [1, 2]}),
        lambda: pqeval.PanopticQuality(TABLE[:2]),
        lambda: pqeval.PanopticQuality(TABLE[::-1]),
    ],
    ids=["convention", "unknown", "unknown categories", "groups", "fewer categories", "another order"],
)
def test_metrics_of_other_settings_are_not_merged(other):
    metric = filled([1])
    before = state(metric)
    for one, two in ((metric, other()), (other(), metric)):
        with pytest.raises(MergeError) as caught:
            one.merge(two)
        assert caught.value.code == "merge-settings"
    assert state(metric) == before


# Pickles, processes, threads


@pytest.mark.parametrize("numbers", [[], [1, 2]], ids=["before any update", "after updates"])
def test_a_pickle_goes_on_where_it_was(numbers):
    metric = filled(numbers)
    again = pickle.loads(pickle.dumps(metric))
    assert again.compute() == metric.compute()
    assert state(filled([5, 6], metric=again)) == state(filled([5, 6], metric=metric))


def test_a_pickle_is_small_and_holds_no_pixels():
    big = np.ones((400, 500), np.uint8), ROWS[:1]
    metric = pqeval.PanopticQuality(TABLE)
    metric.update(gt=big, pred=big, image_id=0)
    assert len(pickle.dumps(metric)) < 4000


def work(metric, numbers):
    """Run in another process."""
    return filled(numbers, metric=metric)


@pytest.mark.parametrize(
    "method", [name for name in ("fork", "spawn") if name in multiprocessing.get_all_start_methods()]
)
def test_metrics_travel_between_processes(method):
    expected = filled(range(6)).compute()  # and the kernels have run here before the fork
    # pytest puts the folder of this file on the path; the new process is told by PYTHONPATH.
    folders = [os.path.dirname(__file__), os.path.dirname(os.path.dirname(__file__))]
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # from Python 3.12 on, where threads have run before
        patch.setenv("PYTHONPATH", os.pathsep.join([*folders, os.environ.get("PYTHONPATH", "")]))
        with multiprocessing.get_context(method).Pool(1 if method == "spawn" else 2) as pool:
            start = pqeval.PanopticQuality(TABLE)
            parts = pool.starmap(work, [(start, [0, 1, 2]), (filled([5]), [3, 4])])
    total = pqeval.PanopticQuality(TABLE)
    for part in parts:
        total.merge(part)
    assert total.compute() == expected


def test_threads_with_metrics_of_their_own_do_not_disturb_each_other():
    expected = filled(range(40)).compute().to_json()
    start = threading.Barrier(8)

    def run(first):
        start.wait()
        return filled(range(first, 40, 8))

    with ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(run, range(8)))
    total = pqeval.PanopticQuality(TABLE)
    for part in parts:
        total.merge(part)
    assert total.compute().to_json() == expected


def test_a_pool_after_a_fork_still_counts():
    # Numba's own thread layers hang here; pqeval uses none of them.
    filled(range(3))
    if not hasattr(os, "fork"):
        pytest.skip("there is no fork here")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        code = 1
        try:
            with ThreadPoolExecutor(2) as pool:
                parts = list(pool.map(lambda first: filled(range(first, 4, 2)), range(2)))
            parts[0].merge(parts[1])
            code = 0 if parts[0].compute().images["evaluated"] == 4 else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# One call


def test_one_call_scores_one_image_or_one_batch():
    single = pqeval.panoptic_quality(gt=side(1), pred=side(1, 1), categories=TABLE)
    assert single.images["evaluated"] == 1
    batch = batch_of(3)
    together = pqeval.panoptic_quality(gt=batch, pred=batch, categories=TABLE)
    assert (together.pq, together.images["evaluated"]) == (1.0, 3)


def test_equal_files_and_arrays_score_alike(tmp_path):
    frames = [(number, *side(number)) for number in range(4)]
    guesses = [(number, *side(number, number % 2)) for number in range(4)]
    pqeval.save_coco_panoptic(tmp_path / "gt.json", frames, TABLE)
    pqeval.save_coco_panoptic(tmp_path / "pred.json", guesses, TABLE)
    files = pqeval.evaluate(gt=tmp_path / "gt.json", pred=tmp_path / "pred.json", workers=2)
    arrays = filled(range(4)).compute()
    assert (files.groups, files.per_class, files.void) == (arrays.groups, arrays.per_class, arrays.void)
