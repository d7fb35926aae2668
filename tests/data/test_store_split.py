"""The split of a store when stage 1 runs again: what stays, what gives way, and that either is said."""

import json
import os

import numpy as np
import pytest
import soundfile
from conftest import sound
from made_up import published_features

from mer.data import datasets, generate

SIDES = ("train", "train", "test", "val")


@pytest.fixture
def cfg(configure):
    return configure()


@pytest.fixture
def labels(tmp_path):
    """Function: writes the labels of the music, with sides by artist that are turned by so many, or with none."""
    def write(turned=None):
        rows = [f"Q{quadrant}/MT{quadrant:02d}{clip:08d}.mp3,Q{quadrant},Artist {clip}"
                + ("" if turned is None else f",{SIDES[(clip + turned) % 4]}")
                for quadrant in range(1, 5) for clip in range(8)]
        path = tmp_path / "mine.csv"
        path.write_text("\n".join(["path,quadrant,artist" + ",split" * (turned is not None), *rows]))
        return str(path)
    return write


def has_the_sides(cfg, turned):
    clips = datasets.load("music", "e", cfg)
    return clips.split.tolist() == [SIDES[(int(name[-6:-4]) + turned) % 4] for name in clips.ids]


def old_splits(cfg):
    return sorted(path.name for path in cfg.features_dir.glob("*.old*.csv"))


def test_sides_that_come_or_change_later_are_used_and_the_old_split_is_kept(cfg, labels, capsys):
    assert "drawn with seed 1" in generate.run("music", "e", cfg, labels=labels()).note
    made = generate.run("music", "e", cfg, labels=labels(0))
    assert made.note == "the split is the one that came with the labels (mine.csv)" and has_the_sides(cfg, 0)
    assert "bring a split now: it is used, the old one is kept as" in capsys.readouterr().out
    generate.run("music", "e", cfg, labels=labels(1))
    assert has_the_sides(cfg, 1) and "has changed: it is used" in capsys.readouterr().out
    assert len(old_splits(cfg)) == 2
    generate.run("music", "e", cfg, labels=labels(1))
    assert len(old_splits(cfg)) == 2 and "kept" not in capsys.readouterr().out
    assert "drawn with seed 1" in generate.run("music", "e", cfg, labels=labels()).note
    assert "is not there any more" in capsys.readouterr().out


def test_a_split_that_was_asked_for_or_edited_stays_and_that_is_said(cfg, labels, capsys):
    drawn = generate.run("music", "e", cfg, labels=labels(0), split="draw")
    assert generate.run("music", "e", cfg, labels=labels(1)).note == drawn.note
    assert "music_english.splits.csv stays as it was asked for" in capsys.readouterr().out
    path = cfg.features_dir / "music_english.splits.csv"
    path.unlink()
    generate.run("music", "e", cfg, labels=labels(1))
    path.write_text(path.read_text().replace("val", "train", 1))
    capsys.readouterr()
    assert "as the user left it" in generate.run("music", "e", cfg, labels=labels(1)).note
    assert "music_english.splits.csv stays" in capsys.readouterr().out and not old_splits(cfg)


def test_other_seeds_and_fractions_do_not_move_a_split_and_that_is_said(configure, capsys):
    generate.run("music", "e", configure())
    first = (configure().features_dir / "music_english.splits.csv").read_text()
    assert "the split is kept as it was drawn" not in capsys.readouterr().out
    other = configure("seed=7", "test_fraction=0.5")
    generate.run("music", "e", other)
    assert ("kept as it was drawn with seed 1, test_fraction 0.3, val_fraction 0.15: --split draw makes a new one"
            in capsys.readouterr().out)
    assert (other.features_dir / "music_english.splits.csv").read_text() == first
    run = json.loads((other.features_dir / "music_english.run.json").read_text())
    assert (run["split"]["seed"], run["split"]["test_fraction"]) == (1, 0.3)
    assert not {"seed", "test_fraction"} & set(run["settings"]) and run["settings"]["val_fraction"] == 0.15
    generate.run("music", "e", other, split="draw")
    run = json.loads((other.features_dir / "music_english.run.json").read_text())
    assert (run["settings"]["seed"], run["split"]["test_fraction"]) == (7, 0.5)


