"""Normalization per group: what is said of a clip is how it differs from the other clips of the same actor or artist.

The mean and the deviation are those of all clips of the group, without their labels. For the groups of the test side
these are test clips. So the scores are those of somebody who has all clips of an actor before the first answer is
wanted (transductive), and who may expect that the actor shows all emotions about equally often. Reports say so.
"""

import numpy as np

from mer import MerError


def keys(clips):
    """What each clip is normalized with, as an index, shape (clips,): its group, in its corpus.

    Raises
    ------
    MerError
        Most groups have one clip, of which nothing would be left.
    """
    names = [f"{source}:{group}" for source, group in zip(clips.source, clips.group, strict=True)]
    _, index, counts = np.unique(names, return_inverse=True, return_counts=True)
    if np.median(counts) < 2:
        raise MerError(f"--normalize-groups takes the mean of each group's clips away, and {np.sum(counts == 1)} of "
                       f"{len(counts)} groups have one clip, of which nothing would be left: leave it out")
    return index


class Normalized:
    """Codes of patches, or features of parts, minus the mean of their group and divided by its deviation.

    Both are of the means of clips, so that a long clip counts as much as a short one. A unit that does not vary in a
    group is only centered.

    Parameters
    ----------
    values : np.ndarray, shape (n, ...)
        A memory map, for example; read clip by clip.
    clip : np.ndarray of int, shape (n,)
        Clip of each row.
    group : np.ndarray of int, shape (clips,)
        From `keys`.
    """

    def __init__(self, values, clip, group):
        self.values, self.group = values, group[clip]
        present, first = np.unique(clip, return_index=True)
        ends = [*first[1:], len(clip)] if (np.diff(clip) >= 0).all() else None
        of_clip = np.stack([np.mean(values[start:end] if ends else values[clip == one], axis=0, dtype=np.float64)
                            for one, start, end in zip(present, first, ends or first, strict=True)])
        n_groups = group.max() + 1
        self.mean, self.scale = np.zeros((2, n_groups, *of_clip.shape[1:]), np.float32)
        for each in np.unique(group[present]):
            mine = of_clip[group[present] == each]
            self.mean[each], deviation = mine.mean(axis=0), mine.std(axis=0)
            self.scale[each] = np.where(deviation > 1e-6 * np.abs(mine).max(axis=0), deviation, 1)
        self.shape = values.shape

    def __len__(self):
        return len(self.values)

    def gather(self, rows):
        """The rows that an index array names, shape (rows, ...), float32."""
        return (self.values[rows] - self.mean[self.group[rows]]) / self.scale[self.group[rows]]

    __getitem__ = gather
