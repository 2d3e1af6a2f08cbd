"""HoVer-Net, Kumar and CoNSeP: nuclei in .mat, .json and .npy files."""

from __future__ import annotations

import json
import pickle
import shutil
import struct
import zlib

import numpy as np
import pytest
from datasets import image, save, says
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pair_maps import codes, partition, problems, raised, segments, sure
from scipy import ndimage
from scipy.io import loadmat, savemat
from triggers import Triggers, name_of

import pqeval
from pqeval.categories import Categories
from pqeval.conversion import open_source
from pqeval.formats._mat import read_mat
from pqeval.storage import locate

FORMAT = "hovernet"
ALMOST_1 = 1 / (1 + 1e-6)  # what the original scores for a perfect match
MAP = [[1, 1, 0, 7, 7, 3]]

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def save_mat(folder, instance, *, name="mat/one.mat", **more):
    """Write a .mat; ``types`` is a list, which becomes a column."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    lists = {key: np.array(more.pop(key))[:, None] for key in ("inst_type", "inst_uid") if key in more}
    savemat(path, ({} if instance is None else {"inst_map": np.array(instance)}) | lists | more)
    return folder


def save_json(folder, nuclei, *, name="json/one.json"):
    """Write a JSON; a nucleus is (contour, type)."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    nuc = {
        str(number): {"bbox": [], "centroid": [], "contour": contour, "type_prob": None, "type": kind}
        for number, (contour, kind) in nuclei.items()
    }
    path.write_text(json.dumps({"mag": None, "nuc": nuc}))
    return folder


def save_patch(folder, *channels, name="one.npy", dtype=np.int32):
    """Write a patch: red, green, blue, and the channels that are given."""
    folder.mkdir(parents=True, exist_ok=True)
    colours = [np.full(np.shape(channels[0]), 200)] * 3
    np.save(folder / name, np.stack([*colours, *channels], axis=-1).astype(dtype))
    return folder


def meaning(folder, **options):
    return partition(folder, FORMAT, **options)["one"]


def kinds_of(folder, **options):
    """Return category by nucleus."""
    _, rows = segments(folder, FORMAT, **options)["one"]
    return {number: row.category_id for number, row in rows.items()}


# .mat


def test_types_are_listed_by_ascending_number(tmp_path):
    save_mat(tmp_path, MAP, inst_type=[4, 2, 5])
    assert kinds_of(tmp_path) == {1: 4, 3: 2, 7: 5}


def test_types_are_listed_in_the_order_of_inst_uid(tmp_path):
    save_mat(tmp_path, MAP, inst_type=[4, 2, 5], inst_uid=[7, 1, 3])
    assert kinds_of(tmp_path) == {7: 4, 1: 2, 3: 5}


@pytest.mark.parametrize("dtype", [np.float64, np.int32, np.uint16])
def test_numbers_may_have_gaps_and_nothing_may_be_background(tmp_path, dtype):
    save_mat(tmp_path, np.array([[9, 9, 40000, 2]], dtype), inst_type=np.array([1, 2, 3], dtype))
    assert meaning(tmp_path) == ([[0, 0, 2, 3]], {0: (2, False), 2: (3, False), 3: (1, False)})


def test_a_class_map_gives_classes_by_majority(tmp_path):
    save_mat(tmp_path, [[1, 1, 1, 2, 2, 0]], type_map=np.array([[3, 3, 1, 2, 1, 0]], np.float64))
    assert kinds_of(tmp_path) == {1: 3, 2: 1}


def test_a_list_goes_before_a_class_map_where_it_has_an_entry_per_nucleus(tmp_path):
    kinds = np.array([[3, 3, 0, 3, 3, 3]])
    assert kinds_of(save_mat(tmp_path / "a", MAP, inst_type=[1, 1, 1], type_map=kinds)) == {1: 1, 3: 1, 7: 1}
    assert kinds_of(save_mat(tmp_path / "b", MAP, inst_type=[1, 1], type_map=kinds)) == {1: 3, 3: 3, 7: 3}


def test_without_classes_all_nuclei_are_of_one(tmp_path):
    save_mat(tmp_path, MAP)
    assert set(meaning(tmp_path)[1].values()) == {(1, False)}
    assert open_source(tmp_path, format=FORMAT)[0].categories == Categories.builtin("nuclei")


