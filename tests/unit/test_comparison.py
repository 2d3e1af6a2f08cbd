"""``pqeval compare``: differences, whether they are noise, and the images behind them."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from dataclasses import replace
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
from pqeval.comparing import names_of
from pqeval.comparison.drawing import draw, markdown
from pqeval.comparison.outcome import Comparison, Delta
from pqeval.comparison.wording import chance, sentence, signed, verdict_of
from pqeval.errors import PqevalError
from pqeval.image_ids import image_key
from pqeval.ledger import Ledger
from pqeval.reports import per_segment
from pqeval.scoring import score

SCENES = Path(__file__).parents[1] / "data" / "scenes"
NETWORKS = ("upsnet", "panoptic_fpn", "panoptic_deeplab")
FIND, MISS, HALF = {0: ([1.0], 0, 0)}, {0: ([], 0, 1)}, {0: ([0.75], 1, 0)}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Runs of three networks on the same scenes, under two conventions, by name and convention."""
    folder = tmp_path_factory.mktemp("runs")
    found = {}
    for rule in ("coco", "hovernet"):
        for name in NETWORKS:
            path = folder / rule / f"{name}.pqe"
            path.parent.mkdir(exist_ok=True)
            sides = {"gt": SCENES / "truth.json", "pred": SCENES / f"{name}.json"}
            pqeval.evaluate(**sides, convention=rule, save=path, workers=1)
            found[name, rule] = path
    return found


def told(*runs, **options):
    return pqeval.compare(*runs, **{"resamples": 500} | options)


@pytest.mark.parametrize("rule", ["coco", "hovernet"])
def test_differences_are_those_of_the_results(runs, rule):
    paths = [runs[name, rule] for name in NETWORKS]
    results = [pqeval.Run.load(path).result for path in paths]
    found = told(*paths)
    assert [scored.name for scored in found.runs] == list(NETWORKS)
    assert [(pair.baseline, pair.other) for pair in found.pairs] == [("upsnet", other) for other in NETWORKS[1:]]
    for pair, result in zip(found.pairs, results[1:], strict=True):
        assert list(pair.groups) == list(result.groups)
        for name, scores in pair.groups.items():
            for measure, delta in scores.items():
                before, after = (getattr(each.groups[name], measure) for each in (results[0], result))
                assert (delta.baseline, delta.other, delta.difference) == (before, after, after - before)
                assert delta.low <= delta.difference <= delta.high
                assert 0 < delta.p_swap <= 1
                assert 0 < delta.p_bootstrap <= 1
        assert [row.pq.other for row in pair.per_class] == [row.pq for row in result.per_class]


def test_an_interval_of_a_difference_is_narrower_than_those_of_the_scores(runs):
    found = told(runs["upsnet", "coco"], runs["panoptic_fpn", "coco"])
    delta = found.pairs[0].groups["Stuff"]["pq"]
    alone = [
        pqeval.evaluate(gt=SCENES / "truth.json", pred=SCENES / f"{name}.json", ci=True, resamples=500).intervals
        for name in NETWORKS[:2]
    ]
    apart = sum(each.groups["Stuff"]["pq"].se ** 2 for each in alone) ** 0.5
    assert delta.se < 0.9 * apart


@pytest.mark.parametrize("method", ["percentile", "basic", "bca"])
@pytest.mark.parametrize("rule", ["coco", "hovernet"])
def test_a_run_does_not_differ_from_itself(runs, rule, method):
    found = told(runs["upsnet", rule], runs["upsnet", rule], ci_method=method)
    (pair,) = found.pairs
    assert (pair.verdict, pair.changed, pair.images) == ("equal", 0, ())
    every = [*pair.groups.values(), *({"pq": row.pq, "sq": row.sq, "rq": row.rq} for row in pair.per_class)]
    for scores in every:
        for delta in scores.values():
            assert (delta.difference, delta.low, delta.high, delta.se) == (0, 0, 0, 0)
            assert (delta.p_bootstrap, delta.p_swap) == (1, 1)
    assert pair.sentence.startswith(
        f"{found.runs[1].name} and {found.runs[0].name} score the same, image by image"
    )


def test_the_other_way_round_all_signs_turn(runs):
    paths = [runs[name, "coco"] for name in NETWORKS[:2]]
    one, two = told(*paths, top=99).pairs[0], told(*paths[::-1], top=99).pairs[0]
    for name, scores in one.groups.items():
        for measure, delta in scores.items():
            other = two.groups[name][measure]
            assert (delta.difference, delta.p_swap) == (-other.difference, other.p_swap)
            assert delta.low == pytest.approx(-other.high, abs=1e-12)
    assert {image.image_id for image in one.images} == {image.image_id for image in two.images}


