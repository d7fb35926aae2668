"""A corpus that grows, shrinks or is labelled anew, through stage 1: its saved split and folds stay."""

import numpy as np
import pytest
import soundfile
from conftest import sound

from mer import MerError
from mer.data import datasets, generate, split_files, splits


@pytest.fixture
def cfg(configure):
    return configure()


@pytest.fixture(scope="module")
def waves():
    """26 short sounds, all different."""
    rng = np.random.default_rng(7)
    return [sound(rng, seconds=1.3) for _ in range(26)]


class Corpus:
    """A folder of clips that are labelled by its annotations.csv: clip to (quadrant, artist)."""

    def __init__(self, folder, waves):
        self.folder, self.waves = folder, waves
        self.rows = {f"{i:03d}.wav": (f"Q{i % 4 + 1}", f"Artist {i % 8}") for i in range(24)}

    def run(self, cfg, **options):
        self.folder.mkdir(exist_ok=True)
        for path in self.folder.glob("*.wav"):
            if path.name not in self.rows:
                path.unlink()
        for name in self.rows:
            if not (self.folder / name).exists():
                soundfile.write(self.folder / name, self.waves[int(name[:3])], 16000)
        lines = ["path,quadrant,artist", *(f"{name},{','.join(row)}" for name, row in self.rows.items())]
        (self.folder / "annotations.csv").write_text("\n".join(lines))
        return generate.run("music", "t", cfg, sounds=str(self.folder), **options)

    def sides(self, cfg, **fold):
        clips = datasets.load("music", "t", cfg, **fold)
        assert not splits.leak(clips.ids, clips.group, clips.split, clips.contents)
        return dict(zip(clips.ids, clips.split, strict=True))


@pytest.fixture
def corpus(tmp_path, waves):
    return Corpus(tmp_path / "own", waves)


def old_splits(cfg):
    return sorted(path.name for path in cfg.features_dir.glob("*.old*.csv"))


def test_one_new_clip_moves_none_of_24(cfg, corpus, capsys):
    corpus.run(cfg)
    before = corpus.sides(cfg)
    corpus.rows["024.wav"] = "Q1", "Artist 3"
    corpus.rows["025.wav"] = "Q2", "Somebody new"
    made = corpus.run(cfg)
    after = corpus.sides(cfg)
    assert before.items() <= after.items() and len(after) == 26 and after["024.wav"] == before["003.wav"]
    assert "2 new clip(s) added, the others keep their split" in capsys.readouterr().out
    assert "2 clip(s) added since" in made.note and made.note.startswith("the split was drawn with seed 1") \
        and not old_splits(cfg)
    assert corpus.run(cfg).note == made.note and corpus.sides(cfg) == after
    del corpus.rows["025.wav"]
    corpus.run(cfg)
    corpus.rows["025.wav"] = "Q2", "Somebody new"
    corpus.run(cfg)
    assert corpus.sides(cfg) == after, "a clip that comes back is on the side that it was on"


def test_a_renamed_artist_or_another_class_moves_none(cfg, corpus):
    corpus.run(cfg)
    before = corpus.sides(cfg)
    corpus.rows = {name: ("Q4" if name == "000.wav" else quadrant, artist.replace("Artist 3", "A. Three"))
                   for name, (quadrant, artist) in corpus.rows.items()}
    assert "since" not in corpus.run(cfg).note
    assert corpus.sides(cfg) == before and not old_splits(cfg)


def test_artists_that_turn_out_to_be_one_are_united_and_nothing_leaves_the_test(cfg, corpus, capsys):
    corpus.run(cfg)
    before = corpus.sides(cfg)
    of_side = {side: next(name for name in before if before[name] == side) for side in ("train", "test")}
    one, other = (corpus.rows[of_side[side]][1] for side in ("train", "test"))
    corpus.rows = {name: (quadrant, other if artist == one else artist)
                   for name, (quadrant, artist) in corpus.rows.items()}
    made = corpus.run(cfg)
    after = corpus.sides(cfg)
    moved = [name for name in before if before[name] != after[name]]
    assert len(moved) == 3 and {(before[name], after[name]) for name in moved} == {("train", "test")}
    assert "3 clip(s) moved, since their group" in capsys.readouterr().out and "3 clip(s) moved since" in made.note


