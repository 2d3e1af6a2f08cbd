"""``pqeval check`` as a CI job meets it: what is printed, what is written, and the exit code, red and green."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import gate_data
import msgspec
import network_scenes
import numpy as np
import pytest
import xmlschema

import pqeval
from pqeval import cli
from pqeval.gate import plans

TRUTH, PRED = network_scenes.TRUTH, network_scenes.FOLDER / "upsnet.json"
SIDES = ("--gt", TRUTH, "--pred", PRED, "--workers", 1)


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    return gate_data.save_scenes(tmp_path_factory.mktemp("saved"))


@pytest.fixture(autouse=True)
def _nowhere_in_particular(monkeypatch):
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)


def run(capsys, *arguments: object) -> tuple[int, str, str]:
    """Run ``pqeval check`` in this process; exit code, standard output, standard error."""
    before = sys.argv
    sys.argv = ["pqeval", "check", *map(str, arguments)]
    try:
        cli.main()
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    finally:
        sys.argv = before
    out, err = capsys.readouterr()
    return code, out, err


GREEN_AND_RED = [
    ("PQ=86.8", "PQ=86.9"),
    ("PQ=86.80", "PQ=86.81"),
    ("PQ=87", "PQ=86"),
    ("SQ=92.5", "SQ=92.4"),
    ("RQ=93.5", "RQ=93.6"),
    ("All.PQ=86.8", "All.PQ=0"),
    ("Things.PQ=79.4", "Things.PQ=79.3"),
    ("Stuff.RQ=100.0", "Stuff.RQ=99.9"),
    ("Round.PQ=84.9", "Round.PQ=84.8"),
    ("star.PQ=70.5", "star.PQ=70.6"),
    ("4.SQ=84.6", "4.SQ=84.7"),
    ("disc.TP=37", "disc.TP=36"),
    ("disc.FP=1", "disc.FP=0"),
    ("1.FN=5", "1.FN=6"),
]


@pytest.mark.parametrize(("green", "red"), GREEN_AND_RED)
def test_each_kind_of_expectation_is_green_and_red(saved, capsys, green, red, tmp_path):
    run_of_round = tmp_path / "round.pqe"
    result = pqeval.Run.load(saved / "upsnet.pqe").result
    round_things = msgspec.structs.replace(result.groups["All"], pq=result.per_class[0].pq, n=1)
    groups = result.groups | {"Round": round_things}
    msgspec.structs.replace(result, groups=groups).to_json(run_of_round)
    code, out, err = run(capsys, "--result", run_of_round, "--expect", green)
    assert (code, err) == (0, "")
    assert out.endswith("convention coco; 24 images\n\n1 of 1 expectations hold\n")
    code, out, err = run(capsys, "--result", run_of_round, "--expect", red)
    assert (code, err) == (1, "")
    assert "| MOVED " in out
    assert out.endswith("\n\n0 of 1 expectations hold\n")


def test_predictions_are_evaluated(capsys):
    arguments = (*SIDES, "--group", "Round=1", "--expect", "PQ=86.8", "--expect", "Round.PQ=84.9")
    code, out, err = run(capsys, *arguments)
    assert (code, err) == (0, "")
    assert out == (
        "| score    | expected |  found | difference | tolerance | verdict |\n"
        "|----------|----------|--------|------------|-----------|---------|\n"
        "| PQ       |     86.8 | 86.803 |     +0.003 |      0.05 | holds   |\n"
        "| Round.PQ |     84.9 |  84.95 |      +0.05 |      0.05 | holds   |\n"
        "convention coco; 24 images\n"
        "\n"
        "2 of 2 expectations hold\n"
    )
    code, _, _ = run(capsys, *arguments, "--expect", "Stuff.PQ=90")
    assert code == 1


def test_a_tolerance_of_ones_own(saved, capsys):
    arguments = ("--result", saved / "upsnet.json", "--expect", "PQ=86.9", "--tolerance")
    assert [run(capsys, *arguments, text)[0] for text in ("0.1", "0.09")] == [0, 1]


def test_a_baseline_is_green_and_red(saved, capsys):
    arguments = ("--result", saved / "panoptic_fpn.pqe", "--baseline", saved / "upsnet.pqe")
    code, out, err = run(capsys, *arguments, "--max-drop", "0.35")
    assert (code, err) == (0, "")
    assert (
        "| Things.PQ against the baseline |    79.37 | 79.02 |      -0.35 |     -0.35 | holds         |\n" in out
    )
    code, out, _ = run(capsys, *arguments, "--max-drop", "0.3")
    assert code == 1
    assert "classes that moved most:\n  star (id 4): PQ 70.5 -> 78.4 (+7.9); TP 5 -> 6, FP 0, FN 2 -> 1\n" in out
    assert "images that moved most:\n  317: TP 8 -> 7, FP 0 -> 1, FN 2 -> 3, sum of IoU 7.22 -> 5.98\n" in out
    assert [run(capsys, *arguments, "--max-class-drop", text)[0] for text in ("5.3", "5.2")] == [0, 1]
    code, out, _ = run(capsys, "--result", saved / "panoptic_fpn.json", *arguments[2:], "--max-drop", 0)
    assert code == 1
    assert "images that moved" not in out


def test_a_saved_run_takes_the_place_of_predictions(saved, capsys):
    assert run(capsys, "--pred", saved / "upsnet.pqe", "--expect", "PQ=86.8")[0] == 0
    assert run(capsys, "--pred", saved / "upsnet.pqe", "--expect", "PQ=86.9")[0] == 1


def test_a_check_of_a_saved_run_does_without_the_compiler(saved):
    code = (
        "import sys\nfrom pqeval.cli import cli\n"
        f"try:\n    cli.main(['check', '--result', {str(saved / 'upsnet.pqe')!r}, '--expect', 'PQ=86.8'])\n"
        "except SystemExit as stop:\n    print(stop.code, 'numba' in sys.modules, 'rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("0 False False\n")


LEADERBOARD = """\
schema = "pqeval.leaderboard/1"
[[entry]]
name = "a"
result = "upsnet.pqe"
expect = { PQ = 86.8 }  # keep me
[[entry]]
name = "b"
result = "panoptic_fpn.pqe"
expect = { PQ = 86.70 }
[[entry]]
name = "c"
result = "gone.pqe"
expect = { PQ = 86.70 }
"""


@pytest.fixture
def board(saved, tmp_path) -> Path:
    for file in saved.iterdir():
        (tmp_path / file.name).symlink_to(file)
    path = tmp_path / "leaderboard.toml"
    path.write_text(LEADERBOARD)
    return path


def test_the_exit_code_of_a_leaderboard(board, capsys):
    code, out, err = run(capsys, board)
    assert (code, err) == (3, "")
    assert [line for line in out.splitlines() if line[:3] in ("a: ", "b: ", "c: ")] == [
        "a: holds",
        "b: MOVED",
        "c: CANNOT BE CHECKED",
    ]
    assert "gone.pqe: does not exist\n    expected: a file\n    do: check the file name\n" in out
    assert run(capsys, board, "--only", "a")[0] == 0
    assert run(capsys, board, "--only", "a", "--only", "b", "--workers", 1)[0] == 1


def test_every_output_is_written(board, capsys, tmp_path):
    names = {"json": "o.json", "markdown": "o.md", "junit": "o.xml"}
    arguments = [part for name, file in names.items() for part in (f"--{name}", tmp_path / file)]
    code, out, _ = run(capsys, board, *arguments)
    assert code == 3
    assert out.startswith("a: holds\n")
    assert json.loads((tmp_path / "o.json").read_text())["exit_code"] == 3
    assert (tmp_path / "o.md").read_text().startswith("# pqeval check\n")
    schema = xmlschema.XMLSchema(str(network_scenes.FOLDER.parent / "junit.xsd"))
    schema.validate(str(tmp_path / "o.xml"))
    for name in names:
        code, out, err = run(capsys, board, f"--{name}", "-")
        assert (code, out, err) == (3, (tmp_path / names[name]).read_text(), "")


def test_unusable_data_of_one_check_reach_the_outputs_too(capsys, tmp_path):
    code, out, err = run(
        capsys, "--result", tmp_path / "gone.json", "--expect", "PQ=1", "--junit", tmp_path / "o.xml"
    )
    assert (code, out) == (3, "")
    assert err.startswith(f"error: {tmp_path / 'gone.json'}: cannot read: No such file or directory\n")
    assert '<error type="not-readable" message=' in (tmp_path / "o.xml").read_text()


def test_an_evaluation_of_nothing_is_an_error(capsys, tmp_path):
    nothing = gate_data.made_up(images={"evaluated": 0, "missing": 0, "skipped": 0})
    nothing.to_json(tmp_path / "r.json")
    arguments = ("--result", tmp_path / "r.json", "--expect", "PQ=50.0", "--junit", tmp_path / "o.xml", "--github")
    code, out, err = run(capsys, *arguments)
    assert code == 3
    assert err.startswith(
        "error: there was nothing to average: no class occurs in the ground truth or in the predictions\n"
    )
    assert out.startswith("::error title=could not be checked::there was nothing to average")
    assert '<error type="nothing-scored" message=' in (tmp_path / "o.xml").read_text()


def test_annotations_and_summary_for_github(board, capsys, monkeypatch, tmp_path):
    expected = (
        "::error title=b%3A PQ does not hold::"
        "PQ moved down: found 86.669, expected 86.70 within 0.005, difference -0.031\n"
    )
    arguments = (board, "--only", "a", "--only", "b")
    assert "::error" not in run(capsys, *arguments)[1]
    code, out, err = run(capsys, *arguments, "--github")
    assert (code, err) == (1, "")
    assert out.endswith(f"\n1 of 2 expectations hold, 1 of 2 entries\n{expected}")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    (tmp_path / "summary.md").write_text("what was there\n")
    assert run(capsys, *arguments)[1].endswith(expected)
    summary = (tmp_path / "summary.md").read_text()
    assert summary == f"what was there\n{pqeval.check(board, only=['a', 'b']).to_markdown()}"
    assert "::error" not in run(capsys, *arguments, "--no-github")[1]
    assert (tmp_path / "summary.md").read_text() == summary
    code, out, err = run(capsys, *arguments, "--json", "-")
    assert (json.loads(out)["exit_code"], err) == (1, expected)


def test_update_of_a_leaderboard(board, capsys):
    code, out, err = run(capsys, board, "--update")
    assert (code, out, board.read_text()) == (3, "", LEADERBOARD)
    assert err.startswith(f"error: {board}: nothing was written; c: ")
    code, out, err = run(capsys, board, "--update", "--only", "a", "--only", "b")
    assert (code, err) == (0, "")
    assert out.splitlines()[-5:] == [
        "-expect = { PQ = 86.70 }",
        "+expect = { PQ = 86.67 }",
        " [[entry]]",
        ' name = "c"',
        ' result = "gone.pqe"',
    ]
    assert board.read_text() == LEADERBOARD.replace("86.70", "86.67", 1)
    code, out, err = run(capsys, board, "--update", "--only", "a")
    assert (code, out, err) == (0, "", f"{board}: nothing moved, nothing was rewritten\n")
    assert run(capsys, board, "--update", "--only", "a", "--quiet") == (0, "", "")


def test_update_says_what_it_does_not_rewrite(saved, capsys, tmp_path):
    for name in ("upsnet", "panoptic_fpn"):
        (tmp_path / f"{name}.pqe").write_bytes((saved / f"{name}.pqe").read_bytes())
    board = tmp_path / "board.toml"
    board.write_text(
        'schema = "pqeval.leaderboard/1"\n[[entry]]\nname = "x"\nresult = "panoptic_fpn.pqe"\n'
        'baseline = "upsnet.pqe"\nmax_drop = 0.3\nexpect.PQ = 86.7\n'
    )
    code, out, err = run(capsys, board, "--update")
    assert (code, out) == (1, "")
    assert err == (
        f"{board}: nothing moved, nothing was rewritten\n"
        f"{board}: verdicts against a baseline that still fail: 1; a baseline is renewed with "
        "`pqeval check --baseline FILE --update`\n"
    )
    board.write_text(board.read_text().replace("86.7", "86.9"))
    code, out, err = run(capsys, board, "--update", "--quiet")
    assert (code, out.splitlines()[-1]) == (1, "+expect.PQ = 86.7")


def test_a_name_that_nothing_has_hides_no_other_output(saved, capsys, tmp_path):
    arguments = (
        "--result",
        saved / "upsnet.pqe",
        "--expect",
        "PQ=86.8",
        "--expect",
        "disk.PQ=1",
        "--expect",
        "PQ=1",
    )
    assert run(capsys, *arguments)[0] == 2  # PQ twice, which is seen before
    code, out, err = run(capsys, *arguments[:-2], "--junit", tmp_path / "o.xml", "--github")
    assert (code, err) == (2, "")
    assert "| disk.PQ |        1 |    n/a |            |           | NO SUCH SCORE |\n" in out
    assert "disk.PQ: no group and no class is called 'disk'; perhaps disc; see `pqeval evaluate" in out
    assert (
        "::error title=disk.PQ does not hold::disk.PQ: no group and no class is called 'disk'; perhaps disc" in out
    )
    report = (tmp_path / "o.xml").read_text()
    assert 'tests="2" failures="1"' in report
    assert 'type="no-such-score"' in report


@pytest.mark.parametrize(
    ("arguments", "code", "found"),
    [
        (("--result", "gone.pqe", "--expect", "PQ=1"), 3, "gone.pqe: does not exist"),
        (("--result", "gone.pqe", "--expect", "PQ"), 2, "--expect PQ"),
        (("--expect", "PQ=1", "--group", "x"), 2, "--group x"),
        (("gone.toml",), 3, "gone.toml: cannot read: No such file or directory"),
    ],
)
def test_what_goes_wrong_before_the_check_is_in_the_outputs(capsys, tmp_path, monkeypatch, arguments, code, found):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    report = tmp_path / "o.xml"
    got, out, err = run(capsys, *arguments, "--junit", report)
    assert got == code
    assert err.startswith(f"error: {found}")
    assert out.startswith(f"::error title=could not be checked::{found}%0A  expected: ")
    assert f'message="{found}' in report.read_text()
    assert 'errors="1"' in report.read_text()
    assert f"\n{found}" in (tmp_path / "summary.md").read_text()
    got, out, err = run(capsys, *arguments, "--json", "-", "--no-github")
    assert (got, json.loads(out)["exit_code"]) == (code, code)
    assert err.startswith(f"error: {found}")


def test_numbers_of_any_length_have_a_verdict(saved, capsys):
    for text in ("86.8025418064407" + "1" * 20, "1" + "0" * 30, "0." + "0" * 90 + "1"):
        code, out, _ = run(capsys, "--result", saved / "upsnet.pqe", "--expect", f"PQ={text}")
        assert (code, out.count("MOVED")) == (1, 1)
    long = (
        "--result",
        saved / "upsnet.pqe",
        "--baseline",
        saved / "panoptic_fpn.pqe",
        "--max-drop",
        f"0.{'0' * 36}1",
    )
    code, out, _ = run(capsys, *long)
    assert (code, out.count("MOVED down"), out.count("holds, better")) == (1, 1, 2)


def test_the_first_baseline_is_written_by_update(saved, capsys, tmp_path):
    for name, source in (("new.json", "upsnet.json"), ("new.pqe", "upsnet.pqe")):
        arguments = ("--result", saved / source, "--baseline", tmp_path / name)
        assert run(capsys, *arguments, "--max-drop", 0)[0] == 3
        assert run(capsys, *arguments, "--update") == (0, f"{tmp_path / name}: new\n", "")
        assert (tmp_path / name).read_bytes() == (saved / source).read_bytes()
        assert run(capsys, *arguments, "--max-drop", 0)[0] == 0


def test_update_of_a_baseline(saved, capsys, tmp_path):
    (tmp_path / "base.json").write_bytes((saved / "upsnet.json").read_bytes())
    arguments = ("--result", saved / "panoptic_fpn.json", "--baseline", tmp_path / "base.json")
    assert run(capsys, *arguments, "--max-drop", 0)[0] == 1
    code, out, err = run(capsys, *arguments, "--update")
    assert (code, err) == (0, "")
    assert out.startswith(f"--- {tmp_path / 'base.json'} (before)\n")
    assert run(capsys, *arguments, "--max-drop", 0)[0] == 0


@pytest.fixture
def swapped(tmp_path) -> Path:
    """Predictions with every category id off by one."""
    table = [{"id": number, "name": str(number), "isthing": 0} for number in (1, 2, 3, 4)]
    pixels = np.array([[1, 2, 3]])
    for name, shift in (("gt", 0), ("pred", 1)):
        segments = [{"id": number, "category_id": number + shift} for number in (1, 2, 3)]
        pqeval.save_coco_panoptic(tmp_path / f"{name}.json", [(7, pixels, segments)], table)
    return tmp_path


def test_misaligned_categories_fail_and_are_not_written_into_a_leaderboard(swapped, capsys):
    sides = ("--gt", swapped / "gt.json", "--pred", swapped / "pred.json")
    code, out, err = run(capsys, *sides, "--expect", "PQ=0")
    assert code == 1
    assert "| categories-misaligned |          |       |            |           | NOT TO BE TRUSTED |\n" in out
    assert err.startswith("warning: [categories-misaligned] ")
    assert run(capsys, *sides, "--expect", "PQ=0", "--quiet")[2] == ""
    board = swapped / "board.toml"
    board.write_text(
        'schema = "pqeval.leaderboard/1"\ngt = "gt.json"\n'
        '[[entry]]\nname = "x"\npred = "pred.json"\nexpect.PQ = 5\n'
    )
    code, out, err = run(capsys, board)
    assert code == 1
    assert err.startswith("warning: x: [categories-misaligned] ")
    code, _, err = run(capsys, board, "--update")
    assert code == 3
    assert err.startswith(f"error: {board}: nothing was written; x: [categories-misaligned] ")


def test_images_that_were_left_out_are_shown(tmp_path, capsys):
    table = [{"id": 1, "name": "cat", "isthing": 1}]
    frames = [(number, np.array([[1, 1]]), [{"id": 1, "category_id": 1}]) for number in (1, 2)]
    pqeval.save_coco_panoptic(tmp_path / "gt.json", frames, table)
    pqeval.save_coco_panoptic(tmp_path / "pred.json", frames[:1], table)
    sides = ("--gt", tmp_path / "gt.json", "--pred", tmp_path / "pred.json", "--expect", "PQ=100")
    code, out, _ = run(capsys, *sides, "--missing", "skip")
    assert code == 0
    assert "convention coco; 1 image (1 without prediction, left out)\n" in out
    assert run(capsys, *sides)[0] == 3
    assert run(capsys, *sides, "--missing", "empty")[0] == 1


def test_progress_and_workers_reach_the_evaluation(monkeypatch, saved, tmp_path, capsys):
    seen = []

    def run_of(inputs, progress, **rules):
        seen.append((progress, rules))
        return pqeval.Run.load(saved / "upsnet.pqe")

    monkeypatch.setattr(plans, "run_of", run_of)
    pqeval.check(gt="a", pred="b", expect={"PQ": 86.8}, progress=print, workers=3, unknown="fp")
    assert seen == [(print, {"unknown": "fp", "workers": 3})]
    board = tmp_path / "board.toml"
    board.write_text(
        'schema = "pqeval.leaderboard/1"\nworkers = 4\nprocesses = 2\n'
        '[[entry]]\nname = "a"\npred = "b"\nexpect.PQ = 1\n'
    )
    pqeval.check(board, workers=1)
    run(capsys, board, "--workers", 1)
    assert [rules for _, rules in seen[1:]] == [{"workers": 1, "processes": 2}] * 2