@pytest.mark.parametrize("rule", ["coco", "hovernet"])
def test_an_effect_is_what_exchanging_the_image_does(runs, rule):
    base, other = (pqeval.Run.load(runs[name, rule]) for name in NETWORKS[:2])
    for image in told(base, other, top=5).pairs[0].images:
        frames = dict(base.ledger.frames)
        frames[image_key(image.image_id)] = other.ledger.frames[image_key(image.image_id)]
        result = score(Ledger(frames), base.categories, base.policy)
        assert image.effect == pytest.approx(result.pq - base.result.pq, abs=1e-12)


def test_gained_and_lost_segments_are_those_of_the_tables(runs):
    tables = []
    for name in NETWORKS[:2]:
        run = pqeval.Run.load(runs[name, "coco"])
        stream = io.StringIO()
        per_segment.render(run.result, run.ledger, stream)
        rows = list(csv.DictReader(stream.getvalue().splitlines()))
        tables.append(
            {
                (row["image_id"], int(row["segment_id"]))
                for row in rows
                if (row["side"], row["outcome"]) == ("gt", "tp")
            }
        )
    (pair,) = told(*(runs[name, "coco"] for name in NETWORKS[:2]), top=99).pairs
    gained, lost = (
        {(str(image.image_id), change.segment_id) for image in pair.images for change in getattr(image, kind)}
        for kind in ("gained", "lost")
    )
    assert gained == tables[1] - tables[0]
    assert lost == tables[0] - tables[1]
    assert gained
    assert lost


def test_of_three_false_positives_alike_one_remains_where_the_other_has_two():
    one, two = (run_of([{0: ([1.0], number, 0)}]) for number in (2, 3))
    for runs, counts in (((one, two), (0, 1)), ((two, one), (1, 0))):
        (image,) = told(*runs).pairs[0].images
        assert (len(image.fp_gone), len(image.fp_new)) == counts


def of_map(guess, categories):
    table = [{"id": 1, "name": "cat", "isthing": 1}, {"id": 2, "name": "sky", "isthing": 0}]
    truth = np.array([[1, 1, 1, 1, 2, 2, 2, 2]])
    metric = pqeval.PanopticQuality(table)
    listed = [{"id": number, "category_id": category} for number, category in categories.items()]
    metric.update(
        gt=(truth, [{"id": 1, "category_id": 1}, {"id": 2, "category_id": 2}]),
        pred=(np.array([guess]), listed),
        image_id="x",
    )
    return metric.run()


def test_false_positives_that_both_have_alike_are_neither_gone_nor_new():
    # Both have a cat on the sky, under different ids; the cat on the cat grows, and the sky shrinks.
    one = of_map([5, 0, 0, 0, 6, 2, 2, 2], {5: 1, 6: 1, 2: 2})
    two = of_map([9, 9, 0, 0, 3, 2, 2, 2], {9: 1, 3: 1, 2: 2})
    three = of_map([9, 9, 0, 0, 3, 2, 2, 0], {9: 1, 3: 1, 2: 2})
    assert told(one, two).pairs[0].changed == 0  # the scores are the same
    (image,) = told(one, three).pairs[0].images
    assert [(change.segment_id, change.category, change.area) for change in image.fp_gone] == [(5, "cat", 1)]
    assert [(change.segment_id, change.category, change.area) for change in image.fp_new] == [
        (2, "sky", 2),
        (9, "cat", 2),
    ]
    assert ([change.segment_id for change in image.lost], image.gained) == ([2], ())
    assert image.iou == -3 / 4


@pytest.mark.parametrize(
    ("ones", "twos", "verdict"),
    [
        ([FIND, MISS] * 15, [MISS, FIND] * 15, "noise"),
        ([MISS] * 10 + [HALF] * 20, [FIND] * 30, "difference"),
        ([FIND], [MISS], "untold"),
        ([FIND, HALF] * 15, [FIND, HALF] * 15, "equal"),
    ],
)
def test_the_verdict(ones, twos, verdict):
    # Made-up matches: the ground truth is told by the rows, so misses and matches need the same segments.
    pair = told(_same_truth(run_of(ones)), _same_truth(run_of(twos))).pairs[0]
    assert pair.verdict == verdict


