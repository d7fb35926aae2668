"""Emotion heads on an encoder (ICASSP 2021, figure 2; names and activations of the released architecture files)."""

import keras
from keras import layers

from mer.tasks import TASKS

UNITS = 512  # in all dense layers; the paper says 256 in the branches, the released weights have 512
DROPOUT = 0.25
ACTIVATION = "relu"  # of every hidden layer in the release; the paper does not say
TRUNK = "b9"  # then one branch a task: b10, b11, b12


def attach(encoder):
    """Encoder and heads as one flat model.

    Parameters
    ----------
    encoder : keras.Model
        Patch -> code of any rank; a code with axes is flattened in (band, frame, channel) order.

    Returns
    -------
    keras.Model
        Patch -> {"quadrants": (batch, 4), "arousal": (batch, 2), "valence": (batch, 2)}, probabilities.
    """
    code = layers.Flatten(name="code")(encoder.output) if len(encoder.output.shape) > 2 else encoder.output
    return keras.Model(encoder.input, _heads(code, {}), name="emotion")


def on_codes(model, code_units):
    """The heads of `model` alone, sharing its layers: what trains this trains `model`.

    Parameters
    ----------
    model : keras.Model
        Made by `attach`.
    code_units : int
        Length of a flattened code.

    Returns
    -------
    keras.Model
        Codes (batch, code_units) -> as `model`.
    """
    shared = {layer.name: layer for layer in model.layers}
    code = keras.Input((code_units,), name="codes")
    return keras.Model(code, _heads(code, shared), name="heads")


def encoder_of(model):
    """The part of `model` below the heads: patch -> flattened code (batch, units)."""
    return keras.Model(model.input, model.get_layer(f"{TRUNK}_fc1").input, name="codes")


def _heads(code, shared):
    """Apply the heads to `code`, with the layers in `shared` where it has them."""
    def layer(make, name, *args, **kwargs):
        return shared[name] if name in shared else make(*args, name=name, **kwargs)

    x = layer(layers.Dense, f"{TRUNK}_fc1", UNITS, activation=ACTIVATION)(code)
    x = layer(layers.Dropout, f"{TRUNK}_d1", DROPOUT)(x)
    x = layer(layers.Dense, f"{TRUNK}_fc2", UNITS, activation=ACTIVATION)(x)
    x = layer(layers.Dropout, f"{TRUNK}_d2", DROPOUT)(x)
    x = layer(layers.Dense, f"{TRUNK}_fc3", UNITS, activation=ACTIVATION)(x)
    outputs = {}
    for number, task in enumerate(TASKS, start=10):
        y = layer(layers.Dense, f"b{number}_fc1", UNITS, activation=ACTIVATION)(x)
        y = layer(layers.Dropout, f"b{number}_d1", DROPOUT)(y)
        y = layer(layers.Dense, f"b{number}_fc2", UNITS, activation=ACTIVATION)(y)
        # probabilities stay float32 under mixed precision
        outputs[task.name] = layer(layers.Dense, task.name, len(task.classes), activation="softmax",
                                   dtype="float32")(y)
    return outputs
