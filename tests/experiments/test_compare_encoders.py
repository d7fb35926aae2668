"""compare_encoders.py end to end with the smallest encoder, on small corpora."""

import csv
import json
import types

import keras
import numpy as np
import pytest
from conftest import write_music, write_speech
from keras import layers
from PIL import Image
from sklearn.metrics import f1_score

import compare_encoders
import models
from mer import MerError, config
from mer.data import datasets, generate
from mer.experiments import activations, encoders
from mer.layers import BandAffine
from mer.training import pretrain, transfer
from mer.weights import model_file


def build(shape):
    patch = keras.Input(shape, name="patch")
    x = BandAffine(name="standardise")(patch)
    x = layers.Conv2D(6, (16, 3), strides=(16, 1), activation="relu", name="c1")(x)
    x = layers.BatchNormalization(name="n1")(x)
    code = layers.Dense(5, name="encod")(layers.Flatten(name="flat")(x))
    rebuilt = layers.Reshape(shape, name="rebuilt")(layers.Dense(int(np.prod(shape)), name="d1")(code))
    return keras.Model(patch, rebuilt, name="model_toy")


TOY = types.SimpleNamespace(
    __name__="models.model_toy", INPUT="log_mel", CHUNK_SECONDS=1.0, PRETEXT="denoise", TITLE="Toy", build=build,
    prepare=lambda model, mean, deviation: model.get_layer("standardise").set_affine(1 / deviation, -mean / deviation),
    heads=lambda code, tasks: {task.name: layers.Identity(name=f"{task.name}_code")(code) for task in tasks},
    encoder=lambda model: keras.Model(model.input, model.get_layer("encod").output, name="encoder"))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Folder of a user with two languages of speech and music, two encoders, and a Full model of one of them."""
    folder = tmp_path_factory.mktemp("home")
    write_speech(folder, np.random.default_rng(0), speakers=6, clips=5, seconds=2.0)
    write_music(folder, np.random.default_rng(1), clips=8)
    values = {"path_to_data": folder, "pretrain_epochs": 1, "heads_epochs": 1, "full_epochs": 1, "n_bootstrap": 50,
              "extract_jobs": 1, "cross_tests": False, "full_learning_rate": 1e-3,
              **{f"path_to_{name}": folder / name for name in ("features", "models", "models_trans", "results")}}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(f"MER_{name.upper()}", str(value))
        patch.setattr(models, "load", lambda name, **_: TOY)
        patch.setattr(models, "names", lambda: ["model_toy"])
        cfg = config.read("settings", [])
        generate.run("music", "e", cfg)
        for code in "em":
            generate.run("speech", code, cfg)
            pretrain.run(cfg, speech=code, name="model_toy", module=TOY)
        transfer.run(cfg, speech="e", music="e", name="model_toy", module=TOY, release="y")
        compare_encoders.main(["-mod", "model_toy", "-s", "e,m", "-m", "e", "--random", "2"])
        yield cfg


def read(cfg, name):
    with open(cfg.results_dir / "encoders" / f"{name}.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def about(cfg):
    return json.loads((cfg.results_dir / "encoders" / "encoders.json").read_text(encoding="utf-8"))


ENGLISH, MANDARIN = (f"Toy, {language} speech, run 0" for language in ("English", "Mandarin"))
FULL = f"{ENGLISH} -> 4Q-Emotion, Full"


def test_every_layer_of_every_encoder_is_compared_with_every_other(home):
    held = about(home)["encoders"]
    assert [one["title"] for one in held] == [ENGLISH, MANDARIN, FULL, "Toy, random weights 0", "Toy, random weights 1"]
    assert all(one["layers"] == ["input", "c1", "encod"] for one in held)
    rows = read(home, "cka")
    assert len(rows) == 15 * 16 // 2
    same = [row for row in rows if (row["encoder"], row["layer"]) == (row["other"], row["other_layer"])]
    assert len(same) == 15 and all(float(row["cka"]) == pytest.approx(1) for row in same)
    inputs = [row for row in rows if row["layer"] == row["other_layer"] == "input"]
    assert all(float(row["cka"]) == pytest.approx(1) for row in inputs), "all read the same"


def test_probes_ask_what_the_corpora_can_answer(home):
    rows = read(home, "probes")
    asked = {row["probe"] for row in rows}
    assert asked == {"quadrants", "arousal", "valence", "speech or music", "language", "speaker (e)", "speaker (m)"}
    full = {row["probe"] for row in rows if row["encoder"] == FULL}
    assert full == asked - {"quadrants", "arousal", "valence"}, "it has learnt these labels"
    code = next(row for row in rows if (row["probe"], row["encoder"], row["layer"]) == ("arousal", ENGLISH, "encod"))
    assert code["over_input"] and code["over_random"] and code["over_random_holm"]
    text = " ".join((home.results_dir / "encoders" / "summary.txt").read_text(encoding="utf-8").split())
    assert "no probe of emotion" in text and "--features is13" in text and FULL in text


def test_a_score_is_that_of_scikit_learn_on_mean_activations(home):
    """Recomputed from the network: activations, folds, answers."""
    from mer.experiments import probes, questions
    clips = datasets.load("music", "e", home)
    [one, *_] = encoders.wanted(home, models=["model_toy"], speech=["e"], paths=[], music="e", runs=1, n_random=0,
                                load_module=lambda _: TOY)
    network = build((128, 31, 1))
    model_file.speech_run(home, "english", "model_toy", 0).load(network)
    patches = clips.patches(one.reads, one.reads.hop_rows(home.patch_overlap))
    inner = keras.Model(network.input, [network.get_layer("c1").output, network.get_layer("encod").output])
    maps, codes = inner.predict(patches.gather(np.arange(len(patches))), verbose=0)
    wanted = {"c1": maps.mean(axis=(1, 2)), "encod": codes}
    held = activations.Listener(home, one).means(clips, of="")
    for name, values in wanted.items():
        mean = np.stack([values[patches.clip == clip].mean(axis=0) for clip in range(len(clips))])
        np.testing.assert_allclose(held[name], mean, atol=1e-4)
    asked = questions.of(home, {("music", "e"): clips})[0]
    probe = next(each for each in asked if each.name == "arousal")
    said = probes.answers(probe, held["encod"], probes.folds(probe, seed=home.seed))
    row = next(row for row in read(home, "probes") if (row["probe"], row["encoder"], row["layer"])
               == ("arousal", ENGLISH, "encod"))
    assert float(row["value"]) == pytest.approx(f1_score(probe.truth, said, average="macro"), abs=1e-3)


def test_weights_that_moved_are_measured_from_where_they_began(home):
    rows = {(row["encoder"], row["from"], row["layer"]): float(row["distance"]) for row in read(home, "moved")}
    assert {key[:2] for key in rows} == {(ENGLISH, "Toy, random weights 0"), (FULL, ENGLISH)}
    assert 0 < rows[FULL, ENGLISH, "c1"] < 1
    assert 0 < rows[ENGLISH, "Toy, random weights 0", "c1"] < 1.2, "two draws are 1.41 apart"


def test_random_weights_are_those_that_training_began_with(home):
    made = pretrain.run(home, speech="e", name="model_toy", module=TOY, random=True)
    network = build((128, 31, 1))
    made.load(network)
    found = encoders.wanted(home, models=["model_toy"], speech=["e"], paths=[], music="e", runs=1, n_random=2,
                            load_module=lambda _: TOY)
    twins = [one.open(home) for one in found if one.kind == encoders.RANDOM]
    for layer, apart in (("c1", 0), ("encod", 0), ("standardise", 0)):
        ours, theirs = twins[0].get_layer(layer).get_weights(), network.get_layer(layer).get_weights()
        assert max(np.abs(a - b).max() for a, b in zip(ours, theirs, strict=True)) == apart
    assert not np.array_equal(twins[0].get_layer("c1").get_weights()[0], twins[1].get_layer("c1").get_weights()[0])


def test_activations_are_kept_and_damaged_ones_made_again(home, capsys):
    folder = home.features_dir / "layers"
    paths = sorted(folder.glob("*.npz"))
    before = {path: path.read_bytes() for path in paths}
    damaged = bytearray(before[paths[0]])
    damaged[len(damaged) // 2] ^= 1
    paths[0].write_bytes(damaged)
    paths[1].unlink()
    capsys.readouterr()
    found = encoders.wanted(home, models=["model_toy"], speech=["e", "m"], paths=[], music="e", runs=1, n_random=2,
                            load_module=lambda _: TOY)
    for one in found:
        listener = activations.Listener(home, one)
        for kind, code in (("music", "e"), ("speech", "e"), ("speech", "m")):
            listener.means(datasets.load(kind, code, home), of="")
    assert capsys.readouterr().out.count("is damaged: it is computed again") == 1
    assert {path: path.stat().st_size for path in sorted(folder.glob("*.npz"))} == {
        path: len(content) for path, content in before.items()}


def test_pictures_are_there(home):
    for name in ("cka", "probes"):
        with Image.open(home.results_dir / "encoders" / f"{name}.png") as picture:
            assert min(picture.size) > 300


@pytest.mark.parametrize(("flags", "said"), [
    ([], "no encoder came"),
    (["-mod", "model_toy"], "-mod model_toy came without -s"),
    (["-mod", "model_toy", "-s", "x"], "run 'python3 pretrain.py -s x -mod model_toy' first"),
    (["--weights", "nothing.weights.h5"], "does not exist"),
])
def test_what_is_missing_is_said(home, flags, said):
    with pytest.raises(MerError, match=said):
        compare_encoders.main([*flags, "-m", "e"])


def test_a_file_is_compared_as_what_it_is(home):
    run = next(home.models_trans_dir.rglob("*.lr_5e-05.weights.h5"))
    found = encoders.wanted(home, models=[], speech=[], paths=[str(run)], music="e", runs=1, n_random=1,
                            load_module=lambda _: TOY)
    assert [one.kind for one in found] == [encoders.TRANSFERRED] and found[0].has_learnt_labels_of("e")
    assert not found[0].has_learnt_labels_of("p")
