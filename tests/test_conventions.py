"""What the conventions make of the same data: beside slow twins, by hand, and with the originals' own examples."""

from __future__ import annotations

import naive_conventions
import numpy as np
import pytest
import strategies
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import pqeval
from pqeval.counting import count_pair
from pqeval.errors import PqevalError
from pqeval.labelmap import LabelMap
from pqeval.rows import Row
from pqeval.void import CONVENTIONS

EVERY = tuple(CONVENTIONS)
NUCLEI = ("hovernet", "pannuke", "conic")
POINTS = ("lidar", "nuscenes")


# Beside the twins.


@st.composite
def datasets(draw, flags: bool = False) -> dict:
    """Data sets full of void, crowds and wrong classes, with segments around the smallest sizes, in tissues."""
    dataset = draw(strategies.datasets(foreign=True))
    known = [row["id"] for row in dataset["categories"]]
    dice = strategies.Dice(draw)
    times, crowds, erased = dice.pick((1, 5, 7, 10, 25)), dice.pick((0, 3, 2)), dice.pick((0, 4, 2))
    for image in dataset["images"]:
        image["tissue"] = dice.pick(("lung", "skin"))
        for side in ("gt", "pred"):
            pixels = np.array(image[side]["map"]).repeat(times, axis=1)
            kept = []
            for row in image[side]["segments"]:
                if side == "gt" and erased and dice.below(erased) == 1:
                    pixels[pixels == row["id"]] = 0
                    continue
                kept.append(row)
                if side == "gt" and crowds:
                    row["iscrowd"] = int(dice.below(crowds) == 1)
                if side == "gt":
                    row["area"] = int((pixels == row["id"]).sum())
                elif row["category_id"] in known and dice.below(3) == 2:
                    row["category_id"] = dice.pick(known)
                if side == "pred" and flags:
                    row["iscrowd"] = int(dice.below(3) == 2)
            image[side] = {"map": pixels.tolist(), "segments": kept}
    return dataset


def from_arrays(dataset: dict, name: str, unknown: str) -> pqeval.Result:
    metric = pqeval.PanopticQuality(dataset["categories"], convention=name, unknown=unknown)
    for image in dataset["images"]:
        sides = {side: (np.array(image[side]["map"]), image[side]["segments"]) for side in ("gt", "pred")}
        metric.update(**sides, image_id=image["image_id"], stratum=image["tissue"])
    return metric.compute()


def from_frames(dataset: dict, name: str, unknown: str) -> pqeval.Result:
    """Score as files are scored: predicted segments can be marked as crowds."""
    metric = pqeval.PanopticQuality(dataset["categories"], convention=name, unknown=unknown)
    for image in dataset["images"]:
        sides = [
            (
                LabelMap.from_array(np.array(image[side]["map"])),
                [
                    Row(row["id"], row["category_id"], bool(row.get("iscrowd")), row.get("area"))
                    for row in image[side]["segments"]
                ],
            )
            for side in ("gt", "pred")
        ]
        problems: list[PqevalError] = []
        frame = count_pair(
            image["image_id"],
            *sides,
            metric.categories,
            metric.policy,
            stratum=image["tissue"],
            problems=problems,
        )
        assert frame is not None, problems
        metric.ledger.add(frame)
    return metric.compute()


def same(result: pqeval.Result, expected: dict) -> None:
    """Counts and sums of IoU are equal, scores of classes to the last bit where one division makes them."""
    plain = result.convention not in (*NUCLEI, *POINTS)
    for row, twin in zip(result.per_class, expected["per_class"], strict=True):
        counts = {key: twin[key] for key in ("id", "tp", "fp", "fn", "iou_sum")}
        assert {key: getattr(row, key) for key in counts} == counts
        for key in ("pq", "sq", "rq"):
            value = getattr(row, key)
            assert value == twin[key] if plain else value == pytest.approx(twin[key], abs=1e-12)
    assert list(result.groups) == list(expected["groups"])
    for name, twin in expected["groups"].items():
        assert result.groups[name].n == twin["n"]
        for key in ("pq", "sq", "rq"):
            assert getattr(result.groups[name], key) == pytest.approx(twin[key], abs=1e-12)
    for key, value in expected["void"].items():
        assert result.void[key] == pytest.approx(value, abs=1e-12), key


