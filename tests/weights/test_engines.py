"""Engines: the exported file or Keras, which one and why, and files that are not what they should be."""

import json
import os
import shutil
import subprocess
import sys

import exported
import numpy as np
import pytest
from conftest import ROOT
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mer import MerError, files
from mer.features import chunks
from mer.tasks import PUBLISHED, labels_of
from mer.weights import engines, onnx_file
from mer.weights.model_file import ModelFile

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install -r requirements-export.txt")

SETTINGS = chunks.recorded(exported.SMALL).exact
SIZES = {"quadrants": 4, "arousal": 2, "valence": 2}


def tiny(*, sizes=SIZES, bands=64, frames=15, **metadata):
    """A small ONNX model with the metadata of an export: zeros to even probabilities."""
    from onnx import helper, numpy_helper
    nodes, tensors, n = [helper.make_node("Flatten", ["patch"], ["flat"])], [], bands * frames
    for name, size in sizes.items():
        kernel = np.random.default_rng(size).normal(0, 0.01, (n, size)).astype(np.float32)
        tensors.append(numpy_helper.from_array(kernel, f"{name}.kernel"))
        nodes += [helper.make_node("MatMul", ["flat", f"{name}.kernel"], [f"{name}.sum"]),
                  helper.make_node("Softmax", [f"{name}.sum"], [name])]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "tiny", [value("patch", 1, ["n", bands, frames, 1])],
                              [value(name, 1, ["n", size]) for name, size in sizes.items()], tensors)
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 15)])
    parts = {"about": {"model": "model_cpc", "title": "CPC", "speech": "x", "music": "t", "release": "n", "it": 2,
                       "corpus": "demo"},
             "labels": labels_of(PUBLISHED), "settings": SETTINGS, "export": {}} | metadata
    said = {"format": onnx_file.FORMAT, "sha256": "0" * 64}
    said |= {name: part if isinstance(part, str) else json.dumps(part) for name, part in parts.items()}
    helper.set_model_props(model, said)
    return model


def save(model, path):
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture
def path(tmp_path):
    return save(tiny(), tmp_path / "m.onnx")


def test_an_exported_file_predicts(path):
    engine = engines.open_onnx(path)
    assert engine.name == "onnx"
    assert engine.title == "CPC, Feat. Ext., Mix speech -> Turkish music, run 2, demo corpus"
    assert engine.about["labels"] == labels_of(PUBLISHED) and engine.about["settings"]["patch_frames"] == 15
    made = engine.predict(exported.patches(exported.SMALL, 40))
    assert {name: value.shape for name, value in made.items()} == {
        "quadrants": (40, 4), "arousal": (40, 2), "valence": (40, 2)}
    even = engine.predict(np.zeros((1, 64, 15, 1), np.float64))
    np.testing.assert_allclose(even["quadrants"], 0.25, atol=1e-6)
    assert engine.predict(np.empty((0, 64, 15, 1), np.float32))["valence"].shape == (0, 2)
    json.dumps(engine.about)


def test_the_onnx_way_imports_nothing_heavy(path):
    code = ("import sys\nimport numpy as np\nfrom mer.weights import engines, onnx_file\n"
            f"engine = engines.open_onnx({str(path)!r})\nengine.predict(np.zeros((2, 64, 15, 1), np.float32))\n"
            "print(sorted({'keras', 'tensorflow', 'librosa', 'pandas', 'sklearn', 'h5py', 'onnx', 'matplotlib'}"
            " & set(sys.modules)))")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize("about, title", [
    ({"model": "model_x"}, "model_x"),
    ({"model": "model_cnn", "title": "CNN", "music": "e", "speech": None, "release": None, "it": 0},
     "CNN, English music, run 0"),
    ({"model": "model_over", "title": "SCAE", "speech": "m", "music": "m", "release": "y", "it": 3,
      "corpus": "published"}, "SCAE, Full, Mandarin speech -> Mandarin music, run 3, published weights"),
])
def test_titles(about, title):
    assert engines.title(about) == title


@pytest.mark.parametrize("content, sentence", [
    (b"", "cannot be read .it is empty."),
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "is truncated or no ONNX file"),
    (b"\x89HDF\r\n\x1a\n" + bytes(100), "is no model that export.py wrote"),
    (b"\x08\x08", "has no metadata of format 1"),
    (b"\xff" * 50, "is truncated or no ONNX file"),
])
def test_other_files_get_one_sentence(tmp_path, content, sentence):
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    with pytest.raises(MerError, match=sentence):
        engines.open_onnx(path)


