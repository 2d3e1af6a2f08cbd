"""What the gate says where it cannot check."""

from __future__ import annotations

import sys
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner
from datasets import says, unfolded
from gate_data import made_up
from triggers import Triggers, name_of

import pqeval
from pqeval.cli import cli
from pqeval.errors import PqevalError, UsageError
from pqeval.gate.asserting import Moved, Scored, require
from pqeval.gate.subjects import Subject
from pqeval.gate.verdicts import Entry, Trouble, Verdict
from pqeval.pytest_plugin import LeaderboardFile

trigger = Triggers()

TABLE = [{"id": 1, "name": "cat", "isthing": 1}]
HEAD = 'schema = "pqeval.leaderboard/1"\n'
ENTRY = '[[entry]]\nname = "R50"\nresult = "r.json"\n'


def refused(*arguments, **options) -> PqevalError:
    with pytest.raises(PqevalError) as caught:
        pqeval.check(*arguments, **options)
    return caught.value


def refused_for(*expected, **options) -> PqevalError:
    return refused(result=made_up(), expect=expected, **options)


def refused_score(name: str, **fields) -> PqevalError:
    with pytest.raises(PqevalError) as caught:
        Scored(Subject(made_up(**fields))).equals(**{name: 3})
    return caught.value


def command(*arguments: object) -> PqevalError:
    """Run the command and return what it raises."""
    done = CliRunner().invoke(cli, ["check", *map(str, arguments)], standalone_mode=False)
    assert isinstance(done.exception, PqevalError), done.exception
    return done.exception


def file_of(folder, text: str):
    path = folder / "board.toml"
    path.write_text(HEAD + text)
    return path


def run_of(*rows) -> pqeval.Run:
    metric = pqeval.PanopticQuality(TABLE)
    cat = [{"id": 1, "category_id": 1}]
    for number, row in enumerate(rows):
        metric.update(gt=(np.array([row]), cat), pred=(np.array([row]), cat), image_id=number)
    return metric.run()


@trigger
def names(folder):
    says(
        refused_for("PW=3"),
        """
        no score is called 'PW'
          expected: one of: PQ, SQ, RQ, TP, FP, FN
          do: write PQ, Things.PQ, person.PQ or person.TP, for example
        """,
    )
    says(
        refused_score("Thing.PQ"),
        """
        no group and no class is called 'Thing'
          expected: perhaps Things
          do: see `pqeval evaluate --per-class` for the names
        """,
    )
    says(
        refused_score("horse.TP"),
        """
        no group and no class is called 'horse'
          expected: one of: All, Things, Stuff, cat, dog, sky
          do: see `pqeval evaluate --per-class` for the names
        """,
    )
    says(
        refused_score("Things.TP"),
        """
        Things.TP: groups have no TP
          expected: counts of classes
          do: name the class, by its name or its id
        """,
    )
    says(
        refused_score("TP"),
        """
        TP: groups have no TP
          expected: counts of classes
          do: name the class, by its name or its id
        """,
    )


@trigger
def two_classes_of_one_name(folder):
    classes = ((1, "cat", True), (2, "cat", True), (3, "2", False))
    for name, both in (("cat.PQ", "id 1 (cat) and id 2 (cat)"), ("2.PQ", "id 2 (cat) and id 3 (2)")):
        says(
            refused_score(name, classes=classes),
            f"""
            {name} is ambiguous: {both}
              expected: a name that one class has
              do: write the id of the class, unless that is the name of another
            """,
        )


@trigger
def points_that_are_fractions(folder):
    scored = Scored(Subject(made_up()))
    for value in ("0.95", 0.5, 1.0):
        with pytest.raises(PqevalError) as caught:
            scored.at_least(PQ=value)
    says(
        caught.value,
        """
        PQ at least 1.0
          expected: points, which go from 0 to 100
          do: write 100
        """,
    )
    assert scored.at_least(PQ=0, **{"cat.TP": 1, "cat.PQ": 1.5}) is scored


