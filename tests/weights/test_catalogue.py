"""catalogue: what is found where, in which order, and the sentences where nothing is."""

import json

import pytest

import settings
from mer import MerError, config
from mer.tasks import PUBLISHED
from mer.weights import catalogue, engines


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "__file__", str(tmp_path / "settings.py"))
    return tmp_path


@pytest.fixture
def cfg(root):
    return config.load(settings, {}, [f"path_to_data={root / 'data'}"])


def add(folder, *, model="model_over", speech="e", music="e", release="y", it=0, suffix=".weights.h5", onnx=False,
        **facts):
    """A finished run without weights worth the name."""
    rate = {"y": "lr_5e-05", "n": "lr_0.001", None: "lr_0.001"}[release]
    stem = f"{model}.multitask.spec.it_{it}.{rate}"
    (folder / stem).mkdir(parents=True, exist_ok=True)
    pretext = {"model_cnn": None, "model_cpc": "cpc"}.get(model, "denoise")
    about = {"title": "T", "model": model, "pretext": pretext, "speech": speech, "music": music, "release": release,
             "it": it, "corpus": "real", "settings": {"n_fft": 2048}, "history": [{}] * 99, **facts}
    (folder / stem / "run.json").write_text(json.dumps(about))
    (folder / f"{stem}{suffix}").write_bytes(b"x")
    if onnx:
        (folder / f"{stem}.onnx").write_bytes(b"x")
    return folder / f"{stem}{suffix}"


def test_ours_come_best_first(root, cfg):
    trans = root / "models_trans"
    expected = [add(trans / "speech_eng_2_music_eng", onnx=True), add(trans / "speech_eng_2_music_eng", it=1),
                add(trans / "speech_man_2_music_eng", speech="m"),
                add(trans / "speech_eng_2_music_eng", model="model_cpc"),
                add(trans / "3h_speech_eng_2_music_eng", hours=3.0),
                add(trans / "speech_eng_2_music_eng", release="n"),
                add(root / "models" / "music" / "english", model="model_cnn", speech=None, release=None)]
    found = catalogue.find(cfg)
    assert [each.path for each in found] == expected
    assert found[0].exported == expected[0].with_name(expected[0].name.replace(".weights.h5", ".onnx"))
    assert found[1].exported is None
    assert found[0].facts["origin"] == "ours"
    assert "history" not in found[0].facts
    assert [each.path for each in catalogue.find(cfg, speech="m")] == [expected[2], expected[6]]
    assert [each.path for each in catalogue.find(cfg, release="n")] == [expected[5], expected[6]]
    assert [each.path for each in catalogue.find(cfg, it=1)] == [expected[1]]
    assert catalogue.find(cfg, music="t") == []


def test_unfinished_runs_folds_and_encoders_are_left_out(root, cfg):
    folder = root / "models_trans" / "speech_eng_2_music_eng"
    (folder / add(folder).name.replace(".weights.h5", "") / "run.json").unlink()
    add(folder, it=1, fold=[1, 5])
    add(folder, it=2, music=None)
    assert catalogue.find(cfg) == []


def test_ours_win_over_the_release(root, cfg):
    folder = root / "models_trans" / "speech_eng_2_music_eng"
    add(folder, suffix=".hdf5")
    published = catalogue.find(cfg)[0]
    assert (published.path.suffix, published.facts["origin"], published.facts["title"]) == (".hdf5", "release", "SCAE")
    assert published.facts["corpus"] == "published"
    ours = add(folder)
    assert [each.path for each in catalogue.find(cfg)] == [ours]


def test_the_eusipco_release_is_found_in_models(root, cfg):
    path = add(root / "models" / "speech_eng_2_music_eng", it=3, suffix=".hdf5")
    assert [(each.path, each.facts["it"]) for each in catalogue.find(cfg, speech="e", music="e")] == [(path, 3)]


def test_with_the_demo_corpus_in_use_the_release_is_still_found_and_comes_first(root):
    (root / "demo" / "data").mkdir(parents=True)
    demo = add(root / "demo" / "models_trans" / "speech_eng_2_music_eng", corpus="demo")
    release = add(root / "models_trans" / "speech_eng_2_music_man", music="m", suffix=".hdf5")
    cfg = config.load(settings, {})
    assert [each.path for each in catalogue.find(cfg)] == [release, demo]
    assert [each.path for each in catalogue.find(cfg, demo=True)] == [demo]
    assert catalogue.choose(cfg, demo=True)[0].path == demo


