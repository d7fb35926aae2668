"""A campaign of bad flags, settings and files over all scripts: each ends in one sentence, none in a traceback or hang.

Each script's `main` runs in this process; `mer.cli.run` turns what these cases raise into a sentence and a status.
"""

import importlib
import os
import signal
import sys

import pytest
from test_layout import SCRIPTS

from mer import MerError

SECONDS = 60
GOOD = {  # flags with which each script would start its work
    "generate_dataset": ["-d", "m", "-l", "e"], "pretrain_denoise": ["-s", "e", "-mod", "model_over"],
    "pretrain_cpc": ["-s", "e", "-mod", "model_cpc"], "pretrain_contrast": ["-s", "e", "-mod", "model_cola"],
    "pretrain": ["-s", "e", "-mod", "model_masked"],
    "trans_train": ["-s", "e", "-m", "e", "-mod", "model_masked", "-rel", "n"],
    "report": [], "corpora": [], "make_demo_corpus": [],
    "trans_train_denoise_multi": ["-s", "e", "-m", "e", "-mod", "model_over", "-rel", "n"],
    "trans_train_cpc_multi": ["-s", "e", "-m", "e", "-mod", "model_cpc", "-rel", "n"],
    "agreement": ["-i", "junk.csv", "-o", "out"], "convert_weights": ["junk.hdf5"], "quad_pred": ["-i", "junk.wav"],
    "export": ["junk.onnx"], "app": ["--no-browser"], "train_mlp": ["-m", "e", "--features", "is13"],
    "compare_features": ["--features", "is13"], "train_sincnet": ["-m", "e"],
    "run_experiments": ["--plan", "ladder", "--scheduler", "tcp://127.0.0.1:1"],
    "compare_encoders": ["-m", "e", "-mod", "model_masked", "-s", "e"]}
BAD_SETTINGS = [
    "seed=4294967296", "seed=-1", "seed=1.5", "seed=x", "seed=", "seed", "=3", "sed=3", "patch_seconds=inf",
    "patch_seconds=nan", "patch_seconds=1e-9", "sample_rate_hz=1e12", "sample_rate_hz=1000000000000", "n_fft=0",
    "hop_samples=1000000000", "window_samples=4096", "n_mel_bands=100000", "noise_sigma=inf", "pretrain_decay=inf",
    "heads_learning_rate=-1", "val_fraction=2", "extract_jobs=-3", "precision=half", "tensorboard=perhaps",
    "path_to_data=~nosuchuser", "path_to_features=", "path_to_models=a\0b", f"path_to_results={'x' * 9000}",
    "\x1b[2J=1", "patch_overlap=1"]
