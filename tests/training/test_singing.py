"""Trained on the speech of some actors and tested on the song of others: budgets of labels, normalization per actor."""

import csv
import json
import types

import keras
import numpy as np
import pytest
import ravdess_files
from keras import layers
from made_up import without_pictures

from mer import MerError, files
from mer.data import datasets, generate
from mer.training import crossval, loop, transfer
from mer.weights import catalogue, keras3, model_file

STEM = "model_toy.multitask.spec.it_0"


def build(shape):
    patch = keras.Input(shape, name="patch")
    x = layers.Conv2D(2, (32, 31), strides=(32, 1), activation="relu", name="c1")(patch)
    return keras.Model(patch, layers.Flatten(name="encod")(x), name="model_toy")


TOY = types.SimpleNamespace(__name__="model_toy", INPUT="log_mel", CHUNK_SECONDS=1.0, PRETEXT="denoise", TITLE="Toy",
                            build=build, encoder=lambda model: model,
                            heads=lambda code, tasks: {task.name: code for task in tasks})


@pytest.fixture(scope="module")
def cfg(make_config, tmp_path_factory):
    """Both halves of a small RAVDESS with three folds, and an encoder of random weights."""
    folder = tmp_path_factory.mktemp("singing")
    ravdess_files.write(folder / "data", np.random.default_rng(0), takes=2)
    with pytest.MonkeyPatch.context() as patch:
        without_pictures(patch)
        patch.setattr(loop, "compile_options", lambda: {"run_eagerly": True})
        made = make_config(f"path_to_data={folder / 'data'}", "cross_tests=True", "heads_epochs=1",
                           "heads_batch_patches=256", folder=folder)
        for code in "vr":
            generate.run("music", code, made, folds=3)
        run = model_file.speech_run(made, "english", "model_toy", 0)
        keras.utils.set_random_seed(1)
        files.write_json(run.file("run.json"), {"key": "k", "settings": {}, "name": "model_toy", "hours": None,
                                                "weights_sha256": keras3.save(build((128, 31, 1)), run.path)})
        yield made


def train(cfg, music, *, go=transfer.run, linear=True, **options):
    return go(cfg, speech="e", music=music, name="model_toy", module=TOY, release="n", linear=linear, **options)


def about(folder):
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))


def actors(folder):
    with open(folder / "predictions.csv", newline="", encoding="utf-8") as file:
        return {row["group"] for row in csv.DictReader(file)}


def test_speech_of_a_fold_is_tested_on_song_of_the_same_unheard_actors(cfg):
    run = train(cfg, "v", fold=(1, 3))
    heard = datasets.load("music", "v", cfg, fold=(1, 3))
    trained = set(heard.group[heard.split != "test"])
    sung = about(run.file("tests") / "sung")
    assert sung["role"] == "cross" and sung["tested_on"] == "RAVDESS song" and sung["left_out"] == {}
    assert actors(run.file("tests") / "sung") and not actors(run.file("tests") / "sung") & trained
    assert actors(run.file("tests") / "sung") == actors(run.file(".")) - {"RAVDESS 08"}


def test_a_budget_is_a_run_of_its_own_and_all_folds_say_it(cfg):
    folder = train(cfg, "v+r", labels=8, go=lambda *a, **k: crossval.run(transfer.run, *a, n_folds=3, **k))
    known = about(folder)
    assert folder.parent.name == "speech_eng_2_music_spoken+sung_8labels" and known["music"] == "v+r"
    assert known["labels"] == {"of": "RAVDESS song", "clips": 8, "there": known["labels"]["there"]}
    of_song = about(folder / "tests" / "sung")
    assert (of_song["role"], of_song["tested"], of_song["labels"]["clips"]) == ("mixed", "r", 8)
    assert "Labels  8 of " in (folder / "tests" / "sung" / "report.txt").read_text(encoding="utf-8")
    one = about(folder.with_name(folder.name.replace("folds_3", "fold_1of3")))
    spoken = datasets.load("music", "v", cfg, fold=(1, 3))
    assert one["clips"]["train"] + one["clips"]["val"] == 8 + sum(spoken.split != "test")
    assert one["grouped_by"] == "actor", "an actor who speaks and sings is one group"
    assert all(name.startswith("RAVDESS ") for name in actors(folder))


def test_normalization_per_actor_is_said_and_no_song_is_predicted_with_it(cfg):
    plain, run = train(cfg, "r"), train(cfg, "r", per_group=True)
    assert run.path.parent.name == "speech_eng_2_music_sung_per_group"
    assert run.path.read_bytes() != plain.path.read_bytes()
    known = about(run.file("."))
    assert known["normalized_by"] == "actor" and known["settings"]["normalize_groups"] is True
    assert (known["tested"], known["tested_abbr"]) == ("r", "sung") and "role" not in known
    for folder in (run.file("."), run.file("tests") / "spoken"):
        assert "WARNING: Transductive" in (folder / "report.txt").read_text(encoding="utf-8")
    assert "normalized_by" not in about(plain.file("."))
    assert "normalize_groups" not in about(plain.file("."))["settings"]
    with pytest.raises(MerError, match="nobody knows the other clips of the actor of a song"):
        catalogue.named(run.path)
    assert [file.path for file in catalogue.find(cfg, music="r")] == [plain.path]
    before = run.path.read_bytes()
    assert train(cfg, "r", per_group=True).path.read_bytes() == before


def test_trained_heads_take_codes_normalized_per_actor_too(cfg):
    run = train(cfg, "v+r", linear=False, per_group=True, labels=12)
    assert about(run.file("."))["normalized_by"] == "actor" and actors(run.file("tests") / "sung")
    assert run.path.parent.name == "speech_eng_2_music_spoken+sung_12labels_per_group"


@pytest.mark.parametrize("options, words", [
    ({"music": "v,r", "labels": 8}, "give -m without commas"),
    ({"music": "r", "labels": 5000}, "asks for more labelled clips"),
    ({"music": "r", "per_group": True, "release": "y"}, "is of a frozen encoder")])
def test_what_does_not_go_together_is_one_sentence(cfg, options, words):
    given = {"speech": "e", "name": "model_toy", "module": TOY, "release": "n", **options}
    with pytest.raises(MerError, match=words):
        transfer.run(cfg, **given)
