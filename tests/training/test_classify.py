"""train_mlp.py and compare_features.py as a user runs them, on the small corpora of the tests."""

import csv
import importlib
import json

import numpy as np
import pytest
import ravdess_files

from mer import MerError
from mer.classifiers import stored

SMALL = {"part_seconds": 1, "comparison_folds": 2, "svm_folds": 2, "n_bootstrap": 50, "extract_jobs": 1}


def script(name, *argv):
    return importlib.import_module(name).main(list(argv))


@pytest.fixture(scope="module")
def home(tmp_path_factory, data):
    """A user's folders, with the features of two corpora."""
    pytest.importorskip("opensmile")
    folder = tmp_path_factory.mktemp("home")
    environ = {"path_to_data": data, "path_to_features": folder / "features", "path_to_models": folder / "models",
               "path_to_models_trans": folder / "models_trans", "path_to_results": folder / "results", **SMALL}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environ.items():
            patch.setenv(f"MER_{name}".upper(), str(value))
        for code, more in (("e", ["--folds", "2"]), ("m", [])):
            script("generate_dataset", "-d", "m", "-l", code, "--features", "is13", *more)
        yield folder


@pytest.fixture(scope="module")
def mlp(home):
    """The published classifier, trained; its file."""
    script("train_mlp", "-m", "e", "--features", "is13", "--clf", "mlp")
    return home / "models" / "music" / "english" / "mlp_is13.multitask.it_0.skops"


def about(path):
    return json.loads((path.with_suffix("") / "run.json").read_text())


