"""CoNIC: an instance map and a class map, all images in one array."""

from __future__ import annotations

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

FORMAT = "conic"
NEUTROPHIL, EPITHELIAL, LYMPHOCYTE, PLASMA, EOSINOPHIL, CONNECTIVE = 1, 2, 3, 4, 5, 6
PLUS = 1e-6  # what the original adds to its divisors

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def labels(*images, dtype=np.uint16):
    """Return an array; an image is a row of (nucleus, class)."""
    return np.array([[row] for row in images], dtype)


def save_labels(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, array)
    return path


def both(folder, gt, pred, **options):
    gt, pred = save_labels(folder / "labels.npy", gt), save_labels(folder / "pred.npy", pred)
    return {"gt": gt, "pred": pred, "format": FORMAT} | options


def meaning(folder, *pixels, **options):
    return partition(save_labels(folder / "labels.npy", labels(pixels)), FORMAT, **options)[0]


def categories(folder, *pixels):
    """Return category by nucleus."""
    _, rows = segments(save_labels(folder / "labels.npy", labels(pixels)), FORMAT)[0]
    return {number: row.category_id for number, row in rows.items()}


# What the maps mean.


def test_a_nucleus_is_a_number_with_a_class(tmp_path):
    assert meaning(tmp_path, (5, EPITHELIAL), (5, EPITHELIAL), (9, EPITHELIAL), (0, 0), (2, CONNECTIVE)) == (
        [[0, 0, 2, -1, 4]],
        {0: (EPITHELIAL, False), 2: (EPITHELIAL, False), 4: (CONNECTIVE, False)},
    )


def test_numbers_may_have_gaps_and_nothing_may_be_background(tmp_path):
    names, meanings = meaning(tmp_path, (7, PLASMA), (65535, PLASMA), (2, EOSINOPHIL))
    assert (names, len(meanings)) == ([[0, 1, 2]], 3)


def test_segment_ids_are_the_numbers_of_nuclei(tmp_path):
    path = save_labels(tmp_path / "labels.npy", labels([(65535, 1), (3, 6)]))
    assert segments(path, FORMAT)[0][0].tolist() == [[65535, 3]]


def test_the_class_of_most_pixels_is_that_of_the_nucleus(tmp_path):
    pixels = [(1, LYMPHOCYTE)] * 2 + [(1, EPITHELIAL)] * 3 + [(2, LYMPHOCYTE)]
    assert categories(tmp_path, *pixels) == {1: EPITHELIAL, 2: LYMPHOCYTE}


def test_of_two_classes_with_as_many_pixels_the_smaller_one(tmp_path):
    assert categories(tmp_path, *[(1, PLASMA), (1, LYMPHOCYTE)] * 2) == {1: LYMPHOCYTE}


def test_pixels_without_a_class_have_no_vote(tmp_path):
    assert categories(tmp_path, *[(1, 0)] * 5, (1, CONNECTIVE)) == {1: CONNECTIVE}


def test_votes_are_pixels_and_not_runs(tmp_path):
    array = np.zeros((1, 6, 4, 2), np.uint16)
    array[..., 0] = 1
    array[..., 1] = EPITHELIAL
    array[0, 1, :, 1] = (PLASMA, EPITHELIAL, PLASMA, EPITHELIAL)
    array[0, 3:, :, 1] = PLASMA  # 14 pixels against 10, in fewer runs
    _, rows = segments(save_labels(tmp_path / "labels.npy", array), FORMAT)[0]
    assert rows[1].category_id == PLASMA


@settings(max_examples=50)
@given(
    arrays.arrays(np.uint16, (1, 4, 5), elements=st.sampled_from([0, 1, 2, 300, 65535])),
    arrays.arrays(np.uint16, (1, 4, 5), elements=st.sampled_from([0, 1, 2, 6])),
)
def test_voting_agrees_with_a_plain_count(tmp_path_factory, instance, kinds):
    path = tmp_path_factory.mktemp("array") / "labels.npy"
    ids, rows = segments(save_labels(path, np.stack([instance, kinds], axis=-1)), FORMAT)[0]
    assert (ids == instance[0]).all()
    for number in set(instance.ravel().tolist()) - {0}:
        votes = kinds[instance == number].tolist()
        expected = max(sorted(set(votes) - {0}), key=votes.count, default=0)
        assert rows[number].category_id == expected


def test_classes_can_be_left_out(tmp_path):
    names, meanings = meaning(tmp_path, (1, PLASMA), (2, 0), (0, 0), categories="nuclei")
    assert (names, meanings) == ([[0, 1, -1]], {0: (1, False), 1: (1, False)})


