"""``pqeval diagnose`` and ``pqeval.diagnose``: what a person sees, what is written, and what is refused."""

from __future__ import annotations

import io
import json
import math
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from unittest import mock

import msgspec
import network_scenes
import numpy as np
import pytest
from click.testing import CliRunner
from datasets import says
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from triggers import Triggers, name_of

import pqeval
from pqeval.cli import cli
from pqeval.diagnosing import diagnosis_of
from pqeval.diagnosis.decimals import between
from pqeval.diagnosis.drawing import draw, markdown
from pqeval.diagnosis.findings import Diagnosis
from pqeval.diagnosis.wording import lines_of, parts_of, threshold_of
from pqeval.errors import FileError, PqevalError
from pqeval.output import remove_file

trigger = Triggers()

TABLE = [
    {"id": 1, "name": "cat", "isthing": 1},
    {"id": 2, "name": "dog", "isthing": 1},
    {"id": 3, "name": "sky", "isthing": 0},
]
GT, PRED = network_scenes.TRUTH, network_scenes.FOLDER / "panoptic_fcn.json"


@pytest.fixture
def data(tmp_path):
    """An image: a cat found with 3 of 4 pixels, a dog called a cat, the sky found."""
    truth = np.array([[1, 1, 1, 1, 2, 2, 3, 3, 3]])
    guess = np.array([[1, 1, 1, 0, 2, 2, 3, 3, 3]])
    gt = [{"id": number, "category_id": number} for number in (1, 2, 3)]
    pred = [{"id": 1, "category_id": 1}, {"id": 2, "category_id": 1}, {"id": 3, "category_id": 3}]
    for row, score in zip(pred, (0.9, 0.4, None), strict=True):
        row |= {} if score is None else {"score": score}
    pqeval.save_coco_panoptic(tmp_path / "gt.json", [("a", truth, gt)], TABLE)
    pqeval.save_coco_panoptic(tmp_path / "pred.json", [("a", guess, pred)], TABLE)
    # What was saved has no scores; a network's file has.
    content = json.loads((tmp_path / "pred.json").read_text())
    for row, score in zip(content["annotations"][0]["segments_info"], (0.9, 0.4, None), strict=True):
        row |= {} if score is None else {"score": score}
    (tmp_path / "pred.json").write_text(json.dumps(content))
    return tmp_path


def sides(folder) -> list[str]:
    return ["diagnose", "--gt", str(folder / "gt.json"), "--pred", str(folder / "pred.json")]


TOLD = """\
PQ 50.0; convention coco; 1 image
50.0 points of PQ are lost:
  44.4  things found as another class
   5.6  masks of things that are not exact
If no class were wrong where the place is right, PQ would be 91.7 (+41.7); no other single repair would gain more
Left unknown below a score of 0.9 (1 of 2 scored segments), PQ would be 58.33 (+8.33)
No class would raise PQ by being left unknown

Points lost, by term: together they are 100 - PQ

|        |    PQ | 100 - PQ | mask | fp cls | fp loc | fp both | fp bkg | fn cls | fn loc | fn both | fn miss |
|--------|-------|----------|------|--------|--------|---------|--------|--------|--------|---------|---------|
| All    |  50.0 |     50.0 |  5.6 |   11.1 |    0.0 |     0.0 |    0.0 |   33.3 |    0.0 |     0.0 |     0.0 |
"""


def test_the_command_says_where_pq_went(data) -> None:
    done = CliRunner().invoke(cli, sides(data))
    assert done.exit_code == 0
    assert done.stderr == ""
    assert done.stdout.startswith(TOLD)
    assert "| dog   | cat       |         1 |              0 |" in done.stdout
    assert "| a     |    50.000 |  2 |  1 |  1 | gt 2 dog: fn cls, IoU 1.00 with pred 2 cat |" in done.stdout


def guessed(*scores) -> pqeval.Run:
    """An image per score, each with a cat; every other one is found, the others are taken for dogs."""
    metric = pqeval.PanopticQuality(TABLE)
    for place, score in enumerate(scores):
        category = 1 if place % 2 else 2
        row = {"id": 1, "category_id": category} | ({} if score is None else {"score": score})
        metric.update(gt=([[1, 1]], [{"id": 1, "category_id": 1}]), pred=([[1, 1]], [row]), image_id=place)
    return metric.run()


FLOATS = st.one_of(
    st.floats(0, 1),
    st.floats(-1e300, 1e300, allow_nan=False),
    st.sampled_from([0.1 + 0.2, 0.3, 1e-9, 2e-9, 0.0, -0.0, 1.0, 5e-324, 0.6685899, 0.66859, 1e22]),
)


