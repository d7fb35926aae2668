"""CPC: which pairs are drawn, what they give away, and when an encoder is said to have learnt."""

import keras
import numpy as np
import pytest
from cpc_data import Numbered, Sounds
from hypothesis import given, settings
from hypothesis import strategies as st

from mer import MerError
from mer.training import loop
from mer.training.pretexts import cpc
from models import model_cpc


def contrast(counts, *, overlap=(31, 15), **overrides):
    options = {"past": 4, "future": 2, "batch_size": 8, "seed": 0, "shuffle": True, **overrides}
    return cpc.Contrast(Numbered(counts, patch_frames=overlap[0], hop_frames=overlap[1]), **options)


def indices(array):
    return array[..., 0, 0, 0].astype(int)


def lengths(kind, rng, n):
    """Patches of clips as long as those of LibriSpeech (up to 16 s) or AISHELL-1 (mean 4.5 s), one every 0.48 s."""
    if kind == "english":
        return np.minimum(rng.normal(26, 8, n).astype(int), 33).clip(3)
    return rng.normal(8.4, 2.5, n).astype(int).clip(3, 28)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 40), min_size=2, max_size=6), st.integers(1, 3), st.floats(0, 1), st.integers(0, 5),
       st.sampled_from([(31, 15), (31, 3), (31, 31), (10, 7)]), st.integers(0, 2))
def test_a_negative_shares_no_frame_with_context_or_true_continuation(counts, per_positive, share, epoch, overlap, gap):
    if sum(count >= 6 + gap for count in counts) < 2:
        return
    data = contrast(counts, negatives_per_positive=per_positive, same_clip_share=share, overlap=overlap, gap=gap)
    data.set_epoch(epoch)
    patches, (width, hop) = data.patches, overlap
    for batch in range(len(data)):
        inputs, label = data[batch]
        past, future, label = indices(inputs["past"]), indices(inputs["future"]), label[:, 0] > 0
        assert label.sum() == round(len(label) / (1 + per_positive))
        clip = patches.clip[past[:, 0]]
        assert (np.diff(past, axis=1) == 1).all() and (np.diff(future, axis=1) == 1).all()
        assert (patches.clip[past] == clip[:, None]).all()
        assert (patches.clip[future[:, 0]] == patches.clip[future[:, 1]]).all()
        assert (future[label, 0] == past[label, -1] + 1 + gap).all()
        assert (patches.clip[future[label, 1]] == clip[label]).all()
        same = ~label & (patches.clip[future[:, 0]] == clip)
        begin, end = hop * future[same, 0], hop * future[same, 1] + width
        ends = hop * (past[same, -1] + 1 + gap + 1) + width  # of the true continuation
        assert ((begin >= ends) | (end <= hop * past[same, 0])).all()
        number = patches.number[future[:, 0]]
        assert (number >= 4 + gap).all()  # only where a true continuation can be


def place_alone(data, epochs):
    """Accuracy of a table of place, length of the clip and label, fitted on half of the epochs, on the other half."""
    seen = {}
    for epoch in epochs:
        data.set_epoch(epoch)
        clip, start = data.patches.clip[data.continued], data.continued - data.patches.first[data.patches.clip[
            data.continued]]
        cell = start * 100 + data.patches.count[clip]
        half = seen.setdefault(epoch % 2, ([], []))
        half[0].append(cell)
        half[1].append(data.label)
    (cell, label), (tested, truth) = ([np.concatenate(part) for part in seen[half]] for half in (0, 1))
    n, true = np.bincount(cell, minlength=10000), np.bincount(cell, label, minlength=10000)
    return np.mean((true > n / 2)[tested] == truth), len(truth)


@pytest.mark.parametrize("kind", ["english", "mandarin"])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("shuffle, hop", [(True, 6), (False, 1)])
def test_the_place_of_a_continuation_and_the_length_of_its_clip_give_nothing_away(kind, share, shuffle, hop):
    data = contrast(lengths(kind, np.random.default_rng(0), 400), same_clip_share=share, hop_patches=hop,
                    shuffle=shuffle, batch_size=32)
    seeds = range(0, 12)
    if not shuffle:  # the same places each time: other labels by another seed
        data.set_epoch = lambda epoch, whole=data.set_epoch: (setattr(data, "seed", epoch), whole(0))
    accuracy, n = place_alone(data, seeds)
    assert accuracy <= 0.5 + 3 * 0.5 / n**0.5


