"""Weight files of ours: what Keras 3 saves (.weights.h5), written whole and read with suspicion."""

import hashlib
import io
import warnings
from collections import Counter

import numpy as np

from mer import MerError, files, hdf5_read


class _InMemory(io.BytesIO):
    """Memory that Keras writes weights to: it asks for the end of a file's name, and takes a BytesIO for the file."""
    def __str__(self):
        return "memory.weights.h5"


def write(model, path):
    """Write all that Keras saves of a model, with the optimiser of one that is compiled.

    Keras writes HDF5 into memory and the bytes are written from there: the HDF5 library ends the process where the disk
    is full (see `mer.hdf5_write`).

    Parameters
    ----------
    model : keras.Model
    path : pathlib.Path

    Returns
    -------
    str
        SHA-256 of the file.

    Raises
    ------
    OSError
        It could not be written; what was there before is kept.
    """
    memory = _InMemory()
    model.save_weights(memory)
    content = memory.getbuffer()
    files.write_bytes(path, content)
    return hashlib.sha256(content).hexdigest()


def save(model, path):
    """Write a model's weights, without the optimiser, whole; returns the SHA-256 of the file, for its run.json."""
    import keras
    return write(keras.Model(model.inputs, model.outputs), path)  # the same layers, never compiled


def load(model, path):
    """Read weights that `save` wrote.

    Raises
    ------
    MerError
        Missing, truncated, or of another architecture.
    """
    import keras
    if not path.exists():
        raise MerError(f"{path} does not exist: train this model first")
    again = "train it again with --force, or get the file again"
    with hdf5_read.opened(path, remedy=again) as file:
        _check_arrays(model, path, file)
    _read_into(keras.Model(model.inputs, model.outputs), path, f"{path} does not fit {model.name}: its arrays have "
               f"other names, so it is of another architecture: {again}")


def load_checkpoint(model, path, sha256):
    """Read weights that `write` wrote in an unfinished training, with the optimizer of a model that is compiled.

    Parameters
    ----------
    model : keras.Model
        Of the architecture that was written, compiled like it.
    path : pathlib.Path
    sha256 : str
        What `write` returned.

    Raises
    ------
    files.Damaged
        It is missing, is another file than was written, leads to other files or does not fit.
    """
    remedy = "run the same command again, and this stage starts again from its first epoch"
    wrong = f"{path} is missing or damaged: {remedy}"
    if not path.is_file() or files.sha256(path) != sha256:
        raise files.Damaged(wrong)
    with hdf5_read.opened(path, remedy=remedy):
        pass
    if model.optimizer is not None and not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    _read_into(model, path, wrong)


def _read_into(model, path, wrong):
    """Let Keras read a file that was found plain; raise Damaged with a sentence where it leaves anything untouched."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # Keras only warns where layers are left untouched
            model.load_weights(path)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, UserWarning):
        raise files.Damaged(wrong) from None


def _check_arrays(model, path, file):
    """Compare the arrays of a file with those of a model by their shapes; refuse values that are not finite."""
    wanted, held = Counter(tuple(weight.shape) for weight in model.weights), Counter()

    def note(name, item):
        if hasattr(item, "shape"):
            held[item.shape] += 1
            if item.dtype.kind == "f" and not np.isfinite(item[()]).all():
                raise MerError(f"{path} holds values that are not finite (NaN or infinite) in {name[:100]!r}: train it "
                               "again with --force, or get the file again")

    file.visititems(note)
    if held != wanted:
        more, fewer = next(iter(held - wanted), None), next(iter(wanted - held), None)
        differ = [f"it has an array of shape {more} too many" if more is not None else "",
                  f"it lacks one of shape {fewer}" if fewer is not None else ""]
        raise MerError(f"{path} does not fit {model.name}: {' and '.join(filter(None, differ))}; it is the file of "
                       "another architecture, or of patches of another length: train it again with --force, or get the "
                       "file again")
