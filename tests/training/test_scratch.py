"""train_sincnet.py end to end on a few clips: folds, votes, filters; and a run by a recipe that is killed."""

import csv
import dataclasses
import json

import keras
import numpy as np
import pytest

import generate_dataset
import models
import quad_pred
import report
import train_sincnet
from mer import MerError, heads
from mer.features.chunks import Chunks
from mer.features.representations.log_mel import LogMel
from mer.recipes import Recipe
from mer.tasks import PUBLISHED, TASKS
from mer.training import batches, loop, recipes, transfer
from mer.training.drawn import Drawn
from mer.weights import engines, keras3
from mer.weights.model_file import ModelFile

FLAGS = ["-m", "e", "--folds", "2"]
SMALL = {"sincnet_epochs": 1, "sincnet_steps": 2, "sincnet_batch_chunks": 4, "sincnet_500_batch_chunks": 2,
         "sincnet_vote_hop_ms": 100, "n_bootstrap": 20, "extract_jobs": 1, "cross_tests": False}


@pytest.fixture(scope="module")
def trained(tmp_path_factory, data):
    """Folder of the runs of SincNet with few units."""
    from mer import limits
    home = tmp_path_factory.mktemp("scratch")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models.load("model_sincnet"), "UNITS", 8)
        for name, value in {**SMALL, "path_to_data": data, "path_to_features": home / "features",
                            "path_to_models": home / "models", "path_to_results": home / "results"}.items():
            if name in limits.OF:
                patch.setenv(f"MER_{name}".upper(), str(value))
        generate_dataset.main(["-d", "m", "-l", "e", "--features", "waveform", "--folds", "2"])
        train_sincnet.main(FLAGS)
        yield home / "models" / "music" / "english"


def run_json(trained, part):
    return json.loads((trained / f"model_sincnet.multitask.spec.it_0.{part}.lr_0.001" / "run.json").read_text())


def rows(trained, part, level):
    with open(trained / f"model_sincnet.multitask.spec.it_0.{part}.lr_0.001" / "predictions.csv", newline="") as file:
        return {row["clip"]: row for row in csv.DictReader(file) if row["level"] == level}


def test_a_run_says_by_which_recipe_and_vote_it_came_about(trained):
    for part in ("fold_1of2", "folds_2"):
        about = run_json(trained, part)
        assert about["vote"] == {"pooling": "log", "hop_ms": 100.0} and about["settings"]["sincnet_steps"] == 2
        folder = trained / f"model_sincnet.multitask.spec.it_0.{part}.lr_0.001"
        assert "CLIPS (a vote every 100 ms)" in (folder / "report.txt").read_text()
    assert about["settings"]["recipe_optimizer"] == "rmsprop" and about["settings"]["patch_hop_seconds"] == 1.0
    picture = trained / "model_sincnet.multitask.spec.it_0.fold_1of2.lr_0.001" / "filters.png"
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_votes_of_the_folds_are_those_of_all_folds_together(trained):
    together, single = rows(trained, "folds_2", "clip"), {}
    for part in ("fold_1of2", "fold_2of2"):
        single |= rows(trained, part, "clip")
    assert together == single and len(together) == 20
    patches = rows(trained, "folds_2", "patch")
    assert any(together[clip]["p_Q1"] != patches[clip]["p_Q1"] for clip in together)


def test_a_finished_run_is_found_and_stands_in_the_table(trained, capsys):
    train_sincnet.main(FLAGS)
    assert capsys.readouterr().out.count("finished already") == 2
    report.main([])
    assert "SincNet" in (trained.parents[2] / "results" / "results.csv").read_text()


def test_chunks_of_500_ms_are_another_model(trained, monkeypatch):
    asked = {}
    monkeypatch.setattr(transfer, "run", lambda cfg, **options: asked.update(options))
    train_sincnet.main(["-m", "e", "--chunk-ms", "500"])
    assert (asked["name"], asked["module"].CHUNK_SECONDS) == ("model_sincnet_500", 0.5)


