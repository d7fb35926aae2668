"""Every architecture builds, keeps the published names and sizes, trains a step and survives saving."""

from types import SimpleNamespace

import h5py
import keras
import numpy as np
import pytest
from made_up import targets

import models
from mer import MerError, heads, layers
from mer.features import chunks
from mer.tasks import TASKS
from mer.training import loop
from mer.weights import keras2, keras3
from mer.weights.model_file import PUBLISHED

PATCH = (128, 31, 1)
ALL = models.names()


def load(name):
    return models.load(name)


def shape_of(name):
    """Shape of one chunk as an architecture reads it, with the settings as they came."""
    return chunks.of_encoder(load(name), {}).shape


def some_patches(n=4, *, seed=0, shape=PATCH):
    return np.random.default_rng(seed).normal(-6, 2, (n, *shape)).astype(np.float32)


def answers(model, patches):
    """What a model gives, without the second that `predict` takes to trace it."""
    return keras.tree.map_structure(keras.ops.convert_to_numpy, model(patches, training=False))


def channels_last(array):
    return np.moveaxis(array, -3, -1)


def test_the_published_autoencoder_computes_the_same(shared):
    model = load("model_over").build(PATCH)
    folder = shared / "legacy"
    keras2.load(model, next(folder.glob("models/speech/english/model_over*.hdf5")))
    stored = np.load(folder / "model_over_outputs.npz", allow_pickle=False)
    patches = channels_last(stored["patches"])
    np.testing.assert_allclose(model.predict(patches, verbose=0), channels_last(stored["reconstruction"]), atol=1e-4)
    codes = load("model_over").encoder(model).predict(patches, verbose=0)
    np.testing.assert_allclose(codes, channels_last(stored["encod"]), atol=1e-4)


def test_the_published_cpc_computes_the_same(shared):
    model = load("model_cpc").build(PATCH)
    folder = shared / "legacy"
    keras2.load(model, next(folder.glob("models/speech/english/model_cpc*.hdf5")))
    stored = np.load(folder / "model_cpc_outputs.npz", allow_pickle=False)
    codes = load("model_cpc").encoder(model).predict(channels_last(stored["patches"]), verbose=0)
    np.testing.assert_allclose(codes, stored["encod"], rtol=1e-6, atol=1e-4)  # codes reach 370
    inputs = {name: channels_last(stored[name]) for name in ("past", "future")}
    np.testing.assert_allclose(model.predict(inputs, verbose=0), stored["score"], atol=1e-4)
    context = keras.Model(model.input, model.get_layer("ar_context").output).predict(inputs, verbose=0)
    np.testing.assert_allclose(context, stored["context"], atol=1e-4)


# Counted over the arrays of the published files; the CPC file holds its encoder twice.
@pytest.mark.parametrize("name, parameters", [("model_over", 712_685), ("model_cpc", 4_943_172)])
def test_parameter_counts(name, parameters):
    assert load(name).build(PATCH).count_params() == parameters


# EUSIPCO 2020: an LSTM of 100 or 800 units on 260 values a second, and back; 520 numbers standardize
@pytest.mark.parametrize("name, code, parameters", [("model_dae", (5, 100), 171_180),
                                                    ("model_dae_sparse", (10, 800), 3_603_980)])
def test_sizes_of_the_recurrent_autoencoders(name, code, parameters):
    model = load(name).build(shape_of(name))
    assert model.output_shape[1:] == shape_of(name) == (code[0], 260) and model.count_params() == parameters
    assert load(name).encoder(model).output_shape == (None, *code)


def test_published_layer_names():
    names = [layer.name for layer in load("model_over").build(PATCH).layers[1:]]
    expected = ("b1_b1 b1_c1 b1_b2 b1_c2 b1_b3 b1_mp1 b1_d1 b2_c1 b2_b1 b2_c2 b2_b2 b2_mp1 b2_d1 b3_c1 b3_b1 b3_c2 "
                "b3_b2 b3_mp1 b3_d1 encod b6_c1 b6_b1 b6_c2 b6_b2 b6_d1 b7_c1 b7_b1 b7_c2 b7_b2 "
                "b7_d1 b8_c1 b8_b1 b8_c2 b8_b2")
    assert names == expected.split()


