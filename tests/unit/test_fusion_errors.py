"""What the fusion rules say about inputs that do not fit together."""

from __future__ import annotations

import numpy as np
import pytest
from datasets import says
from triggers import Triggers, name_of

from pqeval import fusion
from pqeval.errors import PqevalError
from pqeval.fusion import (
    degeus,
    efficientps,
    heuristic,
    mask_classification,
    panoptic_deeplab,
    panoptic_fcn,
    upsnet,
)
from pqeval.fusion._presets import RULES

trigger = Triggers()


def raised(function, *arguments, **options):
    with pytest.raises(PqevalError) as caught:
        function(*arguments, **options)
    return caught.value


def inputs(**changed):
    """What the heuristic takes, with something wrong in it."""
    right = {
        "masks": np.zeros((2, 3, 4)),
        "scores": np.ones(2),
        "categories": [1, 3],
        "semantic": np.full((3, 4), 7),
        "things": [1, 3],
    }
    return right | changed


def boxed(**changed):
    return inputs(semantic=np.zeros((3, 3, 4)), channels=[7, 1, 3], boxes=np.ones((2, 4))) | changed


@trigger
def unknown_rule(folder):
    says(
        raised(fusion.fuse, "majority", masks=1),
        f"""
        no rule is called 'majority'
          expected: one of: {", ".join(fusion.available())}
          do: check the spelling
        """,
    )
    says(
        raised(fusion.settings, "panoptic"),
        f"""
        no settings are kept for 'panoptic'
          expected: one of: {", ".join(RULES)}
          do: check the spelling
        """,
    )


@trigger
def no_attribute(folder):
    with pytest.raises(AttributeError, match=r"^module 'pqeval.fusion' has no attribute 'majority'$"):
        fusion.majority  # noqa: B018
    assert not hasattr(fusion, "_majority_")


@trigger
def unknown_preset(folder):
    says(
        raised(fusion.fuse, "heuristic", preset="ade20k", **inputs()),
        """
        no preset is called 'ade20k'
          expected: one of: coco, cityscapes, small-scenes
          do: choose the one whose images are most like yours, and override what differs
        """,
    )


@trigger
def unknown_variant(folder):
    for variant in ("detr", None):
        says(
            raised(
                mask_classification.fuse, masks=1, class_logits=1, channels=1, things=1, variant=variant
            ),
            f"""
            no variant is called {variant!r}
              expected: one of: maskformer, mask2former, huggingface
              do: check the spelling
            """,
        )  # fmt: skip


@trigger
def axes(folder):
    says(
        raised(heuristic.fuse, **inputs(masks=np.zeros((3, 4)))),
        """
        masks has shape (3, 4)
          expected: shape (K, H, W)
          do: bring all maps to the size of the image; without instances masks is `np.zeros((0, H, W))`
        """,
    )


@trigger
def sizes(folder):
    says(
        raised(heuristic.fuse, **inputs(masks=np.zeros((2, 4, 3)))),
        """
        masks has shape (2, 4, 3)
          expected: shape (K, H, W), where H is 3 as in semantic
          do: bring all maps to the size of the image; without instances masks is `np.zeros((0, H, W))`
        """,
    )


@trigger
def lengths(folder):
    says(
        raised(heuristic.fuse, **inputs(scores=[0.5])),
        """
        scores has shape (1,)
          expected: shape (K,), where K is 2 as in masks
          do: bring all maps to the size of the image; without instances masks is `np.zeros((0, H, W))`
        """,
    )


@trigger
def box_form(folder):
    says(
        raised(upsnet.fuse, **boxed(boxes=np.ones((2, 5)))),
        """
        boxes has shape (2, 5)
          expected: shape (K, 4)
          do: bring all maps to the size of the image; without instances masks is `np.zeros((0, H, W))`
        """,
    )


@trigger
def no_pixels(folder):
    says(
        raised(heuristic.fuse, **inputs(semantic=np.zeros((0, 4), int))),
        """
        semantic has shape (0, 4)
          expected: shape (H, W) with at least one pixel
          do: bring all maps to the size of the image; without instances masks is `np.zeros((0, H, W))`
        """,
    )


@trigger
def not_finite(folder):
    for value in (np.nan, np.inf, -np.inf):
        says(
            raised(heuristic.fuse, **inputs(scores=[0.5, value])),
            """
            scores holds NaN or infinity
              expected: finite numbers
              do: look for a division by zero or a logarithm of it; for -inf write a large negative number
            """,
        )


@trigger
def probabilities(folder):
    says(
        raised(heuristic.fuse, **inputs(masks=np.full((2, 3, 4), -2.5))),
        """
        masks holds numbers from -2.5 to -2.5
          expected: probabilities from 0 to 1, or bool
          do: apply the sigmoid to logits; divide masks of 0 and 255 by 255
        """,
    )


