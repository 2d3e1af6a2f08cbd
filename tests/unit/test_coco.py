"""COCO panoptic folders, read and written; and what the whole road from files to a score guarantees."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from datasets import TABLE, colours, image, png, save

import pqeval
from pqeval import formats
from pqeval.categories import Categories
from pqeval.engines import threads
from pqeval.errors import DataError, FileError, JsonError, SegmentError, SeveralErrors
from pqeval.formats import room
from pqeval.formats.coco import open_side
from pqeval.source import Request
from pqeval.storage import File, as_folder, locate

IDS = [[1, 1, 2], [0, 3, 2]]
SEGMENTS = {1: 1, 2: 2, 3: 3}
GOOD = image(7, IDS, SEGMENTS)


def open_path(path, *, folder=None, **request):
    folder = None if folder is None else as_folder(folder, option="--gt-folder")
    return open_side(locate(path), Request(folder=folder, **request))


def opened(folder, images, *, role="gt", **options):
    path = save(folder / "side.json", images, **{"categories": TABLE if role == "gt" else None} | options)
    return open_path(path, role=role)


def read(side, place=0):
    """Return the dense map, the rows, and the codes of the problems of an image."""
    problems = []
    found = side.read(list(side.images.values())[place], problems=problems)
    codes = [problem.code for problem in problems]
    return (None, None, codes) if found is None else (found[0].to_array().tolist(), list(found[1]), codes)


def snapshot(folder):
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


# Reading


def test_a_side_is_its_images_in_order(tmp_path):
    side = opened(tmp_path, [image("b", IDS, SEGMENTS), image(3, IDS, SEGMENTS), image(1, IDS, SEGMENTS)])
    assert [(each.image_id, each.rank) for each in side.images.values()] == [("b", 0), (3, 1), (1, 2)]
    assert [each.file for each in side.images.values()] == [f"{tmp_path}/side/{name}.png" for name in ("b", 3, 1)]
    assert side.categories == Categories.of(TABLE)
    assert side.problems == []
    ids, rows, codes = read(side)
    assert ids == IDS
    assert [(row.id, row.category_id, row.iscrowd, row.area) for row in rows] == [
        (1, 1, False, None),
        (2, 2, False, None),
        (3, 3, False, None),
    ]
    assert codes == []


def test_of_predictions_only_ids_categories_and_scores_are_read(tmp_path):
    segments = [
        {"id": 1, "category_id": 1, "iscrowd": 1, "area": "large", "bbox": None},
        {"id": 2, "category_id": 2, "iscrowd": 0, "area": -1, "score": 0.5},
        {"id": 3, "category_id": 3, "isthing": "x"},
    ]
    ids, rows, codes = read(opened(tmp_path, [image(7, IDS, segments)], role="pred"))
    assert (ids, codes) == (IDS, [])
    assert [row.area for row in rows] == [None] * 3
    assert [row.score for row in rows] == [None, 0.5, None]


@pytest.mark.parametrize("score", ["high", True, [0.5], float("nan"), float("inf"), {}, 10**400, -(10**400)])
def test_a_score_that_is_no_number_is_ignored_and_told(tmp_path, score):
    segments = [{"id": 1, "category_id": 1, "score": 2}, {"id": 2, "category_id": 2, "score": score}]
    segments.append({"id": 3, "category_id": 3})
    ids, rows, codes = read(opened(tmp_path, [image(7, IDS, segments)], role="pred"))
    assert (ids, codes) == (IDS, ["score-not-number"])
    assert [row.score for row in rows] == [2.0, None, None]


def test_a_predicted_crowd_means_nothing(tmp_path):
    gt = save(tmp_path / "gt.json", [GOOD])
    rows = [{"id": number, "category_id": number, "iscrowd": 1} for number in (1, 2, 3)]
    pred = save(tmp_path / "pred.json", [image(7, IDS, rows)], categories=None)
    assert pqeval.evaluate(gt=gt, pred=pred).pq == 1.0


def test_keys_that_are_not_needed_are_not_needed(tmp_path):
    side = opened(tmp_path, [image(7, IDS, SEGMENTS, extra={"a": 1})], info=None, licenses=7)
    assert read(side)[0] == IDS


@pytest.mark.parametrize(
    "stated",
    [
        None,
        "none",
        [],
        [None, 7, {}],
        [{"id": 7}],
        [{"id": 7, "width": 3}],
        [{"id": 8, "width": 1, "height": 1}],
        [{"id": [7], "width": 1, "height": 1}],
        [{"id": 7, "width": 3, "height": 2}],
    ],
    ids=str,
)
def test_a_list_of_images_is_not_needed(tmp_path, stated):
    path = save(tmp_path / "side.json", [GOOD], **{"info": 1})
    content = json.loads(path.read_text()) | {"images": stated}
    path.write_text(json.dumps(content))
    assert read(open_path(path, role="gt")) == (IDS, read(open_path(path, role="gt"))[1], [])


def test_the_folder_may_lie_elsewhere(tmp_path):
    path = save(tmp_path / "gt.json", [GOOD], folder=tmp_path / "some" / "where")
    with pytest.raises(FileError):
        open_path(path, role="gt")
    assert read(open_path(path, role="gt", folder=tmp_path / "some" / "where"))[0] == IDS


def test_file_names_may_name_folders(tmp_path):
    (tmp_path / "side" / "town").mkdir(parents=True)
    assert read(opened(tmp_path, [image(7, IDS, SEGMENTS, file_name="town/7.png")]))[0] == IDS


def test_two_images_may_share_a_file(tmp_path):
    side = opened(tmp_path, [GOOD, image(8, None, SEGMENTS, file_name="7.png")])
    assert read(side, 0)[0] == read(side, 1)[0] == IDS


def test_the_json_itself_has_to_be_a_file(tmp_path):
    (tmp_path / "side.json").mkdir()
    with pytest.raises(FileError) as caught:
        open_side(File(locate(tmp_path), "side.json"), Request("gt"))
    assert caught.value.code == "not-a-regular-file"


@pytest.mark.parametrize(
    "text",
    ["\ufeff{}", " {} ", '{"annotations": [], "categories": NaN}', '{"annotations": Infinity}'],
)
def test_lenient_json_is_still_checked(tmp_path, text):
    (tmp_path / "side").mkdir()
    (tmp_path / "side.json").write_text(text, encoding="utf-8")
    with pytest.raises(JsonError) as caught:
        open_path(tmp_path / "side.json", role="gt")
    assert caught.value.code == "json-key"


def test_a_repeated_key_in_json_is_the_last_one(tmp_path):
    path = save(tmp_path / "side.json", [GOOD])
    path.write_text(path.read_text().replace('"categories":', '"categories": [], "categories":'))
    assert len(open_path(path, role="gt").categories) == 3


def test_annotations_that_cannot_be_read_do_not_hide_the_others(tmp_path):
    side = opened(
        tmp_path,
        [],
        annotations=[
            "text",
            {"image_id": 1},
            {"image_id": 2, "file_name": "2.png", "segments_info": [[]]},
            {"image_id": 3, "file_name": "3.png", "segments_info": []},
            {"image_id": 3, "file_name": "3.png", "segments_info": []},
        ],
    )
    assert [problem.code for problem in side.problems] == ["annotation"] * 3 + ["image-twice"]
    assert [problem.image_id for problem in side.problems] == [None, 1, 2, 3]
    assert [each.image_id for each in side.images.values()] == [3]


def test_an_image_id_that_is_not_equal_to_itself_is_refused(tmp_path):
    # Image id NaN, which Python writes and reads although JSON has no such number.
    side = opened(tmp_path, [image(float("nan"), IDS, SEGMENTS), GOOD])
    assert [(problem.code, problem.found) for problem in side.problems] == [
        ("annotation", "annotations[0].image_id is nan")
    ]
    assert [each.image_id for each in side.images.values()] == [7]


def test_all_problems_of_an_image_are_found(tmp_path):
    segments = [{"id": "1", "category_id": 1}, {"id": 2, "category_id": None}, {"id": 2**25, "category_id": 1}]
    _, _, codes = read(opened(tmp_path, [image(7, b"", segments)]))
    assert codes == ["segment-id", "segment-category", "segment-id-rgb", "png-broken"]
    _, _, codes = read(opened(tmp_path, [image(7, IDS, segments)]))
    assert codes == ["segment-id", "segment-category", "segment-id-rgb"]


@pytest.mark.parametrize(("repeated", "category"), [("merge", None), ("last", 2)])
def test_what_two_rows_of_one_id_mean(tmp_path, repeated, category):
    rows = [{"id": 1, "category_id": 1}, {"id": 1, "category_id": 2}]
    path = save(tmp_path / "side.json", [image(7, [[1]], rows)])
    side = open_path(path, role="gt", repeated=repeated)
    problems = []
    found = side.read(next(iter(side.images.values())), problems=problems)
    if category is None:
        assert found is None
        assert [problem.code for problem in problems] == ["segment-conflict"]
    else:
        assert [row.category_id for row in found[1]] == [category]
        assert [problem.code for problem in problems] == ["segment-repeated"]


def test_the_room_of_formats_lists_its_files():
    assert room.available() == sorted(path.stem for path in Path(formats.__path__[0]).glob("[a-z]*.py"))
    assert "coco" in room.available()
    assert room.get("coco").DESCRIPTION.startswith("COCO panoptic")
    assert "--gt-folder" in room.get("coco").LAYOUT


# Writing


def saved(place, frames, **options):
    path = place / "saved.json"
    pqeval.save_coco_panoptic(path, frames, TABLE, **options)
    return json.loads(path.read_text(encoding="utf-8"))


def test_what_is_written(tmp_path):
    rows = [{"id": 3, "category_id": 3}, {"id": 1, "category_id": 1, "iscrowd": 1}, {"id": 2, "category_id": 2}]
    content = saved(tmp_path, [(139, np.array(IDS), rows)])
    assert content == {
        "images": [{"id": 139, "width": 3, "height": 2, "file_name": "000000000139.png"}],
        "annotations": [
            {
                "image_id": 139,
                "file_name": "000000000139.png",
                "segments_info": [
                    {"id": 3, "category_id": 3, "iscrowd": 0, "area": 1, "bbox": [1, 1, 1, 1]},
                    {"id": 1, "category_id": 1, "iscrowd": 1, "area": 2, "bbox": [0, 0, 2, 1]},
                    {"id": 2, "category_id": 2, "iscrowd": 0, "area": 2, "bbox": [2, 0, 1, 2]},
                ],
            }
        ],
        "categories": TABLE,
    }
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["000000000139.png", "saved", "saved.json"]


@pytest.mark.parametrize(
    ("image_id", "name"),
    [
        (0, "000000000000.png"),
        (10**13, "10000000000000.png"),
        (-5, "-00000000005.png"),
        ("frankfurt_000000_000294", "frankfurt_000000_000294.png"),
        ("a/b", "a%2Fb.png"),
        ("..", "...png"),
        ("../x", "..%2Fx.png"),
        ("ü", "%C3%BC.png"),
        (0.5, "0.5.png"),
        (True, "True.png"),
        (None, "None.png"),
    ],
)
def test_names_of_files_stay_in_their_folder(tmp_path, image_id, name):
    rows = [{"id": number, "category_id": number} for number in (1, 2, 3)]
    content = saved(tmp_path, [(image_id, np.array(IDS), rows)])
    assert content["annotations"][0]["file_name"] == name
    assert [path.name for path in (tmp_path / "saved").iterdir()] == [name]
    path = tmp_path / "saved.json"
    assert pqeval.evaluate(gt=path, pred=path).pq == 1.0


def test_what_is_written_is_read_as_it_was(tmp_path):
    dice = np.random.default_rng(0)
    frames = []
    for number in range(5):
        ids = dice.integers(0, 2**24, size=4)[dice.integers(0, 4, size=(7, 5))].astype(np.uint32)
        present = sorted(set(ids.ravel().tolist()) - {0})
        frames.append((number, ids, [{"id": each, "category_id": 1 + each % 3} for each in present]))
    saved(tmp_path, iter(frames))
    side = open_path(tmp_path / "saved.json", role="gt")
    for place, (_, ids, rows) in enumerate(frames):
        found, read_rows, codes = read(side, place)
        assert (found, codes) == (ids.tolist(), [])
        assert [(row.id, row.category_id) for row in read_rows] == [
            (row["id"], row["category_id"]) for row in rows
        ]
        assert [row.area for row in read_rows] == [int((ids == row["id"]).sum()) for row in rows]


def test_writing_twice_gives_the_same_bytes(tmp_path):
    rows = [{"id": number, "category_id": number} for number in (1, 2, 3)]
    saved(tmp_path, [(1, np.array(IDS), rows)])
    before = {path: content for path, (_, content) in snapshot(tmp_path).items()}
    saved(tmp_path, [(1, np.array(IDS), rows)])
    assert {path: content for path, (_, content) in snapshot(tmp_path).items()} == before


def test_a_map_of_void_alone_can_be_written(tmp_path):
    content = saved(tmp_path, [(1, np.zeros((2, 2), int), [])])
    assert content["annotations"][0]["segments_info"] == []


def test_the_folder_may_be_named(tmp_path):
    saved(tmp_path, [(1, [[1]], [{"id": 1, "category_id": 1}])], folder=tmp_path / "deep" / "maps")
    assert (tmp_path / "deep" / "maps" / "000000000001.png").is_file()
    assert not (tmp_path / "saved").exists()


def test_an_interrupted_run_leaves_no_json(tmp_path):
    def frames():
        yield 1, [[1]], [{"id": 1, "category_id": 1}]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        saved(tmp_path, frames())
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["000000000001.png", "saved"]


@pytest.mark.parametrize(
    ("ids", "rows", "code"),
    [
        ([[1, 2]], [{"id": 1, "category_id": 1}], "pred-id-not-listed"),
        ([[1]], [{"id": 1, "category_id": 1}, {"id": 2, "category_id": 1}], "pred-id-without-pixels"),
        ([[1]], [{"id": 1, "category_id": 9}], "not-storable"),
        ([[2**24]], [{"id": 2**24, "category_id": 1}], "not-storable"),
        ([1], [{"id": 1, "category_id": 1}], "not-storable"),
        ([[1]], [{"id": 1}], "segment-category"),
        ([[1.0]], [{"id": 1, "category_id": 1}], "id-dtype"),
    ],
)
def test_what_would_not_be_read_is_not_written(tmp_path, ids, rows, code):
    with pytest.raises(DataError) as caught:
        saved(tmp_path, [(1, ids, rows)])
    assert code in [error.code for error in getattr(caught.value, "errors", [caught.value])]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


# From files to a score


def dataset(folder, count=9, **spoilt):
    """Write two sides; ``spoilt`` replaces the map of predictions by number."""
    gt = [image(number, IDS, SEGMENTS) for number in range(count)]
    pred = [image(number, spoilt.get(f"n{number}", IDS), SEGMENTS) for number in range(count)]
    return {
        "gt": save(folder / "gt.json", gt),
        "pred": save(folder / "pred.json", pred, categories=None),
    }


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_reading_writes_nothing(tmp_path, workers):
    paths = dataset(tmp_path)
    before = snapshot(tmp_path)
    pqeval.evaluate(**paths, workers=workers)
    pqeval.validate(**paths, workers=workers)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("place", [0, 4, 8], ids=["first", "middle", "last"])
@pytest.mark.parametrize("workers", [1, 3])
def test_a_broken_image_is_raised_wherever_it_is(tmp_path, workers, place):
    for content in (b"", png(colours(IDS))[:-20], [[1, 1], [2, 3]], None):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        with pytest.raises(DataError) as caught:
            pqeval.evaluate(**dataset(folder, **{f"n{place}": content}), workers=workers)
        assert (caught.value.image_id, caught.value.file) == (place, f"{folder}/pred/{place}.png")


@pytest.mark.parametrize("workers", [1, 3])
def test_all_broken_images_are_raised_together_in_order(tmp_path, workers):
    paths = dataset(tmp_path, n1=b"", n4=[[1]], n7=None)
    with pytest.raises(SeveralErrors) as caught:
        pqeval.evaluate(**paths, workers=workers)
    assert [(error.image_id, error.code) for error in caught.value.errors] == [
        (1, "png-broken"),
        (4, "shape"),
        (7, "file-missing"),
    ]
    assert [error.image_id for error in pqeval.validate(**paths, workers=workers).errors] == [1, 4, 7]


def test_after_many_errors_reading_stops_but_validation_does_not(tmp_path):
    paths = dataset(tmp_path, 60, **{f"n{number}": b"" for number in range(5, 60)})
    with pytest.raises(SeveralErrors) as caught:
        pqeval.evaluate(**paths, workers=1)
    assert (caught.value.stopped, len(caught.value.errors)) == (True, 20)
    found = pqeval.validate(**paths, workers=1)
    assert (found.images, len(found.errors)) == (60, 55)


@pytest.mark.parametrize("broken", [19, 20])
def test_twenty_errors_with_nothing_left_to_read_are_all_there_are(tmp_path, broken):
    paths = dataset(tmp_path, 20, **{f"n{number}": b"" for number in range(20 - broken, 20)})
    with pytest.raises(SeveralErrors) as caught:
        pqeval.evaluate(**paths, workers=2)
    assert (caught.value.stopped, len(caught.value.errors)) == (False, broken)


def test_an_error_leaves_no_report_and_no_thread(tmp_path):
    paths = dataset(tmp_path, n8=b"")
    with pytest.raises(DataError):
        pqeval.evaluate(**paths, workers=4, json=tmp_path / "result.json")
    assert not (tmp_path / "result.json").exists()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("pqeval")] == []


def test_the_number_of_threads_changes_no_byte(tmp_path):
    paths = dataset(tmp_path, n1=[[1, 1, 2], [0, 3, 3]], n5=[[1, 2, 2], [0, 3, 2]])
    texts = {pqeval.evaluate(**paths, workers=workers).to_json() for workers in (1, 2, 3, 8, None)}
    assert len(texts) == 1


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_threads_hand_on_results_in_the_order_of_the_tasks(workers):
    asked = []

    def tasks():
        for number in range(400):
            asked.append(number)
            yield number

    def slow(number):
        time.sleep(0.0005 * (number % 5))
        return number

    found = []
    most = 1 if workers == 1 else threads.AHEAD * threads.SLICE * workers
    assert most < 200
    for number in threads.run(slow, tasks(), workers):
        found.append(number)
        assert len(asked) <= len(found) + most  # few wait in memory
    assert found == list(range(400))


def test_progress_is_told_after_every_image(tmp_path):
    paths = dataset(tmp_path)
    for function in (pqeval.evaluate, pqeval.validate):
        told = []
        function(**paths, workers=3, progress=lambda done, total, told=told: told.append((done, total)))
        assert told == [(number, 9) for number in range(1, 10)]


def test_an_exception_of_the_listener_ends_the_work(tmp_path):
    def listen(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pqeval.evaluate(**dataset(tmp_path), workers=3, progress=listen)
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("pqeval")] == []


def test_the_images_are_counted_in_the_result(tmp_path):
    result = pqeval.evaluate(**dataset(tmp_path), groups={"animals": [1, 2]})
    assert result.images == {"evaluated": 9, "missing": 0, "skipped": 0}
    assert (result.groups["animals"].pq, result.groups["animals"].n) == (1.0, 2)
    assert result.inputs["gt"] == str(tmp_path / "gt.json")


# Validation


def test_a_validation_lists_warnings_and_errors_of_all_images(tmp_path):
    gt = save(
        tmp_path / "gt.json",
        [
            image(1, IDS, [{"id": 1, "category_id": 1, "area": 99}, *([{"id": 2, "category_id": 2}])]),
            image(2, IDS, SEGMENTS),
            image(3, IDS, SEGMENTS),
            image(3, IDS, SEGMENTS),
        ],
    )
    pred = save(
        tmp_path / "pred.json", [image(1, IDS, SEGMENTS), image(2, IDS, {1: 1, 2: 2}), image(9, IDS, SEGMENTS)]
    )
    found = pqeval.validate(gt=gt, pred=pred, workers=2)
    assert found.images == 3
    assert [(problem.severity, problem.code, problem.image_id) for problem in found.problems] == [
        ("error", "image-twice", 3),
        ("warning", "prediction-extra", 9),
        ("error", "prediction-missing", 3),
        ("warning", "gt-id-not-listed", 1),
        ("warning", "gt-area", 1),
        ("error", "pred-id-not-listed", 2),
    ]
    assert (len(found.errors), len(found.warnings)) == (3, 3)


def test_a_validation_of_files_that_cannot_be_opened_is_a_list_too(tmp_path):
    found = pqeval.validate(gt=tmp_path / "a.json", pred=tmp_path / "b.json")
    assert (found.images, [error.code for error in found.errors]) == (0, ["file-missing", "file-missing"])


@pytest.mark.parametrize("image_id", [7, "x", None, 2**70, 0.5])
def test_a_validation_as_json(tmp_path, image_id):
    gt = save(tmp_path / "gt.json", [image(image_id, IDS, SEGMENTS, file_name="7.png")])
    pred = save(tmp_path / "pred.json", [image(image_id, b"", SEGMENTS, file_name="7.png")])
    text = pqeval.validate(gt=gt, pred=pred).to_json(tmp_path / "found.json")
    assert (tmp_path / "found.json").read_text(encoding="utf-8") == text
    assert json.loads(text) == {
        "schema": "pqeval.validation/1",
        "images": 1,
        "errors": [
            {
                "severity": "error",
                "code": "png-broken",
                "file": f"{tmp_path}/pred/7.png",
                "image_id": image_id,
                "segment_id": None,
                "found": "the file is empty",
                "expected": "a sound PNG",
                "remedy": "write the file again",
            }
        ],
        "warnings": [],
    }


@pytest.mark.parametrize(("unknown", "errors"), [("error", 1), ("void", 0), ("fp", 0)])
def test_a_validation_asks_for_what_the_evaluation_would(tmp_path, unknown, errors):
    gt = save(tmp_path / "gt.json", [GOOD])
    pred = save(tmp_path / "pred.json", [image(7, IDS, {1: 1, 2: 2, 3: 77})])
    assert len(pqeval.validate(gt=gt, pred=pred, unknown=unknown).errors) == errors
    assert pqeval.validate(gt=gt, pred=pred, unknown_categories=[77]).errors == ()
    if errors:
        with pytest.raises(DataError):
            pqeval.evaluate(gt=gt, pred=pred, unknown=unknown)
    else:
        assert pqeval.evaluate(gt=gt, pred=pred, unknown=unknown).per_class[0].tp == 1


def test_a_segment_error_names_the_segment(tmp_path):
    gt = save(tmp_path / "gt.json", [GOOD])
    pred = save(tmp_path / "pred.json", [image(7, [[1, 1, 2], [0, 77, 2]], SEGMENTS)])
    found = pqeval.validate(gt=gt, pred=pred).errors
    assert all(isinstance(error, SegmentError) for error in found)
    assert [(error.code, error.segment_id) for error in found] == [
        ("pred-id-not-listed", 77),
        ("pred-id-without-pixels", 3),
    ]


def test_image_ids_are_saved_as_plain_values(tmp_path):
    side = np.array([[1, 1]]), [{"id": 1, "category_id": 1}]
    frames = [(number, *side) for number in (np.int64(7), 8.0, "a/b")]
    pqeval.save_coco_panoptic(tmp_path / "gt.json", frames, [{"id": 1, "isthing": 1}])
    names = sorted(path.name for path in (tmp_path / "gt").iterdir())
    assert names == ["000000000007.png", "000000000008.png", "a%2Fb.png"]
    assert pqeval.evaluate(gt=tmp_path / "gt.json", pred=tmp_path / "gt.json").images["evaluated"] == 3
    with pytest.raises(pqeval.DataError):
        pqeval.save_coco_panoptic(tmp_path / "x.json", [(b"x", *side)], [{"id": 1, "isthing": 1}])


def test_numpy_colours_are_saved_as_plain_numbers(tmp_path):
    table = [{"id": 1, "isthing": 1, "color": tuple(np.array([1, 2, 3], np.uint8))}]
    pqeval.save_coco_panoptic(tmp_path / "gt.json", [(1, [[1]], [{"id": 1, "category_id": 1}])], table)
    assert json.loads((tmp_path / "gt.json").read_text())["categories"][0]["color"] == [1, 2, 3]
