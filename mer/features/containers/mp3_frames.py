"""Headers of single MPEG audio frames (mp3, mp2), and the length header that may come before them.

Frame headers: ISO/IEC 11172-3, section 2.4.1.3, and 13818-3 for the lower rates; 2.5 is Fraunhofer's extension to
8, 11.025 and 12 kHz. Xing, VBRI and LAME fields: G. Bouvigne, "MP3 Infotag revision 1", LAME project, 2003.
"""

from typing import NamedTuple

_RATES_HZ = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}  # version bits -> rates
_KBPS = {  # (is MPEG-1, layer) -> kbit/s by index
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)}
_LAME_BYTES = 36        # of encoder, delays and checksums behind the fields of a Xing header
_OWN_HEADER_BYTES = 120  # at least so many for a length header of our own: 4 + 32 + 12 + 36, and some room


class Kind(NamedTuple):
    """What all frames of one signal share."""

    version: int
    layer: int
    rate_hz: int
    n_channels: int

    @property
    def frame_samples(self) -> int:
        """Samples a channel of one frame."""
        if self.layer == 1:
            return 384
        return 576 if self.layer == 3 and self.version != 3 else 1152

    @property
    def xing_at(self) -> int:
        """Bytes from the start of a frame to its Xing header: behind the side information."""
        return 4 + ((32 if self.n_channels == 2 else 17) if self.version == 3 else (17 if self.n_channels == 2 else 9))


class Heads(dict):
    """4 bytes -> (size in bytes, 0 in free format; padding in bytes; Kind), or None where they begin no frame."""

    def __missing__(self, head):
        made = parsed(head)
        if made:
            self[head] = made
        return made


def parsed(head: bytes):
    """The header in 4 bytes: (size in bytes, 0 in free format; padding in bytes; Kind), or None where it is none."""
    if len(head) < 4 or head[0] != 0xFF or head[1] < 0xE0:
        return None
    version, layer, index, rate = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3), head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or layer == 4 or index == 15 or rate == 3:
        return None
    kind = Kind(version, layer, _RATES_HZ[version][rate], 1 if head[3] >> 6 == 3 else 2)
    padding = (head[2] >> 1 & 1) * (4 if layer == 1 else 1)
    kbps = _KBPS[version == 3, layer][index]
    if not kbps:
        return 0, padding, kind
    slots = kind.frame_samples // 8 * kbps * 1000 // kind.rate_hz
    return (slots // 4 * 4 if layer == 1 else slots) + padding, padding, kind


def announced(frame: bytes, kind: Kind) -> tuple[int, bytes] | None:
    """What the length header in a frame tells.

    Parameters
    ----------
    frame : bytes
        One whole frame.
    kind : Kind

    Returns
    -------
    (n_frames, lame) or None
        None where the frame is no length header. `n_frames` is 0 where it counts none. `lame` is the part behind the
        count, which tells how many samples the encoder added, or b"".
    """
    at = kind.xing_at
    if frame[36:40] == b"VBRI":
        return int.from_bytes(frame[50:54], "big"), b""
    if frame[at:at + 4] not in (b"Xing", b"Info"):
        return None
    flags = int.from_bytes(frame[at + 4:at + 8], "big")
    n_frames = int.from_bytes(frame[at + 8:at + 12], "big") if flags & 1 else 0
    lame_at = at + 8 + sum(n_bytes for bit, n_bytes in ((1, 4), (2, 4), (4, 100), (8, 4)) if flags & bit)
    lame = frame[lame_at:lame_at + _LAME_BYTES]
    return n_frames, lame if n_frames and len(lame) == _LAME_BYTES and lame[0] else b""


def length_header(kind: Kind, n_frames: int, lame: bytes) -> bytes:
    """A frame that holds nothing but a Xing header; arguments as `announced` gives them."""
    for index in range(1, 15):
        head = bytes((0xFF, 0xE1 | kind.version << 3 | 4 - kind.layer << 1,
                      index << 4 | _RATES_HZ[kind.version].index(kind.rate_hz) << 2, 
                      0xC0 if kind.n_channels == 1 else 0x40))
        n_bytes = parsed(head)[0]
        if n_bytes >= _OWN_HEADER_BYTES:
            break
    fields = b"Xing" + (1).to_bytes(4, "big") + n_frames.to_bytes(4, "big") + lame
    return (head + bytes(kind.xing_at - 4) + fields).ljust(n_bytes, b"\0")
