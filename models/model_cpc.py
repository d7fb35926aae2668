"""CPC: contrastive predictive coding (van den Oord et al. 2018) as in ICASSP 2021, section 3.3.

An encoder codes six consecutive patches; a GRU reads the first four codes; two linear layers predict the
last two. The score is the sigmoid of the mean product of predictions and true codes.
"""

import keras
from keras import layers, ops

from mer.layers import FoldSteps, UnfoldSteps, batch_norm, conv_encoder, hard_sigmoid

INPUT = "log_mel"
CHUNK_SECONDS = 1.0
PRETEXT = "cpc"
TITLE = "CPC"
PAST, FUTURE = 4, 2  # patches that are read, patches that are predicted
CODE_UNITS = 256
# Share of the old value in each update of the moving statistics. The published 0.99 forgets where it began only after
# hundreds of steps: until then validation and encoder see values that training never saw. No output of given weights
# depends on it.
MOMENTUM = 0.9


@keras.saving.register_keras_serializable("mer")
class MeanProduct(layers.Layer):
    """Score of predicted against true codes: sigmoid(mean over steps of the mean over units of the products).

    Inputs: two tensors of shape (batch, steps, units). Output: (batch, 1), from 0 to 1.
    """

    def call(self, inputs):
        predicted, true = inputs
        dot = ops.mean(ops.mean(predicted * true, axis=-1), axis=-1, keepdims=True)
        return ops.sigmoid(dot)

    def compute_output_shape(self, input_shape):
        return (input_shape[0][0], 1)


@keras.saving.register_keras_serializable("mer")
class CandidateProducts(layers.Layer):
    """Logits of every true code of a group for every prediction of the group, as in `MeanProduct` but without sigmoid.

    Inputs: two tensors of shape (batch, steps, units), in groups of `candidates`. Output: (batch, candidates).

    Parameters
    ----------
    candidates : int
        Size of a group; divides the batch.
    """

    def __init__(self, candidates, **kwargs):
        super().__init__(**kwargs)
        self.candidates = candidates

    def call(self, inputs):
        units = inputs[0].shape[1] * inputs[0].shape[2]
        predicted, true = (ops.reshape(each, (-1, self.candidates, units)) for each in inputs)
        products = ops.matmul(predicted, ops.transpose(true, (0, 2, 1))) / units
        return ops.reshape(products, (-1, self.candidates))

    def compute_output_shape(self, input_shape):
        return (input_shape[0][0], self.candidates)

    def get_config(self):
        return {**super().get_config(), "candidates": self.candidates}


def build(patch_shape, *, over="time"):
    """The pretext model.

    Parameters
    ----------
    patch_shape : tuple of int
        (bands, frames, 1).
    over : {"time", "channels"}
        Axis of the encoder's batch normalization.

    Returns
    -------
    keras.Model
        {"past": (batch, 4, *patch_shape), "future": (batch, 2, *patch_shape)} -> (batch, 1), the probability that
        `future` follows `past`.
    """
    past = keras.Input((PAST, *patch_shape), name="past")
    future = keras.Input((FUTURE, *patch_shape), name="future")
    patches = FoldSteps(name="fold")(layers.Concatenate(axis=1, name="sequence")([past, future]))
    codes = UnfoldSteps(PAST + FUTURE, name="unfold")(_encoder(patch_shape, over=over)(patches))
    # reset_after and the gates as in Keras 2, with which the published weights were trained
    context = layers.GRU(CODE_UNITS, reset_after=False, recurrent_activation=hard_sigmoid,
                         name="ar_context")(codes[:, :PAST])
    steps = [layers.Dense(CODE_UNITS, name=f"z_t_{step}")(context) for step in range(FUTURE)]
    predicted = layers.Concatenate(axis=1, name="predicted")([layers.Reshape((1, CODE_UNITS))(step) for step in steps])
    score = MeanProduct(name="score", dtype="float32")([predicted, codes[:, PAST:]])
    return keras.Model({"past": past, "future": future}, score, name="model_cpc")


def _encoder(patch_shape, *, over):
    patch = keras.Input(patch_shape, name="patch")
    # (band, frame, channel) order
    x = layers.Flatten(name="flatten")(conv_encoder(patch, over=over, momentum=MOMENTUM))
    x = layers.Dense(CODE_UNITS, activation="relu", name="b3_fc1")(x)
    x = batch_norm("b3_b3", over="channels", momentum=MOMENTUM)(x)
    x = layers.Dense(CODE_UNITS, name="encod")(x)
    return keras.Model(patch, x, name="encoder")


def scores_of_candidates(model, candidates):
    """A model that shares the layers of `model`, for InfoNCE (van den Oord et al. 2018, equation 4).

    Parameters
    ----------
    model : keras.Model
        Made by `build`.
    candidates : int
        Size of the groups that batches consist of.

    Returns
    -------
    keras.Model
        Inputs as `model` -> logits (batch, candidates) of the continuations of a sequence's group.
    """
    logits = CandidateProducts(candidates, name="logits", dtype="float32")(model.get_layer("score").input)
    return keras.Model(model.input, logits, name="candidates")


def candidates_loss():
    """Loss of `scores_of_candidates` on one-hot targets."""
    return keras.losses.CategoricalCrossentropy(from_logits=True)


def encoder(model):
    """The part of `model` that turns a patch into its code of 256 values."""
    return model.get_layer("encoder")
