"""Emotion heads on an encoder (ICASSP 2021, figure 2; names and activations of the released architecture files)."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from mer.tasks import PUBLISHED, Task

UNITS = 512  # in all dense layers; the paper says 256 in the branches, the released weights have 512
DROPOUT = 0.25
ACTIVATION = "relu"  # of every hidden layer in the release; the paper does not say
TRUNK = "b9"  # then one branch a task: b10, b11, b12 of the published ones, others by their names


def attach(encoder: Any, tasks: Sequence[Task]) -> Any:
    """Encoder and heads as one flat model.

    Parameters
    ----------
    encoder : keras.Model
        Chunk -> code of any rank; a code with axes is flattened in (band, frame, channel) order.
    tasks : sequence of Task

    Returns
    -------
    keras.Model
        Chunk -> {task: (batch, units)}: probabilities of its classes, or a value in its range, (batch, 1).
    """
    code = layers.Flatten(name="code")(encoder.output) if len(encoder.output.shape) > 2 else encoder.output
    return keras.Model(encoder.input, _heads(code, tasks, {}), name="emotion")


def on_codes(model: Any, code_units: int, tasks: Sequence[Task]) -> Any:
    """The heads of `model` alone, sharing its layers: what trains this trains `model`.

    Parameters
    ----------
    model : keras.Model
        Made by `attach` with the same tasks.
    code_units : int
        Length of a flattened code.

    Returns
    -------
    keras.Model
        Codes (batch, code_units) -> as `model`.
    """
    shared = {layer.name: layer for layer in model.layers}
    code = keras.Input((code_units,), name="codes")
    return keras.Model(code, _heads(code, tasks, shared), name="heads")


def encoder_of(model: Any) -> Any:
    """The part of `model` below the heads: chunk -> flattened code (batch, units)."""
    return keras.Model(model.input, model.get_layer(f"{TRUNK}_fc1").input, name="codes")


def _heads(code, tasks, shared):
    """Apply the heads to `code`, with the layers in `shared` where it has them."""
    def layer(make, name, *args, **kwargs):
        return shared[name] if name in shared else make(*args, name=name, **kwargs)

    x = layer(layers.Dense, f"{TRUNK}_fc1", UNITS, activation=ACTIVATION)(code)
    x = layer(layers.Dropout, f"{TRUNK}_d1", DROPOUT)(x)
    x = layer(layers.Dense, f"{TRUNK}_fc2", UNITS, activation=ACTIVATION)(x)
    x = layer(layers.Dropout, f"{TRUNK}_d2", DROPOUT)(x)
    x = layer(layers.Dense, f"{TRUNK}_fc3", UNITS, activation=ACTIVATION)(x)
    outputs = {}
    for task in tasks:
        branch = f"b{10 + PUBLISHED.index(task)}" if task in PUBLISHED else task.name
        y = layer(layers.Dense, f"{branch}_fc1", UNITS, activation=ACTIVATION)(x)
        y = layer(layers.Dropout, f"{branch}_d1", DROPOUT)(y)
        y = layer(layers.Dense, f"{branch}_fc2", UNITS, activation=ACTIVATION)(y)
        # outputs stay float32 under mixed precision
        if task.classes:
            y = layer(layers.Dense, task.name, task.units, activation="softmax", dtype="float32")(y)
        else:
            low, high = task.range
            y = layer(layers.Dense, f"{branch}_fc3", 1, activation="tanh", dtype="float32")(y)
            y = layer(layers.Rescaling, task.name, (high - low) / 2, (high + low) / 2, dtype="float32")(y)
        outputs[task.name] = y
    return outputs