SHARED_BAD = [["--nonsense"], ["--set"], ["\x1b[2J", "--nonsense"]]
OWN_BAD = {
    "generate_dataset": [["--hours", "1e-9"], ["--hours", "inf"], ["--hours", "nan"], ["--folds", "0"],
                         ["--folds", "1e9"], ["-ps", ""], ["-ps", "~nosuchuser"], ["-ps", "nowhere"],
                         ["-ps", "junk.wav"],
                         ["-ps", "empty"], ["-ps", "x" * 300], ["-pl", "nowhere.csv"], ["-pl", "empty"],
                         ["-pl", "junk.csv"], ["--split", ""], ["--split", "nowhere.csv"], ["--split", "junk.csv"],
                         ["--split", "empty"], ["--import-published", "nowhere"], ["--import-published", "empty"],
                         ["--import-published", "junk.wav"], ["--import-published", "features"], ["-d", "q"],
                         ["-l", "q"]],
    "pretrain_denoise": [["--runs", "0"], ["--runs", "²"], ["--runs", "9" * 5000], ["--hours", "0"], ["-s", "q"],
                         ["-mod", "../model_over"], []],
    "pretrain": [["--runs", "x"], ["-mod", "model_cnn"]],
    "trans_train": [["--folds", "-1"], ["--weights", "junk.csv"], ["--detect-speech", "x"], ["--detect-speech", ""]],
    "pretrain_contrast": [["-mod", "model_cpc"], ["--set", "contrast_batch_clips=1"], []],
    "pretrain_cpc": [["--runs", "-1"], ["--hours", "-3"], ["-mod", "nowhere"], []],
    "trans_train_denoise_multi": [["--folds", "0"], ["--weights", ""], ["--weights", "nowhere.hdf5"],
                                  ["--weights", "junk.hdf5"], ["--weights", "junk.weights.h5"], ["--weights", "empty"],
                                  ["--weights", "~nosuchuser/x"], ["-rel", "q"], []],
    "trans_train_cpc_multi": [["--folds", "x"], ["--weights", "junk.wav"], ["--hours", "1e400"], []],
    "report": [["--out", ""], ["--out", "junk.wav"], ["--out", "a\0b"], []],
    "corpora": [["--download", ""], ["--download", "nowhere"], ["--download", ",,"], ["--download", "\x1b[2J"],
                ["--jobs", "0", "--check"], ["--jobs", "-1"], ["--jobs", "x"], ["-d", "q"], ["-l", "q"],
                ["--check", "--download", "x"]],
    "make_demo_corpus": [["--seed", "-1"], ["--seed", "1e3"], ["--seed", "9" * 5000], ["--clips-per-quadrant", "0"],
                         ["--minutes-speech", "nan"], ["--minutes-speech", "inf"], ["--jobs", "0"], ["--out", ""]],
    "agreement": [["-i", "nowhere.csv"], ["-i", "empty"], ["-i", ""], ["-i", "junk.wav"], ["-i", "x" * 300],
                  ["-o", ""], ["--level", "q"], ["--only", "nowhere"], []],
    "convert_weights": [["nowhere.hdf5"], ["empty"], ["junk.wav"], ["-o", ""], ["x" * 300], []],
    "quad_pred": [["-o", "out", "-i", "nowhere.wav"], ["-o", "out", "-i", "empty"],
                  ["-o", "out", "-i", "junk.csv"], ["-o", "junk.wav"],
                  ["-o", "junk.wav/below"], ["-o", ""], ["-o", "out", "--hop", "0"],
                  ["-o", "out", "--hop", "inf"], ["-o", "out", "--hop", "1e-9"], ["-o", "out", "--run", "-1"],
                  ["-o", "out", "--run", "1e9"], ["-o", "out", "--weights", "nowhere.onnx"],
                  ["-o", "out", "--weights", "junk.onnx"], ["-o", "out", "--weights", "junk.hdf5"],
                  ["-o", "out", "--weights", "junk.weights.h5"], ["-o", "out", "--weights", "empty"],
                  ["-o", "out", "--weights", "junk.skops"], ["-o", "out", "-mod", "mlp_is13"],
                  ["-o", "out", "--weights", ""], ["-o", "out", "--ensemble", "q"], ["-o", "out", "--engine", "q"],
                  ["-o", "out", "-i", "x" * 300], ["-o", "x" * 300],
                  ["-o", "out", "-i", "/dev/null"], ["-o", "out", "-i", "~nosuchuser"], []],
    "export": [["nowhere.onnx"], ["junk.hdf5"], ["junk.weights.h5"], ["empty"], ["-o", "x.wav"], ["-o", ""],
               ["--run", "-1"], ["-s", "q"], []],
    "app": [["--port", "0"], ["--port", "70000"], ["--port", "x"], ["--upload-mb", "0"], ["--upload-mb", "1e12"],
            ["--weights", "nowhere.onnx"], ["--weights", "junk.onnx"], ["--weights", ""]],
    "train_sincnet": [["-m", "q"], ["-m", ""], ["-m", ","], ["-m", "e,e"], ["-m", "x"], ["--chunk-ms", "300"],
                      ["--chunk-ms", ""], ["--folds", "0"], ["--runs", "x"], []],
    "train_mlp": [["-m", "q"], ["-m", "e,m"], ["-m", "x"], ["--features", "log_mel"], ["--features", "../is13"],
                  ["--features", ""], ["--clf", "q"], ["--folds", "0"], ["--runs", "x"],
                  ["--set", "selected_features=0"], ["--set", "part_seconds=0"], []],
    "compare_features": [["-m", "q"], ["-m", "e"], ["-m", "e,e"], ["-m", ""], ["-m", "e,m"], ["--shuffles", "0"],
                         ["--features", "nowhere"], []],
    "run_experiments": [["--plan", ""], ["--plan", "nowhere"], ["--plan", "junk.csv"], ["--plan", "empty"],
                        ["--plan", "../plans/ladder"], ["--plan", "x" * 300], ["--plan", "a\0b.toml"],
                        ["--plan", "nowhere.toml"], ["--runs", "0"], ["--folds", "x"], ["--hours", "nan"],
                        ["--jobs", "0"], ["--jobs", "2"], ["--slurm", "2"], ["--scheduler", ""],
                        ["--scheduler", "\x1b[2J"], ["--threads", "0"], ["--dry-run", "--status"]],
    "compare_encoders": [["-mod", ""], ["-mod", "nowhere"], ["-mod", "model_cnn"], ["-mod", "model_masked,"],
                         ["-s", "q"], ["-m", "x"], ["--random", "-1"], ["--runs", "0"], ["--weights"],
                         ["--weights", ""], ["--weights", "nowhere.weights.h5"], ["--weights", "junk.weights.h5"],
                         ["--weights", "junk.hdf5"], ["--weights", "empty"], []],
}
CASES = [(name, [*GOOD[name], *more]) for name in SCRIPTS for more in [*SHARED_BAD, *OWN_BAD[name]]]
CASES += [(name, [*GOOD[name], "--set", setting]) for name in SCRIPTS if name != "make_demo_corpus"
          for setting in BAD_SETTINGS]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with files of junk, in which a script finds no corpus and no model."""
    for name in ("junk.wav", "junk.csv", "junk.hdf5", "junk.onnx", "junk.weights.h5", "junk.skops"):
        (tmp_path / name).write_bytes(b"\x00\xff\x1b[2Jjunk\n" * 40)
    (tmp_path / "empty").mkdir()
    (tmp_path / "features").mkdir()
    (tmp_path / "features" / "train_dataset.h5py").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(500))
    (tmp_path / "features" / "annotations.csv").write_text("Songs,Quads\na.mp3,Q1\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["script.py"])
    for name in ("DATA", "FEATURES", "MODELS", "MODELS_TRANS", "RESULTS"):
        monkeypatch.setenv(f"MER_PATH_TO_{name}", str(tmp_path / name.lower()))
    return tmp_path


def test_the_campaign_is_large_and_covers_all_scripts():
    assert set(GOOD) == set(OWN_BAD) == set(SCRIPTS) and len(CASES) > 450


@pytest.mark.parametrize("name, argv", CASES, ids=lambda value: value if isinstance(value, str)
                         else ascii(" ".join(value)).encode().decode("ascii")[:60].replace("\\", "_"))
def test_each_ends_in_one_sentence(place, capsys, name, argv):
    def hangs(*_):
        raise AssertionError(f"{name} {argv} is still running after {SECONDS} s")

    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(SECONDS)
    try:
        status = importlib.import_module(name).main(argv)
    except SystemExit as ended:
        assert ended.code == 2 and "error: " in capsys.readouterr().err
    except MerError as error:
        assert str(error) and "\n" not in str(error) and len(str(error)) < 1500
    except OSError as error:
        assert error.strerror and error.filename
    else:
        printed = capsys.readouterr()
        assert status == 1 and (printed.err or printed.out), "it was taken"
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert not os.path.exists(place / "out" / "run.json")
