"""Weight files of Keras 2: read exactly, refused in one sentence, converted, and started from.

The files are written here in the layout of the release (its architecture files and the program that saved them name
every layer), with random arrays; what they should compute is worked out channels first in numpy, apart from our models.
"""

import base64
import json
import marshal
import os
import subprocess
import sys

import h5py
import numpy as np
import pytest

import convert_weights
import models
from mer import MerError, convert, encoders, heads, legacy, transfer, weights

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

def _relu(x):
    return np.maximum(x, 0)


def _conv(x, held):
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1))), (3, 3), axis=(2, 3))
    out = np.tensordot(windows, held["kernel"], axes=((1, 4, 5), (2, 0, 1)))  # (n, bands, frames, out)
    return _relu(np.moveaxis(out + held["bias"], -1, 1))


def _batch_norm(x, held):
    """Over the last axis: the frames of a map, the units of a code."""
    return (x - held["moving_mean"]) / np.sqrt(held["moving_variance"] + 1e-3) * held["gamma"] + held["beta"]


def _pool(x, bands):
    n, channels, height, width = x.shape
    return x.reshape(n, channels, height // bands, bands, width).max(axis=3)


def _affine(x, held):
    return x @ held["kernel"] + held["bias"]


def _softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def reference_code(patches, a, *, cpc):
    """Code of patches (n, 1, 128, 31), flattened as Flatten(channels_first) of Keras 2 does: channels last."""
    x = _batch_norm(patches, a["b1_b1"])
    for block, norms, pool in ((1, ("b1_b2", "b1_b3"), 4), (2, ("b2_b1", "b2_b2"), 4), (3, ("b3_b1", "b3_b2"), 2)):
        for place, norm in enumerate(norms, start=1):
            x = _batch_norm(_conv(x, a[f"b{block}_c{place}"]), a[norm])
        x = _pool(x, pool)
    if not cpc:
        return np.moveaxis(_pool(x, 2), 1, -1).reshape(len(x), -1)
    x = np.moveaxis(x, 1, -1).reshape(len(x), -1)
    return _affine(_batch_norm(_relu(_affine(x, a["b3_fc1"])), a["b3_b3"]), a["encod"])


def reference(patches, a, *, cpc):
    """Every hidden dense layer of the release is a ReLU."""
    x = reference_code(patches, a, cpc=cpc)
    for name in ("b9_fc1", "b9_fc2", "b9_fc3"):
        x = _relu(_affine(x, a[name]))
    return {task: _softmax(_affine(_relu(_affine(_relu(_affine(x, a[f"{branch}_fc1"])), a[f"{branch}_fc2"])), a[task]))
            for branch, (task, _) in BRANCHES.items()}


# ---- helpers ----------------------------------------------------------------------------------------------------

def module_of(name):
    return models.load(name, pretexts=["denoise", "cpc", None])


def pretext_model(name):
    return module_of(name).build(PATCH)


def emotion_model(name):
    return heads.attach(module_of(name).encoder(pretext_model(name)))


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.fixture
def patches(rng):
    """Three patches whose bands differ, (n, 1, bands, frames)."""
    return (rng.normal(-4, 3, (3, 1, 128, 1)) + rng.normal(0, 2, (3, 1, 128, 31))).astype(np.float32)


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


# ---- reading ----------------------------------------------------------------------------------------------------

def test_the_reference_is_what_the_published_program_computed(shared):
    for name, cpc in (("model_over", False), ("model_cpc", True)):
        with h5py.File(shared / "legacy" / "models" / "speech" / "english" / PRETEXT_FILE.format(name)) as file:
            root = file["model_weights/time_distributed_1" if cpc else "model_weights"]
            arrays = {layer: {key.split(":")[0]: value[()] for key, value in
                              (root[layer] if cpc else root[layer][layer]).items()}
                      for layer in (*CONVS, *NORMS, *(("b3_fc1", "b3_b3", "encod") if cpc else ()))}
        stored = np.load(shared / "legacy" / f"{name}_outputs.npz", allow_pickle=False)
        code = reference_code(stored["patches"].astype(np.float64), arrays, cpc=cpc)
        expected = stored["encod"] if cpc else np.moveaxis(stored["encod"], 1, -1).reshape(len(code), -1)
        np.testing.assert_allclose(code, expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("name", ["model_over", "model_cpc", "model_cnn"])
@pytest.mark.parametrize("rate, scope", [("0.001", "{}"), ("5e-05", "{}_2")])
def test_transferred_models_compute_what_the_published_ones_do(name, rate, scope, tmp_path, rng, patches):
    cpc = name == "model_cpc"
    arrays = transfer_arrays(rng, cpc=cpc)
    path = write(tmp_path / TRANSFER_FILE.format(name, rate), arrays, scope=scope)
    model = emotion_model(name)
    legacy.load(model, path)
    assert_computes(model, patches, arrays, cpc=cpc)


@pytest.mark.parametrize("layout", ["weights only", "submodel", "wrapped", "unmarked"])
def test_other_layouts_of_the_same_arrays(layout, tmp_path, rng, patches):
    arrays = transfer_arrays(rng, cpc=True)
    top = [name for name in arrays if name not in encoder_arrays(rng, cpc=True)]
    nested = {"model_1": {name: own for name, own in arrays.items() if name not in top},
              **{name: arrays[name] for name in top}}
    path = tmp_path / "x.hdf5"
    if layout == "weights only":
        write(path, arrays, whole=False)
    elif layout == "submodel":
        write(path, nested, scope="model_1/{}")
    elif layout == "wrapped":
        write(path, {"time_distributed_1": nested.pop("model_1"), **nested}, scope="time_distributed_1/{}_1")
    else:
        write(path, arrays, whole=False)
        with h5py.File(path, "a") as file:
            del file.attrs["layer_names"]
    model = emotion_model("model_cpc")
    legacy.load(model, path)
    assert_computes(model, patches, arrays, cpc=True)


def test_the_two_copies_of_the_cpc_encoder_must_be_equal(tmp_path, rng):
    layers = cpc_arrays(rng)
    model = pretext_model("model_cpc")
    legacy.load(model, write(tmp_path / "x.hdf5", layers))
    held = next(layer for layer in module_of("model_cpc").encoder(model).layers if layer.name == "b2_c1")
    np.testing.assert_array_equal(held.get_weights()[0], layers["time_distributed_1"]["b2_c1"]["kernel"])
    np.testing.assert_array_equal(model.get_layer("ar_context").get_weights()[1],
                                  layers["ar_context"]["recurrent_kernel"])
    layers["time_distributed_2"]["b2_c1"]["bias"] = np.ones(64, np.float32)
    said = sentence(legacy.load, model, write(tmp_path / "x.hdf5", layers))
    assert "b2_c1/bias differs between the two" in said


def test_a_refused_file_leaves_the_model_as_it_was(tmp_path, rng):
    arrays = autoencoder_arrays(rng)
    arrays["b8_b2"]["gamma"][3] = np.nan
    model = pretext_model("model_over")
    before = [np.copy(value) for value in model.get_weights()]
    assert "b8_b2/gamma holds values that are not finite" in sentence(legacy.load, model,
                                                                     write(tmp_path / "x.hdf5", arrays))
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_what_is_computed_stays_the_same_whoever_wrote_double_or_half_precision(tmp_path, rng):
    arrays = autoencoder_arrays(rng)
    model = pretext_model("model_over")
    wide = {name: {key: value.astype(np.float64) for key, value in own.items()} for name, own in arrays.items()}
    legacy.load(model, write(tmp_path / "x.hdf5", wide))
    np.testing.assert_array_equal(model.get_layer("b1_c1").get_weights()[0], arrays["b1_c1"]["kernel"])


# ---- refusing ---------------------------------------------------------------------------------------------------

def spoil_missing(file):
    del file["model_weights/b2_b2/b2_b2/beta:0"]


def spoil_shape(file):
    del file["model_weights/b1_b2/b1_b2/gamma:0"]
    file["model_weights/b1_b2/b1_b2/gamma:0"] = np.ones(43, np.float32)


def spoil_huge(file):
    del file["model_weights/b1_c1/b1_c1/kernel:0"]
    file["model_weights/b1_c1/b1_c1"].create_dataset("kernel:0", shape=(2**20, 2**20, 2**10), dtype="f4",
                                                     chunks=(1, 1, 2**10))


def spoil_chunks(file):
    del file["model_weights/b1_b2/b1_b2/gamma:0"]
    file["model_weights/b1_b2/b1_b2"].create_dataset("gamma:0", shape=(31,), maxshape=(None,), dtype="f4",
                                                     chunks=(2**29,), compression="gzip")


def spoil_kind(file):
    del file["model_weights/b1_b2/b1_b2/gamma:0"]
    file["model_weights/b1_b2/b1_b2/gamma:0"] = np.ones(31, np.int64)


def spoil_text(file):
    del file["model_weights/b1_b2/b1_b2/gamma:0"]
    file["model_weights/b1_b2/b1_b2/gamma:0"] = np.array([b"os.system"] * 31)


def spoil_extra(file):
    file["model_weights/quads_pre/quads_pre/kernel:0"] = np.ones((512, 4), np.float32)


def spoil_external_link(file):
    del file["model_weights/b1_c1/b1_c1/kernel:0"]
    file["model_weights/b1_c1/b1_c1/kernel:0"] = h5py.ExternalLink("other.hdf5", "/model_weights/b1_c1/b1_c1/kernel:0")


def spoil_soft_link(file):
    file["model_weights/b1_c1/b1_c1/copy:0"] = h5py.SoftLink("/model_weights/b1_c1/b1_c1/kernel:0")


def spoil_root_link(file):
    del file["model_weights"]
    file["model_weights"] = h5py.ExternalLink("other.hdf5", "/model_weights")


def spoil_external_storage(file):
    del file["model_weights/b1_b2/b1_b2/gamma:0"]
    file["model_weights/b1_b2/b1_b2"].create_dataset("gamma:0", shape=(31,), dtype="f4",
                                                     external=[("other.raw", 0, 31 * 4)])


def spoil_virtual(file):
    del file["model_weights/b1_b2/b1_b2/gamma:0"]
    layout = h5py.VirtualLayout((31,), "f4")
    layout[:] = h5py.VirtualSource("other.hdf5", "x", shape=(31,))
    file["model_weights/b1_b2/b1_b2"].create_virtual_dataset("gamma:0", layout)


def spoil_name(file):
    h5py.h5g.create(file["model_weights"].id, b"b1_\xff")


def spoil_circle(file):
    for number in range(20):
        file[f"model_weights/b1_c1/again_{number}"] = file["model_weights"]


def spoil_many_copies(file):
    for number in range(3):
        file[f"model_weights/copy_{number}/b1_b2/gamma:0"] = file["model_weights/b1_b2/b1_b2/gamma:0"]


@pytest.mark.parametrize("spoil, words", [
    (spoil_missing, "does not fit model_over: it has no b2_b2/beta, expected with shape (31,)"),
    (spoil_shape, "does not fit model_over: b1_b2/gamma has shape (43,), expected (31,)"),
    (spoil_huge, "b1_c1/kernel has shape (1048576, 1048576, 1024), expected (3, 3, 1, 32)"),
    (spoil_chunks, "keeps b1_b2/gamma in another file or in huge chunks"),
    (spoil_kind, "b1_b2/gamma is int64, expected floating-point numbers"),
    (spoil_text, "b1_b2/gamma is |S9, expected floating-point numbers"),
    (spoil_extra, "it also holds 'quads_pre/quads_pre/kernel:0'"),
    (spoil_external_link, "has a link or a strange name at 'b1_c1/b1_c1/kernel:0'"),
    (spoil_soft_link, "has a link or a strange name at 'b1_c1/b1_c1/copy:0'"),
    (spoil_root_link, "has a link or a strange name at 'model_weights'"),
    (spoil_external_storage, "keeps b1_b2/gamma in another file"),
    (spoil_virtual, "keeps b1_b2/gamma in another file"),
    (spoil_name, "has a link or a strange name at"),
    (spoil_circle, "more than 5000 groups and arrays"),
    (spoil_many_copies, "holds b1_b2/gamma 4 times"),
], ids=lambda value: getattr(value, "__name__", ""))
def test_what_differs_is_named(spoil, words, tmp_path, rng):
    path, other = tmp_path / "x.hdf5", tmp_path / "other.hdf5"
    arrays = autoencoder_arrays(rng)
    write(path, arrays)
    write(other, arrays)
    np.ones(31, np.float32).tofile(tmp_path / "other.raw")
    with h5py.File(path, "a") as file:
        spoil(file)
    said = sentence(legacy.load, pretext_model("model_over"), path)
    assert words in said and str(path) in said


def as_pointer(path):
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 149956676\n")


def as_half(path):
    path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])


