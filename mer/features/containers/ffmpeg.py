"""What libsndfile cannot read goes through FFmpeg (PyAV): m4a, mka, wma, mp2 and most others."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mer.features.containers import joined, mp3, refusals, segments
from mer.features.containers.refusals import AudioError

_BLOCK_SAMPLES = 2**16
# Formats whose header tells the length of the sound; FFmpeg estimates that of the others.
_MEASURED = ("mp4", "matroska", "asf", "wv", "caf", "ape", "tta", "au")
# A file gets to FFmpeg by its bytes, and no other one can be opened: playlists and containers may name some
_NOTHING_ELSE = {"protocol_whitelist": "none"}


def blocks(path: str | Path) -> Iterator[tuple[np.ndarray, int]]:
    """The first audio stream of a file, block by block; recordings joined to one file come one behind the other.

    Yields
    ------
    samples : np.ndarray, shape (k, channels), float32
    rate_hz : int

    Raises
    ------
    AudioError
        There is no audio stream, it cannot be decoded, is truncated, or changes its rate or channels.
    """
    for place in joined.recordings(path):
        yield from _recording(path, place)


def _recording(path, place):
    import av  # late: wav, flac, ogg and mp3 do not need it

    n_read, is_begun = 0, False
    try:
        with _opened(av, path, place) as container:
            stream = _audio_stream(path, container)
            announced_seconds = _announced_seconds(av, container, stream)
            rate_hz = 0
            for frames in _grouped(path, container.decode(stream), av.AudioResampler(format="fltp")):
                is_begun, rate_hz = True, frames[0].sample_rate
                samples = np.concatenate([frame.to_ndarray() for frame in frames], axis=1).T
                n_read += len(samples)
                yield _without_filling(samples, n_read, announced_seconds, rate_hz), rate_hz
    except av.FFmpegError as error:
        if is_begun:
            raise refusals.damaged(path, error.strerror) from error
        raise _undecodable(path, error) from error
    if announced_seconds and rate_hz:
        refusals.refuse_truncated(path, n_read, round(announced_seconds * rate_hz), rate_hz)


@contextlib.contextmanager
def _opened(av, path, place):
    """A recording of a file as a container; other files, of which it may hold the names, stay closed."""
    with segments.opened(path, [place]) as file, av.open(file, options=_NOTHING_ELSE) as container:
        if container.format.name == "mp3" and mp3.walk(path) is None:
            raise AudioError(f"{path} is of no known format, but wav, flac, ogg, mp3 or m4a was expected; convert or"
                             " remove it.")  # FFmpeg takes quiet integers for the headers of frames
        yield container


def seconds(path: str | Path) -> float:
    """Length that the header of a file announces; errors as those of `blocks`, or it tells none."""
    import av

    total = 0.0
    try:
        for place in joined.recordings(path):
            with _opened(av, path, place) as container:
                stream = _audio_stream(path, container)
                if not container.duration:
                    break
                total += float(_announced_seconds(av, container, stream) or container.duration / av.time_base)
        else:
            return total
    except av.FFmpegError as error:
        raise _undecodable(path, error) from error
    raise AudioError(f"{path} does not tell its length, but a length was expected; re-encode it.")


def _audio_stream(path, container):
    if not container.streams.audio:
        raise AudioError(f"{path} has no audio stream, but sound was expected; remove it.")
    stream = container.streams.audio[0]
    if stream.rate:
        refusals.refuse_rate(path, stream.rate)
    return stream


def _announced_seconds(av, container, stream):
    """Length of the stream by its header, or that of a file with no other stream; None where it is estimated."""
    if not any(name in container.format.name for name in _MEASURED):
        return None
    if stream.duration:
        return stream.duration * stream.time_base
    return container.duration / av.time_base if container.duration and len(container.streams) == 1 else None


def _grouped(path, frames, to_float):
    """The decoded frames as planar float32, in lists of about a block, all of one rate and one set of channels."""
    group, n_samples, n_before, first = [], 0, 0, None
    for frame in frames:
        kind = frame.sample_rate, len(frame.layout.channels)
        first = first or kind
        if kind != first:
            raise refusals.changed(path, first, kind, (n_before + n_samples) / first[0])
        for made in to_float.resample(frame):
            group.append(made)
            n_samples += made.samples
        if n_samples >= _BLOCK_SAMPLES:
            yield group
            group, n_samples, n_before = [], 0, n_before + n_samples
    if group:
        yield group


def _without_filling(samples, n_read, announced_seconds, rate_hz):
    """The block without the silence by which AAC fills its last frame; where clearly more comes, it is sound."""
    if not announced_seconds:
        return samples
    n_more = n_read - round(announced_seconds * rate_hz)
    is_filling = 0 < n_more <= min(len(samples), refusals.TOLERANCE_SECONDS * rate_hz)
    return samples[:len(samples) - n_more] if is_filling else samples


def _undecodable(path, error):
    return AudioError(f"{path} cannot be decoded ({error.strerror}), but wav, flac, ogg, mp3 or m4a"
                      " was expected; convert or remove it.")
