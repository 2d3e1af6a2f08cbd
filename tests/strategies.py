"""Hypothesis strategies: label maps, overlap tables and whole data sets, as plain lists and dicts.

Maps are lists of rows of ids. Predictions are made from the ground truth by mistakes, so that many IoUs lie near
1/2, and many exactly there.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from hypothesis import strategies as st
from PIL import Image

T = TypeVar("T")

MAX_PNG_ID = 2**24 - 1
MAX_ID = 2**32 - 1
CATEGORY_IDS = (0, 1, 2, 7, 44, 92, 119, 200, 65535)
FOREIGN_CATEGORY = 999
EDGE_IDS = (1, 2, 255, 256, 257, 65535, 65536, MAX_PNG_ID - 1, MAX_PNG_ID, 2**31 - 1, 2**31, MAX_ID - 1, MAX_ID)

SPREAD = 0x9E3779B1


class Dice:
    """Small choices, several out of each drawn number: far cheaper than a draw for each.

    Parameters
    ----------
    draw : callable
        What a composite strategy draws with.
    """

    LIMIT = 2**24
    NUMBERS = st.integers(0, LIMIT - 1)

    def __init__(self, draw: Callable[[st.SearchStrategy[int]], int]) -> None:
        self.draw = draw
        self.number, self.left = 0, 1

    def below(self, count: int) -> int:
        """Choose 0, 1, ... count - 1."""
        if self.left < count:
            # Hypothesis prefers small numbers, whose later choices would all be 0. This spreads them; 0 stays 0.
            self.number, self.left = self.draw(self.NUMBERS) * SPREAD % self.LIMIT, self.LIMIT
        self.number, choice = divmod(self.number, count)
        self.left //= count
        return choice

    def pick(self, options: Sequence[T]) -> T:
        """Choose one of these."""
        return options[self.below(len(options))]

    def shuffled(self, entries: Sequence[T]) -> list[T]:
        """Choose an order."""
        left = list(entries)
        return [left.pop(self.below(len(left))) for _ in entries]


# Maps and runs.


def segment_ids(largest: int = MAX_PNG_ID) -> st.SearchStrategy[int]:
    """Segment ids: small ones (both sides then share some), edges of the ranges, anything."""
    return st.one_of(
        st.integers(1, 12),
        st.sampled_from([number for number in EDGE_IDS if number <= largest]),
        st.integers(1, largest),
    )


def unique_ids(count: int, largest: int = MAX_PNG_ID) -> st.SearchStrategy[list[int]]:
    """Draw this many different segment ids."""
    return st.lists(segment_ids(largest), min_size=count, max_size=count, unique=True)


def shape_of(dice: Dice, longest: int = 8) -> tuple[int, int]:
    """Choose (H, W): squares and bands, and images of one row, one column, one pixel."""
    kind = dice.pick(("block", "block", "row", "column"))
    if kind == "block":
        return 1 + dice.below(longest), 1 + dice.below(longest)
    length = 1 + dice.below(3 * longest)
    return (1, length) if kind == "row" else (length, 1)


def area_of(dice: Dice, shape: tuple[int, int]) -> list[int]:
    """Choose pixels of a flat map: one, a stretch, or a block."""
    height, width = shape
    size = height * width
    kind = dice.pick(("block", "stretch", "block", "pixel"))
    if kind == "pixel":
        return [dice.below(size)]
    if kind == "stretch":
        start = dice.below(size)
        return list(range(start, start + 1 + dice.below(size - start)))
    top, left = dice.below(height), dice.below(width)
    bottom, right = top + dice.below(height - top), left + dice.below(width - left)
    return [y * width + x for y in range(top, bottom + 1) for x in range(left, right + 1)]


def painted(dice: Dice, shape: tuple[int, int], numbers: Sequence[int]) -> list[int]:
    """Paint each number on a void canvas: side by side, or so that later ones cover earlier ones."""
    flat = [0] * (shape[0] * shape[1])
    if dice.below(3) == 2:
        stretches = [number for number in dice.shuffled([*numbers, 0]) for _ in range(1 + dice.below(6))]
        return (stretches + flat)[: len(flat)]
    for number in numbers:
        for i in area_of(dice, shape):
            flat[i] = number
    return flat


def rows_of(flat: list[int], width: int) -> list[list[int]]:
    """Cut a flat map into rows."""
    return [flat[start : start + width] for start in range(0, len(flat), width)]


@st.composite
def label_maps(draw, largest: int = MAX_ID) -> list[list[int]]:
    """Draw a map of ids, often mostly void."""
    dice = Dice(draw)
    shape = shape_of(dice)
    numbers = draw(st.lists(segment_ids(largest), max_size=6))
    return rows_of(painted(dice, shape, numbers), shape[1])


@st.composite
def run_lists(draw, size: int | None = None, count: int = 4) -> tuple[list[int], list[int]]:
    """Draw (ends, rows) of a run list; neighbours may be equal."""
    dice = Dice(draw)
    size = 1 + dice.below(24) if size is None else size
    often = dice.pick((2, 3, 8))
    ends = [*(end for end in range(1, size) if dice.below(often) == 1), size]
    return ends, [dice.below(count) for _ in ends]


EDGE_WIDTHS = (66, 1, 2, 3, 63, 64, 65, 127, 128, 129, 130, 192, 193, 200)


def edge_place(dice: Dice, width: int) -> int:
    """Choose a place in a row: anywhere, at its ends, or around the multiples of 64."""
    near = [x for middle in (0, 64, 128, 192, width) for x in range(middle - 2, middle + 2) if 0 <= x < width]
    return dice.pick((dice.below(width), dice.pick(near)))


def line_of(dice: Dice, width: int, numbers: Sequence[int]) -> list[int]:
    """Choose a row of pixels: one run, some runs, or as many as there is room for."""
    kind = dice.pick(("some", "some", "one", "many"))
    if kind == "many":
        return [dice.pick(numbers) for _ in range(width)]
    line = [dice.pick(numbers)] * width
    for _ in range(0 if kind == "one" else 1 + dice.below(6)):
        start = edge_place(dice, width)
        line[start:] = [dice.pick(numbers)] * (width - start)
    return line


@st.composite
def wide_maps(draw, largest: int = MAX_ID) -> list[list[int]]:
    """Draw a map whose rows repeat, or nearly so, of a width around the blocks of 64 pixels of a scan."""
    dice = Dice(draw)
    width = dice.pick(EDGE_WIDTHS)
    numbers = [0, *draw(st.lists(segment_ids(largest), min_size=1, max_size=4, unique=True))]
    line = line_of(dice, width, numbers)
    rows = []
    for _ in range(1 + dice.below(6)):
        rows += [line] * (1 + dice.below(3))
        kind = dice.pick(("new", "pixel", "again", "shifted", "recoloured", "pixel"))
        line = list(line)
        if kind == "new":
            line = line_of(dice, width, numbers)
        elif kind == "pixel":
            line[edge_place(dice, width)] = dice.pick(numbers)
        elif kind == "again":
            line = rows[dice.below(len(rows))]
        elif kind == "shifted":
            line = [*line[1:], line[-1]]
        else:  # the same ends, other ids
            line = [numbers[(numbers.index(number) + 1) % len(numbers)] for number in line]
    return rows


Lines = tuple[list[int], list[int], list[int], list[int]]


@st.composite
def line_maps(draw, height: int, width: int, count: int) -> Lines:
    """Draw (bottoms, begin, ends, rows) of a map of lines; neighbours may be equal."""
    dice = Dice(draw)
    bottoms = [*(bottom for bottom in range(1, height) if dice.below(2)), height]
    begin, ends, rows = [0], [], []
    for _ in bottoms:
        line_ends, line_rows = draw(run_lists(width, count))
        ends += line_ends
        rows += line_rows
        begin.append(len(ends))
    return bottoms, begin, ends, rows


# Overlap tables.


@st.composite
def tables(draw, *, true_areas: bool | None = None) -> dict[str, Any]:
    """Draw all that the matching kernels take: an overlap table with both segment tables.

    Any table of non-negative counts is the table of some pair of maps, so the counts are free. They are small
    (halves are frequent) and sometimes scaled to what no image can hold.

    Parameters
    ----------
    true_areas : bool, optional
        Whether the areas of gt segments are the counted ones; by default sometimes.
    """
    dice = Dice(draw)
    classes = dice.pick((1, 2, 3))
    gt_count, pred_count = dice.pick((4, 3, 5, 6, 2, 1)), dice.pick((3, 4, 2, 5, 6, 1))
    scale = dice.pick((1, 1, 1, 1, 2**31 - 1, 2**50))
    pairs = {}
    for g in range(gt_count):
        for p in range(pred_count):
            pixels = scale * dice.pick((0, 0, 0, 1, 1, 2, 2, 3, 4))
            if pixels:
                pairs[g, p] = pixels
    counted = [sum(pixels for (row, _), pixels in pairs.items() if row == g) for g in range(gt_count)]
    area = list(counted)
    if dice.below(2) if true_areas is None else not true_areas:
        for g in range(1, gt_count):
            if dice.below(3):
                # Minus the pixels of a prediction on other gt segments: then their union vanishes.
                rest = dice.pick(
                    [sum(pairs.get((o, p), 0) for o in range(1, gt_count) if o != g) for p in range(pred_count)]
                )
                area[g] = dice.pick((0, 1, -rest, counted[g] // 2, 1 - rest, -counted[g], 2 * counted[g], 2**53))
    usual = dice.pick((0, 1, -2))
    gt_category = [dice.pick((0, 0, 1, 2, -1)) for _ in range(gt_count)]
    pred_category = [dice.pick((usual, usual, 0, 1, 2, -1, -2)) for _ in range(pred_count)]
    gt_crowd = [int(dice.below(4) == 3) for _ in range(gt_count)]
    gt_category[0], pred_category[0], gt_crowd[0] = -1, -1, 0
    gt_ids, pred_ids = draw(unique_ids(gt_count - 1, MAX_ID)), draw(unique_ids(pred_count - 1, MAX_ID))
    return {
        "classes": classes,
        "pair_gt": [g for g, _ in sorted(pairs)],
        "pair_pred": [p for _, p in sorted(pairs)],
        "inter": [pairs[pair] for pair in sorted(pairs)],
        "gt_ids": [0, *sorted(gt_ids)],
        "gt_category": [min(category, classes - 1) for category in gt_category],
        "gt_crowd": gt_crowd,
        "gt_position": [-1, *dice.shuffled(range(gt_count - 1))],
        "gt_area": area,
        "pred_ids": [0, *sorted(pred_ids)],
        "pred_category": [min(category, classes - 1) for category in pred_category],
        "pred_area": [sum(pixels for (_, row), pixels in pairs.items() if row == p) for p in range(pred_count)],
        "pred_crowd": [0, *(int(dice.below(4) == 3) for _ in range(pred_count - 1))],
        "rules": dice.pick((0, dice.below(256), dice.below(256))),
        "smallest": scale * dice.pick((0, 0, 1, 2, 3, 4, 6)),
    }


# Data sets.


@st.composite
def category_tables(draw) -> list[dict[str, Any]]:
    """Draw a category table with sparse ids in any order, things and stuff or only one kind."""
    dice = Dice(draw)
    ids = dice.shuffled(CATEGORY_IDS)[: 1 + dice.below(4)]
    return [{"id": number, "name": f"c{number}", "isthing": dice.below(2)} for number in ids]


@st.composite
def gt_sides(draw, known: list[int], well_formed: bool, conflicts: bool, largest: int) -> dict[str, Any]:
    """Draw the ground truth of an image; see :func:`datasets`."""
    dice = Dice(draw)
    shape = shape_of(dice)
    numbers = draw(unique_ids(0 if dice.below(8) == 7 else 1 + dice.below(6), largest))
    flat = painted(dice, shape, numbers)
    sizes = Counter(flat)
    one_class = dice.below(3) == 2
    segments: list[dict[str, Any]] = []
    crowds = set()
    for number in numbers:
        if number not in sizes and (well_formed or dice.below(2)):
            continue
        category = known[0] if one_class else dice.pick(known)
        crowd = int(dice.below(4) >= (1 if one_class else 3))
        if well_formed and category in crowds:
            crowd = 0
        if crowd:
            crowds.add(category)
        segment = {"id": number, "category_id": category, "iscrowd": crowd, "area": sizes[number]}
        segments += [segment] if well_formed else _odd(segment, dice, known, conflicts)
    return {"map": rows_of(flat, shape[1]), "segments": dice.shuffled(segments)}


def _odd(segment: dict[str, Any], dice: Dice, known: list[int], conflicts: bool) -> list[dict[str, Any]]:
    """Leave a row as it is, or make it wrong: area, lacking, listed twice, of a foreign category."""
    area = segment["area"]
    kind = dice.pick(("sound", "sound", "sound", "sound", "area", "lacking", "twice", "foreign", "no area"))
    if kind == "lacking":
        return []
    if kind == "area":
        wrong = (0, 1, area // 2, area - 1, area + 1, 2 * area, 3 * area, -area, 4000)
        return [{**segment, "area": dice.pick(wrong)}]
    if kind == "no area" and conflicts:
        return [{name: value for name, value in segment.items() if name != "area"}]
    if kind == "foreign" and conflicts:
        return [{**segment, "category_id": FOREIGN_CATEGORY}]
    if kind == "twice":
        part = dice.below(area + 1)
        again = {**segment, "area": part}
        if conflicts:
            again |= {"category_id": dice.pick(known), "iscrowd": dice.below(2)}
        return [{**segment, "area": area - part}, again]
    return [segment]


@st.composite
def pred_sides(
    draw, gt: dict[str, Any], known: list[int], well_formed: bool, conflicts: bool, foreign: bool, largest: int
) -> dict[str, Any]:
    """Draw a prediction for a ground truth, by mistakes; see :func:`datasets`."""
    dice = Dice(draw)
    shape = len(gt["map"]), len(gt["map"][0])
    flat = [number for row in gt["map"] for number in row]
    owner = {segment["id"]: segment["category_id"] for segment in gt["segments"]}
    for _ in range(dice.pick((0, 1, 2, 3, 4, 6))):
        flat = mistaken(flat, shape, owner, known, dice)
    present = sorted(set(flat) - {0})
    if all(number > 0 for number in present) and dice.below(2):
        new = {number: number for number in present}
    else:
        new = dict(zip(present, draw(unique_ids(len(present), largest)), strict=True))
    new[0] = 0
    segments = []
    for number in present:
        category = owner.get(number)
        if category not in known:
            category = dice.pick(known)
        if foreign and dice.below(4) == 3:
            category = FOREIGN_CATEGORY
        segments.append({"id": new[number], "category_id": category})
        if not well_formed and dice.below(8) == 7:
            segments.append({"id": new[number], "category_id": dice.pick(known) if conflicts else category})
    return {"map": rows_of([new[number] for number in flat], shape[1]), "segments": dice.shuffled(segments)}


MISTAKES = (
    *("grow", "keep", "keep", "grow", "keep", "grow", "shift", "paint"),
    *("paint", "merge", "recolour", "drop", "erase", "void"),
)


def mistaken(
    flat: list[int], shape: tuple[int, int], owner: dict[int, int], known: list[int], dice: Dice
) -> list[int]:
    """Make one mistake. New segments get negative numbers; ``owner`` holds categories and is kept up to date."""
    height, width = shape
    present = sorted(set(flat) - {0})
    fresh = min([0, *present]) - 1
    kind = dice.pick(MISTAKES)
    if kind == "shift":
        return _shifted(flat, height, width, dice.below(5) - 2, dice.below(5) - 2)
    if kind == "void":
        return flat if dice.below(3) else [0] * len(flat)
    if kind in ("paint", "erase"):
        where = set(area_of(dice, shape))
        new = fresh if kind == "paint" else 0
        if new:
            owner[new] = dice.pick(known)
        return [new if i in where else value for i, value in enumerate(flat)]
    if not present:
        return flat
    number = dice.pick(present)
    if kind == "drop":
        return [0 if value == number else value for value in flat]
    if kind == "merge":
        other = dice.pick(present)
        return [other if value == number else value for value in flat]
    if kind == "grow":
        where = set(area_of(dice, shape))
        return [number if i in where else value for i, value in enumerate(flat)]
    if kind == "recolour":
        owner[number] = dice.pick(known)
        return flat
    # Keep half of it, or a pixel more or less; the rest becomes void or a new segment.
    own = [i for i, value in enumerate(flat) if value == number]
    half = len(own) // 2
    lost = set(own[dice.pick((half, half + 1, max(half - 1, 0), half)) :])
    rest = dice.pick((0, fresh))
    if rest:
        owner[rest] = owner[number] if number in owner and dice.below(2) else dice.pick(known)
    return [rest if i in lost else value for i, value in enumerate(flat)]


def _shifted(flat: list[int], height: int, width: int, down: int, right: int) -> list[int]:
    def at(y: int, x: int) -> int:
        return flat[y * width + x] if 0 <= y < height and 0 <= x < width else 0

    return [at(y - down, x - right) for y in range(height) for x in range(width)]


@st.composite
def datasets(
    draw,
    *,
    well_formed: bool = True,
    conflicts: bool = False,
    foreign: bool = False,
    largest: int = MAX_PNG_ID,
    ascending: bool = False,
    most_images: int = 4,
) -> dict[str, Any]:
    """Draw a data set as ``naive.panoptic_quality`` takes it.

    Parameters
    ----------
    well_formed : bool
        Areas are right, every class has at most one crowd per image, every id is listed once and has pixels.
    conflicts : bool
        Ill-formed data may also repeat an id with another category, use categories that the table lacks, and
        lack areas.
    foreign : bool
        Predictions may use a category that the table lacks.
    largest : int
        Largest segment id.
    ascending : bool
        Image ids ascend in the file.
    most_images : int
        How many images at most.
    """
    dice = Dice(draw)
    categories = draw(category_tables())
    known = [category["id"] for category in categories]
    names: list[Any] = [dice.pick((3, 2**40, 0, 900)) + 7 * place for place in range(1 + dice.below(most_images))]
    names = sorted(names) if ascending else dice.shuffled(names)
    if dice.below(4) == 3:
        names = [f"town_{name:020d}" for name in names]
    images = []
    for name in names:
        gt = draw(gt_sides(known, well_formed, conflicts, largest))
        pred = draw(pred_sides(gt, known, well_formed, conflicts, foreign, largest))
        images.append({"image_id": name, "gt": gt, "pred": pred})
    return {"categories": categories, "images": images}


# Data sets on disk. The writer checks nothing, so that files can be as wrong as files are.


def write(dataset: dict[str, Any], folder: Path) -> dict[str, Path]:
    """Write both sides as COCO panoptic; return the arguments of ``pqeval.evaluate``."""
    for side in ("gt", "pred"):
        (folder / side).mkdir(exist_ok=True)
        content: dict[str, Any] = {"categories": dataset["categories"], "images": [], "annotations": []}
        for place, image in enumerate(dataset["images"]):
            name = f"{place:012d}.png"
            ids = np.asarray(image[side]["map"], np.uint32)
            colours = np.stack([ids & 255, ids >> 8 & 255, ids >> 16], axis=-1).astype(np.uint8)
            Image.fromarray(colours).save(folder / side / name)
            size = {"height": ids.shape[0], "width": ids.shape[1]}
            content["images"].append({"id": image["image_id"], "file_name": name, **size})
            content["annotations"].append(
                {"image_id": image["image_id"], "file_name": name, "segments_info": image[side]["segments"]}
            )
        (folder / f"{side}.json").write_text(json.dumps(content), encoding="utf-8")
    return {"gt": folder / "gt.json", "pred": folder / "pred.json"}


@contextmanager
def written(dataset: dict[str, Any]) -> Iterator[dict[str, Path]]:
    """Write a data set into a folder that lasts as long as the context."""
    with tempfile.TemporaryDirectory() as folder:
        yield write(dataset, Path(folder))