@pytest.mark.parametrize("overlap", [True, False])
@pytest.mark.parametrize("split", ["draw", "published", "mine.csv"])
def test_imported_sides_that_are_not_used_are_not_spoken_of(cfg, tmp_path, split, overlap):
    published_features(tmp_path, overlap=overlap)
    rows = [f"Q{index % 4 + 1}/song {index}.mp3,{SIDES[index // 4 % 4]}" for index in range(40)]
    (tmp_path / "mine.csv").write_text("\n".join(["clip,split", *rows]))
    split = str(tmp_path / split) if "." in split else split
    made = generate.import_published("music", "e", cfg, str(tmp_path), split=split, folds=3,
                                     labels=str(tmp_path / "anno.csv"))
    notes = [made.note, *(datasets.split_about(cfg, name)["note"] for name in ("music_english",
                                                                               "music_english.fold_1of3"))]
    assert all(f"imported from {tmp_path.name}" in note for note in notes)
    assert not any("are in training too" in note for note in notes)


def test_copies_in_test_of_what_is_trained_on_are_counted(cfg, tmp_path):
    folder, rng = tmp_path / "copies", np.random.default_rng(1)
    for quadrant in ("Q1", "Q2", "Q3", "Q4"):
        (folder / quadrant).mkdir(parents=True)
        for number in range(10):
            made = sound(rng, seconds=1.5)
            for copy in ("a", "b"):
                soundfile.write(folder / quadrant / f"{copy}{number}.wav", made, 16000)
    made = generate.run("music", "e", cfg, sounds=str(folder), split="published")
    clips = datasets.load("music", "e", cfg)
    trained = {content for content, side in zip(clips.contents, clips.split, strict=True) if side != "test"}
    shared = sum(content in trained for content in clips.side("test").contents)
    assert shared > 0 and f"{shared} of {made.counts['test']} test clips share their group or audio" in made.note
    assert made.about["shared"] == {"n": shared, "of": made.counts["test"]}


def test_a_folder_that_is_given_starts_at_the_working_directory(cfg, corpora_folder, monkeypatch):
    monkeypatch.chdir(corpora_folder)
    assert generate.run("music", "e", cfg, sounds="MER_audio_taffc_dataset").n_clips == 32


def test_an_uneven_fold_says_so(cfg, tmp_path):
    rng = np.random.default_rng(2)
    rows = ["path,quadrant,artist"]
    for number in range(40):
        path = f"Q{number % 4 + 1}/{number:02d}.wav"
        (tmp_path / "own" / path).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / "own" / path, sound(rng, seconds=1.5), 16000)
        rows.append(f"{path},Q{number % 4 + 1},{'Prolific' if number < 24 else number}")
    (tmp_path / "own" / "annotations.csv").write_text("\n".join(rows))
    made = generate.run("music", "e", cfg, sounds=str(tmp_path / "own"), folds=4)
    odd = [datasets.split_about(cfg, f"music_english.fold_{number}of4")["uneven"] for number in range(1, 5)]
    assert all(odd)  # all clips of one artist are somewhere
    assert made.folds == {"n_folds": 4, "grouped_by": "artist", "uneven": [1, 2, 3, 4]}
    assert "4 folds, grouped by artist, uneven in 1, 2, 3, 4" in made.note


@pytest.mark.parametrize("kind, more", [("drawn", ""), ("given", ""), ("drawn", "balanced with seed 1: 8 of each")])
def test_a_split_written_before_its_facts_were_fields_is_kept_and_brought_up_to_date(cfg, labels, kind, more):
    made = generate.run("music", "e", cfg, labels=labels(), folds=2)
    path = cfg.features_dir / "music_english.splits.json"
    facts = json.loads(path.read_text())
    old = {key: facts[key] for key in ("grouped_by", "seed", "test_fraction", "val_fraction", "sha256")}
    old |= {"kind": kind, "note": "an old sentence", "origin": "an old sentence", "more": more, "asked": False}
    if kind == "given":
        old |= {"grouped_by": "given", "asked": True}
    path.write_text(json.dumps(old))
    again = generate.run("music", "e", cfg, labels=labels())
    assert again.clips.split.tolist() == made.clips.split.tolist()  # the same seed draws the same one, where it may
    drawn = "the split was drawn with seed 1, grouped by artist"
    assert again.about["note"] == (drawn if more else "an old sentence")
    assert len(old_splits(cfg)) == bool(more)
    rows = labels()
    text = open(rows).read()
    with open(rows, "w") as file:
        file.write("\n".join(text.splitlines()[:-1]))  # one clip less: the split is written again
    less = generate.run("music", "e", cfg, labels=rows)
    assert less.n_clips == made.n_clips - 1 and less.about["note"] == again.about["note"]


# ---- hours -------------------------------------------------------------------------------------------------------


