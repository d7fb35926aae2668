"""Train, val and test: stratified, grouped and seeded; folds; what the published program did; the leak test."""

import warnings
from collections import Counter
from dataclasses import dataclass

import numpy as np

from mer import MerError
from mer.data import split_search
from mer.data.split_search import SPLITS


@dataclass(frozen=True)
class Drawn:
    """A drawn split.

    Attributes
    ----------
    split : list of str
        "train", "val" or "test" per clip, in the order of the ids given.
    grouped_by : str
        What stands on one side only: as given, or "clip" where there were too few groups.
    note : str
        What a reader of the results must know, "" where all went as wished.
    """

    split: list
    grouped_by: str
    note: str


def joined(groups, contents):
    """Groups with those joined that hold the same audio.

    Parameters
    ----------
    groups : sequence of str, length n
        Speaker, artist or song of each clip.
    contents : sequence of str, length n
        Hash of each clip's audio, see `mer.data.store`.

    Returns
    -------
    list of str
        Per clip the name of the first group that its group is tied to by a duplicate.
    """
    parent, first = {}, {}

    def top(name):
        while parent.setdefault(name, name) != name:
            name = parent[name]
        return name

    for group, content in sorted(zip(groups, contents, strict=True)):
        one, other = sorted((top(group), top(first.setdefault(content, group))))
        parent[other] = one
    return [top(group) for group in groups]


def draw(*, ids, groups, labels, seed, test_fraction, val_fraction, grouped_by, same=None):
    """Draw a split in which no group stands on two sides and every side has its share of every class.

    Many random splits are drawn, each of them stratified by the class that most clips of a group have; the
    one whose counts per side and class are nearest to the wanted ones is kept, and single groups are moved
    as long as that brings it nearer. The outcome depends on the seed and on the clips, not on their order.
    (scikit-learn's stratified splits do not group, its grouped ones do not stratify, and either leaves a
    class of three clips without a test or validation clip.)

    Parameters
    ----------
    ids, groups, labels : sequence of str, length n
        Unique clip ids; their speaker, artist or song; their class, "" for speech.
    seed : int
    test_fraction : float in (0, 1)
        Share of all clips in test.
    val_fraction : float in (0, 1)
        Share of the other clips in val.
    grouped_by : str
        What the groups are, for the note.
    same : sequence of str, length n, or None
        What stays together even where there are too few groups: equal for the same audio. None: the ids.

    Returns
    -------
    Drawn

    Raises
    ------
    MerError
        Fewer than 3 clips.
    """
    if len(ids) < len(SPLITS):
        raise MerError(f"{len(ids)} clips cannot be split into train, val and test: give at least 3")
    what = grouped_by
    owners, grouped_by = owners_of(groups, same or ids, grouped_by)
    wanted = split_search.shares(test_fraction, val_fraction)
    split = [SPLITS[index] for index in split_search.best(owners, labels, wanted, np.random.default_rng(seed))]
    return Drawn(split, grouped_by, caveats(split, groups, labels, wanted, grouped_by, what))


def owners_of(groups, same, grouped_by):
    """What stays on one side of a split: the groups, or single clips where there are fewer groups than sides.

    Parameters
    ----------
    groups : sequence of str, length n
    same : sequence of str, length n
        Equal for clips with the same audio, which stay together in either case.
    grouped_by : str
        What the groups are.

    Returns
    -------
    owners : sequence of str, length n
    grouped_by : str
        As given, or "clip".
    """
    return (groups, grouped_by) if len(set(groups)) >= len(SPLITS) else (same, "clip")


def caveats(split, groups, labels, wanted, grouped_by, what):
    """What a reader of results must know of a split: too few groups, sides far from their size, classes missing.

    Parameters
    ----------
    split, groups, labels : sequence of str, length n
    wanted : np.ndarray, shape (3,)
        From `split_search.shares`.
    grouped_by : str
        From `owners_of`.
    what : str
        What the groups are: "artist", ...

    Returns
    -------
    str
        "" where all is as wished.
    """
    few, n_groups = "", len(set(groups))
    if n_groups < len(SPLITS):
        few = (f"only {n_groups} {what}{'s' * (n_groups > 1)}: split by clip, so the same {what} stands "
               "on several sides and the scores say nothing about a new one")
    return "; ".join(filter(None, [few, *split_search.uneven(split, labels, wanted, grouped_by)]))


def draw_per_clip(*, ids, groups, labels, seed, test_fraction, val_fraction):
    """Draw as the published program did: clip by clip within each class, whatever group they belong to.

    For comparison only: clips of one artist stand on several sides.

    Parameters
    ----------
    ids, groups, labels : sequence of str, length n
        As for `draw`; groups that are `joined` count copies of the same audio too.
    seed : int
    test_fraction, val_fraction : float in (0, 1)
        As for `draw`.

    Returns
    -------
    Drawn
        The note counts the test clips whose group or audio is trained on too.
    """
    rng, side = np.random.default_rng(seed), np.empty(len(ids), object)
    order = np.argsort(np.asarray(ids, str), kind="stable")
    labels = np.asarray(labels, str)
    for name in np.unique(labels):
        members = rng.permutation(order[labels[order] == name])
        ends = np.rint(np.cumsum(split_search.shares(test_fraction, val_fraction)) * len(members)).astype(int)
        for where, part in zip(SPLITS, np.split(members, ends[:-1]), strict=True):
            side[part] = where
    return Drawn(side.tolist(), "clip", per_clip_caveat(side.tolist(), groups, seed))


