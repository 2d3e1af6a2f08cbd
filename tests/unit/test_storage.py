"""Where files lie makes no difference: folders, archives, places behind a URL."""

from __future__ import annotations

import os
import pickle
import struct
import tarfile
import zipfile
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from datasets import image, save, within
from packed import KINDS, files_of, packed, tar_of, zip_of

import pqeval
from pqeval.errors import FileError
from pqeval.formats.coco import open_side
from pqeval.source import Request
from pqeval.storage import File, Folder, as_folder, locate
from pqeval.storage.archives import Archive, open_archive

FILES = {
    "a.txt": b"first",
    "empty": b"",
    "maps/000001.png": bytes(range(256)) * 40,
    "maps/deeper/ü €.png": b"\0\1\2",
    "maps2.txt": b"no part of maps",
    "z.json": b"{}",
}
HIDDEN = {
    ".DS_Store": b"x",
    "maps/.hidden": b"x",
    ".git/config": b"x",
    "__MACOSX/maps/._000001.png": b"x",
    "maps/__MACOSX/x": b"x",
}
SEVERAL = {f"maps/{number:03d}.bin": bytes([number]) * (100 + 7 * number) for number in range(60)}


def spread(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(params=["folder", *KINDS, "zip in a zip", "tar in a tar.gz", "zip in a folder of a zip"])
def place(request, tmp_path) -> Folder:
    """The same files in every kind of place."""
    files = FILES | HIDDEN
    if request.param == "folder":
        return locate(spread(tmp_path / "data", files))
    path = tmp_path / "outer.zip"
    inner = "data.zip"
    if request.param == "zip in a zip":
        path.write_bytes(zip_of({"data.zip": zip_of(files), "other": b""}))
    elif request.param == "tar in a tar.gz":
        path, inner = tmp_path / "outer.tar.gz", "data.tar"
        path.write_bytes(packed({"data.tar": tar_of(files)}, ".tar.gz"))
    elif request.param == "zip in a folder of a zip":
        path.write_bytes(zip_of({"some/where/data.zip": zip_of(files)}))
        inner = "some/where/data.zip"
    else:
        path, inner = tmp_path / f"data{request.param}", ""
        path.write_bytes(packed(files, request.param))
    return locate(path / inner)


def test_every_kind_of_place_has_the_same_names_and_bytes(place):
    assert isinstance(place, Folder)
    assert place.names() == sorted(FILES)
    assert {name: place.read(name) for name in place.names()} == FILES
    assert {name: place.head(name, 3) for name in FILES} == {name: all_[:3] for name, all_ in FILES.items()}
    assert place.head("a.txt", 100) == b"first"


def test_every_kind_of_place_knows_what_it_has(place):
    assert [name for name in (*FILES, "none", "maps", "maps/", "maps/none.png") if place.has(name)] == list(FILES)
    below = place.folder("maps")
    assert below.names() == ["000001.png", "deeper/ü €.png"]
    assert below.read("deeper/ü €.png") == below.folder("deeper").read("ü €.png") == b"\0\1\2"
    assert (below.has("000001.png"), below.has("a.txt"), below.folder("none")) == (True, False, None)
    assert [place.folder(name) for name in ("none", "a.txt", "map", "z.json")] == [None] * 4


def test_every_kind_of_place_names_its_files_by_its_own_name(place):
    assert str(place.folder("maps")) == f"{place}/maps"
    assert str(File(place, "maps/000001.png")) == f"{place}/maps/000001.png"
    assert str(File(place.folder("maps"), "000001.png")) == f"{place}/maps/000001.png"
    assert File(place, "maps/000001.png").stem == "maps/000001"


def test_every_kind_of_place_tells_what_is_missing(place):
    for read in (place.read, lambda name: place.head(name, 1)):
        with pytest.raises(FileError) as caught:
            read("maps/none.png")
        assert caught.value.code in ("file-missing", "member-missing")
        assert caught.value.file == f"{place}/maps/none.png"


@pytest.mark.parametrize("name", ["../a.txt", "/a.txt", "maps/../../a.txt", "C:a.txt", "\\a.txt", "a\0.txt", ""])
def test_no_kind_of_place_lets_names_lead_out(place, name):
    for read in (place.read, lambda name: place.head(name, 1)):
        with pytest.raises(FileError) as caught:
            read(name)
        assert caught.value.code == "path-leaves-folder"


def test_every_kind_of_place_can_be_sent_to_another_process(place):
    place.names()
    again = pickle.loads(pickle.dumps(place))
    assert (again.names(), again.read("a.txt"), again.folder("maps").names()) == (
        place.names(),
        b"first",
        place.folder("maps").names(),
    )


# Many readers at once


def read_several(place: Folder, first: int) -> bool:
    """Read all files, beginning somewhere, several times."""
    names = sorted(SEVERAL)
    order = (names[first:] + names[:first]) * 4
    return all(place.read(name) == SEVERAL[name] for name in order)


@pytest.fixture(params=["folder", *KINDS, "nested"])
def shared(request, tmp_path) -> Folder:
    if request.param == "folder":
        return locate(spread(tmp_path / "data", SEVERAL))
    if request.param == "nested":
        (tmp_path / "outer.zip").write_bytes(zip_of({"data.tar.gz": packed(SEVERAL, ".tar.gz")}))
        return locate(tmp_path / "outer.zip" / "data.tar.gz")
    path = tmp_path / f"data{request.param}"
    path.write_bytes(packed(SEVERAL, request.param))
    return locate(path)


def test_threads_read_at_once(shared):
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read_several, [shared] * 8, range(8)))


