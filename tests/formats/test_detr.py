"""DETR: segment ids that begin with 0, which means void everywhere else."""

from __future__ import annotations

import numpy as np
import pytest
from datasets import TABLE, image, save, says
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pair_maps import codes, partition, problems, raised, segments, sure
from triggers import Triggers, name_of

import pqeval

FORMAT = "detr"
CAT, DOG, SKY = 1, 2, 3
SHIFT = {"zero": "shift"}

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def truth(folder, *numbers):
    maps = [image(number, [[1, 1, 1, 1, 2, 2]], {1: CAT, 2: SKY}) for number in numbers or (139,)]
    return save(folder / "gt.json", maps)


def dumped(folder, images, *, maps="."):
    """Write a JSON beside its PNGs, as the evaluator does."""
    folder.mkdir(parents=True, exist_ok=True)
    return save(folder / "predictions.json", images, categories=None, folder=folder / maps)


FROM_ZERO = image(139, [[0, 0, 0, 1, 1, 1]], {0: CAT, 1: SKY})


@pytest.mark.parametrize("maps", [".", "panoptic", "predictions"])
def test_shifted_ids_are_scored(tmp_path, maps):
    pred = dumped(tmp_path / "eval", [FROM_ZERO], maps=maps)
    for place in (pred, tmp_path / "eval"):
        done = pqeval.evaluate(gt=truth(tmp_path), pred=place, pred_format=FORMAT, pred_options=SHIFT)
        # Cat: 3 of 4. Sky: 2 in common, 3 predicted: 2 / 3.
        assert [row.pq for row in done.per_class] == [3 / 4, None, 2 / 3]


def test_maps_lie_where_the_user_says(tmp_path):
    pred = dumped(tmp_path / "eval", [FROM_ZERO], maps="../maps")
    options = {"pred_format": FORMAT, "pred_options": SHIFT, "pred_folder": tmp_path / "maps"}
    assert pqeval.evaluate(gt=truth(tmp_path), pred=pred, **options).per_class[0].pq == 3 / 4


def test_map_and_list_move_together(tmp_path):
    pred = dumped(tmp_path, [FROM_ZERO])
    ids, rows = segments(pred, FORMAT, role="pred", options=SHIFT, categories=TABLE)[139]
    assert ids.tolist() == [[1, 1, 1, 2, 2, 2]]
    assert {number: row.category_id for number, row in rows.items()} == {1: CAT, 2: SKY}


@pytest.mark.parametrize("zero", ["refuse", "shift"])
@pytest.mark.parametrize("again", [False, True], ids=["", "with an id listed twice"])
def test_an_image_that_does_not_list_0_stays_as_it_is(tmp_path, zero, again):
    rows = [{"id": 7, "category_id": CAT}, {"id": 9, "category_id": SKY}]
    from_one = image(140, [[0, 0, 7, 7, 9, 9]], [*rows, *rows[:1]] if again else rows)
    images = [FROM_ZERO, from_one] if zero == "shift" else [from_one]
    pred = dumped(tmp_path, images)
    ids, _ = segments(pred, FORMAT, role="pred", options={"zero": zero}, categories=TABLE)[140]
    assert ids.tolist() == [[0, 0, 7, 7, 9, 9]]


def test_it_can_be_read_as_nothing_else(tmp_path):
    pred = dumped(tmp_path, [FROM_ZERO])
    assert sure(pred, FORMAT) == 0
    # As plain COCO panoptic, and without the option, the first segment would be void.
    gt = truth(tmp_path)
    assert codes(problems(gt=gt, pred=pred, pred_folder=tmp_path)) == ["segment-id-void"]
    assert raised(pqeval.evaluate, gt=gt, pred=pred, pred_format=FORMAT).code == "segment-id-void"


@settings(max_examples=20)
@given(arrays.arrays(np.int64, st.tuples(st.integers(1, 4), st.integers(1, 5)), elements=st.integers(0, 3)))
def test_what_is_converted_is_the_same(tmp_path_factory, ids):
    folder = tmp_path_factory.mktemp("there")
    present = np.unique(ids).tolist()
    pred = dumped(folder, [image(7, ids.tolist(), {number: number % 3 + 1 for number in present})])
    pqeval.convert(pred, folder / "out.json", format=FORMAT, role="pred", options=SHIFT, categories=TABLE)
    first = {number: int(np.flatnonzero(ids == number)[0]) for number in present}
    names = np.vectorize(first.__getitem__)(ids).tolist()
    void = -1 if 0 not in present else None
    assert void is None or all(void not in row for row in names)
    expected = {first[number]: (number % 3 + 1, False) for number in present}
    assert partition(folder / "out.json", "coco") == {7: (names, expected)}


@trigger
def an_id_0(folder):
    pred = dumped(folder, [image(139, [[1, 1, 1, 0, 0, 0]], {1: CAT, 0: SKY})])
    says(
        problems(gt=truth(folder), pred=pred, pred_format=FORMAT),
        """
        DIR/predictions.json (image 139): segments_info[1].id is 0, which means void
          expected: ids from 1
          do: if ids begin with 0, as those of DETR do, add 1 to all of them with --pred-option zero=shift; then no
              pixel is void
        """,
        folder=folder,
    )


def test_all_images_are_named(tmp_path):
    pred = dumped(tmp_path, [FROM_ZERO, FROM_ZERO | {"image_id": 140}])
    found = problems(gt=truth(tmp_path, 139, 140), pred=pred, pred_format=FORMAT)
    assert [(problem.code, problem.image_id, problem.segment_id) for problem in found] == [
        ("segment-id-void", 139, 0),
        ("segment-id-void", 140, 0),
    ]


def test_what_is_wrong_beside_id_0_is_still_found(tmp_path):
    rows = [{"id": 0, "category_id": CAT}, {"id": "1", "category_id": SKY}, {"id": True, "category_id": DOG}]
    pred = dumped(tmp_path, [image(139, [[0, 0, 0, 1, 1, 1]], rows)])
    found = problems(gt=truth(tmp_path), pred=pred, pred_format=FORMAT, pred_options=SHIFT)
    assert codes(found) == ["segment-id", "segment-id"]


def test_another_word_is_refused(tmp_path):
    pred = dumped(tmp_path, [FROM_ZERO])
    error = raised(
        pqeval.evaluate, gt=truth(tmp_path), pred=pred, pred_format=FORMAT, pred_options={"zero": "void"}
    )
    assert (error.code, error.expected) == ("option-value", "one of: refuse, shift")