@trigger
def numbers(folder):
    for text in ("x", "-1", "1e2", "nan", "51,9", ""):
        says(
            refused_for(f"PQ={text}"),
            f"""
            PQ should be {text}
              expected: a number of points, such as 51.9
              do: write it as it was published
            """.replace("be \n", "be \n"),
        )
    for value in (float("nan"), True, None, -1, np.float32("inf"), Fraction(1, 2), Decimal("1e401"), "9" * 402):
        assert refused(result=made_up(), expect={"PQ": value}).code == "expected-number"
    says(
        refused_for("cat.TP=3.5"),
        """
        cat.TP should be 3.5
          expected: a whole number
          do: write it as it was published
        """,
    )
    says(
        refused_for("PQ=50", tolerance="lots"),
        """
        the tolerance is lots
          expected: a number of points, such as 0.05
          do: leave it out, and it is half a unit in the last digit of what is expected
        """,
    )
    says(
        refused(result=made_up(), baseline=made_up(), max_drop="-1"),
        """
        max_drop is -1
          expected: a number of points, such as 0.3
          do: write 0 where nothing may drop
        """,
    )


@trigger
def forms(folder):
    for text in ("PQ", "=51.9"):
        says(
            refused_for(text),
            f"""
            --expect {text}
              expected: NAME=POINTS
              do: for example --expect PQ=51.9 or --expect Things.PQ=57.7
            """,
        )
    says(
        refused_for("PQ=50", "PQ=51"),
        """
        PQ is expected twice
          expected: every score once
          do: leave one of them out
        """,
    )


@trigger
def nothing_to_check(folder):
    says(
        refused(result=made_up()),
        """
        there is nothing to check
          expected: expectations, or a baseline with a limit
          do: give --expect PQ=51.9, or --baseline FILE --max-drop 0.3, or a leaderboard file
        """,
    )
    says(
        refused(result=made_up(), baseline=made_up()),
        """
        there is nothing to check: a baseline without a limit
          expected: expectations, or a baseline with a limit
          do: give --expect PQ=51.9, or --baseline FILE --max-drop 0.3, or a leaderboard file
        """,
    )
    says(
        refused_for("PQ=50", max_class_drop=0),
        """
        a limit for drops, and no baseline
          expected: a baseline that scores may drop from
          do: give --baseline FILE: a saved run, or a result that --json wrote
        """,
    )
    with pytest.raises(UsageError) as caught:
        Scored(Subject(made_up())).at_least()
    says(
        caught.value,
        """
        there is nothing to check
          expected: scores by name
          do: for example PQ=51.9
        """,
    )
    with pytest.raises(UsageError) as caught:
        Scored(Subject(made_up())).no_worse_than(made_up(), by=None)
    says(
        caught.value,
        """
        there is nothing to check
          expected: a limit for groups or for classes
          do: for example by=0.3
        """,
    )


@trigger
def nothing_evaluated(folder):
    nowhere = made_up(images={"evaluated": 0, "missing": 0, "skipped": 0}, inputs={"gt": "gt.json", "groups": {}})
    says(
        refused(result=nowhere, expect={"PQ": 50}),
        """
        gt.json: there was nothing to average: no class occurs in the ground truth or in the predictions
          expected: at least one image with a segment
          do: check that the ground truth is the right file, and that its segments are not all crowd
        """,
    )
    silent = made_up((None, None, None))
    # Some conventions call the score of nothing 0.
    zero = {name: msgspec.structs.replace(group, pq=0.0) for name, group in silent.groups.items()}
    for result in (silent, msgspec.structs.replace(silent, groups=zero)):
        error = refused(result=result, expect={"PQ": 0})
        assert (error.code, error.exit_code) == ("nothing-scored", 3)
    no_images = pqeval.PanopticQuality(TABLE).run()
    assert refused(result=no_images, expect={"PQ": 0}).code == "nothing-scored"