def test_forked_children_read_at_once(shared):
    """They share the open file, whose position must not be that of the system."""
    assert read_several(shared, 0)
    children = []
    for first in range(4):
        child = os.fork()
        if child == 0:
            os._exit(0 if read_several(shared, first * 13) else 1)
        children.append(child)
    assert read_several(shared, 5)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 4


def test_processes_that_start_afresh_open_it_themselves(tmp_path):
    places = []
    for kind in (".zip", ".tar", ".tar.gz"):
        (tmp_path / f"data{kind}").write_bytes(packed(SEVERAL, kind))
        places.append(locate(tmp_path / f"data{kind}"))
    (tmp_path / "outer.zip").write_bytes(zip_of({"data.zip": zip_of(SEVERAL)}))
    places.append(locate(tmp_path / "outer.zip" / "data.zip"))
    assert all(read_several(place, 0) for place in places)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert list(pool.map(read_several, places, range(4))) == [True] * 4


@pytest.mark.parametrize("kind", [".zip", ".tar.gz", ".tar.xz"])
def test_an_archive_may_be_empty(tmp_path, kind):
    (tmp_path / f"x{kind}").write_bytes(packed({}, kind))
    place = locate(tmp_path / f"x{kind}")
    assert isinstance(place, Archive)
    assert place.names() == []
    assert open_archive(f"x{kind}", packed({}, kind)).names() == []


# What is not among the names


def test_links_devices_pipes_and_folders_of_a_tar_are_absent(tmp_path):
    kinds = {
        "link": tarfile.SYMTYPE,
        "device": tarfile.CHRTYPE,
        "disk": tarfile.BLKTYPE,
        "pipe": tarfile.FIFOTYPE,
        "folder": tarfile.DIRTYPE,
    }
    members = []
    for name, kind in kinds.items():
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, "a.txt"
        members.append(info)
    (tmp_path / "x.tar").write_bytes(tar_of({"a.txt": b"first"}, members=members))
    assert locate(tmp_path / "x.tar").names() == ["a.txt"]


