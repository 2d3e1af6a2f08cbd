"""COCO detection: masks that may overlap, and stuff from three sources, made panoptic."""

from __future__ import annotations

import json
import pickle
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from datasets import image, save, says
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pair_maps import codes, partition, problems, raised, save_png, segments, sure
from pycocotools import mask as reference
from triggers import Triggers, name_of

import pqeval
from pqeval.categories import Categories
from pqeval.conversion import open_source
from pqeval.formats._masks import Limits, Mask, paste
from pqeval.formats._rle import pixels_of, unpacked

FORMAT = "coco_instances"
SAMPLE = Path(__file__).parents[2].parent / "shared" / "coco_sample"
CAT, DOG, SKY, ROAD, OTHER = 1, 2, 157, 149, 183
TABLE = [
    {"id": CAT, "name": "cat", "isthing": 1},
    {"id": DOG, "name": "dog", "isthing": 1},
    {"id": SKY, "name": "sky", "isthing": 0},
]

trigger = Triggers()
# Decoding by pycocotools 2 is not made for numpy 2; pqeval decodes by itself.
old_decoding = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


# Writing small files.


def grid(*rows):
    """Make a mask of rows of text: everything but a dot is part of it."""
    return np.array([[letter != "." for letter in row] for row in rows])


def runs(mask):
    """Run lengths down the columns, the first one of zeros; written for this test, slowly."""
    counts, before = [0], 0
    for pixel in np.asarray(mask).T.reshape(-1).tolist():
        if int(pixel) != before:
            counts.append(0)
            before = int(pixel)
        counts[-1] += 1
    return {"size": list(np.shape(mask)), "counts": counts}


def packed(mask):
    done = reference.encode(np.asfortranarray(np.asarray(mask).astype(np.uint8)))
    return {"size": done["size"], "counts": done["counts"].decode()}


def dense(pixels, shape):
    found = np.zeros(shape, int)
    np.add.at(found.reshape(-1), pixels, 1)
    return found


def annotation(number, category, segmentation, image_id=7, **other):
    return {"id": number, "image_id": image_id, "category_id": category, "segmentation": segmentation} | other


def result(category, segmentation, score=None, image_id=7):
    told = {} if score is None else {"score": score}
    return {"image_id": image_id, "category_id": category, "segmentation": segmentation} | told


def save_gt(path, annotations, *, size=(2, 6), images=None, categories=TABLE, **other):
    if images is None:
        images = [{"id": 7, "height": size[0], "width": size[1], "file_name": "000000000007.jpg"}]
    content = {"images": images, "annotations": annotations, "categories": categories} | other
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps(content))
    return path


def save_pred(path, results):
    Path(path).write_text(json.dumps(results))
    return path


LEFT = grid("###...", "###...")
MIDDLE = grid(".##...", ".##...")
RIGHT = grid("...###", "...###")


def gt_of_three(path, **other):
    """Write a cat on the left and sky on the right, 6 pixels each."""
    return save_gt(path, [annotation(1, CAT, runs(LEFT)), annotation(2, SKY, runs(RIGHT))], **other)


def warn_free(path, **options):
    side, (first, *_) = open_source(path, format=FORMAT, **options)
    found = []
    read = side.read(first, shape=None, problems=found)
    assert [*side.problems, *found] == []
    return read


# Run lengths and polygons.


VECTOR = grid(".....", ".###.", ".###.", ".....")


@pytest.mark.parametrize(
    "counts", [[5, 2, 2, 2, 2, 2, 5], "5220003", b"5220003", [5.0, 2, 2, 2, 2, 2, 5]], ids=repr
)
def test_the_vector_of_the_specification(counts):
    assert runs(VECTOR)["counts"] == [5, 2, 2, 2, 2, 2, 5]
    assert packed(VECTOR)["counts"] == "5220003"
    assert unpacked("5220003").tolist() == [5, 2, 2, 2, 2, 2, 5]
    pixels = pixels_of({"size": [4, 5], "counts": counts}, (4, 5))
    assert dense(pixels, (4, 5)).tolist() == VECTOR.astype(int).tolist()


MASKS = arrays.arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9)))


@given(MASKS, st.integers(1, 40), st.integers(1, 40))
def test_run_lengths_are_what_pycocotools_reads(mask, down, across):
    large = np.kron(mask, np.ones((down, across), bool))  # long runs, and differences in both directions
    for segmentation in (packed(large), runs(large)):
        assert (dense(pixels_of(segmentation, large.shape), large.shape) == large).all()
    assert unpacked(packed(large)["counts"]).tolist() == runs(large)["counts"]


@old_decoding
@given(st.lists(st.lists(st.tuples(*[st.floats(-5, 40)] * 2), min_size=3, max_size=8), min_size=1, max_size=3))
def test_polygons_are_what_pycocotools_draws(polygons):
    flat = [[number for point in polygon for number in point] for polygon in polygons]
    drawn = reference.decode(reference.merge(reference.frPyObjects(flat, 20, 30)))
    assert (dense(pixels_of(flat, (20, 30)), (20, 30)) == drawn).all()


def test_a_mask_may_begin_with_ones_and_be_everything():
    full = np.ones((3, 2), bool)
    assert runs(full)["counts"] == [0, 6]
    assert sorted(pixels_of(runs(full), (3, 2)).tolist()) == list(range(6))
    assert pixels_of(packed(~full), (3, 2)).tolist() == []
    assert pixels_of([], (3, 2)).tolist() == []


# Who owns what two masks share.


def pasted(rule, *masks, shape=(1, 8), **limits):
    """Paste (pixels, category, and what else a Mask has); return map, categories by id, and warnings."""
    found = []
    listed = [
        Mask(np.array(pixels, np.int64), category, f"mask {number}", **other)
        for number, (pixels, category, other) in enumerate(masks, start=1)
    ]
    labels, rows = paste(shape, listed, rule, limits=Limits(**limits), problems=found)
    return labels.to_array().tolist()[0], {row.id: row.category_id for row in rows}, codes(found)


THREE = (([0, 1, 2, 3], CAT, {}), ([2, 3, 4, 5, 6], DOG, {}), ([6, 7], CAT, {}))


@pytest.mark.parametrize(
    ("rule", "ids"),
    [
        ("first", [1, 1, 1, 1, 2, 2, 2, 3]),
        ("last", [1, 1, 2, 2, 2, 2, 3, 3]),
        ("smaller-on-top", [1, 1, 1, 1, 2, 2, 3, 3]),
    ],
)
def test_a_rule_says_who_is_on_top(rule, ids):
    assert pasted(rule, *THREE) == (ids, {1: CAT, 2: DOG, 3: CAT}, [])


