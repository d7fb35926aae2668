"""Linear heads end to end with the smallest encoder: train, report, find again, export, predict, judge."""

import csv
import functools
import json
import types

import keras
import numpy as np
import pytest
import soundfile
from keras import layers

from mer import MerError, files
from mer.data import datasets, generate
from mer.features import chunks
from mer.prediction import batch, predict, verdict
from mer.tasks import PLACE, PUBLISHED
from mer.training import crossval, discriminant, transfer
from mer.weights import engines, export, keras3, model_file


def build(shape):
    patch = keras.Input(shape, name="patch")
    x = layers.Conv2D(4, (16, 31), strides=(16, 1), activation="relu", name="c1")(patch)
    return keras.Model(patch, layers.Flatten(name="encod")(x), name="model_toy")


def module(name="model_toy"):
    return types.SimpleNamespace(__name__=name, INPUT="log_mel", CHUNK_SECONDS=1.0, PRETEXT="denoise", TITLE="Toy",
                                 build=build, encoder=lambda model: model)


@pytest.fixture(scope="module")
def train(make_config, tmp_path_factory):
    """Function that trains on the music corpus of the tests, from an encoder of random weights."""
    cfg = make_config(folder=tmp_path_factory.mktemp("linear"))
    generate.run("music", "e", cfg, folds=3)
    run = model_file.speech_run(cfg, "english", "model_toy", 0)
    keras.utils.set_random_seed(1)
    files.write_json(run.file("run.json"), {"key": "k", "settings": {}, "name": "model_toy", "hours": None,
                                            "weights_sha256": keras3.save(build((128, 31, 1)), run.path)})

    def go(*, release="n", music="e", n_folds=None, linear=True, **options):
        by = functools.partial(crossval.run, transfer.run, n_folds=n_folds) if n_folds else transfer.run
        return by(cfg, speech="e", music=music, name="model_toy", module=module(), release=release, linear=linear,
                  **options)
    go.cfg = cfg
    return go


@pytest.fixture(scope="module")
def run(train):
    return train()


def test_it_is_reported_and_found_again(train, run, capsys):
    about = json.loads(run.file("run.json").read_text(encoding="utf-8"))
    assert run.stem == "model_toy.multitask.spec.it_0.linear" and about["title"] == "Toy, linear heads"
    assert about["settings"]["heads"] == "linear" and about["vote"] == discriminant.VOTE
    assert about["certainty"]["components"] == max(discriminant.COMPONENTS)
    assert about["certainty"]["chosen"]["shrinkage"] in discriminant.SHRINKAGES
    report = json.loads(run.file("report.json").read_text(encoding="utf-8"))
    assert set(report["clip"]) == {task.name for task in PUBLISHED}
    before = run.path.read_bytes()
    capsys.readouterr()
    assert "finished already" in (train(), capsys.readouterr().out)[1] and run.path.read_bytes() == before


def test_clips_get_the_mean_of_the_logits_of_their_patches(train, run):
    """Against the heads applied to the mean code of each clip, on an encoder of its own."""
    clips = datasets.load("music", "e", train.cfg).side("test")
    network, reads = build((128, 31, 1)), chunks.of_encoder(module(), train.cfg.values)
    keras3.load(network, model_file.speech_run(train.cfg, "english", "model_toy", 0).path)
    patches = clips.patches(reads, reads.hop_rows(train.cfg.patch_overlap))
    codes = network.predict(patches.gather(np.arange(len(patches))), verbose=0)
    model = engines.build_keras(run, load_module=module)
    (weights, offsets), (slopes, intercepts) = (model.get_layer(name).get_weights() for name in (PLACE, "quadrants"))
    answers = [((codes[patches.clip == one].mean(axis=0) @ weights + offsets) @ slopes + intercepts).argmax()
               for one in range(len(clips))]
    rows = [line.split(",") for line in run.file("predictions.csv").read_text(encoding="utf-8").splitlines()]
    level, name, said = (rows[0].index(column) for column in ("level", "clip", "predicted_quadrants"))
    listed = {row[name]: row[said] for row in rows if row[level] == "clip"}
    assert [listed[one] for one in clips.ids] == [f"Q{answer + 1}" for answer in answers]


def test_the_test_clips_are_not_fitted(train, run, monkeypatch):
    """The heads are those of the clips for training and validation, whatever the test clips sound like."""
    heard = {}
    monkeypatch.setattr(discriminant, "fit", lambda codes, clip, *_, **__: heard.update(n=clip.max() + 1) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        train(force=True)
    clips = datasets.load("music", "e", train.cfg)
    assert heard["n"] == (clips.split != "test").sum() < len(clips)


def test_folds(train):
    folder = train(n_folds=3)
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert folder.name == "model_toy.multitask.spec.it_0.folds_3.linear" and report["test"]["clips"] > 0


def test_exported_and_judged(train, tmp_path, rng, capsys):
    run = train(force=True)
    export.export(run, tmp_path / "toy.onnx", load_module=module)
    opened = engines.open_onnx(tmp_path / "toy.onnx")
    assert opened.about["pooling"] == "log" and opened.familiar == run.read("certainty")["certainty"]["familiar"]
    noise = tmp_path / "noise.wav"
    soundfile.write(noise, 0.5 * rng.uniform(-1, 1, 16000 * 5), 16000)
    theirs = predict.predict_file(noise, [opened])
    ours = predict.predict_file(noise, [engines.open_keras(run, load_module=module)], sure_from=0.999)
    assert theirs.verdict.distance == pytest.approx(ours.verdict.distance, rel=1e-3)
    assert theirs.mean["quadrants"] == pytest.approx(ours.mean["quadrants"], abs=1e-3)
    log = np.log(theirs.probabilities["quadrants"]).mean(axis=0)
    assert theirs.mean["quadrants"] == pytest.approx(np.exp(log) / np.exp(log).sum())
    assert ours.verdict.kind in ("not sure", "unfamiliar") and ours.summary()["verdict"]["words"] == ours.verdict.words
    done = batch.run({noise: "noise"}, [opened], tmp_path / "out")
    assert done.songs[0]["verdict"]["kind"] in verdict.KINDS
    assert done.songs[0]["verdict"]["words"].lower() in capsys.readouterr().out.lower()
    kept = json.loads((tmp_path / "out" / "noise" / "clip.json").read_text(encoding="utf-8"))
    row = next(csv.DictReader((tmp_path / "out" / "summary.csv").open(encoding="utf-8")))
    assert (row["verdict"], float(row["certainty"])) == (kept["verdict"]["kind"], kept["verdict"]["certainty"])
    assert kept["verdict"] == done.songs[0]["verdict"] and kept["source"]["sure_from"] == verdict.SURE


@pytest.mark.parametrize("options", [{"release": "y"}, {"music": "e,e"}])
def test_what_linear_heads_cannot_do_is_refused(train, options):
    with pytest.raises(MerError, match=r"--heads linear|e,e"):
        train(**options)
