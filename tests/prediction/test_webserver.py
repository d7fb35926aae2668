"""Who may talk to the page of app.py, how much may be stored, and what a killed run leaves behind."""

import asyncio
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType

import pytest

from mer import MerError
from mer.prediction import webserver

GOOD = {"host": "127.0.0.1:7860"}


def ask(method="POST", path="/gradio_api/upload", *, body=(b"x",), folder=None, kind="http", at=None, **headers):
    """(status or close code, bytes that the application behind got) for one request; "_" in a name is "-"."""
    got, sent, parts = [], [], list(body)

    async def app(scope, receive, send):
        while (message := await receive())["type"] != "http.disconnect":
            got.append(message["body"])
            if not message["more_body"]:
                await send({"type": "http.response.start", "status": 200, "headers": []})
                return await send({"type": "http.response.body", "body": b""})

    async def receive():
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message):
        sent.append(message)

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in {**GOOD, **headers}.items() if value]
    local = webserver.Local(app, folder=folder, most_bytes=100_000, most_upload=50_000, host=at)
    asyncio.run(local({"type": kind, "method": method, "path": path, "headers": named}, receive, send))
    first = sent[0] if sent else {}
    return first.get("status", first.get("code")), len(b"".join(got))


@pytest.mark.parametrize("headers", [
    {}, {"origin": "http://127.0.0.1:7860"}, {"host": "localhost:7860", "origin": "http://localhost:7860"},
    {"host": "[::1]:7860", "origin": "http://[::1]:7860"}, {"sec_fetch_site": "same-origin"},
    {"sec_fetch_site": "none"}])
def test_pages_of_this_server_are_heard(headers):
    assert ask(**headers) == (200, 1)


def test_one_more_address_where_it_was_asked_for():
    here = {"host": "192.168.1.5:7860", "origin": "http://192.168.1.5:7860"}
    assert ask(**here)[0] == 403 and ask(at="192.168.1.5", **here) == (200, 1)
    assert ask(at="192.168.1.5", host="evil.example:7860")[0] == 403
    assert ask(at="fd00::5", host="[fd00::5]:7860") == (200, 1)
    assert webserver.checked_host("192.168.1.5") == "192.168.1.5"
    for wrong in ("0.0.0.0", "::", "my-laptop", ""):
        with pytest.raises(MerError, match="such as 192.168.1.5"):
            webserver.checked_host(wrong)


@pytest.mark.parametrize("headers", [
    {"origin": "http://evil.example"}, {"origin": "null"}, {"origin": "https://127.0.0.1:7860"},
    {"origin": "http://127.0.0.1:8000"}, {"origin": "http://localhost:7860"}, {"origin": "http://127.0.0.1:7860.evil"},
    {"sec_fetch_site": "cross-site"}, {"sec_fetch_site": "same-site"}, {"host": "evil.example"},
    {"host": "evil.example:7860", "origin": "http://evil.example:7860"}, {"host": "127.0.0.1.evil.example"},
    {"host": ""}, {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}])
@pytest.mark.parametrize("method, path", [("POST", "/gradio_api/upload"), ("POST", "/gradio_api/queue/join"),
                                          ("PUT", "/"), ("DELETE", "/anything")])
def test_other_origins_and_hosts_are_refused(headers, method, path):
    assert ask(method, path, **headers) == (403, 0)
    assert ask("GET", path, kind="websocket", **headers) == (1008, 0)


def test_a_link_on_another_page_may_open_this_one_and_nothing_else():
    assert ask("GET", "/", sec_fetch_site="cross-site", sec_fetch_mode="navigate")[0] == 200
    assert ask("GET", "/gradio_api/file=x", sec_fetch_site="cross-site", sec_fetch_mode="no-cors")[0] == 403


def test_uploads_are_bounded_each_and_together(tmp_path):
    assert ask(folder=tmp_path, content_length="50000")[0] == 200
    assert ask(folder=tmp_path, content_length="50001") == (413, 0)
    assert ask(folder=tmp_path, body=[b"x" * 30_000] * 3) == (None, 30_000)  # more than it has declared: cut off
    (tmp_path / "a").write_bytes(bytes(80_000))
    assert ask(folder=tmp_path, content_length="20001")[0] == 413
    for number in range(25):  # many small ones fill a disk too
        (tmp_path / f"{number}").write_bytes(b"x")
    assert ask(folder=tmp_path)[0] == 413
    assert ask("GET", "/", folder=tmp_path)[0] == 200


def hold(sender):
    sys.modules["gradio"] = ModuleType("gradio")  # the folder is what matters; gradio itself takes seconds
    with webserver.private_folder() as folder:
        (folder / "uploads").mkdir()
        (folder / "uploads" / "song.wav").write_bytes(b"x")
        sender.send(str(folder))
        time.sleep(60)


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name in ("NO_PROXY", "GRADIO_TEMP_DIR", "no_proxy"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    other, new = tmp_path / "mer_app_link", tmp_path / "mer_app_new"
    (tmp_path / "precious").mkdir()
    other.symlink_to(tmp_path / "precious")
    new.mkdir()
    (tmp_path / "mer_app_old").mkdir()
    os.utime(tmp_path / "mer_app_old", (0, 0))
    context, folders, runs = multiprocessing.get_context("spawn"), [], []
    for _ in range(2):
        receiver, sender = context.Pipe(duplex=False)
        runs.append(context.Process(target=hold, args=(sender,), daemon=True))
        runs[-1].start()
        folders.append(Path(receiver.recv()))
    os.kill(runs[0].pid, signal.SIGKILL)
    runs[0].join()
    webserver.remove_leftovers()
    assert not folders[0].exists() and (folders[1] / "uploads" / "song.wav").exists()
    assert other.is_symlink() and new.exists() and (tmp_path / "precious").exists()
    assert not (tmp_path / "mer_app_old").exists()
    runs[1].kill()
    runs[1].join()