@trigger
def not_numbers(folder):
    says(
        raised(heuristic.fuse, **inputs(categories=[1.0, 3.0])),
        """
        categories is an array of float64
          expected: integers of shape (K,)
          do: convert it yourself where no number is lost
        """,
    )


class Far:
    def __array__(self, dtype=None, copy=None):
        raise TypeError(*self.words)

    def __init__(self, *words):
        self.words = words


@trigger
def far_array(folder):
    for words, said in ((["it is on cuda:0\nmove it"], "it is on cuda:0"), ([], "TypeError")):
        says(
            raised(heuristic.fuse, **inputs(scores=Far(*words))),
            f"""
            scores is a Far that numpy cannot read: {said}
              expected: numbers of shape (K,) in the memory of this machine
              do: make its rows equally long; for torch, move it over first with `.detach().cpu().numpy()`
            """,
        )


def test_rows_of_unequal_length_are_no_array():
    assert raised(heuristic.fuse, **inputs(scores=[[1, 2], [3]])).code == "fusion-array"


@trigger
def no_thing(folder):
    says(
        raised(heuristic.fuse, **inputs(categories=[1, 7])),
        """
        categories holds 7, which is not in things
          expected: for instances, only things: [1, 3]
          do: map the classes of the detector to category ids, and name all things in things
        """,
    )


@trigger
def no_ids(folder):
    for things in ([1.5], "things", None, [True]):
        says(
            raised(heuristic.fuse, **inputs(things=things)),
            f"""
            things is {things!r}
              expected: category ids, which are integers
              do: for example things=[1, 2, 3]
            """,
        )


@trigger
def other_is_a_thing(folder):
    says(
        raised(heuristic.fuse, **inputs(things=[0, 1, 3])),
        """
        things holds 0, which stands for no category
          expected: an id of its own for pixels without category
          do: for tables with category 0 choose another number, for example other=255
        """,
    )


@trigger
def channels_lacking(folder):
    says(
        raised(heuristic.fuse, **inputs(semantic=np.zeros((3, 3, 4)))),
        """
        semantic has three axes, and channels is not given
          expected: a map (H, W) of category ids, or logits (C, H, W) and the category of each channel
          do: pass channels, for example channels=[0, 21, 22] for other, road and sky
        """,
    )


@trigger
def channels_counted(folder):
    says(
        raised(heuristic.fuse, **inputs(semantic=np.zeros((3, 3, 4)), channels=[7, 8])),
        """
        semantic has 3 channels, and channels names 2
          expected: the category of each channel
          do: name a category twice only if it is 0, for channels that are no category
        """,
    )
    says(
        raised(
            mask_classification.fuse,
            masks=np.zeros((1, 2, 2)),
            class_logits=np.zeros((1, 3)),
            channels=[1, 2, 3],
            things=[1],
        ),
        """
        class_logits has 3 columns, and channels names 3
          expected: one column more than channels, the last for no object
          do: name the category of each class
        """,
    )


@trigger
def channel_twice(folder):
    says(
        raised(heuristic.fuse, **inputs(semantic=np.zeros((4, 3, 4)), channels=[7, 0, 7, 0])),
        """
        two channels are of category 7
          expected: one channel for each category
          do: add them up, or take the larger one at each pixel, before the fusion
        """,
    )


@trigger
def channel_missing(folder):
    for rule in (upsnet, efficientps):
        says(
            raised(rule.fuse, **boxed(channels=[7, 1, 4])),
            """
            the semantic output has no channel for category 3 of an instance
              expected: a channel for each thing: this rule adds it to the mask
              do: pass the logits of stuff and of things, and name the category of each channel in channels
            """,
        )


@trigger
def no_count(folder):
    for value in (-1, 2.5, np.inf):
        says(
            raised(panoptic_fcn.fuse, **inputs(most=value)),
            f"""
            most is {value!r}
              expected: a whole number from 0
              do: leave it out for the default
            """,
        )


@trigger
def no_setting(folder):
    for value in (np.nan, "0.5", None):
        says(
            raised(heuristic.fuse, **inputs(overlap_threshold=value)),
            f"""
            overlap_threshold is {value!r}
              expected: a number
              do: leave it out for the default
            """,
        )


@trigger
def peaks(folder):
    for wrong in ({"nms_window": 6}, {"nms_window": -1}, {"nms_window": 7, "top_k": 0}):
        says(
            raised(panoptic_deeplab.find_centres, heat=np.zeros((2, 2)), **wrong),
            f"""
            nms_window is {wrong["nms_window"]}, top_k is {wrong.get("top_k", 200)}
              expected: an odd window, so that it has a middle, and a top_k from 1, or None
              do: for example nms_window=7, top_k=200
            """,
        )


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


