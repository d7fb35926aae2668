"""Stage 1 with its options: hours, mixtures, folds, balance, duplicates, the published way to draw."""

import os
import shutil
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import soundfile
from conftest import HOURS, sound
from made_up import published_features

from mer import MerError, corpora
from mer.data import datasets, generate, splits, store
from mer.tasks import QUADRANTS


@pytest.fixture
def cfg(configure):
    return configure()


def test_hours_extract_only_what_is_chosen_and_more_hours_only_what_is_new(cfg):
    small = generate.run("speech", "e", cfg, hours=HOURS / 3)
    assert small.n_extracted == small.n_clips == 8 and small.path.name.endswith("h_speech_english.splits.csv")
    assert "evenly over 8 speakers" in small.note
    large = generate.run("speech", "e", cfg, hours=HOURS * 0.8)
    assert large.n_clips - small.n_clips == large.n_extracted > 0
    few, many = (datasets.load("speech", "e", cfg, hours=hours) for hours in (HOURS / 3, HOURS * 0.8))
    assert set(few.ids) < set(many.ids)
    sides = dict(zip(many.ids, many.split, strict=True))
    assert all(sides[name] == side for name, side in zip(few.ids, few.split, strict=True))
    again = generate.run("speech", "e", cfg, hours=HOURS / 3)  # the store keeps what the other list needs
    assert again.n_extracted == 0 and len(datasets.load("speech", "e", cfg, hours=HOURS * 0.8)) == large.n_clips
    with pytest.raises(MerError, match=r"speech_english.splits.csv is not in .*generate_dataset.py -d s -l e'"):
        datasets.load("speech", "e", cfg)
    whole = generate.run("speech", "e", cfg)
    assert whole.n_clips == 24 and whole.n_extracted == 24 - large.n_clips


def test_a_mixture_by_hours_is_half_and_half(cfg):
    made = generate.run("speech", "x", cfg, hours=HOURS)
    clips = datasets.load("speech", "x", cfg, hours=HOURS)
    assert made.n_clips == len(clips) and {"train", "val", "test"} == set(clips.split)
    by_source = [clips.seconds[clips.source == source].sum() / 3600 for source in (0, 1)]
    assert by_source[0] == pytest.approx(by_source[1], abs=3 / 3600) and sum(by_source) <= HOURS + 1e-9
    half = datasets.load("speech", "e", cfg, hours=HOURS / 2)
    assert set(clips.ids[clips.source == 0]) <= set(half.ids)


def test_options_that_do_not_go_together_are_refused(cfg):
    for kind, code, options, words in (("music", "e", {"hours": 3}, "this is music"),
                                       ("speech", "e", {"folds": 5}, "--folds needs classes"),
                                       ("speech", "e", {"balance": True}, "--balance needs classes"),
                                       ("speech", "e", {"hours": 1, "split": "draw"}, "leave --split out"),
                                       ("music", "e", {"folds": 1}, "2 or more"),
                                       ("music", "e", {"folds": 9}, "at least 11 groups, and there are 8"),
                                       ("speech", "x", {"split": "draw"}, "--split is of one corpus, .* -l e and -l m"),
                                       ("speech", "x", {"sounds": "/"}, "--path-sounds is of one corpus"),
                                       ("speech", "e", {"hours": 3}, "3 hours were asked for")):
        with pytest.raises(MerError, match=words):
            generate.run(kind, code, cfg, **options)


def test_folds_test_every_clip_once_and_keep_groups_whole(cfg):
    made = generate.run("music", "e", cfg, folds=4)
    assert "4 folds, grouped by artist" in made.note
    tested = []
    for number in range(1, 5):
        clips = datasets.load("music", "e", cfg, fold=(number, 4))
        assert not splits.leak(clips.ids, clips.group, clips.split)
        tested += clips.side("test").ids.tolist()
        assert len(set(clips.side("test").labels["quadrant"])) == 4 and len(clips.side("val"))
        about = datasets.split_about(cfg, f"music_english.fold_{number}of4")
        assert about["kind"] == "fold" and f"fold {number} of 4" in about["note"]
    assert sorted(tested) == sorted(datasets.load("music", "e", cfg).ids)
    with pytest.raises(MerError, match="--folds 3"):
        datasets.load("music", "e", cfg, fold=(1, 3))
    with pytest.raises(MerError, match="at least 22 groups, and there are 8"):
        generate.run("music", "e", cfg, folds=20)


