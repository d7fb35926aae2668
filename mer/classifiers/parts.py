"""Parts of clips: what a classifier on features is trained and tested on, one row of features each."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from mer import MerError
from mer.features import representations
from mer.features.chunks import Chunks


class Parted(Chunks):
    """Chunks that clips are cut into as `Parts`; predictions over time read whole chunks as with any other model."""

    def of_clips(self, clips: Any, overlap: float) -> "Parts":
        """The parts of all clips, which do not overlap."""
        return Parts(clips, self)


def reads(features: str, values: Mapping[str, Any]) -> Parted:
    """What a classifier on features reads.

    Parameters
    ----------
    features : str
        A representation whose values have names.
    values : mapping
        `Config.values`: part_seconds, and what the representation depends on.

    Raises
    ------
    MerError
        There is no such representation, or its values have no names.
    """
    of = representations.get(features, values)
    if not of.feature_names:
        named = [name for name in representations.names() if representations.get(name, values).feature_names]
        raise MerError(f"{features} has no named features, and classifiers read those: name one of {', '.join(named)}")
    seconds = values["part_seconds"]
    return Parted(of, seconds, max(1, int(seconds * of.rows_per_second + 1e-9)))


class Parts:
    """Every clip cut into parts of about the same length, rows pooled into one; nothing of a clip is left out.

    SincNet-MER cut clips of 30 s into 4 parts. A clip of n rows has n / `reads.n_rows` parts, rounded, at least one:
    4 of 7 or 8 rows where 30 rows come a second apart and a part has 7.5 s.

    Parameters
    ----------
    clips : mer.data.store.ClipSet
    reads : mer.features.chunks.Chunks
        A part: what a prediction over time reads at a time.

    Attributes
    ----------
    clip : np.ndarray of int, shape (n,)
        Index of each part's clip in `clips`.
    start_seconds : np.ndarray of float, shape (n,)
        From the start of the clip.
    values : np.ndarray, shape (n, width), float32
        Features of each part.
    most_rows : int
        Rows of the longest part.
    """

    def __init__(self, clips, reads: Chunks):
        clip, first, values, self.most_rows = [], [], [], 1
        target_rows = reads.seconds * reads.of.rows_per_second  # 7.5 of a second each, where `n_rows` is 7
        for place, (source, index) in enumerate(zip(clips.source, clips.index, strict=True)):
            rows = clips.stores[source].clip(index)
            ends = bounds(len(rows), target_rows)
            for start, end in itertools.pairwise(ends):
                clip.append(place)
                first.append(start)
                self.most_rows = max(self.most_rows, end - start)
                values.append(reads.of.pooled(rows[None, start:end])[0])
        self.clip = np.array(clip, int)
        self.start_seconds = np.array(first, float) / reads.of.rows_per_second
        self.values = np.array(values, np.float32).reshape(-1, reads.of.width)

    def __len__(self):
        return len(self.clip)


def bounds(n_rows: int, target_rows: float) -> list[int]:
    """First row of each part, and the number of rows: parts of about `target_rows`, which differ by a row at most.

    Parameters
    ----------
    n_rows : int > 0
    target_rows : float > 0
    """
    n_parts = max(1, min(n_rows, round(n_rows / target_rows)))
    return [round(place * n_rows / n_parts) for place in range(n_parts + 1)]
