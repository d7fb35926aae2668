"""Files that hold several recordings one behind the other, and what the headers of Ogg, FLAC and others leave out.

A decoder stops behind the first recording without a word. Ogg: RFC 3533, section 6. FLAC: RFC 9639, sections 8.2 and
9.1. RIFF: IBM and Microsoft, "Multimedia Programming Interface and Data Specifications 1.0", 1991. MP4: ISO/IEC
14496-12, section 4.2. CAF: Apple, "Core Audio Format Specification 1.0". RF64: EBU Tech 3306.
"""

import os
from pathlib import Path
from typing import BinaryIO

_STREAMINFO = b"fLaC\0\0\0\x22", b"fLaC\x80\0\0\x22"
_TAIL_BYTES = 2**18         # the last frame of a FLAC file begins in them
_UNKNOWN_BYTES = 0x7FF00000  # a wav that was written into a pipe announces such a size, or none
_W64 = bytes.fromhex("726966662e91cf11a5d628db04c10000")
# How a recording of these formats begins, as far as all recordings of one format begin alike; a second such place is
# the beginning of another recording
_BEGINNINGS = {b".snd": b".snd\0\0\0", b"caff": b"caff\0\1\0\0desc", b"RF64": b"RF64\xff\xff\xff\xffWAVEds64",
               b"riff": _W64, b"TTA1": b"TTA1\1\0", b"FLV\1": b"FLV\1", b"NIST": b"NIST_1A\n"}
_FLV_HEADER = b"\0\0\0\x09\0\0\0\0"  # size of the header, and of the tag before the first


def recordings(path: str | Path) -> list[tuple[int, int]]:
    """Where in a file its recordings lie: (start, end) in bytes, one for most files.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    OSError
        The file cannot be read.
    """
    with open(path, "rb") as file:
        size, head = os.fstat(file.fileno()).st_size, file.read(8)
        find = {b"OggS": _ogg_starts, b"fLaC": _flac_starts, b"RIFF": _riff_starts, b"FORM": _riff_starts}.get(head[:4])
        if head[4:] == b"ftyp":
            find = _mp4_starts
        elif head[:4] in _BEGINNINGS:
            find = _alike_starts
        starts = find(file, size) if find else [0]
    return list(zip(starts, [*starts[1:], size], strict=True))


def _ogg_starts(file, size):
    """A page that begins a stream (flag 2), behind one that does not, begins another recording."""
    starts, at, was_inside = [0], 0, False
    while at + 27 <= size:
        file.seek(at)
        page = file.read(27 + 255)
        if not page.startswith(b"OggS"):
            break
        begins = bool(page[5] & 2)
        if begins and was_inside:
            starts.append(at)
        was_inside = not begins
        at += 27 + page[26] + sum(page[27:27 + page[26]])
    return starts


def _flac_starts(file, size):
    starts, held, base = [0], b"", 0
    file.seek(0)
    while more := file.read(2**20):
        data = held + more
        for marker in _STREAMINFO:
            at = data.find(marker)
            while at >= 0:
                starts.append(base + at)
                at = data.find(marker, at + 1)
        held = data[-7:]
        base += len(data) - len(held)
    return sorted(set(starts))


def _alike_starts(file, size):
    file.seek(0)
    magic = file.read(4)
    beginning, is_flv = _BEGINNINGS[magic], magic == b"FLV\1"
    file.seek(0)
    starts, held, base = [0], b"", 0
    while more := file.read(2**20):
        data = held + more
        at = data.find(beginning, 1)
        while at >= 0:
            if not is_flv or data[at + 5:at + 13] == _FLV_HEADER:
                starts.append(base + at)
            at = data.find(beginning, at + 1)
        held = data[-31:]
        base += len(data) - len(held)
    return sorted(set(starts))


def _mp4_starts(file, size):
    """A box `ftyp` begins a file; boxes lie one behind the other."""
    starts, at = [0], 0
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        n_bytes = int.from_bytes(head[:4], "big")
        n_bytes = int.from_bytes(head[8:16], "big") if n_bytes == 1 else n_bytes or size
        if at and head[4:8] == b"ftyp":
            starts.append(at)
        if n_bytes < 8:
            break
        at += n_bytes
    return starts


