"""Tables about images, and the scores of the groups that they make."""

from __future__ import annotations

import numpy as np
import pytest
from triggers import Triggers, name_of

import pqeval
from pqeval.errors import PqevalError
from pqeval.image_labels import read_labels
from pqeval.slicing import UNTOLD, with_slices

trigger = Triggers()

TABLE = [{"id": 1, "name": "cat", "isthing": 1}, {"id": 2, "name": "sky", "isthing": 0}]
LISTED = [{"id": 1, "category_id": 1}, {"id": 2, "category_id": 2}]
TRUTH = np.array([[1, 1, 2, 2]])


def scored(*image_ids, **settings) -> pqeval.Run:
    """Images of which every second one has no cat."""
    metric = pqeval.PanopticQuality(TABLE, **settings)
    for place, image_id in enumerate(image_ids):
        guess = (TRUTH, LISTED) if place % 2 == 0 else (np.array([[0, 0, 2, 2]]), LISTED[1:])
        metric.update(gt=(TRUTH, LISTED), pred=guess, image_id=image_id)
    return metric.run()


def written(folder, text: str):
    (folder / "images.csv").write_text(text, encoding="utf-8")
    return folder / "images.csv"


@pytest.mark.parametrize(
    "text",
    [
        "image_id,weather,city\n139,rain,Ulm\n140,sun,\n",
        "\ufeffimage_id;weather;city\r\n139;rain;Ulm\r\n140;sun;\r\n",
        "weather\timage_id\tcity\nrain\t000139.png\tUlm\nsun\tval/000140.png\t\n",
        'name,weather,city\n139,"rain",Ulm\n\n140, sun ,\n7,snow,Bonn\n139,"rain",Ulm\n',
    ],
)
def test_a_table_says_what_the_images_have_in_common(tmp_path, text):
    labels = read_labels(written(tmp_path, text), [139, 140, 141])
    assert labels == {"weather": ["rain", "sun", None], "city": ["Ulm", None, None]}


def test_an_image_is_found_only_where_there_is_one_such(tmp_path):
    table = written(tmp_path, "image,x\na/1.png,one\nb/1.png,two\n2,three\n02,four\n")
    assert read_labels(table, ["a/1", "b/1", "1", 2, "2"]) == {"x": ["one", "two", None, "three", "three"]}


def test_slices_are_the_scores_of_their_images_alone(tmp_path):
    table = written(tmp_path, "image_id,weather\n1,rain\n2,rain\n3,sun\n")
    run = with_slices(scored(1, 2, 3, 4), table)
    assert [(each.column, each.value, each.images) for each in run.result.slices] == [
        ("weather", "rain", 2),
        ("weather", "sun", 1),
        ("weather", UNTOLD, 1),
    ]
    rain, sun, untold = (each.groups for each in run.result.slices)
    assert rain == scored(1, 2).result.groups
    assert sun == scored(3).result.groups
    assert untold == scored(0, 4).result.groups | {
        "All": pqeval.result.GroupScore(0.5, 0.5, 0.5, 2),
        "Things": pqeval.result.GroupScore(0.0, 0.0, 0.0, 1),
        "Stuff": pqeval.result.GroupScore(1.0, 1.0, 1.0, 1),
    }
    assert run.result.inputs["slice_by"] == str(table)
    assert run.result.groups == scored(1, 2, 3, 4).result.groups
    assert pqeval.Result.from_json(run.result.to_json()) == run.result


@pytest.mark.parametrize("convention", ["coco", "hovernet", "pannuke", "conic", "lidar"])
def test_slices_of_one_value_are_the_whole(tmp_path, convention):
    table = written(tmp_path, "image_id,all,odd\n1,x,1\n2,x,0\n3,x,1\n")
    run = with_slices(scored(1, 2, 3, convention=convention, groups={"Cats": [1]}), table)
    assert run.result.slices[0].groups == run.result.groups
    assert sum(each.images for each in run.result.slices[1:]) == 3


def test_files_are_sliced_by_the_function_and_from_a_saved_run(tmp_path):
    pqeval.save_coco_panoptic(tmp_path / "gt.json", [(n, TRUTH, LISTED) for n in (1, 2)], TABLE)
    table = written(tmp_path, "image_id,weather\n1,rain\n2,sun\n")
    options = {"slice_by": table, "save": tmp_path / "run.pqe", "workers": 1}
    result = pqeval.evaluate(gt=tmp_path / "gt.json", pred=tmp_path / "gt.json", **options)
    assert [each.value for each in result.slices] == ["rain", "sun"]
    assert pqeval.evaluate(pred=tmp_path / "run.pqe").slices == result.slices


def test_without_an_image_there_is_no_slice(tmp_path):
    run = pqeval.PanopticQuality(TABLE).run()
    assert with_slices(run, written(tmp_path, "image_id,weather\n1,rain\n")).result.slices == ()


def said(folder, text: str, *image_ids) -> str:
    with pytest.raises(PqevalError) as caught:
        read_labels(written(folder, text), image_ids or (1, 2))
    return str(caught.value).replace(str(folder), "DIR")


HOW = "  do: write a row per image, such as image_id,weather and then 139,rain"


@trigger
def table_that_is_a_folder(folder):
    with pytest.raises(PqevalError) as caught:
        read_labels(folder, [1])
    assert str(caught.value) == f"{folder}: cannot be used: a folder or an archive\n  expected: a CSV file\n{HOW}"


@trigger
def table_without_anything(folder):
    expected = "a first row with the names of the columns"
    assert said(folder, "\n\n") == f"DIR/images.csv: cannot be used: nothing\n  expected: {expected}\n{HOW}"


@trigger
def table_with_one_column(folder):
    expected = "an image column and others, each name once"
    assert said(folder, "image_id\n1\n") == (
        f"DIR/images.csv: cannot be used: the columns 'image_id'\n  expected: {expected}\n{HOW}"
    )
    assert "the columns 'image_id', 'x', 'x'" in said(folder, "image_id,x,x\n1,2,3\n")


@trigger
def table_without_names(folder):
    expected = "the names of the columns there"
    assert said(folder, "1,rain\n2,sun\n") == (
        f"DIR/images.csv: cannot be used: the image '1' in the first row\n  expected: {expected}\n{HOW}"
    )


@trigger
def table_with_a_short_row(folder):
    assert said(folder, "image_id,x\n1,2\n2\n") == (
        f"DIR/images.csv: cannot be used: 1 cells in row 3\n  expected: 2, as in the first row\n{HOW}"
    )


@trigger
def table_that_contradicts_itself(folder):
    assert said(folder, "image_id,x\n1,2\n1,3\n") == (
        f"DIR/images.csv: cannot be used: two different rows for image '1'\n  expected: one row per image\n{HOW}"
    )


@trigger
def table_that_is_no_csv(folder):
    assert said(folder, 'image_id,x\n1,"' + 200_000 * "y") == (
        "DIR/images.csv: cannot be used: what is no CSV: field larger than field limit (131072)\n"
        f"  expected: a CSV file\n{HOW}"
    )


@trigger
def table_of_other_images(folder):
    assert said(folder, "image_id,x\n8,2\n9,3\n") == (
        "DIR/images.csv: none of its 2 rows is about an image that was scored; the first: '8'\n"
        "  expected: image ids such as 1\n"
        "  do: write the image ids as the ground truth does"
    )
    with pytest.raises(PqevalError, match="expected: image ids\n"):
        read_labels(written(folder, "image_id,x\n8,2\n"), [])


@pytest.mark.parametrize("case", trigger, ids=name_of)
def test_text(case, tmp_path):
    case(tmp_path)
