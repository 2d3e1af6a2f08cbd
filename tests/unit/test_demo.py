"""The demonstration: scenes, mistakes, picture, and the table they end in."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pqeval import UsageError
from pqeval.demo.mistakes import MISTAKES
from pqeval.demo.picture import Row, colour_map, save_picture
from pqeval.demo.scenes import draw_scenes
from pqeval.demo.world import BALL, CATEGORIES, CRATE, GRASS, IS_THING, SKY, TENT

KINDS = ["perfect", "shifted", "merged", "split", "missed", "wrong class", "unknown"]
SEEDS = range(12)


def hand_made():
    """A map small enough to count by hand: two touching crates, a ball, a tent, a crowd of two, void."""
    id_map = np.zeros((32, 48), np.uint32)
    id_map[:10, :46] = 1001
    id_map[10:, :46] = 1002
    id_map[12:20, 2:10] = 2001
    id_map[12:20, 10:18] = 2002
    id_map[12:16, 24:28] = 2003
    id_map[22:28, 30:36] = 2004
    id_map[24:26, 4:6] = id_map[24:26, 8:10] = 2005
    rows = [(1001, SKY), (1002, GRASS), (2001, CRATE), (2002, CRATE), (2003, BALL), (2004, TENT)]
    segments = [{"id": number, "category_id": category, "iscrowd": 0} for number, category in rows]
    return id_map, [*segments, {"id": 2005, "category_id": BALL, "iscrowd": 1}]


def spoil(kind, id_map, segments, seed=0):
    return MISTAKES[kind][0](id_map, segments, np.random.default_rng(seed))


def areas(labelling):
    """List (category, pixels) of every segment, sorted."""
    id_map, segments = labelling
    return sorted((row["category_id"], int((id_map == row["id"]).sum())) for row in segments)


def category_map(labelling):
    id_map, segments = labelling
    categories = np.zeros(id_map.shape, int)
    for row in segments:
        categories[id_map == row["id"]] = row["category_id"]
    return categories


# Scenes


def test_the_same_seed_draws_the_same_scenes_and_another_seed_others():
    first, again, other = draw_scenes(3, 4), draw_scenes(3, 4), draw_scenes(4, 4)
    for one, two, three in zip(first, again, other, strict=True):
        assert one.rgb.tobytes() == two.rgb.tobytes()
        assert one.id_map.tobytes() == two.id_map.tobytes()
        assert one.segments == two.segments
        assert one.id_map.tobytes() != three.id_map.tobytes()


def test_a_scene_does_not_depend_on_how_many_are_drawn():
    few, many = draw_scenes(0, 2), draw_scenes(0, 7)
    assert few[1].id_map.tobytes() == many[1].id_map.tobytes()
    assert many[0].rgb.tobytes() != many[6].rgb.tobytes()  # of one size, ground and kind of void


def test_scenes_hold_what_the_demonstration_is_about():
    scenes = draw_scenes(0, 8)
    assert [scene.image_id for scene in scenes] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert {scene.id_map.shape for scene in scenes} == {(180, 240), (160, 240), (180, 216)}
    crowds = [sum(row["iscrowd"] for row in scene.segments) for scene in scenes]
    assert crowds == [1, 0, 0, 1, 0, 0, 1, 0]
    shown = {row["category_id"] for scene in scenes for row in scene.segments}
    assert shown == {category["id"] for category in CATEGORIES}
    for scene in scenes:
        assert scene.rgb.shape == (*scene.id_map.shape, 3)
        assert scene.rgb.dtype == np.uint8
        assert scene.id_map.dtype == np.uint32
        assert (scene.id_map == 0).any()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_truth_lists_exactly_the_ids_of_its_map(seed):
    for scene in draw_scenes(seed, 6):
        listed = [row["id"] for row in scene.segments]
        assert len(set(listed)) == len(listed)
        assert set(np.unique(scene.id_map).tolist()) - {0} == set(listed)
        assert min(listed) >= 1000
        assert max(listed) < 1 << 24
        assert min(pixels for _, pixels in areas((scene.id_map, scene.segments))) >= 20


# Mistakes


def test_the_table_of_mistakes_is_in_order():
    assert list(MISTAKES) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_every_predicted_id_is_listed_and_has_pixels(kind):
    for scene in draw_scenes(1, 6):
        id_map, segments = spoil(kind, scene.id_map, scene.segments)
        assert id_map.dtype == np.uint32
        assert id_map.shape == scene.id_map.shape
        assert all(row.keys() == {"id", "category_id"} for row in segments)
        listed = [row["id"] for row in segments]
        assert set(np.unique(id_map).tolist()) - {0} == set(listed)
        assert not set(listed) & {row["id"] for row in scene.segments}


@pytest.mark.parametrize("kind", KINDS)
def test_mistakes_are_deterministic_and_leave_the_truth_alone(kind):
    id_map, segments = hand_made()
    before = id_map.tobytes(), json.dumps(segments)
    first, again = (spoil(kind, id_map, segments, seed=5) for _ in range(2))
    assert first[0].tobytes() == again[0].tobytes()
    assert first[1] == again[1]
    assert (id_map.tobytes(), json.dumps(segments)) == before


def test_perfect_fills_void_and_draws_the_crowd_one_by_one():
    id_map, segments = hand_made()
    pred = spoil("perfect", id_map, segments)
    grass = 22 * 48 - 64 - 64 - 16 - 36 - 8
    assert areas(pred) == [
        (BALL, 4), (BALL, 4), (BALL, 16), (CRATE, 64), (CRATE, 64), (TENT, 36), (SKY, 480), (GRASS, grass),
    ]  # fmt: skip
    labelled = id_map > 0
    assert (category_map(pred) == category_map((id_map, segments)))[labelled].all()


@pytest.mark.parametrize("seed", SEEDS)
def test_shifted_moves_every_object_by_two_or_three_pixels(seed):
    id_map, segments = hand_made()
    pred = spoil("shifted", id_map, segments, seed)
    categories = category_map(pred)
    assert (pred[0] > 0).all()
    assert (np.bincount(categories.ravel(), minlength=18)[[BALL, TENT]] == [16 + 8, 36]).all()
    for category, y, x, height, width in ((BALL, 12, 24, 4, 4), (TENT, 22, 30, 6, 6)):
        window = np.zeros(id_map.shape, bool)
        window[y - 3 : y + height + 3, x - 3 : x + width + 3] = True
        rows, columns = np.nonzero((categories == category) & window)
        assert len(rows) == height * width
        assert abs(rows.min() - y) in (2, 3)
        assert abs(columns.min() - x) in (2, 3)
    assert (categories[24:26, 4:10] == BALL).sum() == 8


def test_shifted_objects_move_in_different_directions():
    id_map, segments = hand_made()
    places = set()
    for seed in SEEDS:
        rows, columns = np.nonzero(category_map(spoil("shifted", id_map, segments, seed)) == TENT)
        places.add((int(np.sign(rows.min() - 22)), int(np.sign(columns.min() - 30))))
    assert places == {(-1, -1), (-1, 1), (1, -1), (1, 1)}


def test_what_is_shifted_out_of_the_picture_does_not_come_back_on_the_other_side():
    id_map, segments = hand_made()
    id_map[12:20, 0:8] = 2001
    id_map[12:20, 8:10] = 1002
    for seed in SEEDS:
        assert (category_map(spoil("shifted", id_map, segments, seed))[:, 40:] != CRATE).all()


def test_what_is_shifted_out_of_the_picture_altogether_is_not_listed():
    id_map = np.full((9, 9), 1001, np.uint32)
    id_map[:2, :2] = 2001
    rows = [(1001, SKY), (2001, CRATE)]
    segments = [{"id": number, "category_id": category, "iscrowd": 0} for number, category in rows]
    shown = {tuple(areas(spoil("shifted", id_map, segments, seed))) for seed in range(40)}
    assert shown == {((SKY, 81),), ((CRATE, 4), (SKY, 77))}


def test_merged_joins_touching_neighbours_and_the_crowd():
    id_map, segments = hand_made()
    things = [row for row in areas(spoil("merged", id_map, segments)) if IS_THING[row[0]]]
    assert things == [(BALL, 8), (BALL, 16), (CRATE, 128), (TENT, 36)]


def test_merged_takes_the_nearest_pair_and_leaves_distant_objects_alone():
    id_map = np.full((8, 60), 1001, np.uint32)
    for number, left in enumerate((0, 8, 12, 40)):
        id_map[:2, left : left + 2] = 2001 + number
    segments = [{"id": 1001, "category_id": SKY, "iscrowd": 0}]
    segments += [{"id": 2001 + number, "category_id": CRATE, "iscrowd": 0} for number in range(4)]
    pred, listed = spoil("merged", id_map, segments)
    assert pred[0, 8] == pred[0, 12]
    assert len({int(pred[0, left]) for left in (0, 8, 40)}) == 3
    assert areas((pred, listed)) == [(CRATE, 4), (CRATE, 4), (CRATE, 8), (SKY, 480 - 16)]


@pytest.mark.parametrize("seed", SEEDS)
def test_split_cuts_two_objects_in_two(seed):
    id_map, segments = hand_made()
    pred = spoil("split", id_map, segments, seed)
    perfect = spoil("perfect", id_map, segments)
    assert len(perfect[1]) == 8
    assert len(pred[1]) == 10
    assert (category_map(pred) == category_map(perfect)).all()
    cut = 0
    for row in segments:
        if row["id"] > 2000 and not row["iscrowd"]:
            pixels = np.unique(pred[0][id_map == row["id"]], return_counts=True)[1]
            cut += len(pixels) == 2
            assert len(pixels) in (1, 2)
            # A cut runs between pixels, so it misses 30 % or 50 % by up to a row: one in four for the ball.
            assert pixels.min() >= 0.25 * pixels.sum()
    assert cut == 2


@pytest.mark.parametrize("seed", SEEDS)
def test_missed_turns_two_objects_into_the_stuff_around_them(seed):
    id_map, segments = hand_made()
    pred = spoil("missed", id_map, segments, seed)
    perfect = spoil("perfect", id_map, segments)
    assert len(pred[1]) == 6
    assert (pred[0] > 0).all()
    changed = category_map(pred) != category_map(perfect)
    assert (category_map(pred)[changed] == GRASS).all()
    assert len(np.unique(id_map[changed])) == 2


@pytest.mark.parametrize("seed", SEEDS)
def test_wrong_class_and_unknown_touch_the_same_two_objects_and_no_crowd(seed):
    id_map, segments = hand_made()
    perfect = category_map(spoil("perfect", id_map, segments))
    wrong, unknown = (spoil(kind, id_map, segments, seed) for kind in ("wrong class", "unknown"))
    missed, split = (spoil(kind, id_map, segments, seed) for kind in ("missed", "split"))
    assert len(wrong[1]) == 8
    assert len(unknown[1]) == 6
    mislabelled = category_map(wrong) != perfect
    assert sorted(np.unique(id_map[mislabelled]).tolist()) == sorted(np.unique(id_map[unknown[0] == 0]).tolist())
    assert (mislabelled == (unknown[0] == 0)).all()
    assert (mislabelled == (category_map(missed) != perfect)).all()
    touched = set(np.unique(id_map[mislabelled]).tolist())
    assert len(touched) == 2
    assert touched < {2001, 2002, 2003, 2004}
    assert all(IS_THING[int(category)] for category in np.unique(category_map(wrong)[mislabelled]))
    for number in (2001, 2002, 2003, 2004):
        assert len(np.unique(split[0][id_map == number])) == (2 if number in touched else 1)


def test_a_scene_without_things_can_be_spoilt_too():
    id_map = np.full((4, 4), 1001, np.uint32)
    segments = [{"id": 1001, "category_id": SKY, "iscrowd": 0}]
    for kind in KINDS:
        assert areas(spoil(kind, id_map, segments)) == [(SKY, 16)]


# Picture


def test_colours_show_void_crowd_right_wrong_and_unknown():
    id_map, segments = hand_made()
    truth = colour_map((id_map, segments))
    assert (truth[:, 47] == 0).all()
    assert truth[4, 4].tolist() == [168, 206, 240]
    assert truth[14, 25].tolist() == [224, 62, 54]
    for seed in SEEDS:
        wrong, unknown = (spoil(kind, id_map, segments, seed) for kind in ("wrong class", "unknown"))
        if (unknown[0] == 0)[23, 31]:
            break
    shown = colour_map(wrong, (id_map, segments))
    assert shown[4, 4].tolist() == [
        227,
        239,
        250,
    ]  # sky, right, hence pale: 0.32 of the colour, the rest white
    assert shown[4, 47].tolist() == [227, 239, 250]  # nothing is wrong where the truth is void
    assert np.ptp(shown[24, 32]) > 80  # the tent, wrong, hence in full colour
    assert shown[24, 35].tolist() == [255, 0, 170]  # its true outline
    hatched = colour_map(unknown, (id_map, segments))[23:27, 31:35].reshape(-1, 3)
    assert {tuple(pixel) for pixel in hatched.tolist()} == {(0, 0, 0), (255, 255, 255)}


def test_nothing_differs_where_only_void_is_labelled_otherwise():
    id_map, segments = hand_made()
    id_map[22:28, 33:] = 0  # the truth does not know about the right half of the tent
    id_map[24:26, 8:10] = 0  # nor about one half of the crowd
    pred, listed = spoil("perfect", *hand_made())
    shown = colour_map((pred, listed), (id_map, segments))
    assert np.ptp(shown, axis=-1).max() < 90  # all of it pale
    pred[pred == pred[14, 25]] = pred[30, 0]
    assert np.ptp(colour_map((pred, listed), (id_map, segments)), axis=-1).max() > 90


def test_white_stripes_mark_the_crowd_and_nothing_else():
    scene = draw_scenes(0, 1)[0]
    white = (colour_map((scene.id_map, scene.segments)) == 255).all(axis=-1)
    crowd = [row["id"] for row in scene.segments if row["iscrowd"]]
    assert np.unique(scene.id_map[white]).tolist() == crowd


@pytest.fixture(scope="module")
def rows():
    scenes = draw_scenes(0, 2)
    return [
        Row(scene, {kind: spoil(kind, scene.id_map, scene.segments) for kind in KINDS[1:]}) for scene in scenes
    ]


def test_picture_is_a_png_of_the_expected_size(rows, tmp_path):
    save_picture(rows, {"shifted": "PQ 12.3"}, tmp_path / "demo.png")
    with Image.open(tmp_path / "demo.png") as picture:
        assert picture.format == "PNG"
        assert picture.size == (2 * 16 + 8 * 240 + 7 * 8, 2 * 16 + 56 + 180 + 160 + 2 * 8 + 64)
        pixels = np.asarray(picture.convert("RGB"))
    assert (pixels[72:252, 16:256] == rows[0].scene.rgb).all()
    assert [path.name for path in tmp_path.iterdir()] == ["demo.png"]


def test_a_picture_that_cannot_be_finished_leaves_the_old_one(rows, tmp_path, monkeypatch):
    (tmp_path / "demo.png").write_bytes(b"old")

    def full_disk(source, target):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(OSError, match="no space left"):
        save_picture(rows, {}, tmp_path / "demo.png")
    assert [path.name for path in tmp_path.iterdir()] == ["demo.png"]
    assert (tmp_path / "demo.png").read_bytes() == b"old"


# From end to end


def demonstrate(output, **options):
    from pqeval.demo import run_demo

    stream, steps = io.StringIO(), []
    results = run_demo(output, stream=stream, log=steps.append, **options)
    return results, stream.getvalue(), steps


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    output = tmp_path_factory.mktemp("demo") / "made" / "here"
    return output, *demonstrate(output)


def outcomes(result):
    return tuple(sum(getattr(row, name) for row in result.per_class) for name in ("tp", "fp", "fn"))


def test_perfect_is_exactly_one(demo):
    perfect = demo[1]["perfect"]
    assert (perfect.pq, perfect.sq, perfect.rq) == (1.0, 1.0, 1.0)
    assert outcomes(perfect)[1:] == (0, 0)


def test_every_other_kind_loses(demo):
    results = demo[1]
    assert list(results) == KINDS
    for kind in KINDS[1:]:
        assert 0 < results[kind].pq < 1


def test_shifted_loses_in_sq_and_missed_in_rq(demo):
    results = demo[1]
    assert results["shifted"].sq < 0.85
    assert results["missed"].sq > 0.95
    assert results["missed"].rq < 0.9
    assert outcomes(results["missed"])[1:] == (0, outcomes(results["unknown"])[2])


def test_unknown_costs_the_same_misses_as_wrong_class_but_no_false_positives(demo):
    results = demo[1]
    (wrong_tp, wrong_fp, wrong_fn), (tp, fp, fn) = (outcomes(results[kind]) for kind in ("wrong class", "unknown"))
    assert (tp, fn) == (wrong_tp, wrong_fn)
    assert fp == 0
    assert wrong_fp == wrong_fn > 10
    assert results["unknown"].pq > results["wrong class"].pq


def saved_categories(path):
    """Read a saved prediction back without our own reader: one category map per image, 0 for void."""
    for annotation in json.loads(path.read_text())["annotations"]:
        with Image.open(path.with_suffix("") / annotation["file_name"]) as picture:
            colours = np.asarray(picture.convert("RGB")).astype(int)
        ids = colours @ [1, 256, 65536]
        yield category_map((ids, annotation["segments_info"]))


def test_the_saved_wrong_class_and_unknown_touch_the_same_pixels(demo):
    output = demo[0]
    kinds = (saved_categories(output / f"{name}.json") for name in ("perfect", "wrong-class", "unknown", "missed"))
    for perfect, wrong, unknown, missed in zip(*kinds, strict=True):
        touched = wrong != perfect
        assert touched.sum() > 100
        assert (touched == (unknown == 0)).all()
        assert (touched == (missed != perfect)).all()


def test_the_crowd_is_forgiven_ball_by_ball_or_as_one(demo):
    results = demo[1]
    assert results["merged"].void["fp_forgiven_by_crowd"] == 3  # three scenes have a crowd
    assert results["perfect"].void["fp_forgiven_by_crowd"] > 50


def test_only_unknown_has_unknown_pixels(demo):
    for kind, result in demo[1].items():
        assert (result.void["unknown_pixels"] > 0) == (kind == "unknown")
    unknown = demo[1]["unknown"]
    assert unknown.void["fn_unknown"] == outcomes(unknown)[2]


def test_the_table_has_a_row_per_kind_with_the_scores(demo):
    _, results, text, _ = demo
    lines = text.splitlines()
    places = [next(place for place, line in enumerate(lines) if line.startswith(f"{kind} ")) for kind in KINDS]
    assert places == sorted(places)
    for kind, place in zip(KINDS, places, strict=True):
        result = results[kind]
        scores = (result.pq, result.sq, result.rq, result.groups["Things"].pq, result.groups["Stuff"].pq)
        expected = [f"{100 * score:.1f}" for score in scores] + [str(number) for number in outcomes(result)]
        assert lines[place].removeprefix(kind).split()[:8] == expected
        assert lines[place].rstrip().endswith(MISTAKES[kind][1])
    assert lines[places[0]].split()[1:6] == ["100.0"] * 5


def test_the_sentence_is_computed_from_the_numbers(demo):
    _, results, text, _ = demo
    wrong, unknown = results["wrong class"], results["unknown"]
    flat = " ".join(text.split())
    assert (
        f"cost {100 * (1 - wrong.pq):.1f} points of PQ (FN {outcomes(wrong)[2]}, FP {outcomes(wrong)[1]})" in flat
    )
    assert f"left unknown, {100 * (1 - unknown.pq):.1f} (FN {outcomes(unknown)[2]}, FP 0)" in flat
    assert "a wrong answer is worse than none" in flat


def test_output_holds_picture_truth_and_predictions_and_says_so(demo):
    output, _, text, steps = demo
    names = ["truth", "perfect", "shifted", "merged", "split", "missed", "wrong-class", "unknown"]
    expected = {"demo.png", *names, *(f"{name}.json" for name in names)}
    assert {path.name for path in output.iterdir()} == expected
    assert all(len(list((output / name).glob("*.png"))) == 8 for name in names)
    assert str(output / "demo.png") in text
    assert f"pqeval evaluate --gt {output}/truth.json --pred {output}/unknown.json" in text
    assert len(steps) == 9


def test_a_second_run_repeats_every_byte_and_spares_other_files(demo, tmp_path, monkeypatch):
    output = demo[0]
    # Into a pipe go neither colours nor the width of a terminal, whatever the environment says.
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    for name in ("notes.txt", "truth.json", "demo.png"):
        (tmp_path / name).write_text("mine")
    _, text, _ = demonstrate(tmp_path)
    assert "\x1b" not in text
    assert text.replace(str(tmp_path), str(output)) == demo[2]
    files = [path.relative_to(output) for path in sorted(output.rglob("*")) if path.is_file()]
    assert len(files) == 1 + 8 + 64
    for name in files:
        assert (tmp_path / name).read_bytes() == (output / name).read_bytes(), name
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_terminal_gets_colours(demo, monkeypatch):
    from pqeval.demo.table import print_table

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Terminal()
    print_table(demo[1], {kind: what for kind, (_, what) in MISTAKES.items()}, demo[0], stream)
    assert "\x1b[" in stream.getvalue()


def test_one_scene_is_enough_and_none_is_refused(tmp_path):
    assert demonstrate(tmp_path / "one", count=1)[0]["perfect"].pq == 1.0
    with pytest.raises(UsageError, match="at least 1 scene"):
        demonstrate(tmp_path / "none", count=0)
    assert not (tmp_path / "none").exists()


def test_importing_the_demonstration_is_cheap():
    heavy = "{'numpy', 'PIL', 'rich', 'scipy', 'numba', 'pqeval.evaluation'}"
    code = f"import sys, pqeval.demo; print(sorted({heavy} & set(sys.modules)))"
    root = Path(__file__).parents[2]
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert shown.stdout.strip() == "[]"
