"""The fixtures: predictions of networks, frozen, scored on every road, and remade by the networks."""

from __future__ import annotations

import json
import os

import naive
import network_scenes
import numpy as np
import pytest
from network_scenes import FOLDER, NETWORKS, TRUTH

import pqeval
from pqeval.cli import cli

COMPILED = os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")


def run(*arguments: object) -> None:
    """Run the command in this process; anything but success is raised."""
    cli.main([str(argument) for argument in arguments], standalone_mode=False)


def test_there_are_24_scenes_and_four_predictions_of_each():
    truth = network_scenes.side(TRUTH)
    assert len(truth) == 24
    assert {path.name for path in FOLDER.glob("*.json")} == {"truth.json", *(f"{name}.json" for name in NETWORKS)}
    for name in NETWORKS:
        assert network_scenes.side(FOLDER / f"{name}.json").keys() == truth.keys()
    sizes = {id_map.shape for id_map, _ in truth.values()}
    assert len(sizes) > 1
    for number, (id_map, _) in truth.items():
        assert network_scenes.picture(number).shape == (*id_map.shape, 3)


def test_the_predictions_fail_in_every_way():
    """What fixtures are for: misses, inventions, unknown pixels, forgiven segments, one object in two."""
    for name in NETWORKS:
        result = pqeval.evaluate(gt=TRUTH, pred=FOLDER / f"{name}.json", workers=1)
        things = [row for row in result.per_class if row.isthing]
        assert all(row.tp for row in result.per_class), name
        assert sum(row.fp for row in things) > 3, name
        assert sum(row.fn for row in things) > 3, name
        assert 0.4 < result.pq < 0.98, name
    assert any(row["iscrowd"] for _, rows in network_scenes.side(TRUTH).values() for row in rows)
    unknown = pqeval.evaluate(gt=TRUTH, pred=FOLDER / "upsnet.json", workers=1).void["unknown_pixels"]
    assert unknown > 0


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("convention", ["coco", "panopticapi"])
def test_the_slow_twin_gives_the_same_numbers(name, convention):
    expected = naive.panoptic_quality(network_scenes.dataset(name), convention, unknown="error")
    result = pqeval.evaluate(gt=TRUTH, pred=FOLDER / f"{name}.json", convention=convention, workers=1)
    for row, theirs in zip(result.per_class, expected["per_class"], strict=True):
        assert {key: getattr(row, key) for key in theirs} == theirs
    for group, scores in expected["groups"].items():
        assert {key: getattr(result.groups[group], key) for key in scores} == scores


@pytest.mark.parametrize("name", NETWORKS)
def test_arrays_and_files_agree(name):
    metric = pqeval.PanopticQuality(json.loads(TRUTH.read_text())["categories"])
    truth, found = network_scenes.side(TRUTH), network_scenes.side(FOLDER / f"{name}.json")
    for number in truth:
        metric.update(gt=truth[number], pred=found[number], image_id=number)
    files = pqeval.evaluate(gt=TRUTH, pred=FOLDER / f"{name}.json", workers=1)
    arrays = metric.compute()
    assert (arrays.groups, arrays.per_class, arrays.void) == (files.groups, files.per_class, files.void)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_command_scores_them(name, tmp_path, capsys):
    pred = FOLDER / f"{name}.json"
    run("evaluate", "--gt", TRUTH, "--pred", pred, "--json", tmp_path / "result.json", "--workers", 1)
    shown = capsys.readouterr().out
    result = pqeval.Result.from_json(tmp_path / "result.json")
    expected = naive.panoptic_quality(network_scenes.dataset(name))["groups"]["All"]
    assert (result.pq, result.sq, result.rq) == (expected["pq"], expected["sq"], expected["rq"])
    for score in (result.pq, result.sq, result.rq):
        assert f"{100 * score:.1f}" in shown


def test_the_command_finds_nothing_wrong_with_them(capsys):
    run("validate", "--gt", TRUTH, "--pred", FOLDER / "upsnet.json")
    assert "24 images checked: 0 errors, 0 warnings" in capsys.readouterr().out


@pytest.mark.parametrize("name", NETWORKS)
def test_the_networks_still_say_the_same(name):
    """Not to the last pixel: another library of matrix products may round otherwise."""
    from pqeval.architectures import predict

    frozen = network_scenes.side(FOLDER / f"{name}.json")
    numbers = list(frozen) if COMPILED else list(frozen)[:1]
    equal = total = 0
    for number in numbers:
        id_map, segments = predict(name, network_scenes.picture(number))
        equal += same_pixels(frozen[number], (id_map, segments))
        total += id_map.size
    assert equal >= 0.999 * total


def same_pixels(one, other) -> int:
    """Count the pixels that two segmentations give to the same segment, whatever its id, or to none."""
    (theirs, rows), (ours, found) = one, other
    same = int(((theirs == 0) & (ours == 0)).sum())
    for row in rows:
        inside = ours[theirs == row["id"]]
        shares = [int((inside == seen["id"]).sum()) for seen in found if seen["category_id"] == row["category_id"]]
        same += max(shares, default=0)
    return same


def test_the_comparison_sees_a_difference():
    truth = np.uint32([[1, 1, 2, 2, 0]]), [{"id": 1, "category_id": 5}, {"id": 2, "category_id": 6}]
    assert same_pixels(truth, truth) == 5
    renamed = np.uint32([[7, 7, 3, 0, 0]]), [{"id": 3, "category_id": 6}, {"id": 7, "category_id": 5}]
    assert same_pixels(truth, renamed) == 4
    assert same_pixels(truth, (renamed[0], [{"id": 3, "category_id": 5}, {"id": 7, "category_id": 5}])) == 3
