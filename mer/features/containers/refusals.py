"""Why a sound file cannot be used: one sentence each, which names the file and what to do."""

import codecs
import stat
from pathlib import Path

from mer import MerError

# Encoders count their own header frame or not, so an mp3 may be this much shorter than it announces.
TOLERANCE_SECONDS = 0.1
_TOLERANCE_BYTES = 2048  # 0.06 s of one channel at 16 kHz and 16 bit
# Nobody records music or speech outside of these rates; a header that says 1 Hz would make hours of a short file.
RATES_HZ = (1_000, 1_000_000)


class AudioError(MerError):
    """A file or a waveform that no features can be made of."""


def refuse_what_is_not_audio(path: Path) -> bytes:
    """The first bytes of a file; raises where a look at it says more than a decoder can.

    Text must never reach FFmpeg, which would take a playlist and open what it names, over the network too. A pipe
    would be waited for without end.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        raise AudioError(f"{path} does not exist, but an audio file was expected; check name and folder.") from error
    if stat.S_ISDIR(mode):
        raise AudioError(f"{path} is a folder, but an audio file was expected; name one file in it.")
    if not stat.S_ISREG(mode):
        kind = "a pipe" if stat.S_ISFIFO(mode) else "a socket" if stat.S_ISSOCK(mode) else "a device"
        raise AudioError(f"{path} is {kind}, but an audio file was expected; copy the sound into a file.")
    with open(path, "rb") as file:
        head = file.read(512)
    if not head:
        raise AudioError(f"{path} is empty (0 bytes), but audio was expected; copy or download it again.")
    if head.startswith(b"version https://git-lfs"):
        raise AudioError(f"{path} is a Git LFS pointer, but audio was expected; run 'git lfs pull' there.")
    if is_text(head):
        raise AudioError(f"{path} is text, but audio was expected; copy or download the recording again.")
    return head


def is_text(head: bytes) -> bool:
    """Whether the first bytes of a file are printable UTF-8; a character may be cut at their end."""
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character.isspace() for character in text)


def refuse_rate(path: str | Path, rate_hz: int) -> None:
    """Raise where a header names a rate that no recording has."""
    if not RATES_HZ[0] <= rate_hz <= RATES_HZ[1]:
        raise AudioError(f"{path} says that it has {_spaced(rate_hz)} samples a second, but {_spaced(RATES_HZ[0])} to"
                         f" {_spaced(RATES_HZ[1])} were expected; correct its header, or export it again.")


def changed(path: str | Path, before: tuple, after: tuple, seconds: float) -> AudioError:
    """The error for a file whose (rate in Hz, channels) are not the same all along."""
    if before[0] != after[0]:
        what = f"its sample rate from {_spaced(before[0])} to {_spaced(after[0])} Hz"
    elif before[1] != after[1]:
        what = f"from {before[1]} to {after[1]} channel{'s' * (after[1] > 1)}"
    else:
        what = "its coding"
    return AudioError(f"{path} changes {what} after {seconds:.1f} s, but one of each was expected;"
                      " cut or re-encode it.")


def _spaced(number):
    return f"{number:,}".replace(",", " ")


def refuse_truncated(path: str | Path, n_samples: int, n_announced: int, rate_hz: int):
    """Raise where clearly fewer samples came than were announced."""
    if n_announced - n_samples > TOLERANCE_SECONDS * rate_hz:
        raise AudioError(f"{path} is truncated: {n_samples / rate_hz:.2f} s came, but it announces"
                         f" {n_announced / rate_hz:.2f} s; copy it again, or re-encode it to keep the rest.")


def refuse_short(path: str | Path, n_bytes: int, n_announced: int):
    """Raise where a recording has clearly fewer bytes than its header announces (0: it tells none)."""
    if n_announced - n_bytes > _TOLERANCE_BYTES:
        raise AudioError(f"{path} is truncated: it has {_spaced(n_bytes)} bytes, but announces {_spaced(n_announced)};"
                         " copy it again, or re-encode it to keep the rest.")


def damaged(path: str | Path, reason: str) -> AudioError:
    """The error for a file whose decoding began but did not reach its end."""
    reason = reason.removeprefix("Error : ").rstrip(".")
    return AudioError(f"{path} is damaged or truncated (the decoder stopped: {reason});"
                      " copy or download it again, or re-encode it to keep the rest.")
