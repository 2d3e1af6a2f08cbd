"""Confidence intervals of results, in Python and on the command line; clusters of images."""

from __future__ import annotations

import io
import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner
from datasets import says
from made_up_runs import run_of
from triggers import Triggers, name_of

import pqeval
from pqeval.cli import cli
from pqeval.clusters import clusters_of
from pqeval.confidence import with_intervals
from pqeval.errors import PqevalError
from pqeval.reports.table import draw
from pqeval.statistics.resampling import Resampling, bootstrap
from pqeval.statistics.units import units_of

SCENES = Path(__file__).parents[1] / "data" / "scenes"
SIDES = {"gt": SCENES / "truth.json", "pred": SCENES / "upsnet.json"}
FIND, MISS = {0: ([1.0], 0, 0)}, {0: ([], 0, 1)}


def told(run, *arguments, **options):
    return with_intervals(run, *arguments, **options).result


def test_intervals_of_files_are_those_of_the_units():
    result = pqeval.evaluate(**SIDES, ci=True, resamples=500, seed=3)
    plain = pqeval.evaluate(**SIDES)
    assert (plain.intervals, plain.groups) == (None, result.groups)
    found = result.intervals
    assert (found.method, found.level, found.resamples, found.seed) == ("percentile", 0.95, 500, 3)
    assert (found.unit, found.units, found.fixed_classes) == ("image", 24, False)
    assert list(found.groups) == ["All", "Things", "Stuff"]
    assert list(found.per_class) == [str(row.id) for row in result.per_class]
    pq = found.groups["All"]["pq"]
    assert pq.low < result.pq < pq.high
    assert pq.low < result.pq - pq.se < result.pq + pq.se < pq.high
    assert pqeval.Result.from_json(result.to_json()) == result


def test_each_keyword_asks_for_intervals():
    for options in ({"ci": "basic"}, {"ci_method": "bca"}, {"level": 0.9}, {"seed": 1}, {"fixed_classes": True}):
        found = pqeval.evaluate(**SIDES, resamples=200, **options).intervals
        assert found is not None
    assert found.fixed_classes


def test_arrays_have_them_too():
    segments = [{"id": 1, "category_id": 1}]
    metric = pqeval.PanopticQuality([{"id": 1, "name": "cat", "isthing": 1}])
    for number in range(30):
        guess = np.array([[1, 1, 1, number % 2]])
        metric.update(
            gt=(np.array([[1, 1, 1, 1]]), segments), pred=(guess, segments), image_id=f"a{number // 3}_{number}"
        )
    assert metric.compute().intervals is None
    images = metric.compute(ci=True, resamples=300).intervals
    assert (images.unit, images.units) == ("image", 30)
    towns = metric.compute(resamples=300, cluster_by="prefix")
    assert (towns.intervals.unit, towns.intervals.units) == ("prefix", 10)
    assert [line.split("]")[0] for line in towns.warnings] == ["[few-units"]


def test_every_image_twice_has_the_same_score_and_a_narrower_interval():
    images = [FIND, MISS, FIND, {0: ([0.75], 1, 0)}] * 6
    one, two = (told(run_of(list_)) for list_ in (images, images * 2))
    assert one.pq == two.pq
    narrow, wide = (result.intervals.groups["All"]["pq"] for result in (two, one))
    assert (narrow.high - narrow.low) == pytest.approx((wide.high - wide.low) / 2**0.5, rel=0.1)


def test_the_order_in_which_images_come_has_no_influence():
    images = [FIND, MISS, {0: ([0.75], 1, 0)}] * 8
    names = [f"image {place:02d}" for place in range(24)]
    one = run_of(images, names)
    two = run_of(images[::-1], names[::-1])
    assert told(one).intervals == told(two).intervals


def test_classes_that_a_resample_lacks_are_dropped_and_counted():
    run = run_of([FIND] * 24 + [{1: ([0.75], 0, 0)}])
    how = Resampling(resamples=1000)
    rare = told(run, how).intervals.per_class["20"]["pq"]
    (replicates,) = bootstrap([units_of(run)], how)
    names = units_of(run).names
    lacking = int(np.isnan(replicates[:, names.index(("class", "20", "pq"))]).sum())
    assert 300 < lacking == rare.dropped < 430  # (1 - 1/25)^25 of them
    free, fixed = (
        told(run, Resampling(resamples=1000, fixed_classes=kept)).intervals.groups["All"]["pq"]
        for kept in (False, True)
    )
    assert (free.low, free.dropped) == (0.875, 0)
    assert fixed.low == 0.5  # the class that lacks counts as 0
    absent = told(run, how).intervals.per_class["30"]["pq"]
    assert (absent.low, absent.high, absent.se, absent.dropped) == (None, None, None, 1000)


