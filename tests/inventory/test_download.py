"""Downloads of corpora: what is asked for, put in place and unpacked, and what is refused."""

import io
import re
import shutil
import tarfile
from collections import namedtuple

import pytest
from download_server import AISHELL, LIBRI, aishell_files, amend, assert_whole, clips, libri_files, offer, pack

from mer import MerError, corpora
from mer.inventory import download, resume

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def aishell(monkeypatch, server):
    packed = pack(aishell_files())
    offer(monkeypatch, server, AISHELL, "data_aishell", packed, "wav", nested=True)
    return packed


# ---- What a user asks for -------------------------------------------------------------------------


def test_the_table_of_librispeech():
    assert set(LIBRI.ARCHIVES) == set(LIBRI.MARKS)
    for name, archive in LIBRI.ARCHIVES.items():
        assert archive.file == f"{name}.tar.gz" and archive.holds == name and not archive.nested
        assert archive.urls[0] == f"https://www.openslr.org/resources/12/{name}.tar.gz"
        assert re.fullmatch(r"sha256:[0-9a-f]{64}", archive.checksum)
        assert 50e6 < archive.size / archive.hours < 70e6  # flac at 16 kHz: about 60 MB an hour
        assert archive.unpacked > archive.size


def test_the_table_of_aishell():
    archive = AISHELL.ARCHIVES["data_aishell"]
    assert archive.urls[0] == "https://www.openslr.org/resources/33/data_aishell.tgz"
    assert archive.checksum == "md5:2f494334227864a8a8fec932999db9d8" and archive.nested
    assert archive.unpacked >= archive.hours * 3600 * 16_000 * 2


def test_every_corpus_tells_how_to_get_it():
    for kind in ("music", "speech"):
        for code in corpora.codes(kind):
            sentence = corpora.get(kind, code).HOW_TO_GET
            assert len(sentence) > 20 and not sentence.endswith(".") and sentence[0].islower()


def test_a_corpus_that_may_not_be_downloaded(tmp_path):
    with pytest.raises(MerError, match=r"CH-818 cannot be downloaded from here: ask its authors, Xiao Hu"):
        download.fetch(corpora.get("music", "m"), ["all"], tmp_path)


