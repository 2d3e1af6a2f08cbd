"""Every error and every warning, with its whole text; and the tree they form.

Each function marked ``trigger`` makes one thing go wrong in a folder of its own and asserts what is said then. A
guard traces them and finds the ``raise`` statements that none of them reaches.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import socket
import struct
import warnings
import zlib
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest
from click.testing import CliRunner
from datasets import GRAY_ALPHA, PALETTE, RGBA, TABLE, chunk, colours, image, png, save, says, within
from triggers import Triggers, name_of

import pqeval
from pqeval import errors, formats
from pqeval.categories import Categories
from pqeval.engines import processes, threads
from pqeval.errors import DataWarning, PqevalError, SeveralErrors
from pqeval.formats import coco
from pqeval.labelmap import LabelMap
from pqeval.source import Request
from pqeval.storage import File
from pqeval.storage.local import LocalFolder

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def raised(function, *arguments, **options):
    """Return what the call raises."""
    try:
        function(*arguments, **options)
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def problems(folder, gt, pred, *, categories=TABLE, gt_keys=None, **options):
    """Return all errors and warnings that ``validate`` finds."""
    gt = save(folder / "gt.json", gt, categories=categories, **(gt_keys or {}))
    pred = save(folder / "pred.json", pred, categories=None)
    return list(pqeval.validate(gt=gt, pred=pred, workers=1, **options).problems)


def about_pred(folder, content, segments=None, **options):
    """Return what is found when image 1 of the prediction has this map or file."""
    truth = [image(1, [[1, 1]], {1: 1})]
    return problems(folder, truth, [image(1, content, segments or {1: 1})], **options)


def about_rows(folder, *rows, **options):
    return about_pred(folder, [[1, 1]], list(rows), **options)


def about_gt_rows(folder, *rows, **options):
    both = image(1, [[1, 1]], {1: 1})
    return problems(folder, [image(1, [[1, 1]], list(rows))], [both], **options)


def about_text(folder, text):
    """Return what is raised for a prediction file with this content."""
    gt = save(folder / "gt.json", [image(1, [[1, 1]], {1: 1})])
    pred = save(folder / "pred.json", [], categories=None)
    pred.write_bytes(text if isinstance(text, bytes) else text.encode())
    return raised(pqeval.evaluate, gt=gt, pred=pred, workers=1)


def about_arrays(gt=None, pred=None, **options):
    """Return what is raised for arrays; a side that is not given is sound."""
    sound = np.array([[1, 1]]), [{"id": 1, "category_id": 1}]
    sides = {"gt": sound if gt is None else gt, "pred": sound if pred is None else pred}
    return raised(pqeval.panoptic_quality, **sides, categories=TABLE, **options)


def sound(folder):
    both = save(folder / "both.json", [image(1, [[1, 1]], {1: 1})])
    return {"gt": both, "pred": both, "workers": 1}


# Usage


@trigger
def unknown_format(folder):
    says(
        raised(pqeval.validate, gt="a", pred="b", format="nope"),
        """
        no format is called 'nope'
          expected: one of: FORMATS
          do: check the spelling
        """.replace("FORMATS", ", ".join(formats.room.available())),
    )


@trigger
def unknown_metric(folder):
    says(
        raised(pqeval.evaluate, gt="a", pred="b", metric="nope"),
        """
        no metric is called 'nope'
          expected: one of: pq
          do: check the spelling
        """,
    )


@trigger
def unknown_convention(folder):
    says(
        raised(pqeval.PanopticQuality, TABLE, convention="nope"),
        """
        no convention is called 'nope'
          expected: one of: coco, panopticapi, cityscapes, bdd100k, deeplab2, tf-models, torchmetrics, lidar,
              nuscenes, hovernet, pannuke, conic
          do: use coco unless you need panopticapi's numbers with its quirks
        """,
    )


@trigger
def unknown_unknown_policy(folder):
    says(
        raised(pqeval.PanopticQuality, TABLE, unknown="nope"),
        """
        no unknown policy is called 'nope'
          expected: one of: error, void, fp
          do: use error to be told about categories that the table lacks
        """,
    )


@trigger
def unknown_missing_policy(folder):
    says(
        raised(pqeval.evaluate, gt="a", pred="b", missing="nope"),
        """
        no missing policy is called 'nope'
          expected: one of: error, empty, skip
          do: use error to be told about images without prediction
        """,
    )


@trigger
def unknown_builtin_table(folder):
    says(
        raised(Categories.builtin, "nope"),
        """
        no built-in category table is called 'nope'
          expected: one of: ade20k, bdd100k, cityscapes, cityscapes_train, coco, coco_stuff, conic, kitti_step,
              mapillary_v12, mapillary_v20, motchallenge_step, nuclei, nuscenes, pannuke, semantickitti,
              semkitti_dvps, vipseg
          do: choose one of these, or give the categories as a list
        """,
    )


@trigger
def no_workers(folder):
    says(
        raised(pqeval.evaluate, gt="a", pred="b", workers=0),
        """
        workers is 0
          expected: 1 or more
          do: leave it out to use all cores
        """,
    )


@trigger
def no_processes(folder):
    says(
        raised(pqeval.evaluate, gt="a", pred="b", processes=0),
        """
        processes is 0
          expected: 1 or more
          do: leave it out: one process with several threads is enough for most machines
        """,
    )


@trigger
def process_that_died(folder):
    says(
        # Each process exits with the number of its task.
        raised(list, processes.run(os._exit, [1, 2], workers=2, processes=2)),
        """
        a process ended before its work was done
          expected: processes that live as long as this one
          do: check the memory of the machine; in a script that asks for processes, guard the call with
              `if __name__ == "__main__":`; or use one worker
        """,
    )


@trigger
def what_a_task_raises(folder):
    def task(number):
        if number == 12:
            raise ValueError("the twelfth")
        return number

    done = []
    error = raised(done.extend, threads.run(task, range(100), 3))
    assert (type(error), str(error)) == (ValueError, "the twelfth")
    assert done == list(range(12))


@trigger
def group_with_a_taken_name(folder):
    says(
        raised(pqeval.PanopticQuality, TABLE, groups={"All": [1]}),
        """
        the group 'All' has a taken name
          expected: a new name with category ids of the table
          do: for example --group Vehicles=3,4,6 or groups={'Vehicles': [3, 4, 6]}
        """,
    )


@trigger
def empty_group(folder):
    says(
        raised(pqeval.PanopticQuality, TABLE, groups={"Animals": []}),
        """
        the group 'Animals' does not list category ids
          expected: a new name with category ids of the table
          do: for example --group Vehicles=3,4,6 or groups={'Vehicles': [3, 4, 6]}
        """,
    )


@trigger
def group_of_absent_categories(folder):
    says(
        raised(pqeval.PanopticQuality, TABLE, groups={"Animals": [1, 7, 8]}),
        """
        the group 'Animals' names 7, 8, which the category table lacks
          expected: a new name with category ids of the table
          do: for example --group Vehicles=3,4,6 or groups={'Vehicles': [3, 4, 6]}
        """,
    )


@trigger
def group_option_without_ids(folder):
    from pqeval.cli import cli

    arguments = ["evaluate", "--gt", "a", "--pred", "b", "--group", "Animals=cat"]
    says(
        CliRunner().invoke(cli, arguments, standalone_mode=False).exception,
        """
        --group Animals=cat
          expected: NAME=ID,ID,..., every name once
          do: for example --group Vehicles=3,4,6
        """,
    )


@trigger
def demo_without_scenes(folder):
    from pqeval.demo import run_demo

    says(
        raised(run_demo, folder, count=0, stream=io.StringIO()),
        """
        a demonstration with 0 scenes
          expected: at least 1 scene
          do: give a count of 1 or more, or leave it out
        """,
    )


@trigger
def attribute_that_is_not_there(folder):
    error = raised(getattr, pqeval, "nope")
    assert isinstance(error, AttributeError)
    assert str(error) == "module 'pqeval' has no attribute 'nope'"


# Files


@trigger
def json_missing(folder):
    says(
        raised(pqeval.evaluate, gt=folder / "gt.json", pred=folder / "pred.json"),
        """
        2 errors:
        DIR/gt.json: does not exist
          expected: a file
          do: check the file name
        DIR/pred.json: does not exist
          expected: a file
          do: check the file name
        """,
        folder=folder,
    )


@trigger
def folder_of_a_file_missing(folder):
    says(
        problems_of_opening(folder / "nowhere" / "gt.json"),
        """
        DIR/nowhere/gt.json: does not exist
          expected: a file
          do: the folder DIR/nowhere does not exist either; check the path
        """,
        folder=folder,
    )


def problems_of_opening(path):
    return raised(coco.open_side, File(LocalFolder(path.parent), path.name), Request(role="gt"))


@trigger
def jpg_where_there_is_a_png(folder):
    (folder / "pred").mkdir()
    (folder / "pred" / "1.png").write_bytes(png(colours([[1, 1]])))
    found = problems(folder, [image(1, [[1, 1]], {1: 1})], [image(1, None, {1: 1}, file_name="1.jpg")])
    says(
        found,
        """
        DIR/pred/1.jpg (image 1): does not exist
          expected: a file
          do: 1.png exists: write that as file_name
        """,
        folder=folder,
    )


@trigger
def folder_instead_of_a_file(folder):
    says(
        problems_of_opening(folder),
        """
        DIR: is a folder
          expected: a regular file
          do: check the path
        """,
        folder=folder,
    )


@trigger
def named_pipe_instead_of_a_file(folder):
    os.mkfifo(folder / "pipe.json")
    with within(60):
        error = problems_of_opening(folder / "pipe.json")
    says(
        error,
        """
        DIR/pipe.json: is a named pipe
          expected: a regular file
          do: check the path
        """,
        folder=folder,
    )


@trigger
def socket_instead_of_a_file(folder):
    # The path of a socket may be a hundred bytes long, and that of a test's folder is longer.
    place = os.open(folder, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"/proc/self/fd/{place}/socket.json")
    os.close(place)
    says(
        problems_of_opening(folder / "socket.json"),
        """
        DIR/socket.json: is a socket
          expected: a regular file
          do: check the path
        """,
        folder=folder,
    )


@trigger
def device_instead_of_a_file(folder):
    says(
        problems_of_opening(Path("/dev/null")),
        """
        /dev/null: is a device
          expected: a regular file
          do: check the path
        """,
    )


@trigger
def file_that_may_not_be_read(folder):
    # root may read everything, so the refusal is played.
    path = save(folder / "gt.json", [])
    with (
        mock.patch.object(os, "open", side_effect=PermissionError(13, "Permission denied")),
        mock.patch.object(Path, "open", side_effect=PermissionError(13, "Permission denied")),
    ):
        says(
            problems_of_opening(path),
            """
            DIR/gt.json: cannot be read: Permission denied
              expected: a readable file
              do: check its name and its permissions
            """,
            folder=folder,
        )


@trigger
def file_name_that_leaves_its_folder(folder):
    found = problems(folder, [image(1, [[1, 1]], {1: 1})], [image(1, None, {1: 1}, file_name="../1.png")])
    says(
        found,
        """
        DIR/pred.json (image 1): file_name is '../1.png'
          expected: a relative path that stays inside DIR/pred
          do: write file names relative to the folder, without ..
        """,
        folder=folder,
    )


@trigger
def folder_of_pngs_missing(folder):
    gt = save(folder / "gt.json", [image(1, [[1, 1]], {1: 1})])
    says(
        raised(pqeval.evaluate, gt=gt, pred=gt, gt_folder=folder / "no", pred_folder=folder / "none"),
        """
        2 errors:
        DIR/no: --gt-folder is no folder and no archive
          expected: a folder, a zip or tar file, or a URL of one
          do: check --gt-folder
        DIR/none: --pred-folder is no folder and no archive
          expected: a folder, a zip or tar file, or a URL of one
          do: check --pred-folder
        """,
        folder=folder,
    )


@trigger
def report_into_a_missing_folder(folder):
    says(
        raised(pqeval.evaluate, **sound(folder), json=folder / "no" / "result.json"),
        """
        DIR/no/result.json: cannot write into DIR/no
          expected: a file name in an existing folder that may be written
          do: create the folder, or choose another place
        """,
        folder=folder,
    )


@trigger
def report_in_the_place_of_a_folder(folder):
    (folder / "taken").mkdir()
    says(
        raised(pqeval.evaluate, **sound(folder), json=folder / "taken"),
        """
        DIR/taken: is a folder
          expected: a file name in an existing folder that may be written
          do: create the folder, or choose another place
        """,
        folder=folder,
    )
    assert sorted(path.name for path in folder.iterdir()) == ["both", "both.json", "taken"]


@trigger
def result_into_a_missing_folder(folder):
    result = pqeval.evaluate(**sound(folder))
    says(
        raised(result.to_json, folder / "no" / "result.json"),
        """
        DIR/no/result.json: cannot write: No such file or directory
          expected: a file name in an existing folder that may be written
          do: create the folder, or choose another place
        """,
        folder=folder,
    )


@trigger
def result_in_the_place_of_a_folder(folder):
    (folder / "taken").mkdir()
    result = pqeval.evaluate(**sound(folder))
    says(
        raised(result.to_json, folder / "taken"),
        """
        DIR/taken: cannot write: Is a directory
          expected: a file name in an existing folder that may be written
          do: create the folder, or choose another place
        """,
        folder=folder,
    )
    assert sorted(path.name for path in folder.iterdir()) == ["both", "both.json", "taken"]


@trigger
def report_interrupted_while_it_is_written(folder):
    from pqeval.output import fresh_file

    def write():
        with fresh_file(folder / "half.txt") as path:
            path.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert list(folder.iterdir()) == []


@trigger
def saving_into_a_place_that_is_no_folder(folder):
    (folder / "gt").write_text("a file")
    says(
        raised(pqeval.save_coco_panoptic, folder / "gt.json", [], TABLE),
        """
        DIR/gt: cannot make the folder: File exists
          expected: a place that may be written
          do: choose another place
        """,
        folder=folder,
    )


@trigger
def result_missing(folder):
    says(
        raised(pqeval.Result.from_json, folder / "result.json"),
        """
        DIR/result.json: cannot read: No such file or directory
          expected: a result that pqeval saved
          do: check the path
        """,
        folder=folder,
    )


@trigger
def result_that_is_none(folder):
    says(
        raised(pqeval.Result.from_json, "{}"),
        """
        not a pqeval result: Object missing required field `metric`
          expected: JSON with "schema": "pqeval.result/1"
          do: save one with `pqeval evaluate --json FILE` or `Result.to_json`
        """,
    )


@trigger
def result_file_that_is_none(folder):
    says(
        raised(pqeval.Result.from_json, save(folder / "gt.json", [])),
        """
        DIR/gt.json: not a pqeval result: Object missing required field `metric`
          expected: JSON with "schema": "pqeval.result/1"
          do: save one with `pqeval evaluate --json FILE` or `Result.to_json`
        """,
        folder=folder,
    )


# JSON


@trigger
def json_cut(folder):
    says(
        about_text(folder, '{"annotations": [{"image_id": 1'),
        """
        DIR/pred.json: not JSON: Expecting ',' delimiter at line 1, column 32
          expected: a JSON file
          do: the file ends too early; write it again
        """,
        folder=folder,
    )


@trigger
def json_wrong_in_the_middle(folder):
    says(
        about_text(folder, '{"annotations": [,]}\n'),
        """
        DIR/pred.json: not JSON: Expecting value at line 1, column 18
          expected: a JSON file
          do: repair the file at that place
        """,
        folder=folder,
    )


@trigger
def json_not_utf_8(folder):
    says(
        about_text(folder, b'{"annotations": "\xff"}'),
        """
        DIR/pred.json: not JSON: UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 17:
                invalid start byte
          expected: a JSON file
          do: write it again as UTF-8 JSON
        """,
        folder=folder,
    )


@trigger
def json_nested_too_deeply(folder):
    error = about_text(folder, "[" * 200_000)
    assert error.code == "json-syntax"
    assert error.found.startswith("not JSON: RecursionError: maximum recursion depth exceeded")
    assert (error.expected, error.remedy) == ("a JSON file", "write it again as UTF-8 JSON")


@trigger
def json_list(folder):
    says(
        about_text(folder, "[]"),
        """
        DIR/pred.json: the top level is a list
          expected: an object with the key "annotations"
          do: wrap the list: {"annotations": [...]}
        """,
        folder=folder,
    )


@trigger
def json_number(folder):
    says(
        about_text(folder, "17"),
        """
        DIR/pred.json: the top level is 17
          expected: an object with the key "annotations"
          do: check that this is the right file
        """,
        folder=folder,
    )


@trigger
def annotations_absent(folder):
    says(
        about_text(folder, '{"images": [], "info": {}}'),
        """
        DIR/pred.json: no key 'annotations'; there is 'images', 'info'
          expected: a list called 'annotations'
          do: check that this is a COCO panoptic file
        """,
        folder=folder,
    )


@trigger
def annotations_and_all_else_absent(folder):
    says(
        about_text(folder, "{}"),
        """
        DIR/pred.json: no key 'annotations'; there is no key at all
          expected: a list called 'annotations'
          do: check that this is a COCO panoptic file
        """,
        folder=folder,
    )


@trigger
def annotations_no_list(folder):
    says(
        about_text(folder, '{"annotations": {"1": []}}'),
        """
        DIR/pred.json: annotations is dict
          expected: a list called 'annotations'
          do: check that this is a COCO panoptic file
        """,
        folder=folder,
    )


@trigger
def categories_absent(folder):
    path = save(folder / "gt.json", [image(1, [[1, 1]], {1: 1})], categories=None)
    says(
        raised(pqeval.evaluate, gt=path, pred=path),
        """
        DIR/gt.json: no key 'categories'; there is 'annotations'
          expected: a list called 'categories'
          do: check that this is a COCO panoptic file for ground truth
        """,
        folder=folder,
    )


@trigger
def ground_truth_of_a_format_without_categories(folder):
    # The COCO reader insists on them; another package's format may not.
    from pqeval import opening
    from pqeval.inputs import Inputs
    from pqeval.void import convention

    side = SimpleNamespace(file="truth.zip", images={}, categories=None, problems=[])
    room = SimpleNamespace(get=lambda name: SimpleNamespace(open_side=lambda *a, **k: side))
    with mock.patch.object(opening, "formats", room):
        says(
            raised(
                opening.open_both,
                Inputs("a", "b", places=dict.fromkeys(("gt", "pred"))),
                convention("coco"),
            ),
            """
            truth.zip: the ground truth has no category table
              expected: a table with id and isthing
              do: give one with --categories FILE (categories=)
            """,
        )


@trigger
def annotation_no_object(folder):
    says(
        about_annotation(folder, "a string that is rather long for an annotation"),
        """
        DIR/pred.json: annotations[0] is 'a string that is rather long for an ann
          expected: an object with image_id, file_name and segments_info
          do: correct this annotation
        """,
        folder=folder,
    )


@trigger
def annotation_without_image_id(folder):
    says(
        about_annotation(folder, {"file_name": "1.png", "segments_info": []}),
        """
        DIR/pred.json: annotations[0] has no image_id
          expected: a string or a number
          do: correct this annotation
        """,
        folder=folder,
    )


@trigger
def annotation_with_a_list_as_image_id(folder):
    says(
        about_annotation(folder, {"image_id": [1], "file_name": "1.png", "segments_info": []}),
        """
        DIR/pred.json (image [1]): annotations[0].image_id is [1]
          expected: a string or a number
          do: correct this annotation
        """,
        folder=folder,
    )


@trigger
def annotation_without_file_name(folder):
    says(
        about_annotation(folder, {"image_id": 1, "segments_info": []}),
        """
        DIR/pred.json (image 1): annotations[0].file_name is None
          expected: the name of a PNG
          do: correct this annotation
        """,
        folder=folder,
    )


@trigger
def annotation_without_segments(folder):
    says(
        about_annotation(folder, {"image_id": 1, "file_name": "1.png"}),
        """
        DIR/pred.json (image 1): annotations[0]: has no segments_info
          expected: a list such as [{"id": 1, "category_id": 17}]
          do: correct this annotation
        """,
        folder=folder,
    )


@trigger
def annotation_with_segments_that_are_no_objects(folder):
    says(
        about_annotation(folder, {"image_id": 1, "file_name": "1.png", "segments_info": [1]}),
        """
        DIR/pred.json (image 1): annotations[0]: segments_info is not a list of objects
          expected: a list such as [{"id": 1, "category_id": 17}]
          do: correct this annotation
        """,
        folder=folder,
    )


def about_annotation(folder, annotation):
    gt = save(folder / "gt.json", [])
    pred = save(folder / "pred.json", [], annotations=[annotation])
    return raised(pqeval.evaluate, gt=gt, pred=pred, workers=1)


# Categories


@trigger
def category_table_empty(folder):
    says(
        raised(Categories, []),
        """
        the category table is empty
          expected: at least one category with an id and isthing
          do: add rows such as {"id": 1, "name": "person", "isthing": 1}
        """,
    )


@trigger
def category_id_twice(folder):
    says(
        raised(Categories.from_coco, [*TABLE, TABLE[0], TABLE[0], TABLE[2]]),
        """
        category id 1, 3 appears more than once
          expected: every category id once
          do: remove or renumber the repeated rows
        """,
    )


@trigger
def category_table_in_a_file(folder):
    gt = save(folder / "gt.json", [image(1, [[1, 1]], {1: 1})], categories=[*TABLE, TABLE[0]])
    says(
        raised(pqeval.evaluate, gt=gt, pred=gt, workers=1),
        """
        DIR/gt.json: category id 1 appears more than once
          expected: every category id once
          do: remove or renumber the repeated rows
        """,
        folder=folder,
    )


@trigger
def category_id_without_room(folder):
    says(
        raised(Categories.from_coco, [{"id": 2**62 - 1, "isthing": 1}, {"id": 2**62, "isthing": 1}]),
        """
        categories[1].id is 4611686018427387904
          expected: an integer below 4611686018427387904
          do: give every category an integer id
        """,
    )
    assert raised(Categories.from_coco, [{"id": -(2**62), "isthing": 1}]).code == "category-id"


@trigger
def several_wrong_category_rows(folder):
    rows = ["cat", {"id": "1", "isthing": 1}, {"id": 2, "isthing": 2}, {"id": 3}]
    says(
        raised(Categories.from_coco, rows),
        """
        4 errors:
        categories[0] is 'cat'
          expected: an object such as {"id": 1, "name": "person", "isthing": 1}
          do: write every category as an object
        categories[1].id is '1'
          expected: an integer
          do: give every category an integer id
        categories[2] (id 2): isthing is 2
          expected: 1 for things, 0 for stuff
          do: add "isthing": 1 or "isthing": 0 to the row
        categories[3] (id 3): isthing is missing
          expected: 1 for things, 0 for stuff
          do: add "isthing": 1 or "isthing": 0 to the row
        """,
    )


@trigger
def category_unknown_in_the_truth(folder):
    says(
        about_gt_rows(folder, {"id": 1, "category_id": 77}),
        """
        DIR/gt/1.png (image 1): the ground truth uses category_id 77, which its category table lacks
          expected: one of the 3 ids of the table, 1 to 3
          do: add the categories to the table, or correct the segments
        """,
        folder=folder,
    )


@trigger
def category_unknown_in_the_truth_and_dropped(folder):
    gt = save(folder / "gt.json", [image(1, [[1, 1]], [{"id": 1, "category_id": 77, "area": 2}])])
    pred = save(folder / "pred.json", [image(1, [[1, 1]], {1: 1})])
    result = pqeval.evaluate(gt=gt, pred=pred, convention="panopticapi", workers=1)
    says(
        result.warnings,
        """
        [gt-category-unknown] 1 image, first DIR/gt/1.png (image 1): the ground truth uses category_id
                77, which its category table lacks; these segments are dropped; do: add the categories to the
                table, or correct the segments
        """,
        folder=folder,
    )


@trigger
def category_unknown_in_the_prediction(folder):
    many = {number: 60 + number for number in range(1, 8)}
    gt = [image(1, [[1] * 7], {1: 1})]
    says(
        problems(folder, gt, [image(1, [list(many)], many)]),
        """
        DIR/pred/1.png (image 1): the prediction uses category_id 61, 62, 63, 64, 65 and 2 more, which
                the category table lacks
          expected: one of the 3 ids of the table, 1 to 3
          do: write the dataset's category ids, not the network's class numbers; or say what unknown
                segments are with `unknown` (on the command line --unknown void or --unknown fp)
        """,
        folder=folder,
    )


@trigger
def no_category_tells_things(folder):
    result = pqeval.panoptic_quality(
        gt=([[1]], [{"id": 1, "category_id": 1}]), pred=([[0]], []), categories=[{"id": 1}]
    )
    says(
        result.warnings,
        """
        [isthing-untold] no category says whether it is a thing; Things and Stuff are not scored; do: add
                it, for example {"id": 1, "name": "person", "isthing": 1}
        """,
    )


@trigger
def categories_shifted(folder):
    truth = [[1, 2, 3]], [{"id": number, "category_id": number} for number in (1, 2, 3)]
    guess = [[1, 2, 3]], [{"id": number, "category_id": number - 1} for number in (1, 2, 3)]
    table = [{"id": number, "isthing": 1} for number in range(4)]
    says(
        pqeval.panoptic_quality(gt=truth, pred=guess, categories=table).warnings,
        """
        [categories-misaligned] 3 of 3 ground-truth segments are found with IoU > 0.5 under another
                category id: the ids seem shifted by -1 (predicted 0 overlaps ground truth 1 in 100 % of 1,
                predicted 1 overlaps ground truth 2 in 100 % of 1, predicted 2 overlaps ground truth 3 in 100 %
                of 1); do: map the class numbers of the network to the dataset's category ids before saving
        """,
    )


@trigger
def categories_that_are_places_in_the_table(folder):
    table = [{"id": number, "isthing": 1} for number in (2, 3, 5, 7)]
    truth = [[1, 2, 3]], [{"id": 1, "category_id": 3}, {"id": 2, "category_id": 5}, {"id": 3, "category_id": 7}]
    guess = [[1, 2, 3]], [{"id": 1, "category_id": 2}, {"id": 2, "category_id": 3}, {"id": 3, "category_id": 3}]
    says(
        pqeval.panoptic_quality(gt=truth, pred=guess, categories=table).warnings,
        """
        [categories-misaligned] 3 of 3 ground-truth segments are found with IoU > 0.5 under another
                category id: the ids seem to be places in the category table, counted from 1 (predicted 2
                overlaps ground truth 3 in 100 % of 1, predicted 3 overlaps ground truth 5 in 50 % of 2); do: map
                the class numbers of the network to the dataset's category ids before saving
        """,
    )


@trigger
def categories_permuted(folder):
    numbers = range(1, 8)
    truth = [list(numbers)], [{"id": number, "category_id": number} for number in numbers]
    guess = (
        [list(numbers)],
        [{"id": number, "category_id": 8 - number if number != 4 else 1} for number in numbers],
    )
    table = [{"id": number, "isthing": 1} for number in numbers]
    says(
        pqeval.panoptic_quality(gt=truth, pred=guess, categories=table).warnings,
        """
        [categories-misaligned] 7 of 7 ground-truth segments are found with IoU > 0.5 under another
                category id: the ids seem permuted (predicted 1 overlaps ground truth 4 in 50 % of 2, predicted 2
                overlaps ground truth 6 in 100 % of 1, predicted 3 overlaps ground truth 5 in 100 % of 1,
                predicted 5 overlaps ground truth 3 in 100 % of 1, predicted 6 overlaps ground truth 2 in 100 %
                of 1 and 1 more); do: map the class numbers of the network to the dataset's category ids before
                saving
        """,
    )


# Images


@trigger
def png_empty(folder):
    says(
        about_pred(folder, b""),
        """
        DIR/pred/1.png (image 1): the file is empty
          expected: a sound PNG
          do: write the file again
        """,
        folder=folder,
    )


@trigger
def png_that_is_a_jpeg(folder):
    says(
        about_pred(folder, b"\xff\xd8\xff\xe0"),
        """
        DIR/pred/1.png (image 1): the file is a JPEG
          expected: a PNG, which stores ids without loss
          do: save the ids as PNG; JPEG changes them
        """,
        folder=folder,
    )


@trigger
def png_that_is_none(folder):
    says(
        about_pred(folder, b"GIF89a"),
        """
        DIR/pred/1.png (image 1): the file is not a PNG
          expected: a PNG, which stores ids without loss
          do: save the ids as PNG
        """,
        folder=folder,
    )


SOUND = png(colours([[1, 1]]))


@trigger
def png_without_end(folder):
    says(
        about_pred(folder, png(colours([[1, 1]]), without=(b"IEND",))),
        """
        DIR/pred/1.png (image 1): the file ends before its IEND chunk
          expected: a sound PNG
          do: write the file again
        """,
        folder=folder,
    )


@trigger
def png_cut_inside_a_chunk(folder):
    says(
        about_pred(folder, SOUND[:20]),
        """
        DIR/pred/1.png (image 1): the file ends inside its IHDR chunk
          expected: a sound PNG
          do: write the file again
        """,
        folder=folder,
    )


@trigger
def png_cut_inside_a_chunk_without_a_name(folder):
    says(
        about_pred(folder, SOUND[:8] + b"\0\0\1\0\0\1\2\3" + SOUND[8:20]),
        """
        DIR/pred/1.png (image 1): the file ends inside its b'\\x00\\x01\\x02\\x03' chunk
          expected: a sound PNG
          do: write the file again
        """,
        folder=folder,
    )


@trigger
def png_with_a_wrong_checksum(folder):
    says(
        about_pred(folder, png(colours([[1, 1]]), spoilt=b"IDAT")),
        """
        DIR/pred/1.png (image 1): the checksum of the IDAT chunk is wrong
          expected: a sound PNG
          do: copy or write the file again
        """,
        folder=folder,
    )


@trigger
def png_without_header(folder):
    says(
        about_pred(folder, png(colours([[1, 1]]), without=(b"IHDR",))),
        """
        DIR/pred/1.png (image 1): the file does not begin with an IHDR chunk of 13 bytes
          expected: a sound PNG
          do: write the file again
        """,
        folder=folder,
    )


@trigger
def png_with_a_senseless_header(folder):
    says(
        about_pred(folder, png(colours([[1, 1]]), size=(2, 0))),
        """
        DIR/pred/1.png (image 1): the header states 2 x 0 pixels, depth 8, colour type 2
          expected: a sound PNG
          do: write the file again
        """,
        folder=folder,
    )


@trigger
def png_of_another_size(folder):
    says(
        about_pred(folder, [[1, 1, 1]]),
        """
        DIR/pred/1.png (image 1): the prediction is 3 x 1 (width x height), the ground truth is 2 x 1
          expected: two maps of one size
          do: resize the prediction with nearest-neighbour interpolation, never the ground truth
        """,
        folder=folder,
    )


@trigger
def png_gray(folder):
    says(
        about_pred(folder, png([[(1, 255), (1, 255)]], color=GRAY_ALPHA)),
        """
        DIR/pred/1.png (image 1): the PNG is 8-bit grayscale with alpha
          expected: 8-bit RGB or RGBA, or a palette of such colours
          do: write id % 256, id // 256 % 256 and id // 65536 into the three channels of an RGB PNG
        """,
        folder=folder,
    )


@trigger
def png_of_16_bits(folder):
    says(
        about_pred(folder, png([[(1, 0, 0), (1, 0, 0)]], depth=16)),
        """
        DIR/pred/1.png (image 1): the PNG is 16-bit RGB
          expected: 8-bit RGB or RGBA, or a palette of such colours
          do: save with 8 bits per channel; Pillow would drop the low bytes
        """,
        folder=folder,
    )


@trigger
def png_with_missing_rows(folder):
    gt = [image(1, [[1], [1]], {1: 1})]
    says(
        problems(folder, gt, [image(1, png(colours([[1], [1]]), missing_rows=1), {1: 1})]),
        """
        DIR/pred/1.png (image 1): the image data end too early: rows are missing
          expected: a sound PNG
          do: write the file again
        """,
        folder=folder,
    )


@trigger
def png_too_short_for_any_stream(folder):
    both = [image(1, png(colours([[1, 1]]), size=(20_000, 20_000)), {1: 1})]
    says(
        problems(folder, both, both),
        """
        DIR/gt/1.png (image 1): the image data end too early: rows are missing
          expected: a sound PNG
          do: write the file again
        DIR/pred/1.png (image 1): the image data end too early: rows are missing
          expected: a sound PNG
          do: write the file again
        """,
        folder=folder,
    )


@trigger
def png_with_damaged_data(folder):
    says(
        about_pred(folder, png(colours([[1, 1]]), damaged=True)),
        """
        DIR/pred/1.png (image 1): the image data are damaged (Error -3 while decompressing data:
                incorrect data check)
          expected: a sound PNG
          do: write the file again
        """,
        folder=folder,
    )


@trigger
def png_with_surplus_data(folder):
    says(
        about_pred(folder, png(colours([[1, 1]]), surplus=b"x")),
        """
        DIR/pred/1.png (image 1): there are more image data than the header asks for
          expected: a sound PNG
          do: write the file again
        """,
        folder=folder,
    )


@trigger
def png_that_pillow_refuses(folder):
    # A filter type that does not exist: the data are whole, and nothing but the decoder can tell.
    data = SOUND[:33] + chunk(b"IDAT", zlib.compress(b"\7" + bytes([1, 0, 0, 1, 0, 0]))) + chunk(b"IEND", b"")
    says(
        about_pred(folder, data),
        """
        DIR/pred/1.png (image 1): cannot be decoded: unrecognized data stream contents when reading image
                file
          expected: a sound PNG
          do: write the file again
        """,
        folder=folder,
    )


@trigger
def palette_index_without_colour(folder):
    data = png([[(0,), (3,)]], color=PALETTE, palette=[(1, 0, 0), (2, 0, 0)])
    says(
        about_pred(folder, data),
        """
        DIR/pred/1.png (image 1): a pixel uses colour 3 of a palette with 2
          expected: a sound PNG
          do: write the file again
        """,
        folder=folder,
    )


@trigger
def palette_of_no_whole_colours(folder):
    data = png([[(0,), (1,)]], color=PALETTE, palette=[(1, 0, 0), (2, 0)])
    says(
        about_pred(folder, data),
        """
        DIR/pred/1.png (image 1): the palette has 5 bytes
          expected: a sound PNG
          do: write the file again
        """,
        folder=folder,
    )


@trigger
def palette_with_other_colours(folder):
    data = png([[(0,), (1,)]], color=PALETTE, palette=[(9, 0, 0), (8, 0, 0)])
    says(
        about_pred(folder, data),
        """
        DIR/pred/1.png (image 1): the PNG has a palette whose colours are not the listed ids (were its
                indices meant?)
          expected: 8-bit RGB with id = R + 256 G + 65536 B
          do: write the ids as RGB
        """,
        folder=folder,
    )


@trigger
def alpha_that_is_not_opaque(folder):
    says(
        about_pred(folder, png([[(1, 0, 0, 255), (1, 0, 0, 7)]], color=RGBA)),
        """
        DIR/pred/1.png (image 1): some pixels are transparent; alpha is ignored
          expected: an RGB PNG
          do: save the ids without an alpha channel
        """,
        folder=folder,
    )


@trigger
def image_size_that_differs(folder):
    both = [image(1, [[1, 1]], {1: 1})]
    keys = {"images": [{"id": 1, "width": 640, "height": 480}]}
    says(
        problems(folder, both, both, gt_keys=keys),
        """
        DIR/gt.json (image 1): images[] states 640 x 480 (width x height), the PNG is 2 x 1
          expected: equal sizes
          do: correct width and height of the image, or check that this is its PNG
        """,
        folder=folder,
    )


# Segments


@trigger
def segment_without_id(folder):
    says(
        about_rows(folder, {"id": 1, "category_id": 1}, {"category_id": 1}),
        """
        DIR/pred.json (image 1): segments_info[1].id is None
          expected: an integer
          do: write the id as a number without quotes
        """,
        folder=folder,
    )


@trigger
def segment_with_id_0(folder):
    says(
        about_rows(folder, {"id": 1, "category_id": 1}, {"id": 0, "category_id": 1}),
        """
        DIR/pred.json (image 1): segments_info[1].id is 0, which means void
          expected: ids from 1
          do: add 1 to the ids of this map and of its list, and keep 0 for void
        """,
        folder=folder,
    )


@trigger
def segment_with_an_id_out_of_range(folder):
    says(
        about_rows(folder, {"id": 1, "category_id": 1}, {"id": 2**32, "category_id": 1}),
        """
        DIR/pred.json (image 1): segments_info[1].id is 4294967296
          expected: ids from 1 to 4294967295 (to 16777215 in an RGB PNG)
          do: renumber the segments of this image
        """,
        folder=folder,
    )


@trigger
def segment_with_an_id_that_rgb_cannot_hold(folder):
    says(
        about_rows(folder, {"id": 1, "category_id": 1}, {"id": 2**24, "category_id": 1}),
        """
        DIR/pred.json (image 1): segment id 16777216 cannot be stored in an RGB PNG
          expected: ids up to 16777215
          do: renumber the segments of this image
        """,
        folder=folder,
    )


@trigger
def segment_without_category(folder):
    says(
        about_rows(folder, {"id": 1, "category_id": "cat"}),
        """
        DIR/pred.json (image 1): segments_info[0] (segment id 1): category_id is 'cat'
          expected: an integer
          do: write the category id as a number
        """,
        folder=folder,
    )


@trigger
def segment_with_a_wrong_crowd(folder):
    says(
        about_gt_rows(folder, {"id": 1, "category_id": 1, "iscrowd": "1"}),
        """
        DIR/gt.json (image 1): segments_info[0] (segment id 1): iscrowd is '1'
          expected: 0 or 1
          do: write 1 for a region of many objects, 0 otherwise
        """,
        folder=folder,
    )


@trigger
def segment_listed_twice(folder):
    twice = {"id": 1, "category_id": 1}
    says(
        about_rows(folder, twice, twice),
        """
        DIR/pred.json (image 1): segment id 1 is listed more than once; its entries count as one segment
          expected: every segment id once
          do: write one row per id
        """,
        folder=folder,
    )


@trigger
def segment_listed_twice_where_the_last_counts(folder):
    twice = {"id": 1, "category_id": 1, "area": 2}
    path = save(folder / "both.json", [image(1, [[1, 1]], [twice, twice])])
    result = pqeval.evaluate(gt=path, pred=path, convention="panopticapi", workers=1)
    says(
        result.warnings,
        """
        [segment-repeated] 1 image, first DIR/both.json (image 1): segment id 1 is listed more than once;
                the last entry counts; do: write one row per id
        """,
        folder=folder,
    )


@trigger
def segment_with_two_categories(folder):
    rows = {"id": 1, "category_id": 1}, {"id": 1, "category_id": 2, "iscrowd": 1}
    found = about_gt_rows(folder, *rows)
    says(
        found,
        """
        DIR/gt.json (image 1): segment id 1 is listed with category_id 1 (iscrowd 0) and with
                category_id 2 (iscrowd 1)
          expected: one category per segment
          do: give the two segments different ids, in the map and in the list
        """,
        folder=folder,
    )


@trigger
def area_that_is_no_integer(folder):
    says(
        about_gt_rows(folder, {"id": 1, "category_id": 1, "area": "2"}),
        """
        DIR/gt.json (image 1): segments_info[0] (segment id 1): area is '2'; it is ignored
          expected: the number of pixels
          do: write the area as an integer
        """,
        folder=folder,
    )


@trigger
def area_that_is_wrong(folder):
    says(
        about_gt_rows(folder, {"id": 1, "category_id": 1, "area": 9}),
        """
        DIR/gt/1.png (image 1): ground-truth segment id 1 states area 9 but has 2 pixels; pixels are
                counted
          expected: area equal to the number of pixels
          do: correct the area fields of the ground truth
        """,
        folder=folder,
    )


def as_panopticapi(folder, area):
    gt = save(folder / "gt.json", [image(1, [[1, 1]], [{"id": 1, "category_id": 1, "area": area}])])
    pred = save(folder / "pred.json", [image(1, [[1, 1]], {1: 1})])
    return {"gt": gt, "pred": pred, "convention": "panopticapi", "workers": 1}


@trigger
def area_that_is_wrong_and_used(folder):
    says(
        pqeval.evaluate(**as_panopticapi(folder, 3)).warnings,
        """
        [gt-area] 1 image, first DIR/gt/1.png (image 1): ground-truth segment id 1 states area 3 but has
                2 pixels; stated areas are used, as panopticapi does; do: correct the area fields of the ground
                truth
        """,
        folder=folder,
    )


@trigger
def area_that_leaves_nothing(folder):
    says(
        raised(pqeval.evaluate, **as_panopticapi(folder, 0)),
        """
        DIR/gt/1.png (image 1): the areas stated in the ground truth leave a union of zero pixels, so IoU
                has no value
          expected: areas that equal the number of pixels
          do: correct the areas, or use the convention coco, which counts pixels
        """,
        folder=folder,
    )


CROWDS = [
    {"id": 1, "category_id": 1, "iscrowd": 1, "area": 3},
    {"id": 2, "category_id": 1, "iscrowd": 1, "area": 1},
    {"id": 3, "category_id": 2, "area": 1},
]


@trigger
def warnings_of_pq_compute(folder):
    paths = as_panopticapi(folder, 3)
    with pytest.warns(UserWarning, match="gt-area") as caught:
        pqeval.pq_compute(paths["gt"], paths["pred"])
    says(
        [warning.message for warning in caught],
        """
        [gt-area] 1 image, first DIR/gt/1.png (image 1): ground-truth segment id 1 states area 3 but has 2
                pixels; stated areas are used, as panopticapi does; do: correct the area fields of the ground truth
        """,
        folder=folder,
    )
    assert [Path(warning.filename).name for warning in caught] == ["test_errors.py"]


@trigger
def crowds_of_one_class(folder):
    gt, pred = [image(1, [[1, 1, 1, 2, 3]], CROWDS)], [image(1, [[9, 9, 9, 0, 9]], {9: 1})]
    says(
        problems(folder, gt, pred),
        """
        DIR/gt/1.png (image 1): several crowds of one category decide about 1 predicted segment(s); all
                of them excuse
          expected: at most one crowd per category and image
          do: join the crowds of a category into one segment; the conventions coco and panopticapi differ
                here
        """,
        folder=folder,
    )


@trigger
def crowds_of_one_class_where_the_last_counts(folder):
    gt = save(folder / "gt.json", [image(1, [[1, 1, 1, 2, 3]], CROWDS)])
    pred = save(folder / "pred.json", [image(1, [[9, 9, 9, 0, 9]], {9: 1})])
    result = pqeval.evaluate(gt=gt, pred=pred, convention="panopticapi", workers=1)
    says(
        result.warnings,
        """
        [crowds-of-one-class] 1 image, first DIR/gt/1.png (image 1): several crowds of one category
                decide about 1 predicted segment(s); only the last one listed excuses; do: join the crowds of a
                category into one segment; the conventions coco and panopticapi differ here
        """,
        folder=folder,
    )


@trigger
def truth_id_that_is_not_listed(folder):
    ids = list(range(2, 9))
    gt = [image(1, [[1, *ids]], {1: 1})]
    says(
        problems(folder, gt, [image(1, [[1, *[0] * 7]], {1: 1})]),
        """
        DIR/gt/1.png (image 1): ground-truth id 2, 3, 4, 5, 6 and 2 more has pixels but no row in
                segments_info; it is neither void nor a segment
          expected: every id of the map in its list
          do: add the missing rows, or set these pixels to 0 (void)
        """,
        folder=folder,
    )


@trigger
def truth_id_without_pixels(folder):
    says(
        about_gt_rows(folder, {"id": 1, "category_id": 1}, {"id": 4, "category_id": 1}),
        """
        DIR/gt/1.png (image 1): ground-truth segment id 4 is listed but has no pixel; it counts as missed
          expected: every listed segment in the map
          do: remove the rows, or write the segments into the map
        """,
        folder=folder,
    )


@trigger
def predicted_id_that_is_not_listed(folder):
    says(
        about_pred(folder, [[1, 5]]),
        """
        DIR/pred/1.png (image 1): predicted id 5 has pixels but no row in segments_info (the nearest
                listed id is 1)
          expected: every id of the map in its list; 0 is void
          do: list the segments, or set these pixels to 0; if many ids are off, check that the map is
                stored without loss and as R + 256 G + 65536 B
        """,
        folder=folder,
    )


@trigger
def predicted_id_where_nothing_is_listed(folder):
    truth = [image(1, [[1, 1]], {1: 1})]
    says(
        problems(folder, truth, [image(1, [[5, 5]], [])]),
        """
        DIR/pred/1.png (image 1): predicted id 5 has pixels but no row in segments_info
          expected: every id of the map in its list; 0 is void
          do: list the segments, or set these pixels to 0; if many ids are off, check that the map is
                stored without loss and as R + 256 G + 65536 B
        """,
        folder=folder,
    )


@trigger
def predicted_id_without_pixels(folder):
    says(
        about_rows(folder, {"id": 1, "category_id": 1}, {"id": 4, "category_id": 1}),
        """
        DIR/pred/1.png (image 1): predicted segment id 4 is listed but has no pixel
          expected: every listed segment in the map
          do: leave out segments that other segments cover completely
        """,
        folder=folder,
    )


# Pairing


@trigger
def image_with_two_annotations(folder):
    one = image(1, [[1, 1]], {1: 1})
    says(
        problems(folder, [one], [one, one]),
        """
        DIR/pred.json (image 1): the image has more than one annotation
          expected: one annotation per image
          do: remove the repeated annotation
        """,
        folder=folder,
    )


@trigger
def predictions_missing(folder):
    gt = save(folder / "gt.json", [image(number, [[1, 1]], {1: 1}) for number in range(7)])
    pred = save(folder / "pred.json", [image(6, [[1, 1]], {1: 1})])
    says(
        raised(pqeval.evaluate, gt=gt, pred=pred, workers=1),
        """
        DIR/pred.json: no prediction for 6 of 7 images: image 0, 1, 2, 3, 4 and 1 more
          expected: a prediction for every image of the ground truth
          do: add the predictions, or score them as empty or leave them out with --missing empty or skip
        """,
        folder=folder,
    )


@trigger
def prediction_missing_in_a_validation(folder):
    says(
        problems(folder, [image("a", [[1, 1]], {1: 1})], []),
        """
        DIR/pred.json (image 'a'): there is no prediction for this image
          expected: a prediction for every image of the ground truth
          do: add the prediction, or score it as empty or leave it out with --missing empty or skip
        """,
        folder=folder,
    )


@trigger
def predictions_without_truth(folder):
    one = image(1, [[1, 1]], {1: 1})
    gt = save(folder / "gt.json", [one])
    pred = save(folder / "pred.json", [one, *(image(f"b{number}", [[1]], {1: 1}) for number in range(6))])
    (said,) = pqeval.evaluate(gt=gt, pred=pred).warnings
    assert said == (
        f"[prediction-extra] {pred}: predictions without ground truth are not scored (6): image 'b0', 'b1', 'b2', "
        "'b3', 'b4' and 1 more; do: check that the ground truth is the right split"
    )


@trigger
def predictions_without_truth_in_a_validation(folder):
    one = image(1, [[1, 1]], {1: 1})
    says(
        problems(folder, [one], [one, image("b", [[1]], {1: 1}), image("c", [[1]], {1: 1})]),
        """
        DIR/pred/b.png (image 'b'): there is no ground truth for this image; it is not scored
          expected: predictions for the images of the ground truth
          do: check that the ground truth is the right split
        DIR/pred/c.png (image 'c'): there is no ground truth for this image; it is not scored
          expected: predictions for the images of the ground truth
          do: check that the ground truth is the right split
        """,
        folder=folder,
    )


@trigger
def several_images_with_one_kind_of_warning(folder):
    rows = [{"id": 1, "category_id": 1, "area": 9}]
    path = save(folder / "both.json", [image(number, [[1, 1]], rows) for number in (1, 2, 3)])
    says(
        pqeval.evaluate(gt=path, pred=path, workers=1).warnings,
        """
        [gt-area] 3 images, first DIR/both/1.png (image 1): ground-truth segment id 1 states area 9 but
                has 2 pixels; pixels are counted; do: correct the area fields of the ground truth
        """,
        folder=folder,
    )


@trigger
def image_ids_written_differently(folder):
    gt, pred = image("0012.png", [[1, 1]], {1: 1}), image(12, [[1, 1]], {1: 1})
    says(
        problems(folder, [gt], [pred]),
        """
        DIR/pred.json: image ids are written differently on the two sides (1 in all): '0012.png' in
                the ground truth is taken for 12 in the prediction
          expected: equal image ids, type included
          do: write the image ids as the ground truth does
        """,
        folder=folder,
    )


# Arrays


@trigger
def array_that_numpy_cannot_read(folder):
    ragged = [[1, 2], [3]], [{"id": 1, "category_id": 1}]
    error = about_arrays(pred=ragged)
    assert error.code == "not-an-array"
    assert error.found.startswith("a list that numpy cannot read: setting an array element with a sequence.")
    assert error.expected == "an array of integers in the memory of this machine"
    assert error.remedy == "make its rows equally long; for torch, move it over first with `.cpu().numpy()`"


@trigger
def array_of_floats(folder):
    says(
        about_arrays(pred=(np.array([[1.0]]), [])),
        """
        image 0: an array of float64
          expected: integers
          do: convert it yourself where no id is lost, for example `.astype('uint32')`
        """,
    )


@trigger
def array_without_pixels(folder):
    says(
        about_arrays(gt=(np.zeros((0, 4), int), [])),
        """
        image 0: an id map of shape (0, 4)
          expected: a map with at least one pixel, usually (H, W)
          do: pass the whole map of the image
        """,
    )


@trigger
def array_with_negative_ids(folder):
    says(
        about_arrays(gt=(np.array([[-1, 2**33]]), [])),
        """
        image 0: an id map with the id -1
          expected: ids from 0 (void) to 4294967295
          do: mark void as 0 and number the segments from 1
        """,
    )


@trigger
def array_with_huge_ids(folder):
    says(
        about_arrays(gt=(np.array([[2**33]]), [])),
        """
        image 0: an id map with the id 8589934592
          expected: ids from 0 (void) to 4294967295
          do: mark void as 0 and number the segments from 1
        """,
    )


@trigger
def array_with_too_many_pixels(folder):
    one = np.zeros((1, 1), np.uint8)
    says(
        raised(pqeval.LabelMap.from_array, np.broadcast_to(one, (2**16, 2**15))),
        """
        an id map of 2147483648 pixels
          expected: at most 2147483647
          do: split the map into tiles that no segment crosses
        """,
    )


@trigger
def array_alone(folder):
    says(
        about_arrays(pred=np.zeros((4, 5), int)),
        """
        image 0: pred: an array of shape (4, 5)
          expected: (id_map, segments), (category_map, instance_map), or an array (H, W, 2) or (B, H, W, 2)
          do: pass the id map together with its list, [{"id": 1, "category_id": 17}, ...]
        """,
    )


@trigger
def no_array_at_all(folder):
    says(
        about_arrays(gt="truth.png"),
        """
        image 0: gt: a str
          expected: (id_map, segments), (category_map, instance_map), or an array (H, W, 2) or (B, H, W, 2)
          do: pass the id map together with its list, [{"id": 1, "category_id": 17}, ...]
        """,
    )


@trigger
def wrong_segment_rows_with_an_array(folder):
    says(
        about_arrays(gt=([[1]], [{"id": "1", "category_id": 1}, {"id": 1}])),
        """
        2 errors:
        image 0: segments_info[0].id is '1'
          expected: an integer
          do: write the id as a number without quotes
        image 0: segments_info[1] (segment id 1): category_id is None
          expected: an integer
          do: write the category id as a number
        """,
    )


@trigger
def category_and_instance_of_different_shapes(folder):
    says(
        about_arrays(pred=(np.zeros((2, 3), int), np.zeros((3, 2), int))),
        """
        image 0: pred: a category map of shape (2, 3) and an instance map of (3, 2)
          expected: two maps of one shape
          do: pass the category and the instance of every pixel
        """,
    )


@trigger
def category_map_without_pixels(folder):
    says(
        about_arrays(pred=np.zeros((0, 5, 2), int)),
        """
        image 0: pred: a category map of shape (0, 5)
          expected: a map with at least one pixel
          do: pass the whole map of the image
        """,
    )


@trigger
def category_out_of_range(folder):
    says(
        about_arrays(pred=np.array([[[-1, 0]]])),
        """
        image 0: pred: a pixel with category -1
          expected: 0 to 4294967295, or a category that means void
          do: name the category of void pixels with void_category
        """,
    )


@trigger
def instance_out_of_range(folder):
    says(
        about_arrays(pred=np.array([[[1, 2**32]]])),
        """
        image 0: pred: a pixel with instance 4294967296
          expected: 0 to 4294967295, or a category that means void
          do: name the category of void pixels with void_category
        """,
    )


@trigger
def arrays_of_different_shapes(folder):
    says(
        about_arrays(pred=(np.array([[1], [1]]), [{"id": 1, "category_id": 1}])),
        """
        image 0: the prediction is 1 x 2 (width x height), the ground truth is 2 x 1 (width x height)
          expected: two maps of one size
          do: resize the prediction with nearest-neighbour interpolation, never the ground truth
        """,
    )


@trigger
def volumes_of_different_shapes(folder):
    says(
        about_arrays(pred=(np.ones((1, 2, 3), int), [{"id": 1, "category_id": 1}])),
        """
        image 0: the prediction is of shape (1, 2, 3), the ground truth is 2 x 1 (width x height)
          expected: two maps of one size
          do: resize the prediction with nearest-neighbour interpolation, never the ground truth
        """,
    )


@trigger
def batch_with_too_few_names(folder):
    metric, batch = pqeval.PanopticQuality(TABLE), np.ones((3, 1, 2, 2), int)
    says(
        raised(metric.update, gt=batch, pred=batch, image_id=[1, 2]),
        """
        3 ground truths, 3 predictions and 2 image ids
          expected: as many of each
          do: pass image_id as a list with one id per image of the batch
        """,
    )


@trigger
def image_id_that_is_no_scalar(folder):
    one = [[1]], [{"id": 1, "category_id": 1}]
    says(
        raised(pqeval.PanopticQuality(TABLE).update, gt=one, pred=one, image_id=[{"id": 7}]),
        """
        an image id of type dict
          expected: a string or a number, or a list of them for a batch
          do: pass what names the image in the dataset
        """,
    )


@trigger
def image_counted_differently(folder):
    metric, rows = pqeval.PanopticQuality(TABLE), [{"id": 1, "category_id": 1}]
    metric.update(gt=([[1]], rows), pred=([[1]], rows), image_id="a")
    says(
        raised(metric.update, gt=([[1]], rows), pred=([[0]], []), image_id="a"),
        """
        image 'a': two different counts for one image id
          expected: every image id once, or the same image again (padded distributed samplers do that)
          do: give every image its own id, and merge only parts that scored the same predictions
        """,
    )


@trigger
def metrics_of_different_settings(folder):
    metric = pqeval.PanopticQuality(TABLE)
    says(
        raised(metric.merge, pqeval.PanopticQuality(TABLE, convention="panopticapi")),
        """
        the two metrics have different categories, conventions or groups
          expected: equal settings on both sides
          do: build all metrics with the same arguments
        """,
    )


@trigger
def saving_an_image_twice(folder):
    def about(image_id):
        frames = [(image_id, [[1]], [{"id": 1, "category_id": 1}])] * 2
        return raised(pqeval.save_coco_panoptic, folder / "gt.json", frames, TABLE)

    says(
        about(7),
        """
        image 7: two images would be saved as 000000000007.png
          expected: every image id once
          do: give every image its own id
        """,
    )
    says(
        about("a/b"),
        """
        image 'a/b': two images would be saved as a%2Fb.png
          expected: every image id once
          do: give every image its own id
        """,
    )


@trigger
def saving_what_cannot_be_stored(folder):
    def about(id_map, *rows):
        return raised(pqeval.save_coco_panoptic, folder / "gt.json", [(7, id_map, rows)], TABLE)

    says(
        about([1, 1], {"id": 1, "category_id": 1}),
        """
        image 7: a map of shape (2,) cannot be stored in this format
          expected: an (H, W) map with ids up to 16777215 and categories of the table
          do: renumber the segments, or correct the list
        """,
    )
    says(
        about([[2**24]], {"id": 2**24, "category_id": 1}),
        """
        image 7: the id 16777216 cannot be stored in this format
          expected: an (H, W) map with ids up to 16777215 and categories of the table
          do: renumber the segments, or correct the list
        """,
    )
    says(
        about([[1]], {"id": 1, "category_id": 77}),
        """
        image 7: category_id 77, which the table lacks, cannot be stored in this format
          expected: an (H, W) map with ids up to 16777215 and categories of the table
          do: renumber the segments, or correct the list
        """,
    )


@trigger
def saving_what_disagrees(folder):
    frames = [(7, [[1, 2]], [{"id": 1, "category_id": 1}, {"id": 3, "category_id": 1}])]
    says(
        raised(pqeval.save_coco_panoptic, folder / "gt.json", frames, TABLE),
        """
        2 errors:
        image 7: the id 2 has pixels but no row in segments_info (the nearest listed id is 1)
          expected: every id of the map in its list; 0 is void
          do: list the segments, or set these pixels to 0; if many ids are off, check that the map is
                stored without loss and as R + 256 G + 65536 B
        image 7: the segment id 3 is listed but has no pixel
          expected: every listed segment in the map
          do: leave out segments that other segments cover completely
        """,
    )


# Several


@trigger
def more_errors_than_are_shown(folder):
    gt = [image(number, [[1]], {1: 1}) for number in range(30)]
    pred = [image(number, b"", {1: 1}) for number in range(30)]
    paths = {"gt": save(folder / "gt.json", gt), "pred": save(folder / "pred.json", pred)}
    error = raised(pqeval.evaluate, **paths, workers=1)
    assert (error.stopped, len(error.errors)) == (True, 20)
    lines = str(error).splitlines()
    assert len(lines) == 1 + 3 * 20 + 1
    assert lines[0] == "at least 20 errors:"
    assert lines[1] == f"{folder}/pred/0.png (image 0): the file is empty"
    assert lines[-1] == "run `pqeval validate` on the same files to see all of them"


@trigger
def nothing_to_average(folder):
    from pqeval.cli import cli

    path = str(save(folder / "both.json", [image(1, [[0]], [])]))
    ended = CliRunner().invoke(cli, ["evaluate", "--gt", path, "--pred", path], standalone_mode=False)
    says(
        ended.exception,
        """
        DIR/both.json: there was nothing to average: no class occurs in the ground truth or in the
                predictions
          expected: at least one image with a segment
          do: check that the ground truth is the right file, and that its segments are not all crowd
        """,
        folder=folder,
    )


# The tree

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PqevalError)]
FIELDS = {
    "code": "some-rule",
    "found": "a thing",
    "expected": "another",
    "remedy": "exchange it",
    "file": "gt.json",
    "image_id": 2**70,
    "segment_id": 5,
}


def one_of(kind):
    if kind is SeveralErrors:
        return SeveralErrors([one_of(errors.FileError), one_of(errors.ImageError)], stopped=True)
    return kind(**FIELDS)


def test_every_class_is_drawn_in_the_docstring_at_its_place():
    lines = errors.__doc__.splitlines()
    start = next(place for place, line in enumerate(lines) if line.strip().startswith("PqevalError"))
    stack, drawn = [], {}
    for line in lines[start:]:
        name = next((word for word in line.split() if word.isidentifier()), None)
        if name is None:
            break
        depth = line.index(name) // 4
        stack = [*stack[: depth - 1], name]
        drawn[name] = stack[-2] if len(stack) > 1 else "Exception"
    assert drawn == {kind.__name__: kind.__bases__[0].__name__ for kind in KINDS}
    assert sorted(drawn) == sorted(errors.__all__)


@pytest.mark.parametrize("kind", KINDS)
def test_exit_codes(kind):
    assert kind.exit_code == (2 if kind is errors.UsageError else 3)
    assert kind.severity == ("warning" if kind is DataWarning else "error")


@pytest.mark.parametrize("kind", KINDS)
def test_pickled_and_back(kind):
    error = one_of(kind)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(error, protocol))
        assert type(again) is kind
        assert (str(again), again.as_dict()) == (str(error), error.as_dict())
    if kind is SeveralErrors:
        assert [type(each) for each in again.errors] == [errors.FileError, errors.ImageError]
        assert again.stopped is True


@pytest.mark.parametrize("kind", KINDS)
def test_fields_are_json(kind):
    fields = json.loads(json.dumps(one_of(kind).as_dict()))
    if kind is SeveralErrors:
        assert fields == {
            "severity": "error",
            "code": "several",
            "file": None,
            "image_id": None,
            "segment_id": None,
            "found": "at least 2 errors",
            "expected": "another",
            "remedy": "exchange it",
        }
    else:
        assert fields == FIELDS | {"severity": kind.severity}


def without_place(kind, **place):
    fields = {name: FIELDS[name] for name in ("code", "found", "expected", "remedy")}
    return kind(**fields, **place)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not SeveralErrors])
def test_located_fills_in_only_what_is_not_known(kind):
    bare = without_place(kind)
    placed = bare.located(file="a.png", image_id=0)
    assert type(placed) is kind
    assert (placed.file, placed.image_id, placed.code) == ("a.png", 0, "some-rule")
    assert (bare.file, bare.image_id) == (None, None)
    again = placed.located(file="b.png", image_id=7)
    assert (again.file, again.image_id) == ("a.png", 0)


def test_located_reaches_each_of_several():
    several = SeveralErrors(
        [without_place(errors.FileError), without_place(errors.ImageError, file="a.png")], True
    )
    placed = several.located(file="b.png", image_id="x")
    assert [error.where for error in placed.errors] == ["b.png (image 'x')", "a.png (image 'x')"]
    assert placed.stopped is True


@pytest.mark.parametrize(
    ("place", "where"),
    [
        ({}, ""),
        ({"file": "a.png"}, "a.png"),
        ({"image_id": "7"}, "image '7'"),
        ({"image_id": 0}, "image 0"),
        ({"file": "a.png", "image_id": 7}, "a.png (image 7)"),
    ],
)
def test_where(place, where):
    error = without_place(errors.DataError, **place)
    assert error.where == where
    start = f"{where}: a thing" if where else "a thing"
    assert str(error) == f"{start}\n  expected: another\n  do: exchange it"


@pytest.mark.parametrize("count", [20, 21])
def test_not_more_than_twenty_errors_are_shown(count):
    several = SeveralErrors([without_place(errors.DataError, image_id=place) for place in range(count)])
    text = str(several)
    assert text.startswith(f"{count} errors:\nimage 0: ")
    assert text.count("expected:") == 20
    assert ("pqeval validate" in text) == (count > 20)


def test_raise_all():
    one = without_place(errors.FileError)
    assert errors.raise_all([]) is None
    assert raised(errors.raise_all, [one]) is one
    assert isinstance(raised(errors.raise_all, [one], stopped=True), SeveralErrors)
    assert raised(errors.raise_all, [one, one]).errors == (one, one)


def test_a_warning_is_a_warning_for_python_too():
    with pytest.warns(DataWarning, match="a thing"):
        warnings.warn(without_place(DataWarning), stacklevel=1)


# Found by reading the package against itself


@trigger
def png_with_two_headers(folder):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 9, 8, 2, 0, 0, 0))
    says(
        about_pred(folder, SOUND[:33] + header + SOUND[33:]),
        """
        DIR/pred/1.png (image 1): a second IHDR chunk stands where none may be
          expected: a sound PNG
          do: write the file again
        """,
        folder=folder,
    )


@trigger
def json_with_half_a_character(folder):
    (folder / "gt.json").write_text('{"annotations": "\\ud800"}')
    said = str(raised(pqeval.evaluate, gt=folder / "gt.json", pred=folder / "gt.json").errors[0])
    assert said.replace(str(folder), "DIR").startswith(
        "DIR/gt.json: not JSON: UnicodeEncodeError: 'utf-8' codec can't encode character '\\ud800'"
    )
    assert said.endswith("  expected: a JSON file\n  do: write it again as UTF-8 JSON")


@trigger
def json_with_a_huge_integer(folder):
    (folder / "gt.json").write_text('{"annotations": ' + "7" * 5000 + "}")
    said = str(raised(pqeval.evaluate, gt=folder / "gt.json", pred=folder / "gt.json").errors[0])
    assert said.replace(str(folder), "DIR").startswith("DIR/gt.json: not JSON: ValueError: Exceeds the limit")


@trigger
def file_names_that_no_system_has(folder):
    names = {"gt": str(folder / "gt\0.json"), "pred": ""}
    says(
        raised(pqeval.evaluate, **names),
        """
        2 errors:
        DIR/gt\0.json: cannot be read: embedded null byte
          expected: a readable file
          do: check its name and its permissions
        .: is a folder
          expected: a regular file
          do: check the path
        """,
        folder=folder,
    )


@trigger
def reports_in_the_place_of_an_input(folder):
    says(
        raised(pqeval.evaluate, gt="gt.json", pred="pred.json", csv="./pred.json"),
        """
        ./pred.json cannot take the report csv: it is an input
          expected: a file of its own for every report
          do: choose another name
        """,
    )


@trigger
def two_reports_in_one_file(folder):
    says(
        raised(pqeval.evaluate, gt="gt.json", pred="pred.json", json=folder / "a", csv=folder / "x" / ".." / "a"),
        """
        DIR/x/../a cannot take the report csv: it takes the report json
          expected: a file of its own for every report
          do: choose another name
        """,
        folder=folder,
    )


@trigger
def runs_to_standard_output(folder):
    says(
        raised(pqeval.evaluate, gt="gt.json", pred="pred.json", save="-"),
        """
        a run cannot be written to standard output: it is no text
          expected: the name of a file
          do: name one, which usually ends in .pqe
        """,
    )


@trigger
def masked_array(folder):
    masked = np.ma.masked_array([[1, 1]], mask=[[True, False]])
    says(
        raised(LabelMap.from_array, masked),
        """
        a masked array, whose mask would be lost
          expected: an array without a mask
          do: fill the masked pixels with void, `.filled(0)`
        """,
    )


@trigger
def array_whose_reading_says_nothing(folder):
    class Silent:
        def __array__(self, dtype=None, copy=None):
            raise ValueError

    says(
        raised(LabelMap.from_array, Silent()),
        """
        a Silent that numpy cannot read: ValueError
          expected: an array of integers in the memory of this machine
          do: make its rows equally long; for torch, move it over first with `.cpu().numpy()`
        """,
    )


@trigger
def options_of_category_maps_that_are_no_integers(folder):
    maps = np.ones((1, 2), int), np.ones((1, 2), int)
    for options in ({"crowd": [1]}, {"crowd": [(1, 2, 3)]}, {"void_category": 0.5}, {"void_category": "0"}):
        crowd, void = options.get("crowd", ()), options.get("void_category")
        says(
            raised(pqeval.panoptic_quality, gt=maps, pred=maps, categories=TABLE, **options),
            f"""
            crowd is {crowd!r}, void_category is {void!r}
              expected: crowd: pairs (category, instance); void_category: a category or several; all integers
              do: for example crowd=[(1, 255)], void_category=255
            """,
        )


@trigger
def options_of_category_maps_with_a_segment_list(folder):
    side = np.ones((1, 2), int), [{"id": 1, "category_id": 1}]
    for options in ({"crowd": [(1, 1)]}, {"void_category": 7}):
        says(
            raised(pqeval.panoptic_quality, gt=side, pred=side, categories=TABLE, **options),
            """
            image 0: gt: crowd or void_category with a segment list
              expected: these options with category maps only
              do: write "iscrowd": 1 into the segment list, and 0 into the map where it is void
            """,
        )


@trigger
def unknown_categories_that_are_no_ids(folder):
    for wrong in (["a"], [1.5], object):
        says(
            raised(pqeval.PanopticQuality, TABLE, unknown_categories=wrong),
            f"""
            unknown_categories is {wrong!r}
              expected: category ids
              do: for example unknown_categories=[255]
            """,
        )


@trigger
def groups_that_are_no_groups(folder):
    for wrong, name in (([1], [1]), ({"A": 1}, "A"), ({"A": ["x"]}, "A"), ({"A": [1, 1.5]}, "A")):
        says(
            raised(pqeval.PanopticQuality, TABLE, groups=wrong),
            f"""
            the group {name!r} does not list category ids
              expected: a new name with category ids of the table
              do: for example --group Vehicles=3,4,6 or groups={{'Vehicles': [3, 4, 6]}}
            """,
        )


@trigger
def categories_that_are_no_list(folder):
    says(
        raised(pqeval.PanopticQuality, None),
        """
        categories of type NoneType
          expected: a list of rows with id and isthing, or the name of a built-in table
          do: for example [{"id": 1, "name": "person", "isthing": 1}], or "coco"
        """,
    )


@trigger
def merging_a_result(folder):
    metric = pqeval.PanopticQuality(TABLE)
    says(
        raised(metric.merge, metric.compute()),
        """
        merge with a Result
          expected: another PanopticQuality
          do: send the metric itself between processes, not its result
        """,
    )


@trigger
def image_ids_that_equal_nothing(folder):
    metric = pqeval.PanopticQuality(TABLE)
    says(
        raised(metric.update, gt=None, pred=None, image_id=float("nan")),
        """
        the image id nan
          expected: a string or a number, or a list of them for a batch
          do: pass what names the image in the dataset
        """,
    )


@trigger
def saving_a_json_without_suffix(folder):
    says(
        raised(pqeval.save_coco_panoptic, folder / "truth", [], TABLE),
        """
        DIR/truth: the JSON and the folder of its PNGs would have one name
          expected: a name that ends in .json
          do: add .json, or name the folder
        """,
        folder=folder,
    )


@trigger
def result_without_its_main_group(folder):
    metric = pqeval.PanopticQuality(TABLE)
    text = metric.compute().to_json().replace('"All"', '"Everything"')
    says(
        raised(pqeval.Result.from_json, text),
        """
        not a pqeval result: there is no group All
          expected: JSON with "schema": "pqeval.result/1"
          do: save one with `pqeval evaluate --json FILE` or `Result.to_json`
        """,
    )


@trigger
def validating_with_a_policy_that_does_not_exist(folder):
    says(
        raised(pqeval.validate, gt="a.json", pred="b.json", missing="bogus"),
        """
        no missing policy is called 'bogus'
          expected: one of: error, empty, skip
          do: use error to be told about images without prediction
        """,
    )


@trigger
def group_option_given_twice(folder):
    from pqeval.cli import cli

    arguments = ["evaluate", "--gt", "a", "--pred", "b", "--group", "A=1", "--group", "A=2"]
    says(
        CliRunner().invoke(cli, arguments, standalone_mode=False).exception,
        """
        --group A=2, a second group of that name
          expected: NAME=ID,ID,..., every name once
          do: for example --group Vehicles=3,4,6
        """,
    )


@trigger
def default_folder_of_pngs_missing(folder):
    for name in ("gt.json", "pred.json"):
        (folder / name).write_text("{}")
    says(
        raised(pqeval.evaluate, gt=folder / "gt.json", pred=folder / "pred.json"),
        """
        2 errors:
        DIR/gt.json: the folder of its PNGs, DIR/gt, does not exist
          expected: a folder named as the JSON without .json
          do: name it with --gt-folder (gt_folder=)
        DIR/pred.json: the folder of its PNGs, DIR/pred, does not exist
          expected: a folder named as the JSON without .json
          do: name it with --pred-folder (pred_folder=)
        """,
        folder=folder,
    )