@pytest.mark.parametrize("rule", ["error", "first", "last", "smaller-on-top", "score"])
def test_without_overlaps_all_rules_are_one(rule):
    apart = [([5, 4], DOG, {"score": 0.6}), ([0, 1, 2], CAT, {"score": 0.9, "iscrowd": True})]
    assert pasted(rule, *apart) == ([2, 2, 2, 0, 1, 1, 0, 0], {1: DOG, 2: CAT}, [])


@pytest.mark.parametrize("rule", ["first", "smaller-on-top", "score"])
def test_of_equals_the_first_is_on_top(rule):
    equal = [([0, 1], CAT, {"score": 0.7}), ([1, 2], DOG, {"score": 0.7})]
    assert pasted(rule, *equal)[0][:3] == [1, 1, 2]


def test_stuff_of_a_class_is_one_segment():
    pieces = [([0, 1], SKY, {"isthing": False}), ([3], CAT, {}), ([1, 2], SKY, {"isthing": False})]
    assert pasted("error", *pieces) == ([1, 1, 1, 2, 0, 0, 0, 0], {1: SKY, 2: CAT}, [])


@pytest.mark.parametrize("rule", ["first", "last", "smaller-on-top"])
def test_what_lies_behind_takes_what_is_left(rule):
    masks = [([1, 2], SKY, {"isthing": False, "behind": True}), ([2, 3, 4], CAT, {})]
    assert pasted(rule, *masks)[0][:5] == [0, 1, 2, 2, 2]


@pytest.mark.parametrize("rule", ["first", "last", "smaller-on-top"])
def test_masks_that_cannot_be_seen_are_left_out_with_a_warning(rule):
    masks = [([3, 4], DOG, {}), ([], CAT, {}), ([3, 4], CAT, {})]
    (number,) = set(pasted(rule, *masks)[0]) - {0}
    assert number == (3 if rule == "last" else 1)
    assert pasted(rule, *masks)[1:] == ({number: CAT if rule == "last" else DOG}, ["mask-empty", "mask-hidden"])


def test_the_highest_score_is_on_top():
    masks = [([0, 1, 2], CAT, {"score": 0.6}), ([2, 3, 4], DOG, {"score": 0.8})]
    assert pasted("score", *masks) == ([1, 1, 2, 2, 2, 0, 0, 0], {1: CAT, 2: DOG}, [])


@pytest.mark.parametrize(("score", "kept"), [(0.5, True), (0.4999999, False), (0.51, True)])
def test_a_score_at_the_limit_is_enough(score, kept):
    assert (pasted("score", ([0], CAT, {"score": score}))[1] == {1: CAT}) == kept


@pytest.mark.parametrize(("covered", "kept"), [(1, True), (2, True), (3, False), (4, False)])
def test_half_covered_is_not_too_much(covered, kept):
    first = (list(range(covered)), DOG, {"score": 0.9})
    second = ([0, 1, 2, 3], CAT, {"score": 0.8})
    assert (2 in pasted("score", first, second)[1]) == kept


def test_what_was_dropped_covers_nothing():
    # The second lies under the first with 3 of 4 pixels and is dropped; the third keeps its pixel 3.
    masks = [([0, 1, 2], CAT, {"score": 0.9}), ([0, 1, 2, 3], DOG, {"score": 0.8}), ([3, 4], CAT, {"score": 0.7})]
    assert pasted("score", *masks) == ([1, 1, 1, 3, 3, 0, 0, 0], {1: CAT, 3: CAT}, [])


@pytest.mark.parametrize(("least", "kept"), [(3, True), (4, False)])
def test_stuff_needs_free_pixels_and_no_score(least, kept):
    masks = [([0, 1, 2, 3, 4], SKY, {"isthing": False}), ([3, 4, 5], CAT, {"score": 0.5})]
    ids, listed, _ = pasted("score", *masks, min_stuff=least)
    assert ids[3:6] == [2, 2, 2]
    assert (listed == {1: SKY, 2: CAT}) == kept


def test_stuff_lies_behind_things_whatever_its_score():
    masks = [([0, 1, 2], SKY, {"isthing": False, "score": 0.99}), ([2, 3], CAT, {"score": 0.6})]
    assert pasted("score", *masks, min_stuff=0)[0][:4] == [1, 1, 2, 2]


def test_limits_can_be_given_up():
    masks = [([0, 1, 2, 3], CAT, {"score": 0.9}), ([2, 3, 4], DOG, {"score": -2.0})]
    ids, _, _ = pasted("score", *masks, min_score=-5.0, max_covered=Fraction(1))
    assert ids == [1, 1, 1, 1, 2, 0, 0, 0]


@old_decoding
@settings(max_examples=30)
@given(st.data())
def test_predictions_become_what_panopticapi_makes_of_them(data):
    combine = pytest.importorskip(
        "panopticapi.combine_semantic_and_instance_predictions", reason="panopticapi-lite is not installed"
    )
    masks = data.draw(st.lists(arrays.arrays(bool, (4, 5)), min_size=1, max_size=5))
    scores = data.draw(st.lists(st.integers(1, 9), min_size=len(masks), max_size=len(masks), unique=True))
    stuff = data.draw(arrays.arrays(np.int64, (4, 5), elements=st.integers(0, 2)))
    things = [(packed(mask), score / 10) for mask, score in zip(masks, scores, strict=True)]
    areas = [(packed(stuff == number), category) for number, category in ((1, SKY), (2, ROAD))]
    categories = {row["id"]: row for row in [*TABLE, {"id": ROAD, "isthing": 0}]}
    ranked = sorted((entry for entry in things if entry[1] >= 0.5), key=lambda entry: -entry[1])
    theirs = {}

    class Saver:
        @staticmethod
        def fromarray(pixels):
            theirs["map"] = pixels.astype(np.int64) @ [1, 256, 65536]
            return Saver

        @staticmethod
        def save(path):
            pass

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(combine, "Image", Saver)
        patch.setattr(combine, "print", lambda *_: None, raising=False)
        rows = [row | {"color": [9, 9, 9 * number]} for number, row in enumerate(categories.values())]
        (done,) = combine.combine_to_panoptic_single_core(
            0,
            [7],
            {7: {"height": 4, "width": 5, "file_name": "7.jpg"}},
            {7: [{"segmentation": mask, "category_id": CAT} for mask, _ in ranked]},
            {7: [{"segmentation": mask, "category_id": category} for mask, category in areas]},
            "",
            0.5,
            3,
            {row["id"]: row for row in rows},
        )
    listed = [Mask(pixels_of(mask, (4, 5)), CAT, "", score=score) for mask, score in things]
    listed += [Mask(pixels_of(mask, (4, 5)), category, "", isthing=False) for mask, category in areas]
    labels, found = paste((4, 5), listed, "score", limits=Limits(min_stuff=3), problems=[])
    ours, ids = labels.to_array().astype(np.int64), theirs["map"]
    pairs = set(zip(ours.reshape(-1).tolist(), ids.reshape(-1).tolist(), strict=True))
    assert len(pairs) == len({pair[0] for pair in pairs}) == len({pair[1] for pair in pairs})  # one partition
    category_of = {row["id"]: row["category_id"] for row in done["segments_info"]}
    assert {row.id: row.category_id for row in found} == {a: category_of[b] for a, b in pairs if a}


