"""Stage 1 for prediction: the features of `audio`, block by block: an hour needs no more memory than a minute.

The steps and their order are those of `audio.load` and `LogMel`; the decoder and the waveform are the same.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from mer import MerError
from mer.features import audio, waveform
from mer.features.decode import AudioError
from mer.features.samples import Samples
from mer.features.waveform import Waveform

__all__ = ["KEPT_SECONDS", "AudioError", "hop_frames", "log_mel", "patches", "read", "refuse_short"]

BLOCK_FRAMES = 128     # of the log-mel, computed at a time
# Up to here the waveform is kept (4 bytes a sample: 15 MB) instead of decoding the file again.
KEPT_SECONDS = 240


def read(path: str | Path | Samples, *, sample_rate_hz: int, column_samples: int = 512,
         kept_seconds: float = KEPT_SECONDS) -> Waveform:
    """`waveform.read` with the values that prediction uses."""
    return waveform.read(path, sample_rate_hz=sample_rate_hz, column_samples=column_samples, kept_seconds=kept_seconds)


def log_mel(blocks: Iterable[np.ndarray], transform: audio.LogMel) -> Iterator[np.ndarray]:
    """Log-mel of a waveform that comes in blocks; the frames are those of the whole.

    Each block is transformed with some of the waveform around it, and the frames that reach past that are left out.

    Parameters
    ----------
    blocks : iterable of np.ndarray, shape (k,)
    transform : mer.features.audio.LogMel

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
    for block in waveform.regrouped(blocks, BLOCK_FRAMES * hop):
        held = np.concatenate((held, block))
        n_whole = len(held) // hop - n_context + 1  # frames of `held` that do not reach past its end
        if n_whole > 2 * n_context:
            yield transform(held)[n_skipped:n_whole]
            held, n_skipped = held[(n_whole - n_context) * hop:], n_context
    yield transform(held)[n_skipped:]


def patches(frames: Iterable[np.ndarray], *, patch_frames: int, hop_frames: int,
            batch_patches: int) -> Iterator[np.ndarray]:
    """Cut a log-mel that comes in blocks into whole patches, as `mer.features.audio.cut_patches` cuts the whole.

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
    held = np.empty((0, 0), np.float32)
    for block in frames:
        held = np.concatenate((held, block)) if len(held) else block
        while len(held) >= n_needed:
            yield audio.cut_patches(held, **shape)[:batch_patches]
            held = held[n_advance:]
    rest = audio.cut_patches(held, **shape)
    if len(rest):
        yield rest


def hop_frames(hop_seconds: float | None, transform: audio.LogMel, patch_frames: int) -> int:
    """Frames from one patch to the next: a hop in seconds rounded, at least 1; None: patches without overlap.

    Raises
    ------
    MerError
        The hop is not above 0.
    """
    frame_seconds = transform.hop_samples / transform.sample_rate_hz
    if hop_seconds is None:
        return patch_frames
    if not 0 < hop_seconds < float("inf"):
        raise MerError(f"a hop of {hop_seconds} s came, but one above 0 was expected; leave it out for"
                       f" {patch_frames * frame_seconds:.3f} s, patches without overlap.")
    return max(1, round(hop_seconds / frame_seconds))


def refuse_short(path: str | Path | Samples, wave: Waveform, transform: audio.LogMel, patch_frames: int) -> None:
    """Raise AudioError where a waveform is shorter than one patch."""
    shortest = max((patch_frames - 1) * transform.hop_samples, transform.n_fft // 2 + 1)
    if wave.n_samples < shortest:
        raise AudioError(f"{path} is {wave.seconds:.2f} s long, but one patch needs"
                         f" {shortest / wave.sample_rate_hz:.2f} s; use a longer clip.")
