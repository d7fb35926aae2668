"""An encoder trained by contrast through the scripts: from audio to a report."""

import importlib
import json

import numpy as np
import pytest
from conftest import write_music, write_speech

STEM = "model_cola.it_0.subset_0.075.spec.best"
LINEAR = ("-m", "e", "-mod", "model_cola", "-rel", "n", "--heads", "linear")


def script(name, *argv):
    """Run a script's main in this process, as its command line would."""
    return importlib.import_module(name).main(list(argv))


def read(path, name="run.json"):
    return json.loads((path / name).read_text())


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Folder of one user, with speech and music, and settings for short trainings."""
    folder = tmp_path_factory.mktemp("home")
    write_speech(folder, np.random.default_rng(0), speakers=8)
    write_music(folder, np.random.default_rng(1), clips=6)
    values = {"path_to_data": folder, "contrast_epochs": 2, "contrast_steps": 3, "contrast_batch_clips": 4,
              "n_bootstrap": 20, "extract_jobs": 1, "cross_tests": False,
              **{f"path_to_{name}": folder / name for name in ("features", "models", "models_trans", "results")}}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(f"MER_{name.upper()}", str(value))
        script("generate_dataset", "-d", "s", "-l", "e")
        script("generate_dataset", "-d", "m", "-l", "e", "--folds", "2")
        yield folder


def test_an_encoder_that_found_partners_in_speech_is_transferred(home, capsys):
    script("pretrain_contrast", "-s", "e", "-mod", "model_cola")
    run = read(home / "models" / "speech" / "english" / STEM)
    assert run["pretext"] == "contrast" and run["epochs"] == 2
    assert run["settings"]["contrast_epochs"] == 2 and run["settings"]["recipe_optimizer"] == "adamw"
    assert not {"pretrain_epochs", "halve_after_epochs", "recipe_scratch_class_weights"} & run["settings"].keys()
    assert 0 <= run["scores"]["accuracy"] <= 1 and run["scores"]["best_reference"] in run["scores"]["gains"]
    script("pretrain_contrast", "-s", "e", "-mod", "model_cola")
    assert "finished already, finds the chunk of the same clip among" in capsys.readouterr().out
    script("trans_train", "-s", "e", *LINEAR)
    report = read(home / "models_trans" / "speech_eng_2_music_eng" / "model_cola.multitask.spec.it_0.linear",
                  "report.json")
    assert report["run"]["title"] == "COLA, linear heads" and report["run"]["encoder"]["scores"]["chance"] == 0.25
