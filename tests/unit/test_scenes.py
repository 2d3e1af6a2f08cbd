"""The synthetic scenes that the small reference networks learn from."""

from __future__ import annotations

import itertools
import zlib
from collections import Counter

import numpy as np
import pytest
from numpy.random import RandomState
from scipy import ndimage

from pqeval import UsageError
from pqeval.architectures import scenes as module
from pqeval.architectures._canvas import LEAST_PIXELS, RIM, Canvas
from pqeval.architectures._shapes import STRETCH, Placed, cover
from pqeval.architectures._textures import LEAST_CONTRAST, paint, photograph
from pqeval.architectures._things import FREQUENCIES, place_things
from pqeval.architectures.scenes import CATEGORIES, SIZES, STUFF, THINGS, draw_scene

COUNT = 160
NAMES = {category["id"]: category["name"] for category in CATEGORIES}
STAR, GROUND, WATER = 4, 6, 7

PIXELS = [
    [[140, 171, 200], [150, 164, 203], [126, 163, 195]],
    [[138, 122, 98], [132, 106, 91], [45, 101, 120]],
    [[203, 174, 246], [130, 111, 82], [146, 100, 50]],
]
SEGMENTS = [(number, category, 0) for number, category in enumerate((5, 6, 7, 3, 2, 2, 3, 2, 2, 2), 1)]
"""Of seed 7."""

AREAS = {
    "disc": np.pi * 0.9**2,
    "box": 1.6**2,
    "triangle": 0.75 * 3**0.5 * 1.25**2,
    "star": 5 * 1.25 * 0.54 * np.sin(np.pi / 5),
    "ring": np.pi * (1 - 0.48**2),
    "cross": 2 * 2.2 * 0.62 - 0.62**2,
}
"""By elementary geometry, for radius 1."""


@pytest.fixture(scope="module")
def scenes():
    return [draw_scene(seed) for seed in range(COUNT)]


def share(flags):
    return sum(map(bool, flags)) / len(flags)


def near(promised, count=COUNT):
    """Three and a half standard deviations of a share of that many scenes."""
    return pytest.approx(promised, abs=3.5 * (promised * (1 - promised) / count) ** 0.5)


def things(scene):
    return [segment for segment in scene.segments if segment["category_id"] in THINGS]


def crowds(scene):
    return [segment for segment in scene.segments if segment["iscrowd"]]


def rimmed(scene):
    inner = scene.id_map[RIM:-RIM, RIM:-RIM]
    return np.count_nonzero(scene.id_map) == np.count_nonzero(inner)


def same(one, other):
    equal = [np.array_equal(getattr(one, name), getattr(other, name)) for name in ("image", "id_map", "untrained")]
    return all(equal) and one.segments == other.segments


def test_the_table_of_categories():
    assert [category["id"] for category in CATEGORIES] == [*THINGS, *STUFF]
    assert list(NAMES.values()) == ["disc", "box", "triangle", "star", "sky", "ground", "water"]
    assert [category["isthing"] for category in CATEGORIES] == [1, 1, 1, 1, 0, 0, 0]
    assert len({tuple(category["color"]) for category in CATEGORIES}) == len(CATEGORIES)
    assert set(FREQUENCIES) == {NAMES[number] for number in THINGS}


# Networks are trained on these pixels and predictions are frozen beside them: no change, ever.
@pytest.mark.parametrize(
    ("seed", "crc", "means"),
    [
        (0, 0x3DF566DC, (101.012, 126.356, 125.112)),
        (7, 0x38B1BE38, (124.564, 132.315, 139.909)),
        (29, 0x672942ED, (123.736, 145.221, 151.780)),  # a crowd behind a thing, and an untrained shape
        (1234567, 0x2F8EEE29, (124.032, 123.625, 136.123)),
    ],
)
def test_the_pixels_of_a_seed_never_change(seed, crc, means):
    scene = draw_scene(seed)
    assert zlib.crc32(scene.id_map.astype("<u4").tobytes()) == crc
    assert scene.image.mean(axis=(0, 1)) == pytest.approx(means, abs=0.02)


