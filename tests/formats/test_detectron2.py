"""detectron2: the evaluator's JSON, whose PNGs were kept or not."""

from __future__ import annotations

import json

import pytest
from datasets import TABLE, image, save, says
from pair_maps import partition, raised, sure
from triggers import Triggers, name_of

import pqeval

FORMAT = "detectron2"
CAT, SKY = 1, 3

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def dumped(folder, *, maps="predictions"):
    """Write what the evaluator dumps: a copy of the ground-truth JSON with annotations of its own."""
    rows = [{"id": 1, "category_id": CAT, "score": 0.9}, {"id": 2, "category_id": SKY, "area": 2}]
    pred = image(139, [[1, 1, 1, 2, 2, 0]], rows, file_name="000000000139.png")
    other = {"images": [{"id": 139, "width": 6, "height": 1, "file_name": "000000000139.jpg"}], "info": {}}
    folder.mkdir(parents=True, exist_ok=True)
    return save(folder / "predictions.json", [pred], folder=folder / maps, **other)


def truth(folder):
    return save(folder / "gt.json", [image(139, [[1, 1, 1, 1, 2, 2]], {1: CAT, 2: SKY})])


def test_kept_pngs_are_scored(tmp_path):
    for pred in (dumped(tmp_path / "inference"), tmp_path / "inference"):
        done = pqeval.evaluate(gt=truth(tmp_path), pred=pred, pred_format=FORMAT)
        # Cat: 3 of 4 pixels. Sky: one of two in common, union 3: IoU 1 / 3, so a FP and a FN.
        assert [(row.tp, row.fp, row.fn) for row in done.per_class] == [(1, 0, 0), (0, 0, 0), (0, 1, 1)]
        assert done.per_class[0].pq == 3 / 4


def test_pngs_that_were_kept_elsewhere_are_named(tmp_path):
    pred = dumped(tmp_path / "inference", maps="../kept")
    done = pqeval.evaluate(gt=truth(tmp_path), pred=pred, pred_format=FORMAT, pred_folder=tmp_path / "kept")
    assert done.per_class[0].pq == 3 / 4


def test_it_is_what_coco_reads(tmp_path):
    pred = dumped(tmp_path / "inference")
    assert partition(pred, FORMAT, role="pred", categories=TABLE) == partition(pred, "coco")
    assert sure(pred, FORMAT) == 0  # so that the format of these files is never unclear
    pqeval.convert(pred, tmp_path / "out.json", format=FORMAT, role="pred", categories=TABLE)
    assert partition(tmp_path / "out.json", "coco") == partition(pred, "coco")


@trigger
def only_the_json_survives(folder):
    pred = dumped(folder / "inference", maps="../gone")
    says(
        raised(pqeval.evaluate, gt=truth(folder), pred=pred, pred_format=FORMAT),
        """
        DIR/inference/predictions.json: the folder of its PNGs, DIR/inference/predictions, does not exist;
              detectron2 deletes the PNGs when its evaluator ends
          expected: the PNGs in a folder named as the JSON without .json
          do: evaluate again with COCOPanopticEvaluator.evaluate changed to write into a folder that stays, and
              name that folder with --pred-folder
        """,
        folder=folder,
    )


@trigger
def no_json_at_all(folder):
    says(
        raised(pqeval.evaluate, gt=truth(folder), pred=folder / "none.json", pred_format=FORMAT),
        """
        DIR/none.json: does not exist
          expected: a file
          do: check the file name
        """,
        folder=folder,
    )


def test_contiguous_ids_in_the_dump_are_no_ids_of_the_dataset(tmp_path):
    pred = dumped(tmp_path / "inference")
    content = json.loads(pred.read_text())
    content["annotations"][0]["segments_info"][0]["category_id"] = 0
    pred.write_text(json.dumps(content))
    error = raised(pqeval.evaluate, gt=truth(tmp_path), pred=pred, pred_format=FORMAT)
    assert error.code == "pred-category-unknown"