def test_hard_links_of_a_tar_are_the_files_that_they_link_to(tmp_path):
    again, nowhere = tarfile.TarInfo("b.txt"), tarfile.TarInfo("c.txt")
    again.type = nowhere.type = tarfile.LNKTYPE
    again.linkname, nowhere.linkname = "a.txt", "../../etc/passwd"
    (tmp_path / "x.tar").write_bytes(tar_of({"a.txt": b"first"}, members=[again, nowhere]))
    place = locate(tmp_path / "x.tar")
    assert place.names() == ["a.txt", "b.txt"]
    assert place.read("b.txt") == b"first"


def test_links_and_folders_of_a_zip_are_absent(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a.txt", b"first")
        for name, mode in (("link", 0o120777), ("pipe", 0o010644), ("device", 0o020644)):
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, b"/etc/passwd")
        archive.mkdir("folder")
    place = locate(tmp_path / "x.zip")
    assert place.names() == ["a.txt"]
    assert not any(map(place.has, ("link", "pipe", "device", "folder", "folder/")))


@pytest.mark.parametrize("kind", [".zip", ".tar"])
@pytest.mark.parametrize("name", ["../x", "/etc/x", "C:/x", "a/../../x"])
def test_members_whose_names_lead_out_are_not_read(tmp_path, kind, name):
    (tmp_path / f"x{kind}").write_bytes(packed({name: b"evil", "a.txt": b"first"}, kind))
    place = locate(tmp_path / f"x{kind}")
    for member in [*place.names(), name]:
        if member != "a.txt":
            with pytest.raises(FileError) as caught:
                place.read(member)
            assert caught.value.code == "path-leaves-folder"
    assert place.read("a.txt") == b"first"


def test_names_with_a_dot_in_front_are_the_same_names(tmp_path):
    (tmp_path / "x.tar").write_bytes(tar_of({"./a.txt": b"first", "./maps/1.png": b"1"}))
    assert locate(tmp_path / "x.tar").names() == ["a.txt", "maps/1.png"]


def test_a_folder_that_links_to_itself_is_listed_once(tmp_path):
    spread(tmp_path, {"a.txt": b"", "maps/1.png": b""})
    for name in ("again", "and_again", "maps/up"):
        (tmp_path / name).symlink_to(tmp_path)
    (tmp_path / "other").symlink_to(tmp_path / "maps")
    with within(60):  # in two such links there are more ways than anybody can walk
        names = locate(tmp_path).names()
    assert [name for name in names if not name.startswith("other/")] == ["a.txt", "maps/1.png"]
    assert "other/1.png" in names


# What a path means


def test_paths_that_lead_into_archives(tmp_path):
    inner = zip_of({"val/1.png": b"1"})
    (tmp_path / "s.zip").write_bytes(zip_of({"pred.json": b"{}", "maps/1.png": b"0", "maps.zip": inner}))

    def means(path: str):
        found = locate(f"{tmp_path}/{path}")
        return type(found).__name__, str(found).removeprefix(f"{tmp_path}/")

    assert means("s.zip") == means("s.zip/") == ("Archive", "s.zip")
    assert means("s.zip/pred.json") == ("File", "s.zip/pred.json")
    assert means("s.zip/maps") == means("s.zip/maps/") == ("Archive", "s.zip/maps")
    assert means("s.zip/maps.zip") == ("Archive", "s.zip/maps.zip")
    assert means("s.zip/maps.zip/val") == ("Archive", "s.zip/maps.zip/val")
    assert means("s.zip/maps.zip/val/1.png") == ("File", "s.zip/maps.zip/val/1.png")
    assert means("s.zip/none.json") == ("File", "s.zip/none.json")
    assert means("none.zip") == ("File", "none.zip")
    assert means("none.zip/pred.json") == ("File", "none.zip/pred.json")
    assert locate(tmp_path / "s.zip" / "pred.json").read() == b"{}"
    assert locate(tmp_path / "s.zip" / "maps.zip" / "val" / "1.png").read() == b"1"


def test_a_folder_called_like_an_archive_is_a_folder(tmp_path):
    spread(tmp_path / "maps.zip", {"1.png": b"1"})
    assert locate(tmp_path / "maps.zip").read("1.png") == b"1"
    assert locate(tmp_path / "maps.zip" / "1.png").read() == b"1"


