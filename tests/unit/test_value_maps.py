"""Maps of values: what distinct values mean, and sides in which every image is one file."""

from __future__ import annotations

import pickle
from functools import partial

import numpy as np
import pytest
from datasets import GRAY, PALETTE, RGB, RGBA, png, says
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from triggers import Triggers, name_of

from pqeval.categories import Categories
from pqeval.errors import DataWarning, PqevalError, SegmentError
from pqeval.formats._maps import Found, MapSide, PngLoader
from pqeval.formats._meaning import Meaning, divided, is_thing, report, segments, shown
from pqeval.formats._place import file_of, folder_of
from pqeval.image_ids import image_key
from pqeval.labelmap import LabelMap
from pqeval.rows import NO_AREA
from pqeval.storage import locate

TABLE = Categories.from_coco([{"id": 1, "isthing": 1}, {"id": 2, "isthing": 0}, {"id": 9, "isthing": 1}])

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def raised(function, *arguments, **options):
    with pytest.raises(PqevalError) as caught:
        function(*arguments, **options)
    return caught.value


# What values mean


def meaning_of(values, segment, category, void, crowd) -> Meaning:
    one = [np.array(each, np.int64) for each in (values, segment, category)]
    no_instances = np.zeros(len(values), np.int64)
    return Meaning(one[0], one[1], one[2], no_instances, np.array(void, bool), np.array(crowd, bool))


@given(
    arrays.arrays(np.uint32, arrays.array_shapes(min_dims=2, max_dims=3, max_side=6), elements=st.integers(0, 9)),
    st.data(),
)
def test_segments_are_what_the_values_mean_pixel_by_pixel(dense, data):
    present = sorted(set(dense.ravel().tolist()))
    ids = {value: data.draw(st.sampled_from([0, 1, 5, 2**32 - 1])) for value in present}
    kinds = {number: (data.draw(st.integers(0, 9)), data.draw(st.booleans())) for number in set(ids.values())}
    void = {value: data.draw(st.booleans()) for value in present}
    meaning = meaning_of(
        present,
        [ids[value] for value in present],
        [kinds[ids[value]][0] for value in present],
        [void[value] for value in present],
        [kinds[ids[value]][1] for value in present],
    )
    labels, rows = segments(LabelMap.from_array(dense), meaning)
    expected = [0 if void[value] else ids[value] for value in dense.ravel().tolist()]
    assert labels.to_array().ravel().tolist() == expected
    twin = LabelMap.from_array(np.array(expected, np.uint32).reshape(dense.shape))
    assert (labels.runs.tolist(), labels.bottoms.tolist()) == (twin.runs.tolist(), twin.bottoms.tolist())
    listed = sorted(set(expected) - {0})
    assert rows.ids.tolist() == listed
    assert list(zip(rows.category_ids.tolist(), rows.crowds.tolist(), strict=True)) == [
        (kinds[number][0], int(kinds[number][1])) for number in listed
    ]
    assert rows.areas.tolist() == [NO_AREA] * len(listed)


def test_values_are_taken_apart():
    meaning = divided(np.array([0, 7, 1003, 26_001]), 1000)
    assert meaning.category.tolist() == [0, 0, 1, 26]
    assert meaning.instance.tolist() == [0, 7, 3, 1]
    assert meaning.segment.tolist() == [0, 7, 1003, 26_001]
    assert not meaning.void.any()
    assert not meaning.crowd.any()
    meaning.void[0] = True
    assert not meaning.crowd[0]  # they are two arrays
    assert divided(np.array([0, 7]), 1000, offset=1).segment.tolist() == [1, 8]


def test_which_categories_are_things():
    assert is_thing(np.array([0, 1, 2, 9, 255]), TABLE).tolist() == [False, True, False, True, False]


