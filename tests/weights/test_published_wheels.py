"""What a wheel may hold: the expected arrays, read with nothing run; everything else is refused in a sentence."""

import os
import pickle
import subprocess
import sys
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
from torch_files import Storage, Tensor, dump, of_state

import convert_weights
import models
from mer import MerError, files
from mer.weights import published
from mer.weights.published import ge2e, musicnn


def ge2e_state(rng):
    """Small random arrays under the names of torch."""
    shapes = {"linear.weight": (256, 256), "linear.bias": (256,)}
    for number, n_in in enumerate((40, 256, 256)):
        shapes |= {f"lstm.weight_ih_l{number}": (1024, n_in), f"lstm.weight_hh_l{number}": (1024, 256),
                   f"lstm.bias_ih_l{number}": (1024,), f"lstm.bias_hh_l{number}": (1024,)}
    return {name: rng.normal(0, 0.1, shape).astype("f4") for name, shape in shapes.items()}


def embedding(state, rows):
    """What torch computes of rows (n, 40), by its documented equations (torch.nn.LSTM)."""
    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    for number in range(3):
        w, u, b, c = (state[f"lstm.{name}_l{number}"].astype(float)
                      for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        hidden, cell, outputs = np.zeros(256), np.zeros(256), []
        for row in rows:
            i, f, g, o = np.split(w @ row + b + u @ hidden + c, 4)
            cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
            hidden = sigmoid(o) * np.tanh(cell)
            outputs.append(hidden)
        rows = outputs
    raw = np.maximum(0, state["linear.weight"] @ rows[-1] + state["linear.bias"])
    return raw / np.linalg.norm(raw)


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """Function: source, content of its file -> a wheel that counts as the pinned one."""
    def make(source, content):
        path = tmp_path / f"{source.PACKAGE}-{source.VERSION}-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(ge2e.FILE if source is ge2e else musicnn.CHECKPOINT, content)
        monkeypatch.setattr(source, "SHA256", files.sha256(path))
        return path
    return make


@pytest.fixture
def in_folder(tmp_path, monkeypatch):
    """Results go to a folder of the test."""
    monkeypatch.setenv("MER_PATH_TO_MODELS", str(tmp_path / "models"))
    return tmp_path / "models" / "published"


def test_ge2e_computes_what_torch_does(wheel, in_folder, rng, capsys):
    state = ge2e_state(rng)
    path = wheel(ge2e, of_state(state))
    assert convert_weights.main(["ge2e", "--from", str(path)]) == 0
    assert "1 converted, 0 converted before" in capsys.readouterr().out
    run = published.published_encoder(SimpleNamespace(resolve=lambda path: in_folder.parent, path_to_models=""),
                                      "model_ge2e")
    model = models.load("model_ge2e").build((160, 40))
    run.load(model)
    rows = rng.uniform(0, 3, (160, 40)).astype("f4")
    np.testing.assert_allclose(model.predict(rows[None], verbose=0)[0], embedding(state, rows), atol=1e-5)
    about = run.metadata
    assert about["heard"] == ge2e.HEARD and about["source"]["sha256"] == ge2e.SHA256 and run.origin == "published"
    assert {"license", "citation", "trained_on", "package", "version"} <= set(about["source"])
    assert convert_weights.main(["ge2e", "--from", str(path)]) == 0
    assert "0 converted, 1 converted before" in capsys.readouterr().out
    state["linear.bias"][3] = np.nan
    assert convert_weights.main(["ge2e", "--force", "--from", str(wheel(ge2e, of_state(state)))]) == 1
    assert "values that are not finite" in capsys.readouterr().err


def test_a_checkpoint_has_just_so_many_bytes(rng):
    shapes = {"conv_1": [(7, 38, 1, 4), (4,)], "norm_0": [(1,)] * 4, "tags": [(4, 2), (2,)]}
    # in the order of their names; each trained array with two moments, and two powers of beta
    scopes = {"batch_normalization/": ["beta", "gamma"], "conv2d/": ["bias", "kernel"], "dense_1/": ["bias", "kernel"]}
    sizes = {"beta": 1, "gamma": 1, "bias": 4, "kernel": 7 * 38 * 4}
    values, wanted = [], {}
    for scope, names in scopes.items():
        for name in names:
            size = {"bias": 2, "kernel": 8}[name] if scope == "dense_1/" else sizes[name]
            wanted[scope + name] = rng.normal(size=size).astype("<f4")
            values += [wanted[scope + name], np.zeros(2 * size, "<f4")]
        if scope.startswith("batch"):
            values += [np.array([5, 6], "<f4"), np.array([0.9, 0.999], "<f4")]  # moving mean, variance; powers
    content = b"".join(value.tobytes() for value in values)
    found = musicnn.arrays(lambda name: content, shapes)
    np.testing.assert_array_equal(found["conv_1"][0].ravel(), wanted["conv2d/kernel"])
    np.testing.assert_array_equal(found["tags"][1], wanted["dense_1/bias"])
    assert [float(value[0]) for value in found["norm_0"]][2:] == [5, 6]
    for wrong in (content[:-1], content[:-4], content + bytes(4), b""):
        with pytest.raises(MerError, match="bytes, but .* were expected: it is truncated or of another network"):
            musicnn.arrays(lambda name, wrong=wrong: wrong, shapes)


class Runs:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("place", ["head", "state", "key"])
def test_nothing_in_a_pickle_runs(tmp_path, place):
    evil, storage = Runs(tmp_path / "ran"), Storage("0", [1, 2])
    if place == "head":
        content = pickle.dumps(evil) + of_state({"a": np.ones(2, "f4")})
    else:
        content = dump({"model_state": evil if place == "state" else {evil: Tensor(storage, 0, (2,), (1,))}}, [storage])
    with pytest.raises(MerError, match=r"cannot be read \(it names (posix|nt).system\)"):
        ge2e.state(content)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("described, storages, reason", [
    (lambda s: Tensor(s, 0, (2**40, 2**40), (2**40, 1)), None, "outside its storage"),
    (lambda s: Tensor(s, 3, (2,), (1,)), None, "outside its storage"),
    (lambda s: Tensor(s, -1, (2,), (1,)), None, "outside its storage"),
    (lambda s: Tensor(s, 0, (2, 2), (1, 2)), None, "row by row"),
    (lambda s: Tensor(s, 0, (2, 2), (0, 0)), None, "row by row"),
    (lambda s: Tensor(s, 0, (1, 2, 2), (4, 2, 1)), None, "in another way"),
    (lambda s: Tensor(s, 0, (2,), (1,)), [], "'0'"),
    (lambda s: Tensor(s, 0, (2,), (1,)), [Storage("0", [1, 2], claimed=2**62)], "is not whole"),
    (lambda s: Tensor(s, 0, ("2",), (1,)), None, "not supported"),
    (lambda s: "text", None, ""),
    (lambda s: [], None, ""),
])
def test_a_torch_file_that_lies(described, storages, reason):
    storage = Storage("0", np.arange(4))
    content = dump({"model_state": {"a": described(storage)}}, [storage] if storages is None else storages)
    with pytest.raises(MerError, match=rf"pretrained.pt cannot be read \(.*{reason}.*\): it is truncated, or no torch"):
        ge2e.state(content)


def test_a_torch_file_cut_anywhere():
    whole = of_state({"a": np.arange(6, dtype="f4").reshape(2, 3)})
    np.testing.assert_array_equal(ge2e.state(whole)["a"], [[0, 1, 2], [3, 4, 5]])
    for wrong in [*(whole[:end] for end in range(len(whole))), b"PK\x03\x04" + whole, b"\x80\x02\x8e" + b"\xff" * 8,
                  b"\x80\x04\x95" + b"\xff" * 8, b"(" * 10**6, pickle.dumps(1001)]:
        with pytest.raises(MerError):
            ge2e.state(wrong)


def test_another_wheel_is_refused(tmp_path, in_folder, capsys, monkeypatch):
    path = tmp_path / "musicnn-0.1.0-py3-none-any.whl"
    path.write_bytes(b"PK")
    assert convert_weights.main(["musicnn", "--from", str(path)]) == 1
    assert "is not the wheel of musicnn 0.1.0 on PyPI" in capsys.readouterr().err
    assert convert_weights.main(["musicnn", "--from", str(tmp_path / "absent.whl")]) == 1
    assert "is no file: name the wheel of musicnn 0.1.0" in capsys.readouterr().err
    assert not list(in_folder.glob("*.h5"))
    with pytest.raises(SystemExit):
        convert_weights.main(["models", "--from", str(path)])
    said = []
    monkeypatch.setattr(subprocess, "run", lambda command, **_: said.append(command) or subprocess.CompletedProcess(
        command, 1, "", "ERROR: no network\n"))
    assert convert_weights.main(["musicnn"]) == 1
    assert "pip cannot fetch musicnn==0.1.0 (ERROR: no network): get its wheel" in capsys.readouterr().err
    assert said[0][0] == sys.executable and "--no-deps" in said[0] and said[0][-1] == "musicnn==0.1.0"


def test_a_wheel_without_the_file(wheel, tmp_path, in_folder, capsys, monkeypatch):
    path = wheel(ge2e, b"")
    monkeypatch.setattr(ge2e, "FILE", "elsewhere.pt")
    assert convert_weights.main(["ge2e", "--from", str(path)]) == 1
    assert "holds no readable elsewhere.pt: get the wheel again" in capsys.readouterr().err
