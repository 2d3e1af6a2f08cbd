"""Plain arrays, in the ways that libraries keep panoptic maps."""

from __future__ import annotations

import io
import json
import pickle
import shutil
import zipfile
from unittest import mock

import numpy as np
import pytest
from datasets import TABLE, image, save, says
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pair_maps import codes, partition, problems, raised, segments, sure, tracks
from triggers import Triggers, name_of

import pqeval
from pqeval.categories import Categories
from pqeval.conversion import open_source
from pqeval.formats import _arrays
from pqeval.formats.numpy import write
from pqeval.labelmap import LabelMap
from pqeval.rows import NO_AREA, Rows
from pqeval.source import Written

FORMAT = "numpy"
CAT, DOG, SKY = 1, 2, 3  # the table of datasets.py
LARGEST = 2**32 - 1

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def save_map(folder, array, rows=None, *, name="7", dtype=None, packed=False, wrapped=True):
    """Write NAME.npy or NAME.npz, and NAME.json where there are rows: a list, or category by id."""
    path = folder / f"{name}.npy"
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.array(array, dtype)
    if packed:
        np.savez_compressed(path.with_suffix(".npz"), anything=array)
    else:
        np.save(path, array)
    if isinstance(rows, dict):
        rows = [{"id": number, "category_id": category} for number, category in rows.items()]
    if rows is not None:
        (folder / f"{name}.json").write_text(json.dumps({"segments_info": rows} if wrapped else rows))
    return folder


def meaning(folder, *, categories=TABLE, role="gt", **options):
    return partition(folder, FORMAT, categories=categories, role=role, options=options)["7"]


def ids(folder, *, categories=TABLE, **options):
    found, rows = segments(folder, FORMAT, categories=categories, options=options)["7"]
    return found.tolist(), {number: row.category_id for number, row in rows.items()}


# Ids with a list.


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.int32, ">u4", np.uint64])
def test_ids_have_their_categories_from_the_list_beside_them(tmp_path, packed, wrapped, dtype):
    save_map(tmp_path, [[0, 5], [5, 200]], {5: CAT, 200: SKY}, packed=packed, wrapped=wrapped, dtype=dtype)
    assert ids(tmp_path) == ([[0, 5], [5, 200]], {5: CAT, 200: SKY})


def test_crowds_and_areas_are_those_of_the_list(tmp_path):
    save_map(tmp_path, [[4, 4]], [{"id": 4, "category_id": CAT, "iscrowd": 1, "area": 9}])
    _, rows = segments(tmp_path, FORMAT, categories=TABLE)["7"]
    assert rows[4] == (4, CAT, True, 9, None)


def test_minus_1_is_void(tmp_path):
    save_map(tmp_path, [[-1, 0, 2]], {2: CAT}, dtype=np.int64)
    assert ids(tmp_path) == ([[0, 0, 2]], {2: CAT})


def test_transformers_calls_categories_label_id_and_lists_fused_segments_again(tmp_path):
    rows = [
        {"id": 1, "label_id": CAT, "was_fused": False, "score": 0.9},
        {"id": 2, "label_id": SKY, "was_fused": True, "score": 0.8},
        {"id": 2, "label_id": SKY, "was_fused": True, "score": 0.7},
    ]
    save_map(tmp_path, [[1, 2, 0]], rows, dtype=np.int32)
    assert ids(tmp_path) == ([[1, 2, 0]], {1: CAT, 2: SKY})
    assert problems(gt=tmp_path, pred=tmp_path, format=FORMAT, categories=TABLE) == []


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_transformers_fills_a_map_without_segments_with_minus_1(tmp_path, dtype):
    save_map(tmp_path, np.full((2, 2), -1, dtype), [])
    assert ids(tmp_path) == ([[0, 0], [0, 0]], {})