def digits_of(text: str) -> int:
    mantissa = text.lstrip("-").partition("e")[0].replace(".", "")
    return len(mantissa.strip("0")) or 1


@given(low=FLOATS, high=FLOATS, near=st.booleans())
@example(low=0.6685857, high=0.6685912, near=False)
@example(low=0.1 + 0.2, high=0.3, near=True)
def test_a_threshold_is_written_with_as_few_digits_as_tell_it(low, high, near) -> None:
    high = math.nextafter(low, math.inf) if near else high
    assume(low < high)
    text = between(low, high)
    assert low < float(text) <= high
    digits = digits_of(text)
    assert digits <= digits_of(repr(high))
    # The twin looks at all decimals with fewer digits near the end that belongs to the interval.
    for fewer in range(1, digits):
        nearest = Decimal(f"{high:.{fewer - 1}e}")
        unit = Decimal((0, (1,), nearest.as_tuple().exponent))
        for other in (nearest - unit, nearest, nearest + unit):
            assert not low < float(other) <= high
    assert text == between(low, float(text))  # of those as short, the largest


@given(scores=st.lists(FLOATS, min_size=2, max_size=6))
@settings(max_examples=50)
def test_what_is_below_a_printed_threshold_is_what_was_counted(scores) -> None:
    found = diagnosis_of(guessed(*scores)).unknown.by_score
    for point in found.points[:-1]:
        assert sum(score < float(threshold_of(point)) for score in scores) == point.segments


def test_the_table_the_sentence_and_the_figure_print_one_threshold() -> None:
    # With %.4g this threshold would be 0.6686, and the segment of 0.66859 below it.
    found = diagnosis_of(guessed(0.66858, 0.66859))
    assert (found.unknown.by_score.best.threshold, found.unknown.by_score.best.highest) == (0.66859, 0.66858)
    text = markdown(found)
    assert "- Left unknown below a score of 0.66859 (1 of 2 scored segments), PQ would be 66.67 (+33.33)" in text
    assert "| 0.66859 | 1 | 66.67 | best |" in text


def test_where_all_scored_segments_are_better_unknown_it_says_so() -> None:
    for scores, words in (
        ((0.9, None, 0.8), "If all 2 scored segments were left unknown, PQ would be 50.00 (+25.00)"),
        ((0.9, None), "If the only scored segment were left unknown, PQ would be 66.67 (+33.33)"),
    ):
        assert f"- {words}\n" in markdown(diagnosis_of(guessed(*scores)))


@pytest.mark.parametrize(
    ("scores", "lines"),
    [
        ((None, None), ["Left unknown, dog would raise PQ to 66.67 (+33.33)"]),
        ((None, 0.5), ["No threshold on scores", "Left unknown, dog would raise PQ to 66.67 (+33.33)"]),
    ],
)
def test_which_classes_had_better_be_unknown_is_said_with_scores_and_without(scores, lines) -> None:
    told = list(lines_of(diagnosis_of(guessed(*scores))))
    for line in lines:
        assert any(each.startswith(line) for each in told)
    assert "No class would raise PQ by being left unknown" not in told


def test_that_no_class_is_better_unknown_is_said_with_what_the_truth_could_do() -> None:
    # A cat found, and one found where there is none; both classes that occur have a match.
    metric = pqeval.PanopticQuality(TABLE)
    cats = [{"id": 1, "category_id": 1}, {"id": 2, "category_id": 1}]
    metric.update(
        gt=([[1, 1, 3, 3, 3]], [cats[0], {"id": 3, "category_id": 3}]),
        pred=([[1, 1, 3, 3, 2]], [*cats, {"id": 3, "category_id": 3}]),
        image_id=1,
    )
    metric.update(gt=([[1, 1]], cats[:1]), pred=([[1, 1]], cats[:1]), image_id=2)
    told = list(lines_of(diagnosis_of(metric.run())))
    assert told[-2:] == [
        "No class would raise PQ by being left unknown",
        "Were every FP unknown, which wants the truth, PQ would be 83.33 (+10.00)",
    ]


def test_a_repair_that_leaves_nothing_to_average_keeps_its_row() -> None:
    metric = pqeval.PanopticQuality(TABLE)
    metric.update(gt=([[1, 1]], [{"id": 1, "category_id": 1}]), pred=([[0, 0]], []), image_id=1)
    found = diagnosis_of(metric.run())
    assert (found.pq, found.oracles[-1].kind, found.oracles[-1].pq) == (0.0, "miss", None)
    assert "| miss | 1 | n/a | n/a |" in markdown(found)