def as_text(path):
    path.write_text("<html>404</html>")


def as_nothing(path):
    path.write_bytes(b"")


def as_keras_3(path):
    made = path.with_name("made.weights.h5")
    weights.save(pretext_model("model_over"), made)
    os.replace(made, path)


def as_other_hdf5(path):
    with h5py.File(path, "w") as file:
        file["logmel"] = np.zeros((3, 128), np.float32)


def as_transfer(path):
    write(path, transfer_arrays(np.random.default_rng(0), cpc=False))


@pytest.mark.parametrize("make, words", [
    (as_pointer, "is a git-lfs pointer, not the weights it stands for: run 'git lfs pull'"),
    (as_half, "is truncated or damaged"),
    (as_text, "is no HDF5 file: expected weights that Keras 2 wrote"),
    (as_nothing, "is empty: expected weights that Keras 2 wrote"),
    (as_keras_3, "is a file of Keras 3"),
    (as_other_hdf5, "holds no weights of Keras 2"),
    (as_transfer, "does not fit model_over: it has no b6_c1/kernel"),
    (lambda path: path.unlink(), "is no file: name a weight file of the release (.hdf5)"),
], ids=lambda value: getattr(value, "__name__", ""))
def test_files_that_are_something_else_get_a_sentence(make, words, tmp_path, rng):
    path = write(tmp_path / "x.hdf5", autoencoder_arrays(rng))
    make(path)
    assert words in sentence(legacy.load, pretext_model("model_over"), path)


