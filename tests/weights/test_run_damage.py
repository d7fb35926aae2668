"""Damaged states, weights, codes and run.json are named; none of them passes for absent or whole."""

import json
import os
from types import SimpleNamespace

import h5py
import keras
import numpy as np
import pytest
from test_loop import fit, small_model

from mer import MerError, files
from mer.training import codes, loop
from mer.weights import catalogue, keras3
from mer.weights.model_file import ModelFile

ABOUT = {"key": "k", "settings": {}, "name": "model_over", "it": 0}
BROKEN = {"text": "{", "list": "[]", "number": "3", "null": "null", "latin": b"{\"key\": \"\xe9\"}", "empty": "",
          "type": json.dumps({**ABOUT, "settings": []}), "missing": json.dumps({"name": "model_over"})}


def put(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def flip(path, place=-40):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


@pytest.fixture(scope="module")
def three_epochs(tmp_path_factory):
    """The state after three of six epochs, and the history of all six."""
    folder = tmp_path_factory.mktemp("state")
    fit(small_model(), folder / "three", epochs=3)
    return folder / "three", fit(small_model(), folder / "whole")


@pytest.fixture
def state(three_epochs, tmp_path):
    """A copy of the state after three epochs."""
    for path in three_epochs[0].iterdir():
        put(tmp_path / path.name, path.read_bytes())
    return tmp_path / "state.json"


def changed(path):
    put(path, path.read_text().replace('"epoch": 1', '"epoch": 2'))


@pytest.mark.parametrize("content", [*BROKEN.values(), None])
def test_a_damaged_state_is_named(state, content):
    if content is None:
        changed(state)
    else:
        put(state, content)
    with pytest.raises(files.Damaged, match=r"state\.json is damaged"):
        loop.read_state(state.parent)


@pytest.mark.parametrize("damage", [flip, lambda path: os.truncate(path, 900), lambda path: path.unlink()])
def test_damaged_weights_of_a_state_are_named(state, damage):
    damage(state.with_name("epoch-3.weights.h5"))
    with pytest.raises(files.Damaged, match=r"epoch-3\.weights\.h5 is missing or damaged"):
        loop.read_state(state.parent)


@pytest.mark.parametrize("name, damage", [("state.json", changed), ("epoch-3.weights.h5", flip)])
def test_a_stage_starts_again_where_its_state_is_damaged(three_epochs, state, name, damage, capsys):
    damage(state.with_name(name))
    assert fit(small_model(), state.parent) == three_epochs[1]
    assert name in capsys.readouterr().err


def test_a_state_of_somebody_else_leads_to_no_other_file(three_epochs, tmp_path):
    """Its hashes and its seal are right, and its weights are links into another file."""
    for path in three_epochs[0].iterdir():
        put(tmp_path / path.name, path.read_bytes())
    weights, secret = tmp_path / "epoch-3.weights.h5", tmp_path / "secret.h5"
    weights.rename(secret)
    with h5py.File(weights, "w") as file, h5py.File(secret) as other:
        for name in other:
            file[name] = h5py.ExternalLink(str(secret), f"/{name}")
    state = json.loads((tmp_path / "state.json").read_text())
    state["weights"][weights.name] = files.sha256(weights)
    state["seal"] = files.key_of({name: value for name, value in state.items() if name != "seal"})
    files.write_json(tmp_path / "state.json", state)
    with pytest.raises(MerError, match="a link to another file"):
        fit(small_model(), tmp_path)


def test_best_weights_that_are_damaged_while_training_goes_on_are_named(tmp_path, monkeypatch):
    def damaged(self, epoch, logs=None):
        save(self, epoch, logs)
        if epoch == 5:
            flip(self.folder / f"epoch-{self.state['best']['epochs_done']}.weights.h5", place=3000)

    save = loop.Checkpoint.on_epoch_end
    monkeypatch.setattr(loop.Checkpoint, "on_epoch_end", damaged)
    with pytest.raises(files.Damaged, match="run the same command again"):
        fit(small_model(), tmp_path)


def test_a_state_keeps_the_last_and_the_best_weights_only(three_epochs):
    names = {path.name for path in three_epochs[0].iterdir()}
    best = loop.read_state(three_epochs[0])["best"]["epochs_done"]
    assert names == {"state.json", "epoch-3.weights.h5", f"epoch-{best}.weights.h5"}


@pytest.fixture
def run(tmp_path):
    """A finished run of a small model."""
    made = ModelFile(tmp_path / "speech_eng_2_music_eng" / "model_over.multitask.weights.h5")
    sha256 = keras3.save(small_model(), made.path)
    files.write_json(made.file("run.json"), {**ABOUT, "weights_sha256": sha256})
    return made


@pytest.mark.parametrize("content", BROKEN.values())
def test_a_damaged_run_json_never_passes_for_an_unfinished_run(run, content):
    put(run.file("run.json"), content)
    with pytest.raises(files.Damaged, match=r"run\.json is damaged .*with --force"):
        run.is_finished("k", {}, force=False)
    assert run.is_finished("k", {}, force=True) is False


@pytest.mark.parametrize("damage", [flip, lambda path: os.truncate(path, path.stat().st_size // 2)])
def test_damaged_weights_of_a_finished_run_are_named(run, damage):
    assert run.is_finished("k", {}, force=False)
    damage(run.path)
    with pytest.raises(files.Damaged, match="weights.h5 is damaged"):
        run.is_finished("k", {}, force=False)
    with pytest.raises(files.Damaged, match="weights.h5 is damaged"):
        run.load(small_model())


def test_a_kill_between_weights_and_run_json_leaves_an_unfinished_run(run):
    run.begin_saving()
    keras3.save(small_model(seed=5), run.path)
    assert run.read() is None and run.is_finished("k", {}, force=False) is False


def test_no_other_model_is_taken_for_one_with_a_damaged_run_json(run, tmp_path):
    put(run.file("run.json"), "{")
    cfg = SimpleNamespace(root=tmp_path, path_to_models="models", path_to_models_trans="", models_dir=tmp_path / "m",
                          models_trans_dir=tmp_path, resolve=lambda path: tmp_path / path)
    assert catalogue.find(cfg) == []
    with pytest.raises(files.Damaged, match=r"run\.json is damaged"):
        catalogue.choose(cfg, it=0)


def test_a_full_disk_keeps_the_weights_of_before(run, monkeypatch):
    before = run.path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device", "name")

    monkeypatch.setattr(files, "write_whole", full)
    with pytest.raises(OSError, match="No space"):
        keras3.save(small_model(seed=5), run.path)
    assert run.path.read_bytes() == before and not list(run.path.parent.glob(".*.part*"))


class Patched:
    """Three hundred patches of which the code is the patch itself."""

    def __len__(self):
        return 300

    def gather(self, indices):
        return np.stack([np.full(7, index, np.float32) for index in indices])


def header(path):
    put(path, b"\x93NUMPY\x01\x00\xff\xffnonsense")


@pytest.mark.parametrize("damage", [flip, header, lambda path: os.truncate(path, 500), lambda path: put(path, b""),
                                    lambda path: np.save(path, np.ones((300, 7))),
                                    lambda path: np.save(path, np.full((300, 7), np.nan, np.float32)),
                                    lambda path: put(path.with_suffix(".json"), "[]"),
                                    lambda path: path.with_suffix(".json").unlink()])
def test_damaged_codes_are_named_and_computed_again(tmp_path, damage, capsys):
    row = keras.Input((7,))
    encoder = keras.Model(row, keras.layers.Activation("linear")(row))
    cfg = SimpleNamespace(features_dir=tmp_path, patch_overlap=0.5, precision="float32")
    data = SimpleNamespace(patches=Patched(), reads=SimpleNamespace(seconds=1.0),
                           clips=SimpleNamespace(fingerprint=lambda sides: "x"))
    made = codes.cached_codes(cfg, data, encoder, "e")
    np.testing.assert_array_equal(made, np.repeat(np.arange(300.0), 7).reshape(300, 7))
    path = next((tmp_path / "codes").glob("*.npy"))
    whole, time = path.read_bytes(), path.stat().st_mtime_ns
    codes.cached_codes(cfg, data, encoder, "e")
    assert path.stat().st_mtime_ns == time
    del made
    damage(path)
    np.testing.assert_array_equal(codes.cached_codes(cfg, data, encoder, "e"), np.load(path))
    assert path.read_bytes() == whole and "is damaged: its codes are computed again" in capsys.readouterr().out


def test_codes_that_are_not_finite_are_refused(tmp_path):
    row = keras.Input((7,))
    encoder = keras.Model(row, keras.layers.Rescaling(float("inf"))(row))
    cfg = SimpleNamespace(features_dir=tmp_path, patch_overlap=0.5, precision="float32")
    data = SimpleNamespace(patches=Patched(), reads=SimpleNamespace(seconds=1.0),
                           clips=SimpleNamespace(fingerprint=lambda sides: "x"))
    with pytest.raises(MerError, match="no finite numbers"):
        codes.cached_codes(cfg, data, encoder, "e")
    assert not list((tmp_path / "codes").glob("*.npy"))