def test_single_pixels_and_segments_of_a_seed_never_change():
    scene = draw_scene(7)
    expected = np.array(PIXELS)
    assert np.abs(scene.image[16::32, 16::32].astype(int) - expected).max() <= 1
    assert [tuple(segment.values()) for segment in scene.segments] == SEGMENTS


def test_a_scene_depends_on_its_seed_alone(scenes):
    np.random.seed(5)
    assert all(same(scenes[seed], draw_scene(seed)) for seed in (9, 3, 9))
    assert len({scene.image.tobytes() for scene in scenes}) == COUNT
    assert scenes[9].seed == 9


def test_arrays(scenes):
    for scene in scenes:
        assert scene.image.shape == (*scene.id_map.shape, 3)
        assert scene.untrained.shape == scene.id_map.shape
        assert (scene.image.dtype, scene.id_map.dtype, scene.untrained.dtype) == (np.uint8, np.uint32, np.bool_)
        assert scene.image.flags.c_contiguous
        assert scene.id_map.flags.c_contiguous
        assert scene.image.std() > 15


def test_sizes(scenes):
    sizes = Counter(scene.id_map.shape for scene in scenes)
    assert set(sizes) == set(SIZES)
    assert sizes[96, 128] / COUNT == near(0.5)
    assert sizes[128, 96] / COUNT == near(0.25)


@pytest.mark.parametrize("size", [(32, 32), (32, 96), (112, 112), (160, 208)])
def test_a_size_may_be_asked_for(size):
    for seed in range(6):
        scene = draw_scene(seed, size=size, untrained=True)
        assert scene.image.shape[:2] == size
        assert scene.untrained.any()
    for seed in range(20):
        own = draw_scene(seed)
        assert same(own, draw_scene(seed, size=own.id_map.shape))


def test_segments_are_those_of_the_map(scenes):
    for scene in scenes:
        ids = [segment["id"] for segment in scene.segments]
        assert ids == list(range(1, len(ids) + 1)) == [number for number in np.unique(scene.id_map) if number]
        assert all(list(segment) == ["id", "category_id", "iscrowd"] for segment in scene.segments)
        assert {type(value) for segment in scene.segments for value in segment.values()} == {int}


def test_stuff_comes_first_and_once(scenes):
    for scene in scenes:
        found = [segment["category_id"] for segment in scene.segments]
        stuff = [category_id for category_id in found if category_id in STUFF]
        assert stuff == sorted(set(stuff)) == found[: len(stuff)]
        assert {5, GROUND} <= set(stuff)
    assert share([any(s["category_id"] == WATER for s in scene.segments) for scene in scenes]) == near(0.75)


def test_water_lies_in_the_ground_and_the_sky_above(scenes):
    for scene in scenes:
        rows = {s["category_id"]: np.nonzero(scene.id_map == s["id"])[0] for s in scene.segments}
        assert rows[5].mean() < rows[GROUND].mean()
        if WATER in rows:
            assert rows[5].min() <= rows[WATER].min()
            assert rows[WATER].mean() > rows[5].mean()


def test_things(scenes):
    numbers = [len(things(scene)) for scene in scenes]
    assert max(numbers) >= 7
    assert max(numbers) <= 9
    assert share([number == 0 for number in numbers]) == near(0.08)


def test_the_star_is_rare(scenes):
    counts = Counter(s["category_id"] for scene in scenes for s in things(scene) if not s["iscrowd"])
    others = [counts[number] for number in THINGS if number != STAR]
    assert 0.15 < counts[STAR] / np.mean(others) < 0.4
    assert max(others) < 1.3 * min(others)


def test_nothing_but_stuff_is_smaller_than_a_name_needs(scenes):
    for scene in scenes:
        areas = np.bincount(scene.id_map.ravel())
        assert all(areas[segment["id"]] >= LEAST_PIXELS for segment in things(scene))


