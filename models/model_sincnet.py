"""SincNet on the raw waveform (Ravanelli & Bengio 2018), trained on music from scratch as in SincNet-MER.

80 band-pass filters with learned edges, then two convolutions of 60 filters, each pooled by 3, then three dense layers
of 2048 units, and a softmax: over the quadrants in the published network, here one a task. SincNet-MER is the network
of Pandrea, Gómez-Cañón and Herrera (2020, ISMIR late-breaking demo).

One thing differs. The published norm of the chunk has a gain and an offset for every one of its samples; here these
stay 1 and 0. Chunks begin at random places, so no sample of them is special. And without these the first filters, half
of the work, give the same for all chunks that hold a sample, which `at_hops` makes use of.
"""

import functools

import keras
import numpy as np
from keras import layers, ops

from mer.layers.sinc import SincConv1D, TimeNorm
from mer.recipes import Recipe

INPUT = "waveform"
CHUNK_SECONDS = 0.2
HOP_SECONDS = 1.0
PRETEXT = None
TITLE = "SincNet"
RECIPE = Recipe(optimizer="rmsprop", schedule="sincnet_schedule", learning_rate="sincnet_learning_rate",
                epochs="sincnet_epochs", batch="sincnet_batch_chunks", steps="sincnet_steps", gain="sincnet_gain",
                pooling="log", vote_hop_ms="sincnet_vote_hop_ms")

FILTERS = (80, 60, 60)  # of the three convolutions
SINC_SAMPLES, SAMPLES = 251, 5  # length of the first filters, and of the others
POOL, SLOPE, UNITS = 3, 0.2, 2048


def build(chunk_shape):
    """The encoder.

    Parameters
    ----------
    chunk_shape : tuple of int
        (samples, 1) at 16 kHz.

    Returns
    -------
    keras.Model
        Chunk (batch, samples, 1) -> code (batch, 2048).
    """
    chunk = keras.Input(chunk_shape, name="patch")
    x = TimeNorm(name="norm_0", trainable=False)(chunk)
    for number, filters in enumerate(FILTERS, start=1):
        if number == 1:
            x = keras.ops.abs(SincConv1D(filters, SINC_SAMPLES, name="conv_1", dtype="float32")(x))
        else:
            x = layers.Conv1D(filters, SAMPLES, name=f"conv_{number}")(x)
        x = layers.MaxPooling1D(POOL, name=f"pool_{number}")(x)
        x = layers.LeakyReLU(SLOPE, name=f"relu_{number}")(TimeNorm(name=f"norm_{number}")(x))
    x = layers.LayerNormalization(epsilon=1e-6, name="norm_4")(layers.Flatten(name="flat")(x))
    for number in (1, 2, 3):
        x = layers.Dense(UNITS, name=f"fc_{number}")(x)
        x = layers.BatchNormalization(momentum=0.95, name=f"norm_{number + 4}")(x)
        x = layers.LeakyReLU(SLOPE, name="encod" if number == 3 else f"relu_{number + 3}")(x)
    return keras.Model(chunk, x, name="model_sincnet")


def encoder(model):
    """The model itself: there is no pretext task and so no decoder."""
    return model


def heads(code, tasks):
    """Nothing between the code and the softmax of each task."""
    return {task.name: code for task in tasks}


def at_hops(model, hop_samples, *, at_once=64):
    """What a model says of chunks of a waveform that begin every few samples, with the work that they share done once.

    The norm of a chunk is (x - mean) / deviation, and a filter h is linear, so the filtered chunk is (y - c) /
    deviation, with y the filtered waveform and c = mean sum(h). The largest absolute value of three in a row is the
    greater one of max(y) - c and c - min(y), over the deviation. So y, and its greatest and least of three, are made
    once for all chunks, wherever their grid of three begins. Later layers norm each chunk anew and share nothing.

    Parameters
    ----------
    model : keras.Model
        Made of `build`, with heads.
    hop_samples : int
    at_once : int
        Chunks that pass through the later layers together.

    Returns
    -------
    callable or None
        Waveform (n, 1) -> {task: (chunks, units)}, as `model` says it, to rounding. None where the first norm has
        gains or offsets, as it was trained before: then nothing can be shared.
    """
    n, (norm, sinc, later) = model.input_shape[1], map(model.get_layer, ("norm_0", "conv_1", "pool_1"))
    if not (np.array_equal(norm.gamma, np.ones((n, 1))) and np.array_equal(norm.beta, np.zeros((n, 1)))):
        return None
    tail, total = keras.Model(later.output, model.output), ops.convert_to_numpy(ops.sum(sinc.kernels(), axis=0))
    pooled = np.empty((at_once, *later.output.shape[1:]), np.float32)
    below = np.empty_like(pooled[0])

    def front(block):
        mean, deviation = (ops.convert_to_numpy(each)[:, 0, 0] for each in norm.moments(
            np.lib.stride_tricks.sliding_window_view(block, n)[::hop_samples, :, None]))
        y = ops.convert_to_numpy(sinc(block[None, :, None]))[0]
        three = [y[place:len(y) - POOL + 1 + place] for place in range(POOL)]
        greatest, least = functools.reduce(np.maximum, three), functools.reduce(np.minimum, three)
        for chunk, into in enumerate(pooled):  # one after the other, which stays in the cache
            grid = slice(chunk * hop_samples, chunk * hop_samples + POOL * len(into), POOL)
            c = mean[chunk] * total
            np.subtract(greatest[grid], c, out=into)
            np.subtract(c, least[grid], out=below)
            np.maximum(into, below, out=into)
            into /= deviation[chunk]
        return pooled

    def answer(waveform):
        n_chunks, made = 1 + (len(waveform) - n) // hop_samples, []
        for first in range(0, n_chunks, at_once):
            block = np.zeros((at_once - 1) * hop_samples + n, np.float32)
            part = waveform[first * hop_samples:, 0][:len(block)]
            block[:len(part)] = part
            made.append(tail.predict_on_batch(front(block)))
        return {task: np.concatenate([each[task] for each in made])[:n_chunks] for task in made[0]}

    return answer
