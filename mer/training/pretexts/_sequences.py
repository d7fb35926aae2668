"""Which sequences of patches an epoch of CPC reads, and which of them exchange their continuations.

A negative is a true continuation of another sequence. Sequences exchange their continuations one for one, so those of
positives and negatives come from the same places of the same clips: the place of a window and the length of its clip
say nothing about the label.
"""

import numpy as np

from mer import MerError
from mer.training import batches

_ROUNDS = 12  # of looking for another partner, each twice as far away


class Sequences(batches.Batches):
    """Sequences of consecutive patches that are read (context) and, after a gap, those that follow (continuation).

    Parameters
    ----------
    patches : patches.Patches
    past, future : int
        Patches read and patches predicted.
    gap : int
        Patches between them.
    hop_patches : int
        One sequence for every so many patches. In training each epoch starts somewhere else in every clip, and every
        place has the same chance.
    **batching
        See `batches.Batches`.

    Attributes
    ----------
    clip, place : np.ndarray of int, shape (sequences,)
        Clip of each sequence, and the place in it where the sequence starts: 0, 1, 2, ...
    starts : np.ndarray of int, shape (sequences,)
        First patch of each sequence.
    apart : int
        Sequences that start so far apart in one clip have continuations that share no frame with the other sequence.
    contexts : np.ndarray of int, shape (sequences,)
        Sequence whose patches are read in the place of each sequence's own; each its own unless set otherwise.

    Raises
    ------
    MerError
        Where no clip is long enough for one sequence.
    """

    def __init__(self, patches, *, past, future, gap=0, hop_patches=6, **batching):
        self.patches, self.past, self.gap, self.future, self.hop_patches = patches, past, gap, future, hop_patches
        length = past + gap + future
        self.apart = length - 1 + -(-patches.reads.n_rows // patches.hop_rows)
        self.n_starts = np.maximum(patches.count - length + 1, 0)
        if not self.n_starts.any():
            raise MerError(f"no clip has the {length} patches of one CPC sequence: use longer clips")
        super().__init__(n=int((-(-self.n_starts // hop_patches)).sum()), **batching)

    def set_epoch(self, epoch):
        super().set_epoch(epoch)
        rng = np.random.default_rng([self.seed, epoch, 0])
        of_clip = -(-self.n_starts // self.hop_patches)
        self.clip = np.repeat(np.arange(len(of_clip)), of_clip)
        nth = np.arange(len(self.clip)) - (np.cumsum(of_clip) - of_clip)[self.clip]
        offset = rng.integers(np.maximum(self.n_starts, 1)) if self.shuffle else np.zeros_like(self.n_starts)
        self.place = (nth * self.hop_patches + offset[self.clip]) % self.n_starts[self.clip]
        self.starts = self.patches.first[self.clip] + self.place
        self.contexts = np.arange(len(self.clip))
        self._draw(rng)

    def _draw(self, rng):
        """Draw what else an epoch needs."""

    @property
    def overlap_frames(self):
        """Frames that the context shares with its true continuation."""
        return max(0, self.patches.reads.n_rows - (self.gap + 1) * self.patches.hop_rows)

    def past_of(self, chosen):
        """Indices of the patches that are read, shape (*chosen.shape, past)."""
        return self.starts[self.contexts[chosen]][..., None] + np.arange(self.past)

    def continuation(self, start):
        """Indices of the patches that follow sequences starting at patch `start`, shape (*start.shape, future)."""
        return start[..., None] + self.past + self.gap + np.arange(self.future)


def exchange(rng, clip, place):
    """Give each sequence one of another clip that starts at the same place, or near it; each is given once.

    Parameters
    ----------
    rng : np.random.Generator
    clip, place : np.ndarray of int, shape (n,)

    Returns
    -------
    np.ndarray of int, shape (n,)
        A permutation. A sequence still has one of its own clip only where too few others are there.
    """
    n = len(clip)
    order = np.lexsort((rng.random(n), place))
    last = np.flatnonzero(np.diff(place[order], append=-1))
    following = np.arange(1, n + 1)
    following[last] = np.concatenate([[0], last[:-1] + 1])[:len(last)]
    to, rank = np.empty(n, int), np.empty(n, int)
    to[order], rank[order] = order[following], np.arange(n)
    reach = 4
    for _ in range(_ROUNDS):
        for i in np.flatnonzero(clip[to] == clip):
            j = order[np.clip(rank[i] + rng.integers(-reach, reach + 1), 0, n - 1)]
            if clip[to[i]] != clip[j] and clip[to[j]] != clip[i]:
                to[i], to[j] = to[j], to[i]
        reach = min(2 * reach, n)
    return to


def partner(rng, place, n_starts, apart):
    """Place of another sequence in the same clip with which each sequence exchanges its continuation, or -1.

    The clip is cut into blocks at least `apart` long, and neighboring blocks exchange. So partners are near each other,
    and every place of a block is given as often as it is taken.

    Parameters
    ----------
    rng : np.random.Generator
    place, n_starts : np.ndarray of int, shape (n,)
        Place of each sequence, and how many places its clip has.
    apart : int > 0
        Least distance.
    """
    pairs = n_starts // (2 * apart)
    block = np.where(pairs > 0, n_starts // np.maximum(2 * pairs, 1), apart)
    offset = rng.integers(np.maximum(n_starts - 2 * pairs * block, 0) * (pairs > 0) + 1)
    other = np.where((place - offset) // block % 2 == 0, place + block, place - block)
    return np.where((other >= 0) & (other < n_starts), other, -1)


def around(rng, place, n_starts, apart):
    """As `partner`, for a clip that is alone: at least `apart` away; the end of the clip is followed by its start."""
    return (place + rng.integers(apart, n_starts - apart + 1)) % n_starts


def groups(rng, clip, place, size):
    """Groups of sequences of different clips that start at the same place, or near it.

    Returns
    -------
    np.ndarray of int, shape (groups, size)
        What does not fill a group is left out.
    """
    made, group, waiting, taken = [], [], [], set()
    for index in np.lexsort((rng.random(len(clip)), place)):
        waiting.append(index)
        for each in list(waiting):
            if clip[each] not in taken:
                group.append(each)
                taken.add(clip[each])
                waiting.remove(each)
            if len(group) == size:
                made.append(group)
                group, taken = [], set()
    return np.array(made, int).reshape(-1, size)
