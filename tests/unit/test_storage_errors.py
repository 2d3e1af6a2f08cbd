"""What is said about files, folders and archives that cannot be used; and that nothing else is ever raised."""

from __future__ import annotations

import os
import struct
import zipfile
from unittest import mock

import pytest
from datasets import image, save, says
from hypothesis import given
from hypothesis import strategies as st
from packed import files_of, packed, tar_of, zip_of
from triggers import Triggers, name_of

import pqeval
from pqeval.errors import FileError, PqevalError
from pqeval.storage import as_folder, locate
from pqeval.storage.archives import Archive, open_archive

trigger = Triggers()


@pytest.mark.parametrize("function", trigger, ids=name_of)
def test_text(function, tmp_path):
    function(tmp_path)


def raised(function, *arguments, **options):
    with pytest.raises(PqevalError) as caught:
        function(*arguments, **options)
    return caught.value


def put(folder, name, content):
    (folder / name).write_bytes(content)
    return locate(folder / name)


@trigger
def packed_tar_that_is_too_large(folder):
    place = put(folder, "x.tar.gz", packed({"a": bytes(2**20)}, ".tar.gz"))
    with mock.patch("pqeval.storage.archives.LARGEST_UNPACKED", 2**20):
        says(
            raised(place.names),
            """
            DIR/x.tar.gz: cannot be read as an archive: it unpacks to more than 1048576 bytes
              expected: a sound zip or tar file without a password
              do: pack it again, for example with `pqeval pack`
            """,
            folder=folder,
        )


@trigger
def option_that_is_no_folder(folder):
    (folder / "gt.json").write_bytes(b"{}")
    says(
        [raised(as_folder, folder / name, option="--gt-folder") for name in ("gt.json", "none", "none.zip")],
        """
        DIR/gt.json: --gt-folder is no folder and no archive
          expected: a folder, a zip or tar file, or a URL of one
          do: check --gt-folder
        DIR/none: --gt-folder is no folder and no archive
          expected: a folder, a zip or tar file, or a URL of one
          do: check --gt-folder
        DIR/none.zip: --gt-folder is no folder and no archive
          expected: a folder, a zip or tar file, or a URL of one
          do: check --gt-folder
        """,
        folder=folder,
    )


@trigger
def folder_that_may_not_be_listed(folder):
    # root may list everything, so the refusal is played.
    (folder / "maps").mkdir()
    refusal = PermissionError(13, "Permission denied", str(folder / "maps"))
    scan = os.scandir
    with mock.patch.object(
        os, "scandir", lambda path: scan(path) if path != str(folder / "maps") else fail(refusal)
    ):
        says(
            raised(locate(folder).names),
            """
            DIR/maps: cannot be listed: Permission denied
              expected: a folder that may be read
              do: check its permissions
            """,
            folder=folder,
        )


def fail(error):
    raise error


@trigger
def member_missing(folder):
    place = put(folder, "x.zip", zip_of({"maps/1.png": b"1"}))
    says(
        [raised(place.read, "maps/2.png"), raised(place.folder("maps").head, "2.png", 1)],
        """
        DIR/x.zip/maps/2.png: is not in the archive
          expected: a file of that name
          do: check the file name, and that the archive is complete
        DIR/x.zip/maps/2.png: is not in the archive
          expected: a file of that name
          do: check the file name, and that the archive is complete
        """,
        folder=folder,
    )


