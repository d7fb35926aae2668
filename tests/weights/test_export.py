"""Export to ONNX: what the file gives and says, and what is not kept."""

import json
import subprocess
import sys

import exported
import numpy as np
import pytest
from conftest import ROOT

from mer import MerError, files
from mer.features import chunks
from mer.tasks import PUBLISHED, labels_of
from mer.weights import engines, onnx_file

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install -r requirements-export.txt")
pytest.importorskip("tf2onnx", reason="tf2onnx is not installed: pip install -r requirements-export.txt")

from mer.weights import export  # noqa: E402

pytestmark = pytest.mark.first
SETTINGS = {"model_over": exported.SETTINGS, "model_cpc": exported.SMALL, "model_scae": exported.SMALL,
            "model_cnn": exported.SMALL, "model_dae": {**exported.IS13, "patch_seconds": 5.0},
            "model_dae_sparse": {**exported.IS13, "patch_seconds": 10.0}}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Function: name of an architecture -> its weights on disk, made once."""
    made = {}

    def find(name):
        if name not in made:
            made[name] = exported.write(tmp_path_factory.mktemp(name), name, SETTINGS[name])
        return made[name]

    return find


@pytest.fixture(scope="module")
def cpc(found):
    """A CPC model and its exported file."""
    one = found("model_cpc")
    path = one.export_path
    facts = export.export(one, path, load_module=exported.load_module)
    return one, path, facts


@pytest.mark.parametrize("name", SETTINGS)
def test_every_architecture_gives_what_keras_gives(found, name, tmp_path):
    one = found(name)
    facts = export.export(one, tmp_path / "m.onnx", load_module=exported.load_module)
    assert facts["max_difference"] <= export.TOLERANCE and facts["compress"] is None
    engine, keras = engines.open_onnx(tmp_path / "m.onnx"), engines.open_keras(one, load_module=exported.load_module)
    assert engine.about["settings"] == keras.about["settings"] and engine.about["sha256"] == keras.about["sha256"]
    for n in (0, 1, engines.BATCH_PATCHES + 1):
        patches = exported.patches(SETTINGS[name], n)
        ours, theirs = engine.predict(patches), keras.predict(patches)
        for task, classes in labels_of(PUBLISHED).items():
            assert ours[task].shape == theirs[task].shape == (n, len(classes))
            assert ours[task].dtype == theirs[task].dtype == np.float32
            np.testing.assert_allclose(ours[task], theirs[task], atol=1e-5)
            np.testing.assert_allclose(ours[task].sum(axis=1), 1, atol=1e-5)
    assert np.ptp(theirs["quadrants"]) > 0.01  # not merely a constant


def test_the_file_says_what_it_is(cpc):
    one, path, facts = cpc
    assert path.name == "model_cpc.multitask.spec.it_0.lr_5e-05.onnx" and path.parent == one.path.parent
    model = onnx.load(path)
    onnx.checker.check_model(model)
    said = {prop.key: prop.value for prop in model.metadata_props}
    assert said["title"] == "CPC, Full, English speech -> Mandarin music, run 0"
    assert said["sha256"] == files.sha256(one.path)
    assert list(json.loads(said["labels"]).items()) == [("quadrants", ["Q1", "Q2", "Q3", "Q4"]),
                                                        ("arousal", ["A-", "A+"]), ("valence", ["V-", "V+"])]
    assert json.loads(said["settings"]) == {**exported.SMALL, "patch_frames": 15}
    assert json.loads(said["export"]) == facts
    assert [output.name for output in model.graph.output] == ["quadrants", "arousal", "valence"]
    assert [axis.dim_param or axis.dim_value for axis in model.graph.input[0].type.tensor_type.shape.dim] == [
        "n", 64, 15, 1]
    about = onnx_file.read(path)
    assert about["model"] == "model_cpc" and about["file"] == one.path.name and about["origin"] == "ours"


def test_the_same_weights_give_the_same_bytes(cpc, tmp_path):
    one, path, _ = cpc
    export.export(one, tmp_path / "again.onnx", load_module=exported.load_module)
    assert (tmp_path / "again.onnx").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_a_flipped_bit_in_the_network_is_seen(cpc, tmp_path, share):
    content = bytearray(cpc[1].read_bytes())
    content[int(share * len(content))] ^= 64
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(MerError, match="is damaged|is truncated|no model that"):
        engines.open_onnx(tmp_path / "m.onnx")


def test_weights_of_mixed_precision_are_exported_in_float32(cpc, tmp_path):
    import keras
    one, path, _ = cpc
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        export.export(one, tmp_path / "mixed.onnx", load_module=exported.load_module)
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy("float32")
    assert (tmp_path / "mixed.onnx").read_bytes() == path.read_bytes()


def test_compressed_weights(found, tmp_path):
    one = found("model_over")
    facts = export.export(one, tmp_path / "small.onnx", load_module=exported.load_module, compress=True)
    assert (tmp_path / "small.onnx").stat().st_size < one.path.stat().st_size * 0.28
    assert 1e-6 < facts["max_difference"] < 0.01 < facts["tolerance"]
    engine = engines.open_onnx(tmp_path / "small.onnx")
    assert engine.about["export"] == facts and "8 bits" in facts["compress"]
    exact = engines.open_keras(one, load_module=exported.load_module)
    patches = exported.patches(exported.SETTINGS, 5)
    for task, value in exact.predict(patches).items():
        np.testing.assert_allclose(engine.predict(patches)[task], value, atol=0.01)


def test_weights_of_the_release_are_exported(tmp_path):
    import legacy_files

    from mer.weights import catalogue
    folder = tmp_path / "speech_eng_2_music_man"
    folder.mkdir()
    weights = folder / "model_cpc.multitask.spec.it_0.lr_0.001.hdf5"
    generator = np.random.default_rng(0)
    arrays = legacy_files.transfer_arrays(generator, cpc=True)
    legacy_files.write(weights, arrays)
    found = catalogue.named(weights)
    export.export(found, found.export_path, load_module=exported.load_module)
    assert found.exported == folder / "model_cpc.multitask.spec.it_0.lr_0.001.onnx"
    engine = engines.open_engine(found, engine="onnx", load_module=None)
    assert engine.title == "CPC, Feat. Ext., English speech -> Mandarin music, run 0, published weights"
    assert engine.about["origin"] == "release" and engine.about["file"] == weights.name
    patches = generator.normal(-6, 2, (5, 1, 128, 31)).astype(np.float32)  # as the published program has them
    made = engine.predict(patches.transpose(0, 2, 3, 1))
    for task, value in legacy_files.reference(patches, arrays, cpc=True).items():
        np.testing.assert_allclose(made[task], value, atol=1e-4)


def test_a_file_that_differs_is_not_kept(cpc, tmp_path, monkeypatch):
    def spoil(converted, **how):
        refine(converted, **how)
        tensor = next(tensor for tensor in converted.graph.initializer if list(tensor.dims) == [512, 4])
        tensor.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(tensor) * 1.01, tensor.name))

    refine = export._refine
    monkeypatch.setattr(export, "_refine", spoil)
    path = tmp_path / "m.onnx"
    path.write_bytes(b"what was here before")
    with pytest.raises(MerError, match=r"differs from Keras by \d\.\de-0\d, more than the 0.0001 allowed, so it was "
                                       r"not kept"):
        export.export(cpc[0], path, load_module=exported.load_module)
    assert path.read_bytes() == b"what was here before" and list(tmp_path.iterdir()) == [path]


def test_a_backend_that_cannot_is_named(cpc, tmp_path, monkeypatch):
    import keras

    def cannot(*_, **__):
        raise NotImplementedError("no such operator\nand a page more")

    monkeypatch.setattr(keras.Model, "export", cannot)
    with pytest.raises(MerError, match=r"Keras on tensorflow cannot export model_cpc\S+ \(no such operator\)$"):
        export.export(cpc[0], tmp_path / "m.onnx", load_module=exported.load_module)
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(MerError, match="Keras on jax .* run the same command with KERAS_BACKEND=tensorflow$"):
        export.export(cpc[0], tmp_path / "m.onnx", load_module=exported.load_module)
    assert not list(tmp_path.iterdir())


def test_patches_of_the_check_reach_the_extremes():
    reads = chunks.recorded(exported.SETTINGS)
    patches = export.check_patches(reads)
    assert patches.shape[1:] == (128, 31, 1) and patches.dtype == np.float32 and np.isfinite(patches).all()
    assert patches.min() == pytest.approx(-15.94, abs=0.01) and patches.max() >= 6
    assert (export.check_patches(reads) == patches).all()


def test_the_script_is_quiet_and_writes_beside_the_weights(found):
    weights = found("model_scae").path
    done = subprocess.run([sys.executable, ROOT / "export.py", weights], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert f"{weights.parent / weights.name.removesuffix('.weights.h5')}.onnx: " in done.stdout.splitlines()[-1]
    assert "of Keras" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("argv, sentence", [
    ([], "name the weights to export, or say which"),
    (["-s", "e", "m.h5"], "one of the two"),
    (["nothing.hdf5"], "nothing.hdf5 does not exist: "),
    (["-o", "m.txt", "{weights}"], "one file that ends in .onnx"),
    (["-o", "m.onnx", "{weights}", "{weights}"], "came for 2 model"),
    (["{onnx}"], "is exported already: name the weights it was made from"),
])
def test_wrong_flags_get_one_sentence(cpc, argv, sentence):
    import importlib.util
    spec = importlib.util.spec_from_file_location("export_script", ROOT / "export.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    one, path, _ = cpc
    with pytest.raises(MerError, match=sentence):
        script.main([text.format(weights=one.path, onnx=path) for text in argv])
