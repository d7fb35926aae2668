"""Every frame of an mp3 or mp2: how many there are, of which kind, and what else lies in the file.

A length header may count wrongly or be missing, tags may lie anywhere, and files may be joined. So the frames are
counted, and a decoder gets the frames alone, behind a length header that is right.
"""

import io
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from mer.features.containers import mp3_frames, segments
from mer.features.containers.mp3_frames import Kind

_CHUNK_BYTES = 2**20
_MOST_FRAME_BYTES = 8192    # free format included; a regular frame has at most 2881 bytes
_AHEAD_BYTES = 8 * _MOST_FRAME_BYTES
_CHAIN = 4                  # frames that must follow each other before bytes count as sound: pictures hold single ones
_MOST_JUNK_BYTES = 2**20    # in front of the first frame, tags not counted
_MARKS = frozenset(b"XIV")  # first letters of Xing, Info and VBRI
_BEGINNING = re.compile(rb"\xff[\xe2-\xff]|ID3|TAG|APETAGEX|LYRICSBEGIN")


@dataclass
class Walk:
    """What a walk over all frames found.

    Attributes
    ----------
    kind : Kind
        Of the first frame.
    n_frames : int
        Whole frames with sound: length headers do not count.
    n_announced : int
        Frames that the length header counts; 0 where there is none, or where it counts none.
    runs : list of [int, int]
        Stretches of frames that follow each other: offsets in bytes, the end not included.
    junk_bytes : int
        Bytes between and behind the frames that are neither sound nor a tag; what stands in front is not counted.
    junk_after_frames : int
        How many frames came before the first of these bytes.
    changed_to : Kind or None
        The other kind of frame at which the walk ended.
    lame : bytes
        The part of the length header that tells how many samples the encoder added; b"" without one.
    is_plain : bool
        Whether at most one tag comes before the frames, and nothing between them: libmpg123 reads such a file right,
        if its length header is right.
    """

    kind: Kind
    n_frames: int = 0
    n_announced: int = 0
    runs: list = field(default_factory=list)
    junk_bytes: int = 0
    junk_after_frames: int = 0
    changed_to: Kind | None = None
    lame: bytes = b""
    is_plain: bool = True

    @property
    def seconds(self) -> float:
        """Length of the frames that were found."""
        return self.n_frames * self.frame_seconds

    @property
    def frame_seconds(self) -> float:
        """Length of one frame."""
        return self.kind.frame_samples / self.kind.rate_hz

    @property
    def junk_seconds(self) -> float:
        """How much sound the bytes that are none would be, at the mean bit rate."""
        n_bytes = sum(end - start for start, end in self.runs)
        return self.junk_bytes * self.seconds / n_bytes if n_bytes else 0.0

    def opened(self, path: str | Path) -> io.BufferedReader:
        """The frames alone, as one file; behind a length header that is right where there was one.

        Without a header, libmpg123 guesses the length from the size of the file and of the first frame, and reads no
        further. So the file claims to be larger than any guess. A header that was not there would not do: libmpg123
        then leaves out the first 529 samples.
        """
        if not self.n_announced:
            return segments.opened(path, self.runs, claimed_bytes=(self.n_frames + 1) * _MOST_FRAME_BYTES)
        header = mp3_frames.length_header(self.kind, max(self.n_frames, self.n_announced), self.lame)
        return segments.opened(path, [header, *self.runs])


