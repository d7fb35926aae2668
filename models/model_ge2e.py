"""GE2E: a speaker encoder that learned the voices of thousands of English speakers (Wan et al. 2018).

The network of the package Resemblyzer 0.1.4: three LSTM layers read 1.6 s, and a dense layer turns the last state into
256 numbers, at least 0 and of length 1. Chunks of one speaker have a large cosine. `convert_weights.py ge2e` gets the
weights.

L. Wan, Q. Wang, A. Papir and I. Lopez Moreno, "Generalized end-to-end loss for speaker verification", ICASSP 2018,
arXiv:1710.10467.
"""

import keras
from keras import layers

INPUT = "ge2e_mel"
CHUNK_SECONDS = 1.6
PRETEXT = "published"
TITLE = "GE2E"

UNITS, N_LAYERS = 256, 3


def build(chunk_shape):
    """The published network.

    Parameters
    ----------
    chunk_shape : tuple of int
        (frames, 40 bands); published with 160 frames of 10 ms.

    Returns
    -------
    keras.Model
        Chunk (batch, frames, bands) -> embedding (batch, 256), at least 0, of length 1.
    """
    chunk = keras.Input(chunk_shape, name="patch")
    x = chunk
    for number in range(N_LAYERS):
        x = layers.LSTM(UNITS, return_sequences=number < N_LAYERS - 1, name=f"lstm_{number}")(x)
    x = layers.Dense(UNITS, activation="relu", name="linear")(x)
    return keras.Model(chunk, layers.UnitNormalization(name="encod")(x), name="model_ge2e")


def encoder(model):
    """The model itself: the embedding is the code."""
    return model