def own_speech(folder, rng, *, speakers=6, clips=8):
    """LibriSpeech, clips of 1 to 3 s; the paths by speaker."""
    made = {}
    for speaker in range(11, 11 + speakers):
        place = folder / "LibriSpeech" / "dev-clean" / str(speaker) / "7"
        place.mkdir(parents=True)
        made[speaker] = [place / f"{speaker}-7-{clip:04d}.flac" for clip in range(clips)]
        for path in made[speaker]:
            soundfile.write(path, sound(rng, seconds=rng.uniform(1.2, 3)), 16000)
    return made


def sides_of(cfg, hours=None):
    clips = datasets.load("speech", "e", cfg, hours=hours)
    return dict(zip(clips.ids, clips.split, strict=True))


def test_a_damaged_file_does_not_take_the_hours_their_sides(configure, tmp_path, capsys):
    paths = own_speech(tmp_path, np.random.default_rng(3))
    soundfile.write(paths[11][2], sound(np.random.default_rng(1), seconds=0.3), 16000)  # too short
    for path in paths[12]:
        path.write_bytes(path.read_bytes()[:4000])
    cfg = configure(f"path_to_data={tmp_path}", "seed=3")
    generate.run("speech", "e", cfg)
    whole = sides_of(cfg)
    other = configure(f"path_to_data={tmp_path}", "seed=4")  # would draw other sides
    for hours in (0.008, 0.016):
        assert "the split was drawn with seed 3" in generate.run("speech", "e", other, hours=hours).note
        part = sides_of(other, hours)
        assert len(part) > 5 and part.items() <= whole.items()
    assert "a split of their own" not in capsys.readouterr().out


@pytest.mark.parametrize("lose", [lambda path: path.unlink(), lambda path: path.write_bytes(b"no store")],
                         ids=["missing", "damaged"])
def test_hours_keep_the_split_of_the_whole_corpus_where_its_store_is_lost(configure, tmp_path, lose):
    own_speech(tmp_path, np.random.default_rng(3))
    cfg = configure(f"path_to_data={tmp_path}")
    generate.run("speech", "e", cfg)
    whole = sides_of(cfg)
    lose(cfg.features_dir / "speech_english.h5")
    generate.run("speech", "e", cfg, hours=0.01)
    part = sides_of(cfg, 0.01)
    assert len(part) > 5 and part.items() <= whole.items()


def test_a_new_file_goes_with_its_speaker_and_a_new_speaker_is_reported(configure, tmp_path, capsys):
    paths = own_speech(tmp_path, np.random.default_rng(3))
    paths[11][0].rename(tmp_path / "later.flac")
    cfg = configure(f"path_to_data={tmp_path}")
    generate.run("speech", "e", cfg)
    whole = sides_of(cfg)
    os.rename(tmp_path / "later.flac", paths[11][0])
    hours = sum(soundfile.info(path).duration for files in paths.values() for path in files) / 3600
    generate.run("speech", "e", cfg, hours=hours * 0.9999)
    part = sides_of(cfg, hours * 0.9999)
    assert part["dev-clean/11/7/11-7-0000.flac"] == whole["dev-clean/11/7/11-7-0001.flac"]
    assert "a split of their own" not in capsys.readouterr().out
    own_speech(tmp_path / "more", np.random.default_rng(4), speakers=1)
    os.rename(tmp_path / "more" / "LibriSpeech" / "dev-clean" / "11", tmp_path / "LibriSpeech" / "dev-clean" / "99")
    for path in (tmp_path / "LibriSpeech" / "dev-clean" / "99" / "7").iterdir():
        path.rename(path.with_name(path.name.replace("11-", "99-", 1)))
    generate.run("speech", "e", cfg, hours=hours / 2)
    assert "has neither dev-clean/99/7/99-7-0000.flac nor another clip of its speaker" in capsys.readouterr().out


def test_fewer_hours_are_a_part_of_more_where_clips_are_doubled(configure, tmp_path):
    rng = np.random.default_rng(5)
    paths = own_speech(tmp_path, rng)
    files = [path for speaker in paths.values() for path in speaker]
    for number, target in zip(rng.permutation(len(files))[:20], rng.permutation(len(files))[20:40], strict=False):
        files[target].write_bytes(files[number].read_bytes())
    total = sum(soundfile.info(path).duration for path in files) / 3600
    cfg, before = configure(f"path_to_data={tmp_path}"), {}
    for share in np.linspace(0.2, 0.99, 12):
        made = generate.run("speech", "e", cfg, hours=total * share)
        part = sides_of(cfg, total * share)
        assert before.items() <= part.items()
        before = part
    assert "with the same audio as another left out" in made.note