@pytest.mark.parametrize("shape", [(6,), (2, 3), (1, 2, 3), (3, 1, 2, 1)])
def test_maps_have_any_number_of_axes(tmp_path, shape):
    array = np.arange(6).reshape(shape)
    save_map(tmp_path, array, dict.fromkeys(range(1, 6), DOG))
    assert ids(tmp_path) == (array.tolist(), dict.fromkeys(range(1, 6), DOG))
    assert pqeval.evaluate(gt=tmp_path, pred=tmp_path, format=FORMAT, categories=TABLE).pq == 1


# Pairs.


def test_a_last_axis_of_2_is_category_and_instance(tmp_path):
    save_map(tmp_path, [[[CAT, 0], [CAT, 9], [CAT, 9]], [[SKY, 0], [0, 4], [255, 4]]])
    assert meaning(tmp_path) == (
        [[0, 1, 1], [3, -1, -1]],
        {0: (CAT, False), 1: (CAT, False), 3: (SKY, False)},
    )


def test_instances_may_come_first(tmp_path):
    save_map(tmp_path, [[7, CAT], [0, SKY]])  # two points
    assert meaning(tmp_path, channels="instance-category") == ([0, 1], {0: (CAT, False), 1: (SKY, False)})


def test_categories_0_and_255_are_themselves_where_the_table_has_them(tmp_path):
    table = [{"id": number, "isthing": 1} for number in (0, 255)]
    save_map(tmp_path, [[0, 0], [255, 1]])
    assert meaning(tmp_path, categories=table) == ([0, 1], {0: (0, False), 1: (255, False)})


def test_the_user_says_what_is_void(tmp_path):
    save_map(tmp_path, [[9, 1], [10, 1], [CAT, 1]])
    assert meaning(tmp_path, void="9, 10") == ([-1, -1, 2], {2: (CAT, False)})


@pytest.mark.parametrize("instance", [-1, 5])
def test_category_minus_1_is_void_whatever_its_instance(tmp_path, instance):
    save_map(tmp_path, [[-1, instance], [CAT, 5], [SKY, 0]])
    assert meaning(tmp_path) == ([-1, 1, 2], {1: (CAT, False), 2: (SKY, False)})


@pytest.mark.parametrize(
    ("category", "instance"), [(1, 65536), (1, LARGEST), (65536, 0), (LARGEST, LARGEST), (65535, 65535)]
)
def test_large_numbers_do_not_run_into_each_other(tmp_path, category, instance):
    table = [{"id": number, "isthing": 1} for number in sorted({0, 1, category})]
    save_map(tmp_path, [[0, 0], [category, instance], [1, 0], [0, 1]])
    names, meanings = meaning(tmp_path, categories=table)
    assert names == [0, 1, 2, 3]
    assert {name: found for name, (found, _) in meanings.items()} == {0: 0, 1: category, 2: 1, 3: 0}


def test_ids_depend_on_the_pair_only_whatever_else_is_in_the_image(tmp_path):
    for frame, pixels in enumerate([[[CAT, 9], [-1, -1]], [[DOG, 1], [CAT, 9]], [[CAT, 9], [CAT, 65535]]]):
        save_map(tmp_path, pixels, name=f"clip/{frame}")
    found = tracks(tmp_path, FORMAT, categories=TABLE)
    assert found[CAT, (CAT << 16 | 9) + 1] == ["clip/0", "clip/1", "clip/2"]


# One number for class and instance.


def test_class_times_divisor_plus_instance(tmp_path):
    save_map(tmp_path, [[1000, 1001, 3000, 0, 255000]], dtype=np.int32)
    assert meaning(tmp_path, layout="divisor") == (
        [[0, 1, 2, -1, -1]],
        {0: (CAT, False), 1: (CAT, False), 2: (SKY, False)},
    )


def test_a_divisor_that_is_said_says_the_layout(tmp_path):
    save_map(tmp_path, [[256, 258, 768]], dtype=np.uint16)
    assert meaning(tmp_path, divisor="256") == (
        [[0, 1, 2]],
        {0: (CAT, False), 1: (CAT, False), 2: (SKY, False)},
    )


