"""Leaderboard files: what they say, and how their expectations are rewritten on purpose."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path

import gate_data
import pytest
from gate_data import made_up
from hypothesis import given
from hypothesis import strategies as st

import pqeval
from pqeval.gate.expectations import expect
from pqeval.gate.judging import judge
from pqeval.gate.leaderboard import choose, read_leaderboard
from pqeval.gate.outputs.text import text as printed
from pqeval.gate.subjects import load
from pqeval.gate.updating import fitting, update_baseline, update_leaderboard
from pqeval.gating import check_leaderboard

BOARD = """\
# What was published, and where.
schema = "pqeval.leaderboard/1"
dataset = "Scenes"
convention = "coco"  # theirs

[[entry]]
name = "UPSNet"
source = "table 1"
result = "upsnet.pqe"
[entry.expect]
PQ = 86.8        # as printed
Things.PQ = 79.40
"box.TP" = 30

[[entry]]
name = "Panoptic FPN"
result = "panoptic_fpn.json"
tolerance = 0.1
expect = { PQ = 87, "star.PQ" = 78.45 } # in one line
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    return gate_data.save_scenes(tmp_path_factory.mktemp("saved"))


@pytest.fixture
def board(saved, tmp_path) -> Path:
    """A leaderboard file of which two numbers moved, beside the results."""
    for file in saved.iterdir():
        (tmp_path / file.name).symlink_to(file)
    path = tmp_path / "leaderboard.toml"
    path.write_text(BOARD)
    return path


def written(folder: Path, text: str) -> Path:
    path = folder / "leaderboard.toml"
    path.write_text('schema = "pqeval.leaderboard/1"\n' + text)
    return path


def test_numbers_keep_the_precision_they_were_published_with(board):
    first, second = read_leaderboard(board).plans
    assert [(each.name, str(each.value), str(each.tolerance)) for each in first.expectations] == [
        ("PQ", "86.8", "0.05"),
        ("Things.PQ", "79.40", "0.005"),
        ("box.TP", "30", "0"),
    ]
    assert [str(each.tolerance) for each in second.expectations] == ["0.1", "0.1"]
    assert (first.name, first.source) == ("UPSNet", "table 1")


def test_every_entry_is_checked(board):
    found = pqeval.check(board)
    assert found.title == "Scenes"
    assert [[verdict.passed for verdict in entry.verdicts] for entry in found.entries] == [
        [True, False, True],
        [False, True],
    ]
    assert [found.passed, found.exit_code] == [False, 1]
    assert [entry.name for entry in pqeval.check(board, only="UPSNet").entries] == ["UPSNet"]
    assert [entry.name for entry in pqeval.check(board, only=["Panoptic FPN"]).entries] == ["Panoptic FPN"]


def test_paths_are_relative_to_the_file(tmp_path):
    (tmp_path / "lists").mkdir()
    path = written(
        tmp_path,
        """
        gt = "gt"
        gt_folder = "/maps"
        categories = "coco"
        images = "lists/val.txt"
        [[entry]]
        name = "a"
        pred = "https://example.org/a.zip"
        baseline = "b.pqe"
        max_drop = 0.30
        """,
    )
    (plan,) = read_leaderboard(path).plans
    assert plan.options == {
        "gt": str(tmp_path / "gt"),
        "gt_folder": "/maps",
        "categories": "coco",
        "images": str(tmp_path / "lists" / "val.txt"),
        "pred": "https://example.org/a.zip",
    }
    assert plan.said == ("pred",)
    assert (plan.baseline, plan.limits.groups) == (str(tmp_path / "b.pqe"), Decimal("0.30"))
    (tmp_path / "coco").write_text("[]")
    assert read_leaderboard(path).plans[0].options["categories"] == str(tmp_path / "coco")


