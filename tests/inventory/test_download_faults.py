"""Downloads over connections that break, and from servers that do otherwise than asked."""

import hashlib
import json
import subprocess
import sys
import threading
from types import SimpleNamespace

import pooch
import pytest
from conftest import ROOT
from download_server import LIBRI, Server, assert_whole, libri_files, noise, pack

from mer import MerError
from mer.inventory import download, resume

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
        target = (download.unpack.tarfile.TarFile, "extract") if place == "unpack" else (download, "_move")
        patch.setattr(*target, stop)
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
            "from mer import cli, corpora\nfrom mer.corpora._base import Archive\n"
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