@pytest.mark.parametrize("name", naive_conventions.EVERY)
@settings(max_examples=30)
@given(dataset=datasets())
def test_arrays_score_as_the_twin(name: str, dataset: dict) -> None:
    result = from_arrays(dataset, name, "void")
    same(result, naive_conventions.evaluate(dataset, name, "void"))
    assert not any(warning.startswith("[gt-area]") for warning in result.warnings)


@pytest.mark.parametrize("name", naive_conventions.EVERY)
@settings(max_examples=15)
@given(dataset=datasets(flags=True))
def test_predicted_crowds_score_as_in_the_twin(name: str, dataset: dict) -> None:
    same(from_frames(dataset, name, "void"), naive_conventions.evaluate(dataset, name, "void"))


def test_all_conventions_have_a_twin() -> None:
    # That of panopticapi is in naive.py.
    assert {*naive_conventions.EVERY, "panopticapi"} == set(EVERY)


def test_the_data_tell_the_conventions_apart() -> None:
    """Any two conventions score some of these data in another way: comparisons with the twins can fail."""
    names = naive_conventions.EVERY
    pairs = {(one, other) for one in names for other in names if one < other}
    pairs.remove(("cityscapes", "coco"))

    @settings(max_examples=100, phases=[Phase.generate], derandomize=True, database=None)
    @given(datasets(flags=True))
    def compare(dataset: dict) -> None:
        scores = {name: naive_conventions.evaluate(dataset, name, "void") for name in names}
        pairs.difference_update(
            [pair for pair in pairs if scores[pair[0]]["per_class"] != scores[pair[1]]["per_class"]]
        )

    compare()
    assert pairs == set()


# One tiny case per question, under every convention. All maps are 50 times as wide as they are drawn.

WIDE = 50
CLASSES = [
    {"id": 1, "name": "cat", "isthing": 1},
    {"id": 2, "name": "dog", "isthing": 1},
    {"id": 3, "name": "sky", "isthing": 0},
]


def drawn(drawing: str, times: int = WIDE, **classes: int) -> tuple:
    """A map with a letter per segment and a dot for void; capitals are crowds."""
    pixels = np.array([[0 if letter == "." else ord(letter) for letter in drawing]]).repeat(times, axis=1)
    segments = [
        {"id": ord(letter), "category_id": category, "iscrowd": int(letter.isupper())}
        for letter, category in classes.items()
    ]
    return pixels, segments


def score(gt: tuple, pred: tuple, name: str, **options) -> pqeval.Result:
    return pqeval.panoptic_quality(gt=gt, pred=pred, categories=CLASSES, convention=name, **options)


def counts(result: pqeval.Result, place: int = 0) -> tuple[int, int, int]:
    row = result.per_class[place]
    return row.tp, row.fp, row.fn


FOUND, MISSED, WRONG, BOTH, NOTHING = (1, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1), (0, 0, 0)

