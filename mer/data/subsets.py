"""Parts of a corpus: so many hours of speech, equal hours of several, or as many music clips in every class."""

import heapq
import zlib
from collections import Counter, defaultdict
from dataclasses import replace

import joblib
import numpy as np

from mer import MerError, progress
from mer.data import split_files, splits
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
    def seconds(path):
        try:
            return decode.duration_seconds(path)
        except MerError:
            return np.nan

    work = joblib.Parallel(n_jobs=THREADS, prefer="threads", return_as="generator", batch_size=256)(
        joblib.delayed(seconds)(clip.path) for clip in clips)
    return np.array(list(progress.bar(iterable=work, total=len(clips), unit="file", desc="durations")), float)


def choose(*, ids, groups, seconds, split, hours, seed):
    """Choose so many hours, evenly over the speakers; fewer hours are always a part of more.

    In every split the clip of the speaker who has least so far comes next, so a choice is the
    beginning of one fixed order. The order depends on the seed and the clips, not on how they are listed.

    Parameters
    ----------
    ids, groups : sequence of str, length n
        Clips and their speakers.
    seconds : sequence of float, length n
        Durations; clips with NaN are never chosen.
    split : sequence of str, length n
        Of each clip; each split gives the share of the hours that it has of the corpus.
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
    chosen, share = [], {}  # the share of its split with which a clip comes in puts the splits into one order
    for name in SPLITS:
        members = [i for i in np.flatnonzero(split == name) if seconds[i] == seconds[i]]
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
    facts : dict
        seed, clips per_class, number of classes, how many clips were kept of how many.

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
    return replace(listing, clips=tuple(sorted(kept, key=lambda clip: clip.id))), {
        "seed": seed, "per_class": n, "classes": len(counts), "kept": len(kept), "of": len(listing.clips)}


def hours_of(cfg, listing, hours, *, whole, failed=()):
    """Choose so many hours of a speech corpus by the durations in their headers.

    Parameters
    ----------
    cfg : Config
    listing : mer.corpora.Listing
    hours : float
    whole : str
        Stem of the split of the whole corpus, which is taken where it is there.
    failed : set of str
        Clips that could not be extracted before.

    Returns
    -------
    chosen : dict
        Clip to split, in an order of which the choice of fewer hours is the beginning.
    facts : dict
        How the split came about, for `split_files.record`.
    """
    known, clips = _split_of_whole(cfg, listing, whole, failed), listing.clips
    if known:
        clips, facts = [clip for clip in clips if clip.id in known], split_files.facts(cfg, whole)
        facts = {key: value for key, value in facts.items() if key not in ("sha256", "left", "asked")}
        if "note" in facts:  # of a split made before its facts were fields
            facts = {"kind": facts["kind"], "grouped_by": facts["grouped_by"], "seed": facts.get("seed"),
                     "origin": facts["note"]}
    ids, groups = [clip.id for clip in clips], [clip.group for clip in clips]
    if known:
        split = [known[name] for name in ids]
    else:
        split, facts = splits.draw(ids=ids, groups=groups, labels=[""] * len(ids), grouped_by=listing.grouped_by,
                                   seed=cfg.seed, test_fraction=cfg.speech_test_fraction,
                                   val_fraction=cfg.val_fraction)
    picked = choose(ids=ids, groups=groups, seconds=durations(clips), split=split, hours=hours, seed=cfg.seed)
    return {ids[i]: split[i] for i in picked}, facts


def _split_of_whole(cfg, listing, whole, failed):
    """Clip to its split in that of the whole corpus; None where that is not there, or lacks too much.

    A clip that it lacks, since its file was damaged or has been added, goes with its group. Of a group that it lacks
    too, those that `failed` are left out: every other one needs a split of its own.
    """
    table, _ = split_files.paths(cfg, whole)
    if not table.exists():
        return None
    named, of_group = split_files.rows(table).keys(), defaultdict(Counter)
    known = [clip.id for clip in listing.clips if clip.id.strip() in named]
    split = dict(zip(known, split_files.load(table, known), strict=True)) if known else {}
    for clip in listing.clips:
        if clip.id in split:
            of_group[clip.group][split[clip.id]] += 1
    for clip in listing.clips:
        if clip.id in split:
            continue
        if clip.group in of_group:
            split[clip.id] = max(SPLITS, key=of_group[clip.group].__getitem__)
        elif clip.id not in failed:
            print(f"{table.name} has neither {clip.id} nor another clip of its {listing.grouped_by}, so these hours "
                  "get a split of their own: the same command without --hours brings it up to date")
            return None
    return split


def without_duplicates(part, order):
    """The clips without those whose audio another one has that comes earlier in `order`, ids as they were chosen.

    Parameters
    ----------
    part : mer.data.store.ClipSet
    order : sequence of str
        What comes first stays, so that fewer hours stay a part of more.

    Returns
    -------
    mer.data.store.ClipSet
    """
    rank = {name: i for i, name in enumerate(order)}
    seen, keep, contents = set(), np.ones(len(part), bool), part.contents
    for i in sorted(range(len(part)), key=lambda i: rank[part.ids[i]]):
        keep[i] = contents[i] not in seen
        seen.add(contents[i])
    return part.take(keep)


def equal_hours(parts, *, seed):
    """Per split, a seeded choice of clips so that no part has more seconds than the one that has least.

    In the order of `evenly`, so that a mixture of fewer hours is a part of one of more.

    Parameters
    ----------
    parts : list of mer.data.store.ClipSet
    seed : int

    Returns
    -------
    list of mer.data.store.ClipSet
    """
    keep = [np.zeros(len(part), bool) for part in parts]
    for name in SPLITS:
        orders = [np.array(evenly(np.flatnonzero(part.split == name), ids=part.ids, groups=part.group,
                                  seconds=part.seconds, seed=seed), int) for part in parts]
        target = min(part.seconds[order].sum() for part, order in zip(parts, orders, strict=True))
        for part, order, mask in zip(parts, orders, keep, strict=True):
            mask[order[np.cumsum(part.seconds[order]) <= target + 1e-6]] = True
    return [part.take(mask) for part, mask in zip(parts, keep, strict=True)]