@trigger
def the_first_wrong_values(folder):
    texts = {"code": "odd", "found": "the values are {values}", "expected": "even ones", "remedy": "double them"}
    values, problems = np.arange(9), []
    report(values[values > 99], problems, **texts)
    assert problems == []
    report(values[values % 2 == 1], problems, **texts)
    report(values[values > 1], problems, **texts, warn=True)
    assert [type(problem) for problem in problems] == [SegmentError, DataWarning]
    says(
        problems,
        """
        the values are 1, 3, 5, 7
          expected: even ones
          do: double them
        the values are 2, 3, 4, 5, 6 and 2 more
          expected: even ones
          do: double them
        """,
    )
    assert (shown([1], most=1), shown([1, 2], most=1)) == ("1", "1 and 1 more")


# A file per image


def decode(values, problems, *, wrong=()):
    """Values are 10 * category + instance; 0 is void, and some are wrong."""
    meaning = divided(values, 10)
    meaning.void = values == 0
    for text, warn in wrong:
        report(values[values == 77], problems, code="x", found=text, expected="y", remedy="z", warn=warn)
    return meaning


LOAD = PngLoader(((GRAY, 8), (GRAY, 16)), remedy="write the values themselves")


def side_of(folder, *names, load=LOAD, wrong=()):
    found = [Found(name.removesuffix(".png"), name) for name in names]
    table = {"categories": TABLE, "load": load, "decode": partial(decode, wrong=wrong)}
    return MapSide(locate(folder), found, **table, looked_for="files such as 1.png")


def read(side, number, **options):
    problems: list = []
    answer = side.read(side.images[image_key(number)], problems=problems, **options)
    return answer, problems


def gray(folder, name, rows, depth=8):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(png([[(value,) for value in row] for row in rows], color=GRAY, depth=depth))


def test_a_file_per_image_is_read(tmp_path):
    gray(tmp_path, "a.png", [[0, 11], [12, 20]])
    gray(tmp_path, "b.png", [[910, 0]], depth=16)
    side = side_of(tmp_path, "b.png", "a.png")
    assert [(image.image_id, image.rank, image.file) for image in side.images.values()] == [
        ("b", 0, f"{tmp_path}/b.png"),
        ("a", 1, f"{tmp_path}/a.png"),
    ]
    assert (side.file, side.categories, side.problems) == (str(tmp_path), TABLE, [])
    (labels, rows), problems = read(side, "a")
    assert labels.to_array().tolist() == [[0, 11], [12, 20]]
    assert [(row.id, row.category_id) for row in rows] == [(11, 1), (12, 1), (20, 2)]
    assert problems == []
    (labels, rows), _ = read(side, "b", shape=(1, 2))
    assert [(row.id, row.category_id) for row in rows] == [(910, 91)]


def test_a_side_can_be_sent_to_another_process(tmp_path):
    gray(tmp_path, "a.png", [[11]])
    again = pickle.loads(pickle.dumps(side_of(tmp_path, "a.png")))
    assert read(again, "a")[0][0].to_array().tolist() == [[11]]


def test_sequences_and_strata_are_kept(tmp_path):
    found = [Found("a/1", "1.png", "a"), Found("b/1", "2.png", "b", "lung")]
    side = MapSide(locate(tmp_path), found, categories=TABLE, load=LOAD, decode=decode, looked_for="x")
    assert [(image.sequence, image.stratum) for image in side.images.values()] == [("a", None), ("b", "lung")]


def test_problems_are_collected_with_file_and_image(tmp_path):
    gray(tmp_path, "a.png", [[77, 11]])
    gray(tmp_path, "b.png", [[11]])
    wrong = [("{values} is odd", True), ("{values} is wrong", False), ("{values} again", False)]
    side = side_of(tmp_path, "a.png", "b.png", wrong=wrong)
    answer, problems = read(side, "a")
    assert answer is None
    assert [(each.found, each.severity, each.image_id) for each in problems] == [
        ("77 is odd", "warning", "a"),
        ("77 is wrong", "error", "a"),
        ("77 again", "error", "a"),
    ]
    assert {each.file for each in problems} == {f"{tmp_path}/a.png"}
    assert read(side, "b")[1] == []
    kept, problems = read(side_of(tmp_path, "a.png", wrong=wrong[:1]), "a")
    assert kept is not None
    assert [each.found for each in problems] == ["77 is odd"]