def test_draw_draws_anew(configure, corpus):
    corpus.run(configure())
    before = corpus.sides(configure())
    corpus.rows["024.wav"] = "Q1", "Artist 3"
    corpus.run(configure("seed=5"), split="draw")
    assert {name: corpus.sides(configure())[name] for name in before} != before


def test_an_edited_split_is_only_added_to(cfg, corpus):
    corpus.run(cfg)
    path = cfg.features_dir / "music_turkish.splits.csv"
    mine = path.read_text().replace("val", "train", 1)
    path.write_text(mine)
    before = {clip: row["split"] for clip, row in split_files.rows(path).items()}
    corpus.rows["024.wav"] = "Q1", "Artist 0"
    made = corpus.run(cfg)
    clips = datasets.load("music", "t", cfg)
    assert before.items() <= dict(zip(clips.ids, clips.split, strict=True)).items() and len(clips) == 25
    assert "as the user left it; 1 clip(s) added since" in made.note
    assert (cfg.features_dir / old_splits(cfg)[0]).read_text() == mine


def test_a_published_split_is_added_to_where_one_clip_has_no_side(cfg, corpus):
    rows, folder = corpus.rows, corpus.folder
    corpus.rows = {**rows, "024.wav": ("Q1", "Artist 3")}
    corpus.run(cfg, split="draw")
    for name in cfg.features_dir.glob("*.splits.*"):
        name.unlink()
    side = ("train", "test", "val", "train", "train", "train", "test", "train")
    for clips, known in ((rows, "the one that came with the labels"), (corpus.rows, "1 clip(s) added since")):
        lines = [f"{name},{q},{artist},{'' if name == '024.wav' else side[int(artist[-1])]}"
                 for name, (q, artist) in clips.items()]
        (folder / "annotations.csv").write_text("\n".join(["path,quadrant,artist,split", *lines]))
        assert known in generate.run("music", "t", cfg, sounds=str(folder)).note
    after = corpus.sides(cfg)
    assert all(after[name] == side[int(artist[-1])] for name, (_, artist) in corpus.rows.items())


def test_folds_are_kept_for_the_clips_that_they_have(cfg, corpus):
    corpus.run(cfg, folds=3)
    before = [corpus.sides(cfg, fold=(number, 3)) for number in (1, 2, 3)]
    corpus.rows["024.wav"] = "Q1", "Artist 3"
    corpus.rows["025.wav"] = "Q2", "Somebody new"
    made = corpus.run(cfg, folds=3)
    after = [corpus.sides(cfg, fold=(number, 3)) for number in (1, 2, 3)]
    assert all(old.items() <= new.items() and len(new) == 26 for old, new in zip(before, after, strict=True))
    assert all(sum(sides[name] == "test" for sides in after) == 1 for name in corpus.rows)
    assert "3 folds" in made.note
    assert "2 clip(s) added since" in datasets.split_about(cfg, "music_turkish.fold_2of3")["note"]


@pytest.mark.parametrize("old, new, message", [("val", "vla", "split 'vla' is none of"), ("clip,group,label,split",
                                               "clip,group,label,side", "expected clip and split")])
def test_an_edited_split_that_cannot_be_read_is_refused(cfg, corpus, old, new, message):
    corpus.run(cfg)
    path = cfg.features_dir / "music_turkish.splits.csv"
    path.write_text(path.read_text().replace(old, new, 1))
    corpus.rows["024.wav"] = "Q1", "Artist 0"
    with pytest.raises(MerError, match=message):
        corpus.run(cfg)
