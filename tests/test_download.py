"""Downloads against a local server that breaks connections, lies about lengths and serves other files."""

import contextlib
import hashlib
import http.server
import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
import threading
from collections import namedtuple
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pooch
import pytest
from conftest import ROOT

from mer import MerError, corpora
from mer.corpora._archive import Archive
from mer.inventory import download, resume

LIBRI, AISHELL = corpora.get("speech", "e"), corpora.get("speech", "m")
Usage = namedtuple("Usage", "total used free")


class Server(http.server.ThreadingHTTPServer):
    """Serves `files` (path to bytes); the other attributes are what goes wrong."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.asked, self.sent = {}, [], 0
        self.breaks = []  # bytes after which the next connections end; then they last
        self.honours_range, self.tells_length, self.status, self.version = True, True, {}, '"one"'
        self.content_range = None
        self.encoding = None

    def url(self, path):
        return f"http://127.0.0.1:{self.server_port}{path}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server, wanted = self.server, self.headers.get("Range")
        server.asked.append((self.path, wanted))
        status = server.status.get(self.path) or (404 if self.path not in server.files else None)
        if status:
            return self.send_error(status)
        whole, begin = server.files[self.path], 0
        if wanted and server.honours_range:
            begin = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1])
            if begin >= len(whole):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(whole)}")
                return self.end_headers()
            self.send_response(206)
            self.send_header("Content-Range",
                             server.content_range or f"bytes {begin}-{len(whole) - 1}/{len(whole)}")
        else:
            self.send_response(200)
        if server.tells_length:
            self.send_header("Content-Length", str(len(whole) - begin))
        if server.version:
            self.send_header("ETag", server.version)
        if server.encoding:
            self.send_header("Content-Encoding", server.encoding)
        self.end_headers()
        body = whole[begin:]
        body = body[:server.breaks.pop(0)] if server.breaks else body
        server.sent += len(body)
        with contextlib.suppress(OSError):
            self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setattr(resume, "WAIT_SECONDS", 0)
    monkeypatch.setattr(resume, "CHUNK_BYTES", 1000)
    made = Server()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def pack(files):
    """A .tar.gz of name to bytes."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def noise(size, seed=0):
    """Bytes that do not shrink."""
    return np.random.default_rng(seed).bytes(size)


def libri_files(subset, speakers=(1, 2)):
    files = {"LibriSpeech/README.TXT": subset.encode(), "LibriSpeech/SPEAKERS.TXT": b"1 | F | x | 1.0 | A\n"}
    return files | {f"LibriSpeech/{subset}/{speaker}/7/{speaker}-7-{clip:04d}.flac": noise(10_000, 10 * speaker + clip)
                    for speaker in speakers for clip in range(3)}


def aishell_files(speakers=(("train", "S0002"), ("train", "S0003"), ("dev", "S0724"), ("test", "S0764"))):
    files = {"data_aishell/transcript/aishell_transcript_v0.8.txt": b"BAC009S0002W0000 x\n"}
    return files | {f"data_aishell/wav/{speaker}.tar.gz": pack(
        {f"./{part}/{speaker}/BAC009{speaker}W{clip:04d}.wav": noise(3_000, clip) for clip in range(2)})
        for part, speaker in speakers}


def offer(monkeypatch, server, corpus, name, packed, holds, **facts):
    """Let `corpus` offer `packed` from the server."""
    path = f"/{name}.tar.gz"
    server.files[path] = packed
    archive = Archive(f"{name}.tar.gz", len(packed), f"sha256:{hashlib.sha256(packed).hexdigest()}",
                      (server.url(path),), 1.0, holds, 3 * len(packed), **facts)
    monkeypatch.setattr(corpus, "ARCHIVES", {**getattr(corpus, "ARCHIVES", {}), name: archive})
    return archive


def amend(monkeypatch, corpus, name, **changes):
    monkeypatch.setitem(corpus.ARCHIVES, name, replace(corpus.ARCHIVES[name], **changes))


@pytest.fixture
def libri(monkeypatch, server):
    packed = pack(libri_files("dev-clean"))
    offer(monkeypatch, server, LIBRI, "dev-clean", packed, "dev-clean")
    return packed


@pytest.fixture
def aishell(monkeypatch, server):
    packed = pack(aishell_files())
    offer(monkeypatch, server, AISHELL, "data_aishell", packed, "wav", nested=True)
    return packed


def clips(corpus, folder):
    return [clip.id for clip in corpora.list_clips(corpus, corpora.find_root(corpus, folder)).clips]


def assert_whole(tmp_path):
    assert clips(LIBRI, tmp_path) == [f"dev-clean/{s}/7/{s}-7-{n:04d}.flac" for s in (1, 2) for n in range(3)]
    assert (tmp_path / "LibriSpeech/dev-clean/2/7/2-7-0001.flac").read_bytes() == noise(10_000, 21)
    assert not (tmp_path / "LibriSpeech" / download.WORK).exists()


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


