"""Stage 1, second half of reading: samples -> one mono waveform at the wanted rate, in blocks or whole.

The peak, by which the waveform is divided, is known at the end of a file only. So a short file keeps its waveform, and
a long one is decoded twice.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr

from mer.features import decode
from mer.features.decode import AudioError
from mer.features.samples import Samples

# Full scale is 1. Below -80 dB there is nothing but the dither of an empty recording, or what lossy coding leaves of
# silence; to scale that to peak 1 would make up sound.
SILENT_PEAK = 1e-4
# Channels are opposite to each other where their average has less than this share of the power that it would have if
# they had nothing in common: -20 dB of the power of two channels. Lossy coding leaves some: of a sweep with noise, AAC
# left -33 dB and Opus -28 dB.
OPPOSITE_SHARE = 0.02
_LEVELS_STEP = 17  # every so many samples are enough for a mean power; a prime, which few periods divide
COLUMNS_PER_BLOCK = 128
# Up to here a song that is read in blocks keeps its waveform (4 bytes a sample: 15 MB), and is not decoded again.
KEPT_SECONDS = 240
# Samples per product when channels are averaged; OpenBLAS stays in one thread below 9216 elements.
_MONO_ROWS = 512

# glibc hands freed memory back to the system, and getting it again page by page takes a third of the time of
# a wav. The release of one large block, which nothing has touched, makes it keep such memory from then on:
# mallopt(3), M_MMAP_THRESHOLD, "dynamic mmap threshold", at most 32 MiB.
np.empty(31 * 2**20, np.uint8)


FullScale = Callable[[float, float], float]  # see Representation.full_scale


@dataclass(frozen=True)
class Waveform:
    """A file as one mono waveform at the wanted rate, to be read in blocks.

    Attributes
    ----------
    n_samples : int
    sample_rate_hz : int
    peak, rms : float
        Largest magnitude and root mean square of the resampled mono signal; full scale is 1.
    envelope : np.ndarray, shape (ceil(n_samples / column_samples), 2), float32
        Least and greatest sample of each column, divided by the peak; no columns where none were asked for.
    column_samples : int
    blocks : callable
        Nothing, or `Representation.full_scale` -> iterator of blocks (k,), float32, divided by the peak, or by what
        that makes of peak and root mean square.
    channel : int or None
        The one channel that was read, from 0, because the channels cancel each other (right = -left); None: the
        average of all.
    """

    n_samples: int
    sample_rate_hz: int
    peak: float
    rms: float
    envelope: np.ndarray
    column_samples: int
    blocks: Callable
    channel: int | None = None

    @property
    def seconds(self) -> float:
        """Length of the file."""
        return self.n_samples / self.sample_rate_hz

    @property
    def is_silent(self) -> bool:
        """Whether no sample is above `SILENT_PEAK`."""
        return self.peak <= SILENT_PEAK

    @property
    def remark(self) -> str:
        """What a reader of the results should know, in words that follow the name of the file; "" for most."""
        return remark_on(self.channel)


def read(path: str | Path | Samples, *, sample_rate_hz: int, column_samples: int = 0,
         kept_seconds: float = np.inf) -> Waveform:
    """Go through a file once: length, peak, envelope.

    Channels are averaged, then resampled (soxr, quality HQ), then divided by the largest magnitude: in this
    order, because the published program divided by the peak of the resampled mono signal. Channels that cancel each
    other have no average; of these the loudest is read alone.

    Parameters
    ----------
    path : str, pathlib.Path or Samples
        Whatever `mer.features.decode.blocks` reads, or samples in memory.
    sample_rate_hz : int
        Rate of the waveform.
    column_samples : int
        Samples of the waveform per column of the envelope; 0: no envelope.
    kept_seconds : float
        A waveform up to this length stays in memory; of a longer one, `blocks` decodes the file again.

    Returns
    -------
    Waveform
        The peak of a file without any sound is 0, and its blocks are zeros.

    Raises
    ------
    AudioError
        As `mer.features.decode.blocks`, or the file holds NaN or infinite samples.
    """
    options = {"column_samples": column_samples, "kept_seconds": kept_seconds}
    levels = Levels()
    wave = _read(path, sample_rate_hz, None, levels=levels, **options)
    channel = levels.loudest_of_opposite
    return wave if channel is None else _read(path, sample_rate_hz, channel, **options)


def load(path: str | Path | Samples, *, sample_rate_hz: int, full_scale: FullScale | None = None,
         on_remark: Callable[[str], object] | None = None) -> np.ndarray:
    """Read an audio file as one mono waveform at the wanted rate, scaled to peak 1: `read`, joined.

    Parameters
    ----------
    path : str or Path
        wav, flac, ogg, mp3, m4a or whatever else libsndfile or FFmpeg decodes; any rate, any channels.
    sample_rate_hz : int > 0
        Rate of the result.
    full_scale : callable or None
        `Representation.full_scale`: (peak, root mean square) -> the level that becomes 1. None: the peak.
    on_remark : callable or None
        Called with `Waveform.remark` where there is one.

    Returns
    -------
    waveform : np.ndarray, shape (ceil(n * sample_rate_hz / file rate),), float32
        Samples in [-1, 1], the largest magnitude exactly 1, unless `full_scale` says otherwise.

    Raises
    ------
    AudioError
        The file is missing, no regular file, empty, not audio, damaged, truncated, silent, or has NaN or infinite
        samples. The message is one sentence that names the file and what to do.
    """
    wave = read(path, sample_rate_hz=sample_rate_hz)
    if wave.is_silent:
        raise AudioError(f"{path} is silent (no sample above {SILENT_PEAK:g} of full scale), but sound was expected;"
                         " replace or remove it.")
    if wave.remark and on_remark:
        on_remark(wave.remark)
    return np.concatenate(list(wave.blocks(full_scale)))


def _read(path, sample_rate_hz, channel, *, column_samples, kept_seconds, levels=None):
    n_samples, peak, power, columns, kept = 0, np.float32(0), 0.0, [], []
    blocks = _resampled(path, sample_rate_hz, channel, levels)
    for block in regrouped(blocks, column_samples * COLUMNS_PER_BLOCK) if column_samples else blocks:
        if not len(block):
            continue
        n_samples += len(block)
        block_peak = max(block.max(), -block.min())
        if not np.isfinite(block_peak):
            raise AudioError(f"{path} holds NaN or infinite samples, but finite ones were expected;"
                             " export it again from its source.")
        peak = max(peak, block_peak)
        power += float(np.einsum("i,i->", block, block, dtype=np.float64))
        if column_samples:
            starts = range(0, len(block), column_samples)
            columns.append(np.stack([np.minimum.reduceat(block, starts), np.maximum.reduceat(block, starts)], axis=1))
        if kept is not None and n_samples <= kept_seconds * sample_rate_hz:
            kept.append(block)
        else:
            kept = None
    scale = peak or np.float32(1)

    rms = (power / max(1, n_samples)) ** 0.5

    def scaled(full_scale=None):
        level = np.float32(full_scale(float(peak), rms)) if full_scale and peak else scale
        for block in _resampled(path, sample_rate_hz, channel) if kept is None else kept:
            yield block / level

    envelope = np.concatenate(columns) / scale if columns else np.empty((0, 2), np.float32)
    return Waveform(n_samples, sample_rate_hz, float(peak), rms, envelope, column_samples, scaled, channel)


class Levels:
    """Power of the channels of a file, and of their average, at its own rate."""

    def __init__(self):
        self._channels, self._mono = 0.0, 0.0

    def add(self, samples: np.ndarray, average: np.ndarray) -> None:
        """Take a block of `decode.blocks`: samples of shape (n, channels), and their average, shape (n,)."""
        if samples.shape[1] > 1:
            rows = np.ascontiguousarray(samples[::_LEVELS_STEP].T)  # einsum is five times faster on rows
            average = average[::_LEVELS_STEP]
            self._channels = self._channels + np.einsum("ij,ij->i", rows, rows).astype(float)
            self._mono += float(np.einsum("i,i->", average, average))

    @property
    def loudest_of_opposite(self) -> int | None:
        """The loudest channel, from 0, where the average has hardly anything of them (right = -left); else None."""
        if np.ndim(self._channels) == 0:
            return None
        of_strangers = np.mean(self._channels) / np.size(self._channels)  # power of the average of unlike channels
        return int(np.argmax(self._channels)) if self._mono < OPPOSITE_SHARE * of_strangers else None


def remark_on(channel: int | None) -> str:
    """What a reader of the results should know of a channel read alone, in words that follow the name of the file."""
    return "" if channel is None else f"has channels that cancel each other, so only channel {channel + 1} was read"


def _resampled(path, sample_rate_hz, channel, levels=None):
    """Blocks (k,) float32 of the average of all channels, or of one, at the wanted rate; ceil(n * ratio) in all."""
    n_read = n_made = 0
    resampler = None
    for samples, rate_hz in path.blocks() if isinstance(path, Samples) else decode.blocks(path):
        block = mono(samples) if channel is None else np.ascontiguousarray(samples[:, channel])
        if levels:
            levels.add(samples, block)
        n_read += len(block)
        if rate_hz != sample_rate_hz:
            resampler = resampler or soxr.ResampleStream(rate_hz, sample_rate_hz, 1, dtype="float32", quality="HQ")
            block = resampler.resample_chunk(block)
        n_made += len(block)
        yield block
    if resampler:
        rest = resampler.resample_chunk(np.empty(0, np.float32), last=True)
        n_wanted = -(-n_read * sample_rate_hz // rate_hz) - n_made  # soxr alone rounds the length
        yield np.pad(rest[:n_wanted], (0, max(0, n_wanted - len(rest))))


def mono(samples: np.ndarray) -> np.ndarray:
    """Average channels with equal weights: (n, channels) float32 -> (n,).

    numpy's mean over an axis so short is 60 times slower than a matmul, and one product over the whole clip
    wakes the threads of BLAS, whose waiting costs more than the work: hence many small products.
    """
    n_samples, n_channels = samples.shape
    if n_channels == 1:
        return samples[:, 0]
    weights = np.full(n_channels, 1 / n_channels, np.float32)
    mono = np.empty(n_samples, np.float32)
    whole = n_samples - n_samples % _MONO_ROWS
    rows = samples[:whole].reshape(-1, _MONO_ROWS, n_channels)
    np.matmul(rows, weights, out=mono[:whole].reshape(-1, _MONO_ROWS))
    np.matmul(samples[whole:], weights, out=mono[whole:])
    return mono


def regrouped(blocks: Iterable[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """The same samples in blocks of exactly `size`, the last one perhaps shorter."""
    held, n_held = [], 0
    for block in blocks:
        held.append(block)
        n_held += len(block)
        if n_held >= size:
            whole = np.concatenate(held)
            n_given = n_held - n_held % size
            for start in range(0, n_given, size):
                yield whole[start:start + size]
            held, n_held = [whole[n_given:].copy()], n_held - n_given  # a view would keep all of it
    if n_held:
        yield np.concatenate(held)
