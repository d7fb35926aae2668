"""Another representation, and an encoder that reads it, are one new file each: from audio to an exported model."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT

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
LOUDNESS = '''"""Peak and root mean square of every quarter of a second."""
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mer.features.representations import Representation


@dataclass(frozen=True, kw_only=True)
class Loudness(Representation):
    """Two values a row."""

    sample_rate_hz: int = 16000
    row_samples: int = 4000
    TITLE: ClassVar[str] = "loudness"
    width: ClassVar[int] = 2

    @property
    def hop_samples(self):
        return self.row_samples

    context_samples = hop_samples

    def rows(self, waveform):
        """Waveform (n,) -> (n // 4000, 2)."""
        n = len(waveform) // self.row_samples
        cells = np.abs(waveform[:n * self.row_samples].reshape(n, self.row_samples))
        return np.stack([cells.max(axis=1), np.sqrt(np.square(cells).mean(axis=1))], axis=1).astype(np.float32)
'''
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
    both = [weights.replace(".weights.h5", ".onnx"), "demo_corpus/demo_model.onnx"]
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
    for path in (*ROOT.glob("*.py"), ROOT / "demo_corpus" / "demo_model.onnx", ROOT / "pyproject.toml",
                 ROOT / "tests" / "conftest.py", ROOT / "tests" / "features" / "test_representations.py"):
        (copy / path.relative_to(ROOT)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy / path.relative_to(ROOT))
    (copy / "pass.py").write_text(PASS)

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


def test_a_representation_of_ones_own_is_one_new_file(project, data):
    copy, run = project
    (copy / "mer" / "features" / "representations" / "loudness.py").write_text(LOUDNESS)
    (copy / "models" / "model_toy.py").write_text(TOY.format(reads="loudness", seconds=1, size=2, stride=1))
    assert "failed" not in run("-m", "pytest", "-q", "-k", "loudness", "-p", "no:cacheprovider",
                               "tests/features/test_representations.py")
    run("pass.py", "loudness", song_of(data), "")
    assert values(copy / "keras")[0]["patch_seconds"] == 1.0
    assert "representation 'loudnes' came, but one of log_mel, loudness, waveform was" in run(
        "generate_dataset.py", "-d", "m", "-l", "e", "--features", "loudnes", error=True)
