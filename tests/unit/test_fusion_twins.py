"""Each fusion rule gives what its slow twin gives, and what every rule promises."""

from __future__ import annotations

import naive_fusion as naive
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import RandomState

from pqeval import fusion
from pqeval.fusion import (
    _kernels,
    degeus,
    efficientps,
    heuristic,
    mask_classification,
    panoptic_deeplab,
    panoptic_fcn,
    upsnet,
)

THINGS, STUFF = (3, 1, 4), (7, 2)
OTHER = 0
FLOATS = st.sampled_from([np.float32, np.float64])
PROBABILITIES = (0, 0.25, 0.375, 0.5, 0.5, 0.75, 1)
LOGITS = range(-3, 4)
SCORES = st.sampled_from([0.1, 0.2, 0.25, 0.4, 0.5, 0.5, 0.6, 0.625, 0.75, 0.9, 0.9])
SHARES = st.sampled_from([0, 0.25, 0.3, 0.5, 1])
AREAS = st.integers(0, 4)
# No two of them have the same probabilities in another order, whose sums would differ by rounding only.
CLASS_LOGITS = st.sampled_from(
    [(3, 0, 0, 0), (0, 4, 0, 0), (0, 1, 5, 0), (0, 0, 0, 2), (6, 0, 1, 2), (1, 1, 0, 0)]
)


def grid(draw, shape, values):
    """An array of these values. Drawn one by one they would mostly be the same."""
    return RandomState(draw(st.integers(0, 2**32 - 1))).choice(list(values), shape).astype(draw(FLOATS))


@st.composite
def scenes(draw, *, masks, form="logits", lowest=0):
    """Inputs that several rules take; ``form`` is that of the semantic output."""
    size = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    count = draw(st.integers(lowest, 4))
    scene = {
        "masks": grid(draw, (count, *size), masks),
        "scores": np.array(draw(st.lists(SCORES, min_size=count, max_size=count)), draw(FLOATS)),
        "categories": draw(st.lists(st.sampled_from(THINGS), min_size=count, max_size=count)),
        "things": draw(st.sampled_from([THINGS, set(THINGS)])),
        "other": OTHER,
    }
    if form == "map":
        scene["semantic"] = grid(draw, size, [OTHER, *THINGS, *STUFF]).astype(int)
        return scene
    stuff = draw(st.lists(st.sampled_from([OTHER, *STUFF]), unique=True))
    scene["channels"] = draw(st.permutations([*stuff, *THINGS]))
    scene["semantic"] = grid(draw, (len(scene["channels"]), *size), LOGITS)
    return scene


def boxes(count):
    return st.lists(
        st.tuples(*[st.integers(0, 4)] * 2, *[st.sampled_from([1, 2.5, 3.5, 9])] * 2),
        min_size=count,
        max_size=count,
    ).map(lambda rows: np.array(rows, np.float64).reshape(-1, 4))


def plain(array):
    return np.asarray(array, np.float64).tolist()


def decimal(array):
    """Scores as they were written: 0.6 of float32 is compared with 0.6 as equal."""
    return [round(value, 6) for value in plain(array)]


def size_of(scene):
    return np.asarray(scene["semantic"]).shape[-2:]


def check(segmentation, expected):
    """Compare with a twin, and look for what holds after every rule."""
    ids, segments = segmentation
    assert ids.dtype == np.uint32
    assert (ids.tolist(), [(s["id"], s["category_id"], s["isthing"]) for s in segments]) == expected
    promised(segmentation)


def promised(segmentation):
    ids, segments = segmentation
    assert [segment["id"] for segment in segments] == list(range(1, len(segments) + 1))
    assert set(np.unique(ids).tolist()) - {0} == {segment["id"] for segment in segments}
    for segment in segments:
        assert list(map(type, segment.values())) == [int, int, bool, float][: len(segment)]
        assert ("score" not in segment) or segment["isthing"]


@given(st.one_of(scenes(masks=PROBABILITIES, form="map"), scenes(masks=PROBABILITIES)), st.data())
def test_heuristic(scene, data):
    settings = {
        "score_threshold": data.draw(SCORES),
        "mask_threshold": data.draw(st.sampled_from(PROBABILITIES)),
        "overlap_threshold": data.draw(SHARES),
        "stuff_area": data.draw(AREAS),
    }
    expected = naive.heuristic(
        plain(scene["masks"]),
        decimal(scene["scores"]),
        scene["categories"],
        classes(scene),
        set(THINGS),
        OTHER,
        *settings.values(),
    )
    check(heuristic.fuse(**scene, **settings), expected)


