"""What users of other evaluators reported, as small inputs with the right answer.

Each test names the report; the wrong number that somebody was given stands in its docstring. Of the ten reports,
the last two concern sequences of frames, which pqeval does not score yet.
"""

from __future__ import annotations

import numpy as np
import pytest
from datasets import image, png, save

import pqeval
from pqeval.errors import SegmentError

A, B, STUFF = 1, 2, 3
TABLE = [
    {"id": A, "name": "a", "isthing": 1},
    {"id": B, "name": "b", "isthing": 1},
    {"id": STUFF, "name": "stuff", "isthing": 0},
]


def segment(number, category, **other):
    return {"id": number, "category_id": category} | other


def score(gt, pred, *, table=TABLE, **options):
    return pqeval.panoptic_quality(gt=gt, pred=pred, categories=table, **options)


def counts(result):
    return {row.id: (row.tp, row.fp, row.fn) for row in result.per_class if row.pq is not None}


def same_everywhere(tmp_path, gt, pred, **options):
    """Score arrays and files; return the result, which has to be the same."""
    arrays = score(gt, pred, **options)
    sides = {
        name: save(tmp_path / f"{name}.json", [image(0, side[0], side[1])], categories=TABLE)
        for name, side in (("gt", gt), ("pred", pred))
    }
    files = pqeval.evaluate(**sides, workers=1, **options)
    assert (files.groups, files.per_class, files.void) == (arrays.groups, arrays.per_class, arrays.void)
    return arrays


# Report 1


@pytest.mark.parametrize("area", [40, 0, 4000, -1])
def test_1_stale_gt_area(tmp_path, area):
    """The list states another area than the map has: PQ 10.0 (1000 %), infinite, or an FP and an FN."""
    gt = [[5] * 20] * 20, [segment(5, STUFF, area=area)]
    result = same_everywhere(tmp_path, gt, ([[5] * 20] * 20, [segment(5, STUFF)]))
    assert (result.pq, result.sq, result.rq) == (1.0, 1.0, 1.0)
    assert counts(result) == {STUFF: (1, 0, 0)}
    assert [line.split("]")[0] for line in result.warnings] == ["[gt-area"]


# Report 2


def test_2_repeated_stuff_id(tmp_path):
    """Two rows of one stuff id, each with a part of the area: PQ 20.0."""
    gt = [[5] * 20] * 20, [segment(5, STUFF, area=380), segment(5, STUFF, area=20)]
    result = same_everywhere(tmp_path, gt, ([[5] * 20] * 20, [segment(5, STUFF)]))
    assert (result.pq, counts(result)) == (1.0, {STUFF: (1, 0, 0)})
    assert [line.split("]")[0] for line in result.warnings] == ["[segment-repeated"]


def test_2_repeated_stuff_id_in_the_prediction(tmp_path):
    both = [[5] * 20] * 20, [segment(5, STUFF), segment(5, STUFF)]
    assert same_everywhere(tmp_path, both, both).pq == 1.0


def test_2_repeated_id_of_two_categories():
    gt = [[5] * 20] * 20, [segment(5, STUFF), segment(5, A)]
    with pytest.raises(SegmentError) as caught:
        score(gt, ([[5] * 20] * 20, [segment(5, STUFF)]))
    assert (caught.value.code, caught.value.segment_id) == ("segment-conflict", 5)


# Report 3


def test_3_no_stuff_class_present(tmp_path):
    """Only things on both sides: ZeroDivisionError, and no result for the things either."""
    both = [[1, 1, 2, 2]], [segment(1, A), segment(2, B)]
    result = same_everywhere(tmp_path, both, both)
    assert (result.groups["Things"].pq, result.groups["Things"].n) == (1.0, 2)
    stuff = result.groups["Stuff"]
    assert (stuff.pq, stuff.sq, stuff.rq, stuff.n) == (None, None, None, 0)
    assert result.pq == 1.0


# Report 4


@pytest.mark.parametrize(("convention", "expected"), [("coco", 1.0), ("panopticapi", 0.5)])
def test_4_two_crowd_regions_of_one_class(tmp_path, convention, expected):
    """The first crowd does not shield the prediction on it: an FP, and the class scores 0."""
    gt = (
        [[1, 1, 2, 2, 3, 3]],
        [segment(1, A, iscrowd=1, area=2), segment(2, A, iscrowd=1, area=2), segment(3, B, area=2)],
    )
    pred = [[11, 11, 12, 12, 13, 13]], [segment(11, A), segment(12, A), segment(13, B)]
    result = same_everywhere(tmp_path, gt, pred, convention=convention)
    assert result.pq == expected
    assert counts(result) == {B: (1, 0, 0)} | ({} if convention == "coco" else {A: (0, 1, 0)})