def test_a_file_is_an_archive_by_its_content(tmp_path):
    (tmp_path / "text.zip").write_bytes(b"no zip at all")
    (tmp_path / "zip.json").write_bytes(zip_of({"a": b""}))
    (tmp_path / "notes.gz").write_bytes(packed({"a": b""}, ".tar.gz"))
    assert isinstance(locate(tmp_path / "text.zip"), File)
    assert isinstance(locate(tmp_path / "zip.json"), File)
    assert open_archive(str(tmp_path / "text.zip")) is None
    assert open_archive(str(tmp_path / "none.zip")) is None
    assert open_archive(str(tmp_path / "notes.gz")) is None
    assert isinstance(open_archive(str(tmp_path / "zip.json")), Archive)


def test_names_that_the_user_gives_need_not_be_those_of_data(tmp_path):
    (tmp_path / "a:b.json").write_bytes(b"{}")
    file = locate(tmp_path / "a:b.json")
    assert (file.read(), file.head(1)) == (b"{}", b"{")
    with pytest.raises(FileError, match="file_name is"):
        file.folder.read("c:b.json")


def test_as_folder_takes_folders_and_archives(tmp_path):
    (tmp_path / "x.tar").write_bytes(tar_of({"maps/1.png": b"1"}))
    for path in (tmp_path, tmp_path / "x.tar", tmp_path / "x.tar" / "maps"):
        assert str(as_folder(path, option="--gt-folder")) == str(path)


# Sizes


def test_a_bomb_is_not_inflated_beyond_the_size_that_it_states(tmp_path):
    """64 MB of zeros, under a directory that states 10 bytes."""
    data = bytearray(zip_of({"bomb": bytes(2**26)}))
    for start in (data.index(b"PK\x01\x02") + 24, 22):
        assert struct.unpack_from("<I", data, start) == (2**26,)
        struct.pack_into("<I", data, start, 10)
    (tmp_path / "x.zip").write_bytes(data)
    place = locate(tmp_path / "x.zip")
    taken = []
    read = place._opened.read
    place._opened.read = lambda name, size: taken.append(size) or read(name, size)
    with pytest.raises(FileError) as caught:
        place.read("bomb")
    assert caught.value.code == "member-broken"  # the checksum is that of more
    assert taken == [10]


def test_the_first_bytes_of_a_member_need_no_more_room_than_they_take(tmp_path, monkeypatch):
    (tmp_path / "x.zip").write_bytes(zip_of({"big": bytes(1000)}))
    monkeypatch.setattr("pqeval.storage.archives.LARGEST_MEMBER", 100)
    read, asked = zipfile.ZipExtFile.read, []
    monkeypatch.setattr(zipfile.ZipExtFile, "read", lambda self, size=-1: asked.append(size) or read(self, size))
    assert locate(tmp_path / "x.zip").head("big", 10) == bytes(10)
    assert asked == [10]


# From end to end

TRUTH = [image(1, [[1, 1, 2], [1, 1, 2]], {1: 1, 2: 3}), image(2, [[3, 3, 0]], {3: 2})]
GUESS = [image(1, [[1, 1, 2], [1, 2, 2]], {1: 1, 2: 3}), image(2, [[3, 3, 0]], {3: 2})]
# Cats: 3 of 4 pixels; sky: 2 of 3; dogs: all.
SCORE = (3 / 4 + 1 + 2 / 3) / 3


@pytest.fixture
def sides(tmp_path) -> Path:
    save(tmp_path / "gt" / "panoptic_val2017.json", TRUTH, folder=tmp_path / "gt" / "panoptic_val2017")
    save(tmp_path / "pred" / "pred.json", GUESS, folder=tmp_path / "pred" / "pred")
    return tmp_path


def pack_coco(folder: Path, path: Path) -> None:
    """Pack a JSON and a zip of its maps, as COCO does with its annotations."""
    files = files_of(folder)
    (name,) = (name for name in files if name.endswith(".json"))
    maps = {each: files[each] for each in files if each != name}
    path.write_bytes(zip_of({name: files[name], name.replace(".json", ".zip"): zip_of(maps)}))


