"""SincNet: the filters are those of the formula, pass their bands and nothing else, and move when trained."""

import dataclasses

import keras
import numpy as np
import pytest

import models
from mer import heads
from mer.features.chunks import Chunks
from mer.features.representations.waveform import Waveform
from mer.layers.sinc import SincConv1D, TimeNorm
from mer.recipes import Recipe
from mer.tasks import TASKS
from mer.training import voting

RATE = 16000


@pytest.fixture
def sinc():
    layer = SincConv1D(80, 251, rate_hz=RATE)
    layer.build((None, 3200, 1))
    return layer


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_kernels_are_those_of_the_formula(sinc):
    low, high = (array(edge).astype(float) / RATE for edge in sinc.edges_hz())
    t = np.arange(-125, 126)[:, None]
    band = 2 * high * np.sinc(2 * high * t) - 2 * low * np.sinc(2 * low * t)
    np.testing.assert_allclose(array(sinc.kernels()), band * np.hamming(251)[:, None], atol=1e-6)


def test_a_filter_passes_its_band_and_stops_the_rest(sinc):
    """As firwin, which scipy designs by the same method, to the width of the main lobe of the window."""
    from scipy.signal import firwin
    sinc.low_hz.assign(np.full(80, 950.0))
    sinc.band_hz.assign(np.full(80, 950.0))
    low, high = (float(array(edge)[0]) for edge in sinc.edges_hz())
    assert (low, high) == (1000, 2000)
    gain = np.abs(np.fft.rfft(array(sinc.kernels())[:, 0], RATE))
    wanted = firwin(251, [low, high], fs=RATE, pass_zero=False, window="hamming", scale=False)
    wanted = np.abs(np.fft.rfft(wanted, RATE))
    np.testing.assert_allclose(gain, wanted, atol=1e-4)
    assert np.abs(gain[1150:1850] - 1).max() < 0.01 and gain[:800].max() < 0.01 and gain[2200:].max() < 0.01


def test_edges_start_on_the_mel_scale_and_never_leave_their_range(sinc):
    low, high = map(array, sinc.edges_hz())
    assert np.all(np.diff(low) > 0) and low[0] == pytest.approx(80) and high.max() <= RATE / 2
    mel = 2595 * np.log10(1 + (low - 50) / 700)
    np.testing.assert_allclose(np.diff(mel), np.diff(mel)[0], rtol=1e-3)
    sinc.low_hz.assign(np.full(80, -9000.0))
    sinc.band_hz.assign(np.full(80, -1e6))
    low, high = map(array, sinc.edges_hz())
    assert low.min() >= 50 and high.max() <= RATE / 2


def test_time_norm_is_that_of_the_formula(rng):
    x = rng.normal(3, 5, (2, 100, 4)).astype(np.float32)
    expected = (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)
    np.testing.assert_allclose(array(TimeNorm()(x)), expected, atol=1e-4)
    silent = array(TimeNorm()(np.zeros((1, 100, 1), np.float32)))
    assert np.isfinite(silent).all() and not silent.any()


def test_a_learnable_edge_is_learned():
    """Bands of noise at 600 or 2 400 Hz: one filter that starts elsewhere moves to where the classes differ."""
    rng, n = np.random.default_rng(1), 256
    high = rng.random(n) < 0.5
    t = np.arange(1600) / RATE
    hz = np.where(high, 2400, 600)[:, None] + rng.uniform(-50, 50, (n, 1))
    x = np.sin(2 * np.pi * hz * t + rng.uniform(0, 6, (n, 1))) + 0.1 * rng.standard_normal((n, 1600))
    x = x.astype(np.float32)
    keras.utils.set_random_seed(1)
    wave = keras.Input((1600, 1))
    layer = SincConv1D(4, 251)
    power = keras.layers.GlobalAveragePooling1D()(keras.ops.abs(layer(wave)))
    model = keras.Model(wave, keras.layers.Dense(1, activation="sigmoid")(power))
    before = array(layer.band_hz).copy()
    model.compile(keras.optimizers.Adam(0.02), loss="binary_crossentropy", metrics=["accuracy"], jit_compile=False)
    model.fit(x[..., None], high[:, None].astype(np.float32), epochs=20, batch_size=32, verbose=0)
    assert model.evaluate(x[..., None], high[:, None].astype(np.float32), verbose=0)[1] > 0.95
    assert np.abs(array(layer.band_hz) - before).max() > 0