# Ground truth.


def test_masks_become_segments_in_their_order(tmp_path):
    polygon = [[3, 0, 6, 0, 6, 2, 3, 2]]
    gt = save_gt(tmp_path / "gt.json", [annotation(9, SKY, polygon), annotation(4, CAT, packed(LEFT), iscrowd=1)])
    labels, rows = warn_free(gt)
    assert labels.to_array().tolist() == [[2, 2, 2, 1, 1, 1]] * 2
    assert [(row.id, row.category_id, row.iscrowd) for row in rows] == [(1, SKY, False), (2, CAT, True)]


def test_an_image_without_annotations_is_void(tmp_path):
    images = [{"id": number, "height": 2, "width": 6} for number in (7, 8)]
    found = segments(gt_of_three(tmp_path / "gt.json", images=images), FORMAT)
    assert list(found) == [7, 8]
    assert (found[8][0].tolist(), found[8][1]) == ([[0] * 6] * 2, {})


def test_a_score_by_hand(tmp_path):
    """Ground truth: 6 pixels of cat, 6 of sky. Predictions are a list, with stuff in a second one."""
    gt = gt_of_three(tmp_path / "gt.json")
    narrow, second, weak = grid("##....", "##...."), grid(".##...", ".##..."), grid("..#...", "..#...")
    pred = save_pred(
        tmp_path / "pred.json",
        [result(CAT, packed(second), 0.6), result(CAT, packed(narrow), 0.9), result(CAT, packed(weak), 0.4)],
    )
    save_pred(tmp_path / "stuff.json", [result(SKY, packed(RIGHT)), result(CAT, packed(LEFT))])
    done = pqeval.evaluate(gt=gt, pred=pred, pred_options={"stuff_json": "stuff.json", "min_stuff": 0})
    assert done.inputs["pred_format"] == FORMAT
    assert done.convention == "coco"
    # The cat with 0.9 takes 4 pixels, that with 0.6 keeps 2 of its 4; the third has too low a score.
    # IoU 4 / 6 is a match, 2 / 6 is a false positive: PQ = (4 / 6) / (1 + 1 / 2). The sky is right.
    cat, _, sky = done.per_class
    assert (cat.tp, cat.fp, cat.fn, cat.pq) == (1, 1, 0, 4 / 6 / 1.5)
    assert sky.pq == 1


def test_a_crowd_excuses_what_is_predicted_on_it(tmp_path):
    crowd = [annotation(1, CAT, runs(LEFT), iscrowd=1), annotation(2, SKY, packed(RIGHT), iscrowd=0)]
    gt = save_gt(tmp_path / "gt.json", crowd)
    pred = save(tmp_path / "pred.json", [image(7, [[1, 1, 0, 2, 2, 2]] * 2, {1: CAT, 2: SKY})], categories=None)
    done = pqeval.evaluate(gt=gt, pred=pred)
    assert [(row.tp, row.fp, row.fn) for row in done.per_class] == [(0, 0, 0), (0, 0, 0), (1, 0, 0)]


def test_masks_as_predictions_for_panoptic_ground_truth(tmp_path):
    gt = save(tmp_path / "gt.json", [image(7, [[1, 1, 1, 2, 2, 2]] * 2, {1: CAT, 2: SKY})], categories=TABLE)
    pred = save_pred(
        tmp_path / "pred.json",
        [
            result(CAT, [[0, 0, 2, 0, 2, 2, 0, 2]], 0.9),
            result(SKY, [[3, 0, 6, 0, 6, 2, 3, 2]]),
        ],  # no size: gt has it
    )
    done = pqeval.evaluate(gt=gt, pred=pred, pred_options={"min_stuff": 0})
    # 4 of 6 pixels of the cat; the sky is right.
    assert (done.per_class[0].pq, done.per_class[2].pq) == (4 / 6, 1)


def test_stuff_lies_in_the_second_json_of_a_folder(tmp_path):
    things = [{"id": 17, "name": "cat"}]  # as in instances_val2017.json: no isthing
    stuff = [{"id": 149, "name": "road"}, {"id": SKY, "name": "sky-other"}, {"id": OTHER, "name": "other"}]
    save_gt(tmp_path / "set" / "instances_val2017.json", [annotation(5, 17, runs(LEFT))], categories=things)
    both = [annotation(1, SKY, runs(RIGHT)), annotation(2, OTHER, runs(LEFT))]
    save_gt(tmp_path / "set" / "stuff_val2017.json", both, categories=stuff)
    labels, rows = warn_free(tmp_path / "set")
    assert labels.to_array().tolist() == [[1, 1, 1, 2, 2, 2]] * 2
    assert [row.category_id for row in rows] == [17, SKY]
    side, _ = open_source(tmp_path / "set", format=FORMAT)
    assert [(row.id, row.isthing) for row in side.categories] == [(17, True), (149, False), (SKY, False)]
    named = {"stuff_json": "stuff_val2017.json"}
    assert partition(tmp_path / "set" / "instances_val2017.json", FORMAT, options=named) == partition(
        tmp_path / "set", FORMAT
    )
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for path in (tmp_path / "set").iterdir():
            archive.write(path, f"annotations/{path.name}")
    assert partition(tmp_path / "set.zip", FORMAT) == partition(tmp_path / "set", FORMAT)


def test_what_is_other_is_void_and_not_unknown(tmp_path):
    # "Other" stands for all things together: where no thing has a mask, nothing is known.
    stuff = [{"id": SKY, "name": "sky-other"}, {"id": OTHER, "name": "other"}]
    both = [annotation(1, SKY, runs(RIGHT)), annotation(2, OTHER, runs(LEFT))]
    gt = save_gt(tmp_path / "stuff_val2017.json", both, categories=stuff)
    assert warn_free(gt)[0].to_array().tolist() == [[0, 0, 0, 1, 1, 1]] * 2
    table = [{"id": SKY, "name": "sky", "isthing": 0}, {"id": OTHER, "name": "mine", "isthing": 0}]
    assert warn_free(gt, categories=table)[0].to_array().tolist() == [[2, 2, 2, 1, 1, 1]] * 2


