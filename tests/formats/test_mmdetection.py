"""MMDetection: the folder of two versions, and category ids of the dataset or contiguous ones."""

from __future__ import annotations

import pytest
from datasets import image, save, says
from hypothesis import given, settings
from hypothesis import strategies as st
from pair_maps import codes, partition, problems, raised, sure
from triggers import Triggers, name_of

import pqeval
from pqeval.categories import Categories

FORMAT = "mmdetection"
CAT, SKY, TABLE_ID = 17, 187, 67
TABLE = [
    {"id": CAT, "name": "cat", "isthing": 1},
    {"id": TABLE_ID, "name": "dining table", "isthing": 1},
    {"id": SKY, "name": "sky", "isthing": 0},
]
CONTIGUOUS = {"ids": "contiguous"}

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def truth(folder):
    return save(folder / "gt.json", [image(139, [[1, 1, 1, 1, 2, 2]], {1: CAT, 2: SKY})], categories=TABLE)


def dumped(folder, categories=(CAT, SKY), *, maps="results.panoptic", rows=None, **other):
    """Write what the metric dumps; in memory an instance is instance * 1000 + label, which is kept as id."""
    ids = [[1000, 1000, 1000, 2, 2, 2]]
    listed = [
        {"id": 1000, "category_id": categories[0], "area": 3},
        {"id": 2, "category_id": categories[1], "area": 3},
    ]
    pred = image(139, ids, rows or listed, file_name="000000000139.png")
    return save(folder / "results.panoptic.json", [pred], categories=None, folder=folder / maps, **other)


@pytest.mark.parametrize("maps", ["results.panoptic", "panoptic"])
def test_both_versions_are_scored(tmp_path, maps):
    pred = dumped(tmp_path, maps=maps)
    done = pqeval.evaluate(gt=truth(tmp_path), pred=pred, pred_format=FORMAT)
    # Cat: 3 of 4. Sky: 2 in common, 3 predicted: 2 / 3.
    assert [row.pq for row in done.per_class] == [3 / 4, None, 2 / 3]


def test_contiguous_ids_are_places_of_the_table(tmp_path):
    pred = dumped(tmp_path, (0, 2))
    done = pqeval.evaluate(gt=truth(tmp_path), pred=pred, pred_format=FORMAT, pred_options=CONTIGUOUS)
    assert [row.pq for row in done.per_class] == [3 / 4, None, 2 / 3]
    rows = [{"id": 1000, "category_id": 0, "isthing": True}, {"id": 2, "category_id": 2, "isthing": False}]
    repeated = dumped(tmp_path, rows=[*rows, rows[0]])  # a list that is not ordinary is looked up as well
    done = pqeval.evaluate(gt=truth(tmp_path), pred=repeated, pred_format=FORMAT, pred_options=CONTIGUOUS)
    assert [row.pq for row in done.per_class] == [3 / 4, None, 2 / 3]


def test_the_table_of_coco_is_the_order_of_its_networks(tmp_path):
    table = Categories.builtin("coco")
    assert [table[place].id for place in (0, 79, 80, 132)] == [1, 90, 92, 200]
    gt = save(
        tmp_path / "gt.json", [image(139, [[1, 2]], {1: 90, 2: 92})], categories=[r.as_dict() for r in table]
    )
    rows = [{"id": 1, "category_id": 79}, {"id": 2, "category_id": 80}]
    pred = save(tmp_path / "p.panoptic.json", [image(139, [[1, 2]], rows)], categories=None)
    assert pqeval.evaluate(gt=gt, pred=pred, pred_format=FORMAT, pred_options=CONTIGUOUS).pq == 1


def test_the_name_tells_it(tmp_path):
    pred = dumped(tmp_path / "x" if (tmp_path / "x").mkdir() is None else tmp_path)
    assert (sure(pred, FORMAT), sure(tmp_path / "x", FORMAT)) == (2, 2)
    assert sure(truth(tmp_path), FORMAT) == 0
    pqeval.convert(pred, tmp_path / "out.json", role="pred", categories=TABLE)
    assert partition(tmp_path / "out.json", "coco") == partition(pred, FORMAT, role="pred", categories=TABLE)


