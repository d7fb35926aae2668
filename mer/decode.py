"""Stage 1, first half: audio file -> samples, or one sentence that says why not.

libsndfile reads what it can (wav, flac, ogg, mp3), FFmpeg the rest (m4a and most others). Either may hand
over part of a file without a word, so what came is compared with what the file announces.
"""

import codecs
import os
import re
from pathlib import Path

import numpy as np
import soundfile

from mer import MerError

# Encoders count their own header frame or not, so an mp3 may be this much shorter than it announces.
TRUNCATION_TOLERANCE_SECONDS = 0.1
# A wav that was written into a pipe announces 2 or 4 GiB of data: such a size means "unknown".
_UNKNOWN_BYTES = 0x7FF00000
# What libsndfile gives as the length of a flac that was written into a pipe is above this.
_UNKNOWN_FRAMES = 2**62


class AudioError(MerError):
    """A file or a waveform that no features can be made of."""


def decode(path):
    """Read all samples of an audio file.

    Parameters
    ----------
    path : str or Path
        wav, flac, ogg, mp3, m4a or whatever else libsndfile or FFmpeg decodes.

    Returns
    -------
    samples : np.ndarray, shape (n, channels), float32
        At least one sample; full scale is 1, lossy formats and float files may exceed it.
    rate_hz : int

    Raises
    ------
    AudioError
        The file is missing, a folder, empty, not audio, damaged or truncated. A cut cannot be seen in an mp3
        without a length header, nor in an ogg cut exactly between two pages.
    """
    try:
        samples, rate_hz = _read(path)
    except OSError as error:
        raise AudioError(f"{path} cannot be read ({error.strerror}), but an audio file was expected;"
                         " check its name, permissions and disk.") from error
    if not len(samples):
        raise AudioError(f"{path} holds no samples, but sound was expected; replace or remove it.")
    return samples, rate_hz


def duration_seconds(path):
    """Duration that the header of an audio file announces; nothing is decoded.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    float
        In seconds.

    Raises
    ------
    AudioError
        No header can be read, or it tells no length.
    """
    try:
        about = soundfile.info(raw_name(path))
        if about.frames < _UNKNOWN_FRAMES:
            return about.frames / about.samplerate
    except (soundfile.LibsndfileError, TypeError, OSError):
        _refuse_what_is_not_audio(Path(path))
    import av  # late, as below
    try:
        with av.open(f"file:{path}") as container:
            if container.duration:
                return container.duration / av.time_base
    except av.FFmpegError as error:
        raise AudioError(f"{path} cannot be decoded ({error.strerror}); convert or remove it.") from error
    raise AudioError(f"{path} does not tell its length; re-encode it.")


def raw_name(path):
    """A path for libsndfile, whatever bytes are in it: soundfile refuses a str that is not UTF-8."""
    return os.fsencode(path) if os.name == "posix" else os.fspath(path)


def _read(path):
    """Samples (n, channels) and rate in Hz, by libsndfile where it can open the file, else by FFmpeg."""
    try:
        sound = soundfile.SoundFile(raw_name(path))
    except (soundfile.LibsndfileError, TypeError):  # TypeError: a headerless file called .raw
        _refuse_what_is_not_audio(Path(path))
        return _read_with_ffmpeg(path)
    with sound:
        if sound.frames >= _UNKNOWN_FRAMES:
            return _read_with_ffmpeg(path)
        is_guess = sound.format == "MP3" and not _mp3_announces_length(path)
        try:
            samples = _samples(sound)
        except soundfile.LibsndfileError as error:
            raise _damaged(path, error.error_string) from error
        if is_guess and len(samples) == sound.frames:
            # libsndfile guessed the length from the first frame's bit rate and reads no further than that.
            return _read_with_ffmpeg(path)
        if not is_guess:
            _refuse_truncated(path, len(samples), _n_announced(sound, len(samples)), sound.samplerate)
        if sound.format == "OGG" and _ogg_ends_within_page(path):
            raise AudioError(f"{path} is truncated: its last Ogg page is incomplete; copy it again.")
        return samples, sound.samplerate


def _samples(sound):
    """All samples (n, channels) float32; numpy scales a wav's integers four times faster than libsndfile."""
    if sound.format in ("WAV", "WAVEX") and sound.subtype == "PCM_16":
        return sound.read(dtype="int16", always_2d=True) * np.float32(2**-15)
    return sound.read(dtype="float32", always_2d=True)


def _n_announced(sound, n_read):
    """Number of samples a SoundFile announces; libsndfile corrects that of a wav or aiff without a word."""
    sizes = re.search(r"^\s*(?:data|SSND) *: (\d+) \(should be (\d+)\)", sound.extra_info, re.MULTILINE)
    if sizes and int(sizes[2]) < int(sizes[1]) < _UNKNOWN_BYTES:
        return n_read * int(sizes[1]) // max(1, int(sizes[2]))
    return sound.frames


