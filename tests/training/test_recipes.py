"""Training by the recipe of an encoder: batches, optimizer and schedule; nothing changes for those without one."""

import dataclasses

import keras
import numpy as np
import pytest

import models
from mer import MerError
from mer.features.chunks import Chunks, of_encoder
from mer.features.representations import Representation, get, names
from mer.features.representations.log_mel import LogMel
from mer.recipes import Recipe
from mer.tasks import TASKS
from mer.training import recipes, transfer
from mer.training.drawn import Drawn

READS = Chunks(LogMel(), 1.0, 31)
PLAIN = Recipe(optimizer="adamw", learning_rate=1e-3, epochs=1, batch=6, class_weights=False)
ALL = dataclasses.replace(PLAIN, gain=0.5, mixup=0.3, masks=2, mask_bands=8, mask_frames=4, label_smoothing=0.1,
                          steps=3)


def drawn(music, recipe, seed=1):
    return Drawn(music.side("train"), TASKS, reads=READS, recipe=recipe, seed=seed)


def test_a_batch_depends_on_seed_epoch_and_number_only(music):
    one, two = drawn(music, ALL), drawn(music, ALL)
    two.set_epoch(4)
    two[1]
    two.set_epoch(0)
    for a, b in zip(one[2], two[2], strict=True):
        np.testing.assert_equal(a, b)
    assert not np.array_equal(one[2][0], one[1][0]) and not np.array_equal(one[2][0], drawn(music, ALL, seed=2)[2][0])
    two.set_epoch(1)
    assert not np.array_equal(one[2][0], two[2][0])


def test_chunks_are_pieces_of_the_clips_that_carry_their_labels(music):
    data = drawn(music, PLAIN)
    inputs, targets, weights = data[0]
    for row, clip in enumerate(data.indices(0)):
        whole = READS.cut(data.clips.stores[0].clip(data.clips.index[clip]), 1)
        assert (whole == inputs[row]).all(axis=(1, 2, 3)).any()
        for task in TASKS:
            truth = task.targets([data.clips.labels[task.column][clip]])
            np.testing.assert_array_equal(targets[task.name][row], task.encoded(truth)[0])
    assert all((each == 1).all() for each in weights.values())
    seen = np.concatenate([data.indices(batch) for batch in range(len(data))])
    assert sorted(seen) == list(range(len(data.clips)))


def test_steps_draw_clips_with_replacement_and_places_anew(music):
    data = drawn(music, dataclasses.replace(PLAIN, steps=40, batch=20))
    assert len(data) == 40 and len(data[39][0]) == 20
    chunks = {chunk.tobytes() for batch in range(40) for chunk in data[batch][0]}
    places = sum(len(data.clips.stores[0].clip(i)) - 30 for i in data.clips.index)
    assert len(chunks) == pytest.approx(places * (1 - np.exp(-800 / places)), rel=0.07)  # of so many draws


def test_every_augmentation_reaches_the_batches(music):
    plain = drawn(music, dataclasses.replace(PLAIN, steps=1))[0]
    for change in ({"gain": 0.5}, {"mixup": 0.3}, {"masks": 1, "mask_bands": 30}, {"masks": 1, "mask_frames": 9}):
        made = drawn(music, dataclasses.replace(PLAIN, steps=1, **change))[0]
        assert not np.array_equal(made[0], plain[0]) and made[0].dtype == np.float32, change
    smooth = drawn(music, dataclasses.replace(PLAIN, steps=1, label_smoothing=0.2))[0]
    np.testing.assert_array_equal(smooth[0], plain[0])
    np.testing.assert_allclose(smooth[1]["quadrants"], 0.8 * plain[1]["quadrants"] + 0.05, rtol=1e-6)


