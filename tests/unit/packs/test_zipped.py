"""Zip files from elsewhere: what could do harm is refused in one sentence, before anything of it is unpacked."""

import struct
import warnings
import zipfile

import pytest

from lineal.errors import PackError
from lineal.packs import zipped
from lineal.packs.interface import Document


def refused(file):
    with pytest.raises(PackError) as problem, zipped.opened(file):
        pass
    message = str(problem.value)
    assert message.startswith(f"{file}: ")
    assert message.endswith("; nothing of it was unpacked, do not trust it")
    return message.removeprefix(f"{file}: ").removesuffix("; nothing of it was unpacked, do not trust it")


def made(file, *entries):
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # it warns of two of a name
        for name, content in entries:
            archive.writestr(name, content)
    return file


@pytest.mark.parametrize("name", ["/etc/passwd", "../outside", "a/../../b", "C:/windows", "a\\..\\..\\b"])
def test_names_that_lead_out(tmp_path, name):
    said = refused(made(tmp_path / "p.zip", (zipfile.ZipInfo(name), "x")))
    assert said == f"has a file named {name!r}, which leads out of the folder that it is unpacked in"


@pytest.mark.parametrize("name", ["a//b", "./a", "a/", "a\x1b[2Jb", "a\u202eb"])
def test_names_that_are_no_plain_paths(tmp_path, name):
    said = refused(made(tmp_path / "p.zip", (zipfile.ZipInfo(name), "x" if not name.endswith("/") else "")))
    assert said == f"has a file named {name!a}, which is no plain path"


def test_two_of_one_name(tmp_path):
    assert refused(made(tmp_path / "p.zip", ("a", "1"), ("a", "2"))) == "has two files named 'a'"
    assert refused(made(tmp_path / "q.zip", ("a", "1"), ("A", "2"))) == "has two files named 'A'"


def test_a_link(tmp_path):
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    assert refused(made(tmp_path / "p.zip", (link, "/etc/passwd"))) == "has a link or device named 'link'"


def test_a_bomb(tmp_path):
    said = refused(made(tmp_path / "p.zip", ("zeros", bytes(100 << 20))))
    assert said.startswith("would unpack to 104,857,600 bytes from ")


def test_files_that_lie_in_one_another(tmp_path):
    """Many names for the same packed bytes: each alone is small."""
    file = made(tmp_path / "p.zip", ("a", "x" * 50), ("b", "y" * 50))
    raw = bytearray(file.read_bytes())
    second = raw.rfind(b"PK\x01\x02")
    raw[second + 42 : second + 46] = struct.pack("<I", 0)
    file.write_bytes(raw)
    assert refused(file) == "has files that lie in one another"


def test_a_locked_file(tmp_path):
    file = made(tmp_path / "p.zip", ("a", "x"))
    raw = bytearray(file.read_bytes())
    raw[raw.rfind(b"PK\x01\x02") + 8] |= 1
    file.write_bytes(raw)
    assert refused(file) == "has a locked file, 'a'"


def test_a_way_of_packing_that_is_not_used(tmp_path):
    with zipfile.ZipFile(tmp_path / "p.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a", "x")
    assert refused(tmp_path / "p.zip") == "has a file packed in a way that packs are not, 'a'"


def test_very_many_files(tmp_path, monkeypatch):
    monkeypatch.setattr(zipped, "_MOST_FILES", 3)
    assert (
        refused(made(tmp_path / "p.zip", *((str(n), "") for n in range(4)))) == "has 4 files in it, which no pack has"
    )


def test_a_file_that_claims_fewer_bytes_than_it_has_is_not_read_beyond_them(tmp_path):
    file = made(tmp_path / "p.zip", ("a", bytes(10 << 20)))
    raw = bytearray(file.read_bytes())
    place = raw.rfind(b"PK\x01\x02")
    raw[place + 24 : place + 28] = struct.pack("<I", 10)
    file.write_bytes(raw)
    with zipped.opened(file) as pack, pytest.raises(ValueError, match="cannot be unpacked"):
        pack.sha256("a")


def test_the_same_files_give_the_same_bytes_in_any_order(tmp_path):
    pieces = [Document(name, name.encode() * 100, "text/plain", "") for name in ("b.txt", "a.txt", "c.png")]
    zipped.write(pieces, tmp_path / "1.zip", force=False)
    zipped.write(reversed(pieces), tmp_path / "2.zip", force=False)
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "1.zip") as archive:
        assert archive.namelist() == ["a.txt", "b.txt", "c.png"]
        assert archive.testzip() is None
