"""SCAE corrected: the published encoder blocks, with what kept them from reconstructing put right.

Against `model_over`: batch normalization over the channels; the input standardized per mel band with the
mean and deviation of the training patches; learned upsampling (a strided transposed convolution) in place
of repeated rows; no dropout, since noise in the code cannot be told from signal; a linear output in
log-mel units; moving statistics that follow within tens of steps instead of hundreds.

A patch that has passed the bottleneck has lost detail that the noisy input still shows, so the output
weighs the two per band, as a Wiener filter does: the better the code, the more it counts.

That path around the code does the work. The code has 7 936 numbers for a patch of 3 968, so it is no bottleneck, and
rebuilds the patch worse than 256 principal components; the whole model is worse than a linear filter over three bands
of the noisy patch (docs/numbers.md). In `model_masked` the code has to do the work.
"""

import keras
from keras import layers

from mer.layers import BandAffine, BandBlend, batch_norm, conv_encoder

INPUT = "log_mel"
CHUNK_SECONDS = 1.0
PRETEXT = "denoise"
TITLE = "SCAE corrected"

MOMENTUM = 0.9
# block, upsampling of the bands, filters
_DECODER = ((5, 2, 128), (6, 2, 128), (7, 4, 64), (8, 4, 32))


def build(patch_shape, *, over="channels"):
    """The autoencoder; parameters and result as in `model_over.build`."""
    patch = keras.Input(patch_shape, name="patch")
    x = BandAffine(name="standardise", dtype="float32")(patch)
    x = conv_encoder(x, over=over, normalise_input=False, dropout=0.0, momentum=MOMENTUM)
    x = layers.MaxPooling2D((2, 1), name="encod")(x)
    for block, bands, filters in _DECODER:
        x = layers.Conv2DTranspose(filters, (bands, 1), strides=(bands, 1), name=f"b{block}_u1")(x)
        x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"b{block}_c1")(x)
        x = batch_norm(f"b{block}_b1", over=over, momentum=MOMENTUM)(x)
    x = layers.Conv2D(1, 3, padding="same", name="b8_c2", dtype="float32")(x)
    rebuilt = BandAffine(name="unstandardise", dtype="float32")(x)
    x = BandBlend(name="blend", dtype="float32")([patch, rebuilt])
    return keras.Model(patch, x, name="model_scae")


def reconstruction(model):
    """The patch as rebuilt from the code alone, before it is blended with the input."""
    return keras.Model(model.input, model.get_layer("unstandardise").output)


def prepare(model, mean, deviation):
    """Set the standardization from the training patches.

    Parameters
    ----------
    model : keras.Model
        Made by `build`.
    mean, deviation : np.ndarray, shape (bands,)
        Of the log-mel values, natural log.
    """
    model.get_layer("standardise").set_affine(1 / deviation, -mean / deviation)
    model.get_layer("unstandardise").set_affine(deviation, mean)


def encoder(model):
    """The part of `model` that turns a patch into its code."""
    return keras.Model(model.input, model.get_layer("encod").output, name="encoder")