def classes(scene):
    if "channels" not in scene:
        return scene["semantic"].tolist()
    return naive.classes_of(plain(scene["semantic"]), scene["channels"], size_of(scene), OTHER)


@given(st.one_of(scenes(masks=PROBABILITIES, form="map"), scenes(masks=PROBABILITIES)), st.data())
def test_panoptic_fcn(scene, data):
    settings = {
        "mask_threshold": data.draw(st.sampled_from([0, 0.375, 0.4, 0.5])),
        "rescore_threshold": data.draw(st.sampled_from([0, 0.05, 0.25, 0.375])),
        "most": data.draw(st.integers(0, 4)),
        "score_threshold": data.draw(st.sampled_from([0, 0.2, 0.25, 0.375])),
        "overlap_threshold": data.draw(SHARES),
        "stuff_area": data.draw(AREAS),
    }
    expected = naive.panoptic_fcn(
        plain(scene["masks"]),
        decimal(scene["scores"]),
        scene["categories"],
        classes(scene),
        set(THINGS),
        OTHER,
        *settings.values(),
    )
    check(panoptic_fcn.fuse(**scene, **settings), expected)


@st.composite
def kernels(draw):
    count = draw(st.integers(0, 7))
    return {
        "kernels": grid(draw, (count, 2), range(-2, 3)).astype(np.float64),
        "scores": np.array(draw(st.lists(SCORES, min_size=count, max_size=count)), np.float64),
        "categories": draw(st.lists(st.sampled_from([1, 3]), min_size=count, max_size=count)),
    }


def rows(found):
    values, scores, categories = found
    return list(zip(values.tolist(), scores.tolist(), categories.tolist(), strict=True))


@given(kernels(), st.sampled_from([-1, 0, 0.5, 0.6, 0.9, 1]))
def test_kernel_fusion(found, threshold):
    expected = naive.fused_kernels(*map(plain, found.values()), threshold)
    assert rows(panoptic_fcn.fuse_kernels(**found, similarity_threshold=threshold)) == expected


@given(kernels())
def test_stuff_kernels(found):
    expected = naive.stuff_kernels(*map(plain, found.values()))
    assert rows(panoptic_fcn.average_stuff_kernels(**found)) == expected


@st.composite
def votes(draw, form):
    scene = draw(scenes(masks=[0], form=form))
    size = size_of(scene)
    for name in ("masks", "scores", "categories"):
        del scene[name]
    scene["centres"] = grid(draw, size, [-0.5, 0, 0.1, 0.125, 0.25, 0.25, 0.75, 1])
    scene["offsets"] = grid(draw, (2, *size), [-3, -1.5, -1, -0.5, 0, 0, 0.5, 1, 2.5])
    return scene


@given(st.one_of(votes("map"), votes("logits")), st.data())
def test_panoptic_deeplab(scene, data):
    settings = {
        "centre_threshold": data.draw(st.sampled_from([-1, 0, 0.1, 0.25])),
        "nms_window": data.draw(st.sampled_from([1, 3, 7])),
        "top_k": data.draw(st.sampled_from([None, 1, 2, 3, 200])),
        "stuff_area": data.draw(AREAS),
    }
    heat = [[round(value, 6) for value in row] for row in plain(scene["centres"])]
    expected = naive.panoptic_deeplab(
        classes(scene), heat, plain(scene["offsets"]), set(THINGS), OTHER, *settings.values()
    )
    check(panoptic_deeplab.fuse(**scene, **settings), expected)


@given(scenes(masks=LOGITS), st.data())
def test_upsnet(scene, data):
    scene["boxes"] = data.draw(boxes(len(scene["masks"])))
    settings = {
        "unknown": data.draw(st.booleans()),
        "score_threshold": data.draw(SCORES),
        "overlap_threshold": data.draw(SHARES),
        "stuff_area": data.draw(AREAS),
    }
    check(upsnet.fuse(**scene, **settings), naive.upsnet(*boxed(scene), *settings.values()))


def boxed(scene):
    return (
        plain(scene["masks"]),
        plain(scene["boxes"]),
        decimal(scene["scores"]),
        scene["categories"],
        plain(scene["semantic"]),
        scene["channels"],
        set(THINGS),
        OTHER,
        size_of(scene),
    )