@pytest.mark.parametrize(
    ("kind", "values", "categories"),
    [
        # Value = id - 1; the second pixel is a cat (17) of the map, the last one is unlabeled.
        ("stuffthingmaps", [16, 16, 156, 148, 148, 255], {2: ROAD, 3: SKY}),
        # The 1st and the 21st stuff category of COCO panoptic: banner and road.
        ("panoptic_stuff", [0, 0, 1, 21, 21, 255], {2: 92, 3: ROAD}),
        # The 81st and the 101st category; 15 is cat.
        ("panoptic_semseg", [15, 15, 80, 100, 100, 255], {2: 92, 3: ROAD}),
    ],
)
@pytest.mark.parametrize("role", ["gt", "pred"])
def test_stuff_of_a_map(tmp_path, kind, values, categories, role):
    things = [{"id": 17, "name": "cat"}]
    cat = grid("#.....", "#.....")
    gt = save_gt(tmp_path / "gt.json", [annotation(5, 17, runs(cat), score=0.9)], categories=things)
    save_png(tmp_path / "maps" / "val2017" / "000000000007.png", [values] * 2)
    options = {"stuff": kind} | ({"min_stuff": 0} if role == "pred" else {})
    labels, rows = warn_free(gt, folder=tmp_path / "maps", options=options, role=role)
    found = {row.id: row.category_id for row in rows}
    third, fourth = (3, 2) if kind == "stuffthingmaps" else (2, 3)  # ids by ascending value
    assert labels.to_array().tolist() == [[1, 0, third, fourth, fourth, 0]] * 2
    assert found == {1: 17} | categories
    side, _ = open_source(gt, format=FORMAT, folder=tmp_path / "maps", options=options, role=role)
    stuff = [row.id for row in side.categories if not row.isthing]
    assert (stuff[0], len(stuff)) == ((92, 91) if kind == "stuffthingmaps" else (92, 53))


def test_the_order_of_a_map_is_that_of_the_table(tmp_path):
    table = [TABLE[0], {"id": 40, "name": "wall", "isthing": 0}, {"id": 30, "name": "floor", "isthing": 0}]
    gt = save_gt(tmp_path / "gt.json", [], categories=table)
    save_png(tmp_path / "maps" / "7.png", [[1, 1, 2, 2, 255, 255]] * 2)
    for kind, categories in (("panoptic_stuff", [40, 30]), ("panoptic_semseg", [40, 30])):
        _, rows = warn_free(gt, categories=table, folder=tmp_path / "maps", options={"stuff": kind})
        assert [row.category_id for row in rows] == categories


@pytest.mark.parametrize("rule", ["first", "last", "smaller-on-top"])
def test_things_lie_on_the_stuff_of_a_map(tmp_path, rule):
    gt = save_gt(tmp_path / "gt.json", [annotation(5, 17, runs(LEFT))], categories=[{"id": 17, "name": "cat"}])
    save_png(tmp_path / "maps" / "7.png", [[156] * 6, [255] * 6])
    labels, _ = warn_free(gt, folder=tmp_path / "maps", options={"overlap": rule})
    assert labels.to_array().tolist() == [[1, 1, 1, 2, 2, 2], [1, 1, 1, 0, 0, 0]]


def test_predictions_may_have_nothing_but_a_map(tmp_path):
    gt = gt_of_three(tmp_path / "gt.json", images=[{"id": n, "height": 2, "width": 6} for n in (7, 8)])
    pred = save_pred(tmp_path / "pred.json", [result(CAT, packed(LEFT), 0.9)])
    only_things = raised(pqeval.evaluate, gt=gt, pred=pred)
    assert (only_things.code, only_things.found) == (
        "prediction-missing",
        "no prediction for 1 of 2 images: image 8",
    )
    for number in (7, 8):
        save_png(tmp_path / "maps" / f"{number:012d}.png", [[255, 255, 255, 156, 156, 156]] * 2)
    done = pqeval.evaluate(gt=gt, pred=pred, pred_folder=tmp_path / "maps", pred_options={"min_stuff": 6})
    assert [row.tp for row in done.per_class] == [1, 0, 1]
    assert done.per_class[2].fp == 0  # image 8 has no annotation, so all of it is void
    assert done.images["evaluated"] == 2


def test_things_without_isthing_are_those_of_coco(tmp_path):
    known = [{"id": row.id, "name": row.name} for row in Categories.builtin("coco")]
    gt = save_gt(tmp_path / "gt.json", [], categories=known)
    side, _ = open_source(gt, format=FORMAT)
    assert list(side.categories) == [
        row.__class__(row.id, row.name, row.isthing) for row in Categories.builtin("coco")
    ]


def test_the_table_of_the_user_counts(tmp_path):
    gt = gt_of_three(tmp_path / "gt.json", categories=[{"id": CAT, "name": "mine"}])
    assert warn_free(gt, categories=TABLE)[1][1].category_id == SKY


@pytest.mark.parametrize("table", [TABLE[:2], TABLE], ids=["of things", "with stuff that has no mask"])
def test_ground_truth_without_stuff_is_told(tmp_path, table):
    gt = save_gt(tmp_path / "gt.json", [annotation(1, CAT, runs(LEFT))], categories=table)
    pred = save_pred(tmp_path / "pred.json", [result(CAT, packed(LEFT), 1), result(DOG, packed(RIGHT), 1)])
    done = pqeval.evaluate(gt=gt, pred=pred)
    assert [line.split("]")[0] for line in done.warnings] == ["[no-stuff"]
    assert done.per_class[1].fp == 0  # which is why it is told


def test_a_table_that_tells_no_things_misses_no_stuff(tmp_path):
    gt = save_gt(tmp_path / "gt.json", [annotation(1, CAT, runs(LEFT))])
    warn_free(gt, categories=[{"id": CAT, "name": "cat"}])


def test_a_side_can_be_sent_to_another_process(tmp_path):
    gt = gt_of_three(tmp_path / "gt.json")
    side, (first, *_) = open_source(gt, format=FORMAT)
    again = pickle.loads(pickle.dumps(side)).read(first, problems=[])
    assert again[0].to_array().tolist() == side.read(first, problems=[])[0].to_array().tolist()