def test_merged_stuff_is_noted(data) -> None:
    files = {"gt": data / "gt.json", "pred": data / "pred.json"}
    note = (
        "- Note: torchmetrics merges the stuff of a class in an image before it counts, so a segment of stuff, "
        "and a step of the curve, stands for the merged one with the highest of its scores"
    )
    assert note in markdown(pqeval.diagnose(**files, convention="torchmetrics"))
    assert "Note" not in markdown(pqeval.diagnose(**files))
    told = pqeval.diagnose(**files, convention="torchmetrics", unknown="fp").notes
    assert [line.partition(" ")[0] for line in told] == ["what"]  # no curve, so nothing to say of it


def test_a_saved_run_and_pixels_give_the_same(data) -> None:
    run = pqeval.evaluate(gt=data / "gt.json", pred=data / "pred.json", save=data / "run.pqe")
    from_files = pqeval.diagnose(gt=data / "gt.json", pred=data / "pred.json")
    assert run.pq == from_files.pq
    for found in (
        pqeval.diagnose(data / "run.pqe"),
        pqeval.diagnose(pqeval.Run.load(data / "run.pqe")),
        pqeval.diagnose(pred=data / "run.pqe"),
        pqeval.diagnose(data / "pred.json", gt=data / "gt.json"),
    ):
        assert found == from_files
        assert found.to_json() == from_files.to_json()
    printed = [
        CliRunner().invoke(cli, ["diagnose", "--pred", str(data / "run.pqe")]).stdout,
        CliRunner().invoke(cli, sides(data)).stdout,
    ]
    assert printed[0] == printed[1]


def test_the_json_can_be_read_back(data) -> None:
    done = CliRunner().invoke(cli, [*sides(data), "--json", "-"])
    assert done.exit_code == 0
    content = json.loads(done.stdout)
    assert content["schema"] == "pqeval.diagnosis/1"
    found = msgspec.json.decode(done.stdout, type=Diagnosis)
    assert found == pqeval.diagnose(gt=data / "gt.json", pred=data / "pred.json")
    assert found.to_json(data / "d.json") == (data / "d.json").read_text() == done.stdout
    assert content["unknown"]["by_score"]["best"] == [0.9, content["unknown"]["by_score"]["best"][1], 1, 0.4]


def test_reports_are_written_and_the_tables_still_printed(data) -> None:
    files = ["--json", str(data / "d.json"), "--markdown", str(data / "d.md")]
    done = CliRunner().invoke(cli, [*sides(data), *files])
    assert done.stdout == CliRunner().invoke(cli, sides(data)).stdout
    text = (data / "d.md").read_text()
    assert text.startswith("# Where the lost PQ went\n\n- PQ 50.0; convention coco; 1 image\n")
    assert "| dog | cat | 1 | 0 |" in text
    assert "| :-- | :-- | --: | --: |" in text
    assert CliRunner().invoke(cli, [*sides(data), "--markdown", "-"]).stdout == text


def test_top_and_areas_are_obeyed(tmp_path) -> None:
    arguments = ["diagnose", "--gt", str(GT), "--pred", str(PRED), "--top", "3", "--areas", "100,500,2000"]
    printed = CliRunner().invoke(cli, [*arguments, "--json", str(tmp_path / "d.json")]).stdout
    assert "Segments that were better left unknown: 14, of which the first 3" in printed
    assert "The classes that cost most, in points of PQ of All (the first 3 of 7)" in printed
    assert "| size 3 | 2000 and more |" in printed
    found = msgspec.json.decode((tmp_path / "d.json").read_bytes(), type=Diagnosis)
    assert [row.below for row in found.sizes] == [100, 500, 2000, None]
    assert len(found.worst_images) == 20


def test_the_parts_of_the_summary_are_all_that_was_lost() -> None:
    for name in network_scenes.NETWORKS:
        found = pqeval.diagnose(gt=GT, pred=network_scenes.FOLDER / f"{name}.json")
        assert sum(loss for loss, _ in parts_of(found)) == pytest.approx(1 - found.pq, abs=1e-12)


def test_the_convention_is_named_where_it_takes_something(data) -> None:
    found = pqeval.diagnose(gt=data / "gt.json", pred=data / "pred.json", convention="conic")
    text = markdown(found)
    assert "- Note: the group Binary, which takes all classes for one, is not diagnosed" in text
    assert "| convention |" in text
    found = pqeval.diagnose(gt=data / "gt.json", pred=data / "pred.json", convention="torchmetrics", unknown="fp")
    assert "- Note: what if segments had been left unknown: not told, because under unknown=fp" in markdown(found)


