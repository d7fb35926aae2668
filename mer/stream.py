"""Stage 1 for prediction: the features of `mer.audio`, block by block: an hour needs no more memory than a minute.

The steps and their order are those of `mer.audio.load` and `LogMel`. The peak is known at the end of a file only, so
a short one keeps its resampled waveform, and a long one is decoded twice.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from mer import audio, decode
from mer.decode import AudioError

BLOCK_SAMPLES = 2**16  # of the file, decoded at a time
BLOCK_FRAMES = 128     # of the log-mel, computed at a time
# Up to here the waveform is kept (4 bytes a sample: 15 MB) instead of decoding the file again.
KEPT_SECONDS = 240


@dataclass(frozen=True)
class Waveform:
    """A file as one mono waveform at the wanted rate, to be read in blocks.

    Attributes
    ----------
    n_samples : int
    sample_rate_hz : int
    peak : float
        Largest magnitude of the resampled mono signal; full scale is 1.
    envelope : np.ndarray, shape (ceil(n_samples / column_samples), 2), float32
        Least and greatest sample of each column, divided by the peak.
    column_samples : int
    blocks : callable
        () -> iterator of blocks (k,), float32, divided by the peak.
    """

    n_samples: int
    sample_rate_hz: int
    peak: float
    envelope: np.ndarray
    column_samples: int
    blocks: Callable

    @property
    def seconds(self):
        """Length of the file."""
        return self.n_samples / self.sample_rate_hz


def read(path, *, sample_rate_hz, column_samples=512, kept_seconds=KEPT_SECONDS):
    """Go through a file once: length, peak, envelope.

    Parameters
    ----------
    path : str or pathlib.Path
        Whatever `mer.decode.decode` reads.
    sample_rate_hz : int
        Rate of the waveform.
    column_samples : int
        Samples of the waveform per column of the envelope.
    kept_seconds : float
        A waveform up to this length stays in memory; of a longer one, `blocks` decodes the file again.

    Returns
    -------
    Waveform
        A silent file has peak 0, and its blocks are zeros.

    Raises
    ------
    AudioError
        As `mer.decode.decode`, or the file holds NaN or infinite samples.
    """
    n_samples, peak, columns, kept = 0, np.float32(0), [], []
    for block in _regrouped(_resampled(path, sample_rate_hz), column_samples * BLOCK_FRAMES):
        n_samples += len(block)
        starts = range(0, len(block), column_samples)
        columns.append(np.stack([np.minimum.reduceat(block, starts), np.maximum.reduceat(block, starts)], axis=1))
        peak = max(peak, columns[-1].max(), -columns[-1].min())
        if not np.isfinite(columns[-1]).all():
            raise AudioError(f"{path} holds NaN or infinite samples, but finite ones were expected;"
                             " export it again from its source.")
        kept = [*kept, block] if kept is not None and n_samples <= kept_seconds * sample_rate_hz else None
    scale = peak or np.float32(1)

    def blocks():
        for block in _resampled(path, sample_rate_hz) if kept is None else kept:
            yield block / scale

    return Waveform(n_samples, sample_rate_hz, float(peak), np.concatenate(columns) / scale, column_samples, blocks)


def log_mel(blocks, transform):
    """Log-mel of a waveform that comes in blocks; the frames are those of the whole.

    Each block is transformed with some of the waveform around it, and the frames that reach past that are left out.

    Parameters
    ----------
    blocks : iterable of np.ndarray, shape (k,)
    transform : mer.audio.LogMel

    Yields
    ------
    np.ndarray, shape (j, n_bands), float32
        Together (1 + n // hop_samples, n_bands).

    Raises
    ------
    AudioError
        The whole is too short to be reflected at its ends (n <= n_fft / 2).
    """
    hop = transform.hop_samples
    n_context = -(-max(transform.window_samples, transform.n_fft // 2 + 1) // hop)  # frames on either side
    held, n_skipped = np.empty(0, np.float32), 0
    for block in _regrouped(blocks, BLOCK_FRAMES * hop):
        held = np.concatenate((held, block))
        n_whole = len(held) // hop - n_context + 1  # frames of `held` that do not reach past its end
        if n_whole > 2 * n_context:
            yield transform(held)[n_skipped:n_whole]
            held, n_skipped = held[(n_whole - n_context) * hop:], n_context
    yield transform(held)[n_skipped:]


def patches(frames, *, patch_frames, hop_frames, batch_patches):
    """Cut a log-mel that comes in blocks into whole patches, as `mer.audio.cut_patches` cuts the whole.

    Parameters
    ----------
    frames : iterable of np.ndarray, shape (j, n_bands)
    patch_frames, hop_frames, batch_patches : int > 0

    Yields
    ------
    np.ndarray, shape (at most batch_patches, n_bands, patch_frames), float32
    """
    shape = {"patch_frames": patch_frames, "hop_frames": hop_frames}
    n_advance = batch_patches * hop_frames
    n_needed = max(n_advance, n_advance - hop_frames + patch_frames)
    held = None
    for block in frames:
        held = block if held is None else np.concatenate((held, block))
        while len(held) >= n_needed:
            yield audio.cut_patches(held, **shape)[:batch_patches]
            held = held[n_advance:]
    rest = audio.cut_patches(held, **shape)
    if len(rest):
        yield rest


def _resampled(path, sample_rate_hz):
    """Mono blocks (k,) float32 of a file at the wanted rate, ceil(n * ratio) samples in all."""
    n_read = n_made = 0
    resampler = rate_hz = None
    for samples, rate_hz in _decoded(path):
        block = audio._mono(samples)
        n_read += len(block)
        if rate_hz != sample_rate_hz:
            resampler = resampler or soxr.ResampleStream(rate_hz, sample_rate_hz, 1, dtype="float32", quality="HQ")
            block = resampler.resample_chunk(block)
        n_made += len(block)
        yield block
    if not n_read:
        raise AudioError(f"{path} holds no samples, but sound was expected; replace or remove it.")
    if resampler:
        rest = resampler.resample_chunk(np.empty(0, np.float32), last=True)
        n_wanted = -(-n_read * sample_rate_hz // rate_hz) - n_made  # soxr alone rounds the length
        yield np.pad(rest[:n_wanted], (0, max(0, n_wanted - len(rest))))


def _regrouped(blocks, size):
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


def _decoded(path):
    """Blocks (k, channels) float32 of a file and its rate in Hz, with the checks and errors of `mer.decode`."""
    try:
        yield from _by_libsndfile(path)
    except OSError as error:
        raise AudioError(f"{path} cannot be read ({error.strerror}), but an audio file was expected;"
                         " check its name, permissions and disk.") from error


def _by_libsndfile(path):
    try:
        sound = soundfile.SoundFile(decode.raw_name(path))
    except (soundfile.LibsndfileError, TypeError):  # TypeError: a headerless file called .raw
        decode._refuse_what_is_not_audio(Path(path))
        yield from _by_ffmpeg(path)
        return
    with sound:
        n_read, is_guess = 0, sound.format == "MP3" and not decode._mp3_announces_length(path)
        try:
            # An mp3 that gives all that libsndfile guessed may hold more.
            if sound.frames >= decode._UNKNOWN_FRAMES or (is_guess and _n_samples(path) == sound.frames):
                yield from _by_ffmpeg(path)
                return
            while len(samples := sound.read(BLOCK_SAMPLES, dtype="float32", always_2d=True)):
                n_read += len(samples)
                yield samples, sound.samplerate
        except soundfile.LibsndfileError as error:
            raise decode._damaged(path, error.error_string) from error
        if not is_guess:
            decode._refuse_truncated(path, n_read, decode._n_announced(sound, n_read), sound.samplerate)
        if sound.format == "OGG" and decode._ogg_ends_within_page(path):
            raise AudioError(f"{path} is truncated: its last Ogg page is incomplete; copy it again.")


def _n_samples(path):
    """Number of samples that libsndfile decodes of a file."""
    n_samples = 0
    with soundfile.SoundFile(decode.raw_name(path)) as sound:
        while n_read := len(sound.read(BLOCK_SAMPLES, dtype="float32")):
            n_samples += n_read
    return n_samples


def _by_ffmpeg(path):
    import av  # late: wav, flac, ogg and mp3 do not need it

    n_read, n_announced, rate_hz = 0, None, 1
    try:
        with av.open(f"file:{path}") as container:
            if not container.streams.audio:
                raise AudioError(f"{path} has no audio stream, but sound was expected; remove it.")
            stream = container.streams.audio[0]
            has_length = "mp4" in container.format.name and stream.duration  # others only estimate it
            for frame in decode._float_frames(container.decode(stream), av.AudioResampler(format="fltp"), path):
                rate_hz = frame.sample_rate
                n_announced = round(stream.duration * stream.time_base * rate_hz) if has_length else None
                samples = frame.to_ndarray().T
                # AAC fills its last frame with silence
                yield samples[:None if n_announced is None else max(0, n_announced - n_read)], rate_hz
                n_read += len(samples)
    except av.FFmpegError as error:
        if n_read:
            raise decode._damaged(path, error.strerror) from error
        raise AudioError(f"{path} cannot be decoded ({error.strerror}), but wav, flac, ogg, mp3 or m4a"
                         " was expected; convert or remove it.") from error
    if n_announced:
        decode._refuse_truncated(path, n_read, n_announced, rate_hz)