@settings(max_examples=20)
@given(st.lists(st.sampled_from([0, 1, 2]), min_size=1, max_size=6))
def test_what_is_converted_is_the_same(tmp_path_factory, places):
    folder = tmp_path_factory.mktemp("there")
    ids = [[1000 * (number + 1) + place for number, place in enumerate(places)]]
    rows = [{"id": number, "category_id": number % 1000} for number in ids[0]]
    pred = save(folder / "r.panoptic.json", [image(7, ids, rows)], categories=None)
    pqeval.convert(pred, folder / "out.json", role="pred", options=CONTIGUOUS, categories=TABLE)
    expected = {number: (TABLE[place]["id"], False) for number, place in enumerate(places)}
    assert partition(folder / "out.json", "coco") == {7: ([list(range(len(places)))], expected)}


def test_a_stuff_class_with_label_0_is_void_in_its_png(tmp_path):
    # value = instance * 1000 + label is 0 for stuff with label 0: nothing can tell it from void.
    rows = [{"id": 0, "category_id": 0}, {"id": 1001, "category_id": 1}]
    pred = save(tmp_path / "r.panoptic.json", [image(139, [[0, 0, 0, 0, 1001, 1001]], rows)], categories=None)
    found = problems(gt=truth(tmp_path), pred=pred, pred_format=FORMAT, pred_options=CONTIGUOUS)
    assert codes(found) == ["segment-id-void"]


@trigger
def ids_that_are_contiguous(folder):
    pred = dumped(folder, (0, 2))
    says(
        problems(gt=truth(folder), pred=pred, pred_format=FORMAT)[0],
        """
        DIR/results.panoptic.json: the category ids are 0 to 2, and 0 is not in the category table
          expected: ids of the category table
          do: if they are contiguous, say --pred-option ids=contiguous
        """,
        folder=folder,
    )


def test_unknown_ids_of_the_dataset_are_not_taken_for_contiguous(tmp_path):
    pred = dumped(tmp_path, (CAT, 92))
    assert codes(problems(gt=truth(tmp_path), pred=pred, pred_format=FORMAT)) == ["pred-category-unknown"]


@trigger
def ids_beyond_the_table(folder):
    plain, repeated = dumped(folder, (0, SKY)), folder / "again" / "results.panoptic.json"
    repeated.parent.mkdir()
    rows = [{"id": 1000, "category_id": -1}, {"id": 1000, "category_id": -1}, {"id": 2, "category_id": 2}]
    dumped(repeated.parent, rows=rows)
    options = {"pred_format": FORMAT, "pred_options": CONTIGUOUS}
    says(
        [raised(pqeval.evaluate, gt=truth(folder), pred=pred, **options) for pred in (plain, repeated)],
        """
        DIR/results.panoptic.json: the contiguous category id 187
          expected: ids from 0 to 2, the places in the category table
          do: check the table; if these are ids of the dataset, leave out ids=contiguous
        DIR/again/results.panoptic.json: the contiguous category id -1
          expected: ids from 0 to 2, the places in the category table
          do: check the table; if these are ids of the dataset, leave out ids=contiguous
        """,
        folder=folder,
    )


@trigger
def contiguous_ids_without_a_table(folder):
    pred = dumped(folder, (0, 2))
    says(
        raised(pqeval.convert, pred, folder / "out.json", role="pred", options=CONTIGUOUS),
        """
        pred option ids=contiguous, and no category table whose places they are
          expected: a table in the order of the classes that the network was trained with
          do: give one with --categories FILE (categories=), for example coco
        """,
        folder=folder,
    )


def test_without_its_folder_it_says_where_that_is_expected(tmp_path):
    pred = dumped(tmp_path, maps="elsewhere")
    error = raised(pqeval.evaluate, gt=truth(tmp_path), pred=pred, pred_format=FORMAT)
    assert (error.code, error.expected) == ("folder-missing", "a folder named as the JSON without .json")