def test_the_published_way_to_draw_leaks_and_says_so(cfg):
    made = generate.run("music", "e", cfg, split="published")
    assert "as the published program did" in made.note and "for comparison only" in made.note
    clips = datasets.load("music", "e", cfg)
    trained = set(clips.group[clips.split != "test"])
    shared = sum(group in trained for group in clips.side("test").group)
    assert shared > 0 and f"{shared} of {len(clips.side('test'))} test clips share" in made.note
    assert datasets.split_about(cfg, "music_english")["note"] == made.note  # what every report prints
    assert generate.run("music", "e", cfg).note == made.note  # it stays until another one is asked for
    drawn = generate.run("music", "e", cfg, split="draw")
    clips = datasets.load("music", "e", cfg)
    assert not splits.leak(clips.ids, clips.group, clips.split)
    assert "grouped by artist" in drawn.note


def test_balance_undersamples_and_is_remembered(cfg, corpora_folder, tmp_path):
    folder = tmp_path / "own"
    shutil.copytree(corpora_folder / "MER_audio_taffc_dataset", folder)
    for path in list((folder / "Q3").iterdir())[:5]:
        path.unlink()
    made = generate.run("music", "e", cfg, sounds=str(folder), balance=True)
    clips = datasets.load("music", "e", cfg)
    assert Counter(clips.labels["quadrant"]) == dict.fromkeys(QUADRANTS, 3)
    assert "3 clips in each of 4 classes" in made.note
    whole = generate.run("music", "e", cfg, sounds=str(folder))
    assert whole.n_clips == 27 and "balanced" not in whole.note and whole.n_extracted == 15


def test_balance_replaces_what_cannot_be_read(cfg, corpora_folder, tmp_path):
    folder = tmp_path / "own"
    shutil.copytree(corpora_folder / "MER_audio_taffc_dataset", folder)
    for path in sorted((folder / "Q3").iterdir())[:5]:
        path.unlink()
    for path in sorted((folder / "Q1").iterdir())[3:]:
        path.write_bytes(path.read_bytes()[:50])
    made = generate.run("music", "e", cfg, sounds=str(folder), balance=True)
    assert Counter(datasets.load("music", "e", cfg).labels["quadrant"]) == dict.fromkeys(QUADRANTS, 3)
    assert "3 clips in each of 4 classes" in made.note
    assert any(name.startswith("Q1/") for name, _ in made.skipped)


def test_the_same_audio_under_two_names_stays_on_one_side(cfg, tmp_path):
    folder, rng = tmp_path / "copies", np.random.default_rng(1)
    for quadrant in ("Q1", "Q2", "Q3", "Q4"):
        (folder / quadrant).mkdir(parents=True)
        for number in range(6):
            made = sound(rng, seconds=1.5)
            for copy in ("a", "b"):  # the same recording, sold twice
                soundfile.write(folder / quadrant / f"{copy}{number}.wav", made, 16000)
    for seed in range(5):
        cfg_of_seed = type(cfg)(values={**cfg.values, "seed": seed}, sources=dict(cfg.sources), root=cfg.root)
        generate.run("music", "e", cfg_of_seed, sounds=str(folder), force=True)
        clips = datasets.load("music", "e", cfg_of_seed)
        assert len(set(clips.contents)) == 24
        assert not splits.leak(clips.ids, clips.group, clips.split, contents=clips.contents)
    rows = "\n".join(f"{name},{['train', 'test', 'val'][index // 4 % 3]}" for index, name in enumerate(clips.ids))
    (tmp_path / "mine.csv").write_text("clip,split\n" + rows)
    made = generate.run("music", "e", cfg, sounds=str(folder), split=str(tmp_path / "mine.csv"))
    about = datasets.split_about(cfg, "music_english")
    assert about["leak"]["group"] == "" and "leak: the same audio is in two splits" in about["note"] == made.note


def test_force_with_hours_keeps_what_the_whole_corpus_needs(cfg):
    generate.run("speech", "e", cfg)
    made = generate.run("speech", "e", cfg, hours=HOURS / 3, force=True)
    assert made.n_clips == 8 and made.n_extracted == 24
    assert len(datasets.load("speech", "e", cfg)) == 24