@pytest.mark.skipif(not SAMPLE.is_dir(), reason="the sample images are not beside this repository")
def test_the_sample_is_its_panoptic_twin():
    truth, masks = SAMPLE / "gt.json", SAMPLE / "gt_detection_format.json"
    panoptic = partition(truth, "coco", folder=SAMPLE / "gt")
    assert partition(masks, FORMAT, categories=truth) == panoptic
    assert partition(masks, FORMAT) == panoptic  # no isthing, but the categories of COCO
    void = [int((np.array(ids) < 0).sum()) for ids, _ in panoptic.values()]
    assert void == [2712, 7189]
    same = pqeval.evaluate(gt=masks, pred=truth, pred_folder=SAMPLE / "gt", categories=truth)
    assert (same.inputs["gt_format"], same.pq, same.groups["Things"].n) == (FORMAT, 1.0, 4)


# There and back.


@st.composite
def frames(draw):
    """Draw a map of ids 0 to 4, and what they are: two things, a crowd, and sky; 0 is void."""
    shape = draw(st.tuples(st.integers(1, 5), st.integers(1, 7)))
    ids = draw(arrays.arrays(np.int64, shape, elements=st.integers(0, 4)))
    return ids, {1: (CAT, 0), 2: (DOG, 0), 3: (CAT, 1), 4: (SKY, 0)}


@settings(max_examples=25)
@given(st.lists(frames(), min_size=1, max_size=2), st.booleans())
def test_what_is_converted_is_the_same(tmp_path_factory, drawn, compressed):
    folder = tmp_path_factory.mktemp("there")
    images, annotations, expected = [], [], {}
    for number, (ids, meaning) in enumerate(drawn):
        images.append({"id": number, "height": ids.shape[0], "width": ids.shape[1]})
        present = [each for each in meaning if (ids == each).any()]
        for each in present:
            mask, (category, crowd) = ids == each, meaning[each]
            segmentation = packed(mask) if compressed else runs(mask)
            annotations.append(annotation(len(annotations), category, segmentation, number, iscrowd=crowd))
        first = {each: int(np.flatnonzero(ids == each)[0]) for each in present}
        names = np.vectorize(lambda each, first=first: first.get(each, -1))(ids)
        expected[number] = (
            names.tolist(),
            {first[each]: (meaning[each][0], bool(meaning[each][1])) for each in present},
        )
    gt = save_gt(folder / "gt.json", annotations, images=images)
    assert partition(gt, FORMAT) == expected
    assert pqeval.convert(gt, folder / "coco.json", format=FORMAT) == len(drawn)
    assert partition(folder / "coco.json", "coco") == expected


def test_converting_asks_who_is_on_top(tmp_path):
    gt = save_gt(tmp_path / "gt.json", [annotation(1, CAT, runs(LEFT)), annotation(2, DOG, runs(MIDDLE))])
    assert raised(pqeval.convert, gt, tmp_path / "a.json").code == "masks-overlap"
    for rule, ids in (("first", [0, 0, 0]), ("last", [0, 1, 1]), ("smaller-on-top", [0, 1, 1])):
        found = partition(gt, FORMAT, options={"overlap": rule})
        assert found[7][0] == [[*ids, -1, -1, -1]] * 2
        if rule != "first":
            pqeval.convert(gt, tmp_path / f"{rule}.json", overlap=rule)
            assert partition(tmp_path / f"{rule}.json", "coco") == found


# What files say about themselves.


def test_what_is_recognised(tmp_path):
    gt = gt_of_three(tmp_path / "a" / "gt.json")
    assert (sure(gt, FORMAT), sure(tmp_path / "a", FORMAT)) == (2, 2)
    assert sure(save_pred(tmp_path / "pred.json", [result(CAT, packed(LEFT), 0.9)]), FORMAT) == 2
    panoptic = save(tmp_path / "coco.json", [image(7, [[1]], {1: CAT})])
    assert sure(panoptic, FORMAT) == 0
    for name in ("instances_val2017.json", "stuff_val2017.json"):
        gt_of_three(tmp_path / "b" / name)
    assert sure(tmp_path / "b", FORMAT) == 1
    (tmp_path / "b" / "panoptic_val2017.json").write_text(panoptic.read_text())
    assert sure(tmp_path / "b", FORMAT) == 0


def test_the_first_of_several_sets_is_not_guessed(tmp_path):
    for name in ("instances_train2017.json", "instances_val2017.json"):
        gt_of_three(tmp_path / name)
    error = raised(open_source, tmp_path, format=FORMAT)
    assert (error.code, error.found) == (
        "json-not-found",
        "2 JSON files in it have segmentation: instances_train2017.json, instances_val2017.json",
    )


# What is said where something is wrong.


def about(folder, *annotations, options=None, **other):
    """Return the first problem of this ground truth; that there is no stuff comes last."""
    gt = save_gt(folder / "gt.json", list(annotations), **other)
    found = problems(gt=gt, pred=gt, gt_options=options, pred_options={"overlap": "error"})
    return min(found, key=lambda problem: problem.code == "no-stuff")


@trigger
def overlap(folder):
    masks = [annotation(12, CAT, runs(LEFT)), annotation(15, DOG, runs(MIDDLE))]
    says(
        about(folder, *masks),
        """
        DIR/gt.json (image 7): annotation 12 and annotation 15 share 4 pixels
          expected: masks that do not overlap
          do: say which is on top with --gt-option overlap=smaller-on-top, or first, or last
        """,
        folder=folder,
    )


@trigger
def overlap_of_one_pixel_and_others(folder):
    one = grid(".#....", "......")
    masks = [runs(one), runs(LEFT & ~one), runs(one), runs(RIGHT), runs(RIGHT | one), runs(RIGHT)]
    listed = [annotation(number, CAT, mask) for number, mask in enumerate(masks)]
    says(
        [about(folder, *listed[:3]), about(folder, *listed[:5]), about(folder, *listed)],
        """
        DIR/gt.json (image 7): annotation 0 and annotation 2 share 1 pixel
          expected: masks that do not overlap
          do: say which is on top with --gt-option overlap=smaller-on-top, or first, or last
        DIR/gt.json (image 7): annotation 0 and annotation 2 share 1 pixel; 1 more of this image overlaps others
          expected: masks that do not overlap
          do: say which is on top with --gt-option overlap=smaller-on-top, or first, or last
        DIR/gt.json (image 7): annotation 0 and annotation 2 share 1 pixel; 2 more of this image overlap others
          expected: masks that do not overlap
          do: say which is on top with --gt-option overlap=smaller-on-top, or first, or last
        """,
        folder=folder,
    )