@pytest.mark.parametrize(
    ("rule", "settings"),
    [
        (heuristic, "score_threshold mask_threshold overlap_threshold stuff_area"),
        (upsnet, "score_threshold overlap_threshold stuff_area"),
        (panoptic_fcn, "mask_threshold rescore_threshold most score_threshold overlap_threshold stuff_area"),
        (efficientps, "score_threshold mask_threshold overlap_threshold stuff_area"),
        (degeus, "mask_threshold pixel_threshold stuff_share"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_no_rule_takes_a_setting_that_is_no_number(rule, settings):
    scene = boxed(masks=np.zeros((0, 3, 4)), scores=[], categories=[], boxes=np.zeros((0, 4)))
    known = {name: value for name, value in scene.items() if name in rule.fuse.__kwdefaults__ or name != "boxes"}
    if rule in (upsnet, efficientps):
        known = scene
    rule.fuse(**known)
    for name in settings.split():
        assert raised(rule.fuse, **known, **{name: np.nan}).code == "fusion-setting"


def test_no_step_takes_a_setting_that_is_no_number():
    scene = {"semantic": [[1]], "centres": [[1.0]], "offsets": np.zeros((2, 1, 1)), "things": [1]}
    panoptic_deeplab.fuse(**scene)
    for name in ("centre_threshold", "nms_window", "top_k", "stuff_area"):
        assert raised(panoptic_deeplab.fuse, **scene, **{name: np.nan}).code == "fusion-setting"
    kernels = {"kernels": [[1.0]], "scores": [1.0], "categories": [1]}
    assert raised(panoptic_fcn.fuse_kernels, **kernels, similarity_threshold=np.nan).code == "fusion-setting"
    queries = {"masks": [[[1.0]]], "class_logits": [[1.0, 0.0]], "channels": [1], "things": [1]}
    for name in ("score_threshold", "mask_threshold", "kept_share"):
        assert raised(mask_classification.fuse, **queries, **{name: np.nan}).code == "fusion-setting"


@pytest.mark.parametrize(
    ("rule", "name", "value", "code"),
    [
        (heuristic, "masks", np.full((2, 3, 4), np.nan), "fusion-not-finite"),
        (heuristic, "semantic", np.zeros((3, 4)), "fusion-array"),
        (heuristic, "semantic", np.zeros((2, 5), int), "fusion-shape"),
        (heuristic, "categories", [1], "fusion-shape"),
        (panoptic_fcn, "masks", np.full((2, 3, 4), 2.0), "fusion-probability"),
        (panoptic_fcn, "categories", [1, 2], "fusion-category"),
        (upsnet, "semantic", np.full((3, 3, 4), np.nan), "fusion-not-finite"),
        (upsnet, "semantic", np.zeros((3, 4), int), "fusion-shape"),
        (upsnet, "categories", [7, 1], "fusion-category"),
        (upsnet, "scores", [np.nan, 1], "fusion-not-finite"),
        (efficientps, "channels", [7, 1, 4], "fusion-channel-missing"),
        (efficientps, "categories", [7, 1], "fusion-category"),
        (efficientps, "masks", np.zeros((3, 3, 4)), "fusion-shape"),
        (efficientps, "boxes", np.zeros((3, 4)), "fusion-shape"),
        (degeus, "masks", np.full((2, 3, 4), -1), "fusion-probability"),
        (degeus, "categories", [5, 1], "fusion-category"),
        (degeus, "scores", [1], "fusion-shape"),
    ],
)
def test_every_rule_looks_at_its_inputs(rule, name, value, code):
    scene = boxed() if rule not in (heuristic, panoptic_fcn) else inputs()
    if rule is degeus:
        del scene["boxes"]
    rule.fuse(**scene)
    assert raised(rule.fuse, **scene | {name: value}).code == code


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("centres", np.zeros((2, 2)), "fusion-shape"),
        ("centres", np.full((1, 2), np.nan), "fusion-not-finite"),
        ("offsets", np.zeros((1, 1, 2)), "fusion-shape"),
        ("offsets", np.full((2, 1, 2), np.inf), "fusion-not-finite"),
    ],
)
def test_panoptic_deeplab_looks_at_its_inputs(name, value, code):
    scene = {"semantic": [[1, 1]], "centres": [[1.0, 0]], "offsets": np.zeros((2, 1, 2)), "things": [1]}
    panoptic_deeplab.fuse(**scene)
    assert raised(panoptic_deeplab.fuse, **scene | {name: value}).code == code


def test_kernels_fit_their_features():
    features = np.zeros((3, 2, 2))
    assert (
        raised(panoptic_fcn.masks_from_kernels, kernels=np.ones((1, 2)), features=features).code == "fusion-shape"
    )
    kernels = {"kernels": np.ones((2, 3)), "scores": [1.0], "categories": [1, 1]}
    for step in (panoptic_fcn.fuse_kernels, panoptic_fcn.average_stuff_kernels):
        assert raised(step, **kernels).code == "fusion-shape"