CASES = {
    # gt, its classes, prediction, its classes; (TP, FP, FN) of class 1 (3 for stuff), and where it is another one
    "void under a prediction leaves the union": (
        ("aa...", {"a": 1}, "xxxxx", {"x": 1}),
        FOUND,
        {"bdd100k": MISSED} | dict.fromkeys(NUCLEI, BOTH),
    ),
    "unknown over a segment leaves the union": (
        ("aaaaaa", {"a": 1}, "xx....", {"x": 1}),
        BOTH,
        {"torchmetrics": FOUND},
    ),
    "void excuses": (("...b", {"b": 2}, "xxxx", {"x": 1}), NOTHING, dict.fromkeys((*POINTS, *NUCLEI), WRONG)),
    "void under half does not": (("..bb", {"b": 2}, "xxxx", {"x": 1}), WRONG, {}),
    "void alone": (("..", {}, "xx", {"x": 1}), NOTHING, dict.fromkeys(NUCLEI, WRONG)),
    "a crowd excuses its class": (
        ("CCCb", {"C": 1, "b": 2}, "xxxx", {"x": 1}),
        NOTHING,
        dict.fromkeys(("deeplab2", *POINTS, *NUCLEI), WRONG),
    ),
    "a crowd excuses another class": (
        ("CCCb", {"C": 2, "b": 2}, "xxxx", {"x": 1}),
        WRONG,
        dict.fromkeys(("tf-models", "torchmetrics", "bdd100k"), NOTHING),
    ),
    "a crowd and void excuse together": (
        (".Cb", {"C": 1, "b": 2}, "xxx", {"x": 1}),
        NOTHING,
        dict.fromkeys(("deeplab2", *POINTS, *NUCLEI), WRONG),
    ),
    "two crowds of a class excuse together": (
        ("CCDDb", {"C": 1, "D": 1, "b": 2}, "xxxxx", {"x": 1}),
        NOTHING,
        dict.fromkeys(("panopticapi", "deeplab2", *POINTS, *NUCLEI), WRONG),
    ),
    "a crowd stays in the union": (
        ("aaCC", {"a": 1, "C": 1}, "xxxx", {"x": 1}),
        BOTH,
        {"torchmetrics": FOUND},
    ),
    "a crowd is neither found nor missed": (("CC", {"C": 1}, "..", {}), NOTHING, {}),
    "unknown excuses a miss": (("aaaa", {"a": 1}, "...x", {"x": 2}), MISSED, {"torchmetrics": NOTHING}),
    "unknown under half does not": (("aaaa", {"a": 1}, "..xx", {"x": 2}), MISSED, {}),
    "two stuff segments of a class are one": (
        ("aabb", {"a": 3, "b": 3}, "xxxx", {"x": 3}),
        (0, 1, 2),
        {"torchmetrics": FOUND},
    ),
    "two things of a class stay two": (("aabb", {"a": 1, "b": 1}, "xxxx", {"x": 1}), (0, 1, 2), {}),
    "exactly one half is no match": (("aaaa", {"a": 1}, "xxbb", {"x": 1, "b": 2}), BOTH, {}),
}


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("case", CASES)
def test_questions(case: str, name: str) -> None:
    (gt, gt_classes, pred, pred_classes), usual, unusual = CASES[case]
    result = score(drawn(gt, **gt_classes), drawn(pred, **pred_classes), name)
    assert counts(result, 2 if 3 in gt_classes.values() else 0) == unusual.get(name, usual)


SIZES = {"lidar": 50, "nuscenes": 15}


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("size", [14, 15, 49, 50])
def test_what_is_too_small(size: int, name: str) -> None:
    small = size < SIZES.get(name, 0)
    missed = score(drawn("a", size, a=1), drawn(".", size), name)
    unknown = missed.void["fn_forgiven_by_unknown"]
    assert unknown == (name == "torchmetrics")
    assert counts(missed) == (NOTHING if small or unknown else MISSED)
    made_up = score(drawn("b", size, b=2), drawn("x", size, x=1), name)
    assert counts(made_up) == (NOTHING if small else WRONG)
    assert counts(made_up, 1) == (NOTHING if small else MISSED)
    assert (missed.void["small_segments"], made_up.void["small_segments"]) == ((1, 2) if small else (0, 0))
    # Whatever its size, it can be found.
    assert counts(score(drawn("a", size, a=1), drawn("x", size, x=1), name)) == FOUND


@pytest.mark.parametrize("name", POINTS)
def test_the_size_is_that_without_void(name: str) -> None:
    size = SIZES[name]
    gt, classes = drawn("b", size - 1, b=2)
    gt, pred = np.append(gt, [[0] * 200], axis=1), np.full((1, size + 199), 7)
    result = score((gt, classes), (pred, [{"id": 7, "category_id": 1}]), name)
    assert (counts(result), counts(result, 1)) == (NOTHING, NOTHING)
    gt[0, size - 1] = ord("b")
    result = score((gt, classes), (pred, [{"id": 7, "category_id": 1}]), name)
    assert (counts(result), counts(result, 1)) == (WRONG, MISSED)


@pytest.mark.parametrize("name", EVERY)
def test_stated_areas_matter_to_panopticapi_only(name: str) -> None:
    gt = drawn("aaaa", a=1)
    gt[1][0]["area"] = 800
    result = score(gt, drawn("aaaa", a=1), name)
    assert counts(result) == (BOTH if name == "panopticapi" else FOUND)
    assert [warning.partition("]")[0] for warning in result.warnings] == ["[gt-area"]


ABSENT_IS_ZERO = (*POINTS, "conic")
EMPTY_IS_ZERO = ("tf-models", "bdd100k", *POINTS, "conic")


