"""The edge cases at which evaluators differ, crash or are silently wrong, by the number of their row.

Every row of the table is here but one: row 63 (overlapping masks) concerns run-length encoded masks, which no
format of pqeval reads yet, and an id map cannot overlap. The array half of row 23 and rows 64 and 65 concern
arrays; all others are files on disk.

The files are a few pixels large, so that every count below can be checked by looking at the map.
"""

from __future__ import annotations

import os

import numpy as np
import pytest
from click.testing import CliRunner
from datasets import GRAY, GRAY_ALPHA, PALETTE, RGBA, TABLE, colours, image, png, save, says, within

import pqeval
from pqeval.cli import cli

# A cat of 6 pixels, a dog of 4, sky of 8, and two pixels of void.
TRUTH = [
    [1, 1, 1, 3, 3],
    [1, 1, 1, 3, 3],
    [2, 2, 0, 3, 3],
    [2, 2, 0, 3, 3],
]
SEGMENTS = {1: 1, 2: 2, 3: 3}
GOOD = image(99, TRUTH, SEGMENTS)
ALL_FOUND = {1: (1, 0, 0), 2: (1, 0, 0), 3: (1, 0, 0)}
CAT, DOG, SKY = 1, 2, 3


def score(folder, gt, pred, *, categories=TABLE, gt_keys=None, pred_keys=None, **options):
    return pqeval.evaluate(
        gt=save(folder / "gt.json", gt, categories=categories, **(gt_keys or {})),
        pred=save(folder / "pred.json", pred, categories=None, **(pred_keys or {})),
        workers=1,
        **options,
    )


def refused(folder, gt, pred, **options):
    with pytest.raises(pqeval.DataError) as caught:
        score(folder, gt, pred, **options)
    return caught.value


def codes(found):
    """Codes of an error or of the errors that came together, or of the warnings of a result."""
    if isinstance(found, pqeval.Result):
        return [line[1:].split("]")[0] for line in found.warnings]
    return [error.code for error in getattr(found, "errors", [found])]


def counts(result):
    """TP, FP and FN of every class that occurs."""
    return {row.id: (row.tp, row.fp, row.fn) for row in result.per_class if row.pq is not None}


def crowd(number, category, **other):
    return {"id": number, "category_id": category, "iscrowd": 1} | other


def segment(number, category, **other):
    return {"id": number, "category_id": category} | other


def command(*arguments):
    """Run the command; return exit code and standard output, or the error it ended with."""
    ended = CliRunner().invoke(cli, [str(argument) for argument in arguments], standalone_mode=False)
    return ended.exception if ended.exception is not None else ended.output


# Void


def test_row_01_an_image_of_void_alone_adds_nothing(tmp_path):
    void = image(1, [[0, 0], [0, 0]], [])
    result = score(tmp_path, [void, GOOD], [void, GOOD])
    assert (result.pq, result.images["evaluated"], counts(result)) == (1.0, 2, ALL_FOUND)


def test_row_02_nothing_but_void_is_not_a_score(tmp_path):
    void = image(1, [[0, 0], [0, 0]], [])
    result = score(tmp_path, [void], [void])
    assert [(group.pq, group.sq, group.rq, group.n) for group in result.groups.values()] == [
        (None, None, None, 0)
    ] * 3
    assert '"pq": null' in result.to_json()
    error = command("evaluate", "--gt", tmp_path / "gt.json", "--pred", tmp_path / "pred.json")
    assert error.exit_code == 3
    says(
        error,
        """
        DIR/gt.json: there was nothing to average: no class occurs in the ground truth or in the
                predictions
          expected: at least one image with a segment
          do: check that the ground truth is the right file, and that its segments are not all crowd
        """,
        folder=tmp_path,
    )


def test_row_03_a_prediction_of_void_alone_misses_everything(tmp_path):
    result = score(tmp_path, [image(1, TRUTH, SEGMENTS)], [image(1, [[0] * 5] * 4, [])])
    assert counts(result) == {CAT: (0, 0, 1), DOG: (0, 0, 1), SKY: (0, 0, 1)}
    assert result.pq == 0.0


# Crowds


@pytest.mark.parametrize(("convention", "cat"), [("coco", None), ("panopticapi", (0, 1, 0))])
def test_row_04_two_crowds_of_a_class_with_most_of_the_prediction_on_the_first(tmp_path, convention, cat):
    gt = image(
        1,
        [[1] * 7 + [4] * 3 + [2] * 2],
        [crowd(1, CAT, area=7), segment(4, DOG, area=3), crowd(2, CAT, area=2)],
    )
    result = score(tmp_path, [gt], [image(1, [[9] * 10 + [0] * 2], {9: CAT})], convention=convention)
    assert counts(result).get(CAT) == cat
    assert result.void["fp_forgiven_by_crowd"] == (cat is None)
    assert codes(result) == ["crowds-of-one-class"]


@pytest.mark.parametrize(("convention", "cat"), [("coco", None), ("panopticapi", (0, 1, 0))])
def test_row_05_two_crowds_of_a_class_that_excuse_only_together(tmp_path, convention, cat):
    gt = image(
        1,
        [[1] * 4 + [2] * 4 + [4] * 2],
        [crowd(1, CAT, area=4), crowd(2, CAT, area=4), segment(4, DOG, area=2)],
    )
    result = score(tmp_path, [gt], [image(1, [[9] * 10], {9: CAT})], convention=convention)
    assert counts(result).get(CAT) == cat
    assert codes(result) == ["crowds-of-one-class"]


@pytest.mark.parametrize("convention", ["coco", "panopticapi"])
def test_row_06_the_large_crowd_is_listed_last_and_has_the_lower_id(tmp_path, convention):
    gt = image(
        1,
        [[1] * 7 + [4] * 3 + [2] * 2],
        [crowd(2, CAT, area=2), segment(4, DOG, area=3), crowd(1, CAT, area=7)],
    )
    result = score(tmp_path, [gt], [image(1, [[9] * 10 + [0] * 2], {9: CAT})], convention=convention)
    assert counts(result) == {DOG: (0, 0, 1)}
    assert codes(result) == []


