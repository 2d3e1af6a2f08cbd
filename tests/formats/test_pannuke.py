"""PanNuke: channels of instance maps, all images in one array."""

from __future__ import annotations

import pickle
import shutil

import numpy as np
import pytest
from datasets import image, save, says
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pair_maps import codes, partition, problems, raised, segments, sure
from triggers import Triggers, name_of

import pqeval
from pqeval.categories import Categories
from pqeval.conversion import open_source
from pqeval.formats._arrays import map_array
from pqeval.storage import locate

FORMAT = "pannuke"
NEOPLASTIC, INFLAMMATORY, CONNECTIVE, DEAD, EPITHELIAL = 1, 2, 3, 4, 5
ALMOST_1 = 1 / (1 + 1e-6)  # what the original scores for a perfect match

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def masks(*images, dtype=np.float64):
    """Return an array; an image is a row of pixels, a pixel a mapping from category to nucleus."""
    array = np.zeros((len(images), 1, len(images[0]), 6), dtype)
    for number, pixels in enumerate(images):
        for column, nuclei in enumerate(pixels):
            array[number, 0, column, 5] = not nuclei
            for category, nucleus in nuclei.items():
                array[number, 0, column, category - 1] = nucleus
    return array


def save_fold(folder, array, tissues=None, *, above="", types_above=None):
    """Write masks.npy, and types.npy where tissues are given."""
    for name, content, place in (
        ("masks", array, above),
        ("types", tissues, above if types_above is None else types_above),
    ):
        if content is not None:
            (folder / place).mkdir(parents=True, exist_ok=True)
            np.save(folder / place / f"{name}.npy", content)
    return folder


def both(folder, gt, pred, tissues=None, **options):
    save_fold(folder / "gt", gt, ["Breast"] * len(gt) if tissues is None else tissues)
    save_fold(folder / "pred", pred)
    return {"gt": folder / "gt", "pred": folder / "pred", "format": FORMAT} | options


def meaning(folder, *pixels, **options):
    return partition(save_fold(folder, masks(pixels)), FORMAT, **options)[0]


# What channels mean.


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint16, np.int32, ">i8"])
def test_a_channel_is_a_class_and_its_numbers_are_nuclei(tmp_path, dtype):
    pixels = [{category: 7} for category in range(1, 6)] + [{}, {NEOPLASTIC: 9}, {NEOPLASTIC: 7}]
    save_fold(tmp_path, masks(pixels, dtype=dtype))
    names, meanings = partition(tmp_path, FORMAT)[0]
    assert names == [[0, 1, 2, 3, 4, -1, 6, 0]]
    assert meanings == {0: (1, False), 1: (2, False), 2: (3, False), 3: (4, False), 4: (5, False), 6: (1, False)}


def test_ids_depend_on_class_and_number_only(tmp_path):
    save_fold(tmp_path, masks([{DEAD: 3}, {}], [{NEOPLASTIC: 1}, {DEAD: 3}]))
    found = segments(tmp_path, FORMAT)
    assert found[0][0].tolist() == [[DEAD << 16 | 3, 0]]
    assert found[1][0].tolist() == [[1 << 16 | 1, DEAD << 16 | 3]]


def test_numbers_may_be_large_and_nothing_may_be_background(tmp_path):
    names, meanings = meaning(tmp_path, {DEAD: 70000}, {NEOPLASTIC: 70000}, {DEAD: 3}, {DEAD: 70000})
    assert names == [[0, 1, 2, 0]]
    assert meanings == {0: (DEAD, False), 1: (NEOPLASTIC, False), 2: (DEAD, False)}


@pytest.mark.parametrize(("rule", "category"), [(None, DEAD), ("last", DEAD), ("first", INFLAMMATORY)])
def test_a_pixel_of_two_channels_belongs_to_one(tmp_path, rule, category):
    options = {} if rule is None else {"overlap": rule}
    names, meanings = meaning(
        tmp_path, {INFLAMMATORY: 1}, {INFLAMMATORY: 1, DEAD: 5, CONNECTIVE: 2}, {DEAD: 5}, options=options
    )
    assert names == ([[0, 1, 1]] if category == DEAD else [[0, 0, 2]])
    assert set(meanings.values()) == {(INFLAMMATORY, False), (DEAD, False)}


def test_convert_takes_the_rule_for_overlaps(tmp_path):
    save_fold(tmp_path, masks([{INFLAMMATORY: 1, DEAD: 5}]))
    pqeval.convert(tmp_path, tmp_path / "out.json", format=FORMAT, overlap="first")
    assert partition(tmp_path / "out.json", "coco") == {0: ([[0]], {0: (INFLAMMATORY, False)})}