@trigger
def settled(folder):
    made_up().to_json(folder / "r.json")
    says(
        refused(result=folder / "r.json", expect={"PQ": 50}, gt="gt.json", convention="coco"),
        """
        DIR/r.json is a saved result or run, and gt, convention given with it
          expected: nothing that it has settled already
          do: leave it out, or evaluate the predictions anew
        """,
        folder=folder,
    )
    says(
        refused(result=made_up(), pred="pred.json", expect={"PQ": 50}),
        """
        what was given is a saved result or run, and pred given with it
          expected: nothing that it has settled already
          do: leave it out, or evaluate the predictions anew
        """,
    )
    run_of([1]).save(folder / "run.pqe")
    assert refused(pred=folder / "run.pqe", gt="gt.json", expect={"PQ": 50}).code == "run-settled"
    path = file_of(folder, f'convention = "panopticapi"\n{ENTRY}expect.PQ = 50\n')
    (entry,) = pqeval.check(path).entries
    assert entry.error.exit_code == 3
    assert entry.error.text.replace(str(folder), "DIR") == unfolded(
        """
        DIR/r.json: made with the convention coco, and the leaderboard file has panopticapi
          expected: a result of the convention panopticapi
          do: evaluate the predictions anew
        """
    )
    assert pqeval.check(file_of(folder, f'convention = "coco"\n{ENTRY}expect.PQ = 50\n')).passed


@trigger
def options(folder):
    says(
        refused_for("PQ=50", conventoin="coco"),
        """
        check has no option conventoin
          expected: perhaps convention
          do: check the spelling
        """,
    )
    says(
        refused_for("PQ=50", only="R50"),
        """
        only without a leaderboard file
          expected: a leaderboard file with entries to choose from
          do: name the leaderboard file, or leave it out
        """,
    )
    says(
        refused("board.toml", expect={"PQ": 1}, convention="coco", max_drop=0),
        """
        board.toml: expect, max_drop, convention beside a leaderboard file
          expected: options and expectations in the file
          do: write them into it, for all entries or for one
        """,
    )


@trigger
def not_comparable(folder):
    table = ((1, "cat", True), (2, "dog", False), (7, "sky", False))
    other = made_up(
        classes=table,
        convention="panopticapi",
        metric="other",
        images={"evaluated": 2, "missing": 0, "skipped": 0},
        inputs={"groups": {"Pets": [1]}},
        provenance={"hashes": {"gt": "b"}},
    )
    now = made_up(provenance={"hashes": {"gt": "a"}})
    says(
        refused(result=now, baseline=other, max_drop=1),
        """
        not comparable with the baseline: metric other there, pq here; convention panopticapi there, coco here; \
images evaluated 2 there, 3 here; the category tables differ; the groups differ; the ground truths differ
          expected: the same ground truth, images and rules
          do: compare with another baseline, or renew it on purpose with --update
        """,
    )
    for fields, found in (
        ({"inputs": {"groups": {}, "unknown": "fp"}}, "unknown void there, fp here"),
        ({"inputs": {"groups": {}, "unknown": "error"}}, None),  # there was none
        ({"inputs": {"groups": {}, "unknown_categories": [4, 9]}}, "unknown categories none there, 4, 9 here"),
        ({"provenance": {"rules": {"smallest": 9, "excuse": "void"}}}, "rule smallest of coco 0 there, 9 here"),
        ({"provenance": {"hashes": {"images": "c"}}}, "the images differ"),
        ({"groups": {"All": made_up().groups["All"]}}, "the groups differ"),
    ):
        before = made_up(
            inputs={"groups": {}, "unknown": "void"},
            provenance={"rules": {"smallest": 0, "newer": 1}, "hashes": {"images": "b"}},
        )
        options = {"result": made_up(**fields), "baseline": before, "max_drop": 99}
        if found is None:
            assert pqeval.check(**options).passed
        else:
            assert refused(**options).found == f"not comparable with the baseline: {found}"
    run_of([1]).save(folder / "base.pqe")
    metric = pqeval.PanopticQuality(TABLE)
    cat = [{"id": 1, "category_id": 1}]
    metric.update(gt=(np.array([[1]]), cat), pred=(np.array([[1]]), cat), image_id="other")
    says(
        refused(result=metric.run(), baseline=str(folder / "base.pqe"), expect={"PQ": 100}),
        """
        DIR/base.pqe: not comparable with the baseline: the images differ
          expected: the same ground truth, images and rules
          do: compare with another baseline, or renew it on purpose with --update
        """,
        folder=folder,
    )


