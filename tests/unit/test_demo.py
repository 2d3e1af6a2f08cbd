"""The demonstration: what it saves, what it prints, and the picture.

No test knows what the networks score. Where scores matter, stand-ins take the place of the networks.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numba
import numpy as np
import pytest
from PIL import Image

import pqeval
from pqeval import UsageError
from pqeval.architectures import CATEGORIES, NAMES, Scene, draw_scene
from pqeval.demo import run_demo
from pqeval.demo.picture import MARK, Row, colour_map, errors, save_picture, sheet_size
from pqeval.demo.table import (
    TITLES,
    count_outcomes,
    print_leaderboard,
    say_found,
    say_unknown,
    short_counts,
    short_scores,
    short_segments,
)
from pqeval.errors import FileError

DISC, BOX, TRIANGLE, STAR, SKY, GROUND, WATER = range(1, 8)
RED, BLUE, SKY_BLUE = ([220, 60, 60], [60, 90, 220], [170, 210, 245])
COUNT = 3
WARM_UP, PER_IMAGE = 10.0, 0.25
"""Seconds that a stand-in takes for its first image, and for each other one."""


def rows_of(*categories, crowds=()):
    """List segments 1, 2, 3... of these categories."""
    return [
        {"id": number, "category_id": category, "iscrowd": int(number in crowds)}
        for number, category in enumerate(categories, 1)
    ]


def hand_made(picture, *categories, crowds=()):
    """Turn lines of digits into a map: digit n is the segment of the nth category, 0 is void."""
    lines = picture.split()
    return np.array([list(map(int, line)) for line in lines], np.uint32), rows_of(*categories, crowds=crowds)


def shown(mask):
    return ["".join(".x"[int(pixel)] for pixel in row) for row in mask]


# What is wrong


def test_all_of_a_partner_is_right_and_none_of_the_rest():
    truth = hand_made("111222 111222", DISC, SKY)
    pred = hand_made("112222 111122", DISC, SKY)  # disc 5 of 7, sky 5 of 7
    assert shown(errors(pred, truth)) == ["..x...", "...x.."]
    assert shown(errors(truth, truth)) == ["......", "......"]


def test_an_overlap_of_one_half_is_no_partner():
    truth = hand_made("1111", DISC)
    assert shown(errors(hand_made("1122", DISC, SKY), truth)) == ["xxxx"]
    assert shown(errors(hand_made("1112", DISC, SKY), truth)) == ["...x"]


def test_a_partner_is_of_the_same_class():
    truth = hand_made("112", DISC, SKY)
    assert shown(errors(hand_made("112", BOX, SKY), truth)) == ["xx."]


def test_two_halves_are_both_wrong_and_so_are_two_in_one():
    truth, halves = hand_made("1111 2222", DISC, DISC), hand_made("1122 3333", DISC, DISC, DISC)
    assert shown(errors(halves, truth)) == ["xxxx", "...."]
    assert shown(errors(hand_made("1111 1111", DISC), truth)) == ["xxxx", "xxxx"]


def test_void_and_crowds_are_never_wrong():
    truth = hand_made("1100 2233", DISC, DISC, SKY, crowds=(2,))
    assert shown(errors(hand_made("2222 2222", DISC, BOX), truth)) == ["xx..", "..xx"]
    assert shown(errors(hand_made("0000 0000"), truth)) == ["xx..", "..xx"]


def test_what_lies_on_void_is_not_in_the_union_but_what_lies_on_a_crowd_is():
    assert shown(errors(hand_made("111111", DISC), hand_made("111000", DISC))) == ["......"]
    truth = hand_made("111222", DISC, DISC, crowds=(2,))
    assert shown(errors(hand_made("111111", DISC), truth)) == ["xxx..."]


def test_unknown_is_wrong_where_something_was_asked_for():
    assert shown(errors(hand_made("1100", DISC), hand_made("1112", DISC, SKY))) == ["..xx"]


def test_exactly_the_segments_that_pqeval_matches_have_right_pixels():
    rng = np.random.default_rng(5)
    matched = 0
    for _ in range(60):
        truth = np.repeat(rng.integers(0, 5, (4, 3)), 2, axis=1).astype(np.uint32)
        pred = np.where(rng.random(truth.shape) < 0.7, truth, rng.integers(0, 5, truth.shape)).astype(np.uint32)
        sides = []
        for labels, crowds in ((truth, (4,)), (pred, ())):
            rows = rows_of(*rng.integers(1, 3, 4).tolist(), crowds=crowds)
            sides.append((labels, [row for row in rows if (labels == row["id"]).any()]))
        gt, guess = sides
        result = pqeval.panoptic_quality(gt=gt, pred=guess, categories=CATEGORIES)
        right = ~errors(guess, gt)
        found = [row for row in gt[1] if not row["iscrowd"] and right[gt[0] == row["id"]].any()]
        assert len(found) == count_outcomes(result)[0]
        matched += len(found)
    assert matched > 20


# Colours


def test_the_truth_has_the_colours_of_its_categories_and_black_void():
    truth = hand_made("11100 11100 22222 22222", DISC, SKY)
    colours = colour_map(truth)
    assert colours.dtype == np.uint8
    assert colours[0, 0].tolist() == RED
    assert colours[3, 4].tolist() == SKY_BLUE
    assert (colours[0, 3:] == 0).all()
    assert colours[1, 0].tolist() == [88, 24, 24]  # a border: 0.4 of the colour


def test_instances_of_things_have_shades_of_their_own_and_stuff_has_not():
    wide = np.repeat([[1, 2, 3, 4, 5]], 3, axis=1).astype(np.uint32)
    shades = {tuple(colour.tolist()) for colour in colour_map((wide, rows_of(*[BOX] * 5)))[0, ::3]}
    assert len(shades) == 5
    assert tuple(BLUE) in shades
    stuff = {tuple(colour.tolist()) for colour in colour_map((wide, rows_of(*[SKY] * 5)))[0, ::3]}
    assert stuff == {tuple(SKY_BLUE)}


def test_white_stripes_mark_the_crowd_of_a_truth_and_nothing_else():
    truth = np.repeat([[1], [2]], 16, axis=1).repeat(16, axis=0).astype(np.uint32)
    white = (colour_map((truth, rows_of(DISC, DISC, crowds=(2,)))) == 255).all(axis=-1)
    assert not white[:16].any()
    assert 0.2 < white[16:].mean() < 0.6


def square(number):
    return np.full((16, 16), number, np.uint32)


def test_right_is_pale_and_wrong_keeps_its_colour_under_stripes():
    truth = (square(1), rows_of(DISC))
    pale = colour_map(truth, truth)
    assert (pale == [244, 193, 193]).all()  # 0.32 of the colour, the rest white
    wrong = colour_map((square(1), rows_of(BOX)), truth).reshape(-1, 3).tolist()
    assert {tuple(colour) for colour in wrong} == {tuple(BLUE), tuple(int(part) for part in MARK)}
    assert 0.3 < wrong.count(BLUE) / len(wrong) < 0.8


def test_a_single_wrong_pixel_is_marked_wherever_it_is():
    truth = (np.ones((3, 12), np.uint32), rows_of(DISC))
    for column in range(11):
        pred = truth[0].copy()
        pred[1, column] = 2
        colours = colour_map((pred, rows_of(DISC, BOX)), truth)
        assert colours[1, column].tolist() == [int(part) for part in MARK]


def test_unknown_is_hatched_in_black_and_white_whatever_is_there():
    for truth in ((square(1), rows_of(DISC)), (square(0), [])):
        hatched = colour_map((square(0), []), truth).reshape(-1, 3).tolist()
        assert {tuple(colour) for colour in hatched} == {(0, 0, 0), (255, 255, 255)}
        assert 0.2 < hatched.count([0, 0, 0]) / len(hatched) < 0.8
    truth = (square(1), rows_of(DISC))
    assert not (colour_map(truth, truth) == 0).any()


def test_what_is_not_counted_is_greyish():
    pred = (square(1), rows_of(DISC))
    for truth in ((square(0), []), (square(1), rows_of(DISC, crowds=(1,)))):
        grey = colour_map(pred, truth)
        assert (grey == [178, 146, 146]).all()  # 0.2 of the colour, the rest (168, 168, 168)


# Picture


def painted(seed, height, width):
    """A scene of one disc before the sky, and two predictions of it."""
    rng = np.random.default_rng(seed)
    truth = np.full((height, width), 2, np.uint32)
    truth[4:20, 4:20] = 1
    image = rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
    scene = Scene(seed, image, truth, rows_of(DISC, SKY), np.zeros(truth.shape, np.bool_))
    found = {"upsnet": (truth, rows_of(DISC, SKY)), "panoptic_fcn": (truth, rows_of(BOX, SKY))}
    return Row(scene, found, {"scene": f"image {seed}", "upsnet": "TP 2   FP 0   FN 0"})


SHEET = (2 * 16 + 4 * 256 + 3 * 8, 2 * 16 + 56 + (2 * 96 + 26 + 8) + (2 * 128 + 26 + 8) + (2 * 112 + 26 + 8) + 104)


def test_a_sheet_has_room_for_scenes_of_several_sizes(tmp_path):
    assert sheet_size([96, 128, 112], 4) == SHEET
    assert sheet_size([96], 2) == (2 * 16 + 2 * 256 + 8, 2 * 16 + 56 + (2 * 96 + 26 + 8) + 104)
    rows = [painted(1, 96, 128), painted(2, 128, 96), painted(3, 112, 112)]
    save_picture(rows, {"upsnet": "PQ 12.3"}, tmp_path / "demo.png")
    assert [path.name for path in tmp_path.iterdir()] == ["demo.png"]
    with Image.open(tmp_path / "demo.png") as picture:
        assert picture.format == "PNG"
        assert picture.size == SHEET
        pixels = np.asarray(picture.convert("RGB"))
    top = 16 + 56
    for row in rows:
        height, width = row.scene.id_map.shape
        rectangle = pixels[top : top + 2 * height]
        assert (rectangle[::2, 16 : 16 + 2 * width : 2] == row.scene.image).all()
        truth = row.scene.id_map.repeat(2, 0).repeat(2, 1), row.scene.segments
        for column, (_, segments) in enumerate(row.predictions.values(), 2):
            left = 16 + column * 264
            assert (rectangle[:, left : left + 2 * width] == colour_map((truth[0], segments), truth)).all()
            assert (rectangle[:, left + 2 * width : left + 264] == 255).all()
        top += 2 * height + 26 + 8
    assert (pixels[:16] == 255).all()
    assert (pixels[top + 8 : -8] != 255).any()  # the legend
    assert (pixels[-8:] == 255).all()


def ink(rows, captions, path, rectangle):
    save_picture(rows, captions, path)
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L").crop(rectangle)) < 200


def test_captions_stand_below_titles_and_notes_below_cells(tmp_path):
    row = painted(1, 96, 128)
    caption, note = (544, 46, 800, 68), (544, 72 + 192 + 2, 800, 72 + 192 + 26)
    bare = Row(row.scene, row.predictions, {})
    assert not ink([bare], {}, tmp_path / "demo.png", caption).any()
    assert ink([bare], {"upsnet": "PQ 12.3"}, tmp_path / "demo.png", caption).any()
    assert not ink([bare], {}, tmp_path / "demo.png", note).any()
    assert ink([row], {}, tmp_path / "demo.png", note).any()


def test_a_picture_that_cannot_be_finished_leaves_the_old_one(tmp_path, monkeypatch):
    (tmp_path / "demo.png").write_bytes(b"old")

    def full_disk(source, target):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(FileError, match=r"demo\.png: cannot write: no space left"):
        save_picture([painted(1, 96, 128)], {}, tmp_path / "demo.png")
    assert [path.name for path in tmp_path.iterdir()] == ["demo.png"]
    assert (tmp_path / "demo.png").read_bytes() == b"old"


# Sentences


def score(pred, truth):
    return pqeval.panoptic_quality(gt=truth, pred=pred, categories=CATEGORIES)


TWO_DISCS = "11113333 22223333", (DISC, DISC, SKY)


def test_what_was_found_is_said_in_words():
    truth = hand_made(TWO_DISCS[0], *TWO_DISCS[1])
    result = score(hand_made(TWO_DISCS[0], DISC, BOX, SKY), truth)
    assert say_found("UPSNet", result) == (
        "Of the 3 segments of the truth, UPSNet found 2 (TP) and missed 1 (FN); 1 of its own match nothing (FP)."
    )
    assert count_outcomes(result) == (2, 1, 1)
    assert short_counts(result) == "TP 2   FP 1   FN 1"
    # disc 1 / (1 + 1/2), box 0, sky 1; SQ 1, 0, 1; RQ as PQ
    assert short_scores(result) == "PQ 55.6   SQ 66.7   RQ 55.6"


def test_what_unknown_did_is_said_in_words():
    truth = hand_made(TWO_DISCS[0], *TWO_DISCS[1])
    no_miss = score(hand_made("11110333 22223333", DISC, DISC, SKY), truth)
    assert say_unknown("UPSNet", no_miss) == "UPSNet left 6.2 % of the pixels unknown; no FN lies under them."
    one = score(hand_made("11112222 00002222", DISC, SKY), truth)
    assert say_unknown("UPSNet", one) == (
        "UPSNet left 25.0 % of the pixels unknown; 1 FN lies under them. "
        "Had it guessed wrong there, its PQ of 83.3 would be 75.0."  # disc 1 / (1 + 1/2), and 1 / (1 + 1/2 + 1/2)
    )
    two = score(hand_made("00001111 00001111", SKY), truth)
    assert say_unknown("Panoptic FPN", two) == (
        "Panoptic FPN left 50.0 % of the pixels unknown; 2 FN lie under them. "
        "Had it guessed wrong there, its PQ of 50.0 would be 50.0."
    )


def test_without_a_score_no_other_score_is_named():
    result = score(hand_made("0"), hand_made("1", DISC))
    result.void["pq_if_unknown_were_wrong"] = None
    assert say_unknown("UPSNet", result) == "UPSNet left 100.0 % of the pixels unknown; 1 FN lies under them."


def test_segments_and_crowds_are_counted_apart():
    assert short_segments(rows_of(SKY)) == "1 segment"
    assert short_segments(rows_of(SKY, DISC, DISC, crowds=(2,))) == "2 segments, 1 crowd"
    assert short_segments(rows_of(SKY, DISC, DISC)) == "3 segments"


# From end to end


def scenes_of(seed=0, count=COUNT):
    """Draw the scenes of a demonstration: every third one has a shape that no network has learnt."""
    numbers = range(20_000 + 1000 * seed, 20_000 + 1000 * seed + count)
    return [draw_scene(number, untrained=number % 3 == 0) for number in numbers]


def largest_thing(scene):
    """Return the id of the largest thing of a scene, -1 where there is none."""
    things = [row["id"] for row in scene.segments if row["category_id"] <= STAR and not row["iscrowd"]]
    return max(things, key=lambda number: int((scene.id_map == number).sum()), default=-1)


class StandIns:
    """Take the place of `predict` and of the clock: Panoptic-DeepLab is perfect, and the others are not.

    Panoptic FPN sees sky and nothing else. UPSNet leaves the largest thing of each scene unknown, and Panoptic FCN
    calls it something else.
    """

    def __init__(self, scenes):
        self.scenes = {scene.image.tobytes(): scene for scene in scenes}
        self.now = 0.0
        self.begun = set()

    def clock(self):
        return self.now

    def predict(self, name, image):
        self.now += PER_IMAGE if name in self.begun else WARM_UP
        self.begun.add(name)
        scene = self.scenes[image.tobytes()]
        rows = [{"id": row["id"], "category_id": row["category_id"]} for row in scene.segments]
        if name == "panoptic_fpn":
            return np.ones_like(scene.id_map), [{"id": 1, "category_id": SKY}]
        chosen = largest_thing(scene)
        if name == "upsnet":
            return np.where(scene.id_map == chosen, 0, scene.id_map), [row for row in rows if row["id"] != chosen]
        if name == "panoptic_fcn":
            for row in rows:
                if row["id"] == chosen:
                    row["category_id"] = row["category_id"] % STAR + 1
        return scene.id_map, rows


def demonstrate(output, **options):
    stream, steps = io.StringIO(), []
    results = run_demo(output, stream=stream, log=steps.append, **{"count": COUNT} | options)
    return results, stream.getvalue(), steps


def demonstrate_with_stand_ins(output, *, seed=0, count=COUNT, **options):
    stand_ins = StandIns(scenes_of(seed, count))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pqeval.architectures.prediction.predict", stand_ins.predict)
        patch.setattr(time, "perf_counter", stand_ins.clock)
        return demonstrate(output, seed=seed, count=count, **options)


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    output = tmp_path_factory.mktemp("played") / "made" / "here"
    return output, *demonstrate_with_stand_ins(output)


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    if numba.config.DISABLE_JIT:
        pytest.skip("the networks take more than ten seconds for an image where their loops are not compiled")
    output = tmp_path_factory.mktemp("real") / "made" / "here"
    return output, *demonstrate(output)


@pytest.fixture(params=["played", "real"])
def demo(request):
    return request.getfixturevalue(request.param)


def test_networks_are_listed_best_first(demo):
    results = demo[1]
    assert sorted(results) == sorted(NAMES)
    scores = [result.pq for result in results.values()]
    assert scores == sorted(scores, reverse=True)


def test_the_perfect_one_is_first_and_the_one_that_sees_sky_is_last(played):
    assert list(played[1]) == ["panoptic_deeplab", "upsnet", "panoptic_fcn", "panoptic_fpn"]


def test_networks_that_are_equally_good_keep_their_order(tmp_path, monkeypatch):
    predict = StandIns.predict
    monkeypatch.setattr(StandIns, "predict", lambda self, name, image: predict(self, "panoptic_deeplab", image))
    assert list(demonstrate_with_stand_ins(tmp_path, count=1)[0]) == list(NAMES)


def test_scores_are_those_of_what_was_predicted(played):
    results = played[1]
    counts = {name: count_outcomes(result) for name, result in results.items()}
    segments = sum(not row["iscrowd"] for scene in scenes_of() for row in scene.segments)
    perfect = results["panoptic_deeplab"]
    assert (perfect.pq, perfect.sq, perfect.rq) == (1.0, 1.0, 1.0)
    assert counts["panoptic_deeplab"] == (segments, 0, 0)
    assert counts["upsnet"] == (segments - COUNT, 0, COUNT)
    assert counts["panoptic_fcn"] == (segments - COUNT, COUNT, COUNT)
    assert results["upsnet"].void["fn_unknown"] == COUNT
    assert results["panoptic_fcn"].void["unknown_pixels"] == sum(
        (scene.id_map == 0).sum() for scene in scenes_of()
    )


def percent(score):
    return f"{100 * score:.1f}"


def lines_of(results, text):
    """Return the fields of each network's line, in the order of the results."""
    lines = [line for line in text.splitlines() if line.startswith(tuple(TITLES.values()))][: len(results)]
    titles = [TITLES[name] for name in results]
    assert [line[: len(title) + 1].rstrip() for line, title in zip(lines, titles, strict=True)] == titles
    return [line.removeprefix(title).split() for line, title in zip(lines, titles, strict=True)]