@pytest.mark.parametrize("name", EVERY)
def test_which_classes_are_averaged(name: str) -> None:
    result = score(drawn("a", a=1), drawn("a", a=1), name)
    n = 3 if name in ABSENT_IS_ZERO else 1
    assert (result.groups["All"].n, result.groups["Things"].n) == (n, 2 if n == 3 else 1)
    assert result.groups["Stuff"].n == (1 if n == 3 else 0)
    assert result.pq == pytest.approx(1 / n, abs=2e-6)
    assert result.per_class[1].pq == (0.0 if n == 3 else None)


@pytest.mark.parametrize("name", EVERY)
def test_nothing_to_average(name: str) -> None:
    result = score(drawn("."), drawn("."), name)
    nothing = 0.0 if name in EMPTY_IS_ZERO else None
    assert (result.pq, result.sq, result.rq) == (nothing,) * 3
    assert result.groups["All"].n == (3 if name in ABSENT_IS_ZERO else 0)
    empty = pqeval.PanopticQuality(CLASSES, convention=name).compute()
    assert (empty.pq, empty.void["pq_if_unknown_were_wrong"]) == (nothing, nothing)
    if name in NUCLEI:
        # CoNIC gives an image without nuclei a 0; the others leave it out.
        assert result.groups["Binary"].pq == (0.0 if name == "conic" else None)
        assert result.groups["Binary"].n == (1 if name == "conic" else 0)
        assert empty.groups["Binary"].pq is None


# BDD100K.


def test_bdd100k_leaves_flagged_predictions_out() -> None:
    """The gt segment whose only partner is flagged is missed; the flagged one is no false positive."""
    dataset = {
        "categories": CLASSES,
        "images": [
            {
                "image_id": 1,
                "tissue": None,
                "gt": {"map": [[1, 1, 1, 1, 0, 0]], "segments": [{"id": 1, "category_id": 1}]},
                "pred": {
                    "map": [[5, 5, 5, 5, 6, 6]],
                    "segments": [
                        {"id": 5, "category_id": 1, "iscrowd": 1},
                        {"id": 6, "category_id": 2, "iscrowd": 1},
                    ],
                },
            }
        ],
    }
    result = from_frames(dataset, "bdd100k", "error")
    assert (counts(result), counts(result, 1)) == (MISSED, NOTHING)
    assert (result.void["unknown_segments"], result.void["unknown_pixels"]) == (0, 6)
    assert counts(from_frames(dataset, "coco", "error")) == FOUND


# Averages, by hand.

HALF_FOUND = (drawn("aaaabb", 1, a=1, b=1), drawn("xxx.y.", 1, x=1, y=2))
"""Class 1: one TP of IoU 3/4, one FN; class 2: one FP. Binary: likewise, and b and y are exactly 1/2."""

ONLY_WRONG = (drawn("..", 1), drawn("xx", 1, x=1))
TINY = 1e-6


def scored(name: str, *images: tuple) -> pqeval.Result:
    metric = pqeval.PanopticQuality(CLASSES, convention=name)
    for place, (gt, pred, *stratum) in enumerate(images):
        metric.update(gt=gt, pred=pred, image_id=place, stratum=stratum[0] if stratum else None)
    return metric.compute()


def close(*values: float | None) -> list:
    return [None if value is None else pytest.approx(value, abs=1e-12) for value in values]


def test_pooled_counts_are_divided_once() -> None:
    result = scored("coco", HALF_FOUND, HALF_FOUND, ONLY_WRONG)
    # Class 1: TP 2, FN 2; the FP of the last image lies on void. Class 2: FP 2.
    assert [row.pq for row in result.per_class] == close(2 * 3 / 4 / 3, 0.0, None)
    assert result.pq == pytest.approx(0.25)


def test_hovernet_averages_images() -> None:
    result = scored("hovernet", HALF_FOUND, ONLY_WRONG)
    sq = 0.75 / (1 + TINY)
    # Class 1: DQ 1 / 1.5 and 0; class 2: only the first image has it.
    assert [row.pq for row in result.per_class] == close(sq / 1.5 / 2, 0.0, None)
    assert result.pq == pytest.approx(sq / 1.5 / 4, abs=1e-12)
    # Binary: TP 1, FP 1, FN 1 in the first, FP 1 in the second.
    assert [result.groups["Binary"].pq, result.groups["Binary"].sq] == close(sq / 2 / 2, sq / 2)
    assert [group.n for group in result.groups.values()] == [2, 2, 0, 2]
    assert [(row.tp, row.fp, row.fn) for row in result.per_class] == [(1, 1, 1), (0, 1, 0), (0, 0, 0)]