@trigger
def overlap_with_a_map(folder):
    gt = save_gt(folder / "gt.json", [annotation(5, 17, runs(LEFT))], categories=[{"id": 17, "name": "cat"}])
    save_png(folder / "maps" / "7.png", [[156] * 6, [255] * 6])
    says(
        problems(gt=gt, pred=gt, gt_folder=folder / "maps", pred_options={"overlap": "error"}),
        """
        DIR/gt.json (image 7): annotation 5 and stuff 157 of the map share 3 pixels
          expected: masks that do not overlap
          do: say which is on top with --gt-option overlap=smaller-on-top, or first, or last
        """,
        folder=folder,
    )


@trigger
def masks_that_cannot_be_seen(folder):
    hidden = [annotation(number, DOG, runs(MIDDLE)) for number in range(3, 9)]
    found = about(folder, annotation(1, CAT, runs(LEFT)), *hidden, options={"overlap": "first"})
    empty = about(folder, annotation(1, CAT, runs(LEFT & RIGHT)))
    says(
        [empty, found],
        """
        DIR/gt.json (image 7): annotation 1: no pixel; left out
          expected: masks of which something can be seen
          do: remove masks that cover no pixel
        DIR/gt.json (image 7): annotation 3, annotation 4, annotation 5, annotation 6, annotation 7 and 1 more:
              no pixel left under the others; left out
          expected: masks of which something can be seen
          do: check these masks, or choose another rule
        """,
        folder=folder,
    )


@trigger
def no_score(folder):
    gt = gt_of_three(folder / "gt.json")
    pred = save_pred(folder / "pred.json", [result(CAT, packed(LEFT))])
    says(
        problems(gt=gt, pred=pred),
        """
        DIR/pred.json (image 7): results[0] has no score
          expected: a score for every thing, by which masks that overlap are ordered
          do: write the scores, or order the masks in another way, for example with overlap=first
        """,
        folder=folder,
    )


@trigger
def broken_run_lengths(folder):
    says(
        [about(folder, annotation(1, CAT, {"size": [2, 6], "counts": counts})) for counts in ("52 0003", "522o")],
        """
        DIR/gt.json (image 7): annotation 1: the compressed run lengths '52 0003' are cut off, or have characters
              of another kind
          expected: run lengths as pycocotools writes them
          do: write the mask again with pycocotools.mask.encode(...)['counts'].decode()
        DIR/gt.json (image 7): annotation 1: the compressed run lengths '522o' are cut off, or have characters of
              another kind
          expected: run lengths as pycocotools writes them
          do: write the mask again with pycocotools.mask.encode(...)['counts'].decode()
        """,
        folder=folder,
    )


@pytest.mark.parametrize("text", ["/", "p", "5é", "ooooooooooooo0", "o" * 100, "\0", "5o"])
def test_what_is_no_text_of_run_lengths_is_refused(text):
    assert raised(unpacked, text).code == "rle-text"


@given(st.text("0OPo`_5", max_size=30))
def test_any_text_is_a_mask_or_refused(text):
    try:
        found = dense(pixels_of({"size": [3, 4], "counts": text}, (3, 4)), (3, 4))
    except pqeval.DataError as error:
        assert error.code in ("rle-text", "rle-sum")  # noqa: PT017
    else:
        assert set(found.reshape(-1).tolist()) <= {0, 1}


@trigger
def run_lengths_of_another_size(folder):
    says(
        [
            about(folder, annotation(1, CAT, {"size": [2, 6], "counts": counts}))
            for counts in ([4, 4, 5], [6, -2, 8])
        ],
        """
        DIR/gt.json (image 7): annotation 1: the run lengths add up to 13
          expected: run lengths that add up to 12, for 6 x 2 (width x height)
          do: write the mask again, and its size as [height, width]
        DIR/gt.json (image 7): annotation 1: a run length is -2
          expected: run lengths that add up to 12, for 6 x 2 (width x height)
          do: write the mask again, and its size as [height, width]
        """,
        folder=folder,
    )


@pytest.mark.parametrize("counts", ["", [], [2**31], [0, 13], "=0"])
def test_run_lengths_have_to_fill_the_mask(counts):
    assert raised(pixels_of, {"counts": counts}, (2, 6)).code in ("rle-sum", "segmentation")


@trigger
def no_segmentation(folder):
    says(
        about(folder, annotation(1, CAT, None)),
        """
        DIR/gt.json (image 7): annotation 1: segmentation is None
          expected: a list of polygons, or {"size": [height, width], "counts": ...} with a text or integers
          do: write the mask as pycocotools does
        """,
        folder=folder,
    )


@pytest.mark.parametrize("counts", [None, 7, ["5"], [5.5], [True], [[5]], [2**70]])
def test_counts_are_integers_or_a_text(counts):
    assert raised(pixels_of, {"counts": counts}, (2, 6)).code == "segmentation"


@trigger
def far_polygon(folder):
    # Such a point makes pycocotools fill the memory of the machine.
    says(
        about(folder, annotation(1, CAT, [[0, 0, 1e300, 0, 1, 1]])),
        """
        DIR/gt.json (image 7): annotation 1: a polygon is [0, 0, 1e+300, 0, 1, 1]
          expected: x and y of three points or more, in pixels, none farther away than 60
          do: write it as [x1, y1, x2, y2, x3, y3, ...], or the mask as run lengths
        """,
        folder=folder,
    )


@pytest.mark.parametrize(
    "polygon",
    [
        [0, 0, 5, 5],  # a box, to pycocotools
        [0, 0, 5, 0, 5],
        [0, 0, 5, 0, 5, "1"],
        [0, 0, 5, 0, 5, None],
        [0, 0, 5, 0, 5, True],
        [0, 0, 5, 0, 5, float("nan")],
        [0, 0, 5, 0, 5, float("inf")],
        [0, 0, 5, 0, 5, 10**400],
        [],
        7,
        {"x": 1},
    ],
)
def test_what_is_no_polygon_is_refused(polygon):
    assert raised(pixels_of, [polygon], (2, 6)).code == "polygon"
    assert raised(pixels_of, [[0, 0, 1, 0, 1, 1], polygon], (2, 6)).code == "polygon"


@trigger
def no_size(folder):
    says(
        about(folder, annotation(1, CAT, {"size": [2], "counts": "<"})),
        """
        DIR/gt.json (image 7): annotation 1: the size of a mask is [2]
          expected: [height, width], at most 2147483647 pixels
          do: write the size that pycocotools gives
        """,
        folder=folder,
    )