# One half


@pytest.mark.parametrize(
    ("gt", "pred", "expected"),
    [
        ([[1, 1, 1, 1]], [[9, 9, 0, 0]], (0, 1, 1)),  # 2 / 4
        ([[1, 1, 1, 1, 0, 0]], [[0, 0, 9, 9, 9, 9]], (0, 1, 1)),  # 2 / (4 + 4 - 2 - 2 on void)
        ([[1, 1, 1, 1, 1]], [[9, 9, 9, 0, 0]], (1, 0, 0)),  # 3 / 5
    ],
)
def test_row_07_an_iou_of_one_half_is_no_match(tmp_path, gt, pred, expected):
    result = score(tmp_path, [image(1, gt, {1: CAT})], [image(1, pred, {9: CAT})])
    assert counts(result) == {CAT: expected}


# Map and list disagree


def test_row_08_a_predicted_segment_without_pixels_is_refused(tmp_path):
    gt = [image(1, TRUTH, SEGMENTS), image(2, TRUTH, SEGMENTS)]
    pred = [image(1, TRUTH, SEGMENTS | {8: CAT, 7: DOG}), image(2, TRUTH, SEGMENTS | {5: CAT})]
    error = refused(tmp_path, gt, pred)
    assert codes(error) == ["pred-id-without-pixels"] * 2
    says(
        error,
        """
        2 errors:
        DIR/pred/1.png (image 1): predicted segment id 7, 8 is listed but has no pixel
          expected: every listed segment in the map
          do: leave out segments that other segments cover completely
        DIR/pred/2.png (image 2): predicted segment id 5 is listed but has no pixel
          expected: every listed segment in the map
          do: leave out segments that other segments cover completely
        """,
        folder=tmp_path,
    )


def test_row_09_a_predicted_id_that_is_not_listed_is_refused(tmp_path):
    error = refused(tmp_path, [image(1, TRUTH, SEGMENTS)], [image(1, [[1, 1, 1, 3, 77], *TRUTH[1:]], SEGMENTS)])
    assert codes(error) == ["pred-id-not-listed"]
    says(
        error,
        """
        DIR/pred/1.png (image 1): predicted id 77 has pixels but no row in segments_info (the nearest
                listed id is 3)
          expected: every id of the map in its list; 0 is void
          do: list the segments, or set these pixels to 0; if many ids are off, check that the map is
                stored without loss and as R + 256 G + 65536 B
        """,
        folder=tmp_path,
    )


@pytest.mark.parametrize("convention", ["coco", "panopticapi"])
def test_row_10_a_listed_truth_without_pixels_counts_as_missed_and_is_told(tmp_path, convention):
    gt = image(1, [[1, 1]], [segment(1, CAT, area=2), segment(5, CAT, area=7)])
    result = score(tmp_path, [gt], [image(1, [[9, 9]], {9: CAT})], convention=convention)
    assert counts(result) == {CAT: (1, 0, 1)}
    assert result.warnings == (
        f"[gt-id-without-pixels] 1 image, first {tmp_path}/gt/1.png (image 1): ground-truth segment id 5 is "
        "listed but has no pixel; it counts as missed; do: remove the rows, or write the segments into the map",
    )


@pytest.mark.parametrize("convention", ["coco", "panopticapi"])
def test_row_11_a_truth_id_that_is_not_listed_is_neither_void_nor_segment_and_is_told(tmp_path, convention):
    gt = image(1, [[1, 1, 5, 5]], [segment(1, CAT, area=2)])
    result = score(tmp_path, [gt], [image(1, [[1, 1, 2, 2]], {1: CAT, 2: CAT})], convention=convention)
    assert counts(result) == {CAT: (1, 1, 0)}
    assert (result.pq, result.sq, result.rq) == (1 / 1.5, 1.0, 1 / 1.5)
    assert result.warnings == (
        f"[gt-id-not-listed] 1 image, first {tmp_path}/gt/1.png (image 1): ground-truth id 5 has pixels but no "
        "row in segments_info; it is neither void nor a segment; do: add the missing rows, or set these pixels "
        "to 0 (void)",
    )


# Categories


def test_row_12_an_unknown_predicted_category_is_refused_unless_a_policy_is_named(tmp_path):
    gt, pred = image(1, [[1, 1, 2, 2]], {1: CAT, 2: DOG}), image(1, [[1, 1, 2, 2]], {1: CAT, 2: 999})
    error = refused(tmp_path, [gt], [pred])
    assert codes(error) == ["pred-category-unknown"]
    says(
        error,
        """
        DIR/pred/1.png (image 1): the prediction uses category_id 999, which the category table lacks
          expected: one of the 3 ids of the table, 1 to 3
          do: write the dataset's category ids, not the network's class numbers; or say what unknown
                segments are with `unknown` (on the command line --unknown void or --unknown fp)
        """,
        folder=tmp_path,
    )
    assert counts(score(tmp_path, [gt], [pred], unknown="void")) == {CAT: (1, 0, 0), DOG: (0, 0, 1)}
    assert counts(score(tmp_path, [gt], [pred], unknown="fp")) == {CAT: (1, 0, 0), DOG: (0, 1, 1)}


