"""The search behind a split: many stratified candidates with whole groups, the best refined; and its updates."""

from collections import Counter

import numpy as np

SPLITS = ("train", "val", "test")
TRAIN, VAL, TEST = range(3)
N_CANDIDATES = 200
_MOST_DRAWS = 4_000_000    # candidates x groups: fewer candidates suffice where there are many groups
_MOST_MOVES = 500


def shares(test_fraction, val_fraction):
    """Wanted share of the clips per split, in the order of `SPLITS`, shape (3,).

    Parameters
    ----------
    test_fraction : float in (0, 1)
        Share of all clips in test.
    val_fraction : float in (0, 1)
        Share of the other clips in val.
    """
    rest = 1 - test_fraction
    return np.array([rest * (1 - val_fraction), rest * val_fraction, test_fraction])


def _count(owners, classes):
    """Group index of every clip, and clips per group and class, shape (groups, classes)."""
    _, group = np.unique(np.asarray(owners, str), return_inverse=True)
    names, label = np.unique(np.asarray(classes, str), return_inverse=True)
    table = np.zeros((group.max() + 1, len(names)), int)
    np.add.at(table, (group, label), 1)
    return group, table


def search(owners, classes, shares, rng):
    """The best of many candidates, refined: index of the split of every clip, shape (n,)."""
    group, table = _count(owners, classes)
    n_draws = int(np.clip(_MOST_DRAWS // len(table), 1, N_CANDIDATES))
    totals = np.column_stack([table, table.sum(1)])                   # (groups, classes + total)
    wanted = shares[:, None] * totals.sum(0)                          # (splits, classes + total)
    # train first, then test, then val: where a class has too few groups, these are the splits to have it in
    reachable = np.arange(len(SPLITS))[:, None] < np.minimum((table > 0).sum(0), len(SPLITS))

    def count(split):
        return np.array([totals[split == index].sum(0) for index in range(len(SPLITS))])

    def cost(split):
        """Distance from the wanted counts (chi-square); far above it where a class misses a split it could reach."""
        counts = count(split)
        missing = (reachable & (counts[[TRAIN, TEST, VAL], :-1] == 0)) * np.array([[4], [2], [1]])
        return ((counts - wanted) ** 2 / wanted).sum() + 1e9 * (missing.sum() + 8 * (counts[:, -1] == 0).sum())

    for stratum in (table.argmax(1), np.zeros(len(table), int)):
        split = min((_assign(table.sum(1), stratum, shares, rng) for _ in range(n_draws)), key=cost)
        if len(np.unique(split)) == len(SPLITS):
            break  # else classes of one or two groups each left a split empty: without strata
    for _ in range(_MOST_MOVES):  # of single groups, the most useful first
        counts = count(split)
        now = ((counts - wanted) ** 2 / wanted).sum(1)                # (splits,)
        left, arrived = counts[split] - totals, counts + totals[:, None]
        gain = (now[split] - ((left - wanted[split]) ** 2 / wanted[split]).sum(1))[:, None]
        gain = gain + now - ((arrived - wanted) ** 2 / wanted).sum(2)
        gain[np.arange(len(split)), split] = 0
        gain[((left == 0) & (totals > 0)).any(1)] = 0                 # no split loses its last clip of a class
        index, target = np.unravel_index(gain.argmax(), gain.shape)
        if gain[index, target] < 1e-9:
            break
        split[index] = target
    return split[group]


def _assign(sizes, stratum, shares, rng):
    """Random split per group; within a stratum the splits are consecutive runs of a shuffled order.

    A random offset (systematic sampling) makes the expected size of a split equal to its share although
    groups are whole; a stratum of three or more groups reaches every split.
    """
    split = np.empty(len(sizes), int)
    order = rng.permutation(len(sizes))
    for name in np.unique(stratum):
        members = order[stratum[order] == name]
        ends = np.cumsum(sizes[members])
        rank = (ends - sizes[members] * rng.random()) / ends[-1]      # rises from 0 to 1
        n_test = int((rank < shares[TEST]).sum())
        n_val = int((rank < shares[TEST] + shares[VAL]).sum()) - n_test
        if len(members) >= len(SPLITS):
            n_test = min(max(n_test, 1), len(members) - 2)
            n_val = min(max(n_val, 1), len(members) - 1 - n_test)
        split[members[:n_test]] = TEST
        split[members[n_test:n_test + n_val]] = VAL
        split[members[n_test + n_val:]] = TRAIN
    return split


def add_groups(owners, classes, fixed, shares, rng):
    """Add new groups to a split (or folds), each where it brings the counts nearest to the wanted ones.

    Parameters
    ----------
    owners, classes : sequence of str, length n
        What stays together, and the class, per clip.
    fixed : np.ndarray of int, shape (n,)
        Split of every clip, an index into `shares`; -1 for the clips of new groups.
    shares : np.ndarray, shape (splits,)
        Wanted share of the clips per split; they sum to 1.
    rng : np.random.Generator
        Decides the order of groups that are equally large.

    Returns
    -------
    np.ndarray of int, shape (n,)
    """
    group, table = _count(owners, classes)
    table = np.column_stack([table, table.sum(1)])                    # (groups, classes + total)
    split = np.full(len(table), -1)
    split[group] = fixed
    wanted = shares[:, None] * table.sum(0)                           # (splits, classes + total)
    counts = np.array([table[split == index].sum(0) for index in range(len(shares))])
    new = rng.permutation(np.flatnonzero(split < 0))
    for index in new[np.argsort(-table[new, -1], kind="stable")]:     # the largest first, as they are hardest to fit
        cost = ((counts + table[index] - wanted) ** 2 - (counts - wanted) ** 2) / wanted
        split[index] = cost.sum(1).argmin()
        counts[split[index]] += table[index]
    return split[group]


# ---- a saved split of clips that came, left or changed their group ---------------------------------------------------


def update(saved, *, ids, groups, labels, shares, seed, only_add=False):
    """A saved split of the clips that there are now: every clip that it has keeps its split.

    New clips go with their group, new groups to where their classes are wanted most. A clip moves only where its group
    would else be in two splits, and then as few clips as possible do, none of them from test to train.

    Parameters
    ----------
    saved : dict
        Clip to split.
    ids, groups, labels : sequence of str, length n
        Clips; what must stay in one split; classes ("" for speech).
    shares : np.ndarray, shape (3,)
        Wanted share of the clips per split, in the order of `SPLITS`.
    seed : int
        Decides between splits that are equally good for a new group.
    only_add : bool
        Move no clip, since somebody chose its split; a new clip goes to the split that has most of its group.

    Returns
    -------
    split : list of str, length n
        The same for the same clips in any order. No group is in two splits, unless `only_add`.
    added, moved : list of str
        Clips that were not saved, and that were in another split.
    """
    known = [SPLITS.index(saved[name]) if name in saved else None for name in ids]
    split = _keep(known, groups, labels, shares, seed, protect_test=True)
    if only_add:
        split = [new if old is None else old for old, new in zip(known, split, strict=True)]
    return _changes([SPLITS[index] for index in split], saved, ids)


def update_folds(saved, *, ids, groups, labels, val_fraction, seed):
    """The saved folds of a cross-validation, of the clips that there are now.

    Parameters
    ----------
    saved : sequence of dict
        Per fold, clip to split; every clip is in the test of one.
    ids, groups, labels, seed
        As for `update`.
    val_fraction : float in (0, 1)
        Share of val in the clips that are not tested.

    Returns
    -------
    list of list of str
        Per fold, the split of every clip. No group is in two splits of a fold.
    added, moved : list of str
        Clips that were not saved, and that were in the test of another fold.
    """
    tested = {name: index for index, fold in enumerate(saved) for name, split in fold.items() if split == "test"}
    fold_of, folds = _keep([tested.get(name) for name in ids], groups, labels, np.full(len(saved), 1 / len(saved)),
                           seed), []
    for index, fold in enumerate(saved):
        rest = [i for i, number in enumerate(fold_of) if number != index]
        known = [SPLITS.index(split) if (split := fold.get(ids[i])) in ("train", "val") else None for i in rest]
        kept = _keep(known, [groups[i] for i in rest], [labels[i] for i in rest],
                     np.array([1 - val_fraction, val_fraction]), seed + index)
        split_of = dict(zip(rest, kept, strict=True))
        folds.append([SPLITS[split_of.get(i, TEST)] for i in range(len(ids))])
    return folds, *_changes(fold_of, tested, ids)[1:]


def _changes(now, saved, ids):
    return (now, [name for name in ids if name not in saved],
            [name for name, where in zip(ids, now, strict=True) if saved.get(name, where) != where])


def _keep(known, groups, labels, shares, seed, *, protect_test=False):
    """Split of every clip: that of most of its group (of equal counts the last), else where its class is wanted most.

    With `protect_test`, no group goes from test to train.
    """
    counts = {}
    for group, split in zip(groups, known, strict=True):
        if split is not None:
            counts.setdefault(group, Counter())[split] += 1
    split_of = {group: max((split for split in count if split != TRAIN or not (protect_test and count[TEST])),
                           key=lambda split, count=count: (count[split], split)) for group, count in counts.items()}
    fixed = np.array([split_of.get(group, -1) for group in groups], int)
    if (fixed < 0).any():
        fixed = add_groups(groups, labels, fixed, shares, np.random.default_rng(seed))
    return fixed.tolist()
