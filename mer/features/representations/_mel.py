"""Mel spectra, which several representations share: frames -> magnitude or power -> mel bands."""

import functools
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mer.features.containers.refusals import AudioError
from mer.features.representations import Representation

# Frames per transform; measured best where spectrum, magnitudes and scratch (2 MB) stay in the caches.
BLOCK_FRAMES = 96
# Bands per product: 98 % of the mel weights are zeros, and bands beside each other share their bins.
_MEL_ROWS = 16

Parts = list[tuple[slice, slice, np.ndarray]]  # of a filter bank: bands, the bins that they hold, weights (bins, bands)


@dataclass(frozen=True, kw_only=True)
class PowerMel(Representation):
    """Mel bands of the power spectrum as librosa makes them (0.10 and later), for encoders published with it.

    A frame is `n_fft` samples under a periodic Hann window, centered on a multiple of `hop_samples`; there are zeros
    beyond the ends.
    """

    sample_rate_hz: ClassVar[int]
    n_fft: ClassVar[int]
    hop_samples: ClassVar[int]
    width: ClassVar[int]

    @property
    def context_samples(self) -> int:
        """Half a window."""
        return self.n_fft // 2

    @functools.cached_property
    def _parts(self):
        return parts(filter_bank(sample_rate_hz=self.sample_rate_hz, n_fft=self.n_fft, n_bands=self.width))

    def n_rows(self, n_samples: int) -> int:
        """The first frame is centered on the first sample."""
        return 1 + n_samples // self.hop_samples

    def n_samples(self, n_rows: int) -> int:
        """The last frame is centered on the last sample at the earliest."""
        return max(1, (n_rows - 1) * self.hop_samples)

    def rows(self, waveform: np.ndarray) -> np.ndarray:
        """`scaled` power of the mel bands."""
        waveform = np.asarray(waveform, np.float32)
        if waveform.ndim != 1 or not len(waveform):
            raise AudioError(f"a waveform of shape {waveform.shape} came, but a mono one of shape (n,) with a sample"
                             " or more was expected; average its channels first.")
        padded = np.pad(waveform, self.n_fft // 2)
        frames = np.lib.stride_tricks.sliding_window_view(padded, self.n_fft)[::self.hop_samples]
        return self.scaled(of_frames(frames, self._parts, n_fft=self.n_fft, power=2, quick_start=self.quick_start))

    @abstractmethod
    def scaled(self, power: np.ndarray) -> np.ndarray:
        """Power (n, width) on a linear scale -> rows; may work in place."""


def parts(weights: np.ndarray) -> Parts:
    """Weights (bands, bins) in parts of a few bands each, for `of_frames`."""
    found = []
    for first in range(0, len(weights), _MEL_ROWS):
        bands = slice(first, min(first + _MEL_ROWS, len(weights)))
        held = np.flatnonzero(weights[bands].any(axis=0))
        bins = slice(held[0], held[-1] + 1)
        found.append((bands, bins, np.ascontiguousarray(weights[bands, bins].T, np.float32)))
    return found


@functools.cache
def _hann(n_samples):
    """Periodic Hann window, float32."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_samples) / n_samples)).astype(np.float32)


def of_frames(frames: np.ndarray, bank: Parts, *, n_fft: int, power: int = 1, quick_start: bool = False) -> np.ndarray:
    """Mel bands of frames.

    Blocks of frames pass through a few small arrays; calls share nothing that they write (threads).

    Parameters
    ----------
    frames : np.ndarray, shape (n, window), float32
        An overlapping view will do; window is at most `n_fft`.
    bank : list
        From `parts`.
    n_fft : int
    power : int
        1: of the magnitude; 2: of the power.
    quick_start : bool
        See `Representation`.

    Returns
    -------
    np.ndarray, shape (n, bands), float32, C-contiguous
    """
    rfft = np.fft.rfft
    if not quick_start:
        import scipy.fft
        rfft = scipy.fft.rfft
    n_window = frames.shape[1]
    window, mel = _hann(n_window), np.empty((len(frames), bank[-1][0].stop), np.float32)
    windowed = np.zeros((min(BLOCK_FRAMES, len(frames)), n_fft), np.float32)
    for start in range(0, len(frames), BLOCK_FRAMES):
        block = frames[start:start + BLOCK_FRAMES]
        # Where the window lies in the FFT's frame alters phases only, so it may stay at the start.
        np.multiply(block, window, out=windowed[:len(block), :n_window])
        magnitude = np.abs(rfft(windowed[:len(block)], axis=1))  # (frames, n_fft / 2 + 1)
        if power == 2:
            np.square(magnitude, out=magnitude)
        for bands, bins, weights in bank:  # small products, for which OpenBLAS starts no threads
            np.matmul(magnitude[:, bins], weights, out=mel[start:start + BLOCK_FRAMES, bands])
    return mel


def filter_bank(*, sample_rate_hz: int, n_fft: int, n_bands: int) -> np.ndarray:
    """Triangular filters of area one on Slaney's mel scale, from 0 Hz to Nyquist.

    The scale is linear up to 1 kHz = 15 mel, then logarithmic: 27 steps take it to 6.4 kHz.

    Returns
    -------
    weights : np.ndarray, shape (n_bands, n_fft // 2 + 1), float64, in 1/Hz

    References
    ----------
    M. Slaney, "Auditory Toolbox, version 2", Technical Report 1998-010, Interval Research Corporation, 1998.
    """
    step = np.log(6.4) / 27
    nyquist_hz = sample_rate_hz / 2
    top_mel = 15 + np.log(nyquist_hz / 1000) / step if nyquist_hz > 1000 else nyquist_hz * 15 / 1000
    mel = np.linspace(0, top_mel, n_bands + 2)
    edges_hz = np.where(mel < 15, mel * 1000 / 15, 1000 * np.exp((mel - 15) * step))
    lower, center, upper = edges_hz[:-2, None], edges_hz[1:-1, None], edges_hz[2:, None]
    bin_hz = np.linspace(0, nyquist_hz, n_fft // 2 + 1)
    triangle = np.minimum((bin_hz - lower) / (center - lower), (upper - bin_hz) / (upper - center))
    return np.maximum(0, triangle) * 2 / (upper - lower)