def pack_flat(folder: Path, path: Path) -> None:
    """Pack a JSON and a zip whose maps are at the top."""
    files = files_of(folder)
    (name,) = (name for name in files if name.endswith(".json"))
    maps = {each.rpartition("/")[2]: files[each] for each in files if each != name}
    path.write_bytes(zip_of({name: files[name], name.replace(".json", ".zip"): zip_of(maps)}))


@pytest.mark.parametrize("kind", KINDS)
def test_a_packed_dataset_scores_as_its_folder(sides, kind):
    for name in ("gt", "pred"):
        (sides / f"{name}{kind}").write_bytes(packed(files_of(sides / name), kind))
    plain = pqeval.evaluate(gt=sides / "gt", pred=sides / "pred", convention="coco")
    assert plain.pq == pytest.approx(SCORE, abs=1e-15)
    for options in ({}, {"workers": 2}, {"workers": 2, "processes": 2} if kind in (".zip", ".tar") else {}):
        result = pqeval.evaluate(gt=sides / f"gt{kind}", pred=sides / f"pred{kind}", **options)
        assert result.per_class == plain.per_class
        assert result.warnings == ()
    assert pqeval.validate(gt=sides / f"gt{kind}", pred=sides / f"pred{kind}").problems == ()
    inside = pqeval.evaluate(
        gt=sides / f"gt{kind}" / "panoptic_val2017.json", pred=sides / f"pred{kind}" / "pred.json"
    )
    assert inside.per_class == plain.per_class


@pytest.mark.parametrize("pack", [pack_coco, pack_flat])
def test_the_zip_of_coco_holds_a_zip(sides, pack):
    pack(sides / "gt", sides / "annotations.zip")
    gt = sides / "annotations.zip"
    result = pqeval.evaluate(gt=gt, pred=sides / "pred")
    assert result.pq == pytest.approx(SCORE, abs=1e-15)
    folder = f"{gt}/panoptic_val2017.zip" + ("/panoptic_val2017" if pack is pack_coco else "")
    assert pqeval.evaluate(gt=gt, gt_folder=folder, pred=sides / "pred").per_class == result.per_class


def test_messages_name_member_and_archive(sides):
    (sides / "pred" / "pred" / "2.png").write_bytes(b"no PNG")
    (sides / "pred.zip").write_bytes(zip_of(files_of(sides / "pred")))
    found = pqeval.validate(gt=sides / "gt", pred=sides / "pred.zip").errors
    assert [problem.file for problem in found] == [f"{sides}/pred.zip/pred/2.png"]


def test_the_maps_may_be_an_archive_beside_the_json(sides):
    maps = files_of(sides / "pred" / "pred")
    for path in (sides / "pred" / "pred").iterdir():
        path.unlink()
    (sides / "pred" / "pred").rmdir()
    (sides / "pred" / "pred.zip").write_bytes(zip_of(maps))
    side = open_side(locate(sides / "pred" / "pred.json"), Request("pred"))
    assert str(side.folder) == f"{sides}/pred/pred.zip"
    assert pqeval.evaluate(gt=sides / "gt", pred=sides / "pred" / "pred.json").pq == pytest.approx(SCORE)
    again = pqeval.evaluate(
        gt=sides / "gt", pred=sides / "pred" / "pred.json", pred_folder=sides / "pred" / "pred.zip"
    )
    assert again.pq == pytest.approx(SCORE)


@pytest.mark.parametrize("kind", [".zip", ".tar"])
def test_a_name_may_begin_with_the_folder_itself(tmp_path, kind):
    path = tmp_path / f"x{kind}"
    path.write_bytes(packed({"a/b.txt": b"b"}, kind))
    folder = locate(path)
    assert (folder.read("./a/b.txt"), folder.folder("a").read("./b.txt")) == (b"b", b"b")
