"""Splits: no leak, all clips, the wanted shares, every class, the seed, the order, the file."""

from collections import Counter, defaultdict
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mer import MerError
from mer.data import split_files, splits, store_split
from mer.training import crossval

FRACTIONS = {"test_fraction": 0.30, "val_fraction": 0.15}


def drawn(groups, labels, *, seed=1, grouped_by="song", **fractions):
    ids = [f"clip{index:05d}" for index in range(len(groups))]
    split, facts = splits.draw(ids=ids, groups=groups, labels=labels, seed=seed, grouped_by=grouped_by,
                               **{**FRACTIONS, **fractions})
    return SimpleNamespace(split=split, facts=facts, uneven=facts.get("uneven", []))


@st.composite
def corpora(draw):
    """Groups of 1 to 5 clips, 1 to 4 classes, at least 3 groups."""
    sizes = draw(st.lists(st.integers(1, 5), min_size=3, max_size=60))
    classes = ["Q1", "Q2", "Q3", "Q4"][:draw(st.integers(1, 4))]
    groups = [f"g{index}" for index, size in enumerate(sizes) for _ in range(size)]
    return groups, draw(st.lists(st.sampled_from(classes), min_size=len(groups), max_size=len(groups)))


@settings(deadline=None, max_examples=60)
@given(corpora(), st.integers(0, 99))
def test_every_clip_has_one_side_and_every_group_too(corpus, seed):
    groups, labels = corpus
    result = drawn(groups, labels, seed=seed)
    assert len(result.split) == len(groups) and set(result.split) == set(splits.SPLITS)
    sides = defaultdict(set)
    for group, side in zip(groups, result.split, strict=True):
        sides[group].add(side)
    assert all(len(found) == 1 for found in sides.values())
    assert result.facts["grouped_by"] == "song"
    assert not splits.leak(groups, groups, result.split)


@settings(deadline=None, max_examples=30)
@given(corpora(), st.integers(0, 99), st.randoms(use_true_random=False))
def test_the_seed_decides_and_the_order_does_not(corpus, seed, random):
    groups, labels = corpus
    order = list(range(len(groups)))
    random.shuffle(order)
    ids = [f"clip{index:05d}" for index in range(len(groups))]
    first = drawn(groups, labels, seed=seed)
    second, facts = splits.draw(ids=[ids[i] for i in order], groups=[groups[i] for i in order],
                                labels=[labels[i] for i in order], seed=seed, grouped_by="song", **FRACTIONS)
    assert [first.split[index] for index in order] == second
    assert first.facts == facts


@settings(deadline=None, max_examples=40)
@given(st.integers(12, 40), st.integers(1, 4), st.integers(0, 99), st.floats(0.1, 0.5), st.floats(0.1, 0.4))
def test_sizes_are_the_wanted_ones_per_class(groups_per_class, per_group, seed, test_fraction, val_fraction):
    n_clips = 4 * groups_per_class * per_group
    labels = [f"Q{index // per_group % 4 + 1}" for index in range(n_clips)]
    result = drawn([f"g{index // per_group}" for index in range(n_clips)], labels, seed=seed,
                   test_fraction=test_fraction, val_fraction=val_fraction)
    wanted = {"test": test_fraction, "val": (1 - test_fraction) * val_fraction}
    for side, share in wanted.items():
        for name in set(labels):
            count = sum(where == side for where, label in zip(result.split, labels, strict=True) if label == name)
            assert abs(count - share * n_clips / 4) <= 1.5 * per_group and count > 0
        assert abs(result.split.count(side) - share * n_clips) <= 3 * per_group


def test_four_quadrants_with_artists_of_uneven_size():
    rng = np.random.default_rng(0)
    artists = [f"artist {number}" for number in rng.zipf(1.6, 900) % 600]
    labels = [f"Q{index // 225 + 1}" for index in range(900)]
    result = drawn(artists, labels, grouped_by="artist")
    counts = Counter(zip(labels, result.split, strict=True))
    for name in set(labels):
        assert abs(counts[name, "test"] - 67.5) < 8 and abs(counts[name, "val"] - 23.6) < 6
    assert not splits.leak(labels, artists, result.split)


def test_other_seeds_give_other_splits():
    groups = [f"g{index // 2}" for index in range(100)]
    assert len({tuple(drawn(groups, ["Q1"] * 100, seed=seed).split) for seed in range(10)}) == 10


@pytest.mark.parametrize("seed", range(20))
def test_a_rare_class_reaches_every_side(seed):
    labels = ["common"] * 300 + [f"rare {number}" for number in range(8) for _ in range(3)]
    result = drawn([str(index) for index in range(324)], labels, seed=seed, grouped_by="clip")
    assert len(set(zip(labels, result.split, strict=True))) == 27
    assert not result.uneven


