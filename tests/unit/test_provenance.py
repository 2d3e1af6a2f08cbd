"""What a result says of where it comes from."""

from __future__ import annotations

import hashlib
import json
import shutil

import network_scenes
import numpy as np
import pytest

import pqeval
from pqeval.void import CONVENTIONS

TABLE = [{"id": 1, "name": "cat", "isthing": 1}]
CAT = {"id": 1, "category_id": 1}


@pytest.fixture
def data(tmp_path):
    for name in ("gt", "pred"):
        frames = [(number, np.array([[1, 1, 0]]), [CAT]) for number in (1, 2)]
        pqeval.save_coco_panoptic(tmp_path / f"{name}.json", frames, TABLE)
    return tmp_path


def hashes(folder) -> dict:
    return pqeval.evaluate(gt=folder / "gt.json", pred=folder / "pred.json", workers=1).provenance["hashes"]


def test_the_hash_of_a_json_is_that_of_its_bytes(data):
    found = hashes(data)
    for name in ("gt", "pred"):
        assert found[name]["json"] == hashlib.sha256((data / f"{name}.json").read_bytes()).hexdigest()


def test_the_place_of_files_does_not_matter(data, tmp_path_factory):
    other = tmp_path_factory.mktemp("elsewhere")
    shutil.copytree(data, other, dirs_exist_ok=True)
    assert hashes(other) == hashes(data)


def test_each_hash_changes_with_what_it_is_of(data):
    before = hashes(data)
    (data / "pred.json").write_text((data / "pred.json").read_text() + " ")
    after = hashes(data)
    assert after["pred"]["json"] != before["pred"]["json"]
    assert (after["gt"], after["ledger"], after["pred"]["files"]) == (
        before["gt"],
        before["ledger"],
        before["pred"]["files"],
    )
    frames = [(number, np.array([[1, 0, 0]]), [CAT]) for number in (1, 2)]
    pqeval.save_coco_panoptic(data / "pred.json", frames, TABLE)
    assert hashes(data)["ledger"] != before["ledger"]
    content = json.loads((data / "pred.json").read_text())
    content["annotations"][0]["file_name"] = "one.png"
    (data / "pred" / "000000000001.png").rename(data / "pred" / "one.png")
    (data / "pred.json").write_text(json.dumps(content))
    assert hashes(data)["pred"]["files"] != before["pred"]["files"]


def test_a_folder_without_json_has_a_list_of_files(tmp_path):
    np.save(tmp_path / "7.npy", np.array([[1, 1]]))
    result = pqeval.evaluate(gt=tmp_path, pred=tmp_path, format="numpy", categories=TABLE, workers=1)
    assert result.provenance["hashes"]["gt"]["json"] is None
    assert len(result.provenance["hashes"]["gt"]["files"]) == 64


def test_arrays_have_the_hash_of_what_was_counted_alone():
    found = []
    for order in ((1, 2), (2, 1)):
        metric = pqeval.PanopticQuality(TABLE)
        for number in order:
            metric.update(gt=([[1] * number], [CAT]), pred=([[1] * number], [CAT]), image_id=number)
        found.append(metric.compute().provenance["hashes"])
    assert found[0] == found[1]
    assert list(found[0]) == ["images", "ledger"]
    metric.update(gt=([[1]], [CAT]), pred=([[1]], [CAT]), image_id="another")
    assert metric.compute().provenance["hashes"] != found[0]


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_the_rules_are_those_of_the_convention(convention):
    result = pqeval.panoptic_quality(
        gt=([[1]], [CAT]), pred=([[1]], [CAT]), categories=TABLE, convention=convention
    )
    rules = result.provenance["rules"]
    assert rules["excuse"] == CONVENTIONS[convention].excuse
    assert rules["averaging"]["over"] == CONVENTIONS[convention].averaging.over
    programs = {"coco": "panopticapi", "cityscapes": "cityscapesscripts"}
    reference = result.provenance["reference"]
    assert reference == ({"program": programs[convention], "differs": {}} if convention in programs else None)
    assert pqeval.Result.from_json(result.to_json()) == result


def test_what_the_reference_would_do_otherwise_is_counted(tmp_path):
    """Two images: stated areas that are wrong, two crowds that only together excuse, and ids listed twice."""
    truth = np.array([[1, 1, 2, 2, 3, 3, 4, 4, 5]])
    rows = [
        {"id": 1, "category_id": 1, "area": 2},
        {"id": 2, "category_id": 1, "area": 7},
        {"id": 3, "category_id": 1, "iscrowd": 1, "area": 2},
        {"id": 4, "category_id": 1, "iscrowd": 1, "area": 2},
        {"id": 5, "category_id": 1, "area": 3},
    ]
    guess = np.array([[1, 1, 2, 2, 3, 3, 3, 3, 5]])
    guessed = [{"id": number, "category_id": 1} for number in (1, 2, 3, 5, 1, 2)]
    metric = pqeval.PanopticQuality(TABLE)
    metric.update(gt=(truth, rows), pred=(guess, guessed), image_id=1)
    metric.update(gt=(truth, [*rows[:4], CAT | {"id": 5}]), pred=(guess, guessed[:4]), image_id=2)
    assert metric.compute().provenance["reference"]["differs"] == {
        "last-crowd": {"images": 2, "segments": 2},
        "repeated-id": {"images": 1, "segments": 2},
        "stated-area": {"images": 2, "segments": 3},
    }
    other = pqeval.PanopticQuality(TABLE, convention="panopticapi")
    other.update(gt=(truth, rows), pred=(guess, guessed), image_id=1)
    assert other.compute().provenance["reference"] is None


def test_the_number_of_workers_leaves_no_trace():
    sides = {"gt": network_scenes.TRUTH, "pred": network_scenes.FOLDER / "upsnet.json"}
    assert len({pqeval.evaluate(**sides, workers=workers).to_json() for workers in (1, 2, 3)}) == 1