@trigger
def leaderboard_files(folder):
    says(
        refused(folder / "none.toml"),
        """
        DIR/none.toml: cannot read: No such file or directory
          expected: a leaderboard file
          do: check the path
        """,
        folder=folder,
    )
    (folder / "wrong.toml").write_text("schema = pqeval\n")
    says(
        refused(folder / "wrong.toml"),
        """
        DIR/wrong.toml: not TOML: Invalid value (at line 1, column 10)
          expected: a leaderboard file, which begins with schema = "pqeval.leaderboard/1"
          do: see docs/how-to/ci.md for an example
        """,
        folder=folder,
    )
    (folder / "wrong.toml").write_bytes(b"\xff")
    assert refused(folder / "wrong.toml").code == "leaderboard-syntax"
    for text, found in (("", "missing"), ('schema = "pqeval.leaderboard/2"', "pqeval.leaderboard/2")):
        (folder / "wrong.toml").write_text(text)
        says(
            refused(folder / "wrong.toml"),
            f"""
            DIR/wrong.toml: its schema is {found}
              expected: schema = "pqeval.leaderboard/1"
              do: write it in the first line
            """,
            folder=folder,
        )


def wrong(folder, text: str, expected: str) -> None:
    says(refused(file_of(folder, text)), expected, folder=folder)


@trigger
def leaderboard_entries(folder):
    wrong(
        folder,
        "",
        """
        DIR/board.toml: there is no [[entry]]
          expected: an [[entry]] for each prediction, with a name of its own
          do: add one with name, pred and [entry.expect]
        """,
    )
    wrong(
        folder,
        ENTRY + ENTRY,
        """
        DIR/board.toml: two entries are called 'R50'
          expected: an [[entry]] for each prediction, with a name of its own
          do: rename one of them
        """,
    )
    for text, found in (
        ('[[entry]]\npred = "a"\n', "entry 1: has pred"),
        ('[[entry]]\nsource = "a"\n', "entry 1: has no name"),
        ('[[entry]]\nname = "R50"\n', "entry 'R50': has name"),
        (f'{ENTRY}pred = "a"\n', "entry 'R50': has name, pred, result"),
    ):
        wrong(
            folder,
            text,
            f"""
            DIR/board.toml: {found}
              expected: a name, and either pred or result
              do: name the predictions with pred, or a saved result with result
            """,
        )
    wrong(
        folder,
        ENTRY,
        """
        DIR/board.toml: entry 'R50': there is nothing to check
          expected: expectations, or a baseline with a limit
          do: give --expect PQ=51.9, or --baseline FILE --max-drop 0.3, or a leaderboard file
        """,
    )
    says(
        refused(file_of(folder, f"{ENTRY}expect.PQ = 50\n"), only="R5"),
        """
        DIR/board.toml: no entry is called 'R5'
          expected: perhaps R50
          do: write the name as the file has it
        """,
        folder=folder,
    )


@trigger
def leaderboard_keys(folder):
    wrong(
        folder,
        f'conventoin = "coco"\n{ENTRY}',
        """
        DIR/board.toml: the file has the key conventoin
          expected: perhaps convention
          do: check the spelling, and in which table the line stands
        """,
    )
    wrong(
        folder,
        f"{ENTRY}xyz = 1\n",
        """
        DIR/board.toml: entry 'R50' has the key xyz
          expected: a key of the list in docs/how-to/ci.md
          do: check the spelling, and in which table the line stands
        """,
    )
    wrong(
        folder,
        f'{ENTRY}expect = {{ PQ = 50, "PQW" = 3 }}\n',
        """
        DIR/board.toml: entry 'R50': no score is called 'PQW'
          expected: perhaps PQ
          do: write PQ, Things.PQ, person.PQ or person.TP, for example
        """,
    )
    wrong(
        folder,
        f'{ENTRY}[entry.expect]\nThings.PQ = 50\n"Things.PQ" = 51\n',
        """
        DIR/board.toml: entry 'R50': Things.PQ is expected twice
          expected: every score once
          do: leave one of them out
        """,
    )
    wrong(
        folder,
        f"{ENTRY}max_drop = 1\n",
        """
        DIR/board.toml: entry 'R50': a limit for drops, and no baseline
          expected: a baseline that scores may drop from
          do: give --baseline FILE: a saved run, or a result that --json wrote
        """,
    )