def test_aishell_unpacked_by_hand_is_finished_and_what_is_lacking_told(server, tmp_path, capsys):
    for name, content in aishell_files().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    download.fetch(AISHELL, ["data_aishell"], tmp_path)
    assert len(clips(AISHELL, tmp_path)) == 8
    download.fetch(AISHELL, ["data_aishell"], tmp_path)
    first, second = capsys.readouterr().out.splitlines()[-2:]
    assert first.endswith("wav, 4 of 400 speakers") and "is there, 4 of 400 speakers; remove that folder" in second


# ---- Broken connections ---------------------------------------------------------------------------


def test_only_the_rest_is_fetched(libri, server, tmp_path, capsys):
    server.breaks = [9_999, 15_000, 1, 20_500]
    download.fetch(LIBRI, ["dev-clean"], tmp_path)
    assert_whole(tmp_path)
    assert len(server.asked) == 5 and server.asked[0][1] is None
    starts = [int(wanted[6:-1]) for _, wanted in server.asked[1:]]
    assert starts == [9_999, 24_999, 25_000, 45_500]
    assert server.sent == len(libri)
    assert "the connection" in capsys.readouterr().err


def test_an_interrupted_run_goes_on(libri, server, tmp_path):
    server.breaks = [20_000] + [0] * 100
    with pytest.raises(MerError, match=r"dev-clean.tar.gz could not be downloaded \(127.0.0.1:\d+: the connection \w+.*"
                                       r"\): 20.0kB of \d\d.\dkB are kept; .* run the same command, it goes on"):
        download.fetch(LIBRI, ["dev-clean"], tmp_path)
    assert len(server.asked) == 1 + resume.ROUNDS
    part = tmp_path / "LibriSpeech" / download.WORK / "dev-clean.tar.gz.part"
    assert part.read_bytes() == libri[:20_000]
    assert len(list(part.parent.iterdir())) == 2  # this and what is known of it
    server.breaks, before = [], server.sent
    download.fetch(LIBRI, ["dev-clean"], tmp_path)
    assert_whole(tmp_path)
    assert server.sent - before == len(libri) - 20_000