def test_of_one_image_nothing_is_known():
    result = told(run_of([FIND]))
    pq = result.intervals.groups["All"]["pq"]
    assert (result.pq, pq.low, pq.high, pq.se) == (1.0, None, None, None)
    assert result.warnings == ("[few-units] intervals and tests rest on few images: 1; do: take them for rough",)


def test_without_images_there_are_no_intervals():
    assert told(run_of([])).intervals is None


def test_few_units_are_warned_of_once():
    run = with_intervals(run_of([FIND, MISS] * 4))
    assert len(run.result.warnings) == 1
    assert told(run).warnings == run.result.warnings
    assert told(run_of([FIND, MISS] * 10)).warnings == ()


@pytest.mark.parametrize("rule", ["coco", "hovernet", "pannuke", "conic", "lidar"])
def test_the_same_seed_gives_the_same_bytes(rule):
    run = run_of([FIND, MISS, {1: ([0.75], 1, 2)}] * 8, rule=rule, strata=["a", "b", "c"] * 8)
    assert told(run).to_json() == told(run).to_json()
    assert told(run).intervals != told(run, Resampling(seed=1)).intervals


def test_the_command():
    arguments = ["evaluate", *(f"--{side}={path}" for side, path in SIDES.items()), "--quiet", "--json", "-"]
    done = CliRunner().invoke(
        cli, [*arguments, "--ci", "--resamples", "200", "--ci-method", "bca", "--level", "0.9"]
    )
    assert done.exit_code == 0
    found = json.loads(done.stdout)["intervals"]
    assert (found["method"], found["level"], found["units"]) == ("bca", 0.9, 24)
    assert json.loads(CliRunner().invoke(cli, arguments).stdout)["intervals"] is None


@pytest.mark.parametrize("method", ["percentile", "basic", "bca"])
def test_intervals_of_every_method_are_written_and_saved(method, tmp_path):
    json_file, saved = tmp_path / "x.json", tmp_path / "x.pqe"
    result = pqeval.evaluate(**SIDES, ci=method, resamples=200, json=json_file, save=saved)
    assert result.intervals.method == method
    ends = [
        end
        for scores in (*result.intervals.groups.values(), *result.intervals.per_class.values())
        for each in scores.values()
        for end in (each.low, each.high, each.se)
    ]
    assert {type(end) for end in ends} <= {float, type(None)}
    assert pqeval.Result.from_json(json_file) == pqeval.Run.load(saved).result == result


def rare_run():
    return run_of([FIND, {0: ([0.75], 0, 0)}] * 12 + [{1: ([0.75], 0, 0)}])


def test_class_rows_have_their_intervals():
    result = told(rare_run())
    pq = result.intervals.per_class["10"]["pq"]
    ends = f"{100 * pq.low:.1f} to {100 * pq.high:.1f}"
    stream = io.StringIO()
    draw(result, stream, per_class=True)
    text = stream.getvalue()
    assert "| id | class | kind  |   PQ |       PQ, 95 % |" in text
    assert f"| 10 | c1    | thing | 87.5 |   {ends} |" in text
    assert f"| 10 | c1 | thing | 87.5 | {ends} |" in result.to_markdown(per_class=True)
    plain = msgspec.structs.replace(result, intervals=None)
    assert "| id | class | kind | PQ | SQ |" in plain.to_markdown(per_class=True)


def test_intervals_that_lack_resamples_are_marked():
    result = told(rare_run())
    dropped = result.intervals.per_class["20"]["pq"].dropped
    assert 3000 < dropped < 4300
    stream = io.StringIO()
    draw(result, stream, per_class=True)
    assert "| 75.0 to 75.0 * |" in stream.getvalue()
    line = f"* in fewer than all resamples: Stuff ({10000 - dropped} of 10000); c2 ({10000 - dropped} of 10000)\n"
    assert f"\n{line}" in stream.getvalue()
    assert f"- \\{line}" in result.to_markdown(per_class=True)
    draw(result, stream := io.StringIO())
    assert f"* in fewer than all resamples: Stuff ({10000 - dropped} of 10000)\n" in stream.getvalue()
    odd = msgspec.structs.replace(
        result, per_class=tuple(msgspec.structs.replace(row, name=f"{row.name}|\n") for row in result.per_class)
    )
    draw(odd, stream := io.StringIO(), per_class=True)
    for text in (stream.getvalue(), odd.to_markdown(per_class=True)):
        assert f"; c2\\|\\n ({10000 - dropped} of 10000)\n" in text
    draw(told(run_of([FIND, MISS] * 12)), stream := io.StringIO(), per_class=True)
    assert "*" not in stream.getvalue()


