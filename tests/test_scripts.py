"""The scripts as a user runs them: all of them end to end on small corpora, and their mistakes."""

import csv
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import numpy as np
import pytest
from conftest import ROOT

pytestmark = pytest.mark.first
SMALL = {"pretrain_epochs": 1, "heads_epochs": 2, "full_epochs": 1, "pretrain_batch_patches": 32,
         "heads_batch_patches": 32, "full_batch_patches": 32, "scratch_batch_patches": 32, "cpc_batch_sequences": 8,
         "n_bootstrap": 50, "extract_jobs": 1, "cross_tests": False}


@pytest.fixture(scope="module")
def home(tmp_path_factory, data):
    """Environment of one user: where the data is and where results go, through MER_ names."""
    folder = tmp_path_factory.mktemp("home")
    environ = {f"MER_{name}".upper(): str(value) for name, value in SMALL.items()}
    environ |= {"MER_PATH_TO_DATA": str(data), "MER_PATH_TO_FEATURES": str(folder / "features"),
                "MER_PATH_TO_MODELS": str(folder / "models"), "MER_PATH_TO_MODELS_TRANS": str(folder / "models_trans"),
                "MER_PATH_TO_RESULTS": str(folder / "results")}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environ.items():
            patch.setenv(name, value)
        yield folder


def script(name, *argv):
    """Run a script's main in this process, as its command line would."""
    return importlib.import_module(name).main(list(argv))


def command(*argv, **kwargs):
    """Run a script as a process of its own."""
    return subprocess.run([sys.executable, *argv], cwd=ROOT, capture_output=True, text=True, timeout=300, **kwargs)


@pytest.fixture
def typed(monkeypatch, capsys):
    """Function: script and flags -> exit status and stderr, as of `command`, but within this process."""
    def run(path, *flags):
        with monkeypatch.context() as patch, pytest.raises(SystemExit) as left:
            patch.chdir(ROOT)
            patch.setattr(sys, "argv", [path, *flags])
            for name in ("stdout", "stderr"):  # which the script replaces
                patch.setattr(sys, name, getattr(sys, name))
            runpy.run_path(path, run_name="__main__")
        return left.value.code, capsys.readouterr().err

    return run


@pytest.fixture(scope="module")
def stores(home):
    for dataset, language in (("s", "e"), ("s", "m"), ("s", "x"), ("m", "e"), ("m", "m")):
        assert script("generate_dataset", "-d", dataset, "-l", language) == 0
    return home / "features"


@pytest.fixture(scope="module")
def pretrained(stores, home):
    script("pretrain_denoise", "-s", "e", "-mod", "model_masked")
    script("pretrain_denoise", "-s", "x", "-mod", "model_scae")
    script("pretrain_cpc", "-s", "e", "-mod", "model_cpc")
    return home / "models" / "speech"


@pytest.fixture(scope="module")
def transferred(pretrained, home):
    script("trans_train_denoise_multi", "-s", "e", "-m", "e", "-mod", "model_masked", "-rel", "y")
    script("trans_train_denoise_multi", "-s", "x", "-m", "m", "-mod", "model_scae", "-rel", "n", "--runs", "2")
    script("trans_train_cpc_multi", "-s", "e", "-m", "m", "-mod", "model_cpc", "-rel", "n")
    script("trans_train_denoise_multi", "-s", "e", "-m", "e", "-mod", "model_cnn", "-rel", "n",
           "--set", "scratch_epochs=1")
    return home / "models_trans"


