"""Building blocks of the encoders, channels last: tensors are (batch, bands, frames, channels).

The published program worked channels first, on (batch, channels, bands, frames), and normalized the
last axis of that: the time frames. `batch_norm(..., over="time")` does the same here, on axis 2.
"""

import math

import keras
from keras import layers, ops

from mer.layers.batch_norm import BatchNormalization

BATCH_NORM_AXIS = {"time": 2, "channels": -1}


@keras.saving.register_keras_serializable("mer")
def hard_sigmoid(x):
    """Piecewise linear sigmoid of Keras 2, `clip(0.2 x + 0.5, 0, 1)`; that of Keras 3 has slope 1/6.

    Source: Courbariaux et al. 2015 (BinaryConnect, section 2.3 gives the unit-slope form); the slope 0.2 is the one
    that Theano and Keras 2 used, with which the published GRU gates were trained.
    """
    return ops.clip(0.2 * x + 0.5, 0.0, 1.0)


@keras.saving.register_keras_serializable("mer")
class BandAffine(layers.Layer):
    """Per-band `x * scale + offset` with fixed weights: standardizes log-mel input, or undoes it.

    Input and output have shape (batch, bands, frames, 1), or (batch, steps, width), where each value of a row has its
    own. The weights, shape (bands, 1, 1) or (width,), start as the identity and are set once from training data with
    `set_affine`; training does not move them.
    """

    def build(self, input_shape):
        shape = (input_shape[1], 1, 1) if len(input_shape) == 4 else (input_shape[-1],)
        self.scale = self.add_weight(name="scale", shape=shape, initializer="ones", trainable=False)
        self.offset = self.add_weight(name="offset", shape=shape, initializer="zeros", trainable=False)

    def call(self, inputs):
        return inputs * self.scale + self.offset

    def set_affine(self, scale, offset):
        """Set both weights from arrays of shape (bands,), or (width,)."""
        self.scale.assign(ops.reshape(scale, self.scale.shape))
        self.offset.assign(ops.reshape(offset, self.offset.shape))


@keras.saving.register_keras_serializable("mer")
class HideCells(layers.Layer):
    """The mean of the band where a cell is hidden, the cell itself elsewhere.

    Inputs are [patch, hidden], both (batch, bands, frames, 1), as is the output; hidden is 1 or 0. The means, shape
    (bands, 1, 1), start at 0 and are set once from training data with `set_mean`; training does not move them.
    """

    def build(self, input_shape):
        self.mean = self.add_weight(name="mean", shape=(input_shape[0][1], 1, 1), initializer="zeros", trainable=False)

    def call(self, inputs):
        patch, hidden = inputs
        return ops.where(hidden > 0.5, ops.convert_to_tensor(self.mean), patch)

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def set_mean(self, mean):
        """Set the means from an array of shape (bands,)."""
        self.mean.assign(ops.reshape(mean, self.mean.shape))


@keras.saving.register_keras_serializable("mer")
class BandBlend(layers.Layer):
    """Per band, `g * observed + (1 - g) * rebuilt` with a trained weight 0 < g < 1.

    The posterior mean of a Gaussian value with prior mean `rebuilt`, prior variance r, seen through noise of variance
    n, has g = r / (r + n) (Wiener 1949). Its error r n / (r + n) is below both r and n.

    Parameters
    ----------
    initial : float
        g before training.

    Inputs are [observed, rebuilt], both (batch, bands, frames, 1), as is the output.
    """

    def __init__(self, initial=0.9, **kwargs):
        super().__init__(**kwargs)
        self.initial = initial

    def build(self, input_shape):
        logit = math.log(self.initial / (1 - self.initial))
        self.logit = self.add_weight(name="logit", shape=(input_shape[0][1], 1, 1),
                                     initializer=keras.initializers.Constant(logit))

    def call(self, inputs):
        observed, rebuilt = inputs
        return rebuilt + ops.sigmoid(self.logit) * (observed - rebuilt)

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return {**super().get_config(), "initial": self.initial}


