"""Noise that has of a sound its length and its long-term average spectrum, and nothing else."""

import hashlib

import numpy as np
from scipy import signal

_SEGMENT = 1024  # samples of a segment of the average spectrum, and of the filter: 64 ms at 16 kHz


def like(waveform: np.ndarray, name: str) -> np.ndarray:
    """Stationary Gaussian noise with the length and the average spectrum of a waveform.

    The spectrum is Welch's (1967): the mean of the power of half-overlapping segments under a Hann window. White
    Gaussian noise goes through a linear-phase filter with the square root of it.

    Parameters
    ----------
    waveform : np.ndarray, shape (n,), n > 0
    name : str
        Of the clip; it seeds the noise, so that a clip always becomes the same one.

    Returns
    -------
    np.ndarray, shape (n,), float32
        Its level is that of the waveform too; its peak is lower, as noise has no accents.

    References
    ----------
    Welch (1967), The use of fast Fourier transform for the estimation of power spectra, IEEE Trans. Audio
    Electroacoust. 15, 70-73.
    """
    size = min(_SEGMENT, len(waveform))
    _, density = signal.welch(waveform.astype(np.float64), nperseg=size, detrend=False, scaling="density")
    density[1:-1 if size % 2 == 0 else None] /= 2  # one-sided; now per cycle a sample, as the power of white noise is
    response = np.roll(np.fft.irfft(np.sqrt(density), size), size // 2) * signal.get_window("hann", size)
    seed = hashlib.blake2b(name.encode(), digest_size=16).digest()
    white = np.random.default_rng(list(seed)).standard_normal(len(waveform) + size - 1)
    return signal.oaconvolve(white, response, mode="valid").astype(np.float32)
