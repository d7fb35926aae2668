"""Patches: chunks of rows of clips, cut from the stores."""

import numpy as np


class Patches:
    """Patches of a `ClipSet`: chunks of rows, cut from the memory-mapped stores when they are asked for.

    Parameters
    ----------
    clips : ClipSet
    reads : mer.features.chunks.Chunks
        What an encoder reads at a time.
    hop_rows : int
        From one patch of a clip to the next.

    Attributes
    ----------
    clip : np.ndarray of int, shape (n,)
        Index of each patch's clip in `clips`.
    number : np.ndarray of int, shape (n,)
        Place of each patch in its clip: 0, 1, 2, ...
    first : np.ndarray of int, shape (clips,)
        Index of each clip's first patch; `count` is how many it has.
    """

    def __init__(self, clips, reads, hop_rows):
        self.clips, self.reads, self.hop_rows = clips, reads, hop_rows
        starts, ends = clips.bounds
        self.count = np.maximum(0, 1 + (ends - starts - reads.n_rows) // hop_rows)
        self.first = np.cumsum(self.count) - self.count
        self.clip = np.repeat(np.arange(len(clips)), self.count)
        self.number = np.arange(len(self.clip)) - self.first[self.clip]
        self._row = starts[self.clip] + self.number * hop_rows
        self._source = clips.source[self.clip]

    def __len__(self):
        return len(self.clip)

    @property
    def start_seconds(self):
        """Start of each patch in its clip, shape (n,)."""
        return self.number * (self.hop_rows / self.reads.of.rows_per_second)

    def gather(self, indices):
        """Copy patches out of the stores.

        Parameters
        ----------
        indices : np.ndarray of int, any shape

        Returns
        -------
        np.ndarray, shape (*indices.shape, *reads.shape), float32
            Log-mel: (..., bands, frames, 1), natural log of the mel magnitudes.
        """
        flat, n_rows, width = np.reshape(indices, -1), self.reads.n_rows, self.reads.of.width
        windows = np.empty((len(flat), width, n_rows), np.float32)
        for number, store in enumerate(self.clips.stores):
            mine = self._source[flat] == number
            if mine.any():
                every = np.lib.stride_tricks.sliding_window_view(np.asarray(store.rows), n_rows, axis=0)
                windows[mine] = every[self._row[flat[mine]]]
        patches = np.ascontiguousarray(self.reads.of.to_input(np.swapaxes(windows, 1, 2)))
        return patches.reshape(*np.shape(indices), *patches.shape[1:])