def _mp3_announces_length(path):
    """Whether a Xing or VBRI header comes first, behind any ID3v2 tag (id3.org, v2.4, section 3.1)."""
    with open(path, "rb") as file:
        head = file.read(10)
        tag_bytes = sum(byte << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=False))
        file.seek(10 + tag_bytes if head.startswith(b"ID3") else 0)
        first_frame = file.read(1024)
    return any(name in first_frame for name in (b"Xing", b"Info", b"VBRI"))


def _ogg_ends_within_page(path):
    """Whether the file stops before the end of its last page (RFC 3533, section 6: below 64 KiB)."""
    with open(path, "rb") as file:
        file.seek(max(0, Path(path).stat().st_size - 65536))
        tail = file.read()
    page = tail[tail.rfind(b"OggS"):]
    n_segments = page[26] if len(page) > 26 else 0
    return len(page) < 27 + n_segments + sum(page[27:27 + n_segments])


def _read_with_ffmpeg(path):
    """Samples (n, channels) float32 and rate in Hz of the first audio stream."""
    import av  # late: wav, flac, ogg and mp3 do not need it

    frames = []
    try:
        with av.open(f"file:{path}") as container:  # without the prefix, "Q1: song.m4a" names a protocol
            if not container.streams.audio:
                raise AudioError(f"{path} has no audio stream, but sound was expected; remove it.")
            stream = container.streams.audio[0]
            for frame in _float_frames(container.decode(stream), av.AudioResampler(format="fltp"), path):
                frames.append(frame)
            has_length = "mp4" in container.format.name and stream.duration  # others only estimate it
            announced_seconds = stream.duration * stream.time_base if has_length else None
    except av.FFmpegError as error:
        if frames:
            raise _damaged(path, error.strerror) from error
        raise AudioError(f"{path} cannot be decoded ({error.strerror}), but wav, flac, ogg, mp3 or m4a"
                         " was expected; convert or remove it.") from error
    return _joined(frames, announced_seconds, path)


def _float_frames(frames, to_float, path):
    """The decoded frames as planar float32, all of one rate and one set of channels."""
    kinds = set()
    for frame in frames:
        kinds.add((frame.sample_rate, frame.layout.name))
        if len(kinds) > 1:
            raise AudioError(f"{path} changes its rate or channels on the way, but one of each was expected;"
                             " cut or re-encode it.")
        yield from to_float.resample(frame)


def _joined(frames, announced_seconds, path):
    """Samples (n, channels) float32 and rate in Hz of all decoded frames, cut to the length announced."""
    if not frames:
        return np.empty((0, 1), np.float32), 1
    rate_hz = frames[0].sample_rate
    samples = np.concatenate([frame.to_ndarray() for frame in frames], axis=1).T
    if not announced_seconds:
        return samples, rate_hz
    n_announced = round(announced_seconds * rate_hz)
    _refuse_truncated(path, len(samples), n_announced, rate_hz)
    return samples[:n_announced], rate_hz  # AAC fills its last frame with silence


def _refuse_what_is_not_audio(path):
    """Raise where a look at the file says more than a decoder can.

    Text must never reach FFmpeg, which would take a playlist and open what it names, over the network too.
    """
    if not path.exists():
        raise AudioError(f"{path} does not exist, but an audio file was expected; check name and folder.")
    if path.is_dir():
        raise AudioError(f"{path} is a folder, but an audio file was expected; name one file in it.")
    with open(path, "rb") as file:
        head = file.read(512)
    if not head:
        raise AudioError(f"{path} is empty (0 bytes), but audio was expected; copy or download it again.")
    if head.startswith(b"version https://git-lfs"):
        raise AudioError(f"{path} is a Git LFS pointer, but audio was expected; run 'git lfs pull' there.")
    if _is_text(head):
        raise AudioError(f"{path} is text, but audio was expected; copy or download the recording again.")


def _is_text(head):
    """Whether the first bytes of a file are printable UTF-8; a character may be cut at their end."""
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character.isspace() for character in text)


def _refuse_truncated(path, n_samples, n_announced, rate_hz):
    """Raise where clearly fewer samples came than were announced."""
    if n_announced - n_samples > TRUNCATION_TOLERANCE_SECONDS * rate_hz:
        raise AudioError(f"{path} is truncated: {n_samples / rate_hz:.2f} s came, but it announces"
                         f" {n_announced / rate_hz:.2f} s; copy it again, or re-encode it to keep the rest.")


def _damaged(path, reason):
    """The error for a file whose decoding began but did not reach its end."""
    reason = reason.removeprefix("Error : ").rstrip(".")
    return AudioError(f"{path} is damaged or truncated (the decoder stopped: {reason});"
                      " copy or download it again, or re-encode it to keep the rest.")
