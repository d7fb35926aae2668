"""What training minimizes: the losses by hand, on every backend, and the probabilities that they lead to."""

import importlib.util
import json
import os
import subprocess
import sys
from types import SimpleNamespace

import keras
import made_up
import numpy as np
import pytest
from conftest import ROOT

from mer import heads
from mer.tasks import PUBLISHED, TASKS
from mer.training import batches, transfer, variables

UNITS = 5
# Prints the losses of heads and of CPC's score for the arrays of a file; the same program on every backend.
PROGRAM = """
import json, sys
import keras, numpy as np
from mer import heads
from mer.tasks import TASKS
from models import model_cpc
from mer.training.pretexts import cpc

given = np.load(sys.argv[1], allow_pickle=False)
code = keras.Input((5,))
model = heads.attach(keras.Model(code, keras.layers.Activation("linear")(code)), TASKS)
model.set_weights([given[f"w{i}"] for i in range(len(model.weights))])
model.compile("sgd", loss={task.name: task.loss for task in TASKS}, jit_compile=False)
targets = {task.name: given[task.name] for task in TASKS}
losses = model.evaluate(given["codes"], targets, batch_size=64, return_dict=True, verbose=0)

pair = [keras.Input((2, 4)), keras.Input((2, 4))]
score = keras.Model(pair, model_cpc.MeanProduct(dtype="float32")(pair))
score.compile("sgd", **cpc.Task.compile_with, jit_compile=False)
losses["cpc"] = score.evaluate([given["predicted"], given["true"]], given["label"], batch_size=64, return_dict=True,
                               verbose=0)["loss"]
print(json.dumps(losses))
"""


def model_of_heads(tasks=TASKS):
    code = keras.Input((UNITS,))
    return heads.attach(keras.Model(code, keras.layers.Activation("linear")(code)), tasks)


def softmax(logits):
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def compiled(model):
    model.compile("sgd", loss={task.name: task.loss for task in TASKS}, jit_compile=False)
    return model


def logits_of(model):
    """Logits of a model's tasks for its input, by its own weights."""
    layers = {task.name: model.get_layer(task.name) for task in TASKS if task.classes}
    inner = keras.Model(model.input, {name: layer.input for name, layer in layers.items()})
    return lambda codes: {name: inner.predict(codes, verbose=0)[name] @ layer.get_weights()[0] + layer.get_weights()[1]
                          for name, layer in layers.items()}


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """Arrays for `PROGRAM`, in a file, and the losses by hand."""
    keras.utils.set_random_seed(3)
    rng = np.random.default_rng(0)
    model, codes, truth = model_of_heads(), rng.normal(0, 3, (64, UNITS)).astype(np.float32), rng.integers(0, 4, 64)
    for task in TASKS:  # biases that are not 0, of one sign: a sum over sigmoids would count them
        if task.classes:
            model.get_layer(task.name).bias.assign(rng.uniform(1, 3, len(task.classes)))
    targets, truth = {}, made_up.targets(truth)
    for task in TASKS:
        targets[task.name] = (np.eye(task.units, dtype=np.float32)[truth[task.name]] if task.classes
                              else truth[task.name][:, None].astype(np.float32))
    expected = {f"{name}_loss": -np.mean(np.log(np.sum(softmax(logits) * targets[name], axis=1)))
                for name, logits in logits_of(model)(codes).items()}
    expected |= {f"{task.name}_loss": np.mean((model.predict(codes, verbose=0)[task.name] - targets[task.name]) ** 2)
                 for task in TASKS if not task.classes}
    expected["loss"] = sum(expected.values())
    predicted, true = rng.normal(0, 2, (2, 64, 2, 4)).astype(np.float32)
    label = rng.integers(0, 2, (64, 1)).astype(np.float32)
    dot = (predicted.astype(float) * true).mean(axis=(1, 2))
    expected["cpc"] = np.mean(np.log1p(np.exp(np.where(label[:, 0] > 0, -dot, dot))))
    path = tmp_path_factory.mktemp("losses") / "given.npz"
    np.savez(path, codes=codes, **targets, predicted=predicted, true=true, label=label,
             **{f"w{i}": weight for i, weight in enumerate(model.get_weights())})
    return path, expected


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_losses_are_those_by_hand_on_every_backend(given, backend, monkeypatch, capsys):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    path, expected = given
    if backend == keras.backend.backend():
        monkeypatch.setattr(sys, "argv", ["-c", str(path)])
        exec(PROGRAM, {})
        assert json.loads(capsys.readouterr().out.splitlines()[-1]) == pytest.approx(expected, abs=1e-5)
        return
    environ = {**os.environ, "KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3",
               "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])}
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(path)], cwd=ROOT, env=environ, capture_output=True,
                          text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("task", [task for task in TASKS if task.classes], ids=lambda task: task.name)
