"""The contact sheet: scenes down, and scene, truth and the prediction of every network side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pqeval.architectures.scenes import CATEGORIES, THINGS, Scene
from pqeval.demo.table import TITLES
from pqeval.output import fresh_file

Pixels: TypeAlias = NDArray[np.uint8]
Mask: TypeAlias = NDArray[np.bool_]
Labelling: TypeAlias = tuple[NDArray[np.uint32], list[dict[str, Any]]]

SCALE = 2
"""Pixels of the sheet for one of a scene."""
CELL_WIDTH, GAP, MARGIN, HEAD, NOTE, FOOT, SWATCH = 256, 8, 16, 56, 26, 104, 20
PAPER, INK, GREY = (255, 255, 255), (24, 26, 32), (92, 96, 106)
MARK = (155.0, 0.0, 30.0)
_COLOUR = {int(category["id"]): np.asarray(category["color"], np.float64) for category in CATEGORIES}


@dataclass(frozen=True)
class Row:
    """One row of the sheet.

    Attributes
    ----------
    scene : Scene
        What the networks saw, and the truth about it.
    predictions : mapping of str to (id_map, segments)
        By name, in the order of the columns.
    notes : mapping of str to str
        A short line to be shown below a cell, by the name of its column; the first two are "scene" and "truth".
    """

    scene: Scene
    predictions: Mapping[str, Labelling]
    notes: Mapping[str, str]


def save_picture(rows: Sequence[Row], captions: Mapping[str, str], path: Path) -> None:
    """Draw the contact sheet and save it as PNG.

    The file appears whole or not at all.

    Parameters
    ----------
    rows : sequence of Row
        At least one; all with the same kinds of prediction.
    captions : mapping of str to str
        A line to be shown below the name of a column, such as its scores.
    path : Path
        Where to save; the folder must exist.

    Raises
    ------
    FileError
        If it cannot be saved.
    """
    names = ["scene", "truth", *rows[0].predictions]
    sheet = Image.new("RGB", sheet_size([row.scene.id_map.shape[0] for row in rows], len(names)), PAPER)
    pen = ImageDraw.Draw(sheet)
    lefts = [MARGIN + column * (CELL_WIDTH + GAP) for column in range(len(names))]
    for name, x in zip(names, lefts, strict=True):
        _write(pen, x, MARGIN, TITLES.get(name, name), 22)
        _write(pen, x, MARGIN + 30, captions.get(name, ""), 15, GREY)
    y = MARGIN + HEAD
    for row in rows:
        height = SCALE * row.scene.id_map.shape[0]
        truth = _enlarged((row.scene.id_map, row.scene.segments))
        cells = [_enlarge(row.scene.image), colour_map(truth)]
        cells += [colour_map(_enlarged(found), truth) for found in row.predictions.values()]
        for name, x, cell in zip(names, lefts, cells, strict=True):
            sheet.paste(Image.fromarray(cell), (x, y))
            _write(pen, x, y + height + 3, row.notes.get(name, ""), 14, GREY)
        y += height + NOTE + GAP
    _draw_legend(sheet, pen, y + GAP)
    with fresh_file(path) as temporary:
        sheet.save(temporary, format="PNG")


def sheet_size(heights: Sequence[int], columns: int) -> tuple[int, int]:
    """Return width and height of a sheet with rows of scenes of these heights."""
    width = 2 * MARGIN + columns * (CELL_WIDTH + GAP) - GAP
    return width, 2 * MARGIN + HEAD + sum(SCALE * height + NOTE + GAP for height in heights) + FOOT


def colour_map(labelling: Labelling, truth: Labelling | None = None) -> Pixels:
    """Colour a label map by category, each instance in its own shade, with thin borders.

    Parameters
    ----------
    labelling : (id_map, segments)
        What to show. Without `truth` it is the truth: void is black, and white stripes mark a crowd.
    truth : (id_map, segments), optional
        Show `labelling` as a prediction of this truth: what is right is pale, what is wrong has the full colour
        and dark red stripes, unknown is black with white stripes, and what is not counted is greyish.

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
        shade = (0.0, 0.3, -0.22, 0.52, -0.38)[place % 5] if category_id in THINGS else 0.0
        colours[mask] = _blend(_COLOUR[category_id], (255.0 if shade > 0 else 0.0,) * 3, abs(shade))
        if segment.get("iscrowd"):
            colours[mask & stripes] = 255
            edges |= _edges(mask)
    colours[edges] *= 0.4
    if truth is not None:
        wrong, uncounted = errors(labelling, truth), not_counted(truth)
        right = ~wrong & ~uncounted
        colours[right] = _blend(colours[right], PAPER, 0.68)
        colours[uncounted] = _blend(colours[uncounted], (168.0,) * 3, 0.8)
        colours[wrong & (stripes[:, ::-1] | _edges(wrong))] = MARK
        unknown = id_map == 0
        colours[unknown] = np.where(stripes[unknown][:, None], 255.0, 0.0)
    return np.rint(colours).astype(np.uint8)