def test_the_encoder_is_the_published_one():
    model = models.load("model_sincnet", pretexts=[None]).build((3200, 1))
    assert model.get_layer("conv_1").count_params() == 160 and model.get_layer("conv_3").kernel.shape == (5, 60, 60)
    assert model.get_layer("flat").output.shape[1] == 6420 and model.output_shape == (None, 2048)


@pytest.fixture
def small(monkeypatch):
    """SincNet with few units, after its filters and norms have moved."""
    module = models.load("model_sincnet", pretexts=[None])
    monkeypatch.setattr(module, "UNITS", 16)
    keras.utils.set_random_seed(1)
    model = heads.attach(module.build((3200, 1)), TASKS, module)
    rng = np.random.default_rng(0)
    for name in ("conv_1", "norm_1", "norm_2"):
        for weight in model.get_layer(name).weights:
            weight.assign(array(weight) * rng.uniform(0.8, 1.2, weight.shape) + rng.normal(0, 0.1, weight.shape))
    return module, model


def some_sound(seconds):
    """Noise with a constant, which the norm of each chunk takes away, and a silent end."""
    sound = np.random.default_rng(2).normal(0.2, 0.3, (int(RATE * seconds), 1)).astype(np.float32)
    sound[-2000:] = 0
    return sound


@pytest.mark.parametrize("hop", [160, 161, 3200, 5000])
def test_chunks_at_hops_get_what_the_model_says_of_each(small, hop):
    module, model = small
    sound, reads = some_sound(0.9 if hop < 1000 else 2.5), Chunks(Waveform(), 0.2, 3200)
    made = module.at_hops(model, hop, at_once=8)(sound)
    for task, outputs in model.predict(np.ascontiguousarray(reads.cut(sound, hop)), verbose=0).items():
        assert np.ptp(outputs, axis=0).max() > 1e-3
        np.testing.assert_allclose(made[task], outputs, atol=1e-5)


def test_a_trained_gain_of_the_first_norm_leaves_nothing_to_share(small):
    module, model = small
    assert all(weight.path.split("/")[0] != "norm_0" for weight in model.trainable_weights)
    model.get_layer("norm_0").gamma.assign(np.linspace(0.9, 1.1, 3200)[:, None])
    assert module.at_hops(model, 160) is None


@pytest.mark.parametrize("name, shares", [("model_sincnet", True), ("model_cnn", False)])
def test_a_clip_is_of_the_class_with_the_greatest_sum_of_log_probabilities(small, name, shares, music):
    module, model = small
    sounds = np.concatenate([some_sound(0.5), some_sound(0.7)])
    clips = music.take(np.arange(2))
    held = dataclasses.replace(clips.stores[0], rows=sounds, offsets=np.array([0, 8000, 19200]))
    clips = dataclasses.replace(clips, stores=(held,), index=np.arange(2))
    recipe = Recipe(optimizer="rmsprop", learning_rate=1, epochs=1, batch=1, pooling="log", vote_hop_ms=50)
    reads = Chunks(Waveform(), 0.2, 3200)
    votes = voting.votes(model, module if shares else models.load(name), clips, TASKS, reads=reads, recipe=recipe)
    for clip, (start, end) in enumerate([(0, 8000), (8000, 19200)]):
        outputs = model.predict(np.ascontiguousarray(reads.cut(sounds[start:end], 800)), verbose=0)
        for task in TASKS:
            if task.classes:
                expected = np.exp(np.log(outputs[task.name]).mean(axis=0))
                np.testing.assert_allclose(votes[task.name][clip], expected / expected.sum(), atol=1e-5)
