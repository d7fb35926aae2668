"""A residual network on 6 s of log-mel, trained on music from scratch: what speech has to be compared with.

Residual blocks (He et al. 2016) halve bands and frames step by step. Frequency is kept until the end: channels and the
bands that remain become one axis, which a 1 x 1 convolution reads frame by frame. Mean and deviation over time are the
code.
"""

import keras
from keras import layers, ops

from mer.recipes import Recipe

INPUT = "log_mel"
CHUNK_SECONDS = 6.0
PRETEXT = None
TITLE = "ResNet"
RECIPE = Recipe(optimizer="adamw", schedule="one_cycle", learning_rate="resnet_learning_rate",
                weight_decay="resnet_weight_decay", epochs="resnet_epochs", batch="resnet_batch_chunks",
                gain="resnet_gain", mixup="resnet_mixup", masks="resnet_masks", mask_bands="resnet_mask_bands",
                mask_frames="resnet_mask_frames", label_smoothing="resnet_label_smoothing")

FILTERS = (24, 48, 96, 128)  # of the steps, each of one block; every step but the first halves bands and frames
UNITS, DROPOUT, MOMENTUM = 192, 0.3, 0.9


def build(patch_shape):
    """The encoder: patch (batch, bands, frames, 1) -> code (batch, 384)."""
    patch = keras.Input(patch_shape, name="patch")
    x = layers.BatchNormalization(axis=1, momentum=MOMENTUM, name="norm_bands", dtype="float32")(patch)
    x = _conv(x, FILTERS[0], "first", size=5, stride=2)
    x = layers.MaxPooling2D(2, name="first_pool")(x)
    for number, filters in enumerate(FILTERS, start=1):
        x = _block(x, filters, f"block_{number}", stride=1 if number == 1 else 2)
    x = layers.Permute((2, 1, 3), name="frames_first")(x)
    x = layers.Reshape((x.shape[1], x.shape[2] * x.shape[3]), name="flat_bands")(x)
    x = layers.Dense(UNITS, use_bias=False, name="mix")(x)  # a 1 x 1 convolution over time
    x = layers.ReLU(name="mix_relu")(layers.BatchNormalization(momentum=MOMENTUM, name="mix_norm")(x))
    x = ops.cast(x, "float32")
    mean = ops.mean(x, axis=1, keepdims=True)
    deviation = ops.sqrt(ops.mean(ops.square(x - mean), axis=1) + 1e-5)
    code = layers.Concatenate(name="encod", dtype="float32")([mean[:, 0], deviation])
    return keras.Model(patch, code, name="model_resnet")


def encoder(model):
    """The model itself: there is no pretext task and so no decoder."""
    return model


def heads(code, tasks):
    """Dropout alone between the code and the output of each task."""
    return {task.name: layers.Dropout(DROPOUT, name=f"{task.name}_drop")(code) for task in tasks}


def _conv(x, filters, name, *, size=3, stride=1, relu=True):
    x = layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=False, name=f"{name}_conv")(x)
    x = layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x) if relu else x


def _block(x, filters, name, *, stride):
    """Two convolutions, and the way around them: the input, by a 1 x 1 convolution where its shape differs."""
    y = _conv(_conv(x, filters, f"{name}_1", stride=stride), filters, f"{name}_2", relu=False)
    if y.shape[1:] != x.shape[1:]:
        x = layers.AveragePooling2D(stride, padding="same", name=f"{name}_pool")(x)
        x = _conv(x, filters, f"{name}_around", size=1, relu=False)
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, y]))
