"""Log-mel magnitude spectrogram, as published (ICASSP 2021, section 3.1)."""

import functools
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mer import MerError
from mer.features.containers.refusals import AudioError
from mer.features.representations import Representation, _mel

# Added before the logarithm: the float32 machine epsilon, as in the published program.
LOG_OFFSET = np.float32(1.1920929e-07)


@dataclass(frozen=True, kw_only=True)
class LogMel(Representation):
    """|STFT|, Slaney mel bands, natural logarithm; a network reads (bands, frames, 1).

    A frame is `window_samples` of the signal under a periodic Hann window, centered in an FFT of `n_fft`;
    frames are centered on multiples of `hop_samples`, and the signal is reflected at its ends. Blocks of
    frames pass through a few small arrays; calls share nothing that they write (threads).

    Parameters
    ----------
    sample_rate_hz, n_fft, window_samples, hop_samples, n_mel_bands : int > 0
        Rate of the waveforms to come; n_fft even and not below window_samples.
    quick_start : bool
        Numpy's transform takes 1.6 times as long (2 ms more for 30 s) but saves the 0.2 s that importing scipy takes.

    Raises
    ------
    MerError
        The values contradict each other, or so many bands are asked for that some hold no FFT bin.
    """

    sample_rate_hz: int = 16000
    n_fft: int = 2048
    window_samples: int = 1024
    hop_samples: int = 512
    n_mel_bands: int = 128
    TITLE: ClassVar[str] = "log-mel"

    def __post_init__(self):
        n_fft, window, hop = self.n_fft, self.window_samples, self.hop_samples
        if n_fft % 2 or not 0 < window <= n_fft or hop < 1:
            raise MerError(f"n_fft {n_fft}, window_samples {window}, hop_samples {hop} came,"
                           " but n_fft must be even and not below the window, and the hop at least 1;"
                           " change these settings.")
        _ = self._parts  # raises where a band is empty

    @property
    def width(self) -> int:
        """Mel bands."""
        return self.n_mel_bands

    @property
    def context_samples(self) -> int:
        """Half a window, and what is reflected at the ends."""
        return max(self.window_samples, self.n_fft // 2 + 1)

    @functools.cached_property
    def _parts(self):
        """Weights of the mel bands, in parts."""
        weights = _mel.filter_bank(sample_rate_hz=self.sample_rate_hz, n_fft=self.n_fft, n_bands=self.n_mel_bands)
        n_without_bin = np.count_nonzero(~weights.any(axis=1))
        if n_without_bin:
            raise MerError(f"{n_without_bin} of {self.n_mel_bands} mel bands would hold no FFT bin at n_fft"
                           f" {self.n_fft}; lower n_mel_bands or raise n_fft.")
        return _mel.parts(weights)

    def n_rows(self, n_samples: int) -> int:
        """The first frame is centered on the first sample."""
        return 1 + n_samples // self.hop_samples

    def n_samples(self, n_rows: int) -> int:
        """At least as many as can be reflected."""
        return max((n_rows - 1) * self.hop_samples, self.n_fft // 2 + 1)

    def amplified(self, rows: np.ndarray, factors: np.ndarray) -> np.ndarray:
        """Log of the factor more, but for `LOG_OFFSET`, which matters where there is hardly any sound."""
        return rows + np.log(factors)[:, None, None]

    def to_input(self, chunks: np.ndarray) -> np.ndarray:
        """(n, frames, bands) -> a view (n, bands, frames, 1)."""
        return np.swapaxes(chunks, 1, 2)[..., None]

    def rows(self, waveform: np.ndarray) -> np.ndarray:
        """Natural logarithm of `magnitude` plus `LOG_OFFSET`: same argument, shape and errors."""
        mel = self.magnitude(waveform)
        mel += LOG_OFFSET
        return np.log(mel, out=mel)

    def magnitude(self, waveform: np.ndarray) -> np.ndarray:
        """Mel magnitude on a linear scale.

        Parameters
        ----------
        waveform : np.ndarray, shape (n,), n > n_fft / 2

        Returns
        -------
        mel : np.ndarray, shape (1 + n // hop_samples, n_mel_bands), float32, C-contiguous

        Raises
        ------
        AudioError
            The waveform is too short to be reflected (n <= n_fft / 2) or has more than one axis.
        """
        waveform = np.asarray(waveform, np.float32)
        if waveform.ndim != 1:
            raise AudioError(f"a waveform of shape {waveform.shape} came, but a mono one of shape (n,) was"
                             " expected; average its channels first.")
        if len(waveform) <= self.n_fft // 2:
            raise AudioError(f"the sound is too short: {len(waveform)} samples came, but more than"
                             f" {self.n_fft // 2} are needed; use a longer clip.")
        before = self.n_fft // 2 - (self.n_fft - self.window_samples) // 2
        padded = np.pad(waveform, (before, self.window_samples - before), mode="reflect")
        # an overlapping view (n_frames, window_samples)
        frames = np.lib.stride_tricks.sliding_window_view(padded, self.window_samples)[::self.hop_samples]
        return _mel.of_frames(frames, self._parts, n_fft=self.n_fft, quick_start=self.quick_start)
