"""A local server that breaks connections and lies about lengths, and small archives for it to serve."""

import contextlib
import hashlib
import http.server
import io
import re
import tarfile
from dataclasses import replace

import numpy as np

from mer import corpora
from mer.corpora._base import Archive
from mer.inventory import download

LIBRI, AISHELL = corpora.get("speech", "e"), corpora.get("speech", "m")


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
    monkeypatch.setattr(corpus, "ARCHIVES", {**corpus.ARCHIVES, name: archive})
    return archive


def amend(monkeypatch, corpus, name, **changes):
    monkeypatch.setitem(corpus.ARCHIVES, name, replace(corpus.ARCHIVES[name], **changes))


def clips(corpus, folder):
    return [clip.id for clip in corpora.list_clips(corpus, corpora.find_root(corpus, folder)).clips]


def assert_whole(tmp_path):
    assert clips(LIBRI, tmp_path) == [f"dev-clean/{s}/7/{s}-7-{n:04d}.flac" for s in (1, 2) for n in range(3)]
    assert (tmp_path / "LibriSpeech/dev-clean/2/7/2-7-0001.flac").read_bytes() == noise(10_000, 21)
    assert not (tmp_path / "LibriSpeech" / download.WORK).exists()