def _same_truth(run):
    """Number the segments of the ground truth from 1, so that runs with as many of them have the same ones."""
    frames = {}
    for key, frame in run.ledger.frames.items():
        rows = frame.rows.copy()
        gt = rows[:, 0] == 0
        rows[gt, 1] = np.arange(1, gt.sum() + 1)
        frames[key] = replace(frame, rows=rows)
    return replace(run, ledger=Ledger(frames))


def test_clusters_are_units_of_comparison(runs):
    paths = [runs[name, "coco"] for name in NETWORKS[:2]]
    one = told(*paths)
    ids = [frame.image_id for frame in pqeval.Run.load(paths[0]).frames()]
    table = paths[0].parent / "clusters.csv"
    table.write_text("image_id,part\n" + "".join(f"{name},{place % 6}\n" for place, name in enumerate(ids)))
    two = told(*paths, cluster_by=table)
    assert (one.sample.unit, one.sample.units, one.sample.exact, one.warnings) == ("image", 24, False, ())
    assert (two.sample.unit, two.sample.units, two.sample.exact) == ("part", 6, True)
    assert two.warnings[0].startswith("[few-units]")
    assert "With 6 clusters the interval is rough." in two.pairs[0].sentence
    assert two.pairs[0].groups["All"]["pq"].difference == one.pairs[0].groups["All"]["pq"].difference


def test_json_is_whole_and_the_same_each_time(runs, tmp_path):
    paths = [runs[name, "coco"] for name in NETWORKS]
    found = told(*paths)
    text = found.to_json(tmp_path / "x.json")
    assert text == told(*paths).to_json() == (tmp_path / "x.json").read_text()
    assert json.loads(text)["schema"] == "pqeval.comparison/1"
    assert msgspec.json.decode(text, type=Comparison) == found


def test_predictions_saved_runs_and_runs_can_be_mixed(runs):
    saved = runs["upsnet", "coco"]
    files = {"gt": SCENES / "truth.json", "workers": 1}
    one = told(saved, SCENES / "panoptic_fpn.json", **files)
    two = told(pqeval.Run.load(saved), runs["panoptic_fpn", "coco"], names=["upsnet", "panoptic_fpn"])
    assert one == two


def test_saved_runs_are_compared_without_loading_the_kernels(runs):
    paths = [str(runs[name, "coco"]) for name in NETWORKS[:2]]
    command = f"cli.main(['compare', *{paths!r}, '--resamples', '100'], standalone_mode=False)"
    code = f"from pqeval.cli import cli\n{command}"
    code += "\nimport sys\nassert 'numba' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_names():
    run = run_of([FIND])
    assert names_of(["a/x.pqe", "a/y.pqe", run]) == ["x", "y", "run 3"]
    assert names_of(["a/x.pqe", "b/x.pqe", "a/x.pqe"]) == ["a/x.pqe", "b/x.pqe", "a/x.pqe (3)"]


def warned(run, *lines):
    return replace(run, result=msgspec.structs.replace(run.result, warnings=lines))


def test_the_warnings_of_the_data_are_shown_once_and_by_name(tmp_path):
    both, of_b, old = "[void] both", "[scores] of B", "[few-units] intervals of a run"
    one, two, three = (run_of([FIND, MISS] * 15) for _ in range(3))
    runs = warned(one, both, old), warned(two, both, of_b), warned(three, both, of_b)
    assert told(*runs[:2], names=["A", "B"]).warnings == (both, f"B: {of_b}")
    assert told(*runs, names=["A", "B", "C"]).warnings == (both, f"B, C: {of_b}")
    for run, name in zip(runs, "AB", strict=False):
        run.save(tmp_path / f"{name}.pqe")
    arguments = ["compare", str(tmp_path / "A.pqe"), str(tmp_path / "B.pqe"), "--resamples", "100"]
    done = CliRunner().invoke(cli, [*arguments, "--json", str(tmp_path / "x.json")])
    assert done.stderr == f"warning: {both}\nwarning: B: {of_b}\n"
    assert json.loads((tmp_path / "x.json").read_text())["warnings"] == [both, f"B: {of_b}"]
    assert CliRunner().invoke(cli, [*arguments, "--quiet"]).stderr == ""
    assert f"- warning: B: {of_b}\n" in CliRunner().invoke(cli, [*arguments, "--markdown", "-"]).stdout