def test_what_is_no_array_of_real_numbers_says_nothing(tmp_path):
    cells = np.empty(3, object)
    cells[:] = [np.zeros((0, 0))] * 3
    for kinds in (cells, np.array([1j, 2, 3]), np.array(["a", "b", "c"]), np.zeros((0, 1))):
        save_mat(tmp_path, MAP, inst_type=kinds, inst_uid=np.array([1, 3, 7]), more={"a": 1})
        assert set(kinds_of(tmp_path).values()) == {1}


def element(kind, data, order="<"):
    return struct.pack(f"{order}II", kind, len(data)) + data + bytes(-len(data) % 8)


def small_element(kind, data, order="<"):
    return struct.pack(f"{order}I", kind | len(data) << 16) + data.ljust(4, b"\0")


def mat(*variables, order="<", packed=False, version=0x100):
    """Encode a file; a variable is (name, class, sizes, type of the numbers, numbers)."""
    content = b"made by hand".ljust(124) + struct.pack(f"{order}HH", version, 0x4D49)
    for name, meant, sizes, kind, numbers in variables:
        body = element(6, struct.pack(f"{order}II", meant, 0), order)
        body += element(5, struct.pack(f"{order}{len(sizes)}i", *sizes), order)
        body += (small_element if len(name) < 5 else element)(1, name.encode(), order)
        body += element(kind, numbers, order)
        whole = element(14, body, order)
        content += (
            struct.pack(f"{order}II", 15, len(zlib.compress(whole))) + zlib.compress(whole) if packed else whole
        )
    return content


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_matlab_stores_numbers_in_smaller_types_and_either_byte_order(tmp_path, order, packed):
    """Doubles as uint8 and uint16; a variable that nobody wants in between; a name that fits into its tag."""
    numbers = struct.pack(f"{order}4H", 1, 300, 1, 0)  # column by column
    content = mat(
        ("abc", 6, (1, 2), 2, bytes([1, 2])),
        ("inst_map", 6, (2, 2), 4, numbers),
        ("inst_type", 6, (2, 1), 2, bytes([4, 2])),
        order=order,
        packed=packed,
    )
    (tmp_path / "one.mat").write_bytes(content)
    assert partition(tmp_path, FORMAT) == {"one": ([[0, 0], [2, -1]], {0: (4, False), 2: (2, False)})}
    found = read_mat(locate(tmp_path / "one.mat"), ["inst_map", "abc", "none"])
    assert {name: (array.dtype, array.tolist()) for name, array in found.items()} == {
        "inst_map": (np.float64, [[1, 1], [300, 0]]),
        "abc": (np.float64, [[1, 2]]),
    }


@settings(max_examples=50)
@given(
    st.sampled_from("fdbhilBHIL"),
    st.lists(st.integers(0, 4), min_size=2, max_size=3),
    st.booleans(),
    st.data(),
)
def test_variables_are_what_scipy_reads(tmp_path_factory, dtype, shape, packed, data):
    array = data.draw(arrays.arrays(dtype, shape))
    path = tmp_path_factory.mktemp("mat") / "one.mat"
    savemat(path, {"first": "text", "a": array, "much_longer_name": array[..., None]}, do_compression=packed)
    names = ["a", "much_longer_name", "first"]
    found, expected = read_mat(locate(path), names), loadmat(path)
    assert sorted(found) == ["a", "much_longer_name"]
    for name, value in found.items():
        assert value.dtype == expected[name].dtype
        np.testing.assert_array_equal(value, expected[name])


def test_an_image_without_nuclei_says_nothing_about_classes(tmp_path):
    for name, typed in (("typed", True), ("untyped", False)):
        save_mat(tmp_path / name, [[0, 0]], inst_type=[])
        more = {"inst_type": [5, 5, 5]} if typed else {}
        save_mat(tmp_path / name, MAP, name="mat/two.mat", **more)
        side, _ = open_source(tmp_path / name, format=FORMAT)
        assert side.categories == Categories.builtin("pannuke" if typed else "nuclei")
        assert meaning(tmp_path / name) == ([[-1, -1]], {})


