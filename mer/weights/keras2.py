"""Weight files of Keras 2, as the published program wrote them: arrays by layer name, and nothing else.

Such a file also holds the architecture as JSON, with marshalled Python code where there is a Lambda layer. None of
that is read: h5py hands out the arrays, and the layers they belong to are ours.

Kernels need no turning: Keras 2 stores them as (height, width, in, out) for channels-first models too. What does
depend on the order of the axes is in the architectures, see `mer.layers` and docs/weights.md.
"""

import re
from pathlib import Path

import h5py
import numpy as np

from mer import MerError, hdf5_read
from mer.features import chunks, representations

SUFFIXES = (".hdf5", ".h5")
# Features and patches that every published model was made with
READS = chunks.Chunks(representations.get("log_mel", {}), 1.0, 31)
SETTINGS = READS.settings

_MARKS = ("b1_b1", "ar_context")    # layers that tell a file of the release
_MOST_ITEMS, _MOST_COPIES = 5000, 2  # groups and arrays of a file, copies of an array; the largest published: 250 and 2
_COUNTER = re.compile(r"_\d+$")
_CODES = {"eng": "e", "man": "m", "mix": "x", "tur": "t"}
_RELEASE = {"0.001": "n", "5e-05": "y"}
_PRETEXT_NAME = re.compile(r"(?P<model>\w+)\.it_(?P<it>\d{1,4})\.subset_[\d.]+\.spec(\.best)?$")
_TRANSFER_NAME = re.compile(r"(?P<model>\w+)\.multitask\.spec\.it_(?P<it>\d{1,4})\.lr_(?P<rate>0\.001|5e-05)$")
_SPEECH_FOLDER = re.compile(r"((?P<hours>\d{1,4})h_)?(?P<speech>english|mandarin|mix)$")
_TRANSFER_FOLDER = re.compile(r"((?P<hours>\d{1,4})h_)?speech_(?P<speech>eng|man|mix)_2_music_(?P<music>eng|man|tur)$")
_MUSIC_FOLDER = re.compile(r"(?P<music>english|mandarin|turkish)$")


def looks_legacy(path):
    """Whether a file is one of Keras 2, or stands in the place of one; cheap.

    Parameters
    ----------
    path : path

    Returns
    -------
    bool
        Also True for a `.hdf5` that cannot be opened (a git-lfs pointer, half a download), so that `load` gets to
        say what is wrong with it. False for Keras 3 files and for HDF5 files that hold something else.
    """
    path = Path(path)
    if path.suffix not in SUFFIXES or not path.is_file():
        return False
    try:
        with _open(path) as file:
            return _root(file) is not None
    except MerError:
        return path.suffix == ".hdf5"


def describe(path):
    """What a file of the release is, by its name and folder, or by its layers where the name does not tell.

    Parameters
    ----------
    path : path

    Returns
    -------
    dict
        kind ("pretext" or "transfer"), model, pretext ("denoise", "cpc", None), speech and music (corpus codes),
        hours (of the release's small speech sets: 3, otherwise None), release ("n" Feat. Ext., "y" Full, None), it,
        corpus "published", origin "release", file (name), settings (of the features). What is not known is None.

    Raises
    ------
    MerError
        The name does not tell, and the file is damaged or no model of the release.
    """
    path = Path(path)
    stem = path.name.removesuffix(path.suffix)
    transfer, pretext = _TRANSFER_NAME.match(stem), _PRETEXT_NAME.match(stem)
    named = transfer or pretext
    kind, model = ("transfer" if transfer else "pretext", named["model"]) if named else _by_layers(path)
    folders = (_TRANSFER_FOLDER, _MUSIC_FOLDER) if kind == "transfer" else (_SPEECH_FOLDER,)
    folder = next((found.groupdict() for each in folders if (found := each.match(path.absolute().parent.name))), {})
    from_scratch = model.startswith("model_cnn")
    return {"kind": kind, "model": model,
            "pretext": None if from_scratch else "cpc" if model == "model_cpc" else "denoise",
            **{name: _CODES.get((folder.get(name) or "")[:3]) for name in ("speech", "music")},
            "hours": int(folder["hours"]) if folder.get("hours") else None,
            "release": _RELEASE[transfer["rate"]] if transfer and not from_scratch else None,
            "it": int(named["it"]) if named else None,
            "corpus": "published", "origin": "release", "file": path.name, "settings": dict(SETTINGS)}


def layout(path):
    """Where the release has a file below `models/` or `models_trans/`, by the names of its folders.

    Parameters
    ----------
    path : path

    Returns
    -------
    pathlib.Path or None
        speech/<language>, music/<language> or speech_<from>_2_music_<to>; None for a file that lies elsewhere.
    """
    folder = Path(path).absolute().parent
    if _TRANSFER_FOLDER.match(folder.name):
        return Path(folder.name)
    for kind, names in (("speech", _SPEECH_FOLDER), ("music", _MUSIC_FOLDER)):
        if folder.parent.name == kind and names.match(folder.name):
            return Path(kind, folder.name)
    return None