def announced_bytes(path: str | Path, start: int) -> int:
    """How many bytes a recording has by its own header, where libsndfile corrects that without a word.

    Parameters
    ----------
    path : str or Path
    start : int
        Where the recording begins in the file, in bytes.

    Returns
    -------
    int
        0 where it does not tell, or in another format than AU, CAF, RF64, W64 and NIST SPHERE.
    """
    with open(path, "rb") as file:
        file.seek(start)
        head = file.read(1024)
        if head.startswith(b".snd"):
            n_bytes = int.from_bytes(head[8:12], "big")
            return int.from_bytes(head[4:8], "big") + n_bytes if n_bytes < _UNKNOWN_BYTES else 0
        if head.startswith(_BEGINNINGS[b"RF64"]):
            return 8 + int.from_bytes(head[20:28], "little")
        if head.startswith(_W64):
            return int.from_bytes(head[16:24], "little")
        if head.startswith(b"NIST_1A"):
            return _nist_bytes(head)
        at = 8
        while head.startswith(b"caff"):
            file.seek(start + at)
            chunk = file.read(12)
            n_bytes = int.from_bytes(chunk[4:], "big", signed=True)
            if len(chunk) < 12 or n_bytes < 0 or chunk[:4] == b"data":
                return at + 12 + n_bytes if n_bytes > 0 and len(chunk) == 12 else 0
            at += 12 + n_bytes
    return 0


def _nist_bytes(head):
    told = {line.split()[0]: line.split()[-1] for line in head.splitlines() if len(line.split()) == 3}
    try:
        n_bytes = [int(told[name]) for name in (b"sample_count", b"channel_count", b"sample_n_bytes")]
        return int(head[8:16]) + n_bytes[0] * n_bytes[1] * n_bytes[2]
    except (KeyError, ValueError):
        return 0


def _riff_starts(file, size):
    starts = [0]
    while True:
        file.seek(starts[-1])
        head = file.read(8)
        n_bytes = int.from_bytes(head[4:], "little" if head.startswith(b"RIFF") else "big")
        after = starts[-1] + 8 + n_bytes + n_bytes % 2
        file.seek(after)
        if n_bytes == 0 or n_bytes >= _UNKNOWN_BYTES or after >= size or file.read(4) != head[:4]:
            return starts
        starts.append(after)


def flac_samples(path: str | Path, start: int, end: int) -> int:
    """Number of samples up to the end of the last frame of a FLAC stream, by the number that the frame bears.

    Parameters
    ----------
    path : str or Path
    start, end : int
        Where the stream lies in the file, in bytes.

    Returns
    -------
    int
        0 where no frame is found in the last 256 KiB.
    """
    with open(path, "rb") as file:
        file.seek(start + 8)
        usual_block = int.from_bytes(file.read(2), "big")
        file.seek(max(start, end - _TAIL_BYTES))
        tail = file.read(end - file.tell())
    at = len(tail)
    while (at := tail.rfind(b"\xff", 0, at)) >= 0:
        n_samples = _flac_frame_end(tail[at:at + 16], usual_block)
        if n_samples:
            return n_samples
    return 0


def _flac_frame_end(head, usual_block):
    """Samples up to the end of the frame whose header this is; 0 where it is none."""
    if len(head) < 16 or head[1] not in (0xF8, 0xF9) or head[3] & 1:
        return 0
    n_more = max(0, 7 - (head[4] ^ 0xFF).bit_length())  # the number is coded like a character of UTF-8
    number = head[4] & (0x7F if not n_more else 0x7F >> n_more)
    for byte in head[5:4 + max(1, n_more)]:
        number = number << 6 | byte & 0x3F
    at = 4 + max(1, n_more)
    code, rate_code = head[2] >> 4, head[2] & 15
    if code in (6, 7):
        block = int.from_bytes(head[at:at + code - 5], "big") + 1
        at += code - 5
    else:
        block = 192 if code == 1 else 576 << code - 2 if 2 <= code <= 5 else 256 << code - 8 if code >= 8 else 0
    at += {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    if not block or at >= len(head) or _crc8(head[:at]) != head[at]:
        return 0
    return (number if head[1] == 0xF9 else number * usual_block) + block


def _crc8(content):
    remainder = 0
    for byte in content:
        remainder ^= byte
        for _ in range(8):
            remainder = (remainder << 1 ^ 0x07 if remainder & 0x80 else remainder << 1) & 0xFF
    return remainder


def ogg_ends_within_page(file: BinaryIO) -> bool:
    """Whether the file stops before the end of its last page, which has less than 64 KiB."""
    size = os.fstat(file.fileno()).st_size
    file.seek(max(0, size - 65536))
    tail = file.read()
    page = tail[tail.rfind(b"OggS"):]
    n_segments = page[26] if len(page) > 26 else 0
    return len(page) < 27 + n_segments + sum(page[27:27 + n_segments])
