"""The autoencoders of EUSIPCO 2020 through the scripts, from audio to a prediction, beside one with random weights."""

import importlib
import json

import numpy as np
import pytest
from conftest import write_music, write_speech

from mer import MerError

pytest.importorskip("opensmile", reason="opensmile is not installed: requirements-features.txt")
STEM = "model_dae.multitask.spec.it_0.lr_"


def script(name, *argv):
    """Run a script's main in this process, as its command line would."""
    return importlib.import_module(name).main(list(argv))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Folder of one user, with speech of 4 s and music of 6 s, an encoder, one with random weights, and transfers."""
    folder = tmp_path_factory.mktemp("home")
    write_speech(folder, np.random.default_rng(0), speakers=4)
    write_music(folder, np.random.default_rng(1), clips=3, seconds=6.0)
    values = {"path_to_data": folder, "pretrain_epochs": 1, "heads_epochs": 2, "full_epochs": 1, "n_bootstrap": 20,
              "extract_jobs": 1, **{f"path_to_{name}": folder / name for name in
                                    ("features", "models", "models_trans", "results")}}
    transfer = ("trans_train_denoise_multi", "-s", "e", "-m", "e", "-mod", "model_dae", "-rel")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(f"MER_{name.upper()}", str(value))
        for dataset in "sm":
            script("generate_dataset", "-d", dataset, "-l", "e", "--features", "is13")
        with pytest.raises(MerError, match=r"run 'python3 pretrain.py -s e -mod model_dae --random' first"):
            script(*transfer, "n", "--random")
        script("pretrain_denoise", "-s", "e", "-mod", "model_dae")
        script("pretrain_denoise", "-s", "e", "-mod", "model_dae", "--random")
        script(*transfer, "y")
        script(*transfer, "n", "--random")
        script("report")
        yield folder


def run_json(path):
    return json.loads((path / "run.json").read_text())


def test_recordings_shorter_than_a_sequence_are_joined(home):
    run = run_json(home / "models" / "speech" / "english" / "model_dae.it_0.subset_0.075.spec.best")
    assert run["settings"]["patch_seconds"] == 5 and run["settings"]["representation"] == "is13"
    assert run["scores"]["patch_numbers"] == 5 * 260 and run["scores"]["code_numbers"] == 500
    assert "of standardized rows" in run["scores"]["sentence"] and run["epochs"] == 1


def test_random_weights_are_filed_and_named_apart(home):
    path = home / "models" / "speech" / "random_english" / "model_dae.it_0.subset_0.075.spec.best"
    run = run_json(path)
    assert (run["epochs"], run["best_epoch"], run["hours_heard"], run["scores"]["learnt"]) == (0, 0, 0, False)
    assert run["scores"]["sentence"].startswith("random weights")
    transferred = home / "models_trans" / "random_speech_eng_2_music_eng" / f"{STEM}0.001"
    assert run_json(transferred)["encoder"]["sha256"] == run["weights_sha256"][:16]
    assert "random weights" in next((home / "results").glob("*.html")).read_text()


def test_the_transfers_stand_in_the_usual_folders(home):
    folder = home / "models_trans" / "speech_eng_2_music_eng"
    assert {path.name for path in folder.glob("*.h5")} == {f"{STEM}{rate}.weights.h5" for rate in ("0.001", "5e-05")}
    assert [row["stage"] for row in run_json(folder / f"{STEM}5e-05")["history"]] == ["heads", "heads", "full"]


def test_a_song_is_predicted_alike_by_keras_and_by_the_exported_file(home):
    pytest.importorskip("tf2onnx", reason="tf2onnx is not installed: pip install -r requirements-export.txt")
    weights = home / "models_trans" / "speech_eng_2_music_eng" / f"{STEM}5e-05.weights.h5"
    song = next((home / "MER_audio_taffc_dataset").rglob("*.mp3"))
    script("export", str(weights))
    made = []
    for engine in ("keras", "onnx"):
        script("quad_pred", "-i", str(song), "-o", str(home / engine), "--weights", str(weights), "--engine", engine,
               "--no-pictures")
        lines = next((home / engine).glob("*/timeline.csv")).read_text().splitlines()[1:]
        made.append(np.array([[float(cell) for cell in line.split(",")] for line in lines]))
    np.testing.assert_allclose(*made, atol=1e-4)
