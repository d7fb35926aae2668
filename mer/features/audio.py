"""Stage 1: audio file -> mono waveform -> log-mel frames -> patches; docs/features.md says it in words.

Shapes on the way: samples (n, channels), waveform (n,), log-mel (n_frames, n_bands), patches
(n_patches, n_bands, patch_frames).
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from mer import MerError
from mer.features import waveform
from mer.features.decode import AudioError
from mer.features.samples import Samples
from mer.features.waveform import SILENT_PEAK

__all__ = ["SILENT_PEAK", "AudioError", "LogMel", "cut_patches", "load", "mel_filter_bank", "n_patches"]

# Added before the logarithm: the float32 machine epsilon, as in the published program.
LOG_OFFSET = np.float32(1.1920929e-07)
# Frames per transform; measured best where spectrum, magnitudes and scratch (2 MB) stay in the caches.
BLOCK_FRAMES = 96
# Bands per product: 98 % of the mel weights are zeros, and bands beside each other share their bins.
_MEL_ROWS = 16

# glibc hands freed memory back to the system, and getting it again page by page takes a third of the time of
# a wav. The release of one large block, which nothing has touched, makes it keep such memory from then on:
# mallopt(3), M_MMAP_THRESHOLD, "dynamic mmap threshold", at most 32 MiB.
np.empty(31 * 2**20, np.uint8)


def load(path: str | Path | Samples, *, sample_rate_hz: int,
         on_remark: Callable[[str], object] | None = None) -> np.ndarray:
    """Read an audio file as one mono waveform at the wanted rate, scaled to peak 1: `waveform.read`, joined.

    Parameters
    ----------
    path : str or Path
        wav, flac, ogg, mp3, m4a or whatever else libsndfile or FFmpeg decodes; any rate, any channels.
    sample_rate_hz : int > 0
        Rate of the result.
    on_remark : callable or None
        Called with `Waveform.remark` where there is one.

    Returns
    -------
    waveform : np.ndarray, shape (ceil(n * sample_rate_hz / file rate),), float32
        Samples in [-1, 1], the largest magnitude exactly 1.

    Raises
    ------
    AudioError
        The file is missing, no regular file, empty, not audio, damaged, truncated, silent, or has NaN or infinite
        samples. The message is one sentence that names the file and what to do.
    """
    wave = waveform.read(path, sample_rate_hz=sample_rate_hz)
    if wave.is_silent:
        raise AudioError(f"{path} is silent (no sample above {SILENT_PEAK:g} of full scale), but sound was expected;"
                         " replace or remove it.")
    if wave.remark and on_remark:
        on_remark(wave.remark)
    return np.concatenate(list(wave.blocks()))


def mel_filter_bank(*, sample_rate_hz: int, n_fft: int, n_bands: int) -> np.ndarray:
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
    lower, centre, upper = edges_hz[:-2, None], edges_hz[1:-1, None], edges_hz[2:, None]
    bin_hz = np.linspace(0, nyquist_hz, n_fft // 2 + 1)
    triangle = np.minimum((bin_hz - lower) / (centre - lower), (upper - bin_hz) / (upper - centre))
    return np.maximum(0, triangle) * 2 / (upper - lower)


class LogMel:
    """Log-mel magnitude spectrogram of a waveform: |STFT|, Slaney mel bands, natural logarithm.

    A frame is `window_samples` of the signal under a periodic Hann window, centred in an FFT of `n_fft`;
    frames are centred on multiples of `hop_samples`, and the signal is reflected at its ends. Blocks of
    frames pass through a few small arrays; calls share nothing that they write (threads, pickling).

    Parameters
    ----------
    sample_rate_hz, n_fft, window_samples, hop_samples, n_bands : int > 0
        Rate of the waveforms to come; n_fft even and not below window_samples.
    quick_start : bool
        For a few clips: numpy's transform takes 1.6 times as long (2 ms more for 30 s) but saves the 0.2 s that
        importing scipy takes. The logarithms are the same to 1e-6.

    Raises
    ------
    MerError
        The values contradict each other, or so many bands are asked for that some hold no FFT bin.
    """

    def __init__(self, *, sample_rate_hz=16000, n_fft=2048, window_samples=1024, hop_samples=512,
                 n_bands=128, quick_start=False):
        if n_fft % 2 or not 0 < window_samples <= n_fft or hop_samples < 1:
            raise MerError(f"n_fft {n_fft}, window_samples {window_samples}, hop_samples {hop_samples} came,"
                           " but n_fft must be even and not below the window, and the hop at least 1;"
                           " change these settings.")
        weights = mel_filter_bank(sample_rate_hz=sample_rate_hz, n_fft=n_fft, n_bands=n_bands)
        n_without_bin = np.count_nonzero(~weights.any(axis=1))
        if n_without_bin:
            raise MerError(f"{n_without_bin} of {n_bands} mel bands would hold no FFT bin at n_fft {n_fft};"
                           " lower n_bands or raise n_fft.")
        self.sample_rate_hz, self.n_fft, self.n_bands = sample_rate_hz, n_fft, n_bands
        self.window_samples, self.hop_samples = window_samples, hop_samples
        self._mel, self._rfft = list(_in_parts(weights.astype(np.float32))), np.fft.rfft
        if not quick_start:
            import scipy.fft
            self._rfft = scipy.fft.rfft
        phase = 2 * np.pi * np.arange(window_samples) / window_samples
        self._window = (0.5 - 0.5 * np.cos(phase)).astype(np.float32)

    def __call__(self, waveform):
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
        mel : np.ndarray, shape (1 + n // hop_samples, n_bands), float32, C-contiguous

        Raises
        ------
        AudioError
            The waveform is too short to be reflected (n <= n_fft / 2) or has more than one axis.
        """
        frames = self._frames(waveform)
        mel = np.empty((len(frames), self.n_bands), np.float32)
        windowed = np.zeros((min(BLOCK_FRAMES, len(frames)), self.n_fft), np.float32)
        for start in range(0, len(frames), BLOCK_FRAMES):
            block = frames[start:start + BLOCK_FRAMES]
            # Where the window lies in the FFT's frame alters phases only, so it may stay at the start.
            np.multiply(block, self._window, out=windowed[:len(block), :self.window_samples])
            magnitude = np.abs(self._rfft(windowed[:len(block)], axis=1))  # (frames, n_fft / 2 + 1)
            for bands, bins, weights in self._mel:  # small products, for which OpenBLAS starts no threads
                np.matmul(magnitude[:, bins], weights, out=mel[start:start + BLOCK_FRAMES, bands])
        return mel

    def _frames(self, waveform):
        """Overlapping view (n_frames, window_samples) of the waveform, reflected at both ends."""
        waveform = np.asarray(waveform, np.float32)
        if waveform.ndim != 1:
            raise AudioError(f"a waveform of shape {waveform.shape} came, but a mono one of shape (n,) was"
                             " expected; average its channels first.")
        if len(waveform) <= self.n_fft // 2:
            raise AudioError(f"the sound is too short: {len(waveform)} samples came, but more than"
                             f" {self.n_fft // 2} are needed; use a longer clip.")
        before = self.n_fft // 2 - (self.n_fft - self.window_samples) // 2
        padded = np.pad(waveform, (before, self.window_samples - before), mode="reflect")
        return np.lib.stride_tricks.sliding_window_view(padded, self.window_samples)[::self.hop_samples]