def test_consep_has_seven_types_that_count_as_four(tmp_path):
    save_mat(tmp_path, [[1, 2, 3, 4, 5, 6, 7]], inst_type=list(range(1, 8)))
    assert list(kinds_of(tmp_path, options={"merge": "consep"}).values()) == [1, 2, 3, 3, 4, 4, 4]
    table = open_source(tmp_path, format=FORMAT, options={"merge": "consep"})[0].categories
    assert [row.name for row in table] == ["other", "inflammatory", "epithelial", "spindle-shaped"]
    assert list(kinds_of(tmp_path).values()) == list(range(1, 8))


def test_types_are_merged_before_they_vote(tmp_path):
    kinds = np.array([[3, 4, 1, 1, 1, 3, 4, 4]])  # three pixels of 1, five of what counts as 3
    save_mat(tmp_path, [[5] * 8], type_map=kinds)
    assert kinds_of(tmp_path, options={"merge": "consep"}) == {5: 3}


def test_classes_can_be_left_out(tmp_path):
    save_mat(tmp_path, MAP, inst_type=[4, 2, 0])
    assert set(kinds_of(tmp_path, categories="nuclei").values()) == {1}


# .json


def test_a_contour_encloses_itself_and_what_is_inside(tmp_path):
    save_json(tmp_path, {4: ([[1, 0], [1, 2], [3, 2], [3, 0]], 2)})
    assert meaning(tmp_path, options={"size": "4x5"}) == (
        [[-1, 1, 1, 1, -1], [-1, 1, 1, 1, -1], [-1, 1, 1, 1, -1], [-1] * 5],
        {1: (2, False)},
    )


def test_contours_of_one_or_two_points_are_pixels_and_lines(tmp_path):
    save_json(tmp_path, {1: ([[4, 1]], 1), 2: ([[0, 0], [2, 0]], 1)})
    assert meaning(tmp_path, options={"size": "2x5"})[0] == [[0, 0, 0, -1, -1], [-1] * 4 + [9]]


def outline(mask):
    """Follow the outermost pixels of an object, which touches no border, as OpenCV does (Moore's algorithm)."""
    around = [(0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1)]
    start = tuple(int(axis[0]) for axis in np.nonzero(mask))
    path, here, came = [start], start, 0
    while len(path) <= 4 * mask.size:
        for turn in range(8):
            place = (came + turn) % 8
            after = (here[0] + around[place][0], here[1] + around[place][1])
            if mask[after]:
                break
        else:
            return path
        if here == start and len(path) > 1 and after == path[1]:
            return path[:-1]
        path.append(after)
        here, came = after, (place + 5) % 8
    raise AssertionError("the outline does not close")


@settings(max_examples=50)
@given(arrays.arrays(bool, (7, 8)))
def test_what_contours_were_made_of_comes_back(tmp_path_factory, mask):
    """Whatever the shape of an object, its outermost pixels give it back, without its holes."""
    folder = tmp_path_factory.mktemp("contour")
    objects, count = ndimage.label(np.pad(mask, 1), np.ones((3, 3)))
    for number in range(1, count + 1):
        whole = ndimage.binary_fill_holes(objects == number)
        save_json(folder, {number: ([[x, y] for y, x in outline(whole)], 1)})
        ids, _ = segments(folder, FORMAT, options={"size": "9x10"})["one"]
        assert ((ids == number) == whole).all()


def test_the_size_is_that_of_the_ground_truth(tmp_path):
    save_mat(tmp_path / "gt", [[1, 1, 0], [0, 0, 0]], inst_type=[1])
    save_json(tmp_path / "pred", {9: ([[0, 0], [1, 0]], 1)})
    result = pqeval.evaluate(gt=tmp_path / "gt", pred=tmp_path / "pred", format=FORMAT)
    assert result.pq == pytest.approx(ALMOST_1, abs=1e-12)


def test_a_json_may_have_no_types_and_no_nuclei(tmp_path):
    save_json(tmp_path, {1: ([[0, 0]], None)})
    save_json(tmp_path, {}, name="json/two.json")
    found = partition(tmp_path, FORMAT, options={"size": "1x2"})
    assert found == {"one": ([[0, -1]], {0: (1, False)}), "two": ([[-1, -1]], {})}


def test_a_json_whose_types_are_told_has_classes(tmp_path):
    save_json(tmp_path, {}, name="json/empty.json")
    save_json(tmp_path, {1: ([[0, 0]], None), 2: ([[1, 0]], 5.0)})
    assert kinds_of(tmp_path, options={"size": "1x2"}) == {1: 0, 2: 5}
    assert len(open_source(tmp_path, format=FORMAT)[0].categories) == 5