def test_crowds(scenes):
    assert share([crowds(scene) for scene in scenes]) == near(0.12)
    for scene in scenes:
        assert [segment["category_id"] for segment in crowds(scene)] in ([], [1])
        assert not crowds(scene) or len(things(scene)) > 1


def test_what_is_placed():
    placed = [place_things(RandomState(seed), 96, 128) for seed in range(400)]
    heaps = [shapes for stand in placed for _, shapes in stand if len(shapes) > 1]
    singles = [(name, *shapes) for stand in placed for name, shapes in stand if len(shapes) == 1]
    assert {sum(len(shapes) == 1 for _, shapes in stand) for stand in placed} == {0, 2, 3, 4, 5, 6, 7, 8}
    assert {len(heap) for heap in heaps} <= set(range(8, 21))
    assert all(3 <= 0.9 * shape.radius <= 4 for heap in heaps for shape in heap)
    assert all(name == shape.shape for name, shape in singles)
    radii = np.log([shape.radius for _, shape in singles])
    assert radii.min() >= np.log(6)
    assert radii.max() <= np.log(20)
    assert radii.mean() == pytest.approx(np.log(6 * 20) / 2, abs=0.03)
    assert np.mean([shape.angle for _, shape in singles]) == pytest.approx(np.pi, abs=0.15)


def test_neither_colour_nor_size_tells_the_class(scenes):
    colours, areas = {number: [] for number in THINGS}, {number: [] for number in THINGS}
    pairs = [(scene, segment) for scene in scenes for segment in things(scene) if not segment["iscrowd"]]
    for scene, segment in pairs:
        mask = scene.id_map == segment["id"]
        colours[segment["category_id"]].append(scene.image[mask].mean(axis=0))
        areas[segment["category_id"]].append(mask.sum())
    spread = np.std(np.concatenate(list(colours.values())), axis=0)
    for one, other in itertools.combinations(THINGS, 2):
        error = spread * (1 / len(colours[one]) + 1 / len(colours[other])) ** 0.5
        assert np.all(np.abs(np.mean(colours[one], axis=0) - np.mean(colours[other], axis=0)) < 3.5 * error)
        assert 0.6 < np.median(areas[one]) / np.median(areas[other]) < 1.7


def test_void(scenes):
    void = [np.mean(scene.id_map == 0) for scene in scenes]
    assert 0.01 < np.mean(void) < 0.05
    assert share([rimmed(scene) for scene in scenes]) == near(0.2)
    plain = [scene for scene in scenes if not rimmed(scene) and not scene.untrained.any()]
    patched = [np.count_nonzero(scene.id_map == 0) >= 40 for scene in plain]
    assert share(patched) == near(0.5, len(plain))


def test_a_rim_is_two_pixels_wide_and_dark(scenes):
    scene = next(scene for scene in scenes if rimmed(scene))
    rim = np.ones(scene.id_map.shape, bool)
    rim[2:-2, 2:-2] = False
    assert not scene.id_map[rim].any()
    assert scene.id_map[2:-2, 2].all() or scene.id_map[2:-2, -3].all() or scene.id_map[2, 2:-2].all()
    assert scene.image[rim].mean() < 0.5 * scene.image[~rim].mean()


def test_untrained_shapes_come_by_chance(scenes):
    assert share([scene.untrained.any() for scene in scenes]) == near(0.15)
    for scene in scenes:
        assert not scene.id_map[scene.untrained].any()


def test_untrained_shapes_change_nothing_else(scenes):
    found = set()
    # The first place tried would bury a thing in 107, 144, 155 and 246.
    for scene in [*scenes[:60], *(draw_scene(seed) for seed in (107, 144, 155, 246))]:
        added, without = draw_scene(scene.seed, untrained=True), draw_scene(scene.seed, untrained=False)
        assert same(scene, added if scene.untrained.any() else without)
        assert not without.untrained.any()
        assert np.array_equal(added.id_map, np.where(added.untrained, 0, without.id_map))
        assert added.segments == without.segments
        reached = ndimage.binary_dilation(added.untrained, np.ones((5, 5)))
        assert np.array_equal(added.image[~reached], without.image[~reached])
        assert not np.array_equal(added.image[added.untrained], without.image[added.untrained])
        labelled, number = ndimage.label(added.untrained)
        assert np.bincount(labelled.ravel())[1:].max() >= 150
        found.add(number)
    assert found == {1, 2}