@pytest.mark.parametrize("kind", ["english", "mandarin"])
def test_negatives_of_other_clips_lie_where_the_positives_lie(kind):
    data = contrast(lengths(kind, np.random.default_rng(1), 200), same_clip_share=0, hop_patches=1)
    wrong = ~data.label
    clip = data.patches.clip[data.continued]
    assert (clip[wrong] != data.clip[wrong]).all()
    moved = data.continued - data.patches.first[clip] - data.place  # context and continuation do not fit in place
    assert (moved[wrong] == 0).mean() > 0.97 and abs(moved).max() <= 12
    assert sorted(data.continued[wrong]) == sorted(data.starts[wrong])  # given once each


def test_share_of_same_clip_negatives_is_kept():
    for share in (0.0, 1.0):
        data = contrast([40, 40, 40], same_clip_share=share, batch_size=100)
        wrong = ~data.label
        same = (data.patches.clip[data.continued] == data.clip)[wrong]
        assert same.mean() > 0.8 if share else not same.any()


def test_continuations_for_the_same_clip_are_given_where_they_are_taken():
    data = contrast([60, 24, 16] * 10, same_clip_share=1.0, hop_patches=1)
    given, taken = np.zeros((2, 55))
    for epoch in range(20):
        data.set_epoch(epoch)
        near = ~data.label & (data.patches.clip[data.continued] == data.clip)
        given += np.bincount((data.continued - data.patches.first[data.clip])[near], minlength=55)
        taken += np.bincount(data.place[near], minlength=55)
    assert (abs(given - taken) <= 4 * np.sqrt(given + taken)).all() and (given > 30).all()


def test_published_negatives_leave_three_quarters_as_the_ceiling():
    data = contrast([60] * 40 + [11] * 20, negatives="published", batch_size=4000, hop_patches=1)
    inputs, label = data[0]
    past, future, label = indices(inputs["past"]), indices(inputs["future"]), label[:, 0]
    long = data.patches.count[data.patches.clip[past[:, 0]]] >= 12
    assert (label[~long] == 0).all()
    assert label[long].mean() == pytest.approx(0.5, abs=0.05)
    in_order = future[:, 0] == past[:, -1] + 1
    assert in_order[label == 1].all()
    assert in_order[(label == 0) & long].mean() == pytest.approx(0.5, abs=0.06)
    best = np.mean(in_order[long] == (label[long] > 0))  # the best any model can do: call the true order 1
    assert best == pytest.approx(0.75, abs=0.05)


def test_every_start_of_a_clip_has_its_turn_equally_often():
    data, seen = contrast([20, 9], hop_patches=6), np.zeros(29, int)
    for epoch in range(3000):
        data.set_epoch(epoch)
        seen += np.bincount(data.starts, minlength=29)
    assert set(np.flatnonzero(seen)) == set(range(15)) | set(range(20, 24))
    assert seen[:15].max() < 1.3 * seen[:15].min() and seen[20:24].max() < 1.3 * seen[20:24].min()


def test_clips_too_short_for_a_sequence_are_said():
    with pytest.raises(MerError, match="6 patches"):
        contrast([5, 5])
    with pytest.raises(MerError, match="negative needs another clip, or one of at least 21 patches"):
        contrast([20])
    contrast([21])
    with pytest.raises(MerError, match="cpc_candidates = 16 .* 3 are long enough"):
        cpc.Choice(Numbered([9, 9, 9, 2]), past=4, future=2, batch_size=32)


@pytest.mark.parametrize("shuffle", [True, False])
def test_candidates_are_of_different_clips_at_the_same_place(shuffle):
    data = cpc.Choice(Numbered(lengths("english", np.random.default_rng(0), 120)), past=4, future=2, candidates=16,
                      batch_size=40, seed=0, shuffle=shuffle, hop_patches=1)
    assert data.batch_size == 32
    for epoch in (0, 1):
        data.set_epoch(epoch)
        assert data.n == len(data.order) and data.n % 16 == 0
        for group in data.order.reshape(-1, 16):
            assert len(set(data.clip[group])) == 16
            assert np.ptp(data.place[group]) <= 3
        inputs, target = data[0]
        past, future = indices(inputs["past"]), indices(inputs["future"])
        assert (future[:, 0] == past[:, -1] + 1).all()
        np.testing.assert_array_equal(target, np.tile(np.eye(16), (2, 1)))


