"""What the page of app.py is given to draw, and the command app.py."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import ROOT

from mer import MerError
from mer.prediction import webserver
from mer.tasks import PUBLISHED

pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: pip install -r requirements-predict.txt")
pytest.importorskip("onnx", reason="onnx is not installed: pip install -r requirements-export.txt")

import app_files

from mer.prediction import listener as listening
from mer.prediction import webpage


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return app_files.write_folder(tmp_path_factory.mktemp("app"))


@pytest.fixture(scope="module")
def found(folder):
    return app_files.models_in(folder)


@pytest.fixture(scope="module")
def expected(folder):
    return app_files.predicted(folder)


# ---- without a browser

def listen(folder, found, name, tmp_path):
    return listening.Listener(found, load_module=None, folder=tmp_path)(str(folder / name), 0)


def test_payload_holds_the_prediction(folder, found, expected, tmp_path):
    value, files, _ = listen(folder, found, "a song & <b>.wav", tmp_path)
    json.dumps(value, allow_nan=False)
    assert len(value["times"]) == len(expected.times_seconds) == 12
    np.testing.assert_allclose(value["arousal"], expected.arousal, atol=1e-4)
    for task, drawn in zip(PUBLISHED, value["tasks"], strict=True):
        np.testing.assert_allclose(np.transpose(drawn["rows"]), expected.probabilities[task.name], atol=1e-4)
        np.testing.assert_allclose(drawn["mean"], expected.mean[task.name], atol=1e-4)
    assert value["mean_valence"] == pytest.approx(expected.valence.mean())
    assert value["model"] == "Tiny 0, Full, English speech -> English music, run 0" and value["notice"] == ""
    assert len(value["envelope"]) <= listening.WAVE_COLUMNS
    assert np.min(value["envelope"]) == pytest.approx(expected.envelope.min(), abs=1e-4)
    assert [files[kind].name for kind in ("csv", "json")] == ["a song & <b>.csv", "a song & <b>.json"]


def test_silence_is_said(folder, found, tmp_path):
    value, *_ = listen(folder, found, "silent.wav", tmp_path)
    json.dumps(value, allow_nan=False)
    assert value["sentence"].startswith("silent.wav is silent") and value["times"] == []


def test_a_broken_file_is_one_sentence_without_its_folder(folder, found, tmp_path):
    value, files, heard = listen(folder, found, "broken.wav", tmp_path)
    assert (list(value), files, heard) == (["error"], {}, None)
    assert "broken.wav" in value["error"] and str(folder) not in value["error"]


def test_old_downloads_are_removed(folder, found, tmp_path):
    listener = listening.Listener(found, load_module=None, folder=tmp_path)
    _, first, _ = listener(str(folder / "a song & <b>.wav"), 0)
    os.utime(first["csv"].parent, (0, 0))
    _, second, heard = listener(str(folder / "a song & <b>.wav"), 0)
    assert not first["csv"].exists() and second["csv"].exists()
    drawn = listener.draw(heard, second["csv"])
    assert {path.read_bytes()[:4] for path in drawn.values()} == {b"\x89PNG"}
    assert [path.name for path in drawn.values()] == ["a song & <b> - path.png", "a song & <b> - time line.png"]


def test_the_model_that_comes_along_is_offered_first(folder):
    import app
    from mer import config
    from mer.weights import catalogue

    cfg = config.read("settings", [f"path_to_{name}={folder / name}" for name in ("models", "models_trans", "data")])
    files = [one.path for one in app.offered(catalogue, cfg, demo=False)]
    assert files[0] == catalogue.SONG_MODEL and len(files) > 1


def test_menus_offer_what_exists():
    def one(speech, music, **more):
        return SimpleNamespace(facts={"model": "model_cpc", "title": "CPC", "speech": speech, "music": music,
                                      "release": "n", "it": 0, **more})

    models = [one("e", "e"), one("e", "m"), one("m", "m"), one(None, "m", title="CNN", corpus="demo")]
    speech, music, model = webpage.choices(models)
    assert speech == ([("English", "e"), ("Mandarin", "m"), ("none (music only)", "")], "e")
    assert music == ([("English", "e"), ("Mandarin", "m")], "e")
    assert model == ([("CPC, Feat. Ext., run 0", 0)], 0)
    _, music, model = webpage.choices(models, speech="m", music="e")  # there is no English music after Mandarin speech
    assert music == ([("Mandarin", "m")], "m") and model[1] == 2
    assert webpage.choices(models, speech="")[2] == ([("Demo model: CNN, Feat. Ext., run 0", 3)], 3)


# ---- the command

def test_help_imports_nothing_heavy():
    done = subprocess.run([sys.executable, "-X", "importtime", ROOT / "app.py", "-h"], capture_output=True, text=True,
                          timeout=60, check=True)
    assert "--upload-mb" in done.stdout
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "mer.cli" in imported and not imported & {"gradio", "numpy", "keras", "onnxruntime"}


def test_without_gradio_the_requirements_are_named(tmp_path):
    (tmp_path / "gradio.py").write_text("raise ImportError(\"No module named 'gradio'\")")
    done = app_files.run_app("--no-browser", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.strip().endswith("run 'pip install -r requirements-app.txt'")


@pytest.mark.parametrize("error", [OSError("Cannot find empty port in range: 7-7. You can"),
                                   OverflowError("bind(): port must be 0-65535.")])
def test_a_port_that_cannot_be_used_is_one_sentence(error):
    pytest.importorskip("starlette", reason="gradio is not installed: pip install -r requirements-app.txt")

    def launch(**_):
        raise error

    page = SimpleNamespace(queue=lambda **_: None, launch=launch)
    with pytest.raises(MerError, match=r"^port 70000 cannot be used \(.*\): choose another one with --port$"):
        webserver.serve(page, port=70000, browser=False, upload_mb=1, look={})
