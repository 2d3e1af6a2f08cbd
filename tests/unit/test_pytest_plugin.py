"""The pytest plugin, in a pytest of its own: off until asked for, and readable where something fails."""

from __future__ import annotations

import configparser
import subprocess
import sys
from pathlib import Path

import gate_data
import network_scenes
import pytest

pytest_plugins = "pytester"

BOARD = """\
schema = "pqeval.leaderboard/1"
[[entry]]
name = "UPSNet"
source = "table 1"
result = "upsnet.pqe"
[entry.expect]
PQ = 86.8
Things.PQ = 79.5
[[entry]]
name = "Panoptic FPN"
result = "panoptic_fpn.pqe"
baseline = "upsnet.pqe"
max_drop = 0.3
[[entry]]
name = "gone"
result = "gone.json"
expect.PQ = 1
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    return gate_data.save_scenes(tmp_path_factory.mktemp("saved"))


@pytest.fixture
def ran(pytester, saved, monkeypatch):
    """Run pytest in a folder with saved runs, a leaderboard file and perhaps tests; return what it printed."""
    for file in saved.iterdir():
        (pytester.path / file.name).symlink_to(file)
    (pytester.path / "board.toml").write_text(BOARD)
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_ADDOPTS", "COV_CORE_SOURCE"):
        monkeypatch.delenv(name, raising=False)
    # Other plugins take seconds to load; and pytest refuses to register ours by its entry point and by -p.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", str(Path(gate_data.__file__).parents[1]))

    def run(*arguments: str, tests: str | None = None) -> pytest.RunResult:
        if tests is not None:
            pytester.makepyfile(tests)
        return pytester.runpytest_subprocess("-p", "pqeval.pytest_plugin", "-p", "no:cacheprovider", *arguments)

    return run


def test_expectations_of_a_leaderboard_file_become_tests(ran):
    done = ran("-v", "--pqeval", "board.toml")
    done.assert_outcomes(passed=1, failed=3)
    assert done.ret == 1
    done.stdout.fnmatch_lines(
        [
            "board.toml::UPSNet::PQ PASSED*",
            "board.toml::UPSNet::Things.PQ FAILED*",
            "board.toml::Panoptic FPN::baseline FAILED*",
            "board.toml::gone::PQ FAILED*",
            "*_ UPSNet: Things.PQ _*",
            "Things.PQ moved down: found 79.37, expected 79.5 within 0.05, difference -0.13",
            "source: table 1",
            "*_ Panoptic FPN: baseline _*",
            "Things.PQ against the baseline: 79.37 there, 79.02 here, difference -0.35; a drop of 0.3 is allowed",
            "classes that moved most:",
            "  star (id 4): PQ 70.5 -> 78.4 (+7.9); TP 5 -> 6, FP 0, FN 2 -> 1",
            "images that moved most:",
            "  317: TP 8 -> 7, FP 0 -> 1, FN 2 -> 3, sum of IoU 7.22 -> 5.98",
            "*_ gone: PQ _*",
            "could not be checked: *gone.json: cannot read: No such file or directory",
        ]
    )
    assert "Traceback" not in done.stdout.str()


def test_they_stand_beside_other_tests_and_can_be_chosen(ran):
    tests = "def test_other(): pass"
    ran("--pqeval", "board.toml", tests=tests).assert_outcomes(passed=2, failed=3)
    ran("--pqeval", "board.toml", "-m", "pqeval").assert_outcomes(passed=1, failed=3, deselected=1)
    ran("--pqeval", "board.toml", "-k", "UPSNet and not Things").assert_outcomes(passed=1, deselected=4)
    ran("--pqeval", "board.toml", "--pqeval", "board.toml").assert_outcomes(passed=3, failed=6)
    ran("--strict-markers", "--strict-config", "-W", "error").assert_outcomes(passed=1)


def test_what_failed_can_be_run_again_by_its_id(ran, pytester):
    tests = "def test_other(): pass"
    ran("--pqeval", "board.toml", "board.toml::UPSNet::PQ", tests=tests).assert_outcomes(passed=1)
    ran("--pqeval", "board.toml", "board.toml::Panoptic FPN").assert_outcomes(failed=1)
    ran("--pqeval", "board.toml", "board.toml").assert_outcomes(passed=1, failed=3)
    ran("--pqeval", "board.toml", ".", "--co", "-q").stdout.fnmatch_lines(
        ["*::test_other", "board.toml::UPSNet::PQ"]
    )
    assert ran("board.toml").ret != 0  # off until asked for


def test_the_file_can_be_named_in_the_configuration(ran, pytester, monkeypatch):
    pytester.makeini("[pytest]\naddopts = --pqeval board.toml")
    (pytester.path / "deeper").mkdir()
    monkeypatch.chdir(pytester.path / "deeper")
    ran().assert_outcomes(passed=1, failed=3)


def test_it_is_off_until_asked_for(ran):
    done = ran("-v", tests="def test_other(): import sys; assert 'numpy' not in sys.modules")
    done.assert_outcomes(passed=1)
    assert "board.toml" not in done.stdout.str()


def test_what_can_be_collected_is_listed(ran):
    done = ran("--collect-only", "-q", "--pqeval", "board.toml")
    done.stdout.fnmatch_lines(["board.toml::UPSNet::PQ", "board.toml::gone::PQ", "4 tests collected*"])


def test_a_wrong_file_is_an_error_that_says_why(ran, pytester):
    (pytester.path / "wrong.toml").write_text(BOARD.replace("max_drop", "max_dorp"))
    done = ran("--pqeval", "wrong.toml")
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(
        [
            "*wrong.toml: entry 'Panoptic FPN' has the key max_dorp",
            "  expected: perhaps max_drop or max_class_drop",
        ]
    )
    assert "Traceback" not in done.stdout.str()


@pytest.mark.parametrize("distribution", ["load", "loadgroup"])
def test_it_works_with_xdist(ran, distribution):
    pytest.importorskip("xdist")
    done = ran(
        "-p", "xdist", "-n", "2", "--dist", distribution, "--pqeval", "board.toml", tests="def test_other(): pass"
    )
    done.assert_outcomes(passed=2, failed=3)


def test_the_fixture(ran):
    sides = {"gt": str(network_scenes.TRUTH), "pred": str(network_scenes.FOLDER / "upsnet.json")}
    done = ran(
        tests=f"""
        import pqeval

        def test_files(panoptic_quality):
            sides = {sides!r}
            scored = panoptic_quality(**sides, workers=1)
            scored.at_least(PQ=86.8, **{{"Things.PQ": 79}}).equals(PQ=86.8, **{{"box.TP": 30}})
            scored.equals(tolerance=1, PQ=87.5).no_worse_than("upsnet.json")
            assert scored.result.pq > 0.868
            assert len(scored.run.frames()) == 24

        def test_runs(panoptic_quality):
            run = pqeval.Run.load("upsnet.pqe")
            assert panoptic_quality(run).run is run
            assert panoptic_quality(run.result).run is None
            panoptic_quality("panoptic_fpn.pqe").no_worse_than(panoptic_quality(run), by=0.35, classes_by=5.3)

        def test_low(panoptic_quality):
            panoptic_quality("upsnet.pqe").at_least(PQ=86.9)

        def test_high(panoptic_quality):
            panoptic_quality("upsnet.pqe").equals(PQ=86.7)

        def test_class(panoptic_quality):
            panoptic_quality("upsnet.json").equals(**{{"star.PQ": 80}})

        def test_worse(panoptic_quality):
            panoptic_quality("panoptic_fpn.pqe").no_worse_than("upsnet.pqe", by=0.3)

        def test_wrong_files(panoptic_quality):
            panoptic_quality(gt="nope.json", pred="upsnet.json")

        def test_wrong_name(panoptic_quality):
            panoptic_quality("upsnet.pqe").equals(QP=80)

        def test_fraction(panoptic_quality):
            panoptic_quality("upsnet.pqe").at_least(PQ=0.95)
        """
    )
    done.assert_outcomes(passed=2, failed=7)
    done.stdout.fnmatch_lines(
        [
            "E  *AssertionError: PQ is 86.80, expected at least 86.9",
            "E  *lowest classes:",
            "E  *  star (id 4): PQ 70.5; TP 5, FP 0, FN 2",
            "E  *images that lose most:",
            "E  *  314: TP 9, FP 1, FN 2, sum of IoU 8.20",
            "E  *AssertionError: PQ moved up: found 86.80, expected 86.7 within 0.05, difference +0.10",
            "test_the_fixture.py:*: AssertionError",
            "E  *AssertionError: star.PQ moved down: found 70.49, expected 80 within 0.5, difference -9.51",
            "E  *AssertionError: Things.PQ against the baseline: 79.37 there, 79.02 here, difference -0.35; *",
            "E  *classes that moved most:",
            "E  *  star (id 4): PQ 70.5 -> 78.4 (+7.9); TP 5 -> 6, FP 0, FN 2 -> 1",
            "E  *images that moved most:",
        ],
        consecutive=False,
    )
    printed = done.stdout.str()
    for message in ("nope.json: does not exist", "Error: no score is called 'QP'", "Error: PQ at least 0.95"):
        assert f"{message}\n" in printed
    # What is above a message is the test, and nothing of pqeval.
    assert "asserting.py" not in printed
    assert "/pqeval/" not in printed.replace("/pqeval/__init__.py", "")


def test_an_installation_registers_it():
    settings = configparser.ConfigParser()
    settings.read(Path(__file__).parents[2] / "setup.cfg", encoding="utf-8")
    assert settings["options.entry_points"]["pytest11"].strip() == "pqeval = pqeval.pytest_plugin"


def test_importing_the_plugin_imports_nothing_heavy():
    code = "import sys, pqeval.pytest_plugin\nprint({'numpy', 'numba', 'msgspec', 'click'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