def test_the_score_of_candidates_is_that_of_pairs():
    keras.utils.set_random_seed(0)
    model = model_cpc.build((32, 8, 1))
    rng = np.random.default_rng(0)
    past, future = rng.normal(size=(8, 4, 32, 8, 1)).astype("f"), rng.normal(size=(8, 2, 32, 8, 1)).astype("f")
    logits = model_cpc.scores_of_candidates(model, 4).predict({"past": past, "future": future}, verbose=0)
    for row in range(8):
        group = slice(row // 4 * 4, row // 4 * 4 + 4)
        pairs = {"past": np.repeat(past[row:row + 1], 4, axis=0), "future": future[group]}
        expected = model.predict(pairs, verbose=0)[:, 0]
        np.testing.assert_allclose(1 / (1 + np.exp(-logits[row])), expected, atol=1e-5)


def pretrained(cfg, make, *, seed, epochs=4, n_train=90, n_test=40):
    """Scores of a small CPC model trained on the sounds that `make(counts, seed=)` gives."""
    rng = np.random.default_rng(seed)
    sides = {side: make(rng.integers(6, 24, n), seed=10 * seed + i)
             for i, (side, n) in enumerate({"train": n_train, "test": n_test}.items())}
    task = cpc.Task(cfg, model_cpc)
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    model = model_cpc.build((32, 8, 1))
    trainee = task.trainee(model)
    trainee.compile(loop.DecayingAdam(1e-3), **task.compile_with, jit_compile=False)
    data = task.batches(sides["train"], seed=seed, shuffle=True)
    for epoch in range(epochs):
        data.set_epoch(epoch)
        trainee.fit(data, verbose=0, shuffle=False)
    return task.scores(model, task.batches(sides["test"], seed=seed + 1, shuffle=False),
                       train=task.batches(sides["train"], seed=seed, shuffle=False))


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["binary", "infonce"])
def test_what_can_be_predicted_is_learnt(make_config, loss):
    cfg = make_config(f"cpc_loss={loss}", "cpc_batch_sequences=32", "cpc_hop_patches=2", "n_bootstrap=500")
    scores = pretrained(cfg, lambda counts, seed: Sounds(counts, seed=seed, tones=True), seed=1, epochs=10)
    assert scores["learnt"], scores["sentence"]
    assert scores["accuracy"] > scores["chance"] + 0.05
    assert scores["references"]["place_alone"] < scores["chance"] + 0.06
    assert scores["references"]["wrong_context"] < scores["chance"] + 0.06


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["binary", "infonce"])
@pytest.mark.parametrize("places", [False, True])
def test_noise_is_not_learnt_though_places_can_be_heard(make_config, loss, places):
    cfg = make_config(f"cpc_loss={loss}", "cpc_batch_sequences=32", "cpc_hop_patches=2", "n_bootstrap=500")
    for seed in (1, 2):
        scores = pretrained(cfg, lambda counts, seed: Sounds(counts, seed=seed, places=places), seed=seed)
        assert not scores["learnt"], scores["sentence"]


def test_scores_of_an_untrained_model_are_complete_and_it_has_not_learnt(make_config):
    keys = {"accuracy", "chance", "references", "gains", "n", "candidates", "overlap_frames", "same_clip", "learnt",
            "sentence"}
    for overrides in ((), ("cpc_loss=infonce",), ("cpc_negatives=published",)):
        cfg = make_config("cpc_batch_sequences=32", "cpc_hop_patches=2", *overrides)
        scores = pretrained(cfg, lambda counts, seed: Sounds(counts, seed=seed), seed=1, epochs=0,
                            n_train=34, n_test=34)  # 32 in a batch are of different clips
        assert set(scores) == keys and not scores["learnt"], scores["sentence"]
        assert set(scores["references"]) == {"future_alone", "place_alone", "wrong_context"}
        assert set(scores["gains"]) == {"chance", *scores["references"]}
        assert (scores["same_clip"] is not None) == (overrides == ())
