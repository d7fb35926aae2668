"""Stage 1, first half: audio file -> samples, or one sentence that says why not.

There is one decoder, and it goes through a file once, block by block; `decode` joins its blocks. libsndfile reads what
it can (wav, flac, ogg, mp3), FFmpeg the rest (m4a and most others). Either may hand over part of a file without a word,
so what came is compared with what the file holds (`mer.features.containers`) and with what it announces.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from mer.features.containers import AUDIO_SUFFIXES, ffmpeg, joined, mp3, refusals, segments
from mer.features.containers.refusals import AudioError

__all__ = ["AUDIO_SUFFIXES", "AudioError", "blocks", "decode", "duration_seconds", "raw_name"]

BLOCK_SAMPLES = 2**17  # of all channels together no more than twice as many
# A wav that was written into a pipe announces 2 or 4 GiB of data: such a size means "unknown".
_UNKNOWN_BYTES = 0x7FF00000
# What libsndfile gives as the length of a flac that was written into a pipe is above this.
_UNKNOWN_FRAMES = 2**62
# Of these the length is checked. libsndfile reads others, and part of them without a word; by a suffix (.au) it also
# takes any bytes for sound without a header.
_CHECKED = ("WAV", "WAVEX", "RF64", "AIFF", "FLAC", "OGG", "MP3", "AU", "CAF", "W64", "NIST")
_MAGIC = (b"RIFF", b"RIFX", b"RF64", b"riff", b"FORM", b"OggS", b"fLaC", b"caff", b"wvpk", b"#!AMR", b".snd", b"MAC ",
          b"TTA", b"\x1aE\xdf\xa3", b"0&\xb2u")  # of files that hold no bare mp3 frames


def blocks(path: str | Path) -> Iterator[tuple[np.ndarray, int]]:
    """Read an audio file block by block, in memory that does not grow with its length.

    Parameters
    ----------
    path : str or Path
        wav, flac, ogg, mp3, m4a or whatever else libsndfile or FFmpeg decodes.

    Yields
    ------
    samples : np.ndarray, shape (k, channels), float32
        Full scale is 1; lossy formats and float files may exceed it. k is at most about `BLOCK_SAMPLES`.
    rate_hz : int
        The same for all blocks, as is the number of channels.

    Raises
    ------
    AudioError
        The file is missing, no regular file, empty, not audio, damaged or truncated, changes its rate or channels, or
        names a rate that no recording has. A cut cannot be seen in an mp3 without a length header, nor in an ogg
        cut exactly between two pages.
    """
    n_samples, first = 0, None
    try:
        for samples, rate_hz in _blocks(path):
            kind = rate_hz, samples.shape[1]
            if first is None:
                first = kind
                refusals.refuse_rate(path, rate_hz)
            if kind != first:
                raise refusals.changed(path, first, kind, n_samples / first[0])
            n_samples += len(samples)
            yield samples, rate_hz
    except OSError as error:
        raise AudioError(f"{path} cannot be read ({error.strerror}), but an audio file was expected;"
                         " check its name, permissions and disk.") from error
    if not n_samples:
        raise AudioError(f"{path} holds no samples, but sound was expected; replace or remove it.")


def decode(path: str | Path) -> tuple[np.ndarray, int]:
    """Read all samples of an audio file: the blocks of `blocks`, joined; argument and errors are its own.

    Returns
    -------
    samples : np.ndarray, shape (n, channels), float32
        At least one sample.
    rate_hz : int
    """
    parts = list(blocks(path))
    return np.concatenate([samples for samples, _ in parts]), parts[0][1]


def duration_seconds(path: str | Path) -> float:
    """Length of an audio file as `blocks` will give it, by its frames or its header; nothing is decoded.

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
        seconds = 0.0
        for opener, n_samples in _openers(path):
            with opener() as sound:
                refusals.refuse_rate(path, sound.samplerate)
                n_samples = n_samples or sound.frames
                if not 0 < n_samples < _UNKNOWN_FRAMES:
                    raise _OtherDecoder
                seconds += n_samples / sound.samplerate
        return seconds
    except OSError as error:
        raise AudioError(f"{path} cannot be read ({error.strerror}), but an audio file was expected;"
                         " check its name, permissions and disk.") from error
    except (soundfile.LibsndfileError, TypeError, _OtherDecoder):
        return ffmpeg.seconds(path)


class _OtherDecoder(Exception):
    """libsndfile cannot read the file, or not all of it."""


class _Sequential(soundfile.SoundFile):
    """A file that is read from its start to its end.

    soundfile seeks behind every block of a file that it may seek in, and libmpg123 then lacks the bits that an mp3
    frame takes from those before it: other samples, by as much as the sound itself after quiet stretches.
    """

    def seekable(self):
        return False


