"""Maps of categories and instances on disk, in the channels and depths of several formats."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

import pqeval
from pqeval.conversion import open_source
from pqeval.formats import room as formats
from pqeval.formats._glance import Glance
from pqeval.storage import locate


def raised(function, *arguments, **options):
    """Return what the call raises."""
    try:
        function(*arguments, **options)
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def save_png(path, pixels, dtype=np.uint8) -> None:
    """Write levels, (H, W), or colours, (H, W, 3)."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels).astype(dtype)).save(path)


def save_rgb(path, red, green=0, blue=0) -> None:
    """Write three channels; numbers stand for all pixels."""
    save_png(path, np.stack(np.broadcast_arrays(red, green, blue), axis=-1))


def save_step(path, category, instance=0) -> None:
    """Write the category into R and the instance into 256 G + B."""
    instance = np.asarray(instance)
    save_rgb(path, category, instance // 256, instance % 256)


def opened(path) -> Image.Image:
    with Image.open(path) as file:
        return file.copy()


def problems(*, gt, pred, **options) -> list:
    """Return all errors and warnings that ``validate`` finds."""
    return list(pqeval.validate(gt=gt, pred=pred, workers=1, **options).problems)


def sure(path, format) -> int:
    """Return how sure a format is that files are of it."""
    answer: int = formats.get(format).recognise(Glance(locate(path)))
    return answer


def codes(found) -> list[str]:
    return [problem.code for problem in found]


def segments(path, format, *, role="gt", **options) -> dict:
    """Return id map and rows of every image of a side."""
    side, images = open_source(path, format=format, role=role, **options)
    found = {}
    for image in images:
        problems: list = []
        read = side.read(image, shape=None, problems=problems)
        assert read is not None, problems
        found[image.image_id] = read[0].to_array(), {row.id: row for row in read[1]}
    return found


def partition(path, format, *, role="gt", **options) -> dict:
    """Return what the segments of every image are, whatever their ids.

    Every segment is named by the place of its first pixel: a map of these names, with -1 for void, and category
    and crowd flag by name.
    """
    found = {}
    for image_id, (ids, rows) in segments(path, format, role=role, **options).items():
        listed, first, places = np.unique(ids, return_index=True, return_inverse=True)
        names = np.where(listed == 0, -1, first)
        meanings = {
            int(name): (rows[int(number)].category_id, rows[int(number)].iscrowd)
            for number, name in zip(listed, names, strict=True)
            if number
        }
        found[image_id] = names[places.reshape(ids.shape)].tolist(), meanings
    return found


def sequences(path, format, **options) -> dict:
    """Return the sequence of every image of a side."""
    _, images = open_source(path, format=format, **options)
    return {image.image_id: image.sequence for image in images}


def tracks(path, format, **options) -> dict:
    """Return, by category and sequence-wide segment id, the images that an object is in."""
    found: dict = {}
    for image_id, (_, rows) in segments(path, format, **options).items():
        for row in rows.values():
            found.setdefault((row.category_id, row.id), []).append(image_id)
    return found


@st.composite
def pair_maps(draw, *, things, stuff, void, instances, crowd=None, frames=1):
    """Draw frames of (category, instance) maps that a format can hold.

    Parameters
    ----------
    things, stuff : list of int
        Categories.
    void : int
        The category of void pixels, with instance 0.
    instances : list of int
        What an object can have.
    crowd : int, optional
        The instance of crowds.
    """
    pairs = [(category, number) for category in things for number in instances]
    pairs += [(category, 0) for category in stuff] + [(void, 0)]
    if crowd is not None:
        pairs += [(category, crowd) for category in things]
    palette = np.array(pairs)
    shape = draw(st.tuples(st.integers(1, 4), st.integers(1, 6)))
    picks = [draw(arrays.arrays(np.int64, shape, elements=st.integers(0, len(pairs) - 1))) for _ in range(frames)]
    return [(palette[pick][..., 0], palette[pick][..., 1]) for pick in picks]
