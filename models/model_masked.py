"""Masked patches: an encoder whose code alone has to fill in what is hidden (He et al. 2022; Vincent et al. 2008).

Against `model_scae`: three quarters of the patch are hidden, in tiles of 16 bands by 8 frames, instead of noise on
every cell; the code has 256 numbers for a patch of 3 968; the decoder sees only the code, so it cannot copy.
"""

import keras
from keras import layers

from mer.layers import BandAffine, HideCells, batch_norm

INPUT = "log_mel"
CHUNK_SECONDS = 1.0
PRETEXT = "denoise"
TITLE = "Masked"

HIDDEN_SHARE = 0.75
TILE = (16, 8)  # bands, frames
CODE_UNITS = 256
MOMENTUM = 0.9
_FILTERS = (16, 32, 64)  # of the three convolutions of the encoder, each halving bands and frames
_DECODER_UNITS = 1024


def build(patch_shape, *, over="channels"):
    """The pretext model.

    Parameters
    ----------
    patch_shape : tuple of int
        (bands, frames, 1).
    over : {"time", "channels"}
        Axis of the batch normalization.

    Returns
    -------
    keras.Model
        {"patch": (batch, bands, frames, 1), "hidden": the same shape, 1 where hidden} -> all cells of the patch.
    """
    patch, hidden = keras.Input(patch_shape, name="patch"), keras.Input(patch_shape, name="hidden")
    visible = HideCells(name="hide", dtype="float32")([patch, hidden])
    code = _encoder(patch_shape, over=over)(visible)
    x = layers.Dense(_DECODER_UNITS, activation="relu", kernel_initializer="he_normal", name="d1")(code)
    x = layers.Dense(patch_shape[0] * patch_shape[1], name="d2", dtype="float32")(x)
    x = layers.Reshape(patch_shape, name="rebuilt")(x)
    x = BandAffine(name="unstandardise", dtype="float32")(x)
    return keras.Model({"patch": patch, "hidden": hidden}, x, name="model_masked")


def _encoder(patch_shape, *, over):
    patch = keras.Input(patch_shape, name="patch")
    x = BandAffine(name="standardise", dtype="float32")(patch)
    for block, filters in enumerate(_FILTERS, start=1):
        x = layers.Conv2D(filters, 5 if block == 1 else 3, strides=2, padding="same", activation="relu",
                          kernel_initializer="he_normal", name=f"b{block}_c1")(x)
        x = batch_norm(f"b{block}_b1", over=over, momentum=MOMENTUM)(x)
    x = layers.Dense(CODE_UNITS, name="encod")(layers.Flatten(name="flatten")(x))
    return keras.Model(patch, x, name="encoder")


def prepare(model, mean, deviation):
    """Set the standardization from the training patches; parameters as in `model_scae.prepare`."""
    model.get_layer("hide").set_mean(mean)
    encoder(model).get_layer("standardise").set_affine(1 / deviation, -mean / deviation)
    model.get_layer("unstandardise").set_affine(deviation, mean)


def encoder(model):
    """The part of `model` that turns a patch into its code of 256 numbers; nothing is hidden from it."""
    return model.get_layer("encoder")