@trigger
def no_files(folder):
    says(
        raised(side_of, folder),
        """
        DIR: there are no files of this format
          expected: files such as 1.png
          do: check the folder, and the format with `pqeval formats`
        """,
        folder=folder,
    )


@trigger
def file_twice(folder):
    found = [Found("a", "x/a.png"), Found("b", "b.png"), Found("a", "y/a.png")]
    side = MapSide(locate(folder), found, categories=TABLE, load=LOAD, decode=decode, looked_for="x")
    assert [image.entry for image in side.images.values()] == ["x/a.png", "b.png"]
    says(
        side.problems,
        """
        DIR (image 'a'): two files are of one image: DIR/x/a.png and DIR/y/a.png
          expected: one file per image
          do: name the folder of one split or one kind of file, or remove the other file
        """,
        folder=folder,
    )


@trigger
def png_of_another_kind(folder):
    (folder / "rgb.png").write_bytes(png([[(1, 2, 3)]], color=RGB))
    (folder / "palette.png").write_bytes(png([[(0,)]], color=PALETTE, palette=[(1, 2, 3)]))
    (folder / "bits.png").write_bytes(png([[(1,)]], color=GRAY, depth=4))
    (folder / "rgba.png").write_bytes(png([[(1, 2, 3, 255)]], color=RGBA))
    (folder / "deep.png").write_bytes(png([[(1, 2, 3)]], color=RGB, depth=16))
    names = ("rgb", "palette", "bits", "rgba", "deep")
    side = side_of(folder, *(f"{name}.png" for name in names))
    says(
        [problem for name in names for problem in read(side, name)[1]],
        """
        DIR/rgb.png (image 'rgb'): the PNG is 8-bit RGB
          expected: 8-bit grayscale or 16-bit grayscale
          do: write the values themselves
        DIR/palette.png (image 'palette'): the PNG is 8-bit palette
          expected: 8-bit grayscale or 16-bit grayscale
          do: write the values themselves
        DIR/bits.png (image 'bits'): the PNG is 4-bit grayscale
          expected: 8-bit grayscale or 16-bit grayscale
          do: write the values themselves
        DIR/rgba.png (image 'rgba'): the PNG is 8-bit RGBA
          expected: 8-bit grayscale or 16-bit grayscale
          do: write the values themselves
        DIR/deep.png (image 'deep'): the PNG is 16-bit RGB
          expected: 8-bit grayscale or 16-bit grayscale
          do: write the values themselves
        """,
        folder=folder,
    )


@trigger
def file_that_is_gone_and_one_of_another_size(folder):
    gray(folder, "a.png", [[11, 11]])
    gray(folder, "b.png", [[11]])
    side = side_of(folder, "a.png", "b.png")
    (folder / "b.png").unlink()
    says(
        [*read(side, "a", shape=(2, 2))[1], *read(side, "b")[1]],
        """
        DIR/a.png (image 'a'): the prediction is 2 x 1 (width x height), the ground truth is 2 x 2
          expected: two maps of one size
          do: resize the prediction with nearest-neighbour interpolation, never the ground truth
        DIR/b.png (image 'b'): does not exist
          expected: a file
          do: check the file name
        """,
        folder=folder,
    )


# Places of one kind


@trigger
def folder_expected(folder):
    (folder / "a.json").write_text("{}")
    assert folder_of(locate(folder)).names() == ["a.json"]
    says(
        [raised(folder_of, locate(folder / name)) for name in ("a.json", "none")],
        """
        DIR/a.json: is a file
          expected: a folder, or a zip or tar file
          do: name the folder that the files are in
        DIR/none: does not exist
          expected: a folder, or a zip or tar file
          do: name the folder that the files are in
        """,
        folder=folder,
    )


@trigger
def file_expected(folder):
    (folder / "a.json").write_text("{}")
    assert file_of(locate(folder / "a.json")).read() == b"{}"
    says(
        raised(file_of, locate(folder)),
        """
        DIR: is a folder
          expected: a file
          do: name the file itself; in an archive, as submission.zip/name
        """,
        folder=folder,
    )