def _blocks(path):
    """The blocks of all recordings of a file, by libsndfile where it can open it, else by FFmpeg."""
    is_begun = False
    try:
        for opener, n_expected in _openers(path):
            with opener() as sound:
                is_begun = True
                yield from _by_libsndfile(path, sound, n_expected)
    except (soundfile.LibsndfileError, TypeError, _OtherDecoder) as error:  # TypeError: a headerless file called .raw
        if is_begun and not isinstance(error, _OtherDecoder):
            raise refusals.damaged(path, error.error_string) from error
        yield from ffmpeg.blocks(path)
    with open(path, "rb") as file:
        if file.read(4) == b"OggS" and joined.ogg_ends_within_page(file):
            raise AudioError(f"{path} is truncated: its last Ogg page is incomplete; copy it again.")


def _openers(path):
    """[(callable that opens a recording, its number of samples or 0 where libsndfile knows)]."""
    head = refusals.refuse_what_is_not_audio(Path(path))
    if not head.startswith(_MAGIC) and head[4:8] != b"ftyp":
        walked = mp3.walk(path)
        if walked:
            return [_mp3_opener(path, walked)]
    places = joined.recordings(path)
    for start, end in places:
        refusals.refuse_short(path, end - start, joined.announced_bytes(path, start))
    n_samples = [0] * len(places)
    if head.startswith(b"fLaC"):
        n_samples = [_flac_samples(path, *place) for place in places]
    if len(places) == 1:
        openers = [lambda: _Sequential(raw_name(path))]
    else:
        openers = [lambda place=place: _Sequential(segments.opened(path, [place])) for place in places]
    return list(zip(openers, n_samples, strict=True))


def _flac_samples(path, start, end):
    """Number of samples of a FLAC stream where the header is right or tells more; otherwise FFmpeg has to read it."""
    with _Sequential(segments.opened(path, [(start, end)])) as sound:
        n_announced, rate_hz = sound.frames, sound.samplerate
    if n_announced >= _UNKNOWN_FRAMES or joined.flac_samples(path, start, end) > n_announced + rate_hz // 1000:
        raise _OtherDecoder
    return n_announced


def _mp3_opener(path, walked):
    """(callable that opens the frames of an mp3, number of samples) of a walk over them; raises what is wrong."""
    kind = walked.kind
    if walked.changed_to:
        raise refusals.changed(path, kind[2:], walked.changed_to[2:], walked.seconds)
    refusals.refuse_truncated(path, walked.n_frames * kind.frame_samples, walked.n_announced * kind.frame_samples,
                              kind.rate_hz)
    if walked.junk_seconds > refusals.TOLERANCE_SECONDS and not walked.n_announced:
        raise AudioError(f"{path} is damaged or truncated ({walked.junk_bytes} bytes after"
                         f" {walked.junk_after_frames * walked.frame_seconds:.1f} s are neither sound nor a tag);"
                         " copy or download it again, or re-encode it to keep the rest.")
    if kind.layer != 3:
        raise _OtherDecoder
    n_samples = 0 if walked.n_announced else walked.n_frames * kind.frame_samples
    return lambda: _opened_mp3(path, walked, n_samples), n_samples


def _opened_mp3(path, walked, n_samples):
    """The frames of an mp3; the file itself, which is read a little faster, where its header or a guess is enough."""
    is_right = walked.n_announced == walked.n_frames or (
        not walked.n_announced and os.path.getsize(path) - walked.runs[-1][1] in (0, 128))  # libmpg123 knows ID3v1 only
    if walked.is_plain and len(walked.runs) == 1 and is_right:
        sound = _Sequential(raw_name(path))
        if sound.format == "MP3" and sound.frames >= n_samples:
            return sound
        sound.close()
    return _Sequential(walked.opened(path))


def raw_name(path: str | Path) -> bytes | str:
    """A path for libsndfile, whatever bytes are in it: soundfile refuses a str that is not UTF-8."""
    return os.fsencode(path) if os.name == "posix" else os.fspath(path)


def _by_libsndfile(path, sound, n_expected):
    """Blocks of one recording; numpy scales a wav's integers four times faster than libsndfile."""
    if sound.format == "RAW":
        raise _OtherDecoder
    if sound.format not in _CHECKED:
        raise AudioError(f"{path} is in the format {sound.format_info}, of which a part may be missing unseen;"
                         " convert it to wav or flac.")
    if not 0 < sound.frames < _UNKNOWN_FRAMES:  # 0: a wav whose writer did not come back to fill in the size
        raise _OtherDecoder
    is_wav = sound.format in ("WAV", "WAVEX") and sound.subtype == "PCM_16"
    n_read, size = 0, max(1, min(BLOCK_SAMPLES, 2 * BLOCK_SAMPLES // sound.channels))
    while len(samples := sound.read(size, dtype="int16" if is_wav else "float32", always_2d=True)):
        n_read += len(samples)
        yield samples * np.float32(2**-15) if is_wav else samples, sound.samplerate
    n_announced = n_expected or sound.frames
    # libsndfile corrects the announced size of a wav or aiff without a word
    sizes = re.search(r"^\s*(?:data|SSND) *: (\d+) \(should be (\d+)\)", sound.extra_info, re.MULTILINE)
    if not n_expected and sizes and int(sizes[2]) < int(sizes[1]) < _UNKNOWN_BYTES:
        n_announced = n_read * int(sizes[1]) // max(1, int(sizes[2]))
    refusals.refuse_truncated(path, n_read, n_announced, sound.samplerate)
