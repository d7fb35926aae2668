"""Baseline without speech: the published encoder, trained on music from scratch together with the heads.

The release pools the last block by 4 instead of by 2 and again by 2; the code has the shape of the SCAE's.
"""

import keras

from mer.layers import conv_encoder

INPUT = "log_mel"
CHUNK_SECONDS = 1.0
PRETEXT = None
TITLE = "CNN"


def build(patch_shape, *, over="time"):
    """The encoder: patch (batch, bands, frames, 1) -> code (batch, bands / 64, frames, 128)."""
    patch = keras.Input(patch_shape, name="patch")
    return keras.Model(patch, conv_encoder(patch, over=over, last_pool=4), name="model_cnn")


def encoder(model):
    """The model itself: there is no pretext task and so no decoder."""
    return model
