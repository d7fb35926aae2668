"""Made-up patches for the tests of CPC."""

from types import SimpleNamespace

import numpy as np

from mer.features.chunks import Chunks
from mer.features.representations.log_mel import LogMel


class Numbered:
    """Patches of clips with the given lengths; a gathered patch is its own index."""

    def __init__(self, counts, *, patch_frames=31, hop_frames=15):
        self.count = np.array(counts)
        self.first = np.cumsum(self.count) - self.count
        self.clip = np.repeat(np.arange(len(counts)), self.count)
        self.number = np.arange(len(self.clip)) - self.first[self.clip]
        self.reads, self.hop_rows = Chunks(LogMel(), 1.0, patch_frames), hop_frames
        self.clips = SimpleNamespace(group=np.arange(len(counts)).astype(str))

    def __len__(self):
        return len(self.clip)

    def gather(self, indices):
        return np.broadcast_to(np.asarray(indices, np.float32)[..., None, None, None], (*np.shape(indices), 1, 1, 1))


class Sounds(Numbered):
    """Patches of 32 bands and 8 frames that do not overlap: noise, and what the arguments add to it.

    Parameters
    ----------
    counts : sequence of int
        Patches of each clip.
    seed : int
    tones : bool
        Every clip has one of six tones throughout, so its continuation can be told from that of most others.
    places : bool
        Clips begin loud and end silent, so the place of a patch can be heard.
    """

    def __init__(self, counts, *, seed, tones=False, places=False):
        super().__init__(counts, patch_frames=8, hop_frames=8)
        rng = np.random.default_rng(seed)
        self.sound = rng.normal(0, 1, (len(self), 32, 8, 1)).astype(np.float32)
        if tones:
            tone = rng.integers(6, size=len(counts))[self.clip]
            for band in range(3):
                self.sound[np.arange(len(self)), 5 * tone + band] += 3
        if places:
            end = self.count[self.clip] - 1 - self.number
            self.sound += (2 - self.number.clip(0, 6) / 3 - 4 * (end < 2)).astype(np.float32)[:, None, None, None]

    def gather(self, indices):
        return self.sound[indices]
