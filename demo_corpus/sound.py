"""What recordings of speech and of music share: a treble control and a room."""

import numpy as np
from scipy.signal import lfilter


def lowpass(samples, hertz, sample_rate):
    """First-order low pass along the first axis."""
    pole = np.exp(-2 * np.pi * hertz / sample_rate)
    return lfilter([1 - pole], [1, -pole], samples, axis=0)


def shelf(samples, decibel, hertz, sample_rate):
    """Change the treble, above about `hertz`, by some decibels."""
    low = lowpass(samples, hertz, sample_rate)
    return low + 10 ** (decibel / 20) * (samples - low)


def room(seconds, sample_rate, rng, *, silence, channels=1, treble_hz=None):
    """Impulse response of a room, shape (n, channels): noise that decays by 60 dB in `seconds`.

    The first `silence` seconds are silent; what lies above `treble_hz` is swallowed. Each channel has energy 1.
    """
    time = np.arange(int(seconds * sample_rate)) / sample_rate
    impulse = rng.normal(size=(len(time), channels)) * (10 ** (-3 * time / seconds))[:, None]
    if treble_hz:
        impulse = lowpass(impulse, treble_hz, sample_rate)
    impulse[:int(silence * sample_rate)] = 0
    return impulse / np.sqrt((impulse ** 2).sum(0))
