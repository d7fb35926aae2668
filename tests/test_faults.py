"""Commands under fault: two at once, kill -9 at random times, a disk that is full. `-m slow` runs all rounds.

    python3 -m pytest tests/test_faults.py -m "slow or not slow"
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import ROOT, write_music

COMMAND = [sys.executable, "generate_dataset.py", "-d", "m", "-l", "e"]


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    """A music corpus of 32 clips, 1 MB of features, and the bytes of its store."""
    folder = tmp_path_factory.mktemp("songs")
    write_music(folder / "data", np.random.default_rng(0), clips=8, seconds=2.0)
    done = finish(start(folder / "data", folder / "features"))
    assert done == (0, ""), done
    return folder / "data", store(folder / "features")


def start(data, features):
    environment = {**os.environ, "MER_PATH_TO_DATA": str(data), "MER_PATH_TO_FEATURES": str(features),
                   "MER_EXTRACT_JOBS": "2"}
    return subprocess.Popen(COMMAND, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, start_new_session=True)


def finish(process):
    """Exit status, and what stands on stderr but for bars and who waits for whom."""
    _, errors = process.communicate(timeout=300)
    kept = [line for line in errors.replace("\r", "\n").splitlines()
            if line.strip() and not line.startswith(("log-mel", "waiting for"))]
    return process.returncode, "\n".join(kept)


def store(features):
    return (features / "music_english.h5").read_bytes()


def test_two_at_once_make_what_one_makes(songs, tmp_path):
    pair = [start(songs[0], tmp_path / "features") for _ in range(2)]
    assert [finish(process) for process in pair] == [(0, ""), (0, "")]
    assert store(tmp_path / "features") == songs[1]
    assert not [path for path in (tmp_path / "features").rglob("*") if ".part" in path.name]


@pytest.mark.slow
def test_a_kill_loses_nothing(songs, tmp_path):
    chance = random.Random(1)
    for number in range(10):
        process = start(songs[0], tmp_path / f"{number}")
        time.sleep(chance.uniform(0.5, 8))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert finish(start(songs[0], tmp_path / f"{number}")) == (0, "")
        assert store(tmp_path / f"{number}") == songs[1]
        assert not [path for path in (tmp_path / f"{number}").rglob("*") if ".part" in path.name]


@pytest.fixture
def disk(tmp_path):
    """Function: kilobytes -> folder on a disk of that size, which must be allowed to be made."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = []

    def make(kilobytes):
        how = f"{'remount,' if mounted else ''}size={kilobytes}k"
        if subprocess.run(["mount", "-t", "tmpfs", "-o", how, "tmpfs", folder], capture_output=True).returncode:
            pytest.skip("a small disk can be mounted by root only")
        mounted.append(folder)
        return folder

    if shutil.which("mount") is None:
        pytest.skip("there is no mount command")
    yield make
    if mounted:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("kilobytes", [100, 700, 1100] + [pytest.param(size, marks=pytest.mark.slow)
                                                          for size in (4, 30, 300, 600, 900, 1000, 1200, 1300, 1500)])
def test_a_full_disk_is_one_sentence_and_the_rerun_goes_on(songs, disk, kilobytes):
    folder = disk(kilobytes)
    status, errors = finish(start(songs[0], folder / "features"))
    assert status == 1 and errors.count("\n") == 0 and errors.startswith("error: the disk is full"), errors
    disk(20_000)
    assert finish(start(songs[0], folder / "features")) == (0, "")
    assert store(folder / "features") == songs[1]
    assert not [path for path in (folder / "features").rglob("*") if ".part" in path.name]