def rare_runs(rule="coco"):
    """Class 0 in all of 24 images, class 1 (c2, stuff) in one, where the other finds less; class 2 in two."""
    common = [FIND, MISS] * 11
    runs = []
    for iou, third in ((1.0, FIND), (0.75, MISS)):
        rare = [{1: ([iou], 0, 0)} | third, {2: ([1.0], 0, 0)}, {2: ([iou], 0, 0)}]
        runs.append(_same_truth(run_of(common + rare, rule=rule)))
    return runs


def test_an_interval_from_fewer_than_all_resamples_is_marked():
    found = told(*rare_runs())
    (pair,) = found.pairs
    assert [(row.name, row.images) for row in pair.per_class] == [("c1", 23), ("c2", 1), ("c3", 2)]
    rare = pair.per_class[1].pq
    assert rare.dropped > 0
    assert (rare.low, rare.high) == (-0.25, -0.25)  # a point, which looks certain
    stream = io.StringIO()
    draw(found, stream)
    text, marks = stream.getvalue(), found.to_markdown()
    assert "| -25.0 to -25.0 * |" in text
    assert "| -25.0 to -25.0 * |" in marks
    rows = [line for line in text.splitlines() if " * |" in line]
    assert [row.split("|")[1].strip() for row in rows] == ["Stuff PQ", "Stuff SQ", "Stuff RQ", "20", "30"]
    line = "* in fewer than all resamples: Stuff; c2, 1 image; c3, 2 images\n"
    assert f"\n{line}" in text
    assert f"\n\\{line}" in marks
    draw(found, stream := io.StringIO(), top=0)
    assert "* in fewer than all resamples: Stuff\n" in stream.getvalue()


def test_a_class_in_one_image_is_marked_where_a_resample_counts_it_as_0():
    found = told(*rare_runs("lidar"))
    assert found.pairs[0].per_class[1].pq.dropped == 0
    assert "* in fewer than all resamples: c2, 1 image\n" in found.to_markdown()
    plain_runs = [_same_truth(run_of([FIND, MISS] * 12)), _same_truth(run_of([MISS, FIND] * 12))]
    assert "resamples:" not in told(*plain_runs).to_markdown()


@pytest.mark.parametrize(
    ("units", "options", "words"),
    [
        (5, {}, "swap test p = 0.062: with 5 images the test cannot get below 0.062, so it cannot decide."),
        (6, {}, "swap test p = 0.031: this is hardly noise."),
        (
            24,
            {"resamples": 100, "level": 0.995},
            "swap test p = 0.010: with 100 exchanges the test cannot get below 0.010, so it cannot decide.",
        ),
    ],
)
def test_a_test_that_cannot_reach_the_level_does_not_disagree(units, options, words):
    one, two = (_same_truth(run_of([image] * units)) for image in (MISS, FIND))
    (pair,) = told(one, two, **options).pairs
    assert words in pair.sentence
    assert pair.verdict == ("difference" if "hardly" in words else "undecided")
    (noise,) = told(
        *(_same_truth(run_of(images)) for images in ([FIND, MISS, HALF, MISS], [MISS, FIND, MISS, HALF]))
    ).pairs
    assert noise.verdict == "noise"  # the interval says so, whatever the test could say


def test_all_changed_images_are_found_and_the_command_shows_some(runs, tmp_path):
    paths = [str(runs[name, "coco"]) for name in NETWORKS[:2]]
    (pair,) = pqeval.compare(*paths, resamples=100).pairs
    assert len(pair.images) == pair.changed == 24
    arguments = ["compare", *paths, "--resamples", "100", "--top", "2"]
    done = CliRunner().invoke(cli, [*arguments, "--json", str(tmp_path / "x.json")])
    assert "24 images changed; the 2 that changed most are shown" in done.stdout
    assert len(json.loads((tmp_path / "x.json").read_text())["pairs"][0]["images"]) == 24
    assert len(pqeval.compare(*paths, resamples=100, top=3).pairs[0].images) == 3


# What a person reads.


