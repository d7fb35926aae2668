"""GE2E speaker encoder of Resemblyzer: voices of English speakers (Wan et al. 2018)."""

import collections
import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

from mer import MerError
from mer.weights.published import Shapes

MODEL = "model_ge2e"
PACKAGE, VERSION = "Resemblyzer", "0.1.4"
SHA256 = "8f12eb2f1a9982d32e8db7856de754709b59c93a77bcf0ff536584b619a9dd1f"
LICENSE = "Apache 2.0, Resemble AI"
CITATION = ("L. Wan, Q. Wang, A. Papir and I. Lopez Moreno, Generalized end-to-end loss for speaker verification, "
            "ICASSP 2018, arXiv:1710.10467; trained by C. Jemine for Resemblyzer")
HEARD = "thousands of English speakers (VoxCeleb, LibriSpeech)"
TRAINED_ON = {
    "title": "LibriSpeech train-other, VoxCeleb1 and VoxCeleb2: whose voice it is",
    "labels": "names of speakers", "overlap": "holds clips of LibriSpeech, none of the music corpora here"}

FILE = "resemblyzer/pretrained.pt"
_HEAD = [0x1950a86a20f9469cfc6c, 1001]  # of the format that torch.save wrote before version 1.6, and its version
_OF_LAYER = {"linear": ("weight", "bias"), "lstm": ("weight_ih_l", "weight_hh_l", "bias_ih_l", "bias_hh_l")}
# What Python raises for a pickle that is none, names anything but arrays, or is cut off
_WRONG = (pickle.UnpicklingError, EOFError, ValueError, TypeError, LookupError, AttributeError, OverflowError,
          MemoryError, ImportError, RecursionError)


class _Arrays(pickle.Unpickler):
    """Builds numbers, text, lists, dicts, and descriptions of arrays; every other name is refused, so nothing runs."""

    def find_class(self, module: str, name: str) -> Any:
        allowed = {("collections", "OrderedDict"): collections.OrderedDict, ("torch", "FloatStorage"): "float32",
                   ("torch._utils", "_rebuild_tensor_v2"): lambda *described: described}
        if (module, name) not in allowed:
            raise pickle.UnpicklingError(f"it names {module}.{name}"[:200])
        return allowed[module, name]

    def persistent_load(self, pid: Any) -> Any:
        return pid


def arrays(read: Callable[[str], bytes], shapes: Shapes) -> dict[str, list[np.ndarray]]:
    """The arrays of a torch file of the old format; see `state` and `mer.weights.published.musicnn.arrays`.

    Gates of torch's LSTM come in the order of Keras: input, forget, cell, output. torch adds two biases, Keras has
    their sum.
    """
    held, found = state(read(FILE)), {}
    for layer in shapes:
        kind, _, number = layer.partition("_")
        names = [f"{kind}.{name}{number}" for name in _OF_LAYER[kind]]
        if not held.keys() >= set(names):
            raise MerError(f"{FILE} lacks arrays of the layer {layer}: get the wheel again")
        weights = [held[name] for name in names]
        kernels = [np.ascontiguousarray(weight.T) for weight in weights if weight.ndim == 2]
        found[layer] = [*kernels, np.sum([weight for weight in weights if weight.ndim == 1], axis=0)]
    return found


def state(content: bytes) -> dict[str, np.ndarray]:
    """Name -> array of "model_state" in a torch file of the old format.

    It is pickles one after the other (a number, a version, facts on the machine, the content, names of the storages),
    then every storage: how many numbers, and the numbers. An array is a part of a storage.

    Parameters
    ----------
    content : bytes

    Returns
    -------
    dict of str to np.ndarray, float32

    Raises
    ------
    MerError
        It is no such file, is truncated, or names anything but arrays of float32.
    """
    file = io.BytesIO(content)
    try:
        if [_Arrays(file).load(), _Arrays(file).load()] != _HEAD:
            raise ValueError("it is of another format")
        _Arrays(file).load()  # the machine that wrote it
        described, keys = _Arrays(file).load()["model_state"], _Arrays(file).load()
        storages = {key: _storage(file) for key in keys}
        return {name: _array(storages, *parts) for name, parts in described.items()}
    except _WRONG as error:
        raise MerError(f"{FILE} cannot be read ({error}): it is truncated, or no torch file of arrays alone; get the "
                       "wheel again") from None


def _storage(file):
    """The next storage: its number of values, 8 bytes, then the values."""
    n_values = int.from_bytes(file.read(8), "little")
    held = file.read(4 * n_values) if 4 * n_values <= len(file.getbuffer()) else b""
    if not n_values or len(held) != 4 * n_values:
        raise ValueError(f"a storage of {n_values} numbers is not whole")
    return np.frombuffer(held, "<f4")


def _array(storages, storage, offset, shape, stride, *_):
    """The part of a storage that a pickle describes; only rows one after the other."""
    kind, dtype, key = storage[:3]
    if kind != "storage" or dtype != "float32" or len(shape) > 2 or not all(n > 0 for n in shape):
        raise ValueError("an array is described in another way")
    if tuple(stride) != (*shape[1:], 1)[:len(shape)]:
        raise ValueError("an array is not stored row by row")
    n_values = int(np.prod([int(n) for n in shape], dtype=object))
    if not 0 <= offset <= len(storages[key]) - n_values:
        raise ValueError("an array lies outside its storage")
    return storages[key][offset:offset + n_values].reshape(shape)