@pytest.mark.parametrize("name", ALL)
def test_codes_and_heads_have_the_stated_shapes(name):
    module = load(name)
    model = heads.attach(module.encoder(module.build(shape_of(name))), TASKS, module)
    out = model.predict(some_patches(shape=shape_of(name)), verbose=0)
    assert {task: value.shape for task, value in out.items()} == {task.name: (4, task.units) for task in TASKS}
    for task in TASKS:
        if task.classes:
            np.testing.assert_allclose(out[task.name].sum(axis=1), 1, atol=1e-5)
        else:
            assert (np.abs(out[task.name] - np.mean(task.range)) <= np.ptp(task.range) / 2).all()
    code = module.encoder(module.build(shape_of(name))).output_shape[1:]
    units = {"model_over": 7936, "model_cpc": 256}.get(name, np.prod(code))
    assert heads.encoder_of(model).output_shape == ((None, *code) if hasattr(module, "heads") else (None, units))


@pytest.mark.parametrize("name", ALL)
def test_heads_on_codes_are_the_same_function(name):
    module = load(name)
    model = heads.attach(module.encoder(module.build(shape_of(name))), TASKS, module)
    codes = answers(heads.encoder_of(model), some_patches(shape=shape_of(name)))
    whole = answers(model, some_patches(shape=shape_of(name)))
    split = answers(heads.on_codes(model, TASKS), codes)
    for task, value in whole.items():
        np.testing.assert_allclose(split[task], value, atol=1e-5)