def test_the_table_has_every_number_of_the_results(demo):
    _, results, text, _ = demo
    headings = ["PQ", "SQ", "RQ", "things", "stuff", "TP", "FP", "FN", "%", "image"]
    assert next(line.split()[1:] for line in text.splitlines() if line.startswith("Network")) == headings
    for fields, result in zip(lines_of(results, text), results.values(), strict=True):
        scores = (result.pq, result.sq, result.rq, result.groups["Things"].pq, result.groups["Stuff"].pq)
        counts = [sum(getattr(row, name) for row in result.per_class) for name in ("tp", "fp", "fn")]
        unknown = percent(result.void["unknown_pixels"] / result.void["pixels"])
        assert fields[:-1] == [*map(percent, scores), *map(str, counts), unknown]


def test_milliseconds_are_those_of_an_image_without_the_first_call(played):
    _, results, text, _ = played
    assert [fields[-1] for fields in lines_of(results, text)] == ["250"] * 4


def test_milliseconds_are_measured(real):
    _, results, text, _ = real
    assert all(int(fields[-1]) >= 1 for fields in lines_of(results, text))


def test_the_sentences_are_about_the_best_one_and_about_upsnet(demo):
    _, results, text, _ = demo
    lines = text.splitlines()
    best = next(iter(results))
    assert say_found(TITLES[best], results[best]) in lines
    assert say_unknown("UPSNet", results["upsnet"]) in lines