@pytest.mark.parametrize(
    ("images", "how", "words"),
    [
        (30, Resampling(resamples=200), "percentile bootstrap, 200 resamples of 30 images"),
        (1, Resampling(resamples=200), "percentile bootstrap, 200 resamples of 1 image"),
        (2, Resampling("bca", resamples=200, seed=7), "bca bootstrap, 200 resamples of 2 images, seed 7"),
    ],
)
def test_how_they_were_made_is_said(images, how, words):
    draw(told(run_of([FIND] * images), how), stream := io.StringIO())
    assert f"intervals: {words}\n" in stream.getvalue()


def test_of_one_cluster_it_is_said_in_the_singular():
    draw(told(run_of([FIND] * 2, names=["a_1", "a_2"]), cluster_by="prefix"), stream := io.StringIO())
    assert "resamples of 1 cluster (prefix)\n" in stream.getvalue()


def test_the_csv_has_intervals_where_there_are_some(tmp_path):
    target = tmp_path / "x.csv"
    pqeval.evaluate(**SIDES, csv=target)
    head = "id,name,isthing,pq,sq,rq,iou_sum,tp,fp,fn"
    plain = target.read_text().splitlines()
    result = pqeval.evaluate(**SIDES, csv=target, ci=True, resamples=200)
    known = target.read_text().splitlines()
    assert (plain[0], known[0]) == (head, f"{head},pq_low,pq_high,pq_se")
    for row, bare, full in zip(result.per_class, plain[1:], known[1:], strict=True):
        pq = result.intervals.per_class[str(row.id)]["pq"]
        ends = ",".join("" if end is None else repr(end) for end in (pq.low, pq.high, pq.se))
        assert full == f"{bare},{ends}"


# Clusters.


def test_folders_and_prefixes():
    images = ["a/b/1", "a/b/2", "c/3"]
    assert clusters_of("folder", images) == ("folder", ["a/b", "a/b", "c"])
    cities = ["frankfurt_000000_1", "frankfurt_000001_1", "val/lindau_2"]
    assert clusters_of("prefix", cities) == ("prefix", ["frankfurt", "frankfurt", "lindau"])


def test_tables(tmp_path):
    (tmp_path / "one.csv").write_text("image_id,drive\n1,x\n2,y\n")
    (tmp_path / "two.csv").write_text("image_id,drive,weather\n1,x,rain\n2,y,rain\n")
    assert clusters_of(tmp_path / "one.csv", [2, 1]) == ("drive", ["y", "x"])
    assert clusters_of(f"{tmp_path / 'one.csv'}:drive", [1]) == ("drive", ["x"])
    assert clusters_of(f"{tmp_path / 'two.csv'}:weather", [1, 2]) == ("weather", ["rain", "rain"])


trigger = Triggers()


def refused(spec, images):
    with pytest.raises(PqevalError) as caught:
        clusters_of(spec, images)
    return caught.value


@trigger
def missing_in_names(folder):
    says(
        refused("folder", ["a/1", "2", 3, 4, 5, 6, 7]),
        """
        no folder for image '2', 3, 4, 5, 6 and 1 more
          expected: a cluster for every image that is scored
          do: name one for each in the table, or score other images
        """,
    )
    assert refused("prefix", ["a_1", "b"]).code == "cluster-missing"


@trigger
def missing_in_a_table(folder):
    (folder / "x.csv").write_text("image_id,drive\n1,x\n2,\n")
    says(
        refused(folder / "x.csv", [1, 2, 3]),
        """
        DIR/x.csv: no drive for image 2, 3
          expected: a cluster for every image that is scored
          do: name one for each in the table, or score other images
        """,
        folder=folder,
    )


@trigger
def columns(folder):
    (folder / "x.csv").write_text("image_id,drive,weather\n1,x,rain\n")
    says(
        refused(folder / "x.csv", [1]),
        """
        DIR/x.csv has 2 columns to cluster by
          expected: one of: drive, weather
          do: name it: DIR/x.csv:drive
        """,
        folder=folder,
    )
    says(
        refused(f"{folder / 'x.csv'}:city", [1]),
        """
        DIR/x.csv has no column 'city'
          expected: one of: drive, weather
          do: name it: DIR/x.csv:drive
        """,
        folder=folder,
    )


@trigger
def few(folder):
    runs = run_of([FIND, MISS] * 2, names=["a_1", "a_2", "b_1", "b_2"])
    assert told(runs).warnings == (
        "[few-units] intervals and tests rest on few images: 4; do: take them for rough",
    )
    assert (
        told(run_of([FIND]), None, None)
        .warnings[0]
        .startswith("[few-units] intervals and tests rest on few images: 1;")
    )
    assert told(runs, cluster_by="prefix").warnings == (
        "[few-units] intervals and tests rest on few clusters (prefix): 2; do: take them for rough",
    )


@pytest.mark.parametrize("refusal", trigger, ids=name_of)
def test_what_is_refused_or_warned_of(refusal, tmp_path):
    refusal(tmp_path)