def test_pannuke_averages_tissues() -> None:
    result = scored("pannuke", (*HALF_FOUND, "lung"), (*HALF_FOUND, "lung"), (*ONLY_WRONG, "lung"))
    sq = 0.75 / (1 + TINY)
    # Images without ground truth of a class say nothing about it, whatever was predicted there.
    assert [row.pq for row in result.per_class] == close(sq / 1.5, None, None)
    assert [result.pq, result.groups["Binary"].pq] == close(sq / 1.5, sq / 2)
    assert [group.n for group in result.groups.values()] == [1, 1, 0, 2]
    perfect = drawn("aa", 1, a=2)
    result = scored("pannuke", (*HALF_FOUND, "lung"), (*HALF_FOUND, "lung"), (perfect, perfect, "skin"))
    full = 1 / (1 + TINY)
    assert [result.pq, result.groups["Binary"].pq] == close((sq / 1.5 + full) / 2, (sq / 2 + full) / 2)
    assert [row.pq for row in result.per_class] == close(sq / 1.5, full, None)
    assert result.groups["All"].n == 2


def test_conic_pools_classes_and_averages_binary() -> None:
    result = scored("conic", HALF_FOUND, HALF_FOUND, (drawn(".", 1), drawn(".", 1)))
    # Class 1: TP 2, FN 2; class 2: FP 2; class 3 does not occur and counts as 0.
    first = 1.5 / (2 + TINY) * 2 / (3 + TINY)
    assert [row.pq for row in result.per_class] == close(first, 0.0, 0.0)
    assert [result.pq, result.groups["All"].n] == close(first / 3, 3)
    binary = 0.75 / (1 + TINY) / (2 + TINY)
    assert [result.groups["Binary"].pq, result.groups["Binary"].n] == close(2 * binary / 3, 3)


@pytest.mark.parametrize("name", NUCLEI)
def test_binary_does_not_look_at_classes(name: str) -> None:
    result = scored(name, (drawn("aaab", 1, a=1, b=2), drawn("xxxx", 1, x=2)))
    assert [(row.tp, row.fp, row.fn) for row in result.per_class] == [MISSED, BOTH, NOTHING]
    # a and x: IoU 3/4; b is missed.
    assert result.groups["Binary"].pq == pytest.approx(0.75 / 1.5, abs=1e-6)


def test_lidar_counts_classes_that_do_not_occur() -> None:
    result = scored("lidar", (drawn("aab", a=1, b=3), drawn("aab", a=1, b=3)))
    assert [group.n for group in result.groups.values()] == [3, 2, 1]
    assert [group.pq for group in result.groups.values()] == close(2 / 3, 1 / 2, 1.0)


def test_own_groups_are_averaged_as_the_others() -> None:
    for name, pq in (("lidar", 0.5), ("hovernet", 1 / (1 + TINY)), ("coco", 1.0)):
        gt = drawn("a", a=1)
        result = pqeval.panoptic_quality(
            gt=gt, pred=gt, categories=CLASSES, convention=name, groups={"Pets": [1, 2]}
        )
        assert result.groups["Pets"].pq == pytest.approx(pq, abs=1e-12)


def test_a_class_with_nothing_but_false_positives_is_shown() -> None:
    """Under pannuke it has no score, but counts."""
    table = scored("pannuke", HALF_FOUND).to_markdown(per_class=True)
    assert "| 2 | dog | thing | n/a | n/a | n/a | 0 | 1 | 0 |" in table


# The originals' own examples. Where the ignored label has instances, they are crowds of no class.

IGNORED = 9


def ignored_as_void(category, instance) -> np.ndarray:
    """Make (ignored, 0) void; (ignored, n) stays, for ``crowd``."""
    category, instance = np.array(category), np.array(instance)
    return np.stack([np.where((category == IGNORED) & (instance == 0), 255, category), instance], axis=-1)