def files_of(output):
    return [path.relative_to(output) for path in sorted(output.rglob("*")) if path.is_file()]


def test_output_holds_picture_truth_and_predictions_and_says_so(demo):
    output, _, text, steps = demo
    names = ["truth", *NAMES]
    assert {path.name for path in output.iterdir()} == {"demo.png", *names, *(f"{name}.json" for name in names)}
    assert all(len(list((output / name).glob("*.png"))) == COUNT for name in names)
    assert str(output / "demo.png") in text
    assert f"pqeval evaluate --gt {output}/truth.json --pred {output}/upsnet.json --per-class" in text
    assert len(steps) == 7
    assert [step.partition(":")[0] for step in steps[1:5]] == [TITLES[name] for name in NAMES]


def saved(path):
    """Read a saved side back without our own reader: image id, map and segments of each image."""
    for annotation in json.loads(path.read_text())["annotations"]:
        with Image.open(path.with_suffix("") / annotation["file_name"]) as picture:
            colours = np.asarray(picture.convert("RGB")).astype(np.uint32)
        yield annotation["image_id"], colours @ np.array([1, 256, 65536], np.uint32), annotation["segments_info"]


def test_the_saved_truth_is_that_of_the_scenes(demo):
    for scene, (image_id, id_map, rows) in zip(scenes_of(), saved(demo[0] / "truth.json"), strict=True):
        assert image_id == scene.seed
        assert (id_map == scene.id_map).all()
        listed = [{key: row[key] for key in ("id", "category_id", "iscrowd")} for row in rows]
        assert listed == scene.segments
        assert (id_map[scene.untrained] == 0).all()
    assert any(scene.untrained.any() for scene in scenes_of())
    assert json.loads((demo[0] / "truth.json").read_text())["categories"] == CATEGORIES


