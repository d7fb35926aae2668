"""Splits on disk: a csv with the columns clip, group, label, split; a user's own needs only clip and split."""

import csv
import os
import unicodedata
from pathlib import Path

from mer import MerError, tables
from mer.split_search import SPLITS


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