def per_clip_caveat(split, groups, seed):
    """How many test clips of a split that ignores groups share their group or audio with training.

    Parameters
    ----------
    split, groups : sequence of str, length n
        Groups that are `joined` count copies of the same audio too.
    seed : int
        With which it was drawn.
    """
    trained = {group for group, where in zip(groups, split, strict=True) if where != "test"}
    test = [group for group, where in zip(groups, split, strict=True) if where == "test"]
    shared = sum(group in trained for group in test)
    return (f"drawn clip by clip with seed {seed}, without groups, as the published program did: {shared} of "
            f"{len(test)} test clips share their group or audio with training; for comparison only")


def draw_folds(*, ids, groups, labels, seed, n_folds, val_fraction):
    """Cross-validation with whole groups: every clip is in the test of exactly one fold.

    scikit-learn's StratifiedGroupKFold makes the folds and, from the rest of each, the validation side.

    Parameters
    ----------
    ids, groups, labels : sequence of str, length n
        As for `draw`.
    seed : int
    n_folds : int >= 2
    val_fraction : float in (0, 1)
        Share of the clips outside of a fold's test that chooses when to stop.

    Returns
    -------
    list of list of str
        Per fold, the side of every clip in the order of `ids`.

    Raises
    ------
    MerError
        Fewer groups than folds, too few to validate on, or no class with a clip for every fold.
    """
    from sklearn.model_selection import StratifiedGroupKFold  # slow to import, and only wanted here
    n_val = max(2, round(1 / val_fraction))
    n_groups = len(set(groups))
    if n_groups < n_folds + 2:
        raise MerError(f"{n_folds} folds of whole groups need at least {n_folds + 2} groups, and there are {n_groups}: "
                       "ask for fewer folds")
    most = max(Counter(labels).values())
    if most < n_folds:
        raise MerError(f"{n_folds} folds need a class of at least {n_folds} clips, and the largest has {most}: ask for "
                       "fewer folds")
    order = np.argsort(np.asarray(ids, str), kind="stable")  # the folds depend on the clips, not on their order
    group, label = np.asarray(groups, object)[order].astype(str), np.asarray(labels, object)[order].astype(str)
    folds = []
    for fold, (rest, test) in enumerate(_group_folds(StratifiedGroupKFold, n_folds, seed, group, label)):
        side = np.full(len(ids), "train", object)
        side[order[test]] = "test"
        inner = max(2, min(n_val, len(set(group[rest])), max(Counter(label[rest]).values())))
        _, val = next(_group_folds(StratifiedGroupKFold, inner, seed + fold, group[rest], label[rest]))
        side[order[rest[val]]] = "val"
        folds.append(side.tolist())
    return folds


def _group_folds(kind, n_folds, seed, group, label):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a class with fewer clips than folds: the report counts them
        yield from kind(n_folds, shuffle=True, random_state=seed).split(group, label, group)


def check(ids, groups, split, contents=()):
    """Leak test.

    Parameters
    ----------
    ids, groups, split : sequence of str, length n
    contents : sequence of str, length n or 0
        Hash of each clip's audio.

    Raises
    ------
    MerError
        A group, or the same audio under two names, stands on two sides.
    """
    for names, what in ((groups, "group {!r}"), (contents, "the same audio")):
        first = {}
        for name, key, side in zip(ids, names, split, strict=False):
            other, other_side = first.setdefault(key, (name, side))
            if other_side != side:
                raise MerError(f"leak: {what.format(key)} stands on two sides of the split, {other} in {other_side} "
                               f"and {name} in {side}: put both on one side, or draw a split with --split draw")


def published(clips):
    """The split that the corpus or the user's csv gives, or None where it is not whole.

    Parameters
    ----------
    clips : sequence of mer.corpora.Clip

    Returns
    -------
    list of str or None
        None where a clip has no split or a side no clip; `published_gap` says which. It may leak: `check` it.
    """
    counts = Counter(clip.split for clip in clips)
    whole = not counts[None] and all(counts[name] for name in SPLITS)
    return [clip.split for clip in clips] if whole else None


def published_gap(clips):
    """Why the split that a corpus gives cannot be used, for the log; "" where it can, or there is none."""
    counts = Counter(clip.split for clip in clips)
    absent = [name for name in SPLITS if not counts[name]]
    if counts[None] == len(clips) or not (counts[None] or absent):
        return ""
    lack = f"none for {counts[None]} of {len(clips)} clips" if counts[None] else f"no clip in {' and '.join(absent)}"
    return f"the published split is not whole ({lack}), so one is drawn"