def test_missing_files_and_folders_get_one_sentence(tmp_path):
    with pytest.raises(MerError, match="cannot be read .No such file or directory."):
        engines.open_onnx(tmp_path / "m.onnx")
    with pytest.raises(MerError, match="cannot be read .Is a directory."):
        engines.open_onnx(tmp_path)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9, 0.99, 0.999])
def test_a_truncated_file_gets_one_sentence(path, share):
    content = path.read_bytes()
    path.write_bytes(content[:int(len(content) * share)])
    with pytest.raises(MerError, match="is truncated or no ONNX file"):
        engines.open_onnx(path)


@pytest.mark.parametrize("metadata, sentence", [
    ({"format": "2"}, "has no metadata of format 1"),
    ({"about": "{"}, "lacks a part of its metadata"),
    ({"about": []}, "lacks a part of its metadata"),
    ({"about": {"model": 3}}, "lacks a part of its metadata"),
    ({"about": {"model": "m", "speech": ["e"]}}, "lacks a part of its metadata"),
    ({"about": "[" * 100_000}, "lacks a part of its metadata"),
    ({"labels": {**labels_of(PUBLISHED), "arousal": ["A+", "A-"]}}, r"answers with the labels .*\"A\+\", \"A-\""),
    ({"labels": {}}, "answers with the labels"),
    ({"settings": {**SETTINGS, "hop_samples": 0}}, "says nothing sensible of hop_samples"),
    ({"settings": {**SETTINGS, "n_fft": 1e9}}, "says nothing sensible of n_fft"),
    ({"settings": {**SETTINGS, "n_fft": 10**9}}, "says nothing sensible of n_fft"),
    ({"settings": {**SETTINGS, "patch_frames": True}}, "says nothing sensible of patch_frames"),
    ({"settings": {**SETTINGS, "patch_seconds": "1"}}, "says nothing sensible of patch_seconds"),
    ({"settings": {**SETTINGS, "representation": "../log_mel"}}, "but one of .*log_mel, .*waveform was expected"),
    ({"settings": {"representation": "waveform", "sample_rate_hz": 16000, "patch_frames": 9}}, r"says \[9, 1\]"),
    ({"settings": {**SETTINGS, "patch_frames": 31}}, r"but its metadata says \[64, 31, 1\]"),
    ({"about": {"model": "m", "speech": "zz"}}, "no speech corpus has the code 'zz'"),
])
def test_metadata_that_contradicts_gets_one_sentence(tmp_path, metadata, sentence):
    with pytest.raises(MerError, match=sentence) as caught:
        engines.open_onnx(save(tiny(**metadata), tmp_path / "m.onnx"))
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 700


@pytest.mark.parametrize("sizes", [{"quadrants": 4, "arousal": 2}, {**SIZES, "quadrants": 5}, {**SIZES, "more": 2}])
def test_other_outputs_get_one_sentence(tmp_path, sizes):
    with pytest.raises(MerError, match="and gives .* but its metadata says"):
        engines.open_onnx(save(tiny(sizes=sizes), tmp_path / "m.onnx"))


def test_without_metadata_it_is_somebody_elses(tmp_path):
    model = tiny()
    del model.metadata_props[:]
    with pytest.raises(MerError, match="is no model that export.py wrote .*: make one with 'python3 export.py MODEL'"):
        engines.open_onnx(save(model, tmp_path / "m.onnx"))


CONTENT = tiny(bands=4, frames=3, settings={**SETTINGS, "n_mel_bands": 4, "patch_frames": 3}).SerializeToString()


@given(st.integers(0, len(CONTENT) - 1), st.binary(min_size=1, max_size=8))
@hypothesis_settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_anywhere_is_read_or_refused(tmp_path, place, damage):
    path = tmp_path / "m.onnx"
    path.write_bytes(CONTENT[:place] + damage + CONTENT[place + len(damage):])
    try:
        assert onnx_file.read(path)["labels"] == labels_of(PUBLISHED)
    except MerError as error:
        assert str(path) in str(error)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return exported.write(tmp_path_factory.mktemp("trained"), "model_cpc", exported.SMALL)


def beside(trained, folder, *, sha256=None):
    """The trained model and an exported file beside it, in a folder of its own; `sha256`: as of other weights."""
    found = copied(trained, folder)
    model = onnx.load(save(tiny(), found.export_path))
    said = {prop.key: prop.value for prop in model.metadata_props}
    onnx.helper.set_model_props(model, said | {"sha256": sha256 or files.sha256(found.path)})
    save(model, found.export_path)
    return found