# .npy


def test_patches_have_colours_nuclei_and_classes(tmp_path):
    save_patch(tmp_path, [[1, 1, 0], [8, 8, 8]], [[2, 2, 0], [5, 5, 1]])
    assert meaning(tmp_path) == ([[0, 0, -1], [3, 3, 3]], {0: (2, False), 3: (5, False)})


def test_patches_may_have_no_classes(tmp_path):
    assert kinds_of(save_patch(tmp_path, [[1, 0, 8]], dtype=np.float32)) == {1: 1, 8: 1}


# Files.


def test_one_kind_of_file_is_read(tmp_path):
    """A result has .mat and .json of the same images."""
    save_json(tmp_path, {1: ([[0, 0]], 1)})
    save_json(tmp_path, {1: ([[0, 0]], 1)}, name="type_info.json")
    assert list(open_source(tmp_path, format=FORMAT)[0].images) == [(3, "one")]
    save_mat(tmp_path, MAP, name="mat/other.mat")
    (tmp_path / "overlay").mkdir()
    (tmp_path / "overlay" / "one.png").write_bytes(b"")
    assert list(partition(tmp_path, FORMAT)) == ["other"]


def test_the_name_is_the_image_id_wherever_the_file_lies(tmp_path):
    for place in ("Test/Labels/test_1.mat", "Train/Labels/train_1.mat"):
        save_mat(tmp_path, MAP, name=place)
    assert list(partition(tmp_path, FORMAT)) == ["test_1", "train_1"]


def test_an_archive_is_read_like_a_folder(tmp_path):
    save_mat(tmp_path / "data", MAP)
    shutil.make_archive(str(tmp_path / "data"), "zip", tmp_path / "data")
    assert partition(tmp_path / "data.zip", FORMAT) == partition(tmp_path / "data", FORMAT)


def test_a_side_can_be_sent_to_another_process(tmp_path):
    save_mat(tmp_path, MAP, inst_type=[1, 2, 3])
    side, images = open_source(tmp_path, format=FORMAT, options={"merge": "consep"})
    assert pickle.loads(pickle.dumps(side)).read(images[0], problems=[])[1] == side.read(images[0], problems=[])[1]


def test_files_are_recognised(tmp_path):
    save_mat(tmp_path / "mat_", MAP, name="one.mat")
    save_json(tmp_path / "json_", {1: ([[0, 0]], 1)})
    save_patch(tmp_path / "npy", [[1]], [[1]])
    save_patch(tmp_path / "npy4", [[1]])
    (tmp_path / "rgb").mkdir()
    np.save(tmp_path / "rgb" / "one.npy", np.zeros((2, 2, 3)))
    save(tmp_path / "json" / "coco.json", [image(1, [[1]], {1: 1})])
    places = ("mat_", "json_", "npy", "npy4", "rgb", "json", "json/coco.json")
    assert [sure(tmp_path / place, FORMAT) for place in places] == [2, 2, 2, 2, 0, 0, 0]


# Scores.


def test_a_score_worked_out_by_hand(tmp_path):
    """Every image has a score of its own; background excuses nothing, and an image without nuclei says nothing."""
    gt, pred = tmp_path / "gt", tmp_path / "pred"
    # 3 of 4 pixels; a nucleus on background is wrong: (3/4) / (1 + 1/2).
    save_mat(gt, [[5, 5, 5, 5, 0, 0, 0]], name="Labels/a.mat")
    save_mat(pred, [[1, 1, 1, 0, 0, 2, 2]], name="mat/a.mat")
    # Two nuclei, the ids of one side with gaps, no background at all: right.
    save_mat(gt, [[1, 1, 2]], name="Labels/b.mat")
    save_mat(pred, [[90, 90, 7]], name="mat/b.mat")
    # Nothing on both sides: not averaged, where the original divides by zero.
    for folder, name in ((gt, "Labels/c.mat"), (pred, "mat/c.mat")):
        save_mat(folder, [[0, 0]], name=name)
    # Something on one side: 0.
    save_mat(gt, [[0, 0]], name="Labels/d.mat")
    save_mat(pred, [[1, 1]], name="mat/d.mat")
    result = pqeval.evaluate(gt=gt, pred=pred, format=FORMAT)
    assert result.convention == FORMAT
    expected = ((3 / 4) / (1 + 1 / 2) * ALMOST_1 + 2 / (2 + 1e-6) + 0) / 3
    assert result.pq == pytest.approx(expected, abs=1e-12)
    assert result.groups["Binary"].pq == pytest.approx(expected, abs=1e-12)
    assert result.per_class[0].fp == 2