def test_a_common_shift_of_the_logits_changes_no_loss(task):
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(1)
    model, codes = compiled(model_of_heads()), rng.normal(size=(32, UNITS)).astype(np.float32)
    data = batches.Emotion(codes, made_up.targets(rng.integers(0, 4, 32)), rows=np.arange(32), tasks=TASKS,
                           batch_size=32)
    before = model.evaluate(data, return_dict=True, verbose=0)
    bias = model.get_layer(task.name).bias
    bias.assign(bias + 3)
    assert model.evaluate(data, return_dict=True, verbose=0) == pytest.approx(before, abs=1e-5)


@pytest.mark.parametrize("stage", ["heads", "full", "scratch"])
def test_every_stage_is_compiled_with_that_loss_and_its_own_settings(stage, make_config):
    cfg = make_config(f"{stage}_learning_rate=0.125", "transfer_decay=0.25", "scratch_decay=0.5", "class_weights=False")
    model = model_of_heads()
    transfer.compile_for(model, cfg, stage, TASKS, weighted=stage == "scratch")
    assert model.loss == {task.name: "categorical_crossentropy" if task.classes else "mean_squared_error"
                          for task in TASKS}
    assert float(model.optimizer.learning_rate) == 0.125
    assert model.optimizer.decay == (0.5 if stage == "scratch" else 0.25)
    weighted = model.get_compile_config()["weighted_metrics"] is not None
    assert weighted == (stage == "scratch")


def test_known_probabilities_are_recovered(make_config):
    """Three kinds of patches with known shares of each quadrant; the trained heads must answer these shares."""
    arousal, valence, n = np.array([0.7, 0.8, 0.9]), np.array([0.9, 0.35, 0.6]), 1000
    shares = np.stack([arousal * valence, arousal * (1 - valence), (1 - arousal) * (1 - valence),
                       (1 - arousal) * valence], axis=1)  # Q1 to Q4
    counts = np.round(shares * n).astype(int)
    counts[:, 0] += n - counts.sum(axis=1)
    quadrant = np.concatenate([np.repeat(np.arange(4), row) for row in counts])
    codes = np.repeat(np.eye(3, UNITS, dtype=np.float32) * 2, n, axis=0)
    keras.utils.set_random_seed(0)
    model = model_of_heads(PUBLISHED)
    transfer.compile_for(model, make_config("class_weights=False"), "heads", PUBLISHED, weighted=False)
    data = batches.Emotion(codes, made_up.targets(quadrant), rows=np.arange(3 * n), tasks=PUBLISHED, batch_size=100,
                           seed=0, shuffle=True)
    variables.make(model, data)
    model.fit(data, epochs=8, verbose=0)
    model.optimizer.learning_rate = 1e-4
    model.fit(data, epochs=2, verbose=0)
    got = model.predict(np.eye(3, UNITS, dtype=np.float32) * 2, verbose=0)
    np.testing.assert_allclose(got["arousal"][:, 1], arousal, atol=0.03)
    np.testing.assert_allclose(got["valence"][:, 1], valence, atol=0.03)
    np.testing.assert_allclose(got["quadrants"], shares, atol=0.03)


def test_the_loss_and_the_settings_of_a_stage_are_part_of_what_a_run_depends_on(make_config):
    cfg = make_config()
    reads = SimpleNamespace(settings={"hop_samples": 512})
    of = {stage: transfer.relevant_settings(cfg, stage, reads) for stage in ("heads", "full", "scratch")}
    assert all(settings["hop_samples"] == 512 for settings in of.values())
    assert all(settings["loss"] == "categorical_crossentropy" for settings in of.values())
    assert {name for name in of["scratch"] if name.startswith(("heads_", "full_", "transfer_", "class_"))} == set()
    assert {name for name in of["heads"] if name.startswith(("scratch_", "full_"))} == set()
    assert {"heads_epochs", "full_epochs", "class_weights"} <= set(of["full"])
    own = ("epochs", "batch_patches", "learning_rate", "decay", "class_weights")
    assert {f"scratch_{name}" for name in own} <= set(of["scratch"])
