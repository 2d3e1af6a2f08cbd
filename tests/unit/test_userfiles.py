"""Files in which users say something: category tables, lists of images."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from datasets import TABLE, image, save, says
from packed import zip_of
from triggers import Triggers, name_of

import pqeval
from pqeval.categories import Categories
from pqeval.errors import PqevalError, UsageError
from pqeval.userfiles import read_categories, read_image_list, read_images

ROWS = [{"id": 1, "isthing": 1}, {"id": 7, "isthing": 0}]

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def raised(function, *arguments, **options):
    with pytest.raises(PqevalError) as caught:
        function(*arguments, **options)
    return caught.value


def written(path: Path, content) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def ids_of(table: Categories | None) -> list[tuple[int, bool | None]]:
    assert table is not None
    return [(row.id, row.isthing) for row in table]


# Category tables


def test_a_table_is_a_list_or_an_object_with_categories(tmp_path):
    expected = [(1, True), (7, False)]
    for content in (ROWS, {"categories": ROWS}, {"info": {}, "categories": ROWS, "annotations": []}):
        assert ids_of(read_categories(written(tmp_path / "table.json", content))) == expected
    (tmp_path / "marked.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(ROWS).encode())
    assert ids_of(read_categories(str(tmp_path / "marked.json"))) == expected
    (tmp_path / "packed.zip").write_bytes(zip_of({"table.json": json.dumps(ROWS).encode()}))
    assert ids_of(read_categories(tmp_path / "packed.zip" / "table.json")) == expected


def test_a_table_may_be_a_name_or_rows():
    assert read_categories(None) is None
    assert read_categories("cityscapes") == Categories.builtin("cityscapes")
    assert ids_of(read_categories(ROWS)) == [(1, True), (7, False)]
    table = Categories.from_coco(ROWS)
    assert read_categories(table) is table


def test_the_table_of_the_user_is_the_one_that_counts(tmp_path):
    gt = save(tmp_path / "gt.json", [image(1, [[1, 2]], {1: 1, 2: 2})], categories=None)
    with pytest.raises(PqevalError, match="categories"):
        pqeval.evaluate(gt=gt, pred=gt)
    own = [{"id": 1, "name": "lynx", "isthing": 1}, {"id": 2, "name": "air", "isthing": 0}]
    for given in (own, written(tmp_path / "table.json", own)):
        result = pqeval.evaluate(gt=gt, pred=gt, categories=given)
        assert [(row.name, row.pq) for row in result.per_class] == [("lynx", 1.0), ("air", 1.0)]
        told = "given in Python" if given is own else str(given)
        assert result.inputs["categories"] == told
    other = save(tmp_path / "other.json", [image(1, [[1, 2]], {1: 1, 2: 2})], categories=TABLE)
    assert [row.name for row in pqeval.evaluate(gt=other, pred=gt, categories=own).per_class] == ["lynx", "air"]


@trigger
def table_that_is_a_folder(folder):
    says(
        raised(read_categories, folder),
        """
        DIR: --categories is a folder
          expected: a JSON, or the name of a built-in table
          do: check --categories
        """,
        folder=folder,
    )


@trigger
def table_that_does_not_exist(folder):
    says(
        raised(read_categories, folder / "cocoo"),
        """
        DIR/cocoo: does not exist
          expected: a file
          do: check the file name
        """,
        folder=folder,
    )


@trigger
def table_without_rows(folder):
    contents = [{}, 7, {"categories": {"1": "cat"}}]
    found = [
        raised(read_categories, written(folder / f"{place}.json", each)) for place, each in enumerate(contents)
    ]
    says(
        found,
        """
        DIR/0.json: the category table is empty
          expected: at least one category with an id and isthing
          do: add rows such as {"id": 1, "name": "person", "isthing": 1}
        DIR/1.json: the category table is empty
          expected: at least one category with an id and isthing
          do: add rows such as {"id": 1, "name": "person", "isthing": 1}
        DIR/2.json: the category table is empty
          expected: at least one category with an id and isthing
          do: add rows such as {"id": 1, "name": "person", "isthing": 1}
        """,
        folder=folder,
    )


@trigger
def table_with_wrong_rows(folder):
    says(
        raised(read_categories, written(folder / "table.json", [1, {"id": 1, "isthing": 1}, {"id": "a"}])),
        """
        2 errors:
        DIR/table.json: categories[0] is 1
          expected: an object such as {"id": 1, "name": "person", "isthing": 1}
          do: write every category as an object
        DIR/table.json: categories[2].id is 'a'
          expected: an integer
          do: give every category an integer id
        """,
        folder=folder,
    )


# Lists of images


def test_a_list_of_images_has_an_id_per_line(tmp_path):
    (tmp_path / "list.txt").write_bytes("\ufeff 12 \r\n\r\nfrankfurt/000012.png\nü\n\n".encode())
    assert read_images(tmp_path / "list.txt") == ["12", "frankfurt/000012.png", "ü"]
    assert read_images(None) is None
    assert read_images(["a", 1, 2.0]) == ["a", 1, 2]
    assert read_images(np.array([3, 4])) == [3, 4]
    assert read_images(number for number in (1, 2)) == [1, 2]


def test_a_json_of_images_has_ids_and_perhaps_sizes(tmp_path):
    entries = [
        {"id": 139, "height": 426, "width": 640, "file_name": "x.jpg"},
        {"id": "a", "height": 2.0, "width": 3},
        {"id": 7},
        {"id": 8, "height": "2", "width": 3},
    ]
    path = written(tmp_path / "image_info.JSON", {"images": entries})
    assert read_image_list(path) == [(139, (426, 640)), ("a", (2, 3)), (7, None), (8, None)]
    assert read_images(str(path)) == [139, "a", 7, 8]


@trigger
def list_that_is_a_folder(folder):
    says(
        raised(read_images, str(folder)),
        """
        DIR: --images is a folder
          expected: a text file with an image id per line, or a JSON with images
          do: check --images
        """,
        folder=folder,
    )


@trigger
def json_without_images(folder):
    contents = [[139], {"annotations": []}, {"images": [139]}, {"images": [{"file_name": "1.png"}]}]
    for content in contents:
        says(
            raised(read_images, written(folder / "list.json", content)),
            """
            DIR/list.json: the JSON has no list of images
              expected: "images": [{"id": 139, "height": 426, "width": 640}, ...]
              do: name the JSON that lists the images, or a text file with an image id per line
            """,
            folder=folder,
        )


@trigger
def json_with_an_id_that_names_nothing(folder):
    says(
        raised(read_images, written(folder / "list.json", {"images": [{"id": 1}, {"id": [2]}]})),
        """
        DIR/list.json: an image id of type list
          expected: a string or a number, or a list of them for a batch
          do: pass what names the image in the dataset
        """,
        folder=folder,
    )


@trigger
def images_that_are_not_there(folder):
    gt = save(folder / "gt.json", [image(1, [[1, 1]], {1: 1})])
    (folder / "list.txt").write_text("000001.png\n" + "\n".join(map(str, range(20, 28))))
    says(
        raised(pqeval.evaluate, gt=gt, pred=gt, images=folder / "list.txt"),
        """
        DIR/gt.json: 8 of the images asked for are not there: image '20', '21', '22', '23', '24' and 3 more
          expected: images of the ground truth
          do: check the list; one image id per line
        """,
        folder=folder,
    )


def test_only_the_images_that_were_asked_for_are_scored(tmp_path):
    gt = save(tmp_path / "gt.json", [image(number, [[1, 1, 1, 0]], {1: 1}) for number in (1, 2, 3)])
    short = [image(2, [[1, 1, 1, 0]], {1: 1}), image(3, [[1, 1, 0, 0]], {1: 1})]
    pred = save(tmp_path / "pred.json", [*short, image(9, [[1, 1, 0, 0]], {1: 1})])
    (tmp_path / "list.txt").write_text("000003.png\n2\n2\n")
    for images in (["3", 2], tmp_path / "list.txt", [3.0, "0002"]):
        result = pqeval.evaluate(gt=gt, pred=pred, images=images)
        assert result.images == {"evaluated": 2, "missing": 0, "skipped": 0}
        assert result.pq == (1 + 2 / 3) / 2
        assert result.warnings == ()  # what was left out on purpose is not told
        found = pqeval.validate(gt=gt, pred=pred, images=images)
        assert (found.images, found.problems) == (2, ())
    assert result.inputs["images"] == "given in Python"
    with pytest.raises(PqevalError, match="no prediction for 1 of 2 images: image 1"):
        pqeval.evaluate(gt=gt, pred=pred, images=[1, 2])


def test_a_table_that_does_not_exist_is_answered_with_those_that_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        read_categories("cocoo")
    assert (caught.value.code, "cityscapes_train, coco, coco_stuff" in caught.value.expected) == (
        "unknown-table",
        True,
    )