def test_a_typed_prediction_is_scored_against_untyped_ground_truth(tmp_path):
    save_mat(tmp_path / "gt", MAP)
    save_mat(tmp_path / "pred", MAP, inst_type=[2, 5, 0])
    result = pqeval.evaluate(gt=tmp_path / "gt", pred=tmp_path / "pred", format=FORMAT)
    assert (result.per_class[0].tp, len(result.per_class), result.warnings) == (3, 1, ())


def test_against_coco_both_ways(tmp_path):
    save_mat(tmp_path / "mat", [[1, 1, 1, 2]], inst_type=[4, 1], name="one.mat")
    table = [row.as_dict() for row in Categories.builtin("pannuke")]
    coco = save(tmp_path / "coco.json", [image("one", [[4, 4, 9, 9]], {4: 4, 9: 1})], categories=table)
    for gt, pred, formats in (
        (tmp_path / "mat", coco, (FORMAT, "coco")),
        (coco, tmp_path / "mat", ("coco", FORMAT)),
    ):
        result = pqeval.evaluate(gt=gt, pred=pred, gt_format=formats[0], pred_format=formats[1], convention="coco")
        # Dead: 2 of 3 pixels. Neoplastic: 1 of 2, which is not more than half.
        assert (result.per_class[3].pq, result.per_class[0].pq) == (2 / 3, 0)


@settings(max_examples=25)
@given(arrays.arrays(np.int64, (3, 4), elements=st.sampled_from([0, 1, 2, 70000, 2**24 - 1])), st.booleans())
def test_there_and_back(tmp_path_factory, instance, typed):
    folder = tmp_path_factory.mktemp("mat")
    numbers = np.unique(instance)
    more = {"inst_type": numbers[numbers > 0] % 5 + 1} if typed else {}
    save_mat(folder, instance, **more)
    before = partition(folder, FORMAT)
    pqeval.convert(folder, folder / "coco.json", format=FORMAT)
    assert partition(folder / "coco.json", "coco") == before


# What is wrong.


def both(folder, **pred):
    """Save a prediction beside ground truth of three nuclei with classes."""
    save_mat(folder / "gt", MAP, inst_type=[1, 2, 3])
    instance = pred.pop("instance", MAP)
    save_mat(folder / "pred", instance, **pred)
    return {"gt": folder / "gt", "pred": folder / "pred", "format": FORMAT}


@trigger
def a_prediction_without_classes(folder):
    says(
        problems(**both(folder)),
        """
        DIR/pred/mat/one.mat (image 'one'): nothing says of which class the nuclei are
          expected: inst_type or type_map in a .mat, type in a .json, five channels in a .npy
          do: add the classes, or leave them out on both sides with --categories nuclei
        """,
        folder=folder,
    )


@trigger
def types_that_do_not_fit(folder):
    says(
        problems(**both(folder, inst_type=[1, 2])),
        """
        DIR/pred/mat/one.mat (image 'one'): inst_type has 2 entries for 3 nuclei
          expected: an entry per nucleus, by ascending number, or in the order of inst_uid
          do: save inst_uid too, the number of the nucleus of each entry
        """,
        folder=folder,
    )


@trigger
def types_of_nuclei_that_are_not_there(folder):
    says(
        problems(**both(folder, inst_type=[1, 2, 3], inst_uid=[1, 3, 8])),
        """
        DIR/pred/mat/one.mat (image 'one'): inst_uid lists nucleus 8, which inst_map lacks
          expected: numbers of nuclei that have pixels
          do: save both from the same result
        """,
        folder=folder,
    )


@trigger
def nuclei_without_a_type(folder):
    """HoVer-Net gives no type to nuclei that are smaller than a contour, and type 0 to some."""
    options = both(folder, inst_type=[2, 0], inst_uid=[3, 7])
    says(
        problems(**options, unknown="void"),
        """
        DIR/pred/mat/one.mat (image 'one'): nucleus 1, 7 has no class; its category is 0
          expected: a class from 1 for every nucleus
          do: of predictions, say what they are with --unknown void or fp; or leave classes out with --categories
              nuclei
        """,
        folder=folder,
    )
    assert codes(problems(**options)) == ["nucleus-without-class", "pred-category-unknown"]


