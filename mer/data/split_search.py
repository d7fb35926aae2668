"""The search behind a split: many stratified candidates with whole groups, the best one refined."""

import numpy as np

SPLITS = ("train", "val", "test")
TRAIN, VAL, TEST = range(3)
N_CANDIDATES = 200
_MOST_DRAWS = 4_000_000    # candidates x groups: fewer candidates suffice where there are many groups
_MOST_MOVES = 500
_UNEVEN = 0.25             # a side that misses its size by more than this share is named in the note


def best(owners, classes, shares, rng):
    """The best of many candidates, refined.

    Parameters
    ----------
    owners, classes : sequence of str, length n
        What must stay on one side, and the class, per clip.
    shares : np.ndarray, shape (3,)
        Wanted share of the clips per side, in the order of `SPLITS`; they sum to 1.
    rng : np.random.Generator

    Returns
    -------
    np.ndarray of int, shape (n,)
        Side of every clip, an index into `SPLITS`.
    """
    group, table = _count(owners, classes)                            # (n,), (groups, classes)
    draws = int(np.clip(_MOST_DRAWS // len(table), 1, N_CANDIDATES))
    side = _candidates(table, table.argmax(1), shares, rng, draws)
    if len(np.unique(side)) < len(SPLITS):  # classes of one or two groups each: whole sides can stay empty
        side = _candidates(table, np.zeros(len(table), int), shares, rng, draws)
    return _refine(side, table, shares)[group]


def _count(owners, classes):
    """Group index of every clip, and clips per group and class."""
    _, group = np.unique(np.asarray(owners, str), return_inverse=True)
    names, label = np.unique(np.asarray(classes, str), return_inverse=True)
    table = np.zeros((group.max() + 1, len(names)), int)
    np.add.at(table, (group, label), 1)
    return group, table


def _candidates(table, stratum, shares, rng, draws):
    """The best of `draws` random assignments: side per group, shape (groups,)."""
    possible = np.minimum((table > 0).sum(0), len(SPLITS))            # sides that each class can reach
    best, best_cost = None, np.inf
    for _ in range(draws):
        side = _assign(table.sum(1), stratum, shares, rng)
        cost = _cost(side, table, shares, possible)
        if cost < best_cost:
            best, best_cost = side, cost
    return best


def _assign(sizes, stratum, shares, rng):
    """Random side per group; within a stratum the sides are consecutive runs of a shuffled order.

    A random offset (systematic sampling) makes the expected size of a side equal to its share although
    groups are whole; a stratum of three or more groups reaches every side.
    """
    side = np.empty(len(sizes), int)
    order = rng.permutation(len(sizes))
    for name in np.unique(stratum):
        members = order[stratum[order] == name]
        ends = np.cumsum(sizes[members])
        place = (ends - sizes[members] * rng.random()) / ends[-1]     # rises from 0 to 1
        n_test = int((place < shares[TEST]).sum())
        n_val = int((place < shares[TEST] + shares[VAL]).sum()) - n_test
        if len(members) >= len(SPLITS):
            n_test = min(max(n_test, 1), len(members) - 2)
            n_val = min(max(n_val, 1), len(members) - 1 - n_test)
        side[members[:n_test]] = TEST
        side[members[n_test:n_test + n_val]] = VAL
        side[members[n_test + n_val:]] = TRAIN
    return side


def _cost(side, table, shares, possible):
    """Distance from the wanted counts (chi-square); far above it where a class misses a side it could reach."""
    counts = _per_side(side, np.column_stack([table, table.sum(1)]))  # (sides, classes + total)
    wanted = shares[:, None] * counts.sum(0)
    reached = counts[:, :-1] > 0
    # train first, then test, then val: where a class has too few groups, these are the sides to have it on
    urgent = reached[[TRAIN, TEST, VAL]] | (np.arange(len(SPLITS))[:, None] >= possible)
    missing = (~urgent * np.array([[4], [2], [1]])).sum() + 8 * (counts[:, -1] == 0).sum()
    return ((counts - wanted) ** 2 / wanted).sum() + 1e9 * missing


def _per_side(side, table):
    return np.array([table[side == index].sum(0) for index in range(len(SPLITS))])


def _refine(side, table, shares):
    """Move single groups, the most useful first, while that brings the counts nearer to the wanted ones."""
    table = np.column_stack([table, table.sum(1)])                    # (groups, classes + total)
    wanted = shares[:, None] * table.sum(0)                           # (sides, classes + total)
    for _ in range(_MOST_MOVES):
        gain = _gains(side, table, _per_side(side, table), wanted)
        group, target = np.unravel_index(gain.argmax(), gain.shape)
        if gain[group, target] < 1e-9:
            break
        side[group] = target
    return side


def _gains(side, table, counts, wanted):
    """How much nearer (chi-square) each move of a group to a side brings the counts, shape (groups, sides)."""
    now = ((counts - wanted) ** 2 / wanted).sum(1)                    # (sides,)
    left, arrived = counts[side] - table, counts + table[:, None]
    gain = (now[side] - ((left - wanted[side]) ** 2 / wanted[side]).sum(1))[:, None]
    gain = gain + now - ((arrived - wanted) ** 2 / wanted).sum(2)
    gain[np.arange(len(side)), side] = 0
    gain[((left == 0) & (table > 0)).any(1)] = 0  # no side loses its last clip of a class
    return gain


def place(owners, classes, fixed, shares, rng):
    """Put new groups beside those that have their place, each where that brings the counts nearest to the wanted ones.

    Parameters
    ----------
    owners, classes : sequence of str, length n
        As for `best`.
    fixed : np.ndarray of int, shape (n,)
        Place of every clip, an index into `shares`; -1 for the clips of new groups.
    shares : np.ndarray, shape (places,)
        Wanted share of the clips per place; they sum to 1.
    rng : np.random.Generator
        Decides the order of groups that are equally large.

    Returns
    -------
    np.ndarray of int, shape (n,)
    """
    group, table = _count(owners, classes)
    table = np.column_stack([table, table.sum(1)])                    # (groups, classes + total)
    side = np.full(len(table), -1)
    side[group] = fixed
    wanted = shares[:, None] * table.sum(0)                           # (places, classes + total)
    counts = np.array([table[side == index].sum(0) for index in range(len(shares))])
    new = rng.permutation(np.flatnonzero(side < 0))
    for index in new[np.argsort(-table[new, -1], kind="stable")]:     # the largest first, as they are hardest to place
        cost = ((counts + table[index] - wanted) ** 2 - (counts - wanted) ** 2) / wanted
        side[index] = cost.sum(1).argmin()
        counts[side[index]] += table[index]
    return side[group]


def shares(test_fraction, val_fraction):
    """Wanted share of the clips per side, in the order of `SPLITS`, shape (3,).

    Parameters
    ----------
    test_fraction : float in (0, 1)
        Share of all clips in test.
    val_fraction : float in (0, 1)
        Share of the other clips in val.
    """
    rest = 1 - test_fraction
    return np.array([rest * (1 - val_fraction), rest * val_fraction, test_fraction])


def uneven(split, classes, shares, grouped_by):
    """Sentences on what is not as wished: sizes far off, classes missing on a side."""
    total, notes = len(split), []
    for name, share in zip(SPLITS, shares, strict=True):
        size, wanted = split.count(name), share * total
        if abs(size - wanted) > max(2, _UNEVEN * wanted):
            notes.append(f"{name} has {size} of {total} clips instead of {wanted:.0f}, since groups "
                         f"({grouped_by}) are kept whole and every class is wanted on every side")
        absent = set(classes) - {label for label, side in zip(classes, split, strict=True) if side == name}
        if absent:
            notes.append(f"{name} has no clip of {', '.join(sorted(absent))}")
    return notes
