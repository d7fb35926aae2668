"""Mixed and sequential training, and the tests on every corpus, end to end with the smallest encoder."""

import csv
import functools
import json
import shutil
import types

import h5py
import keras
import numpy as np
import pytest
from keras import layers
from made_up import without_pictures

from mer import MerError, files, heads
from mer.data import datasets, generate, store
from mer.evaluation import results
from mer.features import chunks
from mer.tasks import TASKS
from mer.training import crossval, elsewhere, loop, music, opened, setups, stage_model, transfer
from mer.weights import catalogue, engines, keras3, model_file

STEM = "model_toy.multitask.spec.it_0.lr_0.001"


def build(shape):
    patch = keras.Input(shape, name="patch")
    x = layers.Conv2D(4, (16, 31), strides=(16, 1), activation="relu", name="c1")(patch)
    return keras.Model(patch, layers.Flatten(name="encod")(x), name="model_toy")


def module(pretext):
    """Heads of one layer a task, which TensorFlow traces in a fraction of the time."""
    return types.SimpleNamespace(__name__="model_toy", INPUT="log_mel", CHUNK_SECONDS=1.0, PRETEXT=pretext, TITLE="Toy",
                                 build=build, encoder=lambda model: model,
                                 heads=lambda code, tasks: {task.name: code for task in tasks})


@pytest.fixture(scope="module", autouse=True)
def quick():
    with pytest.MonkeyPatch.context() as patch:
        without_pictures(patch)
        patch.setattr(loop, "compile_options", lambda: {"run_eagerly": True})  # a few steps need no graph
        yield


@pytest.fixture(scope="module")
def cfg(make_config, tmp_path_factory):
    """Stores of two corpora of 20 clips with two folds, and an encoder of random weights as if it were pretrained."""
    made = make_config("cross_tests=True", "heads_epochs=1", "heads_batch_patches=256", "full_batch_patches=256",
                       folder=tmp_path_factory.mktemp("setups"))
    for code in ("e", "m"):
        generate.run("music", code, made, folds=2)
    run = model_file.speech_run(made, "english", "model_toy", 0)
    keras.utils.set_random_seed(1)
    sha256 = keras3.save(build((128, 31, 1)), run.path)
    files.write_json(run.file("run.json"), {"key": "k", "settings": {}, "name": "model_toy", "hours": None,
                                            "weights_sha256": sha256})
    return made


@pytest.fixture(scope="module")
def train(cfg):
    def run(codes, *, release="n", go=transfer.run, **options):
        return go(cfg, speech="e", music=codes, name="model_toy", module=module("denoise"), release=release, **options)
    return run


def about(folder):
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))


def clips(folder):
    with open(folder / "predictions.csv", newline="", encoding="utf-8") as file:
        return {row["clip"] for row in csv.DictReader(file)}


def side(cfg, code, name="test", fold=None):
    return set(datasets.load("music", code, cfg, fold=fold).side(name).ids)


def test_one_corpus_is_tested_on_the_test_side_of_the_other(cfg, train):
    run = train("m")
    cross = run.file("tests") / "english"
    assert run.path.parent.name == "speech_eng_2_music_man" and "role" not in about(run.file("."))
    assert clips(cross) == side(cfg, "e") and clips(run.file(".")) == side(cfg, "m")
    known = about(cross)
    assert (known["role"], known["tested"], known["music"], known["tested_on"]) == ("cross", "e", "m", "4Q-Emotion")
    assert known["scores"]["clip"]["quadrants"] >= 0 and known["trained_on"] == "CH-818"
    assert not (run.file("tests") / "mandarin").exists()


def test_a_test_is_found_again_and_made_again_after_a_kill(cfg, train, capsys):
    cross = train("m").file("tests") / "english" / "run.json"
    capsys.readouterr()
    before = cross.stat().st_mtime_ns
    train("m")
    assert cross.stat().st_mtime_ns == before and "tested on" not in capsys.readouterr().out
    then = json.loads(cross.read_text())
    cross.unlink()
    train("m")  # from the weight file
    assert json.loads(cross.read_text())["scores"] == then["scores"]
    assert "tested on 4Q-Emotion (cross)" in capsys.readouterr().out


def test_a_mixture_is_the_union_with_the_splits_as_they_are(cfg, train):
    train("m")
    run = train("x")
    known = about(run.file("."))
    assert run.path.parent.name == "speech_eng_2_music_mix" and (known["music"], known["role"]) == ("x", "mixed")
    assert known["steps"] == [["e", "m"]] and known["trained_on"] == "4Q-Emotion + CH-818"
    sizes = {name: len(side(cfg, "e", name)) + len(side(cfg, "m", name)) for name in ("train", "val", "test")}
    assert known["clips"] == sizes and known["grouped_by"] == "group"
    assert clips(run.file(".")) == {f"{code}:{clip}" for code in "em" for clip in side(cfg, code)}
    for code, language in (("e", "english"), ("m", "mandarin")):
        folder = run.file("tests") / language
        assert about(folder)["role"] == "mixed" and clips(folder) == side(cfg, code)
    assert len(list((cfg.features_dir / "codes").glob("*.npy"))) == 2  # those of each corpus, and none of the mixture


