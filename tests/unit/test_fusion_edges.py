"""Fusion rules at their edges: equal to the limit, tied, empty; worked out by hand from the papers' rules."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import pqeval
from pqeval import fusion
from pqeval.fusion import (
    degeus,
    efficientps,
    heuristic,
    mask_classification,
    panoptic_deeplab,
    panoptic_fcn,
    upsnet,
)

THING, OTHER_THING, STUFF, OTHER_STUFF = 1, 3, 7, 8
THINGS = {THING, OTHER_THING}
CHANNELS = [STUFF, OTHER_STUFF, THING, OTHER_THING]
VERY = 9.0


def mask(text):
    """Masks of one row each: ``#`` is inside; rows are separated by blanks."""
    return np.array([[[letter == "#" for letter in row]] for row in text.split()], bool)


def logits(text, high=VERY):
    """Semantic logits of one row; a digit is the channel that is high, ``.`` none."""
    return np.array([[[high if letter == str(at) else 0.0 for letter in text]] for at in range(4)])


def found(segmentation):
    """Ids, and categories in the order of ids."""
    ids, segments = segmentation
    return ids[0].tolist(), [segment["category_id"] for segment in segments]


def thing_logits(text, high=VERY):
    return np.where(mask(text), high, -high)


# Panoptic FPN's heuristic.


def pasted(masks, scores, semantic=(STUFF,) * 8, **settings):
    settings = {"stuff_area": 1, "things": THINGS} | settings
    width = masks.shape[-1]
    return found(
        heuristic.fuse(
            masks=masks, scores=scores, categories=[THING] * len(masks), semantic=[semantic[:width]], **settings
        )
    )


def test_an_overlap_of_exactly_a_half_is_kept_and_one_pixel_more_is_not():
    assert pasted(mask("##.... .##..."), [0.9, 0.8]) == ([1, 1, 2, 3, 3, 3], [THING, THING, STUFF])
    assert pasted(mask("##.... ###..."), [0.9, 0.8]) == ([1, 1, 2, 2, 2, 2], [THING, STUFF])


def test_the_overlap_is_measured_with_all_that_are_kept_and_not_with_one():
    masks = mask("##...... ..##.... .##..... .####...")
    # The third has half its pixels in the first, the other half in the second; the fourth three of four.
    assert pasted(masks, [0.9, 0.8, 0.7, 0.6]) == ([1, 1, 2, 2, 3, 3, 3, 3], [THING, THING, STUFF])


def test_a_mask_that_was_dropped_covers_nothing():
    masks = mask("###... .##### ...##.")
    # The second keeps 3 of 5 pixels and stays; were it dropped at 0.3, the third would be free.
    assert pasted(masks, [0.9, 0.8, 0.7])[0] == [1, 1, 1, 2, 2, 2]
    assert pasted(masks, [0.9, 0.8, 0.7], overlap_threshold=0.3)[0] == [1, 1, 1, 2, 2, 3]


def test_an_overlap_as_large_as_a_threshold_without_exact_binary_form_is_kept():
    # 3 of 10 is the number that 0.3 is.
    masks = mask("###......... ##########..")
    assert pasted(masks, [0.9, 0.8], (STUFF,) * 12, overlap_threshold=0.3)[0] == [1] * 3 + [2] * 7 + [3] * 2


def test_a_score_at_the_cut_is_kept_in_single_precision_too():
    for cut in (0.5, 0.6, 0.7):
        scores = np.array([cut, cut - 1e-3], np.float32)
        assert pasted(mask("#. .#"), scores, score_threshold=cut) == ([1, 2], [THING, STUFF])


def test_a_probability_of_exactly_a_half_is_inside():
    masks = np.array([[[0.5, 0.49, 1.0]]], np.float32)
    assert pasted(masks, [0.9])[0] == [1, 2, 1]


