"""SCAE as published (ICASSP 2021, EUSIPCO 2020): sparse convolutional denoising autoencoder.

Kept as it was, so that the published weights fit: batch normalization over the time frames, and a
sigmoid followed by batch normalization at the output, which cannot reach log-mel values well. Each upsampling and the
convolution behind it are one layer here (`mer.layers.upsampled_conv`), with the same result. `model_scae` is the
corrected one.
"""

import keras
from keras import layers

from mer.layers import batch_norm, conv_encoder
from mer.layers.upsampled_conv import Conv2DTranspose

INPUT = "log_mel"
CHUNK_SECONDS = 1.0
PRETEXT = "denoise"
TITLE = "SCAE"

# block, upsampling of the bands, filters of its transposed convolutions; the first upsampling is the published two in
# a row, by 2 and by 2
_DECODER = ((6, 4, (128, 128)), (7, 4, (64, 64)), (8, 4, (32, 1)))


def build(patch_shape, *, over="time"):
    """The autoencoder.

    Parameters
    ----------
    patch_shape : tuple of int
        (bands, frames, 1); the published weights need (128, 31, 1).
    over : {"time", "channels"}
        Axis of the batch normalization.

    Returns
    -------
    keras.Model
        Noisy patch -> patch, both (batch, bands, frames, 1). Its layer `encod`, shape
        (batch, bands / 64, frames, 128), is the code.
    """
    patch = keras.Input(patch_shape, name="patch")
    x = conv_encoder(patch, over=over)
    x = layers.MaxPooling2D((2, 1), name="encod")(x)
    for block, copies, filters in _DECODER:
        for place, n in enumerate(filters, start=1):
            last, name = n == 1, f"b{block}_c{place}"
            layer = Conv2DTranspose(n, copies=copies, activation="relu", name=name) if place == 1 else \
                layers.Conv2DTranspose(n, 3, padding="same", activation="sigmoid" if last else "relu", name=name)
            x = batch_norm(f"b{block}_b{place}", over=over, dtype="float32" if last else None)(layer(x))
        if block < 8:
            x = layers.Dropout(0.25, name=f"b{block}_d1")(x)
    return keras.Model(patch, x, name="model_over")


def encoder(model):
    """The part of `model` that turns a patch into its code."""
    return keras.Model(model.input, model.get_layer("encod").output, name="encoder")