def test_bytes_that_were_turned_over_never_give_a_traceback(tmp_path, rng):
    good = write(tmp_path / "good.hdf5", transfer_arrays(rng, cpc=False)).read_bytes()
    model, path, refused = emotion_model("model_over"), tmp_path / "x.hdf5", 0
    for number in range(60):
        spoilt = bytearray(good)
        limit = (len(good), 40_000)[number % 2]
        for place in rng.integers(8, limit, 40):
            spoilt[place] = rng.integers(256)
        path.write_bytes(spoilt)
        try:
            legacy.load(model, path)
        except MerError:
            refused += 1
    assert refused > 15


def test_code_in_a_lambda_is_never_run(tmp_path, rng, patches):
    arrays = transfer_arrays(rng, cpc=False)
    path, mark = write(tmp_path / "x.hdf5", arrays), tmp_path / "was run"
    code = compile(f"lambda x: open({str(mark)!r}, 'w')", "x", "eval").co_consts[0]
    function = base64.b64encode(marshal.dumps(code)).decode()
    config = {"class_name": "Model", "config": {"layers": [
        {"class_name": "Lambda", "name": "lambda_1", "inbound_nodes": [],
         "config": {"name": "lambda_1", "function_type": "lambda", "function": [function, None, None]}}]}}
    with h5py.File(path, "a") as file:
        file.attrs["model_config"] = json.dumps(config).encode()
    path.with_suffix(".json").write_text(json.dumps(config))
    model = emotion_model("model_over")
    legacy.load(model, path)
    assert_computes(model, patches, arrays, cpc=False)
    assert not mark.exists()