def test_equal_scores_keep_their_order():
    assert pasted(mask("##. .##"), [0.9, 0.9])[0] == [1, 1, 2]
    assert pasted(mask(".## ##."), [0.9, 0.9])[0] == [2, 1, 1]
    count = 200
    assert pasted(np.eye(count, dtype=bool)[:, None], np.tile([0.9, 0.8], count // 2), [0] * count) == (
        [at // 2 + 1 + (at % 2) * count // 2 for at in range(count)],
        [THING] * count,
    )


def test_a_mask_that_is_covered_altogether_is_no_segment():
    assert pasted(mask("###. .#.."), [0.9, 0.8], overlap_threshold=1) == ([1, 1, 1, 2], [THING, STUFF])


def test_stuff_is_measured_after_the_things_and_the_limit_itself_is_enough():
    stuff = [STUFF, STUFF, STUFF, OTHER_STUFF, OTHER_STUFF]
    assert pasted(mask("#...."), [0.9], stuff, stuff_area=2) == ([1, 2, 2, 3, 3], [THING, STUFF, OTHER_STUFF])
    assert pasted(mask("#...."), [0.9], stuff, stuff_area=3) == ([1, 0, 0, 0, 0], [THING])


def test_other_and_things_without_an_instance_are_void():
    semantic = [0, THING, STUFF, STUFF]
    assert pasted(mask("...."), [0.9], semantic) == ([0, 0, 1, 1], [STUFF])


def test_a_table_with_category_0_says_what_other_is():
    semantic = [0, 255, 0, THING]
    assert pasted(mask("...."), [0.9], semantic, other=255) == ([1, 0, 1, 0], [0])
    assert pasted(mask("...."), [0.9], semantic, other=-1) == ([1, 2, 1, 0], [0, 255])


def test_nothing_at_all_is_void():
    empty = np.zeros((0, 1, 3))
    assert pasted(empty, [], [0, 0, 0]) == ([0, 0, 0], [])


# UPSNet.


def upsnets(masks, categories, semantic, *, scores=None, boxes=None, **settings):
    count, _, width = masks.shape
    settings = {"stuff_area": 1} | settings
    return found(
        upsnet.fuse(
            masks=masks,
            boxes=np.tile([0, 0, width, 1], (count, 1)) if boxes is None else boxes,
            scores=np.linspace(0.95, 0.9, count) if scores is None else scores,
            categories=categories,
            semantic=semantic,
            channels=CHANNELS,
            things=THINGS,
            **settings,
        )
    )


def test_only_masks_of_the_same_class_are_pruned_and_a_share_of_exactly_the_limit_stays():
    masks = thing_logits("###....... ########## ##########")
    arguments = {"masks": masks, "scores": [0.9, 0.8, 0.7]}
    assert upsnet.prune(**arguments, categories=[1, 1, 3]).tolist() == [0, 1, 2]
    masks = thing_logits("####...... ########## ##########")
    arguments = {"masks": masks, "scores": [0.9, 0.8, 0.7]}
    assert upsnet.prune(**arguments, categories=[1, 1, 3]).tolist() == [0, 2]
    assert upsnet.prune(**arguments, categories=[1, 3, 3]).tolist() == [0, 1]


def test_a_score_at_upsnets_cut_is_dropped():
    masks = thing_logits("#. .#")
    scores = np.array([0.6, 0.61], np.float32)
    assert upsnet.prune(masks=masks, scores=scores, categories=[1, 1]).tolist() == [1]


def test_a_mask_logit_of_0_is_outside_and_an_empty_mask_is_dropped():
    masks = np.array([[[0.0, 0.0]], [[0.0, 1.0]]])
    assert upsnet.prune(masks=masks, scores=[0.9, 0.8], categories=[1, 1]).tolist() == [1]


def test_panoptic_logits_have_a_channel_for_unknown():
    masks = np.array([[[2.0, -1.0, 0.0]], [[0.0, 4.0, 0.0]]], np.float32)
    semantic = np.arange(12, dtype=np.float32).reshape(4, 1, 3)
    found, stuff = upsnet.panoptic_logits(
        masks=masks,
        boxes=[[0, 0, 2, 1], [1, 0, 2, 1]],
        categories=[THING, OTHER_THING],
        semantic=semantic,
        channels=CHANNELS,
        things=THINGS,
    )
    assert stuff == (STUFF, OTHER_STUFF)
    assert found.dtype == np.float32
    assert found[:, 0].tolist() == [
        [0, 1, 2],
        [3, 4, 5],
        [6 + 2, 7 - 1, 0],
        [0, 10 + 4, 0],
        [9 - 6, 10 - 10, 11 - 0],
    ]


def test_unknown_is_made_of_things_only():
    found, stuff = upsnet.panoptic_logits(
        masks=np.zeros((1, 1, 1)),
        boxes=[[5, 5, 6, 6]],
        categories=[THING],
        semantic=[[[9.0]], [[8.0]], [[2.0]]],
        channels=[STUFF, 0, THING],
        things=THINGS,
    )
    assert (found.ravel().tolist(), stuff) == ([9, 0, 2], (STUFF,))


def test_a_pruned_instance_takes_nothing_with_it():
    masks = thing_logits(".... #... ..#.")
    masks[1, 0, 1] = masks[2, 0, 3] = -1
    ids, segments = upsnet.fuse(
        masks=masks,
        boxes=[[0, 0, 4, 1], [0, 0, 1, 1], [2, 0, 3, 1]],
        scores=[0.9, 0.7, 0.8],
        categories=[THING, THING, OTHER_THING],
        semantic=logits("2030"),
        channels=CHANNELS,
        things=THINGS,
        stuff_area=1,
    )
    assert ids.tolist() == [[2, 3, 1, 3]]
    assert [(row["category_id"], row.get("score")) for row in segments] == [(3, 0.8), (1, 0.7), (7, None)]


def test_without_instances_there_is_no_unknown_and_negative_stuff_still_wins():
    semantic = np.full((4, 1, 2), -1.0)
    semantic[2:] = 5
    logits, _ = upsnet.panoptic_logits(
        masks=np.zeros((0, 1, 2)),
        boxes=np.zeros((0, 4)),
        categories=[],
        semantic=semantic,
        channels=CHANNELS,
        things=THINGS,
    )
    assert len(logits) == 2
    assert upsnets(np.zeros((0, 1, 2)), [], semantic) == ([1, 1], [STUFF])


def test_without_stuff_and_instances_all_is_void():
    arguments = {"masks": np.zeros((0, 1, 2)), "scores": [], "categories": [], "boxes": np.zeros((0, 4))}
    semantic = {"semantic": np.ones((1, 1, 2)), "channels": [THING], "things": THINGS}
    for rule in ("upsnet", "efficientps", "heuristic", "panoptic_fcn", "degeus"):
        given = {name: value for name, value in arguments.items() if name != "boxes" or rule[0] in "ue"}
        ids, segments = fusion.fuse(rule, **given, **semantic)
        assert (ids.tolist(), segments) == ([[0, 0]], [])


MISSED = "22333000"
"""A thing, one that the detector missed, and stuff. Stuff is next best where the detector missed it."""


def missed():
    semantic = logits(MISSED)
    semantic[0, 0, 2:5] = 1
    return thing_logits("##......"), [THING], semantic


def test_unknown_takes_what_the_detector_missed():
    assert upsnets(*missed()) == ([1, 1, 0, 0, 0, 2, 2, 2], [THING, STUFF])
    assert upsnets(*missed(), unknown=False) == ([1, 1, 2, 2, 2, 2, 2, 2], [THING, STUFF])


def test_unknown_is_worth_it_under_pq():
    truth = (
        np.array([[1, 1, 2, 2, 2, 3, 3, 3]]),
        [
            {"id": 1, "category_id": THING},
            {"id": 2, "category_id": OTHER_THING},
            {"id": 3, "category_id": STUFF},
        ],
    )
    table = [
        {"id": THING, "name": "cat", "isthing": 1},
        {"id": OTHER_THING, "name": "dog", "isthing": 1},
        {"id": STUFF, "name": "sky", "isthing": 0},
    ]
    masks, categories, semantic = missed()
    scores = {}
    for unknown in (True, False):
        metric = pqeval.PanopticQuality(table)
        fused = fusion.fuse(
            "upsnet",
            masks=masks,
            boxes=[[0, 0, 8, 1]],
            scores=[0.9],
            categories=categories,
            semantic=semantic,
            channels=CHANNELS,
            things=THINGS,
            unknown=unknown,
            stuff_area=1,
        )
        metric.update(gt=truth, pred=fused, image_id=1)
        scores[unknown] = metric.compute().pq
    # Cat 1, dog 0. Sky: 3 of 3 pixels, or 3 of 6, which is no match: a miss and a false alarm.
    assert scores == {True: pytest.approx((1 + 0 + 1) / 3), False: pytest.approx((1 + 0 + 0) / 3)}


def test_an_instance_that_is_half_stuff_turns_into_it_and_one_that_is_less_does_not():
    masks = thing_logits("####.", 30.0)
    # Votes: two for stuff, one each for others; then two for stuff and two for the instance's own class, where the
    # smaller id wins; then three different ones.
    assert upsnets(masks, [THING], logits("0013.")) == ([1, 1, 1, 1, 1], [STUFF])
    assert upsnets(masks, [OTHER_THING], logits("0033.")) == ([1, 1, 1, 1, 2], [OTHER_THING, STUFF])
    assert upsnets(thing_logits("###.", 30.0), [THING], logits("013.")) == ([1, 1, 1, 2], [THING, STUFF])


def test_stuff_that_is_most_frequent_with_less_than_a_half_changes_nothing():
    found = upsnets(thing_logits("#####.", 30.0), [THING], logits("00123."))
    assert found == ([1, 1, 1, 1, 1, 2], [THING, STUFF])


def test_an_instance_of_another_thing_keeps_its_class():
    assert upsnets(thing_logits("###.", 30.0), [THING], logits("333.")) == ([1, 1, 1, 2], [THING, STUFF])


def test_what_an_instance_turned_into_counts_for_the_area():
    masks = thing_logits("##..", 30.0)
    assert upsnets(masks, [THING], logits("0001"), stuff_area=3) == ([1, 1, 1, 0], [STUFF])


def test_a_pixel_is_in_a_box_if_its_centre_is():
    arguments = {
        "masks": np.zeros((1, 1, 4)),
        "categories": [THING],
        "semantic": np.full((4, 1, 4), 2.0),
        "channels": CHANNELS,
        "things": THINGS,
    }
    for left, right, inside in ((0.5, 2.5, [2, 2, 0, 0]), (0.6, 2.6, [0, 2, 2, 0]), (3, 99, [0, 0, 0, 2])):
        found, _ = upsnet.panoptic_logits(**arguments, boxes=[[left, 0.5, right, 0.6]])
        assert found[2, 0].tolist() == inside
    found, _ = upsnet.panoptic_logits(**arguments, boxes=[[0, 0, 4, 0.5]])
    assert found[2, 0].tolist() == [0, 0, 0, 0]


# Panoptic-DeepLab.


def spread(count):
    """A heat map with so many different peaks, none next to another."""
    heat = np.zeros((1, 2 * count))
    heat[0, ::2] = 0.2 + np.arange(count) / (2 * count)
    return heat


@pytest.mark.parametrize(("count", "kept"), [(198, 198), (199, 199), (200, 199), (201, 199)])
def test_of_200_different_centres_199_stay(count, kept):
    assert len(panoptic_deeplab.find_centres(heat=spread(count), nms_window=3)) == kept


def test_centres_as_high_as_the_limit_go_together():
    heat = spread(200)
    heat[0, 0:10:2] = 0.2
    assert len(panoptic_deeplab.find_centres(heat=heat, nms_window=3)) == 195
    assert len(panoptic_deeplab.find_centres(heat=np.full((15, 15), 0.5), nms_window=3)) == 0
    assert len(panoptic_deeplab.find_centres(heat=np.full((15, 15), 0.5), nms_window=3, top_k=None)) == 225


def test_two_equal_neighbours_are_both_centres():
    found = panoptic_deeplab.find_centres(heat=[[0.1, 0.5, 0.5, 0.4]], nms_window=3)
    assert found.tolist() == [[0, 1], [0, 2]]


def test_heat_at_the_threshold_is_no_centre_and_neither_is_0():
    heat = np.array([[0.1, 0.0, 0.0, 0.11]], np.float32)
    assert panoptic_deeplab.find_centres(heat=heat, nms_window=3).tolist() == [[0, 3]]
    assert panoptic_deeplab.find_centres(heat=[[0.0, 0.0]], nms_window=1, centre_threshold=-1).tolist() == []


def test_a_peak_suppresses_as_far_as_its_window():
    heat = [[0.9, 0.0, 0.0, 0.8, 0.0]]
    assert len(panoptic_deeplab.find_centres(heat=heat, nms_window=5)) == 2
    assert len(panoptic_deeplab.find_centres(heat=heat, nms_window=7)) == 1


def grouped(heat, semantic, offsets=None, **settings):
    offsets = np.zeros((2, 1, len(semantic))) if offsets is None else offsets
    settings = {"nms_window": 3, "stuff_area": 1} | settings
    return found(
        panoptic_deeplab.fuse(semantic=[semantic], centres=[heat], offsets=offsets, things=THINGS, **settings)
    )


def test_a_pixel_between_two_centres_joins_the_first():
    assert grouped([0.5, 0, 0, 0, 0.9], [1, 1, 1, 1, 1])[0] == [1, 1, 1, 2, 2]


def test_an_offset_points_to_the_centre_rows_first():
    offsets = np.zeros((2, 3, 1))
    offsets[0, 2, 0] = -2
    ids, _ = panoptic_deeplab.fuse(
        semantic=[[1], [0], [1]], centres=[[0.9], [0.0], [0.8]], offsets=offsets, things=THINGS, nms_window=3
    )
    assert ids.tolist() == [[1], [0], [1]]


def test_of_equally_frequent_classes_the_smallest_is_that_of_the_instance():
    assert grouped([0.9, 0, 0, 0], [3, 3, 1, 1]) == ([1, 1, 1, 1], [1])
    assert grouped([0.9, 0, 0, 0], [3, 3, 3, 1]) == ([1, 1, 1, 1], [3])


def test_a_centre_on_stuff_can_have_pixels_and_one_without_has_no_segment():
    assert grouped([0.9, 0, 0, 0, 0.8], [STUFF, 1, 1, STUFF, STUFF]) == ([2, 1, 1, 2, 2], [1, STUFF])


def test_things_without_any_centre_are_void():
    assert grouped([0, 0, 0.1], [1, STUFF, STUFF]) == ([0, 1, 1], [STUFF])
    assert grouped([0, 0, 0.1], [1, STUFF, STUFF], stuff_area=3) == ([0, 0, 0], [])


def test_without_things_there_is_only_stuff():
    assert grouped([0.9, 0, 0.9], [STUFF, STUFF, 0]) == ([1, 1, 0], [STUFF])


def test_a_score_is_the_heat_at_the_mean_position_times_the_mean_probability():
    semantic = np.zeros((4, 1, 4))
    semantic[2] = [[np.log(9.0), np.log(3.0), 0.0, -VERY]]
    # Probabilities of category 1: 9/12, 3/6 and 1/4. Their pixels are 0 to 2, all of one instance.
    semantic[:2, 0, 2] = -1e-3
    _, segments = panoptic_deeplab.fuse(
        semantic=semantic,
        channels=CHANNELS,
        centres=[[0.75, 0.5, 0.0, 0.0]],
        offsets=np.zeros((2, 1, 4)),
        things=THINGS,
        nms_window=3,
        stuff_area=1,
    )
    assert segments[0]["score"] == pytest.approx(0.5 * (9 / 12 + 3 / 6 + 1 / 4) / 3, abs=1e-3)


# Panoptic FCN.


def test_a_kernel_whose_best_match_was_absorbed_is_dropped():
    def ray(degrees):
        return [np.cos(np.radians(degrees)), np.sin(np.radians(degrees))]

    # Each is like its neighbours only: the cosine of 20 degrees is 0.94, that of 40 is 0.77.
    kernels = np.array([ray(0), ray(20), ray(40)])
    found, scores, categories = panoptic_fcn.fuse_kernels(
        kernels=kernels, scores=[0.9, 0.8, 0.7], categories=[1, 1, 1]
    )
    assert found == pytest.approx(np.array([(kernels[0] + kernels[1]) / 2]))
    assert (scores.tolist(), categories.tolist()) == ([0.9], [1])
    # In another order the middle one is the best, and both join it.
    found, scores, _ = panoptic_fcn.fuse_kernels(kernels=kernels, scores=[0.7, 0.9, 0.8], categories=[1, 1, 1])
    assert found == pytest.approx(kernels.mean(0)[None])
    assert scores.tolist() == [0.9]


def test_similarity_at_the_threshold_joins_and_other_classes_do_not():
    kernels = np.array([[1.0, 0.0], [3.0, 4.0], [5.0, 0.0]], np.float32)
    arguments = {"kernels": kernels, "scores": np.array([0.9, 0.8, 0.7], np.float32)}
    found, scores, _ = panoptic_fcn.fuse_kernels(**arguments, categories=[1, 1, 1], similarity_threshold=0.6)
    assert found.tolist() == [[3.0, np.float32(4 / 3)]]
    assert (found.dtype, scores.dtype) == (np.float32, np.float32)
    found, _, categories = panoptic_fcn.fuse_kernels(**arguments, categories=[1, 1, 3], similarity_threshold=0.6)
    assert found.tolist() == [[2, 2], [5, 0]]
    assert categories.tolist() == [1, 3]
    found, _, _ = panoptic_fcn.fuse_kernels(**arguments, categories=[1, 1, 1], similarity_threshold=0.61)
    assert found.tolist() == [[3, 0], [3, 4]]


def test_a_kernel_of_zeros_is_like_no_other():
    found, _, _ = panoptic_fcn.fuse_kernels(
        kernels=np.zeros((2, 3)), scores=[0.9, 0.8], categories=[1, 1], similarity_threshold=-1
    )
    assert len(found) == 2


def test_no_kernels_are_no_masks():
    nothing = {"kernels": np.zeros((0, 3), np.float32), "scores": [], "categories": []}
    for step in (panoptic_fcn.fuse_kernels, panoptic_fcn.average_stuff_kernels):
        kernels, scores, categories = step(**nothing)
        assert (kernels.shape, scores.shape, categories.shape) == ((0, 3), (0,), (0,))
    masks = panoptic_fcn.masks_from_kernels(kernels=kernels, features=np.zeros((3, 2, 5), np.float32))
    assert (masks.shape, masks.dtype) == ((0, 2, 5), np.float32)


def convolved(masks, scores, **settings):
    settings = {"stuff_area": 1} | settings
    ids, segments = panoptic_fcn.fuse(
        masks=masks,
        scores=scores,
        categories=[THING] * len(masks),
        semantic=np.full(np.shape(masks)[1:], STUFF),
        things=THINGS,
        **settings,
    )
    return ids[0].tolist(), [segment.get("score") for segment in segments]


def test_a_score_is_multiplied_by_the_mean_probability_inside_the_mask():
    assert convolved([[[1.0, 0.5, 0.4, 0.0]]], [0.5]) == ([1, 1, 2, 2], [0.375, None])


def test_the_new_score_decides_who_is_first():
    masks = [[[0.5, 0.5, 0.5, 0.0]], [[0.0, 1.0, 1.0, 1.0]]]
    assert convolved(masks, [0.9, 0.5], overlap_threshold=0.7) == ([2, 1, 1, 1], [0.5, 0.45])


def test_scores_at_the_cuts_stay():
    sure = mask("#.")
    for cut in (0.2, 0.3, 0.7):
        for kind in (np.float32, np.float64):
            assert len(convolved(sure, np.array([cut], kind), score_threshold=cut)[1]) == 2
            assert len(convolved(sure, np.array([cut], kind), rescore_threshold=cut)[1]) == 2
            assert len(convolved(sure, np.array([cut - 1e-4], kind), score_threshold=cut)[1]) == 1
            assert len(convolved(sure, np.array([cut - 1e-4], kind), rescore_threshold=cut)[1]) == 1


def test_only_the_best_few_stay():
    masks = mask("#... .#.. ..#.")
    assert convolved(masks, [0.5, 0.9, 0.5], most=2)[0] == [2, 1, 3, 3]


def test_an_instance_without_pixels_has_no_score():
    assert convolved([[[0.4, 0.0]]], [1.0], score_threshold=0, rescore_threshold=0) == ([1, 1], [None])


# Mask classification.


def answered(masks, classes, variant, **settings):
    """Queries that are almost sure of a class: an index into the categories 1, 7, 8, or 3 for none."""
    class_logits = np.zeros((len(classes), 4))
    class_logits[np.arange(len(classes)), classes] = 20
    return found(
        mask_classification.fuse(
            masks=masks,
            class_logits=class_logits,
            channels=[THING, STUFF, OTHER_STUFF],
            things=THINGS,
            variant=variant,
            **settings,
        )
    )


FOUR_OF_FIVE = np.array([[[2.0, 2, 2, 2, 2, -9]], [[-9, -9, -9, -9, 5, 5]]])
"""The first query wins 4 of its 5 pixels, a share of exactly 0.8."""


def test_a_share_of_exactly_four_fifths_is_kept_but_not_by_hugging_face():
    kept = [1, 1, 1, 1, 2, 2], [THING, THING]
    assert answered(FOUR_OF_FIVE, [0, 0], "mask2former") == kept
    assert answered(FOUR_OF_FIVE, [0, 0], "maskformer") == kept
    assert answered(FOUR_OF_FIVE, [0, 0], "huggingface") == ([0, 0, 0, 0, 1, 1], [THING])
    assert answered(FOUR_OF_FIVE, [0, 0], "huggingface", kept_share=0.79) == kept
    assert answered(FOUR_OF_FIVE, [0, 0], "mask2former", kept_share=0.81) == ([0, 0, 0, 0, 1, 1], [THING])


def test_improbable_pixels_are_void_except_for_maskformer():
    masks = np.array([[[5.0, 5, 5, 5, -1]]])
    assert answered(masks, [1], "mask2former")[0] == [1, 1, 1, 1, 0]
    assert answered(masks, [1], "maskformer")[0] == [1, 1, 1, 1, 1]
    assert answered(masks, [1], "huggingface")[0] == [1, 1, 1, 1, 1]


def test_a_query_that_wins_improbable_pixels_only_is_no_segment():
    masks = np.array([[[5.0, 0.1, -1]], [[-9, 0.0, -0.5]]])
    # The second wins the last pixel, and its mask is the middle one.
    assert answered(masks, [0, 0], "mask2former")[0] == [1, 1, 0]
    assert answered(masks, [0, 0], "maskformer")[0] == [1, 1, 2]


def test_a_stuff_query_without_pixels_is_nothing_to_merge_with():
    masks = np.array([[[5.0, 0.1, -1, -9]], [[-9, 0.0, -0.5, -9]], [[-9, -9, -9, 5]]])
    assert answered(masks, [0, 1, 1], "mask2former") == ([1, 1, 0, 2], [THING, STUFF])


def test_a_mask_logit_of_0_is_inside():
    assert answered(np.zeros((1, 1, 2)), [0], "mask2former")[0] == [1, 1]


def test_hugging_face_measures_masks_after_they_were_multiplied_by_the_score():
    # Probabilities of 0.73 are inside; times a score of 0.67 they are not: 2 of 2 pixels instead of 2 of 4.
    logits = np.array([[np.log(2.0), 0.0]])
    masks = np.array([[[5.0, 5.0, 1.0, 1.0, -9]], [[-9, -9, 5.0, 5.0, 5.0]]])
    arguments = {"masks": masks, "class_logits": np.tile(logits, (2, 1)), "channels": [THING], "things": THINGS}
    arguments["score_threshold"] = 0.5
    assert found(mask_classification.fuse(**arguments, variant="huggingface"))[0] == [1, 1, 2, 2, 2]
    assert found(mask_classification.fuse(**arguments, variant="mask2former"))[0] == [0, 0, 1, 1, 1]


def test_a_score_at_the_threshold_is_dropped():
    arguments = {
        "masks": np.full((1, 1, 2), 99.0),
        "channels": [THING],
        "things": THINGS,
        "variant": "huggingface",
    }
    assert found(mask_classification.fuse(**arguments, class_logits=[[0.0, 0.0]]))[1] == []
    assert found(mask_classification.fuse(**arguments, class_logits=[[0.01, 0.0]]))[1] == [THING]


def test_queries_of_one_stuff_class_are_one_segment_and_ids_never_collide():
    # Where Hugging Face's counter would be set back to 1 by the third query, and the fourth get the id 2 again.
    masks = np.full((4, 1, 4), -VERY)
    masks[range(4), 0, range(4)] = VERY
    classes = [1, 0, 1, 0]
    fused = [1, 2, 1, 3], [STUFF, THING, THING]
    assert answered(masks, classes, "mask2former") == fused
    assert answered(masks, classes, "huggingface", merged=[STUFF]) == fused
    apart = [1, 2, 3, 4], [STUFF, THING, STUFF, THING]
    assert answered(masks, classes, "huggingface") == apart
    assert answered(masks, classes, "mask2former", merged=()) == apart


def test_of_equally_sure_queries_the_first_wins():
    masks = np.full((2, 1, 2), VERY)
    assert answered(masks, [0, 0], "mask2former") == ([1, 1], [THING])


def test_no_queries_and_no_object_are_void():
    for variant in ("mask2former", "maskformer", "huggingface"):
        assert answered(np.zeros((0, 1, 2)), np.zeros(0, int), variant) == ([0, 0], [])
        assert answered(np.full((2, 1, 2), VERY), [3, 3], variant) == ([0, 0], [])


# EfficientPS.


def efficient(masks, semantic, boxes, **settings):
    return found(
        efficientps.fuse(
            masks=masks,
            boxes=boxes,
            scores=settings.pop("scores", [0.9] * len(masks)),
            categories=[THING] * len(masks),
            semantic=semantic,
            channels=CHANNELS,
            things=THINGS,
            **{"stuff_area": 1} | settings,
        )
    )


def test_outside_its_box_an_instance_beats_negative_stuff():
    semantic = np.full((4, 1, 3), -1.0)
    semantic[0, 0, 1] = 0.5
    semantic[1, 0, 2] = 0.0
    masks = np.array([[[2.0, 0, 0]]])
    # Its logit is 0 outside: more than -1, less than 0.5, and as much as 0, where the first, stuff, wins.
    semantic[:, 0, 0] = -1
    assert efficient(masks, semantic, [[0, 0, 1, 1]]) == ([1, 2, 3], [THING, STUFF, OTHER_STUFF])
    semantic[1, 0, 2] = -0.5
    assert efficient(masks, semantic, [[0, 0, 1, 1]]) == ([1, 2, 1], [THING, STUFF])


def test_two_logits_confirm_or_weaken_each_other():
    semantic = np.zeros((4, 1, 3))
    semantic[0] = [[3.8, 3.0, 3.9]]
    semantic[2] = [[1.0, -1.0, 1.0]]
    masks = np.full((1, 1, 3), 1.5)
    # (0.818 + 0.731) * 2.5 = 3.87 against 3.8 and 3.9, and (0.818 + 0.269) * 0.5 = 0.54 against 3.
    assert efficient(masks, semantic, [[0, 0, 3, 1]]) == ([1, 2, 2], [THING, STUFF])


def test_an_empty_mask_is_dropped_where_the_authors_code_divides_by_0():
    semantic = np.full((4, 1, 2), -1.0)
    assert efficient(np.array([[[0.0, -1]]]), semantic, [[0, 0, 2, 1]]) == ([1, 1], [STUFF])


def test_efficientps_cuts_are_strict():
    masks = thing_logits("##.. .##. ..##")
    semantic = logits("2222")
    for scores, kept in (([0.9, 0.8, 0.5], 2), ([0.9, 0.8, 0.51], 3)):
        _, categories = efficient(masks, semantic, [[0, 0, 4, 1]] * 3, scores=scores)
        assert categories.count(THING) == kept


def test_stuff_left_by_the_instances_is_measured_and_things_are_void():
    semantic = logits("22003")
    masks = thing_logits("##...")
    boxes = [[0, 0, 2, 1]]
    masks[0, 0, 2:] = 0
    assert efficient(masks, semantic, boxes, stuff_area=2) == ([1, 1, 2, 2, 0], [THING, STUFF])
    assert efficient(masks, semantic, boxes, stuff_area=3) == ([1, 1, 0, 0, 0], [THING])


# De Geus et al.


def joint(masks, semantic, **settings):
    return found(
        degeus.fuse(
            masks=masks,
            categories=[THING] * len(masks),
            semantic=semantic,
            channels=CHANNELS,
            things=THINGS,
            **settings,
        )
    )


def test_the_surest_mask_wins_whatever_the_score():
    masks = np.array([[[0.6, 0.6, 0.4, 0.5]], [[0.7, 0.6, 0.3, 0.5]]])
    assert joint(masks, logits("....") - VERY, scores=[0.9, 0.1], stuff_share=1)[0] == [2, 1, 0, 1]


def test_small_stuff_goes_to_the_next_class_and_the_limit_itself_is_small():
    semantic = logits("0001", 2.0)
    empty = np.zeros((0, 1, 4))
    assert joint(empty, semantic, stuff_share=0.2) == ([1, 1, 1, 2], [STUFF, OTHER_STUFF])
    # Where stuff 8 was, stuff 7 has a probability of 1 / (3 + e^2) = 0.096.
    assert joint(empty, semantic, stuff_share=0.25, pixel_threshold=0.09) == ([1, 1, 1, 1], [STUFF])
    assert joint(empty, semantic, stuff_share=0.25, pixel_threshold=0.1) == ([1, 1, 1, 0], [STUFF])


def test_the_usual_limit_is_a_2048th_of_the_image():
    semantic = np.zeros((4, 64, 64))
    semantic[0] = VERY
    for pixels, left in ((2, 1), (3, 2)):
        semantic[1, 0, :pixels] = 2 * VERY
        _, segments = degeus.fuse(
            masks=np.zeros((0, 64, 64)), categories=[], semantic=semantic, channels=CHANNELS, things=THINGS
        )
        assert len(segments) == left


def test_a_probability_of_exactly_a_quarter_is_void():
    assert joint(np.zeros((0, 1, 2)), np.zeros((4, 1, 2))) == ([0, 0], [])
    assert joint(np.zeros((0, 1, 2)), np.zeros((4, 1, 2)), pixel_threshold=0.24) == ([1, 1], [STUFF])


def test_stuff_is_measured_before_the_things_are_pasted():
    assert joint(mask("##.."), logits("0001"), stuff_share=0.5) == ([1, 1, 2, 0], [THING, STUFF])


def test_stuff_where_nothing_is_probable_stays_the_larger_one():
    semantic = np.full((4, 1, 2), -400.0, np.float32)
    semantic[2] = 0
    semantic[[0, 1], 0, [0, 1]] = -300
    # All probabilities of stuff are 0 in single precision; the logits still differ.
    assert joint(np.zeros((0, 1, 2)), semantic, pixel_threshold=-1) == ([1, 2], [STUFF, OTHER_STUFF])


# All of them.


def everything(rule):
    """Inputs of a rule, all of single precision."""
    masks = thing_logits("##.. .##.", 1.0).astype(np.float32)
    if rule == "mask_classification":
        return {
            "masks": masks,
            "class_logits": np.array([[9, 0, 0], [0, 9, 0]], np.float32),
            "channels": np.array([THING, STUFF]),
            "things": np.array([THING]),
        }
    inputs = {
        "semantic": logits("2200").astype(np.float32),
        "channels": np.array(CHANNELS),
        "things": np.array([1, 3]),
    }
    if rule == "panoptic_deeplab":
        heat = np.array([[1, 0, 0, 0]], np.float32)
        return inputs | {"centres": heat, "offsets": np.zeros((2, 1, 4), np.float32)}
    if rule in ("heuristic", "panoptic_fcn", "degeus"):
        masks = (masks > 0).astype(np.float32)
    else:
        inputs["boxes"] = np.array([[0, 0, 2, 1], [1, 0, 3, 1]], np.float32)
    return inputs | {"masks": masks, "scores": np.array([0.9, 0.8], np.float32), "categories": np.array([1, 3])}


@pytest.mark.parametrize("rule", fusion.available())
def test_inputs_are_only_read(rule):
    inputs = everything(rule)
    before = {name: value.copy() for name, value in inputs.items()}
    for value in inputs.values():
        value.setflags(write=False)
    for _ in range(2):
        ids, segments = fusion.fuse(rule, preset="small-scenes", **inputs)
        assert len(segments) >= 1
        assert ids.flags.writeable
    for name, value in before.items():
        assert np.array_equal(inputs[name], value)


@pytest.mark.parametrize("rule", fusion.available())
@pytest.mark.parametrize("kind", [list, np.float16, np.float64, np.int8])
def test_other_kinds_of_numbers_give_the_same(rule, kind):
    inputs = everything(rule)
    settings = {name: 1 for name in ("stuff_area",) if name in fusion.settings(rule)}
    other = {
        name: value.tolist() if kind is list else value.astype(kind) if value.dtype.kind == "f" else value
        for name, value in inputs.items()
        if name != "scores"
    } | {name: inputs[name] for name in ("scores",) if name in inputs}
    expected, found = fusion.fuse(rule, **inputs, **settings), fusion.fuse(rule, **other, **settings)
    assert expected[0].max() >= 1
    assert found[0].tolist() == expected[0].tolist()
    # Scores of double precision are not rounded to single.
    assert found[1] == [pytest.approx(segment) for segment in expected[1]]


@pytest.mark.parametrize("rule", fusion.available())
def test_every_rule_has_a_description_and_settings_that_it_takes(rule):
    module = fusion.get(rule)
    assert module.DESCRIPTION
    assert set(fusion.settings(rule)) <= set(module.fuse.__kwdefaults__)
    assert getattr(fusion, rule) is module


def test_the_panoptic_quality_of_a_fusion_worked_out_by_hand():
    truth = np.array([[1, 1, 1, 2, 2, 3, 3, 3, 3, 3]])
    segments = [{"id": 1, "category_id": THING}, {"id": 2, "category_id": THING}, {"id": 3, "category_id": STUFF}]
    fused = fusion.fuse(
        "heuristic",
        masks=mask("####...... ...##..... ........##"),
        scores=[0.9, 0.8, 0.4],
        categories=[THING] * 3,
        semantic=[[STUFF] * 10],
        things=THINGS,
        stuff_area=1,
    )
    assert fused[0].tolist() == [[1, 1, 1, 1, 2, 3, 3, 3, 3, 3]]
    metric = pqeval.PanopticQuality(
        [{"id": THING, "name": "cat", "isthing": 1}, {"id": STUFF, "name": "sky", "isthing": 0}]
    )
    metric.update(gt=(truth, segments), pred=fused, image_id=1)
    result = metric.compute()
    # The first cat: 3 of 4. The second: 1 of 2, no match, so one miss and one false alarm. Sky: 5 of 5.
    assert result.groups["Things"].pq == pytest.approx(0.75 / (1 + 0.5 + 0.5))
    assert result.groups["Stuff"].pq == 1
    assert result.pq == pytest.approx((0.375 + 1) / 2)


def test_a_score_of_0_is_a_score():
    _, segments = heuristic.fuse(
        masks=mask("##"), scores=[0], categories=[THING], semantic=[[STUFF] * 2], things=THINGS, score_threshold=0
    )
    assert segments == [{"id": 1, "category_id": THING, "isthing": True, "score": 0.0}]


def test_what_is_taken_is_not_given_again():
    ids, segments = heuristic.fuse(
        masks=mask("###. .###"),
        scores=[0.6, 0.7],
        categories=[THING, OTHER_THING],
        semantic=[[0] * 4],
        things=THINGS,
        overlap_threshold=0.9,
    )
    assert ids.tolist() == [[2, 1, 1, 1]]
    assert [(row["category_id"], row["score"]) for row in segments] == [(OTHER_THING, 0.7), (THING, 0.6)]


def test_the_room_can_be_listed_without_numpy():
    code = (
        "import sys, pqeval.fusion as f\n"
        "assert f.available() and f.settings('upsnet', 'small_scenes')\n"
        "assert not {'numpy', 'scipy'} & set(sys.modules), 'loaded'\n"
        "assert f.heuristic.DESCRIPTION and 'numpy' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_private_modules_are_no_rules():
    assert not [name for name in fusion.available() if name.startswith("_")]


def test_efficientps_ties_are_ties_whatever_the_types():
    """Mask logit 0 and semantic logit -1 in the box of one, -1 and nothing (0) of the other: the first has it."""
    id_map, _ = efficientps.fuse(
        masks=np.array([[[0.0, 5.0]], [[-1.0, 5.0]]]),
        boxes=[[0, 0, 2, 1], [1, 0, 2, 1]],
        scores=[0.9, 0.8],
        categories=[3, 3],
        semantic=np.array([[[-1.0, 0.0]], [[-9.0, -9.0]]], np.float32),
        channels=[3, 7],
        things={3},
        overlap_threshold=1,
        stuff_area=1,
    )
    assert id_map.tolist() == [[1, 1]]