def test_saved_predictions_score_as_printed(demo):
    output, results, _, _ = demo
    for name, result in results.items():
        metric = pqeval.PanopticQuality(CATEGORIES)
        sides = zip(saved(output / "truth.json"), saved(output / f"{name}.json"), strict=True)
        for (image_id, truth, rows), (_, pred, found) in sides:
            metric.update(gt=(truth, rows), pred=(pred, found), image_id=image_id)
        again = metric.compute()
        assert (again.groups, again.per_class, again.void) == (result.groups, result.per_class, result.void)


def test_the_picture_shows_the_scenes_with_the_counts_of_each(played, tmp_path):
    output = played[0]
    rows = []
    for scene in scenes_of():
        truth = scene.id_map, scene.segments
        stand_ins = StandIns(scenes_of())
        found = {name: stand_ins.predict(name, scene.image) for name in NAMES}
        notes = {name: short_counts(score(pred, truth)) for name, pred in found.items()}
        assert notes["panoptic_deeplab"].endswith("FP 0   FN 0")
        assert notes["panoptic_fcn"].endswith("FP 1   FN 1")
        rows.append(Row(scene, found, notes | {"scene": f"image {scene.seed}", "truth": short_segments(truth[1])}))
    captions = {name: short_scores(result) for name, result in played[1].items()}
    captions |= {"scene": "what the networks see", "truth": "what they should find"}
    save_picture(rows, captions, tmp_path / "demo.png")
    assert (tmp_path / "demo.png").read_bytes() == (output / "demo.png").read_bytes()