def test_class_0_instance_0_is_a_segment_where_the_table_has_it(tmp_path):
    table = [{"id": 0, "isthing": 0}, {"id": 1, "isthing": 1}]
    save_map(tmp_path, [[0, 1000, -1]], dtype=np.int64)
    assert meaning(tmp_path, categories=table, layout="divisor") == ([[0, 1, -1]], {0: (0, False), 1: (1, False)})


def test_minus_1_changes_no_id(tmp_path):
    save_map(tmp_path, [[1000, -1]], name="clip/0")
    save_map(tmp_path, [[1000, 0]], name="clip/1")
    found = tracks(tmp_path, FORMAT, categories=TABLE, options={"layout": "divisor"})
    assert found == {(CAT, 1001): ["clip/0", "clip/1"]}


def test_mmdetection_multiplies_the_instance(tmp_path):
    table = [{"id": number, "isthing": int(number < 2)} for number in range(3)]
    # label 0 is a class; 3, the number of classes, is void, and so is 255
    save_map(tmp_path, [[0, 1000, 2001, 2, 3, 255]], dtype=np.int64)
    assert meaning(tmp_path, categories=table, layout="mmdet") == (
        [[0, 1, 2, 3, -1, -1]],
        {0: (0, False), 1: (0, False), 2: (1, False), 3: (2, False)},
    )


