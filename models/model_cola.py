"""COLA: two chunks of one clip find each other among those of other clips (Saeed, Grangier & Zeghidour 2021).

A small convolutional network codes a chunk; a layer that only the pretext task has projects the code, and a bilinear
form compares two of them. As published: the pairs, the projection (linear, layer norm, tanh), the bilinear form, the
cross-entropy over the batch. Ours: the network (theirs has 4 million weights), unit length of the projections and a
temperature, which keep the first steps small, and the augmentations of `mer.training.pretexts.contrast`.

A. Saeed, D. Grangier and N. Zeghidour, "Contrastive learning of general-purpose audio representations", ICASSP 2021,
arXiv:2010.10915.
"""

import keras
from keras import layers, ops

from mer.layers import BandAffine, FoldSteps, UnfoldSteps, batch_norm
from mer.recipes import Recipe

INPUT = "log_mel"
CHUNK_SECONDS = 1.0
PRETEXT = "contrast"
TITLE = "COLA"
RECIPE = Recipe(optimizer="adamw", schedule="one_cycle", learning_rate="contrast_learning_rate",
                weight_decay="contrast_weight_decay", epochs="contrast_epochs", steps="contrast_steps",
                batch="contrast_batch_clips", class_weights=False)

TEMPERATURE = 0.1
PROJECTION_UNITS = 256
MOMENTUM = 0.9
_FILTERS = (16, 32, 64, 128)  # of the four convolutions, each but the last halving bands and frames
_POOLED_BANDS = 2  # 64 bands of 128


@keras.saving.register_keras_serializable("mer")
class PairProducts(layers.Layer):
    """Logits of every second chunk for every first one: x W y over a temperature, with x and y of length 1.

    W starts as the identity, so that the first logits are cosines. Input (batch, 2, units), output (batch, batch).

    Parameters
    ----------
    temperature : float
    """

    def __init__(self, temperature, **options):
        super().__init__(**options)
        self.temperature = temperature

    def build(self, input_shape):
        units = input_shape[-1]
        self.form = self.add_weight(name="form", shape=(units, units), initializer="identity")

    def call(self, inputs):
        units = ops.normalize(inputs, axis=-1)
        return ops.matmul(ops.matmul(units[:, 0], self.form), ops.transpose(units[:, 1])) / self.temperature

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[0])

    def get_config(self):
        return {**super().get_config(), "temperature": self.temperature}


def build(patch_shape):
    """The pretext model.

    Parameters
    ----------
    patch_shape : tuple of int
        (bands, frames, 1), at least 16 bands and 8 frames.

    Returns
    -------
    keras.Model
        Pairs of chunks (batch, 2, *patch_shape) -> logits (batch, batch): row i has those of all second chunks for the
        first chunk of pair i.
    """
    pair = keras.Input((2, *patch_shape), name="pair")
    codes = UnfoldSteps(2, name="unfold")(_encoder(patch_shape)(FoldSteps(name="fold")(pair)))
    x = layers.Dense(PROJECTION_UNITS, name="projection")(codes)
    x = layers.Activation("tanh", name="bounded")(layers.LayerNormalization(name="projection_norm")(x))
    return keras.Model(pair, PairProducts(TEMPERATURE, name="logits", dtype="float32")(x), name="model_cola")


def _encoder(patch_shape):
    patch = keras.Input(patch_shape, name="patch")
    x = BandAffine(name="standardise", dtype="float32")(patch)
    x = layers.AveragePooling2D((_POOLED_BANDS, 1), name="bands")(x)
    for block, filters in enumerate(_FILTERS, start=1):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal",
                          name=f"b{block}_c1")(x)
        x = layers.Activation("relu", name=f"b{block}_r1")(batch_norm(f"b{block}_b1", over="channels",
                                                                      momentum=MOMENTUM)(x))
        if block < len(_FILTERS):
            x = layers.MaxPooling2D(2, name=f"b{block}_mp1")(x)
    code = layers.Concatenate(name="encod")([layers.GlobalAveragePooling2D(name="mean")(x),
                                             layers.GlobalMaxPooling2D(name="max")(x)])
    return keras.Model(patch, code, name="encoder")


def prepare(model, mean, deviation):
    """Set the standardization from the training patches; parameters as in `model_scae.prepare`."""
    encoder(model).get_layer("standardise").set_affine(1 / deviation, -mean / deviation)


def encoder(model):
    """The part of `model` that turns a patch into its code: mean and maximum of 128 maps over bands and frames."""
    return model.get_layer("encoder")
