"""Denoising of sequences: joined clips, standardization, and what a network is compared with."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

import models
from mer import MerError
from mer.data.joined import Joined
from mer.features.chunks import Chunks
from mer.training.pretexts import _rows, denoise

STEPS, WIDTH, SIGMA = 4, 6, 0.5


class Rows:
    """What `Chunks` asks of a representation."""

    width, rows_per_second = WIDTH, 1.0

    def to_input(self, chunks):
        return chunks


READS = Chunks(Rows(), 4.0, STEPS)


def clip_set(lengths, groups, *, seed=0, source=None):
    """Clips of so many rows in one or two stores, each row numbered in its first value."""
    source = np.array(source if source is not None else [0] * len(lengths))
    rng, stores, index = np.random.default_rng(seed), [], np.zeros(len(lengths), int)
    for number in np.unique(source):
        mine = np.flatnonzero(source == number)
        offsets = np.concatenate([[0], np.cumsum(np.array(lengths)[mine])])
        rows = rng.standard_normal((offsets[-1], WIDTH)).astype(np.float32)
        rows[:, 0] = 100 * number + np.arange(offsets[-1])
        stores.append(SimpleNamespace(rows=rows, offsets=offsets))
        index[mine] = np.arange(len(mine))
    bounds = np.array([stores[s].offsets[i:i + 2] for s, i in zip(source, index, strict=True)]).T
    return SimpleNamespace(stores=tuple(stores), source=source, index=index, group=np.array(groups, object),
                           bounds=bounds)


def test_sequences_go_on_with_the_next_clip_of_the_same_speaker():
    clips = clip_set([3, 5, 2, 1], ["a", "b", "a", "c"])
    joined = Joined(clips, READS, 2)
    assert joined.gather(np.arange(len(joined)))[..., 0].tolist() == [[0, 1, 2, 8], [3, 4, 5, 6]]
    assert joined.clip.tolist() == [0, 1], "one row of a is left out, one of b, and c is too short"
    assert joined.gather(np.array([[1], [0]])).shape == (2, 1, STEPS, WIDTH)


def test_speakers_of_two_corpora_stay_apart():
    joined = Joined(clip_set([3, 3, 3], ["a", "a", "a"], source=[0, 1, 1]), READS, 1)
    assert joined.gather(np.arange(len(joined)))[..., 0].tolist() == [[100, 101, 102, 103], [101, 102, 103, 104],
                                                                      [102, 103, 104, 105]]
    assert len(Joined(clip_set([2], ["a"]), READS, 1)) == 0


class Field:
    """Sequences whose rows are a walk: each value goes on from the one before; units differ by 12 powers of ten."""

    def __init__(self, n, *, seed):
        rng = np.random.default_rng(seed)
        steps = rng.standard_normal((n, STEPS, WIDTH)) * np.array([1, 0.5, 0.5, 0.5])[:, None]
        self.rows = (10.0 ** np.linspace(-6, 6, WIDTH) * (np.cumsum(steps, axis=1) + 3)).astype(np.float32)
        self.rows[..., 2] = 7.0  # one value never changes
        self.clip, self.reads = np.arange(n) // 4, READS
        self.clips = SimpleNamespace(group=np.array([f"speaker {clip // 2}" for clip in np.unique(self.clip)], object))

    def __len__(self):
        return len(self.rows)

    def gather(self, indices):
        return self.rows[indices]


@pytest.fixture(scope="module")
def task():
    """The pretext task of a small autoencoder, standardized by the training field, and that model."""
    module = models.load("model_dae")
    keras.utils.set_random_seed(1)
    model = module.build((STEPS, WIDTH))
    module.prepare(model, *_rows.statistics(Field(400, seed=1)))
    made = denoise.Task(SimpleNamespace(noise_sigma=SIGMA, n_bootstrap=100, pretrain_batch_patches=100), module)
    return made, model, made.trainee(model)


def test_values_of_all_units_count_alike(task):
    center, spread = _rows.statistics(Field(400, seed=1))
    assert spread[2] == 1 and np.ptp(np.log10(np.delete(spread / 10.0 ** np.linspace(-6, 6, WIDTH), 2))) < 0.1
    noisy, clean = task[0].batches(Field(300, seed=2), seed=0, shuffle=False)[0]
    rows = Field(300, seed=2).rows[:100]
    np.testing.assert_allclose(clean, np.arcsinh((rows - center) / spread), atol=1e-3)
    assert 0.6 < np.delete(clean, 2, axis=2).std(axis=(0, 1)).min() < 1.2 and (clean[..., 2] == 0).all()
    assert (noisy - clean).std() == pytest.approx(SIGMA, rel=0.05)


def test_one_constant_value_and_rare_ones_are_scaled_too():
    rows = Field(50, seed=3)
    rows.rows[..., 1] = 0
    rows.rows[:5, :, 1] = 9.0  # most seconds have none of it
    center, spread = _rows.statistics(rows)
    assert center[1] == 0 and spread[1] == pytest.approx(rows.rows[..., 1].std(), rel=1e-5)


def test_what_the_network_is_compared_with(task):
    made, model, _ = task
    train = made.batches(Field(2000, seed=1), seed=0, shuffle=False)
    scores = made.scores(model, made.batches(Field(400, seed=2), seed=1, shuffle=False), train=train)
    assert scores["mse_identity"] == pytest.approx(SIGMA**2, rel=0.02)
    assert scores["mse_training_mean"] > scores["mse_wiener"] > scores["mse_linear_5_steps"] > 0
    assert scores["mse_linear_row"] == pytest.approx(scores["mse_wiener"], rel=0.05)  # values of a row are independent
    assert scores["mse_code_alone"] == scores["mse"] and "mse_pca" in scores["gain_over"]
    assert (scores["code_numbers"], scores["patch_numbers"]) == (STEPS * 100, STEPS * WIDTH)
    assert not scores["learnt"] and "a linear filter over 5 steps" in scores["sentence"]


def test_the_trained_part_shares_its_layers_and_learns(task):
    made, model, trainee = task
    known = made.batches(Field(400, seed=1), seed=0, shuffle=True)
    before = [keras.ops.convert_to_numpy(weight).copy() for weight in model.get_layer("scale").weights]
    trainee.compile(keras.optimizers.Adam(1e-2), loss="mse", jit_compile=False)
    first, *_, last = trainee.fit(known, epochs=12, verbose=0).history["loss"]
    assert last < 0.6 * first
    for old, weight in zip(before, model.get_layer("scale").weights, strict=True):
        np.testing.assert_array_equal(old, keras.ops.convert_to_numpy(weight))
    raw = Field(4, seed=1).rows
    np.testing.assert_allclose(model.predict(raw, verbose=0),
                               trainee.predict(keras.ops.convert_to_numpy(made.standardise(raw)), verbose=0), atol=1e-5)


def test_a_sparse_code_is_nearer_to_zero():
    module, means = models.load("model_dae_sparse"), []
    for sparsity in (0.0, 5.0):
        keras.utils.set_random_seed(1)
        model = models.load("model_dae").build((STEPS, WIDTH)) if not sparsity else module._dae.autoencoder(
            (STEPS, WIDTH), units=100, name="model", sparsity=sparsity)
        made = denoise.Task(SimpleNamespace(noise_sigma=SIGMA, n_bootstrap=9, pretrain_batch_patches=100), module)
        module.prepare(model, *_rows.statistics(Field(400, seed=1)))
        trainee = made.trainee(model)
        trainee.compile(keras.optimizers.Adam(1e-2), loss="mse", jit_compile=False)
        trainee.fit(made.batches(Field(400, seed=1), seed=0, shuffle=True), epochs=5, verbose=0)
        means.append(np.abs(module.encoder(model).predict(Field(50, seed=2).rows, verbose=0)).mean())
    assert means[1] < 0.5 * means[0]


def test_a_network_without_the_layer_is_refused():
    rows = keras.Input((STEPS, WIDTH))
    model = keras.Model(rows, keras.layers.Dense(WIDTH)(rows), name="model_x")
    with pytest.raises(MerError, match="model_x reads sequences and has no layer 'standardise'"):
        denoise.Task(SimpleNamespace(noise_sigma=SIGMA), SimpleNamespace()).trainee(model)