def test_the_largest_value_may_be_void(tmp_path):
    save_map(tmp_path, [[LARGEST, 1000]], dtype=np.uint32)
    assert meaning(tmp_path, layout="divisor", void=str(LARGEST // 1000)) == ([[-1, 1]], {1: (CAT, False)})


# Files.


def test_image_ids_are_paths_without_suffix_and_folders_are_sequences(tmp_path):
    for name in ("a.b", "clip/1"):
        save_map(tmp_path, [[CAT, 1]], name=name)
    _, images = open_source(tmp_path, format=FORMAT, categories=TABLE)
    assert [(each.image_id, each.sequence) for each in images] == [("a.b", None), ("clip/1", "clip")]


def test_one_of_several_arrays_is_named(tmp_path):
    np.savez(tmp_path / "7.npz", labels=[[CAT, 1]], scores=[0.5])
    assert meaning(tmp_path, key="labels") == ([0], {0: (CAT, False)})


@pytest.mark.parametrize("wrapped", [False, True])
def test_the_table_may_lie_in_the_folder(tmp_path, wrapped):
    save_map(tmp_path, [[5]], {5: 17})
    rows = [{"id": 17, "name": "zebra", "isthing": 1}]
    (tmp_path / "categories.json").write_text(json.dumps({"categories": rows} if wrapped else rows))
    result = pqeval.evaluate(gt=tmp_path, pred=tmp_path)
    assert [(row.name, row.pq) for row in result.per_class] == [("zebra", 1)]
    # The user's table goes before it.
    found = pqeval.evaluate(gt=tmp_path, pred=tmp_path, categories=[{"id": 17, "name": "horse", "isthing": 1}])
    assert found.per_class[0].name == "horse"


def test_layouts_may_be_mixed(tmp_path):
    save_map(tmp_path / "gt", [[4, 0]], {4: CAT})
    save_map(tmp_path / "pred", [[[CAT, 7], [0, 0]]])
    assert pqeval.evaluate(gt=tmp_path / "gt", pred=tmp_path / "pred", format=FORMAT, categories=TABLE).pq == 1


def test_an_archive_is_read_like_a_folder(tmp_path):
    save_map(tmp_path / "data", [[4, 0]], {4: CAT})
    shutil.make_archive(str(tmp_path / "data"), "zip", tmp_path / "data")
    assert meaning(tmp_path / "data.zip") == ([[0, -1]], {0: (CAT, False)})


def test_a_side_can_be_sent_to_another_process(tmp_path):
    save_map(tmp_path, [[4, 0]], {4: CAT})
    side, images = open_source(tmp_path, format=FORMAT, categories=TABLE)
    assert pickle.loads(pickle.dumps(side)).read(images[0], problems=[])[1] == side.read(images[0], problems=[])[1]


def test_arrays_are_recognised(tmp_path):
    save_map(tmp_path / "list", [[4]], {4: CAT})
    save_map(tmp_path / "bare", [[4]])
    save_map(tmp_path / "table", [[4]])
    (tmp_path / "table" / "categories.json").write_text("[]")
    save(tmp_path / "coco.json", [image(1, [[1]], {1: 1})])
    (tmp_path / "none").mkdir()
    places = ("list", "bare", "table", "coco.json", "none")
    assert [sure(tmp_path / place, FORMAT) for place in places] == [2, 1, 2, 0, 0]


# Scores.


def test_a_score_worked_out_by_hand(tmp_path):
    # Cat 5 has 4 pixels, 3 of them found; sky has 4, all found, and one of the cat; the dog is missed, its 2
    # pixels are unknown; one pixel is void, and a cat that covers it and nothing else is excused.
    save_map(tmp_path / "gt", [5, 5, 5, 5, 6, 6, 6, 6, 7, 7, 0], {5: CAT, 6: SKY, 7: DOG})
    pred = [[CAT, 1]] * 3 + [[SKY, 0]] * 5 + [[0, 0]] * 2 + [[CAT, 2]]
    save_map(tmp_path / "pred", pred)
    result = pqeval.evaluate(gt=tmp_path / "gt", pred=tmp_path / "pred", format=FORMAT, categories=TABLE)
    assert result.convention == "coco"
    cat, dog, sky = result.per_class
    assert (cat.pq, cat.fp) == (3 / 4, 0)
    assert (dog.pq, dog.fn) == (0, 1)
    assert sky.pq == 4 / 5
    assert result.pq == (3 / 4 + 0 + 4 / 5) / 3


def test_the_torchmetrics_vector(tmp_path):
    """Five points, of which two are alike: things 0 and 1, stuff 10 and 11; (2/3 + 1 + 2/3) / 3."""
    table = [{"id": number, "isthing": int(number < 10)} for number in (0, 1, 10, 11)]
    save_map(tmp_path / "pred", [[10, 0], [10, 0], [0, 1], [10, 0], [1, 2]])
    save_map(tmp_path / "gt", [[10, 0], [10, 0], [0, 0], [0, 1], [1, 0]])
    result = pqeval.evaluate(
        gt=tmp_path / "gt", pred=tmp_path / "pred", format=FORMAT, categories=table, convention="torchmetrics"
    )
    # Stuff 10: 2 of 3 points. Thing 1: right. Thing 0: one right, one missed: 1 / (1 + 1/2).
    assert [row.pq for row in result.per_class] == [2 / 3, 1, 2 / 3, None]
    assert result.pq == pytest.approx(7 / 9, abs=1e-12)


def test_against_coco_both_ways(tmp_path):
    save_map(tmp_path / "maps", [[CAT, 0], [CAT, 0], [CAT, 0], [DOG, 5]], name="5")
    np.save(tmp_path / "maps" / "5.npy", np.load(tmp_path / "maps" / "5.npy")[None])
    coco = save(tmp_path / "coco.json", [image(5, [[1, 1, 2, 2]], {1: CAT, 2: DOG})])
    for gt, pred, formats in (
        (tmp_path / "maps", coco, (FORMAT, "coco")),
        (coco, tmp_path / "maps", ("coco", FORMAT)),
    ):
        result = pqeval.evaluate(gt=gt, pred=pred, gt_format=formats[0], pred_format=formats[1], categories=TABLE)
        # The cat: 2 / 3. The dog: 1 / 2, which is not more than half.
        assert [row.pq for row in result.per_class] == [2 / 3, 0, None]


# There and back.


@settings(max_examples=20)
@given(
    arrays.arrays(
        np.int64,
        st.tuples(st.integers(1, 4), st.integers(1, 5)),
        elements=st.sampled_from([0, 1, 2, 70000, 2**24 - 1]),
    ),
    st.sampled_from([None, "clip"]),
)
def test_what_is_written_is_read_again(tmp_path_factory, array, sequence):
    folder = tmp_path_factory.mktemp("maps")
    rows = {number: number % 3 + 1 for number in np.unique(array).tolist() if number}
    save_map(folder / "in", array, rows, name="7" if sequence is None else "clip/7")
    before = partition(folder / "in", FORMAT, categories=TABLE)
    pqeval.convert(folder / "in", folder / "out", format=FORMAT, to=FORMAT, categories=TABLE)
    assert partition(folder / "out", FORMAT) == before
    pqeval.convert(folder / "out", folder / "out.json", format=FORMAT)
    assert partition(folder / "out.json", "coco") == before


@settings(max_examples=20)
@given(
    arrays.arrays(np.int64, (3, 4), elements=st.sampled_from([0, 1, 2, 3])),
    arrays.arrays(np.int64, (3, 4), elements=st.sampled_from([0, 1, 2, 999])),
)
def test_all_layouts_say_the_same(tmp_path_factory, category, instance):
    folder = tmp_path_factory.mktemp("maps")
    instance = np.where(category == 0, 0, instance)
    save_map(folder / "pairs", np.stack([category, instance], axis=-1))
    save_map(folder / "swapped", np.stack([instance, category], axis=-1))
    save_map(folder / "divisor", category * 1000 + instance, dtype=np.uint16)
    save_map(folder / "mmdet", instance * 1000 + category)
    found = meaning(folder / "pairs")
    assert found == meaning(folder / "swapped", channels="instance-category")
    assert found == meaning(folder / "divisor", layout="divisor")
    assert found == meaning(folder / "mmdet", layout="mmdet", void="0")
    pqeval.convert(folder / "pairs", folder / "coco.json", format=FORMAT, categories=TABLE)
    (coco,) = partition(folder / "coco.json", "coco").values()
    assert coco == found


def written(image_id, array, rows):
    """Return an image as a converter passes it on; rows are category by id."""
    columns = Rows(
        np.array(list(rows), np.int64),
        np.array(list(rows.values()), np.int64),
        np.zeros(len(rows), np.uint8),
        np.full(len(rows), NO_AREA),
    )
    return Written(image_id, LabelMap.from_array(np.array(array)), columns)


def test_what_is_written(tmp_path):
    table = Categories.of(TABLE)
    write(tmp_path / "out", [written("clip/1", [[LARGEST, 0]], {LARGEST: SKY}), written(7, [3], {3: CAT})], table)
    files = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*"))
    assert files == ["7.json", "7.npz", "categories.json", "clip/1.json", "clip/1.npz"]
    with np.load(tmp_path / "out" / "clip" / "1.npz") as content:
        assert list(content) == ["data"]
        assert (content["data"].dtype, content["data"].tolist()) == (np.uint32, [[LARGEST, 0]])
    assert json.loads((tmp_path / "out" / "clip" / "1.json").read_text()) == {
        "image_id": "clip/1",
        "segments_info": [{"id": LARGEST, "category_id": SKY, "iscrowd": 0}],
    }
    assert json.loads((tmp_path / "out" / "categories.json").read_text()) == TABLE
    before = {name: (tmp_path / "out" / name).read_bytes() for name in files}
    write(tmp_path / "out", [written("clip/1", [[LARGEST, 0]], {LARGEST: SKY}), written(7, [3], {3: CAT})], table)
    assert before == {name: (tmp_path / "out" / name).read_bytes() for name in files}


@pytest.mark.parametrize(
    ("image_id", "name"),
    [
        ("a b", "a b"),
        ("a:b\\c", "a%3Ab%5Cc"),
        (".hidden", "%2Ehidden"),
        ("../up", "%2E./up"),
        ("/", "%2F"),
        ("ü%", "ü%25"),
    ],
)
def test_names_stay_in_the_folder_and_can_be_written_anywhere(tmp_path, image_id, name):
    write(tmp_path / "out", [written(image_id, [3], {3: CAT})], Categories.of(TABLE))
    assert (tmp_path / "out" / f"{name}.npz").is_file()
    assert list(partition(tmp_path / "out", FORMAT)) == [name]


# What is wrong.


def said_of(folder, array, rows=None, *, options=None, role="gt", **more):
    """Return what is said of an image when it is read."""
    save_map(folder, array, rows, **more)
    side, images = open_source(folder, format=FORMAT, categories=TABLE, options=options, role=role)
    found: list = []
    side.read(images[0], problems=found)
    return found


@trigger
def a_map_alone(folder):
    says(
        said_of(folder, [[1, 2, 3]], role="pred"),
        """
        DIR/7.npy (image '7'): an array of shape (1, 3) without 7.json could mean several things
          expected: a list of its segments, or a last axis of 2 for category and instance
          do: say what the values are with --pred-option layout=divisor (class * divisor + instance) or
              layout=mmdet (instance * 1000 + label)
        """,
        folder=folder,
    )


@trigger
def ids_without_a_list(folder):
    says(
        said_of(folder, [[1]], options={"layout": "ids"}),
        """
        DIR/7.json (image '7'): does not exist
          expected: a file
          do: check the file name
        """,
        folder=folder,
    )


@trigger
def a_json_without_a_list(folder):
    for rows in ({}, 7, [7]):
        save_map(folder, [[1]], [])
        (folder / "7.json").write_text(json.dumps(rows))
        says(
            problems(gt=folder, pred=folder, format=FORMAT, categories=TABLE)[0],
            """
            DIR/7.json (image '7'): there is no list of segments
              expected: {"segments_info": [{"id": 1, "category_id": 17}, ...]}
              do: save the list that belongs to the map
            """,
            folder=folder,
        )


@trigger
def one_id_with_two_labels(folder):
    rows = [{"id": 5, "label_id": SKY, "was_fused": True}, {"id": 5, "label_id": CAT, "was_fused": False}]
    says(
        said_of(folder, [[5]], rows),
        """
        DIR/7.json (image '7'): segment id 5 has the label_id 3 and the label_id 1
          expected: one label per segment
          do: give the parts different ids; if transformers wrote this, take a version without its bug 23461, or
              fuse no labels
        """,
        folder=folder,
    )
    rows = [{"id": 5, "category_id": SKY}, {"id": 5, "category_id": CAT}]
    assert codes(said_of(folder, [[5]], rows)) == ["segment-conflict"]
    assert codes(said_of(folder, [[5]], [rows[0], rows[0]])) == ["segment-repeated"]


@trigger
def stuff_that_was_not_fused(folder):
    rows = [{"id": number, "label_id": label} for number, label in ((1, SKY), (2, SKY), (3, CAT), (4, CAT))]
    says(
        said_of(folder, [[1, 2, 3, 4]], rows),
        """
        DIR/7.json (image '7'): stuff of category 3 is in several segments, which match one by one
          expected: one segment per stuff category and image
          do: name the stuff classes in label_ids_to_fuse of post_process_panoptic_segmentation
        """,
        folder=folder,
    )


@trigger
def ids_that_begin_with_0(folder):
    assert codes(said_of(folder, [[0, 1]], {0: CAT, 1: DOG})) == ["segment-id-void"]


@trigger
def maps_of_floats_and_booleans(folder):
    says(
        said_of(folder, [[1.0]], {1: CAT}),
        """
        DIR/7.npy (image '7'): an array of float64
          expected: integers
          do: convert it yourself where no id is lost, for example `.astype('uint32')`
        """,
        folder=folder,
    )
    assert codes(said_of(folder, [[True]], {1: CAT})) == ["id-dtype"]
    assert codes(said_of(folder, [[-1.0]], {1: CAT})) == ["id-dtype"]  # there are segments, so this is no fill
    (folder / "7.json").unlink()
    assert codes(said_of(folder, [[[1.0, 0.0]]])) == ["id-dtype"]
    assert codes(said_of(folder, [[1.0]], options={"layout": "divisor"})) == ["id-dtype"]


@trigger
def maps_with_other_negative_numbers(folder):
    assert codes(said_of(folder, [[-2]], {1: CAT})) == ["id-range"]
    assert codes(said_of(folder, [[-2]], options={"layout": "divisor"})) == ["id-range"]
    (folder / "7.json").unlink()
    says(
        said_of(folder, [[[CAT, -1], [CAT, 1]]]),
        """
        DIR/7.npy (image '7'): category 1 has the instance -1
          expected: numbers from 0 to 4294967295; the category -1 is void
          do: number categories and instances from 0, or name the void category with the option void
        """,
        folder=folder,
    )
    assert codes(said_of(folder, [[[CAT, -1], [DOG, -1]]], options={"void": "1,2"})) == []
    for pair in ([CAT, LARGEST + 1], [LARGEST + 1, 1]):
        assert codes(said_of(folder, [[pair, [CAT, 1]]], dtype=np.uint64)) == ["pair-range"]
    assert codes(said_of(folder, [[[255, 2**64 - 1], [CAT, 1]]], dtype=np.uint64)) == []


@trigger
def pairs_of_another_shape(folder):
    for array in ([[[1, 2, 3]]], [1, 2]):
        says(
            said_of(folder, array, options={"layout": "pairs"}),
            f"""
            DIR/7.npy (image '7'): the array has the shape {np.shape(array)}
              expected: a last axis of 2: category and instance
              do: stack the two maps with `np.stack([category, instance], axis=-1)`
            """,
            folder=folder,
        )


@trigger
def large_instances_in_a_sequence(folder):
    says(
        said_of(folder, [[CAT, 65536]], name="clip/1"),
        """
        DIR/clip/1.npy (image 'clip/1'): a category or an instance number above 65535 in a folder of frames
          expected: numbers up to 65535, by which objects are known again in other frames
          do: number the objects of a sequence from 1; put images that are no frames into one folder
        """,
        folder=folder,
    )


@trigger
def the_largest_value(folder):
    says(
        said_of(folder, [LARGEST, 1000], dtype=np.uint32, options={"layout": "divisor"})[0],
        """
        DIR/7.npy (image '7'): the map has the value 4294967295
          expected: values up to 4294967294
          do: if it means void, write -1 as a signed integer, or name its label with the option void
        """,
        folder=folder,
    )


@trigger
def options_that_mean_nothing(folder):
    for options, expected in (
        (
            {"divisor": "0"},
            """
            gt option divisor is 0
              expected: the number that classes, or instances, were multiplied with
              do: for example divisor=1000
            """,
        ),
        (
            {"void": "sky"},
            """
            gt option void is 'sky'
              expected: a label or several, with commas between them
              do: for example void=255
            """,
        ),
    ):
        save_map(folder, [[1]])
        says(raised(segments, folder, FORMAT, options=options), expected)


@trigger
def no_table(folder):
    save_map(folder, [[1]], {1: CAT})
    says(
        raised(pqeval.evaluate, gt=folder, pred=folder),
        """
        DIR: the ground truth has no category table
          expected: a table with id and isthing
          do: give one with --categories FILE (categories=)
        """,
        folder=folder,
    )


@trigger
def a_table_that_is_none(folder):
    save_map(folder, [[1]], {1: CAT})
    (folder / "categories.json").write_text('{"id2label": {}}')
    says(
        raised(segments, folder, FORMAT),
        """
        DIR/categories.json: the category table is empty
          expected: at least one category with an id and isthing
          do: add rows such as {"id": 1, "name": "person", "isthing": 1}
        """,
        folder=folder,
    )


@trigger
def several_arrays_in_a_file(folder):
    save_map(folder, [[1]], {1: CAT})
    (folder / "7.npy").unlink()
    np.savez(folder / "7.npz", one=[[1]], two=[[1]])
    options = {"gt": folder, "pred": folder, "format": FORMAT, "categories": TABLE}
    says(
        problems(**options)[0],
        """
        DIR/7.npz (image '7'): there is one, two
          expected: one array
          do: save it as `np.savez_compressed(path, data=array)`
        """,
        folder=folder,
    )
    says(
        problems(**options, gt_options={"key": "three"})[0],
        """
        DIR/7.npz (image '7'): there is no array 'three' in it; there is one, two
          expected: an array called 'three'
          do: save it as `np.savez_compressed(path, three=array)`
        """,
        folder=folder,
    )
    with zipfile.ZipFile(folder / "7.npz", "w"):
        pass
    assert problems(**options)[0].found == "there is nothing"


@trigger
def an_array_that_would_not_fit_into_memory(folder):
    save_map(folder, np.zeros((4, 4), int), {}, packed=True)
    with mock.patch.object(_arrays, "LARGEST_MEMBER", 100):
        says(
            problems(gt=folder, pred=folder, format=FORMAT, categories=TABLE)[0],
            """
            DIR/7.npz (image '7'): no array can be read from it: the array has 256 bytes, at most 100 are read
              expected: a whole .npy or .npz file with numbers
              do: write the file again
            """,
            folder=folder,
        )


@trigger
def headers_that_lie(folder):
    """Whatever a header claims, nothing is run and nothing of that size is made."""
    save_map(folder, [[1]], {1: CAT})
    for header, found in (
        (
            "{'descr': '<i8', 'fortran_order': False, 'shape': (10000000000, 10000000000)}",
            "it ends too early for an",
        ),
        ("{'descr': '<i8', 'fortran_order': False, 'shape': (1, 1), 'more': 1}", "its header is damaged"),
        ("{'descr': '<i8', 'fortran_order': False, 'shape': (-1,)}", "its header is damaged"),
        ("{'descr': '<i8', 'fortran_order': False, 'shape': __import__('os')}", "its header is damaged"),
        ("[" * 5000, "its header is damaged"),
    ):
        content = header.encode() + b"\n"
        raw = b"\x93NUMPY\x01\x00" + len(content).to_bytes(2, "little") + content + b"\1" + bytes(7)
        (folder / "7.npy").write_bytes(raw)
        said = problems(gt=folder, pred=folder, format=FORMAT, categories=TABLE)[0]
        assert said.code == "array-broken"
        assert f"no array can be read from it: {found}" in said.found


@trigger
def pickled_objects(folder):
    save_map(folder, [[1]], {1: CAT})
    for content in (np.array([[{}]], object), [[1]]):
        packed = io.BytesIO()
        if isinstance(content, list):
            pickle.dump(content, packed)
        else:
            np.save(packed, content, allow_pickle=True)
        (folder / "7.npy").write_bytes(packed.getvalue())
        found = problems(gt=folder, pred=folder, format=FORMAT, categories=TABLE)[0]
        assert found.code == ("array-broken" if isinstance(content, list) else "array-pickled")


@trigger
def two_files_of_an_image(folder):
    save_map(folder, [[1]], {1: CAT})
    save_map(folder, [[1]], {1: CAT}, packed=True)
    assert codes(problems(gt=folder, pred=folder, format=FORMAT, categories=TABLE)) == ["file-twice"] * 2


@trigger
def nothing_to_read(folder):
    says(
        raised(segments, folder, FORMAT),
        """
        DIR: there are no files of this format
          expected: files such as NAME.npy or NAME.npz
          do: check the folder, and the format with `pqeval formats`
        """,
        folder=folder,
    )


@trigger
def images_that_would_have_one_name(folder):
    frames = [written(7, [1], {1: CAT}), written("7", [1], {1: CAT})]
    says(
        raised(write, folder / "out", frames, Categories.of(TABLE)),
        """
        image '7': another file has the name 7.json
          expected: image ids that make different names
          do: give the image another id
        """,
    )
    frames = [written("categories", [1], {1: CAT})]
    assert raised(write, folder / "out", frames, Categories.of(TABLE)).code == "image-name-taken"


@trigger
def a_category_that_the_table_lacks(folder):
    says(
        raised(write, folder / "out", [written(7, [1], {1: 9})], Categories.of(TABLE)),
        """
        image 7: category_id 9 is not in the table
          expected: categories of the table
          do: add them to the table, or leave their segments out
        """,
    )
    assert not list((folder / "out").iterdir())
