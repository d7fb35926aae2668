"""Hostile weight files, ours (.weights.h5) and those of the release (.hdf5): one sentence, no other file is read."""

import h5py
import hostile_hdf5
import numpy as np
import pytest
from legacy_files import autoencoder_arrays, write

import models
from mer import MerError
from mer.weights import keras2, keras3


@pytest.fixture(scope="module")
def model():
    return models.load("model_over", pretexts=["denoise"]).build((128, 31, 1))


@pytest.fixture(scope="module")
def good(model, tmp_path_factory):
    """A good file of each kind, and the function that reads it."""
    folder = tmp_path_factory.mktemp("good")
    keras3.save(model, folder / "ours.weights.h5")
    write(folder / "release.hdf5", autoencoder_arrays(np.random.default_rng(0)))
    return {"ours": (folder / "ours.weights.h5", keras3.load), "release": (folder / "release.hdf5", keras2.load)}


def refused(load, model, path):
    with pytest.raises(MerError) as caught:
        load(model, path)
    sentence = str(caught.value)
    assert str(path) in sentence and sentence.isprintable() and "Skipping" not in sentence
    assert not any((weight.numpy() == hostile_hdf5.CANARY).any() for weight in model.weights)
    return sentence


@pytest.mark.parametrize("kind", ["ours", "release"])
@pytest.mark.parametrize("name", sorted(hostile_hdf5.FILES.keys() - {"packed_bomb"}))  # small beside 30 MB
def test_what_leads_elsewhere_is_refused(tmp_path, good, model, kind, name):
    hostile_hdf5.write_other_files(tmp_path)
    source, load = good[kind]
    path = tmp_path / source.name
    path.write_bytes(source.read_bytes())
    with h5py.File(path, "a") as file:
        if "values" in name or "link" in name or "data" in name:  # in the place of a right array, too
            first = next(iter(arrays(file)))
            del file[first]
        hostile_hdf5.FILES[name](file, tmp_path)
    refused(load, model, path)


def arrays(file):
    found = []
    file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    return found


@pytest.mark.parametrize("kind", ["ours", "release"])
def test_damaged_files_are_refused(tmp_path, good, model, kind):
    source, load = good[kind]
    content = source.read_bytes()
    for name, damaged in hostile_hdf5.damaged(content).items():
        path = tmp_path / f"{name}{''.join(source.suffixes)}"
        path.write_bytes(damaged)
        try:
            load(model, path)
        except MerError as error:
            assert str(error).isprintable(), name


def test_what_does_not_fit_is_said_in_plain_words(tmp_path, good, model):
    other = models.load("model_over", pretexts=["denoise"]).build((128, 43, 1))
    assert "an array of shape (31,) too many and it lacks one of shape (43,)" in refused(keras3.load, other,
                                                                                        good["ours"][0])
    cpc = models.load("model_cpc", pretexts=["cpc"]).build((128, 31, 1))
    assert "is the file of another architecture" in refused(keras3.load, cpc, good["ours"][0])
    path = tmp_path / "x.weights.h5"
    path.write_bytes(good["ours"][0].read_bytes())
    with h5py.File(path, "a") as file:
        file[arrays(file)[0]][...] = np.nan
    assert "not finite" in refused(keras3.load, model, path)
    with h5py.File(path, "a") as file:
        file[arrays(file)[0]][...] = 0
        file.move("layers", "other_layers")
    assert "other names" in refused(keras3.load, model, path)
