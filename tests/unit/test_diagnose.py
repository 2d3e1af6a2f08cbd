"""``pqeval diagnose`` and ``pqeval.diagnose``: what a person sees, what is written, and what is refused."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from types import ModuleType
from unittest import mock

import msgspec
import network_scenes
import numpy as np
import pytest
from click.testing import CliRunner
from datasets import says
from triggers import Triggers, name_of

import pqeval
from pqeval.cli import cli
from pqeval.diagnosis.drawing import draw, markdown
from pqeval.diagnosis.findings import Diagnosis
from pqeval.diagnosis.wording import parts_of
from pqeval.errors import PqevalError

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
If no class were wrong where the place is right, PQ would be 91.7 (+41.7); no other kind of error costs as much
Left unknown below a score of 0.9 (1 of 2 scored segments), PQ would be 58.33 (+8.33)

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
    assert content["unknown"]["by_score"]["best"] == [0.9, content["unknown"]["by_score"]["best"][1], 1]


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