@trigger
def no_inst_map(folder):
    says(
        problems(**both(folder, instance=None, inst_type=[1])),
        """
        DIR/pred/mat/one.mat (image 'one'): there is no variable inst_map
          expected: inst_map with the number of the nucleus of each pixel
          do: save it as scipy.io.savemat(path, {'inst_map': array})
        """,
        folder=folder,
    )


@trigger
def numbers_with_fractions(folder):
    says(
        problems(**both(folder, instance=[[1, 1.5, 0, 0, 0, 0]])),
        """
        DIR/pred/mat/one.mat (image 'one'): inst_map has the value 1.5
          expected: whole numbers from 0 to 4294967295
          do: number the objects from 1 and write 0 for background
        """,
        folder=folder,
    )


@trigger
def a_mat_of_version_7_3(folder):
    options = both(folder)
    path = folder / "pred" / "mat" / "one.mat"
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + b"\x89HDF\r\n\x1a\n".ljust(512))
    says(
        problems(**options),
        """
        DIR/pred/mat/one.mat (image 'one'): the .mat file is of version 7.3, which is HDF5
          expected: version 5 to 7
          do: save it in MATLAB with the option '-v7', or in Python with scipy.io.savemat
        """,
        folder=folder,
    )


@trigger
def a_mat_that_is_damaged(folder):
    options = both(folder, inst_type=[1, 2, 3])
    path = folder / "pred" / "mat" / "one.mat"
    whole = path.read_bytes()
    path.write_bytes(whole[:200])
    says(
        problems(**options),
        """
        DIR/pred/mat/one.mat (image 'one'): it is no .mat file of version 5 to 7, or it is damaged
          expected: a whole .mat file
          do: save it again, in MATLAB with the option '-v7', or in Python with scipy.io.savemat
        """,
        folder=folder,
    )
    fine = ("inst_map", 6, (1, 6), 2, bytes([1, 1, 0, 7, 7, 3]))
    for content in (
        *(b"", b"\0" * 300, b"{}" * 100, b"%%MatrixMarket".ljust(126) + b"MM"),
        mat(fine)[:-1],  # cut off, in the content or in the tag of an element
        mat(fine)[:160],
        mat(fine, packed=True)[:-9],
        mat(fine, packed=True)[:-1] + b"\0",  # the checksum
        mat(("inst_map", 6, (2, 6), 2, bytes(6))),  # other sizes than content
        mat(("inst_map", 6, (-1, 6), 2, bytes(6))),
        mat(("inst_map", 6, (1, 6), 99, bytes(6))),  # a type of numbers that does not exist
        mat() + element(14, element(6, struct.pack("<II", 6, 0))),  # a variable without sizes and name
    ):
        path.write_bytes(content)
        assert codes(problems(**options)) == ["mat-broken"]
        # As ground truth whose classes nobody told, it is opened to look for them, too.
        assert "mat-broken" in codes(problems(**options | {"gt": folder / "pred"}))
    path.write_bytes(mat(("other", *fine[1:]), packed=True))
    assert codes(problems(**options)) == ["mat-inst-map"]
    path.write_bytes(mat(fine))
    assert codes(problems(**options)) == ["nuclei-untyped"]


@trigger
def a_contour_without_a_size(folder):
    save_json(folder, {1: ([[0, 0]], 1)})
    says(
        problems(gt=folder, pred=folder, format=FORMAT)[0],
        """
        DIR/json/one.json (image 'one'): contours do not say how large the image is
          expected: its height and width
          do: say it with --gt-option size=HxW, for example size=1000x1000
        """,
        folder=folder,
    )


@trigger
def a_size_that_is_none(folder):
    save_json(folder, {1: ([[0, 0]], 1)})
    says(
        raised(segments, folder, FORMAT, options={"size": "1000"}),
        """
        gt option size is '1000'
          expected: HxW, height first
          do: for example size=1000x1000
        """,
    )


def said_of(folder, text):
    """Return what is said of a JSON when it is read."""
    path = folder / "json" / "one.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    side, images = open_source(folder, format=FORMAT, options={"size": "2x2"})
    found: list = []
    assert side.read(images[0], problems=found) is None
    return found