def load(model, path):
    """Put the arrays of a file into a model; all of them, or none where any name or shape differs.

    Parameters
    ----------
    model : keras.Model
        Built: a pretext model of `models/`, or `heads.attach` of its encoder.
    path : path
        Written by Keras 2, complete or weights only.

    Raises
    ------
    MerError
        Missing, damaged, a git-lfs pointer, something else's weights (the first name or shape that differs is
        named), or arrays that are no finite floating-point numbers.
    """
    wanted = {f"{layer.name}/{weight.name}": weight for layer in _leaves(model) for weight in layer.weights}
    with _open(path) as file:
        held = {}  # by "layer/weight", or by their own path where they belong to no layer of ours
        waiting = [("", _layers(file, path))]
        while waiting:
            prefix, group = waiting.pop(0)
            for key in group:
                if isinstance(group[key], h5py.Group) and key != "optimizer_weights":
                    waiting.append((f"{prefix}{key}/", group[key]))
                elif key != "optimizer_weights":
                    held.setdefault(_canonical(f"{prefix}{key}", wanted), []).append(group[key])
        for name, weight in wanted.items():
            _check(path, model, name, tuple(weight.shape), held.get(name, ()))
        other = next((name for name in held if name not in wanted), None)
        if other:
            raise MerError(f"{path} does not fit {model.name}: it also holds {other[:100]!r}, "
                           "so it is the file of another architecture")
        arrays = {name: _read(path, name, held[name]) for name in wanted}
    for name, weight in wanted.items():
        weight.assign(arrays[name])


def _leaves(model):
    for layer in model.layers:
        if getattr(layer, "layers", None):
            yield from _leaves(layer)
        else:
            yield layer


def _open(path):
    """The file, read-only, once it is found plain (`mer.hdf5_read`)."""
    if not Path(path).exists():
        raise MerError(f"{path} is no file: name a weight file of the release (.hdf5)")
    return hdf5_read.opened(path, remedy="expected weights that Keras 2 wrote; download it again",
                             most_items=_MOST_ITEMS)


def _root(file):
    """The group that holds the layers: `model_weights` of a whole model, the file itself for weights only, or None."""
    if _has(file, "model_weights"):
        return file["model_weights"]
    by_itself = "layer_names" in file.attrs or any(_has(file, name) for name in ("model_weights", *_MARKS))
    return file if by_itself else None


def _layers(file, path):
    """As `_root`; MerError where there is none."""
    root = _root(file)
    if root is None:
        what = ("is a file of Keras 3, which needs no conversion and goes by the run.json beside it"
                if _has(file, "layers") else "holds no weights of Keras 2")
        raise MerError(f"{path} {what}: expected a group for each layer, as in the published .hdf5 files")
    return root


def _has(group, name):
    return group.id.links.exists(name.encode())


def _by_layers(path):
    """(kind, model) of a file by the names of its layers."""
    with _open(path) as file:
        layers = set(_layers(file, path))
    if "quadrants" in layers:
        # the baseline's arrays are those of the transferred SCAE, and so is what it computes
        return "transfer", "model_cpc" if "b3_fc1" in layers else "model_over"
    for mark, model in (("z_t_0", "model_cpc"), ("b8_c2", "model_over")):
        if mark in layers:
            return "pretext", model
    raise MerError(f"{path} holds none of the published models: expected the layers of model_over, model_cpc or "
                   "model_cnn by their names")


def _canonical(name, wanted):
    """Our name, "layer/weight", of an array.

    In the file it may stand below a submodel or wrapper (time_distributed_1/b1_c1/kernel:0), and TensorFlow counts up
    the names of layers that are built twice in one session, as the transfer scripts did (b1_c1/b1_c1_1/kernel:0).
    """
    *scopes, weight = name.split("/")
    weight = weight.partition(":")[0]
    for scope in reversed(scopes):
        for layer in (scope, _COUNTER.sub("", scope)):
            if f"{layer}/{weight}" in wanted:
                return f"{layer}/{weight}"
    return name


def _check(path, model, name, shape, copies):
    """Before anything is read: is it there, of the right shape and kind, and in this very file?"""
    if not copies:
        raise MerError(f"{path} does not fit {model.name}: it has no {name}, expected with shape {shape}; "
                       "it is the file of another architecture")
    if len(copies) > _MOST_COPIES:
        raise MerError(f"{path} holds {name} {len(copies)} times; expected once, or twice in a CPC model")
    for data in copies:
        if data.dtype.kind != "f":
            raise MerError(f"{path}: {name} is {data.dtype}, expected floating-point numbers")
        if data.shape != shape:
            raise MerError(f"{path} does not fit {model.name}: {name} has shape {data.shape}, expected {shape}; "
                           "was it made with another architecture or length of patch?")


def _read(path, name, copies):
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused
        array, *others = (data[()].astype(np.float32) for data in copies)
    if not np.isfinite(array).all():
        raise MerError(f"{path}: {name} holds values that are not finite (NaN or infinite): the file is damaged, or "
                       "its training failed")
    if any(not np.array_equal(array, other) for other in others):
        raise MerError(f"{path} holds its encoder twice, and {name} differs between the two: expected equal copies")
    return array