# Report 5


def test_5_several_void_regions(tmp_path):
    """Two predictions, each on a void region of its own: one alone is ignored, both together are two FPs."""
    gt = [[0, 0, 0, 1, 1, 1, 0, 0, 0]], [segment(1, B)]
    left = [[7, 7, 7, 7, 1, 1, 0, 0, 0]], [segment(7, A), segment(1, B)]
    both = [[7, 7, 7, 7, 1, 8, 8, 8, 8]], [segment(7, A), segment(8, A), segment(1, B)]
    assert counts(same_everywhere(tmp_path, gt, left)) == {B: (1, 0, 0)}
    result = same_everywhere(tmp_path, gt, both)
    assert counts(result) == {B: (0, 1, 1)}  # one pixel of three is left of the b; no FP of class a
    assert result.void["fp_forgiven_by_void"] == 2


# Report 6


def test_6_an_empty_image_is_not_averaged():
    """An image without anything on either side: it counted as 0, or ended in ZeroDivisionError."""
    metric = pqeval.PanopticQuality(TABLE)
    metric.update(
        gt=([[1] * 5], [segment(1, A)]), pred=([[9] * 4 + [0]], [segment(9, A)]), image_id="with an object"
    )
    before = metric.compute()
    metric.update(gt=([[0] * 5], []), pred=([[0] * 5], []), image_id="empty")
    after = metric.compute()
    assert before.pq == after.pq == 0.8
    assert after.images["evaluated"] == 2


def test_6_an_empty_image_alone_has_no_score():
    result = score(([[0] * 5], []), ([[0] * 5], []))
    assert [group.pq for group in result.groups.values()] == [None, None, None]
    assert '"pq": null' in result.to_json()
    assert "NaN" not in result.to_json()


# Report 7


@pytest.mark.parametrize(
    "rows",
    [[[0, 2, 2], [7, 7, 0]], [[1, 1, 1], [2, 2, 2]], [[2**32 - 1, 1, 1], [5, 5, 5]]],
    ids=["gaps", "no background", "the largest id"],
)
def test_7_gaps_in_ids_and_no_background(rows):
    """IndexError; and on clean ids a quality of 0.9999995 for the truth itself."""
    ids = sorted({number for row in rows for number in row} - {0})
    both = np.array(rows), [segment(number, A) for number in ids]
    result = score(both, both)
    assert (result.pq, result.sq, result.rq) == (1.0, 1.0, 1.0)
    assert counts(result) == {A: (len(ids), 0, 0)}


def test_7_gaps_in_instance_numbers():
    category, instance = np.array([[1, 1, 0], [1, 1, 1]]), np.array([[2, 7, 0], [9000, 9000, 0]])
    result = score((category, instance), (category, instance))
    assert (result.pq, counts(result)) == (1.0, {A: (4, 0, 0)})


# Report 8


def test_8a_many_instances_of_a_high_category():
    """Category 23 with 2939 instances in 16 bits: 23 * 2939 does not fit."""
    instance = np.arange(2939, dtype=np.uint16).reshape(1, -1)
    category = np.full_like(instance, 23)
    result = score((category, instance), (category, instance), table=[{"id": 23, "isthing": 1}])
    assert counts(result) == {23: (2939, 0, 0)}


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int64"])
def test_8b_instance_numbers_need_no_offset(dtype):
    """Instance 16 where at most 16 are expected becomes an instance of the next category."""
    both = np.array([[[1, 15], [1, 16], [2, 0], [1, 100]]], dtype)
    assert counts(score(both, both)) == {A: (3, 0, 0), B: (1, 0, 0)}


def test_8c_ids_that_rgb_cannot_hold_are_refused(tmp_path):
    """2**24 + 5 is saved as 5."""
    with pytest.raises(SegmentError) as caught:
        pqeval.save_coco_panoptic(tmp_path / "gt.json", [(7, [[2**24 + 5]], [segment(2**24 + 5, A)])], TABLE)
    assert caught.value.code == "not-storable"
    assert not (tmp_path / "gt.json").exists()


def test_8d_the_bytes_of_a_large_id(tmp_path):
    """70001 into 8 bits: OverflowError on NumPy 2."""
    from PIL import Image

    ids = np.array([[70001]], np.int64)
    pqeval.save_coco_panoptic(tmp_path / "gt.json", [(7, ids, [segment(70001, A)])], TABLE)
    with Image.open(tmp_path / "gt" / "000000000007.png") as picture:
        assert (picture.mode, picture.getpixel((0, 0))) == ("RGB", (113, 17, 1))


