"""Saved runs: what comes back is what was saved, and a file that is not whole is refused."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace

import network_scenes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from triggers import Triggers, name_of

import pqeval
from pqeval import run_file
from pqeval.errors import DataWarning, FileError, PqevalError, UsageError
from pqeval.inputs import Inputs
from pqeval.ledger import FrameLedger, Ledger, Outcome
from pqeval.reopening import run_of
from pqeval.run import Run
from pqeval.storage import locate

trigger = Triggers()

TABLE = [{"id": 1, "name": "cat", "isthing": 1, "color": [1, 2, 3]}, {"id": 2**40, "name": "sky", "isthing": 0}]
TRUTH = np.array([[1, 1, 2, 2], [1, 1, 2, 0]])
LISTED = [{"id": 1, "category_id": 1}, {"id": 2, "category_id": 2**40}]
GUESSED = [{"id": 1, "category_id": 1, "score": 0.75}, {"id": 2, "category_id": 2**40}]


def small_run(**settings) -> Run:
    metric = pqeval.PanopticQuality(TABLE, **settings)
    for image_id in (7, "night/3", 2.5, True, None):
        metric.update(gt=(TRUTH, LISTED), pred=(TRUTH[:, ::-1].copy(), GUESSED), image_id=image_id)
    return metric.run()


def same(left: Run, right: Run) -> bool:
    def plain(frame: FrameLedger) -> tuple:
        scores = None if frame.scores is None else [repr(score) for score in frame.scores.tolist()]
        said = tuple(map(str, frame.warnings))
        numbers = frame.rows.tolist(), frame.pairs.tolist(), scores, dict(frame.deviations)
        return repr(frame.image_id), frame.rank, frame.pixels, frame.unknown_pixels, frame.stratum, said, numbers

    return (
        (left.result, left.categories, left.policy, dict(left.groups))
        == (right.result, right.categories, right.policy, dict(right.groups))
        and [plain(frame) for frame in left.ledger.ordered()] == [plain(frame) for frame in right.ledger.ordered()]
        and left.ledger.frames.keys() == right.ledger.frames.keys()
    )


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"convention": "panopticapi", "groups": {"Both": [1, 2**40]}},
        {"convention": "torchmetrics", "unknown": "fp", "unknown_categories": [255, 9]},
    ],
)
def test_what_is_loaded_is_what_was_saved(tmp_path, settings):
    run = small_run(**settings)
    run.save(tmp_path / "run.pqe")
    assert same(Run.load(tmp_path / "run.pqe"), run)


@pytest.mark.parametrize("convention", ["coco", "panopticapi", "torchmetrics"])
def test_predictions_of_networks_come_back(tmp_path, convention):
    pqeval.evaluate(
        gt=network_scenes.TRUTH,
        pred=network_scenes.FOLDER / "upsnet.json",
        convention=convention,
        save=tmp_path / "run.pqe",
        json=tmp_path / "result.json",
    )
    run = Run.load(tmp_path / "run.pqe")
    assert run.result == pqeval.Result.from_json(tmp_path / "result.json")
    assert any(frame.scores is not None and np.isfinite(frame.scores).any() for frame in run.frames())
    again = run_of(
        Inputs(gt=network_scenes.TRUTH, pred=network_scenes.FOLDER / "upsnet.json"),
        convention=convention,
        workers=1,
    )
    assert same(run, again)


integers = st.integers(-(2**63), 2**63 - 1)
ids = st.one_of(
    st.none(), st.booleans(), integers, st.text(max_size=5), st.floats(allow_nan=False, allow_infinity=False)
)


@st.composite
def frames(draw) -> FrameLedger:
    def table(width: int, numbers: st.SearchStrategy[int]) -> np.ndarray:
        rows = draw(st.lists(st.lists(numbers, min_size=width, max_size=width), max_size=4))
        return np.array(rows, np.int64).reshape(-1, width)

    rows = table(10, draw(st.sampled_from([st.integers(0, 99), integers])))
    rows[:, 2] %= 2  # a category of the table
    rows[:, 3] = rows[:, 3] % len(Outcome) + 1
    scores = draw(st.one_of(st.none(), st.lists(st.floats(allow_infinity=False), max_size=4)))
    warnings = [
        DataWarning(code="x", found=draw(st.text(max_size=3)), expected="", remedy="", image_id=1, segment_id=2)
    ]
    return FrameLedger(
        draw(ids),
        draw(st.integers(0, 9)),
        draw(st.integers(0, 2**40)),
        draw(st.integers(0, 2**40)),
        rows,
        tuple(draw(st.sampled_from([[], warnings]))),
        draw(st.sampled_from([None, "Breast"])),
        table(3, st.integers(0, 2**40)),
        None if scores is None else np.array(scores, np.float64),
        draw(st.sampled_from([{}, {"last-crowd": 2}])),
    )


@given(st.lists(frames(), max_size=4))
def test_any_ledger_comes_back(tmp_path_factory, drawn):
    ledger = Ledger()
    for frame in drawn:
        ledger.frames[run_file_key(frame)] = frame
    run = replace(small_run(), ledger=ledger)
    path = tmp_path_factory.mktemp("runs") / "run.pqe"
    run.save(path)
    assert same(Run.load(path), run)


def run_file_key(frame: FrameLedger):
    from pqeval.image_ids import image_key

    return image_key(frame.image_id)


def test_equal_runs_are_equal_files_whatever_the_order(tmp_path):
    one, two = pqeval.PanopticQuality(TABLE), pqeval.PanopticQuality(TABLE)
    for metric, order in ((one, range(5)), (two, reversed(range(5)))):
        for number in order:
            metric.update(gt=(TRUTH, LISTED), pred=(np.roll(TRUTH, number), GUESSED), image_id=number)
    one.run().save(tmp_path / "one.pqe")
    two.run().save(tmp_path / "two.pqe")
    assert (tmp_path / "one.pqe").read_bytes() == (tmp_path / "two.pqe").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.pqe") as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_changed_byte_is_seen_or_means_nothing(tmp_path):
    """Some bytes of a zip say when or where it was made; no other change may go by."""
    run = small_run()
    path = tmp_path / "run.pqe"
    run.save(path)
    whole = path.read_bytes()
    harmless = 0
    for place in range(0, len(whole), 3):
        changed = bytearray(whole)
        changed[place] ^= 0x55
        path.write_bytes(changed)
        try:
            loaded = Run.load(path)
        except FileError:
            continue
        harmless += 1
        assert same(loaded, run), place
    assert harmless < len(whole) / 10


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_file_that_was_cut_is_refused(tmp_path, kept):
    path = tmp_path / "run.pqe"
    small_run().save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(FileError) as caught:
        Run.load(path)
    assert caught.value.code == "run-damaged"


def resealed(path, **changes) -> None:
    """Change members of a saved run, and make the checksum fit again."""
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    for name, change in changes.items():
        key = next(member for member in members if member.replace("/", "_").startswith(name))
        members[key] = change(members[key])
    members["sha256"] = run_file._digest(members).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def header(**fields):
    return lambda data: json.dumps(json.loads(data) | fields).encode()


def stored(column: np.ndarray):
    stream = io.BytesIO()
    np.save(stream, column)
    return lambda data: stream.getvalue()


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"pqeval-run": header(convention="none")}, "no convention is called 'none'"),
        ({"pqeval-run": header(images=[])}, "its columns and its images do not fit together"),
        ({"pqeval-run": header(images=7)}, "Expected `array`, got `int`"),
        ({"pqeval-run": lambda data: b"{"}, "it cannot be read"),
        ({"rows_outcome": stored(np.full(20, 77))}, "a row has an outcome or a category that does not exist"),
        ({"rows_category": stored(np.full(20, 2))}, "a row has an outcome or a category that does not exist"),
        ({"rows_area": stored(np.zeros((20, 1)))}, "rows/area.npy is no column"),
        ({"rows_area": stored(np.zeros(3))}, "all input arrays must have the same shape"),
        ({"scores": lambda data: b"what"}, "it cannot be read"),
        ({"scores": stored(np.zeros(3))}, "its columns and its images do not fit together"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(tmp_path, changes, found):
    path = tmp_path / "run.pqe"
    small_run().save(path)
    resealed(path, **changes)
    with pytest.raises(PqevalError) as caught:
        Run.load(path)
    assert caught.value.file == str(path)
    assert found in caught.value.found


def test_the_first_bytes_make_a_file_a_run_and_else_its_name(tmp_path):
    small_run().save(tmp_path / "run.bin")
    assert run_file.is_run(locate(tmp_path / "run.bin"))
    for data, by_name in ((b"PK\x03\x04", True), (b"", True), (b' {"schema": ""}', False)):
        for name, expected in (("other.pqe", by_name), ("other.PQE", by_name), ("other.zip", False)):
            (tmp_path / name).write_bytes(data)
            assert run_file.is_run(locate(tmp_path / name)) is expected
    assert run_file.is_run(locate(tmp_path / "lacking.pqe"))
    assert not run_file.is_run(locate(tmp_path / "lacking.json"))
    (tmp_path / "folder.pqe").mkdir()
    assert not run_file.is_run(locate(tmp_path / "folder.pqe"))


def test_rows_per_image_and_per_segment_are_columns():
    run = small_run()
    images, segments = run.images(), run.segments()
    assert images["image_id"] == [None, True, 2.5, 7, "night/3"]
    assert images["tp"] == [0] * 5
    assert segments["side"] == ["gt", "gt", "pred", "pred"] * 5
    assert segments["score"] == [None, None, 0.75, None] * 5
    assert {len(column) for column in segments.values()} == {20}


def said(action, *arguments, **options) -> str:
    with pytest.raises(PqevalError) as caught:
        action(*arguments, **options)
    return str(caught.value)


@trigger
def run_that_is_damaged(folder):
    small_run().save(folder / "run.pqe")
    (folder / "run.pqe").write_bytes((folder / "run.pqe").read_bytes()[:-1])
    assert said(Run.load, folder / "run.pqe") == (
        f"{folder}/run.pqe: not a sound saved run: it cannot be read (File is not a zip file)\n"
        "  expected: a file that --save wrote, whole\n"
        "  do: copy it again, or evaluate again with --save"
    )


@trigger
def run_that_is_a_folder(folder):
    assert said(Run.load, folder) == (
        f"{folder}: not a sound saved run: it is a folder or an archive\n"
        "  expected: a file that --save wrote, whole\n"
        "  do: copy it again, or evaluate again with --save"
    )


@trigger
def run_that_contradicts_itself(folder):
    cases = (
        ({"pqeval-run": header(convention="none")}, "no convention is called 'none'"),
        ({"pqeval-run": header(images=[])}, "its columns and its images do not fit together"),
        ({"pqeval-run": header(result=small_run().result.to_json())}, "Expected `object`, got `str`"),
        ({"pqeval-run": without_groups}, "its result has no group All"),
        ({"rows_outcome": stored(np.full(20, 77))}, "a row has an outcome or a category that does not exist"),
        ({"rows_area": stored(np.zeros((20, 1)))}, "rows/area.npy is no column"),
    )
    for number, (changes, found) in enumerate(cases):
        path = folder / f"{number}.pqe"
        small_run().save(path)
        resealed(path, **changes)
        assert found in said(Run.load, path).partition("\n")[0]
    small_run().save(folder / "run.pqe")
    with zipfile.ZipFile(folder / "run.pqe", "a") as archive:
        archive.writestr("more", b"")
    assert "it cannot be read (its checksum is wrong)" in said(Run.load, folder / "run.pqe")


def without_groups(data: bytes) -> bytes:
    content = json.loads(data)
    content["result"]["groups"] = {}
    return json.dumps(content).encode()


@trigger
def run_with_a_warning(folder):
    metric = pqeval.PanopticQuality(TABLE)
    guess = (TRUTH, [GUESSED[0] | {"score": "high"}, GUESSED[1]])
    metric.update(gt=(TRUTH, LISTED), pred=guess, image_id=7)
    metric.run().save(folder / "run.pqe")
    run = Run.load(folder / "run.pqe")
    assert [str(warning) for warning in run.frames()[0].warnings] == [
        "image 7: segments_info[0] (segment id 1): score is 'high'; it is ignored\n"
        "  expected: a finite number\n"
        "  do: write the score as a number, or leave it out"
    ]


@trigger
def run_where_a_report_goes(folder):
    small_run().save(folder / "run.pqe")
    files = {"json": folder / "x", "save": folder / "x"}
    assert said(pqeval.evaluate, pred=folder / "run.pqe", **files) == (
        f"{folder}/x cannot take the run: it takes the report json\n"
        "  expected: a file of its own for every report\n"
        "  do: choose another name"
    )


@trigger
def run_of_a_newer_version(folder):
    small_run().save(folder / "run.pqe")
    resealed(folder / "run.pqe", **{"pqeval-run": header(schema="pqeval.run/2", version="9.1")})
    assert said(Run.load, folder / "run.pqe") == (
        f"{folder}/run.pqe: a saved run of pqeval 9.1, with the schema pqeval.run/2\n"
        f"  expected: the schema pqeval.run/1, which pqeval {pqeval.__version__} reads\n"
        "  do: install pqeval 9.1 or newer, or evaluate again with --save"
    )


@trigger
def run_with_options_that_it_has_settled(folder):
    small_run().save(folder / "run.pqe")
    inputs = Inputs(gt="gt.json", pred=folder / "run.pqe", missing="skip")
    assert said(run_of, inputs, convention="coco", unknown="error", groups={}) == (
        f"{folder}/run.pqe is a saved run, and gt, missing, convention given with it\n"
        "  expected: nothing that a saved run has settled already\n"
        "  do: leave it out, or evaluate the predictions anew"
    )


@trigger
def run_where_maps_are_wanted(folder):
    small_run().save(folder / "run.pqe")
    (folder / "gt.json").write_text('{"annotations": [{"segments_info": []}]}')
    expected = (
        f"{folder}/run.pqe: is a saved run, which has no maps\n"
        "  expected: maps of segments; a saved run takes the place of predictions that are scored\n"
        "  do: name the files that it was made of"
    )
    assert said(pqeval.validate, gt=folder / "gt.json", pred=folder / "run.pqe") == expected
    assert said(pqeval.evaluate, gt=folder / "run.pqe", pred=folder / "gt.json") == expected
    assert said(pqeval.convert, folder / "run.pqe", folder / "x.json") == expected


@trigger
def predictions_without_ground_truth(folder):
    expected = "ground truth and predictions, or a saved run as --pred, which has its ground truth in it"
    assert said(pqeval.evaluate, pred="pred.json") == (
        f"no ground truth\n  expected: {expected}\n  do: name them with --gt (gt=)"
    )
    assert said(pqeval.evaluate, gt="gt.json", pred=None) == (
        f"no predictions\n  expected: {expected}\n  do: name them with --pred (pred=)"
    )


@pytest.mark.parametrize("case", trigger, ids=name_of)
def test_text(case, tmp_path):
    case(tmp_path)


def test_a_saved_run_is_scored_like_its_predictions(tmp_path):
    run = small_run()
    run.save(tmp_path / "run.pqe")
    assert pqeval.evaluate(pred=tmp_path / "run.pqe") == run.result
    with pytest.raises(UsageError):
        pqeval.evaluate(gt=tmp_path / "run.pqe", pred=tmp_path / "run.pqe")