def test_options_of_an_entry_go_before_those_of_the_file(tmp_path):
    path = written(
        tmp_path,
        """
        gt = "gt.json"
        convention = "coco"
        tolerance = 0.1
        workers = 2
        unknown_categories = [255]
        images = [7, "a"]
        [groups]
        Pets = [1, 2]
        [[entry]]
        name = "a"
        pred = "a.json"
        convention = "panopticapi"
        gt_options = { key = "value" }
        expect = { PQ = 51.9 }
        [[entry]]
        name = "b"
        pred = "b.json"
        tolerance = 0.2
        expect = { PQ = 51.9 }
        """,
    )
    first, second = read_leaderboard(path).plans
    assert [plan.options["convention"] for plan in (first, second)] == ["panopticapi", "coco"]
    assert [str(plan.expectations[0].tolerance) for plan in (first, second)] == ["0.1", "0.2"]
    assert first.options["groups"] == {"Pets": [1, 2]}
    assert first.options["gt_options"] == {"key": "value"}
    assert second.options["images"] == [7, "a"]


def test_predictions_are_evaluated(tmp_path):
    path = written(
        tmp_path,
        f"""
        gt = '{gate_data.network_scenes.TRUTH}'
        workers = 1
        [[entry]]
        name = "UPSNet"
        pred = '{gate_data.network_scenes.FOLDER / "upsnet.json"}'
        groups = {{ Round = [1] }}
        [entry.expect]
        PQ = 86.80
        Round.PQ = 84.9
        1.TP = 37
        [[entry]]
        name = "gone"
        pred = "gone.json"
        expect.PQ = 1
        """,
    )
    found = pqeval.check(path, workers=1)
    assert [verdict.outcome for verdict in found.entries[0].verdicts] == ["holds"] * 3
    assert (found.entries[1].error.code, found.exit_code, found.passed) == ("file-missing", 3, False)


def test_a_saved_run_may_stand_for_predictions(board):
    board.write_text(BOARD.replace('result = "upsnet.pqe"', 'pred = "upsnet.pqe"'))
    assert pqeval.check(board, only="UPSNet").entries[0].error is None


def test_an_unusable_entry_hides_no_other(board):
    board.write_text(
        BOARD.replace('"upsnet.pqe"', '"gone.json"').replace('"star.PQ" = 78.45', '"stars.PQ" = 1')
        + '[[entry]]\nname = "fine"\nresult = "upsnet.json"\nexpect.PQ = 86.8\n'
    )
    found = pqeval.check(board)
    assert [entry.error and entry.error.exit_code for entry in found.entries] == [3, None, None]
    # What stands beside a name that nothing has is judged all the same.
    assert [verdict.outcome for verdict in found.entries[1].verdicts if not verdict.is_drop] == [
        "moved-down",
        "no-such-score",
    ]
    assert found.entries[2].passed
    assert found.exit_code == 3


def update(path, only=()):
    board = choose(read_leaderboard(path), only)
    return update_leaderboard(board, check_leaderboard(board).entries)


def test_update_rewrites_what_moved_and_nothing_else(board):
    diff = update(board)
    after = BOARD.replace("Things.PQ = 79.40", "Things.PQ = 79.37").replace("PQ = 87,", "PQ = 86.7,")
    assert board.read_text() == after
    assert diff == (
        f"--- {board} (before)\n"
        f"+++ {board} (after)\n"
        "@@ -9,11 +9,11 @@\n"
        ' result = "upsnet.pqe"\n'
        " [entry.expect]\n"
        " PQ = 86.8        # as printed\n"
        "-Things.PQ = 79.40\n"
        "+Things.PQ = 79.37\n"
        ' "box.TP" = 30\n'
        " \n"
        " [[entry]]\n"
        ' name = "Panoptic FPN"\n'
        ' result = "panoptic_fpn.json"\n'
        " tolerance = 0.1\n"
        '-expect = { PQ = 87, "star.PQ" = 78.45 } # in one line\n'
        '+expect = { PQ = 86.7, "star.PQ" = 78.45 } # in one line\n'
    )
    assert pqeval.check(board).passed
    tomllib.loads(after)


