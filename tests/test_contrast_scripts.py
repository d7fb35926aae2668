"""An encoder trained by contrast through the scripts: from audio to a report."""

import importlib
import json
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import write_music, write_speech
from made_up import without_pictures

from mer import MerError, config
from mer.data import datasets, store
from mer.training import heard
from mer.training.pretexts import contrast
from mer.weights import catalogue

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
    values = {"path_to_data": folder, "contrast_epochs": 1, "contrast_steps": 3, "contrast_batch_clips": 4,
              "n_bootstrap": 20, "extract_jobs": 1, "cross_tests": False,
              **{f"path_to_{name}": folder / name for name in ("features", "models", "models_trans", "results")}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contrast, "_LEAST_PAIRS", 40)
        without_pictures(patch)
        for name, value in values.items():
            patch.setenv(f"MER_{name.upper()}", str(value))
        script("generate_dataset", "-d", "s", "-l", "e")
        script("generate_dataset", "-d", "m", "-l", "e", "--folds", "2")
        yield folder


def test_an_encoder_that_found_partners_in_speech_is_transferred(home, capsys):
    script("pretrain_contrast", "-s", "e", "-mod", "model_cola")
    run = read(home / "models" / "speech" / "english" / STEM)
    assert run["pretext"] == "contrast" and run["epochs"] == 1
    assert run["settings"]["contrast_epochs"] == 1 and run["settings"]["recipe_optimizer"] == "adamw"
    assert not {"pretrain_epochs", "halve_after_epochs", "recipe_scratch_class_weights"} & run["settings"].keys()
    assert 0 <= run["scores"]["accuracy"] <= 1 and run["scores"]["best_reference"] in run["scores"]["gains"]
    script("pretrain_contrast", "-s", "e", "-mod", "model_cola")
    assert "finished already, finds the chunk of the same clip among" in capsys.readouterr().out
    script("trans_train", "-s", "e", *LINEAR)
    report = read(home / "models_trans" / "speech_eng_2_music_eng" / "model_cola.multitask.spec.it_0.linear",
                  "report.json")
    assert report["run"]["title"] == "COLA, linear heads" and report["run"]["encoder"]["scores"]["chance"] == 0.5


def test_noise_with_the_spectra_of_speech_is_a_corpus_of_its_own(home, capsys):
    (home / "LibriSpeech" / "train-clean-100" / "1" / "7" / "1-7-0009.flac").write_text("no sound")
    script("generate_dataset", "-d", "n", "-l", "e")
    assert "1-7-0009.flac: " in capsys.readouterr().err
    speech, noise = (store.read(home / "features" / f"{kind}_english.h5") for kind in ("speech", "noise"))
    assert speech.ids == noise.ids and speech.offsets.tolist() == noise.offsets.tolist()
    assert noise.attributes["kind"] == "noise" and noise.attributes["name"] == "noise like LibriSpeech"
    for number in range(2):
        power = [np.exp(2 * each.clip(number)).mean(axis=0) for each in (speech, noise)]
        assert np.abs(np.log(power[1] / power[0])[2:-2]).mean() < 0.5
        steps = [np.log(np.exp(2 * each.clip(number)).sum(axis=1)).std() for each in (speech, noise)]
        assert steps[1] < steps[0] / 2, "the level does not change with time"
    sides = [(home / "features" / f"{kind}_english.splits.csv").read_text() for kind in ("speech", "noise")]
    assert sides[0] == sides[1]
    script("pretrain_contrast", "-s", "e", "-d", "n", "-mod", "model_cola")
    run = read(home / "models" / "heard_noise" / "english" / STEM)
    assert (run["heard"], run["speech"]) == ("noise", None) and run["hours_heard"] > 0
    assert run["heard_from"] == {"kind": "noise", "code": "e", "name": "noise like LibriSpeech"}


