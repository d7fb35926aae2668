"""Fitted classifiers on disk: what comes back is what went in, and nothing else is loaded."""

import io
import json
import pickle
import zipfile

import numpy as np
import pytest
from test_pipelines import training

from mer import MerError, classifiers
from mer.classifiers import pipelines, stored


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A file of every classifier, by name."""
    folder = tmp_path_factory.mktemp("stored")
    for name in classifiers.CLASSIFIERS:
        (folder / f"{name}.skops").write_bytes(stored.write({"quadrants": pipelines.fit(name, training())[0]}))
    return {path.stem: path for path in folder.iterdir()}


def changed(path, tmp_path, change, *, arrays=None):
    """A copy of a file whose description went through `change`, and arrays through `arrays`."""
    made = tmp_path / "changed.skops"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.namelist():
            content = old.read(entry)
            if entry == "schema.json":
                schema = json.loads(content)
                change(schema)
                content = json.dumps(schema).encode()
            elif arrays:
                held = io.BytesIO()
                np.save(held, arrays(np.load(io.BytesIO(content), allow_pickle=False)))
                content = held.getvalue()
            new.writestr(entry, content)
    return made


def nodes(item):
    """Everything that a description describes."""
    if isinstance(item, dict):
        yield item
    for inner in item.values() if isinstance(item, dict) else item if isinstance(item, list) else ():
        yield from nodes(inner)


@pytest.mark.parametrize("name", classifiers.CLASSIFIERS)
def test_what_comes_back_predicts_the_same(files, name):
    data = training()
    fitted, _ = pipelines.fit(name, data)
    [back] = stored.read(files[name]).values()
    np.testing.assert_array_equal(pipelines.probabilities(back, data.values, 4),
                                  pipelines.probabilities(fitted, data.values, 4))
    with zipfile.ZipFile(files[name]) as archive:
        assert {entry.rpartition(".")[2] for entry in archive.namelist()} == {"json", "npy"}


def chi2_is(**what):
    def change(schema):
        for node in nodes(schema):
            if node.get("__class__") == "chi2":
                node.update(what)
    return change


@pytest.mark.parametrize("what", [
    {"__module__": "os", "__class__": "system"}, {"__module__": "builtins", "__class__": "eval"},
    {"__class__": "f_classif"}, {"__loader__": "ReduceNode"}, {"__loader__": "MethodNode"}, {"__loader__": "TypeNode"},
    {"__loader__": "OperatorFuncNode"}, {"__loader__": None}, {"__class__": ["chi2"]}])
def test_types_and_loaders_that_no_file_of_ours_has_are_refused(files, tmp_path, what, monkeypatch):
    import skops.io
    monkeypatch.setattr(skops.io, "loads", None)  # nothing is loaded
    with pytest.raises(MerError, match="is refused: it holds .* so nothing of it was loaded"):
        stored.read(changed(files["nb"], tmp_path, chi2_is(**what)))


def test_a_type_that_skops_itself_trusts_is_refused(files, tmp_path):
    def change(schema):
        for node in nodes(schema):
            if node.get("__class__") == "GaussianNB":
                node.update({"__module__": "sklearn.cluster._kmeans", "__class__": "KMeans"})
    with pytest.raises(MerError, match=r"holds sklearn\.cluster\._kmeans\.KMeans, which no model of this program does"):
        stored.read(changed(files["nb"], tmp_path, change))


class Bomb:
    def __reduce__(self):
        return exec, ("raise SystemExit('executed')",)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", pickle.dumps(Bomb()), b"\0" * 500])
def test_what_is_no_such_file_is_damaged(tmp_path, content):
    (tmp_path / "x.skops").write_bytes(content)
    with pytest.raises(MerError, match="x.skops is damaged"):
        stored.read(tmp_path / "x.skops")


def test_objects_inside_arrays_are_refused(files, tmp_path):
    def pickled(array):
        return np.array([Bomb()], object)
    with pytest.raises(MerError, match="is damaged .*pickle"):
        stored.read(changed(files["nb"], tmp_path, lambda schema: None, arrays=pickled))


def test_half_a_file_and_a_large_one(files, tmp_path, monkeypatch):
    content = files["mlp"].read_bytes()
    for half in (content[:len(content) // 2], content[:-30]):
        (tmp_path / "half.skops").write_bytes(half)
        with pytest.raises(MerError, match="is damaged"):
            stored.read(tmp_path / "half.skops")
    monkeypatch.setattr(stored, "_MOST_BYTES", 1000)
    with pytest.raises(MerError, match="is refused: unpacked it has more than"):
        stored.read(files["mlp"])


def test_another_version_of_scikit_learn_is_said(files, tmp_path):
    def change(schema):
        for node in nodes(schema):
            if "_sklearn_version" in node.get("content", {}):
                node["content"]["_sklearn_version"]["content"] = '"0.1"'
    with pytest.raises(MerError, match=r"made with scikit-learn 0\.1, and .* is installed"):
        stored.read(changed(files["nb"], tmp_path, change))


def test_trees_and_support_vectors_that_lead_outside_are_refused(files, tmp_path):
    def into_nowhere(array):
        if array.dtype.names:
            array["left_child"][array["left_child"] > 0] = 10**6
        return array

    def fewer(array):
        return array[:-3] if array.dtype == np.float64 and array.ndim == 2 and array.shape[1] == 12 else array
    for name, arrays in (("forest", into_nowhere), ("svm", fewer)):
        with pytest.raises(MerError, match="is damaged"):
            stored.read(changed(files[name], tmp_path, lambda schema: None, arrays=arrays))
