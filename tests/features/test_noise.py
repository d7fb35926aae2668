"""Noise like a sound: its length, its average spectrum and its level, and nothing of its course."""

import numpy as np
import pytest
from scipy import signal

from mer.features import noise

RATE = 16000


@pytest.fixture
def beats(rng):
    """Ten seconds of colored noise that is there every other half second."""
    colored = signal.lfilter([1], [1, -0.9], rng.standard_normal(10 * RATE))
    return (0.05 * colored * (np.arange(10 * RATE) % RATE < RATE // 2)).astype(np.float32)


def test_length_spectrum_and_level_are_those_of_the_sound(beats):
    made = noise.like(beats, "a clip")
    assert made.shape == beats.shape and made.dtype == np.float32
    assert made.std() == pytest.approx(beats.std(), rel=0.03)
    power = [signal.welch(each.astype(float), RATE, nperseg=512)[1] for each in (beats, made)]
    np.testing.assert_allclose(10 * np.log10(power[1] / power[0]), 0, atol=1)


def test_it_is_gaussian_and_stationary(beats):
    made = noise.like(beats, "a clip").astype(float)
    level = made.reshape(20, -1).std(axis=1)
    assert level.std() / level.mean() < 0.05, "the sound itself is silent in half of these"
    standard = (made - made.mean()) / made.std()
    assert np.mean(standard**4) == pytest.approx(3, abs=0.15) and np.mean(standard**3) == pytest.approx(0, abs=0.1)


def test_a_clip_becomes_the_same_noise_and_another_another(beats):
    one, again, other = (noise.like(beats, name) for name in ("a", "a", "b"))
    np.testing.assert_array_equal(one, again)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.05 and abs(np.corrcoef(one, beats)[0, 1]) < 0.05


@pytest.mark.parametrize("n", [1, 2, 1023, 1024, 1025])
def test_short_sounds_keep_their_length(beats, n):
    made = noise.like(beats[:n], "short")
    assert len(made) == n and np.isfinite(made).all()
