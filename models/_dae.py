"""What the denoising autoencoders of EUSIPCO 2020 share: an LSTM between scaled rows and a linear output.

Tensors are (batch, steps, width). The LSTM is unrolled: sequences have 5 or 10 steps, and an exported file needs no
loop.
"""

import keras
from keras import layers

from mer.layers import BandAffine

HEAD_UNITS = 100  # of the LSTM that reads the codes; EUSIPCO 2020 does not say


def autoencoder(shape, *, units, name, sparsity=0.0):
    """Rows -> the same rows, standardized, rebuilt from the states of an LSTM.

    A value x becomes asinh((x - center) / spread): nearly linear to one spread from the center, then logarithmic. So
    music that is far from all speech stays in reach, and apart. Center and spread come from `standardize`.

    Parameters
    ----------
    shape : (int, int)
        Steps and width of a sequence.
    units : int
        Of the LSTM; its states at all steps are the code.
    name : str
    sparsity : float
        Weight of the mean absolute state in the loss, so that few units are far from 0 at a time; 0: none.

    Returns
    -------
    keras.Model
        Layers "standardise", up to which nothing is trained, and "encod", the code (batch, steps, units).
    """
    rows = keras.Input(shape, name="patch")
    x = BandAffine(name="scale", dtype="float32")(rows)
    x = layers.Activation(keras.ops.arcsinh, name="standardise", dtype="float32")(x)
    code = layers.LSTM(units, return_sequences=True, unroll=True, name="encod")(x)
    if sparsity:
        code = layers.ActivityRegularization(l1=sparsity / (shape[0] * units), name="sparsity")(code)
    return keras.Model(rows, layers.Dense(shape[1], name="rebuilt", dtype="float32")(code), name=name)


def standardize(model, center, spread):
    """Set the standardization of an `autoencoder` from its training rows.

    Parameters
    ----------
    model : keras.Model
    center, spread : np.ndarray, shape (width,)
    """
    model.get_layer("scale").set_affine(1 / spread, -center / spread)


def encoder(model):
    """The part of an `autoencoder` that turns rows into their code, (batch, steps, units)."""
    return keras.Model(model.input, model.get_layer("encod").output, name="encoder")


def heads(code, tasks):
    """One LSTM over the codes, whose last state every output layer reads; see `mer.heads.attach`."""
    last = layers.LSTM(HEAD_UNITS, unroll=True, name="head_lstm")(code)
    return {task.name: last for task in tasks}
