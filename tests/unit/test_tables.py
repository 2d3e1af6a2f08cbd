"""The built-in category tables: counts from the datasets' own papers and code, and where they are made from."""

from __future__ import annotations

import configparser
import json
from fnmatch import fnmatch
from pathlib import Path

import pytest

from pqeval import tables
from pqeval.categories import Categories
from pqeval.tables.make import RECIPES, make, write

ROOT = Path(__file__).parents[2]
FACTS = ROOT.parent / "shared" / "categories"

COUNTS = {
    "ade20k": (100, 50),
    "bdd100k": (10, 30),
    "cityscapes": (8, 11),
    "cityscapes_train": (8, 11),
    "coco": (80, 53),
    "coco_stuff": (91, 91),  # of the things, 11 never occur
    "conic": (6, 0),
    "kitti_step": (2, 17),
    "mapillary_v12": (37, 28),
    "mapillary_v20": (70, 46),
    "motchallenge_step": (1, 6),
    "nuclei": (1, 0),
    "nuscenes": (10, 6),
    "pannuke": (5, 0),
    "semantickitti": (8, 11),
    "semkitti_dvps": (8, 11),
    "vipseg": (58, 66),
}
"""Things and stuff of each."""


def things_and_stuff(name: str) -> tuple[int, int]:
    things = [row.isthing for row in Categories.builtin(name)]
    assert set(things) <= {True, False}
    return sum(things), len(things) - sum(things)


@pytest.mark.parametrize("name", tables.names())
def test_every_table_loads_and_says_where_it_is_from(name):
    table = Categories.builtin(name)
    assert len(table) > 0
    assert all(row.name for row in table)
    stored = tables.read(name)
    for key in ("dataset", "source", "licence"):
        assert isinstance(stored[key], str)
        assert stored[key].strip()
    colours = [row["color"] for row in stored["categories"] if "color" in row]
    assert all(len(colour) == 3 and all(0 <= part <= 255 for part in colour) for colour in colours)


@pytest.mark.parametrize("name", sorted(COUNTS))
def test_the_counts_of_things_and_stuff_are_those_of_the_dataset(name):
    assert things_and_stuff(name) == COUNTS[name]


def test_every_table_is_counted_and_made():
    assert set(COUNTS) == set(tables.names()) == set(RECIPES)


@pytest.mark.parametrize(
    ("name", "id", "row"),
    [
        ("coco", 1, ("person", True)),
        ("coco", 184, ("tree-merged", False)),
        ("cityscapes", 7, ("road", False)),
        ("cityscapes", 33, ("bicycle", True)),
        ("cityscapes_train", 0, ("road", False)),
        ("cityscapes_train", 18, ("bicycle", True)),
        ("kitti_step", 11, ("person", True)),
        ("kitti_step", 13, ("car", True)),
    ],
)
def test_known_categories_have_their_ids(name, id, row):
    found = {each.id: each for each in Categories.builtin(name)}[id]
    assert (found.name, found.isthing) == row


def test_both_numberings_of_cityscapes_are_of_the_same_classes():
    labels = tables.read("cityscapes")["labels"]
    assert len(labels) == 35
    by_name = {row.name: row for row in Categories.builtin("cityscapes_train")}
    scored = [label for label in labels if not label["ignored"]]
    assert len(scored) == 19
    for label in scored:
        assert (by_name[label["name"]].id, by_name[label["name"]].isthing) == (
            label["train_id"],
            bool(label["isthing"]),
        )
    assert {label["id"] for label in scored} == {row.id for row in Categories.builtin("cityscapes")}


@pytest.mark.parametrize(
    ("name", "key"),
    [("semantickitti", "raw_to_id"), ("nuscenes", "general_to_id"), ("ade20k", "instance_to_id")],
)
def test_maps_into_a_table_lead_to_its_ids(name, key):
    ids = {row.id for row in Categories.builtin(name)}
    known = tables.read(name)[key]
    targets = set(known.values()) if isinstance(known, dict) else set(known)
    assert targets - {0, None} <= ids
    assert targets & ids


@pytest.mark.parametrize("name", ["mapillary_v12", "mapillary_v20"])
def test_labels_of_mapillary_are_numbered_as_in_its_configuration(name):
    labels = tables.read(name)["labels"]
    assert [label["index"] for label in labels] == list(range(len(labels)))
    scored = {label["id"] for label in labels if not label["ignored"]}
    assert scored == {row.id for row in Categories.builtin(name)}


def test_the_numberings_of_semantickitti_differ_by_one():
    one, other = Categories.builtin("semantickitti"), Categories.builtin("semkitti_dvps")
    assert [(row.id - 1, row.name, row.isthing) for row in one] == [
        (row.id, row.name, row.isthing) for row in other
    ]


def test_a_table_that_does_not_exist_is_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        tables.read("nope")


# Where they come from


@pytest.mark.skipif(not FACTS.is_dir(), reason="the collected facts are not beside the repository")
def test_the_tables_are_made_of_the_facts_and_of_nothing_else(tmp_path):
    folder = Path(tables.__file__).parent
    stored = {path.name: path.read_bytes() for path in folder.glob("*.json")}
    write(FACTS, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == stored
    assert make(FACTS) == {name.removesuffix(".json"): text.decode() for name, text in stored.items()}


INVENTED = {
    "dataset": "Ü",
    "source": "s",
    "licence": "l",
    "categories": [
        {
            "id": 1,
            "trainId": 0,
            "label_index": 0,
            "internal_name": "x",
            "name": "ü",
            "isthing": True,
            "color": [1, 2, 3],
        },
        {"id": 2, "trainId": 1, "label_index": 1, "internal_name": "y", "name": "b", "isthing": 0},
    ],
    "all_labels": [],
    "general_classes": [],
    "instance100_to_id": {},
    "raw_labels": [],
}


def test_a_table_has_a_row_per_line_and_nothing_that_is_not_needed(tmp_path):
    for source, _ in RECIPES.values():
        (tmp_path / f"{source}.json").write_text(json.dumps(INVENTED), encoding="utf-8")
    assert make(tmp_path)["vipseg"] == (
        '{\n "dataset": "Ü",\n "source": "s",\n "licence": "l",\n "categories": [\n'
        '  {"id": 1, "name": "ü", "isthing": 1, "color": [1, 2, 3]},\n'
        '  {"id": 2, "name": "b", "isthing": 0}\n ]\n}\n'
    )


def test_the_package_ships_its_tables():
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    shipped = settings["options.package_data"]["pqeval.tables"].split()
    stored = [path.name for path in Path(tables.__file__).parent.glob("*.json")]
    assert stored
    assert all(any(fnmatch(name, pattern) for pattern in shipped) for name in stored)
    assert settings["options"]["packages"] == "find:"
    assert fnmatch("pqeval.tables", settings["options.packages.find"]["include"])