def test_the_command(runs, tmp_path):
    paths = [str(runs[name, "coco"]) for name in NETWORKS]
    arguments = ["compare", *paths, "--resamples", "500", "--top", "2"]
    done = CliRunner().invoke(
        cli, [*arguments, "--json", str(tmp_path / "x.json"), "--markdown", str(tmp_path / "x.md")]
    )
    assert (done.exit_code, done.stderr) == (0, "")
    found = msgspec.json.decode((tmp_path / "x.json").read_bytes(), type=Comparison)
    for pair in found.pairs:
        assert done.stdout.count(pair.sentence) == 1
        assert f"**{pair.sentence}**" in (tmp_path / "x.md").read_text()
        assert len(pair.images) == pair.changed == 24
    assert "7 classes changed; the 2 that changed most are shown" in done.stdout
    assert "24 images changed; the 2 that changed most are shown" in done.stdout
    assert CliRunner().invoke(cli, [*arguments, "--json", "-"]).stdout == (tmp_path / "x.json").read_text()
    assert CliRunner().invoke(cli, [*arguments, "--markdown", "-"]).stdout == (tmp_path / "x.md").read_text()
    named = CliRunner().invoke(cli, [*arguments, "--name", "a", "--name", "b|c", "--name", "d"])
    assert named.stdout.startswith("b\\|c is ")


def test_the_markdown(runs):
    found = told(*(runs[name, "coco"] for name in NETWORKS[:2]))
    assert found.to_markdown() == markdown(found)
    assert (
        "| id | class | kind | upsnet PQ | panoptic_fpn PQ | difference | 95 % interval | p swap | p Holm |\n"
        in (found.to_markdown())
    )


def delta(difference, low=-0.01, high=0.02, p=0.12):
    other = None if difference is None else 0.5 + difference
    return Delta(0.5, other, difference, low, high, 0.01, 0, p, p)


@pytest.mark.parametrize(
    ("found", "verdict", "text"),
    [
        (
            delta(0.008, -0.002, 0.017),
            "noise",
            "B is 0.8 PQ above A; 95 % interval of the difference -0.2 to 1.7, swap test p = 0.12: "
            "this can be noise.",
        ),
        (
            delta(-0.0004, -0.002, 0.0002, 0.034),
            "unclear",
            "B is 0.04 PQ below A; 95 % interval of the difference -0.2 to 0.0, swap test p = 0.034: "
            "interval and test disagree, so do not count on it.",
        ),
        (
            delta(0.2, 0.1, 0.3, 0.0001),
            "difference",
            "B is 20.0 PQ above A; 95 % interval of the difference 10.0 to 30.0, swap test p < 0.001: "
            "this is hardly noise.",
        ),
        (
            delta(1e-9),
            "noise",
            "B is less than 0.001 PQ above A; 95 % interval of the difference -1.0 to 2.0, swap test p = 0.12: "
            "this can be noise.",
        ),
        (
            delta(0.0),
            "noise",
            "B has the PQ of A; 95 % interval of the difference -1.0 to 2.0, swap test p = 0.12: "
            "this can be noise.",
        ),
        (delta(None), "untold", "B cannot be compared with A: B has no PQ."),
        (delta(0.1, None, None), "untold", "B is 10.0 PQ above A; 24 images cannot tell whether this is noise."),
    ],
)
def test_the_sentence(found, verdict, text):
    assert verdict_of(found, 0.95, 24, 3) == verdict
    assert sentence(("A", "B"), found, verdict, level=0.95, units="24 images", few=False) == text


def test_numbers_are_written_plainly():
    assert [signed(value) for value in (0.0123, -0.0123, 0.0, -1e-9, None)] == [
        "+1.2",
        "-1.2",
        "0.0",
        "0.0",
        "n/a",
    ]
    assert [chance(p) for p in (0.5, 0.0123, 0.0001, None)] == ["= 0.50", "= 0.012", "< 0.001", "n/a"]


# What cannot be compared.

trigger = Triggers()


def refused(*runs, **options):
    with pytest.raises(PqevalError) as caught:
        told(*runs, **options)
    return caught.value


@trigger
def too_few(folder):
    says(
        refused(run_of([FIND])),
        """
        1 to compare
          expected: two or more, and as many names where there are any
          do: name the baseline first, then what is to be compared with it
        """,
    )
    says(
        refused(run_of([FIND]), run_of([FIND]), names=["a"]),
        """
        2 to compare, and 1 names
          expected: two or more, and as many names where there are any
          do: name the baseline first, then what is to be compared with it
        """,
    )


@trigger
def same_names(folder):
    says(
        refused(run_of([FIND]), run_of([FIND]), run_of([FIND]), names=["a", "b", "a"]),
        """
        two of them are called 'a'
          expected: a name of its own for each
          do: choose other names, or leave them out
        """,
    )
    three = refused(*[run_of([FIND])] * 3, names=["a"] * 3)
    assert (three.code, three.found) == ("compare-names", "3 of them are called 'a'")