def test_classes_can_be_left_out(tmp_path):
    names, meanings = meaning(tmp_path, {DEAD: 1}, {NEOPLASTIC: 1}, {}, categories="nuclei")
    assert (names, meanings) == ([[0, 1, -1]], {0: (1, False), 1: (1, False)})


# Files.


def test_folds_are_named_by_their_number_and_know_their_tissues(tmp_path):
    for fold, tissue in ((1, "Breast"), (3, "Colon")):
        save_fold(
            tmp_path,
            masks([{DEAD: 1}]),
            [tissue],
            above=f"Fold {fold}/masks/fold{fold}",
            types_above=f"Fold {fold}/images/fold{fold}",
        )
    side, images = open_source(tmp_path, format=FORMAT)
    assert [(each.image_id, each.stratum) for each in images] == [
        ("fold1/000000", "Breast"),
        ("fold3/000000", "Colon"),
    ]
    assert side.problems == []
    (alone,) = open_source(tmp_path / "Fold 3", format=FORMAT)[1]
    assert (alone.image_id, alone.stratum) == (0, "Colon")


@pytest.mark.parametrize("types_above", ["", "elsewhere"])
def test_tissues_lie_beside_the_masks_or_anywhere_if_there_is_one_array(tmp_path, types_above):
    save_fold(tmp_path, masks([{DEAD: 1}]), np.array([b"Bile-duct"]), above="m", types_above=types_above or "m")
    assert open_source(tmp_path, format=FORMAT)[1][0].stratum == "Bile-duct"


def test_predictions_need_no_tissues(tmp_path):
    save_fold(tmp_path, masks([{DEAD: 1}]), np.zeros((3, 3)))
    side, images = open_source(tmp_path, format=FORMAT, role="pred")
    assert (side.problems, images[0].stratum) == ([], None)


def test_an_archive_is_read_like_a_folder(tmp_path):
    save_fold(tmp_path / "data", masks([{DEAD: 1}, {}]), ["Breast"])
    shutil.make_archive(str(tmp_path / "data"), "zip", tmp_path / "data")
    assert partition(tmp_path / "data.zip", FORMAT) == partition(tmp_path / "data", FORMAT)


def test_an_array_on_this_machine_stays_there_until_it_is_needed(tmp_path):
    save_fold(tmp_path / "data", masks([{DEAD: 1}]))
    np.save(tmp_path / "data" / "fortran.npy", np.asfortranarray([[1, 2], [3, 4]]))
    shutil.make_archive(str(tmp_path / "data"), "zip", tmp_path / "data")
    for name, kind in (("data", np.memmap), ("data.zip", np.ndarray)):
        for array in ("masks", "fortran"):
            found = map_array(locate(tmp_path / name / f"{array}.npy"))
            assert type(found) is kind
            assert np.array_equal(found, np.load(tmp_path / "data" / f"{array}.npy"))


def test_another_process_opens_the_arrays_itself(tmp_path):
    save_fold(tmp_path, masks([{DEAD: 1}] * 5000))
    side, images = open_source(tmp_path, format=FORMAT)
    pickled = pickle.dumps(side)
    assert len(pickled) < 20000
    labels, rows = pickle.loads(pickled).read(images[0], problems=[])
    assert (labels.pixels, rows[0].category_id) == (5000, DEAD)


def test_it_is_recognised_by_its_shape(tmp_path):
    save_fold(tmp_path / "sure", masks([{DEAD: 1}]), above="masks/fold1")
    save_fold(tmp_path / "other", np.zeros((2, 2)))
    save(tmp_path / "coco.json", [image(1, [[1]], {1: 1})])
    assert [sure(tmp_path / name, FORMAT) for name in ("sure", "other", "coco.json")] == [2, 0, 0]


# Scores.


def test_a_score_worked_out_by_hand(tmp_path):
    """Images average their classes, tissues their images, and the score averages tissues."""
    one, two = {NEOPLASTIC: 1}, {CONNECTIVE: 1}
    gt = masks([one] * 4 + [{}] * 2, [two] * 2 + [{}] * 4, [{}] * 6, [one] * 6)
    pred = masks([{NEOPLASTIC: 7}] * 3 + [{}] * 3, [{}] * 6, [one] * 6, [one] * 6)
    tissues = ["Breast", "Breast", "Colon", "Colon"]
    result = pqeval.evaluate(**both(tmp_path, gt, pred, tissues))
    assert result.convention == "pannuke"
    # Breast: 3 of 4 pixels, and a nucleus that is missed. Colon: an image without nuclei, where anything may be
    # predicted; and one that is right.
    expected = ((3 / 4 + 0) / 2 + 1) / 2 * ALMOST_1
    assert result.pq == pytest.approx(expected, abs=1e-12)
    assert result.groups["Binary"].pq == pytest.approx(expected, abs=1e-12)
    # Classes average over images, whatever their tissue.
    assert result.per_class[0].pq == pytest.approx((3 / 4 + 1) / 2 * ALMOST_1, abs=1e-12)
    assert result.per_class[2].pq == 0