def test_a_perfect_prediction_loses_nothing(data) -> None:
    done = CliRunner().invoke(cli, [*sides(data)[:-1], str(data / "gt.json")])
    assert done.exit_code == 0
    assert done.stdout.startswith("PQ 100.0; convention coco; 1 image\n0.0 points of PQ are lost\n")


def test_nothing_to_average_is_unusable(tmp_path) -> None:
    pqeval.save_coco_panoptic(tmp_path / "gt.json", [("a", np.array([[0]]), [])], TABLE)
    pqeval.save_coco_panoptic(tmp_path / "pred.json", [("a", np.array([[0]]), [])], TABLE)
    found = pqeval.diagnose(gt=tmp_path / "gt.json", pred=tmp_path / "pred.json")
    assert (found.pq, found.groups["All"].loss, found.unknown, found.worst_images) == (None, None, None, ())
    assert markdown(found).startswith("# Where the lost PQ went\n\n- PQ n/a; convention coco; 1 image\n")
    done = CliRunner().invoke(cli, sides(tmp_path))
    assert isinstance(done.exception, PqevalError)
    assert done.exception.code == "nothing-scored"


def test_a_saved_run_is_diagnosed_without_numba_and_without_matplotlib(data) -> None:
    pqeval.evaluate(gt=data / "gt.json", pred=data / "pred.json", save=data / "run.pqe")
    code = (
        "import sys\nfrom pqeval.cli import cli\n"
        f"cli.main(['diagnose', '--pred', {str(data / 'run.pqe')!r}], standalone_mode=False)\n"
        "assert not {'numba', 'matplotlib', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=dict(os.environ))


def test_the_tables_fit_a_terminal(data) -> None:
    found = pqeval.diagnose(gt=GT, pred=PRED)
    with mock.patch("rich.console.Console.is_terminal", new=True):
        stream = io.StringIO()
        draw(found, stream)
    assert "╭" in stream.getvalue()


# What is refused.


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def raised(*arguments, **options) -> PqevalError:
    with pytest.raises(PqevalError) as caught:
        pqeval.diagnose(*arguments, **options)
    return caught.value


def command(*arguments: str) -> BaseException | None:
    return CliRunner().invoke(cli, ["diagnose", *arguments]).exception


@trigger
def not_a_run(folder):
    says(
        raised({"gt": 1}),
        """
        run is a dict
          expected: a pqeval.Run, or the path of a saved one
          do: for example pqeval.diagnose(metric.run()), or gt= and pred= to evaluate files
        """,
    )


@trigger
def run_and_files(folder):
    run = pqeval.PanopticQuality(TABLE).run()
    for arguments, options in (((run,), {"gt": "gt.json"}), (("run.pqe",), {"pred": "pred.json"})):
        says(
            raised(*arguments, **options),
            """
            a run, and files to evaluate beside it
              expected: one of them
              do: leave the files out, or the run
            """,
        )


@trigger
def areas(folder):
    run = pqeval.PanopticQuality(TABLE).run()
    for wrong in ((5, 5), (0, 4), (-2,), (2, "x"), 7.5, (4, 3)):
        says(
            raised(run, areas=wrong),
            f"""
            areas is {wrong!r}
              expected: ascending numbers of pixels above 0
              do: for example --areas 1024,9216 or areas=[1024, 9216]
            """,
        )
    says(
        command("--areas", "small"),
        """
        --areas small
          expected: ascending numbers of pixels above 0
          do: for example --areas 1024,9216
        """,
    )


@trigger
def earlier_figure(folder):
    path = folder / "unknown.png"
    path.write_text("")
    with (
        mock.patch.object(Path, "unlink", side_effect=PermissionError(1, "Operation not permitted")),
        pytest.raises(FileError) as caught,
    ):
        remove_file(path)
    says(
        caught.value,
        """
        DIR/unknown.png: cannot remove: Operation not permitted
          expected: a file name in an existing folder that may be written
          do: create the folder, or choose another place
        """,
        folder=folder,
    )


@trigger
def matplotlib_missing(folder):
    with mock.patch.dict(sys.modules, {"matplotlib": None}):
        says(
            command("--figures", str(folder / "figures"), "--gt", "none.json", "--pred", "none.json"),
            """
            figures cannot be drawn: import of matplotlib halted; None in sys.modules
              expected: matplotlib
              do: pip install 'pqeval[plot]'
            """,
        )
    assert not (folder / "figures").exists()
    assert isinstance(sys.modules.get("matplotlib"), ModuleType | None)