def test_row_13_an_unknown_category_in_the_truth_is_refused_or_dropped_as_panopticapi_does(tmp_path):
    gt = image(1, [[1, 1, 2, 2]], [segment(1, CAT, area=2), segment(2, 999, area=2)])
    pred = image(1, [[1, 1, 0, 0]], {1: CAT})
    error = refused(tmp_path, [gt], [pred])
    assert codes(error) == ["gt-category-unknown"]
    says(
        error,
        """
        DIR/gt/1.png (image 1): the ground truth uses category_id 999, which its category table lacks
          expected: one of the 3 ids of the table, 1 to 3
          do: add the categories to the table, or correct the segments
        """,
        folder=tmp_path,
    )
    result = score(tmp_path, [gt], [pred], convention="panopticapi")
    assert counts(result) == {CAT: (1, 0, 0)}
    assert codes(result) == ["gt-category-unknown"]


def test_row_14_an_unknown_category_on_both_sides_is_refused_on_both(tmp_path):
    both = image(1, [[1, 1, 2, 2]], {1: CAT, 2: 999})
    error = refused(tmp_path, [both], [both])
    assert codes(error) == ["gt-category-unknown", "pred-category-unknown"]
    says(
        error,
        """
        2 errors:
        DIR/gt/1.png (image 1): the ground truth uses category_id 999, which its category table lacks
          expected: one of the 3 ids of the table, 1 to 3
          do: add the categories to the table, or correct the segments
        DIR/pred/1.png (image 1): the prediction uses category_id 999, which the category table lacks
          expected: one of the 3 ids of the table, 1 to 3
          do: write the dataset's category ids, not the network's class numbers; or say what unknown
                segments are with `unknown` (on the command line --unknown void or --unknown fp)
        """,
        folder=tmp_path,
    )


# Stated areas


def with_area(area):
    return [image(1, [[1, 1, 1, 1]], [segment(1, CAT, area=area)])], [image(1, [[9, 9, 9, 9]], {9: CAT})]


def test_row_15_a_stated_area_that_is_too_large_changes_nothing_and_is_told(tmp_path):
    result = score(tmp_path, *with_area(12))
    assert (result.pq, counts(result)) == (1.0, {CAT: (1, 0, 0)})
    assert result.warnings == (
        f"[gt-area] 1 image, first {tmp_path}/gt/1.png (image 1): ground-truth segment id 1 states area 12 but "
        "has 4 pixels; pixels are counted; do: correct the area fields of the ground truth",
    )
    # IoU is 4 / (12 + 4 - 4) there.
    assert counts(score(tmp_path, *with_area(12), convention="panopticapi")) == {CAT: (0, 1, 1)}


def test_row_16_a_stated_area_that_is_too_small_gives_no_score_above_one(tmp_path):
    result = score(tmp_path, *with_area(1))
    assert (result.pq, codes(result)) == (1.0, ["gt-area"])
    quirk = score(tmp_path, *with_area(1), convention="panopticapi")
    assert (quirk.pq, codes(quirk)) == (4.0, ["gt-area"])  # 4 / (1 + 4 - 4)


def test_row_17_a_stated_area_of_zero_divides_nothing_by_zero(tmp_path):
    result = score(tmp_path, *with_area(0))
    assert (result.pq, codes(result)) == (1.0, ["gt-area"])
    error = refused(tmp_path, *with_area(0), convention="panopticapi")
    assert codes(error) == ["area-undefined"]
    says(
        error,
        """
        DIR/gt/1.png (image 1): the areas stated in the ground truth leave a union of zero pixels, so IoU
                has no value
          expected: areas that equal the number of pixels
          do: correct the areas, or use the convention coco, which counts pixels
        """,
        folder=tmp_path,
    )


def test_row_18_an_absent_area_is_not_needed(tmp_path):
    gt, pred = [image(1, [[1, 1, 1, 1]], {1: CAT})], [image(1, [[9, 9, 9, 9]], {9: CAT})]
    for convention in ("coco", "panopticapi"):
        result = score(tmp_path, gt, pred, convention=convention)
        assert (result.pq, counts(result), result.warnings) == (1.0, {CAT: (1, 0, 0)}, ())


@pytest.mark.parametrize(("area", "told"), [(-4, ["gt-area"]), (4.0, []), (4.5, ["area-not-integer"])])
def test_row_19_odd_areas_are_ignored_and_told(tmp_path, area, told):
    result = score(tmp_path, *with_area(area))
    assert (result.pq, codes(result)) == (1.0, told)


# Forgiven false positives


@pytest.mark.parametrize(
    ("gt", "dog"),
    [([[0, 0, 0, 1]], None), ([[0, 0, 1, 1]], (0, 1, 0))],
    ids=["three quarters on void", "exactly one half on void"],
)
def test_row_20_more_than_half_on_void_is_forgiven(tmp_path, gt, dog):
    result = score(tmp_path, [image(1, gt, {1: CAT})], [image(1, [[9] * 4], {9: DOG})])
    assert counts(result).get(DOG) == dog
    assert result.void["fp_forgiven_by_void"] == (dog is None)


@pytest.mark.parametrize(
    ("category", "expected"), [(CAT, {DOG: (0, 0, 1)}), (SKY, {DOG: (0, 0, 1), SKY: (0, 1, 0)})]
)
def test_row_21_a_crowd_excuses_its_own_class_only(tmp_path, category, expected):
    gt = image(1, [[1, 1, 1, 2]], [crowd(1, CAT), segment(2, DOG)])
    assert counts(score(tmp_path, [gt], [image(1, [[9] * 4], {9: category})])) == expected


def test_row_22_void_and_crowd_excuse_together(tmp_path):
    gt = image(1, [[0] * 4 + [1] * 4 + [2] * 2], [crowd(1, CAT), segment(2, DOG)])
    result = score(tmp_path, [gt], [image(1, [[9] * 10], {9: CAT})])
    assert counts(result) == {DOG: (0, 0, 1)}
    assert (result.void["fp_forgiven_by_void"], result.void["fp_forgiven_by_crowd"]) == (0, 1)


# Segment ids