@pytest.mark.parametrize("size", [None, 5, [2, 6, 1], ["2", 6], [0, 6], [-2, -6], [2**16, 2**16], [2.5, 6]])
def test_a_size_is_height_and_width(tmp_path, size):
    assert about(tmp_path, annotation(1, CAT, {"size": size, "counts": [12]})).code == "rle-size"


@trigger
def sizes_that_differ(folder):
    transposed = packed(LEFT) | {"size": [6, 2]}
    says(
        about(folder, annotation(1, CAT, packed(LEFT)), annotation(2, CAT, transposed)),
        """
        DIR/gt.json (image 7): images[] is 6 x 2 (width x height), annotation 2 is 2 x 6
          expected: one size
          do: write the masks in the size of the image, as [height, width]
        """,
        folder=folder,
    )


@trigger
def size_of_a_map_that_differs(folder):
    gt = save_gt(folder / "gt.json", [], images=[{"id": 7}])
    pred = save_pred(folder / "pred.json", [result(CAT, packed(LEFT), 1)])
    save_png(folder / "maps" / "7.png", [[255] * 3])
    says(
        problems(gt=gt, pred=pred, gt_folder=folder / "maps", format=FORMAT)
        + problems(gt=gt_of_three(folder / "gt.json"), pred=pred, pred_folder=folder / "maps"),
        """
        DIR/pred.json (image 7): the masks are 6 x 2 (width x height), the ground truth has the shape (1, 3)
          expected: two maps of one size
          do: make the masks in the size of the image; with polygons, scale their points
        DIR/maps/7.png (image 7): the prediction is 3 x 1 (width x height), the ground truth is 6 x 2
          expected: two maps of one size
          do: resize the prediction with nearest-neighbour interpolation, never the ground truth
        """,
        folder=folder,
    )


@trigger
def unknown_size(folder):
    says(
        about(folder, annotation(1, CAT, [[0, 0, 5, 0, 5, 5]]), images=[{"id": 7, "width": 6}]),
        """
        DIR/gt.json (image 7): nothing tells the size of the image, neither images[] nor run lengths
          expected: images[] with height and width, or masks as run lengths
          do: add the image to images[], or write the masks as run lengths
        """,
        folder=folder,
    )


@pytest.mark.parametrize(
    ("height", "width"), [(0, 6), ("2", 6), (2.5, 6), (2**16, 2**16), (None, None), (True, 6)]
)
def test_a_size_of_an_image_that_is_none_is_not_used(tmp_path, height, width):
    images = [{"id": 7, "height": height, "width": width}]
    gt = save_gt(tmp_path / "gt.json", [annotation(1, CAT, packed(LEFT))], images=images)
    assert segments(gt, FORMAT)[7][0].shape == (2, 6)


@trigger
def fields(folder):
    wrong = [
        annotation(1, "cat", packed(LEFT)),
        annotation(2, CAT, packed(LEFT), iscrowd=2),
        annotation(3, CAT, packed(LEFT), iscrowd=[]),
    ]
    gt = save_gt(folder / "gt.json", wrong)
    pred = save_pred(
        folder / "pred.json",
        [result(CAT, packed(LEFT), score) for score in ("0.9", float("nan"), True)],
    )
    says(
        problems(gt=gt, pred=pred)[1:],
        """
        DIR/gt.json (image 7): annotation 1: category_id is 'cat'
          expected: an integer
          do: correct category_id of this entry
        DIR/gt.json (image 7): annotation 2: iscrowd is 2
          expected: 0 or 1
          do: correct iscrowd of this entry
        DIR/gt.json (image 7): annotation 3: iscrowd is []
          expected: 0 or 1
          do: correct iscrowd of this entry
        DIR/pred.json (image 7): results[0]: score is '0.9'
          expected: a finite number
          do: correct score of this entry
        DIR/pred.json (image 7): results[1]: score is nan
          expected: a finite number
          do: correct score of this entry
        DIR/pred.json (image 7): results[2]: score is True
          expected: a finite number
          do: correct score of this entry
        """,
        folder=folder,
    )


@trigger
def entries_without_image(folder):
    images = ["7", {"height": 2, "width": 6}, {"id": 7}, {"id": 7.0}]
    annotations = [7, {"id": 3, "category_id": CAT}, annotation(4, CAT, packed(LEFT), 9)]
    gt = save_gt(folder / "gt.json", annotations, images=images)
    pred = save_pred(folder / "pred.json", [result(CAT, packed(LEFT), 1), result(CAT, packed(LEFT), 1, [])])
    says(
        problems(gt=gt, pred=pred)[:6],
        """
        DIR/gt.json: images[0] is no image with an id
          expected: an object such as {"id": 139, "width": 640, "height": 426}
          do: correct this entry
        DIR/gt.json: images[1] is no image with an id
          expected: an object such as {"id": 139, "width": 640, "height": 426}
          do: correct this entry
        DIR/gt.json: images[3] is an image that was listed before
          expected: an object such as {"id": 139, "width": 640, "height": 426}
          do: correct this entry
        DIR/gt.json: annotations[0] has no image_id
          expected: an object with image_id, category_id and segmentation
          do: correct this entry
        DIR/gt.json: annotations[1] has no image_id
          expected: an object with image_id, category_id and segmentation
          do: correct this entry
        DIR/gt.json (image 9): annotations[2] is of an image that images[] does not have
          expected: images of the list
          do: correct this entry
        """,
        folder=folder,
    )
    says(
        problems(gt=gt, pred=pred)[7],
        """
        DIR/pred.json: results[1] has no image_id
          expected: an object with image_id, category_id and segmentation
          do: correct this entry
        """,
        folder=folder,
    )


@trigger
def other_json(folder):
    (folder / "gt.json").write_text('{"annotations": [], "categories": []}')
    (folder / "pred.json").write_text('"segmentation"')
    says(
        problems(gt=folder / "gt.json", pred=folder / "pred.json", format=FORMAT),
        """
        DIR/gt.json: there is no list 'images'
          expected: images, annotations and categories
          do: check that this is a COCO detection file for ground truth
        DIR/pred.json: there is no list 'annotations'
          expected: a list of results, or annotations
          do: check that this is a COCO detection file
        """,
        folder=folder,
    )


@trigger
def a_list_of_results_as_ground_truth(folder):
    pred = save_pred(folder / "pred.json", [result(CAT, packed(LEFT), 1)])
    says(
        raised(open_source, pred, format=FORMAT),
        """
        DIR/pred.json: the top level is a list
          expected: an object with the key "annotations"
          do: wrap the list: {"annotations": [...]}
        """,
        folder=folder,
    )