def test_choose_says_what_to_do_where_nothing_is(root, cfg):
    with pytest.raises(MerError, match=r"no transferred model is here: train one .*unpack the published release .*"
                                       r"or leave -s"):
        catalogue.choose(cfg, speech="e", music="e")
    with pytest.raises(MerError, match=r"no model of the demo corpus is here: run 'bash demo\.sh'"):
        catalogue.choose(cfg, demo=True)


def test_the_model_that_comes_along_is_taken_where_nothing_is_asked_for(root, cfg):
    add(root / "models_trans" / "speech_eng_2_music_eng", music="e")
    assert [each.path for each in catalogue.choose(cfg)] == [catalogue.SONG_MODEL]
    assert catalogue.choose(cfg, speech="e")[0].path != catalogue.SONG_MODEL
    engine = engines.open_onnx(catalogue.SONG_MODEL)
    assert engine.familiar and set(PUBLISHED) == set(engine.tasks) and catalogue.SONG_MODEL.stat().st_size < 12e6


def test_choose_names_what_there_is(root, cfg):
    path = add(root / "models_trans" / "speech_eng_2_music_eng")
    with pytest.raises(MerError, match=rf"no transferred model fits -s m -m t --run 2; there are .*{path.name}: ask"):
        catalogue.choose(cfg, speech="m", music="t", it=2)


def test_ensembles(root, cfg):
    trans = root / "models_trans"
    runs = [add(trans / "speech_eng_2_music_eng", it=it) for it in range(3)]
    mandarin = add(trans / "speech_man_2_music_eng", speech="m")
    piano = add(trans / "speech_eng_2_music_pno", music="p")
    cpc = add(trans / "speech_eng_2_music_eng", model="model_cpc", release="n")

    def paths(ensemble, **wanted):
        return [each.path for each in catalogue.choose(cfg, ensemble=ensemble, **wanted)]

    assert paths(None, speech="e", music="e") == runs[:1]
    assert paths("runs", speech="e", music="e", it=2) == runs
    assert paths("speech", speech="m", music="e") == [runs[0], mandarin]
    assert paths("music", speech="e") == [runs[0], piano]
    assert paths("models", speech="e", music="e") == [runs[0], cpc]
    assert set(paths("all", music="e")) == {*runs, mandarin, cpc}
    with pytest.raises(MerError, match=r"an ensemble over runs needs two models or more, but only .* fits; train"):
        catalogue.choose(cfg, ensemble="runs", speech="m")


def test_named_files(root):
    path = add(root / "anywhere")
    assert (catalogue.named(path).facts["origin"], catalogue.named(str(path)).path) == ("given", path)
    for name, expected in (("none.h5", "does not exist: name a transferred model"),
                           ("song.mp3", "is no weight file: name a transferred model"),
                           ("x.weights.h5", "has no readable x/run.json beside it"),
                           ("y.onnx", "truncated or no ONNX file"), ("z.hdf5", "no HDF5 file")):
        if name != "none.h5":
            (root / name).write_bytes(b"\xff\x07x")
        with pytest.raises(MerError, match=expected):
            catalogue.named(root / name)
    with pytest.raises(MerError, match="is a pretrained encoder, which knows nothing of emotion"):
        catalogue.named(add(root / "encoders", music=None))
    assert catalogue.named(path, speech=catalogue.named(path).facts["speech"], music=None).path == path
    with pytest.raises(MerError, match=r"-s e .*, and -s m --run 7 is asked for: leave these flags out, or name other"):
        catalogue.named(path, speech="m", music=None, it=7)
    converted = catalogue.named(add(root / "converted", music=None, speech=None, kind="transfer"))
    assert converted.facts["music"] is None


def test_what_cannot_be_read_is_said(root, cfg, capsys):
    folder = root / "models_trans" / "speech_eng_2_music_eng"
    folder.mkdir(parents=True)
    (folder / "x.onnx").write_bytes(b"\xff\x07x")
    assert catalogue.find(cfg) == []
    assert "note: left out x.onnx:" in capsys.readouterr().err