def test_hours_say_where_their_sides_come_from(cfg, tmp_path):
    assert "drawn with seed 1, grouped by speaker" in generate.run("speech", "e", cfg, hours=HOURS / 3).note
    assert "evenly over 1 speaker;" in generate.run("speech", "e", cfg, hours=3.6 / 3600).note
    generate.run("speech", "e", cfg, split="published")
    generate.run("speech", "e", cfg, hours=HOURS / 3)
    about = datasets.split_about(cfg, datasets.stem(corpora.get("speech", "e"), hours=HOURS / 3))
    assert about["kind"] == "per clip" and "for comparison only" in about["note"]
    mixed = generate.run("speech", "x", cfg)
    assert "english: drawn clip by clip" in mixed.note and "mandarin: the split was drawn" in mixed.note
    assert datasets.split_about(cfg, "speech_mix")["kind"] == "per clip"
    clips = datasets.load("speech", "e", cfg).ids
    rows = "\n".join(f"{clip},{('train', 'test', 'val')[number % 3]}" for number, clip in enumerate(clips))
    (tmp_path / "mine.csv").write_text("clip,split\n" + rows)
    whole = generate.run("speech", "e", cfg, split=str(tmp_path / "mine.csv"))
    assert whole.about["leak"]["group"] == "1" and "leak: group '1' is in two splits" in whole.note
    part = generate.run("speech", "e", cfg, hours=HOURS * 0.9)
    assert "the given file mine.csv" in part.note and "leak: group '1'" in part.note


