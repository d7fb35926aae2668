"""The fit loop: schedule, best weights, and a killed run that ends as an uninterrupted one."""

import csv
import math
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from made_up import targets

from mer import MerError, heads
from mer.tasks import TASKS
from mer.training import batches, loop

SHAPE = (64, 8, 1)


class Pairs(batches.Batches):
    """Random inputs and a linear target."""

    def __init__(self, n=24, *, scale=1.0, **batching):
        super().__init__(n=n, batch_size=8, **batching)
        rng = np.random.default_rng(0)
        self.x = rng.normal(size=(n, 6)).astype(np.float32)
        self.y = (self.x[:, :1] * scale).astype(np.float32)

    def __getitem__(self, batch):
        chosen = self.indices(batch)
        noise = self.rng(batch).normal(size=(len(chosen), 6)).astype(np.float32)
        return self.x[chosen] + 0.1 * noise, self.y[chosen]


def small_model(learning_rate=1e-2, seed=0):
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.layers.Input((6,)), keras.layers.Dense(8, activation="relu"),
                              keras.layers.Dropout(0.3), keras.layers.BatchNormalization(), keras.layers.Dense(1)])
    model.compile(loop.DecayingAdam(learning_rate, decay=1e-2), loss="mse", **loop.compile_options())
    return model


def schedule(patience, halve_after):
    """The settings that `loop.fit` reads."""
    return SimpleNamespace(early_stopping_epochs=patience, halve_after_epochs=halve_after, tensorboard=False)


def fit(model, folder, *, epochs=6, train=None, patience=50, halve_after=2):
    return loop.fit(model, train or Pairs(seed=1, shuffle=True), Pairs(n=8), folder=folder, key="k", epochs=epochs,
                    cfg=schedule(patience, halve_after))


class DiesIn(Pairs):
    """Training data that breaks off in the middle of an epoch."""

    def __init__(self, epoch, **batching):
        self.fatal = epoch
        super().__init__(**batching)

    def __getitem__(self, batch):
        if self.epoch == self.fatal and batch == 1:
            raise MerError("killed")
        return super().__getitem__(batch)


@pytest.mark.parametrize("epoch", [1, 4])
def test_a_killed_run_goes_on_and_ends_with_the_same_numbers(tmp_path, epoch):
    whole = small_model()
    expected = fit(whole, tmp_path / "whole")

    with pytest.raises(Exception, match="killed"):
        fit(small_model(), tmp_path / "killed", train=DiesIn(epoch, seed=1, shuffle=True))
    model = small_model(seed=99)  # whatever it starts with is replaced
    got = fit(model, tmp_path / "killed")
    assert [row["epoch"] for row in got] == list(range(6))
    for one, two in zip(expected, got, strict=True):
        assert one == pytest.approx(two, rel=1e-6)
    for one, two in zip(whole.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-7)


def test_the_same_seed_gives_the_same_numbers(tmp_path):
    one, two = fit(small_model(), tmp_path / "a"), fit(small_model(), tmp_path / "b")
    assert one == two


def test_a_finished_stage_is_not_trained_again(tmp_path):
    model = small_model()
    history = fit(model, tmp_path)
    again = small_model(seed=5)
    assert fit(again, tmp_path, train=DiesIn(0)) == history
    np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])


def test_a_state_with_another_key_is_not_continued(tmp_path):
    fit(small_model(), tmp_path)
    history = loop.fit(small_model(), Pairs(seed=1), Pairs(n=8), folder=tmp_path, key="other", epochs=2,
                       cfg=schedule(5, 2))
    assert len(history) == 2


def test_the_best_epoch_is_kept_not_the_last(tmp_path):
    model = small_model()
    against = Pairs(n=8, scale=-1.0)  # what is learnt in training is wrong here
    history = loop.fit(model, Pairs(seed=1, shuffle=True), against, folder=tmp_path, key="k", epochs=8,
                       cfg=schedule(50, 50))
    best = min(row["val_loss"] for row in history)
    assert model.evaluate(against, verbose=0) == pytest.approx(best, rel=1e-5)
    assert history[-1]["val_loss"] > best  # otherwise this test shows nothing


def test_plateaus_halve_the_rate_and_patience_ends_it(tmp_path):
    model = small_model(learning_rate=1.0)
    history = fit(model, tmp_path, epochs=40, patience=6, halve_after=2)
    rates = [row["learning_rate"] for row in history]
    assert len(history) < 40 and rates[-1] < rates[0]
    assert {round(math.log2(rates[0] / rate), 6) for rate in rates} <= set(map(float, range(12)))