def test_heads_of_ones_own_read_the_code_as_it_is():
    module = SimpleNamespace(heads=lambda code, tasks: {task.name: keras.layers.LSTM(3)(code) for task in tasks})
    rows = keras.Input((5, 7), name="patch")
    model = heads.attach(keras.Model(rows, keras.layers.Dense(2)(rows)), TASKS, module)
    x = some_patches(shape=(5, 7))
    codes = heads.encoder_of(model).predict(x, verbose=0)
    assert codes.shape == (4, 5, 2) and not any(layer.name.startswith(heads.TRUNK) for layer in model.layers)
    of_codes, whole = heads.on_codes(model, TASKS).predict(codes, verbose=0), model.predict(x, verbose=0)
    for task in TASKS:
        assert whole[task.name].shape == (4, task.units)
        np.testing.assert_allclose(of_codes[task.name], whole[task.name], atol=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_saved_weights_give_the_same_output_and_hold_no_optimiser(name, tmp_path):
    module = load(name)
    keras.utils.set_random_seed(1)
    model = heads.attach(module.encoder(module.build(shape_of(name))), TASKS, module)
    model.compile(loop.DecayingAdam(1e-3), loss="mse", jit_compile=False)
    keras3.save(model, tmp_path / "a.weights.h5")
    keras.utils.set_random_seed(2)
    other = heads.attach(module.encoder(module.build(shape_of(name))), TASKS, module)
    keras3.load(other, tmp_path / "a.weights.h5")
    found = answers(other, some_patches(shape=shape_of(name)))
    for task, value in answers(model, some_patches(shape=shape_of(name))).items():
        np.testing.assert_allclose(found[task], value, rtol=0, atol=1e-6)
    with h5py.File(tmp_path / "a.weights.h5") as file:
        assert "optimizer" not in file


@pytest.mark.parametrize("name", ALL)
def test_one_step_of_training_moves_every_trainable_layer(name):
    module = load(name)
    keras.utils.set_random_seed(0)
    model = module.build(shape_of(name))
    if module.PRETEXT in (None, PUBLISHED):
        model = heads.attach(module.encoder(model), TASKS, module)
        x = some_patches(shape=shape_of(name))
        truth = targets(np.arange(4))
        y = {task.name: task.encoded(truth[task.name]) for task in TASKS}
        loss = {task.name: task.loss for task in TASKS}
    elif module.PRETEXT == "cpc":
        x = {"past": np.stack([some_patches(4, seed=i, shape=shape_of(name)) for i in range(4)]),
             "future": np.stack([some_patches(2, seed=9 + i, shape=shape_of(name)) for i in range(4)])}
        y, loss = np.array([[0.0], [1.0], [0.0], [1.0]], "f"), "binary_crossentropy"
    elif module.PRETEXT == "contrast":
        x = np.stack([some_patches(seed=i, shape=shape_of(name)) for i in range(2)], axis=1)
        y, loss = np.arange(4), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    elif hasattr(module, "HIDDEN_SHARE"):
        y, loss = some_patches(shape=shape_of(name)), "mse"
        x = {"patch": y, "hidden": np.zeros_like(y)}
    else:
        x = y = some_patches(shape=shape_of(name))
        loss = "mse"
    model.compile(loop.DecayingAdam(1e-2), loss=loss, run_eagerly=True)  # tracing one step takes seconds
    before = [keras.ops.convert_to_numpy(weight).copy() for weight in model.trainable_weights]
    model.train_on_batch(x, y)
    still = [weight.path for old, weight in zip(before, model.trainable_weights, strict=True)
             if np.array_equal(old, keras.ops.convert_to_numpy(weight))]
    # a bias before a softmax over equal targets, or a unit that is dead on so few patches, may stand still
    assert len(still) <= len(before) // 5, still


def test_the_corrected_autoencoder_can_be_told_the_scale_of_its_bands():
    module = load("model_scae")
    model = module.build(PATCH)
    mean, deviation = np.linspace(-10, -2, 128), np.linspace(0.5, 3, 128)
    module.prepare(model, mean, deviation)
    standard = keras.Model(model.input, model.get_layer("standardise").output)
    patch = np.broadcast_to((mean + deviation)[:, None, None], PATCH)[None].astype(np.float32)
    np.testing.assert_allclose(standard.predict(patch, verbose=0), 1, atol=1e-4)
    # the output starts near the training mean instead of near zero
    assert abs(model.predict(patch, verbose=0).mean() - mean.mean()) < 2


def test_time_norm_is_that_of_the_frames():
    x = some_patches(8)
    out = layers.batch_norm("n", over="time")(x, training=True)
    out = keras.ops.convert_to_numpy(out)
    np.testing.assert_allclose(out.mean(axis=(0, 1, 3)), 0, atol=1e-4)  # (batch, bands, frames, 1): frames remain
    np.testing.assert_allclose(out.std(axis=(0, 1, 3)), 1, atol=1e-2)


def test_hard_sigmoid_is_that_of_keras_2():
    x = np.array([-3.0, -2.5, -1.0, 0.0, 1.0, 2.5, 3.0], np.float32)
    np.testing.assert_allclose(layers.hard_sigmoid(x), [0, 0, 0.3, 0.5, 0.7, 1, 1], atol=1e-6)


def test_unknown_and_wrong_architectures_are_named():
    with pytest.raises(MerError, match="did you mean model_over"):
        models.load("model_ovr", pretexts=["denoise"])
    with pytest.raises(MerError, match="use one of: model_dae, model_dae_sparse, model_masked, model_over, model_scae"):
        models.load("model_cpc", pretexts=["denoise"])


def test_an_architecture_that_lacks_a_part_is_named(monkeypatch):
    module = load("model_cnn")
    monkeypatch.setattr(module, "CHUNK_SECONDS", "1 s")
    with pytest.raises(MerError, match=r"CHUNK_SECONDS = '1 s' came in models/model_cnn.py, but a number"):
        chunks.of_encoder(module, {})
    monkeypatch.delattr(module, "CHUNK_SECONDS")
    with pytest.raises(MerError, match=r"models/model_cnn.py lacks CHUNK_SECONDS: docs/adding.md"):
        load("model_cnn")


def test_weights_of_something_else_are_refused(tmp_path):
    path = tmp_path / "x.weights.h5"
    model = load("model_over").build(PATCH)
    with pytest.raises(MerError, match="does not exist"):
        keras3.load(model, path)
    path.write_text("no weights")
    with pytest.raises(MerError, match="is no HDF5 file"):
        keras3.load(model, path)
    keras3.save(load("model_scae").build(PATCH), path)
    with pytest.raises(MerError, match="does not fit model_over"):
        keras3.load(model, path)