def test_a_mixture_of_fewer_hours_is_a_part_of_one_of_more(make_config, tmp_path):
    rng = np.random.default_rng(0)
    for speaker in range(1, 9):
        for clip in range(4):
            for path in (f"LibriSpeech/dev-clean/{speaker}/7/{speaker}-7-{clip:04d}.flac",
                         f"data_aishell/wav/train/S{speaker:04d}/BAC009S{speaker:04d}W{clip:04d}.wav"):
                (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
                soundfile.write(tmp_path / path, sound(rng, seconds=rng.uniform(1.2, 3)), 16000)
    cfg, chosen = make_config(f"path_to_data={tmp_path}", folder=tmp_path), []
    for hours in (0.01, 0.015, 0.02, 0.025, None):
        generate.run("speech", "x", cfg, hours=hours)
        chosen.append(set(datasets.load("speech", "x", cfg, hours=hours).ids))
    assert all(few < many for few, many in pairwise(chosen))


def test_a_split_of_other_groups_is_drawn_again_and_its_folds_are_refused(cfg, corpora_folder, tmp_path, capsys):
    folder = tmp_path / "own"
    shutil.copytree(corpora_folder / "MER_audio_taffc_dataset", folder)
    metadata = folder / "panda_dataset_taffc_metadata.csv"
    metadata.rename(tmp_path / "later.csv")
    assert "grouped by clip" in generate.run("music", "e", cfg, sounds=str(folder), folds=3).note
    datasets.load("music", "e", cfg, fold=(1, 3))
    shutil.copy(tmp_path / "later.csv", metadata)
    assert "grouped by artist" in generate.run("music", "e", cfg, sounds=str(folder)).note
    assert "are now grouped by artist, and were by clip" in capsys.readouterr().out
    clips = datasets.load("music", "e", cfg)
    assert not splits.leak(clips.ids, clips.group, clips.split)
    with pytest.raises(MerError, match=r"fold_1of3.* was cut of other clips, groups .* with --folds 3"):
        datasets.load("music", "e", cfg, fold=(1, 3))


def test_folds_of_the_whole_corpus_do_not_serve_its_balanced_part(cfg, corpora_folder, tmp_path):
    folder = tmp_path / "own"
    shutil.copytree(corpora_folder / "MER_audio_taffc_dataset", folder)
    (folder / "Q3" / "MT0300000000.mp3").unlink()
    generate.run("music", "e", cfg, sounds=str(folder), folds=3)
    generate.run("music", "e", cfg, sounds=str(folder), balance=True)
    with pytest.raises(MerError, match="cut of other clips"):
        datasets.load("music", "e", cfg, fold=(3, 3))
    made = generate.run("music", "e", cfg, sounds=str(folder), balance=True, folds=3)
    assert "balanced" in made.note and len(datasets.load("music", "e", cfg, fold=(3, 3))) == 28


def test_what_a_user_edited_is_never_lost(cfg, capsys):
    generate.run("music", "e", cfg, folds=3)
    mine = {}
    for name in ("music_english", "music_english.fold_2of3"):
        path = cfg.features_dir / f"{name}.splits.csv"
        mine[name] = path.read_text().replace("val", "train", 1)
        path.write_text(mine[name])
        assert datasets.split_about(cfg, name)["kind"] == "given"
    assert "as the user left it" in generate.run("music", "e", cfg).note
    for number in ("", "2"):
        generate.run("music", "e", cfg, folds=3, force=True)
        for name, text in mine.items():
            assert f"it is kept as {name}.splits.old{number}.csv" in capsys.readouterr().out or name != "music_english"
            assert (cfg.features_dir / f"{name}.splits.old{number}.csv").read_text() == text
            (cfg.features_dir / f"{name}.splits.csv").write_text(text)
    generate.run("music", "e", cfg, force=True)
    capsys.readouterr()
    generate.run("music", "e", cfg, force=True)  # drawn, and not edited: nothing to keep
    assert "kept" not in capsys.readouterr().out


@pytest.mark.parametrize("file", ["music_english.splits.csv", "music_english.splits.json"])
def test_a_drawn_split_that_was_interrupted_does_not_pass_for_the_users(cfg, monkeypatch, file):
    replace = os.replace

    def stop(source, target):
        if str(target).endswith(file):
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        generate.run("music", "e", cfg)
    monkeypatch.undo()
    assert "drawn with seed 1, grouped by artist" in generate.run("music", "e", cfg).note
    assert datasets.split_about(cfg, "music_english")["kind"] == "drawn"


def test_the_same_audio_stays_together_where_there_is_but_one_speaker(cfg, make_config, tmp_path):
    folder, rng = tmp_path / "data" / "LibriSpeech" / "dev-clean" / "1" / "7", np.random.default_rng(1)
    folder.mkdir(parents=True)
    for number in range(12):
        made = sound(rng, seconds=1.5)
        for copy in (0, 1):
            soundfile.write(folder / f"1-7-{2 * number + copy:04d}.flac", made, 16000)
    for seed in range(3):
        of_seed = make_config(f"path_to_data={tmp_path / 'data'}", f"seed={seed}", folder=tmp_path)
        made = generate.run("speech", "e", of_seed, force=True)
        clips = datasets.load("speech", "e", of_seed)
        assert not splits.leak(clips.ids, clips.ids, clips.split, contents=clips.contents)
        assert "only 1 speaker: split by clip" in made.note and "leak" not in made.note


@pytest.mark.parametrize("overlap, kind, words", [(True, "drawn", "12 of 12 test clips of the files are in training"),
                                                  (False, "imported", "the one that the corpus came with")])
def test_imported_features_say_in_every_report_whether_they_leaked(cfg, tmp_path, overlap, kind, words):
    published_features(tmp_path, overlap=overlap)
    made = generate.import_published("music", "e", cfg, str(tmp_path))
    about = datasets.split_about(cfg, "music_english")
    assert made.n_clips == 40 and about["kind"] == kind and words in about["note"] and words in made.note
    assert len(datasets.load("music", "e", cfg).side("test")) == 12


def test_a_rating_that_changes_within_its_quadrant_reaches_the_store(cfg, tmp_path):
    def run(arousal):
        rows = [f"Q{quadrant}/MT{quadrant:02d}{clip:08d}.mp3,{a * (arousal if clip == 3 else 0.5)},{v * 0.5}"
                for quadrant, (a, v) in enumerate(((1, 1), (1, -1), (-1, -1), (-1, 1)), start=1) for clip in range(8)]
        (tmp_path / "mine.csv").write_text("\n".join(["path,arousal[-1..1],valence[-1..1]", *rows]))
        generate.run("music", "e", cfg, labels=str(tmp_path / "mine.csv"))
        columns = store.read(cfg.features_dir / "music_english.h5").columns
        return dict(zip(columns["clip"], columns["arousal"], strict=True))["Q1/MT0100000003.mp3"]

    assert run(0.25) == 0.25
    before = (cfg.features_dir / "music_english.h5").stat().st_mtime_ns
    assert run(0.25) == 0.25 and (cfg.features_dir / "music_english.h5").stat().st_mtime_ns == before
    assert run(0.75) == 0.75
