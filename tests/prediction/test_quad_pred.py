"""quad_pred.py as a user types it, with a stand-in for the network."""

import json
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from conftest import ROOT
from fakes import engine

import quad_pred
from mer import MerError
from mer.prediction import predict
from mer.weights import catalogue, engines


@pytest.fixture
def song(tmp_path):
    soundfile.write(tmp_path / "song.wav", 0.1 * np.random.default_rng(0).standard_normal(64000), 16000)
    return tmp_path / "song.wav"


@pytest.fixture
def models(monkeypatch):
    """Two models that anything asks for; the list of what was asked."""
    asked = []

    def choose(cfg, **wanted):
        asked.append(wanted)
        shifts = (0, 1) if wanted["ensemble"] else (0,)
        return [SimpleNamespace(shift=shift, path=Path("weights.h5")) for shift in shifts]

    monkeypatch.setattr(catalogue, "choose", choose)
    monkeypatch.setattr(engines, "open_engine", lambda found, **_: engine(shift=found.shift))
    return asked


def run(*args):
    return quad_pred.main([str(arg) for arg in args])


def test_the_published_command(song, models, tmp_path, capsys):
    assert run("-s", "e", "-m", "e", "-i", song, "-o", tmp_path / "out") == 0
    assert models[0] == {"ensemble": None, "demo": False, "speech": "e", "music": "e", "model": None, "release": None,
                         "it": None}
    assert {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")} == {
        "song.npy", "song.png", "song/clip.json", "song/timeline.csv", "song/plane.png", "summary.csv"}
    out = capsys.readouterr().out
    assert "one prediction every 0.992 s" in out
    assert all(f"\n  {task} " in out for task in ("quadrants", "arousal", "valence"))


def test_every_choice_reaches_the_zoo(song, models, tmp_path):
    run("-s", "x", "-m", "t", "-mod", "model_cpc", "-rel", "n", "--run", 0, "--demo", "--ensemble", "speech",
        "-i", song, "-o", tmp_path / "out", "--no-pictures")
    assert models[0] == {"ensemble": "speech", "demo": True, "speech": "x", "music": "t", "model": "model_cpc",
                         "release": "n", "it": 0}
    assert not list(tmp_path.rglob("*.png"))
    assert len(json.loads((tmp_path / "out" / "song" / "clip.json").read_text())["models"]) == 2


def test_json_alone_is_on_stdout(song, models, tmp_path, capsys):
    assert run("-i", song, tmp_path / "none.mp3", "--json", "--hop", 0.5) == 0
    out, err = capsys.readouterr()
    content = json.loads(out)
    assert len(content["songs"][0]["timeline"]["second"]) == content["songs"][0]["n_predictions"] == 6
    assert content["songs"][0]["hop_seconds"] == 0.512
    assert "does not exist" in content["left_out"][0]["reason"]
    assert "model: Fake" in err
    assert not (tmp_path / "summary.csv").exists()


def test_strict_makes_a_file_left_out_a_failure(song, models, tmp_path):
    assert run("-i", song, tmp_path / "none.mp3", "--json", "--strict") == 1
    assert run("-i", tmp_path / "none.mp3", "--json") == 1


@pytest.mark.parametrize(("args", "sentence"), [
    ((), "name a folder for the results with -o, or print them with --json"),
    (("-o", "x", "--weights", "y", "--demo"), "--weights names the models, so --ensemble and --demo do not go with it"),
    (("-o", "x", "-s", "q"), "invalid choice: 'q'")])
def test_flags_that_do_not_go_together(song, capsys, args, sentence):
    with pytest.raises(SystemExit, match="2"):
        run("-i", song, *args)
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("hop", ["-1", "0", "nan", "inf", "1e-9", "x"])
def test_a_bad_hop_stops_before_the_first_song(song, models, tmp_path, capsys, hop):
    with pytest.raises(SystemExit, match="2"):
        run("-i", song, "-o", tmp_path / "out", "--hop", hop)
    assert "argument --hop" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_weights_are_taken_as_they_are_named(song, models, tmp_path, monkeypatch):
    monkeypatch.setattr(catalogue, "named", lambda path, **_: SimpleNamespace(shift=len(path), path=Path(path)))
    assert run("-i", song, "--json", "--weights", "a", "bcd") == 0
    assert not models


def test_nothing_trained_offers_the_ways_out(song, tmp_path):
    with pytest.raises(MerError, match=r"no transferred model is here.*release.*comes along"):
        run("-s", "e", "-m", "e", "-i", song, "-o", tmp_path / "out", "--set", f"path_to_models={tmp_path}",
            "--set", f"path_to_models_trans={tmp_path}", "--set", f"path_to_data={tmp_path}")


def test_help_answers_at_once():
    code = "import sys, quad_pred\ntry: quad_pred.main(['-h'])\nexcept SystemExit: print('tensorflow' in sys.modules)"
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert time.perf_counter() - start < 3  # well below one second on an idle machine
    assert done.stdout.endswith("False\n")
    assert "--ensemble" in done.stdout


def test_the_worth_of_the_demo_model_is_in_words():
    assert "says nothing about the emotion of real music" in predict.DEMO_WORTH