# ---- telling files apart ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("path, expected", [
    ("models/speech/english/model_over.it_0.subset_0.075.spec.best.hdf5",
     {"kind": "pretext", "model": "model_over", "pretext": "denoise", "speech": "e", "music": None, "hours": None,
      "release": None, "it": 0}),
    ("models/speech/3h_mix/model_cpc.it_2.subset_0.075.spec.best.hdf5",
     {"kind": "pretext", "model": "model_cpc", "pretext": "cpc", "speech": "x", "hours": 3, "it": 2}),
    ("models_trans/speech_man_2_music_eng/model_cpc.multitask.spec.it_0.lr_0.001.hdf5",
     {"kind": "transfer", "model": "model_cpc", "speech": "m", "music": "e", "release": "n", "hours": None}),
    ("models_trans/3h_speech_mix_2_music_man/model_over.multitask.spec.it_0.lr_5e-05.hdf5",
     {"kind": "transfer", "model": "model_over", "speech": "x", "music": "m", "release": "y", "hours": 3}),
    ("models/speech_eng_2_music_eng/model_over.multitask.spec.it_3.lr_5e-05.hdf5",
     {"kind": "transfer", "speech": "e", "music": "e", "release": "y", "it": 3}),
    ("models/music/mandarin/model_cnn.multitask.spec.it_0.lr_0.001.hdf5",
     {"kind": "transfer", "model": "model_cnn", "pretext": None, "speech": None, "music": "m", "release": None}),
])
def test_names_of_the_release_say_what_is_in_the_file(path, expected, tmp_path):
    found = legacy.about(tmp_path / path)
    assert {key: found[key] for key in expected} == expected
    assert found["corpus"] == "published" and found["settings"]["hop_samples"] == 512
    assert str(legacy.layout(tmp_path / path)) == path.rpartition("/")[0].removeprefix("models/").removeprefix(
        "models_trans/")