@trigger
def a_json_of_something_else(folder):
    says(
        said_of(folder, "[]"),
        """
        DIR/json/one.json (image 'one'): there is no object 'nuc'
          expected: {"nuc": {"1": {"contour": [[x, y], ...], "type": 1}, ...}}, numbers from 1
          do: check that this is a JSON of HoVer-Net
        """,
        folder=folder,
    )
    for nuclei, found in (
        ('{"0": {}}', "nuc has the key '0'"),
        ('{"one": {}}', "nuc has the key 'one'"),
        ('{"4294967296": {}}', "nuc has the key '4294967296'"),
        ('{"3": []}', "nucleus 3 has no contour of points (x, y)"),
        ('{"3": {"contour": []}}', "nucleus 3 has no contour of points (x, y)"),
        ('{"3": {"contour": [[1, 2], [3]]}}', "nucleus 3 has no contour of points (x, y)"),
        ('{"3": {"contour": [[1, 2, 3], [1, 2, 3]]}}', "nucleus 3 has no contour of points (x, y)"),
        ('{"3": {"contour": [[1, NaN]]}}', "nucleus 3 has no contour of points (x, y)"),
        (f'{{"3": {{"contour": [[1, 1{"0" * 400}]]}}}}', "nucleus 3 has no contour of points (x, y)"),
        ('{"3": {"contour": [[1, 1]], "type": "dead"}}', "nucleus 3 has the type 'dead'"),
        ('{"3": {"contour": [[1, 1]], "type": -1}}', "nucleus 3 has the type -1"),
        ('{"3": {"contour": [[1, 1]], "type": true}}', "nucleus 3 has the type True"),
    ):
        assert [problem.found for problem in said_of(folder, f'{{"nuc": {nuclei}}}')] == [found]


@trigger
def contours_that_leave_the_image(folder):
    save_json(folder, {1: ([[0, 0]], 1), 5: ([[1, 0], [2, 1]], 1), 6: ([[0, -1], [0, 0]], 1)})
    says(
        said_of(folder, (folder / "json" / "one.json").read_text()),
        """
        DIR/json/one.json (image 'one'): nucleus 5, 6 leaves the image of 2 x 2 (width x height); the first has x
              from 1 to 2 and y from 0 to 1
          expected: contours inside the image, whose first pixel is (0, 0)
          do: check the size; contours of a whole slide have to be cut into images first
        """,
        folder=folder,
    )


@trigger
def contours_that_overlap(folder):
    save_mat(folder / "gt", [[1, 1], [1, 1]], inst_type=[1])
    save_json(folder / "pred", {1: ([[0, 0], [1, 0]], 1), 2: ([[1, 0], [1, 1]], 1)})
    options = {"gt": folder / "gt", "pred": folder / "pred", "format": FORMAT}
    says(
        problems(**options),
        """
        DIR/pred/json/one.json (image 'one'): contours overlap on 1 pixels; the later one of the file has them
          expected: contours that do not overlap
          do: compare with the instance map that they were made of
        """,
        folder=folder,
    )
    save_json(folder / "pred", {1: ([[1, 0]], 1), 2: ([[0, 0], [1, 0]], 1)})
    says(
        problems(**options)[1],
        """
        DIR/pred/json/one.json (image 'one'): nucleus 1 has no pixel that later ones leave
          expected: a pixel for every nucleus
          do: leave out nuclei that are listed twice
        """,
        folder=folder,
    )


@trigger
def patches_of_another_form(folder):
    save_patch(folder / "gt", [[1]], [[1]])
    save_patch(folder / "pred", [[1]], [[1]], [[1]])
    says(
        problems(gt=folder / "gt", pred=folder / "pred", format=FORMAT),
        """
        DIR/pred/one.npy (image 'one'): the array has the shape (1, 1, 6)
          expected: (H, W, 5) = red, green, blue, nucleus, class; or (H, W, 4) without a class
          do: save patches as HoVer-Net's extract_patches.py does
        """,
        folder=folder,
    )


@trigger
def files_of_another_kind(folder):
    (folder / "one.png").write_bytes(b"")
    says(
        raised(segments, folder, FORMAT),
        """
        DIR: there are no files of this format
          expected: files such as mat/NAME.mat
          do: check the folder, and the format with `pqeval formats`
        """,
        folder=folder,
    )
