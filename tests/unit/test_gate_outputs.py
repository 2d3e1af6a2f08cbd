"""What a check says, to whom: a table, Markdown, JUnit XML, annotations."""

from __future__ import annotations

import xml.etree.ElementTree as Tree
from pathlib import Path

import pytest
import xmlschema
from gate_data import made_up

import pqeval
from pqeval.gate.outputs.github import error_lines
from pqeval.gate.outputs.junit import junit
from pqeval.gate.outputs.text import text
from pqeval.gate.outputs.wording import cells, sentence
from pqeval.gate.verdicts import Change, Check, Entry, ImageChange, Trouble, Verdict

SCHEMA = xmlschema.XMLSchema(str(Path(__file__).parents[1] / "data" / "junit.xsd"))
IMAGES = {"evaluated": 24, "missing": 2, "skipped": 2}
TROUBLE = Trouble("file-missing", "gone.json: does not exist\n  expected: a file\n  do: check the file name", 3)

GREEN = Verdict("PQ", "expect", "holds", "51.9", "0.05", "51.87", "-0.03", 0.5187)
RED = Verdict("Things.PQ", "expect", "moved-down", "57.70", "0.005", "57.123456", "-0.576544", 0.57123456)
COUNT = Verdict("cat.TP", "expect", "moved-up", "30", "0", "31", "1", 31)
ABSENT = Verdict("dog.PQ", "class", "not-available", "40", "2", note="it had a score in the baseline")
DROPPED = Verdict("PQ", "baseline", "moved-down", "52.25", "0.3", "51.87", "-0.38", 0.5187)
BETTER = Verdict("Stuff.PQ", "baseline", "improved", "40.5", "0.3", "41", "0.5", 0.41)
WARNED = Verdict("categories-misaligned", "warning", "warned", note="[categories-misaligned] 9 of 9: do it")
NEW = Verdict("cow.PQ", "class", "improved", None, "2", "5", None, 0.05, "new")
QUIET = (
    Verdict("cat.PQ", "class", "holds", "50", "2", "49", "-1", 0.49),
    Verdict("sky.PQ", "class", "improved", "50", "2", "51", "1", 0.51),
)
CLASS = Change(1, "cat", (0.5, 0.49), (3, 2), (0, 0), (1, 2))
IMAGE = ImageChange("a/b", (3, 2), (0, 0), (1, 2), (2.5, 1.25))

EVERYTHING = Check(
    (
        Entry("R50", "table 1", (GREEN, RED, COUNT), "coco", IMAGES),
        Entry("R101", "", (DROPPED, BETTER, ABSENT, NEW, *QUIET), "coco", IMAGES, (), (CLASS,), (IMAGE,)),
        Entry("gone", error=TROUBLE),
        Entry("swapped", "", (WARNED,), "coco", {"evaluated": 1, "missing": 0, "skipped": 0}),
    ),
    "COCO",
)
GOOD = Check((Entry("", "", (GREEN,), "coco", {"evaluated": 1, "missing": 1, "skipped": 0}),))


def test_the_table():
    assert (
        text(EVERYTHING)
        == """\
COCO

R50: MOVED (table 1)
| score     | expected |  found | difference | tolerance | verdict    |
|-----------|----------|--------|------------|-----------|------------|
| PQ        |     51.9 |  51.87 |      -0.03 |      0.05 | holds      |
| Things.PQ |    57.70 | 57.123 |     -0.577 |     0.005 | MOVED down |
| cat.TP    |       30 |     31 |         +1 |         0 | MOVED up   |
convention coco; 24 images (2 without prediction, left out)

R101: MOVED
| score                         | expected | found | difference | tolerance | verdict       |
|-------------------------------|----------|-------|------------|-----------|---------------|
| PQ against the baseline       |    52.25 | 51.87 |      -0.38 |      -0.3 | MOVED down    |
| Stuff.PQ against the baseline |    40.50 | 41.00 |      +0.50 |      -0.3 | holds, better |
| dog.PQ against the baseline   |    40.00 |   n/a |            |        -2 | MOVED: n/a    |
3 classes against the baseline hold, 2 better
dog.PQ against the baseline: it had a score in the baseline
cow.PQ against the baseline: new
classes that moved most:
  cat (id 1): PQ 50.0 -> 49.0 (-1.0); TP 3 -> 2, FP 0, FN 1 -> 2
images that moved most:
  'a/b': TP 3 -> 2, FP 0, FN 1 -> 2, sum of IoU 2.50 -> 1.25
convention coco; 24 images (2 without prediction, left out)

gone: CANNOT BE CHECKED
  gone.json: does not exist
    expected: a file
    do: check the file name

swapped: MOVED
| score                 | expected | found | difference | tolerance | verdict           |
|-----------------------|----------|-------|------------|-----------|-------------------|
| categories-misaligned |          |       |            |           | NOT TO BE TRUSTED |
categories-misaligned: [categories-misaligned] 9 of 9: do it
convention coco; 1 image

5 of 10 expectations hold, 0 of 4 entries; 1 entry could not be checked
"""
    )