@trigger
def member_too_large(folder):
    place = put(folder, "x.tar", tar_of({"big": bytes(101), "right": bytes(100)}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pqeval.storage.archives.LARGEST_MEMBER", 100)
        assert place.read("right") == bytes(100)
        says(
            raised(place.read, "big"),
            """
            DIR/x.tar/big: has 101 bytes
              expected: at most 100
              do: check that this is the right file
            """,
            folder=folder,
        )


def encrypted(files: dict[str, bytes]) -> bytes:
    """Return a zip whose members say that they are encrypted."""
    data = bytearray(zip_of(files))
    for start, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(start)
        while at >= 0:
            data[at + place] |= 1
            at = data.find(start, at + 1)
    return bytes(data)


@trigger
def member_encrypted(folder):
    place = put(folder, "x.zip", encrypted({"pred.json": b"{}"}))
    says(
        raised(place.read, "pred.json"),
        """
        DIR/x.zip/pred.json: cannot be unpacked: File 'pred.json' is encrypted, password required for extraction
          expected: a sound member without a password
          do: pack the archive again
        """,
        folder=folder,
    )


@trigger
def member_with_a_wrong_checksum(folder):
    data = bytearray(zip_of({"a.txt": b"first"}, how=zipfile.ZIP_STORED))
    data[data.index(b"first")] ^= 1
    says(
        raised(put(folder, "x.zip", data).read, "a.txt"),
        """
        DIR/x.zip/a.txt: cannot be unpacked: Bad CRC-32 for file 'a.txt'
          expected: a sound member without a password
          do: pack the archive again
        """,
        folder=folder,
    )


@trigger
def archive_cut_after_it_was_opened(folder):
    place = put(folder, "x.tar", tar_of({"a.txt": bytes(10_000)}))
    place.names()
    os.truncate(folder / "x.tar", 5000)
    says(
        raised(place.read, "a.txt"),
        """
        DIR/x.tar/a.txt: cannot be unpacked: the archive ends too early
          expected: a sound member without a password
          do: pack the archive again
        """,
        folder=folder,
    )


@trigger
def archives_cut(folder):
    files = {"a.txt": bytes(10_000), "b.txt": bytes(range(256)) * 40}
    found = []
    for kind in (".zip", ".tar", ".tar.gz", ".tar.bz2", ".tar.xz"):
        data = packed(files, kind)
        found.append(raised(put(folder, f"x{kind}", data[: len(data) - 1 - len(data) // 3]).names))
    says(
        found,
        """
        DIR/x.zip: cannot be read as an archive: File is not a zip file
          expected: a sound zip or tar file without a password
          do: pack it again, for example with `pqeval pack`
        DIR/x.tar: cannot be read as an archive: unexpected end of data
          expected: a sound zip or tar file without a password
          do: pack it again, for example with `pqeval pack`
        DIR/x.tar.gz: cannot be read as an archive:
              Compressed file ended before the end-of-stream marker was reached
          expected: a sound zip or tar file without a password
          do: pack it again, for example with `pqeval pack`
        DIR/x.tar.bz2: cannot be read as an archive:
              Compressed file ended before the end-of-stream marker was reached
          expected: a sound zip or tar file without a password
          do: pack it again, for example with `pqeval pack`
        DIR/x.tar.xz: cannot be read as an archive:
              Compressed file ended before the end-of-stream marker was reached
          expected: a sound zip or tar file without a password
          do: pack it again, for example with `pqeval pack`
        """,
        folder=folder,
    )


@trigger
def archive_without_an_end(folder):
    """Python's own reader takes what it has read so far for everything."""
    data = tar_of({"a.txt": b"first", "b.txt": b"second"})
    spoilt = bytearray(data)
    spoilt[1024 + 10] ^= 1  # in the header of b.txt
    found = [
        raised(put(folder, f"{place}.tar", bytes(each)).names) for place, each in enumerate((spoilt, data[:1024]))
    ]
    says(
        found,
        """
        DIR/0.tar: cannot be read as an archive: it has no proper end
          expected: a sound zip or tar file without a password
          do: pack it again, for example with `pqeval pack`
        DIR/1.tar: cannot be read as an archive: it has no proper end
          expected: a sound zip or tar file without a password
          do: pack it again, for example with `pqeval pack`
        """,
        folder=folder,
    )


@trigger
def archive_that_is_gone(folder):
    place = put(folder, "x.zip", zip_of({"a.txt": b""}))
    (folder / "x.zip").unlink()
    says(
        raised(place.names),
        """
        DIR/x.zip: cannot be read as an archive: [Errno 2] No such file or directory: 'DIR/x.zip'
          expected: a sound zip or tar file without a password
          do: pack it again, for example with `pqeval pack`
        """,
        folder=folder,
    )


@trigger
def several_jsons_in_a_folder(folder):
    for name in ("a.json", "b.json"):
        save(folder / name, [image(1, [[1, 1]], {1: 1})])
    says(
        raised(pqeval.evaluate, gt=folder, pred=folder / "a.json", format="coco"),
        """
        DIR: 2 JSON files in it have segments_info: a.json, b.json
          expected: one of them
          do: name the JSON itself; in an archive, as submission.zip/predictions.json
        """,
        folder=folder,
    )


@trigger
def no_json_in_an_archive(folder):
    sound = save(folder / "a.json", [image(1, [[1, 1]], {1: 1})])
    places = [put(folder, "x.zip", zip_of({"maps/1.png": b""})), put(folder, "empty.zip", zip_of({}))]
    says(
        [raised(pqeval.evaluate, gt=sound, pred=str(place), format="coco") for place in places],
        """
        DIR/x.zip: no JSON files in it have segments_info
          expected: one of them
          do: name the JSON itself; in an archive, as submission.zip/predictions.json
        DIR/empty.zip: no JSON files in it have segments_info
          expected: one of them
          do: name the JSON itself; in an archive, as submission.zip/predictions.json
        """,
        folder=folder,
    )


# Whatever the bytes are


SOUND = {
    kind: packed({"a.txt": b"first" * 20, "maps/1.png": bytes(range(256))}, kind) for kind in (".zip", ".tar")
}


def read_all(name: str, content: bytes) -> None:
    """Read everything in an archive; only errors of our own may come out."""
    try:
        place = open_archive(name, content)
        if place is not None:
            for member in place.names():
                try:
                    assert len(place.read(member)) <= 10**6
                    place.head(member, 10)
                except FileError as error:
                    assert error.file is None or error.file.startswith(name)  # noqa: PT017
    except FileError as error:
        assert error.code == "archive-broken"  # noqa: PT017
        assert error.file == name  # noqa: PT017


@given(st.sampled_from(sorted(SOUND)), st.lists(st.tuples(st.integers(0, 10**5), st.integers(0, 255)), max_size=4))
def test_spoilt_bytes_are_told_as_such(kind, changes):
    data = bytearray(SOUND[kind])
    for at, value in changes:
        data[at % len(data)] = value
    read_all(f"x{kind}", bytes(data))


@given(st.sampled_from(sorted(SOUND)), st.integers(0, 10**5), st.integers(0, 2**32 - 1))
def test_spoilt_numbers_are_told_as_such(kind, at, value):
    data = bytearray(SOUND[kind])
    struct.pack_into("<I", data, at % (len(data) - 4), value)
    read_all(f"x{kind}", bytes(data))


@given(st.sampled_from(sorted(SOUND)), st.integers(0, 10**5), st.integers(1, 60), st.booleans())
def test_bytes_too_few_or_too_many_are_told_as_such(kind, at, count, more):
    data = bytearray(SOUND[kind])
    at %= len(data)
    data[at : at + (0 if more else count)] = bytes(count if more else 0)
    read_all(f"x{kind}", bytes(data))


@given(st.sampled_from(sorted(SOUND)), st.integers(0, 10**5))
def test_cut_archives_are_told_as_such(kind, size):
    whole = SOUND[kind]
    cut = whole[: size % len(whole)]
    place = open_archive(f"x{kind}", cut)
    if place is not None:
        if kind == ".tar" and len(cut.rstrip(b"\0")) + 512 <= len(cut):  # only zeros behind the end are lacking
            return
        with pytest.raises(FileError) as caught:
            place.names()
        assert caught.value.code == "archive-broken"


@pytest.mark.parametrize("kind", [".tar.gz", ".tar.bz2", ".tar.xz"])
def test_spoilt_compressed_archives_are_told_as_such(kind):
    whole = packed({"a.txt": bytes(range(256)) * 8}, kind)
    for at in range(0, len(whole), max(len(whole) // 60, 1)):
        data = bytearray(whole)
        data[at] ^= 0x55
        read_all(f"x{kind}", bytes(data))
        read_all(f"x{kind}", whole[:at])


def test_a_name_that_is_no_text_is_read(tmp_path):
    data = zip_of({"a.txt": b"first"}).replace(b"a.txt", b"\xff.txt")
    place = put(tmp_path, "x.zip", data)
    (name,) = place.names()
    assert place.read(name) == b"first"


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"PK\3\4", b"PK\5\6", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", bytes(600)]
)
def test_files_that_only_begin_as_archives_do(tmp_path, content):
    for name in ("x.zip", "x.tar.gz"):
        place = put(tmp_path, name, content)
        if isinstance(place, Archive):
            with pytest.raises(FileError) as caught:
                place.names()
            assert caught.value.code == "archive-broken"


def test_broken_archives_are_found_by_validate(tmp_path):
    gt = save(tmp_path / "gt" / "gt.json", [image(1, [[1, 1]], {1: 1})], folder=tmp_path / "gt" / "gt")
    data = zip_of(files_of(tmp_path / "gt"))
    (tmp_path / "pred.zip").write_bytes(data[:-30])
    found = pqeval.validate(gt=gt, pred=tmp_path / "pred.zip", pred_format="coco")
    assert [(problem.code, problem.file) for problem in found.errors] == [
        ("archive-broken", f"{tmp_path}/pred.zip")
    ]
    with pytest.raises(FileError):
        pqeval.evaluate(gt=gt, pred=tmp_path / "pred.zip")