@pytest.mark.parametrize("make, kind, model", [
    (autoencoder_arrays, "pretext", "model_over"), (cpc_arrays, "pretext", "model_cpc"),
    (lambda rng: transfer_arrays(rng, cpc=True), "transfer", "model_cpc"),
    (lambda rng: transfer_arrays(rng, cpc=False), "transfer", "model_over"),
])
def test_layers_say_it_where_the_name_does_not(make, kind, model, tmp_path, rng):
    found = legacy.about(write(tmp_path / "mine.hdf5", make(rng)))
    assert (found["kind"], found["model"], found["speech"], found["it"]) == (kind, model, None, None)
    assert legacy.layout(tmp_path / "mine.hdf5") is None


def test_only_files_of_keras_2_look_like_it(tmp_path, rng):
    path = write(tmp_path / "x.hdf5", autoencoder_arrays(rng))
    assert legacy.looks_legacy(path)
    path = path.rename(tmp_path / "x.h5")
    assert legacy.looks_legacy(path)
    as_keras_3(path)
    assert not legacy.looks_legacy(path)
    as_other_hdf5(path)
    assert not legacy.looks_legacy(path)
    as_pointer(path)
    assert not legacy.looks_legacy(path) and not legacy.looks_legacy(tmp_path)
    assert legacy.looks_legacy(path.rename(tmp_path / "x.hdf5")), "its place is that of a file of the release"
    assert "holds none of the published models" in sentence(legacy.about, write(tmp_path / "y.hdf5", {"dense": {}}))


# ---- starting from the release ----------------------------------------------------------------------------------

@pytest.fixture
def own(make_config, tmp_path):
    """Config with folders for models of its own."""
    return make_config(f"path_to_models={tmp_path / 'models'}", f"path_to_models_trans={tmp_path / 'models_trans'}")


def find(cfg, speech="e", name="model_over", it=0, weights_file=None):
    return transfer._find_encoder(cfg, speech, name, it, hours=None, weights_file=weights_file)


def test_ours_win_over_the_release_and_it_is_said_which(own, tmp_path, rng, capsys):
    assert "or unpack the published models/ into the repository" in sentence(find, own)
    path = write(tmp_path / "models/speech/english" / PRETEXT_FILE.format("model_over"), autoencoder_arrays(rng))
    found = find(own, it=4)
    assert found.facts == {"run": path.name.removesuffix(".hdf5"), "file": path.name, "origin": "release", "it": 0,
                           "sha256": weights.file_key(path), "scores": None}
    assert capsys.readouterr().out == f"encoder: {path} (release)\n"
    place = weights.speech_run(own, "english", "model_over", 0)
    weights.save(pretext_model("model_over"), place.weights)
    place.file("").mkdir()
    weights.write_json(place.file("run.json"), {"it": 0, "scores": {"mse": 1}, "settings": own.feature_settings})
    assert find(own, it=4).facts["origin"] == "ours" and find(own).facts["scores"] == {"mse": 1}


def test_an_encoder_of_the_release_becomes_the_start_of_a_transfer(own, tmp_path, rng, patches):
    for name, make, cpc in (("model_over", autoencoder_arrays, False), ("model_cpc", cpc_arrays, True)):
        arrays = make(rng)
        write(tmp_path / "models/speech/english" / PRETEXT_FILE.format(name), arrays)
        model = transfer._assemble(own, module_of(name), find(own, name=name))
        code = heads.encoder_of(model).predict(np.moveaxis(patches, 1, -1), verbose=0)
        expected = reference_code(patches.astype(np.float64), arrays.get("time_distributed_1", arrays), cpc=cpc)
        np.testing.assert_allclose(code, expected, rtol=1e-4, atol=1e-4)


