"""A saved split meets clips that came, left or changed their group: every clip that it knows keeps its side.

New clips go with their group, new groups to where their classes are wanted most. A clip that is known moves only where
its group would else stand on two sides, and then as few clips as possible do, none of them from test to train.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from mer.data import split_search
from mer.data.split_search import SPLITS


@dataclass(frozen=True)
class Updated:
    """A split, or the test folds, of the clips that there are now.

    Attributes
    ----------
    split : list
        Side ("train", "val", "test") or index of the fold per clip, in the order of the ids given.
    added : tuple of str
        Clips that were not known.
    moved : tuple of str
        Clips that were known, and on another side.
    """

    split: list
    added: tuple
    moved: tuple


def split(saved, *, ids, groups, labels, shares, seed, only_add=False):
    """Train, val and test.

    Parameters
    ----------
    saved : dict
        Clip to side.
    ids, groups, labels : sequence of str, length n
        Clips; what must stay on one side; classes ("" for speech).
    shares : np.ndarray, shape (3,)
        Wanted share of the clips per side, in the order of `SPLITS`.
    seed : int
        Decides between places for a new group that are equally good.
    only_add : bool
        Move no clip, since somebody chose its side; a new clip goes to the side that has most of its group.

    Returns
    -------
    Updated
        The same for the same clips in any order. No group is on two sides, unless `only_add`.
    """
    known = [SPLITS.index(saved[name]) if name in saved else None for name in ids]
    side = _settled(known, groups, labels, shares, seed, _side_of_most)
    if only_add:
        side = [new if old is None else old for old, new in zip(known, side, strict=True)]
    return _updated([SPLITS[index] for index in side], saved, ids)


def folds(saved, *, ids, groups, labels, val_fraction, seed):
    """Folds of a cross-validation.

    Parameters
    ----------
    saved : sequence of dict
        Per fold, clip to side; every clip is in the test of one.
    ids, groups, labels : sequence of str, length n
        As for `split`.
    val_fraction : float in (0, 1)
        Share of val in the clips that are not tested.
    seed : int

    Returns
    -------
    list of list of str
        Per fold, the side of every clip. No group is on two sides of a fold.
    updated : Updated
        Of the folds in which the clips are tested, by index.
    """
    tested = {name: index for index, sides in enumerate(saved) for name, side in sides.items() if side == "test"}
    shares = np.full(len(saved), 1 / len(saved))
    fold = _settled([tested.get(name) for name in ids], groups, labels, shares, seed, _most)
    shares, made = np.array([1 - val_fraction, val_fraction]), []
    for index, sides in enumerate(saved):
        rest = [i for i, tests in enumerate(fold) if tests != index]
        known = [SPLITS.index(side) if (side := sides.get(ids[i])) in ("train", "val") else None for i in rest]
        settled = _settled(known, [groups[i] for i in rest], [labels[i] for i in rest], shares, seed + index, _most)
        side = ["test"] * len(ids)
        for i, place in zip(rest, settled, strict=True):
            side[i] = SPLITS[place]
        made.append(side)
    return made, _updated(fold, tested, ids)


def _updated(made, saved, ids):
    added = tuple(name for name in ids if name not in saved)
    moved = tuple(name for name, place in zip(ids, made, strict=True) if saved.get(name, place) != place)
    return Updated(made, added, moved)


def _settled(known, groups, labels, shares, seed, choose):
    """Place of every clip: that of its group, where some clip of it has one, else where its class is wanted most."""
    counts = {}
    for group, place in zip(groups, known, strict=True):
        if place is not None:
            counts.setdefault(group, Counter())[place] += 1
    place_of = {group: choose(found) for group, found in counts.items()}
    fixed = np.array([place_of.get(group, -1) for group in groups], int)
    if (fixed < 0).any():
        fixed = split_search.place(groups, labels, fixed, shares, np.random.default_rng(seed))
    return fixed.tolist()


def _most(counts):
    """The place with most clips, of equal ones the last: val before train."""
    return max(counts, key=lambda place: (counts[place], place))


def _side_of_most(counts):
    """The side that unites a group with the fewest moves, none from test to train; of equal ones test, then val."""
    return _most({side: count for side, count in counts.items() if side or not counts[split_search.TEST]})