def errors(labelling: Labelling, truth: Labelling) -> Mask:
    """Mark the pixels that do not belong to the partner of the true segment there.

    Partners are segments of one class that share more than half of their union. Void and crowds in the truth ask
    for nothing, so nothing is wrong there.
    """
    (pred, pred_rows), (gt, gt_rows) = labelling, truth
    right = not_counted(truth)
    for row in gt_rows:
        mask = gt == row["id"]
        for other in pred_rows:
            if other["category_id"] != row["category_id"]:
                continue
            guess = (pred == other["id"]) & (gt != 0)
            shared = mask & guess
            if 2 * np.count_nonzero(shared) > np.count_nonzero(mask | guess):
                right |= shared
    return np.logical_not(right)


def not_counted(truth: Labelling) -> Mask:
    """Mark void and crowds."""
    id_map, segments = truth
    crowds = [row["id"] for row in segments if row.get("iscrowd")]
    return np.isin(id_map, [0, *crowds])


def _draw_legend(sheet: Image.Image, pen: ImageDraw.ImageDraw, y: int) -> None:
    x = MARGIN
    for category in CATEGORIES:
        x = _explain(sheet, pen, x, y, np.full((SWATCH, SWATCH, 3), category["color"], np.uint8), category["name"])
    shown = np.ones((SWATCH, SWATCH), np.uint32)
    nothing = np.zeros_like(shown)
    disc, star = [{"id": 1, "category_id": 1}], [{"id": 1, "category_id": 4}]
    swatches = {
        "truth:  void": colour_map((nothing, [])),
        "crowd": colour_map((shown, [disc[0] | {"iscrowd": 1}])),
        "prediction:  right": colour_map((shown, disc), (shown, disc)),
        "wrong": colour_map((shown, disc), (shown, star)),
        "unknown": colour_map((nothing, []), (shown, disc)),
        "not counted (the truth is void or a crowd)": colour_map((shown, disc), (nothing, [])),
    }
    x = MARGIN
    for text, swatch in swatches.items():
        heading, colon, word = text.rpartition(":  ")
        if colon:
            x = _write(pen, x, y + 38, f"{heading}:", 16, GREY) + 12
        x = _explain(sheet, pen, x, y + 36, swatch, word)
    text = "Rings, crosses, chequered patches and dark rims are of no category, so they are void. "
    _write(
        pen, MARGIN, y + 74, text + "TP, FP and FN count segments; a pixel is right if it lies in a TP.", 16, GREY
    )


def _explain(sheet: Image.Image, pen: ImageDraw.ImageDraw, x: int, y: int, swatch: Pixels, text: str) -> int:
    """Draw a swatch and what it means, and return where the next one begins."""
    sheet.paste(Image.fromarray(swatch), (x, y))
    pen.rectangle((x, y, x + SWATCH, y + SWATCH), None, INK)
    return _write(pen, x + SWATCH + 8, y + 2, text, 16) + 24


def _write(pen: ImageDraw.ImageDraw, x: int, y: int, text: str, size: int, ink: tuple[int, int, int] = INK) -> int:
    """Write a line, and return where it ends."""
    font = ImageFont.load_default(size)
    pen.text((x, y), text, ink, font)
    return x + round(pen.textlength(text, font))


def _enlarge(pixels: NDArray[Any]) -> NDArray[Any]:
    return pixels.repeat(SCALE, 0).repeat(SCALE, 1)


def _enlarged(labelling: Labelling) -> Labelling:
    """Enlarged before it is coloured, a map has borders and stripes as thin as the sheet can show them."""
    return _enlarge(labelling[0]), labelling[1]


def _edges(id_map: NDArray[np.generic]) -> Mask:
    edges = np.zeros(id_map.shape, np.bool_)
    edges[:, :-1] |= id_map[:, :-1] != id_map[:, 1:]
    edges[:-1] |= id_map[:-1] != id_map[1:]
    return edges


def _stripes(shape: tuple[int, ...]) -> Mask:
    return np.add.outer(np.arange(shape[0]), np.arange(shape[1])) % 8 < 3


def _blend(colour: NDArray[np.float64], other: Sequence[float], part: float) -> NDArray[np.float64]:
    return colour * (1 - part) + np.asarray(other, np.float64) * part