# Spares


@pytest.mark.parametrize("side", ["gt", "pred"])
def test_spare_segment_with_id_0(side):
    """A segment of the truth with id 0: IoU infinite."""
    sound, zero = ([[0, 1]], [segment(1, A)]), ([[0, 1]], [segment(0, A), segment(1, A)])
    with pytest.raises(SegmentError) as caught:
        score(**{"gt": sound, "pred": sound} | {side: zero})
    assert caught.value.code == "segment-id-void"


@pytest.mark.parametrize("order", [[0, 2, 10], [10, 0, 2], [2, 10, 0]])
def test_spare_classes_are_keyed_by_id(order):
    """Stuff classes 0, 2 and 10 came out in an order that nobody could tell."""
    table = [{"id": number, "name": f"c{number}", "isthing": 0} for number in order]
    gt = np.array([[1, 1, 2, 2, 3, 3]]), [segment(1, 0), segment(2, 2), segment(3, 10)]
    pred = np.array([[1, 1, 2, 0, 0, 0]]), [segment(1, 0), segment(2, 2)]
    result = pqeval.panoptic_quality(gt=gt, pred=pred, categories=table)
    assert [(row.id, row.name) for row in result.per_class] == [(number, f"c{number}") for number in order]
    assert counts(result) == {0: (1, 0, 0), 2: (0, 1, 1), 10: (0, 0, 1)}


@pytest.mark.parametrize("convention", ["coco", "panopticapi"])
def test_spare_ghost_segment_of_the_truth(tmp_path, convention):
    """A listed segment without a pixel becomes an FN without a word."""
    gt = [[1, 1]], [segment(1, A, area=2), segment(2, B, area=9)]
    result = same_everywhere(tmp_path, gt, ([[1, 1]], [segment(1, A)]), convention=convention)
    assert counts(result) == {A: (1, 0, 0), B: (0, 0, 1)}
    assert [line.split("]")[0] for line in result.warnings] == ["[gt-id-without-pixels"]


def test_spare_padded_distributed_sampler():
    """21 images on 2 ranks are 21, not 22: the sampler repeats one to fill the last batch."""
    one = np.array([[1, 1]]), [segment(1, A)]
    ranks = [pqeval.PanopticQuality(TABLE) for _ in range(2)]
    for place, number in enumerate([*range(21), 0]):
        ranks[place % 2].update(gt=one, pred=one, image_id=number)
    ranks[0].merge(ranks[1])
    result = ranks[0].compute()
    assert (result.images["evaluated"], counts(result)) == (21, {A: (21, 0, 0)})


def test_spare_the_mean_of_pq_is_not_the_product_of_the_means():
    """Mean PQ was computed as mean SQ times mean RQ."""
    gt = np.array([[1] * 8 + [2] * 4]), [segment(1, A), segment(2, B)]
    pred = np.array([[1] * 6 + [0] * 2 + [2, 2, 3, 3]]), [segment(1, A), segment(2, B), segment(3, B)]
    result = score(gt, pred)
    assert [(row.pq, row.sq, row.rq) for row in result.per_class[:2]] == [(0.75, 0.75, 1.0), (0.0, 0.0, 0.0)]
    assert (result.pq, result.sq, result.rq) == (0.375, 0.375, 0.5)


def test_spare_pq_near_zero_because_class_numbers_begin_at_0(tmp_path):
    """A healthy network scores 0, and nothing says why."""
    table = [{"id": number, "isthing": 1} for number in range(5)]
    ids = [[1, 1, 2, 2, 3, 3, 4, 4]]
    gt = ids, [segment(number, number) for number in range(1, 5)]
    pred = ids, [segment(number, number - 1) for number in range(1, 5)]
    result = pqeval.panoptic_quality(gt=gt, pred=pred, categories=table)
    assert result.pq == 0.0
    assert "the ids seem shifted by -1" in result.warnings[0]


def test_spare_two_classes_that_share_a_colour(tmp_path):
    """Two categories of one segment id in a PNG are an error that names file, image and id."""
    gt = save(
        tmp_path / "gt.json", [image(4, png([[(140, 140, 140)]]), [segment(9211020, A), segment(9211020, B)])]
    )
    pred = save(tmp_path / "pred.json", [image(4, [[1]], {1: A})])
    with pytest.raises(SegmentError) as caught:
        pqeval.evaluate(gt=gt, pred=pred)
    assert (caught.value.file, caught.value.image_id, caught.value.segment_id) == (str(gt), 4, 9211020)
