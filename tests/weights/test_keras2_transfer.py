"""Weight files of Keras 2 in use: a transfer starts from them, and convert_weights.py makes finished runs of them."""

import os
import subprocess
import sys

import numpy as np
import pytest
from legacy_files import (
    PRETEXT_FILE,
    TRANSFER_FILE,
    as_pointer,
    autoencoder_arrays,
    cpc_arrays,
    emotion_model,
    module_of,
    pretext_model,
    reference_code,
    sentence,
    transfer_arrays,
    write,
)

import convert_weights
from mer import files, heads
from mer.features.chunks import of_encoder
from mer.features.representations.log_mel import LogMel
from mer.tasks import PUBLISHED
from mer.training import transfer
from mer.weights import catalogue, convert, keras2, keras3
from mer.weights.model_file import ModelFile, speech_run

# ---- starting from the release ----------------------------------------------------------------------------------

@pytest.fixture
def own(make_config, tmp_path):
    """Config with folders for models of its own."""
    return make_config(f"path_to_models={tmp_path / 'models'}", f"path_to_models_trans={tmp_path / 'models_trans'}")


def find(cfg, speech="e", name="model_over", it=0, weights_file=None, hours=None):
    reads = of_encoder(module_of(name), cfg.values)
    return catalogue.encoder(cfg, speech=speech, model=name, settings=reads.settings, it=it, path=weights_file,
                             hours=hours)


def test_ours_win_over_the_release(own, tmp_path, rng):
    assert "or unpack the published models/ into the repository" in sentence(find, own)
    path = write(tmp_path / "models/speech/english" / PRETEXT_FILE.format("model_over"), autoencoder_arrays(rng))
    found = find(own, it=4)
    assert found.encoder_facts == {
        "run": path.name.removesuffix(".hdf5"), "file": path.name, "origin": "release", "it": 0,
        "sha256": files.sha256(path)[:16], "scores": None, "settings": found.metadata["settings"],
        "hours": None, "hours_heard": None, "backend": None}
    run = speech_run(own, "english", "model_over", 0)
    keras3.save(pretext_model("model_over"), run.path)
    run.file("").mkdir()
    files.write_json(run.file("run.json"), {"it": 0, "scores": {"mse": 1}, "settings": LogMel().settings})
    assert find(own, it=4).encoder_facts["origin"] == "ours" and find(own).encoder_facts["scores"] == {"mse": 1}


def test_an_encoder_of_the_release_becomes_the_start_of_a_transfer(own, tmp_path, rng, patches):
    for name, make, cpc in (("model_over", autoencoder_arrays, False), ("model_cpc", cpc_arrays, True)):
        arrays = make(rng)
        write(tmp_path / "models/speech/english" / PRETEXT_FILE.format(name), arrays)
        pretrained = module_of(name).build(of_encoder(module_of(name), own.values).shape)
        find(own, name=name).load(pretrained)
        model = heads.attach(module_of(name).encoder(pretrained), PUBLISHED)
        code = heads.encoder_of(model).predict(np.moveaxis(patches, 1, -1), verbose=0)
        expected = reference_code(patches.astype(np.float64), arrays.get("time_distributed_1", arrays), cpc=cpc)
        np.testing.assert_allclose(code, expected, rtol=1e-4, atol=1e-4)


def test_any_file_may_be_named_and_the_wrong_ones_are_told(own, tmp_path, rng):
    path = write(tmp_path / "mine.hdf5", autoencoder_arrays(rng))
    assert find(own, weights_file=str(path)).encoder_facts["file"] == "mine.hdf5"
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
    run = transfer.run(own, speech="e", music="e", name="model_over", module=module_of("model_over"), release="n")
    encoder = run.metadata["encoder"]
    assert (encoder["origin"], encoder["file"], encoder["scores"]) == ("release", path.name, None)
    assert encoder["sha256"] == files.sha256(path)[:16]
    out = capsys.readouterr().out
    assert f"encoder: {path} (release)\n" in out and "finished already" not in out
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
    run = ModelFile(release / "models_trans/speech_eng_2_music_man/model_cpc.multitask.spec.it_0.lr_5e-05.weights.h5")
    about, path = run.metadata, run.path.with_name(f"{run.stem}.hdf5")
    assert {key: about[key] for key in ("name", "model", "pretext", "title", "speech", "speech_abbr", "music",
                                        "music_abbr", "release", "it", "origin", "corpus", "scores")} == {
        "name": "model_cpc", "model": "model_cpc", "pretext": "cpc", "title": "CPC", "speech": "e",
        "speech_abbr": "eng", "music": "m", "music_abbr": "man", "release": "y", "it": 0, "origin": "release",
        "corpus": "published", "scores": None}
    assert about["source"]["file"] == path.name and about["source"]["sha256"].startswith(files.sha256(path)[:16])
    assert len(about["source"]["sha256"]) == 64 and about["settings"]["n_mel_bands"] == 128
    assert about["versions"]["keras"] and about["created"]
    old, new = emotion_model("model_cpc"), emotion_model("model_cpc")
    keras2.load(old, path)
    run.load(new)
    inputs = np.moveaxis(patches, 1, -1)
    for task, value in old.predict(inputs, verbose=0).items():
        np.testing.assert_array_equal(new.predict(inputs, verbose=0)[task], value)


def test_a_converted_encoder_is_found_like_one_of_ours(release, make_config):
    converter(release / "models")
    cfg = make_config(f"path_to_models={release / 'models'}")
    found = find(cfg, hours=3)
    assert found.origin == "release, converted" and found.path.name.endswith(".weights.h5")
    assert found.encoder_facts["scores"] is None and found.metadata["hours"] == 3
    found.load(pretext_model("model_over"))
    original = found.path.with_name(PRETEXT_FILE.format("model_over"))
    assert found.key == files.sha256(original)[:16], "a transfer from either file is the same run"
    named = find(cfg, weights_file=found.path)
    assert named.metadata["source"] == found.metadata["source"]


def test_what_was_converted_is_skipped_and_what_was_trained_is_kept(release, rng, capsys):
    converter(release / "models")
    assert converter(release / "models") == 0 and "0 converted, 1 converted before" in capsys.readouterr().out
    assert converter(release / "models", "--force") == 0 and "1 converted, 0" in capsys.readouterr().out
    path = write(release / "models/speech/3h_english" / PRETEXT_FILE.format("model_over"), autoencoder_arrays(rng))
    assert converter(path) == 1 and "was converted from another file: add --force" in capsys.readouterr().err
    run = ModelFile(path.with_suffix(".weights.h5"))
    files.write_json(run.file("run.json"), {"key": "ours"})
    before = run.path.read_bytes()
    assert converter(path, "--force") == 1 and "was trained here and is not replaced" in capsys.readouterr().err
    run.file("run.json").unlink()
    assert converter(path, "--force") == 1 and "is there already and is not finished" in capsys.readouterr().err
    assert run.path.read_bytes() == before


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
    code = (f"import sys; from mer.weights import keras2; assert keras2.looks_legacy({str(path)!r}); "
            f"assert keras2.describe({str(path)!r})['model'] == 'model_over'; "
            "assert not {'keras', 'tensorflow', 'pandas'} & set(sys.modules)")
    subprocess.run([sys.executable, "-c", code], check=True, cwd=os.path.dirname(convert_weights.__file__))
