"""So many hours of a speech corpus: which clips, on which sides, and which of them are copies of others."""

from collections import Counter, defaultdict

import numpy as np

from mer.data import split_files, splits, store_split, subsets
from mer.data.split_search import SPLITS


def choose(cfg, listing, hours, *, whole, failed=()):
    """Choose clips by the durations in their headers.

    Parameters
    ----------
    cfg : Config
    listing : mer.corpora.Listing
    hours : float
    whole : str
        Stem of the split of the whole corpus, whose sides are taken where it is there.
    failed : set of str
        Clips that could not be extracted before.

    Returns
    -------
    chosen : dict
        Clip to side, in an order of which the choice of fewer hours is the beginning.
    about : dict
        How the split came about, for `split_files.record`.
    """
    known = _of_whole(cfg, listing, whole, failed)
    clips = [clip for clip in listing.clips if clip.id in known] if known else listing.clips
    ids, groups = [clip.id for clip in clips], [clip.group for clip in clips]
    if known:
        split, facts = [known[name] for name in ids], store_split.facts(cfg, whole)
    else:
        split, facts = _drawn(cfg, ids, groups, listing.grouped_by)
    picked = subsets.choose(ids=ids, groups=groups, seconds=subsets.durations(clips), split=split, hours=hours,
                            seed=cfg.seed)
    about = {key: facts[key] for key in ("kind", "grouped_by", "seed", "test_fraction", "val_fraction", "note")
             if key in facts}
    return {ids[i]: split[i] for i in picked}, about


def _drawn(cfg, ids, groups, grouped_by):
    drawing = {"seed": cfg.seed, "test_fraction": cfg.speech_test_fraction, "val_fraction": cfg.val_fraction}
    drawn = splits.draw(ids=ids, groups=groups, labels=[""] * len(ids), grouped_by=grouped_by, **drawing)
    note = f"the split was drawn with seed {cfg.seed}, grouped by {drawn.grouped_by}"
    return drawn.split, {"kind": "drawn", "grouped_by": drawn.grouped_by, **drawing,
                         "note": "; ".join(filter(None, [note, drawn.note]))}


def _of_whole(cfg, listing, whole, failed):
    """Clip to its side in the split of the whole corpus; None where that is not there, or knows too little.

    A clip that it lacks, since its file was damaged or has been added, goes with its group. Of a group that it does
    not know either, those that `failed` are left out: every other one needs a split of its own.
    """
    table, _ = store_split.paths(cfg, whole)
    if not table.exists():
        return None
    named, of_group = split_files.rows(table).keys(), defaultdict(Counter)
    known = [clip.id for clip in listing.clips if clip.id.strip() in named]
    side = dict(zip(known, split_files.load(table, known), strict=True)) if known else {}
    for clip in listing.clips:
        if clip.id in side:
            of_group[clip.group][side[clip.id]] += 1
    for clip in listing.clips:
        if clip.id in side:
            continue
        if clip.group in of_group:
            side[clip.id] = max(SPLITS, key=of_group[clip.group].__getitem__)
        elif clip.id not in failed:
            print(f"{table.name} knows neither {clip.id} nor another clip of its {listing.grouped_by}, so these hours "
                  "get sides of their own: the same command without --hours brings it up to date")
            return None
    return side


def without_duplicates(part, order):
    """The clips without those whose audio another one has that was chosen earlier.

    Parameters
    ----------
    part : mer.data.store.ClipSet
    order : sequence of str
        Ids in the order in which they were chosen; what comes first stays, so that fewer hours stay a part of more.

    Returns
    -------
    part : mer.data.store.ClipSet
    note : str
        How many are gone; "" where none.
    """
    place = {name: i for i, name in enumerate(order)}
    seen, keep, contents = set(), np.ones(len(part), bool), part.contents
    for i in sorted(range(len(part)), key=lambda i: place[part.ids[i]]):
        keep[i] = contents[i] not in seen
        seen.add(contents[i])
    gone = int((~keep).sum())
    return part.take(keep), f"{gone} clip(s) with the same audio as another left out" if gone else ""
