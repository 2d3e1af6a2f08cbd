"""The numbers of the presets, typed from the papers and the authors' configurations a second time."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from pqeval import fusion
from pqeval.fusion._presets import PRESETS, RULES

GOLDEN = """
rule                        setting               coco         cityscapes   small-scenes
heuristic                   score_threshold       0.5          0.5          0.5
heuristic                   mask_threshold        0.5          0.5          0.5
heuristic                   overlap_threshold     0.5          0.5          0.5
heuristic                   stuff_area            4096         2048         64
upsnet                      score_threshold       0.6          0.6          0.6
upsnet                      overlap_threshold     0.3          0.3          0.3
upsnet                      unknown               True         True         True
upsnet                      stuff_area            4096         2048         64
panoptic_deeplab            centre_threshold      0.1          0.1          0.1
panoptic_deeplab            top_k                 200          200          200
panoptic_deeplab            nms_window            41           7            7
panoptic_deeplab            stuff_area            4096         2048         64
panoptic_fcn                rescore_threshold     0.05         0.05         0.05
panoptic_fcn                most                  100          100          100
panoptic_fcn                score_threshold       0.2          0.2          0.15
panoptic_fcn                overlap_threshold     0.5          0.5          0.5
panoptic_fcn                mask_threshold        0.4          0.5          0.4
panoptic_fcn                stuff_area            4096         2048         64
panoptic_fcn.fuse_kernels   similarity_threshold  0.9          0.97         0.98
mask_classification         variant               mask2former  mask2former  mask2former
mask_classification         mask_threshold        0.5          0.5          0.5
mask_classification         kept_share            0.8          0.8          0.8
efficientps                 score_threshold       0.5          0.5          0.5
efficientps                 mask_threshold        0.5          0.5          0.5
efficientps                 overlap_threshold     0.5          0.5          0.5
efficientps                 stuff_area            4096         2048         64
degeus                      mask_threshold        0.5          0.5          0.5
degeus                      pixel_threshold       0.25         0.25         0.25
degeus                      stuff_share           0.00048828125  0.00048828125  0.00048828125
"""


def test_the_table_is_the_golden_one():
    header, *rows = (line.split() for line in GOLDEN.strip().splitlines())
    assert tuple(header[2:]) == PRESETS
    written = {
        (rule, setting, preset): str(value)
        for rule in RULES
        for preset in PRESETS
        for setting, value in fusion.settings(rule, preset).items()
    }
    golden = {(rule, setting, name): value for rule, setting, *all_ in rows for name, value in zip(PRESETS, all_)}  # noqa: B905
    assert written == golden


def test_the_table_of_the_reference_is_the_same():
    page = (Path(__file__).parents[2] / "docs" / "reference" / "fusion.md").read_text(encoding="utf-8")
    lines = page.partition("## Presets")[2].partition("\n\n")[2].partition("\n\n")[0].splitlines()[2:]
    rows, rule = [], ""
    for line in lines:
        first, *cells = (cell.strip(" `") for cell in line.strip("|").split("|"))
        rule = first or rule
        rows.append([rule, *(str(1 / 2048) if cell == "1/2048" else cell for cell in cells)])
    assert rows == [line.split() for line in GOLDEN.strip().splitlines()[1:]]


@pytest.mark.parametrize("rule", RULES)
def test_the_defaults_of_a_rule_are_those_of_coco(rule):
    module, _, function = rule.partition(".")
    signature = inspect.signature(getattr(fusion.get(module), function or "fuse"))
    for name, value in fusion.settings(rule, "coco").items():
        assert signature.parameters[name].default == value, name


def test_the_parts_of_a_rule_have_its_defaults():
    parts = [("panoptic_deeplab", "find_centres"), ("upsnet", "prune"), ("upsnet", "panoptic_logits")]
    for rule, function in parts:
        module = fusion.get(rule)
        whole = module.fuse.__kwdefaults__
        for name, value in getattr(module, function).__kwdefaults__.items():
            assert whole[name] == value, name


def test_every_rule_has_a_row():
    assert {name.partition(".")[0] for name in RULES} == set(fusion.available())


def test_a_preset_can_be_overridden_and_is_not_changed_by_that():
    first = fusion.settings("heuristic", "cityscapes")
    first["stuff_area"] = 0
    assert fusion.settings("heuristic", "cityscapes")["stuff_area"] == 2048
    inputs = {"masks": [[[0, 0]]], "scores": [0.9], "categories": [1], "semantic": [[7, 7]], "things": [1]}
    for preset in PRESETS:
        assert fusion.fuse("heuristic", preset=preset, **inputs)[1] == []
        assert len(fusion.fuse("heuristic", preset=preset, **inputs, stuff_area=2)[1]) == 1


def test_a_preset_reaches_the_rule():
    inputs = {"masks": [[[0] * 64]], "scores": [0.9], "categories": [1], "semantic": [[7] * 64], "things": [1]}
    assert len(fusion.fuse("heuristic", preset="small-scenes", **inputs)[1]) == 1
    assert len(fusion.fuse("heuristic", **inputs)[1]) == 0


def test_a_rule_of_another_package_has_its_own_defaults(monkeypatch):
    def other(**inputs):
        return inputs

    class Elsewhere:
        fuse = staticmethod(other)

    monkeypatch.setattr(fusion.room, "get", lambda name: Elsewhere)
    assert fusion.fuse("elsewhere", masks=1) == {"masks": 1}


def test_names_can_be_written_with_dashes():
    assert fusion.settings("panoptic-fcn") == fusion.settings("panoptic_fcn")
    assert fusion.get("panoptic-fcn") is fusion.get("panoptic_fcn")