def test_pretraining_on_music_says_which_test_clips_were_heard(home, capsys):
    with pytest.raises(MerError, match="run 'python3 pretrain.py -s e -d m -mod model_cola' first"):
        script("trans_train", "-s", "e", "-d", "m", *LINEAR)
    script("pretrain_contrast", "-s", "e", "-d", "m", "-mod", "model_cola")
    about = read(home / "models" / "heard_music" / "english" / STEM)
    clips = store.read(home / "features" / "music_english.h5")
    assert about["heard"] == "music" and set(about["heard_clips"]) < set(clips.columns["content"])
    capsys.readouterr()
    script("trans_train", "-s", "e", "-d", "m", *LINEAR)
    assert "WARNING: the encoder heard" not in capsys.readouterr().out, "with the same split, no test clip was heard"
    folder = home / "models_trans" / "heard_music_eng_2_music_eng"
    run = read(folder / "model_cola.multitask.spec.it_0.linear")
    assert (run["heard"], run["heard_test_clips"], run["speech"], run["speech_abbr"]) == ("music", 0, None, "music_eng")
    assert run["heard_test_groups"] == 0 and set(about["heard_groups"]) < set(clips.columns["group"])
    script("trans_train", "-s", "e", "-d", "m", *LINEAR, "--folds", "2")
    report = read(folder / "model_cola.multitask.spec.it_0.folds_2.linear", "report.json")
    assert report["run"]["heard_test_clips"] == len(about["heard_clips"]) and report["run"]["heard"] == "music"
    sentence = f"The encoder heard {len(about['heard_clips'])} of the test clips in its pretraining"
    assert any(sentence in warning for warning in report["warnings"])
    assert report["run"]["heard_test_groups"] == 0, "whole artists were heard, or nothing of them"
    text = (folder / "model_cola.multitask.spec.it_0.folds_2.linear" / "report.txt").read_text()
    assert "Heard   4Q-Emotion (music), pretext contrast" in text and "music_eng2eng" in text
    found = catalogue.find(config.of_program(), model="model_cola")
    assert [(file.facts["speech"], file.facts.get("heard")) for file in found][-1] == (None, "4Q-Emotion")


def test_what_was_heard_is_not_taken_for_something_else(home):
    weights = home / "models" / "heard_music" / "english" / f"{STEM}.weights.h5"
    with pytest.raises(MerError, match="was pretrained on music, and speech is asked for: use -d m -s e"):
        script("trans_train", "-s", "e", *LINEAR, "--weights", str(weights))
    with pytest.raises(SystemExit):
        script("pretrain_contrast", "-s", "p", "-mod", "model_cola")
    with pytest.raises(SystemExit):
        script("pretrain_contrast", "-s", "e", "-d", "m", "--hours", "1", "-mod", "model_cola")
    with pytest.raises(MerError, match="noise is made of audio, and --import-published brings features"):
        script("generate_dataset", "-d", "n", "-l", "e", "--import-published", str(home))


def test_random_weights_say_so(home):
    script("pretrain_contrast", "-s", "e", "-mod", "model_cola", "--random")
    run = read(home / "models" / "speech" / "random_english" / STEM)
    assert (run["heard"], run["speech"], run["scores"]["learnt"]) == ("random", "e", False)
    gain = run["scores"]["gains"]["random_weights"]
    assert run["epochs"] == 0 and abs(gain["value"]) < 0.5


def test_other_clips_of_a_heard_artist_count_in_the_same_corpus_alone(home):
    clips = datasets.load("music", "e", config.of_program())
    group, sounds = clips.group[0], clips.contents
    others = int((clips.group == group).sum()) - 1
    known = {"heard_clips": [sounds[0]], "heard_groups": [group]}
    encoder = SimpleNamespace(metadata=known, heard_from={"kind": "music", "code": "e", "name": "4Q-Emotion"})
    assert others > 0 and heard.in_test(encoder, clips) == {"heard_test_clips": 1, "heard_test_groups": others}
    encoder.heard_from["code"] = "p"
    assert heard.in_test(encoder, clips) == {"heard_test_clips": 1, "heard_test_groups": 0}
    assert heard.in_test(None, clips) == heard.in_test(SimpleNamespace(metadata={}), clips) == {}