def test_background_excuses_nothing(tmp_path):
    # The nucleus is found; a second one lies on background, and is wrong: 1 / (1 + 1/2).
    gt = masks([{DEAD: 1}, {}, {}, {}])
    pred = masks([{DEAD: 1}, {}, {DEAD: 2}, {DEAD: 2}])
    result = pqeval.evaluate(**both(tmp_path, gt, pred))
    assert result.pq == pytest.approx(1 / (1 + 1 / 2) * ALMOST_1, abs=1e-12)


def test_the_binary_score_takes_all_classes_for_one(tmp_path):
    # The nucleus has another class: no PQ for its class, but it is found.
    result = pqeval.evaluate(**both(tmp_path, masks([{DEAD: 1}]), masks([{NEOPLASTIC: 1}])))
    assert result.pq == 0
    assert result.groups["Binary"].pq == pytest.approx(ALMOST_1, abs=1e-12)


def test_against_coco_both_ways(tmp_path):
    save_fold(tmp_path / "gt", masks([{DEAD: 1}] * 3 + [{NEOPLASTIC: 1}]), ["Breast"])
    table = [row.as_dict() for row in Categories.builtin(FORMAT)]
    coco = save(tmp_path / "coco.json", [image(0, [[4, 4, 9, 9]], {4: DEAD, 9: NEOPLASTIC})], categories=table)
    for gt, pred, formats in (
        (tmp_path / "gt", coco, (FORMAT, "coco")),
        (coco, tmp_path / "gt", ("coco", FORMAT)),
    ):
        result = pqeval.evaluate(gt=gt, pred=pred, gt_format=formats[0], pred_format=formats[1], convention="coco")
        # Dead: 2 of 3 pixels. Neoplastic: 1 of 2, which is not more than half.
        assert (result.per_class[3].pq, result.per_class[0].pq) == (2 / 3, 0)