def walk(path: str | Path) -> Walk | None:
    """Go through all frames of a file; nothing is decoded.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Walk or None
        None where no frames follow each other in the first MiB behind the tags: this is no MPEG audio.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    with open(path, "rb", buffering=0) as file:
        walker = _Walker(file)
        while walker.more() and not (walker.found and walker.found.changed_to):
            if not (walker.take_frames() or walker.skip_tag()):
                walker.skip_junk()
        return walker.found


class _Walker:
    """A window on the bytes of a file, and what was found so far."""

    def __init__(self, file):
        self.file, self.n_bytes = file, os.fstat(file.fileno()).st_size
        self.data, self.base, self.at, self.is_last = b"", 0, 0, False
        self.heads, self.free_bytes = mp3_frames.Heads(), 0  # of a frame in free format, without padding
        self.found, self.n_front_bytes, self.n_tags = None, 0, 0

    def more(self):
        """Have some frames ahead in the window; False at the end of the file, or of too long a search."""
        while not self.is_last and len(self.data) - self.at < _AHEAD_BYTES:
            more = self.file.read(_CHUNK_BYTES)
            self.is_last = not more
            self.data, self.base, self.at = self.data[self.at:] + more, self.base + self.at, 0
        return self.at < len(self.data) and (self.found or self.n_front_bytes <= _MOST_JUNK_BYTES)

    def size(self, at):
        """(bytes, kind) of the frame at a place of the window, or (0, None); a frame cut by the end is none."""
        head = self.heads[self.data[at:at + 4]]
        if not head:
            return 0, None
        n_bytes = head[0] or (self.free_bytes + head[1] if self.free_bytes else self.free_size(at, head))
        return (n_bytes, head[2]) if n_bytes and at + n_bytes <= len(self.data) else (0, None)

    def free_size(self, at, head):
        """Bytes of a frame in free format: up to a header like it, if a third one is as far away."""
        after, alike = at + 24, self.data[at:at + 2]
        while 0 <= (after := self.data.find(alike, after)) <= at + _MOST_FRAME_BYTES:
            second = self.heads[self.data[after:after + 4]]
            if second and not second[0] and second[2] == head[2]:
                plain = after - at - head[1]
                third = self.heads[self.data[after + plain + second[1]:][:4]]
                if third and not third[0] and third[2] == head[2]:
                    self.free_bytes = plain
                    return after - at
            after += 1
        return 0

    def chain(self, at):
        """Kind of the frame that begins here, where enough of the same follow it up to a tag or the end of the file."""
        first, head = None, self.heads[self.data[at:at + 4]]
        if not self.found:
            self.free_bytes = 0
            if head and not head[0] and (self.n_front_bytes or at != self.at):
                return None  # in free format, whose size is a guess, behind other bytes: quiet integers look like that
        for n_frames in range(_CHAIN):
            n_bytes, kind = self.size(at)
            if not n_bytes or (first and kind != first):
                is_end = (at == len(self.data) and self.is_last) or self.tag_bytes(at)
                return first if n_frames and is_end else None
            first, at = first or kind, at + n_bytes
        return first

    def take_frames(self):
        """Take frames for as long as one follows the other; returns whether there was one, or one of another kind."""
        kind = self.chain(self.at)
        if not kind:
            return False
        self.found = self.found or Walk(kind, is_plain=not self.n_front_bytes and self.n_tags < 2)
        if kind != self.found.kind:
            self.found.changed_to = kind
            return True
        start, is_header = self.base + self.at, False
        while not is_header and self.more():
            n_before = self.found.n_frames
            is_header = self.take_of_window(kind)
            if self.found.n_frames == n_before:
                break
        if self.base + self.at > start:
            self.found.runs.append([start, self.base + self.at])
        if is_header:
            self.take_length_header()
        return True

    def take_of_window(self, kind):
        """The inner loop, one look into a table for each frame; returns whether a length header comes next."""
        n_whole, at, n_frames, is_header = len(self.data), self.at, 0, False
        data = self.data + bytes(_MOST_FRAME_BYTES) if self.is_last else self.data
        limit = len(data) - _MOST_FRAME_BYTES
        xing_at, sizes = kind.xing_at, {}  # 4 bytes -> size in bytes
        while at < limit:
            head = data[at:at + 4]
            n_bytes = sizes.get(head)
            if not n_bytes:
                n_bytes = sizes[head] = self.size_within(head, kind)
                if not n_bytes:
                    break
            if data[at + xing_at] in _MARKS or data[at + 36] in _MARKS:
                is_header = at + n_bytes <= n_whole and (
                    data[at + xing_at:at + xing_at + 4] in (b"Xing", b"Info") or data[at + 36:at + 40] == b"VBRI")
                if is_header:
                    break
            n_frames += 1
            at += n_bytes
        if at > n_whole:  # the last frame is cut
            at, n_frames = at - n_bytes, n_frames - 1
        self.at = at
        self.found.n_frames += n_frames
        return is_header

    def size_within(self, head, kind):
        """Bytes of a frame with these first 4 bytes in a run of one kind; 0 where they begin none, or another kind."""
        size, padding, other = self.heads[head] or (0, 0, None)
        return (size or (self.free_bytes and self.free_bytes + padding)) if other == kind else 0

    def take_length_header(self):
        """Read the one of the first file; those of files joined to it hold no sound either."""
        n_bytes, kind = self.size(self.at)
        told = mp3_frames.announced(self.data[self.at:self.at + n_bytes], kind)
        if told and not self.found.n_frames:
            self.found.n_announced, self.found.lame = told
        self.at += n_bytes

    def tag_bytes(self, at):
        """Size of the tag at a place of the window, 0 where there is none (ID3, APE and Lyrics3 by their own pages)."""
        head = self.data[at:at + 32]
        if head.startswith(b"ID3") and len(head) >= 10 and max(head[6:10]) < 128:
            n_bytes = sum(byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
            n_bytes += 20 if head[5] & 0x10 else 10
        elif head.startswith(b"APETAGEX") and len(head) == 32:
            n_bytes = 32 + (int.from_bytes(head[12:16], "little") if head[23] & 0x20 else 0)
        elif head.startswith(b"LYRICSBEGIN"):
            end = self.data.find(b"LYRICS", at + 6)
            n_bytes = end + 9 - at if end > 0 else 0
        else:
            n_bytes = 227 if head.startswith(b"TAG+") else 128 if head.startswith(b"TAG") else 0
        return n_bytes if self.base + at + n_bytes <= self.n_bytes else 0

    def skip_tag(self):
        """Go behind the tag that begins here; returns whether there is one."""
        n_bytes = self.tag_bytes(self.at)
        self.at += n_bytes
        self.n_tags += n_bytes > 0
        if self.at > len(self.data):
            self.base = self.file.seek(self.base + self.at)
            self.data, self.at = b"", 0
        return n_bytes > 0

    def skip_junk(self):
        """Go to the next bytes that begin frames or a tag, or so far as the window reaches."""
        start = self.at
        limit = len(self.data) if self.is_last else len(self.data) - _AHEAD_BYTES // 2
        at = start + 1
        while (found := _BEGINNING.search(self.data, at, limit)) and not (
                self.tag_bytes(found.start()) or self.chain(found.start())):
            at = found.start() + 1
        self.at = found.start() if found else max(at, limit)
        if not self.found:
            self.n_front_bytes += self.at - start
            return
        if not self.found.junk_bytes:
            self.found.junk_after_frames = self.found.n_frames
        self.found.junk_bytes += self.at - start
