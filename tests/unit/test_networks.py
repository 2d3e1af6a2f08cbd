"""The four networks where torch is not installed: weights, shapes, predictions, errors."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest
from datasets import says
from triggers import Triggers, name_of

import pqeval
from pqeval import architectures, fusion
from pqeval.architectures import CATEGORIES, NAMES, draw_scene, load, ops, predict
from pqeval.architectures.parameters import Parameters, RandomParameters
from pqeval.architectures.prediction import WEIGHTS, normalised
from pqeval.errors import PqevalError

trigger = Triggers()


def raised(function, *arguments, **options):
    with pytest.raises(PqevalError) as caught:
        function(*arguments, **options)
    return caught.value


def network(name):
    return import_module(f"pqeval.architectures.{name}")


@pytest.mark.parametrize("name", NAMES)
def test_the_weights_are_those_that_the_definition_asks_for(name):
    schema = RandomParameters()
    network(name).forward(ops, schema, np.zeros((3, 32, 48), np.float32))
    stored = load(name).arrays
    assert {key: array.shape for key, array in stored.items()} == {
        key: array.shape for key, array in schema.arrays.items()
    }
    assert sum(array.size for array in stored.values()) <= 300_000
    assert all(np.isfinite(array).all() for array in stored.values())
    with np.load(WEIGHTS / f"{name}.npz") as file:
        assert {file[key].dtype for key in file} == {np.dtype(np.float16)}
    assert (WEIGHTS / f"{name}.npz").stat().st_size <= 600_000


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(96, 128), (50, 71)])
def test_a_prediction_is_one_that_can_be_scored(name, size):
    image = draw_scene(3, size=(96, 128)).image[: size[0], : size[1]]
    before = image.copy()
    id_map, segments = predict(name, image)
    np.testing.assert_array_equal(image, before)
    assert id_map.dtype == np.uint32
    assert id_map.shape == size
    assert {row["id"] for row in segments} == set(np.unique(id_map).tolist()) - {0}
    metric = pqeval.PanopticQuality(CATEGORIES)
    metric.update(gt=(id_map, segments), pred=(id_map, segments), image_id=0)
    assert metric.compute().pq == 1.0
    again, _ = predict(name, image)
    np.testing.assert_array_equal(again, id_map)


@pytest.mark.parametrize("name", NAMES)
def test_untrained_weights_and_blank_images_are_no_trouble(name):
    params = RandomParameters(5)
    network(name).forward(ops, params, np.zeros((3, 32, 48), np.float32))
    for image in (
        np.zeros((32, 48, 3), np.uint8),
        np.full((16, 16, 3), 255, np.uint8),
        draw_scene(0).image[:33, :1],
    ):
        for weights in (params, None):
            id_map, segments = predict(name, image, params=weights)
            assert {row["id"] for row in segments} == set(np.unique(id_map).tolist()) - {0}


def test_settings_reach_the_fusion_rule():
    image = draw_scene(3).image
    none = predict("panoptic_deeplab", image, centre_threshold=9.0)[1]
    assert none
    assert not [row for row in none if row["category_id"] < 5]
    assert predict("upsnet", image, detection_score=1.0)[1]
    assert not predict("panoptic_fpn", image, score_threshold=2.0, stuff_area=1e9)[1]
    assert not [row for row in predict("panoptic_fcn", image, centre_score=1.0)[1] if row["category_id"] < 5]


@trigger
def a_name_that_is_none(folder):
    says(
        raised(predict, "panoptic_unet", np.zeros((4, 4, 3), np.uint8)),
        """
        no network is called 'panoptic_unet'
          expected: one of panoptic_fpn, upsnet, panoptic_deeplab, panoptic_fcn
          do: correct the name
        """,
    )


@trigger
def an_image_that_is_none(folder):
    shapes = [((4, 4), np.uint8), ((4, 4, 4), np.uint8), ((4, 4, 3), np.float32), ((0, 4, 3), np.uint8)]
    for shape, kind in shapes:
        says(
            raised(predict, "upsnet", np.zeros(shape, kind)),
            f"""
            an image of shape {shape} and type {np.dtype(kind)}
              expected: shape (H, W, 3) and type uint8
              do: convert it to 8-bit RGB
            """,
        )


@trigger
def a_name_that_is_none_with_weights(folder):
    for name in ("ops", "panoptic_unet"):
        error = raised(predict, name, np.zeros((4, 4, 3), np.uint8), params=load("upsnet"))
        assert str(error).startswith(f"no network is called {name!r}")


@trigger
def weights_of_a_wrong_shape(folder):
    params = Parameters({"a.weight": np.zeros((2, 3, 3, 3)), "a.bias": np.zeros(2)})
    says(
        raised(params.conv, "a", np.zeros((3, 4, 4), np.float32), 4),
        """
        layer 'a' has weight and bias of shapes (2, 3, 3, 3) and (2,)
          expected: shapes (4, 3, 3, 3) and (4,)
          do: use the weights that belong to this network
        """,
    )
    assert "'b' has weight and bias of shapes None and None" in str(
        raised(params.linear, "b", np.zeros((1, 3)), 4)
    )


@trigger
def a_scene_that_cannot_be_drawn(folder):
    says(
        raised(draw_scene, -1),
        """
        scene seed -1
          expected: a whole number from 0 to 2**32 - 1
          do: choose another seed
        """,
    )
    says(
        raised(draw_scene, 1, size=(96, 100)),
        """
        scene size (96, 100)
          expected: height and width that are multiples of 16 from 32
          do: choose another size
        """,
    )


@trigger
def no_attribute(folder):
    with pytest.raises(AttributeError, match=r"^module 'pqeval.architectures' has no attribute 'unet'$"):
        architectures.unet  # noqa: B018


@pytest.mark.parametrize("check", trigger, ids=name_of)
def test_messages(check, tmp_path):
    check(tmp_path)


def test_weights_of_another_network():
    error = raised(predict, "panoptic_deeplab", np.zeros((16, 16, 3), np.uint8), params=load("panoptic_fpn"))
    assert error.code == "weights-misfit"


@pytest.mark.parametrize(
    "wrong", [{"seed": 7.5}, {"seed": "7"}, {"size": 96}, {"size": (96.0, 128.0)}, {"size": (96,)}]
)
def test_seeds_and_sizes_are_whole_numbers(wrong):
    assert raised(draw_scene, **{"seed": 7} | wrong).code == f"scene-{next(iter(wrong))}"


def test_padding_has_no_part_in_the_fusion(monkeypatch):
    seen = []

    def fuse(rule, **given):
        seen.append(given)
        return np.zeros((33, 50), np.uint32), []

    monkeypatch.setattr(fusion, "fuse", fuse)
    for name in NAMES:
        predict(name, draw_scene(3).image[:33, :50])
    assert [given["semantic"].shape[-2:] for given in seen] == [(33, 50)] * 4
    assert {given["masks"].shape[-2:] for given in seen if "masks" in given} == {(33, 50)}


def test_normalisation_is_around_zero():
    image = np.array([[[0, 128, 255]]], np.uint8)
    assert normalised(image)[:, 0, 0].tolist() == [-2, 0, 127 / 64]


def test_names_are_loaded_late_and_unknown_ones_are_no_attributes():
    assert dir(architectures) == sorted(architectures.__all__)
    code = "import sys, pqeval.architectures; print('numpy' in sys.modules, 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_the_score_of_the_fusion_rule_decides():
    """The detector keeps what is far below it, so that a lower one finds more."""
    found = {}
    for score in (0.2, 0.6):
        predicted = [predict("upsnet", draw_scene(seed).image, score_threshold=score)[1] for seed in range(3)]
        found[score] = sum(row["isthing"] for rows in predicted for row in rows)
    assert found[0.2] > found[0.6]
    cut = [
        predict("upsnet", draw_scene(seed).image, detection_score=0.6, score_threshold=0.2)[1] for seed in range(3)
    ]
    assert sum(row["isthing"] for rows in cut for row in rows) == found[0.6]