def test_an_interrupted_checksum_costs_no_download(libri, server, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        def stop(*args, **options):
            raise KeyboardInterrupt
        patch.setattr(pooch.core, "hash_matches", stop)
        with pytest.raises(KeyboardInterrupt):
            download.fetch(LIBRI, ["dev-clean"], tmp_path)
    download.fetch(LIBRI, ["dev-clean"], tmp_path)
    assert_whole(tmp_path)
    assert len(server.asked) == 1


@pytest.mark.parametrize("place", ["unpack", "move"])
def test_an_interrupted_unpacking_costs_no_download(libri, server, tmp_path, monkeypatch, place):
    with monkeypatch.context() as patch:
        def stop(*args, **options):
            raise KeyboardInterrupt
        patch.setattr(*((download.unpack, "_write") if place == "unpack" else (download, "_move")), stop)
        with pytest.raises(KeyboardInterrupt):
            download.fetch(LIBRI, ["dev-clean"], tmp_path)
    assert not (tmp_path / "LibriSpeech" / "dev-clean").exists()
    download.fetch(LIBRI, ["dev-clean"], tmp_path)
    assert_whole(tmp_path)
    assert len(server.asked) == 1


def test_a_file_system_without_hard_links(libri, server, tmp_path, monkeypatch):
    def no_links(*args):
        raise PermissionError("no links here")
    monkeypatch.setattr(resume.os, "link", no_links)
    download.fetch(LIBRI, ["dev-clean"], tmp_path)
    assert_whole(tmp_path)


def test_control_c_and_the_same_command(server, tmp_path):
    """A real process, a real signal."""
    packed = pack(libri_files("dev-clean"))
    server.files["/a"] = packed
    server.tells_length, server.breaks = False, []
    code = (f"import hashlib, os, signal, sys; sys.path.insert(0, {str(ROOT)!r})\n"
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background jobs ignore it
            "from mer import cli, corpora\nfrom mer.corpora._archive import Archive\n"
            "from mer.inventory import download, resume\n"
            "resume.CHUNK_BYTES = 1000\ncorpus = corpora.get('speech', 'e')\n"
            f"corpus.ARCHIVES = {{'dev-clean': Archive('a.tar.gz', {len(packed)}, "
            f"'md5:{hashlib.md5(packed).hexdigest()}', ({server.url('/a')!r},), 1, 'dev-clean', 10**6)}}\n"
            "if sys.argv[1:]:\n"
            "    real = resume.Downloader._note\n"
            "    def note(self, response):\n"
            "        real(self, response)\n"
            "        chunks = response.raw.stream\n"
            "        def stream(*args, **options):\n"
            "            for number, chunk in enumerate(chunks(*args, **options)):\n"
            "                if number == 30: os.kill(os.getpid(), signal.SIGINT)\n"
            "                yield chunk\n"
            "        response.raw.stream = stream\n"
            "    resume.Downloader._note = note\n"
            f"cli.run(lambda: download.fetch(corpus, ['dev-clean'], {str(tmp_path)!r}) and None)\n")
    first = subprocess.run([sys.executable, "-c", code, "stop"], capture_output=True, text=True, timeout=60)
    assert first.returncode == 130 and "interrupted; the same command goes on" in first.stderr, first.stderr
    assert "Traceback" not in first.stderr
    second = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert second.returncode == 0, second.stderr
    assert_whole(tmp_path)
    assert server.asked == [("/a", None), ("/a", "bytes=30000-")]


# ---- Servers that do otherwise --------------------------------------------------------------------


def test_a_server_that_ignores_range(libri, server, tmp_path):
    server.honours_range = False
    server.breaks = [20_000, 5_000, 30_000]
    download.fetch(LIBRI, ["dev-clean"], tmp_path)
    assert_whole(tmp_path)
    assert server.sent == 20_000 + 5_000 + 30_000 + len(libri)


def test_a_server_that_tells_no_length(libri, server, tmp_path):
    server.tells_length = False
    server.breaks = [20_000]
    download.fetch(LIBRI, ["dev-clean"], tmp_path)
    assert_whole(tmp_path)


def test_a_server_that_calls_the_archive_an_encoding(libri, server, tmp_path):
    server.encoding = "gzip"  # unpacked on the way, it would not be the archive any more
    download.fetch(LIBRI, ["dev-clean"], tmp_path)
    assert_whole(tmp_path)


def test_the_next_mirror_takes_over(libri, server, tmp_path, monkeypatch, capsys):
    other = Server()
    threading.Thread(target=other.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    other.files["/b"], other.version = libri, '"two"'
    server.breaks = [20_000] + [0] * 100
    gone = "http://127.0.0.1:9/none"
    try:
        download.fetch(LIBRI, ["dev-clean"], tmp_path, urls={"dev-clean": [
            gone, server.url("/none"), server.url("/dev-clean.tar.gz"), other.url("/b")]})
    finally:
        other.shutdown()
        other.server_close()
    assert_whole(tmp_path)
    assert other.asked == [("/b", "bytes=20000-")] and other.sent == len(libri) - 20_000
    told = capsys.readouterr().err
    assert "127.0.0.1:9: no connection" in told and "status 404" in told


@pytest.mark.parametrize("status", [403, 404, 410])
def test_no_such_file_anywhere(libri, server, tmp_path, status):
    server.status["/dev-clean.tar.gz"] = status
    with pytest.raises(MerError, match=rf"could not be downloaded \(127.0.0.1:\d+: status {status}\)"):
        download.fetch(LIBRI, ["dev-clean"], tmp_path)
    assert len(server.asked) == 1


def test_a_server_that_is_busy(libri, server, tmp_path):
    server.status["/dev-clean.tar.gz"] = 503
    with pytest.raises(MerError, match="status 503"):
        download.fetch(LIBRI, ["dev-clean"], tmp_path)
    assert len(server.asked) == resume.ROUNDS and not list(tmp_path.iterdir())


def test_waits_grow_between_rounds(libri, server, tmp_path, monkeypatch, capsys):
    waits = []
    monkeypatch.setattr(resume, "WAIT_SECONDS", 5)
    monkeypatch.setattr(resume, "time", SimpleNamespace(sleep=waits.append))
    server.status |= {"/dev-clean.tar.gz": 503, "/b": 503}
    with pytest.raises(MerError, match=r"\(127.0.0.1:\d+, localhost:\d+: status 503\): 0.00B of .* are kept"):
        download.fetch(LIBRI, ["dev-clean"], tmp_path,
                       urls={"dev-clean": [server.url("/dev-clean.tar.gz"),
                                           server.url("/b").replace("127.0.0.1", "localhost")]})
    told = capsys.readouterr().err
    assert told.count("status 503; 0.00B of") == 2 and "trying again in 5 s" in told
    assert waits == [5, 10, 20] and len(server.asked) == 2 * resume.ROUNDS


@pytest.mark.parametrize("honours", [True, False])
@pytest.mark.parametrize("change", [-100, 100])
def test_a_file_of_another_length(libri, server, tmp_path, change, honours):
    part = tmp_path / "LibriSpeech" / download.WORK / "dev-clean.tar.gz.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(libri[:5_000])
    server.files["/dev-clean.tar.gz"] = libri[:change] if change < 0 else libri + bytes(change)
    server.honours_range = honours
    with pytest.raises(MerError, match=rf"the file has {len(libri) + change} bytes there, {len(libri)} were expected"):
        download.fetch(LIBRI, ["dev-clean"], tmp_path)
    assert part.read_bytes() == libri[:5_000]


def test_a_file_that_ends_before_ours_does(libri, server, tmp_path):
    part = tmp_path / "LibriSpeech" / download.WORK / "dev-clean.tar.gz.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(libri[:-10])
    server.files["/dev-clean.tar.gz"] = libri[:1_000]
    with pytest.raises(MerError, match=rf"ends before byte {len(libri) - 10} there, {len(libri)} bytes were expected"):
        download.fetch(LIBRI, ["dev-clean"], tmp_path)
    assert server.asked == [("/dev-clean.tar.gz", f"bytes={len(libri) - 10}-")]


def test_more_bytes_than_announced_by_nobody(libri, server, tmp_path):
    server.tells_length = False
    server.files["/dev-clean.tar.gz"] = libri + bytes(5_000)
    with pytest.raises(MerError, match=f"it sends more than the {len(libri)} bytes that were expected"):
        download.fetch(LIBRI, ["dev-clean"], tmp_path)


def test_another_part_than_asked_for(libri, server, tmp_path):
    server.breaks = [20_000]
    server.content_range = f"bytes 30000-{len(libri) - 1}/{len(libri)}"
    with pytest.raises(MerError, match="asked for the bytes from 20000 on, it sent 'bytes 30000-"):
        download.fetch(LIBRI, ["dev-clean"], tmp_path)


def test_a_file_that_changed_meanwhile(libri, server, tmp_path, capsys):
    server.files["/dev-clean.tar.gz"] = noise(len(libri), 9)
    server.breaks = [20_000] + [0] * 100
    with pytest.raises(MerError, match="20.0kB"):
        download.fetch(LIBRI, ["dev-clean"], tmp_path)
    server.files["/dev-clean.tar.gz"], server.version, server.breaks = libri, '"two"', []
    download.fetch(LIBRI, ["dev-clean"], tmp_path)
    assert_whole(tmp_path)
    assert "has changed, so it is fetched from its beginning" in capsys.readouterr().err


def test_versions_that_never_agree_end(libri, server, tmp_path):
    """Servers behind one name may each have their own ETag; a download must still come to its end."""
    versions = iter(f'"{number}"' for number in range(1000))

    class Flighty:
        def __bool__(self):
            return True

        def __str__(self):
            return next(versions)

    server.version = Flighty()
    server.breaks = [9_000] * 12
    download.fetch(LIBRI, ["dev-clean"], tmp_path)
    assert_whole(tmp_path)
    assert sum(wanted is None for _, wanted in server.asked) == 2  # the first one, and one fresh start


def test_a_wrong_checksum(libri, server, tmp_path):
    server.files["/dev-clean.tar.gz"] = noise(len(libri), 9)
    with pytest.raises(MerError, match=r"dev-clean.tar.gz was downloaded whole, but its checksum is not sha256:\w{64}: "
                                       "it is damaged or another file, and was removed; run the same command") as error:
        download.fetch(LIBRI, ["dev-clean"], tmp_path)
    assert "\n" not in str(error.value) and not list(tmp_path.iterdir())  # nothing is left of it
    server.files["/dev-clean.tar.gz"] = libri
    download.fetch(LIBRI, ["dev-clean"], tmp_path)
    assert_whole(tmp_path)
    assert server.asked[-1] == ("/dev-clean.tar.gz", None)


def test_an_archive_that_is_there_already(libri, server, tmp_path):
    path = tmp_path / "LibriSpeech" / download.WORK / "dev-clean.tar.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"another file")
    server.files["/dev-clean.tar.gz"] = noise(len(libri), 9)
    with pytest.raises(MerError, match="and was removed"):
        download.fetch(LIBRI, ["dev-clean"], tmp_path)
    assert not path.exists()
    path.parent.mkdir(parents=True)
    path.write_bytes(libri)
    download.fetch(LIBRI, ["dev-clean"], tmp_path)
    assert_whole(tmp_path)
    assert len(server.asked) == 1  # for the wrong one


def test_a_part_that_is_too_long_starts_afresh(libri, server, tmp_path):
    part = tmp_path / "LibriSpeech" / download.WORK / "dev-clean.tar.gz.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(libri + b"x")
    part.with_name(part.name + ".json").write_text(json.dumps(["odd"]))
    download.fetch(LIBRI, ["dev-clean"], tmp_path)
    assert_whole(tmp_path)


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


@pytest.mark.parametrize(("name", "kind"), [("../evil", tarfile.REGTYPE), ("/tmp/evil-of-a-test", tarfile.REGTYPE),
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
    with pytest.raises(MerError, match="S0005.tar.gz holds '../../../evil', which is a path that leads upwards"):
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