def test_the_table_of_one_check():
    assert (
        text(GOOD)
        == """\
| score | expected | found | difference | tolerance | verdict |
|-------|----------|-------|------------|-----------|---------|
| PQ    |     51.9 | 51.87 |      -0.03 |      0.05 | holds   |
convention coco; 1 image (1 without prediction, scored as empty)

1 of 1 expectations hold
"""
    )


def test_so_many_digits_are_shown_that_the_verdict_can_be_seen():
    near = Verdict("PQ", "expect", "moved-up", "51.9", "0.05", "51.95000001", "0.05000001", 0.5195000001)
    assert cells(near)[2:4] == ("51.95000001", "+0.05000001")
    zero = Verdict("PQ", "baseline", "moved-down", "50", "0", "49.99999", "-0.00001", 0.4999999)
    assert cells(zero)[1:] == ("50.00000", "49.99999", "-0.00001", "0", "MOVED down")


def test_one_class_against_the_baseline():
    for verdict, said in zip(QUIET, ("holds", "holds, better"), strict=True):
        assert f"\n1 class against the baseline {said}\n" in text(Check((Entry("x", "", (GREEN, verdict)),)))


def test_a_class_without_a_score_in_the_changes():
    change = Change(1, "cat", (0.5, None), (3, 0), (0, 0), (1, 0))
    assert "cat (id 1): PQ 50.0 -> n/a; TP 3 -> 0" in text(Check((Entry("", "", (RED,), classes=(change,)),)))


def test_names_cannot_break_a_table_or_the_terminal():
    odd = Verdict("a|b\nc\x1b[0m 猫.PQ", "expect", "holds", "1", "0.5", "1", "0", 0.01)
    lines = text(Check((Entry("\x07", "", (odd, GREEN)),))).splitlines()
    assert lines[0] == "\\x07: holds"
    assert lines[3].startswith("| a\\|b\\nc\\x1b[0m 猫.PQ |")
    assert lines[4].startswith(f"| PQ{18 * ' '} |")
    markdown = Check((Entry("<b>", "[x](y)", (odd,)),)).to_markdown()
    assert "## &lt;b&gt; (\\[x\\](y))\n" in markdown
    assert "| a\\|b c\\\\x1b\\[0m 猫.PQ | 1 |" in markdown


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (GREEN, "PQ found 51.87, expected 51.9 within 0.05, difference -0.03"),
        (RED, "Things.PQ moved down: found 57.123, expected 57.70 within 0.005, difference -0.577"),
        (COUNT, "cat.TP moved up: found 31, expected 30 exactly, difference +1"),
        (
            ABSENT,
            "dog.PQ against the baseline is n/a: there is nothing to average; expected 40.00 "
            "(it had a score in the baseline)",
        ),
        (DROPPED, "PQ against the baseline: 52.25 there, 51.87 here, difference -0.38; a drop of 0.3 is allowed"),
        (NEW, "cow.PQ against the baseline: n/a there, 5.00 here, difference n/a; a drop of 2 is allowed (new)"),
        (WARNED, "the scores cannot be trusted: [categories-misaligned] 9 of 9: do it"),
        (
            Verdict("PQ", "baseline", "moved-down", "52", "0", "51", "-1", 0.51),
            "PQ against the baseline: 52.00 there, 51.00 here, difference -1.00; no drop is allowed",
        ),
    ],
)
def test_sentences(verdict, said):
    assert sentence(verdict) == said


def test_annotations_are_escaped_as_github_wants_it():
    odd = Verdict("a:b,c%\r\nd.PQ", "expect", "moved-down", "50", "0.5", "49", "-1", 0.49, "100 %, or: not")
    entry = Entry("R50, 3x", "", (odd, RED), "coco", IMAGES, (), (CLASS,))
    assert error_lines(Check((entry, Entry("", error=TROUBLE)))) == (
        "::error title=R50%2C 3x%3A a%3Ab%2Cc%25\\r%0Ad.PQ does not hold::"
        "a:b,c%25\\r%0Ad.PQ moved down: found 49.00, expected 50 within 0.5, difference -1.00 (100 %25, or: not)"
        "%0Aclasses that moved most:%0A  cat (id 1): PQ 50.0 -> 49.0 (-1.0); TP 3 -> 2, FP 0, FN 1 -> 2\n"
        "::error title=R50%2C 3x%3A Things.PQ does not hold::"
        "Things.PQ moved down: found 57.123, expected 57.70 within 0.005, difference -0.577\n"
        "::error title=could not be checked::"
        "gone.json: does not exist%0A  expected: a file%0A  do: check the file name\n"
    )
    assert error_lines(GOOD) == ""