@settings(max_examples=25)
@given(arrays.arrays(np.int64, (2, 3, 4), elements=st.integers(0, 15)), st.sampled_from([np.float64, np.int32]))
def test_there_and_back(tmp_path_factory, picks, dtype):
    folder = tmp_path_factory.mktemp("fold")
    array = np.zeros((*picks.shape, 6), dtype)
    for channel in range(5):  # 0 is background, 1 to 15 three nuclei of each class
        array[..., channel] = np.where((picks > 0) & ((picks - 1) % 5 == channel), (picks - 1) // 5 + 1, 0)
    save_fold(folder, array)
    before = partition(folder, FORMAT)
    assert [names for names, _ in before.values()] == [
        [[-1 if pick == 0 else int(np.flatnonzero(image == pick)[0]) for pick in row] for row in image.tolist()]
        for image in picks
    ]
    pqeval.convert(folder, folder / "coco.json", format=FORMAT)
    assert partition(folder / "coco.json", "coco") == before


# What is wrong.


@trigger
def channels_that_overlap(folder):
    gt = masks([{DEAD: 1}, {DEAD: 1, NEOPLASTIC: 1}, {DEAD: 1, CONNECTIVE: 1, EPITHELIAL: 1}])
    options = both(folder, gt, masks([{DEAD: 1}, {DEAD: 1}, {DEAD: 1}]))
    says(
        problems(**options),
        """
        DIR/gt/masks.npy (image 0): 2 pixels are nuclei in more than one channel; the last channel has them
          expected: channels that do not overlap
          do: cut the nuclei so that each pixel belongs to one, or choose with the option overlap
        """,
        folder=folder,
    )
    says(
        problems(**options, gt_options={"overlap": "error"}),
        """
        DIR/gt/masks.npy (image 0): 2 pixels are nuclei in more than one channel
          expected: channels that do not overlap
          do: cut the nuclei so that each pixel belongs to one, or choose with the option overlap
        """,
        folder=folder,
    )
    result = pqeval.evaluate(**options)
    assert [line.partition("]")[0] for line in result.warnings] == ["[channels-overlap"]


@trigger
def numbers_that_are_none(folder):
    for value, said in ((0.5, "0.5"), (-2.0, "-2"), (np.nan, "nan"), (np.inf, "inf"), (2.0**32, "4294967296")):
        array = masks([{DEAD: 1}, {DEAD: 1}])
        array[0, 0, 1, 2] = value
        options = both(folder, masks([{DEAD: 1}, {DEAD: 1}]), array)
        says(
            problems(**options),
            f"""
            DIR/pred/masks.npy (image 0): masks.npy has the value {said}
              expected: whole numbers from 0 to 4294967295
              do: number the objects from 1 and write 0 for background
            """,
            folder=folder,
        )


@trigger
def masks_that_are_no_numbers(folder):
    options = both(folder, masks([{DEAD: 1}]), masks([{DEAD: 1}], dtype=bool))
    says(
        problems(**options),
        """
        DIR/pred/masks.npy (image 0): masks.npy is an array of bool
          expected: integers, or floats that are whole numbers
          do: number the objects from 1 and write 0 for background
        """,
        folder=folder,
    )


@trigger
def an_array_of_another_shape(folder):
    options = both(folder, masks([{DEAD: 1}]), masks([{DEAD: 1}])[..., :5])
    says(
        problems(**options),
        """
        DIR/pred/masks.npy: the array has the shape (1, 1, 1, 5)
          expected: (N, H, W, 6): all images in one array
          do: stack the images, for example with `np.stack(images)`
        """,
        folder=folder,
    )
    both(folder, masks([{DEAD: 1}]), np.zeros((0, 4, 4, 6)))
    assert codes(problems(**options)) == ["stack-shape"]


@trigger
def fewer_predictions(folder):
    options = both(folder, masks([{DEAD: 1}], [{DEAD: 1}]), masks([{DEAD: 1}]))
    says(
        problems(**options),
        """
        DIR/pred (image 1): there is no prediction for this image
          expected: a prediction for every image of the ground truth
          do: add the prediction, or score it as empty or leave it out with --missing empty or skip
        """,
        folder=folder,
    )


@trigger
def a_file_that_was_cut_off(folder):
    options = both(folder, masks([{DEAD: 1}]), masks([{DEAD: 1}]))
    path = folder / "pred" / "masks.npy"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    says(
        problems(**options),
        """
        DIR/pred/masks.npy: no array can be read from it: it ends too early for an array of
              shape (1, 1, 1, 6)
          expected: a whole .npy or .npz file with numbers
          do: write the file again
        """,
        folder=folder,
    )
    path.write_bytes(whole[:20])
    says(
        problems(**options),
        """
        DIR/pred/masks.npy: no array can be read from it: its header is damaged
          expected: a whole .npy or .npz file with numbers
          do: write the file again
        """,
        folder=folder,
    )
    shutil.make_archive(str(folder / "pred"), "zip", folder / "pred")
    assert codes(problems(**options | {"pred": folder / "pred.zip"})) == ["array-broken"]


@trigger
def no_masks(folder):
    says(
        raised(segments, folder, FORMAT),
        """
        DIR: there is no masks.npy
          expected: masks.npy with all images, for predictions too
          do: check the folder, and the format with `pqeval formats`
        """,
        folder=folder,
    )


@trigger
def no_tissues(folder):
    save_fold(folder, masks([{DEAD: 1}]))
    says(
        problems(gt=folder, pred=folder, format=FORMAT),
        """
        DIR: there is no types.npy, so all images count as one tissue
          expected: types.npy with the name of a tissue per image
          do: copy it beside masks.npy: PanNuke's scores are means over tissues
        """,
        folder=folder,
    )


@trigger
def tissues_of_another_fold(folder):
    options = both(folder, masks([{DEAD: 1}]), masks([{DEAD: 1}]), ["Breast", "Colon"])
    says(
        problems(**options),
        """
        DIR/gt/masks.npy: the numbers of images and of tissues differ: 1 and 2
          expected: a tissue for every image
          do: take both files from the same fold
        """,
        folder=folder,
    )


@trigger
def tissues_that_are_no_names(folder):
    options = both(folder, masks([{DEAD: 1}]), masks([{DEAD: 1}]), np.array([3]))
    says(
        problems(**options),
        """
        DIR/gt/types.npy: the array is int64 of shape (1,)
          expected: a list of names, one per image
          do: save it as `np.save('types.npy', np.array(names))`
        """,
        folder=folder,
    )


@trigger
def a_fold_twice(folder):
    for place in ("fold1/a", "fold1/b"):
        save_fold(folder, masks([{DEAD: 1}]), ["Breast"], above=place)
    says(
        raised(segments, folder, FORMAT),
        """
        DIR/fold1/b/masks.npy: two arrays have images called fold1
          expected: one array per fold
          do: give the folders different numbers, or name one of them
        """,
        folder=folder,
    )
