"""Weight files in the layout of the release, and what models with these weights should compute.

The architecture files of the release and the program that saved it name every layer; the arrays are random. What they
should compute is worked out channels first in numpy, apart from our models.
"""

import importlib.util
import json
from pathlib import Path

import h5py
import numpy as np
import pytest

import models
from mer import MerError, heads
from mer.tasks import PUBLISHED

SPEC = importlib.util.spec_from_file_location("golden", Path(__file__).parent / "golden" / "reference.py")
golden = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(golden)

PATCH = (128, 31, 1)
PRETEXT_FILE = "{}.it_0.subset_0.075.spec.best.hdf5"
TRANSFER_FILE = "{}.multitask.spec.it_0.lr_{}.hdf5"
CONVS = {"b1_c1": (1, 32), "b1_c2": (32, 32), "b2_c1": (32, 64), "b2_c2": (64, 64), "b3_c1": (64, 128),
         "b3_c2": (128, 128)}
NORMS = ("b1_b1", "b1_b2", "b1_b3", "b2_b1", "b2_b2", "b3_b1", "b3_b2")
DECODER = {"b6_c1": (128, 128), "b6_c2": (128, 128), "b7_c1": (128, 64), "b7_c2": (64, 64), "b8_c1": (64, 32),
           "b8_c2": (32, 1)}
BRANCHES = {"b10": ("quadrants", 4), "b11": ("arousal", 2), "b12": ("valence", 2)}


# ---- files as Keras 2 writes them -------------------------------------------------------------------------------

def _kernel(rng, *shape):
    return rng.normal(0, (2 / np.prod(shape[:-1])) ** 0.5, shape).astype(np.float32)


def _dense(rng, n_in, n_out):
    return {"kernel": _kernel(rng, n_in, n_out), "bias": rng.normal(0, 0.1, n_out).astype(np.float32)}


def _norm(rng, n):
    values = {"gamma": rng.uniform(0.5, 1.5, n), "beta": rng.normal(0, 0.3, n),
              "moving_mean": rng.normal(0, 0.5, n), "moving_variance": rng.uniform(0.5, 2, n)}
    return {name: value.astype(np.float32) for name, value in values.items()}


def encoder_arrays(rng, *, cpc):
    """Layer -> weight -> array, of the encoder blocks and, for CPC, its dense layers."""
    made = {name: {"kernel": _kernel(rng, 3, 3, *size), "bias": rng.normal(0, 0.1, size[1]).astype(np.float32)}
            for name, size in CONVS.items()}
    made |= {name: _norm(rng, 31) for name in NORMS}
    if cpc:
        made |= {"b3_fc1": _dense(rng, 4 * 31 * 128, 256), "b3_b3": _norm(rng, 256), "encod": _dense(rng, 256, 256)}
    return made


def transfer_arrays(rng, *, cpc):
    made = encoder_arrays(rng, cpc=cpc)
    made |= {"b9_fc1": _dense(rng, 256 if cpc else 2 * 31 * 128, 512), "b9_fc2": _dense(rng, 512, 512),
             "b9_fc3": _dense(rng, 512, 512)}
    for branch, (task, classes) in BRANCHES.items():
        made |= {f"{branch}_fc1": _dense(rng, 512, 512), f"{branch}_fc2": _dense(rng, 512, 512),
                 task: _dense(rng, 512, classes)}
        made[task]["kernel"] *= 0.05  # probabilities well away from 0 and 1
    return made


def autoencoder_arrays(rng):
    made = encoder_arrays(rng, cpc=False)
    for name, (n_in, n_out) in DECODER.items():  # transposed kernels: (height, width, out, in)
        made[name] = {"kernel": _kernel(rng, 3, 3, n_out, n_in), "bias": np.zeros(n_out, np.float32)}
        made[name.replace("_c", "_b")] = _norm(rng, 31)
    return made


def cpc_arrays(rng):
    """Layers of the pretext model; the encoder twice, below the two TimeDistributed wrappers."""
    encoder = encoder_arrays(rng, cpc=True)
    recurrent = {"kernel": _kernel(rng, 256, 768), "recurrent_kernel": _kernel(rng, 256, 768),
                 "bias": np.zeros(768, np.float32)}
    return {"time_distributed_1": encoder, "ar_context": recurrent, "z_t_0": _dense(rng, 256, 256),
            "z_t_1": _dense(rng, 256, 256), "time_distributed_2": {name: dict(own) for name, own in encoder.items()}}


def write(path, layers, *, whole=True, scope="{}", optimizer=True):
    """A file of Keras 2: layer -> weight -> array, or layer -> layer of a submodel -> weight -> array.

    whole: as `save` does, below model_weights beside the configuration and the optimiser; otherwise as `save_weights`.
    scope: TensorFlow's name of a layer, with {} for its own; "{}_1" where it was built twice in one session.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        root = file.create_group("model_weights") if whole else file
        root.attrs["layer_names"] = np.array([b"input_1", *(name.encode() for name in layers)])
        root.attrs["keras_version"] = b"2.2.4"
        root.create_group("input_1").attrs["weight_names"] = np.array([])
        for layer, held in layers.items():
            flat = {f"{scope.format(layer)}/{name}:0": value for name, value in held.items()
                    if isinstance(value, np.ndarray)}
            flat |= {f"{scope.format(inner)}/{name}:0": value for inner, own in held.items() if isinstance(own, dict)
                     for name, value in own.items()}
            group = root.create_group(layer)
            group.attrs["weight_names"] = np.array([name.encode() for name in flat])
            for name, value in flat.items():
                group.create_dataset(name, data=value)
        if whole:
            file.attrs["model_config"] = json.dumps({"class_name": "Model", "config": {"layers": []}}).encode()
        if whole and optimizer:
            file["optimizer_weights/training/Adam/b1_c1/kernel/m:0"] = np.zeros((3, 3, 1, 32), np.float32)
    return path


# ---- what the published models compute, channels first: (n, channels, bands, frames) ----------------------------

def reference_code(patches, a, *, cpc):
    """Code of patches (n, 1, 128, 31), flattened as Flatten(channels_first) of Keras 2 does: channels last."""
    code = golden.cpc_code(patches, a) if cpc else golden.scae_code(patches, a)
    return code if cpc else np.moveaxis(code, 1, -1).reshape(len(code), -1)


def reference(patches, a, *, cpc):
    """Probabilities of the three tasks."""
    return golden.emotion(reference_code(patches, a, cpc=cpc), a)


# ---- helpers ----------------------------------------------------------------------------------------------------

def module_of(name):
    return models.load(name, pretexts=["denoise", "cpc", None])


def pretext_model(name):
    return module_of(name).build(PATCH)


def emotion_model(name):
    return heads.attach(module_of(name).encoder(pretext_model(name)), PUBLISHED)


def assert_computes(model, patches, arrays, *, cpc):
    got = model.predict(np.moveaxis(patches, 1, -1), verbose=0)
    for task, expected in reference(patches.astype(np.float64), arrays, cpc=cpc).items():
        assert expected.std(axis=0).max() > 1e-3, "the test's outputs are all the same"
        np.testing.assert_allclose(got[task], expected, atol=1e-4)


def sentence(function, *args, **kwargs):
    """The one line of the MerError that the call raises."""
    with pytest.raises(MerError) as caught:
        function(*args, **kwargs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def as_pointer(path):
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 149956676\n")
