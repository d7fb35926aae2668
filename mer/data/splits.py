"""Drawing a split: train, val and test, or folds; stratified by class, with whole groups, seeded; and the leak test."""

import warnings
from collections import Counter

import numpy as np

from mer import MerError
from mer.data import split_search
from mer.data.split_search import SPLITS, shares

_UNEVEN = 0.25  # a split that misses its size by more than this share is reported


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


def owners_of(groups, same, grouped_by):
    """What stays in one split: the groups, or single clips where there are fewer groups than splits.

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


def draw(*, ids, groups, labels, seed, test_fraction, val_fraction, grouped_by, same=None):
    """Draw a split in which every group is in one split only and every split has its share of every class.

    Many random splits are drawn, each of them stratified by the class that most clips of a group have; the
    one whose counts per split and class are nearest to the wanted ones is kept, and single groups are moved
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
        What the groups are.
    same : sequence of str, length n, or None
        What stays together even where there are too few groups: equal for the same audio. None: the ids.

    Returns
    -------
    split : list of str
        "train", "val" or "test" per clip, in the order of the ids given.
    facts : dict
        As `mer.data.split_files.describe` takes them: kind, grouped_by, seed, fractions, and those of `caveats`.

    Raises
    ------
    MerError
        Fewer than 3 clips.
    """
    if len(ids) < len(SPLITS):
        raise MerError(f"{len(ids)} clips cannot be split into train, val and test: give at least 3")
    owners, by = owners_of(groups, same or ids, grouped_by)
    wanted = shares(test_fraction, val_fraction)
    split = [SPLITS[index] for index in split_search.search(owners, labels, wanted, np.random.default_rng(seed))]
    return split, {"kind": "drawn", "grouped_by": by, "seed": seed, "test_fraction": test_fraction,
                   "val_fraction": val_fraction, **caveats(split, groups, labels, wanted, grouped_by)}


def caveats(split, groups, labels, wanted, grouped_by):
    """What is not as wished in a split: too few groups, sizes far off, classes missing.

    Parameters
    ----------
    split, groups, labels : sequence of str, length n
    wanted : np.ndarray, shape (3,)
        From `shares`.
    grouped_by : str
        What the groups are.

    Returns
    -------
    dict
        `few_groups` (n, what) and `uneven`, one dict for each split with `clips` and `wanted`, or `without` (classes);
        without the keys where all is as wished.
    """
    uneven, n_groups = [], len(set(groups))
    for name, share in zip(SPLITS, wanted * len(split), strict=True):
        if abs((size := split.count(name)) - share) > max(2, _UNEVEN * share):
            uneven.append({"split": name, "clips": size, "wanted": round(float(share)), "of": len(split)})
        absent = set(labels) - {label for label, where in zip(labels, split, strict=True) if where == name}
        if absent:
            uneven.append({"split": name, "without": sorted(absent)})
    few = {"few_groups": {"n": n_groups, "what": grouped_by}} if n_groups < len(SPLITS) else {}
    return few | ({"uneven": uneven} if uneven else {})


def draw_per_clip(*, ids, groups, labels, seed, test_fraction, val_fraction):
    """Draw as the published program did: clip by clip within each class, whatever group they belong to.

    For comparison only: clips of one artist are in several splits.

    Parameters
    ----------
    ids, groups, labels : sequence of str, length n
        As for `draw`; groups that are `joined` count copies of the same audio too.
    seed : int
    test_fraction, val_fraction : float in (0, 1)
        As for `draw`.

    Returns
    -------
    split : list of str
    facts : dict
        As for `draw`, with `shared`: how many test clips share their group or audio with training.
    """
    rng, split = np.random.default_rng(seed), np.empty(len(ids), object)
    order = np.argsort(np.asarray(ids, str), kind="stable")
    labels = np.asarray(labels, str)
    for name in np.unique(labels):
        members = rng.permutation(order[labels[order] == name])
        ends = np.rint(np.cumsum(shares(test_fraction, val_fraction)) * len(members)).astype(int)
        for where, part in zip(SPLITS, np.split(members, ends[:-1]), strict=True):
            split[part] = where
    return split.tolist(), {"kind": "per clip", "grouped_by": "clip", "seed": seed, "test_fraction": test_fraction,
                            "val_fraction": val_fraction, "shared": shared(split, groups)}


def shared(split, groups):
    """`n` of the `of` test clips whose group is in train or val too."""
    trained = {group for group, where in zip(groups, split, strict=True) if where != "test"}
    test = [group for group, where in zip(groups, split, strict=True) if where == "test"]
    return {"n": sum(group in trained for group in test), "of": len(test)}


def draw_folds(*, ids, groups, labels, seed, n_folds, val_fraction):
    """Cross-validation with whole groups: every clip is in the test of exactly one fold.

    scikit-learn's StratifiedGroupKFold makes the folds and, from the rest of each, the validation split.

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
        Per fold, the split of every clip in the order of `ids`.

    Raises
    ------
    MerError
        Fewer groups than folds, too few to validate on, or no class with a clip for every fold.
    """
    from sklearn.model_selection import StratifiedGroupKFold  # slow to import, and only wanted here

    def cut(n, seed, group, label):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a class with fewer clips than folds: the report counts them
            yield from StratifiedGroupKFold(n, shuffle=True, random_state=seed).split(group, label, group)

    n_groups, most = len(set(groups)), max(Counter(labels).values())
    if n_groups < n_folds + 2:
        raise MerError(f"{n_folds} folds of whole groups need at least {n_folds + 2} groups, and there are {n_groups}: "
                       "ask for fewer folds")
    if most < n_folds:
        raise MerError(f"{n_folds} folds need a class of at least {n_folds} clips, and the largest has {most}: ask for "
                       "fewer folds")
    order = np.argsort(np.asarray(ids, str), kind="stable")  # the folds depend on the clips, not on their order
    group, label = np.asarray(groups, object)[order].astype(str), np.asarray(labels, object)[order].astype(str)
    folds = []
    for fold, (rest, test) in enumerate(cut(n_folds, seed, group, label)):
        split = np.full(len(ids), "train", object)
        split[order[test]] = "test"
        inner = max(2, min(max(2, round(1 / val_fraction)), len(set(group[rest])),
                           max(Counter(label[rest]).values())))
        _, val = next(cut(inner, seed + fold, group[rest], label[rest]))
        split[order[rest[val]]] = "val"
        folds.append(split.tolist())
    return folds


def leak(ids, groups, split, contents=()):
    """The first group, or the same audio under two names, that is in two splits; {} where there is none.

    Parameters
    ----------
    ids, groups, split : sequence of str, length n
    contents : sequence of str, length n or 0
        Hash of each clip's audio.

    Returns
    -------
    dict
        `group` (its name, "" for the same audio), `clips` and `splits` (two each).
    """
    for is_group, names in ((True, groups), (False, contents)):
        first = {}
        for name, key, where in zip(ids, names, split, strict=False):
            other, there = first.setdefault(key, (name, where))
            if there != where:
                return {"group": key if is_group else "", "clips": [other, name], "splits": [there, where]}
    return {}
