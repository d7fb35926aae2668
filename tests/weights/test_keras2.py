"""Weight files of Keras 2: read exactly, refused in one sentence, and told apart."""

import base64
import json
import marshal
import os

import h5py
import numpy as np
import pytest
from legacy_files import (
    CONVS,
    NORMS,
    PRETEXT_FILE,
    TRANSFER_FILE,
    as_pointer,
    assert_computes,
    autoencoder_arrays,
    cpc_arrays,
    emotion_model,
    encoder_arrays,
    module_of,
    pretext_model,
    reference_code,
    sentence,
    transfer_arrays,
    write,
)

from mer import MerError
from mer.weights import keras2, keras3

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
    keras2.load(model, path)
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
    keras2.load(model, path)
    assert_computes(model, patches, arrays, cpc=True)


def test_the_two_copies_of_the_cpc_encoder_must_be_equal(tmp_path, rng):
    layers = cpc_arrays(rng)
    model = pretext_model("model_cpc")
    keras2.load(model, write(tmp_path / "x.hdf5", layers))
    held = next(layer for layer in module_of("model_cpc").encoder(model).layers if layer.name == "b2_c1")
    np.testing.assert_array_equal(held.get_weights()[0], layers["time_distributed_1"]["b2_c1"]["kernel"])
    np.testing.assert_array_equal(model.get_layer("ar_context").get_weights()[1],
                                  layers["ar_context"]["recurrent_kernel"])
    layers["time_distributed_2"]["b2_c1"]["bias"] = np.ones(64, np.float32)
    said = sentence(keras2.load, model, write(tmp_path / "x.hdf5", layers))
    assert "b2_c1/bias differs between the two" in said


def test_a_refused_file_leaves_the_model_as_it_was(tmp_path, rng):
    arrays = autoencoder_arrays(rng)
    arrays["b8_b2"]["gamma"][3] = np.nan
    model = pretext_model("model_over")
    before = [np.copy(value) for value in model.get_weights()]
    assert "b8_b2/gamma holds values that are not finite" in sentence(keras2.load, model,
                                                                     write(tmp_path / "x.hdf5", arrays))
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_what_is_computed_stays_the_same_whoever_wrote_double_or_half_precision(tmp_path, rng):
    arrays = autoencoder_arrays(rng)
    model = pretext_model("model_over")
    wide = {name: {key: value.astype(np.float64) for key, value in own.items()} for name, own in arrays.items()}
    keras2.load(model, write(tmp_path / "x.hdf5", wide))
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
    (spoil_huge, "bytes of data, in a file of"),
    (spoil_chunks, "bytes of data, in a file of"),
    (spoil_kind, "b1_b2/gamma is int64, expected floating-point numbers"),
    (spoil_text, "b1_b2/gamma is |S9, expected floating-point numbers"),
    (spoil_extra, "it also holds 'quads_pre/quads_pre/kernel:0'"),
    (spoil_external_link, "holds a link to another file at 'model_weights/b1_c1/b1_c1/kernel:0'"),
    (spoil_soft_link, "holds a soft link at 'model_weights/b1_c1/b1_c1/copy:0'"),
    (spoil_root_link, "holds a link to another file at 'model_weights'"),
    (spoil_external_storage, "holds data that lies in other files at"),
    (spoil_virtual, "holds data that lies in other files at"),
    (spoil_name, "holds a name that is no UTF-8 at"),
    (spoil_circle, "holds groups that hold each other at"),
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
    said = sentence(keras2.load, pretext_model("model_over"), path)
    assert words in said and str(path) in said


def as_half(path):
    path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])


def as_text(path):
    path.write_text("<html>404</html>")


def as_nothing(path):
    path.write_bytes(b"")


def as_keras_3(path):
    made = path.with_name("made.weights.h5")
    keras3.save(pretext_model("model_over"), made)
    os.replace(made, path)


def as_other_hdf5(path):
    with h5py.File(path, "w") as file:
        file["logmel"] = np.zeros((3, 128), np.float32)


def as_transfer(path):
    write(path, transfer_arrays(np.random.default_rng(0), cpc=False))


@pytest.mark.parametrize("make, words", [
    (as_pointer, "is a git-lfs pointer, not the file it stands for: run 'git lfs pull'"),
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
    assert words in sentence(keras2.load, pretext_model("model_over"), path)


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
            keras2.load(model, path)
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
    keras2.load(model, path)
    assert_computes(model, patches, arrays, cpc=False)
    assert not mark.exists()