def test_any_file_may_be_named_and_the_wrong_ones_are_told(own, tmp_path, rng):
    path = write(tmp_path / "mine.hdf5", autoencoder_arrays(rng))
    assert find(own, weights_file=str(path)).facts["file"] == "mine.hdf5"
    assert "is no file" in sentence(find, own, weights_file=tmp_path / "nowhere.hdf5")
    assert "holds model_over, and -mod says model_cpc" in sentence(find, own, name="model_cpc", weights_file=path)
    write(path, transfer_arrays(rng, cpc=False))
    assert "is a transferred model" in sentence(find, own, weights_file=path)
    path = write(tmp_path / "speech/mandarin" / PRETEXT_FILE.format("model_over"), autoencoder_arrays(rng))
    assert "pretrained on speech 'm', and -s says 'e': use -s m" in sentence(find, own, weights_file=path)
    path = tmp_path / "bare.weights.h5"
    path.write_bytes(b"")
    assert "has no readable bare/run.json beside it" in sentence(find, own, weights_file=path)


def test_the_release_is_refused_where_the_features_are_others(make_config, tmp_path, rng):
    cfg = make_config(f"path_to_models={tmp_path / 'models'}", "hop_samples=256", "n_mel_bands=64")
    write(tmp_path / "models/speech/english" / PRETEXT_FILE.format("model_over"), autoencoder_arrays(rng))
    assert "other features (hop_samples 512, now 256; n_mel_bands 128, now 64)" in sentence(find, cfg)


def test_a_transfer_from_the_release_says_so(own, music, tmp_path, rng, capsys):
    path = write(tmp_path / "models/speech/english" / PRETEXT_FILE.format("model_over"), autoencoder_arrays(rng))
    place = transfer.run(own, speech="e", music="e", name="model_over", module=module_of("model_over"), release="n")
    encoder = place.about["encoder"]
    assert (encoder["origin"], encoder["file"], encoder["scores"]) == ("release", path.name, None)
    assert encoder["sha256"] == weights.file_key(path)
    assert "finished already" not in capsys.readouterr().out
    transfer.run(own, speech="e", music="e", name="model_over", module=module_of("model_over"), release="n",
                 weights_file=path)
    assert "finished already" in capsys.readouterr().out, "the same file, found or named, is the same run"
    assert "trained from scratch" in sentence(transfer.run, own, speech="e", music="e", name="model_cnn",
                                              module=module_of("model_cnn"), release="n", weights_file=path)


# ---- converting -------------------------------------------------------------------------------------------------

@pytest.fixture
def release(tmp_path, rng):
    """A part of the release, unpacked: folder -> what was written."""
    made = {"models/speech/3h_english/" + PRETEXT_FILE.format("model_over"): autoencoder_arrays(rng),
            "models_trans/speech_eng_2_music_man/" + TRANSFER_FILE.format("model_cpc", "5e-05"):
                transfer_arrays(rng, cpc=True)}
    for name, arrays in made.items():
        write(tmp_path / name, arrays)
    (tmp_path / "models/speech/3h_english/model_over.it_0.subset_0.075.spec.json").write_text("{}")
    return tmp_path


def converter(*argv):
    return convert_weights.main([str(each) for each in argv])


def test_converted_models_are_finished_runs_that_compute_the_same(release, rng, patches, capsys):
    assert converter(release / "models", release / "models_trans") == 0
    assert "2 converted, 0 converted before, 0 cannot be" in capsys.readouterr().out
    run = weights.Run(release / "models_trans/speech_eng_2_music_man", "model_cpc.multitask.spec.it_0.lr_5e-05")
    about, path = run.about, run.folder / f"{run.stem}.hdf5"
    assert {key: about[key] for key in ("name", "model", "pretext", "title", "speech", "speech_abbr", "music",
                                        "music_abbr", "release", "it", "origin", "corpus", "scores")} == {
        "name": "model_cpc", "model": "model_cpc", "pretext": "cpc", "title": "CPC", "speech": "e",
        "speech_abbr": "eng", "music": "m", "music_abbr": "man", "release": "y", "it": 0, "origin": "release",
        "corpus": "published", "scores": None}
    assert about["source"]["file"] == path.name and about["source"]["sha256"].startswith(weights.file_key(path))
    assert len(about["source"]["sha256"]) == 64 and about["settings"]["n_mel_bands"] == 128
    assert about["versions"]["keras"] and about["created"]
    old, new = emotion_model("model_cpc"), emotion_model("model_cpc")
    legacy.load(old, path)
    weights.load(new, run.weights)
    inputs = np.moveaxis(patches, 1, -1)
    for task, value in old.predict(inputs, verbose=0).items():
        np.testing.assert_array_equal(new.predict(inputs, verbose=0)[task], value)