def test_stores_and_splits_are_where_the_docs_say(stores):
    names = {path.name for path in stores.iterdir()}
    for stem in ("speech_english", "speech_mandarin", "music_english", "music_mandarin"):
        assert {f"{stem}.h5", f"{stem}.splits.csv", f"{stem}.splits.json"} <= names
    assert "speech_mix.splits.csv" in names and "speech_mix.h5" not in names
    with open(stores / "music_english.splits.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["clip", "group", "label", "split"] and len(rows) == 20
    sides = {}
    for row in rows:
        sides.setdefault(row["group"], set()).add(row["split"])
    assert all(len(side) == 1 for side in sides.values())


def test_pretrained_weights_have_the_published_places_and_a_run_json(pretrained):
    for language, model in (("english", "model_masked"), ("mix", "model_scae"), ("english", "model_cpc")):
        stem = f"{model}.it_0.subset_0.075.spec.best"
        assert (pretrained / language / f"{stem}.weights.h5").stat().st_size > 1e6
        about = json.loads((pretrained / language / stem / "run.json").read_text())
        assert about["seed"] == 1 and about["best_epoch"] == 1 and about["versions"]["keras"]
        assert about["settings"]["pretrain_epochs"] == 1
        assert about["setting_sources"]["pretrain_epochs"] == "environment"
        if model == "model_cpc":
            assert about["scores"]["chance"] == pytest.approx(0.5)
        elif model == "model_masked":
            assert {"mse", "mse_training_mean", "mse_interpolated", "learnt"} <= set(about["scores"])
        else:
            assert about["scores"]["mse_identity"] == pytest.approx(0.09, rel=0.02)
            assert about["scores"]["mse_training_mean"] > 0.09
        assert not (pretrained / language / stem / "state").exists()


def test_transfers_have_the_published_places_and_a_full_report(transferred, home):
    expected = [transferred / "speech_eng_2_music_eng" / "model_masked.multitask.spec.it_0.lr_0.001",
                transferred / "speech_eng_2_music_eng" / "model_masked.multitask.spec.it_0.lr_5e-05",
                transferred / "speech_mix_2_music_man" / "model_scae.multitask.spec.it_0.lr_0.001",
                transferred / "speech_mix_2_music_man" / "model_scae.multitask.spec.it_1.lr_0.001",
                transferred / "speech_eng_2_music_man" / "model_cpc.multitask.spec.it_0.lr_0.001",
                home / "models" / "music" / "english" / "model_cnn.multitask.spec.it_0.lr_0.001"]
    for folder in expected:
        assert folder.with_name(folder.name + ".weights.h5").exists()
        names = {path.name for path in folder.iterdir()}
        epochs = len((folder / "history.csv").read_text(encoding="utf-8").splitlines()) - 1
        assert "f1_macro over clips" in (folder / "card.md").read_text(encoding="utf-8")
        assert names - {"card.md", "croissant.json"} == {
            "run.json", "history.csv", "report.json", "report.txt", "predictions.csv", "confusion.png", "certainty.png",
            *(["learning_curves.png"] if epochs > 1 else [])}
        report = json.loads((folder / "report.json").read_text())
        assert 0 <= report["clip"]["quadrants"]["accuracy"] <= 1
    one, two = (json.loads((folder / "run.json").read_text()) for folder in expected[2:4])
    assert (one["seed"], two["seed"]) == (1, 2) and two["encoder"]["it"] == 0
    history = json.loads((expected[1] / "run.json").read_text())["history"]
    assert [row["stage"] for row in history] == ["heads", "heads", "full"]
    assert {"quadrants_accuracy", "val_arousal_accuracy", "learning_rate"} <= set(history[0])


def test_predictions_are_of_the_test_side_only(transferred, stores):
    with open(stores / "music_english.splits.csv", newline="") as file:
        test = {row["clip"] for row in csv.DictReader(file) if row["split"] == "test"}
    folder = transferred / "speech_eng_2_music_eng" / "model_masked.multitask.spec.it_0.lr_5e-05"
    with open(folder / "predictions.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["clip"] for row in rows} == test
    one = next(row for row in rows if row["level"] == "clip")
    patches = [row for row in rows if row["level"] == "patch" and row["clip"] == one["clip"]]
    assert float(one["p_Q1"]) == pytest.approx(np.mean([float(row["p_Q1"]) for row in patches]), abs=1e-5)


def test_patches_start_every_fifteen_frames_of_the_clip(transferred):
    folder = transferred / "speech_eng_2_music_eng" / "model_masked.multitask.spec.it_0.lr_5e-05"
    with open(folder / "predictions.csv", newline="") as file:
        patches = [row for row in csv.DictReader(file) if row["level"] == "patch"]
    assert {row["patch"] for row in patches} > {"0", "1", "2"}
    assert all(float(row["start_seconds"]) == pytest.approx(int(row["patch"]) * 15 * 512 / 16000) for row in patches)


def test_the_same_command_gives_the_same_report_at_another_time(transferred):
    folder = transferred / "speech_eng_2_music_eng" / "model_masked.multitask.spec.it_0.lr_5e-05"
    names = ("report.json", "report.txt", "predictions.csv")
    before, then = ({name: (folder / name).read_bytes() for name in names},
                    json.loads((folder / "run.json").read_text())["created"])
    script("trans_train_denoise_multi", "-s", "e", "-m", "e", "-mod", "model_masked", "-rel", "y", "--force")
    assert {name: (folder / name).read_bytes() for name in names} == before
    now = json.loads((folder / "run.json").read_text())["created"]
    assert datetime.fromisoformat(then) < datetime.fromisoformat(now) <= datetime.now(UTC)


def test_a_finished_run_is_found_not_repeated_and_not_replaced(transferred, capsys):
    argv = ("-s", "e", "-m", "m", "-mod", "model_cpc", "-rel", "n")
    script("trans_train_cpc_multi", *argv)
    assert "finished already" in capsys.readouterr().out
    from mer import MerError
    with pytest.raises(MerError, match=r"heads_epochs 2, now 5.*--force"):
        script("trans_train_cpc_multi", *argv, "--set", "heads_epochs=5")


def test_hours_are_one_flag_in_every_stage(stores, home):
    hours = ("--hours", "0.009")
    assert script("generate_dataset", "-d", "s", "-l", "e", *hours) == 0
    assert (stores / "0.009h_speech_english.splits.csv").exists()
    script("pretrain_denoise", "-s", "e", "-mod", "model_masked", *hours)
    about = json.loads((home / "models" / "speech" / "0.009h_english" / "model_masked.it_0.subset_0.075.spec.best" /
                        "run.json").read_text())
    assert about["hours"] == 0.009 and about["hours_heard"] < 0.009
    script("trans_train_denoise_multi", "-s", "e", "-m", "m", "-mod", "model_masked", "-rel", "n", *hours)
    folder = home / "models_trans" / "0.009h_speech_eng_2_music_man" / "model_masked.multitask.spec.it_0.lr_0.001"
    assert "0.009 h of speech" in (folder / "report.txt").read_text()
    encoder = home / "models" / "speech" / "0.009h_english" / "model_masked.it_0.subset_0.075.spec.best.weights.h5"
    script("trans_train_denoise_multi", "-s", "e", "-m", "e", "-mod", "model_masked", "-rel", "n", "--weights",
           str(encoder), "--set", f"path_to_models_trans={home / 'named'}")
    report = json.loads((home / "named" / "0.009h_speech_eng_2_music_eng" / folder.name / "report.json").read_text())
    assert report["run"]["hours"] == report["run"]["encoder"]["hours"] == 0.009  # of its run.json: no flag said so
    assert report["run"]["encoder"]["settings"]["pretrain_epochs"] == 1
    assert report["bootstrap"]["unit"] == "artist" and report["bootstrap"]["groups"] == report["test"]["groups"]
    from mer import MerError
    with pytest.raises(MerError, match=r"was pretrained on 0.009 h of speech, and --hours says 3: leave that out"):
        script("trans_train_denoise_multi", "-s", "e", "-m", "e", "-mod", "model_masked", "-rel", "n", "--hours", "3",
               "--weights", str(encoder))
    with pytest.raises(MerError, match=r"python3 pretrain.py -s e -mod model_masked --hours 3"):
        script("trans_train_denoise_multi", "-s", "e", "-m", "m", "-mod", "model_masked", "-rel", "n", "--hours", "3")


def test_cross_validation_predicts_every_clip_once(pretrained, home):
    assert script("generate_dataset", "-d", "m", "-l", "e", "--folds", "2") == 0
    script("trans_train_cpc_multi", "-s", "e", "-m", "e", "-mod", "model_cpc", "-rel", "n", "--folds", "2")
    folder = home / "models_trans" / "speech_eng_2_music_eng"
    parts = [folder / f"model_cpc.multitask.spec.it_0.fold_{number}of2.lr_0.001" for number in (1, 2)]
    whole = folder / "model_cpc.multitask.spec.it_0.folds_2.lr_0.001"
    clips = [{row["clip"] for row in csv.DictReader(open(part / "predictions.csv"))} for part in (*parts, whole)]
    assert clips[2] == clips[0] | clips[1] and not clips[0] & clips[1] and len(clips[2]) == 20
    text = (whole / "report.txt").read_text()
    assert "2 folds" in text and "by a model that had not heard it" in " ".join(text.split())
    from mer.evaluation import results
    found = results.find(home / "models_trans", home / "models").reports
    assert whole in [report["folder"] for report in found] and not set(parts) & {r["folder"] for r in found}


def test_the_page_gathers_every_transfer(transferred, home):
    script("report")
    with open(home / "results" / "results.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["model"] for row in rows} == {"Masked", "SCAE corrected", "CPC", "CNN"}
    page = (home / "results" / "index.html").read_text()
    assert "eng2man" in page and "mix2man" in page


def test_help_answers_at_once_and_the_flags_are_the_published_ones():
    for name in ("generate_dataset", "pretrain_denoise", "pretrain_cpc", "pretrain_contrast",
                 "trans_train_denoise_multi", "trans_train_cpc_multi", "report"):
        done = command("-X", "importtime", f"{name}.py", "-h")
        assert done.returncode == 0 and "usage:" in done.stdout
        imported = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
        assert not {"keras", "pandas", "librosa", "matplotlib", "sklearn", "h5py"} & imported


@pytest.mark.parametrize("argv, words", [
    (("pretrain_denoise.py", "-s", "z", "-mod", "model_over"), "invalid choice: 'z'"),
    (("pretrain_denoise.py", "-s", "e", "-mod", "model_ovr"), "model_over"),
    (("trans_train_cpc_multi.py", "-s", "e", "-modmodel_cpc", "-m", "e", "-rel", "n"), "invalid choice: 'odmodel_cpc'"),
    (("generate_dataset.py", "-d", "m"), "required: -l"),
    (("generate_dataset.py", "-d", "m", "-l", "e", "--langage", "e"), "unrecognized arguments"),
    (("pretrain_cpc.py", "-s", "e", "-mod", "model_cpc", "--runs", "0"), "whole number from 1"),
])
def test_wrong_flags_exit_with_2(home, typed, argv, words):
    status, said = typed(*argv)
    assert status == 2 and words in said


@pytest.mark.parametrize("argv, words", [
    (("generate_dataset.py", "-d", "m", "-l", "t"), "TR"),
    (("generate_dataset.py", "-d", "m", "-l", "e", "-ps", "/nowhere"), "/nowhere"),
    (("generate_dataset.py", "-d", "m", "-l", "x"), "'x'"),
    (("pretrain_denoise.py", "-s", "e", "-mod", "model_cpc"), "model_masked, model_over, model_scae"),
    (("pretrain_denoise.py", "-s", "m", "-mod", "model_over", "--set", "pretrain_epoch=3"), "did you mean"),
    (("trans_train_denoise_multi.py", "-s", "m", "-m", "e", "-mod", "model_over", "-rel", "n"),
     "python3 pretrain.py -s m -mod model_over"),
])
def test_known_errors_are_one_sentence_and_exit_with_1(stores, typed, argv, words):
    status, said = typed(*argv)
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    assert status == 1 and len(errors) == 1 and words in errors[0], said


def test_a_backend_that_is_not_there_is_one_sentence(home):
    done = command("pretrain_cpc.py", "-s", "e", "-mod", "model_cpc", env={**os.environ, "KERAS_BACKEND": "nosuch"})
    assert done.returncode == 1 and "error: Keras cannot start" in done.stderr and "Traceback" not in done.stderr


def test_kill_in_the_middle_of_pretraining_loses_at_most_an_epoch(stores, home, capsys):
    argv = [sys.executable, "pretrain_denoise.py", "-s", "m", "-mod", "model_masked", "--set", "pretrain_epochs=3",
            "--set", "pretrain_batch_patches=8"]
    folder = home / "models" / "speech" / "mandarin" / "model_masked.it_0.subset_0.075.spec.best"
    process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env={**os.environ, "MER_PATH_TO_MODELS": str(home / "killed")})
    state = home / "killed" / folder.relative_to(home / "models") / "state" / "state.json"
    deadline = time.monotonic() + 120
    while not state.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done_before = json.loads(state.read_text())["epochs_done"]
    assert done_before >= 1
    script("pretrain_denoise", *argv[2:], "--set", f"path_to_models={home / 'killed'}")
    assert f"going on after epoch {done_before}" in capsys.readouterr().out
    script("pretrain_denoise", *argv[2:])
    runs = [json.loads((root / folder.relative_to(home / "models") / "run.json").read_text())
            for root in (home / "killed", home / "models")]
    assert runs[0]["scores"]["mse"] == pytest.approx(runs[1]["scores"]["mse"], rel=1e-6)
    assert runs[0]["best_val_loss"] == pytest.approx(runs[1]["best_val_loss"], rel=1e-6)
