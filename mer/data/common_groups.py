"""Corpora of the same people (`PEOPLE` of a corpus file): nobody may train one of them and test the other.

The first one that has a split leads. Another one takes over where its people are: fold k of both tests the same ones.
"""

from mer import corpora, tables
from mer.data import split_files, split_search
from mer.data.datasets import stem


def leader(cfg, corpus, of=lambda name: name):
    """The corpus with the same people that has a split already.

    Parameters
    ----------
    cfg : Config
    corpus : module
    of : callable
        Stem of the files of a corpus -> that of the split, such as `split_files.fold_stem` of one fold.

    Returns
    -------
    (module, str) or None
        It and its stem. None where there is none, or its split names no groups.
    """
    for code in corpora.codes(corpus.KIND):
        other = corpora.get(corpus.KIND, code)
        table = split_files.paths(cfg, of(stem(other)))[0]
        if (corpus.PEOPLE and other.PEOPLE == corpus.PEOPLE and other is not corpus and table.exists()
                and all(row.get("group") for row in split_files.rows(table).values())):
            return other, stem(other)
    return None


def follow(cfg, names, *, ids, groups, labels, seed, shares=None, val_fraction=None):
    """The splits of another corpus, for the clips of this one: every group is where it is there.

    A group that the other one lacks goes to where its classes are wanted most. Where nobody here is on the validation
    side of the other one, a group of the training side is validated on; the test side stays the same.

    Parameters
    ----------
    cfg : Config
    names : sequence of str
        Stems of the splits of the other corpus: one, or those of all folds.
    ids, groups, labels, seed
        As for `split_search.update`.
    shares, val_fraction
        Of `split_search.update` for one split, or of `update_folds`.

    Returns
    -------
    list of list of str
        For each of `names`, the split of every clip of this corpus.
    """
    read = [split_files.rows(split_files.paths(cfg, name)[0]) for name in names]
    theirs = [f"other:{clip}" for clip in read[0]]
    saved = [{f"other:{clip}": split for clip, row in table.items() if (split := tables.split_name(row["split"]))}
             for table in read]
    both = {"ids": [*theirs, *ids], "groups": [*(row["group"] for row in read[0].values()), *groups],
            "labels": [*(row.get("label", "") for row in read[0].values()), *labels], "seed": seed}
    found = [split_search.update(saved[0], shares=shares, **both)[0]] if val_fraction is None else (
        split_search.update_folds(saved, val_fraction=val_fraction, **both)[0])
    mine = [split[len(theirs):] for split in found]
    for split in mine:
        if "val" not in split and "train" in split:
            first = min(group for group, where in zip(groups, split, strict=True) if where == "train")
            split[:] = ["val" if group == first else where for group, where in zip(groups, split, strict=True)]
    return mine