@trigger
def settled(folder):
    says(
        refused(run_of([FIND]), run_of([FIND]), gt="gt.json", convention="coco"),
        """
        all of them are runs, and gt, convention given with them
          expected: nothing that a run has settled already
          do: leave it out, or evaluate the predictions anew
        """,
    )


@trigger
def no_ground_truth(folder):
    assert refused(run_of([FIND]), folder / "pred.json").code == "side-missing"


@trigger
def nothing(folder):
    says(
        refused(run_of([]), run_of([])),
        """
        there is no image to compare
          expected: at least one image with a segment
          do: check that the ground truth is the right file
        """,
    )


def differing(one, two, text):
    problem = refused(one, two, names=["A", "B"])
    assert problem.code == "not-comparable"
    says(problem, text)


def with_rules(run, **inputs):
    return replace(run, result=msgspec.structs.replace(run.result, inputs={**run.result.inputs, **inputs}))


@trigger
def rules(folder):
    one = run_of([FIND])
    again = "evaluate all of them with the same options"
    differing(
        one,
        run_of([FIND], rule="lidar"),
        f"""
        scored by different rules: convention coco for A, lidar for B
          expected: the same rules for all
          do: {again}
        """,
    )
    differing(
        one,
        replace(one, result=msgspec.structs.replace(one.result, metric="other")),
        f"""
        scored by different rules: metric pq for A, other for B
          expected: the same rules for all
          do: {again}
        """,
    )
    differing(
        with_rules(one, unknown="void", unknown_categories=[4]),
        with_rules(one, unknown="fp"),
        f"""
        scored by different rules: unknown void for A, fp for B; unknown categories 4 for A, none for B
          expected: the same rules for all
          do: {again}
        """,
    )
    assert pqeval.compare(
        one, with_rules(one, unknown="fp"), resamples=100
    )  # an error where there is any: it had none
    differing(
        one,
        replace(one, categories=pqeval.Categories.of([{"id": 1, "name": "x", "isthing": 1}])),
        f"""
        A and B have different category tables
          expected: one category table for all
          do: {again}
        """,
    )
    differing(
        one,
        run_of([FIND], groups={"Own": (10,)}),
        f"""
        A and B have different groups of their own
          expected: the same groups for all
          do: {again}
        """,
    )


@trigger
def images(folder):
    differing(
        run_of([FIND] * 7, names=[1, 2, 3, 4, 5, 6, "x"]),
        run_of([FIND] * 2, names=["x", "y"]),
        """
        A lacks image 'y', and B lacks image 1, 2, 3, 4, 5 and 1 more
          expected: the same images for all
          do: evaluate the same images of both
        """,
    )


@trigger
def truths(folder):
    for other in ([FIND, {1: ([1.0], 0, 0)}], [FIND, {0: ([1.0, 1.0], 0, 0)}]):
        differing(
            run_of([FIND, FIND], names=["a", "b"]),
            run_of(other, names=["a", "b"]),
            """
            A and B were scored on different segments of the ground truth in 1 of 2 images: image 'b'
              expected: one ground truth for all
              do: evaluate both on the same ground truth
            """,
        )


@trigger
def words(folder):
    test_numbers_are_written_plainly()
    test_names()
    told(run_of([FIND]), run_of([FIND]))
    pair = told(*(run_of([FIND] * 2, names=["a_1", "b_1"]) for _ in range(2)), cluster_by="prefix")
    assert pair.sample.unit == "prefix"
    test_the_warnings_of_the_data_are_shown_once_and_by_name(folder)
    few = told(*(_same_truth(run_of([image] * 9)) for image in (MISS, FIND)), resamples=100, level=0.995)
    assert few.pairs[0].verdict == "undecided"
    for difference in (0.1, -0.1, 1e-9, 0.0):
        for verdict in ("noise", "equal", "untold"):
            for few in (True, False):
                sentence(("A", "B"), delta(difference), verdict, level=0.95, units="2 images", few=few)
    for side in (delta(None), replace_baseline(delta(None))):
        sentence(("A", "B"), side, "untold", level=0.95, units="2 images", few=True)


def replace_baseline(found):
    return msgspec.structs.replace(found, baseline=None)


@pytest.mark.parametrize("refusal", trigger, ids=name_of)
def test_what_is_refused(refusal, tmp_path):
    refusal(tmp_path)