def test_an_unchanged_file_is_not_touched(board):
    update(board)
    before = board.stat()
    assert update(board) == ""
    assert (board.stat().st_mtime_ns, board.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


@pytest.mark.parametrize(
    "line", ["expect = { PQ = 86.90 } # why", "expect.PQ = 86.90", "[entry.expect]\nPQ = 86.90\t# why"]
)
def test_update_keeps_zeros_at_the_end(board, line):
    board.write_text(f'schema = "pqeval.leaderboard/1"\r\n[[entry]]\nname = "a"\nresult = "upsnet.pqe"\n{line}\n')
    before = board.read_bytes()
    update(board)
    assert board.read_bytes() == before.replace(b"86.90", b"86.80")


def test_a_byte_order_mark_and_lines_in_a_name(board):
    text = 'schema = "pqeval.leaderboard/1"\n[[entry]]\nname = "a\\nb"\nresult = "upsnet.pqe"\nexpect.PQ = 86.8\n'
    board.write_text(text, encoding="utf-8-sig")
    assert printed(pqeval.check(board)).startswith("a\\nb: holds\n")


def test_update_of_some_entries_leaves_the_others(board):
    update(board, ["Panoptic FPN"])
    assert board.read_text() == BOARD.replace("PQ = 87,", "PQ = 86.7,")


def test_counts_and_windows_line_ends_are_kept(board):
    text = BOARD.replace("30", "31").replace("\n", "\r\n")
    board.write_bytes(text.encode())
    update(board, ["UPSNet"])
    assert board.read_bytes() == text.replace("31", "30").replace("79.40", "79.37").encode()


@given(
    st.floats(0, 1, allow_nan=False),
    st.integers(0, 9999),
    st.integers(0, 3),
    st.none() | st.sampled_from(["0", "0.001", "0.5"]),
)
def test_what_was_rewritten_holds_and_has_as_many_digits(score, number, digits, tolerance):
    text = f"{number / 10**digits:.{digits}f}"
    result = made_up((score, None, None))
    old = expect("cat.PQ", text, tolerance)
    new = fitting(old, Decimal(judge(old, result).found))
    assert judge(expect("cat.PQ", new, tolerance), result).passed
    if tolerance is None:
        assert len(new.partition(".")[2]) == digits


def test_a_baseline_is_rewritten(saved, tmp_path):
    fpn, ups = load(saved / "panoptic_fpn.pqe"), load(saved / "upsnet.pqe")
    path = tmp_path / "baseline.json"
    ups.result.to_json(path)
    diff = update_baseline(path, fpn)
    assert diff.startswith(f"--- {path} (before)\n+++ {path} (after)\n")
    assert f'\n-      "pq": {ups.result.pq!r},\n' in diff
    assert f'\n+      "pq": {fpn.result.pq!r},\n' in diff
    assert path.read_text() == fpn.result.to_json()
    before = path.stat().st_mtime_ns
    assert update_baseline(path, fpn) == ""
    assert path.stat().st_mtime_ns == before


def test_a_baseline_that_is_a_run_stays_one(saved, tmp_path):
    path = tmp_path / "baseline.pqe"
    load(saved / "upsnet.pqe").run.save(path)
    assert '+      "pq": ' in update_baseline(path, load(saved / "panoptic_fpn.pqe"))
    assert path.read_bytes() == (saved / "panoptic_fpn.pqe").read_bytes()
    before = path.stat().st_mtime_ns
    assert update_baseline(path, load(saved / "panoptic_fpn.pqe")) == ""
    assert path.stat().st_mtime_ns == before


def test_a_run_with_an_equal_result_of_other_segments_is_rewritten(tmp_path):
    from dataclasses import replace

    import numpy as np

    metric = pqeval.PanopticQuality([{"id": 1, "name": "cat", "isthing": 1}])
    cat = [{"id": 1, "category_id": 1}]
    metric.update(gt=(np.array([[1]]), cat), pred=(np.array([[1]]), cat), image_id=1)
    run = metric.run()
    metric.reset()
    metric.update(gt=(np.array([[1, 1]]), cat), pred=(np.array([[1, 1]]), cat), image_id=1)
    run.save(tmp_path / "a.pqe")
    replace(metric.run(), result=run.result).save(tmp_path / "b.pqe")
    said = update_baseline(tmp_path / "a.pqe", load(tmp_path / "b.pqe"))
    assert said == f"{tmp_path / 'a.pqe'}: the same result of other segments\n"
    assert (tmp_path / "a.pqe").read_bytes() == (tmp_path / "b.pqe").read_bytes()