def _in_parts(weights):
    """Mel weights (n_bands, n_bins) as (bands, the bins that they hold, weights (bins, bands)) of a few bands each."""
    for first in range(0, len(weights), _MEL_ROWS):
        bands = slice(first, min(first + _MEL_ROWS, len(weights)))
        held = np.flatnonzero(weights[bands].any(axis=0))
        bins = slice(held[0], held[-1] + 1)
        yield bands, bins, np.ascontiguousarray(weights[bands, bins].T)


def n_patches(n_frames: int, *, patch_frames: int, hop_frames: int) -> int:
    """Number of whole patches in `n_frames` frames; 0 when not even one fits."""
    return max(0, 1 + (n_frames - patch_frames) // hop_frames)


def cut_patches(log_mel: np.ndarray, *, patch_frames: int, hop_frames: int) -> np.ndarray:
    """View a log-mel (n_frames, n_bands) as its whole patches: read-only, nothing copied, the rest left out.

    Returns
    -------
    patches : np.ndarray, shape (n_patches(n_frames), n_bands, patch_frames)
    """
    if len(log_mel) < patch_frames:
        patches = np.empty((0, log_mel.shape[1], patch_frames), log_mel.dtype)
        patches.flags.writeable = False
        return patches
    return np.lib.stride_tricks.sliding_window_view(log_mel, patch_frames, axis=0)[::hop_frames]
