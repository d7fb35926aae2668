"""SincNet on the raw waveform (Ravanelli & Bengio 2018), trained on music from scratch as in SincNet-MER.

80 band-pass filters with learned edges, then two convolutions of 60 filters, each pooled by 3, then three dense layers
of 2048 units. The published network ends in a softmax over the quadrants; here its last hidden layer is the code that
the emotion heads read, as with every other encoder.
"""

import keras
from keras import layers

from mer.layers import SincConv1D, TimeNorm

INPUT = "waveform"
CHUNK_SECONDS = 0.2
PRETEXT = None
TITLE = "SincNet"

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
    x = TimeNorm(name="norm_0")(chunk)
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