def test_junit_is_valid_and_says_what_the_verdicts_say():
    report = junit(EVERYTHING)
    SCHEMA.validate(report)
    root = Tree.fromstring(report)
    assert root.attrib == {"name": "COCO", "tests": "11", "failures": "5", "errors": "1"}
    suites = {suite.get("name"): suite for suite in root}
    assert {name: (s.get("tests"), s.get("failures"), s.get("errors")) for name, s in suites.items()} == {
        "R50": ("3", "2", "0"),
        "R101": ("6", "2", "0"),
        "gone": ("1", "0", "1"),
        "swapped": ("1", "1", "0"),
    }
    failure = suites["R101"].find("testcase[@name='PQ against the baseline']/failure")
    assert failure.get("message") == sentence(DROPPED)
    assert failure.text == (
        f"{sentence(DROPPED)}\nclasses that moved most:\n"
        "  cat (id 1): PQ 50.0 -> 49.0 (-1.0); TP 3 -> 2, FP 0, FN 1 -> 2\nimages that moved most:\n"
        "  'a/b': TP 3 -> 2, FP 0, FN 1 -> 2, sum of IoU 2.50 -> 1.25"
    )
    error = suites["gone"].find("testcase/error")
    assert (error.get("type"), error.get("message"), error.text) == (
        "file-missing",
        "gone.json: does not exist",
        TROUBLE.text,
    )
    assert junit(EVERYTHING) == report
    assert "time" not in report


def test_junit_of_names_that_xml_cannot_have():
    odd = Verdict('\x00<a> & "b"\x1b.PQ', "expect", "moved-up", "1", "0.5", "3", "2", 0.03)
    report = junit(Check((Entry("", "", (odd,)),)))
    SCHEMA.validate(report)
    case = Tree.fromstring(report).find("testsuite/testcase")
    assert case.attrib == {"classname": "pqeval check", "name": '\\x00<a> & "b"\\x1b.PQ'}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('tests="3"', 'tests="-3"'),
        ('name="R101"', 'name="R50"'),
        ('classname="R50" ', ""),
        ('type="moved-up" ', ""),
        ("</testsuites>", "<testsuite/></testsuites>"),
        ('errors="1"', 'errors="1" time="0.1"'),
    ],
)
def test_the_schema_refuses_what_is_no_junit(old, new):
    report = junit(EVERYTHING)
    assert old in report
    assert not SCHEMA.is_valid(report.replace(old, new, 1))


def test_markdown():
    assert (
        GOOD.to_markdown()
        == """\
# pqeval check

all expectations hold: 1 of 1 expectations hold

| score | expected | found | difference | tolerance | verdict |
| :-- | --: | --: | --: | --: | :-- |
| PQ | 51.9 | 51.87 | -0.03 | 0.05 | holds |

- convention coco; 1 image (1 without prediction, scored as empty)
"""
    )
    markdown = EVERYTHING.to_markdown()
    assert markdown.startswith(
        "# COCO\n\n**not all expectations hold**: 5 of 10 expectations hold, 0 of 4 entries; 1 entry could not be "
        "checked\n\n## R50 (table 1)\n\n| score |"
    )
    assert "| Things.PQ | 57.70 | 57.123 | -0.577 | 0.005 | **MOVED down** |\n" in markdown
    assert "- 3 classes against the baseline hold, 2 better\n- dog.PQ against the baseline: it" in markdown
    assert "\n```text\nclasses that moved most:\n  cat (id 1): PQ 50.0 -> 49.0" in markdown
    assert "## gone\n\nCould not be checked:\n\n```text\ngone.json: does not exist\n  expected" in markdown
    two = Check((Entry("a", error=TROUBLE), Entry("b", error=TROUBLE)))
    assert "0 of 0 expectations hold, 0 of 2 entries; 2 entries could not be checked" in two.to_markdown()


def test_what_is_shown_is_what_was_found():
    found = pqeval.check(result=made_up(), expect={"PQ": "50.0", "Things.PQ": "37.6"})
    assert "| PQ        |     50.0 | 50.00 |       0.00 |      0.05 | holds      |\n" in text(found)
    assert "| Things.PQ |     37.6 | 37.50 |      -0.10 |      0.05 | MOVED down |\n" in text(found)
