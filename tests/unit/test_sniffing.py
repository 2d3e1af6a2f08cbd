"""Which format files are in, where nobody says it."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from datasets import RGB, image, png, save, says
from packed import zip_of
from pair_maps import save_step
from triggers import Triggers, name_of

import pqeval
from pqeval import sniffing
from pqeval.errors import PqevalError, UsageError
from pqeval.formats._glance import Glance
from pqeval.sniffing import resolve, resolve_one
from pqeval.storage import locate

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def raised(function, *arguments, **options):
    with pytest.raises(PqevalError) as caught:
        function(*arguments, **options)
    return caught.value


def room_of(**formats):
    """A room of formats, each of which is as sure as the content of its files says: ``{file name: strength}``."""

    def module(strengths):
        return SimpleNamespace(
            recognise=lambda glance: max((strengths.get(n, 0) for n in glance.names), default=0)
        )

    modules = {name: module(strengths) for name, strengths in formats.items()}
    return SimpleNamespace(available=lambda: sorted(modules), get=modules.__getitem__, spelled=str)


@pytest.fixture
def formats(monkeypatch):
    def use(**formats):
        monkeypatch.setattr(sniffing, "room", room_of(**formats))

    return use


def folder_of(path, *names):
    path.mkdir()
    for name in names:
        (path / name).write_bytes(b"x")
    return locate(path)


def test_the_only_format_that_knows_the_files_is_taken(tmp_path, formats):
    formats(one={"a": 1}, two={"b": 1})
    gt, pred = folder_of(tmp_path / "gt", "a"), folder_of(tmp_path / "pred", "b")
    assert resolve(gt, pred) == ("one", "two")
    assert (resolve_one(gt, None), resolve_one(pred, None), resolve_one(pred, "one")) == ("one", "two", "one")


def test_who_is_sure_is_preferred(tmp_path, formats):
    formats(one={"a": 1}, two={"a": 2}, three={"a": 1})
    gt = folder_of(tmp_path / "gt", "a")
    assert resolve(gt, gt) == ("two", "two")


@pytest.mark.parametrize("other", [1, 2])
def test_predictions_are_in_the_format_of_the_truth_where_they_can_be(tmp_path, formats, other):
    formats(one={"a": 2, "b": 1}, two={"b": other}, three={"b": 1})
    gt, pred = folder_of(tmp_path / "gt", "a"), folder_of(tmp_path / "pred", "b")
    assert resolve(gt, pred) == ("one", "one")
    assert resolve(gt, pred, gt_format="three") == ("three", "three")


def test_what_the_user_says_is_not_looked_up_in_the_files(tmp_path, formats):
    formats(one={"a": 2}, two={"b": 2})
    gt, pred = folder_of(tmp_path / "gt", "a"), folder_of(tmp_path / "pred", "b")
    assert resolve(gt, pred, gt_format="two") == ("two", "two")
    assert resolve(gt, pred, pred_format="one") == ("one", "one")
    assert resolve(pred, gt, gt_format="one", pred_format="two") == ("one", "two")


def test_names_may_be_written_with_dashes(tmp_path):
    save_step(tmp_path / "maps" / "0000" / "000000.png", np.zeros((1, 1), int))
    both = {"gt": tmp_path / "maps", "pred": tmp_path / "maps"}
    result = pqeval.evaluate(**both, format="kitti-step")
    assert result.pq == pqeval.evaluate(**both, gt_format="kitti-step").pq == 1.0
    assert (result.inputs["gt_format"], result.inputs["pred_format"]) == ("kitti_step", "kitti_step")


def test_a_missing_file_is_one_of_coco_which_says_so(tmp_path):
    none = locate(tmp_path / "none")
    assert resolve(none, none) == ("coco", "coco")
    assert resolve(locate(tmp_path / "none.zip"), locate(tmp_path / "none.zip" / "a.json")) == ("coco", "coco")


@pytest.mark.parametrize("content", [b"{}", b"[]", b'{"annotations": []}', b"{", b"", b"\xff", b"no JSON"])
def test_a_json_of_nothing_known_is_one_of_coco_which_says_what_it_lacks(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    place = locate(tmp_path / "a.json")
    assert resolve(place, place) == ("coco", "coco")


def test_coco_is_told_from_its_json_wherever_it_is(tmp_path):
    path = save(tmp_path / "data" / "gt.json", [image(1, [[1, 1]], {1: 1})], folder=tmp_path / "data" / "gt")
    (tmp_path / "x.zip").write_bytes(zip_of({"deep/gt.json": path.read_bytes()}))
    for place in (path, tmp_path / "data", tmp_path / "x.zip", tmp_path / "x.zip" / "deep" / "gt.json"):
        assert resolve_one(locate(place), None) == "coco"


@trigger
def files_of_several_formats(folder):
    gt = folder_of(folder / "gt", "a")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sniffing, "room", room_of(one={"a": 1}, two={"a": 1}, weak={}, three={"c": 2}))
        says(
            [
                raised(resolve, gt, gt),
                raised(resolve, gt, gt, gt_format="three"),
                raised(resolve_one, gt, None),
            ],
            """
            DIR/gt: the files of --gt do not say which format they are in alone
              expected: files of one format; these could be: one, two
              do: name it with --gt-format (gt_format=); `pqeval formats` lists all
            DIR/gt: the files of --pred do not say which format they are in alone
              expected: files of one format; these could be: one, two
              do: name it with --pred-format (pred_format=); `pqeval formats` lists all
            DIR/gt: the files do not say which format they are in alone
              expected: files of one format; these could be: one, two
              do: name it with --format (format=); `pqeval formats` lists all
            """,
            folder=folder,
        )


@trigger
def files_of_no_format(folder):
    (folder / "notes.txt").write_text("nothing")
    gt = save(folder / "gt.json", [image(1, [[1, 1]], {1: 1})])
    (folder / "empty").mkdir()
    found = [
        raised(pqeval.evaluate, gt=folder / "notes.txt", pred=gt),
        raised(pqeval.evaluate, gt=gt, pred=folder / "empty"),
        raised(pqeval.validate, gt=folder / "empty", pred=gt),
    ]
    assert {type(each) for each in found} == {UsageError}
    says(
        found,
        """
        DIR/notes.txt: the files of --gt do not say which format they are in
          expected: files of one format; these could be: no format that pqeval knows
          do: name it with --gt-format (gt_format=); `pqeval formats` lists all
        DIR/empty: the files of --pred do not say which format they are in
          expected: files of one format; these could be: no format that pqeval knows
          do: name it with --pred-format (pred_format=); `pqeval formats` lists all
        DIR/empty: the files of --gt do not say which format they are in
          expected: files of one format; these could be: no format that pqeval knows
          do: name it with --gt-format (gt_format=); `pqeval formats` lists all
        """,
        folder=folder,
    )


def test_two_layouts_that_files_cannot_tell_apart_are_both_named(tmp_path):
    save_step(tmp_path / "maps" / "0000" / "000000.png", np.zeros((1, 1), int))
    error = raised(pqeval.evaluate, gt=tmp_path / "maps", pred=tmp_path / "maps")
    assert error.code == "format-unclear"
    candidates = error.expected.rpartition(": ")[2].split(", ")
    assert {"kitti_step", "motchallenge_step"} <= set(candidates)
    chosen = pqeval.evaluate(gt=tmp_path / "maps", pred=tmp_path / "maps", gt_format="motchallenge_step")
    assert chosen.inputs["pred_format"] == "motchallenge_step"


# A first look


def test_a_glance_reads_no_more_than_it_must(tmp_path):
    path = save(tmp_path / "a.json", [image(1, [[1, 1]], {1: 1})])
    glance = Glance(locate(path))
    assert glance.keys == {"segments_info", "annotations", "categories"}
    assert glance.names == []
    assert glance.category_ids == {1, 2, 3}
    assert not glance.is_list
    assert glance.sees(rb'"file_name": *"1\.png"')
    assert str(Glance(locate(tmp_path)).json) == str(path)


def test_keys_far_behind_are_found_in_a_large_json(tmp_path):
    filler = [{"id": number, "file_name": "x" * 100} for number in range(10_000)]
    content = {"images": filler, "annotations": [{"segmentation": {}}], "categories": [{"id": 5}]}
    (tmp_path / "a.json").write_text(json.dumps(content))
    assert (tmp_path / "a.json").stat().st_size > 2**20
    glance = Glance(locate(tmp_path / "a.json"))
    assert glance.keys == {"annotations", "segmentation", "categories"}
    assert glance.category_ids == {5}


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b'{"categories": [', b'{"categories": [1, {"id": []}]}', b'{"categories": {}}'],
)
def test_a_glance_at_a_broken_json_is_no_error(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    glance = Glance(locate(tmp_path / "a.json"))
    assert glance.category_ids == set()
    assert glance.keys <= {"categories"}
    assert not glance.is_list


def test_a_glance_at_files_that_cannot_be_read_is_no_error(tmp_path):
    (tmp_path / "gone.json").symlink_to(tmp_path / "nowhere.json")
    glance = Glance(locate(tmp_path))
    assert (glance.keys, glance.category_ids) == (frozenset(), set())
    assert glance.png("none.png") is None
    assert Glance(locate(tmp_path / "none.json")).keys == frozenset()


def test_the_header_of_a_png_tells_its_kind(tmp_path):
    (tmp_path / "a.png").write_bytes(png([[(1, 2, 3)]], color=RGB))
    (tmp_path / "b.png").write_bytes(png([[(1,)]], color=0, depth=16))
    (tmp_path / "c.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "d.png").write_bytes(b"no PNG at all, and long enough for a header")
    glance = Glance(locate(tmp_path))
    assert [glance.png(name) for name in glance.names] == [(2, 8), (0, 16), None, None]
    assert glance.matching(r"[ab]\.png") == ["a.png", "b.png"]
    assert Glance(locate(tmp_path / "a.png")).png("a.png") is None


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["a.json"], "a.json"),
        (["a.json", "maps/b.json"], "a.json"),
        (["maps/b.json"], "maps/b.json"),
        (["a.json", "b.json"], None),
        (["x/y/a.json"], None),
        (["A.JSON"], "A.JSON"),
    ],
)
def test_the_json_of_a_folder_is_the_only_one_near_its_top(tmp_path, names, found):
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    glance = Glance(locate(tmp_path))
    assert (None if glance.json is None else glance.json.name) == found


def test_a_format_of_another_package_may_recognise_nothing(tmp_path, monkeypatch):
    gt = save(tmp_path / "gt.json", [image(1, [[1]], {1: 1})])
    modules = {"coco": sniffing.room.get("coco"), "theirs": SimpleNamespace()}
    monkeypatch.setattr(sniffing, "room", SimpleNamespace(available=lambda: list(modules), get=modules.get))
    assert resolve(locate(gt), locate(gt)) == ("coco", "coco")
