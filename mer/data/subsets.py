"""Parts of a corpus: so many hours of speech, or as many music clips in every class."""

import heapq
import zlib
from collections import Counter, defaultdict
from dataclasses import replace

import joblib
import numpy as np

from mer import MerError, progress
from mer.data.split_search import SPLITS
from mer.features import decode

THREADS = 8  # reading a header waits for the disk, not for the processor


def durations(clips):
    """Seconds of each clip from its header, without decoding it.

    Parameters
    ----------
    clips : sequence of mer.corpora.Clip

    Returns
    -------
    np.ndarray, shape (n,), float64
        NaN where the header cannot be read: the extraction will name that file.
    """
    work = joblib.Parallel(n_jobs=THREADS, prefer="threads", return_as="generator", batch_size=256)(
        joblib.delayed(_seconds)(clip.path) for clip in clips)
    return np.array(list(progress.bar(iterable=work, total=len(clips), unit="file", desc="durations")), float)


def _seconds(path):
    try:
        return decode.duration_seconds(path)
    except MerError:
        return np.nan


def choose(*, ids, groups, seconds, split, hours, seed):
    """Choose so many hours, evenly over the speakers; fewer hours are always a part of more.

    On every side of the split the clip of the speaker who has least so far comes next, so a choice is the
    beginning of one fixed order. The order depends on the seed and the clips, not on how they are listed.

    Parameters
    ----------
    ids, groups : sequence of str, length n
        Clips and their speakers.
    seconds : sequence of float, length n
        Durations; clips with NaN are never chosen.
    split : sequence of str, length n
        Side of each clip; each side gives the share of the hours that it has of the corpus.
    hours : float > 0
    seed : int

    Returns
    -------
    np.ndarray of int
        Indices of the chosen clips, in an order of which every choice of fewer hours is the beginning.

    Raises
    ------
    MerError
        The corpus has fewer hours.
    """
    seconds, split = np.asarray(seconds, float), np.asarray(split, object)
    there = np.nansum(seconds) / 3600
    if hours > there:
        raise MerError(f"{hours:g} hours were asked for, and there are {there:.2f}: ask for fewer, or add speech")
    chosen, share = [], {}  # the share of its side with which a clip comes in puts the sides into one order
    for side in SPLITS:
        members = [i for i in np.flatnonzero(split == side) if seconds[i] == seconds[i]]
        order = evenly(members, ids=ids, groups=groups, seconds=seconds, seed=seed)
        target = hours / there * seconds[members].sum()
        so_far = np.cumsum(seconds[order])
        chosen += order[:np.searchsorted(so_far, target + 1e-6, side="right")]
        share.update(zip(order, so_far / max(seconds[members].sum(), 1e-9), strict=True))
    return np.array(sorted(chosen, key=lambda index: (share[index], ids[index])), int)


def evenly(members, *, ids, groups, seconds, seed):
    """All of `members`, indices of the other arguments, the next always from the group with the fewest seconds so far.

    The beginning of this order, ordered again, is the same: so what is cut off its end leaves a part of every
    longer choice.
    """
    waiting = defaultdict(list)
    for index in members:
        waiting[groups[index]].append((_draw(seed, ids[index]), index))
    for clips in waiting.values():
        clips.sort(reverse=True)
    heap = [(0.0, _draw(seed, group), group) for group in waiting]
    heapq.heapify(heap)
    order = []
    while heap:
        taken, tie, group = heapq.heappop(heap)
        _, index = waiting[group].pop()
        order.append(index)
        if waiting[group]:
            heapq.heappush(heap, (taken + seconds[index], tie, group))
    return order


def _draw(seed, name):
    """A number that seed and name decide, so that clips which come or go do not move the others."""
    return zlib.crc32(f"{seed} {name}".encode()), name


def balanced(listing, *, seed):
    """Undersample every class to the size of the smallest, as for the published 356 clips of CH-818.

    Parameters
    ----------
    listing : mer.corpora.Listing
        Of a music corpus.
    seed : int

    Returns
    -------
    listing : mer.corpora.Listing
    note : str
        What was kept.

    Raises
    ------
    MerError
        The corpus has no classes.
    """
    counts = Counter(clip.quadrant for clip in listing.clips)
    if None in counts:
        raise MerError("--balance needs classes, and speech has none: leave it out")
    n, kept = min(counts.values()), []
    for name in sorted(counts):
        members = sorted((clip for clip in listing.clips if clip.quadrant == name), key=lambda c: _draw(seed, c.id))
        kept += members[:n]
    note = (f"balanced with seed {seed}: {n} clips in each of {len(counts)} classes, {len(kept)} of "
            f"{len(listing.clips)}")
    return replace(listing, clips=tuple(sorted(kept, key=lambda clip: clip.id))), note
