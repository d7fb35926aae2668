"""Splits on disk: a csv with the columns clip, group, label, split; a user's own needs only clip and split.

Beside the csv of a split that the project made stands a json: how it came about, and the hash of the csv as it was
made, so that an edited one is known.
"""

import csv
import itertools
import os
import unicodedata
from pathlib import Path

from mer import MerError, files, tables, text
from mer.data.split_search import SPLITS

_SCHEMA = {"type": "object", "properties": {
    "kind": {"type": "string"}, "grouped_by": {"type": "string"}, "note": {"type": "string"},
    "sha256": {"type": "string"}, "seed": {"type": ["integer", "null"]}, "asked": {"type": "boolean"},
    "more": {"type": "string"}, "test_fraction": {"type": "number"}, "val_fraction": {"type": "number"},
    "n_added": {"type": "integer"}, "n_moved": {"type": "integer"},
    "left": {"type": "object", "additionalProperties": {"enum": list(SPLITS)}}},
    "required": ["kind", "grouped_by", "note", "sha256"]}


def paths(cfg, name):
    """The csv and the json of a split, by the stem of their names."""
    return cfg.features_dir / f"{name}.splits.csv", cfg.features_dir / f"{name}.splits.json"


def fold_stem(name, number, n_folds):
    """Stem of the files of one fold; `number` counts from 1."""
    return f"{name}.fold_{number}of{n_folds}"


def rows(table):
    """Clip to row of the csv of a split."""
    found = [{name: text.spreadsheet_read(cell) for name, cell in row.items()} for _, row in tables.read(table).rows]
    return {unicodedata.normalize("NFC", row.get("clip", "")): row for row in found}


def keep(table):
    """Give a csv another name, which is returned; one that was kept before stays."""
    numbers = itertools.chain([""], itertools.count(2))
    kept = next(path for number in numbers if not (path := table.with_suffix(f".old{number}.csv")).exists())
    os.replace(table, kept)
    return kept.name


def record(cfg, name, columns, split, *, note, **known):
    """Write csv and json of a split; a csv that the user edited is kept aside.

    Parameters
    ----------
    cfg : Config
    name : str
        Stem of the files.
    columns : dict
        clip, group and label, sequences of str of length n.
    split : sequence of str, length n
    note : str
        What a reader of the results must know.
    **known
        Further facts: kind, grouped_by, seed, ...
    """
    table, about_path = paths(cfg, name)
    with files.writing(table) as staged:
        save(staged, columns["clip"], columns["group"], columns["label"], split)
        hashed = files.sha256(staged)
        if table.exists() and files.sha256(table) not in (hashed, made_with(cfg, name).get("sha256")):
            print(f"{table.name} was not as it had been made: it is kept as {keep(table)}")
        files.write_json(about_path, {**known, "note": note, "sha256": hashed})
        # the csv comes last: an interruption must not leave a drawn csv that looks like the user's own


def made_with(cfg, name):
    """The json of a split, whether or not its csv was edited since; {} where there is none.

    Raises
    ------
    files.Damaged
        It is there and cannot be what was written.
    """
    path = paths(cfg, name)[1]
    try:
        return files.read_json(path, schema=_SCHEMA, remedy="remove it, and the split beside it counts as your own, or "
                               "remove both to have one drawn")
    except FileNotFoundError:
        return {}


def facts(cfg, name):
    """How a split came about: kind, grouped_by, note, seed, sha256; edited, it is the user's own."""
    table, known = paths(cfg, name)[0], made_with(cfg, name)
    hashed = files.sha256(table)
    if known.get("sha256") == hashed:
        return known
    return {"kind": "given", "grouped_by": "given", "seed": None, "sha256": hashed,
            "note": f"the split is {table.name} as the user left it"}


def save(path, ids, groups, labels, split):
    """Write a split as csv: clip, group, label, split; sorted by clip, complete or not at all.

    Parameters
    ----------
    path : path
    ids, groups, labels, split : sequence of str, length n
    """
    with files.writing(Path(path)) as temporary, open(temporary, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("clip", "group", "label", "split"))
        rows_of_file = sorted(zip(ids, groups, labels, split, strict=True))
        writer.writerows(map(text.spreadsheet_safe, row) for row in rows_of_file)


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
    table = tables.read(path, names=ids)
    if not {"clip", "split"} <= set(table.columns):
        raise MerError(f"{path} has the columns {', '.join(table.columns)[:200]}: expected clip and split")
    known = {}
    for line, cells in table.rows:
        name = unicodedata.normalize("NFC", text.spreadsheet_read(cells["clip"]))
        side = tables.split_name(cells["split"])
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
