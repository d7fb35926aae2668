"""A published encoder goes the way of any other: transfer, report, catalogue, exported file, prediction, embedding."""

from zipfile import ZipFile

import numpy as np
import pytest
from test_published_wheels import ge2e_state
from torch_files import of_state

import models
import trans_train
from mer import MerError, files, interface
from mer.data import generate
from mer.evaluation import report_text, results
from mer.prediction import webpage
from mer.training import transfer
from mer.weights import catalogue, engines, export, published
from mer.weights.published import ge2e


@pytest.fixture(scope="module")
def cfg(make_config, tmp_path_factory):
    """Settings with a store of what GE2E reads, and a GE2E of random weights."""
    folder = tmp_path_factory.mktemp("ge2e")
    cfg = make_config("heads_epochs=1", folder=folder)
    generate.run("music", "e", cfg, features="ge2e_mel")
    with ZipFile(folder / "wheel.whl", "w") as archive:
        archive.writestr(ge2e.FILE, of_state(ge2e_state(np.random.default_rng(0))))
    pinned, ge2e.SHA256 = ge2e.SHA256, files.sha256(folder / "wheel.whl")
    try:
        published.convert(cfg, "ge2e", load_module=models.load, wheel=folder / "wheel.whl")
        yield cfg
    finally:
        ge2e.SHA256 = pinned


@pytest.fixture(scope="module")
def run(cfg):
    return transfer.run(cfg, speech="m", music="e", name="model_ge2e", module=models.load("model_ge2e"), release="n")


def test_its_runs_pretend_no_language(cfg, run):
    about = run.read()
    assert run.path.parent.name == "published_2_music_eng"
    assert about["speech"] is about["speech_abbr"] is None
    assert about["encoder"]["heard"] == ge2e.HEARD and about["encoder"]["origin"] == "published"
    text = run.file("report.txt").read_text()
    assert f"Heard   {ge2e.HEARD}, by an encoder that others published" in text and "published2eng" in text
    row = results.table(results.find(cfg.models_trans_dir, cfg.models_dir).reports)[0]
    assert (row["model"], row["pretrain"], row["setting"]) == ("GE2E", ge2e.HEARD, "published2eng")


def test_it_is_found_and_named_by_what_it_heard(cfg, run):
    assert catalogue.find(cfg) == catalogue.find(cfg, model="model_ge2e") == [run]
    assert catalogue.find(cfg, speech="e") == []
    assert engines.title(run.facts) == f"GE2E, Feat. Ext., {ge2e.HEARD} -> English music, run 0"
    speech, _, model = webpage.choices([run])
    assert speech == ([(ge2e.HEARD, ge2e.HEARD)], ge2e.HEARD)
    assert model == ([("GE2E, Feat. Ext., run 0", 0)], 0)


def test_its_exported_file_answers_alike(cfg, run, data):
    export.export(run, run.export_path, load_module=models.load)
    song = next((data / "MER_audio_taffc_dataset").rglob("*.mp3"))
    one, other = (interface.prediction.predict_file(song, [open_one()]) for open_one in (
        lambda: engines.open_onnx(run.export_path), lambda: engines.open_keras(run, load_module=models.load)))
    np.testing.assert_allclose(one.probabilities["quadrants"], other.probabilities["quadrants"], atol=1e-4)
    assert one.patch_seconds == 1.6 and ge2e.HEARD in one.members[0]["title"]


def test_codes_of_a_sound(cfg, data):
    settings = {name: getattr(cfg, name) for name in ("path_to_models", "path_to_features")}
    encoder = interface.load_encoder(None, "model_ge2e", settings=settings)
    song = next((data / "MER_audio_taffc_dataset").rglob("*.mp3"))
    codes = encoder.embed(song, hop_seconds=0.4)
    assert codes.shape[1] == 256 and np.linalg.norm(codes, axis=1) == pytest.approx(1, abs=1e-5)
    with pytest.raises(MerError, match="speech=None"):
        interface.load_encoder("e", "model_ge2e", settings=settings)
    with pytest.raises(MerError, match="speech=None"):
        interface.load_encoder(None, "model_cpc", settings=settings)


@pytest.mark.slow
def test_everything_can_be_trained(cfg, run):
    full = transfer.run(cfg, speech=None, music="e", name="model_ge2e", module=models.load("model_ge2e"), release="y")
    before, after = (engines.build_keras(each, load_module=models.load).get_layer("lstm_0").get_weights()[0]
                     for each in (run, full))
    assert full.path.parent == run.path.parent and not np.array_equal(before, after)


def test_what_the_script_needs(cfg, run, monkeypatch, capsys):
    for name in ("path_to_data", "path_to_features", "path_to_models", "path_to_models_trans"):
        monkeypatch.setenv(f"MER_{name.upper()}", str(getattr(cfg, name)))
    monkeypatch.setattr(transfer, "run", lambda cfg, **given: capsys.readouterr() and print(given["speech"]))
    command = ["-m", "e", "-mod", "model_ge2e", "-rel", "n"]
    trans_train.main(command)
    trans_train.main(["-s", "e", *command])
    with pytest.raises(MerError, match="on no hours of ours: leave --hours and --random out"):
        trans_train.main([*command, "--hours", "3"])
    with pytest.raises(SystemExit):
        trans_train.main(["-m", "e", "-mod", "model_cpc", "-rel", "n"])
    assert "the following arguments are required: -s/--speech" in capsys.readouterr().err
    with pytest.raises(MerError, match=r"run 'python3 convert_weights.py musicnn' first, which fetches it"):
        catalogue.encoder(cfg, speech=None, model="model_musicnn", settings={})


def test_a_report_on_one_that_heard_speech_is_as_it_was():
    words = report_text.describe({"model": "model_cpc", "speech_abbr": "man", "music_abbr": "eng", "release": "y"})
    assert (words["pretrain"], words["setting"]) == ("man", "man2eng")