@pytest.mark.parametrize("number", [2**16 + 1, 2**24 - 1])
def test_row_23_large_ids_in_a_png(tmp_path, number):
    both = image(1, [[1, number, 0]], {1: CAT, number: DOG})
    assert counts(score(tmp_path, [both], [both])) == {CAT: (1, 0, 0), DOG: (1, 0, 0)}


@pytest.mark.parametrize("dtype", ["uint32", "int64", "uint64", ">u4"])
def test_row_23_the_largest_id_in_an_array(dtype):
    both = np.array([[1, 2**32 - 1, 0]], dtype), [segment(1, CAT), segment(2**32 - 1, DOG)]
    assert counts(pqeval.panoptic_quality(gt=both, pred=both, categories=TABLE)) == {
        CAT: (1, 0, 0),
        DOG: (1, 0, 0),
    }


def test_row_24_an_id_that_no_rgb_png_holds(tmp_path):
    error = refused(tmp_path, [image(1, [[1]], {1: CAT})], [image(1, [[1]], {1: CAT, 2**24 + 1: DOG})])
    assert codes(error) == ["segment-id-rgb"]
    says(
        error,
        """
        DIR/pred.json (image 1): segment id 16777217 cannot be stored in an RGB PNG
          expected: ids up to 16777215
          do: renumber the segments of this image
        """,
        folder=tmp_path,
    )
    error = refused(tmp_path, [image(1, [[1]], {1: CAT})], [image(1, [[1]], {1: CAT, -1: DOG})])
    assert codes(error) == ["segment-id-range"]
    says(
        error,
        """
        DIR/pred.json (image 1): segments_info[1].id is -1
          expected: ids from 1 to 4294967295 (to 16777215 in an RGB PNG)
          do: renumber the segments of this image
        """,
        folder=tmp_path,
    )


def test_row_25_ids_as_text_are_named_and_integral_floats_are_taken(tmp_path):
    gt = [image(1, [[1]], {1: CAT})]
    error = refused(tmp_path, gt, [image(1, [[1]], [{"id": "1", "category_id": CAT}])])
    assert codes(error) == ["segment-id"]
    says(
        error,
        """
        DIR/pred.json (image 1): segments_info[0].id is '1'
          expected: an integer
          do: write the id as a number without quotes
        """,
        folder=tmp_path,
    )
    assert score(tmp_path, gt, [image(1, [[1]], [{"id": 1.0, "category_id": 1.0}])]).pq == 1.0


def test_row_26_id_0_as_a_predicted_segment_is_refused(tmp_path):
    error = refused(tmp_path, [image(1, [[0, 1]], {1: CAT})], [image(1, [[0, 1]], {0: DOG, 1: CAT})])
    assert codes(error) == ["segment-id-void"]
    says(
        error,
        """
        DIR/pred.json (image 1): segments_info[0].id is 0, which means void
          expected: ids from 1
          do: add 1 to the ids of this map and of its list, and keep 0 for void
        """,
        folder=tmp_path,
    )


def test_row_27_id_0_as_a_segment_of_the_truth_is_refused(tmp_path):
    error = refused(tmp_path, [image(1, [[0, 1]], {0: DOG, 1: CAT})], [image(1, [[0, 1]], {1: CAT})])
    assert codes(error) == ["segment-id-void"]
    says(
        error,
        """
        DIR/gt.json (image 1): segments_info[0].id is 0, which means void
          expected: ids from 1
          do: add 1 to the ids of this map and of its list, and keep 0 for void
        """,
        folder=tmp_path,
    )


# Sizes


def test_row_28_a_smaller_or_transposed_prediction_is_refused(tmp_path):
    gt = [image(1, TRUTH, SEGMENTS)]
    error = refused(tmp_path, gt, [image(1, [row[:4] for row in TRUTH[:2]], {1: CAT, 3: SKY})])
    assert codes(error) == ["shape"]
    says(
        error,
        """
        DIR/pred/1.png (image 1): the prediction is 4 x 2 (width x height), the ground truth is 5 x 4
          expected: two maps of one size
          do: resize the prediction with nearest-neighbour interpolation, never the ground truth
        """,
        folder=tmp_path,
    )
    error = refused(tmp_path, gt, [image(1, [list(row) for row in zip(*TRUTH, strict=True)], SEGMENTS)])
    says(
        error,
        """
        DIR/pred/1.png (image 1): the prediction is 4 x 5 (width x height), the ground truth is 5 x 4
          expected: two maps of one size
          do: resize the prediction with nearest-neighbour interpolation, never the ground truth
        """,
        folder=tmp_path,
    )


@pytest.mark.parametrize(
    ("pred", "size"), [([[1] * 5], "5 x 1"), ([[1]] * 4, "1 x 4"), ([[1]], "1 x 1")], ids=["1xW", "Hx1", "1x1"]
)
def test_row_29_one_row_prediction_is_refused(tmp_path, pred, size):
    error = refused(tmp_path, [image(1, TRUTH, SEGMENTS)], [image(1, pred, {1: CAT})])
    assert codes(error) == ["shape"]
    says(
        error,
        f"""
        DIR/pred/1.png (image 1): the prediction is {size} (width x height), the ground truth is 5 x 4
          expected: two maps of one size
          do: resize the prediction with nearest-neighbour interpolation, never the ground truth
        """,
        folder=tmp_path,
    )


def test_row_30_a_stated_image_size_that_differs_is_told(tmp_path):
    both = [image(1, TRUTH, SEGMENTS)]
    stated = {"images": [{"id": 1, "width": 4, "height": 5}]}
    result = score(tmp_path, both, both, gt_keys=stated)
    assert counts(result) == ALL_FOUND
    assert result.warnings == (
        f"[image-size] 1 image, first {tmp_path}/gt.json (image 1): images[] states 4 x 5 (width x height), the "
        "PNG is 5 x 4; do: correct width and height of the image, or check that this is its PNG",
    )


# Modes of PNGs


def gray(depth):
    return png([[(number,) for number in row] for row in TRUTH], color=GRAY, depth=depth)