# Files.


def test_images_are_named_by_their_place(tmp_path):
    save_labels(tmp_path / "labels.npy", labels([(1, 1)], [(1, 2)]))
    assert [row for _, row in partition(tmp_path, FORMAT).values()] == [{0: (1, False)}, {0: (2, False)}]
    assert list(segments(tmp_path, FORMAT)) == [0, 1]


def test_a_folder_may_hold_other_arrays_beside_labels(tmp_path):
    save_labels(tmp_path / "data" / "labels.npy", labels([(1, 1)]))
    np.save(tmp_path / "data" / "images.npy", np.zeros((1, 1, 1, 3), np.uint8))
    assert list(segments(tmp_path, FORMAT)) == [0]
    shutil.make_archive(str(tmp_path / "data"), "zip", tmp_path / "data")
    assert list(segments(tmp_path / "data.zip", FORMAT)) == [0]


def test_it_is_recognised_by_its_shape(tmp_path):
    save_labels(tmp_path / "sure" / "labels.npy", labels([(1, 1)]))
    np.save(tmp_path / "sure" / "images.npy", np.zeros((1, 1, 1, 3), np.uint8))
    save_labels(tmp_path / "pred" / "mine.npy", labels([(1, 1)]))
    save_labels(tmp_path / "other" / "labels.npy", labels([(1, 1)])[0])
    save(tmp_path / "coco.json", [image(1, [[1]], {1: 1})])
    places = ("sure", "sure/labels.npy", "pred", "other", "coco.json", "none.npy")
    assert [sure(tmp_path / place, FORMAT) for place in places] == [2, 2, 2, 0, 0, 0]
    assert pqeval.evaluate(gt=tmp_path / "sure", pred=tmp_path / "pred/mine.npy").convention == FORMAT


# Scores.


def test_a_score_worked_out_by_hand(tmp_path):
    """Counts of all images are added up, and absent classes are 0."""
    cell, other = (1, EPITHELIAL), (1, PLASMA)
    gt = labels([cell] * 4 + [(0, 0)] * 2, [other] * 2 + [(0, 0)] * 4)
    pred = labels([(8, EPITHELIAL)] * 3 + [(0, 0)] * 3, [other] * 2 + [(0, 0)] * 2 + [(2, PLASMA)] * 2)
    result = pqeval.evaluate(**both(tmp_path, gt, pred))
    assert result.convention == "conic"
    epithelial = (3 / 4) / (1 + PLUS) * (1 / (1 + PLUS))
    plasma = 1 / (1 + PLUS) * (1 / (1 + 1 / 2 + PLUS))  # one lies on background, and is wrong
    by_id = {row.id: row for row in result.per_class}
    assert by_id[EPITHELIAL].pq == pytest.approx(epithelial, abs=1e-12)
    assert by_id[PLASMA].pq == pytest.approx(plasma, abs=1e-12)
    assert result.pq == pytest.approx((epithelial + plasma) / 6, abs=1e-12)
    assert result.groups["Binary"].pq == pytest.approx((epithelial + plasma) / 2, abs=1e-12)


def test_a_nucleus_without_a_class_counts_only_where_classes_are_left_out(tmp_path):
    options = both(tmp_path, labels([(1, PLASMA), (1, PLASMA)]), labels([(1, 0), (1, 0)]))
    assert pqeval.evaluate(**options, unknown="void").per_class[3].fn == 1
    assert pqeval.evaluate(**options, unknown="fp").per_class[3].fp == 1
    assert pqeval.evaluate(**options, categories="nuclei").per_class[0].tp == 1


def test_against_coco_both_ways(tmp_path):
    path = save_labels(tmp_path / "labels.npy", labels([(1, PLASMA)] * 3 + [(2, EPITHELIAL)]))
    table = [row.as_dict() for row in Categories.builtin(FORMAT)]
    coco = save(tmp_path / "coco.json", [image(0, [[4, 4, 9, 9]], {4: PLASMA, 9: EPITHELIAL})], categories=table)
    for gt, pred, formats in ((path, coco, (FORMAT, "coco")), (coco, path, ("coco", FORMAT))):
        result = pqeval.evaluate(gt=gt, pred=pred, gt_format=formats[0], pred_format=formats[1], convention="coco")
        # Plasma: 2 of 3 pixels. Epithelial: 1 of 2, which is not more than half.
        assert (result.per_class[3].pq, result.per_class[1].pq) == (2 / 3, 0)