def test_without_cross_tests_only_what_was_trained_on_is_tested(cfg, train, make_config):
    off = make_config("cross_tests=False", folder=cfg.features_dir.parent)
    for codes, tested in (("m", []), ("x", ["english", "mandarin"])):
        run, reads = train(codes), chunks.of_encoder(module("denoise"), cfg.values)
        data = music.Music(off, setups.parse(codes, ("e", "m")), reads)
        assert [folder.name for folder in elsewhere.test(off, run, data, answer=None)] == tested


@pytest.mark.parametrize("release, stem", [("n", STEM), ("y", STEM.replace("0.001", "5e-05"))])
def test_a_sequence_is_a_finished_run_a_step(cfg, train, capsys, release, stem):
    first = train("m", release=release)
    before = first.path.read_bytes()
    run = train("m,e", release=release)
    assert str(run.path).endswith(f"models_trans/speech_eng_2_music_man_eng/{stem}.weights.h5")
    assert first.path.read_bytes() == before != run.path.read_bytes()
    known = about(run.file("."))
    assert (known["music"], known["music_abbr"], known["role"]) == ("m,e", "man_eng", "sequential")
    assert known["steps"] == [["m"], ["e"]] and clips(run.file(".")) == side(cfg, "e")
    step = run.file("tests") / "mandarin"
    assert about(step)["role"] == "step" and clips(step) == side(cfg, "m")
    stages = [row["stage"] for row in known["history"]]
    assert stages[-1].endswith(" eng") and known["epochs"] == stages.count(stages[-1])
    capsys.readouterr()
    train("m,e", release=release)
    assert capsys.readouterr().out.count("finished already") == (2 if release == "n" else 3)


def test_a_step_starts_from_all_weights_of_the_step_before(cfg, train):
    first = train("m")
    data = music.Music(cfg, (("m",), ("e",)), chunks.of_encoder(module("denoise"), cfg.values))
    model = stage_model.StageModel(cfg, data, module("denoise"), "k")
    model.start(catalogue.encoder(cfg, speech="e", model="model_toy", settings={}), first)
    held = []
    with h5py.File(first.path) as file:
        file.visititems(lambda _, item: held.append(item[()]) if hasattr(item, "shape") else None)
    started = [keras.ops.convert_to_numpy(weight) for weight in model.whole.weights]
    assert len(held) == len(started) > 6
    assert all(any(one.shape == other.shape and np.array_equal(one, other) for other in held) for one in started)


def test_a_step_over_other_weights_is_another_run(cfg, train):
    run, first = train("m,e"), train("m")
    kept = first.path.read_bytes(), first.file("run.json").read_text()
    try:  # as if step one had been trained again elsewhere
        first.path.write_bytes(train("x").path.read_bytes())
        known = about(first.file("."))
        files.write_json(first.file("run.json"), {**known, "weights_sha256": files.sha256(first.path)})
        with pytest.raises(MerError, match="was made with other data, split or encoder"):
            train("m,e")
    finally:
        first.path.write_bytes(kept[0])
        first.file("run.json").write_text(kept[1])
    assert train("m,e").path == run.path


def test_models_of_every_set_up_are_found_and_predict(cfg, train):
    for codes, abbr in (("x", "mix"), ("m,e", "man_eng")):
        train(codes)
        file = catalogue.choose(cfg, music=codes, release="n", model="model_toy")[0]
        assert file.path.parent.name == f"speech_eng_2_music_{abbr}"
        engine = engines.open_engine(file, engine="keras", load_module=lambda *_, **__: module("denoise"))
        assert [task.name for task in engine.tasks] == ["quadrants", "arousal", "valence"]


