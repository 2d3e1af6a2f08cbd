"""The contact sheet: scenes down, and scene, truth and every kind of prediction side by side."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pqeval.demo.canvas import Mask
from pqeval.demo.prediction import Labelling
from pqeval.demo.scenes import Scene
from pqeval.demo.world import CATEGORIES, IS_THING

Pixels: TypeAlias = NDArray[np.uint8]

CELL_WIDTH, GAP, MARGIN, HEAD, FOOT = 240, 8, 16, 56, 64
PAPER, INK, GREY = (255, 255, 255), (24, 26, 32), (104, 108, 118)
UNKNOWN_INK, MARK = (255, 255, 255), (255, 0, 170)
_COLOUR = {int(category["id"]): np.asarray(category["color"], np.float64) for category in CATEGORIES}


@dataclass(frozen=True)
class Row:
    """One row of the sheet: a scene and its predictions by name, in the order of the columns."""

    scene: Scene
    predictions: Mapping[str, Labelling]


def save_picture(rows: Sequence[Row], captions: Mapping[str, str], path: Path) -> None:
    """Draw the contact sheet and save it as PNG.

    In the columns of predictions, what equals the truth is pale, and objects that differ from it keep
    their full colour, the true outlines drawn over them. The file appears whole or not at all.

    Parameters
    ----------
    rows : sequence of Row
        At least one; all with the same kinds of prediction.
    captions : mapping of str to str
        A line to be shown below the name of a prediction, such as its scores.
    path : Path
        Where to save; the folder must exist.
    """
    heights = [row.scene.id_map.shape[0] for row in rows]
    names = ["scene", "truth", *rows[0].predictions]
    size = sheet_size(heights, len(names))
    sheet = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(sheet)
    for column, name in enumerate(names):
        x = MARGIN + column * (CELL_WIDTH + GAP)
        pen.text((x, MARGIN), name, INK, ImageFont.load_default(22))
        pen.text((x, MARGIN + 30), captions.get(name, ""), GREY, ImageFont.load_default(15))
    y = MARGIN + HEAD
    for row, height in zip(rows, heights, strict=True):
        truth = (row.scene.id_map, row.scene.segments)
        cells = [row.scene.rgb, colour_map(truth)]
        cells += [colour_map(labelling, truth) for labelling in row.predictions.values()]
        for column, cell in enumerate(cells):
            x = MARGIN + column * (CELL_WIDTH + GAP) + (CELL_WIDTH - cell.shape[1]) // 2
            sheet.paste(Image.fromarray(cell), (x, y))
        y += height + GAP
    _draw_legend(pen, y + GAP)
    # A reader must never find half a picture, hence the other name first.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        sheet.save(temporary, format="PNG")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def sheet_size(heights: Sequence[int], columns: int) -> tuple[int, int]:
    """Return width and height of a sheet with rows of these heights."""
    width = 2 * MARGIN + columns * (CELL_WIDTH + GAP) - GAP
    return width, 2 * MARGIN + HEAD + sum(heights) + GAP * len(heights) + FOOT


def colour_map(labelling: Labelling, truth: Labelling | None = None) -> Pixels:
    """Colour a label map by category, each instance in its own shade, with thin borders.

    Parameters
    ----------
    labelling : (id_map, segments)
        What to show.
    truth : (id_map, segments), optional
        Show `labelling` as a prediction of this truth: void is hatched as unknown, and what differs stands
        out.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
    """
    id_map, segments = labelling
    colours = np.zeros((*id_map.shape, 3))
    stripes = _stripes(id_map.shape)
    edges = _edges(id_map)
    seen: dict[int, int] = {}
    for segment in segments:
        category_id, mask = segment["category_id"], id_map == segment["id"]
        place = seen[category_id] = seen.get(category_id, -1) + 1
        shade = (0.0, 0.3, -0.22, 0.52, -0.38)[place % 5] if IS_THING[category_id] else 0.0
        colours[mask] = _blend(_COLOUR[category_id], 255.0 if shade > 0 else 0.0, abs(shade))
        if segment.get("iscrowd"):
            colours[mask & stripes] = 255
            edges |= _edges(mask)
    colours[edges] *= 0.45
    if truth is not None:
        differs = _differing(labelling, truth)
        colours[~differs] = _blend(colours[~differs], 255.0, 0.68)
        nothing = id_map == 0
        colours[nothing] = np.where(stripes[nothing][:, None], UNKNOWN_INK, (0, 0, 0))
        true_edges = _edges(truth[0]) & differs
        colours[true_edges] = MARK
    return np.rint(colours).astype(np.uint8)


def _differing(labelling: Labelling, truth: Labelling) -> Mask:
    """Mark things that the truth does not have just so, and things of the truth that are not found just so.

    Void and crowds in the truth ask for nothing, so nothing differs there.
    """
    counts = np.ones(truth[0].shape, np.bool_)
    for segment in truth[1]:
        if segment.get("iscrowd"):
            counts &= truth[0] != segment["id"]
    counts &= truth[0] != 0
    theirs, ours = _things(truth, counts), _things(labelling, counts)
    differs = np.zeros_like(counts)
    for name in theirs.keys() ^ ours.keys():
        differs |= theirs.get(name, ours.get(name, differs))
    return differs


def _things(labelling: Labelling, counts: Mask) -> dict[tuple[int, bytes], Mask]:
    things = {}
    for segment in labelling[1]:
        if IS_THING[segment["category_id"]]:
            mask = (labelling[0] == segment["id"]) & counts
            things[segment["category_id"], mask.tobytes()] = mask
    return things


def _draw_legend(pen: ImageDraw.ImageDraw, y: int) -> None:
    font = ImageFont.load_default(16)
    x = MARGIN
    for category in CATEGORIES:
        pen.rectangle((x, y, x + 18, y + 18), tuple(category["color"]), INK)
        pen.text((x + 26, y), category["name"], INK, font)
        x += 44 + int(pen.textlength(category["name"], font))
    pen.text(
        (MARGIN, y + 32),
        "truth: black is void, white stripes mark a crowd.   predictions: pale is right, full colour is "
        "wrong, pink is the true outline, black with white stripes is unknown.",
        GREY,
        font,
    )


def _edges(id_map: NDArray[np.generic]) -> Mask:
    edges = np.zeros(id_map.shape, np.bool_)
    edges[:, :-1] |= id_map[:, :-1] != id_map[:, 1:]
    edges[:-1] |= id_map[:-1] != id_map[1:]
    return edges


def _stripes(shape: tuple[int, ...]) -> Mask:
    return np.add.outer(np.arange(shape[0]), np.arange(shape[1])) % 6 < 2


def _blend(colour: NDArray[np.float64], other: float, part: float) -> NDArray[np.float64]:
    return colour * (1 - part) + other * part
