import errno
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from conftest import ROOT

from mer import MerError, files

HOLD = """
import sys, time
from mer import files
with files.lock(sys.argv[1], doing="training a model"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other_process(tmp_path):
    """A process that holds the lock of `store`."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path / "store"], stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    files.write_text(path, "old")
    with pytest.raises(ValueError, match="stop"), files.writing(path) as temporary:
        temporary.write_text("half")
        raise ValueError("stop")
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a.txt"]


def test_temporary_names_are_unique_and_tell_whose_they_are(tmp_path):
    with files.writing(tmp_path / "a.txt") as one, files.writing(tmp_path / "a.txt") as two:
        assert one != two
        one.touch(), two.touch()
    for name in ("a.txt", "b.txt", "x" * 250):
        (tmp_path / "kept").touch()
        try:
            with files.writing(tmp_path / name) as temporary:
                temporary.touch()
                raise KeyboardInterrupt
        except KeyboardInterrupt:
            temporary.touch()  # as after a kill
        other = files._temporary_stem(tmp_path / "a.txt.more") + "0" * 12 + ".part"
        (tmp_path / other).touch()
        files.remove_leftovers(tmp_path / name)
        assert not temporary.exists() and (tmp_path / other).exists() and (tmp_path / "kept").exists()


def test_the_waiting_process_says_who_holds_the_lock_and_goes_on_after_a_kill(tmp_path, other_process, capsys,
                                                                               monkeypatch):
    said = []
    monkeypatch.setattr(files, "_held_by", lambda holder, real=files._held_by: said.append(real(holder)) or
                        other_process.send_signal(signal.SIGKILL) or said[0])
    begin = time.monotonic()
    with files.lock(tmp_path / "store", doing="x"):
        assert time.monotonic() - begin < 30
    assert f"process {other_process.pid} on " in said[0] and "is training a model since 20" in said[0]
    assert f"waiting for {tmp_path / 'store'}: process" in capsys.readouterr().err


def test_a_lock_that_cannot_be_is_one_sentence(tmp_path, monkeypatch):
    import filelock

    def refuse(*_, **__):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    with pytest.raises(MerError, match="file system without locks"), files.lock(tmp_path / "store", doing="x"):
        pass


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b"null", b"\xff\xfe{}", b'{"a": NaN}', b"[" * 100_000,
                                     b'{"a": "\\ud800"}', b'{"a": ' + b"9" * 5000 + b"}", b'{"b": 1}', b'{"a": "x"}',
                                     b'{"a": 1}\x00'])
def test_json_that_is_not_what_it_should_be_is_damaged_and_never_absent(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "number"}}}
    with pytest.raises(files.Damaged, match=r"a\.json is damaged \(.+\): do this") as caught:
        files.read_json(path, schema=schema, remedy="do this")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400
    path.unlink()
    with pytest.raises(FileNotFoundError):
        files.read_json(path, schema=schema, remedy="do this")
    path.write_text(json.dumps({"a": 1.5}))
    assert files.read_json(path, schema=schema, remedy="do this") == {"a": 1.5}


def test_half_a_character_of_a_file_name_can_be_written(tmp_path):
    files.write_text(tmp_path / "a.txt", "song \udcff")
    files.write_csv(tmp_path / "a.csv", ["name"], [["song \udcff"]])
    assert "song \\udcff" in (tmp_path / "a.txt").read_text() and "song \\udcff" in (tmp_path / "a.csv").read_text()