def test_a_run_leaves_its_file_report_and_features(mlp):
    known, folder = about(mlp), mlp.with_suffix("")
    assert {"run.json", "report.txt", "report.json", "predictions.csv", "features.csv"} <= {
        path.name for path in folder.iterdir()}
    assert known["settings"]["classifiers"] == {"mlp": {
        "class": "sklearn.neural_network.MLPClassifier", "hidden_layer_sizes": [100], "alpha": 1.0, "max_iter": 1000}}
    assert known["settings"]["selected_features"] == 50 and known["versions"]["skops"] and not known["comparison"]
    assert set(known["best_features"]) == {"quadrants", "arousal", "valence"}
    with open(folder / "features.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["task"] == "arousal"]
    values = [float(row["chi2"]) for row in rows]
    assert len(rows) == 260 and values == sorted(values, reverse=True)
    assert [row["feature"] for row in rows[:10]] == [name for name, _ in known["best_features"]["arousal"]]
    assert "BEST FEATURES by chi2" in (folder / "report.txt").read_text()


def test_pipelines_saw_nothing_but_the_training_side(mlp, make_config, home):
    from mer.classifiers import parts
    from mer.training.music import Music
    cfg = make_config("part_seconds=1", folder=home)
    data = Music(cfg, "e", parts.reads("is13", cfg.values))
    known = data.patches.values[np.concatenate([data.rows["train"], data.rows["val"]])].astype(float)
    every = data.patches.values.astype(float)
    for fitted in stored.read(mlp).values():
        assert [name for name, _ in fitted.steps] == ["scale", "select", "classify"]
        np.testing.assert_allclose(fitted["scale"].data_max_, known.max(axis=0))
        assert (fitted["scale"].data_max_ < every.max(axis=0) - 1e-6).any(), "the test side would change the scaler"
        assert fitted["select"].get_support().sum() == 50


def test_a_finished_run_is_found_and_not_replaced(mlp, capsys):
    before = mlp.read_bytes()
    script("train_mlp", "-m", "e", "--features", "is13", "--clf", "mlp")
    assert "finished already" in capsys.readouterr().out
    with pytest.raises(MerError, match=r"selected_features 50, now 20\): add --force"):
        script("train_mlp", "-m", "e", "--features", "is13", "--clf", "mlp", "--set", "selected_features=20")
    script("train_mlp", "-m", "e", "--features", "is13", "--clf", "mlp", "--force")
    assert [entry for entry in (before, mlp.read_bytes())] and about(mlp)["key"]


def test_a_kill_before_the_end_leaves_no_finished_run(home, monkeypatch):
    from mer.training import classify
    path = home / "models" / "music" / "english" / "nb_is13.multitask.it_0.skops"
    with monkeypatch.context() as patch:
        patch.setattr(classify, "write_report", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            script("train_mlp", "-m", "e", "--features", "is13", "--clf", "nb")
    assert not (path.with_suffix("") / "run.json").exists()
    script("train_mlp", "-m", "e", "--features", "is13", "--clf", "nb")
    assert about(path)["weights_sha256"]


def test_without_a_name_the_best_of_seven_is_chosen_inside_the_training_clips(home, capsys):
    script("train_mlp", "-m", "e", "--features", "is13")
    known = about(home / "models" / "music" / "english" / "best_is13.multitask.it_0.skops")
    for task, rows in known["comparison"].items():
        assert len(rows) == 7 and known["chosen"][task]["classifier"] == rows[0]["classifier"]
    assert "COMPARISON OF CLASSIFIERS inside the training clips (2 folds" in capsys.readouterr().out


def test_folds_svm_and_the_mixture(home, capsys):
    script("train_mlp", "-m", "e", "--features", "is13", "--clf", "svm", "--folds", "2", "--runs", "1")
    folder = home / "models" / "music" / "english" / "svm_is13.multitask.folds_2.it_0"
    assert json.loads((folder / "report.json").read_text())["test"]["clips"] == 20
    assert about(folder.with_name("svm_is13.multitask.fold_1of2.it_0.skops"))["chosen"]["arousal"]["C"] > 0
    script("train_mlp", "-m", "x", "--features", "is13", "--clf", "knn", "--set", "part_seconds=3600")
    knn = about(home / "models" / "music" / "mix" / "knn_is13.multitask.it_0.skops")["settings"]
    assert (knn["patch_seconds"], knn["patch_frames"]) == (3600, 3), "windows as long as the longest clip"
    assert "tested on CH-818 (mixed)" in capsys.readouterr().out
    script("report")
    names = (home / "results" / "results.csv").read_text()
    assert "SVM, IS13 descriptors" in names and "3-NN, IS13 descriptors" in names


def test_a_song_is_predicted_by_name_and_by_file(mlp, home, data, tmp_path):
    song = str(next((data / "MER_audio_taffc_dataset").rglob("*.mp3")))
    script("quad_pred", "-m", "e", "-mod", "mlp_is13", "-i", song, "-o", str(tmp_path), "--no-pictures")
    clip = json.loads(next(tmp_path.glob("*/clip.json")).read_text())
    assert clip["models"][0]["engine"] == "sklearn" and clip["n_predictions"] == 3 and clip["patch_seconds"] == 1.0
    with pytest.raises(MerError, match="holds classifiers of scikit-learn, which --engine keras cannot run"):
        script("quad_pred", "--weights", str(mlp), "-i", song, "-o", str(tmp_path), "--engine", "keras")
    changed = tmp_path / mlp.name
    changed.write_bytes(mlp.read_bytes() + b" ")
    (tmp_path / mlp.stem).mkdir()
    (tmp_path / mlp.stem / "run.json").write_text((mlp.with_suffix("") / "run.json").read_text())
    with pytest.raises(MerError, match="is damaged: its content is not what"):
        script("quad_pred", "--weights", str(changed), "-i", song, "-o", str(tmp_path / "out"))


def test_features_of_two_corpora_are_compared(home, capsys):
    script("compare_features", "--features", "is13", "--shuffles", "19")
    said = capsys.readouterr().out
    assert "BEST FEATURES, quadrants" in said and "4Q-Emotion" in said and "CH-818" in said
    with open(home / "results" / "features.is13.eng_man.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 9 and all(0.05 <= float(row["p"]) <= float(row["p_holm"]) <= 1 for row in rows)


@pytest.mark.parametrize(("argv", "words"), [
    (("train_mlp", "-m", "e,m", "--features", "is13"), "a scikit-learn model cannot go on"),
    (("train_mlp", "-m", "e", "--features", "log_mel"), "log_mel has no named features.* is13"),
    (("train_mlp", "-m", "e", "--features", "is31"), "representation 'is31' came, but one of"),
    (("train_mlp", "-m", "t", "--features", "is13"), "generate_dataset.py -d m -l t --features is13"),
    (("compare_features", "--features", "is13", "-m", "e"), "features of e came, but two corpora or more"),
])
def test_what_cannot_be_is_one_sentence(home, argv, words):
    with pytest.raises(MerError, match=words):
        script(*argv)


def test_a_budget_of_labels_and_normalization_per_actor(tmp_path, monkeypatch):
    pytest.importorskip("opensmile")
    ravdess_files.write(tmp_path / "data", np.random.default_rng(0), takes=2)
    for name, value in {"path_to_data": tmp_path / "data", **SMALL, **{
            f"path_to_{name}": tmp_path / name for name in ("features", "models", "models_trans", "results")}}.items():
        monkeypatch.setenv(f"MER_{name}".upper(), str(value))
    for code in "vr":
        script("generate_dataset", "-d", "m", "-l", code, "--features", "is13")
    script("train_mlp", "-m", "v+r", "--features", "is13", "--clf", "nb", "--labels", "8", "--normalize-groups")
    path = tmp_path / "models" / "music" / "spoken+sung_8labels_per_group" / "nb_is13.multitask.it_0.skops"
    known = json.loads((path.with_suffix("") / "tests" / "sung" / "run.json").read_text(encoding="utf-8"))
    assert known["labels"]["clips"] == 8 and known["normalized_by"] == "actor" and known["role"] == "mixed"
    assert "Transductive" in (path.with_suffix("") / "report.txt").read_text(encoding="utf-8")
    # every actor's features have mean 0 over all of his clips, those of the test too: this is what was fitted
    fitted = stored.read(path)["quadrants"]["scale"]
    assert (fitted.data_min_ < 0).any() and (fitted.data_max_ < 10).all()