def test_the_report_lists_every_test_with_its_role(cfg, train, tmp_path):
    for codes in ("m", "x", "m,e"):
        train(codes)
    found = results.find(cfg.models_trans_dir, cfg.models_dir)
    assert not found.unreadable
    roles = {(one["run"]["music"], one["run"].get("tested", one["run"]["music"]), one["run"].get("role", "within"))
             for one in found.reports if one["run"]["release"] == "n"}
    assert roles == {("m", "m", "within"), ("m", "e", "cross"), ("x", "x", "mixed"), ("x", "e", "mixed"),
                     ("x", "m", "mixed"), ("m,e", "e", "sequential"), ("m,e", "m", "step")}
    *_, made = results.write(found.reports, tmp_path)
    with open(made, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {(row["role"], row["train"], row["test_music"]) for row in rows if row["table"] == "poster"
            and row["source"] == "ours"} == {
        ("within", "man", "man"), ("cross", "man", "eng"), ("mixed", "mix", "eng"), ("mixed", "mix", "man"),
        ("sequential", "man_eng", "eng"), ("step", "man_eng", "man")}
    assert {row["source"] for row in rows} > {"ours", "ISMIR LBD 2020 poster", "EUSIPCO2020 Table II"}


def test_in_a_fold_every_corpus_is_tested_on_its_own_fold(cfg, train):
    folder = train("m", go=functools.partial(crossval.run, transfer.run), n_folds=2)
    for number in (1, 2):
        part = folder.parent / f"model_toy.multitask.spec.it_0.fold_{number}of2.lr_0.001"
        assert clips(part / "tests" / "english") == side(cfg, "e", fold=(number, 2))
    assert clips(folder / "tests" / "english") == set(datasets.load("music", "e", cfg).ids)
    known = about(folder / "tests" / "english")
    assert (known["role"], known["folds"], known["tested"]) == ("cross", 2, "e") and not known.get("fold")


def test_clips_that_are_left_out_are_counted_over_all_folds():
    folds = [{"left_out": {"m": {"same_sound": 2}}}, {}, {"left_out": {"m": {"same_sound": 1, "same_artist": 4}}}]
    assert crossval._left_out(folds) == {"m": {"same_sound": 3, "same_artist": 4}}


def test_a_step_answers_the_tasks_of_the_step_before_in_its_own_weights():
    whole = heads.attach(build((128, 31, 1)), TASKS[:3])
    part = heads.only(whole, TASKS[1:3])
    patch = np.zeros((1, 128, 31, 1), np.float32)
    one, other = (model.predict_on_batch(patch) for model in (whole, part))
    assert list(other) == [task.name for task in TASKS[1:3]]
    assert all(np.array_equal(other[name], one[name]) for name in other)


# ---- what must not leak ----------------------------------------------------------------------------------------------


class Clips:
    """A corpus as `heard_in` sees it."""

    corpus = types.SimpleNamespace(PEOPLE="", NAME="Sound", GROUPED_BY="actor")

    def __init__(self, sounds, groups, split, grouped_by):
        n = len(sounds)
        held = types.SimpleNamespace(columns={"content": sounds}, attributes={"grouped_by": grouped_by})
        self.clips = store.ClipSet((held,), np.array([f"c{i}" for i in range(n)], object), np.zeros(n, int),
                                   np.arange(n), np.array(groups, object), np.array(split, object), {})
        self.grouped_by = grouped_by

    heard_in, artists, _people_in = opened.Opened.heard_in, opened.Opened.artists, opened.Opened._people_in


def test_the_same_sound_and_the_same_artist_are_heard_only_where_they_were_trained_on():
    one = Clips(["s1", "s2", "s3", "s4", "s5"], ["ABBA", "Cher", "7", "Nena", "Sting"], ["test"] * 5, "artist")
    other = Clips(["s1", "s9", "s8", "s4", "s7"], ["x", "cher ", "7", "NENA", "Björk"],
                  ["train", "val", "train", "test", "train"], "artist")
    heard = one.heard_in([other])
    assert heard["same_sound"].tolist() == [True, False, False, False, False]
    assert heard["same_artist"].tolist() == [False, True, False, False, False]
    assert not any(one.heard_in([])[reason].any() for reason in heard)
    songs = Clips(["s8"], ["Cher"], ["train"], "song")
    assert not one.heard_in([songs])["same_artist"].any()  # songs of one name are not one


@pytest.fixture(scope="module")
def twins(make_config, data, tmp_path_factory):
    """Two corpora that share recordings: CH-818 has two of the files of 4Q-Emotion."""
    folder = tmp_path_factory.mktemp("twins")
    copy = folder / "data"
    shutil.copytree(data, copy, ignore=lambda _, names: [name for name in names if name in ("LibriSpeech",
                                                                                            "data_aishell")])
    made = make_config(f"path_to_data={copy}", "cross_tests=True", folder=folder)
    generate.run("music", "e", made)
    train, test = (sorted(side(made, "e", name)) for name in ("train", "test"))
    own = sorted((copy / "CH818").glob("1*.mp3"))
    for path, clip in zip(own, [*train[:2], *test[:1], train[2], train[3]], strict=True):
        shutil.copy(copy / "MER_audio_taffc_dataset" / clip, path)
    generate.run("music", "m", made)
    return made


def test_no_clip_that_was_trained_on_is_tested(twins, capsys):
    reads = chunks.of_encoder(module(None), twins.values)
    english, mandarin = (datasets.load("music", code, twins) for code in "em")
    trained = set(english.take(english.split != "test").contents)
    shared = {clip for clip, content, part in zip(mandarin.ids, mandarin.contents, mandarin.split, strict=True)
              if content in trained and part == "test"}
    assert shared, "the split has put none of the copies into the test set: choose other files"
    one = opened.Opened(twins, "m", reads)
    rows, left_out = one.test_rows([opened.Opened(twins, "e", reads)])
    assert {one.clips.ids[clip] for clip in one.patches.clip[rows]} == side(twins, "m") - shared
    assert left_out == {"same_sound": len(shared)}
    capsys.readouterr()
    for steps in ((("e", "m"),), (("e",), ("m",))):
        data = music.Music(twins, steps, reads)
        tested = {str(clip).rpartition(":")[2] for clip in data.test_clips.ids}
        assert f"{len(shared)} of the test clips of CH-818 " in capsys.readouterr().out
        assert not shared & tested and data.facts["left_out"]["m"] == {"same_sound": len(shared)}