def test_decay_divides_the_step_as_keras_2_did():
    variable = keras.Variable(np.zeros(1, np.float32))
    optimizer = loop.DecayingAdam(0.1, decay=0.5)
    steps = []
    for _ in range(3):
        before = float(keras.ops.convert_to_numpy(variable)[0])
        optimizer.apply([keras.ops.ones((1,))], [variable])
        steps.append(before - float(keras.ops.convert_to_numpy(variable)[0]))
    # with a constant gradient Adam moves by its learning rate
    np.testing.assert_allclose(steps, [0.1, 0.1 / 1.5, 0.1 / 2], rtol=1e-4)


def test_a_loss_that_is_not_finite_stops_with_a_sentence(tmp_path):
    with pytest.raises(MerError, match="epoch 1: try a lower learning rate"):
        fit(small_model(), tmp_path, train=Pairs(scale=np.inf, seed=1))


def test_history_is_written_as_csv(tmp_path):
    loop.write_history(tmp_path / "h.csv", [{"epoch": 0, "loss": 1.5}, {"epoch": 1, "loss": 1.0, "extra": 2}])
    with open(tmp_path / "h.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows == [{"epoch": "0", "loss": "1.5", "extra": ""}, {"epoch": "1", "loss": "1.0", "extra": "2"}]


def test_a_frozen_encoder_stands_still_and_a_released_one_moves():
    keras.utils.set_random_seed(0)
    patch = keras.Input((8, 4, 1))
    x = keras.layers.BatchNormalization(name="norm")(keras.layers.Conv2D(3, 3, name="conv")(patch))
    model = heads.attach(keras.Model(patch, x), TASKS)
    encoder = heads.encoder_of(model)
    rng = np.random.default_rng(0)
    patches, truth = rng.normal(3, 2, (16, 8, 4, 1)).astype(np.float32), targets(rng.integers(0, 4, 16))
    loss = {task.name: task.loss for task in TASKS}

    def state():
        return [np.copy(w) for w in encoder.get_weights()]

    before = state()
    codes = encoder.predict(patches, verbose=0)
    on_codes = heads.on_codes(model, TASKS)
    on_codes.compile(loop.DecayingAdam(1e-4), loss=loss, **loop.compile_options())
    head = model.get_layer("b9_fc1").get_weights()[0].copy()
    on_codes.fit(batches.Emotion(codes, truth, rows=np.arange(16), tasks=TASKS, batch_size=8), verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, state(), strict=True))  # batch norm included
    assert not np.array_equal(head, model.get_layer("b9_fc1").get_weights()[0])

    model.compile(loop.DecayingAdam(1e-3), loss=loss, **loop.compile_options())
    model.fit(batches.Emotion(patches, truth, rows=np.arange(16), tasks=TASKS, batch_size=8), verbose=0)
    # the bias of a convolution before batch norm has no gradient; everything else moves
    still = [weight.path for weight, old in zip(encoder.weights, before, strict=True)
             if np.array_equal(old, keras.ops.convert_to_numpy(weight))]
    assert all(path.endswith("conv/bias") for path in still), still


def test_class_weights_change_the_loss_of_every_task_with_classes():
    rng = np.random.default_rng(0)
    truth = targets(np.array([0] * 12 + [1, 2, 3, 3]))
    codes = rng.normal(size=(16, 5)).astype(np.float32)
    keras.utils.set_random_seed(0)
    row = keras.Input((5,))
    model = heads.attach(keras.Model(row, keras.layers.Dense(4)(row)), TASKS)
    losses = {}
    for weights in (None, batches.class_weights(truth, TASKS)):
        model.compile(loop.DecayingAdam(0.0), loss={task.name: task.loss for task in TASKS},
                      **loop.compile_options())
        data = batches.Emotion(codes, truth, rows=np.arange(16), tasks=TASKS, class_weights=weights, batch_size=16)
        losses[weights is None] = model.evaluate(data, return_dict=True, verbose=0)
    for task in TASKS:
        same = losses[True][f"{task.name}_loss"] == pytest.approx(losses[False][f"{task.name}_loss"], rel=1e-5)
        assert same != bool(task.classes)
