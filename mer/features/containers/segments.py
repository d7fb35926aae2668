"""A file that is read as stretches of another one, with bytes of its own in between."""

import bisect
import io
from collections.abc import Sequence
from pathlib import Path

_BUFFER_BYTES = 2**17
_TAG_BYTES = 128  # an ID3v1 tag, for which libmpg123 looks at the end, and fails where nothing comes


class _Segments(io.RawIOBase):
    def __init__(self, path, parts, claimed_bytes):
        self._file, self._parts = open(path, "rb", buffering=0), list(parts)
        self._claimed_bytes, self._ends, self._at = claimed_bytes, [], 0
        for part in self._parts:
            n_bytes = len(part) if isinstance(part, bytes) else part[1] - part[0]
            self._ends.append((self._ends[-1] if self._ends else 0) + n_bytes)

    def readable(self):
        return True

    def seekable(self):
        return True

    def seek(self, offset, whence=io.SEEK_SET):
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at,
                 io.SEEK_END: self._claimed_bytes or self._ends[-1]}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer):
        index = bisect.bisect_right(self._ends, self._at)
        if index == len(self._parts):
            n_bytes = min(len(buffer), max(0, self._claimed_bytes - self._at))
            if n_bytes > _TAG_BYTES:
                return 0
            buffer[:n_bytes] = bytes(n_bytes)
            self._at += n_bytes
            return n_bytes
        part, n_bytes = self._parts[index], min(len(buffer), self._ends[index] - self._at)
        skipped = self._at - (self._ends[index - 1] if index else 0)
        if isinstance(part, bytes):
            buffer[:n_bytes] = part[skipped:skipped + n_bytes]
        else:
            self._file.seek(part[0] + skipped)
            n_bytes = self._file.readinto(memoryview(buffer)[:n_bytes])
        self._at += n_bytes
        return n_bytes

    def close(self):
        self._file.close()
        super().close()


def opened(path: str | Path, parts: Sequence[bytes | tuple[int, int]], *, claimed_bytes: int = 0) -> io.BufferedReader:
    """Open stretches of a file as one file, in memory that does not grow with its length.

    Parameters
    ----------
    path : str or Path
    parts : sequence of bytes or (start, end)
        In order: bytes as they are, or those of the file from `start` up to `end` (offsets in bytes).
    claimed_bytes : int
        Size that a seek to the end tells, for a decoder that guesses the length of the sound from it and reads no
        further; 0 is the true one.

    Returns
    -------
    io.BufferedReader
        To be closed by the caller.
    """
    return io.BufferedReader(_Segments(path, parts, claimed_bytes), _BUFFER_BYTES)
