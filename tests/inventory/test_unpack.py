"""Archives are unpacked inside one folder or not at all."""

import gzip
import io
import tarfile

import pytest

from mer import MerError
from mer.inventory import unpack


def pack(path, *members):
    """Write a .tar.gz of (name, type or None, bytes or link target)."""
    with tarfile.open(path, "w:gz") as tar:
        for name, kind, content in members:
            member = tarfile.TarInfo(name)
            if kind is not None:
                member.type = kind
            if isinstance(content, str):
                member.linkname = content
            data = content if isinstance(content, bytes) else b""
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


@pytest.fixture
def where(tmp_path):
    """Archive to write, and folder to unpack into."""
    (tmp_path / "home").mkdir()
    return tmp_path / "home" / "a.tar.gz", tmp_path / "home" / "out" / "here"


def refused(where, *members, match):
    path, folder = where
    pack(path, ("corpus/good.txt", None, b"good"), *members)
    before = sorted(path.parent.parent.rglob("*"))
    with pytest.raises(MerError, match=match) as error:
        unpack.tar_gz(path, folder, max_bytes=10_000)
    assert not folder.exists()
    assert set(path.parent.parent.rglob("*")) - set(before) <= {folder.parent}  # nothing anywhere else
    return str(error.value)


def test_files_and_folders_are_unpacked(where):
    path, folder = where
    pack(path, ("./", tarfile.DIRTYPE, b""), ("./corpus/empty/", tarfile.DIRTYPE, b""),
         ("./corpus//a/./b.txt", None, b"abc"), ("corpus/唱.wav", None, b"x" * 5000))
    read = []
    unpack.tar_gz(path, folder, max_bytes=10_000, advance=read.append)
    assert (folder / "corpus/a/b.txt").read_bytes() == b"abc"
    assert (folder / "corpus/唱.wav").stat().st_size == 5000
    assert (folder / "corpus/empty").is_dir()
    assert 0 < sum(read) <= path.stat().st_size


def test_long_names_are_unpacked(where):
    path, folder = where
    name = "/".join(["a" * 90] * 4) + "/b.wav"
    for kind in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        with tarfile.open(path, "w:gz", format=kind) as tar:
            member = tarfile.TarInfo(name)
            member.size = 3
            tar.addfile(member, io.BytesIO(b"abc"))
        unpack.tar_gz(path, folder / str(kind), max_bytes=10_000)
        assert (folder / str(kind) / name).read_bytes() == b"abc"


def test_modes_are_not_taken_over(where):
    path, folder = where
    with tarfile.open(path, "w:gz") as tar:
        member = tarfile.TarInfo("tool")
        member.mode = 0o6777
        tar.addfile(member, io.BytesIO())
    unpack.tar_gz(path, folder, max_bytes=10)
    assert not (folder / "tool").stat().st_mode & 0o6111


@pytest.mark.parametrize("name", ["../evil", "corpus/../../evil", "corpus/.."])
def test_paths_that_lead_upwards(where, name):
    message = refused(where, (name, None, b"x"), match="outside of its folder")
    assert repr(name) in message and "nothing was put in place" in message


@pytest.mark.parametrize("name", ["/evil", "//evil/x", "/etc/passwd"])
def test_absolute_paths(where, name):
    refused(where, (name, None, b"x"), match=f"{name!r}, which is outside of its folder")


@pytest.mark.parametrize("name", ["C:evil", "a\\..\\evil", "a\nb", "\udcff"])
def test_names_that_other_systems_read_otherwise(where, name):
    refused(where, (name, None, b"x"), match="has an odd name")


@pytest.mark.parametrize(("kind", "text"), [
    (tarfile.SYMTYPE, "a link"), (tarfile.LNKTYPE, "a link"), (tarfile.CHRTYPE, "a device"),
    (tarfile.BLKTYPE, "a device"), (tarfile.FIFOTYPE, "a device"), (b"Z", "a device or the like")])
def test_what_is_no_file_and_no_folder(where, kind, text):
    refused(where, ("corpus/odd", kind, "corpus/good.txt"), match=f"'corpus/odd', which is {text}")


def test_a_link_to_a_folder_outside_and_a_file_behind_it(where):
    refused(where, ("corpus/up", tarfile.SYMTYPE, "../../.."), ("corpus/up/evil", None, b"x"), match="a link")


def test_a_file_that_is_also_a_folder(where):
    refused(where, ("corpus/good.txt/x", None, b"x"), match="a file and a folder")
    where[0].unlink()
    refused(where, ("corpus", None, b"x"), match="a file and a folder")


def test_more_than_was_expected(where, monkeypatch):
    refused(where, ("corpus/big", None, bytes(20_000)), match="more than the 10000 bytes")
    monkeypatch.setattr(unpack, "MAX_MEMBERS", 2)
    refused(where, ("corpus/b", None, b""), ("corpus/c", None, b""), match="or 2 members")


@pytest.mark.parametrize("end", [20, 0.3, 0.6, 0.9, -1])
def test_truncated(where, end):
    path, folder = where
    pack(path, *((f"corpus/{n}", None, bytes(range(256)) * n) for n in range(30)))
    whole = path.read_bytes()
    path.write_bytes(whole[:int(end * len(whole)) if isinstance(end, float) else end])
    with pytest.raises(MerError, match="is truncated or damaged .*: remove it and download it again"):
        unpack.tar_gz(path, folder, max_bytes=1 << 20)
    assert not folder.exists()


@pytest.mark.parametrize("content", [b"", b"<html>no such page</html>", gzip.compress(b"not a tar" * 200, mtime=0)],
                         ids=["empty", "a page", "no tar"])
def test_no_archive_at_all(where, content):
    path, folder = where
    path.write_bytes(content)
    with pytest.raises(MerError, match="is truncated or damaged"):
        unpack.tar_gz(path, folder, max_bytes=1 << 20)


def test_a_flipped_byte(where):
    path, folder = where
    pack(path, ("corpus/a", None, bytes(range(256)) * 40))
    damaged = bytearray(path.read_bytes())
    damaged[-6] ^= 1  # in the checksum at the end
    path.write_bytes(damaged)
    with pytest.raises(MerError, match="is truncated or damaged"):
        unpack.tar_gz(path, folder, max_bytes=1 << 20)


def test_a_python_without_the_filter_of_tarfile_refuses(where, monkeypatch):
    monkeypatch.delattr(unpack.tarfile, "data_filter")
    with pytest.raises(MerError, match="cannot be unpacked safely by this Python: use 3.11.4 or later"):
        unpack.tar_gz(*where, max_bytes=10)
    assert not where[1].exists()
