"""The runner: every command once and after what it needs, failures that stop nothing else, and interruptions."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT
from made_up_work import command, fake_state

from mer.experiments import execute, local, runner


def journal(folder):
    """(name, process, threads) of every command that began."""
    path = folder / "journal.txt"
    return [tuple(line.split()) for line in path.read_text().splitlines()] if path.exists() else []


def run(state, monkeypatch, **options):
    monkeypatch.setattr(local, "State", lambda plan, cfg: state)
    return local.run(state.plan, state.cfg, **options)


@pytest.fixture
def own(make_config, tmp_path):
    """Settings whose results go to a folder of the test."""
    return make_config(folder=tmp_path)


def test_each_command_runs_once_after_what_it_needs(own, tmp_path, monkeypatch, capsys):
    store, one, two = (command(tmp_path, name) for name in ("store", "one", "two"))
    ends = [command(tmp_path, f"end{n}") for n in range(3)]
    needs = {store: (), one: (store,), two: (store,), ends[0]: (store, one), ends[1]: (one, two), ends[2]: ()}
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "end2").write_text("made before")
    monkeypatch.setattr(local.joblib, "cpu_count", lambda: 4)
    assert run(fake_state(own, needs), monkeypatch, jobs=2) == 0
    order = [name for name, *_ in journal(tmp_path)]
    assert sorted(order) == ["end0", "end1", "one", "store", "two"] and order[0] == "store"
    assert order.index("end1") > max(order.index("one"), order.index("two"))
    assert {threads for *_, threads in journal(tmp_path)} <= {"2", os.environ.get("OMP_NUM_THREADS")}
    assert "3 of 3 cells are finished" in capsys.readouterr().out
    assert run(fake_state(own, needs), monkeypatch) == 0 and len(journal(tmp_path)) == 5


def test_a_failed_command_stops_what_needs_it_and_nothing_else(own, tmp_path, monkeypatch, capsys):
    bad, after, good = command(tmp_path, "bad", "--fail"), command(tmp_path, "after"), command(tmp_path, "good")
    state = fake_state(own, {bad: (), after: (bad,), good: ()})
    assert run(state, monkeypatch, jobs=1) == 1
    assert [name for name, *_ in journal(tmp_path)] == ["bad", "good"]
    said = capsys.readouterr()
    assert "error: it was told to fail, and so it does" in said.err
    assert "not made, since they need what failed: after" in said.err
    assert state.noted(bad)["state"] == "failed" and state.noted(good)["state"] == "done"
    assert state.noted(good)["runner"]["versions"] and state.noted(good)["step"] == list(good)
    assert "told to fail" in state.log(bad).read_text()


def test_a_command_that_ends_well_without_its_result_has_failed(own, tmp_path, monkeypatch, capsys):
    lazy = command(tmp_path, "lazy")
    state = fake_state(own, {lazy: ()})
    monkeypatch.setattr(type(state), "is_made", lambda self, command: False)
    assert run(state, monkeypatch) == 1
    assert "it ended without what it makes" in capsys.readouterr().err


SCRIPT = """
import signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
sys.path[:0] = [{root!r}, {tests!r}, {mine!r}]
import settings
from mer import cli, config
from mer.experiments import local
from made_up_work import command, fake_state
folder = Path({folder!r})
cfg = config.load(settings, {{}}, [f"path_to_{{name}}={{folder / name}}" for name in (
    "features", "models", "models_trans", "results")] + [f"path_to_data={{folder}}"])
needs = {{command(folder, f"c{{n}}", "--seconds", "{seconds}"): () for n in range({n})}}
state = fake_state(cfg, needs)
local.State = lambda plan, cfg: state
cli.run(lambda: local.run(state.plan, cfg, jobs=1))
"""


def start(folder, *, n, seconds):
    """A runner of `n` commands in a process of its own."""
    code = SCRIPT.format(root=str(ROOT), tests=str(ROOT / "tests"), mine=str(Path(__file__).parent), folder=str(folder),
                         n=n, seconds=seconds)
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def lives(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(what, seconds=60):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


@pytest.mark.parametrize("sent, status", [(signal.SIGKILL, -9), (signal.SIGINT, 130), (signal.SIGTERM, -15)])
def test_children_die_with_the_runner_and_the_next_one_goes_on(tmp_path, sent, status):
    process = start(tmp_path, n=1, seconds=60)
    wait_for(lambda: journal(tmp_path))
    child = int(journal(tmp_path)[0][1])
    process.send_signal(sent)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == status and "Traceback" not in said
    wait_for(lambda: not lives(child))
    if sent == signal.SIGKILL:
        (tmp_path / "models" / "c0").write_text("made")
        process = start(tmp_path, n=2, seconds=0)
        assert "2 of 2 cells are finished" in process.communicate(timeout=60)[0] and process.returncode == 0


def test_two_runners_at_once_share_the_work(tmp_path):
    processes = [start(tmp_path, n=4, seconds=0.5) for _ in range(2)]
    said = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert sorted(name for name, *_ in journal(tmp_path)) == ["c0", "c1", "c2", "c3"]
    assert all("4 of 4 cells are finished" in text for text in said)


def test_the_last_line_is_the_last_that_was_shown(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"first\n  0%|  |\r 50%| |\rerror: the disk is full\n\n \n")
    assert execute.last_line(log) == "error: the disk is full"
    log.write_bytes(b"")
    assert execute.last_line(log) == ""


def test_seconds_in_words():
    assert [runner.plain(value) for value in (4, 100, 7200)] == ["4 s", "2 min", "2.0 h"]