def test_the_picture_shows_no_more_than_six_scenes(tmp_path):
    demonstrate_with_stand_ins(tmp_path, count=7)
    with Image.open(tmp_path / "demo.png") as picture:
        assert picture.size == sheet_size([scene.id_map.shape[0] for scene in scenes_of(count=6)], 6)


def without_milliseconds(text):
    return re.sub(r" +\d+$", "", text, flags=re.MULTILINE)


def test_a_second_run_repeats_every_byte_and_spares_other_files(real, tmp_path, monkeypatch):
    output = real[0]
    # Into a pipe go neither colours nor the width of a terminal, whatever the environment says.
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    for name in ("notes.txt", "truth.json", "demo.png"):
        (tmp_path / name).write_text("mine")
    _, text, _ = demonstrate(tmp_path, workers=1)
    assert "\x1b" not in text
    assert without_milliseconds(text.replace(str(tmp_path), str(output))) == without_milliseconds(real[2])
    assert len(files_of(output)) == 1 + 5 + 5 * COUNT
    for name in files_of(output):
        assert (tmp_path / name).read_bytes() == (output / name).read_bytes(), name
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_another_seed_draws_other_scenes(tmp_path):
    demonstrate_with_stand_ins(tmp_path, seed=1, count=1)
    ((image_id, id_map, _),) = saved(tmp_path / "truth.json")
    assert image_id == 21_000
    assert (id_map == scenes_of(1, 1)[0].id_map).all()


def test_a_terminal_gets_colours(played, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Terminal()
    print_leaderboard(played[1], dict.fromkeys(NAMES, 1.0), played[0], stream)
    assert "\x1b[" in stream.getvalue()


def test_one_scene_is_enough_and_none_is_refused(tmp_path):
    assert demonstrate_with_stand_ins(tmp_path / "one", count=1)[0]["panoptic_deeplab"].pq == 1.0
    with pytest.raises(UsageError, match="at least 1 scene"):
        demonstrate(tmp_path / "none", count=0)
    assert not (tmp_path / "none").exists()


def test_importing_the_demonstration_is_cheap():
    heavy = "{'numpy', 'PIL', 'rich', 'scipy', 'numba', 'pqeval.evaluation', 'pqeval.architectures.prediction'}"
    code = f"import sys, pqeval.demo; print(sorted({heavy} & set(sys.modules)))"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "[]"