def test_a_prediction_pools_as_the_run_did(trained, data, tmp_path):
    weights = trained / "model_sincnet.multitask.spec.it_0.fold_1of2.lr_0.001.weights.h5"
    song = next((data / "MER_audio_taffc_dataset").rglob("*.mp3"))
    quad_pred.main(["-i", str(song), "-o", str(tmp_path), "--weights", str(weights), "--engine", "keras",
                    "--no-pictures"])
    said = json.loads(next(tmp_path.glob("*/clip.json")).read_text())
    assert said["models"][0]["about"]["pooling"] == "log"


def test_other_lengths_are_refused_in_a_sentence(capsys):
    with pytest.raises(SystemExit):
        train_sincnet.main(["-m", "e", "--chunk-ms", "300"])
    assert "argument --chunk-ms: '300' is none of 200, 500" in capsys.readouterr().err


def test_a_run_of_before_the_recipe_is_read_with_the_heads_that_it_had(tmp_path, monkeypatch):
    module = models.load("model_sincnet")
    monkeypatch.setattr(module, "UNITS", 8)
    old = heads.attach(module.build((3200, 1)), PUBLISHED)
    run = ModelFile(tmp_path / "model_sincnet.multitask.spec.it_0.lr_0.001.weights.h5")
    sha256 = keras3.save(old, run.path)
    run.file(".").mkdir()
    run.file("run.json").write_text(json.dumps({
        "key": "k", "name": "model_sincnet", "model": "model_sincnet", "it": 0, "seed": 1, "weights_sha256": sha256,
        "settings": {"representation": "waveform", "sample_rate_hz": 16000, "patch_seconds": 0.2}}))
    x = np.random.default_rng(0).normal(size=(2, 3200, 1)).astype(np.float32)
    made = engines.build_keras(run, load_module=models.load).predict(x, verbose=0)
    for task, values in old.predict(x, verbose=0).items():
        np.testing.assert_array_equal(made[task], values)


def test_a_killed_run_by_a_recipe_ends_with_the_same_numbers(music, cfg, tmp_path):
    """Random places, mixup and a schedule that spans all epochs."""
    recipe = Recipe(optimizer="adamw", schedule="one_cycle", learning_rate=0.01, epochs=4, batch=4, steps=3, gain=0.3,
                    mixup=0.3, masks=1, mask_bands=20, mask_frames=5, class_weights=True)
    reads = Chunks(LogMel(), 1.0, 31)

    class Dies(Drawn):
        def __getitem__(self, batch):
            if self.epoch == 2 and batch == 1:
                raise MerError("killed")
            return super().__getitem__(batch)

    def fit(folder, kind=Drawn, seed=0):
        keras.utils.set_random_seed(seed)
        patch = keras.Input(reads.shape)
        code = keras.layers.Dropout(0.2)(keras.layers.Flatten()(keras.layers.AveragePooling2D((32, 31))(patch)))
        model = heads.attach(keras.Model(patch, code), TASKS, models.load("model_sincnet"))
        known = kind(music.side("train"), TASKS, reads=reads, recipe=recipe, seed=5)
        recipes.compile_for(model, recipe, TASKS, steps=len(known))
        patches = music.side("val").patches(reads, 15)
        truth = {task.name: task.targets(music.side("val").labels[task.column])[patches.clip] for task in TASKS}
        unseen = batches.Emotion(patches, truth, rows=np.arange(len(patches)), tasks=TASKS, batch_size=8)
        return loop.fit(model, known, unseen, cfg=cfg, folder=tmp_path / folder, key="k", epochs=recipe.epochs,
                        halve=False)

    whole = fit("whole")
    with pytest.raises(Exception, match="killed"):
        fit("killed", Dies)
    for one, two in zip(whole, fit("killed", seed=9), strict=True):
        assert one == pytest.approx(two, rel=1e-5)
    assert dataclasses.asdict(recipe)["epochs"] == len(whole)
