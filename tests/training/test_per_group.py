"""Normalization per group: what it takes away and what it leaves; who is looked at is said."""

import types

import numpy as np
import pytest

from mer import MerError
from mer.evaluation import caveats
from mer.training import per_group


def test_what_belongs_to_the_actor_goes_and_what_the_clip_says_stays(rng):
    group = np.repeat(np.arange(6), 8)                                  # 6 actors, 8 clips each
    said = rng.standard_normal((48, 5))
    said = (said.reshape(6, 8, 5) - said.reshape(6, 8, 5).mean(1, keepdims=True))
    said = (said / said.std(1, keepdims=True)).reshape(48, 5)
    voice, width = 100 * rng.standard_normal((6, 5)), rng.uniform(1, 9, (6, 5))
    heard = (voice[group] + width[group] * said).astype(np.float32)
    found = per_group.Normalized(heard, np.arange(48), group)
    np.testing.assert_allclose(found[np.arange(48)], said, atol=1e-3)
    np.testing.assert_array_equal(found.gather(np.array([7, 3])), found[np.arange(48)][[7, 3]])


@pytest.mark.parametrize("shuffled", [False, True])
def test_clips_count_alike_however_long_they_are(rng, shuffled):
    values = np.array([[1.0], [1.0], [1.0], [1.0], [3.0], [10.0], [14.0]], np.float32)
    clip, group = np.array([0, 0, 0, 0, 1, 2, 3]), np.array([0, 0, 1, 1])
    order = rng.permutation(7) if shuffled else np.arange(7)
    found = per_group.Normalized(values[order], clip[order], group)
    np.testing.assert_allclose(found[np.argsort(order)][:, 0], [-1, -1, -1, -1, 1, -1, 1])


def test_units_that_do_not_vary_and_codes_of_any_rank(rng):
    codes = rng.standard_normal((12, 3, 4)).astype(np.float32)
    codes[:, 1] = 7
    found = per_group.Normalized(codes, np.repeat(np.arange(6), 2), np.array([0, 0, 0, 1, 1, 1]))
    made = found[np.arange(12)]
    assert made.shape == (12, 3, 4) and np.isfinite(made).all() and (made[:, 1] == 0).all() and len(found) == 12


def test_groups_are_those_of_one_corpus_and_single_clips_are_refused():
    clips = types.SimpleNamespace(source=np.array([0, 0, 1, 1]), group=np.array(["a", "a", "a", "a"], object))
    assert per_group.keys(clips).tolist() == [0, 0, 1, 1], "an actor's speech is normalized by speech, his song by song"
    clips.group = np.array(["a", "b", "c", "d"], object)
    with pytest.raises(MerError, match="4 of 4 groups have one clip"):
        per_group.keys(clips)



def test_every_report_says_that_unlabelled_test_clips_were_looked_at():
    assert caveats.transductive_warning({}) == []
    sentence, = caveats.transductive_warning({"normalized_by": "actor"})
    assert "Transductive" in sentence and "per actor" in sentence