@pytest.mark.parametrize(("name", "nothing"), [("deeplab2", None), ("tf-models", 0.0)])
def test_example_of_deeplab2(name: str, nothing: float | None) -> None:
    table = [{"id": number, "isthing": 1} for number in (0, 1, 2, IGNORED)]
    gt = ignored_as_void([[0, 9, 9], [1, 2, 2], [1, 9, 9]], [[0, 2, 2], [1, 0, 0], [1, 0, 0]])
    pred = ignored_as_void([[0, 0, 9], [1, 1, 1], [1, 9, 9]], [[0, 0, 0], [0, 1, 1], [0, 1, 1]])
    result = pqeval.panoptic_quality(
        gt=gt,
        pred=pred,
        categories=table,
        convention=name,
        crowd=[(IGNORED, 2)],
        unknown_categories=[IGNORED],
    )
    assert (result.pq, result.sq, result.rq, result.groups["All"].n) == (*close(2 / 9, 1 / 3, 2 / 9), 3)
    # TP, FN, FP averaged over the classes are 1/3, 2/3, 2/3.
    assert [(row.tp, row.fn, row.fp) for row in result.per_class] == [(0, 1, 1), (1, 0, 1), (0, 1, 0), (0, 0, 0)]
    void = ignored_as_void([[9]], [[0]])
    empty = pqeval.panoptic_quality(gt=void, pred=void, categories=table, convention=name)
    assert empty.pq == nothing


@pytest.mark.parametrize("name", POINTS)
def test_example_of_semantickitti(name: str) -> None:
    """With 1 as the smallest size there; here it does not matter, as no segment has fewer than 50 points."""
    void, grass, sky, person, dog = 0, 1, 2, 3, 4

    def points(*parts: tuple[int, int, int]) -> np.ndarray:
        return np.concatenate([np.full((1, count, 2), (category, number)) for category, number, count in parts], 1)

    gt = points(
        *((void, 0, 50), (grass, 0, 50), (sky, 0, 50), (dog, 22, 50)),
        *((person, 33, 150), (person, 42, 50), (person, 11, 100)),
    )
    pred = points(
        *((void, 0, 50), (grass, 0, 40), (sky, 0, 10), (sky, 0, 40), (grass, 0, 10)),
        *((person, 35, 50), (person, 8, 200), (person, 95, 100)),
    )
    table = [{"id": number, "isthing": int(number > sky)} for number in (grass, sky, person, dog)]
    result = pqeval.panoptic_quality(gt=gt, pred=pred, categories=table, convention=name)
    assert (round(result.pq, 6), round(result.sq, 6), round(result.rq, 6)) == (0.479167, 0.552083, 0.666667)
    assert round(result.per_class[2].pq, 6) == 0.583333
    assert [(row.tp, row.fp, row.fn) for row in result.per_class] == [(1, 0, 0), (1, 0, 0), (2, 1, 1), (0, 0, 1)]


def test_example_of_torchmetrics() -> None:
    table = [{"id": number, "isthing": int(number < 10)} for number in (0, 1, 10, 11)]
    pred = np.array([[[10, 0], [10, 123], [0, 1], [10, 0], [1, 2]]])
    gt = np.array([[[10, 0], [10, 0], [0, 0], [0, 1], [1, 0]]])
    result = pqeval.panoptic_quality(gt=gt, pred=pred, categories=table, convention="torchmetrics")
    assert [row.pq for row in result.per_class] == [2 / 3, 1.0, 2 / 3, None]
    assert result.pq == pytest.approx(7 / 9, abs=1e-15)


def test_examples_of_tf_models() -> None:
    table = [{"id": 1, "isthing": 1}]
    truth = np.ones((6, 6), int)
    truth[2:4, 1:5] = 2  # 8 pixels
    guess = truth.copy()
    guess[3, 3:5] = 1  # 6 of them
    sides = [(ids, [{"id": 1, "category_id": 1}, {"id": 2, "category_id": 1}]) for ids in (truth, guess)]
    result = pqeval.panoptic_quality(gt=sides[0], pred=sides[1], categories=table, convention="tf-models")
    assert result.pq == (28 / 30 + 6 / 8) / 2

    truth, guess = np.ones((6, 6), int), np.ones((6, 6), int)
    truth[0:2, 0:3], guess[0:2, 1:4] = 2, 2  # a block of 2 x 3, shifted by one
    truth[5, 5] = 2  # and a pixel: of 9, 4 are shared; of the other 32, 27
    sides = [(ids, [{"id": 1, "category_id": 1}, {"id": 2, "category_id": 1}]) for ids in (truth, guess)]
    result = pqeval.panoptic_quality(gt=sides[0], pred=sides[1], categories=table, convention="tf-models")
    assert counts(result) == (1, 1, 1)
    assert result.pq == 27 / 32 * 1 / 2
