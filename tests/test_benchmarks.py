"""The benchmarks run to their end and write their numbers; what they measure is asserted nowhere."""

import json
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT, write_music
from test_scripts import home, pretrained, script, stores  # noqa: F401

pytestmark = pytest.mark.slow


def bench(name, *argv):
    done = subprocess.run([sys.executable, ROOT / "benchmarks" / f"{name}.py", *map(str, argv)], cwd=ROOT, text=True,
                          capture_output=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_features_and_training(tmp_path):
    bench("bench_features", "--clips", 1, "--rounds", 1, "--out", tmp_path)
    bench("bench_training", "--batch", 2, "--heads-batch", 64, "--steps", 1, "--rounds", 1, "--out", tmp_path)
    bench("bench_voting", "--seconds", 1, "--hop-ms", 100, "--rounds", 1, "--out", tmp_path)
    for name in ("features", "training", "voting"):
        assert json.loads((tmp_path / f"{name}.json").read_text())


def test_prediction(pretrained, tmp_path):  # noqa: F811
    script("trans_train_cpc_multi", "-s", "e", "-m", "e", "-mod", "model_cpc", "-rel", "n")
    weights = next(pretrained.parents[1].glob("models_trans/*_music_eng/model_cpc*.weights.h5"))
    bench("bench_predict", "--weights", weights, "--rounds", 1, "--out", tmp_path)
    assert json.loads((tmp_path / "predict.json").read_text())


def test_probe(pretrained, tmp_path, monkeypatch):  # noqa: F811
    write_music(tmp_path / "data", np.random.default_rng(5), clips=10)  # of ten artists, for folds within folds
    monkeypatch.setenv("MER_PATH_TO_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("MER_PATH_TO_FEATURES", str(tmp_path / "features"))
    script("generate_dataset", "-d", "m", "-l", "e")
    encoder = next(pretrained.glob("english/model_cpc*.weights.h5"))
    assert "quadrants: trained" in bench("probe_encoder", encoder, "-m", "e", "--random", 1)
