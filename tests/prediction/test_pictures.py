"""pictures: drawing in processes gives the same pictures, and none of the processes outlives the run."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import ROOT
from fakes import engine

from mer import MerError
from mer.prediction import pictures, predict


@pytest.fixture
def prediction(tmp_path):
    soundfile.write(tmp_path / "song.wav", 0.1 * np.random.default_rng(0).standard_normal(64000), 16000)
    return predict.predict_file(tmp_path / "song.wav", [engine()])


def test_pictures_are_those_drawn_here(prediction, tmp_path):
    with pictures.drawing(2) as draw:
        assert draw is not pictures.here
        waits = [draw(kind, prediction, tmp_path / f"{kind}.png") for kind in ("taggram", "plane")]
        for kind, wait in zip(("taggram", "plane"), waits, strict=True):
            wait()
            pictures.here(kind, prediction, tmp_path / "here.png")
            assert (tmp_path / f"{kind}.png").read_bytes() == (tmp_path / "here.png").read_bytes()


def test_one_song_is_drawn_here_and_none_not_at_all():
    for n_songs, expected in ((0, None), (1, pictures.here)):
        with pictures.drawing(n_songs) as draw:
            assert draw is expected


def test_what_goes_wrong_there_is_raised_here(prediction, tmp_path):
    with pictures.drawing(2) as draw:
        (tmp_path / "file").write_text("")
        wait = draw("plane", prediction, tmp_path / "file" / "a.png")
        with pytest.raises(OSError) as caught:
            wait()
        assert str(caught.value.filename).startswith(str(tmp_path / "file"))


def test_a_process_that_is_killed_is_one_sentence(prediction, tmp_path):
    others = multiprocessing.active_children()  # of tests before this one
    with pictures.drawing(2) as draw:
        draw("plane", prediction, tmp_path / "a.png")()
        for process in set(multiprocessing.active_children()) - set(others):
            process.kill()
        with pytest.raises(MerError, match="was ended from outside, perhaps for want of memory"):
            for _ in range(50):
                draw("plane", prediction, tmp_path / "a.png")()
                time.sleep(0.1)


def running(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")")[-1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_no_process_outlives_the_run(tmp_path, number, status):
    code = ("import multiprocessing, pathlib, signal, time, types\n"
            "from mer import cli\nfrom mer.prediction import pictures\n"
            "def main():\n"
            "    with pictures.drawing(2) as draw:\n"
            "        draw('plane', types.SimpleNamespace(path=pathlib.Path('a')), None)\n"
            "        print(*[process.pid for process in multiprocessing.active_children()], flush=True)\n"
            "        time.sleep(60)\n"
            "if __name__ == '__main__':\n"
            "    signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background job ignores it
            "    cli.run(main)\n")
    (tmp_path / "program.py").write_text(code)
    program = subprocess.Popen([sys.executable, tmp_path / "program.py"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, start_new_session=True,
                               env={**os.environ, "PYTHONPATH": str(ROOT)})
    drawing = [int(number) for number in program.stdout.readline().split()]
    assert drawing and all(map(running, drawing))
    (os.killpg if number == signal.SIGINT else os.kill)(program.pid, number)  # Ctrl-C goes to the whole group
    _, err = program.communicate(timeout=30)
    assert program.returncode == status and "Traceback" not in err
    for _ in range(100):
        if not any(map(running, drawing)):
            return
        time.sleep(0.1)
    raise AssertionError(f"{drawing} still there")
