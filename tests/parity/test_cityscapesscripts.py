"""Live parity with cityscapesScripts: its converter to the byte, its evaluator to 1e-12.

The data are drawn at random, with groups, with labels that are not scored, and with caravans and trailers, which
have objects and are not scored either. Predictions are the ground truth with mistakes.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from multiprocessing.pool import ThreadPool
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pair_maps import partition, save_png
from PIL import Image

import pqeval

REASON = "cityscapesScripts is not installed"
converter = pytest.importorskip("cityscapesscripts.preparation.createPanopticImgs", reason=REASON)
evaluator = pytest.importorskip("cityscapesscripts.evaluation.evalPanopticSemanticLabeling", reason=REASON)
painter = pytest.importorskip("cityscapesscripts.preparation.json2instanceImg", reason=REASON)
annotation = pytest.importorskip("cityscapesscripts.helpers.annotation", reason=REASON)

STUFF = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23]
THINGS = [24, 25, 26, 27, 28, 31, 32, 33]
IGNORED = [0, 1, 2, 3, 4, 5, 6, 9, 10, 14, 15, 16, 18, 29, 30, 29000, 29001, 30000]
SIZE = (24, 40)
SUFFIX = {False: "", True: "_trainId"}
TABLES = {False: "cityscapes", True: "cityscapes_train"}


def draw(rng: np.random.Generator) -> np.ndarray:
    """Paint rectangles over each other, as the polygons of the dataset are."""
    objects = [label * 1000 + number for label in THINGS for number in range(3)]
    values = np.full(SIZE, rng.choice(STUFF), np.uint16)
    for _ in range(25):
        pool = (STUFF, THINGS, IGNORED, objects, objects)[rng.integers(5)]
        top, left = (rng.integers(0, size) for size in SIZE)
        down, across = rng.integers(1, 12, 2)
        values[top : top + down, left : left + across] = rng.choice(pool)
    return values


def spoil(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Shift a map a little, give some segments another class or to another one, and leave some out."""
    values = np.roll(values, rng.integers(0, 2, 2), (0, 1))
    for value in np.unique(values):
        fate = rng.integers(6)
        # A prediction has no groups; where the truth has one, there may be an object.
        if value in THINGS or fate == 0:
            values[values == value] = rng.choice([0, *STUFF, *(label * 1000 + 7 for label in THINGS)])
    return values


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset: raw maps of two splits, and predictions for one of them."""
    root: Path = tmp_path_factory.mktemp("cityscapes")
    rng = np.random.default_rng(7)
    for split, cities in {"val": ("munster", "frankfurt", "bad-honnef"), "test": ("bonn",)}.items():
        for city in cities:
            for place in range(3):
                name = f"{city}_{place:06d}_{place * 5:06d}"
                truth = np.zeros(SIZE, np.uint16) if split == "test" else draw(rng)
                save_png(root / "gtFine" / split / city / f"{name}_gtFine_instanceIds.png", truth, np.uint16)
                if split == "val":
                    save_png(root / "pred" / f"{name}_instanceIds.png", spoil(truth, rng), np.uint16)
    for train in SUFFIX:
        with quiet():
            converter.convert2panoptic(str(root / "gtFine"), str(root), train, ["val", "test"])
    return root


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()):
        yield


def converted(root: Path, split: str = "val", train: bool = False) -> Path:
    return root / f"cityscapes_panoptic_{split}{SUFFIX[train]}.json"


def sides(root: Path) -> list[Path]:
    """The same ground truth, three times."""
    return [root / "gtFine" / "val", converted(root), converted(root, train=True)]


def test_the_data_are_worth_it(dataset):
    kinds = partition(dataset / "gtFine" / "val", "cityscapes")
    assert len(kinds) == 9
    meanings = [meaning for _, segments in kinds.values() for meaning in segments.values()]
    assert any(crowd for _, crowd in meanings)
    assert {category for category, _ in meanings} == {*STUFF, *THINGS}
    assert all(any(-1 in row for row in ids) for ids, _ in kinds.values())


@pytest.mark.parametrize("split", ["val", "test"])
@pytest.mark.parametrize("train", [False, True])
def test_raw_maps_and_converted_ones_are_read_as_the_same(dataset, split, train):
    raw = partition(dataset / "gtFine" / split, "cityscapes", categories=TABLES[train])
    assert partition(converted(dataset, split, train), "cityscapes_panoptic") == raw
    assert list(raw) == [
        entry["image_id"] for entry in json.loads(converted(dataset, split).read_text())["annotations"]
    ]


@pytest.mark.parametrize("split", ["val", "test"])
@pytest.mark.parametrize("train", [False, True])
def test_the_converter_writes_the_same_bytes(dataset, tmp_path, split, train):
    pqeval.convert(
        dataset / "gtFine" / split,
        tmp_path / "out.json",
        format="cityscapes",
        to="cityscapes_panoptic",
        categories=TABLES[train],
    )
    theirs = converted(dataset, split, train)
    assert (tmp_path / "out.json").read_bytes() == theirs.read_bytes()
    names = sorted(path.name for path in theirs.with_suffix("").iterdir())
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    for name in names:
        ours, other = (np.asarray(open_rgb(path / name)) for path in (tmp_path / "out", theirs.with_suffix("")))
        assert (ours == other).all()


def open_rgb(path: Path) -> Any:
    with Image.open(path) as image:
        assert image.mode == "RGB"
        return image.copy()


def test_the_converter_reads_what_we_write(dataset, tmp_path):
    """Back from its JSON to raw maps, and again through the converter: not a byte has changed."""
    pqeval.convert(converted(dataset), tmp_path / "val", format="cityscapes_panoptic", to="cityscapes")
    with quiet():
        converter.convert2panoptic(str(tmp_path), str(tmp_path), False, ["val"])
    assert converted(tmp_path).read_bytes() == converted(dataset).read_bytes()


def test_the_evaluator_has_the_same_numbers(dataset, tmp_path, monkeypatch):
    pred = tmp_path / "pred.json"
    pqeval.convert(dataset / "pred", pred, format="cityscapes", to="cityscapes_panoptic", role="pred")
    # Its pool of processes adds in an order that depends on the machine, and forks where threads are.
    monkeypatch.setattr(evaluator, "multiprocessing", SimpleNamespace(cpu_count=lambda: 1, Pool=ThreadPool))
    gt = converted(dataset)
    with quiet():
        theirs = evaluator.evaluatePanoptic(
            str(gt), str(gt.with_suffix("")), str(pred), str(pred.with_suffix("")), str(tmp_path / "result.json")
        )
    matched = 0
    for truth in sides(dataset):
        for guess in (pred, dataset / "pred"):
            result = pqeval.evaluate(gt=truth, pred=guess, workers=1)
            assert result.convention == "cityscapes"
            for group in ("All", "Things", "Stuff"):
                ours = result.groups[group]
                assert ours.n == theirs[group]["n"]
                for key in ("pq", "sq", "rq"):
                    assert getattr(ours, key) == pytest.approx(theirs[group][key], rel=0, abs=1e-12)
            for row, label in zip(result.per_class, theirs["per_class"], strict=True):
                for key in ("pq", "sq", "rq"):
                    # What does not occur is 0 there, and not averaged.
                    assert (getattr(row, key) or 0) == pytest.approx(
                        theirs["per_class"][label][key], rel=0, abs=1e-12
                    )
                matched += row.tp
    assert matched > 100
    assert 0.1 < theirs["All"]["pq"] < 0.9


@pytest.mark.parametrize("seed", range(5))
def test_train_ids_of_the_scripts_are_read_as_the_same(tmp_path, seed):
    """Polygons, painted by the scripts by both numberings."""
    rng = np.random.default_rng(seed)
    labels = ["road", "sky", "car", "cargroup", "person", "caravan", "caravangroup", "trailer", "license plate"]
    labels += ["polegroup", "parking", "train", "bicyclegroup", "static", "ego vehicle", "terrain"]
    objects = []
    for _ in range(30):
        left, top = rng.integers(-3, 40), rng.integers(-3, 24)
        right, bottom = left + rng.integers(2, 15), top + rng.integers(2, 12)
        polygon = [[left, top], [right, top], [right, bottom], [left, bottom]]
        objects.append({"label": str(rng.choice(labels)), "polygon": np.array(polygon).tolist()})
    (tmp_path / "polygons.json").write_text(json.dumps({"imgHeight": 24, "imgWidth": 40, "objects": objects}))
    drawn = annotation.Annotation()
    drawn.fromJsonFile(str(tmp_path / "polygons.json"))
    for kind, encoding in (("instanceIds", "ids"), ("instanceTrainIds", "trainIds")):
        values = np.asarray(painter.createInstanceImage(drawn, encoding))
        save_png(tmp_path / kind / "bonn" / f"bonn_000000_000019_gtFine_{kind}.png", values, np.uint16)
    one, other = (partition(tmp_path / kind, "cityscapes") for kind in ("instanceIds", "instanceTrainIds"))
    assert one == other
    assert len(one["bonn_000000_000019"][1]) > 3
