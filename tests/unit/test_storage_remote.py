"""Places behind a URL, by the file systems of fsspec that need no network."""

from __future__ import annotations

import pickle
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from datasets import image, save, says
from packed import files_of, packed, tar_of, zip_of
from triggers import Triggers, name_of

import pqeval
from pqeval.errors import FileError, UsageError
from pqeval.storage import File, Folder, locate
from pqeval.storage.remote import RemoteFolder

fsspec = pytest.importorskip("fsspec", reason="the extra `remote` is not installed")

FILES = {
    "a.txt": b"first",
    "maps/1.png": bytes(range(256)),
    "maps/deeper/2.png": b"2",
    "maps2.txt": b"",
    "z.json": b"{}",
}
TRUTH = [image(1, [[1, 1, 2], [1, 1, 2]], {1: 1, 2: 3})]
GUESS = [image(1, [[1, 1, 2], [1, 2, 2]], {1: 1, 2: 3})]
SCORE = (3 / 4 + 2 / 3) / 2  # cats: 3 of 4 pixels; sky: 2 of 3

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def raised(function, *arguments):
    with pytest.raises(pqeval.errors.PqevalError) as caught:
        function(*arguments)
    return caught.value


def in_memory(files: dict[str, bytes], folder: str = "data") -> str:
    """Put files into fsspec's memory, alone, and return the URL of their folder."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    for name, content in files.items():
        system.pipe_file(f"/{folder}/{name}", content)
    return f"memory://{folder}"


def on_disk(files: dict[str, bytes], folder: Path) -> str:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return f"file://{folder}"


@pytest.fixture(params=["memory", "file", "zip", "tar.gz", "zip in a zip"])
def place(request, tmp_path) -> Folder:
    hidden = {"maps/.hidden": b"x", "__MACOSX/a": b"x"}
    if request.param == "memory":
        return locate(in_memory(FILES | hidden))
    if request.param == "file":
        return locate(on_disk(FILES | hidden, tmp_path / "data"))
    if request.param == "zip in a zip":
        return locate(
            in_memory({"x.zip": zip_of({"some/data.zip": zip_of(FILES | hidden)})}) + "/x.zip/some/data.zip"
        )
    return locate(
        in_memory({f"x.{request.param}": packed(FILES | hidden, f".{request.param}")}) + f"/x.{request.param}"
    )


def test_every_place_behind_a_url_has_the_same_names_and_bytes(place):
    assert place.names() == sorted(FILES)
    assert {name: place.read(name) for name in FILES} == FILES
    assert {name: place.head(name, 3) for name in FILES} == {name: whole[:3] for name, whole in FILES.items()}
    assert [name for name in (*FILES, "none", "maps") if place.has(name)] == list(FILES)
    assert place.folder("maps").names() == ["1.png", "deeper/2.png"]
    assert place.folder("maps").folder("deeper").read("2.png") == b"2"
    assert [place.folder(name) for name in ("none", "a.txt", "map", "z.json")] == [None] * 4
    assert str(File(place, "maps/1.png")) == f"{place}/maps/1.png"
    again = pickle.loads(pickle.dumps(place))
    assert (again.names(), again.read("a.txt")) == (place.names(), b"first")


def test_what_a_url_means():
    files = {"x.zip": zip_of({"pred.json": b"{}", "maps/1.png": b"1"}), "gt.json": b"[]", "v1.0/a.txt": b""}
    url = in_memory(files)

    def means(path: str):
        found = locate(f"{url}/{path}")
        return type(found).__name__, str(found)

    assert means("") == ("RemoteFolder", "memory://data")
    assert means("x.zip") == means("x.zip/") == ("Archive", f"{url}/x.zip")
    assert means("x.zip/maps") == ("Archive", f"{url}/x.zip/maps")
    assert means("x.zip/pred.json") == ("File", f"{url}/x.zip/pred.json")
    assert means("x.zip/none.json") == ("File", f"{url}/x.zip/none.json")
    assert means("gt.json") == ("File", f"{url}/gt.json")
    assert means("v1.0") == ("RemoteFolder", f"{url}/v1.0")
    assert means("none") == ("File", f"{url}/none")
    assert means("none.json") == ("File", f"{url}/none.json")
    assert means("none.zip") == ("File", f"{url}/none.zip")
    assert means("none.zip/pred.json") == ("File", f"{url}/none.zip/pred.json")
    assert locate(f"{url}/x.zip/pred.json").read() == b"{}"


def test_files_at_the_root_of_a_url():
    fsspec.filesystem("memory").store.clear()
    fsspec.filesystem("memory").pipe_file("/x.zip", zip_of({"a.txt": b"first"}))
    fsspec.filesystem("memory").pipe_file("/gt.json", b"{}")
    assert locate("memory://x.zip").read("a.txt") == b"first"
    assert locate("memory://gt.json").read() == b"{}"
    assert str(locate("memory://gt.json")) == "memory://gt.json"
    assert locate("memory://").names() == ["gt.json", "x.zip"]


def test_a_folder_is_listed_once(monkeypatch):
    place = locate(in_memory(FILES))
    names = place.names()
    monkeypatch.setattr(type(fsspec.filesystem("memory")), "find", None)
    assert place.names() == names


@pytest.mark.parametrize("form", ["memory", "memory, packed", "file", "file, packed", "http", "http, packed"])
def test_a_dataset_behind_a_url_scores_as_one_that_lies_here(tmp_path, form):
    save(tmp_path / "gt" / "gt.json", TRUTH)
    save(tmp_path / "pred" / "pred.json", GUESS)
    files = files_of(tmp_path)
    if form.endswith("packed"):
        files = {
            "gt.tar": tar_of(files_of(tmp_path / "gt")),
            "pred.zip": zip_of(files_of(tmp_path / "pred")),
        }
    gt, pred = ("gt.tar", "pred.zip") if form.endswith("packed") else ("gt/gt.json", "pred/pred.json")
    expected = pqeval.evaluate(gt=tmp_path / "gt", pred=tmp_path / "pred").per_class
    url = in_memory(files) if form.startswith("memory") else on_disk(files, tmp_path / "served")
    if not form.startswith("http"):
        result = pqeval.evaluate(gt=f"{url}/{gt}", pred=f"{url}/{pred}", workers=2)
    else:
        pytest.importorskip("aiohttp", reason="fsspec asks for it")
        with serving(tmp_path / "served") as url:
            result = pqeval.evaluate(
                gt=f"{url}/{gt}",
                pred=f"{url}/{pred}",
                **(
                    {}
                    if form.endswith("packed")
                    else {"gt_folder": f"{url}/gt/gt/", "pred_folder": f"{url}/pred/pred/"}
                ),
            )
    assert result.pq == pytest.approx(SCORE, abs=1e-15)
    assert result.per_class == expected
    assert result.warnings == ()


class serving:  # noqa: N801  # used as a function
    """Serve a folder on this machine, as long as the block lasts."""

    def __init__(self, folder: Path) -> None:
        class Handler(SimpleHTTPRequestHandler):
            def __init__(self, *arguments):
                super().__init__(*arguments, directory=str(folder))

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self) -> str:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_port}"

    def __exit__(self, *_) -> None:
        self.server.shutdown()
        self.server.server_close()


# What goes wrong


class Failing(fsspec.AbstractFileSystem):
    """A file system on which nothing succeeds."""

    protocol = "failing"
    cachable = False

    def info(self, path, **options):
        raise PermissionError("no credentials")

    def isdir(self, path):
        raise PermissionError("no credentials")

    isfile = find = cat_file = isdir


class Silent(Failing):
    """One whose errors have no text."""

    protocol = "silent"

    def info(self, path, **options):
        raise TimeoutError

    def isdir(self, path):
        return True

    def find(self, path, **options):
        raise TimeoutError

    cat_file = find


for kind in (Failing, Silent):
    fsspec.register_implementation(kind.protocol, kind, clobber=True)


@trigger
def file_missing(folder):
    url = in_memory(FILES)
    says(
        [raised(locate(f"{place}none.json").read) for place in (f"{url}/", "memory://")],
        """
        memory://data/none.json: does not exist
          expected: a file
          do: check the URL
        memory://none.json: does not exist
          expected: a file
          do: check the URL
        """,
    )


@trigger
def file_system_that_refuses(folder):
    says(
        [raised(locate, f"failing://bucket/{name}") for name in ("gt", "gt.json", "gt.zip", "gt.zip/gt.json")],
        """
        failing://bucket/gt: cannot be fetched: no credentials
          expected: a file that may be read
          do: check the URL, the network and the permissions
        failing://bucket/gt.json: cannot be fetched: no credentials
          expected: a file that may be read
          do: check the URL, the network and the permissions
        failing://bucket/gt.zip: cannot be fetched: no credentials
          expected: a file that may be read
          do: check the URL, the network and the permissions
        failing://bucket/gt.zip: cannot be fetched: no credentials
          expected: a file that may be read
          do: check the URL, the network and the permissions
        """,
    )


@trigger
def file_system_that_stops(folder):
    says(
        [raised(locate("silent://bucket/gt").read, "1.png"), raised(locate("silent://bucket/gt").names)],
        """
        silent://bucket/gt/1.png: cannot be fetched: TimeoutError
          expected: a file that may be read
          do: check the URL, the network and the permissions
        silent://bucket/gt: cannot be listed: TimeoutError
          expected: a place whose files can be listed
          do: check the URL; many web servers list nothing, name a JSON or an archive there
        """,
    )


@trigger
def listing_that_is_refused(folder):
    says(
        raised(RemoteFolder("failing://bucket/gt").names),
        """
        failing://bucket/gt: cannot be listed: no credentials
          expected: a place whose files can be listed
          do: check the URL; many web servers list nothing, name a JSON or an archive there
        """,
    )


@trigger
def file_that_is_too_large(folder):
    url = in_memory({"gt.json": bytes(101)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pqeval.storage.remote.LARGEST_MEMBER", 100)
        says(
            raised(locate(f"{url}/gt.json").read),
            """
            memory://data/gt.json: has 101 bytes
              expected: at most 100
              do: check that this is the right file
            """,
        )
        assert locate(f"{url}/gt.json").head(100) == bytes(100)


@trigger
def fsspec_not_installed(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "fsspec.core", None)
        error = raised(locate, "s3://bucket/gt.json")
    assert isinstance(error, UsageError)
    says(
        error,
        """
        s3://bucket/gt.json cannot be opened: import of fsspec.core halted; None in sys.modules
          expected: fsspec, and the package that it asks for
          do: pip install 'pqeval[remote]', and for s3:// or gs:// also s3fs or gcsfs
        """,
    )


@trigger
def kind_of_url_that_does_not_exist(folder):
    says(
        raised(locate, "nope://bucket/gt.json"),
        """
        nope://bucket/gt.json cannot be opened: Protocol not known: nope
          expected: fsspec, and the package that it asks for
          do: pip install 'pqeval[remote]', and for s3:// or gs:// also s3fs or gcsfs
        """,
    )


@trigger
def name_that_leads_out(folder):
    place = locate(in_memory(FILES))
    says(
        raised(place.read, "../secret/1.png"),
        """
        file_name is '../secret/1.png'
          expected: a relative path that stays inside memory://data
          do: write file names relative to the folder, without ..
        """,
    )


def test_errors_of_both_sides_come_together(tmp_path):
    url = in_memory(FILES)
    found = pqeval.validate(gt=f"{url}/none.json", pred=f"{url}/neither.json").errors
    assert [(problem.code, problem.file) for problem in found] == [
        ("file-missing", f"{url}/none.json"),
        ("file-missing", f"{url}/neither.json"),
    ]


def test_a_server_that_sends_all_is_cut_short(tmp_path, monkeypatch):
    place = locate(in_memory(FILES))
    monkeypatch.setattr(type(fsspec.filesystem("memory")), "cat_file", lambda self, path, end=None: b"all of it")
    assert place.head("a.txt", 3) == b"all"


@pytest.mark.parametrize("error", [OSError("gone"), KeyError("x"), RuntimeError("closed"), ValueError("odd")])
def test_whatever_a_file_system_raises_names_the_file(monkeypatch, error):
    place = locate(in_memory(FILES))

    def cat_file(self, path, end=None):
        raise error

    monkeypatch.setattr(type(fsspec.filesystem("memory")), "cat_file", cat_file)
    with pytest.raises(FileError) as caught:
        place.read("a.txt")
    assert caught.value.code == "file-unreadable"
    assert caught.value.file == "memory://data/a.txt"
    assert caught.value.__cause__ is error