def test_a_class_of_two_groups_is_in_train_and_test_and_the_note_tells():
    labels = ["Q1"] * 40 + ["Q2"] * 2 + ["Q3"]
    result = drawn([str(index) for index in range(43)], labels)
    assert {side for side, label in zip(result.split, labels, strict=True) if label == "Q2"} == {"train", "test"}
    assert result.split[-1] == "train"
    assert result.uneven == [{"split": "val", "without": ["Q2", "Q3"]}, {"split": "test", "without": ["Q3"]}]
    assert "val has no clip of Q2, Q3; test has no clip of Q3" in split_files.describe(result.facts)


@pytest.mark.parametrize("n_speakers", [1, 2])
def test_too_few_groups_fall_back_to_clips_and_say_so(n_speakers):
    groups = [f"S{index % n_speakers}" for index in range(50)]
    result = drawn(groups, [""] * 50, grouped_by="speaker", test_fraction=0.1)
    assert result.facts["grouped_by"] == "clip"
    assert result.facts["few_groups"] == {"n": n_speakers, "what": "speaker"}
    assert f"only {n_speakers} speaker" in split_files.describe(result.facts)
    assert Counter(result.split) == {"test": 5, "val": 7, "train": 38}


def test_a_giant_group_is_told():
    result = drawn(["big"] * 97 + ["a", "b", "c"], ["Q1"] * 100)
    assert result.uneven[-1] | {"clips": 0} == {"split": "test", "clips": 0, "wanted": 30, "of": 100}
    assert "clips instead of 30, since groups (song) are kept whole" in split_files.describe(result.facts)
    assert set(result.split) == set(splits.SPLITS)


@pytest.mark.parametrize("seed", range(10))
def test_three_clips_of_three_classes_still_give_three_sides(seed):
    result = drawn(["a", "b", "c"], ["Q1", "Q2", "Q3"], seed=seed, test_fraction=0.01, val_fraction=0.01)
    assert set(result.split) == set(splits.SPLITS)


def test_two_clips_are_refused():
    with pytest.raises(MerError, match="at least 3"):
        drawn(["a", "b"], ["Q1", "Q1"])


# ---- files ---------------------------------------------------------------------------------------------------

IDS = ["Q1/a, b.mp3", "Q2/\"c\".mp3", "Q3/安 é.mp3"]
SIDES = ["train", "val", "test"]


def recorded(configure, tmp_path, **columns):
    columns = {"clip": IDS, "group": ["x", "y", "z"], "label": ["Q1", "Q2", "Q3"], **columns}
    cfg = configure(f"path_to_features={tmp_path}")
    split_files.record(cfg, "own", columns, SIDES, {"kind": "drawn", "grouped_by": "song"})
    return cfg, tmp_path / "own.splits.csv"


def test_a_saved_split_is_read_back_in_any_order(configure, tmp_path):
    cfg, path = recorded(configure, tmp_path)
    assert path.read_text(encoding="utf-8").splitlines()[0] == "clip,group,label,split"
    assert split_files.load(path, IDS[::-1]) == SIDES[::-1]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["own.splits.csv", "own.splits.json"]
    assert split_files.facts(cfg, "own")["kind"] == "drawn"


def test_a_failed_save_leaves_the_old_file(configure, tmp_path):
    (tmp_path / "own.splits.csv").write_text("old")
    with pytest.raises(ValueError):
        recorded(configure, tmp_path, group=["x"])
    assert (tmp_path / "own.splits.csv").read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_a_users_file_may_be_a_spreadsheet_export(tmp_path):
    path = tmp_path / "split.csv"
    path.write_text("Clip;Split\na;Training\nb;dev\nc;TEST\nd;test\n", encoding="utf-8-sig")
    assert split_files.load(path, ["a", "b", "c"]) == SIDES


@pytest.mark.parametrize("text, message", [
    ("clip,split\na,train\nb,val\nz,test\n", "lacks 1 of 3 clips, the first is c, and lists 1 unknown ones.* z"),
    ("clip,split\na,train\na,val\nb,val\nc,test\n", "line 3: a is listed twice"),
    ("clip,split\na,train\nb,tset\nc,test\n", "line 3: split 'tset'"),
    ("clip,split\na,train\nb,train\nc,test\n", "no clip into val"),
    ("name,split\na,train\n", "expected clip and split")])
def test_a_users_mistake_is_named(tmp_path, text, message):
    path = tmp_path / "split.csv"
    path.write_text(text)
    with pytest.raises(MerError, match=message):
        split_files.load(path, ["a", "b", "c"])