@trigger
def leaderboard_values(folder):
    for line, expected in (
        ('tolerance = "0.1"', "a number, without quotes"),
        ("tolerance = true", "a number, without quotes"),
        ("gt = 5", "a text in quotes"),
        ("workers = 1.5", "a whole number"),
        ("workers = true", "a whole number"),
        ("gt_options = { a = 1 }", 'a table of texts, such as { key = "value" }'),
        ("gt_options = 1", 'a table of texts, such as { key = "value" }'),
        ("unknown_categories = 255", "a list of category ids, such as [255]"),
        ('unknown_categories = ["a"]', "a list of category ids, such as [255]"),
        ("groups = { A = 1 }", "a table of lists of category ids, such as { Vehicles = [3, 4, 6] }"),
        ("groups = []", "a table of lists of category ids, such as { Vehicles = [3, 4, 6] }"),
        ("images = 3", "a path, or a list of image ids"),
        ("entry = 3", "written as [[entry]], once for each"),
    ):
        key = line.partition(" = ")[0]
        error = refused(file_of(folder, line + "\n"))
        assert error.code == "leaderboard-value"
        assert error.expected == expected, line
        assert error.found.startswith(f"the file: {key} is "), error.found
    wrong(
        folder,
        f'{ENTRY}expect.PQ = "50"\n',
        """
        DIR/board.toml: entry 'R50': expect is {'PQ': '50'}
          expected: a table of numbers, such as { PQ = 51.9 }
          do: see docs/how-to/ci.md for an example
        """,
    )
    assert refused(file_of(folder, f"{ENTRY}expect = 50\n")).code == "leaderboard-value"


@trigger
def updates(folder):
    made_up().to_json(folder / "r.json")
    path = file_of(folder, f"{ENTRY}expect.PQ = 51\n")
    before = path.read_text()
    modules = {"tomlkit": None}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, *modules.popitem())
        says(
            command(path, "--update"),
            """
            a leaderboard file cannot be rewritten here: tomlkit is not installed
              expected: the package tomlkit, which keeps comments and layout
              do: pip install 'pqeval[ci]'
            """,
        )
    (folder / "r.json").unlink()
    says(
        command(path, "--update"),
        """
        DIR/board.toml: nothing was written; R50: DIR/r.json: cannot read: No such file or directory
          expected: numbers for all that is expected
          do: mend the data first, or choose other entries with --only
        """,
        folder=folder,
    )
    made_up((None, 0.5, 0.5)).to_json(folder / "r.json")
    says(
        command(file_of(folder, f"{ENTRY}expect.cat.PQ = 51\n"), "--update"),
        """
        DIR/board.toml: nothing was written; R50: cat.PQ is n/a
          expected: numbers for all that is expected
          do: mend the data first, or choose other entries with --only
        """,
        folder=folder,
    )
    path.write_text(before)
    line = "[categories-misaligned] 9 of 9"
    made_up(warnings=(line,)).to_json(folder / "bad.json")
    made_up().to_json(folder / "base.json")
    says(
        command("--result", folder / "bad.json", "--baseline", folder / "base.json", "--update"),
        f"""
        DIR/base.json: nothing was written; {line}
          expected: numbers for all that is expected
          do: mend the data first, or choose other entries with --only
        """,
        folder=folder,
    )
    run_of([1]).save(folder / "base.pqe")
    says(
        command("--result", folder / "base.json", "--baseline", folder / "base.pqe", "--update"),
        """
        DIR/base.pqe: the baseline is a saved run, and there is only a result to take its place
          expected: predictions, or a saved run
          do: check the predictions with --pred, or a run that --save wrote
        """,
        folder=folder,
    )


