"""A saved split and the clips of today: what moves, and that nothing ever leaks."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mer.data import split_search, splits

SHARES = np.array([0.595, 0.105, 0.3])


def corpus(n=24, groups=8):
    """Ids, groups, labels, and a drawn split of them."""
    ids = [f"{i:03d}.wav" for i in range(n)]
    group, labels = [f"artist {i % groups}" for i in range(n)], [f"Q{i % 4 + 1}" for i in range(n)]
    split, _ = splits.draw(ids=ids, groups=group, labels=labels, seed=1, test_fraction=0.3, val_fraction=0.15,
                           grouped_by="artist")
    return ids, group, labels, dict(zip(ids, split, strict=True))


def updated(saved, ids, groups, labels, **more):
    split, added, moved = split_search.update(saved, ids=ids, groups=groups, labels=labels, shares=SHARES, seed=1,
                                              **more)
    return SimpleNamespace(split=split, added=added, moved=moved)


@pytest.mark.parametrize("group", ["artist 3", "somebody new"])
def test_one_new_clip_moves_no_other(group):
    ids, groups, labels, saved = corpus()
    made = updated(saved, [*ids, "new.wav"], [*groups, group], [*labels, "Q1"])
    assert made.added == ["new.wav"] and not made.moved and made.split[:-1] == [saved[name] for name in ids]
    if group in groups:
        assert made.split[-1] == saved[ids[groups.index(group)]]


def test_a_renamed_group_or_class_moves_none():
    ids, groups, _, saved = corpus()
    renamed = [name.replace("artist 3", "Artist Three") for name in groups]
    made = updated(saved, ids, renamed, ["Q2"] * len(ids))
    assert made.split == [saved[name] for name in ids] and not made.added and not made.moved


def test_clips_that_leave_move_none():
    ids, groups, labels, saved = corpus()
    made = updated(saved, ids[5:], groups[5:], labels[5:])
    assert made.split == [saved[name] for name in ids[5:]] and not made.added and not made.moved


@pytest.mark.parametrize("sides, expected, n_moved", [
    ({"train": 9, "test": 1}, "test", 9), ({"train": 1, "test": 9}, "test", 1), ({"train": 3, "val": 2}, "train", 2),
    ({"train": 2, "val": 2}, "val", 2), ({"val": 5, "test": 1}, "val", 1), ({"val": 1, "test": 1}, "test", 1),
    ({"train": 5, "val": 3, "test": 1}, "val", 6), ({"train": 5, "val": 1, "test": 3}, "test", 6)])
def test_a_group_that_comes_to_stand_on_two_sides_is_united_with_the_fewest_moves(sides, expected, n_moved):
    saved = {f"{side}{i}": side for side, count in sides.items() for i in range(count)}
    made = updated(saved, list(saved), ["one"] * len(saved), ["Q1"] * len(saved))
    assert set(made.split) == {expected} and len(made.moved) == n_moved


def test_sides_that_somebody_chose_are_only_added_to():
    saved = {"a": "train", "b": "test", "c": "train"}
    made = updated(saved, ["a", "b", "c", "d"], ["one"] * 4, ["Q1"] * 4, only_add=True)
    assert made.split == ["train", "test", "train", "test"] and made.added == ["d"] and not made.moved


def test_many_new_groups_come_out_stratified():
    ids, groups, labels, saved = corpus()
    new = [f"new {i}" for i in range(400)]
    made = updated(saved, [*ids, *new], [*groups, *(f"group {i // 2}" for i in range(400))],
                   [*labels, *(f"Q{i // 2 % 4 + 1}" for i in range(400))])
    counts = Counter(zip(made.split, [*labels, *(f"Q{i // 2 % 4 + 1}" for i in range(400))], strict=True))
    for side, share in zip(splits.SPLITS, SHARES, strict=True):
        assert all(abs(counts[side, f"Q{q}"] - share * 106) <= 3 for q in range(1, 5))


def test_the_order_of_the_clips_does_not_matter():
    ids, groups, labels, saved = corpus()
    rows = list(zip([*ids, *(f"n{i}" for i in range(30))], [*groups, *(f"g{i % 7}" for i in range(30))],
                    [*labels, *(f"Q{i % 4 + 1}" for i in range(30))], strict=True))
    first = updated(saved, *map(list, zip(*rows, strict=True)))
    turned = updated(saved, *map(list, zip(*reversed(rows), strict=True)))
    assert first.split == turned.split[::-1]


changes = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9), st.integers(1, 4)), min_size=3, max_size=60,
                   unique_by=lambda row: row[0])


@settings(max_examples=200, deadline=None)
@given(before=changes, after=changes)
def test_nothing_ever_leaks_and_no_test_clip_is_ever_trained_on(before, after):
    (ids, groups, _), (now, now_groups, now_labels) = (
        ([f"c{clip}" for clip, _, _ in rows], [f"g{group}" for _, group, _ in rows], [f"Q{q}" for _, _, q in rows])
        for rows in (before, after))
    side = {group: ("train", "val", "test")[int(group[1:]) % 3] for group in groups}
    saved = {name: side[group] for name, group in zip(ids, groups, strict=True)}
    made = updated(saved, now, now_groups, now_labels)
    assert not splits.leak(now, now_groups, made.split)
    assert not [name for name, place in zip(now, made.split, strict=True)
                if saved.get(name) == "test" and place == "train"]
    assert set(made.added) == set(now) - set(ids)
    moved_groups = {group for name, group in zip(now, now_groups, strict=True) if name in made.moved}
    for group in moved_groups:  # only groups whose known clips came from several sides
        assert len({saved[name] for name, g in zip(now, now_groups, strict=True) if g == group and name in saved}) > 1


# ---- folds -----------------------------------------------------------------------------------------------------------


def drawn_folds(ids, groups, labels, n_folds=4):
    made = splits.draw_folds(ids=ids, groups=groups, labels=labels, seed=1, n_folds=n_folds, val_fraction=0.25)
    return [dict(zip(ids, sides, strict=True)) for sides in made]


def updated_folds(saved, ids, groups, labels):
    folds, added, moved = split_search.update_folds(saved, ids=ids, groups=groups, labels=labels, val_fraction=0.25,
                                                    seed=1)
    return folds, SimpleNamespace(added=added, moved=moved)


def test_folds_keep_what_they_know():
    ids, groups, labels, _ = corpus(48, 12)
    saved = drawn_folds(ids, groups, labels)
    made, what = updated_folds(saved, [*ids, "new", "other"], [*groups, "artist 3", "new"], [*labels, "Q1", "Q2"])
    assert what.added == ["new", "other"] and not what.moved
    for sides, old in zip(made, saved, strict=True):
        assert dict(zip(ids, sides, strict=False)) == old
        assert not splits.leak([*ids, "new", "other"], [*groups, "artist 3", "new"], sides)
    assert [sum(sides[i] == "test" for sides in made) for i in (-1, -2)] == [1, 1]


@settings(max_examples=60, deadline=None)
@given(after=changes)
def test_folds_never_leak(after):
    ids, groups, labels = ([f"{clip:03d}.wav" for clip, _, _ in after], [f"artist {group}" for _, group, _ in after],
                           [f"Q{q}" for _, _, q in after])
    saved = drawn_folds(*corpus(48, 12)[:3])
    made, _ = updated_folds(saved, ids, groups, labels)
    for sides in made:
        assert not splits.leak(ids, groups, sides)
    assert all(sum(sides[i] == "test" for sides in made) == 1 for i in range(len(ids)))