@given(scenes(masks=LOGITS), st.data())
def test_efficientps(scene, data):
    scene["boxes"] = data.draw(boxes(len(scene["masks"])))
    settings = {
        "score_threshold": data.draw(SCORES),
        "mask_threshold": data.draw(st.sampled_from([0.25, 0.5, 0.8])),
        "overlap_threshold": data.draw(SHARES),
        "stuff_area": data.draw(AREAS),
    }
    check(efficientps.fuse(**scene, **settings), naive.efficientps(*boxed(scene), *settings.values()))


@given(scenes(masks=PROBABILITIES), st.data())
def test_degeus(scene, data):
    settings = {
        "mask_threshold": data.draw(st.sampled_from(PROBABILITIES)),
        "pixel_threshold": data.draw(st.sampled_from([0, 0.2, 0.25, 0.5])),
        "stuff_share": data.draw(st.sampled_from([0, 0.2, 0.25, 0.5])),
    }
    expected = naive.degeus(
        plain(scene["masks"]),
        scene["categories"],
        plain(scene["semantic"]),
        scene["channels"],
        set(THINGS),
        OTHER,
        size_of(scene),
        *settings.values(),
    )
    check(degeus.fuse(**scene, **settings), expected)


@given(st.data())
def test_mask_classification(data):
    size = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 5))
    queries = data.draw(st.integers(0, 4))
    masks = grid(data.draw, (queries, *size), LOGITS)
    answers = data.draw(st.lists(CLASS_LOGITS, min_size=queries, max_size=queries))
    channels = data.draw(st.permutations([3, 7, 2]))
    variant = data.draw(st.sampled_from(["maskformer", "mask2former", "huggingface"]))
    score = data.draw(st.sampled_from([None, 0, 0.85]))
    share = data.draw(st.sampled_from([0, 0.5, 0.8]))
    merged = data.draw(st.sampled_from([None, (), {2, 7}, [3]]))
    usual = () if variant == "huggingface" else (2, 7)
    expected = naive.mask_classification(
        plain(masks),
        answers,
        channels,
        set(THINGS),
        size,
        variant,
        score if score is not None else {"huggingface": 0.5}.get(variant, 0.8),
        0.5,
        share,
        usual if merged is None else merged,
    )
    found = mask_classification.fuse(
        masks=masks,
        class_logits=np.array(answers, np.float64).reshape(-1, 4),
        channels=channels,
        things=THINGS,
        variant=variant,
        score_threshold=score,
        kept_share=share,
        merged=merged,
    )
    check(found, expected)


@pytest.mark.parametrize("rule", ["heuristic", "panoptic_fcn", "upsnet", "efficientps"])
@given(st.data())
def test_the_order_of_instances_does_not_matter_where_scores_differ(rule, data):
    scene = data.draw(scenes(masks=PROBABILITIES if rule in ("heuristic", "panoptic_fcn") else LOGITS))
    count = len(scene["masks"])
    scene["scores"] = np.linspace(0.7, 0.95, count)
    if rule == "panoptic_fcn":
        scene["masks"] = np.round(scene["masks"])  # so that the new scores differ as well
    if rule in ("upsnet", "efficientps"):
        scene["boxes"] = data.draw(boxes(count))
    before = fusion.fuse(rule, **scene, stuff_area=1)
    order = np.array(data.draw(st.permutations(range(count))), np.intp)
    for name in {"masks", "scores", "categories", "boxes"} & set(scene):
        scene[name] = np.asarray(scene[name])[order]
    after = fusion.fuse(rule, **scene, stuff_area=1)
    assert (before[0].tolist(), before[1]) == (after[0].tolist(), after[1])


@given(scenes(masks=PROBABILITIES, lowest=1))
def test_scores_are_written_and_belong_to_things(scene):
    _, segments = heuristic.fuse(**scene, score_threshold=0, stuff_area=0)
    for segment in segments:
        assert ("score" in segment) == segment["isthing"]
        assert segment.get("score", 0.5) in [*scene["scores"].tolist(), 0.5]


@given(st.data())
def test_masks_are_dot_products(data):
    kernel, features = (grid(data.draw, shape, LOGITS) for shape in ((3, 2), (2, 2, 2)))
    masks = _kernels.masks_from_kernels(kernels=kernel, features=features)
    for m, y, x in np.ndindex(3, 2, 2):
        assert masks[m, y, x] == sum(kernel[m, d] * features[d, y, x] for d in range(2))
