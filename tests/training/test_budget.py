"""A budget of labels: nested, even over classes and groups, and never from the test side."""

import itertools
from collections import Counter

import numpy as np
import pytest

from mer import MerError
from mer.data import store
from mer.training import budget


@pytest.fixture
def clips(rng):
    """20 actors, 8 clips of each class; actors 16 to 20 are the test side."""
    group = np.repeat([f"actor {n:02d}" for n in range(20)], 32).astype(object)
    quadrant = np.tile(np.repeat(["Q1", "Q2", "Q3", "Q4"], 8), 20).astype(object)
    split = np.where(np.arange(640) >= 16 * 32, "test", np.where(np.arange(640) >= 14 * 32, "val", "train"))
    order = rng.permutation(640)
    return store.ClipSet((None,), np.array([f"c{i}" for i in range(640)], object), np.zeros(640, int), np.arange(640),
                         group[order], split.astype(object)[order], {"quadrant": quadrant[order]})


def chosen(clips, n, seed=1):
    made = budget.limited(clips, n, seed=seed, name="Song")
    return set(np.flatnonzero(np.isin(made.split, ["train", "val"])))


def test_a_smaller_budget_is_part_of_a_larger_one_and_seeds_differ(clips):
    sizes = (1, 4, 32, 64, 128, 256, 512)
    drawn = [chosen(clips, n) for n in sizes]
    assert [len(each) for each in drawn] == list(sizes)
    assert all(one < other for one, other in itertools.pairwise(drawn))
    assert chosen(clips, 32) == drawn[2] and len(chosen(clips, 32, seed=2) & drawn[2]) < 16


@pytest.mark.parametrize("n", [4, 7, 32, 64, 130, 511])
def test_classes_and_actors_have_the_same_share(clips, n):
    mine = sorted(chosen(clips, n))
    classes = Counter(clips.labels["quadrant"][mine].tolist())
    actors = Counter(clips.group[mine].tolist())
    assert max(classes.values()) - min(classes[name] for name in ("Q1", "Q2", "Q3", "Q4")) <= 1
    assert max(actors.values()) - min(actors[f"actor {i:02d}"] for i in range(16)) <= (1 if n < 500 else 2)


def test_the_test_side_stays_and_the_rest_is_not_used(clips):
    made = budget.limited(clips, 32, seed=1, name="Song")
    np.testing.assert_array_equal(made.split == "test", clips.split == "test")
    kept = np.isin(made.split, ["train", "val"])
    np.testing.assert_array_equal(made.split[kept], clips.split[kept])
    assert set(made.split[~kept]) == {"test", budget.UNUSED} and len(made.side("train")) + len(made.side("val")) == 32


def test_clips_without_a_label_cost_nothing_and_are_not_drawn(clips):
    clips.labels["quadrant"][::2] = ""
    assert all(clips.labels["quadrant"][i] for i in chosen(clips, 100))


def test_more_than_there_are_is_refused(clips):
    with pytest.raises(MerError, match="--labels 513 asks for more labelled clips than Song has .* 512"):
        budget.limited(clips, 513, seed=1, name="Song")


def test_uneven_corpora_give_what_they_have():
    classes, groups = np.array(["a"] * 50 + ["b"] * 3), np.array(["x"] * 40 + ["y"] * 13)
    drawn = budget.order(classes, groups, 20, seed=0)
    assert len(set(drawn)) == 20 and sorted(Counter(classes[drawn]).values()) == [3, 17]