def test_row_31_gray_files_are_refused(tmp_path):
    gt = [image(1, TRUTH, SEGMENTS)]
    error = refused(tmp_path, gt, [image(1, gray(8), SEGMENTS)])
    assert codes(error) == ["png-mode"]
    says(
        error,
        """
        DIR/pred/1.png (image 1): the PNG is 8-bit grayscale
          expected: 8-bit RGB or RGBA, or a palette of such colours
          do: write id % 256, id // 256 % 256 and id // 65536 into the three channels of an RGB PNG
        """,
        folder=tmp_path,
    )
    error = refused(tmp_path, gt, [image(1, gray(16), SEGMENTS)])
    says(
        error,
        """
        DIR/pred/1.png (image 1): the PNG is 16-bit grayscale
          expected: 8-bit RGB or RGBA, or a palette of such colours
          do: write id % 256, id // 256 % 256 and id // 65536 into the three channels of an RGB PNG
        """,
        folder=tmp_path,
    )
    alpha = png([[(number, 255) for number in row] for row in TRUTH], color=GRAY_ALPHA)
    error = refused(tmp_path, gt, [image(1, alpha, SEGMENTS)])
    says(
        error,
        """
        DIR/pred/1.png (image 1): the PNG is 8-bit grayscale with alpha
          expected: 8-bit RGB or RGBA, or a palette of such colours
          do: write id % 256, id // 256 % 256 and id // 65536 into the three channels of an RGB PNG
        """,
        folder=tmp_path,
    )


def test_row_32_a_palette_whose_colours_are_the_ids_is_read(tmp_path):
    indices = [[(3 - number,) for number in row] for row in TRUTH]
    palette = png(indices, color=PALETTE, palette=[(3, 0, 0), (2, 0, 0), (1, 0, 0), (0, 0, 0)])
    result = score(tmp_path, [image(1, TRUTH, SEGMENTS)], [image(1, palette, SEGMENTS)])
    assert counts(result) == ALL_FOUND


@pytest.mark.parametrize("side", ["gt", "pred"])
def test_row_33_a_palette_whose_indices_are_the_ids_is_refused(tmp_path, side):
    indices = png(
        [[(number,) for number in row] for row in TRUTH],
        color=PALETTE,
        palette=[(0, 0, 0), (200, 0, 0), (0, 200, 0), (0, 0, 200)],
    )
    sides = {name: [image(1, indices if name == side else TRUTH, SEGMENTS)] for name in ("gt", "pred")}
    error = refused(tmp_path, sides["gt"], sides["pred"])
    assert codes(error) == ["png-palette"]
    says(
        error,
        f"""
        DIR/{side}/1.png (image 1): the PNG has a palette whose colours are not the listed ids (were its indices
              meant?)
          expected: 8-bit RGB with id = R + 256 G + 65536 B
          do: write the ids as RGB
        """,
        folder=tmp_path,
    )


@pytest.mark.parametrize(("alpha", "told"), [(255, []), (0, ["png-alpha"])])
def test_row_34_alpha_is_ignored_and_told_where_it_is_not_opaque(tmp_path, alpha, told):
    data = png([[(number, 0, 0, alpha) for number in row] for row in TRUTH], color=RGBA)
    result = score(tmp_path, [image(1, TRUTH, SEGMENTS)], [image(1, data, SEGMENTS)])
    assert (counts(result), codes(result)) == (ALL_FOUND, told)


@pytest.mark.parametrize("factor", [1, 257])
def test_row_35_colours_of_16_bits_are_refused(tmp_path, factor):
    deep = png([[(number * factor, 0, 0) for number in row] for row in TRUTH], depth=16)
    error = refused(tmp_path, [image(1, deep, SEGMENTS)], [image(1, TRUTH, SEGMENTS)])
    assert codes(error) == ["png-mode"]
    says(
        error,
        """
        DIR/gt/1.png (image 1): the PNG is 16-bit RGB
          expected: 8-bit RGB or RGBA, or a palette of such colours
          do: save with 8 bits per channel; Pillow would drop the low bytes
        """,
        folder=tmp_path,
    )