def test_a_converted_encoder_is_found_like_one_of_ours(release, make_config):
    converter(release / "models")
    cfg = make_config(f"path_to_models={release / 'models'}")
    found = encoders.find(cfg, [weights.speech_run(cfg, "english", "model_over", 0, prefix="3h_")])
    assert found.origin == "release, converted" and found.weights.name.endswith(".weights.h5")
    assert found.facts["scores"] is None and found.about["hours"] == 3
    found.load(pretext_model("model_over"))
    original = found.weights.with_name(PRETEXT_FILE.format("model_over"))
    assert found.key == weights.file_key(original), "a transfer from either file is the same run"
    named = find(cfg, weights_file=found.weights)
    assert named.about["source"] == found.about["source"]


def test_what_was_converted_is_skipped_and_what_was_trained_is_kept(release, rng, capsys):
    converter(release / "models")
    assert converter(release / "models") == 0 and "0 converted, 1 converted before" in capsys.readouterr().out
    assert converter(release / "models", "--force") == 0 and "1 converted, 0" in capsys.readouterr().out
    path = write(release / "models/speech/3h_english" / PRETEXT_FILE.format("model_over"), autoencoder_arrays(rng))
    assert converter(path) == 1 and "was converted from another file: add --force" in capsys.readouterr().err
    run = weights.Run(path.parent, path.name.removesuffix(".hdf5"))
    weights.write_json(run.file("run.json"), {"key": "ours"})
    before = run.weights.read_bytes()
    assert converter(path, "--force") == 1 and "was trained here and is not replaced" in capsys.readouterr().err
    run.file("run.json").unlink()
    assert converter(path, "--force") == 1 and "is there already and is not finished" in capsys.readouterr().err
    assert run.weights.read_bytes() == before


def test_each_bad_file_is_told_and_the_others_are_converted(release, capsys):
    as_pointer(release / "models_trans/speech_eng_2_music_man" / TRANSFER_FILE.format("model_over", "0.001"))
    write(release / "models/music/english" / TRANSFER_FILE.format("model_cnn_2", "0.001"), {"quadrants": {}})
    assert converter(release, "-o", release / "new") == 1
    out = capsys.readouterr()
    assert "2 converted, 0 converted before, 2 cannot be converted" in out.out
    errors = [line for line in out.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 2 and "git-lfs pointer" in out.err and "model_cnn_2" in out.err
    made = {str(path.relative_to(release / "new")) for path in (release / "new").rglob("*.weights.h5")}
    assert made == {"speech/3h_english/" + PRETEXT_FILE.format("model_over").replace(".hdf5", ".weights.h5"),
                    "speech_eng_2_music_man/" + TRANSFER_FILE.format("model_cpc", "5e-05").replace(".hdf5",
                                                                                                ".weights.h5")}


def test_paths_that_cannot_be_meant_are_told(release, tmp_path, rng):
    assert "nowhere is not there" in sentence(converter, tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    assert "holds no weight file of the release" in sentence(converter, tmp_path / "empty")
    paths = [write(tmp_path / folder / "x.hdf5", autoencoder_arrays(rng)) for folder in ("a", "b")]
    assert "would both become" in sentence(convert.plan, paths, tmp_path / "out")
    assert len(convert.plan([*paths, paths[0]])) == 2, "a file named twice is one"


def test_nothing_of_keras_is_needed_to_look_at_a_file(tmp_path, rng):
    path = write(tmp_path / "mine.hdf5", autoencoder_arrays(rng))
    code = (f"import sys; from mer import legacy; assert legacy.looks_legacy({str(path)!r}); "
            f"assert legacy.about({str(path)!r})['model'] == 'model_over'; "
            "assert not {'keras', 'tensorflow', 'pandas'} & set(sys.modules)")
    subprocess.run([sys.executable, "-c", code], check=True, cwd=os.path.dirname(convert_weights.__file__))