@settings(max_examples=25)
@given(arrays.arrays(np.uint16, (2, 3, 4), elements=st.sampled_from([0, 1, 2, 77, 65535])))
def test_there_and_back(tmp_path_factory, instance):
    folder = tmp_path_factory.mktemp("array")
    path = save_labels(
        folder / "labels.npy", np.stack([instance, np.where(instance, instance % 6 + 1, 0)], axis=-1)
    )
    before = partition(path, FORMAT)
    pqeval.convert(path, folder / "coco.json", format=FORMAT)
    assert partition(folder / "coco.json", "coco") == before


# What is wrong.


@trigger
def maps_that_disagree(folder):
    gt = labels([(1, PLASMA), (1, EPITHELIAL), (2, PLASMA), (2, 0), (3, PLASMA), (0, PLASMA), (0, EPITHELIAL)])
    options = both(folder, gt, labels([(1, PLASMA)] * 7))
    says(
        problems(**options),
        """
        DIR/labels.npy (image 0): 2 nuclei have pixels of more than one class, and 2 pixels have a class and no
              nucleus; a nucleus is of the class that most of its pixels have
          expected: one class in all pixels of a nucleus, and 0 elsewhere
          do: write both maps from the same objects
        """,
        folder=folder,
    )


@trigger
def classes_without_a_nucleus(folder):
    options = both(folder, labels([(1, PLASMA), (0, EPITHELIAL)]), labels([(1, PLASMA), (1, PLASMA)]))
    assert [problem.found.partition(";")[0] for problem in problems(**options)] == [
        "0 nuclei have pixels of more than one class, and 1 pixels have a class and no nucleus"
    ]


@trigger
def nuclei_without_a_class(folder):
    options = both(folder, labels([(1, PLASMA), (2, PLASMA)]), labels([(4, 0), (5, 0)]))
    says(
        problems(**options),
        """
        DIR/pred.npy (image 0): nucleus 4, 5 has no class; its category is 0
          expected: a class from 1 for every nucleus
          do: of predictions, say what they are with --unknown void or fp; or leave classes out with --categories
              nuclei
        DIR/pred.npy (image 0): the prediction uses category_id 0, which the category table lacks
          expected: one of the 6 ids of the table, 1 to 6
          do: write the dataset's category ids, not the network's class numbers; or say what unknown segments are
              with `unknown` (on the command line --unknown void or --unknown fp)
        """,
        folder=folder,
    )


@trigger
def a_class_that_does_not_exist(folder):
    options = both(folder, labels([(1, 7)]), labels([(1, 8)]))
    assert codes(problems(**options)) == ["gt-category-unknown", "pred-category-unknown"]


@trigger
def numbers_below_0(folder):
    options = both(folder, labels([(1, 1)]), labels([(-1, 1)], dtype=np.int32))
    says(
        problems(**options),
        """
        DIR/pred.npy (image 0): the instance map has the value -1
          expected: whole numbers from 0 to 4294967295
          do: number the objects from 1 and write 0 for background
        """,
        folder=folder,
    )
    save_labels(folder / "pred.npy", np.array([[[[1, 0.5]]]]))
    assert problems(**options)[0].found == "the class map has the value 0.5"


@trigger
def another_shape(folder):
    options = both(folder, labels([(1, 1)]), labels([(1, 1)])[..., :1])
    says(
        problems(**options),
        """
        DIR/pred.npy: the array has the shape (1, 1, 1, 1)
          expected: (N, H, W, 2): all images in one array
          do: stack the images, for example with `np.stack(images)`
        """,
        folder=folder,
    )


@trigger
def several_arrays(folder):
    says(
        raised(segments, folder, FORMAT),
        """
        DIR: there is no .npy
          expected: labels.npy, or one .npy
          do: name the file itself
        """,
        folder=folder,
    )
    both(folder / "pred", labels([(1, 1)]), labels([(1, 1)]))
    (folder / "pred" / "labels.npy").rename(folder / "pred" / "old.npy")
    says(
        raised(segments, folder / "pred", FORMAT),
        """
        DIR: there are 2 arrays: old.npy, pred.npy
          expected: labels.npy, or one .npy
          do: name the file itself
        """,
        folder=folder / "pred",
    )


@trigger
def a_file_that_is_none(folder):
    assert raised(segments, folder / "labels.npy", FORMAT).code == "file-missing"
    (folder / "labels.npy").write_bytes(b"no array")
    says(
        raised(segments, folder / "labels.npy", FORMAT),
        """
        DIR/labels.npy: no array can be read from it: it does not begin as a .npy or .npz file does
          expected: a whole .npy or .npz file with numbers
          do: write the file again
        """,
        folder=folder,
    )