def test_an_untrained_shape_that_must_bury_a_thing_leaves_void(monkeypatch):
    discs = [("disc", [Placed("disc", x, y, 2.9, 0.0, 1.0)]) for x in range(1, 32, 5) for y in range(1, 32, 5)]
    monkeypatch.setattr(module, "place_things", lambda *_: discs)
    for seed in range(5):
        scene = draw_scene(seed, size=(32, 32), untrained=True)
        assert scene.untrained.any()
        assert not scene.id_map[scene.untrained].any()
        assert len(things(scene)) < len(discs)
        areas = np.bincount(scene.id_map.ravel())
        assert areas.size == len(scene.segments) + 1
        assert all(areas[segment["id"]] >= LEAST_PIXELS for segment in things(scene))


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_an_error(seed):
    with pytest.raises(UsageError, match=f"{seed}"):
        draw_scene(seed)


@pytest.mark.parametrize("size", [(16, 96), (96, 0), (-32, 96), (100, 128), (96, 120), (96,), (96, 128, 3)])
def test_a_bad_size_is_an_error(size):
    with pytest.raises(UsageError, match="multiples of 16"):
        draw_scene(0, size=size)


def test_the_last_seed():
    assert draw_scene(2**32 - 1).segments


def test_things_are_painted_from_back_to_front(monkeypatch):
    back, front = Placed("box", 30, 30, 15, 0.0, 1.2), Placed("disc", 38, 36, 12, 0.0, 1.0)
    monkeypatch.setattr(module, "place_things", lambda *_: [("box", [back]), ("disc", [front])])
    scene = draw_scene(1, untrained=False)
    box, disc = scene.segments[-2:]
    assert (box["category_id"], disc["category_id"]) == (2, 1)
    whole = cover(front, *scene.id_map.shape)
    assert np.array_equal(scene.id_map[whole.window] == disc["id"], whole.mask)
    assert 0 < np.count_nonzero(scene.id_map == box["id"]) < cover(back, *scene.id_map.shape).mask.sum()


@pytest.mark.parametrize(("left", "kept"), [(LEAST_PIXELS, True), (LEAST_PIXELS - 1, False)])
def test_a_fragment_becomes_void(left, kept):
    canvas = Canvas(32, 32)
    canvas.fill(canvas.open(GROUND), np.ones((32, 32), bool), np.zeros((32, 32, 3)))
    for category_id, pixels in ((WATER, 3), (2, left), (1, 30)):
        mask = np.zeros((32, 32), bool)
        mask[category_id * 4].flat[:pixels] = True
        canvas.fill(canvas.open(category_id), mask, np.zeros((32, 32, 3)))
    canvas.open(3)
    canvas.drop(THINGS)
    assert [s["category_id"] for s in canvas.finish()] == [GROUND, WATER, *([2] if kept else []), 1]
    assert np.count_nonzero(canvas.ids == 0) == (0 if kept else left)
    assert canvas.ids[4, 0] == (4 if kept else 3)


@pytest.mark.parametrize("name", STRETCH)
def test_the_area_of_a_shape(name):
    for angle, aspect in ((0.0, 1.0), (0.4, 1.0), (1.9, 1.5)):
        found = cover(Placed(name, 60.3, 59.6, 30, angle, aspect), 120, 120)
        assert found.mask.sum() / 30**2 == pytest.approx(AREAS[name], rel=0.02)
        rows, columns = found.mask.any(axis=1), found.mask.any(axis=0)
        assert not rows[[0, -1]].any()
        assert not columns[[0, -1]].any()


