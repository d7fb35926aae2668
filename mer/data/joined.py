"""Sequences that go on from one clip of a speaker to the next: for encoders that need more seconds than a clip has."""

import numpy as np


class Joined:
    """Chunks of the clips of one group joined end to end, in the order of a `ClipSet`; the rest of a group is left out.

    Parameters
    ----------
    clips : ClipSet
        Of one side of a split.
    reads : mer.features.chunks.Chunks
        What an encoder reads at a time.
    hop_rows : int
        From one chunk to the next.

    Attributes
    ----------
    clip : np.ndarray of int, shape (n,)
        Index in `clips` of the clip in which each chunk begins.
    """

    def __init__(self, clips, reads, hop_rows):
        self.clips, self.reads, self.hop_rows = clips, reads, hop_rows
        streams: dict[tuple[int, str], list[int]] = {}  # of one store and group
        for clip, stream in enumerate(zip(clips.source, clips.group, strict=True)):
            streams.setdefault(stream, []).append(clip)
        self._order = np.concatenate([np.empty(0, int), *streams.values()])  # clips, one after the other
        self._start, end = clips.bounds[:, self._order]  # in the store
        self._end = np.cumsum(end - self._start)  # with all clips joined
        last = self._end[np.cumsum([len(members) for members in streams.values()]) - 1]
        firsts = [np.arange(begin, stop - reads.n_rows + 1, hop_rows)
                  for begin, stop in zip([0, *last], last, strict=False)]
        self._first = np.concatenate([np.empty(0, int), *firsts])
        self.clip = self._order[self._place(self._first)]

    def __len__(self):
        return len(self._first)

    def _place(self, rows):
        """Place in `_order` of the clips that hold these of all rows."""
        return np.searchsorted(self._end, rows, side="right")

    def gather(self, indices):
        """Copy chunks out of the stores, as `patches.Patches.gather`."""
        rows = self._first[np.reshape(indices, -1), None] + np.arange(self.reads.n_rows)
        place = self._place(rows)
        stored = self._start[place] + rows - np.concatenate([[0], self._end])[place]
        cut, source = np.empty((*rows.shape, self.reads.of.width), np.float32), self.clips.source[self._order[place]]
        for number, store in enumerate(self.clips.stores):
            cut[source == number] = np.asarray(store.rows)[stored[source == number]]
        chunks = np.ascontiguousarray(self.reads.of.to_input(cut))
        return chunks.reshape(*np.shape(indices), *chunks.shape[1:])