def test_the_leak_test_names_the_group():
    assert not splits.leak(["a", "b", "c"], ["x", "x", "y"], ["train", "train", "test"])
    leak = splits.leak(["a", "b", "c"], ["x", "x", "y"], ["train", "test", "test"])
    assert leak == {"group": "x", "clips": ["a", "b"], "splits": ["train", "test"]}
    assert splits.leak("ab", "xy", ["train", "test"], ["same", "same"])["group"] == ""
    said = split_files.describe({"kind": "imported", "grouped_by": "imported", "leak": leak})
    assert "leak: group 'x' is in two splits, a in train and b in test" in said


@pytest.mark.parametrize("given, whole, gap", [
    (["train", "val", "test"], True, None), ([None, None, None], False, None),
    (["train", "val", None], False, {"without": 1, "of": 3}), (["train", "val", "val"], False, {"empty": ["test"]})])
def test_published_splits_are_used_where_they_are_whole(given, whole, gap):
    clips = [SimpleNamespace(split=split) for split in given]
    assert store_split.published(clips) == (given if whole else None, gap)


@pytest.mark.parametrize("gap, words", [
    ({"empty": ["test"]}, "the published split is incomplete (no test clips), so a new split was drawn"),
    ({"without": 1, "of": 3}, "the published split is incomplete (none for 1 of 3 clips), so a new split was drawn"),
    ({"split": "val", "shared": 2, "of": 5}, "2 of 5 validation clips of the files are in training too, so a new")])
def test_why_a_published_split_is_not_used_is_said(gap, words):
    assert words in split_files.describe({"kind": "drawn", "seed": 1, "grouped_by": "song", "gap": gap})


FOLD = {"kind": "fold", "grouped_by": "song", "seed": 3, "number": 2, "n_folds": 2}
OLD = {"kind": "given", "grouped_by": "given", "note": "as left; leak: an old sentence", "leak": "leak: ..."}


@pytest.mark.parametrize("facts, words", [
    (FOLD, "fold 2 of 2, drawn with seed 3, grouped by song"),
    ({**FOLD, "kind": "folds"},
     "2 folds, drawn with seed 3, grouped by song: every clip was predicted once, by a model that had not heard it"),
    ({**FOLD, "kind": "given", "odd_folds": [OLD]}, "2 folds, 1 of them not as cut: a clip may be missing, predicted "
     "twice, or by a model that had heard it; as left; leak: an old sentence"),
    ({"kind": "given", "grouped_by": "given", "file": "a.csv"}, "the split is the given file a.csv"),
    ({"kind": "given", "grouped_by": "given", "file": "a.csv", "edited": True},
     "the split is a.csv as the user left it"),
    ({"kind": "published", "grouped_by": "published"}, "the split is the one that the corpus publishes"),
    ({"kind": "published", "grouped_by": "published", "file": "own.csv", "n_added": 2, "n_moved": 1},
     "the split is the one that came with the labels (own.csv); 2 clip(s) added since; 1 clip(s) moved since, so that "
     "no group is in two splits"),
    ({"kind": "drawn", "grouped_by": "clip", "seed": 1, "imported_from": "x", "empty": ["val"], "n_duplicates": 1},
     "the split was drawn with seed 1, grouped by clip; imported from x; 1 clip(s) with the same audio as another "
     "left out; no clip in val: training needs more hours"),
    ({"kind": "per clip", "grouped_by": "clip", "seed": 1, "shared": {"n": 2, "of": 9}},
     "drawn clip by clip with seed 1, without groups, as the published program did: 2 of 9 test clips share "
     "their group or audio with training; for comparison only")])
def test_the_facts_of_a_split_become_sentences_in_one_place(facts, words):
    assert split_files.describe(facts) == words


@pytest.mark.parametrize("odd", [[], [{**FOLD, "leak": {"group": "x"}, "note": "it leaks"}], [OLD]])
def test_all_folds_together_are_described_by_the_facts_of_each(odd):
    as_cut = {**FOLD, "note": "...", "leak": {}}
    facts = crossval._all_folds([as_cut, as_cut, *odd])
    assert (facts["kind"], facts["n_folds"], len(facts.get("odd_folds", []))) == (
        "given" if odd else "folds", 2 + len(odd), len(odd))
    assert facts["note"].endswith(odd[0]["note"] if odd else "by a model that had not heard it")


def test_folds_of_small_classes_are_cut_or_refused_in_words():
    n = 32  # eight clips of each class, and validation would take a seventh of them
    facts = {"ids": [f"{i:02d}" for i in range(n)], "groups": [f"{i:02d}" for i in range(n)], "seed": 1,
             "labels": [f"Q{i % 4 + 1}" for i in range(n)], "val_fraction": 0.15}
    folds = splits.draw_folds(n_folds=3, **facts)
    assert all({"train", "val", "test"} == set(fold) for fold in folds)
    assert sorted(i for fold in folds for i in range(n) if fold[i] == "test") == list(range(n))
    with pytest.raises(MerError, match="9 folds need a class of at least 9 clips, and the largest has 8"):
        splits.draw_folds(n_folds=9, **facts)