def test_areas_of_shapes_are_alike():
    assert max(AREAS.values()) < 1.35 * min(AREAS.values())


@pytest.mark.parametrize(("name", "turns"), [("box", 4), ("triangle", 3), ("star", 5), ("cross", 4)])
def test_the_symmetry_of_a_shape(name, turns):
    def pixels(angle):
        return cover(Placed(name, 50, 50, 30, 0.3 + angle, 1.0), 101, 101).mask

    turned, half = pixels(2 * np.pi / turns), pixels(np.pi / turns)
    assert np.mean(pixels(0) != turned) < 0.004
    assert np.mean(pixels(0) != half) > 0.04


def test_a_star_has_five_tips():
    angles = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    found = cover(Placed("star", 50, 50, 30, 0.3, 1.0), 101, 101)
    mask = np.zeros((101, 101), bool)
    mask[found.window] = found.mask
    ring = mask[np.rint(50 + 28 * np.sin(angles)).astype(int), np.rint(50 + 28 * np.cos(angles)).astype(int)]
    assert np.count_nonzero(ring & ~np.roll(ring, 1)) == 5
    # A tip points along the angle.
    assert ring[round(0.3 / (2 * np.pi) * 720)]


def test_a_ring_is_open_and_a_cross_is_not():
    assert not cover(Placed("ring", 50, 50, 30, 0.0, 1.0), 101, 101).mask[40, 40]
    assert cover(Placed("cross", 50, 50, 30, 0.0, 1.0), 101, 101).mask[40, 40]


def test_the_aspect_of_a_box():
    mask = cover(Placed("box", 60, 60, 30, 0.0, 2.0), 120, 120).mask
    assert mask.any(axis=0).sum() / mask.any(axis=1).sum() == pytest.approx(2.0, rel=0.05)


def test_a_shape_beyond_the_image_covers_nothing():
    for x, y in ((-50, 10), (200, 10), (10, -50), (10, 200)):
        found = cover(Placed("disc", x, y, 10, 0.0, 1.0), 96, 128)
        assert found.mask.size == 0
        assert np.zeros((96, 128))[found.window].shape == found.mask.shape
    half = cover(Placed("disc", 0, 48, 10, 0.0, 1.0), 96, 128)
    whole = cover(Placed("disc", 50, 48, 10, 0.0, 1.0), 96, 128)
    assert half.mask.sum() == np.count_nonzero(whole.mask[:, whole.u[0] >= 0])


@pytest.mark.parametrize("behind", [(150.0, 188.0, 222.0), (128.0, 122.0, 82.0), (64.0, 112.0, 150.0)])
def test_a_thing_can_be_told_from_what_is_behind(behind):
    pixels = np.tile(behind, (30, 1))
    colours = np.array([paint(RandomState(seed), pixels) for seed in range(100)])
    assert np.mean(np.linalg.norm(colours - behind, axis=1) >= LEAST_CONTRAST) > 0.98
    assert colours.min() >= 0
    assert colours.max() <= 250
    # Red, green and blue are each the strongest in a fair share of the things.
    assert Counter(colours.argmax(axis=1)).most_common()[-1][1] > 15


def test_a_thing_outside_the_image_has_a_colour():
    assert paint(RandomState(0), np.zeros((0, 3))).shape == (3,)


def test_a_photograph_is_blurred_noisy_and_clipped():
    colours = np.zeros((40, 40, 3))
    colours[:, 20:] = 400
    image = photograph(RandomState(1), colours).astype(float)
    assert image[:, :15].std() > 0.5
    assert image[:, 30:].min() == 255
    assert 20 < image[:, 19].mean() < 120


def test_the_camera_noise_of_a_plain_surface():
    image = photograph(RandomState(1), np.full((64, 64, 3), 128.0)).astype(float)
    assert 2 <= image.std() <= 6.2
    assert image.mean() == pytest.approx(128, abs=0.3)
