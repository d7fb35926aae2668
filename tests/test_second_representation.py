"""Another representation, and an encoder that reads it, are one new file each: from audio to an exported model."""

import json
import re
import shutil
import subprocess
import sys
import textwrap
from types import SimpleNamespace

import app_files
import numpy as np
import pytest
from conftest import ROOT

from mer import MerError

TOY = '''"""Toy: strided convolutions over what it reads."""
import keras
from keras import layers

INPUT = "{reads}"
CHUNK_SECONDS = {seconds}
PRETEXT = None
TITLE = "Toy"


def build(shape):
    """Rows -> 8 numbers."""
    rows = keras.Input(shape, name="patch")
    x = layers.Conv1D(8, {size}, strides={stride}, activation="relu", name="c1")(rows)
    return keras.Model(rows, layers.GlobalMaxPooling1D(name="encod")(x), name="model_toy")


def encoder(model):
    """The model itself."""
    return model
'''
ADDING = (ROOT / "docs" / "adding.md").read_text(encoding="utf-8")
LOUDNESS = textwrap.dedent(re.search(r"```python\n( *\"\"\"Peak .*?)```", ADDING, re.DOTALL)[1])
PASS = '''"""The scripts one after the other in one process, for Keras starts slowly."""
import sys
from mer import MerError
import generate_dataset, trans_train_denoise_multi, report, export, quad_pred
name, song, weights = sys.argv[1:]
train = ["-s", "e", "-m", "e", "-mod", "model_toy", "-rel", "n"]
try:
    trans_train_denoise_multi.main(train)
except MerError as error:
    print(error)
generate_dataset.main(["-d", "m", "-l", "e", "--features", name])
trans_train_denoise_multi.main(train)
trans_train_denoise_multi.main(train)
report.main([])
quad_pred.main(["-i", song, "-o", "keras", "-mod", "model_toy", "--engine", "keras", "--no-pictures"])
if weights:
    export.main([weights])
    quad_pred.main(["-i", song, "-o", "onnx", "-mod", "model_toy", "--engine", "onnx", "--no-pictures"])
    both = [weights.replace(".weights.h5", ".onnx"), "tiny/model_scae.multitask.spec.it_0.lr_5e-05.onnx"]
    quad_pred.main(["-i", song, "-o", "both", "--no-pictures", "--weights", *both])
'''
STEM = "model_toy.multitask.spec.it_0.lr_0.001"


@pytest.fixture
def project(tmp_path, data):
    """A copy of the project without results, and a function that runs Python in it."""
    copy = tmp_path / "project"
    for folder in ("mer", "models"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=lambda _, names: [
            name for name in names if name == "__pycache__" or name.endswith((".h5", ".hdf5"))])
    for path in (*ROOT.glob("*.py"), ROOT / "pyproject.toml",
                 ROOT / "tests" / "conftest.py", ROOT / "tests" / "features" / "test_representations.py"):
        (copy / path.relative_to(ROOT)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy / path.relative_to(ROOT))
    (copy / "pass.py").write_text(PASS)
    app_files.write_model(copy / "tiny", speech="e", music="e")  # reads log-mel

    def run(*argv, error=False):
        changed = {"MER_PATH_TO_DATA": data, "MER_SCRATCH_EPOCHS": 1, "MER_N_BOOTSTRAP": 20, "MER_EXTRACT_JOBS": 1}
        done = subprocess.run([sys.executable, *argv], cwd=copy, capture_output=True, text=True,
                              env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "OMP_NUM_THREADS": "2",
                                   **{name: str(value) for name, value in changed.items()}})
        assert bool(done.returncode) == error, done.stdout + done.stderr
        return done.stdout + done.stderr

    return copy, run


def song_of(data):
    return str(next((data / "MER_audio_taffc_dataset").rglob("*.mp3")))


def values(folder):
    """The timeline of the one song in a folder of quad_pred.py."""
    clip = json.loads(next(folder.glob("*/clip.json")).read_text())
    lines = next(folder.glob("*/timeline.csv")).read_text().splitlines()
    return clip, np.array([[float(cell) for cell in line.split(",")] for line in lines[1:]])


def test_an_encoder_of_the_waveform_is_one_new_file(project, data):
    copy, run = project
    (copy / "models" / "model_toy.py").write_text(TOY.format(reads="waveform", seconds=0.5, size=400, stride=160))
    weights = copy / "models" / "music" / "english" / f"{STEM}.weights.h5"
    said = run("pass.py", "waveform", song_of(data), str(weights.relative_to(copy)))
    assert "run 'python3 generate_dataset.py -d m -l e --features waveform' first" in said
    assert said.count("finished already") == 1 and "Toy" in (copy / "results" / "results.csv").read_text()
    assert {path.name for path in (copy / "features").glob("music_*.*")} == {
        "music_english.waveform.h5", "music_english.waveform.run.json", "music_english.splits.csv",
        "music_english.splits.json"}
    settings = json.loads((weights.parent / STEM / "run.json").read_text())["settings"]
    assert (settings["representation"], settings["patch_seconds"]) == ("waveform", 0.5)
    (keras, slow), (onnx, fast), (both, mixed) = (values(copy / name) for name in ("keras", "onnx", "both"))
    np.testing.assert_allclose(slow, fast, atol=1e-4)
    assert onnx["patch_seconds"] == 0.5 and onnx["models"][0]["about"]["settings"]["patch_frames"] == 8000
    assert keras["models"][0]["engine"] == "keras" and len(both["models"]) == 2 and np.isfinite(mixed).all()
    assert both["hop_seconds"] == 0.992, "the coarser rows decide"


def test_a_pretext_task_of_bands_and_frames_refuses_the_waveform(cfg):
    from mer.training import pretrain
    module = SimpleNamespace(__name__="models.model_x", INPUT="waveform", CHUNK_SECONDS=1, PRETEXT="cpc")
    with pytest.raises(MerError, match=r"reads waveform of shape \(16000, 1\), and the task cpc works on"):
        pretrain.run(cfg, speech="e", name="model_x", module=module)


def test_a_representation_of_ones_own_is_one_new_file(project, data):
    copy, run = project
    (copy / "mer" / "features" / "representations" / "loudness.py").write_text(LOUDNESS)
    (copy / "models" / "model_toy.py").write_text(TOY.format(reads="loudness", seconds=1, size=2, stride=1))
    assert "failed" not in run("-m", "pytest", "-q", "-k", "loudness", "-p", "no:cacheprovider",
                               "tests/features/test_representations.py")
    run("pass.py", "loudness", song_of(data), "")
    assert values(copy / "keras")[0]["patch_seconds"] == 1.0
    assert re.search("representation 'loudnes' came, but one of .*log_mel, loudness, .*waveform was", run(
        "generate_dataset.py", "-d", "m", "-l", "e", "--features", "loudnes", error=True))
