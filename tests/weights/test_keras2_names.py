"""Files of Keras 2: what their names and layers say."""

import pytest
from legacy_files import (
    as_pointer,
    autoencoder_arrays,
    cpc_arrays,
    sentence,
    transfer_arrays,
    write,
)
from test_keras2 import as_keras_3, as_other_hdf5

from mer.weights import keras2

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
    found = keras2.describe(tmp_path / path)
    assert {key: found[key] for key in expected} == expected
    assert found["corpus"] == "published" and found["settings"]["hop_samples"] == 512
    assert str(keras2.layout(tmp_path / path)) == path.rpartition("/")[0].removeprefix("models/").removeprefix(
        "models_trans/")


@pytest.mark.parametrize("make, kind, model", [
    (autoencoder_arrays, "pretext", "model_over"), (cpc_arrays, "pretext", "model_cpc"),
    (lambda rng: transfer_arrays(rng, cpc=True), "transfer", "model_cpc"),
    (lambda rng: transfer_arrays(rng, cpc=False), "transfer", "model_over"),
])
def test_layers_say_it_where_the_name_does_not(make, kind, model, tmp_path, rng):
    found = keras2.describe(write(tmp_path / "mine.hdf5", make(rng)))
    assert (found["kind"], found["model"], found["speech"], found["it"]) == (kind, model, None, None)
    assert keras2.layout(tmp_path / "mine.hdf5") is None


def test_only_files_of_keras_2_look_like_it(tmp_path, rng):
    path = write(tmp_path / "x.hdf5", autoencoder_arrays(rng))
    assert keras2.looks_legacy(path)
    path = path.rename(tmp_path / "x.h5")
    assert keras2.looks_legacy(path)
    as_keras_3(path)
    assert not keras2.looks_legacy(path)
    as_other_hdf5(path)
    assert not keras2.looks_legacy(path)
    as_pointer(path)
    assert not keras2.looks_legacy(path) and not keras2.looks_legacy(tmp_path)
    assert keras2.looks_legacy(path.rename(tmp_path / "x.hdf5")), "its place is that of a file of the release"
    assert "holds none of the published models" in sentence(keras2.describe, write(tmp_path / "y.hdf5", {"dense": {}}))
