"""SincNet: the filters are those of the formula, pass their bands and nothing else, and move when trained."""

import keras
import numpy as np
import pytest

import models
from mer.layers import SincConv1D, TimeNorm

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