@pytest.mark.parametrize("names", [["dev-clear"], []])
def test_an_unknown_name(libri, tmp_path, names):
    with pytest.raises(MerError, match="no archive '(dev-clear)?': choose from train-clean-100, .*dev-clean, .*"):
        download.fetch(LIBRI, names, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_licence_and_citation_are_said_first(libri, server, tmp_path, capsys, monkeypatch):
    def stop(self, url, output, pooch):
        raise KeyboardInterrupt
    monkeypatch.setattr(resume.Downloader, "__call__", stop)
    with pytest.raises(KeyboardInterrupt):
        download.fetch(LIBRI, ["dev-clean"], tmp_path)
    out = capsys.readouterr().out
    assert "LibriSpeech: CC BY 4.0, https://www.openslr.org/12" in out and "Please cite: Panayotov" in out
    assert re.search(r"dev-clean: [\d.]+kB, 1 hours, to .*LibriSpeech/dev-clean", out) and not server.asked


# ---- Subsets and speakers -------------------------------------------------------------------------


def test_subsets_are_merged_into_one_folder(libri, server, tmp_path, monkeypatch, capsys):
    offer(monkeypatch, server, LIBRI, "test-other", pack(libri_files("test-other", (3,))), "test-other")
    root = download.fetch(LIBRI, ["dev-clean", "test-other", "dev-clean"], tmp_path)
    assert root == tmp_path / "LibriSpeech" == corpora.find_root(LIBRI, tmp_path)
    assert len(clips(LIBRI, tmp_path)) == 9 and (root / "README.TXT").read_text() == "test-other"
    assert sorted(path.name for path in root.iterdir()) == ["README.TXT", "SPEAKERS.TXT", "dev-clean", "test-other"]
    assert [path for path, _ in server.asked] == ["/dev-clean.tar.gz", "/test-other.tar.gz"]
    assert f"test-other: done, {root / 'test-other'}" in capsys.readouterr().out


def test_the_folder_that_says_done_comes_last(server, tmp_path, monkeypatch):
    packed = pack(libri_files("dev-clean") | {"LibriSpeech/zz.txt": b"last by name"})
    offer(monkeypatch, server, LIBRI, "dev-clean", packed, "dev-clean")
    moved, real = [], download.os.replace

    def replaced(source, target):
        moved.append(target.name)
        real(source, target)
    monkeypatch.setattr(download.os, "replace", replaced)
    download.fetch(LIBRI, ["dev-clean"], tmp_path)
    assert moved == ["README.TXT", "SPEAKERS.TXT", "zz.txt", "dev-clean"]


def test_what_is_there_is_not_fetched_again(libri, server, tmp_path, capsys):
    download.fetch(LIBRI, ["dev-clean"], tmp_path)
    capsys.readouterr()
    download.fetch(LIBRI, ["dev-clean"], tmp_path)
    assert len(server.asked) == 1
    assert "is there; remove that folder to fetch it again" in capsys.readouterr().out
    shutil.rmtree(tmp_path / "LibriSpeech" / "dev-clean")
    download.fetch(LIBRI, ["dev-clean"], tmp_path)
    assert len(server.asked) == 2
    assert_whole(tmp_path)


@pytest.mark.parametrize("folder", ["data", "data/LibriSpeech", "data/libri speech"])
def test_the_folder_may_be_new_or_the_corpus_itself(libri, tmp_path, folder):
    root = download.fetch(LIBRI, ["dev-clean"], tmp_path / folder)
    assert len(clips(LIBRI, tmp_path / "data")) == 6
    assert root == tmp_path / ("data/LibriSpeech" if folder == "data" else folder)


def test_speakers_of_aishell_are_unpacked_too(aishell, tmp_path):
    root = download.fetch(AISHELL, ["data_aishell"], tmp_path)
    assert clips(AISHELL, tmp_path) == [f"wav/{part}/{speaker}/BAC009{speaker}W{clip:04d}.wav"
                                        for part, speaker in (("dev", "S0724"), ("test", "S0764"), ("train", "S0002"),
                                                              ("train", "S0003")) for clip in range(2)]
    assert not list(root.rglob("*.tar.gz")) and (root / "transcript/aishell_transcript_v0.8.txt").is_file()
    assert not (root / download.WORK).exists()


def test_aishell_goes_on_at_the_speaker(aishell, server, tmp_path, monkeypatch):
    real, done = download.unpack.tar_gz, []

    def stop_at_third(path, folder, **options):
        real(path, folder, **options)
        done.append(path.name)
        if len(done) == 3:
            raise KeyboardInterrupt
    monkeypatch.setattr(download.unpack, "tar_gz", stop_at_third)
    with pytest.raises(KeyboardInterrupt):
        download.fetch(AISHELL, ["data_aishell"], tmp_path)
    assert done == ["data_aishell.tar.gz", "S0002.tar.gz", "S0003.tar.gz"]
    assert not (tmp_path / "data_aishell" / download.WORK / "data_aishell.tar.gz").exists()
    download.fetch(AISHELL, ["data_aishell"], tmp_path)
    assert done[3:] == ["S0003.tar.gz", "S0724.tar.gz", "S0764.tar.gz"] and len(server.asked) == 1
    assert len(clips(AISHELL, tmp_path)) == 8 and not (tmp_path / "data_aishell" / download.WORK).exists()


def test_aishell_unpacked_by_hand_is_finished_and_what_is_lacking_told(server, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(download.shutil, "disk_usage", lambda path: Usage(0, 0, 10**12))  # the disk here may be full
    for name, content in aishell_files().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    download.fetch(AISHELL, ["data_aishell"], tmp_path)
    assert len(clips(AISHELL, tmp_path)) == 8
    download.fetch(AISHELL, ["data_aishell"], tmp_path)
    first, second = capsys.readouterr().out.splitlines()[-2:]
    assert first.endswith("wav, 4 of 400 speakers") and "is there, 4 of 400 speakers; remove that folder" in second


# ---- Disk and content -----------------------------------------------------------------------------


def test_a_disk_that_is_too_small(libri, server, tmp_path, monkeypatch):
    monkeypatch.setattr(download.shutil, "disk_usage", lambda path: Usage(0, 0, 200_000))
    with pytest.raises(MerError, match=r"dev-clean: 24\dkB are needed in .*LibriSpeech while unpacking, and 200kB are "
                                       "free: make room, or set path_to_data in settings.py to a larger disk"):
        download.fetch(LIBRI, ["dev-clean"], tmp_path)
    assert not server.asked and not (tmp_path / "LibriSpeech").exists()
    part = tmp_path / "LibriSpeech" / download.WORK / "dev-clean.tar.gz.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(libri[:50_000])  # these need no room any more
    download.fetch(LIBRI, ["dev-clean"], tmp_path)
    assert_whole(tmp_path)


def test_the_room_that_several_archives_need(monkeypatch, tmp_path):
    def needed(corpus, names):
        monkeypatch.setattr(download.shutil, "disk_usage", lambda path: Usage(0, 0, 0))
        with pytest.raises(MerError) as error:
            download.fetch(corpus, names, tmp_path)
        return re.search(r"([\d.]+)GB are needed", str(error.value))[1]
    assert needed(LIBRI, ["train-clean-100"]) == "13.1"  # 6.39 and 1.05 times that
    assert needed(LIBRI, ["train-clean-100", "test-clean"]) == "13.1"  # the first archive is gone by then
    assert needed(LIBRI, ["test-clean", "train-clean-100"]) == "13.5"
    assert needed(AISHELL, ["data_aishell"]) == "36.6"
    (tmp_path / "data_aishell" / "wav").mkdir(parents=True)
    (tmp_path / "data_aishell" / "wav" / "S0002.tar.gz").touch()
    assert needed(AISHELL, ["data_aishell"]) == "5.42"


def test_a_disk_that_fills_up(libri, server, tmp_path, monkeypatch):
    def full(self, response, surplus, bar):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(resume.Downloader, "_append", full)
    with pytest.raises(OSError, match="No space left"):  # mer.cli makes a sentence of it
        download.fetch(LIBRI, ["dev-clean"], tmp_path)


@pytest.mark.parametrize(("name", "kind"), [("../evil", tarfile.REGTYPE), ("/evil-of-a-test", tarfile.REGTYPE),
                                            ("LibriSpeech/dev-clean/a", tarfile.SYMTYPE),
                                            ("LibriSpeech/dev-clean/a", tarfile.LNKTYPE),
                                            ("LibriSpeech/dev-clean/a", tarfile.CHRTYPE)])
def test_nothing_of_a_bad_archive_is_put_in_place(server, tmp_path, monkeypatch, name, kind):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("LibriSpeech/dev-clean/1/7/1-7-0000.flac"), io.BytesIO())
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, "/etc/passwd"
        tar.addfile(member, io.BytesIO())
    offer(monkeypatch, server, LIBRI, "dev-clean", packed.getvalue(), "dev-clean")
    with pytest.raises(MerError, match=f"holds '{name}', which is"):
        download.fetch(LIBRI, ["dev-clean"], tmp_path / "data")
    assert not (tmp_path / "data" / "LibriSpeech" / "dev-clean").exists()
    assert not (tmp_path / "evil").exists() and not (tmp_path / "data" / "evil").exists()


def test_an_inner_archive_that_is_bad(server, tmp_path, monkeypatch):
    files = aishell_files() | {"data_aishell/wav/S0005.tar.gz": pack({"../../../evil": b"x"})}
    offer(monkeypatch, server, AISHELL, "data_aishell", pack(files), "wav", nested=True)
    with pytest.raises(MerError, match="S0005.tar.gz holds '../../../evil', which is outside of its folder"):
        download.fetch(AISHELL, ["data_aishell"], tmp_path)
    assert not list(tmp_path.rglob("evil"))
    assert len(list((tmp_path / "data_aishell" / "wav" / "train").iterdir())) == 2  # the speakers before it


def test_another_archive_under_the_right_name(server, tmp_path, monkeypatch):
    offer(monkeypatch, server, LIBRI, "dev-clean", pack({"else/x.flac": b"x"}), "dev-clean")
    with pytest.raises(MerError, match=r"holds no LibriSpeech/dev-clean, so it is not what LibriSpeech distributes"):
        download.fetch(LIBRI, ["dev-clean"], tmp_path)


def test_a_truncated_archive_with_the_right_checksum(server, tmp_path, monkeypatch):
    offer(monkeypatch, server, LIBRI, "dev-clean", pack(libri_files("dev-clean"))[:-5_000], "dev-clean")
    with pytest.raises(MerError, match="dev-clean.tar.gz is truncated or damaged"):
        download.fetch(LIBRI, ["dev-clean"], tmp_path)
    assert not (tmp_path / "LibriSpeech" / "dev-clean").exists()
    left = list((tmp_path / "LibriSpeech" / download.WORK).iterdir())
    assert [path.name for path in left] == ["dev-clean.tar.gz"]  # no part of it: who removes it fetches it anew


def test_an_archive_far_larger_than_told(libri, tmp_path, monkeypatch):
    amend(monkeypatch, LIBRI, "dev-clean", unpacked=100)
    with pytest.raises(MerError, match="holds more than the 300 bytes"):
        download.fetch(LIBRI, ["dev-clean"], tmp_path)