@pytest.mark.parametrize("name", names())
def test_amplified_rows_are_those_of_the_louder_sound(name, rng):
    of = get(name, {})
    sound = rng.normal(0, 0.2, 16000).astype(np.float32)
    if type(of).amplified is Representation.amplified:
        with pytest.raises(MerError, match=f"{name} does not say how its rows follow the amplitude"):
            of.amplified(np.zeros((1, 1, of.width)), np.ones(1))
        return
    made = of.amplified(of.rows(sound)[None], np.array([0.5], np.float32))[0]
    np.testing.assert_allclose(made, of.rows(0.5 * sound), atol=1e-4)


def test_clips_shorter_than_a_chunk_are_not_drawn_and_none_at_all_is_refused(music):
    clips, rows = music.side("train"), max(np.diff(music.bounds, axis=0)[0])
    with pytest.raises(MerError, match="no clip for training is as long as .* s, which the encoder reads"):
        recipes.batches_of(clips, TASKS, reads=Chunks(LogMel(), 9.0, rows + 1), recipe=PLAIN, seed=0)


def test_one_cycle_is_that_of_pytorch():
    """torch.optim.lr_scheduler.OneCycleLR(max_lr=2.0, total_steps=10), its defaults, at each step."""
    expected = [0.08, 1.04, 2.0, 1.9009693, 1.6234913, 1.222524, 0.777484, 0.3765167, 0.0990387, 8e-06]
    cycle = recipes.OneCycle(2.0, 10)
    np.testing.assert_allclose([float(cycle(step)) for step in range(10)], expected, rtol=1e-4, atol=1e-6)


def test_rmsprop_is_that_of_pytorch(rng):
    recipe = dataclasses.replace(PLAIN, optimizer="rmsprop", learning_rate=0.004)
    variable = keras.Variable(np.ones(3, np.float32))
    optimizer = recipes.OPTIMIZERS["rmsprop"](0.004, recipe)
    value, square = np.ones(3), np.zeros(3)
    for _ in range(5):
        gradient = rng.normal(size=3) * [1, 1e-3, 1e-6]
        optimizer.apply([keras.ops.convert_to_tensor(gradient.astype(np.float32))], [variable])
        square = 0.95 * square + 0.05 * gradient**2
        value = value - 0.004 * gradient / (np.sqrt(square) + 1e-8)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(variable), value, rtol=1e-3, atol=1e-5)


def test_a_setting_that_a_recipe_names_is_followed_and_recorded(make_config):
    module, cfg = models.load("model_resnet"), make_config("resnet_mixup=0.7", "resnet_epochs=3")
    recipe = recipes.of(module, cfg)
    assert (recipe.mixup, recipe.epochs, recipe.optimizer) == (0.7, 3, "adamw")
    reads = of_encoder(module, cfg.values)
    held = transfer.relevant_settings(cfg, "scratch", reads, module)
    assert held["resnet_mixup"] == 0.7 and held["recipe_schedule"] == "one_cycle" and held["n_mel_bands"] == 128
    assert not any(name.startswith(("scratch_epochs", "halve", "sincnet")) for name in held)


@pytest.mark.parametrize("change, expected", [
    ({"epochs": "resnet_epoch"}, "epochs = 'resnet_epoch' came .* but the name of a setting was expected"),
    ({"optimizer": "sgd"}, "optimizer = 'sgd' came .* but 'rmsprop' or 'adamw' or the name of a setting was")])
def test_what_a_recipe_cannot_be_is_said_in_a_sentence(change, expected, cfg):
    with pytest.raises(MerError, match=expected):
        dataclasses.replace(PLAIN, **change).resolved(cfg.values)


def test_encoders_without_a_recipe_depend_on_the_settings_that_they_did(cfg):
    module = models.load("model_cnn")
    held = transfer.relevant_settings(cfg, "scratch", of_encoder(module, cfg.values), module)
    assert recipes.of(module, cfg) is None
    assert set(held) == {"sample_rate_hz", "n_fft", "window_samples", "hop_samples", "n_mel_bands", "patch_seconds",
                         "precision", "early_stopping_epochs", "halve_after_epochs", "patch_overlap", "scratch_decay",
                         "scratch_class_weights", "scratch_epochs", "scratch_batch_patches", "scratch_learning_rate",
                         "loss"}