def test_row_36_interlaced_files_are_read(tmp_path):
    gt = [[1 + (x // 3 + y // 4) % 3 for x in range(13)] for y in range(11)]
    adam7 = png(colours(gt), interlaced=True)
    result = score(tmp_path, [image(1, gt, SEGMENTS)], [image(1, adam7, SEGMENTS)])
    assert (result.pq, counts(result)) == (1.0, ALL_FOUND)


def test_row_37_a_jpeg_called_png_is_refused(tmp_path):
    from PIL import Image

    Image.new("RGB", (5, 4)).save(tmp_path / "1.jpg")
    data = (tmp_path / "1.jpg").read_bytes()
    error = refused(tmp_path, [image(1, TRUTH, SEGMENTS)], [image(1, data, SEGMENTS)])
    assert codes(error) == ["png-signature"]
    says(
        error,
        """
        DIR/pred/1.png (image 1): the file is a JPEG
          expected: a PNG, which stores ids without loss
          do: save the ids as PNG; JPEG changes them
        """,
        folder=tmp_path,
    )


def test_row_38_a_transparent_colour_is_ignored(tmp_path):
    data = png(colours(TRUTH), transparency=b"\x00\x01\x00\x00\x00\x00")
    result = score(tmp_path, [image(1, TRUTH, SEGMENTS)], [image(1, data, SEGMENTS)])
    assert counts(result) == ALL_FOUND


# Pairing


def test_row_39_missing_predictions_are_listed_or_scored_as_the_user_says(tmp_path):
    gt = [image(number, [[1, 1]], {1: CAT}) for number in range(1, 9)]
    pred = [image(3, [[1, 1]], {1: CAT})]
    error = refused(tmp_path, gt, pred)
    assert codes(error) == ["prediction-missing"]
    says(
        error,
        """
        DIR/pred.json: no prediction for 7 of 8 images: image 1, 2, 4, 5, 6 and 2 more
          expected: a prediction for every image of the ground truth
          do: add the predictions, or score them as empty or leave them out with --missing empty or skip
        """,
        folder=tmp_path,
    )
    empty = score(tmp_path, gt, pred, missing="empty")
    assert (counts(empty), empty.images) == ({CAT: (1, 0, 7)}, {"evaluated": 8, "missing": 7, "skipped": 0})
    skip = score(tmp_path, gt, pred, missing="skip")
    assert (counts(skip), skip.images) == ({CAT: (1, 0, 0)}, {"evaluated": 1, "missing": 7, "skipped": 7})


def test_row_40_predictions_of_other_images_are_told(tmp_path):
    result = score(tmp_path, [GOOD], [GOOD, image(5, [[1]], {1: CAT}), image("x", [[1]], {1: CAT})])
    assert counts(result) == ALL_FOUND
    assert result.warnings == (
        f"[prediction-extra] {tmp_path}/pred.json: predictions without ground truth are not scored (2): image "
        "5, 'x'; do: check that the ground truth is the right split",
    )


def test_row_41_an_image_listed_twice_in_the_truth_is_refused(tmp_path):
    error = refused(tmp_path, [GOOD, GOOD], [GOOD])
    assert codes(error) == ["image-twice"]
    says(
        error,
        """
        DIR/gt.json (image 99): the image has more than one annotation
          expected: one annotation per image
          do: remove the repeated annotation
        """,
        folder=tmp_path,
    )


def test_row_42_an_image_listed_twice_in_the_prediction_is_refused(tmp_path):
    error = refused(tmp_path, [GOOD], [GOOD, GOOD])
    assert codes(error) == ["image-twice"]
    says(
        error,
        """
        DIR/pred.json (image 99): the image has more than one annotation
          expected: one annotation per image
          do: remove the repeated annotation
        """,
        folder=tmp_path,
    )


def test_row_43_image_ids_of_different_types_are_paired_and_told(tmp_path):
    result = score(tmp_path, [image(1, [[1]], {1: CAT})], [image("1", [[1]], {1: CAT})])
    assert result.pq == 1.0
    assert result.warnings == (
        f"[image-id-form] {tmp_path}/pred.json: image ids are written differently on the two sides (1 in all): "
        "1 in the ground truth is taken for '1' in the prediction; do: write the image ids as the "
        "ground truth does",
    )


@pytest.mark.parametrize("image_id", ["frankfurt_000000_000294", "", "a/b"])
def test_row_44_image_ids_may_be_text(tmp_path, image_id):
    both = [image(image_id, TRUTH, SEGMENTS, file_name="one.png"), GOOD]
    assert score(tmp_path, both, both).images["evaluated"] == 2


@pytest.mark.parametrize("image_id", [-1, 2**70, 0.5, True, None])
def test_row_45_image_ids_may_be_any_json_scalar(tmp_path, image_id):
    both = [image(image_id, TRUTH, SEGMENTS, file_name="one.png"), GOOD]
    result = score(tmp_path, both, both)
    assert (result.images["evaluated"], result.warnings) == (2, ())


def test_row_45_huge_image_ids_are_not_confused(tmp_path):
    gt = [image(2**70, [[1]], {1: CAT}), image(2**70 + 1, [[1]], {1: CAT})]
    error = refused(tmp_path, gt, gt[:1])
    says(
        error,
        """
        DIR/pred.json: no prediction for 1 of 2 images: image 1180591620717411303425
          expected: a prediction for every image of the ground truth
          do: add the predictions, or score them as empty or leave them out with --missing empty or skip
        """,
        folder=tmp_path,
    )


def test_row_46_a_segment_id_with_two_classes_is_refused(tmp_path):
    twice = [image(1, [[1, 1]], [segment(1, CAT), segment(1, DOG)])]
    once = [image(1, [[1, 1]], {1: CAT})]
    for gt, pred in ((twice, once), (once, twice)):
        error = refused(tmp_path, gt, pred)
        assert codes(error) == ["segment-conflict"]
        side = "gt" if gt is twice else "pred"
        says(
            error,
            f"""
            DIR/{side}.json (image 1): segment id 1 is listed with category_id 1 (iscrowd 0) and with category_id 2
                  (iscrowd 0)
              expected: one category per segment
              do: give the two segments different ids, in the map and in the list
            """,
            folder=tmp_path,
        )


# Category tables


def test_row_47_a_category_id_twice_is_refused_and_a_name_twice_is_not(tmp_path):
    error = refused(tmp_path, [GOOD], [GOOD], categories=[*TABLE, {"id": 1, "name": "grass", "isthing": 0}])
    assert codes(error) == ["category-twice"]
    says(
        error,
        """
        DIR/gt.json: category id 1 appears more than once
          expected: every category id once
          do: remove or renumber the repeated rows
        """,
        folder=tmp_path,
    )
    same_name = [row | {"name": "animal"} for row in TABLE]
    result = score(tmp_path, [GOOD], [GOOD], categories=same_name)
    assert counts(result) == ALL_FOUND
    assert [row.name for row in result.per_class] == ["animal"] * 3


@pytest.mark.parametrize("table", [TABLE, TABLE[:2]], ids=["stuff never seen", "no stuff in the table"])
def test_row_48_without_stuff_the_rest_is_scored(tmp_path, table):
    both = [image(1, [[1, 2]], {1: CAT, 2: DOG})]
    result = score(tmp_path, both, both, categories=table)
    assert (result.pq, result.groups["Things"].pq, result.groups["Things"].n) == (1.0, 1.0, 2)
    assert (result.groups["Stuff"].pq, result.groups["Stuff"].n) == (None, 0)


def test_row_49_without_isthing_all_is_scored_and_the_split_is_not(tmp_path):
    table = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}, {"id": 3, "name": "sky"}]
    result = score(tmp_path, [GOOD], [GOOD], categories=table)
    assert {name: group.n for name, group in result.groups.items()} == {"All": 3, "Things": 0, "Stuff": 0}
    assert result.warnings == (
        "[isthing-untold] no category says whether it is a thing; Things and Stuff are not scored; "
        'do: add it, for example {"id": 1, "name": "person", "isthing": 1}',
    )


def test_row_50_iscrowd_may_be_absent_and_is_never_2(tmp_path):
    pred = [image(1, [[1]], {1: CAT})]
    assert counts(score(tmp_path, [image(1, [[1]], {1: CAT})], pred)) == {CAT: (1, 0, 0)}
    error = refused(tmp_path, [image(1, [[1]], [segment(1, CAT, iscrowd=2)])], pred)
    assert codes(error) == ["segment-crowd"]
    says(
        error,
        """
        DIR/gt.json (image 1): segments_info[0] (segment id 1): iscrowd is 2
          expected: 0 or 1
          do: write 1 for a region of many objects, 0 otherwise
        """,
        folder=tmp_path,
    )


def test_row_51_no_annotations_is_not_a_score(tmp_path):
    assert score(tmp_path, [], []).pq is None
    error = command("evaluate", "--gt", tmp_path / "gt.json", "--pred", tmp_path / "pred.json")
    assert (error.exit_code, error.code) == (3, "nothing-scored")


@pytest.mark.parametrize("convention", ["tf-models", "bdd100k", "lidar", "conic"])
def test_nothing_is_no_score_where_a_convention_calls_it_0(tmp_path, convention):
    assert score(tmp_path, [], [], convention=convention).pq == 0.0
    sides = "--gt", tmp_path / "gt.json", "--pred", tmp_path / "pred.json"
    error = command("evaluate", *sides, "--convention", convention)
    assert (error.exit_code, error.code) == (3, "nothing-scored")


def test_row_52_a_missing_key_and_a_bare_list_are_named(tmp_path):
    gt, pred = save(tmp_path / "gt.json", [GOOD]), save(tmp_path / "pred.json", [GOOD], categories=None)
    pred.write_text('{"predictions": [], "info": {}}', encoding="utf-8")
    with pytest.raises(pqeval.DataError) as caught:
        pqeval.evaluate(gt=gt, pred=pred)
    assert codes(caught.value) == ["json-key"]
    says(
        caught.value,
        """
        DIR/pred.json: no key 'annotations'; there is 'info', 'predictions'
          expected: a list called 'annotations'
          do: check that this is a COCO panoptic file
        """,
        folder=tmp_path,
    )
    pred.write_text("[]", encoding="utf-8")
    with pytest.raises(pqeval.DataError) as caught:
        pqeval.evaluate(gt=gt, pred=pred)
    assert codes(caught.value) == ["json-top-level"]
    says(
        caught.value,
        """
        DIR/pred.json: the top level is a list
          expected: an object with the key "annotations"
          do: wrap the list: {"annotations": [...]}
        """,
        folder=tmp_path,
    )


def test_row_53_an_empty_category_table_is_refused(tmp_path):
    error = refused(tmp_path, [GOOD], [GOOD], categories=[])
    assert codes(error) == ["categories-empty"]
    says(
        error,
        """
        DIR/gt.json: the category table is empty
          expected: at least one category with an id and isthing
          do: add rows such as {"id": 1, "name": "person", "isthing": 1}
        """,
        folder=tmp_path,
    )


# Broken files


def test_row_54_truncated_json_is_located_and_a_byte_order_mark_and_nan_are_read(tmp_path):
    gt, pred = save(tmp_path / "gt.json", [GOOD]), save(tmp_path / "pred.json", [GOOD], categories=None)
    whole = pred.read_text(encoding="utf-8")
    pred.write_text(whole[: len(whole) // 2], encoding="utf-8")
    with pytest.raises(pqeval.DataError) as caught:
        pqeval.evaluate(gt=gt, pred=pred)
    assert codes(caught.value) == ["json-syntax"]
    says(
        caught.value,
        """
        DIR/pred.json: not JSON: Expecting value at line 1, column 83
          expected: a JSON file
          do: the file ends too early; write it again
        """,
        folder=tmp_path,
    )
    pred.write_bytes(b"\xef\xbb\xbf" + whole.encode())
    assert pqeval.evaluate(gt=gt, pred=pred).pq == 1.0
    pred.write_text(whole.replace('"category_id": 1', '"score": NaN, "category_id": 1'), encoding="utf-8")
    assert "NaN" in pred.read_text(encoding="utf-8")
    assert pqeval.evaluate(gt=gt, pred=pred).pq == 1.0


def test_row_55_a_png_that_is_cut_is_named(tmp_path):
    whole = png(colours(TRUTH))
    error = refused(tmp_path, [GOOD], [image(99, whole[: len(whole) - 20], SEGMENTS)])
    assert codes(error) == ["png-broken"]
    says(
        error,
        """
        DIR/pred/99.png (image 99): the file ends inside its IDAT chunk
          expected: a sound PNG
          do: write the file again
        """,
        folder=tmp_path,
    )


def test_row_56_a_png_with_missing_rows_is_refused(tmp_path):
    error = refused(tmp_path, [GOOD], [image(99, png(colours(TRUTH), missing_rows=1), SEGMENTS)])
    assert codes(error) == ["png-broken"]
    says(
        error,
        """
        DIR/pred/99.png (image 99): the image data end too early: rows are missing
          expected: a sound PNG
          do: write the file again
        """,
        folder=tmp_path,
    )


def test_row_57_a_wrong_checksum_and_a_missing_end_are_refused(tmp_path):
    error = refused(tmp_path, [GOOD], [image(99, png(colours(TRUTH), spoilt=b"IDAT"), SEGMENTS)])
    assert codes(error) == ["png-broken"]
    says(
        error,
        """
        DIR/pred/99.png (image 99): the checksum of the IDAT chunk is wrong
          expected: a sound PNG
          do: copy or write the file again
        """,
        folder=tmp_path,
    )
    error = refused(tmp_path, [GOOD], [image(99, png(colours(TRUTH), without=(b"IEND",)), SEGMENTS)])
    assert codes(error) == ["png-broken"]
    says(
        error,
        """
        DIR/pred/99.png (image 99): the file ends before its IEND chunk
          expected: a sound PNG
          do: write the file again
        """,
        folder=tmp_path,
    )


def test_row_58_empty_and_missing_files_are_named_together(tmp_path):
    gt = [image(1, TRUTH, SEGMENTS), image(2, TRUTH, SEGMENTS)]
    error = refused(tmp_path, gt, [image(1, b"", SEGMENTS), image(2, None, SEGMENTS)])
    assert codes(error) == ["png-broken", "file-missing"]
    says(
        error,
        """
        2 errors:
        DIR/pred/1.png (image 1): the file is empty
          expected: a sound PNG
          do: write the file again
        DIR/pred/2.png (image 2): does not exist
          expected: a file
          do: check the file name
        """,
        folder=tmp_path,
    )


def test_row_59_a_header_of_900_million_pixels_is_refused_for_its_size(tmp_path):
    header = png(colours([[1]]), size=(30_000, 30_000))
    error = refused(tmp_path, [GOOD], [image(99, header, SEGMENTS)])
    assert codes(error) == ["shape"]
    says(
        error,
        """
        DIR/pred/99.png (image 99): the prediction is 30000 x 30000 (width x height), the ground truth is
                5 x 4
          expected: two maps of one size
          do: resize the prediction with nearest-neighbour interpolation, never the ground truth
        """,
        folder=tmp_path,
    )
    error = refused(tmp_path, [image(99, header, SEGMENTS)], [GOOD])
    assert codes(error) == ["png-broken"]
    says(
        error,
        """
        DIR/gt/99.png (image 99): the image data end too early: rows are missing
          expected: a sound PNG
          do: write the file again
        """,
        folder=tmp_path,
    )


@pytest.mark.parametrize("name", ["../secret/1.png", "ABSOLUTE"])
def test_row_60_file_names_that_leave_the_folder_are_refused(tmp_path, name):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "1.png").write_bytes(png(colours(TRUTH)))
    name = str(tmp_path / "secret" / "1.png") if name == "ABSOLUTE" else name
    error = refused(tmp_path, [GOOD], [image(99, None, SEGMENTS, file_name=name)])
    assert codes(error) == ["path-leaves-folder"]
    says(
        error,
        f"""
        DIR/pred.json (image 99): file_name is '{name.replace(str(tmp_path), "DIR")}'
          expected: a relative path that stays inside DIR/pred
          do: write file names relative to the folder, without ..
        """,
        folder=tmp_path,
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_row_61_a_named_pipe_is_refused_and_not_waited_for(tmp_path):
    (tmp_path / "pred").mkdir()
    os.mkfifo(tmp_path / "pred" / "99.png")
    with within(60):
        error = refused(tmp_path, [GOOD], [image(99, None, SEGMENTS)])
    assert codes(error) == ["not-a-regular-file"]
    says(
        error,
        """
        DIR/pred/99.png (image 99): is a named pipe
          expected: a regular file
          do: check the path
        """,
        folder=tmp_path,
    )


def test_row_62_a_jpg_whose_png_exists_is_hinted_at(tmp_path):
    (tmp_path / "pred").mkdir()
    (tmp_path / "pred" / "99.png").write_bytes(png(colours(TRUTH)))
    error = refused(tmp_path, [GOOD], [image(99, None, SEGMENTS, file_name="99.jpg")])
    assert codes(error) == ["file-missing"]
    says(
        error,
        """
        DIR/pred/99.jpg (image 99): does not exist
          expected: a file
          do: 99.png exists: write that as file_name
        """,
        folder=tmp_path,
    )


# Arrays


@pytest.mark.parametrize("side", ["gt", "pred"])
def test_row_64_an_array_without_its_list_is_refused(side):
    both = np.array(TRUTH), [segment(number, category) for number, category in SEGMENTS.items()]
    metric = pqeval.PanopticQuality(TABLE)
    arguments = {"gt": both, "pred": both} | {side: np.array(TRUTH)}
    with pytest.raises(pqeval.DataError) as caught:
        metric.update(**arguments, image_id=7)
    assert codes(caught.value) == ["array-form"]
    says(
        caught.value,
        f"""
        image 7: {side}: an array of shape (4, 5)
          expected: (id_map, segments), (category_map, instance_map), or an array (H, W, 2) or (B, H, W, 2)
          do: pass the id map together with its list, [{{"id": 1, "category_id": 17}}, ...]
        """,
    )
    assert metric.compute().images["evaluated"] == 0


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "int64", "uint64", ">i4", object])
def test_row_65_any_integer_array_is_converted_safely(dtype):
    rows = [segment(number, category) for number, category in SEGMENTS.items()]
    if dtype is object:
        with pytest.raises(pqeval.DataError) as caught:
            pqeval.panoptic_quality(
                gt=(np.array(TRUTH), rows), pred=(np.array(TRUTH, object), rows), categories=TABLE
            )
        says(
            caught.value,
            """
            image 0: an array of object
              expected: integers
              do: convert it yourself where no id is lost, for example `.astype('uint32')`
            """,
        )
        return
    result = pqeval.panoptic_quality(
        gt=(np.array(TRUTH), rows), pred=(np.array(TRUTH, dtype), rows), categories=TABLE
    )
    assert counts(result) == ALL_FOUND
