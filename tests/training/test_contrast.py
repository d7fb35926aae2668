"""Contrast: pairs without shared frames, the loss, and what the score is compared with, on clips with known traits."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

import models
from mer import MerError
from mer.data.patches import Patches
from mer.features.chunks import Chunks
from mer.features.representations.log_mel import LogMel
from mer.training import augment
from mer.training.pretexts import contrast

BANDS, ROWS = 16, 8
READS = Chunks(LogMel(n_mel_bands=BANDS), 0.26, ROWS)
PLAIN = {"gain_db": 0.0, "filter_db": 0.0, "mask_bands": 0, "steps": 0}
AUGMENTED = {"gain_db": 12.0, "filter_db": 6.0, "mask_bands": 4, "steps": 0}


def corpus(n, *, seed, trait, lengths=(40,), spread=1.0):
    """Clips of noise with a trait of their own, three a speaker: "level" (of every band) or "beat" (a frame in four).

    The beat is heard in the order of frames alone: means and deviations of the bands are those of all clips.
    """
    rng, rows, offsets = np.random.default_rng(seed), [], [0]
    for clip in range(n):
        made = spread * rng.standard_normal((lengths[clip % len(lengths)], BANDS))
        if trait == "level":
            made += 2 * rng.standard_normal(BANDS)
        rows.append(made - 6)
        offsets.append(offsets[-1] + len(made))
    store = SimpleNamespace(rows=np.concatenate(rows).astype(np.float32), offsets=np.array(offsets))
    bounds = np.array([offsets[:-1], offsets[1:]])
    clips = SimpleNamespace(stores=(store,), source=np.zeros(n, int), bounds=bounds,
                            group=np.array([f"speaker {clip // 3}" for clip in range(n)], object))
    return SimpleNamespace(clips=type("Clips", (), {**vars(clips), "__len__": lambda self: n})(), reads=READS)


def pairs(patches, *, seed=0, batch_size=8, shuffle=False, **options):
    return contrast.Pairs(patches, batch_size=batch_size, seed=seed, shuffle=shuffle, **{**PLAIN, **options})


def numbered(lengths):
    """Clips whose rows hold the number of the clip, and the row in the store."""
    patches = corpus(len(lengths), seed=0, trait="", lengths=lengths)
    store, (first, end) = patches.clips.stores[0], patches.clips.bounds
    for clip in range(len(lengths)):
        store.rows[first[clip]:end[clip]] = clip
    store.rows[:, 1] = np.arange(len(store.rows))
    return patches


def test_chunks_of_a_pair_are_of_one_clip_and_share_no_frame_and_clips_of_a_batch_differ():
    patches = numbered((16, 17, 40, 15, 24, 90))
    data, seen = pairs(patches, batch_size=3, steps=40, shuffle=True), {}
    assert data.clip.tolist() == [0, 1, 2, 4, 5], "clip 3 is shorter than two chunks"
    for number in range(len(data)):
        made, partner = data[number]
        clip, row = made[..., 0, :, 0], made[..., 1, :, 0]  # (n, 2, frames)
        assert made.shape == (3, 2, BANDS, ROWS, 1) and partner.tolist() == [0, 1, 2]
        assert (clip == clip[:, :1, :1]).all() and len(set(clip[:, 0, 0])) == 3
        assert (np.diff(row, axis=-1) == 1).all()
        assert (np.abs(row[:, 0, 0] - row[:, 1, 0]) >= ROWS).all()
        first, end = patches.clips.bounds[:, clip[:, 0, 0].astype(int)]
        assert (row[:, :, 0] >= first[:, None]).all() and (row[:, :, -1] < end[:, None]).all()
        for one, starts in zip(clip[:, 0, 0], row[:, :, 0], strict=True):
            seen.setdefault(int(one), []).append(starts - patches.clips.bounds[0, int(one)])
    assert set(seen) == {0, 1, 2, 4, 5}
    starts = np.array(seen[2])  # 24 rows left over by two chunks of 40
    assert starts.min() == 0 and starts.max() == 32 and 0.3 < (starts[:, 0] < starts[:, 1]).mean() < 0.7


def test_a_batch_depends_on_seed_epoch_and_number_alone():
    patches = corpus(20, seed=1, trait="level")
    one, other = (pairs(patches, shuffle=True, **{**AUGMENTED, "steps": 5}) for _ in range(2))
    for epoch in (2, 3):
        one.set_epoch(epoch)
    other.set_epoch(3)
    for number in (4, 0):
        np.testing.assert_array_equal(one[number][0], other[number][0])
    assert len(one) == 5 and one.n == 40
    other.set_epoch(4)
    assert not np.array_equal(one[0][0], other[0][0])


def test_every_clip_is_scored_and_few_clips_come_at_several_places():
    data = pairs(corpus(11, seed=2, trait="level"))
    assert sorted(set(data.order)) == list(range(11)) and data.n >= 2048 and len(data) * 8 == data.n
    assert all(len(set(data.indices(number))) == 8 for number in range(len(data)))


def test_clips_that_are_too_short_are_said():
    with pytest.raises(MerError, match=r"contrast needs two clips of 0.51 s or more .* and one has 1: give it longer"):
        pairs(corpus(4, seed=0, trait="level", lengths=(15, 15, 15, 16)))


def test_filters_are_smooth_and_as_loud_as_they_are_said_to_be(rng):
    level = augment.filters(rng, 4000, 64, gain_db=12, filter_db=0, knots=6)
    assert (np.ptp(level, axis=1) == 0).all() and level.dtype == np.float32
    in_db = level[:, 0] * 20 / np.log(10)
    assert np.abs(in_db).max() <= 12 and in_db.std() == pytest.approx(24 / 12**0.5, rel=0.05)
    curves = augment.filters(rng, 4000, 64, gain_db=0, filter_db=6, knots=6) * 20 / np.log(10)
    assert curves[:, [0, -1]].std() == pytest.approx(6, rel=0.05)
    assert np.abs(np.diff(curves, axis=1)).max() < np.ptp(curves) / 8, "no jump from one band to the next"


def test_logits_and_loss_are_those_of_the_formula(rng):
    module = models.load("model_cola")
    model = module.build((16, 8, 1))
    layer = model.get_layer("logits")
    form = rng.standard_normal((256, 256)).astype(np.float32)
    layer.set_weights([form])
    x = rng.standard_normal((5, 2, 16, 8, 1)).astype(np.float32)
    projected = keras.ops.convert_to_numpy(keras.Model(model.input, layer.input)(x, training=False))
    assert np.abs(projected).max() <= 1
    one, other = np.moveaxis(projected / np.linalg.norm(projected, axis=-1, keepdims=True), 1, 0)
    expected = one @ form @ other.T / 0.1
    logits = keras.ops.convert_to_numpy(model(x, training=False))
    np.testing.assert_allclose(logits, expected, rtol=1e-3, atol=1e-3)
    loss = contrast.Task(None, module).compile_with["loss"](np.arange(5), logits)
    by_hand = np.log(np.exp(logits - logits.max(axis=1, keepdims=True)).sum(axis=1)) + logits.max(axis=1)
    assert float(loss) == pytest.approx((by_hand - np.diag(logits)).mean(), rel=1e-5)


class Listener:
    """A "model" that answers by a function of pairs; its codes before training are as poor as they can be."""

    def __init__(self, logits):
        self.predict_on_batch = logits

    def get_weights(self):
        return []

    def set_weights(self, weights):
        pass


def scored(logits, trait, **options):
    """`contrast.Task.scores` of such a model on 30 test clips, fitted on 60 others."""
    encoder = SimpleNamespace(predict_on_batch=lambda chunks: np.ones((len(chunks), 3), np.float32))
    task = contrast.Task(SimpleNamespace(n_bootstrap=300), SimpleNamespace(encoder=lambda model: encoder))
    model = Listener(logits)
    task.trainee(model)
    return task.scores(model, pairs(corpus(30, seed=5, trait=trait), seed=1, batch_size=16, **options),
                       train=pairs(corpus(60, seed=6, trait=trait), batch_size=16, **options))


BLIND = np.random.default_rng(0)


def blind(made):
    return BLIND.random((len(made), len(made)))


def oracle(made):
    return np.eye(len(made))


def by_mean(made):
    means = made.mean(axis=3)[..., 0] + 6
    means = means / np.linalg.norm(means, axis=-1, keepdims=True)
    return means[:, 0] @ means[:, 1].T


def test_a_blind_model_has_not_learnt_and_one_that_knows_has():
    scores = scored(blind, "level", **AUGMENTED)
    assert scores["accuracy"] == pytest.approx(1 / 16, abs=0.02) and scores["chance"] == 1 / 16
    assert not scores["learnt"] and scores["candidates"] == 16
    scores = scored(oracle, "level", **AUGMENTED)
    assert scores["accuracy"] == 1 and scores["learnt"] and scores["gain"]["unit"] == "group"
    assert "finds the chunk of the same clip among 16 with accuracy 1.000" in scores["sentence"]


def test_what_the_mean_spectrum_tells_is_not_learnt():
    scores = scored(by_mean, "level")
    assert scores["accuracy"] > 0.9 and not scores["learnt"], "a nearest neighbor by band means does as well"
    assert scores["references"]["mean_spectrum"] > 0.9
    augmented = scored(by_mean, "level", **{**AUGMENTED, "filter_db": 20.0})
    assert augmented["references"]["mean_spectrum"] < 0.6 < augmented["plain"]["mean_spectrum"]
    assert augmented["plain"]["mean_spectrum"] == pytest.approx(scores["references"]["mean_spectrum"], abs=0.03)


def test_references_find_nothing_in_noise():
    scores = scored(blind, "")
    for name, accuracy in scores["references"].items():
        assert accuracy == pytest.approx(1 / 16, abs=0.02), name
    assert not scores["learnt"]


def test_the_weights_before_training_are_a_reference_and_the_learnt_ones_come_back():
    module = models.load("model_cola")
    keras.utils.set_random_seed(3)
    model = module.build((BANDS, ROWS, 1))
    task = contrast.Task(SimpleNamespace(n_bootstrap=50), module)
    assert task.trainee(model) is model
    learnt = [2 * weight + 0.1 for weight in model.get_weights()]
    model.set_weights(learnt)
    test = pairs(corpus(8, seed=5, trait="level"), batch_size=8)
    scores = task.scores(model, test, train=test)
    for held, wanted in zip(model.get_weights(), learnt, strict=True):
        np.testing.assert_array_equal(held, wanted)
    assert set(scores["references"]) == {"mean_spectrum", "mean_and_deviation", "within_clips", "random_weights"}
    assert scores["references"]["random_weights"] > 0.3


def test_pairs_are_read_from_stores(speech):
    reads = Chunks(LogMel(), 1.0, 31)
    data = pairs(Patches(speech.side("train"), reads, 15), steps=1, batch_size=4)
    made, _ = data[0]
    store = speech.stores[0]
    rows = np.swapaxes(made[0, 0, :, :, 0], 0, 1)
    assert any(np.array_equal(rows, store.rows[start:start + 31]) for start in range(len(store.rows) - 30))
