"""``pqeval.convert``: nothing changes but the format, ids keep what they mean, and nothing is half written."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from datasets import TABLE, image, save, says
from hypothesis import given
from hypothesis import strategies as st
from triggers import Triggers, name_of

import pqeval
from pqeval.conversion import frames_of, writers
from pqeval.errors import PqevalError, SegmentError
from pqeval.formats.coco import open_side
from pqeval.image_ids import image_key
from pqeval.labelmap import LabelMap
from pqeval.rows import Row, Rows
from pqeval.source import Image, Request
from pqeval.storage import locate

trigger = Triggers()


def contents(path, **request):
    """Every image of a COCO panoptic JSON as (map, {id: (category, crowd)})."""
    side = open_side(locate(path), Request(**request))
    found = {}
    for one in side.images.values():
        problems: list[PqevalError] = []
        labels, rows = side.read(one, problems=problems)
        found[one.image_id] = labels.to_array().tolist(), {row.id: (row.category_id, row.iscrowd) for row in rows}
    return found


class Fake:
    """A side that holds its images."""

    def __init__(self, images, sequence=None):
        self.file, self.categories, self.problems, self.maps = "fake", None, [], images
        self.images = {
            image_key(name): Image(name, rank, f"fake/{name}", name, sequence) for rank, name in enumerate(images)
        }

    def read(self, one, *, shape, problems):
        ids, rows = self.maps[one.entry]
        if isinstance(ids, PqevalError):
            problems.append(ids)
            return None
        return LabelMap.from_array(ids), Rows.of(rows)


def converted(side):
    return {
        frame.image_id: (frame.labels.to_array().tolist(), list(frame.rows))
        for frame in frames_of(side, side.images.values())
    }


def test_what_is_read_is_written(tmp_path):
    rows = [{"id": 9, "category_id": 1, "iscrowd": 1}, {"id": 70000, "category_id": 3}]
    gt = save(tmp_path / "gt.json", [image("a b", [[9, 9, 70000], [0, 9, 70000]], rows), image(5, [[0]], [])])
    assert pqeval.convert(gt, tmp_path / "again.json") == 2
    assert contents(tmp_path / "again.json") == contents(gt)
    assert json.loads((tmp_path / "again.json").read_text())["categories"] == [
        {"id": 1, "name": "cat", "isthing": 1},
        {"id": 2, "name": "dog", "isthing": 1},
        {"id": 3, "name": "sky", "isthing": 0},
    ]


def test_the_same_input_gives_the_same_bytes(tmp_path):
    gt = save(tmp_path / "gt.json", [image(1, [[4, 5]], {4: 1, 5: 3})])
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        pqeval.convert(gt, tmp_path / name / "x.json")
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / n).rglob("*") if p.is_file()} for n in ("one", "two"))
    assert one == two
    assert len(one) == 2


def test_only_the_images_asked_for(tmp_path):
    gt = save(tmp_path / "gt.json", [image(number, [[number]], {number: 1}) for number in (1, 2, 3)])
    (tmp_path / "list.txt").write_text("3\n\n1\n")
    assert pqeval.convert(gt, tmp_path / "some.json", images=tmp_path / "list.txt") == 2
    assert list(contents(tmp_path / "some.json")) == [1, 3]


def test_predictions_take_the_table_that_is_given(tmp_path):
    pred = save(tmp_path / "pred.json", [image(1, [[4]], {4: 2})], categories=None)
    assert pqeval.convert(pred, tmp_path / "x.json", role="pred", categories=TABLE) == 1
    assert contents(tmp_path / "x.json") == {1: ([[4]], {4: (2, False)})}


def test_segments_without_pixels_are_left_out(tmp_path):
    gt = save(tmp_path / "gt.json", [image(1, [[4]], {4: 1, 5: 1})])
    pqeval.convert(gt, tmp_path / "x.json")
    assert contents(tmp_path / "x.json") == {1: ([[4]], {4: (1, False)})}


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=8))
def test_ids_beyond_24_bits_are_numbered_by_ascending_id(ids):
    listed = sorted(set(ids) - {0})
    frames = converted(Fake({"a": ([ids], [Row(number, number % 7) for number in listed])}))
    (pixels,), rows = frames["a"]
    kept = not listed or listed[-1] < 2**24
    expected = {0: 0} | {number: number if kept else place for place, number in enumerate(listed, start=1)}
    assert pixels == [expected[number] for number in ids]
    assert [(row.id, row.category_id) for row in rows] == [(expected[number], number % 7) for number in listed]


def test_an_object_of_a_video_keeps_its_number_over_the_frames():
    big = 2**31
    frames = converted(
        Fake(
            {
                "v/1": ([[big + 5, 7]], [Row(big + 5, 1), Row(7, 2)]),
                "v/2": ([[3, big + 5]], [Row(3, 1), Row(big + 5, 1)]),
            },
            sequence="v",
        )
    )
    # In the order of appearance, and within a frame by ascending id: 7, then big + 5, then 3.
    assert frames == {
        "v/1": ([[2, 1]], [Row(2, 1), Row(1, 2)]),
        "v/2": ([[3, 2]], [Row(3, 1), Row(2, 1)]),
    }


def test_points_become_an_image_of_one_row():
    assert converted(Fake({"scan": ([4, 4, 0], [Row(4, 1)])})) == {"scan": ([[4, 4, 0]], [Row(4, 1)])}


def test_progress_is_told(tmp_path):
    gt = save(tmp_path / "gt.json", [image(number, [[number]], {number: 1}) for number in (1, 2)])
    told = []
    pqeval.convert(gt, tmp_path / "x.json", progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]


def test_the_command(tmp_path):
    from pqeval.cli import cli

    gt = save(tmp_path / "gt.json", [image(1, [[4]], {4: 1})])
    done = CliRunner().invoke(cli, ["convert", str(gt), str(tmp_path / "x.json")])
    assert (done.exit_code, done.output) == (0, f"1 image written as coco to {tmp_path / 'x.json'}\n")
    assert contents(tmp_path / "x.json") == contents(gt)
    pred = save(tmp_path / "pred.json", [image(1, [[4]], {4: 1})], categories=None)
    arguments = ["convert", str(pred), str(tmp_path / "y.json"), "--prediction", "--categories", str(gt)]
    assert CliRunner().invoke(cli, arguments).exit_code == 0
    assert contents(tmp_path / "y.json") == contents(gt)


def test_coco_is_among_the_formats_that_can_be_written():
    assert "coco" in writers()


def raised(function, *arguments, **options):
    with pytest.raises(PqevalError) as caught:
        function(*arguments, **options)
    return caught.value


@trigger
def reading_only(folder):
    room = SimpleNamespace(
        available=lambda: ["coco", "readable"],
        get=lambda name: SimpleNamespace(write=print) if name == "coco" else SimpleNamespace(),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pqeval.conversion.formats", room)
        says(
            raised(pqeval.convert, "x", "y", to="readable"),
            """
            the format readable is only read
              expected: one of: coco
              do: choose one of these
            """,
        )


@trigger
def role(folder):
    says(
        raised(pqeval.convert, folder / "gt.json", folder / "y.json", role="truth"),
        """
        the role is 'truth'
          expected: gt or pred
          do: say whether the source is ground truth or prediction
        """,
    )


@trigger
def without_table(folder):
    pred = save(folder / "pred.json", [image(1, [[4]], {4: 2})], categories=None)
    says(
        raised(pqeval.convert, pred, folder / "x.json", role="pred"),
        """
        DIR/pred.json: the source has no category table
          expected: a table with id and isthing
          do: give one with --categories FILE (categories=)
        """,
        folder=folder,
    )


@trigger
def unlisted(folder):
    gt = save(folder / "gt.json", [image(1, [[4, 6]], {4: 1})])
    says(
        raised(pqeval.convert, gt, folder / "x.json"),
        """
        DIR/gt/1.png (image 1): the id 6 has pixels but no row in the segment list
          expected: every id of the map in its list; 0 is void
          do: list the segments, or set these pixels to 0
        """,
        folder=folder,
    )


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def test_all_errors_come_together_and_the_json_is_not_written(tmp_path):
    gt = save(tmp_path / "gt.json", [image(number, [[number]], {number: 1}) for number in (1, 2, 3)])
    for name in ("1.png", "3.png"):
        (tmp_path / "gt" / name).write_bytes(b"no PNG")
    error = raised(pqeval.convert, gt, tmp_path / "x.json")
    assert [(each.code, each.image_id) for each in error.errors] == [("png-signature", 1), ("png-signature", 3)]
    assert not (tmp_path / "x.json").exists()


def test_many_errors_stop_the_work():
    fault = SegmentError(code="x", found="x", expected="x", remedy="x")
    error = raised(lambda: list(converted(Fake({f"{n}": (fault, []) for n in range(50)}))))
    assert (len(error.errors), error.stopped) == (20, True)


def test_an_error_in_the_files_as_a_whole_comes_first(tmp_path):
    gt = save(tmp_path / "gt.json", [image(1, [[4]], {4: 1}), image(1, [[4]], {4: 1})])
    assert raised(pqeval.convert, gt, tmp_path / "x.json").code == "image-twice"
    assert not Path(tmp_path / "x").exists()
