"""Parts of a corpus: hours are nested and even over speakers, classes are balanced."""

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mer import MerError, corpora
from mer.data import subsets


def speech(n_speakers, *, seed=0):
    """Clips of 2 to 16 s, between 5 and 40 a speaker, every tenth speaker in test."""
    rng = np.random.default_rng(seed)
    groups = [f"s{speaker}" for speaker in range(n_speakers) for _ in range(rng.integers(5, 40))]
    return {"ids": [f"{group}-{index}" for index, group in enumerate(groups)], "groups": groups,
            "seconds": rng.uniform(2, 16, len(groups)),
            "split": ["test" if int(group[1:]) % 10 == 0 else "val" if int(group[1:]) % 10 == 1 else "train"
                      for group in groups]}


@settings(deadline=None, max_examples=30)
@given(st.integers(20, 40), st.floats(0.1, 0.5), st.floats(0.1, 0.9), st.integers(0, 99))
def test_fewer_hours_are_a_part_of_more(n_speakers, more, share, seed):
    corpus = speech(n_speakers, seed=seed)
    large = subsets.choose(**corpus, hours=more, seed=seed)
    small = subsets.choose(**corpus, hours=more * share, seed=seed)
    assert set(small) <= set(large) and len(set(large)) == len(large)
    got = corpus["seconds"][large].sum() / 3600
    assert got <= more + 1e-9 and more - got < 3 * 16 / 3600  # short of it by less than a clip a side


def test_every_speaker_has_about_as_much_and_every_side_its_share():
    corpus = speech(40)
    chosen = subsets.choose(**corpus, hours=0.5, seed=1)
    per_speaker, per_side = defaultdict(float), defaultdict(float)
    for index in chosen:
        per_speaker[corpus["groups"][index]] += corpus["seconds"][index]
        per_side[corpus["split"][index]] += corpus["seconds"][index]
    assert len(per_speaker) == 40
    for side in per_side:
        speakers = {group for group, where in zip(corpus["groups"], corpus["split"], strict=True) if where == side}
        seconds = [per_speaker[group] for group in speakers]
        assert max(seconds) - min(seconds) < 2 * 16
    of_all = {side: corpus["seconds"][np.array(corpus["split"]) == side].sum() / corpus["seconds"].sum()
              for side in per_side}
    for side, seconds in per_side.items():
        assert abs(seconds - of_all[side] * 1800) < 16


def test_the_choice_does_not_depend_on_the_order_of_the_files():
    corpus = speech(20)
    order = np.random.default_rng(1).permutation(len(corpus["ids"]))
    shuffled = {name: [values[i] for i in order] for name, values in corpus.items()}
    one = {corpus["ids"][i] for i in subsets.choose(**corpus, hours=0.2, seed=3)}
    assert one == {shuffled["ids"][i] for i in subsets.choose(**shuffled, hours=0.2, seed=3)}
    assert one != {corpus["ids"][i] for i in subsets.choose(**corpus, hours=0.2, seed=4)}


def test_too_many_hours_are_refused_and_files_without_length_never_chosen():
    corpus = speech(20)
    with pytest.raises(MerError, match=r"100 hours were asked for, and there are \d\.\d\d"):
        subsets.choose(**corpus, hours=100, seed=1)
    corpus["seconds"][::2] = np.nan
    assert all(index % 2 for index in subsets.choose(**corpus, hours=0.3, seed=1))


def test_balance_keeps_the_smallest_class_whole():
    sizes = {"Q1": 9, "Q2": 4, "Q3": 20, "Q4": 6}
    clips = tuple(corpora.Clip(f"{name}/{i:02d}.mp3", Path("x"), f"{i}", name)
                  for name, size in sizes.items() for i in range(size))
    listing = corpora.Listing(clips, (), "song")
    balanced, facts = subsets.balanced(listing, seed=1)
    assert Counter(clip.quadrant for clip in balanced.clips) == dict.fromkeys(sizes, 4)
    assert [clip for clip in clips if clip.quadrant == "Q2"] == [c for c in balanced.clips if c.quadrant == "Q2"]
    assert facts == {"seed": 1, "per_class": 4, "classes": 4, "kept": 16, "of": 39}
    assert balanced.clips != subsets.balanced(listing, seed=2)[0].clips
    with pytest.raises(MerError, match="speech has none"):
        subsets.balanced(corpora.Listing((corpora.Clip("a", Path("a"), "a"),), (), "speaker"), seed=1)


def test_prefix_is_that_of_the_release():
    assert [corpora.hours_prefix(hours) for hours in (3, 3.0, 1.5, 30, None)] == ["3h_", "3h_", "1.5h_", "30h_", ""]
