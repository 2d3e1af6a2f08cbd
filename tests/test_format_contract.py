"""What every format promises, whichever it is; each file in ``pqeval/formats`` is one, and is tested here."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from packed import tar_of, zip_of

import pqeval
from pqeval import cli
from pqeval.categories import Categories
from pqeval.conversion import writers
from pqeval.errors import PqevalError
from pqeval.formats import room
from pqeval.formats._glance import Glance
from pqeval.source import Request
from pqeval.storage import locate
from pqeval.void import CONVENTIONS

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "reference" / "formats"
INDEX = ROOT / "docs" / "reference" / "formats.md"
WIDEST = 110

NAMES = room.available()
every_format = pytest.mark.parametrize("name", NAMES)
every_role = pytest.mark.parametrize("role", ["gt", "pred"])


def options_of(name: str) -> dict[str, str]:
    return getattr(room.get(name), "OPTIONS", {})


def test_the_formats_are_the_files_of_the_folder():
    files = [path.stem for path in (ROOT / "pqeval" / "formats").glob("[a-z]*.py")]
    assert sorted(files) == NAMES
    assert "coco" in NAMES


# The module


@every_format
def test_the_description_is_one_line(name):
    description = room.get(name).DESCRIPTION
    assert re.fullmatch(r"\S[^\n]{10,88}\S", description)
    assert not description.endswith(".")


@every_format
def test_the_layout_fits_a_terminal(name):
    layout = room.get(name).LAYOUT
    assert layout.endswith("\n")
    assert not layout.startswith("\n")
    assert [line for line in layout.splitlines() if len(line) > WIDEST or line != line.rstrip()] == []


@every_format
def test_the_convention_exists(name):
    assert room.get(name).CONVENTION in CONVENTIONS


@every_format
def test_options_have_a_name_and_a_meaning(name):
    for option, meaning in options_of(name).items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", option)
        assert re.fullmatch(r"\S.*\S", meaning)


@every_format
def test_every_name_that_the_module_gives_away_is_there(name):
    module = room.get(name)
    assert {"open_side", "recognise"} <= set(module.__all__)
    assert all(hasattr(module, each) for each in module.__all__)
    assert "write" in module.__all__ or not hasattr(module, "write")


# The page


@every_format
def test_the_page_exists_and_is_linked(name):
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    assert page.startswith("# ")
    assert f"`{name}`" in page
    assert f"(formats/{name}.md)" in INDEX.read_text(encoding="utf-8")


@every_format
def test_the_page_has_the_sections_that_all_have(name):
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## (.+)$", page, re.MULTILINE)
    assert {"Files", "Void and crowd", "Convention", "What is checked", "Example"} <= set(sections)
    assert f"`{room.get(name).CONVENTION}`" in page.partition("## Convention")[2].partition("\n## ")[0]


@every_format
def test_the_page_names_every_option(name):
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    assert [option for option in options_of(name) if f"`{option}`" not in page and f"{option}=" not in page] == []


def test_there_is_no_page_of_a_format_that_does_not_exist():
    assert sorted(path.stem for path in PAGES.glob("*.md")) == NAMES


# The command


@every_format
def test_the_command_shows_it(name):
    done = CliRunner().invoke(cli.cli, ["formats", name])
    module = room.get(name)
    assert done.exit_code == 0
    assert done.output.startswith(f"{module.DESCRIPTION}\n\n{module.LAYOUT}")
    assert f"\nConvention: {module.CONVENTION}\n" in done.output
    assert max(map(len, done.output.partition("\nOptions")[2].splitlines()), default=0) <= 100
    unfolded = re.sub(r"\n {4,}", " ", done.output)
    for option, meaning in options_of(name).items():
        assert re.search(rf"^  {option} +{re.escape(meaning)}$", unfolded, re.MULTILINE)
    assert (f" --to {name}\n" in done.output) == hasattr(module, "write")


def test_the_command_lists_all():
    done = CliRunner().invoke(cli.cli, ["formats"])
    *lines, empty, written = done.output.splitlines()
    assert [line.split()[0] for line in lines] == NAMES
    for name, line in zip(NAMES, lines, strict=True):
        assert line.split(maxsplit=1)[1] == room.get(name).DESCRIPTION
    assert (empty, written) == ("", f"Written by `pqeval convert --to`: {', '.join(writers())}")


# Files of nothing


JUNK = {
    "text.txt": b"nothing of interest\n",
    "junk.bin": bytes(range(256)) * 8,
    "empty": b"",
    "a.json": b"{}",
    "list.json": b"[]",
    "cut.json": b'{"annotations": [',
    "number.json": b"7",
    "junk.png": b"\x89PNG\r\n\x1a\nnothing more",
    "junk.npy": b"\x93NUMPY\x01\x00",
    "junk.npz": b"PK\x03\x04",
    "junk.mat": b"MATLAB 5.0 MAT-file",
    "junk.label": b"\1\2\3",
}


@pytest.fixture
def places(tmp_path):
    """Files and folders that are of no format, by what they are."""
    for name, content in JUNK.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "none at all").mkdir()
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "readme.txt").write_bytes(b"nothing of interest\n")
    (tmp_path / "deep" / "a" / "b").mkdir(parents=True)
    (tmp_path / "deep" / "a" / "b" / "readme.md").write_bytes(b"")
    (tmp_path / "notes.zip").write_bytes(zip_of({"readme.txt": b"nothing"}))
    (tmp_path / "notes.tar").write_bytes(tar_of({"readme.txt": b"nothing"}))
    (tmp_path / "empty.zip").write_bytes(zip_of({}))
    return {path.name: path for path in tmp_path.iterdir()}


@every_format
def test_files_of_no_format_are_not_recognised(name, places):
    sure = {each: room.get(name).recognise(Glance(locate(path))) for each, path in places.items()}
    assert {each: strength for each, strength in sure.items() if strength} == {}
    assert {type(strength) for strength in sure.values()} == {int}
    assert room.get(name).recognise(Glance(locate(places["notes"] / "none.json"))) == 0
    assert room.get(name).recognise(Glance(locate(places["notes"] / "none"))) == 0


@every_role
@every_format
def test_what_is_not_there_is_told(name, role, tmp_path):
    for missing in ("none", "none.json", "none.zip", "none.zip/a.json", "none/deeper"):
        with pytest.raises(PqevalError) as caught:
            room.get(name).open_side(locate(tmp_path / missing), Request(role))
        assert str(tmp_path / "none") in str(caught.value)


@every_role
@every_format
def test_files_of_no_format_are_refused_or_all_of_them_told(name, role, places):
    """Some files can be opened, since only their names are looked at; then none of their images can be read."""
    for table in (None, Categories.builtin("coco")):
        for path in places.values():
            try:
                side = room.get(name).open_side(locate(path), Request(role, categories=table))
            except PqevalError as error:
                problems = [error]
            else:
                if not side.images and path.name == "list.json":
                    continue  # an empty list of results is sound: nothing was predicted
                problems = []
                read = [side.read(image, shape=None, problems=problems) for image in side.images.values()]
                assert read == [None] * len(side.images)
                problems += side.problems
            assert [problem for problem in problems if problem.severity == "error"]
            assert [problem for problem in problems if str(path) not in str(problem)] == []


@every_role
@every_format
def test_an_empty_folder_is_refused_by_its_name(name, role, places):
    for empty in ("none at all", "notes", "deep", "notes.zip", "notes.tar", "empty.zip"):
        with pytest.raises(PqevalError) as caught:
            room.get(name).open_side(locate(places[empty]), Request(role))
        assert str(places[empty]) in str(caught.value)


@every_format
def test_evaluation_and_validation_refuse_them_too(name, places, tmp_path):
    for path in (places["none at all"], places["notes.zip"], tmp_path / "nowhere"):
        with pytest.raises(PqevalError):
            pqeval.evaluate(gt=path, pred=path, format=name)
        try:
            found = pqeval.validate(gt=path, pred=path, format=name).errors
        except PqevalError:
            continue
        assert found
        assert all(str(path) in str(problem) for problem in found)


@every_format
def test_options_that_it_does_not_have_are_refused(name, places):
    for options in ({"gt_options": {"no_such_option": "1"}}, {"pred_options": {"no_such_option": "1"}}):
        with pytest.raises(PqevalError) as caught:
            pqeval.evaluate(gt=places["notes"], pred=places["notes"], format=name, **options)
        codes = [error.code for error in getattr(caught.value, "errors", [caught.value])]
        assert "unknown-option" in codes


@every_format
def test_errors_of_opening_can_be_sent_to_another_process(name, places):
    with pytest.raises(PqevalError) as caught:
        room.get(name).open_side(locate(places["none at all"]), Request("gt"))
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