@trigger
def the_command(folder):
    made_up(warnings=("[x] y",)).to_json(folder / "r.json")
    says(
        command("--result", folder / "r.json", "--baseline", folder / "r.json", "--update", "--junit", "-"),
        """
        --update together with an output of verdicts
          expected: one or the other
          do: run the check again after the update
        """,
    )
    for options, more in (((), ""), (("--expect", "PQ=1"), ": --expect")):
        says(
            command("--result", folder / "r.json", "--update", *options),
            f"""
            --update with nothing that could be rewritten{more}
              expected: a leaderboard file, or --baseline FILE without --expect
              do: write expectations into a leaderboard file
            """,
        )
    says(
        command("--only", "R50"),
        """
        --only without a leaderboard file
          expected: a leaderboard file with entries to choose from
          do: name the leaderboard file, or leave it out
        """,
    )
    for arguments, said in (
        (("--json", "-", "--junit", "-"), "--junit -, which takes --json"),
        (("--json", folder / "r.json"), f"--json {folder / 'r.json'}, which is an input"),
        (
            ("--json", folder / "o", "--markdown", folder / "o"),
            f"--markdown {folder / 'o'}, which takes --json",
        ),
    ):
        says(
            command("--result", folder / "r.json", "--expect", "PQ=1", *arguments),
            f"""
            {said}
              expected: a file of its own for every output
              do: choose another name
            """,
        )
    path = file_of(folder, f"{ENTRY}expect.PQ = 50\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GITHUB_STEP_SUMMARY", str(folder))
        for checked in ((path,), ("--result", folder / "r.json", "--expect", "PQ=50")):
            says(
                command(*checked, "--github"),
                """
                DIR: cannot write: Is a directory
                  expected: a file that may be written, in the environment variable GITHUB_STEP_SUMMARY
                  do: unset the variable, or give --no-github
                """,
                folder=folder,
            )


@trigger
def assertions(folder):
    scored = Scored(Subject(made_up()))
    with pytest.raises(AssertionError) as caught:
        scored.at_least(PQ=51)
    assert str(caught.value).startswith(
        "PQ is 50.00, expected at least 51\nlowest classes:\n  dog (id 2): PQ 25.0; "
    )
    with pytest.raises(AssertionError) as caught:
        scored.equals(PQ="51.0")
    assert str(caught.value).startswith(
        "PQ moved down: found 50.00, expected 51.0 within 0.05, difference -1.00\n"
    )
    with pytest.raises(AssertionError) as caught:
        scored.no_worse_than(made_up((0.5, 0.5, 0.75)))
    assert str(caught.value).splitlines() == [
        "PQ against the baseline: 58.33 there, 50.00 here, difference -8.33; no drop is allowed",
        "Things.PQ against the baseline: 50.00 there, 37.50 here, difference -12.50; no drop is allowed",
        "classes that moved most:",
        "  dog (id 2): PQ 50.0 -> 25.0 (-25.0); TP 4, FP 3, FN 2",
    ]


@trigger
def moved(folder):
    with pytest.raises(Moved) as caught:
        require(Entry("", error=Trouble("x", "gone\n  expected: a file", 3)), "PQ")
    assert str(caught.value) == "could not be checked: gone\n  expected: a file"
    red = Verdict("PQ", "expect", "moved-down", "50", "0.5", "49", "-1", 0.49)
    with pytest.raises(Moved) as caught:
        require(Entry("", "table 1", (red,)), "PQ")
    assert (
        str(caught.value)
        == "PQ moved down: found 49.00, expected 50 within 0.5, difference -1.00\nsource: table 1"
    )
    require(Entry("", verdicts=(red,)), "SQ")
    warned = Verdict("w", "warning", "warned", note="[w] do it")
    with pytest.raises(Moved, match="cannot be trusted"):
        require(Entry("", verdicts=(warned,)), "SQ")


@trigger
def collected(folder):
    (folder / "board.toml").write_text("")
    file = SimpleNamespace(path=folder / "board.toml", CollectError=pytest.Collector.CollectError)
    with pytest.raises(pytest.Collector.CollectError, match="its schema is missing"):
        list(LeaderboardFile.collect(file))


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)
