"""Train, val and test: drawn once per corpus, stratified, grouped and seeded; saved, loaded, checked for leaks."""

import csv
import os
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mer import MerError, tables

SPLITS = ("train", "val", "test")
_TRAIN, _VAL, _TEST = range(3)
N_CANDIDATES = 200
_MOST_DRAWS = 4_000_000    # candidates x groups: fewer candidates suffice where there are many groups
_MOST_MOVES = 500
_UNEVEN = 0.25             # a side that misses its size by more than this share is told in the note


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


def draw(*, ids, groups, labels, seed, test_fraction, val_fraction, grouped_by):
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
    owners, note, n_groups = groups, "", len(set(groups))
    if n_groups < len(SPLITS):
        note = (f"only {n_groups} {grouped_by}{'s' * (n_groups > 1)}: split by clip, so the same {grouped_by} stands "
                "on several sides and the scores say nothing about a new one")
        owners, grouped_by = ids, "clip"
    rest = 1 - test_fraction
    shares = np.array([rest * (1 - val_fraction), rest * val_fraction, test_fraction])  # in the order of SPLITS
    side = _best(owners, labels, shares, np.random.default_rng(seed))
    notes = filter(None, [note, *_uneven(side, labels, shares, grouped_by)])
    return Drawn([SPLITS[index] for index in side], grouped_by, "; ".join(notes))


def _best(owners, classes, shares, rng):
    """Side of every clip, shape (n,), of the best of many candidates."""
    group, table = _count(owners, classes)                            # (n,), (groups, classes)
    draws = int(np.clip(_MOST_DRAWS // len(table), 1, N_CANDIDATES))
    best = _candidates(table, table.argmax(1), shares, rng, draws)
    if len(np.unique(best)) < len(SPLITS):  # classes of one or two groups each: whole sides can stay empty
        best = _candidates(table, np.zeros(len(table), int), shares, rng, draws)
    return _refine(best, table, shares)[group]


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
        n_test = int((place < shares[_TEST]).sum())
        n_val = int((place < shares[_TEST] + shares[_VAL]).sum()) - n_test
        if len(members) >= len(SPLITS):
            n_test = min(max(n_test, 1), len(members) - 2)
            n_val = min(max(n_val, 1), len(members) - 1 - n_test)
        side[members[:n_test]] = _TEST
        side[members[n_test:n_test + n_val]] = _VAL
        side[members[n_test + n_val:]] = _TRAIN
    return side


def _cost(side, table, shares, possible):
    """Distance from the wanted counts (chi-square); far above it where a class misses a side it could reach."""
    counts = _per_side(side, np.column_stack([table, table.sum(1)]))  # (sides, classes + total)
    wanted = shares[:, None] * counts.sum(0)
    reached = counts[:, :-1] > 0
    # train first, then test, then val: where a class has too few groups, these are the sides to have it on
    urgent = reached[[_TRAIN, _TEST, _VAL]] | (np.arange(len(SPLITS))[:, None] >= possible)
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


def _uneven(side, classes, shares, grouped_by):
    """Sentences on what is not as wished: sizes far off, classes missing on a side."""
    total, notes = len(side), []
    for index, share in enumerate(shares):
        size, wanted = int((side == index).sum()), share * total
        if abs(size - wanted) > max(2, _UNEVEN * wanted):
            notes.append(f"{SPLITS[index]} has {size} of {total} clips instead of {wanted:.0f}, since groups "
                         f"({grouped_by}) are kept whole and every class is wanted on every side")
        there = {classes[clip] for clip in np.flatnonzero(side == index)}
        if set(classes) - there:
            notes.append(f"{SPLITS[index]} has no clip of {', '.join(sorted(set(classes) - there))}")
    return notes


def save(path, ids, groups, labels, split):
    """Write a split as csv: clip, group, label, split; sorted by clip, complete or not at all.

    Parameters
    ----------
    path : path
    ids, groups, labels, split : sequence of str, length n
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(temporary, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("clip", "group", "label", "split"))
            writer.writerows(sorted(zip(ids, groups, labels, split, strict=True)))
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def load(path, ids):
    """Read a split for these clips; the user's own file needs no columns but clip and split.

    Parameters
    ----------
    path : path
    ids : sequence of str
        Every one must be in the file, exactly once; other rows do no harm.

    Returns
    -------
    list of str
        "train", "val" or "test" per id.

    Raises
    ------
    MerError
        A clip is missing or listed twice, a split name is unknown, a side is empty, or it is no such csv.
    """
    table = tables.read(path)
    if not {"clip", "split"} <= set(table.columns):
        raise MerError(f"{path} has the columns {', '.join(table.columns)[:200]}: expected clip and split")
    known = {}
    for line, cells in table.rows:
        name, side = unicodedata.normalize("NFC", cells["clip"]), tables.split_name(cells["split"])
        if side is None:
            raise MerError(f"{path}, line {line}: split {cells['split']!r} is none of {', '.join(SPLITS)}")
        if name in known:
            raise MerError(f"{path}, line {line}: {name} is listed twice; keep one of the two rows")
        known[name] = side
    split = [known.get(name.strip()) for name in ids]
    _complete(path, ids, split, known)
    return split


def _complete(path, ids, split, known):
    missing = [name for name, side in zip(ids, split, strict=True) if side is None]
    if missing:
        extra = sorted(set(known) - set(ids))
        other = f", and lists {len(extra)} unknown ones, for example {extra[0]}" if extra else ""
        raise MerError(f"{path} lacks {len(missing)} of {len(ids)} clips, the first is {missing[0]}{other}: add them, "
                       "or remove the file to have a split drawn")
    empty = [name for name in SPLITS if name not in split]
    if empty:
        raise MerError(f"{path} puts no clip into {' and '.join(empty)}: train, val and test all need some")


def check(ids, groups, split):
    """Leak test.

    Raises
    ------
    MerError
        A group stands on two sides.
    """
    first = {}
    for name, group, side in zip(ids, groups, split, strict=True):
        other, other_side = first.setdefault(group, (name, side))
        if other_side != side:
            raise MerError(f"leak: {group!r} stands on two sides of the split, {other} in {other_side} and {name} in "
                           f"{side}: put a whole group on one side, or remove the split file to have one drawn")


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