@keras.saving.register_keras_serializable("mer")
class FoldSteps(layers.Layer):
    """(batch, steps, ...) -> (batch * steps, ...): lets an encoder of patches run on sequences of them."""

    def call(self, inputs):
        return ops.reshape(inputs, (-1, *inputs.shape[2:]))

    def compute_output_shape(self, input_shape):
        return (None, *input_shape[2:])


@keras.saving.register_keras_serializable("mer")
class UnfoldSteps(layers.Layer):
    """(batch * steps, ...) -> (batch, steps, ...), the inverse of `FoldSteps`.

    Parameters
    ----------
    steps : int
        Length of the sequences.
    """

    def __init__(self, steps, **kwargs):
        super().__init__(**kwargs)
        self.steps = steps

    def call(self, inputs):
        return ops.reshape(inputs, (-1, self.steps, *inputs.shape[1:]))

    def compute_output_shape(self, input_shape):
        return (None, self.steps, *input_shape[1:])

    def get_config(self):
        return {**super().get_config(), "steps": self.steps}


def batch_norm(name, *, over, momentum=0.99, dtype=None):
    """Batch normalization; the published momentum is .99, epsilon .001.

    Parameters
    ----------
    name : str
    over : {"time", "channels"}
        Axis whose positions have a mean and a variance each.
    momentum : float
        Share of the old value in each update of the moving statistics.
    dtype : str or None
        "float32" keeps log-mel input from being rounded under mixed precision.
    """
    return BatchNormalization(axis=BATCH_NORM_AXIS[over], momentum=momentum, epsilon=1e-3, name=name,
                                     dtype=dtype)


def conv_block(x, *, block, filters, pool, over, dropout=0.25, momentum=0.99, first_norm=1):
    """[Conv 3x3 same ReLU, BN] x 2, max-pool over bands, dropout; layers b<block>_c1, _b1, _c2, _b2, _mp1, _d1.

    Parameters
    ----------
    x : KerasTensor, shape (batch, bands, frames, channels)
    block : int
        Number in the layer names.
    filters : int
    pool : int
        Bands that are pooled into one.
    over, momentum
        See `batch_norm`.
    dropout : float
        Share of values that are dropped in training.
    first_norm : int
        Number of the first batch norm: 2 in block 1, where b1_b1 normalizes the input.

    Returns
    -------
    KerasTensor, shape (batch, bands // pool, frames, filters)
    """
    for place in (1, 2):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"b{block}_c{place}")(x)
        x = batch_norm(f"b{block}_b{first_norm + place - 1}", over=over, momentum=momentum)(x)
    x = layers.MaxPooling2D((pool, 1), name=f"b{block}_mp1")(x)
    return layers.Dropout(dropout, name=f"b{block}_d1")(x)


def conv_encoder(patch, *, over, last_pool=2, normalise_input=True, dropout=0.25, momentum=0.99):
    """The three blocks that all published encoders share (ICASSP 2021, figure 1): 32, 64, 128 filters.

    Parameters
    ----------
    patch : KerasTensor, shape (batch, bands, frames, 1)
    over, momentum
        See `batch_norm`.
    last_pool : int
        Bands pooled at the end of block 3.
    normalise_input : bool
        Whether b1_b1 normalizes the input.
    dropout : float

    Returns
    -------
    KerasTensor, shape (batch, bands // (16 * last_pool), frames, 128)
    """
    shared = {"over": over, "dropout": dropout, "momentum": momentum}
    x = batch_norm("b1_b1", over=over, momentum=momentum, dtype="float32")(patch) if normalise_input else patch
    x = conv_block(x, block=1, filters=32, pool=4, first_norm=2, **shared)
    x = conv_block(x, block=2, filters=64, pool=4, **shared)
    return conv_block(x, block=3, filters=128, pool=last_pool, **shared)
