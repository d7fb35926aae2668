"""musicnn: convolutions of musical shapes that learned the tags of 200 000 songs (Pons & Serra 2019).

The network MSD_musicnn of the package musicnn 0.1.0. Convolutions over 0.4 and 0.7 of the bands hear timbre, those over
0.5 to 2 s hear rhythm; three more are joined to them densely. The code is the pooled layer: maximum and mean over 3 s
of each of 753 maps, one after the other. `convert_weights.py musicnn` gets the weights.

J. Pons and X. Serra, "musicnn: Pre-trained convolutional neural networks for music audio tagging", ISMIR late-breaking
session, 2019, arXiv:1909.06654.
"""

import keras
from keras import layers, ops

INPUT = "musicnn_mel"
CHUNK_SECONDS = 3.0
PRETEXT = "published"
TITLE = "musicnn"

TIMBRE = ((7, 38), (7, 67))  # (frames, bands): 0.4 and 0.7 of 96 bands
RHYTHM = (128, 64, 32)  # frames
MIDDLE_FRAMES = 7
FILTERS = {"timbre": 204, "rhythm": 51, "middle": 64}
UNITS, N_TAGS = 200, 50


def build(chunk_shape):
    """The published network, up to its tags.

    Parameters
    ----------
    chunk_shape : tuple of int
        (96 bands, frames, 1); published with 187 frames of 16 ms.

    Returns
    -------
    keras.Model
        Chunk (batch, bands, frames, 1) -> probabilities of the tags (batch, 50).
    """
    chunk = keras.Input(chunk_shape, name="patch")
    x = _norm(0)(layers.Permute((2, 1, 3), name="frames_first")(chunk))
    shapes = [(shape, "timbre", "valid") for shape in TIMBRE] + [((n, 1), "rhythm", "same") for n in RHYTHM]
    maps = []
    for number, (shape, kind, padding) in enumerate(shapes, start=1):
        y = layers.ZeroPadding2D((shape[0] // 2, 0), name=f"pad_{number}")(x) if padding == "valid" else x
        y = layers.Conv2D(FILTERS[kind], shape, padding=padding, activation="relu", name=f"conv_{number}")(y)
        maps.append(ops.max(_norm(number)(y), axis=2))  # over the bands: (batch, frames, filters)
    maps = [layers.Concatenate(name="front")(maps)]
    for number in range(len(shapes) + 1, len(shapes) + 4):
        y = layers.Conv1D(FILTERS["middle"], MIDDLE_FRAMES, padding="same", activation="relu",
                          name=f"conv_{number}")(maps[-1])
        y = _norm(number)(y)
        maps.append(layers.Add(name=f"add_{number}")([y, maps[-1]]) if len(maps) > 1 else y)
    maps = layers.Concatenate(name="maps")(maps)
    pooled = ops.stack([ops.max(maps, axis=1), ops.mean(maps, axis=1)], axis=-1)
    code = layers.Flatten(name="encod")(pooled)
    y = layers.Dropout(0.5, name="drop_1")(_norm(9)(code))
    y = _norm(10)(layers.Dense(UNITS, activation="relu", name="dense_0")(y))
    tags = layers.Dense(N_TAGS, activation="sigmoid", name="tags")(layers.Dropout(0.5, name="drop_2")(y))
    return keras.Model(chunk, tags, name="model_musicnn")


def encoder(model):
    """Chunk -> pooled layer (batch, 1506): maximum and mean of map 1, of map 2, ..."""
    return keras.Model(model.input, model.get_layer("encod").output, name="encoder")


def _norm(number):
    return layers.BatchNormalization(epsilon=1e-3, name=f"norm_{number}")