def copied(trained, folder, **facts):
    """The trained model in a folder of its own, with other facts in its run.json."""
    found = ModelFile(folder / trained.path.name)
    shutil.copy(trained.path, found.path)
    found.file("").mkdir(exist_ok=True)
    found.file("run.json").write_text(json.dumps({**trained.metadata, **facts}))
    return found


def open_engine(found, engine="auto"):
    return engines.open_engine(found, engine=engine, load_module=exported.load_module)


def test_a_fresh_exported_file_is_used(trained, tmp_path, capsys):
    assert open_engine(beside(trained, tmp_path)).name == "onnx"
    assert open_engine(beside(trained, tmp_path), "onnx").name == "onnx"
    assert open_engine(beside(trained, tmp_path), "keras").name == "keras"
    assert capsys.readouterr().err == ""


def test_a_stale_exported_file_is_not_used(trained, tmp_path, capsys):
    found = beside(trained, tmp_path, sha256="1" * 64)
    engine = open_engine(found)
    assert engine.name == "keras" and engine.about["sha256"] == files.sha256(found.path)
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and ".onnx was exported from other weights; Keras takes over" in said
    with pytest.raises(MerError, match=r"\.onnx was exported from other weights; run 'python3 export.py \S+h5'"):
        open_engine(found, "onnx")


def test_a_damaged_exported_file_is_not_used(trained, tmp_path, capsys):
    found = beside(trained, tmp_path)
    found.exported.write_bytes(found.exported.read_bytes()[:-9])
    assert open_engine(found).name == "keras"
    assert "is truncated" in capsys.readouterr().err
    with pytest.raises(MerError, match="is truncated"):
        open_engine(found, "onnx")


def test_without_an_exported_file_keras_says_so(trained, capsys):
    assert open_engine(trained).name == "keras"
    assert f"note: no exported file stands beside {trained.path}; Keras takes over" in capsys.readouterr().err
    with pytest.raises(MerError, match="no exported file stands beside .*; run 'python3 export.py"):
        open_engine(trained, "onnx")


def test_an_exported_file_alone(path, capsys):
    found = ModelFile(path)
    assert open_engine(found).name == open_engine(found, "onnx").name == "onnx"
    with pytest.raises(MerError, match="is an exported file, and Keras reads weight files only"):
        open_engine(found, "keras")
    path.write_bytes(b"")
    with pytest.raises(MerError, match="it is empty"):
        open_engine(found)


def test_weights_that_do_not_fit(trained, tmp_path):
    found = copied(trained, tmp_path, model="model_over")
    with pytest.raises(MerError, match="does not fit emotion"):
        open_engine(found, "keras")


def test_without_keras_there_is_one_sentence(trained, tmp_path):
    code = ("import sys\nfrom pathlib import Path\nfrom mer import cli\nfrom mer.weights import engines, model_file\n"
            "sys.modules['keras'] = None\n"
            f"found = model_file.ModelFile(Path({str(trained.path)!r}))\n"
            "cli.run(lambda: engines.open_engine(found, engine=sys.argv[1], load_module=None))")
    for engine, start in (("auto", "error: no exported file stands beside "), ("keras", "error: Keras cannot start ")):
        done = subprocess.run([sys.executable, "-c", code, engine], cwd=ROOT, capture_output=True, text=True,
                              env={**os.environ, "PYTHONPATH": str(ROOT)})
        assert done.returncode == 1 and done.stderr.count("\n") == 1 and done.stderr.startswith(start)
        assert "Keras cannot start (" in done.stderr and "run 'pip install -r requirements.txt'" in done.stderr


def test_without_onnxruntime(trained, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    found = beside(trained, tmp_path)
    with pytest.raises(MerError, match="needs onnxruntime, which is not installed: run 'pip install"):
        open_engine(found, "onnx")
    assert open_engine(found).name == "keras"
    assert "which is not installed" in capsys.readouterr().err


def test_patch_frames_follow_from_seconds():
    assert chunks.recorded(exported.SETTINGS).exact["patch_frames"] == 31
    assert chunks.recorded({**exported.SETTINGS, "sample_rate_hz": 22050}).exact["patch_frames"] == 43
    given_frames = {name: value for name, value in SETTINGS.items() if name != "patch_seconds"}
    assert chunks.recorded({**given_frames, "class_weights": True}).exact == {**SETTINGS, "patch_seconds": 0.48}