@trigger
def nobody_says_which_are_things(folder):
    gt = gt_of_three(folder / "gt.json", categories=[{"id": 1, "name": "cat"}, {"id": 157, "name": "sky"}])
    half = gt_of_three(folder / "half.json", categories=[TABLE[0], {"id": 157, "name": "sky"}])
    says(
        [raised(open_source, path, format=FORMAT) for path in (gt, half)],
        """
        DIR/gt.json: no category has isthing, and they are not those of COCO
          expected: isthing in every row: 1 for things, 0 for stuff
          do: add it, such as {"id": 1, "name": "cat", "isthing": 1}, or give a table with --categories FILE
              (categories=)
        DIR/half.json: categories[1] (id 157): isthing is missing
          expected: 1 for things, 0 for stuff
          do: add "isthing": 1 or "isthing": 0 to the row
        """,
        folder=folder,
    )


@pytest.mark.parametrize("rows", [[{"id": [1], "name": "cat"}], [{"name": "cat"}], [None], [{"id": 1}], []])
def test_strange_categories_are_refused(tmp_path, rows):
    error = raised(open_source, gt_of_three(tmp_path / "gt.json", categories=rows), format=FORMAT)
    assert isinstance(error, pqeval.DataError)


@trigger
def no_stuff(folder):
    says(
        about(folder, annotation(1, CAT, packed(LEFT)), categories=TABLE[:1]),
        """
        DIR/gt.json: the ground truth has no stuff: pixels without a mask are void, and predicted segments that lie
              mostly there are not counted as false positives
          expected: stuff, as masks or as a map
          do: name the stuff with the option stuff_json or with --gt-folder, or keep this in mind
        """,
        folder=folder,
    )


@trigger
def maps_that_are_missing_or_twice(folder):
    gt = gt_of_three(folder / "gt.json")
    (folder / "maps").mkdir()
    says(
        problems(gt=gt, pred=gt, gt_folder=folder / "maps", pred_options={"overlap": "error"}),
        """
        DIR/maps (image 7): no stuff maps are of this image
          expected: one PNG named 7.png, with leading zeros or without
          do: check the folder, and the split that it is of
        """,
        folder=folder,
    )
    for split in ("train", "val"):
        save_png(folder / "maps" / split / "000000000007.png", [[255] * 6] * 2)
    says(
        problems(gt=gt, pred=gt, gt_folder=folder / "maps", pred_options={"overlap": "error"}),
        """
        DIR/maps (image 7): 2 stuff maps are of this image
          expected: one PNG named 7.png, with leading zeros or without
          do: check the folder, and the split that it is of
        """,
        folder=folder,
    )


@trigger
def maps_of_another_kind(folder):
    gt = gt_of_three(folder / "gt.json")
    save_png(folder / "maps" / "7.png", np.full((2, 6, 3), 255))
    found = problems(gt=gt, pred=gt, gt_folder=folder / "maps", pred_options={"overlap": "error"})
    save_png(folder / "maps" / "7.png", [[200, 182, 16, 92, 92, 255]] * 2)
    for kind in ("stuffthingmaps", "panoptic_stuff"):
        options = {"gt_options": {"stuff": kind}, "pred_options": {"overlap": "error"}}
        found += problems(gt=gt, pred=gt, gt_folder=folder / "maps", **options)
    says(
        found,
        """
        DIR/maps/7.png (image 7): the PNG is 8-bit RGB
          expected: 8-bit grayscale or 8-bit palette
          do: write one class per pixel into one channel
        DIR/gt.json (image 7): the stuff map has the values 182, 200
          expected: values of stuffthingmaps: up to 181, or 255
          do: say what the map is with the option stuff, and check the category table
        DIR/gt.json (image 7): the stuff map has the values 92, 182, 200
          expected: values of panoptic_stuff: up to 53, or 255
          do: say what the map is with the option stuff, and check the category table
        """,
        folder=folder,
    )


@trigger
def stuff_options(folder):
    gt = gt_of_three(folder / "gt.json")
    (folder / "maps").mkdir()
    says(
        [
            raised(open_source, gt, format=FORMAT, options={"stuff": "panoptic_stuff"}),
            raised(open_source, gt, format=FORMAT, options={"stuff_json": "a.json"}, folder=folder / "maps"),
        ],
        """
        gt option stuff without a folder of stuff maps
          expected: --gt-folder, with the option stuff to say what is in it; or stuff_json
          do: name the stuff in one of these ways
        gt option stuff_json beside a folder of stuff maps
          expected: --gt-folder, with the option stuff to say what is in it; or stuff_json
          do: name the stuff in one of these ways
        """,
        folder=folder,
    )


@trigger
def no_decimal(folder):
    gt = gt_of_three(folder / "gt.json")
    says(
        raised(open_source, gt, format=FORMAT, options={"min_score": "half"}),
        """
        gt option min_score is 'half'
          expected: a decimal number such as 0.5
          do: see `pqeval formats NAME`
        """,
        folder=folder,
    )


@pytest.mark.parametrize(
    ("text", "sound"),
    [
        ("0", True),
        (".25", True),
        ("-3.5", True),
        ("1.", True),
        ("", False),
        ("1e3", False),
        ("nan", False),
        ("1/2", False),
    ],
)
def test_limits_are_decimal_texts(tmp_path, text, sound):
    gt = gt_of_three(tmp_path / "gt.json")
    for name in ("min_score", "max_covered"):
        if sound:
            open_source(gt, format=FORMAT, options={name: text})
        else:
            assert raised(open_source, gt, format=FORMAT, options={name: text}).code == "option-decimal"


def test_the_second_json_stays_in_its_folder(tmp_path):
    gt = gt_of_three(tmp_path / "set" / "gt.json")
    gt_of_three(tmp_path / "stuff.json")
    assert (
        raised(open_source, gt, format=FORMAT, options={"stuff_json": "../stuff.json"}).code
        == "path-leaves-folder"
    )


def test_other_options_are_refused(tmp_path):
    gt = gt_of_three(tmp_path / "gt.json")
    assert raised(open_source, gt, format=FORMAT, options={"overlap": "top"}).code == "option-value"
    assert raised(open_source, gt, format=FORMAT, options={"min_stuff": "-1"}).code == "option-number"


def test_an_unknown_category_is_told(tmp_path):
    gt = save_gt(tmp_path / "gt.json", [annotation(1, 77, packed(LEFT)), annotation(2, SKY, packed(RIGHT))])
    pred = save_pred(tmp_path / "pred.json", [result(78, packed(LEFT), 1)])
    assert codes(problems(gt=gt, pred=pred)) == ["gt-category-unknown", "pred-category-unknown"]
