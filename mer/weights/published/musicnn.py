"""musicnn, the network MSD_musicnn: tags of songs (Pons & Serra 2019)."""

from collections.abc import Callable

import numpy as np

from mer import MerError
from mer.weights.published import Shapes

MODEL = "model_musicnn"
PACKAGE, VERSION = "musicnn", "0.1.0"
SHA256 = "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa"
LICENSE = "ISC, Copyright (c) Music Technology Group, Universitat Pompeu Fabra 2019"
CITATION = ("J. Pons and X. Serra, musicnn: Pre-trained convolutional neural networks for music audio tagging, ISMIR "
            "late-breaking session 2019, arXiv:1909.06654")
HEARD = "200 000 songs of MSD (tags)"
TRAINED_ON = {
    "title": "Million Song Dataset: the 50 most frequent Last.fm tags of 200 000 songs",
    "songs": 200_000, "labels": "tags, no ratings of emotion; 'happy', 'sad', 'party' and 'Mellow' are among them",
    "overlap": "may hold songs of the music corpora here, test clips included: it knows tags of theirs, no emotions"}

CHECKPOINT = "musicnn/MSD_musicnn/.data-00000-of-00001"
_WEIGHTS = {"batch_normalization": ("gamma", "beta", "moving_mean", "moving_variance"), "conv2d": ("kernel", "bias"),
            "dense": ("kernel", "bias")}
_KINDS = {"norm": ("batch_normalization", 0), "conv": ("conv2d", 1), "dense": ("dense", 0)}  # and our first number


def arrays(read: Callable[[str], bytes], shapes: Shapes) -> dict[str, list[np.ndarray]]:
    """The arrays of a TensorFlow 1 checkpoint.

    Its data file is the arrays one after the other, little-endian float32, in the order of their names: weights, for
    each trained one the two moments of Adam, and Adam's two powers of beta. The number of bytes has to be just that.

    Parameters
    ----------
    read : callable
        Name of a file in the wheel -> its bytes.
    shapes : mapping
        Of our layers.

    Returns
    -------
    dict of str to list of np.ndarray
        Layer -> its weights in the order of Keras.

    Raises
    ------
    MerError
        The file is shorter or longer.
    """
    places, sizes = {}, {"beta1_power": 1, "beta2_power": 1}
    for layer, layer_shapes in shapes.items():
        kind, _, number = layer.partition("_")
        kind, position = ("dense", 1) if layer == "tags" else (_KINDS[kind][0], int(number) - _KINDS[kind][1])
        scope = f"{kind}_{position}" if position else kind
        places[layer] = [(f"{scope}/{name}", shape) for name, shape in zip(_WEIGHTS[kind], layer_shapes, strict=True)]
        for name, shape in places[layer]:
            moments = () if "moving" in name else ("/Adam", "/Adam_1")
            sizes.update(dict.fromkeys([name, *(name + moment for moment in moments)], int(np.prod(shape))))
    content = read(CHECKPOINT)
    if len(content) != 4 * sum(sizes.values()):
        raise MerError(f"{CHECKPOINT} has {len(content)} bytes, but {4 * sum(sizes.values())} were expected: it is "
                       "truncated or of another network; get the wheel again")
    in_order = sorted(sizes)
    ends = np.cumsum([sizes[name] for name in in_order])
    held = dict(zip(in_order, np.split(np.frombuffer(content, "<f4"), ends[:-1]), strict=True))
    return {layer: [held[name].reshape(shape) for name, shape in weights]
            for layer, weights in places.items()}
